//! Contacts. Lever: "Contacts"; fixtures `contact.get.json`, `contact.update.response.json`.

use super::opportunity_create::phone;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Fields};
use crate::world::{Contact, World};

const FIELDS: [&str; 5] = ["name", "headline", "location", "emails", "phones"];

/// Reads one contact.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    Ok(Answer::record(contact(world, call)?.json()))
}

/// Changes what is given; the rest stays. The place is a text here, and an object when read.
pub(crate) fn update(world: &mut World, call: &Call<'_>) -> Outcome {
    let known = contact(world, call)?;
    if known.anonymized {
        return Err(Refusal::bad_request(
            "An anonymized contact cannot be updated",
        ));
    }
    let changed = merged(known.clone(), call.fields(&FIELDS)?)?;
    world.replace_contact(changed, call.now);
    Ok(Answer::record(contact(world, call)?.written_json()))
}

fn merged(known: Contact, fields: Fields<'_>) -> Result<Contact, Refusal> {
    let phones = fields.typed("phones", |value| {
        value.as_array()?.iter().map(phone).collect()
    })?;
    Ok(Contact {
        name: fields.owned("name")?.unwrap_or(known.name),
        headline: fields.owned("headline")?.unwrap_or(known.headline),
        location: fields.owned("location")?.unwrap_or(known.location),
        emails: fields.texts("emails")?.unwrap_or(known.emails),
        phones: phones.unwrap_or(known.phones),
        ..known
    })
}

fn contact<'w>(world: &'w World, call: &Call<'_>) -> Result<&'w Contact, Refusal> {
    let id = call.id(0);
    world
        .contact(id)
        .ok_or_else(|| Refusal::not_found("contacts", id))
}
