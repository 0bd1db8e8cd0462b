//! Disconnecting: nothing is left at Lever, nothing is told that did not happen, and the mirror is there for a while.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use lever_sim::{Action, Config, FaultPlan, FaultRule, Key, Sim};
use proto::v1 as pb;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use tonic::Code;

use crate::support::{Door, Setup, World, fresh_id, program, refused, until, why};

fn setup() -> Setup {
    let mut setup = Setup::new(30);
    setup.connection.external_id = "customer-1".to_owned();
    setup
}

impl World {
    async fn disconnect(&self) -> pb::DeleteConnectionResponse {
        self.end(false).await
    }

    async fn end(&self, purge_now: bool) -> pb::DeleteConnectionResponse {
        let request = pb::DeleteConnectionRequest {
            connection_id: self.connection.clone(),
            purge_now,
        };
        let answer = self.api.connections().delete_connection(request).await;
        answer.expect("disconnected").into_inner()
    }
}

/// Somebody at a terminal types `fulcrum disconnect` and then `answer`: the exit code, and what stands on the screen.
async fn disconnect_at_a_terminal(world: &World, answer: &str) -> (Option<i32>, String) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("granted");
    unlockpt(&terminal).expect("unlocked");
    let name = ptsname(&terminal, Vec::new()).expect("a name");
    let end = || {
        let mut options = OpenOptions::new();
        let end = options
            .read(true)
            .write(true)
            .open(name.to_str().expect("UTF-8"));
        end.expect("the other end")
    };
    let mut command = program();
    command
        .arg("disconnect")
        .env("FULCRUM_SERVER", format!("http://{}", world.service().grpc))
        .stdin(end())
        .stdout(end())
        .stderr(end());
    // A terminal keeps what is typed ahead.
    let mut screen = std::fs::File::from(terminal);
    writeln!(screen, "{answer}").expect("typed");
    let status = command.status().await.expect("it runs");
    // Nobody else has the other end by then, so the screen ends with an error.
    drop(command);
    let mut shown = Vec::new();
    let _ = screen.read_to_end(&mut shown);
    (status.code(), String::from_utf8_lossy(&shown).into_owned())
}

/// What cannot be taken back is asked for first where somebody is there to answer.
#[tokio::test]
async fn at_a_terminal_whatever_is_not_yes_disconnects_nothing() {
    let world = World::synced(setup()).await;
    let (code, shown) = disconnect_at_a_terminal(&world, "n").await;
    assert_eq!(code, Some(1), "{shown}");
    assert!(
        shown.contains("destroy the key") && shown.contains("nothing was changed"),
        "{shown}"
    );
    assert!(world.settings().await.disconnect_time.is_none());
    let (code, shown) = disconnect_at_a_terminal(&world, "y").await;
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("--external-id customer-1"), "{shown}");
    assert!(world.settings().await.disconnect_time.is_some());
}

#[tokio::test]
async fn a_disconnected_account_is_listed_and_answers_what_its_settings_are_and_nothing_else() {
    let mut world = World::synced(setup()).await;
    world.until_at_rest().await;
    world.disconnect().await;
    let calls = world.lever.audit().len();

    for _ in 0..2 {
        let connection = world.settings().await;
        assert_eq!(connection.state(), pb::SyncState::Disconnected);
        assert_eq!(
            connection.credential_kind(),
            pb::CredentialKind::Unspecified
        );
        assert_eq!(connection.key_last_four, "");
        let kept = connection.purge_time.expect("a time").seconds
            - connection.disconnect_time.expect("a time").seconds;
        assert_eq!(kept, 14 * 24 * 3600);
        assert_eq!(
            world
                .mapping()
                .await
                .stage_mapping
                .expect("a mapping")
                .version,
            0
        );
        assert!(world.operations().await.is_empty());

        let id = world.connection.clone();
        let person = world.open_opportunities().remove(0);
        let mut told = vec![
            refused(world.try_mirrored().await),
            refused(world.note(&person, &fresh_id(), "x").await),
            refused(world.wish_webhooks(false).await),
        ];
        let status = pb::GetSyncStatusRequest {
            connection_id: id.clone(),
        };
        told.push(refused(world.api.sync().get_sync_status(status).await));
        let pull = pb::StartSyncRequest {
            connection_id: id.clone(),
            ..Default::default()
        };
        told.push(refused(world.api.sync().start_sync(pull).await));
        let live = pb::ListStagesRequest {
            connection_id: id.clone(),
            read_from: pb::ReadFrom::Lever.into(),
            ..Default::default()
        };
        told.push(refused(world.api.lever().list_stages(live).await));
        let rotate = pb::RotateCredentialRequest {
            connection_id: id.clone(),
            api_key: "another-key-0123456789".to_owned(),
            ..Default::default()
        };
        told.push(refused(
            world.api.connections().rotate_credential(rotate).await,
        ));
        let applicants = pb::ListApplicantsRequest {
            connection_id: id,
            ..Default::default()
        };
        told.push(refused(
            world.api.inbound().list_applicants(applicants).await,
        ));
        for refusal in told {
            assert_eq!(
                (refusal.code, refusal.reason.as_str()),
                (Code::FailedPrecondition, "DISCONNECTED"),
                "{refusal:?}"
            );
        }
        // The same after a start.
        world.stop().await;
        world.start().await;
    }
    assert_eq!(world.lever.audit().len(), calls, "Lever was called");
}

#[tokio::test]
async fn disconnecting_and_connecting_again_keeps_id_mapping_and_mirror() {
    let mut setup = setup();
    setup
        .lever
        .keys
        .push(Key::all("another-key-of-the-same-account-0002"));
    let world = World::synced(setup).await;
    let id = world.connection.clone();
    let mapping = world.suggested().await.suggested.expect("a mapping");
    let saved = world.save_mapping(mapping).await.expect("saved");
    let before = world.mirrored().await;
    world.disconnect().await;

    let lists = world.calls("listOpportunities").len();
    let request = pb::CreateConnectionRequest {
        connection: Some(pb::Connection {
            display_name: "Acme again".to_owned(),
            external_id: "customer-1".to_owned(),
            base_url: world.lever.base_url(),
            ..Default::default()
        }),
        api_key: "another-key-of-the-same-account-0002".to_owned(),
        ..Default::default()
    };
    let answer = world.api.connections().create_connection(request).await;
    let answer = answer.expect("connected").into_inner();
    assert!(answer.restored);
    let connection = answer.connection.expect("a connection");
    assert_eq!(
        (connection.id.as_str(), connection.display_name.as_str()),
        (id.as_str(), "Acme again")
    );
    assert_eq!(connection.key_last_four, "0002");
    assert!(connection.disconnect_time.is_none());
    assert_eq!(
        world.mirrored().await,
        before,
        "the mirror is there at once"
    );
    let mapping = world.mapping().await.stage_mapping.expect("a mapping");
    assert_eq!(mapping.version, saved.version);

    // And it is kept fresh, by what changed and not from the beginning.
    let person = world.open_opportunities().remove(0);
    world.lever.touch(&person).expect("touched");
    world.pull_until_mirror_equals_lever().await;
    let asked = world.calls("listOpportunities");
    let walks = asked[lists..].iter().filter(|call| {
        call.query
            .iter()
            .all(|(name, _)| name != "updated_at_start")
    });
    assert!(walks.count() <= 1, "at most the look that proves the key");
}

#[tokio::test]
async fn an_account_without_an_external_id_comes_back_where_it_is_named() {
    let world = World::synced(Setup::new(30)).await;
    let id = world.connection.clone();
    let before = world.mirrored().await;
    let back = async |restore: &str, external_id: &str| {
        let request = pb::CreateConnectionRequest {
            connection: Some(pb::Connection {
                display_name: "Acme again".to_owned(),
                external_id: external_id.to_owned(),
                base_url: world.lever.base_url(),
                ..Default::default()
            }),
            api_key: lever_sim::DEFAULT_KEY.to_owned(),
            restore_connection_id: restore.to_owned(),
            ..Default::default()
        };
        let answer = world.api.connections().create_connection(request).await;
        answer.map(|answer| answer.into_inner())
    };
    let told = refused(back(&id, "").await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "NOT_DISCONNECTED")
    );
    world.disconnect().await;
    let nobody = refused(back("0190a1b2-c3d4-7000-8000-000000000000", "").await);
    assert_eq!(nobody.code, Code::NotFound);
    // It may have its first external id by that, and is found by it from then on.
    let answer = back(&id, "customer-9").await.expect("connected");
    assert!(answer.restored);
    let connection = answer.connection.expect("a connection");
    assert_eq!(
        (connection.id.as_str(), connection.external_id.as_str()),
        (id.as_str(), "customer-9")
    );
    assert_eq!(
        world.mirrored().await,
        before,
        "the mirror is there at once"
    );
    world.disconnect().await;
    let told = refused(back(&id, "customer-10").await);
    assert_eq!(
        (told.code, told.fields[0].as_str()),
        (Code::InvalidArgument, "connection.external_id")
    );
    let again = back(&id, "").await.expect("connected").connection;
    assert_eq!(
        again.map(|again| again.external_id).as_deref(),
        Some("customer-9")
    );
}

/// X14: the server of a connection with data stays, whether the key is replaced or the customer comes back.
#[tokio::test]
async fn x14_the_same_customer_in_another_environment_is_refused() {
    let mut world = World::synced(setup()).await;
    // A key of elsewhere is tried where the data is from, and the one that works stays.
    let rotate = pb::RotateCredentialRequest {
        connection_id: world.connection.clone(),
        api_key: "a-key-of-the-sandbox".to_owned(),
        ..Default::default()
    };
    let told = refused(world.api.connections().rotate_credential(rotate).await);
    assert_eq!(told.reason, "LEVER_KEY_REJECTED");
    for path in ["base_url", "region"] {
        let sandbox = pb::Connection {
            region: pb::Region::Sandbox.into(),
            base_url: "https://api.sandbox.lever.co/v1".to_owned(),
            ..Default::default()
        };
        let told = refused(world.change(sandbox, &[path]).await);
        assert_eq!(told.fields, ["update_mask.paths[0]"], "{path}");
    }
    world.pull_until_mirror_equals_lever().await;
    world.disconnect().await;
    let elsewhere = Sim::start(Config::default())
        .await
        .expect("a loopback port");
    let request = |base_url: String| pb::CreateConnectionRequest {
        connection: Some(pb::Connection {
            display_name: "Acme".to_owned(),
            external_id: "customer-1".to_owned(),
            base_url,
            ..Default::default()
        }),
        api_key: lever_sim::DEFAULT_KEY.to_owned(),
        ..Default::default()
    };
    let asked = request(elsewhere.base_url());
    let told = refused(world.api.connections().create_connection(asked).await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "ENVIRONMENT_FIXED")
    );
    assert_eq!(told.details["connection_id"], world.connection);
    assert!(elsewhere.audit().is_empty(), "nothing was sent there");

    // Once it is removed the way is free.
    world.end(true).await;
    let gone = pb::GetConnectionRequest {
        connection_id: world.connection.clone(),
    };
    let told = refused(world.api.connections().get_connection(gone).await);
    assert_eq!(told.code, Code::NotFound);
    let asked = request(elsewhere.base_url());
    let answer = world.api.connections().create_connection(asked).await;
    let answer = answer.expect("connected").into_inner();
    assert!(!answer.restored);
    world.connection = answer.connection.expect("a connection").id;
}

#[tokio::test]
async fn what_is_being_sent_settles_and_what_waits_is_cancelled() {
    let world = World::synced(setup()).await;
    let person = world.open_opportunities().remove(0);
    let slow = Action::StallAfter(Duration::from_secs(2));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on("createOpportunityNote", slow)],
    });
    let first = world.note_unawaited(&person, "on its way").await;
    let behind = world.note_unawaited(&person, "not begun").await;
    until("the first note is being sent", async || {
        let state = world.operation(&first.id).await.state();
        (state == pb::OperationState::Sending).then_some(())
    })
    .await;
    world.disconnect().await;
    let settled = |operation: &pb::Operation| operation.state();
    assert_eq!(
        settled(&world.operation(&first.id).await),
        pb::OperationState::Succeeded
    );
    let behind = world.operation(&behind.id).await;
    assert_eq!(settled(&behind), pb::OperationState::Cancelled);
    let told = why(&behind);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "DISCONNECTED")
    );
    assert!(told.message.contains("new request_id"), "{told:?}");
    let again = pb::CreateNoteRequest {
        opportunity_id: person.clone(),
        request_id: behind.request_id.clone(),
        value: "not begun".to_owned(),
        ..Default::default()
    };
    let again = world.create_note(again).await.expect("known");
    assert_eq!((&again.id, &why(&again)), (&behind.id, &told));
    assert_eq!(world.notes_saying(&person, "on its way"), 1);
    assert_eq!(world.notes_saying(&person, "not begun"), 0);
}

/// It takes the 30 seconds that such a write is given.
#[tokio::test]
async fn what_does_not_settle_in_time_is_uncertain() {
    let world = World::synced(setup().with("FULCRUM__LEVER__ATTEMPT_TIMEOUT", "300s")).await;
    let person = world.open_opportunities().remove(0);
    let silent = Action::StallAfter(Duration::from_secs(600));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on("createOpportunityNote", silent)],
    });
    let note = world.note_unawaited(&person, "who knows").await;
    until("the note has reached Lever", async || {
        (world.notes_saying(&person, "who knows") == 1).then_some(())
    })
    .await;
    world.disconnect().await;
    let operation = world.operation(&note.id).await;
    assert_eq!(operation.state(), pb::OperationState::Uncertain);
    assert_eq!(why(&operation).reason, "OUTCOME_UNKNOWN");
}

/// A world with webhooks registered in Lever, and what leads them to it.
async fn with_webhooks() -> (Door, World) {
    let door = Door::open().await;
    let setup = setup().with("FULCRUM__SERVER__PUBLIC_URL", &door.url());
    let mut setup = setup.with("FULCRUM__LEVER__MAX_ATTEMPTS", "2");
    setup.connection.webhooks = true;
    let world = World::synced(setup).await;
    door.lead_to(world.service().http);
    until("the webhooks are registered", async || {
        let state = world.settings().await.webhook_state();
        (state == pb::WebhookState::Registered).then_some(())
    })
    .await;
    (door, world)
}

#[tokio::test]
async fn webhooks_are_removed_from_lever_before_the_key_is_destroyed() {
    let (_door, world) = with_webhooks().await;
    let answer = world.disconnect().await;
    assert_eq!(answer, pb::DeleteConnectionResponse::default());
    assert_eq!(
        world.effects("deleteWebhook"),
        world.effects("createWebhook")
    );
    assert_eq!(
        world.settings().await.webhook_state(),
        pb::WebhookState::Off
    );
}

#[tokio::test]
async fn webhooks_that_lever_does_not_remove_are_told_for_as_long_as_the_mirror_is_there() {
    let (_door, world) = with_webhooks().await;
    let list = pb::CallRequest {
        connection_id: world.connection.clone(),
        operation_id: "listWebhooks".to_owned(),
        ..Default::default()
    };
    let listed = world.api.lever().call(list).await.expect("webhooks");
    let listed: Value = serde_json::from_slice(&listed.into_inner().raw_json).expect("JSON");
    let one = listed["data"][0]["id"].as_str().expect("an id");
    let fails = FaultRule {
        about: Some(one.to_owned()),
        ..FaultRule::on("deleteWebhook", Action::ServerErrorBefore(500))
    };
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![fails],
    });
    let address = format!("/webhooks/lever/{}", world.connection);
    let answer = world.disconnect().await;
    assert_eq!(answer.webhooks_left, 1);
    assert!(answer.webhook_error.contains(&address), "{answer:?}");
    let settings = world.settings().await;
    assert_eq!(settings.webhook_state(), pb::WebhookState::Failed);
    assert_eq!(settings.webhook_error, answer.webhook_error);
    // The others went.
    let made = world.effects("createWebhook");
    assert_eq!(world.effects("deleteWebhook"), made - 1);
    assert_eq!(world.end(true).await, answer);
}

#[tokio::test]
async fn that_nobody_knows_which_webhooks_lever_has_is_told_too() {
    let setup = setup().with("FULCRUM__SERVER__PUBLIC_URL", "https://fulcrum.test");
    let mut setup = setup.with("FULCRUM__LEVER__MAX_ATTEMPTS", "2");
    setup.connection.webhooks = true;
    setup.lever.faults = FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on(
            "listWebhooks",
            Action::ServerErrorBefore(500),
        )],
    };
    let world = World::synced(setup).await;
    let answer = world.end(true).await;
    assert_eq!(answer.webhooks_left, 0);
    assert!(
        answer.webhook_error.contains("did not answer"),
        "{answer:?}"
    );
}
