//! What every attempt passes through, outermost first: rate budget, trace, attempt timeout, auth.
//!
//! The trace stands outside the timeout so that an attempt that ran out of time is told of like any other.
//! Deadline and retry are above, in [`Client::answer`](crate::Client::answer).

mod auth;
mod body;
mod rate;
mod timeout;
mod trace;

use std::sync::Arc;

use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error};

use super::attempt::{Context, Reading, Stopped};
use crate::budget::Budget;
use crate::client::{Credential, Http};

/// The chain of layers over the shared connection pool.
pub(crate) fn chain(
    http: &Http,
    budget: Arc<Budget>,
    credential: Credential,
) -> ClientWithMiddleware {
    ClientBuilder::new(http.pool().clone())
        .with(rate::RateBudget(budget))
        .with(trace::Trace)
        .with(timeout::AttemptTimeout)
        .with(auth::Auth(credential))
        .build()
}

fn stopped(why: Stopped) -> Error {
    Error::middleware(why)
}

fn context(extensions: &http::Extensions) -> &Context {
    extensions
        .get()
        .expect("the client puts the context into every request")
}
