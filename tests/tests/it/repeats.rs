//! The same request id never writes twice (X1, P11).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use lever_sim::{Action, FaultPlan, FaultRule, When};
use proto::v1 as pb;
use proto::v1::OperationState::Succeeded;
use tokio::sync::Notify;
use tonic::{Code, Status};

use crate::support::{Api, Setup, World, fresh_id, proved, refused, until};

#[tokio::test]
async fn a_repeat_answers_with_the_same_operation_and_sends_nothing() {
    let mut world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    let request_id = fresh_id();
    let first = world
        .note(&opportunity, &request_id, "hello")
        .await
        .expect("recorded");
    assert_eq!(first.state(), Succeeded);
    let again = world
        .note(&opportunity, &request_id, "hello")
        .await
        .expect("known");
    assert_eq!(again, first);

    world.kill().await;
    world.start().await;
    let after_restart = world
        .note(&opportunity, &request_id, "hello")
        .await
        .expect("known");
    assert_eq!(after_restart, first);
    assert_eq!(world.calls("createOpportunityNote").len(), 1);
    assert_eq!(world.notes_saying(&opportunity, "hello"), 1);
}

#[tokio::test]
async fn twenty_repeats_at_once_have_one_effect() {
    let world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    let request = pb::CreateNoteRequest {
        connection_id: world.connection.clone(),
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        value: "only once".to_owned(),
        ..Default::default()
    };
    let asked: Vec<_> = (0..20)
        .map(|_| {
            let (mut client, request) = (world.api.candidates(), request.clone());
            tokio::spawn(async move { client.create_note(request).await })
        })
        .collect();
    let mut ids = Vec::new();
    for answer in asked {
        let operation = answer
            .await
            .expect("no panic")
            .expect("recorded")
            .into_inner()
            .operation;
        let operation = operation.expect("an operation");
        assert_eq!(operation.state(), Succeeded);
        ids.push(operation.id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(world.calls("createOpportunityNote").len(), 1);
    assert_eq!(world.notes_saying(&opportunity, "only once"), 1);
}

#[tokio::test]
async fn a_request_id_cannot_be_used_for_something_else() {
    let world = World::synced(Setup::new(40)).await;
    let mut people = world.open_opportunities();
    let (one, other) = (people.remove(0), people.remove(0));
    let request_id = fresh_id();
    let first = world
        .note(&one, &request_id, "hello")
        .await
        .expect("recorded");

    let tags = pb::AddTagsRequest {
        opportunity_id: one.clone(),
        request_id: request_id.clone(),
        tags: vec!["hello".to_owned()],
        ..Default::default()
    };
    for told in [
        refused(world.note(&one, &request_id, "goodbye").await),
        refused(world.note(&other, &request_id, "hello").await),
        refused(world.add_tags(tags).await),
    ] {
        assert_eq!(told.code, Code::AlreadyExists, "{told:?}");
        assert_eq!(told.details["operation_id"], first.id);
        assert_eq!(told.details["digest"].len(), 64);
        assert_eq!(told.details["asked_digest"].len(), 64);
        assert_ne!(told.details["digest"], told.details["asked_digest"]);
    }
    assert_eq!(world.writes().len(), 1);
}

/// A caller who gives up at any moment leaves an operation that goes its way, or none at all.
#[tokio::test]
async fn what_a_caller_gave_up_on_is_sent_all_the_same() {
    let world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    for patience in (0..60).map(|step| Duration::from_micros(150 * step)) {
        let request = pb::CreateNoteRequest {
            connection_id: world.connection.clone(),
            opportunity_id: opportunity.clone(),
            request_id: fresh_id(),
            value: "impatient".to_owned(),
            ..Default::default()
        };
        let mut client = world.api.candidates();
        // Whether the answer comes in time is not what this is about.
        let _ = tokio::time::timeout(patience, client.create_note(request)).await;
    }
    until("all that was recorded is in Lever", async || {
        let recorded = world.operations().await;
        let done = |operation: &pb::Operation| operation.state() == Succeeded;
        let written = world.notes_saying(&opportunity, "impatient");
        (recorded.iter().all(done) && written == recorded.len()).then_some(())
    })
    .await;
    assert!(!world.operations().await.is_empty(), "nobody was heard");
}

/// Asks the same again, so many times at once; the answers in the order asked.
async fn at_once<T: Send + 'static>(
    times: usize,
    ask: impl Fn() -> BoxFuture<'static, Result<T, Status>>,
) -> Vec<Result<T, Status>> {
    let asked: Vec<_> = (0..times).map(|_| tokio::spawn(ask())).collect();
    let answers = asked
        .into_iter()
        .map(async |answer| answer.await.expect("no panic"));
    futures::future::join_all(answers).await
}

/// The one id that all answers name.
fn the_one(answers: impl IntoIterator<Item = Result<String, Status>>) -> String {
    let ids: BTreeSet<_> = answers
        .into_iter()
        .map(|answer| answer.expect("recorded"))
        .collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    ids.into_iter().next().expect("one")
}

fn only_once(world: &World, opportunity: &str) -> pb::CreateNoteRequest {
    pb::CreateNoteRequest {
        connection_id: world.connection.clone(),
        opportunity_id: opportunity.to_owned(),
        request_id: fresh_id(),
        value: "only once".to_owned(),
        wait: Some(prost_types::Duration {
            seconds: 40,
            nanos: 0,
        }),
        ..Default::default()
    }
}

fn note_id(
    api: &Api,
    request: &pb::CreateNoteRequest,
) -> BoxFuture<'static, Result<String, Status>> {
    let (mut client, request) = (api.candidates(), request.clone());
    Box::pin(async move {
        let answer = client.create_note(request).await?.into_inner();
        Ok(answer.operation.expect("an operation").id)
    })
}

/// Lever has taken the note and all fifty wait for its answer when the service dies.
#[tokio::test]
async fn fifty_repeats_at_once_before_and_after_a_kill_have_one_effect() {
    let mut world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    let request = only_once(&world, &opportunity);
    let never = Action::StallAfter(Duration::from_secs(600));
    let rule = FaultRule::on("createOpportunityNote", never).when(When::Nth(1));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![rule],
    });
    let api = world.api.clone();
    let asked = request.clone();
    let first = tokio::spawn(async move { at_once(50, || note_id(&api, &asked)).await });
    until("Lever has the note", async || {
        (world.notes_saying(&opportunity, "only once") == 1).then_some(())
    })
    .await;
    let recorded = world.operations().await;
    assert_eq!(recorded.len(), 1, "{recorded:?}");
    world.kill().await;
    world.lever.set_faults(FaultPlan::default());
    let first = first.await.expect("no panic");
    assert!(first.iter().all(Result::is_err), "nobody was answered");
    world.start().await;
    let second = at_once(50, || note_id(&world.api, &request)).await;
    assert_eq!(the_one(second), recorded[0].id);
    assert_eq!(world.settled(&recorded[0].id).await.state(), Succeeded);
    assert_eq!(world.operations().await.len(), 1);
    assert_eq!(world.calls("createOpportunityNote").len(), 1);
    assert_eq!(world.notes_saying(&opportunity, "only once"), 1);
}

/// The kill falls while the repeats arrive: before the first is recorded, or after some were answered.
#[tokio::test]
async fn fifty_repeats_into_which_a_kill_falls_have_one_effect() {
    let mut world = World::synced(Setup::new(40)).await;
    let people = world.open_opportunities();
    let mut answered_before = 0;
    for (round, opportunity) in (0_u64..).zip(&people[..8]) {
        let request = pb::CreateNoteRequest {
            wait: Some(prost_types::Duration::default()),
            ..only_once(&world, opportunity)
        };
        let (api, asked) = (world.api.clone(), request.clone());
        let told = Arc::new(Notify::new());
        let tell = told.clone();
        let first = tokio::spawn(async move {
            let ask = || -> BoxFuture<'static, Result<String, Status>> {
                let (tell, asking) = (tell.clone(), note_id(&api, &asked));
                Box::pin(asking.inspect(move |answer| {
                    if answer.is_ok() {
                        tell.notify_one();
                    }
                }))
            };
            at_once(50, ask).await
        });
        match round {
            0..4 => tokio::time::sleep(Duration::from_millis(round * 4)).await,
            _ => told.notified().await,
        }
        world.kill().await;
        let first: Vec<_> = first.await.expect("no panic");
        let answered: Vec<_> = first.into_iter().filter(Result::is_ok).collect();
        answered_before += answered.len();
        world.start().await;
        let second = at_once(50, || note_id(&world.api, &request)).await;
        let id = the_one(answered.into_iter().chain(second));
        assert_eq!(world.settled(&id).await.state(), Succeeded);
        assert_eq!(world.notes_saying(opportunity, "only once"), 1);
    }
    assert_eq!(world.operations().await.len(), 8);
    assert!(
        answered_before > 0,
        "every kill came before the first answer"
    );
    proved(
        "P11",
        8,
        "fifty repeats at once, a kill among them, and fifty more",
    );
}

fn bulk_id(
    api: &Api,
    request: &pb::BulkWriteRequest,
) -> BoxFuture<'static, Result<String, Status>> {
    let (mut client, request) = (api.candidates(), request.clone());
    Box::pin(async move {
        let mut told = client.bulk_write(request).await?.into_inner();
        let first = told.message().await?;
        let first = first.ok_or_else(|| Status::unavailable("nothing was told"))?;
        Ok(first.operation.expect("an operation").id)
    })
}

#[tokio::test]
async fn ten_repeats_of_a_bulk_at_once_before_and_after_a_kill_have_one_effect() {
    let mut world = World::synced(Setup::new(60)).await;
    let people: Vec<_> = world.open_opportunities().into_iter().take(12).collect();
    let item = |opportunity: &String| pb::BulkItem {
        opportunity_id: opportunity.clone(),
        write: Some(pb::bulk_item::Write::Note(pb::BulkNote {
            value: "only once".to_owned(),
            secret: false,
        })),
    };
    let request = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: people.iter().map(item).collect(),
        ..Default::default()
    };
    // The fifth note is in Lever, and its answer on its way, when the service dies.
    let never = Action::StallAfter(Duration::from_secs(600));
    let rule = FaultRule::on("createOpportunityNote", never).when(When::Nth(5));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![rule],
    });
    let first = the_one(at_once(10, || bulk_id(&world.api, &request)).await);
    until("Lever has five of the notes", async || {
        (world.effects("createOpportunityNote") >= 5).then_some(())
    })
    .await;
    world.kill().await;
    world.lever.set_faults(FaultPlan::default());
    world.start().await;
    let second = the_one(at_once(10, || bulk_id(&world.api, &request)).await);
    assert_eq!(second, first);
    let bulk = world.settled(&first).await;
    assert_eq!(bulk.state(), Succeeded, "{bulk:?}");
    for opportunity in &people {
        assert_eq!(world.notes_saying(opportunity, "only once"), 1);
    }
    assert_eq!(world.effects("createOpportunityNote"), 12);
}
