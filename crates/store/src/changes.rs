//! Numbered changes of a connection.

use domain::{Change, ConnectionId};

use crate::error::Error;
use crate::format::{Counter, key};
use crate::store::Store;
use crate::table::Table;

impl Store {
    /// Lists up to `limit` changes after the number `after`, in order and without gaps.
    ///
    /// # Errors
    /// As every read.
    pub async fn changes(
        &self,
        connection: ConnectionId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Change>, Error> {
        let prefix = key::connection(connection);
        let from = key::change(connection, after);
        self.read(move |tables| {
            let entries = tables
                .scan_after(Table::Changes, &prefix, &from)
                .take(limit);
            entries
                .filter_map(|entry| tables.value(Table::Changes, entry).transpose())
                .collect()
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
