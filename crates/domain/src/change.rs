//! Differences a pull found, numbered per connection.

use lever::Timestamp;

use crate::Stream;

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It was not in the mirror before.
    Created,
    /// Its document differs from the one before.
    Updated,
    /// It is known to be deleted in Lever.
    Deleted,
}

/// One difference: ids and kinds only, never personal data (X16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The number, from 1 without gaps within one connection.
    pub sequence: u64,
    /// When it was committed.
    pub at: Timestamp,
    /// The kind of record.
    pub stream: Stream,
    /// Lever's id of the record (the text, for tags and sources).
    pub id: String,
    /// What happened.
    pub kind: ChangeKind,
}
