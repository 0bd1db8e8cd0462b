//! How the acts of people change the account. They are as free as people are: no permissions, no limits.

mod account;
mod candidacy;
mod children;
mod papers;

use crate::act::Act;
use crate::error::Error;
use crate::gate::Desk;
use crate::world::{Applicant, Opportunity, World};

/// What an act comes to: the id of what it made, if it made something.
type Made = Result<Option<String>, Error>;

impl Desk {
    /// Does what a person would.
    pub(crate) fn act(&self, act: Act) -> Made {
        let now = (self.clock)();
        perform(&mut self.world(), act, now)
    }

    pub(crate) fn add_applicant(&self, applicant: Applicant) -> String {
        let now = (self.clock)();
        self.world().apply(applicant, now)
    }
}

#[rustfmt::skip] // One act a line reads like the table it is.
fn perform(world: &mut World, act: Act, now: i64) -> Made {
    use Act::{
        AddFeedback, AddFile, AddNote, AddOffer, AddPanel, AddResume, AdvanceOffer, Anonymize, Apply, Archive, CreateApplication,
        DeactivateStage, DeleteOpportunity, DeletePosting, EditFeedback, LogFileAction, Merge, MoveStage, RefuseContact,
        RenameStage, Snooze, Touch,
    };
    match act {
        MoveStage { opportunity: id, stage, user } => candidacy::move_stage(world, &id, &stage, user, now),
        Archive { opportunity: id, reason } => candidacy::archive(world, &id, reason.as_deref(), now),
        Snooze { opportunity: id, until } => candidacy::snooze(world, &id, until, now),
        Touch { opportunity: id } => candidacy::touch(world, &id, now),
        DeleteOpportunity { opportunity: id, user } => candidacy::delete(world, &id, user, now),
        CreateApplication { opportunity: id, posting, user } => candidacy::apply(world, &id, &posting, user, now),
        Apply { applicant } => Ok(Some(world.apply(applicant, now))),
        AddNote { opportunity: id, text, user } => children::note(world, &id, text, user, now),
        AddFeedback { opportunity: id, text, user } => children::feedback(world, &id, &text, user, now),
        EditFeedback { opportunity: id, feedback, text } => children::edit(world, &id, &feedback, &text, now),
        AddPanel { opportunity: id, date, user } => children::panel(world, &id, date, user, now),
        AddOffer { opportunity: id, salary } => children::offer(world, &id, salary, now),
        AdvanceOffer { opportunity: id, offer } => children::advance(world, &id, &offer, now),
        AddFile { opportunity: id, name, user } => papers::file(world, &id, &name, user, now),
        AddResume { opportunity: id, user } => papers::resume(world, &id, user, now),
        LogFileAction { opportunity: id, action, user } => children::file(world, &id, action, user, now),
        DeletePosting { posting } => account::delete_posting(world, &posting, now),
        Anonymize { contact } => account::anonymize(world, &contact, now),
        Merge { contact, into } => account::merge(world, &contact, &into, now),
        RefuseContact { contact } => account::refuse_contact(world, &contact),
        RenameStage { stage, text } => account::change_stage(world, &stage, |stage| stage.text = text),
        DeactivateStage { stage } => account::change_stage(world, &stage, |stage| stage.active = false),
    }
}

fn opportunity<'w>(world: &'w World, id: &str) -> Result<&'w Opportunity, Error> {
    let found = world.opportunity(id);
    found.ok_or_else(|| Error::not_found("opportunity", id))
}

/// Who acts on an opportunity: the given user, else its owner.
fn author(world: &World, id: &str, user: Option<String>) -> Result<Option<String>, Error> {
    let owner = opportunity(world, id)?.owner.clone();
    match user {
        None => Ok(owner),
        Some(user) if world.account.user(&user).is_some() => Ok(Some(user)),
        Some(user) => Err(Error::not_found("user", &user)),
    }
}
