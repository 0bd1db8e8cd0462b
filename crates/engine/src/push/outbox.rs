//! The operations of one connection that have not settled, in order for each opportunity ([`Turn`]).

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::operation::{Attempt, Event, FailureKind, Prepared, RawWrite, State};
use domain::{Operation, OperationId, Parent, Stream, Timestamp, Write};
use lever::registry::APPLY_TO_POSTING;
use lever::{ContactId, Endpoint as _, Lane, ListOpportunities, OpportunityId};
use store::RunCause;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::export::{self, Lines};
use super::holds::Holds;
use super::moves::{self, Looked};
use super::overwrite::{self, Look, Seen};
use super::pace::Pace;
use super::turn::Turn;
use super::{acting, again, count, first_look, plan, provenance, reconcile, send};
use crate::cause::Cause;
use crate::engine::{self, Shared};
use crate::error::{Result, is_for_want_of_room};
use crate::link::{Link, PAST};
use crate::pull::{self, listing_of};
use crate::supervise::supervise;

/// No wait of an operation is longer than this; the settle time is at most a fraction of it.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How many of the newest operations a start looks through for some that were not read back, or that an earlier version
/// has left uncertain.
const LOOKED_THROUGH: usize = 200;

/// Between two tries to read an opportunity back after a write.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// The outbox of one connection.
pub(crate) struct Outbox {
    shared: Arc<Shared>,
    link: Arc<Link>,
    tasks: TaskTracker,
    queues: Mutex<HashMap<Turn, VecDeque<OperationId>>>,
    /// The exports that are about no opportunity yet.
    pub(super) lines: Arc<Lines>,
    /// How many operations may be under way at once.
    slots: Semaphore,
    /// How many of these may be items of bulks: one write alone must not wait for a thousand.
    bulk_slots: Semaphore,
    /// How fast people may apply.
    applying: Pace,
    /// What is kept back.
    pub(super) holds: Holds,
    /// The bulks whose items are being looked after.
    pub(super) bulks: Mutex<HashSet<OperationId>>,
    /// The last marker given out, in milliseconds: none is given twice.
    last_marker: Mutex<Timestamp>,
    /// Turns in which a write has ended uncertain, and until when that may still take effect.
    uncertain: Mutex<HashMap<Turn, Timestamp>>,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("connection", &self.link.id())
            .finish_non_exhaustive()
    }
}

impl Outbox {
    pub(crate) fn new(shared: Arc<Shared>, link: Arc<Link>, tasks: TaskTracker) -> Arc<Self> {
        let slots = shared.settings.parallel_operations.max(1);
        Arc::new(Self {
            shared,
            link,
            tasks,
            queues: Mutex::new(HashMap::new()),
            lines: Arc::default(),
            slots: Semaphore::new(slots),
            bulk_slots: Semaphore::new((slots / 2).max(1)),
            applying: Pace::default(),
            holds: Holds::default(),
            bulks: Mutex::new(HashSet::new()),
            last_marker: Mutex::new(Timestamp::default()),
            uncertain: Mutex::default(),
        })
    }

    /// Takes up what a former run of the process left open.
    ///
    /// What was being sent then may or may not have reached Lever: it is treated as a lost answer.
    pub(crate) async fn resume(self: &Arc<Self>) -> Result<()> {
        let (store, connection) = (&self.shared.store, self.link.id());
        // Before anything may be sent behind them.
        let uncertain = store.uncertain_operations(connection).await?;
        uncertain.iter().for_each(|one| self.left_uncertain(one));
        let newest = store.operations(connection, None, None, LOOKED_THROUGH);
        let newest = newest.await?;
        newest.iter().for_each(|one| self.left_uncertain(one));
        let open = store.open_operations(connection).await?;
        if !open.is_empty() {
            tracing::info!(connection = %self.link.id(), operations = open.len(), "open operations go on");
        }
        for operation in open {
            if matches!(operation.state, State::Sending { .. }) {
                match self.save(&operation, Event::Lost).await {
                    // It stays as it is until there is room, and is taken up then; what is stored can be read meanwhile.
                    Err(error) if is_for_want_of_room(&error) => tracing::warn!(
                        connection = %connection, operation = %operation.id,
                        "the disk is too full to take up what was being sent: that waits"
                    ),
                    saved => drop(saved?),
                }
            }
            self.take_in(&operation);
        }
        let outbox = self.clone();
        let release = move || outbox.clone().release_what_is_due();
        self.keep_going("held writes", release);
        self.resume_refreshes(newest).await
    }

    /// Has the turn of an operation wait that ended uncertain a moment ago: it may still take effect.
    fn left_uncertain(&self, operation: &Operation) {
        if !matches!(operation.state, State::Uncertain(_)) {
            return;
        }
        let until = operation
            .updated_at
            .plus(self.shared.settings.patience.settle);
        let mut uncertain = self
            .uncertain
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = uncertain.entry(Turn::of(operation)).or_insert(until);
        *known = until.max(*known);
    }

    /// Sees to an operation that is recorded: it gets in line, or is kept back, or its items are looked after.
    pub(crate) fn take_in(self: &Arc<Self>, operation: &Operation) {
        match &operation.state {
            state if state.settled() => {}
            _ if matches!(operation.write, Write::Bulk(_)) => self.look_after(operation),
            State::Held { release_at } => self.holds.add(*release_at, operation.id),
            _ if operation.opportunity.as_str().is_empty()
                && matches!(operation.write, Write::Export(_)) =>
            {
                self.hand_over_in_turn(operation);
            }
            _ => self.submit(Turn::of(operation), operation.id),
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// Reads again what a former run of the process wrote but could not read back before it ended.
    async fn resume_refreshes(&self, newest: Vec<Operation>) -> Result<()> {
        let connection = self.link.id();
        for operation in newest
            .into_iter()
            .filter(|operation| operation.state == State::Succeeded)
        {
            let id = operation.opportunity.as_str();
            let record = self
                .shared
                .store
                .record(connection, Stream::Opportunities, id)
                .await?;
            let live = record.filter(|record| record.deleted_at.is_none());
            if live.is_some_and(|record| record.requested_at < written_at(&operation)) {
                self.refresh_later(operation.opportunity);
            }
        }
        Ok(())
    }

    /// Puts an operation in line behind those of the same turn.
    pub(super) fn submit(self: &Arc<Self>, turn: Turn, id: OperationId) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get_mut(&turn) {
            queue.push_back(id);
            return;
        }
        queues.insert(turn.clone(), VecDeque::from([id]));
        drop(queues);
        let outbox = self.clone();
        let drain = move || outbox.clone().drain(turn.clone());
        self.keep_going("push", drain);
    }

    /// Keeps a worker of the outbox going until the connection is stopped.
    pub(super) fn keep_going<F>(
        &self,
        name: &'static str,
        worker: impl FnMut() -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let panicked = engine::panicked(name, &self.shared, &self.link);
        let stop = self.link.stop.clone();
        self.tasks.spawn(supervise(name, stop, panicked, worker));
    }

    /// A time in Lever's past that no other note of this connection carries.
    pub(crate) fn marker(&self) -> Timestamp {
        let mut last = self
            .last_marker
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let next = Timestamp::from_millis(last.as_millis().saturating_add(1))
            .max(self.link.past_for_lever(&self.shared.clock));
        *last = next;
        next
    }

    /// Settles the operations of one turn, one after the other.
    async fn drain(self: Arc<Self>, turn: Turn) {
        while let Some(id) = self.front(&turn) {
            match self.settle(id, &turn).await {
                Ok(Progress::Settled) => self.pop(&turn),
                Ok(Progress::Elsewhere(other)) => {
                    self.pop(&turn);
                    self.submit(other, id);
                }
                Ok(Progress::Stopped) => return,
                Err(_) if self.link.stop.is_cancelled() => return,
                Err(error) => {
                    log_failure!(
                        &error,
                        connection = %self.link.id(), operation = %id, "cannot keep the state of an operation"
                    );
                    self.pause(Duration::from_secs(1)).await;
                }
            }
        }
    }

    fn front(&self, turn: &Turn) -> Option<OperationId> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let front = queues.get(turn).and_then(|queue| queue.front().copied());
        if front.is_none() {
            queues.remove(turn);
        }
        front
    }

    fn pop(&self, turn: &Turn) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get_mut(turn) {
            queue.pop_front();
        }
    }

    /// Moves one operation until it has settled, or is about another opportunity than the one whose line it is in.
    ///
    /// A stop takes effect between two steps: a call that was sent is waited for, none is begun.
    pub(super) async fn settle(&self, id: OperationId, about: &Turn) -> Result<Progress> {
        loop {
            if self.link.stop.is_cancelled() {
                return Ok(Progress::Stopped);
            }
            // Read again each time: a person may have cancelled it meanwhile.
            let Some(operation) = self.shared.store.operation(self.link.id(), id).await? else {
                self.read_below(id);
                return Ok(Progress::Settled);
            };
            let turn = Turn::of(&operation);
            if turn != *about && !operation.state.settled() {
                return Ok(Progress::Elsewhere(turn));
            }
            match &operation.state {
                State::Held { .. } => return Ok(Progress::Settled),
                state if state.settled() => {
                    self.read_below(id);
                    return Ok(Progress::Settled);
                }
                // Cancelling it stays possible, and nothing is kept but that it is recorded.
                State::Recorded { .. } | State::Reconciling { .. }
                    if self.link.pause().is_some() =>
                {
                    self.nap(
                        self.link
                            .pause()
                            .map_or(Duration::ZERO, |pause| pause.left()),
                    )
                    .await;
                }
                State::Recorded {
                    not_before: Some(at),
                } if self.waits_for(*at) => {
                    self.sleep_until(*at).await;
                }
                State::Recorded { .. } => match operation.unsure_since() {
                    Some(since) => self.suspect(operation, since).await?,
                    None => match self.quiet_until(about) {
                        Some(until) if self.waits_for(until) => self.sleep_until(until).await,
                        _ => {
                            Cause::operation(&operation)
                                .during(self.send(operation))
                                .await?;
                        }
                    },
                },
                State::Sending { .. } => {
                    self.save(&operation, Event::Lost).await?;
                }
                State::Reconciling { look_at, .. } if self.waits_for(*look_at) => {
                    self.sleep_until(*look_at).await;
                }
                State::Reconciling { .. } => {
                    let look = reconcile::look(&self.shared, &self.link, &operation);
                    let looked = Cause::operation(&operation).during(look).await;
                    let (event, calls) = looked;
                    let cut_off = event.is_none() && !calls.is_empty();
                    let seen = calls.into_iter().fold(operation, Operation::with_attempt);
                    match event {
                        Some(event) => self.settle_with(&seen, event).await?,
                        // It begins again after the pause.
                        None if cut_off => self.save(&seen, Event::Seen).await.map(drop)?,
                        None => {}
                    }
                }
                State::Succeeded | State::Failed(_) | State::Uncertain(_) | State::Cancelled(_) => {
                    return Ok(Progress::Settled);
                }
            }
        }
    }

    /// Until when nothing is sent in a turn: a write that has ended uncertain there may still take effect, and what comes
    /// behind it must not overtake it. None for no wait.
    fn quiet_until(&self, turn: &Turn) -> Option<Timestamp> {
        let now = self.shared.clock.now();
        let mut uncertain = self
            .uncertain
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        uncertain.retain(|_, until| *until > now);
        uncertain.get(turn).copied()
    }

    /// Has Lever read back for a write that may have been sent after the backup was taken that it comes from.
    async fn suspect(&self, operation: Operation, since: Timestamp) -> Result<()> {
        let attempt = Attempt {
            lever_operation: plan::lever_operation(operation.present_write()).to_owned(),
            at: since,
            status: None,
            step: plan::step_number(&operation),
            seen: None,
        };
        let suspected = operation.with_attempt(attempt);
        self.save(&suspected, Event::Suspected).await.map(drop)
    }

    /// Lets the lists below whom an operation has written to be read, as far as they wait for it.
    pub(super) fn read_below(&self, operation: OperationId) {
        if self.link.written.end(operation) {
            self.link.hydrate_now.notify_one();
        }
    }

    /// Makes the call, between two durable states.
    async fn send(&self, operation: Operation) -> Result<()> {
        // Only the next in line holds a slot while it waits for its second.
        let next = match plan::lever_operation(operation.present_write()) {
            name if name == APPLY_TO_POSTING.id => Some(self.applying.next().await),
            _ => None,
        };
        // The semaphores are never closed, so a permit always comes.
        let _bulk_slot = match operation.parent {
            Some(_) => Some(self.bulk_slots.acquire().await),
            None => None,
        };
        let _slot = self.slots.acquire().await;
        if let Some(next) = next {
            tokio::select! {
                () = self.link.stop.cancelled() => return Ok(()),
                () = next.wait() => {}
            }
        }
        // None is begun that waited for its slot while the connection was stopped, or the key paused after a 429.
        if self.link.stop.is_cancelled() || self.link.pause().is_some() {
            return Ok(());
        }
        let operation = operation.as_of(self.shared.clock.now());
        // Kept before it is made: a start after a crash then knows that it may have had its effect.
        let attempt = Attempt {
            lever_operation: match operation.is_unplanned() {
                true => ListOpportunities::OPERATION.id.to_owned(),
                false => plan::lever_operation(operation.present_write()).to_owned(),
            },
            at: self.shared.clock.now(),
            status: None,
            step: plan::step_number(&operation),
            seen: again::stamp_before(&self.shared.store, &operation).await?,
        };
        let stamp = attempt.seen;
        let operation = provenance::with_found(&self.shared.store, operation).await?;
        let mut planned = operation.with_attempt(attempt);
        let mut looked = None;
        if matches!(planned.present_write(), Write::ChangeStage { .. }) {
            match moves::before(&self.shared, &self.link, planned).await {
                Looked::Ends(ended, event) => return self.end_unsent(&ended, event).await,
                Looked::Go(looked) => planned = *looked,
            }
        } else if planned.unseen.is_some() {
            // Whether the caller may see the person is not known yet.
            let look = first_look::look(&self.shared, &self.link, &planned).await;
            match look.found {
                Err(event) => {
                    let ended = first_look::ends(planned, look.call);
                    return self.end_unsent(&ended, event).await;
                }
                Ok(found) => {
                    planned = first_look::goes_on(&self.shared, planned, look.call);
                    looked = Some(found);
                }
            }
        }
        let Some(mut sending) = self.save(&planned, Event::Started).await? else {
            return Ok(());
        };
        let look = match sending.is_unplanned() {
            true => None,
            false => Look::of(sending.present_write()),
        };
        let mut present = None;
        if let Some(look) = look {
            match overwrite::before(&self.shared, &self.link, &look, sending).await {
                Seen::Ends(ended, event) => return self.settle_with(&ended, event).await,
                Seen::Go(seen, found) => {
                    // What was there must be known before it may be overwritten.
                    let Some(noted) = self.save(&seen, Event::Seen).await? else {
                        return Ok(());
                    };
                    sending = noted;
                    present = Some(found);
                }
            }
        }
        let began = Instant::now();
        let outcome = match &sending.write {
            Write::Export(asked) if sending.is_unplanned() => {
                export::decide(self, &asked.asked).await
            }
            _ => send::send(&self.shared, &self.link, &sending, looked, present).await,
        };
        sending.attempts.pop();
        let written = plan::lever_operation(sending.present_write());
        let stamped = outcome.attempts.into_iter().map(|made| Attempt {
            seen: match made.lever_operation == written {
                true => stamp,
                false => made.seen,
            },
            ..made
        });
        let stamped = Vec::from_iter(stamped);
        let sending = stamped.into_iter().fold(sending, Operation::with_attempt);
        let sending = Operation {
            answer: outcome.answer,
            ..sending
        };
        let (sending, event) = match outcome.event {
            Event::Refused(failure) => {
                acting::after_refusal(&self.shared, &self.link, sending, failure, began).await?
            }
            event => (sending, event),
        };
        self.settle_with(&sending, event).await
    }

    /// Settles what a look before the call has ended.
    async fn end_unsent(&self, ended: &Operation, event: Event) -> Result<()> {
        match self.save(ended, Event::Started).await? {
            Some(started) => self.settle_with(&started, event).await,
            None => Ok(()),
        }
    }

    /// Shows the new state in the mirror, then settles: a caller who sees the end sees its effect too.
    async fn settle_with(&self, operation: &Operation, event: Event) -> Result<()> {
        let changed = match &event {
            Event::Done { .. } | Event::Found { .. } | Event::Made(_) | Event::Undecided(_) => true,
            Event::Refused(failure) => matches!(
                failure.kind,
                FailureKind::StageMoved | FailureKind::ChangedInLever
            ),
            Event::Skipped(failure) => failure.kind == FailureKind::AlreadyArchived,
            _ => false,
        };
        if changed {
            self.show(operation, &event).await;
        }
        self.save(operation, event).await.map(drop)
    }

    /// Shows what an operation has changed: the opportunity at once, anything else when its list is read next, now.
    async fn show(&self, operation: &Operation, event: &Event) {
        let write = operation.present_write();
        if let Write::Raw(raw) | Write::Prepared(Prepared { call: raw, .. }) = write {
            let stream = if raw.operation == APPLY_TO_POSTING.id {
                Some(Stream::Opportunities)
            } else {
                crate::call::written(&raw.operation)
            };
            let shown = Vec::from_iter(stream.and_then(listing_of));
            self.link.force(&shown, RunCause::Write);
            self.show_contact(raw, &operation.opportunity).await;
        }
        let Some(opportunity) = changed_opportunity(operation, event) else {
            return;
        };
        let list = plan::changed_list(write);
        let written = Parent::Opportunity(opportunity.clone());
        // The list that is read here is not read beside by whoever reads what may have changed below the person, nor are
        // the others before the next step moves the stamp again.
        let id = operation.parent.unwrap_or(operation.id);
        if operation.parent.is_none() {
            self.link.written.begin(id);
        }
        self.link.written.add(id, written);
        if !send::refresh(
            &self.shared,
            &self.link,
            &opportunity,
            send::lane(operation),
        )
        .await
        {
            self.refresh_later(opportunity.clone());
        }
        if let Some(list) = list {
            self.show_list(&opportunity, list).await;
        }
    }

    /// Shows the contact that was written as it is now: it comes with its opportunities, whose stamps do not move.
    ///
    /// The opportunity that the operation names is shown with the operation.
    async fn show_contact(&self, raw: &RawWrite, named: &OpportunityId) {
        for opportunity in self.other_candidacies(raw, named).await {
            if !send::refresh(&self.shared, &self.link, &opportunity, Lane::Interactive).await {
                self.refresh_later(opportunity);
            }
        }
    }

    /// The candidacies of the person that a raw write changes, but for the one that the operation names.
    pub(super) async fn other_candidacies(
        &self,
        raw: &RawWrite,
        named: &OpportunityId,
    ) -> Vec<OpportunityId> {
        let Some(contact) = raw.path.get("contact") else {
            return Vec::new();
        };
        let (store, id) = (&self.shared.store, self.link.id());
        let contact = ContactId::from(contact.as_str());
        let people = store.opportunities_of_contact(id, &contact).await;
        let mut others = people.unwrap_or_default();
        others.retain(|one| one != named);
        others
    }

    /// Shows a list below an opportunity as it is now; if that fails, it waits to be read like any that has changed.
    async fn show_list(&self, opportunity: &OpportunityId, list: Stream) {
        let parent = Parent::Opportunity(opportunity.clone());
        let (shared, link) = (&self.shared, &self.link);
        if !link.connection().keeps(list) {
            return;
        }
        if let Err(error) = pull::hydrate::read_now(shared, link, &parent, list).await {
            tracing::debug!(
                connection = %link.id(), opportunity = crate::error::logged(opportunity.as_str()), %list, error = %crate::report(&error),
                "the list is read later"
            );
        }
    }

    /// Keeps trying to show an opportunity as it is: no pull would find a note, which moves no stamp it asks for.
    fn refresh_later(&self, opportunity: OpportunityId) {
        let (shared, link) = (self.shared.clone(), self.link.clone());
        self.tasks.spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                tokio::select! {
                    () = link.stop.cancelled() => return,
                    () = after_pause(&link, pause) => {}
                }
                if send::refresh(&shared, &link, &opportunity, Lane::Interactive).await {
                    return;
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        });
    }

    /// Keeps the next state; none if the operation moved under us.
    pub(super) async fn save(
        &self,
        operation: &Operation,
        event: Event,
    ) -> Result<Option<Operation>> {
        let next = operation.after(
            event,
            self.shared.clock.now(),
            &self.shared.settings.patience,
        );
        let next = without_person(next);
        match self.shared.store.save_operation(next.clone()).await {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), store::ErrorKind::Conflict) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        if next.state != operation.state {
            self.left_uncertain(&next);
        }
        count::moved(&operation.state, &next);
        self.link.saw_settled(&self.shared, &next);
        self.shared.moves.tell(&next);
        Ok(Some(next))
    }

    /// Whether a moment still lies ahead; one far ahead was set by a clock that was wrong.
    fn waits_for(&self, at: Timestamp) -> bool {
        let ahead = at.since(self.shared.clock.now());
        !ahead.is_zero() && ahead <= LONGEST_WAIT
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.nap(at.since(self.shared.clock.now())).await;
    }

    /// Waits, and wakes now and then, since a person may cancel meanwhile.
    async fn nap(&self, wait: Duration) {
        self.pause(wait.clamp(Duration::from_millis(10), Duration::from_secs(5)))
            .await;
    }

    pub(super) async fn pause(&self, wait: Duration) {
        tokio::select! {
            () = self.link.stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Waits, and then until the key is in no pause after a 429.
async fn after_pause(link: &Link, wait: Duration) {
    tokio::time::sleep(wait).await;
    link.outlast_pause().await;
}

/// The opportunity an operation has changed, or made.
fn changed_opportunity(operation: &Operation, event: &Event) -> Option<OpportunityId> {
    if let Event::Made(made) = event {
        return Some(made.opportunity.clone());
    }
    if !operation.opportunity.as_str().is_empty() {
        return Some(operation.opportunity.clone());
    }
    match (operation.present_write(), event) {
        (
            Write::Raw(raw) | Write::Prepared(Prepared { call: raw, .. }),
            Event::Done {
                result_id: Some(made),
            },
        ) if plan::makes_opportunity(raw) => Some(OpportunityId::from(made.as_str())),
        _ => None,
    }
}

/// A write about a person that names no candidacy goes without its content once it is in Lever: nothing would lead
/// from the person, when that is forgotten, to what was written.
fn without_person(operation: Operation) -> Operation {
    let about_nobody = operation.opportunity.as_str().is_empty();
    let prepared = matches!(operation.write, Write::Prepared(_));
    if operation.state != State::Succeeded || !about_nobody || !prepared {
        return operation;
    }
    let bare = operation.scrubbed();
    Operation {
        revision: operation.revision,
        ..bare.unwrap_or(operation)
    }
}

/// How far the settling of an operation came.
pub(super) enum Progress {
    Settled,
    /// It is about another opportunity by now: it goes on in the line of that.
    Elsewhere(Turn),
    /// The connection stops; the next start goes on.
    Stopped,
}

/// When the last call of an operation was made, on Lever's clock: the marker is on it, the rest are differences of ours.
fn written_at(operation: &Operation) -> Timestamp {
    let last = operation
        .attempts
        .last()
        .map_or(operation.created_at, |attempt| attempt.at);
    operation
        .marker
        .plus(PAST)
        .plus(last.since(operation.created_at))
}

#[cfg(test)]
mod tests {
    use domain::operation::NoteText;
    use domain::{ConnectionId, Listing};
    use lever::{BudgetConfig, Lane};
    use store::Recording;

    use super::*;
    use crate::Settings;
    use crate::push::Rights;
    use crate::testing;

    const EVERYBODY: Rights = Rights {
        confidential: true,
        inbound_only: false,
    };

    fn note(connection: ConnectionId) -> Operation {
        let write = Write::CreateNote(NoteText::plain("hello"));
        testing::operation(connection, "r", write)
    }

    /// In real time: paused time would run on while the store works.
    #[tokio::test]
    async fn a_write_that_waits_for_its_turn_when_a_pause_begins_is_recorded_again_and_stays_so() {
        // A token a second, and a minute of others who wait for theirs.
        let slow = BudgetConfig {
            rate_per_second: 1.0,
            burst: 1,
            interactive_reserve: 0,
            ..BudgetConfig::default()
        };
        let (_folder, engine, id) = testing::unlinked(slow).await;
        let running = engine.running(id).unwrap();
        let client = running.link.client(Lane::Interactive);
        let others = async {
            let turns = (0..60).map(|_| client.budget().acquire(Lane::Interactive));
            futures::future::join_all(turns).await;
            std::future::pending().await
        };
        let store = &engine.shared.store;
        let until = async |state: &str, revision: u64| loop {
            let present = store.operations(id, None, None, 1).await.unwrap().remove(0);
            if present.state.name() == state && present.revision >= revision {
                return present;
            }
            tokio::task::yield_now().await;
        };
        let write = async {
            let keep = Duration::from_secs(3600);
            let recording = store.record_operation(note(id), keep).await.unwrap();
            let Recording::New(operation) = recording else {
                panic!("it is new")
            };
            running.outbox.take_in(&operation);
            until("SENDING", 2).await;
            client.budget().saw_rate_limit(Some(keep));
            let held_back = until("RECORDED", 3).await;
            assert!(held_back.attempts.is_empty(), "{:?}", held_back.attempts);
            // The store does one thing after the other: whatever wished to move it would have come in between.
            for _ in 0..5 {
                store.set_schedule(id, Listing::Users, None).await.unwrap();
            }
            let cancelled = engine
                .cancel_operation(id, operation.id, EVERYBODY)
                .await
                .unwrap();
            assert_eq!(cancelled.state, State::Cancelled(None));
            assert_eq!(cancelled.revision, held_back.revision + 1);
        };
        tokio::select! {
            () = others => {}
            () = write => {}
        }
    }

    /// In real time, as above.
    #[tokio::test]
    async fn a_write_that_waits_for_a_slot_when_a_pause_begins_is_not_begun() {
        let settings = Settings {
            budget: BudgetConfig {
                rate_per_second: 1.0,
                burst: 1,
                interactive_reserve: 0,
                ..BudgetConfig::default()
            },
            parallel_operations: 1,
            ..Settings::default()
        };
        let (_folder, engine, id) = testing::unlinked_with(settings).await;
        let running = engine.running(id).unwrap();
        let client = running.link.client(Lane::Interactive);
        let others = async {
            let turns = (0..60).map(|_| client.budget().acquire(Lane::Interactive));
            futures::future::join_all(turns).await;
            std::future::pending().await
        };
        let store = &engine.shared.store;
        let keep = Duration::from_secs(3600);
        let write = async {
            let holds = note(id);
            let waits = Operation {
                id: OperationId::new(crate::push::new_id()),
                opportunity: OpportunityId::from("p"),
                request_id: "other".to_owned(),
                ..holds.clone()
            };
            for operation in [&holds, &waits] {
                let recorded = store.record_operation(operation.clone(), keep);
                recorded.await.unwrap();
            }
            let stored = async |operation: &Operation| {
                let stored = store.operation(id, operation.id).await.unwrap();
                stored.unwrap()
            };
            let until = async |state: &str, revision: u64| loop {
                let present = stored(&holds).await;
                if present.state.name() == state && present.revision >= revision {
                    return;
                }
                tokio::task::yield_now().await;
            };
            // The store does one thing after the other: whatever wished to move something would have come in between.
            let others_come = async || {
                for _ in 0..5 {
                    store.set_schedule(id, Listing::Users, None).await.unwrap();
                }
            };
            running.outbox.take_in(&holds);
            until("SENDING", 2).await;
            running.outbox.take_in(&waits);
            others_come().await;
            client.budget().saw_rate_limit(Some(keep));
            // Its slot is free from now on.
            until("RECORDED", 3).await;
            others_come().await;
            assert_eq!(stored(&waits).await, waits);
        };
        tokio::select! {
            () = others => {}
            () = write => {}
        }
    }

    /// However many came after it, and whatever it is about: here it is no opportunity.
    #[tokio::test]
    async fn a_turn_waits_after_a_restart_for_any_write_that_has_ended_uncertain_lately() {
        let (_folder, engine, id) = testing::unlinked(BudgetConfig::default()).await;
        let running = engine.running(id).unwrap();
        let (store, now) = (&engine.shared.store, engine.shared.clock.now());
        let raw = |user: &str| {
            Write::Raw(RawWrite {
                operation: "updateUser".to_owned(),
                path: [("user".to_owned(), user.to_owned())].into(),
                query: Vec::new(),
                body: None,
                creates: false,
                bare: false,
            })
        };
        let unknown = || domain::operation::Failure {
            kind: FailureKind::Unknown,
            message: "m".to_owned(),
            details: Vec::new(),
        };
        let uncertain = |user: &str, at: Timestamp| Operation {
            id: OperationId::new(crate::push::new_id()),
            opportunity: OpportunityId::from(""),
            state: State::Uncertain(unknown()),
            updated_at: at,
            ..testing::operation(id, user, raw(user))
        };
        let settle = engine.shared.settings.patience.settle;
        let lately = uncertain("u", now);
        let keep = Duration::from_secs(3600);
        for operation in [lately.clone(), uncertain("v", now.minus(settle))] {
            store.record_operation(operation, keep).await.unwrap();
        }
        let many = OperationId::with_room(crate::push::new_id());
        let item = |number: u16| Operation {
            id: many.item(number),
            parent: Some(many),
            state: State::Cancelled(None),
            ..note(id)
        };
        let bulk = Operation {
            id: many,
            request_id: "many".to_owned(),
            ..item(0)
        };
        let bulk = Operation {
            parent: None,
            ..bulk
        };
        let most = u16::try_from(LOOKED_THROUGH).unwrap() + 50;
        let items = (1..most).map(item).collect();
        store.record_bulk(bulk, items, keep).await.unwrap();
        let tasks = TaskTracker::new();
        let next = Outbox::new(engine.shared.clone(), running.link.clone(), tasks);
        next.resume().await.unwrap();
        let waits = |user: &str| next.quiet_until(&Turn::User(user.to_owned()));
        assert_eq!(waits("u"), Some(now.plus(settle)));
        assert_eq!((waits("v"), waits("w")), (None, None));
    }

    /// Nobody takes in what is only recorded here, so that nothing is sent.
    #[tokio::test]
    async fn what_waits_in_the_outbox_counts_for_the_time_of_whatever_goes_behind_it() {
        let (_folder, engine, id) = testing::unlinked(BudgetConfig::default()).await;
        let outbox = engine.running(id).unwrap().outbox;
        let keep = Duration::from_secs(3600);
        let both = async || {
            let alone = outbox.eta(1, Lane::Interactive).await.unwrap();
            let bulk = outbox.eta(1, Lane::Inbound).await.unwrap();
            (alone, bulk)
        };
        let (alone, bulk) = both().await;
        assert_eq!(alone, bulk);
        let tag = Write::AddTags {
            tags: vec!["t".to_owned()],
        };
        let parent = Operation {
            id: OperationId::with_room(crate::push::new_id()),
            opportunity: OpportunityId::from(""),
            ..testing::operation(
                id,
                "bulk",
                Write::Bulk(domain::operation::Bulk {
                    kind: tag.kind().to_owned(),
                    items: 3,
                    tally: None,
                }),
            )
        };
        let item = |number: u16| Operation {
            id: parent.id.item(number),
            parent: Some(parent.id),
            ..testing::operation(id, "", tag.clone())
        };
        let items = (1..=3).map(item).collect();
        let store = &engine.shared.store;
        let recorded = store.record_bulk(parent.clone(), items, keep).await;
        recorded.unwrap();
        let (still, behind) = both().await;
        // A bulk lets a write alone go first. Each tag is a call to write and one to read.
        assert_eq!(still, alone);
        let each = alone.as_secs_f64();
        assert!(
            (behind.as_secs_f64() - 7.0 * each).abs() < each / 2.0,
            "{behind:?}"
        );
        let recorded = store.record_operation(note(id), keep).await;
        recorded.unwrap();
        let (behind_it, _) = both().await;
        assert!(behind_it > alone);
    }
}
