//! That two people are not one.

use lever::Timestamp;
use prost::Message;

use super::{Stored, version_1};
use crate::dismissals::Dismissal;

#[derive(Clone, PartialEq, Message)]
struct DismissalV1 {
    #[prost(string, tag = "1")]
    by: String,
    #[prost(int64, tag = "2")]
    at: i64,
}

impl Stored for Dismissal {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        DismissalV1 {
            by: self.by.clone(),
            at: self.at.as_millis(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let DismissalV1 { by, at } = version_1(version, payload)?;
        Some(Self {
            by,
            at: Timestamp::from_millis(at),
        })
    }
}
