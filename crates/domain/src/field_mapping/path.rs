//! Paths into Lever's records: `contacts.location.name`, `forms["Offer information"].fields["Start date"]`.
//!
//! A path begins with the stream of the record. A key leads into an object, and into each element of a list; a text in
//! brackets leads to the elements that are known by it: by their id, their text, or the identifier of a field of an
//! offer. What was filled in is meant where a path ends at a field of a form.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalog;
use crate::Stream;

/// The longest path, in bytes.
pub const LONGEST_PATH: usize = 400;

/// The most steps of a path.
const MOST_STEPS: usize = 12;

/// Where in Lever's records a value stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourcePath {
    stream: Stream,
    steps: Vec<Step>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Step {
    /// Into an object.
    Key(String),
    /// To the elements known by a text.
    Entry(String),
}

/// The text is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "give a path in Lever's names, such as contacts.location.name or forms.fields[\"Start date\"]; ListSourceFields \
     lists them"
)]
pub struct InvalidPath;

impl InvalidPath {
    /// The sentence, and the paths of any account that are most like what was written.
    pub fn near(self, written: &str) -> String {
        let nearest = catalog::nearest_to_text(written).join(", ");
        format!("{self}; nearest: {nearest}")
    }
}

impl SourcePath {
    /// Reads a path of at most 400 bytes and 12 steps.
    ///
    /// # Errors
    /// [`InvalidPath`] for a text of another shape, and for a stream that there is not.
    pub fn parse(text: &str) -> Result<SourcePath, InvalidPath> {
        let end = text.find(['.', '[']).ok_or(InvalidPath)?;
        let stream = Stream::from_name(&text[..end]).ok_or(InvalidPath)?;
        let steps = steps(&text[end..]).ok_or(InvalidPath)?;
        let fits = text.len() <= LONGEST_PATH && steps.len() <= MOST_STEPS;
        fits.then_some(SourcePath { stream, steps })
            .ok_or(InvalidPath)
    }

    /// The stream of the records it leads into.
    pub fn stream(&self) -> Stream {
        self.stream
    }

    /// The keys alone, joined by points: the place in Lever's description.
    pub fn shape(&self) -> String {
        self.keys().collect::<Vec<_>>().join(".")
    }

    /// The keys alone.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Entry(_) => None,
        })
    }

    /// The texts in brackets, in order.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match step {
            Step::Entry(text) => Some(text.as_str()),
            Step::Key(_) => None,
        })
    }

    /// What stands there in a record, each with its place in the record; lists are told element by element.
    pub fn read<'d>(&self, document: &'d Value) -> Vec<Found<'d>> {
        let root = Found {
            place: String::new(),
            value: document,
        };
        let found = self.steps.iter().fold(vec![root], |found, step| {
            found.into_iter().flat_map(|at| at.step(step)).collect()
        });
        found.into_iter().flat_map(Found::leaves).collect()
    }
}

/// A value and its place in a record, such as `parsedData.positions[0].org`.
#[derive(Clone)]
pub struct Found<'d> {
    /// The place, in Lever's names and with numbers of elements from 0.
    pub place: String,
    /// What stands there.
    pub value: &'d Value,
}

impl<'d> Found<'d> {
    fn step(self, step: &Step) -> Vec<Found<'d>> {
        match step {
            Step::Key(key) => self
                .elements()
                .into_iter()
                .filter_map(|at| at.under(key))
                .collect(),
            Step::Entry(text) => match self.value {
                Value::Object(parts) if parts.contains_key(text) => {
                    self.under(text).into_iter().collect()
                }
                _ => self
                    .elements()
                    .into_iter()
                    .filter(|at| known_by(at.value, text))
                    .collect(),
            },
        }
    }

    /// The elements of a list; anything else is its own only one.
    fn elements(self) -> Vec<Found<'d>> {
        let Value::Array(elements) = self.value else {
            return vec![self];
        };
        let numbered = elements.iter().enumerate();
        let element = |(index, value)| Found {
            place: format!("{}[{index}]", self.place),
            value,
        };
        numbered.map(element).collect()
    }

    fn under(self, key: &str) -> Option<Found<'d>> {
        let value = self.value.as_object()?.get(key)?;
        let place = match self.place.as_str() {
            "" => key.to_owned(),
            place => format!("{place}.{key}"),
        };
        Some(Found { place, value })
    }

    fn leaves(self) -> Vec<Found<'d>> {
        let answer = |at: Found<'d>| match is_answer(at.value) {
            true => at.under("value"),
            false => Some(at),
        };
        let found = self.elements().into_iter().filter_map(answer);
        found.flat_map(Found::elements).collect()
    }
}

/// Whether an object is a field of a form, with what was filled in.
fn is_answer(value: &Value) -> bool {
    let has = |key| value.get(key).is_some();
    has("value") && (has("text") || has("identifier"))
}

fn known_by(value: &Value, text: &str) -> bool {
    let folded = |text: &str| text.trim().to_lowercase();
    let is = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_str)
            .is_some_and(|name| folded(name) == folded(text))
    };
    ["id", "text", "identifier", "baseTemplateId"]
        .into_iter()
        .any(is)
}

fn steps(mut rest: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = match rest.strip_prefix('.') {
            Some(key) => {
                let end = key.find(['.', '[']).unwrap_or(key.len());
                (Step::Key(key[..end].to_owned()), &key[end..])
            }
            None => entry(rest.strip_prefix('[')?)?,
        };
        let (Step::Key(text) | Step::Entry(text)) = &step;
        if text.is_empty() || text.contains(char::is_control) {
            return None;
        }
        steps.push(step);
        rest = after;
    }
    (!steps.is_empty()).then_some(steps)
}

/// Reads `"text"]`, with JSON's escapes.
fn entry(quoted: &str) -> Option<(Step, &str)> {
    let mut texts = serde_json::Deserializer::from_str(quoted).into_iter::<String>();
    let text = texts.next()?.ok()?;
    let after = quoted.get(texts.byte_offset()..)?.strip_prefix(']')?;
    Some((Step::Entry(text), after))
}

impl fmt::Display for SourcePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.stream.name())?;
        for step in &self.steps {
            match step {
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Entry(text) => write!(f, "[{}]", Value::from(text.as_str()))?,
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for SourcePath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).map_err(|invalid| invalid.near(&text))
    }
}

impl From<SourcePath> for String {
    fn from(path: SourcePath) -> String {
        path.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> SourcePath {
        SourcePath::parse(text).unwrap()
    }

    #[test]
    fn paths_are_written_as_they_are_read() {
        for text in [
            "opportunities.headline",
            "contacts.location.name",
            r#"forms["Offer \"x\" information"].fields["Start date"]"#,
            r#"requisitions.customFields["cost center"].city"#,
        ] {
            assert_eq!(path(text).to_string(), text);
        }
        let shape =
            path(r#"applications.customQuestions["Education"].fields["Degree?"].score"#).shape();
        assert_eq!(shape, "customQuestions.fields.score");
    }

    #[test]
    fn other_texts_are_no_paths() {
        for text in [
            "",
            "opportunities",
            "opportunities.",
            "people.name",
            ".name",
            "opportunities..name",
            "opportunities[name]",
            r#"forms[""]"#,
            r#"forms["x""#,
            r#"forms["x"]y"#,
            "forms.a\u{7}b",
            &format!("forms.{}", "x".repeat(LONGEST_PATH)),
            &format!("forms{}", ".x".repeat(13)),
        ] {
            assert_eq!(SourcePath::parse(text), Err(InvalidPath), "{text}");
        }
    }

    #[test]
    fn a_path_leads_into_lists_and_to_answers() {
        let form = json!({
            "id": "f", "text": "Offer information",
            "fields": [
                {"id": "1", "text": "Start date", "value": 7},
                {"id": "2", "text": "Languages", "value": ["Ada", "C"]},
                {"id": "3", "text": "Odd"},
            ],
        });
        let read = |text: &str| -> Vec<(String, Value)> {
            let found = path(text).read(&form);
            found
                .into_iter()
                .map(|at| (at.place, at.value.clone()))
                .collect()
        };
        let start = vec![("fields[0].value".to_owned(), json!(7))];
        assert_eq!(read(r#"forms.fields["start date "]"#), start);
        assert_eq!(read(r#"forms["Offer information"].fields["1"]"#), start);
        assert_eq!(read(r#"forms["f"].fields["1"].value"#), start);
        assert_eq!(read(r#"forms["Another"].fields["1"]"#), []);
        let languages = read(r#"forms.fields["Languages"]"#);
        let second = ("fields[1].value[1]".to_owned(), json!("C"));
        assert_eq!(languages.last(), Some(&second));
        assert_eq!(read("forms.fields.id").len(), 3);
        // What has no answer is told as it is.
        let last = read("forms.fields").pop();
        let odd = ("fields[2]".to_owned(), json!({"id": "3", "text": "Odd"}));
        assert_eq!(last, Some(odd));
        assert_eq!(read("forms.text.deeper"), []);
        let cost = json!({"customFields": {"cost center": {"city": "Rome"}}});
        let found = path(r#"requisitions.customFields["cost center"].city"#);
        assert_eq!(found.read(&cost)[0].value, "Rome");
    }

    proptest! {
        #[test]
        fn no_text_and_no_document_is_too_odd(text in "(opportunities|forms)[\\.\\[\\]\"a-z\\\\é]{0,20}") {
            if let Ok(path) = SourcePath::parse(&text) {
                prop_assert_eq!(&SourcePath::parse(&path.to_string()).unwrap(), &path);
                path.read(&json!([{"a": [[1], {"value": []}]}]));
            }
        }
    }
}
