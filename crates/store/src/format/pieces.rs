//! Values over 64 KB.
//!
//! sled moves long values to files of their own, which it never makes durable; so none may become long.

use prost::Message;

use super::frame;
use crate::error::Error;
use crate::table::Table;

/// The version byte of a value that is stored in pieces.
const IN_PIECES: u8 = 0xff;

/// What is stored in place of a long value.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Pieces {
    /// How many pieces there are.
    #[prost(uint32, tag = "1")]
    pub(crate) count: u32,
    #[prost(uint64, tag = "2")]
    length: u64,
    #[prost(fixed32, tag = "3")]
    crc: u32,
}

impl Pieces {
    /// The length of a piece, and of the longest value that stays whole, in bytes.
    pub(crate) const SIZE: usize = 64 << 10;

    /// Reads what stands in the place of a long value; none for a value that is whole.
    pub(crate) fn read(table: Table, value: &[u8]) -> Result<Option<Pieces>, Error> {
        if value.first() != Some(&IN_PIECES) {
            return Ok(None);
        }
        let (_version, payload) = frame::open(table, value)?;
        Pieces::decode(payload)
            .map(Some)
            .map_err(|error| Error::corrupt(table).with_source(error))
    }

    /// Cuts a long value: what to store in its place, and the pieces.
    pub(crate) fn cut(value: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
        let pieces: Vec<Vec<u8>> = value.chunks(Self::SIZE).map(<[u8]>::to_vec).collect();
        let head = Pieces {
            count: u32::try_from(pieces.len()).unwrap_or(u32::MAX),
            length: value.len() as u64,
            crc: crc32fast::hash(value),
        };
        (frame::seal(IN_PIECES, &head.encode_to_vec()), pieces)
    }

    /// Whether these bytes are the value that was cut.
    pub(crate) fn fits(&self, joined: &[u8]) -> bool {
        joined.len() as u64 == self.length && crc32fast::hash(joined) == self.crc
    }

    /// The key of a piece. It begins with the key of the value, and so with the connection.
    pub(crate) fn key(table: Table, key: &[u8], number: u32) -> Vec<u8> {
        [key, table.name().as_bytes(), &number.to_be_bytes()].concat()
    }
}
