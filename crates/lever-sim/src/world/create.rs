//! How opportunities come into being: through the API, and by people who apply.

use serde::Deserialize;

use serde_json::Value;

use super::{
    Application, Contact, Eeo, Opportunity, Phone, Posting, StageChange, Submitted, Upload, World,
    add_missing,
};

/// The stage of new leads; it exists in every account.
const NEW_LEAD: &str = "lead-new";
/// The stage of new applicants; it exists in every account.
pub(crate) const NEW_APPLICANT: &str = "applicant-new";

/// What `POST /opportunities` asks for, checked. Lever: "Create an opportunity".
#[derive(Debug, Default)]
pub(crate) struct NewOpportunity {
    pub(crate) person: Contact,
    /// Attach to this contact instead of matching by e-mail.
    pub(crate) contact: Option<String>,
    pub(crate) stage: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) sources: Vec<String>,
    pub(crate) origin: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) followers: Vec<String>,
    pub(crate) posting: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) created_at: Option<i64>,
    /// Reason and time.
    pub(crate) archived: Option<(String, i64)>,
    /// The user the change is made as.
    pub(crate) by: String,
}

/// An application, checked.
pub(crate) struct Entry {
    pub(crate) person: Contact,
    pub(crate) posting: Option<Posting>,
    pub(crate) origin: String,
    pub(crate) source: String,
    pub(crate) submitted: Option<Submitted>,
    /// The answers to the posting's questions, as the application shows them.
    pub(crate) questions: Vec<Value>,
    pub(crate) eeo: Option<Eeo>,
    pub(crate) resume: Option<Upload>,
}

impl World {
    /// Creates an opportunity; returns its id and whether a known contact was used.
    pub(crate) fn create(&mut self, new: NewOpportunity, now: i64) -> (String, bool) {
        let (contact, deduped) = self.contact_for(&new, now);
        let at = new.created_at.unwrap_or(now);
        let stage = new.stage.as_deref().unwrap_or(NEW_LEAD);
        let entered = self.entered(stage, at, Some(new.by.clone()));
        let mut opportunity = Opportunity::new(self.new_id(), contact, at, entered);
        opportunity.origin = new.origin.unwrap_or_else(|| "sourced".to_owned());
        opportunity.sourced_by = (opportunity.origin == "sourced").then(|| new.by.clone());
        opportunity.owner = new.owner.or_else(|| Some(new.by.clone()));
        opportunity.sources = new.sources;
        add_missing(&mut opportunity.tags, new.tags);
        self.attach(&mut opportunity, new.posting.as_deref(), &new.by);
        add_missing(&mut opportunity.followers, new.followers);
        if let Some(location) = new.location {
            opportunity.location = location;
        }
        if let Some((reason, at)) = new.archived {
            opportunity.archive(&reason, at);
        }
        // Stamps of an old record still say when it was really written.
        opportunity.updated_at = Some(now + 5);
        let id = opportunity.id.clone();
        self.add(opportunity);
        self.application_created(&id, now);
        (id, deduped)
    }

    /// Ties a new opportunity to its posting; without one the acting user follows it.
    fn attach(&mut self, opportunity: &mut Opportunity, posting: Option<&str>, by: &str) {
        let application = self.new_id();
        let Some(posting) = posting.and_then(|id| self.account.posting(id)) else {
            opportunity.followers.push(by.to_owned());
            return;
        };
        let mut application =
            Application::new(application, "user", posting, opportunity.created_at + 1);
        application.user = Some(by.to_owned());
        opportunity.followers.clone_from(&posting.followers);
        opportunity.apply_to(posting, application);
    }

    /// Makes the application of an opportunity that has none yet. Person and API do it alike.
    pub(crate) fn add_application(
        &mut self,
        id: &str,
        posting: &Posting,
        by: Option<String>,
        now: i64,
    ) {
        let mut application = Application::new(self.new_id(), "user", posting, now);
        application.user = by;
        self.change(id, |opportunity| {
            opportunity.apply_to(posting, application);
            add_missing(
                &mut opportunity.followers,
                posting.followers.iter().cloned(),
            );
            opportunity.updated_at = Some(now);
        });
        self.application_created(id, now);
    }

    /// The given contact, the one with the same e-mail (its own data win), or a new one.
    fn contact_for(&mut self, new: &NewOpportunity, now: i64) -> (String, bool) {
        if let Some(id) = &new.contact {
            self.change_contact(id, |contact| contact.absorb(&new.person));
            if let Some(contact) = self.contact(id).cloned() {
                self.put_contact(contact);
            }
            self.contact_updated(id, now);
            return (id.clone(), true);
        }
        let emails = &new.person.emails;
        if let Some(known) = emails.iter().find_map(|email| self.contact_by_email(email)) {
            return (known.id.clone(), true);
        }
        let id = self.new_id();
        self.put_contact(Contact {
            id: id.clone(),
            ..new.person.clone()
        });
        self.contact_created(&id, now);
        (id, false)
    }

    fn entered(&self, stage: &str, at: i64, user: Option<String>) -> StageChange {
        let index = self.account.stage_index(stage);
        StageChange {
            stage: stage.to_owned(),
            index,
            at,
            user,
        }
    }

    /// Somebody applies on the job site, to the newest published posting if to no other.
    pub(crate) fn apply(&mut self, applicant: Applicant, now: i64) -> String {
        let postings = &self.account.postings;
        let named = applicant.posting.as_deref();
        let posting = named.and_then(|id| self.account.posting(id)).or_else(|| {
            postings
                .iter()
                .find(|it| it.state == "published" && !it.confidential)
        });
        let entry = Entry {
            posting: posting.cloned(),
            person: applicant.person(),
            origin: "applied".to_owned(),
            source: "Job site".to_owned(),
            submitted: None,
            questions: Vec::new(),
            eeo: None,
            resume: None,
        };
        self.enter(entry, now)
    }

    /// An application arrives: stage, source, owner and followers as recorded. Returns the new opportunity's id.
    pub(crate) fn enter(&mut self, entry: Entry, now: i64) -> String {
        let new = NewOpportunity {
            person: entry.person,
            ..NewOpportunity::default()
        };
        let (contact, _) = self.contact_for(&new, now);
        let entered = self.entered(NEW_APPLICANT, now, None);
        let mut opportunity = Opportunity::new(self.new_id(), contact, now, entered);
        opportunity.origin = entry.origin;
        opportunity.sources = vec![entry.source];
        if let Some(posting) = entry.posting {
            let mut application = Application::new(self.new_id(), "posting", &posting, now);
            application.submitted = entry.submitted.map(Box::new);
            application.questions = entry.questions;
            application.eeo = entry.eeo.map(Box::new);
            opportunity.owner = Some(posting.owner.clone());
            opportunity.followers.clone_from(&posting.followers);
            opportunity.apply_to(&posting, application);
        }
        let id = opportunity.id.clone();
        self.add(opportunity);
        if let Some(upload) = entry.resume {
            let resume = upload.resume(self.new_id(), self.new_id(), now);
            self.add_resume(&id, resume, None);
        }
        self.application_created(&id, now);
        id
    }
}

impl Contact {
    /// Takes over the details that can be several; the single ones stay.
    fn absorb(&mut self, given: &Contact) {
        add_missing(&mut self.emails, given.emails.iter().cloned());
        add_missing(&mut self.links, given.links.iter().cloned());
        for phone in &given.phones {
            if !self.phones.contains(phone) {
                self.phones.push(phone.clone());
            }
        }
    }
}

/// Somebody who applies to a posting, as a person on the job site would. Everything is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Applicant {
    /// The name; by default `New Applicant`.
    pub name: Option<String>,
    /// The e-mail address; one that is known makes another opportunity of that contact.
    pub email: Option<String>,
    /// The telephone number.
    pub phone: Option<String>,
    /// The companies, comma separated.
    pub headline: Option<String>,
    /// The posting's id; by default (or when unknown) the newest published one.
    pub posting: Option<String>,
}

impl Applicant {
    fn person(self) -> Contact {
        let phone = |value| Phone {
            kind: Some("mobile".to_owned()),
            value,
        };
        Contact {
            name: self.name.unwrap_or_else(|| "New Applicant".to_owned()),
            headline: self.headline.unwrap_or_default(),
            phones: self.phone.map(phone).into_iter().collect(),
            emails: self.email.into_iter().collect(),
            ..Contact::default()
        }
    }
}
