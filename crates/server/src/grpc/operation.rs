//! `OperationService`.

use std::pin::Pin;

use ::lever::OpportunityId;
use domain::{ConnectionId, Operation};
use proto::v1 as pb;
use proto::v1::operation_service_server::OperationService;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{Api, caller, connection_of};
use crate::auth::Caller;
use crate::wire;
use crate::wire::connection::non_empty;
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
        if self.sees(caller, id, &operation.opportunity).await? {
            Ok((id, operation))
        } else {
            Err(status(engine::Error::not_found("operation", operation_id)))
        }
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
        let (_, operation) = self
            .named(&caller, &request.connection_id, &request.operation_id)
            .await?;
        Ok(Response::new(pb::GetOperationResponse {
            operation: Some(self.shown_operation(&caller, &operation).await?),
        }))
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
        let question = [
            request.connection_id.as_str(),
            request.opportunity_id.as_str(),
        ];
        let bound = Bound::new(&caller.id, "ListOperations", &question);
        let before: Option<String> = bound.open(store, &request.page_token).map_err(status)?;
        let before = before
            .map(|id| wire::operation_id(&id))
            .transpose()
            .map_err(status)?;
        let opportunity = non_empty(&request.opportunity_id).map(OpportunityId::from);

        let mut page = self
            .engine
            .operations(id, opportunity.as_ref(), before, size + 1)
            .await
            .map_err(status)?;
        let more = page.len() > size;
        page.truncate(size);
        let last = page
            .last()
            .filter(|_| more)
            .map(|operation| operation.id.to_string());
        let mut operations = Vec::with_capacity(page.len());
        for operation in &page {
            if self.sees(&caller, id, &operation.opportunity).await? {
                operations.push(self.shown_operation(&caller, operation).await?);
            }
        }
        Ok(Response::new(pb::ListOperationsResponse {
            operations,
            next_page_token: bound.seal(store, last.as_ref()).map_err(status)?,
        }))
    }

    async fn watch_operations(
        &self,
        request: Request<pb::WatchOperationsRequest>,
    ) -> Result<Response<Self::WatchOperationsStream>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let mut moves = self.engine.watch_operations();
        let (id, first) = self
            .named(&caller, &request.connection_id, &request.operation_id)
            .await?;
        let watched = first.id;
        let (sender, receiver) = mpsc::channel(4);
        let api = self.clone();
        tokio::spawn(async move {
            let mut operation = first;
            loop {
                let revision = operation.revision;
                let shown = api.shown_operation(&caller, &operation).await;
                let last = shown.is_err() || operation.state.settled();
                let answer = shown.map(|operation| pb::WatchOperationsResponse {
                    operation: Some(operation),
                });
                if sender.send(answer).await.is_err() || last {
                    return;
                }
                while operation.revision == revision {
                    tokio::select! {
                        () = api.stop.cancelled() => return,
                        () = sender.closed() => return,
                        // Missed moves are no harm: the operation is read again.
                        _ = moves.recv() => {}
                    }
                    operation = match api.engine.operation(id, watched).await {
                        Ok(operation) => operation,
                        Err(error) => {
                            // The watcher may be gone; then nobody needs to know.
                            let _ = sender.send(Err(status(error))).await;
                            return;
                        }
                    };
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
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
            .cancel_operation(id, operation.id)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::CancelOperationResponse {
            operation: Some(self.shown_operation(&caller, &operation).await?),
        }))
    }
}
