//! Records of Lever's that could not be read.
//!
//! An entry is known by its stream and the id of its record, so that the record being read at last, or being gone,
//! takes the entry with it in the same transaction. A record without an id is known by its text; it goes when a whole
//! walk of its list, begun after it was seen last, did not bring it again.

use std::fmt;

use domain::{ConnectionId, Parent, Stream};
use lever::Timestamp;

use crate::draft::Draft;
use crate::error::Error;
use crate::format::{Head, digest, key};
use crate::store::Store;
use crate::table::{Table, Tables};

/// One record that could not be read, kept for people to look at.
#[derive(Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The kind of record.
    pub stream: Stream,
    /// Lever's id (the text, for tags and sources); none where the record has none that can be read.
    pub id: Option<String>,
    /// The record below which it was read, or in which it stood.
    pub parent: Option<Parent>,
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
            .field("id", &self.id)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

impl Quarantined {
    /// Names the record in the list of a connection; pages go on after it.
    pub fn name(&self) -> [u8; 17] {
        let listed_below = self.id.is_none() || self.stream.hydrated();
        let parent = self.parent.as_ref().filter(|_| listed_below);
        let known_by = match (&self.id, self.raw.as_str()) {
            (Some(id), _) => digest_of_id(id),
            (None, "") => digest(&self.reason),
            (None, raw) => digest(raw),
        };
        name(self.stream, parent, known_by)
    }
}

/// A record in quarantine, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) record: Quarantined,
    /// When the request was sent that last brought it.
    pub(crate) seen_at: Timestamp,
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

/// How many entries one transaction removes.
const STEP: usize = 500;

impl Store {
    /// Lists up to `limit` quarantined records after the one with the name `after`, by stream.
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
                .filter_map(|entry| tables.value::<Kept>(Table::Quarantine, entry).transpose())
                .map(|kept| Ok(kept?.record))
                .collect()
        })
        .await
    }

    /// Finds a record of the account by its id; records below others are found by [`Store::quarantined_about`].
    ///
    /// # Errors
    /// As every read.
    pub async fn quarantined_record(
        &self,
        connection: ConnectionId,
        stream: Stream,
        id: &str,
    ) -> Result<Option<Quarantined>, Error> {
        let key = key::quarantined(connection, &name(stream, None, digest_of_id(id)));
        let kept: Option<Kept> = self.tables().get(Table::Quarantine, &key)?;
        Ok(kept.map(|kept| kept.record))
    }

    /// Finds a record of a stream for which `wanted` holds, among the first `limit` of the stream.
    ///
    /// # Errors
    /// As every read.
    pub async fn quarantined_where(
        &self,
        connection: ConnectionId,
        stream: Stream,
        limit: usize,
        wanted: impl Fn(&Quarantined) -> bool + Send + 'static,
    ) -> Result<Option<Quarantined>, Error> {
        let prefix = key::stream(connection, stream);
        self.read(move |tables| {
            for entry in tables.scan(Table::Quarantine, &prefix).take(limit) {
                let kept: Option<Kept> = tables.value(Table::Quarantine, entry)?;
                if let Some(kept) = kept.filter(|kept| wanted(&kept.record)) {
                    return Ok(Some(kept.record));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Lists up to `limit` records that were read below a parent and could not be understood, by stream.
    ///
    /// What stood in an opportunity, such as its application, is found by its id.
    ///
    /// # Errors
    /// As every read.
    pub async fn quarantined_about(
        &self,
        connection: ConnectionId,
        parent: &Parent,
        limit: usize,
    ) -> Result<Vec<Quarantined>, Error> {
        let parent = parent.clone();
        self.read(move |tables| {
            let mut found = Vec::new();
            let below = |stream: &&Stream| stream.parent() == Some(parent.stream());
            for stream in Stream::ALL.iter().filter(below) {
                let prefix = below_prefix(connection, *stream, &parent);
                for entry in tables.scan(Table::Quarantine, &prefix) {
                    let kept: Option<Kept> = tables.value(Table::Quarantine, entry)?;
                    let own = kept.filter(|kept| kept.record.parent.as_ref() == Some(&parent));
                    found.extend(own.map(|kept| kept.record));
                    if found.len() >= limit {
                        return Ok(found);
                    }
                }
            }
            Ok(found)
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

    /// Removes the quarantined records of a stream that no request since `before` has brought; tells how many.
    ///
    /// Only for after a complete walk of the list they came from, `before` being when the walk began.
    /// Done in several transactions.
    ///
    /// # Errors
    /// As every write.
    pub async fn release_unseen(
        &self,
        connection: ConnectionId,
        stream: Stream,
        before: Timestamp,
    ) -> Result<u64, Error> {
        let prefix = key::stream(connection, stream);
        let unseen = self
            .read(move |tables| found(tables, &prefix, |_key, kept| kept.seen_at < before))
            .await?;
        let mut released = 0;
        for keys in unseen.chunks(STEP) {
            let keys = keys.to_vec();
            released += self
                .commit(move |draft| {
                    let mut released = 0;
                    for key in keys {
                        let kept: Option<Kept> = draft.get(Table::Quarantine, &key)?;
                        if kept.is_some_and(|kept| kept.seen_at < before) {
                            discard(draft, connection, key)?;
                            released += 1;
                        }
                    }
                    Ok(released)
                })
                .await?;
        }
        Ok(released)
    }

    /// Gives the entries that an earlier version filed by their text the names they have now.
    pub(crate) async fn refile_quarantine(&self, connection: ConnectionId) -> Result<(), Error> {
        let prefix = key::connection(connection);
        let misplaced = self
            .read(move |tables| {
                found(tables, &prefix, |key, kept| {
                    key != key_of(connection, &kept.record)
                })
            })
            .await?;
        for keys in misplaced.chunks(STEP) {
            let keys = keys.to_vec();
            self.commit(move |draft| {
                keys.into_iter()
                    .try_for_each(|key| refile(draft, connection, key))
            })
            .await?;
        }
        Ok(())
    }
}

/// The keys of the entries for which `wanted` holds.
fn found(
    tables: &Tables,
    prefix: &[u8],
    wanted: impl Fn(&[u8], &Kept) -> bool,
) -> Result<Vec<Vec<u8>>, Error> {
    let mut keys = Vec::new();
    for entry in tables.scan(Table::Quarantine, prefix) {
        let (key, value) = entry?;
        let kept: Option<Kept> = tables.value(Table::Quarantine, Ok((key.clone(), value)))?;
        if kept.is_some_and(|kept| wanted(&key, &kept)) {
            keys.push(key);
        }
    }
    Ok(keys)
}

fn refile(draft: &mut Draft<'_>, connection: ConnectionId, key: Vec<u8>) -> Result<(), Error> {
    let Some(kept) = draft.get::<Kept>(Table::Quarantine, &key)? else {
        return Ok(());
    };
    discard(draft, connection, key)?;
    keep(draft, connection, &kept.record, kept.seen_at)?;
    Ok(())
}

/// Keeps a record while there is room; true when it was not there.
///
/// In place of what was kept of it before: of a record that goes on being unreadable only the newest text is of use.
/// A record that the mirror has from a later request is readable by now, and is not kept.
pub(crate) fn keep(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    record: &Quarantined,
    seen_at: Timestamp,
) -> Result<bool, Error> {
    if is_read_since(draft, connection, record, seen_at)? {
        return Ok(false);
    }
    let key = key_of(connection, record);
    let known: Option<Kept> = draft.get(Table::Quarantine, &key)?;
    if let Some(known) = known {
        let at = known.record.at.min(record.at);
        let record = Quarantined {
            at,
            ..record.clone()
        };
        let kept = Kept { record, seen_at };
        if seen_at >= known.seen_at && kept != known {
            draft.put(Table::Quarantine, key, &kept);
        }
        return Ok(false);
    }
    let mut count = count(draft, connection)?;
    if count.kept < CAPACITY {
        count.kept += 1;
        let record = record.clone();
        draft.put(Table::Quarantine, key, &Kept { record, seen_at });
    } else {
        count.dropped += 1;
    }
    draft.put(Table::QuarantineCounts, key::connection(connection), &count);
    Ok(true)
}

/// Whether the mirror has the record from a request that was sent after `seen_at`.
fn is_read_since(
    draft: &Draft<'_>,
    connection: ConnectionId,
    record: &Quarantined,
    seen_at: Timestamp,
) -> Result<bool, Error> {
    let id = record.id.as_deref().unwrap_or_default();
    let Ok(key) = key::record(connection, record.stream, id) else {
        return Ok(false);
    };
    let head: Option<Head> = draft.get(Table::heads(record.stream), &key)?;
    Ok(head.is_some_and(|head| head.requested_at > seen_at))
}

/// Whether a connection has anything in quarantine: asked once, before entries are looked for.
pub(crate) fn any(draft: &Draft<'_>, connection: ConnectionId) -> Result<bool, Error> {
    Ok(count(draft, connection)?.kept > 0)
}

/// Removes what is kept of a record, unless a request sent after `until` has brought it unreadable.
pub(crate) fn release(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    of: &Subject<'_>,
    until: Timestamp,
) -> Result<(), Error> {
    for key in of.keys(connection) {
        let kept: Option<Kept> = draft.get(Table::Quarantine, &key)?;
        if kept.is_some_and(|kept| kept.seen_at <= until) {
            discard(draft, connection, key)?;
        }
    }
    Ok(())
}

/// Whether a request sent at `since` or later has brought a record, unreadable: it is there all the same.
pub(crate) fn shown_since(
    draft: &Draft<'_>,
    connection: ConnectionId,
    of: &Subject<'_>,
    since: Timestamp,
) -> Result<bool, Error> {
    for key in of.keys(connection) {
        let kept: Option<Kept> = draft.get(Table::Quarantine, &key)?;
        if kept.is_some_and(|kept| kept.seen_at >= since) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes what is kept of the records of one list below a parent that no request since `before` has brought.
pub(crate) fn release_below(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    parent: &Parent,
    stream: Stream,
    before: Timestamp,
) -> Result<(), Error> {
    let prefix = below_prefix(connection, stream, parent);
    for entry in draft.tables().scan(Table::Quarantine, &prefix) {
        let (key, _value) = entry?;
        let kept: Option<Kept> = draft.get(Table::Quarantine, &key)?;
        let gone =
            |kept: &Kept| kept.seen_at < before && kept.record.parent.as_ref() == Some(parent);
        if kept.as_ref().is_some_and(gone) {
            discard(draft, connection, key)?;
        }
    }
    Ok(())
}

/// Removes what is kept of everything below a parent.
pub(crate) fn release_all_below(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    parent: &Parent,
) -> Result<(), Error> {
    let below = |stream: &&Stream| stream.parent() == Some(parent.stream());
    for stream in Stream::ALL.iter().filter(below) {
        let always = Timestamp::from_millis(i64::MAX);
        release_below(draft, connection, parent, *stream, always)?;
    }
    Ok(())
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

/// A record that may be in quarantine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) stream: Stream,
    pub(crate) id: &'a str,
    /// The record below which it is read.
    pub(crate) parent: Option<&'a Parent>,
}

impl Subject<'_> {
    /// Where it would be: entries of the first version do not know below which record they were read.
    fn keys(&self, connection: ConnectionId) -> impl Iterator<Item = Vec<u8>> {
        let (stream, known_by) = (self.stream, digest_of_id(self.id));
        let below = self
            .parent
            .map(|parent| name(stream, Some(parent), known_by));
        [Some(name(stream, None, known_by)), below]
            .into_iter()
            .flatten()
            .map(move |name| key::quarantined(connection, &name))
    }
}

fn key_of(connection: ConnectionId, record: &Quarantined) -> Vec<u8> {
    key::quarantined(connection, &record.name())
}

/// The stream, half the digest of the parent, and half of what the record is known by.
fn name(stream: Stream, parent: Option<&Parent>, known_by: [u8; 16]) -> [u8; 17] {
    let mut name = [stream.tag(); 17];
    name[1..9].copy_from_slice(&half(digest_of_parent(parent)));
    name[9..].copy_from_slice(&half(known_by));
    name
}

/// Begins the keys of the records of one list below a parent.
fn below_prefix(connection: ConnectionId, stream: Stream, parent: &Parent) -> Vec<u8> {
    let below = half(digest_of_parent(Some(parent)));
    [&key::stream(connection, stream)[..], &below].concat()
}

fn digest_of_parent(parent: Option<&Parent>) -> [u8; 16] {
    digest(&parent.map(Parent::to_string).unwrap_or_default())
}

/// A text that is an id is told from a text that is a document.
fn digest_of_id(id: &str) -> [u8; 16] {
    digest(&format!("id {id}"))
}

fn half(digest: [u8; 16]) -> [u8; 8] {
    let mut half = [0; 8];
    half.copy_from_slice(&digest[..8]);
    half
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::opening::Options;

    fn open(folder: &std::path::Path) -> Store {
        let options = Options {
            open_floor_bytes: 0,
            write_floor_bytes: 0,
            reserve_bytes: 0,
            lock_wait: Duration::from_secs(10),
            ..Options::default()
        };
        Store::open(folder, options).unwrap()
    }

    #[tokio::test]
    async fn what_the_first_version_filed_by_its_text_is_found_by_its_id() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let connection = ConnectionId::from_bytes([7; 16]);
        let raws = [r#"{"id":"u1","x":1}"#, r#"{"id":"u1","x":2}"#, r#"{"x":3}"#];
        let entry = |raw: &str| Kept {
            record: Quarantined {
                stream: Stream::Users,
                id: Stream::Users.key_in(raw),
                parent: None,
                raw: raw.to_owned(),
                reason: "odd".to_owned(),
                at: Timestamp::from_millis(1),
            },
            seen_at: Timestamp::from_millis(1),
        };
        let first_version = move |draft: &mut Draft<'_>| {
            for raw in raws {
                let mut name = [Stream::Users.tag(); 17];
                name[1..].copy_from_slice(&digest(raw));
                let key = key::quarantined(connection, &name);
                draft.put(Table::Quarantine, key, &entry(raw));
            }
            Ok(())
        };
        store.commit(first_version).await.unwrap();
        assert_eq!(store.quarantine_count(connection).await.unwrap().kept, 3);
        store.refile_quarantine(connection).await.unwrap();
        let kept = store.quarantined(connection, None, 9).await.unwrap();
        assert_eq!(store.quarantine_count(connection).await.unwrap().kept, 2);
        assert_eq!(kept.len(), 2);
        let subject = Subject {
            stream: Stream::Users,
            id: "u1",
            parent: None,
        };
        let read = move |draft: &mut Draft<'_>| {
            release(draft, connection, &subject, Timestamp::from_millis(1))
        };
        store.commit(read).await.unwrap();
        let left = store.quarantined(connection, None, 9).await.unwrap();
        assert_eq!(left, [entry(raws[2]).record]);
        assert_eq!(store.quarantine_count(connection).await.unwrap().kept, 1);
    }

    #[tokio::test]
    async fn what_could_not_be_read_is_found_by_its_id_its_parent_and_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        let connection = ConnectionId::from_bytes([7; 16]);
        let person = |id: &str| Some(Parent::Opportunity(id.into()));
        let aside = |stream, id: Option<&str>, parent, raw: &str| Quarantined {
            stream,
            id: id.map(str::to_owned),
            parent,
            raw: raw.to_owned(),
            reason: "odd".to_owned(),
            at: Timestamp::from_millis(1),
        };
        let own = aside(Stream::Opportunities, Some("o1"), None, "mail a@b.c");
        let other = aside(Stream::Opportunities, Some("o2"), None, "mail d@e.f");
        let note = aside(Stream::Notes, Some("n1"), person("o1"), "{}");
        let elsewhere = aside(Stream::Notes, Some("n2"), person("o2"), "{}");
        let inside = aside(Stream::Applications, None, person("o1"), "[]");
        let all = [&own, &other, &note, &elsewhere, &inside].map(Clone::clone);
        let kept = move |draft: &mut Draft<'_>| {
            for record in &all {
                keep(draft, connection, record, Timestamp::from_millis(1))?;
            }
            Ok(())
        };
        store.commit(kept).await.unwrap();

        let of = Stream::Opportunities;
        let by_id = async |id| store.quarantined_record(connection, of, id).await.unwrap();
        assert_eq!(by_id("o1").await, Some(own.clone()));
        assert_eq!(by_id("n1").await, None);
        let by_text = async |text: &'static str, limit| {
            let wanted = move |record: &Quarantined| record.raw.contains(text);
            let found = store.quarantined_where(connection, of, limit, wanted);
            found.await.unwrap()
        };
        assert_eq!(by_text("a@b.c", 9).await, Some(own));
        assert_eq!(by_text("d@e.f", 9).await, Some(other));
        assert_eq!(by_text("{}", 9).await, None);
        assert_eq!(by_text("", 0).await, None);
        let parent = Parent::Opportunity("o1".into());
        let about = store.quarantined_about(connection, &parent, 9);
        let about = about.await.unwrap();
        assert!(about.contains(&note) && about.contains(&inside) && about.len() == 2);
        let first = store.quarantined_about(connection, &parent, 1);
        assert_eq!(first.await.unwrap().len(), 1);
    }
}
