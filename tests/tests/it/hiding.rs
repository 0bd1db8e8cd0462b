//! What a key may not see is hidden, never buried (F-04).

use std::collections::{BTreeMap, BTreeSet};

use lever_sim::{DEFAULT_KEY, Key};
use proto::v1 as pb;
use tonic::Code;

use crate::support::{Setup, World, fresh_id, refused, until};

/// A key without access to confidential records.
const NARROW: &str = "a-key-without-confidential-access-0003";

/// Streams in which something is confidential, by itself or by whom it belongs to.
const SECRETIVE: [&str; 7] = [
    "opportunities",
    "applications",
    "postings",
    "requisitions",
    "notes",
    "files",
    "eeo_responses",
];

/// An account of which much is kept, swept without a pause, and read below one person at a time.
fn setup() -> Setup {
    let mut setup = Setup::full(300)
        .with("FULCRUM__PULL__SWEEP_INTERVAL", "300ms")
        .with("FULCRUM__PULL__CHILDREN_PARALLEL", "1");
    // Of this seed somebody confidential has answered the questions for equal opportunity.
    setup.lever.population.seed = 1;
    setup.lever.keys.push(Key {
        confidential: false,
        ..Key::all(NARROW)
    });
    let kept = SECRETIVE.into_iter().chain(["stages", "archive_reasons"]);
    setup.connection.streams = kept.map(str::to_owned).collect();
    setup
}

/// Everything confidential and what is beside it, by stream and id, and who applied.
#[derive(Debug, PartialEq)]
struct Shown {
    records: BTreeMap<&'static str, BTreeMap<String, String>>,
    applicants: BTreeSet<String>,
}

impl Shown {
    fn count(&self, stream: &str) -> usize {
        self.records[stream].len()
    }
}

impl World {
    async fn shown(&self) -> Shown {
        let mut records = BTreeMap::new();
        for stream in SECRETIVE {
            records.insert(stream, self.records(stream).await.expect("read"));
        }
        let applicants = self.applicants().await.applicants.into_iter();
        Shown {
            records,
            applicants: applicants.map(|one| one.opportunity_id).collect(),
        }
    }

    async fn use_key(&self, key: &str) {
        let request = pb::RotateCredentialRequest {
            connection_id: self.connection.clone(),
            api_key: key.to_owned(),
            ..Default::default()
        };
        let rotated = self.api.connections().rotate_credential(request).await;
        rotated.expect("rotated");
    }

    /// How many walks over the whole of a list have begun with a key.
    fn walks(&self, operation: &str, key: &str) -> usize {
        let calls = self.calls(operation).into_iter();
        let of_everything = calls.filter(|call| {
            let partial = ["updated_at_start", "stage_id", "offset"];
            let named = |name: &str| call.query.iter().any(|(given, _)| given == name);
            call.status == Some(200)
                && call.key_last4.as_deref() == key.get(key.len() - 4..)
                && !partial.into_iter().any(named)
        });
        of_everything.count()
    }

    /// Waits until each list has been walked to its end with a key, and what waits below people is read.
    async fn until_walked_with(&self, key: &str) {
        let lists = [
            "listOpportunities",
            "listPostings",
            "listRequisitions",
            "listEeoResponsesPii",
        ];
        until("each list has ended with the key", async || {
            self.pull().await;
            // The third begins after the second has ended, and who was missing from it is buried.
            let ended = lists.iter().all(|list| self.walks(list, key) > 2);
            ended.then_some(())
        })
        .await;
        self.until_synced().await;
    }

    async fn pause(&self) {
        let request = pb::PauseSyncRequest {
            connection_id: self.connection.clone(),
        };
        self.api.sync().pause_sync(request).await.expect("paused");
    }
}

/// Lists pulled, live reads left out.
fn pulled(world: &World) -> usize {
    let audit = world.lever.audit().into_iter();
    let live = |call: &lever_sim::AuditEntry| call.query.contains(&("limit".into(), "7".into()));
    audit.filter(|call| !live(call)).count()
}

#[tokio::test]
async fn f04_nothing_hidden_is_buried_and_a_live_read_with_a_key_that_sees_it_shows_it_again() {
    let world = World::synced(setup()).await;
    // The simulator makes answers up once the lists below people are read.
    world.until_walked_with(DEFAULT_KEY).await;
    let before = world.shown().await;
    let confidential = |raw: &&String| raw.contains("\"confidentiality\":\"confidential\"");
    let people = before.records["opportunities"].iter();
    let hidden: BTreeSet<_> = people
        .filter(|(_, raw)| confidential(raw))
        .map(|(id, _)| id.clone())
        .collect();
    let one = hidden.first().expect("somebody confidential").clone();
    assert!(!hidden.is_disjoint(&before.applicants));
    let about_hidden = |raw: &String| hidden.iter().any(|id| raw.contains(id));
    let answers = before.records["eeo_responses"].values();
    assert!(answers.into_iter().any(about_hidden));

    world.use_key(NARROW).await;
    world.until_walked_with(NARROW).await;
    // The lists below everybody are read again, hidden people included: some are refused, and one is not there, of
    // which the key does not hear either.
    world.lever.delete(&one).expect("known");
    world.reset("notes").await;
    until("notes of hidden people are asked for", async || {
        let calls = world.calls("listOpportunityNotes");
        let answered = |id: &String, status| {
            let mut about = calls.iter().filter(|call| call.path.contains(id));
            about.any(|call| call.status == Some(status))
        };
        let refused = hidden.iter().filter(|id| **id != one);
        let all = refused.into_iter().all(|id| answered(id, 403)) && answered(&one, 404);
        all.then_some(())
    })
    .await;
    world.until_synced().await;
    let narrow = world.shown().await;
    for stream in SECRETIVE {
        assert!(narrow.count(stream) < before.count(stream), "{stream}");
        assert!(narrow.count(stream) > 0, "{stream}");
    }
    assert!(narrow.applicants.is_disjoint(&hidden));
    assert_eq!(refused(world.opportunity(&one).await).code, Code::NotFound);
    // One person whom the key may not see is no reason to read nothing of the others.
    for stream in world.status().await.streams {
        assert_ne!(
            stream.state(),
            pb::StreamState::Forbidden,
            "{}: {}",
            stream.name,
            stream.error
        );
    }

    world.pause().await;
    world.use_key(DEFAULT_KEY).await;
    assert_eq!(world.shown().await, narrow);
    let asked = pulled(&world);
    let live = pb::ListOpportunitiesRequest {
        connection_id: world.connection.clone(),
        read_from: pb::ReadFrom::Lever.into(),
        page_size: 7,
        ..Default::default()
    };
    world
        .api
        .lever()
        .list_opportunities(live)
        .await
        .expect("read");
    // From here on nothing has come from Lever: it was there all the time.
    assert_eq!(world.shown().await, before);
    for id in &hidden {
        world.opportunity(id).await.expect("shown");
    }
    assert_eq!(pulled(&world), asked);
}

#[tokio::test]
async fn f04_what_asks_for_hidden_records_is_refused_like_a_caller_without_the_right() {
    let world = World::synced(setup()).await;
    let people = world.mirrored().await;
    let hidden = people
        .iter()
        .find(|(_, raw)| raw.contains("\"confidentiality\":\"confidential\""));
    let hidden = hidden.expect("somebody confidential").0;
    let note = pb::CreateNoteRequest {
        opportunity_id: hidden.clone(),
        request_id: fresh_id(),
        value: "hello".to_owned(),
        dry_run: true,
        ..Default::default()
    };
    let quarantine = pb::ListQuarantineRequest {
        connection_id: world.connection.clone(),
        include_raw_json: true,
        ..Default::default()
    };
    let include = pb::CallRequest {
        connection_id: world.connection.clone(),
        operation_id: "listPostings".to_owned(),
        query: vec![pb::QueryParameter {
            name: "include".to_owned(),
            value: "content".to_owned(),
        }],
        ..Default::default()
    };
    world.create_note(note.clone()).await.expect("planned");
    let listed = world.api.sync().list_quarantine(quarantine.clone()).await;
    listed.expect("listed");
    world.api.lever().call(include.clone()).await.expect("read");

    world.use_key(NARROW).await;
    world.until_walked_with(NARROW).await;
    assert_eq!(refused(world.create_note(note).await).code, Code::NotFound);
    let told = refused(world.api.sync().list_quarantine(quarantine.clone()).await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "CONFIDENTIAL_HIDDEN")
    );
    let without_text = pb::ListQuarantineRequest {
        include_raw_json: false,
        ..quarantine
    };
    let listed = world.api.sync().list_quarantine(without_text).await;
    listed.expect("listed");
    let told = refused(world.api.lever().call(include).await);
    assert_eq!(told.code, Code::InvalidArgument);
}

#[tokio::test]
async fn f04_requisitions_alone_tell_what_a_key_may_see() {
    let mut setup = setup();
    setup.connection.streams = vec!["requisitions".to_owned()];
    let world = World::synced(setup).await;
    let before = world.records("requisitions").await.expect("read");
    world.use_key(NARROW).await;
    until("confidential requisitions are hidden", async || {
        world.pull().await;
        let shown = world.records("requisitions").await.expect("read").len();
        (shown < before.len()).then_some(())
    })
    .await;
    world.use_key(DEFAULT_KEY).await;
    until("all requisitions are shown again", async || {
        world.pull().await;
        let shown = world.records("requisitions").await.expect("read");
        (shown == before).then_some(())
    })
    .await;
}
