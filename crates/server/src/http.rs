//! The HTTP side: whether the process lives, whether it is ready, its metrics, the console, and Lever's webhooks.

mod exposition;
mod webhooks;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::Timestamp;
use engine::{Engine, Figure, figures};
use metrics_exporter_prometheus::PrometheusHandle;
use store::Store;

use crate::auth::Authority;
use crate::console;
use crate::grpc::Api;

/// What the HTTP side shows.
#[derive(Clone)]
pub struct Health {
    ready: Arc<AtomicBool>,
    metrics: PrometheusHandle,
    store: Store,
    started_at: Timestamp,
}

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Health")
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}

impl Health {
    /// Not ready yet.
    pub fn new(metrics: PrometheusHandle, store: Store, started_at: Timestamp) -> Self {
        Self {
            ready: Arc::new(AtomicBool::new(false)),
            metrics,
            store,
            started_at,
        }
    }

    /// Says whether requests should be sent here.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    /// Whether requests should be sent here, and what to say about it.
    ///
    /// A nearly full disk is said and no reason to stay away: what is stored can be read.
    fn readiness(&self) -> (StatusCode, &'static str) {
        let away = StatusCode::SERVICE_UNAVAILABLE;
        if !self.ready.load(Ordering::Relaxed) {
            (away, "not ready: starting or stopping\n")
        } else if self.store.has_failed() {
            (away, "not ready: the store has failed, see the log\n")
        } else if !self.store.writes_allowed() {
            (
                StatusCode::OK,
                "ready, but the disk is nearly full and writes are refused\n",
            )
        } else {
            (StatusCode::OK, "ready\n")
        }
    }
}

/// `/healthz`, `/readyz`, `/metrics` and the console; and what Lever calls from outside, by whatever name it knows us.
pub fn router(health: Health, api: Api, browsers_by_tls: bool) -> Router {
    let (authority, engine) = (api.authority.clone(), api.engine.clone());
    let inside = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route(
            "/metrics",
            get(metrics).with_state((health.clone(), engine.clone())),
        )
        .with_state(health)
        .merge(console::router(api, browsers_by_tls))
        .fallback(|| async {
            (
                StatusCode::NOT_FOUND,
                "there is nothing here: try /console, /healthz, /readyz or /metrics\n",
            )
        })
        .layer(middleware::from_fn_with_state(authority, local_names_only));
    webhooks::router(engine).fallback_service(inside)
}

async fn ready(State(health): State<Health>) -> Response {
    health.readiness().into_response()
}

async fn metrics(State((health, engine)): State<(Health, Engine)>) -> impl IntoResponse {
    let mut text = health.metrics.render();
    text.push_str(&exposition::text(&health.figures()));
    text.push_str(&exposition::text(&engine.gauges().await));
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
}

impl Health {
    /// What there is to say of the process.
    fn figures(&self) -> [Figure; 2] {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let started_at = self.started_at.as_millis() as f64 / 1000.0;
        [
            Figure::new(figures::BUILD_INFO, [version], 1.0),
            Figure::new(figures::PROCESS_START, [], started_at),
        ]
    }
}

/// Without tokens only requests that name this machine pass: a page in a browser elsewhere cannot rebind its name.
async fn local_names_only(
    State(authority): State<Authority>,
    request: Request,
    next: Next,
) -> Response {
    if authority.required() || names_this_machine(request.headers()) {
        next.run(request).await
    } else {
        (
            StatusCode::MISDIRECTED_REQUEST,
            "this service answers to localhost only until a token exists\n",
        )
            .into_response()
    }
}

fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    host.is_some_and(is_this_machine)
}

/// Whether a host, with or without a port, is a name or address of this machine's own.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        names_this_machine(&headers)
    }

    #[test]
    fn only_names_of_this_machine_pass() {
        for host in [
            "localhost",
            "LOCALHOST:7461",
            "127.0.0.1:7461",
            "127.0.0.1",
            "[::1]:7461",
        ] {
            assert!(passes(host), "{host}");
        }
        for host in [
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com:80",
            "10.0.0.1",
            "[fe80::1]:1",
        ] {
            assert!(!passes(host), "{host}");
        }
        assert!(!names_this_machine(&HeaderMap::new()));
    }
}
