//! Removing EEO responses as a whole.

use domain::{ConnectionId, Stream};

use crate::draft::Draft;
use crate::error::Error;
use crate::format::key;
use crate::quarantine;
use crate::store::Store;
use crate::table::Table;

/// How many keys one transaction removes.
const STEP: usize = 1000;

impl Store {
    /// Removes every EEO response of a connection, and where their pull stands; for when the stream is switched off.
    ///
    /// Nothing of them stays but the numbers of their changes, until those are pruned.
    /// Done in several transactions; ask again after an interruption.
    ///
    /// # Errors
    /// As every write.
    pub async fn remove_eeo(&self, connection: ConnectionId) -> Result<(), Error> {
        while self.commit(move |draft| step(draft, connection)).await? {}
        Ok(())
    }
}

/// Removes some of what is left; false when that was all.
fn step(draft: &mut Draft<'_>, connection: ConnectionId) -> Result<bool, Error> {
    let prefix = key::stream(connection, Stream::EeoResponses);
    let mut room = STEP;
    let tables = [
        Table::EeoDocuments,
        Table::EeoHeads,
        Table::EeoCounts,
        Table::Quarantine,
        // The listing of the responses has their tag.
        Table::Listings,
    ];
    for table in tables {
        let keys: Vec<_> = draft
            .tables()
            .scan(table, &prefix)
            .take(room)
            .collect::<Result<_, _>>()?;
        room -= keys.len();
        for (key, _value) in keys {
            match table {
                Table::Quarantine => quarantine::discard(draft, connection, key)?,
                table => draft.remove(table, key),
            }
        }
        if room == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
