//! Bounds one attempt from the first byte sent to the last byte read.
//!
//! The whole answer is read here, so that a body that never ends is a failed attempt like any other; a file ends
//! its attempt with the headers.

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};
use tokio::time::Instant;

use super::{Context, Reading, Stopped, body, context, stopped};

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
            timeout,
            deadline,
            reading,
            ..
        } = *context(extensions);
        let end = Instant::now()
            .checked_add(timeout)
            .map_or(deadline, |end| end.min(deadline));
        let answered = async {
            let response = next.run(request, extensions).await?;
            match reading {
                Reading::AsItComes if response.status().is_success() => Ok(response),
                Reading::AsItComes | Reading::Whole => body::read(response).await,
            }
        };
        match tokio::time::timeout_at(end, answered).await {
            Ok(result) => result,
            Err(_) if context(extensions).sent => Err(stopped(Stopped::TimedOut(timeout))),
            Err(_) => Err(stopped(Stopped::NoToken)),
        }
    }
}
