//! Reading the store as it was at one commit, while writing goes on.
//!
//! sled has no such reads. So the committer, before it replaces or removes a value, hands what was there to every open
//! view that may still need it. A view reads the tables first and what it was handed second: whatever a commit made of
//! a value in between, the second is what counts. A view that reads in order lets go of what it has passed;
//! one whose writers hand over too much ends with an error rather than fill the memory.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::draft::Draft;
use crate::error::{Error, ErrorKind};
use crate::format::{Pieces, Stored, frame};
use crate::table::{Entry, Table, Tables};

/// How many bytes of former values and their keys a view holds at most.
const MOST_HELD: usize = 256 << 20;
/// What an entry costs in memory beside its bytes, more or less.
const ENTRY_COST: usize = 128;
/// How many entries are read at a time.
const CHUNK: usize = 256;

/// A key with its value as it was put, its pieces joined; or why that cannot be read.
pub(crate) type Found = (Vec<u8>, Result<Vec<u8>, Error>);

/// How a view is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Table after table, in the order of their keys, each once.
    Forward,
    /// Any value, at any time.
    Any,
}

/// The store as it was at one commit.
#[derive(Debug)]
pub(crate) struct View {
    tables: Arc<Tables>,
    /// What commits replaced since; none where nobody writes.
    before: Option<Arc<Before>>,
    order: Order,
}

impl View {
    /// A view of tables that nobody writes to.
    pub(crate) fn still(tables: Arc<Tables>) -> Self {
        Self {
            tables,
            before: None,
            order: Order::Any,
        }
    }

    /// The entries of a table, in the order of their keys.
    pub(crate) fn entries(&self, table: Table) -> Entries<'_> {
        Entries {
            view: self,
            table,
            read: VecDeque::new(),
            after: None,
            ended: false,
        }
    }

    /// The tables as they are now.
    pub(crate) fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Reads one value as it was put, its pieces joined.
    pub(crate) fn load(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let present = self.tables.load(table, key);
        match self.former(table, key)? {
            Some(former) => Ok(former),
            None => present,
        }
    }

    /// Reads one value.
    pub(crate) fn get<T: Stored>(&self, table: Table, key: &[u8]) -> Result<Option<T>, Error> {
        self.load(table, key)?
            .map(|value| frame::open_as(table, &value))
            .transpose()
    }

    /// Whether a key was there.
    pub(crate) fn contains(&self, table: Table, key: &[u8]) -> Result<bool, Error> {
        let present = self.tables.contains(table, key);
        match self.former(table, key)? {
            Some(former) => Ok(former.is_some()),
            None => present,
        }
    }

    /// What a commit replaced at this key since; none where it is as it was.
    fn former(&self, table: Table, key: &[u8]) -> Result<Option<Option<Vec<u8>>>, Error> {
        let Some(before) = &self.before else {
            return Ok(None);
        };
        let state = before.lock();
        state.check()?;
        Ok(state.values.get(&(table, key.to_vec())).cloned())
    }

    /// The next entries after a key, and where to go on; no place when those were the last.
    fn chunk(
        &self,
        table: Table,
        after: Option<&[u8]>,
    ) -> Result<(VecDeque<Found>, Option<Vec<u8>>), Error> {
        let present = match after {
            None => self.tables.scan(table, &[]),
            Some(after) => self.tables.scan_after(table, &[], after),
        };
        let mut found = BTreeMap::new();
        for entry in present.take(CHUNK) {
            let (key, value) = self.joined(table, entry)?;
            found.insert(key, value);
        }
        let full = found.len() == CHUNK;
        let last = found.last_key_value().map(|(key, _)| key.clone());
        let last = last.filter(|_| full);
        if let Some(before) = &self.before {
            let mut state = before.lock();
            state.check()?;
            for (key, value) in state.between(table, after, last.as_deref()) {
                found.insert(key.to_vec(), Ok(value.cloned()));
            }
            if self.order == Order::Forward {
                state.pass(table, last.clone());
            }
        }
        let whole = |(key, value): (Vec<u8>, Result<Option<Vec<u8>>, Error>)| match value {
            Ok(value) => value.map(|value| (key, Ok(value))),
            Err(error) => Some((key, Err(error))),
        };
        Ok((found.into_iter().filter_map(whole).collect(), last))
    }

    /// A scanned entry with its pieces; an error that concerns this value alone is its value.
    #[expect(
        clippy::type_complexity,
        reason = "a key, and what became of reading it"
    )]
    fn joined(
        &self,
        table: Table,
        entry: Result<Entry, Error>,
    ) -> Result<(Vec<u8>, Result<Option<Vec<u8>>, Error>), Error> {
        let (key, value) = entry?;
        let whole = match Pieces::read(table, &value) {
            _ if table == Table::Pieces => Ok(Some(value)),
            Ok(None) => Ok(Some(value)),
            Ok(Some(_)) => self.tables.load(table, &key),
            Err(error) => Err(error),
        };
        match whole {
            Err(error) if *error.kind() != ErrorKind::Corrupt => Err(error),
            whole => Ok((key, whole)),
        }
    }
}

/// An iterator over the entries of a table.
pub(crate) struct Entries<'a> {
    view: &'a View,
    table: Table,
    read: VecDeque<Found>,
    after: Option<Vec<u8>>,
    ended: bool,
}

impl Iterator for Entries<'_> {
    type Item = Result<Found, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.read.is_empty() && !self.ended {
            match self.view.chunk(self.table, self.after.as_deref()) {
                Ok((read, after)) => {
                    self.read = read;
                    self.ended = after.is_none();
                    self.after = after;
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        self.read.pop_front().map(Ok)
    }
}

/// The views that are open.
#[derive(Debug, Default)]
pub(crate) struct Views {
    open: Mutex<Vec<Weak<Before>>>,
}

impl Views {
    /// Opens a view of the tables of `scope` as they are now. Only the committer may, between two commits.
    pub(crate) fn open(&self, tables: Arc<Tables>, scope: fn(Table) -> bool, order: Order) -> View {
        let before = Arc::new(Before {
            scope,
            state: Mutex::default(),
        });
        self.lock().push(Arc::downgrade(&before));
        View {
            tables,
            before: Some(before),
            order,
        }
    }

    /// Hands what a draft is about to replace to the views that may need it.
    pub(crate) fn keep(&self, draft: &Draft<'_>) {
        let mut open = self.lock();
        open.retain(|view| view.strong_count() > 0);
        for view in open.iter().filter_map(Weak::upgrade) {
            for (table, key) in draft.touched() {
                view.keep(draft.tables(), table, key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Before>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What commits replaced since a view was opened.
#[derive(Debug)]
struct Before {
    scope: fn(Table) -> bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What was at a key; none where nothing was.
    values: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
    bytes: usize,
    /// The table that is being read, and how far; all of it without a key. Nothing up to there is needed any more.
    passed: Option<(Table, Option<Vec<u8>>)>,
    /// Why the view cannot be read to its end.
    failed: Option<&'static str>,
}

impl Before {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, tables: &Tables, table: Table, key: &[u8]) {
        let mut state = self.lock();
        if !(self.scope)(table) || state.failed.is_some() || state.has_passed(table, key) {
            return;
        }
        let place = (table, key.to_vec());
        if state.values.contains_key(&place) {
            return;
        }
        match tables.load(table, key) {
            Ok(value) => state.hold(place, value),
            Err(_) => state.fail("a damaged value was replaced while the store was read"),
        }
    }
}

impl State {
    fn check(&self) -> Result<(), Error> {
        match self.failed {
            None => Ok(()),
            Some(why) => Err(Error::new(ErrorKind::Outrun, why)),
        }
    }

    fn fail(&mut self, why: &'static str) {
        self.failed = Some(why);
        self.values.clear();
        self.bytes = 0;
    }

    fn hold(&mut self, place: (Table, Vec<u8>), value: Option<Vec<u8>>) {
        self.bytes += cost(&place.1, value.as_deref());
        self.values.insert(place, value);
        if self.bytes > MOST_HELD {
            self.fail(
                "the store changed faster than it could be read: try again when less is written",
            );
        }
    }

    fn has_passed(&self, table: Table, key: &[u8]) -> bool {
        match &self.passed {
            None => false,
            Some((at, _)) if table != *at => table < *at,
            Some((_, None)) => true,
            Some((_, Some(last))) => key <= last.as_slice(),
        }
    }

    /// What was replaced in a table between two keys, the second included; to its end without one.
    fn between(
        &self,
        table: Table,
        after: Option<&[u8]>,
        last: Option<&[u8]>,
    ) -> impl Iterator<Item = (&[u8], Option<&Vec<u8>>)> {
        let lower = match after {
            None => Bound::Included((table, Vec::new())),
            Some(after) => Bound::Excluded((table, after.to_vec())),
        };
        self.values
            .range((lower, Bound::Unbounded))
            .take_while(move |((of, key), _)| {
                *of == table && last.is_none_or(|last| &key[..] <= last)
            })
            .map(|((_, key), value)| (&key[..], value.as_ref()))
    }

    /// Lets go of what has been read.
    fn pass(&mut self, table: Table, last: Option<Vec<u8>>) {
        self.passed = Some((table, last));
        while let Some(first) = self.values.first_entry() {
            let (of, key) = first.key();
            let needed = match &self.passed {
                Some((at, last)) => {
                    of > at || (of == at && last.as_ref().is_some_and(|last| key > last))
                }
                None => true,
            };
            if needed {
                return;
            }
            let ((_, key), value) = first.remove_entry();
            self.bytes -= cost(&key, value.as_deref());
        }
    }
}

fn cost(key: &[u8], value: Option<&[u8]>) -> usize {
    ENTRY_COST + key.len() + value.map_or(0, <[u8]>::len)
}
