//! Reading the whole store to see whether it is sound.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use domain::{
    Backlog, Connection, ConnectionId, Hydration, Issue, OperationId, Ours, Schedule, Stream,
};
use lever::OpportunityId;

use crate::compact::Progress;
use crate::connect_links::ConnectLink;
use crate::dismissals::Dismissal;
use crate::error::{Error, ErrorKind};
use crate::format::{
    Alias, CallBlock, ChangeBlock, Counter, Document, Forget, FormerKeys, Head, Header,
    IdentityLeaf, IdentityRun, Indexed, KeptOperation, Label, Moment, Owner, SealedCredential,
    Secret, SlaTold, Stored, digest, frame, key,
};
use crate::hydrations::StreamState;
use crate::listings::ListingState;
use crate::mappings::MappingVersion;
use crate::nudges::Nudge;
use crate::opening::{self, Opened, Options};
use crate::permission_reports::PermissionReport;
use crate::quarantine::{Kept, QuarantineCount};
use crate::records;
use crate::ring::Ring;
use crate::runs::Run;
use crate::sealed::SealedValue;
use crate::store::{Store, join_blocking};
use crate::table::Table;
use crate::tokens::TokenRecord;
use crate::user_links::UserLink;
use crate::view::{Order, View};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Examined {
    /// How many entries were read.
    pub entries: u64,
    /// What is wrong, one sentence each, without personal data; empty for a sound store.
    pub findings: Vec<String>,
}

/// Reads every value of the store in a folder: checksums, formats, and whether what belongs together agrees.
///
/// Blocks; no process may have the store open. Changes nothing.
///
/// # Errors
/// As [`Store::open`](crate::Store::open), and [`ErrorKind::NotFound`] without a store: one that cannot be opened is not checked further.
pub fn check(
    folder: &Path,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Examined, Error> {
    let Opened {
        tables, lock, ring, ..
    } = opening::open_existing(folder, options)?;
    let examined = examine(&View::still(Arc::new(tables)), &ring, progress);
    drop(lock);
    examined
}

impl Store {
    /// The same of the open store, as it is now. Values that are in memory are not read from the disk again.
    ///
    /// # Errors
    /// [`ErrorKind::Outrun`] when the store changes faster than it can be read; [`ErrorKind::Poisoned`], also when it
    /// is so damaged that the process has to stop.
    pub async fn check(
        &self,
        mut progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<Examined, Error> {
        let every = |table| table != Table::Pieces;
        let (view, _commit) = self.view(every, Order::Any).await?;
        let ring = self.ring().clone();
        join_blocking(move || examine(&view, &ring, &mut progress)).await
    }
}

fn examine(
    view: &View,
    ring: &Ring,
    progress: &mut dyn FnMut(Progress),
) -> Result<Examined, Error> {
    let mut examination = Examination {
        view,
        ring,
        entries: 0,
        findings: BTreeMap::new(),
        live: BTreeMap::new(),
        progress,
    };
    // Pieces are read with the value they are of.
    for table in Table::ALL.iter().filter(|table| **table != Table::Pieces) {
        examination.table(*table)?;
    }
    examination.counts()?;
    Ok(examination.result())
}

/// Something that is wrong; told once with how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Finding {
    Damaged(Table),
    WithoutDocument(Table),
    WithoutHead(Table),
    Dangling(Table),
    Sealed(Table),
    Miscounted(ConnectionId, Stream),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Damaged(table) => {
                write!(f, "values in the table {table} cannot be read")
            }
            Finding::WithoutDocument(table) => {
                write!(
                    f,
                    "records in the table {table} lack the document they belong to"
                )
            }
            Finding::WithoutHead(table) => {
                write!(f, "documents in the table {table} belong to no record")
            }
            Finding::Dangling(table) => {
                write!(f, "entries in the table {table} lead nowhere")
            }
            Finding::Sealed(table) => {
                write!(f, "sealed values in the table {table} do not open")
            }
            Finding::Miscounted(connection, stream) => {
                write!(
                    f,
                    "the records of {stream} of the connection {connection} are miscounted"
                )
            }
        }
    }
}

struct Examination<'a> {
    view: &'a View,
    ring: &'a Ring,
    entries: u64,
    findings: BTreeMap<Finding, u64>,
    /// How many live records each stream of each connection has, by the beginning of their keys.
    live: BTreeMap<(ConnectionId, Stream), u64>,
    progress: &'a mut dyn FnMut(Progress),
}

impl Examination<'_> {
    fn table(&mut self, table: Table) -> Result<(), Error> {
        for entry in self.view.entries(table) {
            let (key, value) = entry?;
            self.entries += 1;
            (self.progress)(Progress {
                doing: "checking",
                entries: self.entries,
                total: None,
            });
            let found = match value.and_then(|value| fits(table, &key, &value)) {
                Ok(()) => self.related(table, &key)?,
                Err(error) if *error.kind() == ErrorKind::Corrupt => Some(Finding::Damaged(table)),
                Err(error) => return Err(error),
            };
            if let Some(found) = found {
                *self.findings.entry(found).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Whether what belongs to a readable entry is there.
    fn related(&mut self, table: Table, key: &[u8]) -> Result<Option<Finding>, Error> {
        Ok(match table {
            Table::Heads | Table::EeoHeads => self.head(table, key)?,
            Table::Documents => self.document(table, Table::Heads, key)?,
            Table::EeoDocuments => self.document(table, Table::EeoHeads, key)?,
            Table::ByStage => {
                let opportunity = key::stage_parts(key).map(|(_stage, id)| id);
                self.to_candidacy(table, opportunity, key)?
            }
            Table::ByContact => {
                let opportunity = key::after_nul(key).map(Into::into);
                self.to_candidacy(table, opportunity, key)?
            }
            Table::OpenOperations | Table::UncertainOperations | Table::ByOpportunity => {
                let operation = key::last_operation(key);
                self.to_operation(table, operation.map(|id| *id.as_bytes()), key)?
            }
            Table::RequestIds => {
                let operation: Option<Owner> = self.view.get(table, key)?;
                self.to_operation(table, operation.map(|Owner(id)| id), key)?
            }
            Table::Credentials | Table::Webhooks | Table::WebhookTokens => {
                self.secret(table, key)?
            }
            Table::Operations => self.operation(table, key)?,
            _ => None,
        })
    }

    fn secret(&self, table: Table, key: &[u8]) -> Result<Option<Finding>, Error> {
        let Some(value) = self.view.load(table, key)? else {
            return Ok(None);
        };
        let opens = SealedValue::read(table, &value)?
            .open(self.ring, key)
            .is_ok();
        Ok((!opens).then_some(Finding::Sealed(table)))
    }

    fn operation(&self, table: Table, key: &[u8]) -> Result<Option<Finding>, Error> {
        let Some(kept) = self.view.get::<KeptOperation>(table, key)? else {
            return Ok(None);
        };
        let opens = kept.open(self.view.tables().sealer()?, key).is_ok();
        Ok((!opens).then_some(Finding::Sealed(table)))
    }

    fn head(&mut self, table: Table, key: &[u8]) -> Result<Option<Finding>, Error> {
        let Some(head) = self.view.get::<Head>(table, key)? else {
            return Ok(None);
        };
        let Some(of) = stream_of(key) else {
            return Ok(Some(Finding::Damaged(table)));
        };
        if head.deleted_at.is_some() {
            return Ok(None);
        }
        *self.live.entry(of).or_default() += 1;
        let fits = match self.document_of(of.1, key, &head) {
            Ok(document) => document.is_some_and(|Document(raw)| digest(&raw) == head.digest),
            // It is told where the documents are gone through.
            Err(error) if *error.kind() == ErrorKind::Corrupt => true,
            Err(error) => return Err(error),
        };
        Ok((!fits).then_some(Finding::WithoutDocument(table)))
    }

    fn document_of(
        &self,
        stream: Stream,
        key: &[u8],
        head: &Head,
    ) -> Result<Option<Document>, Error> {
        match records::short_document(stream, head)? {
            None => self.view.get(Table::documents(stream), key),
            short => Ok(short),
        }
    }

    fn document(&self, table: Table, heads: Table, key: &[u8]) -> Result<Option<Finding>, Error> {
        let live = match self.view.get::<Head>(heads, key) {
            Ok(head) => head.as_ref().is_some_and(Head::has_entry),
            Err(error) if *error.kind() == ErrorKind::Corrupt => true,
            Err(error) => return Err(error),
        };
        Ok((!live).then_some(Finding::WithoutHead(table)))
    }

    fn to_candidacy(
        &self,
        table: Table,
        opportunity: Option<OpportunityId>,
        key: &[u8],
    ) -> Result<Option<Finding>, Error> {
        let there = match (key::connection_of(key), opportunity) {
            (Some(connection), Some(opportunity)) => {
                let target = key::candidacy(connection, &opportunity)?;
                self.view.contains(Table::Candidacies, &target)?
            }
            _ => false,
        };
        Ok((!there).then_some(Finding::Dangling(table)))
    }

    fn to_operation(
        &self,
        table: Table,
        operation: Option<[u8; 16]>,
        key: &[u8],
    ) -> Result<Option<Finding>, Error> {
        let there = match (key::connection_of(key), operation) {
            (Some(connection), Some(operation)) => {
                let target = key::operation(connection, OperationId::from_bytes(operation));
                self.view.contains(Table::Operations, &target)?
            }
            _ => false,
        };
        Ok((!there).then_some(Finding::Dangling(table)))
    }

    /// Compares the stored counts of every connection with the records that were found.
    fn counts(&mut self) -> Result<(), Error> {
        for entry in self.view.entries(Table::Connections) {
            let (key, _value) = entry?;
            let Some(connection) = key::connection_of(&key) else {
                continue;
            };
            for stream in Stream::ALL {
                let key = key::stream(connection, *stream);
                let counted = match self.view.get::<Counter>(Table::counts(*stream), &key) {
                    Ok(count) => count.unwrap_or_default().0,
                    Err(error) if *error.kind() == ErrorKind::Corrupt => continue,
                    Err(error) => return Err(error),
                };
                let live = self.live.get(&(connection, *stream));
                if counted != live.copied().unwrap_or_default() {
                    let found = Finding::Miscounted(connection, *stream);
                    self.findings.insert(found, 1);
                }
            }
        }
        Ok(())
    }

    fn result(self) -> Examined {
        let told = |(finding, times): (Finding, u64)| match finding {
            Finding::Miscounted(..) => finding.to_string(),
            _ => format!("{times} {finding}"),
        };
        Examined {
            entries: self.entries,
            findings: self.findings.into_iter().map(told).collect(),
        }
    }
}

fn stream_of(key: &[u8]) -> Option<(ConnectionId, Stream)> {
    Some((key::connection_of(key)?, Stream::from_tag(*key.get(16)?)?))
}

/// Whether bytes, a version and its payload, can be read as a value of the table of that number, counted round.
///
/// For trying what a disk that has changed may hold.
#[doc(hidden)]
pub fn makes_sense(table: u8, value: &[u8]) -> bool {
    let table = Table::ALL[usize::from(table) % Table::ALL.len()];
    let Some((version, payload)) = value.split_first() else {
        return false;
    };
    let framed = frame::seal(*version, payload);
    fits(table, key::HEADER, &framed).is_ok()
}

/// Whether a value, its pieces joined, is one that its table can hold.
///
/// # Errors
/// [`ErrorKind::Corrupt`].
pub(crate) fn fits(table: Table, key: &[u8], value: &[u8]) -> Result<(), Error> {
    match table {
        Table::Meta if key == key::HEADER => is::<Header>(table, value),
        Table::Meta if key == key::IDENTITY_SECRET => is::<Secret>(table, value),
        Table::Meta if key == key::PROGRAM => is::<Label>(table, value),
        Table::Meta if key == key::FORMER_KEYS => is::<FormerKeys>(table, value),
        Table::Meta | Table::Counts | Table::EeoCounts | Table::Sequences | Table::ChangeFloors => {
            is::<Counter>(table, value)
        }
        Table::Connections | Table::FormerSettings => is::<Connection>(table, value),
        Table::ExternalIds | Table::RequestIds => is::<Owner>(table, value),
        Table::Credentials => is::<SealedCredential>(table, value),
        Table::Tokens => is::<TokenRecord>(table, value),
        Table::ConnectLinks => is::<ConnectLink>(table, value),
        Table::Mappings | Table::FieldMappings | Table::ExportSettings => {
            is::<MappingVersion>(table, value)
        }
        Table::Listings => is::<ListingState>(table, value),
        Table::Heads | Table::EeoHeads => is::<Head>(table, value),
        Table::Documents | Table::EeoDocuments => is::<Document>(table, value),
        Table::Candidacies => is::<Indexed>(table, value),
        Table::Changes => is::<ChangeBlock>(table, value),
        Table::Quarantine => is::<Kept>(table, value),
        Table::QuarantineCounts => is::<QuarantineCount>(table, value),
        Table::Operations => is::<KeptOperation>(table, value),
        Table::Ours => is::<Ours>(table, value),
        Table::Runs => is::<Run>(table, value),
        Table::Calls => is::<CallBlock>(table, value),
        Table::Nudges => is::<Nudge>(table, value),
        Table::NudgeTokens => is::<Moment>(table, value),
        Table::Webhooks | Table::WebhookTokens => is::<Secret>(table, value),
        Table::Schedules => is::<Schedule>(table, value),
        Table::Forgets => is::<Forget>(table, value),
        Table::ContactAliases => is::<Alias>(table, value),
        Table::Dismissals => is::<Dismissal>(table, value),
        Table::UserLinks => is::<UserLink>(table, value),
        Table::Issues => is::<Issue>(table, value),
        Table::PermissionReports => is::<PermissionReport>(table, value),
        Table::IdentityRuns => is::<IdentityRun>(table, value),
        Table::IdentityLeaves => is::<IdentityLeaf>(table, value),
        Table::SlaMarks => is::<SlaTold>(table, value),
        Table::Hydrations => is::<Hydration>(table, value),
        Table::Backlogs => is::<Backlog>(table, value),
        Table::StreamStates => is::<StreamState>(table, value),
        Table::Purges
        | Table::ByStage
        | Table::ByContact
        | Table::OpenOperations
        | Table::UncertainOperations
        | Table::ByOpportunity
        | Table::Children
        | Table::Hidings
        | Table::HydrationQueue => {
            if value.is_empty() {
                Ok(())
            } else {
                Err(Error::corrupt(table))
            }
        }
        Table::Pieces => Ok(()),
    }
}

fn is<T: Stored>(table: Table, value: &[u8]) -> Result<(), Error> {
    frame::open_as::<T>(table, value).map(drop)
}
