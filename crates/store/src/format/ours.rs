//! What of a candidacy came from us.

use domain::provenance::{Added, Ours};
use lever::Timestamp;
use prost::Message;

use super::{Stored, version_1};

#[derive(Clone, PartialEq, Message)]
struct OursV1 {
    #[prost(message, repeated, tag = "1")]
    tags: Vec<AddedV1>,
    #[prost(message, repeated, tag = "2")]
    links: Vec<AddedV1>,
    #[prost(message, repeated, tag = "3")]
    notes: Vec<AddedV1>,
    #[prost(message, repeated, tag = "4")]
    files: Vec<AddedV1>,
}

#[derive(Clone, PartialEq, Message)]
struct AddedV1 {
    #[prost(string, tag = "1")]
    what: String,
    #[prost(int64, tag = "2")]
    at: i64,
    /// Not told by earlier versions: then it counts as there.
    #[prost(bool, tag = "3")]
    gone: bool,
}

impl Stored for Ours {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        OursV1 {
            tags: from_list(&self.tags),
            links: from_list(&self.links),
            notes: from_list(&self.notes),
            files: from_list(&self.files),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: OursV1 = version_1(version, payload)?;
        Some(Ours {
            tags: to_list(stored.tags),
            links: to_list(stored.links),
            notes: to_list(stored.notes),
            files: to_list(stored.files),
        })
    }
}

fn from_list(list: &[Added]) -> Vec<AddedV1> {
    let stored = |added: &Added| AddedV1 {
        what: added.what.clone(),
        at: added.at.as_millis(),
        gone: added.gone,
    };
    list.iter().map(stored).collect()
}

fn to_list(list: Vec<AddedV1>) -> Vec<Added> {
    let read = |AddedV1 { what, at, gone }| Added {
        what,
        at: Timestamp::from_millis(at),
        gone,
    };
    list.into_iter().map(read).collect()
}
