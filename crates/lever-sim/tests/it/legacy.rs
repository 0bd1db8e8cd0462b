//! The deprecated candidate side answers like the opportunity side.

use lever_sim::{Config, Key};
use serde_json::{Value, json};

use crate::support::{World, config, read, text};

#[tokio::test]
async fn both_sides_read_the_same() {
    let world = World::of(200).await;
    let it = world.applied();
    let id = text(&it["id"]);
    for rest in [
        "",
        "/notes",
        "/offers",
        "/panels",
        "/interviews",
        "/feedback",
        "/forms",
        "/referrals",
        "/applications",
    ] {
        let new = world.get(&format!("/opportunities/{id}{rest}"), &[]).await;
        let old = world.get(&format!("/candidates/{id}{rest}"), &[]).await;
        assert_eq!((new.status, &new), (200, &old), "{rest}");
    }
    let new = world.walk("/opportunities", &[("limit", "60")]).await;
    assert_eq!(new, world.walk("/candidates", &[("limit", "60")]).await);
}

#[tokio::test]
async fn both_sides_write_the_same_records() {
    let world = World::of(40).await;
    let (id, user) = (text(&world.applied()["id"]), world.user());
    let path = format!("/candidates/{id}");
    assert_eq!(
        world
            .put(&format!("{path}/stage"), &json!({ "stage": "offer" }))
            .await
            .status,
        200
    );
    world
        .post(&format!("{path}/addTags"), &json!({ "tags": ["old-side"] }))
        .await;
    let note = world
        .made(&format!("{path}/notes"), &json!({ "value": "hello" }))
        .await;
    let after = world.sim.opportunity(&id).unwrap();
    assert_eq!(after["stage"], "offer");
    assert!(
        after["tags"]
            .as_array()
            .unwrap()
            .contains(&json!("old-side"))
    );
    let one = format!("/opportunities/{id}/notes/{}", text(&note["id"]));
    assert_eq!(world.get(&one, &[]).await.status, 200);
    let made = world
        .post(
            &format!("/candidates?perform_as={user}"),
            &json!({ "name": "A B" }),
        )
        .await;
    assert_eq!(made.status, 201);
    let operations = world.sim.audit();
    assert_eq!(
        operations[0].operation.as_deref(),
        Some("updateCandidateStage")
    );
}

#[tokio::test]
async fn each_side_has_permissions_of_its_own() {
    let keys = vec![Key::only("old", ["find all candidates"])];
    let world = World::with(Config { keys, ..config(5) }).await;
    for (path, status) in [("/candidates", 200), ("/opportunities", 403)] {
        let url = format!("{}{path}", world.sim.base_url());
        let answer = world
            .http
            .get(url)
            .basic_auth("old", Some(""))
            .send()
            .await
            .unwrap();
        assert_eq!(read(answer).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn added_postings_become_the_application_and_further_opportunities() {
    let world = World::of(60).await;
    let lead = world.find(|it| it["applications"] == json!([]) && it["isAnonymized"] == false);
    let (id, user) = (text(&lead["id"]), world.user());
    let postings = world.walk("/postings", &[("state", "published")]).await;
    let path = format!("/candidates/{id}/addPostings?perform_as={user}");
    let given = json!({ "postings": [postings[0], postings[1]] });
    let siblings = || {
        let all = world.sim.opportunities();
        all.iter()
            .filter(|it| it["contact"] == lead["contact"])
            .count()
    };
    let before = siblings();
    assert_eq!(
        world
            .post(&format!("/candidates/{id}/addPostings"), &given)
            .await
            .status,
        400
    );
    assert_eq!(
        world
            .post(&path, &json!({ "postings": ["nope"] }))
            .await
            .status,
        400
    );
    let changed = world.post(&path, &given).await;
    assert_eq!(
        (changed.status, &changed.body["data"]["id"]),
        (200, &json!(id))
    );
    let application = &world.sim.children(&id, "applications")[0];
    assert_eq!(
        (&application["posting"], &application["user"]),
        (&json!(postings[0]), &json!(user))
    );
    assert_eq!(siblings(), before + 1);
    let again = world
        .post(&path, &json!({ "postings": [postings[0]] }))
        .await;
    assert_eq!((again.status, siblings()), (200, before + 2));
    assert_eq!(world.sim.children(&id, "applications").len(), 1);
    assert_ne!(
        Value::Null,
        world.sim.opportunity(&id).unwrap()["opportunityLocation"]
    );
}
