//! People who work in Lever.

use serde_json::{Value, json};

/// What a user may be. An account can have roles of its own; this one has none.
pub(crate) const ROLES: [&str; 5] = [
    "super admin",
    "admin",
    "team member",
    "limited team member",
    "interviewer",
];

/// Somebody who works in Lever. Fixture `users.list.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) role: &'static str,
    pub(crate) created_at: i64,
    pub(crate) deactivated_at: Option<i64>,
    pub(crate) external_directory_id: Option<String>,
    pub(crate) job_title: Option<String>,
    pub(crate) manager: Option<String>,
}

impl User {
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "username": self.username,
            "email": self.email,
            "accessRole": self.role,
            "photo": null,
            "createdAt": self.created_at,
            "deactivatedAt": self.deactivated_at,
            "externalDirectoryId": self.external_directory_id,
            "linkedContactIds": null,
            "jobTitle": self.job_title,
            "managerId": self.manager,
        })
    }
}
