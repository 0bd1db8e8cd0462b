//! Durations, sizes and addresses as people write them.

use std::fmt;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};
use serde::de::{self, Deserializer, Unexpected, Visitor};

/// Reads a duration such as `30s`, `10m`, `24h` or `90d`; a day has 24 hours. `None` for anything else.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(duration).ok()
}

/// A number of bytes as [`parse_size`] reads it, in the largest unit that it is whole in.
pub(super) fn written_size(bytes: u64) -> String {
    let whole = |&&(_, unit): &&(&str, u64)| bytes >= unit && bytes.is_multiple_of(unit);
    match SIZES.iter().find(whole) {
        Some((name, unit)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

/// Reads a size such as `512MB` or `2GiB`, in bytes. `None` for anything else.
pub fn parse_size(text: &str) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = SIZES.iter().find(|(name, _)| *name == unit.trim())?.1;
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// Powers of 1,000 first, each from the largest down.
const SIZES: &[(&str, u64)] = &[
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

/// Reads text of one form, and says in errors which form was expected.
struct Text<T> {
    expected: &'static str,
    parse: fn(&str) -> Option<T>,
}

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

fn read<'de, D: Deserializer<'de>, T>(from: D, form: Text<T>) -> Result<T, D::Error> {
    from.deserialize_str(form)
}

/// A duration as text.
pub(super) mod duration {
    use super::{Deserializer, Duration, Text, parse_duration, read};
    use serde::Serializer;

    pub(in crate::config) fn serialize<S: Serializer>(
        value: &Duration,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{}ms", value.as_millis()))
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Duration, D::Error> {
        read(
            from,
            Text {
                expected: "a duration such as \"30s\", \"10m\" or \"24h\"",
                parse: parse_duration,
            },
        )
    }
}

/// A number of bytes as text.
pub(super) mod size {
    use super::{Deserializer, Text, parse_size, read};
    use serde::Serializer;

    pub(in crate::config) fn serialize<S: Serializer>(
        value: &u64,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{value}B"))
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<u64, D::Error> {
        read(
            from,
            Text {
                expected: "a whole number with B, KB, MB, GB, TB, KiB, MiB, GiB or TiB, such as \"512MB\"",
                parse: parse_size,
            },
        )
    }
}

/// An IP address with a port as text.
pub(super) mod address {
    use super::{Deserializer, Text, read};
    use serde::Serializer;
    use std::net::SocketAddr;

    pub(in crate::config) fn serialize<S: Serializer>(
        value: &SocketAddr,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(in crate::config) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<SocketAddr, D::Error> {
        read(
            from,
            Text {
                expected: "an address such as 127.0.0.1:7460",
                parse: |text| text.parse().ok(),
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let cases = [
            ("500ms", Some(Duration::from_millis(500))),
            ("30s", Some(Duration::from_secs(30))),
            ("1h 30m", Some(Duration::from_secs(5400))),
            ("90d", Some(Duration::from_secs(90 * 86_400))),
            ("-5s", None),
            ("30", None),
            ("1 month", None),
            ("", None),
            ("soon", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_duration(text), expected, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let cases = [
            ("512MB", Some(512_000_000)),
            ("2 GB", Some(2_000_000_000)),
            ("64KiB", Some(65_536)),
            ("7B", Some(7)),
            ("1TB", Some(1_000_000_000_000)),
            ("1TiB", Some(1 << 40)),
            ("512", None),
            ("1.5GB", None),
            ("-1GB", None),
            ("99999999999999GB", None),
            ("GB", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_size(text), expected, "{text}");
        }
    }

    #[test]
    fn sizes_are_told_as_people_write_them() {
        let cases = [
            (0, "0B"),
            (300, "300B"),
            (64_000, "64KB"),
            (65_536, "64KiB"),
            (1_000_000_000_000, "1TB"),
        ];
        for (bytes, told) in cases {
            assert_eq!(written_size(bytes), told);
            assert_eq!(parse_size(told), Some(bytes));
        }
    }
}
