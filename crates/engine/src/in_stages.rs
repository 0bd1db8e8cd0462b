//! Everybody who is open in some stages, a step at a time.

use std::sync::Arc;

use domain::{Candidacy, ConnectionId, Timestamp};
use lever::{OpportunityId, StageId};
use store::{Order, Store};

use crate::error::Result;

/// How many candidacies are read at a time.
pub(crate) const STEP: usize = 1000;

/// A walk over the candidacies in some stages, those who entered first coming first.
///
/// Who moves during the walk can be missed or met twice.
pub(crate) struct InStages<'s> {
    store: &'s Store,
    connection: ConnectionId,
    stages: Vec<StageId>,
    after: Option<(Timestamp, OpportunityId)>,
    ended: bool,
}

impl<'s> InStages<'s> {
    /// Before the first step.
    pub(crate) fn new(
        store: &'s Store,
        connection: ConnectionId,
        stages: Vec<StageId>,
    ) -> InStages<'s> {
        InStages {
            store,
            connection,
            ended: stages.is_empty(),
            stages,
            after: None,
        }
    }

    /// The next candidacies; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Arc<Candidacy>>>> {
        if self.ended {
            return Ok(None);
        }
        let (order, after) = (Order::OldestFirst, self.after.take());
        let found = self
            .store
            .walk_stages(self.connection, &self.stages, order, after, STEP)
            .await?;
        self.ended = found.len() < STEP;
        let last = found.last();
        self.after = last.map(|last| (last.entered_stage_at, last.opportunity.clone()));
        Ok(Some(found))
    }
}
