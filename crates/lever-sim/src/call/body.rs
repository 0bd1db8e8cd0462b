//! The body of a write, read field by field.

use serde_json::{Map, Value};

use crate::answer::Refusal;

/// The body of a write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// An object inside a body, all of whose keys must be among `known`.
    pub(crate) fn of(value: &'a Value, known: &[&str]) -> Result<Fields<'a>, Refusal> {
        let object = value.as_object();
        let object = object.ok_or_else(|| Refusal::bad_request("A JSON object is required"))?;
        match object.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(Refusal::bad_request(format!("Unknown field: {key}"))),
            None => Ok(Fields(object)),
        }
    }

    /// A list that must be there.
    pub(crate) fn list(self, name: &str) -> Result<&'a [Value], Refusal> {
        let items = self.typed(name, Value::as_array)?;
        items.map(Vec::as_slice).ok_or_else(|| missing(name))
    }

    /// A text that must be there and not be empty.
    pub(crate) fn needed(self, name: &str) -> Result<&'a str, Refusal> {
        match self.text(name)? {
            None => Err(missing(name)),
            Some("") => Err(bad_field(name)),
            Some(text) => Ok(text),
        }
    }

    /// A whole number that must be there.
    pub(crate) fn number(self, name: &str) -> Result<i64, Refusal> {
        self.typed(name, Value::as_i64)?
            .ok_or_else(|| missing(name))
    }

    /// An optional text of its own.
    pub(crate) fn owned(self, name: &str) -> Result<Option<String>, Refusal> {
        Ok(self.text(name)?.map(str::to_owned))
    }

    /// One of the texts that are possible, if any is given.
    pub(crate) fn choice(
        self,
        name: &str,
        known: &[&'static str],
    ) -> Result<Option<&'static str>, Refusal> {
        self.typed(name, |value| {
            known.iter().copied().find(|known| value == known)
        })
    }

    pub(crate) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    pub(crate) fn text(self, name: &str) -> Result<Option<&'a str>, Refusal> {
        self.typed(name, Value::as_str)
    }

    pub(crate) fn flag(self, name: &str) -> Result<Option<bool>, Refusal> {
        self.typed(name, Value::as_bool)
    }

    /// A list of texts.
    pub(crate) fn texts(self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        self.typed(name, |value| {
            let items = value.as_array()?.iter();
            items.map(|item| item.as_str().map(str::to_owned)).collect()
        })
    }

    /// A stamp that is not in the future.
    pub(crate) fn past(self, name: &str, now: i64) -> Result<Option<i64>, Refusal> {
        self.typed(name, |value| value.as_i64().filter(|at| *at <= now))
    }

    /// An optional value; null counts as missing.
    pub(crate) fn typed<T>(
        self,
        name: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| bad_field(name)),
        }
    }
}

/// The refusal of a value that does not fit its field.
pub(crate) fn bad_field(name: &str) -> Refusal {
    Refusal::bad_request(format!("Invalid value for field: {name}"))
}

/// The refusal of a body without a field it needs.
pub(crate) fn missing(name: &str) -> Refusal {
    Refusal::bad_request(format!("Missing required parameter: {name}"))
}
