//! Profile forms: templates of the account filled in for one opportunity.

use serde_json::{Value, json};

/// A filled-in profile form. Fixture `form.get.json`.
#[derive(Debug, Clone)]
pub(crate) struct ProfileForm {
    pub(crate) id: String,
    pub(crate) template: String,
    pub(crate) text: String,
    pub(crate) instructions: String,
    /// The fields of the template, each with its `value`.
    pub(crate) fields: Vec<Value>,
    pub(crate) user: Option<String>,
    pub(crate) stage: String,
    pub(crate) created_at: i64,
}

impl ProfileForm {
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "type": "form",
            "text": self.text,
            "instructions": self.instructions,
            "baseTemplateId": self.template,
            "fields": self.fields,
            "user": self.user,
            "stage": self.stage,
            "completedAt": self.created_at,
            "createdAt": self.created_at,
            "deletedAt": null,
        })
    }
}
