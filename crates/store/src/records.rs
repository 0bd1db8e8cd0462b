//! Reading the mirror's records.

use std::fmt;

use domain::{ConnectionId, Stream};
use lever::Timestamp;

use crate::error::Error;
use crate::format::{Counter, Document, Head, Stored, digest, key};
use crate::store::Store;
use crate::table::{Table, Tables};

/// How often a record is read again when a commit replaced it between its head and its document.
const REREADS: usize = 16;

/// One record of the mirror.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Lever's id.
    pub id: String,
    /// What Lever sent, byte for byte; empty for a tombstone.
    pub raw: String,
    /// When the request that last brought it was sent, by Lever's clock.
    pub requested_at: Timestamp,
    /// Lever's own stamp.
    pub updated_at: Option<Timestamp>,
    /// Its place in Lever's own order, for lists whose order means something; 0 elsewhere.
    pub rank: u32,
    /// Since when it is known to be deleted: a tombstone.
    pub deleted_at: Option<Timestamp>,
    /// Whether that was concluded from its absence, or from the settings, and not told by Lever.
    pub absent: bool,
    /// Lever's id of the record it hangs on, for streams that are read below another.
    pub parent: Option<String>,
}

impl fmt::Debug for StoredRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredRecord")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Whether records known to be deleted are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tombstones {
    /// Live records only.
    Without,
    /// All.
    With,
}

impl Store {
    /// Reads a record, or its tombstone.
    ///
    /// # Errors
    /// As every read.
    pub async fn record(
        &self,
        connection: ConnectionId,
        stream: Stream,
        id: &str,
    ) -> Result<Option<StoredRecord>, Error> {
        match key::record(connection, stream, id) {
            Ok(key) => read(self.tables(), stream, &key, id),
            Err(_never_stored) => Ok(None),
        }
    }

    /// Lists up to `limit` records of a stream after the id `after`, in the order of their ids.
    ///
    /// # Errors
    /// As every read.
    pub async fn records(
        &self,
        connection: ConnectionId,
        stream: Stream,
        after: Option<&str>,
        limit: usize,
        tombstones: Tombstones,
    ) -> Result<Vec<StoredRecord>, Error> {
        let prefix = key::stream(connection, stream);
        let from = [&prefix, after.unwrap_or_default().as_bytes()].concat();
        self.read(move |tables| list(tables, stream, &prefix, &from, limit, tombstones))
            .await
    }

    /// How many live records a stream has.
    ///
    /// # Errors
    /// As every read.
    pub async fn count(&self, connection: ConnectionId, stream: Stream) -> Result<u64, Error> {
        let count: Option<Counter> = self
            .tables()
            .get(Table::counts(stream), &key::stream(connection, stream))?;
        Ok(count.unwrap_or_default().0)
    }
}

fn list(
    tables: &Tables,
    stream: Stream,
    prefix: &[u8],
    from: &[u8],
    limit: usize,
    tombstones: Tombstones,
) -> Result<Vec<StoredRecord>, Error> {
    let mut records = Vec::new();
    for entry in tables.scan_after(Table::heads(stream), prefix, from) {
        if records.len() >= limit {
            break;
        }
        let (key, value) = entry?;
        let head: Option<Head> = tables.value(Table::heads(stream), Ok((key.clone(), value)))?;
        if tombstones == Tombstones::Without && head.is_none_or(|head| head.deleted_at.is_some()) {
            continue;
        }
        let id = key::text_after(&key, prefix.len()).ok_or_else(|| Error::corrupt(Table::Heads))?;
        let record = read(tables, stream, &key, id)?;
        records.extend(record.filter(|record| wanted(record, tombstones)));
    }
    Ok(records)
}

/// Reads a record that is live; none for a tombstone.
pub(crate) fn live(
    tables: &Tables,
    connection: ConnectionId,
    stream: Stream,
    id: &str,
) -> Result<Option<StoredRecord>, Error> {
    let record = read(tables, stream, &key::record(connection, stream, id)?, id)?;
    Ok(record.filter(|record| record.deleted_at.is_none()))
}

fn wanted(record: &StoredRecord, tombstones: Tombstones) -> bool {
    tombstones == Tombstones::With || record.deleted_at.is_none()
}

/// Reads head and document; the digest tells whether they belong together.
fn read(
    tables: &Tables,
    stream: Stream,
    key: &[u8],
    id: &str,
) -> Result<Option<StoredRecord>, Error> {
    for _ in 0..REREADS {
        let Some(head) = tables.get::<Head>(Table::heads(stream), key)? else {
            return Ok(None);
        };
        if head.deleted_at.is_some() {
            return Ok(Some(stored(id, String::new(), &head)));
        }
        match document(tables, stream, key, &head)? {
            Some(Document(raw)) if digest(&raw) == head.digest => {
                return Ok(Some(stored(id, raw, &head)));
            }
            _ => {}
        }
    }
    Err(Error::corrupt(Table::Documents))
}

/// The document of a live record; none when it is not where it belongs.
pub(crate) fn document(
    tables: &Tables,
    stream: Stream,
    key: &[u8],
    head: &Head,
) -> Result<Option<Document>, Error> {
    match short_document(stream, head)? {
        None => tables.get(Table::documents(stream), key),
        short => Ok(short),
    }
}

/// The document of a live record that is so short that it is in its head.
pub(crate) fn short_document(stream: Stream, head: &Head) -> Result<Option<Document>, Error> {
    let document = |frame: &Vec<u8>| {
        Document::from_payload(Document::VERSION, frame)
            .ok_or_else(|| Error::corrupt(Table::heads(stream)))
    };
    head.frame.as_ref().map(document).transpose()
}

fn stored(id: &str, raw: String, head: &Head) -> StoredRecord {
    StoredRecord {
        id: id.to_owned(),
        raw,
        requested_at: head.requested_at,
        updated_at: head.updated_at,
        rank: head.rank,
        deleted_at: head.deleted_at,
        absent: head.absent,
        parent: head.parent.clone(),
    }
}
