//! The embedded database: typed tables over bytes.
//!
//! [`Store`] keeps one mirror per connection, its mappings, its cursors and its operations in sled.
//! What it promises, and where:
//!
//! - What was acknowledged survives a killed process and a lost power supply ([`durability`], `committer`).
//! - One call is one transaction: all of it is stored, or none. What takes long says that it is several.
//! - A damaged store, or one with data missing, is refused when it is opened, never used silently (`opening`).
//! - A value that was altered on disk is an error when it is read, never another value (`format`).
//!
//! The crate decides nothing about Lever: what a record means is said in [`domain`].
//! It never looks at the clock for what it stores: stamps come in as arguments.

mod backup;
mod calls;
mod candidacies;
mod changes;
mod children;
mod commits;
mod committer;
mod compact;
mod connect_links;
mod connections;
mod credentials;
mod directory;
mod dismissals;
mod draft;
mod duplicates;
pub mod durability;
mod eeo;
mod error;
mod examine;
mod forget;
mod format;
mod health;
mod hydrations;
mod identities;
mod inbox;
mod issues;
mod key_files;
mod listings;
mod mappings;
mod master_keys;
mod nudges;
mod opening;
mod operations;
mod ours;
mod pace;
mod permission_reports;
mod prune;
mod pull;
mod purge;
mod quarantine;
mod recent;
mod records;
mod ring;
mod runs;
mod schedules;
mod seal;
mod sealed;
mod sidecar;
mod sla_marks;
mod space;
mod stage_counts;
mod store;
mod table;
mod tokens;
mod uploads;
mod upsert;
mod user_links;
mod verdict;
mod view;
mod webhooks;

pub use backup::{Backup, BackupHeader, Restored, Scope, Snapshot, Written, restore};
pub use calls::{Answered, ApiCall, CallFilter, CallMark, CallPage, Experience};
pub use candidacies::Order;
pub use children::{ChildApplied, ChildList, ChildRead};
pub use commits::Commits;
pub use compact::{Compacted, Progress, compact};
pub use connect_links::{ConnectLink, LinkPurpose, LinkState, LinkUse};
pub use credentials::{Credential, OAuthTokens, Secrets, StoredCredential};
pub use dismissals::Dismissal;
pub use duplicates::{KeyMark, Reach, Recognized, SharedKey, SharedKeys};
pub use error::{Error, ErrorKind};
pub use examine::{Examined, check, makes_sense};
pub use forget::Forgotten;
pub use hydrations::{StreamState, Waiting};
pub use identities::{Found, Sought};
pub use issues::IssueChanges;
pub use listings::{ListingOutcome, ListingState};
pub use mappings::MappingVersion;
pub use master_keys::{FormerMasterKey, MasterKeys, Resealing};
pub use nudges::{Nudge, NudgeId, Recorded};
pub use opening::{Options, is_store};
pub use operations::Recording;
pub use permission_reports::{PermissionReport, ReportedPermission};
pub use prune::{Pruned, Retention};
pub use pull::{Applied, Deleted, Incoming, Page, Refresh, Secrecy};
pub use quarantine::{QuarantineCount, Quarantined};
pub use recent::CandidacyChanges;
pub use records::{StoredRecord, Tombstones};
pub use runs::{Run, RunCause, RunCounts, RunFilter, RunOutcome, RunScope};
pub use seal::MasterKeyId;
pub use space::Shortage;
pub use store::Store;
pub use tokens::TokenRecord;
pub use uploads::{IncomingFile, KeptFile, ReceivedFile};
pub use user_links::UserLink;
pub use webhooks::StoredWebhook;
