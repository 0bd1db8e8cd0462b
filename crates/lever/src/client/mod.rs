//! The HTTP client: general machinery that no endpoint knows about.
//!
//! A call goes through deadline and retry here, and each of its attempts through the layers below:
//! rate budget, trace, attempt timeout, auth, transport.

pub(crate) mod redact;

mod attempt;
mod call;
mod credential;
mod date;
mod disposition;
mod download;
mod http_pool;
mod layer;
mod multipart;
mod pages;
mod region;
mod retry;
mod send;
mod unreached;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest_middleware::ClientWithMiddleware;

pub(crate) use attempt::Stopped;
pub use attempt::{Attempt, Observer};
pub use credential::Credential;
pub use download::{Chunks, Download};
pub use http_pool::Http;
pub use region::{BaseUrl, Region};
pub use send::Answer;
pub use unreached::{Obstacle, Unreached};

use crate::budget::{Budget, Lane};

/// A source of random numbers from 0 to 1, for the pauses between attempts.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One attempt, from sending to the last byte of the answer; for a file, to its headers, and then the longest
    /// silence between its bytes.
    pub attempt_timeout: Duration,
    /// The whole call, waiting and all attempts included.
    pub deadline: Duration,
    /// Attempts of one call, the first included.
    pub max_attempts: u32,
}

impl Default for Limits {
    /// 30 s an attempt, 120 s a call, five attempts.
    fn default() -> Limits {
        Limits {
            attempt_timeout: Duration::from_secs(30),
            deadline: Duration::from_secs(120),
            max_attempts: 5,
        }
    }
}

/// Calls Lever for one account. Cheap to clone; clones share connections and budget.
#[derive(Clone)]
pub struct Client {
    layers: ClientWithMiddleware,
    budget: Arc<Budget>,
    base_url: BaseUrl,
    limits: Limits,
    lane: Lane,
    observer: Option<Observer>,
    jitter: Jitter,
    /// Whether a refused credential may be accepted a moment later.
    renewable: bool,
}

impl Client {
    /// A client whose calls go in [`Lane::Interactive`] until [`Client::lane`] says otherwise.
    ///
    /// `budget` must be the one all clients of the same credential and base URL share.
    pub fn new(
        http: Http,
        base_url: BaseUrl,
        credential: Credential,
        budget: Arc<Budget>,
        limits: Limits,
    ) -> Client {
        Client {
            renewable: credential.is_renewable(),
            layers: layer::chain(&http, budget.clone(), credential),
            budget,
            base_url,
            limits,
            lane: Lane::Interactive,
            observer: None,
            jitter: Arc::new(random),
        }
    }

    /// The budget its calls spend from.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The same client, calling in another lane.
    #[must_use]
    pub fn lane(&self, lane: Lane) -> Client {
        Client {
            lane,
            ..self.clone()
        }
    }

    /// The same client, telling `observer` of every attempt.
    #[must_use]
    pub fn with_observer(&self, observer: Observer) -> Client {
        Client {
            observer: Some(observer),
            ..self.clone()
        }
    }

    /// The same client with other limits.
    #[must_use]
    pub fn with_limits(&self, limits: Limits) -> Client {
        Client {
            limits,
            ..self.clone()
        }
    }

    /// The same client with another source of randomness, for tests that need exact pauses.
    #[must_use]
    pub fn with_jitter(&self, jitter: Jitter) -> Client {
        Client {
            jitter,
            ..self.clone()
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.base_url)
            .field("lane", &self.lane)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// A random number from 0 to 1; 1 when the system has none, which only means a longer pause.
fn random() -> f64 {
    getrandom::u64().map_or(1.0, |bits| (bits >> 11) as f64 / (1_u64 << 53) as f64)
}
