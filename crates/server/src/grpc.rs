//! The gRPC services: decode, one engine call, encode.

mod admit;
mod bulk;
mod candidate;
mod change;
mod connect_links;
mod connection;
mod duplicates;
mod explain;
mod export;
mod field_mapping;
mod follow;
mod inbound;
mod issues;
mod lever;
mod lookup;
mod master_keys;
mod operation;
mod rpc;
mod stage_mapping;
mod store;
mod sync;
mod tell;
mod token;
mod user_links;
mod versions;

use std::collections::BTreeSet;
use std::time::Duration;

use ::lever as lever_ids;
use axum::Router;
use axum::middleware;
use axum::response::Response as HttpResponse;
use domain::operation::{State, Tally};
use engine::{Engine, Error, ErrorKind, Rights, Viewer};
use proto::v1::candidate_service_server::CandidateServiceServer;
use proto::v1::change_service_server::ChangeServiceServer;
use proto::v1::connection_service_server::ConnectionServiceServer;
use proto::v1::field_mapping_service_server::FieldMappingServiceServer;
use proto::v1::inbound_service_server::InboundServiceServer;
use proto::v1::lever_service_server::LeverServiceServer;
use proto::v1::operation_service_server::OperationServiceServer;
use proto::v1::stage_mapping_service_server::StageMappingServiceServer;
use proto::v1::store_service_server::StoreServiceServer;
use proto::v1::sync_service_server::SyncServiceServer;
use proto::v1::token_service_server::TokenServiceServer;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Code, Request, Status};
use tonic_health::pb::health_server::{Health, HealthServer};

use crate::auth::{Authority, CONFIDENTIAL, Caller, Role};
use crate::wire::status::{compressed, status, too_large, unauthenticated, undecodable};
use crate::wire::time::to_timestamp;

/// What every service needs.
#[derive(Debug, Clone)]
pub struct Api {
    /// The engine below.
    pub engine: Engine,
    /// How long a write waits for Lever unless told otherwise.
    pub default_wait: Duration,
    /// Ends streams when the service stops.
    pub stop: CancellationToken,
    /// Proves callers.
    pub authority: Authority,
}

/// What whoever listens to a stream is told at a stop: the end of the stream alone would say that this was all.
fn stopping() -> Status {
    status(Error::unavailable(
        "the service stops; ask again after its restart",
    ))
}

/// Does the work behind a stream, and tells its listener where a stop cuts it short.
async fn until_stopped<A>(
    stop: &CancellationToken,
    listener: mpsc::Sender<Result<A, Status>>,
    work: impl Future<Output = ()>,
) {
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {
            // Whoever is gone need not know.
            let _ = listener.send(Err(stopping())).await;
        }
    }
}

/// The services, reflection and health behind the check of callers; health is for everybody.
///
/// # Errors
/// If the compiled descriptors cannot be read, which a build makes impossible.
pub fn routes(
    api: Api,
    health: HealthServer<impl Health>,
    max_message_bytes: usize,
) -> anyhow::Result<Router> {
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let reflection_alpha = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1alpha()?;
    macro_rules! bounded {
        ($server:ident) => {
            $server::new(api.clone()).max_decoding_message_size(max_message_bytes)
        };
    }
    let routes = Routes::new(reflection)
        .add_service(reflection_alpha)
        .add_service(bounded!(CandidateServiceServer))
        .add_service(bounded!(ConnectionServiceServer))
        .add_service(bounded!(ChangeServiceServer))
        .add_service(bounded!(FieldMappingServiceServer))
        .add_service(bounded!(InboundServiceServer))
        .add_service(bounded!(LeverServiceServer))
        .add_service(bounded!(OperationServiceServer))
        .add_service(bounded!(StageMappingServiceServer))
        .add_service(bounded!(StoreServiceServer))
        .add_service(bounded!(SyncServiceServer))
        .add_service(bounded!(TokenServiceServer))
        .add_service(health);
    let admission = middleware::from_fn_with_state(api.authority, admit::admit);
    let router = routes.into_axum_router().layer(admission);
    Ok(router.layer(middleware::from_fn(rpc::accompany)))
}

/// The names of the services, as the health service tells of each.
pub fn services() -> BTreeSet<&'static str> {
    let paths = crate::auth::ACCESS.iter();
    paths
        .filter_map(|(rpc, _)| rpc.trim_start_matches('/').split('/').next())
        .collect()
}

/// How the gRPC library begins to speak of a request that is no such message: of other bytes, none, cut off, or framed in
/// another way.
const UNDECODABLE: [&str; 4] = [
    "failed to decode Protobuf message",
    "Missing request message",
    "Unexpected EOF decoding stream",
    "protocol error: received message",
];
/// And of one that is compressed.
const COMPRESSED: &str = "Content is compressed";

/// Gives our words to the refusals that the gRPC library makes before a service sees the request.
fn explained(response: HttpResponse) -> HttpResponse {
    let Some(refusal) = Status::from_header_map(response.headers()) else {
        return response;
    };
    in_our_words(&refusal).map_or(response, Status::into_http)
}

/// Our words for a refusal of the gRPC library; none for one that has them, or needs none.
fn in_our_words(refusal: &Status) -> Option<Status> {
    let begins = |words: &&str| refusal.message().starts_with(words);
    match refusal.code() {
        _ if !refusal.details().is_empty() => None,
        Code::Internal if UNDECODABLE.iter().any(begins) => Some(undecodable()),
        Code::Unimplemented if begins(&COMPRESSED) => Some(compressed()),
        Code::OutOfRange => Some(too_large()),
        _ => None,
    }
}

/// The proven caller of a request.
fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    request
        .extensions()
        .get::<Caller>()
        .cloned()
        .ok_or_else(unauthenticated)
}

/// What a caller may see where the key of a connection sees it too.
fn viewer(caller: &Caller) -> Viewer {
    Viewer {
        confidential: caller.has(CONFIDENTIAL),
    }
}

/// Whom a caller may write to.
fn rights(caller: &Caller) -> Rights {
    Rights {
        confidential: caller.has(CONFIDENTIAL),
        inbound_only: caller.role == Role::Inbound,
    }
}

/// Reads the connection a request names and checks it against the caller, before anything else.
fn connection_of(caller: &Caller, id: &str) -> Result<domain::ConnectionId, Status> {
    crate::wire::connection_id(id)
        .and_then(|id| caller.check(id))
        .map_err(status)
}

impl Api {
    /// An operation as the caller may see it: what Lever answered may tell of what is confidential.
    async fn shown_operation(
        &self,
        caller: &Caller,
        operation: &domain::Operation,
    ) -> Result<proto::v1::Operation, Status> {
        let answer = self.engine.answer_to(operation).await.map_err(status)?;
        let sees = caller.has(CONFIDENTIAL) && self.engine.shows_confidential(operation.connection);
        let hidden = !sees && answer.contains("\"confidential\"");
        let shown = proto::v1::Operation {
            result_json: if hidden { "".into() } else { answer.into() },
            ..crate::wire::operation::to_pb(operation)
        };
        let domain::Write::Bulk(bulk) = &operation.write else {
            return Ok(shown);
        };
        let (tally, release_at) = self.tally(caller, operation, bulk).await?;
        Ok(proto::v1::Operation {
            tally: Some(crate::wire::operation::to_tally(tally)),
            release_time: release_at.map(to_timestamp),
            ..shown
        })
    }

    /// What became of the items of a bulk, of those that the caller may see, and when the first of them gets in line
    /// that is held.
    async fn tally(
        &self,
        caller: &Caller,
        operation: &domain::Operation,
        bulk: &domain::operation::Bulk,
    ) -> Result<(Tally, Option<domain::Timestamp>), Status> {
        let sees_all =
            caller.has(CONFIDENTIAL) && self.engine.shows_confidential(operation.connection);
        if let Some(settled) = bulk.tally.filter(|_| sees_all) {
            return Ok((settled, None));
        }
        let items = self.engine.items(operation).await.map_err(status)?;
        let mut seen = Vec::with_capacity(items.len());
        for item in &items {
            if sees_all || self.sees_operation(caller, item).await? {
                seen.push(&item.state);
            }
        }
        let held = seen.iter().filter_map(|state| match state {
            State::Held { release_at } => Some(*release_at),
            _ => None,
        });
        let release_at = held.min();
        Ok((Tally::of(seen), release_at))
    }

    /// Refuses an opportunity that the caller may not see, as if it did not exist.
    async fn check_visible(
        &self,
        caller: &Caller,
        id: domain::ConnectionId,
        opportunity: &lever_ids::OpportunityId,
    ) -> Result<(), Status> {
        if self.sees(caller, id, opportunity).await? {
            return Ok(());
        }
        Err(status(engine::Error::not_found(
            "opportunity",
            opportunity.as_str(),
        )))
    }

    /// Whether the caller may see an operation: an export tells of whom it was judged by, and one about somebody hidden
    /// may tell no more than one about nobody.
    async fn sees_operation(
        &self,
        caller: &Caller,
        operation: &domain::Operation,
    ) -> Result<bool, Status> {
        if let domain::Write::Export(export) = &operation.write
            && export.asked.confidential
            && !caller.has(CONFIDENTIAL)
        {
            return Ok(false);
        }
        if operation.tells_of_nobody() {
            return Ok(true);
        }
        self.sees(caller, operation.connection, &operation.opportunity)
            .await
    }

    /// Whether the caller may see an opportunity.
    async fn sees(
        &self,
        caller: &Caller,
        id: domain::ConnectionId,
        opportunity: &lever_ids::OpportunityId,
    ) -> Result<bool, Status> {
        if caller.has(CONFIDENTIAL) && self.engine.shows_confidential(id) {
            return Ok(true);
        }
        let hidden = self.engine.is_confidential(id, opportunity).await;
        hidden.map(|hidden| !hidden).map_err(status)
    }
}

/// Whether an error says that a connection has no worker, though it exists.
fn is_unusable(error: &engine::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound { .. } | ErrorKind::Precondition { .. } | ErrorKind::Aborted { .. }
    )
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt as _;

    use super::*;

    fn told(refusal: Status) -> Status {
        let response = explained(refusal.into_http());
        Status::from_header_map(response.headers()).unwrap()
    }

    #[tokio::test]
    async fn a_stream_that_a_stop_cuts_short_says_so_and_a_whole_one_just_ends() {
        let stop = CancellationToken::new();
        let (to, mut whole) = mpsc::channel(4);
        let work = {
            let to = to.clone();
            async move { to.send(Ok(1)).await.unwrap() }
        };
        until_stopped(&stop, to, work).await;
        assert_eq!(whole.recv().await.unwrap().unwrap(), 1);
        assert!(whole.recv().await.is_none());

        stop.cancel();
        let (to, mut cut) = mpsc::channel::<Result<i32, Status>>(4);
        until_stopped(&stop, to, std::future::pending()).await;
        let told = cut.recv().await.unwrap().unwrap_err();
        assert_eq!(told.code(), Code::Unavailable);
    }

    #[test]
    fn what_the_library_refuses_is_told_in_our_words_and_with_details() {
        for beginning in UNDECODABLE {
            let garbage = told(Status::internal(format!("{beginning}: and so on")));
            assert_eq!(garbage.code(), Code::InvalidArgument);
            assert!(garbage.get_details_error_info().is_some());
        }
        let gzip = "Content is compressed with `gzip` which isn't supported";
        let gzip = told(Status::unimplemented(gzip));
        assert_eq!(gzip.code(), Code::Unimplemented);
        assert_eq!(
            gzip.get_details_error_info().unwrap().reason,
            "COMPRESSION_UNKNOWN"
        );
        let large = told(Status::out_of_range("decoded message length too large"));
        assert_eq!(large.code(), Code::ResourceExhausted);
        assert_eq!(
            large.get_details_error_info().unwrap().reason,
            "MESSAGE_TOO_LARGE"
        );
    }

    #[test]
    fn our_own_answers_pass_unchanged() {
        let ours = crate::wire::status::unknown_rpc("/x");
        assert_eq!(told(ours.clone()).message(), ours.message());
        let internal = told(Status::internal("something else"));
        assert_eq!(internal.code(), Code::Internal);
    }
}
