//! `InboundService`.

use std::time::Duration;

use ::lever::{OpportunityId, StageId, Timestamp};
use engine::{ApplicantsQuery, Error, SlaQuery};
use proto::v1 as pb;
use proto::v1::inbound_service_server::InboundService;
use serde::{Deserialize, Serialize};
use tonic::{Request, Response, Status};

use super::{Api, caller, connection_of};
use crate::auth::{CONFIDENTIAL, Role};
use crate::wire;
use crate::wire::connection::non_empty;
use crate::wire::page_token::Bound;
use crate::wire::status::{permission_denied, status};
use crate::wire::time::to_timestamp;

/// The last row of a page.
#[derive(Serialize, Deserialize)]
struct Position {
    entered_ms: i64,
    opportunity: String,
}

#[tonic::async_trait]
impl InboundService for Api {
    async fn list_applicants(
        &self,
        request: Request<pb::ListApplicantsRequest>,
    ) -> Result<Response<pb::ListApplicantsResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let limit = wire::page_size(request.page_size, 100, 1000).map_err(status)?;
        let order = wire::inbound::from_order(request.order).map_err(status)?;
        let store = self.engine.store();

        let order_name = request.order.to_string();
        let mut question = vec![request.connection_id.as_str(), order_name.as_str()];
        question.extend(request.stage_ids.iter().map(String::as_str));
        let bound = Bound::new(&caller.id, "ListApplicants", &question);
        let after: Option<Position> = bound.open(store, &request.page_token).map_err(status)?;

        let query = ApplicantsQuery {
            stages: request
                .stage_ids
                .iter()
                .map(|stage| StageId::from(stage.as_str()))
                .collect(),
            order,
            after: after.map(|position| {
                (
                    Timestamp::from_millis(position.entered_ms),
                    OpportunityId::from(position.opportunity),
                )
            }),
            limit,
            confidential: caller.has(CONFIDENTIAL),
        };
        let page = self.engine.applicants(id, query).await.map_err(status)?;
        let next = page.next.map(|(entered, opportunity)| Position {
            entered_ms: entered.as_millis(),
            opportunity: opportunity.as_str().to_owned(),
        });
        let watched = Bound::new(
            &caller.id,
            "WatchApplicants",
            &[request.connection_id.as_str()],
        );
        Ok(Response::new(pb::ListApplicantsResponse {
            applicants: page
                .applicants
                .iter()
                .map(wire::inbound::to_applicant)
                .collect(),
            next_page_token: bound.seal(store, next.as_ref()).map_err(status)?,
            watch_token: watched
                .seal(store, Some(&page.last_sequence))
                .map_err(status)?,
            as_of: page.as_of.map(to_timestamp),
            total_size: page.total,
        }))
    }

    async fn get_sla_report(
        &self,
        request: Request<pb::GetSlaReportRequest>,
    ) -> Result<Response<pb::GetSlaReportResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        if request.all_stages && caller.role == Role::Inbound {
            return Err(permission_denied(
                "the role inbound sees inbound stages only: leave all_stages out",
            ));
        }
        let days = request.within_days.unwrap_or(7);
        if days > 365 {
            let bad = Error::invalid("within_days", "give 0 to 365 days");
            return Err(status(bad));
        }
        let query = SlaQuery {
            all_stages: request.all_stages,
            within: Duration::from_secs(u64::from(days) * 24 * 3600),
            limit: wire::page_size(request.page_size, 100, 1000).map_err(status)?,
            confidential: caller.has(CONFIDENTIAL),
        };
        let report = self.engine.sla_report(id, query).await.map_err(status)?;
        Ok(Response::new(wire::inbound::to_report(&report)))
    }

    async fn list_advance_targets(
        &self,
        request: Request<pb::ListAdvanceTargetsRequest>,
    ) -> Result<Response<pb::ListAdvanceTargetsResponse>, Status> {
        let caller = caller(&request)?;
        let id = connection_of(&caller, &request.get_ref().connection_id)?;
        let opportunity = non_empty(&request.get_ref().opportunity_id).map(OpportunityId::from);
        if let Some(opportunity) = &opportunity {
            self.check_visible(&caller, id, opportunity).await?;
        }
        let targets = self
            .engine
            .advance_targets(id, opportunity.as_ref())
            .await
            .map_err(status)?;
        let targets = targets.iter().map(wire::inbound::to_target).collect();
        Ok(Response::new(pb::ListAdvanceTargetsResponse { targets }))
    }

    async fn list_reject_reasons(
        &self,
        request: Request<pb::ListRejectReasonsRequest>,
    ) -> Result<Response<pb::ListRejectReasonsResponse>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        let reasons = self.engine.reject_reasons(id).await.map_err(status)?;
        let reasons = reasons.iter().map(wire::inbound::to_reason).collect();
        Ok(Response::new(pb::ListRejectReasonsResponse { reasons }))
    }
}
