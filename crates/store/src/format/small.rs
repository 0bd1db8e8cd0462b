//! Values of one or two fields.

use lever::{ContactId, Timestamp};
use prost::Message;
use uuid::Uuid;

use super::{Stored, pack, unpack, version_1};
use crate::seal::MasterKeyId;

/// What a store says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// The version of the layout.
    pub(crate) format: u32,
    /// Tells this store from every other.
    pub(crate) store: Uuid,
    /// The master key that seals.
    pub(crate) key_id: MasterKeyId,
}

#[derive(Clone, PartialEq, Message)]
struct HeaderV1 {
    #[prost(uint32, tag = "1")]
    format: u32,
    #[prost(bytes = "vec", tag = "2")]
    store: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    key_id: Vec<u8>,
}

impl Stored for Header {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        let store = self.store.as_bytes().to_vec();
        HeaderV1 {
            format: self.format,
            store,
            key_id: self.key_id.as_bytes().to_vec(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let HeaderV1 {
            format,
            store,
            key_id,
        } = version_1(version, payload)?;
        Some(Self {
            format,
            store: Uuid::from_slice(&store).ok()?,
            key_id: MasterKeyId::from_bytes(key_id.try_into().ok()?),
        })
    }
}

/// A number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counter(pub(crate) u64);

#[derive(Clone, PartialEq, Message)]
struct CounterV1 {
    #[prost(fixed64, tag = "1")]
    value: u64,
}

impl Stored for Counter {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        CounterV1 { value: self.0 }.encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        version_1::<CounterV1>(version, payload).map(|counter| Self(counter.value))
    }
}

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

#[derive(Clone, PartialEq, Message)]
struct MomentV1 {
    #[prost(int64, tag = "1")]
    ms: i64,
}

impl Stored for Moment {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        let ms = self.0.as_millis();
        MomentV1 { ms }.encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        version_1::<MomentV1>(version, payload).map(|at| Self(Timestamp::from_millis(at.ms)))
    }
}

/// The 16 bytes of the connection or operation that a unique id belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner(pub(crate) [u8; 16]);

/// Bytes that only the master key opens.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) Vec<u8>);

#[derive(Clone, PartialEq, Message)]
struct BytesV1 {
    #[prost(bytes = "vec", tag = "1")]
    bytes: Vec<u8>,
}

/// A short text of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label(pub(crate) String);

#[derive(Clone, PartialEq, Message)]
struct LabelV1 {
    #[prost(string, tag = "1")]
    text: String,
}

impl Stored for Label {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        LabelV1 {
            text: self.0.clone(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        version_1::<LabelV1>(version, payload).map(|label| Self(label.text))
    }
}

impl Stored for Owner {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        BytesV1 {
            bytes: self.0.to_vec(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        version_1::<BytesV1>(version, payload)?
            .bytes
            .try_into()
            .ok()
            .map(Self)
    }
}

impl Stored for Secret {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        BytesV1 {
            bytes: self.0.clone(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        version_1::<BytesV1>(version, payload).map(|secret| Self(secret.bytes))
    }
}

/// The contact that has the opportunities of a former one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alias(pub(crate) ContactId);

#[derive(Clone, PartialEq, Message)]
struct AliasV1 {
    #[prost(bytes = "vec", tag = "1")]
    contact: Vec<u8>,
}

impl Stored for Alias {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        AliasV1 {
            contact: pack(self.0.as_str()),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let AliasV1 { contact } = version_1(version, payload)?;
        Some(Alias(unpack(&contact)?.into()))
    }
}
