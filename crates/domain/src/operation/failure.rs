//! Why an operation did not end well.

use crate::export::Ground;

/// The class of a failure: what a caller can branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// Lever answered 401.
    KeyRejected,
    /// Lever answered 403.
    PermissionMissing,
    /// Lever does not know the opportunity, stage, reason or user.
    NotFound,
    /// Lever refused the content.
    Invalid,
    /// Somebody else moved the person first.
    StageMoved,
    /// Somebody else has archived the person already.
    AlreadyArchived,
    /// Somebody else has changed what was to be overwritten.
    ChangedInLever,
    /// The stage mapping excludes the stage when advancing.
    StageExcluded,
    /// The stage mapping excludes the archive reason when rejecting.
    ReasonExcluded,
    /// Lever wants to know for whom, and nobody was found.
    ActingUserRequired,
    /// People have removed in Lever what was to be added again.
    RemovedInLever,
    /// None of what was to be removed is ours.
    NotOurs,
    /// The product user is no active Lever user, and the connection is strict about that.
    ActingUserUnknown,
    /// Something speaks against exporting the person.
    Blocked(Ground),
    /// The account was disconnected before it was sent.
    Disconnected,
    /// Items of a bulk were not written.
    ItemsFailed,
    /// Lever could not be reached for too long.
    Unavailable,
    /// Whether Lever acted could not be found out.
    Unknown,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: &[FailureKind] = &[
        FailureKind::KeyRejected,
        FailureKind::PermissionMissing,
        FailureKind::NotFound,
        FailureKind::Invalid,
        FailureKind::StageMoved,
        FailureKind::AlreadyArchived,
        FailureKind::ChangedInLever,
        FailureKind::StageExcluded,
        FailureKind::ReasonExcluded,
        FailureKind::ActingUserRequired,
        FailureKind::RemovedInLever,
        FailureKind::NotOurs,
        FailureKind::ActingUserUnknown,
        FailureKind::Blocked(Ground::DoNotContact),
        FailureKind::Blocked(Ground::Anonymized),
        FailureKind::Blocked(Ground::Hired),
        FailureKind::Blocked(Ground::ActiveElsewhere),
        FailureKind::Blocked(Ground::CoolOff),
        FailureKind::Blocked(Ground::WeakMatch),
        FailureKind::Blocked(Ground::NotJudged),
        FailureKind::Disconnected,
        FailureKind::ItemsFailed,
        FailureKind::Unavailable,
        FailureKind::Unknown,
    ];

    /// Whether it tells that the write is not needed, rather than that it went wrong: such a write is cancelled.
    pub fn is_needless(self) -> bool {
        matches!(
            self,
            FailureKind::AlreadyArchived | FailureKind::RemovedInLever | FailureKind::NotOurs
        )
    }

    /// The machine-readable reason in error details.
    pub fn reason(self) -> &'static str {
        match self {
            FailureKind::KeyRejected => "LEVER_KEY_REJECTED",
            FailureKind::PermissionMissing => "LEVER_PERMISSION_MISSING",
            FailureKind::NotFound => "LEVER_NOT_FOUND",
            FailureKind::Invalid => "LEVER_REFUSED",
            FailureKind::StageMoved => "STAGE_MOVED",
            FailureKind::AlreadyArchived => "ALREADY_ARCHIVED",
            FailureKind::ChangedInLever => "CHANGED_IN_LEVER",
            FailureKind::StageExcluded => "STAGE_EXCLUDED",
            FailureKind::ReasonExcluded => "REASON_EXCLUDED",
            FailureKind::ActingUserRequired => "ACTING_USER_REQUIRED",
            FailureKind::RemovedInLever => "REMOVED_IN_LEVER",
            FailureKind::NotOurs => "NOT_OURS",
            FailureKind::ActingUserUnknown => "ACTING_USER_UNKNOWN",
            FailureKind::Blocked(ground) => ground.reason(),
            FailureKind::Disconnected => "DISCONNECTED",
            FailureKind::ItemsFailed => "ITEMS_FAILED",
            FailureKind::Unavailable => "LEVER_UNAVAILABLE",
            FailureKind::Unknown => "OUTCOME_UNKNOWN",
        }
    }
}

/// Why an operation did not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The class.
    pub kind: FailureKind,
    /// One sentence for people, without personal data.
    pub message: String,
    /// Details by name, such as `permission` or `present_stage_id`.
    pub details: Vec<(String, String)>,
}
