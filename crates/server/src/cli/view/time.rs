//! Times as people say them: relative to now, in one unit.

use std::time::Duration;

/// A point in time of the wire in milliseconds since 1970; seconds beyond all calendars are clamped.
pub(crate) fn millis(at: &prost_types::Timestamp) -> i64 {
    at.seconds
        .saturating_mul(1_000)
        .saturating_add(i64::from(at.nanos) / 1_000_000)
}

/// The system's time in milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    engine::Clock::system().now().as_millis()
}

/// A length of time in its largest whole unit, such as `3 h`.
pub(crate) fn length(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_millis() >= 500);
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3_599 => format!("{} min", (seconds + 30) / 60),
        3_600..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// How long ago something was, such as `3 h`; `-` when it never was.
pub(crate) fn since(at: Option<&prost_types::Timestamp>, now_ms: i64) -> String {
    match at {
        Some(at) => length(Duration::from_millis(
            now_ms.saturating_sub(millis(at)).max(0).unsigned_abs(),
        )),
        None => "-".to_owned(),
    }
}

/// How long ago something was, in words: `3 h ago`, or `never`.
pub(crate) fn ago(at: Option<&prost_types::Timestamp>, now_ms: i64) -> String {
    match at {
        Some(_) => format!("{} ago", since(at, now_ms)),
        None => "never".to_owned(),
    }
}

/// How far ahead something is, such as `in 2 d`; `now` when it is past.
pub(crate) fn until(at: &prost_types::Timestamp, now_ms: i64) -> String {
    match millis(at).saturating_sub(now_ms) {
        ..=0 => "now".to_owned(),
        ahead => format!("in {}", length(Duration::from_millis(ahead.unsigned_abs()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> prost_types::Timestamp {
        prost_types::Timestamp { seconds, nanos: 0 }
    }

    #[test]
    fn times_are_told_in_one_unit() {
        let cases = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "60 min"),
            (3_600, "1 h"),
            (47 * 3_600, "47 h"),
            (48 * 3_600, "2 d"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(length(Duration::from_secs(seconds)), expected);
        }
        assert_eq!(ago(Some(&at(0)), 7_200_000), "2 h ago");
        assert_eq!(ago(None, 0), "never");
        assert_eq!(until(&at(7_200), 0), "in 2 h");
    }

    #[test]
    fn times_beyond_all_calendars_are_no_accident() {
        for seconds in [i64::MIN, i64::MAX] {
            for now in [i64::MIN, 0, i64::MAX] {
                since(Some(&at(seconds)), now);
                until(&at(seconds), now);
            }
        }
    }
}
