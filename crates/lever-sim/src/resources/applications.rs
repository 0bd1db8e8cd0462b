//! Applications of one opportunity. Lever: "Applications"; fixture `application.get.json`.

use serde_json::{Value, json};

use super::expand;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::world::{Posting, World};

const USERS: [&str; 3] = ["postingOwner", "postingHiringManager", "user"];

/// Lists the application of an opportunity, if there is one.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let opportunity = super::opportunity(world, call)?;
    let expanded =
        call.query
            .expand(&["posting", "postingOwner", "postingHiringManager", "user"])?;
    let contact = world.contact_of(opportunity);
    let item = |application: &crate::world::Application| -> (Value, Value) {
        let mut json = application.json(&opportunity.id, contact);
        for attribute in &expanded {
            expand_attribute(world, &mut json, attribute);
        }
        (json!([application.created_at, application.id]), json)
    };
    call.page_of(opportunity.application.iter().map(item).collect())
}

fn expand_attribute(world: &World, application: &mut Value, attribute: &str) {
    if USERS.contains(&attribute) {
        expand::expand(application, attribute, |id| expand::user(world, id));
    } else {
        let posting = |id: &str| world.account.posting(id).map(Posting::json);
        expand::expand(application, attribute, posting);
    }
}

/// Reads one application.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let opportunity = super::opportunity(world, call)?;
    let id = call.id(1);
    let application = opportunity
        .application
        .as_ref()
        .filter(|application| application.id == id);
    let application = application.ok_or_else(|| Refusal::not_found("applications", id))?;
    Ok(Answer::record(
        application.json(&opportunity.id, world.contact_of(opportunity)),
    ))
}
