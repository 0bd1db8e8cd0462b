//! What is wrong with a connection, in words, with the repair (product.md, screen 11).

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;

use super::{After, more};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::form::Posted;
use crate::console::frame::{Tab, action};
use crate::console::refusal::{Refused, sentence};
use crate::console::words::{count, moment};

const LIST: &str = "/fulcrum.v1.ConnectionService/ListIssues";
const UPDATE: &str = "/fulcrum.v1.ConnectionService/UpdateIssue";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/connections/{id}/issues", get(list))
        .route("/console/connections/{id}/issues/{issue}", post(update))
}

/// What the page shows.
struct View<'a> {
    path: String,
    issues: &'a [pb::Issue],
    next_page_token: &'a str,
    /// What forms carry, where the reader may act.
    csrf: Option<&'a str>,
}

async fn list(
    desk: Desk,
    Path(id): Path<String>,
    Query(page): Query<After>,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let request = pb::ListIssuesRequest {
        connection_id: id.clone(),
        page_size: 50,
        page_token: page.after,
        states: [
            pb::IssueState::Open,
            pb::IssueState::Muted,
            pb::IssueState::Resolved,
        ]
        .map(Into::into)
        .into(),
        ..Default::default()
    };
    let request = desk.ask(LIST, request)?;
    let answer = desk.api().list_issues(request).await?.into_inner();
    let view = View {
        path: Tab::Issues.path(&id),
        issues: &answer.issues,
        next_page_token: &answer.next_page_token,
        csrf: desk.may(UPDATE).then_some(desk.csrf()),
    };
    Ok(desk.at(&connection, Tab::Issues, show(&view)))
}

async fn update(
    Path((id, issue)): Path<(String, String)>,
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
    let request = desk.ask(UPDATE, request)?;
    desk.api().update_issue(request).await?;
    Ok(desk.done(&Tab::Issues.path(&id), done))
}

fn show(view: &View<'_>) -> Markup {
    html! {
        h1 { "Issues" }
        @if view.issues.is_empty() {
            section.empty { h2 { "Nothing is wrong" } p { "What needs somebody shows up here, with what to do about it." } }
        }
        @for issue in view.issues { (one(issue, view)) }
        (more(&view.path, view.next_page_token))
    }
}

fn one(issue: &pb::Issue, view: &View<'_>) -> Markup {
    let (class, state) = match issue.state() {
        pb::IssueState::Muted => ("badge", "muted"),
        pb::IssueState::Resolved => ("badge good", "resolved"),
        _ => ("badge bad", "ongoing"),
    };
    html! {
        article.panel {
            h2 { (sentence(&issue.message)) " " span class=(class) { (state) } }
            @if !issue.repair.is_empty() { p { strong { "What to do: " } (sentence(&issue.repair)) } }
            p.faint {
                "Seen " (count(issue.count, "time", "times")) ", first " (moment(issue.first_seen_time.as_ref()))
                ", last " (moment(issue.last_seen_time.as_ref()))
                @if issue.reopened > 0 { ", reopened " (count(issue.reopened.into(), "time", "times")) }
            }
            @if !issue.affected.is_empty() {
                details { summary { "Affected" } ul { @for one in &issue.affected { li { (one.what) " " code { (one.id) } } } } }
            }
            @if let Some(csrf) = view.csrf {
                @let path = format!("{}/{}", view.path, issue.id);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn page(issues: &[pb::Issue], csrf: Option<&str>) -> String {
        let view = View {
            path: "/console/connections/c/issues".to_owned(),
            issues,
            next_page_token: "",
            csrf,
        };
        show(&view).into_string()
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
