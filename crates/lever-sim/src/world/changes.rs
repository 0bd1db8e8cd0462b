//! How records change, with the stamps each change moves, the same for the API and for people in Lever.
//!
//! Stamps (recorded): a stage or archive change sets `lastInteractionAt` and, 1 ms later, `updatedAt`;
//! tags and sources move `updatedAt` only; a note moves `lastInteractionAt` only.

use super::{
    Application, Archived, Comment, DeletedApplication, Deletion, Note, Opportunity, StageChange,
    World, add_missing,
};

/// A list of texts that a write adds to or takes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Labels {
    Tags,
    Sources,
}

impl Labels {
    pub(crate) fn of(self, opportunity: &mut Opportunity) -> &mut Vec<String> {
        match self {
            Labels::Tags => &mut opportunity.tags,
            Labels::Sources => &mut opportunity.sources,
        }
    }
}

impl World {
    /// Moves an opportunity to a stage, archived or not. Nothing changes when it is there already.
    pub(crate) fn move_stage(&mut self, id: &str, stage: &str, by: Option<String>, now: i64) {
        let before = self.opportunity(id).map(|it| it.stage.clone());
        let Some(from) = before.filter(|from| from != stage) else {
            return;
        };
        let index = self.account.stage_index(stage);
        let entered = StageChange {
            stage: stage.to_owned(),
            index,
            at: now,
            user: by,
        };
        self.change(id, |opportunity| {
            opportunity.stage = entered.stage.clone();
            opportunity.stage_changes.push(entered);
            opportunity.last_advanced_at = now;
            opportunity.interacted(now);
        });
        self.stage_changed(id, &from, stage, now);
    }

    /// Archives an opportunity, changes the reason, or with `None` unarchives it.
    ///
    /// Archiving again renews the stamp of the opportunity, but neither that of its application nor `lastAdvancedAt` (recorded).
    pub(crate) fn archive(&mut self, id: &str, reason: Option<&str>, now: i64) {
        let before = self.opportunity(id).and_then(|it| it.archived.clone());
        match reason {
            Some(reason) => self.change(id, |opportunity| opportunity.archive(reason, now)),
            None if before.is_some() => self.change(id, |opportunity| opportunity.unarchive(now)),
            None => return,
        }
        self.archive_changed(id, before, now);
    }

    /// Adds tags or sources; unknown ones come into being, known ones are kept once.
    pub(crate) fn add_labels(&mut self, id: &str, labels: Labels, values: Vec<String>, now: i64) {
        self.relabel(id, labels, now, |list| {
            add_missing(list, values);
        });
    }

    /// Removes tags or sources; those that are not there are ignored.
    pub(crate) fn remove_labels(&mut self, id: &str, labels: Labels, values: &[String], now: i64) {
        self.relabel(id, labels, now, |list| {
            list.retain(|label| !values.contains(label))
        });
    }

    fn relabel(&mut self, id: &str, labels: Labels, now: i64, edit: impl FnOnce(&mut Vec<String>)) {
        let Some(mut after) = self.opportunity(id).cloned() else {
            return;
        };
        let before = labels.of(&mut after).clone();
        edit(labels.of(&mut after));
        if *labels.of(&mut after) != before {
            after.updated_at = Some(now);
            self.change(id, |opportunity| *opportunity = after);
        }
    }

    /// Sets the links of a person and marks all their opportunities as updated.
    pub(crate) fn set_links(&mut self, contact: &str, links: Vec<String>, now: i64) {
        if self
            .contact(contact)
            .is_none_or(|contact| contact.links == links)
        {
            return;
        }
        self.change_contact(contact, |contact| contact.links = links);
        self.touch_all(contact, now);
    }

    /// Marks all opportunities of a contact as updated.
    pub(super) fn touch_all(&mut self, contact: &str, now: i64) {
        for id in self.opportunities_of(contact) {
            self.touch(&id, now);
        }
        self.contact_updated(contact, now);
    }

    /// Adds a note.
    pub(crate) fn add_note(&mut self, id: &str, note: Note, now: i64) {
        self.change(id, |opportunity| {
            opportunity.notes.push(note);
            opportunity.last_interaction_at = opportunity.last_interaction_at.max(now);
        });
    }

    /// Adds a comment to the thread of a note.
    pub(crate) fn add_comment(&mut self, id: &str, note: &str, comment: Comment, now: i64) {
        self.change(id, |opportunity| {
            if let Some(note) = opportunity.notes.iter_mut().find(|known| known.id == note) {
                note.comments.push(comment);
            }
            opportunity.last_interaction_at = opportunity.last_interaction_at.max(now);
        });
    }

    /// Replaces a note; unlike a new note this moves `updatedAt`. Lever: "Update a note".
    pub(crate) fn replace_note(&mut self, id: &str, replacement: Note, now: i64) {
        self.change(id, |opportunity| {
            if let Some(note) = opportunity.note_mut(&replacement.id) {
                *note = replacement;
            }
            opportunity.updated_at = Some(now);
        });
    }

    /// Marks a note as deleted: gone from lists, still readable by id. No stamp is known to move.
    pub(crate) fn delete_note(&mut self, id: &str, note: &str, now: i64) {
        self.change(id, |opportunity| {
            if let Some(note) = opportunity.note_mut(note) {
                note.deleted_at = Some(now);
            }
        });
    }

    /// Deletes an opportunity with its application; the API cannot, a person in Lever can.
    pub(crate) fn delete(&mut self, id: &str, by: Option<String>, now: i64) {
        if let Some(opportunity) = self.remove(id) {
            self.opportunity_deleted(&opportunity, by.as_deref(), now);
            let confidential = opportunity.confidential;
            if let Some(application) = opportunity.application {
                self.bury_application(DeletedApplication {
                    id: application.id,
                    opportunity: opportunity.id.clone(),
                    posting: Some(application.posting),
                    at: now,
                    confidential,
                });
            }
            self.bury(Deletion {
                id: opportunity.id,
                by,
                at: now,
                confidential,
            });
        }
    }

    /// Snoozes an opportunity until a time, or wakes it.
    pub(crate) fn snooze(&mut self, id: &str, until: Option<i64>, now: i64) {
        self.change(id, |opportunity| {
            opportunity.snoozed_until = until;
            opportunity.updated_at = Some(now);
        });
    }

    /// Marks an opportunity as updated without changing anything else.
    pub(crate) fn touch(&mut self, id: &str, now: i64) {
        self.change(id, |opportunity| opportunity.updated_at = Some(now));
    }
}

impl Opportunity {
    pub(super) fn interacted(&mut self, now: i64) {
        self.last_interaction_at = now;
        self.updated_at = Some(now + 1);
    }

    pub(crate) fn archive(&mut self, reason: &str, now: i64) {
        if self.archived.is_none() {
            self.last_advanced_at = now;
            let ended = Archived {
                reason: reason.to_owned(),
                at: now,
            };
            self.set_application_archived(Some(ended));
        }
        self.archived = Some(Archived {
            reason: reason.to_owned(),
            at: now + 1,
        });
        self.interacted(now);
    }

    fn unarchive(&mut self, now: i64) {
        self.archived = None;
        self.set_application_archived(None);
        self.interacted(now);
    }

    fn set_application_archived(&mut self, archived: Option<Archived>) {
        if let Some(Application {
            archived: state, ..
        }) = &mut self.application
        {
            *state = archived;
        }
    }

    fn note_mut(&mut self, id: &str) -> Option<&mut Note> {
        self.notes.iter_mut().find(|note| note.id == id)
    }

    pub(crate) fn note(&self, id: &str) -> Option<&Note> {
        self.notes.iter().find(|note| note.id == id)
    }
}
