//! What one transaction is about to write.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use domain::{Connection, ConnectionId};
use sled::Transactional;
use sled::transaction::{ConflictableTransactionError, TransactionError, TransactionalTree};

use crate::error::{Error, ErrorKind};
use crate::format::{Counter, Document, Pieces, Stored, compress, frame, store_plain};
use crate::pace;
use crate::table::{Table, Tables};

/// Bytes below which a document is stored as it is: a contact of 330 would become 270, at the price of a longer one.
const SHORT: usize = 400;

/// Collects the writes of one request; later reads of the same request see them.
///
/// Nothing is stored before [`Draft::commit`], which stores all of it or nothing.
/// Only the committer thread makes drafts, so what a draft has read cannot change under it.
pub(crate) struct Draft<'a> {
    tables: &'a Tables,
    writes: BTreeMap<Table, BTreeMap<Vec<u8>, Write>>,
    announcement: Option<(ConnectionId, u64)>,
    slice: usize,
}

/// What is about to be written under a key.
struct Write {
    /// The value; none removes it.
    value: Option<Vec<u8>>,
    /// Whether the tables have nothing there so far, not even pieces.
    fresh: bool,
}

/// One write to one sled tree.
struct Put {
    table: Table,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(tables: &'a Tables) -> Self {
        Self {
            tables,
            writes: BTreeMap::new(),
            announcement: None,
            slice: pace::MOST,
        }
    }

    /// The same for a slice of that many records, where it is one of something long.
    pub(crate) fn of_slice(self, records: usize) -> Self {
        Self {
            slice: records,
            ..self
        }
    }

    /// How many records of something long it should take in.
    pub(crate) fn slice(&self) -> usize {
        self.slice
    }

    /// The tables without the draft's own writes.
    pub(crate) fn tables(&self) -> &'a Tables {
        self.tables
    }

    pub(crate) fn get<T: Stored>(&self, table: Table, key: &[u8]) -> Result<Option<T>, Error> {
        match self.written(table, key).map(|write| &write.value) {
            Some(Some(value)) => frame::open_as(table, value).map(Some),
            Some(None) => Ok(None),
            None => self.tables.get(table, key),
        }
    }

    pub(crate) fn contains(&self, table: Table, key: &[u8]) -> Result<bool, Error> {
        match self.written(table, key) {
            Some(write) => Ok(write.value.is_some()),
            None => self.tables.contains(table, key),
        }
    }

    /// Whether there is any key that begins so.
    pub(crate) fn any_below(&self, table: Table, prefix: &[u8]) -> Result<bool, Error> {
        let writes = self.writes.get(&table).into_iter();
        let mut written = writes
            .flat_map(|writes| writes.range(prefix.to_vec()..))
            .take_while(|(key, _)| key.starts_with(prefix));
        if written.any(|(_, write)| write.value.is_some()) {
            return Ok(true);
        }
        for entry in self.tables.scan(table, prefix) {
            if self.written(table, &entry?.0).is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(crate) fn put<T: Stored>(&mut self, table: Table, key: Vec<u8>, value: &T) {
        let framed = frame::seal(T::VERSION, &value.to_payload());
        self.write(table, key, Some(framed), false);
    }

    /// Stores a value under a key that the tables have not: nobody need look for pieces of a former one.
    pub(crate) fn put_new<T: Stored>(&mut self, table: Table, key: Vec<u8>, value: &T) {
        let framed = frame::seal(T::VERSION, &value.to_payload());
        self.write(table, key, Some(framed), true);
    }

    /// Stores a document that [`Draft::pack`] has packed; `new` under a key that the tables have not.
    pub(crate) fn put_document(&mut self, table: Table, key: Vec<u8>, packed: &[u8], new: bool) {
        let framed = frame::seal(Document::VERSION, packed);
        self.write(table, key, Some(framed), new);
    }

    /// The frame of a document, compressed unless the store was opened without or it is too short to gain by it.
    pub(crate) fn pack(&self, raw: &str) -> Vec<u8> {
        if self.tables.compress() && raw.len() >= SHORT {
            compress(raw.as_bytes())
        } else {
            store_plain(raw.as_bytes())
        }
    }

    /// Stores a key without a value.
    pub(crate) fn mark(&mut self, table: Table, key: Vec<u8>) {
        self.write(table, key, Some(Vec::new()), false);
    }

    pub(crate) fn remove(&mut self, table: Table, key: Vec<u8>) {
        self.write(table, key, None, false);
    }

    /// What was written before in the same draft says whether the tables have something there.
    fn write(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>, fresh: bool) {
        match self.writes.entry(table).or_default().entry(key) {
            Entry::Occupied(mut before) => before.get_mut().value = value,
            Entry::Vacant(place) => drop(place.insert(Write { value, fresh })),
        }
    }

    fn written(&self, table: Table, key: &[u8]) -> Option<&Write> {
        self.writes.get(&table)?.get(key)
    }

    /// Reads a counter; 0 when it is not there.
    pub(crate) fn count(&self, table: Table, key: &[u8]) -> Result<u64, Error> {
        Ok(self.get::<Counter>(table, key)?.unwrap_or_default().0)
    }

    /// Refuses when the connection does not exist, no longer, or is disconnected.
    pub(crate) fn require_connection(&self, connection: ConnectionId) -> Result<(), Error> {
        let settings: Option<Connection> = self.get(Table::Connections, connection.as_bytes())?;
        match settings {
            Some(settings) if settings.disconnected.is_none() => Ok(()),
            _ => Err(Error::not_found("connection")),
        }
    }

    /// Refuses when the connection does not exist, or no longer; one that is disconnected does.
    pub(crate) fn require_kept(&self, connection: ConnectionId) -> Result<(), Error> {
        match self.contains(Table::Connections, connection.as_bytes())? {
            true => Ok(()),
            false => Err(Error::not_found("connection")),
        }
    }

    /// Has the last change number told to whoever watches, once it is durable.
    pub(crate) fn announce(&mut self, connection: ConnectionId, sequence: u64) {
        self.announcement = Some((connection, sequence));
    }

    pub(crate) fn announcement(&self) -> Option<(ConnectionId, u64)> {
        self.announcement
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Every place that is about to be written.
    pub(crate) fn touched(&self) -> impl Iterator<Item = (Table, &[u8])> {
        self.writes
            .iter()
            .flat_map(|(table, writes)| writes.keys().map(|key| (*table, key.as_slice())))
    }

    /// The tables that are about to be written.
    pub(crate) fn touched_tables(&self) -> impl Iterator<Item = Table> {
        self.writes.keys().copied()
    }

    /// Throws the writes away.
    pub(crate) fn discard(&mut self) {
        self.writes.clear();
        self.announcement = None;
    }

    /// Applies the writes as one transaction.
    pub(crate) fn commit(self) -> Result<(), Error> {
        let tables = self.tables;
        let mut puts = Vec::with_capacity(self.writes.values().map(BTreeMap::len).sum());
        for (table, writes) in self.writes {
            for (key, write) in writes {
                split(tables, table, key, write, &mut puts)?;
            }
        }
        let by_stage = puts.iter().filter(|put| put.table == Table::ByStage);
        let by_stage = by_stage.map(|put| (put.key.as_slice(), put.value.is_some()));
        let moves = tables.stage_counts().begin(tables, by_stage)?;
        let applied = apply(tables, &puts);
        tables.stage_counts().end(moves, applied.is_ok());
        applied?;
        let candidacies = puts.iter().filter(|put| put.table == Table::Candidacies);
        tables
            .recent()
            .forget(candidacies.map(|put| put.key.as_slice()));
        Ok(())
    }
}

/// Cuts a long value into pieces, and removes the pieces a former value leaves over.
fn split(
    tables: &Tables,
    table: Table,
    key: Vec<u8>,
    write: Write,
    puts: &mut Vec<Put>,
) -> Result<(), Error> {
    let before = if write.fresh || !table.has_long_values() {
        0
    } else {
        tables.pieces(table, &key)?
    };
    let (value, pieces) = match write.value {
        Some(value) if value.len() > Pieces::SIZE => {
            let (head, pieces) = Pieces::cut(&value);
            (Some(head), pieces)
        }
        value => (value, Vec::new()),
    };
    let after = u32::try_from(pieces.len())
        .map_err(|_| Error::new(ErrorKind::Invalid, "the value is too long to store"))?;
    for (number, piece) in (0..).zip(pieces) {
        puts.push(Put {
            table: Table::Pieces,
            key: Pieces::key(table, &key, number),
            value: Some(piece),
        });
    }
    for number in after..before {
        puts.push(Put {
            table: Table::Pieces,
            key: Pieces::key(table, &key, number),
            value: None,
        });
    }
    puts.push(Put { table, key, value });
    Ok(())
}

fn apply(tables: &Tables, puts: &[Put]) -> Result<(), Error> {
    tables.health().check()?;
    // Only the trees that are written take part: a transaction costs something for each.
    let touched: BTreeSet<Table> = puts.iter().map(|put| put.table).collect();
    let touched: Vec<Table> = touched.into_iter().collect();
    let trees: Vec<&sled::Tree> = touched.iter().map(|table| tables.tree(*table)).collect();
    let outcome = trees[..].transaction(|views| write(&touched, views, puts));
    outcome.map_err(|error| match error {
        TransactionError::Abort(()) => tables.health().fail("a transaction was aborted"),
        TransactionError::Storage(error) => tables.health().fail_of_sled(error),
    })
}

/// sled may run this more than once: it only puts. The views are those of the tables, in their order.
fn write(
    tables: &[Table],
    views: &[TransactionalTree],
    puts: &[Put],
) -> Result<(), ConflictableTransactionError<()>> {
    for Put { table, key, value } in puts {
        let at = tables
            .binary_search(table)
            .expect("the tables are those of the puts");
        let view = &views[at];
        match value {
            Some(value) => view.insert(key.as_slice(), value.as_slice())?,
            None => view.remove(key.as_slice())?,
        };
    }
    Ok(())
}
