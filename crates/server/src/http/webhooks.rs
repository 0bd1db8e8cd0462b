//! `POST /webhooks/lever/{connection_id}`: what Lever sends.
//!
//! The one route that anybody may call without a token and under any name: a delivery proves itself by its signature.
//! It is answered as soon as it is queued; what it asks for is done later. Nothing of it is logged.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use engine::{Engine, Received};
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// A delivery has a few hundred bytes.
const LARGEST_BODY: usize = 256 * 1024;
/// How long the body of a delivery may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// A delivery up to this size always finds room.
const SMALL_BODY: u64 = 16 * 1024;
/// Larger deliveries taken in at once; more are asked to come again, as Lever does. Whoever sends slowly on purpose
/// keeps out nobody but other large ones.
const LARGE_AT_ONCE: usize = 64;

/// What is needed to take in deliveries.
#[derive(Clone)]
struct Doors {
    engine: Engine,
    room_for_large: Arc<Semaphore>,
}

/// The route of Lever's webhooks.
pub(super) fn router(engine: Engine) -> Router {
    let doors = Doors {
        engine,
        room_for_large: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
    };
    Router::new()
        .route("/webhooks/lever/{connection_id}", post(receive))
        .with_state(doors)
}

/// How a delivery is answered.
struct Answer {
    status: StatusCode,
    text: &'static str,
    /// Labels of the metric.
    event: &'static str,
    result: &'static str,
}

impl Answer {
    fn new(status: StatusCode, result: &'static str, text: &'static str) -> Answer {
        Answer {
            status,
            text,
            event: "none",
            result,
        }
    }
}

async fn receive(
    State(doors): State<Doors>,
    Path(connection): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let began = Instant::now();
    let answer = doors.answer(&connection, &headers, body).await;
    metrics::counter!(engine::figures::WEBHOOKS.name, "event" => answer.event, "result" => answer.result)
        .increment(1);
    metrics::histogram!(engine::figures::WEBHOOK_SECONDS.name)
        .record(began.elapsed().as_secs_f64());
    (answer.status, answer.text).into_response()
}

impl Doors {
    async fn answer(&self, connection: &str, headers: &HeaderMap, body: Body) -> Answer {
        let length = declared_length(headers);
        if length.is_some_and(|length| length > LARGEST_BODY as u64) {
            return too_large();
        }
        let small = length.is_some_and(|length| length <= SMALL_BODY);
        let room = (!small).then(|| self.room_for_large.try_acquire());
        let Ok(_room) = room.transpose() else {
            return busy();
        };
        let body = match tokio::time::timeout(PATIENCE, to_bytes(body, LARGEST_BODY)).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) => return too_large(),
            Err(_) => {
                let text = "the body took too long to arrive\n";
                return Answer::new(StatusCode::REQUEST_TIMEOUT, "slow", text);
            }
        };
        match self.engine.receive_webhook(connection, &body).await {
            Ok(Received::Queued { event }) => Answer {
                event,
                ..Answer::new(StatusCode::OK, "queued", "queued\n")
            },
            Ok(Received::Replayed { event }) => Answer {
                event,
                ..Answer::new(StatusCode::OK, "replayed", "queued before\n")
            },
            Ok(Received::Refused) => Answer::new(
                StatusCode::UNAUTHORIZED,
                "refused",
                "this is no delivery that Lever has signed for a connection here\n",
            ),
            Err(error) => {
                tracing::error!(error = %engine::report(&error), "a webhook cannot be queued");
                let text = "it cannot be queued now: send it again\n";
                Answer::new(StatusCode::SERVICE_UNAVAILABLE, "failed", text)
            }
        }
    }
}

fn busy() -> Answer {
    let text = "too many deliveries at once: send it again\n";
    Answer::new(StatusCode::SERVICE_UNAVAILABLE, "busy", text)
}

fn too_large() -> Answer {
    let text = "the body is larger than any delivery of Lever's, or broke off\n";
    Answer::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", text)
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}
