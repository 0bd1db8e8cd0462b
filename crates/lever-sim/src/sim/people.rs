//! The commonest acts by name. Each is one [`Act`], done by the owner of the opportunity.

use super::Sim;
use crate::act::Act;
use crate::error::Error;
use crate::world::Applicant;

impl Sim {
    /// A person moves an opportunity to a stage.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for an unknown opportunity or stage.
    pub fn move_stage(&self, id: &str, stage: &str) -> Result<(), Error> {
        self.simply(Act::MoveStage {
            opportunity: id.to_owned(),
            stage: stage.to_owned(),
            user: None,
        })
    }

    /// A person archives an opportunity, changes the reason, or with `None` unarchives it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for an unknown opportunity or reason.
    pub fn archive(&self, id: &str, reason: Option<&str>) -> Result<(), Error> {
        self.simply(Act::Archive {
            opportunity: id.to_owned(),
            reason: reason.map(str::to_owned),
        })
    }

    /// A person deletes an opportunity.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for an unknown opportunity.
    pub fn delete(&self, id: &str) -> Result<(), Error> {
        self.simply(Act::DeleteOpportunity {
            opportunity: id.to_owned(),
            user: None,
        })
    }

    /// A person snoozes an opportunity until a time in milliseconds, or with `None` wakes it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for an unknown opportunity.
    pub fn snooze(&self, id: &str, until: Option<i64>) -> Result<(), Error> {
        self.simply(Act::Snooze {
            opportunity: id.to_owned(),
            until,
        })
    }

    /// Something that no attribute shows moves `updatedAt`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for an unknown opportunity.
    pub fn touch(&self, id: &str) -> Result<(), Error> {
        self.simply(Act::Touch {
            opportunity: id.to_owned(),
        })
    }

    /// A person writes a note; returns its id.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for an unknown opportunity.
    pub fn add_note(&self, id: &str, text: &str) -> Result<String, Error> {
        let act = Act::AddNote {
            opportunity: id.to_owned(),
            text: text.to_owned(),
            user: None,
        };
        Ok(self.act(act)?.expect("a note has an id"))
    }

    /// Somebody applies on the job site; returns the id of the new opportunity.
    pub fn add_applicant(&self, applicant: Applicant) -> String {
        self.desk.add_applicant(applicant)
    }

    fn simply(&self, act: Act) -> Result<(), Error> {
        self.act(act).map(|_| ())
    }
}
