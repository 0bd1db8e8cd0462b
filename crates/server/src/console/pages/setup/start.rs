//! The last step: what the import will be and what it takes, and its start.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use domain::Stream;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::sync_service_server::SyncService as _;

use super::super::{applicants, permissions, privacy};
use super::acting::{called, user};
use super::history::date;
use super::{Step, known, paused, stepped, still_set_up};
use crate::console::desk::Desk;
use crate::console::form::Posted;
use crate::console::frame::{Tab, csrf};
use crate::console::models::keeps;
use crate::console::refusal::Refused;
use crate::console::words::{about as roughly, count, moment, number, plain};
use crate::wire::time::to_timestamp;

const ESTIMATE: &str = "/fulcrum.v1.SyncService/EstimateImport";
const RESUME: &str = "/fulcrum.v1.SyncService/ResumeSync";

/// An import that takes so long has applicants long before its end.
const LONG_SECONDS: i64 = 20 * 60;

pub(super) async fn summary(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    match paused(&desk, &id).await? {
        Ok(connection) => summed_up(&desk, &connection, false).await,
        Err(elsewhere) => Ok(elsewhere),
    }
}

/// What the import will be; `changed` where somebody was about to start another one.
async fn summed_up(
    desk: &Desk,
    connection: &pb::Connection,
    changed: bool,
) -> Result<Response, Refused> {
    let id = connection.id.as_str();
    let report = permissions::last(desk, id).await?;
    let request = pb::EstimateImportRequest {
        connection_id: id.to_owned(),
    };
    let estimate = match desk.ask(ESTIMATE, request) {
        Ok(request) => desk.api().estimate_import(request).await,
        Err(status) => Err(status),
    };
    let estimate = estimate
        .map(tonic::Response::into_inner)
        .map_err(Refused::from);
    let acting = user(desk, id, &connection.default_acting_user_id).await;
    let who = seeing(desk, id).await;
    let view = Summary {
        connection,
        report: report.as_ref(),
        estimate: &estimate,
        asked_at: &to_timestamp(desk.now()),
        acting: &called(acting.as_ref()),
        seeing: who.as_deref(),
        csrf: desk.csrf(),
    };
    if !changed {
        return stepped(desk, connection, Step::Start, summary_of(&view)).await;
    }
    let content = html! {
        div.notice.bad role="alert" {
            p { strong { "Nothing is started yet: " } "the settings of this account were changed since you opened this step, by somebody else or in another tab. This is how they are now." }
        }
        (summary_of(&view))
    };
    let page = stepped(desk, connection, Step::Start, content).await?;
    Ok((StatusCode::CONFLICT, page).into_response())
}

pub(super) async fn start(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let connection = match still_set_up(&desk, &id).await? {
        Ok(connection) => connection,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if form
        .given("etag")
        .is_some_and(|seen| seen != connection.etag)
    {
        return summed_up(&desk, &connection, true).await;
    }
    let request = pb::ResumeSyncRequest {
        connection_id: id.clone(),
    };
    desk.api().resume_sync(desk.ask(RESUME, request)?).await?;
    // It stands beside whatever the import comes to while the page is open.
    let said = "The first import was started.";
    Ok(desk.done(&Tab::Overview.path(&id), said))
}

/// The names of the tokens that see a connection; none where the reader may not know, or there are none at all.
async fn seeing(desk: &Desk, id: &str) -> Option<Vec<String>> {
    let tokens = privacy::tokens(desk).await.ok()?;
    let now = applicants::at(desk.now().as_millis());
    let seeing = tokens
        .iter()
        .filter(|token| privacy::sees(token, id, &now))
        .map(|token| {
            format!(
                "{} ({})",
                token.name,
                plain(token.role().as_str_name(), "TOKEN_ROLE")
            )
        });
    (!tokens.is_empty()).then(|| seeing.collect())
}

/// What the last step shows.
struct Summary<'a> {
    connection: &'a pb::Connection,
    report: Option<&'a pb::CheckPermissionsResponse>,
    estimate: &'a Result<pb::EstimateImportResponse, Refused>,
    /// When Lever was asked for that.
    asked_at: &'a prost_types::Timestamp,
    /// What whoever acts by default is called.
    acting: &'a str,
    seeing: Option<&'a [String]>,
    csrf: &'a str,
}

fn summary_of(view: &Summary<'_>) -> Markup {
    let Summary {
        connection,
        report,
        estimate,
        ..
    } = *view;
    let id = &connection.id;
    let change = |step: Step| html! { " " a href=(step.path(id)) { "Change" } };
    html! {
        section.panel {
            h2 { "As it will be" }
            dl {
                dt { "Permissions" } dd { (permissions_in_short(report)) (change(Step::Test)) }
                dt { "Mirrored" } dd { (count(connection.streams.len() as u64, "kind of record", "kinds of record")) @if connection.include_secret_notes { ", with secret notes" } (change(Step::Scopes)) }
                @if keeps(connection, Stream::Opportunities) { dt { "History" } dd {
                    @match &connection.sync_start_time { Some(start) => { "opportunities since " (date(start)) } None => "all opportunities" }
                    @if !connection.include_archived() { ", without archived ones" }
                    @if !connection.include_snoozed() { ", without snoozed ones" }
                    (change(Step::History))
                } }
                dt { "Acts" } dd {
                    @if connection.default_acting_user_id.is_empty() { "the integration itself, where nobody else is found" } @else { (view.acting) " where nobody else is found" }
                    @if connection.strict_acting_user { "; unknown users are refused" }
                    (change(Step::Acting))
                }
                @if let Some(seeing) = view.seeing {
                    dt { "May be used with" } dd {
                        @if seeing.is_empty() { "no token" } @else { (seeing.join(", ")) }
                        span.faint { " – tokens that name no account see every one; another one is made by " code { "fulcrum token create" } }
                    }
                }
            }
        }
        section.panel {
            h2 { "What the first import takes" }
            @match estimate {
                Ok(estimate) => (cost(connection, estimate, view.asked_at)),
                Err(refused) => { p { "It cannot be estimated just now, which is no obstacle:" } (refused.notice()) }
            }
        }
        form method="post" action=(Step::Start.path(id)) {
            (csrf(view.csrf))
            (known(connection))
            button.primary type="submit" { "Start the first import" }
        }
    }
}

fn permissions_in_short(report: Option<&pb::CheckPermissionsResponse>) -> String {
    let Some(report) = report else {
        return "not tested yet".to_owned();
    };
    match report.key_state() {
        pb::KeyState::Accepted => {}
        pb::KeyState::Unspecified => {
            return "not tested: Lever did not answer the last time".to_owned();
        }
        pb::KeyState::Revoked | pb::KeyState::Rejected => {
            return "not tested: Lever did not accept the key".to_owned();
        }
    }
    let missing = |required: bool| {
        let all = report.permissions.iter();
        let missing = all.filter(|one| one.state() == pb::PermissionState::Missing);
        missing.filter(|one| one.required == required).count() as u64
    };
    match (missing(true), missing(false)) {
        (0, 0) => "nothing that was tested is missing".to_owned(),
        (0, many) => count(many, "optional one is missing", "optional ones are missing"),
        (many, 0) => count(many, "is missing", "are missing"),
        (many, others) => {
            let needed = count(
                many,
                "that is needed is missing",
                "that are needed are missing",
            );
            format!(
                "{needed}, and {}",
                count(others, "optional one", "optional ones")
            )
        }
    }
}

fn cost(
    connection: &pb::Connection,
    estimate: &pb::EstimateImportResponse,
    asked_at: &prost_types::Timestamp,
) -> Markup {
    if !keeps(connection, Stream::Opportunities) {
        return html! { p { "People are not mirrored, so it takes few requests: one for each hundred records of a kind, and one for the questions of each posting where those are mirrored." } };
    }
    let takes = |duration: &Option<prost_types::Duration>| duration.as_ref().map(roughly);
    // What is all there by then needs no word of what is there first.
    let full = estimate.at_full_rate.as_ref();
    let long = full.is_some_and(|full| full.seconds >= LONG_SECONDS);
    html! {
        p {
            "An estimate as of " (moment(Some(asked_at))) ": Lever’s sources count " (count(estimate.opportunities, "opportunity", "opportunities"))
            ", and reading all of them takes about " strong { (count(estimate.requests, "request", "requests")) } " to Lever. These take:"
        }
        dl {
            dt { "At Lever’s full rate" } dd { "about " (takes(&estimate.at_full_rate).unwrap_or_default()) }
            dt { "At half of it" } dd { "about " (takes(&estimate.at_half_rate).unwrap_or_default()) ", which leaves room for your other integrations" }
        }
        p.faint {
            "People come a hundred to a request, and each kind of record below a person takes one request for each person ("
            (number(u64::from(estimate.lists_per_opportunity))) " of them are mirrored)."
            @if long { " Applicants come first, so that the inbound list can be used after some minutes." }
            @else { " Applicants come first, so that the inbound list can be used before the rest is here." }
        }
        p.faint {
            "It is done sooner where "
            @if connection.sync_start_time.is_some() { "the start date leaves people out, and where " }
            "people have several sources, each of which counts them. It takes longer where people have no source, "
            "where Lever answers slowly or asks for a pause, and where other programs use the rate of the same key."
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::super::tests::connection;
    use super::*;

    #[test]
    fn a_summary_tells_what_the_import_takes_or_that_nobody_knows() {
        let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
        let estimate = pb::EstimateImportResponse {
            opportunities: 18_400,
            requests: 110_600,
            lists_per_opportunity: 6,
            at_full_rate: seconds(11_060),
            at_half_rate: seconds(22_120),
        };
        let connection = pb::Connection {
            default_acting_user_id: "raw-id".to_owned(),
            ..connection()
        };
        let seeing = ["recruiting (product)".to_owned()];
        let shown = |estimate: &Result<pb::EstimateImportResponse, Refused>| {
            let view = Summary {
                connection: &connection,
                report: None,
                estimate,
                asked_at: &prost_types::Timestamp {
                    seconds: 1_790_000_000,
                    nanos: 0,
                },
                acting: "Ada (ada@example.com)",
                seeing: Some(&seeing),
                csrf: "t",
            };
            summary_of(&view).into_string()
        };
        let text = shown(&Ok(estimate));
        assert!(text.contains("110,600 requests</strong> to Lever") && text.contains("3 h 4 min"));
        assert!(text.contains("sources count 18,400 opportunities") && !text.contains("up to"));
        assert!(text.contains("An estimate as of <time") && text.contains("2026-09-21 14:13 UTC"));
        assert!(text.contains("takes longer where") && text.contains("done sooner"));
        assert!(text.contains("not tested yet") && text.contains("Start the first import"));
        assert!(text.contains("Ada (ada@example.com) where") && !text.contains("raw-id"));
        assert!(text.contains("recruiting (product)"));
        let short = pb::EstimateImportResponse {
            at_full_rate: seconds(52),
            at_half_rate: seconds(105),
            ..estimate
        };
        assert!(text.contains("after some minutes"));
        let text = shown(&Ok(short));
        assert!(text.contains("about 52 s") && text.contains("about 2 min"));
        assert!(text.contains("before the rest is here") && !text.contains("some minutes"));
        let text = shown(&Err(Refused::from(Status::unavailable(
            "Lever does not answer",
        ))));
        assert!(text.contains("no obstacle") && text.contains("Start the first import"));
    }

    #[test]
    fn permissions_are_in_order_only_where_lever_answered() {
        let of = |state: pb::KeyState| {
            permissions_in_short(Some(&pb::CheckPermissionsResponse {
                key_state: state.into(),
                ..Default::default()
            }))
        };
        assert!(of(pb::KeyState::Unspecified).contains("Lever did not answer"));
        assert!(of(pb::KeyState::Revoked).contains("did not accept"));
        assert_eq!(
            of(pb::KeyState::Accepted),
            "nothing that was tested is missing"
        );
    }
}
