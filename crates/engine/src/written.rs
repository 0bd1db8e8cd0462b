//! To whom writes that are under way have written: the lists below them are read when a bulk is done, or a write alone
//! with all of its steps.
//!
//! Each write moves a stamp of the person, so that all lists below are worth another look. While a thousand are written
//! to, these looks would take their share of the rate from the writes, and be worth another one after the next write.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{OperationId, Parent};
use tokio::time::Instant;

/// Lists do not wait longer for the end of a bulk, which may have been kept waiting itself.
const LONGEST: Duration = Duration::from_secs(600);

/// The parents that bulks and writes under way have written to, with the time of the first write.
#[derive(Debug, Default)]
pub(crate) struct Written(Mutex<HashMap<OperationId, HashMap<Parent, Instant>>>);

impl Written {
    fn bulks(&self) -> MutexGuard<'_, HashMap<OperationId, HashMap<Parent, Instant>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A bulk, or a write alone, gets under way.
    pub(crate) fn begin(&self, bulk: OperationId) {
        self.bulks().entry(bulk).or_default();
    }

    /// One of its items was written.
    pub(crate) fn add(&self, bulk: OperationId, parent: Parent) {
        if let Some(parents) = self.bulks().get_mut(&bulk) {
            parents.entry(parent).or_insert_with(Instant::now);
        }
    }

    /// It is done: the lists below whom it has written to may be read. False where none of them waited for it.
    pub(crate) fn end(&self, bulk: OperationId) -> bool {
        self.bulks().remove(&bulk).is_some()
    }

    /// The parents whose lists wait.
    pub(crate) fn resting(&self) -> BTreeSet<Parent> {
        let bulks = self.bulks();
        let all = bulks.values().flatten();
        all.filter(|(_, since)| since.elapsed() < LONGEST)
            .map(|(parent, _)| parent.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::new_id;

    fn parent(id: &str) -> Parent {
        Parent::Opportunity(id.into())
    }

    #[tokio::test(start_paused = true)]
    async fn lists_wait_for_the_end_of_a_bulk_but_not_for_long() {
        let written = Written::default();
        let [first, second] = [new_id(), new_id()].map(OperationId::with_room);
        written.begin(first);
        written.begin(second);
        for (bulk, id) in [(first, "ada"), (first, "grace"), (second, "grace")] {
            written.add(bulk, parent(id));
        }
        assert_eq!(written.resting(), [parent("ada"), parent("grace")].into());
        assert!(written.end(first));
        assert!(!written.end(first));
        assert_eq!(written.resting(), [parent("grace")].into());
        tokio::time::advance(LONGEST).await;
        assert!(written.resting().is_empty());
        // What settles late is not of a bulk any more.
        written.add(first, parent("ada"));
        assert!(written.resting().is_empty());
    }
}
