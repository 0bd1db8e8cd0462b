//! Reading below records because somebody asks, or because the settings let more in.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::absence::LeftOut;
use domain::hydration::Policy;
use domain::{ConnectionId, Stream};
use lever::{ErrorKind as LeverErrorKind, Lane, OpportunityId, Timestamp};
use store::Refresh;

use crate::engine::{Engine, Shared};
use crate::error::{Error, Result, about_id};
use crate::link::Link;
use crate::pull::{incoming_opportunity, policy, scope};
use crate::skew::Moment;

impl Engine {
    /// Reads one opportunity now; the lists below it are read next, however long ago it was archived.
    ///
    /// Gives why the settings leave it out, if they do: the next walk over everybody takes it out again.
    ///
    /// # Errors
    /// Not found; invalid for what cannot be an id; precondition while paused; Lever's refusals.
    pub async fn sync_opportunity(
        &self,
        id: ConnectionId,
        opportunity: &OpportunityId,
    ) -> Result<Vec<LeftOut>> {
        let link = self.link(id)?;
        refuse_paused(&link)?;
        if asks_for_another_path(opportunity.as_str()) {
            return Err(Error::not_found("opportunity", opportunity.as_str()));
        }
        let how = Look {
            lane: Lane::Interactive,
            policy: Policy {
                asked: true,
                ..policy(&self.shared, &link)
            },
            whatever_the_settings: true,
        };
        match look(&self.shared, &link, opportunity, how).await? {
            Seen::Shown(left_out) => Ok(left_out),
            Seen::Gone => Err(Error::not_found("opportunity", opportunity.as_str())),
        }
    }

    /// Looks anew at what is to be read below records; done beside, since it goes through all of them.
    pub(crate) fn plan_below(&self, link: Arc<Link>, recheck: BTreeSet<Stream>) {
        let shared = self.shared.clone();
        self.spawn(async move {
            if let Err(error) = plan_below(&shared, &link, recheck).await {
                tracing::warn!(
                    connection = %link.id(), error = %crate::report(&error),
                    "cannot plan what to read below records; the next walk over everybody does"
                );
            }
        });
    }
}

/// Looks anew at what is to be read below records; lists of `recheck` count as never read.
pub(crate) async fn plan_below(
    shared: &Shared,
    link: &Link,
    recheck: BTreeSet<Stream>,
) -> Result<()> {
    let now = link.known_lever_now(&shared.clock);
    // While Lever's time is not known, every list counts as read before now.
    let before = now.unwrap_or(Timestamp::from_millis(i64::MAX));
    let policy = Policy {
        recheck_before: recheck.into_iter().map(|stream| (stream, before)).collect(),
        ..policy(shared, link)
    };
    let since = now.unwrap_or_default();
    shared.store.plan_again(link.id(), policy, since).await?;
    link.hydrate_now.notify_one();
    link.moved();
    Ok(())
}

/// Whether a path with this text in the place of an id is another one of Lever's.
pub(crate) fn asks_for_another_path(id: &str) -> bool {
    ["", ".", "..", "deleted"].contains(&id) || id.contains('/')
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

/// How an opportunity is read outside of a listing.
pub(crate) struct Look {
    pub(crate) lane: Lane,
    /// Which lists below it to plan.
    pub(crate) policy: Policy,
    /// Whether it is shown even where the settings leave it out.
    pub(crate) whatever_the_settings: bool,
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The mirror shows it as it is now, as far as the settings let it in; with why they leave it out.
    Shown(Vec<LeftOut>),
    /// Lever does not have it, or hides it.
    Gone,
}

/// Shows an opportunity in the mirror as it is now.
pub(crate) async fn look(
    shared: &Shared,
    link: &Link,
    opportunity: &OpportunityId,
    how: Look,
) -> Result<Seen> {
    let sent = Moment::now(&shared.clock);
    let request = crate::push::fresh_read(opportunity);
    let answer = match link.client(how.lane).answer(&request).await {
        Ok(answer) => answer,
        Err(error) if matches!(error.kind(), LeverErrorKind::NotFound) => return Ok(Seen::Gone),
        Err(error) => return Err(about_id(error, "opportunity_id")),
    };
    let received = Moment::now(&shared.clock);
    let requested_at = link.answered(answer.date, sent, received);
    let now = shared.clock.now();
    let content =
        incoming_opportunity(&link.connection(), &answer.value.raw, now).map_err(|malformed| {
            Error::unavailable(format!(
                "Lever's answer could not be read: {}",
                malformed.reason
            ))
        })?;
    let candidacy = content
        .records
        .iter()
        .find_map(|record| record.candidacy.as_ref());
    let left_out = match candidacy {
        Some(candidacy) => {
            let created_at = answer.value.value.created_at;
            LeftOut::all(&link.connection(), candidacy, created_at, now)
        }
        None => Vec::new(),
    };
    if !how.whatever_the_settings {
        let Some(candidacy) = candidacy else {
            return Ok(Seen::Shown(left_out));
        };
        if !left_out.is_empty() && !scope::is_known(shared, link, candidacy).await? {
            return Ok(Seen::Shown(left_out));
        }
    }
    let refresh = Refresh {
        connection: link.id(),
        requested_at,
        now,
        records: content.records,
        deleted: Vec::new(),
        quarantined: content.quarantined,
        policy: Policy {
            shown_by: link.lever_now(&shared.clock),
            ..how.policy
        },
    };
    let applied = shared.store.apply_refresh(refresh).await?;
    if applied.planned > 0 {
        link.hydrate_now.notify_one();
    }
    link.moved();
    Ok(Seen::Shown(left_out))
}
