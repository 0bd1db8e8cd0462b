//! Writing the whole store anew, without what sled's log still holds of former values.
//!
//! The new database is filled beside the old one, made durable, opened again and compared entry by entry.
//! Only then a marker file says that it counts, and the two change places. A crash before the marker leaves
//! the old database as it was, one after it leaves the rest of the way to the next start (`directory`).
//! Snapshots that hold what was forgotten since go too.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::backup;
use crate::directory::Directory;
use crate::error::{Error, ErrorKind};
use crate::opening::{self, Opened, Options, STRAGGLERS};
use crate::space;

/// How many bytes of entries go into the new database at a time.
const BATCH_BYTES: usize = 4 << 20;

/// How far a compaction or a check has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, such as `copying`.
    pub doing: &'static str,
    /// How many entries of the store that was done with.
    pub entries: u64,
    /// How many there are; none while that is not known.
    pub total: Option<u64>,
}

/// What a compaction came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compacted {
    /// How many entries the store has.
    pub entries: u64,
    /// How many bytes the files of the database had.
    pub bytes_before: u64,
    /// How many they have.
    pub bytes_after: u64,
}

/// Writes the store in a folder anew, and removes the files it had. Blocks; no process may have the store open.
///
/// Needs as much free space as the database has bytes. What was interrupted is finished or discarded by the next start.
///
/// # Errors
/// As [`Store::open`](crate::Store::open); [`ErrorKind::NotFound`] without a store, [`ErrorKind::DiskFull`] without room for the new files,
/// [`ErrorKind::Damaged`] when the new ones do not hold what the old ones do. Nothing is lost then.
pub fn compact(
    folder: &Path,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Compacted, Error> {
    let Opened {
        directory,
        database,
        tables,
        lock,
        ..
    } = opening::open_existing(folder, options)?;
    let floor = backup::floor(&tables)?;
    drop(tables);
    let bytes_before = directory.database_bytes()?;
    check_room(&directory, bytes_before, options)?;
    directory.begin_compaction()?;
    let written = fill(&directory, &database, options, progress)?;
    let read = read_back(&directory, written.entries, options, progress)?;
    if read != written {
        let message =
            "the compacted database differs from the one it was made of: the old one was kept";
        return Err(Error::new(ErrorKind::Damaged, message));
    }
    drop(database);
    directory.wait_released(&directory.database(), STRAGGLERS)?;
    directory.wait_released(&directory.compact(), STRAGGLERS)?;
    directory.declare_compacted()?;
    directory.settle_compaction()?;
    backup::remove_below(&directory.snapshots(), floor)?;
    backup::remove_unfinished(&directory.snapshots())?;
    let bytes_after = directory.database_bytes()?;
    drop(lock);
    Ok(Compacted {
        entries: written.entries,
        bytes_before,
        bytes_after,
    })
}

fn check_room(directory: &Directory, bytes: u64, options: &Options) -> Result<(), Error> {
    let needed = bytes.saturating_add(options.open_floor_bytes);
    let free = space::free_bytes(directory.root())?;
    if free >= needed {
        return Ok(());
    }
    let message = format!(
        "only {} MB are free at {}, a compaction needs {} MB: free some space, then try again",
        space::megabytes_free(free),
        directory.root().display(),
        space::megabytes_needed(needed),
    );
    Err(Error::new(ErrorKind::DiskFull, message))
}

/// What a database holds: how much, and a digest over all of it.
#[derive(Debug, PartialEq, Eq)]
struct Content {
    entries: u64,
    digest: [u8; 32],
}

/// Adds up the content of a database, tree by tree.
#[derive(Default)]
struct Tally {
    entries: u64,
    hasher: Sha256,
}

impl Tally {
    /// Each part is preceded by its length, so that no two contents read alike.
    fn add(&mut self, part: &[u8]) {
        self.hasher.update((part.len() as u64).to_le_bytes());
        self.hasher.update(part);
    }

    fn entry(&mut self, key: &[u8], value: &[u8]) {
        self.add(key);
        self.add(value);
        self.entries += 1;
    }

    fn content(self) -> Content {
        Content {
            entries: self.entries,
            digest: self.hasher.finalize().into(),
        }
    }
}

/// The trees of a database, also those this version does not know, in the order of their names.
fn trees(database: &sled::Db) -> Result<Vec<(sled::IVec, sled::Tree)>, sled::Error> {
    let mut names = database.tree_names();
    names.sort();
    names
        .into_iter()
        .map(|name| Ok((name.clone(), database.open_tree(name)?)))
        .collect()
}

/// Copies every entry of the present database into a new one.
fn fill(
    directory: &Directory,
    from: &sled::Db,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Content, Error> {
    let path = directory.compact();
    let to = opening::open_database(directory, &path, options)?;
    let mut tally = Tally::default();
    let mut copy = || -> Result<(), sled::Error> {
        for (name, tree) in trees(from)? {
            tally.add(&name);
            let mut target = Target::new(to.open_tree(&name)?);
            for entry in &tree {
                let (key, value) = entry?;
                tally.entry(&key, &value);
                target.put(key, value)?;
                progress(Progress {
                    doing: "copying",
                    entries: tally.entries,
                    total: None,
                });
            }
            target.flush()?;
        }
        to.flush().map(drop)
    };
    copy().map_err(|error| opening::unusable(directory.root(), &error))?;
    Ok(tally.content())
}

/// A tree that is filled in batches.
pub(crate) struct Target {
    tree: sled::Tree,
    batch: sled::Batch,
    bytes: usize,
}

impl Target {
    pub(crate) fn new(tree: sled::Tree) -> Self {
        Self {
            tree,
            batch: sled::Batch::default(),
            bytes: 0,
        }
    }

    pub(crate) fn put(
        &mut self,
        key: impl Into<sled::IVec>,
        value: impl Into<sled::IVec>,
    ) -> Result<(), sled::Error> {
        let (key, value) = (key.into(), value.into());
        self.bytes += key.len() + value.len();
        self.batch.insert(key, value);
        if self.bytes >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> Result<(), sled::Error> {
        self.bytes = 0;
        self.tree.apply_batch(std::mem::take(&mut self.batch))
    }
}

/// Opens the new database from its files, and reads all of it.
fn read_back(
    directory: &Directory,
    total: u64,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Content, Error> {
    let database = opening::open_database(directory, &directory.compact(), options)?;
    let mut tally = Tally::default();
    let mut read = || -> Result<(), sled::Error> {
        for (name, tree) in trees(&database)? {
            tally.add(&name);
            for entry in &tree {
                let (key, value) = entry?;
                tally.entry(&key, &value);
                progress(Progress {
                    doing: "verifying",
                    entries: tally.entries,
                    total: Some(total),
                });
            }
        }
        Ok(())
    };
    read().map_err(|error| opening::unusable(directory.root(), &error))?;
    Ok(tally.content())
}
