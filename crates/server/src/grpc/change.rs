//! `ChangeService`.

use ::engine::ChangesQuery;
use domain::ConnectionId;
use proto::v1 as pb;
use proto::v1::change_service_server::ChangeService;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{Api, caller, connection_of, viewer};
use crate::auth::EEO;
use crate::wire::change::to_change;
use crate::wire::connection::from_streams;
use crate::wire::page_token::Bound;
use crate::wire::status::status;

/// Answers that wait for a caller who is slow to take them.
const AHEAD: usize = 1;

type Answer = Result<pb::WatchChangesResponse, Status>;

#[tonic::async_trait]
impl ChangeService for Api {
    type WatchChangesStream = ReceiverStream<Answer>;

    async fn watch_changes(
        &self,
        request: Request<pb::WatchChangesRequest>,
    ) -> Result<Response<Self::WatchChangesStream>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let mut moves = self.engine.watch_changes(id).map_err(status)?;
        let query = ChangesQuery {
            streams: from_streams("streams", &request.streams).map_err(status)?,
            viewer: viewer(&caller),
            eeo: caller.has(EEO),
        };
        let mut question = vec![request.connection_id.as_str()];
        question.extend(query.streams.iter().map(|stream| stream.name()));
        let bound = Bound::new(&caller.id, "WatchChanges", &question);
        let from = bound.open_named(self.engine.store(), "resume_token", &request.resume_token);
        let place = match from.map_err(status)? {
            Some(place) => place,
            None => *moves.borrow_and_update(),
        };
        // A token that is too old is refused before anything is streamed.
        let mut next = self.next_changes(id, place, &query, &bound).await?;
        let (sender, receiver) = mpsc::channel(AHEAD);
        let api = self.clone();
        tokio::spawn(async move {
            let mut first = true;
            loop {
                let (answer, after, more) = next;
                if (first || !answer.changes.is_empty()) && sender.send(Ok(answer)).await.is_err() {
                    return;
                }
                first = false;
                if !more {
                    tokio::select! {
                        () = api.stop.cancelled() => return,
                        () = sender.closed() => return,
                        changed = moves.changed() => if changed.is_err() { return },
                    }
                }
                next = match api.next_changes(id, after, &query, &bound).await {
                    Ok(next) => next,
                    Err(refusal) => {
                        // Whoever has left needs no reason.
                        let _ = sender.send(Err(refusal)).await;
                        return;
                    }
                };
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

impl Api {
    /// The next changes, where they end, and whether more are there.
    async fn next_changes(
        &self,
        id: ConnectionId,
        after: u64,
        query: &ChangesQuery,
        bound: &Bound,
    ) -> Result<(pb::WatchChangesResponse, u64, bool), Status> {
        let found = self
            .engine
            .changes(id, after, query)
            .await
            .map_err(status)?;
        let token = bound.seal(self.engine.store(), Some(&found.after));
        let answer = pb::WatchChangesResponse {
            changes: found.events.into_iter().map(to_change).collect(),
            resume_token: token.map_err(status)?,
        };
        Ok((answer, found.after, found.more))
    }
}
