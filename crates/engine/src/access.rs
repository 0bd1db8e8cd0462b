//! What is known of a key's access to confidential records, and whether those of the mirror are hidden.
//!
//! Answers of Lever's teach it, whoever asked. They are hidden from everybody while the last key of which it is known
//! may not see them (design.md, "Pull"). What is learned holds at once, and counts as known once it is stored: until
//! then each request asks for everything again, and its answer teaches the same.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{ConnectionId, Timestamp};
use store::Store;

/// What is known of a key's access to confidential records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Confidential {
    /// Not asked yet.
    #[default]
    Unknown,
    /// It sees them.
    Allowed,
    /// It does not; lists leave them out.
    Denied,
}

/// What was known when something was asked of Lever.
///
/// Taken before the client is, so that an answer to an earlier key teaches nothing about a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Access {
    /// Grows with each key, and when what was known of one turns out otherwise.
    turn: u64,
    /// What was known.
    pub(crate) confidential: Confidential,
}

/// The access of the present key.
#[derive(Debug, Default)]
pub(crate) struct KeyAccess {
    present: Mutex<Access>,
    hides: AtomicBool,
    /// Held while something is learned, so that the store hears the last of it last.
    learning: tokio::sync::Mutex<()>,
}

impl KeyAccess {
    /// What is known now.
    pub(crate) fn present(&self) -> Access {
        *self.lock()
    }

    /// Whether the key that was used when something was `asked` is still used, and sees confidential records.
    pub(crate) fn sees_all_since(&self, asked: Access) -> bool {
        let present = self.present();
        present.turn == asked.turn && present.confidential == Confidential::Allowed
    }

    /// Takes note that a new key is used; what is hidden stays so until something is learned of it.
    pub(crate) fn begin_key(&self) {
        let mut present = self.lock();
        *present = Access {
            turn: present.turn + 1,
            confidential: Confidential::Unknown,
        };
    }

    /// Whether confidential records are hidden.
    pub(crate) fn hides(&self) -> bool {
        self.hides.load(Ordering::Relaxed)
    }

    /// Takes over what the store knows of that.
    pub(crate) fn restore(&self, hides: bool) {
        self.hides.store(hides, Ordering::Relaxed);
    }

    /// Takes note of what an answer to something `asked` tells, and has the store keep whether records are hidden.
    pub(crate) async fn learn(
        &self,
        store: &Store,
        id: ConnectionId,
        asked: Access,
        sees: bool,
        now: Timestamp,
    ) {
        let told = match sees {
            true => Confidential::Allowed,
            false => Confidential::Denied,
        };
        let news = |present: Access| present.turn == asked.turn && present.confidential != told;
        if !news(self.present()) {
            return;
        }
        let _in_turn = self.learning.lock().await;
        if !news(self.present()) {
            return;
        }
        self.hides.store(!sees, Ordering::Relaxed);
        if let Err(error) = store.note_hiding(id, !sees, now).await {
            log_failure!(&error, connection = %id, "cannot note what the key may see");
            return;
        }
        if self.settle(asked.turn, told) && !sees {
            tracing::info!(connection = %id, "the key has no access to confidential records");
        }
    }

    /// Makes something known of the key of this turn; tells whether that is still the present one.
    fn settle(&self, turn: u64, told: Confidential) -> bool {
        let mut present = self.lock();
        let same = present.turn == turn;
        if same {
            present.turn += u64::from(present.confidential != Confidential::Unknown);
            present.confidential = told;
        }
        same
    }

    fn lock(&self) -> MutexGuard<'_, Access> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::testing;

    /// A store that knows a connection, or one that does not and refuses to note anything of it.
    async fn world(known: bool) -> (tempfile::TempDir, Store, ConnectionId) {
        let folder = tempfile::TempDir::new().unwrap();
        let store = testing::store(folder.path()).await;
        let connection = testing::connection(&[], Timestamp::default());
        let id = connection.id;
        if known {
            let key = SecretString::from("k");
            store.create_connection(connection, key).await.unwrap();
        }
        (folder, store, id)
    }

    #[tokio::test]
    async fn what_is_learned_is_stored_where_it_is_learned() {
        let (_folder, store, id) = world(true).await;
        let access = KeyAccess::default();
        for sees in [false, true, false] {
            access.begin_key();
            access
                .learn(&store, id, access.present(), sees, Timestamp::default())
                .await;
            assert_eq!(access.hides(), !sees);
            assert_eq!(store.hides_confidential(id).await.unwrap(), !sees);
        }
        assert_eq!(access.present().confidential, Confidential::Denied);
    }

    #[tokio::test]
    async fn what_could_not_be_stored_holds_and_is_learned_again_by_the_next_answer() {
        let (_folder, store, id) = world(false).await;
        let access = KeyAccess::default();
        access
            .learn(&store, id, access.present(), false, Timestamp::default())
            .await;
        assert!(access.hides());
        assert_eq!(access.present().confidential, Confidential::Unknown);
        let connection = testing::connection(&[], Timestamp::default());
        let key = SecretString::from("k");
        store.create_connection(connection, key).await.unwrap();
        access
            .learn(&store, id, access.present(), false, Timestamp::default())
            .await;
        assert_eq!(access.present().confidential, Confidential::Denied);
        assert!(store.hides_confidential(id).await.unwrap());
    }

    #[tokio::test]
    async fn an_answer_to_an_earlier_key_teaches_nothing() {
        let (_folder, store, id) = world(true).await;
        let access = KeyAccess::default();
        let asked = access.present();
        access.begin_key();
        access
            .learn(&store, id, asked, false, Timestamp::default())
            .await;
        assert!(!access.hides());
        assert_eq!(access.present().confidential, Confidential::Unknown);
    }

    #[tokio::test]
    async fn what_turns_out_otherwise_is_another_turn() {
        let (_folder, store, id) = world(true).await;
        let access = KeyAccess::default();
        let first = access.present();
        access
            .learn(&store, id, first, false, Timestamp::default())
            .await;
        let known = access.present();
        assert_eq!(known.turn, first.turn);
        access
            .learn(&store, id, known, true, Timestamp::default())
            .await;
        assert_eq!(access.present().confidential, Confidential::Allowed);
        // What was read before was read without them.
        assert!(!access.sees_all_since(known));
        assert!(access.sees_all_since(access.present()));
    }
}
