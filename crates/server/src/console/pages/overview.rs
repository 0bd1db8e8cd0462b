//! How a connection is doing, stream by stream, as it happens (product.md, screen 3).

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures::stream;
use maud::{Markup, html};
use proto::v1 as pb;

use super::connections::{SET_UP, issues_of, open_issues, state, unstarted};
use super::setup;
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::frame::Tab;
use crate::console::refusal::Refused;
use crate::console::words::{count, moment, number, plain, span};
use crate::wire::status::status;

/// The shortest time between two looks of a page at what has changed.
const PACE: Duration = Duration::from_millis(500);

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/connections/{id}", get(show))
        .route("/console/connections/{id}/live", get(live))
}

/// What the page shows.
struct View<'a> {
    connection: &'a pb::Connection,
    status: &'a pb::GetSyncStatusResponse,
    /// None where the reader may not know.
    open_issues: Option<u32>,
    may_set_up: bool,
}

async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let status = super::sync::status(&desk, &id).await?;
    let view = View {
        connection: &connection,
        status: &status,
        // The mirror is shown even where its issues are refused just now.
        open_issues: open_issues(&desk, &id).await.ok().flatten(),
        may_set_up: desk.may(SET_UP),
    };
    Ok(desk.at(&connection, Tab::Overview, page(&view)))
}

/// Tells a page that something has changed, until the service stops or the token does.
async fn live(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let id = crate::wire::connection_id(&connection.id).map_err(status)?;
    let mut changes = desk.api().engine.watch_sync(id).map_err(status)?;
    changes.mark_changed();
    let (stop, ended) = (desk.api().stop.clone(), desk.ended());
    let events = stream::unfold(changes, move |mut changes| {
        let (stop, ended) = (stop.clone(), ended.clone());
        async move {
            let changed = async {
                changes.changed().await.ok()?;
                tokio::time::sleep(PACE).await;
                // An event without data is none to a browser.
                Some(Ok::<_, Infallible>(
                    Event::default().event("changed").data("sync"),
                ))
            };
            let event = tokio::select! {
                event = changed => event?,
                () = stop.cancelled() => return None,
                () = ended.cancelled() => return None,
            };
            Some((event, changes))
        }
    });
    Ok(Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response())
}

fn page(view: &View<'_>) -> Markup {
    let (connection, status) = (view.connection, view.status);
    html! {
        div.head id="head" data-live-part { h1 { "Overview" } (state(connection, view.open_issues)) }
        div id="unstarted" data-live-part {
            @if setup::is_unstarted(connection, &status.streams) {
                div.notice { (unstarted(connection, view.may_set_up)) }
            }
        }
        div data-live=(format!("{}/live", Tab::Overview.path(&connection.id))) {}
        section.panel id="whole" data-live-part aria-live="off" { (whole(view)) }
        section id="streams" data-live-part { (streams(&status.streams)) }
    }
}

fn whole(view: &View<'_>) -> Markup {
    let status = view.status;
    html! {
        h2 { "Mirror of Lever" }
        dl {
            dt { "Data as of" } dd { (moment(status.as_of.as_ref())) }
            dt { "Inbound applicants" } dd { @if status.inbound_ready { "complete" } @else { "not complete yet" } }
            @if let Some(open) = view.open_issues {
                dt { "Issues" } dd { (issues_of(open, &Tab::Issues.path(&view.connection.id))) }
            }
            @if status.planned_requests > status.made_requests {
                @let left = status.planned_requests - status.made_requests;
                dt { "First import" }
                dd {
                    progress max=(status.planned_requests) value=(status.made_requests) aria-label="Requests made of those planned" {}
                    " about " (count(left, "request", "requests")) " to go"
                    @if let Some(eta) = &status.eta { ", " (span(eta)) }
                }
            }
            @if let Some(pause) = &status.rate_limit_pause {
                dt { "Paused by Lever" } dd { "until " (moment(pause.end_time.as_ref())) ": " (pause.reason) }
            }
        }
    }
}

fn streams(streams: &[pb::StreamStatus]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Streams" {
            table {
                thead { tr { th { "Stream" } th { "State" } th.num { "Records" } th { "Last success" } th { "Next" } th { "To tell" } } }
                tbody { @for stream in streams { (one(stream)) } }
            }
        }
    }
}

fn one(stream: &pb::StreamStatus) -> Markup {
    html! {
        tr {
            td { (stream.name.replace('_', " ")) }
            td { span class=(class(stream.state())) { (plain(stream.state().as_str_name(), "STREAM_STATE")) } }
            td.num { @match stream.records { Some(records) => (number(records)), None => "–" } }
            td { (moment(stream.last_success_at.as_ref())) }
            td { @if stream.next_run_at.is_some() { (moment(stream.next_run_at.as_ref())) } @else { "–" } }
            td {
                @if !stream.error.is_empty() { p { (stream.error) } }
                @if stream.waiting > 0 { p.faint { (count(stream.waiting, "list waits", "lists wait")) " to be read" } }
                @if stream.quarantined > 0 { p { (count(stream.quarantined, "record", "records")) " could not be read" } }
                @if stream.rate > 0.0 { p.faint { (format!("{:.0}", stream.rate)) " records a second" } }
            }
        }
    }
}

fn class(state: pb::StreamState) -> &'static str {
    match state {
        pb::StreamState::Synced => "badge good",
        pb::StreamState::Failed | pb::StreamState::Forbidden => "badge bad",
        pb::StreamState::Stale => "badge warn",
        _ => "badge",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_import_tells_what_is_left_and_a_stream_what_is_wrong() {
        let status = pb::GetSyncStatusResponse {
            planned_requests: 1_500,
            made_requests: 300,
            streams: vec![pb::StreamStatus {
                name: "archive_reasons".to_owned(),
                state: pb::StreamState::Forbidden.into(),
                error: "the key lacks <it>".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let view = View {
            connection: &pb::Connection {
                state: pb::SyncState::Synced.into(),
                ..Default::default()
            },
            status: &status,
            open_issues: Some(1),
            may_set_up: false,
        };
        let text = page(&view).into_string();
        assert!(text.contains("needs attention") && text.contains(">1 open issue</a>"));
        assert!(text.contains("about 1,200 requests to go"));
        assert!(text.contains("archive reasons") && text.contains("badge bad\">forbidden"));
        assert!(text.contains("the key lacks &lt;it&gt;"));
    }
}
