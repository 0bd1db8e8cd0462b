//! The master keys, for `StoreService`.

use proto::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, caller};
use crate::wire::master_keys::to_pb;
use crate::wire::status::{permission_denied, status};

impl Api {
    pub(super) async fn exchange_master_key(
        &self,
        request: Request<pb::RotateMasterKeyRequest>,
    ) -> Result<Response<pb::RotateMasterKeyResponse>, Status> {
        for_all_connections(&request)?;
        let keys = self.engine.rotate_master_key().await.map_err(status)?;
        let keys = Some(to_pb(&keys));
        Ok(Response::new(pb::RotateMasterKeyResponse { keys }))
    }

    pub(super) async fn master_keys(
        &self,
        request: Request<pb::GetMasterKeysRequest>,
    ) -> Result<Response<pb::GetMasterKeysResponse>, Status> {
        for_all_connections(&request)?;
        let keys = self.engine.master_keys().await.map_err(status)?;
        let keys = Some(to_pb(&keys));
        Ok(Response::new(pb::GetMasterKeysResponse { keys }))
    }
}

/// Refuses a token that names its connections: the keys are those of all.
fn for_all_connections<T>(request: &Request<T>) -> Result<(), Status> {
    match caller(request)?.scope {
        None => Ok(()),
        Some(_) => Err(permission_denied(
            "this token names its connections: the master key is for an admin token for all of them",
        )),
    }
}
