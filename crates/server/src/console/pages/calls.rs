//! The calls made to Lever: never with what they carried (product.md, screen 10).

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::sync_service_server::SyncService as _;

use super::{After, more};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::frame::Tab;
use crate::console::refusal::Refused;
use crate::console::words::moment;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/connections/{id}/calls", get(all))
        .route("/console/connections/{id}/calls/failed", get(failed))
}

async fn all(
    desk: Desk,
    Path(id): Path<String>,
    Query(page): Query<After>,
) -> Result<Response, Refused> {
    list(&desk, id, page, false).await
}

async fn failed(
    desk: Desk,
    Path(id): Path<String>,
    Query(page): Query<After>,
) -> Result<Response, Refused> {
    list(&desk, id, page, true).await
}

async fn list(
    desk: &Desk,
    id: String,
    page: After,
    failed_only: bool,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let request = pb::ListApiCallsRequest {
        connection_id: id.clone(),
        page_size: 100,
        page_token: page.after,
        failed_only,
        ..Default::default()
    };
    let request = desk.ask("/fulcrum.v1.SyncService/ListApiCalls", request)?;
    let answer = desk.api().list_api_calls(request).await?.into_inner();
    let path = Tab::Calls.path(&id);
    let content = show(&path, failed_only, &answer);
    Ok(desk.at(&connection, Tab::Calls, content))
}

fn show(path: &str, failed_only: bool, answer: &pb::ListApiCallsResponse) -> Markup {
    let failures = format!("{path}/failed");
    html! {
        div.head {
            h1 { "API calls" }
            nav aria-label="Which calls" {
                a.button href=(path) aria-current=[(!failed_only).then_some("page")] { "All" } " "
                a.button href=(failures) aria-current=[failed_only.then_some("page")] { "Failed" }
            }
        }
        @if answer.api_calls.is_empty() {
            section.empty { h2 { "No calls" } p { "Calls to Lever are kept for 30 days, without what they carried." } }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="API calls" {
                table {
                    thead { tr { th { "Time" } th { "Call" } th.num { "Status" } th.num { "Took" } th.num { "Waited" } th.num { "Try" } th { "For" } } }
                    tbody { @for call in &answer.api_calls { (one(call)) } }
                }
            }
            (more(if failed_only { &failures } else { path }, &answer.next_page_token))
        }
    }
}

fn one(call: &pb::ApiCall) -> Markup {
    html! {
        tr {
            td { (moment(call.call_time.as_ref())) }
            td { code { (call.method) " " (call.path_template) } }
            td.num { @if call.status == 0 { "no answer" } @else { (call.status) } }
            td.num { (call.elapsed_ms) " ms" }
            td.num { (call.waited_ms) " ms" }
            td.num { (call.attempt) }
            td {
                (call.lane)
                @if !call.operation_id.is_empty() { " " code { (call.operation_id) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_got_no_answer_says_so() {
        let mut answer = pb::ListApiCallsResponse::default();
        assert!(
            show("/c", false, &answer)
                .into_string()
                .contains("No calls")
        );
        answer.api_calls.push(pb::ApiCall {
            method: "GET".to_owned(),
            path_template: "/opportunities/:opportunity".to_owned(),
            ..Default::default()
        });
        answer.next_page_token = "a+b".to_owned();
        let text = show("/c", true, &answer).into_string();
        assert!(text.contains("no answer"));
        assert!(
            text.contains("href=\"/c/failed?after=a%2Bb\""),
            "goes on among the failed ones"
        );
    }
}
