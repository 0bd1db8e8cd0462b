//! Checking a whole store.

use std::path::Path;
use std::time::Duration;

use domain::identity::ContactPair;
use domain::operation::{Failure, FailureKind, State};
use domain::{Listing, MappingKind, Operation, Schedule, Stream};
use secrecy::SecretString;
use store::{
    ApiCall, Dismissal, Examined, Incoming, LinkPurpose, Nudge, Quarantined, Run, RunOutcome,
    StoredWebhook,
};
use tempfile::TempDir;

use crate::earlier_versions;
use crate::support::*;

fn check(folder: &Path) -> Examined {
    store::check(folder, &options(), &mut |_| {}).unwrap()
}

/// A closed store with something in every table.
pub(crate) async fn full() -> TempDir {
    let (folder, store, c) = connected().await;
    // A short document is in its head, a longer one in a table of its own, a very long one there in pieces.
    let document = |length| format!("{:?}", String::from_utf8(noise(length)).unwrap());
    let mut records = vec![
        tag("a", &document(5_000)),
        tag("b", "{}"),
        Incoming {
            raw: document(5_000),
            ..opportunity(candidacy("o", "s", 5))
        },
        opportunity(candidacy("gone", "s", 5)),
        Incoming {
            stream: Stream::EeoResponses,
            ..tag("r", &document(5_000))
        },
    ];
    records.push(tag("long", &document(200_000)));
    let mut first = page(c, 10, records);
    first.next = idle(10);
    first.deleted = vec![gone(Stream::Opportunities, "gone", 11)];
    first.quarantined = vec![Quarantined {
        stream: Stream::Tags,
        id: None,
        parent: None,
        raw: "{".to_owned(),
        reason: "no".to_owned(),
        at: at(1),
    }];
    store.apply(first).await.unwrap();
    let doubted = Operation {
        state: State::Uncertain(Failure {
            kind: FailureKind::Unknown,
            message: "m".to_owned(),
            details: Vec::new(),
        }),
        ..operation(c, 2, "s")
    };
    for operation in [operation(c, 1, "r"), doubted] {
        let recorded = store.record_operation(operation, Duration::ZERO);
        recorded.await.unwrap();
    }
    for kind in MappingKind::ALL {
        store.put_mapping(c, *kind, mapping(1), 0).await.unwrap();
    }
    let strangers = ContactPair::new("a".into(), "b".into()).unwrap();
    let dismissal = Dismissal {
        by: "ada".to_owned(),
        at: at(1),
    };
    store.dismiss(c, strangers, dismissal).await.unwrap();
    store.set_user_link(c, user_link("ada@a.b")).await.unwrap();
    change_issues(&store, c, vec![issue(1)], Vec::new()).await;
    let link = connect_link(1, LinkPurpose::Relink(c));
    assert!(store.create_connect_link(link, 9).await.unwrap());
    let hour = Schedule::every(Duration::from_secs(3600)).unwrap();
    store
        .set_schedule(c, Listing::Tags, Some(hour))
        .await
        .unwrap();
    let nudge = Nudge {
        event: "candidateHired".to_owned(),
        opportunity: None,
        contact: None,
        interview: None,
        at: at(1),
    };
    store.record_nudge(c, [1; 32], nudge).await.unwrap();
    let webhook = StoredWebhook {
        id: "w".to_owned(),
        event: "candidateHired".to_owned(),
        signature_token: SecretString::from("t"),
    };
    store.set_webhook(c, webhook).await.unwrap();
    give_signature_tokens(&store, c, &["t"]).await;
    store
        .note_run(Run {
            connection: c,
            listing: "tags".to_owned(),
            lane: None,
            began: at(1),
            ended: at(2),
            pages: 0,
            records: 0,
            changes: 0,
            requests: 0,
            outcome: RunOutcome::Succeeded,
            cause: None,
            scope: None,
            counts: None,
            cursors: None,
        })
        .await
        .unwrap();
    store
        .note_calls(
            c,
            vec![ApiCall {
                at: at(1),
                operation: "listTags".to_owned(),
                method: "GET".to_owned(),
                path: "/tags".to_owned(),
                status: Some(200),
                elapsed_ms: 1,
                waited_ms: 0,
                attempt: 1,
                lane: "sweep".to_owned(),
                write: None,
                rpc: None,
                permission_test: false,
            }],
        )
        .await
        .unwrap();
    store.close().await.unwrap();
    folder
}

#[tokio::test]
async fn a_sound_store_has_no_findings() {
    let folder = full().await;
    let mut told = 0;
    let examined = store::check(folder.path(), &options(), &mut |progress| {
        told = progress.entries;
    })
    .unwrap();
    assert_eq!(examined.findings, [""; 0]);
    assert!(examined.entries > 30);
    assert_eq!(told, examined.entries);
}

#[test]
fn a_store_of_the_first_version_has_no_findings() {
    let folder = earlier_versions::unpacked_first();
    assert_eq!(check(folder.path()).findings, [""; 0]);
}

#[tokio::test]
async fn a_store_that_is_pruned_and_forgotten_in_has_no_findings() {
    let folder = full().await;
    let store = open(folder.path());
    store
        .forget_person(id(1), &"o".into(), at(20))
        .await
        .unwrap();
    store.prune(at(40 * 24 * 3600 * 1000)).await.unwrap();
    store.remove_eeo(id(1)).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(check(folder.path()).findings, [""; 0]);
}

#[tokio::test]
async fn a_document_that_grows_and_shrinks_leaves_nothing_behind() {
    let (folder, store, c) = connected().await;
    for (at, length) in (10..).zip([10, 5_000, 6_000, 10, 200_000, 5_000, 10]) {
        let document = format!("{:?}", String::from_utf8(noise(length)).unwrap());
        let read = page(c, at, vec![tag("a", &document)]);
        store.apply(read).await.unwrap();
        // Read once more, unchanged.
        let again = page(c, at, vec![tag("a", &document)]);
        store.apply(again).await.unwrap();
        let record = store.record(c, Stream::Tags, "a").await.unwrap().unwrap();
        assert_eq!(record.raw, document);
    }
    store.close().await.unwrap();
    assert_eq!(check(folder.path()).findings, [""; 0]);
    let database = database(folder.path());
    for table in ["documents", "pieces"] {
        assert!(database.open_tree(table).unwrap().is_empty(), "{table}");
    }
}

/// Changes the values of a table behind the back of the store.
fn tamper(folder: &Path, table: &str, change: impl Fn(&sled::Tree, sled::IVec, sled::IVec)) {
    let database = database(folder);
    let tree = database.open_tree(table).unwrap();
    let (key, value) = tree.first().unwrap().unwrap();
    change(&tree, key, value);
    database.flush().unwrap();
}

fn flip(tree: &sled::Tree, key: sled::IVec, value: sled::IVec) {
    let mut value = value.to_vec();
    match value.last_mut() {
        Some(last) => *last ^= 1,
        // An index entry has no value.
        None => value.push(1),
    }
    tree.insert(key, value).unwrap();
}

fn remove(tree: &sled::Tree, key: sled::IVec, _value: sled::IVec) {
    tree.remove(key).unwrap();
}

#[tokio::test]
async fn an_altered_value_is_found_in_every_table() {
    let folder = full().await;
    for table in [
        "connections",
        "external_ids",
        "credentials",
        "mappings",
        "field_mappings",
        "export_settings",
        "listings",
        "heads",
        "documents",
        "candidacies",
        "by_stage",
        "by_contact",
        "counts",
        "sequences",
        "changes",
        "quarantine",
        "quarantine_counts",
        "operations",
        "open_operations",
        "uncertain_operations",
        "request_ids",
        "by_opportunity",
        "runs",
        "calls",
        "nudges",
        "nudge_tokens",
        "webhooks",
        "webhook_tokens",
        "schedules",
        "eeo_heads",
        "eeo_documents",
        "eeo_counts",
        "forgets",
        "dismissals",
        "user_links",
        "issues",
        "connect_links",
    ] {
        let tampered = copied(folder.path());
        tamper(tampered.path(), table, flip);
        let expected = format!("1 values in the table {table} cannot be read");
        let findings = check(tampered.path()).findings;
        assert!(findings.contains(&expected), "{table}: {findings:?}");
    }
}

#[tokio::test]
async fn a_piece_that_is_missing_is_found() {
    let folder = full().await;
    tamper(folder.path(), "pieces", remove);
    assert_eq!(
        check(folder.path()).findings,
        ["1 values in the table documents cannot be read"]
    );
}

#[tokio::test]
async fn what_does_not_belong_together_is_found() {
    let folder = full().await;
    for (table, expected) in [
        (
            "documents",
            "1 records in the table heads lack the document they belong to",
        ),
        (
            "heads",
            "1 documents in the table documents belong to no record",
        ),
        (
            "candidacies",
            "1 entries in the table by_contact lead nowhere",
        ),
        (
            "candidacies",
            "1 entries in the table by_stage lead nowhere",
        ),
        (
            "operations",
            "1 entries in the table open_operations lead nowhere",
        ),
        (
            "operations",
            "1 entries in the table request_ids lead nowhere",
        ),
        (
            "operations",
            "1 entries in the table by_opportunity lead nowhere",
        ),
        (
            "counts",
            "the records of tags of the connection 00000000-0000-0000-0000-000000000001 are miscounted",
        ),
    ] {
        let tampered = copied(folder.path());
        tamper(tampered.path(), table, remove);
        let findings = check(tampered.path()).findings;
        assert!(
            findings.iter().any(|found| found == expected),
            "{findings:?}"
        );
    }
}

fn copied(folder: &Path) -> TempDir {
    let target = tempfile::tempdir().unwrap();
    copy(folder, target.path());
    target
}

#[test]
fn where_there_is_no_store_none_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    for path in [folder.path(), &missing] {
        let checked = store::check(path, &options(), &mut |_| {}).unwrap_err();
        let compacted = store::compact(path, &options(), &mut |_| {}).unwrap_err();
        assert_eq!(checked.kind(), &store::ErrorKind::NotFound);
        assert_eq!(compacted.kind(), &store::ErrorKind::NotFound);
    }
    assert!(!missing.exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
