//! What the key may do, what that costs, and the list to tick in Lever (product.md, screen 2, step 5).

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;

use crate::console::Console;
use crate::console::checklist::{Only, checklist};
use crate::console::desk::Desk;
use crate::console::form::Posted;
use crate::console::frame::{Tab, action};
use crate::console::refusal::{Refused, feature, sentence};
use crate::console::words::{count, moment, number, plain};
use crate::grpc::Api;

use super::connections::ISSUES;
use super::issues;

const CHECK: &str = "/fulcrum.v1.ConnectionService/CheckPermissions";

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/connections/{id}/permissions", get(show).post(ask))
}

async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let report = last(&desk, &id).await?;
    let path = Tab::Permissions.path(&id);
    let content = html! {
        h1 { "Permissions" }
        (seen_missing(&refused_in_use(&desk, &connection, report.as_ref()).await, &id))
        (page(&connection, report.as_ref(), desk.csrf(), &path))
    };
    Ok(desk.at(&connection, Tab::Permissions, content))
}

/// The open issues of permissions that Lever has refused in use, and that the last check does not have as missing.
async fn refused_in_use(
    desk: &Desk,
    connection: &pb::Connection,
    report: Option<&pb::CheckPermissionsResponse>,
) -> Vec<pb::Issue> {
    if !desk.may(ISSUES) {
        return Vec::new();
    }
    let request = pb::ListIssuesRequest {
        connection_id: connection.id.clone(),
        states: [pb::IssueState::Open, pb::IssueState::Muted]
            .map(Into::into)
            .to_vec(),
        kinds: vec![pb::IssueKind::PermissionMissing.into()],
        ..Default::default()
    };
    // The table is shown even where issues are refused just now.
    let answer = desk.call(ISSUES, request, Api::list_issues).await;
    let mut issues = answer.map(|answer| answer.issues).unwrap_or_default();
    issues.retain(|issue| !is_told(issue, report) && is_of_present_key(issue, connection));
    issues
}

/// Whether an issue was seen since the present key was given: what another one lacked says nothing of it.
fn is_of_present_key(issue: &pb::Issue, connection: &pb::Connection) -> bool {
    let seconds = |at: &Option<prost_types::Timestamp>| at.map(|at| at.seconds);
    seconds(&issue.last_seen_time) >= seconds(&connection.credential_time)
}

/// Whether a check tells what an issue of a permission does: that it is missing, or that it was there after that.
fn is_told(issue: &pb::Issue, report: Option<&pb::CheckPermissionsResponse>) -> bool {
    let Some(report) = report else { return false };
    let seconds = |at: &Option<prost_types::Timestamp>| at.map(|at| at.seconds);
    let later = seconds(&report.check_time) > seconds(&issue.last_seen_time);
    let mut all = report.permissions.iter();
    let found = all.find(|one| one.name == issue.subject);
    found.is_some_and(|one| match one.state() {
        pb::PermissionState::Missing => true,
        pb::PermissionState::Granted => later,
        _ => false,
    })
}

/// What was refused in use; nothing where nothing was.
fn seen_missing(issues: &[pb::Issue], connection: &str) -> Markup {
    html! {
        @if !issues.is_empty() {
            div.notice.bad {
                p { "Lever refused these to this key in use, which the test below does not show as missing:" }
                ul {
                    @for issue in issues {
                        li { a href=(issues::place(issue, connection)) { (issue.subject) } ", last refused on " (moment(issue.last_seen_time.as_ref())) }
                    }
                }
            }
        }
    }
}

async fn ask(Path(id): Path<String>, Posted { desk, .. }: Posted) -> Result<Response, Refused> {
    let said = check(&desk, &id).await?;
    Ok(desk.done(&Tab::Permissions.path(&id), said))
}

/// Has Lever asked what the credential may do, which takes some seconds; [`last`] tells. Gives whether it answered, in
/// words.
pub(super) async fn check(desk: &Desk, id: &str) -> Result<&'static str, Refused> {
    let request = pb::CheckPermissionsRequest {
        connection_id: id.to_owned(),
        ..Default::default()
    };
    let report = desk.call(CHECK, request, Api::check_permissions).await?;
    Ok(match report.key_state() {
        pb::KeyState::Accepted => "Lever has answered.",
        pb::KeyState::Unspecified | pb::KeyState::Revoked | pb::KeyState::Rejected => {
            "The test has ended; what stood in its way is told below."
        }
    })
}

/// What came of the last check; none before the first.
pub(super) async fn last(
    desk: &Desk,
    id: &str,
) -> Result<Option<pb::CheckPermissionsResponse>, Refused> {
    let request = pb::CheckPermissionsRequest {
        connection_id: id.to_owned(),
        last: true,
        ..Default::default()
    };
    let answer = desk.call(CHECK, request, Api::check_permissions).await?;
    Ok(answer.check_time.is_some().then_some(answer))
}

/// What the last check told, and the button that makes another, which is a form that is sent to `path`.
pub(super) fn page(
    connection: &pb::Connection,
    report: Option<&pb::CheckPermissionsResponse>,
    csrf: &str,
    path: &str,
) -> Markup {
    let label = match report {
        None => "Test the key",
        Some(_) => "Test it again",
    };
    html! {
        section.panel {
            dl {
                dt { "Kind of key" } dd { (kind(connection)) }
                dt { "Environment" } dd { (environment(connection)) }
                @match report {
                    Some(report) => (facts(report)),
                    None => { dt { "Key" } dd { "not tested since it was given" } }
                }
            }
            div.actions { (action(csrf, path, label, &[])) span.faint { "Asks Lever about each permission, which takes about ten seconds and changes nothing." } }
        }
        @if let Some(report) = report { (told(report, Only::for_streams(&connection.streams), &Tab::Settings.path(&connection.id))) }
    }
}

fn facts(report: &pb::CheckPermissionsResponse) -> Markup {
    html! {
        dt { "Key" } dd { (key_state(report.key_state())) @if !report.key_message.is_empty() { ": " (sentence(&report.key_message)) } }
        @if let Some(answer) = &report.answer_time {
            dt { "Time to answer" } dd { (milliseconds(answer)) " ms" }
        }
        dt { "Confidential data" } dd { (confidential(report.confidential_access())) }
        dt { "Tested" } dd { (moment(report.check_time.as_ref())) }
    }
}

fn key_state(state: pb::KeyState) -> String {
    match state {
        pb::KeyState::Unspecified => "not known, since Lever did not answer".to_owned(),
        state => plain(state.as_str_name(), "KEY_STATE"),
    }
}

fn milliseconds(duration: &prost_types::Duration) -> String {
    let whole = u64::try_from(duration.seconds).unwrap_or_default() * 1_000;
    number(whole + u64::try_from(duration.nanos / 1_000_000).unwrap_or_default())
}

fn kind(connection: &pb::Connection) -> Markup {
    match connection.credential_kind() {
        pb::CredentialKind::ApiKey => {
            html! { "API key" @if !connection.key_last_four.is_empty() { ", ending with " code { (connection.key_last_four) } } }
        }
        pb::CredentialKind::Oauth => html! { "OAuth grant" },
        pb::CredentialKind::Unspecified => html! { "none" },
    }
}

/// Where the account is, in words.
pub(super) fn environment(connection: &pb::Connection) -> &str {
    match connection.region() {
        pb::Region::Sandbox => "sandbox",
        pb::Region::Eu => "production (EU)",
        pb::Region::Unspecified | pb::Region::Global if connection.base_url.is_empty() => {
            "production"
        }
        _ => &connection.base_url,
    }
}

/// What a check has found; a key is replaced at `settings`.
fn told(report: &pb::CheckPermissionsResponse, only: Only, settings: &str) -> Markup {
    let missing = of_state(report, pb::PermissionState::Missing);
    let needed = missing.iter().filter(|one| one.required).count() as u64;
    let accepted = report.key_state() == pb::KeyState::Accepted;
    html! {
        @if !accepted { (untested(report, settings)) }
        @if missing.is_empty() {
            @if accepted { div.notice.good { p { "Nothing that was tested is missing." } } }
        } @else if needed == 0 {
            div.notice.warn {
                p { "Nothing that is needed is missing; " (count(missing.len() as u64, "optional permission is", "optional permissions are")) ", and the table tells what goes without. Permissions of a key cannot be changed in Lever: to have them, a Lever Super Admin makes a new key." }
            }
        } @else {
            div.notice.bad {
                p { (count(missing.len() as u64, "permission is missing", "permissions are missing")) ". The permissions of a key cannot be changed in Lever: a Lever Super Admin makes a new key with all of the list below, and you " a href=(settings) { "replace the key in the settings" } "." }
            }
        }
        // What needs somebody comes first, and what nobody can tell is out of the way.
        (table("Permissions that are missing", missing))
        details.panel open[needed > 0] {
            summary { "The list to tick in Lever, in Lever’s order" }
            (checklist(only))
        }
        (table("Permissions that the key has", of_state(report, pb::PermissionState::Granted)))
        @let untested = of_state(report, pb::PermissionState::NotTested);
        @if !untested.is_empty() {
            details.panel {
                summary { (count(untested.len() as u64, "permission", "permissions")) " could not be tested, or are needed for nothing that is switched on" }
                p { "Writing cannot be tried without leaving something behind in Lever: such a permission is known once it was really used." }
                (table("Permissions that were not tested", untested))
            }
        }
    }
}

/// What is said where no permission could be tried; what earlier calls have shown is in the list.
fn untested(report: &pb::CheckPermissionsResponse, settings: &str) -> Markup {
    let known = of_state(report, pb::PermissionState::Granted).len()
        + of_state(report, pb::PermissionState::Missing).len();
    html! {
        div.notice.bad {
            @if report.key_state() == pb::KeyState::Unspecified {
                p { strong { "Lever did not answer, so no permission was tested. " } "Test again in some minutes; whether Lever is down at all is told by Lever’s status page." }
            } @else {
                p { strong { "Lever does not accept the key, so no permission was tested. " } a href=(settings) { "Replace the key in the settings" } ", then test again." }
            }
            p {
                @if known == 0 { "Nothing is known from calls before." }
                @else { "From calls before, " (count(known as u64, "permission is", "permissions are")) " known; the table has them as they were then." }
            }
        }
    }
}

/// Some permissions; nothing where there are none.
fn table(label: &str, permissions: Vec<&pb::Permission>) -> Markup {
    html! {
        @if !permissions.is_empty() {
            div.scroll tabindex="0" role="region" aria-label=(label) {
                table.stacked {
                    thead { tr { th { "Permission" } th { "Needed for" } th { "Need" } th { "State" } th { "What to do" } } }
                    tbody { @for one in permissions { (row(one)) } }
                }
            }
        }
    }
}

fn of_state(
    report: &pb::CheckPermissionsResponse,
    state: pb::PermissionState,
) -> Vec<&pb::Permission> {
    let all = report.permissions.iter();
    all.filter(|one| one.state() == state).collect()
}

fn row(one: &pb::Permission) -> Markup {
    let class = match one.state() {
        pb::PermissionState::Granted => "badge good",
        pb::PermissionState::Missing if one.required => "badge bad",
        pb::PermissionState::Missing => "badge warn",
        _ => "badge",
    };
    html! {
        tr {
            td data-label="Permission" { (one.name) }
            td data-label="Needed for" { (needed_for(one)) }
            td data-label="Need" { @if one.required { "mandatory" } @else { "optional" } }
            td data-label="State" { span class=(class) { (plain(one.state().as_str_name(), "PERMISSION_STATE")) } }
            td.details data-label="What to do" {
                @if one.state() == pb::PermissionState::Missing {
                    @if !one.loss.is_empty() { p { (sentence(&one.loss)) } }
                    p { "Have a key made that has it, and replace this one." }
                }
                @if !one.reason.is_empty() { p.faint { (sentence(&one.reason)) } }
            }
        }
    }
}

fn needed_for(one: &pb::Permission) -> String {
    let streams = one.streams.iter().map(|stream| stream.replace('_', " "));
    let features = one.features.iter().map(|rpc| feature(rpc));
    let mut needs: Vec<String> = Vec::new();
    for need in streams.chain(features) {
        if !needs.contains(&need) {
            needs.push(need);
        }
    }
    needs.join(", ")
}

fn confidential(access: pb::ConfidentialAccess) -> &'static str {
    match access {
        pb::ConfidentialAccess::On => "allowed for this key",
        pb::ConfidentialAccess::Off => "not allowed: confidential people and postings are not seen",
        pb::ConfidentialAccess::Unspecified => "not known",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lever_refuses_in_use_is_told_unless_a_check_has_it() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let issue = pb::Issue {
            id: "i1".to_owned(),
            subject: "create note".to_owned(),
            last_seen_time: at(10),
            ..Default::default()
        };
        let report = |state: pb::PermissionState, seconds| pb::CheckPermissionsResponse {
            permissions: vec![pb::Permission {
                name: "create note".to_owned(),
                state: state.into(),
                ..Default::default()
            }],
            check_time: at(seconds),
            ..Default::default()
        };
        use pb::PermissionState as State;
        for (state, seconds, told) in [
            (State::Missing, 5, true),
            (State::NotTested, 20, false),
            (State::Granted, 5, false),
            (State::Granted, 20, true),
        ] {
            let told_by_check = is_told(&issue, Some(&report(state, seconds)));
            assert_eq!(told_by_check, told, "{state:?} {seconds}");
        }
        assert!(!is_told(&issue, None));
        for (since, of_it) in [(None, true), (at(9), true), (at(11), false)] {
            let connection = pb::Connection {
                credential_time: since,
                ..Default::default()
            };
            assert_eq!(is_of_present_key(&issue, &connection), of_it, "{since:?}");
        }
        let text = seen_missing(&[issue], "c").into_string();
        assert!(text.contains("href=\"/console/connections/c/issues#issue-i1\">create note</a>"));
        assert_eq!(seen_missing(&[], "c").into_string(), "");
    }

    #[test]
    fn what_is_missing_comes_first_with_what_it_costs() {
        let permission = |name: &str, state: pb::PermissionState| pb::Permission {
            name: name.to_owned(),
            state: state.into(),
            required: true,
            loss: "no notes".to_owned(),
            ..Default::default()
        };
        let report = pb::CheckPermissionsResponse {
            permissions: vec![
                permission("find all users", pb::PermissionState::Granted),
                permission("find all notes", pb::PermissionState::Missing),
            ],
            key_state: pb::KeyState::Accepted.into(),
            answer_time: Some(prost_types::Duration {
                seconds: 1,
                nanos: 42_000_000,
            }),
            ..Default::default()
        };
        let connection = pb::Connection {
            key_last_four: "wxyz".to_owned(),
            credential_kind: pb::CredentialKind::ApiKey.into(),
            ..Default::default()
        };
        let text = page(&connection, Some(&report), "t", "/p").into_string();
        assert!(text.contains("1 permission is missing") && text.contains("No notes."));
        let place = |name: &str| text.rfind(name);
        assert!(place("find all notes") < place("find all users"));
        assert!(text.contains("1,042 ms") && text.contains("<code>wxyz</code>"));
        assert!(text.contains("mandatory"));
        assert!(
            text.contains("find all users\nfind all tags\n"),
            "in Lever's order for Lever"
        );
    }

    #[test]
    fn an_account_of_jobs_alone_is_told_what_jobs_need() {
        let mut report = pb::CheckPermissionsResponse {
            permissions: vec![pb::Permission {
                name: "find all deleted postings".to_owned(),
                state: pb::PermissionState::Missing.into(),
                ..Default::default()
            }],
            key_state: pb::KeyState::Accepted.into(),
            ..Default::default()
        };
        let connection = pb::Connection {
            streams: vec!["postings".to_owned()],
            ..Default::default()
        };
        let text = page(&connection, Some(&report), "t", "/p").into_string();
        assert!(text.contains("find all postings\n") && !text.contains("find all users"));
        assert!(text.contains("Nothing that is needed is missing; 1 optional permission is"));
        assert!(!text.contains("notice bad"));
        report.permissions[0].required = true;
        let text = page(&connection, Some(&report), "t", "/p").into_string();
        assert!(text.contains("notice bad") && text.contains("1 permission is missing"));
    }

    #[test]
    fn where_lever_did_not_answer_nothing_is_said_to_be_in_order() {
        let connection = pb::Connection::default();
        let mut report = pb::CheckPermissionsResponse::default();
        let of = |report: &pb::CheckPermissionsResponse| {
            page(&connection, Some(report), "t", "/p").into_string()
        };
        let text = of(&report);
        assert!(text.contains("Lever did not answer, so no permission was tested"));
        assert!(text.contains("Nothing is known from calls before"));
        assert!(!text.contains("Nothing that was tested is missing"));
        report.permissions.push(pb::Permission {
            state: pb::PermissionState::Granted.into(),
            evidence: pb::PermissionEvidence::Used.into(),
            ..Default::default()
        });
        report.set_key_state(pb::KeyState::Revoked);
        let text = of(&report);
        assert!(text.contains("does not accept the key") && text.contains("1 permission is known"));
        report.set_key_state(pb::KeyState::Accepted);
        let text = of(&report);
        assert!(
            text.contains("Nothing that was tested is missing") && !text.contains("notice bad")
        );
    }

    #[test]
    fn what_a_permission_is_needed_for_is_said_in_words_and_once() {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let one = pb::Permission {
            streams: owned(&["archive_reasons"]),
            features: owned(&[
                "LeverService.ListNotes",
                "LeverService.GetNote",
                "CandidateService.CreateNote",
                "webhooks",
            ]),
            ..Default::default()
        };
        assert_eq!(
            needed_for(&one),
            "archive reasons, reading live from Lever, adding notes, webhooks"
        );
    }

    #[test]
    fn a_key_is_tested_when_somebody_asks_for_it() {
        let text = page(&pb::Connection::default(), None, "t", "/p").into_string();
        assert!(text.contains("Test the key") && text.contains("action=\"/p\""));
        assert!(text.contains("not tested since it was given") && !text.contains("<table"));
    }
}
