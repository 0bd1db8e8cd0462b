//! What can go wrong in the store.

use std::error::Error as StdError;
use std::fmt;

use crate::mappings::MappingVersion;
use crate::table::Table;

/// The class of an error: what a caller can branch on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// Another process has the store open.
    InUse,
    /// Too little free space: writes are refused, reads go on; or the store was not opened.
    DiskFull,
    /// The data cannot be used as they are; nothing was renamed or deleted.
    Damaged,
    /// The store holds fewer commits than were acknowledged.
    Lost {
        /// How many are missing.
        commits: u64,
    },
    /// The folder holds something else.
    NotAStore,
    /// A newer version of the program wrote the store.
    NewerFormat,
    /// The master key is missing, readable by others, or not the one the store was made with.
    MasterKey,
    /// The master keys were given when the store was opened, and are exchanged where they come from.
    KeysGiven,
    /// What was named does not exist.
    NotFound,
    /// The id, or the external id, is taken.
    AlreadyExists {
        /// The id of what is there.
        id: String,
    },
    /// The stored revision is not the expected one; nothing was written.
    Conflict,
    /// The present mapping is not the expected version; nothing was written.
    MappingMoved {
        /// The present version; none when there is none yet.
        present: Option<Box<MappingVersion>>,
    },
    /// The stored cursor is not the expected one; nothing was written.
    CursorMoved,
    /// The changes after the number that was asked for are partly pruned: begin again from the present state.
    ResumeExpired,
    /// An id that cannot be part of a key: empty, too long, or with a NUL in it.
    Invalid,
    /// An earlier error of the disk or the database was fatal; the process must stop.
    Poisoned,
    /// The store changes faster than all of it can be read.
    Outrun,
    /// The store was closed.
    Closed,
    /// A stored value is not what was written.
    Corrupt,
    /// A sealed value was altered, or was sealed for another purpose.
    Unsealed,
    /// A sealed value names a master key that is not at hand: it was removed since, or is that of another store.
    KeyRemoved,
    /// The operating system refused.
    Io,
}

/// A call to the store that did not succeed.
///
/// The text names tables and files, never what is stored in them.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// The class of the error.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The sentence for who looks after the machine: with what the operating system says, where that refused.
    pub fn told(&self) -> String {
        match (&self.kind, &self.source) {
            (ErrorKind::Io, Some(source)) => format!("{self}: {source}"),
            _ => self.to_string(),
        }
    }

    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn io(doing: impl fmt::Display, source: impl Into<std::io::Error>) -> Self {
        Self::new(ErrorKind::Io, format!("cannot {doing}")).with_source(source.into())
    }

    pub(crate) fn corrupt(table: Table) -> Self {
        let message = format!(
            "a value in the table {table} is damaged ({} key)",
            table.key_kind()
        );
        Self::new(ErrorKind::Corrupt, message)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(ErrorKind::NotFound, format!("no such {what}"))
    }

    pub(crate) fn conflict(what: &str) -> Self {
        Self::new(
            ErrorKind::Conflict,
            format!("the {what} was changed by somebody else in the meantime"),
        )
    }

    pub(crate) fn already_exists(what: &str, id: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::AlreadyExists { id: id.to_string() },
            format!("the {what} is taken"),
        )
    }

    pub(crate) fn closed() -> Self {
        Self::new(ErrorKind::Closed, "the store is closed")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_ref()
            .map(|source| &**source as &(dyn StdError + 'static))
    }
}
