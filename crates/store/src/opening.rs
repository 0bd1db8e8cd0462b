//! Opening a store: everything that is checked before the data may be used.
//!
//! The order matters. The lock comes first, the free space before sled touches the disk,
//! and sled opens in a thread of its own, since it panics on some kinds of damage.
//! Nothing is renamed or deleted: what is refused stays as it is for a person to look at.
//! sled repairs as it opens, and zeroes what lies behind damage: so a copy is opened and checked first,
//! and the data itself only when that went well. Very large databases are too big to copy at each start.
//!
//! # What the files hold
//!
//! sled writes a log: a value that was replaced or removed is no longer read, but its bytes stay in `db/db`
//! until sled happens to reuse the 8 MB segment they are in, which may be never. In a store that is written little
//! that is every former version of every document, candidacy, operation and quarantined record, and what was in
//! a deleted connection. Secrets and operations are among them in sealed form only. A backup made by copying the files
//! has it all too.
//! [`compact`](crate::compact) writes the present values into new files and removes the old ones; from then on
//! a raw search of the folder finds nothing that the store does not hold. Blocks that a file system or a disk keeps
//! of removed files are out of its reach: where that matters, put the folder on an encrypted volume.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lever::Timestamp;
use secrecy::{ExposeSecret, SecretBox};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::backup::{self, Kept, PROGRAM};
use crate::directory::{self, Directory, Found};
use crate::draft::Draft;
use crate::durability;
use crate::error::{Error, ErrorKind};
use crate::format::{Counter, FormerKeys, Header, Label, STORE_VERSION, Secret, key};
use crate::health::Health;
use crate::identities::Digester;
use crate::key_files;
use crate::prune::Retention;
use crate::ring::Ring;
use crate::seal::{self, KeyBytes, MasterKeyId, Sealer};
use crate::sidecar::Sidecar;
use crate::space;
use crate::table::{Table, Tables};

/// Leaf nodes over a quarter of a segment go to files that sled never makes durable; fixed when a store is made.
const SEGMENT_BYTES: usize = 8 << 20;
const FLUSH_EVERY_MS: u64 = 250;
/// A larger database is opened without a trial: copying it would hold up the start for long.
const LARGEST_TRIAL_BYTES: u64 = 1 << 30;
/// A database closed a moment ago in this process is let go by sled's threads a little later.
pub(crate) const STRAGGLERS: Duration = Duration::from_secs(5);

/// How a store is opened. Floors and sizes are bytes; 0 turns a floor off.
#[derive(Debug)]
pub struct Options {
    /// How long to wait for another process to let go of the store.
    pub lock_wait: Duration,
    /// A start is refused when less is free.
    pub open_floor_bytes: u64,
    /// Writes are refused while less is free; reads go on.
    pub write_floor_bytes: u64,
    /// [`Store::backfill_allowed`](crate::Store::backfill_allowed) says no while less is free.
    pub backfill_floor_bytes: u64,
    /// The size of the file an operator can delete on a full disk.
    pub reserve_bytes: u64,
    /// How much memory the pages of the database may take, more or less.
    pub cache_bytes: u64,
    /// Opens a store although acknowledged commits are missing.
    pub accept_loss: bool,
    /// Compresses documents. Off only where a raw search of the disk has to find what is stored.
    pub compress: bool,
    /// How long what grows with use is kept.
    pub retention: Retention,
    /// When that is: what is kept before an upgrade is dated with it.
    pub now: Timestamp,
    /// The master keys, the newest first, then those it has replaced. Without any, they are files in the folder, and
    /// the first one is made for a new store.
    pub master_keys: Vec<SecretBox<[u8; 32]>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lock_wait: Duration::from_secs(30),
            open_floor_bytes: 256 << 20,
            write_floor_bytes: 512 << 20,
            backfill_floor_bytes: 2 << 30,
            reserve_bytes: 64 << 20,
            cache_bytes: 128 << 20,
            accept_loss: false,
            compress: true,
            retention: Retention::default(),
            now: Timestamp::default(),
            master_keys: Vec::new(),
        }
    }
}

/// A store that passed every check.
pub(crate) struct Opened {
    pub(crate) directory: Directory,
    pub(crate) database: sled::Db,
    pub(crate) tables: Tables,
    pub(crate) health: Arc<Health>,
    pub(crate) ring: Ring,
    pub(crate) acknowledged: Sidecar,
    pub(crate) lock: File,
}

/// Opens or makes the store in `folder`.
pub(crate) fn open(folder: &Path, options: &Options) -> Result<Opened, Error> {
    durability::confirm()?;
    let directory = Directory::create(folder)?;
    directory.inspect()?;
    directory.warn_if_shared()?;
    let lock = directory.lock(options.lock_wait)?;
    directory.settle_compaction()?;
    // Another process may have been making it while we waited.
    let found = directory.inspect()?;
    directory.check_free(options.open_floor_bytes)?;
    if found == Found::Fresh {
        directory.begin_creating()?;
    }
    let keys = master_keys(&directory, found, options)?;
    if found == Found::Existing && !options.accept_loss {
        try_on_a_copy(&directory, &keys, options)?;
    }
    let database = open_database(&directory, &directory.database(), options)?;
    let health = Arc::new(Health::new());
    let tables = Tables::open(&database, health.clone(), options.compress)
        .map_err(|error| unusable(folder, &error))?;
    let acknowledged = match found {
        Found::Fresh => make(&directory, &database, &tables, keys[0].id())?,
        Found::Existing => verify(&directory, &tables, &keys, options)?,
    };
    count_on(&directory, &database, &tables, acknowledged)?;
    let ring = ring(&tables, keys)?;
    let secret = identity_secret(&directory, &database, &tables, &ring)?;
    tables.set_digester(Digester::new(secret));
    directory.keep_reserve(options.reserve_bytes, options.open_floor_bytes)?;
    Ok(Opened {
        directory,
        database,
        tables,
        health,
        ring,
        acknowledged,
        lock,
    })
}

/// Whether there is a store in `folder`, sound or not.
///
/// # Errors
/// [`ErrorKind::NotAStore`] for a folder with other files, [`ErrorKind::Damaged`] or [`ErrorKind::Io`].
pub fn is_store(folder: &Path) -> Result<bool, Error> {
    Ok(folder.exists() && Directory::create(folder)?.inspect()? == Found::Existing)
}

/// Opens the store in `folder`; unlike [`open`], it makes none.
pub(crate) fn open_existing(folder: &Path, options: &Options) -> Result<Opened, Error> {
    expect_store(folder)?;
    open(folder, options)
}

/// Refuses, without making anything, where there is no store.
///
/// # Errors
/// [`ErrorKind::NotFound`], and those of [`is_store`]; the text says what was found there.
pub(crate) fn expect_store(folder: &Path) -> Result<(), Error> {
    if is_store(folder)? {
        return Ok(());
    }
    let place = folder.display();
    let message = match folder.exists() {
        true => format!(
            "there is no store at {place}: the folder holds no database (db) and no count of commits (seq)"
        ),
        false => format!("there is no store at {place}: there is no such folder"),
    };
    Err(Error::new(ErrorKind::NotFound, message))
}

/// Opens and checks a copy of the database, so that a refusal leaves the data as it is.
fn try_on_a_copy(
    directory: &Directory,
    keys: &[Arc<Sealer>],
    options: &Options,
) -> Result<(), Error> {
    let bytes = directory.database_bytes()?;
    let needed = bytes.saturating_add(options.open_floor_bytes);
    if bytes > LARGEST_TRIAL_BYTES || space::free_bytes(directory.root())? < needed {
        tracing::info!(bytes, "the database is opened without trying a copy first");
        return Ok(());
    }
    directory.copy_to_trial()?;
    let verdict = verify_copy(directory, keys, options);
    directory.remove_trial()?;
    verdict
}

fn verify_copy(
    directory: &Directory,
    keys: &[Arc<Sealer>],
    options: &Options,
) -> Result<(), Error> {
    let database = open_database(directory, &directory.trial(), options)?;
    let tables = Tables::open(&database, Arc::new(Health::new()), options.compress)
        .map_err(|error| unusable(directory.root(), &error))?;
    verify(directory, &tables, keys, options).map(drop)
}

/// The master keys there are, the newest first, at least one; the first one of a new store is made.
fn master_keys(
    directory: &Directory,
    found: Found,
    options: &Options,
) -> Result<Vec<Arc<Sealer>>, Error> {
    let given = &options.master_keys;
    let keys = if given.is_empty() {
        match (key_files::read_all(directory)?, found) {
            (Some(keys), _) => keys,
            (None, Found::Fresh) => vec![Sealer::new(key_files::make(directory)?)],
            (None, Found::Existing) => return Err(no_key(directory)),
        }
    } else {
        let key = |key: &SecretBox<[u8; 32]>| Sealer::new(Zeroizing::new(*key.expose_secret()));
        given.iter().map(key).collect()
    };
    Ok(keys.into_iter().map(Arc::new).collect())
}

fn no_key(directory: &Directory) -> Error {
    let message = format!(
        "{} is missing, which opens the stored credentials: restore it, or give store.master_key or \
         store.master_key_file, if the key came from there",
        directory.master_key().display()
    );
    Error::new(ErrorKind::MasterKey, message)
}

/// The keys that seal or open something of a store that was made or verified.
fn ring(tables: &Tables, keys: Vec<Arc<Sealer>>) -> Result<Ring, Error> {
    let header: Option<Header> = tables.get(Table::Meta, key::HEADER)?;
    let present = header.ok_or_else(|| Error::corrupt(Table::Meta))?.key_id;
    let former = FormerKeys::stored(tables)?;
    let newest = keys.first().map(|sealer| sealer.id());
    let keys = keys.into_iter().filter(|sealer| {
        let id = sealer.id();
        Some(id) == newest || id == present || former.names(id)
    });
    Ring::new(keys.collect(), present).ok_or_else(wrong_key)
}

/// Refuses where a key is missing that something is sealed with.
fn check_keys(
    directory: &Directory,
    header: &Header,
    tables: &Tables,
    keys: &[Arc<Sealer>],
    options: &Options,
) -> Result<(), Error> {
    let missing = |id: &MasterKeyId| keys.iter().all(|sealer| sealer.id() != *id);
    let former = FormerKeys::stored(tables)?;
    let mut needed = std::iter::once(header.key_id).chain(former.needed());
    match needed.find(missing) {
        None => Ok(()),
        Some(id) if !options.master_keys.is_empty() => Err(not_given(id)),
        Some(id) if id == header.key_id => Err(wrong_key()),
        Some(id) => {
            let message = format!(
                "{} is missing: restore it, some of the stored secrets are sealed with it",
                directory.former_key(id).display()
            );
            Err(Error::new(ErrorKind::MasterKey, message))
        }
    }
}

fn wrong_key() -> Error {
    let message = "the master key is not the one this store was made with: restore that one";
    Error::new(ErrorKind::MasterKey, message)
}

fn not_given(id: MasterKeyId) -> Error {
    let message = format!(
        "none of the given master keys is {id}, which secrets of this store are sealed with: \
         give it too, after the newest one"
    );
    Error::new(ErrorKind::MasterKey, message)
}

pub(crate) fn open_database(
    directory: &Directory,
    path: &Path,
    options: &Options,
) -> Result<sled::Db, Error> {
    directory::private_folder(path)?;
    let began = Instant::now();
    loop {
        match try_open_database(path, options) {
            Err(error) if is_locked(&error) && began.elapsed() < STRAGGLERS => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) if is_locked(&error) => return Err(directory::in_use(directory.root())),
            Err(error) => return Err(unusable(directory.root(), &error)),
            Ok(database) => return Ok(database),
        }
    }
}

fn try_open_database(path: &Path, options: &Options) -> Result<sled::Db, sled::Error> {
    let config = sled::Config::new()
        .path(path)
        .mode(sled::Mode::LowSpace)
        .cache_capacity(sled_capacity(options.cache_bytes))
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(Some(FLUSH_EVERY_MS));
    let opening = std::thread::Builder::new()
        .name("store-open".to_owned())
        .spawn(move || config.open());
    match opening.map(std::thread::JoinHandle::join) {
        Ok(Ok(opened)) => opened,
        Ok(Err(_panic)) => Err(sled::Error::ReportableBug("sled panicked".to_owned())),
        Err(error) => Err(sled::Error::Io(error)),
    }
}

/// What sled is told: it counts its pages as they are in the log, and in memory they take more.
fn sled_capacity(cache_bytes: u64) -> u64 {
    cache_bytes / 3 * 2
}

/// sled has no error of its own for a lock that is held.
fn is_locked(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().starts_with("could not acquire lock"))
}

pub(crate) fn unusable(root: &Path, error: &sled::Error) -> Error {
    match error {
        sled::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            let message = format!(
                "the disk is full at {}: free some space, then start again",
                root.display()
            );
            Error::new(ErrorKind::DiskFull, message)
        }
        error => {
            directory::damaged(root, "its database cannot be opened").with_source(error.clone())
        }
    }
}

/// Writes the header of a new store.
fn make(
    directory: &Directory,
    database: &sled::Db,
    tables: &Tables,
    key_id: MasterKeyId,
) -> Result<Sidecar, Error> {
    let header = Header {
        format: STORE_VERSION,
        store: new_id()?,
        key_id,
    };
    let acknowledged = Sidecar {
        store: header.store,
        commit: 1,
    };
    let mut draft = Draft::new(tables);
    draft.put(Table::Meta, key::HEADER.to_vec(), &header);
    draft.put(
        Table::Meta,
        key::COMMIT.to_vec(),
        &Counter(acknowledged.commit),
    );
    draft.put(
        Table::Meta,
        key::PROGRAM.to_vec(),
        &Label(PROGRAM.to_owned()),
    );
    // There is nobody yet whose keys could be missing.
    draft.put(Table::Meta, key::IDENTITIES.to_vec(), &Counter(1));
    draft.commit()?;
    database
        .flush()
        .map_err(|error| unusable(directory.root(), &error))?;
    acknowledged.write(&directory.sidecar())?;
    directory.end_creating()?;
    Ok(acknowledged)
}

pub(crate) fn new_id() -> Result<Uuid, Error> {
    let mut bytes = [0; 16];
    seal::fill_random(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

/// What the secret of identity digests is sealed for; the context is its key.
pub(crate) const IDENTITY_SECRET: &str = "identity secret";

/// What identity keys are hashed with; a store without one, new or of an earlier version, is given one.
///
/// Kept sealed rather than derived from the master key, which may be exchanged.
fn identity_secret(
    directory: &Directory,
    database: &sled::Db,
    tables: &Tables,
    ring: &Ring,
) -> Result<KeyBytes, Error> {
    let place = key::IDENTITY_SECRET;
    if let Some(Secret(sealed)) = tables.get(Table::Meta, place)? {
        let plain = Zeroizing::new(ring.unseal(IDENTITY_SECRET, place, &sealed)?);
        let mut secret = KeyBytes::default();
        if plain.len() != secret.len() {
            return Err(Error::corrupt(Table::Meta));
        }
        secret.copy_from_slice(&plain);
        return Ok(secret);
    }
    let mut secret = KeyBytes::default();
    seal::fill_random(&mut *secret)?;
    let sealed = Secret(ring.seal(IDENTITY_SECRET, place, &*secret)?);
    let mut draft = Draft::new(tables);
    draft.put(Table::Meta, place.to_vec(), &sealed);
    draft.commit()?;
    database
        .flush()
        .map_err(|error| unusable(directory.root(), &error))?;
    Ok(secret)
}

/// Refuses a store that is newer, damaged, incomplete, or sealed with another key.
fn verify(
    directory: &Directory,
    tables: &Tables,
    keys: &[Arc<Sealer>],
    options: &Options,
) -> Result<Sidecar, Error> {
    let damaged = |what| directory::damaged(directory.root(), what);
    let header: Option<Header> = tables
        .get(Table::Meta, key::HEADER)
        .map_err(|error| damaged("its header is damaged").with_source(error))?;
    let header = header.ok_or_else(|| damaged("its data are gone"))?;
    if header.format > STORE_VERSION {
        return Err(newer(directory.root(), header.format));
    }
    check_keys(directory, &header, tables, keys, options)?;
    let stored = Sidecar {
        store: header.store,
        commit: stored_commit(tables)
            .map_err(|error| damaged("its header is damaged").with_source(error))?,
    };
    let snapshot = backup::newest_of(header.store, &directory.snapshots())?;
    match Sidecar::read_latest(&directory.sidecar(), &directory.live())? {
        Some(noted) if noted.store != stored.store => {
            Err(damaged("db and seq are of different stores"))
        }
        None if !options.accept_loss => Err(uncounted(directory)),
        noted => {
            if noted.is_none() {
                tracing::warn!("going on without knowing whether the store is complete, as asked");
            }
            let noted = noted.unwrap_or(stored);
            check_loss(
                directory.root(),
                noted,
                stored,
                snapshot,
                options.accept_loss,
            )
        }
    }
}

fn stored_commit(tables: &Tables) -> Result<u64, Error> {
    let commit: Option<Counter> = tables.get(Table::Meta, key::COMMIT)?;
    Ok(commit.unwrap_or_default().0)
}

/// Refuses a database that is older than what was acknowledged, or than a snapshot beside it; gives the number of the
/// last commit that is known of.
///
/// A snapshot tells where the files that count commits were put back together with the database.
fn check_loss(
    root: &Path,
    noted: Sidecar,
    stored: Sidecar,
    snapshot: Option<Kept>,
    accept: bool,
) -> Result<Sidecar, Error> {
    let newer = snapshot.filter(|snapshot| snapshot.commit > stored.commit);
    let in_snapshot = newer.as_ref().map_or(0, |newer| newer.commit);
    let known = Sidecar {
        commit: noted.commit.max(in_snapshot).max(stored.commit),
        ..stored
    };
    let commits = known.commit - stored.commit;
    if commits == 0 {
        return Ok(known);
    }
    if accept {
        tracing::warn!(commits, "going on without acknowledged commits, as asked");
        return Ok(known);
    }
    let what = match newer {
        Some(Kept { path, commit, .. }) => format!(
            "the snapshot {} has them up to {commit}: restore that, or a newer backup, into a new folder",
            path.display()
        ),
        None => "restore a backup".to_owned(),
    };
    let message = format!(
        "the store at {} lost {commits} commits (it is at {}): {what}, or start with accept_loss to go on without them",
        root.display(),
        stored.commit
    );
    Err(Error::new(ErrorKind::Lost { commits }, message))
}

/// Has a store whose loss was accepted count on from the last commit that is known of.
///
/// Another commit of the same number, in a snapshot or elsewhere, would be taken for this one.
fn count_on(
    directory: &Directory,
    database: &sled::Db,
    tables: &Tables,
    known: Sidecar,
) -> Result<(), Error> {
    if stored_commit(tables)? == known.commit {
        return Ok(());
    }
    let mut draft = Draft::new(tables);
    let number = Counter(known.commit);
    draft.put(Table::Meta, key::COMMIT.to_vec(), &number);
    draft.commit()?;
    database
        .flush()
        .map_err(|error| unusable(directory.root(), &error))?;
    Ok(())
}

/// Without what was acknowledged, a database that lost its end looks like any other.
fn uncounted(directory: &Directory) -> Error {
    let message = format!(
        "{} is missing, and {} does not tell either whether the store is complete: restore them or a backup, or start \
         with accept_loss to go on with what there is",
        directory.sidecar().display(),
        directory.live().display()
    );
    Error::new(ErrorKind::Damaged, message)
}

fn newer(root: &Path, format: u32) -> Error {
    let message = format!(
        "the store at {} was written by a newer version (format {format}, this one reads {STORE_VERSION}): use that version",
        root.display()
    );
    Error::new(ErrorKind::NewerFormat, message)
}
