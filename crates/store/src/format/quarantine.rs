//! Records that could not be read.

use domain::{Parent, Stream};
use lever::Timestamp;
use prost::Message;

use super::{Stored, version_1, versions_to};
use crate::quarantine::{Kept, QuarantineCount, Quarantined};

#[derive(Clone, PartialEq, Message)]
struct KeptV2 {
    #[prost(uint32, tag = "1")]
    stream: u32,
    #[prost(string, tag = "2")]
    raw: String,
    #[prost(string, tag = "3")]
    reason: String,
    #[prost(int64, tag = "4")]
    at: i64,
    #[prost(string, optional, tag = "5")]
    id: Option<String>,
    #[prost(message, optional, tag = "6")]
    parent: Option<ParentV2>,
    #[prost(int64, tag = "7")]
    seen_at: i64,
}

#[derive(Clone, PartialEq, Message)]
struct ParentV2 {
    #[prost(uint32, tag = "1")]
    stream: u32,
    #[prost(string, tag = "2")]
    id: String,
}

impl Stored for Kept {
    const VERSION: u8 = 2;

    fn to_payload(&self) -> Vec<u8> {
        let record = &self.record;
        KeptV2 {
            stream: record.stream.tag().into(),
            raw: record.raw.clone(),
            reason: record.reason.clone(),
            at: record.at.as_millis(),
            id: record.id.clone(),
            parent: record.parent.as_ref().map(|parent| ParentV2 {
                stream: parent.stream().tag().into(),
                id: parent.id().to_owned(),
            }),
            seen_at: self.seen_at.as_millis(),
        }
        .encode_to_vec()
    }

    /// Version 1 knew neither id nor parent, and of when it was seen only the first time.
    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: KeptV2 = versions_to(2, version, payload)?;
        let stream = Stream::from_tag(stored.stream.try_into().ok()?)?;
        let (id, seen_at) = match version {
            1 => (stream.key_in(&stored.raw), stored.at),
            _ => (stored.id, stored.seen_at),
        };
        let parent = match stored.parent {
            Some(parent) => Some(parent.read()?),
            None => None,
        };
        Some(Self {
            record: Quarantined {
                stream,
                id,
                parent,
                raw: stored.raw,
                reason: stored.reason,
                at: Timestamp::from_millis(stored.at),
            },
            seen_at: Timestamp::from_millis(seen_at),
        })
    }
}

impl ParentV2 {
    fn read(&self) -> Option<Parent> {
        let stream = Stream::from_tag(self.stream.try_into().ok()?)?;
        Parent::new(stream, &self.id)
    }
}

#[derive(Clone, PartialEq, Message)]
struct CountV1 {
    #[prost(uint64, tag = "1")]
    kept: u64,
    #[prost(uint64, tag = "2")]
    dropped: u64,
}

impl Stored for QuarantineCount {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        CountV1 {
            kept: self.kept,
            dropped: self.dropped,
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let CountV1 { kept, dropped } = version_1(version, payload)?;
        Some(Self { kept, dropped })
    }
}
