//! Candidacies, as they are kept and as Lever shows them.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::account::{Account, confidentiality};
use super::application::{Application, Archived};
use super::contact::Contact;
use super::note::Note;
use super::position::Position;
use super::posting::Posting;

/// One candidacy. Fixture `opportunity.get.json`.
#[derive(Debug, Clone)]
pub(crate) struct Opportunity {
    pub(crate) id: String,
    pub(crate) contact: String,
    pub(crate) stage: String,
    pub(crate) confidential: bool,
    pub(crate) archived: Option<Archived>,
    pub(crate) tags: Vec<String>,
    pub(crate) sources: Vec<String>,
    pub(crate) stage_changes: Vec<StageChange>,
    pub(crate) origin: String,
    pub(crate) sourced_by: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) followers: Vec<String>,
    pub(crate) application: Option<Application>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: Option<i64>,
    pub(crate) last_interaction_at: i64,
    pub(crate) last_advanced_at: i64,
    pub(crate) snoozed_until: Option<i64>,
    /// Shown exactly when there is an application.
    pub(crate) location: String,
    pub(crate) notes: Vec<Note>,
}

impl Opportunity {
    /// A new candidacy in a stage, with the stamps of a fresh record (fixture `opportunity.create.response.json`).
    pub(crate) fn new(id: String, contact: String, at: i64, entered: StageChange) -> Opportunity {
        Opportunity {
            id,
            contact,
            stage: entered.stage.clone(),
            confidential: false,
            archived: None,
            tags: Vec::new(),
            sources: Vec::new(),
            stage_changes: vec![entered],
            origin: "sourced".to_owned(),
            sourced_by: None,
            owner: None,
            followers: Vec::new(),
            application: None,
            created_at: at,
            updated_at: Some(at + 5),
            last_interaction_at: at + 2,
            last_advanced_at: at,
            snoozed_until: None,
            location: String::new(),
            notes: Vec::new(),
        }
    }

    /// Makes the application to a posting, with what comes along: tags, location, confidentiality.
    pub(crate) fn apply_to(&mut self, posting: &Posting, application: Application) {
        self.add_tags(posting.opportunity_tags());
        self.confidential = posting.confidential;
        self.location = posting.opportunity_location();
        self.application = Some(application);
    }

    /// Adds what is not there yet, in order of arrival; tells whether that was anything.
    pub(crate) fn add_tags(&mut self, tags: impl IntoIterator<Item = String>) -> bool {
        add_missing(&mut self.tags, tags)
    }

    pub(crate) fn snoozed(&self, now: i64) -> bool {
        self.snoozed_until.is_some_and(|until| until > now)
    }

    /// The record as a read shows it.
    pub(crate) fn json(&self, contact: &Contact) -> Value {
        let show = format!("https://hire.lever.co/candidates/{}", self.id);
        let mut json = json!({
            "id": self.id,
            "name": contact.name,
            "contact": self.contact,
            "headline": contact.headline,
            "stage": self.stage,
            "confidentiality": confidentiality(self.confidential),
            "location": contact.location,
            "phones": contact.phones_json(),
            "emails": contact.emails,
            "links": contact.links,
            "archived": self.archived.as_ref().map(Archived::json),
            "tags": self.tags,
            "sources": self.sources,
            "stageChanges": self.stage_changes.iter().map(StageChange::json).collect::<Vec<_>>(),
            "origin": self.origin,
            "sourcedBy": self.sourced_by,
            "owner": self.owner,
            "followers": self.followers,
            "applications": self.application.iter().map(|a| a.id.as_str()).collect::<Vec<_>>(),
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "lastInteractionAt": self.last_interaction_at,
            "lastAdvancedAt": self.last_advanced_at,
            "snoozedUntil": self.snoozed_until,
            "urls": { "list": "https://hire.lever.co/candidates", "show": show },
            "isAnonymized": contact.anonymized,
            "dataProtection": null,
        });
        if self.application.is_some() {
            json["opportunityLocation"] = json!(self.location);
        }
        json
    }

    /// The record as create, addLinks and removeLinks answer it: without `opportunityLocation` (recorded).
    pub(crate) fn written_json(&self, contact: &Contact) -> Value {
        let mut json = self.json(contact);
        if let Some(object) = json.as_object_mut() {
            object.shift_remove("opportunityLocation");
        }
        json
    }

    /// The record as the other writes answer it: the attributes of the contact blank as well (recorded).
    pub(crate) fn blanked_json(&self, contact: &Contact) -> Value {
        let mut json = self.written_json(contact);
        for attribute in ["name", "headline"] {
            json[attribute] = json!("");
        }
        for attribute in ["phones", "emails", "links"] {
            json[attribute] = json!([]);
        }
        json
    }

    pub(crate) fn position(&self, account: &Account) -> Position {
        Position {
            half_ranks: account
                .stage(&self.stage)
                .map_or(i64::MAX, |stage| stage.half_ranks),
            advanced: Reverse(self.last_advanced_at),
            id: self.id.clone(),
        }
    }
}

/// One step through the pipeline. The user is a missing key when nobody is known to have made it (recorded).
#[derive(Debug, Clone)]
pub(crate) struct StageChange {
    pub(crate) stage: String,
    pub(crate) index: usize,
    pub(crate) at: i64,
    pub(crate) user: Option<String>,
}

impl StageChange {
    pub(super) fn json(&self) -> Value {
        let mut json =
            json!({ "toStageId": self.stage, "toStageIndex": self.index, "updatedAt": self.at });
        if let Some(user) = &self.user {
            json["userId"] = json!(user);
        }
        json
    }
}

/// Appends what a list does not hold yet, in order; tells whether that was anything.
pub(crate) fn add_missing(
    list: &mut Vec<String>,
    values: impl IntoIterator<Item = String>,
) -> bool {
    let before = list.len();
    for value in values {
        if !list.contains(&value) {
            list.push(value);
        }
    }
    list.len() > before
}
