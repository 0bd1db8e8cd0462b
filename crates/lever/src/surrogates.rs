//! Halves of characters in JSON: `\ud83d` where the rest of an emoji was cut off.
//!
//! RFC 8259 section 8.2 leaves it open what such a text means, and who writes JSON in JavaScript writes it without a
//! word. No string of ours can hold one, and one character must not cost a whole record.

use std::ops::Range;

/// What stands for a character that nobody can read any more: U+FFFD.
const UNREADABLE: &[u8; 4] = b"fffd";
const HIGH: Range<u16> = 0xd800..0xdc00;
const LOW: Range<u16> = 0xdc00..0xe000;
/// `\u` and four digits.
const ESCAPE: usize = 6;

/// Puts U+FFFD in the place of each escape that is half a character without the other half. All else stays as it is,
/// where it is; a body that is no JSON has nothing that counts as an escape, or stays none.
pub(crate) fn mend(body: &mut [u8]) {
    let mut at = 0;
    while let Some(next) = body[at..].iter().position(|byte| *byte == b'\\') {
        at += next;
        at += match unit(&body[at..]) {
            // A backslash and what it escapes.
            None => 2,
            Some(unit) if HIGH.contains(&unit) => match self::unit(&body[at + ESCAPE..]) {
                Some(other) if LOW.contains(&other) => 2 * ESCAPE,
                _ => blot_out(&mut body[at..]),
            },
            Some(unit) if LOW.contains(&unit) => blot_out(&mut body[at..]),
            Some(_) => ESCAPE,
        };
        if at >= body.len() {
            break;
        }
    }
}

fn blot_out(escape: &mut [u8]) -> usize {
    escape[2..ESCAPE].copy_from_slice(UNREADABLE);
    ESCAPE
}

/// The UTF-16 code unit that an escape at the beginning stands for.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.get(..ESCAPE)?.strip_prefix(b"\\u")?;
    let digits = std::str::from_utf8(digits).ok()?;
    // A sign is not a digit, whatever `from_str_radix` makes of it.
    let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    plain.then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mended(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        mend(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn half_a_character_becomes_unreadable_and_nothing_else_changes() {
        for (sent, read) in [
            (r#""x\ud83dy""#, "x\u{fffd}y"),
            (r#""x\uDE00""#, "x\u{fffd}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}\u{1f600}"),
            (r#""\ud83d\n""#, "\u{fffd}\n"),
            (r#""\ud83d""#, "\u{fffd}"),
            (
                r#""\ud83d\ude00 \u00e9 \\ud83d \"\\""#,
                "\u{1f600} \u{e9} \\ud83d \"\\",
            ),
            (r#""\\\ud83d""#, "\\\u{fffd}"),
        ] {
            let mended = mended(sent);
            assert_eq!(mended.len(), sent.len());
            assert_eq!(serde_json::from_str::<String>(&mended).unwrap(), read);
        }
    }

    #[test]
    fn what_is_cut_off_or_no_json_breaks_nothing() {
        for text in [
            "",
            "\\",
            "\\u",
            "\\ud8",
            r"\ud83d\u",
            r"\u+d8f",
            "<html>\\",
            r"\\\",
        ] {
            assert_eq!(mended(text).len(), text.len());
        }
    }

    proptest! {
        #[test]
        fn a_text_that_can_be_read_stays(text: String) {
            let sent = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(mended(&sent), sent);
        }

        #[test]
        fn what_units_of_utf_16_say_is_read_as_the_standard_library_reads_it(units: Vec<u16>) {
            let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let read: String = serde_json::from_str(&mended(&format!("\"{escaped}\""))).unwrap();
            prop_assert_eq!(read, String::from_utf16_lossy(&units));
        }
    }
}
