//! The way in: who calls, whether they may, how much at once, and for how long.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use engine::figures;
use http::HeaderMap;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tokio::time::Instant;
use tonic::Status;

use super::explained;
use crate::auth::{ACCESS, Authority, Caller, may_call};
use crate::calls::{Account, Ends, Hangup, Kind, Refusal, Seat, Terms, waiting_at_most};
use crate::door::Wire;
use crate::http::is_this_machine;
use crate::wire::status::{
    over_limit, permission_denied, status, too_late, too_long, unauthenticated, unknown_rpc,
    unread, unsent,
};

/// Questions for health, which anybody may ask, with what sort of call they are.
const HEALTH: [(&str, Kind); 2] = [
    ("/grpc.health.v1.Health/Check", Kind::Unary),
    ("/grpc.health.v1.Health/Watch", Kind::Stream),
];
/// Reflection shows what anybody with a token may know.
const REFLECTION: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Lets a proven caller through to what its role may call, as long as that is within the limits.
///
/// What the caller began ends here too, when its token does or its time is over, whatever the service below does.
pub(super) async fn admit(
    State(authority): State<Authority>,
    request: Request,
    next: Next,
) -> Response {
    match admitted(&authority, request, next).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_http(),
    }
}

async fn admitted(
    authority: &Authority,
    mut request: Request,
    next: Next,
) -> Result<Response, Status> {
    let path = request.uri().path().to_owned();
    let kind = kind_of(&path);
    let entry = if HEALTH.iter().any(|(rpc, _)| *rpc == path) {
        anybody(authority, request.extensions().get(), kind)?
    } else {
        check_host(authority, &request)?;
        let authorization = authorization(&request);
        let (caller, entry) = entered(authority, authorization, &path, kind).await?;
        // Questions for health prove nothing: anybody may ask them.
        if let Some(wire) = request.extensions().get::<Wire>() {
            let proven = wire.prove_for(authority.calls(), &entry.account);
            proven.map_err(refused)?;
        }
        request.extensions_mut().insert(caller);
        entry
    };
    let until = entry.until(authority, kind, request.headers())?;
    let wire = request.extensions().get::<Wire>().cloned();
    let hangup = wire.map(|wire| wire.hangup().clone());
    let request = match kind {
        Kind::Unary => request,
        Kind::Stream | Kind::Page => {
            let longest = authority.calls().limits().unread;
            request.map(|body| waiting_at_most(body, longest, unsent))
        }
    };
    let response = entry.in_time(until.clone(), next.run(request)).await?;
    let response = explained(response);
    Ok(response.map(|body| entry.answer(authority, kind, body, until, hangup)))
}

/// Without tokens only requests that name this machine pass.
fn check_host(authority: &Authority, request: &Request) -> Result<(), Status> {
    let host = request.uri().authority();
    if !authority.required() && host.is_some_and(|host| !is_this_machine(host.as_str())) {
        let message = "this service answers to localhost only until a token exists";
        return Err(permission_denied(message));
    }
    Ok(())
}

fn authorization(request: &Request) -> Option<String> {
    let value = request.headers().get("authorization")?;
    value.to_str().ok().map(str::to_owned)
}

/// Checks the caller and what it asks for, and lets the call begin.
async fn entered(
    authority: &Authority,
    authorization: Option<String>,
    path: &str,
    kind: Kind,
) -> Result<(Caller, Entry), Status> {
    let proven = authority.proven(authorization.as_deref()).await;
    let proven = proven.map_err(status)?;
    let proven = proven.ok_or_else(unauthenticated)?;
    let calls = authority.calls();
    let seat = calls.begin(&proven.account, kind, authority.now());
    let seat = seat.map_err(refused)?;
    check_role(&proven.caller, path)?;
    let entry = Entry {
        seat,
        account: proven.account,
        expires_in: proven.caller.expires_at.map(|at| at.since(authority.now())),
    };
    Ok((proven.caller, entry))
}

/// What is in no table is no rpc, whoever asks.
fn check_role(caller: &Caller, path: &str) -> Result<(), Status> {
    if REFLECTION.contains(&path) || may_call(caller.role, path) {
        return Ok(());
    }
    if !ACCESS.iter().any(|(rpc, _)| *rpc == path) {
        return Err(unknown_rpc(path));
    }
    Err(permission_denied(&format!(
        "the role {} of this token may not call {path}",
        caller.role.name()
    )))
}

/// Health is for everybody.
fn anybody(authority: &Authority, wire: Option<&Wire>, kind: Kind) -> Result<Entry, Status> {
    let unknown = Wire::default();
    let connection = wire.unwrap_or(&unknown).anybody();
    let seat = authority.calls().begin_health(connection, kind);
    let seat = seat.map_err(refused)?;
    Ok(Entry {
        account: seat.account().clone(),
        seat,
        expires_in: None,
    })
}

fn refused(refusal: Refusal) -> Status {
    metrics::counter!(figures::CALLS_REFUSED.name, "limit" => refusal.limit).increment(1);
    over_limit(refusal)
}

/// A call that has begun.
struct Entry {
    seat: Seat,
    account: Arc<Account>,
    expires_in: Option<Duration>,
}

/// A moment at which a call ends, and how.
type End = (Instant, Status);

impl Entry {
    /// When the call must be over: by its token, by its caller, or by what any call may take.
    fn until(
        &self,
        authority: &Authority,
        kind: Kind,
        headers: &HeaderMap,
    ) -> Result<Option<End>, Status> {
        let now = Instant::now();
        let longest = authority.calls().limits().longest_call;
        let ends = [
            (self.expires_in, unauthenticated as fn() -> Status),
            (timeout(headers)?, too_late),
            ((kind == Kind::Unary).then_some(longest), too_long),
        ];
        let first = ends
            .into_iter()
            .filter_map(|(after, then)| Some((now.checked_add(after?)?, then)))
            .min_by_key(|(at, _)| *at);
        Ok(first.map(|(at, then)| (at, then())))
    }

    /// Works until the answer begins; what is not done when the call must end is dropped.
    async fn in_time(
        &self,
        until: Option<End>,
        work: impl Future<Output = Response>,
    ) -> Result<Response, Status> {
        let late = async {
            match until {
                Some((at, then)) => {
                    tokio::time::sleep_until(at).await;
                    then
                }
                None => std::future::pending().await,
            }
        };
        if self.account.ended().is_cancelled() {
            return Err(unauthenticated());
        }
        // The work goes first: what revokes its own token is answered.
        tokio::select! {
            biased;
            response = work => Ok(response),
            () = self.account.ended().cancelled() => Err(unauthenticated()),
            refusal = late => Err(refusal),
        }
    }

    /// The answer, which is whole already where it is one message: only a stream can still end early.
    fn answer(
        self,
        authority: &Authority,
        kind: Kind,
        body: Body,
        until: Option<End>,
        hangup: Option<Hangup>,
    ) -> Body {
        let ends = || Ends {
            ended: self.account.ended().clone(),
            then: unauthenticated,
            until,
        };
        let terms = Terms {
            ends: (kind == Kind::Stream).then(ends),
            seat: self.seat,
            most_unread: authority.calls().limits().unread_size,
            hangup,
        };
        authority.calls().open().give(body, terms, unread)
    }
}

/// The rpcs that stream in at least one direction, as the protos have them.
static STREAMS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let descriptors = FileDescriptorSet::decode(proto::DESCRIPTORS);
    let files = descriptors.expect("built in at compile time").file;
    let mut streams = HashSet::new();
    for file in &files {
        for service in &file.service {
            for method in service.method.iter() {
                if method.client_streaming() || method.server_streaming() {
                    let (package, service) = (file.package(), service.name());
                    streams.insert(format!("/{package}.{service}/{}", method.name()));
                }
            }
        }
    }
    streams
});

fn kind_of(path: &str) -> Kind {
    let health = HEALTH.iter().find(|(rpc, _)| *rpc == path);
    match health {
        Some((_, kind)) => *kind,
        None if REFLECTION.contains(&path) || STREAMS.contains(path) => Kind::Stream,
        None => Kind::Unary,
    }
}

/// How long the caller gives the call, by `grpc-timeout`: at most eight digits and a unit.
fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    let Some(value) = headers.get("grpc-timeout") else {
        return Ok(None);
    };
    let parsed = value.to_str().ok().and_then(parse_timeout);
    let bad = || {
        status(engine::Error::invalid(
            "grpc-timeout",
            "this is no time such as 500m or 10S",
        ))
    };
    parsed.map(Some).ok_or_else(bad)
}

fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_read_as_the_protocol_has_it() {
        let cases = [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("10S", Some(Duration::from_secs(10))),
            ("500m", Some(Duration::from_millis(500))),
            ("7u", Some(Duration::from_micros(7))),
            ("99999999n", Some(Duration::from_nanos(99_999_999))),
            ("123456789S", None),
            ("S", None),
            ("10", None),
            ("-1S", None),
            ("1 S", None),
            ("1é", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_timeout(text), expected, "{text}");
        }
    }

    #[test]
    fn streams_are_told_from_calls_with_one_answer() {
        for path in [
            "/fulcrum.v1.InboundService/WatchApplicants",
            "/fulcrum.v1.CandidateService/UploadFile",
            "/fulcrum.v1.InboundService/AdvanceApplicants",
            "/grpc.health.v1.Health/Watch",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        ] {
            assert_eq!(kind_of(path), Kind::Stream, "{path}");
        }
        for path in [
            "/fulcrum.v1.InboundService/ListApplicants",
            "/grpc.health.v1.Health/Check",
            "/nothing",
        ] {
            assert_eq!(kind_of(path), Kind::Unary, "{path}");
        }
    }
}
