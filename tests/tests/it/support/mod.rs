//! What every scenario stands on: a simulated Lever in this process, the service in a process of its own.

mod api;
mod asking;
mod clock;
mod disk;
mod door;
mod foreign;
mod held;
mod in_lever;
mod proof;
mod random;
mod records;
pub(crate) mod rogue;
mod service;
mod status;
mod table;
mod wait;
mod wire;
mod world;
mod writing;

pub(crate) use api::Api;
pub(crate) use clock::{LeverClock, now};
pub(crate) use disk::files_with;
pub(crate) use door::Door;
pub(crate) use foreign::Foreign;
pub(crate) use proof::{proved, rounds};
pub(crate) use random::Random;
pub(crate) use records::{client, http};
pub(crate) use service::{Home, Service, as_user, program};
pub(crate) use status::{refused, why};
pub(crate) use table::{NOBODY, Table};
pub(crate) use wait::{until, until_within};
pub(crate) use world::{Setup, World, fresh_id};
