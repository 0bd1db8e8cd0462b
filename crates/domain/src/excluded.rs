//! Fields a connection does not keep: taken out of Lever's documents before anything else sees them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::Stream;

/// A field of one stream, in Lever's names: `opportunities.phones`, `contacts.dataProtection.store`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExcludedField {
    stream: Stream,
    path: Vec<String>,
}

/// What Fulcrum itself needs to know a record by; it cannot be left out.
const NEEDED: [&str; 8] = [
    "id",
    "text",
    "contact",
    "stage",
    "applications",
    "archived",
    "confidentiality",
    "updatedAt",
];

impl ExcludedField {
    /// Reads `stream.path`; none for an unknown stream, an empty step, and a field that is needed.
    pub fn parse(text: &str) -> Option<ExcludedField> {
        let (stream, path) = text.split_once('.')?;
        let stream = Stream::from_name(stream)?;
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        let whole = !path.iter().any(String::is_empty);
        let needed = matches!(path.as_slice(), [one] if NEEDED.contains(&one.as_str()));
        (whole && !needed).then_some(ExcludedField { stream, path })
    }

    /// The stream whose records lose it.
    pub fn stream(&self) -> Stream {
        self.stream
    }
}

impl fmt::Display for ExcludedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.stream, self.path.join("."))
    }
}

/// A document of `stream` without these fields; unchanged, byte for byte, when it has none of them.
///
/// A step that leads to a list leads into each of its elements. What is no JSON is given back as it is.
pub fn without<'r>(stream: Stream, raw: &'r str, fields: &BTreeSet<ExcludedField>) -> Cow<'r, str> {
    let mut paths = fields
        .iter()
        .filter(|field| field.stream == stream)
        .map(|field| field.path.as_slice())
        .peekable();
    if paths.peek().is_none() {
        return Cow::Borrowed(raw);
    }
    let Ok(mut document) = serde_json::from_str::<Value>(raw) else {
        return Cow::Borrowed(raw);
    };
    let mut changed = false;
    for path in paths {
        changed |= remove(&mut document, path);
    }
    if changed {
        Cow::Owned(document.to_string())
    } else {
        Cow::Borrowed(raw)
    }
}

fn remove(value: &mut Value, path: &[String]) -> bool {
    match (value, path) {
        (Value::Object(fields), [last]) => fields.shift_remove(last).is_some(),
        (Value::Object(fields), [first, rest @ ..]) => fields
            .get_mut(first)
            .is_some_and(|value| remove(value, rest)),
        (Value::Array(values), path) => values
            .iter_mut()
            .fold(false, |changed, value| remove(value, path) | changed),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(texts: &[&str]) -> BTreeSet<ExcludedField> {
        texts
            .iter()
            .map(|text| ExcludedField::parse(text).unwrap())
            .collect()
    }

    #[test]
    fn a_field_is_named_by_stream_and_path_and_what_is_needed_stays() {
        let field = ExcludedField::parse("contacts.dataProtection.store").unwrap();
        assert_eq!(field.stream(), Stream::Contacts);
        assert_eq!(field.to_string(), "contacts.dataProtection.store");
        for bad in [
            "phones",
            "people.phones",
            "contacts.",
            "contacts..x",
            "contacts.id",
            "",
        ] {
            assert_eq!(ExcludedField::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn fields_are_taken_out_wherever_the_path_leads() {
        let raw =
            r#"{"id":"o","phones":[{"type":"home","value":"1"}],"urls":{"list":"l","show":"s"}}"#;
        let cases: &[(&[&str], &str)] = &[
            (
                &["opportunities.phones"],
                r#"{"id":"o","urls":{"list":"l","show":"s"}}"#,
            ),
            (
                &["opportunities.phones.value", "opportunities.urls.list"],
                r#"{"id":"o","phones":[{"type":"home"}],"urls":{"show":"s"}}"#,
            ),
        ];
        for (excluded, expected) in cases {
            assert_eq!(
                without(Stream::Opportunities, raw, &fields(excluded)),
                *expected
            );
        }
    }

    #[test]
    fn a_document_without_the_fields_stays_byte_for_byte() {
        let raw = r#"{"id": "o",  "n": 1.0}"#;
        let excluded = fields(&["opportunities.phones", "opportunities.n.x", "contacts.n"]);
        assert!(
            matches!(without(Stream::Opportunities, raw, &excluded), Cow::Borrowed(same) if same == raw)
        );
        assert_eq!(
            without(Stream::Opportunities, "no json", &excluded),
            "no json"
        );
    }
}
