//! When the lists of a connection are walked, where that differs from the service's own schedule.

use std::collections::BTreeMap;

use domain::{ConnectionId, Listing, Schedule};

use crate::error::Error;
use crate::format::key;
use crate::store::Store;
use crate::table::Table;

impl Store {
    /// Sets the schedule of a listing; none goes back to the service's own.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection.
    pub async fn set_schedule(
        &self,
        connection: ConnectionId,
        listing: Listing,
        schedule: Option<Schedule>,
    ) -> Result<(), Error> {
        self.commit(move |draft| {
            draft.require_connection(connection)?;
            let key = key::listing(connection, listing);
            match &schedule {
                Some(schedule) => draft.put(Table::Schedules, key, schedule),
                None => draft.remove(Table::Schedules, key),
            }
            Ok(())
        })
        .await
    }

    /// The schedules that were set.
    ///
    /// # Errors
    /// As every read.
    pub async fn schedules(
        &self,
        connection: ConnectionId,
    ) -> Result<BTreeMap<Listing, Schedule>, Error> {
        let mut schedules = BTreeMap::new();
        for listing in Listing::ALL {
            let key = key::listing(connection, *listing);
            if let Some(schedule) = self.tables().get(Table::Schedules, &key)? {
                schedules.insert(*listing, schedule);
            }
        }
        Ok(schedules)
    }
}
