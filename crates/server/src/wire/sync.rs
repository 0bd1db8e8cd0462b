//! How a mirror is doing.

use std::collections::BTreeMap;

use domain::{Cursor, OperationId, Part, Schedule, ScheduleError, Stream};
use engine::{
    ApiCallPage, Error, ImportEstimate, InboundStatus, KeyPause, Result, StreamSchedule,
    StreamState, StreamStatus, SyncState, SyncStatus,
};
use proto::v1 as pb;
use proto::v1::stream_schedule::When;
use store::{
    Answered, ApiCall, CallFilter, Quarantined, Run, RunCause, RunCounts, RunOutcome, RunScope,
};

use super::connection::non_empty;
use super::time::{from_duration, from_timestamp, to_duration, to_timestamp};

/// The status as the wire has it.
pub fn to_status(status: &SyncStatus) -> pb::SyncStatus {
    pb::SyncStatus {
        state: to_state(status.state).into(),
        streams: status.streams.iter().map(to_stream).collect(),
        planned_requests: status.planned_requests,
        made_requests: status.made_requests,
        eta: status.eta.map(to_duration),
        as_of: status.as_of.map(to_timestamp),
        inbound_ready: status.inbound_ready,
        rate_limit_pause: status.pause.as_ref().map(to_pause),
        inbound: Some(to_inbound(&status.inbound)),
        writes_refused: status.writes_refused.clone().unwrap_or_default(),
    }
}

fn to_inbound(inbound: &InboundStatus) -> pb::InboundStatus {
    pb::InboundStatus {
        state: to_stream_state(inbound.state).into(),
        as_of: inbound.as_of.map(to_timestamp),
        schedule: Some(to_schedule(&inbound.schedule)),
        next_run_at: inbound.next_run_at.map(to_timestamp),
        error: inbound.error.clone().unwrap_or_default(),
    }
}

fn to_pause(pause: &KeyPause) -> pb::RateLimitPause {
    pb::RateLimitPause {
        start_time: Some(to_timestamp(pause.since)),
        end_time: Some(to_timestamp(pause.until)),
        reason: pause.reason(),
    }
}

/// Which calls a request asks for.
///
/// # Errors
/// Invalid, naming the field, for what is no time.
pub fn from_call_filter(request: &pb::ListApiCallsRequest) -> Result<CallFilter> {
    let time = |field: &str, at: &Option<prost_types::Timestamp>| {
        let at = at.as_ref().map(|at| from_timestamp(field, at));
        at.transpose()
    };
    Ok(CallFilter {
        from: time("start_time", &request.start_time)?,
        until: time("end_time", &request.end_time)?,
        operation: non_empty(&request.lever_operation),
        // Which operations are about a stream is for the engine to say.
        among: None,
        answered: request.failed_only.then_some(Answered::NotWell),
        write: non_empty(&request.operation_id)
            .map(|id| super::operation_id(&id))
            .transpose()?,
        rpc: non_empty(&request.rpc_id),
    })
}

/// Adds to the streams of a status when they are read and how their last pass went.
pub fn with_history(
    mut status: pb::SyncStatus,
    schedules: &BTreeMap<Stream, StreamSchedule>,
    runs: &BTreeMap<String, Run>,
) -> pb::SyncStatus {
    for shown in &mut status.streams {
        let stream = Stream::from_name(&shown.name);
        let schedule = stream.and_then(|stream| schedules.get(&stream));
        shown.schedule = schedule.map(to_schedule);
        shown.last_run = runs.get(&shown.name).map(to_run);
    }
    status
}

/// What a first import takes, as the wire has it.
pub fn to_estimate(estimate: &ImportEstimate) -> pb::EstimateImportResponse {
    pb::EstimateImportResponse {
        opportunities: estimate.people,
        requests: estimate.requests,
        lists_per_opportunity: estimate.lists_per_person,
        at_full_rate: Some(to_duration(estimate.at_full_rate)),
        at_half_rate: Some(to_duration(estimate.at_half_rate)),
    }
}

/// The status as GetSyncStatus answers it.
pub fn to_response(status: pb::SyncStatus) -> pb::GetSyncStatusResponse {
    pb::GetSyncStatusResponse {
        state: status.state,
        streams: status.streams,
        planned_requests: status.planned_requests,
        made_requests: status.made_requests,
        eta: status.eta,
        as_of: status.as_of,
        inbound_ready: status.inbound_ready,
        rate_limit_pause: status.rate_limit_pause,
        inbound: status.inbound,
        writes_refused: status.writes_refused,
    }
}

/// The state of a mirror.
pub fn to_state(state: SyncState) -> pb::SyncState {
    match state {
        SyncState::Pending => pb::SyncState::Pending,
        SyncState::Syncing => pb::SyncState::Syncing,
        SyncState::Synced => pb::SyncState::Synced,
        SyncState::Stale => pb::SyncState::Stale,
        SyncState::Paused => pb::SyncState::Paused,
        SyncState::Failed => pb::SyncState::Failed,
        SyncState::Disconnected => pb::SyncState::Disconnected,
    }
}

fn to_stream_state(state: StreamState) -> pb::StreamState {
    match state {
        StreamState::Pending => pb::StreamState::Pending,
        StreamState::Syncing => pb::StreamState::Syncing,
        StreamState::Synced => pb::StreamState::Synced,
        StreamState::Stale => pb::StreamState::Stale,
        StreamState::Failed => pb::StreamState::Failed,
        StreamState::Forbidden => pb::StreamState::Forbidden,
        StreamState::Off => pb::StreamState::Off,
    }
}

fn to_stream(status: &StreamStatus) -> pb::StreamStatus {
    pb::StreamStatus {
        name: status.stream.name().to_owned(),
        state: to_stream_state(status.state).into(),
        records: status.records,
        last_success_at: status.last_success_at.map(to_timestamp),
        error: status.error.clone().unwrap_or_default(),
        pages: status.pages,
        rate: status.rate,
        eta: status.eta.map(to_duration),
        planned_requests: status.planned_requests,
        last_run: None,
        next_run_at: status.next_run_at.map(to_timestamp),
        cursor: status.cursor.as_ref().map(to_cursor),
        schedule: None,
        data_age_bound: Some(to_duration(status.data_age_bound)),
        quarantined: status.quarantined,
        waiting: status.waiting,
    }
}

fn to_cursor(cursor: &Cursor) -> pb::StreamCursor {
    let (phase, text) = match cursor {
        Cursor::New => ("PENDING", String::new()),
        Cursor::Backfill {
            began,
            part,
            offset,
        } => (
            "BACKFILL",
            format!(
                "{}, begun {}{}",
                match part {
                    Part::All => "the whole list",
                    Part::Inbound => "the inbound stages first",
                    Part::Rest => "all other stages",
                },
                exact(*began),
                page(offset.is_some())
            ),
        ),
        Cursor::Follow {
            since,
            began,
            offset,
        } => (
            "FOLLOW",
            format!(
                "since {}, begun {}{}",
                exact(*since),
                exact(*began),
                page(offset.is_some())
            ),
        ),
        Cursor::Idle { since, complete } => (
            "IDLE",
            format!(
                "read up to {}{}",
                exact(*since),
                if *complete {
                    ""
                } else {
                    ", and once more for what changed during the first walk"
                }
            ),
        ),
    };
    pb::StreamCursor {
        phase: phase.to_owned(),
        text,
    }
}

/// A time as people and programs read it, to the second of UTC.
fn exact(at: lever::Timestamp) -> String {
    let second = jiff::Timestamp::from_second(at.as_millis().div_euclid(1_000));
    second.map_or_else(|_beyond| at.to_string(), |second| second.to_string())
}

fn page(between_pages: bool) -> &'static str {
    if between_pages { ", between pages" } else { "" }
}

/// A schedule as the wire has it.
pub fn to_schedule(schedule: &StreamSchedule) -> pb::StreamSchedule {
    let (when, time_zone) = match &schedule.schedule {
        Schedule::Interval(interval) => (When::Interval(to_duration(*interval)), String::new()),
        Schedule::Cron(cron) => (
            When::Cron(cron.expression().to_owned()),
            cron.time_zone().to_owned(),
        ),
    };
    pb::StreamSchedule {
        when: Some(when),
        time_zone,
        is_default: schedule.is_default,
    }
}

/// A schedule from the wire; none for the default.
///
/// # Errors
/// Invalid, naming the field.
pub fn from_schedule(schedule: Option<&pb::StreamSchedule>) -> Result<Option<Schedule>> {
    let Some((when, zone)) =
        schedule.and_then(|schedule| Some((schedule.when.as_ref()?, &schedule.time_zone)))
    else {
        return Ok(None);
    };
    let schedule = match when {
        When::Interval(interval) => {
            const FIELD: &str = "schedule.interval";
            if !zone.is_empty() {
                let message = "an interval has no time zone: leave it out, or give cron";
                return Err(Error::invalid("schedule.time_zone", message));
            }
            let read = from_duration(FIELD, interval, Schedule::LONGEST);
            // There is one rule for what an interval may be, and one sentence that tells it.
            let schedule = read.map_err(|_| ScheduleError::Interval);
            let schedule = schedule.and_then(Schedule::every);
            schedule.map_err(|error| Error::invalid(FIELD, error.to_string()))
        }
        When::Cron(expression) => {
            let zone = if zone.is_empty() { "UTC" } else { zone };
            Schedule::cron(expression, zone).map_err(|error| {
                let field = match error {
                    ScheduleError::TimeZone => "schedule.time_zone",
                    _ => "schedule.cron",
                };
                Error::invalid(field, error.to_string())
            })
        }
    };
    schedule.map(Some)
}

/// A pass as the wire has it.
pub fn to_run(run: &Run) -> pb::SyncRun {
    let (state, error) = match &run.outcome {
        RunOutcome::Succeeded => (pb::RunState::Succeeded, String::new()),
        RunOutcome::Forbidden(permission) => {
            (pb::RunState::Failed, format!("forbidden: {permission}"))
        }
        RunOutcome::Failed(why) => (pb::RunState::Failed, why.clone()),
        RunOutcome::Interrupted => (pb::RunState::Interrupted, String::new()),
    };
    pb::SyncRun {
        listing: run.listing.clone(),
        lane: run.lane.clone().unwrap_or_default(),
        state: state.into(),
        start_time: Some(to_timestamp(run.began)),
        end_time: Some(to_timestamp(run.ended)),
        pages: run.pages,
        records: run.records,
        changes: run.changes,
        requests: run.requests,
        error,
        cause: to_cause(run.cause).into(),
        scope: to_scope(run.scope).into(),
        counts: run.counts.as_ref().map(to_counts),
        cursor_before: run.cursors.as_ref().map(|(before, _)| to_cursor(before)),
        cursor_after: run.cursors.as_ref().map(|(_, after)| to_cursor(after)),
    }
}

fn to_cause(cause: Option<RunCause>) -> pb::RunCause {
    match cause {
        None => pb::RunCause::Unspecified,
        Some(RunCause::Schedule) => pb::RunCause::Schedule,
        Some(RunCause::Request) => pb::RunCause::Request,
        Some(RunCause::Settings) => pb::RunCause::Settings,
        Some(RunCause::Webhook) => pb::RunCause::Webhook,
        Some(RunCause::Write) => pb::RunCause::Write,
        Some(RunCause::Pass) => pb::RunCause::Pass,
    }
}

fn to_scope(scope: Option<RunScope>) -> pb::RunScope {
    match scope {
        None => pb::RunScope::Unspecified,
        Some(RunScope::First) => pb::RunScope::First,
        Some(RunScope::Whole) => pb::RunScope::Whole,
        Some(RunScope::Changes) => pb::RunScope::Changes,
    }
}

fn to_counts(counts: &RunCounts) -> pb::RunCounts {
    pb::RunCounts {
        created: counts.created,
        updated: counts.updated,
        unchanged: counts.unchanged,
        deleted: counts.deleted,
        set_aside: counts.set_aside,
    }
}

/// Calls as the wire has them.
pub fn to_api_calls(page: &ApiCallPage) -> Vec<pb::ApiCall> {
    let made_for = |id: OperationId| match page.items.contains(&id) {
        true => id.of_item(),
        false => id.to_string(),
    };
    let call = |call: &ApiCall| to_api_call(call, call.write.map(made_for));
    page.calls.iter().map(call).collect()
}

fn to_api_call(call: &ApiCall, made_for: Option<String>) -> pb::ApiCall {
    pb::ApiCall {
        call_time: Some(to_timestamp(call.at)),
        method: call.method.clone(),
        path_template: call.path.clone(),
        status: call.status.map(i32::from).unwrap_or_default(),
        elapsed_ms: signed(call.elapsed_ms),
        waited_ms: signed(call.waited_ms),
        attempt: i32::try_from(call.attempt).unwrap_or(i32::MAX),
        lane: call.lane.clone(),
        lever_operation: call.operation.clone(),
        operation_id: made_for.unwrap_or_default(),
        rpc_id: call.rpc.clone().unwrap_or_default(),
        permission_test: call.permission_test,
    }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// A record that could not be read, as the wire has it.
pub fn to_quarantined(record: &Quarantined, include_raw_json: bool) -> pb::QuarantinedRecord {
    let raw = include_raw_json.then(|| record.raw.clone());
    pb::QuarantinedRecord {
        stream: record.stream.name().to_owned(),
        reason: record.reason.clone(),
        quarantine_time: Some(to_timestamp(record.at)),
        raw_json: raw.unwrap_or_default().into_bytes().into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn with(when: When, time_zone: &str) -> Result<Option<Schedule>> {
        from_schedule(Some(&pb::StreamSchedule {
            when: Some(when),
            time_zone: time_zone.to_owned(),
            is_default: false,
        }))
    }

    #[test]
    fn a_schedule_goes_there_and_back() {
        let daily = When::Cron("0 6 * * *".to_owned());
        for (when, zone) in [
            (When::Interval(to_duration(Duration::from_secs(90))), ""),
            (daily, "Europe/Berlin"),
        ] {
            let schedule = with(when.clone(), zone).unwrap().unwrap();
            let shown = to_schedule(&StreamSchedule {
                schedule,
                is_default: false,
            });
            assert_eq!((shown.when, shown.time_zone.as_str()), (Some(when), zone));
        }
        assert_eq!(from_schedule(None).unwrap(), None);
        assert_eq!(from_schedule(Some(&Default::default())).unwrap(), None);
    }

    #[test]
    fn a_bad_schedule_names_its_field() {
        let cron = |text: &str| When::Cron(text.to_owned());
        let field = |error: Error| error.to_string().split(':').next().map(str::to_owned);
        for (when, zone, expected) in [
            (
                When::Interval(to_duration(Duration::from_secs(1))),
                "",
                "schedule.interval",
            ),
            (
                When::Interval(to_duration(Schedule::LONGEST * 2)),
                "",
                "schedule.interval",
            ),
            (cron("often"), "", "schedule.cron"),
            (cron("0 6 * * *"), "Mars/Olympus", "schedule.time_zone"),
            (
                When::Interval(to_duration(Duration::from_secs(90))),
                "Europe/Berlin",
                "schedule.time_zone",
            ),
        ] {
            let error = with(when, zone).unwrap_err();
            assert_eq!(field(error).as_deref(), Some(expected));
        }
        let (short, long) = (Duration::from_secs(1), Schedule::LONGEST * 2);
        let negative = prost_types::Duration {
            seconds: -1,
            nanos: 0,
        };
        for bad in [to_duration(short), to_duration(long), negative] {
            let error = with(When::Interval(bad), "").unwrap_err();
            let expected = "schedule.interval: an interval is between 10 seconds and 30 days";
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_refused_pass_tells_the_permission_and_a_call_tells_nothing_of_people() {
        let run = Run {
            connection: domain::ConnectionId::from_bytes([1; 16]),
            listing: "users".to_owned(),
            lane: None,
            began: ::lever::Timestamp::from_millis(1),
            ended: ::lever::Timestamp::from_millis(2),
            pages: 0,
            records: 0,
            changes: 0,
            requests: 1,
            outcome: RunOutcome::Forbidden("find all users".to_owned()),
            cause: None,
            scope: None,
            counts: None,
            cursors: None,
        };
        let shown = to_run(&run);
        assert_eq!(shown.state(), pb::RunState::Failed);
        assert_eq!(shown.error, "forbidden: find all users");
        let runs = BTreeMap::from([("users".to_owned(), run)]);
        let users = pb::StreamStatus {
            name: "users".to_owned(),
            ..Default::default()
        };
        let status = pb::SyncStatus {
            streams: vec![users],
            ..Default::default()
        };
        let status = with_history(status, &BTreeMap::new(), &runs);
        assert_eq!(status.streams[0].last_run, Some(shown));
    }
}
