//! The events of webhooks: which data each carries, one method per event.
//!
//! The keys of `data` are documented for `candidateStageChange`; the rest is partly inferred, as in fixture
//! `webhook.deliveries.json`. A note is no event.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::webhooks::Event;
use super::{Archived, Children, Interview, Opportunity, World};

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

    /// Interviews have come, changed or gone.
    pub(crate) fn interviews_changed(&mut self, opportunity: &str, before: &Interviews, now: i64) {
        let after = Interviews::of(self.children(opportunity));
        for (id, (panel, interview)) in &after.0 {
            match before.0.get(id) {
                None => self.interview(opportunity, "interviewCreated", [id, panel], now),
                Some((_, known)) if known != interview => {
                    self.interview(opportunity, "interviewUpdated", [id, panel], now);
                }
                Some(_) => {}
            }
        }
        for (id, (panel, _)) in &before.0 {
            if !after.0.contains_key(id) {
                self.interview(opportunity, "interviewDeleted", [id, panel], now);
            }
        }
    }

    fn interview(
        &mut self,
        opportunity: &str,
        name: &'static str,
        [interview, panel]: [&String; 2],
        now: i64,
    ) {
        let stamp = match name {
            "interviewCreated" => "createdAt",
            "interviewDeleted" => "deletedAt",
            _ => "updatedAt",
        };
        let more = json!({ "interviewId": interview, "panelId": panel, stamp: now });
        self.emit_about(opportunity, name, more, now);
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

/// The interviews of an opportunity at one moment, by id, each with the id of its panel.
pub(crate) struct Interviews(BTreeMap<String, (String, Interview)>);

impl Interviews {
    pub(crate) fn of(children: &Children) -> Interviews {
        let all = children.panels.iter().flat_map(|panel| {
            let interviews = panel.interviews.iter();
            interviews.map(|it| (it.id.clone(), (panel.id.clone(), it.clone())))
        });
        Interviews(all.collect())
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
