//! `SyncService`.

use std::pin::Pin;
use std::time::Duration;

use ::lever::{OpportunityId, Timestamp};
use domain::ConnectionId;
use engine::{Error, QuarantineMark, RunMark, Scheduled};
use proto::v1 as pb;
use proto::v1::sync_service_server::SyncService;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::rpc::carried;
use super::{Api, caller, connection_of, until_stopped};
use crate::auth::{CONFIDENTIAL, EEO};
use crate::wire;
use crate::wire::page_token::Bound;
use crate::wire::status::{permission_denied, status};

/// A watcher is told at most this often.
const CALM: Duration = Duration::from_millis(200);

impl Api {
    /// How a mirror is doing, with when its streams are read and how their last passes went.
    async fn sync_status(&self, id: ConnectionId) -> Result<pb::SyncStatus, Error> {
        let sync = self.engine.sync_status(id).await?;
        let schedules = self.engine.schedules(id).await?;
        let runs = self.engine.last_runs(id).await?;
        let status = wire::sync::to_status(&sync);
        Ok(wire::sync::with_history(status, &schedules, &runs))
    }
}

/// The stream a request names; none when it names none.
fn named_stream(name: &str) -> Result<Option<domain::Stream>, Status> {
    if name.is_empty() {
        return Ok(None);
    }
    let stream = wire::connection::from_stream("stream", name).map_err(status)?;
    Ok(Some(stream))
}

/// What a request names that is read on a schedule.
fn scheduled(name: &str) -> Result<Scheduled, Status> {
    let none = || status(wire::connection::no_stream("stream", Scheduled::names()));
    Scheduled::from_name(name).ok_or_else(none)
}

/// The stream a request must name.
fn one_stream(name: &str) -> Result<domain::Stream, Status> {
    wire::connection::from_stream("stream", name).map_err(status)
}

#[tonic::async_trait]
impl SyncService for Api {
    type WatchSyncStream =
        Pin<Box<dyn Stream<Item = Result<pb::WatchSyncResponse, Status>> + Send>>;

    async fn start_sync(
        &self,
        request: Request<pb::StartSyncRequest>,
    ) -> Result<Response<pb::StartSyncResponse>, Status> {
        let caller = caller(&request)?;
        let id = connection_of(&caller, &request.get_ref().connection_id)?;
        let mut streams = Vec::new();
        for (index, name) in request.get_ref().streams.iter().enumerate() {
            streams.push(
                wire::connection::from_stream(&format!("streams[{index}]"), name)
                    .map_err(status)?,
            );
        }
        let mut left_out = Vec::new();
        let opportunity = &request.get_ref().opportunity_id;
        if opportunity.is_empty() {
            self.engine.start_sync(id, &streams).await.map_err(status)?;
        } else if streams.is_empty() {
            let opportunity = OpportunityId::from(opportunity.as_str());
            self.check_visible(&caller, id, &opportunity).await?;
            let read = self.engine.sync_opportunity(id, &opportunity).await;
            left_out = read.map_err(status)?;
            // Whether the caller may see them is known now at the latest.
            self.check_visible(&caller, id, &opportunity).await?;
        } else {
            let error = Error::invalid(
                "streams",
                "name either streams or an opportunity_id, not both",
            );
            return Err(status(error));
        }
        let status = Some(self.sync_status(id).await.map_err(status)?);
        let left_out = left_out.into_iter().map(wire::explain::to_left_out);
        Ok(Response::new(pb::StartSyncResponse {
            status,
            left_out: left_out.map(Into::into).collect(),
        }))
    }

    async fn get_sync_status(
        &self,
        request: Request<pb::GetSyncStatusRequest>,
    ) -> Result<Response<pb::GetSyncStatusResponse>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        let sync = self.sync_status(id).await.map_err(status)?;
        Ok(Response::new(wire::sync::to_response(sync)))
    }

    async fn watch_sync(
        &self,
        request: Request<pb::WatchSyncRequest>,
    ) -> Result<Response<Self::WatchSyncStream>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        let mut moves = self.engine.watch_sync(id).map_err(status)?;
        let (sender, receiver) = mpsc::channel(4);
        let api = self.clone();
        tokio::spawn(carried(async move {
            let (listener, mut last) = (sender.clone(), None);
            let watch = async {
                loop {
                    moves.mark_unchanged();
                    let now = api.sync_status(id).await;
                    let ended = now.is_err();
                    if !ended && last.as_ref() == now.as_ref().ok() {
                        // Nothing a watcher would see has changed.
                    } else {
                        last = now.as_ref().ok().cloned();
                        let answer = now
                            .map(|sync| pb::WatchSyncResponse { status: Some(sync) })
                            .map_err(status);
                        if sender.send(answer).await.is_err() || ended {
                            return;
                        }
                    }
                    tokio::select! {
                        () = sender.closed() => return,
                        changed = moves.changed() => if changed.is_err() { return },
                    }
                    tokio::time::sleep(CALM).await;
                }
            };
            until_stopped(&api.stop, listener, watch).await;
        }));
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn estimate_import(
        &self,
        request: Request<pb::EstimateImportRequest>,
    ) -> Result<Response<pb::EstimateImportResponse>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        let estimate = self.engine.estimate_import(id).await.map_err(status)?;
        Ok(Response::new(wire::sync::to_estimate(&estimate)))
    }

    async fn pause_sync(
        &self,
        request: Request<pb::PauseSyncRequest>,
    ) -> Result<Response<pb::PauseSyncResponse>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        self.engine.set_paused(id, true).await.map_err(status)?;
        Ok(Response::new(pb::PauseSyncResponse {}))
    }

    async fn resume_sync(
        &self,
        request: Request<pb::ResumeSyncRequest>,
    ) -> Result<Response<pb::ResumeSyncResponse>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        self.engine.set_paused(id, false).await.map_err(status)?;
        Ok(Response::new(pb::ResumeSyncResponse {}))
    }

    async fn reset_stream(
        &self,
        request: Request<pb::ResetStreamRequest>,
    ) -> Result<Response<pb::ResetStreamResponse>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        let stream = one_stream(&request.get_ref().stream)?;
        let since = request.get_ref().since.as_ref();
        let since = since.map(|since| wire::time::from_timestamp("since", since));
        let reset = match since.transpose().map_err(status)? {
            Some(since) => self.engine.read_again(id, stream, since).await,
            None => self.engine.reset_stream(id, stream).await,
        };
        reset.map_err(status)?;
        let status = Some(self.sync_status(id).await.map_err(status)?);
        Ok(Response::new(pb::ResetStreamResponse { status }))
    }

    async fn update_schedule(
        &self,
        request: Request<pb::UpdateScheduleRequest>,
    ) -> Result<Response<pb::UpdateScheduleResponse>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        let of = scheduled(&request.get_ref().stream)?;
        let schedule = wire::sync::from_schedule(request.get_ref().schedule.as_ref());
        let schedule = schedule.map_err(status)?;
        let set = self.engine.set_schedule(id, of, schedule).await;
        let set = set.map_err(status)?;
        Ok(Response::new(pb::UpdateScheduleResponse {
            schedule: Some(wire::sync::to_schedule(&set)),
        }))
    }

    async fn list_runs(
        &self,
        request: Request<pb::ListRunsRequest>,
    ) -> Result<Response<pb::ListRunsResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let of = match request.stream.as_str() {
            "" => None,
            name => Some(scheduled(name)?),
        };
        let size = wire::page_size(request.page_size, 100, 1000).map_err(status)?;
        let store = self.engine.store();
        let bound = Bound::new(
            &caller.id,
            "ListRuns",
            &[&request.connection_id, &request.stream],
        );
        let after: Option<(i64, String)> =
            bound.open(store, &request.page_token).map_err(status)?;
        let after: Option<RunMark> =
            after.map(|(began, listing)| (Timestamp::from_millis(began), listing));
        let mut runs = self
            .engine
            .runs(id, of, after, size + 1)
            .await
            .map_err(status)?;
        let more = runs.len() > size;
        runs.truncate(size);
        let last = runs.last().filter(|_| more);
        let last = last.map(|run| (run.began.as_millis(), run.listing.clone()));
        Ok(Response::new(pb::ListRunsResponse {
            runs: runs.iter().map(wire::sync::to_run).collect(),
            next_page_token: bound.seal(store, last.as_ref()).map_err(status)?,
        }))
    }

    async fn list_api_calls(
        &self,
        request: Request<pb::ListApiCallsRequest>,
    ) -> Result<Response<pb::ListApiCallsResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let size = wire::page_size(request.page_size, 100, 1000).map_err(status)?;
        let store = self.engine.store();
        let filter = wire::sync::from_call_filter(&request).map_err(status)?;
        let stream = named_stream(&request.stream)?;
        if let Some(operation) = filter.write
            && let Ok(operation) = self.engine.operation(id, operation).await
            && !self.sees_operation(&caller, &operation).await?
        {
            // As for an operation that there never was.
            return Ok(Response::new(pb::ListApiCallsResponse::default()));
        }
        let narrowed = format!("{filter:?}");
        let question = [request.connection_id.as_str(), &narrowed, &request.stream];
        let bound = Bound::new(&caller.id, "ListApiCalls", &question);
        let after: Option<[u8; 16]> = bound.open(store, &request.page_token).map_err(status)?;
        let after = after.map(store::CallMark::from_bytes);
        let page = self
            .engine
            .api_calls(id, filter, stream, after, size)
            .await
            .map_err(status)?;
        let next = page.next.map(store::CallMark::to_bytes);
        Ok(Response::new(pb::ListApiCallsResponse {
            api_calls: wire::sync::to_api_calls(&page),
            next_page_token: bound.seal(store, next.as_ref()).map_err(status)?,
        }))
    }

    async fn list_quarantine(
        &self,
        request: Request<pb::ListQuarantineRequest>,
    ) -> Result<Response<pb::ListQuarantineResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let stream = named_stream(&request.stream)?;
        if request.include_raw_json && !caller.has(CONFIDENTIAL) {
            return Err(permission_denied(
                "nobody can tell what is in a record that cannot be read: include_raw_json needs a token with the \
                 right confidential",
            ));
        }
        if request.include_raw_json && !self.engine.shows_confidential(id) {
            return Err(status(confidential_hidden()));
        }
        let size = wire::page_size(request.page_size, 100, 1000).map_err(status)?;
        let store = self.engine.store();
        let raw = request.include_raw_json.to_string();
        let question = [request.connection_id.as_str(), &request.stream, &raw];
        let bound = Bound::new(&caller.id, "ListQuarantine", &question);
        // Arrays of this length have no JSON form of their own.
        let after: Option<Vec<u8>> = bound.open(store, &request.page_token).map_err(status)?;
        let after = after.and_then(|mark| QuarantineMark::try_from(mark).ok());
        let mut records = self
            .engine
            .quarantine(id, stream, after, size + 1)
            .await
            .map_err(status)?;
        let more = records.len() > size;
        records.truncate(size);
        let last = records.last().filter(|_| more);
        let last = last.map(|(mark, _)| mark.to_vec());
        records
            .retain(|(_, record)| record.stream != domain::Stream::EeoResponses || caller.has(EEO));
        Ok(Response::new(pb::ListQuarantineResponse {
            records: records
                .iter()
                .map(|(_, record)| wire::sync::to_quarantined(record, request.include_raw_json))
                .collect(),
            next_page_token: bound.seal(store, last.as_ref()).map_err(status)?,
        }))
    }
}

/// Nobody can tell what is in a record that cannot be read: while confidential records are hidden, all texts are.
fn confidential_hidden() -> Error {
    Error::precondition(
        "CONFIDENTIAL_HIDDEN",
        "the key of the connection has no access to confidential records, and a record that cannot be read may be \
         one: ask without include_raw_json, or give a key with that access with RotateCredential \
         (`fulcrum rotate-credential`)",
        Vec::new(),
    )
}
