//! What Lever says, in its own words.
//!
//! Every model is lenient: only the id is required, unknown fields are ignored, null, missing and blank
//! mean nothing given, enumerations keep what they do not know. A value of the wrong kind is an error,
//! so that the record is set aside instead of being half read.
//! Documents with personal data show only their id in `Debug`.

mod account;
mod contact;
mod lenient;
mod note;
mod open;
mod opportunity;
mod posting;

pub use account::{ArchiveReason, CountedText, ReasonKind, Stage, User};
pub use contact::{Contact, Phone, Place};
pub use note::{Note, NoteField};
pub use opportunity::{
    Application, ApplicationType, Archived, DeletedOpportunity, Opportunity, Origin,
    RequisitionForHire, StageChange, Urls,
};
pub use posting::{Categories, Posting, PostingState};

/// Shows only the id of a document that holds personal data.
macro_rules! debug_id_only {
    ($($name:ident)+) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).field("id", &self.id).finish_non_exhaustive()
            }
        }
    )+};
}
pub(crate) use debug_id_only;
