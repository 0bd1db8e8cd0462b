//! No secret is ever readable: on the disk, in logs, metrics or answers, or in the memory of the process (P14, F-01).

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lever_sim::{Action, DEFAULT_CLIENT_ID, FaultPlan, FaultRule, Key, OAuthApp};
use memchr::memmem;
use proto::v1 as pb;
use serde_json::Value;
use tonic::Status;

use crate::oauth;
use crate::support::{Api, Door, Home, Setup, World, fresh_id, http, program, proved, until};
use crate::webhooks;

const KEY: &str = "planted-api-key-4f1b-8a2c";
const NEXT_KEY: &str = "planted-next-api-key-91d7";
const WRONG_KEY: &str = "planted-wrong-api-key-77e0";
const CLIENT_SECRET: &str = "planted-client-secret-c3a9";
const WRONG_CODE: &str = "planted-wrong-code-5d20";
const SIGNATURE: &str = "planted-signature-token-e6b8";
const WRONG_SIGNATURE: &str = "planted-wrong-signature-0b44";
const WRONG_TOKEN: &str = "flc_planted-wrong-token-2290";
/// What a write says that never arrives: were it in Lever, the mirror would show it as it is.
const NOTE: &str = "planted-note-of-an-operation-38ad";
const MASTER_BYTE: u8 = 0xC7;

/// Everything that must not be found, by what it is.
struct Planted(Vec<(String, Vec<u8>)>);

impl Planted {
    fn new() -> Planted {
        let mut planted = Planted(Vec::new());
        for secret in [
            KEY,
            NEXT_KEY,
            WRONG_KEY,
            CLIENT_SECRET,
            WRONG_CODE,
            SIGNATURE,
            WRONG_SIGNATURE,
            WRONG_TOKEN,
            NOTE,
        ] {
            planted.add(secret);
        }
        planted.add(&master_key());
        let bytes = vec![MASTER_BYTE; 32];
        planted
            .0
            .push(("the bytes of the master key".to_owned(), bytes));
        planted
    }

    /// A secret as it is, and as HTTP carries it.
    fn add(&mut self, secret: &str) {
        let basic = STANDARD.encode(format!("{secret}:"));
        for form in [secret, basic.trim_end_matches('=')] {
            self.0.push((secret.to_owned(), form.as_bytes().to_vec()));
        }
    }
}

fn master_key() -> String {
    format!("{MASTER_BYTE:02x}").repeat(32)
}

/// What anybody could get to read, by where.
#[derive(Default)]
pub(crate) struct Readable(Vec<(String, Vec<u8>)>);

impl Readable {
    pub(crate) fn add(&mut self, place: &str, bytes: impl AsRef<[u8]>) {
        self.0.push((place.to_owned(), bytes.as_ref().to_vec()));
    }

    /// The files of a folder as they are, and what is compressed in them.
    pub(crate) fn add_files(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                self.add_files(&path);
                continue;
            }
            let bytes = fs::read(&path).expect("a file");
            let place = path.display().to_string();
            self.add(&format!("inside {place}"), unpacked(&bytes));
            self.add(&place, bytes);
        }
    }

    /// Where something is to be read.
    pub(crate) fn places_of(&self, wanted: &[u8]) -> Vec<&str> {
        let finder = memmem::Finder::new(wanted);
        let places = self.0.iter();
        let places = places.filter(|(_, bytes)| finder.find(bytes).is_some());
        places.map(|(place, _)| place.as_str()).collect()
    }

    #[track_caller]
    fn assert_without(&self, planted: &Planted) {
        let places = |(what, form): &(String, Vec<u8>)| (what.clone(), self.places_of(form));
        let found: Vec<_> = planted.0.iter().map(places).collect();
        let readable = found.iter().filter(|(_, places)| !places.is_empty());
        assert_eq!(
            readable.clone().count(),
            0,
            "{:#?}",
            readable.collect::<Vec<_>>()
        );
    }

    /// The search finds what is there.
    #[track_caller]
    fn assert_found(&self, wanted: &str, place: &str) {
        let places = self.places_of(wanted.as_bytes());
        let found = places.iter().any(|found| found.contains(place));
        assert!(
            found,
            "{wanted} is not found in {place}, only in {places:?}"
        );
    }
}

/// What all zstd frames of a file hold, as far as they can be read.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    const BEGINNING: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
    let mut all = Vec::new();
    for at in memmem::find_iter(bytes, &BEGINNING) {
        if let Ok(frame) = zstd::stream::read::Decoder::new(&bytes[at..]) {
            // A frame that a later write has cut off gives what comes before the cut.
            let _ = frame.single_frame().take(1 << 20).read_to_end(&mut all);
        }
    }
    all
}

#[test]
fn what_is_compressed_in_a_file_is_searched() {
    let text = "the needle in a haystack of words, ".repeat(20);
    let packed = zstd::bulk::compress(text.as_bytes(), 1).expect("compressed");
    let file = [b"before ".as_slice(), &packed, b" after"].concat();
    let mut readable = Readable::default();
    readable.add("inside", unpacked(&file));
    readable.assert_found(&text, "inside");
}

/// Everything that can go wrong with a secret, and what is said then.
async fn provoke(world: &World, api: &Api, said: &mut Readable) {
    let mut note = |what: &str, answer: Result<String, Status>| {
        let text = match answer {
            Ok(text) => text,
            Err(status) => format!("{status:?} {}", String::from_utf8_lossy(status.details())),
        };
        said.add(&format!("the answer to {what}"), text);
    };
    let show = |answer: &dyn std::fmt::Debug| format!("{answer:?}");
    let connection = world.connection.clone();
    let create = |api_key: &str, code: &str| pb::CreateConnectionRequest {
        connection: Some(pb::Connection {
            display_name: "Another".to_owned(),
            base_url: world.lever.base_url(),
            ..Default::default()
        }),
        api_key: api_key.to_owned(),
        oauth: (!code.is_empty()).then(|| pb::OAuthGrant {
            authorization_code: code.to_owned(),
            redirect_uri: "http://127.0.0.1:1/back".to_owned(),
            refresh_token: String::new(),
        }),
        ..Default::default()
    };
    let spoiled = format!("{WRONG_KEY}\u{7}\n");
    for (key, code) in [
        (WRONG_KEY, ""),
        (&spoiled, ""),
        ("", WRONG_CODE),
        (WRONG_KEY, WRONG_CODE),
    ] {
        let answer = api.connections().create_connection(create(key, code)).await;
        note("a wrong credential", answer.map(|answer| show(&answer)));
    }
    for key in [WRONG_KEY, NEXT_KEY, KEY] {
        let request = pb::RotateCredentialRequest {
            connection_id: connection.clone(),
            api_key: key.to_owned(),
            oauth: None,
            ..Default::default()
        };
        let answer = api.connections().rotate_credential(request).await;
        note("another credential", answer.map(|answer| show(&answer)));
    }
    let stranger = api.with_token(WRONG_TOKEN);
    let all = pb::ListConnectionsRequest::default();
    let answer = stranger.connections().list_connections(all.clone()).await;
    note("a wrong token", answer.map(|answer| show(&answer)));
    let answer = api.connections().list_connections(all).await;
    note("a list", answer.map(|answer| show(&answer)));
    let request = pb::ListConnectionsRequest {
        page_token: WRONG_TOKEN.to_owned(),
        ..Default::default()
    };
    let answer = api.connections().list_connections(request).await;
    note("a wrong page token", answer.map(|answer| show(&answer)));

    for action in [
        Action::ServerErrorBefore(500),
        Action::ResetBefore,
        Action::ResetAfter,
    ] {
        world.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![FaultRule::on("listStages", action)],
        });
        let request = pb::CallRequest {
            connection_id: connection.clone(),
            operation_id: "listStages".to_owned(),
            ..Default::default()
        };
        let answer = api.lever().call(request).await;
        note("a call that fails", answer.map(|answer| show(&answer)));
    }
    world.lever.set_faults(FaultPlan::default());
    let request = pb::CreateNoteRequest {
        connection_id: connection.clone(),
        opportunity_id: "unknown-but-echoed".to_owned(),
        request_id: fresh_id(),
        value: "a note".to_owned(),
        ..Default::default()
    };
    let answer = api.candidates().create_note(request).await;
    note("a note about nobody", answer.map(|answer| show(&answer)));
    let request = pb::ListApiCallsRequest {
        connection_id: connection,
        ..Default::default()
    };
    let answer = api.sync().list_api_calls(request).await;
    note("a list of calls", answer.map(|answer| show(&answer)));
    let request = pb::GetMasterKeysRequest {};
    let answer = api.store().get_master_keys(request).await;
    note("the keys", answer.map(|answer| show(&answer)));
    let request = pb::RotateMasterKeyRequest {};
    let answer = api.store().rotate_master_key(request).await;
    note("an exchange", answer.map(|answer| show(&answer)));
}

/// Has a note recorded that Lever never takes.
async fn record_a_note(world: &World) {
    let never = Action::ServerErrorBefore(503);
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on("createOpportunityNote", never)],
    });
    let request = pb::CreateNoteRequest {
        connection_id: world.connection.clone(),
        opportunity_id: world.open_opportunities().remove(0),
        request_id: fresh_id(),
        value: NOTE.to_owned(),
        wait: Some(prost_types::Duration::default()),
        ..Default::default()
    };
    let recorded = world.api.candidates().create_note(request).await;
    let operation = recorded.expect("recorded").into_inner().operation;
    assert!(!operation.expect("an operation").id.is_empty());
}

/// Deliveries as Lever signs them, and forged ones.
async fn deliver(world: &World, said: &mut Readable) {
    let address = world.service().http;
    let url = format!("http://{address}/webhooks/lever/{}", world.connection);
    for (signature, status) in [(SIGNATURE, 200), (WRONG_SIGNATURE, 401)] {
        let body = webhooks::made_by_hand(signature, &fresh_id());
        let (answered, text) = webhooks::deliver(&http(), &url, body).await;
        assert_eq!(answered, status, "{text}");
        said.add("the answer to a delivery", text);
    }
    let metrics = http().get(format!("http://{address}/metrics")).send().await;
    let metrics = metrics.expect("an answer").text().await.expect("text");
    said.add("/metrics", metrics);
}

/// A refresh token of the account, had from Lever without the service.
async fn refresh_token(world: &World) -> String {
    let code = oauth::code(world, oauth::SCOPES).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", DEFAULT_CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("code", &code),
        ("redirect_uri", oauth::BACK),
    ];
    let form = form.map(|(name, value)| format!("{name}={}", value.replace('/', "%2F")));
    let request = http()
        .post(format!("{}/oauth/token", world.lever.auth_url()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.join("&"));
    let answer = request.send().await.expect("an answer");
    let tokens: Value = answer.json().await.expect("JSON");
    let token = tokens["refresh_token"].as_str();
    token
        .unwrap_or_else(|| panic!("no token: {tokens}"))
        .to_owned()
}

/// P14: everything that is secret is planted, used, misused and exchanged at the log level `trace`, with lines for
/// machines and for people and with documents stored as they are; then everything that can be read is searched.
///
/// Seen to fail with the request of `CreateConnection` logged as it is, and with operations kept unsealed.
#[tokio::test]
async fn p14_no_secret_is_readable_in_the_data_directory_the_logs_the_metrics_or_an_answer() {
    let door = Door::open().await;
    let mut setup = Setup::new(20)
        .with("FULCRUM__LOG__LEVEL", "trace")
        .with("FULCRUM__STORE__COMPRESS", "false")
        .with("FULCRUM__STORE__MASTER_KEY", &master_key())
        .with("FULCRUM__SERVER__PUBLIC_URL", &door.url());
    setup.lever.keys.extend([KEY, NEXT_KEY].map(Key::all));
    setup.lever.oauth.apps = vec![OAuthApp {
        client_id: DEFAULT_CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned(),
        redirect_uris: Vec::new(),
    }];
    setup.key = KEY.to_owned();
    setup.connection.webhooks = true;
    setup.connection.webhook_signature_tokens = vec![SIGNATURE.to_owned()];
    let world = World::new(setup).await;
    let mut world = world.configured_like(|lever| {
        vec![
            (
                "FULCRUM__LEVER__OAUTH_CLIENT_ID",
                DEFAULT_CLIENT_ID.to_owned(),
            ),
            (
                "FULCRUM__LEVER__OAUTH_CLIENT_SECRET",
                CLIENT_SECRET.to_owned(),
            ),
            ("FULCRUM__LEVER__OAUTH_URL", lever.auth_url()),
        ]
    });
    assert!(world.stop().await.success());
    let made = world.run(&["token", "create", "--role", "admin"]).await;
    assert!(made.status.success(), "{made:?}");
    let token = String::from_utf8(made.stdout).expect("UTF-8");
    let token = token.trim();
    let mut planted = Planted::new();
    planted.add(token);
    let mut readable = Readable::default();

    for format in ["json", "text"] {
        world = world.configured_like(|_| vec![("FULCRUM__LOG__FORMAT", format.to_owned())]);
        let logged = world.home.log().len();
        world.start().await;
        door.lead_to(world.service().http);
        world.api = world.api.with_token(token);
        let api = world.api.clone();
        if format == "json" {
            let refresh = refresh_token(&world).await;
            planted.add(&refresh);
            let granted = pb::OAuthGrant {
                refresh_token: refresh,
                ..Default::default()
            };
            let linked = oauth::link_with(&mut world, Some(granted)).await;
            linked.expect("linked with a grant");
            world.connect().await;
            until("the webhooks are registered", async || {
                let state = world.settings().await.webhook_state();
                (state == pb::WebhookState::Registered).then_some(())
            })
            .await;
        }
        world.until_synced().await;
        world.lever.expire_access_tokens();
        provoke(&world, &api, &mut readable).await;
        deliver(&world, &mut readable).await;
        if format == "text" {
            record_a_note(&world).await;
        }
        assert!(world.stop().await.success());
        let log = world.home.log().split_off(logged);
        readable.add(&format!("the log as {format}"), log);
    }
    readable.add_files(&world.home.data());

    readable.assert_without(&planted);
    for place in [
        "the log as json",
        "the log as text",
        "/metrics",
        "the answer to a list",
    ] {
        readable.assert_found(&world.connection, place);
    }
    readable.assert_found("unknown-but-echoed", "the answer to a note about nobody");
    let person = world.lever.opportunities().remove(0);
    readable.assert_found(person["name"].as_str().expect("a name"), "db");
    let secrets = u64::try_from(planted.0.len()).expect("few");
    proved("P14", secrets, "secrets that are searched for everywhere");
}

/// P14: another process of the same user cannot read the memory or the environment of the service.
///
/// Linux shows it by who owns what `/proc` tells of a process: of one that may not be dumped, root. Seen to fail without
/// `hide_memory` at the start.
#[tokio::test]
async fn p14_the_process_cannot_be_dumped() {
    const ANOTHER: u32 = 1;
    let home = Home::new();
    let me = fs::metadata("/proc/self").expect("Linux").uid();
    let mut command = program();
    let user = if me == 0 { ANOTHER } else { me };
    if me == 0 {
        // Of root's own processes nothing could be told apart.
        let folder = home.path("");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("ours");
        fs::create_dir(home.data()).expect("a folder");
        chown(home.data(), Some(user), Some(user)).expect("root may");
        let copy = home.path("fulcrum");
        fs::copy(env!("CARGO_BIN_EXE_fulcrum-under-test"), &copy).expect("a copy");
        command = crate::support::as_user(&copy, user);
    }
    let mut service = command
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--http-listen",
            "127.0.0.1:0",
            "--data",
        ])
        .arg(home.data())
        .stdout(Stdio::null())
        .stderr(fs::File::create(home.path("stderr")).expect("a file"))
        .spawn()
        .expect("it starts");
    until("it serves", async || {
        let ended = service.try_wait().expect("ours");
        assert!(ended.is_none(), "{}", home.log());
        home.log().contains("serving").then_some(())
    })
    .await;
    let id = service.id().expect("it runs");
    let owner = |file: &str| {
        let path = format!("/proc/{id}/{file}");
        fs::metadata(path).expect("it runs").uid()
    };
    assert_ne!(owner("environ"), user);
    assert_ne!(owner("mem"), user);
    service.kill().await.expect("ours");
}

/// Whatever the service is started with lets others read: also what sled makes, which a copy may take out of its folder.
#[tokio::test]
async fn all_that_is_in_the_data_directory_is_for_its_owner_alone() {
    let world = World::synced(Setup::new(5)).await;
    let mut folders = vec![world.home.data()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            // Some are there for a moment only.
            let Ok(found) = fs::metadata(&path) else {
                continue;
            };
            assert_eq!(found.mode() & 0o077, 0, "{}", path.display());
            if found.is_dir() {
                folders.push(path);
            }
        }
    }
}
