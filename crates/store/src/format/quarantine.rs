//! Records that could not be read.

use domain::Stream;
use lever::Timestamp;
use prost::Message;

use super::{Stored, version_1};
use crate::quarantine::{QuarantineCount, Quarantined};

#[derive(Clone, PartialEq, Message)]
struct QuarantinedV1 {
    #[prost(uint32, tag = "1")]
    stream: u32,
    #[prost(string, tag = "2")]
    raw: String,
    #[prost(string, tag = "3")]
    reason: String,
    #[prost(int64, tag = "4")]
    at: i64,
}

impl Stored for Quarantined {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        QuarantinedV1 {
            stream: self.stream.tag().into(),
            raw: self.raw.clone(),
            reason: self.reason.clone(),
            at: self.at.as_millis(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: QuarantinedV1 = version_1(version, payload)?;
        Some(Self {
            stream: Stream::from_tag(stored.stream.try_into().ok()?)?,
            raw: stored.raw,
            reason: stored.reason,
            at: Timestamp::from_millis(stored.at),
        })
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
