//! What Lever says, in its own words.
//!
//! Every model is lenient: only the id is required, unknown fields are ignored, null, missing and blank
//! mean nothing given, a number stands for its text, enumerations keep what they do not know. Any other value of the
//! wrong kind is an error, so that the record is set aside instead of being half read.
//! Documents with personal data show only their id in `Debug`.

mod account;
mod apply;
mod audit;
mod contact;
mod deleted;
mod feedback;
mod file;
mod form;
mod interview;
pub(crate) mod lenient;
mod note;
mod offer;
mod open;
mod opportunity;
mod posting;
mod requisition;
mod survey;
mod template;
mod webhook;

pub use account::{
    ArchiveReason, CountedText, DispositionReason, DispositionStage, DispositionStages, Pipeline,
    ReasonKind, Stage, User,
};
pub use apply::{Applied, ApplyForm, FormQuestion, QuestionSet};
pub use audit::{AuditActor, AuditEvent, AuditTarget};
pub use contact::{Contact, Phone, Place};
pub use deleted::{DeletedApplication, DeletedPosting};
pub use feedback::{Feedback, FeedbackKind};
pub use file::{
    File, FileAction, FileActionKind, FileStatus, ParsedPosition, ParsedResume, ParsedSchool,
    PartialDate, Resume, ResumeFile, Upload,
};
pub use form::{FormField, FormOption, Group, ProfileForm, Referral};
pub use interview::{FeedbackReminder, Interview, Interviewer, Panel, PanelInterview};
pub use note::{Note, NoteField};
pub use offer::{Offer, OfferDocument, OfferField, OfferStatus};
pub use opportunity::{
    Application, ApplicationType, Archived, DeletedOpportunity, Opportunity, Origin,
    RequisitionForHire, StageChange, Urls,
};
pub use posting::{
    Categories, Posting, PostingRole, PostingState, PostingUser, PostingUsers, SalaryRange,
};
pub use requisition::{
    Approval, ApprovalStep, Approver, Headcount, Requisition, RequisitionField, RequisitionOption,
    RequisitionStatus, RequisitionSubfield,
};
pub use survey::{AnonymousEeoResponse, DiversitySurvey, EeoResponse};
pub use template::{FeedbackTemplate, FormTemplate};
pub use webhook::{Webhook, WebhookConditions, WebhookConfiguration, WebhookEvent};

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

/// Shows nothing of a part that holds personal data and has no id of its own.
macro_rules! debug_nothing {
    ($($name:ident)+) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )+};
}
pub(crate) use debug_nothing;
