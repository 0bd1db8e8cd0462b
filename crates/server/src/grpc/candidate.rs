//! `CandidateService`.

use std::pin::Pin;

use engine::{FileDownload, Viewer};
use proto::v1 as pb;
use proto::v1::candidate_service_server::CandidateService;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};

use super::{Api, caller, connection_of};
use crate::auth::{ACT_AS_ANY, CONFIDENTIAL};
use crate::wire::download::{from_download, to_chunks, to_info};
use crate::wire::operation::{WriteMessage, to_dry_run, to_pb};
use crate::wire::status::{permission_denied, status};

impl Api {
    /// One write, whatever it is.
    async fn write<M: WriteMessage>(&self, request: Request<M>) -> Result<pb::Operation, Status> {
        let caller = caller(&request)?;
        let mut asked = request
            .into_inner()
            .read(&caller.name, self.default_wait)
            .map_err(status)?;
        asked.request.confidential = caller.has(CONFIDENTIAL);
        caller.check(asked.request.connection).map_err(status)?;
        if asked.names_lever_user && !caller.has(ACT_AS_ANY) {
            return Err(permission_denied(
                "perform_as needs a token with the right act_as_any; give acting_user",
            ));
        }
        if asked.dry_run {
            let planned = self.engine.dry_run(&asked.request).await.map_err(status)?;
            return Ok(to_dry_run(&asked.request, &planned));
        }
        let operation = self
            .engine
            .write(asked.request, asked.wait)
            .await
            .map_err(status)?;
        Ok(to_pb(&operation))
    }
}

/// Hands a file on: first what it is, then its bytes, no faster than the caller takes them.
async fn hand_on(
    mut file: FileDownload,
    sender: mpsc::Sender<Result<pb::DownloadFileResponse, Status>>,
) {
    if sender.send(Ok(to_info(&file))).await.is_err() {
        return;
    }
    while let Some(bytes) = file.bytes.next().await {
        let messages = match bytes {
            Ok(bytes) => to_chunks(bytes).map(Ok).collect(),
            Err(error) => vec![Err(status(error))],
        };
        for message in messages {
            let ended = message.is_err();
            if sender.send(message).await.is_err() || ended {
                return;
            }
        }
    }
}

macro_rules! writes {
    ($($method:ident: $request:ident -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl CandidateService for Api {
            type DownloadFileStream =
                Pin<Box<dyn Stream<Item = Result<pb::DownloadFileResponse, Status>> + Send>>;

            async fn download_file(
                &self,
                request: Request<pb::DownloadFileRequest>,
            ) -> Result<Response<Self::DownloadFileStream>, Status> {
                let caller = caller(&request)?;
                let request = request.into_inner();
                let id = connection_of(&caller, &request.connection_id)?;
                let (opportunity, source) = from_download(&request).map_err(status)?;
                let viewer = Viewer {
                    confidential: caller.has(CONFIDENTIAL),
                };
                let file = self
                    .engine
                    .download(id, &opportunity, source, viewer)
                    .await
                    .map_err(status)?;
                let (sender, receiver) = mpsc::channel(2);
                let stop = self.stop.clone();
                tokio::spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = hand_on(file, sender) => {}
                    }
                });
                Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
            }

            $(async fn $method(
                &self,
                request: Request<pb::$request>,
            ) -> Result<Response<pb::$response>, Status> {
                let operation = Some(self.write(request).await?);
                Ok(Response::new(pb::$response { operation }))
            })*
        }
    };
}

writes! {
    create_note: CreateNoteRequest -> CreateNoteResponse;
    add_tags: AddTagsRequest -> AddTagsResponse;
    remove_tags: RemoveTagsRequest -> RemoveTagsResponse;
    add_sources: AddSourcesRequest -> AddSourcesResponse;
    remove_sources: RemoveSourcesRequest -> RemoveSourcesResponse;
    change_stage: ChangeStageRequest -> ChangeStageResponse;
    archive: ArchiveRequest -> ArchiveResponse;
    unarchive: UnarchiveRequest -> UnarchiveResponse;
}
