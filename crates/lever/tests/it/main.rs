//! What needs a socket or the recorded documents of the folder `FULCRUM_LEVER_DOCS`.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not as expected"
)]

mod calls;
mod documents;
mod files;
mod oauth;
mod raw;
mod registry;
mod support;
mod walk;
mod webhooks;
mod wire;
