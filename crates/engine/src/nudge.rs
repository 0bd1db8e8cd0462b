//! Follows nudges: what a webhook told of is read from Lever and applied like anything that is read.
//!
//! A nudge says where to look, never what to see: its data is not signed. It leaves the queue when what it asks for
//! is in the mirror, not before, so a crash at any point looks again. What cannot be looked at now waits, longer each
//! time; nothing else waits for it.

mod group;
mod patience;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::hydration::Policy;
use domain::{Listing, Stream};
use futures::stream;
use futures::{FutureExt as _, StreamExt};
use lever::{Lane, OpportunityId, Timestamp};
use store::{Deleted, Refresh, RunCause};

use crate::ask::{Look, Seen, look};
use crate::engine::Shared;
use crate::error::Result;
use crate::link::Link;
use crate::pull::{self, Trouble, policy, with_belongings};
use group::{Group, Subject, grouped};
use patience::Patience;

/// Nudges looked at together; more wait until these are done.
const MOST: usize = 10_000;
/// Looks of one round; what has arrived meanwhile may be more urgent than the rest.
const A_ROUND: usize = 100;
/// Looks under way at once.
const PARALLEL: usize = 8;
/// After the queue itself could not be read.
const PAUSE: Duration = Duration::from_secs(30);
/// When nothing waits; a new nudge wakes the worker.
const IDLE: Duration = Duration::from_secs(3600);

/// How long single reads are not tried again after the key was found to lack their permission.
const REFUSED: Duration = Duration::from_secs(3600);

/// Follows the nudges of one connection until its link is stopped.
pub(crate) async fn run(shared: Arc<Shared>, link: Arc<Link>) {
    let mut patience = Patience::default();
    while let Some(wait) = link
        .work(round(&shared, &link, &mut patience).boxed())
        .await
    {
        link.rest(&link.nudged, wait).await;
    }
}

/// Looks at what is due; tells how long to wait for the next round.
async fn round(shared: &Shared, link: &Link, patience: &mut Patience) -> Duration {
    follow_due(shared, link, patience)
        .await
        .unwrap_or_else(|error| {
            log_failure!(&error, connection = %link.id(), "cannot follow nudges");
            PAUSE
        })
}

async fn follow_due(shared: &Shared, link: &Link, patience: &mut Patience) -> Result<Duration> {
    let mut groups = grouped(shared.store.nudges(link.id(), MOST).await?);
    patience.keep(&groups);
    let now = shared.clock.now();
    groups.retain(|group| patience.is_over(&group.subject, now));
    let mut more = groups.len() > A_ROUND;
    groups.truncate(A_ROUND);
    let mut looks = stream::iter(groups)
        .map(async |group| {
            let outcome = follow(shared, link, &group).await;
            (group, outcome)
        })
        .buffer_unordered(PARALLEL);
    while let Some((group, outcome)) = looks.next().await {
        let outcome = outcome.unwrap_or_else(|error| match error.pause() {
            Some(_) => Followed::AfterPause,
            None => {
                tracing::warn!(connection = %link.id(), error = %crate::report(&error), "a nudge is followed later");
                Followed::Later
            }
        });
        metrics::counter!(crate::figures::NUDGES.name, "result" => outcome.name())
            .increment(group.nudges.len() as u64);
        match outcome {
            Followed::Done => {
                shared.store.settle_nudges(link.id(), group.nudges).await?;
                patience.done(&group.subject);
            }
            Followed::Later => patience.wait(&group.subject, shared.clock.now()),
            Followed::AfterPause => more = true,
        }
    }
    let wait = patience.shortest(shared.clock.now()).unwrap_or(IDLE);
    Ok(if more { Duration::ZERO } else { wait })
}

/// How far a look came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Followed {
    /// The mirror shows what there was to see.
    Done,
    /// It does not yet.
    Later,
    /// The key is in a pause after a 429, which the next round outlasts.
    AfterPause,
}

impl Followed {
    fn name(self) -> &'static str {
        match self {
            Followed::Done => "done",
            Followed::Later | Followed::AfterPause => "later",
        }
    }

    fn and(self, other: Followed) -> Followed {
        match self {
            Followed::Done => other,
            Followed::Later | Followed::AfterPause => self,
        }
    }
}

async fn follow(shared: &Shared, link: &Link, group: &Group) -> Result<Followed> {
    if !pull::walks(&link.connection(), Listing::Opportunities) {
        return Ok(Followed::Done);
    }
    match &group.subject {
        Subject::Opportunity(opportunity) => {
            follow_opportunity(shared, link, group, opportunity).await
        }
        Subject::Contact(contact) => {
            let (store, id) = (&shared.store, link.id());
            let opportunities = store.opportunities_of_contact(id, contact).await?;
            if opportunities.is_empty() {
                // Somebody new, of whom Lever tells nothing else where there is no application.
                return covered(shared, link, group, Listing::Opportunities).await;
            }
            let mut followed = Followed::Done;
            for opportunity in opportunities {
                let one = follow_opportunity(shared, link, group, &opportunity).await?;
                followed = followed.and(one);
            }
            Ok(followed)
        }
        Subject::Anything => covered(shared, link, group, Listing::Opportunities).await,
    }
}

async fn follow_opportunity(
    shared: &Shared,
    link: &Link,
    group: &Group,
    opportunity: &OpportunityId,
) -> Result<Followed> {
    if !group.deleted && !group.interviews && is_seen(shared, link, group, opportunity).await? {
        return Ok(Followed::Done);
    }
    if link.single_reads_refused() {
        return refused(shared, link, group).await;
    }
    let sent = shared.clock.now();
    match look(shared, link, opportunity, how(shared, link, group)).await {
        Ok(Seen::Shown(_)) => Ok(Followed::Done),
        Ok(Seen::Gone) if group.deleted => {
            bury(shared, link, opportunity, link.lever_time(sent)).await
        }
        // It may only be hidden: the list of deletions knows.
        Ok(Seen::Gone) => covered(shared, link, group, Listing::DeletedOpportunities).await,
        Err(error) => match Trouble::of(&error) {
            Trouble::Forbidden(_) => {
                link.refuse_single_reads(REFUSED);
                refused(shared, link, group).await
            }
            _ => Err(error),
        },
    }
}

/// The key may list opportunities, but not read one: a pass over what changed shows it too.
async fn refused(shared: &Shared, link: &Link, group: &Group) -> Result<Followed> {
    let changed = covered(shared, link, group, Listing::Opportunities).await?;
    if !group.deleted {
        return Ok(changed);
    }
    let gone = covered(shared, link, group, Listing::DeletedOpportunities).await?;
    Ok(changed.and(gone))
}

/// Whether the mirror has read the opportunity since the last of the nudges came: our own writes come back this way.
async fn is_seen(
    shared: &Shared,
    link: &Link,
    group: &Group,
    opportunity: &OpportunityId,
) -> Result<bool> {
    let (store, id) = (&shared.store, opportunity.as_str());
    let record = store.record(link.id(), Stream::Opportunities, id).await?;
    Ok(record.is_some_and(|record| record.requested_at > link.lever_time(group.latest)))
}

fn how(shared: &Shared, link: &Link, group: &Group) -> Look {
    let told: BTreeSet<Stream> = if group.interviews {
        [Stream::Interviews, Stream::Panels].into()
    } else {
        BTreeSet::new()
    };
    Look {
        lane: if group.urgent {
            Lane::Inbound
        } else {
            Lane::Follow
        },
        policy: Policy {
            told,
            ..policy(shared, link)
        },
        whatever_the_settings: false,
    }
}

/// Lever told of a deletion, and does not have the opportunity: two signs are enough.
async fn bury(
    shared: &Shared,
    link: &Link,
    opportunity: &OpportunityId,
    at: Timestamp,
) -> Result<Followed> {
    let gone = Deleted {
        stream: Stream::Opportunities,
        id: opportunity.as_str().to_owned(),
        at,
    };
    let refresh = Refresh {
        connection: link.id(),
        requested_at: at,
        now: shared.clock.now(),
        records: Vec::new(),
        deleted: with_belongings(shared, link, vec![gone]).await?,
        quarantined: Vec::new(),
        policy: Policy::none(),
    };
    shared.store.apply_refresh(refresh).await?;
    link.moved();
    Ok(Followed::Done)
}

/// Whether a pass over `listing` that began after the last of the nudges has ended well; asks for one if not.
///
/// A listing that is not walked, or that the key may not read, shows nothing: there is nothing to wait for.
async fn covered(
    shared: &Shared,
    link: &Link,
    group: &Group,
    listing: Listing,
) -> Result<Followed> {
    if !pull::walks(&link.connection(), listing) {
        return Ok(Followed::Done);
    }
    let states = shared.store.cursors(link.id()).await?;
    let state = states.get(&listing);
    let since = link.lever_time(group.latest);
    let read = state.is_some_and(|state| {
        state.cursor.idle() && state.last_success_at.is_some_and(|at| at > since)
    });
    let trouble = state.and_then(|state| state.last_error.as_deref());
    let trouble = trouble.map(Trouble::from_text);
    let forbidden = matches!(trouble, Some(Trouble::Forbidden(_)));
    if read || forbidden {
        return Ok(Followed::Done);
    }
    link.force(&[listing], RunCause::Webhook);
    Ok(Followed::Later)
}
