//! Making a data directory of a backup.
//!
//! The backup is read three times: to check it before anything is written, to fill the new database, and to compare
//! that with it. A mark says that the directory is not whole until all of it is; no start opens one with that mark.
//!
//! What is not as it was, since time went on after the backup was taken:
//!
//! - The store gets an id of its own, so that files of two histories are never taken for one.
//! - Numbers of changes begin anew, far above all that may have been told since, and the changes themselves are left
//!   out: a token of before is refused as expired, instead of going on at another change with the same number.
//! - An operation that could still be sent may have been sent since: it is marked
//!   ([`Operation::restored`](domain::Operation::restored)), so that Lever is read back before it creates anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use lever::Timestamp;
use uuid::Uuid;

use super::archive::{Header, Item, Reader};
use crate::compact::{Progress, Target};
use crate::directory::Directory;
use crate::durability;
use crate::error::{Error, ErrorKind};
use crate::format::{self, Counter, KeptOperation, Pieces, Stored, frame, key};
use crate::health::Health;
use crate::opening::{self, Options, STRAGGLERS};
use crate::sidecar::Sidecar;
use crate::space;
use crate::table::{Table, Tables};

/// How far the numbers of changes go on above those of the backup: more than anybody could have told since.
const UNTOLD: u64 = 1 << 32;

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the backup says about itself.
    pub header: Header,
    /// How many entries the new store has.
    pub entries: u64,
    /// How many entries of the backup it has not: those of the change journal.
    pub left_out: u64,
    /// How many operations may have been sent since it was taken; Lever is asked before they are sent.
    pub unsure_operations: u64,
}

/// Makes a data directory of a backup, in a folder that is not there, is empty, or holds nothing but `master.key`. Blocks.
///
/// Nothing is put in place before all of the backup was found to be right; after an error the folder is as it was.
///
/// # Errors
/// [`ErrorKind::Damaged`] with the place of the first damaged record, [`ErrorKind::NewerFormat`], [`ErrorKind::NotAStore`]
/// for a folder with anything else in it, [`ErrorKind::DiskFull`], [`ErrorKind::InUse`], [`ErrorKind::Io`].
pub fn restore(
    file: &Path,
    folder: &Path,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Restored, Error> {
    durability::confirm()?;
    let checked = check(file, progress)?;
    let is_new = !folder.exists();
    let directory = Directory::create(folder)?;
    let lock = directory.begin_restoring(options.lock_wait)?;
    let made = check_room(&directory, file, options)
        .and_then(|()| fill(file, &directory, options, &checked, progress))
        .and_then(|unsure| directory.end_restoring().map(|()| unsure));
    match made {
        Ok(unsure_operations) => Ok(Restored {
            entries: checked.restored(),
            left_out: checked.left_out,
            header: checked.header,
            unsure_operations,
        }),
        Err(error) => {
            directory.abandon_restoring(is_new);
            drop(lock);
            Err(error)
        }
    }
}

/// What the first reading of a backup came to.
struct Checked {
    header: Header,
    entries: u64,
    /// How many of them have no place in the new store.
    left_out: u64,
    renewal: Renewal,
}

impl Checked {
    /// How many entries the new store has.
    fn restored(&self) -> u64 {
        let added = self.renewal.additions().len() as u64;
        self.entries - self.left_out + added
    }
}

fn check(file: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Checked, Error> {
    let (mut reader, header) = Reader::open(file)?;
    let mut renewal = Renewal::of(&header)?;
    let mut left_out = 0;
    while let Some(item) = reader.next()? {
        if let Item::Entry { table, key, value } = item {
            left_out += u64::from(is_left_out(table));
            renewal.learn(table, key, &value)?;
            progress(step("checking", reader.entries(), None));
        }
    }
    Ok(Checked {
        header,
        entries: reader.entries(),
        left_out,
        renewal,
    })
}

fn step(doing: &'static str, entries: u64, total: Option<u64>) -> Progress {
    Progress {
        doing,
        entries,
        total,
    }
}

/// sled needs about as much again as it holds while it is filled.
fn check_room(directory: &Directory, file: &Path, options: &Options) -> Result<(), Error> {
    let length = fs::metadata(file)
        .map_err(|error| Error::io(format_args!("read {}", file.display()), error))?
        .len();
    let needed = length.saturating_mul(2);
    let needed = needed.saturating_add(options.open_floor_bytes);
    let free = space::free_bytes(directory.root())?;
    if free >= needed {
        return Ok(());
    }
    let message = format!(
        "only {} MB are free at {}, restoring this backup needs {} MB: free some space, then try again",
        space::megabytes_free(free),
        directory.root().display(),
        space::megabytes_needed(needed),
    );
    Err(Error::new(ErrorKind::DiskFull, message))
}

/// Fills the new directory, and compares it with the backup; gives how many operations may have been sent since.
fn fill(
    file: &Path,
    directory: &Directory,
    options: &Options,
    checked: &Checked,
    progress: &mut dyn FnMut(Progress),
) -> Result<u64, Error> {
    let path = directory.database();
    let database = opening::open_database(directory, &path, options)?;
    let unsure = copy(file, directory, &database, checked, progress)?;
    drop(database);
    directory.wait_released(&path, STRAGGLERS)?;
    let database = opening::open_database(directory, &path, options)?;
    compare(file, directory, &database, checked, progress)?;
    drop(database);
    directory.wait_released(&path, STRAGGLERS)?;
    let acknowledged = Sidecar {
        store: checked.renewal.store,
        commit: checked.header.commit,
    };
    acknowledged.write(&directory.sidecar())?;
    Ok(unsure)
}

fn copy(
    file: &Path,
    directory: &Directory,
    database: &sled::Db,
    checked: &Checked,
    progress: &mut dyn FnMut(Progress),
) -> Result<u64, Error> {
    let unusable = |error: sled::Error| opening::unusable(directory.root(), &error);
    let mut targets = Targets::new(database);
    let (mut reader, _header) = Reader::open(file)?;
    let mut unsure = 0;
    let mut upload = None;
    while let Some(item) = reader.next()? {
        match item {
            Item::File { name } => upload = Some(new_file(directory, &name)?),
            Item::Bytes(bytes) => append(directory, upload.as_mut(), &bytes)?,
            Item::Entry { table, key, value } => {
                let Some(renewed) = checked.renewal.value(table, &key, value)? else {
                    continue;
                };
                unsure += u64::from(table == Table::Operations && renewed.1);
                targets.put(table, key, &renewed.0).map_err(unusable)?;
                progress(step("restoring", reader.entries(), Some(checked.entries)));
            }
        }
    }
    for (table, key, value) in checked.renewal.additions() {
        targets.put(table, key, &value).map_err(unusable)?;
    }
    targets.flush().map_err(unusable)?;
    database.flush().map_err(unusable)?;
    Ok(unsure)
}

fn new_file(directory: &Directory, name: &str) -> Result<File, Error> {
    let folder = directory.uploads();
    let path = folder.join(name);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .and_then(|()| {
            OpenOptions::new()
                .create_new(true)
                .write(true)
                .mode(0o600)
                .open(&path)
        })
        .map_err(|error| Error::io(format_args!("create {}", path.display()), error))
}

fn append(directory: &Directory, file: Option<&mut File>, bytes: &[u8]) -> Result<(), Error> {
    let Some(file) = file else {
        return Ok(());
    };
    let folder = directory.uploads();
    file.write_all(bytes)
        .map_err(|error| Error::io(format_args!("write in {}", folder.display()), error))
}

/// Reads back every entry from the files of the new database.
fn compare(
    file: &Path,
    directory: &Directory,
    database: &sled::Db,
    checked: &Checked,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), Error> {
    let tables = Tables::open(database, Arc::new(Health::new()), true)
        .map_err(|error| opening::unusable(directory.root(), &error))?;
    let differs = || {
        let message =
            "the restored database differs from the backup: the disk does not keep what is written";
        Error::new(ErrorKind::Damaged, message)
    };
    let same = |table, key: &[u8], value: &[u8]| match tables.load(table, key)? {
        Some(stored) if stored == value => Ok(()),
        _ => Err(differs()),
    };
    let (mut reader, _header) = Reader::open(file)?;
    while let Some(item) = reader.next()? {
        let Item::Entry { table, key, value } = item else {
            continue;
        };
        if let Some((value, _)) = checked.renewal.value(table, &key, value)? {
            same(table, &key, &value)?;
            progress(step("verifying", reader.entries(), Some(checked.entries)));
        }
    }
    let additions = checked.renewal.additions();
    additions
        .iter()
        .try_for_each(|(table, key, value)| same(*table, key, value))
}

/// The trees of the new database.
struct Targets<'a> {
    database: &'a sled::Db,
    open: BTreeMap<Table, Target>,
}

impl<'a> Targets<'a> {
    fn new(database: &'a sled::Db) -> Self {
        Self {
            database,
            open: BTreeMap::new(),
        }
    }

    /// Stores a value as a draft does: a long one in pieces.
    fn put(&mut self, table: Table, key: Vec<u8>, value: &[u8]) -> Result<(), sled::Error> {
        if value.len() <= Pieces::SIZE {
            return self.target(table)?.put(key, value);
        }
        let (head, pieces) = Pieces::cut(value);
        for (number, piece) in (0..).zip(pieces) {
            let place = Pieces::key(table, &key, number);
            self.target(Table::Pieces)?.put(place, piece)?;
        }
        self.target(table)?.put(key, head)
    }

    fn target(&mut self, table: Table) -> Result<&mut Target, sled::Error> {
        use std::collections::btree_map::Entry;
        Ok(match self.open.entry(table) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(place) => {
                place.insert(Target::new(self.database.open_tree(table.name())?))
            }
        })
    }

    fn flush(&mut self) -> Result<(), sled::Error> {
        self.open.values_mut().try_for_each(Target::flush)
    }
}

/// What is made of the values of a backup; the same each time it is asked.
struct Renewal {
    /// The id of the new store.
    store: Uuid,
    taken: Timestamp,
    /// Where the numbers of changes of each connection begin anew.
    sequences: BTreeMap<Vec<u8>, u64>,
    /// The settings of every connection that has been read.
    connections: BTreeSet<Vec<u8>>,
}

impl Renewal {
    fn of(header: &Header) -> Result<Self, Error> {
        Ok(Self {
            store: opening::new_id()?,
            taken: header.taken,
            sequences: BTreeMap::new(),
            connections: BTreeSet::new(),
        })
    }

    fn learn(&mut self, table: Table, key: Vec<u8>, value: &[u8]) -> Result<(), Error> {
        match table {
            Table::Connections => {
                self.connections.insert(key);
            }
            Table::Sequences => {
                let Counter(last) = frame::open_as(table, value)?;
                self.sequences.insert(key, last.saturating_add(UNTOLD));
            }
            _ => {}
        }
        Ok(())
    }

    /// A value as the new store has it, and whether it is of an operation that may have been sent; none where it has none.
    fn value(
        &self,
        table: Table,
        key: &[u8],
        value: Vec<u8>,
    ) -> Result<Option<(Vec<u8>, bool)>, Error> {
        Ok(match table {
            _ if is_left_out(table) => None,
            Table::Meta if key == key::HEADER => {
                let header: format::Header = frame::open_as(table, &value)?;
                let store = self.store;
                Some((framed(&format::Header { store, ..header }), false))
            }
            Table::Operations => {
                let kept: KeptOperation = frame::open_as(table, &value)?;
                let restored = kept.restored(self.taken);
                Some((framed(&restored), restored.is_unsure()))
            }
            _ => Some((value, false)),
        })
    }

    /// What the new store has beside the values of the backup.
    fn additions(&self) -> Vec<(Table, Vec<u8>, Vec<u8>)> {
        let begun = |key: &Vec<u8>| self.sequences.get(key).copied().unwrap_or(UNTOLD);
        let keys: BTreeSet<_> = self.sequences.keys().chain(&self.connections).collect();
        let both = |key: &Vec<u8>| {
            let number = framed(&Counter(begun(key)));
            [Table::Sequences, Table::ChangeFloors]
                .map(|table| (table, key.clone(), number.clone()))
        };
        keys.into_iter().flat_map(both).collect()
    }
}

/// Whether a table is not carried over: the numbers of changes begin anew.
fn is_left_out(table: Table) -> bool {
    matches!(
        table,
        Table::Changes | Table::ChangeFloors | Table::Sequences
    )
}

fn framed<T: Stored>(value: &T) -> Vec<u8> {
    frame::seal(T::VERSION, &value.to_payload())
}
