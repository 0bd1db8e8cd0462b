//! Profile forms of one opportunity. Lever: "Profile forms"; fixtures `form.get.json`, `form.create.response.json`.

use serde_json::Value;

use super::{children_page, expand, family, form_fields, opportunity, perform_as};
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, Fields, bad_field};
use crate::world::{ProfileForm, Template, World};

/// Lists forms, newest first.
pub(crate) fn list(world: &mut World, call: &Call<'_>) -> Outcome {
    let expanded = call.query.expand(&["user", "stage"])?;
    world.grow(call.id(0));
    let parent = opportunity(world, call)?;
    let item = |it: &ProfileForm| expand::all(world, it.json(), &expanded);
    let all = world.children(&parent.id).forms.iter();
    children_page(
        call,
        all.map(|it| (it.created_at, it.id.as_str(), item(it)))
            .collect(),
    )
}

/// Reads one form.
pub(crate) fn get(world: &mut World, call: &Call<'_>) -> Outcome {
    let id = call.id(1);
    let (_, children) = family(world, call)?;
    let found = children.forms.iter().find(|it| it.id == id);
    let found = found.ok_or_else(|| Refusal::not_found("forms", id))?;
    Ok(Answer::record(found.json()))
}

/// Fills in a template. The answer names the template's group, which reads do not (documented).
pub(crate) fn create(world: &mut World, call: &Call<'_>) -> Outcome {
    let parent = opportunity(world, call)?;
    let (id, stage) = (parent.id.clone(), parent.stage.clone());
    let user = perform_as(world, call)?;
    let fields = call.fields(&["baseTemplateId", "fields", "secret"])?;
    let template = world
        .account
        .form_template(fields.needed("baseTemplateId")?);
    let template = template
        .cloned()
        .ok_or_else(|| bad_field("baseTemplateId"))?;
    // No answer shows whether a form is secret.
    fields.flag("secret")?;
    let form = ProfileForm {
        id: world.new_id(),
        template: template.id.clone(),
        text: template.text.clone(),
        instructions: template.instructions.clone(),
        fields: filled(&template, fields)?,
        user,
        stage,
        created_at: call.now,
    };
    let mut data = form.json();
    data["group"] = template.group_json().unwrap_or(Value::Null);
    world.add_form(&id, form, call.now);
    Ok(Answer::created(data))
}

/// Every field of the template must be there, in its order, with a value that fits.
fn filled(template: &Template, fields: Fields<'_>) -> Result<Vec<Value>, Refusal> {
    let given = fields.list("fields")?;
    if given.len() != template.fields.len() {
        return Err(bad_field("fields"));
    }
    let fill = |(field, given): (&Value, &Value)| {
        let same = |key: &str| given.get(key).is_none_or(|value| *value == field[key]);
        if given.get("type").is_none() || !["id", "type", "text"].into_iter().all(same) {
            return Err(bad_field("fields"));
        }
        let value = given.get("value").cloned().unwrap_or(Value::Null);
        form_fields::check(field, &value)?;
        let mut filled = field.clone();
        filled["value"] = value;
        Ok(filled)
    };
    template.fields.iter().zip(given).map(fill).collect()
}
