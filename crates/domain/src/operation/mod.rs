//! One durable write to Lever: what was asked, and how far it has come.
//!
//! An operation is recorded before its caller gets an answer and settled after Lever has answered.
//! The steps between are pure: [`Operation::after`] says what follows from what happened.
//! A write that is repeated without harm goes back in line when its answer is lost;
//! one that creates is looked for in Lever first and sent again only when it surely is not there;
//! one made of text, of which nobody knows what it does, is sent once.

mod bulk;
mod failure;
mod hold;
mod long_note;
mod write;

use std::fmt;
use std::time::Duration;

use lever::{OpportunityId, Timestamp, UserId};

use crate::acting::Former;
use crate::export::{Made, Verdict};
use crate::id::our_id;
use crate::{ActingBecause, ConnectionId, PassedOver};

pub use bulk::Tally;
pub use failure::{Failure, FailureKind};
pub use hold::Hold;
pub use long_note::{LONGEST_TEXT, MOST_PARTS};
pub use write::{
    Bulk, FILE_ENDINGS, FileUpload, LARGEST_FILE, LONGEST_NOTE, NoteText, Prepared, PreparedKind,
    RawWrite, Rejection, UploadTarget, Write,
};

our_id! {
    /// Our own id of an operation (time-ordered).
    OperationId
}

impl OperationId {
    /// The bits of an id that number the items of a bulk.
    const ROOM: u128 = 0xffff;

    /// An id with room for items below it.
    pub fn with_room(id: uuid::Uuid) -> OperationId {
        OperationId(uuid::Uuid::from_u128(id.as_u128() & !Self::ROOM))
    }

    /// The id of an item, counted from 1, below an id [with room](Self::with_room): so items follow their bulk in
    /// every list that goes by ids.
    pub fn item(self, number: u16) -> OperationId {
        OperationId(uuid::Uuid::from_u128(self.0.as_u128() | u128::from(number)))
    }

    /// Whether it is the id of an item of this bulk.
    pub fn is_item_of(self, bulk: OperationId) -> bool {
        self != bulk && OperationId::with_room(self.0) == bulk
    }

    /// The number of an item.
    pub fn number(self) -> u16 {
        u16::try_from(self.0.as_u128() & Self::ROOM).unwrap_or(u16::MAX)
    }

    /// The id of an item as it is told: it names the bulk.
    pub fn of_item(self) -> String {
        format!("{}/{}", OperationId::with_room(self.0), self.number())
    }
}

/// Where an operation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Durable, and kept back until its time or until a person releases it (X4).
    Held {
        /// When it gets in line by itself.
        release_at: Timestamp,
    },
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
    /// Withdrawn by a person before it was sent, or given up by a person after it failed or who looked in Lever; or not
    /// needed any more, as the failure tells.
    Cancelled(Option<Failure>),
}

impl State {
    /// The name of the state, as the gRPC enum has it without its prefix.
    pub fn name(&self) -> &'static str {
        match self {
            State::Held { .. } => "HELD",
            State::Recorded { .. } => "RECORDED",
            State::Sending { .. } | State::Reconciling { .. } => "SENDING",
            State::Succeeded => "SUCCEEDED",
            State::Failed(_) => "FAILED",
            State::Uncertain(_) => "UNCERTAIN",
            State::Cancelled(_) => "CANCELLED",
        }
    }

    /// Why it did not end well, or was not needed.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            State::Failed(failure) | State::Uncertain(failure) => Some(failure),
            State::Cancelled(why) => why.as_ref(),
            _ => None,
        }
    }

    /// Whether a call for it may still be made: what it needs for that must be kept.
    pub fn may_be_sent(&self) -> bool {
        !self.settled() || matches!(self, State::Uncertain(_))
    }

    /// Whether nothing more happens by itself.
    pub fn settled(&self) -> bool {
        matches!(
            self,
            State::Succeeded | State::Failed(_) | State::Uncertain(_) | State::Cancelled(_)
        )
    }
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
    /// For which of the steps, from 0; 0 where there are none.
    pub step: u32,
    /// Of the read before a write that [overwrites](Write::overwrites), a digest of what it showed of that; of the one before
    /// the first try of a stage move, of the history of stages.
    pub seen: Option<[u8; 32]>,
}

impl Attempt {
    /// Whether it only reads.
    pub fn reads(&self) -> bool {
        ["get", "list"]
            .iter()
            .any(|verb| self.lever_operation.starts_with(verb))
    }

    /// Whether Lever may have acted without saying so.
    pub fn is_unclear(&self) -> bool {
        self.status.is_none_or(|status| status >= 500)
    }

    /// Whether Lever said that it did not act.
    fn is_refused(&self) -> bool {
        self.status
            .is_some_and(|status| (400..500).contains(&status))
    }
}

/// One of several writes that make up an operation, in their order.
#[derive(Clone, PartialEq, Eq)]
pub struct Step {
    /// What it asks of Lever.
    pub write: Write,
    /// As [`Operation::marker`], for this step.
    pub marker: Timestamp,
    /// Whether it is in Lever.
    pub done: bool,
    /// Lever's id of what it created, or of what was there.
    pub result_id: Option<String>,
    /// Whether Lever had it already, so that nothing was sent for it.
    pub there: bool,
}

impl Step {
    /// A step that waits.
    pub fn new(write: Write, marker: Timestamp) -> Step {
        Step {
            write,
            marker,
            done: false,
            result_id: None,
            there: false,
        }
    }

    /// A step that is not needed: Lever has it, under this id where that is known.
    pub fn there_already(write: Write, marker: Timestamp, id: Option<String>) -> Step {
        Step {
            done: true,
            result_id: id,
            there: true,
            ..Step::new(write, marker)
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step")
            .field("write", &self.write)
            .field("done", &self.done)
            .field("there", &self.there)
            .finish_non_exhaustive()
    }
}

/// One durable write to Lever.
#[derive(Clone, PartialEq, Eq)]
pub struct Operation {
    /// Our id.
    pub id: OperationId,
    /// The connection it writes to.
    pub connection: ConnectionId,
    /// The bulk it is an item of.
    pub parent: Option<OperationId>,
    /// The opportunity it changes.
    pub opportunity: OpportunityId,
    /// The caller's id for it, unique per connection for seven days.
    pub request_id: String,
    /// SHA-256 over what was asked, without `request_id`, `wait` and `dry_run`.
    pub digest: [u8; 32],
    /// What is asked of Lever.
    pub write: Write,
    /// The writes it is made of, in order; empty where it is one write.
    pub steps: Vec<Step>,
    /// Where it stands: where the first step stands that is not done, if it has steps.
    pub state: State,
    /// The calls made so far; the oldest are dropped beyond [`Operation::MAX_ATTEMPTS_KEPT`].
    pub attempts: Vec<Attempt>,
    /// Lever's id of what was created.
    pub result_id: Option<String>,
    /// What Lever answered to a raw write that succeeded, as JSON text without secrets.
    pub answer: Option<String>,
    /// The Lever user it is made for.
    pub acting_user: Option<UserId>,
    /// How that user was found.
    pub acting_because: ActingBecause,
    /// Why it is not the user that the caller's e-mail stands for.
    pub passed_over: Option<PassedOver>,
    /// The product user's e-mail that the caller gave.
    pub asked_for: Option<String>,
    /// Who acted for the first calls, where another user was chosen since.
    pub acted_before: Vec<Former>,
    /// Of one about a person whom the mirror did not have when it was asked for, or whom its caller may not see: what that
    /// is. Lever is asked about the person before each call.
    pub unseen: Option<Sight>,
    /// Of tags and links to add: those that were there before, when it was first sent; they are not ours.
    pub found: Vec<String>,
    /// What was asked for and is not written: tags that people have removed in Lever, or that are not ours to remove.
    pub left_out: Vec<String>,
    /// Whether it was asked to mind who put there what: not to add again what people removed, to remove only what is ours.
    /// What is asked in its place minds that too. False of those from before that was kept.
    pub minds_provenance: bool,
    /// The millisecond given to Lever as a note's `createdAt`; it finds the note again (reliability.md 6).
    pub marker: Timestamp,
    /// The name of the token that asked.
    pub asked_by: String,
    /// The id of the rpc that recorded it, as the caller and the log know it; none for those from before that was kept.
    pub rpc: Option<String>,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// Since when it has been in line: since it was recorded, released, or asked for again.
    pub queued_at: Timestamp,
    /// Of one that could be sent and comes from a restored backup: when that was taken. It may have been sent since.
    pub restored_at: Option<Timestamp>,
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

/// What a caller may see of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Confidential people too.
    pub confidential: bool,
    /// Nobody but inbound applicants.
    pub applicants_only: bool,
}

impl Sight {
    /// What two callers both may see.
    #[must_use]
    pub fn and(self, other: Sight) -> Sight {
        Sight {
            confidential: self.confidential && other.confidential,
            applicants_only: self.applicants_only || other.applicants_only,
        }
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
    /// Lever refused it since the user it was made for may not act any more, and it is made for another.
    ChosenAnew,
    /// The key is in a pause after a 429: Lever surely did not act, and is asked once the pause is over, however long
    /// that takes.
    HeldBack,
    /// The answer was lost: Lever may or may not have acted. Also what a start finds after a crash.
    Lost,
    /// What it will overwrite, or a part of what it is looked for in, was read, and is noted with its calls.
    Seen,
    /// Its turn has come, but it may have been sent after the backup was taken that it comes from.
    Suspected,
    /// Lever was read back and shows the effect.
    Found {
        /// Lever's id of what was created.
        result_id: Option<String>,
    },
    /// Lever, or the mirror, was asked about a person to export, and this is what the export comes to.
    Planned(Box<Plan>),
    /// The opportunity is in Lever: its answer says so, or Lever that was read back.
    Made(Made),
    /// Lever was read back and shows nothing.
    NotFound,
    /// Lever could not be read back.
    LookFailed,
    /// Lever was read before another try, and what it shows may be the effect of an earlier one or the work of others.
    Undecided(Failure),
    /// Lever will not let itself be read back, however often it is asked.
    LookRefused(Failure),
    /// A person withdrew it, gives it up after it failed, or knows what came of it.
    Withdrawn,
    /// Its time has come, or a person released it.
    Released,
    /// A person asks for it again.
    Retried,
    /// What it asks for is not needed any more.
    Skipped(Failure),
    /// All items of the bulk have settled.
    ItemsSettled(Tally),
    /// The account was disconnected while Lever's answer was not known.
    Abandoned,
}

/// What an export comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What was decided.
    pub verdict: Verdict,
    /// The writes that it comes to, in order, with those that Lever has already; none where it is blocked, or nothing is
    /// missing in Lever.
    pub steps: Vec<Step>,
    /// Tags that people have removed, and that are not added again.
    pub left_out: Vec<String>,
}

impl Plan {
    /// Where the export stands after the decision.
    fn state(&self) -> State {
        match self.verdict.failure() {
            Some(failure) => State::Failed(failure),
            None if self.steps.iter().all(|step| step.done) => State::Succeeded,
            None => State::Recorded { not_before: None },
        }
    }
}

/// How long an operation waits for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Between a lost answer and the first look, and between looks: Lever's reads may lag behind its writes.
    pub settle: Duration,
    /// How often Lever must be read without finding a creation before it is sent again; at 0 it is sent again at once,
    /// and then it may be there twice.
    pub looks: u32,
    /// After this long without Lever, the operation fails.
    pub give_up: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(10),
            looks: 2,
            give_up: Duration::from_secs(24 * 3600),
        }
    }
}

/// For how long what was found out about a person to export is taken to hold.
const VERDICT_HOLDS: Duration = Duration::from_secs(60);

/// How often the answer to a creation is lost at most: where Lever hides what it made, more would only pile up.
const MOST_CREATIONS: usize = 3;

/// The pause before another try doubles from one second up to 2^6: what waits behind it waits as long.
const LONGEST_DOUBLING: u32 = 6;

impl Operation {
    /// The id as it is told everywhere: that of an item names its bulk.
    pub fn told_id(&self) -> String {
        match self.parent {
            Some(_) => self.id.of_item(),
            None => self.id.to_string(),
        }
    }

    /// The next revision of a settled operation, without what people wrote; none when nothing is left of that.
    ///
    /// One that could still be tried again is over then, since there is nothing to send.
    pub fn scrubbed(&self) -> Option<Operation> {
        let bare = |write: &Write| write.scrubbed();
        let steps: Vec<_> = self.steps.iter().map(|step| bare(&step.write)).collect();
        let write = bare(&self.write);
        let texts = self.found.iter().chain(&self.left_out).count();
        let kept = self.answer.iter().count() + steps.iter().flatten().count() + texts;
        if write.is_none() && kept == 0 {
            return None;
        }
        let state = match &self.state {
            State::Uncertain(failure) => State::Failed(failure.clone()),
            state => state.clone(),
        };
        let with = |(step, bare): (&Step, Option<Write>)| Step {
            write: bare.unwrap_or_else(|| step.write.clone()),
            ..step.clone()
        };
        Some(Operation {
            write: write.unwrap_or_else(|| self.write.clone()),
            steps: self.steps.iter().zip(steps).map(with).collect(),
            answer: None,
            found: Vec::new(),
            left_out: Vec::new(),
            rpc: None,
            state,
            revision: self.revision + 1,
            ..self.clone()
        })
    }

    /// Whether nothing in it tells more of its person than that nobody of that id exists for who asked: so it is of somebody
    /// hidden just as of nobody.
    pub fn tells_of_nobody(&self) -> bool {
        let untold = match &self.state {
            State::Held { .. } | State::Recorded { .. } | State::Sending { .. } => true,
            State::Cancelled(None) => true,
            State::Failed(why) | State::Cancelled(Some(why)) => {
                // What was not even sent depends on nothing that Lever told.
                why.kind == FailureKind::NotFound || self.attempts.is_empty()
            }
            State::Reconciling { .. } | State::Succeeded | State::Uncertain(_) => false,
        };
        let hides = self.unseen.is_some_and(|sight| !sight.confidential);
        hides && untold && self.steps.iter().all(|step| !step.done)
    }

    /// The Lever user for whom a call was made that was sent at a time.
    pub fn acted_at(&self, at: Timestamp) -> Option<&UserId> {
        let former = self.acted_before.iter().find(|former| at < former.until);
        former.map_or(self.acting_user.as_ref(), |former| former.user.as_ref())
    }

    /// How many calls are kept with an operation.
    pub const MAX_ATTEMPTS_KEPT: usize = 50;

    /// The operation after `event`.
    ///
    /// An event that does not fit the state (a late one) leaves the operation as it is.
    pub fn after(&self, event: Event, now: Timestamp, patience: &Patience) -> Operation {
        let mut next = Operation {
            state: self.next_state(event.clone(), now, patience),
            updated_at: now,
            revision: self.revision + 1,
            ..self.clone()
        };
        match event {
            Event::Done { result_id } | Event::Found { result_id } if next.state != self.state => {
                next.achieve(result_id);
            }
            Event::Made(made) if next.state != self.state => next.make(made),
            Event::Planned(plan) if next.state != self.state => next.adopt(*plan),
            Event::Released | Event::Retried if next.state != self.state => {
                next.queued_at = now;
                next.count_items_as(None);
            }
            Event::ItemsSettled(tally) if next.state != self.state => {
                next.count_items_as(Some(tally));
            }
            _ => {}
        }
        // Before it is sent again, others may have made the person.
        if matches!(next.state, State::Recorded { .. }) && next.makes_somebody_again(self) {
            next.steps.clear();
        }
        next
    }

    /// The operation as it may be sent at `now`: nobody is made on what was found out about them a while ago.
    #[must_use]
    pub fn as_of(mut self, now: Timestamp) -> Operation {
        if self.makes_somebody() && now.since(self.updated_at) > VERDICT_HOLDS {
            self.steps.clear();
        }
        self
    }

    /// Whether an export is about to make an opportunity.
    fn makes_somebody(&self) -> bool {
        matches!(self.present_write(), Write::CreateOpportunity(_))
    }

    /// Whether it is to make an opportunity after it was in another state, `before`, with the same in hand.
    fn makes_somebody_again(&self, before: &Operation) -> bool {
        before.makes_somebody() && self.makes_somebody() && before.state != self.state
    }

    /// Notes what became of the items of a bulk, or that they move again.
    fn count_items_as(&mut self, tally: Option<Tally>) {
        if let Write::Bulk(bulk) = &mut self.write {
            bulk.tally = tally;
        }
    }

    /// Notes what the write in hand came to, if that is what the state says; the next step gets in line.
    fn achieve(&mut self, result_id: Option<String>) {
        if self.state != State::Succeeded {
            return;
        }
        let present = self.present_step();
        if let Some(step) = self.steps.get_mut(present) {
            step.done = true;
            step.result_id = result_id.clone();
        }
        if self.result_id.is_none() {
            self.result_id = result_id;
        }
        if self.present_step() < self.steps.len() {
            self.state = State::Recorded { not_before: None };
        }
    }

    /// Takes over what was decided about an export.
    fn adopt(&mut self, plan: Plan) {
        if let Write::Export(export) = &mut self.write {
            export.result.contact = plan.verdict.contact.clone();
            export.result.verdict = Some(plan.verdict.clone());
        }
        if self.state.failure().is_some() {
            return;
        }
        self.steps = plan.steps;
        for tag in plan.left_out {
            // It may have been decided before.
            if !self.left_out.contains(&tag) {
                self.left_out.push(tag);
            }
        }
        if let Some(target) = plan.verdict.opportunity {
            self.result_id = Some(target.as_str().to_owned());
            self.opportunity = target;
        }
    }

    /// Notes the opportunity that the step in hand has made: the export is about it from now on.
    fn make(&mut self, made: Made) {
        if self.state != State::Succeeded {
            return;
        }
        if let Write::Export(export) = &mut self.write {
            export.result.contact = made.contact.or(export.result.contact.take());
            export.result.deduped = made.deduped;
        }
        self.achieve(Some(made.opportunity.as_str().to_owned()));
        self.opportunity = made.opportunity;
    }

    /// Whether it is an export that nothing has been decided about.
    pub fn is_unplanned(&self) -> bool {
        matches!(self.write, Write::Export(_)) && self.steps.is_empty()
    }

    /// Whether the bytes of its files are still needed: also of an export that failed, which goes on when asked again.
    pub fn needs_files(&self) -> bool {
        let goes_on =
            matches!(self.write, Write::Export(_)) && matches!(self.state, State::Failed(_));
        self.state.may_be_sent() || goes_on
    }

    /// Which of the steps is in hand, from 0; their number when all are done.
    pub fn present_step(&self) -> usize {
        let waits = self.steps.iter().position(|step| !step.done);
        waits.unwrap_or(self.steps.len())
    }

    /// The write in hand.
    pub fn present_write(&self) -> &Write {
        let step = self.steps.get(self.present_step());
        step.map_or(&self.write, |step| &step.write)
    }

    /// The operation with another write in hand.
    #[must_use]
    pub fn with_in_hand(mut self, write: Write) -> Operation {
        let present = self.present_step();
        match self.steps.get_mut(present) {
            Some(step) => step.write = write,
            None => self.write = write,
        }
        self
    }

    /// The marker of the write in hand.
    pub fn present_marker(&self) -> Timestamp {
        let step = self.steps.get(self.present_step());
        step.map_or(self.marker, |step| step.marker)
    }

    fn next_state(&self, event: Event, now: Timestamp, patience: &Patience) -> State {
        let write = self.present_write();
        match (&self.state, event) {
            (State::Recorded { .. }, Event::Started) => State::Sending { since: now },
            (State::Recorded { .. }, Event::Suspected) => self.suspected(now),
            (State::Held { .. } | State::Recorded { .. }, Event::Withdrawn) => State::Cancelled(None),
            // Why it was in doubt, or did not work, stays to be seen. A bulk is what its items are.
            (State::Uncertain(failure), Event::Withdrawn) => State::Cancelled(Some(failure.clone())),
            (State::Failed(failure), Event::Withdrawn) if !matches!(write, Write::Bulk(_)) => {
                State::Cancelled(Some(failure.clone()))
            }
            (State::Held { .. }, Event::Released) => State::Recorded { not_before: None },
            (State::Failed(_) | State::Uncertain(_), Event::Retried) => self.once_more(now),
            (
                State::Held { .. } | State::Recorded { .. } | State::Sending { .. },
                Event::Skipped(why),
            ) => State::Cancelled(Some(why)),
            (State::Recorded { .. }, Event::ItemsSettled(tally)) => tally.outcome(),
            (
                State::Held { .. } | State::Recorded { .. } | State::Sending { .. },
                Event::Refused(failure),
            ) => State::Failed(failure),
            (State::Sending { .. } | State::Reconciling { .. }, Event::Abandoned) => {
                State::Uncertain(Failure {
                    kind: FailureKind::Unknown,
                    message: "the account was disconnected before Lever's answer was known: look in Lever"
                        .to_owned(),
                    details: Vec::new(),
                })
            }
            (State::Sending { .. }, Event::Planned(plan)) if self.is_unplanned() => plan.state(),
            (State::Sending { .. }, Event::Done { .. } | Event::Made(_)) => State::Succeeded,
            (State::Sending { .. }, Event::Undecided(failure)) => State::Uncertain(failure),
            (State::Sending { .. }, Event::NotSent) => self.again(now, patience),
            (State::Sending { .. }, Event::HeldBack | Event::ChosenAnew) => {
                State::Recorded { not_before: None }
            }
            (State::Sending { .. }, Event::Lost) if write.sent_once() => {
                State::Uncertain(self.sent_once_and_lost())
            }
            (State::Sending { since }, Event::Lost)
                if patience.looks > 0 && (write.creates() || self.may_be_overwritten()) =>
            {
                State::Reconciling {
                    sent: *since,
                    looks: 0,
                    look_at: now.plus(patience.settle),
                }
            }
            (State::Sending { .. }, Event::Lost) => self.again(now, patience),
            (State::Reconciling { .. }, Event::Found { .. } | Event::Made(_)) => State::Succeeded,
            // What others have changed meanwhile stays.
            (State::Reconciling { .. }, Event::Refused(failure)) => State::Failed(failure),
            // To overwrite what is there still does no harm, however often.
            (State::Reconciling { looks, .. }, Event::NotFound)
                if write.overwrites() && looks + 1 >= patience.looks =>
            {
                self.again(now, patience)
            }
            (State::Reconciling { sent, looks, .. }, Event::NotFound) => {
                if looks + 1 >= patience.looks && self.lost_tries() >= MOST_CREATIONS {
                    State::Uncertain(Failure {
                        kind: FailureKind::Unknown,
                        message: "the answers were lost and Lever, read back, shows nothing"
                            .to_owned(),
                        details: Vec::new(),
                    })
                } else if looks + 1 >= patience.looks {
                    State::Recorded { not_before: None }
                } else {
                    State::Reconciling {
                        sent: *sent,
                        looks: looks + 1,
                        look_at: now.plus(patience.settle),
                    }
                }
            }
            (
                State::Reconciling { .. },
                Event::LookRefused(failure) | Event::Undecided(failure),
            ) => State::Uncertain(failure),
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

    /// Whether the write in hand overwrites something, and may have done so: before it was sent, that was read.
    fn may_be_overwritten(&self) -> bool {
        self.present_write().overwrites() && self.seen_before().is_some()
    }

    /// What is known of a write that is sent once and got no clear answer.
    fn sent_once_and_lost(&self) -> Failure {
        let status = self.writes_made().last().and_then(|attempt| attempt.status);
        let (seen, details) = match status {
            Some(status) => (
                format!("Lever answered with status {status}"),
                vec![("status".to_owned(), status.to_string())],
            ),
            None => ("no answer could be read".to_owned(), Vec::new()),
        };
        Failure {
            kind: FailureKind::Unknown,
            message: format!(
                "{seen}, and whether this call had its effect cannot be told from what others do: look in Lever \
                 before asking again"
            ),
            details,
        }
    }

    /// In line again because a person says so; what may have had its effect is looked for first.
    fn once_more(&self, now: Timestamp) -> State {
        let write = self.present_write();
        match self.lost_at() {
            Some(sent) if write.creates() && write.leaves_a_mark() => State::Reconciling {
                sent,
                looks: 0,
                look_at: now,
            },
            _ => State::Recorded { not_before: None },
        }
    }

    /// When the write in hand was first sent without a clear answer.
    pub fn lost_at(&self) -> Option<Timestamp> {
        self.writes_made()
            .filter(|attempt| attempt.is_unclear())
            .map(|attempt| attempt.at)
            .min()
    }

    /// Whether nothing of it is sent any more, whoever asks: what failed can be tried again.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Succeeded | State::Cancelled(_))
    }

    /// The operation as a store has it that was restored from a backup taken at `taken`.
    ///
    /// What could still be sent then may have been sent since, by the service that went on after the backup.
    pub fn restored(&self, taken: Timestamp) -> Operation {
        if self.is_over() {
            return self.clone();
        }
        Operation {
            restored_at: Some(taken),
            revision: self.revision + 1,
            ..self.clone()
        }
    }

    /// Since when the write in hand may be in Lever although nothing tells of it: it must not be made twice, comes from
    /// a restored backup, and Lever was not asked since. Such a write is [suspected](Event::Suspected) before it is sent,
    /// and an attempt of that time is noted with it.
    pub fn unsure_since(&self) -> Option<Timestamp> {
        let taken = self.restored_at?;
        let present = self.present_step();
        let noted = |attempt: &Attempt| attempt.step as usize == present && attempt.at == taken;
        let asked = self.attempts.iter().any(noted);
        let write = self.present_write();
        ((write.creates() || write.sent_once()) && !asked).then_some(taken)
    }

    /// Where a write stands that may be in Lever since the backup it comes from was taken.
    fn suspected(&self, now: Timestamp) -> State {
        if self.present_write().leaves_a_mark() {
            return State::Reconciling {
                sent: self.restored_at.unwrap_or(now),
                looks: 0,
                look_at: now,
            };
        }
        State::Uncertain(Failure {
            kind: FailureKind::Unknown,
            message: "the store was restored from a backup, this write may have been made after that was taken, and \
                      what it makes cannot be told from what others make: look in Lever before asking again"
                .to_owned(),
            details: Vec::new(),
        })
    }

    /// The calls that were made for the write in hand, without those that only looked.
    fn writes_made(&self) -> impl Iterator<Item = &Attempt> {
        self.of_present().filter(|attempt| !attempt.reads())
    }

    /// The calls that were made for the write in hand.
    fn of_present(&self) -> impl Iterator<Item = &Attempt> {
        let present = self.present_step();
        let of_present = move |attempt: &&Attempt| attempt.step as usize == present;
        self.attempts.iter().filter(of_present)
    }

    /// What the first read since it got in line showed of what the write in hand [overwrites](Write::overwrites), as a
    /// digest; none before that, when nothing can have been sent.
    pub fn seen_before(&self) -> Option<[u8; 32]> {
        let mut since = self.of_present().filter(|one| one.at >= self.queued_at);
        since.find_map(|attempt| attempt.seen)
    }

    /// Back in line, a little later each time; failed when Lever was away for too long.
    fn again(&self, now: Timestamp, patience: &Patience) -> State {
        if now.since(self.queued_at) > patience.give_up {
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

    /// How often the write in hand was sent since it got in line; the looks before it do not count.
    fn tries(&self) -> u32 {
        let since = |attempt: &&Attempt| attempt.at >= self.queued_at;
        let sent = match self.is_unplanned() {
            // It only reads.
            true => self.attempts.iter().filter(since).count(),
            false => self.writes_made().filter(since).count(),
        };
        u32::try_from(sent).unwrap_or(u32::MAX)
    }

    /// How many of these Lever has not turned away.
    fn lost_tries(&self) -> usize {
        let since = |attempt: &&Attempt| attempt.at >= self.queued_at;
        let tries = self.writes_made().filter(since);
        tries.filter(|attempt| !attempt.is_refused()).count()
    }

    /// Notes a call made for the operation.
    pub fn with_attempt(mut self, attempt: Attempt) -> Operation {
        if self.attempts.len() >= Self::MAX_ATTEMPTS_KEPT {
            // What may have had its effect must not be forgotten before what surely had none, nor what was there before.
            let first = |fits: fn(&Attempt) -> bool| self.attempts.iter().position(fits);
            let dropped = first(|one| one.reads() && one.seen.is_none())
                .or_else(|| first(|one| !one.is_unclear() && one.seen.is_none()));
            self.attempts.remove(dropped.unwrap_or(0));
        }
        self.attempts.push(attempt);
        self
    }

    /// Whether it stood back after it was recorded, held or ended until a person asked for it again: time in which others
    /// may have acted.
    pub fn stood_back(&self) -> bool {
        self.queued_at != self.created_at
    }

    /// Whether Lever is being read back.
    pub fn reconciling(&self) -> bool {
        matches!(self.state, State::Reconciling { .. })
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
