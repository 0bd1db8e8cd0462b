//! Tells whoever listens that an operation was recorded or has moved.

use domain::{ConnectionId, Operation, OperationId};
use tokio::sync::broadcast::{self, Receiver, Sender};

/// How many moves a listener may be behind; one that is further behind is told that it missed some.
const BEHIND: usize = 1024;

/// An operation that was just recorded, or has just moved; what it is like now is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationMove {
    /// The connection that it writes to.
    pub connection: ConnectionId,
    /// The operation, which may be an item of a bulk.
    pub operation: OperationId,
}

/// The moves of all operations.
#[derive(Debug)]
pub(crate) struct Moves(Sender<OperationMove>);

impl Moves {
    pub(crate) fn new() -> Moves {
        Moves(broadcast::channel(BEHIND).0)
    }

    /// Tells of an operation as it is stored now.
    pub(crate) fn tell(&self, moved: &Operation) {
        // Nobody listening is fine: the state is in the store.
        let _ = self.0.send(OperationMove {
            connection: moved.connection,
            operation: moved.id,
        });
    }

    /// What moves from now on.
    pub(crate) fn watch(&self) -> Receiver<OperationMove> {
        self.0.subscribe()
    }
}
