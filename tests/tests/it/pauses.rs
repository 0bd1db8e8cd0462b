//! Lever asks for a pause, or somebody pauses pulling: nothing breaks, all is told, and all goes on by itself.

use std::time::Duration;

use lever_sim::{Action, FaultPlan, FaultRule, When};
use proto::v1 as pb;
use tonic::{Code, Streaming};

use crate::support::{Setup, World, fresh_id, refused, until};

/// How long Lever asks to wait: longer than a call may take, so that nobody waits through it.
const ASKED_FOR: u64 = 6;

fn patient(opportunities: usize) -> Setup {
    Setup::full(opportunities)
        .with("FULCRUM__LEVER__ATTEMPT_TIMEOUT", "1s")
        .with("FULCRUM__LEVER__DEADLINE", "2s")
        .with("FULCRUM__PULL__OPPORTUNITIES_INTERVAL", "1s")
}

fn once(action: Action) -> FaultPlan {
    FaultPlan {
        seed: 0,
        rules: vec![FaultRule::always(action).when(When::Nth(1))],
    }
}

impl World {
    async fn watched(&self) -> Streaming<pb::WatchSyncResponse> {
        let request = pb::WatchSyncRequest {
            connection_id: self.connection.clone(),
        };
        let watched = self.api.sync().watch_sync(request).await;
        watched.expect("a watch").into_inner()
    }

    async fn live(&self, opportunity: &str) -> Result<(), tonic::Status> {
        let request = pb::GetOpportunityRequest {
            connection_id: self.connection.clone(),
            opportunity_id: opportunity.to_owned(),
            read_from: pb::ReadFrom::Lever.into(),
            ..Default::default()
        };
        let answer = self.api.lever().get_opportunity(request).await;
        answer.map(drop)
    }
}

/// The next status that a watcher sees in a pause, or out of one.
async fn seen(watched: &mut Streaming<pb::WatchSyncResponse>, in_pause: bool) -> pb::SyncStatus {
    loop {
        let next = watched.message().await.expect("a message");
        let status = next.expect("it goes on").status.expect("a status");
        if status.rate_limit_pause.is_some() == in_pause {
            return status;
        }
    }
}

#[tokio::test]
async fn a_pause_that_lever_asks_for_is_told_and_waited_for_and_all_goes_on_by_itself() {
    let world = World::synced(patient(30)).await;
    let people = world.open_opportunities();
    let mut watched = world.watched().await;
    seen(&mut watched, false).await;
    world.lever.set_faults(once(Action::RetryAfter(ASKED_FOR)));

    let shown = seen(&mut watched, true).await.rate_limit_pause;
    let pause = shown.clone().expect("a pause");
    assert!(
        pause
            .reason
            .starts_with("Lever answered 429 with Retry-After of 6 seconds"),
        "{pause:?}"
    );
    let ms = |at: &Option<prost_types::Timestamp>| {
        let at = at.expect("a time");
        at.seconds * 1000 + i64::from(at.nanos) / 1_000_000
    };
    let length = ms(&pause.end_time) - ms(&pause.start_time);
    assert_eq!((length + 500) / 1000, 6, "{pause:?}");
    assert_eq!(world.status().await.rate_limit_pause, shown);

    // Somebody moves meanwhile, a person asks, and a write is recorded.
    let stages = world.lever.stages();
    let stage = stages.last().expect("a stage")["id"].as_str();
    let moved = world.lever.move_stage(&people[1], stage.expect("an id"));
    moved.expect("known");
    let told = refused(world.live(&people[0]).await);
    assert_eq!((told.code, told.retry), (Code::Unavailable, true));
    assert!(told.message.contains("pause"), "{}", told.message);
    let request = pb::CreateNoteRequest {
        opportunity_id: people[0].clone(),
        request_id: fresh_id(),
        value: "after the pause".to_owned(),
        wait: Some(prost_types::Duration {
            seconds: 0,
            nanos: 200_000_000,
        }),
        ..Default::default()
    };
    let note = world.create_note(request).await.expect("recorded");
    assert_eq!(note.state(), pb::OperationState::Recorded);
    assert!(note.lever_calls.is_empty(), "{note:?}");
    let status = world.status().await;
    assert!(
        status.rate_limit_pause.is_some(),
        "nobody waited for its end"
    );

    let after = seen(&mut watched, false).await;
    let troubled = |status: &pb::SyncStatus| -> Vec<String> {
        let streams = status.streams.iter();
        streams
            .filter(|stream| !stream.error.is_empty())
            .map(|stream| format!("{}: {}", stream.name, stream.error))
            .collect()
    };
    assert_eq!(troubled(&after), Vec::<String>::new());
    let note = world.settled(&note.id).await;
    assert_eq!(note.state(), pb::OperationState::Succeeded, "{note:?}");
    assert_eq!(note.lever_calls.len(), 1, "{note:?}");
    until("the move is seen", async || {
        let wanted = world.in_lever().remove(&people[1]);
        (world.mirrored().await.remove(&people[1]) == wanted).then_some(())
    })
    .await;
    let audit = world.lever.audit();
    let answers = audit.iter().filter(|call| call.status == Some(429)).count();
    assert_eq!(answers, 1, "Lever was left alone");
}

#[tokio::test]
async fn lists_below_people_wait_for_the_end_of_a_pause_and_none_of_them_has_failed() {
    let mut setup = patient(25);
    let pause = FaultRule::on("listOpportunityNotes", Action::RetryAfter(3));
    setup.lever.faults.rules = vec![pause.when(When::Nth(6))];
    let world = World::synced(setup).await;
    let states: Vec<_> = until("both runs are kept", async || {
        let runs = world.runs("notes").await;
        (runs.len() > 1).then(|| runs.iter().map(pb::SyncRun::state).collect())
    })
    .await;
    assert_eq!(
        states,
        [pb::RunState::Succeeded, pb::RunState::Interrupted],
        "newest first"
    );
    let calls = world.calls("listOpportunityNotes");
    let answers = calls.iter().filter(|call| call.status == Some(429)).count();
    assert_eq!(answers, 1, "Lever was left alone");
}

#[tokio::test]
async fn s11_what_was_read_below_people_until_pulling_is_paused_is_told_as_a_run() {
    let mut setup = Setup::full(25).with("FULCRUM__LEVER__ATTEMPT_TIMEOUT", "100s");
    let stalled = FaultRule::on(
        "listOpportunityNotes",
        Action::StallBefore(Duration::from_secs(100)),
    );
    setup.lever.faults.rules = vec![stalled.when(When::Nth(9))];
    let mut world = World::new(setup).await;
    world.connect().await;
    until("all but one of the lists are read", async || {
        let notes = world.stream("notes").await;
        (notes.pages > 0 && notes.waiting == 1).then_some(())
    })
    .await;
    assert_eq!(world.runs("notes").await, Vec::new(), "it is under way");
    let request = pb::PauseSyncRequest {
        connection_id: world.connection.clone(),
    };
    world.api.sync().pause_sync(request).await.expect("paused");
    let run = until("the run is kept", async || world.runs("notes").await.pop()).await;
    assert_eq!(run.state(), pb::RunState::Interrupted);
    assert!(run.pages > 0 && run.changes > 0, "{run:?}");
}
