//! Free space on the disk, and what is still allowed with it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind};

const MEGABYTE: u64 = 1_000_000;
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// What shuts somebody out or makes room is written down to this part of the floor of other writes.
const VITAL: u64 = 8;
/// Files that are handed on are taken down to the floor of other writes and this part of it.
const FOR_OTHERS: u64 = 4;

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

/// Free bytes as they are told: megabytes of 1,000,000 bytes, rounded down.
pub(crate) fn megabytes_free(bytes: u64) -> u64 {
    bytes / MEGABYTE
}

/// Needed bytes as they are told: rounded up, so that so much room is enough.
pub(crate) fn megabytes_needed(bytes: u64) -> u64 {
    bytes.div_ceil(MEGABYTE)
}

/// How much room is wanting: why nothing is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// Free bytes of the disk.
    pub free: u64,
    /// Writes stop below so many.
    pub floor: u64,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (free, floor) = (megabytes_free(self.free), megabytes_needed(self.floor));
        write!(
            f,
            "only {free} MB are free, and writes stop below {floor} MB"
        )
    }
}

/// Watches the free space, with one look a second at most.
#[derive(Debug)]
pub(crate) struct Space {
    folder: PathBuf,
    write_floor: u64,
    backfill_floor: u64,
    last: Mutex<Option<(Instant, u64)>>,
    /// Whether writes were refused when they were last asked for.
    refusing: AtomicBool,
}

impl Space {
    pub(crate) fn new(folder: &Path, write_floor: u64, backfill_floor: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            write_floor,
            backfill_floor,
            last: Mutex::new(None),
            refusing: AtomicBool::new(false),
        }
    }

    /// Why writing would risk a full disk; none where it does not.
    pub(crate) fn shortage(&self) -> Option<Shortage> {
        let (free, floor) = (self.free(), self.write_floor);
        (free < floor).then_some(Shortage { free, floor })
    }

    /// Refuses when writing would risk a full disk; the log has one line when that begins, and one when it ends.
    pub(crate) fn check_write(&self) -> Result<(), Error> {
        let free = self.free();
        let refused = free < self.write_floor;
        if self.turned(refused) {
            self.log_turn(free, refused);
        }
        if !refused {
            return Ok(());
        }
        Err(self.refusal(free, self.write_floor, "writes stop"))
    }

    /// Refuses what shuts somebody out or makes room, which is a line or two, only where next to nothing is left.
    pub(crate) fn check_vital(&self) -> Result<(), Error> {
        let free = self.free();
        let floor = self.write_floor / VITAL;
        if free >= floor {
            return Ok(());
        }
        Err(self.refusal(free, floor, "not even this is written"))
    }

    /// Refuses a file that is handed on to Lever somewhat before anything else that is written: whoever sends many of
    /// them leaves room for others.
    pub(crate) fn check_file(&self) -> Result<(), Error> {
        let free = self.free();
        let floor = self
            .write_floor
            .saturating_add(self.write_floor / FOR_OTHERS);
        if free >= floor {
            return Ok(());
        }
        Err(self.refusal(free, floor, "files are taken no more"))
    }

    fn refusal(&self, free: u64, floor: u64, what: &str) -> Error {
        let message = format!(
            "only {} MB are free at {}, {what} below {} MB: free some space, then try again",
            megabytes_free(free),
            self.folder.display(),
            megabytes_needed(floor)
        );
        Error::new(ErrorKind::DiskFull, message)
    }

    /// Whether this differs from what was answered last.
    fn turned(&self, refused: bool) -> bool {
        self.refusing.swap(refused, Ordering::Relaxed) != refused
    }

    fn log_turn(&self, free: u64, refused: bool) {
        let path = self.folder.display();
        let (free_mb, floor_mb) = (megabytes_free(free), megabytes_needed(self.write_floor));
        if refused {
            tracing::warn!(%path, free_mb, floor_mb, "the disk is nearly full: writes are refused until there is room");
        } else {
            tracing::info!(%path, free_mb, floor_mb, "there is room on the disk again: writes are taken");
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossing_the_floor_is_told_once_and_leaving_it_too() {
        let space = Space::new(Path::new("/"), 1, 0);
        let answers = [false, true, true, false, false, true];
        let told = answers.map(|refused| space.turned(refused));
        assert_eq!(told, [false, true, false, true, false, true]);
    }

    #[test]
    fn a_floor_is_told_as_it_is_set() {
        assert_eq!(megabytes_needed(40_000_000), 40);
        assert_eq!(megabytes_needed(40_000_001), 41);
        assert_eq!(megabytes_free(39_999_999), 39);
        let shortage = Shortage {
            free: 39_999_999,
            floor: 512_000_000,
        };
        let told = "only 39 MB are free, and writes stop below 512 MB";
        assert_eq!(shortage.to_string(), told);
    }
}
