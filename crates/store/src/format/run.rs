//! Runs.

use domain::ConnectionId;
use lever::Timestamp;
use prost::Message;

use super::{Stored, version_1};
use crate::runs::{Run, RunOutcome};

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
}

impl Stored for Run {
    const VERSION: u8 = 1;

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
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: RunV1 = version_1(version, payload)?;
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
        })
    }
}
