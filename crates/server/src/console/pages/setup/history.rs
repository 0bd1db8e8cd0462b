//! The step of how far back the mirror goes.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use proto::v1 as pb;
use tonic::Status;

use super::{Step, known, paused, stepped, still_set_up, update, why};
use crate::console::desk::Desk;
use crate::console::form::{Form, Posted};
use crate::console::frame::csrf;
use crate::console::refusal::Refused;
use crate::console::see;
use crate::wire::status::status as to_status;

pub(super) async fn history(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = match paused(&desk, &id).await? {
        Ok(connection) => connection,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let content = history_form(&connection, desk.csrf(), &Reach::of(&connection), None);
    stepped(&desk, &connection, Step::History, content).await
}

pub(super) async fn save_history(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    if let Err(elsewhere) = still_set_up(&desk, &id).await? {
        return Ok(elsewhere);
    }
    let Err(refused) = keep_history(&desk, &id, &form).await else {
        return Ok(see(&Step::History.next().path(&id)));
    };
    let connection = desk.connection(&id).await?;
    let reach = Reach::from_form(&form);
    let content = history_form(&connection, desk.csrf(), &reach, Some(&refused));
    let page = stepped(&desk, &connection, Step::History, content).await?;
    Ok((refused.http(), page).into_response())
}

async fn keep_history(desk: &Desk, id: &str, form: &Form) -> Result<(), Refused> {
    let change = pb::Connection {
        id: id.to_owned(),
        etag: form.text("etag").to_owned(),
        sync_start_time: start_of(form)?,
        include_archived: Some(form.ticked("include_archived")),
        include_snoozed: Some(form.ticked("include_snoozed")),
        ..Default::default()
    };
    let paths = ["sync_start_time", "include_archived", "include_snoozed"];
    update(desk, change, &paths).await
}

/// The start that a form asks for; none for everything there is.
pub(in crate::console::pages) fn start_of(
    form: &Form,
) -> Result<Option<prost_types::Timestamp>, Status> {
    if form.text("from") == "all" {
        return Ok(None);
    }
    let midnight = day(form.text("start")).and_then(|date| {
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(midnight.timestamp().as_second())
    });
    let seconds = midnight.ok_or_else(|| {
        let message = "give a date such as 2026-01-31, or choose everything";
        to_status(engine::Error::invalid(
            "connection.sync_start_time",
            message,
        ))
    })?;
    Ok(Some(prost_types::Timestamp { seconds, nanos: 0 }))
}

fn day(text: &str) -> Option<jiff::civil::Date> {
    text.parse().ok()
}

/// A year before a moment: how far back an import goes unless somebody says otherwise.
pub(in crate::console::pages) fn a_year_before(now_ms: i64) -> prost_types::Timestamp {
    const DAY_SECONDS: i64 = 24 * 3600;
    let today = now_ms.div_euclid(1_000).div_euclid(DAY_SECONDS);
    prost_types::Timestamp {
        seconds: (today - 365) * DAY_SECONDS,
        nanos: 0,
    }
}

pub(in crate::console::pages) fn date(at: &prost_types::Timestamp) -> String {
    let at = jiff::Timestamp::from_second(at.seconds).unwrap_or_default();
    at.strftime("%Y-%m-%d").to_string()
}

/// Which opportunities are mirrored, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console::pages) struct Reach {
    pub(in crate::console::pages) all: bool,
    pub(in crate::console::pages) start: String,
    pub(in crate::console::pages) archived: bool,
    pub(in crate::console::pages) snoozed: bool,
}

impl Reach {
    pub(in crate::console::pages) fn has_day(&self) -> bool {
        day(&self.start).is_some()
    }

    pub(in crate::console::pages) fn of(connection: &pb::Connection) -> Reach {
        let start = connection.sync_start_time.as_ref();
        Reach {
            all: start.is_none(),
            start: start.map(date).unwrap_or_default(),
            archived: connection.include_archived(),
            snoozed: connection.include_snoozed(),
        }
    }

    pub(in crate::console::pages) fn from_form(form: &Form) -> Reach {
        Reach {
            all: form.text("from") == "all",
            start: form.text("start").to_owned(),
            archived: form.ticked("include_archived"),
            snoozed: form.ticked("include_snoozed"),
        }
    }

    /// Its fields.
    pub(in crate::console::pages) fn fields(&self, refused: Option<&Refused>) -> Markup {
        let problem = refused.and_then(|refused| refused.about("connection.sync_start_time"));
        let invalid = problem.as_ref().map(|_| "true");
        let described = problem.as_ref().map(|_| "start-problem");
        html! {
            fieldset {
                legend { "Opportunities" }
                label.check { input type="radio" name="from" value="date" checked[!self.all]; "Those created on this day or later" }
                label { "Day (UTC)" input type="date" name="start" min="2000-01-01" value=(self.start) aria-invalid=[invalid] aria-describedby=[described]; }
                @if let Some(problem) = problem { p.problem id="start-problem" { (problem) } }
                label.check { input type="radio" name="from" value="all" checked[self.all]; "All there are, to find everybody again" }
            }
            fieldset {
                legend { "Also" }
                label.check {
                    input type="checkbox" name="include_archived" checked[self.archived];
                    span { strong { "Archived opportunities" } " " span.faint { "who was hired or rejected: to find people again; without them there is less to read" } }
                }
                label.check {
                    input type="checkbox" name="include_snoozed" checked[self.snoozed];
                    span { strong { "Snoozed opportunities" } " " span.faint { "who is to be looked at again later" } }
                }
            }
        }
    }
}

fn history_form(
    connection: &pb::Connection,
    token: &str,
    reach: &Reach,
    refused: Option<&Refused>,
) -> Markup {
    html! {
        @if let Some(refused) = refused { (why(refused, &Step::History.path(&connection.id))) }
        form.stack.wide method="post" action=(Step::History.path(&connection.id)) {
            (csrf(token))
            (known(connection))
            (reach.fields(refused))
            button.primary type="submit" { "Save and continue" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_a_day_or_nothing_and_a_year_back_unless_told() {
        let of = |text: &str| start_of(&Form::parse(text.as_bytes()));
        assert_eq!(of("from=all&start=2026-01-31").unwrap(), None);
        let day = of("from=date&start=2026-01-31").unwrap().unwrap();
        assert_eq!(date(&day), "2026-01-31");
        assert!(of("from=date&start=31.1.").is_err());
        assert_eq!(date(&a_year_before(day.seconds * 1_000 + 5)), "2025-01-31");
    }
}
