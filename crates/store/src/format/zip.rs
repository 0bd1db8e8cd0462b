//! Compressed bytes: zstd frames that say how long their content is.

/// The most that is unpacked, in bytes; Lever's largest documents are a few hundred KB.
const LARGEST: usize = 256 << 20;
const LEVEL: i32 = 1;

pub(super) fn compress(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, LEVEL)
        .expect("compressing into a buffer that grows has nothing to fail on")
}

/// None when these bytes are no frame, or unpack to more than the largest document.
pub(super) fn decompress(frame: &[u8]) -> Option<Vec<u8>> {
    let length = zstd::zstd_safe::get_frame_content_size(frame).ok()??;
    let capacity = usize::try_from(length)
        .ok()
        .filter(|length| *length <= LARGEST)?;
    zstd::bulk::decompress(frame, capacity).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_comes_back_as_it_was() {
        for length in [0, 1, 255, 400_000] {
            let bytes: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            assert_eq!(decompress(&compress(&bytes)), Some(bytes));
        }
        assert_eq!(decompress(b"no frame"), None);
    }
}
