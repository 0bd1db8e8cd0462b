//! Pull, push and scheduling: the part of Fulcrum that acts.
//!
//! What to do is decided by `domain`; this crate reads, asks `domain`, calls Lever, commits, and waits.
//! One [`Engine`] serves all connections. Each connection has a pull worker, a push worker, one client and one
//! rate budget. Nothing here knows gRPC.

/// Logs a failure as an error, and one for want of room on the disk for debugging only: the store tells of that once.
macro_rules! log_failure {
    ($error:expr, $($rest:tt)+) => {
        if $crate::error::is_for_want_of_room($error) {
            tracing::debug!(error = %$crate::report($error), $($rest)+)
        } else {
            tracing::error!(error = %$crate::report($error), $($rest)+)
        }
    };
}

mod access;
mod applicant_watch;
mod ask;
mod call;
mod candidate;
mod candidates;
mod cause;
mod changes;
mod clock;
mod connect;
mod connect_links;
mod credential;
mod data;
mod disconnect;
mod download;
mod duplicates;
mod engine;
mod error;
mod estimate;
mod explain;
mod field_mapping;
pub mod figures;
mod gauges;
mod identity;
mod in_stages;
mod inbound;
mod issues;
mod legend;
mod link;
mod lookup;
mod mapping;
mod master_keys;
mod moves;
mod nudge;
mod pause;
mod permissions;
mod profile;
mod progress;
mod pull;
mod push;
mod read;
mod roll;
mod selection;
mod settings;
mod skew;
mod sla_marks;
mod sla_report;
mod snapshots;
mod standing;
mod status;
mod supervise;
mod sync;
#[cfg(test)]
mod testing;
mod traffic;
mod twins;
mod upkeep;
mod user_links;
mod versions;
mod webhook;
mod written;

pub use applicant_watch::{
    ApplicantEvent, ApplicantEvents, ApplicantNews, ApplicantWatch, WatchPlace, WatchQuery,
};
pub use call::{Asked, Called, find_operation, tells_eeo, tells_of_everybody};
pub use candidate::{CandidacyDetail, Candidate, StageStay, StageTime, UnreadList};
pub use candidates::{
    CandidateFilter, CandidateOrder, CandidatePlace, Candidates, CandidatesQuery,
};
pub use cause::Cause;
pub use changes::{ChangeEvent, Changes, ChangesQuery, Happened};
pub use clock::Clock;
pub use connect::{ConnectionPatch, Linked, Linker, NewConnection};
pub use connect_links::{CONSENT_BACK, LinkTarget, consent_scopes};
pub use credential::{CredentialKind, NewCredential, OAuthGrant};
pub use data::unread;
pub use download::{FileBytes, FileDownload, FileSource};
pub use duplicates::{Crowd, DuplicatePair, DuplicatePlace, Duplicates, DuplicatesQuery, Verdict};
pub use engine::Engine;
pub use error::{
    ACCOUNT_CONNECTED, Error, ErrorKind, KEY_REJECTED, PERMISSION_MISSING, Result, Violation,
};
pub use estimate::ImportEstimate;
pub use explain::{
    ExplainHow, ExplainedCandidacy, ExplainedPerson, Explanation, InLever, LeverAnswer, LeverSees,
    LookedFor, StoredList,
};
pub use field_mapping::{FieldPreview, SourceField};
pub use gauges::Figure;
pub use inbound::{AdvanceTarget, Applicant, Applicants, ApplicantsQuery, RejectReason};
pub use issues::{IssueAction, IssueFilter};
pub use lookup::{Agreement, Known, Looked, Lookup, MOST_IDENTITIES, Match, MatchStrength};
pub use mapping::{MappedStage, MappingView, Notice, Preview, SuggestedStage, Suggestions};
pub use moves::OperationMove;
pub use pause::KeyPause;
pub use permissions::{
    ConfidentialAccess, Evidence, KeyState, PermissionReport, PermissionState, PermissionStatus,
    extra_permissions, guide_permissions,
};
pub use profile::Profile;
pub use push::prepare;
pub use push::{
    Acting, ActingPreview, BulkDryRun, BulkItem, BulkRequest, Chosen, DryRun, ExportDryRun, Hold,
    ItemFields, OperationFilter, OperationPage, Planned, PlannedCall, PlannedFile, Rights, Shown,
    Summary, WriteRequest, has_content, sent,
};
pub use read::{Filter, RawRecord, ReadFrom, ReadOne, ReadPage, ReadQuery, Viewer, Whose};
pub use settings::{OAuthClient, PullSettings, Settings};
pub use sla_report::{SlaOverview, SlaQuery, SlaRow};
pub use snapshots::SnapshotSettings;
pub use standing::{Outcome, Standing};
pub use status::{InboundStatus, StreamState, StreamStatus, SyncState, SyncStatus};
pub use sync::{ApiCallPage, QuarantineMark, RunMark, Scheduled, StreamSchedule};
pub use user_links::{LONGEST_EMAIL, UserMatch, UserRow, UserRows};
pub use versions::SavedMapping;
pub use webhook::receive::Received;
pub use webhook::{MOST_GIVEN_TOKENS, WebhookState, webhooks_left};

/// An error with all its sources on one line, for the log.
pub fn report(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
