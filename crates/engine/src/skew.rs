//! How far Lever's clock is from ours.
//!
//! What is stored about order (which request came later) is dated by Lever's clock, so that a jump of ours
//! neither freezes the mirror nor lets an old page win (reliability.md P22).

use lever::Timestamp;
use tokio::time::Instant;

use crate::clock::Clock;

/// Lever's `Date` header is cut to whole seconds.
const CUT_MS: i64 = 1_000;

/// Smaller differences are the header's coarseness and the network's delay, not a clock that moved.
const CREDIBLE_MS: i64 = 2_500;

/// A moment by the wall clock, and by the clock that never jumps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    wall: Timestamp,
    steady: Instant,
}

impl Moment {
    /// Now.
    pub(crate) fn now(clock: &Clock) -> Moment {
        Moment {
            wall: clock.now(),
            steady: Instant::now(),
        }
    }

    /// The wall clock at an earlier moment, as if it had stood then as it stands now.
    fn wall_at(&self, earlier: &Moment) -> Timestamp {
        let passed = self.steady.duration_since(earlier.steady);
        let at = self.wall.minus(passed);
        // Without a jump in between the clock read then is the exact one.
        let jumped = at.as_millis().abs_diff(earlier.wall.as_millis()) > CUT_MS.unsigned_abs();
        if jumped { at } else { earlier.wall }
    }
}

/// How to tell Lever's time.
///
/// Once an answer has told it, the clock that never jumps counts on from there, until Lever clearly says otherwise:
/// it orders requests exactly, whatever becomes of our wall clock. Moments that are kept by the wall clock need how
/// far that is from Lever's.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Skew {
    known: Option<Known>,
    anchor: Option<Anchor>,
}

/// A moment by Lever's clock, and by the clock that never jumps.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    lever: Timestamp,
    steady: Instant,
}

impl Anchor {
    /// What Lever's clock shows at another moment.
    fn at(&self, steady: Instant) -> Timestamp {
        match steady.checked_duration_since(self.steady) {
            Some(later) => self.lever.plus(later),
            None => self.lever.minus(self.steady.duration_since(steady)),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Known {
    ahead_ms: i64,
    /// Requests sent before then may have been answered before the clock moved.
    since: Instant,
}

impl Skew {
    /// Takes in the `Date` of an answer whose request was sent and which was received then; gives when the request
    /// was sent, by Lever's clock.
    ///
    /// Nothing that is kept may be dated before the first answer has told Lever's time: hence by this alone.
    pub(crate) fn answered(
        &mut self,
        lever: Option<Timestamp>,
        sent: Moment,
        received: Moment,
    ) -> Timestamp {
        let ours = received.wall_at(&sent);
        let overtaken = self.known.is_some_and(|known| sent.steady < known.since);
        if let Some(lever) = lever.filter(|_| !overtaken) {
            self.saw(lever, ours, received);
            self.hold(lever, ours, sent.steady, received.steady);
        }
        self.at(sent.steady, ours)
    }

    /// Counts on from where it did, unless Lever said otherwise between these two moments.
    fn hold(&mut self, lever: Timestamp, sent: Timestamp, from: Instant, until: Instant) {
        let holds = |anchor: &Anchor| {
            ahead(lever, anchor.at(until)) <= CREDIBLE_MS
                && ahead(anchor.at(from), lever) <= CUT_MS + CREDIBLE_MS
        };
        if !self.anchor.as_ref().is_some_and(holds) {
            self.anchor = Some(Anchor {
                lever: self.lever_time(sent),
                steady: from,
            });
        }
    }

    /// Lever's time at a moment that our wall clock has as `wall`.
    fn at(&self, steady: Instant, wall: Timestamp) -> Timestamp {
        let by_steady = self.anchor.map(|anchor| anchor.at(steady));
        by_steady.unwrap_or_else(|| self.lever_time(wall))
    }

    /// Lever said `lever` at some moment between `sent` and `received`.
    fn saw(&mut self, lever: Timestamp, sent: Timestamp, received: Moment) {
        let least = ahead(lever, received.wall).saturating_sub(CREDIBLE_MS);
        let most = ahead(lever, sent).saturating_add(CUT_MS + CREDIBLE_MS);
        let fits = |ahead_ms: i64| (least..=most).contains(&ahead_ms);
        if self.known.is_some_and(|known| fits(known.ahead_ms)) {
            return;
        }
        // Clocks that agree as far as the header can tell are taken to agree.
        let ahead_ms = if fits(0) {
            0
        } else {
            ahead(lever, received.wall).saturating_add(CUT_MS / 2)
        };
        self.known = Some(Known {
            ahead_ms,
            since: received.steady,
        });
    }

    /// A moment of our clock on Lever's; our own while Lever's is not known.
    pub(crate) fn lever_time(&self, ours: Timestamp) -> Timestamp {
        let ahead_ms = self.known.map_or(0, |known| known.ahead_ms);
        Timestamp::from_millis(ours.as_millis().saturating_add(ahead_ms))
    }

    /// This moment on Lever's clock, also where ours has jumped since the last answer.
    pub(crate) fn now(&self, now: Moment) -> Timestamp {
        self.at(now.steady, now.wall)
    }

    /// Whether an answer has told Lever's time.
    pub(crate) fn is_known(&self) -> bool {
        self.known.is_some()
    }
}

/// How far `lever` is ahead of `ours`, in milliseconds.
fn ahead(lever: Timestamp, ours: Timestamp) -> i64 {
    lever.as_millis().saturating_sub(ours.as_millis())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Our clocks in a test: how much time has really passed, and what the wall clock shows.
    struct Clocks(Instant);

    impl Clocks {
        fn at(&self, steady_ms: u64, wall_ms: i64) -> Moment {
            Moment {
                wall: at(wall_ms),
                steady: self.0 + Duration::from_millis(steady_ms),
            }
        }

        /// A moment at which the wall clock shows what has passed.
        fn right(&self, ms: u64) -> Moment {
            self.at(ms, i64::try_from(ms).unwrap())
        }
    }

    fn clocks() -> Clocks {
        Clocks(Instant::now())
    }

    #[test]
    fn a_jump_of_our_clock_between_two_answers_does_not_move_levers() {
        let (mut skew, ours) = (Skew::default(), clocks());
        skew.answered(Some(at(100_000)), ours.right(100_400), ours.right(100_500));
        assert_eq!(skew.now(ours.right(101_000)), at(101_000));
        for jumped in [86_400_000, -86_400_000] {
            let now = ours.at(101_500, 101_500 + jumped);
            assert_eq!(skew.now(now), at(101_500));
        }
    }

    #[test]
    fn p22_requests_keep_their_order_whatever_our_clock_does() {
        let (mut skew, ours) = (Skew::default(), clocks());
        skew.answered(Some(at(100_000)), ours.right(100_400), ours.right(100_500));
        let mut last = at(0);
        for (turn, jumped) in [-21_600_000, 0, 86_400_000, -86_400_000, 0]
            .into_iter()
            .enumerate()
        {
            for step in [0, 300, 600] {
                let real = 101_000 + i64::try_from(turn).unwrap() * 900 + step;
                let steady = u64::try_from(real).unwrap();
                let (sent, received) = (
                    ours.at(steady, real + jumped),
                    ours.at(steady + 100, real + 100 + jumped),
                );
                let told = at((real + 50).div_euclid(1_000) * 1_000);
                let sent = skew.answered(Some(told), sent, received);
                assert!(sent > last, "{sent} comes after {last}, turn {turn}");
                last = sent;
            }
        }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn clocks_that_agree_within_the_header_are_not_corrected() {
        let (mut skew, ours) = (Skew::default(), clocks());
        let sent = skew.answered(Some(at(100_000)), ours.right(100_850), ours.right(100_900));
        assert_eq!(sent, at(100_850));
        assert_eq!(skew.lever_time(at(100_901)), at(100_901));
    }

    #[test]
    fn p22_the_first_request_is_dated_by_levers_clock_too() {
        let (mut skew, ours) = (Skew::default(), clocks());
        // Lever is a hundred seconds behind.
        let sent = skew.answered(Some(at(400_000)), ours.right(500_000), ours.right(500_500));
        assert_eq!(sent, at(400_000));
    }

    #[test]
    fn p22_a_jump_of_our_clock_is_seen_with_the_next_answer() {
        let (mut skew, ours) = (Skew::default(), clocks());
        skew.answered(Some(at(100_000)), ours.right(100_400), ours.right(100_500));
        // Our clock is set a day ahead, and a request is sent after that.
        let sent = skew.answered(
            Some(at(101_000)),
            ours.at(101_400, 86_501_400),
            ours.at(101_500, 86_501_500),
        );
        assert_eq!(sent, at(101_400));
        // Later answers that differ by a second change nothing.
        let sent = skew.answered(
            Some(at(102_000)),
            ours.at(103_300, 86_503_300),
            ours.at(103_400, 86_503_400),
        );
        assert_eq!(sent, at(103_300));
    }

    #[test]
    fn p22_a_jump_of_our_clock_while_lever_answers_does_not_date_the_request_wrongly() {
        let (mut skew, ours) = (Skew::default(), clocks());
        skew.answered(Some(at(100_000)), ours.right(100_400), ours.right(100_500));
        let sent = skew.answered(
            Some(at(101_000)),
            ours.right(101_000),
            ours.at(101_500, 86_501_500),
        );
        assert_eq!(sent, at(101_000));
    }

    #[test]
    fn an_answer_that_took_long_says_nothing_of_a_clock_that_moved() {
        let (mut skew, ours) = (Skew::default(), clocks());
        skew.answered(Some(at(100_000)), ours.right(100_400), ours.right(100_500));
        // Said at 110 s, but taken in only ten seconds later.
        let sent = skew.answered(Some(at(110_000)), ours.right(109_900), ours.right(120_000));
        assert_eq!(sent, at(109_900));
        assert_eq!(skew.lever_time(at(120_001)), at(120_001));
    }

    #[test]
    fn an_answer_from_before_a_jump_of_levers_clock_does_not_take_it_back() {
        let (mut skew, ours) = (Skew::default(), clocks());
        skew.answered(Some(at(1_000)), ours.right(1_000), ours.right(1_100));
        let slow = ours.right(2_000);
        // Lever's clock jumps ahead by seven seconds; the answer to a later request tells.
        skew.answered(Some(at(9_000)), ours.right(2_100), ours.right(2_200));
        let jumped = skew.lever_time(at(2_300));
        skew.answered(Some(at(2_000)), slow, ours.right(2_300));
        assert_eq!(skew.lever_time(at(2_300)), jumped);
    }

    #[test]
    fn without_a_date_our_own_clock_counts() {
        let (mut skew, ours) = (Skew::default(), clocks());
        let sent = skew.answered(None, ours.right(1_000), ours.right(2_000));
        assert_eq!(sent, at(1_000));
        assert!(!skew.is_known());
    }

    #[test]
    fn absurd_dates_do_not_overflow() {
        let (mut skew, ours) = (Skew::default(), clocks());
        for (lever, wall) in [(i64::MAX, i64::MIN), (i64::MIN, i64::MAX)] {
            let sent = ours.at(1, wall);
            let _ = skew.answered(Some(at(lever)), sent, ours.at(2, wall));
        }
        let _ = skew.lever_time(at(i64::MAX));
        let _ = skew.lever_time(at(i64::MIN));
    }
}
