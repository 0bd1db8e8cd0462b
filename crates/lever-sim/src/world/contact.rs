//! People: what every candidacy of theirs shows.

use serde_json::{Value, json};

/// A person. Fixture `contact.get.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contact {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) headline: String,
    pub(crate) location: String,
    pub(crate) phones: Vec<Phone>,
    pub(crate) emails: Vec<String>,
    pub(crate) links: Vec<String>,
    pub(crate) anonymized: bool,
    /// Whether the person has refused to be contacted.
    pub(crate) refuses_contact: bool,
}

/// A telephone number and what it is for, such as `mobile`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phone {
    pub(crate) kind: Option<String>,
    pub(crate) value: String,
}

impl Phone {
    pub(crate) fn json(&self) -> Value {
        json!({ "type": self.kind, "value": self.value })
    }
}

impl Contact {
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "headline": self.headline,
            "isAnonymized": self.anonymized,
            "location": { "name": self.location },
            "emails": self.emails,
            "phones": self.phones_json(),
            "dataProtection": self.data_protection(),
        })
    }

    /// As an update answers it: without the marks of anonymization and data protection (recorded).
    pub(crate) fn written_json(&self) -> Value {
        let mut json = self.json();
        if let Some(object) = json.as_object_mut() {
            object.shift_remove("isAnonymized");
            object.shift_remove("dataProtection");
        }
        json
    }

    pub(super) fn phones_json(&self) -> Vec<Value> {
        self.phones.iter().map(Phone::json).collect()
    }

    fn data_protection(&self) -> Value {
        let mut consent =
            json!({ "interviewIntelligence": { "allowed": true, "expiresAt": null } });
        if self.refuses_contact {
            consent["contact"] = json!({ "allowed": false, "expiresAt": null });
        }
        consent
    }
}

/// The form in which e-mail addresses are compared.
pub(crate) fn canonical(email: &str) -> String {
    email.trim().to_lowercase()
}
