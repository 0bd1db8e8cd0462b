//! Ending a connection: in order, so that nothing of it is left at Lever and nothing is told that did not happen.
//!
//! First nothing new begins; then operations that wait are cancelled and those under way may settle; then the webhooks
//! are removed from Lever while there is still a credential for it; then the credential is destroyed. The mirror stays
//! for a while: connecting the same `external_id` again brings it back.

use std::time::Duration;

use domain::operation::{Event, Failure, FailureKind, State};
use domain::{Connection, ConnectionId, Disconnected, Operation};
use store::ErrorKind as StoreErrorKind;
use tokio::time::Instant;

use crate::engine::{Engine, Running};
use crate::error::{Error, Result};
use crate::link::Link;
use crate::push::count;
use crate::webhook::register;

/// How long a write that is being sent may take to settle.
const SETTLE: Duration = Duration::from_secs(30);
/// How long removing the webhooks may take.
const CLEAN_UP: Duration = Duration::from_secs(30);
/// Between two looks at the operations.
const LOOK: Duration = Duration::from_millis(100);

/// Why what waits is not sent.
fn disconnected() -> Failure {
    Failure {
        kind: FailureKind::Disconnected,
        message: "the account was disconnected before this was sent: connect it again, and ask anew under a new request_id"
            .to_owned(),
        details: Vec::new(),
    }
}

/// How long operations may take to settle: without a link nobody sends them any more.
fn patience(running: Option<&Running>) -> Duration {
    running.map_or(Duration::ZERO, |_| SETTLE)
}

fn stop(running: Option<&Running>) {
    if let Some(Running { link, .. }) = running {
        link.stop.cancel();
    }
}

impl Engine {
    /// Disconnects an account: its credential is destroyed, its mirror kept for
    /// [`Disconnected::KEPT`](domain::Disconnected::KEPT).
    ///
    /// Operations that wait are cancelled; one that is being sent may settle for 30 seconds, and is uncertain then.
    /// Webhooks are removed from Lever as far as Lever lets us; [`Engine::webhook_state`] tells of those that are left.
    /// Takes about a minute at most. An account that is disconnected already stays as it is.
    ///
    /// # Errors
    /// Not found; aborted while somebody else disconnects it. Where anything fails it stays connected.
    pub async fn disconnect(&self, id: ConnectionId) -> Result<Connection> {
        let engine = self.clone();
        self.to_the_end(async move { engine.disconnect_now(id).await })
            .await
    }

    /// Unlinks an account in the same order, and removes all that is kept of it: all of it or nothing, whatever the
    /// moment the process ends at. One that is disconnected already can be removed before its time.
    /// Gives how many of our webhooks Lever may still have; none where Lever could not be asked.
    ///
    /// # Errors
    /// As [`Engine::disconnect`].
    pub async fn delete_connection(&self, id: ConnectionId) -> Result<Option<u32>> {
        let engine = self.clone();
        self.to_the_end(async move { engine.delete_now(id).await })
            .await
    }

    async fn disconnect_now(&self, id: ConnectionId) -> Result<Connection> {
        let connection = self.connection(id).await?;
        if connection.disconnected.is_some() {
            return Ok(connection);
        }
        let running = self.leave(id)?;
        match self.end(id, running.as_ref()).await {
            Ok(connection) => {
                self.left(&connection);
                tracing::info!(connection = %id, "disconnected");
                Ok(connection)
            }
            Err(error) => {
                self.stay(running, connection);
                Err(error)
            }
        }
    }

    async fn delete_now(&self, id: ConnectionId) -> Result<Option<u32>> {
        let connection = self.connection(id).await?;
        let store = &self.shared.store;
        let left = if let Some(disconnected) = connection.disconnected {
            store.delete_connection(id).await?;
            disconnected.webhooks_left
        } else {
            let running = self.leave(id)?;
            let outcome = async {
                let left = self.wind_up(id, running.as_ref()).await?;
                // Begun once, it is finished by this process or by the next one.
                store.delete_connection(id).await?;
                Ok::<_, Error>(left)
            };
            match outcome.await {
                Ok(left) => {
                    stop(running.as_ref());
                    left
                }
                Err(error) => {
                    self.stay(running, connection);
                    return Err(error);
                }
            }
        };
        self.forget(id);
        tracing::info!(connection = %id, "removed with its mirror");
        Ok(left)
    }

    async fn end(&self, id: ConnectionId, running: Option<&Running>) -> Result<Connection> {
        let webhooks_left = self.wind_up(id, running).await?;
        let how = Disconnected {
            webhooks_left,
            ..Disconnected::at(self.shared.clock.now())
        };
        let ended = self.shared.store.disconnect(id, how).await?;
        // A write that was being checked when it began may have been recorded since; no more can be.
        self.settle_operations(id, patience(running)).await?;
        stop(running);
        Ok(ended)
    }

    /// Lets nothing new begin, settles what was begun, and removes the webhooks from Lever.
    ///
    /// Gives how many of them are left there; none where Lever could not be asked.
    async fn wind_up(&self, id: ConnectionId, running: Option<&Running>) -> Result<Option<u32>> {
        let Some(Running { link, .. }) = running else {
            self.settle_operations(id, Duration::ZERO).await?;
            return self.left_of(id, true).await;
        };
        let connection = link.connection();
        let wished = connection.webhooks;
        // What is read from Lever ends at once, as in a pause; what is written goes on for now.
        link.set_connection(Connection {
            paused: true,
            webhooks: false,
            ..connection
        });
        self.settle_operations(id, SETTLE).await?;
        let asked = self.remove_webhooks(link, wished).await;
        self.left_of(id, asked).await
    }

    /// How many webhooks Lever may still have: those that are stored, or nobody knows where it could not be asked.
    async fn left_of(&self, id: ConnectionId, asked: bool) -> Result<Option<u32>> {
        let left = self.shared.store.count_webhooks(id).await?;
        let left = (asked || left > 0).then_some(left);
        if left != Some(0) {
            tracing::warn!(
                connection = %id, webhooks = left,
                "webhooks may stay registered in Lever; their deliveries are refused from now on"
            );
        }
        Ok(left)
    }

    /// Cancels what waits, and gives what is under way time to settle.
    async fn settle_operations(&self, id: ConnectionId, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let mut under_way = false;
            for operation in self.shared.store.open_operations(id).await? {
                let event = match &operation.state {
                    State::Held { .. } | State::Recorded { .. } => Event::Skipped(disconnected()),
                    _ if Instant::now() >= deadline => Event::Abandoned,
                    _ => {
                        under_way = true;
                        continue;
                    }
                };
                // One that moved at this moment is looked at again.
                under_way |= !self.close(&operation, event).await?;
            }
            if !under_way {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Settles an operation; false when it moved meanwhile.
    async fn close(&self, operation: &Operation, event: Event) -> Result<bool> {
        let patience = &self.shared.settings.patience;
        let closed = operation.after(event, self.shared.clock.now(), patience);
        match self.shared.store.save_operation(closed.clone()).await {
            Ok(()) => count::moved(&operation.state, &closed),
            Err(error) if matches!(error.kind(), StoreErrorKind::Conflict) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        self.shared.moves.tell(&closed);
        Ok(true)
    }

    /// Removes the webhooks from Lever; whether Lever said that none is left but those it did not remove.
    async fn remove_webhooks(&self, link: &Link, wished: bool) -> bool {
        let (shared, id) = (&self.shared, link.id());
        let outcome = async {
            let registered = shared.store.count_webhooks(id).await? > 0;
            if registered || wished {
                register::remove_all(shared, link).await?;
            }
            Ok::<(), Error>(())
        };
        let outcome = tokio::time::timeout(CLEAN_UP, outcome).await;
        let outcome = outcome
            .unwrap_or_else(|_| Err(Error::unavailable("Lever took too long to remove webhooks")));
        if let Err(error) = &outcome {
            tracing::warn!(connection = %id, error = %crate::report(error), "cannot remove all webhooks");
        }
        outcome.is_ok()
    }
}
