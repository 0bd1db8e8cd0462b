//! The choices of dropdown fields. Lever: "Requisition fields", options.

use serde_json::Value;

use super::requisition_fields::field;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Fields, bad_field, missing};
use crate::world::{FieldKind, FieldOption, RequisitionField, World};

/// In all, and in one request. (Another passage of the documentation says 2000 in one.)
const MOST: usize = 8000;
const MOST_AT_ONCE: usize = 4000;

/// Appends choices; answers the last of them, as the documented example does.
pub(crate) fn add(world: &mut World, call: &Call<'_>) -> Outcome {
    let (mut changed, mut options) = dropdown(world, call)?;
    let given = call.fields(&["values"])?.list("values")?;
    check_count(options.len(), given.len())?;
    for value in given {
        options.push(option(world, value)?);
    }
    let last = options.last().map(FieldOption::json);
    changed.kind = FieldKind::Dropdown(options);
    world.put_requisition_field(changed);
    Ok(Answer::created(last.ok_or_else(|| missing("values"))?))
}

/// Changes the texts of choices; answers the whole field.
pub(crate) fn update(world: &mut World, call: &Call<'_>) -> Outcome {
    let (mut changed, mut options) = dropdown(world, call)?;
    for value in call.fields(&["values"])?.list("values")? {
        let given = Fields::of(value, &["id", "text"])?;
        let id = given.needed("id")?;
        let known = options.iter_mut().find(|option| option.id == id);
        let known = known.ok_or_else(|| bad_field("values"))?;
        given.needed("text")?.clone_into(&mut known.text);
    }
    changed.kind = FieldKind::Dropdown(options);
    let data = changed.json();
    world.put_requisition_field(changed);
    Ok(Answer::record(data))
}

/// Removes choices by id. A DELETE with a body.
pub(crate) fn delete(world: &mut World, call: &Call<'_>) -> Outcome {
    let (mut changed, mut options) = dropdown(world, call)?;
    let ids = call.fields(&["values"])?.texts("values")?;
    let ids = ids
        .filter(|ids| !ids.is_empty())
        .ok_or_else(|| missing("values"))?;
    let known = |id: &String| options.iter().any(|option| option.id == *id);
    if !ids.iter().all(known) {
        return Err(bad_field("values"));
    }
    options.retain(|option| !ids.contains(&option.id));
    changed.kind = FieldKind::Dropdown(options);
    world.put_requisition_field(changed);
    Ok(Answer::nothing())
}

/// The field in the path with its choices; other kinds have none.
fn dropdown(
    world: &World,
    call: &Call<'_>,
) -> Result<(RequisitionField, Vec<FieldOption>), Refusal> {
    let found = field(world, call)?.clone();
    match &found.kind {
        FieldKind::Dropdown(options) => Ok((found.clone(), options.clone())),
        _ => Err(Refusal::bad_request("Only dropdown fields have options")),
    }
}

/// A new choice; one that comes with an id keeps it.
pub(super) fn option(world: &mut World, value: &Value) -> Result<FieldOption, Refusal> {
    let given = Fields::of(value, &["id", "text"])?;
    Ok(FieldOption {
        id: given.owned("id")?.unwrap_or_else(|| world.new_id()),
        text: given.needed("text")?.to_owned(),
    })
}

/// Refuses more choices than Lever holds or takes.
pub(super) fn check_count(known: usize, given: usize) -> Result<(), Refusal> {
    if given == 0 || given > MOST_AT_ONCE || known + given > MOST {
        return Err(bad_field("values"));
    }
    Ok(())
}
