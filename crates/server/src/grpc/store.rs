//! `StoreService`: one module for each rpc.

mod backup;
mod check;

use std::pin::Pin;

use proto::v1 as pb;
use proto::v1::store_service_server::StoreService;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use super::{Api, caller};
use crate::auth::Caller;
use crate::wire::status::{permission_denied, status};

#[tonic::async_trait]
impl StoreService for Api {
    type BackupStream = Pin<Box<dyn Stream<Item = Result<pb::BackupResponse, Status>> + Send>>;
    type CheckStream = Pin<Box<dyn Stream<Item = Result<pb::CheckResponse, Status>> + Send>>;

    async fn backup(
        &self,
        request: Request<pb::BackupRequest>,
    ) -> Result<Response<Self::BackupStream>, Status> {
        unbound(&request)?;
        let parts = self.back_up(request.get_ref().only_ours).await?;
        Ok(Response::new(Box::pin(parts)))
    }

    async fn check(
        &self,
        request: Request<pb::CheckRequest>,
    ) -> Result<Response<Self::CheckStream>, Status> {
        unbound(&request)?;
        Ok(Response::new(Box::pin(self.check_store())))
    }

    async fn free_reserve(
        &self,
        request: Request<pb::FreeReserveRequest>,
    ) -> Result<Response<pb::FreeReserveResponse>, Status> {
        unbound(&request)?;
        let freed_bytes = self.engine.free_reserve().map_err(status)?;
        Ok(Response::new(pb::FreeReserveResponse { freed_bytes }))
    }

    async fn rotate_master_key(
        &self,
        request: Request<pb::RotateMasterKeyRequest>,
    ) -> Result<Response<pb::RotateMasterKeyResponse>, Status> {
        self.exchange_master_key(request).await
    }

    async fn get_master_keys(
        &self,
        request: Request<pb::GetMasterKeysRequest>,
    ) -> Result<Response<pb::GetMasterKeysResponse>, Status> {
        self.master_keys(request).await
    }
}

/// The caller, if it may see every connection: the store holds them all.
fn unbound<T>(request: &Request<T>) -> Result<Caller, Status> {
    let caller = caller(request)?;
    match caller.scope {
        None => Ok(caller),
        Some(_) => Err(permission_denied(
            "the store holds every connection: use a token that is bound to none",
        )),
    }
}
