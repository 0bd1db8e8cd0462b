//! The walk over everybody, for what no signal reveals (design.md, "Pull").
//!
//! It takes long, so it has a worker of its own: what changes meanwhile is followed beside it. The first one begins as
//! soon as the walk by stages has ended, since that shows nobody whose stage Lever does not list.

use std::sync::Arc;
use std::time::Duration;

use domain::{Listing, Stream};
use futures::FutureExt as _;
use store::RunCause;

use super::schedule::{self, Due, Worker};
use super::walk;
use super::{forget_deleted, note_run, walk_listing};
use crate::engine::Shared;
use crate::link::Link;

/// The wait after the plan could not be read.
const PAUSE: Duration = Duration::from_secs(30);

/// Sweeps one connection until its link is stopped.
pub(crate) async fn run(shared: Arc<Shared>, link: Arc<Link>) {
    while let Some(wait) = link.work(round(&shared, &link).boxed()).await {
        link.rest(&link.sweep_now, wait).await;
    }
}

/// Sweeps if that is due; tells how long to wait for the next time.
async fn round(shared: &Shared, link: &Link) -> Duration {
    match schedule::due(shared, link, Worker::Sweep).await {
        Ok(due) => {
            if let Some(why) = due.get(&Listing::OpportunitySweep) {
                sweep(shared, link, *why).await;
                forget_deleted(shared, link).await;
                link.moved();
            }
        }
        Err(error) => {
            log_failure!(&error, connection = %link.id(), "cannot plan a sweep");
            return PAUSE;
        }
    }
    schedule::until_next(shared, link, Worker::Sweep)
        .await
        .unwrap_or(PAUSE)
}

/// Walks over everybody, and buries who was not there (X10).
///
/// Who moves during the walk can be skipped, but has a new stamp: only after the follow pass begun after the walk
/// is absence a sign (design.md, "Pull").
async fn sweep(shared: &Shared, link: &Link, why: Due) {
    let Some(mut swept) = walk_listing(shared, link, Listing::OpportunitySweep, why).await else {
        return;
    };
    let Some(started) = swept.walked.started else {
        return;
    };
    let after_it = Due {
        cause: RunCause::Pass,
        first: false,
    };
    let Some(followed) = walk_listing(shared, link, Listing::Opportunities, after_it).await else {
        return;
    };
    if let Err(error) = walk::release_unseen(shared, link, Listing::OpportunitySweep, started).await
    {
        log_failure!(&error, connection = %link.id(), "cannot clear quarantine");
    }
    // Who cannot be read and has no id may be anybody.
    let Some(since) = swept.walked.whole_since.filter(|_| !followed.walked.unread) else {
        return;
    };
    let asked = swept.walked.access;
    match walk::retire_unseen(shared, link, Stream::Opportunities, since, asked).await {
        Ok(0) => {}
        Ok(gone) => {
            // What the walk has led to takes the place of what was kept at its end.
            swept.walked.counts.deleted += gone;
            note_run(shared, link, &swept, &Ok(())).await;
        }
        Err(error) => {
            log_failure!(&error, connection = %link.id(), "cannot bury who is gone");
        }
    }
}
