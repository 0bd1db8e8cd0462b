//! When to make a call again: values in, a pause out.

use std::time::Duration;

use crate::error::Retry;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(100);

/// How long to wait before attempt `made + 1`, or nothing when the call ends here.
///
/// The pause grows 1, 2, 4 ... 100 s with full jitter: `jitter`, from 0 to 1, says how much of it is waited.
/// What Lever says is waited in full. A pause that would not end within `remaining` ends the call.
pub(crate) fn decide(
    advice: Retry,
    made: u32,
    max_attempts: u32,
    remaining: Duration,
    jitter: f64,
) -> Option<Duration> {
    if made >= max_attempts {
        return None;
    }
    let pause = match advice {
        Retry::No => return None,
        Retry::After(told) => told,
        Retry::Backoff => backoff(made).mul_f64(jitter.clamp(0.0, 1.0)),
    };
    (pause < remaining).then_some(pause)
}

fn backoff(made: u32) -> Duration {
    let doublings = made.saturating_sub(1).min(16);
    (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn pauses_double_up_to_a_hundred_seconds() {
        let pauses: Vec<_> = (1..=9)
            .map(|made| {
                decide(Retry::Backoff, made, 99, LONG, 1.0)
                    .unwrap()
                    .as_secs()
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 100, 100]);
        assert_eq!(
            decide(Retry::Backoff, u32::MAX - 1, u32::MAX, LONG, 1.0),
            Some(LONGEST_PAUSE)
        );
    }

    #[test]
    fn jitter_takes_any_part_of_the_pause() {
        assert_eq!(
            decide(Retry::Backoff, 2, 5, LONG, 0.25),
            Some(Duration::from_millis(500))
        );
        assert_eq!(
            decide(Retry::Backoff, 2, 5, LONG, 0.0),
            Some(Duration::ZERO)
        );
    }

    #[test]
    fn what_lever_says_is_waited_in_full() {
        let told = Duration::from_secs(7);
        assert_eq!(decide(Retry::After(told), 1, 5, LONG, 0.0), Some(told));
    }

    #[test]
    fn a_call_ends_for_good_reasons() {
        assert_eq!(decide(Retry::No, 1, 5, LONG, 1.0), None);
        assert_eq!(decide(Retry::Backoff, 5, 5, LONG, 1.0), None);
        assert_eq!(decide(Retry::Backoff, 1, 0, LONG, 1.0), None);
        assert_eq!(
            decide(
                Retry::After(Duration::from_secs(60)),
                1,
                5,
                Duration::from_secs(59),
                1.0
            ),
            None
        );
    }
}
