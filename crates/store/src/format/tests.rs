//! Pins the bytes of each format. A change here is a new version, with a reader for the old one.

use std::collections::BTreeSet;

use domain::acting::Former;
use domain::candidacy::Archived;
use domain::change::{Move, Place, SlaMark};
use domain::export::{Asked, Export, Ground, NewOpportunity};
use domain::hydration::{Stamps, Urgency};
use domain::identity::ContactPair;
use domain::issue::{Affected, Remark, Resolved};
use domain::operation::{
    Attempt, Bulk, Failure, FailureKind, FileUpload, NoteText, Prepared, PreparedKind, RawWrite,
    Rejection, Sight, State, Step, Tally, UploadTarget,
};
use domain::provenance::{Added, Ours};
use domain::{
    ActingBecause, Backlog, Candidacy, Change, ChangeKind, Connection, ConnectionId, Cursor,
    Disconnected, Environment, Event, ExcludedField, Hydration, Issue, IssueId, IssueKind,
    Operation, OperationId, Parent, Part, PassedOver, RecordChange, Region, Schedule, Stream,
    Write,
};
use lever::Timestamp;
use uuid::Uuid;

use super::*;
use crate::calls::ApiCall;
use crate::connect_links::{ConnectLink, LinkPurpose};
use crate::dismissals::Dismissal;
use crate::forget::Cause;
use crate::hydrations::StreamState;
use crate::listings::ListingState;
use crate::mappings::MappingVersion;
use crate::nudges::Nudge;
use crate::permission_reports::{PermissionReport, ReportedPermission};
use crate::quarantine::{Kept, QuarantineCount, Quarantined};
use crate::runs::{Run, RunCause, RunCounts, RunOutcome, RunScope};
use crate::seal::{MasterKeyId, Sealer};
use crate::table::Table;
use crate::tokens::TokenRecord;
use crate::user_links::UserLink;

const UUID: &str = "01020304-0506-4708-890a-0b0c0d0e0f10";

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn connection() -> ConnectionId {
    ConnectionId::new(Uuid::from_u128(1))
}

/// Asserts that a value is stored as these bytes, and that these bytes are read as the value.
#[track_caller]
fn pinned<T: Stored + PartialEq>(value: &T, hex: &str) {
    let framed = frame::seal(T::VERSION, &value.to_payload());
    let written: String = framed.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(written, hex);
    let read: T = frame::open_as(Table::Meta, &framed).unwrap();
    assert!(read == *value, "the value read back differs");
    assert!(
        T::from_payload(T::VERSION + 1, &value.to_payload()).is_none(),
        "an unknown version was read"
    );
}

/// Asserts that these bytes, which an earlier version wrote, are read as the value.
#[track_caller]
fn was_written_as<T: Stored + PartialEq>(value: &T, hex: &str) {
    let framed: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    assert_ne!(framed[0], T::VERSION, "this is the present version");
    let read: T = frame::open_as(Table::Meta, &framed).unwrap();
    assert!(read == *value, "the value read differs");
}

/// Asserts that a value comes back as it was.
fn comes_back<T: Stored + PartialEq>(value: &T) {
    let read = T::from_payload(T::VERSION, &value.to_payload());
    assert!(read.as_ref() == Some(value), "the value read back differs");
}

fn candidacy() -> Candidacy {
    Candidacy {
        opportunity: UUID.into(),
        contact: Some(UUID.into()),
        name: "Ada".to_owned(),
        stage: Some("applicant-new".into()),
        entered_stage_at: at(1_700_000_000_000),
        applied_at: at(1_600_000_000_000),
        archived: Some(Archived {
            at: at(5),
            reason: Some(UUID.into()),
        }),
        snoozed_until: Some(at(6)),
        owner: Some(UUID.into()),
        posting: Some(UUID.into()),
        tags: vec!["a".to_owned()],
        origin: "applied".to_owned(),
        confidential: true,
        updated_at: Some(at(7)),
        last_interaction_at: Some(at(-8)),
        anonymized: true,
        contact_until: None,
        sources: Vec::new(),
    }
}

fn operation(write: Write, state: State) -> Operation {
    Operation {
        id: OperationId::new(Uuid::from_u128(2)),
        connection: connection(),
        parent: None,
        opportunity: UUID.into(),
        request_id: "r".to_owned(),
        digest: [3; 32],
        write,
        steps: Vec::new(),
        state,
        attempts: vec![Attempt {
            lever_operation: "op".to_owned(),
            at: at(1),
            status: Some(429),
            step: 0,
            seen: None,
        }],
        result_id: Some("n".to_owned()),
        answer: None,
        acting_user: Some("u".into()),
        acting_because: ActingBecause::Nobody,
        passed_over: None,
        asked_for: None,
        found: Vec::new(),
        left_out: Vec::new(),
        rpc: None,
        marker: at(2),
        asked_by: "t".to_owned(),
        created_at: at(3),
        queued_at: at(3),
        minds_provenance: false,
        acted_before: Vec::new(),
        unseen: None,
        restored_at: None,
        updated_at: at(4),
        revision: 5,
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn what_is_known_of_the_lists_below_a_record_has_these_bytes() {
    let hydration = Hydration {
        stamps: Stamps {
            updated_at: Some(at(1)),
            last_interaction_at: Some(at(2)),
        },
        read: [(Stream::Notes, at(3))].into(),
        wanted: [(Stream::Offers, at(4))].into(),
        set_aside: [].into(),
        urgency: Some(Urgency::Changed),
        since: at(5),
    };
    pinned(
        &hydration,
        "010d4d44ea080110021a04080f100322040810100428023005",
    );
    comes_back(&Hydration::default());
    comes_back(&Hydration {
        set_aside: [(Stream::Files, at(6))].into(),
        urgency: Some(Urgency::SetAside),
        ..hydration
    });
    let backlog = Backlog {
        lists: [(Stream::Notes, 300)].into(),
    };
    pinned(&backlog, "01247bbcc50a05080f10ac02");
    let state = StreamState {
        caught_up_at: Some(at(1)),
        last_error: Some("no".to_owned()),
    };
    pinned(&state, "018d0ecf35080112026e6f");
}

#[test]
fn the_small_values_have_these_bytes() {
    pinned(
        &Header {
            format: 1,
            store: Uuid::from_u128(1),
            key_id: MasterKeyId::from_bytes([9; 8]),
        },
        "01ab750a4a08011210000000000000000000000000000000011a080909090909090909",
    );
    let former = |place| FormerKeys {
        keys: vec![
            FormerKey {
                id: MasterKeyId::from_bytes([7; 8]),
                retired_at: at(5),
                cleared: false,
            },
            FormerKey {
                id: MasterKeyId::from_bytes([8; 8]),
                retired_at: at(4),
                cleared: true,
            },
        ],
        place,
    };
    let after = vec![1, 2];
    pinned(
        &former(Some(SealPlace { table: 1, after })),
        "01958e16330a0c0a08070707070707070710050a0e0a080808080808080808100418011206080112020102",
    );
    comes_back(&former(Some(SealPlace::default())));
    comes_back(&former(None));
    comes_back(&FormerKeys::default());
    pinned(&Counter(258), "01dab9b944090201000000000000");
    pinned(
        &Owner([1; 16]),
        "01277625b60a1001010101010101010101010101010101",
    );
    pinned(&Secret(vec![1, 2]), "01caba6e600a020102");
}

#[test]
fn a_record_has_these_bytes() {
    let head = Head {
        requested_at: at(1),
        updated_at: Some(at(2)),
        deleted_at: Some(at(3)),
        absent: true,
        rank: 5,
        digest: [4; 16],
        parent: Some("p".to_owned()),
        frame: Some(vec![6, 7]),
    };
    pinned(
        &head,
        "039e74169e08011002180320012a100404040404040404040404040404040430053a017042020607",
    );
    let head = Head {
        frame: None,
        ..head
    };
    was_written_as(
        &head,
        "029680714608011002180320012a100404040404040404040404040404040430053a0170",
    );
    // As version 1 wrote it.
    let bytes: Vec<u8> = vec![
        0x08, 1, 0x10, 2, 0x18, 3, 0x20, 1, 0x2a, 16, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
        4, 0x30, 5,
    ];
    let old = Head {
        parent: None,
        ..head
    };
    assert!(Head::from_payload(1, &bytes) == Some(old));
    assert_eq!(
        digest("{}"),
        [
            0x44, 0x13, 0x6f, 0xa3, 0x55, 0xb3, 0x67, 0x8a, 0x11, 0x46, 0xad, 0x16, 0xf7, 0xe8,
            0x64, 0x9e
        ]
    );
}

#[test]
fn a_document_written_by_any_zstd_is_read() {
    // Compressed bytes may differ between versions of zstd, so only reading is pinned.
    let stored = [
        0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x02, 0x11, 0x00, 0x00, b'{', b'}',
    ];
    assert!(Document::from_payload(1, &stored) == Some(Document("{}".to_owned())));
    comes_back(&Document(String::new()));
    comes_back(&Document("é".repeat(100_000)));
    assert!(Document::from_payload(1, b"no frame").is_none());
}

#[test]
fn a_candidacy_has_these_bytes() {
    pinned(
        &candidacy(),
        "0308ebbaca0a11000102030405064708890a0b0c0d0e0f101211000102030405064708890a0b0c0d0e0f101a03416461220d6170706c6963616e742d6e65772880d095ffbc31308080babbc82e3a1508051211000102030405064708890a0b0c0d0e0f1040064a11000102030405064708890a0b0c0d0e0f105211000102030405064708890a0b0c0d0e0f105a016162076170706c6965646801700778f8ffffffffffffffff01800101",
    );
    let version_1 = "0a11000102030405064708890a0b0c0d0e0f101211000102030405064708890a0b0c0d0e0f101a03416461220d6170706c6963616e742d6e65772880d095ffbc31308080babbc82e3a1508051211000102030405064708890a0b0c0d0e0f1040064a11000102030405064708890a0b0c0d0e0f105211000102030405064708890a0b0c0d0e0f105a016162076170706c6965646801700778f8ffffffffffffffff01";
    let old = Candidacy {
        anonymized: false,
        ..candidacy()
    };
    assert!(Candidacy::from_payload(1, &bytes(version_1)) == Some(old));
    let version_2 = format!("{version_1}800101");
    assert!(Candidacy::from_payload(2, &bytes(&version_2)) == Some(candidacy()));
    let keyless = Indexed::from_payload(2, &bytes(&version_2)).unwrap();
    assert_eq!(keyless.keys, None);
    let consenting = Candidacy {
        contact_until: Some(at(9)),
        sources: vec!["s".to_owned()],
        ..candidacy()
    };
    pinned(
        &Indexed {
            candidacy: consenting,
            keys: Some(BTreeSet::from([[1; 12], [2; 12]])),
        },
        "034bf16ddb0a11000102030405064708890a0b0c0d0e0f101211000102030405064708890a0b0c0d0e0f101a03416461220d6170706c6963616e742d6e65772880d095ffbc31308080babbc82e3a1508051211000102030405064708890a0b0c0d0e0f1040064a11000102030405064708890a0b0c0d0e0f105211000102030405064708890a0b0c0d0e0f105a016162076170706c6965646801700778f8ffffffffffffffff018001018a01180101010101010101010101010202020202020202020202029001099a010173",
    );
    comes_back(&Indexed {
        candidacy: candidacy(),
        keys: Some(BTreeSet::new()),
    });
    let bare = Candidacy {
        contact: None,
        stage: None,
        archived: None,
        snoozed_until: None,
        owner: None,
        posting: None,
        updated_at: None,
        last_interaction_at: None,
        ..candidacy()
    };
    comes_back(&bare);
}

#[test]
fn an_alias_has_these_bytes() {
    pinned(&Alias("c".into()), "010c3ccf590a0163");
}

#[test]
fn who_told_two_people_apart_has_these_bytes() {
    let dismissal = Dismissal {
        by: "ada".to_owned(),
        at: at(5),
    };
    pinned(&dismissal, "01778bc7e80a036164611005");
    let pair = ContactPair::new("b".into(), "a".into()).unwrap();
    let key = key::dismissal(connection(), &pair).unwrap();
    assert_eq!(key[16..], *b"a\0b");
    let people = key::dismissal_parts(&key);
    assert_eq!(people, Some(("a".into(), "b".into())));
    assert_eq!(key::dismissal_parts(&key[..17]), None);
}

#[test]
fn which_lever_user_a_product_user_is_has_these_bytes() {
    let link = UserLink {
        email: "a@b.c".to_owned(),
        user: UUID.into(),
        by: "ada".to_owned(),
        at: at(5),
    };
    pinned(
        &link,
        "01fe55d1740a056140622e631211000102030405064708890a0b0c0d0e0f101a036164612005",
    );
    let key = key::user_link(connection(), &[7; 12]);
    assert_eq!(key[16..], [7; 12]);
}

#[test]
fn what_a_check_of_permissions_told_has_these_bytes() {
    let report = PermissionReport {
        credential_since: Some(at(1)),
        checked_at: at(2),
        worked_at: Some(at(3)),
        answered_in_ms: Some(4),
        key: "a".to_owned(),
        confidential: Some(false),
        permissions: vec![ReportedPermission {
            name: "b".to_owned(),
            state: "c".to_owned(),
            evidence: "d".to_owned(),
            used_at: Some(at(5)),
            reason: "e".to_owned(),
        }],
    };
    pinned(
        &report,
        "016301ae3608011002180320042a016130003a0e0a01621201631a016420052a0165",
    );
}

#[test]
fn issues_have_these_bytes() {
    let remark = || Remark {
        by: "ada".to_owned(),
        at: at(5),
        note: "n".to_owned(),
    };
    let gone = Issue {
        id: IssueId::from_bytes([7; 16]),
        kind: IssueKind::StreamFailing,
        subject: "notes".to_owned(),
        message: "m".to_owned(),
        repair: "r".to_owned(),
        affected: vec![Affected::new("stream", "notes")],
        count: 3,
        reopened: 1,
        first_seen: at(2),
        last_seen: at(4),
        present: false,
        muted: None,
        resolved: Some(Resolved::Gone { at: at(6) }),
    };
    pinned(
        &gone,
        "01c69c5a980a1007070707070707070707070707070707120e53545245414d5f4641494c494e471a056e6f74657322016d2a0172320f0a0673747265616d12056e6f74657338034001480250046806",
    );
    let by_hand = Issue {
        affected: Vec::new(),
        present: true,
        muted: Some(remark()),
        resolved: Some(Resolved::ByHand(remark())),
        ..gone
    };
    pinned(
        &by_hand,
        "01aea196a10a1007070707070707070707070707070707120e53545245414d5f4641494c494e471a056e6f74657322016d2a017238034001480250045801620a0a0361646110051a016e720a0a0361646110051a016e",
    );
    let key = key::issue(connection(), by_hand.id);
    assert_eq!(key[16..], [7; 16]);
}

#[test]
fn identity_runs_and_leaves_have_these_bytes() {
    let entries = |digest: u8| {
        let entries = [([digest; 12], pack(UUID)), ([digest; 12], b"o".to_vec())];
        IdentityEntries::from_sorted(&entries)
    };
    let run = IdentityRun {
        added: entries(1),
        removed: entries(2),
    };
    pinned(
        &run,
        "01d92f51a90a320a180101010101010101010101010101010101010101010101011212000102030405064708890a0b0c0d0e0f106f1a02110112320a180202020202020202020202020202020202020202020202021212000102030405064708890a0b0c0d0e0f106f1a021101",
    );
    pinned(
        &IdentityLeaf(entries(3)),
        "01aaed8d320a180303030303030303030303030303030303030303030303031212000102030405064708890a0b0c0d0e0f106f1a021101",
    );
    // Lengths that do not add up are damage.
    for torn in ["0a0c010101010101010101010101", "1201611a0102"] {
        assert!(IdentityLeaf::from_payload(1, &bytes(torn)).is_none());
    }
}

#[test]
fn an_ordinary_candidacy_is_stored_in_less_than_400_bytes() {
    let tags = (0..8).map(|n| format!("senior engineer {n}")).collect();
    let ordinary = Candidacy {
        name: "n".repeat(40),
        stage: Some(UUID.into()),
        tags,
        ..candidacy()
    };
    assert!(frame::seal(1, &ordinary.to_payload()).len() < 400);
}

#[test]
fn a_connection_has_these_bytes() {
    let settings = Connection {
        id: connection(),
        display_name: "Acme".to_owned(),
        external_id: Some("42".to_owned()),
        environment: Environment::Region(Region::Eu),
        streams: BTreeSet::from([Stream::Users, Stream::Opportunities]),
        sync_start: Some(at(1)),
        include_archived: true,
        include_snoozed: true,
        default_acting_user: Some("u".into()),
        strict_acting_user: true,
        excluded_fields: BTreeSet::from([ExcludedField::parse("contacts.phones").unwrap()]),
        include_secret_notes: true,
        webhooks: true,
        paused: true,
        disconnected: Some(Disconnected {
            at: at(4),
            purge_at: at(5),
            webhooks_left: Some(6),
        }),
        key_last_four: "abcd".to_owned(),
        credential_since: Some(at(6)),
        created_at: at(2),
        revision: 3,
    };
    pinned(
        &settings,
        "055e3f153f0a1000000000000000000000000000000001120441636d651a02343220023202010c3801400148015201755801620461626364680270037a0f636f6e74616374732e70686f6e6573800101880101920106080410051806980106a00101",
    );
    let disconnected = |webhooks_left| {
        Some(Disconnected {
            at: at(4),
            purge_at: at(5),
            webhooks_left,
        })
    };
    comes_back(&Connection {
        disconnected: disconnected(None),
        ..settings.clone()
    });
    // As version 1 wrote it.
    let version_1 = "0a1000000000000000000000000000000001120441636d651a02343220023202010c380140014801520175580162046162636468027003";
    let old = Connection {
        excluded_fields: BTreeSet::new(),
        include_secret_notes: false,
        webhooks: false,
        disconnected: None,
        credential_since: None,
        strict_acting_user: false,
        ..settings.clone()
    };
    assert!(Connection::from_payload(1, &bytes(version_1)) == Some(old));
    // As version 2 wrote it.
    let version_2 = "0a1000000000000000000000000000000001120441636d651a02343220023202010c3801400148015201755801620461626364680270037a0f636f6e74616374732e70686f6e657380010188010192010408041005";
    let old = Connection {
        credential_since: None,
        disconnected: disconnected(Some(0)),
        strict_acting_user: false,
        ..settings.clone()
    };
    assert!(Connection::from_payload(2, &bytes(version_2)) == Some(old));
    // As version 3 wrote it.
    let version_3 = "0a1000000000000000000000000000000001120441636d651a02343220023202010c3801400148015201755801620461626364680270037a0f636f6e74616374732e70686f6e657380010188010192010408041005980106";
    let old = Connection {
        disconnected: disconnected(Some(0)),
        strict_acting_user: false,
        ..settings.clone()
    };
    assert!(Connection::from_payload(3, &bytes(version_3)) == Some(old));
    was_written_as(
        &Connection {
            strict_acting_user: false,
            ..settings.clone()
        },
        "0429b64afe0a1000000000000000000000000000000001120441636d651a02343220023202010c3801400148015201755801620461626364680270037a0f636f6e74616374732e70686f6e6573800101880101920106080410051806980106",
    );
    // An earlier version let in fields that are needed.
    comes_back(&Connection {
        excluded_fields: [ExcludedField::from_stored("notes.secret").unwrap()].into(),
        ..settings.clone()
    });
    let local = Environment::BaseUrl("http://127.0.0.1:1".to_owned());
    comes_back(&Connection {
        environment: local,
        external_id: None,
        ..settings
    });
}

#[test]
fn a_listing_has_these_bytes() {
    let state = |cursor| ListingState {
        cursor,
        last_success_at: Some(at(1)),
        last_error: Some("no".to_owned()),
    };
    pinned(&state(Cursor::New), "019859afeb20012a026e6f");
    let backfill = Cursor::Backfill {
        began: at(2),
        part: Part::Rest,
        offset: Some("o".into()),
    };
    pinned(&state(backfill), "010746e6eb0a07080210031a016f20012a026e6f");
    pinned(
        &state(Cursor::Follow {
            since: at(3),
            began: at(4),
            offset: None,
        }),
        "01bd7b02f012040803100420012a026e6f",
    );
    pinned(
        &state(Cursor::Idle {
            since: at(5),
            complete: true,
        }),
        "016e5b2cd71a040805100120012a026e6f",
    );
}

#[test]
fn mappings_changes_tokens_and_quarantined_records_have_these_bytes() {
    pinned(
        &MappingVersion {
            version: 1,
            author: "a".to_owned(),
            created_at: at(2),
            document: vec![3],
        },
        "013b3da6b408011201611802220103",
    );
    let quarantined = |raw: &str, id: Option<&str>, parent| Quarantined {
        stream: Stream::Notes,
        id: id.map(str::to_owned),
        parent,
        raw: raw.to_owned(),
        reason: "r".to_owned(),
        at: at(1),
    };
    pinned(
        &Kept {
            record: quarantined("{}", Some("n"), Some(Parent::Opportunity("o".into()))),
            seen_at: at(2),
        },
        "02c306daf6080f12027b7d1a017220012a016e3205080c12016f3802",
    );
    comes_back(&Kept {
        record: quarantined("{}", None, None),
        seen_at: at(2),
    });
    was_written_as(
        &Kept {
            record: Quarantined {
                stream: Stream::Tags,
                ..quarantined("{}", None, None)
            },
            seen_at: at(1),
        },
        "01377c82ed080412027b7d1a01722001",
    );
    let token = TokenRecord {
        id: "t".to_owned(),
        name: "n".to_owned(),
        role: "admin".to_owned(),
        connections: vec![connection()],
        rights: vec!["eeo".to_owned()],
        hash: [5; 32],
        prefix: "ful".to_owned(),
        created_at: at(1),
        expires_at: Some(at(2)),
        revoked_at: Some(at(3)),
    };
    pinned(
        &token,
        "014393fbcc0a017412016e1a0561646d696e2210000000000000000000000000000000012a0365656f322005050505050505050505050505050505050505050505050505050505050505053a0366756c400148025003",
    );
}

#[test]
fn a_connect_link_has_these_bytes() {
    let link = ConnectLink {
        id: "l".to_owned(),
        hash: [5; 32],
        purpose: LinkPurpose::New {
            display_name: "n".to_owned(),
            external_id: Some("x".to_owned()),
            environment: Environment::Region(Region::Sandbox),
        },
        made_by: "t".to_owned(),
        made_by_name: "m".to_owned(),
        scoped: true,
        created_at: at(1),
        expires_at: at(2),
        used: Some((at(3), connection())),
        revoked: None,
    };
    pinned(
        &link,
        "0107e4159c0a016c1220050505050505050505050505050505050505050505050505050505050505050522016e2a017830034201744a016d5001580160026803721000000000000000000000000000000001",
    );
    comes_back(&ConnectLink {
        purpose: LinkPurpose::New {
            display_name: "n".to_owned(),
            external_id: None,
            environment: Environment::BaseUrl("http://127.0.0.1:1/v1".to_owned()),
        },
        ..link.clone()
    });
    comes_back(&ConnectLink {
        purpose: LinkPurpose::Relink(connection()),
        used: None,
        revoked: Some((at(4), "r".to_owned())),
        ..link
    });
}

#[test]
fn an_operation_has_these_bytes() {
    let note = Write::CreateNote(NoteText {
        secret: true,
        ..NoteText::plain("v")
    });
    let recorded = State::Recorded {
        not_before: Some(at(1)),
    };
    let old = operation(note, recorded);
    // As version 1 wrote it.
    let version_1 = "0a10000000000000000000000000000000021210000000000000000000000000000000011a11000102030405064708890a0b0c0d0e0f102201722a20030303030303030303030303030303030303030303030303030303030303030332050a0176100172020801aa01090a026f70100118ad03b201016eba010175c00102ca010174d00103d80104e00105";
    assert!(Operation::from_payload(1, &bytes(version_1)) == Some(old.clone()));
    let raw = Operation {
        write: Write::Raw(RawWrite {
            operation: "c".to_owned(),
            path: [("p".to_owned(), "1".to_owned())].into(),
            query: vec![("q".to_owned(), "2".to_owned())],
            body: Some("{}".to_owned()),
            creates: true,
            bare: false,
        }),
        answer: Some("[]".to_owned()),
        ..old
    };
    // As version 2 wrote it.
    let version_2 = "0a10000000000000000000000000000000021210000000000000000000000000000000011a11000102030405064708890a0b0c0d0e0f102201722a200303030303030303030303030303030303030303030303030303030303030303ea01190a016312060a01701201311a060a017112013222027b7d280172020801aa01090a026f70100118ad03b201016eba010175c00102ca010174d00103d80104e00105f201025b5d";
    assert!(Operation::from_payload(2, &bytes(version_2)) == Some(raw.clone()));
    let upload = Operation {
        write: upload(UploadTarget::Candidate),
        ..raw
    };
    // As version 3 wrote it.
    let version_3 = "033971527a0a10000000000000000000000000000000021210000000000000000000000000000000011a11000102030405064708890a0b0c0d0e0f102201722a200303030303030303030303030303030303030303030303030303030303030303fa012f08021201661a03742f7420ac022a20040404040404040404040404040404040404040404040404040404040404040472020801aa01090a026f70100118ad03b201016eba010175c00102ca010174d00103d80104e00105f201025b5d";
    was_written_as(&upload, version_3);
    let item = Operation {
        parent: Some(OperationId::new(Uuid::from_u128(1))),
        write: prepared(PreparedKind::CreateForm),
        steps: vec![Step {
            write: Write::Unarchive,
            marker: at(9),
            done: true,
            result_id: Some("s".to_owned()),
            there: false,
        }],
        state: State::Held { release_at: at(8) },
        acting_because: ActingBecause::Linked,
        passed_over: Some(PassedOver::LinkDeactivated),
        asked_for: Some("e".to_owned()),
        queued_at: at(7),
        acted_before: Vec::new(),
        unseen: None,
        restored_at: None,
        found: vec!["f".to_owned()],
        left_out: vec!["l".to_owned()],
        ..upload
    };
    let export = Operation {
        write: export(),
        ..item.clone()
    };
    // As version 4 wrote them.
    was_written_as(
        &export,
        "0442bfe2850a10000000000000000000000000000000021210000000000000000000000000000000011a11000102030405064708890a0b0c0d0e0f102201722a200303030303030303030303030303030303030303030303030303030303030303d202c8037b2261736b6564223a7b2270726f66696c65223a7b226e616d65223a22222c22686561646c696e65223a22222c227469746c65223a22222c226c6f636174696f6e223a22222c22636f6d70616e696573223a5b5d2c22656d61696c73223a5b5d2c2270686f6e6573223a5b5d2c226c696e6b6564696e5f75726c223a22222c226769746875625f75726c223a22222c226c696e6b73223a5b5d2c2270726f66696c655f75726c223a22227d2c22636f6e74616374223a6e756c6c2c22706f7374696e67223a2270222c227374616765223a6e756c6c2c226f726967696e223a22222c226f776e6572223a6e756c6c2c226578706f72745f6173223a6e756c6c2c2274616773223a5b5d2c22736f7572636573223a5b5d2c226e616d6564223a7b22736561726368223a22222c226f776e6572223a22222c2273686f72746c69737465645f6279223a22227d2c226e6f7465223a22222c2266696c6573223a5b5d2c226f7665727269646573223a5b22434f4f4c5f4f4646225d2c22636f6e666964656e7469616c223a66616c73657d2c22726573756c74223a7b2276657264696374223a6e756c6c2c22636f6e74616374223a6e756c6c2c2264656475706564223a6e756c6c7d7da00208aa01090a026f70100118ad03b201016eba010175c00102ca010174d00103d80104e00105f201025b5d820210000000000000000000000000000000018a0209080910011a01736a009202064c494e4b45449a020165c00207ca02104c494e4b5f4445414354495641544544920301669a03016c",
    );
    was_written_as(
        &item,
        "0412e3f05a0a10000000000000000000000000000000021210000000000000000000000000000000011a11000102030405064708890a0b0c0d0e0f102201722a200303030303030303030303030303030303030303030303030303030303030303b202200a0b4352454154455f464f524d12110a016312060a017012013122027b7d2801a00208aa01090a026f70100118ad03b201016eba010175c00102ca010174d00103d80104e00105f201025b5d820210000000000000000000000000000000018a0209080910011a01736a009202064c494e4b45449a020165c00207ca02104c494e4b5f4445414354495641544544920301669a03016c",
    );
    let bulk = Operation {
        write: Write::Bulk(Bulk {
            kind: "k".to_owned(),
            items: 7,
            tally: Some(Tally {
                succeeded: 1,
                failed: 2,
                uncertain: 3,
                cancelled: 1,
                ..Tally::default()
            }),
        }),
        ..item.clone()
    };
    let bare = Operation {
        write: Write::Raw(RawWrite {
            operation: "c".to_owned(),
            path: [("p".to_owned(), "1".to_owned())].into(),
            query: Vec::new(),
            body: None,
            creates: true,
            bare: true,
        }),
        state: State::Cancelled(None),
        ..item.clone()
    };
    pinned(
        &bulk,
        "056543d7e80a10000000000000000000000000000000021210000000000000000000000000000000011a11000102030405064708890a0b0c0d0e0f102201722a200303030303030303030303030303030303030303030303030303030303030303ba020f0a016b10071a080801100218032001a00208aa01090a026f70100118ad03b201016eba010175c00102ca010174d00103d80104e00105f201025b5d820210000000000000000000000000000000018a0209080910011a01736a009202064c494e4b45449a020165c00207ca02104c494e4b5f4445414354495641544544920301669a03016c",
    );
    pinned(
        &bare,
        "058cbd71f60a10000000000000000000000000000000021210000000000000000000000000000000011a11000102030405064708890a0b0c0d0e0f102201722a200303030303030303030303030303030303030303030303030303030303030303ea010f0a016312060a017012013128013001a20100aa01090a026f70100118ad03b201016eba010175c00102ca010174d00103d80104e00105f201025b5d820210000000000000000000000000000000018a0209080910011a01736a009202064c494e4b45449a020165c00207ca02104c494e4b5f4445414354495641544544920301669a03016c",
    );
    pinned(
        &export,
        "05be13dd080a10000000000000000000000000000000021210000000000000000000000000000000011a11000102030405064708890a0b0c0d0e0f102201722a200303030303030303030303030303030303030303030303030303030303030303d202c8037b2261736b6564223a7b2270726f66696c65223a7b226e616d65223a22222c22686561646c696e65223a22222c227469746c65223a22222c226c6f636174696f6e223a22222c22636f6d70616e696573223a5b5d2c22656d61696c73223a5b5d2c2270686f6e6573223a5b5d2c226c696e6b6564696e5f75726c223a22222c226769746875625f75726c223a22222c226c696e6b73223a5b5d2c2270726f66696c655f75726c223a22227d2c22636f6e74616374223a6e756c6c2c22706f7374696e67223a2270222c227374616765223a6e756c6c2c226f726967696e223a22222c226f776e6572223a6e756c6c2c226578706f72745f6173223a6e756c6c2c2274616773223a5b5d2c22736f7572636573223a5b5d2c226e616d6564223a7b22736561726368223a22222c226f776e6572223a22222c2273686f72746c69737465645f6279223a22227d2c226e6f7465223a22222c2266696c6573223a5b5d2c226f7665727269646573223a5b22434f4f4c5f4f4646225d2c22636f6e666964656e7469616c223a66616c73657d2c22726573756c74223a7b2276657264696374223a6e756c6c2c22636f6e74616374223a6e756c6c2c2264656475706564223a6e756c6c7d7da00208aa01090a026f70100118ad03b201016eba010175c00102ca010174d00103d80104e00105f201025b5d820210000000000000000000000000000000018a0209080910011a01736a009202064c494e4b45449a020165c00207ca02104c494e4b5f4445414354495641544544920301669a03016c",
    );
    // What version 4 has settled without content may have had some.
    let unsure = Operation {
        write: Write::Raw(RawWrite {
            bare: false,
            ..raw_of(&bare)
        }),
        ..bare.clone()
    };
    let version_4 = Operation::from_payload(4, &unsure.to_payload());
    assert!(version_4 == Some(bare));
    let open = Operation {
        state: State::Held { release_at: at(8) },
        ..unsure
    };
    assert!(Operation::from_payload(4, &open.to_payload()) == Some(open));
    let restored = Operation {
        restored_at: Some(at(6)),
        ..item.clone()
    };
    pinned(
        &restored,
        "054b4ad0140a10000000000000000000000000000000021210000000000000000000000000000000011a11000102030405064708890a0b0c0d0e0f102201722a200303030303030303030303030303030303030303030303030303030303030303b202200a0b4352454154455f464f524d12110a016312060a017012013122027b7d2801a00208aa01090a026f70100118ad03b201016eba010175c00102ca010174d00103d80104e00105f201025b5d820210000000000000000000000000000000018a0209080910011a01736a009202064c494e4b45449a020165c00207ca02104c494e4b5f4445414354495641544544920301669a03016ca00306",
    );
    let seen = Operation {
        attempts: item
            .attempts
            .iter()
            .map(|attempt| Attempt {
                seen: Some([5; 32]),
                ..attempt.clone()
            })
            .collect(),
        steps: item
            .steps
            .iter()
            .map(|step| Step {
                there: true,
                ..step.clone()
            })
            .collect(),
        ..item.clone()
    };
    pinned(
        &seen,
        "05ccf0e9ea0a10000000000000000000000000000000021210000000000000000000000000000000011a11000102030405064708890a0b0c0d0e0f102201722a200303030303030303030303030303030303030303030303030303030303030303b202200a0b4352454154455f464f524d12110a016312060a017012013122027b7d2801a00208aa012b0a026f70100118ad032a200505050505050505050505050505050505050505050505050505050505050505b201016eba010175c00102ca010174d00103d80104e00105f201025b5d820210000000000000000000000000000000018a020b080910011a017320016a009202064c494e4b45449a020165c00207ca02104c494e4b5f4445414354495641544544920301669a03016c",
    );
    let traced = Operation {
        rpc: Some("x".to_owned()),
        ..item.clone()
    };
    pinned(
        &traced,
        "0572283a4d0a10000000000000000000000000000000021210000000000000000000000000000000011a11000102030405064708890a0b0c0d0e0f102201722a200303030303030303030303030303030303030303030303030303030303030303b202200a0b4352454154455f464f524d12110a016312060a017012013122027b7d2801a00208aa01090a026f70100118ad03b201016eba010175c00102ca010174d00103d80104e00105f201025b5d820210000000000000000000000000000000018a0209080910011a01736a009202064c494e4b45449a020165c00207ca02104c494e4b5f4445414354495641544544920301669a03016caa030178",
    );
    let minded = Operation {
        minds_provenance: true,
        ..item
    };
    pinned(
        &minded,
        "05987c92960a10000000000000000000000000000000021210000000000000000000000000000000011a11000102030405064708890a0b0c0d0e0f102201722a200303030303030303030303030303030303030303030303030303030303030303b202200a0b4352454154455f464f524d12110a016312060a017012013122027b7d2801a00208aa01090a026f70100118ad03b201016eba010175c00102ca010174d00103d80104e00105f201025b5d820210000000000000000000000000000000018a0209080910011a01736a009202064c494e4b45449a020165c00207ca02104c494e4b5f4445414354495641544544920301669a03016cb00301",
    );
}

/// The key of the operation of [`an_operation_is_kept_sealed`].
const ROW: &[u8] = b"row";

fn secret(byte: u8) -> Sealer {
    Sealer::new([byte; 32].into())
}

#[test]
fn an_operation_is_kept_sealed_and_restored_without_being_opened() {
    let tag = Write::AddTags {
        tags: vec!["v".to_owned()],
    };
    let open = operation(tag, State::Recorded { not_before: None });
    let done = Operation {
        state: State::Succeeded,
        ..open.clone()
    };
    let failed = Operation {
        state: State::Failed(Failure {
            kind: FailureKind::Unknown,
            message: "m".to_owned(),
            details: Default::default(),
        }),
        ..open.clone()
    };
    for operation in [&open, &done, &failed] {
        let kept = KeptOperation::seal(&secret(1), ROW, operation).unwrap();
        comes_back(&kept);
        assert!(kept.clone().open(&secret(1), ROW).unwrap() == *operation);
        assert!(kept.clone().open(&secret(1), b"other").is_err());
        assert!(kept.clone().open(&secret(2), ROW).is_err());
        let restored = kept.restored(at(9));
        assert_eq!(restored.is_unsure(), *operation == open);
        comes_back(&restored);
        let opened = restored.open(&secret(1), ROW).unwrap();
        assert!(opened == operation.restored(at(9)));
    }
    // Of before they were sealed.
    let plain = KeptOperation::from_payload(Operation::VERSION, &open.to_payload()).unwrap();
    assert!(plain.clone().open(&secret(1), ROW).unwrap() == open);
    let restored = plain.restored(at(9));
    assert!(restored.is_unsure());
    comes_back(&restored);
    assert!(restored.open(&secret(1), ROW).unwrap() == open.restored(at(9)));
}

fn raw_of(operation: &Operation) -> RawWrite {
    match &operation.write {
        Write::Raw(raw) => raw.clone(),
        other => panic!("{other:?}"),
    }
}

fn export() -> Write {
    let asked = Asked {
        posting: Some("p".into()),
        overrides: [Ground::CoolOff].into(),
        ..Asked::default()
    };
    Write::Export(Box::new(Export::of(asked)))
}

fn prepared(kind: PreparedKind) -> Write {
    Write::Prepared(Prepared {
        kind,
        call: RawWrite {
            operation: "c".to_owned(),
            path: [("p".to_owned(), "1".to_owned())].into(),
            query: Vec::new(),
            body: Some("{}".to_owned()),
            creates: kind.creates(),
            bare: false,
        },
    })
}

fn upload(target: UploadTarget) -> Write {
    Write::UploadFile(FileUpload {
        target,
        name: "f".to_owned(),
        content_type: "t/t".to_owned(),
        size: 300,
        sha256: [4; 32],
        number: 0,
    })
}

#[test]
fn what_is_ours_has_these_bytes() {
    let added = |what: &str, ms| Added {
        what: what.to_owned(),
        at: at(ms),
        gone: false,
    };
    let ours = Ours {
        tags: vec![added("t", 1), added("u", 2)],
        links: vec![added("l", 3)],
        notes: vec![added("n", 4)],
        files: vec![added("f", 5)],
    };
    pinned(
        &ours,
        "0153626c930a050a017410010a050a0175100212050a016c10031a050a016e100422050a01661005",
    );
    let gone = Ours {
        tags: vec![Added {
            gone: true,
            ..added("t", 1)
        }],
        ..Ours::default()
    };
    pinned(&gone, "014cdf1a540a070a017410011801");
}

#[test]
fn operations_of_every_kind_and_state_come_back() {
    let list = || vec!["a".to_owned(), "b".to_owned()];
    let failure = |kind| Failure {
        kind,
        message: "m".to_owned(),
        details: vec![("k".to_owned(), "v".to_owned())],
    };
    for write in [
        Write::CreateNote(NoteText::default()),
        Write::CreateNote(NoteText {
            value: "v".to_owned(),
            secret: true,
            score: Some(4),
            notify_followers: true,
            thread: Some(UUID.into()),
        }),
        Write::Bulk(Bulk {
            kind: "ARCHIVE".to_owned(),
            items: 1000,
            tally: None,
        }),
        Write::AddTags { tags: list() },
        Write::RemoveTags { tags: list() },
        Write::AddSources { sources: list() },
        Write::RemoveSources {
            sources: Vec::new(),
        },
        Write::ChangeStage {
            stage: UUID.into(),
            expected_stage: Some("s".into()),
        },
        Write::Archive {
            reason: UUID.into(),
            requisition: Some(UUID.into()),
            clean_interviews: true,
            rejects: None,
        },
        Write::Archive {
            reason: UUID.into(),
            requisition: None,
            clean_interviews: false,
            rejects: Some(Rejection {
                expected_stage: Some("s".into()),
                email_template: Some("t".to_owned()),
            }),
        },
        Write::Unarchive,
        Write::Raw(RawWrite {
            operation: "createPosting".to_owned(),
            path: [("posting".to_owned(), "p".to_owned())].into(),
            query: vec![("a".to_owned(), "b".to_owned()); 2],
            body: Some("{}".to_owned()),
            creates: true,
            bare: false,
        }),
        Write::Raw(RawWrite {
            operation: "createPosting".to_owned(),
            path: Default::default(),
            query: Vec::new(),
            body: None,
            creates: true,
            bare: true,
        }),
        upload(UploadTarget::Opportunity),
        upload(UploadTarget::Candidate),
        upload(UploadTarget::Application),
        export(),
        Write::CreateOpportunity(Box::new(NewOpportunity {
            name: Some("n".to_owned()),
            phones: list(),
            stage: Some("s".into()),
            posting: Some(UUID.into()),
            resume: Some(FileUpload {
                target: UploadTarget::Opportunity,
                name: "f".to_owned(),
                content_type: "t/t".to_owned(),
                size: 300,
                sha256: [4; 32],
                number: 2,
            }),
            ..NewOpportunity::default()
        })),
    ]
    .into_iter()
    .chain(PreparedKind::ALL.iter().copied().map(prepared))
    {
        let answered = Operation {
            answer: Some("{}".to_owned()),
            ..operation(write, State::Succeeded)
        };
        comes_back(&answered);
    }
    let mut states = vec![
        State::Recorded { not_before: None },
        State::Sending { since: at(0) },
        State::Reconciling {
            sent: at(1),
            looks: 2,
            look_at: at(3),
        },
        State::Cancelled(None),
        State::Cancelled(Some(failure(FailureKind::AlreadyArchived))),
        State::Held { release_at: at(4) },
    ];
    for kind in FailureKind::ALL {
        states.push(State::Failed(failure(*kind)));
        states.push(State::Uncertain(failure(*kind)));
    }
    for state in states {
        comes_back(&operation(Write::Unarchive, state));
    }
    let former = |user: Option<&str>| Former {
        user: user.map(Into::into),
        until: at(6),
    };
    comes_back(&Operation {
        acted_before: vec![former(Some(UUID)), former(None)],
        unseen: Some(Sight {
            confidential: false,
            applicants_only: true,
        }),
        ..operation(Write::Unarchive, State::Succeeded)
    });
}

#[test]
fn a_credential_has_these_bytes() {
    let sealed = |form, generation| SealedCredential {
        form,
        sealed: vec![1, 2],
        generation,
        renewal_begun: None,
    };
    pinned(
        &SealedCredential {
            renewal_begun: Some(at(5)),
            ..sealed(CredentialForm::Message, 3)
        },
        "033a4437dc0a020102100118032005",
    );
    was_written_as(
        &sealed(CredentialForm::Message, 3),
        "024745f5350a02010210011803",
    );
    comes_back(&sealed(CredentialForm::Message, 3));
    was_written_as(&sealed(CredentialForm::ApiKeyText, 0), "01caba6e600a020102");
    comes_back(&sealed(CredentialForm::ApiKeyText, 0));
}

#[test]
fn schedules_nudges_and_moments_have_these_bytes() {
    let hour = Schedule::every(std::time::Duration::from_secs(3600)).unwrap();
    pinned(&hour, "01dd052d370880dddb01");
    pinned(
        &Schedule::cron("0 6 * * *", "UTC").unwrap(),
        "0125267f5e12100a09302036202a202a202a1203555443",
    );
    pinned(&Moment(at(-1)), "01746fd8ec08ffffffffffffffffff01");
    let nudge = Nudge {
        event: "candidateHired".to_owned(),
        opportunity: Some(UUID.into()),
        contact: Some("c".into()),
        interview: Some("i".to_owned()),
        at: at(1),
    };
    pinned(
        &nudge,
        "01c29dc38e0a0e63616e64696461746548697265641211000102030405064708890a0b0c0d0e0f101a01632201692801",
    );
    comes_back(&Nudge {
        opportunity: None,
        contact: None,
        interview: None,
        ..nudge
    });
}

#[test]
fn a_run_has_these_bytes() {
    let early = Run {
        connection: connection(),
        listing: "notes".to_owned(),
        lane: Some("hydrate".to_owned()),
        began: at(1),
        ended: at(2),
        pages: 3,
        records: 4,
        changes: 5,
        requests: 6,
        outcome: RunOutcome::Failed("no".to_owned()),
        cause: None,
        scope: None,
        counts: None,
        cursors: None,
    };
    was_written_as(
        &early,
        "0170fbe18e0a100000000000000000000000000000000112056e6f7465731a076879647261746520012802300338044005480650035a026e6f",
    );
    let run = Run {
        cause: Some(RunCause::Request),
        scope: Some(RunScope::Changes),
        counts: Some(RunCounts {
            created: 1,
            updated: 2,
            unchanged: 3,
            deleted: 4,
            set_aside: 5,
        }),
        cursors: Some((Cursor::New, Cursor::following(at(7)))),
        ..early.clone()
    };
    pinned(
        &run,
        "021be3b5710a100000000000000000000000000000000112056e6f7465731a076879647261746520012802300338044005480650035a026e6f60026803720a080110021803200428057a008201061a0408071001",
    );
    for outcome in [
        RunOutcome::Succeeded,
        RunOutcome::Forbidden("find all notes".to_owned()),
        RunOutcome::Interrupted,
    ] {
        comes_back(&Run {
            outcome,
            lane: None,
            ..run.clone()
        });
    }
    let causes = RunCause::ALL.map(|cause| Run {
        cause: Some(cause),
        ..early.clone()
    });
    let scopes = RunScope::ALL.map(|scope| Run {
        scope: Some(scope),
        ..early.clone()
    });
    causes.iter().chain(&scopes).for_each(comes_back);
}

#[test]
fn calls_have_these_bytes_before_they_are_compressed() {
    let call = ApiCall {
        at: at(1),
        operation: "listNotes".to_owned(),
        method: "GET".to_owned(),
        path: "/p".to_owned(),
        status: Some(200),
        elapsed_ms: 2,
        waited_ms: 3,
        attempt: 1,
        lane: "hydrate".to_owned(),
        write: Some(OperationId::new(Uuid::from_u128(2))),
        rpc: None,
        permission_test: false,
    };
    let unanswered = ApiCall {
        status: None,
        write: None,
        ..call.clone()
    };
    let block = CallBlock(vec![call, unanswered]);
    let message: String = block
        .message()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        message,
        "0a3a080112096c6973744e6f7465731a0347455422022f7028c8013002380340014a07687964726174655210000000000000000000000000000000020a25080112096c6973744e6f7465731a0347455422022f703002380340014a0768796472617465"
    );
    // Versions 1 and 2 had the same fields but the last two, and the last.
    for version in [1, 2] {
        let early = CallBlock::from_payload(version, &compress(&block.message()));
        assert!(early == Some(block.clone()), "{version}");
    }
    let caused = CallBlock(vec![ApiCall {
        rpc: Some("r".to_owned()),
        permission_test: true,
        ..block.0[1].clone()
    }]);
    let message: String = caused
        .message()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        message,
        "0a2a080112096c6973744e6f7465731a0347455422022f703002380340014a07687964726174655a01726001"
    );
    comes_back(&caused);
    assert!(CallBlock::from_payload(4, &block.to_payload()).is_none());
    assert!(CallBlock::from_payload(1, b"no frame").is_none());
}

#[test]
fn what_is_to_be_forgotten_has_these_bytes() {
    let forget = |cause| Forget {
        cause,
        records: vec![(Stream::Applications, UUID.to_owned())],
        contact: Some("c".into()),
        ids: vec!["o".to_owned()],
    };
    pinned(
        &forget(Cause::Asked),
        "01ec2415a708031215080d1211000102030405064708890a0b0c0d0e0f101a016322016f",
    );
    comes_back(&forget(Cause::Deleted));
    comes_back(&Forget {
        contact: None,
        ..forget(Cause::Absent)
    });
    pinned(
        &QuarantineCount {
            kept: 1,
            dropped: 2,
        },
        "0108eff89b08011002",
    );
}

#[test]
fn the_changes_of_one_transaction_have_these_bytes() {
    let change = |sequence, event| Change {
        sequence,
        at: at(2),
        event,
    };
    let record = |stream, id: &str, kind, moved| {
        let id = id.to_owned();
        Event::Record(RecordChange {
            stream,
            id,
            kind,
            moved,
        })
    };
    let person = |kind, moved| record(Stream::Opportunities, UUID, kind, moved);
    let place = |stage: &str, confidential| {
        Some(Place {
            stage: stage.into(),
            confidential,
        })
    };
    let deleted = change(1, record(Stream::Tags, "x", ChangeKind::Deleted, None));
    let created = person(ChangeKind::Created, None);
    was_written_as(
        &ChangeBlock(vec![deleted.clone(), change(2, created)]),
        "024e44358c080110021a07080412017818031a17080c1211000102030405064708890a0b0c0d0e0f101801",
    );
    let moves = [
        Move::default(),
        Move {
            from: None,
            to: place("a", false),
        },
        Move {
            from: place("a", false),
            to: place("a", true),
        },
        Move {
            from: place(UUID, true),
            to: place("a", true),
        },
    ];
    let moved = moves.map(|moved| person(ChangeKind::Updated, Some(moved)));
    let sla = |mark| Event::Sla {
        opportunity: "o".into(),
        mark,
    };
    let others = [
        sla(SlaMark::AtRisk),
        sla(SlaMark::Breached),
        Event::StagesMapped { version: 300 },
        Event::Confidential { hidden: true },
        Event::Confidential { hidden: false },
    ];
    let all = moved.into_iter().chain(others);
    let all = (2..)
        .zip(all)
        .map(|(sequence, event)| change(sequence, event));
    let all: Vec<_> = [deleted.clone()].into_iter().chain(all).collect();
    let awake = Event::Awake {
        opportunity: "o".into(),
    };
    pinned(
        &ChangeBlock(vec![change(1, awake)]),
        "04336f844a080110021a0512016f1809",
    );
    was_written_as(
        &ChangeBlock(all),
        "035cc8ed97080110021a07080412017818031a1b080c1211000102030405064708890a0b0c0d0e0f101802200028001a1b080c1211000102030405064708890a0b0c0d0e0f101802200028011a1b080c1211000102030405064708890a0b0c0d0e0f101802200128021a1b080c1211000102030405064708890a0b0c0d0e0f101802200328021a0512016f18041a0512016f18051a05180630ac021a0218071a02180822030a016122050a0161100122150a11000102030405064708890a0b0c0d0e0f101001",
    );
    let told = |mark, awake| SlaTold { mark, awake };
    let breached = Some((SlaMark::Breached, at(2)));
    was_written_as(&told(breached, None), "015151be9908021002");
    pinned(&told(breached, Some(at(3))), "024855efd4080210021803");
    comes_back(&told(Some((SlaMark::AtRisk, at(2))), None));
    comes_back(&told(None, Some(at(0))));
    was_written_as(
        &ChangeBlock(vec![deleted]),
        "0131083f090801100218042201782803",
    );
    let none = ChangeBlock(Vec::new()).to_payload();
    assert!(ChangeBlock::from_payload(4, &none).is_none());
    assert!(SlaTold::from_payload(1, &[]).is_none());
}
