//! Applications of one opportunity. Lever: "Applications"; fixture `application.get.json`.

use serde_json::json;

use super::expand;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::world::{Application, World};

/// Lists the application of an opportunity, if there is one.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let opportunity = super::opportunity(world, call)?;
    let expanded =
        call.query
            .expand(&["posting", "postingOwner", "postingHiringManager", "user"])?;
    let contact = world.contact_of(opportunity);
    let item = |application: &Application| {
        let json = application.json(&opportunity.id, contact);
        let named = json!([application.created_at, application.id]);
        (named, expand::all(world, json, &expanded))
    };
    call.page_of(opportunity.application.iter().map(item).collect())
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
