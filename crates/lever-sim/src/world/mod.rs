//! The account behind the simulated API: its records, their order, and the ways they change.
//!
//! Nothing here knows HTTP. Every change goes through [`World::change`], which keeps the order of the list right.

mod account;
mod account_changes;
mod anonymize;
mod application;
mod apply_form;
mod changes;
mod child_changes;
mod children;
mod contact;
mod create;
mod departed;
mod eeo;
mod events;
mod feedback;
mod file_action;
mod files;
mod hire;
mod note;
mod offer;
mod opportunity;
mod panel;
mod position;
mod posting;
mod profile_form;
mod referral;
mod requisition;
mod requisition_field;
mod template;
mod uploads;
mod user;
mod webhooks;

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

pub(crate) use account::{Account, Reason, Stage};
pub(crate) use application::{Application, Archived, HiredFor, Submitted};
pub(crate) use apply_form::{
    ApplyForm, Question, QuestionSet, eeo_answer, personal_field, required_fields, url_field,
};
pub(crate) use changes::Labels;
pub(crate) use children::{Children, Growth};
pub(crate) use contact::{Contact, Phone, canonical};
pub(crate) use create::{Entry, NewOpportunity};
pub(crate) use departed::{DeletedApplication, DeletedPosting, Deletion};
pub(crate) use eeo::Eeo;
pub(crate) use feedback::Feedback;
pub(crate) use file_action::FileAction;
pub(crate) use files::{Document, FileStatus, Resume, format_of, readable};
pub(crate) use note::{Comment, Note};
pub(crate) use offer::Offer;
pub(crate) use opportunity::{Opportunity, StageChange, add_missing};
pub(crate) use panel::{Interview, Interviewer, Panel, REMINDERS};
pub(crate) use position::Position;
pub(crate) use posting::{Categories, Content, Posting, STATES};
pub(crate) use profile_form::ProfileForm;
pub(crate) use referral::{RELATIONSHIPS, Referral};
pub(crate) use requisition::Requisition;
pub(crate) use requisition_field::{FieldKind, FieldOption, RequisitionField, Subfield};
pub(crate) use template::{Group, NO_FEEDBACK, Template};
pub(crate) use uploads::{Upload, Uploads};
pub(crate) use user::{ROLES, User};
pub(crate) use webhooks::{Delivery, ORIGINS, Webhook, Webhooks, event_name, has_origins};

pub use create::Applicant;
pub use file_action::FileActionKind;

use crate::random::Random;

/// The state of one Lever account.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) account: Account,
    contacts: HashMap<String, Contact>,
    opportunities: HashMap<String, Opportunity>,
    order: BTreeSet<Position>,
    by_email: HashMap<String, String>,
    by_contact: HashMap<String, Vec<String>>,
    /// Of the opportunities whose children were asked for, or changed.
    children: HashMap<String, Children>,
    growth: Growth,
    deleted: Vec<Deletion>,
    deleted_applications: Vec<DeletedApplication>,
    deleted_postings: Vec<DeletedPosting>,
    pub(crate) uploads: Uploads,
    pub(crate) webhooks: Webhooks,
    random: Random,
    revision: u64,
}

impl World {
    /// An account without candidates; ids of new records are drawn from `random`.
    pub(crate) fn new(account: Account, random: Random, growth: Growth) -> World {
        World {
            account,
            contacts: HashMap::new(),
            opportunities: HashMap::new(),
            order: BTreeSet::new(),
            by_email: HashMap::new(),
            by_contact: HashMap::new(),
            children: HashMap::new(),
            growth,
            deleted: Vec::new(),
            deleted_applications: Vec::new(),
            deleted_postings: Vec::new(),
            uploads: Uploads::default(),
            webhooks: Webhooks::default(),
            random,
            revision: 0,
        }
    }

    /// Rises with every change, so that a request can be seen to have had an effect.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn new_id(&mut self) -> String {
        self.random.uuid()
    }

    pub(crate) fn contact(&self, id: &str) -> Option<&Contact> {
        self.contacts.get(id)
    }

    pub(crate) fn contact_by_email(&self, email: &str) -> Option<&Contact> {
        self.by_email
            .get(&canonical(email))
            .and_then(|id| self.contact(id))
    }

    pub(crate) fn contact_of(&self, opportunity: &Opportunity) -> &Contact {
        self.contacts
            .get(&opportunity.contact)
            .expect("an opportunity is added with its contact")
    }

    /// Adds a person, or replaces what is known of one.
    pub(crate) fn put_contact(&mut self, contact: Contact) {
        self.revision += 1;
        for email in &contact.emails {
            self.by_email
                .entry(canonical(email))
                .or_insert_with(|| contact.id.clone());
        }
        self.contacts.insert(contact.id.clone(), contact);
    }

    /// Adds a candidacy of a contact that is there already.
    pub(crate) fn add(&mut self, opportunity: Opportunity) {
        self.revision += 1;
        self.order.insert(opportunity.position(&self.account));
        let siblings = self
            .by_contact
            .entry(opportunity.contact.clone())
            .or_default();
        siblings.push(opportunity.id.clone());
        self.opportunities
            .insert(opportunity.id.clone(), opportunity);
    }

    pub(crate) fn opportunity(&self, id: &str) -> Option<&Opportunity> {
        self.opportunities.get(id)
    }

    /// All opportunities in Lever's order.
    pub(crate) fn opportunities(&self) -> impl Iterator<Item = &Opportunity> {
        self.order
            .iter()
            .filter_map(|position| self.opportunities.get(&position.id))
    }

    /// The opportunities from a position on, in Lever's order.
    pub(crate) fn opportunities_from(
        &self,
        position: Position,
    ) -> impl Iterator<Item = &Opportunity> {
        self.order
            .range(position..)
            .filter_map(|position| self.opportunities.get(&position.id))
    }

    pub(crate) fn position(&self, opportunity: &Opportunity) -> Position {
        opportunity.position(&self.account)
    }

    /// The opportunities of a contact, oldest first.
    pub(crate) fn opportunities_of(&self, contact: &str) -> Vec<String> {
        self.by_contact.get(contact).cloned().unwrap_or_default()
    }

    /// A change of the account itself.
    pub(crate) fn change_account(&mut self, change: impl FnOnce(&mut Account)) {
        change(&mut self.account);
        self.revision += 1;
    }

    pub(crate) fn json(&self, opportunity: &Opportunity) -> Value {
        opportunity.json(self.contact_of(opportunity))
    }

    /// Changes one opportunity; does nothing when there is none of this id.
    pub(crate) fn change(&mut self, id: &str, change: impl FnOnce(&mut Opportunity)) {
        let Some(opportunity) = self.opportunities.get_mut(id) else {
            return;
        };
        self.order.remove(&opportunity.position(&self.account));
        change(opportunity);
        self.order.insert(opportunity.position(&self.account));
        self.revision += 1;
    }

    pub(crate) fn change_contact(&mut self, id: &str, change: impl FnOnce(&mut Contact)) {
        if let Some(contact) = self.contacts.get_mut(id) {
            change(contact);
            self.revision += 1;
        }
    }

    fn take_contact(&mut self, id: &str) -> Option<Contact> {
        self.revision += 1;
        self.contacts.remove(id)
    }

    /// Makes an opportunity another contact's.
    fn give(&mut self, id: &str, contact: &str) {
        let Some(opportunity) = self.opportunities.get_mut(id) else {
            return;
        };
        let former = std::mem::replace(&mut opportunity.contact, contact.to_owned());
        if let Some(siblings) = self.by_contact.get_mut(&former) {
            siblings.retain(|sibling| sibling != id);
        }
        let siblings = self.by_contact.entry(contact.to_owned()).or_default();
        siblings.push(id.to_owned());
    }

    fn remove(&mut self, id: &str) -> Option<Opportunity> {
        let opportunity = self.opportunities.remove(id)?;
        self.order.remove(&opportunity.position(&self.account));
        self.children.remove(id);
        if let Some(siblings) = self.by_contact.get_mut(&opportunity.contact) {
            siblings.retain(|sibling| sibling != id);
        }
        self.revision += 1;
        Some(opportunity)
    }
}
