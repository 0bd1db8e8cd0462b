//! Requisitions, their custom fields, and hiring against them.

use lever_sim::Act;
use serde_json::{Value, json};

use crate::support::{World, text};

fn body(code: &str) -> Value {
    json!({ "requisitionCode": code, "name": "Gardener", "headcountTotal": 2 })
}

#[tokio::test]
async fn requisitions_come_by_id_descending_and_can_be_narrowed() {
    let world = World::of(0).await;
    let all = world
        .walk(
            "/requisitions",
            &[("limit", "5"), ("confidentiality", "all")],
        )
        .await;
    assert!(all.len() > 20 && all.iter().rev().is_sorted());
    let shown = world.walk("/requisitions", &[]).await;
    let hidden = world
        .walk("/requisitions", &[("confidentiality", "confidential")])
        .await;
    assert_eq!((hidden.len(), shown.len()), (1, all.len() - 1));
    let closed = world
        .get("/requisitions", &[("status", "closed")])
        .await
        .body["data"]
        .clone();
    let closed = closed.as_array().unwrap();
    assert!(
        !closed.is_empty()
            && closed
                .iter()
                .all(|it| it["status"] == "closed" && it["closedAt"].is_i64())
    );
    let first = &world
        .get(
            "/requisitions",
            &[("expand", "owner"), ("expand", "postings")],
        )
        .await
        .body["data"];
    let posted = first
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["postings"] != json!([]))
        .unwrap();
    assert!(posted["owner"]["email"].is_string() && posted["postings"][0]["text"].is_string());
    assert_eq!(
        world
            .get("/requisitions", &[("status", "gone")])
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn creator_and_owner_are_the_acting_user_or_nobody() {
    let world = World::of(0).await;
    let nobody = world.made("/requisitions", &body("R-1")).await;
    assert_eq!(
        (&nobody["creatorUserId"], &nobody["ownerUserId"]),
        (&Value::Null, &Value::Null)
    );
    let user = world.user();
    let made = world
        .made(&format!("/requisitions?perform_as={user}"), &body("R-2"))
        .await;
    let read = world
        .get(&format!("/requisitions/{}", text(&made["id"])), &[])
        .await
        .body["data"]
        .clone();
    assert_eq!(
        (&read["creator"], &read["owner"]),
        (&json!(user), &json!(user))
    );
    assert_eq!(read["status"], "open");
    assert_eq!(
        world.post("/requisitions", &body("R-2")).await.status,
        400,
        "the code is taken"
    );
}

#[tokio::test]
async fn an_update_replaces_everything_but_the_linked_postings() {
    let world = World::of(0).await;
    let posting = world.walk("/postings", &[]).await[0].clone();
    let mut given = body("R-1");
    given["status"] = json!("draft");
    given["team"] = json!("Grounds");
    given["postingIds"] = json!([posting]);
    let made = world.made("/requisitions", &given).await;
    let path = format!("/requisitions/{}", text(&made["id"]));
    let now = world.pass(60_000);
    let mut given = body("R-1");
    given["headcountTotal"] = json!("unlimited");
    let changed = world.put(&path, &given).await.body["data"].clone();
    assert_eq!(changed.get("team"), None);
    assert_eq!(
        (&changed["postingIds"], &changed["updatedAt"]),
        (&json!([posting]), &json!(now))
    );
    assert_eq!(
        (&changed["headcountInfinite"], &changed["headcountTotal"]),
        (&json!(true), &json!("unlimited"))
    );
    let states = changed["stateHistory"].as_array().unwrap().iter();
    assert_eq!(
        states.map(|it| text(&it["status"])).collect::<Vec<_>>(),
        ["draft", "open"]
    );
    given["postingIds"] = json!([]);
    assert_eq!(
        world.put(&path, &given).await.body["data"]["postingIds"],
        json!([])
    );
    given["status"] = json!("draft");
    assert_eq!(
        world.put(&path, &given).await.status,
        400,
        "nothing becomes a draft again"
    );
    assert_eq!(world.delete(&path).await.status, 204);
    assert_eq!(world.get(&path, &[]).await.status, 404);
}

#[tokio::test]
async fn custom_fields_are_checked_and_outlive_their_field() {
    let world = World::of(0).await;
    let with = |fields: Value| {
        let mut body = body("R-1");
        body["customFields"] = fields;
        body
    };
    for refused in [
        json!({ "unknown": 1 }),
        json!({ "budget_number": "many" }),
        json!({ "work_type": "free" }),
        json!({ "cost_center": { "city": 1 } }),
        json!({ "cost_center": { "street": "x" } }),
        json!({ "target_hire_date": "tomorrow" }),
    ] {
        assert_eq!(
            world
                .post("/requisitions", &with(refused.clone()))
                .await
                .status,
            400,
            "{refused}"
        );
    }
    let fields =
        json!({ "budget_number": 7, "cost_center": { "city": "Oslo" }, "work_type": "hourly" });
    let made = world.made("/requisitions", &with(fields.clone())).await;
    let path = format!("/requisitions/{}", text(&made["id"]));
    assert_eq!(
        world
            .delete("/requisition_fields/budget_number")
            .await
            .status,
        204
    );
    assert_eq!(
        world.get(&path, &[]).await.body["data"]["customFields"],
        fields
    );
    assert_eq!(
        world.put(&path, &with(fields)).await.status,
        200,
        "an old value may be kept"
    );
    assert_eq!(
        world
            .put(&path, &with(json!({ "budget_number": 8 })))
            .await
            .status,
        400
    );
    let required = json!({ "id": "grade", "text": "Grade", "type": "number", "isRequired": true });
    world.made("/requisition_fields", &required).await;
    assert_eq!(world.post("/requisitions", &body("R-2")).await.status, 400);
}

#[tokio::test]
async fn a_hire_against_a_requisition_is_counted_and_named() {
    let world = World::of(60).await;
    let it = world.find(|it| {
        it["archived"].is_null()
            && it["applications"][0].is_string()
            && world.sim.children(&text(&it["id"]), "offers").is_empty()
    });
    let id = text(&it["id"]);
    let posting = world.sim.children(&id, "applications")[0]["posting"].clone();
    let reasons = world.sim.archive_reasons();
    let of = |kind: &str| {
        reasons
            .iter()
            .find(|it| it["type"] == kind && it["status"] == "active")
            .unwrap()["id"]
            .clone()
    };
    let mut given = body("R-1");
    given["postingIds"] = json!([posting]);
    let made = world.made("/requisitions", &given).await;
    let path = format!("/opportunities/{id}/archived");
    let hire = |reason: Value, requisition: &Value| json!({ "reason": reason, "requisitionId": requisition });
    assert_eq!(
        world
            .put(&path, &hire(of("non-hired"), &made["id"]))
            .await
            .status,
        400
    );
    assert_eq!(
        world
            .put(&path, &hire(of("hired"), &json!("nope")))
            .await
            .status,
        400
    );
    let offer = world
        .sim
        .act(Act::AddOffer {
            opportunity: id.clone(),
            salary: 1,
        })
        .unwrap()
        .unwrap();
    let requisition = format!("/requisitions/{}", text(&made["id"]));
    let held = async || world.get(&requisition, &[]).await.body["data"]["offerIds"].clone();
    assert_eq!(held().await, json!([offer]));
    let advance = Act::AdvanceOffer {
        opportunity: id.clone(),
        offer,
    };
    world.sim.act(advance.clone()).unwrap();
    let refused = world.put(&path, &hire(of("hired"), &made["id"])).await;
    assert_eq!(refused.status, 400, "an offer was extended and not signed");
    world.sim.act(advance).unwrap();
    assert_eq!(
        world
            .put(&path, &hire(of("hired"), &made["id"]))
            .await
            .status,
        200
    );
    let application = &world.sim.children(&id, "applications")[0];
    assert_eq!(application["requisitionForHire"]["requisitionCode"], "R-1");
    assert_eq!(held().await, json!([]));
    let read = world.get(&requisition, &[]).await;
    assert_eq!(read.body["data"]["headcountHired"], 1);
}
