//! The value of one answer.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use lever::FormOption;
use serde_json::{Number, Value};

use super::{MOST_NAMED, Question};
use crate::violation::shortened;

/// The value as Lever takes it for this question; null for one that is empty.
///
/// # Errors
/// What would be right, for people; repeats nothing of the value.
pub(super) fn fitted(question: &Question<'_>, value: &Value) -> Result<Value, String> {
    if is_empty(value) {
        return Ok(Value::Null);
    }
    match question.kind {
        "dropdown" | "multiple-choice" | "score-system" => option(question.options, value),
        "multiple-select" => options(question.options, value),
        "yes-no" => yes_or_no(value),
        "date" => date(value),
        "currency" => amount(value),
        "score" => score(value),
        "text" | "textarea" | "code" | "note" | "university" => text(value),
        "file-upload" => text(value)
            .map_err(|_| "give the result_id of an UploadFile for an application".to_owned()),
        // Lever knows what it means, and judges it.
        _ => Ok(value.clone()),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn text(value: &Value) -> Result<Value, String> {
    match value {
        Value::String(_) => Ok(value.clone()),
        _ => Err("give a text".to_owned()),
    }
}

/// An option in Lever's own spelling: it takes no other.
fn option(options: &[FormOption], value: &Value) -> Result<Value, String> {
    let given = value.as_str().unwrap_or_default();
    let folded = given.trim().to_lowercase();
    let exact = options.iter().find(|option| option.text == given);
    let alike = || {
        let mut options = options.iter();
        options.find(|option| option.text.trim().to_lowercase() == folded)
    };
    let found = exact.or_else(alike);
    found
        .map(|option| Value::String(option.text.clone()))
        .ok_or_else(|| format!("give one of {}", named(options)))
}

/// Several options; one alone may come without a list.
fn options(options: &[FormOption], value: &Value) -> Result<Value, String> {
    let given = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let found: Result<Vec<Value>, String> = given.iter().map(|one| option(options, one)).collect();
    found
        .map(Value::Array)
        .map_err(|_| format!("give a list of {}", named(options)))
}

fn named(options: &[FormOption]) -> String {
    let texts = options
        .iter()
        .map(|option| format!("\"{}\"", shortened(&option.text)));
    let texts: Vec<String> = texts.take(MOST_NAMED).collect();
    let more = if options.len() > MOST_NAMED {
        ", ..."
    } else {
        ""
    };
    format!("{}{more}", texts.join(", "))
}

fn yes_or_no(value: &Value) -> Result<Value, String> {
    let folded = value.as_str().map(|text| text.trim().to_lowercase());
    match (value, folded.as_deref()) {
        (Value::Bool(true), _) | (_, Some("yes")) => Ok(Value::from("yes")),
        (Value::Bool(false), _) | (_, Some("no")) => Ok(Value::from("no")),
        _ => Err("give yes or no".to_owned()),
    }
}

/// Milliseconds since 1970; a day is its beginning in UTC.
fn date(value: &Value) -> Result<Value, String> {
    let of_day = |text: &str| {
        let day: Date = text.trim().parse().ok()?;
        Some(
            day.to_zoned(TimeZone::UTC)
                .ok()?
                .timestamp()
                .as_millisecond(),
        )
    };
    let of_time = |text: &str| {
        let time: jiff::Timestamp = text.trim().parse().ok()?;
        Some(time.as_millisecond())
    };
    let at = match value {
        // The time comes first: a day would be read out of it.
        Value::String(text) => of_time(text).or_else(|| of_day(text)),
        other => other.as_i64(),
    };
    at.map(Value::from)
        .ok_or_else(|| "give a day such as 2026-05-03, or milliseconds since 1970".to_owned())
}

fn amount(value: &Value) -> Result<Value, String> {
    let number = match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => text.trim().parse::<Number>().ok(),
        _ => None,
    };
    number
        .map(Value::Number)
        .ok_or_else(|| "give a number without a currency".to_owned())
}

fn score(value: &Value) -> Result<Value, String> {
    let given = value
        .as_str()
        .and_then(|text| text.trim().parse().ok())
        .or_else(|| value.as_i64());
    match given {
        Some(score) if (1..=4).contains(&score) => Ok(Value::from(score)),
        _ => Err("give 1 to 4".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fit(kind: &str, value: Value) -> Result<Value, String> {
        let option = |text: &str| FormOption {
            text: text.to_owned(),
            option_id: None,
            description: None,
        };
        let options = [option("Ruby"), option("Rust")];
        let question = Question {
            id: "q",
            text: "?",
            kind,
            required: false,
            options: &options,
        };
        fitted(&question, &value)
    }

    #[test]
    fn values_that_fit_are_taken_in_lever_s_form() {
        let table = [
            ("text", json!("Ten years"), json!("Ten years")),
            ("textarea", json!("  "), json!(null)),
            ("dropdown", json!("Rust"), json!("Rust")),
            ("dropdown", json!(" rust"), json!("Rust")),
            ("dropdown", json!(""), json!(null)),
            (
                "multiple-select",
                json!(["ruby", "Rust"]),
                json!(["Ruby", "Rust"]),
            ),
            ("multiple-select", json!("Ruby"), json!(["Ruby"])),
            ("multiple-select", json!([]), json!(null)),
            ("yes-no", json!(true), json!("yes")),
            ("yes-no", json!("No"), json!("no")),
            ("date", json!("2026-05-03"), json!(1_777_766_400_000_i64)),
            (
                "date",
                json!("2026-05-03T12:00:00Z"),
                json!(1_777_809_600_000_i64),
            ),
            (
                "date",
                json!(1_777_809_600_000_i64),
                json!(1_777_809_600_000_i64),
            ),
            ("currency", json!("75000"), json!(75000)),
            ("currency", json!(75000.5), json!(75000.5)),
            ("score", json!("3"), json!(3)),
            ("scorecard", json!([{"score": 3}]), json!([{"score": 3}])),
        ];
        for (kind, given, taken) in table {
            assert_eq!(fit(kind, given.clone()), Ok(taken), "{kind}: {given}");
        }
    }

    #[test]
    fn values_that_do_not_fit_are_told_what_would() {
        let table = [
            ("text", json!(7), "give a text"),
            ("dropdown", json!("Go"), "give one of \"Ruby\", \"Rust\""),
            (
                "multiple-select",
                json!(["Ruby", 7]),
                "give a list of \"Ruby\", \"Rust\"",
            ),
            ("yes-no", json!("perhaps"), "give yes or no"),
            (
                "date",
                json!("May"),
                "give a day such as 2026-05-03, or milliseconds since 1970",
            ),
            (
                "date",
                json!(1.5),
                "give a day such as 2026-05-03, or milliseconds since 1970",
            ),
            ("currency", json!("$75"), "give a number without a currency"),
            ("score", json!(5), "give 1 to 4"),
            (
                "file-upload",
                json!(["x"]),
                "give the result_id of an UploadFile for an application",
            ),
        ];
        for (kind, given, told) in table {
            assert_eq!(
                fit(kind, given.clone()),
                Err(told.to_owned()),
                "{kind}: {given}"
            );
        }
    }
}
