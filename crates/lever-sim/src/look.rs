//! Everything about one opportunity in one look, for tests.

use serde_json::{Value, json};

use crate::gate::Desk;
use crate::world::{Feedback, Note, ProfileForm};

impl Desk {
    /// The opportunity, its contact, and all of its children, deleted ones included; `None` when it is unknown.
    pub(crate) fn all_of(&self, id: &str) -> Option<Value> {
        let mut world = self.world();
        world.grow(id);
        let found = world.opportunity(id)?;
        let (contact, children) = (world.contact_of(found), world.children(id));
        let (account, application) = (&world.account, found.application.as_ref());
        let referral = application.and_then(|it| it.referral.as_deref());
        let offers = children.offers.iter();
        let actions = children.file_actions.iter();
        Some(json!({
            "opportunity": world.json(found),
            "contact": contact.json(),
            "applications": list(application.into_iter().map(|it| it.json(id, contact))),
            "notes": list(found.notes.iter().map(Note::json)),
            "offers": list(offers.map(|it| it.json(account, found, contact))),
            "panels": list(children.panels.iter().map(|it| it.json(account))),
            "feedback": list(children.feedback.iter().map(Feedback::json)),
            "forms": list(children.forms.iter().map(ProfileForm::json)),
            "referrals": list(referral.into_iter().map(|it| it.json())),
            "resumes": list(children.resumes.iter().map(|it| it.json(id))),
            "files": list(children.files.iter().map(|it| it.json(id))),
            "file_actions": list(actions.map(|it| it.json(id))),
        }))
    }
}

fn list(records: impl Iterator<Item = Value>) -> Vec<Value> {
    records.collect()
}
