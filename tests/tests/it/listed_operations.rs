//! Operations as they are listed and told: what they ask for, of whom, for whom, and what was sent.

use proto::v1 as pb;
use proto::v1::OperationState::{Failed, Sending};

use crate::bulk_writes::note;
use crate::support::{Setup, World, fresh_id, refused, until};

/// An item has one id, wherever it is told; the form that calls told once still names it.
#[tokio::test]
async fn an_item_is_told_by_one_id_everywhere() {
    let world = World::synced(Setup::new(40)).await;
    let people = world.open_opportunities();
    let request = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: people[..2].iter().map(|one| note(one, "hello")).collect(),
        ..Default::default()
    };
    let bulk = world.bulk_write(request).await.remove(0).id;
    let calls = async |operation_id: &str| {
        let request = pb::ListApiCallsRequest {
            connection_id: world.connection.clone(),
            operation_id: operation_id.to_owned(),
            lever_operation: "createOpportunityNote".to_owned(),
            ..Default::default()
        };
        let answer = world.api.sync().list_api_calls(request).await;
        let calls = answer.expect("listed").into_inner().api_calls;
        let mut told: Vec<_> = calls.into_iter().map(|call| call.operation_id).collect();
        told.sort();
        told
    };
    let items = [1, 2].map(|number| format!("{bulk}/{number}"));
    // Calls are noted together, a little later.
    let told = until("the calls are noted", async || {
        let told = calls(&bulk).await;
        (told.len() == 2).then_some(told)
    })
    .await;
    assert_eq!(told, items);
    let former = format!("{}0002", &bulk[..bulk.len() - 4]);
    for named in [&items[1], &former] {
        assert_eq!(calls(named).await, items[1..]);
        assert_eq!(world.operation(named).await.id, items[1]);
    }
}

#[tokio::test]
async fn operations_are_listed_by_what_they_are_and_whose() {
    let world = World::synced(Setup::new(60)).await;
    let people = world.open_opportunities();
    let request_id = fresh_id();
    let request = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: request_id.clone(),
        items: people[..3].iter().map(|one| note(one, "one")).collect(),
        ..Default::default()
    };
    let bulk = world.bulk_write(request).await.remove(0);
    let acting = world.lever.active_users().remove(0);
    let tags = pb::AddTagsRequest {
        opportunity_id: people[0].clone(),
        request_id: fresh_id(),
        tags: vec!["t".to_owned()],
        perform_as: acting.clone(),
        ..Default::default()
    };
    let tagged = world.add_tags(tags).await.expect("recorded");
    let all = || pb::ListOperationsRequest {
        connection_id: world.connection.clone(),
        ..Default::default()
    };
    let ids = async |request: pb::ListOperationsRequest| {
        let page = world.api.operations().list_operations(request).await;
        let operations = page.expect("listed").into_inner().operations;
        operations.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    let items: Vec<_> = [3, 2, 1].map(|n| format!("{}/{n}", bulk.id)).into();
    let with_bulk = [items.clone(), vec![bulk.id.clone()]].concat();
    let everything = [vec![tagged.id.clone()], with_bulk.clone()].concat();
    let cases = [
        (all(), everything.clone()),
        (
            pb::ListOperationsRequest {
                acting_user_id: acting,
                ..all()
            },
            vec![tagged.id.clone()],
        ),
        (
            pb::ListOperationsRequest {
                asked_by: tagged.asked_by.clone(),
                ..all()
            },
            everything,
        ),
        (
            pb::ListOperationsRequest {
                asked_by: "somebody else".to_owned(),
                ..all()
            },
            Vec::new(),
        ),
        (
            pb::ListOperationsRequest {
                created_before: tagged.create_time,
                ..all()
            },
            with_bulk.clone(),
        ),
        (
            pb::ListOperationsRequest {
                kinds: vec![pb::OperationKind::AddTags.into()],
                ..all()
            },
            vec![tagged.id.clone()],
        ),
        (
            pb::ListOperationsRequest {
                opportunity_id: people[0].clone(),
                ..all()
            },
            vec![tagged.id.clone(), items[2].clone()],
        ),
        (
            pb::ListOperationsRequest {
                parent_id: bulk.id.clone(),
                ..all()
            },
            items.clone(),
        ),
        (
            pb::ListOperationsRequest {
                request_id,
                ..all()
            },
            with_bulk,
        ),
        (
            pb::ListOperationsRequest {
                states: vec![Sending.into(), Failed.into()],
                ..all()
            },
            Vec::new(),
        ),
        (
            pb::ListOperationsRequest {
                created_since: tagged.create_time,
                ..all()
            },
            vec![tagged.id.clone()],
        ),
    ];
    for (request, expected) in cases {
        assert_eq!(ids(request.clone()).await, expected, "{request:?}");
    }
    let bad = pb::ListOperationsRequest {
        states: vec![99],
        ..all()
    };
    let told = refused(world.api.operations().list_operations(bad).await);
    assert_eq!(told.fields, ["states[0]"]);
}

/// In Lever's words, so that nobody has to look ids up; names of people are not for everybody.
#[tokio::test]
async fn operations_tell_whom_they_are_about_and_what_they_ask_by_name() {
    let mut world = World::synced(Setup::new(60)).await;
    let acting = world.lever.active_users().remove(0);
    let applicant = world.applicants().await.applicants.remove(0);
    let stages = world.lever.stages();
    let target = stages
        .iter()
        .find(|stage| stage["id"] != applicant.stage_id.as_str())
        .expect("another stage")
        .clone();
    let text = |value: &serde_json::Value, field: &str| {
        value[field].as_str().unwrap_or_default().to_owned()
    };
    let request = pb::ChangeStageRequest {
        opportunity_id: applicant.opportunity_id.clone(),
        request_id: fresh_id(),
        stage_id: text(&target, "id"),
        expected_stage_id: applicant.stage_id.clone(),
        perform_as: acting.clone(),
        ..Default::default()
    };
    let moved = world.change_stage(request).await.expect("moved");
    assert_eq!(moved.summary, None, "only where operations are looked at");
    let tags = pb::AddTagsRequest {
        opportunity_id: applicant.opportunity_id.clone(),
        request_id: fresh_id(),
        tags: vec!["one".to_owned(), "two".to_owned()],
        ..Default::default()
    };
    let tagged = world.add_tags(tags).await.expect("tagged");

    let told = world.operation(&moved.id).await.summary.expect("told");
    assert_eq!(told.person_name, applicant.name);
    assert_eq!(told.stage_text, text(&target, "text"));
    assert_eq!(told.present_stage_text, told.stage_text);
    assert_eq!(told.present_posting_text, applicant.posting_text);
    assert!(!told.present_posting_id.is_empty());
    assert_eq!(told.expected_stage_text, applicant.stage_text);
    assert!(!told.acting_user_name.is_empty() && told.acting_user_name != acting);
    let listed = world.operations().await;
    let of = |operations: &[pb::Operation], id: &str| {
        let found = operations.iter().find(|one| one.id == id);
        found.and_then(|one| one.summary.clone()).expect("told")
    };
    assert_eq!(of(&listed, &moved.id), told);
    let added = of(&listed, &tagged.id);
    assert_eq!((added.tag_count, added.tags.len()), (2, 2));

    assert!(world.stop().await.success());
    let reader = world.home.token(&["--role", "reader"]).await;
    let product = world.home.token(&["--role", "product"]).await;
    world.start().await;
    let seen = async |token: &str| {
        let request = pb::ListOperationsRequest {
            connection_id: world.connection.clone(),
            ..Default::default()
        };
        let api = world.api.with_token(token);
        let page = api.operations().list_operations(request).await;
        of(&page.expect("listed").into_inner().operations, &tagged.id)
    };
    let by_reader = seen(&reader).await;
    assert_eq!(by_reader.person_name, applicant.name);
    assert_eq!((by_reader.tag_count, by_reader.tags.len()), (2, 0));
    assert_eq!(seen(&product).await, added);
}

/// What was sent stays to be seen by those who write; a secret note's text is for admins.
#[tokio::test]
async fn an_operation_shows_what_was_sent_for_whom_and_who_asked() {
    let world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    let acting = world.lever.active_users().remove(0);
    let request = pb::CreateNoteRequest {
        opportunity_id: person,
        request_id: fresh_id(),
        value: "as it was sent".to_owned(),
        perform_as: acting.clone(),
        ..Default::default()
    };
    let asked = world.create_note(request).await.expect("recorded");
    let seen = world.operation(&asked.id).await;
    assert_eq!(seen.acting_because(), pb::ActingBecause::Named);
    assert!(!seen.asked_by.is_empty());
    let write = seen
        .lever_calls
        .iter()
        .find(|call| call.lever_operation == "createOpportunityNote")
        .expect("the call");
    let body: serde_json::Value = serde_json::from_str(&write.body_json).expect("JSON");
    assert_eq!(body["value"], "as it was sent");
    assert_eq!(write.status, 201);
    let named = |parameter: &&pb::QueryParameter| parameter.name == "perform_as";
    let query = write.query.iter().find(named).expect("for whom");
    assert_eq!(query.value, acting);
}
