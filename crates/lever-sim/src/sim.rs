//! The running simulator, and what a person could do in Lever meanwhile.

mod people;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::act::Act;
use crate::audit::{Audit, AuditEntry};
use crate::config::Config;
use crate::control;
use crate::error::Error;
use crate::faults::{FaultPlan, Faults};
use crate::garbled::Garbled;
use crate::gate::{self, Desk};
use crate::limit::Limiter;
use crate::oauth::{Consent, OAuth};
use crate::offsets::Offsets;
use crate::population::populate;
use crate::webhooks::{self, DeliveryEntry, DeliveryFaults, DeliveryPlan, History};
use crate::wire::{Line, Wires, bind};
use crate::world::Note;

/// A simulated Lever that is listening. It stops when dropped.
pub struct Sim {
    desk: Arc<Desk>,
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

impl Sim {
    /// Makes the account and starts to listen.
    ///
    /// # Errors
    /// [`ErrorKind::Listen`](crate::ErrorKind::Listen) when the address cannot be listened on.
    pub async fn start(config: Config) -> Result<Sim, Error> {
        let bound = bind(config.listen).await;
        let (listener, address) = bound.map_err(|source| Error::listen(config.listen, source))?;
        let stop = CancellationToken::new();
        let desk = Arc::new(Desk::open(config));
        let wires = Wires::new(listener, stop.clone());
        let serving = tokio::spawn(serve(wires, Arc::clone(&desk), stop.clone()));
        tokio::spawn(webhooks::run(Arc::clone(&desk), stop.clone()));
        tracing::info!(%address, "simulator is listening");
        Ok(Sim {
            desk,
            address,
            stop,
            serving,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base of the API, such as `http://127.0.0.1:4100/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Stops listening and cuts every connection, stalled ones included.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        // The task cannot fail: it neither panics nor is it aborted while this waits for it.
        let _ = (&mut self.serving).await;
    }

    /// Every request so far, oldest first; the last 100,000 of them.
    pub fn audit(&self) -> Vec<AuditEntry> {
        self.desk.audit.after(0)
    }

    /// Replaces the fault plan; counts begin anew.
    pub fn set_faults(&self, plan: FaultPlan) {
        self.desk.set_faults(Faults::new(plan));
    }

    /// Ends every stall under way, as if its time were over.
    pub fn release_stalls(&self) {
        self.desk.release_stalls();
    }

    /// Ends the `next` tokens of all pages answered so far.
    pub fn expire_offsets(&self) {
        self.desk.offsets.expire();
    }

    /// From here on the records with these ids, and no others, are shown so that nobody can read them:
    /// with an object for `createdAt` and a list for `secret`.
    pub fn garble<'i>(&self, ids: impl IntoIterator<Item = &'i str>) {
        self.desk
            .garble(Garbled::new(ids.into_iter().map(str::to_owned)));
    }

    /// The base of the authorization server, which has `/authorize` and `/oauth/token`.
    pub fn auth_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the Super Admin answers from here on who is asked for consent.
    pub fn set_consent(&self, consent: Consent) {
        self.desk.oauth().set_consent(consent);
    }

    /// Access tokens issued from here on are good for this long, by the simulator's clock.
    pub fn set_access_ttl(&self, ttl: Duration) {
        self.desk.oauth().set_access_ttl(ttl);
    }

    /// Ends all access tokens at once; refresh tokens stay good.
    pub fn expire_access_tokens(&self) {
        self.desk.oauth().expire_access();
    }

    /// Ends all access through OAuth, as removing the application in Lever does.
    pub fn revoke_tokens(&self) {
        self.desk.oauth().revoke();
    }

    /// Replaces the plan of what goes wrong with webhook deliveries; counts begin anew.
    pub fn set_delivery_faults(&self, plan: DeliveryPlan) {
        self.desk.set_delivery_faults(DeliveryFaults::new(plan));
    }

    /// The last 1,000 tries to deliver an event to a webhook, oldest first.
    pub fn webhook_deliveries(&self) -> Vec<DeliveryEntry> {
        self.desk.history.entries()
    }

    /// All opportunities, confidential ones included, in Lever's order, as a plain list read shows them.
    pub fn opportunities(&self) -> Vec<Value> {
        let world = self.desk.world();
        world
            .opportunities()
            .map(|opportunity| world.json(opportunity))
            .collect()
    }

    /// One opportunity as a plain read shows it.
    pub fn opportunity(&self, id: &str) -> Option<Value> {
        let world = self.desk.world();
        world
            .opportunity(id)
            .map(|opportunity| world.json(opportunity))
    }

    /// The notes of an opportunity, oldest first, deleted ones (with `deletedAt`) included; none if it is unknown.
    pub fn notes(&self, id: &str) -> Vec<Value> {
        let world = self.desk.world();
        let notes = world
            .opportunity(id)
            .map(|opportunity| opportunity.notes.as_slice());
        notes.unwrap_or_default().iter().map(Note::json).collect()
    }

    /// The active users' ids, newest first.
    pub fn active_users(&self) -> Vec<String> {
        let world = self.desk.world();
        let active = world
            .account
            .users
            .iter()
            .filter(|user| user.deactivated_at.is_none());
        active.map(|user| user.id.clone()).collect()
    }

    /// The stages in pipeline order, as a list read shows them.
    pub fn stages(&self) -> Vec<Value> {
        self.desk
            .world()
            .account
            .active_stages()
            .map(crate::world::Stage::json)
            .collect()
    }

    /// The archive reasons, as a list read shows them.
    pub fn archive_reasons(&self) -> Vec<Value> {
        self.desk
            .world()
            .account
            .reasons
            .iter()
            .map(crate::world::Reason::json)
            .collect()
    }

    /// The records of an opportunity of one kind: `applications`, `notes`, `offers`, `panels`, `feedback`, `forms`,
    /// `referrals`, `resumes`, `files` or `file_actions`, oldest first, deleted ones included; none if opportunity or kind is unknown.
    pub fn children(&self, id: &str, kind: &str) -> Vec<Value> {
        let mut all = self.desk.all_of(id).unwrap_or_default();
        match all[kind].take() {
            Value::Array(records) => records,
            _ => Vec::new(),
        }
    }

    /// A person does something in Lever; the id of what that made, if it made something.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for an unknown record,
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) for an act that does not fit it.
    pub fn act(&self, act: Act) -> Result<Option<String>, Error> {
        self.desk.act(act)
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl std::fmt::Debug for Sim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sim")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

async fn serve(wires: Wires, desk: Arc<Desk>, stop: CancellationToken) {
    let router = Router::new()
        .merge(control::routes())
        .route("/authorize", get(gate::authorize))
        .fallback(any(gate::answer))
        .layer(DefaultBodyLimit::disable())
        .with_state(desk);
    let service = router.into_make_service_with_connect_info::<Line>();
    let served = axum::serve(wires, service)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "simulator ended");
    }
}

impl Desk {
    fn open(config: Config) -> Desk {
        let now = (config.clock)();
        Desk {
            world: Mutex::new(populate(config.population, config.children, now)),
            keys: Mutex::new(config.keys),
            limiter: Limiter::new(config.rate_limit),
            offsets: Offsets::new(config.offset_ttl),
            faults: Mutex::new(Faults::new(config.faults)),
            garbled: Mutex::default(),
            audit: Audit::default(),
            oauth: Mutex::new(OAuth::new(config.oauth, config.population.seed)),
            retries: Mutex::new(config.deliveries.retries.clone()),
            deliveries: config.deliveries,
            delivery_faults: Mutex::new(DeliveryFaults::new(DeliveryPlan::default())),
            history: History::default(),
            release: watch::Sender::new(()),
            clock: config.clock,
        }
    }
}
