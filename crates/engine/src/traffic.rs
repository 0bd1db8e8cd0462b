//! What was called in Lever: counted at once, logged in batches.

use std::collections::BTreeSet;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lever::Attempt;
use store::ApiCall;

use crate::cause::Cause;
use crate::clock::Clock;
use crate::engine::Shared;
use crate::link::Link;

/// Calls waiting to be logged; at more the oldest are dropped, since Lever is worth more than its log.
const MOST: usize = 20_000;

/// How long a call waits at most before it is logged.
pub(crate) const FLUSH: Duration = Duration::from_secs(2);

/// The calls of one connection.
#[derive(Debug)]
pub(crate) struct Traffic {
    clock: Clock,
    requests: AtomicU64,
    calls: Mutex<Vec<ApiCall>>,
    reach: Mutex<Reach>,
}

/// Whether Lever answers, as far as the last calls tell. Bounded by the operations there are.
#[derive(Debug, Default)]
struct Reach {
    /// What was asked and not answered since Lever answered last.
    silent: BTreeSet<&'static str>,
    /// What alone was not answered while the rest was, and has not been answered since.
    alone: BTreeSet<&'static str>,
}

impl Reach {
    fn saw(&mut self, operation: &'static str, answered: bool) {
        if !answered {
            self.silent.insert(operation);
            return;
        }
        let silent = std::mem::take(&mut self.silent);
        if silent.len() == 1 {
            self.alone.extend(silent);
        }
        self.alone.remove(operation);
    }

    /// Whether nothing is answered, this operation like others.
    fn is_silent(&self, operation: &'static str) -> bool {
        self.silent.contains(operation) && !self.silent.is_subset(&self.alone)
    }
}

impl Traffic {
    pub(crate) fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            clock,
            requests: AtomicU64::new(0),
            calls: Mutex::new(Vec::new()),
            reach: Mutex::default(),
        })
    }

    /// Requests made since the start of the process.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Takes note of an attempt that has ended.
    pub(crate) fn note(&self, attempt: &Attempt) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.reach()
            .saw(attempt.operation, attempt.status.is_some_and(is_answer));
        let cause = Cause::present();
        let call = ApiCall {
            at: self.clock.now().minus(attempt.elapsed),
            operation: attempt.operation.to_owned(),
            method: attempt.method.as_str().to_owned(),
            path: attempt.path_template.to_owned(),
            status: attempt.status,
            elapsed_ms: millis(attempt.elapsed),
            waited_ms: millis(attempt.waited),
            attempt: attempt.attempt,
            lane: attempt.lane.as_str().to_owned(),
            write: cause.operation,
            rpc: cause.rpc.map(|rpc| rpc.to_string()),
            permission_test: cause.permission_test,
        };
        let mut calls = self.waiting();
        if calls.len() >= MOST {
            metrics::counter!(crate::figures::LEVER_NOT_LOGGED.name).increment(1);
            return;
        }
        calls.push(call);
    }

    /// Whether a call failed because Lever answers nothing, and not because what was asked is not answered.
    pub(crate) fn is_silent(&self, error: &lever::Error) -> bool {
        match error.kind() {
            _ if error.had_no_turn() => false,
            lever::ErrorKind::Unreachable => true,
            lever::ErrorKind::Lost | lever::ErrorKind::Unavailable { .. } => {
                self.reach().is_silent(error.operation())
            }
            _ => false,
        }
    }

    fn reach(&self) -> std::sync::MutexGuard<'_, Reach> {
        self.reach.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<ApiCall> {
        mem::take(&mut self.waiting())
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<ApiCall>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Logs what was called since the last time. What cannot be stored is lost: it is a log, not a record.
pub(crate) async fn log(shared: &Shared, link: &Link) {
    let calls = link.traffic().take();
    if calls.is_empty() {
        return;
    }
    if let Err(error) = shared.store.note_calls(link.id(), calls).await {
        tracing::debug!(connection = %link.id(), error = %crate::report(&error), "calls are not logged");
    }
}

/// Logs calls every now and then, and once more at the end.
pub(crate) async fn run(shared: Arc<Shared>, link: Arc<Link>) {
    loop {
        tokio::select! {
            () = link.stop.cancelled() => break,
            () = tokio::time::sleep(FLUSH) => log(&shared, &link).await,
        }
    }
    log(&shared, &link).await;
}

/// Whether a status is an answer to what was asked: no failure of the server.
fn is_answer(status: u16) -> bool {
    !matches!(status, 408 | 500..=599)
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(calls: &[(&'static str, bool)]) -> Reach {
        let mut reach = Reach::default();
        for (operation, answered) in calls {
            reach.saw(operation, *answered);
        }
        reach
    }

    #[test]
    fn lever_is_silent_until_anything_is_answered() {
        assert!(after(&[("a", false)]).is_silent("a"));
        assert!(after(&[("a", false), ("b", false)]).is_silent("a"));
        assert!(!after(&[("a", false), ("b", true)]).is_silent("a"));
        assert!(!after(&[("a", true)]).is_silent("a"));
    }

    #[test]
    fn what_alone_is_not_answered_is_no_silence_of_lever_until_others_are_not_answered_either() {
        let alone = [("a", false), ("b", true), ("a", false)];
        assert!(!after(&alone).is_silent("a"));
        let both = [alone.as_slice(), &[("b", false)]].concat();
        assert!(after(&both).is_silent("a"));
        let answered = [alone.as_slice(), &[("a", true), ("a", false)]].concat();
        assert!(after(&answered).is_silent("a"));
    }
}
