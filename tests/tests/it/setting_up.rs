//! Setting a connection up step by step before anything is read, as a browser without JavaScript does.

use proto::v1 as pb;
use reqwest::StatusCode;
use tonic::Code;

use crate::console::{Browser, Page, csrf};
use crate::support::{Setup, World, refused};

const KEPT: [&str; 8] = [
    "users",
    "stages",
    "archive_reasons",
    "postings",
    "opportunities",
    "applications",
    "contacts",
    "notes",
];

/// Opens a step, fills in its form, and gives where that leads.
async fn fill(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    let page = browser.open(path).await;
    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
    let proof = csrf(&page);
    let mut all = vec![("csrf", proof.as_str())];
    all.extend(fields);
    browser.post(path, &all).await
}

/// Connects the account of the simulator and gives where its setting up begins.
async fn connect_to_set_up(world: &mut World, browser: &mut Browser) -> String {
    let (base_url, key) = (world.lever.base_url(), world.key().to_owned());
    let fields = [
        ("display_name", "Acme"),
        ("region", "other"),
        ("base_url", base_url.as_str()),
        ("api_key", key.as_str()),
        ("next", "setup"),
    ];
    let connected = fill(browser, "/console/connect", &fields).await;
    let first = connected.to;
    let setup = first
        .strip_suffix("/test")
        .expect("the first step")
        .to_owned();
    let id = setup.trim_start_matches("/console/connections/");
    world.connection = id.trim_end_matches("/setup").to_owned();
    setup
}

fn ticked(streams: &[String]) -> Vec<(&str, &str)> {
    streams.iter().map(|field| (field.as_str(), "on")).collect()
}

async fn connection(world: &World) -> pb::Connection {
    let request = pb::GetConnectionRequest {
        connection_id: world.connection.clone(),
    };
    let answer = world.api.connections().get_connection(request).await;
    answer
        .expect("an answer")
        .into_inner()
        .connection
        .expect("one")
}

#[tokio::test]
async fn a_connection_that_is_set_up_can_be_left_and_gone_on_with_after_a_restart() {
    let mut world = World::with_opportunities(30).await;
    let mut browser = Browser::new(&world);
    let setup = connect_to_set_up(&mut world, &mut browser).await;
    assert_eq!(connection(&world).await.state(), pb::SyncState::Paused);

    // The test is made when it is asked for.
    let step = |name: &str| format!("{setup}/{name}");
    assert_eq!(browser.open(&setup).await.to, step("test"));
    let calls = world.lever.audit().len();
    let page = browser.open(&step("test")).await;
    assert!(page.text.contains("Nothing is read before you start it."));
    assert!(page.text.contains("not tested since"));
    assert_eq!(
        world.lever.audit().len(),
        calls,
        "a page asks Lever nothing"
    );
    let tested = fill(&mut browser, &step("test"), &[]).await;
    assert_eq!(tested.to, step("test"));
    let page = browser.open(&tested.to).await;
    assert!(page.text.contains("Nothing that was tested is missing."));
    assert!(page.text.contains("Time to answer"));
    assert_eq!(browser.open(&setup).await.to, step("scopes"));

    // Notes without the people they are about.
    let torn = [
        ("stream.users", "on"),
        ("stream.notes", "on"),
        ("include_secret_notes", "on"),
    ];
    let told = fill(&mut browser, &step("scopes"), &torn).await;
    assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(told.text.contains("hang on opportunities"), "{}", told.text);
    assert!(told.text.contains("name=\"stream.notes\" checked"));
    let names: Vec<String> = KEPT.iter().map(|name| format!("stream.{name}")).collect();
    let saved = fill(&mut browser, &step("scopes"), &ticked(&names)).await;
    assert_eq!(saved.to, step("history"), "{}", saved.text);

    world.stop().await;
    world.start().await;
    let mut browser = Browser::new(&world);
    let all = browser.open("/console").await;
    assert!(all.text.contains("Continue setting up") && all.text.contains(&setup));
    let page = browser.open(&step("scopes")).await;
    assert!(page.text.contains("name=\"stream.notes\" checked"));
    assert!(!page.text.contains("name=\"stream.offers\" checked"));
    assert!(!page.text.contains("name=\"stream.eeo_responses\" checked"));
    let page = browser.open(&step("history")).await;
    assert!(
        page.text.contains("value=\"date\" checked"),
        "a year back unless told otherwise"
    );
    let wrong = [("from", "date"), ("start", "soon")];
    let told = fill(&mut browser, &step("history"), &wrong).await;
    assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
    let since = [
        ("from", "date"),
        ("start", "2001-02-03"),
        ("include_archived", "on"),
        ("include_snoozed", "on"),
    ];
    let saved = fill(&mut browser, &step("history"), &since).await;
    assert_eq!(saved.to, step("acting"), "{}", saved.text);

    let find = [("act", "find"), ("words", "example.com")];
    let found = fill(&mut browser, &step("acting"), &find).await;
    let (_, rest) = found
        .text
        .split_once("name=\"user\" value=\"")
        .expect("a user that fits");
    let user = rest.split('"').next().expect("its end").to_owned();
    assert!(!user.is_empty());
    let find = [("act", "find"), ("words", "no-such-person")];
    let nobody = fill(&mut browser, &step("acting"), &find).await;
    assert!(nobody.text.contains("No active user of Lever’s fits"));
    let unknown = [("user", "does-not-exist"), ("strict", "on")];
    let told = fill(&mut browser, &step("acting"), &unknown).await;
    assert_eq!(told.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        told.text.contains("Lever has no such user"),
        "{}",
        told.text
    );
    assert_eq!(connection(&world).await.default_acting_user_id, "");
    let chosen = [("user", user.as_str()), ("strict", "on")];
    let saved = fill(&mut browser, &step("acting"), &chosen).await;
    assert_eq!(saved.to, step("start"), "{}", saved.text);

    let page = browser.open(&step("start")).await;
    assert!(page.text.contains("opportunities since 2001-02-03"));
    assert!(page.text.contains("8 kinds of record"));
    assert!(page.text.contains("At half of it"), "{}", page.text);
    let kept = connection(&world).await;
    assert_eq!(kept.default_acting_user_id, user);
    assert!(kept.strict_acting_user && !kept.include_secret_notes);
    let mut streams = kept.streams.clone();
    streams.sort();
    let mut expected = KEPT.map(str::to_owned);
    expected.sort();
    assert_eq!(streams, expected);
    assert_eq!(kept.state(), pb::SyncState::Paused);

    let started = fill(&mut browser, &step("start"), &[]).await;
    let overview = setup.trim_end_matches("/setup");
    assert_eq!(started.to, overview);
    world.until_synced().await;
    assert_eq!(
        browser.open(&step("scopes")).await.to,
        overview,
        "it is set up"
    );
}

#[tokio::test]
async fn an_estimate_goes_by_what_is_kept_and_by_what_lever_tells() {
    let mut setup = Setup::new(250);
    setup.connection.streams = vec!["users".to_owned(), "opportunities".to_owned()];
    let mut world = World::new(setup).await;
    world.connect().await;
    let estimate = async || {
        let request = pb::EstimateImportRequest {
            connection_id: world.connection.clone(),
        };
        world.api.sync().estimate_import(request).await
    };
    let few = estimate().await.expect("an estimate").into_inner();
    assert_eq!(few.lists_per_opportunity, 0);
    assert_eq!(few.requests, 2 + few.opportunities.div_ceil(100));
    let change = pb::UpdateConnectionRequest {
        connection: Some(pb::Connection {
            id: world.connection.clone(),
            streams: KEPT.map(str::to_owned).into(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["streams".to_owned()],
        }),
    };
    let changed = world.api.connections().update_connection(change).await;
    changed.expect("changed");
    let more = estimate().await.expect("an estimate").into_inner();
    assert_eq!(more.lists_per_opportunity, 1, "notes");
    let lists = 5 + more.opportunities.div_ceil(100);
    assert_eq!(more.requests, lists + more.opportunities);
    let seconds = |at: Option<prost_types::Duration>| at.expect("a time").seconds;
    assert!(seconds(more.at_half_rate) >= seconds(more.at_full_rate));

    let request = pb::DeleteConnectionRequest {
        connection_id: world.connection.clone(),
        purge_now: false,
    };
    let ended = world.api.connections().delete_connection(request).await;
    ended.expect("disconnected");
    assert_eq!(refused(estimate().await).code, Code::FailedPrecondition);
}

/// The etag that the form of a step carries.
fn etag(page: &Page) -> String {
    let (_, rest) = page
        .text
        .split_once("name=\"etag\" value=\"")
        .expect("an etag");
    rest.split('"').next().expect("its end").to_owned()
}

/// Sends a form as a page that was opened earlier holds it.
async fn send(browser: &mut Browser, path: &str, page: &Page, fields: &[(&str, &str)]) -> Page {
    let (proof, etag) = (csrf(page), etag(page));
    let mut all = vec![("csrf", proof.as_str()), ("etag", etag.as_str())];
    all.extend(fields);
    browser.post(path, &all).await
}

#[tokio::test]
async fn a_step_left_open_changes_nothing_once_the_account_is_started() {
    let mut world = World::with_opportunities(12).await;
    let mut browser = Browser::new(&world);
    let setup = connect_to_set_up(&mut world, &mut browser).await;
    let step = |name: &str| format!("{setup}/{name}");
    let mut opened = Vec::new();
    for name in ["scopes", "history", "acting", "start"] {
        opened.push((name, browser.open(&step(name)).await));
    }
    let test = browser.open(&step("test")).await;

    // Of two who set it up, the second is told of the first.
    let few = [
        "users",
        "stages",
        "postings",
        "opportunities",
        "applications",
    ];
    let few: Vec<String> = few.iter().map(|name| format!("stream.{name}")).collect();
    let (_, page) = &opened[0];
    let saved = send(&mut browser, &step("scopes"), page, &ticked(&few)).await;
    assert_eq!(saved.to, step("history"), "{}", saved.text);
    let theirs = connection(&world).await;
    let year = [("from", "date"), ("start", "2020-01-01")];
    let (_, page) = &opened[1];
    let told = send(&mut browser, &step("history"), page, &year).await;
    assert_eq!(told.status, StatusCode::CONFLICT, "{}", told.text);
    assert!(
        told.text
            .contains("were changed since you opened this step")
    );
    assert!(told.text.contains("value=\"2020-01-01\""), "{}", told.text);
    let (_, page) = &opened[2];
    let told = send(&mut browser, &step("acting"), page, &[("strict", "on")]).await;
    assert_eq!(told.status, StatusCode::CONFLICT, "{}", told.text);
    let (_, page) = &opened[3];
    let told = send(&mut browser, &step("start"), page, &[]).await;
    assert_eq!(told.status, StatusCode::CONFLICT, "{}", told.text);
    assert!(told.text.contains("Nothing is started yet"));
    assert_eq!(connection(&world).await, theirs);
    let page = browser.open(&step("history")).await;
    let year = [("from", "all"), ("include_archived", "on")];
    let saved = send(&mut browser, &step("history"), &page, &year).await;
    assert_eq!(saved.to, step("acting"), "{}", saved.text);

    let page = browser.open(&step("start")).await;
    let started = send(&mut browser, &step("start"), &page, &[]).await;
    assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.text);
    world.until_synced().await;
    let kept = connection(&world).await;
    let proof = csrf(&test);
    for name in ["test", "scopes", "history", "acting", "start"] {
        // Also a form without an etag, which nothing else would stop.
        let fields = [
            ("csrf", proof.as_str()),
            ("stream.users", "on"),
            ("from", "date"),
            ("start", "2026-11-29"),
        ];
        let told = browser.post(&step(name), &fields).await;
        assert_eq!(told.status, StatusCode::CONFLICT, "{name}: {}", told.text);
        assert!(told.text.contains("is set up already"), "{name}");
        let overview = setup.trim_end_matches("/setup");
        let settings = format!("href=\"{overview}/settings\"");
        assert!(told.text.contains(&settings), "{name}");
    }
    assert_eq!(connection(&world).await.streams, kept.streams);
    assert_eq!(connection(&world).await.etag, kept.etag);
}
