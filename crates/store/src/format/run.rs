//! Runs.

use domain::{ConnectionId, Cursor};
use lever::Timestamp;
use prost::Message;

use super::listing::{CursorV1, from_cursor, to_cursor};
use super::{Stored, versions_to};
use crate::runs::{Run, RunCause, RunCounts, RunOutcome, RunScope};

#[derive(Clone, PartialEq, Message)]
struct RunV1 {
    #[prost(bytes = "vec", tag = "1")]
    connection: Vec<u8>,
    #[prost(string, tag = "2")]
    listing: String,
    #[prost(string, optional, tag = "3")]
    lane: Option<String>,
    #[prost(int64, tag = "4")]
    began: i64,
    #[prost(int64, tag = "5")]
    ended: i64,
    #[prost(uint64, tag = "6")]
    pages: u64,
    #[prost(uint64, tag = "7")]
    records: u64,
    #[prost(uint64, tag = "8")]
    changes: u64,
    #[prost(uint64, tag = "9")]
    requests: u64,
    #[prost(uint32, tag = "10")]
    outcome: u32,
    /// The permission, or the sentence.
    #[prost(string, tag = "11")]
    reason: String,
    /// 0 where it is not known.
    #[prost(uint32, tag = "12")]
    cause: u32,
    /// 0 where it is not known.
    #[prost(uint32, tag = "13")]
    scope: u32,
    #[prost(message, optional, tag = "14")]
    counts: Option<CountsV2>,
    #[prost(message, optional, tag = "15")]
    before: Option<PlaceV2>,
    #[prost(message, optional, tag = "16")]
    after: Option<PlaceV2>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct CountsV2 {
    #[prost(uint64, tag = "1")]
    created: u64,
    #[prost(uint64, tag = "2")]
    updated: u64,
    #[prost(uint64, tag = "3")]
    unchanged: u64,
    #[prost(uint64, tag = "4")]
    deleted: u64,
    #[prost(uint64, tag = "5")]
    set_aside: u64,
}

/// A cursor of its own message: without one, nothing was read yet.
#[derive(Clone, PartialEq, Message)]
struct PlaceV2 {
    #[prost(oneof = "CursorV1", tags = "1, 2, 3")]
    cursor: Option<CursorV1>,
}

impl PlaceV2 {
    fn of(cursor: &Cursor) -> PlaceV2 {
        PlaceV2 {
            cursor: from_cursor(cursor),
        }
    }
}

fn counts_of(stored: CountsV2) -> RunCounts {
    RunCounts {
        created: stored.created,
        updated: stored.updated,
        unchanged: stored.unchanged,
        deleted: stored.deleted,
        set_aside: stored.set_aside,
    }
}

fn to_counts(counts: RunCounts) -> CountsV2 {
    CountsV2 {
        created: counts.created,
        updated: counts.updated,
        unchanged: counts.unchanged,
        deleted: counts.deleted,
        set_aside: counts.set_aside,
    }
}

/// The value of that number; none for 0, and nothing at all for a number that no version has written.
fn tagged<T: Copy>(all: &[T], tag: impl Fn(T) -> u32, number: u32) -> Option<Option<T>> {
    match number {
        0 => Some(None),
        number => all
            .iter()
            .copied()
            .find(|one| tag(*one) == number)
            .map(Some),
    }
}

impl Stored for Run {
    const VERSION: u8 = 2;

    fn to_payload(&self) -> Vec<u8> {
        let (outcome, reason) = match &self.outcome {
            RunOutcome::Succeeded => (1, ""),
            RunOutcome::Forbidden(permission) => (2, permission.as_str()),
            RunOutcome::Failed(sentence) => (3, sentence.as_str()),
            RunOutcome::Interrupted => (4, ""),
        };
        RunV1 {
            connection: self.connection.as_bytes().to_vec(),
            listing: self.listing.clone(),
            lane: self.lane.clone(),
            began: self.began.as_millis(),
            ended: self.ended.as_millis(),
            pages: self.pages,
            records: self.records,
            changes: self.changes,
            requests: self.requests,
            outcome,
            reason: reason.to_owned(),
            cause: self.cause.map_or(0, RunCause::tag),
            scope: self.scope.map_or(0, RunScope::tag),
            counts: self.counts.map(to_counts),
            before: self.cursors.as_ref().map(|(before, _)| PlaceV2::of(before)),
            after: self.cursors.as_ref().map(|(_, after)| PlaceV2::of(after)),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: RunV1 = versions_to(2, version, payload)?;
        let cursors = match (stored.before, stored.after) {
            (Some(before), Some(after)) => {
                Some((to_cursor(before.cursor)?, to_cursor(after.cursor)?))
            }
            _ => None,
        };
        Some(Self {
            connection: ConnectionId::from_bytes(stored.connection.try_into().ok()?),
            listing: stored.listing,
            lane: stored.lane,
            began: Timestamp::from_millis(stored.began),
            ended: Timestamp::from_millis(stored.ended),
            pages: stored.pages,
            records: stored.records,
            changes: stored.changes,
            requests: stored.requests,
            outcome: match stored.outcome {
                1 => RunOutcome::Succeeded,
                2 => RunOutcome::Forbidden(stored.reason),
                3 => RunOutcome::Failed(stored.reason),
                4 => RunOutcome::Interrupted,
                _ => return None,
            },
            cause: tagged(&RunCause::ALL, RunCause::tag, stored.cause)?,
            scope: tagged(&RunScope::ALL, RunScope::tag, stored.scope)?,
            counts: stored.counts.map(counts_of),
            cursors,
        })
    }
}
