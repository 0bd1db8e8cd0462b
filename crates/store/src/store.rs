//! The store itself: one handle, cheap to clone.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use domain::ConnectionId;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::commits::{Commits, Tally};
use crate::committer::{Announcer, Committer};
use crate::directory::Directory;
use crate::draft::Draft;
use crate::error::Error;
use crate::format::{Counter, key};
use crate::health::Health;
use crate::inbox::{Haste, Inbox, Job, Message, job};
use crate::opening::{self, Opened, Options};
use crate::pace::Pace;
use crate::prune::Retention;
use crate::ring::Ring;
use crate::space::{Shortage, Space};
use crate::table::{Table, Tables};
use crate::view::{Order, View, Views};

/// How many requests may wait for the committer; more wait outside, without memory of their own.
const WAITING: usize = 256;

/// How many ranges are read at once; more wait outside, since each takes a thread of its own, with memory of its own.
const READING: usize = 16;

/// The embedded database of one service.
///
/// Writes are answered when they are durable. Reads see every write that was answered,
/// and may see one that is about to be.
/// When the last clone is dropped, what was written is flushed; [`Store::close`] does so without blocking.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    tables: Arc<Tables>,
    health: Arc<Health>,
    space: Arc<Space>,
    directory: Directory,
    ring: Arc<Ring>,
    /// Whether the master keys were given, and are no files of ours.
    keys_given: bool,
    /// Held by whoever changes the files of master keys.
    key_files: tokio::sync::Mutex<()>,
    announcer: Arc<Announcer>,
    views: Arc<Views>,
    worth_a_snapshot: Arc<AtomicU64>,
    tally: Arc<Tally>,
    admission: Semaphore,
    reading: Arc<Semaphore>,
    retention: Retention,
    messages: Sender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the store in a folder, or makes one there. Blocks: call it from a blocking thread.
    ///
    /// # Errors
    /// [`ErrorKind::InUse`](crate::ErrorKind::InUse), `DiskFull`, `Damaged`, `Lost`, `NotAStore`, `NewerFormat`,
    /// `MasterKey` or `Io`; each text says what to do. Nothing is renamed or deleted.
    pub fn open(folder: &Path, options: Options) -> Result<Store, Error> {
        let opened = opening::open(folder, &options)?;
        let store = Self::start(opened, &options)?;
        store.snapshot_before_upgrade(options.now)?;
        store.resume_purges()?;
        store.sweep_files()?;
        Ok(store)
    }

    /// As [`Store::open`], but makes none. Blocks.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) where there is none, and those of [`Store::open`].
    pub fn open_existing(folder: &Path, options: Options) -> Result<Store, Error> {
        opening::expect_store(folder)?;
        Store::open(folder, options)
    }

    fn start(opened: Opened, options: &Options) -> Result<Store, Error> {
        let Opened {
            directory,
            database,
            tables,
            health,
            ring,
            acknowledged,
            lock,
        } = opened;
        let tables = Arc::new(tables);
        let announcer = Arc::new(Announcer::default());
        let tally = Arc::new(Tally::default());
        let space = Space::new(
            directory.root(),
            options.write_floor_bytes,
            options.backfill_floor_bytes,
        );
        let space = Arc::new(space);
        let views = Arc::new(Views::default());
        // Whether anything has changed since the last snapshot is not known.
        let worth_a_snapshot = Arc::new(AtomicU64::new(acknowledged.commit));
        let live = directory.open_live()?;
        acknowledged
            .overwrite(&live)
            .map_err(|error| Error::io("write seq.live", error))?;
        let (messages, receiver) = channel();
        let committer = Committer {
            inbox: Inbox::new(receiver),
            database,
            tables: tables.clone(),
            space: space.clone(),
            announcer: announcer.clone(),
            views: views.clone(),
            worth_a_snapshot: worth_a_snapshot.clone(),
            directory: directory.clone(),
            tally: tally.clone(),
            pace: Pace::new(),
            // The file is brought up to date by the first write.
            noted: (0, Instant::now()),
            acknowledged,
            live,
        };
        let thread = std::thread::Builder::new()
            .name("store-committer".to_owned())
            .spawn(move || {
                run(committer);
                drop(lock);
            })
            .map_err(|error| Error::io("start the committer thread", error))?;
        let inner = Inner {
            tables,
            health,
            space,
            directory,
            ring: Arc::new(ring),
            keys_given: !options.master_keys.is_empty(),
            key_files: tokio::sync::Mutex::new(()),
            announcer,
            views,
            worth_a_snapshot,
            tally,
            admission: Semaphore::new(WAITING),
            reading: Arc::new(Semaphore::new(READING)),
            retention: options.retention,
            messages,
            thread: Mutex::new(Some(thread)),
        };
        Ok(Store {
            inner: Arc::new(inner),
        })
    }

    /// Finishes what was asked, flushes, and lets go of the folder. Other clones are refused from then on.
    ///
    /// # Errors
    /// [`ErrorKind::Poisoned`](crate::ErrorKind::Poisoned) when the last writes could not be made durable.
    pub async fn close(self) -> Result<(), Error> {
        // A failed send means that the thread has ended.
        let _ = self.inner.messages.send(Message::Close);
        let inner = self.inner.clone();
        join_blocking(move || {
            inner.join();
            inner.health.check()
        })
        .await
    }

    /// Waits for an error after which the process must stop; gives its reason.
    ///
    /// From then on every call answers [`ErrorKind::Poisoned`](crate::ErrorKind::Poisoned).
    pub async fn fatal(&self) -> String {
        self.inner.health.fatal().await
    }

    /// Whether there is room enough on the disk for history, which can wait.
    pub fn backfill_allowed(&self) -> bool {
        self.inner.space.backfill_allowed()
    }

    /// Gives back the room that was set aside for a full disk; tells how many bytes that were, 0 when there was none.
    ///
    /// It is set aside again by the next start that finds room enough.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn free_reserve(&self) -> Result<u64, Error> {
        let freed = self.inner.directory.free_reserve()?;
        self.inner.space.look_again();
        Ok(freed)
    }

    /// Whether there is room enough on the disk for anything that can be put off.
    pub fn writes_allowed(&self) -> bool {
        self.inner.space.check_write().is_ok()
    }

    /// Why there is not; none where there is.
    pub fn shortage(&self) -> Option<Shortage> {
        self.inner.space.shortage()
    }

    /// Free bytes of the disk that holds the data.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when the system does not tell.
    pub fn free_bytes(&self) -> Result<u64, Error> {
        self.inner.space.free_now()
    }

    /// What commits came to since the store was opened.
    pub fn commits(&self) -> Commits {
        let waiting = WAITING - self.inner.admission.available_permits();
        self.inner.tally.commits(waiting as u64)
    }

    /// Whether an error has come after which nothing is stored or read any more; [`Store::fatal`] tells which.
    pub fn has_failed(&self) -> bool {
        self.inner.health.check().is_err()
    }

    /// Seals a value for one purpose; it opens again only with the same purpose and context.
    ///
    /// For what is given away: it opens for seven days at least. What is kept is sealed in the commit that stores it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when there are no random numbers.
    pub fn seal(&self, purpose: &str, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        self.inner.ring.seal(purpose, context, plain)
    }

    /// A text that outlasts restarts, and that nobody can make who does not have this store; another one for each
    /// purpose.
    ///
    /// # Errors
    /// As every read.
    pub fn lasting_secret(&self, purpose: &str) -> Result<[u8; 24], Error> {
        Ok(self.tables().digester()?.lasting_secret(purpose))
    }

    /// Opens a sealed value.
    ///
    /// # Errors
    /// [`ErrorKind::Unsealed`](crate::ErrorKind::Unsealed) when it was altered, or sealed for something else;
    /// [`ErrorKind::KeyRemoved`](crate::ErrorKind::KeyRemoved) when its master key was removed since.
    pub fn unseal(&self, purpose: &str, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Error> {
        self.inner.ring.unseal(purpose, context, sealed)
    }

    /// The number of the last change of a connection, and every later one; numbers may be skipped, never repeated.
    ///
    /// # Errors
    /// [`ErrorKind::Poisoned`](crate::ErrorKind::Poisoned).
    pub fn watch_changes(&self, connection: ConnectionId) -> Result<watch::Receiver<u64>, Error> {
        let present = self
            .tables()
            .get::<Counter>(Table::Sequences, &key::connection(connection))?;
        Ok(self
            .inner
            .announcer
            .subscribe(connection, present.unwrap_or_default().0))
    }

    pub(crate) fn space(&self) -> &Arc<Space> {
        &self.inner.space
    }

    /// The files of the store.
    pub(crate) fn directory(&self) -> &Directory {
        &self.inner.directory
    }

    /// The last commit that changed something a snapshot holds.
    pub(crate) fn worth_a_snapshot(&self) -> u64 {
        self.inner.worth_a_snapshot.load(Ordering::Relaxed)
    }

    /// Opens a view of the store as it is now; gives the number of the last commit in it.
    pub(crate) async fn view(
        &self,
        scope: fn(Table) -> bool,
        order: Order,
    ) -> Result<(View, u64), Error> {
        self.received(self.ask_view(scope, order)?.await.map(Ok))
    }

    /// The same as [`Store::view`] where nothing can be awaited.
    pub(crate) fn view_blocking(
        &self,
        scope: fn(Table) -> bool,
        order: Order,
    ) -> Result<(View, u64), Error> {
        let answer = self.ask_view(scope, order)?;
        let waited = std::thread::spawn(move || answer.blocking_recv().map(Ok)).join();
        self.received(waited.unwrap_or_else(|_| Ok(Err(Error::closed()))))
    }

    fn ask_view(
        &self,
        scope: fn(Table) -> bool,
        order: Order,
    ) -> Result<oneshot::Receiver<(View, u64)>, Error> {
        self.inner.health.check()?;
        let (sender, receiver) = oneshot::channel();
        let (views, tables) = (self.inner.views.clone(), self.inner.tables.clone());
        let look = move |commit| {
            // Whoever asked may have gone.
            let _ = sender.send((views.open(tables, scope, order), commit));
        };
        self.inner
            .messages
            .send(Message::Look(Box::new(look)))
            .map_err(|_| self.ended())?;
        Ok(receiver)
    }

    /// Waits until all that can be read now is durable: what a commit has stored is read a moment before that.
    ///
    /// Who is told of something that others have asked for waits for it as they do.
    ///
    /// # Errors
    /// As every read; and where a commit could not be made durable.
    pub async fn until_durable(&self) -> Result<(), Error> {
        let (sender, receiver) = oneshot::channel();
        let look = move |_commit| {
            // Whoever asked may have gone.
            let _ = sender.send(());
        };
        self.inner
            .messages
            .send(Message::Look(Box::new(look)))
            .map_err(|_| self.ended())?;
        self.received(receiver.await.map(Ok))?;
        self.inner.health.check()
    }

    /// How long what grows with use is kept.
    pub fn retention(&self) -> Retention {
        self.inner.retention
    }

    pub(crate) fn tables(&self) -> &Tables {
        &self.inner.tables
    }

    /// The master keys. What is kept is sealed inside a commit, never before it: see [`Ring`].
    pub(crate) fn ring(&self) -> &Arc<Ring> {
        &self.inner.ring
    }

    /// Whether the master keys were given, and are no files of the folder.
    pub(crate) fn keys_given(&self) -> bool {
        self.inner.keys_given
    }

    /// Held by whoever changes the files of master keys.
    pub(crate) fn key_files(&self) -> &tokio::sync::Mutex<()> {
        &self.inner.key_files
    }

    /// Has the committer run `work` as one transaction; answers when it is durable.
    pub(crate) async fn commit<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Draft<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.ask(Haste::Usual, once(work)).await
    }

    /// The same for what somebody waits for who has just asked for it: it goes before what is patient.
    pub(crate) async fn commit_urgently<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Draft<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.ask(Haste::Urgent, once(work)).await
    }

    /// The same for what shuts somebody out or makes room, which goes on where a nearly full disk has stopped other writes.
    pub(crate) async fn commit_vitally<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Draft<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (job, answer) = job(Haste::Usual, once(work));
        self.send(job.vital())?;
        self.received(answer.await)
    }

    /// The same for what takes long: others go first.
    pub(crate) async fn commit_patiently<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Draft<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.ask(Haste::Patient, once(work)).await
    }

    /// Has the committer run `slice` as one transaction after the other until it gives an answer, with one flush at the
    /// end; only what is urgent comes between.
    ///
    /// After an error, of a kill too, what earlier slices stored is there and the rest is not.
    pub(crate) async fn commit_in_slices<T, F>(&self, slice: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut Draft<'_>) -> Result<Option<T>, Error> + Send + 'static,
    {
        self.ask(Haste::Patient, slice).await
    }

    async fn ask<T, F>(&self, haste: Haste, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut Draft<'_>) -> Result<Option<T>, Error> + Send + 'static,
    {
        let _admitted = self
            .inner
            .admission
            .acquire()
            .await
            .map_err(|_| Error::closed())?;
        let (job, answer) = job(haste, work);
        self.send(job)?;
        self.received(answer.await)
    }

    /// Has the committer run `step` in one transaction after the other, each from where the one before ended; gives
    /// the sum of what they came to.
    ///
    /// A step is given the key to go on after, and tells the next one; none ends it.
    pub(crate) async fn commit_in_steps<F>(&self, from: Vec<u8>, step: F) -> Result<u64, Error>
    where
        F: Fn(&mut Draft<'_>, &[u8]) -> Result<(u64, Option<Vec<u8>>), Error>
            + Send
            + Sync
            + 'static,
    {
        let step = Arc::new(step);
        let mut sum = 0;
        let mut next = Some(from);
        while let Some(from) = next {
            let step = step.clone();
            let step = move |draft: &mut Draft<'_>| step(draft, &from);
            let (count, after) = self.commit_patiently(step).await?;
            sum += count;
            next = after;
        }
        Ok(sum)
    }

    /// The same as [`Store::commit`] where nothing can be awaited.
    pub(crate) fn commit_blocking<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Draft<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (job, answer) = job(Haste::Usual, once(work));
        self.send(job)?;
        // A thread of its own: waiting here would panic where async code runs.
        let waited = std::thread::spawn(move || answer.blocking_recv()).join();
        self.received(waited.unwrap_or_else(|_| Ok(Err(Error::closed()))))
    }

    fn send(&self, job: Job) -> Result<(), Error> {
        self.inner
            .messages
            .send(Message::Work(job))
            .map_err(|_| self.ended())
    }

    fn received<T>(
        &self,
        answer: Result<Result<T, Error>, oneshot::error::RecvError>,
    ) -> Result<T, Error> {
        answer.unwrap_or_else(|_| Err(self.ended()))
    }

    fn ended(&self) -> Error {
        self.inner
            .health
            .check()
            .err()
            .unwrap_or_else(Error::closed)
    }

    /// Reads a range on a blocking thread.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Tables) -> Result<T, Error> + Send + 'static,
    {
        let tables = self.inner.tables.clone();
        let room = self.inner.reading.clone().acquire_owned().await;
        let room = room.map_err(|_| Error::closed())?;
        join_blocking(move || {
            // Given back when it was read, not when it is taken: who does not come for it must keep nobody waiting.
            let _room = room;
            work(&tables)
        })
        .await
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Inner {
    fn join(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .take();
        if let Some(thread) = thread {
            // A panic of the thread was caught and made fatal.
            let _ = thread.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let _ = self.messages.send(Message::Close);
        self.join();
    }
}

/// Makes one of several transactions of what is one.
fn once<T, F>(work: F) -> impl FnMut(&mut Draft<'_>) -> Result<Option<T>, Error>
where
    F: FnOnce(&mut Draft<'_>) -> Result<T, Error>,
{
    let mut work = Some(work);
    move |draft| work.take().ok_or_else(Error::closed)?(draft).map(Some)
}

/// Runs the committer; sled may panic, and then nothing may be acknowledged any more.
fn run(committer: Committer) {
    let tables = committer.tables.clone();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| committer.run()));
    if outcome.is_err() {
        let _ = tables.health().fail("the committer panicked");
    }
}

/// Does something that blocks on a thread for such things.
pub(crate) async fn join_blocking<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_panicked_or_shut_down| Err(Error::closed()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Counter;

    const URGENT: &[u8] = b"urgent";
    const PATIENT: &[u8] = b"patient";

    fn store(folder: &Path) -> Store {
        let options = Options {
            open_floor_bytes: 0,
            write_floor_bytes: 0,
            backfill_floor_bytes: 0,
            reserve_bytes: 0,
            ..Options::default()
        };
        Store::open(folder, options).unwrap()
    }

    /// Raises a counter, as a request that may be sent from anywhere; its answer is the new value.
    fn raise(
        store: &Store,
        haste: Haste,
        key: &'static [u8],
    ) -> oneshot::Receiver<Result<u64, Error>> {
        let (job, answer) = job(haste, move |draft| raised(draft, key).map(Some));
        store.send(job).unwrap();
        answer
    }

    fn raised(draft: &mut Draft<'_>, key: &'static [u8]) -> Result<u64, Error> {
        let next = draft.count(Table::Meta, key)? + 1;
        draft.put(Table::Meta, key.to_vec(), &Counter(next));
        Ok(next)
    }

    /// A request of four slices, during each of which somebody asks for something; tells what each saw of that, and
    /// whether it was answered.
    async fn interrupted(store: &Store, haste: Haste) -> Vec<(u64, bool)> {
        let asking = store.clone();
        let (mut seen, mut asked) = (Vec::new(), None);
        let slice =
            move |draft: &mut Draft<'_>| {
                let answered = asked.as_mut().is_none_or(
                    |answer: &mut oneshot::Receiver<Result<u64, Error>>| answer.try_recv().is_ok(),
                );
                seen.push((draft.count(Table::Meta, URGENT)?, answered));
                raised(draft, PATIENT)?;
                asked = Some(raise(&asking, haste, URGENT));
                Ok((seen.len() == 4).then(|| std::mem::take(&mut seen)))
            };
        store.commit_in_slices(slice).await.unwrap()
    }

    async fn count(store: &Store, key: &'static [u8]) -> u64 {
        store
            .commit(move |draft| draft.count(Table::Meta, key))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn what_is_urgent_is_durable_and_answered_before_a_page_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());

        let seen = interrupted(&store, Haste::Urgent).await;
        assert_eq!(seen, [(0, true), (1, true), (2, true), (3, true)]);
        assert_eq!(count(&store, PATIENT).await, 4);
        assert_eq!(count(&store, URGENT).await, 4);
    }

    #[tokio::test]
    async fn what_takes_its_turn_waits_for_the_whole_page() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());

        let seen = interrupted(&store, Haste::Usual).await;
        assert_eq!(seen, [(0, true), (0, false), (0, false), (0, false)]);
        assert_eq!(count(&store, PATIENT).await, 4);
        assert_eq!(count(&store, URGENT).await, 4);
    }

    #[tokio::test]
    async fn what_is_urgent_has_its_flush_before_a_page_that_came_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let asking = store.clone();
        let (sender, page) = oneshot::channel();
        // Sent between two groups, so that both are in the next.
        let both = move |_commit| {
            let asked = Arc::new(Mutex::new(None));
            let before = asked.clone();
            let slice = move |draft: &mut Draft<'_>| {
                let mut asked = before.lock().unwrap();
                let answer: Option<&mut oneshot::Receiver<Result<u64, Error>>> = asked.as_mut();
                let answered = answer.is_some_and(|answer| answer.try_recv().is_ok());
                Ok(Some((draft.count(Table::Meta, URGENT)?, answered)))
            };
            let mut waiting = asked.lock().unwrap();
            let (patient, answer) = job(Haste::Patient, slice);
            asking.send(patient).unwrap();
            *waiting = Some(raise(&asking, Haste::Urgent, URGENT));
            sender.send(answer).unwrap();
        };
        let both = Message::Look(Box::new(both));
        store.inner.messages.send(both).unwrap();
        let seen = page.await.unwrap().await.unwrap().unwrap();
        assert_eq!(seen, (1, true));
    }

    type Slice = Box<dyn Fn(&mut Draft<'_>) -> Result<Option<()>, Error> + Send>;

    #[tokio::test]
    async fn after_a_slice_that_fails_none_follows_and_those_before_it_stay() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let fails = |draft: &mut Draft<'_>| {
            raised(draft, URGENT)?;
            Err(Error::not_found("what it needs"))
        };
        // Refused by the index that counts, which knows somebody of this connection.
        let connection = ConnectionId::from_bytes([1; 16]);
        let counts = [("offer".into(), 1)].into();
        store.tables().stage_counts().keep(0, connection, &counts);
        let cannot_be_stored = move |draft: &mut Draft<'_>| {
            raised(draft, URGENT)?;
            draft.mark(Table::ByStage, connection.as_bytes().to_vec());
            Ok(None)
        };
        let second: [Slice; 2] = [Box::new(fails), Box::new(cannot_be_stored)];
        for (before, second) in (0..).zip(second) {
            let mut slices = 0;
            let slice = move |draft: &mut Draft<'_>| {
                slices += 1;
                match slices {
                    1 => raised(draft, PATIENT).map(|_| None),
                    2 => second(draft),
                    _ => raised(draft, URGENT).map(|_| Some(())),
                }
            };
            store.commit_in_slices(slice).await.unwrap_err();
            assert_eq!(count(&store, PATIENT).await, before + 1);
            assert_eq!(count(&store, URGENT).await, 0);
        }
    }

    #[tokio::test]
    async fn what_can_be_read_before_it_is_durable_can_be_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let asking = store.clone();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        // Both are served together: the one is stored while the other is decided, and no flush was made.
        let two = move |_draft: &mut Draft<'_>| {
            let stored = raise(&asking, Haste::Usual, PATIENT);
            let held = once(move |_draft: &mut Draft<'_>| Ok(wait.recv().is_ok()));
            let (held, _answer) = job(Haste::Usual, held);
            asking.send(held).unwrap();
            Ok(stored)
        };
        let mut stored = store.commit(two).await.unwrap();
        while !store.tables().contains(Table::Meta, PATIENT).unwrap() {
            tokio::task::yield_now().await;
        }
        let waiting = store.clone();
        let durable = tokio::spawn(async move { waiting.until_durable().await });
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert!(!durable.is_finished());
        assert!(stored.try_recv().is_err(), "it is not answered either");
        go.send(()).unwrap();
        durable.await.unwrap().unwrap();
        assert_eq!(stored.try_recv().unwrap().unwrap(), 1);
    }

    #[tokio::test]
    async fn messages_put_off_for_what_is_urgent_keep_their_order_and_are_served_before_a_close() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let asking = store.clone();
        let answers = Arc::new(Mutex::new(Vec::new()));
        let sent = answers.clone();
        let work = move |_draft: &mut Draft<'_>| {
            let usual = raise(&asking, Haste::Usual, PATIENT);
            let urgent = raise(&asking, Haste::Urgent, URGENT);
            let after = raise(&asking, Haste::Usual, URGENT);
            sent.lock().unwrap().extend([usual, urgent, after]);
            asking.inner.messages.send(Message::Close).unwrap();
            Ok(())
        };
        store.commit_patiently(work).await.unwrap();
        let mut values = Vec::new();
        let answers = std::mem::take(&mut *answers.lock().unwrap());
        for answer in answers {
            values.push(answer.await.unwrap().unwrap());
        }
        assert_eq!(values, [1, 1, 2]);
    }
}
