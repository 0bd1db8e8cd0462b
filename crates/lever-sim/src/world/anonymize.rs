//! Anonymizing a person: what is left is metadata. Lever: "Contacts", `isAnonymized`.

use serde_json::Value;

use super::{Children, Contact, World, canonical};

impl World {
    /// Takes away what is known of a person, on the contact and on all its opportunities.
    ///
    /// Ids, stages, stamps, tags and sources stay; names, addresses and everything somebody wrote are gone.
    pub(crate) fn anonymize(&mut self, contact: &str, now: i64) {
        let Some(known) = self.contact(contact).cloned() else {
            return;
        };
        for id in self.opportunities_of(contact) {
            self.change_children(&id, Children::blank);
            self.change(&id, |opportunity| {
                opportunity.notes.clear();
                if let Some(application) = &mut opportunity.application {
                    application.anonymize();
                }
                opportunity.updated_at = Some(now);
            });
        }
        self.forget_emails(&known);
        self.put_contact(Contact {
            id: known.id,
            anonymized: true,
            ..Contact::default()
        });
        self.contact_updated(contact, now);
    }

    /// Gives what one contact has to another, which is here too, and marks all its opportunities as updated.
    pub(crate) fn merge(&mut self, contact: &str, into: &str, now: i64) {
        let Some(gone) = self.take_contact(contact) else {
            return;
        };
        for opportunity in self.opportunities_of(contact) {
            self.give(&opportunity, into);
        }
        self.change_contact(into, |contact| {
            contact.emails.extend(gone.emails.iter().cloned());
            contact.phones.extend(gone.phones);
            contact.links.extend(gone.links);
        });
        for email in &gone.emails {
            self.by_email.insert(canonical(email), into.to_owned());
        }
        self.touch_all(into, now);
        self.contact_updated(into, now);
    }

    /// Replaces what is known of a person, and marks all their opportunities as updated.
    pub(crate) fn replace_contact(&mut self, replacement: Contact, now: i64) {
        let Some(known) = self.contact(&replacement.id).cloned() else {
            return;
        };
        if known == replacement {
            return;
        }
        self.forget_emails(&known);
        let id = replacement.id.clone();
        self.put_contact(replacement);
        self.touch_all(&id, now);
    }

    fn forget_emails(&mut self, contact: &Contact) {
        for email in &contact.emails {
            let email = canonical(email);
            if self.by_email.get(&email) == Some(&contact.id) {
                self.by_email.remove(&email);
            }
        }
    }
}

impl Children {
    /// Leaves the records, takes their texts; resumes and files go.
    fn blank(&mut self) {
        self.resumes.clear();
        self.files.clear();
        let fields = self.feedback.iter_mut().flat_map(|it| &mut it.fields);
        for field in fields.chain(self.forms.iter_mut().flat_map(|it| &mut it.fields)) {
            field["value"] = Value::Null;
        }
        for panel in &mut self.panels {
            panel.note = None;
            for interview in &mut panel.interviews {
                interview.subject = None;
                interview.note = None;
            }
        }
    }
}
