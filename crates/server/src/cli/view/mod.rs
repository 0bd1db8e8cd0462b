//! Pages as text: pure functions from what the service answered, and the present time, to lines.
//!
//! The text carries colors; the output takes them out where nobody would see them.
//! No line is wider than [`super::output::WIDTH`] columns, save for what cannot be cut: ids and sentences.

pub(crate) mod applicants;
pub(super) mod connect_links;
pub(super) mod connections;
pub(super) mod duplicates;
pub(super) mod explain;
pub(super) mod export;
pub(super) mod history;
pub(super) mod issues;
pub(super) mod lookup;
pub(crate) mod mapping;
pub(super) mod master_keys;
pub(crate) mod operation;
pub(super) mod permissions;
pub(crate) mod sync;
pub(crate) mod table;
pub(crate) mod time;
pub(super) mod users;

use anstyle::{AnsiColor, Style};

/// Headings of tables and pages.
pub(crate) const HEADING: Style = Style::new().bold();
/// What matters less.
pub(crate) const DIM: Style = Style::new().dimmed();
/// All is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Soon to be looked at.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// Wrong or late.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// Neither.
pub(crate) const PLAIN: Style = Style::new();

/// Text in a style.
pub(crate) fn styled(style: Style, text: &str) -> String {
    if style == PLAIN || text.is_empty() {
        return text.to_owned();
    }
    format!("{style}{text}{style:#}")
}

/// A number with a comma at every thousand.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number and its noun, such as `1 change` or `3 changes`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// The short lower-case word of an enum value, such as `on track` of `SLA_STATE_ON_TRACK`.
pub(crate) fn word(value: &str, prefix: &str) -> String {
    value
        .strip_prefix(prefix)
        .unwrap_or(value)
        .to_lowercase()
        .replace('_', " ")
}

/// Text without its colors, for tests.
#[cfg(test)]
pub(crate) fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_counted() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(counted(1, "request"), "1 request");
        assert_eq!(counted(2_000, "request"), "2,000 requests");
    }
}
