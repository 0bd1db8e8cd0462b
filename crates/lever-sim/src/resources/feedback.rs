//! Reading feedback of one opportunity. Lever: "Feedback"; fixture `feedback.get.json`.

use super::{children_page, expand, family, opportunity};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::world::{Children, Feedback, World};

/// Lists feedback, newest first; whether Lever leaves deleted forms out is unknown, here it does.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let expanded = call.query.expand(&["user"])?;
    world.grow(call.id(0));
    let parent = opportunity(world, call)?;
    let live = world
        .children(&parent.id)
        .feedback
        .iter()
        .filter(|it| it.deleted_at.is_none());
    let item = |it: &Feedback| expand::all(world, it.json(), &expanded);
    children_page(
        call,
        live.map(|it| (it.created_at, it.id.as_str(), item(it)))
            .collect(),
    )
}

/// Reads one form; a deleted one too, which then has `deletedAt` (recorded).
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let (_, children) = family(world, call)?;
    Ok(Answer::record(find(children, call.id(1))?.json()))
}

pub(super) fn find<'c>(children: &'c Children, id: &str) -> Result<&'c Feedback, Refusal> {
    let found = children.feedback.iter().find(|it| it.id == id);
    found.ok_or_else(|| Refusal::not_found("feedback", id))
}
