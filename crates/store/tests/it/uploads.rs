use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use domain::export::{Asked, Export, File};
use domain::operation::{Failure, FailureKind, FileUpload, State, UploadTarget};
use domain::{ConnectionId, Operation, Write};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use store::{ReceivedFile, Recording, Store};
use tokio::io::AsyncReadExt as _;

use crate::support::*;

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
const PIECES: [&[u8]; 2] = [b"first ", b"and last"];

async fn received(store: &Store) -> ReceivedFile {
    let mut incoming = store.receive_file().await.unwrap();
    for piece in PIECES {
        incoming.write(piece).await.unwrap();
    }
    assert_eq!(incoming.size(), 14);
    incoming.finish().await.unwrap()
}

fn upload(connection: ConnectionId, number: u128, request_id: &str) -> Operation {
    Operation {
        write: Write::UploadFile(FileUpload {
            target: UploadTarget::Opportunity,
            name: "n".to_owned(),
            content_type: "t/t".to_owned(),
            size: 14,
            sha256: [0; 32],
            number: 0,
        }),
        ..operation(connection, number, request_id)
    }
}

fn settled(operation: &Operation, state: State) -> Operation {
    Operation {
        state,
        revision: operation.revision + 1,
        ..operation.clone()
    }
}

/// How many files wait in the folder of a store.
fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("uploads")).map_or(0, Iterator::count)
}

#[tokio::test]
async fn a_file_is_kept_with_its_operation_until_that_has_settled() {
    let (folder, store, c) = connected().await;
    assert!(!folder.path().join("uploads").exists());
    let file = received(&store).await;
    assert_eq!(file.size, 14);
    assert_eq!(file.sha256[..], Sha256::digest(PIECES.concat())[..]);
    let first = upload(c, 1, "r");
    let recording = store
        .record_operation_with_files(first.clone(), WEEK, vec![file])
        .await
        .unwrap();
    assert_eq!(recording, Recording::New(first.clone()));
    store.close().await.unwrap();

    let store = open(folder.path());
    let kept = store.kept_file(c, first.id, 0);
    assert!(kept.is_whole(14).await && !kept.is_whole(13).await);
    let mut bytes = Vec::new();
    let mut reader = kept.open().await.unwrap();
    reader.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, PIECES.concat());

    let open_still = settled(&first, State::Sending { since: at(1) });
    store.save_operation(open_still.clone()).await.unwrap();
    assert!(kept.is_whole(14).await);
    let done = settled(&open_still, State::Succeeded);
    store.save_operation(done).await.unwrap();
    assert!(!kept.is_whole(14).await);
    assert_eq!(files(folder.path()), 0);
}

/// What `tests/power` looks at from the side of the kernel.
#[tokio::test]
#[ignore = "for another program that traces it; does nothing by itself"]
async fn keeps_a_file_and_says_so() {
    let Some(folder) = std::env::var_os("FULCRUM_STORE_CRASH_FOLDER") else {
        return;
    };
    let store = open(Path::new(&folder));
    let c = connection(1);
    let created = store.create_connection(c.clone(), SecretString::from(KEY));
    created.await.unwrap();
    let file = received(&store).await;
    let recorded = store.record_operation_with_files(upload(c.id, 1, "r"), WEEK, vec![file]);
    recorded.await.unwrap();
    writeln!(std::io::stdout(), "acknowledged 1").unwrap();
}

#[tokio::test]
async fn the_same_asked_again_leaves_the_file_of_the_first() {
    let (folder, store, c) = connected().await;
    let first = upload(c, 1, "r");
    let file = received(&store).await;
    let recording = store.record_operation_with_files(first.clone(), WEEK, vec![file]);
    recording.await.unwrap();
    let file = received(&store).await;
    let again = store.record_operation_with_files(upload(c, 2, "r"), WEEK, vec![file]);
    assert_eq!(again.await.unwrap(), Recording::Existing(first.clone()));
    assert!(store.kept_file(c, first.id, 0).is_whole(14).await);
    assert_eq!(files(folder.path()), 1);
}

#[tokio::test]
async fn what_is_not_recorded_leaves_nothing() {
    let (folder, store, _c) = connected().await;
    let mut broken_off = store.receive_file().await.unwrap();
    broken_off.write(b"half").await.unwrap();
    assert_eq!(files(folder.path()), 1);
    drop(broken_off);
    drop(received(&store).await);
    assert_eq!(files(folder.path()), 0);
}

#[tokio::test]
async fn a_start_removes_files_without_an_open_operation_and_no_other() {
    let (folder, store, c) = connected().await;
    let (waiting, done) = (upload(c, 1, "waiting"), upload(c, 2, "done"));
    for operation in [&waiting, &done] {
        let file = received(&store).await;
        let recording = store.record_operation_with_files(operation.clone(), WEEK, vec![file]);
        recording.await.unwrap();
    }
    store
        .save_operation(settled(&done, State::Cancelled(None)))
        .await
        .unwrap();
    store.close().await.unwrap();
    let uploads = folder.path().join("uploads");
    let left = [
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301.part".to_owned(),
        format!("{c}.{}", done.id),
        format!("{c}.{}", upload(c, 3, "never").id),
        "something else".to_owned(),
    ];
    for name in &left {
        std::fs::write(uploads.join(name), "x").unwrap();
    }

    let store = open(folder.path());
    assert!(store.kept_file(c, waiting.id, 0).is_whole(14).await);
    assert_eq!(files(folder.path()), 1);
}

#[tokio::test]
async fn nobody_else_on_the_machine_can_read_a_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, store, _c) = connected().await;
    let _file = received(&store).await;
    let uploads = folder.path().join("uploads");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&uploads), 0o700);
    for entry in std::fs::read_dir(&uploads).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

fn export(connection: ConnectionId, number: u128, request_id: &str) -> Operation {
    let file = |resume| File {
        name: "n".to_owned(),
        content_type: "t/t".to_owned(),
        size: 14,
        sha256: [0; 32],
        resume,
    };
    let asked = Asked {
        files: vec![file(true), file(false)],
        ..Asked::default()
    };
    Operation {
        write: Write::Export(Box::new(Export::of(asked))),
        ..operation(connection, number, request_id)
    }
}

#[tokio::test]
async fn the_files_of_an_export_outlive_its_failure_and_go_with_its_content() {
    let (folder, store, c) = connected().await;
    let asked = export(c, 1, "r");
    let both = vec![received(&store).await, received(&store).await];
    store
        .record_operation_with_files(asked.clone(), WEEK, both)
        .await
        .unwrap();
    assert_eq!(files(folder.path()), 2);
    let failure = Failure {
        kind: FailureKind::Invalid,
        message: String::new(),
        details: Vec::new(),
    };
    let failed = settled(&asked, State::Failed(failure));
    store.save_operation(failed.clone()).await.unwrap();
    for number in [1, 2] {
        assert!(store.kept_file(c, asked.id, number).is_whole(14).await);
    }
    let month = failed.updated_at.plus(WEEK * 5);
    let pruned = store.prune(month).await.unwrap();
    assert_eq!(pruned.scrubbed_operations, 1);
    assert_eq!(files(folder.path()), 0);
}
