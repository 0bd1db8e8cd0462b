//! Templates of feedback and of profile forms.

use serde_json::{Value, json};

/// The built-in feedback template that asks for nothing. Lever: "Feedback templates".
pub(crate) const NO_FEEDBACK: &str = "no-feedback";

/// What templates are sorted under on the settings page.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) name: &'static str,
}

impl Group {
    pub(crate) fn json(&self) -> Value {
        json!({ "id": self.id, "name": self.name })
    }
}

/// A template. Fixtures `feedback-templates.list.json`, `form-templates.list.json`.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) instructions: String,
    pub(crate) group: Option<Group>,
    /// As Lever writes them, each with an `id`.
    pub(crate) fields: Vec<Value>,
    /// Built-in templates have no stamps (recorded).
    pub(crate) created_at: Option<i64>,
    pub(crate) updated_at: Option<i64>,
    /// Only such templates can be deleted through the API.
    pub(crate) made_by_api: bool,
    /// Of profile forms only.
    pub(crate) secret_by_default: bool,
}

impl Template {
    pub(crate) fn feedback_json(&self) -> Value {
        json!({
            "id": self.id,
            "text": self.text,
            "group": self.group_json(),
            "instructions": self.instructions,
            "fields": self.fields,
            "createdAt": self.created_at,
            "stage": null,
            "updatedAt": self.updated_at,
        })
    }

    pub(crate) fn form_json(&self) -> Value {
        json!({
            "id": self.id,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "text": self.text,
            "instructions": self.instructions,
            "group": self.group_json(),
            "secretByDefault": self.secret_by_default,
            "fields": self.fields,
        })
    }

    pub(crate) fn group_json(&self) -> Option<Value> {
        self.group.as_ref().map(Group::json)
    }

    /// The fields with a value each, `null` where `value` knows none.
    pub(crate) fn answered(&self, value: impl Fn(&Value) -> Option<Value>) -> Vec<Value> {
        let answer = |field: &Value| {
            let mut answered = field.clone();
            answered["value"] = value(field).unwrap_or(Value::Null);
            answered
        };
        self.fields.iter().map(answer).collect()
    }
}
