//! Free space on the disk, and what is still allowed with it.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};

const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Free bytes of the file system that holds `path`.
pub(crate) fn free_bytes(path: &Path) -> Result<u64, Error> {
    let stat = rustix::fs::statvfs(path).map_err(|error| {
        Error::io(
            format_args!("read the free space of {}", path.display()),
            error,
        )
    })?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Watches the free space, with one look a second at most.
#[derive(Debug)]
pub(crate) struct Space {
    folder: PathBuf,
    write_floor: u64,
    backfill_floor: u64,
    last: Mutex<Option<(Instant, u64)>>,
}

impl Space {
    pub(crate) fn new(folder: &Path, write_floor: u64, backfill_floor: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            write_floor,
            backfill_floor,
            last: Mutex::new(None),
        }
    }

    /// Refuses when writing would risk a full disk.
    pub(crate) fn check_write(&self) -> Result<(), Error> {
        let free = self.free();
        if free >= self.write_floor {
            return Ok(());
        }
        let message = format!(
            "only {} MB are free at {}, writes stop below {} MB: free some space, then try again",
            free >> 20,
            self.folder.display(),
            self.write_floor >> 20
        );
        Err(Error::new(ErrorKind::DiskFull, message))
    }

    /// Has the next question look again: room was made.
    pub(crate) fn look_again(&self) {
        *self
            .last
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()) = None;
    }

    pub(crate) fn backfill_allowed(&self) -> bool {
        self.free() >= self.backfill_floor
    }

    /// Free bytes now, whether or not anything depends on them.
    pub(crate) fn free_now(&self) -> Result<u64, Error> {
        free_bytes(&self.folder)
    }

    /// An unreadable file system counts as having room: the write itself will tell.
    fn free(&self) -> u64 {
        if self.write_floor == 0 && self.backfill_floor == 0 {
            return u64::MAX;
        }
        let mut last = self
            .last
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        match *last {
            Some((at, free)) if at.elapsed() < CHECK_EVERY => free,
            _ => {
                let free = free_bytes(&self.folder).unwrap_or(u64::MAX);
                *last = Some((Instant::now(), free));
                free
            }
        }
    }
}
