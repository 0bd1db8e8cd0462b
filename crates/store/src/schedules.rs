//! When the streams of a connection are pulled, where that differs from the service's own schedule.

use std::collections::BTreeMap;

use domain::{ConnectionId, Schedule, Stream};

use crate::error::Error;
use crate::format::key;
use crate::store::Store;
use crate::table::Table;

impl Store {
    /// Sets the schedule of a stream; none goes back to the service's own.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection.
    pub async fn set_schedule(
        &self,
        connection: ConnectionId,
        stream: Stream,
        schedule: Option<Schedule>,
    ) -> Result<(), Error> {
        self.commit(move |draft| {
            draft.require_connection(connection)?;
            let key = key::stream(connection, stream);
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
    ) -> Result<BTreeMap<Stream, Schedule>, Error> {
        let mut schedules = BTreeMap::new();
        for stream in Stream::ALL {
            let key = key::stream(connection, *stream);
            if let Some(schedule) = self.tables().get(Table::Schedules, &key)? {
                schedules.insert(*stream, schedule);
            }
        }
        Ok(schedules)
    }
}
