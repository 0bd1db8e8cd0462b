//! The settings side of an account: stages, archive reasons, users, postings.

use serde_json::{Value, json};

/// Everything of an account that is not about candidates.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// In pipeline order.
    pub(crate) stages: Vec<Stage>,
    pub(crate) reasons: Vec<Reason>,
    /// Newest first.
    pub(crate) users: Vec<User>,
    /// Newest first.
    pub(crate) postings: Vec<Posting>,
}

impl Account {
    pub(crate) fn stage(&self, id: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id == id)
    }

    /// The position in the pipeline, as `toStageIndex` shows it.
    pub(crate) fn stage_index(&self, id: &str) -> usize {
        self.stages
            .iter()
            .position(|stage| stage.id == id)
            .unwrap_or_default()
    }

    pub(crate) fn reason(&self, id: &str) -> Option<&Reason> {
        self.reasons.iter().find(|reason| reason.id == id)
    }

    pub(crate) fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(crate) fn active_user(&self, id: &str) -> Option<&User> {
        self.user(id).filter(|user| user.deactivated_at.is_none())
    }

    pub(crate) fn posting(&self, id: &str) -> Option<&Posting> {
        self.postings.iter().find(|posting| posting.id == id)
    }
}

/// A step of the pipeline. Fixtures `stages.list.json`, `disposition-stages.get.json`.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) pipeline: &'static str,
    /// Twice the rank, because ranks have halves.
    pub(crate) half_ranks: i64,
}

impl Stage {
    pub(crate) fn json(&self) -> Value {
        json!({ "id": self.id, "text": self.text })
    }

    pub(crate) fn disposition_json(&self) -> Value {
        json!({
            "id": self.id,
            "text": self.text,
            "pipeline": self.pipeline,
            "rank": rank(self.half_ranks),
            "hasInterview": matches!(self.pipeline, "screen" | "onsite"),
        })
    }
}

/// A rank as Lever writes it: 101, but 105.5.
pub(crate) fn rank(half_ranks: i64) -> Value {
    if half_ranks % 2 == 0 {
        json!(half_ranks / 2)
    } else {
        json!(half_ranks as f64 / 2.0)
    }
}

/// Why an opportunity ended. Fixture `archive-reasons.list.json`.
#[derive(Debug, Clone)]
pub(crate) struct Reason {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) active: bool,
    pub(crate) hired: bool,
}

impl Reason {
    pub(crate) fn kind(&self) -> &'static str {
        if self.hired { "hired" } else { "non-hired" }
    }

    fn status(&self) -> &'static str {
        if self.active { "active" } else { "inactive" }
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "id": self.id, "text": self.text, "status": self.status(), "type": self.kind() })
    }

    /// Here an ordinary reason has the type null, not `non-hired` (recorded).
    pub(crate) fn disposition_json(&self) -> Value {
        let kind = self.hired.then_some("hired");
        json!({ "id": self.id, "text": self.text, "type": kind, "status": self.status() })
    }
}

/// Somebody who works in Lever. Fixture `users.list.json`.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) role: &'static str,
    pub(crate) created_at: i64,
    pub(crate) deactivated_at: Option<i64>,
    pub(crate) job_title: Option<&'static str>,
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
            "externalDirectoryId": null,
            "linkedContactIds": null,
            "jobTitle": self.job_title,
            "managerId": self.manager,
        })
    }
}

/// An advertised job. Fixture `postings.list.json`.
#[derive(Debug, Clone)]
pub(crate) struct Posting {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) state: &'static str,
    /// Where a published posting is shown: `public`, `internal`.
    pub(crate) channels: Vec<&'static str>,
    pub(crate) owner: String,
    pub(crate) hiring_manager: Option<String>,
    pub(crate) commitment: &'static str,
    pub(crate) department: &'static str,
    pub(crate) team: &'static str,
    pub(crate) location: &'static str,
    pub(crate) country: &'static str,
    pub(crate) workplace: &'static str,
    pub(crate) followers: Vec<String>,
    pub(crate) confidential: bool,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

impl Posting {
    /// The tags an opportunity gets from its posting, in the recorded order.
    pub(crate) fn tags(&self) -> [&str; 5] {
        [
            &self.text,
            self.department,
            self.team,
            self.location,
            self.commitment,
        ]
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "text": self.text,
            "state": self.state,
            "distributionChannels": (self.state == "published").then_some(&self.channels),
            "user": self.owner,
            "owner": self.owner,
            "hiringManager": self.hiring_manager,
            "categories": {
                "commitment": self.commitment,
                "department": self.department,
                "level": null,
                "location": self.location,
                "team": self.team,
                "allLocations": [self.location],
            },
            "tags": [],
            "content": self.content(),
            "country": self.country,
            "followers": self.followers,
            "reqCode": null,
            "requisitionCodes": [],
            "urls": self.urls(),
            "confidentiality": confidentiality(self.confidential),
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "workplaceType": self.workplace,
            "transcribeInterviews": false,
            "screening": { "enabled": false },
        })
    }

    fn content(&self) -> Value {
        let description = format!(
            "{} in our {} team, {}.",
            self.text, self.team, self.location
        );
        json!({
            "description": format!("{description}\n"),
            "descriptionHtml": format!("<div>{description}</div>"),
            "lists": [],
            "closing": "",
            "closingHtml": "",
        })
    }

    fn urls(&self) -> Value {
        if !matches!(self.state, "published" | "internal") {
            return Value::Null;
        }
        let site = "https://jobs.lever.co/example";
        let show = format!("{site}/{}", self.id);
        json!({ "list": site, "show": show, "apply": format!("{show}/apply") })
    }
}

/// Lever's word for it.
pub(crate) fn confidentiality(confidential: bool) -> &'static str {
    if confidential {
        "confidential"
    } else {
        "non-confidential"
    }
}
