//! Backups of an open store: everything, or what cannot be read again from Lever.
//!
//! A backup is one file (`archive` says of which bytes) and shows the store as it was at one commit,
//! however long it takes to write it and whatever is written meanwhile (`view`).
//! Sealed values stay sealed, and the master key is in no backup: keep it apart, a backup without it has no use.

mod archive;
mod restore;
mod snapshots;

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use lever::Timestamp;

use crate::compact::Progress;
use crate::error::{Error, ErrorKind};
use crate::format::{self, key};
use crate::store::Store;
use crate::table::Table;
use crate::view::{Order, View};

pub use archive::Header as BackupHeader;
pub use restore::{Restored, restore};
pub use snapshots::Snapshot;

pub(crate) use snapshots::{Kept, floor, newest_of, outdate, remove_below, remove_unfinished};

use archive::{Header, Writer};

/// The version of this program, as backups name it.
pub(crate) const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// What a backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything, the mirrors too.
    All,
    /// What cannot be read again from Lever: connections with their sealed credentials, mappings, operations, tokens,
    /// user links, settings, schedules, what came from us, and who was told apart.
    Ours,
}

impl Scope {
    pub(crate) fn holds(self, table: Table) -> bool {
        match self {
            // Pieces are in there with the value they are of.
            Scope::All => table != Table::Pieces,
            Scope::Ours => is_ours(table),
        }
    }

    fn tables(self) -> fn(Table) -> bool {
        match self {
            Scope::All => |table| Scope::All.holds(table),
            Scope::Ours => is_ours,
        }
    }
}

/// Whether a table holds what cannot be read again from Lever.
///
/// Journals of what was done (runs, calls, changes, quarantine) are not: they are of use beside their mirror only.
pub(crate) fn is_ours(table: Table) -> bool {
    match table {
        Table::Meta
        | Table::Connections
        | Table::ExternalIds
        | Table::Credentials
        | Table::Purges
        | Table::Tokens
        | Table::Mappings
        | Table::FieldMappings
        | Table::ExportSettings
        | Table::Operations
        | Table::OpenOperations
        | Table::UncertainOperations
        | Table::RequestIds
        | Table::ByOpportunity
        | Table::Sequences
        | Table::Webhooks
        | Table::WebhookTokens
        | Table::Schedules
        | Table::Forgets
        | Table::ContactAliases
        | Table::SlaMarks
        | Table::Ours
        | Table::Dismissals
        | Table::Issues
        | Table::UserLinks
        | Table::PermissionReports
        | Table::ConnectLinks => true,
        Table::Listings
        | Table::Heads
        | Table::Documents
        | Table::Candidacies
        | Table::ByStage
        | Table::ByContact
        | Table::Counts
        | Table::Changes
        | Table::Quarantine
        | Table::Pieces
        | Table::Children
        | Table::Hydrations
        | Table::HydrationQueue
        | Table::Backlogs
        | Table::StreamStates
        | Table::Runs
        | Table::Calls
        | Table::Nudges
        | Table::NudgeTokens
        | Table::QuarantineCounts
        | Table::ChangeFloors
        | Table::EeoHeads
        | Table::EeoDocuments
        | Table::EeoCounts
        | Table::FormerSettings
        | Table::Hidings
        | Table::IdentityRuns
        | Table::IdentityLeaves => false,
    }
}

/// Whether a change of a table is worth another snapshot: counters move with every page that is read, and issues each
/// time they are seen again.
pub(crate) fn is_worth_a_snapshot(table: Table) -> bool {
    is_ours(table) && !matches!(table, Table::Meta | Table::Sequences | Table::Issues)
}

/// A backup that is about to be written.
#[derive(Debug)]
pub struct Backup {
    header: Header,
    view: View,
    files: Vec<(String, PathBuf)>,
}

/// What a backup came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// How many entries are in it.
    pub entries: u64,
    /// How many bytes it has.
    pub bytes: u64,
}

impl Store {
    /// Begins a backup of the store as it is now, dated `now`; a full disk is no hindrance.
    ///
    /// # Errors
    /// [`ErrorKind::Poisoned`], [`ErrorKind::Closed`].
    pub async fn begin_backup(&self, scope: Scope, now: Timestamp) -> Result<Backup, Error> {
        let (view, commit) = self.view(scope.tables(), Order::Forward).await?;
        self.backup_of(view, commit, scope, now)
    }

    pub(crate) fn backup_of(
        &self,
        view: View,
        commit: u64,
        scope: Scope,
        taken: Timestamp,
    ) -> Result<Backup, Error> {
        let header: format::Header = self
            .tables()
            .get(Table::Meta, key::HEADER)?
            .ok_or_else(|| Error::corrupt(Table::Meta))?;
        Ok(Backup {
            header: Header {
                scope,
                store: header.store,
                commit,
                taken,
                program: PROGRAM.to_owned(),
            },
            view,
            files: self.kept_files()?,
        })
    }
}

impl Backup {
    /// What it says about itself.
    pub fn header(&self) -> &BackupHeader {
        &self.header
    }

    /// Writes it. Blocks.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] with what writing failed of, [`ErrorKind::Corrupt`] at a damaged value,
    /// [`ErrorKind::Outrun`] when the store changes faster than it can be read, [`ErrorKind::Poisoned`].
    pub fn write(
        self,
        to: impl Write,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Written, Error> {
        let mut writer = Writer::begin(to, &self.header).map_err(failed)?;
        for (name, path) in &self.files {
            add_file(&mut writer, name, path)?;
        }
        for table in Table::ALL
            .iter()
            .filter(|one| self.header.scope.holds(**one))
        {
            writer.table(*table).map_err(failed)?;
            for entry in self.view.entries(*table) {
                let (key, value) = entry?;
                writer.entry(&key, &value?).map_err(failed)?;
                progress(Progress {
                    doing: "backing up",
                    entries: writer.entries(),
                    total: None,
                });
            }
        }
        let entries = writer.entries();
        let (_, bytes) = writer.end().map_err(failed)?;
        Ok(Written { entries, bytes })
    }
}

/// A file whose operation has settled since is not needed any more, and may be gone.
fn add_file<W: Write>(writer: &mut Writer<W>, name: &str, path: &PathBuf) -> Result<(), Error> {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (size, file) = match opened {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io(format_args!("read {}", path.display()), error)),
    };
    match writer.file(name, size, file).map_err(failed)? {
        true => Ok(()),
        false => {
            let message = format!("{} became shorter while it was read", path.display());
            Err(Error::new(ErrorKind::Io, message))
        }
    }
}

fn failed(error: io::Error) -> Error {
    Error::io("write the backup", error)
}
