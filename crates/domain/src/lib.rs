//! What Fulcrum means: mapping, stages, SLA, cursors, operations.
//!
//! Everything here is a pure function or a value: no input or output, no async, no clock.
//! Time comes in as an argument, and so do Lever's lists (stages, archive reasons, users).
//! The only floor below is [`lever`], for its models and ids.

pub mod absence;
pub mod acting;
pub mod answers;
pub mod calendar;
pub mod candidacy;
pub mod change;
mod code;
pub mod connection;
pub mod cursor;
pub mod embedded;
pub mod employer;
pub mod excluded;
pub mod export;
pub mod field_mapping;
pub mod hydration;
mod id;
pub mod identity;
pub mod issue;
pub mod link;
pub mod mapping_document;
pub mod nearest;
pub mod operation;
pub mod provenance;
pub mod schedule;
pub mod sla;
pub mod sla_report;
pub mod stage_history;
pub mod stage_mapping;
pub mod stream;
pub mod suggest;
#[cfg(test)]
mod testing;
pub mod text;
pub mod versioned;
mod violation;

pub use acting::{ActingBecause, PassedOver};
pub use calendar::Calendar;
pub use candidacy::Candidacy;
pub use change::{Change, ChangeKind, Event, RecordChange};
pub use connection::{Connection, ConnectionId, Disconnected, Environment, Region};
pub use cursor::{Cursor, Part};
pub use excluded::{ExcludedField, NotExcludable};
pub use export::ExportSettings;
pub use field_mapping::FieldMapping;
pub use hydration::{Backlog, Hydration, Parent};
pub use issue::{Issue, IssueId, IssueKind, IssueState};
pub use lever::Timestamp;
pub use operation::{Operation, OperationId, Write};
pub use provenance::Ours;
pub use schedule::{Schedule, ScheduleError};
pub use sla::{Sla, SlaState};
pub use stage_mapping::{StageCode, StageMapping};
pub use stream::{Listing, Stream};
pub use suggest::Suggestion;
pub use versioned::{MappingKind, Stamp, Versioned};
pub use violation::Violation;
