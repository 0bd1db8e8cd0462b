//! `OperationService`.

use std::pin::Pin;

use domain::{ConnectionId, Operation};
use proto::v1 as pb;
use proto::v1::operation_service_server::OperationService;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};

use super::{Api, caller, connection_of, rights};
use crate::auth::{CONFIDENTIAL, Caller, Role};
use crate::wire;
use crate::wire::operation::{Told, from_filter, to_summary};
use crate::wire::page_token::Bound;
use crate::wire::status::status;

impl Api {
    /// The operation a request names, if the caller may see it.
    async fn named(
        &self,
        caller: &Caller,
        connection_id: &str,
        operation_id: &str,
    ) -> Result<(ConnectionId, Operation), Status> {
        let id = connection_of(caller, connection_id)?;
        let named = wire::operation_id(operation_id).map_err(status)?;
        let operation = self.engine.operation(id, named).await.map_err(status)?;
        // Who works with applicants only sees what was asked for with that token.
        let theirs = caller.role != Role::Inbound || operation.asked_by == caller.name;
        if theirs && self.sees_operation(caller, &operation).await? {
            Ok((id, operation))
        } else {
            Err(status(engine::Error::not_found("operation", operation_id)))
        }
    }

    /// Operations of a connection as the caller may see them, each with its summary.
    async fn told(
        &self,
        caller: &Caller,
        id: ConnectionId,
        operations: &[Operation],
    ) -> Result<Vec<pb::Operation>, Status> {
        let sees_all = caller.has(CONFIDENTIAL) && self.engine.shows_confidential(id);
        let summaries = self.engine.summaries(id, operations, sees_all).await;
        let mut told = Vec::with_capacity(operations.len());
        for (operation, summary) in operations.iter().zip(summaries.map_err(status)?) {
            let may_know = Told {
                // Who works with applicants sees people as the list of applicants has them.
                person: caller.role != Role::Inbound,
                content: knows(caller, operation),
            };
            told.push(pb::Operation {
                summary: Some(to_summary(summary, may_know)),
                ..self.shown_operation(caller, operation).await?
            });
        }
        Ok(told)
    }
}

/// Whether a caller may know what was written: that is for those who write; what is secret, for who configures.
fn knows(caller: &Caller, operation: &Operation) -> bool {
    match caller.role {
        Role::Admin => true,
        Role::Product => !wire::operation::is_secret(operation),
        Role::Reader | Role::Inbound => false,
    }
}

#[tonic::async_trait]
impl OperationService for Api {
    type WatchOperationsStream =
        Pin<Box<dyn Stream<Item = Result<pb::WatchOperationsResponse, Status>> + Send>>;

    async fn get_operation(
        &self,
        request: Request<pb::GetOperationRequest>,
    ) -> Result<Response<pb::GetOperationResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let (id, operation) = self
            .named(&caller, &request.connection_id, &request.operation_id)
            .await?;
        let told = self.told(&caller, id, std::slice::from_ref(&operation));
        let shown = told.await?.pop();
        let shown = match knows(&caller, &operation) {
            true => shown.map(|shown| wire::operation::with_content(shown, &operation)),
            false => shown,
        };
        Ok(Response::new(pb::GetOperationResponse { operation: shown }))
    }

    async fn list_operations(
        &self,
        request: Request<pb::ListOperationsRequest>,
    ) -> Result<Response<pb::ListOperationsResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let size = wire::page_size(request.page_size, 100, 1000).map_err(status)?;
        let store = self.engine.store();
        let filter = from_filter(&request).map_err(status)?;
        let question = format!("{filter:?}");
        let question = [request.connection_id.as_str(), question.as_str()];
        let bound = Bound::new(&caller.id, "ListOperations", &question);
        let before: Option<String> = bound.open(store, &request.page_token).map_err(status)?;
        let before = before
            .map(|id| wire::operation_id(&id))
            .transpose()
            .map_err(status)?;
        let page = self
            .engine
            .operations(id, &filter, before, size)
            .await
            .map_err(status)?;
        let next = page.next.map(|next| next.to_string());
        let mut seen = Vec::with_capacity(page.operations.len());
        for operation in page.operations {
            if self.sees_operation(&caller, &operation).await? {
                seen.push(operation);
            }
        }
        let operations = self.told(&caller, id, &seen).await?;
        Ok(Response::new(pb::ListOperationsResponse {
            operations,
            next_page_token: bound.seal(store, next.as_ref()).map_err(status)?,
        }))
    }

    async fn watch_operations(
        &self,
        request: Request<pb::WatchOperationsRequest>,
    ) -> Result<Response<Self::WatchOperationsStream>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let (_, operation) = self
            .named(&caller, &request.connection_id, &request.operation_id)
            .await?;
        let told = self.tell(caller, operation);
        let answers = ReceiverStream::new(told).map(|told| {
            told.map(|operation| pb::WatchOperationsResponse {
                operation: Some(operation),
            })
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn cancel_operation(
        &self,
        request: Request<pb::CancelOperationRequest>,
    ) -> Result<Response<pb::CancelOperationResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let (id, operation) = self
            .named(&caller, &request.connection_id, &request.operation_id)
            .await?;
        let operation = self
            .engine
            .cancel_operation(id, operation.id, rights(&caller))
            .await
            .map_err(status)?;
        Ok(Response::new(pb::CancelOperationResponse {
            operation: Some(self.shown_operation(&caller, &operation).await?),
        }))
    }

    async fn release_operation(
        &self,
        request: Request<pb::ReleaseOperationRequest>,
    ) -> Result<Response<pb::ReleaseOperationResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let (id, operation) = self
            .named(&caller, &request.connection_id, &request.operation_id)
            .await?;
        let rights = rights(&caller);
        let released = self
            .engine
            .release_operation(id, operation.id, rights)
            .await;
        let released = released.map_err(status)?;
        Ok(Response::new(pb::ReleaseOperationResponse {
            operation: Some(self.shown_operation(&caller, &released).await?),
        }))
    }

    async fn retry_operation(
        &self,
        request: Request<pb::RetryOperationRequest>,
    ) -> Result<Response<pb::RetryOperationResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let (id, operation) = self
            .named(&caller, &request.connection_id, &request.operation_id)
            .await?;
        let rights = rights(&caller);
        let retried = self.engine.retry_operation(id, operation.id, rights).await;
        let retried = retried.map_err(status)?;
        Ok(Response::new(pb::RetryOperationResponse {
            operation: Some(self.shown_operation(&caller, &retried).await?),
        }))
    }
}
