//! The calls made to Lever: never with what they carried (product.md, screen 10).

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::{Markup, html};
use prost_types::Timestamp;
use proto::v1 as pb;
use proto::v1::sync_service_server::SyncService as _;
use serde::Deserialize;

use super::{go_on, href, offered};
use crate::console::desk::Desk;
use crate::console::form::{Form, Posted};
use crate::console::frame::{Tab, csrf};
use crate::console::in_lever;
use crate::console::refusal::Refused;
use crate::console::words::{exact, instant};
use crate::console::{Console, see};
use crate::grpc::Api;
use crate::wire::status::status;

const LIST: &str = "/fulcrum.v1.SyncService/ListApiCalls";
/// Calls in one file: more can be had by naming days.
const EXPORTED: usize = 20_000;
const COLUMNS: &str = "time,method,path,status,elapsed_ms,waited_ms,try,lane,lever_operation,operation,rpc,permission_test\r\n";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/connections/{id}/calls", get(list).post(narrow))
        .route("/console/connections/{id}/calls/export", get(export))
}

/// Calls that ended alike: how a page asks for them, and what they are called.
const STATUSES: [(&str, &str); 2] = [("", "All"), ("failed", "Failed")];

/// What the page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    after: String,
    /// `failed`, or empty for every status.
    status: String,
    /// Lever's name of the operation, such as `listOpportunities`.
    operation: String,
    /// What is read or written, such as `postings`.
    stream: String,
    /// Our operation that they were made for.
    #[serde(rename = "for")]
    made_for: String,
    /// The id of the request that caused them.
    request: String,
    /// Days of UTC, as a browser's field gives them.
    from: String,
    to: String,
}

/// A field of the page with what is wrong in it.
struct Wrong {
    field: &'static str,
    why: String,
}

impl Wrong {
    fn new(field: &'static str, why: impl Into<String>) -> Wrong {
        Wrong {
            field,
            why: why.into(),
        }
    }
}

impl Asked {
    /// What was filled in.
    fn of(form: &Form) -> Asked {
        let text = |field| form.text(field).to_owned();
        Asked {
            after: String::new(),
            status: text("status"),
            operation: text("operation"),
            stream: text("stream"),
            made_for: text("for"),
            request: text("request"),
            from: text("from"),
            to: text("to"),
        }
    }

    /// Which field a refusal is about; none where it is about none of them.
    fn wrong(&self, refused: &Refused) -> Option<Wrong> {
        const FIELDS: [(&str, &str); 6] = [
            ("lever_operation", "operation"),
            ("stream", "stream"),
            ("from", "from"),
            ("start_time", "from"),
            ("to", "to"),
            ("end_time", "to"),
        ];
        let of_a_field = FIELDS.into_iter().find_map(|(named, field)| {
            let why = refused.about(named)?;
            Some(Wrong::new(field, why))
        });
        let unknown = refused.code() == tonic::Code::NotFound && !self.made_for.is_empty();
        of_a_field.or_else(|| {
            unknown.then(|| {
                Wrong::new(
                    "for",
                    "We have no operation with this id: it is on the page of the operation.",
                )
            })
        })
    }

    /// All but the place in the list.
    fn narrowed(&self) -> [(&str, &str); 7] {
        [
            ("status", &self.status),
            ("operation", &self.operation),
            ("stream", &self.stream),
            ("for", &self.made_for),
            ("request", &self.request),
            ("from", &self.from),
            ("to", &self.to),
        ]
    }

    fn failed_only(&self) -> bool {
        self.status == "failed"
    }

    /// # Errors
    /// Invalid for a status that is not offered, a day that is none, and a last day before the first.
    fn request(&self, id: &str) -> Result<pb::ListApiCallsRequest, Refused> {
        offered("status", &self.status, &STATUSES)?;
        let start_time = day("from", &self.from, 0)?;
        // The last day is asked for to its end.
        let end_time = day("to", &self.to, 1)?;
        if let (Some(start), Some(end)) = (&start_time, &end_time)
            && start.seconds >= end.seconds
        {
            let message = "this day is before the first one: give a later day, or none";
            return Err(status(engine::Error::invalid("to", message)).into());
        }
        Ok(pb::ListApiCallsRequest {
            connection_id: id.to_owned(),
            page_size: 100,
            page_token: self.after.clone(),
            lever_operation: self.operation.trim().to_owned(),
            failed_only: self.failed_only(),
            stream: self.stream.clone(),
            operation_id: self.made_for.trim().to_owned(),
            rpc_id: self.request.trim().to_owned(),
            start_time,
            end_time,
        })
    }
}

/// The day of UTC in which something happened, as a field of this page has it.
pub(super) fn day_of(at: &Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_second(at.seconds).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
}

/// The beginning of a day so many days later; none for an empty one.
pub(super) fn day(
    field: &'static str,
    typed: &str,
    later: i64,
) -> Result<Option<Timestamp>, Refused> {
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
    match found(&desk, &id, &asked).await {
        Ok(answer) => Ok(page(&desk, &connection, &asked, Ok(&answer))),
        Err(refused) => match asked.wrong(&refused) {
            Some(wrong) => Ok(page(&desk, &connection, &asked, Err((&wrong, "")))),
            None => Err(refused),
        },
    }
}

async fn found(desk: &Desk, id: &str, asked: &Asked) -> Result<pb::ListApiCallsResponse, Refused> {
    let request = asked.request(id)?;
    desk.call(LIST, request, Api::list_api_calls).await
}

/// Leads to the page with what was filled in, once nothing of it can be anything but an id or a name of Lever's: what
/// somebody types may be about a person, and addresses are kept in many places.
async fn narrow(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let asked = Asked::of(&form);
    if let Some(typed) = form.given("person") {
        let opportunity = in_lever::opportunity(typed);
        if in_lever::is_id(opportunity) {
            let writes = Tab::Operations.path(&id);
            return Ok(see(&href(&writes, &[("person", opportunity)])));
        }
        let why = "Give Lever’s id of the opportunity, or the address of its page in Lever: nobody is found here by name or e-mail.";
        let wrong = Wrong::new("person", why);
        return Ok(page(&desk, &connection, &asked, Err((&wrong, typed))));
    }
    let wrong = match found(&desk, &id, &asked).await {
        Ok(_) => unknown_request(&desk, &id, &asked.request).await?,
        Err(refused) => Some(asked.wrong(&refused).ok_or(refused)?),
    };
    Ok(match wrong {
        Some(wrong) => page(&desk, &connection, &asked, Err((&wrong, ""))),
        None => see(&href(&Tab::Calls.path(&id), &asked.narrowed())),
    })
}

/// The id of a request is whatever its caller made it, so that only one that is known is told from other text.
async fn unknown_request(desk: &Desk, id: &str, typed: &str) -> Result<Option<Wrong>, Refused> {
    if typed.is_empty() {
        return Ok(None);
    }
    let request = pb::ListApiCallsRequest {
        connection_id: id.to_owned(),
        page_size: 1,
        rpc_id: typed.to_owned(),
        ..Default::default()
    };
    let answer = desk.call(LIST, request, Api::list_api_calls).await?;
    let why = "No call that is still kept was made for a request with this id.";
    Ok(answer
        .api_calls
        .is_empty()
        .then(|| Wrong::new("request", why)))
}

/// The page with the calls, or with what is wrong with what was filled in and what was typed about a person.
fn page(
    desk: &Desk,
    connection: &pb::Connection,
    asked: &Asked,
    answer: Result<&pb::ListApiCallsResponse, (&Wrong, &str)>,
) -> Response {
    let content = show(&View {
        path: &Tab::Calls.path(&connection.id),
        asked,
        answer: answer.ok(),
        wrong: answer.err().map(|(wrong, _)| wrong),
        person: answer.err().map_or("", |(_, person)| person),
        writes: desk.way(Tab::Operations, &connection.id),
        find: desk.way(Tab::Find, &connection.id),
        csrf: desk.csrf(),
    });
    let page = desk.at(connection, Tab::Calls, content);
    match answer {
        Ok(_) => page,
        Err(_) => (StatusCode::UNPROCESSABLE_ENTITY, page).into_response(),
    }
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
        call.permission_test.to_string(),
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

/// What the page shows.
struct View<'a> {
    path: &'a str,
    asked: &'a Asked,
    /// The calls; none where something is wrong with what was asked for.
    answer: Option<&'a pb::ListApiCallsResponse>,
    wrong: Option<&'a Wrong>,
    /// What was typed about a person.
    person: &'a str,
    /// Where the writes are, for whoever may look at them.
    writes: Option<String>,
    /// Where people are found, for whoever may know of them.
    find: Option<String>,
    csrf: &'a str,
}

impl View<'_> {
    fn problem(&self, field: &str) -> Option<&str> {
        let wrong = self.wrong.filter(|wrong| wrong.field == field)?;
        Some(&wrong.why)
    }

    fn invalid(&self, field: &str) -> Option<&'static str> {
        self.problem(field).map(|_| "true")
    }

    fn described(&self, field: &str) -> Option<String> {
        self.problem(field).map(|_| format!("{field}-problem"))
    }

    /// What is wrong in a field, to stand beside it.
    fn beside(&self, field: &str) -> Markup {
        html! {
            @if let Some(problem) = self.problem(field) { p.problem id=(format!("{field}-problem")) role="alert" { (problem) } }
        }
    }

    /// A line of text to narrow the list by.
    fn line(
        &self,
        name: &str,
        label: &str,
        value: &str,
        example: &str,
        list: Option<&str>,
    ) -> Markup {
        html! {
            label { (label) input name=(name) value=(value) placeholder=(example) autocomplete="off" list=[list] aria-invalid=[self.invalid(name)] aria-describedby=[self.described(name)]; }
            (self.beside(name))
        }
    }

    fn day(&self, name: &str, label: &str, value: &str) -> Markup {
        html! {
            label { (label) input type="date" name=(name) value=(value) aria-invalid=[self.invalid(name)] aria-describedby=[self.described(name)]; }
            (self.beside(name))
        }
    }
}

fn show(view: &View<'_>) -> Markup {
    let (path, asked) = (view.path, view.asked);
    html! {
        div.head {
            h1 { "API calls" }
            a.button href=(href(&format!("{path}/export"), &asked.narrowed())) { "Export as CSV" }
        }
        form.filters method="post" action=(path) {
            (csrf(view.csrf))
            label { "Status"
                select name="status" {
                    @for (status, words) in STATUSES { option value=(status) selected[status == asked.status] { (words) } }
                }
            }
            label { "Stream"
                select name="stream" aria-invalid=[view.invalid("stream")] aria-describedby=[view.described("stream")] {
                    option value="" { "All" }
                    @for stream in domain::Stream::ALL {
                        option value=(stream.name()) selected[stream.name() == asked.stream] { (stream.name().replace('_', " ")) }
                    }
                }
            }
            (view.beside("stream"))
            (view.line("operation", "Lever's operation", &asked.operation, "listOpportunities", Some("operations")))
            (view.day("from", "From (UTC)", &asked.from))
            (view.day("to", "To", &asked.to))
            (view.line("for", "Made for the operation", &asked.made_for, "id of ours", None))
            (view.line("request", "Request", &asked.request, "id of the request", None))
            button type="submit" { "Show" }
        }
        @if let Some(writes) = &view.writes { (by_person(view, writes)) }
        datalist id="operations" { @for name in view.answer.map(operations).unwrap_or_default() { option value=(name) {} } }
        @if let Some(answer) = view.answer { (calls(view, answer)) }
    }
}

fn without_calls(view: &View<'_>) -> Markup {
    let narrowed = view
        .asked
        .narrowed()
        .iter()
        .any(|(_, value)| !value.is_empty());
    html! {
        section.empty {
            h2 { @if narrowed { "No call is like that" } @else { "No calls" } }
            p { "Calls to Lever are kept for 30 days unless that was set otherwise, without what they carried." }
            @if view.asked.failed_only() { p { "What a test of the key’s permissions is refused is no failure: the page Permissions tells of it." } }
            @if narrowed { a.button href=(view.path) { "Show all calls" } }
        }
    }
}

fn calls(view: &View<'_>, answer: &pb::ListApiCallsResponse) -> Markup {
    html! {
        @if answer.api_calls.is_empty() {
            (without_calls(view))
        } @else {
            div.scroll tabindex="0" role="region" aria-label="API calls" {
                table.stacked {
                    thead { tr { th { "Time" } th { "Call" } th.num { "Status" } th.num { "Took" } th.num { "Waited" } th.num { "Try" } th { "Lane" } th { "Operation" } th { "Request" } } }
                    tbody { @for call in &answer.api_calls { (one(call, view)) } }
                }
            }
            (go_on(view.path, &view.asked.narrowed(), [&view.asked.after, &answer.next_page_token], "Older"))
        }
    }
}

/// The operations on the page, to choose from.
fn operations(answer: &pb::ListApiCallsResponse) -> std::collections::BTreeSet<&str> {
    let names = answer.api_calls.iter();
    names.map(|call| call.lever_operation.as_str()).collect()
}

/// Calls are kept without any trace of whom they were about: what is known of one person is among the writes.
fn by_person(view: &View<'_>, writes: &str) -> Markup {
    html! {
        details open[view.problem("person").is_some()] {
            summary { "Looking for one person?" }
            p { "Calls are kept without ids and without what they carried, so nobody can be found by them. What was written about a person is under " a href=(writes) { "Operations" } ", each write with its calls." }
            form.filters method="post" action=(view.path) {
                (csrf(view.csrf))
                label { "Lever's id of the opportunity, or the address of its page in Lever" input name="person" value=(view.person) required autocomplete="off" aria-invalid=[view.invalid("person")] aria-describedby=[view.described("person")]; }
                (view.beside("person"))
                button type="submit" { "Show what was written" }
            }
            @if let Some(find) = &view.find { p { "You have a name or an e-mail address? " a href=(find) { "Find a person" } " leads to the opportunities." } }
        }
    }
}

fn one(call: &pb::ApiCall, view: &View<'_>) -> Markup {
    let asked = |name, id| href(view.path, &[(name, id)]);
    html! {
        tr {
            td data-label="Time" { (instant(call.call_time.as_ref())) }
            td data-label="Call" { code { (call.method) " " (call.path_template) } }
            td.num data-label="Status" {
                @if call.status == 0 { "no answer" } @else { (call.status) }
                @if call.permission_test { " " span.badge title="It asks for what is not there, to find out what the key may do." { "test" } }
            }
            td.num data-label="Took" { (call.elapsed_ms) " ms" }
            td.num data-label="Waited" { (call.waited_ms) " ms" }
            td.num data-label="Try" { (call.attempt) }
            td data-label="Lane" { (lane(&call.lane)) }
            td data-label="Operation" {
                @match (&view.writes, call.operation_id.as_str()) {
                    (_, "") => "–",
                    (Some(writes), id) => a href={ (writes) "/" (id) } { code { (id) } },
                    (None, id) => code { (id) },
                }
            }
            td data-label="Request" {
                @if call.rpc_id.is_empty() { span.faint { "by itself" } }
                @else { a href=(asked("request", &call.rpc_id)) { code { (call.rpc_id) } } }
            }
        }
    }
}

/// What a call was made for, as far as its lane tells; a lane that nobody knows by its name.
fn lane(name: &str) -> &str {
    match name {
        "interactive" => "somebody waits",
        "inbound" => "new applicants",
        "follow" => "what changed",
        "hydrate" => "what belongs to people",
        "backfill" => "history",
        "sweep" => "walk over everybody",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_is_told_in_words() {
        for known in lever::Lane::ALL {
            assert_ne!(lane(known.as_str()), known.as_str());
        }
        assert_eq!(lane("other"), "other");
    }

    #[test]
    fn a_call_that_got_no_answer_says_so_and_a_filter_stays() {
        let mut answer = pb::ListApiCallsResponse::default();
        let shown = |asked: &Asked, answer: &pb::ListApiCallsResponse| {
            let view = View {
                path: "/c",
                asked,
                answer: Some(answer),
                wrong: None,
                person: "",
                writes: Some("/o".to_owned()),
                find: None,
                csrf: "t",
            };
            show(&view).into_string()
        };
        let none = shown(&Asked::default(), &answer);
        assert!(none.contains("No calls") && !none.contains("Show all"));
        let by_stream = Asked {
            stream: "users".to_owned(),
            ..Asked::default()
        };
        let none = shown(&by_stream, &answer);
        assert!(none.contains("No call is like that") && none.contains("href=\"/c\">Show all"));
        answer.api_calls.push(pb::ApiCall {
            method: "GET".to_owned(),
            path_template: "/opportunities/:opportunity".to_owned(),
            lever_operation: "getOpportunity".to_owned(),
            operation_id: "o1".to_owned(),
            rpc_id: "a/b".to_owned(),
            ..Default::default()
        });
        answer.next_page_token = "a+b".to_owned();
        let failed = Asked {
            status: "failed".to_owned(),
            ..Asked::default()
        };
        let text = shown(&failed, &answer);
        assert!(text.contains("href=\"/o/o1\"") && text.contains("href=\"/c?request=a%2Fb\""));
        assert!(
            text.contains("name=\"person\""),
            "whom a call was about is not kept"
        );
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
        let turned = Asked {
            from: "2026-11-29".to_owned(),
            ..asked
        };
        let refused = turned.request("c").unwrap_err();
        assert_eq!(turned.wrong(&refused).map(|wrong| wrong.field), Some("to"));
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
            ",GET,\"/notes, \"\"all\"\"\",200,0,0,0,,,,\"'=1+1\",false\r\n"
        );
        assert_eq!(COLUMNS.split(',').count(), 12);
    }
}
