//! One durable write to Lever: what was asked, and how far it has come.
//!
//! An operation is recorded before its caller gets an answer and settled after Lever has answered.
//! The steps between are pure: [`Operation::after`] says what follows from what happened.
//! A write that is repeated without harm goes back in line when its answer is lost;
//! one that creates is looked for in Lever first and sent again only when it surely is not there.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use lever::{ArchiveReasonId, OpportunityId, RequisitionId, StageId, Timestamp, UserId};

use crate::ConnectionId;
use crate::id::our_id;

/// The longest note that is written in one piece, in bytes.
pub const LONGEST_NOTE: usize = 60_000;

/// The largest file Lever takes, in bytes (behaviour: "Files").
pub const LARGEST_FILE: u64 = 30 << 20;

our_id! {
    /// Our own id of an operation (time-ordered).
    OperationId
}

/// What a write asks of Lever.
#[derive(Clone, PartialEq, Eq)]
pub enum Write {
    /// Writes a note on the opportunity.
    CreateNote {
        /// The text.
        value: String,
        /// Whether only people with access to secret notes see it.
        secret: bool,
    },
    /// Adds tags; those already there are left alone.
    AddTags {
        /// The tags.
        tags: Vec<String>,
    },
    /// Removes tags; those not there are ignored.
    RemoveTags {
        /// The tags.
        tags: Vec<String>,
    },
    /// Adds sources.
    AddSources {
        /// The sources.
        sources: Vec<String>,
    },
    /// Removes sources.
    RemoveSources {
        /// The sources.
        sources: Vec<String>,
    },
    /// Moves the opportunity to another stage.
    ChangeStage {
        /// The stage to move to.
        stage: StageId,
        /// Refuse if the opportunity is no longer here.
        expected_stage: Option<StageId>,
    },
    /// Archives the opportunity; a reason of type `hired` is a hire.
    Archive {
        /// The archive reason.
        reason: ArchiveReasonId,
        /// The requisition a hire counts for.
        requisition: Option<RequisitionId>,
        /// Whether pending interviews are cancelled.
        clean_interviews: bool,
    },
    /// Takes the opportunity out of the archive; its former stage shows again (F-26).
    Unarchive,
    /// Any write of Lever's API.
    Raw(RawWrite),
    /// Hands a file to Lever (F-27). Its bytes are kept beside the operation until that has settled.
    UploadFile(FileUpload),
}

/// A file for Lever, without its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct FileUpload {
    /// Where it goes.
    pub target: UploadTarget,
    /// The name Lever shows.
    pub name: String,
    /// The media type, such as `application/pdf`.
    pub content_type: String,
    /// How many bytes it has.
    pub size: u64,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// Where in Lever a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UploadTarget {
    /// To the files of the opportunity.
    Opportunity,
    /// To the same files by the old path below candidates, for a key that has only that permission.
    Candidate,
    /// To Lever's uploads, where an application can name it for 24 hours; it belongs to no opportunity.
    Application,
}

impl UploadTarget {
    /// Whether Lever keeps what goes there; what no application names is gone after 24 hours (behaviour: "Files").
    pub fn keeps(self) -> bool {
        self != UploadTarget::Application
    }
}

/// The name of a file may be a person's.
impl fmt::Debug for FileUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileUpload")
            .field("target", &self.target)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Any write of Lever's API, made of text.
#[derive(Clone, PartialEq, Eq)]
pub struct RawWrite {
    /// The name in Lever's API description, such as `createPosting`.
    pub operation: String,
    /// The parameters of the path by name.
    pub path: BTreeMap<String, String>,
    /// The query parameters in order, before encoding, without `perform_as`.
    pub query: Vec<(String, String)>,
    /// The JSON body.
    pub body: Option<String>,
    /// Whether sending it twice would leave two things behind in Lever.
    pub creates: bool,
}

impl RawWrite {
    /// Lever's id of the opportunity the path names, by its new or its old name; none for a path without.
    pub fn opportunity(&self) -> Option<OpportunityId> {
        let id = self
            .path
            .get("opportunity")
            .or_else(|| self.path.get("candidate"));
        id.map(|id| OpportunityId::from(id.as_str()))
    }
}

impl fmt::Debug for RawWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawWrite")
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}

impl Write {
    /// The name of the kind, as the gRPC enum has it without its prefix.
    pub fn kind(&self) -> &'static str {
        match self {
            Write::CreateNote { .. } => "CREATE_NOTE",
            Write::AddTags { .. } => "ADD_TAGS",
            Write::RemoveTags { .. } => "REMOVE_TAGS",
            Write::AddSources { .. } => "ADD_SOURCES",
            Write::RemoveSources { .. } => "REMOVE_SOURCES",
            Write::ChangeStage { .. } => "CHANGE_STAGE",
            Write::Archive { .. } => "ARCHIVE",
            Write::Unarchive => "UNARCHIVE",
            Write::Raw(_) => "RAW",
            Write::UploadFile(_) => "UPLOAD_FILE",
        }
    }

    /// The same write without what people wrote: note texts, tags, sources, names of files, what a raw write carries.
    ///
    /// None when there is nothing of that in it. Such a write is for the record only; it must not be sent.
    pub fn scrubbed(&self) -> Option<Write> {
        let bare = match self {
            Write::CreateNote { secret, .. } => Write::CreateNote {
                value: String::new(),
                secret: *secret,
            },
            Write::AddTags { .. } => Write::AddTags { tags: Vec::new() },
            Write::RemoveTags { .. } => Write::RemoveTags { tags: Vec::new() },
            Write::AddSources { .. } => Write::AddSources {
                sources: Vec::new(),
            },
            Write::RemoveSources { .. } => Write::RemoveSources {
                sources: Vec::new(),
            },
            Write::Raw(raw) => Write::Raw(RawWrite {
                query: Vec::new(),
                body: None,
                ..raw.clone()
            }),
            Write::UploadFile(file) => Write::UploadFile(FileUpload {
                name: String::new(),
                ..file.clone()
            }),
            Write::ChangeStage { .. } | Write::Archive { .. } | Write::Unarchive => return None,
        };
        (bare != *self).then_some(bare)
    }

    /// Whether sending it twice would leave two things behind in Lever.
    pub fn creates(&self) -> bool {
        match self {
            Write::CreateNote { .. } => true,
            Write::Raw(raw) => raw.creates,
            Write::UploadFile(file) => file.target.keeps(),
            _ => false,
        }
    }

    /// Whether what it created can be found again in Lever after a lost answer.
    pub fn leaves_a_mark(&self) -> bool {
        match self {
            Write::CreateNote { .. } => true,
            Write::UploadFile(file) => file.target.keeps(),
            _ => false,
        }
    }
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

/// Where an operation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Durable, and waiting for its turn.
    Recorded {
        /// Not to be sent before this.
        not_before: Option<Timestamp>,
    },
    /// A call may be on its way.
    Sending {
        /// Since when.
        since: Timestamp,
    },
    /// The answer was lost; Lever is read back to find out what happened.
    Reconciling {
        /// When the call was sent.
        sent: Timestamp,
        /// How often Lever was read without finding it.
        looks: u32,
        /// When to look next.
        look_at: Timestamp,
    },
    /// In Lever.
    Succeeded,
    /// Not in Lever; see the failure.
    Failed(Failure),
    /// Nobody can tell; a person decides.
    Uncertain(Failure),
    /// Withdrawn before it was sent.
    Cancelled,
}

impl State {
    /// The name of the state, as the gRPC enum has it without its prefix.
    pub fn name(&self) -> &'static str {
        match self {
            State::Recorded { .. } => "RECORDED",
            State::Sending { .. } | State::Reconciling { .. } => "SENDING",
            State::Succeeded => "SUCCEEDED",
            State::Failed(_) => "FAILED",
            State::Uncertain(_) => "UNCERTAIN",
            State::Cancelled => "CANCELLED",
        }
    }

    /// Whether nothing more happens by itself.
    pub fn settled(&self) -> bool {
        matches!(
            self,
            State::Succeeded | State::Failed(_) | State::Uncertain(_) | State::Cancelled
        )
    }
}

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
        FailureKind::Unavailable,
        FailureKind::Unknown,
    ];

    /// The machine-readable reason in error details.
    pub fn reason(self) -> &'static str {
        match self {
            FailureKind::KeyRejected => "LEVER_KEY_REJECTED",
            FailureKind::PermissionMissing => "LEVER_PERMISSION_MISSING",
            FailureKind::NotFound => "LEVER_NOT_FOUND",
            FailureKind::Invalid => "LEVER_REFUSED",
            FailureKind::StageMoved => "STAGE_MOVED",
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

/// One call made to Lever for an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The operation id of Lever's API description.
    pub lever_operation: String,
    /// When it was sent.
    pub at: Timestamp,
    /// The HTTP status; none when no answer came.
    pub status: Option<u16>,
}

/// One durable write to Lever.
#[derive(Clone, PartialEq, Eq)]
pub struct Operation {
    /// Our id.
    pub id: OperationId,
    /// The connection it writes to.
    pub connection: ConnectionId,
    /// The opportunity it changes.
    pub opportunity: OpportunityId,
    /// The caller's id for it, unique per connection for seven days.
    pub request_id: String,
    /// SHA-256 over what was asked, without `request_id`, `wait` and `dry_run`.
    pub digest: [u8; 32],
    /// What is asked of Lever.
    pub write: Write,
    /// Where it stands.
    pub state: State,
    /// The calls made so far; the oldest are dropped beyond [`Operation::MAX_ATTEMPTS_KEPT`].
    pub attempts: Vec<Attempt>,
    /// Lever's id of what was created.
    pub result_id: Option<String>,
    /// What Lever answered to a raw write that succeeded, as JSON text without secrets.
    pub answer: Option<String>,
    /// The Lever user it is made for.
    pub acting_user: Option<UserId>,
    /// The millisecond given to Lever as a note's `createdAt`; it finds the note again (reliability.md 6).
    pub marker: Timestamp,
    /// The name of the token that asked.
    pub asked_by: String,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
    /// Counts its moves; the store refuses to overwrite a newer one.
    pub revision: u64,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("id", &self.id)
            .field("opportunity", &self.opportunity)
            .field("write", &self.write)
            .field("state", &self.state)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// What happened to an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Its turn has come: a call is about to be made.
    Started,
    /// Lever did what was asked.
    Done {
        /// Lever's id of what was created.
        result_id: Option<String>,
    },
    /// Lever, or our own check, refused for good.
    Refused(Failure),
    /// Lever surely did not act, and the same call is worth making later.
    NotSent,
    /// The key is in a pause after a 429: Lever surely did not act, and is asked once the pause is over, however long
    /// that takes.
    HeldBack,
    /// The answer was lost: Lever may or may not have acted. Also what a start finds after a crash.
    Lost,
    /// Lever was read back and shows the effect.
    Found {
        /// Lever's id of what was created.
        result_id: Option<String>,
    },
    /// Lever was read back and shows nothing.
    NotFound,
    /// Lever could not be read back.
    LookFailed,
    /// Lever will not let itself be read back, however often it is asked.
    LookRefused(Failure),
    /// A person withdrew it.
    Withdrawn,
    /// The account was disconnected while Lever's answer was not known.
    Abandoned,
}

/// How long an operation waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Between a lost answer and the first look, and between looks: Lever's reads may lag behind its writes.
    pub settle: Duration,
    /// After this long without Lever, the operation fails.
    pub give_up: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(10),
            give_up: Duration::from_secs(24 * 3600),
        }
    }
}

/// How often a creation is sent at most: where Lever hides what it made, more would only pile up.
const MOST_CREATIONS: u32 = 3;

/// The pause before another try doubles from one second up to 2^6: what waits behind it waits as long.
const LONGEST_DOUBLING: u32 = 6;

/// How often Lever must be read without finding a creation before it is sent again.
const LOOKS: u32 = 2;

impl Operation {
    /// The next revision of a settled operation, without what people wrote; none when nothing is left of that.
    ///
    /// One that could still be tried again is over then, since there is nothing to send.
    pub fn scrubbed(&self) -> Option<Operation> {
        let bare = self.write.scrubbed();
        if bare.is_none() && self.answer.is_none() {
            return None;
        }
        let state = match &self.state {
            State::Uncertain(failure) => State::Failed(failure.clone()),
            state => state.clone(),
        };
        Some(Operation {
            write: bare.unwrap_or_else(|| self.write.clone()),
            answer: None,
            state,
            revision: self.revision + 1,
            ..self.clone()
        })
    }

    /// How many calls are kept with an operation.
    pub const MAX_ATTEMPTS_KEPT: usize = 50;

    /// The operation after `event`.
    ///
    /// An event that does not fit the state (a late one) leaves the operation as it is.
    pub fn after(&self, event: Event, now: Timestamp, patience: &Patience) -> Operation {
        let state = self.next_state(event.clone(), now, patience);
        let result_id = match event {
            Event::Done { result_id } | Event::Found { result_id } if state == State::Succeeded => {
                result_id.or_else(|| self.result_id.clone())
            }
            _ => self.result_id.clone(),
        };
        Operation {
            state,
            result_id,
            updated_at: now,
            revision: self.revision + 1,
            ..self.clone()
        }
    }

    fn next_state(&self, event: Event, now: Timestamp, patience: &Patience) -> State {
        match (&self.state, event) {
            (State::Recorded { .. }, Event::Started) => State::Sending { since: now },
            (State::Recorded { .. }, Event::Withdrawn) => State::Cancelled,
            (State::Recorded { .. } | State::Sending { .. }, Event::Refused(failure)) => {
                State::Failed(failure)
            }
            (State::Sending { .. } | State::Reconciling { .. }, Event::Abandoned) => {
                State::Uncertain(Failure {
                    kind: FailureKind::Unknown,
                    message: "the account was disconnected before Lever's answer was known: look in Lever"
                        .to_owned(),
                    details: Vec::new(),
                })
            }
            (State::Sending { .. }, Event::Done { .. }) => State::Succeeded,
            (State::Sending { .. }, Event::NotSent) => self.again(now, patience),
            (State::Sending { .. }, Event::HeldBack) => State::Recorded { not_before: None },
            (State::Sending { .. }, Event::Lost)
                if self.write.creates() && !self.write.leaves_a_mark() =>
            {
                State::Uncertain(Failure {
                    kind: FailureKind::Unknown,
                    message: "the answer was lost, and what this call makes cannot be told from what others make: \
                              look in Lever before asking again"
                        .to_owned(),
                    details: Vec::new(),
                })
            }
            (State::Sending { since }, Event::Lost) if self.write.creates() => State::Reconciling {
                sent: *since,
                looks: 0,
                look_at: now.plus(patience.settle),
            },
            (State::Sending { .. }, Event::Lost) => self.again(now, patience),
            (State::Reconciling { .. }, Event::Found { .. }) => State::Succeeded,
            (State::Reconciling { sent, looks, .. }, Event::NotFound) => {
                if looks + 1 >= LOOKS && self.tries() >= MOST_CREATIONS {
                    State::Uncertain(Failure {
                        kind: FailureKind::Unknown,
                        message: "the answers were lost and Lever, read back, shows nothing"
                            .to_owned(),
                        details: Vec::new(),
                    })
                } else if looks + 1 >= LOOKS {
                    State::Recorded { not_before: None }
                } else {
                    State::Reconciling {
                        sent: *sent,
                        looks: looks + 1,
                        look_at: now.plus(patience.settle),
                    }
                }
            }
            (State::Reconciling { .. }, Event::LookRefused(failure)) => State::Uncertain(failure),
            (State::Reconciling { sent, looks, .. }, Event::LookFailed) => {
                if now.since(*sent) > patience.give_up {
                    State::Uncertain(Failure {
                        kind: FailureKind::Unknown,
                        message: "the answer was lost and Lever could not be read back".to_owned(),
                        details: Vec::new(),
                    })
                } else {
                    State::Reconciling {
                        sent: *sent,
                        looks: *looks,
                        look_at: now.plus(patience.settle),
                    }
                }
            }
            (state, _) => state.clone(),
        }
    }

    /// Back in line, a little later each time; failed when Lever was away for too long.
    fn again(&self, now: Timestamp, patience: &Patience) -> State {
        if now.since(self.created_at) > patience.give_up {
            return State::Failed(Failure {
                kind: FailureKind::Unavailable,
                message: "Lever could not be reached for too long; ask again".to_owned(),
                details: Vec::new(),
            });
        }
        let wait = Duration::from_secs(1 << self.tries().saturating_sub(1).min(LONGEST_DOUBLING));
        State::Recorded {
            not_before: Some(now.plus(wait)),
        }
    }

    /// How often the write itself was sent; the looks before it do not count.
    fn tries(&self) -> u32 {
        let sent = self
            .attempts
            .iter()
            .filter(|attempt| !attempt.lever_operation.starts_with("get"));
        u32::try_from(sent.count()).unwrap_or(u32::MAX)
    }

    /// Notes a call made for the operation.
    pub fn with_attempt(mut self, attempt: Attempt) -> Operation {
        if self.attempts.len() >= Self::MAX_ATTEMPTS_KEPT {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt);
        self
    }

    /// Whether Lever is being read back.
    pub fn reconciling(&self) -> bool {
        matches!(self.state, State::Reconciling { .. })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const SECOND: i64 = 1000;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn operation(write: Write) -> Operation {
        Operation {
            id: OperationId::new(Uuid::nil()),
            connection: ConnectionId::new(Uuid::nil()),
            opportunity: OpportunityId::from("o"),
            request_id: "r".to_owned(),
            digest: [0; 32],
            write,
            state: State::Recorded { not_before: None },
            attempts: Vec::new(),
            result_id: None,
            answer: None,
            acting_user: None,
            marker: at(0),
            asked_by: String::new(),
            created_at: at(0),
            updated_at: at(0),
            revision: 0,
        }
    }

    fn note() -> Operation {
        operation(Write::CreateNote {
            value: "hello".to_owned(),
            secret: false,
        })
    }

    /// Runs events one second apart.
    fn run(mut operation: Operation, events: &[Event]) -> Operation {
        for (second, event) in events.iter().enumerate() {
            let now = at((second as i64 + 1) * SECOND);
            operation = operation.after(event.clone(), now, &Patience::default());
        }
        operation
    }

    #[test]
    fn what_is_under_way_when_the_account_is_disconnected_is_uncertain() {
        let lost = [Event::Started, Event::Lost];
        for events in [&lost[..1], &lost] {
            let mut operation = run(note(), events);
            operation = operation.after(Event::Abandoned, at(9), &Patience::default());
            let State::Uncertain(failure) = operation.state else {
                panic!("{:?}", operation.state)
            };
            assert_eq!(failure.kind, FailureKind::Unknown);
        }
        // What waits is cancelled instead, and what has ended stays.
        let waiting = run(note(), &[Event::Abandoned]);
        assert_eq!(waiting.state, State::Recorded { not_before: None });
        let done = Event::Done { result_id: None };
        let ended = run(note(), &[Event::Started, done, Event::Abandoned]);
        assert_eq!(ended.state, State::Succeeded);
    }

    #[test]
    fn a_write_that_is_answered_has_succeeded_with_its_result() {
        let done = run(
            note(),
            &[
                Event::Started,
                Event::Done {
                    result_id: Some("n1".to_owned()),
                },
            ],
        );
        assert_eq!(done.state, State::Succeeded);
        assert_eq!(done.result_id.as_deref(), Some("n1"));
        assert_eq!(done.revision, 2);
    }

    #[test]
    fn a_lost_creation_is_looked_for_twice_before_it_is_sent_again() {
        let lost = run(note(), &[Event::Started, Event::Lost]);
        assert_eq!(
            lost.state,
            State::Reconciling {
                sent: at(SECOND),
                looks: 0,
                look_at: at(12 * SECOND)
            }
        );
        let once = run(note(), &[Event::Started, Event::Lost, Event::NotFound]);
        assert!(once.reconciling());
        let twice = run(
            note(),
            &[
                Event::Started,
                Event::Lost,
                Event::NotFound,
                Event::NotFound,
            ],
        );
        assert_eq!(twice.state, State::Recorded { not_before: None });
    }

    fn raw(creates: bool) -> Operation {
        operation(Write::Raw(RawWrite {
            operation: "createPosting".to_owned(),
            path: BTreeMap::new(),
            query: Vec::new(),
            body: Some(r#"{"text":"Ada"}"#.to_owned()),
            creates,
        }))
    }

    #[test]
    fn a_lost_raw_creation_is_for_a_person_since_nothing_tells_it_from_others() {
        let lost = run(raw(true), &[Event::Started, Event::Lost]);
        assert_eq!(lost.state.name(), "UNCERTAIN");
        let harmless = run(raw(false), &[Event::Started, Event::Lost]);
        assert_eq!(harmless.state.name(), "RECORDED");
    }

    fn upload(target: UploadTarget) -> Operation {
        operation(Write::UploadFile(FileUpload {
            target,
            name: "Ada.pdf".to_owned(),
            content_type: "application/pdf".to_owned(),
            size: 3,
            sha256: [7; 32],
        }))
    }

    #[test]
    fn a_lost_upload_is_looked_for_unless_lever_lets_go_of_it_anyway() {
        for target in [UploadTarget::Opportunity, UploadTarget::Candidate] {
            assert!(run(upload(target), &[Event::Started, Event::Lost]).reconciling());
        }
        let lost = run(
            upload(UploadTarget::Application),
            &[Event::Started, Event::Lost],
        );
        assert_eq!(lost.state.name(), "RECORDED");
    }

    #[test]
    fn the_name_of_a_file_is_neither_in_its_debug_form_nor_kept_when_scrubbed() {
        let upload = upload(UploadTarget::Opportunity).write;
        let Write::UploadFile(file) = &upload else {
            panic!("{upload:?}")
        };
        assert!(!format!("{file:?} {upload:?}").contains("Ada"));
        let bare = Write::UploadFile(FileUpload {
            name: String::new(),
            ..file.clone()
        });
        assert_eq!(upload.scrubbed(), Some(bare.clone()));
        assert_eq!(bare.scrubbed(), None);
    }

    #[test]
    fn nothing_of_what_is_written_shows_in_debug() {
        let answered = Operation {
            answer: Some("Ada".to_owned()),
            ..raw(true)
        };
        let shown = format!("{answered:?}");
        assert!(shown.contains("RAW") && !shown.contains("Ada"), "{shown}");
    }

    #[test]
    fn a_creation_that_never_shows_is_sent_three_times_at_most() {
        let attempt = Attempt {
            lever_operation: "createOpportunityNote".to_owned(),
            at: at(0),
            status: None,
        };
        let mut lost = note();
        for sent in 1..=3 {
            lost = run(lost, &[Event::Started]).with_attempt(attempt.clone());
            lost = run(lost, &[Event::Lost, Event::NotFound, Event::NotFound]);
            let state = if sent < 3 { "RECORDED" } else { "UNCERTAIN" };
            assert_eq!(lost.state.name(), state);
        }
    }

    #[test]
    fn a_lost_creation_that_is_found_is_not_sent_again() {
        let found = Event::Found {
            result_id: Some("n1".to_owned()),
        };
        let settled = run(note(), &[Event::Started, Event::Lost, found]);
        assert_eq!(settled.state, State::Succeeded);
        assert_eq!(settled.result_id.as_deref(), Some("n1"));
    }

    #[test]
    fn a_lost_harmless_write_goes_back_in_line_and_waits() {
        let lost = run(operation(Write::Unarchive), &[Event::Started, Event::Lost]);
        assert_eq!(
            lost.state,
            State::Recorded {
                not_before: Some(at(3 * SECOND))
            }
        );
    }

    #[test]
    fn the_pause_doubles_with_each_try_of_the_write_and_ends_growing_at_about_a_minute() {
        let attempt = |operation: &str| Attempt {
            lever_operation: operation.to_owned(),
            at: at(0),
            status: Some(503),
        };
        let pause = |tries: usize| {
            let mut tried = run(operation(Write::Unarchive), &[Event::Started]);
            for _ in 0..tries {
                tried = tried
                    .with_attempt(attempt("getOpportunity"))
                    .with_attempt(attempt("updateOpportunityArchived"));
            }
            let State::Recorded {
                not_before: Some(until),
            } = tried
                .after(Event::NotSent, at(SECOND), &Patience::default())
                .state
            else {
                panic!("it does not wait");
            };
            until.since(at(SECOND)).as_secs()
        };
        let pauses: Vec<_> = [1, 2, 3, 7, 8, 50].into_iter().map(pause).collect();
        assert_eq!(pauses, [1, 2, 4, 64, 64, 64]);
    }

    #[test]
    fn a_creation_that_cannot_be_read_back_for_a_day_is_uncertain() {
        let lost = run(note(), &[Event::Started, Event::Lost]);
        let soon = lost.after(Event::LookFailed, at(3_600_000), &Patience::default());
        assert!(soon.reconciling());
        let late = lost.after(Event::LookFailed, at(25 * 3_600_000), &Patience::default());
        assert_eq!(late.state.name(), "UNCERTAIN");
    }

    #[test]
    fn a_creation_that_may_not_be_read_back_is_uncertain_at_once() {
        let failure = Failure {
            kind: FailureKind::PermissionMissing,
            message: "m".to_owned(),
            details: Vec::new(),
        };
        let lost = run(note(), &[Event::Started, Event::Lost]);
        let refused = Event::LookRefused(failure.clone());
        let refused = lost.after(refused, at(9 * SECOND), &Patience::default());
        assert_eq!(refused.state, State::Uncertain(failure));
    }

    #[test]
    fn a_write_lever_was_away_for_all_day_has_failed() {
        let late = run(note(), &[Event::Started]).after(
            Event::NotSent,
            at(25 * 3_600_000),
            &Patience::default(),
        );
        assert_eq!(late.state.name(), "FAILED");
    }

    #[test]
    fn a_write_that_a_pause_after_429_held_back_stays_recorded_however_old_it_is() {
        for write in [note(), operation(Write::Unarchive)] {
            let sending = run(write, &[Event::Started]);
            for hours in [0, 25, 24 * 365] {
                let now = at(hours * 3_600_000);
                let held_back = sending.after(Event::HeldBack, now, &Patience::default());
                assert_eq!(held_back.state, State::Recorded { not_before: None });
            }
        }
        let lost = run(note(), &[Event::Started, Event::Lost]);
        let late = lost.after(Event::HeldBack, at(SECOND), &Patience::default());
        assert_eq!(late.state, lost.state);
    }

    #[test]
    fn what_is_settled_stays_settled() {
        let refusal = Failure {
            kind: FailureKind::Invalid,
            message: String::new(),
            details: Vec::new(),
        };
        for settled in [
            run(note(), &[Event::Started, Event::Done { result_id: None }]),
            run(note(), &[Event::Started, Event::Refused(refusal)]),
            run(note(), &[Event::Withdrawn]),
        ] {
            for event in [
                Event::Started,
                Event::Lost,
                Event::NotFound,
                Event::NotSent,
                Event::HeldBack,
                Event::Withdrawn,
            ] {
                let after = settled.after(event, at(99 * SECOND), &Patience::default());
                assert_eq!(after.state, settled.state);
            }
        }
    }

    #[test]
    fn the_text_of_a_note_is_not_in_its_debug_form() {
        assert!(!format!("{:?}", note()).contains("hello"));
    }

    #[test]
    fn a_scrubbed_operation_has_nothing_that_people_wrote_and_cannot_be_tried_again() {
        let failure = Failure {
            kind: FailureKind::Unknown,
            message: "m".to_owned(),
            details: Vec::new(),
        };
        let note = Write::CreateNote {
            value: "Ada".to_owned(),
            secret: true,
        };
        let undecided = Operation {
            state: State::Uncertain(failure.clone()),
            ..operation(note)
        };
        let bare = undecided.scrubbed().unwrap();
        let empty = Write::CreateNote {
            value: String::new(),
            secret: true,
        };
        assert_eq!((&bare.write, bare.revision), (&empty, 1));
        assert_eq!(bare.state, State::Failed(failure));
        assert_eq!(bare.scrubbed(), None);
    }

    #[test]
    fn texts_are_scrubbed_and_ids_are_kept() {
        let texts = || vec!["Ada".to_owned()];
        for write in [
            Write::AddTags { tags: texts() },
            Write::RemoveTags { tags: texts() },
            Write::AddSources { sources: texts() },
            Write::RemoveSources { sources: texts() },
        ] {
            let bare = write.scrubbed().unwrap();
            assert_eq!(bare.kind(), write.kind());
            assert_eq!(bare.scrubbed(), None);
        }
        let stage = Write::ChangeStage {
            stage: "s".into(),
            expected_stage: None,
        };
        assert_eq!(stage.scrubbed(), None);
    }
}
