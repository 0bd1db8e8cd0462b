//! The kinds of problems.

use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A kind of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum IssueKind {
            $($(#[$doc])* $variant,)*
        }

        impl IssueKind {
            /// Every kind.
            pub const ALL: &[IssueKind] = &[$(IssueKind::$variant,)*];

            /// The name, as the gRPC enum has it without its prefix.
            pub fn name(self) -> &'static str {
                match self { $(IssueKind::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    /// Lever does not accept the key.
    KeyRejected = "KEY_REJECTED",
    /// The OAuth grant is lost.
    GrantLost = "GRANT_LOST",
    /// The connection cannot be worked on at all.
    Unusable = "UNUSABLE",
    /// The key lacks a permission that is used; about that permission.
    PermissionMissing = "PERMISSION_MISSING",
    /// A stream cannot be read; about it.
    StreamFailing = "STREAM_FAILING",
    /// A stream is older than twice its period; about it.
    StreamStale = "STREAM_STALE",
    /// Lever lets nothing through for long.
    PausedByLever = "PAUSED_BY_LEVER",
    /// Webhooks cannot be registered.
    WebhooksNotRegistered = "WEBHOOKS_NOT_REGISTERED",
    /// Deliveries came that are not Lever's.
    WebhooksRefused = "WEBHOOKS_REFUSED",
    /// Records of a stream cannot be read; about the stream.
    Quarantined = "QUARANTINED",
    /// Lever has changed what the stage mapping speaks of; about the kind of change.
    MappingDrift = "MAPPING_DRIFT",
    /// Writes fail; about their kind and the reason.
    WritesFailing = "WRITES_FAILING",
    /// Nobody can tell whether writes are in Lever; about their kind.
    WritesUncertain = "WRITES_UNCERTAIN",
    /// Writes were not made for who asked for them; about the reason.
    ActingUser = "ACTING_USER",
    /// The default acting user of the connection is no active Lever user.
    DefaultActingUser = "DEFAULT_ACTING_USER",
    /// The disk of the service is nearly full.
    DiskLow = "DISK_LOW",
    /// A worker of ours panicked; about it.
    WorkerPanicked = "WORKER_PANICKED",
    /// The field mapping reads a custom field that Lever does not list; about its path.
    FieldGone = "FIELD_GONE",
    /// Notes of ours are in Lever twice.
    NoteTwice = "NOTE_TWICE",
    /// Lever answers nothing.
    LeverUnreachable = "LEVER_UNREACHABLE",
    /// The rate limit of Lever leaves reads no turn.
    NoTurn = "NO_TURN",
}

impl IssueKind {
    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<IssueKind> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether it explains that nothing new is read.
    pub fn stops_reading(self) -> bool {
        matches!(
            self,
            IssueKind::KeyRejected
                | IssueKind::GrantLost
                | IssueKind::Unusable
                | IssueKind::LeverUnreachable
                | IssueKind::NoTurn
                | IssueKind::PausedByLever
        )
    }

    /// Whether it can be why somebody is not found.
    pub fn hides_people(self) -> bool {
        self.stops_reading()
            || matches!(
                self,
                IssueKind::PermissionMissing
                    | IssueKind::StreamFailing
                    | IssueKind::StreamStale
                    | IssueKind::Quarantined
                    | IssueKind::DiskLow
                    | IssueKind::WorkerPanicked
            )
    }

    /// After how long without showing a problem is taken to be gone; none for those that can be looked for.
    pub(super) fn quiet_after(self) -> Option<Duration> {
        match self {
            IssueKind::WebhooksRefused | IssueKind::WorkerPanicked => Some(DAY),
            // The notes of somebody whom nothing happens to are read once in a week or two.
            IssueKind::NoteTwice => Some(14 * DAY),
            _ => None,
        }
    }
}
