//! Seeing operations, and what a person can do about one.

use std::time::Duration;

use domain::acting::Former;
use domain::operation::{Event, Failure, State, Tally};
use domain::{ActingBecause, ConnectionId, Operation, OperationId, Timestamp, Write};
use lever::{OpportunityId, UserId};
use store::ErrorKind as StoreErrorKind;
use tokio::time::Instant;

use super::acting::{Acting, Chooser};
use super::content::check_content;
use super::count;
use super::judge::{Judge, Rights, Seen};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};

/// How many operations a page looks through at most.
const LOOKED_AT: usize = 20_000;

/// How many operations are read at once.
const LOOKED_AT_ONCE: usize = 1000;

/// How long the content of an operation is kept after its end (`store::prune`).
const CONTENT_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long a stop lets a caller wait for a write that is being sent: most are answered sooner.
const LAST_WORD: Duration = Duration::from_secs(2);

/// What a person does about an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByHand {
    Cancel,
    Release,
    Retry,
}

impl ByHand {
    fn event(self) -> Event {
        match self {
            ByHand::Cancel => Event::Withdrawn,
            ByHand::Release => Event::Released,
            ByHand::Retry => Event::Retried,
        }
    }

    /// Whether it is done to all items of a bulk at once that stand there: what failed is given up one by one.
    fn is_for_all(self, state: &State) -> bool {
        let gives_up = self == ByHand::Cancel && matches!(state, State::Failed(_));
        self.is_for(state) && !gives_up
    }

    /// Whether it can be done to an operation that stands there.
    fn is_for(self, state: &State) -> bool {
        match self {
            ByHand::Cancel => matches!(
                state,
                State::Held { .. }
                    | State::Recorded { .. }
                    | State::Failed(_)
                    | State::Uncertain(_)
            ),
            ByHand::Release => matches!(state, State::Held { .. }),
            ByHand::Retry => matches!(state, State::Failed(_) | State::Uncertain(_)),
        }
    }

    fn refusal(self) -> Error {
        let (reason, message) = match self {
            ByHand::Cancel => (
                "OPERATION_NOT_WAITING",
                "only an operation that waits to be sent, failed or is uncertain can be cancelled",
            ),
            ByHand::Release => (
                "OPERATION_NOT_HELD",
                "only an operation that is held can be released",
            ),
            ByHand::Retry => (
                "OPERATION_NOT_RETRYABLE",
                "only an operation that failed or is uncertain can be retried, and only while what it writes is kept \
                 (30 days; not once its person was forgotten, and of a file that Lever refused not at all): \
                 ask anew under a new request_id",
            ),
        };
        Error::precondition(reason, message, Vec::new())
    }
}

/// A person at work on operations of one connection.
struct Hand<'a> {
    act: ByHand,
    chooser: Chooser<'a>,
    judge: Judge<'a>,
}

/// Which operations: those that fit every field that is set, and of a list any one value.
#[derive(Debug, Clone, Default)]
pub struct OperationFilter {
    /// Those on one opportunity.
    pub opportunity: Option<OpportunityId>,
    /// Names of states ([`State::name`]).
    pub states: Vec<String>,
    /// Names of kinds ([`Write::kind`]).
    pub kinds: Vec<String>,
    /// The one with this request id, and its items.
    pub request_id: Option<String>,
    /// Items of one bulk.
    pub parent: Option<OperationId>,
    /// Those made for one Lever user.
    pub acting_user: Option<UserId>,
    /// Those asked for with the token of this name.
    pub asked_by: Option<String>,
    /// Those recorded at or after this.
    pub since: Option<Timestamp>,
    /// Those recorded before this.
    pub before: Option<Timestamp>,
}

impl OperationFilter {
    fn fits(&self, operation: &Operation) -> bool {
        let any =
            |names: &[String], name: &str| names.is_empty() || names.iter().any(|one| one == name);
        let same = |wanted: Option<&str>, is: Option<&str>| wanted.is_none() || wanted == is;
        let opportunity = self.opportunity.as_ref();
        any(&self.states, operation.state.name())
            && any(&self.kinds, operation.write.kind())
            && opportunity.is_none_or(|wanted| *wanted == operation.opportunity)
            && self
                .parent
                .is_none_or(|bulk| operation.parent == Some(bulk))
            && same(
                self.acting_user.as_ref().map(|user| user.as_str()),
                operation.acting_user.as_ref().map(|user| user.as_str()),
            )
            && same(self.asked_by.as_deref(), Some(&operation.asked_by))
            && self.since.is_none_or(|since| operation.created_at >= since)
            && self
                .before
                .is_none_or(|before| operation.created_at < before)
    }

    /// Whether what is older than this operation does not fit.
    fn is_past(&self, operation: &Operation) -> bool {
        self.since.is_some_and(|since| operation.created_at < since)
    }
}

/// One page of operations.
#[derive(Debug, Clone)]
pub struct OperationPage {
    /// Newest first.
    pub operations: Vec<Operation>,
    /// The page after this one is of those before it; none on the last page.
    pub next: Option<OperationId>,
}

impl OperationPage {
    /// The first `limit` of what was found.
    fn of(mut found: Vec<Operation>, limit: usize) -> OperationPage {
        let more = found.len() > limit;
        found.truncate(limit);
        OperationPage {
            next: found.last().filter(|_| more).map(|last| last.id),
            operations: found,
        }
    }
}

impl Engine {
    /// Waits until an operation has settled or is held, at most `wait`; answers with it as it stands then.
    ///
    /// A stop of the service ends the wait: at once, or within two seconds for one that is being sent.
    ///
    /// # Errors
    /// Not found.
    pub async fn wait_for(
        &self,
        connection: ConnectionId,
        id: OperationId,
        wait: Duration,
    ) -> Result<Operation> {
        let mut moves = self.shared.moves.watch();
        let mut deadline = Instant::now() + wait;
        let mut stopping = false;
        loop {
            let operation = self.operation(connection, id).await?;
            let waits = match operation.state {
                // What is held settles when somebody says so, or in days.
                State::Held { .. } => false,
                // The next start goes on with it.
                State::Recorded { .. } | State::Reconciling { .. } => !stopping,
                _ => !operation.state.settled(),
            };
            if !waits || Instant::now() >= deadline {
                return Ok(operation);
            }
            loop {
                tokio::select! {
                    moved = tokio::time::timeout_at(deadline, moves.recv()) => match moved {
                        Ok(Ok(moved)) if moved.operation != id => {}
                        // Ours has moved, some moves were missed, or the time is up: look again.
                        _ => break,
                    },
                    () = self.wound_down(), if !stopping => {
                        stopping = true;
                        deadline = deadline.min(Instant::now() + LAST_WORD);
                        break;
                    }
                }
            }
        }
    }

    /// One operation.
    ///
    /// # Errors
    /// Not found.
    pub async fn operation(&self, connection: ConnectionId, id: OperationId) -> Result<Operation> {
        let stored = self.shared.store.operation(connection, id).await?;
        stored.ok_or_else(|| Error::not_found("operation", &id.to_string()))
    }

    /// Whether an opportunity is confidential, as far as the mirror knows it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn is_confidential(
        &self,
        connection: ConnectionId,
        opportunity: &OpportunityId,
    ) -> Result<bool> {
        let candidacy = self.shared.store.candidacy(connection, opportunity).await?;
        Ok(candidacy.is_some_and(|candidacy| candidacy.confidential))
    }

    /// Operations, newest first; items of a bulk come before it, the last first.
    ///
    /// Where a filter lets few pass, a page ends after 20,000 operations, with fewer than `limit`.
    ///
    /// # Errors
    /// Not found.
    pub async fn operations(
        &self,
        connection: ConnectionId,
        filter: &OperationFilter,
        before: Option<OperationId>,
        limit: usize,
    ) -> Result<OperationPage> {
        self.connection(connection).await?;
        if let Some(found) = self.pointed_at(connection, filter).await? {
            let earlier = |one: &Operation| before.is_none_or(|before| one.id < before);
            let fit = found.into_iter().rev();
            let fit = fit.filter(|one| earlier(one) && filter.fits(one));
            return Ok(OperationPage::of(fit.collect(), limit));
        }
        let store = &self.shared.store;
        let (mut found, mut before) = (Vec::new(), before);
        for _ in 0..LOOKED_AT / LOOKED_AT_ONCE {
            let opportunity = filter.opportunity.as_ref();
            let looked = store
                .operations(connection, opportunity, before, LOOKED_AT_ONCE)
                .await?;
            let last = looked.last().map(|last| last.id);
            let ended = looked.len() < LOOKED_AT_ONCE
                || looked.last().is_some_and(|last| filter.is_past(last));
            found.extend(looked.into_iter().filter(|one| filter.fits(one)));
            if ended || found.len() > limit {
                return Ok(OperationPage::of(found, limit));
            }
            before = last;
        }
        Ok(OperationPage {
            operations: found,
            next: before,
        })
    }

    /// The operations that a filter points at, in their order, where an index has them.
    async fn pointed_at(
        &self,
        connection: ConnectionId,
        filter: &OperationFilter,
    ) -> Result<Option<Vec<Operation>>> {
        let store = &self.shared.store;
        if let Some(request_id) = &filter.request_id {
            let Some(asked) = store.operation_by_request(connection, request_id).await? else {
                return Ok(Some(Vec::new()));
            };
            let items = match asked.write {
                Write::Bulk(_) => store.items(connection, asked.id).await?,
                _ => Vec::new(),
            };
            return Ok(Some(std::iter::once(asked).chain(items).collect()));
        }
        match filter.parent {
            Some(bulk) => Ok(Some(store.items(connection, bulk).await?)),
            None => Ok(None),
        }
    }

    /// Sees each operation that is recorded or moves, of all connections.
    pub fn watch_operations(&self) -> tokio::sync::broadcast::Receiver<crate::OperationMove> {
        self.shared.moves.watch()
    }

    /// Withdraws an operation that has not been sent, or closes one that failed or that nobody can tell of: it is not
    /// tried again. Of a bulk, every item that waits or is uncertain and that the caller may write to.
    ///
    /// # Errors
    /// Not found; precondition once it is being sent or has settled, or when no item of a bulk waits.
    pub async fn cancel_operation(
        &self,
        connection: ConnectionId,
        id: OperationId,
        rights: Rights,
    ) -> Result<Operation> {
        self.by_hand(connection, id, ByHand::Cancel, rights).await
    }

    /// Puts an operation in line that is kept back; of a bulk, every item that is and that the caller may write to.
    ///
    /// # Errors
    /// Not found; precondition when it is not kept back, when the account's mapping excludes by now where it goes, or
    /// when there is nobody any more for whom it could be made.
    pub async fn release_operation(
        &self,
        connection: ConnectionId,
        id: OperationId,
        rights: Rights,
    ) -> Result<Operation> {
        self.running(connection)?;
        self.by_hand(connection, id, ByHand::Release, rights).await
    }

    /// Has an operation tried again that failed or is uncertain; of a bulk, every item that did or is and that the
    /// caller may write to.
    ///
    /// What may have had its effect is looked for in Lever first. What the account or the mapping did not allow is
    /// judged again, and whom it is made for is chosen again where that user may not act any more.
    ///
    /// # Errors
    /// Not found; precondition when it did not end so, when what it would write is not kept any more, when the mapping
    /// excludes where it goes, or when there still is nobody for whom it could be made.
    pub async fn retry_operation(
        &self,
        connection: ConnectionId,
        id: OperationId,
        rights: Rights,
    ) -> Result<Operation> {
        self.running(connection)?;
        self.by_hand(connection, id, ByHand::Retry, rights).await
    }

    async fn by_hand(
        &self,
        connection: ConnectionId,
        id: OperationId,
        act: ByHand,
        rights: Rights,
    ) -> Result<Operation> {
        let engine = self.clone();
        // A caller who goes away must not leave behind what is released and in no queue.
        self.to_the_end(async move { engine.move_by_hand(connection, id, act, rights).await })
            .await
    }

    /// Moves an operation, or those items of a bulk that can be moved.
    async fn move_by_hand(
        &self,
        connection: ConnectionId,
        id: OperationId,
        act: ByHand,
        rights: Rights,
    ) -> Result<Operation> {
        let operation = self.operation(connection, id).await?;
        let (bulk, mut waiting) = match (&operation.write, operation.parent) {
            (Write::Bulk(_), _) => {
                let mut items = self.shared.store.items(connection, id).await?;
                items.retain(|item| act.is_for_all(&item.state));
                (Some(id), items)
            }
            (_, parent) => (parent, vec![operation]),
        };
        waiting.retain(|operation| act.is_for(&operation.state));
        if let Some(bulk) = bulk.filter(|_| !waiting.is_empty()) {
            // Before its items, so that whatever interrupts in between, somebody adds them up again.
            self.reopen(connection, bulk).await?;
        }
        let outcome = self.move_all(connection, waiting, act, rights).await;
        if let Some(bulk) = bulk {
            self.settle_if_done(connection, bulk).await?;
            self.take_in(&self.operation(connection, bulk).await?);
        }
        outcome?;
        self.operation(connection, id).await
    }

    /// Moves those operations that can be moved; an error if none can.
    async fn move_all(
        &self,
        connection: ConnectionId,
        waiting: Vec<Operation>,
        act: ByHand,
        rights: Rights,
    ) -> Result<()> {
        // Taking back what one has asked for oneself stays possible wherever the person is by now.
        let rights = Rights {
            inbound_only: rights.inbound_only && act != ByHand::Cancel,
            ..rights
        };
        let link = self.link(connection).ok();
        let mut hand = Hand {
            act,
            chooser: Chooser::new(&self.shared, link.as_deref(), connection).await?,
            judge: Judge::new(self, connection, rights).await?,
        };
        let (mut moved, mut why) = (0, None);
        for operation in waiting {
            match self.move_one(operation, &mut hand).await {
                Ok(did) => moved += usize::from(did),
                // Of a bulk, the others can be moved.
                Err(error) if matches!(error.kind(), ErrorKind::Precondition { .. }) => {
                    why = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        if moved == 0 {
            return Err(why.unwrap_or_else(|| act.refusal()));
        }
        Ok(())
    }

    /// Opens a bulk again that has settled, since an item of it moves; false if all its items were done with.
    async fn reopen(&self, connection: ConnectionId, bulk: OperationId) -> Result<bool> {
        loop {
            let bulk = self.operation(connection, bulk).await?;
            let ended = matches!(bulk.state, State::Failed(_) | State::Uncertain(_));
            if !ended {
                return Ok(!bulk.state.settled());
            }
            if self.save_next(&bulk, &Event::Retried).await?.is_some() {
                return Ok(true);
            }
        }
    }

    /// Settles a bulk whose items have all settled, so that whoever has moved the last of them sees it settled too.
    async fn settle_if_done(&self, connection: ConnectionId, bulk: OperationId) -> Result<()> {
        loop {
            let open = self.operation(connection, bulk).await?;
            if open.state.settled() {
                return Ok(());
            }
            let items = self.shared.store.items(connection, bulk).await?;
            let tally = Tally::of(items.iter().map(|item| &item.state));
            // Whoever looks after it may be first, and an item may move again.
            let ended = Event::ItemsSettled(tally);
            if !tally.settled() || self.save_next(&open, &ended).await?.is_some() {
                return Ok(());
            }
        }
    }

    /// Moves one operation; false if it cannot be, or moved meanwhile.
    async fn move_one(&self, operation: Operation, hand: &mut Hand<'_>) -> Result<bool> {
        let seen = hand.judge.seen(&operation.opportunity).await?;
        let mut unseen = operation.unseen;
        if matches!(seen, Seen::Hidden(_)) && unseen.is_none() {
            return Ok(false);
        }
        if hand.act != ByHand::Cancel {
            let (about, write) = (
                seen.told_of(&operation.opportunity),
                operation.present_write(),
            );
            let objection = hand.judge.objection(&about, write).await?;
            if let Some(why) = objection {
                return Err(not_allowed(why));
            }
            unseen = match (hand.act, unseen) {
                // As if it were asked for by who asks for it now.
                (ByHand::Retry, _) | (_, None) => seen.sight(),
                (_, Some(known)) => Some(seen.sight().map_or(known, |sight| known.and(sight))),
            };
        }
        let operation = Operation {
            unseen,
            ..operation
        };
        let operation = match hand.act {
            ByHand::Retry if !self.can_be_sent(&operation).await => return Ok(false),
            ByHand::Retry | ByHand::Release => with_user(operation, &hand.chooser).await?,
            ByHand::Cancel => operation,
        };
        loop {
            if let Some(next) = self.save_next(&operation, &hand.act.event()).await? {
                self.take_in(&next);
                return Ok(true);
            }
            let present = self.operation(operation.connection, operation.id).await?;
            let Some(bulk) = operation
                .parent
                .filter(|_| present.revision == operation.revision)
            else {
                return Ok(false);
            };
            // Its bulk has settled in this moment.
            if !self.reopen(operation.connection, bulk).await? {
                return Ok(false);
            }
        }
    }

    /// Keeps what follows from an event; none if the operation moved meanwhile.
    async fn save_next(&self, operation: &Operation, event: &Event) -> Result<Option<Operation>> {
        let (now, patience) = (self.shared.clock.now(), &self.shared.settings.patience);
        let next = operation.after(event.clone(), now, patience);
        match self.shared.store.save_operation(next.clone()).await {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), StoreErrorKind::Conflict) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        count::moved(&operation.state, &next);
        if let Ok(link) = self.link(operation.connection) {
            link.issues.note_writes();
        }
        self.shared.moves.tell(&next);
        Ok(Some(next))
    }

    /// Has the outbox see to an operation, unless the connection is being stopped.
    fn take_in(&self, operation: &Operation) {
        if let Ok(running) = self.running(operation.connection) {
            running.outbox.take_in(operation);
        }
    }

    /// Whether all is there that a call for the operation needs: its content goes 30 days after its end.
    async fn can_be_sent(&self, operation: &Operation) -> bool {
        if self.shared.clock.now().since(operation.updated_at) >= CONTENT_KEPT {
            return false;
        }
        let write = operation.present_write();
        let waiting = operation.steps.iter().filter(|step| !step.done);
        let waiting = waiting.map(|step| &step.write).chain([write]);
        for file in waiting.filter_map(|write| write.file()) {
            let store = &self.shared.store;
            let kept = store.kept_file(operation.connection, operation.id, file.number);
            if !kept.is_whole(file.size).await {
                return false;
            }
        }
        check_content(write).is_ok()
    }
}

/// The operation with the Lever user it is made for: chosen anew where it failed before one was, and where the one that
/// was may not act any more. Whom the caller named by Lever's id is nobody else's to replace.
///
/// # Errors
/// As [`Chooser::choose`].
pub(super) async fn with_user(operation: Operation, chooser: &Chooser<'_>) -> Result<Operation> {
    let stays = match &operation.acting_user {
        Some(_) if operation.acting_because == ActingBecause::Named => true,
        Some(user) => chooser.may_act(user).await?,
        None => !operation.attempts.is_empty(),
    };
    if stays {
        return Ok(operation);
    }
    let acting = operation.asked_for.clone().map(Acting::Email);
    let acting = acting.unwrap_or_default();
    // Whether its caller may learn who owns it is not known.
    let about = match operation.unseen {
        Some(_) => OpportunityId::from(""),
        None => operation.opportunity.clone(),
    };
    // As a whole: a later step may need somebody where the one in hand does not.
    let chosen = chooser.choose(&operation.write, &about, &acting).await?;
    let mut acted_before = operation.acted_before;
    if !operation.attempts.is_empty() {
        acted_before.push(Former {
            user: operation.acting_user,
            until: chooser.now(),
        });
    }
    Ok(Operation {
        acted_before,
        acting_user: chosen.user,
        acting_because: chosen.because,
        passed_over: chosen.passed_over,
        ..operation
    })
}

/// The refusal to move what would not be accepted anew.
fn not_allowed(why: Failure) -> Error {
    let reason = why.kind.reason();
    let told = ["stage_id", "archive_reason_id", "why"];
    let detail = |(name, value): (String, String)| {
        let name = told.into_iter().find(|told| *told == name)?;
        Some((name, value))
    };
    let details = why.details.into_iter().filter_map(detail).collect();
    Error::precondition(reason, why.message, details)
}

#[cfg(test)]
mod tests {
    use domain::operation::RawWrite;
    use lever::BudgetConfig;

    use super::*;
    use crate::testing;

    /// As when a person is forgotten whom it was about.
    #[tokio::test]
    async fn a_call_that_has_lost_what_it_carried_is_not_made_again() {
        let (_folder, engine, id) = testing::unlinked(BudgetConfig::default()).await;
        let call = Write::Raw(RawWrite {
            operation: "createPosting".to_owned(),
            path: Default::default(),
            query: Vec::new(),
            body: Some("{}".to_owned()),
            creates: true,
            bare: false,
        });
        let store = &engine.shared.store;
        let asked = testing::operation(id, "r", call);
        let recorded = store.record_operation(asked.clone(), CONTENT_KEPT).await;
        recorded.unwrap();
        let refused = Event::Refused(Failure {
            kind: domain::operation::FailureKind::Invalid,
            message: "Lever refused the write".to_owned(),
            details: Vec::new(),
        });
        let failed = asked.after(refused, Timestamp::default(), &Default::default());
        store.save_operation(failed.clone()).await.unwrap();
        let bare = failed.scrubbed().unwrap();
        store.save_operation(bare.clone()).await.unwrap();
        let rights = Rights {
            confidential: true,
            inbound_only: false,
        };
        let retried = engine.retry_operation(id, asked.id, rights).await;
        let error = retried.unwrap_err();
        let reason = match error.kind() {
            ErrorKind::Precondition { reason, .. } => *reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason, "OPERATION_NOT_RETRYABLE");
        assert!(error.to_string().contains("forgotten"), "{error}");
        assert_eq!(engine.operation(id, asked.id).await.unwrap(), bare);
    }
}
