//! What writes change, which stamps they move, and how they answer.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{NOW, World, text};

const LATER: i64 = 60_000;

fn stamps(record: &Value) -> [Option<i64>; 3] {
    ["updatedAt", "lastInteractionAt", "lastAdvancedAt"].map(|stamp| record[stamp].as_i64())
}

fn assert_blanked(answer: &Value) {
    assert_eq!(
        (&answer["name"], &answer["headline"]),
        (&json!(""), &json!(""))
    );
    for attribute in ["phones", "emails", "links"] {
        assert_eq!(answer[attribute], json!([]), "{attribute}");
    }
    assert!(answer.get("opportunityLocation").is_none());
}

#[tokio::test]
async fn a_stage_change_is_history_and_moves_both_stamps() {
    let world = World::of(40).await;
    let before = world.applied();
    let (id, now) = (text(&before["id"]), world.pass(LATER));
    let user = world.sim.active_users()[0].clone();
    let path = format!("/opportunities/{id}/stage?perform_as={user}");
    let stage = if before["stage"] == "offer" {
        "lead-new"
    } else {
        "offer"
    };
    let answer = world.put(&path, &json!({ "stage": stage })).await;
    assert_eq!(answer.status, 200);
    assert_blanked(&answer.body["data"]);
    let after = world.sim.opportunity(&id).unwrap();
    assert_eq!(stamps(&after), [Some(now + 1), Some(now), Some(now)]);
    let index = if stage == "offer" { 9 } else { 0 };
    let entered =
        json!({"toStageId": stage, "toStageIndex": index, "updatedAt": now, "userId": user});
    assert_eq!(
        after["stageChanges"].as_array().unwrap().last(),
        Some(&entered)
    );
    assert_eq!(after["emails"], before["emails"]);
}

#[tokio::test]
async fn archiving_again_renews_only_the_stamp_of_the_opportunity() {
    let world = World::of(40).await;
    let id = text(&world.applied()["id"]);
    let path = format!("/opportunities/{id}/archived");
    let reasons = world.sim.archive_reasons();
    let first = world.pass(LATER);
    let answer = world
        .put(&path, &json!({ "reason": reasons[0]["id"] }))
        .await;
    assert_blanked(&answer.body["data"]);
    let second = world.pass(LATER);
    world
        .put(
            &path,
            &json!({ "reason": reasons[1]["id"], "cleanInterviews": false }),
        )
        .await;
    let after = world.sim.opportunity(&id).unwrap();
    assert_eq!(
        after["archived"],
        json!({ "reason": reasons[1]["id"], "archivedAt": second + 1 })
    );
    assert_eq!(
        stamps(&after),
        [Some(second + 1), Some(second), Some(first)]
    );
    let applications = world
        .get(&format!("/opportunities/{id}/applications"), &[])
        .await;
    let ended = json!({ "reason": reasons[0]["id"], "archivedAt": first });
    assert_eq!(applications.body["data"][0]["archived"], ended);

    world.sim.move_stage(&id, "lead-responded").unwrap();
    assert!(
        world.sim.opportunity(&id).unwrap()["archived"].is_object(),
        "it stays archived"
    );
    world.put(&path, &json!({ "reason": null })).await;
    assert!(world.sim.opportunity(&id).unwrap()["archived"].is_null());
}

#[tokio::test]
async fn unarchiving_what_is_active_changes_nothing() {
    let world = World::of(40).await;
    let before = world.applied();
    let path = format!("/opportunities/{}/archived", text(&before["id"]));
    world.pass(LATER);
    assert_eq!(
        world.put(&path, &json!({ "reason": null })).await.status,
        200
    );
    assert_eq!(world.applied(), before);
    assert!(!world.sim.audit().last().unwrap().effect);
}

#[tokio::test]
async fn tags_and_sources_move_updated_at_only_and_are_kept_once() {
    let world = World::of(40).await;
    let before = world.applied();
    let id = text(&before["id"]);
    for (name, attribute) in [("Tags", "tags"), ("Sources", "sources")] {
        let now = world.pass(LATER);
        let body = json!({ attribute: ["one", "Two", "one"] });
        let answer = world
            .post(&format!("/opportunities/{id}/add{name}"), &body)
            .await;
        assert_blanked(&answer.body["data"]);
        let after = world.sim.opportunity(&id).unwrap();
        let mut expected = before[attribute].as_array().unwrap().clone();
        expected.extend([json!("one"), json!("Two")]);
        assert_eq!(after[attribute], Value::from(expected));
        let [_, interaction, advanced] = stamps(&before);
        assert_eq!(stamps(&after), [Some(now), interaction, advanced]);

        world.pass(LATER);
        world
            .post(&format!("/opportunities/{id}/add{name}"), &body)
            .await;
        let absent = json!({ attribute: ["absent"] });
        world
            .post(&format!("/opportunities/{id}/remove{name}"), &absent)
            .await;
        assert_eq!(
            world.sim.opportunity(&id).unwrap(),
            after,
            "nothing new, nothing moved"
        );
        world
            .post(&format!("/opportunities/{id}/remove{name}"), &body)
            .await;
        assert_eq!(
            world.sim.opportunity(&id).unwrap()[attribute],
            before[attribute]
        );
    }
}

#[tokio::test]
async fn links_belong_to_the_person_and_the_answer_shows_the_old_stamp() {
    let world = World::of(200).await;
    let all = world.sim.opportunities();
    let twice = |it: &Value| {
        it["isAnonymized"] == false
            && all
                .iter()
                .filter(|other| other["contact"] == it["contact"])
                .count()
                > 1
    };
    let before = world.find(twice);
    let now = world.pass(LATER);
    let path = format!("/opportunities/{}/addLinks", text(&before["id"]));
    let answer = world
        .post(&path, &json!({ "links": ["https://example.com/me"] }))
        .await
        .body["data"]
        .clone();
    assert_eq!(
        (&answer["name"], &answer["updatedAt"]),
        (&before["name"], &before["updatedAt"])
    );
    assert!(
        answer["links"]
            .as_array()
            .unwrap()
            .contains(&json!("https://example.com/me"))
    );
    for it in world
        .sim
        .opportunities()
        .iter()
        .filter(|it| it["contact"] == before["contact"])
    {
        assert_eq!(
            (&it["links"], it["updatedAt"].as_i64()),
            (&answer["links"], Some(now))
        );
    }
}

#[tokio::test]
async fn a_note_answers_whole_and_moves_the_last_interaction_only() {
    let world = World::of(40).await;
    let before = world.applied();
    let (id, now) = (text(&before["id"]), world.pass(LATER));
    let path = format!("/opportunities/{id}/notes");
    let made = world
        .post(
            &path,
            &json!({ "value": "hello", "secret": true, "score": 4 }),
        )
        .await;
    assert_eq!(
        (made.status, made.body["data"]["id"].is_string()),
        (201, true)
    );
    assert_eq!(made.body["data"]["id"], made.body["data"]["noteId"]);
    let [updated, _, advanced] = stamps(&before);
    assert_eq!(
        stamps(&world.sim.opportunity(&id).unwrap()),
        [updated, Some(now), advanced]
    );

    let note = text(&made.body["data"]["noteId"]);
    let reply = world
        .post(
            &format!("{path}?note_id={note}"),
            &json!({ "value": "again" }),
        )
        .await;
    assert_eq!(
        (
            reply.status,
            reply.body["data"]["fields"].as_array().unwrap().len()
        ),
        (201, 2)
    );
    let past = world
        .post(&path, &json!({ "value": "old", "createdAt": NOW - 5 }))
        .await;
    assert_eq!(past.body["data"]["createdAt"], NOW - 5);
    let future = json!({ "value": "new", "createdAt": now + 1 });
    assert_eq!(world.post(&path, &future).await.status, 400);
    assert_eq!(
        world.post(&path, &json!({ "secret": true })).await.status,
        400
    );
    assert_eq!(
        world
            .post(&path, &json!({ "value": "x", "score": 5 }))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn only_notes_made_through_the_api_can_be_changed_and_deleted() {
    let world = World::of(40).await;
    let id = text(&world.applied()["id"]);
    let theirs = world.sim.add_note(&id, "by a person").unwrap();
    let notes = format!("/opportunities/{id}/notes");
    let ours = world.post(&notes, &json!({ "value": "by us" })).await;
    let ours = text(&ours.body["data"]["id"]);
    let body = json!({ "values": [{ "value": "changed" }] });
    assert_eq!(
        world.put(&format!("{notes}/{theirs}"), &body).await.status,
        400
    );
    let now = world.pass(LATER);
    let changed = world.put(&format!("{notes}/{ours}"), &body).await;
    assert_eq!(changed.body, json!({ "data": { "noteId": ours } }));
    assert_eq!(world.sim.opportunity(&id).unwrap()["updatedAt"], now);
    let read = world.get(&format!("{notes}/{ours}"), &[]).await;
    assert_eq!(read.body["data"]["fields"][0]["value"], "changed");

    let gone = world
        .request(Method::DELETE, &format!("{notes}/{ours}"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (gone.status().as_u16(), gone.bytes().await.unwrap().len()),
        (204, 0)
    );
    assert!(!world.walk(&notes, &[]).await.contains(&ours));
    let read = world.get(&format!("{notes}/{ours}"), &[]).await;
    assert_eq!(
        (read.status, &read.body["data"]["deletedAt"]),
        (200, &json!(now))
    );
    let again = world
        .request(Method::DELETE, &format!("{notes}/{ours}"))
        .send()
        .await
        .unwrap();
    assert_eq!(again.status().as_u16(), 404);
}

#[tokio::test]
async fn creating_needs_perform_as_and_matches_people_by_e_mail() {
    let world = World::of(40).await;
    let known = world.applied();
    let user = world.sim.active_users()[0].clone();
    let posting = world.walk("/postings", &[("state", "published")]).await[0].clone();
    let body = json!({
        "name": "Somebody Else", "emails": [text(&known["emails"][0]).to_uppercase()],
        "tags": ["Test"], "sources": ["LinkedIn"], "postings": [posting],
    });
    let refused = world.post("/opportunities", &body).await;
    assert_eq!(
        refused.body["message"],
        "Missing required parameter: perform_as"
    );
    let path = format!("/opportunities?perform_as={user}");
    let made = world.post(&path, &body).await;
    let data = &made.body["data"];
    assert_eq!((made.status, &made.body["deduped"]), (201, &json!(true)));
    assert_eq!(
        (&data["contact"], &data["name"]),
        (&known["contact"], &known["name"])
    );
    assert_eq!(
        (&data["stage"], &data["owner"], &data["sourcedBy"]),
        (&json!("lead-new"), &json!(user), &json!(user))
    );
    let posting = world.get(&format!("/postings/{posting}"), &[]).await.body["data"].clone();
    let of = &posting["categories"];
    let tags = json!([
        "Test",
        posting["text"],
        of["department"],
        of["team"],
        of["location"],
        of["commitment"]
    ]);
    assert_eq!(
        (&data["tags"], &data["followers"]),
        (&tags, &posting["followers"])
    );
    assert!(data.get("opportunityLocation").is_none());
    let read = world.sim.opportunity(&text(&data["id"])).unwrap();
    assert_eq!(read["opportunityLocation"], of["location"]);

    let fresh = world
        .post(&path, &json!({ "emails": ["nobody.yet@example.com"] }))
        .await;
    assert_eq!(fresh.body["deduped"], false);
    assert_eq!(fresh.body["data"]["followers"], json!([user]));
    let two = json!({ "postings": [posting["id"], posting["id"]] });
    assert_eq!(world.post(&path, &two).await.status, 400);
    assert_eq!(
        world
            .post(&path, &json!({ "createdAt": NOW + 1 }))
            .await
            .status,
        400
    );
    let old = json!({
        "createdAt": NOW - 50,
        "archived": { "reason": world.sim.archive_reasons()[0]["id"], "archivedAt": NOW - 10 },
    });
    let old = world.post(&path, &old).await.body["data"].clone();
    assert_eq!(
        (&old["createdAt"], old["archived"].is_object()),
        (&json!(NOW - 50), true)
    );
}

#[tokio::test]
async fn unknown_ids_are_refused_in_the_path_and_in_the_body() {
    let world = World::of(40).await;
    let id = text(&world.applied()["id"]);
    let missing = world
        .put("/opportunities/nope/stage", &json!({ "stage": "offer" }))
        .await;
    let message =
        json!({ "code": "ResourceNotFound", "message": "opportunities nope was not found" });
    assert_eq!((missing.status, missing.body), (404, message));
    let stage = format!("/opportunities/{id}/stage");
    assert_eq!(
        world.put(&stage, &json!({ "stage": "nope" })).await.status,
        400
    );
    assert_eq!(world.put(&stage, &json!({})).await.status, 400);
    assert_eq!(world.put(&stage, &json!([])).await.status, 400);
    assert_eq!(
        world
            .put(&stage, &json!({ "stage": "offer", "stag": 1 }))
            .await
            .status,
        400
    );
    let archived = format!("/opportunities/{id}/archived");
    assert_eq!(
        world
            .put(&archived, &json!({ "reason": "nope" }))
            .await
            .status,
        400
    );
    assert_eq!(world.put(&archived, &json!({})).await.status, 400);
    let users = world.get("/users", &[("includeDeactivated", "true")]).await;
    let gone = users.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| !it["deactivatedAt"].is_null())
        .unwrap();
    for user in ["nope", gone["id"].as_str().unwrap()] {
        let path = format!("{stage}?perform_as={user}");
        assert_eq!(
            world.put(&path, &json!({ "stage": "offer" })).await.status,
            400
        );
    }
    assert!(world.sim.audit().iter().all(|entry| !entry.effect));
}
