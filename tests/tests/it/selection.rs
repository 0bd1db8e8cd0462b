//! What a connection keeps: archived and snoozed people, a start date, streams (P-04, P-05, S-02).

use std::collections::BTreeSet;

use proto::v1 as pb;
use serde_json::Value;

use crate::support::{Setup, World, until};

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

async fn update(world: &World, connection: pb::Connection, paths: &[&str]) {
    let request = pb::UpdateConnectionRequest {
        connection: Some(pb::Connection {
            id: world.connection.clone(),
            ..connection
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
    };
    world
        .api
        .connections()
        .update_connection(request)
        .await
        .expect("updated");
}

/// P-05, and what becomes of those who leave or enter the selection later.
#[tokio::test]
async fn only_active_people_are_mirrored_where_that_is_asked_for() {
    let mut setup = Setup::new(250);
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
async fn nobody_from_before_the_start_date_is_mirrored() {
    let probe = World::with_opportunities(200).await;
    let created = |document: &Value| document["createdAt"].as_i64().expect("a time");
    let mut all: Vec<_> = probe.lever.opportunities().iter().map(created).collect();
    all.sort_unstable();
    let start = all[all.len() / 2] / 1000 * 1000;
    drop(probe);

    let mut setup = Setup::new(200);
    setup.connection.sync_start_time = Some(prost_types::Timestamp {
        seconds: start / 1000,
        nanos: 0,
    });
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
    update(&world, wants, &["include_archived"]).await;
    world.pull_until_mirror_equals_lever().await;
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
    update(&world, pb::Connection::default(), &["excluded_fields"]).await;
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
    update(&world, wants, &["streams"]).await;
    until("the people are mirrored", async || {
        let state = world.stream("opportunities").await.state();
        (state == pb::StreamState::Synced).then_some(())
    })
    .await;
    world.until_synced().await;
    world.assert_mirror_equals_lever().await;
}
