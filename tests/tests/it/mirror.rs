//! The mirror is complete: every stream, below every record, through changes, deletions and refusals.

use std::collections::BTreeSet;
use std::time::Duration;

use lever_sim::{Act, Action, FaultPlan, FaultRule, Key, Permissions};
use proto::v1 as pb;
use proto::v1::get_candidate_request::Whose;
use tonic::Code;

use crate::support::{LeverClock, Setup, World, http, refused, until};

/// The lists below an opportunity.
const CHILDREN: [&str; 9] = [
    "notes",
    "offers",
    "interviews",
    "panels",
    "feedback",
    "resumes",
    "files",
    "forms",
    "referrals",
];

fn with_key(setup: &mut Setup, permissions: &[&str]) {
    let granted: BTreeSet<_> = permissions.iter().map(|name| (*name).to_owned()).collect();
    setup.lever.keys = vec![Key {
        secret: setup.key.clone(),
        permissions: Permissions::Only(granted),
        confidential: false,
    }];
}

fn streams(setup: &mut Setup, names: &[&str]) {
    setup.connection.streams = names.iter().map(|name| (*name).to_owned()).collect();
}

/// Lever with an endpoint that fails for one person.
fn without_offers_of(person: &str) -> FaultPlan {
    let fails = FaultRule {
        about: Some(person.to_owned()),
        ..FaultRule::on("listOpportunityOffers", Action::ServerErrorBefore(500))
    };
    FaultPlan {
        seed: 0,
        rules: vec![fails],
    }
}

fn somebody(world: &World) -> String {
    world
        .applicants_in_lever()
        .into_iter()
        .next()
        .expect("an applicant")
}

impl World {
    /// The ids of open opportunities in the first inbound stage.
    fn applicants_in_lever(&self) -> Vec<String> {
        let people = self.lever.opportunities().into_iter();
        people
            .filter(|person| person["stage"] == "applicant-new" && person["archived"].is_null())
            .filter(|person| person["confidentiality"] != "confidential")
            .map(|person| person["id"].as_str().expect("an id").to_owned())
            .collect()
    }

    /// Waits until a list below the opportunities is as Lever answers it.
    async fn until_children_equal(&self, kind: &str) {
        let wanted = self.children_in_lever(kind).await;
        until(&format!("the {kind} are those of Lever"), async || {
            (self.records(kind).await.ok()? == wanted).then_some(())
        })
        .await;
    }

    /// Writes a note past the service; its id.
    async fn note_in_lever(&self, opportunity: &str, body: &serde_json::Value) -> String {
        let url = format!(
            "{}/opportunities/{opportunity}/notes",
            self.lever.base_url()
        );
        let request = http()
            .post(url)
            .basic_auth(lever_sim::DEFAULT_KEY, Some(""))
            .json(body);
        let answer = request.send().await.expect("answered");
        let note: serde_json::Value = answer.json().await.expect("JSON");
        note["data"]["id"].as_str().expect("an id").to_owned()
    }

    async fn notes_of(&self, opportunity: &str) -> Vec<String> {
        let request = pb::ListNotesRequest {
            connection_id: self.connection.clone(),
            opportunity_id: opportunity.to_owned(),
            ..Default::default()
        };
        let answer = self.api.lever().list_notes(request).await.expect("read");
        answer
            .into_inner()
            .notes
            .into_iter()
            .map(|note| note.id)
            .collect()
    }

    fn asked_for(&self, operations: &[&str]) -> bool {
        operations
            .iter()
            .any(|operation| !self.calls(operation).is_empty())
    }
}

#[tokio::test]
async fn f10_every_stream_is_mirrored_byte_for_byte() {
    let mut setup = Setup::full(60);
    setup.connection.include_secret_notes = true;
    let world = World::synced(setup).await;
    world.assert_mirror_equals_lever().await;
    for (stream, path) in [
        ("requisitions", "/requisitions?confidentiality=all"),
        ("requisition_fields", "/requisition_fields"),
        ("feedback_templates", "/feedback_templates"),
        ("form_templates", "/form_templates"),
        ("postings", "/postings?confidentiality=all"),
        ("users", "/users?includeDeactivated=true"),
    ] {
        let mirrored = world.records(stream).await.expect("all pages");
        assert_eq!(mirrored, world.listed_in_lever(path).await, "{stream}");
        assert!(!mirrored.is_empty(), "{stream}");
    }
    for kind in CHILDREN {
        let mirrored = world.records(kind).await.expect("all pages");
        assert_eq!(mirrored, world.children_in_lever(kind).await, "{kind}");
        assert!(!mirrored.is_empty(), "{kind}");
    }
    assert!(
        !world
            .records("posting_forms")
            .await
            .expect("all pages")
            .is_empty()
    );
    assert!(!world.asked_for(&["listEeoResponses", "listEeoResponsesPii"]));
}

/// A note moves `lastInteractionAt` alone; an edited feedback form moves nothing.
#[tokio::test]
async fn what_changes_below_a_person_is_read_again() {
    let world = World::synced(
        Setup::full(40)
            .with("FULCRUM__PULL__SWEEP_INTERVAL", "1s")
            .with("FULCRUM__PULL__CHILDREN_RECHECK", "1s"),
    )
    .await;
    let person = somebody(&world);
    let add = Act::AddNote {
        opportunity: person.clone(),
        text: "met on Monday".to_owned(),
        user: None,
    };
    let note = world.lever.act(add).expect("known").expect("a note");
    until("the note is mirrored", async || {
        world.pull().await;
        world.notes_of(&person).await.contains(&note).then_some(())
    })
    .await;
    let add = Act::AddFeedback {
        opportunity: person.clone(),
        text: "strong".to_owned(),
        user: None,
    };
    let feedback = world.lever.act(add).expect("known").expect("feedback");
    world.pull().await;
    world.until_children_equal("feedback").await;
    let edit = Act::EditFeedback {
        opportunity: person.clone(),
        feedback,
        text: "on second thought, weak".to_owned(),
    };
    world.lever.act(edit).expect("known");
    // No stamp has moved: the walk over everybody looks again.
    world.until_children_equal("feedback").await;
}

/// S-08: what hangs on people cannot be kept without reading the people; each row names its opportunity.
#[tokio::test]
async fn s08_a_child_says_which_opportunity_it_belongs_to() {
    // An offer moves no stamp that a pass can ask for: the walk over everybody finds it.
    let world = World::synced(Setup::full(40).with("FULCRUM__PULL__SWEEP_INTERVAL", "1s")).await;
    let offer = Act::AddOffer {
        opportunity: somebody(&world),
        salary: 100_000,
    };
    world.lever.act(offer).expect("known");
    world.pull().await;
    world.until_children_equal("offers").await;
    let request = pb::ListOffersRequest {
        connection_id: world.connection.clone(),
        ..Default::default()
    };
    let offers = world
        .api
        .lever()
        .list_offers(request)
        .await
        .expect("read")
        .into_inner()
        .offers;
    assert!(!offers.is_empty());
    for offer in offers {
        let below = world
            .listed_in_lever(&format!("/opportunities/{}/offers", offer.opportunity_id))
            .await;
        assert!(below.contains_key(&offer.id));
    }
}

/// F-05, X6: the others go on, and nothing is shown as empty.
#[tokio::test]
async fn f05_x6_a_list_below_people_that_the_key_may_not_read_is_forbidden_by_name() {
    let mut setup = Setup::full(30);
    setup.lever.keys = vec![Key {
        secret: setup.key.clone(),
        permissions: Permissions::AllBut(["find all opportunity notes".to_owned()].into()),
        confidential: true,
    }];
    let world = World::synced(setup).await;
    let notes = world.stream("notes").await;
    assert_eq!(notes.state(), pb::StreamState::Forbidden);
    assert_eq!(notes.records, None);
    assert!(
        notes.error.contains("find all opportunity notes"),
        "{}",
        notes.error
    );
    let told = refused(world.records("notes").await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "LEVER_PERMISSION_MISSING")
    );
    assert_eq!(told.details["permission"], "find all opportunity notes");
    let offers = world.records("offers").await.expect("read");
    assert_eq!(offers, world.children_in_lever("offers").await);
    // One refusal is enough: nobody is asked for notes again and again.
    assert!(world.calls("listOpportunityNotes").len() <= 16);
}

const PLANNING: [&str; 3] = [
    "find all requisitions",
    "find all requisition fields",
    "find all opportunities",
];

/// S-11: what is read below others has runs and counted pages too, and a refusal is one of them.
#[tokio::test]
async fn reading_below_people_and_postings_is_told_as_runs() {
    let mut setup = Setup::full(25);
    setup.lever.keys = vec![Key {
        secret: setup.key.clone(),
        permissions: Permissions::AllBut(["find all opportunity offers".to_owned()].into()),
        confidential: true,
    }];
    let world = World::synced(setup).await;
    for stream in ["notes", "posting_forms"] {
        let run = until("a run is kept", async || world.runs(stream).await.pop()).await;
        assert_eq!(
            (run.listing.as_str(), run.state()),
            (stream, pb::RunState::Succeeded)
        );
        assert!(run.pages > 0 && run.requests == run.pages, "{run:?}");
        assert!(run.records > 0 && run.changes > 0, "{run:?}");
        assert!(run.start_time.is_some() && run.end_time.is_some());
        let shown = world.stream(stream).await;
        assert_eq!(
            shown.last_run.map(|last| last.listing).as_deref(),
            Some(stream)
        );
        assert!(shown.pages > 0);
    }
    let refused = until("a refusal is kept", async || {
        world.runs("offers").await.pop()
    })
    .await;
    assert_eq!(refused.state(), pb::RunState::Failed);
    assert!(
        refused.error.contains("find all opportunity offers"),
        "{refused:?}"
    );
    // What comes with people is read by their passes.
    let contacts = world.stream("contacts").await.last_run;
    assert_eq!(
        contacts.map(|last| last.listing).as_deref(),
        Some("opportunities")
    );
}

#[tokio::test]
async fn p01_p03_with_three_permissions_exactly_these_streams_work_and_nothing_else_is_called() {
    let mut setup = Setup::full(60).with("FULCRUM__PULL__SWEEP_INTERVAL", "1s");
    with_key(&mut setup, &PLANNING);
    streams(
        &mut setup,
        &["requisitions", "requisition_fields", "opportunities"],
    );
    let world = World::synced(setup).await;
    world.pull().await;
    until("a walk over everybody has ended", async || {
        (world.calls("listOpportunities").len() > 8).then_some(())
    })
    .await;
    let requisitions = world.records("requisitions").await.expect("read");
    assert_eq!(requisitions, world.listed_in_lever("/requisitions").await);
    assert!(!requisitions.is_empty());
    let called: BTreeSet<String> = world
        .lever
        .audit()
        .into_iter()
        .filter(|entry| entry.status != Some(403))
        .filter_map(|entry| entry.operation)
        .collect();
    let allowed = [
        "listOpportunities",
        "listRequisitionFields",
        "listRequisitions",
    ];
    assert_eq!(called, allowed.map(str::to_owned).into());
    let refusals = world
        .lever
        .audit()
        .into_iter()
        .filter(|entry| entry.status == Some(403));
    // Asking for confidential records is how access to them is found out (F-04).
    for entry in refusals {
        assert!(
            entry
                .query
                .iter()
                .any(|(name, _)| name == "confidentiality"),
            "{entry:?}"
        );
    }
}

/// X10, P-01: without the list of deletions, a complete walk finds who is gone; a walk that failed finds nobody.
#[tokio::test]
async fn x10_who_is_missing_from_a_complete_walk_is_gone_and_from_an_incomplete_one_nobody_is() {
    let mut setup = Setup::new(230).with("FULCRUM__PULL__SWEEP_INTERVAL", "1s");
    setup = setup.with("FULCRUM__LEVER__MAX_ATTEMPTS", "2");
    with_key(&mut setup, &PLANNING);
    streams(&mut setup, &["opportunities"]);
    let world = World::synced(setup).await;
    let before = world.records("opportunities").await.expect("read").len();
    let person = somebody(&world);
    let fails = FaultRule::on("listOpportunities", Action::ServerErrorBefore(500));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![fails],
    });
    world.lever.delete(&person).expect("known");
    world.pull().await;
    until("a walk has failed", async || {
        let stream = world.stream("opportunities").await;
        (!stream.error.is_empty()).then_some(())
    })
    .await;
    assert_eq!(
        world.records("opportunities").await.expect("read").len(),
        before
    );
    world.lever.set_faults(FaultPlan::default());
    until("the person is gone", async || {
        world.pull().await;
        let records = world.records("opportunities").await.ok()?;
        (!records.contains_key(&person)).then_some(())
    })
    .await;
    assert_eq!(
        world.records("opportunities").await.expect("read").len(),
        before - 1
    );
}

/// P-04, P-05.
#[tokio::test]
async fn p05_archived_and_snoozed_people_are_left_out_where_the_settings_leave_them_out() {
    let mut setup = Setup::new(120);
    setup.connection.include_archived = Some(false);
    setup.connection.include_snoozed = Some(false);
    let world = World::synced(setup).await;
    let records = world.records("opportunities").await.expect("read");
    assert!(!records.is_empty());
    for raw in records.values() {
        let person: serde_json::Value = serde_json::from_str(raw).expect("JSON");
        assert!(person["archived"].is_null());
    }
}

/// S-02: equal included; streams that are no incremental tables are whole.
#[tokio::test]
async fn s02_nobody_from_before_the_start_date_is_mirrored_and_nobody_from_it_on_is_missing() {
    let plain = World::with_opportunities(120).await;
    let mut dates: Vec<i64> = plain
        .lever
        .opportunities()
        .iter()
        .map(|person| person["createdAt"].as_i64().expect("a date"))
        .collect();
    dates.sort_unstable();
    let start = dates[60];
    let mut setup = Setup::new(120);
    setup.connection.sync_start_time = Some(prost_types::Timestamp {
        seconds: start.div_euclid(1000),
        nanos: i32::try_from(start.rem_euclid(1000)).expect("below 1000") * 1_000_000,
    });
    let world = World::synced(setup).await;
    let wanted: BTreeSet<String> = world
        .lever
        .opportunities()
        .into_iter()
        .filter(|person| person["createdAt"].as_i64() >= Some(start))
        .map(|person| person["id"].as_str().expect("an id").to_owned())
        .collect();
    let mirrored: BTreeSet<String> = world
        .records("opportunities")
        .await
        .expect("read")
        .into_keys()
        .collect();
    assert_eq!(mirrored, wanted);
    assert_eq!(
        world.records("users").await.expect("read"),
        world
            .listed_in_lever("/users?includeDeactivated=true")
            .await
    );
}

/// X24: nothing secret by default, and all of it where it is wanted.
#[tokio::test]
async fn x24_secret_notes_are_mirrored_only_where_they_are_wanted() {
    for wanted in [false, true] {
        // A note moves no stamp that a pass can ask for: the walk over everybody finds it.
        let mut setup = Setup::full(30).with("FULCRUM__PULL__SWEEP_INTERVAL", "1s");
        setup.connection.include_secret_notes = wanted;
        let world = World::synced(setup).await;
        let person = somebody(&world);
        let body = serde_json::json!({"value": "between us", "secret": true});
        let secret = world.note_in_lever(&person, &body).await;
        let open = serde_json::json!({"value": "for everybody"});
        let open = world.note_in_lever(&person, &open).await;
        until("the open note is mirrored", async || {
            world.pull().await;
            world.notes_of(&person).await.contains(&open).then_some(())
        })
        .await;
        assert_eq!(world.notes_of(&person).await.contains(&secret), wanted);
    }
}

/// X17: bounded retries with a visible end, and the others go on.
#[tokio::test]
async fn x17_a_list_that_always_fails_ends_in_quarantine_and_the_mirror_is_complete_without_it() {
    let mut world = World::new(Setup::full(20).with("FULCRUM__LEVER__MAX_ATTEMPTS", "1")).await;
    let person = somebody(&world);
    world.lever.set_faults(without_offers_of(&person));
    world.connect().await;
    tokio::time::timeout(Duration::from_secs(300), world.until_synced())
        .await
        .expect("in time");
    assert_eq!(world.stream("offers").await.quarantined, 1);
    // Nothing says that Lever has none.
    let unread = async || {
        let told = world.candidate(Whose::OpportunityId(person.clone())).await;
        let all = told.expect("told").candidacies.into_iter();
        let unread = all.flat_map(|detail| detail.unread);
        let offers = unread.filter(|list| list.stream == "offers");
        offers.map(|list| list.reason).collect::<Vec<_>>()
    };
    assert_eq!(unread().await, ["NOT_HYDRATED"]);
    world.lever.set_faults(FaultPlan::default());
    world.pull().await;
    until("it is read once it can be", async || {
        unread().await.is_empty().then_some(())
    })
    .await;
    assert_eq!(world.stream("offers").await.quarantined, 0);
    let offers = world.records("offers").await.expect("read");
    assert_eq!(offers, world.children_in_lever("offers").await);
}

/// X17: what was set aside is tried again at a start, without waiting for a pass to see the record changed.
#[tokio::test]
async fn x17_a_list_that_was_set_aside_is_read_after_a_start_once_lever_answers() {
    let mut setup = Setup::full(10).with("FULCRUM__LEVER__MAX_ATTEMPTS", "1");
    streams(&mut setup, &["stages", "opportunities", "offers"]);
    let mut world = World::new(setup).await;
    let person = somebody(&world);
    world.lever.set_faults(without_offers_of(&person));
    world.connect().await;
    world.until_synced().await;
    assert_eq!(world.stream("offers").await.quarantined, 1);
    assert!(world.stop().await.success());
    world.lever.set_faults(FaultPlan::default());
    world.start().await;
    until("it is read once it can be", async || {
        (world.stream("offers").await.quarantined == 0).then_some(())
    })
    .await;
    let offers = world.records("offers").await.expect("read");
    assert_eq!(offers, world.children_in_lever("offers").await);
}

/// X11: what Lever still shows stays, without anything about the person.
#[tokio::test]
async fn x11_what_was_known_of_an_anonymized_person_leaves_the_mirror_within_one_pass() {
    let mut setup = Setup::full(40);
    setup.connection.include_secret_notes = true;
    let world = World::synced(setup).await;
    let person = somebody(&world);
    let document = world.opportunity(&person).await.expect("mirrored");
    let contact = document["contact"].as_str().expect("a contact").to_owned();
    let email = document["emails"][0]
        .as_str()
        .expect("an address")
        .to_owned();
    let anonymize = Act::Anonymize {
        contact: contact.clone(),
    };
    world.lever.act(anonymize).expect("known");
    until("the person is anonymized here", async || {
        world.pull().await;
        let document = world.opportunity(&person).await.ok()?;
        (document["isAnonymized"] == true).then_some(())
    })
    .await;
    world.assert_mirror_equals_lever().await;
    for stream in ["opportunities", "contacts", "applications"] {
        for raw in world.records(stream).await.expect("read").into_values() {
            assert!(!raw.contains(&email), "{stream}");
        }
    }
    until("nothing below the person is left", async || {
        for kind in CHILDREN {
            if world.records(kind).await.ok()? != world.children_in_lever(kind).await {
                return None;
            }
        }
        Some(())
    })
    .await;
}

/// X12: what is planned, and how long it takes.
#[tokio::test]
async fn x12_the_status_tells_what_is_left_and_ends_at_nothing() {
    let mut world =
        World::new(Setup::full(150).with("FULCRUM__LEVER__REQUESTS_PER_SECOND", "200")).await;
    world.connect().await;
    let (mut planned, mut lasts) = (Vec::new(), Vec::new());
    until("the mirror is synced", async || {
        let status = world.status().await;
        if status.planned_requests > 0 {
            planned.push(status.planned_requests);
            lasts.push(status.eta.is_some());
        }
        (status.state() == pb::SyncState::Synced).then_some(())
    })
    .await;
    assert!(!planned.is_empty());
    assert!(planned.iter().max() > planned.last());
    // Only before it is known how many people there are nobody can tell.
    let known = lasts.iter().skip_while(|told| !**told);
    assert!(
        known.clone().count() > 0 && known.clone().all(|told| *told),
        "{lasts:?}"
    );
    let status = world.status().await;
    assert_eq!((status.planned_requests, status.eta), (0, None));
    for stream in status.streams {
        assert!(stream.data_age_bound.is_some(), "{}", stream.name);
    }
}

/// X23: named among the streams they are asked for, and only a token with the right to them reads them.
#[tokio::test]
async fn x23_eeo_responses_are_asked_for_once_they_are_named_and_read_with_the_right_to_them() {
    let mut setup = Setup::full(30);
    streams(&mut setup, &["opportunities", "eeo_responses"]);
    let mut world = World::synced(setup).await;
    assert!(world.asked_for(&["listEeoResponsesPii"]));
    assert!(world.stop().await.success());
    let without = world.home.token(&["--role", "admin"]).await;
    let with = world
        .home
        .token(&["--role", "admin", "--right", "eeo"])
        .await;
    world.start().await;
    world.api = world.api.with_token(&without);
    let told = refused(world.records("eeo_responses").await);
    assert_eq!(told.code, Code::PermissionDenied);
    world.api = world.api.with_token(&with);
    world.records("eeo_responses").await.expect("read");
}

/// One list that Lever always refuses to answer well does not keep the others from being read.
#[tokio::test]
async fn x17_a_list_that_fails_for_everybody_does_not_keep_the_other_lists_from_being_read() {
    let mut world = World::new(Setup::full(30).with("FULCRUM__LEVER__MAX_ATTEMPTS", "1")).await;
    let fails = FaultRule::on("listOpportunityReferrals", Action::ServerErrorBefore(500));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![fails],
    });
    world.connect().await;
    until("all lists but the failing one are read", async || {
        let status = world.status().await;
        let waits = |stream: &&pb::StreamStatus| stream.waiting > 0;
        let waiting: Vec<_> = status.streams.iter().filter(waits).collect();
        let read = world.stream("forms").await.records.is_some();
        (read && waiting.iter().all(|stream| stream.name == "referrals")).then_some(())
    })
    .await;
    assert_eq!(
        world.records("offers").await.expect("read"),
        world.children_in_lever("offers").await
    );
}

#[tokio::test]
async fn what_is_no_id_of_an_opportunity_is_not_looked_for() {
    let world = World::synced(Setup::full(5)).await;
    for odd in ["deleted", ".", "..", "x/notes"] {
        let request = pb::StartSyncRequest {
            connection_id: world.connection.clone(),
            opportunity_id: odd.to_owned(),
            ..Default::default()
        };
        let told = refused(world.api.sync().start_sync(request).await);
        assert_eq!(told.code, Code::NotFound, "{odd}");
    }
}

/// P22: the lists that were waiting at a start are asked for before anything has told Lever's time.
#[tokio::test]
async fn p22_what_is_read_first_after_a_start_can_be_read_again_though_levers_clock_is_behind() {
    let mut setup = Setup::full(3);
    let _ten_minutes_behind = LeverClock::of(&mut setup, -600_000);
    streams(&mut setup, &["stages", "opportunities", "feedback"]);
    let mut world = World::new(setup).await;
    let opportunity = somebody(&world);
    let person = opportunity.as_str();
    let added = Act::AddFeedback {
        opportunity: person.to_owned(),
        text: "strong".to_owned(),
        user: None,
    };
    let feedback = world.lever.act(added).expect("added").expect("its id");
    let faults = |rules| FaultPlan { seed: 0, rules };
    let failing = FaultRule::on("listOpportunityFeedback", Action::ServerErrorBefore(500));
    world.lever.set_faults(faults(vec![failing]));
    world.connect().await;
    until("the opportunities are mirrored", async || {
        (world.try_mirrored().await.ok()? == world.in_lever()).then_some(())
    })
    .await;
    world.kill().await;
    let slow = ["listStages", "listOpportunities"]
        .map(|operation| FaultRule::on(operation, Action::StallBefore(Duration::from_secs(2))));
    world.lever.set_faults(faults(slow.into()));
    let answered = world.lever.audit().len();
    world.start().await;
    world.until_children_equal("feedback").await;
    let first = world.lever.audit()[answered].clone();
    assert_eq!(first.operation.as_deref(), Some("listOpportunityFeedback"));

    world.lever.set_faults(FaultPlan::default());
    let opportunity = person.to_owned();
    let edit = Act::EditFeedback {
        opportunity: opportunity.clone(),
        feedback,
        text: "weak".to_owned(),
    };
    world.lever.act(edit).expect("edited");
    world.lever.act(Act::Touch { opportunity }).expect("known");
    world.pull().await;
    world.until_children_equal("feedback").await;
}
