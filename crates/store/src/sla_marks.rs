//! What has been told of each SLA, so that it is told once for each stay, or once for each snooze.

use domain::change::{SlaEvent, SlaTurn};
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
                let told: Option<SlaTold> = tables.get(Table::SlaMarks, &key)?;
                if !is_told(&told.unwrap_or_default(), event.turn) {
                    untold.push(event);
                }
            }
            Ok(untold)
        })
        .await
    }

    /// Tells SLA events as numbered changes, in one transaction, and remembers that; gives how many those are.
    ///
    /// What was told of the same stay or snooze before is not told again, nor is anything of a candidacy that is not open,
    /// nor the end of a snooze that was moved.
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
                let before: Option<SlaTold> = draft.get(Table::SlaMarks, &key)?;
                let before = before.unwrap_or_default();
                if is_told(&before, event.turn) || !holds(draft.tables(), &key, event.turn)? {
                    continue;
                }
                draft.put(Table::SlaMarks, key, &after(before, event.turn));
                told.push(to_event(event));
            }
            let many = told.len();
            changes::append(draft, connection, now, told)?;
            Ok(many)
        })
        .await
    }
}

/// Whether it was told: a mark of this stay, or a later one; the end of this snooze.
fn is_told(told: &SlaTold, turn: SlaTurn) -> bool {
    match turn {
        SlaTurn::Closer { entered_at, mark } => told
            .mark
            .is_some_and(|(last, of)| of == entered_at && last >= mark),
        SlaTurn::Awake { snoozed_until } => told.awake == Some(snoozed_until),
    }
}

fn after(before: SlaTold, turn: SlaTurn) -> SlaTold {
    match turn {
        SlaTurn::Closer { entered_at, mark } => SlaTold {
            mark: Some((mark, entered_at)),
            ..before
        },
        SlaTurn::Awake { snoozed_until } => SlaTold {
            awake: Some(snoozed_until),
            ..before
        },
    }
}

fn to_event(event: SlaEvent) -> Event {
    let opportunity = event.opportunity;
    match event.turn {
        SlaTurn::Closer { mark, .. } => Event::Sla { opportunity, mark },
        SlaTurn::Awake { .. } => Event::Awake { opportunity },
    }
}

/// Whether the candidacy is open, and has been snoozed until then.
fn holds(tables: &Tables, key: &[u8], turn: SlaTurn) -> Result<bool, Error> {
    let candidacy: Option<Candidacy> = tables.get(Table::Candidacies, key)?;
    let open = candidacy.filter(|candidacy| candidacy.active());
    Ok(open.is_some_and(|candidacy| match turn {
        SlaTurn::Closer { .. } => true,
        SlaTurn::Awake { snoozed_until } => candidacy.snoozed_until == Some(snoozed_until),
    }))
}
