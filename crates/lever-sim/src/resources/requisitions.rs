//! Reading requisitions. Lever: "Requisitions"; fixtures `requisitions.list.json`, `requisition.get.json`.

use serde_json::{Value, json};

use super::{Shown, expand};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::world::{Requisition, World};

const EXPANDABLE: [&str; 4] = ["creator", "owner", "hiringManager", "postings"];
const STATUSES: [&str; 6] = ["open", "onHold", "closed", "draft", "pending", "rejected"];

/// Lists requisitions by id, descending (recorded).
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let expanded = call.query.expand(&EXPANDABLE)?;
    let shown = Shown::read(call)?;
    let created = call.query.range("created_at")?;
    let statuses = call.query.choices("status", &STATUSES)?;
    let codes = call.query.many("requisition_code");
    let holds = |it: &&Requisition| {
        shown.shows(it.confidential(&world.account))
            && created.holds(it.created_at)
            && (statuses.is_empty() || statuses.contains(&it.status.as_str()))
            && (codes.is_empty() || codes.contains(&it.code.as_str()))
    };
    let item = |it: &Requisition| -> (Value, Value) {
        let json = expand::all(world, it.json(&world.account), &expanded);
        (json!([it.id]), json)
    };
    let found = world.account.requisitions.iter().filter(holds);
    call.page_of(found.map(item).collect())
}

/// Reads one requisition.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let expanded = call.query.expand(&EXPANDABLE)?;
    let found = visible(world, call)?.json(&world.account);
    Ok(Answer::record(expand::all(world, found, &expanded)))
}

/// The requisition in the path, if the key may see it.
pub(super) fn visible<'w>(world: &'w World, call: &Call<'_>) -> Result<&'w Requisition, Refusal> {
    let id = call.id(0);
    let found = world.account.requisition(id);
    let found = found.ok_or_else(|| Refusal::not_found("requisitions", id))?;
    if found.confidential(&world.account) && !call.confidential {
        return Err(Refusal::confidential());
    }
    Ok(found)
}
