//! Panels and interviews.

use lever_sim::Act;
use serde_json::{Value, json};

use crate::support::{NOW, World, ids, text};

const HOUR: i64 = 3_600_000;

fn meeting(user: &str, date: i64) -> Value {
    json!({ "interviewers": [{ "id": user }], "date": date, "duration": 30 })
}

/// An opportunity, a user, and the path of a child collection as that user.
async fn scene() -> (World, String, String) {
    let world = World::of(40).await;
    let (id, user) = (text(&world.applied()["id"]), world.user());
    (world, id, user)
}

#[tokio::test]
async fn a_panel_spans_its_interviews_and_moves_the_last_interaction_only() {
    let (world, id, user) = scene().await;
    let before = world.sim.opportunity(&id).unwrap();
    let path = format!("/opportunities/{id}/panels?perform_as={user}");
    let now = world.pass(60_000);
    let interviews = [
        meeting(&user, NOW + 9 * HOUR),
        meeting(&user, NOW + 2 * HOUR),
    ];
    let body = json!({ "timezone": "Europe/Berlin", "feedbackReminder": "once", "interviews": interviews });
    let panel = world.made(&path, &body).await;
    assert_eq!(
        (&panel["start"], &panel["end"]),
        (&json!(NOW + 2 * HOUR), &json!(NOW + 9 * HOUR + HOUR / 2))
    );
    assert_eq!(
        panel["applications"], before["applications"],
        "all active ones"
    );
    assert_eq!(
        (&panel["stage"], &panel["user"]),
        (&before["stage"], &json!(user))
    );
    assert_eq!(panel["interviews"][0]["feedbackReminder"], "once");
    let after = world.sim.opportunity(&id).unwrap();
    assert_eq!(
        (&after["lastInteractionAt"], &after["updatedAt"]),
        (&json!(now), &before["updatedAt"])
    );
    let ids_of_interviews = world
        .walk(
            &format!("/opportunities/{id}/interviews"),
            &[("limit", "1")],
        )
        .await;
    assert!(ids_of_interviews.len() >= 2);
    for refused in [
        json!({ "interviews": interviews }),
        json!({ "timezone": "Pacific Time", "interviews": interviews }),
        json!({ "timezone": "UTC", "interviews": [] }),
        json!({ "timezone": "UTC", "interviews": interviews, "applications": [] }),
        json!({ "timezone": "UTC", "interviews": interviews, "applications": ["nope"] }),
        json!({ "timezone": "UTC", "interviews": [meeting("nope", NOW)] }),
        json!({ "timezone": "UTC", "interviews": [{ "interviewers": [], "date": NOW, "duration": 30 }] }),
        json!({ "timezone": "UTC", "interviews": [{ "interviewers": [{ "id": user }], "date": NOW }] }),
    ] {
        assert_eq!(world.post(&path, &refused).await.status, 400, "{refused}");
    }
    let unnamed = format!("/opportunities/{id}/panels");
    assert_eq!(
        world.post(&unnamed, &body).await.status,
        400,
        "perform_as is needed"
    );
}

#[tokio::test]
async fn an_updated_panel_keeps_the_interviews_that_keep_their_id() {
    let (world, id, user) = scene().await;
    let panels = format!("/opportunities/{id}/panels");
    let body = json!({ "timezone": "UTC", "interviews": [meeting(&user, NOW), meeting(&user, NOW + HOUR)] });
    let made = world
        .made(&format!("{panels}?perform_as={user}"), &body)
        .await;
    let kept = &made["interviews"][1]["id"];
    let mut again = meeting(&user, NOW + 5 * HOUR);
    again["id"] = kept.clone();
    let body = json!({ "timezone": "UTC", "interviews": [again, meeting(&user, NOW)] });
    let path = format!("{panels}/{}?perform_as={user}", text(&made["id"]));
    let changed = world.put(&path, &body).await;
    assert_eq!(changed.status, 200);
    let now_in = ids(changed.body["data"]["interviews"].as_array().unwrap());
    assert!(
        now_in[0] == text(kept)
            && !ids(made["interviews"].as_array().unwrap()).contains(&now_in[1])
    );
    let mut foreign = meeting(&user, NOW);
    foreign["id"] = json!("nope");
    let body = json!({ "timezone": "UTC", "interviews": [foreign] });
    assert_eq!(world.put(&path, &body).await.status, 400);
}

#[tokio::test]
async fn the_panel_goes_with_its_last_interview() {
    let (world, id, user) = scene().await;
    let panels = format!("/opportunities/{id}/panels");
    let body = json!({ "timezone": "UTC", "interviews": [meeting(&user, NOW)] });
    let panel = text(
        &world
            .made(&format!("{panels}?perform_as={user}"), &body)
            .await["id"],
    );
    let mut body = meeting(&user, NOW + HOUR);
    body["panel"] = json!(panel);
    let interviews = format!("/opportunities/{id}/interviews");
    let second = world
        .made(&format!("{interviews}?perform_as={user}"), &body)
        .await;
    assert_eq!(
        (
            &second["feedbackReminder"],
            &second["feedbackTemplate"],
            &second["panel"]
        ),
        (&json!("frequently"), &json!("no-feedback"), &json!(panel))
    );
    let both =
        world.get(&format!("{panels}/{panel}"), &[]).await.body["data"]["interviews"].clone();
    for interview in ids(both.as_array().unwrap()) {
        assert_eq!(
            world.get(&format!("{panels}/{panel}"), &[]).await.status,
            200
        );
        let gone = world
            .delete(&format!("{interviews}/{interview}?perform_as={user}"))
            .await;
        assert_eq!(gone.status, 204);
        assert_eq!(
            world
                .get(&format!("{interviews}/{interview}"), &[])
                .await
                .status,
            404
        );
    }
    assert_eq!(
        world.get(&format!("{panels}/{panel}"), &[]).await.status,
        404
    );
}

#[tokio::test]
async fn what_people_planned_in_lever_is_closed_to_the_api() {
    let (world, id, user) = scene().await;
    let act = Act::AddPanel {
        opportunity: id.clone(),
        date: NOW + HOUR,
        user: None,
    };
    let panel = world.sim.act(act).unwrap().unwrap();
    let base = format!("/opportunities/{id}");
    let read = world.get(&format!("{base}/panels/{panel}"), &[]).await.body["data"].clone();
    assert_eq!(read["externallyManaged"], false);
    let interview = text(&read["interviews"][0]["id"]);
    let body = json!({ "timezone": "UTC", "interviews": [meeting(&user, NOW)] });
    let mut more = meeting(&user, NOW);
    more["panel"] = json!(panel);
    let at = |path: &str| format!("{base}/{path}?perform_as={user}");
    assert_eq!(
        world
            .put(&at(&format!("panels/{panel}")), &body)
            .await
            .status,
        400
    );
    assert_eq!(
        world.delete(&at(&format!("panels/{panel}"))).await.status,
        400
    );
    assert_eq!(world.post(&at("interviews"), &more).await.status, 400);
    assert_eq!(
        world
            .put(&at(&format!("interviews/{interview}")), &more)
            .await
            .status,
        400
    );
    assert_eq!(
        world
            .delete(&at(&format!("interviews/{interview}")))
            .await
            .status,
        400
    );
    assert!(world.sim.audit().iter().all(|entry| !entry.effect));
}

#[tokio::test]
async fn archiving_calls_off_what_is_to_come_when_asked_to() {
    let (world, id, user) = scene().await;
    let panels = format!("/opportunities/{id}/panels");
    let body = json!({ "timezone": "UTC", "interviews": [meeting(&user, NOW + HOUR)] });
    let panel = text(
        &world
            .made(&format!("{panels}?perform_as={user}"), &body)
            .await["id"],
    );
    let path = format!("/opportunities/{id}/archived");
    let reason = world.sim.archive_reasons()[0]["id"].clone();
    let read = async || {
        world.get(&format!("{panels}/{panel}"), &[]).await.body["data"]["canceledAt"].clone()
    };
    world.put(&path, &json!({ "reason": reason })).await;
    assert_eq!(read().await, Value::Null);
    world
        .put(&path, &json!({ "reason": reason, "cleanInterviews": true }))
        .await;
    assert_eq!(read().await, json!(NOW));
}
