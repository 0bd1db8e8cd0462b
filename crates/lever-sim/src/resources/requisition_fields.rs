//! Custom fields of requisitions. Lever: "Requisition fields"; fixtures `requisition-fields.list.json`,
//! `requisition-field.object.json`.

use serde_json::{Value, json};

use super::requisition_options::{self, option};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Fields, bad_field, missing};
use crate::world::{FieldKind, RequisitionField, Subfield, World};

const FIELDS: [&str; 6] = ["id", "text", "type", "isRequired", "subfields", "options"];
const KINDS: [&str; 5] = ["number", "text", "date", "object", "dropdown"];
const PLAIN: [&str; 3] = ["number", "text", "date"];
const MOST_FIELDS: usize = 100;
const MOST_SUBFIELDS: usize = 10;
const LONGEST_ID: usize = 50;

/// Lists all fields; there are no pages and no `hasNext` (recorded).
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let required = call.query.flag("isRequired")?;
    let kinds = call.query.choices("type", &KINDS)?;
    let holds = |it: &&RequisitionField| {
        required.is_none_or(|required| required == it.required)
            && (kinds.is_empty() || kinds.contains(&it.kind.name()))
    };
    let found = world.account.requisition_fields.iter().filter(holds);
    let data: Vec<Value> = found.map(RequisitionField::json).collect();
    Ok(Answer::json(200, json!({ "data": data })))
}

/// Reads one field.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    Ok(Answer::record(field(world, call)?.json()))
}

/// Creates a field under an id of the caller's choice.
pub(crate) fn create(world: &mut World, call: &Call<'_>) -> Outcome {
    let made = read(world, call)?;
    let taken = world.account.requisition_field(&made.id).is_some();
    if taken || world.account.requisition_fields.len() >= MOST_FIELDS {
        return Err(bad_field("id"));
    }
    let data = made.json();
    world.put_requisition_field(made);
    Ok(Answer::created(data))
}

/// Replaces a field; its id stays. Values that no longer fit can only be kept. Answers 200 like the other updates.
pub(crate) fn update(world: &mut World, call: &Call<'_>) -> Outcome {
    field(world, call)?;
    let changed = read(world, call)?;
    if changed.id != call.id(0) {
        return Err(bad_field("id"));
    }
    let data = changed.json();
    world.put_requisition_field(changed);
    Ok(Answer::record(data))
}

/// Deletes a field; requisitions keep its values.
pub(crate) fn delete(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = field(world, call)?.id.clone();
    world.change_account(|account| account.requisition_fields.retain(|it| it.id != id));
    Ok(Answer::nothing())
}

pub(super) fn field<'w>(
    world: &'w World,
    call: &Call<'_>,
) -> Result<&'w RequisitionField, Refusal> {
    let id = call.id(0);
    let found = world.account.requisition_field(id);
    found.ok_or_else(|| Refusal::no_field(id))
}

fn read(world: &mut World, call: &Call<'_>) -> Result<RequisitionField, Refusal> {
    let body = call.fields(&FIELDS)?;
    let id = body.needed("id")?;
    if !snake_case(id) {
        return Err(bad_field("id"));
    }
    let kind = match body
        .choice("type", &KINDS)?
        .ok_or_else(|| missing("type"))?
    {
        "number" => FieldKind::Number,
        "text" => FieldKind::Text,
        "date" => FieldKind::Date,
        "object" => FieldKind::Object(subfields(body)?),
        _ => FieldKind::Dropdown(options(world, body)?),
    };
    let (parts, choices) = (body.get("subfields"), body.get("options"));
    let stray = match kind {
        FieldKind::Object(_) => choices.is_some(),
        FieldKind::Dropdown(_) => parts.is_some(),
        _ => parts.is_some() || choices.is_some(),
    };
    if stray {
        return Err(bad_field("type"));
    }
    Ok(RequisitionField {
        id: id.to_owned(),
        text: body.needed("text")?.to_owned(),
        required: body.flag("isRequired")?.unwrap_or(false),
        kind,
    })
}

fn subfields(body: Fields<'_>) -> Result<Vec<Subfield>, Refusal> {
    let given = body.list("subfields")?;
    if given.is_empty() || given.len() > MOST_SUBFIELDS {
        return Err(bad_field("subfields"));
    }
    let subfield = |value| {
        let given = Fields::of(value, &["id", "text", "type"])?;
        let id = given.needed("id")?;
        let kind = given.choice("type", &PLAIN)?.filter(|_| snake_case(id));
        Ok(Subfield {
            id: id.to_owned(),
            text: given.needed("text")?.to_owned(),
            kind: kind.ok_or_else(|| bad_field("subfields"))?,
        })
    };
    given.iter().map(subfield).collect()
}

fn options(world: &mut World, body: Fields<'_>) -> Result<Vec<crate::world::FieldOption>, Refusal> {
    let given = body.list("options")?;
    requisition_options::check_count(0, given.len())?;
    given.iter().map(|value| option(world, value)).collect()
}

/// Lower-case letters, digits and underscores, at most 50 of them.
fn snake_case(id: &str) -> bool {
    let fits = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
    id.len() <= LONGEST_ID && id.bytes().all(fits)
}
