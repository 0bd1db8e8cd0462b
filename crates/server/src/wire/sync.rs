//! How a mirror is doing.

use domain::Cursor;
use engine::{StreamState, StreamStatus, SyncState, SyncStatus};
use proto::v1 as pb;

use super::time::{to_duration, to_timestamp};

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
    }
}

/// The status as GetSyncStatus answers it.
pub fn to_response(status: &SyncStatus) -> pb::GetSyncStatusResponse {
    let status = to_status(status);
    pb::GetSyncStatusResponse {
        state: status.state,
        streams: status.streams,
        planned_requests: status.planned_requests,
        made_requests: status.made_requests,
        eta: status.eta,
        as_of: status.as_of,
        inbound_ready: status.inbound_ready,
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
    }
}

fn to_stream(status: &StreamStatus) -> pb::StreamStatus {
    let state = match status.state {
        StreamState::Pending => pb::StreamState::Pending,
        StreamState::Syncing => pb::StreamState::Syncing,
        StreamState::Synced => pb::StreamState::Synced,
        StreamState::Stale => pb::StreamState::Stale,
        StreamState::Failed => pb::StreamState::Failed,
        StreamState::Forbidden => pb::StreamState::Forbidden,
        StreamState::Off => pb::StreamState::Off,
    };
    pb::StreamStatus {
        name: status.stream.name().to_owned(),
        state: state.into(),
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
                "part {part:?}, began {}{}",
                began.as_millis(),
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
                "since {}, began {}{}",
                since.as_millis(),
                began.as_millis(),
                page(offset.is_some())
            ),
        ),
        Cursor::Idle { since, complete } => (
            "IDLE",
            format!("since {}, complete {complete}", since.as_millis()),
        ),
    };
    pb::StreamCursor {
        phase: phase.to_owned(),
        text,
    }
}

fn page(between_pages: bool) -> &'static str {
    if between_pages { ", between pages" } else { "" }
}
