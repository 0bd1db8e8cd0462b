//! Lever's records: a head that every page touches, and the document, in the head when it is short.
//!
//! A long one is in a table of its own and is written only when it differs; so is each that version 2 has written.

use lever::Timestamp;
use prost::Message;
use sha2::{Digest, Sha256};

use super::id::{pack, unpack_option};
use super::{Stored, versions_to, zip};

/// Tells whether two documents are the same bytes.
pub(crate) fn digest(raw: &str) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(raw.as_bytes())[..16]);
    short
}

/// What is known about a record besides its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// When the request that last brought it was sent.
    pub(crate) requested_at: Timestamp,
    /// Lever's own stamp.
    pub(crate) updated_at: Option<Timestamp>,
    /// Since when it is known to be deleted.
    pub(crate) deleted_at: Option<Timestamp>,
    /// The deletion was concluded from its absence, not told by Lever: it ends when the record shows again.
    pub(crate) absent: bool,
    /// Its place in Lever's own order, where the list has one.
    pub(crate) rank: u32,
    /// Of the document; tombstones have none.
    pub(crate) digest: [u8; 16],
    /// Lever's id of the record it hangs on, for streams that are read below another.
    pub(crate) parent: Option<String>,
    /// The document as a zstd frame when it is no longer than [`Head::LONGEST_FRAME`]; others are in `documents`.
    pub(crate) frame: Option<Vec<u8>>,
}

impl Head {
    /// The longest frame that is stored in a head, in bytes: half of what a record costs is to be one entry of two.
    pub(crate) const LONGEST_FRAME: usize = 2 << 10;

    /// Whether there is, or ought to be, an entry of `documents` for it.
    pub(crate) fn has_entry(&self) -> bool {
        self.deleted_at.is_none() && self.frame.is_none()
    }
}

#[derive(Clone, PartialEq, Message)]
struct HeadV1 {
    #[prost(int64, tag = "1")]
    requested_at: i64,
    #[prost(int64, optional, tag = "2")]
    updated_at: Option<i64>,
    #[prost(int64, optional, tag = "3")]
    deleted_at: Option<i64>,
    #[prost(bool, tag = "4")]
    absent: bool,
    #[prost(bytes = "vec", tag = "5")]
    digest: Vec<u8>,
    #[prost(uint32, tag = "6")]
    rank: u32,
    /// Since version 2.
    #[prost(bytes = "vec", optional, tag = "7")]
    parent: Option<Vec<u8>>,
    /// Since version 3.
    #[prost(bytes = "vec", optional, tag = "8")]
    frame: Option<Vec<u8>>,
}

impl Stored for Head {
    const VERSION: u8 = 3;

    fn to_payload(&self) -> Vec<u8> {
        HeadV1 {
            requested_at: self.requested_at.as_millis(),
            updated_at: self.updated_at.map(Timestamp::as_millis),
            deleted_at: self.deleted_at.map(Timestamp::as_millis),
            absent: self.absent,
            digest: self.digest.to_vec(),
            rank: self.rank,
            parent: self.parent.as_deref().map(pack),
            frame: self.frame.clone(),
        }
        .encode_to_vec()
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        let head: HeadV1 = versions_to(Self::VERSION, version, payload)?;
        Some(Self {
            requested_at: Timestamp::from_millis(head.requested_at),
            updated_at: head.updated_at.map(Timestamp::from_millis),
            deleted_at: head.deleted_at.map(Timestamp::from_millis),
            absent: head.absent,
            rank: head.rank,
            digest: head.digest.try_into().ok()?,
            parent: unpack_option(head.parent)?,
            frame: head.frame,
        })
    }
}

/// Lever's JSON, byte for byte.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Document(pub(crate) String);

impl Stored for Document {
    const VERSION: u8 = 1;

    fn to_payload(&self) -> Vec<u8> {
        zip::compress(self.0.as_bytes())
    }

    fn from_payload(version: u8, payload: &[u8]) -> Option<Self> {
        if version != 1 {
            return None;
        }
        let bytes = zip::decompress(payload)?;
        String::from_utf8(bytes).ok().map(Self)
    }
}
