//! The filters of the opportunity list. Values of one filter are alternatives, filters together must all hold.

use super::Shown;
use crate::answer::Refusal;
use crate::call::{Call, Range};
use crate::world::{Contact, Opportunity, canonical};

const ORIGINS: [&str; 6] = [
    "agency",
    "applied",
    "internal",
    "referred",
    "sourced",
    "university",
];

/// Everything the list can be narrowed by.
#[derive(Debug)]
pub(crate) struct Filter<'a> {
    shown: Shown,
    tags: Vec<&'a str>,
    emails: Vec<String>,
    origins: Vec<&'a str>,
    sources: Vec<&'a str>,
    stages: Vec<&'a str>,
    postings: Vec<&'a str>,
    archived_postings: Vec<&'a str>,
    reasons: Vec<&'a str>,
    contacts: Vec<&'a str>,
    locations: Vec<&'a str>,
    created: Range,
    updated: Range,
    advanced: Range,
    archived_between: Range,
    archived: Option<bool>,
    snoozed: Option<bool>,
    now: i64,
}

impl<'a> Filter<'a> {
    pub(crate) fn read(call: &Call<'a>) -> Result<Filter<'a>, Refusal> {
        let query = call.query;
        Ok(Filter {
            shown: Shown::read(call)?,
            tags: query.many("tag"),
            emails: query.many("email").into_iter().map(canonical).collect(),
            origins: query.choices("origin", &ORIGINS)?,
            sources: query.many("source"),
            stages: query.many("stage_id"),
            postings: query.many("posting_id"),
            archived_postings: query.many("archived_posting_id"),
            reasons: query.many("archive_reason_id"),
            contacts: query.many("contact_id"),
            locations: query.many("location"),
            created: query.range("created_at")?,
            updated: query.range("updated_at")?,
            advanced: query.range("advanced_at")?,
            archived_between: query.range("archived_at")?,
            archived: query.flag("archived")?,
            snoozed: query.flag("snoozed")?,
            now: call.now,
        })
    }

    /// Whether the list shows this opportunity of this contact.
    pub(crate) fn holds(&self, opportunity: &Opportunity, contact: &Contact) -> bool {
        self.shown.shows(opportunity.confidential)
            && among(&self.stages, [&opportunity.stage])
            && among(&self.tags, &opportunity.tags)
            && among(&self.sources, &opportunity.sources)
            && among(&self.origins, [&opportunity.origin])
            && among(&self.contacts, [&opportunity.contact])
            && self.emails_hold(contact)
            && self.times_hold(opportunity)
            && self.end_holds(opportunity)
            && self.application_holds(opportunity)
            && self
                .snoozed
                .is_none_or(|snoozed| snoozed == opportunity.snoozed(self.now))
    }

    fn emails_hold(&self, contact: &Contact) -> bool {
        self.emails.is_empty()
            || contact
                .emails
                .iter()
                .any(|email| self.emails.contains(&canonical(email)))
    }

    fn times_hold(&self, opportunity: &Opportunity) -> bool {
        self.created.holds(opportunity.created_at)
            && self.updated.holds_if_known(opportunity.updated_at)
            && self.advanced.holds(opportunity.last_advanced_at)
    }

    fn end_holds(&self, opportunity: &Opportunity) -> bool {
        let archived = opportunity.archived.as_ref();
        self.archived
            .is_none_or(|wanted| wanted == archived.is_some())
            && self
                .archived_between
                .holds_if_known(archived.map(|archived| archived.at))
            && among(&self.reasons, archived.map(|archived| &archived.reason))
    }

    fn application_holds(&self, opportunity: &Opportunity) -> bool {
        let application = opportunity.application.as_ref();
        let ended = application.filter(|application| application.archived.is_some());
        among(
            &self.postings,
            application.map(|application| &application.posting),
        ) && among(
            &self.archived_postings,
            ended.map(|application| &application.posting),
        ) && among(&self.locations, application.map(|_| &opportunity.location))
    }
}

/// Whether one of the values is wanted; without wishes everything is.
fn among<'v>(wanted: &[&str], values: impl IntoIterator<Item = &'v String>) -> bool {
    wanted.is_empty()
        || values
            .into_iter()
            .any(|value| wanted.contains(&value.as_str()))
}
