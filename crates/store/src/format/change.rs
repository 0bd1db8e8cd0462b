//! Numbered changes.

use domain::{Change, ChangeKind, Stream};
use lever::Timestamp;
use prost::Message;

use super::id::{pack, unpack};
use super::{Stored, version_1};

#[derive(Clone, PartialEq, Message)]
struct ChangeV1 {
    #[prost(uint64, tag = "1")]
    sequence: u64,
    #[prost(int64, tag = "2")]
    at: i64,
    #[prost(uint32, tag = "3")]
    stream: u32,
    #[prost(bytes = "vec", tag = "4")]
    id: Vec<u8>,
    #[prost(uint32, tag = "5")]
    kind: u32,
}

impl Stored for Change {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        ChangeV1 {
            sequence: self.sequence,
            at: self.at.as_millis(),
            stream: self.stream.tag().into(),
            id: pack(&self.id),
            kind: kind_number(self.kind),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: ChangeV1 = version_1(version, payload)?;
        Some(Change {
            sequence: stored.sequence,
            at: Timestamp::from_millis(stored.at),
            stream: Stream::from_tag(stored.stream.try_into().ok()?)?,
            id: unpack(&stored.id)?,
            kind: kind_of(stored.kind)?,
        })
    }
}

fn kind_number(kind: ChangeKind) -> u32 {
    match kind {
        ChangeKind::Created => 1,
        ChangeKind::Updated => 2,
        ChangeKind::Deleted => 3,
    }
}

fn kind_of(number: u32) -> Option<ChangeKind> {
    Some(match number {
        1 => ChangeKind::Created,
        2 => ChangeKind::Updated,
        3 => ChangeKind::Deleted,
        _ => return None,
    })
}
