//! The rate budget: every call made with one credential waits here for its grant.
//!
//! Lever allows each key ten requests a second (Lever: "Rate limits"), and everything done with the
//! key competes for them. A call names its [`Lane`]; [`Bucket`] decides who goes next and is pure, time being an
//! argument; [`Budget`] does the waiting.
//!
//! Invariants: grants never exceed the rate beyond the burst; no lane that waits is left out of its share;
//! a waiter that gives up leaves no trace; a 429 stops everybody; nobody waits for a turn that a pause keeps from
//! coming in time.

mod bucket;
mod config;
mod lane;
mod pace;
mod pause;
mod shared;
mod shares;

pub use bucket::{Bucket, Step, Ticket};
pub use config::BudgetConfig;
pub use lane::{Lane, PerLane};
pub use pause::Pause;
pub use shared::{Budget, Granted, Late, Snapshot};
