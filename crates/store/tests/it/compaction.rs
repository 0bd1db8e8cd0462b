//! Writing a store anew: nothing is lost, whatever interrupts, and nothing that was removed is left on the disk.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::time::Duration;

use domain::operation::{NoteText, State};
use domain::{MappingKind, Operation, Stream, Write};
use store::{Compacted, ErrorKind, Incoming, Options, Quarantined, Store, Tombstones};
use tempfile::TempDir;

use crate::crash;
use crate::support::*;

const NAME: &str = "Grimhilde Unforgettable";
const EMAIL: &str = "grimhilde@unforgettable.example";

fn plain() -> Options {
    Options {
        compress: false,
        ..options()
    }
}

fn compact(folder: &Path) -> Compacted {
    store::compact(folder, &options(), &mut |_| {}).unwrap()
}

/// A closed store in which a person is in documents, index, outbox and quarantine, and another one beside.
async fn with_a_person() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), plain()).unwrap();
    let c = connection(1);
    store
        .create_connection(c.clone(), secrecy::SecretString::from(KEY))
        .await
        .unwrap();
    for (id, name, email) in [
        ("o", NAME, EMAIL),
        ("p", "Pia Present", "pia@present.example"),
    ] {
        let mut candidacy = candidacy(id, "s", 5);
        candidacy.name = name.to_owned();
        candidacy.tags = vec![format!("knows {name}")];
        let mut of_person = opportunity(candidacy);
        of_person.raw = format!(
            "{{\"id\":{id:?},\"name\":{name:?},\"emails\":[{email:?}],\"applications\":[\"a-{id}\"]}}"
        );
        let about = |stream, id: &str| Incoming {
            stream,
            raw: format!("{{\"name\":{name:?},\"emails\":[{email:?}]}}"),
            ..tag(id, "")
        };
        let records = vec![
            of_person,
            about(Stream::Applications, &format!("a-{id}")),
            about(Stream::Contacts, &format!("contact-of-{id}")),
        ];
        store
            .apply_refresh(refresh(c.id, 10, records))
            .await
            .unwrap();
        let mut page = page(c.id, 10, Vec::new());
        page.quarantined = vec![Quarantined {
            stream: Stream::Opportunities,
            id: None,
            parent: None,
            raw: format!("{{\"id\":{id:?},\"opportunityId\":\"a-{id}\",\"name\":{name:?}"),
            reason: "no".to_owned(),
            at: at(1),
        }];
        store.apply(page).await.unwrap();
        let number = u128::from(id.as_bytes()[0]);
        let mut note = Operation {
            opportunity: id.into(),
            write: Write::CreateNote(NoteText {
                secret: true,
                ..NoteText::plain(format!("{name} prefers {email}"))
            }),
            ..operation(c.id, number, id)
        };
        store
            .record_operation(note.clone(), Duration::ZERO)
            .await
            .unwrap();
        (note.state, note.revision) = (State::Succeeded, 1);
        store.save_operation(note).await.unwrap();
    }
    store.close().await.unwrap();
    folder
}

#[tokio::test]
async fn of_a_forgotten_person_nothing_is_left_on_the_disk() {
    let folder = with_a_person().await;
    let path = folder.path();
    assert!(on_disk(path, NAME.as_bytes()) && on_disk(path, EMAIL.as_bytes()));
    let store = Store::open(path, plain()).unwrap();
    let forgotten = store
        .forget_person(id(1), &"o".into(), at(20))
        .await
        .unwrap();
    assert_eq!((forgotten.records, forgotten.quarantined), (3, 1));
    store.close().await.unwrap();
    // sled's log still has it: this is what compaction is for, and what shows that the search finds things.
    assert!(on_disk(path, NAME.as_bytes()) && on_disk(path, EMAIL.as_bytes()));
    // A snapshot that a kill has cut off.
    fs::create_dir_all(path.join("snapshots")).unwrap();
    fs::write(path.join("snapshots/new"), NAME).unwrap();

    compact(path);
    assert!(!on_disk(path, NAME.as_bytes()) && !on_disk(path, EMAIL.as_bytes()));
    for other in ["Pia Present", "pia@present.example"] {
        assert!(on_disk(path, other.as_bytes()));
    }
    let store = open(path);
    let there = store.candidacy(id(1), &"p".into()).await.unwrap().unwrap();
    assert_eq!(there.name, "Pia Present");
    store.close().await.unwrap();
    // Nor does a start bring anything back.
    assert!(!on_disk(path, NAME.as_bytes()) && !on_disk(path, EMAIL.as_bytes()));
}

#[tokio::test]
async fn nothing_is_left_on_the_disk_of_a_connection_that_is_deleted() {
    let folder = with_a_person().await;
    let store = open(folder.path());
    store.delete_connection(id(1)).await.unwrap();
    store.close().await.unwrap();
    assert!(on_disk(folder.path(), NAME.as_bytes()));
    compact(folder.path());
    for needle in [NAME, EMAIL, "Pia Present", "customer-1"] {
        assert!(!on_disk(folder.path(), needle.as_bytes()), "{needle}");
    }
}

fn noisy(version: i64, number: i64) -> Incoming {
    let text = format!(
        "{{\"version\":{version},\"n\":{number},\"noise\":{:?}}}",
        String::from_utf8(noise(3000)).unwrap()
    );
    tag(&format!("{number:04}"), &text)
}

/// One that is stored in pieces.
fn long(version: i64) -> Incoming {
    let text = String::from_utf8(noise(400_000)).unwrap();
    tag("long", &format!("[{version},{text:?}]"))
}

const RECORDS: i64 = 400;

/// A closed store whose records were replaced several times.
async fn grown() -> TempDir {
    let (folder, store, c) = connected().await;
    for version in 1..=4 {
        for block in 0..10 {
            let numbers = (0..RECORDS).filter(|number| number % 10 == block);
            let mut records: Vec<_> = numbers.map(|number| noisy(version, number)).collect();
            if block == 0 {
                records.push(long(version));
            }
            store.apply(page(c, version, records)).await.unwrap();
        }
    }
    store
        .put_mapping(c, MappingKind::Stages, mapping(1), 0)
        .await
        .unwrap();
    store.close().await.unwrap();
    folder
}

async fn assert_whole(folder: &Path) {
    let store = open(folder);
    let c = id(1);
    let found = store
        .records(c, Stream::Tags, None, usize::MAX, Tombstones::With)
        .await
        .unwrap();
    let (last, rest) = found.split_last().unwrap();
    assert!(last.raw == long(4).raw);
    assert!(
        rest.iter()
            .map(|record| record.raw.clone())
            .eq((0..RECORDS).map(|number| noisy(4, number).raw))
    );
    assert_eq!(
        store.mapping(c, MappingKind::Stages).await.unwrap(),
        Some(mapping(1))
    );
    let changes = store.changes(c, 0, usize::MAX).await.unwrap();
    assert_eq!(changes.len() as u64, store.last_sequence(c).await.unwrap());
    assert!(store.api_key(c).await.unwrap().is_some());
    store.close().await.unwrap();
}

/// What is in the folder besides the files of every store.
fn leftovers(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| ["compact", "compacted", "old", "trial"].contains(&name.as_str()))
        .collect()
}

#[tokio::test]
async fn a_compacted_store_is_smaller_and_holds_the_same() {
    let folder = grown().await;
    let mut last = None;
    let compacted = store::compact(folder.path(), &options(), &mut |progress| {
        last = Some(progress);
    })
    .unwrap();
    assert!(compacted.bytes_after < compacted.bytes_before);
    let last = last.unwrap();
    assert_eq!(
        (last.doing, last.entries, last.total),
        ("verifying", compacted.entries, Some(compacted.entries))
    );
    assert_eq!(leftovers(folder.path()), [""; 0]);
    assert_whole(folder.path()).await;
    // It is written on as before, and compacted again.
    let store = open(folder.path());
    store
        .apply(page(id(1), 99, vec![tag("new", "{}")]))
        .await
        .unwrap();
    store.close().await.unwrap();
    compact(folder.path());
    let store = open(folder.path());
    assert_eq!(store.count(id(1), Stream::Tags).await.unwrap(), 402);
}

#[tokio::test]
async fn an_empty_store_is_compacted_too() {
    let (folder, store) = fresh();
    store.close().await.unwrap();
    compact(folder.path());
    drop(open(folder.path()));
}

#[tokio::test]
async fn an_open_store_is_not_compacted() {
    let (folder, store, _c) = connected().await;
    let impatient = Options {
        lock_wait: Duration::ZERO,
        ..options()
    };
    let error = store::compact(folder.path(), &impatient, &mut |_| {}).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::InUse);
    store.close().await.unwrap();
}

/// Each of these is what a crash leaves behind at one point of the way.
#[tokio::test]
async fn a_start_finishes_or_discards_what_a_compaction_left_at_every_point() {
    let before = grown().await;
    let after = tempfile::tempdir().unwrap();
    copy(before.path(), after.path());
    compact(after.path());
    let (old, new) = (before.path().join("db"), after.path().join("db"));
    // (what is in db, in compact, in old, whether the marker is there)
    for (at, (db, compact, former, declared)) in [
        (Some(&old), Some(&new), None, false),
        (Some(&old), Some(&new), None, true),
        (None, Some(&new), Some(&old), true),
        (Some(&new), None, Some(&old), true),
        (Some(&new), None, None, true),
    ]
    .into_iter()
    .enumerate()
    {
        let folder = tempfile::tempdir().unwrap();
        copy(before.path(), folder.path());
        fs::remove_dir_all(folder.path().join("db")).unwrap();
        for (name, from) in [("db", db), ("compact", compact), ("old", former)] {
            if let Some(from) = from {
                copy(from, &folder.path().join(name));
            }
        }
        if declared {
            fs::write(folder.path().join("compacted"), "").unwrap();
        }
        assert_whole(folder.path()).await;
        assert_eq!(leftovers(folder.path()), [""; 0], "point {at}");
    }
}

#[tokio::test]
async fn a_half_filled_new_database_is_discarded() {
    let folder = grown().await;
    let half = folder.path().join("compact");
    fs::create_dir(&half).unwrap();
    fs::write(half.join("db"), noise(5000)).unwrap();
    assert_whole(folder.path()).await;
    assert_eq!(leftovers(folder.path()), [""; 0]);
}

#[test]
#[ignore = "the child of the other test here; does nothing by itself"]
fn compacts_until_it_is_killed() {
    let Some(folder) = std::env::var_os(crash::FOLDER) else {
        return;
    };
    let mut out = std::io::stdout();
    loop {
        let mut tell = |progress: store::Progress| {
            writeln!(out, "compacting {} {}", progress.doing, progress.entries).unwrap();
        };
        store::compact(Path::new(&folder), &options(), &mut tell).unwrap();
        writeln!(out, "compacting done 0").unwrap();
    }
}

#[tokio::test]
async fn a_compaction_that_is_killed_loses_nothing() {
    let folder = grown().await;
    let (mut copying, mut verifying) = (0, 0);
    for round in 0..12_u64 {
        let mut child = crash::child("compaction::compacts_until_it_is_killed", folder.path());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = lines.map_while(Result::ok).filter_map(|line| {
            line.split_once("compacting ")
                .map(|(_, rest)| rest.to_owned())
        });
        // Killed at another place each time: in the first half, in the second, or at the end of it.
        let wanted = ["copying", "verifying", "done"][round as usize % 3];
        told.by_ref().find(|line| line.starts_with(wanted)).unwrap();
        let last = told.nth(round as usize * 131 % 700);
        std::thread::sleep(Duration::from_micros(round * 977 % 9000));
        child.kill().unwrap();
        child.wait().unwrap();
        drop(told);
        let last = last.unwrap_or_default();
        copying += u32::from(last.starts_with("copying"));
        verifying += u32::from(last.starts_with("verifying"));
        assert_whole(folder.path()).await;
        assert_eq!(leftovers(folder.path()), [""; 0]);
    }
    assert!(copying > 0 && verifying > 0, "{copying} {verifying}");
    let sound = store::check(folder.path(), &options(), &mut |_| {}).unwrap();
    assert_eq!(sound.findings, [""; 0]);
}
