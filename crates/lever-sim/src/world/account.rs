//! The settings side of an account: stages and archive reasons, and the place of everything else.

use serde_json::{Value, json};

use super::posting::Posting;
use super::requisition::Requisition;
use super::requisition_field::RequisitionField;
use super::template::{Group, Template};
use super::user::User;

/// Everything of an account that is not about candidates.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// What it is called where answers have a storage-level shape.
    pub(crate) id: String,
    /// In pipeline order.
    pub(crate) stages: Vec<Stage>,
    pub(crate) reasons: Vec<Reason>,
    /// Newest first.
    pub(crate) users: Vec<User>,
    /// Newest first.
    pub(crate) postings: Vec<Posting>,
    /// By id, descending (recorded).
    pub(crate) requisitions: Vec<Requisition>,
    pub(crate) requisition_fields: Vec<RequisitionField>,
    pub(crate) groups: Vec<Group>,
    pub(crate) feedback_templates: Vec<Template>,
    pub(crate) form_templates: Vec<Template>,
}

impl Account {
    /// A stage of this id, deactivated or not.
    pub(crate) fn stage(&self, id: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id == id)
    }

    /// The stages people can still be moved to; the others are in no list any more.
    pub(crate) fn active_stages(&self) -> impl Iterator<Item = &Stage> {
        self.stages.iter().filter(|stage| stage.active)
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

    pub(crate) fn requisition(&self, id: &str) -> Option<&Requisition> {
        self.requisitions.iter().find(|it| it.id == id)
    }

    pub(crate) fn requisition_field(&self, id: &str) -> Option<&RequisitionField> {
        self.requisition_fields.iter().find(|field| field.id == id)
    }

    pub(crate) fn feedback_template(&self, id: &str) -> Option<&Template> {
        self.feedback_templates.iter().find(|it| it.id == id)
    }

    pub(crate) fn form_template(&self, id: &str) -> Option<&Template> {
        self.form_templates.iter().find(|it| it.id == id)
    }

    /// A posting as a read shows it, with the codes of the requisitions it is linked to.
    pub(crate) fn posting_json(&self, posting: &Posting) -> Value {
        let linked = |it: &&Requisition| it.postings.contains(&posting.id);
        let codes = self.requisitions.iter().filter(linked);
        posting.json(codes.map(|it| it.code.as_str()).collect())
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
    /// A deactivated stage keeps its opportunities, but is gone from every list.
    pub(crate) active: bool,
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

/// Lever's word for it.
pub(crate) fn confidentiality(confidential: bool) -> &'static str {
    if confidential {
        "confidential"
    } else {
        "non-confidential"
    }
}
