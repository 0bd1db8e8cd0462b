//! Writes that are kept back for a while (X4), and what has become of whom they are about by then.

use proto::v1 as pb;
use proto::v1::OperationState::{Cancelled, Failed, Succeeded};
use proto::v1::bulk_item::Write as Item;

use crate::support::{Setup, World, fresh_id, refused, why};

fn seconds(at: Option<prost_types::Timestamp>) -> (i64, i32) {
    let at = at.expect("a time");
    (at.seconds, at.nanos)
}

/// X4: until its time, nothing is written; what is cancelled never is, what is released is at once.
#[tokio::test]
async fn held_rejections_can_be_cancelled_released_and_survive_a_restart() {
    let mut world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(3).await;
    let request = pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: applicants.clone(),
        archive_reason_id: world.reject_reason(),
        hold: Some(pb::Hold {
            delay: Some(pb::hold::Delay::BusinessDays(2)),
        }),
        ..Default::default()
    };
    let stream = world.api.inbound().reject_applicants(request).await;
    let mut stream = stream.expect("accepted").into_inner();
    let bulk = stream.message().await.expect("told").expect("a message");
    let bulk = bulk.operation.expect("the bulk");
    assert_eq!(bulk.tally.expect("a tally").held, 3);
    let item = |number: usize| format!("{}/{number}", bulk.id);
    let held = world.operation(&item(1)).await;
    assert_eq!(held.state(), pb::OperationState::Held);
    assert!(seconds(held.release_time) > seconds(held.create_time));
    // Others may write meanwhile: what is held is in nobody's way.
    let note = world
        .note(&applicants[0].opportunity_id, &fresh_id(), "still here")
        .await;
    assert_eq!(note.expect("recorded").state(), Succeeded);
    drop(stream);
    world.kill().await;
    world.start().await;

    assert_eq!(
        world.cancel(&item(1)).await.expect("cancelled").state(),
        Cancelled
    );
    let released = world.release(&item(2)).await.expect("released");
    assert_ne!(released.state(), pb::OperationState::Held);
    assert_eq!(world.settled(&item(2)).await.state(), Succeeded);
    assert_eq!(world.effects("updateOpportunityArchived"), 1);
    let again = refused(world.release(&item(2)).await);
    assert_eq!(again.reason, "OPERATION_NOT_HELD");
    // All that is left, at once, and so is the bulk.
    let ended = world.cancel(&bulk.id).await.expect("cancelled");
    assert_eq!(ended.state(), Succeeded, "{ended:?}");
    let tally = ended.tally.expect("a tally");
    assert_eq!((tally.succeeded, tally.cancelled, tally.held), (1, 2, 0));
    assert_eq!(world.effects("updateOpportunityArchived"), 1);
}

#[tokio::test]
async fn a_held_write_is_made_when_its_time_has_come() {
    let world = World::synced(Setup::new(40)).await;
    let applicants = world.refs(1).await;
    let request = pb::ArchiveRequest {
        opportunity_id: applicants[0].opportunity_id.clone(),
        request_id: fresh_id(),
        archive_reason_id: world.reject_reason(),
        hold: Some(pb::Hold {
            delay: Some(pb::hold::Delay::Duration(prost_types::Duration {
                seconds: 1,
                nanos: 0,
            })),
        }),
        ..Default::default()
    };
    let asked = world.archive(request).await.expect("recorded");
    assert_eq!(asked.state(), pb::OperationState::Held);
    let settled = world.settled(&asked.id).await;
    assert_eq!(settled.state(), Succeeded);
    let sent = settled.lever_calls[0].call_time;
    assert!(seconds(sent) >= seconds(asked.release_time), "{settled:?}");
}

/// X4: whoever was archived by somebody else during the hold, for a hire above all, stays archived as they are.
#[tokio::test]
async fn a_held_archive_leaves_alone_whoever_was_hired_meanwhile() {
    let world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(3).await;
    let people: Vec<_> = applicants.iter().map(|one| &one.opportunity_id).collect();
    let hold = || {
        Some(pb::Hold {
            delay: Some(pb::hold::Delay::BusinessDays(2)),
        })
    };
    let request = pb::ArchiveRequest {
        opportunity_id: people[0].clone(),
        request_id: fresh_id(),
        archive_reason_id: world.reject_reason(),
        hold: hold(),
        ..Default::default()
    };
    let planned = world.archive(pb::ArchiveRequest {
        dry_run: true,
        ..request.clone()
    });
    let planned = planned.await.expect("planned").lever_calls;
    let methods: Vec<_> = planned.iter().map(|call| call.method.as_str()).collect();
    assert_eq!(methods, ["GET", "PUT", "GET"], "it looks first");
    let alone = world.archive(request).await.expect("recorded");
    let item = |id: &String| pb::BulkItem {
        opportunity_id: id.clone(),
        write: Some(Item::Archive(pb::BulkArchive {
            archive_reason_id: world.reject_reason(),
            ..Default::default()
        })),
    };
    let request = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: people[1..].iter().copied().map(item).collect(),
        hold: hold(),
        ..Default::default()
    };
    let stream = world.api.candidates().bulk_write(request).await;
    let mut stream = stream.expect("accepted").into_inner();
    let bulk = stream.message().await.expect("told").expect("a message");
    let bulk = bulk.operation.expect("the bulk").id;
    let reasons = world.lever.archive_reasons();
    let hired = reasons.iter().find(|reason| reason["type"] == "hired");
    let hired = hired.and_then(|reason| reason["id"].as_str());
    for person in &people[..2] {
        world.lever.archive(person, hired).expect("known");
    }
    world.release(&alone.id).await.expect("released");
    world.release(&bulk).await.expect("released");
    for id in [alone.id, format!("{bulk}/1")] {
        let skipped = world.settled(&id).await;
        assert_eq!(skipped.state(), Cancelled, "{skipped:?}");
        let why = why(&skipped);
        assert_eq!(why.reason, "ALREADY_ARCHIVED");
        assert_eq!(
            Some(why.details["present_archive_reason_id"].as_str()),
            hired
        );
    }
    assert_eq!(world.settled(&format!("{bulk}/2")).await.state(), Succeeded);
    assert_eq!(world.effects("updateOpportunityArchived"), 1);
}

/// X4: what an account says of rejections holds where a request says nothing, and another request says otherwise.
#[tokio::test]
async fn x4_rejections_are_held_as_long_as_the_account_says_unless_the_request_does() {
    let world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(2).await;
    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    mapping.reject_hold_business_days = 31;
    let told = refused(world.save_mapping(mapping.clone()).await);
    assert_eq!(told.fields, ["stage_mapping.reject_hold_business_days"]);
    mapping.reject_hold_business_days = 2;
    world.save_mapping(mapping).await.expect("saved");
    let request = |applicant: &pb::ApplicantRef| pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: vec![applicant.clone()],
        archive_reason_id: world.reject_reason(),
        ..Default::default()
    };
    let stream = world
        .api
        .inbound()
        .reject_applicants(request(&applicants[0]))
        .await;
    let mut stream = stream.expect("accepted").into_inner();
    let bulk = stream.message().await.expect("told").expect("a message");
    let bulk = bulk.operation.expect("the bulk").id;
    let item = world.operation(&format!("{bulk}/1")).await;
    assert_eq!(item.state(), pb::OperationState::Held);
    assert!(item.release_time.is_some());
    // The bulk says it too, to whoever looks at that alone.
    let whole = world.operation(&bulk).await;
    assert_eq!(whole.release_time, item.release_time);
    world.cancel(&bulk).await.expect("cancelled");
    assert_eq!(world.operation(&bulk).await.release_time, None);
    let at_once = pb::RejectApplicantsRequest {
        hold: Some(pb::Hold {
            delay: Some(pb::hold::Delay::BusinessDays(0)),
        }),
        ..request(&applicants[1])
    };
    let told = world.reject(at_once).await.remove(1);
    assert_eq!(told.state(), Succeeded);
    assert_eq!(world.effects("updateOpportunityArchived"), 1);
}

/// F-41: what the mapping excludes by now is not written by releasing or retrying what was asked for before.
#[tokio::test]
async fn what_is_excluded_meanwhile_is_not_released() {
    let world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(1).await;
    let request = pb::AdvanceApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants,
        stage_id: "offer".to_owned(),
        hold: Some(pb::Hold {
            delay: Some(pb::hold::Delay::BusinessDays(2)),
        }),
        ..Default::default()
    };
    let stream = world.api.inbound().advance_applicants(request).await;
    let mut stream = stream.expect("accepted").into_inner();
    let bulk = stream.message().await.expect("told").expect("a message");
    let bulk = bulk.operation.expect("the bulk").id;
    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    mapping.advance_excluded_stage_ids = vec!["offer".to_owned()];
    world.save_mapping(mapping).await.expect("saved");
    let told = refused(world.release(&bulk).await);
    assert_eq!(told.reason, "STAGE_EXCLUDED");
    assert_eq!(told.details["stage_id"], "offer");
    let item = world.operation(&format!("{bulk}/1")).await;
    assert_eq!(item.state(), pb::OperationState::Held);
    let cancelled = world.cancel(&bulk).await.expect("cancelled");
    assert_eq!(cancelled.state(), Cancelled, "{cancelled:?}");
}

/// F-41, X4: nor is it written when its time has come.
#[tokio::test]
async fn what_is_excluded_meanwhile_fails_when_its_hold_ends() {
    let world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(2).await;
    // Long enough for the mapping to be saved before.
    let hold = Some(pb::Hold {
        delay: Some(pb::hold::Delay::Duration(prost_types::Duration {
            seconds: 6,
            nanos: 0,
        })),
    });
    let advance = pb::AdvanceApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: vec![applicants[0].clone()],
        stage_id: "offer".to_owned(),
        hold,
        ..Default::default()
    };
    let reject = pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: vec![applicants[1].clone()],
        archive_reason_id: world.reject_reason(),
        hold,
        ..Default::default()
    };
    let advanced = world.api.inbound().advance_applicants(advance).await;
    let mut advanced = advanced.expect("accepted").into_inner();
    let advanced = advanced.message().await.expect("told").expect("a message");
    let rejected = world.api.inbound().reject_applicants(reject).await;
    let mut rejected = rejected.expect("accepted").into_inner();
    let rejected = rejected.message().await.expect("told").expect("a message");
    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    mapping.advance_excluded_stage_ids = vec!["offer".to_owned()];
    mapping.reject_excluded_reason_ids = vec![world.reject_reason()];
    world.save_mapping(mapping).await.expect("saved");
    for (bulk, reason) in [
        (advanced.operation, "STAGE_EXCLUDED"),
        (rejected.operation, "REASON_EXCLUDED"),
    ] {
        let bulk = bulk.expect("the bulk").id;
        assert_eq!(world.settled(&bulk).await.state(), Failed);
        let item = world.operation(&format!("{bulk}/1")).await;
        assert_eq!((item.state(), why(&item).reason.as_str()), (Failed, reason));
        assert!(item.lever_calls.is_empty(), "{item:?}");
    }
    assert_eq!(world.effects("updateOpportunityStage"), 0);
    assert_eq!(world.effects("updateOpportunityArchived"), 0);
}

/// A dry run refuses what the write would refuse.
#[tokio::test]
async fn a_hold_that_is_too_long_is_refused_in_a_dry_run_too() {
    let world = World::synced(Setup::new(40)).await;
    for dry_run in [true, false] {
        let request = pb::RejectApplicantsRequest {
            connection_id: world.connection.clone(),
            request_id: fresh_id(),
            dry_run,
            applicants: world.refs(1).await,
            archive_reason_id: world.reject_reason(),
            hold: Some(pb::Hold {
                delay: Some(pb::hold::Delay::BusinessDays(31)),
            }),
            ..Default::default()
        };
        let told = refused(world.api.inbound().reject_applicants(request).await);
        assert_eq!(told.fields, ["hold.business_days"], "dry run: {dry_run}");
    }
}
