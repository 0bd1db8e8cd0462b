//! The linked accounts, and how each is doing (product.md, screen 1).

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use futures::future::{join, join_all};
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;
use proto::v1::sync_service_server::SyncService as _;

use super::connect::{self, CREATE};
use super::permissions;
use super::settings::{self, DELETE};
use super::sync::{PAUSE, START, read_now};
use super::{After, go_on};
use crate::console::desk::Desk;
use crate::console::form::Posted;
use crate::console::frame::{Place, Tab, csrf};
use crate::console::refusal::Refused;
use crate::console::words::{count, moment, span};
use crate::console::{Console, ROOT, import};
use crate::grpc::Api;
use crate::wire::status::status as to_status;

const LIST: &str = "/fulcrum.v1.ConnectionService/ListConnections";
const STATUS: &str = "/fulcrum.v1.SyncService/GetSyncStatus";
pub(super) const ISSUES: &str = "/fulcrum.v1.ConnectionService/ListIssues";
/// Ends a pause, and setting up: who may not is not led there.
pub(super) const SET_UP: &str = "/fulcrum.v1.SyncService/ResumeSync";

use super::links::LINKS;
use super::setup;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console", get(list))
        .route("/console/connections/{id}/card", post(act))
}

/// Cards on a page: each asks for its status and its issues.
const PAGE: i32 = 60;

/// What the page shows.
struct View {
    cards: Vec<Card>,
    /// Where the page begins.
    after: String,
    next_page_token: String,
    may_connect: bool,
    may_list_links: bool,
    may: May,
}

/// What its reader may do on a card.
#[derive(Debug, Clone, Default)]
struct May {
    resume: bool,
    sync: bool,
    pause: bool,
    disconnect: bool,
    connect: bool,
    csrf: String,
}

/// A connection on the page.
#[derive(Default)]
struct Card {
    connection: pb::Connection,
    /// When a stream was last read well.
    last: Option<prost_types::Timestamp>,
    next: Option<prost_types::Timestamp>,
    as_of: Option<prost_types::Timestamp>,
    /// How old what it shows is.
    age: Option<prost_types::Duration>,
    /// How far the first import has come, in percent; none where there is none, or nobody knows.
    percent: Option<u64>,
    issues: Issues,
    /// Whether it is still to be set up.
    unstarted: bool,
    /// Why it is not known how it is doing, as a sentence.
    refused: Option<String>,
}

async fn list(desk: Desk, Query(page_of): Query<After>) -> Result<Response, Refused> {
    let request = pb::ListConnectionsRequest {
        page_size: PAGE,
        page_token: page_of.after.clone(),
    };
    let all = desk.call(LIST, request, Api::list_connections).await?;
    let cards = all.connections.into_iter();
    let view = View {
        cards: join_all(cards.map(|connection| card(&desk, connection))).await,
        after: page_of.after,
        next_page_token: all.next_page_token,
        may_connect: desk.may(CREATE),
        may_list_links: desk.may("/fulcrum.v1.ConnectionService/ListConnectLinks"),
        may: May {
            resume: desk.may(SET_UP),
            sync: desk.may(START),
            pause: desk.may(PAUSE),
            disconnect: desk.may(DELETE),
            connect: desk.may(CREATE),
            csrf: desk.csrf().to_owned(),
        },
    };
    Ok(desk.page("Connections", Place::Top, page(&view)))
}

/// How a connection is doing. What is refused of one is told on its card, and keeps no other from being shown.
async fn card(desk: &Desk, connection: pb::Connection) -> Card {
    if connection.disconnect_time.is_some() {
        return Card {
            connection,
            ..Card::default()
        };
    }
    let request = pb::GetSyncStatusRequest {
        connection_id: connection.id.clone(),
    };
    let status = desk.call(STATUS, request, Api::get_sync_status);
    let (status, issues) = join(status, open_issues(desk, &connection.id)).await;
    let (status, issues) = match (status, issues) {
        (Ok(status), Ok(issues)) => (status, issues),
        (Err(refused), _) | (_, Err(refused)) => {
            return Card {
                connection,
                refused: Some(refused.message()),
                ..Card::default()
            };
        }
    };
    let by_time = |at: &prost_types::Timestamp| (at.seconds, at.nanos);
    let streams = || status.streams.iter();
    let next = streams().filter_map(|stream| stream.next_run_at);
    let last = streams().filter_map(|stream| stream.last_success_at);
    let now = desk.now().as_millis().div_euclid(1_000);
    let age = status.as_of.map(|at| prost_types::Duration {
        seconds: now.saturating_sub(at.seconds),
        nanos: 0,
    });
    Card {
        issues,
        last: last.max_by_key(by_time),
        next: next.min_by_key(by_time),
        as_of: status.as_of,
        age,
        percent: import::whole(&status).map(import::Share::percent),
        unstarted: setup::is_unstarted(&connection, &status.streams),
        connection,
        refused: None,
    }
}

/// What a button of a card does; its reader stays with the cards.
async fn act(Path(id): Path<String>, Posted { desk, form }: Posted) -> Result<Response, Refused> {
    let name = desk.connection(&id).await?.display_name;
    let connection_id = id;
    let said = match form.text("act") {
        "sync" => {
            let request = pb::StartSyncRequest {
                connection_id,
                ..Default::default()
            };
            let now = format!("{name} is read now.");
            read_now(&desk, request, &now, &format!("{name} is read")).await?
        }
        "pause" => {
            let request = pb::PauseSyncRequest { connection_id };
            desk.call(PAUSE, request, Api::pause_sync).await?;
            format!(
                "{name} is paused: nothing is read from Lever until somebody resumes; writes go on."
            )
        }
        "resume" => {
            let request = pb::ResumeSyncRequest { connection_id };
            desk.call(SET_UP, request, Api::resume_sync).await?;
            format!("{name} is read again.")
        }
        _ => {
            let message = "press one of the buttons of a card";
            return Err(to_status(engine::Error::invalid("act", message)).into());
        }
    };
    Ok(desk.done(ROOT, said))
}

/// The open issues of a connection, as far as its reader may know of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Issues {
    pub(super) open: u32,
    /// Whether the reader may see them.
    pub(super) shown: bool,
    /// The newest of them, for whoever may see it.
    pub(super) newest: Option<pb::Issue>,
}

/// The issues that are open of a connection; of who may not list them nobody asks.
pub(super) async fn open_issues(desk: &Desk, id: &str) -> Result<Issues, Refused> {
    if !desk.may(ISSUES) {
        return Ok(Issues::default());
    }
    let request = pb::ListIssuesRequest {
        connection_id: id.to_owned(),
        states: vec![pb::IssueState::Open.into()],
        page_size: 1,
        ..Default::default()
    };
    let answer = desk.call(ISSUES, request, Api::list_issues).await?;
    Ok(Issues {
        open: answer.open,
        shown: true,
        newest: answer.issues.into_iter().next(),
    })
}

fn page(view: &View) -> Markup {
    html! {
        div.head {
            h1 { "Connections" }
            div {
                @if view.may_list_links { a.button href=(LINKS) { "Connect links" } " " }
                @if view.may_connect && !view.cards.is_empty() { a.button.primary href="/console/connect" { "Connect Lever" } }
            }
        }
        @if view.cards.is_empty() { (nothing_yet(view.may_connect)) }
        ul.cards { @for card in &view.cards { li { (one(card, &view.may)) } } }
        (go_on(ROOT, &[], [&view.after, &view.next_page_token], "More connections"))
    }
}

fn nothing_yet(may_connect: bool) -> Markup {
    html! {
        section.empty {
            h2 { "Nothing is connected yet" }
            p { "Connecting takes about five minutes and an API key of Lever, which a Lever Super Admin makes: have one at hand, or be one." }
            p { "Lever stays as it is: it is read, and written to only when somebody asks for that." }
            @if may_connect { a.button.primary href="/console/connect" { "Connect Lever" } }
            @else { p { "Your token may not connect an account: ask an administrator." } }
        }
    }
}

fn one(card: &Card, may: &May) -> Markup {
    let connection = &card.connection;
    html! {
        article.card {
            h2 { a href=(Tab::Overview.path(&connection.id)) { (connection.display_name) } }
            p { (badge(connection, &card.issues, card.percent)) " " span.faint { (environment(connection)) @if !connection.external_id.is_empty() { ", " code { (connection.external_id) } } } }
            @if connection.disconnect_time.is_some() {
                p { "Its mirror and mappings are deleted on " (moment(connection.purge_time.as_ref())) "." }
                @if may.connect {
                    p { "Until then they can come back." }
                    div.actions { a.button href=(connect::again_path(&connection.id)) { "Reconnect" span.unseen { " " (connection.display_name) } } }
                }
            } @else if let Some(refused) = &card.refused {
                p { "How it is doing is not known just now: " (refused) }
            } @else {
                @if card.unstarted && may.resume { p { a.button.primary href=(setup::path(&connection.id)) { "Continue setting up" } } }
                (figures(card))
            }
            @if connection.disconnect_time.is_none() { (actions(card, may)) }
        }
    }
}

fn figures(card: &Card) -> Markup {
    let issues = Tab::Issues.path(&card.connection.id);
    html! {
        @if let Some(percent) = card.percent {
            p { progress.long max="100" value=(percent) aria-label="Initial import" { (percent) " %" } }
        }
        dl {
            dt { "Last sync" } dd { (moment(card.last.as_ref())) }
            dt { "Next sync" } dd { @if card.next.is_some() { (moment(card.next.as_ref())) } @else { "none planned" } }
            dt { "Age of data" }
            dd {
                @match &card.age {
                    Some(age) => { (span(age)) ", as of " (moment(card.as_of.as_ref())) },
                    None => { span.faint { "nothing is complete yet" } },
                }
            }
            (issues_of(&card.issues, &issues))
        }
    }
}

/// What can be done on a card. Every card has the same buttons, so each says for whom it is to those who only hear it.
fn actions(card: &Card, may: &May) -> Markup {
    let connection = &card.connection;
    let name = || html! { span.unseen { " " (connection.display_name) } };
    let button = |act: &str, label: &str| {
        html! {
            form.inline method="post" action=(format!("{ROOT}/connections/{}/card", connection.id)) {
                (csrf(&may.csrf))
                button type="submit" name="act" value=(act) { (label) (name()) }
            }
        }
    };
    let paused = connection.state() == pb::SyncState::Paused;
    let works = card.refused.is_none();
    html! {
        div.actions {
            a.button href=(Tab::Overview.path(&connection.id)) { "Manage" (name()) }
            @if works && !paused && may.sync { (button("sync", "Sync now")) }
            @if works && !paused && may.pause { (button("pause", "Pause")) }
            // What was never started is started at the end of setting it up.
            @if works && paused && may.resume && !card.unstarted { (button("resume", "Resume")) }
            @if may.disconnect { a.button.danger href=(settings::disconnect_path(&connection.id)) { "Disconnect" (name()) } }
        }
    }
}

/// A line that tells how many issues are open, with the way to them, for whoever may see them.
pub(super) fn issues_of(issues: &Issues, path: &str) -> Markup {
    html! {
        @if issues.shown {
            dt { "Issues" }
            dd {
                @if issues.open == 0 { "none" }
                @else { a href=(path) { (count(issues.open.into(), "open issue", "open issues")) } }
            }
        }
    }
}

/// That an account waits for its first import, with the way on for who may go it.
pub(super) fn unstarted(connection: &pb::Connection, may_set_up: bool) -> Markup {
    html! {
        p {
            "Nothing was read yet: the first import is to be started"
            @if may_set_up { ". " a href=(setup::path(&connection.id)) { "Continue setting up" } }
            @else { " by an administrator." }
        }
    }
}

/// The state of a mirror as a badge.
pub(super) fn state(
    connection: &pb::Connection,
    issues: &Issues,
    status: &pb::GetSyncStatusResponse,
) -> Markup {
    let percent = import::whole(status).map(import::Share::percent);
    badge(connection, issues, percent)
}

/// The same, with how far a first import has come where that is known: a mirror that is fresh while issues are open
/// needs somebody all the same.
fn badge(connection: &pb::Connection, issues: &Issues, percent: Option<u64>) -> Markup {
    let troubled = issues.open > 0;
    let (class, words) = match (connection.state(), percent) {
        (pb::SyncState::Unspecified, _) => ("badge", "Not known".to_owned()),
        (pb::SyncState::Pending, _) => ("badge", "Checking".to_owned()),
        (pb::SyncState::Syncing, Some(percent)) => ("badge", format!("Initial import {percent} %")),
        (pb::SyncState::Syncing, None) => ("badge", "Initial import".to_owned()),
        (pb::SyncState::Synced, _) if !troubled => ("badge good", "Synced".to_owned()),
        (pb::SyncState::Synced, _) => ("badge warn", "Needs attention".to_owned()),
        (pb::SyncState::Stale, _) => ("badge warn", "Stale".to_owned()),
        (pb::SyncState::Paused, _) => ("badge warn", "Paused".to_owned()),
        (pb::SyncState::Failed, _) => ("badge bad", "Needs attention".to_owned()),
        (pb::SyncState::Disconnected, _) => ("badge", "Disconnected".to_owned()),
    };
    html! { span class=(class) { (words) } }
}

/// Where the account is: the environment of Lever, or the host of a base URL.
fn environment(connection: &pb::Connection) -> String {
    let told = permissions::environment(connection);
    match url::Url::parse(told) {
        Ok(address) => format!(
            "Lever at {}",
            &address[url::Position::BeforeHost..url::Position::AfterPort]
        ),
        Err(_no_address) => format!("Lever, {told}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> May {
        May {
            resume: true,
            sync: true,
            pause: true,
            disconnect: true,
            connect: true,
            csrf: "t".to_owned(),
        }
    }

    fn seen(open: u32) -> Issues {
        Issues {
            open,
            shown: true,
            newest: None,
        }
    }

    fn acme(state: pb::SyncState) -> Card {
        Card {
            connection: pb::Connection {
                id: "c1".to_owned(),
                display_name: "<b>Acme".to_owned(),
                state: state.into(),
                ..Default::default()
            },
            ..Card::default()
        }
    }

    #[test]
    fn an_empty_page_says_what_is_needed_to_whoever_may_connect() {
        let page_of = |may_connect| {
            page(&View {
                cards: Vec::new(),
                after: String::new(),
                next_page_token: String::new(),
                may_connect,
                may_list_links: may_connect,
                may: May::default(),
            })
            .into_string()
        };
        let text = page_of(true);
        assert!(text.contains("href=\"/console/connect\""));
        assert!(text.contains("Lever Super Admin") && text.contains("about five minutes"));
        let without = page_of(false);
        assert!(without.contains("ask an administrator") && !without.contains(LINKS));
    }

    #[test]
    fn a_card_tells_state_age_and_issues_and_takes_a_name_as_text() {
        let mut card = Card {
            age: Some(prost_types::Duration {
                seconds: 7_300,
                nanos: 0,
            }),
            issues: seen(2),
            unstarted: true,
            ..acme(pb::SyncState::Stale)
        };
        let text = one(&card, &May::default()).into_string();
        assert!(text.contains("&lt;b&gt;Acme") && text.contains("badge warn\">Stale"));
        assert!(text.contains("2 open issues") && text.contains("never"));
        assert!(text.contains("2 h 1 min, as of"));
        assert!(!text.contains("Continue setting up"), "its reader may not");
        assert!(
            one(&card, &everything())
                .into_string()
                .contains("Continue setting up")
        );
        card.connection.state = pb::SyncState::Synced.into();
        card.connection.base_url = "http://lever.test:8080/v1".to_owned();
        let text = one(&card, &everything()).into_string();
        assert!(text.contains("badge warn\">Needs attention"));
        assert!(text.contains("Lever at lever.test:8080<"));
        card.issues = seen(0);
        let text = one(&card, &everything()).into_string();
        assert!(text.contains("badge good\">Synced") && text.contains("<dd>none</dd>"));
        card.issues = Issues::default();
        let text = one(&card, &everything()).into_string();
        assert!(!text.contains("Issues"), "its reader may not list them");
    }

    #[test]
    fn a_first_import_is_told_in_percent_where_that_is_known() {
        let mut card = acme(pb::SyncState::Syncing);
        let text = one(&card, &everything()).into_string();
        assert!(text.contains(">Initial import<") && !text.contains('%'));
        card.percent = Some(43);
        let text = one(&card, &everything()).into_string();
        assert!(text.contains("Initial import 43 %<") && text.contains("value=\"43\""));
    }

    #[test]
    fn a_card_has_the_buttons_that_its_reader_may_press_and_that_make_sense() {
        let offered = |card: &Card, may: &May| {
            let text = one(card, may).into_string();
            ["sync", "pause", "resume", "settings/disconnect"]
                .map(|what| text.contains(&format!("{what}\"")))
        };
        let card = acme(pb::SyncState::Synced);
        assert_eq!(offered(&card, &everything()), [true, true, false, true]);
        assert_eq!(offered(&card, &May::default()), [false; 4]);
        let mut paused = acme(pb::SyncState::Paused);
        assert_eq!(offered(&paused, &everything()), [false, false, true, true]);
        paused.unstarted = true;
        assert_eq!(offered(&paused, &everything()), [false, false, false, true]);
        paused.refused = Some("Too many calls.".to_owned());
        assert_eq!(offered(&paused, &everything()), [false, false, false, true]);
    }

    #[test]
    fn a_card_tells_of_a_disconnected_account_and_of_one_that_gives_no_answer() {
        let mut card = Card {
            connection: pb::Connection {
                disconnect_time: Some(prost_types::Timestamp::default()),
                purge_time: Some(prost_types::Timestamp::default()),
                state: pb::SyncState::Disconnected.into(),
                ..Default::default()
            },
            ..Card::default()
        };
        let text = one(&card, &everything()).into_string();
        assert!(text.contains(">Disconnected<") && text.contains("are deleted on <time"));
        assert!(!text.contains("Age of data") && !text.contains("<button"));
        assert!(text.contains("/console/connect?restore="));
        card.connection.disconnect_time = None;
        card.refused = Some("Too many calls.".to_owned());
        let text = one(&card, &everything()).into_string();
        assert!(text.contains("not known just now: Too many calls.") && !text.contains("never"));
    }
}
