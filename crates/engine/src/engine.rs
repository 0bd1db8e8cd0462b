//! The engine: all connections and what they share.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use domain::ConnectionId;
use store::Store;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::link::{Clients, Link};
use crate::push::Outbox;
use crate::settings::Settings;
use crate::supervise::supervise;
use crate::webhook::{self, Tokens};
use crate::{nudge, pull, push, traffic};

/// What every part of the engine uses.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    pub(crate) clients: Clients,
    /// Says which operation has moved.
    pub(crate) moved: broadcast::Sender<domain::OperationId>,
}

/// Between two looks for disconnected accounts whose time has come.
const PURGE_PERIOD: Duration = Duration::from_secs(3600);

/// A connection's link with its outbox.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub(crate) link: Arc<Link>,
    pub(crate) outbox: Arc<Outbox>,
}

/// Fulcrum's engine; cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    running: Arc<RwLock<HashMap<ConnectionId, Running>>>,
    /// Connections that cannot be worked on, and why.
    broken: Arc<RwLock<HashMap<ConnectionId, String>>>,
    /// What deliveries to connections that do not exist are verified with.
    decoys: Arc<Tokens>,
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
        let (moved, _) = broadcast::channel(1024);
        let engine = Self {
            shared: Arc::new(Shared {
                store,
                clock,
                settings,
                clients,
                moved,
            }),
            running: Arc::new(RwLock::new(HashMap::new())),
            broken: Arc::new(RwLock::new(HashMap::new())),
            decoys: Arc::new(Tokens::padded(Vec::new())),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        engine.purge_due().await?;
        let purging = engine.clone();
        engine
            .tasks
            .spawn(supervise("purge", engine.stop.clone(), move || {
                purging.clone().purge_now_and_then()
            }));
        for connection in engine.shared.store.connections().await? {
            if connection.disconnected.is_some() {
                continue;
            }
            let id = connection.id;
            let link = match engine.shared.store.api_key(id).await? {
                Some(api_key) => Link::new(connection, &engine.shared.clients, &api_key),
                None => Err(Error::invalid(
                    "api_key",
                    "the connection has no key: RotateCredential gives it one",
                )),
            };
            match link {
                Ok(link) => engine.run(link).await?,
                Err(error) => engine.set_aside(id, &error),
            }
        }
        Ok(engine)
    }

    /// Removes disconnected accounts whose time has come, once an hour.
    async fn purge_now_and_then(self) {
        while !self.stop.is_cancelled() {
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(PURGE_PERIOD) => {}
            }
            if let Err(error) = self.purge_due().await {
                tracing::error!(error = %crate::report(&error), "cannot remove disconnected accounts");
            }
        }
    }

    /// Notes a connection that cannot be worked on; the others go on.
    fn set_aside(&self, id: ConnectionId, error: &Error) {
        tracing::error!(connection = %id, error = %crate::report(error), "the connection cannot be worked on");
        self.broken
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, error.to_string());
    }

    /// Starts the workers of a link.
    pub(crate) async fn run(&self, link: Arc<Link>) -> Result<()> {
        let outbox = Outbox::new(self.shared.clone(), link.clone(), self.tasks.clone());
        outbox.resume().await?;
        link.set_schedules(self.shared.store.schedules(link.id()).await?);
        link.webhooks
            .load_tokens(&self.shared.store, link.id())
            .await?;
        let running = Running {
            link: link.clone(),
            outbox,
        };
        self.broken
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&link.id());
        self.running
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(link.id(), running);
        let stop = link.stop.clone();
        let all = self.stop.clone();
        self.tasks.spawn(async move {
            all.cancelled().await;
            stop.cancel();
        });
        self.tasks
            .spawn(traffic::run(self.shared.clone(), link.clone()));
        self.work("pull", &link, pull::run);
        self.work("hydrate", &link, pull::hydrate::run);
        self.work("nudges", &link, nudge::run);
        self.work("webhooks", &link, webhook::register::run);
        Ok(())
    }

    /// Keeps a worker of a link going until the link is stopped.
    fn work<F>(&self, name: &'static str, link: &Arc<Link>, worker: fn(Arc<Shared>, Arc<Link>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (shared, link) = (self.shared.clone(), link.clone());
        let stop = link.stop.clone();
        let begin = move || worker(shared.clone(), link.clone());
        self.tasks.spawn(supervise(name, stop, begin));
    }

    /// Runs something beside; a stop waits for it.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(work);
    }

    /// Stops the workers of one connection and forgets it.
    pub(crate) fn forget(&self, id: ConnectionId) {
        let removed = self
            .running
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
        self.broken
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
        if let Some(running) = removed {
            running.link.stop.cancel();
        }
    }

    /// The link and outbox of a connection.
    pub(crate) fn running(&self, id: ConnectionId) -> Result<Running> {
        let running = self
            .running
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned();
        running.ok_or_else(|| {
            match self
                .broken
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&id)
            {
                Some(why) => Error::precondition(
                    "CONNECTION_UNUSABLE",
                    format!("the connection cannot be worked on: {why}"),
                    Vec::new(),
                ),
                None => Error::not_found("connection", &id.to_string()),
            }
        })
    }

    /// The link of a connection.
    pub(crate) fn link(&self, id: ConnectionId) -> Result<Arc<Link>> {
        self.running(id).map(|running| running.link)
    }

    /// Stops all workers at the next page or step, and waits for them up to `grace`.
    ///
    /// What is cut short goes on at the next start.
    pub async fn stop(&self, grace: Duration) {
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

    /// The store below.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }
}

pub(crate) use push::new_id;
