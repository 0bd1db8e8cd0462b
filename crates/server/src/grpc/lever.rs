//! `LeverService`.

use ::lever::OpportunityId;
use domain::Stream;
use engine::{ReadFrom, ReadQuery};
use proto::v1 as pb;
use proto::v1::lever_service_server::LeverService;
use tonic::{Request, Response, Status};

use super::{Api, caller, connection_of};
use crate::auth::{CONFIDENTIAL, Caller};
use crate::wire;
use crate::wire::lever::{Shown, from_read_from};
use crate::wire::page_token::Bound;
use crate::wire::status::status;
use crate::wire::time::to_timestamp;

/// The fields that every list request has.
struct Question {
    connection_id: String,
    page_size: i32,
    page_token: String,
    read_from: i32,
    include_raw_json: bool,
}

/// One page, whatever it holds.
struct Answer<T> {
    items: Vec<T>,
    next_page_token: String,
    as_of: Option<prost_types::Timestamp>,
}

impl Api {
    async fn list<T: Shown>(
        &self,
        caller: &Caller,
        stream: Stream,
        question: Question,
    ) -> Result<Answer<T>, Status> {
        let id = connection_of(caller, &question.connection_id)?;
        let from = from_read_from(question.read_from).map_err(status)?;
        let largest = if from == ReadFrom::Lever { 100 } else { 1000 };
        let limit = wire::page_size(question.page_size, 100, largest).map_err(status)?;
        let store = self.engine.store();
        let source = question.read_from.to_string();
        let bound = Bound::new(
            &caller.id,
            stream.name(),
            &[&question.connection_id, &source],
        );
        let after: Option<String> = bound.open(store, &question.page_token).map_err(status)?;
        let query = ReadQuery {
            stream,
            from,
            limit,
            confidential: caller.has(CONFIDENTIAL),
        };
        let page = self
            .engine
            .read_page(id, query, after)
            .await
            .map_err(status)?;
        Ok(Answer {
            items: page
                .records
                .iter()
                .map(|record| T::shown(record, question.include_raw_json))
                .collect(),
            next_page_token: bound.seal(store, page.next.as_ref()).map_err(status)?,
            as_of: page.as_of.map(to_timestamp),
        })
    }
}

macro_rules! lists {
    ($($method:ident: $stream:ident, $request:ident -> $response:ident { $items:ident };)*) => {
        #[tonic::async_trait]
        impl LeverService for Api {
            $(async fn $method(
                &self,
                request: Request<pb::$request>,
            ) -> Result<Response<pb::$response>, Status> {
                let caller = caller(&request)?;
                let request = request.into_inner();
                let question = Question {
                    connection_id: request.connection_id,
                    page_size: request.page_size,
                    page_token: request.page_token,
                    read_from: request.read_from,
                    include_raw_json: request.include_raw_json,
                };
                let answer = self.list(&caller, Stream::$stream, question).await?;
                Ok(Response::new(pb::$response {
                    $items: answer.items,
                    next_page_token: answer.next_page_token,
                    as_of: answer.as_of,
                }))
            })*

            async fn get_opportunity(
                &self,
                request: Request<pb::GetOpportunityRequest>,
            ) -> Result<Response<pb::GetOpportunityResponse>, Status> {
                let caller = caller(&request)?;
                let id = connection_of(&caller, &request.get_ref().connection_id)?;
                let request = request.into_inner();
                let from = from_read_from(request.read_from).map_err(status)?;
                let opportunity = OpportunityId::from(request.opportunity_id);
                let (record, as_of) =
                    self.engine.read_opportunity(id, &opportunity, from, caller.has(CONFIDENTIAL)).await.map_err(status)?;
                Ok(Response::new(pb::GetOpportunityResponse {
                    opportunity: Some(Shown::shown(&record, request.include_raw_json)),
                    as_of: as_of.map(to_timestamp),
                }))
            }
        }
    };
}

lists! {
    list_opportunities: Opportunities, ListOpportunitiesRequest -> ListOpportunitiesResponse { opportunities };
    list_stages: Stages, ListStagesRequest -> ListStagesResponse { stages };
    list_archive_reasons: ArchiveReasons, ListArchiveReasonsRequest -> ListArchiveReasonsResponse { archive_reasons };
    list_users: Users, ListUsersRequest -> ListUsersResponse { users };
    list_postings: Postings, ListPostingsRequest -> ListPostingsResponse { postings };
    list_tags: Tags, ListTagsRequest -> ListTagsResponse { tags };
    list_sources: Sources, ListSourcesRequest -> ListSourcesResponse { sources };
}
