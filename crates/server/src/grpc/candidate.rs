//! `CandidateService`.

use proto::v1 as pb;
use proto::v1::candidate_service_server::CandidateService;
use tonic::{Request, Response, Status};

use super::{Api, caller};
use crate::auth::{ACT_AS_ANY, CONFIDENTIAL};
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

macro_rules! writes {
    ($($method:ident: $request:ident -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl CandidateService for Api {
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
