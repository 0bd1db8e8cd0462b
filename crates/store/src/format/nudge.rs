//! Nudges.

use lever::Timestamp;
use prost::Message;

use super::id::{pack, unpack_option};
use super::{Stored, version_1};
use crate::nudges::Nudge;

#[derive(Clone, PartialEq, Message)]
struct NudgeV1 {
    #[prost(string, tag = "1")]
    event: String,
    #[prost(bytes = "vec", optional, tag = "2")]
    opportunity: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "3")]
    contact: Option<Vec<u8>>,
    #[prost(bytes = "vec", optional, tag = "4")]
    interview: Option<Vec<u8>>,
    #[prost(int64, tag = "5")]
    at: i64,
}

impl Stored for Nudge {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        NudgeV1 {
            event: self.event.clone(),
            opportunity: self.opportunity.as_ref().map(|id| pack(id.as_str())),
            contact: self.contact.as_ref().map(|id| pack(id.as_str())),
            interview: self.interview.as_deref().map(pack),
            at: self.at.as_millis(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: NudgeV1 = version_1(version, payload)?;
        Some(Self {
            event: stored.event,
            opportunity: unpack_option(stored.opportunity)?,
            contact: unpack_option(stored.contact)?,
            interview: unpack_option(stored.interview)?,
            at: Timestamp::from_millis(stored.at),
        })
    }
}
