//! The numbered changes of a mirror, as a caller may see them.

use std::collections::BTreeSet;

use domain::change::SlaMark;
use domain::stage_mapping::StageCode;
use domain::{Change, ChangeKind, ConnectionId, Event, Stream, Timestamp};
use lever::{OpportunityId, StageId};
use tokio::sync::watch;

use crate::engine::{Engine, Shared};
use crate::error::Result;
use crate::legend::Legend;
use crate::read::{Sight, Viewer, seen_record};

/// Changes that are looked at for one answer.
const STEP: usize = 500;

/// Which changes, and for whom.
#[derive(Debug, Clone)]
pub struct ChangesQuery {
    /// Only these streams; all when there are none.
    pub streams: BTreeSet<Stream>,
    /// Who asks.
    pub viewer: Viewer,
    /// Whether answers for equal opportunity are told of.
    pub eeo: bool,
}

/// A change, with what it is about now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeEvent {
    /// Its number.
    pub sequence: u64,
    /// When it was stored.
    pub at: Timestamp,
    /// What happened.
    pub what: Happened,
    /// The candidacy it is about.
    pub opportunity: Option<OpportunityId>,
    /// Of an opportunity: the stage it is in now, and the product stage.
    pub stage: Option<(StageId, StageCode)>,
}

/// What a consumer is told has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// A record was taken into the mirror, replaced or removed.
    Record {
        /// The kind of record.
        stream: Stream,
        /// Lever's id of it.
        id: String,
        /// What happened to it.
        kind: ChangeKind,
    },
    /// A candidacy has come closer to its due time.
    Sla(SlaMark),
    /// The snooze of a candidacy has ended by itself.
    Awake,
    /// A version of the stage mapping was saved.
    StagesMapped(u64),
}

impl ChangeEvent {
    fn bare(change: &Change, what: Happened) -> ChangeEvent {
        ChangeEvent {
            sequence: change.sequence,
            at: change.at,
            what,
            opportunity: None,
            stage: None,
        }
    }
}

/// The next changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// In the order of their numbers.
    pub events: Vec<ChangeEvent>,
    /// The number of the last change that was looked at: where the next ones begin.
    pub after: u64,
    /// Whether there were as many as are looked at for one answer, so that more may follow at once.
    pub more: bool,
}

impl Engine {
    /// The next changes after the number `after` that fit a query.
    ///
    /// # Errors
    /// Not found; precondition `RESUME_TOKEN_EXPIRED` when some of those after `after` are no longer kept.
    pub async fn changes(
        &self,
        id: ConnectionId,
        after: u64,
        query: &ChangesQuery,
    ) -> Result<Changes> {
        let sight = self.sight(id, query.viewer)?;
        let found = self.shared.store.changes(id, after, STEP).await?;
        let more = found.len() == STEP;
        let last = found.last().map_or(after, |change| change.sequence);
        let legend = Legend::of(&self.shared, id).await?;
        let teller = Teller {
            shared: &self.shared,
            sight: &sight,
            query,
            legend: &legend,
        };
        let mut events = Vec::new();
        for change in &found {
            events.extend(teller.told(change).await?);
        }
        Ok(Changes {
            events,
            after: last,
            more,
        })
    }

    /// The number of the last change of a connection, and every later one.
    ///
    /// # Errors
    /// Not found.
    pub fn watch_changes(&self, id: ConnectionId) -> Result<watch::Receiver<u64>> {
        self.link(id)?;
        Ok(self.shared.store.watch_changes(id)?)
    }
}

/// Tells what has happened to one who watches.
struct Teller<'a> {
    shared: &'a Shared,
    sight: &'a Sight<'a>,
    query: &'a ChangesQuery,
    legend: &'a Legend,
}

impl Teller<'_> {
    /// A change as the caller may see it; none of what the caller may not see, or has not asked for.
    async fn told(&self, change: &Change) -> Result<Option<ChangeEvent>> {
        match &change.event {
            Event::Record(record) if self.asked(record.stream) => {
                let what = Happened::Record {
                    stream: record.stream,
                    id: record.id.clone(),
                    kind: record.kind,
                };
                let bare = ChangeEvent::bare(change, what);
                match record.kind {
                    ChangeKind::Deleted => Ok(Some(bare)),
                    _ => self.record(bare, record.stream, &record.id).await,
                }
            }
            Event::Sla { opportunity, mark } => {
                let what = Happened::Sla(*mark);
                self.of_time(change, what, opportunity).await
            }
            Event::Awake { opportunity } => {
                self.of_time(change, Happened::Awake, opportunity).await
            }
            Event::StagesMapped { version } if self.asked(Stream::Opportunities) => {
                let what = Happened::StagesMapped(*version);
                Ok(Some(ChangeEvent::bare(change, what)))
            }
            _ => Ok(None),
        }
    }

    /// What time has made of somebody's SLA.
    async fn of_time(
        &self,
        change: &Change,
        what: Happened,
        opportunity: &OpportunityId,
    ) -> Result<Option<ChangeEvent>> {
        if !self.asked(Stream::Opportunities) {
            return Ok(None);
        }
        let bare = ChangeEvent::bare(change, what);
        let told = self.record(bare, Stream::Opportunities, opportunity.as_str());
        // Of whom nothing is known any more, nothing is due.
        Ok(told.await?.filter(|told| told.opportunity.is_some()))
    }

    fn asked(&self, stream: Stream) -> bool {
        let streams = &self.query.streams;
        (streams.is_empty() || streams.contains(&stream))
            && (self.query.eeo || stream != Stream::EeoResponses)
    }

    /// Adds what a record is about now.
    async fn record(
        &self,
        bare: ChangeEvent,
        stream: Stream,
        id: &str,
    ) -> Result<Option<ChangeEvent>> {
        let (store, connection) = (&self.shared.store, self.sight.connection.id);
        let stored = store.record(connection, stream, id).await?;
        // Gone since: the change that says so comes later.
        let Some(stored) = stored.filter(|record| record.deleted_at.is_none()) else {
            return Ok(Some(bare));
        };
        let Some(record) = seen_record(self.sight, stream, stored).await? else {
            return Ok(None);
        };
        if stream != Stream::Opportunities {
            return Ok(Some(ChangeEvent {
                opportunity: record.opportunity.map(OpportunityId::from),
                ..bare
            }));
        }
        let opportunity = OpportunityId::from(id);
        let candidacy = store.candidacy(connection, &opportunity).await?;
        let stage = candidacy.and_then(|candidacy| {
            let stage = candidacy.stage.clone()?;
            let code = self.legend.reasons.outcome(&candidacy).code();
            Some((
                stage.clone(),
                code.unwrap_or_else(|| self.legend.mapping.code_of(&stage).clone()),
            ))
        });
        Ok(Some(ChangeEvent {
            opportunity: Some(opportunity),
            stage,
            ..bare
        }))
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;
    use crate::ErrorKind;
    use crate::testing;

    #[tokio::test]
    async fn x16_who_was_away_for_longer_than_changes_are_kept_is_told_so() {
        let folder = tempfile::TempDir::new().unwrap();
        let tag = testing::incoming(Stream::Tags, "t", r#"{"text":"t"}"#);
        let (engine, id) = testing::engine(folder.path(), vec![tag]).await;
        let query = ChangesQuery {
            streams: BTreeSet::new(),
            viewer: Viewer::default(),
            eeo: false,
        };
        let told = engine.changes(id, 0, &query).await.unwrap();
        assert_eq!((told.events.len(), told.after, told.more), (1, 1, false));
        let eight_days = Timestamp::from_millis(8 * 24 * 3_600_000);
        engine.shared.store.prune(eight_days).await.unwrap();
        let error = engine.changes(id, 0, &query).await.unwrap_err();
        let ErrorKind::Precondition { reason, .. } = error.kind() else {
            panic!("{error:?}");
        };
        assert_eq!(*reason, "RESUME_TOKEN_EXPIRED");
        assert!(
            engine
                .changes(id, 1, &query)
                .await
                .unwrap()
                .events
                .is_empty()
        );
    }
}
