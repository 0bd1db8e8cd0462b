//! A store on a temporary folder, and things to put into it.

use std::collections::BTreeSet;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use domain::hydration::Policy;
use domain::issue::Affected;
use domain::operation::State;
use domain::{
    ActingBecause, Candidacy, Change, Connection, ConnectionId, Cursor, Environment, Event, Issue,
    IssueId, IssueKind, Listing, Operation, OperationId, RecordChange, Region, Stream, Timestamp,
    Write,
};
use secrecy::{ExposeSecret, SecretString};
use store::{
    ConnectLink, Deleted, Incoming, IssueChanges, LinkPurpose, MappingVersion, Options, Page,
    Refresh, Store, UserLink,
};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const KEY: &str = "sekret-api-key-1234";

/// Options for small disks: no floors, no reserve.
pub(crate) fn options() -> Options {
    Options {
        lock_wait: Duration::from_secs(10),
        open_floor_bytes: 0,
        write_floor_bytes: 0,
        backfill_floor_bytes: 0,
        reserve_bytes: 0,
        cache_bytes: 16 << 20,
        ..Options::default()
    }
}

pub(crate) fn open(folder: &Path) -> Store {
    Store::open(folder, options()).unwrap()
}

/// Opens the database behind the back of the store, which sled's threads let go of a little after it was closed.
pub(crate) fn database(folder: &Path) -> sled::Db {
    let config = sled::Config::new()
        .path(folder.join("db"))
        .segment_size(8 << 20);
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        match config.open() {
            Ok(database) => return database,
            Err(error) if Instant::now() > until => panic!("{error}"),
            Err(_still_held) => thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Puts the sealed value of one row into another one, which keeps its checksum.
pub(crate) fn move_value(folder: &Path, table: &str, from: &[u8], to: &[u8]) {
    let database = database(folder);
    let tree = database.open_tree(table).unwrap();
    let value = tree.get(from).unwrap().unwrap();
    tree.insert(to, value).unwrap();
    database.flush().unwrap();
}

/// An empty store; keep the folder as long as the store.
pub(crate) fn fresh() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    (folder, store)
}

/// A store with the connection 1.
pub(crate) async fn connected() -> (TempDir, Store, ConnectionId) {
    let (folder, store) = fresh();
    let connection = connection(1);
    store
        .create_connection(connection.clone(), SecretString::from(KEY))
        .await
        .unwrap();
    (folder, store, connection.id)
}

/// Gives a connection these signature tokens, in place of those it has.
pub(crate) async fn give_signature_tokens(store: &Store, id: ConnectionId, tokens: &[&str]) {
    let present = store.connection(id).await.unwrap().unwrap();
    let tokens = tokens.iter().copied().map(SecretString::from).collect();
    store
        .update_connection(present, Some(tokens))
        .await
        .unwrap();
}

/// The signature tokens that are stored for a connection.
pub(crate) async fn signature_tokens(store: &Store, id: ConnectionId) -> Vec<String> {
    let tokens = store.webhook_signature_tokens(id).await.unwrap();
    let text = |token: &SecretString| token.expose_secret().to_owned();
    tokens.iter().map(text).collect()
}

/// How many commits a store has acknowledged, as its file `seq.live` says.
pub(crate) fn commits(folder: &Path) -> u64 {
    let bytes = std::fs::read(folder.join("seq.live")).unwrap();
    u64::from_be_bytes(bytes[20..28].try_into().unwrap())
}

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

pub(crate) fn id(number: u128) -> ConnectionId {
    ConnectionId::new(Uuid::from_u128(number))
}

pub(crate) fn connection(number: u128) -> Connection {
    Connection {
        id: id(number),
        display_name: format!("Account {number}"),
        external_id: Some(format!("customer-{number}")),
        environment: Environment::Region(Region::Sandbox),
        streams: Stream::DEFAULT.iter().copied().collect(),
        sync_start: None,
        include_archived: true,
        include_snoozed: true,
        default_acting_user: None,
        strict_acting_user: false,
        excluded_fields: Default::default(),
        include_secret_notes: false,
        webhooks: false,
        paused: false,
        disconnected: None,
        key_last_four: "1234".to_owned(),
        credential_since: None,
        created_at: at(1),
        revision: 1,
    }
}

/// An active candidacy of `opportunity` in `stage` since `entered`.
pub(crate) fn candidacy(opportunity: &str, stage: &str, entered: i64) -> Candidacy {
    Candidacy {
        opportunity: opportunity.into(),
        contact: Some(format!("contact-of-{opportunity}").into()),
        name: "Ada Lovelace".to_owned(),
        stage: Some(stage.into()),
        entered_stage_at: at(entered),
        applied_at: at(0),
        archived: None,
        snoozed_until: None,
        owner: None,
        posting: None,
        tags: Vec::new(),
        origin: "applied".to_owned(),
        confidential: false,
        updated_at: None,
        last_interaction_at: None,
        anonymized: false,
        contact_until: None,
        sources: Vec::new(),
    }
}

pub(crate) fn opportunity(candidacy: Candidacy) -> Incoming {
    Incoming {
        stream: Stream::Opportunities,
        id: candidacy.opportunity.as_str().to_owned(),
        raw: format!(
            "{{\"id\":\"{}\",\"seen\":{:?}}}",
            candidacy.opportunity, candidacy.stage
        ),
        updated_at: candidacy.updated_at,
        rank: 0,
        candidacy: Some(candidacy),
        identity: BTreeSet::new(),
        posting_state: None,
        parent: None,
    }
}

pub(crate) fn tag(text: &str, raw: &str) -> Incoming {
    Incoming {
        stream: Stream::Tags,
        id: text.to_owned(),
        raw: raw.to_owned(),
        updated_at: None,
        rank: 0,
        candidacy: None,
        identity: BTreeSet::new(),
        posting_state: None,
        parent: None,
    }
}

pub(crate) fn gone(stream: Stream, id: &str, ms: i64) -> Deleted {
    Deleted {
        stream,
        id: id.to_owned(),
        at: at(ms),
    }
}

/// A page of tags that leaves the cursor where it is.
pub(crate) fn page(connection: ConnectionId, requested: i64, records: Vec<Incoming>) -> Page {
    Page {
        connection,
        listing: Listing::Tags,
        expected: Cursor::New,
        next: Cursor::New,
        requested_at: at(requested),
        now: at(requested),
        records,
        deleted: Vec::new(),
        quarantined: Vec::new(),
        policy: Policy::none(),
    }
}

pub(crate) fn refresh(connection: ConnectionId, requested: i64, records: Vec<Incoming>) -> Refresh {
    Refresh {
        connection,
        requested_at: at(requested),
        now: at(requested),
        records,
        deleted: Vec::new(),
        quarantined: Vec::new(),
        policy: Policy::none(),
    }
}

pub(crate) fn idle(since: i64) -> Cursor {
    Cursor::Idle {
        since: at(since),
        complete: true,
    }
}

pub(crate) fn mapping(version: u64) -> MappingVersion {
    MappingVersion {
        version,
        author: "ada".to_owned(),
        created_at: at(1),
        document: vec![version as u8],
    }
}

pub(crate) fn user_link(email: &str) -> UserLink {
    UserLink {
        email: email.to_owned(),
        user: "u".into(),
        by: "ada".to_owned(),
        at: at(1),
    }
}

/// An open link from 1 to 100.
pub(crate) fn connect_link(number: u8, purpose: LinkPurpose) -> ConnectLink {
    ConnectLink {
        id: format!("link {number}"),
        hash: [number; 32],
        purpose,
        made_by: "maker".to_owned(),
        made_by_name: "ada".to_owned(),
        scoped: false,
        created_at: at(1),
        expires_at: at(100),
        used: None,
        revoked: None,
    }
}

pub(crate) fn issue(number: u128) -> Issue {
    Issue {
        id: IssueId::new(Uuid::from_u128(number)),
        kind: IssueKind::StreamFailing,
        subject: "notes".to_owned(),
        message: "m".to_owned(),
        repair: "r".to_owned(),
        affected: vec![Affected::new("stream", "notes")],
        count: 1,
        reopened: 0,
        first_seen: at(1),
        last_seen: at(1),
        present: true,
        muted: None,
        resolved: None,
    }
}

/// Writes issues whatever there are.
pub(crate) async fn change_issues(
    store: &Store,
    connection: ConnectionId,
    changed: Vec<Issue>,
    removed: Vec<IssueId>,
) {
    let changes = IssueChanges { changed, removed };
    let written = store.change_issues(connection, |_known| changes).await;
    written.unwrap();
}

pub(crate) fn operation(connection: ConnectionId, number: u128, request_id: &str) -> Operation {
    Operation {
        id: OperationId::new(Uuid::from_u128(number)),
        connection,
        parent: None,
        opportunity: "o".into(),
        request_id: request_id.to_owned(),
        digest: [1; 32],
        write: Write::AddTags {
            tags: vec!["x".to_owned()],
        },
        steps: Vec::new(),
        state: State::Recorded { not_before: None },
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
        marker: at(1),
        asked_by: "product".to_owned(),
        created_at: at(1),
        queued_at: at(1),
        minds_provenance: false,
        acted_before: Vec::new(),
        unseen: None,
        restored_at: None,
        updated_at: at(1),
        revision: 0,
    }
}

/// Bytes that do not compress, the same each time; printable.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b'0' + (state >> 32) as u8 % 64
    };
    (0..length).map(|_| next()).collect()
}

/// Whether a file under `folder` holds these bytes.
pub(crate) fn on_disk(folder: &Path, needle: &[u8]) -> bool {
    let found = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(needle.len()).any(|part| part == needle)
    };
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            on_disk(&path, needle)
        } else {
            found(&path)
        }
    })
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// Brings opportunities of these ids into the mirror, before anything else happens to them.
pub(crate) async fn show(store: &Store, c: ConnectionId, ids: &[&str]) {
    let people = ids.iter().map(|id| opportunity(candidacy(id, "s", 5)));
    let people = refresh(c, 1, people.collect());
    store.apply_refresh(people).await.unwrap();
}

/// What a change did to a record; panics if it is about none.
#[track_caller]
pub(crate) fn record_of(change: &Change) -> &RecordChange {
    match &change.event {
        Event::Record(record) => record,
        other => panic!("not of a record: {other:?}"),
    }
}

/// How often to try: the quick number, or the long one where `just prove --long` runs the test.
pub(crate) fn rounds(quick: u64, long: u64) -> u64 {
    match std::env::var("FULCRUM_PROVE").as_deref() {
        Ok("long") => long,
        _ => quick,
    }
}

/// Says how often a promise was put to the test and with what; it is seen with `--nocapture`.
#[allow(
    clippy::print_stdout,
    reason = "the table of the promises is made of it"
)]
pub(crate) fn proved(promise: &str, runs: u64, faults: &str) {
    println!("\nproved {promise}: {runs} runs; {faults}");
}
