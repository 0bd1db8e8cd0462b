//! `SyncService`.

use std::pin::Pin;
use std::time::Duration;

use proto::v1 as pb;
use proto::v1::sync_service_server::SyncService;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{Api, caller, connection_of};
use crate::wire;
use crate::wire::status::status;

/// A watcher is told at most this often.
const CALM: Duration = Duration::from_millis(200);

#[tonic::async_trait]
impl SyncService for Api {
    type WatchSyncStream =
        Pin<Box<dyn Stream<Item = Result<pb::WatchSyncResponse, Status>> + Send>>;

    async fn start_sync(
        &self,
        request: Request<pb::StartSyncRequest>,
    ) -> Result<Response<pb::StartSyncResponse>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        let mut streams = Vec::new();
        for (index, name) in request.get_ref().streams.iter().enumerate() {
            streams.push(
                wire::connection::from_stream(&format!("streams[{index}]"), name)
                    .map_err(status)?,
            );
        }
        let sync = self.engine.start_sync(id, &streams).await.map_err(status)?;
        Ok(Response::new(pb::StartSyncResponse {
            status: Some(wire::sync::to_status(&sync)),
        }))
    }

    async fn get_sync_status(
        &self,
        request: Request<pb::GetSyncStatusRequest>,
    ) -> Result<Response<pb::GetSyncStatusResponse>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        let sync = self.engine.sync_status(id).await.map_err(status)?;
        Ok(Response::new(wire::sync::to_response(&sync)))
    }

    async fn watch_sync(
        &self,
        request: Request<pb::WatchSyncRequest>,
    ) -> Result<Response<Self::WatchSyncStream>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        let mut moves = self.engine.watch_sync(id).map_err(status)?;
        let (sender, receiver) = mpsc::channel(4);
        let api = self.clone();
        tokio::spawn(async move {
            let mut last = None;
            loop {
                moves.mark_unchanged();
                let now = api.engine.sync_status(id).await;
                let ended = now.is_err();
                if !ended && last.as_ref() == now.as_ref().ok() {
                    // Nothing a watcher would see has changed.
                } else {
                    last = now.as_ref().ok().cloned();
                    let answer = now
                        .map(|sync| pb::WatchSyncResponse {
                            status: Some(wire::sync::to_status(&sync)),
                        })
                        .map_err(status);
                    if sender.send(answer).await.is_err() || ended {
                        return;
                    }
                }
                tokio::select! {
                    () = api.stop.cancelled() => return,
                    () = sender.closed() => return,
                    changed = moves.changed() => if changed.is_err() { return },
                }
                tokio::time::sleep(CALM).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
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
}
