//! Changing and anonymizing people.

use lever_sim::{Act, Children, Config};
use serde_json::{Value, json};

use crate::support::{World, config, text};

#[tokio::test]
async fn a_contact_changes_on_all_its_opportunities() {
    let world = World::of(200).await;
    let all = world.sim.opportunities();
    let siblings = |it: &Value| {
        all.iter()
            .filter(|other| other["contact"] == it["contact"])
            .count()
    };
    let before = world.find(|it| siblings(it) > 1 && it["emails"][0].is_string());
    let path = format!("/contacts/{}", text(&before["contact"]));
    let now = world.pass(60_000);
    let body =
        json!({ "headline": "Elsewhere", "location": "Athens", "emails": ["new@example.com"] });
    let changed = world.put(&path, &body).await;
    assert_eq!(
        (
            &changed.body["data"]["location"],
            &changed.body["data"]["name"]
        ),
        (&json!({ "name": "Athens" }), &before["name"])
    );
    let after: Vec<Value> = world.sim.opportunities();
    for it in after.iter().filter(|it| it["contact"] == before["contact"]) {
        assert_eq!(
            (&it["headline"], &it["location"]),
            (&json!("Elsewhere"), &json!("Athens"))
        );
        assert_eq!(
            (&it["updatedAt"], &it["lastAdvancedAt"].is_i64()),
            (&json!(now), &true)
        );
    }
    // The old address no longer leads to the contact.
    let old = json!({ "emails": [before["emails"][0]] });
    let made = world
        .post(&format!("/opportunities?perform_as={}", world.user()), &old)
        .await;
    assert_ne!(made.body["data"]["contact"], before["contact"]);
    assert_eq!(
        world.put(&path, &json!({ "phones": "none" })).await.status,
        400
    );
    assert_eq!(world.put("/contacts/nope", &json!({})).await.status, 404);
    let gone = Act::Anonymize {
        contact: text(&before["contact"]),
    };
    world.sim.act(gone).unwrap();
    assert_eq!(
        world.put(&path, &json!({ "name": "Back" })).await.status,
        400
    );
}

#[tokio::test]
async fn an_anonymized_person_leaves_only_metadata() {
    let world = World::with(Config {
        children: Children::Full,
        ..config(300)
    })
    .await;
    let has = |it: &Value, kind| !world.sim.children(&text(&it["id"]), kind).is_empty();
    let before = world.find(|it| {
        it["emails"][0].is_string()
            && ["notes", "feedback", "forms", "panels"]
                .iter()
                .all(|kind| has(it, kind))
    });
    let id = text(&before["id"]);
    let now = world.pass(60_000);
    world
        .sim
        .act(Act::Anonymize {
            contact: text(&before["contact"]),
        })
        .unwrap();
    let after = world.sim.opportunity(&id).unwrap();
    assert_eq!(
        (&after["isAnonymized"], &after["name"], &after["emails"]),
        (&json!(true), &json!(""), &json!([]))
    );
    assert_eq!(
        (&after["stage"], &after["tags"], &after["updatedAt"]),
        (&before["stage"], &before["tags"], &json!(now))
    );
    assert!(world.sim.children(&id, "notes").is_empty());
    for kind in ["feedback", "forms"] {
        for form in world.sim.children(&id, kind) {
            let mut fields = form["fields"].as_array().unwrap().iter();
            assert!(fields.all(|field| field["value"].is_null()), "{form}");
        }
    }
    let list = world
        .get(&format!("/opportunities/{id}/offers"), &[])
        .await
        .body["data"]
        .to_string();
    assert!(!list.contains(before["name"].as_str().unwrap()));
    let user = world.user();
    let again = world
        .post(
            &format!("/opportunities?perform_as={user}"),
            &json!({ "emails": before["emails"] }),
        )
        .await;
    assert_ne!(again.body["data"]["contact"], before["contact"]);
}
