//! Waits for the attempt's turn and tells the budget how it went.

use std::sync::Arc;

use http::{Extensions, StatusCode};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

use super::{Context, Stopped, context, stopped};
use crate::budget::{Budget, Late};
use crate::client::date;

pub(super) struct RateBudget(pub(super) Arc<Budget>);

#[async_trait::async_trait]
impl Middleware for RateBudget {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let Context { lane, deadline, .. } = *context(extensions);
        let turn = self.0.acquire_before(lane, deadline).await;
        let granted = turn.map_err(|late| stopped(late.into()))?;
        if let Some(context) = extensions.get_mut::<Context>() {
            context.waited = granted.waited;
        }
        let response = next.run(request, extensions).await?;
        match response.status() {
            StatusCode::TOO_MANY_REQUESTS => {
                self.0.saw_rate_limit(date::retry_after(response.headers()))
            }
            status if status.is_server_error() => {}
            _ => self.0.saw_success(),
        }
        Ok(response)
    }
}

impl From<Late> for Stopped {
    fn from(late: Late) -> Stopped {
        match late {
            Late::NoTurn => Stopped::NoTurn,
            Late::Paused(left) => Stopped::Paused(left),
        }
    }
}
