//! Contacts. Lever: "Contacts"; fixture `contact.get.json`.

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::world::World;

/// Reads one contact.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = call.id(0);
    let contact = world
        .contact(id)
        .ok_or_else(|| Refusal::not_found("contacts", id))?;
    Ok(Answer::record(contact.json()))
}
