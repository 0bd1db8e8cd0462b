//! Lists of children: how many there are, in what order, and who may see them.

use lever_sim::{Act, Applicant, Children, Config, DEFAULT_KEY, FileActionKind, Key};
use serde_json::{Value, json};

use crate::support::{NOW, World, config, read, text};

const KINDS: [&str; 5] = ["offers", "panels", "feedback", "forms", "referrals"];

async fn at(level: Children) -> World {
    World::with(Config {
        children: level,
        ..config(120)
    })
    .await
}

/// How many in a hundred opportunities have a child of each kind.
fn shares(world: &World) -> Vec<usize> {
    let ids: Vec<String> = world
        .sim
        .opportunities()
        .iter()
        .map(|it| text(&it["id"]))
        .collect();
    let having = |kind| {
        ids.iter()
            .filter(|id| !world.sim.children(id, kind).is_empty())
            .count()
    };
    KINDS
        .iter()
        .map(|kind| having(kind) * 100 / ids.len())
        .collect()
}

#[tokio::test]
async fn children_are_none_few_or_many() {
    assert_eq!(shares(&at(Children::None).await), [0; 5]);
    let (light, full) = (
        shares(&at(Children::Light).await),
        shares(&at(Children::Full).await),
    );
    assert!(
        light.iter().all(|share| (1..30).contains(share)),
        "{light:?}"
    );
    let grown = |nth: usize| full[nth] > 2 * light[nth];
    assert!(grown(1) && grown(2) && grown(3), "{full:?} {light:?}");
}

#[tokio::test]
async fn children_are_the_same_whenever_they_are_first_looked_at() {
    let (one, two) = (at(Children::Full).await, at(Children::Full).await);
    let ids: Vec<String> = one
        .sim
        .opportunities()
        .iter()
        .map(|it| text(&it["id"]))
        .collect();
    two.pass(60_000);
    for id in ids.iter().rev() {
        two.sim.move_stage(id, "offer").unwrap();
        two.sim.children(id, "feedback");
    }
    for id in &ids {
        for kind in ["panels", "feedback", "forms"] {
            assert_eq!(
                one.sim.children(id, kind),
                two.sim.children(id, kind),
                "{id} {kind}"
            );
        }
    }
}

#[tokio::test]
async fn looking_is_not_a_change() {
    let world = at(Children::Full).await;
    let id = text(&world.applied()["id"]);
    for kind in KINDS {
        world.get(&format!("/opportunities/{id}/{kind}"), &[]).await;
    }
    assert!(world.sim.audit().iter().all(|entry| !entry.effect));
}

#[tokio::test]
async fn children_are_listed_newest_first_over_all_pages() {
    let world = World::of(20).await;
    let (id, user) = (text(&world.applied()["id"]), world.user());
    let feedback = format!("/opportunities/{id}/feedback");
    let notes = format!("/opportunities/{id}/notes");
    for _ in 0..105 {
        world.pass(1);
        let body = json!({ "baseTemplateId": "no-feedback" });
        world
            .made(&format!("{feedback}?perform_as={user}"), &body)
            .await;
        world.made(&notes, &json!({ "value": "x" })).await;
    }
    for path in [&feedback, &notes] {
        let walked = world.walk(path, &[]).await;
        assert!(walked.len() >= 105);
        let first = world.get(path, &[]).await.body;
        assert_eq!(
            (first["data"].as_array().unwrap().len(), &first["hasNext"]),
            (100, &json!(true))
        );
        assert_eq!(walked, world.walk(path, &[("limit", "9")]).await);
        let made = |it: &Value| it["createdAt"].as_i64().unwrap();
        let stamps: Vec<i64> = first["data"].as_array().unwrap().iter().map(made).collect();
        assert!(stamps.iter().rev().is_sorted());
    }
    assert_eq!(
        world.get(&feedback, &[("expand", "panel")]).await.status,
        400
    );
    assert_eq!(
        world.get("/opportunities/nope/feedback", &[]).await.status,
        404
    );
}

#[tokio::test]
async fn the_children_of_a_confidential_opportunity_are_confidential() {
    let plain = Key {
        confidential: false,
        ..Key::all("plain")
    };
    let keys = vec![Key::all(DEFAULT_KEY), plain];
    let world = World::with(Config {
        keys,
        ..config(300)
    })
    .await;
    let id = text(&world.find(|it| it["confidentiality"] == "confidential")["id"]);
    for kind in KINDS.into_iter().chain(["interviews", "file_actions"]) {
        let path = format!("/opportunities/{id}/{kind}");
        let url = format!("{}{path}", world.sim.base_url());
        let answer = world
            .http
            .get(url)
            .basic_auth("plain", Some(""))
            .send()
            .await
            .unwrap();
        assert_eq!(read(answer).await.status, 403, "{kind}");
        assert_eq!(world.get(&path, &[]).await.status, 200, "{kind}");
    }
}

#[tokio::test]
async fn file_actions_are_logged_and_read_up_to_an_exclusive_end() {
    let world = World::of(20).await;
    // Somebody without seeded files.
    let id = world.sim.add_applicant(Applicant::default());
    for action in [
        FileActionKind::Added,
        FileActionKind::Imported,
        FileActionKind::Removed,
    ] {
        world.pass(10);
        let user = Some(world.user());
        let act = Act::LogFileAction {
            opportunity: id.clone(),
            action,
            user,
        };
        world.sim.act(act).unwrap();
    }
    let kinds = async |query: &[(&str, &str)]| {
        let answer = world
            .get(&format!("/opportunities/{id}/file_actions"), query)
            .await;
        let items = answer.body["data"].as_array().unwrap().clone();
        items.iter().map(|it| text(&it["type"])).collect::<Vec<_>>()
    };
    assert_eq!(
        kinds(&[]).await,
        ["file-remove", "resume-imported", "file-added"]
    );
    let (start, end) = ((NOW + 10).to_string(), (NOW + 20).to_string());
    let bounds = [
        ("occurred_at_start", start.as_str()),
        ("occurred_at_end", end.as_str()),
    ];
    assert_eq!(kinds(&bounds).await, ["file-added"]);
}

#[tokio::test]
async fn a_referral_is_its_own_list_and_part_of_the_application() {
    let world = World::of(300).await;
    let has = |it: &Value| !world.sim.children(&text(&it["id"]), "referrals").is_empty();
    let id = text(&world.find(|it| it["origin"] == "referred" && has(it))["id"]);
    let path = format!("/opportunities/{id}/referrals");
    let listed = world.get(&path, &[("expand", "referrer")]).await.body["data"][0].clone();
    assert!(listed["referrer"]["email"].is_string());
    let plain = world.get(&path, &[]).await.body["data"][0].clone();
    assert_eq!(
        world.sim.children(&id, "applications")[0]["customQuestions"][0],
        plain
    );
    assert_eq!(world.get(&format!("{path}/nope"), &[]).await.status, 404);
}
