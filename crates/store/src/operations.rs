//! Operations: what was asked of Lever, kept until it is settled and after.

use std::time::Duration;

use domain::operation::State;
use domain::{ConnectionId, Operation, OperationId, Write};
use lever::OpportunityId;

use crate::draft::Draft;
use crate::error::Error;
use crate::format::{KeptOperation, Owner, key};
use crate::ours;
use crate::pull::{self, Applied, Refresh};
use crate::store::Store;
use crate::table::{Entry, Table, Tables};

/// What came of recording an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recording {
    /// It is recorded.
    New(Operation),
    /// The same was asked before under this request id: that operation as it stands now.
    Existing(Operation),
    /// Something else was asked before under this request id; nothing was written.
    Mismatch {
        /// What was asked before.
        existing: Operation,
    },
}

impl Store {
    /// Records an operation, unless its request id was used within `keep` before it was made.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection,
    /// [`ErrorKind::AlreadyExists`](crate::ErrorKind::AlreadyExists) for an operation id that is taken,
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for an empty or overlong request id.
    pub async fn record_operation(
        &self,
        operation: Operation,
        keep: Duration,
    ) -> Result<Recording, Error> {
        self.commit_urgently(move |draft| {
            draft.require_connection(operation.connection)?;
            match asked_before(draft, &operation, keep)? {
                Some(existing) if existing.digest == operation.digest => {
                    Ok(Recording::Existing(existing))
                }
                Some(existing) => Ok(Recording::Mismatch { existing }),
                None => insert(draft, &operation).map(|()| Recording::New(operation)),
            }
        })
        .await
    }

    /// Records a bulk and its items, all or nothing, unless the request id was used within `keep` before.
    ///
    /// An item has no request id of its own: that of its bulk stands for it.
    ///
    /// # Errors
    /// As [`Store::record_operation`].
    pub async fn record_bulk(
        &self,
        bulk: Operation,
        items: Vec<Operation>,
        keep: Duration,
    ) -> Result<Recording, Error> {
        self.commit_urgently(move |draft| {
            draft.require_connection(bulk.connection)?;
            match asked_before(draft, &bulk, keep)? {
                Some(existing) if existing.digest == bulk.digest => {
                    return Ok(Recording::Existing(existing));
                }
                Some(existing) => return Ok(Recording::Mismatch { existing }),
                None => insert(draft, &bulk)?,
            }
            for item in &items {
                insert(draft, item)?;
            }
            Ok(Recording::New(bulk))
        })
        .await
    }

    /// Reads the items of a bulk, in order.
    ///
    /// # Errors
    /// As every read.
    pub async fn items(
        &self,
        connection: ConnectionId,
        bulk: OperationId,
    ) -> Result<Vec<Operation>, Error> {
        self.read(move |tables| items_of(tables, connection, bulk).collect())
            .await
    }

    /// Stores the next revision of an operation; one that is settled is no longer open.
    ///
    /// A bulk settles after its items, and is opened again before one of them.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) unless the stored revision is one less, for a bulk that
    /// would settle while an item is open, and for an item that would open while its bulk has settled;
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound).
    pub async fn save_operation(&self, operation: Operation) -> Result<(), Error> {
        let saved = operation.clone();
        let save = move |draft: &mut Draft<'_>| save(draft, &operation);
        match (saved.state.settled(), saved.parent) {
            // One that ends lets its files go.
            (true, _) => self.commit_vitally(save).await?,
            // Somebody may wait for its call to Lever, before which it is stored that it is made.
            (false, None) => self.commit_urgently(save).await?,
            (false, Some(_)) => self.commit(save).await?,
        }
        self.let_go(&saved);
        Ok(())
    }

    /// Stores the next revision of an operation together with records read after it, all or nothing.
    ///
    /// # Errors
    /// As [`Store::save_operation`] and [`Store::apply_refresh`].
    pub async fn save_operation_with(
        &self,
        operation: Operation,
        refresh: Refresh,
    ) -> Result<Applied, Error> {
        let saved = operation.clone();
        let work = move |draft: &mut Draft<'_>| {
            save(draft, &operation)?;
            pull::apply_refresh(draft, &refresh)
        };
        let applied = self.commit(work).await?;
        self.let_go(&saved);
        Ok(applied)
    }

    /// Reads the operation that a request id stands for, however long ago it was recorded.
    ///
    /// # Errors
    /// As every read.
    pub async fn operation_by_request(
        &self,
        connection: ConnectionId,
        request_id: &str,
    ) -> Result<Option<Operation>, Error> {
        let Ok(key) = key::request_id(connection, request_id) else {
            return Ok(None);
        };
        match self.tables().get(Table::RequestIds, &key)? {
            Some(Owner(id)) => {
                self.operation(connection, OperationId::from_bytes(id))
                    .await
            }
            None => Ok(None),
        }
    }

    /// Reads an operation.
    ///
    /// # Errors
    /// As every read.
    pub async fn operation(
        &self,
        connection: ConnectionId,
        id: OperationId,
    ) -> Result<Option<Operation>, Error> {
        load(self.tables(), &key::operation(connection, id))
    }

    /// Lists the operations that are not settled, the oldest first.
    ///
    /// # Errors
    /// As every read.
    pub async fn open_operations(&self, connection: ConnectionId) -> Result<Vec<Operation>, Error> {
        self.marked(Table::OpenOperations, connection).await
    }

    /// Lists the operations that are uncertain, the oldest first; but for those that an earlier version has left so.
    ///
    /// # Errors
    /// As every read.
    pub async fn uncertain_operations(
        &self,
        connection: ConnectionId,
    ) -> Result<Vec<Operation>, Error> {
        self.marked(Table::UncertainOperations, connection).await
    }

    /// The operations of a connection that a table has a mark of, the oldest first.
    async fn marked(
        &self,
        table: Table,
        connection: ConnectionId,
    ) -> Result<Vec<Operation>, Error> {
        let prefix = key::connection(connection);
        self.read(move |tables| {
            let marked = tables.scan(table, &prefix);
            marked
                .filter_map(|entry| indexed(tables, connection, entry).transpose())
                .collect()
        })
        .await
    }

    /// Lists up to `limit` operations before the id `before`, the newest first; of one opportunity, or of all.
    ///
    /// # Errors
    /// As every read.
    pub async fn operations(
        &self,
        connection: ConnectionId,
        opportunity: Option<&OpportunityId>,
        before: Option<OperationId>,
        limit: usize,
    ) -> Result<Vec<Operation>, Error> {
        let (table, prefix) =
            match opportunity.map(|opportunity| key::opportunity(connection, opportunity)) {
                None => (Table::Operations, key::connection(connection)),
                Some(Ok(prefix)) => (Table::ByOpportunity, prefix),
                Some(Err(_never_stored)) => return Ok(Vec::new()),
            };
        self.read(move |tables| {
            let entries = match before {
                Some(before) => {
                    tables.scan_before(table, &prefix, &[&prefix, &before.as_bytes()[..]].concat())
                }
                None => tables.scan(table, &prefix),
            };
            let newest = entries.rev().take(limit);
            newest
                .filter_map(|entry| indexed(tables, connection, entry).transpose())
                .collect()
        })
        .await
    }
}

/// The items of a bulk, in order.
fn items_of(
    tables: &Tables,
    connection: ConnectionId,
    bulk: OperationId,
) -> impl Iterator<Item = Result<Operation, Error>> {
    let prefix = key::connection(connection);
    let after = key::operation(connection, bulk.item(0));
    let last = key::operation(connection, bulk.item(u16::MAX));
    tables
        .scan_after(Table::Operations, &prefix, &after)
        .take_while(move |entry| entry.as_ref().map_or(true, |(key, _)| key[..] <= last[..]))
        .filter_map(|entry| scanned(tables, entry).transpose())
        .filter(move |item: &Result<Operation, Error>| {
            item.as_ref().map_or(true, |item| item.parent == Some(bulk))
        })
}

/// The operation whose id ends the key of an index entry.
fn indexed(
    tables: &Tables,
    connection: ConnectionId,
    entry: Result<Entry, Error>,
) -> Result<Option<Operation>, Error> {
    let (key, _value) = entry?;
    let id = key::last_operation(&key).ok_or_else(|| Error::corrupt(Table::Operations))?;
    load(tables, &key::operation(connection, id))
}

/// Reads the operation of a key.
pub(crate) fn load(tables: &Tables, key: &[u8]) -> Result<Option<Operation>, Error> {
    opened(tables, key, tables.get(Table::Operations, key)?)
}

/// The same as the draft has it.
pub(crate) fn drafted(draft: &Draft<'_>, key: &[u8]) -> Result<Option<Operation>, Error> {
    opened(draft.tables(), key, draft.get(Table::Operations, key)?)
}

/// The operation of a scanned entry; none when it was removed since.
fn scanned(tables: &Tables, entry: Result<Entry, Error>) -> Result<Option<Operation>, Error> {
    let (key, value) = entry?;
    let kept = tables.value(Table::Operations, Ok((key.clone(), value)))?;
    opened(tables, &key, kept)
}

fn opened(
    tables: &Tables,
    key: &[u8],
    kept: Option<KeptOperation>,
) -> Result<Option<Operation>, Error> {
    let Some(kept) = kept else {
        return Ok(None);
    };
    kept.open(tables.sealer()?, key).map(Some)
}

fn asked_before(
    draft: &Draft<'_>,
    operation: &Operation,
    keep: Duration,
) -> Result<Option<Operation>, Error> {
    let key = key::request_id(operation.connection, &operation.request_id)?;
    let Some(Owner(id)) = draft.get(Table::RequestIds, &key)? else {
        return Ok(None);
    };
    let key = key::operation(operation.connection, OperationId::from_bytes(id));
    let existing = drafted(draft, &key)?;
    Ok(existing.filter(|existing| operation.created_at.since(existing.created_at) <= keep))
}

fn insert(draft: &mut Draft<'_>, operation: &Operation) -> Result<(), Error> {
    let Operation { connection, id, .. } = *operation;
    let key = key::operation(connection, id);
    if draft.contains(Table::Operations, &key)? {
        return Err(Error::already_exists("operation id", id));
    }
    if operation.parent.is_none() {
        let request_id = key::request_id(connection, &operation.request_id)?;
        draft.put(Table::RequestIds, request_id, &Owner(*id.as_bytes()));
    }
    mark_opportunity(draft, operation)?;
    put(draft, key, operation)
}

/// Has the operation found by its opportunity.
fn mark_opportunity(draft: &mut Draft<'_>, operation: &Operation) -> Result<(), Error> {
    let Operation { connection, id, .. } = *operation;
    // Some are about no opportunity, such as a change of a posting.
    if !operation.opportunity.as_str().is_empty() {
        let by_opportunity = key::opportunity_entry(connection, &operation.opportunity, id)?;
        draft.mark(Table::ByOpportunity, by_opportunity);
    }
    Ok(())
}

fn save(draft: &mut Draft<'_>, operation: &Operation) -> Result<(), Error> {
    let key = key::operation(operation.connection, operation.id);
    let stored = drafted(draft, &key)?.ok_or_else(|| Error::not_found("operation"))?;
    if stored.revision.checked_add(1) != Some(operation.revision) {
        return Err(Error::conflict("operation"));
    }
    check_bulk(draft, &stored, operation)?;
    // One that makes an opportunity, or finds it, is about it from then on.
    if stored.opportunity != operation.opportunity {
        mark_opportunity(draft, operation)?;
    }
    ours::learn(draft, &stored, operation)?;
    put(draft, key, operation)
}

/// Refuses a bulk that would settle while an item is open, and an item that would open while its bulk has settled.
///
/// Every save is a commit of its own, and looks at the tables as they are: no two can pass each other.
fn check_bulk(draft: &Draft<'_>, stored: &Operation, next: &Operation) -> Result<(), Error> {
    let (settles, opens) = match (stored.state.settled(), next.state.settled()) {
        (false, true) => (true, false),
        (true, false) => (false, true),
        _ => return Ok(()),
    };
    if settles && matches!(next.write, Write::Bulk(_)) {
        for item in items_of(draft.tables(), next.connection, next.id) {
            if !item?.state.settled() {
                return Err(Error::conflict("bulk"));
            }
        }
    }
    if let Some(bulk) = next.parent.filter(|_| opens) {
        let key = key::operation(next.connection, bulk);
        let bulk = drafted(draft, &key)?;
        if bulk.is_some_and(|bulk| bulk.state.settled()) {
            return Err(Error::conflict("bulk"));
        }
    }
    Ok(())
}

/// Removes an operation that has settled, with what finds it; its request id goes by itself, after seven days.
pub(crate) fn remove(draft: &mut Draft<'_>, operation: &Operation) -> Result<(), Error> {
    let Operation { connection, id, .. } = *operation;
    if !operation.opportunity.as_str().is_empty() {
        let by_opportunity = key::opportunity_entry(connection, &operation.opportunity, id)?;
        draft.remove(Table::ByOpportunity, by_opportunity);
    }
    let key = key::operation(connection, id);
    draft.remove(Table::UncertainOperations, key.clone());
    draft.remove(Table::Operations, key);
    Ok(())
}

/// Seals an operation and puts it, and has it found by how it stands.
pub(crate) fn put(draft: &mut Draft<'_>, key: Vec<u8>, operation: &Operation) -> Result<(), Error> {
    let kept = KeptOperation::seal(draft.tables().sealer()?, &key, operation)?;
    draft.put(Table::Operations, key.clone(), &kept);
    let state = &operation.state;
    for (table, marked) in [
        (Table::OpenOperations, !state.settled()),
        (
            Table::UncertainOperations,
            matches!(state, State::Uncertain(_)),
        ),
    ] {
        match marked {
            true => draft.mark(table, key.clone()),
            false => draft.remove(table, key.clone()),
        }
    }
    Ok(())
}
