//! The master keys of before, and how far the present one has taken their place.

use lever::Timestamp;
use prost::Message;

use super::{Stored, version_1};
use crate::seal::MasterKeyId;

/// The master keys that sealed before the present one, as far as they may still be needed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FormerKeys {
    /// The one that was replaced last comes first.
    pub(crate) keys: Vec<FormerKey>,
    /// Where re-sealing goes on; none when everything has been gone through.
    pub(crate) place: Option<SealPlace>,
}

/// A master key that sealed before the present one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormerKey {
    pub(crate) id: MasterKeyId,
    /// When it stopped sealing.
    pub(crate) retired_at: Timestamp,
    /// Whether nothing at rest is sealed with it any more.
    pub(crate) cleared: bool,
}

/// How far everything sealed was gone through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SealPlace {
    /// The number of the table in the list of those with sealed values.
    pub(crate) table: u32,
    /// The last key that was looked at there; empty for none.
    pub(crate) after: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct FormerKeysV1 {
    #[prost(message, repeated, tag = "1")]
    keys: Vec<FormerKeyV1>,
    #[prost(message, optional, tag = "2")]
    place: Option<PlaceV1>,
}

#[derive(Clone, PartialEq, Message)]
struct FormerKeyV1 {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(int64, tag = "2")]
    retired_ms: i64,
    #[prost(bool, tag = "3")]
    cleared: bool,
}

#[derive(Clone, PartialEq, Message)]
struct PlaceV1 {
    #[prost(uint32, tag = "1")]
    table: u32,
    #[prost(bytes = "vec", tag = "2")]
    after: Vec<u8>,
}

impl Stored for FormerKeys {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        let key = |key: &FormerKey| FormerKeyV1 {
            id: key.id.as_bytes().to_vec(),
            retired_ms: key.retired_at.as_millis(),
            cleared: key.cleared,
        };
        let place = |place: &SealPlace| PlaceV1 {
            table: place.table,
            after: place.after.clone(),
        };
        FormerKeysV1 {
            keys: self.keys.iter().map(key).collect(),
            place: self.place.as_ref().map(place),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let FormerKeysV1 {
            keys,
            place: stored,
        } = version_1(version, payload)?;
        let key = |key: FormerKeyV1| {
            Some(FormerKey {
                id: MasterKeyId::from_bytes(key.id.try_into().ok()?),
                retired_at: Timestamp::from_millis(key.retired_ms),
                cleared: key.cleared,
            })
        };
        let place = |PlaceV1 { table, after }| SealPlace { table, after };
        Some(Self {
            keys: keys.into_iter().map(key).collect::<Option<_>>()?,
            place: stored.map(place),
        })
    }
}
