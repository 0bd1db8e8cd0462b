//! Removing a connection with all its data, in bounded steps.

use domain::ConnectionId;

use crate::backup;
use crate::connect_links;
use crate::connections;
use crate::draft::Draft;
use crate::error::{Error, ErrorKind};
use crate::format::key;
use crate::store::Store;
use crate::table::Table;

/// How many keys one transaction removes.
const STEP: usize = 1000;

impl Store {
    /// Deletes a connection: the credential and the settings at once, then its data in every table.
    ///
    /// A deletion that was interrupted goes on when the store is opened again, or when it is asked for again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such connection.
    pub async fn delete_connection(&self, id: ConnectionId) -> Result<(), Error> {
        self.commit(move |draft| begin(draft, id)).await?;
        while self.commit(move |draft| step(draft, id)).await? {}
        Ok(())
    }

    /// Goes on with deletions that were interrupted. Blocks.
    pub(crate) fn resume_purges(&self) -> Result<(), Error> {
        for entry in self.tables().scan(Table::Purges, &[]).collect::<Vec<_>>() {
            let (key, _empty) = entry?;
            let bytes = key.try_into().map_err(|_| Error::corrupt(Table::Purges))?;
            self.resume_purge(ConnectionId::from_bytes(bytes))?;
        }
        Ok(())
    }

    fn resume_purge(&self, id: ConnectionId) -> Result<(), Error> {
        loop {
            match self.commit_blocking(move |draft| step(draft, id)) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                // It can wait for the next start, and reads must go on.
                Err(error) if *error.kind() == ErrorKind::DiskFull => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

fn begin(draft: &mut Draft<'_>, id: ConnectionId) -> Result<(), Error> {
    let key = key::connection(id);
    if draft.contains(Table::Purges, &key)? {
        return Ok(());
    }
    let stored = connections::stored(draft, id)?;
    connections::release_external_id(draft, &stored)?;
    connect_links::forget_those_of(draft, id)?;
    draft.remove(Table::Credentials, key.clone());
    draft.remove(Table::Connections, key.clone());
    draft.mark(Table::Purges, key);
    Ok(())
}

/// Removes some of what is left; false when that was all.
fn step(draft: &mut Draft<'_>, id: ConnectionId) -> Result<bool, Error> {
    let prefix = key::connection(id);
    let mut room = STEP;
    for table in Table::of_a_connection() {
        let keys: Vec<_> = draft
            .tables()
            .scan(table, &prefix)
            .take(room)
            .collect::<Result<_, _>>()?;
        room -= keys.len();
        for (key, _value) in keys {
            draft.remove(table, key);
        }
        if room == 0 {
            return Ok(true);
        }
    }
    draft.remove(Table::Purges, prefix);
    backup::outdate(draft)?;
    Ok(false)
}
