//! When a look that came to nothing is worth making again.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use lever::Timestamp;

use super::group::{Group, Subject};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What waits, and until when.
#[derive(Debug, Default)]
pub(super) struct Patience(HashMap<Subject, Waiting>);

#[derive(Debug, Clone, Copy)]
struct Waiting {
    pause: Duration,
    until: Timestamp,
}

impl Patience {
    /// Whether a look is worth making now; one that waits longer than any pause was set by a clock that was wrong.
    pub(super) fn is_over(&self, subject: &Subject, now: Timestamp) -> bool {
        let waiting = self.0.get(subject);
        waiting.is_none_or(|waiting| {
            let left = waiting.until.since(now);
            left.is_zero() || left > LONGEST_PAUSE
        })
    }

    /// A look came to nothing: the next one waits, twice as long each time.
    pub(super) fn wait(&mut self, subject: &Subject, now: Timestamp) {
        let before = self.0.get(subject).map(|waiting| waiting.pause);
        let pause = before.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
        let until = now.plus(pause);
        self.0.insert(subject.clone(), Waiting { pause, until });
    }

    /// A look was worth it.
    pub(super) fn done(&mut self, subject: &Subject) {
        self.0.remove(subject);
    }

    /// Forgets what nobody waits for any more.
    pub(super) fn keep(&mut self, groups: &[Group]) {
        let known: HashSet<&Subject> = groups.iter().map(|group| &group.subject).collect();
        self.0.retain(|subject, _| known.contains(subject));
    }

    /// How long until the first pause is over; none when nothing waits.
    pub(super) fn shortest(&self, now: Timestamp) -> Option<Duration> {
        let left = self.0.values().map(|waiting| waiting.until.since(now));
        left.min().map(|left| left.min(LONGEST_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn pauses_grow_up_to_five_minutes_and_end_with_a_success() {
        let mut patience = Patience::default();
        let subject = Subject::Anything;
        assert!(patience.is_over(&subject, at(0)));
        let mut pauses = Vec::new();
        for _ in 0..11 {
            patience.wait(&subject, at(0));
            pauses.push(patience.shortest(at(0)).unwrap().as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert!(!patience.is_over(&subject, at(299_999)));
        assert!(patience.is_over(&subject, at(300_000)));
        patience.done(&subject);
        assert_eq!(patience.shortest(at(0)), None);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_make_anything_wait_for_long() {
        let mut patience = Patience::default();
        patience.wait(&Subject::Anything, at(86_400_000));
        assert!(patience.is_over(&Subject::Anything, at(0)));
    }

    #[test]
    fn what_nobody_waits_for_is_forgotten() {
        let mut patience = Patience::default();
        patience.wait(&Subject::Anything, at(0));
        patience.keep(&[]);
        assert_eq!(patience.shortest(at(0)), None);
    }
}
