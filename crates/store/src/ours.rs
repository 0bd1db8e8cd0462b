//! What of a candidacy came from us.

use domain::provenance::{Ours, Shown};
use domain::{ConnectionId, Operation};
use lever::OpportunityId;

use crate::draft::Draft;
use crate::error::Error;
use crate::format::key;
use crate::store::Store;
use crate::table::Table;

impl Store {
    /// Reads what of a candidacy came from us; nothing where that is not known.
    ///
    /// # Errors
    /// As every read.
    pub async fn ours(
        &self,
        connection: ConnectionId,
        opportunity: &OpportunityId,
    ) -> Result<Ours, Error> {
        let Ok(key) = key::candidacy(connection, opportunity) else {
            return Ok(Ours::default());
        };
        Ok(self.tables().get(Table::Ours, &key)?.unwrap_or_default())
    }
}

/// Learns from an operation that has moved.
pub(crate) fn learn(
    draft: &mut Draft<'_>,
    before: &Operation,
    after: &Operation,
) -> Result<(), Error> {
    if after.opportunity.as_str().is_empty() {
        return Ok(());
    }
    let key = key::candidacy(after.connection, &after.opportunity)?;
    let mut ours: Ours = draft.get(Table::Ours, &key)?.unwrap_or_default();
    if ours.learn(before, after) {
        draft.put(Table::Ours, key, &ours);
    }
    Ok(())
}

/// Learns from a candidacy that is shown in another way than before: what of ours has gone is not ours any more.
pub(crate) fn see(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    opportunity: &str,
    before: impl FnOnce(&Draft<'_>) -> Result<Option<Shown>, Error>,
    now: &str,
) -> Result<(), Error> {
    let key = key::candidacy(connection, &OpportunityId::from(opportunity))?;
    let known: Option<Ours> = draft.get(Table::Ours, &key)?;
    let Some(mut ours) = known.filter(Ours::could_lose) else {
        return Ok(());
    };
    let Some(before) = before(draft)? else {
        return Ok(());
    };
    let Some(now) = Shown::of_opportunity(now) else {
        return Ok(());
    };
    if ours.see(&before, &now) {
        draft.put(Table::Ours, key, &ours);
    }
    Ok(())
}

/// Forgets what came from us.
pub(crate) fn forget(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    opportunity: &OpportunityId,
) -> Result<(), Error> {
    draft.remove(Table::Ours, key::candidacy(connection, opportunity)?);
    Ok(())
}
