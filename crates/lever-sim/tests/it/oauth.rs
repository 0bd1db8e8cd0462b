//! OAuth: consent, codes, tokens that expire and rotate, scopes.

use std::time::Duration;

use lever_sim::{
    Action, Config, Consent, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, FaultPlan, FaultRule,
    OAuthApp, OAuthConfig, RateLimit, When,
};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use url::Url;

use crate::support::{Reply, World, config, read, text};

const CALLBACK: &str = "https://example.com/callback?from=lever";
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn asking(scope: &str) -> Vec<(&str, &str)> {
    vec![
        ("client_id", DEFAULT_CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("state", "xyz"),
        ("audience", "https://api.lever.co/v1/"),
        ("scope", scope),
    ]
}

/// Where `/authorize` sends the browser.
async fn authorize(world: &World, query: &[(&str, &str)]) -> Result<Url, u16> {
    let browser = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()
        .unwrap();
    let url = format!("{}/authorize", world.sim.auth_url());
    let response = browser.get(url).query(query).send().await.unwrap();
    if response.status().as_u16() != 302 {
        return Err(response.status().as_u16());
    }
    Ok(Url::parse(response.headers()["location"].to_str().unwrap()).unwrap())
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

async fn token(world: &World, form: &[(&str, &str)]) -> Reply {
    let url = format!("{}/oauth/token", world.sim.auth_url());
    let mut all = vec![
        ("client_id", DEFAULT_CLIENT_ID),
        ("client_secret", DEFAULT_CLIENT_SECRET),
    ];
    all.extend(form);
    let body: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(all)
        .finish();
    let request = world
        .http
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded");
    read(request.body(body).send().await.unwrap()).await
}

async fn exchange(world: &World, code: &str) -> Reply {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
    ];
    token(world, &form).await
}

async fn refresh(world: &World, refresh_token: &str) -> Reply {
    token(
        world,
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ],
    )
    .await
}

/// The whole dance; returns the token answer.
pub(crate) async fn tokens(world: &World, scope: &str) -> Value {
    let redirect = authorize(world, &asking(scope)).await.unwrap();
    let answer = exchange(world, &parameter(&redirect, "code").unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

async fn get_with(world: &World, token: &Value, path: &str) -> u16 {
    let url = format!("{}{path}", world.sim.base_url());
    let request = world.http.get(url).bearer_auth(token.as_str().unwrap());
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_code_is_exchanged_once_for_tokens_of_an_hour() {
    let world = World::of(5).await;
    let redirect = authorize(&world, &asking("stages:read:admin offline_access"))
        .await
        .unwrap();
    assert!(redirect.as_str().starts_with(CALLBACK));
    assert_eq!(parameter(&redirect, "state").as_deref(), Some("xyz"));
    let code = parameter(&redirect, "code").unwrap();
    let elsewhere = [
        ("grant_type", "authorization_code"),
        ("code", "x"),
        ("redirect_uri", CALLBACK),
    ];
    let refused = token(&world, &elsewhere).await;
    assert_eq!(
        (refused.status, &refused.body["error"]),
        (403, &json!("invalid_grant"))
    );
    let answer = exchange(&world, &code).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["expires_in"], 3600);
    assert_eq!(answer.body["scope"], "offline_access stages:read:admin");
    assert_eq!(
        exchange(&world, &code).await.status,
        403,
        "a code is good once"
    );

    let access = &answer.body["access_token"];
    assert_eq!(get_with(&world, access, "/stages").await, 200);
    world.pass(HOUR - 1);
    assert_eq!(get_with(&world, access, "/stages").await, 200);
    world.pass(1);
    assert_eq!(get_with(&world, access, "/stages").await, 401);
}

/// A choice: Lever's description has no PKCE.
#[tokio::test]
async fn a_code_asked_with_a_challenge_needs_its_verifier() {
    let world = World::of(5).await;
    // RFC 7636, appendix B.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let ask = async |method: &str| {
        let mut query = asking("users:read:admin");
        query.extend([
            ("code_challenge", challenge),
            ("code_challenge_method", method),
        ]);
        authorize(&world, &query).await.unwrap()
    };
    let told = async |verifier: Option<&str>| {
        let code = parameter(&ask("S256").await, "code").unwrap();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
        ];
        form.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        token(&world, &form).await.status
    };
    assert_eq!(told(Some(verifier)).await, 200);
    assert_eq!(told(Some("another")).await, 403);
    assert_eq!(told(None).await, 403);
    let plain = ask("plain").await;
    assert_eq!(
        parameter(&plain, "error").as_deref(),
        Some("invalid_request")
    );
}

#[tokio::test]
async fn refresh_tokens_rotate_and_the_old_one_is_refused() {
    let world = World::of(5).await;
    let first = tokens(&world, "stages:read:admin offline_access").await;
    let second = refresh(&world, first["refresh_token"].as_str().unwrap()).await;
    assert_eq!(second.status, 200);
    assert_ne!(second.body["refresh_token"], first["refresh_token"]);
    assert_eq!(
        get_with(&world, &second.body["access_token"], "/stages").await,
        200
    );
    let again = refresh(&world, first["refresh_token"].as_str().unwrap()).await;
    assert_eq!(
        (again.status, &again.body["error"]),
        (403, &json!("invalid_grant"))
    );
    let newest = text(&second.body["refresh_token"]);
    assert_eq!(
        refresh(&world, &newest).await.status,
        200,
        "the newest stays good"
    );
}

#[tokio::test]
async fn a_refresh_token_dies_unused_after_90_days_and_anyway_after_a_year() {
    let world = World::of(1).await;
    let first = tokens(&world, "stages:read:admin offline_access").await;
    world.pass(90 * DAY);
    assert_eq!(
        refresh(&world, first["refresh_token"].as_str().unwrap())
            .await
            .status,
        403
    );
    let mut newest = tokens(&world, "stages:read:admin offline_access").await;
    for _ in 0..5 {
        world.pass(72 * DAY);
        newest = refresh(&world, newest["refresh_token"].as_str().unwrap())
            .await
            .body;
    }
    world.pass(5 * DAY);
    assert_eq!(
        refresh(&world, newest["refresh_token"].as_str().unwrap())
            .await
            .status,
        403
    );
}

#[tokio::test]
async fn scopes_open_what_they_name_and_no_more() {
    let world = World::of(200).await;
    let id = text(&world.applied()["id"]);
    let token = tokens(&world, "files:write:admin archive_reasons:read:admin").await;
    assert!(
        token.get("refresh_token").is_none(),
        "only with offline_access"
    );
    let access = &token["access_token"];
    assert_eq!(
        get_with(&world, access, &format!("/opportunities/{id}/files")).await,
        200
    );
    assert_eq!(
        get_with(&world, access, "/disposition_stages").await,
        200,
        "one of two is enough"
    );
    for closed in ["/stages", "/opportunities", "/users"] {
        assert_eq!(get_with(&world, access, closed).await, 403, "{closed}");
    }
    let everything = tokens(&world, "").await;
    assert_eq!(
        get_with(&world, &everything["access_token"], "/users").await,
        200
    );
    assert_eq!(get_with(&world, &json!("unknown"), "/stages").await, 401);
}

#[tokio::test]
async fn confidential_records_need_their_own_scope() {
    let world = World::of(300).await;
    let hidden = world.find(|it| it["confidentiality"] == "confidential");
    let path = format!("/opportunities/{}", text(&hidden["id"]));
    let plain = tokens(&world, "opportunities:read:admin").await;
    let trusted = tokens(&world, "opportunities:read:admin confidential:access:admin").await;
    assert_eq!(get_with(&world, &plain["access_token"], &path).await, 403);
    assert_eq!(get_with(&world, &trusted["access_token"], &path).await, 200);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused() {
    let app = OAuthApp {
        client_id: DEFAULT_CLIENT_ID.to_owned(),
        client_secret: DEFAULT_CLIENT_SECRET.to_owned(),
        redirect_uris: vec![CALLBACK.to_owned()],
    };
    let oauth = OAuthConfig {
        apps: vec![app],
        ..OAuthConfig::default()
    };
    let world = World::with(Config { oauth, ..config(1) }).await;
    let replaced = |name: &str, value: &'static str| {
        let mut query = asking("stages:read:admin");
        query
            .iter_mut()
            .filter(|(key, _)| *key == name)
            .for_each(|pair| pair.1 = value);
        query
    };
    for (name, value) in [
        ("client_id", "stranger"),
        ("redirect_uri", "https://evil.example.com/"),
    ] {
        assert_eq!(
            authorize(&world, &replaced(name, value)).await,
            Err(403),
            "{name}"
        );
    }
    for (name, value, error) in [
        ("audience", "https://api.lever.co/v1", "access_denied"),
        ("response_type", "token", "unsupported_response_type"),
        ("scope", "everything:read:admin", "invalid_scope"),
    ] {
        let redirect = authorize(&world, &replaced(name, value)).await.unwrap();
        assert_eq!(parameter(&redirect, "error").as_deref(), Some(error));
        assert_eq!(parameter(&redirect, "state").as_deref(), Some("xyz"));
    }
    let wrong = [
        ("client_secret", "wrong"),
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
    ];
    assert_eq!(token(&world, &wrong).await.status, 403);
    assert_eq!(
        token(&world, &[("grant_type", "password")]).await.body["error"],
        "unsupported_grant_type"
    );
    assert_eq!(token(&world, &[]).await.body["error"], "invalid_request");
    let json = world
        .http
        .post(format!("{}/oauth/token", world.sim.auth_url()))
        .json(&json!({"grant_type": "refresh_token"}));
    assert_eq!(
        json.send().await.unwrap().status().as_u16(),
        403,
        "only forms are read"
    );
}

#[tokio::test]
async fn consent_is_denied_and_tokens_end_when_told_so() {
    let world = World::of(1).await;
    world.sim.set_access_ttl(Duration::from_secs(5));
    let short = tokens(&world, "stages:read:admin offline_access").await;
    assert_eq!(short["expires_in"], 5);
    world.sim.expire_access_tokens();
    assert_eq!(
        get_with(&world, &short["access_token"], "/stages").await,
        401
    );
    let renewed = refresh(&world, short["refresh_token"].as_str().unwrap())
        .await
        .body;
    assert_eq!(
        get_with(&world, &renewed["access_token"], "/stages").await,
        200
    );
    world.sim.revoke_tokens();
    assert_eq!(
        get_with(&world, &renewed["access_token"], "/stages").await,
        401
    );
    assert_eq!(
        refresh(&world, renewed["refresh_token"].as_str().unwrap())
            .await
            .status,
        403
    );

    let url = format!("{}/sim/oauth", world.sim.auth_url());
    let told = world
        .http
        .post(url)
        .json(&json!({ "consent": "deny" }))
        .send()
        .await
        .unwrap();
    assert_eq!(told.status().as_u16(), 204);
    let redirect = authorize(&world, &asking("stages:read:admin"))
        .await
        .unwrap();
    assert_eq!(
        parameter(&redirect, "error").as_deref(),
        Some("access_denied")
    );
    assert!(parameter(&redirect, "error_description").is_some());
    world.sim.set_consent(Consent::Grant);
    tokens(&world, "stages:read:admin").await;
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_has_used_up_the_token() {
    let world = World::of(1).await;
    let first = tokens(&world, "stages:read:admin offline_access").await;
    let old = text(&first["refresh_token"]);
    let rule = FaultRule::on("oauthToken", Action::ServerErrorAfter(502)).when(When::Nth(1));
    world.sim.set_faults(FaultPlan {
        seed: 1,
        rules: vec![rule],
    });
    assert_eq!(refresh(&world, &old).await.status, 502);
    assert_eq!(refresh(&world, &old).await.status, 403);
    let entry = world
        .sim
        .audit()
        .into_iter()
        .find(|it| it.status == Some(502))
        .unwrap();
    assert_eq!(
        (entry.operation.as_deref(), entry.effect, entry.body),
        (Some("oauthToken"), true, None)
    );
}

#[tokio::test]
async fn a_new_token_has_no_new_rate_limit() {
    let rate_limit = Some(RateLimit {
        burst: 2,
        per_second: 0,
    });
    let world = World::with(Config {
        rate_limit,
        ..config(1)
    })
    .await;
    let (one, other) = (tokens(&world, "").await, tokens(&world, "").await);
    let mut statuses = Vec::new();
    for token in [&one, &other, &other] {
        statuses.push(get_with(&world, &token["access_token"], "/stages").await);
    }
    assert_eq!(statuses, [200, 200, 429]);
}
