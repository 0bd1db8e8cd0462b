//! Archive reasons. Lever: "Archive reasons"; fixture `archive-reasons.list.json`.

use serde_json::{Value, json};

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::world::{Reason, World};

/// Lists archive reasons, inactive ones included.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let kinds = call.query.choices("type", &["hired", "non-hired"])?;
    let shown = |reason: &&Reason| kinds.is_empty() || kinds.contains(&reason.kind());
    let item = |reason: &Reason| -> (Value, Value) { (json!([reason.id]), reason.json()) };
    call.page_of(
        world
            .account
            .reasons
            .iter()
            .filter(shown)
            .map(item)
            .collect(),
    )
}

/// Reads one archive reason.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = call.id(0);
    let reason = world
        .account
        .reason(id)
        .ok_or_else(|| Refusal::not_found("archive_reasons", id))?;
    Ok(Answer::record(reason.json()))
}
