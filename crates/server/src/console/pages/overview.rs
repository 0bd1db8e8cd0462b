//! How a connection is doing, stream by stream, as it happens (product.md, screen 3).

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use domain::Stream;
use maud::{Markup, html};
use proto::v1 as pb;

use super::connections::{Issues, SET_UP, issues_of, open_issues, state, unstarted};
use super::{issues, setup};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::frame::Tab;
use crate::console::import::{self, Share, Standing};
use crate::console::live;
use crate::console::models::called;
use crate::console::refusal::{Refused, sentence};
use crate::console::words::{about, count, moment, number, plain};

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/connections/{id}", get(show))
        .route("/console/connections/{id}/live", get(changes))
}

/// What the page shows.
struct View<'a> {
    connection: &'a pb::Connection,
    status: &'a pb::GetSyncStatusResponse,
    issues: Issues,
    /// The pages that the reader may open.
    tabs: &'a [Tab],
    may_set_up: bool,
    /// Whether the account was linked so lately that the end of its first import is news, and nobody has gone on since.
    fresh: bool,
}

/// So long after an account was linked its first import is told to be complete.
const NEWS_SECONDS: i64 = 3 * 24 * 3600;

async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let status = super::sync::status(&desk, &id).await?;
    let now = desk.now().as_millis().div_euclid(1_000);
    let linked = connection.create_time.as_ref();
    let lately = linked.is_some_and(|at| now.saturating_sub(at.seconds) < NEWS_SECONDS);
    let tabs = desk.tabs();
    let view = View {
        connection: &connection,
        status: &status,
        // The mirror is shown even where its issues are refused just now.
        issues: open_issues(&desk, &id).await.unwrap_or_default(),
        tabs: &tabs,
        may_set_up: desk.may(SET_UP),
        fresh: lately && !is_mapped(&desk, &id).await,
    };
    Ok(desk.at(&connection, Tab::Overview, page(&view)))
}

/// Whether somebody has saved a stage mapping; not where nobody may know.
async fn is_mapped(desk: &Desk, id: &str) -> bool {
    let present = super::export::mapping_and_stages(desk, id).await;
    present.is_ok_and(|(mapping, _)| mapping.version > 0)
}

/// Tells a page that something has changed.
async fn changes(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    live::tell(&desk, live::of_mirror(&desk, &connection)?)
}

fn page(view: &View<'_>) -> Markup {
    let (connection, status) = (view.connection, view.status);
    let importing = import::is_under_way(status);
    let unstarted_yet = setup::is_unstarted(connection, &status.streams);
    html! {
        div.head id="head" data-live-part { h1 { "Overview" } (state(connection, &view.issues, status)) }
        div id="unstarted" data-live-part {
            @if unstarted_yet { div.notice { (unstarted(connection, view.may_set_up)) } }
        }
        div id="import" data-live-part data-import=[(!unstarted_yet).then_some(if importing { "running" } else { "complete" })] data-name=(connection.display_name) {
            @if !unstarted_yet && (importing || view.fresh) { (next_step(view, importing)) }
            @if !unstarted_yet && importing { (first_import(status)) }
            @else if !importing && view.fresh && !is_troubled(view) { (complete(view)) }
        }
        // Outside of what is put in place anew, so that what was asked for here stays.
        @if !unstarted_yet && importing { (tell_me()) }
        (live::place(&connection.id))
        section.panel id="whole" data-live-part aria-live="off" { (whole(view)) }
        section id="streams" data-live-part {
            @if importing { (import_table(status)) } @else { (streams(&status.streams)) }
        }
    }
}

/// Whether something is wrong, so that there is nothing to be glad of.
fn is_troubled(view: &View<'_>) -> bool {
    view.issues.open > 0 || view.status.state() == pb::SyncState::Failed
}

/// What a first import has met that wants looking after, with what to do about it and the way there.
fn next_step(view: &View<'_>, importing: bool) -> Markup {
    let id = view.connection.id.as_str();
    let Some(issue) = &view.issues.newest else {
        return html! {};
    };
    html! {
        div.notice.warn {
            p {
                @if !importing { "The first import has come to its end. " }
                strong {
                    @if view.issues.open == 1 { "One thing needs attention: " }
                    @else { (number(view.issues.open.into())) " things need attention, the newest: " }
                }
                (sentence(&issue.message))
            }
            (issues::repair(issue, id, view.tabs))
            p {
                a href=(issues::place(issue, id)) { "More about this issue" }
                @if view.issues.open > 1 { ", or " a href=(Tab::Issues.path(id)) { "all of them" } }
            }
        }
    }
}

/// How far the first import has come.
fn first_import(status: &pb::GetSyncStatusResponse) -> Markup {
    let share = import::whole(status);
    html! {
        section.panel {
            h2 { "First import" }
            @match share {
                Some(share) => { p {
                    progress.long max=(share.total) value=(share.done) aria-label="First import" { (share.percent()) " %" }
                    " " (share.percent()) " %: about " (count(status.planned_requests, "request", "requests")) " to Lever to go"
                    @if let Some(eta) = &status.eta { ", " (about(eta)) " at the rate that Lever allows" }
                    "."
                } },
                None => { p { progress.long aria-label="First import" { "under way" } " How long it takes is not known yet." } },
            }
            @match status.state() {
                pb::SyncState::Paused => { p { "It is paused: nothing is read until somebody resumes it." } },
                pb::SyncState::Failed => { p { "It does not get on just now: the table below and the issues say why." } },
                _ => {}
            }
            p {
                @if status.state() == pb::SyncState::Paused { "You can leave this page and come back at any time." }
                @else { "You can leave this page and come back at any time: the import goes on by itself." }
                @if has_people(status) { " Whoever applied comes first, and can be worked with before the rest is here." }
            }
        }
    }
}

/// Whether people are mirrored at all, and not jobs alone.
fn has_people(status: &pb::GetSyncStatusResponse) -> bool {
    import::kept(status).any(|stream| stream.name == Stream::Opportunities.name())
}

/// The offer to be told of the end; the button shows where scripts run and the browser has such notices.
fn tell_me() -> Markup {
    html! {
        p.offer id="tell-me" {
            button type="button" data-tell-me hidden { "Tell me when it is done" }
            " " span.faint data-tell-me-hint role="status" { "Load this page again whenever you like, to see how far it has come." }
        }
    }
}

/// That the first import is complete, with what its reader can go on with.
fn complete(view: &View<'_>) -> Markup {
    let way = |tab: Tab, words: &str| html! { a href=(tab.path(&view.connection.id)) { (words) } };
    let next = match (has_people(view.status), view.may_set_up) {
        (false, true) => html! {
            "Jobs alone are mirrored; people can be added in the " (way(Tab::Settings, "settings")) "."
        },
        (false, false) => html! { "Jobs alone are mirrored." },
        (true, true) => html! {
            "Next: " (way(Tab::Stages, "put Lever’s stages into the groups of your product"))
            ", then look at the " (way(Tab::Applicants, "applicants")) "."
        },
        (true, false) => html! {
            @if view.tabs.contains(&Tab::Applicants) { "Next: look at the " (way(Tab::Applicants, "applicants")) "." }
        },
    };
    html! { div.notice.good { p { "The first import is complete. " (next) } } }
}

fn whole(view: &View<'_>) -> Markup {
    let status = view.status;
    html! {
        h2 { "Mirror of Lever" }
        dl {
            dt { "Data as of" } dd { (moment(status.as_of.as_ref())) }
            dt { "Inbound applicants" } dd {
                @if !has_people(status) {
                    "not mirrored: people are left out in the "
                    @if view.tabs.contains(&Tab::Settings) { a href=(Tab::Settings.path(&view.connection.id)) { "settings" } } @else { "settings" }
                }
                @else if status.inbound_ready { "complete" } @else { "not complete yet" }
            }
            (issues_of(&view.issues, &Tab::Issues.path(&view.connection.id)))
            @if let Some(pause) = &status.rate_limit_pause {
                dt { "Paused by Lever" } dd { "until " (moment(pause.end_time.as_ref())) ": " (pause.reason) }
            }
        }
    }
}

/// Kind by kind, while it is imported.
fn import_table(status: &pb::GetSyncStatusResponse) -> Markup {
    html! {
        p.faint { "Kind by kind of Lever’s records. A record that could not be read is set aside, so that all others go on; it comes back when Lever sends it in a form that can be read." }
        div.scroll tabindex="0" role="region" aria-label="Kinds of record" {
            table.stacked {
                thead { tr { th { "Kind of record" } th { "State" } th { "Progress" } th.num { "Found" } th.num { "Stored" } th.num { "Could not be read" } th.num { "Rate" } th { "Details" } } }
                tbody { @for stream in import::kept(status) { (import_row(status, stream)) } }
            }
        }
    }
}

fn import_row(status: &pb::GetSyncStatusResponse, stream: &pb::StreamStatus) -> Markup {
    let standing = import::standing(status, stream);
    let (class, words) = match standing {
        Standing::NotStarted => ("badge", "Not started"),
        Standing::Running(_) => ("badge", "Running"),
        Standing::Success => ("badge good", "Success"),
        Standing::Failure => ("badge bad", "Failure"),
        Standing::NeedsAttention => ("badge warn", "Needs attention"),
    };
    // What could not be read was found all the same.
    let found = stream
        .records
        .map(|stored| stored.saturating_add(stream.quarantined));
    let dash = "–";
    html! {
        tr {
            td data-label="Kind of record" { (called(&stream.name)) }
            td data-label="State" { span class=(class) { (words) } }
            td.share data-label="Progress" { (bar(standing, called(&stream.name), &looked_at(stream))) @if let Some(left) = import::left(status, stream) { br; span.faint { "about " (about(&left)) " to go" } } }
            td.num data-label="Found" { @match found { Some(found) => (number(found)), None => (dash) } }
            td.num data-label="Stored" { @match stream.records { Some(stored) => (number(stored)), None => (dash) } }
            td.num data-label="Could not be read" { (number(stream.quarantined)) }
            td.num data-label="Rate" { (rate(stream.rate)) }
            td.details data-label="Details" { (wrong(stream)) }
        }
    }
}

/// Records a second; none is known of a pass that has just begun, after a restart too, or that does not get on.
fn rate(rate: f64) -> String {
    match rate {
        0.5.. => format!("{rate:.0}/s"),
        _ if rate > 0.0 => "under 1/s".to_owned(),
        _ => "–".to_owned(),
    }
}

/// What the share of a kind of record counts, where that is not its own records: those that it hangs below.
fn looked_at(stream: &pb::StreamStatus) -> String {
    let stream = Stream::from_name(&stream.name).filter(|stream| stream.hydrated());
    let parent = stream.and_then(Stream::parent);
    parent.map_or_else(String::new, |parent| {
        format!(" {} looked at", called(parent.name()).to_lowercase())
    })
}

fn bar(standing: Standing, name: &str, looked_at: &str) -> Markup {
    let label = format!("Progress of {name}");
    html! {
        @match standing {
            Standing::NotStarted => { progress max="1" value="0" aria-label=(label) { "0 %" } },
            Standing::Success => { progress max="1" value="1" aria-label=(label) { "100 %" } " 100 %" },
            Standing::Running(Some(share @ Share { done, total })) => {
                progress max=(total) value=(done) aria-label=(label) { (share.percent()) " %" } " " (share.percent()) " %"
                br; span.faint { (number(done)) " of about " (number(total)) (looked_at) }
            },
            Standing::Running(None) => { progress aria-label=(label) { "under way" } },
            Standing::Failure | Standing::NeedsAttention => "–",
        }
    }
}

fn streams(streams: &[pb::StreamStatus]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Kinds of record" {
            table.stacked {
                thead { tr { th { "Kind of record" } th { "State" } th.num { "Records" } th { "Last success" } th { "Next" } th { "Details" } } }
                tbody { @for stream in streams { (one(stream)) } }
            }
        }
    }
}

/// Why a stream cannot be read, without what the badge says; nothing where it can.
fn wrong(stream: &pb::StreamStatus) -> String {
    let Some((before, told)) = stream.error.split_once("forbidden: ") else {
        return match stream.error.as_str() {
            "" => String::new(),
            told => sentence(told),
        };
    };
    // What it names before that is a list of its own, as that of what was deleted.
    let told = told
        .split_once(". ")
        .map_or(told, |(_permission, told)| told);
    sentence(&format!("{}{told}", before.replace('_', " ")))
}

fn one(stream: &pb::StreamStatus) -> Markup {
    html! {
        tr {
            td data-label="Kind of record" { (called(&stream.name)) }
            td data-label="State" { span class=(class(stream.state())) { (stands(stream.state())) } }
            td.num data-label="Records" { @match stream.records { Some(records) => (number(records)), None => "–" } }
            td data-label="Last success" { (moment(stream.last_success_at.as_ref())) }
            td data-label="Next" { @if stream.next_run_at.is_some() { (moment(stream.next_run_at.as_ref())) } @else { "–" } }
            td data-label="Details" {
                @if !stream.error.is_empty() { p { (wrong(stream)) } }
                @if stream.waiting > 0 { p.faint { (count(stream.waiting, "list waits", "lists wait")) " to be read" } }
                @if stream.quarantined > 0 { p { (count(stream.quarantined, "record", "records")) " could not be read" } }
                @if stream.rate > 0.0 { p.faint { (format!("{:.0}", stream.rate)) " records a second" } }
            }
        }
    }
}

/// How a stream stands, in words.
pub(super) fn stands(state: pb::StreamState) -> String {
    match state {
        pb::StreamState::Forbidden => "not allowed".to_owned(),
        state => plain(state.as_str_name(), "STREAM_STATE"),
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

    fn shown(connection: &pb::Connection, status: &pb::GetSyncStatusResponse) -> String {
        let view = View {
            connection,
            status,
            issues: open(0),
            tabs: &Tab::ALL,
            may_set_up: false,
            fresh: true,
        };
        page(&view).into_string()
    }

    /// So many issues as a reader sees them who may.
    fn open(open: u32) -> Issues {
        let newest = pb::Issue {
            id: "i1".to_owned(),
            message: "the key lacks <it>".to_owned(),
            repair: "test the key under Permissions".to_owned(),
            ..Default::default()
        };
        Issues {
            open,
            shown: true,
            newest: (open > 0).then_some(newest),
        }
    }

    fn importing() -> pb::GetSyncStatusResponse {
        pb::GetSyncStatusResponse {
            state: pb::SyncState::Syncing.into(),
            planned_requests: 907,
            eta: Some(prost_types::Duration {
                seconds: 91,
                nanos: 0,
            }),
            streams: vec![
                pb::StreamStatus {
                    name: "opportunities".to_owned(),
                    state: pb::StreamState::Syncing.into(),
                    records: Some(300),
                    planned_requests: 7,
                    ..Default::default()
                },
                pb::StreamStatus {
                    name: "notes".to_owned(),
                    state: pb::StreamState::Syncing.into(),
                    records: Some(450),
                    planned_requests: 900,
                    waiting: 200,
                    quarantined: 3,
                    rate: 12.4,
                    ..Default::default()
                },
                pb::StreamStatus {
                    name: "archive_reasons".to_owned(),
                    state: pb::StreamState::Forbidden.into(),
                    error: "forbidden: it. the key lacks <it>".to_owned(),
                    ..Default::default()
                },
            ],
            ..Default::default()
        }
    }

    #[test]
    fn a_first_import_is_told_kind_by_kind_with_bars_that_have_words() {
        let connection = pb::Connection {
            state: pb::SyncState::Syncing.into(),
            ..Default::default()
        };
        let text = shown(&connection, &importing());
        assert!(text.contains("Initial import 10 %<") && text.contains("data-import=\"running\""));
        let left = "about 907 requests to Lever to go, 1 min 30 s at the rate that Lever allows.";
        assert!(text.contains(left), "what is left is rounded: 91 s");
        assert!(text.contains("aria-label=\"Progress of Notes\">10 %</progress>"));
        assert!(text.contains("100 of about 1,000"));
        assert!(text.contains(
            "data-label=\"Stored\">450</td><td class=\"num\" data-label=\"Could not be read\">3</td>"
        ));
        assert!(text.contains("12/s") && text.contains("data-tell-me hidden"));
        assert!(text.contains("Archive reasons") && text.contains("badge warn\">Needs attention"));
        assert!(text.contains("\">The key lacks &lt;it&gt;.</td>"), "{text}");
    }

    #[test]
    fn the_end_of_a_first_import_is_told_with_what_comes_next() {
        let connection = pb::Connection {
            state: pb::SyncState::Synced.into(),
            ..Default::default()
        };
        let mut status = importing();
        status.state = pb::SyncState::Synced.into();
        status.planned_requests = 0;
        let text = shown(&connection, &status);
        assert!(
            text.contains("data-import=\"complete\"")
                && text.contains("The first import is complete")
        );
        assert!(!text.contains("data-tell-me") && !text.contains("<progress"));
        assert!(text.contains("badge bad\">not allowed"));
        let view = |issues, fresh| View {
            connection: &connection,
            status: &status,
            issues: open(issues),
            tabs: &Tab::ALL,
            may_set_up: false,
            fresh,
        };
        let troubled = page(&view(1, true)).into_string();
        assert!(troubled.contains("Needs attention") && troubled.contains(">1 open issue</a>"));
        for other in [troubled, page(&view(0, false)).into_string()] {
            assert!(!other.contains("The first import is complete"), "{other}");
        }
    }

    #[test]
    fn a_first_import_with_an_open_issue_leads_to_it_and_to_its_repair() {
        let connection = pb::Connection {
            id: "c1".to_owned(),
            state: pb::SyncState::Synced.into(),
            ..Default::default()
        };
        let mut status = importing();
        let of = |status: &pb::GetSyncStatusResponse, issues, fresh| {
            let view = View {
                connection: &connection,
                status,
                issues,
                tabs: &[Tab::Permissions],
                may_set_up: false,
                fresh,
            };
            page(&view).into_string()
        };
        let running = of(&status, open(1), true);
        for told in [
            "One thing needs attention: </strong>The key lacks &lt;it&gt;.",
            "under <a href=\"/console/connections/c1/permissions\">Permissions</a>.",
            "href=\"/console/connections/c1/issues#issue-i1\"",
        ] {
            assert!(running.contains(told), "{told}: {running}");
        }
        assert!(!running.contains("come to its end"));
        assert!(!of(&status, open(0), true).contains("needs attention: "));
        status.state = pb::SyncState::Synced.into();
        let ended = of(&status, open(2), true);
        assert!(ended.contains("has come to its end. <strong>2 things need attention, the newest"));
        let old = of(&status, open(2), false);
        assert!(!old.contains("come to its end"), "no news: {old}");
        let hidden = Issues {
            open: 1,
            ..Issues::default()
        };
        let hidden = of(&status, hidden, true);
        assert!(hidden.contains("Needs attention") && !hidden.contains("/issues"));
    }

    #[test]
    fn whoever_cannot_map_stages_is_not_told_to() {
        let connection = pb::Connection::default();
        let status = importing();
        let of = |may_set_up: bool, tabs: &[Tab]| {
            let view = View {
                connection: &connection,
                status: &status,
                issues: open(0),
                tabs,
                may_set_up,
                fresh: true,
            };
            complete(&view).into_string()
        };
        let admin = of(true, &Tab::ALL);
        assert!(
            admin.contains("Next: <a href=\"/console/connections//stages\">put Lever’s stages")
        );
        let other = of(false, &[Tab::Applicants]);
        assert!(!other.contains("stages") && other.contains("Next: look at the <a"));
        assert!(of(false, &[]).contains("is complete. </p>"));
    }

    #[test]
    fn an_account_of_jobs_alone_is_not_said_to_have_applicants() {
        let connection = pb::Connection {
            state: pb::SyncState::Synced.into(),
            ..Default::default()
        };
        let mut status = importing();
        status.inbound_ready = true;
        status.state = pb::SyncState::Synced.into();
        status.planned_requests = 0;
        assert!(shown(&connection, &status).contains("Next: look at the"));
        status
            .streams
            .retain(|stream| stream.name != "opportunities");
        let text = shown(&connection, &status);
        assert!(text.contains("Jobs alone are mirrored") && !text.contains("ook at the"));
        assert!(text.contains("not mirrored: people are left out"));
    }

    #[test]
    fn an_import_that_is_paused_does_not_go_on_by_itself() {
        let mut status = importing();
        assert!(
            first_import(&status)
                .into_string()
                .contains("goes on by itself")
        );
        status.state = pb::SyncState::Paused.into();
        let text = first_import(&status).into_string();
        assert!(text.contains("until somebody resumes it") && !text.contains("by itself"));
    }

    #[test]
    fn what_was_not_started_is_not_told_as_an_import() {
        let connection = pb::Connection {
            state: pb::SyncState::Paused.into(),
            ..Default::default()
        };
        let mut status = importing();
        status.state = pb::SyncState::Paused.into();
        let text = shown(&connection, &status);
        assert!(text.contains("the first import is to be started"));
        assert!(!text.contains("data-import=") && !text.contains("data-tell-me"));
    }
}
