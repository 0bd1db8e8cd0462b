//! Runs and calls: what is kept about the traffic with Lever.

use domain::OperationId;
use store::{
    Answered, ApiCall, CallFilter, CallMark, ErrorKind, Experience, Run, RunFilter, RunOutcome,
    Store,
};
use uuid::Uuid;

use crate::support::*;

fn run(listing: &str, began: i64) -> Run {
    Run {
        connection: id(1),
        listing: listing.to_owned(),
        lane: None,
        began: at(began),
        ended: at(began + 5),
        pages: 1,
        records: 2,
        changes: 3,
        requests: 4,
        outcome: RunOutcome::Succeeded,
        cause: None,
        scope: None,
        counts: None,
        cursors: None,
    }
}

fn call(operation: &str, sent: i64, status: Option<u16>) -> ApiCall {
    ApiCall {
        at: at(sent),
        operation: operation.to_owned(),
        method: "GET".to_owned(),
        path: "/opportunities/{opportunity}/notes".to_owned(),
        status,
        elapsed_ms: 7,
        waited_ms: 8,
        attempt: 1,
        lane: "follow".to_owned(),
        write: Some(OperationId::new(Uuid::from_u128(9))),
        rpc: None,
        permission_test: false,
    }
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_page_by_page() {
    let (_folder, store, c) = connected().await;
    let mut runs = vec![
        run("notes", 30),
        run("users", 20),
        run("notes", 20),
        run("notes", 10),
    ];
    runs[1].outcome = RunOutcome::Forbidden("find all users".to_owned());
    for run in runs.iter().rev() {
        store.note_run(run.clone()).await.unwrap();
    }
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.runs(c, RunFilter::default(), after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.began, last.listing.clone()));
        found.extend(page);
    }
    assert_eq!(found, runs);
    assert_eq!(
        store
            .runs(id(2), RunFilter::default(), None, 9)
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn runs_are_found_by_listing_time_and_outcome() {
    let (_folder, store, c) = connected().await;
    let mut failed = run("users", 20);
    failed.outcome = RunOutcome::Failed("no answer".to_owned());
    for run in [run("notes", 10), failed.clone(), run("notes", 30)] {
        store.note_run(run).await.unwrap();
    }
    let found = async |filter| -> Vec<i64> {
        let runs = store.runs(c, filter, None, 9).await.unwrap();
        runs.iter().map(|run| run.began.as_millis()).collect()
    };
    let notes = RunFilter {
        listing: Some("notes".to_owned()),
        ..RunFilter::default()
    };
    assert_eq!(found(notes).await, [30, 10]);
    let between = RunFilter {
        from: Some(at(10)),
        until: Some(at(30)),
        ..RunFilter::default()
    };
    assert_eq!(found(between).await, [20, 10]);
    let only_failed = RunFilter {
        only_failed: true,
        ..RunFilter::default()
    };
    assert_eq!(found(only_failed).await, [20]);
}

#[tokio::test]
async fn a_run_noted_twice_is_one_run() {
    let (_folder, store, c) = connected().await;
    store.note_run(run("notes", 10)).await.unwrap();
    let ended = Run {
        pages: 99,
        ..run("notes", 10)
    };
    store.note_run(ended.clone()).await.unwrap();
    assert_eq!(
        store.runs(c, RunFilter::default(), None, 9).await.unwrap(),
        [ended]
    );
}

async fn all_calls(store: &Store, filter: &CallFilter, limit: usize) -> Vec<ApiCall> {
    let mut calls = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .calls(id(1), filter.clone(), after, limit)
            .await
            .unwrap();
        assert!(page.calls.len() <= limit);
        calls.extend(page.calls);
        match page.next {
            // Through bytes, as a page token takes it.
            Some(next) => after = Some(CallMark::from_bytes(next.to_bytes())),
            None => return calls,
        }
    }
}

/// Three flushes; the second begins at the moment the first began.
async fn with_calls() -> (tempfile::TempDir, Store, Vec<ApiCall>) {
    let (folder, store, c) = connected().await;
    let calls: Vec<_> = (0..30)
        .map(|n| {
            let status = [Some(200), Some(429), None][n as usize % 3];
            call(
                ["listNotes", "listUsers"][n as usize % 2],
                n * 100_000,
                status,
            )
        })
        .collect();
    store.note_calls(c, calls[..10].to_vec()).await.unwrap();
    let mut rest = calls[10..].to_vec();
    rest.reverse();
    store.note_calls(c, rest).await.unwrap();
    store.note_calls(c, Vec::new()).await.unwrap();
    (folder, store, calls)
}

#[tokio::test]
async fn calls_are_listed_newest_first_and_page_by_page() {
    let (_folder, store, calls) = with_calls().await;
    let newest_first: Vec<_> = calls.into_iter().rev().collect();
    for limit in [1, 3, 7, 30, 99] {
        assert!(all_calls(&store, &CallFilter::default(), limit).await == newest_first);
    }
}

#[tokio::test]
async fn calls_noted_at_the_same_moment_are_all_kept() {
    let (_folder, store, c) = connected().await;
    for _ in 0..3 {
        store
            .note_calls(c, vec![call("listNotes", 5, None)])
            .await
            .unwrap();
    }
    assert_eq!(all_calls(&store, &CallFilter::default(), 2).await.len(), 3);
}

#[tokio::test]
async fn a_no_that_a_test_of_permissions_asked_for_is_no_failure() {
    let (_folder, store, c) = connected().await;
    let statuses = [None, Some(200), Some(403), Some(404), Some(429), Some(503)];
    for (sent, status) in (0..).zip(statuses) {
        let tested = ApiCall {
            permission_test: true,
            ..call("listNotes", sent, status)
        };
        store.note_calls(c, vec![tested]).await.unwrap();
    }
    let failed = CallFilter {
        answered: Some(Answered::NotWell),
        ..CallFilter::default()
    };
    let failed = all_calls(&store, &failed, 99).await;
    let failed: Vec<_> = failed.iter().map(|call| call.status).collect();
    assert_eq!(failed, [Some(503), Some(429), None]);
}

#[tokio::test]
async fn calls_are_found_by_time_operation_and_answer() {
    let (_folder, store, calls) = with_calls().await;
    let is = |wanted: &dyn Fn(&ApiCall) -> bool| -> Vec<ApiCall> {
        calls
            .iter()
            .rev()
            .filter(|call| wanted(call))
            .cloned()
            .collect()
    };
    let any = CallFilter::default;
    let (from, until) = (at(600_000), at(2_000_000));
    for (filter, wanted) in [
        (
            CallFilter {
                from: Some(from),
                until: Some(until),
                ..any()
            },
            is(&|call| call.at >= from && call.at < until),
        ),
        (
            CallFilter {
                operation: Some("listUsers".to_owned()),
                ..any()
            },
            is(&|call| call.operation == "listUsers"),
        ),
        (
            CallFilter {
                answered: Some(Answered::With(429)),
                ..any()
            },
            is(&|call| call.status == Some(429)),
        ),
        (
            CallFilter {
                answered: Some(Answered::NotAtAll),
                from: Some(from),
                ..any()
            },
            is(&|call| call.status.is_none() && call.at >= from),
        ),
        (
            CallFilter {
                answered: Some(Answered::NotWell),
                ..any()
            },
            is(&|call| call.status != Some(200)),
        ),
    ] {
        assert!(!wanted.is_empty());
        for limit in [2, 99] {
            assert!(
                all_calls(&store, &filter, limit).await == wanted,
                "{filter:?}"
            );
        }
    }
}

#[tokio::test]
async fn nothing_is_noted_for_a_connection_that_is_gone() {
    let (_folder, store, c) = connected().await;
    store.delete_connection(c).await.unwrap();
    let refused = [
        store.note_run(run("notes", 1)).await.unwrap_err(),
        store
            .note_calls(c, vec![call("listNotes", 1, None)])
            .await
            .unwrap_err(),
    ];
    assert!(
        refused
            .iter()
            .all(|error| *error.kind() == ErrorKind::NotFound)
    );
}

#[tokio::test]
async fn what_calls_came_to_is_told_by_operation_and_only_since_a_moment() {
    let (_folder, store, c) = connected().await;
    let calls = vec![
        call("getUser", 1, Some(200)),
        call("createOpportunityNote", 10, Some(403)),
        call("createOpportunityNote", 30, Some(201)),
        call("createOpportunityNote", 20, Some(200)),
        call("listTags", 30, Some(404)),
        call("listTags", 31, None),
    ];
    store.note_calls(c, calls).await.unwrap();
    let day = 24 * 3600 * 1000;
    store
        .note_calls(c, vec![call("listUsers", day, Some(403))])
        .await
        .unwrap();
    let found = store.experience(c, at(10)).await.unwrap();
    let note = Experience {
        succeeded_at: Some(at(30)),
        refused_at: Some(at(10)),
    };
    let users = Experience {
        succeeded_at: None,
        refused_at: Some(at(day)),
    };
    let expected = [("createOpportunityNote", note), ("listUsers", users)];
    assert_eq!(
        found,
        expected
            .map(|(operation, experience)| (operation.to_owned(), experience))
            .into()
    );
    assert_eq!(store.experience(id(8), at(0)).await.unwrap(), [].into());
}
