//! Lists of records that the mirror keeps as they come: only id and stamp are looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use domain::{Connection, Parent, Stream, Timestamp, excluded};
use lever::{
    Any, Client, DecodeError, Offset, Operation, Page, RawCall, RawCallError, Record, registry,
};
use serde::{Deserialize, Deserializer};
use store::{Incoming, Quarantined};

use super::page::Content;
use crate::error::Error;

/// Lever's largest page.
const PAGE: &str = "100";

/// Why a page was not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// Lever refused, or did not answer.
    Lever(lever::Error),
    /// Lever answered something that is no list.
    Unreadable(DecodeError),
    /// An id of Lever's cannot be asked for.
    Unaskable(RawCallError),
}

impl Unread {
    /// Whether Lever no longer knows the offset it gave.
    pub(super) fn is_invalid_offset(&self) -> bool {
        matches!(self, Unread::Lever(error) if error.is_invalid_offset())
    }

    /// Whether the key is in a pause after a 429, so that nothing was asked.
    pub(super) fn meets_a_pause(&self) -> bool {
        matches!(self, Unread::Lever(error) if error.pause().is_some())
    }
}

impl From<lever::Error> for Unread {
    fn from(error: lever::Error) -> Self {
        Unread::Lever(error)
    }
}

impl From<Unread> for Error {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Lever(error) => error.into(),
            Unread::Unreadable(fault) => Error::unavailable(format!(
                "Lever's answer could not be read ({fault}); it is asked again later"
            )),
            Unread::Unaskable(fault) => {
                Error::unavailable(format!("Lever cannot be asked for this: {fault}"))
            }
        }
    }
}

/// What Lever answered, and when.
#[derive(Debug)]
pub(super) struct Read<T> {
    pub(super) value: T,
    /// Lever's clock when it answered.
    pub(super) date: Option<Timestamp>,
}

/// A list below a parent, or one of the account.
#[derive(Debug, Clone)]
pub(super) struct List {
    operation: &'static Operation,
    path: BTreeMap<String, String>,
    query: Vec<(String, String)>,
}

impl List {
    /// A list of the account.
    pub(super) fn of_account(operation: &'static Operation) -> List {
        List {
            operation,
            path: BTreeMap::new(),
            query: Vec::new(),
        }
    }

    /// The list of `stream` below `parent`; none when the stream is no such list.
    pub(super) fn below(parent: &Parent, stream: Stream) -> Option<List> {
        let operation = match (parent, stream) {
            (Parent::Posting(_), Stream::PostingForms) => &registry::GET_POSTING_APPLY_FORM,
            (Parent::Opportunity(_), Stream::Notes) => &registry::LIST_OPPORTUNITY_NOTES,
            (Parent::Opportunity(_), Stream::Offers) => &registry::LIST_OPPORTUNITY_OFFERS,
            (Parent::Opportunity(_), Stream::Interviews) => &registry::LIST_OPPORTUNITY_INTERVIEWS,
            (Parent::Opportunity(_), Stream::Panels) => &registry::LIST_OPPORTUNITY_PANELS,
            (Parent::Opportunity(_), Stream::Feedback) => &registry::LIST_OPPORTUNITY_FEEDBACK,
            (Parent::Opportunity(_), Stream::Resumes) => &registry::LIST_OPPORTUNITY_RESUMES,
            (Parent::Opportunity(_), Stream::Files) => &registry::LIST_OPPORTUNITY_FILES,
            (Parent::Opportunity(_), Stream::Forms) => &registry::LIST_OPPORTUNITY_FORMS,
            (Parent::Opportunity(_), Stream::Referrals) => &registry::LIST_OPPORTUNITY_REFERRALS,
            _ => return None,
        };
        let name = match parent {
            Parent::Opportunity(_) => "opportunity",
            Parent::Posting(_) => "posting",
        };
        Some(List {
            path: [(name.to_owned(), parent.id().to_owned())].into(),
            ..List::of_account(operation)
        })
    }

    /// The same list, asked with one more parameter.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: Option<impl fmt::Display>) -> List {
        self.query
            .extend(value.map(|value| (name.to_owned(), value.to_string())));
        self
    }

    /// What the key needs to read it, in Lever's words.
    pub(super) fn permission(&self) -> &'static str {
        self.operation.permission
    }

    /// The call for one page.
    pub(super) fn call(&self, offset: Option<&Offset>) -> Result<RawCall, RawCallError> {
        let takes = |name: &str| self.operation.query.contains(&name);
        let asked = self
            .clone()
            .with("limit", takes("limit").then_some(PAGE))
            .with("offset", offset);
        RawCall::new(self.operation, &asked.path, asked.query, None)
    }

    /// Reads one page.
    pub(super) async fn page(
        &self,
        client: &Client,
        offset: Option<&Offset>,
    ) -> Result<Read<Page<Any>>, Unread> {
        let call = self.call(offset).map_err(Unread::Unaskable)?;
        let answer = client.call(&call).await?;
        let value = answer.value.page().map_err(Unread::Unreadable)?;
        Ok(Read {
            value,
            date: answer.date,
        })
    }

    /// Reads the one record that stands in for a list.
    pub(super) async fn record(&self, client: &Client) -> Result<Read<Record<Any>>, Unread> {
        let call = RawCall::new(self.operation, &self.path, self.query.clone(), None)
            .map_err(Unread::Unaskable)?;
        let answer = client.call(&call).await?;
        let raw = answer.value.record().map_err(Unread::Unreadable)?;
        Ok(Read {
            value: Record { value: Any, raw },
            date: answer.date,
        })
    }
}

/// What is looked at of a record that is kept as it comes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    #[serde(deserialize_with = "id")]
    id: String,
    #[serde(default)]
    updated_at: Option<serde_json::Value>,
    #[serde(default, deserialize_with = "truth")]
    secret: bool,
}

/// Lever's true and false, also as text. What is neither could mean either, and is not read.
fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    use serde_json::Value;

    let truth = match Value::deserialize(deserializer)? {
        Value::Null => Some(false),
        Value::Bool(truth) => Some(truth),
        Value::String(text) if text.trim().is_empty() => Some(false),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    };
    truth.ok_or_else(|| serde::de::Error::custom("neither true nor false"))
}

/// Lever's ids are text; a number is read as its text.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Number(i64),
    }

    Ok(match Id::deserialize(deserializer)? {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    })
}

/// What becomes of the records of a list.
#[derive(Debug, Clone)]
pub(super) struct Keeping<'a> {
    /// Says which fields are not kept, and whether secret notes are (X24).
    pub(super) connection: &'a Connection,
    pub(super) stream: Stream,
    pub(super) parent: Option<&'a Parent>,
    pub(super) now: Timestamp,
}

impl Keeping<'_> {
    /// Takes in a page.
    pub(super) fn page(&self, page: Page<Any>) -> Content {
        let mut content = Content::default();
        for record in page.records {
            let raw = match record {
                Ok(record) => record.raw,
                Err(malformed) => {
                    content
                        .quarantined
                        .push(self.set_aside(malformed.raw, malformed.reason));
                    continue;
                }
            };
            match Record::<Kept>::from_raw(raw.clone()) {
                Ok(record) if self.too_secret(&record.value) => {}
                Ok(record) => content.records.push(self.incoming(
                    record.value.id,
                    raw.get(),
                    stamp(record.value.updated_at),
                )),
                Err(fault) => content
                    .quarantined
                    .push(self.set_aside(raw.get().to_owned(), fault.to_string())),
            }
        }
        content
    }

    /// Takes in the one record below a parent; it goes by the parent's id.
    pub(super) fn record(&self, record: &Record<Any>) -> Content {
        let id = self.parent.map_or("", Parent::id).to_owned();
        Content {
            records: vec![self.incoming(id, record.raw.get(), None)],
            quarantined: Vec::new(),
        }
    }

    fn too_secret(&self, record: &Kept) -> bool {
        record.secret && self.stream == Stream::Notes && !self.connection.include_secret_notes
    }

    fn kept(&self, raw: &str) -> String {
        excluded::without(self.stream, raw, &self.connection.excluded_fields).into_owned()
    }

    fn incoming(&self, id: String, raw: &str, updated_at: Option<Timestamp>) -> Incoming {
        Incoming {
            stream: self.stream,
            id,
            raw: self.kept(raw),
            updated_at,
            rank: 0,
            candidacy: None,
            identity: BTreeSet::new(),
            posting_state: None,
            parent: self.parent.cloned(),
        }
    }

    /// What cannot be read is kept for people to look at, unless it says that it is secret.
    fn set_aside(&self, raw: String, reason: String) -> Quarantined {
        let secret = self.stream == Stream::Notes
            && !self.connection.include_secret_notes
            && says_secret(&raw);
        let id = self.stream.key_in(&raw);
        let raw = if secret { String::new() } else { raw };
        Quarantined {
            stream: self.stream,
            id,
            parent: self.parent.cloned(),
            raw: self.kept(&raw),
            reason,
            at: self.now,
        }
    }
}

/// Whether a record says in any way that it is secret.
fn says_secret(raw: &str) -> bool {
    let value: Option<serde_json::Value> = serde_json::from_str(raw).ok();
    let mark = value.as_ref().and_then(|record| record.get("secret"));
    mark.is_some_and(|mark| {
        !matches!(
            mark,
            serde_json::Value::Bool(false) | serde_json::Value::Null
        )
    })
}

/// A stamp Lever may write as text; anything else is none.
pub(super) fn stamp(value: Option<serde_json::Value>) -> Option<Timestamp> {
    serde_json::from_value(value?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn content(body: &str, secret: bool) -> Content {
        let parent = Parent::Opportunity("o".into());
        let connection = Connection {
            include_secret_notes: secret,
            ..testing::connection(&[Stream::Notes], Timestamp::default())
        };
        let keeping = Keeping {
            connection: &connection,
            stream: Stream::Notes,
            parent: Some(&parent),
            now: Timestamp::from_millis(5),
        };
        keeping.page(Page::from_json(body.as_bytes()).unwrap())
    }

    fn ids(content: &Content) -> Vec<&str> {
        let records = content.records.iter();
        records.map(|record| record.id.as_str()).collect()
    }

    #[test]
    fn records_are_kept_byte_for_byte_with_their_parent() {
        let content = content(
            r#"{"data":[{"id":"n","x":1.0,"updatedAt":"7"},{"id":7,"updatedAt":{}}]}"#,
            false,
        );
        assert_eq!(ids(&content), ["n", "7"]);
        assert_eq!(
            content.records[0].raw,
            r#"{"id":"n","x":1.0,"updatedAt":"7"}"#
        );
        assert_eq!(
            content.records[0].updated_at,
            Some(Timestamp::from_millis(7))
        );
        assert_eq!(
            content.records[0].parent,
            Some(Parent::Opportunity("o".into()))
        );
        assert_eq!(content.records[1].updated_at, None);
    }

    #[test]
    fn x24_secret_notes_are_kept_only_where_they_are_wanted() {
        let body = r#"{"data":[{"id":"a","secret":true},{"id":"b","secret":false},{"id":"c"}]}"#;
        assert_eq!(ids(&content(body, false)), ["b", "c"]);
        assert_eq!(ids(&content(body, true)), ["a", "b", "c"]);
        let texts = r#"{"data":[{"id":"a","secret":"true"},{"id":"b","secret":"False"},{"id":"c","secret":""}]}"#;
        assert_eq!(ids(&content(texts, false)), ["b", "c"]);
        let unclear = content(r#"{"data":[{"id":"a","secret":1}]}"#, false);
        assert_eq!((ids(&unclear).len(), unclear.quarantined.len()), (0, 1));
        // Not even one that cannot be read.
        let broken = content(r#"{"data":[{"secret":"true","text":"hush"}]}"#, false);
        assert_eq!(
            (broken.quarantined.len(), broken.quarantined[0].raw.as_str()),
            (1, "")
        );
    }

    #[test]
    fn x17_a_record_without_an_id_is_set_aside_and_the_others_stay() {
        let content = content(r#"{"data":[{"text":"no id"},7,{"id":"b"}]}"#, false);
        assert_eq!(ids(&content), ["b"]);
        assert_eq!(content.quarantined.len(), 2);
        assert_eq!(content.quarantined[0].raw, r#"{"text":"no id"}"#);
    }

    #[test]
    fn every_list_below_a_record_has_its_operation() {
        let person = Parent::Opportunity("o".into());
        for stream in Stream::CHILDREN {
            let list = List::below(&person, *stream).expect("a list");
            assert!(
                list.permission().starts_with("find all opportunity "),
                "{stream}"
            );
        }
        assert!(List::below(&Parent::Posting("p".into()), Stream::PostingForms).is_some());
        assert!(List::below(&person, Stream::Users).is_none());
    }
}
