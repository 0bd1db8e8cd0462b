//! The one thread that writes.
//!
//! Requests from many connections are taken in groups: each is its own transaction,
//! one flush makes the group durable, and only then is any of them answered.
//! Being the only writer, a request may read, decide and write without anybody coming between.
//!
//! A page of records takes some fifteen milliseconds, ten times that on a slow machine with cold caches, and is several
//! transactions for that reason, smaller ones while somebody writes ([`Pace`]).
//! Whoever has just pressed a button waits for one of them only: between two the committer looks for what is urgent,
//! commits it, and has it flushed before the page goes on. Without that all of a page shares one flush.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use domain::ConnectionId;
use tokio::sync::watch;

use crate::backup;
use crate::commits::Tally;
use crate::directory::Directory;
use crate::draft::Draft;
use crate::error::Error;
use crate::format::{Counter, key};
use crate::inbox::{Answer, Haste, Inbox, Job, Message};
use crate::pace::Pace;
use crate::sidecar::Sidecar;
use crate::space::Space;
use crate::table::{Table, Tables};
use crate::view::Views;

/// How many requests share a flush at most.
const GROUP: usize = 64;
const SIDECAR_EVERY: Duration = Duration::from_secs(1);

/// Tells watchers the number of the last change of a connection.
#[derive(Debug, Default)]
pub(crate) struct Announcer {
    watched: Mutex<HashMap<ConnectionId, watch::Sender<u64>>>,
}

impl Announcer {
    /// A receiver that starts from `present`, unless a newer number is known.
    pub(crate) fn subscribe(&self, connection: ConnectionId, present: u64) -> watch::Receiver<u64> {
        let mut watched = self
            .watched
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let sender = watched
            .entry(connection)
            .or_insert_with(|| watch::Sender::new(present));
        sender.send_if_modified(|known| raise(known, present));
        sender.subscribe()
    }

    fn announce(&self, connection: ConnectionId, sequence: u64) {
        let mut watched = self
            .watched
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some(sender) = watched.get(&connection) else {
            return;
        };
        if sender.is_closed() {
            watched.remove(&connection);
        } else {
            sender.send_if_modified(|known| raise(known, sequence));
        }
    }
}

fn raise(known: &mut u64, sequence: u64) -> bool {
    let newer = sequence > *known;
    *known = sequence.max(*known);
    newer
}

/// What shares a flush.
struct Share {
    began: Instant,
    /// The commit before the first of them.
    before: u64,
    answers: Vec<(Answer, Result<(), Error>)>,
    announcements: Vec<(ConnectionId, u64)>,
    /// Whether anything urgent is among them.
    urgent: bool,
}

impl Share {
    fn new(before: u64) -> Share {
        Share {
            began: Instant::now(),
            before,
            answers: Vec::new(),
            announcements: Vec::new(),
            urgent: false,
        }
    }
}

/// The state of the thread.
pub(crate) struct Committer {
    pub(crate) inbox: Inbox,
    pub(crate) database: sled::Db,
    pub(crate) tables: Arc<Tables>,
    pub(crate) space: Arc<Space>,
    pub(crate) announcer: Arc<Announcer>,
    pub(crate) views: Arc<Views>,
    /// The last commit that changed something a snapshot holds.
    pub(crate) worth_a_snapshot: Arc<AtomicU64>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) pace: Pace,
    pub(crate) directory: Directory,
    /// The last acknowledged commit.
    pub(crate) acknowledged: Sidecar,
    /// The open file `seq.live`.
    pub(crate) live: File,
    /// The commit number `seq` has, and when it was written.
    pub(crate) noted: (u64, Instant),
}

impl Committer {
    /// Serves requests until the store is closed or dropped.
    pub(crate) fn run(mut self) {
        let mut open = true;
        while open {
            let mut group = VecDeque::new();
            open = self.next_group(&mut group);
            self.serve(group);
        }
        self.finish();
    }

    /// Waits for work, then takes what else is there; false when no more will come.
    fn next_group(&mut self, group: &mut VecDeque<Job>) -> bool {
        match self.inbox.wait(SIDECAR_EVERY) {
            Ok(Message::Work(job)) => group.push_back(job),
            Ok(Message::Look(look)) => look(self.acknowledged.commit),
            Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => {
                self.note();
                return true;
            }
        }
        while group.len() < GROUP {
            match self.inbox.next() {
                Some(Message::Work(job)) => group.push_back(job),
                // What is in the group is not committed yet.
                Some(Message::Look(look)) => look(self.acknowledged.commit),
                Some(Message::Close) => return false,
                None => break,
            }
        }
        true
    }

    /// Performs a group, and first of all what is urgent in it or becomes so meanwhile.
    fn serve(&mut self, mut group: VecDeque<Job>) {
        group.make_contiguous().sort_by_key(Job::haste);
        let mut share = Share::new(self.acknowledged.commit);
        while let Some(mut job) = group.pop_front() {
            if job.haste() == Haste::Urgent {
                share.urgent = true;
                self.pace.hurry(Instant::now());
            }
            if !self.perform(&mut job, &mut share) {
                group.push_front(job);
            }
            for urgent in self.inbox.take_urgent().into_iter().rev() {
                group.push_front(urgent);
            }
            // What takes long does not keep it from its flush.
            let goes_on = group.front().map(Job::haste);
            if share.urgent && goes_on == Some(Haste::Patient) {
                let next = Share::new(self.acknowledged.commit);
                self.settle(std::mem::replace(&mut share, next));
            }
        }
        self.settle(share);
    }

    /// Decides the next transaction of a request and commits it; durable only after the flush. False if another one is
    /// to follow.
    fn perform(&mut self, job: &mut Job, share: &mut Share) -> bool {
        let tables = self.tables.clone();
        let room = || match job.is_vital() {
            true => self.space.check_vital(),
            false => self.space.check_write(),
        };
        let allowed = tables.health().check();
        if let Err(refusal) = allowed.and_then(|()| room()) {
            return refuse(job, refusal, share);
        }
        let began = Instant::now();
        let records = self.pace.records(began);
        let mut draft = Draft::new(&tables).of_slice(records);
        let answer = job.decide(Ok(&mut draft));
        let committed = self.commit(draft, share);
        match (answer, committed) {
            (Some(answer), committed) => {
                share.answers.push((answer, committed));
                true
            }
            (None, Ok(())) => {
                // The last slice, which has an answer, may be a short one.
                self.pace.took(records, began.elapsed());
                false
            }
            // What was to follow relies on what is not there.
            (None, Err(error)) => refuse(job, error, share),
        }
    }

    fn commit(&mut self, mut draft: Draft<'_>, share: &mut Share) -> Result<(), Error> {
        if draft.is_empty() {
            return Ok(());
        }
        let number = self.acknowledged.commit + 1;
        let worth_a_snapshot = draft.touched_tables().any(backup::is_worth_a_snapshot);
        draft.put(Table::Meta, key::COMMIT.to_vec(), &Counter(number));
        let announcement = draft.announcement();
        self.views.keep(&draft);
        draft.commit()?;
        self.acknowledged.commit = number;
        if worth_a_snapshot {
            self.worth_a_snapshot.store(number, Ordering::Relaxed);
        }
        share.announcements.extend(announcement);
        Ok(())
    }

    /// Makes durable what was performed, and answers.
    fn settle(&mut self, share: Share) {
        let wrote = self.acknowledged.commit != share.before;
        let flushed = if wrote { self.flush() } else { Ok(()) };
        let durable = flushed.is_ok();
        if durable && wrote {
            self.tally.note(share.began.elapsed());
        }
        for (answer, committed) in share.answers {
            answer(committed.and_then(|()| self.tables.health().check()));
        }
        if durable {
            for (connection, sequence) in share.announcements {
                self.announcer.announce(connection, sequence);
            }
            self.note_if_due();
        }
    }

    fn flush(&self) -> Result<(), Error> {
        let flushed = self.database.flush();
        flushed.map_err(|error| self.tables.health().fail_of_sled(error))?;
        let noted = self.acknowledged.overwrite(&self.live);
        let failed = |error| self.tables.health().fail_of_sled(sled::Error::Io(error));
        noted.map_err(failed)
    }

    fn note_if_due(&mut self) {
        if self.noted.1.elapsed() >= SIDECAR_EVERY {
            self.note();
        }
    }

    /// Writes `seq` if it is behind. Only flushed commits are in there, so a crash at any point leaves it true.
    fn note(&mut self) {
        if self.acknowledged.commit == self.noted.0 || self.tables.health().check().is_err() {
            return;
        }
        match self.acknowledged.write(&self.directory.sidecar()) {
            Ok(()) => self.noted = (self.acknowledged.commit, Instant::now()),
            Err(error) => drop(self.tables.health().fail(error.told())),
        }
    }

    fn finish(mut self) {
        if self.tables.health().check().is_ok() && self.flush().is_ok() {
            self.note();
        }
    }
}

/// Ends a request with an error.
fn refuse(job: &mut Job, error: Error, share: &mut Share) -> bool {
    let answer = job.decide(Err(error));
    share.answers.extend(answer.map(|answer| (answer, Ok(()))));
    true
}
