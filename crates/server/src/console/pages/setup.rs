//! Setting a connection up before its first import (product.md, screen 2).
//!
//! The connection is there from its key on, paused; each step is a setting of it, saved by itself. So the way can be
//! left at any step and gone on with, also after a restart, and the last step does nothing but resume the pull.

mod acting;
mod history;
mod scopes;
mod start;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;

use super::permissions;
use super::sync::status;
use crate::console::desk::Desk;
use crate::console::form::Posted;
use crate::console::frame::{Place, Tab};
use crate::console::refusal::Refused;
use crate::console::{Console, ROOT, see};

pub(super) use self::acting::{
    IN_WHOSE_NAME, about, actors, called, refuse_instead, role, user, users, users_from,
};
pub(super) use self::history::{Reach, a_year_before, start_of};
pub(super) use self::scopes::{chosen, kinds};

const UPDATE: &str = "/fulcrum.v1.ConnectionService/UpdateConnection";

const SET_UP_ALREADY: &str = "This account is set up already";

pub(super) fn routes() -> Router<Console> {
    let at = |step: Step| format!("/console/connections/{{id}}/setup{}", step.slug());
    Router::new()
        .route("/console/connections/{id}/setup", get(begin))
        .route(&at(Step::Test), get(test).post(check))
        .route(
            &at(Step::Scopes),
            get(scopes::scopes).post(scopes::save_scopes),
        )
        .route(
            &at(Step::History),
            get(history::history).post(history::save_history),
        )
        .route(
            &at(Step::Acting),
            get(acting::acting).post(acting::save_acting),
        )
        .route(&at(Step::Start), get(start::summary).post(start::start))
}

/// A step after the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Test,
    Scopes,
    History,
    Acting,
    Start,
}

impl Step {
    const ALL: [Step; 5] = [
        Step::Test,
        Step::Scopes,
        Step::History,
        Step::Acting,
        Step::Start,
    ];

    fn label(self) -> &'static str {
        match self {
            Step::Test => "Test and permissions",
            Step::Scopes => "What is mirrored",
            Step::History => "How far back",
            Step::Acting => "Who acts",
            Step::Start => "Start",
        }
    }

    fn slug(self) -> &'static str {
        match self {
            Step::Test => "/test",
            Step::Scopes => "/scopes",
            Step::History => "/history",
            Step::Acting => "/acting",
            Step::Start => "/start",
        }
    }

    fn path(self, connection: &str) -> String {
        format!("{}{}", path(connection), self.slug())
    }

    fn next(self) -> Step {
        match self {
            Step::Test => Step::Scopes,
            Step::Scopes => Step::History,
            Step::History => Step::Acting,
            Step::Acting | Step::Start => Step::Start,
        }
    }
}

/// Where the setting up of a connection goes on.
pub(super) fn path(connection: &str) -> String {
    format!("{ROOT}/connections/{connection}/setup")
}

/// The first step after the key.
pub(super) fn first(connection: &str) -> String {
    Step::Test.path(connection)
}

/// Whether a connection waits for its first import to be started.
pub(super) fn is_unstarted(connection: &pb::Connection, streams: &[pb::StreamStatus]) -> bool {
    let nothing_read = || {
        streams
            .iter()
            .all(|stream| stream.last_success_at.is_none())
    };
    connection.state() == pb::SyncState::Paused && nothing_read()
}

/// The connection that is set up; one that is started already has its overview instead, or its settings.
async fn paused(desk: &Desk, id: &str) -> Result<Result<pb::Connection, Response>, Refused> {
    let (connection, unstarted) = looked_up(desk, id).await?;
    Ok(match unstarted {
        true => Ok(connection),
        // What was read once and is paused is changed there.
        false if connection.state() == pb::SyncState::Paused => Err(see(&Tab::Settings.path(id))),
        false => Err(see(&Tab::Overview.path(id))),
    })
}

/// The same for a form that is sent: from a page that was left open, it would change an account that is mirrored.
async fn still_set_up(desk: &Desk, id: &str) -> Result<Result<pb::Connection, Response>, Refused> {
    let (connection, unstarted) = looked_up(desk, id).await?;
    Ok(match unstarted {
        true => Ok(connection),
        false => Err(over(desk, &connection)),
    })
}

/// The connection, and whether its first import still waits to be started.
async fn looked_up(desk: &Desk, id: &str) -> Result<(pb::Connection, bool), Refused> {
    desk.check(UPDATE)?;
    let connection = desk.connection(id).await?;
    if connection.state() != pb::SyncState::Paused {
        return Ok((connection, false));
    }
    let status = status(desk, id).await?;
    let unstarted = is_unstarted(&connection, &status.streams);
    Ok((connection, unstarted))
}

/// What a form is told that comes after the account was started.
fn over(desk: &Desk, connection: &pb::Connection) -> Response {
    let content = html! {
        h1 { (SET_UP_ALREADY) }
        section.empty {
            p { "The page you sent this from was opened before the first import was started, here or by somebody else. Nothing was changed by it." }
            p { "What is mirrored, how far back and who acts is changed in the settings, which also say what a change would take from the mirror." }
            p {
                a.button.primary href=(Tab::Settings.path(&connection.id)) { "Open the settings" } " "
                a.button href=(Tab::Overview.path(&connection.id)) { "Look at the account" }
            }
        }
    };
    let page = desk.below(connection, Tab::Overview, SET_UP_ALREADY, content);
    (StatusCode::CONFLICT, page).into_response()
}

/// Which settings a form was filled in over.
fn known(connection: &pb::Connection) -> Markup {
    html! { input type="hidden" name="etag" value=(connection.etag); }
}

/// Why a step was not saved. The form below it has the present state as its own: saving once more is meant.
fn why(refused: &Refused, step: &str) -> Markup {
    html! {
        @if refused.is_conflict() { (overtaken(step)) } @else { (refused.notice()) }
    }
}

fn overtaken(step: &str) -> Markup {
    html! {
        div.notice.bad role="alert" {
            p { strong { "Nothing is saved yet: " } "the settings of this account were changed since you opened this step, by somebody else or in another tab. What you filled in is still here." }
            p { "Save it again to have it so, or " a href=(step) { "look at what is saved now" } "." }
        }
    }
}

async fn begin(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = match paused(&desk, &id).await? {
        Ok(connection) => connection,
        Err(elsewhere) => return Ok(elsewhere),
    };
    // The first step is the only one whose doing leaves no setting behind.
    let step = match permissions::last(&desk, &connection.id).await? {
        None => Step::Test,
        Some(_) => Step::Scopes,
    };
    Ok(see(&step.path(&id)))
}

/// A step in its frame, with the way through all of them.
async fn stepped(
    desk: &Desk,
    connection: &pb::Connection,
    step: Step,
    content: Markup,
) -> Result<Response, Refused> {
    let tested = permissions::last(desk, &connection.id).await?.is_some();
    let title = format!("{} · {}", step.label(), connection.display_name);
    let content = html! {
        h1 { "Connect " (connection.display_name) }
        (ways(&connection.id, step, tested))
        (content)
        p.faint { "You can leave this at any time: everything is kept, nothing is read from Lever but what you ask for here, and the " a href=(ROOT) { "connections" } " lead back." }
    };
    Ok(desk.page(&title, Place::Top, content))
}

/// The way through all steps. What is chosen in the others holds from the beginning, so only two can be left undone.
fn ways(connection: &str, at: Step, tested: bool) -> Markup {
    let done = |step| tested && step == Step::Test;
    html! {
        nav aria-label="Steps" {
            ol.steps {
                li { span.done { "Name and key" span.away { " (done)" } } }
                @for step in Step::ALL {
                    li {
                        a.done[done(step)] href=(step.path(connection)) aria-current=[(step == at).then_some("step")] {
                            (step.label()) @if done(step) { span.away { " (done)" } }
                        }
                    }
                }
            }
        }
    }
}

pub(super) async fn update(
    desk: &Desk,
    connection: pb::Connection,
    paths: &[&str],
) -> Result<(), Refused> {
    let request = pb::UpdateConnectionRequest {
        connection: Some(connection),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
    };
    let request = desk.ask(UPDATE, request)?;
    desk.api().update_connection(request).await?;
    Ok(())
}

async fn test(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = match paused(&desk, &id).await? {
        Ok(connection) => connection,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let report = permissions::last(&desk, &id).await?;
    let step = Step::Test;
    // Below the table, which is long, nobody would find it.
    let content = html! {
        p { a.button.primary[report.is_some()] href=(step.next().path(&id)) { @if report.is_some() { "Continue" } @else { "Continue without a test" } } }
        (permissions::page(&connection, report.as_ref(), desk.csrf(), &step.path(&id)))
    };
    stepped(&desk, &connection, step, content).await
}

async fn check(Path(id): Path<String>, Posted { desk, .. }: Posted) -> Result<Response, Refused> {
    if let Err(elsewhere) = still_set_up(&desk, &id).await? {
        return Ok(elsewhere);
    }
    let said = permissions::check(&desk, &id).await?;
    Ok(desk.done(&Step::Test.path(&id), said))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn connection() -> pb::Connection {
        pb::Connection {
            id: "c1".to_owned(),
            display_name: "Acme".to_owned(),
            streams: vec!["users".to_owned(), "opportunities".to_owned()],
            state: pb::SyncState::Paused.into(),
            ..Default::default()
        }
    }

    #[test]
    fn every_step_leads_to_the_next_and_the_last_to_itself() {
        let mut step = Step::Test;
        for expected in Step::ALL {
            assert_eq!(step, expected);
            step = step.next();
        }
        assert_eq!(step, Step::Start);
        let text = ways("c1", Step::History, false).into_string();
        assert!(text.contains("/setup/history\" aria-current=\"step\""));
    }

    #[test]
    fn what_was_read_once_is_no_longer_set_up() {
        let read = |seconds: Option<i64>| pb::StreamStatus {
            last_success_at: seconds.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 }),
            ..Default::default()
        };
        assert!(is_unstarted(&connection(), &[read(None)]));
        assert!(!is_unstarted(&connection(), &[read(None), read(Some(1))]));
        let started = pb::Connection {
            state: pb::SyncState::Syncing.into(),
            ..connection()
        };
        assert!(!is_unstarted(&started, &[read(None)]));
    }
}
