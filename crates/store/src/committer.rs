//! The one thread that writes.
//!
//! Requests from many connections are taken in groups: each is its own transaction,
//! one flush makes the group durable, and only then is any of them answered.
//! Being the only writer, a request may read, decide and write without anybody coming between.

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use domain::ConnectionId;
use tokio::sync::{oneshot, watch};

use crate::backup;
use crate::commits::Tally;
use crate::directory::Directory;
use crate::draft::Draft;
use crate::error::Error;
use crate::format::{Counter, key};
use crate::sidecar::Sidecar;
use crate::space::Space;
use crate::table::{Table, Tables};
use crate::view::Views;

/// How many requests share a flush at most.
const GROUP: usize = 64;
const SIDECAR_EVERY: Duration = Duration::from_secs(1);

/// A request: decides on the draft (or hears why it may not), and leaves the answer for after the flush.
pub(crate) type Job = Box<dyn FnOnce(Result<&mut Draft<'_>, Error>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;
/// What looks at the store between two commits.
pub(crate) type Look = Box<dyn FnOnce(u64) + Send>;

/// What is sent to the thread.
pub(crate) enum Message {
    /// A request.
    Work(Job),
    /// Something to be done between two commits, given the number of the one before; it writes nothing, so that a full
    /// disk is no hindrance.
    Look(Look),
    /// Everything before this is finished, then the thread ends.
    Close,
}

/// Makes a request of a closure, and the place its answer comes to.
pub(crate) fn job<T, F>(work: F) -> (Job, oneshot::Receiver<Result<T, Error>>)
where
    T: Send + 'static,
    F: FnOnce(&mut Draft<'_>) -> Result<T, Error> + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let job: Job = Box::new(move |draft| {
        let decided = draft.and_then(|draft| work(draft).inspect_err(|_| draft.discard()));
        Box::new(move |durable| {
            // Whoever asked may have gone; what was asked is done all the same.
            let _ = sender.send(decided.and_then(|value| durable.map(|()| value)));
        })
    });
    (job, receiver)
}

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

/// The state of the thread.
pub(crate) struct Committer {
    pub(crate) database: sled::Db,
    pub(crate) tables: Arc<Tables>,
    pub(crate) space: Arc<Space>,
    pub(crate) announcer: Arc<Announcer>,
    pub(crate) views: Arc<Views>,
    /// The last commit that changed something a snapshot holds.
    pub(crate) worth_a_snapshot: Arc<AtomicU64>,
    pub(crate) tally: Arc<Tally>,
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
    pub(crate) fn run(mut self, messages: &Receiver<Message>) {
        let mut open = true;
        while open {
            let mut group = Vec::new();
            open = self.next_group(messages, &mut group);
            if !group.is_empty() {
                self.serve(group);
            }
        }
        self.finish();
    }

    /// Waits for work, then takes what else is there; false when no more will come.
    fn next_group(&mut self, messages: &Receiver<Message>, group: &mut Vec<Job>) -> bool {
        match messages.recv_timeout(SIDECAR_EVERY) {
            Ok(Message::Work(job)) => group.push(job),
            Ok(Message::Look(look)) => look(self.acknowledged.commit),
            Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => {
                self.note();
                return true;
            }
        }
        while group.len() < GROUP {
            match messages.try_recv() {
                Ok(Message::Work(job)) => group.push(job),
                // What is in the group is not committed yet.
                Ok(Message::Look(look)) => look(self.acknowledged.commit),
                Ok(Message::Close) => return false,
                Err(_nothing_more) => break,
            }
        }
        true
    }

    fn serve(&mut self, group: Vec<Job>) {
        let began = Instant::now();
        let before = self.acknowledged.commit;
        let mut announcements = Vec::new();
        let answers: Vec<_> = group
            .into_iter()
            .map(|job| self.perform(job, &mut announcements))
            .collect();
        let flushed = if self.acknowledged.commit == before {
            Ok(())
        } else {
            self.flush()
        };
        let durable = flushed.is_ok();
        if durable && self.acknowledged.commit != before {
            self.tally.note(began.elapsed());
        }
        for (answer, committed) in answers {
            answer(committed.and_then(|()| self.tables.health().check()));
        }
        if durable {
            for (connection, sequence) in announcements {
                self.announcer.announce(connection, sequence);
            }
            self.note_if_due();
        }
    }

    /// Decides one request and commits what it wrote; durable only after the flush.
    fn perform(
        &mut self,
        job: Job,
        announcements: &mut Vec<(ConnectionId, u64)>,
    ) -> (Answer, Result<(), Error>) {
        let tables = self.tables.clone();
        if let Err(refusal) = tables
            .health()
            .check()
            .and_then(|()| self.space.check_write())
        {
            return (job(Err(refusal)), Ok(()));
        }
        let mut draft = Draft::new(&tables);
        let answer = job(Ok(&mut draft));
        if draft.is_empty() {
            return (answer, Ok(()));
        }
        let number = self.acknowledged.commit + 1;
        let worth_a_snapshot = draft.touched_tables().any(backup::is_worth_a_snapshot);
        draft.put(Table::Meta, key::COMMIT.to_vec(), &Counter(number));
        let announcement = draft.announcement();
        self.views.keep(&draft);
        let committed = draft.commit();
        if committed.is_ok() {
            self.acknowledged.commit = number;
            if worth_a_snapshot {
                self.worth_a_snapshot.store(number, Ordering::Relaxed);
            }
            announcements.extend(announcement);
        }
        (answer, committed)
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
