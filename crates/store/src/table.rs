//! The tables, and reading from them.

use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use domain::Stream;

use crate::error::Error;
use crate::format::{Pieces, Stored, frame};
use crate::health::Health;
use crate::identities::Digester;
use crate::recent::Recent;
use crate::seal::Sealer;
use crate::stage_counts::StageCounts;

macro_rules! tables {
    ($($variant:ident = $name:literal, $key:literal;)*) => {
        /// One table; `format` says what its keys and values are.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Table {
            $($variant,)*
        }

        impl Table {
            pub(crate) const ALL: &[Table] = &[$(Table::$variant,)*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Table::$variant => $name,)* }
            }

            /// What the keys are made of, for people.
            pub(crate) fn key_kind(self) -> &'static str {
                match self { $(Table::$variant => $key,)* }
            }
        }
    };
}

tables! {
    Meta = "meta", "name";
    Connections = "connections", "connection";
    ExternalIds = "external_ids", "external id";
    Credentials = "credentials", "connection";
    Purges = "purges", "connection";
    Tokens = "tokens", "hash";
    Mappings = "mappings", "connection and version";
    Listings = "listings", "connection and listing";
    Heads = "heads", "connection, stream and record";
    Documents = "documents", "connection, stream and record";
    Candidacies = "candidacies", "connection and opportunity";
    ByStage = "by_stage", "connection, stage, time and opportunity";
    ByContact = "by_contact", "connection, contact and opportunity";
    Counts = "counts", "connection and stream";
    Sequences = "sequences", "connection";
    Changes = "changes", "connection and last sequence";
    Quarantine = "quarantine", "connection, stream and digests";
    Operations = "operations", "connection and operation";
    OpenOperations = "open_operations", "connection and operation";
    RequestIds = "request_ids", "connection and request id";
    ByOpportunity = "by_opportunity", "connection, opportunity and operation";
    Pieces = "pieces", "key, table and piece";
    Children = "children", "connection, parent, stream and record";
    Hydrations = "hydrations", "connection and parent";
    HydrationQueue = "hydration_queue", "connection, urgency, time and parent";
    Backlogs = "backlogs", "connection";
    StreamStates = "stream_states", "connection and stream";
    Runs = "runs", "connection, beginning and listing";
    Calls = "calls", "connection, time and number";
    Nudges = "nudges", "connection, time and digest";
    NudgeTokens = "nudge_tokens", "connection and digest";
    Webhooks = "webhooks", "connection and webhook";
    WebhookTokens = "webhook_tokens", "connection";
    Schedules = "schedules", "connection and listing";
    QuarantineCounts = "quarantine_counts", "connection";
    ChangeFloors = "change_floors", "connection";
    EeoHeads = "eeo_heads", "connection, stream and record";
    EeoDocuments = "eeo_documents", "connection, stream and record";
    EeoCounts = "eeo_counts", "connection and stream";
    Forgets = "forgets", "connection and opportunity";
    FormerSettings = "former_settings", "connection";
    Hidings = "hidings", "connection";
    ContactAliases = "contact_aliases", "connection and contact";
    IdentityRuns = "identity_runs", "connection and number";
    IdentityLeaves = "identity_leaves", "connection, digest and opportunity";
    FieldMappings = "field_mappings", "connection and version";
    SlaMarks = "sla_marks", "connection and opportunity";
    Ours = "ours", "connection and opportunity";
    Dismissals = "dismissals", "connection and two contacts";
    UserLinks = "user_links", "connection and digest";
    ExportSettings = "export_settings", "connection and version";
    Issues = "issues", "connection and issue";
    ConnectLinks = "connect_links", "hash";
    PermissionReports = "permission_reports", "connection";
    UncertainOperations = "uncertain_operations", "connection and operation";
}

impl Table {
    /// The tables whose keys begin with a connection, apart from those a deletion empties first.
    pub(crate) fn of_a_connection() -> impl Iterator<Item = Table> {
        const OTHERS: [Table; 7] = [
            Table::Meta,
            Table::Connections,
            Table::ExternalIds,
            Table::Credentials,
            Table::Purges,
            Table::Tokens,
            Table::ConnectLinks,
        ];
        Table::ALL
            .iter()
            .copied()
            .filter(|table| !OTHERS.contains(table))
    }
}

impl Table {
    /// Whether a value can be so long that it is stored in pieces; no need to look for pieces of the others.
    pub(crate) fn has_long_values(self) -> bool {
        !matches!(
            self,
            Table::Meta
                | Table::Heads
                | Table::EeoHeads
                | Table::ByStage
                | Table::ByContact
                | Table::Counts
                | Table::Sequences
                | Table::Children
                | Table::Hydrations
                | Table::HydrationQueue
                | Table::Backlogs
        )
    }
}

/// EEO answers have tables of their own, so that nothing reads them beside anything else.
impl Table {
    /// Where the heads of a stream are.
    pub(crate) fn heads(stream: Stream) -> Table {
        match stream {
            Stream::EeoResponses => Table::EeoHeads,
            _ => Table::Heads,
        }
    }

    /// Where the documents of a stream are.
    pub(crate) fn documents(stream: Stream) -> Table {
        match stream {
            Stream::EeoResponses => Table::EeoDocuments,
            _ => Table::Documents,
        }
    }

    /// Where the count of a stream is.
    pub(crate) fn counts(stream: Stream) -> Table {
        match stream {
            Stream::EeoResponses => Table::EeoCounts,
            _ => Table::Counts,
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A key and its value, as stored.
pub(crate) type Entry = (Vec<u8>, Vec<u8>);

/// How often a value in pieces is read again when a commit replaced it in the middle.
const REREADS: usize = 16;

/// All tables of an open database.
#[derive(Debug)]
pub(crate) struct Tables {
    trees: Vec<sled::Tree>,
    health: Arc<Health>,
    compress: bool,
    digester: OnceLock<Digester>,
    sealer: OnceLock<Sealer>,
    recent: Recent,
    stage_counts: StageCounts,
}

impl Tables {
    /// `compress` says how documents are written; both ways are read.
    pub(crate) fn open(
        database: &sled::Db,
        health: Arc<Health>,
        compress: bool,
    ) -> Result<Self, sled::Error> {
        let trees = Table::ALL
            .iter()
            .map(|table| database.open_tree(table.name()));
        Ok(Self {
            trees: trees.collect::<Result<_, _>>()?,
            health,
            compress,
            digester: OnceLock::new(),
            sealer: OnceLock::new(),
            recent: Recent::default(),
            stage_counts: StageCounts::default(),
        })
    }

    pub(crate) fn tree(&self, table: Table) -> &sled::Tree {
        &self.trees[table as usize]
    }

    /// The candidacies that were read lately.
    pub(crate) fn recent(&self) -> &Recent {
        &self.recent
    }

    /// How many active candidacies each stage has.
    pub(crate) fn stage_counts(&self) -> &StageCounts {
        &self.stage_counts
    }

    /// Sets what turns identity keys into their digests, and what operations are sealed with; the first one stays.
    pub(crate) fn set_digester(&self, digester: Digester) {
        let _ = self.sealer.set(digester.sealer("operations"));
        let _ = self.digester.set(digester);
    }

    /// What operations are sealed with.
    ///
    /// # Errors
    /// Closed while the store is being opened.
    pub(crate) fn sealer(&self) -> Result<&Sealer, Error> {
        self.sealer.get().ok_or_else(Error::closed)
    }

    /// What turns identity keys into their digests.
    ///
    /// # Errors
    /// Closed while the store is being opened.
    pub(crate) fn digester(&self) -> Result<&Digester, Error> {
        self.digester.get().ok_or_else(Error::closed)
    }

    /// Whether documents are compressed.
    pub(crate) fn compress(&self) -> bool {
        self.compress
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// Reads one value.
    pub(crate) fn get<T: Stored>(&self, table: Table, key: &[u8]) -> Result<Option<T>, Error> {
        self.load(table, key)?
            .map(|value| frame::open_as(table, &value))
            .transpose()
    }

    /// Whether a key is there.
    pub(crate) fn contains(&self, table: Table, key: &[u8]) -> Result<bool, Error> {
        self.health.check()?;
        self.tree(table)
            .contains_key(key)
            .map_err(|error| self.health.fail_of_sled(error))
    }

    /// Reads one value as it was put, its pieces joined.
    pub(crate) fn load(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        for _ in 0..REREADS {
            let Some(value) = self.raw(table, key)? else {
                return Ok(None);
            };
            match Pieces::read(table, &value)? {
                None => return Ok(Some(value.to_vec())),
                Some(pieces) => {
                    if let Some(joined) = self.join(table, key, &pieces)? {
                        return Ok(Some(joined));
                    }
                }
            }
        }
        Err(Error::corrupt(table))
    }

    /// None when the pieces do not belong together: a commit came between, or they are damaged.
    fn join(&self, table: Table, key: &[u8], pieces: &Pieces) -> Result<Option<Vec<u8>>, Error> {
        let mut joined = Vec::new();
        for number in 0..pieces.count {
            match self.raw(Table::Pieces, &Pieces::key(table, key, number))? {
                Some(piece) => joined.extend_from_slice(&piece),
                None => return Ok(None),
            }
        }
        Ok(pieces.fits(&joined).then_some(joined))
    }

    /// In how many pieces the value of a key is stored; 0 when it is whole or absent.
    pub(crate) fn pieces(&self, table: Table, key: &[u8]) -> Result<u32, Error> {
        let Some(value) = self.raw(table, key)? else {
            return Ok(0);
        };
        Ok(Pieces::read(table, &value)?.map_or(0, |pieces| pieces.count))
    }

    fn raw(&self, table: Table, key: &[u8]) -> Result<Option<sled::IVec>, Error> {
        self.health.check()?;
        self.tree(table)
            .get(key)
            .map_err(|error| self.health.fail_of_sled(error))
    }

    /// Goes through the keys that begin with `prefix`, in key order, from either end.
    pub(crate) fn scan(&self, table: Table, prefix: &[u8]) -> Scan<'_> {
        Scan {
            inner: self.tree(table).scan_prefix(prefix),
            health: &self.health,
        }
    }

    /// Reads the values of the keys that begin with `prefix`, in key order, from either end.
    pub(crate) fn values<T: Stored>(
        &self,
        table: Table,
        prefix: &[u8],
    ) -> impl DoubleEndedIterator<Item = Result<T, Error>> {
        self.scan(table, prefix)
            .filter_map(move |entry| self.value(table, entry).transpose())
    }

    /// Reads the value of a scanned entry; none when it was removed since, while its pieces were read.
    pub(crate) fn value<T: Stored>(
        &self,
        table: Table,
        entry: Result<Entry, Error>,
    ) -> Result<Option<T>, Error> {
        let (key, value) = entry?;
        match Pieces::read(table, &value)? {
            None => frame::open_as(table, &value).map(Some),
            Some(_) => self.get(table, &key),
        }
    }

    /// Goes through the keys that begin with `prefix` and come after `after`.
    pub(crate) fn scan_after(&self, table: Table, prefix: &[u8], after: &[u8]) -> Scan<'_> {
        let lower = Bound::Excluded(after.to_vec());
        self.scan_between(table, lower, end_of(prefix))
    }

    /// Goes through the keys that begin with `prefix` up to `last` and with it.
    pub(crate) fn scan_to(&self, table: Table, prefix: &[u8], last: &[u8]) -> Scan<'_> {
        let lower = Bound::Included(prefix.to_vec());
        self.scan_between(table, lower, Bound::Included(last.to_vec()))
    }

    /// Goes through the keys that begin with `prefix` and come before `before`.
    pub(crate) fn scan_before(&self, table: Table, prefix: &[u8], before: &[u8]) -> Scan<'_> {
        let lower = Bound::Included(prefix.to_vec());
        self.scan_between(table, lower, Bound::Excluded(before.to_vec()))
    }

    fn scan_between(&self, table: Table, lower: Bound<Vec<u8>>, upper: Bound<Vec<u8>>) -> Scan<'_> {
        Scan {
            inner: self.tree(table).range::<Vec<u8>, _>((lower, upper)),
            health: &self.health,
        }
    }
}

/// The first key that no longer begins with `prefix`.
fn end_of(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.last_mut() {
        if *last < u8::MAX {
            *last += 1;
            return Bound::Excluded(end);
        }
        end.pop();
    }
    Bound::Unbounded
}

/// An iterator over stored entries.
pub(crate) struct Scan<'a> {
    inner: sled::Iter,
    health: &'a Health,
}

impl Scan<'_> {
    fn entry(&self, item: sled::Result<(sled::IVec, sled::IVec)>) -> Result<Entry, Error> {
        self.health.check()?;
        let (key, value) = item.map_err(|error| self.health.fail_of_sled(error))?;
        Ok((key.to_vec(), value.to_vec()))
    }
}

impl Iterator for Scan<'_> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.inner.next()?;
        Some(self.entry(item))
    }
}

impl DoubleEndedIterator for Scan<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let item = self.inner.next_back()?;
        Some(self.entry(item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_the_next_prefix_of_its_length() {
        assert_eq!(end_of(&[1, 2]), Bound::Excluded(vec![1, 3]));
        assert_eq!(end_of(&[1, 255]), Bound::Excluded(vec![2]));
        assert_eq!(end_of(&[255]), Bound::Unbounded);
    }

    #[test]
    fn tables_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> =
            Table::ALL.iter().map(|table| table.name()).collect();
        assert_eq!(names.len(), Table::ALL.len());
        assert!(
            Table::ALL
                .iter()
                .enumerate()
                .all(|(at, table)| *table as usize == at)
        );
    }
}
