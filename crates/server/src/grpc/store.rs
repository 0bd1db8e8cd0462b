//! `StoreService`: each rpc is in a module of its own.

use proto::v1 as pb;
use proto::v1::store_service_server::StoreService;
use tonic::{Request, Response, Status};

use super::Api;

#[tonic::async_trait]
impl StoreService for Api {
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
