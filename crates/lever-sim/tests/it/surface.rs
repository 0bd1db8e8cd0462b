//! The control surface, and the acts of people in Lever.

use lever_sim::{Applicant, Config, DEFAULT_KEY, ErrorKind, Sim};
use serde_json::{Value, json};

use crate::support::{Reply, World, read, text};

async fn post(world: &World, path: &str, body: &Value) -> Reply {
    let url = format!("http://{}{path}", world.sim.address());
    read(world.http.post(url).json(body).send().await.unwrap()).await
}

async fn get(world: &World, path: &str) -> Value {
    let url = format!("http://{}{path}", world.sim.address());
    read(world.http.get(url).send().await.unwrap()).await.body
}

#[tokio::test]
async fn the_control_surface_acts_like_a_person_in_lever() {
    let world = World::of(40).await;
    assert_eq!(get(&world, "/sim/key").await, json!({ "key": DEFAULT_KEY }));
    let made = post(
        &world,
        "/sim/applicants",
        &json!({ "name": "Ada Blackwater", "email": "ada@example.com" }),
    )
    .await;
    let id = text(&made.body["id"]);
    let path = format!("/sim/opportunities/{id}");
    let reason = &world.sim.archive_reasons()[0]["id"];
    assert_eq!(
        post(
            &world,
            &format!("{path}/stage"),
            &json!({ "stage": "offer" })
        )
        .await
        .status,
        204
    );
    assert_eq!(
        post(
            &world,
            &format!("{path}/archive"),
            &json!({ "reason": reason })
        )
        .await
        .status,
        204
    );
    assert_eq!(
        post(&world, &format!("{path}/snooze"), &json!({ "until": 5 }))
            .await
            .status,
        204
    );
    let shown = get(&world, &path).await;
    assert_eq!(shown["opportunity"]["stage"], "offer");
    assert_eq!(shown["opportunity"]["archived"]["reason"], *reason);
    assert_eq!(shown["opportunity"]["snoozedUntil"], 5);
    assert_eq!(shown["applications"][0]["email"], "ada@example.com");
    assert_eq!(
        post(&world, &format!("{path}/delete"), &json!({}))
            .await
            .status,
        204
    );
    assert_eq!(
        post(&world, &format!("{path}/delete"), &json!({}))
            .await
            .status,
        404
    );
    assert_eq!(
        post(&world, &format!("{path}/stage"), &json!({ "stag": 1 }))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn faults_are_set_and_ended_over_http() {
    let world = World::of(1).await;
    let plan =
        json!({"rules": [{"operation": "listStages", "action": {"server_error_before": 503}}]});
    assert_eq!(post(&world, "/sim/faults", &plan).await.status, 204);
    assert_eq!(world.get("/stages", &[]).await.status, 503);
    assert_eq!(world.get("/tags", &[]).await.status, 200);
    let url = format!("http://{}/sim/faults", world.sim.address());
    assert_eq!(
        world
            .http
            .delete(url)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16(),
        204
    );
    assert_eq!(world.get("/stages", &[]).await.status, 200);
    assert_eq!(
        post(&world, "/sim/faults", &json!({ "rules": [{}] }))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn records_are_garbled_and_mended_over_http() {
    let world = World::of(1).await;
    let list = world.get("/stages", &[]).await.body;
    let id = text(&list["data"][0]["id"]);
    let ids = json!({ "ids": [id] });
    assert_eq!(post(&world, "/sim/garbled", &ids).await.status, 204);
    let garbled = world.get("/stages", &[]).await.body;
    assert!(garbled["data"][0]["createdAt"].is_object());
    assert_eq!(garbled["data"][1], list["data"][1]);
    let nothing = json!({ "ids": [] });
    assert_eq!(post(&world, "/sim/garbled", &nothing).await.status, 204);
    assert_eq!(world.get("/stages", &[]).await.body, list);
    let odd = json!({ "id": id });
    assert_eq!(post(&world, "/sim/garbled", &odd).await.status, 400);
}

#[tokio::test]
async fn the_audit_log_tells_what_arrived() {
    let world = World::of(40).await;
    let id = text(&world.applied()["id"]);
    world.get("/tags", &[("limit", "3")]).await;
    world
        .post(
            &format!("/opportunities/{id}/addTags"),
            &json!({ "tags": ["x"] }),
        )
        .await;
    let entries = get(&world, "/sim/audit?after=1").await["entries"].clone();
    let expected = json!([{
        "sequence": 2, "at_ms": crate::support::NOW, "method": "POST",
        "path": format!("/v1/opportunities/{id}/addTags"), "query": [], "key_last4": "0001",
        "operation": "addOpportunityTags", "status": 200, "effect": true, "body": { "tags": ["x"] },
    }]);
    assert_eq!(entries, expected);
    let first = &world.sim.audit()[0];
    assert_eq!(first.query, [("limit".to_owned(), "3".to_owned())]);
    assert_eq!((first.effect, first.body.is_none()), (false, true));
}

#[tokio::test]
async fn a_new_applicant_sits_where_real_ones_do() {
    let world = World::of(10).await;
    let id = world.sim.add_applicant(Applicant::default());
    let it = world.sim.opportunity(&id).unwrap();
    assert_eq!(
        (&it["stage"], &it["origin"], &it["sources"]),
        (
            &json!("applicant-new"),
            &json!("applied"),
            &json!(["Job site"])
        )
    );
    assert_eq!(
        (&it["sourcedBy"], &it["stageChanges"][0].get("userId")),
        (&Value::Null, &None)
    );
    assert!(it["opportunityLocation"].is_string() && it["owner"].is_string());
    let newest = world
        .walk("/opportunities", &[("stage_id", "applicant-new")])
        .await;
    assert_eq!(newest[0], id);
}

#[tokio::test]
async fn deleted_opportunities_are_gone_and_listed_as_deleted() {
    let world = World::of(40).await;
    let id = text(&world.applied()["id"]);
    let now = world.pass(5);
    world.sim.delete(&id).unwrap();
    assert_eq!(
        world.get(&format!("/opportunities/{id}"), &[]).await.status,
        404
    );
    let now_text = now.to_string();
    let bounds = [
        ("deleted_at_start", now_text.as_str()),
        ("deleted_at_end", now_text.as_str()),
    ];
    let listed = world.get("/opportunities/deleted", &bounds).await.body;
    assert_eq!(
        (&listed["data"][0]["id"], &listed["data"][0]["deletedAt"]),
        (&json!(id), &json!(now))
    );
    let none = world
        .get("/opportunities/deleted", &[("deleted_at_end", "5")])
        .await
        .body;
    assert_eq!(none, json!({ "data": [], "hasNext": false }));
}

#[tokio::test]
async fn acts_on_unknown_records_and_used_addresses_are_errors() {
    let world = World::of(1).await;
    let error = world.sim.move_stage("nope", "offer").unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::NotFound {
            what: "opportunity",
            id: "nope".into()
        }
    );
    let config = Config {
        listen: world.sim.address(),
        ..Config::default()
    };
    let error = Sim::start(config).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Listen(world.sim.address()));
}

#[tokio::test]
async fn a_key_can_be_made_and_narrowed_while_the_simulator_runs() {
    let world = World::of(5).await;
    let users = |key: &'static str| {
        let request = world.http.get(format!("{}/users", world.sim.base_url()));
        async move { read(request.basic_auth(key, Some("")).send().await.unwrap()).await }
    };
    assert_eq!(users("second").await.status, 401);
    let key = json!({ "secret": "second" });
    assert_eq!(post(&world, "/sim/keys", &key).await.status, 204);
    assert_eq!(users("second").await.status, 200);
    let narrowed = json!({ "secret": "second", "without": ["find all users"] });
    assert_eq!(post(&world, "/sim/keys", &narrowed).await.status, 204);
    assert_eq!(users("second").await.status, 403);
    assert_eq!(users(DEFAULT_KEY).await.status, 200);
    for field in ["only", "without"] {
        let unknown = json!({ "secret": "second", field: ["find all users", "fly"] });
        let refused = post(&world, "/sim/keys", &unknown).await;
        assert_eq!(refused.status, 400);
        assert_eq!(
            refused.body["message"],
            format!("{field}: Lever has no permission \"fly\"")
        );
    }
}
