//! Changing requisitions. Lever: "Requisitions"; fixtures `requisition.create.response.json`,
//! `requisition.update.response.json`. Answers have the shape of Lever's storage (recorded).

use serde_json::json;

use super::requisitions::visible;
use super::{perform_as, requisition_body};
use crate::answer::{Answer, Outcome};
use crate::call::Call;
use crate::world::{Requisition, World};

/// Creates a requisition. Creator and owner are the acting user, or nobody when none is named (recorded).
pub(crate) fn create(world: &mut World, call: &Call<'_>) -> Outcome {
    let by = perform_as(world, call)?;
    let blank = blank(world.new_id(), by, call.now);
    let made = requisition_body::filled(world, call, blank)?;
    let data = made.stored_json(&world.account);
    world.put_requisition(made);
    Ok(Answer::created(data))
}

/// Replaces a requisition: what is left out is reset, the linked postings excepted.
pub(crate) fn update(world: &mut World, call: &Call<'_>) -> Outcome {
    let known = visible(world, call)?.clone();
    perform_as(world, call)?;
    let changed = requisition_body::filled(world, call, known)?;
    let data = changed.stored_json(&world.account);
    world.put_requisition(changed);
    Ok(Answer::record(data))
}

/// Deletes a requisition.
pub(crate) fn delete(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = visible(world, call)?.id.clone();
    world.change_account(|account| account.requisitions.retain(|it| it.id != id));
    Ok(Answer::nothing())
}

fn blank(id: String, by: Option<String>, now: i64) -> Requisition {
    Requisition {
        id,
        code: String::new(),
        name: String::new(),
        status: String::new(),
        headcount: None,
        hired: 0,
        backfill: false,
        creator: by.clone(),
        owner: by,
        hiring_manager: None,
        internal_notes: String::new(),
        compensation: None,
        approval: json!({ "steps": [] }),
        employment_status: None,
        location: None,
        team: None,
        department: None,
        postings: Vec::new(),
        offers: Vec::new(),
        custom_fields: serde_json::Map::new(),
        created_at: now,
        updated_at: now,
        closed_at: None,
        states: Vec::new(),
    }
}
