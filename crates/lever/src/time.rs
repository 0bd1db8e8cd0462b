//! Lever's time: milliseconds since 1970, UTC.

use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

/// A moment in milliseconds since 1970-01-01 UTC, as Lever writes it.
///
/// Arithmetic saturates; nothing here panics.
/// Reads from a number and numeric text, since Lever's examples show both (behavior: "Identifiers and values"); what
/// is below a millisecond is cut. Is written as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `millis` milliseconds after 1970-01-01 UTC.
    pub const fn from_millis(millis: i64) -> Timestamp {
        Timestamp(millis)
    }

    /// Milliseconds since 1970-01-01 UTC; negative before it.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The moment `span` later, at most the last one there is.
    #[must_use]
    pub fn plus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(whole_millis(span)))
    }

    /// The moment `span` earlier, at least the first one there is.
    #[must_use]
    pub fn minus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(whole_millis(span)))
    }

    /// How long after `other` this is; zero when it is earlier.
    pub fn since(self, other: Timestamp) -> Duration {
        let millis = i128::from(self.0) - i128::from(other.0);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        deserializer.deserialize_any(Millis).map(Timestamp)
    }
}

fn whole_millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Whole numbers are exact in a float only up to 2^53, far beyond any time Lever knows.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads milliseconds from a number or numeric text, and cuts what is below one.
struct Millis;

impl Visitor<'_> for Millis {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("milliseconds")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<i64, E> {
        WholeNumber.visit_u64(number)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<i64, E> {
        WholeNumber.visit_f64(number.trunc())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<i64, E> {
        let text = text.trim();
        match text.parse::<i64>() {
            Ok(number) => Ok(number),
            Err(_) => self.visit_f64(text.parse().map_err(|_| E::custom("not a number"))?),
        }
    }
}

/// Reads a whole number from a number, a whole float or numeric text.
pub(crate) struct WholeNumber;

impl Visitor<'_> for WholeNumber {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<i64, E> {
        i64::try_from(number).map_err(|_| E::custom("number out of range"))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<i64, E> {
        if number.fract() == 0.0 && number.abs() <= EXACT {
            Ok(number as i64)
        } else {
            Err(E::custom("not a whole number"))
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<i64, E> {
        let text = text.trim();
        if let Ok(number) = text.parse::<i64>() {
            return Ok(number);
        }
        match text.parse::<f64>() {
            Ok(number) => self.visit_f64(number),
            Err(_) => Err(E::custom("not a number")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_whole_floats_and_numeric_text_all_read() {
        for text in [
            "1782973996415",
            "1782973996415.0",
            r#""1782973996415""#,
            r#"" 1782973996415 ""#,
            "1.782973996415e12",
        ] {
            let read: Timestamp = serde_json::from_str(text).unwrap();
            assert_eq!(read, Timestamp::from_millis(1_782_973_996_415), "{text}");
        }
    }

    #[test]
    fn what_is_below_a_millisecond_is_cut() {
        let read = |text| serde_json::from_str::<Timestamp>(text).map(Timestamp::as_millis);
        assert_eq!(read("1500000000000.25").unwrap(), 1_500_000_000_000);
        assert_eq!(read(r#""1500000000000.75""#).unwrap(), 1_500_000_000_000);
        assert_eq!(read("-1.5").unwrap(), -1);
    }

    #[test]
    fn what_is_no_number_of_milliseconds_is_an_error() {
        for text in [
            r#""""#,
            r#""soon""#,
            r#""NaN""#,
            r#""inf""#,
            "1e300",
            "18446744073709551615",
            "true",
            "null",
            "{}",
        ] {
            assert!(serde_json::from_str::<Timestamp>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let last = Timestamp::from_millis(i64::MAX);
        let first = Timestamp::from_millis(i64::MIN);
        assert_eq!(last.plus(Duration::MAX), last);
        assert_eq!(first.minus(Duration::MAX), first);
        assert_eq!(first.since(last), Duration::ZERO);
        assert_eq!(last.since(first), Duration::from_millis(u64::MAX));
    }

    #[test]
    fn plus_and_since_agree() {
        let at = Timestamp::from_millis(1_000);
        assert_eq!(
            at.plus(Duration::from_secs(2)).since(at),
            Duration::from_secs(2)
        );
        assert_eq!(at.minus(Duration::from_secs(2)).as_millis(), -1_000);
    }
}
