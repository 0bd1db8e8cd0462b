//! What a person probably meant by an id that does not exist.

/// How many candidates are named.
const NAMED: usize = 3;
/// Longer texts are compared by their beginning, to bound the work.
const COMPARED: usize = 80;

/// The candidates, given as id and text, that are most like what was written; nearest first, at most three.
///
/// The text counts as much as the id: a name written in place of an id is the likeliest mistake. An empty text is none.
pub fn nearest<'a>(
    written: &str,
    candidates: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<String> {
    let written = folded(written);
    let mut ranked: Vec<_> = candidates
        .map(|(id, text)| {
            let by_id = distance(&written, &folded(id));
            let by_text = distance(&written, &folded(text));
            let either = if text.is_empty() {
                by_id
            } else {
                by_id.min(by_text)
            };
            (either, id, text)
        })
        .collect();
    ranked.sort();
    ranked
        .into_iter()
        .take(NAMED)
        .map(|(_, id, text)| match text {
            "" => id.to_owned(),
            text => format!("{id} ({text:?})"),
        })
        .collect()
}

fn folded(text: &str) -> Vec<char> {
    text.chars()
        .take(COMPARED)
        .flat_map(char::to_lowercase)
        .collect()
}

/// How many characters must be added, dropped or replaced (Levenshtein).
fn distance(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn distance_counts_single_edits() {
        let cases = [
            ("", "", 0),
            ("abc", "", 3),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
            ("offer", "offer", 0),
        ];
        for (from, to, expected) in cases {
            assert_eq!(distance(&chars(from), &chars(to)), expected, "{from} {to}");
        }
    }

    #[test]
    fn a_name_in_place_of_an_id_finds_the_id() {
        let stages = [
            ("1f-uuid", "Phone Screen"),
            ("lead-new", "New lead"),
            ("offer", "Offer"),
            ("2a", "On-site"),
        ];
        assert_eq!(
            nearest("phone screen", stages.into_iter())[0],
            "1f-uuid (\"Phone Screen\")"
        );
        assert_eq!(
            nearest("lead-nwe", stages.into_iter())[0],
            "lead-new (\"New lead\")"
        );
        assert_eq!(nearest("x", stages.into_iter()).len(), 3);
        assert!(nearest("x", std::iter::empty()).is_empty());
        let nameless = [("longer than it", ""), ("an id", "")];
        assert_eq!(nearest("an idd", nameless.into_iter())[0], "an id");
        // An empty text is not near to everything short.
        let far = [("aaaaaa", ""), ("zzz", "")];
        assert_eq!(nearest("mm", far.into_iter())[0], "zzz");
    }
}
