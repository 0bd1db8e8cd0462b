//! What is known of the lists below a record, and what waits.

use std::collections::BTreeMap;

use domain::hydration::{Stamps, Urgency};
use domain::{Backlog, Hydration, Stream};
use lever::Timestamp;
use prost::Message;

use super::{Stored, version_1};
use crate::hydrations::StreamState;

#[derive(Clone, PartialEq, Message)]
struct HydrationV1 {
    #[prost(int64, optional, tag = "1")]
    updated_at: Option<i64>,
    #[prost(int64, optional, tag = "2")]
    last_interaction_at: Option<i64>,
    #[prost(message, repeated, tag = "3")]
    read: Vec<MomentV1>,
    #[prost(message, repeated, tag = "4")]
    wanted: Vec<MomentV1>,
    #[prost(uint32, optional, tag = "5")]
    urgency: Option<u32>,
    #[prost(int64, tag = "6")]
    since: i64,
    #[prost(message, repeated, tag = "7")]
    set_aside: Vec<MomentV1>,
}

/// A moment of one stream.
#[derive(Clone, PartialEq, Message)]
struct MomentV1 {
    #[prost(uint32, tag = "1")]
    stream: u32,
    #[prost(int64, tag = "2")]
    at: i64,
}

fn from_moments(moments: &BTreeMap<Stream, Timestamp>) -> Vec<MomentV1> {
    let moment = |(stream, at): (&Stream, &Timestamp)| MomentV1 {
        stream: stream.tag().into(),
        at: at.as_millis(),
    };
    moments.iter().map(moment).collect()
}

fn to_moments(moments: Vec<MomentV1>) -> Option<BTreeMap<Stream, Timestamp>> {
    let moment = |stored: MomentV1| {
        let stream = stream_of(stored.stream)?;
        Some((stream, Timestamp::from_millis(stored.at)))
    };
    moments.into_iter().map(moment).collect()
}

fn stream_of(tag: u32) -> Option<Stream> {
    Stream::from_tag(u8::try_from(tag).ok()?)
}

impl Stored for Hydration {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        HydrationV1 {
            updated_at: self.stamps.updated_at.map(Timestamp::as_millis),
            last_interaction_at: self.stamps.last_interaction_at.map(Timestamp::as_millis),
            read: from_moments(&self.read),
            wanted: from_moments(&self.wanted),
            urgency: self.urgency.map(|urgency| urgency.tag().into()),
            since: self.since.as_millis(),
            set_aside: from_moments(&self.set_aside),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: HydrationV1 = version_1(version, payload)?;
        let urgency = match stored.urgency {
            None => None,
            Some(tag) => Some(Urgency::from_tag(u8::try_from(tag).ok()?)?),
        };
        Some(Self {
            stamps: Stamps {
                updated_at: stored.updated_at.map(Timestamp::from_millis),
                last_interaction_at: stored.last_interaction_at.map(Timestamp::from_millis),
            },
            read: to_moments(stored.read)?,
            wanted: to_moments(stored.wanted)?,
            set_aside: to_moments(stored.set_aside)?,
            urgency,
            since: Timestamp::from_millis(stored.since),
        })
    }
}

#[derive(Clone, PartialEq, Message)]
struct BacklogV1 {
    #[prost(message, repeated, tag = "1")]
    lists: Vec<CountV1>,
}

#[derive(Clone, PartialEq, Message)]
struct CountV1 {
    #[prost(uint32, tag = "1")]
    stream: u32,
    #[prost(uint64, tag = "2")]
    count: u64,
}

impl Stored for Backlog {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        let count = |(stream, count): (&Stream, &u64)| CountV1 {
            stream: stream.tag().into(),
            count: *count,
        };
        BacklogV1 {
            lists: self.lists.iter().map(count).collect(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: BacklogV1 = version_1(version, payload)?;
        let count = |stored: CountV1| Some((stream_of(stored.stream)?, stored.count));
        Some(Self {
            lists: stored.lists.into_iter().map(count).collect::<Option<_>>()?,
        })
    }
}

#[derive(Clone, PartialEq, Message)]
struct StreamStateV1 {
    #[prost(int64, optional, tag = "1")]
    caught_up_at: Option<i64>,
    #[prost(string, optional, tag = "2")]
    last_error: Option<String>,
}

impl Stored for StreamState {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        StreamStateV1 {
            caught_up_at: self.caught_up_at.map(Timestamp::as_millis),
            last_error: self.last_error.clone(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: StreamStateV1 = version_1(version, payload)?;
        Some(Self {
            caught_up_at: stored.caught_up_at.map(Timestamp::from_millis),
            last_error: stored.last_error,
        })
    }
}
