//! How far passes under way have come: for people who watch, gone with the process.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::Listing;
use tokio::time::Instant;

/// One pass over one listing, under way or the last one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PassProgress {
    /// When it began.
    began: Instant,
    /// When it ended; none while it is under way.
    ended: Option<Instant>,
    /// Pages read.
    pub(crate) pages: u64,
    /// Records read, those that came inside others included.
    pub(crate) records: u64,
    /// Records of the list itself.
    pub(crate) listed: u64,
}

impl PassProgress {
    /// Whether it is under way.
    pub(crate) fn running(&self) -> bool {
        self.ended.is_none()
    }

    /// Records a second; 0 when it is not under way, or for too short a time.
    pub(crate) fn rate(&self, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.began);
        if self.running() && passed >= MEASURED {
            self.records as f64 / passed.as_secs_f64()
        } else {
            0.0
        }
    }
}

/// The rate of less is that of one page, or of none.
const MEASURED: Duration = Duration::from_secs(3);

/// How long passes that find nothing go without being kept.
const QUIET: Duration = Duration::from_secs(600);

/// The passes of one connection: over its listings, or over the lists of a stream below other records.
#[derive(Debug)]
pub(crate) struct Progress<K = Listing> {
    passes: Mutex<HashMap<K, PassProgress>>,
    /// When a pass that found nothing was last kept.
    noted: Mutex<HashMap<K, Instant>>,
}

impl<K> Default for Progress<K> {
    fn default() -> Self {
        Self {
            passes: Mutex::default(),
            noted: Mutex::default(),
        }
    }
}

impl<K: Copy + Eq + Hash> Progress<K> {
    /// A pass begins, or goes on after a restart.
    pub(crate) fn began(&self, listing: K) {
        let pass = PassProgress {
            began: Instant::now(),
            ended: None,
            pages: 0,
            records: 0,
            listed: 0,
        };
        self.passes().insert(listing, pass);
    }

    /// A page of the pass under way was read, with this many records, of which `listed` are of the list itself.
    pub(crate) fn page(&self, listing: K, records: u64, listed: u64) {
        let mut passes = self.passes();
        if let Some(pass) = passes.get_mut(&listing).filter(|pass| pass.running()) {
            pass.pages += 1;
            pass.records += records;
            pass.listed += listed;
        }
    }

    /// The pass has ended, well or not.
    pub(crate) fn ended(&self, listing: K) {
        if let Some(pass) = self.passes().get_mut(&listing) {
            pass.ended = Some(Instant::now());
        }
    }

    /// The pass under way, or the last one of this process.
    pub(crate) fn of(&self, listing: K) -> Option<PassProgress> {
        self.passes().get(&listing).copied()
    }

    /// Whether a pass that found nothing is to be kept: one in ten minutes is enough.
    pub(crate) fn worth_noting(&self, listing: K) -> bool {
        let now = Instant::now();
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let quiet = noted
            .get(&listing)
            .is_some_and(|last| now.saturating_duration_since(*last) < QUIET);
        if !quiet {
            noted.insert(listing, now);
        }
        !quiet
    }

    fn passes(&self) -> std::sync::MutexGuard<'_, HashMap<K, PassProgress>> {
        self.passes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pass_tells_its_pages_and_its_rate_while_it_runs() {
        let progress = Progress::default();
        assert_eq!(progress.of(Listing::Tags), None);
        progress.began(Listing::Tags);
        tokio::time::advance(Duration::from_secs(1)).await;
        progress.page(Listing::Tags, 100, 90);
        let pass = progress.of(Listing::Tags).unwrap();
        assert_eq!((pass.pages, pass.rate(Instant::now())), (1, 0.0));
        tokio::time::advance(MEASURED).await;
        assert_eq!(pass.rate(Instant::now()), 25.0);
        assert_eq!(pass.listed, 90);
        progress.ended(Listing::Tags);
        let pass = progress.of(Listing::Tags).unwrap();
        assert!(!pass.running() && pass.rate(Instant::now()) == 0.0);
    }
}
