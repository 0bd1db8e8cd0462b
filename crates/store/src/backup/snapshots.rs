//! Snapshots: backups of what is ours, in the folder `snapshots/` of the data directory.
//!
//! They are for the day the database is damaged; a backup elsewhere is for the day the disk is.
//! A person who was forgotten, or an account that was deleted, must not live on in them: a mark in the table `meta`
//! says before which commit none may be kept, and the next round takes a new one and removes those.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::BufWriter;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lever::Timestamp;
use uuid::Uuid;

use super::archive::Reader;
use super::{Backup, PROGRAM, Scope, is_ours};
use crate::draft::Draft;
use crate::error::{Error, ErrorKind};
use crate::format::{Counter, Label, key};
use crate::store::{Store, join_blocking};
use crate::table::{Table, Tables};
use crate::view::Order;

const ENDING: &str = ".snapshot";
/// The one that is being written.
const FRESH: &str = "new";
/// No snapshot but the newest is kept for longer.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// A snapshot that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Where it is.
    pub path: PathBuf,
    /// The number of the last commit in it.
    pub commit: u64,
    /// How many bytes it has.
    pub bytes: u64,
}

/// Has every snapshot removed that holds what this draft, or one before it, removes for good.
pub(crate) fn outdate(draft: &mut Draft<'_>) -> Result<(), Error> {
    let present: Counter = draft.get(Table::Meta, key::COMMIT)?.unwrap_or_default();
    let floor = Counter(present.0 + 1);
    draft.put(Table::Meta, key::SNAPSHOT_FLOOR.to_vec(), &floor);
    Ok(())
}

impl Store {
    /// Takes a snapshot, dated `now`, if anything it would hold has changed since the last one; then removes those
    /// beyond the newest `kept`, those older than seven days, and those that hold what has to be gone.
    ///
    /// # Errors
    /// [`ErrorKind::DiskFull`], [`ErrorKind::Io`], and as [`Backup::write`].
    pub async fn snapshot(&self, now: Timestamp, kept: usize) -> Result<Option<Snapshot>, Error> {
        let floor = floor(self.tables())?;
        let newest = self.snapshots()?.into_iter().map(|kept| kept.commit).max();
        let due = newest.is_none_or(|newest| newest < self.worth_a_snapshot() || newest < floor);
        let taken = match due {
            true => Some(self.take_snapshot(now).await?),
            false => None,
        };
        self.thin_out(now, kept)?;
        Ok(taken)
    }

    /// When the newest snapshot was taken; none where there is none that may be kept.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn last_snapshot(&self) -> Result<Option<Timestamp>, Error> {
        let floor = floor(self.tables())?;
        let newest = self.snapshots()?.pop();
        let newest = newest.filter(|newest| newest.commit >= floor);
        Ok(newest.map(|newest| newest.taken))
    }

    /// Removes the snapshots that hold what has to be gone, where none are taken any more.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn remove_outdated_snapshots(&self) -> Result<(), Error> {
        remove_below(&self.directory().snapshots(), floor(self.tables())?)
    }

    async fn take_snapshot(&self, now: Timestamp) -> Result<Snapshot, Error> {
        self.space().check_write()?;
        let (view, commit) = self.view(is_ours, Order::Forward).await?;
        let backup = self.backup_of(view, commit, Scope::Ours, now)?;
        let folder = self.directory().snapshots();
        join_blocking(move || write(backup, &folder, "")).await
    }

    /// Takes a snapshot when another version of the program wrote last, before this one writes. Blocks.
    pub(crate) fn snapshot_before_upgrade(&self, now: Timestamp) -> Result<(), Error> {
        let before: Option<Label> = self.tables().get(Table::Meta, key::PROGRAM)?;
        if before.is_some_and(|Label(version)| version == PROGRAM) {
            return Ok(());
        }
        if self.space().check_write().is_err() {
            tracing::warn!(
                "no snapshot is taken before the upgrade, since the disk is nearly full"
            );
            return Ok(());
        }
        let (view, commit) = self.view_blocking(is_ours, Order::Forward)?;
        let backup = self.backup_of(view, commit, Scope::Ours, now)?;
        let snapshot = write(
            backup,
            &self.directory().snapshots(),
            &format!("-before-{PROGRAM}"),
        )?;
        tracing::info!(path = %snapshot.path.display(), "a snapshot was taken before the upgrade");
        self.commit_blocking(|draft| {
            let version = Label(PROGRAM.to_owned());
            draft.put(Table::Meta, key::PROGRAM.to_vec(), &version);
            Ok(())
        })
    }

    fn snapshots(&self) -> Result<Vec<Kept>, Error> {
        kept_in(&self.directory().snapshots())
    }

    fn thin_out(&self, now: Timestamp, most: usize) -> Result<(), Error> {
        let floor = floor(self.tables())?;
        let mut found = self.snapshots()?;
        let newest = found.pop();
        let ordinary = found.iter().filter(|kept| !kept.before_upgrade).count();
        let mut surplus = (ordinary + 1).saturating_sub(most.max(1));
        for kept in found.iter().chain(newest.iter()) {
            let is_newest = newest.as_ref().is_some_and(|one| one.path == kept.path);
            let is_surplus = !kept.before_upgrade && !is_newest && surplus > 0;
            surplus -= usize::from(is_surplus);
            let is_old = !is_newest && now.since(kept.taken) > KEPT_FOR;
            if is_surplus || is_old || kept.commit < floor {
                remove(kept)?;
            }
        }
        Ok(())
    }
}

/// A snapshot in the folder.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) path: PathBuf,
    store: Uuid,
    pub(crate) commit: u64,
    taken: Timestamp,
    before_upgrade: bool,
}

impl Kept {
    fn at(path: PathBuf) -> Option<Kept> {
        let name = path.file_name()?.to_str()?;
        let (_, rest) = name.strip_suffix(ENDING)?.split_at_checked(20)?;
        let before_upgrade = !rest.is_empty();
        let (_reader, header) = Reader::open(&path).ok()?;
        Some(Kept {
            path,
            store: header.store,
            commit: header.commit,
            taken: header.taken,
            before_upgrade,
        })
    }
}

/// The snapshots in a folder, the oldest first; what is half written, or cannot be read, is none.
fn kept_in(folder: &Path) -> Result<Vec<Kept>, Error> {
    let failed = |error| Error::io(format_args!("list {}", folder.display()), error);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        found.extend(Kept::at(path));
    }
    found.sort_by_key(|kept| kept.commit);
    Ok(found)
}

/// The newest snapshot of a store: it holds no commit that was not durable when it was taken.
pub(crate) fn newest_of(store: Uuid, folder: &Path) -> Result<Option<Kept>, Error> {
    let mut found = kept_in(folder)?.into_iter();
    Ok(found.rfind(|kept| kept.store == store))
}

/// Removes the snapshots of before a commit: they hold what has to be gone.
pub(crate) fn remove_below(folder: &Path, floor: u64) -> Result<(), Error> {
    let outdated = |kept: &&Kept| kept.commit < floor;
    kept_in(folder)?
        .iter()
        .filter(outdated)
        .try_for_each(remove)
}

/// Removes what a snapshot that was cut off has left; for when nobody writes one.
pub(crate) fn remove_unfinished(folder: &Path) -> Result<(), Error> {
    remove_file(&folder.join(FRESH))
}

/// The commit before which no snapshot may be kept.
pub(crate) fn floor(tables: &Tables) -> Result<u64, Error> {
    let floor: Option<Counter> = tables.get(Table::Meta, key::SNAPSHOT_FLOOR)?;
    Ok(floor.unwrap_or_default().0)
}

fn remove(kept: &Kept) -> Result<(), Error> {
    remove_file(&kept.path)
}

fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(format_args!("remove {}", path.display()), error))
        }
        _ => Ok(()),
    }
}

/// Writes a snapshot beside its place, makes it durable, and puts it there.
fn write(backup: Backup, folder: &Path, after_number: &str) -> Result<Snapshot, Error> {
    let commit = backup.header().commit;
    let path = folder.join(format!("{commit:020}{after_number}{ENDING}"));
    let fresh = folder.join(FRESH);
    let written = write_to(backup, &fresh, folder).and_then(|bytes| {
        fs::rename(&fresh, &path)
            .and_then(|()| fs::File::open(folder)?.sync_all())
            .map_err(|error| Error::io(format_args!("write {}", path.display()), error))?;
        Ok(bytes)
    });
    if written.is_err() {
        // It would only take up room; the next one writes over it.
        let _ = fs::remove_file(&fresh);
    }
    let bytes = written?;
    Ok(Snapshot {
        path,
        commit,
        bytes,
    })
}

fn write_to(backup: Backup, fresh: &Path, folder: &Path) -> Result<u64, Error> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::StorageFull => Error::new(
            ErrorKind::DiskFull,
            format!("the disk is full at {}: free some space", folder.display()),
        ),
        _ => Error::io(format_args!("write {}", fresh.display()), error),
    };
    let file = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .and_then(|()| {
            OpenOptions::new()
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(fresh)
        })
        .map_err(failed)?;
    let mut buffered = BufWriter::with_capacity(1 << 20, file);
    let written = backup.write(&mut buffered, &mut |_| {})?;
    let file = buffered
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(written.bytes)
}
