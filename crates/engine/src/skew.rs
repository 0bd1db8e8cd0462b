//! How far Lever's clock is from ours.
//!
//! What is stored about order (which request came later) is dated by Lever's clock, so that a jump of ours
//! neither freezes the mirror nor lets an old page win (reliability.md P22).

use lever::Timestamp;

/// Lever's `Date` header is cut to whole seconds: half of one is added back.
const HALF_A_SECOND_MS: i64 = 500;

/// Smaller differences are the header's coarseness and the network's delay, not a clock that moved.
const CREDIBLE_MS: i64 = 2_500;

/// What to add to our clock to get Lever's.
///
/// It stays put until a clock has clearly moved: between two answers our own clock orders requests exactly.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Skew {
    ahead_ms: Option<i64>,
}

impl Skew {
    /// Notes that Lever said `lever` when our clock said `ours`.
    pub(crate) fn saw(&mut self, lever: Timestamp, ours: Timestamp) {
        let seen = lever
            .as_millis()
            .saturating_add(HALF_A_SECOND_MS)
            .saturating_sub(ours.as_millis());
        let moved = self
            .ahead_ms
            .is_none_or(|known| known.abs_diff(seen) > CREDIBLE_MS.unsigned_abs());
        if moved {
            // Clocks that agree as far as the header can tell are taken to agree.
            self.ahead_ms = Some(if seen.unsigned_abs() <= CREDIBLE_MS.unsigned_abs() {
                0
            } else {
                seen
            });
        }
    }

    /// A moment of our clock on Lever's.
    pub(crate) fn lever_time(&self, ours: Timestamp) -> Timestamp {
        Timestamp::from_millis(ours.as_millis().saturating_add(self.ahead_ms.unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn clocks_that_agree_within_the_header_are_not_corrected() {
        let mut skew = Skew::default();
        skew.saw(at(100_000), at(100_900));
        assert_eq!(skew.lever_time(at(100_901)), at(100_901));
    }

    #[test]
    fn a_jump_of_our_clock_is_seen_with_the_next_answer() {
        let mut skew = Skew::default();
        skew.saw(at(100_000), at(100_500));
        // Our clock is set a day ahead.
        skew.saw(at(101_000), at(86_501_500));
        assert_eq!(skew.lever_time(at(86_501_500)), at(101_500));
        // Later answers that differ by a second change nothing.
        skew.saw(at(102_000), at(86_503_400));
        assert_eq!(skew.lever_time(at(86_503_400)), at(103_400));
    }

    #[test]
    fn absurd_dates_do_not_overflow() {
        let mut skew = Skew::default();
        skew.saw(at(i64::MAX), at(i64::MIN));
        skew.saw(at(i64::MIN), at(i64::MAX));
        let _ = skew.lever_time(at(i64::MAX));
        let _ = skew.lever_time(at(i64::MIN));
    }
}
