//! Candidacies that were read lately, as they are now: a list that assesses thousands reads them again and again.
//!
//! What a commit changes is forgotten once it is applied and before it is answered, so that nobody who knows of a write
//! is given what was there before it. Whoever reads while a commit is applied keeps nothing of it.

use std::collections::HashMap;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use domain::Candidacy;

/// Candidacies that are kept, of some 600 bytes each; with one more it begins anew.
const MOST: usize = 30_000;

/// Candidacies by their keys.
#[derive(Default)]
pub(crate) struct Recent(RwLock<State>);

#[derive(Default)]
struct State {
    /// How often something was forgotten.
    epoch: u64,
    kept: HashMap<Vec<u8>, Arc<Candidacy>>,
}

impl std::fmt::Debug for Recent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recent").finish_non_exhaustive()
    }
}

impl Recent {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.0
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn changing(&self) -> RwLockWriteGuard<'_, State> {
        self.0
            .write()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The candidacy, or that it must be read: what is read from now on may be kept under the number given.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Arc<Candidacy>, u64> {
        let state = self.state();
        state.kept.get(key).cloned().ok_or(state.epoch)
    }

    /// Keeps what was read, unless something was forgotten since.
    pub(crate) fn keep(&self, epoch: u64, key: Vec<u8>, candidacy: &Arc<Candidacy>) {
        let mut state = self.changing();
        if state.epoch != epoch {
            return;
        }
        if state.kept.len() >= MOST {
            state.kept.clear();
        }
        state.kept.insert(key, candidacy.clone());
    }

    /// Forgets what a commit has changed.
    pub(crate) fn forget<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) {
        let mut keys = keys.peekable();
        if keys.peek().is_none() {
            return;
        }
        let mut state = self.changing();
        state.epoch += 1;
        for key in keys {
            state.kept.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidacy() -> Arc<Candidacy> {
        let opportunity = serde_json::from_str(r#"{"id":"o"}"#).unwrap();
        Arc::new(Candidacy::from_lever(&opportunity, None))
    }

    #[test]
    fn what_a_commit_changed_while_it_was_read_is_not_kept() {
        let recent = Recent::default();
        let before = recent.get(b"a").unwrap_err();
        recent.forget([&b"b"[..]].into_iter());
        recent.keep(before, b"a".to_vec(), &candidacy());
        let now = recent.get(b"a").unwrap_err();
        recent.keep(now, b"a".to_vec(), &candidacy());
        assert_eq!(recent.get(b"a"), Ok(candidacy()));
        // A commit that changes no candidacy takes nothing away.
        recent.forget(std::iter::empty());
        recent.keep(now, b"b".to_vec(), &candidacy());
        assert!(recent.get(b"b").is_ok());
        recent.forget([&b"a"[..]].into_iter());
        assert!(recent.get(b"a").is_err() && recent.get(b"b").is_ok());
    }

    #[test]
    fn no_more_is_kept_than_is_said() {
        let recent = Recent::default();
        for number in 0..=MOST as u64 {
            let key = number.to_be_bytes().to_vec();
            recent.keep(0, key.clone(), &candidacy());
            assert!(recent.get(&key).is_ok());
            assert!(recent.state().kept.len() <= MOST);
        }
    }
}
