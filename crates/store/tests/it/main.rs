//! What needs a disk: opening, durability, crashes, and the tables through the public API.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests; the configured exception covers test functions only"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the environment tells a child process its part, and where recorded documents are"
)]

mod backup;
mod children;
mod compaction;
mod connect_links;
mod connections;
mod crash;
mod damage;
mod disconnecting;
mod duplicates;
mod earlier_versions;
mod examining;
mod forgetting;
mod identities;
mod issues;
mod journal;
mod master_keys;
mod nudges;
mod opening;
mod operations;
mod properties;
mod provenance;
mod pull;
mod quarantine;
mod sla_marks;
mod support;
mod uploads;
mod user_links;
