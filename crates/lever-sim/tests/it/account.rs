//! Users, contacts, stages, EEO answers and deleted records.

use lever_sim::{Children, Config};
use serde_json::{Value, json};

use crate::support::{NOW, World, config, ids, text};

const DAY: i64 = 86_400_000;

#[tokio::test]
async fn a_user_is_made_an_interviewer_and_comes_first() {
    let world = World::of(0).await;
    let now = world.pass(5);
    let body = json!({ "name": "Wren Eastfold", "email": "wren.e@example.com", "externalDirectoryId": "d-1" });
    let made = world.made("/users", &body).await;
    assert_eq!(
        (&made["accessRole"], &made["username"], &made["createdAt"]),
        (&json!("interviewer"), &json!("wren.e"), &json!(now))
    );
    assert_eq!(world.sim.active_users()[0], text(&made["id"]));
    let found = world
        .get("/users", &[("external_directory_id", "d-1")])
        .await;
    assert_eq!(
        ids(found.body["data"].as_array().unwrap()),
        [text(&made["id"])]
    );
    let again = json!({ "name": "Other", "email": "Wren.E@example.com" });
    for refused in [
        again,
        json!({ "name": "No address" }),
        json!({ "name": "x", "email": "nowhere" }),
        json!({ "name": "x", "email": "x@example.com", "accessRole": "king" }),
        json!({ "name": "x", "email": "x@example.com", "managerId": "nope" }),
    ] {
        assert_eq!(
            world.post("/users", &refused).await.status,
            400,
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_deactivated_user_is_kept_but_cannot_act() {
    let world = World::of(20).await;
    let (user, id) = (world.user(), text(&world.applied()["id"]));
    let now = world.pass(5);
    let off = world
        .post(&format!("/users/{user}/deactivate"), &Value::Null)
        .await;
    assert_eq!(
        (off.status, &off.body["data"]["deactivatedAt"]),
        (200, &json!(now))
    );
    assert!(!world.sim.active_users().contains(&user));
    let path = format!("/opportunities/{id}/stage?perform_as={user}");
    assert_eq!(
        world.put(&path, &json!({ "stage": "offer" })).await.status,
        400
    );
    let on = world
        .post(&format!("/users/{user}/reactivate"), &Value::Null)
        .await;
    assert_eq!(on.body["data"]["deactivatedAt"], Value::Null);
    assert_eq!(
        world.put(&path, &json!({ "stage": "offer" })).await.status,
        200
    );
    assert_eq!(
        world
            .post("/users/nope/deactivate", &Value::Null)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn an_update_replaces_a_user_and_an_interviewer_follows_nobody() {
    let world = World::of(60).await;
    let users = world.get("/users", &[]).await.body["data"].clone();
    let follows = |user: &Value| {
        let opportunities = world.sim.opportunities();
        let of = |it: &&Value| it["followers"].as_array().unwrap().contains(&user["id"]);
        opportunities.iter().filter(of).count()
    };
    let mut candidates = users.as_array().unwrap().iter();
    let user = candidates
        .find(|it| {
            it["accessRole"] != "interviewer" && !it["managerId"].is_null() && follows(it) > 0
        })
        .unwrap();
    let path = format!("/users/{}", text(&user["id"]));
    let partial = json!({ "name": user["name"], "email": user["email"] });
    assert_eq!(
        world.put(&path, &partial).await.status,
        400,
        "the role is needed"
    );
    let body = json!({ "name": "New Name", "email": user["email"], "accessRole": "interviewer" });
    let changed = world.put(&path, &body).await.body["data"].clone();
    assert_eq!(
        (
            &changed["name"],
            &changed["managerId"],
            &changed["jobTitle"]
        ),
        (&json!("New Name"), &Value::Null, &Value::Null),
        "what is left out is reset"
    );
    assert_eq!(follows(user), 0);
}

#[tokio::test]
async fn eeo_answers_are_those_of_the_last_week_unless_bounds_say_otherwise() {
    let world = World::of(400).await;
    let week = world.get("/eeo/responses/pii", &[]).await.body["data"].clone();
    let week = week.as_array().unwrap();
    let applied: Vec<i64> = week
        .iter()
        .map(|it| it["appliedAt"].as_i64().unwrap())
        .collect();
    assert!(!applied.is_empty() && applied.iter().all(|at| (NOW - 7 * DAY..=NOW).contains(at)));
    assert!(applied.iter().rev().is_sorted(), "newest first");
    let start = (NOW - 400 * DAY).to_string();
    let more = world
        .walk(
            "/eeo/responses/pii",
            &[("created_at_start", &start), ("limit", "7")],
        )
        .await;
    assert!(more.len() > week.len());
    let anonymous = world.get("/eeo/responses", &[("fromDate", &start)]).await;
    let rows = anonymous.body["data"].as_array().unwrap().clone();
    assert!(rows.len() >= more.len() && rows.iter().all(|row| row.get("contact").is_none()));
    assert!(
        rows.iter().any(|row| row.get("gender").is_none()),
        "unanswered is absent"
    );
    let expanded = world
        .get(
            "/eeo/responses/pii",
            &[("expand", "contact"), ("expand", "posting")],
        )
        .await;
    assert!(expanded.body["data"][0]["contact"]["emails"].is_array());
    assert!(expanded.body["data"][0]["posting"]["text"].is_string());
    assert_eq!(
        world
            .get("/eeo/responses", &[("fromDate", "monday")])
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn deleted_records_are_read_in_windows_of_thirty_days() {
    let children = Children::Full;
    let world = World::with(Config {
        children,
        ..config(20)
    })
    .await;
    let at = |days: i64| (NOW + days * DAY).to_string();
    for path in ["/applications/deleted", "/postings/deleted"] {
        let of = async |start: i64, end: i64| {
            let (start, end) = (at(start), at(end));
            world
                .get(
                    path,
                    &[("deleted_at_start", &start), ("deleted_at_end", &end)],
                )
                .await
        };
        assert_eq!(of(-30, 0).await.status, 200);
        assert_eq!(of(-31, 0).await.status, 400, "{path}");
        let found = of(-30, 0).await.body["data"].clone();
        let newest = &found[0]["deletedAt"];
        assert!(
            found.as_array().unwrap().len() > 1 && newest.as_i64() > found[1]["deletedAt"].as_i64()
        );
        let end = newest.to_string();
        let start = at(-30);
        let before = [
            ("deleted_at_start", start.as_str()),
            ("deleted_at_end", end.as_str()),
        ];
        let before = world.get(path, &before).await.body["data"].clone();
        assert_eq!(before[0], found[1], "the end is exclusive");
        assert_eq!(
            world
                .get(path, &[("deleted_at_start", &start)])
                .await
                .status,
            400
        );
    }
    assert_eq!(world.get("/applications/deleted", &[]).await.status, 400);
    let none = world.get("/postings/deleted", &[]).await;
    assert_eq!(
        (none.status, none.body),
        (200, json!({ "data": [], "hasNext": false }))
    );
    assert!(world.walk("/opportunities/deleted", &[]).await.len() > 1);
}
