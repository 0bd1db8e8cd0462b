//! Whole-system scenarios: the service in a process of its own, a simulated Lever here, driven over gRPC.
//!
//! A scenario proves the wiring; each case of a rule is proven next to the rule.

mod access;
mod architecture;
mod bad_ids;
mod bad_settings;
mod bad_writes;
mod connecting;
mod coverage;
mod crash_pull;
mod crash_write;
mod deletions;
mod disconnecting;
mod downloads;
mod earlier_data;
mod every_permission;
mod extracting;
mod fairness;
mod first_applicants;
mod foreign_lever;
mod forgetting;
mod hiding;
mod histories;
mod left_out;
mod lever_service;
mod lost_answers;
mod main_job;
mod mapping_versions;
mod mirror;
mod oauth;
mod open_roles;
mod permission_report;
mod permissions;
mod quarantine;
mod rate;
mod real_input;
mod repeats;
mod selection;
mod sla_report;
mod start_errors;
mod stopping;
mod support;
mod troubled_reads;
mod uploads;
mod webhooks;
mod write_back;
