//! Bounds one attempt from the first byte sent to the last byte read.
//!
//! The whole answer is read here, so that a body that never ends is a failed attempt like any other.

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};
use tokio::time::Instant;

use super::{Context, Stopped, body, context, stopped};

pub(super) struct AttemptTimeout;

#[async_trait::async_trait]
impl Middleware for AttemptTimeout {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let Context {
            timeout, deadline, ..
        } = *context(extensions);
        let end = Instant::now()
            .checked_add(timeout)
            .map_or(deadline, |end| end.min(deadline));
        let whole = async { body::read(next.run(request, extensions).await?).await };
        match tokio::time::timeout_at(end, whole).await {
            Ok(result) => result,
            Err(_) => Err(stopped(Stopped::TimedOut(timeout))),
        }
    }
}
