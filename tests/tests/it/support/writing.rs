//! Writes to the linked account.

use proto::v1 as pb;
use tonic::Status;

use super::world::{World, fresh_id};

/// Each write goes to the linked account and waits for its end, unless the request says otherwise.
macro_rules! writes {
    ($($method:ident: $request:ident;)*) => {
        impl World {
            $(pub(crate) async fn $method(&self, mut request: pb::$request) -> Result<pb::Operation, Status> {
                if request.connection_id.is_empty() {
                    request.connection_id = self.connection.clone();
                }
                request.wait.get_or_insert(prost_types::Duration { seconds: 40, nanos: 0 });
                let answer = self.api.candidates().$method(request).await?;
                Ok(answer.into_inner().operation.expect("an operation"))
            })*
        }
    };
}

writes! {
    create_note: CreateNoteRequest;
    update_note: UpdateNoteRequest;
    add_links: AddLinksRequest;
    remove_links: RemoveLinksRequest;
    add_tags: AddTagsRequest;
    remove_tags: RemoveTagsRequest;
    add_sources: AddSourcesRequest;
    remove_sources: RemoveSourcesRequest;
    change_stage: ChangeStageRequest;
    archive: ArchiveRequest;
    unarchive: UnarchiveRequest;
    create_form: CreateFormRequest;
    apply_to_posting: ApplyToPostingRequest;
    update_contact: UpdateContactRequest;
    update_user: UpdateUserRequest;
}

/// What a person does about one operation.
macro_rules! by_hand {
    ($($method:ident: $rpc:ident, $request:ident;)*) => {
        impl World {
            $(pub(crate) async fn $method(&self, operation: &str) -> Result<pb::Operation, Status> {
                let request = pb::$request {
                    connection_id: self.connection.clone(),
                    operation_id: operation.to_owned(),
                };
                let answer = self.api.operations().$rpc(request).await?;
                Ok(answer.into_inner().operation.expect("an operation"))
            })*
        }
    };
}

by_hand! {
    cancel: cancel_operation, CancelOperationRequest;
    release: release_operation, ReleaseOperationRequest;
    retry: retry_operation, RetryOperationRequest;
}

impl World {
    /// Writes a note and waits for it.
    pub(crate) async fn note(
        &self,
        opportunity: &str,
        request_id: &str,
        text: &str,
    ) -> Result<pb::Operation, Status> {
        self.create_note(pb::CreateNoteRequest {
            opportunity_id: opportunity.to_owned(),
            request_id: request_id.to_owned(),
            value: text.to_owned(),
            ..Default::default()
        })
        .await
    }

    /// Writes a note without waiting for it.
    pub(crate) async fn note_unawaited(&self, opportunity: &str, text: &str) -> pb::Operation {
        let request = pb::CreateNoteRequest {
            opportunity_id: opportunity.to_owned(),
            request_id: fresh_id(),
            value: text.to_owned(),
            wait: Some(prost_types::Duration::default()),
            ..Default::default()
        };
        self.create_note(request).await.expect("recorded")
    }
}
