//! What became of the items of a bulk.

use super::{Failure, FailureKind, State};

/// How many items of a bulk ended in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// In Lever.
    pub succeeded: u32,
    /// Not in Lever.
    pub failed: u32,
    /// Nobody can tell.
    pub uncertain: u32,
    /// Withdrawn, or not needed any more.
    pub cancelled: u32,
    /// Kept back.
    pub held: u32,
    /// Under way or in line.
    pub open: u32,
}

impl Tally {
    /// Counts the items in these states.
    pub fn of<'a>(states: impl IntoIterator<Item = &'a State>) -> Tally {
        let mut tally = Tally::default();
        for state in states {
            *match state {
                State::Succeeded => &mut tally.succeeded,
                State::Failed(_) => &mut tally.failed,
                State::Uncertain(_) => &mut tally.uncertain,
                State::Cancelled(_) => &mut tally.cancelled,
                State::Held { .. } => &mut tally.held,
                State::Recorded { .. } | State::Sending { .. } | State::Reconciling { .. } => {
                    &mut tally.open
                }
            } += 1;
        }
        tally
    }

    /// Whether every item has settled.
    pub fn settled(&self) -> bool {
        self.held == 0 && self.open == 0
    }

    /// What the bulk as a whole came to: as bad as its worst item, and cancelled if all were.
    pub fn outcome(&self) -> State {
        let failure = |kind, message: String| Failure {
            kind,
            message,
            details: vec![
                ("failed".to_owned(), self.failed.to_string()),
                ("uncertain".to_owned(), self.uncertain.to_string()),
            ],
        };
        let all = self.succeeded + self.failed + self.uncertain + self.cancelled;
        if self.uncertain > 0 {
            let message = format!(
                "of {all} items {} are uncertain and {} failed: see each",
                self.uncertain, self.failed
            );
            State::Uncertain(failure(FailureKind::ItemsFailed, message))
        } else if self.failed > 0 {
            let message = format!("of {all} items {} failed: see each", self.failed);
            State::Failed(failure(FailureKind::ItemsFailed, message))
        } else if self.succeeded == 0 {
            State::Cancelled(None)
        } else {
            State::Succeeded
        }
    }
}
