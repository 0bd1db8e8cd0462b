//! Whether the database can still be trusted.

use tokio::sync::watch;

use crate::error::{Error, ErrorKind};

/// Remembers the first fatal error; from then on every call is refused.
///
/// After an input or output error sled's state in memory and on disk may differ, so going on could acknowledge
/// what is not stored: the process has to stop and open the store again.
#[derive(Debug)]
pub(crate) struct Health {
    fatal: watch::Sender<Option<String>>,
}

impl Health {
    pub(crate) fn new() -> Self {
        Self {
            fatal: watch::Sender::new(None),
        }
    }

    /// Refuses once something fatal has happened.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &*self.fatal.borrow() {
            None => Ok(()),
            Some(reason) => Err(poisoned(reason)),
        }
    }

    /// Notes an error of the database, which is always fatal.
    pub(crate) fn fail_of_sled(&self, error: sled::Error) -> Error {
        match error {
            sled::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                self.fail("the disk is full: free some space, then start the service again")
            }
            error => self.fail(error),
        }
    }

    /// Notes a fatal error and gives the error to answer with.
    pub(crate) fn fail(&self, reason: impl std::fmt::Display) -> Error {
        let reason = reason.to_string();
        self.fatal.send_if_modified(|first| {
            let is_first = first.is_none();
            if is_first {
                *first = Some(reason.clone());
            }
            is_first
        });
        poisoned(&reason)
    }

    /// Waits until something fatal has happened; gives the reason.
    pub(crate) async fn fatal(&self) -> String {
        let mut watcher = self.fatal.subscribe();
        match watcher.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_closed) => std::future::pending().await,
        }
    }
}

fn poisoned(reason: &str) -> Error {
    Error::new(
        ErrorKind::Poisoned,
        "the store stopped after a fatal error: restart the process",
    )
    .with_source(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_disk_is_told_in_words() {
        let health = Health::new();
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        health.fail_of_sled(sled::Error::Io(full));
        assert!(health.fatal().await.contains("free some space"));
    }

    #[tokio::test]
    async fn the_first_fatal_error_is_the_one_that_is_told() {
        let health = Health::new();
        assert!(health.check().is_ok());
        health.fail("disk gone");
        health.fail("second");
        assert_eq!(health.fatal().await, "disk gone");
        assert_eq!(health.check().unwrap_err().kind(), &ErrorKind::Poisoned);
    }
}
