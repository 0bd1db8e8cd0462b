//! Data directories that earlier versions wrote, packed under `tests/fixtures`.

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use domain::operation::State;
use domain::{Connection, Cursor, Environment, Listing, MappingKind, Stream, Write};
use secrecy::ExposeSecret;
use store::{Incoming, Order, Store, StoredRecord, Tombstones, check};
use tempfile::TempDir;

use crate::support::*;

const FIRST: &[u8] = include_bytes!("../fixtures/data-of-the-first-version.pack.zst");
const PERSON: &str = "d9b754fc-3e49-4d95-a08f-14767a114718";

/// Takes `length` bytes off the front.
fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(length);
    *rest = left;
    taken
}

/// Unpacks a data directory; the format is told in `tests/fixtures/README.md`.
fn unpack(pack: &[u8], folder: &Path) {
    let bytes = zstd::stream::decode_all(pack).unwrap();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let length = u16::from_be_bytes(take(&mut rest, 2).try_into().unwrap());
        let path = std::str::from_utf8(take(&mut rest, length.into())).unwrap();
        let length = u64::from_be_bytes(take(&mut rest, 8).try_into().unwrap());
        let content = take(&mut rest, length.try_into().unwrap());
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .unwrap();
        std::io::Write::write_all(&mut file, content).unwrap();
    }
}

/// A data directory as the first version left it.
pub(crate) fn unpacked_first() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    unpack(FIRST, folder.path());
    folder
}

async fn first_version() -> (TempDir, Store, Connection) {
    let folder = unpacked_first();
    let store = open(folder.path());
    let connection = store.connections().await.unwrap().remove(0);
    (folder, store, connection)
}

#[tokio::test]
async fn the_connections_of_the_first_version_are_read() {
    let (_folder, store, connection) = first_version().await;
    assert_eq!(connection.display_name, "Acme");
    assert_eq!(connection.external_id.as_deref(), Some("acme"));
    let url = "http://127.0.0.1:17470/v1".to_owned();
    assert_eq!(connection.environment, Environment::BaseUrl(url));
    assert_eq!(connection.streams.len(), 9);
    assert_eq!(connection.key_last_four, "0001");
    let key = store.api_key(connection.id).await.unwrap().unwrap();
    assert_eq!(
        key.expose_secret(),
        "fulcrum-simulator-key-0000000000000001"
    );
    assert_eq!(store.tokens().await.unwrap()[0].name, "fixture");
}

#[tokio::test]
async fn the_mapping_of_the_first_version_is_read() {
    let (_folder, store, connection) = first_version().await;
    let mapping = store
        .mapping(connection.id, MappingKind::Stages)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(mapping.version, 1);
    let document = String::from_utf8(mapping.document).unwrap();
    assert!(document.contains("910a2dec-8902-4cc1-beeb-8da1658eec67"));
}

#[tokio::test]
async fn the_mirror_of_the_first_version_goes_on_where_it_stood() {
    let (_folder, store, connection) = first_version().await;
    let c = connection.id;
    let listings = store.cursors(c).await.unwrap();
    for listing in [
        Listing::Users,
        Listing::Stages,
        Listing::ArchiveReasons,
        Listing::Tags,
        Listing::Sources,
        Listing::Postings,
        Listing::Opportunities,
    ] {
        let state = &listings[&listing];
        assert!(matches!(state.cursor, Cursor::Idle { .. }), "{listing}");
        assert!(state.last_success_at.is_some(), "{listing}");
    }
    for (stream, count) in [
        (Stream::Users, 25),
        (Stream::Stages, 12),
        (Stream::ArchiveReasons, 14),
        (Stream::Sources, 7),
        (Stream::Postings, 18),
        (Stream::Opportunities, 40),
        (Stream::Applications, 35),
        (Stream::Contacts, 39),
    ] {
        let records = store
            .records(c, stream, None, 999, Tombstones::Without)
            .await
            .unwrap();
        assert_eq!(records.len(), count, "{stream}");
        assert_eq!(store.count(c, stream).await.unwrap(), count as u64);
        assert!(records.iter().all(|record| record.raw.starts_with('{')));
    }
    let last = store.last_sequence(c).await.unwrap();
    let changes = store.changes(c, 0, usize::MAX).await.unwrap();
    assert_eq!(changes.len() as u64, last);
}

#[tokio::test]
async fn the_candidacies_of_the_first_version_are_found_by_stage_and_by_person() {
    let (_folder, store, connection) = first_version().await;
    let c = connection.id;
    let moved = store.candidacy(c, &PERSON.into()).await.unwrap().unwrap();
    assert_eq!(moved.name, "Noor Galloway");
    assert_eq!(moved.stage, Some("offer".into()));
    let in_offer = store
        .list_in_stages(c, &["offer".into()], Order::NewestFirst, None, 1)
        .await
        .unwrap();
    assert_eq!(in_offer, std::slice::from_ref(&moved));
    let of_person = store
        .opportunities_of_contact(c, &moved.contact.unwrap())
        .await
        .unwrap();
    assert!(of_person.contains(&PERSON.into()));
}

#[tokio::test]
async fn the_operations_of_the_first_version_are_found_again() {
    let (_folder, store, connection) = first_version().await;
    let c = connection.id;
    let by_request = async |request| {
        store
            .operation_by_request(c, request)
            .await
            .unwrap()
            .unwrap()
    };
    let note = by_request("monday").await;
    assert_eq!(note.state, State::Succeeded);
    assert!(matches!(&note.write, Write::CreateNote(note) if note.value == "Call back on Monday"));
    assert_eq!(
        note.result_id.as_deref(),
        Some("11d34ea4-5956-4622-8305-609afcb52e38")
    );
    let stage = by_request("to-offer").await;
    assert!(matches!(&stage.write, Write::ChangeStage { stage, .. } if stage.as_str() == "offer"));
    let tag = by_request("later").await;
    assert!(matches!(tag.state, State::Recorded { .. }));
    let open = store.open_operations(c).await.unwrap();
    assert_eq!(open, std::slice::from_ref(&tag));
    let of_person = store
        .operations(c, Some(&PERSON.into()), None, 9)
        .await
        .unwrap();
    assert_eq!(of_person, [tag, stage, note]);
}

#[tokio::test]
async fn a_store_of_the_first_version_is_written_on() {
    let (folder, store, connection) = first_version().await;
    let c = connection.id;
    let before = store.last_sequence(c).await.unwrap();
    let saved = store
        .update_connection(connection.clone(), None)
        .await
        .unwrap();
    assert_eq!(saved.revision, connection.revision + 1);
    let applied = store
        .apply_refresh(refresh(c, i64::MAX, vec![tag("new", "{}")]))
        .await
        .unwrap();
    assert_eq!((applied.created, applied.last_sequence), (1, before + 1));
    // One record is seen again as it was, one has changed.
    let users = store
        .records(c, Stream::Users, None, 2, Tombstones::Without)
        .await
        .unwrap();
    let again = |record: &StoredRecord, raw: &str| Incoming {
        stream: Stream::Users,
        id: record.id.clone(),
        ..tag("", raw)
    };
    let seen = vec![again(&users[0], &users[0].raw), again(&users[1], "{}")];
    let applied = store
        .apply_refresh(refresh(c, i64::MAX, seen))
        .await
        .unwrap();
    assert_eq!((applied.unchanged, applied.updated), (1, 1));
    store.close().await.unwrap();
    let findings = check(folder.path(), &options(), &mut |_progress| {})
        .unwrap()
        .findings;
    assert_eq!(findings, [""; 0]);
    let store = open(folder.path());
    assert_eq!(store.connection(c).await.unwrap(), Some(saved));
    assert_eq!(store.count(c, Stream::Tags).await.unwrap(), 52);
    for (user, raw) in [(&users[0], users[0].raw.as_str()), (&users[1], "{}")] {
        let record = store.record(c, Stream::Users, &user.id).await.unwrap();
        assert_eq!(record.unwrap().raw, raw);
    }
    let changes = store.changes(c, before - 1, usize::MAX).await.unwrap();
    let numbers: Vec<u64> = changes.iter().map(|change| change.sequence).collect();
    assert_eq!(numbers, [before, before + 1, before + 2]);
}
