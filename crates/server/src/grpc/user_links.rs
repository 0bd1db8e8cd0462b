//! Who of the product is who in Lever, for `ConnectionService`.

use lever::{OpportunityId, UserId};
use proto::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, caller, connection_of, viewer};
use crate::wire;
use crate::wire::connection::non_empty;
use crate::wire::page_token::Bound;
use crate::wire::status::status;
use crate::wire::time::to_timestamp;
use crate::wire::user_links::{to_pb, to_preview};

impl Api {
    pub(super) async fn user_links(
        &self,
        request: Request<pb::ListUserLinksRequest>,
    ) -> Result<Response<pb::ListUserLinksResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let size = wire::page_size(request.page_size, 100, 1000).map_err(status)?;
        let bound = Bound::new(&caller.id, "ListUserLinks", &[&request.connection_id]);
        let store = self.engine.store();
        let after: Option<(String, String)> =
            bound.open(store, &request.page_token).map_err(status)?;
        let all = self.engine.user_rows(id).await.map_err(status)?;
        let later = |place| after.as_ref().is_none_or(|after| place > *after);
        let mut page: Vec<_> = all
            .rows
            .into_iter()
            .filter(|row| later(row.place()))
            .take(size + 1)
            .collect();
        let more = page.len() > size;
        page.truncate(size);
        let last = page.last().filter(|_| more).map(|row| row.place());
        let next_page_token = bound.seal(store, last.as_ref()).map_err(status)?;
        Ok(Response::new(pb::ListUserLinksResponse {
            links: page.into_iter().map(to_pb).collect(),
            next_page_token,
            as_of: all.as_of.map(to_timestamp),
        }))
    }

    pub(super) async fn preview_acting(
        &self,
        request: Request<pb::PreviewActingUserRequest>,
    ) -> Result<Response<pb::PreviewActingUserResponse>, Status> {
        let caller = caller(&request)?;
        let id = connection_of(&caller, &request.get_ref().connection_id)?;
        let request = request.into_inner();
        let opportunity = match request.opportunity_id.as_str() {
            "" => None,
            text => Some(OpportunityId::from(text)),
        };
        let preview = self
            .engine
            .preview_acting(id, &request.email, opportunity.as_ref(), viewer(&caller))
            .await
            .map_err(status)?;
        Ok(Response::new(to_preview(preview)))
    }

    pub(super) async fn link_user(
        &self,
        request: Request<pb::UpdateUserLinkRequest>,
    ) -> Result<Response<pb::UpdateUserLinkResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let user = non_empty(&request.lever_user_id).map(UserId::from);
        let linked = self
            .engine
            .link_user(id, &request.email, user, &caller.name)
            .await
            .map_err(status)?;
        let link = linked.map(to_pb);
        Ok(Response::new(pb::UpdateUserLinkResponse { link }))
    }
}
