//! The same request id never writes twice (X1, P11).

use std::time::Duration;

use proto::v1 as pb;
use proto::v1::OperationState::Succeeded;
use tonic::Code;

use crate::support::{Setup, World, fresh_id, refused, until};

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
