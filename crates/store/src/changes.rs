//! Numbered changes of a connection.

use domain::{Change, ConnectionId};

use crate::error::{Error, ErrorKind};
use crate::format::{ChangeBlock, Counter, key};
use crate::store::Store;
use crate::table::Table;

impl Store {
    /// Lists up to `limit` changes after the number `after`, in order and without gaps.
    ///
    /// Changes are kept for seven days.
    ///
    /// # Errors
    /// [`ErrorKind::ResumeExpired`] when some of those after `after` are pruned already.
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
                return Err(expired());
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

fn expired() -> Error {
    Error::new(
        ErrorKind::ResumeExpired,
        "changes are kept for seven days, and some after this place are gone: begin again from the present state",
    )
}
