//! Grants that renew themselves, against an authority and an API of our own.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use lever::oauth::{
    Authority, Error, Keep, OAuthApp, OAuthCredential, SaveError, Tokens, Underway,
};
use lever::{BaseUrl, Budget, Client, Credential, ErrorKind, Http, Limits, ListStages, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::client;

const HOUR: i64 = 3_600_000;
const MINUTE: i64 = 60_000;

/// An account with the tokens a1 and r1, which end an hour after the beginning of time.
struct World {
    authority: MockServer,
    api: MockServer,
    now: Arc<AtomicI64>,
    keeper: Arc<Keeper>,
    grant: OAuthCredential,
}

fn tokens(number: i64) -> Tokens {
    Tokens {
        access_token: format!("a{number}").into(),
        refresh_token: Some(format!("r{number}").into()),
        expires_at: Timestamp::from_millis(HOUR),
        scopes: Vec::new(),
    }
}

/// What the caller was told, in order; it can be made to fail.
#[derive(Default)]
struct Keeper {
    told: Mutex<Vec<String>>,
    keeping_fails: AtomicBool,
    stopping: AtomicBool,
}

impl Keeper {
    fn tell(&self, what: &str) {
        self.told.lock().unwrap().push(what.to_owned());
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

impl Keep for Keeper {
    fn begin(&self) -> BoxFuture<'_, Result<Underway, SaveError>> {
        if self.stopping.load(Ordering::Relaxed) {
            return async { Err("stopping".into()) }.boxed();
        }
        self.tell("begin");
        async { Ok(Box::new(()) as Underway) }.boxed()
    }

    fn end(&self) -> BoxFuture<'_, ()> {
        self.tell("end");
        async {}.boxed()
    }

    fn refused(&self, unanswered: bool) {
        self.tell(if unanswered { "lost" } else { "refused" });
    }

    fn keep(&self, tokens: Tokens) -> BoxFuture<'_, Result<(), SaveError>> {
        if self.keeping_fails.load(Ordering::Relaxed) {
            return async { Err("disk full".into()) }.boxed();
        }
        self.tell(tokens.refresh_token.unwrap().expose_secret());
        async { Ok(()) }.boxed()
    }
}

impl World {
    async fn new() -> World {
        World::after(false).await
    }

    /// A renewal was begun before, or was not.
    async fn after(unanswered: bool) -> World {
        let authority = MockServer::start().await;
        let address = authority.uri();
        World::asking(authority, &address, unanswered).await
    }

    /// Tokens are asked for at `address`.
    async fn asking(authority: MockServer, address: &str, unanswered: bool) -> World {
        let api = MockServer::start().await;
        // Installs the crypto provider.
        client(&api.uri());
        let now = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&now);
        let keeper = Arc::new(Keeper::default());
        let app = OAuthApp {
            client_id: "app".to_owned(),
            client_secret: "hush".into(),
            redirect_uri: "https://fulcrum.test/back".to_owned(),
            authority: Authority::at(&BaseUrl::parse(address).unwrap(), "x"),
        };
        let grant = OAuthCredential::new(
            app,
            Http::new().unwrap(),
            "account-7",
            tokens(1),
            Arc::new(move || Timestamp::from_millis(clock.load(Ordering::Relaxed))),
            keeper.clone(),
            unanswered,
        );
        World {
            authority,
            api,
            now,
            keeper,
            grant,
        }
    }

    /// The authority gives tokens `to` for the refresh token `from`.
    async fn renews(&self, from: i64, to: i64, delay: Duration) {
        let answer = json!({"access_token": format!("a{to}"), "refresh_token": format!("r{to}"),
            "expires_in": 3600, "token_type": "Bearer"});
        Mock::given(method("POST"))
            .and(path("/oauth/token"))
            .and(body_string_contains("grant_type=refresh_token"))
            .and(body_string_contains("client_id=app&client_secret=hush"))
            .and(body_string_contains(format!("refresh_token=r{from}")))
            .respond_with(
                ResponseTemplate::new(200)
                    .set_body_json(answer)
                    .set_delay(delay),
            )
            .mount(&self.authority)
            .await;
    }

    async fn refuses(&self, status: u16, code: &str) {
        refuse(&self.authority, status, code).await;
    }

    /// The API knows this access token and no other.
    async fn accepts(&self, number: i64) {
        Mock::given(header(
            "authorization",
            format!("Bearer a{number}").as_str(),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"data": []})))
        .mount(&self.api)
        .await;
        Mock::given(wiremock::matchers::any())
            .respond_with(ResponseTemplate::new(401))
            .with_priority(9)
            .mount(&self.api)
            .await;
    }

    fn at(&self, millis: i64) {
        self.now.store(millis, Ordering::Relaxed);
    }

    fn client(&self) -> Client {
        Client::new(
            Http::new().unwrap(),
            BaseUrl::parse(&self.api.uri()).unwrap(),
            Credential::oauth(self.grant.clone()),
            Arc::new(Budget::new(lever::BudgetConfig::default())),
            Limits {
                max_attempts: 2,
                ..Limits::default()
            },
        )
        .with_jitter(Arc::new(|| 0.0))
    }

    async fn token(&self) -> Result<String, Error> {
        let token: SecretString = self.grant.access_token().await?;
        Ok(token.expose_secret().to_owned())
    }

    async fn renewals(&self) -> usize {
        self.authority.received_requests().await.unwrap().len()
    }
}

async fn refuse(authority: &MockServer, status: u16, code: &str) {
    Mock::given(path("/oauth/token"))
        .respond_with(ResponseTemplate::new(status).set_body_json(json!({"error": code})))
        .mount(authority)
        .await;
}

#[tokio::test]
async fn a_code_becomes_tokens() {
    let world = World::new().await;
    Mock::given(path("/oauth/token"))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string_contains("grant_type=authorization_code"))
        .and(body_string_contains("code=c%261&redirect_uri=https%3A%2F%2Ffulcrum.test%2Fback"))
        .respond_with(ResponseTemplate::new(200).set_body_json(
            json!({"access_token": "a1", "refresh_token": "r1", "expires_in": 3600, "scope": "x y"}),
        ))
        .mount(&world.authority)
        .await;
    let app = OAuthApp {
        client_id: "app".to_owned(),
        client_secret: "hush".into(),
        redirect_uri: "https://fulcrum.test/back".to_owned(),
        authority: Authority::at(&BaseUrl::parse(&world.authority.uri()).unwrap(), "x"),
    };
    let now = Timestamp::from_millis(5);
    let tokens = app
        .exchange(&Http::new().unwrap(), "c&1", None, now)
        .await
        .unwrap();
    assert_eq!(tokens.access_token.expose_secret(), "a1");
    assert_eq!(tokens.expires_at, Timestamp::from_millis(5 + HOUR));
    assert_eq!(tokens.scopes, ["x", "y"]);
}

#[tokio::test]
async fn a_token_is_renewed_five_minutes_before_its_end_and_kept() {
    let world = World::new().await;
    world.renews(1, 2, Duration::ZERO).await;
    world.at(HOUR - 5 * MINUTE - 1);
    assert_eq!(world.token().await.unwrap(), "a1");
    assert_eq!(world.renewals().await, 0);
    world.at(HOUR - 5 * MINUTE);
    assert_eq!(world.token().await.unwrap(), "a2");
    assert_eq!(world.keeper.told(), ["begin", "r2"]);
    assert_eq!(world.token().await.unwrap(), "a2");
    assert_eq!(world.renewals().await, 1);
}

#[tokio::test]
async fn only_one_renews_and_the_others_wait_for_it() {
    let world = World::new().await;
    world.renews(1, 2, Duration::from_millis(50)).await;
    world.at(HOUR);
    let all = join_all((0..20).map(|_| world.token())).await;
    assert!(
        all.iter().all(|token| token.as_deref() == Ok("a2")),
        "{all:?}"
    );
    assert_eq!(world.renewals().await, 1);
}

#[tokio::test]
async fn a_failure_is_shared_by_those_who_waited_for_it() {
    let world = World::new().await;
    Mock::given(path("/oauth/token"))
        .respond_with(ResponseTemplate::new(503).set_delay(Duration::from_millis(50)))
        .mount(&world.authority)
        .await;
    world.at(HOUR);
    let all = join_all((0..20).map(|_| world.token())).await;
    let unreachable = |result: &Result<_, _>| matches!(result, Err(Error::Unreachable { .. }));
    assert!(all.iter().all(unreachable), "{all:?}");
    assert_eq!(world.renewals().await, 1);
}

#[tokio::test]
async fn a_token_lever_refuses_is_renewed_once_and_the_call_made_again() {
    let world = World::new().await;
    world.renews(1, 2, Duration::ZERO).await;
    world.accepts(2).await;
    let answer = world.client().answer(&ListStages::default()).await.unwrap();
    assert_eq!(answer.attempts, 2);
    assert_eq!(world.renewals().await, 1);
}

#[tokio::test]
async fn a_token_that_is_refused_even_when_new_ends_the_call() {
    let world = World::new().await;
    world.renews(1, 2, Duration::ZERO).await;
    world.accepts(9).await;
    let error = world
        .client()
        .send(&ListStages::default())
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unauthorized);
    assert_eq!(world.api.received_requests().await.unwrap().len(), 2);
    assert_eq!(world.renewals().await, 1);
}

#[tokio::test]
async fn a_dead_grant_is_asked_for_once() {
    let world = World::new().await;
    world.refuses(403, "invalid_grant").await;
    world.at(HOUR);
    for _ in 0..3 {
        assert!(world.token().await.unwrap_err().needs_reconnect());
        let error = world
            .client()
            .send(&ListStages::default())
            .await
            .unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Unauthorized);
    }
    assert_eq!(world.renewals().await, 1);
    assert!(world.api.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn while_the_authority_is_away_the_old_token_is_used_to_its_end() {
    let world = World::new().await;
    world.refuses(503, "").await;
    world.at(HOUR - MINUTE);
    assert_eq!(world.token().await.unwrap(), "a1");
    assert_eq!(world.token().await.unwrap(), "a1");
    assert_eq!(world.renewals().await, 1, "not asked again at once");
    world.at(HOUR);
    assert!(!world.token().await.unwrap_err().needs_reconnect());
    let error = world
        .client()
        .send(&ListStages::default())
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unreachable);
    assert!(!error.may_have_acted());
}

#[tokio::test]
async fn a_renewal_that_is_refused_is_told_at_once_and_the_old_token_used_to_its_end() {
    let world = World::new().await;
    world.refuses(403, "invalid_grant").await;
    world.at(HOUR - MINUTE);
    assert_eq!(world.token().await.unwrap(), "a1");
    assert_eq!(world.keeper.told(), ["begin", "end", "refused"]);
    world.at(HOUR);
    assert!(world.token().await.unwrap_err().needs_reconnect());
    assert_eq!(world.keeper.told().len(), 3, "told once");
}

#[tokio::test]
async fn a_wrong_app_is_no_reason_to_connect_again() {
    let world = World::new().await;
    world.refuses(401, "invalid_client").await;
    world.at(HOUR);
    let error = world
        .client()
        .send(&ListStages::default())
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn tokens_that_could_not_be_kept_are_not_used_and_not_asked_for_again() {
    let world = World::new().await;
    world.renews(1, 2, Duration::ZERO).await;
    world.at(HOUR - MINUTE);
    world.keeper.keeping_fails.store(true, Ordering::Relaxed);
    assert_eq!(world.token().await, Err(Error::NotKept));
    world.keeper.keeping_fails.store(false, Ordering::Relaxed);
    assert_eq!(world.token().await.unwrap(), "a2");
    assert_eq!(world.keeper.told(), ["begin", "r2"]);
    assert_eq!(world.renewals().await, 1);
}

#[tokio::test]
async fn a_refusal_after_a_renewal_without_an_answer_is_told_from_a_grant_taken_back() {
    let lost = async |world: &World| {
        let error = world.client().send(&ListStages::default()).await;
        let error = error.unwrap_err();
        assert!(error.needs_reconnect());
        error.lost_renewal()
    };
    let world = World::new().await;
    world.refuses(403, "invalid_grant").await;
    world.at(HOUR);
    assert!(!lost(&world).await);
    assert_eq!(world.keeper.told(), ["begin", "end", "refused"]);

    let restarted = World::after(true).await;
    restarted.refuses(403, "invalid_grant").await;
    restarted.at(HOUR);
    assert!(lost(&restarted).await);
    assert_eq!(
        restarted.keeper.told(),
        ["begin", "lost"],
        "it stays unanswered"
    );

    let cut_off = World::new().await;
    Mock::given(path("/oauth/token"))
        .respond_with(ResponseTemplate::new(200).set_body_string(r#"{"access_tok"#))
        .mount(&cut_off.authority)
        .await;
    cut_off.at(HOUR);
    assert!(!cut_off.token().await.unwrap_err().needs_reconnect());
    cut_off.authority.reset().await;
    cut_off.refuses(403, "invalid_grant").await;
    assert!(lost(&cut_off).await);
}

#[tokio::test]
async fn a_grant_taken_back_during_an_outage_is_told_as_that() {
    let told = async |world: &World| {
        let error = world.token().await.unwrap_err();
        assert!(matches!(
            error,
            Error::Refused {
                unanswered: false,
                ..
            }
        ));
        let told = ["begin", "end", "begin", "end", "refused"];
        assert_eq!(world.keeper.told(), told);
    };
    let failing = World::new().await;
    failing.refuses(503, "").await;
    failing.at(HOUR);
    assert!(!failing.token().await.unwrap_err().needs_reconnect());
    failing.authority.reset().await;
    failing.refuses(403, "invalid_grant").await;
    told(&failing).await;

    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let unused = MockServer::start().await;
    let away = World::asking(unused, &format!("http://{address}"), false).await;
    away.at(HOUR);
    assert!(!away.token().await.unwrap_err().needs_reconnect());
    let back = MockServer::builder()
        .listener(TcpListener::bind(address).unwrap())
        .start()
        .await;
    refuse(&back, 403, "invalid_grant").await;
    told(&away).await;
}

#[tokio::test]
async fn a_renewal_that_reaches_its_end_answers_those_before_it() {
    let world = World::after(true).await;
    world.renews(1, 2, Duration::ZERO).await;
    world.at(HOUR);
    assert_eq!(world.token().await.unwrap(), "a2");
    world.authority.reset().await;
    world.refuses(403, "invalid_grant").await;
    world.at(2 * HOUR);
    let error = world.token().await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Refused {
                unanswered: false,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_caller_that_stops_lets_no_renewal_begin_and_the_old_token_works_to_its_end() {
    let world = World::new().await;
    world.renews(1, 2, Duration::ZERO).await;
    world.keeper.stopping.store(true, Ordering::Relaxed);
    world.at(HOUR - MINUTE);
    assert_eq!(world.token().await.unwrap(), "a1");
    world.at(HOUR);
    assert_eq!(world.token().await, Err(Error::NotBegun));
    assert_eq!(world.renewals().await, 0);
}

#[tokio::test]
async fn a_renewal_goes_on_when_its_caller_is_gone() {
    let world = World::new().await;
    world.renews(1, 2, Duration::from_millis(200)).await;
    world.at(HOUR);
    let gone = tokio::time::timeout(Duration::from_millis(20), world.token()).await;
    assert!(gone.is_err());
    assert_eq!(world.token().await.unwrap(), "a2");
    assert_eq!(world.renewals().await, 1);
}

#[tokio::test]
async fn a_budget_is_known_by_the_account_not_by_the_token() {
    let world = World::new().await;
    world.renews(1, 2, Duration::ZERO).await;
    let credential = Credential::oauth(world.grant.clone());
    let before = credential.fingerprint();
    world.at(HOUR);
    assert_eq!(world.token().await.unwrap(), "a2");
    assert_eq!(credential.fingerprint(), before);
    assert_eq!(credential.last_four(), "");
    let shown = format!("{credential:?} {:?}", world.grant);
    assert!(!shown.contains("a2") && !shown.contains("hush"), "{shown}");
}
