//! Webhooks: what Lever tells reaches the mirror in seconds, and what others tell changes nothing.
//!
//! Nothing is read on a schedule here for hours, so what arrives has arrived by webhook.

use std::collections::BTreeSet;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use lever_sim::{
    Act, Action, DeliveryAction, DeliveryEntry, DeliveryPlan, DeliveryRule, FaultPlan, FaultRule,
    Key, Permissions, When,
};
use proto::v1 as pb;
use serde_json::{Value, json};
use sha2::Sha256;
use tonic::Code;

use crate::support::{Door, Setup, World, fresh_id, proved, refused, rounds, until};

/// Schedules under which nothing is read again while a scenario runs.
const SELDOM: [&str; 5] = [
    "FULCRUM__PULL__ACCOUNT_INTERVAL",
    "FULCRUM__PULL__POSTINGS_INTERVAL",
    "FULCRUM__PULL__OPPORTUNITIES_INTERVAL",
    "FULCRUM__PULL__DELETED_INTERVAL",
    "FULCRUM__PULL__SWEEP_INTERVAL",
];

/// Every event that Lever tells of.
const EVENTS: usize = 10;

/// A world with a way in for Lever.
struct Hooked {
    world: World,
    door: Door,
}

impl Hooked {
    /// Everything is linked, mirrored and registered.
    async fn new(setup: Setup) -> Hooked {
        let mut hooked = Hooked::unlinked(setup).await;
        hooked.link().await;
        hooked.world.until_at_rest().await;
        hooked.until_webhooks(pb::WebhookState::Registered).await;
        hooked
    }

    async fn unlinked(setup: Setup) -> Hooked {
        let door = Door::open().await;
        let mut setup = setup.with("FULCRUM__SERVER__PUBLIC_URL", &door.url());
        for interval in SELDOM {
            setup = setup.with(interval, "6h");
        }
        setup.connection.webhooks = true;
        let world = World::new(setup).await;
        door.lead_to(world.service().http);
        Hooked { world, door }
    }

    async fn link(&mut self) {
        self.world.connect().await;
    }

    async fn restart(&mut self) {
        self.world.start().await;
        self.door.lead_to(self.world.service().http);
    }

    async fn connection(&self) -> pb::Connection {
        self.world.settings().await
    }

    async fn until_webhooks(&self, state: pb::WebhookState) -> pb::Connection {
        until("the webhooks are as they should be", async || {
            let connection = self.connection().await;
            (connection.webhook_state() == state).then_some(connection)
        })
        .await
    }

    fn url(&self) -> String {
        format!(
            "{}/webhooks/lever/{}",
            self.door.url(),
            self.world.connection
        )
    }

    /// Moves somebody to another stage in Lever; gives who, and where to.
    fn move_somebody(&self) -> (String, String) {
        let id = self.world.open_opportunities().remove(0);
        let opportunity = self.world.lever.opportunity(&id).expect("an opportunity");
        let stages = self.world.lever.stages().into_iter();
        let stage = stages
            .map(|stage| stage["id"].as_str().expect("an id").to_owned())
            .find(|stage| opportunity["stage"] != stage.as_str())
            .expect("another stage");
        self.world.lever.move_stage(&id, &stage).expect("moved");
        (id, stage)
    }

    async fn until_mirrored(&self, id: &str, stage: &str) {
        until("the move is mirrored", async || {
            let mirrored = self.world.opportunity(id).await.ok()?;
            (mirrored["stage"] == stage).then_some(())
        })
        .await;
    }

    async fn until_acknowledged(&self, deliveries: usize) -> Vec<DeliveryEntry> {
        until("the deliveries are acknowledged", async || {
            let all = self.world.lever.webhook_deliveries().into_iter();
            let acknowledged: Vec<_> = all.filter(|entry| entry.acknowledged).collect();
            (acknowledged.len() >= deliveries).then_some(acknowledged)
        })
        .await
    }

    /// Until nothing waits to be followed any more.
    async fn until_followed(&self, nudges: u64) {
        until("the nudges are followed", async || {
            let metrics = self.metrics().await;
            (counted(&metrics, "fulcrum_nudges_total", "done") >= nudges).then_some(())
        })
        .await;
    }

    async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.world.service().http);
        let answer = client().get(url).send().await.expect("an answer");
        answer.text().await.expect("text")
    }

    /// What Lever has registered, asked as the account's own key may.
    async fn in_lever(&self) -> Vec<Value> {
        let url = format!("{}/webhooks", self.world.lever.base_url());
        let request = client()
            .get(url)
            .basic_auth(lever_sim::DEFAULT_KEY, Some(""));
        let answer = request.send().await.expect("an answer");
        let body: Value = answer.json().await.expect("JSON");
        body["data"].as_array().expect("a list").clone()
    }

    /// A delivery that Lever has signed and never sent.
    async fn intercepted(&self) -> (String, String, Value) {
        let drop_all = DeliveryRule {
            event: None,
            when: When::Always,
            action: DeliveryAction::Drop,
        };
        self.world.lever.set_delivery_faults(DeliveryPlan {
            seed: 0,
            rules: vec![drop_all],
        });
        // One of before would be taken for a repeat, and its data not looked at.
        let before = self.world.lever.webhook_deliveries().into_iter();
        let before: Vec<Value> = before.map(|entry| entry.body["token"].clone()).collect();
        let (id, stage) = self.move_somebody();
        let body = until("the delivery is intercepted", async || {
            let all = self.world.lever.webhook_deliveries().into_iter();
            let is_new = |entry: &DeliveryEntry| !before.contains(&entry.body["token"]);
            let mut dropped =
                all.filter(|entry| entry.event == "candidateStageChange" && is_new(entry));
            dropped.next_back().map(|entry| entry.body)
        })
        .await;
        self.world
            .lever
            .set_delivery_faults(DeliveryPlan::default());
        (id, stage, body)
    }
}

/// The sum of a counter over the lines that carry a result.
fn counted(metrics: &str, name: &str, result: &str) -> u64 {
    let label = format!("result=\"{result}\"");
    let lines = metrics
        .lines()
        .filter(|line| line.starts_with(name) && line.contains(&label));
    lines
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok())
        .sum()
}

fn client() -> reqwest::Client {
    // A second installation is refused, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build();
    client.expect("a client")
}

/// Sends a delivery; gives status and text of the answer.
pub(crate) async fn deliver(
    client: &reqwest::Client,
    url: &str,
    body: impl Into<reqwest::Body>,
) -> (u16, String) {
    let request = client.post(url).header("content-type", "application/json");
    let answer = request.body(body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

#[tokio::test]
async fn a_stage_change_reaches_the_mirror_within_seconds_by_webhook() {
    let hooked = Hooked::new(Setup::new(60)).await;
    let lists = hooked.world.calls("listOpportunities").len();
    let (id, stage) = hooked.move_somebody();
    hooked.until_mirrored(&id, &stage).await;
    hooked.until_acknowledged(1).await;
    assert_eq!(hooked.world.calls("getOpportunity").len(), 1);
    assert_eq!(hooked.world.calls("listOpportunities").len(), lists);
    hooked.world.assert_mirror_equals_lever().await;
    let metrics = hooked.metrics().await;
    assert_eq!(counted(&metrics, "fulcrum_webhooks_total", "queued"), 1);
}

/// S-10, X10.
#[tokio::test]
async fn a_deleted_person_leaves_the_mirror_within_seconds_by_webhook() {
    let hooked = Hooked::new(Setup::new(60)).await;
    let id = hooked.world.open_opportunities().remove(0);
    hooked.world.lever.delete(&id).expect("deleted");
    until("the person is gone from the mirror", async || {
        let gone = hooked.world.opportunity(&id).await.is_err();
        gone.then_some(())
    })
    .await;
    hooked.world.assert_mirror_equals_lever().await;
    assert!(hooked.world.calls("listDeletedOpportunities").len() <= 1);
}

/// A planned interview may move no stamp of the person: the webhook is what tells of it.
#[tokio::test]
async fn a_planned_interview_brings_the_lists_of_interviews_and_panels() {
    let hooked = Hooked::new(Setup::new(20)).await;
    let id = hooked.world.open_opportunities().remove(0);
    let notes = hooked.world.calls("listOpportunityNotes").len();
    let act = Act::AddPanel {
        opportunity: id.clone(),
        date: 1_900_000_000_000,
        user: None,
    };
    let panel = hooked.world.lever.act(act).expect("planned");
    let panel = panel.expect("an id");
    until("the panel is mirrored", async || {
        let request = pb::ListPanelsRequest {
            connection_id: hooked.world.connection.clone(),
            opportunity_id: id.clone(),
            ..Default::default()
        };
        let answer = hooked.world.api.lever().list_panels(request).await.ok()?;
        let panels = answer.into_inner().panels;
        panels.iter().any(|known| known.id == panel).then_some(())
    })
    .await;
    hooked.until_followed(1).await;
    let asked = |operation: &str| {
        let calls = hooked.world.calls(operation).into_iter();
        calls.filter(|call| call.path.contains(&id)).count()
    };
    assert!(
        asked("listOpportunityInterviews") >= 2,
        "once at first, once now"
    );
    assert_eq!(hooked.world.calls("getOpportunity").len(), 1);
    let more = hooked.world.calls("listOpportunityNotes").len() - notes;
    assert!(more <= 1, "nobody else's lists were read");
}

#[tokio::test]
async fn a_changed_contact_shows_in_all_that_the_mirror_knows_of_the_person() {
    let hooked = Hooked::new(Setup::new(20)).await;
    let id = hooked.world.open_opportunities().remove(0);
    let opportunity = hooked.world.lever.opportunity(&id).expect("a person");
    let contact = opportunity["contact"].as_str().expect("an id");
    let url = format!("{}/contacts/{contact}", hooked.world.lever.base_url());
    let request = client()
        .put(url)
        .basic_auth(lever_sim::DEFAULT_KEY, Some(""))
        .json(&json!({"name": "Renamed In Lever"}));
    let answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success());
    until("the new name is mirrored", async || {
        let mirrored = hooked.world.opportunity(&id).await.ok()?;
        (mirrored["name"] == "Renamed In Lever").then_some(())
    })
    .await;
    hooked.world.assert_mirror_equals_lever().await;
}

#[tokio::test]
async fn webhooks_are_registered_once_for_each_event_and_removed_when_they_are_no_longer_wished() {
    let mut hooked = Hooked::new(Setup::new(10)).await;
    let registered = hooked.in_lever().await;
    let events: BTreeSet<_> = registered
        .iter()
        .map(|webhook| webhook["event"].to_string())
        .collect();
    assert_eq!((registered.len(), events.len()), (EVENTS, EVENTS));
    assert!(
        registered
            .iter()
            .all(|webhook| webhook["url"] == hooked.url())
    );

    // Whatever the moment it ends at, a new start finds them as they are.
    hooked.world.kill().await;
    hooked.restart().await;
    hooked.until_webhooks(pb::WebhookState::Registered).await;
    assert_eq!(hooked.in_lever().await, registered);
    hooked.move_somebody();
    hooked.until_acknowledged(1).await;

    hooked.world.wish_webhooks(false).await.expect("changed");
    hooked.until_webhooks(pb::WebhookState::Off).await;
    assert!(hooked.in_lever().await.is_empty());
    let connection = hooked.connection().await;
    assert!(!connection.webhooks && connection.webhook_error.is_empty());
}

#[tokio::test]
async fn a_registration_whose_answer_is_lost_is_made_anew_and_leaves_nothing_behind() {
    let mut setup = Setup::new(10);
    let lost = FaultRule::on("createWebhook", Action::ResetAfter).when(When::Nth(3));
    setup.lever.faults = FaultPlan {
        seed: 0,
        rules: vec![lost],
    };
    let hooked = Hooked::new(setup).await;
    assert_eq!(hooked.in_lever().await.len(), EVENTS);
    assert_eq!(hooked.world.effects("createWebhook"), EVENTS + 1);
    assert_eq!(hooked.world.effects("deleteWebhook"), 1);
    // All of them are known by what they sign with.
    let (id, stage) = hooked.move_somebody();
    hooked.until_mirrored(&id, &stage).await;
    hooked.world.archive_in_lever(&id);
    let acknowledged = hooked.until_acknowledged(2).await;
    assert!(acknowledged.iter().all(|entry| entry.attempt == 1));
}

#[tokio::test]
async fn webhooks_without_an_address_for_lever_are_refused_with_the_way_out() {
    let mut world = World::with_opportunities(10).await;
    world.connect().await;
    let told = refused(world.wish_webhooks(true).await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "WEBHOOKS_NOT_CONFIGURED")
    );
    assert!(
        told.message.contains("server.public_url"),
        "{}",
        told.message
    );
    assert!(!world.settings().await.webhooks);
    assert!(world.calls("listWebhooks").is_empty(), "nobody wished any");
}

#[tokio::test]
async fn a_key_that_may_not_manage_webhooks_is_named_what_it_lacks() {
    let mut setup = Setup::new(10);
    setup.lever.keys = vec![Key::only(
        setup.key.clone(),
        [
            "find all stages",
            "find all opportunities",
            "find all webhooks",
        ],
    )];
    let mut hooked = Hooked::unlinked(setup).await;
    hooked.link().await;
    let connection = hooked.until_webhooks(pb::WebhookState::Failed).await;
    assert!(
        connection.webhook_error.contains("create a webhook"),
        "{}",
        connection.webhook_error
    );
}

/// The settings page of Lever has a button for it.
#[tokio::test]
async fn the_test_delivery_of_the_settings_page_is_accepted() {
    let hooked = Hooked::new(Setup::new(10)).await;
    let webhook = hooked.in_lever().await.remove(0);
    let id = webhook["id"].as_str().expect("an id");
    let url = format!("{}/sim/webhooks/{id}/test", hooked.world.lever.auth_url());
    let sent = client().post(url).send().await.expect("an answer");
    assert!(sent.status().is_success());
    let acknowledged = hooked.until_acknowledged(1).await;
    assert_eq!(acknowledged[0].body["data"], json!({}));
    hooked.until_followed(1).await;
    hooked.world.assert_mirror_equals_lever().await;
}

#[tokio::test]
async fn p12_mutated_deliveries_change_nothing_and_none_is_accepted() {
    let deliveries = rounds(1_000, 10_000);
    let hooked = Hooked::new(Setup::new(30)).await;
    let (_, _, genuine) = hooked.intercepted().await;
    let before = hooked.world.mirrored().await;
    let calls = hooked.world.lever.audit().len();
    let (client, url) = (client(), hooked.url());
    for number in 0..deliveries {
        let body = mutated(&genuine, usize::try_from(number).expect("a small number"));
        let (status, _) = deliver(&client, &url, body.clone()).await;
        assert_eq!(status, 401, "{}", String::from_utf8_lossy(&body));
    }
    let metrics = hooked.metrics().await;
    assert_eq!(
        counted(&metrics, "fulcrum_webhooks_total", "refused"),
        deliveries
    );
    assert_eq!(counted(&metrics, "fulcrum_webhooks_total", "queued"), 0);
    assert_eq!(hooked.world.lever.audit().len(), calls, "nobody looked");
    assert_eq!(hooked.world.mirrored().await, before);
    // The genuine one still counts.
    let (status, _) = deliver(&client, &url, genuine.to_string()).await;
    assert_eq!(status, 200);
    proved(
        "P12",
        deliveries,
        "signatures, tokens, stamps and bytes changed",
    );
}

/// A body that Lever did not sign: each number changes another part of it.
fn mutated(genuine: &Value, number: usize) -> Vec<u8> {
    let mut body = genuine.clone();
    let text = |field: &str| genuine[field].as_str().expect("text").to_owned();
    let place = number / 10;
    match number % 10 {
        0 => body["signature"] = json!(changed(&text("signature"), place)),
        1 => body["token"] = json!(changed(&text("token"), place)),
        2 => {
            let at = genuine["triggeredAt"].as_i64().expect("a time");
            let offset = i64::try_from(place).expect("a small number") - 50;
            body["triggeredAt"] = json!(at + if offset >= 0 { offset + 1 } else { offset });
        }
        3 => body["signature"] = json!(text("signature")[..place % 64].to_owned()),
        4 => body["signature"] = json!(format!("{}{place}", text("signature"))),
        5 => {
            body["signature"] = [Value::Null, json!(place), json!([]), json!({})][place % 4].clone()
        }
        6 => {
            let field = ["signature", "token", "triggeredAt", "event"][place % 4];
            body.as_object_mut().expect("an object").remove(field);
        }
        7 => body["token"] = json!(format!("{}{place}", text("token"))),
        8 => {
            let mut bytes = genuine.to_string().into_bytes();
            bytes.truncate(place % bytes.len());
            return bytes;
        }
        _ => {
            let mut bytes = genuine.to_string().into_bytes();
            bytes.insert(place % bytes.len(), [0x80, 0xff, 0][place % 3]);
            return bytes;
        }
    }
    body.to_string().into_bytes()
}

/// The text with another hexadecimal digit at some place.
fn changed(text: &str, place: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = place % bytes.len();
    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
    String::from_utf8(bytes).expect("ASCII")
}

#[tokio::test]
async fn a_delivery_that_comes_again_is_fetched_once_at_most() {
    let hooked = Hooked::new(Setup::new(30)).await;
    let (id, stage, genuine) = hooked.intercepted().await;
    let (client, url) = (client(), hooked.url());
    for _ in 0..20 {
        let (status, _) = deliver(&client, &url, genuine.to_string()).await;
        assert_eq!(status, 200);
    }
    hooked.until_mirrored(&id, &stage).await;
    hooked.until_followed(1).await;
    // Nothing parts token and time where both are signed: with digits moved from one to the other it is the same delivery.
    let token = genuine["token"].as_str().expect("a token").to_owned();
    let time = genuine["triggeredAt"].to_string();
    for moved in 1..=8 {
        let (first, rest) = time.split_at(moved);
        let mut again = genuine.clone();
        again["token"] = json!(format!("{token}{first}"));
        again["triggeredAt"] = json!(rest.parse::<u64>().expect("digits"));
        let signed = format!("{token}{first}{}", again["triggeredAt"]);
        let (status, _) = deliver(&client, &url, again.to_string()).await;
        // A zero in front of a number is lost, and with it what was signed.
        let as_signed = signed == format!("{token}{time}");
        assert_eq!(status, if as_signed { 200 } else { 401 }, "{again}");
    }
    let metrics = hooked.metrics().await;
    assert_eq!(counted(&metrics, "fulcrum_webhooks_total", "queued"), 1);
    assert!(counted(&metrics, "fulcrum_webhooks_total", "replayed") > 19);
    assert_eq!(hooked.world.calls("getOpportunity").len(), 1);
}

/// Of somebody who did not apply Lever tells no more than that the person is known.
#[tokio::test]
async fn somebody_new_is_there_though_only_the_contact_was_told_of() {
    let setup = Setup::new(30).with("FULCRUM__PULL__OPPORTUNITIES_INTERVAL", "10m");
    let hooked = Hooked::new(setup).await;
    let never = |event: &str| DeliveryRule {
        event: Some(event.to_owned()),
        when: When::Always,
        action: DeliveryAction::Drop,
    };
    hooked.world.lever.set_delivery_faults(DeliveryPlan {
        seed: 0,
        rules: vec![never("applicationCreated"), never("candidateStageChange")],
    });
    let id = hooked.world.apply("Ada Newcomer");
    until("the person is mirrored", async || {
        hooked.world.opportunity(&id).await.ok()
    })
    .await;
}

/// The signature covers token and time only: whoever holds a delivery can write what he likes into it.
///
/// Seen to fail with a deletion that is taken as it is told: whoever is named is gone from the mirror.
#[tokio::test]
async fn data_that_was_altered_under_a_valid_signature_leaves_the_mirror_as_lever_has_it() {
    let hooked = Hooked::new(Setup::new(30)).await;
    let victim = hooked.world.open_opportunities().remove(1);
    let alterations: [fn(&mut Value, &str); 4] = [
        |body, _| body["data"]["toStageId"] = json!("offer"),
        |body, _| body["data"]["toArchived"] = json!({"reason": "x", "archivedAt": 1}),
        // A deletion of somebody who is there.
        |body, victim| {
            body["event"] = json!("candidateDeleted");
            body["data"]["opportunityId"] = json!(victim);
        },
        // A deletion of nobody.
        |body, _| {
            body["event"] = json!("candidateDeleted");
            body["data"]["opportunityId"] = json!("../users");
        },
    ];
    let (client, url) = (client(), hooked.url());
    for (followed, alter) in (1..).zip(alterations) {
        let (id, stage, mut body) = hooked.intercepted().await;
        alter(&mut body, &victim);
        let (status, _) = deliver(&client, &url, body.to_string()).await;
        assert_eq!(status, 200);
        hooked.until_followed(followed).await;
        // Looked at before the pull, which would bring whoever was taken for deleted back.
        let there = hooked.world.opportunity(&victim).await;
        assert!(there.is_ok(), "{there:?}");
        if body["data"]["opportunityId"] != id.as_str() {
            // The alteration hid the true one from us: the pull finds it.
            hooked.world.pull().await;
            hooked.until_mirrored(&id, &stage).await;
        }
        hooked.world.assert_mirror_equals_lever().await;
    }
}

#[tokio::test]
async fn a_kill_between_acceptance_and_reading_loses_no_nudge() {
    let mut hooked = Hooked::new(Setup::new(30)).await;
    let hold = Action::StallBefore(Duration::from_secs(600));
    hooked.world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on("getOpportunity", hold)],
    });
    let (id, stage) = hooked.move_somebody();
    hooked.until_acknowledged(1).await;
    hooked.world.kill().await;
    hooked.world.lever.set_faults(FaultPlan::default());
    let lists = hooked.world.calls("listOpportunities").len();
    hooked.restart().await;
    hooked.until_mirrored(&id, &stage).await;
    assert_eq!(
        hooked.world.calls("listOpportunities").len(),
        lists,
        "the nudge found it, not a list"
    );
}

#[tokio::test]
async fn a_key_that_may_not_read_single_people_follows_the_list_of_changes() {
    let mut setup = Setup::new(30);
    let granted = [
        "find all stages",
        "find all archive reasons",
        "find all opportunities",
        "find all deleted opportunities",
        "find all webhooks",
        "create a webhook",
        "delete a webhook",
    ];
    setup.lever.keys = vec![Key {
        secret: setup.key.clone(),
        permissions: Permissions::Only(granted.map(str::to_owned).into()),
        confidential: true,
    }];
    setup.connection.streams = ["stages", "archive_reasons", "opportunities"]
        .map(str::to_owned)
        .into();
    let hooked = Hooked::new(setup).await;
    for _ in 0..2 {
        let (id, stage) = hooked.move_somebody();
        hooked.until_mirrored(&id, &stage).await;
    }
    assert_eq!(
        hooked.world.calls("getOpportunity").len(),
        1,
        "what is refused is not asked again"
    );
    hooked.world.assert_mirror_equals_lever().await;
}

/// Our own writes come back as webhooks; the mirror has seen them already.
#[tokio::test]
async fn what_lever_tells_of_our_own_write_changes_nothing_more() {
    let hooked = Hooked::new(Setup::new(30)).await;
    let id = hooked.world.open_opportunities().remove(0);
    let stages = hooked.world.lever.stages();
    let present = hooked.world.lever.opportunity(&id).expect("a person")["stage"].clone();
    let stage = stages
        .iter()
        .find(|stage| stage["id"] != present)
        .expect("another stage");
    let request = pb::ChangeStageRequest {
        opportunity_id: id.clone(),
        request_id: fresh_id(),
        stage_id: stage["id"].as_str().expect("an id").to_owned(),
        ..Default::default()
    };
    let moved = hooked.world.change_stage(request).await.expect("recorded");
    assert_eq!(moved.state(), pb::OperationState::Succeeded);
    hooked.until_followed(1).await;
    hooked.world.assert_mirror_equals_lever().await;
}

/// A delivery of a webhook that somebody made by hand in Lever, about nobody.
pub(crate) fn made_by_hand(signature_token: &str, token: &str) -> String {
    let at = 1_782_977_000_001_i64;
    let mut mac = Hmac::<Sha256>::new_from_slice(signature_token.as_bytes()).expect("a key");
    mac.update(format!("{token}{at}").as_bytes());
    let bytes = mac.finalize().into_bytes();
    let signature: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let (event, data) = ("candidateStageChange", json!({}));
    json!({ "event": event, "triggeredAt": at, "token": token, "signature": signature, "data": data })
        .to_string()
}

/// They are stored with the connection: whoever was told of it can rely on them.
#[tokio::test]
async fn signature_tokens_given_when_an_account_is_linked_survive_a_kill() {
    let mut setup = Setup::new(5);
    setup.connection.webhook_signature_tokens = vec!["first".to_owned()];
    let mut hooked = Hooked::unlinked(setup).await;
    hooked.link().await;
    hooked.world.kill().await;
    hooked.restart().await;
    let (client, url) = (client(), hooked.url());
    let first = deliver(&client, &url, made_by_hand("first", "a")).await;
    assert_eq!(first.0, 200, "{}", first.1);

    let request = pb::UpdateConnectionRequest {
        connection: Some(pb::Connection {
            id: hooked.world.connection.clone(),
            webhook_signature_tokens: vec!["second".to_owned()],
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["webhook_signature_tokens".to_owned()],
        }),
    };
    let mut connections = hooked.world.api.connections();
    let updated = connections.update_connection(request).await;
    updated.expect("updated");
    let second = deliver(&client, &url, made_by_hand("second", "b")).await;
    assert_eq!(second.0, 200, "{}", second.1);
    let former = deliver(&client, &url, made_by_hand("first", "c")).await;
    assert_eq!(former.0, 401, "{}", former.1);
}

/// Lever calls from outside, by the public name and without a token; nothing else may.
#[tokio::test]
async fn the_route_needs_no_token_and_takes_any_name_and_nothing_else_does() {
    let mut setup = Setup::new(10);
    setup.connection.webhook_signature_tokens = vec!["made-by-hand".to_owned()];
    let mut hooked = Hooked::new(setup).await;
    let client = client();
    let inside = format!("http://{}", hooked.world.service().http);
    let named = |path: &str| {
        client
            .post(format!("{inside}{path}"))
            .header("host", "fulcrum.example.com")
    };
    let known = format!("/webhooks/lever/{}", hooked.world.connection);
    let unknown = format!("/webhooks/lever/{}", crate::support::NOBODY);
    let (_, _, mut forged) = hooked.intercepted().await;
    forged["signature"] = json!("0".repeat(64));
    let mut answers = BTreeSet::new();
    for path in [known.as_str(), unknown.as_str(), "/webhooks/lever/no-id"] {
        for body in [forged.to_string(), "{}".to_owned(), String::new()] {
            let answer = named(path).body(body).send().await.expect("an answer");
            let status = answer.status().as_u16();
            answers.insert((status, answer.text().await.expect("text")));
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers.first().expect("an answer").0, 401);

    let large = named(&known).body("x".repeat(300 * 1024)).send().await;
    assert_eq!(large.expect("an answer").status().as_u16(), 413);
    // The refusal may have ended the connection before the rest of the body was sent: the next request takes another.
    let client = self::client();
    for path in ["/metrics", "/webhooks", "/webhooks/other"] {
        let request = client.get(format!("{inside}{path}"));
        let answer = request.header("host", "fulcrum.example.com").send().await;
        assert_eq!(answer.expect("an answer").status().as_u16(), 421, "{path}");
    }

    // The same once everybody else must show a token.
    let (_, _, genuine) = hooked.intercepted().await;
    hooked.world.stop().await;
    hooked.world.home.token(&["--role", "admin"]).await;
    hooked.restart().await;
    let asked = pb::ListConnectionsRequest::default();
    let told = refused(hooked.world.api.connections().list_connections(asked).await);
    assert_eq!(told.code, Code::Unauthenticated);
    let (status, _) = deliver(&client, &hooked.url(), genuine.to_string()).await;
    assert_eq!(status, 200);

    let log = hooked.world.home.log();
    assert!(
        !log.contains("made-by-hand"),
        "a signature token in the log"
    );
    assert!(!log.contains(forged["token"].as_str().expect("text")));
}
