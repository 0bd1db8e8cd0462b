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
//! | `POST /sim/keys` | one more key, or other permissions for one that is there: `{"secret": "...", "without": ["find all opportunity notes"], "confidential": true}` |
//! | `GET /sim/audit?after=N` | audit entries with a sequence above `N`: `{"entries": [...]}` |
//! | `GET /sim/opportunities/{id}` | `opportunity`, `contact`, and lists of `applications`, `notes`, `offers`, `panels`, `feedback`, `forms`, `referrals`, `resumes`, `files`, `file_actions`; deleted ones included |
//! | `POST /sim/act` | a person does something: an [`Act`], table below; answers `{"id": "..."}` of what was made, or null |
//! | `POST /sim/opportunities/{id}/stage` | a person moves it: `{"stage": "offer"}` |
//! | `POST /sim/opportunities/{id}/archive` | a person archives it: `{"reason": "<id>"}`, or `null` to unarchive |
//! | `POST /sim/opportunities/{id}/snooze` | `{"until": <ms>}`, or `null` to wake it |
//! | `POST /sim/opportunities/{id}/delete` | a person deletes it |
//! | `POST /sim/applicants` | somebody applies: an [`Applicant`], every field optional; answers `{"id": "..."}` |
//! | `POST /sim/faults` | replaces the [`FaultPlan`] |
//! | `DELETE /sim/faults` | ends all faults |
//! | `POST /sim/garbled` | from here on the records with these ids, and no others, are shown so that nobody can read them: `{"ids": [...]}` |
//! | `POST /sim/oauth` | `{"consent": "grant", "access_seconds": 60}`, both optional: what an admin answers, how long new tokens last |
//! | `POST /sim/oauth/expire` | ends all access tokens |
//! | `POST /sim/oauth/revoke` | ends all access through OAuth, refresh tokens and codes included |
//! | `GET /sim/webhooks` | `{"deliveries": [...]}`: the last 1,000 tries to deliver an event, each a [`DeliveryEntry`] |
//! | `POST /sim/webhooks/{id}/test` | sends the test delivery of the settings page: a real one with `data: {}` |
//! | `POST /sim/webhooks/faults` | replaces the [`DeliveryPlan`] |
//! | `DELETE /sim/webhooks/faults` | ends all faults of deliveries |
//! | `POST /sim/webhooks/retries` | replaces the waits before the further tries: `{"after_ms": [1000, 5000]}` |
//!
//! | act | with | does |
//! |---|---|---|
//! | `move_stage` | `opportunity`, `stage`, `user`? | moves it |
//! | `archive` | `opportunity`, `reason`? | archives it, or without a reason unarchives it |
//! | `snooze` | `opportunity`, `until`? | snoozes it, or without a time wakes it |
//! | `touch` | `opportunity` | moves `updatedAt` only |
//! | `delete_opportunity` | `opportunity`, `user`? | deletes it and its application |
//! | `delete_posting` | `posting` | deletes it; applications keep its id |
//! | `anonymize` | `contact` | leaves only metadata, on all its opportunities |
//! | `add_note` | `opportunity`, `text`, `user`? | a note the API cannot change |
//! | `add_feedback` | `opportunity`, `text`, `user`? | feedback by the first template |
//! | `edit_feedback` | `opportunity`, `feedback`, `text` | changes it; no stamp of the opportunity moves |
//! | `add_panel` | `opportunity`, `date`, `user`? | a panel of one interview, closed to the API |
//! | `add_offer` | `opportunity`, `salary` | a draft for the posting applied to |
//! | `advance_offer` | `opportunity`, `offer` | sends it, then has it signed |
//! | `add_file` | `opportunity`, `name`, `user`? | a file of made-up content |
//! | `add_resume` | `opportunity`, `user`? | a resume with a file of made-up content |
//! | `log_file_action` | `opportunity`, `action`, `user`? | an entry of its file actions: `file-added`, `resume-imported`, `file-remove` |
//! | `create_application` | `opportunity`, `posting`, `user`? | makes the application of a lead |
//! | `apply` | `applicant`? | somebody applies on the job site |
//! | `rename_stage` | `stage`, `text` | renames it |
//! | `deactivate_stage` | `stage` | takes it out of the lists; its opportunities stay in it |
//!
//! An act is `{"do": "<act>", ...}`. What is marked `?` may be left out; without `user` the owner of the opportunity acts.
//!
//! A control call that fails answers 404 (unknown record) or 400, with `{"message": "..."}`.

mod act;
mod answer;
mod asked;
mod audit;
mod call;
mod config;
mod control;
mod date;
mod error;
mod faults;
mod garbled;
mod gate;
mod limit;
mod look;
mod oauth;
mod offsets;
mod operations;
mod person;
mod population;
mod random;
mod resources;
mod respond;
mod scopes;
mod sim;
mod webhooks;
mod wire;
mod world;

pub use act::Act;
pub use audit::AuditEntry;
pub use config::{Children, Clock, Config, DEFAULT_KEY, Key, Permissions, Population, RateLimit};
pub use error::{Error, ErrorKind};
pub use faults::{Action, Calls, FaultPlan, FaultRule, When};
pub use oauth::{Consent, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, OAuthApp, OAuthConfig};
pub use sim::Sim;
pub use webhooks::{DeliveryAction, DeliveryConfig, DeliveryEntry, DeliveryPlan, DeliveryRule};
pub use world::{Applicant, FileActionKind};
