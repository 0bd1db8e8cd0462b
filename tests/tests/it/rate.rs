//! Lever's rate limit is kept, and people who wait come first (P5).

use lever_sim::RateLimit;
use proto::v1 as pb;

use crate::support::{Setup, World, fresh_id};

/// The limit of Lever, and the settings a service has by default.
fn limited(opportunities: usize) -> Setup {
    let mut setup = Setup::new(opportunities)
        .with("FULCRUM__LEVER__REQUESTS_PER_SECOND", "10")
        .with("FULCRUM__LEVER__BURST", "10");
    setup.lever.rate_limit = Some(RateLimit::default());
    // The lists below 2,000 people would take half an hour at this rate.
    setup.connection.streams = [
        "stages",
        "users",
        "tags",
        "postings",
        "opportunities",
        "contacts",
    ]
    .map(str::to_owned)
    .into();
    setup
}

#[tokio::test]
async fn a_backfill_stays_within_levers_rate() {
    let world = World::synced(limited(2000)).await;
    let audit = world.lever.audit();
    assert!(audit.len() > 25, "the limit was put to the test");
    let refused: Vec<_> = audit
        .iter()
        .filter(|entry| entry.status == Some(429))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
    world.assert_mirror_equals_lever().await;
}

#[tokio::test]
async fn a_write_does_not_wait_for_the_backfill() {
    let mut world = World::new(limited(4000)).await;
    world.connect().await;
    world.until_inbound_ready().await;
    let applicant = world.applicants().await.applicants.remove(0).opportunity_id;
    let operation = world
        .note(&applicant, &fresh_id(), "hello")
        .await
        .expect("recorded");
    assert_eq!(operation.state(), pb::OperationState::Succeeded);
    let pages = world.calls("listOpportunities").len();
    assert!(
        pages < 4000 / 100,
        "most pages still wait: {pages} were read"
    );
    assert_eq!(
        world.status().await.state(),
        pb::SyncState::Syncing,
        "the backfill goes on"
    );
}
