//! Ending a connection: in order, so that nothing of it is left at Lever and nothing is told that did not happen.
//!
//! First nothing new begins; then operations that wait are cancelled and those under way may settle; then the webhooks
//! are removed from Lever while there is still a credential for it; then the credential is destroyed. The mirror stays
//! for a while: connecting the same `external_id` again brings it back.

use std::future::Future;
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

    /// Disconnects an account and removes all that is kept of it.
    ///
    /// # Errors
    /// As [`Engine::disconnect`].
    pub async fn delete_connection(&self, id: ConnectionId) -> Result<()> {
        let engine = self.clone();
        self.to_the_end(async move {
            engine.disconnect_now(id).await?;
            engine.shared.store.delete_connection(id).await?;
            engine.forget(id);
            tracing::info!(connection = %id, "removed with its mirror");
            Ok(())
        })
        .await
    }

    /// Does something that must not be left half done when its caller goes away.
    async fn to_the_end<T: Send + 'static>(
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

    async fn end(&self, id: ConnectionId, running: Option<&Running>) -> Result<Connection> {
        let mut wished = false;
        if let Some(Running { link, .. }) = running {
            let connection = link.connection();
            wished = connection.webhooks;
            // What is read from Lever ends at once, as in a pause; what is written goes on for now.
            link.set_connection(Connection {
                paused: true,
                webhooks: false,
                ..connection
            });
        }
        let patience = running.map_or(Duration::ZERO, |_| SETTLE);
        self.settle_operations(id, patience).await?;
        if let Some(Running { link, .. }) = running {
            self.remove_webhooks(link, wished).await;
        }
        let store = &self.shared.store;
        let ended = store.disconnect(id, self.shared.clock.now()).await?;
        if !ended.webhooks.is_empty() {
            tracing::warn!(
                connection = %id, webhooks = ended.webhooks.len(),
                "webhooks stay registered in Lever; their deliveries are refused from now on"
            );
        }
        // A write that was being checked when it began may have been recorded since; no more can be.
        self.settle_operations(id, patience).await?;
        if let Some(Running { link, .. }) = running {
            link.stop.cancel();
        }
        Ok(ended.connection)
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
