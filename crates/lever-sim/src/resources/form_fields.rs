//! The fields of templates, and the values that fit them. Lever: "Forms", "Field types".

use serde_json::{Value, json};

use crate::answer::Refusal;
use crate::call::{Fields, bad_field};

/// The kinds a feedback form may ask for.
pub(crate) const FEEDBACK_KINDS: [&str; 11] = [
    "code",
    "date",
    "dropdown",
    "multiple-choice",
    "multiple-select",
    "score-system",
    "score",
    "scorecard",
    "text",
    "textarea",
    "yes-no",
];
/// The kinds a profile form may ask for.
pub(crate) const FORM_KINDS: [&str; 8] = [
    "currency",
    "date",
    "dropdown",
    "multiple-choice",
    "multiple-select",
    "text",
    "textarea",
    "yes-no",
];
/// What a field of a template may be written with.
const FIELDS: [&str; 10] = [
    "id",
    "type",
    "text",
    "description",
    "required",
    "prompt",
    "options",
    "currency",
    "language",
    "scores",
];
/// The choices of the overall rating, unless others are given (recorded).
const RATINGS: [&str; 4] = [
    "4 - Strong Hire",
    "3 - Hire",
    "2 - No Hire",
    "1 - Strong No Hire",
];

/// Reads a field of a template; it gets a new id whatever id it came with (recorded).
pub(crate) fn read(value: &Value, kinds: &[&'static str], id: String) -> Result<Value, Refusal> {
    let given = Fields::of(value, &FIELDS)?;
    let kind = given
        .choice("type", kinds)?
        .ok_or_else(|| bad_field("type"))?;
    let mut field = json!({
        "description": given.text("description")?.unwrap_or_default(),
        "required": given.flag("required")?.unwrap_or(false),
        "text": given.text("text")?.ok_or_else(|| bad_field("text"))?,
        "type": kind,
        "id": id,
    });
    if matches!(kind, "score-system" | "dropdown") {
        field["prompt"] = json!(given.text("prompt")?.unwrap_or("Select one"));
    }
    match kind {
        "score-system" | "dropdown" | "multiple-choice" | "multiple-select" => {
            field["options"] = options(given, kind)?;
        }
        "scorecard" => field["scores"] = texts(given.list("scores")?, "scores")?,
        "currency" => field["currency"] = json!(given.needed("currency")?),
        "code" => field["language"] = json!(given.text("language")?),
        _ => {}
    }
    Ok(field)
}

fn options(given: Fields<'_>, kind: &str) -> Result<Value, Refusal> {
    if kind == "score-system" && given.get("options").is_none() {
        return Ok(RATINGS.iter().map(|text| json!({ "text": text })).collect());
    }
    texts(given.list("options")?, "options")
}

/// A list of objects with a `text`, at least one.
fn texts(items: &[Value], name: &str) -> Result<Value, Refusal> {
    let named = items.iter().all(|item| item["text"].is_string());
    if items.is_empty() || !named {
        return Err(bad_field(name));
    }
    Ok(items.iter().cloned().collect())
}

/// Refuses a value that does not fit its field, or that a required field lacks.
pub(crate) fn check(field: &Value, value: &Value) -> Result<(), Refusal> {
    let text = field["text"].as_str().unwrap_or_default();
    if value.is_null() && field["required"] == true {
        return Err(Refusal::bad_request(format!(
            "Required field is empty: {text}"
        )));
    }
    if value.is_null() || fits(field, value) {
        return Ok(());
    }
    Err(Refusal::bad_request(format!(
        "Invalid value for form field: {text}"
    )))
}

fn fits(field: &Value, value: &Value) -> bool {
    let offered = |value: &Value| {
        let options = field["options"].as_array();
        options.is_some_and(|options| options.iter().any(|option| option["text"] == *value))
    };
    match field["type"].as_str().unwrap_or_default() {
        "dropdown" | "multiple-choice" | "score-system" => offered(value),
        "multiple-select" => value
            .as_array()
            .is_some_and(|values| values.iter().all(offered)),
        "yes-no" => value == "yes" || value == "no",
        "date" => value.is_i64(),
        "currency" => value.is_number(),
        "score" => value.as_i64().is_some_and(|score| (1..=4).contains(&score)),
        "scorecard" => {
            let skills = field["scores"].as_array().map(Vec::len);
            let scored = |item: &Value| item["score"].is_null() || item["score"].is_i64();
            let values = value.as_array();
            values.map(Vec::len) == skills && values.is_some_and(|it| it.iter().all(scored))
        }
        _ => value.is_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_takes_its_own_values() {
        let options = json!([{ "text": "a" }, { "text": "b" }]);
        let cases = [
            ("text", json!("x"), json!(1)),
            ("dropdown", json!("a"), json!("c")),
            ("score-system", json!("b"), json!("B")),
            ("multiple-select", json!(["a", "b"]), json!(["a", "c"])),
            ("yes-no", json!("yes"), json!(true)),
            ("date", json!(1_785_542_400_000_i64), json!("2026-08-01")),
            ("currency", json!(75000.5), json!("75000")),
            ("score", json!(4), json!(5)),
            ("scorecard", json!([{ "score": 1 }]), json!([])),
        ];
        for (kind, good, bad) in cases {
            let field = json!({ "type": kind, "text": "f", "required": true, "options": options, "scores": [{}] });
            assert!(check(&field, &good).is_ok(), "{kind} {good}");
            assert!(check(&field, &bad).is_err(), "{kind} {bad}");
            assert!(check(&field, &Value::Null).is_err(), "{kind} is required");
        }
    }

    #[test]
    fn a_field_of_a_template_is_completed_or_refused() {
        let read = |value: Value| read(&value, &FEEDBACK_KINDS, "new".to_owned());
        let rating =
            read(json!({ "type": "score-system", "text": "Rating", "id": "old" })).unwrap();
        assert_eq!(
            (&rating["id"], &rating["prompt"]),
            (&json!("new"), &json!("Select one"))
        );
        assert_eq!(rating["options"].as_array().unwrap().len(), 4);
        for refused in [
            json!({ "type": "currency", "text": "Pay", "currency": "USD" }),
            json!({ "type": "dropdown", "text": "Choice" }),
            json!({ "type": "dropdown", "text": "Choice", "options": [] }),
            json!({ "type": "text" }),
            json!({ "type": "text", "text": "t", "value": 1 }),
        ] {
            assert!(read(refused.clone()).is_err(), "{refused}");
        }
    }
}
