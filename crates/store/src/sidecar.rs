//! The file `seq`: how many commits were acknowledged, kept outside the database.
//!
//! A database that lost its tail can open without any error; this file tells.
//! It is written after the commits it counts were flushed, so it never claims too much.
//! A second file, `seq.live`, is overwritten with each group of commits but not made durable:
//! a killed process leaves it exact, and what a power failure makes of it is noticed and ignored.

use std::fs::{self, File};
use std::io::{ErrorKind as IoKind, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use uuid::Uuid;

use crate::directory;
use crate::error::{Error, ErrorKind};

const MAGIC: &[u8; 4] = b"FSQ1";
const LENGTH: usize = 4 + 16 + 8 + 4;

/// What the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sidecar {
    /// The store it belongs to.
    pub(crate) store: Uuid,
    /// The number of the last acknowledged commit.
    pub(crate) commit: u64,
}

impl Sidecar {
    /// Reads the file; none when it does not exist.
    pub(crate) fn read(path: &Path) -> Result<Option<Sidecar>, Error> {
        match fs::read(path) {
            Ok(bytes) => Self::decode(&bytes).map(Some).ok_or_else(|| damaged(path)),
            Err(error) if error.kind() == IoKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(format_args!("read {}", path.display()), error)),
        }
    }

    /// Replaces the file: after a crash it holds the old number or the new one.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        self.replace(path)
            .map_err(|error| Error::io(format_args!("write {}", path.display()), error))
    }

    /// Overwrites an open file in place.
    pub(crate) fn overwrite(&self, file: &File) -> std::io::Result<()> {
        file.write_all_at(&self.encode(), 0)
    }

    /// The later of what both files say, none where neither says anything; a live file that cannot be read says nothing.
    pub(crate) fn read_latest(path: &Path, live: &Path) -> Result<Option<Sidecar>, Error> {
        let live = Self::read(live).ok().flatten();
        let Some(durable) = Self::read(path)? else {
            return Ok(live);
        };
        let newer = live.filter(|live| live.store == durable.store && live.commit > durable.commit);
        Ok(Some(newer.unwrap_or(durable)))
    }

    fn replace(&self, path: &Path) -> std::io::Result<()> {
        let fresh = path.with_extension("new");
        let mut file = directory::create_private(&fresh)?;
        file.write_all(&self.encode())?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    }

    fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..4].copy_from_slice(MAGIC);
        bytes[4..20].copy_from_slice(self.store.as_bytes());
        bytes[20..28].copy_from_slice(&self.commit.to_be_bytes());
        let crc = crc32fast::hash(&bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Sidecar> {
        let bytes: &[u8; LENGTH] = bytes.try_into().ok()?;
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        if crc32fast::hash(body).to_be_bytes() != *crc {
            return None;
        }
        let (magic, rest) = body.split_first_chunk::<4>()?;
        let (store, rest) = rest.split_first_chunk::<16>()?;
        let commit = rest.try_into().ok()?;
        (magic == MAGIC).then(|| Sidecar {
            store: Uuid::from_bytes(*store),
            commit: u64::from_be_bytes(commit),
        })
    }
}

fn damaged(path: &Path) -> Error {
    let message = format!(
        "{} is damaged: restore a backup into a new directory, or remove this file if the data are known to be complete",
        path.display()
    );
    Error::new(ErrorKind::Damaged, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seq");
        assert_eq!(Sidecar::read(&path).unwrap(), None);
        let sidecar = Sidecar {
            store: Uuid::from_u128(7),
            commit: 41,
        };
        sidecar.write(&path).unwrap();
        assert_eq!(Sidecar::read(&path).unwrap(), Some(sidecar));
    }

    #[test]
    fn the_later_of_both_files_counts_and_a_live_file_that_cannot_be_read_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, live) = (folder.path().join("seq"), folder.path().join("seq.live"));
        let number = |commit| Sidecar {
            store: Uuid::from_u128(7),
            commit,
        };
        let latest = || Sidecar::read_latest(&path, &live).unwrap();
        number(41).write(&path).unwrap();
        assert_eq!(latest(), Some(number(41)));
        let file = File::create(&live).unwrap();
        number(45).overwrite(&file).unwrap();
        assert_eq!(latest(), Some(number(45)));
        number(40).overwrite(&file).unwrap();
        assert_eq!(latest(), Some(number(41)));
        let stranger = Sidecar {
            store: Uuid::from_u128(8),
            commit: 99,
        };
        stranger.overwrite(&file).unwrap();
        assert_eq!(latest(), Some(number(41)));
        fs::write(&live, b"torn").unwrap();
        assert_eq!(latest(), Some(number(41)));
        fs::remove_file(&path).unwrap();
        assert_eq!(latest(), None);
        number(45).overwrite(&File::create(&live).unwrap()).unwrap();
        assert_eq!(latest(), Some(number(45)));
    }

    #[test]
    fn every_flipped_byte_is_noticed() {
        let bytes = Sidecar {
            store: Uuid::from_u128(7),
            commit: 41,
        }
        .encode();
        for at in 0..bytes.len() {
            let mut flipped = bytes;
            flipped[at] ^= 1;
            assert_eq!(Sidecar::decode(&flipped), None);
        }
        assert_eq!(Sidecar::decode(&bytes[1..]), None);
    }
}
