//! The numbered changes of a mirror, followed over breaks (X16).

use std::collections::BTreeMap;
use std::time::Duration;

use lever_sim::Act;
use proto::v1 as pb;
use tonic::{Code, Status, Streaming};

use crate::support::{Random, Setup, World, proved, refused, rounds, until};

impl World {
    pub(crate) async fn watch(
        &self,
        resume_token: &str,
        streams: &[&str],
    ) -> Result<Streaming<pb::WatchChangesResponse>, Status> {
        let request = pb::WatchChangesRequest {
            connection_id: self.connection.clone(),
            resume_token: resume_token.to_owned(),
            streams: streams.iter().map(|name| (*name).to_owned()).collect(),
        };
        let answer = self.api.changes().watch_changes(request).await?;
        Ok(answer.into_inner())
    }
}

async fn next(watched: &mut Streaming<pb::WatchChangesResponse>) -> pb::WatchChangesResponse {
    let message = tokio::time::timeout(Duration::from_secs(30), watched.message()).await;
    let message = message.expect("an answer in time").expect("no error");
    message.expect("the stream goes on")
}

/// The first answer that tells of a record; others may come before it.
async fn told_of(
    watched: &mut Streaming<pb::WatchChangesResponse>,
    id: &str,
) -> pb::WatchChangesResponse {
    loop {
        let answer = next(watched).await;
        if answer.changes.iter().any(|change| change.id == id) {
            return answer;
        }
    }
}

fn moved(opportunity: &str, stage: &str) -> Act {
    Act::MoveStage {
        opportunity: opportunity.to_owned(),
        stage: stage.to_owned(),
        user: None,
    }
}

#[tokio::test]
async fn x16_a_consumer_that_comes_back_misses_nothing_and_learns_nothing_personal() {
    let mut world = World::synced(Setup::new(40)).await;
    let mut watched = world.watch("", &[]).await.expect("a stream");
    let first = next(&mut watched).await;
    assert!(first.changes.is_empty() && !first.resume_token.is_empty());

    let people = world.open_opportunities();
    let stages = world.lever.stages();
    let far = stages.last().expect("a stage")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    world.lever.act(moved(&people[0], &far)).expect("moved");
    world.pull().await;
    let seen = told_of(&mut watched, &people[0]).await;
    let change = seen.changes.iter().find(|change| change.id == people[0]);
    let change = change.expect("the move is told");
    assert_eq!(change.stream, "opportunities");
    assert_eq!(change.kind(), pb::ChangeKind::Updated);
    assert_eq!(
        (change.opportunity_id.as_str(), change.stage_id.as_str()),
        (people[0].as_str(), far.as_str())
    );
    assert!(!change.product_stage.is_empty() && change.time.is_some());
    drop(watched);

    // Away, over a kill: what happens meanwhile is told afterwards, in order.
    let gone = Act::DeleteOpportunity {
        opportunity: people[2].clone(),
        user: None,
    };
    world.lever.act(moved(&people[1], &far)).expect("moved");
    world.lever.act(gone).expect("deleted");
    world.pull().await;
    until("the deletion is mirrored", async || {
        let told = world.opportunity(&people[2]).await.err()?;
        (told.code() == Code::NotFound).then_some(())
    })
    .await;
    until("the move is mirrored", async || {
        let person = world.opportunity(&people[1]).await.ok()?;
        (person["stage"] == far.as_str()).then_some(())
    })
    .await;
    world.kill().await;
    world.start().await;
    let mut watched = world
        .watch(&seen.resume_token, &[])
        .await
        .expect("a stream");
    let mut told: BTreeMap<u64, pb::Change> = BTreeMap::new();
    let wanted = |told: &BTreeMap<u64, pb::Change>, id: &str, kind: pb::ChangeKind| {
        told.values().any(|change| {
            change.id == id && change.kind() == kind && change.stream == "opportunities"
        })
    };
    let mut last = seen.changes.last().expect("changes").sequence;
    while !wanted(&told, &people[1], pb::ChangeKind::Updated)
        || !wanted(&told, &people[2], pb::ChangeKind::Deleted)
    {
        for change in next(&mut watched).await.changes {
            assert_eq!(change.sequence, last + 1, "in order and without a gap");
            last = change.sequence;
            told.insert(change.sequence, change);
        }
    }
    // Ids and kinds only.
    let names = world.lever.opportunities();
    let all = format!("{told:?} {:?}", seen.changes);
    for person in &names {
        let name = person["name"].as_str().unwrap_or_default();
        assert!(name.is_empty() || !all.contains(name));
    }
}

/// Server and consumer are ended again and again, at moments that are drawn.
///
/// Seen to fail with changes that are told without the flush, and so before it: at the first kill the token of the
/// consumer was ahead of all that the service still had.
#[tokio::test]
async fn p9_each_change_arrives_in_order_and_without_a_gap_whoever_is_killed() {
    let kills = rounds(6, 100);
    let mut world = World::synced(Setup::new(40)).await;
    let first = next(&mut world.watch("", &[]).await.expect("a stream")).await;
    let people = world.open_opportunities();
    let stages = world.lever.stages();
    let mut chance = Random::new(9);
    let (mut token, mut consumed) = (first.resume_token.clone(), Vec::new());
    for _ in 0..kills {
        let mut watched = world.watch(&token, &[]).await.expect("a stream");
        for _ in 0..=chance.below(4) {
            let stage = chance.pick(&stages)["id"]
                .as_str()
                .expect("an id")
                .to_owned();
            let person: &String = chance.pick(&people);
            world.lever.act(moved(person, &stage)).expect("moved");
            world.pull().await;
        }
        // The consumer takes what comes until it is ended, and remembers how far it was.
        for _ in 0..chance.below(4) {
            let wait = Duration::from_millis(chance.below(150));
            if let Ok(Ok(Some(answer))) = tokio::time::timeout(wait, watched.message()).await {
                token = answer.resume_token;
                consumed.extend(answer.changes);
            }
        }
        if chance.percent(70) {
            // In the moment a change is told: what tells of it has to be durable already.
            let person: &String = chance.pick(&people);
            let touched = Act::Touch {
                opportunity: person.clone(),
            };
            world.lever.act(touched).expect("touched");
            world.pull().await;
            let mut told = false;
            while !told {
                let answer = next(&mut watched).await;
                told = answer.changes.iter().any(|change| change.id == *person);
                token = answer.resume_token;
                consumed.extend(answer.changes);
            }
            world.kill().await;
            world.start().await;
        }
        drop(watched);
    }
    world.pull_until_mirror_equals_lever().await;
    let last = people[0].clone();
    let gone = Act::DeleteOpportunity {
        opportunity: last.clone(),
        user: None,
    };
    world.lever.act(gone).expect("deleted");
    world.pull().await;
    let whole = world.told_until_deleted(&first.resume_token, &last).await;
    consumed.extend(world.told_until_deleted(&token, &last).await);
    let numbers: Vec<u64> = consumed.iter().map(|change| change.sequence).collect();
    let gapless: Vec<u64> = (numbers[0]..).take(numbers.len()).collect();
    assert_eq!(numbers, gapless, "in order and without a gap");
    let facts = |changes: &[pb::Change]| -> Vec<_> {
        let fact = |change: &pb::Change| (change.sequence, change.id.clone(), change.kind());
        changes.iter().map(fact).collect()
    };
    assert_eq!(
        facts(&consumed),
        facts(&whole),
        "what was told in parts is what is told at once"
    );
    proved(
        "P9",
        kills,
        "kills of the service or the consumer while changes are told",
    );
}

impl World {
    /// Every change after a token, up to the deletion of somebody.
    async fn told_until_deleted(&self, token: &str, opportunity: &str) -> Vec<pb::Change> {
        let mut watched = self.watch(token, &[]).await.expect("a stream");
        let mut told = Vec::new();
        loop {
            for change in next(&mut watched).await.changes {
                let last = change.id == opportunity && change.kind() == pb::ChangeKind::Deleted;
                told.push(change);
                if last {
                    return told;
                }
            }
        }
    }
}

#[tokio::test]
async fn what_is_watched_can_be_narrowed_and_a_token_is_for_its_question() {
    let world = World::synced(Setup::new(30)).await;
    let mut all = world.watch("", &[]).await.expect("a stream");
    let token = next(&mut all).await.resume_token;
    let mut tags = world.watch("", &["tags"]).await.expect("a stream");
    let tags_token = next(&mut tags).await.resume_token;

    let person = world.open_opportunities().remove(0);
    world.archive_in_lever(&person);
    world.pull().await;
    told_of(&mut all, &person).await;
    // A new tag is seen by whoever watches tags, and nothing else is.
    let request = pb::AddTagsRequest {
        connection_id: world.connection.clone(),
        opportunity_id: person.clone(),
        tags: vec!["never seen before".to_owned()],
        request_id: crate::support::fresh_id(),
        ..Default::default()
    };
    world
        .api
        .candidates()
        .add_tags(request)
        .await
        .expect("taken");
    world.pull().await;
    let seen = next(&mut tags).await;
    let told: Vec<_> = seen
        .changes
        .iter()
        .map(|change| change.stream.as_str())
        .collect();
    assert!(
        !told.is_empty() && told.iter().all(|stream| *stream == "tags"),
        "{told:?}"
    );

    for (token, streams, field) in [
        (tags_token.as_str(), &[][..], "resume_token"),
        (token.as_str(), &["tags"][..], "resume_token"),
        ("nonsense", &[][..], "resume_token"),
        ("", &["tags", "nothing"][..], "streams[1]"),
    ] {
        let told = refused(world.watch(token, streams).await);
        assert_eq!(
            (told.code, told.fields),
            (Code::InvalidArgument, vec![field.to_owned()])
        );
    }
    let other = pb::WatchChangesRequest {
        connection_id: "00000000-0000-4000-8000-000000000000".to_owned(),
        ..Default::default()
    };
    let told = refused(world.api.changes().watch_changes(other).await);
    assert_eq!(told.code, Code::NotFound);
}

#[tokio::test]
async fn of_confidential_people_only_those_learn_who_may_see_them() {
    let mut world = World::synced(Setup::new(400).keeping(&[])).await;
    let people = world.lever.opportunities();
    let secret = people
        .iter()
        .find(|person| person["confidentiality"] == "confidential" && person["archived"].is_null());
    let secret = secret.expect("the population has some")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let open = people
        .iter()
        .find(|person| person["confidentiality"] != "confidential" && person["archived"].is_null());
    let open = open.expect("somebody")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert!(world.stop().await.success());
    let trusted = world
        .home
        .token(&["--role", "product", "--right", "confidential"])
        .await;
    let plain = world.home.token(&["--role", "reader"]).await;
    world.start().await;
    world.api = world.api.with_token(&plain);
    let mut narrow = world.watch("", &["opportunities"]).await.expect("a stream");
    next(&mut narrow).await;
    world.api = world.api.with_token(&trusted);
    let mut wide = world.watch("", &["opportunities"]).await.expect("a stream");
    next(&mut wide).await;

    world.archive_in_lever(&secret);
    world.pull().await;
    until("who may see confidential people is told", async || {
        let seen = next(&mut wide).await;
        seen.changes
            .iter()
            .any(|change| change.id == secret)
            .then_some(())
    })
    .await;
    world.archive_in_lever(&open);
    world.pull().await;
    let mut told = Vec::new();
    while !told.contains(&open) {
        told.extend(
            next(&mut narrow)
                .await
                .changes
                .into_iter()
                .map(|change| change.id),
        );
    }
    assert!(!told.contains(&secret));
}
