//! The handlers of the API, one module per resource.

pub(crate) mod add_postings;
pub(crate) mod applications;
pub(crate) mod apply;
pub(crate) mod apply_answers;
pub(crate) mod archive_reasons;
pub(crate) mod audit_events;
pub(crate) mod contacts;
pub(crate) mod deleted;
pub(crate) mod eeo;
pub(crate) mod expand;
pub(crate) mod feedback;
pub(crate) mod feedback_templates;
pub(crate) mod feedback_writes;
pub(crate) mod file_actions;
pub(crate) mod files;
pub(crate) mod form_fields;
pub(crate) mod form_templates;
pub(crate) mod forms;
pub(crate) mod html;
pub(crate) mod interview_writes;
pub(crate) mod labels;
pub(crate) mod notes;
pub(crate) mod offers;
pub(crate) mod opportunities;
pub(crate) mod opportunity_create;
pub(crate) mod opportunity_filter;
pub(crate) mod opportunity_form;
pub(crate) mod opportunity_writes;
pub(crate) mod panel_writes;
pub(crate) mod panels;
pub(crate) mod posting_body;
pub(crate) mod posting_users;
pub(crate) mod posting_writes;
pub(crate) mod postings;
pub(crate) mod referrals;
pub(crate) mod requisition_body;
pub(crate) mod requisition_fields;
pub(crate) mod requisition_options;
pub(crate) mod requisition_writes;
pub(crate) mod requisitions;
pub(crate) mod resumes;
pub(crate) mod shown;
pub(crate) mod stages;
pub(crate) mod surveys;
pub(crate) mod template_body;
pub(crate) mod uploads;
pub(crate) mod user_writes;
pub(crate) mod users;
pub(crate) mod webhooks;
pub(crate) mod window;

use serde_json::{Value, json};

pub(crate) use shown::Shown;

use crate::answer::{Outcome, Refusal};
use crate::call::{Call, Fields, bad_field, missing};
use crate::world::{Children, Opportunity, World};

/// The opportunity in the path, if the key may see it. Sub-resources follow their parent.
pub(crate) fn opportunity<'w>(
    world: &'w World,
    call: &Call<'_>,
) -> Result<&'w Opportunity, Refusal> {
    let id = call.id(0);
    let found = world
        .opportunity(id)
        .ok_or_else(|| Refusal::not_found("opportunities", id))?;
    if found.confidential && !call.confidential {
        return Err(Refusal::confidential());
    }
    Ok(found)
}

/// The opportunity in the path with its children.
pub(crate) fn family<'w>(
    world: &'w mut World,
    call: &Call<'_>,
) -> Result<(&'w Opportunity, &'w Children), Refusal> {
    world.grow(call.id(0));
    let world: &'w World = world;
    let parent = opportunity(world, call)?;
    Ok((parent, world.children(&parent.id)))
}

/// A page of children, newest first: when each was made, its id, and the record.
pub(crate) fn children_page(call: &Call<'_>, mut items: Vec<(i64, &str, Value)>) -> Outcome {
    items.sort_by(|a, b| (b.0, a.1).cmp(&(a.0, b.1)));
    let named = |(at, id, record)| (json!([at, id]), record);
    call.page_of(items.into_iter().map(named).collect())
}

/// The user the change is made as: an active one, if one is named at all. Lever: "perform_as".
pub(crate) fn perform_as(world: &World, call: &Call<'_>) -> Result<Option<String>, Refusal> {
    let Some(id) = call.query.one("perform_as") else {
        return Ok(None);
    };
    match world.account.active_user(id) {
        Some(user) => Ok(Some(user.id.clone())),
        None => Err(Refusal::bad_request("perform_as is not an active user")),
    }
}

/// The user the change is made as, where Lever wants one.
pub(crate) fn acting_user(world: &World, call: &Call<'_>) -> Result<String, Refusal> {
    perform_as(world, call)?.ok_or_else(|| missing("perform_as"))
}

/// A user in a body, who may be deactivated.
pub(crate) fn user_field(
    world: &World,
    fields: Fields<'_>,
    name: &str,
) -> Result<Option<String>, Refusal> {
    let known = |id: &str| world.account.user(id).map(|user| user.id.clone());
    match fields.text(name)? {
        None => Ok(None),
        Some(id) => known(id).map(Some).ok_or_else(|| bad_field(name)),
    }
}
