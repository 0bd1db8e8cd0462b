//! The numbered changes of a mirror, as a caller may see them.

use std::collections::BTreeSet;

use domain::stage_mapping::{StageCode, StageMapping};
use domain::{Change, ChangeKind, ConnectionId, Stream};
use lever::{OpportunityId, StageId};
use tokio::sync::watch;

use crate::engine::{Engine, Shared};
use crate::error::Result;
use crate::mapping;
use crate::read::{Sight, Viewer, seen_record};
use crate::standing::Reasons;

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

/// A change, with what its record is about now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeEvent {
    /// What changed.
    pub change: Change,
    /// The candidacy it is about.
    pub opportunity: Option<OpportunityId>,
    /// Of an opportunity: the stage it is in now, and the product stage.
    pub stage: Option<(StageId, StageCode)>,
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
        let asked = |stream: Stream| {
            (query.streams.is_empty() || query.streams.contains(&stream))
                && (query.eeo || stream != Stream::EeoResponses)
        };
        let found = found.into_iter().filter(|change| asked(change.stream));
        let mapping = mapping::present(&self.shared, id).await?;
        let reasons = self.reasons(id).await?;
        let mut events = Vec::new();
        for change in found {
            events.extend(told(&self.shared, &sight, &mapping, &reasons, change).await?);
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

/// A change as the caller may see it; none of what the caller may not see.
async fn told(
    shared: &Shared,
    sight: &Sight<'_>,
    mapping: &StageMapping,
    reasons: &Reasons,
    change: Change,
) -> Result<Option<ChangeEvent>> {
    let bare = |change| ChangeEvent {
        change,
        opportunity: None,
        stage: None,
    };
    if change.kind == ChangeKind::Deleted {
        return Ok(Some(bare(change)));
    }
    let store = &shared.store;
    let id = sight.connection.id;
    let stored = store.record(id, change.stream, &change.id).await?;
    // Gone since: the change that says so comes later.
    let Some(stored) = stored.filter(|record| record.deleted_at.is_none()) else {
        return Ok(Some(bare(change)));
    };
    let Some(record) = seen_record(sight, change.stream, stored).await? else {
        return Ok(None);
    };
    if change.stream != Stream::Opportunities {
        return Ok(Some(ChangeEvent {
            opportunity: record.opportunity.map(OpportunityId::from),
            ..bare(change)
        }));
    }
    let opportunity = OpportunityId::from(change.id.as_str());
    let candidacy = store.candidacy(id, &opportunity).await?;
    let stage = candidacy.and_then(|candidacy| {
        let stage = candidacy.stage.clone()?;
        let code = reasons.outcome(&candidacy).code();
        Some((
            stage.clone(),
            code.unwrap_or_else(|| mapping.code_of(&stage).clone()),
        ))
    });
    Ok(Some(ChangeEvent {
        change,
        opportunity: Some(opportunity),
        stage,
    }))
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
