//! The console over HTTP, as a browser without JavaScript speaks: signing in, what is refused, and the way from a key
//! to a mirrored account.

use std::fmt::Write as _;
use std::time::Duration;

use lever_sim::{Action, FaultPlan, FaultRule};
use proto::v1 as pb;
use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Response, StatusCode};

use crate::support::{Setup, World, client, fresh_id, now, until};

/// Long enough for a slow machine; a word that comes is not waited for.
const PATIENCE: Duration = Duration::from_secs(45);

/// A browser: it keeps its cookie and goes where it is sent only when told.
pub(crate) struct Browser {
    client: reqwest::Client,
    base: String,
    pub(crate) cookie: String,
}

/// A page that came.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    /// Where it leads, if it leads on.
    pub(crate) to: String,
    pub(crate) text: String,
}

impl Browser {
    pub(crate) fn new(world: &World) -> Browser {
        Browser {
            client: client(reqwest::redirect::Policy::none()),
            base: format!("http://{}", world.service().http),
            cookie: String::new(),
        }
    }

    /// Goes on where the service is now.
    pub(crate) fn follow(&mut self, world: &World) {
        self.base = format!("http://{}", world.service().http);
    }

    async fn take(&mut self, answer: Response) -> Page {
        if let Some(set) = answer.headers().get(SET_COOKIE) {
            let set = set.to_str().expect("ASCII");
            self.cookie = set.split(';').next().unwrap_or_default().to_owned();
        }
        let to = answer.headers().get(LOCATION);
        let to = to.map(|to| to.to_str().expect("ASCII").to_owned());
        Page {
            status: answer.status(),
            to: to.unwrap_or_default(),
            text: answer.text().await.expect("a page"),
        }
    }

    pub(crate) async fn open(&mut self, path: &str) -> Page {
        let request = self.client.get(format!("{}{path}", self.base));
        let answer = request.header(COOKIE, &self.cookie).send().await;
        self.take(answer.expect("an answer")).await
    }

    /// Listens to what a page is told as it happens.
    async fn listen(&self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.base));
        let answer = request.header(COOKIE, &self.cookie).send().await;
        answer.expect("an answer")
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut body = String::new();
        for (name, value) in fields {
            let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            write!(body, "{name}={value}&").expect("a text takes all");
        }
        let request = self.client.post(format!("{}{path}", self.base));
        let answer = request.header(COOKIE, &self.cookie).body(body).send().await;
        self.take(answer.expect("an answer")).await
    }
}

/// The proof that a page's forms carry.
pub(crate) fn csrf(page: &Page) -> String {
    let (_, rest) = page
        .text
        .split_once("name=\"csrf\" value=\"")
        .expect("a form");
    rest.split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_admin_connects_an_account_and_sees_it_mirrored() {
    let mut world = World::with_opportunities(30).await;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.open("/").await.to, "/console");
    let empty = browser.open("/console").await;
    assert!(empty.text.contains("Nothing is connected yet"));
    let form = browser.open("/console/connect").await;
    let key = world.key().to_owned();
    let base_url = world.lever.base_url();
    let fields = [
        ("csrf", csrf(&form)),
        ("display_name", "Acme <Recruiting>".to_owned()),
        ("region", "other".to_owned()),
        ("base_url", base_url),
    ];
    let mut fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    fields.push(("api_key", "not-the-key-of-lever"));
    let refused = browser.post("/console/connect", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.text.contains("Acme &lt;Recruiting&gt;"),
        "the form is still filled in"
    );
    assert!(!refused.text.contains("not-the-key-of-lever"));
    fields.pop();
    fields.push(("api_key", &key));
    let connected = browser.post("/console/connect", &fields).await;
    assert_eq!(
        connected.status,
        StatusCode::SEE_OTHER,
        "{}",
        connected.text
    );
    let permissions = browser.open(&connected.to).await;
    assert!(
        permissions.text.contains("The account is connected"),
        "said once"
    );
    assert!(permissions.text.contains("not tested since"));
    let proof = csrf(&permissions);
    let tested = browser.post(&connected.to, &[("csrf", &proof)]).await;
    assert_eq!(tested.to, connected.to, "{}", tested.text);
    let again = browser.open(&connected.to).await;
    assert!(
        !again.text.contains("The account is connected"),
        "and not again"
    );
    assert!(again.text.contains("Nothing that was tested is missing."));
    let overview = connected.to.trim_end_matches("/permissions").to_owned();
    world.connection = overview.rsplit('/').next().unwrap_or_default().to_owned();
    world.until_synced().await;
    // What was called until then is written down before the test goes by it.
    let tested = browser.post(&connected.to, &[("csrf", &proof)]).await;
    assert_eq!(tested.to, connected.to, "{}", tested.text);
    for (tab, shows) in [
        ("", "Mirror of Lever"),
        ("/issues", "Nothing is wrong"),
        ("/sync", "opportunities"),
        ("/operations", "Nothing was written yet"),
        ("/calls", "/opportunities"),
        ("/users", "@example.com"),
        ("/settings", "Replace the key"),
        ("/settings/disconnect", "Type the name of the connection"),
    ] {
        let page = browser.open(&format!("{overview}{tab}")).await;
        assert_eq!(page.status, StatusCode::OK, "{tab}");
        assert!(page.text.contains(shows), "{tab} shows {shows}");
        assert!(!page.text.contains(&key), "{tab} shows no key");
        assert!(
            page.text.len() < 100_000,
            "{tab} is {} bytes",
            page.text.len()
        );
    }
}

#[tokio::test]
async fn whoever_has_no_token_sees_nothing_and_a_revoked_one_ends_its_session() {
    let mut world = World::new(Setup::new(5)).await;
    world.connect().await;
    let request = pb::CreateTokenRequest {
        role: pb::TokenRole::Admin.into(),
        ..Default::default()
    };
    let first = world.api.tokens().create_token(request.clone()).await;
    let admin = first.expect("made").into_inner().secret;
    let api = world.api.with_token(&admin);
    let made = api
        .tokens()
        .create_token(request)
        .await
        .expect("made")
        .into_inner();
    let mut browser = Browser::new(&world);
    let path = format!("/console/connections/{}/settings", world.connection);
    let away = browser.open(&path).await;
    assert_eq!(away.status, StatusCode::SEE_OTHER);
    assert!(away.to.starts_with("/console/sign-in?to="), "{}", away.to);
    let wrong = browser
        .post("/console/sign-in", &[("token", "flc_wrong")])
        .await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    assert!(wrong.text.contains("aria-invalid=\"true\""), "at its field");
    // A form of another site signs nobody in.
    let foreign = browser
        .client
        .post(format!("{}/console/sign-in", browser.base));
    let foreign = foreign.header(ORIGIN, "http://elsewhere.example");
    let foreign = foreign.body(format!("token={}", made.secret)).send().await;
    let foreign = foreign.expect("an answer");
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    assert!(!foreign.headers().contains_key(SET_COOKIE));
    let fields = [("token", made.secret.as_str()), ("to", path.as_str())];
    let signed_in = browser.post("/console/sign-in", &fields).await;
    assert_eq!(signed_in.to, path);
    assert!(
        !browser.cookie.contains(&made.secret),
        "the token is in no cookie"
    );
    let page = browser.open(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    let proof = csrf(&page);
    let forged = browser
        .post(&path, &[("csrf", "guessed"), ("display_name", "x")])
        .await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    // What was filled in when a session ended is taken from the next one of the same token.
    let mut next = Browser::new(&world);
    let fields = [("token", made.secret.as_str())];
    next.post("/console/sign-in", &fields).await;
    let fields = [("csrf", proof.as_str()), ("display_name", "")];
    let taken = next.post(&path, &fields).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    let id = made.token.expect("a token").id;
    let request = pb::RevokeTokenRequest {
        token_id: id,
        ..Default::default()
    };
    api.tokens().revoke_token(request).await.expect("revoked");
    assert_eq!(browser.open(&path).await.status, StatusCode::SEE_OTHER);
    let late = browser
        .post(&path, &[("csrf", proof.as_str()), ("display_name", "x")])
        .await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED, "nothing is done");
    // The same token would not help: that is said, and what was filled in can be copied.
    assert!(late.text.contains("was revoked on <time"), "{}", late.text);
    assert!(late.text.contains("<dt>Name</dt><dd>x</dd>") && !late.text.contains("same token"));
    let away = browser.open("/console/sign-in").await;
    assert!(away.text.contains("was revoked on <time"), "{}", away.text);
    let fields = [("token", made.secret.as_str())];
    let again = browser.post("/console/sign-in", &fields).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
    assert!(
        again.text.contains("was revoked on <time"),
        "{}",
        again.text
    );
    // Somebody else's forms are others.
    let fields = [("token", admin.as_str())];
    browser.post("/console/sign-in", &fields).await;
    let fields = [("csrf", proof.as_str()), ("display_name", "x")];
    let again = browser.post(&path, &fields).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
}

/// Reads a stream of events to its end.
async fn end_of(mut events: Response) {
    let read = async { while let Ok(Some(_)) = events.chunk().await {} };
    let ended = tokio::time::timeout(PATIENCE, read).await;
    ended.expect("the stream ends");
}

#[tokio::test]
async fn a_live_page_ends_when_its_token_expires_and_when_its_reader_signs_out() {
    let mut world = World::new(Setup::new(5)).await;
    world.connect().await;
    let request = |seconds: Option<i64>| pb::CreateTokenRequest {
        role: pb::TokenRole::Admin.into(),
        expire_time: seconds.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 }),
        ..Default::default()
    };
    let lasting = world.api.tokens().create_token(request(None)).await;
    let lasting = lasting.expect("made").into_inner().secret;
    let api = world.api.with_token(&lasting);
    // Two to three seconds from now.
    let soon = now() / 1_000 + 3;
    let brief = api.tokens().create_token(request(Some(soon))).await;
    let brief = brief.expect("made").into_inner().secret;
    let live = format!("/console/connections/{}/live", world.connection);
    let (mut one, mut other) = (Browser::new(&world), Browser::new(&world));
    let sign_in = "/console/sign-in";
    one.post(sign_in, &[("token", brief.as_str())]).await;
    other.post(sign_in, &[("token", lasting.as_str())]).await;
    let (of_brief, of_lasting) = (one.listen(&live).await, other.listen(&live).await);
    assert_eq!(of_lasting.status(), StatusCode::OK);
    end_of(of_brief).await;
    let away = one.open(sign_in).await;
    assert!(away.text.contains("expired on <time"), "{}", away.text);
    let proof = csrf(&other.open("/console").await);
    let fields = [("csrf", proof.as_str())];
    other.post("/console/sign-out", &fields).await;
    end_of(of_lasting).await;
}

/// Each live page holds a connection of the port that webhooks and probes come by.
///
/// Seen to fail while live pages were not counted: the third is opened.
#[tokio::test]
async fn live_pages_leave_connections_for_others() {
    let setup = Setup::new(5).with("FULCRUM__LIMITS__CONNECTIONS", "16");
    let mut world = World::new(setup).await;
    world.connect().await;
    let request = pb::CreateTokenRequest {
        role: pb::TokenRole::Admin.into(),
        ..Default::default()
    };
    let made = world.api.tokens().create_token(request).await;
    let token = made.expect("made").into_inner().secret;
    let live = format!("/console/connections/{}/live", world.connection);
    let mut browser = Browser::new(&world);
    browser
        .post("/console/sign-in", &[("token", token.as_str())])
        .await;
    let open = [browser.listen(&live).await, browser.listen(&live).await];
    assert!(open.iter().all(|page| page.status() == StatusCode::OK));
    let third = browser.listen(&live).await;
    assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS);
    drop(open);
    until("there is room again", async || {
        (browser.listen(&live).await.status() == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_tokens_a_form_outlasts_a_restart_and_a_guess_is_refused() {
    let mut world = World::new(Setup::new(5)).await;
    world.connect().await;
    let path = format!("/console/connections/{}/card", world.connection);
    let mut browser = Browser::new(&world);
    let proof = csrf(&browser.open("/console/connect").await);
    world.stop().await;
    world.start().await;
    let mut later = Browser::new(&world);
    let fields = [("csrf", proof.as_str()), ("act", "pause")];
    let paused = later.post(&path, &fields).await;
    assert_eq!(paused.status, StatusCode::SEE_OTHER, "{}", paused.text);
    assert_eq!(world.settings().await.state(), pb::SyncState::Paused);
    let forged = later
        .post(&path, &[("csrf", "guessed"), ("act", "resume")])
        .await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert_eq!(world.settings().await.state(), pb::SyncState::Paused);
}

#[tokio::test]
async fn a_disconnected_account_keeps_its_pages_and_hides_no_other() {
    let mut setup = Setup::new(10);
    setup.connection.external_id = "customer-1".to_owned();
    let world = World::synced(setup).await;
    let mut browser = Browser::new(&world);
    let at = format!("/console/connections/{}", world.connection);
    let request = pb::DeleteConnectionRequest {
        connection_id: world.connection.clone(),
        purge_now: false,
    };
    let told = world.api.connections().delete_connection(request).await;
    told.expect("disconnected");
    let list = browser.open("/console").await;
    assert_eq!(list.status, StatusCode::OK, "{}", list.text);
    assert!(list.text.contains(">Disconnected<") && list.text.contains("are deleted on <time"));
    // Connecting anew asks whether this account is meant.
    let form = browser.open("/console/connect").await;
    assert!(form.text.contains("Was this account connected before?"));
    for tab in [
        "",
        "/applicants",
        "/applicants/sla",
        "/duplicates",
        "/permissions",
        "/fields",
        "/sync",
        "/calls",
        "/users",
    ] {
        let page = browser.open(&format!("{at}{tab}")).await;
        assert_eq!(page.status, StatusCode::OK, "{tab}: {}", page.text);
        assert!(
            page.text.contains("This account is disconnected"),
            "{tab}: {}",
            page.text
        );
        assert!(page.text.contains("<code>customer-1</code>"), "{tab}");
        assert!(page.text.contains("aria-label=\"Connection\""), "{tab}");
        assert!(!page.text.contains("CreateConnection"), "{tab}");
    }
    let proof = csrf(&browser.open(&format!("{at}/settings")).await);
    let start = format!("{at}/sync/start");
    let refused = browser.post(&start, &[("csrf", &proof)]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text.contains("Nothing was changed"));
    assert!(refused.text.contains("aria-label=\"Connection\""));
}

#[tokio::test]
async fn whatever_cannot_be_shown_is_told_in_the_frame_with_a_way_on() {
    let mut world = World::new(Setup::new(10)).await;
    let request = pb::CreateConnectionRequest {
        connection: Some(pb::Connection {
            display_name: "Acme".to_owned(),
            base_url: world.lever.base_url(),
            ..Default::default()
        }),
        api_key: world.key().to_owned(),
        paused: true,
        ..Default::default()
    };
    let made = world.api.connections().create_connection(request).await;
    let made = made.expect("connected").into_inner().connection;
    world.connection = made.expect("a connection").id;
    let mut browser = Browser::new(&world);
    let at = format!("/console/connections/{}", world.connection);
    for tab in ["/applicants", "/applicants/sla", "/duplicates"] {
        let page = browser.open(&format!("{at}{tab}")).await;
        assert_eq!(page.status, StatusCode::OK, "{tab}: {}", page.text);
        assert!(
            page.text.contains("Not read yet") && page.text.contains("Continue setting up"),
            "{tab}: {}",
            page.text
        );
    }
    for (path, status, says) in [
        (
            "/console/nowhere/at-all",
            404,
            "There is no page at this address.",
        ),
        ("/console/connections/none", 404, "This did not work"),
        (
            &format!("{at}/nothing"),
            404,
            "There is no page at this address.",
        ),
        (
            &format!("{at}/stages/versions/abc"),
            400,
            "This address cannot be read",
        ),
        (
            "/console/connections/%ff",
            400,
            "This address cannot be read",
        ),
        (
            &format!("{at}/operations?person=ada%40example.com"),
            422,
            "takes Lever’s id of an opportunity only",
        ),
        (
            &format!("{at}/operations?show=everything"),
            422,
            "give held, waiting, uncertain, failed, done, cancelled, or leave it out",
        ),
        (&format!("{at}/issues?show=x"), 422, "give muted, resolved"),
        (&format!("{at}/calls?status=x"), 422, "give failed"),
        (&format!("{at}/calls?after=old"), 422, "Show the first page"),
        ("/console?after=old", 422, "Show the first page"),
    ] {
        let page = browser.open(path).await;
        assert_eq!(page.status.as_u16(), status, "{path}: {}", page.text);
        assert!(page.text.contains(says), "{path}: {}", page.text);
        assert!(page.text.contains("<div class=\"who\">"), "{path}");
        let titled = page.text.contains("<title>This did not work · ");
        assert!(titled || path.contains("?person="), "{path}");
        assert!(!page.text.contains("Nothing was changed"), "{path}");
        let tabs = page.text.contains("aria-label=\"Connection\"");
        assert_eq!(tabs, path.starts_with(&at), "{path}");
    }
    for (path, leads) in [
        (format!("{at}/sync/start"), format!("{at}/sync")),
        (
            "/console/links/x/revoke".to_owned(),
            "/console/links".to_owned(),
        ),
        ("/console/".to_owned(), "/console".to_owned()),
        (
            format!("{at}/issues/?show=muted"),
            format!("{at}/issues?show=muted"),
        ),
    ] {
        assert_eq!(browser.open(&path).await.to, leads, "{path}");
    }

    let request = pb::CreateTokenRequest {
        role: pb::TokenRole::Admin.into(),
        ..Default::default()
    };
    let token = world.api.tokens().create_token(request).await;
    token.expect("made");
    let away = browser.open(&format!("{at}/operations?show=held")).await;
    assert!(away.to.ends_with("operations%3Fshow%3Dheld"), "{}", away.to);
    let unknown = browser.open("/console/nowhere").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.text.contains("There is no page at this address."));
}

/// Waits for the next word that something has changed.
async fn told_of_change(events: &mut Response) {
    loop {
        let chunk = events.chunk().await.expect("it goes on").expect("more");
        if String::from_utf8_lossy(&chunk).contains("event: changed") {
            return;
        }
    }
}

/// product.md, screen 3: a page is told when something was committed, and shows it when it is asked for then.
#[tokio::test]
async fn a_page_is_told_of_what_a_pull_commits_and_shows_it() {
    let world = World::synced(Setup::new(20)).await;
    let mut browser = Browser::new(&world);
    let at = format!("/console/connections/{}", world.connection);
    let people = |page: &Page| {
        let (_, row) = page.text.split_once(">Opportunities<").expect("a row");
        let (_, cell) = row.split_once("data-label=\"Records\">").expect("a cell");
        let number = cell.split('<').next().unwrap_or_default().to_owned();
        number.parse::<u64>().expect("a number")
    };
    let before = people(&browser.open(&at).await);
    let mut events = browser.listen(&format!("{at}/live")).await;
    told_of_change(&mut events).await;
    world.apply("Newcomer Example");
    let follows = async {
        while people(&browser.open(&at).await) == before {
            told_of_change(&mut events).await;
        }
    };
    let (shown, ()) = tokio::join!(tokio::time::timeout(PATIENCE, follows), world.pull());
    shown.expect("the page is told");
    assert_eq!(people(&browser.open(&at).await), before + 1);
}

/// product.md, screen 12: the list of writes is told of one that is held, which moves nothing else.
///
/// Seen to fail while what was recorded was told to nobody until it moved.
#[tokio::test]
async fn the_list_of_writes_is_told_of_what_is_recorded() {
    let world = World::synced(Setup::new(20)).await;
    let people = world.open_opportunities();
    let mut browser = Browser::new(&world);
    let at = format!("/console/connections/{}/operations", world.connection);
    let empty = browser.open(&at).await;
    assert!(empty.text.contains("Nothing was written yet"));
    assert!(empty.text.contains(&format!("data-live=\"{at}/live\"")));
    let mut events = browser.listen(&format!("{at}/live")).await;
    told_of_change(&mut events).await;
    let archive = pb::ArchiveRequest {
        opportunity_id: people[0].clone(),
        request_id: fresh_id(),
        archive_reason_id: world.reject_reason(),
        hold: Some(pb::Hold {
            delay: Some(pb::hold::Delay::BusinessDays(2)),
        }),
        ..Default::default()
    };
    let held = world.archive(archive).await.expect("held");
    told_of_change(&mut events).await;
    let shown = browser.open(&at).await;
    assert!(shown.text.contains(&held.id) && shown.text.contains("id=\"writes\""));
    let older = browser.open(&format!("{at}?after=nowhere")).await;
    assert!(!older.text.contains("data-live="));
    let nobody = browser
        .listen("/console/connections/nobody/operations/live")
        .await;
    assert_eq!(nobody.status(), StatusCode::NOT_FOUND);
}

/// product.md, screen 12: the page of a write follows it to its end, and not those about others.
///
/// Seen to fail while nothing told the page, and while what was under way was said to be without an answer.
#[tokio::test]
async fn the_page_of_a_write_is_told_until_it_is_done() {
    let setup = Setup::new(20).with("FULCRUM__LEVER__ATTEMPT_TIMEOUT", "100s");
    let world = World::synced(setup).await;
    let people = world.open_opportunities();
    let stall = Action::StallBefore(Duration::from_secs(600));
    world.lever.set_faults(FaultPlan {
        seed: 1,
        rules: vec![FaultRule::on("createOpportunityNote", stall)],
    });
    let write = world.note_unawaited(&people[0], "followed").await;
    let mut browser = Browser::new(&world);
    let at = format!(
        "/console/connections/{}/operations/{}",
        world.connection, write.id
    );
    until("it is on its way", async || {
        let page = browser.open(&at).await;
        page.text.contains(">under way<").then_some(())
    })
    .await;
    let page = browser.open(&at).await;
    let live = format!("{at}/live");
    assert!(page.text.contains(&format!("data-live=\"{live}\"")));
    let mut events = browser.listen(&live).await;
    told_of_change(&mut events).await;
    world.note_unawaited(&people[1], "another").await;
    world.lever.set_faults(FaultPlan::default());
    world.lever.release_stalls();
    let follows = async {
        while !browser.open(&at).await.text.contains("succeeded") {
            told_of_change(&mut events).await;
        }
    };
    tokio::time::timeout(PATIENCE, follows).await.expect("told");
    let page = browser.open(&at).await.text;
    assert!(!page.contains("data-live=") && !page.contains("under way"));
    let nobody = browser.listen(&format!("{at}0/live")).await;
    assert_eq!(nobody.status(), StatusCode::NOT_FOUND);
}

/// What is asked for while Lever answers nothing is not said to happen now.
#[tokio::test]
async fn who_syncs_while_lever_cannot_be_reached_is_told_when_it_is_read() {
    let setup = Setup::new(20)
        .with("FULCRUM__LEVER__ATTEMPT_TIMEOUT", "1s")
        .with("FULCRUM__LEVER__DEADLINE", "2s");
    let world = World::synced(setup).await;
    let mut browser = Browser::new(&world);
    let path = format!("/console/connections/{}/sync", world.connection);
    let proof = csrf(&browser.open(&path).await);
    let fields = [("csrf", proof.as_str())];
    let start = format!("{path}/start");
    browser.post(&start, &fields).await;
    let said = browser.open(&path).await;
    assert!(said.text.contains("Every stream is read now."));
    world.lever.set_faults(FaultPlan {
        seed: 1,
        rules: vec![FaultRule::always(Action::ServerErrorBefore(503))],
    });
    let told = "Lever cannot be reached just now: every stream is read as soon as Lever answers.";
    until("what is in the way is told", async || {
        browser.post(&start, &fields).await;
        let said = browser.open(&path).await;
        said.text.contains(told).then_some(())
    })
    .await;
}
