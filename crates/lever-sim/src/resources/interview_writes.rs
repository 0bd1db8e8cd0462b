//! Changing interviews. Lever: "Interviews"; fixture `interview.update.response.json`.

use serde_json::Value;

use super::panels::{find_interview, managed, writable};
use super::{acting_user, family, opportunity};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Fields, bad_field};
use crate::world::{Interview, Interviewer, NO_FEEDBACK, REMINDERS, World};

const FIELDS: [&str; 9] = [
    "panel",
    "subject",
    "note",
    "interviewers",
    "date",
    "duration",
    "location",
    "feedbackTemplate",
    "feedbackReminder",
];
/// What an interview inside a panel is written with.
pub(super) const IN_PANEL: [&str; 9] = [
    "id",
    "subject",
    "note",
    "interviewers",
    "date",
    "duration",
    "location",
    "feedbackTemplate",
    "feedbackReminder",
];
/// Only the id counts; the rest of a user may come along.
const INTERVIEWER: [&str; 5] = ["id", "name", "email", "feedbackTemplate", "responseStatus"];

/// What holds where a body is silent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Defaults<'a> {
    pub(super) template: Option<&'a str>,
    pub(super) reminder: &'static str,
}

/// Adds an interview to a panel that was made through the API.
pub(crate) fn create(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = opportunity(world, call)?.id.clone();
    let by = acting_user(world, call)?;
    let fields = call.fields(&FIELDS)?;
    let panel = fields.needed("panel")?;
    let (_, children) = family(world, call)?;
    let found = children.panel(panel).ok_or_else(|| bad_field("panel"))?;
    let panel = managed(found)?.id.clone();
    let defaults = Defaults {
        template: Some(NO_FEEDBACK),
        reminder: "frequently",
    };
    let blank = blank(world.new_id(), Some(by), call.now);
    let interview = filled(world, fields, blank, defaults)?;
    let interview_id = interview.id.clone();
    world.add_interview(&id, &panel, interview, call.now);
    Ok(Answer::created(shown(world, call, &interview_id)?))
}

/// Replaces an interview. What is left out becomes null, the reminder that of its panel; `panel` may be left out (recorded).
pub(crate) fn update(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = opportunity(world, call)?.id.clone();
    acting_user(world, call)?;
    let fields = call.fields(&FIELDS)?;
    let (_, children) = family(world, call)?;
    let (panel, known) = find_interview(children, call.id(1))?;
    if fields.text("panel")?.is_some_and(|given| given != panel.id) {
        return Err(bad_field("panel"));
    }
    let defaults = Defaults {
        template: None,
        reminder: managed(panel)?.reminder,
    };
    let (panel, known) = (panel.id.clone(), known.clone());
    let changed = filled(world, fields, known, defaults)?;
    world.replace_interview(&id, &panel, changed, call.now);
    Ok(Answer::record(shown(world, call, call.id(1))?))
}

/// Deletes an interview, and with the last one the panel.
pub(crate) fn delete(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = opportunity(world, call)?.id.clone();
    acting_user(world, call)?;
    let (_, children) = family(world, call)?;
    let (panel, found) = find_interview(children, call.id(1))?;
    let (panel, interview) = (panel.id.clone(), found.id.clone());
    writable(world, call, &panel)?;
    world.delete_interview(&id, &panel, &interview, call.now);
    Ok(Answer::nothing())
}

/// An interview about which nothing is known yet.
pub(super) fn blank(id: String, user: Option<String>, now: i64) -> Interview {
    Interview {
        id,
        subject: None,
        note: None,
        location: None,
        interviewers: Vec::new(),
        date: now,
        duration: 0,
        template: None,
        reminder: "none",
        user,
        created_at: now,
        canceled_at: None,
    }
}

/// The interview that a body describes; nothing but its identity comes from `known`.
pub(super) fn filled(
    world: &World,
    fields: Fields<'_>,
    known: Interview,
    defaults: Defaults<'_>,
) -> Result<Interview, Refusal> {
    let duration = fields.number("duration")?;
    if duration < 1 {
        return Err(bad_field("duration"));
    }
    let people = fields.list("interviewers")?;
    if people.is_empty() {
        return Err(bad_field("interviewers"));
    }
    let template = template(world, fields)?;
    let reminder = fields.choice("feedbackReminder", &REMINDERS)?;
    Ok(Interview {
        subject: fields.owned("subject")?,
        note: fields.owned("note")?,
        location: fields.owned("location")?,
        interviewers: people
            .iter()
            .map(|it| interviewer(world, it))
            .collect::<Result<_, _>>()?,
        date: fields.number("date")?,
        duration,
        template: template.or_else(|| defaults.template.map(str::to_owned)),
        reminder: reminder.unwrap_or(defaults.reminder),
        ..known
    })
}

fn interviewer(world: &World, value: &Value) -> Result<Interviewer, Refusal> {
    let fields = Fields::of(value, &INTERVIEWER)?;
    let user = world.account.active_user(fields.needed("id")?);
    Ok(Interviewer {
        user: user.ok_or_else(|| bad_field("interviewers"))?.id.clone(),
        template: template(world, fields)?.unwrap_or_else(|| NO_FEEDBACK.to_owned()),
    })
}

fn template(world: &World, fields: Fields<'_>) -> Result<Option<String>, Refusal> {
    let Some(id) = fields.text("feedbackTemplate")? else {
        return Ok(None);
    };
    let known = world.account.feedback_template(id);
    known
        .map(|it| Some(it.id.clone()))
        .ok_or_else(|| bad_field("feedbackTemplate"))
}

fn shown(world: &mut World, call: &Call<'_>, id: &str) -> Result<Value, Refusal> {
    let parent = opportunity(world, call)?;
    let children = world.children(&parent.id);
    let (panel, interview) = find_interview(children, id)?;
    Ok(panel.interview_json(interview, &world.account, parent, &children.feedback))
}
