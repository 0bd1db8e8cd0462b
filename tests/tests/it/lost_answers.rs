//! Answers of Lever that never arrive, without any crash of ours (P10).

use std::collections::BTreeMap;
use std::time::Duration;

use lever_sim::{Act, Action, FaultPlan, FaultRule, When};
use proto::v1 as pb;
use proto::v1::OperationState::{Failed, Succeeded, Uncertain};

use crate::support::{Setup, World, fresh_id, until, why};

/// The first call of an operation from now on goes wrong in this way.
fn fail_once(world: &World, operation: &str, action: Action) {
    let rule = FaultRule::on(operation, action).when(When::Nth(1));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![rule],
    });
}

#[tokio::test]
async fn a_note_whose_answer_is_lost_or_refused_for_now_is_in_lever_once() {
    let world = World::synced(Setup::new(60)).await;
    let people = world.open_opportunities();
    let faults = [
        Action::ResetAfter,
        Action::ServerErrorAfter(500),
        Action::ServerErrorAfter(503),
        Action::TruncatedBody,
        Action::ResetBefore,
        Action::TooManyRequests,
        Action::ServerErrorBefore(503),
    ];
    for (opportunity, action) in people.iter().zip(faults) {
        fail_once(&world, "createOpportunityNote", action);
        let operation = world
            .note(opportunity, &fresh_id(), "once")
            .await
            .expect("recorded");
        assert_eq!(operation.state(), Succeeded, "{action:?}: {operation:?}");
        assert_eq!(world.notes_saying(opportunity, "once"), 1, "{action:?}");
        let ids: Vec<_> = world
            .lever
            .notes(opportunity)
            .iter()
            .map(|note| note["id"].clone())
            .collect();
        assert!(
            ids.iter().any(|id| id == operation.result_id.as_str()),
            "{action:?}: {operation:?}"
        );
    }
}

/// Two notes may say the same: each is its own, also when the answer to one is lost.
#[tokio::test]
async fn two_notes_that_say_the_same_stay_two_when_an_answer_is_lost() {
    let world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    let first = world
        .note(&opportunity, &fresh_id(), "left a message")
        .await
        .expect("recorded");
    fail_once(&world, "createOpportunityNote", Action::ResetBefore);
    let second = world
        .note(&opportunity, &fresh_id(), "left a message")
        .await
        .expect("recorded");
    assert_eq!((first.state(), second.state()), (Succeeded, Succeeded));
    assert_ne!(first.result_id, second.result_id);
    assert_eq!(world.notes_saying(&opportunity, "left a message"), 2);
}

#[tokio::test]
async fn a_lost_answer_to_an_archive_does_not_archive_twice() {
    let world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    let reasons = world.lever.archive_reasons();
    let reason = reasons
        .iter()
        .find(|reason| reason["type"] == "non-hired" && reason["status"] == "active");
    fail_once(&world, "updateOpportunityArchived", Action::ResetAfter);
    let request = pb::ArchiveRequest {
        opportunity_id: opportunity,
        request_id: fresh_id(),
        archive_reason_id: reason.expect("an active reason")["id"]
            .as_str()
            .expect("an id")
            .to_owned(),
        ..Default::default()
    };
    let operation = world.archive(request).await.expect("recorded");
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(world.effects("updateOpportunityArchived"), 1);
}

/// What people did before a try, unknown to the mirror, is neither taken for its effect nor held against it: the history
/// is read before the try, whatever the clocks say.
#[tokio::test]
async fn a_move_that_people_made_and_took_back_just_before_is_not_taken_for_ours() {
    let world = World::synced(Setup::new(40)).await;
    for action in [Action::ResetBefore, Action::ResetAfter] {
        let person = someone_moved_by_people(&world);
        let effects = world.effects("updateOpportunityStage");
        fail_once(&world, "updateOpportunityStage", action);
        let request = pb::ChangeStageRequest {
            opportunity_id: person.clone(),
            request_id: fresh_id(),
            stage_id: stage_id(&world, 4),
            ..Default::default()
        };
        let operation = world.change_stage(request).await.expect("recorded");
        assert_eq!(operation.state(), Succeeded, "{action:?}: {operation:?}");
        assert_eq!(world.effects("updateOpportunityStage"), effects + 1);
        let calls = match action {
            Action::ResetBefore => vec!["GET", "PUT", "GET", "PUT"],
            _ => vec!["GET", "PUT", "GET"],
        };
        assert_eq!(methods(&operation), calls);
        let now = world.lever.opportunity(&person).expect("there");
        assert_eq!(now["stage"], stage_id(&world, 4));
    }
}

/// People who act between two tries are respected, in the same stage as ours too. Made for nobody, our move could be the
/// one that Lever names them for.
#[tokio::test]
async fn a_move_that_people_made_and_took_back_between_two_tries_stays_taken_back() {
    let world = World::synced(Setup::new(40)).await;
    let us = world.lever.active_users().remove(0);
    for (us, state, reason) in [
        (us.as_str(), Failed, "STAGE_MOVED"),
        ("", Uncertain, "OUTCOME_UNKNOWN"),
    ] {
        let person = someone_moved_by_people(&world);
        world.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![
                FaultRule::on("updateOpportunityStage", Action::ResetBefore).when(When::Nth(1)),
                // The look before the second try, so that there is time.
                FaultRule::on("getOpportunity", Action::RetryAfter(3)).when(When::Nth(2)),
            ],
        });
        let request = pb::ChangeStageRequest {
            opportunity_id: person.clone(),
            request_id: fresh_id(),
            stage_id: stage_id(&world, 4),
            perform_as: us.to_owned(),
            wait: Some(prost_types::Duration::default()),
            ..Default::default()
        };
        let asked = world.change_stage(request).await.expect("recorded");
        assert_eq!(asked.acting_user_id, us);
        until("the answer to the first try is lost", async || {
            let now = world.operation(&asked.id).await;
            let refused = now.lever_calls.iter().any(|call| call.status == 429);
            refused.then_some(())
        })
        .await;
        moved_by_people(&world, &person, 4);
        moved_by_people(&world, &person, 5);
        let operation = world.settled(&asked.id).await;
        assert_eq!(operation.state(), state, "{operation:?}");
        assert_eq!(why(&operation).reason, reason);
        assert_eq!(world.effects("updateOpportunityStage"), 0);
        assert_eq!(methods(&operation), ["GET", "PUT", "GET", "GET"]);
    }
}

/// Somebody whom people have moved to the fifth stage and on to the sixth, which the mirror does not know of.
fn someone_moved_by_people(world: &World) -> String {
    let people = world.open_opportunities();
    let sixth = stage_id(world, 5);
    let elsewhere = |person: &&String| {
        let now = world.lever.opportunity(person).expect("there");
        now["stage"] != sixth.as_str() && now["stage"] != stage_id(world, 4)
    };
    let person = people.iter().find(elsewhere).expect("somebody").clone();
    moved_by_people(world, &person, 4);
    moved_by_people(world, &person, 5);
    person
}

fn moved_by_people(world: &World, person: &str, stage: usize) {
    let act = Act::MoveStage {
        opportunity: person.to_owned(),
        stage: stage_id(world, stage),
        user: world.lever.active_users().pop(),
    };
    world.lever.act(act).expect("moved");
}

fn stage_id(world: &World, at: usize) -> String {
    let stages = world.lever.stages();
    stages[at]["id"].as_str().expect("an id").to_owned()
}

/// What a change has put in the place of what was there, and what it was to put there.
struct Changes {
    world: World,
    opportunity: String,
    contact: String,
    note: String,
}

impl Changes {
    async fn new() -> Changes {
        let world = World::synced(Setup::new(40).with("FULCRUM__PUSH__SETTLE", "300ms")).await;
        let opportunity = world.open_opportunities().remove(0);
        let note = world.note(&opportunity, &fresh_id(), "as it was").await;
        let document = world.lever.opportunity(&opportunity).expect("there");
        Changes {
            contact: document["contact"].as_str().expect("an id").to_owned(),
            note: note.expect("recorded").result_id,
            opportunity,
            world,
        }
    }

    fn fail(&self, operation: &str, action: Action) {
        fail_once(&self.world, operation, action);
    }

    /// Asks for another headline, and does not wait.
    async fn headline(&self, headline: &str) -> pb::Operation {
        let request = pb::UpdateContactRequest {
            contact_id: self.contact.clone(),
            request_id: fresh_id(),
            headline: headline.to_owned(),
            wait: Some(prost_types::Duration::default()),
            ..Default::default()
        };
        self.world.update_contact(request).await.expect("recorded")
    }

    /// Has the note say something else, and does not wait.
    async fn edited(&self, text: &str) -> pb::Operation {
        let request = pb::UpdateNoteRequest {
            opportunity_id: self.opportunity.clone(),
            note_id: self.note.clone(),
            request_id: fresh_id(),
            values: vec![text.to_owned()],
            wait: Some(prost_types::Duration::default()),
            ..Default::default()
        };
        self.world.update_note(request).await.expect("recorded")
    }

    /// Waits until Lever is read back.
    async fn reconciling(&self, id: &str) {
        until("Lever is to be read back", async || {
            let operation = self.world.operation(id).await;
            operation.reconciling.then_some(())
        })
        .await;
    }

    /// Lever's headline of the person.
    fn in_lever(&self) -> String {
        let person = self
            .world
            .lever
            .opportunity(&self.opportunity)
            .expect("there");
        person["headline"].as_str().unwrap_or_default().to_owned()
    }
}

/// The calls of an operation, as their methods.
fn methods(operation: &pb::Operation) -> Vec<&str> {
    let calls = operation.lever_calls.iter();
    calls.map(|call| call.method.as_str()).collect()
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_read_back_and_made_once() {
    let changes = Changes::new().await;
    let cases = [
        (Action::ResetAfter, vec!["GET", "PUT", "GET"]),
        (
            Action::ResetBefore,
            vec!["GET", "PUT", "GET", "GET", "GET", "PUT"],
        ),
    ];
    for (action, calls) in cases {
        changes.fail("updateContact", action);
        let text = format!("{action:?}");
        let asked = changes.headline(&text).await;
        let ended = changes.world.settled(&asked.id).await;
        assert_eq!(ended.state(), Succeeded, "{ended:?}");
        assert_eq!(methods(&ended), calls);
        assert_eq!(changes.in_lever(), text);
        assert_eq!(ended.result_id, changes.contact);
        changes.fail("updateOpportunityNote", action);
        let asked = changes.edited(&text).await;
        let ended = changes.world.settled(&asked.id).await;
        assert_eq!(ended.state(), Succeeded, "{ended:?}");
        assert_eq!(methods(&ended), calls);
        let saying = changes.world.notes_saying(&changes.opportunity, &text);
        assert_eq!((saying, &ended.result_id), (1, &changes.note));
    }
}

/// Whatever became of ours: somebody else's work is not undone, and a person who asks again has seen it.
#[tokio::test]
async fn a_change_that_somebody_else_has_overwritten_meanwhile_is_not_made_again() {
    let changes = Changes::new().await;
    let world = &changes.world;
    for action in [Action::ResetAfter, Action::ResetBefore] {
        changes.fail("updateContact", action);
        let asked = changes.headline("ours").await;
        changes.reconciling(&asked.id).await;
        let theirs = serde_json::json!({"headline": format!("theirs after {action:?}")});
        world.change_in_lever(&changes.contact, theirs).await;
        let ended = world.settled(&asked.id).await;
        assert_eq!(ended.state(), Failed, "{ended:?}");
        let why = why(&ended);
        assert_eq!(why.reason, "CHANGED_IN_LEVER");
        assert_eq!(why.details["changed_fields"], "headline");
        assert_eq!(changes.in_lever(), format!("theirs after {action:?}"));
        world.retry(&asked.id).await.expect("in line");
        let again = world.settled(&asked.id).await;
        assert_eq!(again.state(), Succeeded, "{again:?}");
        assert_eq!(changes.in_lever(), "ours");
    }
}

/// What is read to find something again is among the calls of the operation.
#[tokio::test]
async fn a_look_for_what_was_lost_is_told_with_the_calls() {
    let world = World::synced(Setup::new(40).with("FULCRUM__PUSH__SETTLE", "300ms")).await;
    let opportunity = world.open_opportunities().remove(0);
    fail_once(&world, "createOpportunityNote", Action::ResetAfter);
    let note = world.note(&opportunity, &fresh_id(), "once").await;
    let note = note.expect("recorded");
    assert_eq!(note.state(), Succeeded);
    let calls: Vec<_> = note
        .lever_calls
        .iter()
        .map(|call| (call.lever_operation.as_str(), call.status))
        .collect();
    assert_eq!(
        calls,
        [("createOpportunityNote", 0), ("listOpportunityNotes", 200)]
    );
}

/// Whether it was made before the person was deleted nobody can tell any more, however often Lever is asked; what comes
/// behind it need not wait for that.
#[tokio::test]
async fn a_write_to_somebody_who_was_deleted_before_it_was_read_back_is_uncertain_at_once() {
    let world = World::synced(Setup::new(40).with("FULCRUM__PUSH__SETTLE", "2s")).await;
    let opportunity = world.open_opportunities().remove(0);
    fail_once(&world, "createOpportunityNote", Action::ResetAfter);
    let note = |text: &str| pb::CreateNoteRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        value: text.to_owned(),
        wait: Some(prost_types::Duration::default()),
        ..Default::default()
    };
    let lost = world.create_note(note("lost")).await.expect("recorded");
    let behind = world.create_note(note("behind")).await.expect("recorded");
    until("Lever is to be read back", async || {
        let operation = world.operation(&lost.id).await;
        operation.reconciling.then_some(())
    })
    .await;
    let delete = Act::DeleteOpportunity {
        opportunity: opportunity.clone(),
        user: None,
    };
    world.lever.act(delete).expect("known");
    let lost = world.settled(&lost.id).await;
    let told = why(&lost);
    assert_eq!(
        (lost.state(), told.reason.as_str()),
        (Uncertain, "LEVER_NOT_FOUND")
    );
    assert!(told.message.contains("look in Lever"), "{told:?}");
    let looks = lost.lever_calls.iter().filter(|call| call.status == 404);
    assert_eq!(looks.count(), 1);
    assert_eq!(world.settled(&behind.id).await.state(), Failed);
}

/// A pause in the middle of a look: what was read until then is told, and all is read again after it.
#[tokio::test]
async fn a_look_that_a_pause_has_cut_off_is_told_with_the_calls() {
    let setup = Setup::new(40)
        .with("FULCRUM__PUSH__SETTLE", "300ms")
        .with("FULCRUM__LEVER__ATTEMPT_TIMEOUT", "1s")
        .with("FULCRUM__LEVER__DEADLINE", "2s");
    let world = World::synced(setup).await;
    let opportunity = world.open_opportunities().remove(0);
    // More than a page of notes.
    let item = |_| pb::BulkItem {
        opportunity_id: opportunity.clone(),
        write: Some(pb::bulk_item::Write::Note(pb::BulkNote {
            value: "one of many".to_owned(),
            secret: false,
        })),
    };
    let many = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: (0..100).map(item).collect(),
        ..Default::default()
    };
    world.bulk_write(many).await;
    let one_more = world.note(&opportunity, &fresh_id(), "one more").await;
    one_more.expect("recorded");
    let request = pb::PauseSyncRequest {
        connection_id: world.connection.clone(),
    };
    let paused = world.api.sync().pause_sync(request).await;
    paused.expect("paused");
    assert!(world.lever.notes(&opportunity).len() > 100);
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![
            FaultRule::on("createOpportunityNote", Action::ResetBefore).when(When::Nth(1)),
            FaultRule::on("listOpportunityNotes", Action::RetryAfter(3)).when(When::Nth(2)),
        ],
    });
    let note = world.note(&opportunity, &fresh_id(), "once").await;
    let note = note.expect("recorded");
    assert_eq!(note.state(), Succeeded);
    assert_eq!(world.notes_saying(&opportunity, "once"), 1);
    let calls: Vec<_> = note
        .lever_calls
        .iter()
        .map(|call| (call.lever_operation.as_str(), call.status))
        .collect();
    let read = ("listOpportunityNotes", 200);
    assert_eq!(
        calls,
        [
            ("createOpportunityNote", 0),
            // The first page, and the answer that asked for the pause.
            read,
            ("listOpportunityNotes", 429),
            // Two looks of two pages.
            read,
            read,
            read,
            read,
            ("createOpportunityNote", 201),
        ]
    );
}

/// A write that nobody can tell of may take effect late: what comes behind it is sent after that, also across a restart.
#[tokio::test]
async fn what_comes_behind_an_uncertain_write_is_not_overtaken_by_it() {
    for restarted in [false, true] {
        let setup = Setup::new(40)
            .with("FULCRUM__PUSH__SETTLE", "3s")
            .with("FULCRUM__LEVER__ATTEMPT_TIMEOUT", "500ms");
        let mut world = World::synced(setup).await;
        let opportunity = world.open_opportunities().remove(0);
        let late = Action::StallBefore(Duration::from_millis(2500));
        fail_once(&world, "addOpportunityTags", late);
        let request = pb::CallRequest {
            connection_id: world.connection.clone(),
            operation_id: "addOpportunityTags".to_owned(),
            path_parameters: [("opportunity".to_owned(), opportunity.clone())].into(),
            body: Some(pb::call_request::Body::BodyJson(
                r#"{"tags": ["late"]}"#.into(),
            )),
            request_id: fresh_id(),
            ..Default::default()
        };
        let answer = world.api.lever().call(request).await.expect("recorded");
        let raw = answer.into_inner().operation.expect("an operation");
        assert_eq!(raw.state(), Uncertain, "{raw:?}");
        if restarted {
            world.kill().await;
            world.start().await;
        }
        let request = pb::RemoveTagsRequest {
            opportunity_id: opportunity.clone(),
            request_id: fresh_id(),
            tags: vec!["late".to_owned()],
            ..Default::default()
        };
        let removed = world.remove_tags(request).await.expect("recorded");
        assert_eq!(removed.state(), Succeeded, "{removed:?}");
        assert_eq!(world.effects("addOpportunityTags"), 1, "it came late");
        assert!(!tags(&world, &opportunity).contains(&"late".to_owned()));
    }
}

#[tokio::test]
async fn sixty_writes_under_a_storm_of_faults_each_happen_once() {
    let world = World::synced(Setup::new(60)).await;
    let people: Vec<_> = world.open_opportunities().into_iter().take(8).collect();
    let tagged: BTreeMap<_, _> = people
        .iter()
        .map(|id| (id.clone(), tags(&world, id)))
        .collect();
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: storm(),
    });
    let mut asked = Vec::new();
    for number in 0..60 {
        let opportunity = people[number % people.len()].clone();
        let text = format!("number {number:02}");
        let operation = if number % 5 == 3 {
            let request = pb::AddTagsRequest {
                opportunity_id: opportunity.clone(),
                request_id: fresh_id(),
                tags: vec![text.clone()],
                wait: Some(prost_types::Duration::default()),
                ..Default::default()
            };
            world.add_tags(request).await.expect("recorded")
        } else {
            world.note_unawaited(&opportunity, &text).await
        };
        asked.push((operation.id, opportunity, text));
    }
    for (id, opportunity, text) in &asked {
        let operation = world.settled(id).await;
        assert_eq!(operation.state(), Succeeded, "{operation:?}");
        let happened = world.notes_saying(opportunity, text)
            + tags(&world, opportunity)
                .iter()
                .filter(|tag| *tag == text)
                .count();
        assert_eq!(happened, 1, "{text} on {opportunity}: {operation:?}");
    }
    for (opportunity, before) in tagged {
        assert_eq!(
            tags(&world, &opportunity)[..before.len()],
            before,
            "other tags are left alone"
        );
    }
}

/// A note moves no stamp that a follow pass asks for: the read after the write must not be given up (F-25).
#[tokio::test]
async fn the_mirror_catches_up_with_a_write_that_could_not_be_read_back_at_first() {
    for kind in ["tag", "note"] {
        let world = World::synced(Setup::new(40)).await;
        let opportunity = world.open_opportunities().remove(0);
        fail_once(&world, "getOpportunity", Action::ServerErrorBefore(503));
        let operation = if kind == "note" {
            world
                .note(&opportunity, &fresh_id(), "hello")
                .await
                .expect("recorded")
        } else {
            let request = pb::AddTagsRequest {
                opportunity_id: opportunity,
                request_id: fresh_id(),
                tags: vec!["hello".to_owned()],
                ..Default::default()
            };
            world.add_tags(request).await.expect("recorded")
        };
        assert_eq!(operation.state(), Succeeded, "{operation:?}");
        world.pull_until_mirror_equals_lever().await;
    }
}

/// A note moves no stamp that a follow pass asks for: what was not read back before a kill is read back after it.
#[tokio::test]
async fn the_mirror_catches_up_with_a_write_that_could_not_be_read_back_before_a_kill() {
    let mut world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    let away = FaultRule::on("getOpportunity", Action::ServerErrorBefore(503));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![away],
    });
    let operation = world.note(&opportunity, &fresh_id(), "hello").await;
    assert_eq!(operation.expect("recorded").state(), Succeeded);
    world.kill().await;
    world.lever.set_faults(FaultPlan::default());
    world.start().await;
    world.pull_until_mirror_equals_lever().await;
}

/// A fifth of the writes and of the looks back goes wrong.
fn storm() -> Vec<FaultRule> {
    let kinds = [
        (Action::ResetAfter, 17),
        (Action::ServerErrorAfter(500), 19),
        (Action::TruncatedBody, 21),
        (Action::ResetBefore, 23),
    ];
    kinds
        .map(|(action, every)| FaultRule::always(action).when(When::Every(every)))
        .to_vec()
}

fn tags(world: &World, opportunity: &str) -> Vec<String> {
    let document = world.lever.opportunity(opportunity).expect("there");
    let tags = document["tags"].as_array().expect("a list").iter();
    tags.map(|tag| tag.as_str().expect("a text").to_owned())
        .collect()
}

/// A person who asks again after others have moved somebody has seen that, and writes over it.
#[tokio::test]
async fn a_move_that_others_came_before_is_made_when_a_person_asks_for_it_again() {
    let world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    let stalls = Action::ServerErrorBefore(503);
    fail_once(&world, "updateOpportunityStage", stalls);
    let request = pb::ChangeStageRequest {
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        stage_id: stage_id(&world, 4),
        wait: Some(prost_types::Duration::default()),
        ..Default::default()
    };
    let asked = world.change_stage(request).await.expect("recorded");
    until("it was tried", async || {
        (!world.calls("updateOpportunityStage").is_empty()).then_some(())
    })
    .await;
    world
        .lever
        .move_stage(&person, &stage_id(&world, 5))
        .expect("known");
    let failed = world.settled(&asked.id).await;
    assert_eq!(failed.state(), Failed, "{failed:?}");
    let told = why(&failed);
    assert_eq!(told.reason, "STAGE_MOVED");
    assert!(told.message.contains("RetryOperation"), "{told:?}");
    world.retry(&asked.id).await.expect("in line again");
    let done = world.settled(&asked.id).await;
    assert_eq!(done.state(), Succeeded, "{done:?}");
    let now = world.lever.opportunity(&person).expect("there");
    assert_eq!(now["stage"], stage_id(&world, 4).as_str());
}
