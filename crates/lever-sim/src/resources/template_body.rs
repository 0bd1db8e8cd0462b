//! What templates of both kinds are written with.

use serde_json::Value;

use super::form_fields;
use crate::answer::Refusal;
use crate::call::{Call, Fields, bad_field};
use crate::world::{Template, World};

const FIELDS: [&str; 5] = ["text", "instructions", "group", "fields", "secretByDefault"];

/// The template a body describes, in the place of `known` or as a new one; all its fields get new ids.
pub(crate) fn read(
    world: &mut World,
    call: &Call<'_>,
    known: Option<Template>,
    kinds: &[&'static str],
) -> Result<Template, Refusal> {
    let body = call.fields(&FIELDS)?;
    let group = match body.text("group")? {
        None => None,
        Some(id) => {
            let group = world.account.groups.iter().find(|group| group.id == id);
            Some(group.cloned().ok_or_else(|| bad_field("group"))?)
        }
    };
    let fields = fields(world, body, kinds)?;
    let (id, created_at, made_by_api) = match known {
        Some(known) => (known.id, known.created_at, known.made_by_api),
        None => (world.new_id(), Some(call.now), true),
    };
    Ok(Template {
        id,
        text: body.needed("text")?.to_owned(),
        instructions: body.text("instructions")?.unwrap_or_default().to_owned(),
        group,
        fields,
        created_at,
        updated_at: Some(call.now),
        made_by_api,
        secret_by_default: body.flag("secretByDefault")?.unwrap_or(false),
    })
}

fn fields(
    world: &mut World,
    body: Fields<'_>,
    kinds: &[&'static str],
) -> Result<Vec<Value>, Refusal> {
    let given = body.list("fields")?;
    if given.is_empty() {
        return Err(bad_field("fields"));
    }
    let field = |value| form_fields::read(value, kinds, world.new_id());
    given.iter().map(field).collect()
}

/// Refuses to delete what was not made through the API.
pub(crate) fn deletable(template: &Template) -> Result<(), Refusal> {
    if template.made_by_api {
        return Ok(());
    }
    Err(Refusal::bad_request(
        "Only templates made through the API can be deleted",
    ))
}
