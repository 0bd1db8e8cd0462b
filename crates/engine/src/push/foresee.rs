//! What a write would come to, told without making it (X3): the calls, how long they take, and what stands against it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use domain::operation::{Event, Failure, FailureKind, Prepared, State};
use domain::{ConnectionId, Operation, OperationId, Stream, Timestamp, Write};
use lever::{ContactId, Lane, OpportunityId, UserId};

use super::acting;
use super::decide::decide;
use super::judge::{self, Seen};
use super::merge::{self, Merge};
use super::new_id;
use super::outbox::Outbox;
use super::overwrite::Look;
use super::plan::{self, Around, PlannedCall};
use super::ready::{Ready, unread};
use super::send;
use super::submit::{Chosen, WriteRequest, new_operation};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::pull;

/// What a write would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryRun {
    /// What it would come to.
    pub planned: Planned,
    /// About how long the calls would take at the present rate, with those waiting ahead of them.
    pub eta: Duration,
    /// How many reads follow in the background: of the lists below whoever is written to.
    pub background: usize,
}

/// What one write would come to, alone or among many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The calls in order.
    pub calls: Vec<PlannedCall>,
    /// The Lever user they would be made for, and how that user was found.
    pub acting: Chosen,
    /// As [`Operation::left_out`].
    pub left_out: Vec<String>,
    /// When it would get in line; none for at once.
    pub release_at: Option<Timestamp>,
    /// Why it would not be made, as far as the mirror knows.
    pub refused: Option<Failure>,
    /// Whether Lever would be written to.
    pub writes: bool,
}

/// How a write is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    /// When it is asked for.
    pub(super) now: Timestamp,
    /// When it is released, where it is kept back first.
    pub(super) release_at: Option<Timestamp>,
    /// Whether it is one of many.
    pub(super) of_many: bool,
    /// Whether the person exists for the caller.
    pub(super) seen: Seen,
}

impl Planned {
    /// Whether it would end because nobody is there to be written to.
    pub(super) fn nobody_is_there(&self) -> bool {
        let refused = self.refused.as_ref();
        !self.writes && refused.is_some_and(|why| why.kind == FailureKind::NotFound)
    }

    /// The same of somebody at whom Lever is asked to look before anything is written.
    #[must_use]
    pub(super) fn looked_at_first(mut self, opportunity: &OpportunityId) -> Planned {
        let look = plan::call(&send::fresh_read(opportunity));
        if self.writes && self.calls.first() != Some(&look) {
            self.calls.insert(0, look);
        }
        self
    }
}

impl Way {
    /// As [`Operation::stood_back`].
    fn stands_back(self) -> bool {
        self.release_at.is_some()
    }
}

/// People as Lever would show them in the course of a dry run, or why it would not: whoever is written to twice is at
/// the second write where the first has left them.
#[derive(Default)]
pub(super) struct People(HashMap<OpportunityId, std::result::Result<lever::Opportunity, Failure>>);

impl Engine {
    /// The calls a write would make; nothing is recorded or written (X3). What the calls depend on is read from Lever.
    ///
    /// # Errors
    /// As [`Engine::write`].
    pub async fn dry_run(&self, request: &WriteRequest) -> Result<DryRun> {
        let outbox = self.running(request.connection)?.outbox;
        let request = self.narrowed(request.clone()).await?;
        self.check_sight(&request).await?;
        let now = self.shared.clock.now();
        let release_at = self
            .release_time(request.connection, request.hold, now)
            .await?;
        self.check_against_account(&request).await?;
        let Ready { request, .. } = self.ready(request).await?;
        let acting = acting::choose(self, &request).await?;
        let way = Way {
            now,
            release_at,
            of_many: false,
            seen: Seen::Shown,
        };
        let mut people = People::default();
        let planned = self
            .foreseen(&outbox, &request, acting, way, &mut people)
            .await?;
        let written = planned
            .writes
            .then_some((&request.opportunity, &request.write));
        Ok(DryRun {
            eta: outbox.eta(planned.calls.len(), Lane::Interactive).await?,
            background: outbox.read_later(written.as_slice()).await?,
            planned,
        })
    }

    /// What a write that is ready would come to, by what Lever and the mirror have now, and what those before it would
    /// have changed.
    pub(super) async fn foreseen(
        &self,
        outbox: &Outbox,
        request: &WriteRequest,
        acting: Chosen,
        way: Way,
        people: &mut People,
    ) -> Result<Planned> {
        let minded = self.minded(request, way.seen).await?;
        if let Some(why) = minded.nothing {
            // It is not needed from the beginning, and never held.
            return Ok(Planned {
                calls: Vec::new(),
                acting,
                left_out: minded.left_out,
                release_at: None,
                refused: Some(why),
                writes: false,
            });
        }
        let request = WriteRequest {
            write: minded.write,
            ..request.clone()
        };
        let (calls, end) = self
            .foreseen_calls(outbox, &request, &acting, way, people)
            .await?;
        Ok(Planned {
            calls,
            acting,
            left_out: minded.left_out,
            release_at: way.release_at,
            writes: end.is_none(),
            refused: end.flatten(),
        })
    }

    /// The calls of a write, and how it would end without being made: refused or not needed with a reason, or done
    /// already without one; none where it would be made.
    async fn foreseen_calls(
        &self,
        outbox: &Outbox,
        request: &WriteRequest,
        acting: &Chosen,
        way: Way,
        people: &mut People,
    ) -> Result<(Vec<PlannedCall>, Option<Option<Failure>>)> {
        let (about, stands_back) = (&request.opportunity, way.stands_back());
        let (mut calls, merged) = self.merged_now(request.connection, &request.write).await?;
        let Some(write) = merged else {
            calls.extend(outbox.looked(&request.write, about, stands_back).await);
            return Ok((calls, Some(None)));
        };
        let looks = plan::looks_first(&request.write, stands_back);
        let planned = outbox.planned(&write, about, acting.user.clone(), stands_back);
        if let Some(gone) = self.gone(request, way, looks, people).await? {
            // The first call is the one that Lever refuses.
            calls.extend(planned.await.into_iter().take(1));
            return Ok((calls, Some(Some(gone))));
        }
        let present = people
            .0
            .get_mut(about)
            .and_then(|found| found.as_mut().ok());
        let end = present
            .filter(|_| looks)
            .and_then(|present| known_end(request, acting, way, present));
        match end {
            Some(_) => calls.extend(outbox.looked(&request.write, about, stands_back).await),
            None => calls.extend(planned.await),
        }
        Ok((calls, end))
    }

    /// Why Lever would refuse any call about the opportunity of a write: nobody is there, as far as that must be known.
    ///
    /// Whom the mirror lacks Lever is asked about, once.
    async fn gone(
        &self,
        request: &WriteRequest,
        way: Way,
        looks: bool,
        people: &mut People,
    ) -> Result<Option<Failure>> {
        let about = &request.opportunity;
        if about.as_str().is_empty() || !(looks || way.of_many) {
            return Ok(None);
        }
        if !people.0.contains_key(about) {
            let found = self.found_now(request.connection, about, way).await?;
            people.0.insert(about.clone(), found);
        }
        let Some(Err(why)) = people.0.get(about) else {
            return Ok(None);
        };
        // Who may not be read may be written to all the same.
        let told = looks || why.kind != FailureKind::PermissionMissing;
        Ok(told.then(|| why.clone()))
    }

    /// An opportunity as the mirror has it, or else Lever; a failure where Lever refuses to show it.
    async fn found_now(
        &self,
        connection: ConnectionId,
        opportunity: &OpportunityId,
        way: Way,
    ) -> Result<std::result::Result<lever::Opportunity, Failure>> {
        let (store, id) = (&self.shared.store, opportunity.as_str());
        let record = store.record(connection, Stream::Opportunities, id).await?;
        let record = record.filter(|record| record.deleted_at.is_none());
        let present = record.and_then(|record| serde_json::from_str(&record.raw).ok());
        if let Some(present) = present
            // Lever is asked about somebody hidden, as about nobody: it may be away.
            && !matches!(way.seen, Seen::Hidden(_))
        {
            return Ok(Ok(present));
        }
        let lane = match way.of_many {
            true => Lane::Inbound,
            false => Lane::Interactive,
        };
        let client = self.link(connection)?.client(lane);
        let client = client.with_limits(self.shared.clients.single_try());
        match client.send(&send::fresh_read(opportunity)).await {
            Ok(record) => match way.seen.sight() {
                Some(sight) if !judge::sees(&self.shared, connection, sight, &record).await? => {
                    Ok(Err(send::not_there()))
                }
                _ => Ok(Ok(record.value)),
            },
            Err(error) => match send::not_written(&error) {
                Event::Refused(why) => Ok(Err(why)),
                _ => Err(error.into()),
            },
        }
    }

    /// The write as it would be sent now, and the reads before it; no write where nothing is left to change.
    pub(super) async fn merged_now(
        &self,
        connection: ConnectionId,
        write: &Write,
    ) -> Result<(Vec<PlannedCall>, Option<Write>)> {
        let form = plan::form_read(write).map(|read| plan::call(&read));
        let look = Look::of(write).map(|look| look.planned());
        let reads = form.into_iter().chain(look).collect();
        match Merge::of(write) {
            None => Ok((reads, Some(write.clone()))),
            Some(Merge::Contact(contact, change)) => {
                let Some(read) = merge::contact_read(&contact, &change) else {
                    return Ok((reads, merge::merged_contact(&contact, &change, None)));
                };
                let present = self.single_try(connection)?.send(&read).await;
                let present = present
                    .map_err(|error| unread(error, "contact", "contact_id", contact.as_str()))?;
                let write = merge::merged_contact(&contact, &change, Some(&present.value));
                Ok((reads, write))
            }
            Some(Merge::User(user, change)) => {
                let read = merge::user_read(&user);
                let present = self.single_try(connection)?.send(&read).await;
                let present =
                    present.map_err(|error| unread(error, "user", "user_id", user.as_str()))?;
                let write = merge::merged_user(&user, &change, &present.value);
                let write = write.map_err(|why| Error::invalid("update_mask", why.message))?;
                Ok((reads, Some(write)))
            }
        }
    }
}

/// How a write that looks first would end without being made; `present` is as the write leaves it afterwards.
fn known_end(
    request: &WriteRequest,
    acting: &Chosen,
    way: Way,
    present: &mut lever::Opportunity,
) -> Option<Option<Failure>> {
    let operation = new_operation(
        OperationId::new(new_id()),
        request.clone(),
        [0; 32],
        acting.clone(),
        way.now,
        way.now,
    );
    let operation = Operation {
        // What was held has stood back once it is sent.
        queued_at: way.release_at.unwrap_or(way.now),
        parent: way.of_many.then(|| OperationId::with_room(new_id())),
        ..operation
    };
    match decide(&operation, present, None) {
        Some(Event::Refused(why) | Event::Skipped(why)) => Some(Some(why)),
        Some(_) => Some(None),
        None => {
            leave_as_written(present, &request.write, way.now);
            None
        }
    }
}

/// Changes what a write changes of what later ones are decided by.
fn leave_as_written(present: &mut lever::Opportunity, write: &Write, now: Timestamp) {
    match write {
        Write::ChangeStage { stage, .. } => present.stage = Some(stage.clone()),
        Write::Archive { reason, .. } => {
            present.archived = Some(lever::Archived {
                reason: Some(reason.clone()),
                archived_at: Some(now),
            });
        }
        _ => {}
    }
}

impl Outbox {
    /// The calls a write would make, with the reads around it; `held` tells that it is kept back first.
    pub(super) async fn planned(
        &self,
        write: &Write,
        opportunity: &OpportunityId,
        perform_as: Option<UserId>,
        held: bool,
    ) -> Vec<PlannedCall> {
        let around = self.around_of(write, opportunity, held).await;
        plan::planned(write, opportunity, perform_as, self.marker(), &around)
    }

    /// What tells which calls a write makes.
    async fn around_of(&self, write: &Write, opportunity: &OpportunityId, held: bool) -> Around {
        let others = match write {
            Write::Raw(raw) | Write::Prepared(Prepared { call: raw, .. }) => {
                self.other_candidacies(raw, opportunity).await
            }
            _ => Vec::new(),
        };
        Around {
            others,
            ..self.around(held)
        }
    }

    /// The calls where the present state shows that nothing is to be written: the look at it, if the write needs one, and
    /// the reads that show in the mirror what was seen.
    async fn looked(
        &self,
        write: &Write,
        opportunity: &OpportunityId,
        held: bool,
    ) -> Vec<PlannedCall> {
        let around = self.around_of(write, opportunity, held).await;
        plan::looked(write, opportunity, &around)
    }

    /// How many reads follow in the background, at least, once these writes are made.
    ///
    /// Lever moves a stamp of each candidacy that shows the change, and tells not of what: each list below them is worth
    /// another look, but for one that was read with the write. They go behind every write, in a lane of their own. What
    /// a list of the account takes, which is read sooner after some writes, is none of them.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(super) async fn read_later(&self, writes: &[(&OpportunityId, &Write)]) -> Result<usize> {
        let around = self.around(false);
        let mut people: BTreeMap<OpportunityId, BTreeSet<Stream>> = BTreeMap::new();
        for &(opportunity, write) in writes {
            for shows in self.showing(opportunity, write).await? {
                if !self.opens(&shows, write).await? {
                    continue;
                }
                let read = plan::changed_list(write).filter(|_| shows == *opportunity);
                people.entry(shows).or_default().extend(read);
            }
        }
        let left = |shown: &BTreeSet<Stream>| {
            let lists = around.lists.iter();
            lists.filter(|list| !shown.contains(list)).count()
        };
        Ok(people.values().map(left).sum())
    }

    /// The candidacies that show what a write changes: the one it names, or makes; of a change of the person each of
    /// theirs, as far as the mirror knows (behaviour.md: what `updatedAt` follows).
    async fn showing(
        &self,
        opportunity: &OpportunityId,
        write: &Write,
    ) -> Result<Vec<OpportunityId>> {
        let named = Some(opportunity).filter(|id| !id.as_str().is_empty());
        let mut showing = Vec::from_iter(named.cloned());
        let (Write::Raw(raw) | Write::Prepared(Prepared { call: raw, .. })) = write else {
            return Ok(showing);
        };
        if showing.is_empty() && plan::adds_opportunity(raw) {
            return Ok(vec![OpportunityId::from(plan::NOT_MADE_YET)]);
        }
        let (store, id) = (&self.shared().store, self.link().id());
        let contact = match raw.path.get("contact") {
            Some(contact) => Some(ContactId::from(contact.as_str())),
            None if plan::is_of_person(&raw.operation) => {
                let known = store.candidacy(id, opportunity).await?;
                known.and_then(|known| known.contact)
            }
            None => None,
        };
        if let Some(contact) = contact {
            let theirs = store.opportunities_of_contact(id, &contact).await?;
            showing.extend(theirs.into_iter().filter(|one| one != opportunity));
        }
        Ok(showing)
    }

    /// Whether the lists below an opportunity are worth another look once this was written to it: those of who was
    /// archived long ago are read on demand only.
    async fn opens(&self, opportunity: &OpportunityId, write: &Write) -> Result<bool> {
        if matches!(write, Write::Archive { .. } | Write::Unarchive) {
            return Ok(true);
        }
        let since = pull::policy(self.shared(), self.link()).archived_since;
        let store = &self.shared().store;
        let known = store.candidacy(self.link().id(), opportunity).await?;
        let archived = known.and_then(|known| known.archived);
        Ok(archived.is_none_or(|archived| archived.at >= since))
    }

    /// The same of any write.
    fn around(&self, held: bool) -> Around {
        let connection = self.link().connection();
        let read = |list: &Stream| connection.keeps(*list) && !self.link().refuses(*list);
        Around {
            held,
            lists: Stream::CHILDREN.iter().copied().filter(read).collect(),
            others: Vec::new(),
        }
    }

    /// About how long so many calls in a lane take, at the present rate and behind what goes first: the calls that wait
    /// there or in front of it, and the writes that have not begun.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(super) async fn eta(&self, calls: usize, lane: Lane) -> Result<Duration> {
        let goes_first = |other: Lane| other == Lane::Interactive || other == lane;
        let open = self
            .shared()
            .store
            .open_operations(self.link().id())
            .await?;
        let in_line = open.iter().filter(|one| {
            matches!(one.state, State::Recorded { .. }) && goes_first(send::lane(one))
        });
        let in_line: usize = in_line.map(|one| self.calls_left(one)).sum();
        let budget = self.link().client(lane);
        let now = budget.budget().snapshot();
        let lanes = [Lane::Interactive, Lane::Inbound].into_iter();
        let waiting = lanes.filter(|one| goes_first(*one));
        let waiting: usize = waiting.map(|one| now.waiting[one]).sum();
        let calls = u32::try_from(in_line + waiting + calls).unwrap_or(u32::MAX);
        let pause = now.pause.map_or(Duration::ZERO, |pause| pause.left());
        let working = f64::from(calls) / now.rate.max(0.1);
        Ok(pause + Duration::try_from_secs_f64(working).unwrap_or(Duration::MAX / 2))
    }

    /// How many calls an operation that waits for its turn still makes; a bulk makes none but through its items.
    fn calls_left(&self, operation: &Operation) -> usize {
        let around = self.around(operation.stood_back());
        let count = |write: &Write| plan::count(write, &operation.opportunity, &around);
        match &operation.write {
            Write::Bulk(_) => 0,
            write if operation.steps.is_empty() => count(write),
            _ => {
                let left = operation.steps.iter().filter(|step| !step.done);
                left.map(|step| count(&step.write)).sum()
            }
        }
    }
}
