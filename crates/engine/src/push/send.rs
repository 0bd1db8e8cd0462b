//! Making the call an operation asks for.

use std::time::Duration;

use domain::export::Made;
use domain::operation::{Attempt, Event, Failure, FailureKind, Rejection, State};
use domain::{Connection, Operation, Timestamp, Write};
use lever::{
    Answer, ArchiveReasonId, Client, CreatedOpportunity, Endpoint, Error, ErrorKind, File,
    GetOpportunity, Lane, OpportunityExpand, OpportunityId, RawCall, Record, StageChange, StageId,
    Upload, UserId,
};

use super::again;
use super::judge;
use super::merge::{self, Merge};
use super::moves;
use super::overwrite::Present;
use super::plan::{self, Sending};
use crate::call;
use crate::engine::Shared;
use crate::error::{credential_message, permission_message};
use crate::link::Link;
use crate::pull::{incoming_opportunity, policy};
use crate::skew::Moment;

/// How far Lever's stamps may lie before our sending while Lever has not told its time.
const CLOCKS_DIFFER: Duration = Duration::from_secs(60);
/// The same once it has: its `Date` is cut to seconds, and believed to some more (`skew`).
const TIME_IS_KNOWN: Duration = Duration::from_secs(4);

/// How many of the operations before one are looked through for what they did to the same person.
const LOOKED_THROUGH: usize = 1_000;

/// What a try came to, and the calls it made.
pub(super) struct Outcome {
    pub(super) event: Event,
    /// What Lever answered to a raw write, as far as it is kept.
    pub(super) answer: Option<String>,
    pub(super) attempts: Vec<Attempt>,
}

/// The read that shows where an opportunity stands now.
pub(crate) fn fresh_read(opportunity: &OpportunityId) -> GetOpportunity {
    GetOpportunity {
        opportunity: opportunity.clone(),
        expand: vec![OpportunityExpand::Applications, OpportunityExpand::Contact],
    }
}

/// Makes the call once.
///
/// Where the present state decides (a rejection, or an earlier try that may have had its effect), Lever is read first; of a
/// stage move it was, before the try was noted. `present` is what a write [overwrites](Write::overwrites), read a moment ago.
pub(super) async fn send(
    shared: &Shared,
    link: &Link,
    operation: &Operation,
    present: Option<Present>,
) -> Outcome {
    let mut try_ = Try {
        shared,
        client: link
            .client(lane(operation))
            .with_limits(shared.clients.single_try()),
        connection: link.connection(),
        step: plan::step_number(operation),
        attempts: Vec::new(),
        answer: None,
        present,
    };
    let write = operation.present_write();
    let tried_at = tried_at(operation);
    let looks_first = match write {
        // It was looked at before the try was noted.
        Write::ChangeStage { .. } => false,
        // Whether the caller may see the person is not known yet.
        _ if operation.unseen.is_some() => true,
        // What these came to does not show in the opportunity.
        Write::Raw(_) | Write::Prepared(_) | Write::UploadFile(_) if !again::shows(write) => false,
        write if write.creates() => false,
        write => plan::looks_first(write, operation.stood_back()) || tried_at.is_some(),
    };
    let event = if looks_first {
        match try_.call(&fresh_read(&operation.opportunity)).await {
            Ok(record) if !is_shown(shared, operation, &record).await => {
                Event::Refused(not_there())
            }
            Ok(record) => {
                let tried = match tried_at {
                    Some(at) => Some(Tried::at(shared, link, operation, at).await),
                    None => None,
                };
                match decide(operation, &record.value, tried.as_ref()) {
                    Some(event) => event,
                    None => try_.write(operation).await,
                }
            }
            Err(error) => not_written(&error),
        }
    } else {
        try_.write(operation).await
    };
    if operation.unseen.is_some() && is_absent(&event) && try_.attempts.iter().all(Attempt::reads) {
        // Their status would tell somebody whom the caller may not see from nobody.
        try_.attempts.clear();
    }
    let event = match event {
        // What was to be deleted is gone: an earlier try whose answer was lost did it.
        Event::Refused(failure)
            if unclear_at(operation).is_some()
                && failure.kind == FailureKind::NotFound
                && plan::deletes(write) =>
        {
            Event::Done { result_id: None }
        }
        event => event,
    };
    Outcome {
        event,
        answer: try_.answer,
        attempts: try_.attempts,
    }
}

/// Whether who asked for the operation may see the person, where that was not known before.
pub(super) async fn is_shown(
    shared: &Shared,
    operation: &Operation,
    present: &Record<lever::Opportunity>,
) -> bool {
    let Some(sight) = operation.unseen else {
        return true;
    };
    let sees = judge::sees(shared, operation.connection, sight, present);
    sees.await.unwrap_or_else(|error| {
        log_failure!(
            &error,
            connection = %operation.connection, operation = operation.told_id(), "cannot tell who may see a person"
        );
        false
    })
}

pub(super) fn is_absent(event: &Event) -> bool {
    matches!(event, Event::Refused(failure) if failure.kind == FailureKind::NotFound)
}

/// When the write was tried first, with whatever answer: since then others may have acted as well.
///
/// The last attempt is the one about to be made. One from a restored backup may have been sent since that was taken.
pub(super) fn tried_at(operation: &Operation) -> Option<Timestamp> {
    earlier(operation)
        .map(|attempt| attempt.at)
        .chain(operation.restored_at)
        .min()
}

/// When an earlier try may have had its effect first.
pub(super) fn unclear_at(operation: &Operation) -> Option<Timestamp> {
    earlier(operation)
        .filter(|attempt| attempt.is_unclear())
        .map(|attempt| attempt.at)
        .chain(operation.restored_at)
        .min()
}

/// When an earlier try since the write got in line may have had its effect first.
fn lost_in_line(operation: &Operation) -> Option<Timestamp> {
    let queued = operation.queued_at;
    let tries = earlier(operation).filter(|one| one.is_unclear() && one.at >= queued);
    let restored = operation.restored_at.filter(|at| *at >= queued);
    tries.map(|one| one.at).chain(restored).min()
}

/// The tries of the write in hand before the one about to be made.
fn earlier(operation: &Operation) -> impl Iterator<Item = &Attempt> {
    let earlier = operation
        .attempts
        .split_last()
        .map_or(&[][..], |(_, earlier)| earlier);
    earlier
        .iter()
        .filter(|attempt| attempt.step == plan::step_number(operation))
        .filter(|attempt| {
            attempt.lever_operation == plan::lever_operation(operation.present_write())
        })
}

/// The lane of an operation's calls: somebody waits for one write; a bulk lets that one go first.
pub(super) fn lane(operation: &Operation) -> Lane {
    match operation.parent {
        None => Lane::Interactive,
        Some(_) => Lane::Inbound,
    }
}

/// Shows the present state of an opportunity in the mirror; tells whether that is done.
pub(super) async fn refresh(
    shared: &Shared,
    link: &Link,
    opportunity: &OpportunityId,
    lane: Lane,
) -> bool {
    let sent = Moment::now(&shared.clock);
    let client = link.client(lane).with_limits(shared.clients.single_try());
    let outcome = async {
        let answer = match client.answer(&fresh_read(opportunity)).await {
            // The deleted list tells the mirror.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound) => return Ok(()),
            answer => answer?,
        };
        let requested_at = link.answered(answer.date, sent, Moment::now(&shared.clock));
        let now = shared.clock.now();
        let content = incoming_opportunity(&link.connection(), &answer.value.raw, now)
            .map_err(|malformed| crate::Error::internal(malformed.reason))?;
        let refresh = store::Refresh {
            connection: link.id(),
            requested_at,
            now,
            records: content.records,
            deleted: Vec::new(),
            quarantined: content.quarantined,
            policy: policy(shared, link),
        };
        let applied = shared.store.apply_refresh(refresh).await?;
        if applied.planned > 0 {
            link.hydrate_now.notify_one();
        }
        link.moved();
        Ok::<(), crate::Error>(())
    };
    if let Err(error) = outcome.await {
        tracing::warn!(
            connection = %link.id(), opportunity = %opportunity, error = %crate::report(&error),
            "cannot read an opportunity back after a write"
        );
        return false;
    }
    true
}

struct Try<'a> {
    shared: &'a Shared,
    client: Client,
    connection: Connection,
    /// For which step of the operation.
    step: u32,
    attempts: Vec<Attempt>,
    answer: Option<String>,
    /// What is there to be overwritten.
    present: Option<Present>,
}

impl Try<'_> {
    async fn write(&mut self, operation: &Operation) -> Event {
        match self.merged(operation.present_write()) {
            Ok(None) => self.write_as_it_is(operation).await,
            Ok(Some(write)) => {
                let merged = operation.clone().with_in_hand(write);
                self.write_as_it_is(&merged).await
            }
            Err(event) => event,
        }
    }

    /// The write merged into what Lever has now; none where it needs that not, an event where nothing is to be written.
    fn merged(&self, write: &Write) -> Result<Option<Write>, Event> {
        let merged = match (Merge::of(write), &self.present) {
            (None, _) => return Ok(None),
            (Some(Merge::Contact(contact, change)), present) => {
                let present = match present {
                    Some(Present::Contact(present)) => Some(&**present),
                    _ => None,
                };
                merge::merged_contact(&contact, &change, present)
            }
            (Some(Merge::User(user, change)), Some(Present::User(present))) => {
                let merged = merge::merged_user(&user, &change, present);
                Some(merged.map_err(Event::Refused)?)
            }
            // Nothing can be said of a user who was not read.
            (Some(Merge::User(..)), _) => return Err(Event::NotSent),
        };
        merged.map(Some).ok_or(Event::Done { result_id: None })
    }

    async fn write_as_it_is(&mut self, operation: &Operation) -> Event {
        let file = operation.present_write().file();
        let kept = self.shared.store.kept_file(
            operation.connection,
            operation.id,
            file.map_or(0, |file| file.number),
        );
        if let Some(file) = file
            && !kept.is_whole(file.size).await
        {
            return Event::Refused(file_gone());
        }
        let outcome = match plan::sending(operation, kept) {
            Sending::Note(endpoint) => self
                .call(&endpoint)
                .await
                .map(|note| Some(note.id.as_str().to_owned())),
            Sending::Comment(endpoint) => self
                .call(&endpoint)
                .await
                .map(|note| Some(note.id.as_str().to_owned())),
            Sending::AddTags(endpoint) => self.call(&endpoint).await.map(|_| None),
            Sending::RemoveTags(endpoint) => self.call(&endpoint).await.map(|_| None),
            Sending::AddSources(endpoint) => self.call(&endpoint).await.map(|_| None),
            Sending::RemoveSources(endpoint) => self.call(&endpoint).await.map(|_| None),
            Sending::Stage(endpoint) => self.call(&endpoint).await.map(|_| None),
            Sending::Archived(endpoint) => self.call(&endpoint).await.map(|_| None),
            Sending::Raw(call) => {
                let result = self.raw(&call).await;
                result.map(|id| id.filter(|_| !plan::makes_nothing(operation.present_write())))
            }
            Sending::Create(endpoint) => match self.call(&*endpoint).await {
                Ok(created) => return made(created),
                Err(error) => Err(error),
            },
            Sending::File(endpoint) => self.call(&endpoint).await.map(file_id),
            Sending::CandidateFile(endpoint) => self.call(&endpoint).await.map(file_id),
            Sending::Upload(endpoint) => self.call(&endpoint).await.map(upload_name),
            Sending::Unknown(why) => return Event::Refused(cannot_send(why)),
        };
        match outcome {
            Ok(result_id) => Event::Done { result_id },
            Err(error) => written_or_not(&error),
        }
    }

    async fn call<E: Endpoint>(&mut self, endpoint: &E) -> Result<E::Reply, Error> {
        let at = self.shared.clock.now();
        let outcome = self.client.answer(endpoint).await;
        self.note(E::OPERATION.id, at, &outcome);
        outcome.map(|answer| answer.value)
    }

    /// Makes a raw write; gives Lever's id of what it made.
    async fn raw(&mut self, call: &RawCall) -> Result<Option<String>, Error> {
        let at = self.shared.clock.now();
        let outcome = self.client.call(call).await;
        let operation = call.operation().id;
        self.note(operation, at, &outcome);
        let body = outcome?.value.body;
        self.answer = call::answer_to_keep(operation, &self.connection, &body);
        Ok(call::result_id(&body))
    }

    fn note<T>(&mut self, operation: &str, at: Timestamp, outcome: &Result<Answer<T>, Error>) {
        self.attempts
            .extend(attempt(operation, at, self.step, outcome));
    }
}

/// A call that was made; none in a pause of the key.
pub(super) fn attempt<T>(
    operation: &str,
    at: Timestamp,
    step: u32,
    outcome: &Result<Answer<T>, Error>,
) -> Option<Attempt> {
    if outcome.as_ref().is_err_and(Error::was_held_back) {
        return None;
    }
    let status = match outcome {
        Ok(answer) => Some(answer.status),
        Err(error) => status_of(error),
    };
    Some(Attempt {
        lever_operation: operation.to_owned(),
        at,
        status,
        step,
        seen: None,
    })
}

/// What Lever tells of an opportunity that it made.
fn made(created: CreatedOpportunity) -> Event {
    let opportunity = created.record.value;
    Event::Made(Made {
        opportunity: opportunity.id,
        contact: opportunity.contact,
        deduped: created.deduped,
    })
}

/// The HTTP status behind an error; none when no answer came.
fn status_of(error: &Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::Unauthorized => Some(401),
        ErrorKind::Forbidden { .. } => Some(403),
        ErrorKind::NotFound => Some(404),
        ErrorKind::Invalid { status, .. } | ErrorKind::Unavailable { status } => Some(*status),
        ErrorKind::RateLimited => Some(429),
        _ => None,
    }
}

/// What the present state says about a write that may not be needed, or not be right, any more.
///
/// `tried` tells of earlier tries: a move that the history shows since the first of them, beside those of other
/// operations, was ours, and must not undo what somebody did after it.
pub(super) fn decide(
    operation: &Operation,
    present: &lever::Opportunity,
    tried: Option<&Tried>,
) -> Option<Event> {
    let done = Some(Event::Done { result_id: None });
    match operation.present_write() {
        Write::ChangeStage {
            stage,
            expected_stage,
        } => {
            let entries = tried.map_or_else(Entries::default, |tried| tried.entries(present));
            let unclear = tried.is_some_and(|tried| tried.unclear);
            let expected = expected_stage.as_ref();
            let acting = operation.acting_user.as_ref();
            if present.stage.as_ref() == Some(stage) || unclear && entries.have_ours(acting, stage)
            {
                return done;
            }
            // What a person asks for again is made, as far as nothing else is in its way.
            let lost = tried.is_some_and(|tried| tried.lost_since.is_some());
            if lost && entries.may_have_ours(acting, stage) {
                return Some(Event::Undecided(moved_by_somebody(present)));
            }
            // Somebody else was first, or has moved the person after our first try, which had no effect.
            if expected.is_some_and(|expected| present.stage.as_ref() != Some(expected))
                || tried.is_some_and(|tried| tried.stand_against(&entries))
            {
                return Some(Event::Refused(moved(present)));
            }
            // Who was to be active in a stage, or is one of many, is left alone where they were archived.
            let yields = expected.is_some() || operation.parent.is_some();
            (yields && present.archived.is_some())
                .then(|| Event::Skipped(already_archived(present)))
        }
        Write::Archive {
            reason, rejects, ..
        } => {
            if present.archived.is_none() && tried.is_some_and(|tried| tried.may_be_undone(present))
            {
                return Some(Event::Undecided(again::may_be_undone()));
            }
            let unclear = tried.is_some_and(|tried| tried.unclear);
            let ours = unclear && archived_for(present) == Some(reason);
            let yields = rejects.is_some()
                || operation.stood_back()
                || tried.is_some_and(|tried| archived_by_others(present, tried));
            match present.archived {
                Some(_) if ours => done,
                Some(_) if yields => Some(Event::Skipped(already_archived(present))),
                Some(_) => None,
                None => rejected_elsewhere(rejects.as_ref()?, present),
            }
        }
        Write::Unarchive if present.archived.is_none() => done,
        Write::Unarchive if tried.is_some_and(|tried| tried.may_be_undone(present)) => {
            Some(Event::Undecided(again::may_be_undone()))
        }
        // Others have archived the person after our first try.
        Write::Unarchive => tried
            .filter(|tried| tried.in_line && archived_by_others(present, tried))
            .map(|_| Event::Skipped(already_archived(present))),
        write => {
            let tried = tried.filter(|tried| tried.lost_since.is_some())?;
            match again::is_as_asked(write, present)? {
                true => done,
                false => tried
                    .may_be_undone(present)
                    .then(|| Event::Undecided(again::may_be_undone())),
            }
        }
    }
}

/// Whether others have archived an opportunity since it was tried first.
fn archived_by_others(present: &lever::Opportunity, tried: &Tried) -> bool {
    let at = present.archived.as_ref().and_then(|it| it.archived_at);
    let reason = archived_for(present);
    let ours = reason.is_some_and(|reason| tried.ours.archived_for.contains(reason));
    at.is_some_and(|at| at >= tried.since()) && !ours
}

/// The reason that an opportunity is archived for.
fn archived_for(present: &lever::Opportunity) -> Option<&ArchiveReasonId> {
    present.archived.as_ref()?.reason.as_ref()
}

/// Somebody else was first, for whatever reason: what follows from an archiving, such as an e-mail, is theirs.
fn already_archived(present: &lever::Opportunity) -> Failure {
    let reason = archived_for(present).map_or("", |reason| reason.as_str());
    Failure {
        kind: FailureKind::AlreadyArchived,
        message: "the person is archived already: nothing was written over that".to_owned(),
        details: vec![("present_archive_reason_id".to_owned(), reason.to_owned())],
    }
}

/// What follows from a rejection of somebody who was to be in another stage.
fn rejected_elsewhere(rejects: &Rejection, present: &lever::Opportunity) -> Option<Event> {
    let expected = rejects.expected_stage.as_ref()?;
    (present.stage.as_ref() != Some(expected)).then(|| Event::Refused(moved(present)))
}

/// Somebody else was first.
fn moved(present: &lever::Opportunity) -> Failure {
    let present_stage = present.stage.as_ref().map_or("", |stage| stage.as_str());
    Failure {
        kind: FailureKind::StageMoved,
        message: "the person is in another stage: nothing was written over that; RetryOperation writes over it where \
                  no stage was expected, else ask anew with the present stage as the expected one"
            .to_owned(),
        details: vec![("present_stage_id".to_owned(), present_stage.to_owned())],
    }
}

/// Lever shows the move, and whose it is cannot be told.
fn moved_by_somebody(present: &lever::Opportunity) -> Failure {
    Failure {
        kind: FailureKind::Unknown,
        message: "the answer was lost, and the move that Lever shows since may be this one or somebody's own: \
                  look in Lever before asking again"
            .to_owned(),
        ..moved(present)
    }
}

/// How far a time of ours may be from the one which Lever has.
fn doubt(shared: &Shared, link: &Link) -> Duration {
    match link.known_lever_now(&shared.clock) {
        Some(_) => TIME_IS_KNOWN,
        None => CLOCKS_DIFFER,
    }
}

/// The earliest time on Lever's clock at which what was sent at `at` may have come there.
pub(super) fn earliest(shared: &Shared, link: &Link, at: Timestamp) -> Timestamp {
    link.lever_time(at).minus(doubt(shared, link))
}

/// Earlier tries.
pub(super) struct Tried {
    /// Whether one may have had its effect.
    unclear: bool,
    /// When the first was sent, on Lever's clock as far as we know it.
    sent: Timestamp,
    /// How far that may be from the time which Lever has.
    doubt: Duration,
    /// Whether one was made since the write got in line: what a person asks for again is made whatever was before.
    in_line: bool,
    /// Since when one may have had its effect that was made since the write got in line, on Lever's clock at the earliest.
    lost_since: Option<Timestamp>,
    /// What the first try of a move [found](moves::found).
    found: Option<[u8; 32]>,
    /// What was [noted](again::noted_stamp) with the first try.
    stamp: Option<[u8; 32]>,
    /// Since when moves of others stand against it: since the first try, but not of those before a person asked for it
    /// again. None while it was not tried since then.
    stands_against: Option<Timestamp>,
    /// What other operations of ours have done since then.
    ours: Ours,
}

impl Tried {
    pub(super) async fn at(
        shared: &Shared,
        link: &Link,
        operation: &Operation,
        at: Timestamp,
    ) -> Tried {
        let doubt = doubt(shared, link);
        let again = earlier(operation)
            .map(|attempt| attempt.at)
            .filter(|at| *at >= operation.queued_at);
        // By itself no clock tells: whatever came after the first look stands against it.
        let stands_against = match operation.stood_back() {
            true => again.min().map(|at| link.lever_time(at).minus(doubt)),
            false => Some(Timestamp::from_millis(i64::MIN)),
        };
        Tried {
            unclear: unclear_at(operation).is_some(),
            sent: link.lever_time(at),
            stands_against,
            doubt,
            in_line: earlier(operation).any(|one| one.at >= operation.queued_at),
            lost_since: lost_in_line(operation).map(|at| link.lever_time(at).minus(doubt)),
            found: moves::found(operation),
            stamp: again::noted_stamp(operation),
            ours: ours_before(shared, link, operation, at, doubt).await,
        }
    }

    /// Whether people may have taken back what Lever does not show.
    fn may_be_undone(&self, present: &lever::Opportunity) -> bool {
        let moved = |since| again::has_moved(present, self.stamp, since);
        self.lost_since.is_some_and(moved)
    }

    /// Since when what is seen in Lever may have come after the first try.
    fn since(&self) -> Timestamp {
        self.sent.minus(self.doubt)
    }

    /// Whether somebody has moved the person, and that stands against the move.
    fn stand_against(&self, entries: &Entries<'_>) -> bool {
        let Some(since) = self.stands_against else {
            return false;
        };
        let mut entries = entries.list.iter();
        entries.any(|entry| entry.updated_at.is_some_and(|at| at >= since))
    }

    /// How the person came to stages since the first try, without what other operations of ours did.
    fn entries<'p>(&self, present: &'p lever::Opportunity) -> Entries<'p> {
        let exact = self.found.and_then(|found| moves::beyond(present, found));
        let sure_since = match exact {
            Some(_) => None,
            None => Some(self.sent),
        };
        let since = exact.unwrap_or_else(|| self.entries_by_time(present));
        let mut others: Vec<&Moved> = self.ours.moved.iter().collect();
        // Each of them made one.
        let of_none = |entry: &&StageChange| {
            let place = others.iter().position(|moved| moved.may_be(entry));
            place.map(|place| others.remove(place)).is_none()
        };
        Entries {
            list: since.into_iter().filter(of_none).collect(),
            sure_since,
        }
    }

    /// The same where it is not known what the first try found: by Lever's clock as far as it is known.
    fn entries_by_time<'p>(&self, present: &'p lever::Opportunity) -> Vec<&'p StageChange> {
        let since = self.since();
        let entries = present.stage_changes.iter();
        let recent = entries.filter(|entry| entry.updated_at.is_some_and(|at| at >= since));
        recent.collect()
    }
}

/// Moves since the first try that no other operation of ours has made: this one has, or people have.
#[derive(Default)]
struct Entries<'p> {
    list: Vec<&'p StageChange>,
    /// Where they were told by the time alone: what is dated before this may have come before the first try.
    sure_since: Option<Timestamp>,
}

impl Entries<'_> {
    /// Whether one is the effect of a try that was made for `acting`: Lever names that user, and mostly nobody where nobody
    /// acts. Where the time alone speaks for us, what surely came after the first try may name nobody all the same.
    fn have_ours(&self, acting: Option<&UserId>, stage: &StageId) -> bool {
        self.leading_to(stage).any(|entry| {
            let by = entry.user_id.as_ref();
            let unnamed = self.sure_since.is_some() && by.is_none();
            by == acting || unnamed && self.is_surely_since(entry)
        })
    }

    /// Whether one names somebody and may be the effect of a try that was made for nobody: whom Lever names then, it does
    /// not tell.
    fn may_have_ours(&self, acting: Option<&UserId>, stage: &StageId) -> bool {
        let mut entries = self.leading_to(stage);
        acting.is_none() && entries.any(|entry| self.is_surely_since(entry))
    }

    fn leading_to(&self, stage: &StageId) -> impl Iterator<Item = &StageChange> {
        let entries = self.list.iter().copied();
        entries.filter(move |entry| entry.to_stage_id.as_ref() == Some(stage))
    }

    fn is_surely_since(&self, entry: &StageChange) -> bool {
        entry.updated_at >= self.sure_since
    }
}

/// What operations recorded before this one have done to the person since about `tried_at`.
///
/// Where that cannot be read, what Lever shows decides alone.
async fn ours_before(
    shared: &Shared,
    link: &Link,
    operation: &Operation,
    tried_at: Timestamp,
    doubt: Duration,
) -> Ours {
    let mut ours = Ours::default();
    if !matches!(
        operation.present_write(),
        Write::ChangeStage { .. } | Write::Archive { .. } | Write::Unarchive
    ) {
        return ours;
    }
    let earlier = shared
        .store
        .operations(
            operation.connection,
            Some(&operation.opportunity),
            Some(operation.id),
            LOOKED_THROUGH,
        )
        .await;
    for other in earlier.unwrap_or_default() {
        let own = plan::lever_operation(&other.write);
        let attempts = other.attempts.iter();
        let mut sent = attempts.filter(|attempt| attempt.lever_operation == own);
        match &other.write {
            Write::ChangeStage { stage, .. } if other.state == State::Succeeded => {
                // Some that were earlier are not looked for in vain: each entry has its time.
                ours.moved.extend(sent.next().map(|first| Moved {
                    to: stage.clone(),
                    from: link.lever_time(first.at).minus(doubt),
                    until: link.lever_time(other.updated_at).plus(doubt),
                }));
            }
            Write::Archive { reason, .. } => {
                let since = tried_at.minus(doubt).minus(CLOCKS_DIFFER);
                if sent.any(|attempt| attempt.at >= since) {
                    ours.archived_for.push(reason.clone());
                }
            }
            _ => {}
        }
    }
    ours
}

/// What other operations of ours have done to a person.
#[derive(Default)]
struct Ours {
    /// The stages they have moved the person to.
    moved: Vec<Moved>,
    /// The reasons they may have archived the person for, since an operation was tried first.
    archived_for: Vec<ArchiveReasonId>,
}

/// A move of an operation that succeeded; Lever dates it between two times on its clock.
struct Moved {
    to: StageId,
    from: Timestamp,
    until: Timestamp,
}

impl Moved {
    fn may_be(&self, entry: &StageChange) -> bool {
        let is_then = |at: Timestamp| self.from <= at && at <= self.until;
        entry.to_stage_id.as_ref() == Some(&self.to) && entry.updated_at.is_some_and(is_then)
    }
}

/// A raw write that was recorded by a version which knew it.
fn cannot_send(why: String) -> Failure {
    Failure {
        kind: FailureKind::Invalid,
        message: format!("the call cannot be sent: {why}"),
        details: Vec::new(),
    }
}

/// Lever's id of a file it has taken.
fn file_id(file: Record<File>) -> Option<String> {
    Some(file.value.id.as_str().to_owned())
}

/// What an application names an upload by.
fn upload_name(upload: Record<Upload>) -> Option<String> {
    let Upload { id, uri, .. } = upload.value;
    Some(if uri.is_empty() {
        id.as_str().to_owned()
    } else {
        uri
    })
}

/// An upload whose bytes somebody removed, or a restored backup does not have.
fn file_gone() -> Failure {
    Failure {
        kind: FailureKind::Invalid,
        message: "the bytes of the file are gone from the data directory: upload it again"
            .to_owned(),
        details: Vec::new(),
    }
}

/// What an error of the write itself means: Lever may have acted.
fn written_or_not(error: &Error) -> Event {
    match refusal(error) {
        Some(failure) => Event::Refused(failure),
        None if error.may_have_acted() => Event::Lost,
        None => not_sent(error),
    }
}

/// What an error of the read before the write means: nothing was written.
pub(super) fn not_written(error: &Error) -> Event {
    refusal(error).map_or_else(|| not_sent(error), Event::Refused)
}

fn not_sent(error: &Error) -> Event {
    match error.pause() {
        Some(_) => Event::HeldBack,
        None => Event::NotSent,
    }
}

/// Lever does not have it; what is said also of people whom the caller may not see.
pub(super) fn not_there() -> Failure {
    Failure {
        kind: FailureKind::NotFound,
        message: "Lever does not have this record (any more)".to_owned(),
        details: Vec::new(),
    }
}

/// A refusal for good, as far as the error is one.
fn refusal(error: &Error) -> Option<Failure> {
    let failure = |kind, message: String, details| {
        Some(Failure {
            kind,
            message,
            details,
        })
    };
    if let Some(message) = credential_message(error) {
        return failure(FailureKind::KeyRejected, message.to_owned(), Vec::new());
    }
    match error.kind() {
        ErrorKind::Forbidden { permission } => failure(
            FailureKind::PermissionMissing,
            permission_message(permission),
            vec![("permission".to_owned(), (*permission).to_owned())],
        ),
        ErrorKind::NotFound => Some(not_there()),
        ErrorKind::Invalid { status, message } => failure(
            FailureKind::Invalid,
            if message.is_empty() {
                format!(
                    "Lever refused the write with status {status}, without a reason: \
                     compare its content with Lever's API description"
                )
            } else {
                format!("Lever refused the write with status {status}: {message}")
            },
            Vec::new(),
        ),
        ErrorKind::InvalidRequest => failure(
            FailureKind::Invalid,
            "the ids of the write cannot be Lever's".to_owned(),
            Vec::new(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use domain::ConnectionId;
    use serde_json::json;

    use super::*;
    use crate::testing;

    #[tokio::test(start_paused = true)]
    async fn what_meets_a_pause_after_429_was_not_sent_and_stands_still() {
        let (_folder, engine, id) = testing::unlinked(lever::BudgetConfig::default()).await;
        let client = engine.link(id).unwrap().client(Lane::Interactive);
        let hour = Duration::from_secs(3600);
        client.budget().saw_rate_limit(Some(hour));
        let error = client.send(&fresh_read(&"o".into())).await.unwrap_err();
        assert_eq!(written_or_not(&error), Event::HeldBack);
        assert_eq!(not_written(&error), Event::HeldBack);
    }

    fn opportunity(value: serde_json::Value) -> lever::Opportunity {
        serde_json::from_value(value).unwrap()
    }

    fn asked(write: Write) -> Operation {
        testing::operation(ConnectionId::from_bytes([0; 16]), "r", write)
    }

    fn move_to(stage: &str, expected: Option<&str>) -> Operation {
        asked(Write::ChangeStage {
            stage: StageId::from(stage),
            expected_stage: expected.map(StageId::from),
        })
    }

    fn archive(reason: &str, rejects: Option<Rejection>) -> Operation {
        asked(Write::Archive {
            reason: ArchiveReasonId::from(reason),
            requisition: None,
            clean_interviews: false,
            rejects,
        })
    }

    /// Tried first at a time; nobody else of ours has done anything since.
    fn tried(ms: i64) -> Tried {
        Tried {
            unclear: true,
            sent: Timestamp::from_millis(ms),
            stands_against: Some(Timestamp::from_millis(i64::MIN)),
            doubt: Duration::ZERO,
            in_line: true,
            lost_since: Some(Timestamp::from_millis(ms)),
            found: None,
            stamp: None,
            ours: Ours::default(),
        }
    }

    #[test]
    fn what_is_done_already_is_not_done_again() {
        let present = opportunity(
            json!({"id": "o", "stage": "b", "archived": {"reason": "r", "archivedAt": 1}}),
        );
        let done = Some(Event::Done { result_id: None });
        assert_eq!(decide(&move_to("b", None), &present, None), done);
        assert_eq!(decide(&move_to("b", Some("a")), &present, None), done);
        assert_eq!(decide(&archive("r", None), &present, Some(&tried(0))), done);
        assert_eq!(decide(&asked(Write::Unarchive), &present, None), None);
        let active = opportunity(json!({"id": "o", "stage": "b", "archived": null}));
        assert_eq!(decide(&asked(Write::Unarchive), &active, None), done);
    }

    #[test]
    fn whoever_was_archived_by_others_is_not_rejected_and_not_archived_after_a_hold() {
        let present = opportunity(json!({"id": "o", "archived": {"reason": "r", "archivedAt": 1}}));
        let rejection = |reason| archive(reason, Some(Rejection::default()));
        let held = |reason| {
            let recorded = archive(reason, None);
            Operation {
                queued_at: recorded.created_at.plus(Duration::from_secs(60)),
                ..recorded
            }
        };
        let tried = tried(0);
        let why =
            |operation: &Operation, tried: Option<&Tried>| match decide(operation, &present, tried)
            {
                Some(Event::Skipped(why)) => why,
                other => panic!("{other:?}"),
            };
        for operation in [rejection("r"), rejection("other"), held("r"), held("other")] {
            let why = why(&operation, None);
            assert_eq!(why.kind, FailureKind::AlreadyArchived);
            let reason = ("present_archive_reason_id".to_owned(), "r".to_owned());
            assert_eq!(why.details, [reason]);
        }
        // An earlier try of ours may have done it, but not for another reason.
        for (ours, not_ours) in [
            (rejection("r"), rejection("other")),
            (held("r"), held("other")),
        ] {
            let done = Some(Event::Done { result_id: None });
            assert_eq!(decide(&ours, &present, Some(&tried)), done);
            assert_eq!(
                why(&not_ours, Some(&tried)).kind,
                FailureKind::AlreadyArchived
            );
        }
        let active = opportunity(json!({"id": "o", "archived": null}));
        assert_eq!(decide(&rejection("r"), &active, None), None);
        assert_eq!(decide(&held("r"), &active, None), None);
    }

    /// A hire, say, while our archiving was under way or turned away for now.
    #[test]
    fn what_others_archived_after_the_first_try_stays_as_it_is() {
        let present = opportunity(
            json!({"id": "o", "updatedAt": 9, "archived": {"reason": "hired", "archivedAt": 9}}),
        );
        for unclear in [true, false] {
            let after = Tried {
                unclear,
                lost_since: unclear.then(|| Timestamp::from_millis(5)),
                ..tried(5)
            };
            for write in [archive("r", None), asked(Write::Unarchive)] {
                let told = decide(&write, &present, Some(&after));
                // An unarchiving whose answer was lost may have been made before that.
                match unclear && write.write == Write::Unarchive {
                    true => assert!(matches!(told, Some(Event::Undecided(_))), "{told:?}"),
                    false => assert!(matches!(told, Some(Event::Skipped(_))), "{told:?}"),
                }
                // Before it, the caller may have known.
                assert_eq!(decide(&write, &present, Some(&tried(10))), None);
                let ours = Ours {
                    archived_for: vec![ArchiveReasonId::from("hired")],
                    ..Ours::default()
                };
                let ours = Tried {
                    ours,
                    lost_since: None,
                    ..tried(5)
                };
                assert_eq!(decide(&write, &present, Some(&ours)), None);
            }
        }
    }

    #[test]
    fn nobody_who_was_archived_is_moved_on_where_that_was_not_expected() {
        let present = opportunity(
            json!({"id": "o", "stage": "a", "archived": {"reason": "r", "archivedAt": 1}}),
        );
        let skipped = |operation: &Operation| {
            matches!(decide(operation, &present, None), Some(Event::Skipped(_)))
        };
        let of_bulk = Operation {
            parent: Some(move_to("b", None).id),
            ..move_to("b", None)
        };
        assert!(skipped(&move_to("b", Some("a"))) && skipped(&of_bulk));
        assert!(!skipped(&move_to("b", None)));
        assert!(matches!(
            decide(&move_to("b", Some("c")), &present, None),
            Some(Event::Refused(_))
        ));
    }

    #[test]
    fn somebody_else_s_move_is_respected_and_told() {
        let present = opportunity(json!({"id": "o", "stage": "elsewhere"}));
        let Some(Event::Refused(failure)) = decide(&move_to("b", Some("a")), &present, None) else {
            panic!("the move was not refused");
        };
        assert_eq!(failure.kind, FailureKind::StageMoved);
        assert_eq!(
            failure.details,
            [("present_stage_id".to_owned(), "elsewhere".to_owned())]
        );
        assert_eq!(
            decide(&move_to("b", Some("elsewhere")), &present, None),
            None
        );
        assert_eq!(decide(&move_to("b", None), &present, None), None);
    }

    #[test]
    fn tags_are_written_at_first_whatever_is_there() {
        let present = opportunity(json!({"id": "o", "tags": ["a"]}));
        assert_eq!(
            decide(
                &asked(Write::AddTags {
                    tags: vec!["a".to_owned()]
                }),
                &present,
                None
            ),
            None
        );
    }

    #[test]
    fn a_move_that_had_its_effect_does_not_undo_what_somebody_did_since() {
        let present = opportunity(json!({"id": "o", "stage": "c", "stageChanges": [
            {"toStageId": "a", "updatedAt": 1_000}, {"toStageId": "b", "updatedAt": 5_000}, {"toStageId": "c", "updatedAt": 6_000}
        ]}));
        let done = Some(Event::Done { result_id: None });
        let (wary, plain) = (move_to("b", Some("a")), move_to("b", None));
        assert_eq!(decide(&wary, &present, Some(&tried(4_000))), done);
        assert_eq!(decide(&plain, &present, Some(&tried(4_000))), done);
        // The entries that the history shows were those of other operations.
        let moved = |to: &str, at: i64| Moved {
            to: StageId::from(to),
            from: Timestamp::from_millis(at - 10),
            until: Timestamp::from_millis(at + 10),
        };
        let others = |moved: Vec<Moved>| Tried {
            ours: Ours {
                moved,
                ..Ours::default()
            },
            ..tried(4_000)
        };
        let both = others(vec![moved("b", 5_000), moved("c", 6_000)]);
        assert_eq!(decide(&plain, &present, Some(&both)), None);
        // One was not, or came after a try without an effect: a person's, which stays.
        let one = others(vec![moved("b", 5_000)]);
        for tried in [one, tried(5_001)] {
            let told = decide(&plain, &present, Some(&tried));
            assert!(matches!(told, Some(Event::Refused(_))), "{told:?}");
        }
        // Whoever asks again has seen it.
        let asked_again = |since: Option<i64>| Tried {
            stands_against: since.map(Timestamp::from_millis),
            ..tried(5_001)
        };
        for since in [None, Some(6_001)] {
            let tried = asked_again(since);
            assert_eq!(decide(&plain, &present, Some(&tried)), None);
        }
        let told = decide(&plain, &present, Some(&asked_again(Some(5_999))));
        assert!(matches!(told, Some(Event::Refused(_))), "{told:?}");
        // Another of the same stage, long before: this one was ours.
        let long_ago = others(vec![moved("b", 4_100)]);
        assert_eq!(decide(&plain, &present, Some(&long_ago)), done);
        assert_eq!(decide(&move_to("b", None), &present, None), None);
    }

    #[test]
    fn what_people_did_just_before_a_try_is_not_its_effect() {
        let moved_by = |user: serde_json::Value| {
            opportunity(json!({"id": "o", "stage": "c", "stageChanges": [
                {"toStageId": "b", "updatedAt": 5_000, "userId": user}, {"toStageId": "c", "updatedAt": 5_500, "userId": "human"}
            ]}))
        };
        let done = Some(Event::Done { result_id: None });
        let sent = |ms| Tried {
            doubt: Duration::from_millis(2_000),
            ..tried(ms)
        };
        let mut asked_for = move_to("b", None);
        asked_for.acting_user = Some("us".into());
        let ours = [
            (move_to("b", None), moved_by(json!(null))),
            (asked_for.clone(), moved_by(json!("us"))),
        ];
        for (operation, present) in &ours {
            assert_eq!(decide(operation, present, Some(&sent(4_900))), done);
            // By a clock that is ahead of Lever's.
            assert_eq!(decide(operation, present, Some(&sent(6_900))), done);
        }
        let theirs = moved_by(json!("human"));
        for operation in [move_to("b", None), asked_for] {
            let told = decide(&operation, &theirs, Some(&sent(6_900)));
            assert!(matches!(told, Some(Event::Refused(_))), "{told:?}");
            // What is older than the clocks can differ is of no account.
            assert_eq!(decide(&operation, &theirs, Some(&sent(7_600))), None);
        }
    }

    #[test]
    fn what_the_first_try_found_is_nobody_s_move_since_whatever_the_clocks_say() {
        let person = |entries: &[serde_json::Value]| {
            let last = entries.last().unwrap()["toStageId"].clone();
            opportunity(json!({"id": "o", "stage": last, "stageChanges": entries}))
        };
        let entry = |stage: &str, at: i64, user: Option<&str>| json!({"toStageId": stage, "updatedAt": at, "userId": user});
        let before = [
            entry("a", 1_000, None),
            entry("b", 5_000, None),
            entry("c", 5_500, Some("human")),
        ];
        // A clock that is right, one an hour ahead of Lever's, and one an hour behind.
        for sent in [5_600, 3_605_600, -3_594_400] {
            let tried = Tried {
                doubt: CLOCKS_DIFFER,
                found: Some(moves::digest(&person(&before))),
                ..tried(sent)
            };
            let told = |since: &[serde_json::Value], acting: Option<&str>| {
                let mut operation = move_to("b", None);
                operation.acting_user = acting.map(UserId::from);
                let now = [before.as_slice(), since].concat();
                decide(&operation, &person(&now), Some(&tried))
            };
            let done = Some(Event::Done { result_id: None });
            // What people did just before it is of no account, also in the same stage.
            assert_eq!(told(&[], None), None);
            let theirs = entry("d", 5_700, Some("human"));
            for (by, acting) in [(None, None), (Some("us"), Some("us"))] {
                let ours = entry("b", 5_650, by);
                assert_eq!(told(&[ours, theirs.clone()], acting), done);
            }
            // Made for nobody, it may be ours in somebody's name.
            let perhaps = told(&[entry("b", 5_650, Some("human")), theirs.clone()], None);
            assert!(matches!(perhaps, Some(Event::Undecided(_))), "{perhaps:?}");
            for (by, acting) in [(Some("human"), Some("us")), (None, Some("us"))] {
                let not_ours = entry("b", 5_650, by);
                let told = told(&[not_ours, theirs.clone()], acting);
                assert!(matches!(told, Some(Event::Refused(_))), "{told:?}");
            }
        }
        // Where Lever no longer shows what was found, its times tell.
        let gone = person(&[entry("c", 5_500, Some("human"))]);
        let tried = Tried {
            found: Some([7; 32]),
            ..tried(5_600)
        };
        assert_eq!(decide(&move_to("b", None), &gone, Some(&tried)), None);
    }
}
