//! Files on their way to Lever, each beside the database until the operation that hands it on has settled.
//!
//! In sled's log 30 MB would stay until the next compaction; a file of its own is gone when it is removed.
//!
//! ```text
//! <folder>/uploads/<id>.part                  being received
//! <folder>/uploads/<connection>.<operation>   whole; its operation is about to be recorded, or is open
//! <folder>/uploads/<connection>.<operation>.<n>   the same, of an operation with several, from 1
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::{ConnectionId, Operation, OperationId};
use sha2::{Digest as _, Sha256};
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

use crate::error::Error;
use crate::format::key;
use crate::operations::{self, Recording};
use crate::space::Space;
use crate::store::Store;

/// A file that is being received. Dropped before it is recorded, it is gone.
#[derive(Debug)]
pub struct IncomingFile {
    place: Place,
    file: File,
    size: u64,
    hash: Sha256,
    space: Arc<Space>,
}

/// A file that is there to its last byte, durably, but belongs to no operation yet.
#[derive(Debug)]
pub struct ReceivedFile {
    place: Place,
    /// How many bytes it has.
    pub size: u64,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// A file whose operation is recorded.
#[derive(Debug, Clone)]
pub struct KeptFile {
    path: PathBuf,
}

impl Store {
    /// Begins to receive a file.
    ///
    /// # Errors
    /// [`ErrorKind::DiskFull`](crate::ErrorKind::DiskFull), [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub async fn receive_file(&self) -> Result<IncomingFile, Error> {
        let space = self.space().clone();
        space.check_file()?;
        let folder = &self.directory().uploads();
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder);
        made.map_err(|error| failed("create", folder, error))?;
        let path = folder.join(format!("{}.part", Uuid::new_v4()));
        let file = tokio::fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .await
            .map_err(|error| failed("create", &path, error))?;
        Ok(IncomingFile {
            place: Place(path),
            file,
            size: 0,
            hash: Sha256::new(),
            space,
        })
    }

    /// As [`Store::record_operation`], with the files that the operation hands to Lever, in the order of their numbers
    /// ([`Write::files`](domain::Write::files)): they are kept with a new one only.
    ///
    /// The files have their places before the operation is recorded. Whatever interrupts in between, the next start finds
    /// files without an operation and removes them, and never an operation without its files.
    ///
    /// # Errors
    /// As [`Store::record_operation`], and [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub async fn record_operation_with_files(
        &self,
        operation: Operation,
        keep: Duration,
        files: Vec<ReceivedFile>,
    ) -> Result<Recording, Error> {
        let mut places = Vec::with_capacity(files.len());
        for (number, file) in operation.write.files().into_iter().zip(files) {
            let kept = self.kept_file(operation.connection, operation.id, number);
            file.place
                .move_to(&kept.path, &self.directory().uploads())?;
            places.push(Place(kept.path));
        }
        let recording = self.record_operation(operation, keep).await?;
        if matches!(recording, Recording::New(_)) {
            places.into_iter().for_each(Place::keep);
        }
        Ok(recording)
    }

    /// The file of this number that an open operation hands to Lever; 0 for its only one.
    pub fn kept_file(
        &self,
        connection: ConnectionId,
        operation: OperationId,
        number: u32,
    ) -> KeptFile {
        let name = match number {
            0 => format!("{connection}.{operation}"),
            number => format!("{connection}.{operation}.{number}"),
        };
        KeptFile {
            path: self.directory().uploads().join(name),
        }
    }

    /// Removes the files of an operation that hands some on and will not need them again.
    pub(crate) fn let_go(&self, operation: &Operation) {
        if operation.needs_files() {
            return;
        }
        for number in operation.write.files() {
            let kept = self.kept_file(operation.connection, operation.id, number);
            drop(Place(kept.path));
        }
    }

    /// Removes the files of operations of which nothing is left that could be sent.
    pub(crate) fn let_go_scrubbed(
        &self,
        connection: ConnectionId,
        operations: &BTreeSet<OperationId>,
    ) -> Result<(), Error> {
        let of_them = |name: &str| {
            owner(name).is_some_and(|(whose, operation, _)| {
                whose == connection && operations.contains(&operation)
            })
        };
        if operations.is_empty() {
            return Ok(());
        }
        for (name, path) in self.files()? {
            if of_them(&name) {
                drop(Place(path));
            }
        }
        Ok(())
    }

    /// Removes the files that no open operation hands on: what a killed process was receiving, or had not removed.
    pub(crate) fn sweep_files(&self) -> Result<(), Error> {
        for (name, path) in self.files()? {
            if !self.is_open(&name)? {
                drop(Place(path));
            }
        }
        Ok(())
    }

    /// The names and paths of the files that belong to operations.
    pub(crate) fn kept_files(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        let mut files = self.files()?;
        files.retain(|(name, _)| owner(name).is_some());
        files.sort();
        Ok(files)
    }

    /// The names and paths of all files there are.
    fn files(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        let folder = &self.directory().uploads();
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("list", folder, error)),
        };
        let named = |entry: io::Result<fs::DirEntry>| {
            let entry = entry.map_err(|error| failed("list", folder, error))?;
            Ok((
                entry.file_name().to_string_lossy().into_owned(),
                entry.path(),
            ))
        };
        entries.map(named).collect()
    }

    /// Whether a name is that of a file whose operation still needs it.
    fn is_open(&self, name: &str) -> Result<bool, Error> {
        let Some((connection, operation, number)) = owner(name) else {
            return Ok(false);
        };
        let key = key::operation(connection, operation);
        let stored = operations::load(self.tables(), &key)?;
        Ok(stored.is_some_and(|operation| {
            operation.needs_files() && operation.write.files().contains(&number)
        }))
    }
}

/// Whose file a name is, and which of them.
pub(crate) fn owner(name: &str) -> Option<(ConnectionId, OperationId, u32)> {
    let (connection, rest) = name.split_once('.')?;
    let (operation, number) = match rest.split_once('.') {
        Some((operation, number)) => (operation, number.parse().ok()?),
        None => (rest, 0),
    };
    Some((connection.parse().ok()?, operation.parse().ok()?, number))
}

impl IncomingFile {
    /// Adds the next bytes.
    ///
    /// # Errors
    /// [`ErrorKind::DiskFull`](crate::ErrorKind::DiskFull), [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.space.check_file()?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        let written = self.file.write_all(bytes).await;
        written.map_err(|error| failed("write", &self.place.0, error))
    }

    /// How many bytes are there.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Makes it durable: no byte follows.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub async fn finish(mut self) -> Result<ReceivedFile, Error> {
        let written = async {
            self.file.flush().await?;
            self.file.sync_all().await
        };
        written
            .await
            .map_err(|error| failed("write", &self.place.0, error))?;
        Ok(ReceivedFile {
            place: self.place,
            size: self.size,
            sha256: self.hash.finalize().into(),
        })
    }
}

impl KeptFile {
    /// Opens it for reading.
    ///
    /// # Errors
    /// As the operating system has them.
    pub async fn open(&self) -> io::Result<File> {
        File::open(&self.path).await
    }

    /// Whether it is there with all its bytes.
    pub async fn is_whole(&self, size: u64) -> bool {
        let found = tokio::fs::metadata(&self.path).await;
        found.is_ok_and(|found| found.is_file() && found.len() == size)
    }
}

/// Where a file is; dropping it removes the file.
#[derive(Debug)]
struct Place(PathBuf);

impl Place {
    /// Leaves the file where it is.
    fn keep(mut self) {
        self.0 = PathBuf::new();
    }

    /// Moves the file there, durably.
    fn move_to(self, path: &Path, folder: &Path) -> Result<(), Error> {
        fs::rename(&self.0, path)
            .and_then(|()| fs::File::open(folder)?.sync_all())
            .map_err(|error| failed("rename", &self.0, error))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.0.as_os_str().is_empty() {
            return;
        }
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "a file that was to be uploaded could not be removed; the next start tries again");
            }
            _ => {}
        }
    }
}

fn failed(what: &str, path: &Path, error: io::Error) -> Error {
    Error::io(format_args!("{what} {}", path.display()), error)
}
