//! The events of webhooks: which data each carries, one method per event.
//!
//! The keys of `data` are documented for `candidateStageChange`; the rest is partly inferred, as in fixture
//! `webhook.deliveries.json`. A note is no event.

use serde_json::{Value, json};

use super::webhooks::Event;
use super::{Archived, Opportunity, World};

impl World {
    /// An opportunity has got an application.
    pub(crate) fn application_created(&mut self, opportunity: &str, now: i64) {
        let Some(found) = self.opportunity(opportunity) else {
            return;
        };
        let Some(application) = &found.application else {
            return;
        };
        let more = json!({
            "applicationId": application.id,
            "postingId": application.posting,
            "createdAt": application.created_at,
        });
        let event = about(found, "applicationCreated", more);
        self.emit(&event, now);
    }

    /// An opportunity has moved.
    pub(crate) fn stage_changed(&mut self, opportunity: &str, from: &str, to: &str, now: i64) {
        let more = json!({ "toStageId": to, "fromStageId": from });
        self.emit_about(opportunity, "candidateStageChange", more, now);
    }

    /// An opportunity was archived, for a reason of type hired too, or unarchived.
    pub(crate) fn archive_changed(&mut self, opportunity: &str, from: Option<Archived>, now: i64) {
        let to = self.opportunity(opportunity).map(|it| it.archived.clone());
        let to = to.flatten();
        let more = json!({
            "toArchived": to.as_ref().map(Archived::json),
            "fromArchived": from.as_ref().map(Archived::json),
        });
        self.emit_about(opportunity, "candidateArchiveChange", more, now);
        if self.hires(to.as_ref()) && !self.hires(from.as_ref()) {
            self.emit_about(opportunity, "candidateHired", json!({}), now);
        }
    }

    fn hires(&self, archived: Option<&Archived>) -> bool {
        let reason = archived.and_then(|archived| self.account.reason(&archived.reason));
        reason.is_some_and(|reason| reason.hired)
    }

    /// An opportunity is gone.
    pub(crate) fn opportunity_deleted(&mut self, gone: &Opportunity, by: Option<&str>, now: i64) {
        let event = about(gone, "candidateDeleted", json!({ "deletedBy": by }));
        self.emit(&event, now);
    }

    /// An interview was scheduled.
    pub(crate) fn interview_created(&mut self, opportunity: &str, ids: InterviewIds<'_>, now: i64) {
        let more = ids.with(json!({ "createdAt": now }));
        self.emit_about(opportunity, "interviewCreated", more, now);
    }

    /// An interview was changed.
    pub(crate) fn interview_updated(&mut self, opportunity: &str, ids: InterviewIds<'_>, now: i64) {
        let more = ids.with(json!({ "updatedAt": now }));
        self.emit_about(opportunity, "interviewUpdated", more, now);
    }

    /// An interview was called off.
    pub(crate) fn interview_deleted(&mut self, opportunity: &str, ids: InterviewIds<'_>, now: i64) {
        let more = ids.with(json!({ "deletedAt": now }));
        self.emit_about(opportunity, "interviewDeleted", more, now);
    }

    /// A person became known.
    pub(crate) fn contact_created(&mut self, contact: &str, now: i64) {
        let data = json!({ "contactId": contact, "createdAt": now });
        self.emit(&plain("contactCreated", data), now);
    }

    /// What is known of a person has changed.
    pub(crate) fn contact_updated(&mut self, contact: &str, now: i64) {
        let data = json!({ "contactId": contact, "updatedAt": now });
        self.emit(&plain("contactUpdated", data), now);
    }

    fn emit_about(&mut self, opportunity: &str, name: &'static str, more: Value, now: i64) {
        let found = self.opportunity(opportunity);
        if let Some(event) = found.map(|found| about(found, name, more)) {
            self.emit(&event, now);
        }
    }
}

/// The ids of an interview and of the panel around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InterviewIds<'a> {
    pub(crate) interview: &'a str,
    pub(crate) panel: &'a str,
}

impl InterviewIds<'_> {
    fn with(self, stamp: Value) -> Value {
        let ids = json!({ "interviewId": self.interview, "panelId": self.panel });
        merged(ids, stamp)
    }
}

fn plain(name: &'static str, data: Value) -> Event {
    Event {
        name,
        origin: None,
        data,
    }
}

/// An event about an opportunity. The deprecated `candidateId` equals its id.
fn about(opportunity: &Opportunity, name: &'static str, more: Value) -> Event {
    let ids = json!({
        "opportunityId": opportunity.id,
        "candidateId": opportunity.id,
        "contactId": opportunity.contact,
    });
    Event {
        name,
        origin: Some(opportunity.origin.clone()),
        data: merged(ids, more),
    }
}

fn merged(mut one: Value, other: Value) -> Value {
    if let (Some(into), Value::Object(from)) = (one.as_object_mut(), other) {
        into.extend(from);
    }
    one
}
