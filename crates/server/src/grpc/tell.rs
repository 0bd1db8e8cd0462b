//! Telling of operations as they move: one, or a bulk with its items.

use std::collections::BTreeSet;

use domain::{Operation, OperationId, Write};
use engine::{Error, OperationMove};
use proto::v1 as pb;
use tokio::sync::broadcast::Receiver;
use tokio::sync::mpsc;
use tonic::Status;

use super::Api;
use super::rpc::carried;
use crate::auth::Caller;
use crate::wire::status::status;

/// Why nothing more is told.
enum End {
    /// The caller is gone.
    Unheard,
    /// The caller is told of this instead.
    Failed(Status),
}

impl From<Status> for End {
    fn from(status: Status) -> End {
        End::Failed(status)
    }
}

impl From<engine::Error> for End {
    fn from(error: engine::Error) -> End {
        End::Failed(status(error))
    }
}

/// Why a stream ends before what it tells of has settled: its end alone would say that it has.
fn stops() -> Status {
    status(Error::unavailable(
        "the service stops before this has settled; it goes on after the next start: ask GetOperation then",
    ))
}

/// Somebody who is told of operations.
struct Listener {
    api: Api,
    caller: Caller,
    to: mpsc::Sender<Result<pb::Operation, Status>>,
    moves: Receiver<OperationMove>,
}

impl Api {
    /// Tells of an operation at once and whenever it moves, until it has settled.
    ///
    /// Of a bulk, its items that have settled follow at once, and the others as they settle.
    pub(super) fn tell(
        &self,
        caller: Caller,
        operation: Operation,
    ) -> mpsc::Receiver<Result<pb::Operation, Status>> {
        let (to, told) = mpsc::channel(16);
        let mut listener = Listener {
            api: self.clone(),
            caller,
            to,
            // Before anything is read, so that no move is missed.
            moves: self.engine.watch_operations(),
        };
        tokio::spawn(carried(async move {
            let outcome = match operation.write {
                Write::Bulk(_) => listener.tell_of_bulk(operation.id, &operation).await,
                _ => listener.tell_of_one(operation).await,
            };
            if let Err(End::Failed(why)) = outcome {
                // The listener may be gone; then nobody needs to know.
                let _ = listener.to.send(Err(why)).await;
            }
        }));
        told
    }
}

impl Listener {
    async fn tell_of_one(&mut self, first: Operation) -> Result<(), End> {
        // It may have moved before anybody listened.
        let mut operation = self.read(&first, first.id).await?;
        loop {
            self.say(&operation).await?;
            if operation.state.settled() {
                return Ok(());
            }
            let revision = operation.revision;
            while operation.revision == revision {
                let moved = self.next_move().await?;
                if moved.is_none_or(|moved| moved == operation.id) {
                    operation = self.read(&operation, operation.id).await?;
                }
            }
        }
    }

    async fn tell_of_bulk(&mut self, id: OperationId, first: &Operation) -> Result<(), End> {
        let mut bulk = self.read(first, id).await?;
        self.say(&bulk).await?;
        let mut untold: BTreeSet<OperationId> = BTreeSet::new();
        for item in self.api.engine.items(&bulk).await? {
            if item.state.settled() {
                self.say_item(&item).await?;
            } else {
                untold.insert(item.id);
            }
        }
        while !bulk.state.settled() {
            let moved = self.next_move().await?;
            match moved {
                Some(moved) if moved == id => bulk = self.read(first, id).await?,
                Some(moved) if !untold.contains(&moved) => {}
                Some(moved) => self.say_if_settled(first, moved, &mut untold).await?,
                None => {
                    for item in untold.clone() {
                        self.say_if_settled(first, item, &mut untold).await?;
                    }
                    bulk = self.read(first, id).await?;
                }
            }
        }
        for item in untold.clone() {
            self.say_if_settled(first, item, &mut untold).await?;
        }
        self.say(&bulk).await
    }

    async fn say_if_settled(
        &mut self,
        bulk: &Operation,
        id: OperationId,
        untold: &mut BTreeSet<OperationId>,
    ) -> Result<(), End> {
        let item = self.read(bulk, id).await?;
        if item.state.settled() && untold.remove(&id) {
            self.say_item(&item).await?;
        }
        Ok(())
    }

    /// Tells of an item that the caller may see.
    async fn say_item(&self, item: &Operation) -> Result<(), End> {
        match self.api.sees_operation(&self.caller, item).await? {
            true => self.say(item).await,
            false => Ok(()),
        }
    }

    async fn say(&self, operation: &Operation) -> Result<(), End> {
        let shown = self.api.shown_operation(&self.caller, operation).await?;
        self.to.send(Ok(shown)).await.map_err(|_gone| End::Unheard)
    }

    async fn read(&self, of: &Operation, id: OperationId) -> Result<Operation, End> {
        Ok(self.api.engine.operation(of.connection, id).await?)
    }

    /// Waits for the next operation that moves; none where moves were missed.
    async fn next_move(&mut self) -> Result<Option<OperationId>, End> {
        tokio::select! {
            () = self.api.stop.cancelled() => Err(End::Failed(stops())),
            () = self.to.closed() => Err(End::Unheard),
            moved = self.moves.recv() => Ok(moved.ok().map(|moved| moved.operation)),
        }
    }
}
