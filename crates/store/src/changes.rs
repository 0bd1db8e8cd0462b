//! Numbered changes of a connection.

use domain::{Change, ConnectionId, Event};
use lever::Timestamp;

use crate::draft::Draft;
use crate::error::{Error, ErrorKind};
use crate::format::{ChangeBlock, Counter, key};
use crate::store::Store;
use crate::table::Table;

/// Numbers what has happened and stores it; gives the number of the last change there is.
///
/// Once in a transaction at most: what happened in it has one value.
pub(crate) fn append(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    at: Timestamp,
    events: Vec<Event>,
) -> Result<u64, Error> {
    let last = draft.count(Table::Sequences, &key::connection(connection))?;
    let changes = (last + 1..).zip(events);
    let changes = changes.map(|(sequence, event)| Change {
        sequence,
        at,
        event,
    });
    let block = ChangeBlock(changes.collect());
    let Some(sequence) = block.last() else {
        return Ok(last);
    };
    let counter = Counter(sequence);
    draft.put_new(Table::Changes, key::change(connection, sequence), &block);
    draft.put(Table::Sequences, key::connection(connection), &counter);
    draft.announce(connection, sequence);
    Ok(sequence)
}

impl Store {
    /// Lists up to `limit` changes after the number `after`, in order and without gaps.
    ///
    /// Changes are kept as long as [`Retention::changes`](crate::Retention::changes).
    ///
    /// # Errors
    /// [`ErrorKind::ResumeExpired`] when some of those after `after` are pruned already, and when so many were never
    /// numbered, as after a store was restored from a backup.
    pub async fn changes(
        &self,
        connection: ConnectionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        let prefix = key::connection(connection);
        let from = key::change(connection, after);
        self.read(move |tables| {
            let mut found = Vec::new();
            for entry in tables.scan_after(Table::Changes, &prefix, &from) {
                let block: Option<ChangeBlock> = tables.value(Table::Changes, entry)?;
                let changes = block.into_iter().flat_map(|ChangeBlock(changes)| changes);
                let wanted = changes.filter(|change| change.sequence > after);
                found.extend(wanted.take(limit - found.len()));
                if found.len() == limit {
                    break;
                }
            }
            // Looked at last: what was pruned before has taken nothing of what was found.
            let floor: Option<Counter> = tables.get(Table::ChangeFloors, &prefix)?;
            if after < floor.unwrap_or_default().0 {
                return Err(expired(PRUNED));
            }
            let last: Option<Counter> = tables.get(Table::Sequences, &prefix)?;
            if after > last.unwrap_or_default().0 {
                return Err(expired(AHEAD));
            }
            Ok(found)
        })
        .await
    }

    /// The number of the last change; 0 before the first.
    ///
    /// # Errors
    /// As every read.
    pub async fn last_sequence(&self, connection: ConnectionId) -> Result<u64, Error> {
        let sequence: Option<Counter> = self
            .tables()
            .get(Table::Sequences, &key::connection(connection))?;
        Ok(sequence.unwrap_or_default().0)
    }
}

const PRUNED: &str = "changes are kept for seven days or as long as was set, and some after this place are gone: begin again from the present state";
const AHEAD: &str = "this place lies ahead of all changes, as after the store was restored from a backup: begin again from the present state";

fn expired(why: &'static str) -> Error {
    Error::new(ErrorKind::ResumeExpired, why)
}
