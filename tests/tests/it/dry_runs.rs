//! What a write would come to, told without making it: the calls in order, the release, what stands against it (X3).

use proto::v1 as pb;
use proto::v1::OperationState::{Cancelled, Failed, Held, Succeeded};
use proto::v1::bulk_item::Write;
use serde_json::Value;

use crate::support::{Setup, World, fresh_id, until, why};

/// X3.
#[tokio::test]
async fn a_dry_run_sends_nothing_and_tells_the_calls_that_would_be_made() {
    let world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    let before = world.lever.audit().len();
    let request = pb::ChangeStageRequest {
        opportunity_id: opportunity.clone(),
        stage_id: "offer".to_owned(),
        dry_run: true,
        ..Default::default()
    };
    let planned = world.change_stage(request).await.expect("planned");
    assert_eq!(planned.id, "");
    assert_eq!(planned.state(), pb::OperationState::Unspecified);
    assert_eq!(world.lever.audit().len(), before, "nothing was sent");
    assert!(world.operations().await.is_empty(), "nothing was recorded");

    let asked = pb::ChangeStageRequest {
        opportunity_id: opportunity.clone(),
        stage_id: "offer".to_owned(),
        request_id: fresh_id(),
        ..Default::default()
    };
    world.change_stage(asked).await.expect("recorded");
    let made: Vec<_> = world
        .lever
        .audit()
        .into_iter()
        .skip(before)
        // What hangs on the person is read again beside, when it is its turn.
        .filter(|entry| {
            let written = format!("/v1/opportunities/{opportunity}");
            entry.method != "GET" || entry.path == written
        })
        .map(|entry| {
            let body = entry.body.map(|body| body.to_string()).unwrap_or_default();
            (entry.method, entry.path, entry.query, body)
        })
        .collect();
    let told: Vec<_> = planned
        .lever_calls
        .into_iter()
        .map(|call| {
            let query: Vec<_> = call
                .query
                .into_iter()
                .map(|pair| (pair.name, pair.value))
                .collect();
            (
                call.method,
                format!("/v1{}", call.path),
                query,
                call.body_json,
            )
        })
        .collect();
    assert_eq!(told, made);
}

/// X3: with what is read afterwards, to show it: the person, the list that has changed, and the person's other
/// candidacies.
#[tokio::test]
async fn a_dry_run_tells_the_reads_around_a_write_too() {
    let world = World::synced(Setup::new(60)).await;
    nothing_beside(&world).await;
    let all = world.lever.opportunities();
    let owner = |one: &Value| one["owner"].as_str().map(str::to_owned);
    let active = world.lever.active_users();
    let owned = |one: &&Value| owner(one).is_some_and(|owner| active.contains(&owner));
    let twice = all.iter().filter(owned).find(|one| {
        let same = all
            .iter()
            .filter(|other| other["contact"] == one["contact"]);
        same.count() > 1
    });
    let twice = twice.expect("somebody with two candidacies");
    let opportunity = twice["id"].as_str().expect("an id").to_owned();

    let note = |dry_run| {
        world.create_note(pb::CreateNoteRequest {
            opportunity_id: opportunity.clone(),
            request_id: fresh_id(),
            value: "hello".to_owned(),
            dry_run,
            ..Default::default()
        })
    };
    let planned = note(true).await.expect("planned");
    let made = made(&world, note(false)).await;
    assert_eq!(called(&planned), made);
    assert!(made.iter().any(|(_, path)| path.ends_with("/notes")));

    let file = |dry_run| {
        let first = pb::UploadFileRequest {
            connection_id: world.connection.clone(),
            opportunity_id: opportunity.clone(),
            request_id: fresh_id(),
            name: "letter.txt".to_owned(),
            dry_run,
            wait: Some(prost_types::Duration {
                seconds: 40,
                nanos: 0,
            }),
            ..Default::default()
        };
        let piece = pb::UploadFileRequest {
            chunk: b"dear all".to_vec().into(),
            ..Default::default()
        };
        let pieces = if dry_run {
            vec![first]
        } else {
            vec![first, piece]
        };
        let mut client = world.api.candidates();
        async move {
            let answer = client.upload_file(futures::stream::iter(pieces)).await?;
            Ok(answer.into_inner().operation.expect("an operation"))
        }
    };
    let planned = file(true).await.expect("planned");
    let made = self::made(&world, file(false)).await;
    assert_eq!(called(&planned), made);
    assert!(made.iter().any(|(_, path)| path.ends_with("/files")));

    let contact = |dry_run| {
        world.update_contact(pb::UpdateContactRequest {
            opportunity_id: opportunity.clone(),
            request_id: fresh_id(),
            headline: "Rear admiral".to_owned(),
            dry_run,
            ..Default::default()
        })
    };
    let planned = contact(true).await.expect("planned");
    let made = self::made(&world, contact(false)).await;
    assert_eq!(called(&planned), made);
    let reads = made
        .iter()
        .filter(|(_, path)| path.contains("/opportunities/"));
    assert!(reads.count() > 1, "{made:?}");
}

/// Two business days.
fn two_days() -> Option<pb::Hold> {
    Some(pb::Hold {
        delay: Some(pb::hold::Delay::BusinessDays(2)),
    })
}

fn at(time: Option<prost_types::Timestamp>) -> (i64, i32) {
    let time = time.expect("a time");
    (time.seconds, time.nanos)
}

/// X3, X4: what is foreseen of a single write is what comes of it, with the same calls.
#[tokio::test]
async fn x3_x4_a_dry_run_tells_the_release_and_what_the_mirror_knows_against_a_write() {
    let world = World::synced(Setup::new(60)).await;
    let people: [String; 4] = std::array::from_fn(|at| world.open_opportunities()[at].clone());
    let [archived, moved, there, free] = &people;
    let reason = world.reject_reason();
    world.lever.archive(archived, Some(&reason)).expect("known");
    world
        .lever
        .move_stage(moved, "lead-responded")
        .expect("known");
    world.lever.move_stage(there, "offer").expect("known");
    world.pull_until_mirror_equals_lever().await;
    nothing_beside(&world).await;
    let archive = |person: &str, dry_run| {
        world.archive(pb::ArchiveRequest {
            opportunity_id: person.to_owned(),
            request_id: fresh_id(),
            archive_reason_id: reason.clone(),
            hold: two_days(),
            dry_run,
            ..Default::default()
        })
    };
    for (person, end, why_not) in [
        (archived, Cancelled, "ALREADY_ARCHIVED"),
        (free, Succeeded, ""),
    ] {
        let planned = archive(person, true).await.expect("planned");
        assert!(
            world
                .operations()
                .await
                .iter()
                .all(|one| one.opportunity_id != *person)
        );
        let held = archive(person, false).await.expect("recorded");
        assert_eq!(held.state(), Held);
        let release = at(planned.release_time);
        assert!(at(held.create_time) < release && release <= at(held.release_time));
        let before = world.lever.audit().len();
        world.release(&held.id).await.expect("released");
        let ended = world.settled(&held.id).await;
        assert_eq!(ended.state(), end, "{ended:?}");
        assert_eq!(called(&planned), asked_since(&world, before));
        assert_eq!(
            (reason_of(&planned), reason_of(&ended)),
            (why_not.to_owned(), why_not.to_owned())
        );
    }
    let advance = |person: &str, dry_run| {
        world.change_stage(pb::ChangeStageRequest {
            opportunity_id: person.to_owned(),
            request_id: fresh_id(),
            stage_id: "offer".to_owned(),
            expected_stage_id: "applicant-new".to_owned(),
            dry_run,
            ..Default::default()
        })
    };
    for (person, end, why_not) in [(moved, Failed, "STAGE_MOVED"), (there, Succeeded, "")] {
        let planned = advance(person, true).await.expect("planned");
        assert_eq!(planned.release_time, None);
        let before = world.lever.audit().len();
        let ended = advance(person, false).await.expect("recorded");
        assert_eq!(ended.state(), end, "{ended:?}");
        let made = asked_since(&world, before);
        assert!(made.iter().all(|(method, _)| method == "GET"), "{made:?}");
        assert_eq!(called(&planned), made);
        assert_eq!(
            (reason_of(&planned), reason_of(&ended)),
            (why_not.to_owned(), why_not.to_owned())
        );
    }
    let planned = advance(moved, true).await.expect("planned");
    assert_eq!(why(&planned).details["present_stage_id"], "lead-responded");
}

/// Why a write is not made; empty where it is.
fn reason_of(operation: &pb::Operation) -> String {
    let told = operation.error.as_ref().map(|_| why(operation).reason);
    told.unwrap_or_default()
}

/// X3, X4: the same of each of many.
#[tokio::test]
async fn x3_x4_a_dry_run_of_many_tells_the_release_and_what_stands_against_each() {
    let world = World::synced(Setup::new(80)).await;
    let applicants = world.refs(4).await;
    let person = |number: usize| applicants[number].opportunity_id.as_str();
    one_archived_and_one_moved(&world, person(1), person(2)).await;
    let reason = world.reject_reason();
    let request = |dry_run| pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: applicants.clone(),
        archive_reason_id: reason.clone(),
        hold: two_days(),
        dry_run,
        ..Default::default()
    };
    let planned = world.reject(request(true)).await;
    let (whole, items) = planned.split_first().expect("the bulk");
    let tally = whole.tally.expect("a tally");
    assert_eq!((tally.open, tally.cancelled, tally.failed), (2, 1, 1));
    assert!(world.operations().await.is_empty());
    let stream = world.api.inbound().reject_applicants(request(false)).await;
    let mut stream = stream.expect("accepted").into_inner();
    let bulk = stream.message().await.expect("told").expect("a message");
    let bulk = bulk.operation.expect("the bulk");
    let before = world.lever.audit().len();
    let told = [
        ("", Succeeded),
        ("ALREADY_ARCHIVED", Cancelled),
        ("STAGE_MOVED", Failed),
        ("", Succeeded),
    ];
    for (number, (planned, (why_not, _))) in (1..).zip(items.iter().zip(told)) {
        let held = world.operation(&format!("{}/{number}", bulk.id)).await;
        let release = at(planned.release_time);
        assert!(at(held.create_time) < release && release <= at(held.release_time));
        assert_eq!(reason_of(planned), why_not, "{planned:?}");
    }
    assert_eq!(whole.release_time, items[0].release_time);
    world.release(&bulk.id).await.expect("released");
    assert_eq!(world.settled(&bulk.id).await.state(), Failed);
    let made = asked_since(&world, before);
    assert_eq!(whole.planned_calls as usize, made.len());
    for (number, (planned, (why_not, end))) in (1..).zip(items.iter().zip(told)) {
        let ended = world.operation(&format!("{}/{number}", bulk.id)).await;
        assert_eq!((ended.state(), reason_of(&ended).as_str()), (end, why_not));
        assert_eq!(called(planned), about(&made, &ended.opportunity_id));
    }
}

/// X3: whoever is moved with others is looked at first, though nothing is held.
#[tokio::test]
async fn x3_a_dry_run_of_an_advance_tells_who_would_be_left_alone() {
    let world = World::synced(Setup::new(80)).await;
    let mut applicants = world.refs(3).await;
    // One of them is to be in a certain stage still.
    for applicant in &mut applicants[..2] {
        applicant.expected_stage_id.clear();
    }
    let person = |number: usize| applicants[number].opportunity_id.as_str();
    one_archived_and_one_moved(&world, person(1), person(2)).await;
    let request = |dry_run| pb::AdvanceApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: applicants.clone(),
        stage_id: "offer".to_owned(),
        dry_run,
        ..Default::default()
    };
    let before = world.lever.audit().len();
    let planned = world.advance(request(true)).await;
    assert_eq!(world.lever.audit().len(), before);
    let done = world.advance(request(false)).await;
    let made = asked_since(&world, before);
    let of = |told: &[pb::Operation], id: &str| {
        let mut told = told.iter().rev();
        told.find(|one| one.opportunity_id == id)
            .expect("told")
            .clone()
    };
    for (number, why_not) in ["", "ALREADY_ARCHIVED", "STAGE_MOVED"]
        .into_iter()
        .enumerate()
    {
        let (planned, done) = (of(&planned, person(number)), of(&done, person(number)));
        assert_eq!(
            (reason_of(&planned).as_str(), reason_of(&done).as_str()),
            (why_not, why_not)
        );
        assert_eq!(planned.release_time, None);
        assert_eq!(called(&planned), about(&made, person(number)));
    }
}

/// Has one person archived and another moved in Lever, and the mirror know of it.
async fn one_archived_and_one_moved(world: &World, archived: &str, moved: &str) {
    let reason = world.reject_reason();
    world.lever.archive(archived, Some(&reason)).expect("known");
    world
        .lever
        .move_stage(moved, "lead-responded")
        .expect("known");
    world.pull_until_mirror_equals_lever().await;
    nothing_beside(world).await;
}

const NOBODY: &str = "11111111-1111-4111-8111-111111111111";

fn move_of(person: &str, stage: &str, expected: &str) -> pb::BulkItem {
    pb::BulkItem {
        opportunity_id: person.to_owned(),
        write: Some(Write::ChangeStage(pb::BulkStage {
            stage_id: stage.to_owned(),
            expected_stage_id: expected.to_owned(),
        })),
    }
}

fn tag_of(person: &str, tag: &str) -> pb::BulkItem {
    pb::BulkItem {
        opportunity_id: person.to_owned(),
        write: Some(Write::AddTags(pb::BulkTexts {
            values: vec![tag.to_owned()],
        })),
    }
}

/// X3: the second write to somebody finds them where the first has left them, and of whom the mirror lacks Lever is
/// asked: somebody who is there a moment, and nobody.
#[tokio::test]
async fn x3_a_dry_run_of_many_knows_whom_it_writes_to_twice_and_whom_only_lever_knows() {
    let world = World::synced(Setup::new(60)).await;
    nothing_beside(&world).await;
    let twice = world.refs(1).await.remove(0);
    let (twice, here) = (twice.opportunity_id, twice.expected_stage_id);
    let new = world.apply("Ada Newcomer");
    let new_stage = world.lever.opportunity(&new).expect("there")["stage"].clone();
    let new_stage = new_stage.as_str().expect("a stage");
    let moves = vec![
        move_of(&twice, "offer", &here),
        move_of(&twice, "offer", ""),
        move_of(&twice, "lead-responded", &here),
        move_of(&new, "offer", "lead-responded"),
        move_of(&new, "offer", new_stage),
        move_of(NOBODY, "offer", ""),
    ];
    let of_moves = ["", "", "STAGE_MOVED", "STAGE_MOVED", "", "LEVER_NOT_FOUND"];
    let tags = vec![
        tag_of(&twice, "a"),
        tag_of(&twice, "b"),
        tag_of(&new, "a"),
        tag_of(NOBODY, "a"),
    ];
    let of_tags = ["", "", "", "LEVER_NOT_FOUND"];
    for (items, told) in [(moves, &of_moves[..]), (tags, &of_tags[..])] {
        let request = |dry_run| pb::BulkWriteRequest {
            connection_id: world.connection.clone(),
            request_id: fresh_id(),
            items: items.clone(),
            dry_run,
            ..Default::default()
        };
        let planned = world.bulk_write(request(true)).await;
        let (whole, planned) = planned.split_first().expect("the bulk");
        let before = world.lever.audit().len();
        let done = world.bulk_write(request(false)).await;
        let made = asked_since(&world, before);
        let bulk = &done[0].id;
        for (number, (planned, why_not)) in (1..).zip(planned.iter().zip(told)) {
            let ended = world.operation(&format!("{bulk}/{number}")).await;
            assert_eq!(reason_of(planned), *why_not, "{number}: {planned:?}");
            assert_eq!(reason_of(&ended), *why_not, "{number}: {ended:?}");
        }
        for person in [twice.as_str(), &new, NOBODY] {
            let theirs = planned.iter().filter(|one| one.opportunity_id == person);
            let calls: Vec<_> = theirs.flat_map(called).collect();
            assert_eq!(calls, about(&made, person));
        }
        assert_eq!(whole.planned_calls as usize, made.len(), "{made:?}");
    }
}

/// X3: of each kind that many can be of, in an order in which each changes something.
#[tokio::test]
async fn x3_a_dry_run_of_many_of_each_kind_tells_the_calls_that_lever_then_sees() {
    let world = World::synced(Setup::new(60)).await;
    nothing_beside(&world).await;
    let people = world.refs(2).await;
    let texts = |text: &str| pb::BulkTexts {
        values: vec![text.to_owned()],
    };
    let link = "https://example.org/many";
    let kinds = [
        Write::Note(pb::BulkNote {
            value: "met them all".to_owned(),
            secret: false,
        }),
        Write::AddTags(texts("many")),
        Write::RemoveTags(texts("many")),
        Write::AddSources(texts("many")),
        Write::RemoveSources(texts("many")),
        Write::AddLinks(texts(link)),
        Write::RemoveLinks(texts(link)),
        Write::ChangeStage(pb::BulkStage {
            stage_id: "offer".to_owned(),
            ..Default::default()
        }),
        Write::Archive(pb::BulkArchive {
            archive_reason_id: world.reject_reason(),
            ..Default::default()
        }),
        Write::Unarchive(pb::BulkUnarchive {}),
    ];
    for write in kinds {
        let items = people.iter().map(|person| pb::BulkItem {
            opportunity_id: person.opportunity_id.clone(),
            write: Some(write.clone()),
        });
        let request = |dry_run| pb::BulkWriteRequest {
            connection_id: world.connection.clone(),
            request_id: fresh_id(),
            items: items.clone().collect(),
            dry_run,
            ..Default::default()
        };
        let planned = world.bulk_write(request(true)).await;
        let (whole, planned) = planned.split_first().expect("the bulk");
        let before = world.lever.audit().len();
        let done = world.bulk_write(request(false)).await;
        let bulk = done.last().expect("the bulk again");
        assert_eq!(bulk.state(), Succeeded, "{write:?}: {bulk:?}");
        let made = asked_since(&world, before);
        for (person, planned) in people.iter().zip(planned) {
            let theirs = about(&made, &person.opportunity_id);
            assert!(
                theirs.iter().any(|(method, _)| method != "GET"),
                "{write:?}"
            );
            assert_eq!(called(planned), theirs, "{write:?}");
        }
        assert_eq!(whole.planned_calls as usize, made.len(), "{write:?}");
    }
}

/// X3: where somebody stands whom the mirror does not have yet, Lever tells.
#[tokio::test]
async fn x3_a_dry_run_looks_up_where_somebody_stands_whom_the_mirror_lacks() {
    let world = World::synced(Setup::new(40)).await;
    nothing_beside(&world).await;
    let new = world.apply("Ada Newcomer");
    let advance = |expected: &str, dry_run| {
        world.change_stage(pb::ChangeStageRequest {
            opportunity_id: new.clone(),
            request_id: fresh_id(),
            stage_id: "offer".to_owned(),
            expected_stage_id: expected.to_owned(),
            dry_run,
            ..Default::default()
        })
    };
    let planned = advance("lead-responded", true).await.expect("planned");
    let before = world.lever.audit().len();
    let ended = advance("lead-responded", false).await.expect("recorded");
    assert_eq!(
        (reason_of(&planned), reason_of(&ended)),
        ("STAGE_MOVED".to_owned(), "STAGE_MOVED".to_owned())
    );
    let made = asked_since(&world, before);
    // The look before it was recorded is none of its calls.
    assert_eq!(called(&planned), made[1..]);
}

/// X3: Lever moves a stamp of whom it writes to, so the other lists below them are read in the background.
#[tokio::test]
async fn x3_a_dry_run_tells_how_many_reads_follow_in_the_background() {
    let world = World::synced(Setup::full(30)).await;
    until_nothing_waits(&world).await;
    let people = world.open_opportunities();
    let (one, other) = (people[0].as_str(), people[1].as_str());
    let note = |dry_run| {
        world.create_note(pb::CreateNoteRequest {
            opportunity_id: one.to_owned(),
            request_id: fresh_id(),
            value: "hello".to_owned(),
            dry_run,
            ..Default::default()
        })
    };
    let planned = note(true).await.expect("planned");
    // All but the notes.
    assert_eq!(planned.background_calls, 8, "{planned:?}");
    let before = world.lever.audit().len();
    note(false).await.expect("recorded");
    let told = [(one, planned.planned_calls + planned.background_calls)];
    read_all(&world, before, &told).await;

    let bulk = |dry_run| pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: vec![tag_of(one, "a"), tag_of(one, "b"), tag_of(other, "a")],
        dry_run,
        ..Default::default()
    };
    let planned = world.bulk_write(bulk(true)).await.remove(0);
    assert_eq!((planned.planned_calls, planned.background_calls), (6, 18));
    let before = world.lever.audit().len();
    world.bulk_write(bulk(false)).await;
    read_all(&world, before, &[(one, 4 + 9), (other, 2 + 9)]).await;
}

/// Waits until no list below anybody is to be read.
pub(crate) async fn until_nothing_waits(world: &World) {
    until("nothing is to be read", async || {
        let status = world.status().await;
        let waits = status.streams.iter().any(|stream| stream.waiting > 0);
        (!waits).then_some(())
    })
    .await;
}

/// Waits until nothing is to be read any more, and counts the calls about these people since.
async fn read_all(world: &World, before: usize, told: &[(&str, u32)]) {
    until_nothing_waits(world).await;
    let made = asked_since(world, before);
    for (person, calls) in told {
        let theirs = made.iter().filter(|(_, path)| path.contains(person));
        assert_eq!(theirs.count(), *calls as usize, "{person}: {made:?}");
    }
}

/// Has nothing read beside the writes.
async fn nothing_beside(world: &World) {
    let request = pb::PauseSyncRequest {
        connection_id: world.connection.clone(),
    };
    let paused = world.api.sync().pause_sync(request).await;
    paused.expect("paused");
}

/// The calls of a dry run: method and path.
fn called(planned: &pb::Operation) -> Vec<(String, String)> {
    let calls = planned.lever_calls.iter();
    let call = |call: &pb::LeverCall| (call.method.clone(), format!("/v1{}", call.path));
    calls.map(call).collect()
}

/// Those of some calls that are about a person.
fn about(made: &[(String, String)], person: &str) -> Vec<(String, String)> {
    let theirs = made.iter().filter(|(_, path)| path.contains(person));
    theirs.cloned().collect()
}

/// The calls that Lever sees while something is written.
async fn made(
    world: &World,
    write: impl Future<Output = Result<pb::Operation, tonic::Status>>,
) -> Vec<(String, String)> {
    let before = world.lever.audit().len();
    let written = write.await.expect("recorded");
    assert_eq!(written.state(), Succeeded, "{written:?}");
    asked_since(world, before)
}

/// The calls that Lever has seen since it had seen so many.
fn asked_since(world: &World, before: usize) -> Vec<(String, String)> {
    let audit = world.lever.audit().into_iter().skip(before);
    audit.map(|entry| (entry.method, entry.path)).collect()
}
