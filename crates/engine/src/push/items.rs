//! Looking after the items of a bulk until all have settled.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use domain::operation::{Event, Tally};
use domain::{Operation, OperationId};
use tokio::sync::broadcast::error::RecvError;

use super::outbox::Outbox;
use crate::error::Result;

impl Outbox {
    /// Settles a bulk once its items have settled.
    pub(super) fn look_after(self: &Arc<Self>, bulk: &Operation) {
        let id = bulk.id;
        let mut bulks = self.bulks.lock().unwrap_or_else(PoisonError::into_inner);
        if !bulks.insert(id) {
            return;
        }
        drop(bulks);
        let outbox = self.clone();
        let look = move || outbox.clone().until_items_settle(id);
        self.keep_going("bulk", look);
    }

    async fn until_items_settle(self: Arc<Self>, bulk: OperationId) {
        loop {
            let outcome = self.add_up(bulk).await;
            if self.link().stop.is_cancelled() {
                return;
            }
            match outcome {
                // One that was opened again in this moment is looked after again.
                Ok(true) if !self.let_go(bulk).await => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(
                        connection = %self.link().id(), operation = %bulk, error = %crate::report(&error),
                        "cannot add up the items of a bulk; it is tried again"
                    );
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Ends the looking after; false when there is nothing more to look after.
    async fn let_go(self: &Arc<Self>, bulk: OperationId) -> bool {
        let bulks = || self.bulks.lock().unwrap_or_else(PoisonError::into_inner);
        bulks().remove(&bulk);
        let stored = self
            .shared()
            .store
            .operation(self.link().id(), bulk)
            .await
            .ok()
            .flatten();
        stored.is_some_and(|stored| !stored.state.settled()) && bulks().insert(bulk)
    }

    /// Waits until all items have settled, and says so; false if the connection stops first.
    async fn add_up(&self, bulk: OperationId) -> Result<bool> {
        let (store, connection) = (&self.shared().store, self.link().id());
        let mut moved = self.shared().moved.subscribe();
        let mut open = HashSet::new();
        loop {
            // All of them at first, and where moves were missed.
            if open.is_empty() {
                let items = store.items(connection, bulk).await?;
                let tally = Tally::of(items.iter().map(|item| &item.state));
                if tally.settled() {
                    if self.settle_bulk(bulk, tally).await? {
                        return Ok(true);
                    }
                    continue;
                }
                let waits = |item: &&Operation| !item.state.settled();
                open = items.iter().filter(waits).map(|item| item.id).collect();
            }
            let next = tokio::select! {
                () = self.link().stop.cancelled() => return Ok(false),
                next = moved.recv() => next,
            };
            match next {
                Ok(id) if open.contains(&id) => {
                    let item = store.operation(connection, id).await?;
                    if item.is_none_or(|item| item.state.settled()) {
                        open.remove(&id);
                    }
                }
                Ok(_other) => {}
                Err(RecvError::Lagged(_)) => open.clear(),
                Err(RecvError::Closed) => return Ok(false),
            }
        }
    }

    /// Settles a bulk by what became of its items; false when an item moved again meanwhile, and the bulk is open.
    async fn settle_bulk(&self, bulk: OperationId, tally: Tally) -> Result<bool> {
        let (store, connection) = (&self.shared().store, self.link().id());
        let stored = store.operation(connection, bulk).await?;
        let Some(open) = stored.filter(|bulk| !bulk.state.settled()) else {
            return Ok(true);
        };
        let Some(settled) = self.save(&open, Event::ItemsSettled(tally)).await? else {
            return Ok(false);
        };
        let items = store.items(connection, bulk).await?;
        if !Tally::of(items.iter().map(|item| &item.state)).settled() {
            self.save(&settled, Event::Retried).await?;
            return Ok(false);
        }
        tracing::info!(
            connection = %connection, operation = %settled.id, state = settled.state.name(),
            succeeded = tally.succeeded, failed = tally.failed, uncertain = tally.uncertain,
            cancelled = tally.cancelled, "bulk settled"
        );
        Ok(true)
    }
}
