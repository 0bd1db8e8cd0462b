//! The simulator over real HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests may fail loudly, say when they are skipped, and read where the recorded documents are"
)]

mod account;
mod acts;
mod apply;
mod children;
mod contacts;
mod faults;
mod feedback;
mod files;
mod filters;
mod forms;
mod interviews;
mod legacy;
mod oauth;
mod openapi;
mod pages;
mod postings;
mod recorded;
mod recorded_account;
mod recorded_children;
mod requisition_fields;
mod requisitions;
mod rights;
mod support;
mod surface;
mod webhooks;
mod writes;
