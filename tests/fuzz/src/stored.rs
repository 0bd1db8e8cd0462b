//! What is on the disk, where the disk or somebody else has changed it.

/// Reads the input as a value of some table.
pub(crate) fn stored(input: &[u8]) {
    let Some((table, value)) = input.split_first() else {
        return;
    };
    let _ = store::makes_sense(*table, value);
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    (0..=u8::MAX)
        .map(|table| [&[table, 1][..], &[0x0a, 0x04, 1, 2, 3, 4, 0x10, 0x96, 0x01]].concat())
        .collect()
}
