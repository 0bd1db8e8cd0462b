//! Candidacies that were read lately, as they are now: a list that assesses thousands reads them again and again.
//!
//! What a commit changes is forgotten once it is applied and before it is answered, so that nobody who knows of a write
//! is given what was there before it. Whoever reads while a commit is applied keeps nothing of it.
//! Which ones were forgotten last is remembered too, for whoever keeps something that is made of them.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use domain::{Candidacy, ConnectionId};
use lever::OpportunityId;

use crate::format::key;

/// Candidacies that are kept, of some 600 bytes each; with one more it begins anew.
const MOST: usize = 30_000;

/// Changes that are remembered, of some 80 bytes each.
const MOST_CHANGES: usize = 4_096;

/// Which candidacies of a connection have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidacyChanges {
    /// Stands for now: what changes from now on is told to whoever asks with it.
    pub mark: u64,
    /// Who has changed, come or gone since the mark asked about; none when that is not remembered any more.
    pub changed: Option<BTreeSet<OpportunityId>>,
}

/// Candidacies by their keys.
#[derive(Default)]
pub(crate) struct Recent(RwLock<State>);

#[derive(Default)]
struct State {
    /// How often something was forgotten.
    epoch: u64,
    kept: HashMap<Vec<u8>, Arc<Candidacy>>,
    /// The keys that were forgotten last, each with the epoch that this began.
    changes: VecDeque<(u64, Vec<u8>)>,
    /// The last epoch of which a change is not remembered.
    lost: u64,
}

impl State {
    fn remember(&mut self, key: &[u8]) {
        if self.changes.len() == MOST_CHANGES {
            let oldest = self.changes.pop_front();
            self.lost = oldest.map_or(self.lost, |(epoch, _)| epoch);
        }
        self.changes.push_back((self.epoch, key.to_vec()));
    }
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
            state.remember(key);
        }
    }

    /// Who of a connection was forgotten after the epoch given.
    pub(crate) fn changes(&self, connection: ConnectionId, since: u64) -> CandidacyChanges {
        let state = self.state();
        let from = state.changes.partition_point(|(epoch, _)| *epoch <= since);
        let keys = state.changes.range(from..).map(|(_, key)| key);
        let keys = keys.filter(|key| key::connection_of(key) == Some(connection));
        let changed = || {
            keys.map(|key| {
                Some(OpportunityId::from(key::text_after(
                    key,
                    connection.as_bytes().len(),
                )?))
            })
            .collect()
        };
        CandidacyChanges {
            mark: state.epoch,
            changed: (since >= state.lost).then(changed).flatten(),
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
    fn who_has_changed_is_told_as_long_as_that_is_remembered() {
        let recent = Recent::default();
        let [ours, other] = [1, 2].map(|number| ConnectionId::from_bytes([number; 16]));
        let change = |connection: ConnectionId, ids: &[&str]| {
            let key = |id: &&str| [connection.as_bytes(), id.as_bytes()].concat();
            let keys: Vec<_> = ids.iter().map(key).collect();
            recent.forget(keys.iter().map(Vec::as_slice));
        };
        let told = |since| recent.changes(ours, since).changed;
        let people = |ids: &[&str]| Some(ids.iter().map(|id| OpportunityId::from(*id)).collect());
        assert_eq!((told(0), recent.changes(ours, 0).mark), (people(&[]), 0));
        change(ours, &["a", "b"]);
        let first = recent.changes(ours, 0).mark;
        change(other, &["c"]);
        change(ours, &["d"]);
        assert_eq!(told(0), people(&["a", "b", "d"]));
        assert_eq!(told(first), people(&["d"]));
        let last = recent.changes(ours, 0).mark;
        assert_eq!(told(last), people(&[]));
        // The commit of two is the first of which something is not remembered.
        (0..MOST_CHANGES - 3).for_each(|_| change(other, &["e"]));
        assert_eq!((told(0), told(first)), (None, people(&["d"])));
        (0..MOST_CHANGES).for_each(|_| change(other, &["e"]));
        assert_eq!((told(first), told(last)), (None, None));
        assert!(recent.state().changes.len() <= MOST_CHANGES);
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
