//! Writes that cannot be right, or not now: nothing reaches Lever.

use proto::v1 as pb;
use tonic::Code;

use crate::support::{NOBODY, Setup, Table, World, fresh_id, refused, why};

#[tokio::test]
async fn writes_that_cannot_be_right_are_refused_before_anything_is_recorded() {
    let world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    let mut table = Table::default();
    let note = || pb::CreateNoteRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        value: "hello".to_owned(),
        ..Default::default()
    };
    let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    let notes = [
        (
            "request_id",
            pb::CreateNoteRequest {
                request_id: String::new(),
                ..note()
            },
        ),
        (
            "request_id",
            pb::CreateNoteRequest {
                request_id: "x".repeat(256),
                ..note()
            },
        ),
        (
            "request_id",
            pb::CreateNoteRequest {
                request_id: "a\u{0}b".to_owned(),
                ..note()
            },
        ),
        (
            "value",
            pb::CreateNoteRequest {
                value: String::new(),
                ..note()
            },
        ),
        (
            "value",
            pb::CreateNoteRequest {
                value: " \n".to_owned(),
                ..note()
            },
        ),
        (
            "value",
            pb::CreateNoteRequest {
                value: "x".repeat(600_001),
                ..note()
            },
        ),
        (
            "wait",
            pb::CreateNoteRequest {
                wait: seconds(61),
                ..note()
            },
        ),
        (
            "wait",
            pb::CreateNoteRequest {
                wait: seconds(-1),
                ..note()
            },
        ),
        (
            "wait",
            pb::CreateNoteRequest {
                wait: seconds(i64::MAX),
                ..note()
            },
        ),
        (
            "wait",
            pb::CreateNoteRequest {
                wait: Some(prost_types::Duration {
                    seconds: 1,
                    nanos: i32::MIN,
                }),
                ..note()
            },
        ),
        (
            "perform_as",
            pb::CreateNoteRequest {
                perform_as: NOBODY.to_owned(),
                ..note()
            },
        ),
        (
            "perform_as",
            pb::CreateNoteRequest {
                perform_as: NOBODY.to_owned(),
                acting_user: "a@b.c".to_owned(),
                ..note()
            },
        ),
        (
            "opportunity_id",
            pb::CreateNoteRequest {
                opportunity_id: String::new(),
                ..note()
            },
        ),
    ];
    for (field, request) in notes {
        table.row(
            format!("note with bad {field}"),
            world.create_note(request).await,
            Code::InvalidArgument,
            field,
        );
    }
    for (field, tags) in [
        ("tags", vec!["x".to_owned(); 101]),
        ("tags", Vec::new()),
        ("tags[1]", vec!["fine".to_owned(), " ".to_owned()]),
        ("tags[0]", vec!["x".repeat(256)]),
    ] {
        let (opportunity_id, request_id) = (opportunity.clone(), fresh_id());
        let request = pb::AddTagsRequest {
            opportunity_id,
            request_id,
            tags,
            ..Default::default()
        };
        table.row(
            "tags",
            world.add_tags(request).await,
            Code::InvalidArgument,
            field,
        );
    }
    for stage_id in ["", "no-such-stage", "\u{0}"] {
        let request = pb::ChangeStageRequest {
            opportunity_id: opportunity.clone(),
            request_id: fresh_id(),
            stage_id: stage_id.to_owned(),
            ..Default::default()
        };
        table.row(
            format!("stage {stage_id:?}"),
            world.change_stage(request).await,
            Code::InvalidArgument,
            "stage_id",
        );
    }
    for archive_reason_id in ["", "no-such-reason"] {
        let request = pb::ArchiveRequest {
            opportunity_id: opportunity.clone(),
            request_id: fresh_id(),
            archive_reason_id: archive_reason_id.to_owned(),
            ..Default::default()
        };
        let answer = world.archive(request).await;
        table.row(
            format!("reason {archive_reason_id:?}"),
            answer,
            Code::InvalidArgument,
            "archive_reason_id",
        );
    }
    table.check();
    assert!(world.operations().await.is_empty());
    assert!(world.writes().is_empty());
}

/// A message over the limit costs the caller an error, not the service its life.
#[tokio::test]
async fn a_message_that_is_too_large_is_refused() {
    let world = World::synced(Setup::new(20)).await;
    let opportunity = world.open_opportunities().remove(0);
    let told = refused(
        world
            .note(&opportunity, &fresh_id(), &"x".repeat(5_000_000))
            .await,
    );
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::ResourceExhausted, "MESSAGE_TOO_LARGE")
    );
    world.until_synced().await;
}

/// F-41, F-42.
#[tokio::test]
async fn f41_f42_what_the_mapping_excludes_is_neither_offered_nor_taken() {
    let world = World::synced(Setup::new(60)).await;
    let opportunity = world.open_opportunities().remove(0);
    let reasons = world.lever.archive_reasons();
    let reason = reasons
        .iter()
        .find(|reason| reason["type"] == "non-hired" && reason["status"] == "active");
    let reason = reason.expect("an active reason")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    mapping.advance_excluded_stage_ids = vec!["offer".to_owned()];
    mapping.reject_excluded_reason_ids = vec![reason.clone()];
    world.save_mapping(mapping).await.expect("saved");

    let request = pb::ListAdvanceTargetsRequest {
        connection_id: world.connection.clone(),
        opportunity_id: opportunity.clone(),
    };
    let targets = world
        .api
        .inbound()
        .list_advance_targets(request)
        .await
        .expect("targets")
        .into_inner()
        .targets;
    assert!(!targets.is_empty() && targets.iter().all(|target| target.stage_id != "offer"));
    let request = pb::ListRejectReasonsRequest {
        connection_id: world.connection.clone(),
    };
    let offered = world
        .api
        .inbound()
        .list_reject_reasons(request)
        .await
        .expect("reasons")
        .into_inner()
        .reasons;
    assert!(
        !offered.is_empty()
            && offered
                .iter()
                .all(|offered| offered.archive_reason_id != reason)
    );

    let request = pb::ChangeStageRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        stage_id: "offer".to_owned(),
        ..Default::default()
    };
    let told = refused(world.change_stage(request).await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "STAGE_EXCLUDED")
    );
    let request = pb::ArchiveRequest {
        opportunity_id: opportunity,
        request_id: fresh_id(),
        archive_reason_id: reason,
        ..Default::default()
    };
    let told = refused(world.archive(request).await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "REASON_EXCLUDED")
    );
    assert!(world.writes().is_empty());
}

#[tokio::test]
async fn a_person_who_was_moved_meanwhile_is_not_moved_again() {
    let world = World::synced(Setup::new(60)).await;
    let opportunity = world.open_opportunities().remove(0);
    let expected = world.lever.opportunity(&opportunity).expect("there")["stage"]
        .as_str()
        .expect("a stage")
        .to_owned();
    let stages = world.lever.stages();
    let other = stages
        .iter()
        .rev()
        .find(|stage| stage["id"] != "offer" && stage["id"] != expected.as_str());
    let other = other.expect("a stage")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    world.lever.move_stage(&opportunity, &other).expect("known");
    let request = pb::ChangeStageRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        stage_id: "offer".to_owned(),
        expected_stage_id: expected,
        ..Default::default()
    };
    let operation = world.change_stage(request).await.expect("recorded");
    assert_eq!(operation.state(), pb::OperationState::Failed);
    let told = why(&operation);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::Aborted, "STAGE_MOVED")
    );
    assert_eq!(told.details["present_stage_id"], other);
    assert!(world.writes().is_empty());
}

#[tokio::test]
async fn what_has_settled_cannot_be_cancelled_and_a_paused_pull_is_not_started() {
    let world = World::synced(Setup::new(20)).await;
    let opportunity = world.open_opportunities().remove(0);
    let done = world
        .note(&opportunity, &fresh_id(), "hello")
        .await
        .expect("recorded");
    let request = pb::CancelOperationRequest {
        connection_id: world.connection.clone(),
        operation_id: done.id,
    };
    let told = refused(world.api.operations().cancel_operation(request).await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "OPERATION_NOT_WAITING")
    );

    let pause = pb::PauseSyncRequest {
        connection_id: world.connection.clone(),
    };
    world.api.sync().pause_sync(pause).await.expect("paused");
    assert_eq!(world.status().await.state(), pb::SyncState::Paused);
    let start = pb::StartSyncRequest {
        connection_id: world.connection.clone(),
        streams: Vec::new(),
        ..Default::default()
    };
    let told = refused(world.api.sync().start_sync(start).await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "SYNC_PAUSED")
    );
    let written = world
        .note(&opportunity, &fresh_id(), "still written")
        .await
        .expect("recorded");
    assert_eq!(written.state(), pb::OperationState::Succeeded);
    let resume = pb::ResumeSyncRequest {
        connection_id: world.connection.clone(),
    };
    world.api.sync().resume_sync(resume).await.expect("resumed");
    world.until_synced().await;
}

/// The stage mapping holds for raw calls too: who may not move people there may not do so by another name.
#[tokio::test]
async fn what_the_mapping_excludes_is_excluded_for_raw_calls_too() {
    let world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    let mapping = world.mapping().await.stage_mapping.expect("a mapping");
    let reason = world.reject_reason();
    let mapping = pb::StageMapping {
        advance_excluded_stage_ids: vec!["offer".to_owned()],
        reject_excluded_reason_ids: vec![reason.clone()],
        ..mapping
    };
    world.save_mapping(mapping).await.expect("saved");
    let call = async |operation: &str, parameter: &str, body: serde_json::Value| {
        let request = pb::CallRequest {
            connection_id: world.connection.clone(),
            operation_id: operation.to_owned(),
            path_parameters: [(parameter.to_owned(), person.clone())].into(),
            request_id: fresh_id(),
            body: Some(pb::call_request::Body::BodyJson(body.to_string().into())),
            ..Default::default()
        };
        world.api.lever().call(request).await
    };
    for (side, name) in [("opportunity", "Opportunity"), ("candidate", "Candidate")] {
        let stage = serde_json::json!({"stage": "offer"});
        let told = refused(call(&format!("update{name}Stage"), side, stage).await);
        assert_eq!(
            (told.code, told.reason.as_str()),
            (Code::FailedPrecondition, "STAGE_EXCLUDED")
        );
        let archive = serde_json::json!({"reason": reason});
        let told = refused(call(&format!("update{name}Archived"), side, archive).await);
        assert_eq!(
            (told.code, told.reason.as_str()),
            (Code::FailedPrecondition, "REASON_EXCLUDED")
        );
    }
    assert!(world.writes().is_empty());
    // Whether there is such a stage Lever says itself.
    let unknown = serde_json::json!({"stage": "no-such-stage"});
    let answer = call("updateOpportunityStage", "opportunity", unknown).await;
    let operation = answer
        .expect("recorded")
        .into_inner()
        .operation
        .expect("an operation");
    assert_eq!(operation.state(), pb::OperationState::Failed);
    let allowed = serde_json::json!({"stage": "lead-responded"});
    let answer = call("updateOpportunityStage", "opportunity", allowed).await;
    let operation = answer
        .expect("recorded")
        .into_inner()
        .operation
        .expect("an operation");
    assert_eq!(
        operation.state(),
        pb::OperationState::Succeeded,
        "{operation:?}"
    );
}
