//! How many active candidacies each stage has: counted once, then carried along with each commit.
//!
//! Counting reads an entry for each of them, some 25 ms for 40,000; the pages and watchers that ask do so often.

use std::collections::{BTreeMap, HashMap};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use domain::ConnectionId;
use lever::StageId;

use crate::error::Error;
use crate::format::key;
use crate::table::{Table, Tables};

/// How many active candidacies each stage of a connection has; stages without any are not there.
pub(crate) type Counts = BTreeMap<StageId, u64>;

/// The counts of the connections that somebody asked for.
#[derive(Debug, Default)]
pub(crate) struct StageCounts(RwLock<State>);

#[derive(Debug, Default)]
struct State {
    /// Odd while a commit that moves somebody is applied: whoever counts then sees some of it.
    epoch: u64,
    kept: HashMap<ConnectionId, Counts>,
}

/// What a commit is about to change. The committer makes one at a time.
#[derive(Debug)]
pub(crate) struct Moves(Vec<(ConnectionId, StageId, Move)>);

#[derive(Debug, Clone, Copy)]
enum Move {
    Comes,
    Goes,
}

impl StageCounts {
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn changing(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts, or that they must be made: what is counted from now on may be kept under the number given.
    pub(crate) fn get(&self, connection: ConnectionId) -> Result<Counts, u64> {
        let state = self.state();
        state.kept.get(&connection).cloned().ok_or(state.epoch)
    }

    /// Keeps what was counted, unless a commit moved somebody meanwhile.
    pub(crate) fn keep(&self, epoch: u64, connection: ConnectionId, counts: &Counts) {
        let mut state = self.changing();
        if state.epoch == epoch && epoch.is_multiple_of(2) {
            state.kept.insert(connection, counts.clone());
        }
    }

    /// Called before a commit is applied, with each entry of the index by stage that it puts or removes; none where it
    /// has no such entry. [`StageCounts::end`] takes what this gives.
    pub(crate) fn begin<'k>(
        &self,
        tables: &Tables,
        entries: impl Iterator<Item = (&'k [u8], bool)>,
    ) -> Result<Option<Moves>, Error> {
        let mut entries = entries.peekable();
        if entries.peek().is_none() {
            return Ok(None);
        }
        let mut state = self.changing();
        let mut moves = Vec::new();
        for (key, is_put) in entries {
            let connection = key::connection_of(key).filter(|id| state.kept.contains_key(id));
            let Some(connection) = connection else {
                continue;
            };
            let was_there = tables.contains(Table::ByStage, key)?;
            let moved = match (was_there, is_put) {
                (false, true) => Move::Comes,
                (true, false) => Move::Goes,
                _ => continue,
            };
            let (stage, _opportunity) =
                key::stage_parts(key).ok_or_else(|| Error::corrupt(Table::ByStage))?;
            moves.push((connection, stage, moved));
        }
        state.epoch += 1;
        Ok(Some(Moves(moves)))
    }

    /// Called once it is applied, or was not: then nothing is known any more.
    pub(crate) fn end(&self, moves: Option<Moves>, applied: bool) {
        let Some(Moves(moves)) = moves else {
            return;
        };
        let mut state = self.changing();
        state.epoch += 1;
        if !applied {
            state.kept.clear();
            return;
        }
        for (connection, stage, moved) in moves {
            let Some(counts) = state.kept.get_mut(&connection) else {
                continue;
            };
            let count = counts.entry(stage.clone()).or_default();
            *count = match moved {
                Move::Comes => *count + 1,
                Move::Goes => count.saturating_sub(1),
            };
            if *count == 0 {
                counts.remove(&stage);
            }
            // What is left of a connection that was removed.
            if counts.is_empty() {
                state.kept.remove(&connection);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(number: u64) -> Counts {
        Counts::from([(StageId::from("offer"), number)])
    }

    fn of(connection: ConnectionId, moves: &[Move]) -> Option<Moves> {
        let one = |moved: &Move| (connection, StageId::from("offer"), *moved);
        Some(Moves(moves.iter().map(one).collect()))
    }

    #[test]
    fn what_was_counted_while_a_commit_was_applied_is_not_kept() {
        let (kept, connection) = (StageCounts::default(), ConnectionId::from_bytes([1; 16]));
        let before = kept.get(connection).unwrap_err();
        // As `begin` does where the counts of the connection are not known.
        kept.changing().epoch += 1;
        let amid = kept.get(connection).unwrap_err();
        kept.keep(before, connection, &counts(1));
        kept.keep(amid, connection, &counts(1));
        assert!(kept.get(connection).is_err());
        kept.end(of(connection, &[]), true);
        kept.keep(amid, connection, &counts(1));
        assert!(kept.get(connection).is_err());
        let after = kept.get(connection).unwrap_err();
        kept.keep(after, connection, &counts(1));
        assert_eq!(kept.get(connection), Ok(counts(1)));
    }

    #[test]
    fn counts_are_carried_along_and_forgotten_where_a_commit_failed() {
        let (kept, connection) = (StageCounts::default(), ConnectionId::from_bytes([1; 16]));
        kept.keep(0, connection, &counts(1));
        kept.end(
            of(connection, &[Move::Comes, Move::Comes, Move::Goes]),
            true,
        );
        assert_eq!(kept.get(connection), Ok(counts(2)));
        kept.end(of(connection, &[Move::Goes, Move::Goes]), true);
        assert!(kept.get(connection).is_err(), "nobody is left");
        let now = kept.get(connection).unwrap_err();
        kept.keep(now, connection, &counts(1));
        kept.end(of(connection, &[Move::Comes]), false);
        assert!(kept.get(connection).is_err());
    }
}
