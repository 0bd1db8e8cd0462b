//! A graceful stop (P18).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use lever_sim::{Action, FaultPlan, FaultRule, When};
use proto::v1 as pb;
use tokio::net::TcpStream;
use tonic::Streaming;

use crate::support::{Random, Setup, World, fresh_id, proved, refused, rounds, until};

/// The reason why a stream ends that may not end by itself: its bare end would say that this was all.
async fn end_of<A>(stream: &mut Streaming<A>) -> String {
    loop {
        match stream.message().await {
            Ok(answer) => assert!(answer.is_some(), "a bare end"),
            refusal => return refused(refusal).reason,
        }
    }
}

#[tokio::test]
async fn a_stop_is_told_to_streams_and_lets_the_write_under_way_finish() {
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
    let request = pb::WatchChangesRequest {
        connection_id: world.connection.clone(),
        ..Default::default()
    };
    let followed = world.api.changes().watch_changes(request).await;
    let mut followed = followed.expect("a stream").into_inner();

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
    assert_eq!(end_of(&mut watched).await, "UNAVAILABLE");
    assert_eq!(end_of(&mut followed).await, "UNAVAILABLE");

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

/// A caller who would rather wait for the end has the id all the same, to ask with after the next start.
#[tokio::test]
async fn who_waits_for_a_write_is_told_how_it_stands_when_the_service_stops() {
    use pb::OperationState::{Recorded, Sending};
    let mut world = World::synced(Setup::new(60)).await;
    let person = world.open_opportunities().remove(0);
    let never = Action::StallBefore(Duration::from_secs(600));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on("createOpportunityNote", never)],
    });
    let note = |text: &str| pb::CreateNoteRequest {
        connection_id: world.connection.clone(),
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        value: text.to_owned(),
        wait: Some(prost_types::Duration {
            seconds: 60,
            nanos: 0,
        }),
        ..Default::default()
    };
    let asks = |request: pb::CreateNoteRequest| {
        let api = world.api.clone();
        tokio::spawn(async move { api.candidates().create_note(request).await })
    };
    let sent = asks(note("on its way"));
    until("the note is being sent", async || {
        let operations = world.operations().await;
        (operations.first()?.state() == Sending).then_some(())
    })
    .await;
    let in_line = asks(note("waiting in line"));
    until("the other one is recorded", async || {
        (world.operations().await.len() == 2).then_some(())
    })
    .await;
    assert_eq!(world.stop().await.code(), Some(0));
    let mut states = Vec::new();
    for asked in [sent, in_line] {
        let answer = asked.await.expect("no panic").expect("an answer");
        let operation = answer.into_inner().operation.expect("an operation");
        states.push(operation.state());
    }
    assert_eq!(states, [Sending, Recorded]);
}

/// Seen to fail with a stop that waits for the workers without cutting them short: it did not end within ten seconds.
#[tokio::test]
async fn a_stop_does_not_wait_for_a_lever_that_does_not_answer() {
    let mut world = World::new(Setup::new(400).keeping(&[])).await;
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
    // Callers who have not asked for anything have nothing to wait for.
    let doors = [world.service().grpc, world.service().http];
    let silent = futures::future::try_join_all(doors.map(TcpStream::connect)).await;
    let _silent = silent.expect("connected");
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

/// The moments of the stops are drawn: some fall into a page, some into a write, some into a start.
///
/// Seen to fail with a walk that begins anew after each start, as it would without a cursor kept with each page: 42 pages
/// were read again after 10 stops.
#[tokio::test]
async fn p18_a_stop_at_any_moment_ends_well_and_repeats_one_page_at_most() {
    let stops = rounds(10, 100);
    // Whoever starts again finds the data directory free.
    let mut setup = Setup::new(2_000).with("FULCRUM__STORE__LOCK_WAIT", "0ms");
    setup.connection.streams = ["stages", "users", "postings", "opportunities"]
        .map(str::to_owned)
        .into();
    let mut world = World::new(setup).await;
    let pace = FaultRule::on(
        "listOpportunities",
        Action::StallBefore(Duration::from_millis(15)),
    );
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![pace],
    });
    world.connect().await;
    let people = world.open_opportunities();
    let mut chance = Random::new(18);
    let mut written = Vec::new();
    for stop in 0..stops {
        let person = chance.pick(&people).clone();
        let text = format!("note before stop {stop}");
        world.note_unawaited(&person, &text).await;
        written.push((person, text));
        tokio::time::sleep(Duration::from_millis(chance.below(250))).await;
        assert_eq!(world.stop().await.code(), Some(0), "stop {stop}");
        world.start().await;
    }
    world.until_synced().await;
    for (person, text) in written {
        until("the note is in Lever", async || {
            (world.notes_saying(&person, &text) > 0).then_some(())
        })
        .await;
        assert_eq!(world.notes_saying(&person, &text), 1, "{text}");
    }
    let walked = walked(&world);
    for (listing, (asked, different)) in &walked {
        let again = asked - different;
        assert!(
            again <= stops,
            "{again} pages of {listing} were read again after {stops} stops"
        );
    }
    world.assert_mirror_equals_lever().await;
    proved(
        "P18",
        stops,
        "stops at drawn moments of a backfill with writes",
    );
}

/// How often pages of the first walks were asked for, and how many different ones there were, by listing.
fn walked(world: &World) -> BTreeMap<&'static str, (u64, u64)> {
    let mut listings: BTreeMap<&str, Vec<Vec<(String, String)>>> = BTreeMap::new();
    for call in world.calls("listOpportunities") {
        let has = |name: &str| call.query.iter().any(|(field, _)| field == name);
        if !has("updated_at_start") {
            let listing = if has("stage_id") {
                "inbound stages"
            } else {
                "all"
            };
            listings.entry(listing).or_default().push(call.query);
        }
    }
    let counted = listings.into_iter().map(|(listing, queries)| {
        let different: BTreeSet<_> = queries.iter().collect();
        (listing, (queries.len() as u64, different.len() as u64))
    });
    counted.collect()
}
