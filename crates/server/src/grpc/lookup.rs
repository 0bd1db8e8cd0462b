//! Looking people up, for `CandidateService`.

use ::engine::Error;
use domain::ConnectionId;
use proto::v1 as pb;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::{Api, caller, connection_of, in_our_words};
use crate::auth::{CONFIDENTIAL, Caller};
use crate::wire::candidate::{from_identity, to_lookup};
use crate::wire::status::status;

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
        tokio::spawn(async move {
            let mut first = None;
            let answers = async {
                while let Some(message) = messages.next().await {
                    let answer = api.next_lookup(&caller, &mut first, message).await;
                    let ended = answer.is_err();
                    if sender.send(answer).await.is_err() || ended {
                        return;
                    }
                }
            };
            tokio::select! {
                () = api.stop.cancelled() => {}
                () = answers => {}
            }
        });
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
