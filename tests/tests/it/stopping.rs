//! A graceful stop (P18).

use std::time::{Duration, Instant};

use lever_sim::{Action, FaultPlan, FaultRule, When};
use proto::v1 as pb;

use crate::support::{Setup, World, until};

#[tokio::test]
async fn a_stop_ends_streams_and_lets_the_write_under_way_finish() {
    let mut world = World::synced(Setup::new(60)).await;
    let opportunity = world.open_opportunities().remove(0);
    let request = pb::WatchSyncRequest {
        connection_id: world.connection.clone(),
    };
    let mut watched = world
        .api
        .sync()
        .watch_sync(request)
        .await
        .expect("a stream")
        .into_inner();
    assert!(watched.message().await.expect("a status").is_some());

    let slow = Action::StallBefore(Duration::from_secs(1));
    let rule = FaultRule::on("createOpportunityNote", slow).when(When::Nth(1));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![rule],
    });
    let asked = world.note_unawaited(&opportunity, "on its way").await;
    let waiting = world.note_unawaited(&opportunity, "waiting in line").await;
    until("the note is being sent", async || {
        (world.operation(&asked.id).await.state() == pb::OperationState::Sending).then_some(())
    })
    .await;
    assert_eq!(world.stop().await.code(), Some(0));
    while let Ok(Some(_)) = watched.message().await {}

    assert_eq!(world.notes_saying(&opportunity, "on its way"), 1);
    world.start().await;
    for (id, text) in [(&asked.id, "on its way"), (&waiting.id, "waiting in line")] {
        assert_eq!(
            world.settled(id).await.state(),
            pb::OperationState::Succeeded
        );
        assert_eq!(world.notes_saying(&opportunity, text), 1);
    }
    assert_eq!(
        world.calls("createOpportunityNote").len(),
        2,
        "nothing was sent twice"
    );
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_lever_that_does_not_answer() {
    let mut world = World::with_opportunities(400).await;
    let never = FaultRule::on(
        "listOpportunities",
        Action::StallBefore(Duration::from_secs(600)),
    );
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![never.when(When::Nth(3))],
    });
    world.connect().await;
    until("two pages were read", async || {
        (world.calls("listOpportunities").len() >= 2).then_some(())
    })
    .await;
    let asked = Instant::now();
    assert_eq!(world.stop().await.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(10));
    world.lever.set_faults(FaultPlan::default());
    world.restart_until_settled().await;
    world.assert_mirror_equals_lever().await;
}

#[tokio::test]
async fn a_stop_with_nothing_to_do_is_quick_and_the_next_start_goes_on() {
    let mut world = World::synced(Setup::new(60)).await;
    let asked = Instant::now();
    assert_eq!(world.stop().await.code(), Some(0));
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "{:?}",
        asked.elapsed()
    );
    world.start().await;
    assert_eq!(world.status().await.state(), pb::SyncState::Synced);
    world.assert_mirror_equals_lever().await;
}
