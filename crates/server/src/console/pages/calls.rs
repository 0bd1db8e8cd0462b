//! The calls made to Lever: never with what they carried (product.md, screen 10).

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::{Markup, html};
use prost_types::Timestamp;
use proto::v1 as pb;
use proto::v1::sync_service_server::SyncService as _;
use serde::Deserialize;

use super::{go_on, href};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::frame::Tab;
use crate::console::refusal::Refused;
use crate::console::words::{exact, instant};
use crate::grpc::Api;
use crate::wire::status::status;

const LIST: &str = "/fulcrum.v1.SyncService/ListApiCalls";
/// Calls in one file: more can be had by naming days.
const EXPORTED: usize = 20_000;
const COLUMNS: &str =
    "time,method,path,status,elapsed_ms,waited_ms,try,lane,lever_operation,operation,rpc\r\n";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/connections/{id}/calls", get(list))
        .route("/console/connections/{id}/calls/export", get(export))
}

/// What the page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    after: String,
    /// `failed`, or empty for every status.
    status: String,
    /// Lever's name of the operation, such as `listOpportunities`.
    operation: String,
    /// Days of UTC, as a browser's field gives them.
    from: String,
    to: String,
}

impl Asked {
    /// All but the place in the list.
    fn narrowed(&self) -> [(&str, &str); 4] {
        [
            ("status", &self.status),
            ("operation", &self.operation),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }

    fn failed_only(&self) -> bool {
        self.status == "failed"
    }

    /// # Errors
    /// Invalid for a day that is none.
    fn request(&self, id: &str) -> Result<pb::ListApiCallsRequest, Refused> {
        Ok(pb::ListApiCallsRequest {
            connection_id: id.to_owned(),
            page_size: 100,
            page_token: self.after.clone(),
            lever_operation: self.operation.trim().to_owned(),
            failed_only: self.failed_only(),
            start_time: day("from", &self.from, 0)?,
            // The last day is asked for to its end.
            end_time: day("to", &self.to, 1)?,
        })
    }
}

/// The beginning of a day so many days later; none for an empty one.
fn day(field: &'static str, typed: &str, later: i64) -> Result<Option<Timestamp>, Refused> {
    if typed.is_empty() {
        return Ok(None);
    }
    let read: Option<jiff::Timestamp> = typed.parse::<jiff::civil::Date>().ok().and_then(|day| {
        let day = day.checked_add(jiff::Span::new().days(later)).ok()?;
        Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    let read = read.ok_or_else(|| {
        status(engine::Error::invalid(
            field,
            "give a day as year, month and day, such as 2026-11-29",
        ))
    })?;
    Ok(Some(Timestamp {
        seconds: read.as_second(),
        nanos: 0,
    }))
}

async fn list(
    desk: Desk,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let request = asked.request(&id)?;
    let answer = desk.call(LIST, request, Api::list_api_calls).await?;
    let content = show(&Tab::Calls.path(&id), &asked, &answer);
    Ok(desk.at(&connection, Tab::Calls, content))
}

/// The calls as a file of comma-separated values: what the page shows, without personal data as that is.
async fn export(
    desk: Desk,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let mut request = pb::ListApiCallsRequest {
        page_size: 1_000,
        page_token: String::new(),
        ..asked.request(&connection.id)?
    };
    let mut text = COLUMNS.to_owned();
    let mut lines = 0;
    loop {
        let answer = desk
            .call(LIST, request.clone(), Api::list_api_calls)
            .await?;
        lines += answer.api_calls.len();
        text.extend(answer.api_calls.iter().map(line));
        request.page_token = answer.next_page_token;
        if request.page_token.is_empty() || lines >= EXPORTED {
            break;
        }
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"calls.csv\"",
        ),
    ];
    Ok((headers, text).into_response())
}

fn line(call: &pb::ApiCall) -> String {
    let time = call.call_time.as_ref().and_then(exact).unwrap_or_default();
    let cells = [
        time,
        call.method.clone(),
        call.path_template.clone(),
        call.status.to_string(),
        call.elapsed_ms.to_string(),
        call.waited_ms.to_string(),
        call.attempt.to_string(),
        call.lane.clone(),
        call.lever_operation.clone(),
        call.operation_id.clone(),
        call.rpc_id.clone(),
    ];
    format!("{}\r\n", cells.map(|cell| quoted(&cell)).join(","))
}

/// A cell that is text in any program: the id of an rpc is its caller's, and could be taken for a formula.
fn quoted(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@']) {
        "'"
    } else {
        ""
    };
    if guard.is_empty() && !cell.contains(['"', ',', '\r', '\n']) {
        return cell.to_owned();
    }
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

fn show(path: &str, asked: &Asked, answer: &pb::ListApiCallsResponse) -> Markup {
    html! {
        div.head {
            h1 { "API calls" }
            a.button href=(href(&format!("{path}/export"), &asked.narrowed())) { "Export as CSV" }
        }
        form.filters method="get" action=(path) {
            label { "Status"
                select name="status" {
                    option value="" { "All" }
                    option value="failed" selected[asked.failed_only()] { "Failed" }
                }
            }
            label { "Lever's operation" input name="operation" value=(asked.operation) placeholder="listOpportunities" autocomplete="off" list="operations"; }
            label { "From (UTC)" input type="date" name="from" value=(asked.from); }
            label { "To" input type="date" name="to" value=(asked.to); }
            button type="submit" { "Show" }
        }
        datalist id="operations" { @for name in operations(answer) { option value=(name) {} } }
        @if answer.api_calls.is_empty() {
            section.empty { h2 { "No calls" } p { "Calls to Lever are kept for 30 days, without what they carried." } }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="API calls" {
                table {
                    thead { tr { th { "Time" } th { "Call" } th.num { "Status" } th.num { "Took" } th.num { "Waited" } th.num { "Try" } th { "For" } } }
                    tbody { @for call in &answer.api_calls { (one(call)) } }
                }
            }
            (go_on(path, &asked.narrowed(), &answer.next_page_token, "Older"))
        }
    }
}

/// The operations on the page, to choose from.
fn operations(answer: &pb::ListApiCallsResponse) -> std::collections::BTreeSet<&str> {
    let names = answer.api_calls.iter();
    names.map(|call| call.lever_operation.as_str()).collect()
}

fn one(call: &pb::ApiCall) -> Markup {
    html! {
        tr {
            td { (instant(call.call_time.as_ref())) }
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
    fn a_call_that_got_no_answer_says_so_and_a_filter_stays() {
        let mut answer = pb::ListApiCallsResponse::default();
        let none = show("/c", &Asked::default(), &answer).into_string();
        assert!(none.contains("No calls"));
        answer.api_calls.push(pb::ApiCall {
            method: "GET".to_owned(),
            path_template: "/opportunities/:opportunity".to_owned(),
            lever_operation: "getOpportunity".to_owned(),
            ..Default::default()
        });
        answer.next_page_token = "a+b".to_owned();
        let failed = Asked {
            status: "failed".to_owned(),
            ..Asked::default()
        };
        let text = show("/c", &failed, &answer).into_string();
        assert!(text.contains("no answer") && text.contains("<option value=\"getOpportunity\">"));
        assert!(text.contains("href=\"/c?status=failed&amp;after=a%2Bb\""));
        assert!(text.contains("href=\"/c/export?status=failed\""));
    }

    #[test]
    fn days_are_asked_for_from_beginning_to_end() {
        let asked = Asked {
            from: "2026-11-28".to_owned(),
            to: "2026-11-28".to_owned(),
            ..Asked::default()
        };
        let request = asked.request("c").unwrap();
        let (from, to) = (request.start_time.unwrap(), request.end_time.unwrap());
        assert_eq!(from.seconds, 1_795_824_000);
        assert_eq!(to.seconds - from.seconds, 86_400);
        assert!(day("from", "yesterday", 0).is_err() && day("to", "9999-12-31", 1).is_err());
    }

    #[test]
    fn a_file_has_a_cell_for_each_column_and_no_formula() {
        let call = pb::ApiCall {
            method: "GET".to_owned(),
            path_template: "/notes, \"all\"".to_owned(),
            status: 200,
            rpc_id: "=1+1".to_owned(),
            ..Default::default()
        };
        assert_eq!(
            line(&call),
            ",GET,\"/notes, \"\"all\"\"\",200,0,0,0,,,,\"'=1+1\"\r\n"
        );
        assert_eq!(COLUMNS.split(',').count(), 11);
    }
}
