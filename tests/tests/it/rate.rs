//! Lever's rate limit is kept, and people who wait come first (P5).

use lever_sim::RateLimit;
use proto::v1 as pb;

use crate::support::{Setup, World, fresh_id, until};

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

/// That the lane of people who wait goes first is proved where time stands still, in `lever::budget`; here, that a write
/// takes it while a backfill has the whole rate to itself.
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
    let backfill = world.status().await;
    assert_eq!(backfill.state(), pb::SyncState::Syncing, "it goes on");
    for (operation, lane) in [
        ("createOpportunityNote", "interactive"),
        ("listOpportunities", "backfill"),
    ] {
        until("the call is written down", async || {
            let request = pb::ListApiCallsRequest {
                connection_id: world.connection.clone(),
                lever_operation: operation.to_owned(),
                ..Default::default()
            };
            let calls = world.api.sync().list_api_calls(request).await;
            let calls = calls.expect("the log of calls").into_inner().api_calls;
            calls.iter().any(|call| call.lane == lane).then_some(())
        })
        .await;
    }
}
