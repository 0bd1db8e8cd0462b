//! Counting operations as they come and end, and saying so in the log: here and nowhere else, so that what was recorded
//! or opened again, less what has settled, is what is open.

use domain::operation::State;
use domain::{Operation, Write};

use crate::error::logged;
use crate::figures::OPERATIONS;

/// Counts an operation that was recorded, in whatever state: what is refused or needless from the beginning has ended,
/// too.
pub(super) fn recorded(operation: &Operation) {
    count(operation, "recorded");
    if operation.state.settled() {
        ended(operation);
    }
}

/// Counts what a stored move has ended or opened again. One that a person closes while it is uncertain had ended before.
pub(crate) fn moved(before: &State, after: &Operation) {
    match (before.settled(), after.state.settled()) {
        (false, true) => ended(after),
        (true, false) => count(after, "retried"),
        (false, false) | (true, true) => {}
    }
}

fn ended(operation: &Operation) {
    let state = operation.state.name();
    count(operation, state);
    let (connection, kind) = (operation.connection, operation.write.kind());
    match &operation.write {
        Write::Bulk(bulk) => {
            let tally = bulk.tally.unwrap_or_default();
            tracing::info!(
                %connection, operation = operation.told_id(), state, succeeded = tally.succeeded, failed = tally.failed,
                uncertain = tally.uncertain, cancelled = tally.cancelled, rpc = operation.rpc, "bulk settled"
            );
        }
        _ => tracing::info!(
            %connection, operation = operation.told_id(), opportunity = logged(operation.opportunity.as_str()), kind, state,
            rpc = operation.rpc, "operation settled"
        ),
    }
}

fn count(operation: &Operation, event: &'static str) {
    metrics::counter!(OPERATIONS.name, "kind" => operation.write.kind(), "event" => event)
        .increment(1);
}
