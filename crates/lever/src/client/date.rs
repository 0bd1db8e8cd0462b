//! The times an HTTP answer carries in its headers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::{DATE, HeaderName, RETRY_AFTER};

use crate::time::Timestamp;

/// When Lever answered, by its own clock, in whole seconds.
pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    moment(headers, &DATE).map(timestamp)
}

/// How long Lever asks to wait: seconds, or a moment on its own clock.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = moment(headers, &RETRY_AFTER)?;
    let now = moment(headers, &DATE)?;
    Some(until.duration_since(now).unwrap_or_default())
}

fn moment(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

fn timestamp(moment: SystemTime) -> Timestamp {
    Timestamp::default().plus(moment.duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), http::HeaderValue::from_static(value)))
            .collect()
    }

    const NOON: &str = "Sun, 06 Nov 1994 12:00:00 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 12:00:09 GMT";

    #[test]
    fn the_date_is_read_in_milliseconds() {
        assert_eq!(
            date(&headers(&[(DATE, NOON)])),
            Some(Timestamp::from_millis(784_123_200_000))
        );
        assert_eq!(date(&headers(&[(DATE, "today")])), None);
        assert_eq!(date(&headers(&[])), None);
    }

    #[test]
    fn retry_after_reads_as_seconds_or_as_a_moment() {
        assert_eq!(
            retry_after(&headers(&[(RETRY_AFTER, "7")])),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            retry_after(&headers(&[(RETRY_AFTER, LATER), (DATE, NOON)])),
            Some(Duration::from_secs(9))
        );
        assert_eq!(
            retry_after(&headers(&[(RETRY_AFTER, NOON), (DATE, LATER)])),
            Some(Duration::ZERO)
        );
        for odd in ["-1", "soon", "1.5"] {
            assert_eq!(retry_after(&headers(&[(RETRY_AFTER, odd)])), None, "{odd}");
        }
    }
}
