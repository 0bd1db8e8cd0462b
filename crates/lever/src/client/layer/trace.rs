//! Tells of every attempt: one event and the observer. Never a query, a body or a name.

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};
use tokio::time::Instant;

use super::{Context, context};
use crate::client::attempt::Attempt;

pub(super) struct Trace;

#[async_trait::async_trait]
impl Middleware for Trace {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let began = Instant::now();
        let result = next.run(request, extensions).await;
        let status = result
            .as_ref()
            .ok()
            .map(|response| response.status().as_u16());
        let context: &Context = context(extensions);
        let attempt = context.ended(status, began.elapsed());
        event(&attempt);
        if let Some(observer) = &context.observer {
            observer(&attempt);
        }
        result
    }
}

fn event(attempt: &Attempt) {
    tracing::debug!(
        endpoint = attempt.operation,
        lane = attempt.lane.as_str(),
        attempt = attempt.attempt,
        status = attempt.status,
        elapsed_ms = attempt.elapsed.as_secs_f64() * 1e3,
        wait_ms = attempt.waited.as_secs_f64() * 1e3,
        "called Lever"
    );
}
