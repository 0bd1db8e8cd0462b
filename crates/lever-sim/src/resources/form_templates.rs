//! Form templates. Lever: "Form templates"; fixture `form-template.get.json`.

use serde_json::{Value, json};

use super::form_fields::FORM_KINDS;
use super::{expand, template_body};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::world::{Template, World};

/// Lists templates.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let item = |template: &Template| -> (Value, Value) {
        let mut json = template.form_json();
        expand::include(&mut json, call.query, &[]);
        (json!([template.id]), json)
    };
    call.page_of(world.account.form_templates.iter().map(item).collect())
}

/// Reads one template.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    Ok(Answer::record(template(world, call)?.form_json()))
}

/// Creates a template.
pub(crate) fn create(world: &mut World, call: &Call<'_>) -> Outcome {
    let made = read(world, call, None)?;
    let data = made.form_json();
    world.put_form_template(made);
    Ok(Answer::created(data))
}

/// Replaces a template; all field ids change (recorded).
pub(crate) fn update(world: &mut World, call: &Call<'_>) -> Outcome {
    let known = template(world, call)?.clone();
    let changed = read(world, call, Some(known))?;
    let data = changed.form_json();
    world.put_form_template(changed);
    Ok(Answer::record(data))
}

/// Deletes a template that was made through the API.
pub(crate) fn delete(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = template(world, call)
        .and_then(|it| template_body::deletable(it).map(|()| it.id.clone()))?;
    world.change_account(|account| account.form_templates.retain(|it| it.id != id));
    Ok(Answer::nothing())
}

fn read(world: &mut World, call: &Call<'_>, known: Option<Template>) -> Result<Template, Refusal> {
    template_body::read(world, call, known, &FORM_KINDS)
}

fn template<'w>(world: &'w World, call: &Call<'_>) -> Result<&'w Template, Refusal> {
    let id = call.id(0);
    let found = world.account.form_template(id);
    found.ok_or_else(|| Refusal::not_found("form_templates", id))
}
