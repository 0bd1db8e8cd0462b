//! Versions of mappings; their documents are opaque here.

use lever::Timestamp;
use prost::Message;

use super::{Stored, version_1};
use crate::mappings::MappingVersion;

#[derive(Clone, PartialEq, Message)]
struct MappingV1 {
    #[prost(uint64, tag = "1")]
    version: u64,
    #[prost(string, tag = "2")]
    author: String,
    #[prost(int64, tag = "3")]
    created_at: i64,
    #[prost(bytes = "vec", tag = "4")]
    document: Vec<u8>,
}

impl Stored for MappingVersion {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        MappingV1 {
            version: self.version,
            author: self.author.clone(),
            created_at: self.created_at.as_millis(),
            document: self.document.clone(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let MappingV1 {
            version,
            author,
            created_at,
            document,
        } = version_1(version, payload)?;
        Some(Self {
            version,
            author,
            created_at: Timestamp::from_millis(created_at),
            document,
        })
    }
}
