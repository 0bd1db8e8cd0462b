//! Records that are shown so that nobody can read them, as a defect of Lever's would.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// The ids of the records.
#[derive(Debug, Default)]
pub(crate) struct Garbled(BTreeSet<String>);

impl Garbled {
    pub(crate) fn new(ids: impl IntoIterator<Item = String>) -> Garbled {
        Garbled(ids.into_iter().collect())
    }

    /// Spoils the records among these in an answer, at whatever depth they stand.
    pub(crate) fn spoil(&self, value: &mut Value) {
        if self.0.is_empty() {
            return;
        }
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| self.spoil(value)),
            Value::Object(fields) => {
                let id = fields.get("id").and_then(Value::as_str);
                if id.is_some_and(|id| self.0.contains(id)) {
                    fields.insert("createdAt".to_owned(), json!({ "garbled": true }));
                    fields.insert("secret".to_owned(), json!(["garbled"]));
                }
                fields.values_mut().for_each(|value| self.spoil(value));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_records_with_these_ids_are_spoiled_wherever_they_stand() {
        let garbled = Garbled::new(["a".to_owned(), "c".to_owned()]);
        let mut page = json!({"data": [{"id": "a", "createdAt": 1}, {"id": "b", "createdAt": 2, "inner": {"id": "c"}}]});
        garbled.spoil(&mut page);
        let (odd, list) = (json!({"garbled": true}), json!(["garbled"]));
        assert_eq!(
            page,
            json!({"data": [
                {"id": "a", "createdAt": odd, "secret": list},
                {"id": "b", "createdAt": 2, "inner": {"id": "c", "createdAt": odd, "secret": list}},
            ]})
        );
    }
}
