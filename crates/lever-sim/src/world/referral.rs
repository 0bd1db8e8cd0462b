//! Referrals: the form an employee fills in for somebody they know.

use serde_json::{Value, json};

const TEMPLATE: &str = "4c0975a4-a759-442a-b4d5-95bc47534888";
/// The answers to how well the referrer knows the person.
pub(crate) const RELATIONSHIPS: [&str; 5] = [
    "Former colleague",
    "Friend",
    "Reputation",
    "Other",
    "Don't know this person",
];

/// A referral. Fixture `referral.get.json`; its application repeats it among its questions (recorded).
#[derive(Debug, Clone)]
pub(crate) struct Referral {
    pub(crate) id: String,
    pub(crate) referrer: String,
    pub(crate) referrer_name: Option<String>,
    /// One of [`RELATIONSHIPS`].
    pub(crate) relationship: Option<&'static str>,
    pub(crate) comments: Option<&'static str>,
    pub(crate) stage: String,
    pub(crate) created_at: i64,
}

impl Referral {
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "type": "referral",
            "text": "Referral",
            "instructions": "",
            "fields": self.fields(),
            "baseTemplateId": TEMPLATE,
            "user": self.referrer,
            "referrer": self.referrer,
            "stage": self.stage,
            "createdAt": self.created_at,
            "completedAt": self.created_at,
        })
    }

    fn fields(&self) -> Value {
        let options: Vec<Value> = RELATIONSHIPS
            .iter()
            .map(|it| json!({ "text": it }))
            .collect();
        json!([
            {
                "type": "text", "text": "Name of referrer", "description": "", "required": true,
                "id": "16404637-16e2-4a15-9cee-a74eeae34075", "value": self.referrer_name,
            },
            {
                "type": "dropdown", "text": "Relationship", "description": "", "required": true,
                "id": "1c0b8351-085c-49af-9104-7e50317c4f4c", "prompt": "Select one",
                "options": options, "value": self.relationship,
            },
            {
                "type": "textarea", "text": "Notes / Comments", "description": "", "required": false,
                "id": "848be676-fe42-46f1-9515-f16df7d85830", "value": self.comments,
            },
        ])
    }

    /// Takes away what people wrote.
    pub(crate) fn anonymize(&mut self) {
        self.referrer_name = None;
        self.relationship = None;
        self.comments = None;
    }
}
