//! What is wrong with a connection, in words, with the repair (product.md, screen 11).

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;
use serde::Deserialize;

use super::refused::{is_open, way_back};
use super::{go_on, href, offered, views};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::form::Posted;
use crate::console::frame::{Tab, action};
use crate::console::refusal::{Refused, sentence};
use crate::console::words::{count, moment};
use crate::grpc::Api;

const LIST: &str = "/fulcrum.v1.ConnectionService/ListIssues";
const UPDATE: &str = "/fulcrum.v1.ConnectionService/UpdateIssue";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/connections/{id}/issues", get(list))
        .route("/console/connections/{id}/issues/{issue}", post(update))
}

/// Issues that stand alike: how a page asks for them, and what they are called.
const VIEWS: [(&str, &str); 3] = [
    ("", "Ongoing"),
    ("muted", "Muted"),
    ("resolved", "Resolved"),
];

/// What the page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    after: String,
    show: String,
}

impl Asked {
    /// A path with the view that is shown.
    fn at(&self, path: &str) -> String {
        href(path, &[("show", &self.show), ("after", &self.after)])
    }

    fn state(&self) -> pb::IssueState {
        match self.show.as_str() {
            "muted" => pb::IssueState::Muted,
            "resolved" => pb::IssueState::Resolved,
            _ => pb::IssueState::Open,
        }
    }
}

/// What the page shows.
struct View<'a> {
    connection: &'a str,
    path: String,
    asked: &'a Asked,
    issues: &'a [pb::Issue],
    next_page_token: &'a str,
    /// What forms carry, where the reader may act.
    csrf: Option<&'a str>,
    /// The pages that the reader may open.
    tabs: &'a [Tab],
}

/// What repairs call the pages of an account; the longer names first.
#[rustfmt::skip]
const PAGES: [(&str, Tab); 10] = [
    ("Inbound settings", Tab::Inbound),
    ("Export settings", Tab::Export),
    ("Settings", Tab::Settings),
    ("Permissions", Tab::Permissions),
    ("Operations", Tab::Operations),
    ("API calls", Tab::Calls),
    ("Users page", Tab::Users),
    ("stage mapping", Tab::Stages),
    ("field mapping", Tab::Fields),
    ("Sync", Tab::Sync),
];

/// The first page that a text names, and where: a word alone, and not the button “Sync now”.
fn named(text: &str) -> Option<(usize, &'static str, Tab)> {
    let found = PAGES.iter().filter_map(|(name, tab)| {
        let mut places = text.match_indices(name);
        let (at, _) = places.find(|(at, _)| {
            let before = text[..*at].chars().next_back();
            let after = &text[at + name.len()..];
            !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '“')
                && !after.starts_with(char::is_alphanumeric)
        })?;
        Some((at, *name, *tab))
    });
    found.min_by_key(|(at, name, _)| (*at, std::cmp::Reverse(name.len())))
}

/// What to do about an issue, with ways to the pages that this names, as far as the reader may open them.
pub(super) fn repair(issue: &pb::Issue, connection: &str, tabs: &[Tab]) -> Markup {
    html! {
        @if !issue.repair.is_empty() {
            p { strong { "What to do: " } (linked(&sentence(&issue.repair), connection, tabs)) }
        }
    }
}

/// Where an issue stands on the page of a connection.
pub(super) fn place(issue: &pb::Issue, connection: &str) -> String {
    format!("{}#issue-{}", Tab::Issues.path(connection), issue.id)
}

/// A text with ways to the pages that it names.
fn linked(text: &str, connection: &str, tabs: &[Tab]) -> Markup {
    let Some((at, name, tab)) = named(text) else {
        return html! { (text) };
    };
    let (before, rest) = (&text[..at], &text[at + name.len()..]);
    html! {
        (before)
        @if tabs.contains(&tab) { a href=(tab.path(connection)) { (name) } } @else { (name) }
        (linked(rest, connection, tabs))
    }
}

async fn list(
    desk: Desk,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    offered("show", &asked.show, &VIEWS)?;
    let connection = desk.connection(&id).await?;
    let request = pb::ListIssuesRequest {
        connection_id: id.clone(),
        page_size: 50,
        page_token: asked.after.clone(),
        states: vec![asked.state().into()],
        ..Default::default()
    };
    let answer = desk.call(LIST, request, Api::list_issues).await?;
    let tabs = desk.tabs();
    let view = View {
        connection: &id,
        tabs: &tabs,
        path: Tab::Issues.path(&id),
        asked: &asked,
        issues: &answer.issues,
        next_page_token: &answer.next_page_token,
        csrf: (desk.may(UPDATE) && is_open(&connection)).then_some(desk.csrf()),
    };
    let content = html! { (way_back(&connection)) (show(&view)) };
    Ok(desk.at(&connection, Tab::Issues, content))
}

async fn update(
    Path((id, issue)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let (action, done) = match form.text("action") {
        "mute" => (pb::IssueAction::Mute, "The issue is muted."),
        "unmute" => (pb::IssueAction::Unmute, "The issue is told of again."),
        "resolve" => (
            pb::IssueAction::Resolve,
            "The issue is resolved; it opens again if it shows anew.",
        ),
        _ => (pb::IssueAction::Unspecified, ""),
    };
    let request = pb::UpdateIssueRequest {
        connection_id: id.clone(),
        issue_id: issue,
        action: action.into(),
        note: form.text("note").to_owned(),
    };
    desk.call(UPDATE, request, Api::update_issue).await?;
    Ok(desk.done(&asked.at(&Tab::Issues.path(&id)), done))
}

fn show(view: &View<'_>) -> Markup {
    html! {
        div.head { h1 { "Issues" } (views("Which issues", &view.path, "show", &view.asked.show, &[], &VIEWS)) }
        @if view.issues.is_empty() { (none(view.asked.state())) }
        @for issue in view.issues { (one(issue, view)) }
        (go_on(&view.path, &[("show", &view.asked.show)], [&view.asked.after, view.next_page_token], "Older"))
    }
}

fn none(state: pb::IssueState) -> Markup {
    let (title, text) = match state {
        pb::IssueState::Muted => (
            "Nothing is muted",
            "A muted issue is still there, and nobody is told of it.",
        ),
        pb::IssueState::Resolved => (
            "Nothing was resolved",
            "What is gone by itself, or was said to be, is kept here, and opens again if it shows anew.",
        ),
        _ => (
            "Nothing is wrong",
            "What needs somebody shows up here, with what to do about it.",
        ),
    };
    html! { section.empty { h2 { (title) } p { (text) } } }
}

/// What an issue concerns: streams in words, writes with the way to them, and what has a name by that and its id.
fn concerned(one: &pb::AffectedObject, view: &View<'_>) -> Markup {
    let what = match one.what.as_str() {
        "operation" => "write".to_owned(),
        what => what.replace('_', " "),
    };
    html! {
        (what) " "
        @match one.what.as_str() {
            "stream" => { "“" (one.id.replace('_', " ")) "”" },
            "operation" if view.tabs.contains(&Tab::Operations) => {
                @if !one.name.is_empty() { "for " (one.name) ": " }
                a href={ (Tab::Operations.path(view.connection)) "/" (one.id) } { (one.id) }
            },
            _ if one.name.is_empty() => code { (one.id) },
            _ => { "“" (one.name) "” " code.faint { (one.id) } },
        }
    }
}

fn one(issue: &pb::Issue, view: &View<'_>) -> Markup {
    let (class, state) = match issue.state() {
        pb::IssueState::Muted => ("badge", "muted"),
        pb::IssueState::Resolved => ("badge good", "resolved"),
        _ => ("badge bad", "ongoing"),
    };
    html! {
        article.panel id={ "issue-" (issue.id) } {
            h2 { (sentence(&issue.message)) " " span class=(class) { (state) } }
            (repair(issue, view.connection, view.tabs))
            p.faint {
                "Seen " (count(issue.count, "time", "times")) ", first " (moment(issue.first_seen_time.as_ref()))
                ", last " (moment(issue.last_seen_time.as_ref()))
                @if issue.reopened > 0 { ", reopened " (count(issue.reopened.into(), "time", "times")) }
            }
            @if issue.mute_time.is_some() { p.faint { "Muted by " (issue.muted_by) ", " (moment(issue.mute_time.as_ref())) @if !issue.mute_note.is_empty() { ": " (issue.mute_note) } } }
            @if issue.resolve_time.is_some() {
                p.faint { "Resolved " @if issue.resolved_by.is_empty() { "by itself" } @else { "by " (issue.resolved_by) } ", " (moment(issue.resolve_time.as_ref())) @if !issue.resolve_note.is_empty() { ": " (issue.resolve_note) } }
            }
            @if !issue.affected.is_empty() {
                details { summary { "Affected" } ul { @for one in &issue.affected { li { (concerned(one, view)) } } } }
            }
            @if let Some(csrf) = view.csrf {
                @let path = view.asked.at(&format!("{}/{}", view.path, issue.id));
                div.actions {
                    @match issue.state() {
                        pb::IssueState::Muted => (action(csrf, &path, "Unmute", &[("action", "unmute")])),
                        pb::IssueState::Resolved => {},
                        _ => {
                            (action(csrf, &path, "Mute", &[("action", "mute")])) " "
                            (action(csrf, &path, "Resolve", &[("action", "resolve")]))
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(issues: &[pb::Issue], csrf: Option<&str>) -> String {
        let view = View {
            connection: "c",
            tabs: &[Tab::Settings, Tab::Sync, Tab::Operations],
            path: "/console/connections/c/issues".to_owned(),
            asked: &Asked::default(),
            issues,
            next_page_token: "",
            csrf,
        };
        show(&view).into_string()
    }

    #[test]
    fn repairs_lead_to_the_pages_they_name_and_what_is_concerned_is_told_in_words() {
        let affected = |what: &str, id: &str, name: &str| pb::AffectedObject {
            what: what.to_owned(),
            id: id.to_owned(),
            name: name.to_owned(),
        };
        let issue = pb::Issue {
            message: "Lever refused".to_owned(),
            repair: "replace the key with RotateCredential, or see the runs (ListRuns) and press “Sync now”; the \
                     calls (ListApiCalls) tell more"
                .to_owned(),
            affected: vec![
                affected("stream", "requisition_fields", ""),
                affected("operation", "0-1/2", ""),
                affected("product_field", "NOTES", ""),
                affected("archive_reason", "r-1", "Under<qualified>"),
            ],
            ..Default::default()
        };
        let text = page(&[issue], None);
        for told in [
            "in <a href=\"/console/connections/c/settings\">Settings</a>, or",
            "(<a href=\"/console/connections/c/sync\">Sync</a>) and press “Sync now”",
            "(API calls)",
            "stream “requisition fields”",
            "write <a href=\"/console/connections/c/operations/0-1/2\">0-1/2</a>",
            "product field <code>NOTES</code>",
            "archive reason “Under&lt;qualified&gt;” <code class=\"faint\">r-1</code>",
        ] {
            assert!(text.contains(told), "{told}: {text}");
        }
    }

    #[test]
    fn an_issue_comes_with_its_repair_and_what_the_reader_may_do_about_it() {
        let open = pb::Issue {
            id: "i1".to_owned(),
            state: pb::IssueState::Open.into(),
            message: "Lever refused to list notes".to_owned(),
            repair: "replace the key".to_owned(),
            count: 3,
            ..Default::default()
        };
        let text = page(std::slice::from_ref(&open), Some("t"));
        assert!(text.contains("Replace the key.") && text.contains("Seen 3 times"));
        assert!(text.contains("action=\"/console/connections/c/issues/i1\""));
        assert!(
            !page(&[open], None).contains("<form"),
            "a reader has nothing to press"
        );
        assert!(page(&[], None).contains("Nothing is wrong"));
    }
}
