//! The answers of an application, checked against the form of its posting.

use serde_json::{Value, json};

use crate::answer::Refusal;
use crate::call::{Fields, bad_field, missing};
use crate::world::{ApplyForm, Eeo, Question, QuestionSet, Upload, World, eeo_answer};

/// Questions that are not asked cannot be answered.
pub(super) fn eeo(fields: Fields<'_>, form: &ApplyForm, now: i64) -> Result<Option<Eeo>, Refusal> {
    let Some(answers) = fields.typed("eeoResponses", Value::as_object)? else {
        return Ok(None);
    };
    let mut eeo = Eeo {
        responded_at: now,
        ..Eeo::default()
    };
    for (question, answer) in answers {
        let answer = answer.as_str().filter(|it| eeo_answer(question, it));
        let answer = answer.filter(|_| form.eeo).map(str::to_owned);
        let answer = Some(answer.ok_or_else(|| bad_field("eeoResponses"))?);
        match question.as_str() {
            "gender" => eeo.gender = answer,
            "race" => eeo.race = answer,
            _ => eeo.veteran = answer,
        }
    }
    Ok(Some(eeo))
}

/// A consent must name the policy of the form.
pub(super) fn consent(fields: Fields<'_>, form: &ApplyForm) -> Result<(), Refusal> {
    let Some(consents) = fields.typed("consent", Value::as_object)? else {
        return Ok(());
    };
    let fits = |(kind, consent): (&String, &Value)| {
        let policy = consent.get("compliancePolicyId").and_then(Value::as_str);
        let provided = consent.get("provided").is_some_and(Value::is_boolean);
        matches!(kind.as_str(), "store" | "marketing")
            && provided
            && policy == form.policy.as_deref()
    };
    if consents.iter().all(fits) {
        Ok(())
    } else {
        Err(bad_field("consent"))
    }
}

/// The answered question sets, as the application shows them. A set with a required question must be there.
pub(super) fn questions(
    world: &World,
    fields: Fields<'_>,
    form: &ApplyForm,
    now: i64,
) -> Result<Vec<Value>, Refusal> {
    let given = fields.typed("customQuestions", Value::as_array)?;
    let given = given.map_or(&[][..], Vec::as_slice);
    let id = |item: &Value| item.get("id").and_then(Value::as_str).map(str::to_owned);
    let asked = |item: &Value| id(item).is_some_and(|id| form.sets.iter().any(|set| set.id == id));
    if !given.iter().all(asked) {
        return Err(bad_field("customQuestions"));
    }
    let mut answered = Vec::new();
    for set in &form.sets {
        let item = given.iter().find(|item| id(item).as_ref() == Some(&set.id));
        match item {
            Some(item) => answered.push(answered_set(world, set, item, now)?),
            None if set.questions.iter().any(|question| question.required) => {
                return Err(missing(&set.id));
            }
            None => {}
        }
    }
    Ok(answered)
}

/// Values are matched to questions by order, so there must be as many.
fn answered_set(
    world: &World,
    set: &QuestionSet,
    item: &Value,
    now: i64,
) -> Result<Value, Refusal> {
    let values = item.get("fields").and_then(Value::as_array);
    let values = values.filter(|values| values.len() == set.questions.len());
    let values = values.ok_or_else(|| bad_field("customQuestions"))?;
    let mut fields = Vec::new();
    for (question, value) in set.questions.iter().zip(values) {
        let value = value.get("value").unwrap_or(&Value::Null);
        answer(world, question, value, now)?;
        fields.push(question.json(value));
    }
    Ok(json!({
        "id": set.id,
        "type": "posting",
        "text": set.text,
        "user": null,
        "stage": null,
        "baseTemplateId": set.id,
        "fields": fields,
        "createdAt": now,
        "completedAt": now,
    }))
}

fn answer(world: &World, question: &Question, value: &Value, now: i64) -> Result<(), Refusal> {
    let option = |text: &str| question.options.contains(&text);
    let fits = match (question.kind, value) {
        (_, Value::Null) => !question.required,
        ("dropdown", Value::String(text)) => option(text),
        ("multiple-select", Value::Array(chosen)) => {
            (!question.required || !chosen.is_empty())
                && chosen.iter().all(|it| it.as_str().is_some_and(option))
        }
        ("file-upload", Value::String(uri)) => upload(world, uri, now).is_ok(),
        ("dropdown" | "multiple-select" | "file-upload", _) => false,
        (_, Value::String(text)) => !question.required || !text.trim().is_empty(),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(bad_field(question.text))
    }
}

/// The upload behind a URI, which must still live.
pub(super) fn upload(world: &World, uri: &str, now: i64) -> Result<Upload, Refusal> {
    let upload = world.uploads.find(uri, now);
    upload
        .cloned()
        .ok_or_else(|| Refusal::bad_request("Unknown or expired upload"))
}
