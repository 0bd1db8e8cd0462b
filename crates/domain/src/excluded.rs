//! Fields a connection does not keep: taken out of Lever's documents before anything else sees them.
//!
//! A field is taken out of the records of its stream wherever these stand: in a document of their own, inside one of
//! another stream, in a list, in the envelope of an answer. [`embedded`] says what stands where.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use crate::Stream;
use crate::embedded;

/// A field of one stream, in Lever's names: `opportunities.phones`, `contacts.dataProtection.store`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExcludedField {
    stream: Stream,
    path: Vec<String>,
}

/// Why a field cannot be left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotExcludable {
    /// It is no `stream.path`, or a step of it is empty.
    #[error("give stream.path in Lever's names, such as contacts.phones")]
    Shape,
    /// There is no such stream.
    #[error("there is no such stream: give stream.path in Lever's names, such as contacts.phones")]
    NoStream,
    /// Fulcrum cannot do without it.
    #[error("{field} cannot be left out: {why}")]
    Needed {
        /// The field as it was given.
        field: ExcludedField,
        /// What it is needed for.
        why: &'static str,
    },
}

const KNOWN_BY: &str = "records are known by it";
const WHO_SEES: &str = "it says who may see the record";
const WHOSE: &str = "it says whose record it is, and with that who may see it";
const PERSON: &str = "it ties the opportunity to its person";
const POSTING: &str = "it ties the opportunity to its postings";
const STAGE: &str = "the pipeline and the stage mapping go by it";
const IN_PIPELINE: &str = "it says who has left the pipeline, and how";

/// What Fulcrum cannot do without, and why.
const NEEDED: [(Stream, &str, &str); 15] = [
    (Stream::Tags, "text", KNOWN_BY),
    (Stream::Sources, "text", KNOWN_BY),
    (Stream::Opportunities, "contact", PERSON),
    (Stream::Opportunities, "contact.id", PERSON),
    (Stream::Opportunities, "applications", POSTING),
    (Stream::Opportunities, "applications.id", POSTING),
    (Stream::Opportunities, "stage", STAGE),
    (Stream::Opportunities, "stage.id", STAGE),
    (Stream::Opportunities, "archived", IN_PIPELINE),
    (Stream::Opportunities, "archived.archivedAt", IN_PIPELINE),
    (Stream::Opportunities, "archived.reason", IN_PIPELINE),
    (
        Stream::Opportunities,
        "updatedAt",
        "the order of changes goes by it",
    ),
    (
        Stream::ArchiveReasons,
        "type",
        "it tells a hire from a rejection",
    ),
    (Stream::Applications, "opportunityId", WHOSE),
    (Stream::EeoResponses, "opportunityId", WHOSE),
];

/// What a field is needed for; none when it can be left out.
fn needed_for(stream: Stream, path: &str) -> Option<&'static str> {
    match (stream, path) {
        (_, "id") => Some(KNOWN_BY),
        (_, "confidentiality") | (Stream::Notes, "secret") => Some(WHO_SEES),
        _ => NEEDED
            .iter()
            .find(|(needs, needed, _)| *needs == stream && *needed == path)
            .map(|(_, _, why)| *why),
    }
}

impl ExcludedField {
    /// Reads `stream.path`.
    ///
    /// # Errors
    /// [`NotExcludable`] for what is no such text, an unknown stream, and a field that is needed.
    pub fn parse(text: &str) -> Result<ExcludedField, NotExcludable> {
        let (stream, path) = text.split_once('.').ok_or(NotExcludable::Shape)?;
        let stream = Stream::from_name(stream).ok_or(NotExcludable::NoStream)?;
        let steps: Vec<String> = path.split('.').map(str::to_owned).collect();
        if steps.iter().any(String::is_empty) {
            return Err(NotExcludable::Shape);
        }
        let field = ExcludedField {
            stream,
            path: steps,
        };
        match needed_for(stream, path) {
            Some(why) => Err(NotExcludable::Needed { field, why }),
            None => Ok(field),
        }
    }

    /// Reads what an earlier version may have let in, needed or not; none for what is no field.
    pub fn from_stored(text: &str) -> Option<ExcludedField> {
        match ExcludedField::parse(text) {
            Ok(field) | Err(NotExcludable::Needed { field, .. }) => Some(field),
            Err(NotExcludable::Shape | NotExcludable::NoStream) => None,
        }
    }

    /// The stream whose records lose it.
    pub fn stream(&self) -> Stream {
        self.stream
    }

    /// Whether what stands at a path of a record is gone with it.
    pub fn covers(&self, stream: Stream, path: &[&str]) -> bool {
        self.stream == stream
            && self.path.len() <= path.len()
            && self
                .path
                .iter()
                .zip(path)
                .all(|(step, other)| step == other)
    }

    /// The streams whose documents lose something with it: its own, and those that show records of this one unasked.
    pub fn reaches(&self) -> impl Iterator<Item = Stream> {
        let field = self.path.first().map_or("", String::as_str);
        let shown_in = embedded::shown_in(self.stream, field);
        std::iter::once(self.stream).chain(shown_in.iter().copied())
    }

    /// Whether a document may hold the field, or the same under another name; told from its text.
    fn may_be_in(&self, raw: &str) -> bool {
        let holds = |name: &str| raw.contains(&format!("\"{name}\""));
        let last = self.path.last().map_or("", String::as_str);
        // A name can be written with escapes; whoever reads the document then sees.
        raw.contains("\\u")
            || holds(last)
            || embedded::other_names(self.stream, last)
                .iter()
                .any(|name| holds(name))
    }
}

impl fmt::Display for ExcludedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.stream, self.path.join("."))
    }
}

/// A document of `stream` without these fields; unchanged, byte for byte, when it has none of them.
///
/// Documents of other streams inside it lose the fields of theirs. A step that leads to a list leads into each of its
/// elements. What is no JSON is given back as it is.
pub fn without<'r>(stream: Stream, raw: &'r str, fields: &BTreeSet<ExcludedField>) -> Cow<'r, str> {
    if !fields.iter().any(|field| field.may_be_in(raw)) {
        return Cow::Borrowed(raw);
    }
    let Ok(mut document) = serde_json::from_str::<Value>(raw) else {
        return Cow::Borrowed(raw);
    };
    if strip_document(Some(stream), &mut document, fields) {
        Cow::Owned(document.to_string())
    } else {
        Cow::Borrowed(raw)
    }
}

/// Takes the fields out of a whole answer, envelopes included; tells whether there were any.
///
/// `stream` is that of the records the answer is about; without one, only what stands under a telling key is known.
pub fn strip_answer(
    stream: Option<Stream>,
    answer: &mut Value,
    fields: &BTreeSet<ExcludedField>,
) -> bool {
    match answer {
        _ if fields.is_empty() => false,
        Value::Object(parts) if is_envelope(parts) => {
            parts.iter_mut().fold(false, |changed, (key, part)| {
                let stream = stream.filter(|_| ENVELOPE.contains(&key.as_str()));
                strip_answer(stream, part, fields) | changed
            })
        }
        Value::Array(records) => records.iter_mut().fold(false, |changed, record| {
            strip_answer(stream, record, fields) | changed
        }),
        document => strip_document(stream, document, fields),
    }
}

/// The keys under which an answer holds what it is about (behaviour: "Users, EEO, surveys, audit" for the second).
const ENVELOPE: [&str; 2] = ["data", "eeoResponses"];

/// Whether an object is an envelope: records have ids.
fn is_envelope(parts: &Map<String, Value>) -> bool {
    let holds = |key: &&str| {
        parts
            .get(*key)
            .is_some_and(|part| part.is_object() || part.is_array())
    };
    !parts.contains_key("id") && ENVELOPE.iter().any(holds)
}

/// Takes the fields out of documents of one stream, and out of all that stands inside them.
fn strip_document(
    stream: Option<Stream>,
    document: &mut Value,
    fields: &BTreeSet<ExcludedField>,
) -> bool {
    let parts = match document {
        Value::Object(parts) => parts,
        Value::Array(documents) => {
            return documents.iter_mut().fold(false, |changed, document| {
                strip_document(stream, document, fields) | changed
            });
        }
        _ => return false,
    };
    let own = fields.iter().filter(|field| Some(field.stream) == stream);
    let changed = own.fold(false, |changed, field| remove_field(parts, field) | changed);
    parts
        .iter_mut()
        .filter(|(key, _)| !embedded::has_other_keys(key))
        .fold(changed, |changed, (key, part)| {
            let inside = match part.as_object() {
                Some(target) if key == "target" => embedded::stream_of_target(target),
                _ => embedded::stream_under(key),
            };
            strip_document(inside, part, fields) | changed
        })
}

/// Takes a field out of a document, also where it goes by another name.
fn remove_field(document: &mut Map<String, Value>, field: &ExcludedField) -> bool {
    let other_names = match field.path.as_slice() {
        [name] => embedded::other_names(field.stream, name),
        _ => &[],
    };
    other_names
        .iter()
        .fold(remove(document, &field.path), |changed, name| {
            document.shift_remove(*name).is_some() | changed
        })
}

fn remove(document: &mut Map<String, Value>, path: &[String]) -> bool {
    match path {
        [] => false,
        [last] => document.shift_remove(last).is_some(),
        [first, rest @ ..] => document
            .get_mut(first)
            .is_some_and(|value| remove_below(value, rest)),
    }
}

fn remove_below(value: &mut Value, path: &[String]) -> bool {
    match value {
        Value::Object(document) => remove(document, path),
        Value::Array(values) => values
            .iter_mut()
            .fold(false, |changed, value| remove_below(value, path) | changed),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
        for (bad, why) in [
            ("phones", "give stream.path"),
            ("contacts.", "give stream.path"),
            ("contacts..x", "give stream.path"),
            ("", "give stream.path"),
            ("people.phones", "no such stream"),
            (
                "contacts.id",
                "contacts.id cannot be left out: records are known by it",
            ),
            (
                "tags.text",
                "tags.text cannot be left out: records are known by it",
            ),
            (
                "notes.secret",
                "notes.secret cannot be left out: it says who may see",
            ),
            ("postings.confidentiality", "it says who may see"),
            ("opportunities.contact.id", "its person"),
            ("opportunities.archived.reason", "the pipeline"),
            ("archive_reasons.type", "a hire from a rejection"),
        ] {
            let told = ExcludedField::parse(bad).unwrap_err().to_string();
            assert!(told.contains(why), "{bad}: {told}");
        }
    }

    #[test]
    fn only_what_is_needed_of_that_very_stream_stays() {
        for field in [
            "notes.text",
            "postings.text",
            "stages.text",
            "postings.updatedAt",
            "opportunities.contact.name",
            "eeo_responses.contact",
            "applications.archived",
            "feedback_templates.stage",
        ] {
            assert!(ExcludedField::parse(field).is_ok(), "{field}");
        }
    }

    #[test]
    fn what_an_earlier_version_let_in_is_still_read() {
        for field in ["notes.secret", "archive_reasons.type"] {
            assert_eq!(
                ExcludedField::from_stored(field).unwrap().to_string(),
                field
            );
        }
        assert_eq!(ExcludedField::from_stored("people.phones"), None);
    }

    #[test]
    fn what_an_expanded_record_must_not_show_is_taken_out_of_it_too() {
        let raw = concat!(
            r#"{"id":"o","phones":["1"],"contact":{"id":"c","phones":["2"],"name":"Ada"},"#,
            r#""applications":[{"id":"a","phone":"3","posting":{"id":"p","text":"Job","owner":{"id":"u","email":"e"}}},"b"],"#,
            r#""archived":{"reason":{"id":"r","text":"Spam"}},"dataProtection":{"contact":{"phones":true}}}"#
        );
        let excluded = fields(&[
            "contacts.phones",
            "applications.phone",
            "postings.text",
            "users.email",
            "archive_reasons.text",
        ]);
        assert_eq!(
            without(Stream::Opportunities, raw, &excluded),
            concat!(
                r#"{"id":"o","phones":["1"],"contact":{"id":"c","name":"Ada"},"#,
                r#""applications":[{"id":"a","posting":{"id":"p","owner":{"id":"u"}}},"b"],"#,
                r#""archived":{"reason":{"id":"r"}},"dataProtection":{"contact":{"phones":true}}}"#
            )
        );
    }

    #[test]
    fn what_stands_in_an_interview_or_panel_unasked_loses_it_too() {
        let interviewer = r#"{"id":"u","name":"Lee","email":"e"}"#;
        let panel = format!(
            r#"{{"id":"p","interviews":[{{"id":"i","note":"n","interviewers":[{interviewer}]}}],"user":"u"}}"#
        );
        let excluded = fields(&["users.email", "interviews.note"]);
        assert_eq!(
            without(Stream::Panels, &panel, &excluded),
            r#"{"id":"p","interviews":[{"id":"i","interviewers":[{"id":"u","name":"Lee"}]}],"user":"u"}"#
        );
        let reached: BTreeSet<_> = excluded.iter().flat_map(ExcludedField::reaches).collect();
        let documents = [
            Stream::Users,
            Stream::Requisitions,
            Stream::Interviews,
            Stream::Panels,
        ];
        assert_eq!(reached, documents.into());
    }

    fn stripped(stream: Option<Stream>, mut answer: Value, excluded: &[&str]) -> Value {
        let before = answer.clone();
        let changed = strip_answer(stream, &mut answer, &fields(excluded));
        assert_eq!(changed, answer != before);
        answer
    }

    #[test]
    fn answers_lose_it_in_whatever_envelope_they_come() {
        let record = || json!({"id": "x", "note": "n", "data": {"y": 1}});
        let without = || json!({"id": "x", "data": {"y": 1}});
        for (answer, expected) in [
            (json!({"data": record()}), json!({"data": without()})),
            (
                json!({"data": [record()], "next": "t", "hasNext": true}),
                json!({"data": [without()], "next": "t", "hasNext": true}),
            ),
            (
                json!({"data": {"data": [record()]}}),
                json!({"data": {"data": [without()]}}),
            ),
            (json!([record()]), json!([without()])),
            (record(), without()),
            (json!({"data": []}), json!({"data": []})),
            (json!(null), json!(null)),
        ] {
            let excluded = ["interviews.note", "interviews.next", "interviews.hasNext"];
            assert_eq!(
                stripped(Some(Stream::Interviews), answer, &excluded),
                expected
            );
        }
        let eeo = json!({"data": {"eeoResponses": [{"gender": "f", "race": "r"}]}});
        assert_eq!(
            stripped(Some(Stream::EeoResponses), eeo, &["eeo_responses.gender"]),
            json!({"data": {"eeoResponses": [{"race": "r"}]}})
        );
    }

    #[test]
    fn an_answer_about_no_stream_loses_it_where_its_keys_tell() {
        let event = json!({"data": [{
            "id": "e",
            "user": {"id": "u", "email": "e", "name": "Lee"},
            "target": {"type": "user", "id": "u", "label": "Lee"},
            "meta": {"duplicate": {"id": "v", "name": "Leo"}},
        }]});
        assert_eq!(
            stripped(None, event, &["users.name", "contacts.email"]),
            json!({"data": [{
                "id": "e",
                "user": {"id": "u", "email": "e"},
                "target": {"type": "user", "id": "u"},
                "meta": {"duplicate": {"id": "v"}},
            }]})
        );
        let stages = json!({"data": {"stages": [{"id": "s", "text": "New"}], "archiveReasons": [{"id": "r", "text": "x"}]}});
        assert_eq!(
            stripped(None, stages, &["stages.text"]),
            json!({"data": {"stages": [{"id": "s"}], "archiveReasons": [{"id": "r", "text": "x"}]}})
        );
    }

    #[test]
    fn a_reference_goes_by_whatever_name_an_answer_has_for_it() {
        let written =
            json!({"data": {"id": "r", "name": "n", "ownerUserId": "u", "creatorUserId": "v"}});
        assert_eq!(
            stripped(Some(Stream::Requisitions), written, &["requisitions.owner"]),
            json!({"data": {"id": "r", "name": "n", "creatorUserId": "v"}})
        );
    }

    #[test]
    fn a_name_written_with_escapes_is_found() {
        assert_eq!(
            without(
                Stream::Contacts,
                r#"{"id":"c","\u0070hones":[]}"#,
                &fields(&["contacts.phones"])
            ),
            r#"{"id":"c"}"#
        );
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
