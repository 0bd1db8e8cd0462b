//! The folder of a store: which files it holds, who may use it, how much room it needs.
//!
//! ```text
//! <folder>/db/         sled's own files
//! <folder>/seq         the number of the last acknowledged commit, made durable each second
//! <folder>/seq.live    the same number, always up to date but for a power failure
//! <folder>/master.key  the key that seals secrets; never part of a backup
//! <folder>/master.<id>.key  one that did before, for what is still sealed with it
//! <folder>/reserve     room to free when the disk is full
//! <folder>/lock        held while a process uses the store
//! <folder>/creating    there while a new store is being made
//! <folder>/trial/      a copy of db/ while a start tries whether it can be opened
//! <folder>/compact/    the new database while a compaction fills it
//! <folder>/compacted   there while compact/ is whole and takes the place of db/
//! <folder>/old/        what db/ was, until the new one has its place
//! <folder>/uploads/    files on their way to Lever
//! <folder>/snapshots/  what cannot be read again from Lever, as it was lately
//! <folder>/restoring   there while a backup is put in place
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, FlockOperation};

use crate::error::{Error, ErrorKind};
use crate::seal::MasterKeyId;
use crate::space;

const OURS: &[&str] = &[
    "db",
    "seq",
    "seq.live",
    "seq.new",
    "master.key",
    "master.new",
    "reserve",
    "lock",
    "creating",
    "trial",
    "compact",
    "compacted",
    "old",
    "uploads",
    "snapshots",
    "restoring",
];
/// What a backup may be restored beside, and what a restore that was cut off may have left.
const BEFORE_RESTORING: &[&str] = &["master.key", "lock", "lost+found"];
const OF_A_RESTORE: &[&str] = &["db", "uploads", "seq", "seq.new", "restoring"];
const LOCK_RETRY: Duration = Duration::from_millis(50);

/// A process that ends lets go of the lock sooner than this.
const LOCK_SILENCE: Duration = Duration::from_secs(3);

/// What was found at the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing, or a store whose making was interrupted: it holds no data yet.
    Fresh,
    /// A store.
    Existing,
}

/// The paths of a store.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Creates the folder, readable by its owner only, if it does not exist.
    pub(crate) fn create(root: &Path) -> Result<Self, Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .map_err(|error| {
                Error::io(format_args!("create the folder {}", root.display()), error)
            })?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// Says so if others can look into a folder that was there before: whose it is, is not ours to decide.
    pub(crate) fn warn_if_shared(&self) -> Result<(), Error> {
        if is_shared(&self.root)? {
            tracing::warn!(
                path = %self.root.display(),
                "others can look into the data directory: run chmod 700 on it"
            );
        }
        Ok(())
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.root.join("db")
    }

    /// Where a copy of the database is tried.
    pub(crate) fn trial(&self) -> PathBuf {
        self.root.join("trial")
    }

    /// Waits until sled's threads have let go of a database that was closed in this process.
    pub(crate) fn wait_released(&self, database: &Path, wait: Duration) -> Result<(), Error> {
        let file = File::open(database.join("db"))
            .map_err(|error| Error::io(format_args!("open {}", database.display()), error))?;
        self.take_lock(&file, database, wait)
    }

    /// How many bytes the files of the database have.
    pub(crate) fn database_bytes(&self) -> Result<u64, Error> {
        let path = self.database();
        let sum = || -> std::io::Result<u64> {
            let mut bytes = 0;
            for entry in fs::read_dir(&path)? {
                bytes += entry?.metadata()?.len();
            }
            Ok(bytes)
        };
        sum().map_err(|error| Error::io(format_args!("read {}", path.display()), error))
    }

    /// Copies the files of the database to the place of the trial.
    pub(crate) fn copy_to_trial(&self) -> Result<(), Error> {
        self.remove_trial()?;
        let copy = || -> std::io::Result<()> {
            DirBuilder::new().mode(0o700).create(self.trial())?;
            for entry in fs::read_dir(self.database())? {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    fs::copy(entry.path(), self.trial().join(entry.file_name()))?;
                }
            }
            Ok(())
        };
        copy().map_err(|error| Error::io(format_args!("copy {}", self.database().display()), error))
    }

    /// Removes the copy, and one that a killed start has left.
    pub(crate) fn remove_trial(&self) -> Result<(), Error> {
        remove_folder(&self.trial())
    }

    /// Where a compaction builds the new database.
    pub(crate) fn compact(&self) -> PathBuf {
        self.root.join("compact")
    }

    /// Where the former database is until the new one has its place.
    fn old(&self) -> PathBuf {
        self.root.join("old")
    }

    fn compacted(&self) -> PathBuf {
        self.root.join("compacted")
    }

    /// Makes room for a compaction.
    pub(crate) fn begin_compaction(&self) -> Result<(), Error> {
        remove_folder(&self.compact())?;
        remove_folder(&self.old())
    }

    /// Says that the new database is whole: from here on it is the one that counts, whatever interrupts.
    pub(crate) fn declare_compacted(&self) -> Result<(), Error> {
        sync_files(&self.compact())
            .and_then(|()| self.sync())
            .and_then(|()| File::create(self.compacted()))
            .and_then(|file| file.sync_all())
            .and_then(|()| self.sync())
            .map_err(|error| Error::io(format_args!("write in {}", self.root.display()), error))
    }

    /// Finishes a compaction that was declared, and discards one that was not.
    pub(crate) fn settle_compaction(&self) -> Result<(), Error> {
        if !self.compacted().exists() {
            return remove_folder(&self.compact());
        }
        self.swap()
            .map_err(|error| Error::io(format_args!("rename in {}", self.root.display()), error))?;
        if !self.database().join("db").is_file() {
            return Err(damaged(&self.root, "a compaction lost its database"));
        }
        remove_folder(&self.old())?;
        self.sync()
            .and_then(|()| fs::remove_file(self.compacted()))
            .and_then(|()| self.sync())
            .map_err(|error| Error::io(format_args!("write in {}", self.root.display()), error))
    }

    /// Puts the new database in its place; each step is there to be seen after a crash.
    fn swap(&self) -> std::io::Result<()> {
        if !self.compact().exists() {
            return Ok(());
        }
        if self.database().exists() {
            fs::rename(self.database(), self.old())?;
            self.sync()?;
        }
        fs::rename(self.compact(), self.database())?;
        self.sync()
    }

    /// Where files are until they are in Lever.
    pub(crate) fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    /// Where snapshots are.
    pub(crate) fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    fn restoring(&self) -> PathBuf {
        self.root.join("restoring")
    }

    /// Takes an empty folder, or one in which a restore was cut off, for a restore; gives its lock.
    ///
    /// # Errors
    /// [`ErrorKind::NotAStore`] for a folder with anything else in it but a master key; [`ErrorKind::InUse`].
    pub(crate) fn begin_restoring(&self, wait: Duration) -> Result<File, Error> {
        let cut_off = self.restoring().exists();
        let may_be_there = |name: &str| {
            BEFORE_RESTORING.contains(&name) || (cut_off && OF_A_RESTORE.contains(&name))
        };
        let names = self.list()?;
        if let Some(other) = names.iter().find(|name| !may_be_there(name)) {
            let message = format!(
                "{} is not empty ({other}): a backup is restored into an empty folder",
                self.root.display()
            );
            return Err(Error::new(ErrorKind::NotAStore, message));
        }
        let lock = self.lock(wait)?;
        File::create(self.restoring())
            .and_then(|file| file.sync_all())
            .and_then(|()| self.sync())
            .map_err(|error| Error::io(format_args!("write in {}", self.root.display()), error))?;
        remove_folder(&self.database())?;
        remove_folder(&self.uploads())?;
        Ok(lock)
    }

    /// Makes what was restored durable, and says that it is whole.
    pub(crate) fn end_restoring(&self) -> Result<(), Error> {
        let uploads = self.uploads();
        sync_files(&self.database())
            .and_then(|()| match uploads.exists() {
                true => sync_files(&uploads),
                false => Ok(()),
            })
            .and_then(|()| self.sync())
            .and_then(|()| fs::remove_file(self.restoring()))
            .and_then(|()| self.sync())
            .map_err(|error| Error::io(format_args!("write in {}", self.root.display()), error))
    }

    /// Removes what a restore has made, the mark last; the folder itself if the restore made it.
    pub(crate) fn abandon_restoring(&self, folder_too: bool) {
        let removed = remove_folder(&self.database())
            .and_then(|()| remove_folder(&self.uploads()))
            .map(|()| {
                let files = [self.sidecar(), self.root.join("seq.new"), self.restoring()];
                // What cannot be removed is removed by the next restore: the mark says so.
                let _ = files.map(fs::remove_file);
                let _ = fs::remove_file(self.root.join("lock"));
                let _ = folder_too.then(|| fs::remove_dir(&self.root));
            });
        if let Err(error) = removed {
            tracing::warn!(%error, "what was restored so far could not be removed");
        }
    }

    pub(crate) fn sidecar(&self) -> PathBuf {
        self.root.join("seq")
    }

    /// Opens the file that is overwritten with each group of commits.
    pub(crate) fn open_live(&self) -> Result<File, Error> {
        let path = self.live();
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| Error::io(format_args!("open {}", path.display()), error))
    }

    pub(crate) fn live(&self) -> PathBuf {
        self.root.join("seq.live")
    }

    pub(crate) fn master_key(&self) -> PathBuf {
        self.root.join("master.key")
    }

    /// Where a key is written before it has its place.
    pub(crate) fn fresh_key(&self) -> PathBuf {
        self.root.join("master.new")
    }

    /// Where a key is that `master.key` was before.
    pub(crate) fn former_key(&self, id: MasterKeyId) -> PathBuf {
        self.root.join(format!("master.{id}.key"))
    }

    /// The files of all former keys.
    pub(crate) fn former_keys(&self) -> Result<Vec<PathBuf>, Error> {
        let names = self.list()?.into_iter();
        let former = names.filter(|name| is_former_key(name));
        Ok(former.map(|name| self.root.join(name)).collect())
    }

    fn creating(&self) -> PathBuf {
        self.root.join("creating")
    }

    /// Looks at what is there, without changing it.
    ///
    /// # Errors
    /// [`ErrorKind::NotAStore`] for a folder with other files;
    /// [`ErrorKind::Damaged`] for a store whose database file is missing.
    pub(crate) fn inspect(&self) -> Result<Found, Error> {
        let store_files = self.list()?;
        if self.restoring().exists() {
            let message = format!(
                "restoring a backup into {} was cut off: run `fulcrum store restore` again, it begins anew",
                self.root.display()
            );
            return Err(Error::new(ErrorKind::Damaged, message));
        }
        if self.creating().exists() {
            return Ok(Found::Fresh);
        }
        // Between two renames the database has no place of its own.
        if self.compacted().exists() {
            return Ok(Found::Existing);
        }
        if !was_made(&store_files) {
            return Ok(Found::Fresh);
        }
        if self.database().join("db").is_file() {
            Ok(Found::Existing)
        } else {
            Err(damaged(&self.root, "its database file db/db is missing"))
        }
    }

    fn list(&self) -> Result<Vec<String>, Error> {
        let failed = |error| Error::io(format_args!("list {}", self.root.display()), error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(failed)? {
            let name = entry
                .map_err(failed)?
                .file_name()
                .to_string_lossy()
                .into_owned();
            names.push(name);
        }
        match names.iter().find(|name| !is_ours(name)) {
            Some(stray) => Err(self.not_a_store(stray, &names)),
            None => Ok(names),
        }
    }

    /// A folder that holds nothing but a store may be taken for one; the text says which of both is wrong.
    fn not_a_store(&self, stray: &str, names: &[String]) -> Error {
        let place = self.root.display();
        let message = match was_made(names) {
            true => format!(
                "{place} holds a store and beside it {stray}, which is none of its files: move that elsewhere, then \
                 try again"
            ),
            false => format!(
                "{place} holds other files ({stray}) and is not a store: name an empty folder, or that of a store"
            ),
        };
        Error::new(ErrorKind::NotAStore, message)
    }

    /// Marks the store as being made; a crash from here on leaves no data behind.
    pub(crate) fn begin_creating(&self) -> Result<(), Error> {
        File::create(self.creating())
            .and_then(|file| file.sync_all())
            .and_then(|()| self.sync())
            .map_err(|error| Error::io(format_args!("write in {}", self.root.display()), error))
    }

    /// Removes the mark, last of all.
    pub(crate) fn end_creating(&self) -> Result<(), Error> {
        self.sync()
            .and_then(|()| fs::remove_file(self.creating()))
            .and_then(|()| self.sync())
            .map_err(|error| Error::io(format_args!("write in {}", self.root.display()), error))
    }

    /// Makes the names in the folder durable.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        File::open(&self.root)?.sync_all()
    }

    /// Takes the lock, waiting up to `wait` for another process to end.
    ///
    /// A killed process holds its locks until the kernel has finished its writes.
    pub(crate) fn lock(&self, wait: Duration) -> Result<File, Error> {
        let path = self.root.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| Error::io(format_args!("open {}", path.display()), error))?;
        self.take_lock(&file, &path, wait)?;
        Ok(file)
    }

    fn take_lock(&self, file: &File, path: &Path, wait: Duration) -> Result<(), Error> {
        let began = Instant::now();
        let mut told = false;
        loop {
            match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(()),
                Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR)
                    if began.elapsed() < wait =>
                {
                    if !told && began.elapsed() >= LOCK_SILENCE {
                        told = true;
                        tracing::warn!(
                            path = %path.display(), seconds = wait.as_secs(),
                            "another process uses the data directory: waiting for it to end"
                        );
                    }
                    std::thread::sleep(LOCK_RETRY.min(wait));
                }
                Err(rustix::io::Errno::WOULDBLOCK) => return Err(in_use(&self.root)),
                Err(error) => {
                    return Err(Error::io(format_args!("lock {}", path.display()), error));
                }
            }
        }
    }

    /// Refuses when too little space is free: opening on a full disk can destroy the data.
    pub(crate) fn check_free(&self, floor: u64) -> Result<(), Error> {
        if floor == 0 {
            return Ok(());
        }
        let free = space::free_bytes(&self.root)?;
        if free >= floor {
            return Ok(());
        }
        let message = format!(
            "only {} MB are free at {}, a start needs {} MB: free some space (the file {} may be deleted), then start again",
            space::megabytes_free(free),
            self.root.display(),
            space::megabytes_needed(floor),
            self.root.join("reserve").display(),
        );
        Err(Error::new(ErrorKind::DiskFull, message))
    }

    /// Gives back the room that was set aside; tells how many bytes that were.
    pub(crate) fn free_reserve(&self) -> Result<u64, Error> {
        let path = self.root.join("reserve");
        let failed = |error| Error::io(format_args!("remove {}", path.display()), error);
        match fs::metadata(&path) {
            Ok(file) => fs::remove_file(&path).map(|()| file.len()).map_err(failed),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(failed(error)),
        }
    }

    /// Sets aside room that an operator can free; not when that would itself fill the disk.
    pub(crate) fn keep_reserve(&self, size: u64, open_floor: u64) -> Result<(), Error> {
        let path = self.root.join("reserve");
        let roomy = space::free_bytes(&self.root)? >= open_floor.saturating_add(size);
        if size == 0 || path.exists() || !roomy {
            return Ok(());
        }
        let filled = create_private(&path).and_then(|file| fill(file, size));
        filled.map_err(|error| Error::io(format_args!("write {}", path.display()), error))
    }
}

/// Whether a folder with these names in it has been that of a store.
fn was_made(names: &[String]) -> bool {
    let told = |name: &String| matches!(name.as_str(), "db" | "seq" | "reserve" | "snapshots");
    names.iter().any(told)
}

/// Whether a name may be in the folder of a store; `lost+found` is the file system's.
fn is_ours(name: &str) -> bool {
    OURS.contains(&name) || is_former_key(name) || name == "lost+found"
}

/// Whether a name is that of a key that `master.key` was before: `master.<16 hexadecimal digits>.key`.
fn is_former_key(name: &str) -> bool {
    let id = name
        .strip_prefix("master.")
        .and_then(|rest| rest.strip_suffix(".key"));
    id.is_some_and(|id| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Makes a folder of the store, readable by its owner only, or makes that of one that is there.
pub(crate) fn private_folder(path: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| Error::io(format_args!("create {}", path.display()), error))?;
    if is_shared(path)? {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(|error| {
            Error::io(format_args!("close {} to others", path.display()), error)
        })?;
    }
    Ok(())
}

/// Creates a file, or empties it, readable by its owner only.
pub(crate) fn create_private(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)
}

/// Whether anybody but the owner of a folder may look into it.
fn is_shared(path: &Path) -> Result<bool, Error> {
    let found = fs::metadata(path);
    let found =
        found.map_err(|error| Error::io(format_args!("look at {}", path.display()), error))?;
    Ok(found.permissions().mode() & 0o077 != 0)
}

/// Removes a folder with all that is in it, if it is there.
fn remove_folder(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(format_args!("remove {}", path.display()), error))
        }
        _ => Ok(()),
    }
}

/// Makes a folder durable with all that is in it.
fn sync_files(path: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_files(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(path)?.sync_all()
}

fn fill(mut file: File, size: u64) -> std::io::Result<()> {
    if rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, size).is_ok() {
        return Ok(());
    }
    let block = [0; 64 << 10];
    let mut left = size;
    while left > 0 {
        let part = usize::try_from(left)
            .unwrap_or(block.len())
            .min(block.len());
        file.write_all(&block[..part])?;
        left -= part as u64;
    }
    Ok(())
}

pub(crate) fn in_use(root: &Path) -> Error {
    let message = format!(
        "the store at {} is in use by another process: stop it first",
        root.display()
    );
    Error::new(ErrorKind::InUse, message)
}

pub(crate) fn damaged(root: &Path, what: &str) -> Error {
    let message = format!(
        "the store at {} is damaged ({what}): keep the folder, and restore a backup into a new one",
        root.display()
    );
    Error::new(ErrorKind::Damaged, message)
}
