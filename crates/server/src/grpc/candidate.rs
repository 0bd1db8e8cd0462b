//! `CandidateService`.

use std::pin::Pin;
use std::time::Duration;

use domain::Write;
use engine::{Error, FileDownload, prepare};
use proto::v1 as pb;
use proto::v1::candidate_service_server::CandidateService;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use super::rpc::carried;
use super::{Api, caller, connection_of, in_our_words, until_stopped, viewer};
use crate::auth::{ACT_AS_ANY, CONFIDENTIAL, Caller, Role};
use crate::wire;
use crate::wire::download::{from_download, to_chunks, to_info};
use crate::wire::operation::{Common, WriteMessage, to_dry_run, to_pb};
use crate::wire::status::{permission_denied, status};
use crate::wire::upload::to_piece;

impl Api {
    /// One write, whatever it is.
    async fn write<M: WriteMessage>(&self, request: Request<M>) -> Result<pb::Operation, Status> {
        let caller = caller(&request)?;
        let asked = self.asked(&caller, request.into_inner())?;
        if asked.dry_run {
            return self.planned(&asked).await;
        }
        let operation = self
            .engine
            .write(asked.request, asked.wait)
            .await
            .map_err(status)?;
        Ok(to_pb(&operation))
    }

    /// The write of a file, which comes in pieces.
    async fn upload(
        &self,
        request: Request<Streaming<pb::UploadFileRequest>>,
    ) -> Result<pb::Operation, Status> {
        let caller = caller(&request)?;
        let mut messages = request.into_inner();
        let mut first = first(&mut messages).await?;
        let piece = std::mem::take(&mut first.chunk);
        let asked = self.asked(&caller, first)?;
        if asked.dry_run {
            return self.planned(&asked).await;
        }
        let mut unread = None;
        let rest = messages.map(|message| {
            unread = message.as_ref().err().and_then(in_our_words);
            to_piece(message)
        });
        let pieces = tokio_stream::once(Ok(piece)).chain(rest);
        let outcome = self.engine.upload(asked.request, pieces, asked.wait).await;
        match (outcome, unread) {
            (Ok(operation), _) => Ok(to_pb(&operation)),
            (Err(_), Some(refusal)) => Err(refusal),
            (Err(error), None) => Err(status(error)),
        }
    }

    /// What a write asks, if the caller may ask it.
    pub(super) fn asked<M: WriteMessage>(
        &self,
        caller: &Caller,
        message: M,
    ) -> Result<Common, Status> {
        let mut asked = message
            .read(&caller.name, self.default_wait)
            .map_err(status)?;
        asked.request.confidential = caller.has(CONFIDENTIAL);
        caller.check(asked.request.connection).map_err(status)?;
        if asked.names_lever_user && !caller.has(ACT_AS_ANY) {
            return Err(permission_denied(
                "perform_as needs a token with the right act_as_any; give acting_user",
            ));
        }
        check_access_role(caller, &asked.request.write)?;
        Ok(asked)
    }

    async fn planned(&self, asked: &Common) -> Result<pb::Operation, Status> {
        let planned = self.engine.dry_run(&asked.request).await.map_err(status)?;
        Ok(to_dry_run(&asked.request, &planned))
    }
}

/// Refuses who may not give Lever's users another role, however it is asked for.
pub(super) fn check_access_role(caller: &Caller, write: &Write) -> Result<(), Status> {
    if caller.role == Role::Admin || !prepare::changes_access_role(write) {
        return Ok(());
    }
    let field = match write {
        Write::Raw(_) => "accessRole",
        _ => "access_role",
    };
    Err(permission_denied(&format!(
        "{field} needs a token with the role admin; leave it out"
    )))
}

/// How long the first message of an upload may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The message that says what an upload is about.
async fn first(
    messages: &mut Streaming<pb::UploadFileRequest>,
) -> Result<pb::UploadFileRequest, Status> {
    let first = tokio::time::timeout(PATIENCE, messages.next()).await;
    match first {
        Ok(Some(message)) => message,
        Ok(None) => Err(status(Error::invalid(
            "connection_id",
            "the first message says what is uploaded where; none came",
        ))),
        Err(_late) => Err(status(Error::unavailable(
            "no message came for 30 seconds: send the file again",
        ))),
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

            type StreamLookupCandidatesStream =
                ReceiverStream<Result<pb::StreamLookupCandidatesResponse, Status>>;

            type BulkWriteStream =
                Pin<Box<dyn Stream<Item = Result<pb::BulkWriteResponse, Status>> + Send>>;

            async fn bulk_write(
                &self,
                request: Request<pb::BulkWriteRequest>,
            ) -> Result<Response<Self::BulkWriteStream>, Status> {
                let caller = caller(&request)?;
                let asked = wire::bulk::from_bulk(request.get_ref()).map_err(status)?;
                let answers = self.bulk(caller, asked).await?.map(|told| {
                    told.map(|operation| pb::BulkWriteResponse {
                        operation: Some(operation),
                    })
                });
                Ok(Response::new(Box::pin(answers)))
            }

            async fn export_candidate(
                &self,
                request: Request<pb::ExportCandidateRequest>,
            ) -> Result<Response<pb::ExportCandidateResponse>, Status> {
                self.export(request).await.map(Response::new)
            }

            async fn get_export_settings(
                &self,
                request: Request<pb::GetExportSettingsRequest>,
            ) -> Result<Response<pb::GetExportSettingsResponse>, Status> {
                let settings = Some(self.export_settings(request).await?);
                Ok(Response::new(pb::GetExportSettingsResponse { settings }))
            }

            async fn update_export_settings(
                &self,
                request: Request<pb::UpdateExportSettingsRequest>,
            ) -> Result<Response<pb::UpdateExportSettingsResponse>, Status> {
                let settings = Some(self.change_export_settings(request).await?);
                Ok(Response::new(pb::UpdateExportSettingsResponse { settings }))
            }

            async fn lookup_candidates(
                &self,
                request: Request<pb::LookupCandidatesRequest>,
            ) -> Result<Response<pb::LookupCandidatesResponse>, Status> {
                self.lookup(request).await
            }

            async fn get_candidate(
                &self,
                request: Request<pb::GetCandidateRequest>,
            ) -> Result<Response<pb::GetCandidateResponse>, Status> {
                self.person(request).await
            }

            async fn explain_candidate(
                &self,
                request: Request<pb::ExplainCandidateRequest>,
            ) -> Result<Response<pb::ExplainCandidateResponse>, Status> {
                self.explain(request).await
            }

            async fn list_candidates(
                &self,
                request: Request<pb::ListCandidatesRequest>,
            ) -> Result<Response<pb::ListCandidatesResponse>, Status> {
                self.list_candidacies(request).await
            }

            async fn list_duplicates(
                &self,
                request: Request<pb::ListDuplicatesRequest>,
            ) -> Result<Response<pb::ListDuplicatesResponse>, Status> {
                self.duplicates(request).await
            }

            async fn dismiss_duplicate(
                &self,
                request: Request<pb::DismissDuplicateRequest>,
            ) -> Result<Response<pb::DismissDuplicateResponse>, Status> {
                self.tell_apart(request).await
            }

            async fn stream_lookup_candidates(
                &self,
                request: Request<Streaming<pb::StreamLookupCandidatesRequest>>,
            ) -> Result<Response<Self::StreamLookupCandidatesStream>, Status> {
                self.lookup_stream(request).map(Response::new)
            }

            async fn download_file(
                &self,
                request: Request<pb::DownloadFileRequest>,
            ) -> Result<Response<Self::DownloadFileStream>, Status> {
                let caller = caller(&request)?;
                let request = request.into_inner();
                let id = connection_of(&caller, &request.connection_id)?;
                let (opportunity, source) = from_download(&request).map_err(status)?;
                let viewer = viewer(&caller);
                let file = self
                    .engine
                    .download(id, &opportunity, source, viewer)
                    .await
                    .map_err(status)?;
                let (sender, receiver) = mpsc::channel(2);
                let stop = self.stop.clone();
                tokio::spawn(carried(async move {
                    let listener = sender.clone();
                    until_stopped(&stop, listener, hand_on(file, sender)).await;
                }));
                Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
            }

            async fn upload_file(
                &self,
                request: Request<Streaming<pb::UploadFileRequest>>,
            ) -> Result<Response<pb::UploadFileResponse>, Status> {
                let operation = Some(self.upload(request).await?);
                Ok(Response::new(pb::UploadFileResponse { operation }))
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
    update_note: UpdateNoteRequest -> UpdateNoteResponse;
    add_links: AddLinksRequest -> AddLinksResponse;
    remove_links: RemoveLinksRequest -> RemoveLinksResponse;
    add_tags: AddTagsRequest -> AddTagsResponse;
    remove_tags: RemoveTagsRequest -> RemoveTagsResponse;
    add_sources: AddSourcesRequest -> AddSourcesResponse;
    remove_sources: RemoveSourcesRequest -> RemoveSourcesResponse;
    change_stage: ChangeStageRequest -> ChangeStageResponse;
    archive: ArchiveRequest -> ArchiveResponse;
    unarchive: UnarchiveRequest -> UnarchiveResponse;
    create_form: CreateFormRequest -> CreateFormResponse;
    apply_to_posting: ApplyToPostingRequest -> ApplyToPostingResponse;
    update_contact: UpdateContactRequest -> UpdateContactResponse;
    update_user: UpdateUserRequest -> UpdateUserResponse;
}
