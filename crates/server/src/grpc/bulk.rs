//! Many writes in one request.

use engine::BulkRequest;
use proto::v1 as pb;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;

use super::{Api, rights};
use crate::auth::{ACT_AS_ANY, Caller};
use crate::wire::bulk::Asked;
use crate::wire::operation::to_bulk_dry_run;
use crate::wire::status::{permission_denied, status};

/// What a caller of a bulk is told.
pub(super) type Told = std::pin::Pin<Box<dyn Stream<Item = Result<pb::Operation, Status>> + Send>>;

impl Api {
    /// Records many writes and tells of them as they settle; or tells what they would do.
    pub(super) async fn bulk(&self, caller: Caller, asked: Asked) -> Result<Told, Status> {
        caller.check(asked.request.connection).map_err(status)?;
        if asked.names_lever_user && !caller.has(ACT_AS_ANY) {
            return Err(permission_denied(
                "perform_as needs a token with the right act_as_any; give acting_user",
            ));
        }
        let request = BulkRequest {
            rights: rights(&caller),
            asked_by: caller.name.clone(),
            ..asked.request
        };
        if asked.dry_run {
            let planned = self.engine.dry_run_bulk(request.clone()).await;
            let shown = to_bulk_dry_run(&request, &planned.map_err(status)?);
            return Ok(Box::pin(tokio_stream::iter(shown).map(Ok)));
        }
        let bulk = self.engine.bulk(request).await.map_err(status)?;
        Ok(Box::pin(ReceiverStream::new(self.tell(caller, bulk))))
    }
}
