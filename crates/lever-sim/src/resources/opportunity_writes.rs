//! Changing opportunities. Lever: "Opportunities"; fixtures `opportunity.*.response.json`.
//!
//! Most answers come back with the attributes of the contact blank, as recorded; the link calls fill them.

use super::{opportunity, perform_as};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, bad_field, missing};
use crate::world::{Labels, World, add_missing};

/// Moves an opportunity to a stage.
pub(crate) fn stage(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = opportunity(world, call)?.id.clone();
    let by = perform_as(world, call)?;
    let stage = call
        .fields(&["stage"])?
        .text("stage")?
        .ok_or_else(|| missing("stage"))?;
    known_stage(world, stage)?;
    world.move_stage(&id, stage, by, call.now);
    blanked(world, &id)
}

/// Archives, changes the reason, or unarchives.
pub(crate) fn archived(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = opportunity(world, call)?.id.clone();
    perform_as(world, call)?;
    let fields = call.fields(&["reason", "cleanInterviews", "requisitionId"])?;
    if fields.get("reason").is_none() {
        return Err(missing("reason"));
    }
    let reason = fields.text("reason")?;
    reason.map_or(Ok(()), |reason| known_reason(world, reason))?;
    let clean = fields.flag("cleanInterviews")?.unwrap_or(false);
    let requisition = fields.text("requisitionId")?;
    if let Some(requisition) = requisition {
        let hires = reason.and_then(|reason| world.account.reason(reason));
        if !hires.is_some_and(|reason| reason.hired) {
            return Err(bad_field("requisitionId"));
        }
        let checked = world.check_hire(&id, requisition);
        checked.map_err(|refused| Refusal::bad_request(refused.message()))?;
    }
    world.archive(&id, reason, call.now);
    if clean && reason.is_some() {
        world.cancel_interviews(&id, call.now);
    }
    if let Some(requisition) = requisition {
        world.hire_for(&id, requisition, call.now);
    }
    blanked(world, &id)
}

/// Adds tags; unknown ones come into being.
pub(crate) fn add_tags(world: &mut World, call: &Call<'_>) -> Outcome {
    label(world, call, Labels::Tags, true)
}

/// Removes tags; absent ones are ignored.
pub(crate) fn remove_tags(world: &mut World, call: &Call<'_>) -> Outcome {
    label(world, call, Labels::Tags, false)
}

/// Adds sources; unknown ones come into being.
pub(crate) fn add_sources(world: &mut World, call: &Call<'_>) -> Outcome {
    label(world, call, Labels::Sources, true)
}

/// Removes sources; absent ones are ignored.
pub(crate) fn remove_sources(world: &mut World, call: &Call<'_>) -> Outcome {
    label(world, call, Labels::Sources, false)
}

fn label(world: &mut World, call: &Call<'_>, labels: Labels, add: bool) -> Outcome {
    let id = opportunity(world, call)?.id.clone();
    perform_as(world, call)?;
    let name = match labels {
        Labels::Tags => "tags",
        Labels::Sources => "sources",
    };
    let values = call
        .fields(&[name])?
        .texts(name)?
        .ok_or_else(|| missing(name))?;
    if add {
        world.add_labels(&id, labels, values, call.now);
    } else {
        world.remove_labels(&id, labels, &values, call.now);
    }
    blanked(world, &id)
}

/// Adds links to the contact, and so to all its opportunities.
pub(crate) fn add_links(world: &mut World, call: &Call<'_>) -> Outcome {
    link(world, call, |links, given| {
        add_missing(links, given);
    })
}

/// Removes links from the contact; absent ones are ignored.
pub(crate) fn remove_links(world: &mut World, call: &Call<'_>) -> Outcome {
    link(world, call, |links, given| {
        links.retain(|link| !given.contains(link))
    })
}

fn link(
    world: &mut World,
    call: &Call<'_>,
    edit: impl FnOnce(&mut Vec<String>, Vec<String>),
) -> Outcome {
    let before = opportunity(world, call)?.clone();
    perform_as(world, call)?;
    let given = call
        .fields(&["links"])?
        .texts("links")?
        .ok_or_else(|| missing("links"))?;
    let contact = world.contact_of(&before);
    if contact.anonymized {
        return Err(Refusal::bad_request(
            "An anonymized contact cannot be updated",
        ));
    }
    let mut links = contact.links.clone();
    edit(&mut links, given);
    world.set_links(&before.contact, links, call.now);
    // The answer still shows the old `updatedAt` (recorded).
    Ok(Answer::record(
        before.written_json(world.contact_of(&before)),
    ))
}

fn blanked(world: &World, id: &str) -> Outcome {
    let changed = world
        .opportunity(id)
        .ok_or_else(|| Refusal::not_found("opportunities", id))?;
    Ok(Answer::record(
        changed.blanked_json(world.contact_of(changed)),
    ))
}

pub(super) fn known_stage(world: &World, id: &str) -> Result<(), Refusal> {
    world
        .account
        .stage(id)
        .filter(|stage| stage.active)
        .map(|_| ())
        .ok_or_else(|| bad_field("stage"))
}

/// A reason must exist and be active; whether Lever takes inactive ones is unknown.
pub(super) fn known_reason(world: &World, id: &str) -> Result<(), Refusal> {
    let reason = world.account.reason(id).filter(|reason| reason.active);
    reason.map(|_| ()).ok_or_else(|| bad_field("reason"))
}
