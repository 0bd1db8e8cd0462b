//! Makes sled's flush reach the disk.
//!
//! On Linux sled 0.34 calls `sync_file_range` where it needs `fdatasync` (spacejam/sled#1452).
//! That call writes no file metadata, so after a power failure acknowledged data was gone in 23 of 25 crash images.
//! This module defines the C symbol of that name; the linker prefers it to the C library's in every program
//! that contains this crate, and sled's call becomes an `fdatasync`.
//! Opening a store confirms that this is so.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorKind};

static SYNCS: AtomicU64 = AtomicU64::new(0);

/// How often data was asked to be made durable since the process began.
///
/// Each open of a store adds one, by trying.
pub fn syncs() -> u64 {
    SYNCS.load(Ordering::Relaxed)
}

/// Refuses when the program was linked in a way that leaves sled with the C library's function.
pub(crate) fn confirm() -> Result<(), Error> {
    let before = syncs();
    interposed::try_it();
    if !cfg!(target_os = "linux") || syncs() > before {
        return Ok(());
    }
    let message =
        "this program was built in a way that loses data on a power failure: use another build";
    Err(Error::new(ErrorKind::Io, message))
}

#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "replaces the C function that sled calls in place of fdatasync"
)]
mod interposed {
    use std::sync::atomic::Ordering;

    // SAFETY: the name and the signature are those of the C library's function, which this one stands in for.
    #[unsafe(no_mangle)]
    extern "C" fn sync_file_range(
        file: libc::c_int,
        _offset: libc::off64_t,
        _length: libc::off64_t,
        _flags: libc::c_uint,
    ) -> libc::c_int {
        super::SYNCS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: fdatasync takes any number and answers EBADF for one that is not an open file.
        unsafe { libc::fdatasync(file) }
    }

    /// Calls the function the way sled does, by its C name, on no file at all.
    pub(super) fn try_it() {
        // SAFETY: whichever function answers, it takes any number and answers EBADF for -1.
        unsafe { libc::sync_file_range(-1, 0, 0, 0) };
    }
}

#[cfg(not(target_os = "linux"))]
mod interposed {
    /// Elsewhere sled calls `fsync`.
    pub(super) fn try_it() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    // Taking `no_mangle` out makes this fail: the C library's function is called, and nothing counts.
    // No other test of this program may open a database, since the count is the whole process's.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_flush_of_the_database_asks_for_fdatasync() {
        let folder = tempfile::tempdir().unwrap();
        let database = sled::Config::new()
            .path(folder.path())
            .flush_every_ms(None)
            .open()
            .unwrap();
        database.insert("key", "value").unwrap();
        let before = syncs();
        database.flush().unwrap();
        assert!(syncs() > before);
        assert!(confirm().is_ok());
    }
}
