//! The data directory of the running service: backups, checks, and the room set aside for a full disk.

use store::{Backup, Examined, Progress, Scope};

use crate::engine::Engine;
use crate::error::{Error, Result};

/// Why the present data cannot be read as a whole.
const DAMAGED: &str = "STORE_DAMAGED";
const BUSY: &str = "STORE_BUSY";

impl Engine {
    /// Begins a backup of the store as it is now.
    ///
    /// # Errors
    /// Unavailable, when the store has stopped.
    pub async fn begin_backup(&self, scope: Scope) -> Result<Backup> {
        let now = self.shared.clock.now();
        Ok(self.shared.store.begin_backup(scope, now).await?)
    }

    /// Reads every value of the store, as it is now, to see whether it is sound.
    ///
    /// # Errors
    /// Aborted with reason `STORE_BUSY`, when the store changes faster than it can be read; unavailable.
    pub async fn check_store(
        &self,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<Examined> {
        self.shared.store.check(progress).await.map_err(unread)
    }

    /// Gives back the room that was set aside for a full disk; tells how many bytes that were.
    ///
    /// # Errors
    /// Internal, when the file cannot be removed.
    pub fn free_reserve(&self) -> Result<u64> {
        let freed = self.shared.store.free_reserve()?;
        tracing::warn!(
            bytes = freed,
            "the reserve was given back: make room before it is needed again"
        );
        Ok(freed)
    }
}

/// Why not all of the store could be read.
pub fn unread(error: store::Error) -> Error {
    match error.kind() {
        store::ErrorKind::Outrun => Error::aborted(
            BUSY,
            "the store changes faster than all of it can be read: ask again when less is read from Lever",
            Vec::new(),
        ),
        store::ErrorKind::Corrupt => Error::precondition(
            DAMAGED,
            "a stored value is damaged: stop the service and run `fulcrum store check`",
            Vec::new(),
        ),
        _ => error.into(),
    }
}
