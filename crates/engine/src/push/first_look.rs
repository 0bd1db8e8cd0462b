//! The look at a person before a try is noted: a crash during it leaves nothing that may have had an effect.

use domain::Operation;
use domain::operation::{Attempt, Event};
use lever::{Endpoint as _, GetOpportunity, Opportunity, Record};

use super::judge;
use super::plan;
use super::send::{attempt, fresh_read, is_absent, is_shown, lane, not_written};
use crate::engine::Shared;
use crate::link::Link;

/// What a look came to, and the call as it is kept: none where its status would tell somebody whom the caller may not
/// see from nobody.
pub(super) struct Look {
    pub(super) call: Option<Attempt>,
    /// The person, or how the operation ends.
    pub(super) found: Result<Record<Opportunity>, Event>,
}

/// Reads the opportunity of an operation as it is now.
pub(super) async fn look(shared: &Shared, link: &Link, operation: &Operation) -> Look {
    let client = link
        .client(lane(operation))
        .with_limits(shared.clients.single_try());
    let at = shared.clock.now();
    let answer = client.answer(&fresh_read(&operation.opportunity)).await;
    let step = plan::step_number(operation);
    let call = attempt(GetOpportunity::OPERATION.id, at, step, &answer);
    let hidden = || Look {
        call: None,
        found: Err(Event::Refused(judge::hidden(&operation.opportunity))),
    };
    match answer {
        Ok(answer) if !is_shown(shared, operation, &answer.value).await => hidden(),
        Ok(answer) => Look {
            call,
            found: Ok(answer.value),
        },
        Err(error) => {
            let event = not_written(&error);
            if operation.unseen.is_some() && is_absent(&event) {
                return hidden();
            }
            Look {
                call,
                found: Err(event),
            }
        }
    }
}

/// An operation that ends with the attempt about to be made, with the look before it.
pub(super) fn goes_on(
    shared: &Shared,
    mut operation: Operation,
    look: Option<Attempt>,
) -> Operation {
    let about_to_be_made = operation.attempts.pop().map(|made| Attempt {
        at: shared.clock.now(),
        ..made
    });
    let calls = look.into_iter().chain(about_to_be_made);
    calls.fold(operation, Operation::with_attempt)
}

/// The same where nothing is written after the look.
pub(super) fn ends(mut operation: Operation, look: Option<Attempt>) -> Operation {
    operation.attempts.pop();
    look.into_iter().fold(operation, Operation::with_attempt)
}
