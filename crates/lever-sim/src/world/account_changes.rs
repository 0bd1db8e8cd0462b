//! How the account changes, where that reaches into the candidacies.

use super::{DeletedPosting, Posting, Requisition, RequisitionField, Template, User, World};

impl World {
    /// Adds a user; the newest comes first.
    pub(crate) fn add_user(&mut self, user: User) {
        self.change_account(|account| account.users.insert(0, user));
    }

    /// Replaces a user. One who becomes an interviewer follows nobody any more. Lever: "Update a user".
    pub(crate) fn replace_user(&mut self, replacement: User, now: i64) {
        let known = self.account.user(&replacement.id);
        if known.is_none_or(|known| *known == replacement) {
            return;
        }
        let demoted = replacement.role == "interviewer"
            && known.is_some_and(|known| known.role != "interviewer");
        let id = replacement.id.clone();
        self.change_account(|account| replace(&mut account.users, replacement, |it| it.id == id));
        if demoted {
            self.unfollow(&id, now);
        }
    }

    fn unfollow(&mut self, user: &str, now: i64) {
        let follows = |it: &&super::Opportunity| it.followers.iter().any(|id| id == user);
        let followed = self.opportunities().filter(follows);
        let followed: Vec<String> = followed.map(|it| it.id.clone()).collect();
        for id in followed {
            self.change(&id, |opportunity| {
                opportunity.followers.retain(|follower| follower != user);
                opportunity.updated_at = Some(now);
            });
        }
    }

    /// Adds a posting; the newest comes first.
    pub(crate) fn add_posting(&mut self, posting: Posting) {
        self.change_account(|account| account.postings.insert(0, posting));
    }

    /// Replaces a posting. A new title becomes the tag of its opportunities (recorded).
    pub(crate) fn replace_posting(&mut self, replacement: Posting, now: i64) {
        let Some(known) = self.account.posting(&replacement.id).cloned() else {
            return;
        };
        let (id, title) = (replacement.id.clone(), replacement.text.clone());
        self.change_account(|account| {
            replace(&mut account.postings, replacement, |it| it.id == id)
        });
        if title != known.text {
            self.retitle(&id, &known.text, &title, now);
        }
    }

    fn retitle(&mut self, posting: &str, old: &str, new: &str, now: i64) {
        let applied = |it: &&super::Opportunity| {
            it.application
                .as_ref()
                .is_some_and(|it| it.posting == posting)
        };
        let applied = self.opportunities().filter(applied);
        let applied: Vec<String> = applied.map(|it| it.id.clone()).collect();
        for id in applied {
            self.change(&id, |opportunity| {
                for tag in opportunity.tags.iter_mut().filter(|tag| *tag == old) {
                    new.clone_into(tag);
                }
                opportunity.updated_at = Some(now);
            });
        }
    }

    /// Deletes a posting; the API cannot, a person in Lever can. Applications keep its id.
    pub(crate) fn delete_posting(&mut self, id: &str, now: i64) {
        let Some(posting) = self.account.posting(id) else {
            return;
        };
        let confidential = posting.confidential;
        self.bury_posting(DeletedPosting {
            id: id.to_owned(),
            at: now,
            confidential,
        });
        self.change_account(|account| account.postings.retain(|posting| posting.id != id));
    }

    /// Links requisitions, by code, to a posting, and unlinks all others.
    pub(crate) fn link_requisitions(&mut self, posting: &str, codes: &[String]) {
        self.change_account(|account| {
            for requisition in &mut account.requisitions {
                requisition.postings.retain(|id| id != posting);
                if codes.contains(&requisition.code) {
                    requisition.postings.push(posting.to_owned());
                }
            }
        });
    }

    /// Adds a requisition or replaces the one of its id, and keeps the recorded order.
    pub(crate) fn put_requisition(&mut self, requisition: Requisition) {
        self.change_account(|account| {
            account.requisitions.retain(|it| it.id != requisition.id);
            account.requisitions.push(requisition);
            account.requisitions.sort_by(|a, b| b.id.cmp(&a.id));
        });
    }

    /// Adds a custom field of requisitions or replaces the one of its id.
    pub(crate) fn put_requisition_field(&mut self, field: RequisitionField) {
        self.change_account(|account| {
            put(&mut account.requisition_fields, field, |a, b| a.id == b.id)
        });
    }

    /// Adds a feedback template or replaces the one of its id.
    pub(crate) fn put_feedback_template(&mut self, template: Template) {
        self.change_account(|account| {
            put(&mut account.feedback_templates, template, |a, b| {
                a.id == b.id
            })
        });
    }

    /// Adds a form template or replaces the one of its id.
    pub(crate) fn put_form_template(&mut self, template: Template) {
        self.change_account(|account| {
            put(&mut account.form_templates, template, |a, b| a.id == b.id)
        });
    }
}

fn replace<T>(all: &mut [T], replacement: T, same: impl Fn(&T) -> bool) {
    if let Some(known) = all.iter_mut().find(|known| same(known)) {
        *known = replacement;
    }
}

fn put<T>(all: &mut Vec<T>, record: T, same: impl Fn(&T, &T) -> bool) {
    match all.iter_mut().find(|known| same(known, &record)) {
        Some(known) => *known = record,
        None => all.push(record),
    }
}
