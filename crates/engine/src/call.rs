//! Any operation of Lever's, by its name: reads go straight through, writes become operations.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use domain::nearest::nearest;
use domain::operation::RawWrite;
use domain::{ConnectionId, Stream, Write, excluded};
use lever::{Access, AnswerKind, Lane, Operation, RawCall, RawReply, Repeat, registry};
use serde_json::Value;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::read::{Sight, Viewer, is_confidential, is_secret, kept, stream_of};

/// A call made of text.
#[derive(Clone, PartialEq)]
pub struct Asked {
    /// Which operation.
    pub operation: &'static Operation,
    /// The parameters of the path by name.
    pub path: BTreeMap<String, String>,
    /// The query parameters in order, before encoding.
    pub query: Vec<(String, String)>,
    /// The JSON body.
    pub body: Option<Value>,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked")
            .field("operation", &self.operation.id)
            .finish_non_exhaustive()
    }
}

/// What Lever answered to a read.
#[derive(Clone, PartialEq, Eq)]
pub struct Called {
    /// The HTTP status.
    pub status: u16,
    /// The JSON text, envelope included, without what the caller may not see.
    pub body: Bytes,
}

impl std::fmt::Debug for Called {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Called")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The operation of that id, or the only one that a permission allows.
///
/// # Errors
/// Invalid, naming the field, for an unknown name and for a permission that allows several operations.
pub fn find_operation(id: &str, permission: &str) -> Result<&'static Operation> {
    match (id, permission) {
        ("", "") => Err(Error::invalid(
            "operation_id",
            "name the operation as Lever's API description does",
        )),
        (id, "") => registry::find(id).ok_or_else(|| Error::invalid("operation_id", unknown(id))),
        ("", permission) => only(permission),
        _ => Err(Error::invalid(
            "permission",
            "give either operation_id or permission, not both",
        )),
    }
}

/// What to say of a name that Lever's API does not have.
pub(crate) fn unknown(operation: &str) -> String {
    let names = registry::OPERATIONS.iter().map(|known| (known.id, ""));
    let near = nearest(operation, names).join(", ");
    format!("Lever's API has no operation of this name; nearest: {near}")
}

fn only(permission: &str) -> Result<&'static Operation> {
    let found: Vec<_> = registry::by_permission(permission).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let permissions: BTreeSet<_> = registry::OPERATIONS
                .iter()
                .map(|known| known.permission)
                .filter(|name| !name.is_empty())
                .collect();
            let near = nearest(permission, permissions.into_iter().map(|known| (known, "")));
            let message = format!(
                "Lever's page of API keys has no permission of this name; nearest: {}",
                near.join(", ")
            );
            Err(Error::invalid("permission", message))
        }
        several => {
            let names: Vec<_> = several.iter().map(|operation| operation.id).collect();
            let message = format!(
                "it allows several operations: give operation_id, one of {}",
                names.join(", ")
            );
            Err(Error::invalid("permission", message))
        }
    }
}

/// Whether an operation answers with what people said about themselves for equal opportunity.
pub fn tells_eeo(operation: &Operation) -> bool {
    stream_of(operation) == Some(Stream::EeoResponses)
}

/// Whether an operation answers with what was done to anybody, confidential people included.
pub fn tells_of_everybody(operation: &Operation) -> bool {
    operation.id == registry::LIST_AUDIT_EVENTS.id
}

impl Engine {
    /// Reads with any operation of Lever's.
    ///
    /// # Errors
    /// Invalid for a bad field; not found for what Lever does not have, or the caller may not see; precondition for
    /// EEO responses that the connection does not keep, and Lever's refusals.
    pub async fn call_read(
        &self,
        id: ConnectionId,
        asked: Asked,
        viewer: Viewer,
    ) -> Result<Called> {
        let call = checked(&asked)?;
        let sight = self.sight(id, viewer)?;
        if tells_eeo(asked.operation) {
            kept(&sight.connection, Stream::EeoResponses)?;
        }
        refuse_partial(&asked, &sight)?;
        for (parameter, value) in &asked.path {
            sight.check_path(parameter, value).await?;
        }
        let answer = self.link(id)?.client(Lane::Interactive).call(&call).await?;
        let body = visible(&sight, asked.operation, &asked.path, &answer.value).await?;
        Ok(Called {
            status: answer.status,
            body,
        })
    }

    /// The raw write that was asked for; nothing is recorded or sent.
    ///
    /// # Errors
    /// Invalid for a bad field; not found for what the caller may not see.
    pub async fn raw_write(
        &self,
        id: ConnectionId,
        asked: Asked,
        viewer: Viewer,
    ) -> Result<RawWrite> {
        let named = asked
            .query
            .iter()
            .find(|(name, _)| name.starts_with("perform_as") && name != "perform_as_posting_owner");
        if named.is_some() {
            return Err(Error::invalid(
                "query.perform_as",
                "name the user in the field acting_user or perform_as",
            ));
        }
        checked(&standing_in(&asked))?;
        let sight = self.sight(id, viewer)?;
        for (parameter, value) in &asked.path {
            sight.check_path(parameter, value).await?;
        }
        for (name, value) in &asked.query {
            sight.check_named(&format!("query.{name}"), value).await?;
        }
        for text in asked.body.iter().flat_map(texts_in) {
            sight.check_named("body", text).await?;
        }
        Ok(RawWrite {
            operation: asked.operation.id.to_owned(),
            path: asked.path,
            query: asked.query,
            body: asked.body.map(|body| body.to_string()),
            creates: asked.operation.repeat == Repeat::Creates,
            bare: false,
        })
    }
}

impl Engine {
    /// What Lever answered to a raw write, without what the connection leaves out by now; empty without an answer.
    ///
    /// # Errors
    /// Not found if the connection is gone.
    pub async fn answer_to(&self, operation: &domain::Operation) -> Result<String> {
        let (Write::Raw(raw), Some(answer)) = (&operation.write, &operation.answer) else {
            return Ok(String::new());
        };
        let connection = self.connection(operation.connection).await?;
        let kept = answer_to_keep(&raw.operation, &connection, answer.as_bytes());
        Ok(kept.unwrap_or_default())
    }
}

/// Every text in a document, keys left out.
fn texts_in(document: &Value) -> Vec<&str> {
    match document {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts_in).collect(),
        Value::Object(fields) => fields.values().flat_map(texts_in).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// The call as Lever will get it, as far as it is known yet: whom it is made for is chosen later.
fn standing_in(asked: &Asked) -> Asked {
    let mut asked = asked.clone();
    if asked.operation.perform_as != lever::PerformAs::No {
        asked
            .query
            .push(("perform_as".to_owned(), "chosen later".to_owned()));
    }
    asked
}

fn checked(asked: &Asked) -> Result<RawCall> {
    RawCall::new(
        asked.operation,
        &asked.path,
        asked.query.clone(),
        asked.body.clone(),
    )
    .map_err(|error| Error::invalid(error.field, error.message))
}

/// An answer that leaves out what says who may see it is for callers who may see everything.
fn refuse_partial(asked: &Asked, sight: &Sight<'_>) -> Result<()> {
    let narrowed = asked
        .query
        .iter()
        .any(|(name, _)| name.trim_end_matches("[]") == "include");
    if narrowed && !sight.sees_confidential() && asked.operation.access == Access::Read {
        return Err(Error::invalid(
            "query.include",
            "it needs a token with the right confidential, and a key of Lever's that sees confidential records: \
             leave it out, the whole records are answered then",
        ));
    }
    Ok(())
}

/// The answer without what the caller may not see; byte for byte Lever's when that is all of it.
async fn visible(
    sight: &Sight<'_>,
    operation: &'static Operation,
    path: &BTreeMap<String, String>,
    reply: &RawReply,
) -> Result<Bytes> {
    let stream = stream_of(operation);
    // What cannot be looked into is not shown either.
    let mut body: Value = serde_json::from_slice(&reply.body)
        .map_err(|_| Error::unavailable("Lever's answer cannot be read: ask again"))?;
    let mut changed = false;
    let parent = path
        .get("opportunity")
        .or_else(|| path.get("candidate"))
        .cloned();
    for records in lists(&mut body) {
        let mut shown = Vec::with_capacity(records.len());
        for record in std::mem::take(records) {
            let kept = seen(sight, stream, parent.as_deref(), &record).await?;
            changed |= kept.as_ref() != Some(&record);
            shown.extend(kept);
        }
        *records = shown;
    }
    if operation.answer == AnswerKind::Record {
        let wrapped = body.get("data").is_some_and(Value::is_object);
        let record = if wrapped {
            body["data"].take()
        } else {
            body.take()
        };
        let unknown = || Error::not_found("record", asked_for(operation, path));
        let kept = seen(sight, stream, parent.as_deref(), &record)
            .await?
            .ok_or_else(unknown)?;
        changed |= kept != record;
        if wrapped {
            body["data"] = kept;
        } else {
            body = kept;
        }
    }
    changed |= excluded::strip_answer(
        answered(operation),
        &mut body,
        &sight.connection.excluded_fields,
    );
    Ok(if changed {
        Bytes::from(body.to_string())
    } else {
        reply.body.clone()
    })
}

/// The id of the record an operation is about: the last one in its path.
fn asked_for<'p>(operation: &Operation, path: &'p BTreeMap<String, String>) -> &'p str {
    let last = operation.path_parameters().last();
    let id = last.and_then(|name| path.get(name));
    id.map_or("", String::as_str)
}

/// The lists of records in an answer: under `data`, or one level deeper.
fn lists(body: &mut Value) -> Vec<&mut Vec<Value>> {
    match body.get_mut("data") {
        Some(Value::Array(records)) => vec![records],
        Some(Value::Object(deeper)) => match deeper.get_mut("eeoResponses") {
            Some(Value::Array(records)) => vec![records],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// A record of an answer as the caller may see it; none if not at all.
async fn seen(
    sight: &Sight<'_>,
    stream: Option<Stream>,
    parent: Option<&str>,
    record: &Value,
) -> Result<Option<Value>> {
    let mut record = record.clone();
    if !sight.sees_confidential() {
        hide_nested(&mut record);
    }
    let Some(stream) = stream else {
        let hidden = !sight.sees_confidential() && is_confidential(&record.to_string());
        return Ok((!hidden).then_some(record));
    };
    let text = |name: &str| {
        record
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let raw = crate::read::RawRecord {
        id: text("id"),
        opportunity: parent
            .map(str::to_owned)
            .filter(|_| stream != Stream::Opportunities),
        raw: record.to_string(),
    };
    let unchanged = raw.raw.clone();
    Ok(sight.shown(stream, raw).await?.map(|shown| {
        if shown.raw == unchanged {
            record
        } else {
            serde_json::from_str(&shown.raw).unwrap_or(Value::Null)
        }
    }))
}

/// Puts ids in place of confidential records that were expanded inside another record.
fn hide_nested(record: &mut Value) {
    let values: Vec<&mut Value> = match record {
        Value::Object(fields) => fields.values_mut().collect(),
        Value::Array(values) => values.iter_mut().collect(),
        _ => return,
    };
    for value in values {
        let hidden = value.get("confidentiality").and_then(Value::as_str) == Some("confidential");
        match value.get("id").filter(|_| hidden) {
            Some(id) => *value = id.clone(),
            None => hide_nested(value),
        }
    }
}

/// The largest answer to a write that is kept with its operation.
const LARGEST_ANSWER: usize = 256 << 10;

/// What Lever gives only once, when it makes a webhook; nobody gets to see it here.
const SECRET: &str = "signatureToken";

/// What is kept of the answer to a raw write: no secrets, no secret notes, nothing that is left out, nothing huge.
pub(crate) fn answer_to_keep(
    operation: &str,
    connection: &domain::Connection,
    body: &[u8],
) -> Option<String> {
    let mut body: Value = serde_json::from_slice(body).ok()?;
    redact(&mut body);
    let record = body.get("data").unwrap_or(&body).to_string();
    if is_secret(&record) && !connection.include_secret_notes {
        return None;
    }
    excluded::strip_answer(written(operation), &mut body, &connection.excluded_fields);
    let text = body.to_string();
    (text.len() <= LARGEST_ANSWER).then_some(text)
}

/// The stream of the records that a read answers with, also where no list or read of our own does.
fn answered(operation: &Operation) -> Option<Stream> {
    let path = operation.path.trim_end_matches("/deleted");
    let last = path.rsplit('/').next().unwrap_or_default();
    stream_of(operation).or_else(|| Stream::from_name(last))
}

/// The stream of the records that a write answers with, as far as its path tells.
pub(crate) fn written(operation: &str) -> Option<Stream> {
    let operation = registry::find(operation)?;
    let segments = || operation.path.split('/').skip(1);
    let last = segments()
        .filter(|segment| Stream::from_name(segment).is_some())
        .last();
    let below_a_person = matches!(segments().next(), Some("opportunities" | "candidates"));
    match last {
        Some(name) => Stream::from_name(name),
        None => below_a_person.then_some(Stream::Opportunities),
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.shift_remove(SECRET);
            fields.values_mut().for_each(redact);
        }
        Value::Array(values) => values.iter_mut().for_each(redact),
        _ => {}
    }
}

/// Lever's id of what a raw write made, out of its answer.
pub(crate) fn result_id(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let record = body.get("data").unwrap_or(&body);
    let names = ["id", "noteId", "applicationId"];
    let id = names.iter().find_map(|name| record.get(name)?.as_str());
    id.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing;

    #[test]
    fn an_operation_is_named_by_its_id_or_by_a_permission_that_allows_it_alone() {
        assert_eq!(find_operation("listUsers", "").unwrap().id, "listUsers");
        assert_eq!(
            find_operation("", "find all users").unwrap().id,
            "listUsers"
        );
        let refused = |id, permission| find_operation(id, permission).unwrap_err().to_string();
        assert!(refused("list user", "").starts_with("operation_id"));
        assert!(refused("list user", "").contains("nearest: listUsers, "));
        assert!(refused("", "find all user").contains("nearest: find all users, "));
        assert!(refused("", "").starts_with("operation_id"));
        assert!(refused("", "nope").starts_with("permission"));
        assert!(refused("listUsers", "find all users").starts_with("permission"));
        let several = refused("", "apply to a posting");
        assert!(
            several.contains("applyToPosting") && several.contains("uploadFile"),
            "{several}"
        );
    }

    #[test]
    fn a_record_that_is_not_shown_is_named_by_its_own_id() {
        let path = [("opportunity", "o"), ("note", "n")];
        let path = path.map(|(name, id)| (name.to_owned(), id.to_owned()));
        let note = registry::find("getOpportunityNote").unwrap();
        assert_eq!(asked_for(note, &path.into()), "n");
    }

    #[test]
    fn confidential_records_inside_others_shrink_to_their_ids() {
        let mut record = json!({"id": "r", "postings": [
            {"id": "p", "confidentiality": "confidential", "text": "Secret job"},
            {"id": "q", "confidentiality": "non-confidential", "text": "Open job"}
        ]});
        hide_nested(&mut record);
        assert_eq!(
            record["postings"],
            json!(["p", {"id": "q", "confidentiality": "non-confidential", "text": "Open job"}])
        );
    }

    #[test]
    fn what_is_kept_of_an_answer_holds_no_secret() {
        let connection = testing::connection(&[], lever::Timestamp::default());
        let webhook = br#"{"data":{"id":"w","configuration":{"signatureToken":"s3cret"}}}"#;
        let kept = answer_to_keep("createWebhook", &connection, webhook).unwrap();
        assert_eq!(kept, r#"{"data":{"id":"w","configuration":{}}}"#);
        let note = br#"{"data":{"id":"n","secret":true}}"#;
        assert_eq!(
            answer_to_keep("createOpportunityNote", &connection, note),
            None
        );
        assert_eq!(answer_to_keep("deleteWebhook", &connection, b""), None);
        let huge = format!(r#"{{"data":{{"id":"{}"}}}}"#, "x".repeat(LARGEST_ANSWER));
        assert_eq!(
            answer_to_keep("createPosting", &connection, huge.as_bytes()),
            None
        );
    }

    #[test]
    fn what_is_kept_of_an_answer_holds_nothing_that_is_left_out() {
        let fields = ["contacts.phones", "interviews.note", "users.email"];
        let connection = domain::Connection {
            excluded_fields: fields
                .iter()
                .map(|text| domain::ExcludedField::parse(text).unwrap())
                .collect(),
            ..testing::connection(&[], lever::Timestamp::default())
        };
        for (operation, body, expected) in [
            (
                "updateContact",
                r#"{"data":{"id":"c","phones":[],"note":"n"}}"#,
                r#"{"data":{"id":"c","note":"n"}}"#,
            ),
            (
                "createOpportunity",
                r#"{"deduped":true,"data":{"id":"o","phones":[],"contact":{"id":"c","phones":[]}}}"#,
                r#"{"deduped":true,"data":{"id":"o","phones":[],"contact":{"id":"c"}}}"#,
            ),
            (
                "createOpportunityInterview",
                r#"{"data":{"data":[{"id":"i","note":"n","interviewers":[{"id":"u","email":"e"}]}]}}"#,
                r#"{"data":{"data":[{"id":"i","interviewers":[{"id":"u"}]}]}}"#,
            ),
            (
                "createWebhook",
                r#"{"data":{"id":"w","user":{"id":"u","email":"e"}}}"#,
                r#"{"data":{"id":"w","user":{"id":"u"}}}"#,
            ),
        ] {
            let kept = answer_to_keep(operation, &connection, body.as_bytes());
            assert_eq!(kept.as_deref(), Some(expected), "{operation}");
        }
    }

    #[test]
    fn every_read_tells_by_its_path_what_it_answers_with() {
        let stream = |id: &str| answered(registry::find(id).unwrap()).map(Stream::name);
        for (operation, expected) in [
            ("listOpportunities", Some("opportunities")),
            ("getCandidate", Some("opportunities")),
            ("listCandidateInterviews", Some("interviews")),
            ("listDeletedOpportunities", Some("opportunities")),
            ("listDeletedPostings", Some("postings")),
            ("listDeletedApplications", Some("applications")),
            ("listPostingUsers", Some("users")),
            ("getPostingApplyForm", Some("posting_forms")),
            ("listEeoResponses", Some("eeo_responses")),
            ("listOpportunityFileActions", None),
            ("listAuditEvents", None),
            ("getDispositionStages", None),
            ("listDiversitySurveys", None),
            ("listWebhooks", None),
        ] {
            assert_eq!(stream(operation), expected, "{operation}");
        }
        let unknown = registry::OPERATIONS.iter().filter(|operation| {
            operation.access == Access::Read
                && operation.answer != AnswerKind::Bytes
                && answered(operation).is_none()
        });
        assert_eq!(unknown.count(), 5);
    }

    #[test]
    fn the_result_is_the_id_in_the_answer_wherever_lever_puts_it() {
        let id = |body: &str| result_id(body.as_bytes());
        assert_eq!(id(r#"{"data":{"id":"a"}}"#).as_deref(), Some("a"));
        assert_eq!(id(r#"{"data":{"noteId":"n"}}"#).as_deref(), Some("n"));
        assert_eq!(
            id(r#"{"data":{"applicationId":"p"}}"#).as_deref(),
            Some("p")
        );
        assert_eq!(id(""), None);
    }

    #[test]
    fn a_write_tells_by_its_path_what_it_changes() {
        assert_eq!(written("createOpportunityNote"), Some(Stream::Notes));
        assert_eq!(written("updateCandidateStage"), Some(Stream::Opportunities));
        assert_eq!(written("updatePosting"), Some(Stream::Postings));
        assert_eq!(written("createWebhook"), None);
    }
}
