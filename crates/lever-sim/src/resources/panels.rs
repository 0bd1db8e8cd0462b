//! Reading panels and interviews of one opportunity. Lever: "Panels", "Interviews"; fixtures `panels.list.json`,
//! `interview.get.json`.

use serde_json::Value;

use super::{children_page, expand, family, opportunity};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::world::{Children, Feedback, Interview, Opportunity, Panel, World};

/// Lists panels, newest first.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let expanded = call.query.expand(&["user", "stage"])?;
    world.grow(call.id(0));
    let parent = opportunity(world, call)?;
    let item = |it: &Panel| expand::all(world, it.json(&world.account), &expanded);
    let all = world.children(&parent.id).panels.iter();
    children_page(
        call,
        all.map(|it| (it.created_at, it.id.as_str(), item(it)))
            .collect(),
    )
}

/// Reads one panel.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    world.grow(call.id(0));
    let parent = opportunity(world, call)?;
    let found = find(world.children(&parent.id), call.id(1))?;
    Ok(Answer::record(found.json(&world.account)))
}

/// Lists interviews of all panels, newest first.
pub(crate) fn interviews(world: &mut World, call: &Call<'_>) -> Outcome {
    let known = ["user", "stage", "postings", "feedbackForms"];
    let expanded = call.query.expand(&known)?;
    world.grow(call.id(0));
    let parent = opportunity(world, call)?;
    let children = world.children(&parent.id);
    let item = |panel: &Panel, it: &Interview| {
        let mut json = shown(world, parent, children, panel, it);
        if expanded.contains(&"feedbackForms") {
            let form = |id: &str| children.feedback.iter().find(|it| it.id == id);
            expand::expand(&mut json, "feedbackForms", |id| {
                form(id).map(Feedback::json)
            });
        }
        expand::all(world, json, &expanded)
    };
    let mut all = Vec::new();
    for panel in &children.panels {
        for it in &panel.interviews {
            all.push((it.created_at, it.id.as_str(), item(panel, it)));
        }
    }
    children_page(call, all)
}

/// Reads one interview.
pub(crate) fn interview(world: &mut World, call: &Call<'_>) -> Outcome {
    world.grow(call.id(0));
    let parent = opportunity(world, call)?;
    let children = world.children(&parent.id);
    let (panel, found) = find_interview(children, call.id(1))?;
    Ok(Answer::record(shown(world, parent, children, panel, found)))
}

fn shown(
    world: &World,
    parent: &Opportunity,
    children: &Children,
    panel: &Panel,
    interview: &Interview,
) -> Value {
    panel.interview_json(interview, &world.account, parent, &children.feedback)
}

pub(super) fn find<'c>(children: &'c Children, id: &str) -> Result<&'c Panel, Refusal> {
    let found = children.panel(id);
    found.ok_or_else(|| Refusal::not_found("panels", id))
}

pub(super) fn find_interview<'c>(
    children: &'c Children,
    id: &str,
) -> Result<(&'c Panel, &'c Interview), Refusal> {
    let found = children.interview(id);
    found.ok_or_else(|| Refusal::not_found("interviews", id))
}

/// The panel in the path or body that a write is about: one made through the API. Lever: `externallyManaged`.
pub(super) fn writable<'w>(
    world: &'w mut World,
    call: &Call<'_>,
    panel: &str,
) -> Result<&'w Panel, Refusal> {
    let (_, children) = family(world, call)?;
    managed(find(children, panel)?)
}

/// Refuses writes on panels that people made in Lever.
pub(super) fn managed(panel: &Panel) -> Result<&Panel, Refusal> {
    if panel.externally_managed {
        return Ok(panel);
    }
    Err(Refusal::bad_request(
        "Only externally managed panels can be changed",
    ))
}
