//! One attempt of a call: what the layers need to know about it, and what is told afterwards.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::budget::Lane;
use crate::registry::{Method, Operation};

/// An attempt that has ended, for those who count calls. Holds nothing of request or answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The name of the operation.
    pub operation: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path with its parameters unfilled, such as `/opportunities/{opportunity}/stage`.
    pub path_template: &'static str,
    /// The lane it went in.
    pub lane: Lane,
    /// The HTTP status; none when no whole answer came.
    pub status: Option<u16>,
    /// From sending the request to the last byte of the answer.
    pub elapsed: Duration,
    /// How long it waited for the rate budget before.
    pub waited: Duration,
    /// Which attempt of the call it was, from 1.
    pub attempt: u32,
}

/// Somebody who is told of every attempt; called from the task that made it, so it should be quick.
pub type Observer = Arc<dyn Fn(&Attempt) + Send + Sync>;

/// What the layers know of the attempt they carry.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) operation: &'static Operation,
    pub(crate) lane: Lane,
    pub(crate) attempt: u32,
    pub(crate) deadline: Instant,
    pub(crate) timeout: Duration,
    pub(crate) observer: Option<Observer>,
    /// Set by the budget layer.
    pub(crate) waited: Duration,
    pub(crate) reading: Reading,
    /// Set by the auth layer: from then on Lever may have acted.
    pub(crate) sent: bool,
}

/// How the body of a success is read; that of a failure is always read whole, within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Into memory, within bounds, before the attempt ends.
    Whole,
    /// By the caller, after the attempt has ended with the headers.
    AsItComes,
}

impl Context {
    pub(crate) fn ended(&self, status: Option<u16>, elapsed: Duration) -> Attempt {
        Attempt {
            operation: self.operation.id,
            method: self.operation.method,
            path_template: self.operation.path,
            lane: self.lane,
            status,
            elapsed,
            waited: self.waited,
            attempt: self.attempt,
        }
    }
}

/// Why an attempt ended without an HTTP answer, said by one of the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stopped {
    #[error("no turn came before the deadline")]
    NoTurn,
    #[error("Lever lets no request through for another {} s", .0.as_secs())]
    Paused(Duration),
    #[error("no whole answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the connection broke while the answer was read")]
    CutOff,
    #[error("the credential cannot be sent in a header")]
    Credential,
    #[error("no access token could be had")]
    NoToken,
    #[error("Lever does not accept the app that asks for access tokens")]
    App,
    #[error("there is nothing where access tokens are asked for")]
    Nowhere,
    #[error("Lever no longer accepts the refresh token; the account must be connected again")]
    Reconnect {
        /// Whether a renewal before was begun and never answered.
        unanswered: bool,
    },
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("operation", &self.operation.id)
            .finish_non_exhaustive()
    }
}
