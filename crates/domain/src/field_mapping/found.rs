//! What one rule has found so far.

use serde_json::Value;

use super::records::Record;
use super::value::{Confidence, Content, FieldState, Source, Sourced, Warning};
use crate::text::meaningful;

/// The values of one field, and what was odd on the way.
#[derive(Debug, Clone, Default)]
pub(super) struct Finding {
    pub(super) values: Vec<Sourced>,
    pub(super) warnings: Vec<Warning>,
    /// Set where there is more to say than that there are values or none.
    pub(super) state: Option<FieldState>,
}

impl Finding {
    pub(super) fn add(
        &mut self,
        record: &Record,
        path: String,
        raw: &Value,
        content: Content,
        confidence: Confidence,
    ) {
        self.values.push(Sourced {
            content,
            raw: match raw {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
            source: Source {
                stream: record.stream,
                id: record.id.clone(),
                path,
            },
            confidence,
            as_of: record.as_of,
        });
    }

    /// Notes something odd, once.
    pub(super) fn warn(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// A text that says something; one that only says that nothing is known is told as a warning (X22).
    pub(super) fn meaningful(&mut self, text: Option<&str>) -> Option<String> {
        let text = text.filter(|text| !text.trim().is_empty())?;
        let meant = meaningful(text);
        if meant.is_none() {
            self.warn(Warning::Placeholder);
        }
        meant
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.values
            .iter()
            .filter_map(|value| value.content.as_text())
    }
}
