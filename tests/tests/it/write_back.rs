//! Each write-back has its effect in Lever exactly once, and the mirror shows it at once.

use std::time::Duration;

use lever_sim::{Action, FaultPlan, FaultRule, When};
use proto::v1 as pb;
use proto::v1::OperationState::{Recorded, Sending, Succeeded};
use serde_json::{Value, json};

use crate::support::{Setup, World, fresh_id, refused, until};

async fn world() -> (World, String) {
    let world = World::synced(Setup::new(60)).await;
    let opportunity = world.open_opportunities().remove(0);
    (world, opportunity)
}

/// Lever and mirror agree on the opportunity, without another pull.
async fn shown(world: &World, opportunity: &str) -> Value {
    let mirrored = world.opportunity(opportunity).await.expect("mirrored");
    assert_eq!(
        Some(&mirrored),
        world.lever.opportunity(opportunity).as_ref()
    );
    mirrored
}

/// F-21.
#[tokio::test]
async fn f21_a_note_is_in_lever_once_and_its_id_is_told() {
    let (world, opportunity) = world().await;
    let acting = world.lever.active_users().remove(0);
    let operation = world
        .create_note(pb::CreateNoteRequest {
            opportunity_id: opportunity.clone(),
            request_id: fresh_id(),
            value: "Strong in \"systems\" \u{2013} call back".to_owned(),
            perform_as: acting.clone(),
            ..Default::default()
        })
        .await
        .expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(operation.acting_user_id, acting);
    let notes = world.lever.notes(&opportunity);
    let ours: Vec<_> = notes
        .iter()
        .filter(|note| note["id"] == operation.result_id.as_str())
        .collect();
    assert_eq!(ours.len(), 1);
    assert_eq!(
        ours[0]["fields"][0]["value"],
        "Strong in \"systems\" \u{2013} call back"
    );
    assert_eq!(ours[0]["user"], acting.as_str());
    assert_eq!(world.effects("createOpportunityNote"), 1);
    shown(&world, &opportunity).await;
}

/// F-22: only what is missing is added, and just what is named is removed.
#[tokio::test]
async fn f22_tags_are_added_and_removed() {
    let world = World::synced(Setup::new(60)).await;
    let tags_of = |id: &String| {
        let document = world.lever.opportunity(id).expect("there");
        document["tags"].as_array().expect("a list").clone()
    };
    let people = world.open_opportunities().into_iter();
    let tagged = people.map(|id| (tags_of(&id), id));
    let tagged = tagged.into_iter().find(|(tags, _)| !tags.is_empty());
    let (before, opportunity) = tagged.expect("somebody with a tag");
    let there = before[0].as_str();
    let and = |more: &[&str]| -> Value {
        let more = more.iter().map(|tag| json!(tag));
        before.iter().cloned().chain(more).collect()
    };
    let new = ["Shortlisted", "From Fulcrum"].map(str::to_owned);
    let request = pb::AddTagsRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        tags: new.into_iter().chain(there.map(str::to_owned)).collect(),
        ..Default::default()
    };
    let operation = world.add_tags(request).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    let tags = shown(&world, &opportunity).await["tags"].clone();
    assert_eq!(tags, and(&["Shortlisted", "From Fulcrum"]));

    let request = pb::RemoveTagsRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        tags: vec!["Shortlisted".to_owned(), "never there".to_owned()],
        ..Default::default()
    };
    let operation = world.remove_tags(request).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    let tags = shown(&world, &opportunity).await["tags"].clone();
    assert_eq!(tags, and(&["From Fulcrum"]));
    assert_eq!(world.calls("addOpportunityTags").len(), 1);
    assert_eq!(world.calls("removeOpportunityTags").len(), 1);
}

/// F-23.
#[tokio::test]
async fn f23_sources_are_added_and_removed() {
    let (world, opportunity) = world().await;
    let request = pb::AddSourcesRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        sources: vec!["Fulcrum".to_owned()],
        ..Default::default()
    };
    let operation = world.add_sources(request).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    let sources = shown(&world, &opportunity).await["sources"].clone();
    assert!(
        sources
            .as_array()
            .expect("a list")
            .contains(&json!("Fulcrum")),
        "{sources}"
    );

    let request = pb::RemoveSourcesRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        sources: vec!["Fulcrum".to_owned()],
        ..Default::default()
    };
    let operation = world.remove_sources(request).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    let sources = shown(&world, &opportunity).await["sources"].clone();
    assert!(
        !sources
            .as_array()
            .expect("a list")
            .contains(&json!("Fulcrum")),
        "{sources}"
    );
    assert_eq!(world.effects("addOpportunitySources"), 1);
    assert_eq!(world.effects("removeOpportunitySources"), 1);
}

/// F-24.
#[tokio::test]
async fn f24_links_are_added_to_the_person_and_removed() {
    let (world, opportunity) = world().await;
    let link = "https://github.com/ada-of-fulcrum".to_owned();
    let request = pb::AddLinksRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        links: vec![link.clone(), "javascript:alert(1)".to_owned()],
        ..Default::default()
    };
    assert_eq!(refused(world.add_links(request).await).fields, ["links[1]"]);
    let request = pb::AddLinksRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        links: vec![link.clone()],
        ..Default::default()
    };
    let operation = world.add_links(request).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    let has = |person: &Value| {
        person["links"]
            .as_array()
            .expect("a list")
            .contains(&json!(link))
    };
    assert!(has(&shown(&world, &opportunity).await));

    let request = pb::RemoveLinksRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        links: vec![link.clone(), "https://never.example".to_owned()],
        ..Default::default()
    };
    let operation = world.remove_links(request).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert!(!has(&shown(&world, &opportunity).await));
    assert_eq!(world.effects("addOpportunityLinks"), 1);
    assert_eq!(world.effects("removeOpportunityLinks"), 1);
}

/// F-21.
#[tokio::test]
async fn f21_a_note_is_commented_on_and_then_replaced() {
    let (world, opportunity) = world().await;
    let note = world
        .note(&opportunity, &fresh_id(), "first")
        .await
        .expect("recorded");
    let comment = pb::CreateNoteRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        value: "second".to_owned(),
        note_id: note.result_id.clone(),
        ..Default::default()
    };
    let comment = world.create_note(comment).await.expect("recorded");
    assert_eq!(comment.state(), Succeeded, "{comment:?}");
    let texts = || {
        let notes = world.lever.notes(&opportunity);
        let ours = notes
            .iter()
            .find(|one| one["id"] == note.result_id.as_str());
        let fields = ours.expect("there")["fields"]
            .as_array()
            .expect("a list")
            .clone();
        fields
            .iter()
            .map(|field| field["value"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(texts(), ["first", "second"]);

    let update = pb::UpdateNoteRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        note_id: note.result_id.clone(),
        values: vec!["third".to_owned()],
        ..Default::default()
    };
    let update = world.update_note(update).await.expect("recorded");
    assert_eq!(update.state(), Succeeded, "{update:?}");
    assert_eq!(texts(), ["third"]);
}

/// F-25: it is made as the acting user, and the copy shows it without waiting for a pull, as does the list of applicants.
#[tokio::test]
async fn f25_a_move_to_another_stage_shows_at_once() {
    let world = World::synced(Setup::new(120)).await;
    let applicant = world.applicants().await.applicants.remove(0);
    let acting = world.lever.active_users().remove(0);
    world.until_at_rest().await;
    let pulls = world.calls("listOpportunities").len();
    let request = pb::ChangeStageRequest {
        opportunity_id: applicant.opportunity_id.clone(),
        request_id: fresh_id(),
        stage_id: "offer".to_owned(),
        expected_stage_id: applicant.stage_id.clone(),
        perform_as: acting.clone(),
        ..Default::default()
    };
    let operation = world.change_stage(request).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    let sent = world.calls("updateOpportunityStage").remove(0);
    assert_eq!(sent.query, [("perform_as".to_owned(), acting.clone())]);
    assert_eq!(operation.acting_user_id, acting);
    let mirrored = shown(&world, &applicant.opportunity_id).await;
    assert_eq!(mirrored["stage"], "offer");
    assert_eq!(world.effects("updateOpportunityStage"), 1);
    let left = world.applicants().await.applicants;
    assert!(
        left.iter()
            .all(|other| other.opportunity_id != applicant.opportunity_id)
    );
    assert_eq!(
        world.calls("listOpportunities").len(),
        pulls,
        "no pull was needed"
    );
}

/// F-26.
#[tokio::test]
async fn f26_an_archived_person_comes_back_to_the_former_stage() {
    let (world, opportunity) = world().await;
    let stage = world.lever.opportunity(&opportunity).expect("there")["stage"].clone();
    let targets = pb::ListRejectReasonsRequest {
        connection_id: world.connection.clone(),
    };
    let reasons = world
        .api
        .inbound()
        .list_reject_reasons(targets)
        .await
        .expect("reasons")
        .into_inner()
        .reasons;
    let reason = reasons[0].archive_reason_id.clone();
    let request = pb::ArchiveRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        archive_reason_id: reason.clone(),
        ..Default::default()
    };
    let operation = world.archive(request).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(
        shown(&world, &opportunity).await["archived"]["reason"],
        reason.as_str()
    );

    let request = pb::UnarchiveRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        ..Default::default()
    };
    let operation = world.unarchive(request).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    let back = shown(&world, &opportunity).await;
    assert_eq!((&back["archived"], &back["stage"]), (&Value::Null, &stage));
    assert_eq!(world.effects("updateOpportunityArchived"), 2);
}

/// F-26: a reason of type hired is a hire.
#[tokio::test]
async fn f26_archiving_with_the_hired_reason_is_a_hire() {
    let (world, opportunity) = world().await;
    let reasons = world.lever.archive_reasons();
    let hired = reasons
        .iter()
        .find(|reason| reason["type"] == "hired")
        .expect("one in every account");
    let request = pb::ArchiveRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        archive_reason_id: hired["id"].as_str().expect("an id").to_owned(),
        ..Default::default()
    };
    let operation = world.archive(request).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(
        shown(&world, &opportunity).await["archived"]["reason"],
        hired["id"]
    );
}

/// Writes to one opportunity keep their order, however many come at once.
#[tokio::test]
async fn writes_to_one_person_happen_in_the_order_they_were_asked_for() {
    let (world, opportunity) = world().await;
    let mut ids = Vec::new();
    for number in 0..12 {
        ids.push(
            world
                .note_unawaited(&opportunity, &format!("number {number:02}"))
                .await
                .id,
        );
    }
    for id in &ids {
        assert_eq!(world.settled(id).await.state(), Succeeded);
    }
    let sent: Vec<_> = world
        .calls("createOpportunityNote")
        .into_iter()
        .map(|call| {
            call.body.expect("a body")["value"]
                .as_str()
                .expect("a text")
                .to_owned()
        })
        .collect();
    assert_eq!(
        sent,
        (0..12)
            .map(|number| format!("number {number:02}"))
            .collect::<Vec<_>>()
    );
}

/// One write to a person is under way at a time; those to others go on beside it.
#[tokio::test]
async fn a_write_that_hangs_holds_up_its_person_alone() {
    let patient = Setup::new(60).with("FULCRUM__LEVER__ATTEMPT_TIMEOUT", "100s");
    let world = World::synced(patient).await;
    let people = world.open_opportunities();
    let stall = Action::StallBefore(Duration::from_secs(600));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on("createOpportunityNote", stall).when(When::Nth(1))],
    });
    let hangs = world.note_unawaited(&people[0], "hangs").await;
    until("the note is on its way", async || {
        let state = world.operation(&hangs.id).await.state();
        (state == Sending).then_some(())
    })
    .await;
    let behind = world.note_unawaited(&people[0], "behind").await;
    for person in &people[1..4] {
        let note = world.note(person, &fresh_id(), "beside").await;
        assert_eq!(note.expect("recorded").state(), Succeeded);
    }
    assert_eq!(world.operation(&hangs.id).await.state(), Sending);
    let behind = world.operation(&behind.id).await;
    assert_eq!(behind.state(), Recorded);
    assert!(behind.lever_calls.is_empty(), "{behind:?}");
}

#[tokio::test]
async fn a_watcher_of_a_write_is_told_until_it_has_settled() {
    let (world, opportunity) = world().await;
    let asked = world.note_unawaited(&opportunity, "hello").await;
    let request = pb::WatchOperationsRequest {
        connection_id: world.connection.clone(),
        operation_id: asked.id.clone(),
    };
    let mut watched = world
        .api
        .operations()
        .watch_operations(request)
        .await
        .expect("a stream")
        .into_inner();
    let mut last = None;
    while let Some(answer) = watched.message().await.expect("no error") {
        last = answer.operation;
    }
    let (last, read) = (
        last.expect("one at least"),
        world.operation(&asked.id).await,
    );
    assert_eq!((&last.id, last.state()), (&read.id, Succeeded));
    assert_eq!(last.update_time, read.update_time);
    assert_eq!(last.result_id, read.result_id);
}

/// The end of the stream alone would say that the write has settled.
///
/// Seen to fail while a stop ended the stream as its end does.
#[tokio::test]
async fn a_watcher_of_a_write_is_told_that_the_service_stops_before_it_has_settled() {
    let (mut world, opportunity) = world().await;
    let archive = pb::ArchiveRequest {
        opportunity_id: opportunity,
        request_id: fresh_id(),
        archive_reason_id: world.reject_reason(),
        hold: Some(pb::Hold {
            delay: Some(pb::hold::Delay::BusinessDays(2)),
        }),
        ..Default::default()
    };
    let held = world.archive(archive).await.expect("held");
    let request = pb::WatchOperationsRequest {
        connection_id: world.connection.clone(),
        operation_id: held.id.clone(),
    };
    let watched = world.api.operations().watch_operations(request).await;
    let mut watched = watched.expect("a stream").into_inner();
    let first = watched.message().await.expect("no error").expect("one");
    assert_eq!(first.operation.expect("one").id, held.id);
    let (ended, _stopped) = tokio::join!(watched.message(), world.stop());
    let told = refused(ended);
    assert_eq!(told.reason, "UNAVAILABLE");
    assert!(told.message.contains("the service stops"), "{told:?}");
}

/// X13: product users are Lever users by their address; for a stranger the owner of the person acts.
#[tokio::test]
async fn a_write_is_made_as_the_lever_user_with_the_address_or_else_as_the_owner() {
    let world = World::synced(Setup::new(60)).await;
    let request = pb::ListUsersRequest {
        connection_id: world.connection.clone(),
        ..Default::default()
    };
    let users = world
        .api
        .lever()
        .list_users(request)
        .await
        .expect("users")
        .into_inner()
        .users;
    let user = users
        .iter()
        .find(|user| user.deactivated_at.is_none())
        .expect("an active user");
    let owned = world.lever.opportunities().into_iter().find(|document| {
        let owner = document["owner"].as_str().unwrap_or_default();
        document["archived"].is_null()
            && owner != user.id
            && world
                .lever
                .active_users()
                .iter()
                .any(|active| active == owner)
    });
    let owned = owned.expect("somebody with an active owner");
    let (opportunity, owner) = (
        owned["id"].as_str().expect("an id"),
        owned["owner"].as_str().expect("an id"),
    );
    for (address, expected) in [
        (user.email.to_uppercase(), user.id.as_str()),
        ("nobody@example.org".to_owned(), owner),
    ] {
        let request = pb::CreateNoteRequest {
            opportunity_id: opportunity.to_owned(),
            request_id: fresh_id(),
            value: "hello".to_owned(),
            acting_user: address.clone(),
            ..Default::default()
        };
        let operation = world.create_note(request).await.expect("recorded");
        assert_eq!(operation.acting_user_id, expected, "{address}");
        let notes = world.lever.notes(opportunity);
        let note = notes
            .iter()
            .find(|note| note["id"] == operation.result_id.as_str())
            .expect("written");
        assert_eq!(note["user"], expected, "{address}");
    }
}

/// No stamp of the opportunity moves for it.
#[tokio::test]
async fn a_contact_that_was_changed_with_a_call_is_shown_at_once() {
    let (world, opportunity) = world().await;
    let person = world.lever.opportunity(&opportunity).expect("somebody");
    let contact = person["contact"].as_str().expect("a contact").to_owned();
    let headline = "Keeper of the archive";
    let body = json!({ "headline": headline }).to_string();
    let request = pb::CallRequest {
        connection_id: world.connection.clone(),
        operation_id: "updateContact".to_owned(),
        path_parameters: [("contact".to_owned(), contact.clone())].into(),
        request_id: fresh_id(),
        perform_as: world.lever.active_users().remove(0),
        body: Some(pb::call_request::Body::BodyJson(body.into())),
        ..Default::default()
    };
    let answer = world.api.lever().call(request).await.expect("recorded");
    let operation = answer.into_inner().operation.expect("an operation");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    let contacts = world.records("contacts").await.expect("read");
    assert!(
        contacts[&contact].contains(headline),
        "{}",
        contacts[&contact]
    );
    shown(&world, &opportunity).await;
}
