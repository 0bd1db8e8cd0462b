//! Whoever is signed in, and the services as they may ask them.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use engine::Cause;
use maud::Markup;
use proto::v1 as pb;
use proto::v1::connection_service_server::ConnectionService as _;
use tonic::{Request, Status};
use tracing::Instrument as _;

use super::frame::{Frame, Place, Tab, frame};
use super::refusal::Refused;
use super::session::{COOKIE, Session};
use super::{Console, ROOT, see};
use crate::auth::{Caller, Lapsed, Proven, may_call};
use crate::calls::{Account, Kind, Seat};
use crate::grpc::Api;
use crate::wire::status::{over_limit, permission_denied, status};

/// The header with which a page asks for what is new of itself.
const PART: &str = "x-fulcrum-part";

/// A request to the console, by somebody whose token still works.
pub(super) struct Desk {
    console: Console,
    /// The secret of the session, from its cookie.
    secret: String,
    session: Session,
    caller: Caller,
    account: Arc<Account>,
    /// Whether the session is new, and its cookie goes out with the answer.
    new: bool,
    /// The path of the page that is asked for, where somebody goes to it: what was done is told there.
    page: Option<String>,
}

impl Desk {
    /// The services.
    pub(super) fn api(&self) -> &Api {
        &self.console.api
    }

    /// Is over when the token stops working, at its time or before, or its session has ended.
    pub(super) fn over(&self) -> impl Future<Output = ()> + Send + 'static {
        let (revoked, signed_out) = (self.account.ended().clone(), self.session.over.clone());
        let lasts = self.caller.expires_at.map(|at| at.since(self.now()));
        async move {
            let expired = async {
                match lasts {
                    Some(lasts) => tokio::time::sleep(lasts).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = revoked.cancelled() => {}
                () = signed_out.cancelled() => {}
                () = expired => {}
            }
        }
    }

    /// Takes the room of a live page, until what this gives is dropped.
    ///
    /// # Errors
    /// A limit that is met: of the connections of the port, live pages get a part.
    pub(super) fn live_seat(&self) -> Result<Seat, Refused> {
        let authority = &self.console.api.authority;
        let calls = authority.calls();
        let seat = calls.begin(&self.account, Kind::Page, authority.now());
        Ok(seat.map_err(over_limit)?)
    }

    /// What forms carry.
    pub(super) fn csrf(&self) -> &str {
        &self.session.csrf
    }

    /// Whether the role may call an rpc, given by its path: what it may not do is not offered.
    pub(super) fn may(&self, rpc: &str) -> bool {
        may_call(self.caller.role, rpc)
    }

    /// Where a page of a connection is, if the role may open it.
    pub(super) fn way(&self, tab: Tab, connection: &str) -> Option<String> {
        self.may(tab.rpc()).then(|| tab.path(connection))
    }

    /// The tabs that the role may open.
    pub(super) fn tabs(&self) -> Vec<Tab> {
        let tabs = Tab::ALL.into_iter();
        tabs.filter(|tab| self.may(tab.rpc())).collect()
    }

    /// Refuses a role that may not call an rpc, given by its path.
    ///
    /// # Errors
    /// Permission denied.
    pub(super) fn check(&self, rpc: &str) -> Result<(), Status> {
        if self.may(rpc) {
            return Ok(());
        }
        let role = self.caller.role.name();
        let message =
            format!("the role {role} of your token may not do this: sign in with another");
        Err(permission_denied(&message))
    }

    /// A request to an rpc, given by its path, as whoever is signed in; it takes up room until it is answered.
    ///
    /// # Errors
    /// A role that may not call it, or a limit of calls that is met.
    pub(super) fn ask<T>(&self, rpc: &str, message: T) -> Result<Request<T>, Status> {
        self.check(rpc)?;
        let authority = &self.console.api.authority;
        let seat = authority
            .calls()
            .begin(&self.account, Kind::Unary, authority.now())
            .map_err(over_limit)?;
        let mut request = Request::new(message);
        request.extensions_mut().insert(self.caller.clone());
        request.extensions_mut().insert(Arc::new(seat));
        Ok(request)
    }

    /// What an rpc answers to whoever is signed in: its path, the message, and the method of the service.
    ///
    /// # Errors
    /// A role that may not call it, a limit of calls that is met, and whatever the service refuses.
    pub(super) async fn call<'d, Q, A, F>(
        &'d self,
        rpc: &str,
        message: Q,
        method: impl FnOnce(&'d Api, Request<Q>) -> F,
    ) -> Result<A, Refused>
    where
        F: Future<Output = Result<tonic::Response<A>, Status>>,
    {
        let request = self.ask(rpc, message)?;
        // As if it came over gRPC: what follows from it carries its id, in the log and among the calls to Lever.
        let id = uuid::Uuid::now_v7().to_string();
        let span = tracing::error_span!("rpc", rpc, rpc_id = id);
        let answer = method(self.api(), request).instrument(span);
        Ok(Cause::rpc(&id).during(answer).await?.into_inner())
    }

    /// A connection, if the caller may see it.
    ///
    /// # Errors
    /// Not found.
    pub(super) async fn connection(&self, id: &str) -> Result<pb::Connection, Refused> {
        const RPC: &str = "/fulcrum.v1.ConnectionService/GetConnection";
        let request = pb::GetConnectionRequest {
            connection_id: id.to_owned(),
        };
        let answer = self.call(RPC, request, Api::get_connection).await?;
        Ok(answer.connection.unwrap_or_default())
    }

    /// What time it is for the service.
    pub(super) fn now(&self) -> lever::Timestamp {
        self.console.api.authority.now()
    }

    /// A page in its frame.
    pub(super) fn page(&self, title: &str, place: Place<'_>, content: Markup) -> Response {
        let view = Frame {
            title,
            place,
            name: &self.caller.name,
            role: self.caller.role.name(),
            signed_in: self.session.token.is_some(),
            csrf: &self.session.csrf,
            said: self.said(),
        };
        self.with_cookie(frame(&view, content).into_response())
    }

    /// The page of a tab of a connection in its frame, with the tabs that the role may open.
    pub(super) fn at(&self, connection: &pb::Connection, tab: Tab, content: Markup) -> Response {
        self.below(connection, tab, tab.label(), content)
    }

    /// The same for a page below a tab, or in its place, which has a title of its own.
    pub(super) fn below(
        &self,
        connection: &pb::Connection,
        tab: Tab,
        title: &str,
        content: Markup,
    ) -> Response {
        let tabs = self.tabs();
        let place = Place::Connection {
            id: &connection.id,
            name: &connection.display_name,
            tab,
            tabs: &tabs,
        };
        let title = format!("{title} · {}", connection.display_name);
        self.page(&title, place, content)
    }

    /// Goes to another page, which begins with what was done.
    pub(super) fn done(&self, path: &str, text: impl Into<String>) -> Response {
        let sessions = &self.console.sessions;
        sessions.say(&self.secret, path, text.into());
        self.with_cookie(see(path))
    }

    fn said(&self) -> Option<String> {
        let sessions = &self.console.sessions;
        sessions.said(&self.secret, self.page.as_deref()?)
    }

    /// Signs out.
    pub(super) fn leave(&self) {
        self.console.sessions.end(&self.secret);
    }

    fn with_cookie(&self, mut response: Response) -> Response {
        if self.new {
            let cookie = cookie(&self.secret, self.console.secure);
            if let Ok(cookie) = cookie.parse() {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
        }
        response
    }
}

/// The cookie of a session: for this site alone, and not for scripts.
pub(super) fn cookie(secret: &str, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}={secret}; Path={ROOT}; HttpOnly; SameSite=Strict{secure}")
}

/// The secret that a browser sends back.
pub(super) fn secret_of(headers: &HeaderMap) -> Option<&str> {
    cookie_of(headers, COOKIE)
}

/// The value of a cookie that a browser sends back.
pub(super) fn cookie_of<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == wanted).then_some(value))
}

impl Console {
    /// The session of a request, if its token still works.
    pub(super) async fn seated(&self, headers: &HeaderMap) -> Result<Option<Desk>, Refused> {
        let found = secret_of(headers)
            .and_then(|secret| Some((secret.to_owned(), self.sessions.find(secret)?)));
        let hash = found.as_ref().and_then(|(_, session)| session.token);
        let proven = self
            .api
            .authority
            .proven_by_hash(hash)
            .await
            .map_err(status)?;
        let Some(Proven { caller, account }) = proven else {
            return Ok(None);
        };
        let (new, (secret, session)) = match found {
            Some(found) => (false, found),
            None => (true, self.sessions.begin(None).map_err(status)?),
        };
        Ok(Some(Desk {
            console: self.clone(),
            secret,
            session,
            caller,
            account,
            new,
            page: None,
        }))
    }
}

impl Console {
    /// Why the token of whoever has a session does not work any more; none where that is not the reason, or not known.
    pub(super) async fn lapsed(&self, headers: &HeaderMap) -> Option<Lapsed> {
        let session = self.sessions.find(secret_of(headers)?)?;
        let lapsed = self.api.authority.lapsed(session.token?).await;
        lapsed.ok().flatten()
    }
}

impl FromRequestParts<Console> for Desk {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        match console.seated(&parts.headers).await {
            Ok(Some(desk)) => Ok(Desk {
                page: page_of(parts),
                ..desk
            }),
            // A form that was filled in is lost anyhow; the page to sign in says why.
            Ok(None) => Err(see(&sign_in(parts))),
            Err(refused) => Err(refused.into_response()),
        }
    }
}

impl OptionalFromRequestParts<Console> for Desk {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Console,
    ) -> Result<Option<Self>, Response> {
        let seated = console.seated(&parts.headers).await;
        seated.map_err(IntoResponse::into_response)
    }
}

/// The path of the page that somebody goes to; none where a page asks for what is new of itself.
fn page_of(parts: &Parts) -> Option<String> {
    let goes = parts.method == Method::GET && !parts.headers.contains_key(PART);
    goes.then(|| parts.uri.path().to_owned())
}

/// The page to sign in, which leads back to where somebody wanted to go.
fn sign_in(parts: &Parts) -> String {
    let asked = parts.uri.path_and_query();
    let asked = asked.map_or(ROOT, axum::http::uri::PathAndQuery::as_str);
    if parts.method != Method::GET || asked == ROOT {
        return format!("{ROOT}/sign-in");
    }
    let back: String = url::form_urlencoded::byte_serialize(asked.as_bytes()).collect();
    format!("{ROOT}/sign-in?to={back}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_back_among_others_and_kept_from_scripts_and_other_sites() {
        let set = cookie("abc", true);
        assert_eq!(
            set,
            "fulcrum_session=abc; Path=/console; HttpOnly; SameSite=Strict; Secure"
        );
        let mut headers = HeaderMap::new();
        assert_eq!(secret_of(&headers), None);
        headers.insert(header::COOKIE, "a=b; fulcrum_session=abc".parse().unwrap());
        assert_eq!(secret_of(&headers), Some("abc"));
    }
}
