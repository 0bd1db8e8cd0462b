//! Damages of real data directories (P3): a start is refused, or every value that can still be read is what was written.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use store::{Error, ErrorKind, Scope, Store};
use tempfile::TempDir;

use crate::examining;
use crate::support::*;

/// Each is another damage; `FULCRUM_STORE_DAMAGES` asks for more.
const DAMAGES: u64 = 100;

/// A seeded sequence of numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

/// A sound directory, and what it was some commits ago.
struct Origin {
    present: TempDir,
    former: TempDir,
    /// Every value, as a backup has them.
    content: Vec<u8>,
}

async fn origin() -> Origin {
    let present = examining::full().await;
    let former = tempfile::tempdir().unwrap();
    copy(present.path(), former.path());
    let store = open(present.path());
    for number in 20..60 {
        let text = String::from_utf8(noise(3_000)).unwrap();
        let tags = (0..20).map(|n| tag(&format!("{number}-{n}"), &format!("{text:?}")));
        let read = refresh(id(1), number, tags.collect());
        store.apply_refresh(read).await.unwrap();
    }
    let content = content(&store).await.unwrap();
    store.close().await.unwrap();
    Origin {
        present,
        former,
        content,
    }
}

async fn content(store: &Store) -> Result<Vec<u8>, Error> {
    let backup = store.begin_backup(Scope::All, at(0)).await?;
    let write = move || {
        let mut bytes = Vec::new();
        backup.write(&mut bytes, &mut |_| {}).map(|_| bytes)
    };
    // sled may panic on what is damaged; the service answers with an error then, and ends.
    let written = tokio::task::spawn_blocking(write).await;
    written.unwrap_or_else(|_panicked| Err(a_refusal()))
}

/// Some error of the store.
fn a_refusal() -> Error {
    Store::open(Path::new("/proc/version"), options()).unwrap_err()
}

/// The files of a data directory that matter.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![
        folder.join("seq"),
        folder.join("seq.live"),
        folder.join("master.key"),
    ];
    let of_the_database = fs::read_dir(folder.join("db")).unwrap();
    files.extend(
        of_the_database
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file()),
    );
    files.sort();
    files
}

/// Does one damage, and says what it was.
fn damage(random: &mut Random, folder: &Path, former: &Path) -> String {
    let files = files(folder);
    let file = match random.below(3) {
        0 => &files[random.below(files.len() as u64) as usize],
        _ => &folder.join("db/db"),
    };
    let name = file.strip_prefix(folder).unwrap();
    let length = fs::metadata(file).unwrap().len();
    let place = random.below(length.max(1));
    let changed = OpenOptions::new().read(true).write(true).open(file);
    let changed = changed.unwrap();
    match random.below(6) {
        0 => {
            changed.set_len(place).unwrap();
            format!("{} cut at {place}", name.display())
        }
        1 => {
            fs::remove_file(file).unwrap();
            format!("{} removed", name.display())
        }
        2 => {
            let older = former.join(name);
            if older.exists() {
                fs::copy(older, file).unwrap();
            }
            format!("{} as it was before", name.display())
        }
        3 => {
            let zeros = vec![0; 4096.min((length - place) as usize)];
            changed.write_all_at(&zeros, place).unwrap();
            format!("{} zeroed at {place}", name.display())
        }
        _ => {
            flip(&changed, place, 1 + random.below(255) as u8);
            format!("{} flipped at {place}", name.display())
        }
    }
}

fn flip(file: &File, place: u64, with: u8) {
    let mut byte = [0];
    file.read_exact_at(&mut byte, place).unwrap();
    file.write_all_at(&[byte[0] ^ with], place).unwrap();
}

/// What came of a start on a damaged directory.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Refused,
    Harmless,
    ErrorOnRead,
    FoundByCheck,
}

async fn outcome(folder: &Path, content_before: &[u8], what: &str) -> Outcome {
    let store = match Store::open(folder, options()) {
        Ok(store) => store,
        Err(error) => {
            let known = matches!(
                error.kind(),
                ErrorKind::Damaged | ErrorKind::Lost { .. } | ErrorKind::MasterKey
            );
            assert!(known, "{what}: {error}");
            return Outcome::Refused;
        }
    };
    let read = content(&store).await;
    let unclean = store.close().await.is_err();
    match read {
        Err(_) => Outcome::ErrorOnRead,
        Ok(read) if read == content_before && !unclean => Outcome::Harmless,
        Ok(_) => {
            let findings = store::check(folder, &options(), &mut |_| {});
            let found = findings.map_or(true, |examined| !examined.findings.is_empty());
            assert!(found, "{what}: other values, and nothing tells");
            Outcome::FoundByCheck
        }
    }
}

#[tokio::test]
async fn no_damage_makes_a_store_give_what_was_never_written() {
    let origin = origin().await;
    let mut counted: BTreeMap<Outcome, u64> = BTreeMap::new();
    let damages = std::env::var("FULCRUM_STORE_DAMAGES");
    let damages = damages.map_or(DAMAGES, |many| many.parse().unwrap());
    for seed in 0..damages {
        let folder = tempfile::tempdir().unwrap();
        copy(origin.present.path(), folder.path());
        let done = damage(&mut Random(seed), folder.path(), origin.former.path());
        let what = format!("seed {seed}: {done}");
        let came = outcome(folder.path(), &origin.content, &what).await;
        *counted.entry(came).or_default() += 1;
    }
    // If nothing were refused, nothing would have been damaged.
    let refused = counted.get(&Outcome::Refused).copied();
    assert!(refused.unwrap_or_default() >= damages / 10, "{counted:?}");
    proved(
        "P3",
        damages,
        &format!("damages of a data directory: {counted:?}"),
    );
}

#[tokio::test]
async fn every_older_database_is_refused_as_one_that_lost_commits() {
    let origin = origin().await;
    let folder = tempfile::tempdir().unwrap();
    copy(origin.present.path(), folder.path());
    fs::remove_dir_all(folder.path().join("db")).unwrap();
    copy(&origin.former.path().join("db"), &folder.path().join("db"));
    let refused = Store::open(folder.path(), options()).unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Lost { commits: 40 });
    assert!(
        refused.to_string().contains("restore a backup"),
        "{refused}"
    );
}
