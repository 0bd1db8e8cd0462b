//! `ChangeService`.

use ::engine::ChangesQuery;
use domain::ConnectionId;
use proto::v1 as pb;
use proto::v1::change_service_server::ChangeService;
use tonic::{Request, Response, Status};

use super::follow::{Answers, Next, Told, follow};
use super::{Api, caller, connection_of, viewer};
use crate::auth::EEO;
use crate::wire::change::to_change;
use crate::wire::connection::from_streams;
use crate::wire::page_token::Bound;
use crate::wire::status::status;

#[tonic::async_trait]
impl ChangeService for Api {
    type WatchChangesStream = Told<pb::WatchChangesResponse>;

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
        let mut answers = Following {
            api: self.clone(),
            id,
            after: place,
            query,
            bound,
        };
        // A token that is too old is refused before anything is streamed.
        let first = answers.next().await?;
        let stop = self.stop.clone();
        Ok(Response::new(follow(first, answers, moves, stop)))
    }
}

/// The changes of a connection, one answer after the other.
struct Following {
    api: Api,
    id: ConnectionId,
    after: u64,
    query: ChangesQuery,
    bound: Bound,
}

impl Answers for Following {
    type Answer = pb::WatchChangesResponse;

    async fn next(&mut self) -> Result<Next<pb::WatchChangesResponse>, Status> {
        let engine = &self.api.engine;
        let found = engine.changes(self.id, self.after, &self.query).await;
        let found = found.map_err(status)?;
        self.after = found.after;
        let token = self.bound.seal(engine.store(), Some(&found.after));
        Ok(Next {
            tells: !found.events.is_empty(),
            more: found.more,
            answer: pb::WatchChangesResponse {
                changes: found.events.into_iter().map(to_change).collect(),
                resume_token: token.map_err(status)?,
            },
        })
    }
}
