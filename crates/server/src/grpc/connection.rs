//! `ConnectionService`.

use engine::{ACCOUNT_CONNECTED, Error, ErrorKind, Linker, SyncState};
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService;
use tonic::{Request, Response, Status};

use crate::auth::Caller;

use super::{Api, caller, connection_of, is_unusable};
use crate::wire;
use crate::wire::connection::{Standing, from_credential};
use crate::wire::page_token::Bound;
use crate::wire::status::status;

impl Api {
    async fn shown(&self, connection: &domain::Connection) -> Result<pb::Connection, Status> {
        let standing = Standing {
            state: self.sync_state(connection).await?,
            webhooks: self.engine.webhook_state(connection),
            credential: self
                .engine
                .credential_kind(connection.id)
                .await
                .map_err(status)?,
        };
        Ok(wire::connection::to_pb(connection, standing))
    }

    async fn sync_state(&self, connection: &domain::Connection) -> Result<SyncState, Status> {
        if connection.disconnected.is_some() {
            return Ok(SyncState::Disconnected);
        }
        match self.engine.sync_status(connection.id).await {
            Ok(sync) => Ok(sync.state),
            // A connection without a usable credential has no worker.
            Err(error) if is_unusable(&error) => Ok(SyncState::Failed),
            Err(error) => Err(status(error)),
        }
    }
}

/// A caller who does not see all connections, as it links one.
pub(super) fn linker(caller: &Caller) -> Option<Linker> {
    let sees = caller.scope.clone()?;
    Some(Linker {
        token: caller.id.clone(),
        sees,
    })
}

/// The error without the id of a connection that the caller does not see.
pub(super) fn hiding(caller: &Caller, error: Error) -> Error {
    let (details, hidden) = match error.kind() {
        ErrorKind::AlreadyExists { details } => {
            let message = "another connection has this external_id";
            (details, Error::already_exists(message, Vec::new()))
        }
        ErrorKind::Precondition {
            reason: ACCOUNT_CONNECTED,
            details,
        } => {
            let message = "this Lever account is connected already, where this token does not see it: ask an \
                           administrator who does, or say with allow_connected_account that a second one is meant";
            (
                details,
                Error::precondition(ACCOUNT_CONNECTED, message, Vec::new()),
            )
        }
        _ => return error,
    };
    let seen = |(_, id): &(_, String)| id.parse().is_ok_and(|id| caller.sees(id));
    if details.iter().all(seen) {
        return error;
    }
    hidden
}

#[tonic::async_trait]
impl ConnectionService for Api {
    async fn create_connection(
        &self,
        request: Request<pb::CreateConnectionRequest>,
    ) -> Result<Response<pb::CreateConnectionResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let settings = request.connection.ok_or_else(|| {
            let message = "give the settings; display_name is required";
            status(Error::invalid("connection", message))
        })?;
        let mut new = wire::connection::from_pb(&settings).map_err(status)?;
        new.paused = request.paused;
        new.again = request.allow_connected_account;
        if !request.restore_connection_id.is_empty() {
            new.restore = Some(connection_of(&caller, &request.restore_connection_id)?);
        }
        let credential = from_credential(request.api_key, request.oauth).map_err(status)?;
        let linked = self
            .engine
            .link_account(new, credential, linker(&caller).as_ref())
            .await
            .map_err(|error| status(hiding(&caller, error)))?;
        Ok(Response::new(pb::CreateConnectionResponse {
            connection: Some(self.shown(&linked.connection).await?),
            restored: linked.restored,
        }))
    }

    async fn get_connection(
        &self,
        request: Request<pb::GetConnectionRequest>,
    ) -> Result<Response<pb::GetConnectionResponse>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        let connection = self.engine.connection(id).await.map_err(status)?;
        let connection = Some(self.shown(&connection).await?);
        Ok(Response::new(pb::GetConnectionResponse { connection }))
    }

    async fn list_connections(
        &self,
        request: Request<pb::ListConnectionsRequest>,
    ) -> Result<Response<pb::ListConnectionsResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let size = wire::page_size(request.page_size, 100, 1000).map_err(status)?;
        let bound = Bound::new(&caller.id, "ListConnections", &[]);
        let after: Option<String> = bound
            .open(self.engine.store(), &request.page_token)
            .map_err(status)?;
        let all = self.engine.connections().await.map_err(status)?;
        let mut page: Vec<_> = all
            .iter()
            .filter(|connection| caller.sees(connection.id))
            .skip_while(|connection| {
                after.is_some() && after.as_deref() != Some(&connection.id.to_string())
            })
            .skip(usize::from(after.is_some()))
            .take(size + 1)
            .collect();
        let more = page.len() > size;
        page.truncate(size);
        let last = page
            .last()
            .filter(|_| more)
            .map(|connection| connection.id.to_string());
        let mut connections = Vec::with_capacity(page.len());
        for connection in page {
            connections.push(self.shown(connection).await?);
        }
        let next_page_token = bound
            .seal(self.engine.store(), last.as_ref())
            .map_err(status)?;
        Ok(Response::new(pb::ListConnectionsResponse {
            connections,
            next_page_token,
        }))
    }

    async fn update_connection(
        &self,
        request: Request<pb::UpdateConnectionRequest>,
    ) -> Result<Response<pb::UpdateConnectionResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let connection = request.connection.unwrap_or_default();
        let id = connection_of(&caller, &connection.id)?;
        let expected = wire::connection::from_etag(&connection.etag).map_err(status)?;
        let paths = request.update_mask.unwrap_or_default().paths;
        let patch = wire::connection::from_update(&connection, &paths).map_err(status)?;
        let changed = self
            .engine
            .update_connection(id, expected, patch)
            .await
            .map_err(|error| status(hiding(&caller, error)))?;
        let connection = Some(self.shown(&changed).await?);
        Ok(Response::new(pb::UpdateConnectionResponse { connection }))
    }

    async fn delete_connection(
        &self,
        request: Request<pb::DeleteConnectionRequest>,
    ) -> Result<Response<pb::DeleteConnectionResponse>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        let left = if request.get_ref().purge_now {
            self.engine.delete_connection(id).await
        } else {
            let ended = self.engine.disconnect(id).await;
            ended.map(|connection| connection.disconnected.and_then(|how| how.webhooks_left))
        }
        .map_err(status)?;
        Ok(Response::new(pb::DeleteConnectionResponse {
            webhooks_left: left.unwrap_or_default(),
            webhook_error: engine::webhooks_left(id, left).unwrap_or_default(),
        }))
    }

    async fn rotate_credential(
        &self,
        request: Request<pb::RotateCredentialRequest>,
    ) -> Result<Response<pb::RotateCredentialResponse>, Status> {
        let caller = caller(&request)?;
        let id = connection_of(&caller, &request.get_ref().connection_id)?;
        let request = request.into_inner();
        let credential = from_credential(request.api_key, request.oauth).map_err(status)?;
        let connection = self
            .engine
            .rotate_credential(id, credential, request.allow_connected_account)
            .await
            .map_err(|error| status(hiding(&caller, error)))?;
        let connection = Some(self.shown(&connection).await?);
        Ok(Response::new(pb::RotateCredentialResponse { connection }))
    }

    async fn check_permissions(
        &self,
        request: Request<pb::CheckPermissionsRequest>,
    ) -> Result<Response<pb::CheckPermissionsResponse>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        if request.get_ref().last {
            let last = self.engine.last_permissions(id).await.map_err(status)?;
            let last = last.as_ref().map(wire::permissions::to_report);
            return Ok(Response::new(last.unwrap_or_default()));
        }
        let report = self
            .engine
            .check_permissions(id, request.get_ref().probe_all)
            .await
            .map_err(status)?;
        Ok(Response::new(wire::permissions::to_report(&report)))
    }

    async fn list_user_links(
        &self,
        request: Request<pb::ListUserLinksRequest>,
    ) -> Result<Response<pb::ListUserLinksResponse>, Status> {
        self.user_links(request).await
    }

    async fn update_user_link(
        &self,
        request: Request<pb::UpdateUserLinkRequest>,
    ) -> Result<Response<pb::UpdateUserLinkResponse>, Status> {
        self.link_user(request).await
    }

    async fn preview_acting_user(
        &self,
        request: Request<pb::PreviewActingUserRequest>,
    ) -> Result<Response<pb::PreviewActingUserResponse>, Status> {
        self.preview_acting(request).await
    }

    async fn list_issues(
        &self,
        request: Request<pb::ListIssuesRequest>,
    ) -> Result<Response<pb::ListIssuesResponse>, Status> {
        self.issues(request).await
    }

    async fn create_connect_link(
        &self,
        request: Request<pb::CreateConnectLinkRequest>,
    ) -> Result<Response<pb::CreateConnectLinkResponse>, Status> {
        self.make_link(request).await
    }

    async fn list_connect_links(
        &self,
        request: Request<pb::ListConnectLinksRequest>,
    ) -> Result<Response<pb::ListConnectLinksResponse>, Status> {
        self.links(request).await
    }

    async fn revoke_connect_link(
        &self,
        request: Request<pb::RevokeConnectLinkRequest>,
    ) -> Result<Response<pb::RevokeConnectLinkResponse>, Status> {
        self.revoke_link(request).await
    }

    async fn update_issue(
        &self,
        request: Request<pb::UpdateIssueRequest>,
    ) -> Result<Response<pb::UpdateIssueResponse>, Status> {
        self.act_on_issue(request).await
    }
}
