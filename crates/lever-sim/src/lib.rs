//! A strict stand-in for Lever over HTTP: stateful, seeded, and at least as particular as Lever itself.
//!
//! It keeps its own documents and shares no types with any client, so that a misspelled field cannot agree with itself.
//! What was recorded from the real API is done as recorded; where facts end, a choice is written at the place that makes it.
//! It is a tool for tests and demonstrations: everything lives in memory and is gone when it stops.
//!
//! Three ways in:
//! - [`Sim`], for tests in the same process: start it, act like a person in Lever, look at what arrived.
//! - `/v1/...`, Lever's own API, with Lever's authentication, permissions, rate limit and errors,
//!   and beside it `/authorize` and `/oauth/token` of Lever's authorization server.
//! - `/sim/...`, the control surface for tests in other languages. It asks for no credentials: listen on loopback only.
//!
//! | control call | does |
//! |---|---|
//! | `GET /sim/key` | the first key: `{"key": "..."}` |
//! | `GET /sim/audit?after=N` | audit entries with a sequence above `N`: `{"entries": [...]}` |
//! | `GET /sim/opportunities/{id}` | `{"opportunity": {...}, "contact": {...}, "applications": [...], "notes": [...]}`; deleted notes included |
//! | `POST /sim/opportunities/{id}/stage` | a person moves it: `{"stage": "offer"}` |
//! | `POST /sim/opportunities/{id}/archive` | a person archives it: `{"reason": "<id>"}`, or `null` to unarchive |
//! | `POST /sim/opportunities/{id}/snooze` | `{"until": <ms>}`, or `null` to wake it |
//! | `POST /sim/opportunities/{id}/delete` | a person deletes it |
//! | `POST /sim/applicants` | somebody applies: an [`Applicant`], every field optional; answers `{"id": "..."}` |
//! | `POST /sim/faults` | replaces the [`FaultPlan`] |
//! | `DELETE /sim/faults` | ends all faults |
//! | `POST /sim/oauth` | `{"consent": "grant", "access_seconds": 60}`, both optional: what an admin answers, how long new tokens last |
//! | `POST /sim/oauth/expire` | ends all access tokens |
//! | `POST /sim/oauth/revoke` | ends all access through OAuth, refresh tokens and codes included |
//! | `GET /sim/webhooks` | `{"deliveries": [...]}`: the last 1,000 tries to deliver an event, each a [`DeliveryEntry`] |
//! | `POST /sim/webhooks/{id}/test` | sends the test delivery of the settings page: a real one with `data: {}` |
//! | `POST /sim/webhooks/faults` | replaces the [`DeliveryPlan`] |
//! | `DELETE /sim/webhooks/faults` | ends all faults of deliveries |
//! | `POST /sim/webhooks/retries` | replaces the waits before the further tries: `{"after_ms": [1000, 5000]}` |
//!
//! A control call that fails answers 404 (unknown opportunity) or 400, with `{"message": "..."}`.

mod answer;
mod asked;
mod audit;
mod call;
mod config;
mod control;
mod date;
mod error;
mod faults;
mod gate;
mod limit;
mod oauth;
mod offsets;
mod operations;
mod person;
mod population;
mod random;
mod resources;
mod scopes;
mod sim;
mod webhooks;
mod wire;
mod world;

pub use audit::AuditEntry;
pub use config::{Clock, Config, DEFAULT_KEY, Key, Permissions, Population, RateLimit};
pub use error::{Error, ErrorKind};
pub use faults::{Action, Calls, FaultPlan, FaultRule, When};
pub use oauth::{Consent, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, OAuthApp, OAuthConfig};
pub use sim::Sim;
pub use webhooks::{DeliveryAction, DeliveryConfig, DeliveryEntry, DeliveryPlan, DeliveryRule};
pub use world::Applicant;
