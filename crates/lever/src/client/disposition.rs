//! The name of a file in the header `Content-Disposition` (RFC 6266, RFC 5987).

use http::HeaderMap;
use http::header::CONTENT_DISPOSITION;

/// Longest name kept, in characters; most file systems take 255 bytes.
const LONGEST: usize = 120;

/// The name the sender gives the file, fit to be the name of one file in a folder.
///
/// `filename*` goes before `filename`. Folders, control characters and marks that turn the direction of writing are
/// taken out; nothing is left of a name that is made of those.
pub(super) fn file_name(headers: &HeaderMap) -> Option<String> {
    let value = String::from_utf8_lossy(headers.get(CONTENT_DISPOSITION)?.as_bytes()).into_owned();
    let parameters = parameters(&value);
    let find = |wanted: &str| {
        parameters
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.as_str())
    };
    let extended = find("filename*").and_then(decoded);
    sanitized(&extended.or_else(|| find("filename").map(str::to_owned))?)
}

/// The parameters behind the first semicolon, quoted values unescaped.
fn parameters(value: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, value)) = rest.split_once('=') {
        let name = name.trim_matches([' ', '\t', ';']).to_owned();
        let (value, after) = match value.trim_start().strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => token(value),
        };
        found.push((name, value));
        rest = after;
    }
    found
}

fn token(text: &str) -> (String, &str) {
    let (token, after) = text.split_once(';').unwrap_or((text, ""));
    (token.trim().to_owned(), after)
}

/// What stands before the closing quotation mark, and what comes after it.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(c),
        }
    }
    (value, "")
}

/// Reads `UTF-8'en'na%C3%AFve.pdf`; Latin-1 too, as RFC 5987 asks.
fn decoded(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let charset = parts.next()?;
    let bytes = unescaped(parts.nth(1)?)?;
    if charset.eq_ignore_ascii_case("utf-8") {
        String::from_utf8(bytes).ok()
    } else if charset.eq_ignore_ascii_case("iso-8859-1") {
        Some(bytes.into_iter().map(char::from).collect())
    } else {
        None
    }
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'%' {
            bytes.push(first);
            rest = after;
            continue;
        }
        let digits = std::str::from_utf8(after.get(..2)?).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &after[2..];
    }
    Some(bytes)
}

fn sanitized(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let calm: String = last.chars().filter(|c| !is_unfit(*c)).collect();
    let kept = shortened(calm.trim_matches([' ', '.']));
    let dotted = calm.trim_start().starts_with('.') && !kept.is_empty();
    let name = if dotted { format!("_{kept}") } else { kept };
    (!name.is_empty()).then_some(name)
}

/// Control characters, marks of direction and what no file name may carry on some systems.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        || matches!(c, ':' | '*' | '?' | '"' | '<' | '>' | '|')
}

/// The name cut in its middle, its ending kept.
fn shortened(name: &str) -> String {
    let length = name.chars().count();
    if length <= LONGEST {
        return name.to_owned();
    }
    let ending: String = match name.rsplit_once('.') {
        Some((_, ending)) if ending.chars().count() <= 10 => format!(".{ending}"),
        _ => String::new(),
    };
    let stem = LONGEST - ending.chars().count();
    name.chars().take(stem).collect::<String>() + &ending
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn name(header: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(header.as_bytes()).unwrap();
        headers.insert(CONTENT_DISPOSITION, value);
        file_name(&headers)
    }

    #[test]
    fn a_name_reads_in_every_form() {
        let forms = [
            (r#"attachment; filename="resume.pdf""#, "resume.pdf"),
            ("attachment; filename=resume.pdf; size=3", "resume.pdf"),
            (r#"attachment;FileName = "a;b=c.pdf"; x=y"#, "a;b=c.pdf"),
            (r#"attachment; filename="a \"b\".pdf""#, "a b.pdf"),
            (
                "attachment; filename*=UTF-8''na%C3%AFve%20r%C3%A9sum%C3%A9.pdf",
                "na\u{ef}ve r\u{e9}sum\u{e9}.pdf",
            ),
            (
                "attachment; filename=\"x.pdf\"; filename*=utf-8'en'y.pdf",
                "y.pdf",
            ),
            (
                "attachment; filename*=ISO-8859-1''caf%E9.pdf",
                "caf\u{e9}.pdf",
            ),
            (
                "attachment; filename=\"r\u{e9}sum\u{e9}.pdf\"",
                "r\u{e9}sum\u{e9}.pdf",
            ),
            (
                "attachment; filename=\"x.pdf\"; filename*=utf-8''%ZZ",
                "x.pdf",
            ),
            (
                "attachment; filename*=utf-16''y.pdf; filename=x.pdf",
                "x.pdf",
            ),
        ];
        for (header, expected) in forms {
            assert_eq!(name(header).as_deref(), Some(expected), "{header}");
        }
    }

    #[test]
    fn a_name_leads_nowhere_and_hides_nothing() {
        let forms = [
            ("attachment; filename=\"../../etc/passwd\"", Some("passwd")),
            (
                r#"attachment; filename="C:\\tmp\\evil.exe""#,
                Some("evil.exe"),
            ),
            (
                "attachment; filename*=UTF-8''..%2F..%2Fa%00b.pdf",
                Some("ab.pdf"),
            ),
            (
                "attachment; filename*=UTF-8''cod%E2%80%AEfdp.exe",
                Some("codfdp.exe"),
            ),
            ("attachment; filename=\".htaccess\"", Some("_htaccess")),
            ("attachment; filename=\"..\"", None),
            ("attachment; filename=\"dir/\"", None),
            ("attachment; filename=\"\"", None),
            ("attachment", None),
            ("", None),
        ];
        for (header, expected) in forms {
            assert_eq!(name(header).as_deref(), expected, "{header}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let long = name(&format!("attachment; filename={}.pdf", "x".repeat(500))).unwrap();
        assert_eq!(long.chars().count(), LONGEST);
        assert!(long.ends_with("x.pdf"));
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_it_panic(text in r#"[a-z"'%\\;=*/. \u{80}-\u{2fff}]{0,60}"#) {
            if let Some(name) = name(&format!("attachment; {text}")) {
                assert!(!name.contains(['/', '\\']) && !name.is_empty());
            }
        }
    }
}
