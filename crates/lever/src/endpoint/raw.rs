//! A call of any operation, made of text.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{ASTRAY, Request, segment_fault};
use crate::decode::DecodeError;
use crate::page::{self, Page};
use crate::registry::{AnswerKind, BodyKind, Operation, PerformAs, astray};

/// A call of any operation, for callers that know only its name and what Lever's documentation says.
///
/// What was given is checked against the [registry](crate::registry); what it means is left to Lever.
/// Operations that send or answer files are not for this: they have endpoint values of their own.
#[derive(Clone)]
pub struct RawCall {
    operation: &'static Operation,
    request: Request,
}

/// What keeps a [`RawCall`] from being made; nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct RawCallError {
    /// What is wrong: `operation_id`, `path_parameters.note`, `query.foo` or `body`.
    pub field: String,
    /// What is wrong with it; repeats no value.
    pub message: String,
}

impl RawCall {
    /// Fills the path of `operation` and adds query and body.
    ///
    /// A name of the query may come several times, and with the brackets Lever shows on some (`accessRole[]`).
    ///
    /// # Errors
    /// The field that is missing, unknown or cannot be sent.
    pub fn new(
        operation: &'static Operation,
        path: &BTreeMap<String, String>,
        query: Vec<(String, String)>,
        body: Option<Value>,
    ) -> Result<RawCall, RawCallError> {
        refuse_files(operation)?;
        refuse_unknown_parameters(operation, path)?;
        let segments = segments(operation, path)?;
        let mut request = Request::of(operation.method, segments.iter().map(String::as_str));
        for (name, value) in query {
            request = request.query(query_name(operation, &name)?, Some(value));
        }
        let acts = request.query_pairs().any(|(name, _)| name == "perform_as");
        if operation.perform_as == PerformAs::Required && !acts {
            return Err(fault("query.perform_as", "Lever requires the acting user"));
        }
        let request = match checked_body(operation, body)? {
            Some(body) => request.json(body),
            None => request,
        };
        Ok(RawCall { operation, request })
    }

    /// Which operation it calls.
    pub fn operation(&self) -> &'static Operation {
        self.operation
    }

    /// What is sent.
    pub fn request(&self) -> &Request {
        &self.request
    }
}

impl fmt::Debug for RawCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawCall")
            .field("operation", &self.operation.id)
            .finish_non_exhaustive()
    }
}

fn fault(field: impl Into<String>, message: &str) -> RawCallError {
    RawCallError {
        field: field.into(),
        message: message.to_owned(),
    }
}

fn refuse_files(operation: &Operation) -> Result<(), RawCallError> {
    if operation.body == BodyKind::Multipart || operation.answer == AnswerKind::Bytes {
        return Err(fault("operation_id", "it carries a file, not JSON"));
    }
    Ok(())
}

fn refuse_unknown_parameters(
    operation: &Operation,
    path: &BTreeMap<String, String>,
) -> Result<(), RawCallError> {
    let known = |name: &String| operation.path_parameters().any(|known| known == name);
    match path.keys().find(|name| !known(name)) {
        Some(name) => Err(fault(
            format!("path_parameters.{name}"),
            "the path has no such parameter",
        )),
        None => Ok(()),
    }
}

fn segments(
    operation: &Operation,
    path: &BTreeMap<String, String>,
) -> Result<Vec<String>, RawCallError> {
    let filled = |segment: &str| match segment
        .strip_prefix('{')
        .and_then(|name| name.strip_suffix('}'))
    {
        None => Ok(segment.to_owned()),
        Some(name) => {
            let value = path.get(name).map_or("", String::as_str);
            match segment_fault(value) {
                Some(fault) => Err(self::fault(format!("path_parameters.{name}"), fault)),
                None => Ok(value.to_owned()),
            }
        }
    };
    let segments: Vec<String> = operation.segments().map(filled).collect::<Result<_, _>>()?;
    match astray(operation, &segments) {
        Some(at) => {
            let name = operation.segments().nth(at).unwrap_or_default();
            let name = name.trim_matches(['{', '}']);
            Err(fault(format!("path_parameters.{name}"), ASTRAY))
        }
        None => Ok(segments),
    }
}

/// The name as the registry writes it, or with the brackets it was given with.
fn query_name(operation: &Operation, given: &str) -> Result<&'static str, RawCallError> {
    let bare = given.strip_suffix("[]").unwrap_or(given);
    match operation.query.iter().find(|name| **name == bare) {
        Some(&"accessRole") => Ok("accessRole[]"),
        Some(name) => Ok(name),
        None => Err(fault(
            format!("query.{given}"),
            "the operation has no such parameter",
        )),
    }
}

fn checked_body(operation: &Operation, body: Option<Value>) -> Result<Option<Value>, RawCallError> {
    match (operation.body, body) {
        (BodyKind::None, None) => Ok(None),
        (BodyKind::None, Some(_)) => Err(fault("body", "the operation takes none")),
        (_, None) => Err(fault("body", "it is missing")),
        (_, Some(body)) if body.is_object() => Ok(Some(body)),
        (_, Some(_)) => Err(fault("body", "it is no JSON object")),
    }
}

/// The whole JSON answer to a [`RawCall`], envelope included.
#[derive(Clone, PartialEq, Eq)]
pub struct RawReply {
    /// The text as it came; empty when Lever answers nothing (204).
    pub body: Bytes,
}

impl RawReply {
    /// Checks that the answer is whole, and neither nothing nor an error in the place of an answer.
    pub(crate) fn new(operation: &Operation, body: Bytes) -> Result<RawReply, DecodeError> {
        if !(body.is_empty() && operation.answer == AnswerKind::Empty) {
            let shape: Option<Shape> = serde_json::from_slice(&body)
                .map_err(|error| DecodeError::from_json(&error, None))?;
            match shape {
                None if operation.answer != AnswerKind::Empty => {
                    return Err(DecodeError::new("null in the place of an answer"));
                }
                Some(shape) if shape.is_error() => {
                    return Err(DecodeError::new("an error in the place of an answer"));
                }
                _ => {}
            }
        }
        Ok(RawReply { body })
    }

    /// The answer as one page of a list.
    ///
    /// # Errors
    /// When it is none.
    pub fn page(&self) -> Result<Page<Any>, DecodeError> {
        Page::from_json(&self.body)
    }

    /// The answer as one record, taken out of its envelope.
    ///
    /// # Errors
    /// When it is none.
    pub fn record(&self) -> Result<Box<RawValue>, DecodeError> {
        page::single(&self.body)
    }
}

/// What tells Lever's errors from its answers; anything that is no object is an answer.
#[derive(Deserialize)]
#[serde(untagged)]
enum Shape {
    Object(Keys),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
struct Keys {
    code: Option<IgnoredAny>,
    message: Option<IgnoredAny>,
    data: Option<IgnoredAny>,
}

impl Shape {
    fn is_error(&self) -> bool {
        match self {
            Shape::Object(keys) => {
                keys.code.is_some() && keys.message.is_some() && keys.data.is_none()
            }
            Shape::Other(IgnoredAny) => false,
        }
    }
}

impl fmt::Debug for RawReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawReply")
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A record of which only the text matters; reads from anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Any;

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Any, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Any)
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::{nasty, read_back};
    use super::*;
    use crate::registry;
    use proptest::prelude::*;

    #[test]
    fn an_error_or_nothing_is_no_answer_whatever_the_status() {
        let read = |body: &'static str| {
            RawReply::new(
                &registry::CREATE_OPPORTUNITY,
                Bytes::from_static(body.as_bytes()),
            )
        };
        for answer in [
            r#"{"data":{"id":"o","code":1,"message":"m"}}"#,
            r#"{"id":"o","code":"c"}"#,
            r#"[{"code":"c","message":"m"}]"#,
            r#"{"data":null,"next":1}"#,
        ] {
            assert!(read(answer).is_ok(), "{answer}");
        }
        for none in [
            r#"{"code":"BadRequestError","message":"no"}"#,
            "null",
            "",
            "{",
        ] {
            assert!(read(none).is_err(), "{none}");
        }
    }
    use serde_json::json;

    type Text<'a> = &'a [(&'a str, &'a str)];

    fn call(
        operation: &'static Operation,
        path: Text<'_>,
        query: Text<'_>,
        body: Option<Value>,
    ) -> Result<RawCall, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        RawCall::new(
            operation,
            &path.iter().map(owned).collect(),
            query.iter().map(owned).collect(),
            body,
        )
        .map_err(|error| error.field)
    }

    #[test]
    fn text_becomes_the_request_of_the_operation() {
        let call = call(
            &registry::CREATE_OPPORTUNITY_NOTE,
            &[("opportunity", "o/1")],
            &[("note_id", "n 1")],
            Some(json!({"value": "hello"})),
        )
        .unwrap();
        let url = call
            .request()
            .url(&"https://lever.test/v1".parse().unwrap())
            .unwrap();
        assert_eq!(
            url.as_str(),
            "https://lever.test/v1/opportunities/o%2F1/notes?note_id=n+1"
        );
        assert_eq!(call.request().body(), Some(&json!({"value": "hello"})));
    }

    fn refused(
        operation: &'static Operation,
        path: Text<'_>,
        query: Text<'_>,
        body: Option<Value>,
    ) -> Option<String> {
        call(operation, path, query, body).err()
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let note = &registry::GET_OPPORTUNITY_NOTE;
        let both: Text<'_> = &[("opportunity", "o1"), ("note", "n1")];
        let named = |field: &str| Some(field.to_owned());
        assert_eq!(refused(note, both, &[], None), None);
        assert_eq!(
            refused(note, &[("opportunity", "o1")], &[], None),
            named("path_parameters.note")
        );
        for bad in ["", ".", "..", "n1\n", ".\t."] {
            assert_eq!(
                refused(note, &[("opportunity", "o1"), ("note", bad)], &[], None),
                named("path_parameters.note")
            );
        }
        assert_eq!(
            refused(
                note,
                &[("opportunity", "o1"), ("note", "n1"), ("user", "u1")],
                &[],
                None
            ),
            named("path_parameters.user")
        );
        assert_eq!(
            refused(note, both, &[("expand", "user")], None),
            named("query.expand")
        );
        assert_eq!(refused(note, both, &[], Some(json!({}))), named("body"));
    }

    #[test]
    fn a_value_that_leads_to_another_operation_is_named() {
        let refused =
            |operation, parameter| refused(operation, &[(parameter, "deleted")], &[], None);
        let named = |parameter: &str| Some(format!("path_parameters.{parameter}"));
        assert_eq!(
            refused(&registry::GET_OPPORTUNITY, "opportunity"),
            named("opportunity")
        );
        assert_eq!(refused(&registry::GET_POSTING, "posting"), named("posting"));
        assert_eq!(refused(&registry::GET_USER, "user"), None);
    }

    proptest! {
        #[test]
        fn a_parameter_fills_its_place_and_nothing_else(text in nasty()) {
            let operations = registry::OPERATIONS.iter();
            for operation in operations.filter(|operation| operation.path.contains('{')) {
                let name = operation.path_parameters().last().unwrap();
                let path = operation.path_parameters().map(|name| (name, "x"));
                let mut path: BTreeMap<_, _> = owned(path);
                path.insert(name.to_owned(), text.clone());
                let expected: Result<Vec<_>, _> = match segment_fault(&text) {
                    None => Ok(operation.path.split('/').skip(1).map(|segment| match segment {
                        _ if segment == format!("{{{name}}}") => text.clone(),
                        _ if segment.starts_with('{') => "x".to_owned(),
                        fixed => fixed.to_owned(),
                    }).collect()),
                    Some(why) => Err(fault(format!("path_parameters.{name}"), why)),
                };
                let filled = segments(operation, &path);
                prop_assert_eq!(&filled, &expected, "{}", operation.id);
                if let Ok(segments) = filled {
                    let request = Request::of(operation.method, segments.iter().map(String::as_str));
                    let url = request.url(&"https://lever.test".parse().unwrap()).unwrap();
                    prop_assert_eq!(read_back(&url), segments);
                    prop_assert_eq!((url.query(), url.fragment()), (None, None));
                }
            }
        }
    }

    fn owned<'a>(path: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
        path.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    #[test]
    fn a_body_is_an_object_where_one_belongs() {
        let stage = &registry::UPDATE_OPPORTUNITY_STAGE;
        for body in [None, Some(json!([])), Some(json!("lead-new"))] {
            let error = call(stage, &[("opportunity", "o1")], &[], body).unwrap_err();
            assert_eq!(error, "body");
        }
    }

    #[test]
    fn a_required_acting_user_is_asked_for() {
        let delete = &registry::DELETE_OPPORTUNITY_PANEL;
        let path: Text<'_> = &[("opportunity", "o1"), ("panel", "p1")];
        assert_eq!(
            call(delete, path, &[], None).unwrap_err(),
            "query.perform_as"
        );
        assert!(call(delete, path, &[("perform_as", "u1")], None).is_ok());
    }

    #[test]
    fn files_are_not_for_raw_calls() {
        for operation in [
            &registry::UPLOAD_FILE,
            &registry::DOWNLOAD_OPPORTUNITY_RESUME,
        ] {
            assert_eq!(call(operation, &[], &[], None).unwrap_err(), "operation_id");
        }
    }

    #[test]
    fn the_role_filter_goes_with_its_brackets() {
        for name in ["accessRole", "accessRole[]"] {
            let call = call(&registry::LIST_USERS, &[], &[(name, "admin")], None).unwrap();
            let query: Vec<_> = call.request().query_pairs().collect();
            assert_eq!(query, [("accessRole[]", "admin")]);
        }
    }

    #[test]
    fn an_answer_reads_as_page_or_record() {
        let reply = |body: &'static str| {
            RawReply::new(&registry::LIST_USERS, Bytes::from_static(body.as_bytes()))
        };
        let list = reply(r#"{"data": [{"id": 1}, 7], "next": "t", "hasNext": true}"#).unwrap();
        let page = list.page().unwrap();
        let raw: Vec<_> = page.records.iter().flatten().map(|r| r.raw.get()).collect();
        assert_eq!(raw, [r#"{"id": 1}"#, "7"]);
        assert!(page.next.is_some());
        let single = reply(r#"{"data": {"id": "a"}}"#).unwrap();
        assert_eq!(single.record().unwrap().get(), r#"{"id": "a"}"#);
        assert!(reply(r#"{"data": [{"#).unwrap_err().is_truncated());
        assert!(reply("").unwrap_err().is_truncated());
        assert!(RawReply::new(&registry::DELETE_WEBHOOK, Bytes::new()).is_ok());
    }
}
