//! Changing feedback. Lever: "Feedback"; fixtures `feedback.create.response.json`, `feedback.update.response.json`.

use serde_json::Value;

use super::feedback::find;
use super::{acting_user, family, form_fields, opportunity};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Fields, bad_field, missing};
use crate::world::{Children, Feedback, World};

const CREATE_FIELDS: [&str; 6] = [
    "baseTemplateId",
    "panel",
    "interview",
    "fieldValues",
    "createdAt",
    "completedAt",
];

/// Creates a form. `panel` and `interview` go together.
pub(crate) fn create(world: &mut World, call: &Call<'_>) -> Outcome {
    opportunity(world, call)?;
    let by = acting_user(world, call)?;
    let fields = call.fields(&CREATE_FIELDS)?;
    let template = fields.needed("baseTemplateId")?;
    let template = world.account.feedback_template(template).cloned();
    let template = template.ok_or_else(|| bad_field("baseTemplateId"))?;
    let new_id = world.new_id();
    let (parent, children) = family(world, call)?;
    let id = parent.id.clone();
    let (panel, interview) = meeting(children, fields)?;
    let created_at = fields.past("createdAt", call.now)?.unwrap_or(call.now);
    let feedback = Feedback {
        id: new_id,
        kind: "interview",
        template: template.id.clone(),
        text: template.text.clone(),
        instructions: template.instructions.clone(),
        fields: answered(template.answered(|_| None), fields)?,
        interview,
        panel,
        user: Some(by),
        created_at,
        completed_at: Some(fields.past("completedAt", call.now)?.unwrap_or(call.now)),
        updated_at: None,
        deleted_at: None,
    };
    let data = feedback.json();
    world.add_feedback(&id, feedback, call.now);
    Ok(Answer::created(data))
}

/// The panel and the interview of it that feedback is about.
fn meeting(
    children: &Children,
    fields: Fields<'_>,
) -> Result<(Option<String>, Option<String>), Refusal> {
    match (fields.text("panel")?, fields.text("interview")?) {
        (None, None) => Ok((None, None)),
        (Some(_), None) => Err(missing("interview")),
        (None, Some(_)) => Err(missing("panel")),
        (Some(panel), Some(interview)) => {
            let known = children
                .interview(interview)
                .filter(|(of, _)| of.id == panel);
            let (panel, interview) = known.ok_or_else(|| bad_field("interview"))?;
            Ok((Some(panel.id.clone()), Some(interview.id.clone())))
        }
    }
}

/// Sets the given values; afterwards no required field may be empty.
fn answered(mut form: Vec<Value>, fields: Fields<'_>) -> Result<Vec<Value>, Refusal> {
    let given = fields.typed("fieldValues", Value::as_array)?;
    for value in given.into_iter().flatten() {
        let value = Fields::of(value, &["id", "value"])?;
        let id = value.needed("id")?;
        let field = form.iter_mut().find(|field| field["id"] == id);
        let field = field.ok_or_else(|| bad_field("fieldValues"))?;
        field["value"] = value
            .get("value")
            .cloned()
            .ok_or_else(|| missing("value"))?;
    }
    for field in &form {
        form_fields::check(field, &field["value"])?;
    }
    Ok(form)
}

/// Changes values; those not given stay. Answers in the shape of Lever's storage (recorded).
pub(crate) fn update(world: &mut World, call: &Call<'_>) -> Outcome {
    opportunity(world, call)?;
    acting_user(world, call)?;
    let fields = call.fields(&["completedAt", "fieldValues"])?;
    let account = world.account.id.clone();
    let (parent, children) = family(world, call)?;
    let id = parent.id.clone();
    let mut changed = live(children, call)?.clone();
    changed.fields = answered(changed.fields, fields)?;
    changed.completed_at = fields
        .past("completedAt", call.now)?
        .or(changed.completed_at);
    changed.updated_at = Some(call.now);
    let data = changed.stored_json(&account, &id);
    world.replace_feedback(&id, changed);
    Ok(Answer::record(data))
}

/// Deletes a form.
pub(crate) fn delete(world: &mut World, call: &Call<'_>) -> Outcome {
    opportunity(world, call)?;
    acting_user(world, call)?;
    let (parent, children) = family(world, call)?;
    let (id, feedback) = (parent.id.clone(), live(children, call)?.id.clone());
    world.delete_feedback(&id, &feedback, call.now);
    Ok(Answer::nothing())
}

/// The form in the path, unless it was deleted.
fn live<'c>(children: &'c Children, call: &Call<'_>) -> Result<&'c Feedback, Refusal> {
    let found = find(children, call.id(1))?;
    match found.deleted_at {
        None => Ok(found),
        Some(_) => Err(Refusal::not_found("feedback", &found.id)),
    }
}
