//! How the acts of people change the account. They are as free as people are: no permissions, no limits.

use crate::act::Act;
use crate::error::Error;
use crate::gate::Desk;
use crate::world::{Applicant, Opportunity, World};

mod account;
mod children;

impl Desk {
    /// Does what a person would; the id of what it made, if it made something.
    pub(crate) fn act(&self, act: Act) -> Result<Option<String>, Error> {
        let now = (self.clock)();
        perform(&mut self.world(), act, now)
    }

    pub(crate) fn add_applicant(&self, applicant: Applicant) -> String {
        let now = (self.clock)();
        self.world().apply(applicant, now)
    }
}

fn perform(world: &mut World, act: Act, now: i64) -> Result<Option<String>, Error> {
    match act {
        Act::MoveStage {
            opportunity: id,
            stage,
            user,
        } => {
            let by = author(world, &id, user)?;
            let known = world.account.stage(&stage).filter(|stage| stage.active);
            known.ok_or_else(|| Error::not_found("stage", &stage))?;
            world.move_stage(&id, &stage, by, now);
        }
        Act::Archive {
            opportunity: id,
            reason,
        } => {
            opportunity(world, &id)?;
            if let Some(reason) = &reason {
                let known = world.account.reason(reason);
                known.ok_or_else(|| Error::not_found("archive reason", reason))?;
            }
            world.archive(&id, reason.as_deref(), now);
        }
        Act::Snooze {
            opportunity: id,
            until,
        } => {
            opportunity(world, &id)?;
            world.snooze(&id, until, now);
        }
        Act::Touch { opportunity: id } => {
            opportunity(world, &id)?;
            world.touch(&id, now);
        }
        Act::DeleteOpportunity {
            opportunity: id,
            user,
        } => {
            let by = author(world, &id, user)?;
            world.delete(&id, by, now);
        }
        Act::Apply { applicant } => return Ok(Some(world.apply(applicant, now))),
        Act::DeletePosting { .. }
        | Act::Anonymize { .. }
        | Act::CreateApplication { .. }
        | Act::RenameStage { .. }
        | Act::DeactivateStage { .. } => return account::perform(world, act, now),
        Act::AddNote { .. }
        | Act::AddFeedback { .. }
        | Act::EditFeedback { .. }
        | Act::AddPanel { .. }
        | Act::AddOffer { .. }
        | Act::AdvanceOffer { .. }
        | Act::LogFileAction { .. } => return children::perform(world, act, now),
    }
    Ok(None)
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
