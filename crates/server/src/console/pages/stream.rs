//! One stream of a mirror: when it is read, how far it was, and reading it now or whole again (product.md, screen 9).

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::stream_schedule::When;
use proto::v1::sync_service_server::SyncService as _;
use tonic::Status;

use super::calls::day;
use super::sync::{cursor, list, next, phase, read_now, schedule, status};
use super::{After, more};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::field::Field;
use crate::console::form::{Form, Posted};
use crate::console::frame::{Tab, action, csrf};
use crate::console::live;
use crate::console::refusal::Refused;
use crate::console::words::{moment, number, span};
use crate::grpc::Api;
use crate::wire::status::status as to_status;

const START: &str = "/fulcrum.v1.SyncService/StartSync";
const RESET: &str = "/fulcrum.v1.SyncService/ResetStream";
const SCHEDULE: &str = "/fulcrum.v1.SyncService/UpdateSchedule";
/// The inbound stages have a schedule of their own, and are no stream.
const INBOUND: &str = "inbound_applicants";

/// The one stream that can be read again from a day on: all others are short, or read whole each time.
const PEOPLE: &str = "opportunities";

/// Units of an interval, in seconds.
const UNITS: [(&str, &str, i64); 3] = [
    ("minutes", "minutes", 60),
    ("hours", "hours", 3_600),
    ("seconds", "seconds", 1),
];

/// When a stream can be read.
pub(super) const KINDS: [(&str, &str); 3] = [
    ("default", "As shipped"),
    ("interval", "Again after a time"),
    ("cron", "At certain times"),
];

pub(super) fn routes() -> Router<Console> {
    let at = "/console/connections/{id}/sync/streams/{stream}";
    Router::new()
        .route(at, get(show))
        .route(&format!("{at}/start"), post(start))
        .route(&format!("{at}/schedule"), post(set_schedule))
        .route(&format!("{at}/reset"), post(reset))
}

/// A schedule as the form has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Typed {
    kind: String,
    interval: String,
    unit: String,
    cron: String,
    time_zone: String,
}

impl Typed {
    fn of(schedule: &pb::StreamSchedule) -> Typed {
        let mut typed = Typed {
            kind: "default".to_owned(),
            unit: "minutes".to_owned(),
            time_zone: schedule.time_zone.clone(),
            ..Typed::default()
        };
        match &schedule.when {
            Some(When::Interval(interval)) => {
                let fits = |(.., size): &&(&str, &str, i64)| interval.seconds % size == 0;
                let (unit, _, size) = UNITS.iter().find(fits).copied().unwrap_or(UNITS[2]);
                typed.interval = (interval.seconds / size).to_string();
                unit.clone_into(&mut typed.unit);
                "interval".clone_into(&mut typed.kind);
            }
            Some(When::Cron(cron)) => {
                typed.cron.clone_from(cron);
                "cron".clone_into(&mut typed.kind);
            }
            None => {}
        }
        if schedule.is_default {
            "default".clone_into(&mut typed.kind);
        }
        typed
    }

    fn from_form(form: &Form) -> Typed {
        let text = |field: &str| form.text(field).to_owned();
        Typed {
            kind: text("kind"),
            interval: text("interval"),
            unit: text("unit"),
            cron: text("cron"),
            time_zone: text("time_zone"),
        }
    }

    /// The schedule itself; none for the default.
    ///
    /// # Errors
    /// An interval that is no number, and what the form does not offer.
    fn schedule(&self) -> Result<Option<pb::StreamSchedule>, Refused> {
        let (when, time_zone) = match self.kind.as_str() {
            "interval" => (When::Interval(self.duration()?), String::new()),
            "cron" => (When::Cron(self.cron.clone()), self.time_zone.clone()),
            "default" => return Ok(None),
            _ => return Err(not_offered("schedule.kind")),
        };
        Ok(Some(pb::StreamSchedule {
            when: Some(when),
            time_zone,
            is_default: false,
        }))
    }

    /// That nothing was typed for another choice than the one that is made: it would be lost. What the page came with,
    /// `shown`, was not typed.
    ///
    /// # Errors
    /// Invalid for each field that was.
    fn nothing_for_another(&self, shown: &Typed) -> Result<(), Refused> {
        let interval = (&self.interval, &self.unit) != (&shown.interval, &shown.unit);
        let of = [
            ("schedule.interval", "interval", &self.interval, interval),
            ("schedule.cron", "cron", &self.cron, self.cron != shown.cron),
            (
                "schedule.time_zone",
                "cron",
                &self.time_zone,
                self.time_zone != shown.time_zone,
            ),
        ];
        let mut lost = Vec::new();
        for (field, kind, value, typed) in of {
            if kind != self.kind && typed && !value.is_empty() {
                let mut kinds = KINDS.iter();
                let words = kinds.find(|(one, _)| *one == kind);
                let words = words.map_or(kind, |(_, words)| words);
                lost.push(engine::Violation {
                    field: field.to_owned(),
                    message: format!("choose “{words}” above, or empty this field"),
                });
            }
        }
        match lost.is_empty() {
            true => Ok(()),
            false => Err(to_status(engine::Error::violations(lost)).into()),
        }
    }

    fn duration(&self) -> Result<prost_types::Duration, Refused> {
        let mut units = UNITS.iter();
        let size = units.find(|(unit, ..)| *unit == self.unit);
        let Some((.., size)) = size else {
            return Err(not_offered("schedule.unit"));
        };
        let number: Option<i64> = self.interval.parse().ok();
        let seconds = number.and_then(|number| number.checked_mul(*size));
        let seconds = seconds.ok_or_else(|| {
            let message = "an interval is a whole number, between 10 seconds and 30 days";
            to_status(engine::Error::invalid("schedule.interval", message))
        })?;
        Ok(prost_types::Duration { seconds, nanos: 0 })
    }
}

/// A form that somebody else has made.
fn not_offered(field: &str) -> Refused {
    let message = "choose one of those that are offered";
    to_status(engine::Error::invalid(field, message)).into()
}

/// What the page shows of a stream.
#[derive(Debug, Default)]
struct Shown {
    name: String,
    state: Option<pb::StreamState>,
    records: Option<u64>,
    last_success: Option<prost_types::Timestamp>,
    next: Option<prost_types::Timestamp>,
    schedule: Option<pb::StreamSchedule>,
    cursor: Option<pb::StreamCursor>,
    age: Option<prost_types::Duration>,
    error: String,
    quarantined: u64,
}

impl Shown {
    /// # Errors
    /// Not found for a stream that nobody reads by itself.
    fn find(status: pb::GetSyncStatusResponse, name: &str) -> Result<Shown, Refused> {
        if let (INBOUND, Some(inbound)) = (name, &status.inbound) {
            return Ok(Shown {
                name: name.to_owned(),
                state: Some(inbound.state()),
                last_success: inbound.as_of,
                next: inbound.next_run_at,
                schedule: inbound.schedule.clone(),
                error: inbound.error.clone(),
                ..Shown::default()
            });
        }
        let mut streams = status.streams.into_iter();
        let found = streams.find(|stream| stream.name == name && stream.schedule.is_some());
        let stream = found.ok_or_else(|| {
            Status::not_found("no stream of that name is read by itself; the sync page lists those")
        })?;
        Ok(Shown {
            state: Some(stream.state()),
            name: stream.name,
            records: stream.records,
            last_success: stream.last_success_at,
            next: stream.next_run_at,
            schedule: stream.schedule,
            cursor: stream.cursor,
            age: stream.data_age_bound,
            error: stream.error,
            quarantined: stream.quarantined,
        })
    }

    /// Whether it is a stream of its own, and one that is mirrored.
    fn is_read(&self) -> bool {
        self.name != INBOUND && self.state != Some(pb::StreamState::Off)
    }

    /// Until when a change is here, in words; none where nobody knows.
    fn arrival(&self) -> Option<String> {
        let age = span(self.age.as_ref()?);
        Some(match self.name.as_str() {
            PEOPLE => format!(
                "with the next pass, while all goes well; what Lever does not mark as a change is found by a walk over \
                 everybody, within {age}"
            ),
            _ => format!("within {age}, while all goes well"),
        })
    }

    fn title(&self) -> String {
        format!("Stream: {}", self.name.replace('_', " "))
    }
}

/// What the page shows.
struct View<'a> {
    path: &'a str,
    shown: &'a Shown,
    typed: &'a Typed,
    refused: Option<&'a Refused>,
    /// Why it is not read whole again.
    unsure: Option<&'a Refused>,
    /// The day from which it was to be.
    since: &'a str,
    csrf: &'a str,
    may_start: bool,
    may_reset: bool,
    may_schedule: bool,
}

async fn show(
    desk: Desk,
    Path((id, stream)): Path<(String, String)>,
    Query(page): Query<After>,
) -> Result<Response, Refused> {
    opened(&desk, &id, &stream, page.after, None).await
}

/// What was refused.
#[derive(Clone, Copy)]
enum Told<'a> {
    Schedule(&'a Refused, &'a Typed),
    Reset(&'a Refused, &'a str),
}

/// The page, with what was refused if something was.
async fn opened(
    desk: &Desk,
    id: &str,
    stream: &str,
    after: String,
    refused: Option<Told<'_>>,
) -> Result<Response, Refused> {
    let connection = desk.connection(id).await?;
    let shown = Shown::find(status(desk, id).await?, stream)?;
    let request = pb::ListRunsRequest {
        connection_id: id.to_owned(),
        page_size: 50,
        page_token: after.clone(),
        stream: stream.to_owned(),
    };
    let runs = desk.call(Tab::Sync.rpc(), request, Api::list_runs).await?;
    let path = at(id, stream);
    let set = Typed::of(&shown.schedule.clone().unwrap_or_default());
    let view = View {
        path: &path,
        shown: &shown,
        typed: match refused {
            Some(Told::Schedule(_, typed)) => typed,
            _ => &set,
        },
        refused: match refused {
            Some(Told::Schedule(refused, _)) => Some(refused),
            _ => None,
        },
        unsure: match refused {
            Some(Told::Reset(refused, _)) => Some(refused),
            _ => None,
        },
        since: match refused {
            Some(Told::Reset(_, since)) => since,
            _ => "",
        },
        csrf: desk.csrf(),
        may_start: desk.may(START) && shown.is_read(),
        may_reset: desk.may(RESET) && shown.is_read(),
        may_schedule: desk.may(SCHEDULE),
    };
    let content = html! {
        (page(&view, &Tab::Sync.path(id)))
        h2 { "Runs" }
        div id="runs" data-live-part { (list(&runs)) (more(&path, [&after, &runs.next_page_token])) }
        // A page with what was refused has no address of its own to be asked for anew.
        @if after.is_empty() && refused.is_none() { (live::place(id)) }
    };
    Ok(desk.below(&connection, Tab::Sync, &shown.title(), content))
}

fn at(id: &str, stream: &str) -> String {
    format!("{}/streams/{stream}", Tab::Sync.path(id))
}

async fn start(
    Path((id, stream)): Path<(String, String)>,
    Posted { desk, .. }: Posted,
) -> Result<Response, Refused> {
    let request = pb::StartSyncRequest {
        connection_id: id.clone(),
        streams: vec![stream.clone()],
        ..Default::default()
    };
    let now = "The stream is read now.";
    let said = read_now(&desk, request, now, "the stream is read").await?;
    Ok(desk.done(&at(&id, &stream), said))
}

async fn set_schedule(
    Path((id, stream)): Path<(String, String)>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let typed = Typed::from_form(&form);
    match put(&desk, &id, &stream, &typed).await {
        Ok(()) => Ok(desk.done(&at(&id, &stream), "The schedule is saved.")),
        Err(refused) => {
            let told = Some(Told::Schedule(&refused, &typed));
            let page = opened(&desk, &id, &stream, String::new(), told).await?;
            Ok((refused.http(), page).into_response())
        }
    }
}

async fn put(desk: &Desk, id: &str, stream: &str, typed: &Typed) -> Result<(), Refused> {
    desk.check(SCHEDULE)?;
    let schedule = typed.schedule()?;
    let shown = Shown::find(status(desk, id).await?, stream)?;
    typed.nothing_for_another(&Typed::of(&shown.schedule.unwrap_or_default()))?;
    let request = pb::UpdateScheduleRequest {
        connection_id: id.to_owned(),
        stream: stream.to_owned(),
        schedule,
    };
    desk.call(SCHEDULE, request, Api::update_schedule).await?;
    Ok(())
}

async fn reset(
    Path((id, stream)): Path<(String, String)>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    match reset_now(&desk, &id, &stream, &form).await {
        Ok(said) => Ok(desk.done(&at(&id, &stream), said)),
        Err(refused) => {
            let told = Some(Told::Reset(&refused, form.text("since")));
            let page = opened(&desk, &id, &stream, String::new(), told).await?;
            Ok((refused.http(), page).into_response())
        }
    }
}

/// The first day from which changes can be asked for, in seconds since 1970: Lever is younger.
const FIRST_DAY: i64 = 946_684_800;

/// The day from which changes are read again; none for all of them.
///
/// # Errors
/// What is no day, and one before 2000.
fn since_day(typed: &str) -> Result<Option<prost_types::Timestamp>, Refused> {
    let since = day("since", typed, 0)?;
    if since.is_some_and(|since| since.seconds < FIRST_DAY) {
        let message = "give a day from 2000 on, or none to have all of it read";
        return Err(to_status(engine::Error::invalid("since", message)).into());
    }
    Ok(since)
}

/// What is said of a stream that is read whole again.
async fn reset_now(desk: &Desk, id: &str, stream: &str, form: &Form) -> Result<String, Refused> {
    desk.check(RESET)?;
    if !form.ticked("sure") {
        let message = "tick the box to have the stream read whole again";
        return Err(to_status(engine::Error::invalid("sure", message)).into());
    }
    let before = Shown::find(status(desk, id).await?, stream)?;
    let since = form.text("since");
    let request = pb::ResetStreamRequest {
        connection_id: id.to_owned(),
        stream: stream.to_owned(),
        since: since_day(since)?,
    };
    desk.call(RESET, request, Api::reset_stream).await?;
    let was = before.cursor.unwrap_or_default();
    let read = match since {
        "" => "The stream is read whole again".to_owned(),
        since => format!("What has changed since {since} is read again"),
    };
    Ok(format!(
        "{read}. Its cursor was: {}, {}.",
        phase(&was),
        was.text
    ))
}

fn page(view: &View<'_>, sync: &str) -> Markup {
    let shown = view.shown;
    html! {
        div.head {
            h1 { (shown.title()) }
            div {
                @if view.may_start { (action(view.csrf, &format!("{}/start", view.path), "Sync now", &[])) " " }
                a.button href=(sync) { "All streams" }
            }
        }
        section.panel id="facts" data-live-part {
            dl {
                @if let Some(state) = shown.state { dt { "State" } dd { (super::overview::stands(state)) } }
                @if let Some(records) = shown.records { dt { "Records" } dd { (number(records)) } }
                dt { "Last success" } dd { (moment(shown.last_success.as_ref())) }
                dt { "Next" } dd { (next(shown.next.as_ref())) }
                dt { "Read" } dd { (schedule(shown.schedule.as_ref())) }
                @if shown.cursor.is_some() { dt { "Cursor, how far it was read" } dd { (cursor(shown.cursor.as_ref())) } }
                @if let Some(arrival) = shown.arrival() { dt { "A change is here" } dd { (arrival) } }
                @if shown.state == Some(pb::StreamState::Off) { dt { "Details" } dd { "It is not mirrored, so nothing of it is read: Settings say what is." } }
                @if !shown.error.is_empty() { dt { "Details" } dd { (shown.error) } }
                @if shown.quarantined > 0 {
                    dt { "Not readable" }
                    dd { a href={ (sync) "/quarantine?stream=" (shown.name) } { (number(shown.quarantined)) } }
                }
            }
        }
        @if view.may_schedule { (schedule_form(view)) }
        @if view.may_reset { (reset_form(view)) }
    }
}

fn schedule_form(view: &View<'_>) -> Markup {
    let typed = view.typed;
    let of = |name, label, help, field| Field {
        name,
        label,
        help,
        refused: view.refused.map(|refused| (refused, field)),
    };
    let units = UNITS.map(|(unit, words, _)| (unit, words));
    html! {
        section.panel id="schedule" {
            h2 { "Schedule" }
            @if let Some(refused) = view.refused { (refused.notice()) }
            form method="post" action={ (view.path) "/schedule" } {
                (csrf(view.csrf))
                (of("kind", "This is read", "", "schedule.kind").choice(&typed.kind, &KINDS))
                div.row {
                    (of("interval", "After a time: how long", "10 seconds to 30 days, from when the last pass began.", "schedule.interval").number(&typed.interval))
                    (of("unit", "Unit", "", "schedule.unit").choice(&typed.unit, &units))
                }
                div.row {
                    (of("cron", "At certain times, as a cron line", "Minute, hour, day of the month, month, day of the week. */15 6-21 * * * keeps the nights quiet.", "schedule.cron").line(&typed.cron))
                    (of("time_zone", "In the time zone", "Such as Europe/Berlin; UTC where it is empty.", "schedule.time_zone").line(&typed.time_zone))
                }
                button type="submit" { "Save" }
            }
        }
    }
}

fn reset_form(view: &View<'_>) -> Markup {
    let since = Field {
        name: "since",
        label: "Only what has changed since",
        help: "A day of UTC, such as 2026-11-29; all of it where this is empty.",
        refused: view.unsure.map(|refused| (refused, "since")),
    };
    html! {
        section.panel {
            h2 { "Read again" }
            p { "Forgets how far the stream was read, so that all of it is read from Lever once more. Its records stay until then. Of a large account that takes hours and much of what Lever allows." }
            @let unsure = view.unsure.and_then(|refused| refused.about("sure"));
            @if let (Some(refused), None) = (view.unsure, &unsure) { (refused.notice()) }
            form method="post" action={ (view.path) "/reset" } {
                (csrf(view.csrf))
                @if view.shown.name == PEOPLE { (since.line(view.since)) }
                p { label.check { input type="checkbox" name="sure" required aria-invalid=[unsure.as_ref().map(|_| "true")] aria-describedby=[unsure.as_ref().map(|_| "sure-problem")]; "I want this read again" } }
                @if let Some(problem) = &unsure { p.problem id="sure-problem" { (problem) } }
                button.danger type="submit" { "Reset" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(seconds: i64) -> Typed {
        Typed::of(&pb::StreamSchedule {
            when: Some(When::Interval(prost_types::Duration { seconds, nanos: 0 })),
            ..Default::default()
        })
    }

    #[test]
    fn changes_are_read_again_from_2000_on() {
        assert!(since_day("").unwrap().is_none());
        let first = since_day("2000-01-01").unwrap().unwrap();
        assert_eq!(first.seconds, FIRST_DAY);
        for typed in ["1999-12-31", "1800-01-01"] {
            let refused = since_day(typed).unwrap_err();
            let told = refused.about("since").unwrap();
            assert!(told.starts_with("Give a day from 2000 on"), "{told}");
        }
    }

    #[test]
    fn a_stream_that_is_off_is_not_to_be_read_and_people_say_which_changes_come_late() {
        let of = |name: &str, state: pb::StreamState| Shown {
            name: name.to_owned(),
            state: Some(state),
            age: Some(prost_types::Duration {
                seconds: 86_400,
                nanos: 0,
            }),
            ..Shown::default()
        };
        let people = of(PEOPLE, pb::StreamState::Synced);
        assert!(people.is_read());
        let told = people.arrival().unwrap();
        assert!(told.starts_with("with the next pass") && told.ends_with("within 1 d"));
        assert!(!of("tags", pb::StreamState::Off).is_read());
        assert!(!of(INBOUND, pb::StreamState::Synced).is_read());
        let tags = of("tags", pb::StreamState::Synced).arrival().unwrap();
        assert_eq!(tags, "within 1 d, while all goes well");
    }

    #[test]
    fn a_schedule_goes_through_the_form_unchanged() {
        for seconds in [10, 60, 90, 3_600, 86_400] {
            let typed = of(seconds);
            let sent = typed.schedule().unwrap().unwrap();
            assert_eq!(Typed::of(&sent), typed, "{seconds}");
            assert_eq!(
                sent.when,
                Some(When::Interval(prost_types::Duration { seconds, nanos: 0 }))
            );
        }
        let nightly = Typed::from_form(&Form::parse(
            b"kind=cron&interval=9&cron=0+3+*+*+*&time_zone=Europe/Berlin",
        ));
        let sent = nightly.schedule().unwrap().unwrap();
        assert_eq!(sent.when, Some(When::Cron("0 3 * * *".to_owned())));
        assert_eq!(sent.time_zone, "Europe/Berlin");
        let shipped = Typed::from_form(&Form::parse(b"kind=default&interval=9"));
        assert_eq!(shipped.schedule().unwrap(), None);
    }

    #[test]
    fn an_interval_that_is_none_is_refused_beside_its_field() {
        for interval in ["soon", "-", "9223372036854775807"] {
            let typed = Typed {
                interval: interval.to_owned(),
                unit: "hours".to_owned(),
                kind: "interval".to_owned(),
                ..Typed::default()
            };
            let refused = typed.schedule().unwrap_err();
            assert!(refused.about("schedule.interval").is_some(), "{interval}");
        }
    }

    #[test]
    fn what_was_typed_for_another_choice_is_refused_beside_its_field_and_not_dropped() {
        let shown = of(3_600);
        let lost = |form: &str| {
            let typed = Typed::from_form(&Form::parse(form.as_bytes()));
            let refused = typed.nothing_for_another(&shown).err();
            refused.map_or_else(Vec::new, |refused| refused.fields())
        };
        let at_night = "interval=60&unit=minutes&cron=0+3+*+*+*&time_zone=Europe/Berlin";
        for kind in ["default", "interval"] {
            let told = lost(&format!("kind={kind}&{at_night}"));
            let fields: Vec<&str> = told.iter().map(|(field, _)| field.as_str()).collect();
            assert_eq!(fields, ["schedule.cron", "schedule.time_zone"], "{kind}");
            assert!(told[0].1.contains("“At certain times”"), "{told:?}");
        }
        assert_eq!(
            lost(&format!("kind=cron&{at_night}")),
            [],
            "as the page came"
        );
        for interval in ["interval=2&unit=hours", "interval=1&unit=minutes"] {
            let told = lost(&format!("kind=default&{interval}"));
            assert_eq!(told[0].0, "schedule.interval");
        }
        assert_eq!(lost("kind=cron&interval=&unit=minutes&cron=0+3+*+*+*"), []);
    }

    #[test]
    fn what_the_form_does_not_offer_is_refused_and_never_taken_for_the_default() {
        let refused = |form: &[u8]| Typed::from_form(&Form::parse(form)).schedule().unwrap_err();
        let kind = refused(b"kind=zzz&interval=9&unit=hours");
        assert!(kind.about("schedule.kind").is_some());
        let unit = refused(b"kind=interval&interval=9&unit=weeks");
        assert!(unit.about("schedule.unit").is_some());
    }

    #[test]
    fn who_may_only_look_has_nothing_to_press() {
        let shown = Shown {
            name: "postings".to_owned(),
            ..Shown::default()
        };
        let text = |may| {
            page(
                &View {
                    path: "/s",
                    shown: &shown,
                    typed: &of(60),
                    refused: None,
                    unsure: None,
                    since: "",
                    csrf: "t",
                    may_start: may,
                    may_reset: may,
                    may_schedule: may,
                },
                "/sync",
            )
            .into_string()
        };
        assert!(!text(false).contains("<form"));
        assert!(text(true).contains("action=\"/s/reset\"") && text(true).contains("required"));
    }

    #[test]
    fn a_stream_that_is_not_read_by_itself_is_not_found() {
        let status = pb::GetSyncStatusResponse {
            streams: vec![pb::StreamStatus {
                name: "notes".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let refused = Shown::find(status, "notes").unwrap_err();
        assert_eq!(refused.http(), axum::http::StatusCode::NOT_FOUND);
    }
}
