//! The connection pool all clients share.

use std::time::Duration;

use reqwest::redirect::Policy;

use crate::error::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One pool of HTTP connections, shared by the clients of all accounts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http(reqwest::Client);

impl Http {
    /// Opens a pool. Follows no redirect: a credential goes nowhere but to the server of the base URL, and the client
    /// itself looks where an answer sends it.
    ///
    /// The process must have installed a rustls crypto provider before.
    ///
    /// # Errors
    /// When TLS or the proxy settings of the environment cannot be used.
    pub fn new() -> Result<Http, Error> {
        reqwest::Client::builder()
            .user_agent(concat!("fulcrum/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .build()
            .map(Http)
            .map_err(|error| Error::setup("HTTP pool", error))
    }

    pub(crate) fn pool(&self) -> &reqwest::Client {
        &self.0
    }
}
