//! Numbered changes, those of one transaction in one value.

use domain::{Change, ChangeKind, Stream};
use lever::Timestamp;
use prost::Message;

use super::id::{pack, unpack};
use super::{Stored, version_1};

/// Changes that were made together: their numbers follow each other, and all have one time. Never empty.
///
/// One value for each change, as version 1 had it, was a fourth of all writes of a first walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangeBlock(pub(crate) Vec<Change>);

impl ChangeBlock {
    /// The last number, by which the block is found; none without a change.
    pub(crate) fn last(&self) -> Option<u64> {
        self.0.last().map(|change| change.sequence)
    }

    /// When the changes were made; none without a change.
    pub(crate) fn at(&self) -> Option<Timestamp> {
        self.0.first().map(|change| change.at)
    }
}

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

#[derive(Clone, PartialEq, Message)]
struct BlockV2 {
    #[prost(uint64, tag = "1")]
    first: u64,
    #[prost(int64, tag = "2")]
    at: i64,
    #[prost(message, repeated, tag = "3")]
    changes: Vec<EntryV2>,
}

#[derive(Clone, PartialEq, Message)]
struct EntryV2 {
    #[prost(uint32, tag = "1")]
    stream: u32,
    #[prost(bytes = "vec", tag = "2")]
    id: Vec<u8>,
    #[prost(uint32, tag = "3")]
    kind: u32,
}

impl Stored for ChangeBlock {
    const VERSION: u8 = 2;

    fn to_payload(&self) -> Vec<u8> {
        let first = self.0.first();
        BlockV2 {
            first: first.map_or(0, |change| change.sequence),
            at: first.map_or(0, |change| change.at.as_millis()),
            changes: self.0.iter().map(from_change).collect(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let changes = match version {
            1 => vec![to_single(version_1(version, payload)?)?],
            2 => to_changes(BlockV2::decode(payload).ok()?)?,
            _ => return None,
        };
        (!changes.is_empty()).then_some(Self(changes))
    }
}

fn to_single(stored: ChangeV1) -> Option<Change> {
    Some(Change {
        sequence: stored.sequence,
        at: Timestamp::from_millis(stored.at),
        stream: Stream::from_tag(stored.stream.try_into().ok()?)?,
        id: unpack(&stored.id)?,
        kind: kind_of(stored.kind)?,
    })
}

fn from_change(change: &Change) -> EntryV2 {
    EntryV2 {
        stream: change.stream.tag().into(),
        id: pack(&change.id),
        kind: kind_number(change.kind),
    }
}

fn to_changes(block: BlockV2) -> Option<Vec<Change>> {
    let numbered = (block.first..).zip(block.changes);
    numbered
        .map(|(sequence, entry)| {
            to_single(ChangeV1 {
                sequence,
                at: block.at,
                stream: entry.stream,
                id: entry.id,
                kind: entry.kind,
            })
        })
        .collect()
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
