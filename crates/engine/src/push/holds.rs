//! Writes that are kept back, and their release (X4).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::operation::{Event, State};
use domain::{Operation, OperationId, Timestamp};
use tokio::sync::Notify;

use super::acting::Chooser;
use super::control::with_user;
use super::judge::{check_target, failure_of};
use super::outbox::Outbox;
use crate::engine::Shared;
use crate::error::Result;
use crate::link::Link;

/// The clock on the wall may be set anew: no sleep is longer than this.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// What is kept back, by the time of its release.
#[derive(Debug, Default)]
pub(super) struct Holds {
    held: Mutex<BTreeSet<(Timestamp, OperationId)>>,
    news: Notify,
}

impl Holds {
    pub(super) fn add(&self, release_at: Timestamp, id: OperationId) {
        self.held().insert((release_at, id));
        self.news.notify_one();
    }

    /// Takes out what is due.
    fn due(&self, now: Timestamp) -> Vec<OperationId> {
        let mut held = self.held();
        let mut due = Vec::new();
        while let Some((release_at, id)) = held.first().copied()
            && release_at <= now
        {
            held.pop_first();
            due.push(id);
        }
        due
    }

    /// How long until the next one is due.
    fn next(&self, now: Timestamp) -> Option<Duration> {
        let next = self.held().first().copied();
        next.map(|(release_at, _)| release_at.since(now))
    }

    fn held(&self) -> MutexGuard<'_, BTreeSet<(Timestamp, OperationId)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbox {
    /// Puts in line what is kept back, each at its time, until the connection stops.
    pub(super) async fn release_what_is_due(self: Arc<Self>) {
        loop {
            let now = self.shared().clock.now();
            for id in self.holds.due(now) {
                if let Err(error) = self.release(id).await {
                    log_failure!(
                        &error,
                        connection = %self.link().id(), operation = %id, "cannot release a held write; it is tried again"
                    );
                    self.holds.add(now.plus(Duration::from_secs(1)), id);
                }
            }
            let next = self.holds.next(self.shared().clock.now());
            let sleep = next.map_or(LONGEST_SLEEP, |next| next.min(LONGEST_SLEEP));
            tokio::select! {
                () = self.link().stop.cancelled() => return,
                () = self.holds.news.notified() => {}
                () = tokio::time::sleep(sleep.max(Duration::from_millis(1))) => {}
            }
        }
    }

    /// Releases one operation, if it is still kept back; what would not be accepted any more ends there.
    async fn release(self: &Arc<Self>, id: OperationId) -> Result<()> {
        let (shared, connection) = (self.shared(), self.link().id());
        let operation = shared.store.operation(connection, id).await?;
        let held = |operation: &Operation| matches!(operation.state, State::Held { .. });
        let Some(operation) = operation.filter(held) else {
            return Ok(());
        };
        let (operation, event) = match judged_anew(shared, self.link(), &operation).await {
            Ok(operation) => (operation, Event::Released),
            Err(error) => (operation, Event::Refused(failure_of(error)?)),
        };
        if let Some(next) = self.save(&operation, event).await? {
            self.take_in(&next);
        }
        Ok(())
    }
}

/// A held operation as it may be sent by now, with whom it is made for, as when a person releases it.
///
/// # Errors
/// Why it would not be accepted any more; or that the store cannot be read.
async fn judged_anew(shared: &Shared, link: &Link, operation: &Operation) -> Result<Operation> {
    let connection = operation.connection;
    check_target(shared, connection, operation.present_write()).await?;
    let chooser = Chooser::new(shared, Some(link), connection).await?;
    with_user(operation.clone(), &chooser).await
}
