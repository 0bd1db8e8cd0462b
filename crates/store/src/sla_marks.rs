//! What has been told of each SLA, so that it is told once for each stay.

use domain::change::SlaEvent;
use domain::{Candidacy, ConnectionId, Event};
use lever::Timestamp;

use crate::changes;
use crate::error::Error;
use crate::format::{SlaTold, key};
use crate::store::Store;
use crate::table::{Table, Tables};

impl Store {
    /// Those of the SLA events that have not been told.
    ///
    /// # Errors
    /// As every read.
    pub async fn untold_sla_events(
        &self,
        connection: ConnectionId,
        events: Vec<SlaEvent>,
    ) -> Result<Vec<SlaEvent>, Error> {
        self.read(move |tables| {
            let mut untold = Vec::new();
            for event in events {
                let key = key::candidacy(connection, &event.opportunity)?;
                if !is_told(tables.get(Table::SlaMarks, &key)?, &event) {
                    untold.push(event);
                }
            }
            Ok(untold)
        })
        .await
    }

    /// Tells SLA events as numbered changes, in one transaction, and remembers that; gives how many those are.
    ///
    /// What was told of the same stay before is not told again, nor is anything of a candidacy that is not open.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection.
    pub async fn tell_sla_events(
        &self,
        connection: ConnectionId,
        events: Vec<SlaEvent>,
        now: Timestamp,
    ) -> Result<usize, Error> {
        self.commit(move |draft| {
            draft.require_connection(connection)?;
            let mut told = Vec::new();
            for event in events {
                let key = key::candidacy(connection, &event.opportunity)?;
                if is_told(draft.get(Table::SlaMarks, &key)?, &event)
                    || !is_open(draft.tables(), &key)?
                {
                    continue;
                }
                let mark = SlaTold {
                    entered_at: event.entered_at,
                    mark: event.mark,
                };
                draft.put(Table::SlaMarks, key, &mark);
                told.push(Event::Sla {
                    opportunity: event.opportunity,
                    mark: event.mark,
                });
            }
            let many = told.len();
            changes::append(draft, connection, now, told)?;
            Ok(many)
        })
        .await
    }
}

/// Whether the mark was told of this stay, or a later one.
fn is_told(told: Option<SlaTold>, event: &SlaEvent) -> bool {
    told.is_some_and(|told| told.entered_at == event.entered_at && told.mark >= event.mark)
}

fn is_open(tables: &Tables, key: &[u8]) -> Result<bool, Error> {
    let candidacy: Option<Candidacy> = tables.get(Table::Candidacies, key)?;
    Ok(candidacy.is_some_and(|candidacy| candidacy.active()))
}
