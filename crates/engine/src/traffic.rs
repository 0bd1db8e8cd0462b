//! What was called in Lever: counted at once, logged in batches.

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
}

impl Traffic {
    pub(crate) fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            clock,
            requests: AtomicU64::new(0),
            calls: Mutex::new(Vec::new()),
        })
    }

    /// Requests made since the start of the process.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Takes note of an attempt that has ended.
    pub(crate) fn note(&self, attempt: &Attempt) {
        self.requests.fetch_add(1, Ordering::Relaxed);
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
        };
        let mut calls = self.waiting();
        if calls.len() >= MOST {
            metrics::counter!(crate::figures::LEVER_NOT_LOGGED.name).increment(1);
            return;
        }
        calls.push(call);
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

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
