use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::operation::State;
use domain::{MappingKind, Operation, Stream};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use store::{Error, ErrorKind, Options, Store, StoredRecord, TokenRecord, Tombstones};
use tempfile::TempDir;

use crate::support::*;

fn refusal(folder: &Path, options: Options) -> Error {
    Store::open(folder, options).unwrap_err()
}

/// A closed store with a few hundred records.
async fn closed() -> TempDir {
    let (folder, store, c) = connected().await;
    for number in 0..20 {
        let text = |n: i32| {
            format!(
                "{{\"n\":{n},\"noise\":{:?}}}",
                String::from_utf8(noise(900)).unwrap()
            )
        };
        let tags = (0..20)
            .map(|n| tag(&format!("{number}-{n}"), &text(n)))
            .collect();
        store.apply(page(c, number, tags)).await.unwrap();
    }
    store.close().await.unwrap();
    folder
}

/// The same store elsewhere, to damage.
fn copied(folder: &TempDir) -> (TempDir, PathBuf) {
    let target = tempfile::tempdir().unwrap();
    copy(folder.path(), target.path());
    let database = target.path().join("db/db");
    (target, database)
}

#[tokio::test]
async fn a_reopened_store_has_everything() {
    let (folder, store, c) = connected().await;
    let settings = store.connection(c).await.unwrap();
    let mut first = page(c, 10, vec![tag("a", "{\"x\": 1}")]);
    first.next = idle(10);
    store.apply(first).await.unwrap();
    store
        .put_mapping(c, MappingKind::Stages, mapping(1), 0)
        .await
        .unwrap();
    drop(store);

    let store = open(folder.path());
    assert_eq!(store.connection(c).await.unwrap(), settings);
    assert_eq!(
        store.api_key(c).await.unwrap().unwrap().expose_secret(),
        KEY
    );
    assert_eq!(store.cursors(c).await.unwrap().len(), 1);
    assert_eq!(
        store
            .record(c, Stream::Tags, "a")
            .await
            .unwrap()
            .unwrap()
            .raw,
        "{\"x\": 1}"
    );
    // The record and the mapping.
    assert_eq!(store.changes(c, 0, 9).await.unwrap().len(), 2);
    assert_eq!(
        store.mapping(c, MappingKind::Stages).await.unwrap(),
        Some(mapping(1))
    );
}

#[tokio::test]
async fn a_closed_store_refuses_its_other_clones() {
    let (_folder, store, c) = connected().await;
    let clone = store.clone();
    store.close().await.unwrap();
    let error = clone
        .apply(page(c, 10, vec![tag("a", "{}")]))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Closed);
}

#[test]
fn a_store_that_is_open_is_not_opened_again() {
    let (folder, _store) = fresh();
    let error = refusal(
        folder.path(),
        Options {
            lock_wait: Duration::ZERO,
            ..options()
        },
    );
    assert_eq!(error.kind(), &ErrorKind::InUse);
}

#[test]
fn the_folder_and_the_key_are_for_their_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/store");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let with_reserve = || Options {
        reserve_bytes: 1_000,
        ..options()
    };
    drop(Store::open(&path, with_reserve()).unwrap());
    assert_eq!(mode(&path), 0o700);
    for file in ["master.key", "seq", "seq.live", "reserve"] {
        assert_eq!(mode(&path.join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&path.join("db")), 0o700);
    fs::set_permissions(path.join("db"), fs::Permissions::from_mode(0o755)).unwrap();
    drop(open(&path));
    assert_eq!(mode(&path.join("db")), 0o700, "of an earlier version");
}

#[test]
fn a_folder_with_other_files_is_not_a_store() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "").unwrap();
    assert_eq!(
        refusal(folder.path(), options()).kind(),
        &ErrorKind::NotAStore
    );
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "something was written"
    );
}

#[test]
fn a_store_whose_making_was_interrupted_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("creating"), "").unwrap();
    fs::create_dir(folder.path().join("db")).unwrap();
    drop(open(folder.path()));
    drop(open(folder.path()));
    assert!(!folder.path().join("creating").exists());
}

#[test]
fn what_needs_a_store_makes_none_and_says_where_it_looked() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("typo");
    let error = Store::open_existing(&nowhere, options()).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    let told = error.to_string();
    assert!(
        told.contains("typo") && told.contains("no such folder"),
        "{told}"
    );
    assert!(!nowhere.exists());
    let check = |folder: &Path| store::check(folder, &options(), &mut |_| {}).unwrap_err();
    let error = check(folder.path());
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    assert!(error.to_string().contains("no database"), "{error}");
    fs::write(folder.path().join("thesis.tex"), "").unwrap();
    let error = check(folder.path());
    assert_eq!(error.kind(), &ErrorKind::NotAStore);
    assert!(
        error
            .to_string()
            .contains("(thesis.tex) and is not a store"),
        "{error}"
    );
}

#[test]
fn a_stray_file_beside_a_store_is_named_and_the_store_is_not_denied() {
    let (folder, store) = fresh();
    drop(store);
    fs::write(folder.path().join("notes.txt"), "").unwrap();
    let checked = store::check(folder.path(), &options(), &mut |_| {}).unwrap_err();
    for error in [checked, refusal(folder.path(), options())] {
        assert_eq!(error.kind(), &ErrorKind::NotAStore);
        let told = error.to_string();
        let plain = told.contains("holds a store and beside it notes.txt")
            && told.contains("move that elsewhere");
        assert!(plain, "{told}");
    }
    fs::remove_file(folder.path().join("notes.txt")).unwrap();
    let checked = store::check(folder.path(), &options(), &mut |_| {}).unwrap();
    assert!(checked.findings.is_empty());
}

#[test]
fn what_the_system_refuses_is_told_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let error = refusal(&folder.path().join("file/below"), options());
    assert!(error.told().contains("Not a directory"), "{}", error.told());
}

#[tokio::test]
async fn garbage_in_place_of_the_data_is_refused() {
    let folder = closed().await;
    let length = fs::metadata(folder.path().join("db/db")).unwrap().len() as usize;
    for (from, to) in [(0, length), (0, 4096), (0, length / 2)] {
        let (target, database) = copied(&folder);
        let mut bytes = fs::read(&database).unwrap();
        bytes[from..to].copy_from_slice(&noise(to - from));
        fs::write(&database, bytes).unwrap();
        refused_as_damaged(target.path());
    }
}

#[tokio::test]
async fn a_truncated_or_missing_database_is_refused() {
    let folder = closed().await;
    let length = fs::metadata(folder.path().join("db/db")).unwrap().len();
    for kept in [0, 100, length / 8, length / 2] {
        let (target, database) = copied(&folder);
        fs::OpenOptions::new()
            .write(true)
            .open(&database)
            .unwrap()
            .set_len(kept)
            .unwrap();
        refused_as_damaged(target.path());
    }
    let (target, database) = copied(&folder);
    fs::remove_file(database).unwrap();
    refused_as_damaged(target.path());
    let (target, _database) = copied(&folder);
    fs::remove_dir_all(target.path().join("db")).unwrap();
    refused_as_damaged(target.path());
    let (target, _database) = copied(&folder);
    fs::remove_file(target.path().join("db/conf")).unwrap();
    let opened = Store::open(target.path(), options());
    assert!(opened.is_err() || opened.unwrap().connection(id(1)).await.unwrap().is_some());
}

fn refused_as_damaged(folder: &Path) {
    // The second start must not take what the first left for a new store.
    for _ in 0..2 {
        let error = refusal(folder, options());
        let refused = matches!(error.kind(), ErrorKind::Damaged | ErrorKind::Lost { .. });
        assert!(refused, "refused as {:?}", error.kind());
    }
}

#[tokio::test]
async fn an_older_copy_of_the_database_is_refused_unless_the_loss_is_accepted() {
    let folder = closed().await;
    let older = copied(&folder).0;
    let store = open(folder.path());
    store
        .apply(page(id(1), 100, vec![tag("new", "{}")]))
        .await
        .unwrap();
    store
        .apply(page(id(1), 101, vec![tag("newer", "{}")]))
        .await
        .unwrap();
    store.close().await.unwrap();
    fs::remove_dir_all(folder.path().join("db")).unwrap();
    copy(&older.path().join("db"), &folder.path().join("db"));

    let error = refusal(folder.path(), options());
    assert_eq!(error.kind(), &ErrorKind::Lost { commits: 2 });
    assert!(error.to_string().contains("lost 2 commits"));
    let store = Store::open(
        folder.path(),
        Options {
            accept_loss: true,
            ..options()
        },
    )
    .unwrap();
    assert_eq!(store.count(id(1), Stream::Tags).await.unwrap(), 400);
    store.close().await.unwrap();
    drop(open(folder.path()));
}

/// Its files agree with each other: only the snapshot beside them tells that there was more.
#[tokio::test]
async fn an_older_copy_of_everything_but_the_snapshots_is_refused_unless_the_loss_is_accepted() {
    let folder = closed().await;
    let older = copied(&folder).0;
    let store = open(folder.path());
    let record = async |store: &Store, number| {
        let asked = operation(id(1), number, &format!("r{number}"));
        let recorded = store.record_operation(asked, Duration::ZERO).await;
        recorded.unwrap();
    };
    record(&store, 1).await;
    record(&store, 2).await;
    let snapshot = store.snapshot(at(1), 8).await.unwrap().unwrap();
    store.close().await.unwrap();
    fs::remove_dir_all(folder.path().join("db")).unwrap();
    for name in ["db", "seq", "seq.live"] {
        let (from, to) = (older.path().join(name), folder.path().join(name));
        match from.is_dir() {
            true => copy(&from, &to),
            false => drop(fs::copy(&from, &to).unwrap()),
        }
    }

    for _ in 0..2 {
        let error = refusal(folder.path(), options());
        assert_eq!(error.kind(), &ErrorKind::Lost { commits: 2 });
        let told = error.to_string();
        let named = told.contains(snapshot.path.to_str().unwrap());
        assert!(named && told.contains("accept_loss"), "{told}");
    }
    let accepting = Options {
        accept_loss: true,
        ..options()
    };
    // Once is enough, also where nothing is written then.
    let store = Store::open(folder.path(), accepting).unwrap();
    store.close().await.unwrap();
    let store = open(folder.path());
    record(&store, 3).await;
    // It counts on above what was lost: what is ours now is in a snapshot of its own, and the next start is an ordinary one.
    let next = store.snapshot(at(2), 8).await.unwrap().unwrap();
    assert!(next.commit > snapshot.commit && snapshot.path.exists());
    store.close().await.unwrap();
    open(folder.path()).close().await.unwrap();
}

/// Snapshots of another store that somebody has put there say nothing about this one.
#[tokio::test]
async fn a_snapshot_of_another_store_refuses_no_start() {
    let folder = closed().await;
    let (other, store, c) = connected().await;
    for number in 1..60 {
        let asked = operation(c, number, &format!("r{number}"));
        store.record_operation(asked, Duration::ZERO).await.unwrap();
    }
    let snapshot = store.snapshot(at(1), 8).await.unwrap().unwrap();
    assert!(snapshot.commit > commits(folder.path()));
    store.close().await.unwrap();
    copy(
        &other.path().join("snapshots"),
        &folder.path().join("snapshots"),
    );
    open(folder.path()).close().await.unwrap();
}

#[tokio::test]
async fn a_store_that_nothing_counted_is_opened_only_by_who_accepts_a_loss() {
    let folder = closed().await;
    let [sidecar, live] = ["seq", "seq.live"].map(|name| folder.path().join(name));
    let before = fs::read(&sidecar).unwrap();
    fs::remove_file(&sidecar).unwrap();
    open(folder.path()).close().await.unwrap();
    assert_eq!(
        fs::read(&sidecar).unwrap(),
        before,
        "one of the two is enough"
    );

    fs::remove_file(&sidecar).unwrap();
    fs::remove_file(&live).unwrap();
    let error = refusal(folder.path(), options());
    assert_eq!(error.kind(), &ErrorKind::Damaged);
    assert!(error.to_string().contains("accept_loss"), "{error}");
    let accepting = Options {
        accept_loss: true,
        ..options()
    };
    let store = Store::open(folder.path(), accepting).unwrap();
    store.close().await.unwrap();
    assert_eq!(fs::read(&sidecar).unwrap(), before);

    fs::write(&sidecar, "nonsense").unwrap();
    assert_eq!(
        refusal(folder.path(), options()).kind(),
        &ErrorKind::Damaged
    );
}

#[tokio::test]
async fn a_flipped_byte_never_gives_a_wrong_value() {
    let folder = closed().await;
    let (_sound, database) = copied(&folder);
    let bytes = fs::read(&database).unwrap();
    let written: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    let truth = all_tags(&open(folder.path())).await.unwrap();
    let mut noticed = 0;
    for flip in 0..32 {
        let (target, database) = copied(&folder);
        let mut bytes = bytes.clone();
        bytes[written[flip * written.len() / 32]] ^= 0x10;
        fs::write(&database, bytes).unwrap();
        match Store::open(target.path(), options()) {
            Err(_refused) => noticed += 1,
            Ok(store) => match all_tags(&store).await {
                Ok(records) => assert!(records == truth, "flip {flip} gave other records"),
                Err(_error) => noticed += 1,
            },
        }
    }
    assert!(noticed > 0, "no flip hit anything that is still in use");
}

async fn all_tags(store: &Store) -> Result<Vec<StoredRecord>, Error> {
    store
        .records(id(1), Stream::Tags, None, 999, Tombstones::With)
        .await
}

#[tokio::test]
async fn another_master_key_or_none_is_refused() {
    let folder = closed().await;
    let mine = || vec![SecretBox::new(Box::new([7; 32]))];
    let error = refusal(
        folder.path(),
        Options {
            master_keys: mine(),
            ..options()
        },
    );
    assert_eq!(error.kind(), &ErrorKind::MasterKey);
    let key = folder.path().join("master.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(
        refusal(folder.path(), options()).kind(),
        &ErrorKind::MasterKey
    );
    fs::remove_file(&key).unwrap();
    assert_eq!(
        refusal(folder.path(), options()).kind(),
        &ErrorKind::MasterKey
    );
    assert!(!key.exists(), "a new key was made for an old store");

    let other = tempfile::tempdir().unwrap();
    drop(
        Store::open(
            other.path(),
            Options {
                master_keys: mine(),
                ..options()
            },
        )
        .unwrap(),
    );
    drop(
        Store::open(
            other.path(),
            Options {
                master_keys: mine(),
                ..options()
            },
        )
        .unwrap(),
    );
    assert!(!other.path().join("master.key").exists());
}

#[tokio::test]
async fn a_full_disk_refuses_starts_and_writes_but_not_reads() {
    let folder = closed().await;
    let error = refusal(
        folder.path(),
        Options {
            open_floor_bytes: u64::MAX,
            ..options()
        },
    );
    assert_eq!(error.kind(), &ErrorKind::DiskFull);
    let full = Options {
        write_floor_bytes: u64::MAX,
        backfill_floor_bytes: u64::MAX,
        ..options()
    };
    let store = Store::open(folder.path(), full).unwrap();
    assert!(!store.backfill_allowed());
    let error = store
        .apply(page(id(1), 100, vec![tag("new", "{}")]))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::DiskFull);
    let created = store
        .create_connection(connection(2), SecretString::from("k"))
        .await;
    assert_eq!(created.unwrap_err().kind(), &ErrorKind::DiskFull);
    assert_eq!(store.count(id(1), Stream::Tags).await.unwrap(), 400);
    drop(store);
    assert!(open(folder.path()).backfill_allowed());
}

/// Free bytes where a folder is.
fn free(folder: &Path) -> u64 {
    let disk = rustix::fs::statvfs(folder).unwrap();
    disk.f_bavail * disk.f_frsize
}

#[tokio::test]
async fn a_nearly_full_disk_keeps_nobody_from_being_shut_out_nor_room_from_being_made() {
    let (folder, store, c) = connected().await;
    let token = TokenRecord {
        id: "t".to_owned(),
        name: "product".to_owned(),
        role: "product".to_owned(),
        connections: Vec::new(),
        rights: Vec::new(),
        hash: [7; 32],
        prefix: "ful_".to_owned(),
        created_at: at(1),
        expires_at: None,
        revoked_at: None,
    };
    store.create_token(token).await.unwrap();
    let asked = operation(c, 1, "r");
    let week = Duration::from_secs(7 * 24 * 3600);
    store.record_operation(asked.clone(), week).await.unwrap();
    store.close().await.unwrap();
    let with_floor = |write_floor_bytes| Options {
        write_floor_bytes,
        ..options()
    };
    // Less is free than other writes need, and more than an eighth of that.
    let floor = free(folder.path()) * 2;
    let store = Store::open(folder.path(), with_floor(floor)).unwrap();
    let refused = store.record_operation(operation(c, 2, "s"), week).await;
    assert_eq!(refused.unwrap_err().kind(), &ErrorKind::DiskFull);
    assert!(
        store
            .revoke_token("t", at(2))
            .await
            .unwrap()
            .revoked_at
            .is_some()
    );
    let cancelled = Operation {
        state: State::Cancelled(None),
        revision: asked.revision + 1,
        ..asked
    };
    store.save_operation(cancelled).await.unwrap();
    store.close().await.unwrap();
    // Files are refused before other writes are.
    let floor = free(folder.path()) / 10 * 9;
    let store = Store::open(folder.path(), with_floor(floor)).unwrap();
    let refused = store.receive_file().await.unwrap_err();
    assert_eq!(refused.kind(), &ErrorKind::DiskFull);
    store
        .record_operation(operation(c, 2, "s"), week)
        .await
        .unwrap();
    store.close().await.unwrap();
    let store = Store::open(folder.path(), with_floor(u64::MAX)).unwrap();
    let refused = store.revoke_token("t", at(3)).await.unwrap_err();
    assert_eq!(refused.kind(), &ErrorKind::DiskFull);
}

#[test]
fn the_reserve_is_set_aside_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let reserve = folder.path().join("reserve");
    drop(
        Store::open(
            folder.path(),
            Options {
                reserve_bytes: 1 << 20,
                ..options()
            },
        )
        .unwrap(),
    );
    assert_eq!(fs::metadata(reserve).unwrap().len(), 1 << 20);
}
