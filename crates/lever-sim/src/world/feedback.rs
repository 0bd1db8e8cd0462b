//! Feedback forms: what interviewers and reviewers wrote.

use serde_json::{Value, json};

/// A filled-in feedback form. Fixture `feedback.get.json`.
#[derive(Debug, Clone)]
pub(crate) struct Feedback {
    pub(crate) id: String,
    /// `interview`, `assignment` or `share`.
    pub(crate) kind: &'static str,
    pub(crate) template: String,
    pub(crate) text: String,
    pub(crate) instructions: String,
    /// The fields of the template, each with its `value`.
    pub(crate) fields: Vec<Value>,
    pub(crate) interview: Option<String>,
    pub(crate) panel: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) created_at: i64,
    pub(crate) completed_at: Option<i64>,
    pub(crate) updated_at: Option<i64>,
    pub(crate) deleted_at: Option<i64>,
}

impl Feedback {
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "type": self.kind,
            "text": self.text,
            "instructions": self.instructions,
            "fields": self.fields,
            "baseTemplateId": self.template,
            "interview": self.interview,
            "panel": self.panel,
            "user": self.user,
            "createdAt": self.created_at,
            "completedAt": self.completed_at,
            "updatedAt": self.updated_at,
            "deletedAt": self.deleted_at,
        })
    }

    /// The storage-level shape that an update answers with. Fixture `feedback.update.response.json`.
    pub(crate) fn stored_json(&self, account: &str, opportunity: &str) -> Value {
        let mut json = json!({
            "accountId": account,
            "createdAt": self.created_at,
            "userId": self.user,
            "profileId": opportunity,
            "baseTemplateId": self.template,
            "text": self.text,
            "instructions": self.instructions,
            "type": self.kind,
            "fields": self.fields.iter().map(stored_field).collect::<Vec<_>>(),
            "completedAt": self.completed_at,
            "updatedAt": self.updated_at,
            "id": self.id,
        });
        if let (Some(panel), Some(interview)) = (&self.panel, &self.interview) {
            json["panelId"] = json!(panel);
            json["interviewId"] = json!(interview);
        }
        json
    }
}

/// In storage the overall rating is a `score`, and says that it is the overall one (recorded).
fn stored_field(field: &Value) -> Value {
    let mut stored = field.clone();
    if field["type"] == "score-system" {
        stored["type"] = json!("score");
        stored["isSummary"] = json!(true);
        stored["summaryText"] = json!("");
        stored["overall"] = json!(true);
    }
    stored
}
