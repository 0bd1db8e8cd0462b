//! A mirror of many people, made without Lever, once, and kept in the target folder for the runs to come.
//!
//! The records are made up, and have the fields that Lever's own have; what is derived from them, is derived as in a
//! pull. There are no lists below them: nobody who is looked up, listed or counted is looked for there.

use std::fs;
use std::path::PathBuf;

use domain::hydration::Policy;
use domain::identity::Identity;
use domain::{
    Candidacy, Connection, ConnectionId, Cursor, Environment, Listing, Stream, Timestamp,
};
use futures::StreamExt;
use proto::v1 as pb;
use secrecy::SecretString;
use serde_json::{Value, json};
use store::{Incoming, Options, Page, Refresh, Store};

/// Changes with what is stored, so that a mirror of an earlier version is made anew.
const VERSION: u32 = 1;
/// Open candidacies in the one inbound stage.
pub(crate) const INBOUND: usize = 10_000;
/// People in one transaction, as on one of Lever's pages.
const PAGE: usize = 100;
/// Transactions under way at once: they share a flush.
const AT_ONCE: usize = 16;

const POSTINGS: usize = 300;
const USERS: usize = 200;
const STAGES: [&str; 12] = [
    "lead-new",
    "lead-reached-out",
    "lead-responded",
    "applicant-new",
    "recruiter-screen",
    "phone-interview",
    "take-home",
    "on-site-interview",
    "panel",
    "reference-check",
    "offer",
    "hold",
];
/// The place of `applicant-new`.
const APPLICANT_NEW: usize = 3;
const REASONS: [&str; 10] = [
    "hired",
    "underqualified",
    "unresponsive",
    "timing",
    "withdrew",
    "offer-declined",
    "position-closed",
    "culture",
    "duplicate",
    "spam",
];
const FIRST: [&str; 16] = [
    "Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Ken", "Frances", "Tony",
    "Margaret", "Leslie", "Shafi", "Dennis", "Adele", "Niklaus",
];
const LAST: [&str; 16] = [
    "Lovelace",
    "Hopper",
    "Turing",
    "Dijkstra",
    "Liskov",
    "Knuth",
    "Perlman",
    "Thompson",
    "Allen",
    "Hoare",
    "Hamilton",
    "Lamport",
    "Goldwasser",
    "Ritchie",
    "Goldberg",
    "Wirth",
];
const COMPANIES: [&str; 12] = [
    "Brickly LLC",
    "Vandelay Industries, Inc",
    "Central Perk",
    "Grunnings, Inc.",
    "Globex",
    "Initech",
    "Hooli",
    "Acme GmbH",
    "Umbrella Ltd",
    "Soylent Corp",
    "Wonka",
    "Stark AG",
];
const DAY_MS: i64 = 86_400_000;
/// A moment in 2026, so that the same people are made in every run.
const NOW_MS: i64 = 1_796_000_000_000;

/// A mirror in a folder.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) number: usize,
    /// The data directory.
    pub(crate) folder: PathBuf,
    /// The connection it is of.
    pub(crate) connection: ConnectionId,
}

impl People {
    /// The mirror of so many people, made unless an earlier run has; `number` is 10,000 or more.
    pub(crate) async fn mirrored(number: usize) -> People {
        assert!(
            number >= INBOUND,
            "there are {INBOUND} applicants among them"
        );
        let parent = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let people = People {
            number,
            folder: parent.join(format!("people-{VERSION}-{number}")),
            connection: ConnectionId::from_bytes([7; 16]),
        };
        if !people.folder.exists() {
            let making = parent.join(format!("people-{VERSION}-{number}.making"));
            // Of a run that was cut short.
            let _ = fs::remove_dir_all(&making);
            people.make(making.clone()).await;
            fs::rename(making, &people.folder).expect("a folder of ours is moved");
        }
        people
    }

    async fn make(&self, folder: PathBuf) {
        let options = Options {
            cache_bytes: 1 << 30,
            ..Options::default()
        };
        let opened = tokio::task::spawn_blocking(move || Store::open(&folder, options)).await;
        let store = opened.expect("no panic").expect("a new store");
        let key = SecretString::from("nobody asks Lever");
        let created = store.create_connection(connection(self.connection), key);
        created.await.expect("a connection");
        self.apply(&store, account()).await;
        let pages = (0..self.number).step_by(PAGE).map(|first| {
            let last = self.number.min(first + PAGE);
            let store = &store;
            async move {
                let records = (first..last).flat_map(|at| self.person(at)).collect();
                self.apply(store, records).await;
            }
        });
        futures::stream::iter(pages)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
        self.end_walk(&store).await;
        while store
            .fold_identities(self.connection)
            .await
            .expect("folded")
            > 0
        {}
        store.close().await.expect("closed");
    }

    async fn apply(&self, store: &Store, records: Vec<Incoming>) {
        let refresh = Refresh {
            connection: self.connection,
            requested_at: Timestamp::from_millis(NOW_MS),
            now: Timestamp::from_millis(NOW_MS),
            records,
            deleted: Vec::new(),
            quarantined: Vec::new(),
            policy: Policy::none(),
        };
        let applied = store.apply_refresh(refresh).await.expect("applied");
        assert_eq!(applied.quarantined, 0, "a record that cannot be stored");
    }

    /// Says that everything was read.
    async fn end_walk(&self, store: &Store) {
        let page = Page {
            connection: self.connection,
            listing: Listing::Opportunities,
            expected: Cursor::New,
            next: Cursor::Idle {
                since: Timestamp::from_millis(NOW_MS),
                complete: true,
            },
            requested_at: Timestamp::from_millis(NOW_MS),
            now: Timestamp::from_millis(NOW_MS),
            records: Vec::new(),
            deleted: Vec::new(),
            quarantined: Vec::new(),
            policy: Policy::none(),
        };
        store.apply(page).await.expect("applied");
    }

    /// One person's opportunity, with the application and the contact.
    fn person(&self, at: usize) -> [Incoming; 3] {
        let (opportunity, application, contact) = self.documents(at);
        let raw = opportunity.to_string();
        const LIKE_LEVERS: &str = "a record such as Lever has";
        let read: lever::Opportunity = serde_json::from_str(&raw).expect(LIKE_LEVERS);
        let applied: lever::Application =
            serde_json::from_value(application.clone()).expect(LIKE_LEVERS);
        let who: lever::Contact = serde_json::from_value(contact.clone()).expect(LIKE_LEVERS);
        let candidacy = Candidacy::from_lever(&read, Some(&applied)).with_consent(&who);
        let identity = Identity::of_opportunity(&read, Some(&applied), Some(&who));
        [
            Incoming {
                updated_at: read.updated_at,
                candidacy: Some(candidacy),
                identity: identity.keys(),
                ..incoming(Stream::Opportunities, &opportunity_id(at), raw)
            },
            incoming(Stream::Applications, &id("a", at), application.to_string()),
            incoming(Stream::Contacts, &id("c", at), contact.to_string()),
        ]
    }

    fn documents(&self, at: usize) -> (Value, Value, Value) {
        let dice = mixed(at as u64);
        let between = self.number / INBOUND;
        let inbound = at.is_multiple_of(between) && at / between < INBOUND;
        let archived = !inbound && dice % 5 < 3;
        let stage = match inbound {
            true => APPLICANT_NEW,
            false => (APPLICANT_NEW + 1 + dice as usize % (STAGES.len() - 1)) % STAGES.len(),
        };
        let age = (dice >> 8) as i64 % 720;
        let created = NOW_MS - age * DAY_MS - (dice >> 20) as i64 % DAY_MS;
        let entered = created + (NOW_MS - created) / 2;
        let name = name(at);
        let headline = [COMPANIES[at % 12], COMPANIES[(dice >> 4) as usize % 12]].join(", ");
        let (owner, posting) = (
            id("u", dice as usize % USERS),
            id("p", dice as usize % POSTINGS),
        );
        let phones = json!([{ "type": "mobile", "value": format!("+1 415 {:03} {:04}", at / 10_000, at % 10_000) }]);
        let ended = json!({ "archivedAt": entered, "reason": REASONS[at % REASONS.len()] });
        let opportunity = json!({
            "id": opportunity_id(at),
            "name": name,
            "contact": id("c", at),
            "headline": headline,
            "stage": STAGES[stage],
            "stageChanges": [
                { "toStageId": "lead-new", "toStageIndex": 0, "userId": owner, "updatedAt": created },
                { "toStageId": STAGES[stage], "toStageIndex": stage, "userId": owner, "updatedAt": entered },
            ],
            "confidentiality": "non-confidential",
            "location": "Oakland, CA",
            "phones": phones,
            "emails": [email(at)],
            "links": [linkedin(at)],
            "archived": if archived { ended } else { Value::Null },
            "tags": ["Findem Exported", format!("search {}", dice % 500)],
            "sources": ["LinkedIn"],
            "origin": if dice.is_multiple_of(2) { "applied" } else { "sourced" },
            "sourcedBy": null,
            "owner": owner,
            "followers": [owner],
            "applications": [id("a", at)],
            "createdAt": created,
            "updatedAt": entered,
            "lastInteractionAt": entered,
            "lastAdvancedAt": entered,
            "snoozedUntil": null,
            "urls": {
                "list": "https://hire.lever.co/candidates",
                "show": format!("https://hire.lever.co/candidates/{}", opportunity_id(at)),
            },
            "isAnonymized": false,
            "opportunityLocation": null,
        });
        let application = json!({
            "id": id("a", at),
            "type": "posting",
            "opportunityId": opportunity_id(at),
            "candidateId": opportunity_id(at),
            "posting": posting,
            "postingOwner": owner,
            "postingHiringManager": owner,
            "user": null,
            "name": name,
            "email": email(at),
            "phone": phones[0],
            "company": COMPANIES[at % 12],
            "links": [linkedin(at)],
            "comments": null,
            "customQuestions": [],
            "archived": null,
            "createdAt": created,
            "requisitionForHire": null,
        });
        let contact = json!({
            "id": id("c", at),
            "name": name,
            "headline": headline,
            "isAnonymized": false,
            "location": { "name": "Oakland, CA" },
            "emails": [email(at)],
            "phones": phones,
        });
        (opportunity, application, contact)
    }

    /// Whom call number `call` asks about: mostly people of the mirror, every tenth a stranger, by two keys each.
    pub(crate) fn asked(&self, call: usize, identities: usize) -> Vec<pb::Identity> {
        let asked = (0..identities).map(|place| {
            let dice = mixed((call * identities + place) as u64 ^ 0xA5A5_5A5A) as usize;
            match place % 10 {
                0 => self.number + dice % self.number,
                _ => dice % self.number,
            }
        });
        asked.map(identity).collect()
    }

    /// Everybody, so many at a time.
    pub(crate) fn everybody(&self, at_a_time: usize) -> impl Iterator<Item = Vec<pb::Identity>> {
        let firsts = (0..self.number).step_by(at_a_time);
        firsts.map(move |first| {
            (first..self.number.min(first + at_a_time))
                .map(identity)
                .collect()
        })
    }
}

fn identity(at: usize) -> pb::Identity {
    pb::Identity {
        key: at.to_string(),
        emails: vec![email(at)],
        linkedin_url: linkedin(at),
        ..pb::Identity::default()
    }
}

fn incoming(stream: Stream, id: &str, raw: String) -> Incoming {
    Incoming {
        stream,
        id: id.to_owned(),
        raw,
        updated_at: None,
        rank: 0,
        candidacy: None,
        identity: Default::default(),
        posting_state: None,
        parent: None,
    }
}

/// The stages, archive reasons, users and postings.
fn account() -> Vec<Incoming> {
    let stages = STAGES.iter().enumerate().map(|(rank, stage)| Incoming {
        rank: rank as u32,
        ..incoming(
            Stream::Stages,
            stage,
            json!({ "id": stage, "text": stage }).to_string(),
        )
    });
    let reasons = REASONS.iter().map(|reason| {
        let kind = if *reason == "hired" {
            "hired"
        } else {
            "non-hired"
        };
        let raw = json!({ "id": reason, "text": reason, "status": "active", "type": kind });
        incoming(Stream::ArchiveReasons, reason, raw.to_string())
    });
    let users = (0..USERS).map(|at| {
        let raw = json!({
            "id": id("u", at), "name": name(at), "username": format!("u{at}"),
            "email": format!("u{at}@acme.example"), "accessRole": "team member", "createdAt": NOW_MS,
            "deactivatedAt": null, "externalDirectoryId": null, "photo": null,
        });
        incoming(Stream::Users, &id("u", at), raw.to_string())
    });
    stages
        .chain(reasons)
        .chain(users)
        .chain((0..POSTINGS).map(posting))
        .collect()
}

/// With a description as long as they usually are.
fn posting(at: usize) -> Incoming {
    let sentence = "You work with people who care, on something that many depend on every day. ";
    let raw = json!({
        "id": id("p", at),
        "text": format!("Engineer {at}"),
        "state": "published",
        "user": id("u", at % USERS),
        "owner": id("u", at % USERS),
        "hiringManager": id("u", (at + 1) % USERS),
        "confidentiality": "non-confidential",
        "categories": { "team": "Platform", "department": "Engineering", "location": "Oakland", "commitment": "Full-time" },
        "content": { "description": sentence.repeat(20), "lists": [], "closing": sentence.repeat(4) },
        "tags": [], "followers": [], "reqCode": format!("R-{at}"), "requisitionCodes": [],
        "createdAt": NOW_MS, "updatedAt": NOW_MS,
        "urls": { "list": "https://jobs.lever.co/acme", "show": format!("https://jobs.lever.co/acme/{at}") },
    });
    incoming(Stream::Postings, &id("p", at), raw.to_string())
}

fn connection(id: ConnectionId) -> Connection {
    Connection {
        id,
        display_name: "Acme".to_owned(),
        external_id: None,
        // Nobody listens there, and nothing is pulled.
        environment: Environment::BaseUrl("http://127.0.0.1:1/v1".to_owned()),
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
        key_last_four: String::new(),
        credential_since: None,
        created_at: Timestamp::from_millis(NOW_MS),
        revision: 1,
    }
}

/// Lever's id of one person's opportunity.
pub(crate) fn opportunity_id(at: usize) -> String {
    id("o", at)
}

/// As long, and as scattered, as Lever's.
fn id(kind: &str, at: usize) -> String {
    let kind = kind.bytes().map(u64::from).sum::<u64>();
    let (high, low) = (
        mixed(at as u64 ^ kind << 56),
        mixed(!(at as u64) ^ kind << 48),
    );
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        high & 0xffff,
        (high >> 16) & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

fn name(at: usize) -> String {
    format!("{} {}", FIRST[at % 16], LAST[at / 16 % 16])
}

pub(crate) fn email(at: usize) -> String {
    format!("{}.{at}@mail.example", LAST[at / 16 % 16].to_lowercase())
}

fn linkedin(at: usize) -> String {
    format!(
        "https://www.linkedin.com/in/{}-{at}",
        FIRST[at % 16].to_lowercase()
    )
}

/// A number that looks like chance and is the same in every run (SplitMix64).
pub(crate) fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
