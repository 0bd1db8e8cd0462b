//! Answers of Lever that never arrive, without any crash of ours (P10).

use std::collections::BTreeMap;

use lever_sim::{Action, FaultPlan, FaultRule, When};
use proto::v1 as pb;
use proto::v1::OperationState::Succeeded;

use crate::support::{Setup, World, fresh_id};

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
        let rule = FaultRule::on("createOpportunityNote", action).when(When::Nth(1));
        world.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![rule],
        });
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
    let rule = FaultRule::on("createOpportunityNote", Action::ResetBefore).when(When::Nth(1));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![rule],
    });
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
    let rule = FaultRule::on("updateOpportunityArchived", Action::ResetAfter).when(When::Nth(1));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![rule],
    });
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
        let rule =
            FaultRule::on("getOpportunity", Action::ServerErrorBefore(503)).when(When::First(1));
        world.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![rule],
        });
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
