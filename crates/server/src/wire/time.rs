//! Times and durations.

use std::time::Duration;

use ::lever::Timestamp;
use engine::{Error, Result};

/// What a timestamp may be by its own definition, in seconds since 1970.
pub(crate) const YEARS_1_TO_9999: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A time as the wire has it; times before 1970 keep non-negative nanoseconds.
pub fn to_timestamp(at: Timestamp) -> prost_types::Timestamp {
    let ms = at.as_millis();
    prost_types::Timestamp {
        seconds: ms.div_euclid(1000),
        nanos: i32::try_from(ms.rem_euclid(1000) * 1_000_000).unwrap_or(0),
    }
}

/// A time that Lever wrote; none outside of the years 1 to 9999, which a protobuf timestamp cannot hold: a client that
/// turns one into text or a date of its language would refuse the whole answer.
pub fn to_lever_timestamp(at: Timestamp) -> Option<prost_types::Timestamp> {
    let told = to_timestamp(at);
    YEARS_1_TO_9999.contains(&told.seconds).then_some(told)
}

/// A time from the wire, cut to milliseconds.
pub fn from_timestamp(field: &str, at: &prost_types::Timestamp) -> Result<Timestamp> {
    let bad = || {
        Error::invalid(
            field,
            "this is not a time: seconds and nanoseconds are out of range",
        )
    };
    if !(0..1_000_000_000).contains(&at.nanos) || !YEARS_1_TO_9999.contains(&at.seconds) {
        return Err(bad());
    }
    let ms = at
        .seconds
        .checked_mul(1000)
        .and_then(|ms| ms.checked_add(i64::from(at.nanos) / 1_000_000));
    ms.map(Timestamp::from_millis).ok_or_else(bad)
}

/// A duration as the wire has it.
pub fn to_duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0),
    }
}

/// A duration from the wire, at most `longest`.
pub fn from_duration(
    field: &str,
    duration: &prost_types::Duration,
    longest: Duration,
) -> Result<Duration> {
    let bad = || Error::invalid(field, format!("give 0 to {} seconds", longest.as_secs()));
    let seconds = u64::try_from(duration.seconds).map_err(|_| bad())?;
    let nanos = u32::try_from(duration.nanos)
        .ok()
        .filter(|nanos| *nanos < 1_000_000_000)
        .ok_or_else(bad)?;
    let asked = Duration::new(seconds, nanos);
    if asked > longest {
        Err(bad())
    } else {
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_survive_the_way_there_and_back() {
        for ms in [-1, 0, 1, 1_782_975_358_767, -86_400_001] {
            let at = Timestamp::from_millis(ms);
            assert_eq!(from_timestamp("t", &to_timestamp(at)).unwrap(), at);
        }
    }

    #[test]
    fn a_time_of_lever_that_no_timestamp_can_hold_is_left_out() {
        let held = |ms| to_lever_timestamp(Timestamp::from_millis(ms)).is_some();
        let last = 253_402_300_799_999;
        assert!(held(last) && !held(last + 1));
        // The largest date of JavaScript.
        assert!(!held(8_640_000_000_000_000) && !held(i64::MIN));
        let first = -62_135_596_800_000;
        assert!(held(first) && !held(first - 1));
    }

    #[test]
    fn absurd_times_are_refused_and_name_their_field() {
        for (seconds, nanos) in [
            (i64::MAX, 0),
            (-62_135_596_801, 0),
            (0, -1),
            (0, 1_000_000_000),
        ] {
            let error = from_timestamp(
                "sync_start_time",
                &prost_types::Timestamp { seconds, nanos },
            )
            .unwrap_err();
            assert!(error.to_string().starts_with("sync_start_time"), "{error}");
        }
        assert!(
            from_duration(
                "wait",
                &prost_types::Duration {
                    seconds: -1,
                    nanos: 0
                },
                Duration::MAX
            )
            .is_err()
        );
    }
}
