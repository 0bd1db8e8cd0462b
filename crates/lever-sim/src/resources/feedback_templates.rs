//! Feedback templates. Lever: "Feedback templates"; fixture `feedback-template.get.json`.

use serde_json::{Value, json};

use super::form_fields::FEEDBACK_KINDS;
use super::{expand, template_body};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, bad_field};
use crate::world::{Template, World};

/// Lists templates, the built-in one included.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let item = |template: &Template| -> (Value, Value) {
        let mut json = template.feedback_json();
        expand::include(&mut json, call.query, &[]);
        (json!([template.id]), json)
    };
    call.page_of(world.account.feedback_templates.iter().map(item).collect())
}

/// Reads one template.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    Ok(Answer::record(template(world, call)?.feedback_json()))
}

/// Creates a template.
pub(crate) fn create(world: &mut World, call: &Call<'_>) -> Outcome {
    let made = read(world, call, None)?;
    let data = made.feedback_json();
    world.put_feedback_template(made);
    Ok(Answer::created(data))
}

/// Replaces a template; all field ids change (recorded).
pub(crate) fn update(world: &mut World, call: &Call<'_>) -> Outcome {
    let known = template(world, call)?.clone();
    let changed = read(world, call, Some(known))?;
    let data = changed.feedback_json();
    world.put_feedback_template(changed);
    Ok(Answer::record(data))
}

/// Deletes a template that was made through the API.
pub(crate) fn delete(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = template(world, call)
        .and_then(|it| template_body::deletable(it).map(|()| it.id.clone()))?;
    world.change_account(|account| account.feedback_templates.retain(|it| it.id != id));
    Ok(Answer::nothing())
}

/// Exactly one field is the overall rating.
fn read(world: &mut World, call: &Call<'_>, known: Option<Template>) -> Result<Template, Refusal> {
    let template = template_body::read(world, call, known, &FEEDBACK_KINDS)?;
    let ratings = template
        .fields
        .iter()
        .filter(|field| field["type"] == "score-system");
    if ratings.count() != 1 {
        return Err(bad_field("fields"));
    }
    Ok(template)
}

fn template<'w>(world: &'w World, call: &Call<'_>) -> Result<&'w Template, Refusal> {
    let id = call.id(0);
    let found = world.account.feedback_template(id);
    found.ok_or_else(|| Refusal::not_found("feedback_templates", id))
}
