//! Notes that are too long for one piece.

use super::NoteText;
use super::write::LONGEST_NOTE;

/// The longest text that is written as notes, in bytes.
pub const LONGEST_TEXT: usize = 10 * LONGEST_NOTE;

/// Into how many notes one text is written at most.
pub const MOST_PARTS: usize = LONGEST_TEXT.div_ceil(PIECE);

/// The longest number behind a part, and the longest character that may just not fit before it.
const ROOM: usize = " (11/11)".len() + 4;

/// How much of the text each part takes at least, so that it is no longer than a note with its number.
const PIECE: usize = LONGEST_NOTE - ROOM;

impl NoteText {
    /// The notes that a text is written as: itself, or several that end with `(1/2)` and so on.
    ///
    /// They are cut at white space where that leaves no more of them, and never within a character; none is longer than a
    /// note may be that is changed later. What is told once
    /// is in the first alone: the score, and that the followers are told.
    pub fn parts(&self) -> Vec<NoteText> {
        if self.value.len() <= LONGEST_NOTE {
            return vec![self.clone()];
        }
        let count = self.value.len().div_ceil(PIECE);
        let mut rest = self.value.as_str();
        let numbers = 1..=count;
        let part = |number: usize| {
            let (text, after) = rest.split_at(cut(rest, count - number));
            rest = after;
            NoteText {
                value: format!("{} ({number}/{count})", text.trim_end()),
                score: self.score.filter(|_| number == 1),
                notify_followers: self.notify_followers && number == 1,
                ..self.clone()
            }
        };
        numbers.map(part).collect()
    }
}

/// Where the next part ends, if so many come after it.
fn cut(text: &str, parts_after: usize) -> usize {
    if parts_after == 0 {
        return text.len();
    }
    let most = text.floor_char_boundary(PIECE + 3);
    // A shorter part would leave more than the others can take.
    let least = text.len().saturating_sub(parts_after * PIECE);
    let gap = text[..most].rfind(char::is_whitespace);
    gap.filter(|at| *at >= least.max(most / 2)).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<String> {
        let parts = NoteText::plain(text).parts();
        parts.into_iter().map(|part| part.value).collect()
    }

    /// What was written, without the white space, which a cut may take away.
    fn letters(text: &str) -> String {
        text.split_whitespace().collect()
    }

    fn together(parts: &[String]) -> String {
        let bare = |part: &String| part[..part.rfind(" (").unwrap()].to_owned();
        parts.iter().map(bare).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_text_that_fits_is_one_note_as_it_is() {
        let text = "x".repeat(LONGEST_NOTE);
        assert_eq!(parts(&text), [text]);
    }

    #[test]
    fn a_longer_one_is_cut_at_white_space_and_numbered() {
        let text = "word ".repeat(13_000);
        let parts = parts(&text);
        assert_eq!(parts.len(), 2);
        assert!(parts[0].ends_with("word (1/2)") && parts[1].ends_with("word (2/2)"));
        assert_eq!(letters(&together(&parts)), letters(&text));
        assert!(parts.iter().all(|part| part.len() <= LONGEST_NOTE));
    }

    #[test]
    fn a_text_without_white_space_is_never_cut_within_a_character() {
        for letter in ["x", "é", "あ", "🦀"] {
            let text = format!("y{}", letter.repeat((LONGEST_TEXT - 1) / letter.len()));
            let parts = parts(&text);
            assert_eq!(parts.len(), MOST_PARTS, "{letter}");
            let longest = parts.iter().map(String::len).max().unwrap();
            assert!(longest <= LONGEST_NOTE, "{letter}: {longest}");
            assert_eq!(letters(&together(&parts)), text, "{letter}");
        }
    }

    #[test]
    fn what_is_told_once_is_in_the_first_part() {
        let note = NoteText {
            secret: true,
            score: Some(4),
            notify_followers: true,
            ..NoteText::plain("x".repeat(LONGEST_NOTE + 1))
        };
        let [first, second] = &note.parts()[..] else {
            panic!("two parts")
        };
        assert!(first.secret && second.secret);
        assert_eq!((first.score, second.score), (Some(4), None));
        assert!(first.notify_followers && !second.notify_followers);
    }
}
