//! What a connection keeps: archived and snoozed people, a start date, streams, fields (P-04, P-05, S-02, S-04, S-08).

use std::collections::{BTreeMap, BTreeSet};

use proto::v1 as pb;
use serde_json::Value;
use tonic::{Code, Status};

use crate::support::{Setup, World, refused, until};

/// Ids of the people in Lever for whom this holds.
fn those(world: &World, holds: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let documents = world
        .lever
        .opportunities()
        .into_iter()
        .filter(|document| holds(document));
    documents
        .map(|document| document["id"].as_str().expect("an id").to_owned())
        .collect()
}

fn active(document: &Value) -> bool {
    document["archived"].is_null() && document["snoozedUntil"].is_null()
}

async fn mirrored(world: &World) -> BTreeSet<String> {
    world.mirrored().await.into_keys().collect()
}

/// P-05, and what becomes of those who leave or enter the selection later.
#[tokio::test]
async fn p05_only_active_people_are_mirrored_where_that_is_asked_for() {
    let mut setup = Setup::new(250).keeping(&[]);
    setup.connection.include_archived = Some(false);
    setup.connection.include_snoozed = Some(false);
    let world = World::synced(setup).await;
    let wanted = those(&world, active);
    let archived = those(&world, |document| !document["archived"].is_null());
    assert!(!archived.is_empty());
    assert_eq!(mirrored(&world).await, wanted);

    let leaves = wanted.first().expect("somebody").clone();
    let enters = archived.first().expect("somebody").clone();
    let reasons = world.lever.archive_reasons();
    let reason = reasons[0]["id"].as_str().expect("an id");
    world.lever.archive(&leaves, Some(reason)).expect("known");
    world.lever.archive(&enters, None).expect("known");
    world.pull().await;
    until("both changes are seen", async || {
        let shown = |id: &str| world.lever.opportunity(id);
        let left = world.opportunity(&leaves).await.ok() == shown(&leaves);
        let entered = world.opportunity(&enters).await.ok() == shown(&enters);
        (left && entered).then_some(())
    })
    .await;
}

/// S-02: equal included.
#[tokio::test]
async fn s02_nobody_from_before_the_start_date_is_mirrored() {
    let probe = World::new(Setup::new(200).keeping(&[])).await;
    let start = middle(&probe);
    drop(probe);

    let mut setup = Setup::new(200);
    setup.connection.sync_start_time = Some(timestamp(start));
    let world = World::synced(setup).await;
    let wanted = those(&world, |document| created(document) >= start);
    assert!(!wanted.is_empty() && wanted.len() < 200);
    assert_eq!(mirrored(&world).await, wanted);
}

#[tokio::test]
async fn archived_people_are_mirrored_once_the_connection_wants_them() {
    let mut setup = Setup::new(200);
    setup.connection.include_archived = Some(false);
    let world = World::synced(setup).await;
    let wants = pb::Connection {
        include_archived: Some(true),
        ..Default::default()
    };
    world
        .change(wants, &["include_archived"])
        .await
        .expect("changed");
    world.pull_until_mirror_equals_lever().await;
}

/// P-05: a selection that is made narrower holds for what was mirrored before, and stays so.
#[tokio::test]
async fn p05_people_whom_new_settings_leave_out_go_with_all_that_is_below_them() {
    let setup = Setup::full(120);
    let world = World::synced(setup).await;
    let all = mirrored(&world).await;
    let narrower = pb::Connection {
        include_archived: Some(false),
        include_snoozed: Some(false),
        ..Default::default()
    };
    let paths = ["include_archived", "include_snoozed"];
    world.change(narrower, &paths).await.expect("changed");
    let wanted = those(&world, active);
    assert!(wanted.len() < all.len());
    assert_eq!(mirrored(&world).await, wanted);
    let mut below = BTreeSet::new();
    for id in &wanted {
        let path = format!("/opportunities/{id}/offers");
        below.extend(world.listed_in_lever(&path).await.into_keys());
    }
    let offers = world.records("offers").await.expect("read");
    assert_eq!(offers.into_keys().collect::<BTreeSet<_>>(), below);
    world.reset("opportunities").await;
    world.until_synced().await;
    assert_eq!(mirrored(&world).await, wanted);
    let wider = pb::Connection {
        include_archived: Some(true),
        include_snoozed: Some(true),
        ..Default::default()
    };
    world.change(wider, &paths).await.expect("changed");
    world.pull_until_mirror_equals_lever().await;
}

#[tokio::test]
async fn s02_people_from_before_a_later_start_date_go() {
    let world = World::synced(Setup::new(80)).await;
    let start = middle(&world);
    let later = pb::Connection {
        sync_start_time: Some(timestamp(start)),
        ..Default::default()
    };
    let changed = world.change(later, &["sync_start_time"]).await;
    changed.expect("changed");
    let wanted = those(&world, |document| created(document) >= start);
    until("nobody from before is left", async || {
        (mirrored(&world).await == wanted).then_some(())
    })
    .await;
}

/// Nothing has changed in Lever, so no pass would bring them by itself.
#[tokio::test]
async fn fields_that_were_left_out_are_mirrored_once_they_are_wanted() {
    let mut setup = Setup::new(60);
    setup.connection.excluded_fields = vec!["opportunities.name".to_owned()];
    let world = World::synced(setup).await;
    let named = async || {
        let all = world.mirrored().await;
        let shown = |raw: &&String| {
            let document: Value = serde_json::from_str(raw).expect("JSON");
            document.get("name").is_some()
        };
        all.values().filter(shown).count()
    };
    assert_eq!(named().await, 0);
    let none = pb::Connection::default();
    world
        .change(none, &["excluded_fields"])
        .await
        .expect("changed");
    until("all names are there", async || {
        (named().await == 60).then_some(())
    })
    .await;
    world.assert_mirror_equals_lever().await;
}

#[tokio::test]
async fn streams_that_are_added_later_are_filled() {
    let mut setup = Setup::new(150);
    setup.connection.streams = vec!["postings".to_owned()];
    let world = World::synced(setup).await;
    let names = [
        "users",
        "stages",
        "archive_reasons",
        "tags",
        "sources",
        "postings",
        "opportunities",
    ];
    let wants = pb::Connection {
        streams: names.map(str::to_owned).to_vec(),
        ..Default::default()
    };
    world.change(wants, &["streams"]).await.expect("changed");
    until("the people are mirrored", async || {
        let state = world.stream("opportunities").await.state();
        (state == pb::StreamState::Synced).then_some(())
    })
    .await;
    world.until_synced().await;
    world.assert_mirror_equals_lever().await;
}

fn created(document: &Value) -> i64 {
    document["createdAt"].as_i64().expect("a time")
}

fn timestamp(ms: i64) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: ms.div_euclid(1000),
        nanos: i32::try_from(ms.rem_euclid(1000)).expect("below 1000") * 1_000_000,
    }
}

/// A moment with about as many people created before it as after it.
fn middle(world: &World) -> i64 {
    let mut all: Vec<_> = world.lever.opportunities().iter().map(created).collect();
    all.sort_unstable();
    all[all.len() / 2]
}

/// Whether somebody is in a list with these switches on or off.
fn listed(document: &Value, archived: bool, snoozed: bool) -> bool {
    (archived || document["archived"].is_null()) && (snoozed || document["snoozedUntil"].is_null())
}

/// P-04: a creation date in the question, archived people and snoozed people on or off, each by itself.
#[tokio::test]
async fn p04_people_are_listed_by_creation_date_and_archived_and_snoozed_ones_on_demand() {
    let world = World::synced(Setup::new(250).keeping(&[])).await;
    let since = middle(&world);
    for (archived, snoozed) in [(false, false), (true, false), (false, true), (true, true)] {
        let request = pb::ListOpportunitiesRequest {
            connection_id: world.connection.clone(),
            page_size: 1000,
            created_at_start: Some(timestamp(since)),
            archived: (!archived).then_some(false),
            snoozed: (!snoozed).then_some(false),
            ..Default::default()
        };
        let answer = world.api.lever().list_opportunities(request).await;
        let people = answer.expect("listed").into_inner().opportunities;
        let shown: BTreeSet<_> = people.into_iter().map(|person| person.id).collect();
        let wanted = those(&world, |document| {
            created(document) >= since && listed(document, archived, snoozed)
        });
        assert_eq!(shown, wanted, "archived {archived}, snoozed {snoozed}");
        let everybody = those(&world, |document| created(document) >= since);
        assert!(!wanted.is_empty() && (wanted.len() < everybody.len()) != (archived && snoozed));
    }
}

/// P-04, the same as settings of a connection. P-05 has neither archived nor snoozed people where nothing is said;
/// the design decides for everybody then, since a product looks for people it has met before.
#[tokio::test]
async fn p04_p05_a_connection_keeps_whom_its_settings_name_and_everybody_without_them() {
    let kept = |switch: Option<bool>| switch != Some(false);
    for (archived, snoozed) in [
        (None, None),
        (Some(false), Some(true)),
        (Some(true), Some(false)),
    ] {
        let mut setup = Setup::new(250).keeping(&[]);
        setup.connection.streams = named(&["opportunities"]);
        setup.connection.include_archived = archived;
        setup.connection.include_snoozed = snoozed;
        let world = World::synced(setup).await;
        let wanted = those(&world, |document| {
            listed(document, kept(archived), kept(snoozed))
        });
        let everybody = world.in_lever().len();
        assert_eq!(wanted.len() == everybody, archived.is_none());
        assert_eq!(mirrored(&world).await, wanted);
    }
}

fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The documents without some of their fields.
fn without(documents: BTreeMap<String, String>, fields: &[&str]) -> BTreeMap<String, String> {
    let cut = |raw: String| {
        let mut document: Value = serde_json::from_str(&raw).expect("JSON");
        let object = document.as_object_mut().expect("an object");
        object.retain(|name, _| !fields.contains(&name.as_str()));
        document.to_string()
    };
    let cut_all = documents.into_iter().map(|(id, raw)| (id, cut(raw)));
    cut_all.collect()
}

/// S-04: of tables and columns only those selected; a change counts once it is made, and not before.
#[tokio::test]
async fn s04_only_the_streams_and_fields_that_are_selected_are_read_and_shown() {
    let mut setup = Setup::new(60);
    setup.connection.streams = named(&["users", "opportunities"]);
    setup.connection.excluded_fields = named(&["opportunities.phones", "users.email"]);
    let world = World::synced(setup).await;
    let selected = world.settings().await;
    let people = without(world.in_lever(), &["phones"]);
    assert_eq!(world.mirrored().await, people);
    let users = world
        .listed_in_lever("/users?includeDeactivated=true")
        .await;
    let shown = world.records("users").await.expect("read");
    assert_eq!(shown, without(users, &["email"]));
    for left_out in ["postings", "notes", "contacts"] {
        let told = refused(world.records(left_out).await);
        assert_eq!(told.reason, "STREAM_NOT_KEPT", "{left_out}");
    }
    assert!(
        world.calls("listPostings").is_empty() && world.calls("listOpportunityNotes").is_empty()
    );

    // A change that is refused leaves all as it was; one that is made shows at once.
    let headline = |etag: &str| pb::Connection {
        etag: etag.to_owned(),
        excluded_fields: named(&["opportunities.phones", "opportunities.headline"]),
        ..Default::default()
    };
    let paths = ["excluded_fields"];
    assert_eq!(
        refused(world.change(headline("v77"), &paths).await).code,
        Code::Aborted
    );
    assert_eq!(world.mirrored().await, people);
    let changed = world.change(headline(&selected.etag), &paths).await;
    changed.expect("changed");
    let cut = without(people, &["headline"]);
    assert_eq!(world.mirrored().await, cut);
    let person = cut.keys().next().expect("somebody");
    let live = pb::GetOpportunityRequest {
        connection_id: world.connection.clone(),
        opportunity_id: person.clone(),
        read_from: pb::ReadFrom::Lever.into(),
        include_raw_json: true,
    };
    let answer = world.api.lever().get_opportunity(live).await.expect("read");
    let live = answer.into_inner().opportunity.expect("somebody");
    assert_eq!(live.raw_json, cut[person].as_bytes());
}

/// S-08: a selection of what hangs on other records, without these, is refused, when linking and later.
#[tokio::test]
async fn s08_a_selection_of_children_without_their_parents_is_refused() {
    let world = World::synced(Setup::new(20)).await;
    let kept = world.settings().await;
    let asked = |names: &[&str]| pb::Connection {
        display_name: "Another".to_owned(),
        base_url: world.lever.base_url(),
        streams: named(names),
        ..Default::default()
    };
    let check = |answer: Result<(), Status>, parent: &str| {
        let told = refused(answer);
        assert_eq!(told.code, Code::InvalidArgument, "{told:?}");
        assert_eq!(told.fields, ["connection.streams"]);
        assert!(told.message.contains(parent), "{}", told.message);
    };
    for (streams, parent) in [
        (["users", "offers"], "opportunities"),
        (["users", "contacts"], "opportunities"),
        (["opportunities", "posting_forms"], "postings"),
    ] {
        let request = pb::CreateConnectionRequest {
            connection: Some(asked(&streams)),
            api_key: lever_sim::DEFAULT_KEY.to_owned(),
            ..Default::default()
        };
        let linked = world.api.connections().create_connection(request).await;
        check(linked.map(drop), parent);
        let changed = world.change(asked(&streams), &["streams"]).await;
        check(changed.map(drop), parent);
    }
    assert_eq!(world.settings().await, kept);
}
