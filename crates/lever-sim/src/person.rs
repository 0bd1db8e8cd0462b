//! What people do in Lever itself, beside the API.

use crate::error::Error;
use crate::gate::Desk;
use crate::world::{Applicant, Comment, Note, Opportunity};

impl Desk {
    fn now(&self) -> i64 {
        (self.clock)()
    }

    pub(crate) fn move_stage(&self, id: &str, stage: &str) -> Result<(), Error> {
        let mut world = self.world();
        let opportunity = world
            .opportunity(id)
            .ok_or_else(|| Error::not_found("opportunity", id))?;
        world
            .account
            .stage(stage)
            .ok_or_else(|| Error::not_found("stage", stage))?;
        let by = opportunity.owner.clone();
        world.move_stage(id, stage, by, self.now());
        Ok(())
    }

    pub(crate) fn archive(&self, id: &str, reason: Option<&str>) -> Result<(), Error> {
        let mut world = self.world();
        world
            .opportunity(id)
            .ok_or_else(|| Error::not_found("opportunity", id))?;
        if let Some(reason) = reason {
            let known = world.account.reason(reason);
            known.ok_or_else(|| Error::not_found("archive reason", reason))?;
        }
        world.archive(id, reason, self.now());
        Ok(())
    }

    pub(crate) fn delete(&self, id: &str) -> Result<(), Error> {
        let mut world = self.world();
        let opportunity = world
            .opportunity(id)
            .ok_or_else(|| Error::not_found("opportunity", id))?;
        let by = opportunity.owner.clone();
        world.delete(id, by, self.now());
        Ok(())
    }

    pub(crate) fn snooze(&self, id: &str, until: Option<i64>) -> Result<(), Error> {
        let mut world = self.world();
        world
            .opportunity(id)
            .ok_or_else(|| Error::not_found("opportunity", id))?;
        world.snooze(id, until, self.now());
        Ok(())
    }

    pub(crate) fn touch(&self, id: &str) -> Result<(), Error> {
        let mut world = self.world();
        world
            .opportunity(id)
            .ok_or_else(|| Error::not_found("opportunity", id))?;
        world.touch(id, self.now());
        Ok(())
    }

    pub(crate) fn add_note(&self, id: &str, text: &str) -> Result<String, Error> {
        let (mut world, now) = (self.world(), self.now());
        let opportunity = world
            .opportunity(id)
            .ok_or_else(|| Error::not_found("opportunity", id))?;
        let comment = Comment::by_person(opportunity, text, now);
        let note_id = world.new_id();
        let note = Note::made_by_api(note_id.clone(), comment, false);
        world.add_note(
            id,
            Note {
                made_by_api: false,
                ..note
            },
            now,
        );
        Ok(note_id)
    }

    pub(crate) fn add_applicant(&self, applicant: Applicant) -> String {
        let now = self.now();
        self.world().apply(applicant, now)
    }
}

impl Comment {
    fn by_person(opportunity: &Opportunity, text: &str, at: i64) -> Comment {
        Comment {
            created_at: at,
            score: None,
            stage: opportunity.stage.clone(),
            user: opportunity.owner.clone(),
            value: text.to_owned(),
        }
    }
}
