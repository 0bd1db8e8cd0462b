//! Bearer tokens, known by their hash only.

use domain::ConnectionId;
use lever::Timestamp;
use prost::Message;

use super::{Stored, version_1};
use crate::tokens::TokenRecord;

#[derive(Clone, PartialEq, Message)]
struct TokenV1 {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    role: String,
    #[prost(bytes = "vec", repeated, tag = "4")]
    connections: Vec<Vec<u8>>,
    #[prost(string, repeated, tag = "5")]
    rights: Vec<String>,
    #[prost(bytes = "vec", tag = "6")]
    hash: Vec<u8>,
    #[prost(string, tag = "7")]
    prefix: String,
    #[prost(int64, tag = "8")]
    created_at: i64,
    #[prost(int64, optional, tag = "9")]
    expires_at: Option<i64>,
    #[prost(int64, optional, tag = "10")]
    revoked_at: Option<i64>,
}

impl Stored for TokenRecord {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        TokenV1 {
            id: self.id.clone(),
            name: self.name.clone(),
            role: self.role.clone(),
            connections: self
                .connections
                .iter()
                .map(|connection| connection.as_bytes().to_vec())
                .collect(),
            rights: self.rights.clone(),
            hash: self.hash.to_vec(),
            prefix: self.prefix.clone(),
            created_at: self.created_at.as_millis(),
            expires_at: self.expires_at.map(Timestamp::as_millis),
            revoked_at: self.revoked_at.map(Timestamp::as_millis),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: TokenV1 = version_1(version, payload)?;
        let connection = |bytes: Vec<u8>| Some(ConnectionId::from_bytes(bytes.try_into().ok()?));
        Some(Self {
            id: stored.id,
            name: stored.name,
            role: stored.role,
            connections: stored
                .connections
                .into_iter()
                .map(connection)
                .collect::<Option<_>>()?,
            rights: stored.rights,
            hash: stored.hash.try_into().ok()?,
            prefix: stored.prefix,
            created_at: Timestamp::from_millis(stored.created_at),
            expires_at: stored.expires_at.map(Timestamp::from_millis),
            revoked_at: stored.revoked_at.map(Timestamp::from_millis),
        })
    }
}
