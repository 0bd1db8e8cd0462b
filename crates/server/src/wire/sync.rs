//! How a mirror is doing.

use engine::{StreamState, StreamStatus, SyncState, SyncStatus};
use proto::v1 as pb;

use super::time::to_timestamp;

/// The status as the wire has it.
pub fn to_status(status: &SyncStatus) -> pb::SyncStatus {
    pb::SyncStatus {
        state: to_state(status.state).into(),
        streams: status.streams.iter().map(to_stream).collect(),
        planned_requests: status.planned_requests,
        made_requests: status.made_requests,
        eta: status.eta.and_then(|eta| eta.try_into().ok()),
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
        StreamState::Stale => pb::StreamState::Failed,
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
    }
}
