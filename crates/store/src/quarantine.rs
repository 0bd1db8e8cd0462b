//! Records of Lever's that could not be read.

use std::fmt;

use domain::{ConnectionId, Stream};
use lever::Timestamp;

use crate::draft::Draft;
use crate::error::Error;
use crate::format::{digest, key};
use crate::store::Store;
use crate::table::Table;

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

impl Store {
    /// Lists up to `limit` quarantined records, by stream.
    ///
    /// # Errors
    /// As every read.
    pub async fn quarantined(
        &self,
        connection: ConnectionId,
        limit: usize,
    ) -> Result<Vec<Quarantined>, Error> {
        let prefix = key::connection(connection);
        self.read(move |tables| {
            tables
                .values(Table::Quarantine, &prefix)
                .take(limit)
                .collect()
        })
        .await
    }
}

/// Keeps a record; false when the very same one is there already.
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
    draft.put(Table::Quarantine, key, record);
    Ok(true)
}
