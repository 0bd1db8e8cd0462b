//! The links of `ConnectionService`.

use engine::Error;
use proto::v1 as pb;
use secrecy::ExposeSecret as _;
use store::{ConnectLink, LinkPurpose};
use tonic::{Request, Response, Status};

use super::connection::{hiding, linker};
use super::{Api, caller};
use crate::connect_links::{administers, mint};
use crate::wire;
use crate::wire::page_token::Bound;
use crate::wire::status::status;

/// Where links lead.
pub(crate) const PATH: &str = "/connect/";

impl Api {
    fn shown_link(&self, link: &ConnectLink) -> pb::ConnectLink {
        wire::connect_links::to_pb(link, self.authority.now())
    }

    pub(super) async fn make_link(
        &self,
        request: Request<pb::CreateConnectLinkRequest>,
    ) -> Result<Response<pb::CreateConnectLinkResponse>, Status> {
        let caller = caller(&request)?;
        let asked = wire::connect_links::from_pb(request.get_ref());
        // What a link connects is no `connection` of its request.
        let asked = asked.map_err(|error| error.with_field_at("connection.", ""));
        let (purpose, expires_at) = asked.map_err(status)?;
        if let LinkPurpose::Relink(connection) = &purpose {
            caller.check(*connection).map_err(status)?;
        }
        let now = self.authority.now();
        let (secret, link) = mint(&caller, purpose, expires_at, now).map_err(status)?;
        let shown = self.shown_link(&link);
        let linker = linker(&caller);
        let added = self.engine.add_connect_link(link, linker.as_ref()).await;
        added.map_err(|error| status(hiding(&caller, error)))?;
        tracing::info!(link = %shown.id, by = %caller.id, "connect link made");
        let public = self.engine.public_url().unwrap_or_default();
        Ok(Response::new(pb::CreateConnectLinkResponse {
            link: Some(shown),
            url: format!("{public}{PATH}{}", secret.expose_secret()),
        }))
    }

    pub(super) async fn links(
        &self,
        request: Request<pb::ListConnectLinksRequest>,
    ) -> Result<Response<pb::ListConnectLinksResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let size = wire::page_size(request.page_size, 100, 1000).map_err(status)?;
        let bound = Bound::new(&caller.id, "ListConnectLinks", &[]);
        let store = self.engine.store();
        let after: Option<(i64, String)> =
            bound.open(store, &request.page_token).map_err(status)?;
        let place = |link: &ConnectLink| (link.created_at.as_millis(), link.id.clone());
        let earlier = |link: &ConnectLink| after.as_ref().is_none_or(|after| place(link) < *after);
        let all = self.engine.connect_links().await.map_err(status)?;
        let mut page: Vec<_> = all
            .iter()
            .filter(|link| administers(&caller, link) && earlier(link))
            .take(size + 1)
            .collect();
        let more = page.len() > size;
        page.truncate(size);
        let last = page.last().filter(|_| more).map(|link| place(link));
        let next_page_token = bound.seal(store, last.as_ref()).map_err(status)?;
        Ok(Response::new(pb::ListConnectLinksResponse {
            links: page.into_iter().map(|link| self.shown_link(link)).collect(),
            next_page_token,
        }))
    }

    pub(super) async fn revoke_link(
        &self,
        request: Request<pb::RevokeConnectLinkRequest>,
    ) -> Result<Response<pb::RevokeConnectLinkResponse>, Status> {
        let caller = caller(&request)?;
        let id = request.into_inner().link_id;
        if id.is_empty() {
            let message = "give the id of a link, as ListConnectLinks tells it";
            return Err(status(Error::invalid("link_id", message)));
        }
        let all = self.engine.connect_links().await.map_err(status)?;
        let link = all
            .iter()
            .find(|link| link.id == id && administers(&caller, link))
            .ok_or_else(|| status(Error::not_found("connect link", &id)))?;
        let revoked = self.engine.revoke_connect_link(link, caller.name);
        let revoked = revoked.await.map_err(status)?;
        tracing::info!(link = %revoked.id, by = %caller.id, "connect link revoked");
        Ok(Response::new(pb::RevokeConnectLinkResponse {
            link: Some(self.shown_link(&revoked)),
        }))
    }
}
