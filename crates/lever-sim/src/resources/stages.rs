//! Stages. Lever: "Stages"; fixtures `stages.list.json`, `disposition-stages.get.json`.

use serde_json::{Value, json};

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::world::{Reason, Stage, World};

/// Lists stages in pipeline order.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let item = |stage: &Stage| -> (Value, Value) { (json!([stage.id]), stage.json()) };
    call.page_of(world.account.active_stages().map(item).collect())
}

/// Reads one stage.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = call.id(0);
    let stage = world
        .account
        .stage(id)
        .filter(|stage| stage.active)
        .ok_or_else(|| Refusal::not_found("stages", id))?;
    Ok(Answer::record(stage.json()))
}

/// Reads stages with their ranks, and archive reasons.
pub(crate) fn dispositions(world: &mut World, _call: &Call<'_>) -> Outcome {
    let account = &world.account;
    let stages: Vec<Value> = account
        .active_stages()
        .map(Stage::disposition_json)
        .collect();
    let reasons: Vec<Value> = account
        .reasons
        .iter()
        .map(Reason::disposition_json)
        .collect();
    Ok(Answer::record(
        json!({ "stages": stages, "archiveReasons": reasons }),
    ))
}
