//! Reading below records because somebody asks, or because the settings let more in.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::hydration::Policy;
use domain::{ConnectionId, Stream};
use lever::{ErrorKind as LeverErrorKind, Lane, OpportunityId};
use store::Refresh;

use crate::engine::{Engine, Shared};
use crate::error::{Error, Result};
use crate::link::Link;
use crate::pull::{incoming_opportunity, policy};

impl Engine {
    /// Reads one opportunity now; the lists below it are read next, however long ago it was archived.
    ///
    /// # Errors
    /// Not found; precondition while paused; Lever's refusals.
    pub async fn sync_opportunity(
        &self,
        id: ConnectionId,
        opportunity: &OpportunityId,
    ) -> Result<()> {
        let link = self.link(id)?;
        refuse_paused(&link)?;
        read_opportunity(&self.shared, &link, opportunity).await
    }

    /// Looks anew at what is to be read below records; done beside, since it goes through all of them.
    pub(crate) fn plan_below(&self, link: Arc<Link>, recheck: BTreeSet<Stream>) {
        let shared = self.shared.clone();
        self.spawn(async move {
            let now = link.lever_time(shared.clock.now());
            let policy = Policy {
                recheck_before: recheck.into_iter().map(|stream| (stream, now)).collect(),
                ..policy(&shared, &link)
            };
            match shared.store.plan_again(link.id(), policy, now).await {
                Ok(_planned) => link.hydrate_now.notify_one(),
                Err(error) => tracing::warn!(
                    connection = %link.id(), error = %crate::report(&error),
                    "cannot plan what to read below records; the next walk over everybody does"
                ),
            }
            link.moved();
        });
    }
}

/// Pulling that somebody paused is not done for anybody.
pub(crate) fn refuse_paused(link: &Link) -> Result<()> {
    if link.connection().paused {
        return Err(Error::precondition(
            "SYNC_PAUSED",
            "pulling is paused: call ResumeSync first",
            Vec::new(),
        ));
    }
    Ok(())
}

/// Shows an opportunity in the mirror as it is now, and plans all lists below it.
pub(crate) async fn read_opportunity(
    shared: &Shared,
    link: &Link,
    opportunity: &OpportunityId,
) -> Result<()> {
    let sent = shared.clock.now();
    let request = crate::push::fresh_read(opportunity);
    let answer = match link.client(Lane::Interactive).answer(&request).await {
        Ok(answer) => answer,
        Err(error) if matches!(error.kind(), LeverErrorKind::NotFound) => {
            return Err(Error::not_found("opportunity", opportunity.as_str()));
        }
        Err(error) => return Err(error.into()),
    };
    link.saw_date(answer.date, shared.clock.now());
    let records =
        incoming_opportunity(&link.connection(), &answer.value.raw).map_err(|malformed| {
            Error::unavailable(format!(
                "Lever's answer could not be read: {}",
                malformed.reason
            ))
        })?;
    let refresh = Refresh {
        connection: link.id(),
        requested_at: link.lever_time(sent),
        now: shared.clock.now(),
        records,
        deleted: Vec::new(),
        policy: Policy {
            asked: true,
            ..policy(shared, link)
        },
    };
    shared.store.apply_refresh(refresh).await?;
    link.hydrate_now.notify_one();
    link.moved();
    Ok(())
}
