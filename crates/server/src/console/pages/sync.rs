//! When the mirror is kept fresh, by hand too, and how that went (product.md, screen 9).

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::sync_service_server::SyncService as _;

use super::{After, more};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::form::Posted;
use crate::console::frame::{Tab, action};
use crate::console::refusal::Refused;
use crate::console::words::{moment, number, plain};

const START: &str = "/fulcrum.v1.SyncService/StartSync";
const PAUSE: &str = "/fulcrum.v1.SyncService/PauseSync";
const RESUME: &str = "/fulcrum.v1.SyncService/ResumeSync";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/connections/{id}/sync", get(show))
        .route("/console/connections/{id}/sync/start", post(start))
        .route("/console/connections/{id}/sync/pause", post(pause))
        .route("/console/connections/{id}/sync/resume", post(resume))
}

async fn show(
    desk: Desk,
    Path(id): Path<String>,
    Query(page): Query<After>,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let request = pb::ListRunsRequest {
        connection_id: id.clone(),
        page_size: 50,
        page_token: page.after,
        ..Default::default()
    };
    let request = desk.ask(Tab::Sync.rpc(), request)?;
    let runs = desk.api().list_runs(request).await?.into_inner();
    let content = html! {
        div.head { h1 { "Sync" } (buttons(&desk, &connection)) }
        (list(&runs))
        (more(&Tab::Sync.path(&id), &runs.next_page_token))
    };
    Ok(desk.at(&connection, Tab::Sync, content))
}

/// What the reader may do now.
fn buttons(desk: &Desk, connection: &pb::Connection) -> Markup {
    let path = Tab::Sync.path(&connection.id);
    let paused = connection.state() == pb::SyncState::Paused;
    let button = |rpc: &str, end: &str, label: &str| {
        let offered = desk.may(rpc);
        html! { @if offered { (action(desk.csrf(), &format!("{path}/{end}"), label, &[])) " " } }
    };
    html! {
        div {
            @if paused { (button(RESUME, "resume", "Resume")) }
            @else { (button(START, "start", "Sync now")) (button(PAUSE, "pause", "Pause")) }
        }
    }
}

async fn start(Path(id): Path<String>, Posted { desk, .. }: Posted) -> Result<Response, Refused> {
    let request = pb::StartSyncRequest {
        connection_id: id.clone(),
        ..Default::default()
    };
    desk.api().start_sync(desk.ask(START, request)?).await?;
    Ok(desk.done(&Tab::Sync.path(&id), "Every stream is read now."))
}

async fn pause(Path(id): Path<String>, Posted { desk, .. }: Posted) -> Result<Response, Refused> {
    let request = pb::PauseSyncRequest {
        connection_id: id.clone(),
    };
    desk.api().pause_sync(desk.ask(PAUSE, request)?).await?;
    let said = "Nothing is read from Lever until somebody resumes; writes go on.";
    Ok(desk.done(&Tab::Sync.path(&id), said))
}

async fn resume(Path(id): Path<String>, Posted { desk, .. }: Posted) -> Result<Response, Refused> {
    let request = pb::ResumeSyncRequest {
        connection_id: id.clone(),
    };
    desk.api().resume_sync(desk.ask(RESUME, request)?).await?;
    Ok(desk.done(&Tab::Sync.path(&id), "Lever is read again."))
}

fn list(runs: &pb::ListRunsResponse) -> Markup {
    html! {
        @if runs.runs.is_empty() {
            section.empty { h2 { "No runs yet" } p { "Each pass over a listing of Lever shows up here when it has ended." } }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Runs" {
                table {
                    thead { tr { th { "Listing" } th { "Result" } th { "Began" } th { "Ended" } th.num { "Requests" } th.num { "Records" } th.num { "Changes" } th { "To tell" } } }
                    tbody { @for run in &runs.runs { (one(run)) } }
                }
            }
        }
    }
}

fn one(run: &pb::SyncRun) -> Markup {
    let class = match run.state() {
        pb::RunState::Succeeded => "badge good",
        pb::RunState::Failed => "badge bad",
        _ => "badge warn",
    };
    html! {
        tr {
            td { (run.listing.replace('_', " ")) }
            td { span class=(class) { (plain(run.state().as_str_name(), "RUN_STATE")) } }
            td { (moment(run.start_time.as_ref())) }
            td { (moment(run.end_time.as_ref())) }
            td.num { (number(run.requests)) }
            td.num { (number(run.records)) }
            td.num { (number(run.changes)) }
            td { (run.error) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_tells_how_it_ended_and_why() {
        let mut runs = pb::ListRunsResponse::default();
        assert!(list(&runs).into_string().contains("No runs yet"));
        runs.runs.push(pb::SyncRun {
            listing: "archive_reasons".to_owned(),
            state: pb::RunState::Failed.into(),
            records: 12_345,
            error: "Lever did not answer".to_owned(),
            ..Default::default()
        });
        let text = list(&runs).into_string();
        assert!(text.contains("archive reasons") && text.contains("badge bad\">failed"));
        assert!(text.contains("12,345") && text.contains("Lever did not answer"));
    }
}
