//! The admin console: pages on the HTTP port, for whoever sets Fulcrum up and wants to know how it is doing.
//!
//! A page is a function of a view (style.md). A view is filled by asking the same services that gRPC callers ask,
//! in this process and as whoever is signed in: the console can do what its user's token may do, and nothing else.
//! Every page and every action works without JavaScript.

mod assets;
mod checklist;
mod compare;
mod consent;
mod deed;
mod desk;
mod fault;
mod field;
mod form;
mod frame;
mod import;
mod in_lever;
mod lapsed;
mod live;
mod models;
mod pages;
mod penance;
mod refusal;
mod session;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use tower_http::compression::CompressionLayer;

use crate::grpc::Api;
use session::Sessions;

/// Where the console is.
const ROOT: &str = "/console";

/// What every page needs.
#[derive(Clone)]
struct Console {
    api: Api,
    sessions: Arc<Sessions>,
    /// Whether browsers reach us by TLS: the cookie is for that alone then.
    secure: bool,
}

/// The pages, their assets, and the way to them from the root.
///
/// `secure` says that browsers reach the port by TLS, so that the session's cookie never travels without.
pub(crate) fn router(api: Api, secure: bool) -> Router {
    let lasting = api.engine.store().lasting_secret("form of the console");
    let console = Console {
        // A store that gives none gives no page either.
        sessions: Arc::new(Sessions::new(lasting.ok())),
        api,
        secure,
    };
    Router::new()
        .merge(pages::routes())
        .layer(middleware::from_fn_with_state(
            console.clone(),
            pages::framed,
        ))
        .with_state(console)
        .route("/", get(|| async { Redirect::to(ROOT) }))
        .merge(assets::routes())
        .layer(middleware::from_fn(guarded))
        // What is packed may hold a proof for forms beside what somebody typed. No other site can measure that: the
        // cookie of a session is not sent along with what other sites ask for.
        .layer(CompressionLayer::new())
}

/// Nothing from elsewhere, no script of a page's own, and nothing kept by a browser.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Pages with a secret in their address say themselves that nobody is to be told of it.
    headers
        .entry(header::REFERRER_POLICY)
        .or_insert(HeaderValue::from_static("same-origin"));
    // Assets say themselves how long they keep.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Sends the browser on after something was done.
fn see(path: &str) -> Response {
    Redirect::to(path).into_response()
}
