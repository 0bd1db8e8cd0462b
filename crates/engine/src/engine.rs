//! The engine: all connections and what they share.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use domain::issue::Problem;
use domain::{Connection, ConnectionId, Disconnected, Timestamp};
use store::Store;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::cause::Cause;
use crate::clock::Clock;
use crate::credential::Renewals;
use crate::duplicates::Kinds;
use crate::error::{Error, Result};
use crate::legend::Legends;
use crate::link::{Clients, Link};
use crate::moves::Moves;
use crate::push::Outbox;
use crate::roll::Rolls;
use crate::settings::Settings;
use crate::supervise::supervise;
use crate::webhook::{self, Tokens};
use crate::{
    credential, identity, issues, master_keys, nudge, pause, pull, push, sla_marks, snapshots,
    traffic, upkeep,
};

/// What every part of the engine uses.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    pub(crate) clients: Clients,
    pub(crate) renewals: Renewals,
    pub(crate) legends: Legends,
    pub(crate) rolls: Rolls,
    pub(crate) kinds: Arc<Kinds>,
    pub(crate) moves: Moves,
    /// Says that the master key was exchanged.
    pub(crate) resealing: Notify,
    /// Held from the look for another connection of the account until one is stored.
    pub(crate) linking: tokio::sync::Mutex<()>,
}

/// A connection's link with its outbox.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub(crate) link: Arc<Link>,
    pub(crate) outbox: Arc<Outbox>,
}

/// Why a connection is not worked on.
#[derive(Debug, Clone)]
enum Unusable {
    /// Something is wrong with it, in one sentence.
    Broken(String),
    /// It is being disconnected.
    Leaving,
    /// It is disconnected.
    Disconnected(Disconnected),
}

impl Unusable {
    fn error(&self) -> Error {
        match self {
            Unusable::Broken(why) => Error::precondition(
                "CONNECTION_UNUSABLE",
                format!("the connection cannot be worked on: {why}"),
                Vec::new(),
            ),
            Unusable::Leaving => Error::aborted(
                "DISCONNECTING",
                "the account is being disconnected; that takes a minute at most",
                Vec::new(),
            ),
            Unusable::Disconnected(disconnected) => disconnected_error(disconnected),
        }
    }
}

/// What to say about an account that is disconnected.
pub(crate) fn disconnected_error(disconnected: &Disconnected) -> Error {
    let ms = |at: Timestamp| at.as_millis().to_string();
    Error::precondition(
        "DISCONNECTED",
        "the account is disconnected: CreateConnection with the same external_id brings it back with its mirror \
         until that is removed",
        vec![
            ("disconnected_at_ms", ms(disconnected.at)),
            ("purge_at_ms", ms(disconnected.purge_at)),
        ],
    )
}

/// Fulcrum's engine; cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    running: Arc<RwLock<HashMap<ConnectionId, Running>>>,
    /// Connections that cannot be worked on, and why.
    unusable: Arc<RwLock<HashMap<ConnectionId, Unusable>>>,
    /// What deliveries to connections that do not exist are verified with.
    decoys: Arc<Tokens>,
    /// Over once a stop is near: nobody waits any more for what may take long.
    winding_down: CancellationToken,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Engine {
    /// Starts the workers of every stored connection: pulls and writes go on where they were.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn start(store: Store, settings: Settings, clock: Clock) -> Result<Self> {
        let clients = Clients::new(settings.clone(), clock.clone())?;
        let tasks = TaskTracker::new();
        let engine = Self {
            shared: Arc::new(Shared {
                store,
                clock,
                settings,
                clients,
                renewals: Renewals::among(tasks.clone()),
                legends: Legends::default(),
                rolls: Rolls::default(),
                kinds: Arc::default(),
                moves: Moves::new(),
                resealing: Notify::new(),
                linking: tokio::sync::Mutex::new(()),
            }),
            running: Arc::new(RwLock::new(HashMap::new())),
            unusable: Arc::new(RwLock::new(HashMap::new())),
            decoys: Arc::new(Tokens::padded(Vec::new())),
            winding_down: CancellationToken::new(),
            stop: CancellationToken::new(),
            tasks,
        };
        for connection in engine.shared.store.connections().await? {
            if let Some(disconnected) = connection.disconnected {
                engine.note_unusable(connection.id, Unusable::Disconnected(disconnected));
                continue;
            }
            let id = connection.id;
            match credential::link(&engine.shared, connection).await {
                Ok(link) => engine.run(link).await?,
                Err(error) => engine.set_aside(id, &error).await,
            }
        }
        let (kept, stop) = (engine.clone(), engine.stop.clone());
        let upkeep = move || upkeep::run(kept.clone());
        engine.tasks.spawn(supervise("upkeep", stop, || {}, upkeep));
        let (kept, stop) = (engine.clone(), engine.stop.clone());
        let snapshots = move || snapshots::run(kept.clone());
        engine
            .tasks
            .spawn(supervise("snapshots", stop, || {}, snapshots));
        let (kept, stop) = (engine.clone(), engine.stop.clone());
        let identity = move || identity::run(kept.clone());
        engine
            .tasks
            .spawn(supervise("identity", stop, || {}, identity));
        let (kept, stop) = (engine.clone(), engine.stop.clone());
        let keys = move || master_keys::run(kept.clone());
        engine
            .tasks
            .spawn(supervise("master keys", stop, || {}, keys));
        Ok(engine)
    }

    /// Notes a connection that cannot be worked on; the others go on.
    async fn set_aside(&self, id: ConnectionId, error: &Error) {
        tracing::error!(connection = %id, error = %crate::report(error), "the connection cannot be worked on");
        self.note_unusable(id, Unusable::Broken(error.to_string()));
        self.note_unusable_issue(id, error.to_string()).await;
    }

    fn note_unusable(&self, id: ConnectionId, why: Unusable) {
        self.unusable().insert(id, why);
    }

    fn unusable(&self) -> RwLockWriteGuard<'_, HashMap<ConnectionId, Unusable>> {
        self.unusable
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the workers of a link.
    pub(crate) async fn run(&self, link: Arc<Link>) -> Result<()> {
        let outbox = Outbox::new(self.shared.clone(), link.clone(), self.tasks.clone());
        outbox.resume().await?;
        link.set_schedules(self.shared.store.schedules(link.id()).await?);
        link.access
            .restore(self.shared.store.hides_confidential(link.id()).await?);
        link.webhooks
            .load_tokens(&self.shared.store, link.id())
            .await?;
        let running = Running {
            link: link.clone(),
            outbox,
        };
        self.put_running(running);
        let stop = link.stop.clone();
        let all = self.stop.clone();
        self.tasks.spawn(async move {
            all.cancelled().await;
            stop.cancel();
        });
        self.tasks
            .spawn(traffic::run(self.shared.clone(), link.clone()));
        self.tasks.spawn(pause::tell(link.clone()));
        self.work("pull", &link, pull::run);
        self.work("sweep", &link, pull::sweep::run);
        self.work("inbound", &link, pull::inbound::run);
        self.work("hydrate", &link, pull::hydrate::run);
        self.work("nudges", &link, nudge::run);
        self.work("sla", &link, sla_marks::run);
        self.work("webhooks", &link, webhook::register::run);
        self.work("issues", &link, issues::run);
        if let Some(former) = self.shared.store.former_settings(link.id()).await? {
            let settings = link.connection();
            self.follow_settings(link, &former, &settings).await?;
        }
        Ok(())
    }

    /// Keeps a worker of a link going until the link is stopped.
    fn work<F>(&self, name: &'static str, link: &Arc<Link>, worker: fn(Arc<Shared>, Arc<Link>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (shared, link) = (self.shared.clone(), link.clone());
        let stop = link.stop.clone();
        let panicked = panicked(name, &shared, &link);
        let begin = move || worker(shared.clone(), link.clone());
        self.tasks.spawn(supervise(name, stop, panicked, begin));
    }

    /// Does something that must not be left half done when its caller goes away.
    pub(crate) async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        self.spawn(async move {
            // Nobody waiting is fine: it is done all the same.
            let _ = answer.send(work.await);
        });
        answered
            .await
            .unwrap_or_else(|_| Err(Error::unavailable("the service stops; ask again")))
    }

    /// Runs something beside, for the same cause; a stop waits for it.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks
            .spawn(Cause::present().during(work.in_current_span()));
    }

    fn put_running(&self, running: Running) {
        let id = running.link.id();
        self.unusable().remove(&id);
        self.all_running().insert(id, running);
    }

    fn all_running(&self) -> RwLockWriteGuard<'_, HashMap<ConnectionId, Running>> {
        self.running.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection out of use while it is being disconnected; gives its link and outbox, where it has them.
    pub(crate) fn leave(&self, id: ConnectionId) -> Result<Option<Running>> {
        let mut unusable = self.unusable();
        if matches!(unusable.get(&id), Some(Unusable::Leaving)) {
            return Err(Unusable::Leaving.error());
        }
        unusable.insert(id, Unusable::Leaving);
        self.shared.legends.forget(id);
        self.shared.rolls.forget(id);
        Ok(self.all_running().remove(&id))
    }

    /// Puts a connection back into use, since it could not be disconnected.
    pub(crate) fn stay(&self, running: Option<Running>, connection: Connection) {
        match running {
            Some(running) => {
                running.link.set_connection(connection);
                running.link.wake();
                self.put_running(running);
            }
            None => {
                let why = "it could not be disconnected; ask again".to_owned();
                self.note_unusable(connection.id, Unusable::Broken(why));
            }
        }
    }

    /// Notes that a connection is disconnected.
    pub(crate) fn left(&self, connection: &Connection) {
        if let Some(disconnected) = connection.disconnected {
            self.note_unusable(connection.id, Unusable::Disconnected(disconnected));
        }
    }

    /// Forgets a connection that does not exist any more.
    pub(crate) fn forget(&self, id: ConnectionId) {
        self.shared.legends.forget(id);
        self.shared.rolls.forget(id);
        self.unusable().remove(&id);
        if let Some(running) = self.all_running().remove(&id) {
            running.link.stop.cancel();
        }
    }

    /// Forgets disconnected connections that are not among `known`.
    pub(crate) fn forget_all_but(&self, known: &HashSet<ConnectionId>) {
        self.unusable()
            .retain(|id, why| known.contains(id) || !matches!(why, Unusable::Disconnected(_)));
    }

    /// The link and outbox of a connection.
    ///
    /// # Errors
    /// Not found; precondition where it is disconnected or cannot be worked on; aborted while it is being disconnected.
    pub(crate) fn running(&self, id: ConnectionId) -> Result<Running> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = running.get(&id) {
            return Ok(running.clone());
        }
        drop(running);
        let unusable = self.unusable();
        let why = unusable.get(&id).map(Unusable::error);
        Err(why.unwrap_or_else(|| Error::not_found("connection", &id.to_string())))
    }

    /// The links of all connections that are worked on.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        let running = self.running.read().unwrap_or_else(PoisonError::into_inner);
        running
            .values()
            .map(|running| running.link.clone())
            .collect()
    }

    /// The link of a connection.
    pub(crate) fn link(&self, id: ConnectionId) -> Result<Arc<Link>> {
        self.running(id).map(|running| running.link)
    }

    /// Prepares for a stop while calls of clients are still answered: begins nothing that a stop must not cut short, and
    /// lets those who wait for a write have it as it stands.
    pub fn wind_down(&self) {
        self.shared.renewals.end();
        self.winding_down.cancel();
    }

    /// Waits until a stop is near.
    pub(crate) async fn wound_down(&self) {
        self.winding_down.cancelled().await;
    }

    /// Stops all workers at the next page or step, and waits for them up to `grace`.
    ///
    /// What is cut short goes on at the next start.
    pub async fn stop(&self, grace: Duration) {
        self.wind_down();
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("workers did not end in time; their work goes on at the next start");
        }
    }

    /// What deliveries to connections that do not exist are verified with.
    pub(crate) fn decoys(&self) -> Arc<Tokens> {
        self.decoys.clone()
    }

    /// Waits until the engine stops.
    pub(crate) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Where the HTTP side is reached from outside, without a slash at its end; none when it is not.
    pub fn public_url(&self) -> Option<&str> {
        let public = self.shared.settings.public_url.as_deref()?;
        Some(public.trim_end_matches('/'))
    }

    /// Whether accounts may be at an address instead of in a region of Lever's.
    pub fn allows_base_url(&self) -> bool {
        self.shared.settings.allow_base_url
    }

    /// The store below.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }
}

/// Notes that a worker of a link has panicked.
pub(crate) fn panicked(
    worker: &'static str,
    shared: &Arc<Shared>,
    link: &Arc<Link>,
) -> impl Fn() + use<> {
    let (shared, link) = (shared.clone(), link.clone());
    move || {
        let worker = worker.to_owned();
        let problem = Problem::WorkerPanicked { worker };
        link.issues.saw(problem, Vec::new(), shared.clock.now());
    }
}

pub(crate) use push::new_id;
