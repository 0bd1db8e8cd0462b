//! Ending a connection: in order, so that nothing of it is left at Lever and nothing is told that did not happen.
//!
//! First nothing new begins; then operations that wait are cancelled and those under way may settle; then the webhooks
//! are removed from Lever while there is still a credential for it; then the credential is destroyed. The mirror stays
//! for a while: connecting the same `external_id` again brings it back.

use std::time::Duration;

use domain::operation::{Event, State};
use domain::{Connection, ConnectionId, Operation};
use store::ErrorKind as StoreErrorKind;
use tokio::time::Instant;

use crate::engine::{Engine, Running};
use crate::error::{Error, Result};
use crate::link::Link;
use crate::webhook::register;

/// How long a write that is being sent may take to settle.
const SETTLE: Duration = Duration::from_secs(30);
/// How long removing the webhooks may take.
const CLEAN_UP: Duration = Duration::from_secs(30);
/// Between two looks at the operations.
const LOOK: Duration = Duration::from_millis(100);

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
    /// Webhooks are removed from Lever as far as Lever lets us. Takes about a minute at most.
    /// An account that is disconnected already stays as it is.
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
    ///
    /// # Errors
    /// As [`Engine::disconnect`].
    pub async fn delete_connection(&self, id: ConnectionId) -> Result<()> {
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

    async fn delete_now(&self, id: ConnectionId) -> Result<()> {
        let connection = self.connection(id).await?;
        if connection.disconnected.is_none() {
            let running = self.leave(id)?;
            let outcome = async {
                self.wind_up(id, running.as_ref()).await?;
                // Begun once, it is finished by this process or by the next one.
                Ok::<(), Error>(self.shared.store.delete_connection(id).await?)
            };
            if let Err(error) = outcome.await {
                self.stay(running, connection);
                return Err(error);
            }
            stop(running.as_ref());
        } else {
            self.shared.store.delete_connection(id).await?;
        }
        self.forget(id);
        tracing::info!(connection = %id, "removed with its mirror");
        Ok(())
    }

    async fn end(&self, id: ConnectionId, running: Option<&Running>) -> Result<Connection> {
        self.wind_up(id, running).await?;
        let store = &self.shared.store;
        let ended = store.disconnect(id, self.shared.clock.now()).await?;
        if !ended.webhooks.is_empty() {
            tracing::warn!(
                connection = %id, webhooks = ended.webhooks.len(),
                "webhooks stay registered in Lever; their deliveries are refused from now on"
            );
        }
        // A write that was being checked when it began may have been recorded since; no more can be.
        self.settle_operations(id, patience(running)).await?;
        stop(running);
        Ok(ended.connection)
    }

    /// Lets nothing new begin, settles what was begun, and removes the webhooks from Lever.
    async fn wind_up(&self, id: ConnectionId, running: Option<&Running>) -> Result<()> {
        let Some(Running { link, .. }) = running else {
            return self.settle_operations(id, Duration::ZERO).await;
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
        self.remove_webhooks(link, wished).await;
        Ok(())
    }

    /// Cancels what waits, and gives what is under way time to settle.
    async fn settle_operations(&self, id: ConnectionId, patience: Duration) -> Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let mut under_way = false;
            for operation in self.shared.store.open_operations(id).await? {
                let event = match &operation.state {
                    State::Recorded { .. } => Event::Withdrawn,
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
        match self.shared.store.save_operation(closed).await {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), StoreErrorKind::Conflict) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        // Nobody listening is fine: the state is in the store.
        let _ = self.shared.moved.send(operation.id);
        Ok(true)
    }

    async fn remove_webhooks(&self, link: &Link, wished: bool) {
        let (shared, id) = (&self.shared, link.id());
        let outcome = async {
            let registered = !shared.store.webhooks(id).await?.is_empty();
            if registered || wished {
                register::remove_all(shared, link).await?;
            }
            Ok::<(), Error>(())
        };
        let outcome = tokio::time::timeout(CLEAN_UP, outcome).await;
        let outcome = outcome
            .unwrap_or_else(|_| Err(Error::unavailable("Lever took too long to remove webhooks")));
        if let Err(error) = outcome {
            tracing::warn!(connection = %id, error = %crate::report(&error), "cannot remove all webhooks");
        }
    }
}
