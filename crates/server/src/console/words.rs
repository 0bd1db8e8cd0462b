//! Values as people read them.

use std::borrow::Cow;

use maud::{Markup, html};
use prost_types::{Duration, Timestamp};

/// A time: exact on hover, and in the viewer's zone where scripts run.
pub(super) fn moment(at: Option<&Timestamp>) -> Markup {
    let Some(exact) = at.and_then(exact) else {
        return html! { span.faint { "never" } };
    };
    let short = exact.get(..16).unwrap_or(&exact).replace('T', " ");
    html! { time datetime=(exact) title=(exact) { (short) " UTC" } }
}

/// A time to the second, for what happens many times a minute.
pub(super) fn instant(at: Option<&Timestamp>) -> Markup {
    let Some(exact) = at.and_then(exact) else {
        return moment(None);
    };
    let short = exact.get(..19).unwrap_or(&exact).replace('T', " ");
    html! { time datetime=(exact) title=(exact) data-seconds { (short) " UTC" } }
}

/// The exact time, of UTC; none for one that no calendar has.
pub(super) fn exact(at: &Timestamp) -> Option<String> {
    let at = jiff::Timestamp::new(at.seconds, 0).ok()?;
    Some(at.to_string())
}

/// How long something takes, in the two largest units that matter.
pub(super) fn span(duration: &Duration) -> String {
    let seconds = duration.seconds.max(0);
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, 0) => format!("{hours} h"),
        (0, ..) => format!("{hours} h {minutes} min"),
        (10.., ..) => format!("{} d", number(days.unsigned_abs())),
        (_, 0, _) => format!("{days} d"),
        _ => format!("{days} d {hours} h"),
    }
}

/// How long something takes that nobody knows exactly: what [`span`] leaves out is rounded, not cut.
pub(super) fn about(duration: &Duration) -> String {
    let seconds = duration.seconds.max(0);
    let unit = match seconds {
        ..60 => 1,
        60..600 => 30,
        600..86_400 => 60,
        _ => 3_600,
    };
    let seconds = seconds.saturating_add(unit / 2) / unit * unit;
    let whole = span(&Duration { seconds, nanos: 0 });
    match seconds {
        60..600 if seconds % 60 != 0 => format!("{whole} {} s", seconds % 60),
        _ => whole,
    }
}

/// A number with its thousands apart.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things, by the word for one and for several.
pub(super) fn count(value: u64, one: &str, several: &str) -> String {
    format!(
        "{} {}",
        number(value),
        if value == 1 { one } else { several }
    )
}

/// The same as the beginning of a line.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}

/// The name of an enum's value without its prefix, as words: `SYNC_STATE_SYNCED` is `synced`.
pub(super) fn plain(name: &str, prefix: &str) -> String {
    let rest = name.strip_prefix(prefix).unwrap_or(name);
    rest.trim_start_matches('_')
        .to_lowercase()
        .replace('_', " ")
}

/// A text of somebody else's as a part of a sentence: one that is written from right to left, or that has marks of
/// direction, turns nothing around it.
///
/// What turns letters from within is left out, and the rest stands between U+2068 and U+2069 (Unicode Standard Annex 9).
/// A text that is absurdly long is cut.
pub(super) fn isolated(text: &str) -> Cow<'_, str> {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_NAME) {
        return Cow::Owned(format!("{}…", isolated(&text[..end])));
    }
    if !text.chars().any(|letter| turns(letter) || is_rtl(letter)) {
        return Cow::Borrowed(text);
    }
    let plain: String = text.chars().filter(|letter| !turns(*letter)).collect();
    Cow::Owned(format!("\u{2068}{plain}\u{2069}"))
}

/// The most characters of a name that are shown: browsers take seconds to lay out thousands in a cell.
const LONGEST_NAME: usize = 300;

/// Begins or ends an embedding, an override or an isolate.
fn turns(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Of the blocks of scripts that are written from right to left, or a mark that says so.
fn is_rtl(letter: char) -> bool {
    matches!(
        letter,
        '\u{590}'..='\u{8ff}'
            | '\u{200f}'
            | '\u{fb1d}'..='\u{fdff}'
            | '\u{fe70}'..='\u{feff}'
            | '\u{10800}'..='\u{10fff}'
            | '\u{1e800}'..='\u{1efff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_turns_nothing_but_itself() {
        assert_eq!(isolated("Zoë O’Neil 李"), "Zoë O’Neil 李");
        assert_eq!(isolated("עדה"), "\u{2068}עדה\u{2069}");
        // An override that nobody ends, and an end of our own isolation.
        let long = isolated(&"a".repeat(301)).into_owned();
        assert_eq!(long, "a".repeat(300) + "…");
        assert_eq!(isolated("Ada\u{202e}\u{2069} L"), "\u{2068}Ada L\u{2069}");
    }

    #[test]
    fn numbers_and_spans_are_written_for_people() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(count(1, "person", "people"), "1 person");
        assert_eq!(count(12_000, "person", "people"), "12,000 people");
        let of = |seconds| span(&Duration { seconds, nanos: 0 });
        assert_eq!(
            [of(-3), of(45), of(125), of(7_200), of(11_220), of(90_000)],
            ["0 s", "45 s", "2 min", "2 h", "3 h 7 min", "1 d 1 h"]
        );
        let of_about = |seconds| about(&Duration { seconds, nanos: 0 });
        assert_eq!(
            [52, 89, 107, 659, 3_599, 11_250, 88_300].map(of_about),
            [
                "52 s",
                "1 min 30 s",
                "2 min",
                "11 min",
                "1 h",
                "3 h 8 min",
                "1 d 1 h"
            ]
        );
        assert_eq!(of(100_000_000), "1,157 d", "hours say nothing any more");
        assert_eq!(plain("SYNC_STATE_SYNCED", "SYNC_STATE"), "synced");
        assert_eq!(
            plain("PERMISSION_STATE_NOT_TESTED", "PERMISSION_STATE"),
            "not tested"
        );
    }

    #[test]
    fn a_time_is_exact_on_hover_and_absurd_ones_are_never() {
        let at = Timestamp {
            seconds: 1_790_000_000,
            nanos: 5,
        };
        assert_eq!(
            moment(Some(&at)).into_string(),
            "<time datetime=\"2026-09-21T14:13:20Z\" title=\"2026-09-21T14:13:20Z\">2026-09-21 14:13 UTC</time>"
        );
        assert!(
            instant(Some(&at))
                .into_string()
                .contains(">2026-09-21 14:13:20 UTC<")
        );
        let never = moment(None).into_string();
        assert_eq!(
            moment(Some(&Timestamp {
                seconds: i64::MAX,
                nanos: 0
            }))
            .into_string(),
            never
        );
    }
}
