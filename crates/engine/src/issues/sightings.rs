//! What was seen to go wrong while it went wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::issue::{Affected, Finding, Problem};
use domain::{IssueKind, Timestamp};
use lever::NoteId;
use tokio::sync::Notify;

type Place = (IssueKind, String);

/// What has been seen on one connection since it was kept last. Bounded by the kinds, streams and permissions there are.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    seen: Mutex<Seen>,
    /// Wakes who looks after the issues.
    now: Notify,
    writes_moved: AtomicBool,
    /// Whether the key was accepted after it was last rejected.
    key_accepted: AtomicBool,
    /// Whether Lever has answered anything, if only to refuse, after it was last seen to answer nothing.
    lever_answers: AtomicBool,
    /// The notes that were told to be in Lever twice.
    twice: Mutex<BTreeSet<NoteId>>,
}

/// Problems with how often each was seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(BTreeMap<Place, Finding>);

fn place(problem: &Problem) -> Place {
    (problem.kind(), problem.subject())
}

/// Whether a problem shows only while it happens: a sighting of one that can be read off the store counts, but only
/// where the problem is still there.
fn passes(kind: IssueKind) -> bool {
    matches!(
        kind,
        IssueKind::WebhooksRefused | IssueKind::WorkerPanicked | IssueKind::NoteTwice
    )
}

impl Sightings {
    /// Notes that a problem has shown.
    pub(crate) fn saw(&self, problem: Problem, affected: Vec<Affected>, at: Timestamp) {
        // Whoever refuses answers.
        match problem.kind() {
            IssueKind::KeyRejected => {
                self.key_accepted.store(false, Ordering::Relaxed);
                self.lever_answers.store(true, Ordering::Relaxed);
            }
            IssueKind::PermissionMissing => self.lever_answers.store(true, Ordering::Relaxed),
            IssueKind::LeverUnreachable => self.lever_answers.store(false, Ordering::Relaxed),
            _ => {}
        }
        let finding = Finding::lasting(problem, affected).shown(1, at);
        let place = place(&finding.problem);
        let mut seen = self.seen();
        let all = match seen.0.remove(&place) {
            Some(before) => finding.and(before),
            None => finding,
        };
        seen.0.insert(place, all);
        drop(seen);
        self.look_soon();
    }

    /// Notes that a note of ours is in Lever once more; false where that is known.
    pub(crate) fn is_news(&self, twice: &NoteId) -> bool {
        let mut known = self.twice.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(twice.clone())
    }

    /// Has the issues looked after soon: something has changed that may end one.
    pub(crate) fn look_soon(&self) {
        self.now.notify_one();
    }

    /// Waits until that is asked for.
    pub(super) async fn asked(&self) {
        self.now.notified().await;
    }

    /// Notes that Lever has answered, and so accepted the key.
    pub(crate) fn key_works(&self) {
        let accepted = self.key_accepted.swap(true, Ordering::Relaxed);
        let answered = self.lever_answers.swap(true, Ordering::Relaxed);
        if !accepted || !answered {
            self.look_soon();
        }
    }

    /// Whether Lever has answered since it was last seen to answer nothing.
    pub(super) fn lever_answers(&self) -> bool {
        self.lever_answers.load(Ordering::Relaxed)
    }

    /// Whether Lever has accepted the key since it was last seen to reject it.
    pub(super) fn key_accepted(&self) -> bool {
        self.key_accepted.load(Ordering::Relaxed)
    }

    /// Notes that an operation has settled, or moved from where it had settled.
    pub(crate) fn note_writes(&self) {
        self.writes_moved.store(true, Ordering::Relaxed);
        self.look_soon();
    }

    /// Whether that was noted since the last time.
    pub(super) fn writes_moved(&self) -> bool {
        self.writes_moved.swap(false, Ordering::Relaxed)
    }

    /// What was seen; it stays noted until it is [forgotten](Self::forget).
    pub(super) fn peek(&self) -> Seen {
        self.seen().clone()
    }

    /// Forgets what was kept; what was seen since stays noted.
    pub(super) fn forget(&self, kept: &Seen) {
        let mut seen = self.seen();
        for (place, finding) in &kept.0 {
            if let Some(since) = seen.0.get_mut(place) {
                since.times = since.times.saturating_sub(finding.times);
                if since.times == 0 {
                    seen.0.remove(place);
                }
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// The findings with how often they were seen, and what only showed while it happened.
    pub(super) fn counted(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        let there = |findings: &[Finding], at: &Place| {
            findings
                .iter()
                .any(|finding| place(&finding.problem) == *at)
        };
        for (at, seen) in &self.0 {
            if passes(at.0) || there(&findings, at) {
                findings.push(seen.clone());
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing() -> Problem {
        Problem::StreamFailing {
            stream: "notes".to_owned(),
            why: "away".to_owned(),
        }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn what_was_seen_counts_for_a_problem_that_is_there_and_not_for_one_that_is_gone() {
        let sightings = Sightings::default();
        sightings.saw(failing(), Vec::new(), at(1));
        sightings.saw(failing(), Vec::new(), at(2));
        assert!(sightings.peek().counted(Vec::new()).is_empty());
        let found = vec![Finding::lasting(failing(), Vec::new())];
        let counted = sightings.peek().counted(found);
        let times: u64 = counted.iter().map(|finding| finding.times).sum();
        assert_eq!(times, 2);
        assert_eq!(counted[1].last, Some(at(2)));
    }

    #[test]
    fn what_shows_only_while_it_happens_is_a_problem_of_its_own() {
        let sightings = Sightings::default();
        sightings.saw(Problem::WebhooksRefused, Vec::new(), at(1));
        assert_eq!(sightings.peek().counted(Vec::new()).len(), 1);
    }

    #[test]
    fn what_is_seen_after_the_look_is_not_forgotten_with_it() {
        let sightings = Sightings::default();
        sightings.saw(Problem::WebhooksRefused, Vec::new(), at(1));
        let kept = sightings.peek();
        sightings.saw(Problem::WebhooksRefused, Vec::new(), at(2));
        sightings.forget(&kept);
        let left = sightings.peek().counted(Vec::new());
        assert_eq!((left.len(), left[0].times), (1, 1));
        sightings.forget(&sightings.peek());
        assert!(sightings.peek().counted(Vec::new()).is_empty());
    }

    #[test]
    fn a_key_that_works_again_is_no_longer_taken_for_rejected() {
        let sightings = Sightings::default();
        assert!(!sightings.key_accepted());
        sightings.key_works();
        assert!(sightings.key_accepted());
        let rejected = Problem::KeyRejected {
            environment: String::new(),
            last_four: String::new(),
        };
        sightings.saw(rejected, Vec::new(), at(1));
        assert!(!sightings.key_accepted());
    }
}
