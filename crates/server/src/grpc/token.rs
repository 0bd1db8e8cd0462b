//! `TokenService`.

use engine::{Error, Result};
use proto::v1 as pb;
use proto::v1::token_service_server::TokenService;
use secrecy::ExposeSecret as _;
use store::TokenRecord;
use tonic::{Request, Response, Status};

use super::{Api, caller};
use crate::auth::{Caller, Role};
use crate::tokens::{NewToken, administers, is_last_admin, mint};
use crate::wire;
use crate::wire::page_token::Bound;
use crate::wire::status::status;

impl Api {
    fn shown_token(&self, token: &TokenRecord) -> pb::Token {
        wire::token::to_pb(token, self.authority.calls().last_use(&token.id))
    }

    /// Refuses a token that makes no sense, or goes beyond who asks for it.
    async fn check_token(&self, caller: &Caller, new: &NewToken) -> Result<()> {
        for id in &new.connections {
            caller.check(*id)?;
            self.engine.connection(*id).await?;
        }
        let mut faults = new.faults(self.authority.now());
        faults.extend(new.beyond(caller));
        if !faults.is_empty() {
            return Err(Error::violations(faults));
        }
        let administers_all = new.role == Role::Admin && new.connections.is_empty();
        if !self.authority.required() && !administers_all {
            return Err(Error::precondition(
                "FIRST_TOKEN",
                "the first token must be of the role admin and for all connections: nobody could make another",
                Vec::new(),
            ));
        }
        Ok(())
    }

    async fn revoke(&self, caller: &Caller, id: &str, last_too: bool) -> Result<TokenRecord> {
        let now = self.authority.now();
        let allowed = |all: &[TokenRecord]| {
            let token = all
                .iter()
                .find(|token| token.id == id && administers(caller, token));
            let token = token.ok_or_else(|| Error::not_found("token", id))?;
            if is_last_admin(token, all, now) && !last_too {
                return Err(last_admin());
            }
            Ok(())
        };
        self.authority.revoke(id, allowed).await
    }
}

fn last_admin() -> Error {
    Error::precondition(
        "LAST_ADMIN",
        "this is the last admin token for all connections: make another first, or set allow_last_admin, after which \
         only `fulcrum token create --data` on the stopped service helps",
        Vec::new(),
    )
}

#[tonic::async_trait]
impl TokenService for Api {
    async fn create_token(
        &self,
        request: Request<pb::CreateTokenRequest>,
    ) -> std::result::Result<Response<pb::CreateTokenResponse>, Status> {
        let caller = caller(&request)?;
        let new = wire::token::from_pb(request.into_inner()).map_err(status)?;
        self.check_token(&caller, &new).await.map_err(status)?;
        let (secret, token) = mint(new, self.authority.now()).map_err(status)?;
        let shown = self.shown_token(&token);
        let first = self.authority.add(token).await.map_err(status)?;
        tracing::info!(token = %shown.id, by = %caller.id, first, "token made");
        Ok(Response::new(pb::CreateTokenResponse {
            token: Some(shown),
            secret: secret.expose_secret().to_owned(),
            closed_local_access: first,
        }))
    }

    async fn list_tokens(
        &self,
        request: Request<pb::ListTokensRequest>,
    ) -> std::result::Result<Response<pb::ListTokensResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let size = wire::page_size(request.page_size, 100, 1000).map_err(status)?;
        let bound = Bound::new(&caller.id, "ListTokens", &[]);
        let store = self.engine.store();
        let after: Option<(i64, String)> =
            bound.open(store, &request.page_token).map_err(status)?;
        let place = |token: &TokenRecord| (token.created_at.as_millis(), token.id.clone());
        let later = |token: &TokenRecord| after.as_ref().is_none_or(|after| place(token) > *after);
        let all = self.authority.tokens().await.map_err(status)?;
        let mut page: Vec<_> = all
            .iter()
            .filter(|token| administers(&caller, token) && later(token))
            .take(size + 1)
            .collect();
        let more = page.len() > size;
        page.truncate(size);
        let last = page.last().filter(|_| more).map(|token| place(token));
        let next_page_token = bound.seal(store, last.as_ref()).map_err(status)?;
        Ok(Response::new(pb::ListTokensResponse {
            tokens: page
                .into_iter()
                .map(|token| self.shown_token(token))
                .collect(),
            next_page_token,
        }))
    }

    async fn revoke_token(
        &self,
        request: Request<pb::RevokeTokenRequest>,
    ) -> std::result::Result<Response<pb::RevokeTokenResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        if request.token_id.is_empty() {
            let message = "name the token: ListTokens lists them";
            return Err(status(Error::invalid("token_id", message)));
        }
        let revoked = self
            .revoke(&caller, &request.token_id, request.allow_last_admin)
            .await
            .map_err(status)?;
        tracing::info!(token = %revoked.id, by = %caller.id, "token revoked");
        let token = Some(self.shown_token(&revoked));
        Ok(Response::new(pb::RevokeTokenResponse { token }))
    }
}
