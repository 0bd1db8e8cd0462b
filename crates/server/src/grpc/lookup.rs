//! Finding people, for `CandidateService`.

use ::engine::{CandidatesQuery, Error};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use domain::ConnectionId;
use prost::Message as _;
use proto::v1 as pb;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::rpc::carried;
use super::{Api, caller, connection_of, in_our_words, until_stopped, viewer};
use crate::auth::{CONFIDENTIAL, Caller};
use crate::wire;
use crate::wire::candidate::{
    from_filter, from_identity, from_order, from_whose, to_candidacy, to_candidate, to_lookup,
};
use crate::wire::page_token::Bound;
use crate::wire::status::status;
use crate::wire::time::to_timestamp;

/// Answers that wait for a caller who is slow to take them.
const AHEAD: usize = 1;

impl Api {
    pub(super) async fn lookup(
        &self,
        request: Request<pb::LookupCandidatesRequest>,
    ) -> Result<Response<pb::LookupCandidatesResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let answer = self.looked_up(&caller, id, request.identities).await?;
        Ok(Response::new(answer))
    }

    /// Answers message by message: the next one is read once the one before is answered.
    pub(super) fn lookup_stream(
        &self,
        request: Request<Streaming<pb::StreamLookupCandidatesRequest>>,
    ) -> Result<ReceiverStream<Result<pb::StreamLookupCandidatesResponse, Status>>, Status> {
        let caller = caller(&request)?;
        let mut messages = request.into_inner();
        let (sender, receiver) = mpsc::channel(AHEAD);
        let api = self.clone();
        tokio::spawn(carried(async move {
            let mut first = None;
            let listener = sender.clone();
            let answers = async {
                while let Some(message) = messages.next().await {
                    let answer = api.next_lookup(&caller, &mut first, message).await;
                    let ended = answer.is_err();
                    if sender.send(answer).await.is_err() || ended {
                        return;
                    }
                }
            };
            until_stopped(&api.stop, listener, answers).await;
        }));
        Ok(ReceiverStream::new(receiver))
    }

    async fn next_lookup(
        &self,
        caller: &Caller,
        first: &mut Option<String>,
        message: Result<pb::StreamLookupCandidatesRequest, Status>,
    ) -> Result<pb::StreamLookupCandidatesResponse, Status> {
        let message = message.map_err(|refusal| in_our_words(&refusal).unwrap_or(refusal))?;
        let asked = match message.connection_id {
            again if again.is_empty() => first.clone().unwrap_or_default(),
            named => named,
        };
        let connection = first.get_or_insert_with(|| asked.clone());
        if *connection != asked {
            return Err(status(Error::invalid(
                "connection_id",
                "a stream is about one connection: open another for this one",
            )));
        }
        let id = connection_of(caller, connection)?;
        let answer = self.looked_up(caller, id, message.identities).await?;
        Ok(pb::StreamLookupCandidatesResponse {
            results: answer.results,
            as_of: answer.as_of,
            history_start_time: answer.history_start_time,
        })
    }

    pub(super) async fn list_candidacies(
        &self,
        request: Request<pb::ListCandidatesRequest>,
    ) -> Result<Response<pb::ListCandidatesResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let limit = wire::page_size(request.page_size, 100, 1000).map_err(status)?;
        let filter = request.filter.unwrap_or_default();
        let question = (
            request.order.to_string(),
            STANDARD_NO_PAD.encode(filter.encode_to_vec()),
        );
        let question = [&request.connection_id, &question.0, &question.1];
        let bound = Bound::new(&caller.id, "ListCandidates", &question.map(String::as_str));
        let store = self.engine.store();
        let after: Option<(i64, String)> =
            bound.open(store, &request.page_token).map_err(status)?;
        let query = CandidatesQuery {
            filter: from_filter(filter).map_err(status)?,
            order: from_order(request.order).map_err(status)?,
            after: after.map(|(place, opportunity)| (place, opportunity.into())),
            limit,
            confidential: caller.has(CONFIDENTIAL),
        };
        let page = self.engine.candidates(id, query).await.map_err(status)?;
        let next = page.next.map(|(place, id)| (place, id.to_string()));
        Ok(Response::new(pb::ListCandidatesResponse {
            candidacies: page.candidacies.into_iter().map(to_candidacy).collect(),
            next_page_token: bound.seal(store, next.as_ref()).map_err(status)?,
            total_size: page.total,
            as_of: page.as_of.map(to_timestamp),
        }))
    }

    pub(super) async fn person(
        &self,
        request: Request<pb::GetCandidateRequest>,
    ) -> Result<Response<pb::GetCandidateResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let whose = from_whose(request.whose).map_err(status)?;
        let candidate = self.engine.candidate(id, whose, viewer(&caller)).await;
        let candidate = candidate.map_err(status)?;
        let answer = to_candidate(candidate, request.include_raw_json);
        Ok(Response::new(answer))
    }

    async fn looked_up(
        &self,
        caller: &Caller,
        id: ConnectionId,
        identities: Vec<pb::Identity>,
    ) -> Result<pb::LookupCandidatesResponse, Status> {
        let identities = identities.into_iter().map(from_identity).collect();
        let lookup = self.engine.lookup(id, identities, caller.has(CONFIDENTIAL));
        lookup.await.map(to_lookup).map_err(status)
    }
}
