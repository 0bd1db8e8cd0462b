//! The records below others: notes of an opportunity, the form of a posting.

use std::collections::{BTreeMap, BTreeSet};

use domain::hydration::overtaken;
use domain::{ConnectionId, Parent, Stream};
use lever::Timestamp;

use crate::draft::Draft;
use crate::error::Error;
use crate::format::{Head, key};
use crate::hydrations;
use crate::pull::{Applied, Incoming};
use crate::quarantine::Quarantined;
use crate::records::{self, StoredRecord};
use crate::store::Store;
use crate::table::{Table, Tables};
use crate::upsert::Upsert;

/// One list below a parent, read from its first page to its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildList {
    /// Which.
    pub stream: Stream,
    /// When the first request for it was sent, by Lever's clock.
    pub requested_at: Timestamp,
    /// Its records, each with the parent.
    pub records: Vec<Incoming>,
    /// The records that could not be read; for a list that could not be read at all, one entry that says so.
    pub quarantined: Vec<Quarantined>,
    /// Whether it was read to its end: nothing is concluded from one that was not.
    pub whole: bool,
}

/// Lists below one parent that were read, and those that Lever refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildRead {
    /// The connection.
    pub connection: ConnectionId,
    /// Below which record.
    pub parent: Parent,
    /// Stamps the changes.
    pub now: Timestamp,
    /// What was read.
    pub lists: Vec<ChildList>,
    /// The lists the key may not read: they no longer wait.
    pub refused: BTreeSet<Stream>,
}

/// What lists below a parent have brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChildApplied {
    /// All lists together.
    pub total: Applied,
    /// Those of each stream.
    pub streams: BTreeMap<Stream, Applied>,
}

impl Store {
    /// Applies whole lists below a parent: their records, the tombstones of those that are gone, and what still waits.
    /// All or nothing.
    ///
    /// A list that is wanted as it was shown later than this one is read again: what it brought may be gone by then, and
    /// is left out. A record whose list no longer has it is buried unless a later request has shown it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection,
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a parent whose id cannot be stored.
    pub async fn apply_children(&self, read: ChildRead) -> Result<ChildApplied, Error> {
        self.commit_patiently(move |draft| {
            draft.require_connection(read.connection)?;
            let (mut total, mut streams) = (Applied::default(), BTreeMap::<_, Applied>::new());
            if !is_live(draft, read.connection, &read.parent)? {
                hydrations::forget(draft, read.connection, &read.parent)?;
                let records = read.lists.iter().map(|list| list.records.len() as u64);
                total.stale = records.sum();
                return Ok(ChildApplied { total, streams });
            }
            let known = hydrations::stored(draft, read.connection, &read.parent)?;
            let outdated = |list: &ChildList| {
                let since = known
                    .as_ref()
                    .and_then(|known| known.wanted.get(&list.stream));
                since.is_some_and(|since| overtaken(*since, list.requested_at))
            };
            for list in &read.lists {
                if outdated(list) {
                    total.stale += list.records.len() as u64;
                    continue;
                }
                let mut upsert = Upsert::new(draft, read.connection, list.requested_at, read.now)?;
                list.records
                    .iter()
                    .try_for_each(|record| upsert.record(record))?;
                list.quarantined
                    .iter()
                    .try_for_each(|record| upsert.quarantine(record))?;
                if list.whole {
                    upsert.release_below(&read.parent, list.stream)?;
                }
                // A record that cannot be read is there all the same: nobody is buried for such a list.
                if list.whole && list.quarantined.is_empty() {
                    let seen = list
                        .records
                        .iter()
                        .map(|record| record.id.as_str())
                        .collect();
                    upsert.retire_below(&read.parent, list.stream, &seen)?;
                }
                let applied = upsert.finish()?;
                let of_stream = streams.entry(list.stream).or_default();
                *of_stream = of_stream.plus(applied);
                total = total.plus(applied);
            }
            hydrations::read(draft, &read)?;
            Ok(ChildApplied { total, streams })
        })
        .await
    }

    /// Whether a list below a parent has brought a record that is live.
    ///
    /// # Errors
    /// As every read.
    pub async fn is_below(
        &self,
        connection: ConnectionId,
        stream: Stream,
        parent: &Parent,
        id: &str,
    ) -> Result<bool, Error> {
        match key::child(connection, parent, stream, id) {
            Ok(key) => self.tables().contains(Table::Children, &key),
            Err(_never_stored) => Ok(false),
        }
    }

    /// How many live records of each stream the lists below a parent have brought; streams without any are left out.
    ///
    /// # Errors
    /// As every read.
    pub async fn count_below(
        &self,
        connection: ConnectionId,
        parent: &Parent,
    ) -> Result<BTreeMap<Stream, u64>, Error> {
        let Ok(prefix) = key::below(connection, parent) else {
            return Ok(BTreeMap::new());
        };
        self.read(move |tables| {
            let mut counts = BTreeMap::new();
            for entry in tables.scan(Table::Children, &prefix) {
                let (key, _empty) = entry?;
                let (stream, _id) = key::child_parts(&key, prefix.len())
                    .ok_or_else(|| Error::corrupt(Table::Children))?;
                *counts.entry(stream).or_default() += 1;
            }
            Ok(counts)
        })
        .await
    }

    /// Lists up to `limit` live records of a stream below a parent after the id `after`, in the order of their ids.
    ///
    /// # Errors
    /// As every read.
    pub async fn children(
        &self,
        connection: ConnectionId,
        stream: Stream,
        parent: &Parent,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StoredRecord>, Error> {
        let Ok(prefix) = key::list_below(connection, parent, stream) else {
            return Ok(Vec::new());
        };
        let from = [&prefix, after.unwrap_or_default().as_bytes()].concat();
        self.read(move |tables| {
            let mut found = Vec::new();
            for entry in tables.scan_after(Table::Children, &prefix, &from) {
                if found.len() >= limit {
                    break;
                }
                let (key, _empty) = entry?;
                let id = key::text_after(&key, prefix.len())
                    .ok_or_else(|| Error::corrupt(Table::Children))?;
                let record = records::live(tables, connection, stream, id)?;
                found.extend(record);
            }
            Ok(found)
        })
        .await
    }
}

fn is_live(draft: &Draft<'_>, connection: ConnectionId, parent: &Parent) -> Result<bool, Error> {
    let stream = parent.stream();
    let key = key::record(connection, stream, parent.id())?;
    let head: Option<Head> = draft.get(Table::heads(stream), &key)?;
    Ok(head.is_some_and(|head| head.deleted_at.is_none()))
}

/// The streams and ids of the live records whose keys begin with `prefix`, which names a parent.
pub(crate) fn of_prefix(tables: &Tables, prefix: &[u8]) -> Result<Vec<(Stream, String)>, Error> {
    let mut found = Vec::new();
    for entry in tables.scan(Table::Children, prefix) {
        let (key, _empty) = entry?;
        let (stream, id) =
            key::child_parts(&key, prefix.len()).ok_or_else(|| Error::corrupt(Table::Children))?;
        found.push((stream, id.to_owned()));
    }
    Ok(found)
}
