//! Compressed bytes: zstd frames that say how long their content is.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use zstd::bulk::{Compressor, Decompressor};

/// The most that is unpacked, in bytes; Lever's largest documents are a few hundred KB.
const LARGEST: usize = 256 << 20;
const LEVEL: i32 = 1;
/// The longest block of a frame.
const BLOCK: usize = 128 << 10;

thread_local! {
    /// Making one takes longer than compressing a document.
    static COMPRESSOR: RefCell<Compressor<'static>> =
        RefCell::new(Compressor::new(LEVEL).expect("a level without a dictionary fits"));
}

/// Kept to be used again, for the same reason. Reads come from hundreds of threads, which rest most of the time: each
/// takes one for as long as it needs it.
static DECOMPRESSORS: Mutex<Vec<Decompressor<'static>>> = Mutex::new(Vec::new());
/// How many are kept, of some 100 KB each.
const KEPT: usize = 16;

pub(crate) fn compress(bytes: &[u8]) -> Vec<u8> {
    COMPRESSOR
        .with_borrow_mut(|compressor| compressor.compress(bytes))
        .expect("compressing into a buffer that grows has nothing to fail on")
}

/// None when these bytes are no frame, or unpack to more than the largest document.
pub(super) fn decompress(frame: &[u8]) -> Option<Vec<u8>> {
    let length = zstd::zstd_safe::get_frame_content_size(frame).ok()??;
    let capacity = usize::try_from(length)
        .ok()
        .filter(|length| *length <= LARGEST)?;
    let mut decompressor = kept().pop().or_else(|| Decompressor::new().ok())?;
    let bytes = decompressor.decompress(frame, capacity).ok();
    let mut kept = kept();
    if kept.len() < KEPT {
        kept.push(decompressor);
    }
    bytes
}

fn kept() -> std::sync::MutexGuard<'static, Vec<Decompressor<'static>>> {
    DECOMPRESSORS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A frame that holds the bytes as they are, so that a raw search of the disk finds them.
///
/// It is read like any other. Header and blocks are those of RFC 8878, sections 3.1.1.1 and 3.1.1.2:
/// a single segment with its length in eight bytes, then raw blocks.
pub(crate) fn store_plain(bytes: &[u8]) -> Vec<u8> {
    const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    const SINGLE_SEGMENT_LENGTH_IN_8: u8 = 0b1110_0000;
    let mut frame = MAGIC.to_vec();
    frame.push(SINGLE_SEGMENT_LENGTH_IN_8);
    frame.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    let blocks = bytes.len().div_ceil(BLOCK).max(1);
    for number in 0..blocks {
        let block = &bytes[number * BLOCK..bytes.len().min((number + 1) * BLOCK)];
        let last = u32::from(number + 1 == blocks);
        // A block is at most 128 KB, so its length fits the 21 bits it has.
        let header = ((block.len() as u32) << 3) | last;
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.extend_from_slice(block);
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_frame_come_back_as_they_were() {
        for length in [0, 1, 255, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let bytes: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            assert_eq!(decompress(&compress(&bytes)).as_ref(), Some(&bytes));
            let plain = store_plain(&bytes);
            assert_eq!(decompress(&plain).as_ref(), Some(&bytes), "{length}");
            assert!(plain.len() >= bytes.len());
        }
        assert_eq!(decompress(b"no frame"), None);
    }

    /// One that met a damaged frame is used again.
    #[test]
    fn a_damaged_frame_spoils_none_that_comes_after_it() {
        let bytes = vec![7; BLOCK + 1];
        let whole = compress(&bytes);
        for length in 1..whole.len() {
            assert_eq!(decompress(&whole[..length]), None, "{length}");
            assert_eq!(decompress(&whole).as_ref(), Some(&bytes));
        }
    }
}
