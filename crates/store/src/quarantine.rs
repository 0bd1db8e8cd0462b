//! Records of Lever's that could not be read.

use std::fmt;

use domain::{ConnectionId, Stream};
use lever::Timestamp;

use crate::draft::Draft;
use crate::error::Error;
use crate::format::{digest, key};
use crate::store::Store;
use crate::table::{Table, Tables};

/// One record that could not be read, kept for people to look at.
#[derive(Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The kind of record.
    pub stream: Stream,
    /// What Lever sent, byte for byte; empty where a whole list could not be read.
    pub raw: String,
    /// Why it could not be read, without personal data.
    pub reason: String,
    /// When it was seen first.
    pub at: Timestamp,
}

impl fmt::Debug for Quarantined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quarantined")
            .field("stream", &self.stream)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl Quarantined {
    /// Names the record in the list of a connection; pages go on after it.
    pub fn id(&self) -> [u8; 17] {
        let mut id = [self.stream.tag(); 17];
        id[1..].copy_from_slice(&digest(&self.raw));
        id
    }
}

/// How many records of a connection are in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QuarantineCount {
    /// Those kept.
    pub kept: u64,
    /// Those that came when it was full, and were counted only.
    pub dropped: u64,
}

/// How many records of a connection are kept.
pub(crate) const CAPACITY: u64 = 10_000;

impl Store {
    /// Lists up to `limit` quarantined records after the one with the id `after`, by stream.
    ///
    /// # Errors
    /// As every read.
    pub async fn quarantined(
        &self,
        connection: ConnectionId,
        after: Option<[u8; 17]>,
        limit: usize,
    ) -> Result<Vec<Quarantined>, Error> {
        let prefix = key::connection(connection);
        let from = [&prefix, &after.unwrap_or_default()[..]].concat();
        self.read(move |tables| {
            tables
                .scan_after(Table::Quarantine, &prefix, &from)
                .take(limit)
                .filter_map(|entry| tables.value(Table::Quarantine, entry).transpose())
                .collect()
        })
        .await
    }

    /// How many records are in quarantine, and how many did not find room there.
    ///
    /// # Errors
    /// As every read.
    pub async fn quarantine_count(
        &self,
        connection: ConnectionId,
    ) -> Result<QuarantineCount, Error> {
        self.read(move |tables| stored_count(tables, connection))
            .await
    }
}

/// Keeps a record while there is room; false when the very same one is there already.
pub(crate) fn keep(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    record: &Quarantined,
) -> Result<bool, Error> {
    let told = if record.raw.is_empty() {
        &record.reason
    } else {
        &record.raw
    };
    let key = key::quarantined(connection, record.stream, &digest(told));
    if draft.contains(Table::Quarantine, &key)? {
        return Ok(false);
    }
    let mut count = count(draft, connection)?;
    if count.kept < CAPACITY {
        count.kept += 1;
        draft.put(Table::Quarantine, key, record);
    } else {
        count.dropped += 1;
    }
    draft.put(Table::QuarantineCounts, key::connection(connection), &count);
    Ok(true)
}

/// Removes a record by its key, if it is there.
pub(crate) fn discard(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    key: Vec<u8>,
) -> Result<(), Error> {
    if !draft.contains(Table::Quarantine, &key)? {
        return Ok(());
    }
    let mut count = count(draft, connection)?;
    count.kept = count.kept.saturating_sub(1);
    draft.remove(Table::Quarantine, key);
    draft.put(Table::QuarantineCounts, key::connection(connection), &count);
    Ok(())
}

fn count(draft: &Draft<'_>, connection: ConnectionId) -> Result<QuarantineCount, Error> {
    match draft.get(Table::QuarantineCounts, &key::connection(connection))? {
        Some(count) => Ok(count),
        None => stored_count(draft.tables(), connection),
    }
}

/// Stores of the first version have no count: theirs is found by counting.
fn stored_count(tables: &Tables, connection: ConnectionId) -> Result<QuarantineCount, Error> {
    let prefix = key::connection(connection);
    if let Some(count) = tables.get(Table::QuarantineCounts, &prefix)? {
        return Ok(count);
    }
    let mut kept = 0;
    for entry in tables.scan(Table::Quarantine, &prefix) {
        entry?;
        kept += 1;
    }
    Ok(QuarantineCount { kept, dropped: 0 })
}
