//! Creating and changing postings.

use lever_sim::Act;
use serde_json::{Value, json};

use crate::support::{World, ids, text};

async fn open(world: &World) -> Value {
    let all = world.get("/postings", &[("state", "published")]).await;
    all.body["data"][0].clone()
}

#[tokio::test]
async fn a_new_posting_is_a_draft_of_the_acting_user() {
    let world = World::of(0).await;
    let user = world.user();
    let path = format!("/postings?perform_as={user}");
    let body = json!({
        "text": "Gardener", "categories": { "team": "Grounds", "location": "Athens" },
        "content": { "descriptionHtml": "<div>Grow <b>things</b></div>", "closingPostingHtml": "Bye" },
        "salaryRange": { "min": 1, "max": 2, "currency": "EUR", "interval": "per-hour-wage" },
    });
    assert_eq!(
        world.post("/postings", &body).await.body["message"],
        "Missing required parameter: perform_as"
    );
    let made = world.made(&path, &body).await;
    assert_eq!(
        (
            &made["state"],
            &made["owner"],
            &made["urls"],
            &made["distributionChannels"]
        ),
        (&json!("draft"), &json!(user), &Value::Null, &Value::Null)
    );
    assert_eq!(made["content"]["description"], "Grow things\n");
    assert_eq!(made["content"]["closingHtml"], "Bye");
    assert_eq!(made["categories"]["allLocations"], json!(["Athens"]));
    assert_eq!(made["salaryRange"]["interval"], "per-hour-wage");
    let listed = world.walk("/postings", &[]).await;
    assert_eq!(listed[0], text(&made["id"]), "newest first");
    for refused in [
        json!({}),
        json!({ "text": "" }),
        json!({ "text": "x", "state": "pending" }),
        json!({ "text": "x", "owner": "nope" }),
        json!({ "text": "x", "content": { "descriptionHtml": "<script>x</script>" } }),
        json!({ "text": "x", "content": { "lists": [{ "text": "l", "content": "<div>x</div>" }] } }),
        json!({ "text": "x", "salaryRange": { "min": 1, "max": 2, "currency": "EUR" } }),
        json!({ "text": "x", "requisitionCodes": ["nope"] }),
        json!({ "text": "x", "closingHtml": "read name" }),
    ] {
        assert_eq!(world.post(&path, &refused).await.status, 400, "{refused}");
    }
}

#[tokio::test]
async fn an_update_without_a_state_makes_a_draft_and_a_title_is_a_tag() {
    let world = World::of(200).await;
    let before = open(&world).await;
    let path = format!(
        "/postings/{}?perform_as={}",
        text(&before["id"]),
        world.user()
    );
    let tagged = |title: &Value| {
        let all = world.sim.opportunities();
        let of = |it: &&Value| it["tags"].as_array().unwrap().contains(title);
        all.iter().filter(of).count()
    };
    let count = tagged(&before["text"]);
    let now = world.pass(60_000);
    let changed = world.post(&path, &json!({ "text": "Renamed" })).await.body["data"].clone();
    assert_eq!(
        (&changed["state"], &changed["updatedAt"]),
        (&json!("draft"), &json!(now))
    );
    assert_eq!(changed["categories"]["allLocations"], json!([]));
    assert_eq!(
        changed["categories"]["location"],
        before["categories"]["location"]
    );
    assert!(count > 0);
    assert_eq!(
        (tagged(&before["text"]), tagged(&json!("Renamed"))),
        (0, count)
    );

    let kept = json!({ "state": "published", "categories": { "location": "Oslo" } });
    let changed = world.post(&path, &kept).await.body["data"].clone();
    assert_eq!(
        (&changed["state"], &changed["text"]),
        (&json!("published"), &json!("Renamed"))
    );
    assert_eq!(changed["categories"]["allLocations"], json!(["Oslo"]));
    let back = json!({ "state": "published", "workplaceType": "unspecified" });
    assert_eq!(world.post(&path, &back).await.status, 400);
}

#[tokio::test]
async fn confidential_postings_cannot_be_changed_through_the_api() {
    let world = World::of(0).await;
    let hidden = world
        .get("/postings", &[("confidentiality", "confidential")])
        .await;
    let path = format!(
        "/postings/{}?perform_as={}",
        text(&hidden.body["data"][0]["id"]),
        world.user()
    );
    assert_eq!(world.post(&path, &json!({ "text": "x" })).await.status, 403);
    let unknown = format!("/postings/nope?perform_as={}", world.user());
    assert_eq!(
        world.post(&unknown, &json!({ "text": "x" })).await.status,
        404
    );
}

#[tokio::test]
async fn postings_show_the_codes_of_their_requisitions_and_link_them() {
    let world = World::of(0).await;
    let posting = open(&world).await;
    let code = text(&posting["requisitionCodes"][0]);
    let requisition = world
        .get("/requisitions", &[("requisition_code", &code)])
        .await;
    assert_eq!(
        requisition.body["data"][0]["postings"],
        json!([posting["id"]])
    );
    let path = format!(
        "/postings/{}?perform_as={}",
        text(&posting["id"]),
        world.user()
    );
    let unlinked = world.post(&path, &json!({ "requisitionCodes": [] })).await;
    assert_eq!(unlinked.body["data"]["requisitionCodes"], json!([]));
    let linked = world
        .post(&path, &json!({ "requisitionCodes": [code] }))
        .await;
    assert_eq!(linked.body["data"]["requisitionCodes"], json!([code]));
}

#[tokio::test]
async fn a_list_can_be_grouped_and_filtered_by_tags() {
    let world = World::of(0).await;
    let grouped = world.get("/postings", &[("group", "team")]).await.body["data"].clone();
    let all = world.walk("/postings", &[]).await.len();
    let groups = grouped.as_array().unwrap();
    let sizes = groups
        .iter()
        .map(|it| it["postings"].as_array().unwrap().len());
    assert_eq!(sizes.sum::<usize>(), all);
    assert!(
        groups
            .iter()
            .all(|it| it["postings"][0]["categories"]["team"] == it["title"])
    );
    assert_eq!(
        world.get("/postings", &[("group", "owner")]).await.status,
        400
    );
    let path = format!("/postings?perform_as={}", world.user());
    let made = world
        .made(&path, &json!({ "text": "Gardener", "tags": ["green"] }))
        .await;
    let found = world.get("/postings", &[("tag", "green")]).await;
    assert_eq!(
        ids(found.body["data"].as_array().unwrap()),
        [text(&made["id"])]
    );
}

#[tokio::test]
async fn a_deleted_posting_is_gone_and_listed_as_deleted() {
    let world = World::of(0).await;
    let id = text(&open(&world).await["id"]);
    let now = world.pass(5);
    world
        .sim
        .act(Act::DeletePosting {
            posting: id.clone(),
        })
        .unwrap();
    assert_eq!(world.get(&format!("/postings/{id}"), &[]).await.status, 404);
    let (start, end) = (now.to_string(), (now + 1).to_string());
    let bounds = [
        ("deleted_at_start", start.as_str()),
        ("deleted_at_end", end.as_str()),
    ];
    let deleted = world.get("/postings/deleted", &bounds).await;
    assert_eq!(
        deleted.body["data"],
        json!([{ "id": id, "deletedAt": now }])
    );
}
