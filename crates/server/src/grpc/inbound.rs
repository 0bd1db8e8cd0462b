//! `InboundService`.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;

use ::lever::{OpportunityId, StageId, Timestamp};
use engine::{ApplicantWatch, ApplicantsQuery, Error, SlaQuery, WatchPlace, WatchQuery};
use proto::v1 as pb;
use proto::v1::inbound_service_server::InboundService;
use serde::{Deserialize, Serialize};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};

use super::follow::{Answers, Next, Told, follow};
use super::{Api, caller, connection_of};
use crate::auth::{CONFIDENTIAL, Caller, Role};
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

/// How far somebody was told of applicants.
#[derive(Serialize, Deserialize)]
struct WatchToken {
    sequence: u64,
    mapping: u64,
}

impl WatchToken {
    fn of(place: WatchPlace) -> WatchToken {
        WatchToken {
            sequence: place.sequence,
            mapping: place.mapping_version,
        }
    }

    fn place(&self) -> WatchPlace {
        WatchPlace {
            sequence: self.sequence,
            mapping_version: self.mapping,
        }
    }
}

/// What tokens for applicants are bound to: who watches other stages knows nothing of those who were in them before.
fn watch_bound(caller: &Caller, connection: &str, stages: &[String]) -> Bound {
    let stages: BTreeSet<&str> = stages.iter().map(String::as_str).collect();
    let question: Vec<&str> = std::iter::once(connection).chain(stages).collect();
    Bound::new(&caller.id, "WatchApplicants", &question)
}

/// The applicants of a connection, one answer after the other.
struct Watching {
    api: Api,
    watch: ApplicantWatch,
    bound: Bound,
}

impl Answers for Watching {
    type Answer = pb::WatchApplicantsResponse;

    async fn next(&mut self) -> Result<Next<pb::WatchApplicantsResponse>, Status> {
        let next = self.watch.next().await.map_err(status)?;
        let (store, place) = (self.api.engine.store(), WatchToken::of(next.place));
        let token = self.bound.seal(store, Some(&place)).map_err(status)?;
        Ok(Next {
            tells: !next.events.is_empty(),
            more: next.more,
            answer: pb::WatchApplicantsResponse {
                events: next.events.iter().map(wire::inbound::to_event).collect(),
                resume_token: token,
            },
        })
    }
}

impl Api {
    /// The reason that a rejection names in the words of the product.
    async fn named_reason(
        &self,
        caller: &Caller,
        request: &pb::RejectApplicantsRequest,
        name: &str,
    ) -> Result<String, Status> {
        let id = connection_of(caller, &request.connection_id)?;
        if !request.archive_reason_id.is_empty() {
            let message = "name either archive_reason_id or reject_template, not both";
            return Err(status(Error::invalid("reject_template", message)));
        }
        let reason = self.engine.reject_template(id, name).await;
        Ok(reason.map_err(status)?.as_str().to_owned())
    }
}

#[tonic::async_trait]
impl InboundService for Api {
    type WatchApplicantsStream = Told<pb::WatchApplicantsResponse>;

    async fn watch_applicants(
        &self,
        request: Request<pb::WatchApplicantsRequest>,
    ) -> Result<Response<Self::WatchApplicantsStream>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let moves = self.engine.watch_changes(id).map_err(status)?;
        let bound = watch_bound(&caller, &request.connection_id, &request.stage_ids);
        let store = self.engine.store();
        let after: Option<WatchToken> = bound
            .open_named(store, "resume_token", &request.resume_token)
            .map_err(status)?;
        let query = WatchQuery {
            stages: request.stage_ids.into_iter().map(StageId::from).collect(),
            confidential: caller.has(CONFIDENTIAL),
        };
        let after = after.map(|token| token.place());
        let watch = self.engine.watch_applicants(id, query, after).await;
        let mut answers = Watching {
            api: self.clone(),
            watch: watch.map_err(status)?,
            bound,
        };
        let first = answers.next().await?;
        let stop = self.stop.clone();
        Ok(Response::new(follow(first, answers, moves, stop)))
    }

    type AdvanceApplicantsStream =
        Pin<Box<dyn Stream<Item = Result<pb::AdvanceApplicantsResponse, Status>> + Send>>;

    async fn advance_applicants(
        &self,
        request: Request<pb::AdvanceApplicantsRequest>,
    ) -> Result<Response<Self::AdvanceApplicantsStream>, Status> {
        let caller = caller(&request)?;
        let asked = wire::bulk::from_advance(request.get_ref()).map_err(status)?;
        let answers = self.bulk(caller, asked).await?.map(|told| {
            told.map(|operation| pb::AdvanceApplicantsResponse {
                operation: Some(operation),
            })
        });
        Ok(Response::new(Box::pin(answers)))
    }

    type RejectApplicantsStream =
        Pin<Box<dyn Stream<Item = Result<pb::RejectApplicantsResponse, Status>> + Send>>;

    async fn reject_applicants(
        &self,
        request: Request<pb::RejectApplicantsRequest>,
    ) -> Result<Response<Self::RejectApplicantsStream>, Status> {
        let caller = caller(&request)?;
        let mut request = request.into_inner();
        if let Some(name) = non_empty(&request.reject_template) {
            request.archive_reason_id = self.named_reason(&caller, &request, &name).await?;
        }
        let asked = wire::bulk::from_reject(&request).map_err(status)?;
        let answers = self.bulk(caller, asked).await?.map(|told| {
            told.map(|operation| pb::RejectApplicantsResponse {
                operation: Some(operation),
            })
        });
        Ok(Response::new(Box::pin(answers)))
    }

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
        let place = WatchToken::of(page.place);
        let watched = watch_bound(&caller, &request.connection_id, &request.stage_ids);
        Ok(Response::new(pb::ListApplicantsResponse {
            applicants: page
                .applicants
                .iter()
                .map(wire::inbound::to_applicant)
                .collect(),
            next_page_token: bound.seal(store, next.as_ref()).map_err(status)?,
            watch_token: watched.seal(store, Some(&place)).map_err(status)?,
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
