//! Webhooks, delivered to a receiver that listens.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use hmac::{Hmac, KeyInit, Mac};
use lever_sim::{
    Applicant, Config, DeliveryAction, DeliveryConfig, DeliveryPlan, DeliveryRule, When,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::{NOW, World, config, text};

/// A receiver: the bodies that arrived, and what it answers.
struct Receiver {
    url: String,
    arrived: mpsc::UnboundedReceiver<(HeaderMap, Value)>,
    status: Arc<Mutex<u16>>,
}

type Shared = (mpsc::UnboundedSender<(HeaderMap, Value)>, Arc<Mutex<u16>>);

async fn receive(
    State((arrived, status)): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, [(&'static str, &'static str); 1]) {
    let body = serde_json::from_slice(&body).unwrap();
    let status = *status.lock().unwrap();
    let _ = arrived.send((headers, body));
    (
        StatusCode::from_u16(status).unwrap(),
        [("location", "/elsewhere")],
    )
}

impl Receiver {
    async fn listen() -> Receiver {
        let (sender, arrived) = mpsc::unbounded_channel();
        let status = Arc::new(Mutex::new(200));
        let router = axum::Router::new()
            .fallback(receive)
            .with_state((sender, Arc::clone(&status)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Receiver {
            url,
            arrived,
            status,
        }
    }

    fn answers(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    async fn next(&mut self) -> (HeaderMap, Value) {
        let next = tokio::time::timeout(Duration::from_secs(10), self.arrived.recv());
        next.await.expect("a delivery arrives").unwrap()
    }

    async fn body(&mut self) -> Value {
        self.next().await.1
    }
}

/// Retries come at once.
fn hurried() -> Config {
    Config {
        deliveries: DeliveryConfig {
            retries: vec![Duration::from_millis(1); 5],
            ..DeliveryConfig::default()
        },
        ..config(60)
    }
}

async fn subscribe(world: &World, url: &str, event: &str) -> Value {
    let body = json!({ "url": url, "event": event });
    let made = world.post("/webhooks", &body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.body["data"].clone()
}

fn signature(key: &Value, body: &Value) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_str().unwrap().as_bytes()).unwrap();
    let message = format!("{}{}", body["token"].as_str().unwrap(), body["triggeredAt"]);
    mac.update(message.as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_delivery_is_shaped_and_signed_as_documented() {
    let world = World::with(hurried()).await;
    let mut receiver = Receiver::listen().await;
    let hook = subscribe(&world, &receiver.url, "candidateStageChange").await;
    let before = world.applied();
    let id = text(&before["id"]);
    let now = world.pass(5);
    world.sim.move_stage(&id, "lead-responded").unwrap();
    let (headers, body) = receiver.next().await;
    assert_eq!(headers["user-agent"], "Lever-Webhooks");
    assert_eq!(headers["content-type"], "application/json");
    let key = &hook["configuration"]["signatureToken"];
    assert_eq!(body["token"].as_str().unwrap().len(), 48);
    assert_eq!(body["signature"], json!(signature(key, &body)));
    assert_eq!(
        (&body["event"], &body["triggeredAt"]),
        (&json!("candidateStageChange"), &json!(now))
    );
    let data = json!({
        "opportunityId": id, "candidateId": id, "contactId": before["contact"],
        "toStageId": "lead-responded", "fromStageId": before["stage"],
    });
    assert_eq!(body["data"], data);
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["id", "event", "triggeredAt", "token", "signature", "data"]
    );
}

#[tokio::test]
async fn every_change_tells_its_event_and_a_note_tells_none() {
    let world = World::with(hurried()).await;
    let mut receiver = Receiver::listen().await;
    for event in [
        "applicationCreated",
        "candidateArchiveChange",
        "candidateHired",
        "candidateDeleted",
        "contactCreated",
        "contactUpdated",
    ] {
        subscribe(&world, &receiver.url, event).await;
    }
    // Lines of different webhooks run side by side, so what one act causes may arrive in any order.
    let mut told = async |count: usize| {
        let mut bodies = Vec::new();
        for _ in 0..count {
            bodies.push(receiver.body().await);
        }
        bodies.sort_by_key(|body| text(&body["event"]));
        bodies
    };
    let id = world.sim.add_applicant(Applicant::default());
    let it = world.sim.opportunity(&id).unwrap();
    let applied = told(2).await;
    assert_eq!(applied[0]["event"], "applicationCreated");
    assert_eq!(applied[0]["data"]["applicationId"], it["applications"][0]);
    assert_eq!(applied[0]["data"]["opportunityId"], json!(id));
    assert_eq!(applied[1]["event"], "contactCreated");
    assert_eq!(applied[1]["data"]["contactId"], it["contact"]);

    world.sim.add_note(&id, "hello").unwrap();
    let path = format!("/opportunities/{id}/addLinks");
    let links = json!({ "links": ["https://example.com/x"] });
    assert_eq!(world.post(&path, &links).await.status, 200);
    assert_eq!(told(1).await[0]["event"], "contactUpdated");

    let reasons = world.sim.archive_reasons();
    let hired = reasons.iter().find(|it| it["type"] == "hired").unwrap();
    world.sim.archive(&id, hired["id"].as_str()).unwrap();
    let archived = told(2).await;
    let change = &archived[0]["data"];
    assert_eq!(change["toArchived"]["reason"], hired["id"]);
    assert_eq!(change["fromArchived"], Value::Null);
    assert_eq!(archived[1]["event"], "candidateHired");

    world.sim.archive(&id, None).unwrap();
    let reopened = told(1).await;
    assert_eq!(reopened[0]["data"]["toArchived"], Value::Null);
    assert_eq!(reopened[0]["data"]["fromArchived"]["reason"], hired["id"]);

    world.sim.delete(&id).unwrap();
    let gone = told(1).await;
    assert_eq!(
        (&gone[0]["event"], &gone[0]["data"]["opportunityId"]),
        (&json!("candidateDeleted"), &json!(id))
    );
}

#[tokio::test]
async fn interviews_and_contacts_tell_of_themselves() {
    let world = World::with(hurried()).await;
    let mut receiver = Receiver::listen().await;
    let events = [
        "interviewCreated",
        "interviewUpdated",
        "interviewDeleted",
        "contactUpdated",
    ];
    for event in events {
        subscribe(&world, &receiver.url, event).await;
    }
    let it = world.applied();
    let (id, user) = (text(&it["id"]), world.sim.active_users()[0].clone());
    let at = |path: &str| format!("/opportunities/{id}/{path}?perform_as={user}");
    let interview = json!({ "date": NOW, "duration": 30, "interviewers": [{ "id": user }] });
    let body = json!({ "timezone": "UTC", "interviews": [interview] });
    let panel = world.post(&at("panels"), &body).await.body["data"].clone();
    let interview = text(&panel["interviews"][0]["id"]);
    let expect = async |receiver: &mut Receiver, event: &str, stamp: &str| {
        let body = receiver.body().await;
        let data = json!({
            "opportunityId": id, "candidateId": id, "contactId": it["contact"],
            "interviewId": interview, "panelId": panel["id"], stamp: NOW,
        });
        assert_eq!((&body["event"], &body["data"]), (&json!(event), &data));
    };
    expect(&mut receiver, "interviewCreated", "createdAt").await;
    let path = at(&format!("interviews/{interview}"));
    let changed = json!({ "date": NOW, "duration": 45, "interviewers": [{ "id": user }] });
    assert_eq!(world.put(&path, &changed).await.status, 200);
    expect(&mut receiver, "interviewUpdated", "updatedAt").await;
    assert_eq!(
        world.put(&path, &changed).await.status,
        200,
        "the same again is no event"
    );
    let gone = world.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(gone.status().as_u16(), 204);
    expect(&mut receiver, "interviewDeleted", "deletedAt").await;

    let contact = format!("/contacts/{}", text(&it["contact"]));
    world
        .put(&contact, &json!({ "name": "Robin Fernhollow" }))
        .await;
    let body = receiver.body().await;
    assert_eq!(
        body["data"],
        json!({ "contactId": it["contact"], "updatedAt": NOW })
    );
}

#[tokio::test]
async fn what_is_not_acknowledged_is_tried_five_more_times() {
    for status in [500, 404, 302] {
        let world = World::with(hurried()).await;
        let mut receiver = Receiver::listen().await;
        receiver.answers(status);
        subscribe(&world, &receiver.url, "contactCreated").await;
        world.sim.add_applicant(Applicant::default());
        let first = receiver.body().await;
        for _ in 0..5 {
            assert_eq!(receiver.body().await, first, "the same body every time");
        }
        receiver.answers(200);
        world.sim.add_applicant(Applicant::default());
        assert_ne!(
            receiver.body().await["token"],
            first["token"],
            "no seventh try"
        );
        let tries = history(&world, 7).await;
        let attempts: Vec<u64> = tries
            .iter()
            .map(|it| it["attempt"].as_u64().unwrap())
            .collect();
        assert_eq!(attempts, [1, 2, 3, 4, 5, 6, 1]);
        assert_eq!(
            (&tries[0]["status"], &tries[0]["acknowledged"]),
            (&json!(status), &json!(false))
        );
        assert_eq!(
            (&tries[6]["status"], &tries[6]["acknowledged"]),
            (&json!(200), &json!(true))
        );
    }
}

/// The history, once it has this many entries: an entry is written after the receiver has answered.
async fn history(world: &World, count: usize) -> Vec<Value> {
    let url = format!("http://{}/sim/webhooks", world.sim.address());
    loop {
        let answer = world.http.get(&url).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let entries = answer["deliveries"].as_array().unwrap().clone();
        if entries.len() >= count {
            return entries;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_deleted_webhook_is_not_tried_again() {
    let world = World::with(Config {
        deliveries: DeliveryConfig {
            retries: vec![Duration::from_secs(1); 5],
            ..DeliveryConfig::default()
        },
        ..config(1)
    })
    .await;
    let (mut receiver, mut other) = (Receiver::listen().await, Receiver::listen().await);
    receiver.answers(503);
    let hook = subscribe(&world, &receiver.url, "contactCreated").await;
    world.sim.add_applicant(Applicant::default());
    receiver.next().await;
    let path = format!("/webhooks/{}", text(&hook["id"]));
    let gone = world.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(gone.status().as_u16(), 204);
    // A later retry elsewhere shows that the time of the first one has passed.
    other.answers(503);
    subscribe(&world, &other.url, "contactCreated").await;
    world.sim.add_applicant(Applicant::default());
    other.next().await;
    other.next().await;
    assert!(receiver.arrived.is_empty());
}

#[tokio::test]
async fn origins_limit_what_a_webhook_hears() {
    let world = World::with(hurried()).await;
    let mut receiver = Receiver::listen().await;
    let body = json!({
        "url": receiver.url, "event": "candidateStageChange",
        "configuration": { "conditions": { "origins": ["agency"] } },
    });
    let made = world.post("/webhooks", &body).await.body;
    assert_eq!(
        made["data"]["configuration"]["conditions"]["origins"],
        json!(["agency"])
    );
    let of = |origin: &str| {
        text(&world.find(|it| it["origin"] == origin && it["stage"] != "offer")["id"])
    };
    world.sim.move_stage(&of("applied"), "offer").unwrap();
    let agency = of("agency");
    world.sim.move_stage(&agency, "offer").unwrap();
    assert_eq!(
        receiver.body().await["data"]["opportunityId"],
        json!(agency)
    );
}

#[tokio::test]
async fn webhooks_are_made_listed_changed_and_deleted() {
    let world = World::of(1).await;
    let made = subscribe(&world, "https://example.com/hook", "candidateHired").await;
    let id = text(&made["id"]);
    let token = made["configuration"]["signatureToken"].as_str().unwrap();
    assert_eq!(token.len(), 48);
    assert_eq!(
        made["configuration"]["conditions"]["origins"]
            .as_array()
            .unwrap()
            .len(),
        6
    );
    let listed = world.get("/webhooks", &[]).await.body;
    assert!(listed.get("hasNext").is_none());
    assert!(
        listed["data"][0]["configuration"]
            .get("signatureToken")
            .is_none()
    );

    let now = world.pass(5);
    let change = json!({ "data": [{ "id": id, "url": "https://example.com/other", "event": "contactCreated" }] });
    let changed = world.put("/webhooks", &change).await;
    assert_eq!(changed.status, 200);
    let it = &changed.body["data"][0];
    assert_eq!(
        (&it["url"], &it["event"]),
        (
            &json!("https://example.com/other"),
            &json!("contactCreated")
        )
    );
    assert_eq!(
        (&it["configuration"], &it["updatedAt"]),
        (&json!({}), &json!(now))
    );
    assert_eq!(world.get("/webhooks", &[]).await.body["data"][0], *it);

    let unknown =
        json!({ "data": [{ "id": id, "url": "https://example.com/3" }, { "id": "nope" }] });
    assert_eq!(world.put("/webhooks", &unknown).await.status, 404);
    assert_eq!(
        world.get("/webhooks", &[]).await.body["data"][0],
        *it,
        "all or none"
    );
    for refused in [
        json!({ "event": "candidateHired" }),
        json!({ "url": "ftp://example.com", "event": "candidateHired" }),
        json!({ "url": "https://example.com", "event": "candidateSneezed" }),
        json!({ "url": "https://example.com", "event": "candidateHired", "secret": "x" }),
        json!({ "url": "https://example.com", "event": "contactCreated", "configuration": { "conditions": { "origins": ["agency"] } } }),
        json!({ "url": "https://example.com", "event": "candidateHired", "configuration": { "conditions": { "origins": ["mars"] } } }),
    ] {
        assert_eq!(
            world.post("/webhooks", &refused).await.status,
            400,
            "{refused}"
        );
    }
    let path = format!("/webhooks/{id}");
    let delete = async || {
        world
            .request(Method::DELETE, &path)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!((delete().await, delete().await), (204, 404));
}

#[tokio::test]
async fn a_connection_is_tried_with_an_empty_delivery() {
    let world = World::with(hurried()).await;
    let mut receiver = Receiver::listen().await;
    let body = json!({
        "url": receiver.url, "event": "candidateHired", "configuration": { "verifyConnection": true },
    });
    let made = world.post("/webhooks", &body).await.body["data"].clone();
    let test = receiver.body().await;
    assert_eq!(
        (&test["event"], &test["data"]),
        (&json!("candidateHired"), &json!({}))
    );
    let key = &made["configuration"]["signatureToken"];
    assert_eq!(test["signature"], json!(signature(key, &test)));
    let url = format!(
        "http://{}/sim/webhooks/{}/test",
        world.sim.address(),
        text(&made["id"])
    );
    assert_eq!(
        world.http.post(url).send().await.unwrap().status().as_u16(),
        204
    );
    assert_eq!(receiver.body().await["data"], json!({}));
}

/// What arrives from four applicants when this happens to the first delivery: the numbers of the applicants.
async fn arriving(action: DeliveryAction) -> (Vec<usize>, Vec<Value>, Value) {
    let world = World::with(hurried()).await;
    let mut receiver = Receiver::listen().await;
    let hook = subscribe(&world, &receiver.url, "applicationCreated").await;
    let rule = DeliveryRule {
        event: None,
        when: When::Nth(1),
        action,
    };
    world.sim.set_delivery_faults(DeliveryPlan {
        seed: 1,
        rules: vec![rule],
    });
    let ids: Vec<String> = (0..4)
        .map(|_| world.sim.add_applicant(Applicant::default()))
        .collect();
    let expected = match action {
        DeliveryAction::Drop => 3,
        DeliveryAction::Duplicate => 5,
        _ => 4,
    };
    let mut bodies = Vec::new();
    for _ in 0..expected {
        bodies.push(receiver.body().await);
    }
    let number = |body: &Value| {
        let id = &body["data"]["opportunityId"];
        ids.iter().position(|known| json!(known) == *id).unwrap()
    };
    let numbers = bodies.iter().map(number).collect();
    history(&world, expected).await;
    assert!(receiver.arrived.is_empty());
    (
        numbers,
        bodies,
        hook["configuration"]["signatureToken"].clone(),
    )
}

#[tokio::test]
async fn deliveries_are_dropped_repeated_swapped_delayed_and_forged() {
    assert_eq!(arriving(DeliveryAction::Drop).await.0, [1, 2, 3]);
    let (numbers, bodies, _) = arriving(DeliveryAction::Duplicate).await;
    assert_eq!(
        (numbers, bodies[0] == bodies[1]),
        (vec![0, 0, 1, 2, 3], true)
    );
    assert_eq!(arriving(DeliveryAction::Swap).await.0, [1, 0, 2, 3]);
    let late = DeliveryAction::Delay(Duration::from_secs(1));
    assert_eq!(arriving(late).await.0, [1, 2, 3, 0]);
    let (numbers, bodies, key) = arriving(DeliveryAction::Forge).await;
    assert_eq!(numbers, [0, 1, 2, 3]);
    let genuine: Vec<bool> = bodies
        .iter()
        .map(|body| body["signature"] == json!(signature(&key, body)))
        .collect();
    assert_eq!(genuine, [false, true, true, true]);
}

#[tokio::test]
async fn deliveries_are_steered_over_http() {
    let world = World::with(config(1)).await;
    let mut receiver = Receiver::listen().await;
    subscribe(&world, &receiver.url, "contactCreated").await;
    let at = |path: &str| format!("http://{}/sim/webhooks/{path}", world.sim.address());
    let post = async |path: &str, body: Value| {
        world
            .http
            .post(at(path))
            .json(&body)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!(post("retries", json!({ "after_ms": [0] })).await, 204);
    assert_eq!(
        post("faults", json!({ "rules": [{ "action": "duplicate" }] })).await,
        204
    );
    world.sim.add_applicant(Applicant::default());
    assert_eq!(receiver.body().await, receiver.body().await);
    assert_eq!(
        world
            .http
            .delete(at("faults"))
            .send()
            .await
            .unwrap()
            .status()
            .as_u16(),
        204
    );
    receiver.answers(500);
    world.sim.add_applicant(Applicant::default());
    assert_eq!(
        receiver.body().await,
        receiver.body().await,
        "one retry at once"
    );
    assert_eq!(history(&world, 4).await.len(), 4);
    assert_eq!(post("faults", json!({ "rules": [{}] })).await, 400);
    assert_eq!(post("nothing/test", json!({})).await, 404);
}
