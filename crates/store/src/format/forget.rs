//! What is still to be removed of a person: ids only.

use domain::Stream;
use lever::ContactId;
use prost::Message;

use super::id::{pack, unpack, unpack_option};
use super::{Stored, version_1};
use crate::forget::Cause;

/// What is still to be removed of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Forget {
    /// Why.
    pub(crate) cause: Cause,
    /// The records that are still there.
    pub(crate) records: Vec<(Stream, String)>,
    /// The contact, until it was looked at.
    pub(crate) contact: Option<ContactId>,
    /// Every id that may be mentioned elsewhere.
    pub(crate) ids: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct ForgetV1 {
    #[prost(uint32, tag = "1")]
    cause: u32,
    #[prost(message, repeated, tag = "2")]
    records: Vec<RecordV1>,
    #[prost(bytes = "vec", optional, tag = "3")]
    contact: Option<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "4")]
    ids: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct RecordV1 {
    #[prost(uint32, tag = "1")]
    stream: u32,
    #[prost(bytes = "vec", tag = "2")]
    id: Vec<u8>,
}

impl Stored for Forget {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        let record = |(stream, id): &(Stream, String)| RecordV1 {
            stream: stream.tag().into(),
            id: pack(id),
        };
        ForgetV1 {
            cause: match self.cause {
                Cause::Deleted => 1,
                Cause::Absent => 2,
                Cause::Asked => 3,
            },
            records: self.records.iter().map(record).collect(),
            contact: self.contact.as_ref().map(|id| pack(id.as_str())),
            ids: self.ids.iter().map(|id| pack(id)).collect(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let stored: ForgetV1 = version_1(version, payload)?;
        let record = |record: RecordV1| {
            let stream = Stream::from_tag(record.stream.try_into().ok()?)?;
            Some((stream, unpack(&record.id)?))
        };
        Some(Self {
            cause: match stored.cause {
                1 => Cause::Deleted,
                2 => Cause::Absent,
                3 => Cause::Asked,
                _ => return None,
            },
            records: stored
                .records
                .into_iter()
                .map(record)
                .collect::<Option<_>>()?,
            contact: unpack_option(stored.contact)?,
            ids: stored
                .ids
                .iter()
                .map(|id| unpack(id))
                .collect::<Option<_>>()?,
        })
    }
}
