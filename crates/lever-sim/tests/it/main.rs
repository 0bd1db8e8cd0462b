//! The simulator over real HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests may fail loudly, say when they are skipped, and read where the recorded documents are"
)]

mod apply;
mod faults;
mod files;
mod filters;
mod oauth;
mod pages;
mod recorded;
mod rights;
mod support;
mod surface;
mod webhooks;
mod writes;
