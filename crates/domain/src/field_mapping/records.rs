//! The records that one person is evaluated from.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use lever::Timestamp;
use serde_json::Value;

use crate::Stream;

/// One of Lever's records, as the caller may see it.
#[derive(Clone)]
pub struct Record {
    /// The kind.
    pub stream: Stream,
    /// Lever's id.
    pub id: String,
    /// The opportunity it belongs to; none for the contact and for records of the account.
    pub opportunity: Option<String>,
    /// When Lever was asked for it.
    pub as_of: Option<Timestamp>,
    /// Lever's document.
    pub document: Value,
}

impl Record {
    /// Reads a document; none for one that is no object.
    pub fn read(stream: Stream, id: &str, opportunity: Option<&str>, raw: &str) -> Option<Record> {
        let document: Value = serde_json::from_str(raw).ok()?;
        document.is_object().then(|| Record {
            stream,
            id: id.to_owned(),
            opportunity: opportunity.map(str::to_owned),
            as_of: None,
            document,
        })
    }

    /// When it changed last, as far as it says.
    pub(super) fn stamp(&self) -> Option<Timestamp> {
        let stamps = ["updatedAt", "completedAt", "createdAt", "uploadedAt"];
        stamps
            .into_iter()
            .find_map(|key| moment(&self.document, key))
    }

    fn gone(&self) -> bool {
        moment(&self.document, "deletedAt").is_some()
    }

    fn anonymized(&self) -> bool {
        self.document.get("isAnonymized").and_then(Value::as_bool) == Some(true)
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record")
            .field("stream", &self.stream)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Who is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A person with all candidacies: what the contact says goes first.
    Person,
    /// One candidacy: what the opportunity says goes first.
    Opportunity,
}

/// Why there are no records of a stream though Lever may have some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unread {
    /// They have not been read yet.
    Pending,
    /// The connection does not keep them, or Lever refuses them.
    Withheld,
}

/// All records of one person that may be seen, the newest of each kind first.
#[derive(Debug, Clone)]
pub struct Records {
    records: Vec<Record>,
    scope: Scope,
    /// Addresses of the account's own users, in lower case.
    users: BTreeSet<String>,
    /// Notes that were written through this service.
    own_notes: BTreeSet<String>,
    /// Streams without their records.
    unread: BTreeMap<Stream, Unread>,
}

impl Records {
    /// Puts records in order; deleted ones are left out, and of an anonymized person everything is.
    pub fn new(scope: Scope, records: Vec<Record>) -> Records {
        let anonymized: BTreeSet<String> = records
            .iter()
            .filter(|record| record.stream == Stream::Opportunities && record.anonymized())
            .map(|record| record.id.clone())
            .collect();
        let nobody = records
            .iter()
            .any(|record| record.stream == Stream::Contacts && record.anonymized());
        let left = |record: &Record| match record.stream {
            _ if nobody || record.gone() => false,
            Stream::Opportunities => !anonymized.contains(&record.id),
            _ => record
                .opportunity
                .as_ref()
                .is_none_or(|id| !anonymized.contains(id)),
        };
        let mut records: Vec<_> = records.into_iter().filter(left).collect();
        records.sort_by(|a, b| {
            let order = |record: &Record| (record.stream, Reverse(record.stamp()));
            order(a).cmp(&order(b)).then_with(|| a.id.cmp(&b.id))
        });
        records.dedup_by(|a, b| a.stream == b.stream && a.id == b.id);
        Records {
            records,
            scope,
            users: BTreeSet::new(),
            own_notes: BTreeSet::new(),
            unread: BTreeMap::new(),
        }
    }

    /// With the addresses of the account's users: one of them among a person's is most likely not the person's.
    #[must_use]
    pub fn with_users<'a>(mut self, addresses: impl Iterator<Item = &'a str>) -> Records {
        self.users = addresses
            .map(|address| address.trim().to_lowercase())
            .collect();
        self
    }

    /// With the notes that were written through this service, so that none goes back as new.
    #[must_use]
    pub fn with_own_notes(mut self, ids: BTreeSet<String>) -> Records {
        self.own_notes = ids;
        self
    }

    /// With the streams whose records are missing: a field without a value then says so.
    #[must_use]
    pub fn with_unread(mut self, unread: BTreeMap<Stream, Unread>) -> Records {
        self.unread = unread;
        self
    }

    pub(super) fn unread(&self, stream: Stream) -> Option<Unread> {
        self.unread.get(&stream).copied()
    }

    /// Of one kind, the newest first.
    pub(super) fn of(&self, stream: Stream) -> impl Iterator<Item = &Record> {
        self.records
            .iter()
            .filter(move |record| record.stream == stream)
    }

    pub(super) fn scope(&self) -> Scope {
        self.scope
    }

    pub(super) fn is_user(&self, address: &str) -> bool {
        self.users.contains(&address.trim().to_lowercase())
    }

    pub(super) fn is_own_note(&self, id: &str) -> bool {
        self.own_notes.contains(id)
    }
}

/// A moment under a key, from a number or its text.
pub(super) fn moment(value: &Value, key: &str) -> Option<Timestamp> {
    serde_json::from_value(value.get(key)?.clone()).ok()
}

/// A text under a key, trimmed; numbers count as their text, blanks as nothing.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> Option<std::borrow::Cow<'v, str>> {
    match value.get(key)? {
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(text.trim().into()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// The elements under a key; none for what is no list.
pub(super) fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
