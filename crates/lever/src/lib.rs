//! The Lever API as a library, usable on its own.
//!
//! Without features the crate is values: ids, wire models, pages and the [`registry`] of operations.
//! The feature `client` adds the HTTP `Client`, endpoints as values, the rate `budget` that all calls of one
//! credential share, `oauth` for credentials that renew themselves, and `webhook` for what Lever sends.
//!
//! The models say what Lever says and interpret nothing; meaning belongs to the crates above.
//! Nothing here prints personal data or secrets: `Debug` and `Display` show ids, statuses and counts.

pub mod expand;
pub mod model;
pub mod registry;

mod decode;
mod id;
mod page;
#[cfg(feature = "client")]
mod surrogates;
mod time;

#[cfg(feature = "client")]
pub mod budget;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod endpoint;
#[cfg(feature = "client")]
mod error;
#[cfg(feature = "client")]
pub mod oauth;
#[cfg(feature = "client")]
pub mod webhook;

pub use decode::DecodeError;
pub use expand::Lifted;
pub use id::{
    ApplicationId, ArchiveReasonId, AuditEventId, ContactId, DiversitySurveyId, EeoResponseId,
    FeedbackId, FeedbackTemplateId, FileActionId, FileId, FormId, FormTemplateId, InterviewId,
    NoteId, OfferId, OpportunityId, PanelId, PostingId, ReferralId, RequisitionFieldId,
    RequisitionId, ResumeId, StageId, UploadId, UserId, WebhookId,
};
pub use model::*;
pub use page::{Malformed, Offset, Page, Record};
pub use registry::{Access, AnswerKind, BodyKind, Method, Operation, PerformAs, Repeat};
pub use time::Timestamp;

#[cfg(feature = "client")]
pub use budget::{Budget, BudgetConfig, Granted, Lane, Late, Pause, PerLane, Snapshot};
#[cfg(feature = "client")]
pub use client::{
    Answer, Attempt, BaseUrl, Chunks, Client, Credential, Download, Http, Jitter, Limits, Observer,
    Obstacle, Region, Unreached,
};
#[cfg(feature = "client")]
pub use endpoint::*;
#[cfg(feature = "client")]
pub use error::{Error, ErrorKind, Retry};
