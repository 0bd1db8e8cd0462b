//! Acts on the children of an opportunity.

use serde_json::{Value, json};

use super::{Made, author, opportunity};
use crate::error::Error;
use crate::world::{
    Comment, Feedback, FileActionKind, Interview, Interviewer, NO_FEEDBACK, Note, Offer, Panel,
    World,
};

pub(super) fn note(
    world: &mut World,
    id: &str,
    text: String,
    user: Option<String>,
    now: i64,
) -> Made {
    let comment = Comment {
        created_at: now,
        score: None,
        stage: opportunity(world, id)?.stage.clone(),
        user: author(world, id, user)?,
        value: text,
    };
    let note = Note {
        made_by_api: false,
        ..Note::made_by_api(world.new_id(), comment, false)
    };
    let made = note.id.clone();
    world.add_note(id, note, now);
    Ok(Some(made))
}

pub(super) fn feedback(
    world: &mut World,
    id: &str,
    text: &str,
    user: Option<String>,
    now: i64,
) -> Made {
    let user = author(world, id, user)?;
    let template = world.account.feedback_templates.first().cloned();
    let template =
        template.ok_or_else(|| Error::refused("the account has no feedback template"))?;
    let mut feedback = Feedback {
        id: world.new_id(),
        kind: "interview",
        template: template.id.clone(),
        text: template.text.clone(),
        instructions: template.instructions.clone(),
        fields: template.answered(|_| None),
        interview: None,
        panel: None,
        user,
        created_at: now,
        completed_at: Some(now),
        updated_at: None,
        deleted_at: None,
    };
    say(&mut feedback.fields, text);
    let made = feedback.id.clone();
    world.add_feedback(id, feedback, now);
    Ok(Some(made))
}

pub(super) fn edit(world: &mut World, id: &str, feedback: &str, text: &str, now: i64) -> Made {
    opportunity(world, id)?;
    world.grow(id);
    let mut known = world.children(id).feedback.iter();
    let known = known.find(|it| it.id == feedback).cloned();
    let mut changed = known.ok_or_else(|| Error::not_found("feedback", feedback))?;
    say(&mut changed.fields, text);
    changed.updated_at = Some(now);
    world.replace_feedback(id, changed);
    Ok(None)
}

/// Answers the first field that takes free text.
fn say(fields: &mut [Value], text: &str) {
    let free = |field: &&mut Value| field["type"] == "text" || field["type"] == "textarea";
    if let Some(field) = fields.iter_mut().find(free) {
        field["value"] = json!(text);
    }
}

pub(super) fn panel(
    world: &mut World,
    id: &str,
    date: i64,
    user: Option<String>,
    now: i64,
) -> Made {
    let user = author(world, id, user)?;
    let (panel_id, interview_id) = (world.new_id(), world.new_id());
    let parent = opportunity(world, id)?;
    let interviewer = |user: &String| Interviewer {
        user: user.clone(),
        template: NO_FEEDBACK.to_owned(),
    };
    let interview = Interview {
        id: interview_id,
        subject: Some("Interview".to_owned()),
        note: None,
        location: None,
        interviewers: user.iter().map(interviewer).collect(),
        date,
        duration: 60,
        template: Some(NO_FEEDBACK.to_owned()),
        reminder: "daily",
        user: user.clone(),
        created_at: now,
        canceled_at: None,
    };
    let panel = Panel {
        id: panel_id.clone(),
        applications: parent.application.iter().map(|it| it.id.clone()).collect(),
        timezone: "America/Los_Angeles".to_owned(),
        reminder: "daily",
        note: None,
        external_url: None,
        externally_managed: false,
        stage: parent.stage.clone(),
        user,
        created_at: now,
        canceled_at: None,
        interviews: vec![interview],
    };
    world.add_panel(id, panel, now);
    Ok(Some(panel_id))
}

pub(super) fn offer(world: &mut World, id: &str, salary: i64, now: i64) -> Made {
    let parent = opportunity(world, id)?;
    let application = parent.application.as_ref();
    let application = application.ok_or_else(|| Error::refused("there is nothing to offer"))?;
    let offer = Offer {
        id: String::new(),
        status: "draft",
        posting: application.posting.clone(),
        creator: parent.owner.clone(),
        created_at: now,
        salary,
        approved_at: None,
        sent_at: None,
        signed_at: None,
    };
    let made = world.new_id();
    let offer = Offer {
        id: made.clone(),
        ..offer
    };
    world.add_offer(id, offer, now);
    Ok(Some(made))
}

pub(super) fn advance(world: &mut World, id: &str, offer: &str, now: i64) -> Made {
    opportunity(world, id)?;
    world.grow(id);
    let mut known = world.children(id).offers.iter();
    known
        .find(|it| it.id == offer)
        .ok_or_else(|| Error::not_found("offer", offer))?;
    world.advance_offer(id, offer, now);
    Ok(None)
}

pub(super) fn file(
    world: &mut World,
    id: &str,
    action: FileActionKind,
    user: Option<String>,
    now: i64,
) -> Made {
    let user = author(world, id, user)?;
    world.log_file_action(id, action, user, now);
    Ok(None)
}
