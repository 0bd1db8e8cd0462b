//! Backups, snapshots, and what a restored store is.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use domain::operation::{NoteText, State};
use domain::{Cursor, Listing, MappingKind, Part, Stream, Write as Asked};
use proptest::prelude::*;
use proptest::sample::Index;
use secrecy::ExposeSecret;
use store::{Error, ErrorKind, Recording, Restored, Scope, Store, Tombstones};
use tempfile::TempDir;

use crate::examining;
use crate::support::*;

const TAKEN: i64 = 500;

async fn backup(store: &Store, scope: Scope) -> Vec<u8> {
    let backup = store.begin_backup(scope, at(TAKEN)).await.unwrap();
    let mut bytes = Vec::new();
    let written = backup.write(&mut bytes, &mut |_| {}).unwrap();
    assert_eq!(written.bytes, bytes.len() as u64);
    bytes
}

/// A folder with a backup, and a place to restore it to.
struct Place {
    folder: TempDir,
}

impl Place {
    fn with(bytes: &[u8]) -> Place {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("backup"), bytes).unwrap();
        Place { folder }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn restore(&self) -> Result<Restored, Error> {
        let file = self.folder.path().join("backup");
        store::restore(&file, &self.data(), &options(), &mut |_| {})
    }

    /// Restores, and opens with the key of the store that the backup is of.
    fn open_with_key_of(&self, origin: &Path) -> Store {
        self.restore().unwrap();
        fs::copy(origin.join("master.key"), self.data().join("master.key")).unwrap();
        open(&self.data())
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn assert_sound(folder: &Path) {
    let examined = store::check(folder, &options(), &mut |_| {}).unwrap();
    assert_eq!(examined.findings, [""; 0]);
}

#[tokio::test]
async fn everything_comes_back_from_a_whole_backup() {
    let origin = examining::full().await;
    let store = open(origin.path());
    let c = id(1);
    let place = Place::with(&backup(&store, Scope::All).await);
    let restored = place.open_with_key_of(origin.path());
    for other in [&store, &restored] {
        assert_eq!(
            other.api_key(c).await.unwrap().unwrap().expose_secret(),
            KEY
        );
        assert_eq!(signature_tokens(other, c).await, ["t"]);
    }
    assert_eq!(
        restored.connection(c).await.unwrap(),
        store.connection(c).await.unwrap()
    );
    assert_eq!(
        restored.cursors(c).await.unwrap(),
        store.cursors(c).await.unwrap()
    );
    for stream in [Stream::Tags, Stream::Opportunities] {
        let records = async |of: &Store| {
            let page = of.records(c, stream, None, 100, Tombstones::With).await;
            page.unwrap()
        };
        assert_eq!(records(&restored).await, records(&store).await);
    }
    for kind in MappingKind::ALL {
        assert_eq!(
            restored.mapping(c, *kind).await.unwrap(),
            store.mapping(c, *kind).await.unwrap()
        );
    }
    restored.close().await.unwrap();
    assert_sound(&place.data()).await;
}

#[tokio::test]
async fn a_restore_tells_how_much_the_new_store_has_and_how_much_of_the_backup_it_has_not() {
    let origin = examining::full().await;
    let store = open(origin.path());
    let place = Place::with(&backup(&store, Scope::All).await);
    let told = place.restore().unwrap();
    let key = "master.key";
    fs::copy(origin.path().join(key), place.data().join(key)).unwrap();
    let examined = store::check(&place.data(), &options(), &mut |_| {}).unwrap();
    assert_eq!(told.entries, examined.entries);
    assert!(told.left_out > 0, "the change journal");
}

#[tokio::test]
async fn what_is_ours_comes_back_without_the_mirror_and_request_ids_are_known() {
    let origin = examining::full().await;
    let store = open(origin.path());
    let c = id(1);
    let bytes = backup(&store, Scope::Ours).await;
    let mut long = operation(c, 9, "afterwards");
    long.write = Asked::CreateNote(NoteText::plain("after the backup"));
    store.record_operation(long, Duration::ZERO).await.unwrap();
    let place = Place::with(&bytes);
    let restored = place.open_with_key_of(origin.path());

    assert!(restored.cursors(c).await.unwrap().is_empty());
    let tags = restored
        .records(c, Stream::Tags, None, 100, Tombstones::With)
        .await;
    assert!(tags.unwrap().is_empty());
    for kind in MappingKind::ALL {
        assert!(
            restored.mapping(c, *kind).await.unwrap().is_some(),
            "{kind:?}"
        );
    }
    assert_eq!(restored.schedules(c).await.unwrap().len(), 1);
    let again = restored
        .record_operation(operation(c, 7, "r"), Duration::from_secs(60))
        .await
        .unwrap();
    let Recording::Existing(known) = again else {
        panic!("the request id was forgotten: {again:?}");
    };
    assert_eq!(known.id, operation(c, 1, "r").id);
    // What came after the backup is not in it.
    let later = restored
        .record_operation(operation(c, 8, "afterwards"), Duration::from_secs(60))
        .await
        .unwrap();
    assert!(matches!(later, Recording::New(_)));
    restored.close().await.unwrap();
    assert_sound(&place.data()).await;
}

#[tokio::test]
async fn a_value_longer_than_a_piece_comes_back() {
    let (origin, store, c) = connected().await;
    let mut long = operation(c, 1, "r");
    let text = String::from_utf8(noise(300_000)).unwrap();
    long.write = Asked::CreateNote(NoteText::plain(&text));
    store
        .record_operation(long.clone(), Duration::ZERO)
        .await
        .unwrap();
    let place = Place::with(&backup(&store, Scope::Ours).await);
    let restored = place.open_with_key_of(origin.path());
    let found = restored.operation(c, long.id).await.unwrap().unwrap();
    assert_eq!(found.write, long.write);
}

#[tokio::test]
async fn an_operation_that_may_have_been_sent_since_says_so() {
    let (origin, store, c) = connected().await;
    let mut done = operation(c, 2, "done");
    done.state = State::Succeeded;
    for operation in [operation(c, 1, "open"), done.clone()] {
        store
            .record_operation(operation, Duration::ZERO)
            .await
            .unwrap();
    }
    let place = Place::with(&backup(&store, Scope::Ours).await);
    assert_eq!(place.restore().unwrap().unsure_operations, 1);
    fs::remove_dir_all(place.data()).unwrap();
    let restored = place.open_with_key_of(origin.path());
    let open = restored
        .operation(c, operation(c, 1, "open").id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(open.restored_at, Some(at(TAKEN)));
    let settled = restored.operation(c, done.id).await.unwrap().unwrap();
    assert_eq!(settled, done);
}

#[tokio::test]
async fn numbers_of_changes_of_before_are_refused_and_never_given_again() {
    let (origin, store, c) = connected().await;
    store
        .apply(page(c, 10, vec![tag("a", "{}")]))
        .await
        .unwrap();
    let bytes = backup(&store, Scope::All).await;
    store
        .apply(page(c, 11, vec![tag("b", "{}")]))
        .await
        .unwrap();
    let told = store.last_sequence(c).await.unwrap();
    let place = Place::with(&bytes);
    let restored = place.open_with_key_of(origin.path());
    let first = restored.last_sequence(c).await.unwrap();
    assert!(first > told);
    for token in [0, told - 1, told, told + 1, first - 1] {
        let refused = restored.changes(c, token, 9).await.unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::ResumeExpired, "{token}");
    }
    assert!(restored.changes(c, first, 9).await.unwrap().is_empty());
    restored
        .apply(page(c, 12, vec![tag("c", "{}")]))
        .await
        .unwrap();
    let changes = restored.changes(c, first, 9).await.unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].sequence, first + 1);
}

#[tokio::test]
async fn files_on_their_way_are_in_a_backup() {
    let (origin, store, c) = connected().await;
    let mut incoming = store.receive_file().await.unwrap();
    let bytes = noise(150_000);
    incoming.write(&bytes).await.unwrap();
    let received = incoming.finish().await.unwrap();
    let mut upload = operation(c, 1, "r");
    upload.write = Asked::UploadFile(domain::operation::FileUpload {
        target: domain::operation::UploadTarget::Opportunity,
        name: "resume.pdf".to_owned(),
        content_type: "application/pdf".to_owned(),
        size: received.size,
        sha256: received.sha256,
        number: 0,
    });
    store
        .record_operation_with_files(upload.clone(), Duration::ZERO, vec![received])
        .await
        .unwrap();
    let place = Place::with(&backup(&store, Scope::Ours).await);
    let restored = place.open_with_key_of(origin.path());
    let kept = restored.kept_file(c, upload.id, 0);
    assert!(kept.is_whole(bytes.len() as u64).await);
    let files = names(&place.data().join("uploads"));
    assert_eq!(
        fs::read(place.data().join("uploads").join(&files[0])).unwrap(),
        bytes
    );
}

/// Writes on, and waits for a commit by somebody else before each of the first few writes.
struct Slow {
    to: Vec<u8>,
    waits: usize,
    ask: mpsc::Sender<()>,
    done: mpsc::Receiver<()>,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.waits > 0 {
            self.waits -= 1;
            self.ask.send(()).unwrap();
            self.done.recv().unwrap();
        }
        self.to.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Page `n`: five records of its own, one that every page writes again, and one that goes with the next page.
async fn write_page(store: &Store, c: domain::ConnectionId, n: i64) {
    let cursor = |n: i64| match n {
        0 => Cursor::New,
        n => Cursor::Backfill {
            began: at(1),
            part: Part::All,
            offset: Some(n.to_string().as_str().into()),
        },
    };
    let mut records: Vec<_> = (0..5)
        .map(|i| tag(&format!("{n}-{i}"), &format!("{{\"page\":{n}}}")))
        .collect();
    // Longer than a piece now and then.
    let long = String::from_utf8(noise(if n % 2 == 0 { 90_000 } else { 50 })).unwrap();
    records.push(tag("last", &format!("{{\"page\":{n},\"long\":{long:?}}}")));
    records.push(tag(&format!("passing-{n}"), "{}"));
    let mut next = page(c, n, records);
    next.deleted = vec![gone(Stream::Tags, &format!("passing-{}", n - 1), n)];
    next.expected = cursor(n - 1);
    next.next = cursor(n);
    store.apply(next).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_taken_while_pages_come_in_shows_one_moment() {
    const BEFORE: i64 = 30;
    const DURING: usize = 60;
    let (origin, store, c) = connected().await;
    for n in 1..=BEFORE {
        write_page(&store, c, n).await;
    }
    let (ask, asked) = mpsc::channel();
    let (tell, done) = mpsc::channel();
    let taken = store.begin_backup(Scope::All, at(TAKEN)).await.unwrap();
    let commit = taken.header().commit;
    assert_eq!(commit, commits(origin.path()));
    let writing = tokio::task::spawn_blocking(move || {
        let mut slow = Slow {
            to: Vec::new(),
            waits: DURING,
            ask,
            done,
        };
        taken.write(&mut slow, &mut |_| {}).unwrap();
        slow.to
    });
    let writer = store.clone();
    let handle = tokio::runtime::Handle::current();
    let feeding = tokio::task::spawn_blocking(move || {
        let mut n = BEFORE;
        while asked.recv().is_ok() {
            n += 1;
            handle.block_on(write_page(&writer, c, n));
            if tell.send(()).is_err() {
                break;
            }
        }
        n
    });
    let bytes = writing.await.unwrap();
    assert_eq!(feeding.await.unwrap(), BEFORE + DURING as i64);
    assert!(commits(origin.path()) > commit);

    let place = Place::with(&bytes);
    let restored = place.open_with_key_of(origin.path());
    let cursors = restored.cursors(c).await.unwrap();
    let Cursor::Backfill { offset, .. } = &cursors[&Listing::Tags].cursor else {
        panic!("the cursor is gone");
    };
    assert_eq!(offset.as_ref().unwrap().as_str(), BEFORE.to_string());
    let records = restored
        .records(c, Stream::Tags, None, 10_000, Tombstones::Without)
        .await
        .unwrap();
    // Five of each page, the one of all pages, and the one that goes with the next.
    assert_eq!(records.len() as i64, BEFORE * 5 + 2);
    let last = records.iter().find(|record| record.id == "last").unwrap();
    assert!(last.raw.starts_with(&format!("{{\"page\":{BEFORE},")));
    assert!(
        records
            .iter()
            .any(|record| record.id == format!("passing-{BEFORE}"))
    );
    restored.close().await.unwrap();
    assert_sound(&place.data()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_store_is_checked_as_it_was_when_the_check_began() {
    let (_folder, store, c) = connected().await;
    for n in 1..=20 {
        write_page(&store, c, n).await;
    }
    let (ask, asked) = mpsc::channel();
    let (tell, done) = mpsc::channel::<()>();
    let checked = store.clone();
    let checking = tokio::spawn(async move {
        let mut waits = 40;
        checked
            .check(move |_| {
                if waits > 0 {
                    waits -= 1;
                    ask.send(()).unwrap();
                    done.recv().unwrap();
                }
            })
            .await
    });
    let writer = store.clone();
    let handle = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut n = 20;
        while asked.recv().is_ok() {
            n += 1;
            handle.block_on(write_page(&writer, c, n));
            if tell.send(()).is_err() {
                break;
            }
        }
    })
    .await
    .unwrap();
    let examined = checking.await.unwrap().unwrap();
    assert_eq!(examined.findings, [""; 0]);
    assert!(examined.entries > 100);
}

#[tokio::test]
async fn a_full_disk_is_no_hindrance_to_a_backup() {
    let (folder, store, _c) = connected().await;
    store.close().await.unwrap();
    let full = store::Options {
        write_floor_bytes: u64::MAX,
        ..options()
    };
    let store = Store::open(folder.path(), full).unwrap();
    assert!(!backup(&store, Scope::All).await.is_empty());
    let refused = store.snapshot(at(1), 3).await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::DiskFull);
}

/// A small backup of everything there can be.
fn small() -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let origin = examining::full().await;
        let store = open(origin.path());
        backup(&store, Scope::Ours).await
    })
}

#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, u8),
    Cut(Index),
    Leave(Index, usize),
    Repeat(Index, usize),
    Insert(Index, Vec<u8>),
    Append(Vec<u8>),
}

impl Damage {
    fn on(&self, whole: &[u8]) -> Vec<u8> {
        let mut bytes = whole.to_vec();
        let length = bytes.len();
        match self {
            Damage::Flip(at, with) => bytes[at.index(length)] ^= with,
            Damage::Cut(at) => bytes.truncate(at.index(length)),
            Damage::Leave(at, many) => {
                let from = at.index(length);
                bytes.drain(from..(from + many).min(length));
            }
            Damage::Repeat(at, many) => {
                let from = at.index(length);
                let part = bytes[from..(from + many).min(length)].to_vec();
                bytes.splice(from..from, part);
            }
            Damage::Insert(at, more) => {
                let from = at.index(length);
                bytes.splice(from..from, more.iter().copied());
            }
            Damage::Append(more) => bytes.extend(more),
        }
        bytes
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let some = || proptest::collection::vec(any::<u8>(), 1..200);
    prop_oneof![
        4 => (any::<Index>(), 1..=u8::MAX).prop_map(|(at, with)| Damage::Flip(at, with)),
        2 => any::<Index>().prop_map(Damage::Cut),
        1 => (any::<Index>(), 1..300_usize).prop_map(|(at, many)| Damage::Leave(at, many)),
        1 => (any::<Index>(), 1..300_usize).prop_map(|(at, many)| Damage::Repeat(at, many)),
        1 => (any::<Index>(), some()).prop_map(|(at, more)| Damage::Insert(at, more)),
        1 => some().prop_map(Damage::Append),
    ]
}

#[test]
fn a_backup_that_differs_in_anything_is_refused_and_leaves_nothing_behind() {
    let whole = small();
    let place = Place::with(&whole);
    place.restore().unwrap();
    fs::remove_dir_all(place.data()).unwrap();
    let config = ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = proptest::test_runner::TestRunner::new(config).run(&damage(), |damage| {
        let damaged = damage.on(&whole);
        prop_assume!(damaged != whole);
        fs::write(place.folder.path().join("backup"), &damaged).unwrap();
        let refused = place.restore().err();
        prop_assert!(refused.is_some(), "{:?} was restored", damage);
        let kind = refused.unwrap().kind().clone();
        prop_assert!(
            matches!(kind, ErrorKind::Damaged | ErrorKind::NewerFormat),
            "{:?}",
            kind
        );
        prop_assert!(!place.data().exists());
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn the_place_of_the_damage_is_told() {
    let whole = small();
    let place = Place::with(&whole[..whole.len() - 1]);
    let told = place.restore().unwrap_err().to_string();
    assert!(
        told.contains("is damaged at record ") && told.contains(", byte "),
        "{told}"
    );
    let place = Place::with(b"something else");
    let told = place.restore().unwrap_err().to_string();
    assert!(told.ends_with("is not a backup of Fulcrum"), "{told}");
}

#[test]
fn a_backup_is_restored_into_an_empty_folder_only() {
    let place = Place::with(&small());
    fs::create_dir(place.data()).unwrap();
    fs::write(place.data().join("master.key"), b"k").unwrap();
    fs::write(place.data().join("seq"), b"somebody's").unwrap();
    let refused = place.restore().unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::NotAStore);
    assert_eq!(names(&place.data()), ["master.key", "seq"]);
    fs::remove_file(place.data().join("seq")).unwrap();
    place.restore().unwrap();
    assert_eq!(fs::read(place.data().join("master.key")).unwrap(), b"k");
}

#[tokio::test]
async fn a_restore_that_was_cut_off_is_no_store_and_begins_anew() {
    let origin = examining::full().await;
    let store = open(origin.path());
    let place = Place::with(&backup(&store, Scope::Ours).await);
    place.restore().unwrap();
    // As a killed process leaves it.
    fs::write(place.data().join("restoring"), b"").unwrap();
    fs::remove_file(place.data().join("seq")).unwrap();
    let refused = Store::open(&place.data(), options()).unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Damaged);
    assert!(
        refused.to_string().contains("fulcrum store restore"),
        "{refused}"
    );
    let restored = place.open_with_key_of(origin.path());
    assert!(restored.connection(id(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_backup_is_of_no_use_without_the_master_key() {
    let (_origin, store, _c) = connected().await;
    let bytes = backup(&store, Scope::All).await;
    assert!(!bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes()));
    let place = Place::with(&bytes);
    place.restore().unwrap();
    let refused = Store::open(&place.data(), options()).unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::MasterKey);
    let other = tempfile::tempdir().unwrap();
    open(other.path()).close().await.unwrap();
    fs::copy(
        other.path().join("master.key"),
        place.data().join("master.key"),
    )
    .unwrap();
    let refused = Store::open(&place.data(), options()).unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::MasterKey);
}

#[tokio::test]
async fn files_of_two_histories_are_never_taken_for_one() {
    let (origin, store, c) = connected().await;
    let place = Place::with(&backup(&store, Scope::All).await);
    store.apply(page(c, 1, vec![tag("a", "{}")])).await.unwrap();
    store.close().await.unwrap();
    place.restore().unwrap();
    for name in ["master.key", "seq", "seq.live"] {
        fs::copy(origin.path().join(name), place.data().join(name)).unwrap();
    }
    let refused = Store::open(&place.data(), options()).unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Damaged);
}

fn snapshots(folder: &Path) -> Vec<String> {
    names(&folder.join("snapshots"))
}

#[tokio::test]
async fn a_snapshot_is_taken_when_something_of_ours_has_changed_and_the_last_few_are_kept() {
    let (folder, store, c) = connected().await;
    let first = store.snapshot(at(1), 2).await.unwrap();
    assert!(first.is_some());
    assert_eq!(store.snapshot(at(2), 2).await.unwrap(), None);
    // The mirror can be read again.
    store.apply(page(c, 1, vec![tag("a", "{}")])).await.unwrap();
    assert_eq!(store.snapshot(at(3), 2).await.unwrap(), None);
    let mut taken = vec![first.unwrap()];
    for number in 1..4 {
        store
            .record_operation(operation(c, number, &format!("r{number}")), Duration::ZERO)
            .await
            .unwrap();
        taken.push(store.snapshot(at(4), 2).await.unwrap().unwrap());
    }
    let last: Vec<_> = taken[2..]
        .iter()
        .map(|snapshot| {
            snapshot
                .path
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(snapshots(folder.path()), last);
    let place = Place::with(&fs::read(&taken[3].path).unwrap());
    let restored = place.open_with_key_of(folder.path());
    assert_eq!(restored.open_operations(c).await.unwrap().len(), 3);
}

#[tokio::test]
async fn snapshots_grow_old_but_the_newest_stays() {
    const DAY: i64 = 24 * 3600 * 1000;
    let (folder, store, c) = connected().await;
    store.snapshot(at(0), 8).await.unwrap();
    store
        .record_operation(operation(c, 1, "r"), Duration::ZERO)
        .await
        .unwrap();
    store.snapshot(at(DAY), 8).await.unwrap();
    assert_eq!(snapshots(folder.path()).len(), 2);
    store.snapshot(at(30 * DAY), 8).await.unwrap();
    assert_eq!(snapshots(folder.path()).len(), 1);
}

#[tokio::test]
async fn who_is_forgotten_does_not_live_on_in_snapshots() {
    let (folder, store, c) = connected().await;
    show(&store, c, &["o"]).await;
    let mut note = operation(c, 1, "r");
    note.write = Asked::CreateNote(NoteText::plain("about Ada"));
    note.state = State::Succeeded;
    let (id, asked) = (note.id, note.write.clone());
    store.record_operation(note, Duration::ZERO).await.unwrap();
    store.snapshot(at(1), 8).await.unwrap();
    let told = async || {
        let taken = snapshots(folder.path());
        assert_eq!(taken.len(), 1);
        let bytes = fs::read(folder.path().join("snapshots").join(&taken[0])).unwrap();
        let place = Place::with(&bytes);
        let restored = place.open_with_key_of(folder.path());
        restored.operation(c, id).await.unwrap().unwrap().write
    };
    assert!(told().await == asked);
    store.forget_person(c, &"o".into(), at(2)).await.unwrap();
    store.snapshot(at(3), 8).await.unwrap();
    assert!(told().await != asked);
}

#[tokio::test]
async fn a_deleted_account_does_not_live_on_in_snapshots_even_where_none_are_taken_any_more() {
    let (folder, store, c) = connected().await;
    store.snapshot(at(1), 8).await.unwrap();
    store.delete_connection(c).await.unwrap();
    store.remove_outdated_snapshots().unwrap();
    assert!(snapshots(folder.path()).is_empty());
}

#[tokio::test]
async fn a_snapshot_is_taken_before_another_version_writes() {
    let (folder, store, c) = connected().await;
    store.close().await.unwrap();
    open(folder.path()).close().await.unwrap();
    assert!(!folder.path().join("snapshots").exists());
    let meta = database(folder.path()).open_tree("meta").unwrap();
    meta.remove("program").unwrap();
    meta.flush().unwrap();
    drop(meta);
    let store = open(folder.path());
    let taken = snapshots(folder.path());
    assert_eq!(taken.len(), 1);
    assert!(taken[0].contains("-before-"), "{taken:?}");
    let bytes = fs::read(folder.path().join("snapshots").join(&taken[0])).unwrap();
    let place = Place::with(&bytes);
    let restored = place.open_with_key_of(folder.path());
    assert!(restored.connection(c).await.unwrap().is_some());
    store.close().await.unwrap();
    open(folder.path()).close().await.unwrap();
    assert_eq!(snapshots(folder.path()), taken);
}

#[tokio::test]
async fn the_reserve_is_given_back_when_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let reserved = store::Options {
        reserve_bytes: 1 << 20,
        ..options()
    };
    let store = Store::open(folder.path(), reserved).unwrap();
    assert_eq!(store.free_reserve().unwrap(), 1 << 20);
    assert!(!folder.path().join("reserve").exists());
    assert_eq!(store.free_reserve().unwrap(), 0);
}
