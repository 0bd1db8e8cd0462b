//! The first inbound applicants are served while the others are still being read.

use std::time::Duration;

use lever_sim::{Action, FaultPlan, FaultRule, When};
use proto::v1 as pb;

use crate::support::{Setup, World, until};

/// F-40, X6: what is listed is there, nobody is told that nobody is there, and the list says that it is not whole.
#[tokio::test]
async fn the_first_applicants_are_served_before_the_last_ones_are_read() {
    let mut world = World::new(Setup::new(2000).keeping(&[])).await;
    let hold = Action::StallAfter(Duration::from_secs(600));
    let second_page = FaultRule::on("listOpportunities", hold).when(When::Nth(2));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![second_page],
    });
    world.connect().await;
    let first = until("the first applicants are served", async || {
        let request = pb::ListApplicantsRequest {
            connection_id: world.connection.clone(),
            page_size: 1000,
            ..Default::default()
        };
        let answer = world.api.inbound().list_applicants(request).await;
        answer.ok().map(tonic::Response::into_inner)
    })
    .await;
    assert!(!first.applicants.is_empty());
    assert_eq!(first.as_of, None);
    assert!(!world.status().await.inbound_ready);

    world.lever.set_faults(FaultPlan::default());
    world.until_synced().await;
    let whole = world.applicants().await;
    assert!(whole.total_size > first.total_size);
    assert!(whole.as_of.is_some());
}
