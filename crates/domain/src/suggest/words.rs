//! Names of stages as words, and phrases found in them.

use unicode_normalization::UnicodeNormalization;

/// The words of a name: NFKC, lower case, without a leading number such as `1. `, punctuation taken as space.
pub(super) struct Words(Vec<String>);

/// A piece of a phrase.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece {
    /// This word, or its plural in `s`.
    Word(&'static str),
    /// `2nd`, `third` and the like.
    Ordinal,
    /// Any words, or none.
    Gap,
}

impl Words {
    pub(super) fn of(name: &str) -> Words {
        let folded = name.nfkc().flat_map(char::to_lowercase).collect::<String>();
        let plain: String = unnumbered(&folded)
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { ' ' })
            .collect();
        Words(plain.split_whitespace().map(str::to_owned).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the pieces occur one after the other.
    pub(super) fn contain(&self, phrase: &[Piece]) -> bool {
        (0..self.0.len()).any(|start| begins(&self.0[start..], phrase))
    }

    /// Whether a word begins with the prefix.
    pub(super) fn contain_prefix(&self, prefix: &str) -> bool {
        self.0.iter().any(|word| word.starts_with(prefix))
    }
}

/// The name without a leading `1. ` or `2) `.
fn unnumbered(name: &str) -> &str {
    let name = name.trim_start();
    let rest = name.trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.strip_prefix(['.', ')']) {
        Some(unnumbered) if rest.len() < name.len() => unnumbered,
        _ => name,
    }
}

fn begins(words: &[String], phrase: &[Piece]) -> bool {
    let Some((piece, rest)) = phrase.split_first() else {
        return true;
    };
    let next = |matches: fn(&str, &str) -> bool, with: &str| {
        words
            .split_first()
            .is_some_and(|(word, words)| matches(word, with) && begins(words, rest))
    };
    match piece {
        Piece::Word(wanted) => next(is_word, wanted),
        Piece::Ordinal => next(|word, _| is_ordinal(word), ""),
        Piece::Gap => (0..=words.len()).any(|skipped| begins(&words[skipped..], rest)),
    }
}

fn is_word(word: &str, wanted: &str) -> bool {
    word.strip_prefix(wanted)
        .is_some_and(|rest| rest.is_empty() || rest == "s")
}

fn is_ordinal(word: &str) -> bool {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let numbered = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && ["st", "nd", "rd", "th"].contains(&&word[digits.len()..]);
    numbered || ["first", "second", "third", "fourth", "fifth"].contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Piece::{Gap, Ordinal, Word};

    #[test]
    fn names_are_folded_to_plain_words() {
        let cases = [
            ("1. New Applicants", vec!["new", "applicants"]),
            (" 12) Take-home", vec!["take", "home"]),
            ("2nd round", vec!["2nd", "round"]),
            ("3 - Chat", vec!["3", "chat"]),
            ("ＨＲ／ｃａｌｌ", vec!["hr", "call"]),
            (".5", vec!["5"]),
            ("", vec![]),
        ];
        for (name, expected) in cases {
            assert_eq!(Words::of(name).0, expected, "{name}");
        }
    }

    #[test]
    fn phrases_are_found_in_order() {
        let words = Words::of("Technical Phone Screens, 2nd try");
        assert!(words.contain(&[Word("phone"), Word("screen")]));
        assert!(words.contain(&[Word("technical"), Gap, Word("screen")]));
        assert!(words.contain(&[Ordinal, Word("try")]));
        assert!(!words.contain(&[Word("technical"), Word("screen")]));
        assert!(!words.contain(&[Word("screen"), Gap, Word("technical")]));
        assert!(!words.contain(&[Word("try"), Word("again")]));
        assert!(words.contain_prefix("tech"));
    }

    #[test]
    fn only_numbers_with_their_ending_are_ordinals() {
        for yes in ["1st", "22nd", "third"] {
            assert!(is_ordinal(yes), "{yes}");
        }
        for no in ["th", "2", "2x", "x2nd", "日th"] {
            assert!(!is_ordinal(no), "{no}");
        }
    }
}
