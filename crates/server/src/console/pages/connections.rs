//! The linked accounts, and how each is doing (product.md, screen 1).

use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use futures::future::{try_join, try_join_all};
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;
use proto::v1::sync_service_server::SyncService as _;

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
}

/// A connection on the page.
struct Card {
    connection: pb::Connection,
    as_of: Option<prost_types::Timestamp>,
    next: Option<prost_types::Timestamp>,
    open_issues: Option<u32>,
    /// Whether it is still to be set up.
    unstarted: bool,
}

async fn list(desk: Desk, Query(page_of): Query<After>) -> Result<Response, Refused> {
    let request = pb::ListConnectionsRequest {
        page_size: PAGE,
        page_token: page_of.after,
    };
    let all = desk.call(LIST, request, Api::list_connections).await?;
    let cards = all.connections.into_iter();
    let view = View {
        cards: try_join_all(cards.map(|connection| card(&desk, connection))).await?,
        next_page_token: all.next_page_token,
        may_connect: desk.may("/fulcrum.v1.ConnectionService/CreateConnection"),
    };
    Ok(desk.page("Connections", Place::Top, page(&view)))
}

async fn card(desk: &Desk, connection: pb::Connection) -> Result<Card, Refused> {
    let request = pb::GetSyncStatusRequest {
        connection_id: connection.id.clone(),
    };
    let status = desk.call(STATUS, request, Api::get_sync_status);
    let (status, open_issues) = try_join(status, open_issues(desk, &connection.id)).await?;
    let next = status
        .streams
        .iter()
        .filter_map(|stream| stream.next_run_at)
        .min_by_key(|at| (at.seconds, at.nanos));
    Ok(Card {
        open_issues,
        as_of: status.as_of,
        next,
        unstarted: setup::is_unstarted(&connection, &status.streams),
        connection,
    })
}

async fn open_issues(desk: &Desk, id: &str) -> Result<Option<u32>, Refused> {
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
            @if view.may_connect {
                div {
                    a.button href=(LINKS) { "Connect links" }
                    @if !view.cards.is_empty() { " " a.button.primary href="/console/connect" { "Connect Lever" } }
                }
            }
        }
        @if view.cards.is_empty() { (nothing_yet(view.may_connect)) }
        ul.cards { @for card in &view.cards { li { (one(card)) } } }
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

fn one(card: &Card) -> Markup {
    let connection = &card.connection;
    html! {
        article.card {
            h2 { a href=(Tab::Overview.path(&connection.id)) { (connection.display_name) } }
            p { (state(connection)) " " span.faint { "Lever, " (environment(connection.region())) } }
            @if card.unstarted { p { a.button.primary href=(setup::path(&connection.id)) { "Continue setting up" } } }
            dl {
                dt { "Data as of" } dd { (moment(card.as_of.as_ref())) }
                dt { "Next sync" } dd { @if card.next.is_some() { (moment(card.next.as_ref())) } @else { "none planned" } }
                @if let Some(open) = card.open_issues {
                    dt { "Issues" }
                    dd { @if open == 0 { "none" } @else { a href=(Tab::Issues.path(&connection.id)) { (count(open.into(), "open issue", "open issues")) } } }
                }
            }
        }
    }
}

/// The state of a mirror as a badge.
pub(super) fn state(connection: &pb::Connection) -> Markup {
    let state = connection.state();
    let class = match state {
        pb::SyncState::Synced => "badge good",
        pb::SyncState::Failed => "badge bad",
        pb::SyncState::Stale | pb::SyncState::Paused => "badge warn",
        _ => "badge",
    };
    html! { span class=(class) { (plain(state.as_str_name(), "SYNC_STATE")) } }
}

fn environment(region: pb::Region) -> &'static str {
    match region {
        pb::Region::Sandbox => "sandbox",
        pb::Region::Eu => "production (EU)",
        pb::Region::Unspecified | pb::Region::Global => "production",
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
            })
            .into_string()
        };
        assert!(page_of(true).contains("href=\"/console/connect\""));
        assert!(page_of(false).contains("ask an administrator"));
    }

    #[test]
    fn a_card_tells_state_age_and_issues_and_takes_a_name_as_text() {
        let card = Card {
            connection: pb::Connection {
                id: "c1".to_owned(),
                display_name: "<b>Acme".to_owned(),
                state: pb::SyncState::Stale.into(),
                ..Default::default()
            },
            as_of: None,
            next: None,
            open_issues: Some(2),
            unstarted: false,
        };
        let text = one(&card).into_string();
        assert!(text.contains("&lt;b&gt;Acme") && text.contains("badge warn\">stale"));
        assert!(text.contains("2 open issues") && text.contains("never"));
    }
}
