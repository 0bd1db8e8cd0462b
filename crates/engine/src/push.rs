//! Us to Lever: durable operations, each settled once.
//!
//! A write is recorded before its caller gets an answer. One task per opportunity sends its operations in order;
//! different opportunities go in parallel within the budget. Every call is a single try: whether to send again is
//! decided here, from the operation's own record, so that a crash at any point decides the same way.

mod acting;
mod again;
mod asked;
mod bulk;
mod content;
mod control;
pub(crate) mod count;
mod decide;
pub(crate) mod doubled;
mod export;
mod first_look;
mod foresee;
mod holds;
mod items;
mod judge;
mod merge;
mod moves;
mod outbox;
mod overwrite;
mod pace;
mod plan;
pub mod prepare;
mod provenance;
mod ready;
mod reconcile;
mod send;
mod submit;
mod summary;
mod tried;
mod turn;
mod upload;

pub use acting::ActingPreview;
pub use bulk::{BulkDryRun, BulkItem, BulkRequest, ItemFields};
pub use control::{OperationFilter, OperationPage};
pub use export::ExportDryRun;
pub use foresee::{DryRun, Planned};
pub use judge::Rights;
pub(crate) use outbox::Outbox;
pub use plan::{PlannedCall, PlannedFile, has_content, sent};
pub(crate) use send::fresh_read;
pub use submit::{Acting, Chosen, Hold, WriteRequest};
pub use summary::{Shown, Summary};

use uuid::Uuid;

/// A new time-ordered id.
pub(crate) fn new_id() -> Uuid {
    Uuid::now_v7()
}
