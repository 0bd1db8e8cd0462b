//! How children come, change and go, with the stamps of the opportunity that each moves.
//!
//! New feedback moves `lastInteractionAt` and, 1 ms later, `updatedAt`; edited feedback moves neither (recorded).
//! Offers, panels, interviews, forms and files are taken to behave like notes: only `lastInteractionAt` moves. Deletions move nothing.

use super::events::Interviews;
use super::{
    Children, Document, Feedback, FileAction, FileActionKind, Interview, Offer, Panel, ProfileForm,
    Requisition, Resume, World,
};

impl World {
    /// Adds a feedback form.
    pub(crate) fn add_feedback(&mut self, id: &str, feedback: Feedback, now: i64) {
        self.change_children(id, |children| children.feedback.push(feedback));
        self.change(id, |opportunity| opportunity.interacted(now));
    }

    /// Replaces a feedback form.
    pub(crate) fn replace_feedback(&mut self, id: &str, replacement: Feedback) {
        self.change_children(id, |children| {
            if let Some(known) = children.feedback_mut(&replacement.id) {
                *known = replacement;
            }
        });
    }

    /// Marks a feedback form as deleted: gone from lists, still readable by id (recorded).
    pub(crate) fn delete_feedback(&mut self, id: &str, feedback: &str, now: i64) {
        self.change_children(id, |children| {
            if let Some(known) = children.feedback_mut(feedback) {
                known.deleted_at = Some(now);
            }
        });
    }

    /// Adds a profile form.
    pub(crate) fn add_form(&mut self, id: &str, form: ProfileForm, now: i64) {
        self.change_children(id, |children| children.forms.push(form));
        self.note_interaction(id, now);
    }

    /// Adds an offer, which the open requisitions of its posting hold from then on. Only people can.
    pub(crate) fn add_offer(&mut self, id: &str, offer: Offer, now: i64) {
        self.change_account(|account| {
            let holds =
                |it: &&mut Requisition| it.status == "open" && it.postings.contains(&offer.posting);
            for requisition in account.requisitions.iter_mut().filter(holds) {
                requisition.offers.push(offer.id.clone());
            }
        });
        self.change_children(id, |children| children.offers.push(offer));
        self.note_interaction(id, now);
    }

    /// Sends an offer, or has one that was sent signed.
    pub(crate) fn advance_offer(&mut self, id: &str, offer: &str, now: i64) {
        self.change_children(id, |children| {
            if let Some(offer) = children.offers.iter_mut().find(|it| it.id == offer) {
                offer.advance(now);
            }
        });
        self.note_interaction(id, now);
    }

    /// Adds a panel with its interviews.
    pub(crate) fn add_panel(&mut self, id: &str, panel: Panel, now: i64) {
        self.change_panels(id, now, |children| children.panels.push(panel));
        self.note_interaction(id, now);
    }

    /// Replaces a panel; one without interviews is gone.
    pub(crate) fn replace_panel(&mut self, id: &str, replacement: Panel, now: i64) {
        self.change_panels(id, now, |children| {
            children.change_panel(&replacement.id.clone(), |panel| *panel = replacement);
        });
    }

    /// Deletes a panel and its interviews.
    pub(crate) fn delete_panel(&mut self, id: &str, panel: &str, now: i64) {
        self.change_panels(id, now, |children| {
            children.change_panel(panel, |panel| panel.interviews.clear());
        });
    }

    /// Adds an interview to a panel.
    pub(crate) fn add_interview(&mut self, id: &str, panel: &str, interview: Interview, now: i64) {
        self.change_panels(id, now, |children| {
            children.change_panel(panel, |panel| panel.interviews.push(interview));
        });
        self.note_interaction(id, now);
    }

    /// Replaces an interview of a panel.
    pub(crate) fn replace_interview(
        &mut self,
        id: &str,
        panel: &str,
        replacement: Interview,
        now: i64,
    ) {
        self.change_panels(id, now, |children| {
            children.change_panel(panel, |panel| {
                let mut interviews = panel.interviews.iter_mut();
                if let Some(known) = interviews.find(|known| known.id == replacement.id) {
                    *known = replacement;
                }
            });
        });
    }

    /// Deletes an interview; the panel goes with its last one. Lever: "Delete an interview".
    pub(crate) fn delete_interview(&mut self, id: &str, panel: &str, interview: &str, now: i64) {
        self.change_panels(id, now, |children| {
            children.change_panel(panel, |panel| {
                panel.interviews.retain(|it| it.id != interview)
            });
        });
    }

    /// Calls off what is still to come. Lever: "Update opportunity archived state", `cleanInterviews`.
    pub(crate) fn cancel_interviews(&mut self, id: &str, now: i64) {
        self.change_panels(id, now, |children| {
            children
                .panels
                .iter_mut()
                .for_each(|panel| panel.cancel(now));
        });
    }

    /// Changes panels and interviews, and tells webhooks which interviews came, changed and went.
    fn change_panels(&mut self, id: &str, now: i64, change: impl FnOnce(&mut Children)) {
        self.grow(id);
        let before = Interviews::of(self.children(id));
        self.change_children(id, change);
        self.interviews_changed(id, &before, now);
    }

    /// Adds a resume that came with a new opportunity.
    pub(crate) fn add_resume(&mut self, id: &str, resume: Resume, by: Option<String>) {
        self.log_file_action(id, FileActionKind::Imported, by, resume.created_at);
        self.change_children(id, |children| children.resumes.push(resume));
    }

    /// Hangs a file on an opportunity.
    pub(crate) fn add_file(&mut self, id: &str, file: Document, by: Option<String>, now: i64) {
        self.log_file_action(id, FileActionKind::Added, by, now);
        self.change_children(id, |children| children.files.push(file));
        self.note_interaction(id, now);
    }

    /// Takes a file away.
    pub(crate) fn delete_file(&mut self, id: &str, file: &str, by: Option<String>, now: i64) {
        self.log_file_action(id, FileActionKind::Removed, by, now);
        self.change_children(id, |children| {
            children.files.retain(|known| known.id != file)
        });
    }

    /// Writes down what happened to a file of an opportunity. No stamp is known to move with it.
    pub(crate) fn log_file_action(
        &mut self,
        id: &str,
        kind: FileActionKind,
        user: Option<String>,
        now: i64,
    ) {
        let action = FileAction {
            id: self.new_id(),
            kind,
            at: now,
            user,
        };
        self.change_children(id, |children| children.file_actions.push(action));
    }

    fn note_interaction(&mut self, id: &str, now: i64) {
        self.change(id, |opportunity| {
            opportunity.last_interaction_at = opportunity.last_interaction_at.max(now);
        });
    }
}

impl Children {
    pub(crate) fn panel(&self, id: &str) -> Option<&Panel> {
        self.panels.iter().find(|panel| panel.id == id)
    }

    /// An interview with the panel it is in.
    pub(crate) fn interview(&self, id: &str) -> Option<(&Panel, &Interview)> {
        let mut all = self.panels.iter().flat_map(|panel| {
            let interviews = panel.interviews.iter();
            interviews.map(move |interview| (panel, interview))
        });
        all.find(|(_, interview)| interview.id == id)
    }

    fn feedback_mut(&mut self, id: &str) -> Option<&mut Feedback> {
        self.feedback.iter_mut().find(|known| known.id == id)
    }

    fn change_panel(&mut self, id: &str, change: impl FnOnce(&mut Panel)) {
        if let Some(panel) = self.panels.iter_mut().find(|panel| panel.id == id) {
            change(panel);
        }
        self.panels.retain(|panel| !panel.interviews.is_empty());
    }
}
