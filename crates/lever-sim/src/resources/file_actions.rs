//! What happened to the files of one opportunity. Fixture `opportunity.file-actions.json`.

use super::window::Window;
use super::{children_page, family};
use crate::answer::Outcome;
use crate::call::Call;
use crate::world::{FileAction, World};

/// Lists file actions, newest first; the end of the window is exclusive.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let window = Window::open(call.query, "occurred_at")?;
    let (parent, children) = family(world, call)?;
    let actions = children
        .file_actions
        .iter()
        .filter(|it| window.holds(it.at));
    let item = |it: &FileAction| it.json(&parent.id);
    children_page(
        call,
        actions
            .map(|it| (it.at, it.id.as_str(), item(it)))
            .collect(),
    )
}
