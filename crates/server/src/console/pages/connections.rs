//! The linked accounts, and how each is doing (product.md, screen 1).

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use futures::future::{join, join_all};
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;
use proto::v1::sync_service_server::SyncService as _;

use super::permissions;
use super::{After, go_on};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::frame::{Place, Tab};
use crate::console::refusal::Refused;
use crate::console::words::{count, moment, plain};
use crate::grpc::Api;

const LIST: &str = "/fulcrum.v1.ConnectionService/ListConnections";
const STATUS: &str = "/fulcrum.v1.SyncService/GetSyncStatus";
const ISSUES: &str = "/fulcrum.v1.ConnectionService/ListIssues";
/// Ends setting up: who may not is not led there.
pub(super) const SET_UP: &str = "/fulcrum.v1.SyncService/ResumeSync";

use super::links::LINKS;
use super::setup;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console", get(list))
}

/// Cards on a page: each asks for its status and its issues.
const PAGE: i32 = 60;

/// What the page shows.
struct View {
    cards: Vec<Card>,
    next_page_token: String,
    may_connect: bool,
    may_list_links: bool,
    may_set_up: bool,
}

/// A connection on the page.
#[derive(Default)]
struct Card {
    connection: pb::Connection,
    as_of: Option<prost_types::Timestamp>,
    next: Option<prost_types::Timestamp>,
    open_issues: Option<u32>,
    /// Whether it is still to be set up.
    unstarted: bool,
    /// Why it is not known how it is doing, as a sentence.
    refused: Option<String>,
}

async fn list(desk: Desk, Query(page_of): Query<After>) -> Result<Response, Refused> {
    let request = pb::ListConnectionsRequest {
        page_size: PAGE,
        page_token: page_of.after,
    };
    let all = desk.call(LIST, request, Api::list_connections).await?;
    let cards = all.connections.into_iter();
    let view = View {
        cards: join_all(cards.map(|connection| card(&desk, connection))).await,
        next_page_token: all.next_page_token,
        may_connect: desk.may("/fulcrum.v1.ConnectionService/CreateConnection"),
        may_list_links: desk.may("/fulcrum.v1.ConnectionService/ListConnectLinks"),
        may_set_up: desk.may(SET_UP),
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
    let (status, open_issues) = join(status, open_issues(desk, &connection.id)).await;
    let (status, open_issues) = match (status, open_issues) {
        (Ok(status), Ok(open_issues)) => (status, open_issues),
        (Err(refused), _) | (_, Err(refused)) => {
            return Card {
                connection,
                refused: Some(refused.message()),
                ..Card::default()
            };
        }
    };
    let next = status
        .streams
        .iter()
        .filter_map(|stream| stream.next_run_at)
        .min_by_key(|at| (at.seconds, at.nanos));
    Card {
        open_issues,
        as_of: status.as_of,
        next,
        unstarted: setup::is_unstarted(&connection, &status.streams),
        connection,
        refused: None,
    }
}

/// How many issues are open; none where the reader may not know.
pub(super) async fn open_issues(desk: &Desk, id: &str) -> Result<Option<u32>, Refused> {
    if !desk.may(ISSUES) {
        return Ok(None);
    }
    let request = pb::ListIssuesRequest {
        connection_id: id.to_owned(),
        states: vec![pb::IssueState::Open.into()],
        page_size: 1,
        ..Default::default()
    };
    let answer = desk.call(ISSUES, request, Api::list_issues).await?;
    Ok(Some(answer.open))
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
        ul.cards { @for card in &view.cards { li { (one(card, view.may_set_up)) } } }
        (go_on("/console", &[], &view.next_page_token, "More connections"))
    }
}

fn nothing_yet(may_connect: bool) -> Markup {
    html! {
        section.empty {
            h2 { "Nothing is connected yet" }
            p { "You need an API key of Lever, which a Lever Super Admin makes, and about five minutes." }
            @if may_connect { a.button.primary href="/console/connect" { "Connect Lever" } }
            @else { p { "Your token may not connect an account: ask an administrator." } }
        }
    }
}

fn one(card: &Card, may_set_up: bool) -> Markup {
    let connection = &card.connection;
    let issues = Tab::Issues.path(&connection.id);
    html! {
        article.card {
            h2 { a href=(Tab::Overview.path(&connection.id)) { (connection.display_name) } }
            p { (state(connection, card.open_issues)) " " span.faint { (environment(connection)) } }
            @if connection.disconnect_time.is_some() {
                p { "Disconnected; its mirror goes on " (moment(connection.purge_time.as_ref())) "." }
            } @else if let Some(refused) = &card.refused {
                p { "How it is doing is not known just now: " (refused) }
            } @else {
                @if card.unstarted && may_set_up { p { a.button.primary href=(setup::path(&connection.id)) { "Continue setting up" } } }
                dl {
                    dt { "Data as of" } dd { (moment(card.as_of.as_ref())) }
                    dt { "Next sync" } dd { @if card.next.is_some() { (moment(card.next.as_ref())) } @else { "none planned" } }
                    @if let Some(open) = card.open_issues {
                        dt { "Issues" }
                        dd { (issues_of(open, &issues)) }
                    }
                }
            }
        }
    }
}

/// The open issues of a connection, with the way to them.
pub(super) fn issues_of(open: u32, path: &str) -> Markup {
    html! {
        @if open == 0 { "none" }
        @else { a href=(path) { (count(open.into(), "open issue", "open issues")) } }
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

/// The state of a mirror as a badge: one that is fresh while issues are open needs somebody all the same.
pub(super) fn state(connection: &pb::Connection, open_issues: Option<u32>) -> Markup {
    let state = connection.state();
    if state == pb::SyncState::Synced && open_issues.is_some_and(|open| open > 0) {
        return html! { span.badge.warn { "needs attention" } };
    }
    let class = match state {
        pb::SyncState::Synced => "badge good",
        pb::SyncState::Failed => "badge bad",
        pb::SyncState::Stale | pb::SyncState::Paused => "badge warn",
        _ => "badge",
    };
    html! { span class=(class) { (plain(state.as_str_name(), "SYNC_STATE")) } }
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

    #[test]
    fn an_empty_page_says_what_is_needed_to_whoever_may_connect() {
        let page_of = |may_connect| {
            page(&View {
                cards: Vec::new(),
                next_page_token: String::new(),
                may_connect,
                may_list_links: may_connect,
                may_set_up: may_connect,
            })
            .into_string()
        };
        assert!(page_of(true).contains("href=\"/console/connect\""));
        let without = page_of(false);
        assert!(without.contains("ask an administrator") && !without.contains(LINKS));
    }

    #[test]
    fn a_card_tells_state_age_and_issues_and_takes_a_name_as_text() {
        let mut card = Card {
            connection: pb::Connection {
                id: "c1".to_owned(),
                display_name: "<b>Acme".to_owned(),
                state: pb::SyncState::Stale.into(),
                ..Default::default()
            },
            open_issues: Some(2),
            unstarted: true,
            ..Card::default()
        };
        let text = one(&card, false).into_string();
        assert!(text.contains("&lt;b&gt;Acme") && text.contains("badge warn\">stale"));
        assert!(text.contains("2 open issues") && text.contains("never"));
        assert!(!text.contains("Continue setting up"), "its reader may not");
        assert!(
            one(&card, true)
                .into_string()
                .contains("Continue setting up")
        );
        card.connection.state = pb::SyncState::Synced.into();
        card.connection.base_url = "http://lever.test:8080/v1".to_owned();
        let text = one(&card, true).into_string();
        assert!(text.contains("badge warn\">needs attention"));
        assert!(text.contains("Lever at lever.test:8080<"));
        card.open_issues = Some(0);
        assert!(
            one(&card, true)
                .into_string()
                .contains("badge good\">synced")
        );
    }

    #[test]
    fn a_card_tells_of_a_disconnected_account_and_of_one_that_gives_no_answer() {
        let mut card = Card {
            connection: pb::Connection {
                disconnect_time: Some(prost_types::Timestamp::default()),
                purge_time: Some(prost_types::Timestamp::default()),
                ..Default::default()
            },
            ..Card::default()
        };
        let text = one(&card, true).into_string();
        assert!(text.contains("Disconnected; its mirror goes on <time"));
        assert!(!text.contains("Data as of"));
        card.connection.disconnect_time = None;
        card.refused = Some("Too many calls.".to_owned());
        let text = one(&card, true).into_string();
        assert!(text.contains("not known just now: Too many calls.") && !text.contains("never"));
    }
}
