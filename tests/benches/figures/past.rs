//! What a month of work leaves behind beside a mirror: writes to Lever and the log of calls to it.

use std::time::SystemTime;

use domain::operation::{Failure, FailureKind, State};
use domain::{ActingBecause, Operation, OperationId, Timestamp, Write};
use futures::StreamExt;
use store::{ApiCall, Options, Store};
use uuid::Uuid;

use crate::people::{People, mixed, opportunity_id};

/// Writes that have settled, the newest a moment ago: one in twenty failed.
const OPERATIONS: usize = 5_000;
/// Of those, how many are held yet.
const HELD: usize = 200;
/// Calls to Lever, five for each second of the past: one in fifty went wrong.
const CALLS: usize = 50_000;
/// What is recorded together shares a flush.
const AT_ONCE: usize = 64;
const DAY_MS: i64 = 86_400_000;

/// Adds what is missing of them; those of an earlier run are still there unless they have grown old.
pub(crate) async fn lived(people: &People) {
    let folder = people.folder.clone();
    let opened =
        tokio::task::spawn_blocking(move || Store::open(&folder, Options::default())).await;
    let store = opened.expect("no panic").expect("the store of the mirror");
    let there = store.operations(people.connection, None, None, OPERATIONS);
    if there.await.expect("read").len() < OPERATIONS {
        let now = SystemTime::UNIX_EPOCH
            .elapsed()
            .expect("a clock after 1970");
        let now = Timestamp::from_millis(now.as_millis() as i64);
        record(people, &store, now).await;
        note(people, &store, now).await;
    }
    store.close().await.expect("closed");
}

async fn record(people: &People, store: &Store, now: Timestamp) {
    let operations = (0..OPERATIONS).map(|at| {
        let operation = operation(people, at, now);
        let recording = store.record_operation(operation, std::time::Duration::ZERO);
        async move { recording.await.expect("recorded") }
    });
    let recorded = futures::stream::iter(operations).buffer_unordered(AT_ONCE);
    recorded.for_each(|_| async {}).await;
}

/// One of them; the higher its number, the newer it is.
fn operation(people: &People, at: usize, now: Timestamp) -> Operation {
    let age = (OPERATIONS - at) as i64 * (20 * DAY_MS / OPERATIONS as i64);
    let created = Timestamp::from_millis(now.as_millis() - age);
    let moment = uuid::Timestamp::from_unix_time(created.as_millis() as u64 / 1_000, 0, 0, 0);
    let id = Uuid::new_v7(moment);
    let write = match at % 3 {
        0 => Write::AddTags {
            tags: vec!["shortlist".to_owned()],
        },
        1 => Write::AddSources {
            sources: vec!["LinkedIn".to_owned()],
        },
        _ => Write::RemoveTags {
            tags: vec!["search 7".to_owned()],
        },
    };
    let state = match at {
        at if at + HELD >= OPERATIONS => State::Held {
            release_at: Timestamp::from_millis(now.as_millis() + 20 * DAY_MS),
        },
        at if at.is_multiple_of(20) => State::Failed(Failure {
            kind: FailureKind::Invalid,
            message: "Lever has no such tag".to_owned(),
            details: Vec::new(),
        }),
        _ => State::Succeeded,
    };
    Operation {
        id: OperationId::with_room(id),
        connection: people.connection,
        parent: None,
        opportunity: opportunity_id(mixed(at as u64) as usize % people.number).into(),
        request_id: format!("past-{id}"),
        digest: [1; 32],
        write,
        steps: Vec::new(),
        state,
        attempts: Vec::new(),
        result_id: None,
        answer: None,
        acting_user: None,
        acting_because: ActingBecause::Nobody,
        passed_over: None,
        asked_for: None,
        found: Vec::new(),
        left_out: Vec::new(),
        rpc: None,
        marker: created,
        asked_by: "product".to_owned(),
        created_at: created,
        queued_at: created,
        minds_provenance: false,
        acted_before: Vec::new(),
        unseen: None,
        restored_at: None,
        updated_at: created,
        revision: 0,
    }
}

async fn note(people: &People, store: &Store, now: Timestamp) {
    let calls: Vec<ApiCall> = (0..CALLS)
        .map(|at| ApiCall {
            at: Timestamp::from_millis(now.as_millis() - 200 * (CALLS - at) as i64),
            operation: "listOpportunities".to_owned(),
            method: "GET".to_owned(),
            path: "/opportunities".to_owned(),
            status: Some(if at.is_multiple_of(50) { 503 } else { 200 }),
            elapsed_ms: mixed(at as u64) % 400,
            waited_ms: 0,
            attempt: 1,
            lane: "backfill".to_owned(),
            write: None,
            rpc: None,
            permission_test: false,
        })
        .collect();
    let noted = store.note_calls(people.connection, calls);
    noted.await.expect("noted");
}
