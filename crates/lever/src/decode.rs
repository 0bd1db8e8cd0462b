//! Turning bytes into values, with errors that never repeat what they read.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// A document that does not read as what was expected.
///
/// The message says the kind of fault, where it is and the path of field names; never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DecodeError {
    message: String,
    truncated: bool,
}

impl DecodeError {
    /// A fault in our own words; `message` must carry nothing of the document.
    pub(crate) fn new(message: impl Into<String>) -> DecodeError {
        DecodeError {
            message: message.into(),
            truncated: false,
        }
    }

    /// A fault found by the JSON reader, at `path` when it is known.
    pub(crate) fn from_json(error: &serde_json::Error, path: Option<&str>) -> DecodeError {
        let fault = match error.classify() {
            Category::Io => "unreadable input",
            Category::Syntax => "not JSON",
            Category::Data => "unexpected value",
            Category::Eof => "unexpected end",
        };
        let place = path.map(|path| format!(" at {path}")).unwrap_or_default();
        let message = format!(
            "{fault}{place}, line {} column {}",
            error.line(),
            error.column()
        );
        DecodeError {
            message,
            truncated: error.is_eof(),
        }
    }

    /// Whether the document ended too early, as it does when an answer is cut off.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }
}

/// Reads `text` as a `T`, naming the path of what does not fit.
pub(crate) fn value<T: DeserializeOwned>(text: &str) -> Result<T, DecodeError> {
    // Keeping track of the path costs as much as reading; only what does not fit is read a second time for it.
    serde_json::from_str(text).or_else(|_fault| with_path(text))
}

fn with_path<T: DeserializeOwned>(text: &str) -> Result<T, DecodeError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = safe_path(error.path());
        DecodeError::from_json(error.inner(), path.as_deref())
    })
}

/// Refuses an array where an object belongs: read in order, its elements would pass for fields.
pub(crate) fn object(text: &str) -> Result<(), DecodeError> {
    if text.trim_start().starts_with('[') {
        return Err(DecodeError::new("an array where an object belongs"));
    }
    Ok(())
}

/// The path without what could be data: keys that are no plain field names are masked.
fn safe_path(path: &serde_path_to_error::Path) -> Option<String> {
    use serde_path_to_error::Segment;

    const DEPTH: usize = 8;
    let mut text = String::new();
    for segment in path.iter().take(DEPTH) {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("[{index}]")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(if is_field_name(key) { key } else { "?" });
            }
            Segment::Unknown => text.push_str(".?"),
        }
    }
    (!text.is_empty()).then_some(text)
}

fn is_field_name(key: &str) -> bool {
    key.len() <= 32 && key.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Opportunity;

    #[test]
    fn an_error_names_the_path_and_never_the_value() {
        let text = r#"{"id": "o1", "stageChanges": [{"updatedAt": "Ada Lovelace"}]}"#;
        let error = value::<Opportunity>(text).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unexpected value at stageChanges[0].updatedAt, line 1 column 58"
        );
        assert!(!error.is_truncated());
    }

    #[test]
    fn a_cut_off_document_is_told_from_a_wrong_one() {
        assert!(
            value::<Opportunity>(r#"{"id": "o1", "na"#)
                .unwrap_err()
                .is_truncated()
        );
        assert!(
            !value::<Opportunity>(r#"{"name": "x"}"#)
                .unwrap_err()
                .is_truncated()
        );
    }
}
