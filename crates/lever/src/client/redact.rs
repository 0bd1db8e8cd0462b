//! Masking what may be personal or secret in Lever's error messages.

/// Longest message kept, in characters.
const LONGEST: usize = 200;
/// A number of this many digits may be a telephone number.
const LONG_NUMBER: usize = 7;
/// A run of this many letters and digits, with some of both, may be a key or a token.
const LONG_SECRET: usize = 20;
const MASK: &str = "[...]";

/// `message` with credentials, addresses, quotations and long numbers masked, at most 200 characters, on one line.
pub(crate) fn masked(message: &str) -> String {
    let flat: String = message
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(4 * LONGEST)
        .collect();
    let unquoted = without_quotations(&flat);
    let unsealed = without_credentials(&unquoted);
    let words: Vec<String> = unsealed.split(' ').map(without_address).collect();
    let calm = without_long_numbers(&words);
    calm.chars().take(LONGEST).collect()
}

/// Masks what stands between quotation marks; an apostrophe inside a word opens nothing.
fn without_quotations(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut closing: Option<char> = None;
    let mut before = ' ';
    for c in text.chars() {
        match closing {
            Some(end) if c == end => {
                closing = None;
                masked.push_str(MASK);
                masked.push(c);
            }
            Some(_) => {}
            None => {
                masked.push(c);
                closing = closing_mark(c).filter(|_| !before.is_alphanumeric());
            }
        }
        before = c;
    }
    if closing.is_some() {
        masked.push_str(MASK);
    }
    masked
}

fn closing_mark(opening: char) -> Option<char> {
    match opening {
        '"' | '\'' | '`' => Some(opening),
        '\u{201c}' | '\u{201e}' => Some('\u{201d}'),
        '\u{2018}' => Some('\u{2019}'),
        '\u{ab}' => Some('\u{bb}'),
        _ => None,
    }
}

/// Masks what stands after the name of a scheme, as in an `Authorization` header that somebody repeats, and what looks
/// like a key or a token.
fn without_credentials(text: &str) -> String {
    let mut after_scheme = false;
    let words = text.split(' ').map(|word| {
        if word.is_empty() {
            return String::new();
        }
        match std::mem::replace(&mut after_scheme, is_scheme(word)) {
            true => MASK.to_owned(),
            false => without_secrets(word),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn is_scheme(word: &str) -> bool {
    let name = word.rsplit(|c: char| !c.is_ascii_alphanumeric()).next();
    let schemes = ["basic", "bearer"];
    name.is_some_and(|name| {
        schemes
            .iter()
            .any(|scheme| scheme.eq_ignore_ascii_case(name))
    })
}

/// Masks the parts of a word that are long and have letters and digits; ids of Lever stay.
fn without_secrets(word: &str) -> String {
    let inside = |c: char| c.is_ascii_alphanumeric() || "+_-".contains(c);
    let mut masked = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let end = rest
            .find(|c| inside(c) != inside(first))
            .unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        masked.push_str(if is_secret(part) { MASK } else { part });
        rest = after;
    }
    masked
}

fn is_secret(part: &str) -> bool {
    let any = |class: fn(&u8) -> bool| part.as_bytes().iter().any(class);
    let mixed = any(u8::is_ascii_digit) && any(u8::is_ascii_alphabetic);
    part.len() >= LONG_SECRET && mixed && !is_uuid(part)
}

fn without_address(word: &str) -> String {
    if word.contains('@') {
        MASK.to_owned()
    } else {
        word.to_owned()
    }
}

/// Masks runs of digits and the separators people put between them; ids of Lever stay.
fn without_long_numbers(words: &[String]) -> String {
    let mut masked = String::new();
    let mut run = String::new();
    for word in words {
        if is_uuid(word.trim_matches(|c: char| !c.is_ascii_alphanumeric())) {
            flush(&mut run, &mut masked);
            masked.push_str(word);
            masked.push(' ');
            continue;
        }
        for c in word.chars().chain([' ']) {
            let inside = !run.is_empty() && matches!(c, ' ' | '-' | '.' | '(' | ')' | '/');
            if c.is_ascii_digit() || inside {
                run.push(c);
            } else {
                flush(&mut run, &mut masked);
                masked.push(c);
            }
        }
    }
    flush(&mut run, &mut masked);
    masked.trim_end().to_owned()
}

fn is_uuid(word: &str) -> bool {
    word.len() == 36
        && word.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn flush(run: &mut String, masked: &mut String) {
    let digits = run.chars().filter(char::is_ascii_digit).count();
    if digits < LONG_NUMBER {
        masked.push_str(run);
    } else {
        masked.push_str(MASK);
        masked.push_str(&run[run.trim_end_matches(|c: char| !c.is_ascii_digit()).len()..]);
    }
    run.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_data_is_masked_and_the_rest_stays() {
        let cases = [
            (
                "Missing required parameter: perform_as",
                "Missing required parameter: perform_as",
            ),
            (
                "stages a80bbbe0-d4dd-4eac-bdbf-302345414f93 was not found",
                "stages a80bbbe0-d4dd-4eac-bdbf-302345414f93 was not found",
            ),
            ("ada@example.com is taken", "[...] is taken"),
            ("<ada@example.com>, is taken", "[...] is taken"),
            (
                "value \"Ada Lovelace\" is wrong",
                "value \"[...]\" is wrong",
            ),
            (
                "value 'Ada O'Brien' is wrong",
                "value '[...]'Brien' is wrong",
            ),
            ("That field doesn't exist", "That field doesn't exist"),
            ("cut \"Ada Lovel", "cut \"[...]"),
            ("call +1 (555) 010-0123 now", "call +[...] now"),
            ("limit 100 of 1000", "limit 100 of 1000"),
            (
                "bad header Authorization: Basic c2VjcmV0OnBhc3M= of /v1/stages",
                "bad header Authorization: Basic [...] of /v1/stages",
            ),
            ("header :bearer  abc", "header :bearer  [...]"),
            (
                "no key Ph4Xk2mQ9vT7rLw3Zs8B, see /v1/users",
                "no key [...], see /v1/users",
            ),
            ("key=aGVsbG8tZnVsY3J1bS1zaW11MDE6;x", "key=[...];x"),
            (
                "a basicConfidentialityOfTheRequisition",
                "a basicConfidentialityOfTheRequisition",
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(masked(message), expected);
        }
    }

    #[test]
    fn a_message_is_one_line_of_at_most_two_hundred_characters() {
        let long = "wörd\n".repeat(500);
        assert_eq!(masked(&long).chars().count(), LONGEST);
        assert!(!masked(&long).contains('\n'));
    }
}
