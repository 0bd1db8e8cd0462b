//! SIGKILL while something is being written to Lever (P10): it happens once, and the service finds out.

use std::time::Duration;

use lever_sim::{Action, FaultPlan, FaultRule, When};
use proto::v1 as pb;
use proto::v1::OperationState::Succeeded;

use crate::support::{Setup, World, fresh_id, until};

const FOR_EVER: Duration = Duration::from_secs(600);

/// Holds the first call of an operation back: before it has its effect, or after.
fn hold(operation: &str, action: Action) -> FaultPlan {
    FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on(operation, action).when(When::Nth(1))],
    }
}

/// Waits until the operation is on its way: from then on nobody but Lever knows whether it happened.
async fn until_sending(world: &World, id: &str) {
    until("the operation is being sent", async || {
        (world.operation(id).await.state() == pb::OperationState::Sending).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_note_that_lever_took_before_the_kill_is_found_again() {
    let mut world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    world
        .lever
        .set_faults(hold("createOpportunityNote", Action::StallAfter(FOR_EVER)));
    let asked = world.note_unawaited(&opportunity, "written once").await;
    until("Lever has the note", async || {
        (world.notes_saying(&opportunity, "written once") == 1).then_some(())
    })
    .await;
    world.kill().await;
    world.lever.set_faults(FaultPlan::default());
    world.start().await;
    let operation = world.settled(&asked.id).await;
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(world.notes_saying(&opportunity, "written once"), 1);
    assert_eq!(
        world.calls("createOpportunityNote").len(),
        1,
        "found, not sent again"
    );
    let note = world
        .lever
        .notes(&opportunity)
        .into_iter()
        .find(|note| note["id"] == operation.result_id.as_str());
    assert!(note.is_some(), "the result is the note: {operation:?}");
}

/// The request reached Lever, which acts on it only after the kill: like Lever, the simulator finishes what it began.
#[tokio::test]
async fn a_note_that_lever_takes_after_the_kill_is_found_again() {
    let mut world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    world
        .lever
        .set_faults(hold("createOpportunityNote", Action::StallBefore(FOR_EVER)));
    let asked = world.note_unawaited(&opportunity, "written once").await;
    until_sending(&world, &asked.id).await;
    world.kill().await;
    world.lever.set_faults(FaultPlan::default());
    world.start().await;
    let operation = world.settled(&asked.id).await;
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(world.notes_saying(&opportunity, "written once"), 1);
}

/// The answer was lost and Lever never acted: the note is looked for, then sent again.
#[tokio::test]
async fn a_note_that_never_reached_lever_is_written_after_the_restart() {
    let mut world = World::synced(Setup::new(40).with("FULCRUM__PUSH__SETTLE", "2s")).await;
    let opportunity = world.open_opportunities().remove(0);
    world
        .lever
        .set_faults(hold("createOpportunityNote", Action::ResetBefore));
    let asked = world.note_unawaited(&opportunity, "written once").await;
    until("the call was cut off", async || {
        (world.calls("createOpportunityNote").len() == 1).then_some(())
    })
    .await;
    world.kill().await;
    assert_eq!(world.notes_saying(&opportunity, "written once"), 0);
    world.start().await;
    let operation = world.settled(&asked.id).await;
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(world.notes_saying(&opportunity, "written once"), 1);
}

#[tokio::test]
async fn a_move_that_lever_made_before_the_kill_is_not_made_twice() {
    let mut world = World::synced(Setup::new(60)).await;
    let opportunity = world.open_opportunities().remove(0);
    let stays = || world_stage_changes(&world.lever, &opportunity);
    let before = stays();
    world
        .lever
        .set_faults(hold("updateOpportunityStage", Action::StallAfter(FOR_EVER)));
    let request = pb::ChangeStageRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        stage_id: "offer".to_owned(),
        wait: Some(prost_types::Duration::default()),
        ..Default::default()
    };
    let asked = world.change_stage(request).await.expect("recorded");
    until("Lever has moved the person", async || {
        (world_stage_changes(&world.lever, &opportunity) == before + 1).then_some(())
    })
    .await;
    world.kill().await;
    world.lever.set_faults(FaultPlan::default());
    world.start().await;
    let operation = world.settled(&asked.id).await;
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(world_stage_changes(&world.lever, &opportunity), before + 1);
    assert_eq!(world.effects("updateOpportunityStage"), 1);
    world.pull_until_mirror_equals_lever().await;
}

fn world_stage_changes(lever: &lever_sim::Sim, opportunity: &str) -> usize {
    let document = lever.opportunity(opportunity).expect("there");
    document["stageChanges"].as_array().expect("a list").len()
}

/// Somebody moves the person on while the service is down: the write that had its effect must not undo that.
#[tokio::test]
async fn a_move_that_lever_made_before_the_kill_does_not_undo_what_a_person_did_since() {
    for names_where_from in [true, false] {
        let mut world = World::synced(Setup::new(60)).await;
        let opportunity = world.open_opportunities().remove(0);
        let from = world.lever.opportunity(&opportunity).expect("there")["stage"].clone();
        let expected_stage_id = if names_where_from {
            from.as_str().unwrap_or_default()
        } else {
            ""
        }
        .to_owned();
        world
            .lever
            .set_faults(hold("updateOpportunityStage", Action::StallAfter(FOR_EVER)));
        let request = pb::ChangeStageRequest {
            opportunity_id: opportunity.clone(),
            request_id: fresh_id(),
            stage_id: "offer".to_owned(),
            expected_stage_id,
            wait: Some(prost_types::Duration::default()),
            ..Default::default()
        };
        let asked = world.change_stage(request).await.expect("recorded");
        until("Lever has moved the person", async || {
            (world.effects("updateOpportunityStage") == 1).then_some(())
        })
        .await;
        world.kill().await;
        world.lever.set_faults(FaultPlan::default());
        let next = world.lever.stages().pop().expect("a stage")["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        world.lever.move_stage(&opportunity, &next).expect("known");
        world.start().await;
        world.settled(&asked.id).await;
        let stage = world.lever.opportunity(&opportunity).expect("there")["stage"].clone();
        assert_eq!(stage, next.as_str(), "names where from: {names_where_from}");
    }
}

/// Archiving again would renew the date: an archive that had its effect is not repeated.
#[tokio::test]
async fn an_archive_that_lever_made_before_the_kill_is_not_made_twice() {
    let mut world = World::synced(Setup::new(60)).await;
    let opportunity = world.open_opportunities().remove(0);
    let reasons = world.lever.archive_reasons();
    let reason = reasons
        .iter()
        .find(|reason| reason["type"] == "non-hired" && reason["status"] == "active");
    let reason = reason.expect("an active reason")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    world.lever.set_faults(hold(
        "updateOpportunityArchived",
        Action::StallAfter(FOR_EVER),
    ));
    let request = pb::ArchiveRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        archive_reason_id: reason,
        wait: Some(prost_types::Duration::default()),
        ..Default::default()
    };
    let asked = world.archive(request).await.expect("recorded");
    until("Lever has archived the person", async || {
        (world.effects("updateOpportunityArchived") == 1).then_some(())
    })
    .await;
    world.kill().await;
    world.lever.set_faults(FaultPlan::default());
    world.start().await;
    let operation = world.settled(&asked.id).await;
    assert_eq!(operation.state(), Succeeded, "{operation:?}");
    assert_eq!(world.effects("updateOpportunityArchived"), 1);
}

/// Operations that were recorded but not yet sent are sent by the next life, in order.
#[tokio::test]
async fn what_was_waiting_in_line_at_the_kill_is_written_in_order_after_the_restart() {
    let mut world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    world
        .lever
        .set_faults(hold("createOpportunityNote", Action::StallAfter(FOR_EVER)));
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(
            world
                .note_unawaited(&opportunity, &format!("line {number}"))
                .await
                .id,
        );
    }
    until("Lever has the first", async || {
        (world.notes_saying(&opportunity, "line 0") == 1).then_some(())
    })
    .await;
    world.kill().await;
    world.lever.set_faults(FaultPlan::default());
    world.start().await;
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(world.settled(id).await.state(), Succeeded);
        assert_eq!(
            world.notes_saying(&opportunity, &format!("line {number}")),
            1
        );
    }
    let sent: Vec<_> = world
        .calls("createOpportunityNote")
        .into_iter()
        .filter_map(|call| call.body)
        .collect();
    let sent: Vec<_> = sent
        .iter()
        .map(|body| body["value"].as_str().expect("a text"))
        .collect();
    assert_eq!(sent, ["line 0", "line 1", "line 2", "line 3", "line 4"]);
}

/// The moments of the kills are drawn, not waited for: some fall before a call, some into it, some after it.
#[tokio::test]
async fn kills_at_any_moment_neither_lose_nor_double_a_write() {
    let mut world = World::synced(Setup::new(40)).await;
    let people: Vec<_> = world.open_opportunities().into_iter().take(4).collect();
    let slow = |action| FaultRule::on("createOpportunityNote", action).when(When::Probability(0.5));
    let wait = Duration::from_millis(15);
    let rules = vec![
        slow(Action::StallBefore(wait)),
        slow(Action::StallAfter(wait)),
    ];
    world.lever.set_faults(FaultPlan { seed: 11, rules });
    let mut asked = Vec::new();
    for round in 0..8_u64 {
        for number in 0..8 {
            let opportunity = &people[number % people.len()];
            let text = format!("round {round}, number {number}");
            let id = world.note_unawaited(opportunity, &text).await.id;
            asked.push((id, opportunity.clone(), text));
        }
        tokio::time::sleep(Duration::from_millis(round * 37 % 50)).await;
        world.kill().await;
        world.start().await;
    }
    for (id, opportunity, text) in &asked {
        let operation = world.settled(id).await;
        assert_eq!(operation.state(), Succeeded, "{operation:?}");
        assert_eq!(
            world.notes_saying(opportunity, text),
            1,
            "{text}: {operation:?}"
        );
    }
}

/// What is on the disk is read however full it is, also after a kill while Lever had a write in hand.
///
/// Seen to fail while a start took the write up or ended.
#[tokio::test]
async fn a_kill_while_a_write_is_sent_and_a_full_disk_leave_a_mirror_that_can_be_read() {
    let mut world = World::synced(Setup::new(20)).await;
    let people = world.open_opportunities();
    let stall = hold("createOpportunityNote", Action::StallAfter(FOR_EVER));
    world.lever.set_faults(stall);
    let sent = world.note_unawaited(&people[0], "under way").await;
    until("Lever has the note", async || {
        (world.effects("createOpportunityNote") == 1).then_some(())
    })
    .await;
    world.kill().await;
    world.lever.set_faults(FaultPlan::default());
    let [floor, room] =
        ["1000TB", "0B"].map(|free| ("FULCRUM__STORE__WRITE_MIN_FREE", free.to_owned()));
    let mut full = world.configured_like(|_| vec![floor]);
    full.start().await;
    assert!(!full.status().await.writes_refused.is_empty());
    let waits = full.operation(&sent.id).await;
    assert_eq!(waits.state(), pb::OperationState::Sending);
    full.stop().await;
    let mut world = full.configured_like(|_| vec![room]);
    world.start().await;
    world.settled(&sent.id).await;
    assert_eq!(world.effects("createOpportunityNote"), 1);
}
