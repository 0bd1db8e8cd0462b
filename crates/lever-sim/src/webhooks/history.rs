//! What was sent. Lever keeps the last 1,000 requests.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::Value;

use super::faults::DeliveryAction;
use crate::world::Delivery;

const KEPT: usize = 1000;

/// One try to deliver an event, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeliveryEntry {
    /// Counts from 1 in order of completion.
    pub sequence: u64,
    /// When it was settled, by the simulator's clock.
    pub at_ms: i64,
    /// The webhook's id.
    pub webhook: String,
    /// The event's name, such as `candidateStageChange`.
    pub event: String,
    /// The token of the delivery; retries and duplicates have the same.
    pub token: String,
    /// 1 for the first try, up to 6.
    pub attempt: u32,
    /// The receiver's status; `None` when it gave none, or when nothing was sent.
    pub status: Option<u16>,
    /// Whether the receiver acknowledged it with a 2xx.
    pub acknowledged: bool,
    /// What the fault plan made of it.
    pub fault: Option<DeliveryAction>,
    /// The body as sent.
    pub body: Value,
}

/// The tries kept so far.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    last: u64,
    entries: VecDeque<DeliveryEntry>,
}

/// A try that has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tried {
    pub(super) attempt: u32,
    pub(super) status: Option<u16>,
    pub(super) fault: Option<DeliveryAction>,
    pub(super) at_ms: i64,
}

impl Tried {
    pub(super) fn acknowledged(&self) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
    }
}

impl History {
    pub(super) fn record(&self, delivery: &Delivery, body: Value, tried: Tried) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.last += 1;
        let entry = DeliveryEntry {
            sequence: log.last,
            at_ms: tried.at_ms,
            webhook: delivery.webhook.clone(),
            event: delivery.event.to_owned(),
            token: delivery.token.clone(),
            attempt: tried.attempt,
            status: tried.status,
            acknowledged: tried.acknowledged(),
            fault: tried.fault,
            body,
        };
        if log.entries.len() == KEPT {
            log.entries.pop_front();
        }
        log.entries.push_back(entry);
    }

    /// The tries kept, oldest first.
    pub(crate) fn entries(&self) -> Vec<DeliveryEntry> {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.entries.iter().cloned().collect()
    }
}
