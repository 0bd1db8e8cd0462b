//! Every fault as a client sees it, and whether the write took effect.

use std::time::Duration;

use lever_sim::{Action, FaultPlan, FaultRule, When};
use reqwest::Method;
use serde_json::json;
use tokio::time::Instant;

use crate::support::{World, text};

/// Writes one note while the fault strikes the first attempt; returns what the client saw and whether the note is there.
async fn note_under(action: Action) -> (Result<u16, reqwest::Error>, bool) {
    let world = World::of(40).await;
    let id = text(&world.applied()["id"]);
    let notes = world.sim.notes(&id).len();
    let rule = FaultRule::on("createOpportunityNote", action).when(When::Nth(1));
    world.sim.set_faults(FaultPlan {
        seed: 1,
        rules: vec![rule],
    });
    let path = format!("/opportunities/{id}/notes");
    let sent = world
        .request(Method::POST, &path)
        .json(&json!({ "value": "x" }))
        .send()
        .await;
    let seen = match sent {
        Ok(response) => {
            let status = response.status().as_u16();
            response.bytes().await.map(|_| status)
        }
        Err(error) => Err(error),
    };
    let there = world.sim.notes(&id).len() > notes;
    let entry = world.sim.audit().pop().unwrap();
    assert_eq!(entry.effect, there);
    assert_eq!(
        entry.status.is_none(),
        matches!(action, Action::ResetBefore | Action::ResetAfter)
    );
    let again = world
        .request(Method::POST, &path)
        .json(&json!({ "value": "y" }))
        .send()
        .await;
    assert_eq!(
        again.unwrap().status().as_u16(),
        201,
        "the fault strikes once"
    );
    (seen, there)
}

#[tokio::test]
async fn statuses_come_before_or_after_the_effect() {
    let seen = async |action| {
        let (seen, there) = note_under(action).await;
        (seen.unwrap(), there)
    };
    assert_eq!(seen(Action::TooManyRequests).await, (429, false));
    assert_eq!(seen(Action::RetryAfter(7)).await, (429, false));
    assert_eq!(seen(Action::ServerErrorBefore(503)).await, (503, false));
    assert_eq!(seen(Action::ServerErrorAfter(502)).await, (502, true));
}

#[tokio::test]
async fn a_429_names_a_pause_where_the_fault_says_so() {
    let world = World::of(1).await;
    let told = async |action| {
        world.sim.set_faults(FaultPlan {
            seed: 1,
            rules: vec![FaultRule::always(action)],
        });
        let answer = world.request(Method::GET, "/users").send().await.unwrap();
        let word = answer.headers().get("retry-after");
        word.map(|word| word.to_str().unwrap().to_owned())
    };
    assert_eq!(told(Action::TooManyRequests).await, None);
    assert_eq!(told(Action::RetryAfter(7)).await.as_deref(), Some("7"));
}

#[tokio::test]
async fn resets_are_dropped_connections() {
    let (seen, there) = note_under(Action::ResetBefore).await;
    assert!(seen.unwrap_err().is_request() && !there);
    let (seen, there) = note_under(Action::ResetAfter).await;
    assert!(seen.unwrap_err().is_request() && there);
}

#[tokio::test]
async fn a_truncated_body_begins_well_and_then_fails() {
    let world = World::of(40).await;
    let rule = FaultRule::on("listOpportunities", Action::TruncatedBody);
    world.sim.set_faults(FaultPlan {
        seed: 1,
        rules: vec![rule],
    });
    let response = world
        .request(Method::GET, "/opportunities")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status().as_u16(), 200);
    assert!(response.content_length().unwrap() > 1000);
    assert!(response.bytes().await.is_err());
    let (seen, there) = note_under(Action::TruncatedBody).await;
    assert!(seen.is_err() && there);
}

#[tokio::test]
async fn a_stall_delays_the_answer() {
    let wait = Duration::from_millis(80);
    for action in [Action::StallBefore(wait), Action::StallAfter(wait)] {
        let began = Instant::now();
        let (seen, there) = note_under(action).await;
        assert!(seen.unwrap() == 201 && there && began.elapsed() >= wait);
    }
}

#[tokio::test]
async fn a_stall_can_be_ended_before_its_time() {
    let world = World::of(5).await;
    let rule = FaultRule::on("listTags", Action::StallAfter(Duration::from_secs(3600)));
    world.sim.set_faults(FaultPlan {
        seed: 1,
        rules: vec![rule],
    });
    let stalled = tokio::spawn(world.request(Method::GET, "/tags").send());
    while world.sim.audit().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(!stalled.is_finished());
    world.sim.release_stalls();
    let answer = tokio::time::timeout(Duration::from_secs(5), stalled).await;
    assert_eq!(answer.unwrap().unwrap().unwrap().status().as_u16(), 200);
}

#[tokio::test]
async fn a_stalled_write_takes_effect_though_the_caller_hung_up() {
    let world = World::of(40).await;
    let id = text(&world.applied()["id"]);
    let notes = world.sim.notes(&id).len();
    let wait = Duration::from_millis(150);
    let rule = FaultRule::on("createOpportunityNote", Action::StallBefore(wait));
    world.sim.set_faults(FaultPlan {
        seed: 1,
        rules: vec![rule],
    });
    let request = world.request(Method::POST, &format!("/opportunities/{id}/notes"));
    let request = request
        .json(&json!({ "value": "x" }))
        .timeout(Duration::from_millis(30));
    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!(world.sim.notes(&id).len(), notes);
    let deadline = Instant::now() + Duration::from_secs(5);
    while world.sim.notes(&id).len() == notes {
        assert!(Instant::now() < deadline, "the note never arrived");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn shutting_down_does_not_wait_for_stalled_requests() {
    let world = World::of(5).await;
    let rule = FaultRule::always(Action::StallBefore(Duration::from_secs(3600)));
    world.sim.set_faults(FaultPlan {
        seed: 1,
        rules: vec![rule],
    });
    let stalled = tokio::spawn(world.request(Method::GET, "/tags").send());
    let idle = world
        .http
        .get(format!("http://{}/sim/key", world.sim.address()))
        .send()
        .await;
    assert!(idle.is_ok());
    tokio::time::timeout(Duration::from_secs(5), world.sim.shutdown())
        .await
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), stalled)
        .await
        .unwrap()
        .unwrap();
    assert!(ended.is_err());
}
