//! Lists of what was deleted, newest first. Fixtures `opportunities.deleted.json`, `applications.deleted.json`,
//! `postings.deleted.json`.

use serde_json::{Value, json};

use super::Shown;
use super::window::Window;
use crate::answer::Outcome;
use crate::call::{Call, missing};
use crate::world::{DeletedApplication, DeletedPosting, Deletion, World};

/// The page size of deleted applications, where none is asked for (seen by others).
const APPLICATIONS: usize = 50;

/// Lists deleted opportunities; both bounds are optional and inclusive.
pub(crate) fn opportunities(world: &mut World, call: &Call<'_>) -> Outcome {
    let shown = Shown::read(call)?;
    let range = call.query.range("deleted_at")?;
    let holds = |it: &&Deletion| shown.shows(it.confidential) && range.holds(it.at);
    let item = |it: &Deletion| -> (Value, Value) { (json!([it.at, it.id]), it.json()) };
    call.page_of(world.deleted().filter(holds).map(item).collect())
}

/// Lists deleted applications; both bounds are needed.
pub(crate) fn applications(world: &mut World, call: &Call<'_>) -> Outcome {
    let shown = Shown::of_key(call);
    let window = Window::deleted(call.query)?.ok_or_else(|| missing("deleted_at_start"))?;
    let holds = |it: &&DeletedApplication| shown.shows(it.confidential) && window.holds(it.at);
    let item = |it: &DeletedApplication| -> (Value, Value) { (json!([it.at, it.id]), it.json()) };
    let found = world.deleted_applications().filter(holds).map(item);
    call.page_sized(found.collect(), call.query.limit_or(APPLICATIONS)?)
}

/// Lists deleted postings. Without bounds there are none (recorded), although the documentation requires them.
pub(crate) fn postings(world: &mut World, call: &Call<'_>) -> Outcome {
    let shown = Shown::of_key(call);
    let window = Window::deleted(call.query)?;
    let holds = |it: &&DeletedPosting| {
        shown.shows(it.confidential) && window.is_some_and(|window| window.holds(it.at))
    };
    let item = |it: &DeletedPosting| -> (Value, Value) { (json!([it.at, it.id]), it.json()) };
    call.page_of(world.deleted_postings().filter(holds).map(item).collect())
}
