//! Texts that people and programs fill in.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What programs write where they know nothing (product.md X22).
const PLACEHOLDERS: [&str; 11] = [
    "-",
    "--",
    "?",
    "n.a.",
    "n/a",
    "none",
    "null",
    "undefined",
    "unknown",
    "–",
    "—",
];

/// Whether a character has no place in a name: control characters, and those that turn the direction of the text around
/// them (Unicode, Bidi_Control), so that a name reads as something else than it is.
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What to say of a name that holds such characters.
pub const UNSEEN_MESSAGE: &str = "leave out line breaks and other control characters";

/// A text with its white space collapsed; none for a blank one, or one that only says that nothing is known.
pub fn meaningful(text: &str) -> Option<String> {
    let collapsed = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let known = PLACEHOLDERS.contains(&collapsed.to_lowercase().as_str());
    (!collapsed.is_empty() && !known).then_some(collapsed)
}

/// The words of a text, in lower case and without accents, so that `José` and `JOSE` are the same.
pub(crate) fn folded_words(text: &str) -> Vec<String> {
    let folded: String = text
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect();
    let words = folded.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’');
    let whole = words.map(|word| word.replace(['\'', '’'], ""));
    whole.filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x22_placeholders_are_no_values() {
        for text in [
            "None", " N/A ", "UNKNOWN", "-", "–", "?", "n.a.", "", " \t ", "null",
        ] {
            assert_eq!(meaningful(text), None, "{text}");
        }
        for (text, kept) in [(" Nonesuch ", "Nonesuch"), ("Head of\n-", "Head of -")] {
            assert_eq!(meaningful(text).as_deref(), Some(kept));
        }
    }

    #[test]
    fn what_is_not_seen_in_a_name_is_known() {
        for unseen in ['\n', '\0', '\u{202e}', '\u{2066}', '\u{200f}', '\u{61c}'] {
            assert!(is_unseen(unseen), "{unseen:?}");
        }
        for seen in ['a', ' ', 'é', '王', '\u{200d}'] {
            assert!(!is_unseen(seen), "{seen:?}");
        }
    }

    #[test]
    fn words_are_folded() {
        assert_eq!(
            folded_words("Ｊosé-Maria  O’Neill, ÅSA"),
            ["jose", "maria", "oneill", "asa"]
        );
        assert_eq!(folded_words("王 伟"), ["王", "伟"]);
        assert!(folded_words(" -.,").is_empty());
    }
}
