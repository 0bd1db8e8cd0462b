//! Lever to us: walks listings page by page into the mirror.
//!
//! One worker per connection runs rounds, a second one walks over everybody now and then, and a third keeps the inbound
//! stages fresh where the first takes long or comes seldom. In each round the
//! listings that are due are walked: stages and archive reasons first, then opportunities (inbound stages, then the
//! rest) with the remaining account lists beside them. Every page commits with its cursor, so a round can end
//! anywhere and the next one goes on from there. Nothing is concluded from a listing that failed.

mod fetch;
pub(crate) mod hydrate;
pub(crate) mod inbound;
mod kept;
mod page;
mod policy;
mod request;
mod schedule;
pub(crate) mod scope;
pub(crate) mod sweep;
mod trouble;
mod users;
mod walk;

pub(crate) use page::{derived, incoming_opportunity};
pub(crate) use policy::policy;
pub(crate) use schedule::{Again, due_times, walks};
pub(crate) use scope::with_belongings;
pub(crate) use trouble::Trouble;
pub(crate) use users::read_users;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{Listing, Stream, Timestamp};
use futures::FutureExt as _;
use lever::Lane;
use store::{Forgotten, ListingOutcome, Run, RunCause, RunOutcome, RunScope};
use tokio::time::Instant;

use self::schedule::{Due, Worker};
use crate::engine::Shared;
use crate::error::{ErrorKind, Result, STREAM_MOVED};
use crate::link::Link;

/// Pulls one connection until its link is stopped; [`sweep`] does so beside it.
///
/// A stop or a pause takes effect at once: what was read but not committed is read again later.
pub(crate) async fn run(shared: Arc<Shared>, link: Arc<Link>) {
    while let Some(wait) = link.work(round(&shared, &link).boxed()).await {
        link.rest(&link.pull_now, wait).await;
    }
}

/// One round over what is due; tells how long to wait for the next.
async fn round(shared: &Shared, link: &Link) -> Duration {
    let due = match schedule::due(shared, link, Worker::Pull).await {
        Ok(due) => due,
        Err(error) => {
            log_failure!(&error, connection = %link.id(), "cannot plan a pull");
            return Duration::from_secs(30);
        }
    };
    if !due.is_empty() {
        walk_due(shared, link, &due).await;
        forget_deleted(shared, link).await;
        link.moved();
    }
    schedule::until_next(shared, link, Worker::Pull)
        .await
        .unwrap_or(Duration::from_secs(30))
}

/// Removes what is left of people who were deleted or anonymized: their writes, and what is in quarantine (X11).
async fn forget_deleted(shared: &Shared, link: &Link) {
    let now = shared.clock.now();
    match shared.store.forget_deleted(link.id(), now).await {
        Ok(forgotten) if forgotten != Forgotten::default() => {
            tracing::info!(
                connection = %link.id(), records = forgotten.records, operations = forgotten.operations,
                "people were forgotten"
            );
        }
        Ok(_nobody) => {}
        Err(error) => {
            tracing::warn!(connection = %link.id(), error = %crate::report(&error), "forgetting goes on later");
        }
    }
}

async fn walk_due(shared: &Shared, link: &Link, due: &BTreeMap<Listing, Due>) {
    let walk_if_due = async |listing| {
        if let Some(why) = due.get(&listing) {
            walk_listing(shared, link, listing, *why).await;
        }
    };
    let first = [Listing::Stages, Listing::ArchiveReasons];
    for listing in first {
        walk_if_due(listing).await;
    }
    let beside = async {
        for listing in Listing::ACCOUNT
            .iter()
            .filter(|listing| !first.contains(listing))
        {
            walk_if_due(*listing).await;
        }
    };
    let opportunities = async {
        let people = [
            Listing::Opportunities,
            Listing::DeletedOpportunities,
            Listing::DeletedApplications,
            Listing::DeletedPostings,
        ];
        for listing in people {
            walk_if_due(listing).await;
        }
    };
    tokio::join!(beside, opportunities);
}

/// A pass that has ended.
struct Ended {
    listing: Listing,
    why: Due,
    /// How far it came.
    walked: walk::Walked,
    /// By our clock.
    began: Timestamp,
}

impl Ended {
    /// How much of its list it read; none where it failed before that was known.
    fn scope(&self) -> Option<RunScope> {
        Some(match (self.walked.whole?, self.why.first) {
            (true, true) => RunScope::First,
            (true, false) => RunScope::Whole,
            (false, _) => RunScope::Changes,
        })
    }
}

/// Walks one listing to the end of its pass and notes how that went; gives nothing if it failed.
///
/// Two workers follow opportunities: a pass that is under way is waited for.
async fn walk_listing(shared: &Shared, link: &Link, listing: Listing, why: Due) -> Option<Ended> {
    let _alone = match listing {
        Listing::Opportunities => Some(link.following.lock().await),
        _ => None,
    };
    link.passes.began(listing);
    let began = shared.clock.now();
    let mut walked = walk::Walked::default();
    let outcome = walk::walk(shared, link, listing, &mut walked).await;
    link.passes.ended(listing);
    let ended = Ended {
        listing,
        why,
        walked,
        began,
    };
    let well = outcome.is_ok();
    let refused = outcome.as_ref().is_err_and(is_refusal);
    note_run(shared, link, &ended, &outcome).await;
    if let Err(error) = note_outcome(shared, link, &ended, outcome).await {
        log_failure!(&error, connection = %link.id(), %listing, "cannot note a pass");
    }
    if well && listing == Listing::Opportunities {
        // The first walk over everybody follows the first by stages.
        link.sweep_now.notify_one();
    }
    if listing == Listing::InboundApplicants {
        if well {
            link.followed.ended();
        } else if refused && link.retry_in(Listing::Stages).is_none() {
            // Perhaps a stage is gone: Lever's list of them tells.
            link.force(&[Listing::Stages], RunCause::Pass);
        }
    }
    link.moved();
    well.then_some(ended)
}

/// Whether Lever refused what it was asked for, and not who asked.
fn is_refusal(error: &crate::Error) -> bool {
    matches!(error.kind(), ErrorKind::Invalid { .. })
}

/// Whether a pass ended because a reset or changed settings have put another cursor in the place of its own.
fn was_moved(error: &crate::Error) -> bool {
    matches!(error.kind(), ErrorKind::Aborted { reason, .. } if *reason == STREAM_MOVED)
}

/// Keeps what a pass came to for people to look at; those that found nothing only once in a while, unless somebody has
/// asked for them.
async fn note_run(shared: &Shared, link: &Link, ended: &Ended, outcome: &Result<()>) {
    let (listing, walked) = (ended.listing, &ended.walked);
    let nothing = outcome.is_ok() && walked.counts.changes() == 0 && walked.pages <= 1;
    let asked_for = ended.why.cause == RunCause::Request;
    if nothing && !asked_for && !link.passes.worth_noting(listing) {
        return;
    }
    let run = Run {
        connection: link.id(),
        listing: listing.name().to_owned(),
        lane: lane(listing).map(|lane| lane.as_str().to_owned()),
        began: ended.began,
        ended: shared.clock.now(),
        pages: walked.pages,
        records: walked.records,
        changes: walked.counts.changes(),
        requests: walked.requests,
        outcome: match outcome.as_ref().map_err(Trouble::of) {
            Ok(()) => RunOutcome::Succeeded,
            Err(_) if outcome.as_ref().is_err_and(was_moved) => RunOutcome::Interrupted,
            Err(trouble) => came_to(&trouble),
        },
        cause: Some(ended.why.cause),
        scope: ended.scope(),
        counts: Some(walked.counts),
        cursors: walked.cursors.clone(),
    };
    if let Err(error) = shared.store.note_run(run).await {
        tracing::debug!(connection = %link.id(), %listing, error = %crate::report(&error), "a run is not kept");
    }
}

/// The one lane that the requests of all passes over a listing go in; none for those that change it.
fn lane(listing: Listing) -> Option<Lane> {
    Listing::INBOUND.contains(&listing).then_some(Lane::Inbound)
}

/// What a run came to that met with trouble.
fn came_to(trouble: &Trouble) -> RunOutcome {
    match trouble {
        Trouble::Forbidden(permission) => RunOutcome::Forbidden(permission.clone()),
        other => RunOutcome::Failed(other.sentence()),
    }
}

async fn note_outcome(
    shared: &Shared,
    link: &Link,
    ended: &Ended,
    outcome: Result<()>,
) -> Result<()> {
    let (listing, walked) = (ended.listing, &ended.walked);
    match outcome {
        Ok(()) => {
            let changes = walked.counts.changes();
            if changes > 0 || walked.pages > 1 {
                tracing::info!(
                    connection = %link.id(), %listing, pages = walked.pages, records = walked.records,
                    changes, "pass ended"
                );
            }
            link.set_retry_at(listing, None);
            shared
                .store
                .note_listing(link.id(), listing, ListingOutcome::Succeeded(walked.began))
                .await?;
            link.issues.key_works();
            link.issues.look_soon();
        }
        Err(error) if was_moved(&error) => {
            tracing::info!(connection = %link.id(), %listing, "pass ended: it begins again from another place");
            link.set_retry_at(listing, None);
            // Whoever has moved the cursor may not have asked for another pass.
            link.force(&[listing], ended.why.cause);
        }
        Err(error) => {
            let trouble = link.trouble(&error);
            tracing::warn!(connection = %link.id(), %listing, error = %crate::report(&error), "pass failed");
            let pause = schedule::pause_after(&trouble);
            link.set_retry_at(listing, Some(Instant::now() + pause));
            shared
                .store
                .note_listing(
                    link.id(),
                    listing,
                    ListingOutcome::Failed(trouble.to_text()),
                )
                .await?;
            link.saw(shared, listing.name(), listing.stream(), &trouble);
        }
    }
    Ok(())
}

/// Which listing brings a stream; none for those that are read below other records.
pub(crate) fn listing_of(stream: Stream) -> Option<Listing> {
    match stream {
        Stream::Users => Some(Listing::Users),
        Stream::Stages => Some(Listing::Stages),
        Stream::ArchiveReasons => Some(Listing::ArchiveReasons),
        Stream::Tags => Some(Listing::Tags),
        Stream::Sources => Some(Listing::Sources),
        Stream::Postings => Some(Listing::Postings),
        Stream::Requisitions => Some(Listing::Requisitions),
        Stream::RequisitionFields => Some(Listing::RequisitionFields),
        Stream::FeedbackTemplates => Some(Listing::FeedbackTemplates),
        Stream::FormTemplates => Some(Listing::FormTemplates),
        Stream::EeoResponses => Some(Listing::EeoResponses),
        Stream::Opportunities | Stream::Applications | Stream::Contacts => {
            Some(Listing::Opportunities)
        }
        Stream::PostingForms
        | Stream::Notes
        | Stream::Offers
        | Stream::Interviews
        | Stream::Panels
        | Stream::Feedback
        | Stream::Resumes
        | Stream::Files
        | Stream::Forms
        | Stream::Referrals => None,
    }
}
