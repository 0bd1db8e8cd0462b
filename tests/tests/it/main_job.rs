//! The main job: link an account, see its inbound applicants, map its stages, have all of it mirrored.

use std::collections::BTreeMap;

use proto::v1 as pb;
use tonic::Code;

use crate::support::{Setup, World, refused};

#[tokio::test]
async fn linking_an_account_mirrors_all_of_it_byte_for_byte() {
    let mut world = World::with_opportunities(250).await;
    world.connect().await;
    world.until_synced().await;
    world.assert_mirror_equals_lever().await;
    for stream in world.status().await.streams {
        if stream.name == "eeo_responses" {
            assert_eq!(stream.state(), pb::StreamState::Off);
            continue;
        }
        assert_eq!(stream.state(), pb::StreamState::Synced, "{stream:?}");
        assert!(
            stream.records.is_some() && stream.error.is_empty(),
            "{stream:?}"
        );
    }
    assert_eq!(world.stream("opportunities").await.records, Some(250));
}

/// F-40, F-43, F-44.
#[tokio::test]
async fn f40_f44_inbound_applicants_have_the_sla_of_the_mapping_that_was_suggested_and_applied() {
    let mut world = World::new(Setup::new(300).keeping(&[])).await;
    world.connect().await;
    world.until_inbound_ready().await;

    let before = world.mapping().await.stage_mapping.expect("version 0");
    assert_eq!(before.version, 0);
    let suggested = world.suggested().await;
    assert_eq!(suggested.suggestions.len(), world.lever.stages().len());
    let mut mapping = suggested.suggested.expect("a mapping");
    let applied = "applicant-new".to_owned();
    let group = mapping
        .product_stages
        .iter_mut()
        .find(|stage| stage.stage_ids.contains(&applied));
    group
        .expect("new applicants are suggested to go somewhere")
        .sla_days = Some(2);
    let saved = world.save_mapping(mapping.clone()).await.expect("saved");
    assert_eq!(saved.version, 1);
    assert_ne!(saved.etag, before.etag);

    let stale = refused(world.save_mapping(mapping).await);
    assert_eq!(stale.code, Code::Aborted);
    assert_eq!(
        world.mapping().await.stage_mapping.expect("version 1"),
        saved
    );

    world.until_synced().await;
    let listed = world.applicants().await;
    let mut shown: Vec<_> = listed
        .applicants
        .iter()
        .map(|applicant| applicant.opportunity_id.clone())
        .collect();
    shown.sort();
    assert_eq!(shown, inbound_in_lever(&world, &saved.inbound_stage_ids));
    assert!(!shown.is_empty());
    assert_eq!(listed.total_size, shown.len() as u64);
    for applicant in listed
        .applicants
        .iter()
        .filter(|applicant| applicant.stage_id == applied)
    {
        let sla = applicant.sla.as_ref().expect("an SLA");
        assert_eq!(sla.days, Some(2));
        assert_ne!(sla.state(), pb::SlaState::None, "{applicant:?}");
    }
}

/// Open candidacies in these stages, snoozed ones included, by id.
fn inbound_in_lever(world: &World, stages: &[String]) -> Vec<String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut ids: Vec<_> = world
        .lever
        .opportunities()
        .iter()
        .filter(|document| {
            document["archived"].is_null() && stages.contains(&text(&document["stage"]))
        })
        .map(|document| text(&document["id"]))
        .collect();
    ids.sort();
    ids
}

/// The inbound list is paged in the order asked for, without doubles or gaps.
#[tokio::test]
async fn pages_of_applicants_add_up_to_the_whole_list() {
    let mut world = World::new(Setup::new(300).keeping(&[])).await;
    world.connect().await;
    world.until_synced().await;
    let whole = world.applicants().await.applicants;
    let mut paged = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListApplicantsRequest {
            connection_id: world.connection.clone(),
            page_size: 7,
            page_token,
            ..Default::default()
        };
        let page = world
            .api
            .inbound()
            .list_applicants(request)
            .await
            .expect("a page")
            .into_inner();
        paged.extend(
            page.applicants
                .into_iter()
                .map(|applicant| applicant.opportunity_id),
        );
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert!(paged.len() > 7);
    assert_eq!(
        paged,
        whole
            .into_iter()
            .map(|applicant| applicant.opportunity_id)
            .collect::<Vec<_>>()
    );
}

/// F-55: applications are listed, not people.
#[tokio::test]
async fn f55_somebody_who_applied_for_two_jobs_is_listed_for_each() {
    let mut world = World::with_opportunities(120).await;
    world.connect().await;
    world.until_synced().await;
    let request = pb::ListPostingsRequest {
        connection_id: world.connection.clone(),
        states: vec!["published".to_owned()],
        ..Default::default()
    };
    let published = world.api.lever().list_postings(request).await;
    let published = published.expect("postings").into_inner().postings;
    let applied: BTreeMap<String, String> = published[..2]
        .iter()
        .map(|posting| {
            let applicant = lever_sim::Applicant {
                email: Some("ada@example.com".to_owned()),
                posting: Some(posting.id.clone()),
                ..Default::default()
            };
            (world.lever.add_applicant(applicant), posting.id.clone())
        })
        .collect();
    world.pull_until_mirror_equals_lever().await;
    let listed = world.applicants().await.applicants;
    let rows: Vec<_> = listed
        .iter()
        .filter(|row| applied.contains_key(&row.opportunity_id))
        .collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].contact_id, rows[1].contact_id);
    for row in rows {
        assert_eq!(row.posting_id, applied[&row.opportunity_id]);
    }
}

/// Somebody who applies in Lever shows up with the next pull.
#[tokio::test]
async fn a_new_applicant_is_listed_after_the_next_pull() {
    let mut world = World::with_opportunities(120).await;
    world.connect().await;
    world.until_synced().await;
    let applicant = lever_sim::Applicant {
        name: Some("Ada Lovelace".to_owned()),
        ..Default::default()
    };
    let id = world.lever.add_applicant(applicant);
    world.pull_until_mirror_equals_lever().await;
    let listed = world.applicants().await.applicants;
    let shown = listed
        .iter()
        .find(|applicant| applicant.opportunity_id == id)
        .expect("listed");
    assert_eq!(shown.name, "Ada Lovelace");
}

/// A watcher sees the first walk begin and end without asking again.
#[tokio::test]
async fn a_watcher_is_told_until_the_mirror_is_synced() {
    let mut world = World::new(Setup::new(300).keeping(&[])).await;
    world.connect().await;
    let request = pb::WatchSyncRequest {
        connection_id: world.connection.clone(),
    };
    let mut watched = world
        .api
        .sync()
        .watch_sync(request)
        .await
        .expect("a stream")
        .into_inner();
    let mut records = Vec::new();
    loop {
        let answer = watched.message().await.expect("no error").expect("no end");
        let status = answer.status.expect("a status");
        let opportunities = status
            .streams
            .iter()
            .find(|stream| stream.name == "opportunities");
        records.extend(opportunities.and_then(|stream| stream.records));
        if status.state() == pb::SyncState::Synced {
            break;
        }
    }
    assert!(records.is_sorted(), "{records:?}");
    assert_eq!(records.last(), Some(&300));
}
