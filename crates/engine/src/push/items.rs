//! Looking after the items of a bulk until all have settled.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use domain::acting::Chosen;
use domain::operation::{Event, State, Tally};
use domain::{ActingBecause, Operation, OperationId};
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
        self.link().written.begin(id);
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
                    log_failure!(
                        &error,
                        connection = %self.link().id(), operation = %bulk, "cannot add up the items of a bulk; it is tried again"
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
        self.read_below(bulk);
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
        let mut moves = self.shared().moves.watch();
        let mut open = HashSet::new();
        loop {
            // All of them at first, and where moves were missed.
            if open.is_empty() {
                let items = store.items(connection, bulk).await?;
                let tally = Tally::of(items.iter().map(|item| &item.state));
                if tally.settled() {
                    let acting = Chosen::common(&choices(&items));
                    if self.settle_bulk(bulk, tally, acting).await? {
                        return Ok(true);
                    }
                    continue;
                }
                let waits = |item: &&Operation| !item.state.settled();
                open = items.iter().filter(waits).map(|item| item.id).collect();
            }
            let next = tokio::select! {
                () = self.link().stop.cancelled() => return Ok(false),
                next = moves.recv() => next.map(|moved| moved.operation),
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
    async fn settle_bulk(&self, bulk: OperationId, tally: Tally, acting: Chosen) -> Result<bool> {
        let (store, connection) = (&self.shared().store, self.link().id());
        let stored = store.operation(connection, bulk).await?;
        let Some(open) = stored.filter(|bulk| !bulk.state.settled()) else {
            return Ok(true);
        };
        let open = Operation {
            acting_user: acting.user,
            acting_because: acting.because,
            passed_over: acting.passed_over,
            ..open
        };
        // The store settles no bulk while an item is open.
        let settled = self.save(&open, Event::ItemsSettled(tally)).await?;
        Ok(settled.is_some())
    }
}

/// Whom items were made for; of those that failed before anybody was chosen nothing.
fn choices(items: &[Operation]) -> Vec<Chosen> {
    let chosen = |item: &&Operation| {
        let failed = matches!(item.state, State::Failed(_)) && item.attempts.is_empty();
        !failed || item.acting_because != ActingBecause::Nobody
    };
    let choice = |item: &Operation| Chosen {
        user: item.acting_user.clone(),
        because: item.acting_because,
        passed_over: item.passed_over,
    };
    items.iter().filter(chosen).map(choice).collect()
}

#[cfg(test)]
mod tests {
    use domain::operation::{Bulk, Failure, FailureKind, NoteText};
    use domain::{ConnectionId, Write};
    use lever::BudgetConfig;

    use super::*;
    use crate::error::ErrorKind;
    use crate::push::{Rights, new_id};
    use crate::{Engine, testing};

    const ITEMS: u16 = 10;
    const EVERYBODY: Rights = Rights {
        confidential: true,
        inbound_only: false,
    };

    /// A bulk all of whose items have failed, and nobody has added up yet.
    fn failed(connection: ConnectionId, number: u32) -> (Operation, Vec<Operation>) {
        let failure = Failure {
            kind: FailureKind::Unavailable,
            message: "Lever was away".to_owned(),
            details: Vec::new(),
        };
        let bulk = Write::Bulk(Bulk {
            kind: "CREATE_NOTE".to_owned(),
            items: ITEMS.into(),
            tally: None,
        });
        let bulk = Operation {
            id: OperationId::with_room(new_id()),
            opportunity: "".into(),
            ..testing::operation(connection, &number.to_string(), bulk)
        };
        let note = Write::CreateNote(NoteText::plain("hello"));
        let note = testing::operation(connection, "", note);
        let item = |at: u16| Operation {
            id: bulk.id.item(at),
            parent: Some(bulk.id),
            opportunity: format!("{number}-{at}").as_str().into(),
            state: State::Failed(failure.clone()),
            ..note.clone()
        };
        let items = (1..=ITEMS).map(item).collect();
        (bulk, items)
    }

    /// Has an item tried again, and takes it back before Lever, which is not there, has it.
    async fn retried_and_cancelled(engine: &Engine, item: &Operation) {
        let (connection, id) = (item.connection, item.id);
        let retried = engine.retry_operation(connection, id, EVERYBODY).await;
        retried.expect("in line again");
        loop {
            match engine.cancel_operation(connection, id, EVERYBODY).await {
                Ok(_) => return,
                // It is on its way at this moment.
                Err(error) if matches!(error.kind(), ErrorKind::Precondition { .. }) => {
                    tokio::task::yield_now().await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// In real time, since the store works in it.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_bulk_settles_with_its_last_item_however_many_move_at_once() {
        let (_folder, engine, id) = testing::unlinked(BudgetConfig::default()).await;
        let outbox = engine.running(id).unwrap().outbox;
        let keep = Duration::from_secs(3600);
        let mut bulks = Vec::new();
        for number in 0..5 {
            let (bulk, items) = failed(id, number);
            let store = &engine.shared.store;
            let recorded = store.record_bulk(bulk.clone(), items.clone(), keep).await;
            recorded.unwrap();
            bulks.push((bulk, items));
        }
        // The bulks are added up while their items move.
        bulks.iter().for_each(|(bulk, _)| outbox.take_in(bulk));
        let items = bulks.iter().flat_map(|(_, items)| items);
        let moves = items.map(|item| retried_and_cancelled(&engine, item));
        futures::future::join_all(moves).await;
        for (bulk, _) in &bulks {
            let patience = Duration::from_secs(60);
            let settled = engine.wait_for(id, bulk.id, patience).await.unwrap();
            assert_eq!(settled.state, State::Cancelled(None));
            let Write::Bulk(told) = &settled.write else {
                panic!("a bulk")
            };
            let expected = Tally {
                cancelled: ITEMS.into(),
                ..Tally::default()
            };
            assert_eq!(told.tally, Some(expected));
            let items = engine.items(&settled).await.unwrap();
            assert!(items.iter().all(|item| item.state.settled()));
        }
    }
}
