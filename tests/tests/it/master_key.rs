//! The master key is exchanged while everything goes on (P15).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use domain::{Connection, ConnectionId, Environment, Region};
use proto::v1 as pb;
use secrecy::{ExposeSecret as _, SecretString};
use store::{OAuthTokens, Options, Store, StoredWebhook};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::oauth;
use crate::support::{Api, Setup, World, files_with, program, proved, refused, until};

/// So many secrets that sealing them anew takes a while.
const WEBHOOKS: usize = 10_000;

impl World {
    async fn master_keys(&self) -> pb::MasterKeys {
        self.try_master_keys().await.expect("an answer")
    }

    async fn try_master_keys(&self) -> Result<pb::MasterKeys, Status> {
        let request = pb::GetMasterKeysRequest {};
        let answer = self.api.store().get_master_keys(request).await?;
        Ok(answer.into_inner().keys.expect("the keys"))
    }

    async fn rotate_master_key(&self) -> Result<pb::MasterKeys, Status> {
        let request = pb::RotateMasterKeyRequest {};
        let answer = self.api.store().rotate_master_key(request).await?;
        Ok(answer.into_inner().keys.expect("the keys"))
    }

    async fn until_exchanged(&self) -> pb::MasterKeys {
        until("everything is sealed with the new key", async || {
            let keys = self.master_keys().await;
            (!keys.underway && keys.remaining_values == 0).then_some(keys)
        })
        .await
    }

    /// The store of the stopped service.
    async fn store(&self) -> Store {
        let options = Options {
            open_floor_bytes: 0,
            write_floor_bytes: 0,
            reserve_bytes: 0,
            ..Options::default()
        };
        let folder = self.home.data();
        let opened = tokio::task::spawn_blocking(move || Store::open(&folder, options)).await;
        opened.expect("no panic").expect("a sound store")
    }
}

/// A connection that nobody works on: its grant is of another client.
fn idle() -> Connection {
    Connection {
        id: ConnectionId::new(Uuid::from_u128(7)),
        display_name: "Idle".to_owned(),
        external_id: None,
        environment: Environment::Region(Region::Sandbox),
        streams: Default::default(),
        sync_start: None,
        include_archived: true,
        include_snoozed: true,
        default_acting_user: None,
        strict_acting_user: false,
        excluded_fields: Default::default(),
        include_secret_notes: false,
        webhooks: false,
        paused: true,
        disconnected: None,
        key_last_four: String::new(),
        credential_since: None,
        created_at: domain::Timestamp::default(),
        revision: 1,
    }
}

fn webhook(number: usize) -> StoredWebhook {
    StoredWebhook {
        id: format!("w{number:05}"),
        event: "candidateHired".to_owned(),
        signature_token: SecretString::from(format!("signature token {number}")),
    }
}

/// Stores many secrets in the stopped data directory.
async fn store_many_secrets(world: &World) {
    let store = world.store().await;
    let tokens = OAuthTokens {
        access_token: "idle access".into(),
        expires_at: domain::Timestamp::default(),
        refresh_token: "idle refresh".into(),
        client: "another client".to_owned(),
    };
    store
        .create_connection(idle(), tokens)
        .await
        .expect("a new connection");
    let stored = (0..WEBHOOKS).map(|number| store.set_webhook(idle().id, webhook(number)));
    futures::future::try_join_all(stored).await.expect("stored");
    store.close().await.expect("closed");
}

async fn assert_many_secrets(store: &Store) {
    let webhooks = store.webhooks(idle().id).await.expect("all open");
    let found = webhooks
        .iter()
        .map(|webhook| webhook.signature_token.expose_secret());
    let expected: Vec<_> = (0..WEBHOOKS).map(webhook).collect();
    let expected = expected
        .iter()
        .map(|webhook| webhook.signature_token.expose_secret());
    assert!(found.eq(expected));
}

/// Calls that need a credential, one after the other, until the service is gone or told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<Result<(), Status>>,
}

impl Load {
    fn on(api: &Api, connections: [&str; 2]) -> Load {
        let (stop, answered) = <(Arc<AtomicBool>, Arc<AtomicUsize>)>::default();
        let (told, count) = (stop.clone(), answered.clone());
        let (api, connections) = (api.clone(), connections.map(str::to_owned));
        let task = tokio::spawn(async move {
            while !told.load(Ordering::Relaxed) {
                for connection in &connections {
                    match live_read(&api, connection).await {
                        Ok(()) => count.fetch_add(1, Ordering::Relaxed),
                        // The service was killed.
                        Err(status) if is_gone(&status) => return Ok(()),
                        Err(status) => return Err(status),
                    };
                }
            }
            Ok(())
        });
        Load {
            stop,
            answered,
            task,
        }
    }

    /// Has the grant renewed, and waits until calls go on with the new tokens: no renewal is cut off by a kill then,
    /// which would lose the grant.
    async fn until_renewed(&self, world: &World) {
        let before = oauth::token_calls(world).len();
        world.lever.expire_access_tokens();
        until("the grant is renewed", async || {
            (oauth::token_calls(world).len() > before).then_some(())
        })
        .await;
        let answered = self.answered.load(Ordering::Relaxed);
        until("calls go on", async || {
            // One of each connection may have been under way.
            (self.answered.load(Ordering::Relaxed) > answered + 4).then_some(())
        })
        .await;
    }

    /// Ends it; every call that was answered must have been answered well.
    async fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.expect("no panic").expect("all went well");
        self.answered.load(Ordering::Relaxed)
    }
}

fn is_gone(status: &Status) -> bool {
    let ours = !status.details().is_empty();
    !ours
        && matches!(
            status.code(),
            Code::Unavailable | Code::Unknown | Code::Cancelled
        )
}

/// A call that goes to Lever with the credential of the connection.
async fn live_read(api: &Api, connection: &str) -> Result<(), Status> {
    let request = pb::CallRequest {
        connection_id: connection.to_owned(),
        operation_id: "listStages".to_owned(),
        ..Default::default()
    };
    api.lever().call(request).await.map(drop)
}

fn applicants(world: &World, page_token: &str) -> pb::ListApplicantsRequest {
    pb::ListApplicantsRequest {
        connection_id: world.connection.clone(),
        page_size: 2,
        page_token: page_token.to_owned(),
        ..Default::default()
    }
}

/// The beginning of what is sealed with a key.
fn sealed_with(key: &str) -> Vec<u8> {
    let digits = key.as_bytes().chunks(2);
    let bytes = digits.map(|pair| {
        let pair = std::str::from_utf8(pair).expect("ASCII");
        u8::from_str_radix(pair, 16).expect("hexadecimal")
    });
    std::iter::once(1).chain(bytes).collect()
}

/// P15: under load, with a grant that is renewed meanwhile, and killed in the middle of sealing anew.
///
/// Seen to fail with a new key that is made without a file for the one before it: after the kill nothing opens. That
/// the place of sealing anew is kept, and that nothing comes in behind it, is proved next to the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p15_a_kill_in_the_middle_of_an_exchange_costs_no_secret_and_none_stays_with_the_old_key() {
    let mut world = oauth::world(30, Duration::from_secs(3600)).await;
    let code = oauth::code(&world, oauth::SCOPES).await;
    let granted = oauth::link(&mut world, &code).await.expect("linked").id;
    world.connect().await;
    world.until_synced().await;
    assert!(world.stop().await.success());
    store_many_secrets(&world).await;
    world.start().await;

    let first = world
        .api
        .inbound()
        .list_applicants(applicants(&world, ""))
        .await;
    let first = first.expect("a page").into_inner();
    let before = world.master_keys().await;
    assert_eq!(before.remaining_values, 0);
    let load = Load::on(&world.api, [&granted, &world.connection]);
    let begun = world.rotate_master_key().await.expect("begun");
    assert_ne!(begun.present_key_id, before.present_key_id);
    load.until_renewed(&world).await;
    until("some secrets are sealed anew", async || {
        let keys = world.master_keys().await;
        (keys.remaining_values + 200 < keys.sealed_values).then_some(())
    })
    .await;
    world.kill().await;
    assert!(load.end().await > 0);

    // A store that is opened without a service seals nothing anew.
    let store = world.store().await;
    let keys = store.master_keys().await.expect("read");
    assert!(
        keys.underway && keys.remaining() > 0,
        "not in the middle: {keys:?}"
    );
    assert_many_secrets(&store).await;
    store.close().await.expect("closed");

    world.start().await;
    let load = Load::on(&world.api, [&granted, &world.connection]);
    load.until_renewed(&world).await;
    let ended = world.until_exchanged().await;
    assert!(load.end().await > 0);
    assert_eq!(ended.present_key_id, begun.present_key_id);
    assert_eq!(ended.sealed_values, before.sealed_values);
    let former = &ended.former[0];
    assert_eq!(former.key_id, before.present_key_id);
    assert_eq!(former.sealed_values, 0);
    assert!(former.remove_time.is_some());

    // What was given away before goes on.
    let second = applicants(&world, &first.next_page_token);
    let second = world.api.inbound().list_applicants(second).await;
    assert_eq!(second.expect("a page").into_inner().applicants.len(), 2);
    // Another exchange, by the command, to its end.
    let output = world.command(&["store", "rotate-key"]).await;
    assert!(output.contains("in use"), "{output}");
    assert_eq!(world.master_keys().await.former.len(), 2);
    assert!(world.stop().await.success());

    let store = world.store().await;
    assert_many_secrets(&store).await;
    store.close().await.expect("closed");
    let data = world.home.data();
    let old = [&before.present_key_id, &begun.present_key_id].map(|key| sealed_with(key));
    assert!(
        old.iter().any(|old| !files_with(&data, old).is_empty()),
        "the log of sled"
    );
    assert!(world.home.run(&["store", "compact"]).await.status.success());
    for old in old {
        assert_eq!(files_with(&data, &old), Vec::<String>::new());
    }
    proved(
        "P15",
        1,
        "a kill in the middle of an exchange beside calls and renewals",
    );
}

impl World {
    /// Runs a client command to its end; gives what it said.
    async fn command(&self, arguments: &[&str]) -> String {
        let output = program()
            .args(arguments)
            .env("FULCRUM_SERVER", format!("http://{}", self.service().grpc))
            .output()
            .await
            .expect("the program runs");
        let said = [output.stdout, output.stderr].concat();
        String::from_utf8(said).expect("UTF-8")
    }
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}").repeat(32)
}

/// Keys from the environment and from a file; an exchange is a restart with a newer one before the other.
#[tokio::test]
async fn keys_from_the_settings_are_exchanged_by_naming_a_newer_one_first() {
    const VARIABLE: &str = "FULCRUM__STORE__MASTER_KEY";
    let mut world = World::synced(Setup::new(10).with(VARIABLE, &hex(0xA1))).await;
    let first = world.master_keys().await;
    assert!(first.given);
    let told = refused(world.rotate_master_key().await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "MASTER_KEY_GIVEN")
    );
    assert!(told.message.contains("store.master_key_file"), "{told:?}");
    let said = world.command(&["store", "rotate-key"]).await;
    assert!(said.contains("restart the service"), "{said}");
    assert!(world.stop().await.success());
    assert!(!world.home.data().join("master.key").exists());

    // Without the first one nothing could be opened.
    let mut world = world.configured_like(|_| vec![(VARIABLE, hex(0xB2))]);
    let said = world.try_start().await.expect_err("refused");
    assert!(said.contains(&first.present_key_id), "{said}");
    assert!(!said.contains(&hex(0xB2)), "{said}");

    let both = format!("{},{}", hex(0xB2), hex(0xA1));
    let mut world = world.configured_like(|_| vec![(VARIABLE, both)]);
    world.start().await;
    let ended = until("the newer key is in use", async || {
        let keys = world.until_exchanged().await;
        (keys.present_key_id != first.present_key_id).then_some(keys)
    })
    .await;
    assert_eq!(ended.former[0].key_id, first.present_key_id);
    live_read(&world.api, &world.connection)
        .await
        .expect("the credential opens");
    assert!(world.stop().await.success());

    // The same key from a file, which holds it as a `master.key` would.
    let file = world.home.path("keys");
    write_private(&file, &[0xB2; 32]);
    let path = file.to_str().expect("UTF-8").to_owned();
    let mut world = world.configured_like(|_| {
        vec![
            (VARIABLE, String::new()),
            ("FULCRUM__STORE__MASTER_KEY_FILE", path),
        ]
    });
    world.start().await;
    live_read(&world.api, &world.connection)
        .await
        .expect("the credential opens");
    let keys = world.command(&["store", "keys", "--json"]).await;
    assert!(
        keys.contains(&ended.present_key_id) && !keys.contains(&hex(0xB2)),
        "{keys}"
    );
}

fn write_private(path: &Path, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, bytes).expect("a file");
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(path, private).expect("ours");
}

/// The keys are those of all connections.
#[tokio::test]
async fn only_an_administrator_of_all_connections_sees_or_exchanges_the_master_key() {
    let mut world = World::with_opportunities(5).await;
    world.connect().await;
    assert!(world.stop().await.success());
    let all = world.home.token(&["--role", "admin"]).await;
    let connection = world.connection.clone();
    let one = ["--role", "admin", "--connection", &connection];
    let one = world.home.token(&one).await;
    let product = world.home.token(&["--role", "product"]).await;
    world.start().await;
    let api = world.api.clone();
    for token in [one, product] {
        world.api = api.with_token(&token);
        let told = refused(world.rotate_master_key().await);
        assert_eq!(
            (told.code, told.reason.as_str()),
            (Code::PermissionDenied, "ROLE_MISSING")
        );
        let told = refused(world.try_master_keys().await);
        assert_eq!(told.code, Code::PermissionDenied);
    }
    world.api = api.with_token(&all);
    assert!(world.master_keys().await.former.is_empty());
    world.rotate_master_key().await.expect("begun");
    assert_eq!(world.until_exchanged().await.former.len(), 1);
}
