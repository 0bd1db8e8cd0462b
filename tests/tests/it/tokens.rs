//! Tokens of a running service: made, listed and revoked over gRPC, with effect at once (P-02, T-09).

use std::time::Duration;

use lever_sim::{Action, FaultPlan, FaultRule};
use proto::v1 as pb;
use tokio_stream::StreamExt as _;
use tonic::{Code, Status, Streaming};

use crate::support::{Api, Setup, World, fresh_id, http, now, program, refused};

async fn make(api: &Api, asked: pb::CreateTokenRequest) -> Result<pb::CreateTokenResponse, Status> {
    let made = api.tokens().create_token(asked).await?;
    Ok(made.into_inner())
}

fn asked(role: pb::TokenRole, connections: &[&str]) -> pb::CreateTokenRequest {
    pb::CreateTokenRequest {
        role: role.into(),
        connection_ids: connections.iter().map(|id| (*id).to_owned()).collect(),
        ..Default::default()
    }
}

async fn revoke(api: &Api, id: &str, last_too: bool) -> Result<pb::Token, Status> {
    let request = pb::RevokeTokenRequest {
        token_id: id.to_owned(),
        allow_last_admin: last_too,
    };
    let revoked = api.tokens().revoke_token(request).await?;
    Ok(revoked.into_inner().token.expect("a token"))
}

async fn all(api: &Api) -> Vec<pb::Token> {
    let request = pb::ListTokensRequest::default();
    let answer = api.tokens().list_tokens(request).await;
    answer.expect("listed").into_inner().tokens
}

async fn names(api: &Api) -> Vec<String> {
    let tokens = all(api).await.into_iter();
    tokens.map(|token| token.name).collect()
}

async fn connections(api: &Api) -> Result<Vec<String>, Status> {
    let answer = api
        .connections()
        .list_connections(pb::ListConnectionsRequest::default())
        .await?;
    let all = answer.into_inner().connections.into_iter();
    Ok(all.map(|connection| connection.id).collect())
}

/// A world with a connection, and an administrator's token that was made while it runs.
async fn administered() -> (World, Api) {
    let mut world = World::with_opportunities(10).await;
    world.connect().await;
    let first = make(&world.api, asked(pb::TokenRole::Admin, &[])).await;
    let first = first.expect("made");
    assert!(first.closed_local_access);
    let admin = world.api.with_token(&first.secret);
    (world, admin)
}

/// Reads a stream to its end, and tells how it ended.
async fn end_of<T>(mut stream: Streaming<T>) -> Status {
    loop {
        match stream.next().await {
            Some(Ok(_)) => {}
            Some(Err(status)) => return status,
            None => panic!("the stream ended well"),
        }
    }
}

/// A note that Lever does not answer to.
async fn unsettled(world: &World, api: &Api) -> String {
    let hold = Action::StallAfter(Duration::from_secs(600));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on("createOpportunityNote", hold)],
    });
    let note = pb::CreateNoteRequest {
        connection_id: world.connection.clone(),
        opportunity_id: world.open_opportunities().remove(0),
        request_id: fresh_id(),
        value: "hello".to_owned(),
        wait: Some(prost_types::Duration::default()),
        ..Default::default()
    };
    let recorded = api.candidates().create_note(note).await;
    let operation = recorded.expect("recorded").into_inner().operation;
    operation.expect("an operation").id
}

async fn watch_changes(api: &Api, connection: &str) -> Streaming<pb::WatchChangesResponse> {
    let request = pb::WatchChangesRequest {
        connection_id: connection.to_owned(),
        ..Default::default()
    };
    let watching = api.changes().watch_changes(request).await;
    watching.expect("watched").into_inner()
}

#[tokio::test]
async fn the_first_token_makes_every_caller_give_one_at_once() {
    let mut world = World::with_opportunities(10).await;
    world.connect().await;
    let watching = watch_changes(&world.api, &world.connection).await;
    let page = format!("http://{}/metrics", world.service().http);
    let elsewhere = || {
        http()
            .get(&page)
            .header("host", "fulcrum.example.com")
            .send()
    };
    assert_eq!(elsewhere().await.expect("an answer").status(), 421);

    let reader = make(&world.api, asked(pb::TokenRole::Reader, &[])).await;
    assert_eq!(refused(reader).reason, "FIRST_TOKEN");
    let admin = asked(pb::TokenRole::Admin, &[&world.connection]);
    let told = refused(make(&world.api, admin).await);
    assert_eq!(told.reason, "FIRST_TOKEN");
    assert!(connections(&world.api).await.is_ok());

    let first = make(&world.api, asked(pb::TokenRole::Admin, &[])).await;
    let first = first.expect("made");
    assert!(first.closed_local_access);
    assert_eq!(end_of(watching).await.code(), Code::Unauthenticated);
    let told = refused(connections(&world.api).await);
    assert_eq!(told.reason, "TOKEN_INVALID");
    assert_eq!(elsewhere().await.expect("an answer").status(), 200);
    let admin = world.api.with_token(&first.secret);
    let second = make(&admin, asked(pb::TokenRole::Reader, &[])).await;
    assert!(!second.expect("made").closed_local_access);
    assert_eq!(connections(&admin).await.expect("listed").len(), 1);
}

/// Revocation within a second: what is asked afterwards is refused, what goes on ends.
#[tokio::test]
async fn a_revoked_token_is_worth_nothing_at_once_and_its_streams_end() {
    let (mut world, admin) = administered().await;
    let outside = std::mem::replace(&mut world.api, admin.clone());
    world.until_synced().await;
    let id = world.connection.clone();
    let lost = make(&admin, asked(pb::TokenRole::Product, &[&id])).await;
    let lost = lost.expect("made");
    let api = outside.with_token(&lost.secret);
    let others = watch_changes(&admin, &id).await;
    let changes = watch_changes(&api, &id).await;
    let applicants = pb::WatchApplicantsRequest {
        connection_id: id.clone(),
        ..Default::default()
    };
    let applicants = api.inbound().watch_applicants(applicants).await;
    let sync = pb::WatchSyncRequest {
        connection_id: id.clone(),
    };
    let sync = api.sync().watch_sync(sync).await;
    let operations = pb::WatchOperationsRequest {
        connection_id: id.clone(),
        operation_id: unsettled(&world, &admin).await,
    };
    let operations = api.operations().watch_operations(operations).await;
    let (questions, asking) = tokio::sync::mpsc::channel(1);
    let nobody = pb::Identity {
        key: "1".to_owned(),
        emails: vec!["nobody@example.com".to_owned()],
        ..Default::default()
    };
    let question = pb::StreamLookupCandidatesRequest {
        connection_id: id.clone(),
        identities: vec![nobody],
    };
    questions.send(question).await.expect("room");
    let asking = tokio_stream::wrappers::ReceiverStream::new(asking);
    let lookups = api.candidates().stream_lookup_candidates(asking).await;

    let token = lost.token.expect("a token");
    let revoked = revoke(&admin, &token.id, false).await.expect("revoked");
    assert!(revoked.revoke_time.is_some() && revoked.last_use_time.is_some());
    let ends = [
        end_of(changes).await,
        end_of(applicants.expect("watched").into_inner()).await,
        end_of(sync.expect("watched").into_inner()).await,
        end_of(operations.expect("watched").into_inner()).await,
        end_of(lookups.expect("begun").into_inner()).await,
    ];
    for end in ends {
        assert_eq!(end.code(), Code::Unauthenticated, "{end:?}");
    }
    let told = refused(connections(&api).await);
    assert_eq!(told.code, Code::Unauthenticated);
    // Others go on, and a second time changes nothing.
    let again = revoke(&admin, &token.id, false).await.expect("revoked");
    assert_eq!(again.revoke_time, revoked.revoke_time);
    let still = tokio::time::timeout(Duration::from_millis(1), end_of(others)).await;
    assert!(still.is_err());
    // A service that is started later knows it too.
    world.kill().await;
    world.start().await;
    let api = world.api.with_token(&lost.secret);
    let told = refused(connections(&api).await);
    assert_eq!(told.code, Code::Unauthenticated);
}

#[tokio::test]
async fn a_stream_ends_when_its_token_expires() {
    let (world, admin) = administered().await;
    let soon = now() + 1_500;
    let brief = pb::CreateTokenRequest {
        expire_time: Some(prost_types::Timestamp {
            seconds: soon / 1_000,
            nanos: i32::try_from(soon % 1_000).expect("below 1,000") * 1_000_000,
        }),
        ..asked(pb::TokenRole::Reader, &[])
    };
    let brief = make(&admin, brief).await.expect("made");
    let api = world.api.with_token(&brief.secret);
    let watching = watch_changes(&api, &world.connection).await;
    assert_eq!(end_of(watching).await.code(), Code::Unauthenticated);
    let told = refused(connections(&api).await);
    assert_eq!(told.code, Code::Unauthenticated);
}

#[tokio::test]
async fn the_last_administrator_goes_only_when_that_is_said() {
    let (world, admin) = administered().await;
    let scoped = asked(pb::TokenRole::Admin, &[&world.connection]);
    make(&admin, scoped).await.expect("made");
    let first = all(&admin).await.remove(0);
    let told = refused(revoke(&admin, &first.id, false).await);
    assert_eq!(told.reason, "LAST_ADMIN");
    assert!(told.message.contains("fulcrum token create --data"));
    let second = make(&admin, asked(pb::TokenRole::Admin, &[])).await;
    let second = world.api.with_token(&second.expect("made").secret);
    revoke(&second, &first.id, false).await.expect("revoked");
    assert_eq!(
        refused(connections(&admin).await).code,
        Code::Unauthenticated
    );
    let last = all(&second).await.pop();
    revoke(&second, &last.expect("two").id, true)
        .await
        .expect("it was said");
    assert_eq!(
        refused(connections(&second).await).code,
        Code::Unauthenticated
    );
}

/// P-02: an admin of some connections administers what is within its own, and cannot tell the rest from nothing.
#[tokio::test]
async fn an_admin_for_some_connections_administers_the_tokens_within_them() {
    let (mut world, admin) = administered().await;
    let own = world.connection.clone();
    let whole = std::mem::replace(&mut world.api, admin.clone());
    let foreign = link(&world, &admin, "foreign").await.expect("linked");
    let named = |name: &str, asked: pb::CreateTokenRequest| pb::CreateTokenRequest {
        name: name.to_owned(),
        ..asked
    };
    let theirs = named("theirs", asked(pb::TokenRole::Reader, &[&foreign]));
    let theirs = make(&admin, theirs).await.expect("made");
    let theirs = theirs.token.expect("a token").id;
    let richer = pb::CreateTokenRequest {
        rights: vec!["confidential".to_owned()],
        ..named("richer", asked(pb::TokenRole::Reader, &[&own]))
    };
    make(&admin, richer).await.expect("made");
    let limited = named("limited", asked(pb::TokenRole::Admin, &[&own]));
    let limited = make(&admin, limited).await.expect("made");
    let limited = whole.with_token(&limited.secret);

    let mine = named("mine", asked(pb::TokenRole::Product, &[&own]));
    let mine = make(&limited, mine).await.expect("made");
    assert_eq!(names(&limited).await, ["limited", "mine"]);
    assert_eq!(names(&admin).await.len(), 5);
    let for_all = refused(make(&limited, asked(pb::TokenRole::Reader, &[])).await);
    assert_eq!(for_all.fields, ["connection_ids"]);
    let richer = pb::CreateTokenRequest {
        rights: vec!["eeo".to_owned()],
        ..asked(pb::TokenRole::Reader, &[&own])
    };
    let richer = refused(make(&limited, richer).await);
    assert_eq!(richer.fields, ["rights"]);
    let unknown = "01234567-89ab-7def-8123-456789abcdef";
    let ask = async |id: &str| {
        let mut told = refused(make(&limited, asked(pb::TokenRole::Reader, &[id])).await);
        told.message = told.message.replace(id, "ID");
        told
    };
    assert_eq!(ask(&foreign).await.code, Code::NotFound);
    assert_eq!(ask(&foreign).await, ask(unknown).await);
    let end = async |id: &str| {
        let mut told = refused(revoke(&limited, id, true).await);
        told.message = told.message.replace(id, "ID");
        told
    };
    assert_eq!(end(&theirs).await.code, Code::NotFound);
    assert_eq!(end(&theirs).await, end(unknown).await);
    let mine = mine.token.expect("a token").id;
    revoke(&limited, &mine, false).await.expect("its own");
    let product = whole.with_token("flc_nonsense");
    assert_eq!(
        refused(make(&product, asked(pb::TokenRole::Reader, &[])).await).code,
        Code::Unauthenticated
    );
}

/// Whoever may make tokens for some connections cannot fill the service with them, nor take the room of others.
#[tokio::test]
async fn tokens_are_limited_for_each_connection() {
    let mut world = World::new(Setup::new(1).with("FULCRUM__LIMITS__TOKENS", "3")).await;
    world.connect().await;
    let own = world.connection.clone();
    let foreign = link(&world, &world.api, "foreign").await;
    let foreign = foreign.expect("linked");
    let first = make(&world.api, asked(pb::TokenRole::Admin, &[])).await;
    let admin = world.api.with_token(&first.expect("made").secret);
    let limited = make(&admin, asked(pb::TokenRole::Admin, &[&own])).await;
    let limited = world.api.with_token(&limited.expect("made").secret);
    let reader = || make(&limited, asked(pb::TokenRole::Reader, &[&own]));
    let second = reader().await.expect("made");
    reader().await.expect("made");
    let told = refused(reader().await);
    assert_eq!(told.reason, "TOKEN_LIMIT");
    assert_eq!(told.details["limit"], "limits.tokens");
    assert_eq!(told.details["connection_id"], own);
    let both = asked(pb::TokenRole::Reader, &[&own, &foreign]);
    assert_eq!(refused(make(&admin, both).await).reason, "TOKEN_LIMIT");
    for connections in [&[foreign.as_str()][..], &[]] {
        let made = make(&admin, asked(pb::TokenRole::Reader, connections)).await;
        made.expect("another connection, and all of them, have room of their own");
    }
    // One that is revoked makes room; of those that have ended not more are kept either.
    let mut last = second;
    for _ in 0..6 {
        let id = last.token.expect("a token").id;
        revoke(&limited, &id, false).await.expect("its own");
        last = reader().await.expect("room");
    }
    let kept = all(&limited).await;
    let ended = kept.iter().filter(|token| token.revoke_time.is_some());
    assert_eq!((ended.count(), kept.len()), (3, 6));
}

#[tokio::test]
async fn what_an_admin_for_some_connections_links_joins_them() {
    let (mut world, admin) = administered().await;
    let own = world.connection.clone();
    let whole = std::mem::replace(&mut world.api, admin.clone());
    let theirs = link(&world, &admin, "theirs").await.expect("linked");
    let limited = make(&admin, asked(pb::TokenRole::Admin, &[&own])).await;
    let limited = whole.with_token(&limited.expect("made").secret);

    // That an external id is taken cannot be hidden; by whom can.
    let told = refused(link(&world, &limited, "theirs").await);
    assert_eq!(told.code, Code::AlreadyExists);
    assert!(!told.details.contains_key("connection_id"), "{told:?}");
    let request = pb::DeleteConnectionRequest {
        connection_id: theirs.clone(),
        ..Default::default()
    };
    let left = admin.connections().delete_connection(request).await;
    left.expect("unlinked");
    let told = refused(link(&world, &limited, "theirs").await);
    assert_eq!(told.code, Code::AlreadyExists);

    let new = link(&world, &limited, "new").await.expect("linked");
    let mut seen = connections(&limited).await.expect("listed");
    seen.sort();
    let mut expected = [own, new];
    expected.sort();
    assert_eq!(seen, expected);
    world.api = whole;
    world.kill().await;
    world.start().await;
    assert_eq!(
        connections(&world.api).await.map_err(|e| e.code()),
        Err(Code::Unauthenticated)
    );
}

async fn link(world: &World, api: &Api, external_id: &str) -> Result<String, Status> {
    let request = pb::CreateConnectionRequest {
        connection: Some(pb::Connection {
            display_name: external_id.to_owned(),
            external_id: external_id.to_owned(),
            base_url: world.lever.base_url(),
            ..Default::default()
        }),
        api_key: lever_sim::DEFAULT_KEY.to_owned(),
        allow_connected_account: true,
        ..Default::default()
    };
    let linked = api.connections().create_connection(request).await?;
    Ok(linked.into_inner().connection.expect("a connection").id)
}

async fn command(world: &World, token: Option<&str>, arguments: &[&str]) -> (bool, String, String) {
    let mut command = program();
    command
        .args(arguments)
        .env("FULCRUM_SERVER", format!("http://{}", world.service().grpc));
    if let Some(token) = token {
        command.env("FULCRUM_TOKEN", token);
    }
    let output = command.output().await.expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test]
async fn tokens_are_made_listed_and_revoked_from_the_command_line_while_the_service_runs() {
    let world = World::with_opportunities(10).await;
    let make = ["token", "create", "--role", "admin", "--name", "me"];
    let (made, token, said) = command(&world, None, &make).await;
    assert!(made && said.contains("from now on"), "{said}");
    let token = token.trim();
    let (listed, _, said) = command(&world, None, &["token", "list"]).await;
    assert!(!listed && said.contains("FULCRUM_TOKEN"), "{said}");
    let other = ["token", "create", "--role", "reader", "--ttl", "1h"];
    assert!(command(&world, Some(token), &other).await.0);
    let (_, list, _) = command(&world, Some(token), &["token", "list"]).await;
    let lines: Vec<_> = list.lines().collect();
    assert_eq!(lines.len(), 2, "{list}");
    assert!(
        lines[0].contains("admin, all connections") && lines[0].ends_with("me"),
        "{list}"
    );
    assert!(lines[1].contains("expires in"), "{list}");
    assert!(!list.contains(token));
    let id = |line: &str| line.split(' ').next().expect("an id").to_owned();
    let revoke = ["token", "revoke", &id(lines[1])];
    assert!(command(&world, Some(token), &revoke).await.0);
    let revoke = ["token", "revoke", &id(lines[0])];
    let (gone, _, said) = command(&world, Some(token), &revoke).await;
    assert!(!gone && said.contains("last admin"), "{said}");
    let revoke = ["token", "revoke", &id(lines[0]), "--allow-last-admin"];
    assert!(command(&world, Some(token), &revoke).await.0);
    assert!(!command(&world, Some(token), &["token", "list"]).await.0);
}
