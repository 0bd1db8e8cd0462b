//! Applicants who are advanced and rejected: whom others came before is left alone (F-25, F-26, F-41, F-42, F-55).

use lever_sim::{Action, FaultPlan, FaultRule, When};
use proto::v1 as pb;
use proto::v1::OperationState::{Cancelled, Failed, Succeeded};
use tonic::Code;

use crate::bulk_writes::owned;
use crate::support::{Setup, World, fresh_id, refused, until, why};

/// F-25, F-41: who was moved by somebody else stays there, and the others are moved.
#[tokio::test]
async fn advancing_leaves_alone_whoever_is_elsewhere_by_now() {
    let world = World::synced(Setup::new(80)).await;
    let applicants = world.refs(4).await;
    let moved = applicants[1].opportunity_id.clone();
    world
        .lever
        .move_stage(&moved, "lead-responded")
        .expect("known");
    let request = pb::AdvanceApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: applicants.clone(),
        stage_id: "offer".to_owned(),
        ..Default::default()
    };
    let told = world.advance(request).await;
    for applicant in &applicants {
        let item = told
            .iter()
            .find(|one| one.opportunity_id == applicant.opportunity_id)
            .expect("told");
        let stage = &world
            .lever
            .opportunity(&applicant.opportunity_id)
            .expect("there")["stage"];
        if applicant.opportunity_id == moved {
            let why = why(item);
            assert_eq!((item.state(), why.reason.as_str()), (Failed, "STAGE_MOVED"));
            assert_eq!(why.details["present_stage_id"], "lead-responded");
            assert_eq!(stage, "lead-responded");
        } else {
            assert_eq!((item.state(), stage), (Succeeded, &"offer".into()));
        }
    }
    let left: Vec<_> = world.applicants().await.applicants;
    let among = |id: &str| left.iter().any(|one| one.opportunity_id == id);
    assert!(
        !among(&applicants[0].opportunity_id),
        "the mirror shows it at once"
    );
}

/// F-41, F-42.
#[tokio::test]
async fn what_the_mapping_excludes_is_refused_for_each_applicant() {
    let world = World::synced(Setup::new(60)).await;
    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    mapping.advance_excluded_stage_ids = vec!["offer".to_owned()];
    mapping.reject_excluded_reason_ids = vec![world.reject_reason()];
    world.save_mapping(mapping).await.expect("saved");
    let advance = pb::AdvanceApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: world.refs(2).await,
        stage_id: "offer".to_owned(),
        ..Default::default()
    };
    let reject = pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: world.refs(2).await,
        archive_reason_id: world.reject_reason(),
        ..Default::default()
    };
    let told = [
        refused(world.api.inbound().advance_applicants(advance).await),
        refused(world.api.inbound().reject_applicants(reject).await),
    ];
    for (told, reason) in told.into_iter().zip(["STAGE_EXCLUDED", "REASON_EXCLUDED"]) {
        assert_eq!(
            (told.code, told.reason.as_str()),
            (Code::FailedPrecondition, reason)
        );
    }
    assert!(world.operations().await.is_empty());
    assert_eq!(world.effects("updateOpportunityStage"), 0);
}

/// F-26, F-55: who was archived by somebody else meanwhile is left alone.
#[tokio::test]
async fn rejecting_skips_whoever_is_archived_already() {
    let world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(3).await;
    let reason = world.reject_reason();
    let other = world
        .lever
        .archive_reasons()
        .iter()
        .filter_map(|one| one["id"].as_str().map(str::to_owned))
        .find(|id| *id != reason)
        .expect("another reason");
    // For the same reason, too: that rejection was somebody else's, and so is the e-mail about it.
    let archived = [(1, &reason), (2, &other)];
    let archived = archived.map(|(at, reason)| (applicants[at].opportunity_id.clone(), reason));
    for (person, reason) in &archived {
        world.lever.archive(person, Some(reason)).expect("known");
    }
    let request = pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: applicants.clone(),
        archive_reason_id: reason.clone(),
        email_template_id: "kind-words".to_owned(),
        ..Default::default()
    };
    let told = world.reject(request).await;
    let item = |id: &str| {
        let of_them = |one: &&pb::Operation| one.opportunity_id == id;
        told.iter().find(of_them).expect("told")
    };
    for (person, reason) in &archived {
        let skipped = item(person);
        assert_eq!(skipped.state(), Cancelled, "{reason}");
        assert_eq!(skipped.email_intent, None, "{reason}");
        let why = why(skipped);
        assert_eq!(why.reason, "ALREADY_ARCHIVED");
        assert_eq!(why.details["present_archive_reason_id"], **reason);
    }
    let ours = item(&applicants[0].opportunity_id);
    assert!(ours.email_intent.is_some(), "{ours:?}");
    assert_eq!(world.effects("updateOpportunityArchived"), 1);
    let bulk = told.last().expect("the bulk");
    assert_eq!(bulk.state(), Succeeded, "nothing went wrong: {bulk:?}");
    let reason_of =
        |id: &str| world.lever.opportunity(id).expect("there")["archived"]["reason"].clone();
    assert_eq!(reason_of(&archived[1].0), other.as_str());
    assert_eq!(reason_of(&applicants[0].opportunity_id), reason.as_str());
}

/// X20: nobody is written to from here; the product is told whom to write to, unless Lever does that.
#[tokio::test]
async fn x20_an_email_is_handed_back_with_the_rejection_unless_lever_writes_itself() {
    let world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(2).await;
    let reject = async |applicant: &pb::ApplicantRef| {
        let request = pb::RejectApplicantsRequest {
            connection_id: world.connection.clone(),
            request_id: fresh_id(),
            applicants: vec![applicant.clone()],
            archive_reason_id: world.reject_reason(),
            email_template_id: "kind-words".to_owned(),
            ..Default::default()
        };
        world.reject(request).await.remove(1)
    };
    let told = reject(&applicants[0]).await;
    let intent = told.email_intent.expect("an e-mail to send");
    assert_eq!(intent.email_template_id, "kind-words");
    assert_eq!(intent.archive_reason_id, world.reject_reason());

    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    mapping.lever_sends_email = true;
    world.save_mapping(mapping).await.expect("saved");
    let told = reject(&applicants[1]).await;
    assert_eq!((told.state(), told.email_intent), (Succeeded, None));
    assert_eq!(told.left_out, owned(&["email_template_id"]));
}

/// F-42: a rejection hires nobody, whatever the stage mapping says.
#[tokio::test]
async fn f42_nobody_is_rejected_with_the_reason_that_hires_or_an_inactive_one() {
    let world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(1).await;
    let reasons = world.lever.archive_reasons();
    let before = world.writes().len();
    for (field, value) in [("type", "hired"), ("status", "inactive")] {
        let reason = reasons.iter().find(|reason| reason[field] == value);
        let reason = reason.expect("in every account")["id"].as_str();
        let request = pb::RejectApplicantsRequest {
            connection_id: world.connection.clone(),
            request_id: fresh_id(),
            applicants: applicants.clone(),
            archive_reason_id: reason.expect("an id").to_owned(),
            ..Default::default()
        };
        let told = refused(world.api.inbound().reject_applicants(request).await);
        assert_eq!(told.reason, "REASON_EXCLUDED", "{value}: {told:?}");
    }
    assert_eq!(world.writes().len(), before);
}

/// A hire that falls between two tries of an archiving stays.
#[tokio::test]
async fn what_a_person_archived_between_two_tries_is_left_alone() {
    let world = World::synced(Setup::new(40)).await;
    let hired = world.lever.archive_reasons();
    let hired = hired.iter().find(|reason| reason["type"] == "hired");
    let hired = hired.expect("in every account")["id"].as_str();
    let hired = hired.expect("an id").to_owned();
    for (action, person) in [Action::ResetBefore, Action::RetryAfter(1)]
        .into_iter()
        .zip(world.open_opportunities())
    {
        let rule = FaultRule::on("updateOpportunityArchived", action).when(When::Nth(1));
        world.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![rule],
        });
        let request = pb::ArchiveRequest {
            opportunity_id: person.clone(),
            request_id: fresh_id(),
            archive_reason_id: world.reject_reason(),
            wait: Some(prost_types::Duration::default()),
            ..Default::default()
        };
        let tried = world.calls("updateOpportunityArchived").len();
        let asked = world.archive(request).await.expect("recorded");
        until("it was tried", async || {
            (world.calls("updateOpportunityArchived").len() > tried).then_some(())
        })
        .await;
        let hire = world.lever.archive(&person, Some(&hired));
        hire.expect("hired by a person");
        let told = world.settled(&asked.id).await;
        assert_eq!(told.state(), Cancelled, "{told:?}");
        let there = world.lever.opportunity(&person).expect("there");
        assert_eq!(there["archived"]["reason"], hired.as_str());
    }
}

/// A move needs to know where somebody is: that is read when their turn comes.
#[tokio::test]
async fn advancing_and_rejecting_judges_by_lever_whom_the_mirror_does_not_have() {
    let mut world = World::new(Setup::new(60).asked_only()).await;
    world.connect().await;
    let people = world.open_opportunities();
    let stage = |person: &str| {
        let document = world.lever.opportunity(person).expect("there");
        document["stage"].as_str().expect("a stage").to_owned()
    };
    let there = |person: &String| pb::ApplicantRef {
        opportunity_id: person.clone(),
        expected_stage_id: stage(person),
    };
    let elsewhere = pb::ApplicantRef {
        expected_stage_id: "not-where-they-are".to_owned(),
        ..there(&people[1])
    };
    let request = pb::AdvanceApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: vec![there(&people[0]), elsewhere],
        stage_id: "offer".to_owned(),
        ..Default::default()
    };
    let told = world.advance(request).await;
    let item = |person: &str| {
        let mut of = told.iter().filter(|one| one.opportunity_id == person);
        of.next_back().expect("an item")
    };
    assert_eq!(item(&people[0]).state(), Succeeded, "{told:?}");
    assert_eq!(stage(&people[0]), "offer");
    let moved = item(&people[1]);
    assert_eq!(
        (moved.state(), why(moved).reason.as_str()),
        (Failed, "STAGE_MOVED")
    );
    let request = pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: vec![there(&people[2])],
        archive_reason_id: world.reject_reason(),
        ..Default::default()
    };
    let told = world.reject(request).await;
    assert_eq!(told.last().expect("told").state(), Succeeded, "{told:?}");
}

/// An expected stage that Lever does not have is a slip of whoever asks, and nobody has moved.
#[tokio::test]
async fn an_expected_stage_that_does_not_exist_is_named() {
    let world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    let request = pb::ChangeStageRequest {
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        stage_id: "offer".to_owned(),
        expected_stage_id: "no-such-stage".to_owned(),
        ..Default::default()
    };
    let told = refused(world.change_stage(request).await);
    assert_eq!(
        (told.code, told.fields.as_slice()),
        (Code::InvalidArgument, &["expected_stage_id".to_owned()][..])
    );
    let request = pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: vec![pb::ApplicantRef {
            opportunity_id: person,
            expected_stage_id: "no-such-stage".to_owned(),
        }],
        archive_reason_id: world.reject_reason(),
        ..Default::default()
    };
    let told = world.reject(request).await;
    let item = told
        .iter()
        .find(|one| !one.parent_id.is_empty())
        .expect("an item");
    let why = why(item);
    assert_eq!((item.state(), why.code), (Failed, Code::InvalidArgument));
    assert!(why.message.contains("no such stage"), "{why:?}");
    assert!(world.writes().is_empty());
}
