//! When the mirror is kept fresh, by hand too, and how that went (product.md, screen 9).

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use domain::Stream;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;
use proto::v1::stream_schedule::When;
use proto::v1::sync_service_server::SyncService as _;
use serde::Deserialize;

use super::connections::ISSUES;
use super::{After, go_on, more, person};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::form::Posted;
use crate::console::frame::{Tab, action};
use crate::console::live;
use crate::console::refusal::{Refused, sentence};
use crate::console::words::{count, moment, number, plain, span};
use crate::grpc::Api;

const STATUS: &str = "/fulcrum.v1.SyncService/GetSyncStatus";
pub(super) const START: &str = "/fulcrum.v1.SyncService/StartSync";
pub(super) const PAUSE: &str = "/fulcrum.v1.SyncService/PauseSync";
const RESUME: &str = "/fulcrum.v1.SyncService/ResumeSync";
const QUARANTINE: &str = "/fulcrum.v1.SyncService/ListQuarantine";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/connections/{id}/sync", get(show))
        .route("/console/connections/{id}/sync/start", post(start))
        .route("/console/connections/{id}/sync/pause", post(pause))
        .route("/console/connections/{id}/sync/resume", post(resume))
        .route("/console/connections/{id}/sync/quarantine", get(quarantine))
}

async fn show(
    desk: Desk,
    Path(id): Path<String>,
    Query(page): Query<After>,
) -> Result<Response, Refused> {
    opened(&desk, &id, page.after, None).await
}

/// The page, with whom somebody asked for in vain.
pub(super) async fn opened(
    desk: &Desk,
    id: &str,
    after: String,
    unread: Option<person::Unread<'_>>,
) -> Result<Response, Refused> {
    let connection = desk.connection(id).await?;
    let request = pb::ListRunsRequest {
        connection_id: id.to_owned(),
        page_size: 50,
        page_token: after.clone(),
        ..Default::default()
    };
    let runs = desk.call(Tab::Sync.rpc(), request, Api::list_runs).await?;
    let status = status(desk, id).await?;
    let path = Tab::Sync.path(id);
    let content = html! {
        div.head { h1 { "Sync" } div id="act" data-live-part { (buttons(desk, &connection)) } }
        // Older runs are for whoever reads on: the streams have been seen.
        @if after.is_empty() {
            // A page with what was refused has no address of its own to be asked for anew.
            @if unread.is_none() { (live::place(id)) }
            div id="streams" data-live-part { (streams(&path, &status)) }
            (person::form(desk, &path, unread))
        }
        h2 { "Runs" }
        div id="runs" data-live-part { (list(&runs)) (more(&path, [&after, &runs.next_page_token])) }
    };
    Ok(desk.at(&connection, Tab::Sync, content))
}

/// How the mirror is doing.
pub(super) async fn status(desk: &Desk, id: &str) -> Result<pb::GetSyncStatusResponse, Refused> {
    let request = pb::GetSyncStatusRequest {
        connection_id: id.to_owned(),
    };
    desk.call(STATUS, request, Api::get_sync_status).await
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
            @if paused { (button(RESUME, "resume", "Resume")) }
            @else { (button(START, "start", "Sync now")) (button(PAUSE, "pause", "Pause")) }
    }
}

async fn start(Path(id): Path<String>, Posted { desk, .. }: Posted) -> Result<Response, Refused> {
    let request = pb::StartSyncRequest {
        connection_id: id.clone(),
        ..Default::default()
    };
    let now = "Every stream is read now.";
    let said = read_now(&desk, request, now, "every stream is read").await?;
    Ok(desk.done(&Tab::Sync.path(&id), said))
}

/// Asks for a reading. Gives what to say of it: `now`, or where something is known to be in the way of all reading, when
/// `what` comes instead.
pub(super) async fn read_now(
    desk: &Desk,
    request: pb::StartSyncRequest,
    now: &str,
    what: &str,
) -> Result<String, Refused> {
    let id = request.connection_id.clone();
    desk.call(START, request, Api::start_sync).await?;
    let open = pb::ListIssuesRequest {
        connection_id: id,
        states: vec![pb::IssueState::Open.into()],
        ..Default::default()
    };
    // What was asked for is under way, whether that is known or not.
    let open = desk.call(ISSUES, open, Api::list_issues).await;
    let open = open.map(|answer| answer.issues).unwrap_or_default();
    let when = open.iter().find_map(|issue| in_the_way(issue.kind()));
    Ok(when.map_or_else(
        || now.to_owned(),
        |(why, when)| format!("{why}: {what} {when}."),
    ))
}

/// What a kind of issue has to do with nothing being read, and when that ends; nothing where it has not.
fn in_the_way(kind: pb::IssueKind) -> Option<(&'static str, &'static str)> {
    match kind {
        pb::IssueKind::LeverUnreachable => Some((
            "Lever cannot be reached just now",
            "as soon as Lever answers",
        )),
        pb::IssueKind::KeyRejected | pb::IssueKind::GrantLost => Some((
            "Lever does not accept the key",
            "once Settings has one that Lever accepts",
        )),
        pb::IssueKind::PausedByLever => {
            Some(("Lever has paused this key", "when the pause is over"))
        }
        _ => None,
    }
}

async fn pause(Path(id): Path<String>, Posted { desk, .. }: Posted) -> Result<Response, Refused> {
    let request = pb::PauseSyncRequest {
        connection_id: id.clone(),
    };
    desk.call(PAUSE, request, Api::pause_sync).await?;
    let said = "Nothing is read from Lever until somebody resumes; writes go on.";
    Ok(desk.done(&Tab::Sync.path(&id), said))
}

async fn resume(Path(id): Path<String>, Posted { desk, .. }: Posted) -> Result<Response, Refused> {
    let request = pb::ResumeSyncRequest {
        connection_id: id.clone(),
    };
    desk.call(RESUME, request, Api::resume_sync).await?;
    Ok(desk.done(&Tab::Sync.path(&id), "Lever is read again."))
}

/// What the page of them is called.
const ASIDE: &str = "Records that could not be read";

/// Which records that could not be read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Aside {
    after: String,
    stream: String,
}

async fn quarantine(
    desk: Desk,
    Path(id): Path<String>,
    Query(asked): Query<Aside>,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let request = pb::ListQuarantineRequest {
        connection_id: id.clone(),
        page_size: 100,
        page_token: asked.after.clone(),
        stream: asked.stream.clone(),
        include_raw_json: false,
    };
    let answer = desk.call(QUARANTINE, request, Api::list_quarantine).await?;
    let path = Tab::Sync.path(&id);
    let content = html! {
        div.head { h1 { (ASIDE) } a.button href=(path) { "Sync" } }
        (set_aside(&answer.records))
        (go_on(&format!("{path}/quarantine"), &[("stream", &asked.stream)], [&asked.after, &answer.next_page_token], "Next page"))
    };
    Ok(desk.below(&connection, Tab::Sync, ASIDE, content))
}

fn set_aside(records: &[pb::QuarantinedRecord]) -> Markup {
    html! {
        @if records.is_empty() {
            section.empty { h2 { "Every record could be read" } p { "A record of Lever's that cannot be is set aside here; the others go on." } }
        } @else {
            p { "Each is missing in the mirror until it comes in a form that can be read, or is gone in Lever. All others go on." }
            div.scroll tabindex="0" role="region" aria-label="Records that could not be read" {
                table {
                    thead { tr { th { "Stream" } th { "Why" } th { "Since" } } }
                    tbody {
                        @for record in records {
                            tr {
                                td { (record.stream.replace('_', " ")) }
                                td { (record.reason) }
                                td { (moment(record.quarantine_time.as_ref())) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The streams that are read by themselves, each with its schedule and how far it was read.
fn streams(path: &str, status: &pb::GetSyncStatusResponse) -> Markup {
    let inbound = status.inbound.as_ref();
    let off = |stream: &&pb::StreamStatus| stream.state() == pb::StreamState::Off;
    let listed = status
        .streams
        .iter()
        .filter(|one| one.schedule.is_some() && !off(one));
    let left_out = status.streams.iter().filter(off).count() as u64;
    let people = status
        .streams
        .iter()
        .any(|one| one.name == Stream::Opportunities.name() && !off(&one));
    let aside: u64 = status.streams.iter().map(|stream| stream.quarantined).sum();
    html! {
        p.faint { "A stream is one kind of Lever’s records, read on a schedule of its own; its cursor says how far it was read." }
        div.scroll tabindex="0" role="region" aria-label="Schedules" {
            table.stacked {
                thead { tr { th { "Stream" } th { "Read" } th { "Last success" } th { "Next" } th { "Cursor" } th.num { "Records" } } }
                tbody {
                    @if let Some(inbound) = inbound.filter(|_| people) {
                        tr {
                            td data-label="Stream" { a href={ (path) "/streams/inbound_applicants" } { "inbound applicants" } }
                            td data-label="Read" { (schedule(inbound.schedule.as_ref())) }
                            td data-label="Last success" { (moment(inbound.as_of.as_ref())) }
                            td data-label="Next" { (next(inbound.next_run_at.as_ref())) }
                            td data-label="Cursor" { "–" } td.num data-label="Records" { "–" }
                        }
                    }
                    @for stream in listed {
                        tr {
                            td data-label="Stream" { a href={ (path) "/streams/" (stream.name) } { (stream.name.replace('_', " ")) } }
                            td data-label="Read" { (schedule(stream.schedule.as_ref())) }
                            td data-label="Last success" { (moment(stream.last_success_at.as_ref())) }
                            td data-label="Next" { (next(stream.next_run_at.as_ref())) }
                            td data-label="Cursor" { (stream.cursor.as_ref().map_or("–", phase)) }
                            td.num data-label="Records" { @match stream.records { Some(records) => (number(records)), None => "–" } }
                        }
                    }
                }
            }
        }
        p.faint {
            "What hangs below people and postings is read with them, when they change."
            @if left_out > 0 { " " (count(left_out, "kind of record is", "kinds of record are")) " not mirrored, as the settings say." }
        }
        @if aside > 0 { p { a href={ (path) "/quarantine" } { (number(aside)) " records could not be read" } } }
    }
}

pub(super) fn next(at: Option<&prost_types::Timestamp>) -> Markup {
    html! { @if at.is_some() { (moment(at)) } @else { "–" } }
}

/// When a stream is read, in words.
pub(super) fn schedule(schedule: Option<&pb::StreamSchedule>) -> Markup {
    html! {
        @match schedule.and_then(|schedule| Some((schedule, schedule.when.as_ref()?))) {
            Some((schedule, When::Interval(interval))) => { "every " (span(interval)) @if schedule.is_default { span.faint { " (default)" } } },
            Some((schedule, When::Cron(cron))) => { "at " code { (cron) } " " (schedule.time_zone) },
            None => "–",
        }
    }
}

/// How far a stream was read.
pub(super) fn cursor(cursor: Option<&pb::StreamCursor>) -> Markup {
    html! {
        @if let Some(cursor) = cursor {
            (phase(cursor))
            @if !cursor.text.is_empty() { br; span.faint { (with_times(&cursor.text)) } }
        } @else { "–" }
    }
}

/// What is being read, in words.
pub(super) fn phase(cursor: &pb::StreamCursor) -> &str {
    match cursor.phase.as_str() {
        "PENDING" => "not begun",
        "BACKFILL" => "reading everything",
        "FOLLOW" => "reading what changed",
        "IDLE" => "waiting for the next pass",
        other => other,
    }
}

/// A text with its exact times as every other time of the console.
fn with_times(text: &str) -> Markup {
    html! {
        @for (place, word) in text.split(' ').enumerate() {
            @if place > 0 { " " }
            @let bare = word.trim_end_matches([',', ';']);
            @match bare.parse::<jiff::Timestamp>() {
                Ok(at) => {
                    (moment(Some(&prost_types::Timestamp { seconds: at.as_second(), nanos: 0 })))
                    (word.strip_prefix(bare).unwrap_or_default())
                }
                Err(_) => (word),
            }
        }
    }
}

pub(super) fn list(runs: &pb::ListRunsResponse) -> Markup {
    html! {
        @if runs.runs.is_empty() {
            section.empty { h2 { "No runs to show" } p { "Each pass over a listing of Lever shows up here when it has ended; of those that found nothing, one in ten minutes at most. “Last success” counts all of them." } }
        } @else {
            p.faint { "Passes that found nothing are listed once in ten minutes at most. Records are those that a pass has read, whether they were new, changed or the same; with people come their applications and contacts." }
            div.scroll tabindex="0" role="region" aria-label="Runs" {
                table.stacked {
                    thead {
                        tr {
                            th { "Listing" } th { "Result" } th { "Began, ended" }
                            th.num { "Requests" } th.num { "Records" } th.num { "New" } th.num { "Changed" } th { "Details" }
                        }
                    }
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
            td data-label="Listing" { (run.listing.replace('_', " ")) br; span.faint { (origin(run)) } }
            td data-label="Result" { span class=(class) { (plain(run.state().as_str_name(), "RUN_STATE")) } }
            td.when data-label="Began, ended" { (moment(run.start_time.as_ref())) br; (moment(run.end_time.as_ref())) @if let Some(took) = took(run) { br; span.faint { "took " (took) } } }
            td.num data-label="Requests" { (number(run.requests)) }
            td.num data-label="Records" { (number(run.records)) }
            @match &run.counts {
                Some(counts) => {
                    td.num data-label="New" { (number(counts.created)) }
                    td.num data-label="Changed" { (number(counts.updated)) }
                }
                // Kept by an earlier version: what was new, different or gone, in one.
                None => { td.num data-label="New" { "–" } td.num data-label="Changed" { (number(run.changes)) " in all" } }
            }
            td data-label="Details" {
                @if !run.error.is_empty() { p { (sentence(&run.error)) } }
                @let rest = rest(run);
                @if !rest.is_empty() { span.faint { (rest) } }
                @if run.cursor_before.is_some() || run.cursor_after.is_some() {
                    details {
                        summary { "Cursor" span.unseen { " of " (run.listing.replace('_', " ")) } }
                        dl.pairs {
                            dt { "Before" } dd { (cursor(run.cursor_before.as_ref())) }
                            @if run.cursor_before != run.cursor_after { dt { "After" } dd { (cursor(run.cursor_after.as_ref())) } }
                        }
                    }
                }
            }
        }
    }
}

/// How long a pass took.
fn took(run: &pb::SyncRun) -> Option<String> {
    let seconds = run.end_time?.seconds.checked_sub(run.start_time?.seconds)?;
    Some(match seconds {
        ..1 => "less than 1 s".to_owned(),
        seconds => span(&prost_types::Duration { seconds, nanos: 0 }),
    })
}

/// What became of the records that are neither new nor changed, as far as there are any.
fn rest(run: &pb::SyncRun) -> String {
    let counts = run.counts.unwrap_or_default();
    let told = [
        (counts.unchanged, "unchanged"),
        (counts.deleted, "deleted"),
        (counts.set_aside, "not readable"),
    ];
    let told = told.iter().filter(|(records, _)| *records > 0);
    let told: Vec<String> = told
        .map(|(records, what)| format!("{} {what}", number(*records)))
        .collect();
    told.join(", ")
}

/// Why a pass began, and what it was to read.
fn origin(run: &pb::SyncRun) -> String {
    match read(run.scope()) {
        "" => why(run).to_owned(),
        read => format!("{}: {read}", why(run)),
    }
}

/// Why a pass began.
fn why(run: &pb::SyncRun) -> &'static str {
    match run.cause() {
        pb::RunCause::Schedule => "scheduled",
        pb::RunCause::Request => "by hand",
        pb::RunCause::Settings => "new settings or key",
        pb::RunCause::Webhook => "webhook",
        pb::RunCause::Write => "after a write",
        pb::RunCause::Pass => "after another pass",
        // What hangs below others has counts, and no cause of its own.
        pb::RunCause::Unspecified if run.counts.is_some() => "with what it belongs to",
        pb::RunCause::Unspecified => "",
    }
}

/// How much of its list a pass read.
fn read(scope: pb::RunScope) -> &'static str {
    match scope {
        pb::RunScope::First => "all, for the first time",
        pb::RunScope::Whole => "all",
        pb::RunScope::Changes => "what changed",
        pb::RunScope::Unspecified => "",
    }
}

#[cfg(test)]
mod tests {
    use domain::IssueKind;

    use super::*;

    #[test]
    fn what_stops_all_reading_is_in_the_way_of_what_is_asked_for_and_nothing_else_is() {
        for number in 1..=100 {
            let Ok(kind) = pb::IssueKind::try_from(number) else {
                continue;
            };
            let name = kind.as_str_name().trim_start_matches("ISSUE_KIND_");
            let stops = IssueKind::from_name(name).is_some_and(IssueKind::stops_reading);
            // An account that cannot be worked on refuses, and one list without a turn is read with the next one.
            let told = !matches!(kind, pb::IssueKind::Unusable | pb::IssueKind::NoTurn);
            assert_eq!(in_the_way(kind).is_some(), stops && told, "{name}");
        }
    }

    #[test]
    fn a_run_tells_how_it_ended_and_why() {
        let mut runs = pb::ListRunsResponse::default();
        assert!(
            list(&runs)
                .into_string()
                .contains("one in ten minutes at most")
        );
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

    #[test]
    fn a_run_tells_why_it_began_what_became_of_its_records_and_how_far_its_list_was_read() {
        let place = |text: &str| pb::StreamCursor {
            phase: "IDLE".to_owned(),
            text: text.to_owned(),
        };
        let by_hand = pb::SyncRun {
            cause: pb::RunCause::Request.into(),
            scope: pb::RunScope::Changes.into(),
            counts: Some(pb::RunCounts {
                created: 11,
                updated: 12,
                unchanged: 13,
                deleted: 14,
                set_aside: 15,
            }),
            cursor_before: Some(place("read up to 2026-11-29T22:39:26Z")),
            cursor_after: Some(place("read up to 2026-11-29T22:40:26Z")),
            ..Default::default()
        };
        let text = one(&by_hand).into_string();
        assert!(text.contains("by hand: what changed"));
        assert!(text.contains(">11<") && text.contains(">12<"), "{text}");
        assert!(text.contains("13 unchanged, 14 deleted, 15 not readable"));
        assert!(text.contains("<details>"));
        assert!(text.contains("22:39 UTC") && text.contains("22:40 UTC"));
        let below = pb::SyncRun {
            counts: by_hand.counts,
            ..Default::default()
        };
        assert_eq!(origin(&below), "with what it belongs to");
        let early = pb::SyncRun {
            changes: 9,
            ..Default::default()
        };
        assert!(one(&early).into_string().contains("9 in all"));
        assert_eq!(origin(&early), "");
    }

    #[test]
    fn a_cursor_is_told_in_words_with_its_times_as_times() {
        let told = cursor(Some(&pb::StreamCursor {
            phase: "IDLE".to_owned(),
            text: "read up to 2026-11-29T22:39:26Z, <all> of it".to_owned(),
        }));
        let text = told.into_string();
        assert!(text.starts_with("waiting for the next pass<br>"), "{text}");
        assert!(
            text.contains(">2026-11-29 22:39 UTC</time>, &lt;all&gt; of it"),
            "{text}"
        );
    }

    #[test]
    fn a_schedule_is_told_in_words() {
        let every = pb::StreamSchedule {
            when: Some(When::Interval(prost_types::Duration {
                seconds: 300,
                nanos: 0,
            })),
            is_default: true,
            ..Default::default()
        };
        let text = schedule(Some(&every)).into_string();
        assert!(text.starts_with("every 5 min") && text.contains("(default)"));
        let nightly = pb::StreamSchedule {
            when: Some(When::Cron("0 3 * * *".to_owned())),
            time_zone: "Europe/Berlin".to_owned(),
            is_default: false,
        };
        let text = schedule(Some(&nightly)).into_string();
        assert_eq!(text, "at <code>0 3 * * *</code> Europe/Berlin");
    }

    #[test]
    fn what_could_not_be_read_is_told_with_its_reason() {
        assert!(
            set_aside(&[])
                .into_string()
                .contains("Every record could be read")
        );
        let record = pb::QuarantinedRecord {
            stream: "posting_forms".to_owned(),
            reason: "expected <text>".to_owned(),
            ..Default::default()
        };
        let text = set_aside(&[record]).into_string();
        assert!(text.contains("posting forms") && text.contains("expected &lt;text&gt;"));
    }
}
