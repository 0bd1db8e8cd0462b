//! Webhooks that are really delivered: signed, in order, and tried again when they are not acknowledged.
//!
//! Lever: "Webhooks". What goes wrong on the way is in [`faults`], what was sent in [`history`].

mod faults;
mod history;
mod sender;
mod signature;

pub(crate) use faults::DeliveryFaults;
pub(crate) use history::History;
pub(crate) use sender::run;

pub use faults::{DeliveryAction, DeliveryPlan, DeliveryRule};
pub use history::DeliveryEntry;

use std::time::Duration;

/// How deliveries are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryConfig {
    /// The waits before the tries after the first one. Lever: "Webhooks" (five more, with growing gaps; how long
    /// they are is not documented).
    pub retries: Vec<Duration>,
    /// How long a receiver has to answer.
    pub timeout: Duration,
}

impl Default for DeliveryConfig {
    /// 1, 5, 30, 120 and 600 seconds; ten seconds to answer.
    fn default() -> DeliveryConfig {
        DeliveryConfig {
            retries: [1, 5, 30, 120, 600].map(Duration::from_secs).to_vec(),
            timeout: Duration::from_secs(10),
        }
    }
}
