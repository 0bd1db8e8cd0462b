//! Links to connect an account by, known by the hash of their secret only.

use domain::{ConnectionId, Environment};
use lever::Timestamp;
use prost::Message;

use super::connection::{region_number, region_of};
use super::{Stored, version_1};
use crate::connect_links::{ConnectLink, LinkPurpose};

#[derive(Clone, PartialEq, Message)]
struct ConnectLinkV1 {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(bytes = "vec", tag = "2")]
    hash: Vec<u8>,
    /// The connection to give another credential; empty for a new one.
    #[prost(bytes = "vec", tag = "3")]
    relink: Vec<u8>,
    #[prost(string, tag = "4")]
    display_name: String,
    #[prost(string, optional, tag = "5")]
    external_id: Option<String>,
    /// 0 when there is a base URL.
    #[prost(uint32, tag = "6")]
    region: u32,
    #[prost(string, tag = "7")]
    base_url: String,
    #[prost(string, tag = "8")]
    made_by: String,
    #[prost(string, tag = "9")]
    made_by_name: String,
    #[prost(bool, tag = "10")]
    scoped: bool,
    #[prost(int64, tag = "11")]
    created_at: i64,
    #[prost(int64, tag = "12")]
    expires_at: i64,
    #[prost(int64, optional, tag = "13")]
    used_at: Option<i64>,
    #[prost(bytes = "vec", tag = "14")]
    used_for: Vec<u8>,
    #[prost(int64, optional, tag = "15")]
    revoked_at: Option<i64>,
    #[prost(string, tag = "16")]
    revoked_by: String,
}

impl Stored for ConnectLink {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        let mut stored = ConnectLinkV1 {
            id: self.id.clone(),
            hash: self.hash.to_vec(),
            made_by: self.made_by.clone(),
            made_by_name: self.made_by_name.clone(),
            scoped: self.scoped,
            created_at: self.created_at.as_millis(),
            expires_at: self.expires_at.as_millis(),
            ..ConnectLinkV1::default()
        };
        match &self.purpose {
            LinkPurpose::Relink(connection) => stored.relink = connection.as_bytes().to_vec(),
            LinkPurpose::New {
                display_name,
                external_id,
                environment,
            } => {
                stored.display_name = display_name.clone();
                stored.external_id = external_id.clone();
                match environment {
                    Environment::Region(region) => stored.region = region_number(*region),
                    Environment::BaseUrl(url) => stored.base_url = url.clone(),
                }
            }
        }
        if let Some((at, connection)) = &self.used {
            stored.used_at = Some(at.as_millis());
            stored.used_for = connection.as_bytes().to_vec();
        }
        if let Some((at, by)) = &self.revoked {
            stored.revoked_at = Some(at.as_millis());
            stored.revoked_by = by.clone();
        }
        stored.encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: ConnectLinkV1 = version_1(version, payload)?;
        let connection = |bytes: Vec<u8>| Some(ConnectionId::from_bytes(bytes.try_into().ok()?));
        let purpose = if stored.relink.is_empty() {
            LinkPurpose::New {
                display_name: stored.display_name,
                external_id: stored.external_id,
                environment: match stored.region {
                    0 => Environment::BaseUrl(stored.base_url),
                    number => Environment::Region(region_of(number)?),
                },
            }
        } else {
            LinkPurpose::Relink(connection(stored.relink)?)
        };
        let used = match stored.used_at {
            Some(at) => Some((Timestamp::from_millis(at), connection(stored.used_for)?)),
            None => None,
        };
        let revoked_at = stored.revoked_at.map(Timestamp::from_millis);
        Some(Self {
            id: stored.id,
            hash: stored.hash.try_into().ok()?,
            purpose,
            made_by: stored.made_by,
            made_by_name: stored.made_by_name,
            scoped: stored.scoped,
            created_at: Timestamp::from_millis(stored.created_at),
            expires_at: Timestamp::from_millis(stored.expires_at),
            used,
            revoked: revoked_at.map(|at| (at, stored.revoked_by)),
        })
    }
}
