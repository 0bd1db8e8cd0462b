//! The HTTP side: whether the process lives, whether it is ready, its metrics, and Lever's webhooks.

mod webhooks;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::ConnectionId;
use engine::Engine;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::auth::Authority;

/// What the HTTP side shows.
#[derive(Clone)]
pub struct Health {
    ready: Arc<AtomicBool>,
    metrics: PrometheusHandle,
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
    pub fn new(metrics: PrometheusHandle) -> Self {
        Self {
            ready: Arc::new(AtomicBool::new(false)),
            metrics,
        }
    }

    /// Says whether requests should be sent here.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }
}

/// `/healthz`, `/readyz` and `/metrics`; and what Lever calls from outside, by whatever name it knows us.
pub fn router(health: Health, authority: Authority, engine: Engine) -> Router {
    let inside = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route(
            "/metrics",
            get(metrics).with_state((health.metrics.clone(), engine.clone())),
        )
        .fallback(|| async {
            (
                StatusCode::NOT_FOUND,
                "there is nothing here: try /healthz, /readyz or /metrics\n",
            )
        })
        .with_state(health)
        .layer(middleware::from_fn_with_state(authority, local_names_only));
    webhooks::router(engine).fallback_service(inside)
}

async fn ready(State(health): State<Health>) -> Response {
    if health.ready.load(Ordering::Relaxed) {
        "ready\n".into_response()
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: starting or stopping\n",
        )
            .into_response()
    }
}

async fn metrics(State((metrics, engine)): State<(PrometheusHandle, Engine)>) -> impl IntoResponse {
    metrics.run_upkeep();
    let mut text = metrics.render();
    text.push_str(&inbound_ages(&engine.inbound_ages().await));
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
}

/// How old the inbound stages of each connection are, as a gauge.
///
/// Made when it is asked for: one that is set after a pass would stand still just when nothing is read any more, and
/// stay after its connection is gone.
fn inbound_ages(ages: &[(ConnectionId, Duration)]) -> String {
    let mut text = String::new();
    if !ages.is_empty() {
        text.push_str("# TYPE fulcrum_inbound_age_seconds gauge\n");
    }
    for (connection, age) in ages {
        let seconds = age.as_secs_f64();
        text.push_str(&format!(
            "fulcrum_inbound_age_seconds{{connection=\"{connection}\"}} {seconds}\n"
        ));
    }
    text
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
    fn ages_are_told_for_each_connection_and_nothing_without_any() {
        let connection = ConnectionId::from_bytes([1; 16]);
        assert_eq!(
            inbound_ages(&[(connection, Duration::from_millis(1500))]),
            "# TYPE fulcrum_inbound_age_seconds gauge\n\
             fulcrum_inbound_age_seconds{connection=\"01010101-0101-0101-0101-010101010101\"} 1.5\n"
        );
        assert_eq!(inbound_ages(&[]), "");
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
