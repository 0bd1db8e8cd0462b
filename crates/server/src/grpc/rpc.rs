//! What goes with every rpc: an id that its caller gets back, a span for its log lines, and its numbers.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use engine::{Cause, figures};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use tonic::{Code, Status};
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use crate::auth::ACCESS;

/// The header that carries the id of an rpc, both ways.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken from a caller.
const LONGEST_ID: usize = 128;

/// What rpcs that the table does not have are called in metrics.
const OTHER: &str = "other";

/// Answers an rpc, or a stream of answers, under its id.
pub(super) async fn accompany(request: Request, next: Next) -> Response {
    let rpc = known(request.uri().path());
    let id = request_id(request.headers());
    // Of the highest level, so that lines of every level carry it.
    let span = tracing::error_span!("rpc", rpc, rpc_id = id);
    let cause = Cause::rpc(&id);
    let under_way = UnderWay::begin(rpc, span.clone());
    let answer = next.run(request).instrument(span);
    let mut response = cause.clone().during(answer).await;
    under_way.answered();
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let code = Status::from_header_map(response.headers()).map(|status| status.code());
    response.map(|body| {
        Body::new(Accompanied {
            body,
            cause,
            under_way,
            code,
        })
    })
}

/// Has work that goes on beside an rpc go on under its id.
pub(super) fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    Cause::present().during(work.in_current_span())
}

/// The path of an rpc as metrics and spans name it: only those that exist.
fn known(path: &str) -> &'static str {
    let mut all = ACCESS.iter().map(|(rpc, _)| *rpc);
    all.find(|rpc| *rpc == path).unwrap_or(OTHER)
}

/// The id that the caller gives its request, where it can go into logs and headers as it is; else one of ours.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let sane = |id: &&str| {
        (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match given.filter(sane) {
        Some(id) => id.to_owned(),
        None => Uuid::now_v7().to_string(),
    }
}

/// An rpc that is being answered; it is counted when it ends, however it ends.
struct UnderWay {
    rpc: &'static str,
    span: Span,
    began: Instant,
    code: Option<Code>,
}

impl UnderWay {
    fn begin(rpc: &'static str, span: Span) -> UnderWay {
        metrics::gauge!(figures::RPCS_IN_FLIGHT.name, "rpc" => rpc).increment(1);
        UnderWay {
            rpc,
            span,
            began: Instant::now(),
            code: None,
        }
    }

    fn answered(&self) {
        metrics::histogram!(figures::RPC_SECONDS.name, "rpc" => self.rpc)
            .record(self.began.elapsed().as_secs_f64());
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        // One whose caller went away has no code.
        let code = name(self.code.unwrap_or(Code::Cancelled));
        metrics::gauge!(figures::RPCS_IN_FLIGHT.name, "rpc" => self.rpc).decrement(1);
        metrics::counter!(figures::RPCS.name, "rpc" => self.rpc, "code" => code).increment(1);
        tracing::debug!(
            parent: &self.span,
            code,
            elapsed_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "an rpc has ended"
        );
    }
}

/// The answer to an rpc, made under its id, with an eye on how it ends.
struct Accompanied {
    body: Body,
    cause: Cause,
    under_way: UnderWay,
    /// The code of an answer that is nothing but an error.
    code: Option<Code>,
}

impl Accompanied {
    /// Takes note of the code at the end of the answer.
    fn ended(&mut self, trailers: Option<&HeaderMap>) {
        let told = trailers.and_then(Status::from_header_map);
        self.under_way.code = told.map(|status| status.code()).or(self.code);
    }
}

impl HttpBody for Accompanied {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let span = this.under_way.span.clone();
        let inside = span.enter();
        let body = Pin::new(&mut this.body);
        let polled = this.cause.at_once(|| body.poll_frame(context));
        drop(inside);
        match &polled {
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() => this.ended(frame.trailers_ref()),
            Poll::Ready(None) if this.under_way.code.is_none() => this.ended(None),
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Accompanied {
    fn drop(&mut self) {
        // An answer without a body is never asked for one.
        if self.under_way.code.is_none() {
            self.under_way.code = self.code;
        }
        let _inside = self.under_way.span.clone().entered();
        drop(std::mem::replace(&mut self.body, Body::empty()));
    }
}

/// The name of a code, as gRPC spells it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(id: &[u8]) -> HeaderMap {
        let value = HeaderValue::from_bytes(id).unwrap();
        HeaderMap::from_iter([(REQUEST_ID, value)])
    }

    #[test]
    fn a_sane_id_is_taken_from_the_caller_and_any_other_is_replaced() {
        assert_eq!(request_id(&given(b"req-1/a:b")), "req-1/a:b");
        let longest = "x".repeat(LONGEST_ID);
        assert_eq!(request_id(&given(longest.as_bytes())), longest);
        let long = "x".repeat(LONGEST_ID + 1);
        for bad in [&b""[..], b"a b", b"a\tb", &[0xc3, 0xa9], long.as_bytes()] {
            let made = request_id(&given(bad));
            assert!(Uuid::parse_str(&made).is_ok(), "{bad:?}: {made}");
        }
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }

    #[test]
    fn only_rpcs_that_exist_have_a_name_of_their_own() {
        let path = "/fulcrum.v1.ConnectionService/ListIssues";
        assert_eq!(known(path), path);
        assert_eq!(
            known("/fulcrum.v1.ConnectionService/ada@example.com"),
            OTHER
        );
    }
}
