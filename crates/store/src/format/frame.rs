//! The five bytes before each payload.

use super::Stored;
use crate::error::Error;
use crate::table::Table;

const HEADER: usize = 5;

/// Puts the version and the checksum before a payload.
pub(crate) fn seal(version: u8, payload: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(HEADER + payload.len());
    framed.push(version);
    framed.extend_from_slice(&checksum(version, payload).to_le_bytes());
    framed.extend_from_slice(payload);
    framed
}

/// Takes version and payload out of a framed value.
///
/// # Errors
/// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) when the checksum does not fit.
pub(crate) fn open(table: Table, framed: &[u8]) -> Result<(u8, &[u8]), Error> {
    try_open(framed).ok_or_else(|| Error::corrupt(table))
}

/// Reads a framed value.
pub(crate) fn open_as<T: Stored>(table: Table, framed: &[u8]) -> Result<T, Error> {
    let (version, payload) = open(table, framed)?;
    T::from_payload(version, payload).ok_or_else(|| Error::corrupt(table))
}

fn try_open(framed: &[u8]) -> Option<(u8, &[u8])> {
    let (version, rest) = framed.split_first()?;
    let (crc, payload) = rest.split_first_chunk::<4>()?;
    (u32::from_le_bytes(*crc) == checksum(*version, payload)).then_some((*version, payload))
}

fn checksum(version: u8, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[version]);
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_an_error_that_names_the_table() {
        let framed = seal(1, b"payload");
        assert_eq!(open(Table::Heads, &framed).unwrap(), (1, &b"payload"[..]));
        for bit in 0..framed.len() * 8 {
            let mut flipped = framed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let error = open(Table::Heads, &flipped).unwrap_err();
            assert_eq!(
                error.to_string(),
                "a value in the table heads is damaged (connection, stream and record key)"
            );
        }
        assert!(open(Table::Heads, &framed[..4]).is_err());
    }
}
