//! Accounts that are linked by OAuth: tokens that live for seconds, rotate, and die.

use std::collections::BTreeSet;
use std::time::Duration;

use lever_sim::{
    Action, AuditEntry, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, FaultPlan, FaultRule,
};
use proto::v1 as pb;
use tonic::{Code, Status};

use crate::support::{Setup, World, fresh_id, refused, until};

pub(crate) const BACK: &str = "http://127.0.0.1:1/back?to=fulcrum";

pub(crate) const SCOPES: &str = "offline_access stages:read:admin archive_reasons:read:admin users:read:admin \
     postings:read:admin opportunities:write:admin notes:write:admin confidential:access:admin";

/// A world whose service is a registered client and pulls when asked; its access tokens live as long as said.
pub(crate) async fn world(opportunities: usize, access_ttl: Duration) -> World {
    let setup = Setup::new(opportunities);
    let mut setup = setup.with("FULCRUM__PULL__OPPORTUNITIES_INTERVAL", "1h");
    setup.lever.oauth.access_ttl = access_ttl;
    let world = World::new(setup).await;
    let mut world = world.configured_like(|lever| {
        vec![
            (
                "FULCRUM__LEVER__OAUTH_CLIENT_ID",
                DEFAULT_CLIENT_ID.to_owned(),
            ),
            (
                "FULCRUM__LEVER__OAUTH_CLIENT_SECRET",
                DEFAULT_CLIENT_SECRET.to_owned(),
            ),
            ("FULCRUM__LEVER__OAUTH_URL", lever.auth_url()),
        ]
    });
    world.stop().await;
    world.start().await;
    world
}

/// What Lever sends a consenting admin back with.
pub(crate) async fn code(world: &World, scopes: &str) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let request = client
        .get(format!("{}/authorize", world.lever.auth_url()))
        .query(&[
            ("client_id", DEFAULT_CLIENT_ID),
            ("redirect_uri", BACK),
            ("response_type", "code"),
            ("state", "s"),
            ("scope", scopes),
            ("audience", "https://api.lever.co/v1/"),
        ]);
    let answer = request.send().await.expect("an answer");
    let location = answer.headers()["location"].to_str().expect("ASCII");
    let url = reqwest::Url::parse(location).expect("a URL");
    let mut pairs = url.query_pairs();
    let (_, code) = pairs.find(|(name, _)| name == "code").expect("a code");
    code.into_owned()
}

fn grant(code: &str) -> Option<pb::OAuthGrant> {
    Some(pb::OAuthGrant {
        authorization_code: code.to_owned(),
        redirect_uri: BACK.to_owned(),
        refresh_token: String::new(),
    })
}

pub(crate) async fn link(world: &mut World, code: &str) -> Result<pb::Connection, Status> {
    link_with(world, grant(code)).await
}

/// Links another account of this Lever; the world's connection is that one then.
pub(crate) async fn link_with(
    world: &mut World,
    oauth: Option<pb::OAuthGrant>,
) -> Result<pb::Connection, Status> {
    let streams = [
        "stages",
        "archive_reasons",
        "users",
        "postings",
        "opportunities",
        "notes",
    ];
    let request = pb::CreateConnectionRequest {
        connection: Some(pb::Connection {
            display_name: "Acme".to_owned(),
            base_url: world.lever.base_url(),
            streams: streams.map(str::to_owned).into(),
            ..Default::default()
        }),
        api_key: String::new(),
        oauth,
        ..Default::default()
    };
    let answer = world.api.connections().create_connection(request).await?;
    let connection = answer.into_inner().connection.expect("a connection");
    world.connection = connection.id.clone();
    Ok(connection)
}

/// The calls for tokens so far.
pub(crate) fn token_calls(world: &World) -> Vec<AuditEntry> {
    let audit = world.lever.audit().into_iter();
    audit
        .filter(|entry| entry.path.ends_with("/oauth/token"))
        .collect()
}

#[tokio::test]
async fn tokens_rotate_under_parallel_work_and_each_refresh_token_is_used_once() {
    let mut world = world(120, Duration::from_secs(2)).await;
    let first = code(&world, SCOPES).await;
    let connection = link(&mut world, &first).await.expect("linked");
    assert_eq!(connection.credential_kind(), pb::CredentialKind::Oauth);
    assert_eq!(connection.key_last_four, "");
    world.until_synced().await;

    let people = world.open_opportunities();
    let mut round = 0;
    until("many tokens were had", async || {
        round += 1;
        let text = format!("round {round}");
        let work = people.iter().take(8).map(|person| {
            let request_id = fresh_id();
            let (world, text) = (&world, &text);
            async move { world.note(person, &request_id, text).await }
        });
        for written in futures::future::join_all(work).await {
            let written = written.expect("recorded");
            assert_eq!(
                written.state(),
                pb::OperationState::Succeeded,
                "{written:?}"
            );
        }
        (token_calls(&world).len() >= 6).then_some(())
    })
    .await;

    // Killed in the middle of it, it goes on with the newest tokens.
    world.kill().await;
    world.start().await;
    let before = token_calls(&world).len();
    until("more tokens were had", async || {
        world
            .note(&people[0], &fresh_id(), "after the start")
            .await
            .expect("recorded");
        (token_calls(&world).len() >= before + 2).then_some(())
    })
    .await;
    let calls = token_calls(&world);
    assert!(
        calls.iter().all(|call| call.status == Some(200)),
        "a refresh token was used twice: {calls:?}"
    );
    world.pull_until_mirror_equals_lever().await;
    let log = world.home.log();
    assert!(!log.contains(DEFAULT_CLIENT_SECRET) && !log.contains(&first));
}

#[tokio::test]
async fn a_grant_that_was_taken_back_says_to_link_again_and_a_new_code_does() {
    let mut world = world(30, Duration::from_secs(3600)).await;
    let first = code(&world, SCOPES).await;
    link(&mut world, &first).await.expect("linked");
    world.until_synced().await;
    world.lever.revoke_tokens();
    world.pull().await;
    let failed = until("the connection has failed", async || {
        let status = world.status().await;
        (status.state() == pb::SyncState::Failed).then_some(status)
    })
    .await;
    let errors: BTreeSet<_> = failed
        .streams
        .iter()
        .map(|stream| stream.error.as_str())
        .filter(|error| !error.is_empty())
        .collect();
    assert!(
        errors.iter().any(|error| error.contains("link it again")),
        "{errors:?}"
    );

    let request = pb::RotateCredentialRequest {
        connection_id: world.connection.clone(),
        api_key: String::new(),
        oauth: grant(&code(&world, SCOPES).await),
        ..Default::default()
    };
    let rotated = world.api.connections().rotate_credential(request).await;
    rotated.expect("linked again");
    world.until_synced().await;
    world.pull_until_mirror_equals_lever().await;
}

#[tokio::test]
async fn a_renewal_that_lever_refuses_is_told_before_the_next_pull() {
    let mut world = world(10, Duration::from_secs(3600)).await;
    let first = code(&world, SCOPES).await;
    link(&mut world, &first).await.expect("linked");
    world.until_at_rest().await;
    let request = pb::WatchSyncRequest {
        connection_id: world.connection.clone(),
    };
    let watching = world.api.sync().watch_sync(request).await;
    let mut watching = watching.expect("a watch").into_inner();
    let pulled = world.calls("listOpportunities").len();

    world.lever.revoke_tokens();
    let refusal = refused(world.api.lever().call(live_read(&world)).await);
    assert_eq!(refusal.reason, "LEVER_KEY_REJECTED");
    let status = world.status().await;
    assert_eq!(status.state(), pb::SyncState::Failed);
    let told = |stream: &pb::StreamStatus| stream.error.contains("link it again");
    assert!(status.streams.iter().any(told), "{status:?}");
    assert_eq!(world.settings().await.state(), pb::SyncState::Failed);
    loop {
        let seen = watching.message().await.expect("a status").expect("one");
        if seen.status.expect("a status").state() == pb::SyncState::Failed {
            break;
        }
    }
    let since = world.calls("listOpportunities").split_off(pulled);
    assert!(since.is_empty(), "nothing was pulled: {since:?}");
}

/// A read that needs Lever.
fn live_read(world: &World) -> pb::CallRequest {
    pb::CallRequest {
        connection_id: world.connection.clone(),
        operation_id: "listStages".to_owned(),
        ..Default::default()
    }
}

/// Lets all access tokens end, and waits until the service has asked for new ones, which Lever gives as `action` says.
///
/// Whoever needed the tokens is gone by then: nothing but the renewal is under way.
async fn renewal_under_way(world: &World, action: Action) {
    let before = token_calls(world).len();
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on("oauthToken", action)],
    });
    world.lever.expire_access_tokens();
    let (api, request) = (world.api.clone(), live_read(world));
    let asking = tokio::spawn(async move { api.lever().call(request).await });
    until("a renewal is under way", async || {
        (token_calls(world).len() > before).then_some(())
    })
    .await;
    asking.abort();
}

#[tokio::test]
async fn a_grant_lost_to_a_kill_in_a_renewal_says_so_and_a_new_code_repairs_it() {
    let mut world = world(20, Duration::from_secs(3600)).await;
    let first = code(&world, SCOPES).await;
    link(&mut world, &first).await.expect("linked");
    world.until_synced().await;
    renewal_under_way(&world, Action::StallAfter(Duration::from_secs(600))).await;
    world.kill().await;
    world.lever.set_faults(FaultPlan::default());
    world.start().await;
    world.pull().await;
    let error = until("the connection says what happened", async || {
        let streams = world.status().await.streams.into_iter();
        let mut errors = streams.map(|stream| stream.error);
        errors.find(|error| error.contains("cut off"))
    })
    .await;
    assert!(error.contains("RotateCredential"), "{error}");

    let request = pb::RotateCredentialRequest {
        connection_id: world.connection.clone(),
        api_key: String::new(),
        oauth: grant(&code(&world, SCOPES).await),
        ..Default::default()
    };
    let rotated = world.api.connections().rotate_credential(request).await;
    rotated.expect("linked again");
    world.until_synced().await;
    world.pull_until_mirror_equals_lever().await;
}

#[tokio::test]
async fn a_kill_before_a_renewal_reaches_lever_loses_nothing() {
    let mut world = world(20, Duration::from_secs(3600)).await;
    let first = code(&world, SCOPES).await;
    link(&mut world, &first).await.expect("linked");
    world.until_synced().await;
    renewal_under_way(&world, Action::ResetBefore).await;
    world.kill().await;
    world.lever.set_faults(FaultPlan::default());
    world.start().await;
    let read = world.api.lever().call(live_read(&world)).await;
    read.expect("the grant still works");
}

#[tokio::test]
async fn a_stop_waits_for_a_renewal_under_way() {
    let mut world = world(20, Duration::from_secs(3600)).await;
    let first = code(&world, SCOPES).await;
    link(&mut world, &first).await.expect("linked");
    world.until_synced().await;
    renewal_under_way(&world, Action::StallAfter(Duration::from_secs(2))).await;
    assert!(world.stop().await.success());
    world.lever.set_faults(FaultPlan::default());
    world.start().await;
    let read = world.api.lever().call(live_read(&world)).await;
    read.expect("the grant still works");
}

#[tokio::test]
async fn a_code_that_is_used_up_or_grants_too_little_is_refused_and_nothing_is_stored() {
    let mut world = world(10, Duration::from_secs(3600)).await;
    let told = refused(link(&mut world, "never-a-code").await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "LEVER_KEY_REJECTED")
    );
    let online_only = code(&world, "stages:read:admin").await;
    let told = refused(link(&mut world, &online_only).await);
    assert_eq!(
        (told.code, told.fields),
        (Code::InvalidArgument, vec!["oauth".to_owned()])
    );
    let all = pb::ListConnectionsRequest::default();
    let all = world.api.connections().list_connections(all).await;
    assert!(all.expect("a list").into_inner().connections.is_empty());
}

/// Where the address of the token endpoint is set in place of its base, neither the code nor the client is to blame.
#[tokio::test]
async fn an_authority_that_is_nowhere_is_told_as_such() {
    let mut world = world(10, Duration::from_secs(3600)).await;
    let first = code(&world, SCOPES).await;
    link(&mut world, &first).await.expect("linked");
    world.until_synced().await;
    world.stop().await;
    let mut world = world.configured_like(|lever| {
        let endpoint = format!("{}/oauth/token", lever.auth_url());
        vec![("FULCRUM__LEVER__OAUTH_URL", endpoint)]
    });
    world.start().await;

    let second = code(&world, SCOPES).await;
    let renewal = pb::RotateCredentialRequest {
        connection_id: world.connection.clone(),
        api_key: String::new(),
        oauth: grant(&second),
        ..Default::default()
    };
    let told = refused(world.api.connections().rotate_credential(renewal).await);
    assert_eq!(told.reason, "LEVER_KEY_REJECTED");
    assert!(told.message.contains("check lever.oauth_url"), "{told:?}");

    world.lever.expire_access_tokens();
    world.pull().await;
    until("the status names the setting", async || {
        let status = world.status().await;
        let names = |stream: &pb::StreamStatus| stream.error.contains("check lever.oauth_url");
        status.streams.iter().any(names).then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_a_client_in_the_settings_a_grant_is_refused_with_the_way_out() {
    let mut world = World::with_opportunities(10).await;
    let told = refused(link(&mut world, "a-code").await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "OAUTH_NOT_CONFIGURED")
    );
    assert!(
        told.message.contains("lever.oauth_client_id"),
        "{}",
        told.message
    );
}
