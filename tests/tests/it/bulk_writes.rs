//! Many writes at once: one operation for all, one below it for each, told as they settle (F-41, F-42, F-55, X3).

use std::time::Duration;

use lever_sim::{Action, FaultPlan, FaultRule, When};
use proto::v1 as pb;
use proto::v1::OperationState::{Cancelled, Failed, Held, Succeeded};
use proto::v1::bulk_item::Write as Item;
use serde_json::json;
use tonic::{Code, Status, Streaming};

use crate::support::{Setup, World, fresh_id, refused, until, why};

/// All that a stream tells, to its end.
async fn told<M>(
    stream: Result<tonic::Response<Streaming<M>>, Status>,
    operation: impl Fn(M) -> Option<pb::Operation>,
) -> Vec<pb::Operation> {
    let mut stream = stream.expect("accepted").into_inner();
    let mut told = Vec::new();
    while let Some(message) = stream.message().await.expect("no error") {
        told.push(operation(message).expect("an operation"));
    }
    told
}

impl World {
    /// What a bulk is made of, as the caller may see it.
    async fn items(&self, bulk: &str) -> Vec<pb::Operation> {
        let request = pb::ListOperationsRequest {
            connection_id: self.connection.clone(),
            parent_id: bulk.to_owned(),
            ..Default::default()
        };
        let listed = self.api.operations().list_operations(request).await;
        listed.expect("operations").into_inner().operations
    }

    pub(crate) async fn bulk_write(&self, request: pb::BulkWriteRequest) -> Vec<pb::Operation> {
        let stream = self.api.candidates().bulk_write(request).await;
        told(stream, |message| message.operation).await
    }

    pub(crate) async fn advance(
        &self,
        request: pb::AdvanceApplicantsRequest,
    ) -> Vec<pb::Operation> {
        let stream = self.api.inbound().advance_applicants(request).await;
        told(stream, |message| message.operation).await
    }

    pub(crate) async fn reject(&self, request: pb::RejectApplicantsRequest) -> Vec<pb::Operation> {
        let stream = self.api.inbound().reject_applicants(request).await;
        told(stream, |message| message.operation).await
    }

    async fn watched_to_its_end(&self, id: &str) -> Vec<pb::Operation> {
        let request = pb::WatchOperationsRequest {
            connection_id: self.connection.clone(),
            operation_id: id.to_owned(),
        };
        let stream = self.api.operations().watch_operations(request).await;
        told(stream, |message| message.operation).await
    }

    /// The applicants, by candidacy and stage.
    pub(crate) async fn refs(&self, count: usize) -> Vec<pb::ApplicantRef> {
        let applicants = self.applicants().await.applicants;
        let of = |applicant: pb::Applicant| pb::ApplicantRef {
            opportunity_id: applicant.opportunity_id,
            expected_stage_id: applicant.stage_id,
        };
        let refs: Vec<_> = applicants.into_iter().map(of).take(count).collect();
        assert_eq!(refs.len(), count, "there are applicants enough");
        refs
    }

    /// An active reason that is no hire.
    pub(crate) fn reject_reason(&self) -> String {
        let reasons = self.lever.archive_reasons();
        let reason = reasons
            .iter()
            .find(|reason| reason["type"] == "non-hired" && reason["status"] == "active");
        let id = reason.expect("an active reason")["id"].as_str();
        id.expect("an id").to_owned()
    }
}

pub(crate) fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

pub(crate) fn note(opportunity: &str, text: &str) -> pb::BulkItem {
    pb::BulkItem {
        opportunity_id: opportunity.to_owned(),
        write: Some(pb::bulk_item::Write::Note(pb::BulkNote {
            value: text.to_owned(),
            secret: false,
        })),
    }
}

#[tokio::test]
async fn a_bulk_is_told_first_then_each_item_and_last_the_bulk_again() {
    let world = World::synced(Setup::new(60)).await;
    let people = world.open_opportunities();
    let request = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: people[..12].iter().map(|one| note(one, "hello")).collect(),
        ..Default::default()
    };
    let told = world.bulk_write(request.clone()).await;
    let (first, last) = (&told[0], &told[told.len() - 1]);
    assert_eq!(told.len(), 14, "{told:?}");
    assert_eq!(first.kind(), pb::OperationKind::Bulk);
    assert_eq!(first.item_kind(), pb::OperationKind::CreateNote);
    assert_eq!(
        (last.id.as_str(), last.state()),
        (first.id.as_str(), Succeeded)
    );
    let tally = last.tally.expect("a tally");
    assert_eq!((tally.items, tally.succeeded, tally.open), (12, 12, 0));
    let mut numbers: Vec<u32> = Vec::new();
    for item in &told[1..13] {
        assert_eq!((item.state(), &item.parent_id), (Succeeded, &first.id));
        let number = item.id.strip_prefix(&format!("{}/", first.id));
        numbers.push(
            number
                .expect("named by its bulk")
                .parse()
                .expect("a number"),
        );
        assert_eq!(world.notes_saying(&item.opportunity_id, "hello"), 1);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, Vec::from_iter(1..=12));

    // The same again writes nothing, and is told the same.
    let again = world.bulk_write(request).await;
    assert_eq!(again.len(), 14);
    assert_eq!((&again[0].id, &again[13].id), (&first.id, &first.id));
    assert!(again[1..13].iter().all(|item| item.parent_id == first.id));
    assert_eq!(world.effects("createOpportunityNote"), 12);
}

#[tokio::test]
async fn an_item_that_cannot_be_written_keeps_no_other_from_being_written() {
    let world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    let request = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: vec![
            note("11111111-1111-4111-8111-111111111111", "x"),
            note(&person, "y"),
        ],
        ..Default::default()
    };
    let told = world.bulk_write(request).await;
    let last = told.last().expect("the bulk");
    assert_eq!(last.state(), Failed);
    let tally = last.tally.expect("a tally");
    assert_eq!((tally.failed, tally.succeeded), (1, 1));
    let failed = told.iter().find(|one| one.id.ends_with("/1"));
    assert_eq!(why(failed.expect("told")).code, Code::NotFound);
    assert_eq!(world.notes_saying(&person, "y"), 1);
}

#[tokio::test]
async fn a_bulk_with_bad_content_is_refused_as_a_whole_and_names_each_field() {
    let world = World::synced(Setup::new(40)).await;
    let people = world.open_opportunities();
    let tag = pb::BulkItem {
        opportunity_id: people[1].clone(),
        write: Some(pb::bulk_item::Write::AddTags(pb::BulkTexts {
            values: vec!["a".to_owned()],
        })),
    };
    let request = |items| pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items,
        ..Default::default()
    };
    let cases = [
        (Vec::new(), vec!["items"]),
        (vec![note(&people[0], "x"); 1001], vec!["items"]),
        (
            vec![note(&people[0], " "), tag, note("", "z")],
            vec![
                "items[0].note.value",
                "items[1].add_tags",
                "items[2].opportunity_id",
            ],
        ),
    ];
    for (items, fields) in cases {
        let stream = world.api.candidates().bulk_write(request(items)).await;
        let told = refused(stream);
        assert_eq!(
            (told.code, told.fields),
            (Code::InvalidArgument, owned(&fields))
        );
    }
    let nothing = pb::BulkItem {
        opportunity_id: people[0].clone(),
        write: None,
    };
    let nowhere = pb::BulkItem {
        write: Some(pb::bulk_item::Write::ChangeStage(pb::BulkStage {
            stage_id: "nowhere".to_owned(),
            expected_stage_id: String::new(),
        })),
        ..nothing.clone()
    };
    for (item, field) in [
        (nothing, "items[0].write"),
        (nowhere, "items[0].change_stage.stage_id"),
    ] {
        let stream = world.api.candidates().bulk_write(request(vec![item])).await;
        let told = refused(stream);
        assert_eq!(told.fields, [field]);
        assert!(told.message.starts_with(field), "{}", told.message);
    }
    let nobody = vec![pb::ApplicantRef::default(); 2];
    let advance = |applicants, stage_id: &str| pb::AdvanceApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants,
        stage_id: stage_id.to_owned(),
        ..Default::default()
    };
    let there = vec![pb::ApplicantRef {
        opportunity_id: people[0].clone(),
        ..Default::default()
    }];
    for (asked, fields) in [
        (advance(Vec::new(), "x"), vec!["applicants"]),
        (advance(there.clone(), "nowhere"), vec!["stage_id"]),
        (
            advance(nobody, ""),
            vec![
                "applicants[0].opportunity_id",
                "stage_id",
                "applicants[1].opportunity_id",
            ],
        ),
    ] {
        let stream = world.api.inbound().advance_applicants(asked).await;
        assert_eq!(refused(stream).fields, owned(&fields));
    }
    let reject = pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: there,
        ..Default::default()
    };
    let told = refused(world.api.inbound().reject_applicants(reject).await);
    assert_eq!(told.fields, ["archive_reason_id"]);
    assert!(told.message.contains("give the reason"), "{}", told.message);
    assert!(world.operations().await.is_empty());
}

/// What is wrong is named by where the request has it, whatever the kind.
#[tokio::test]
async fn bad_content_of_an_item_is_named_by_its_place_in_the_request() {
    let world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    let bad = || pb::BulkTexts {
        values: owned(&["fine", " "]),
    };
    let stage = pb::BulkStage::default();
    let archive = pb::BulkArchive::default();
    let refusals = [
        (Item::Note(pb::BulkNote::default()), "note.value"),
        (Item::AddTags(bad()), "add_tags.values[1]"),
        (Item::RemoveTags(bad()), "remove_tags.values[1]"),
        (Item::AddSources(bad()), "add_sources.values[1]"),
        (Item::RemoveSources(bad()), "remove_sources.values[1]"),
        (Item::AddLinks(bad()), "add_links.values[1]"),
        (Item::RemoveLinks(bad()), "remove_links.values[1]"),
        (Item::AddLinks(pb::BulkTexts::default()), "add_links.values"),
        (
            Item::AddLinks(pb::BulkTexts {
                values: owned(&["mailto:a@b.c"]),
            }),
            "add_links.values[0]",
        ),
        (Item::AddTags(pb::BulkTexts::default()), "add_tags.values"),
        (Item::ChangeStage(stage), "change_stage.stage_id"),
        (Item::Archive(archive), "archive.archive_reason_id"),
    ];
    for (write, field) in refusals {
        let request = pb::BulkWriteRequest {
            connection_id: world.connection.clone(),
            request_id: fresh_id(),
            items: vec![pb::BulkItem {
                opportunity_id: person.clone(),
                write: Some(write),
            }],
            ..Default::default()
        };
        let told = refused(world.api.candidates().bulk_write(request).await);
        let field = format!("items[0].{field}");
        assert_eq!(told.fields, [field.as_str()]);
        assert!(told.message.starts_with(&field), "{}", told.message);
    }
}

/// Where all name one stage that cannot be meant the request as a whole is refused, also where all are one; of several,
/// an item keeps no other from being written.
#[tokio::test]
async fn a_stage_that_lever_lacks_is_refused_whole_only_where_all_items_name_it() {
    let world = World::synced(Setup::new(40)).await;
    let people = world.open_opportunities();
    let to = |person: &str, stage: &str| pb::BulkItem {
        opportunity_id: person.to_owned(),
        write: Some(Item::ChangeStage(pb::BulkStage {
            stage_id: stage.to_owned(),
            expected_stage_id: String::new(),
        })),
    };
    let request = |items: Vec<pb::BulkItem>| pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items,
        ..Default::default()
    };
    let nowhere = to(&people[0], "nowhere");
    let alike = [vec![nowhere.clone()], vec![nowhere.clone(); 2]];
    for items in alike {
        let told = refused(world.api.candidates().bulk_write(request(items)).await);
        assert_eq!(told.code, Code::InvalidArgument);
        assert_eq!(told.fields, ["items[0].change_stage.stage_id"]);
    }
    assert!(world.operations().await.is_empty());
    let told = world
        .bulk_write(request(vec![nowhere, to(&people[1], "offer")]))
        .await;
    let tally = told.last().expect("the bulk").tally.expect("a tally");
    assert_eq!((tally.failed, tally.succeeded), (1, 1));
}

/// Tags or links of one person among many.
fn texts(opportunity: &str, write: fn(pb::BulkTexts) -> Item, texts: &[&str]) -> pb::BulkItem {
    pb::BulkItem {
        opportunity_id: opportunity.to_owned(),
        write: Some(write(pb::BulkTexts {
            values: owned(texts),
        })),
    }
}

/// How the item about somebody stands, why, and what it left out.
fn of(told: &[pb::Operation], opportunity: &str) -> (pb::OperationState, String, Vec<String>) {
    let mut items = told.iter().rev();
    let item = items
        .find(|operation| operation.opportunity_id == opportunity)
        .expect("told");
    let reason = item.error.as_ref().map(|_| why(item).reason);
    let left_out = item.left_out.clone();
    (item.state(), reason.unwrap_or_default(), left_out)
}

fn words(value: &serde_json::Value) -> Vec<&str> {
    let texts = value.as_array().expect("a list").iter();
    texts.map(|text| text.as_str().expect("a text")).collect()
}

#[tokio::test]
async fn many_tags_respect_what_people_removed_each_for_itself() {
    let world = World::synced(Setup::new(40)).await;
    let people = &world.open_opportunities()[..3];
    let sync = |respect_removals| pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: people
            .iter()
            .zip([&["Nightly", "Weekly"][..], &["Nightly"], &["Nightly"]])
            .map(|(person, tags)| texts(person, Item::AddTags, tags))
            .collect(),
        respect_removals,
        ..Default::default()
    };
    world.bulk_write(sync(true)).await;
    for person in &people[..2] {
        let body = json!({"tags": ["Nightly"]});
        world.somebody_in_lever(person, "removeTags", body).await;
    }
    let planned = pb::BulkWriteRequest {
        dry_run: true,
        ..sync(true)
    };
    let planned = world.bulk_write(planned).await;
    let tally = planned[0].tally.expect("a tally");
    assert_eq!((tally.open, tally.cancelled, tally.failed), (2, 1, 0));
    let left_out = owned(&["Nightly"]);
    assert_eq!(of(&planned, &people[0]).2, left_out);
    assert!(
        planned[1]
            .lever_calls
            .iter()
            .all(|call| !call.body_json.contains("Nightly"))
    );
    assert_eq!(of(&planned, &people[1]).1, "REMOVED_IN_LEVER");
    assert!(planned[2].lever_calls.is_empty());

    let asked = sync(true);
    let again = world.bulk_write(asked.clone()).await;
    let last = again.last().expect("the bulk");
    assert_eq!(last.state(), Succeeded);
    let tally = last.tally.expect("a tally");
    assert_eq!((tally.succeeded, tally.cancelled), (2, 1));
    assert_eq!(
        of(&again, &people[0]),
        (Succeeded, String::new(), left_out.clone())
    );
    assert_eq!(
        of(&again, &people[1]),
        (Cancelled, "REMOVED_IN_LEVER".to_owned(), left_out)
    );
    assert_eq!(
        of(&again, &people[2]),
        (Succeeded, String::new(), Vec::new())
    );
    let has = |person: &String| {
        let record = world.lever.opportunity(person).expect("there");
        words(&record["tags"]).contains(&"Nightly")
    };
    assert_eq!(
        people.iter().map(has).collect::<Vec<_>>(),
        [false, false, true]
    );
    // Whoever wants them back says so, and not under the same id.
    let back = pb::BulkWriteRequest {
        respect_removals: false,
        ..asked
    };
    let told = refused(world.api.candidates().bulk_write(back).await);
    assert_eq!(told.code, Code::AlreadyExists);
    world.bulk_write(sync(false)).await;
    assert!(people.iter().all(has));
}

#[tokio::test]
async fn many_removals_can_be_kept_to_what_is_ours() {
    let world = World::synced(Setup::new(40)).await;
    let people = &world.open_opportunities()[..2];
    let (ours, theirs) = ("https://ours.example", "https://theirs.example");
    let body = json!({"links": [theirs]});
    world.somebody_in_lever(&people[0], "addLinks", body).await;
    let bulk = |items, only_ours| pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items,
        only_ours,
        ..Default::default()
    };
    let add = vec![texts(&people[0], Item::AddLinks, &[ours])];
    world.bulk_write(bulk(add, false)).await;
    let remove = vec![
        texts(&people[0], Item::RemoveLinks, &[ours, theirs]),
        texts(&people[1], Item::RemoveLinks, &[theirs]),
    ];
    let told = world.bulk_write(bulk(remove, true)).await;
    assert_eq!(
        of(&told, &people[0]),
        (Succeeded, String::new(), owned(&[theirs]))
    );
    assert_eq!(
        of(&told, &people[1]),
        (Cancelled, "NOT_OURS".to_owned(), owned(&[theirs]))
    );
    let record = world.lever.opportunity(&people[0]).expect("there");
    let links = words(&record["links"]);
    assert!(
        links.contains(&theirs) && !links.contains(&ours),
        "{links:?}"
    );
}

#[tokio::test]
async fn a_flag_that_does_not_fit_the_items_is_refused() {
    let world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    let request = |item, respect_removals, only_ours| pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: vec![item],
        respect_removals,
        only_ours,
        ..Default::default()
    };
    let cases = [
        (
            request(texts(&person, Item::RemoveTags, &["a"]), true, false),
            "respect_removals",
        ),
        (
            request(texts(&person, Item::AddTags, &["a"]), false, true),
            "only_ours",
        ),
        (request(note(&person, "x"), true, false), "respect_removals"),
    ];
    for (request, field) in cases {
        let told = refused(world.api.candidates().bulk_write(request).await);
        assert_eq!(
            (told.code, told.fields),
            (Code::InvalidArgument, owned(&[field]))
        );
    }
    assert!(world.operations().await.is_empty());
}

/// X3.
#[tokio::test]
async fn a_dry_run_names_the_calls_of_each_item_and_sends_none() {
    let world = World::synced(Setup::new(60)).await;
    let before = world.lever.audit().len();
    let request = pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        applicants: world.refs(3).await,
        archive_reason_id: world.reject_reason(),
        dry_run: true,
        ..Default::default()
    };
    let told = world.reject(request).await;
    assert_eq!(told.len(), 4);
    assert_eq!(told[0].planned_calls, 9, "{:?}", told[0]);
    assert!(told[0].eta.is_some());
    for item in &told[1..] {
        let calls: Vec<_> = item
            .lever_calls
            .iter()
            .map(|call| call.lever_operation.as_str())
            .collect();
        assert_eq!(
            calls,
            [
                "getOpportunity",
                "updateOpportunityArchived",
                "getOpportunity"
            ]
        );
    }
    let writes = world.lever.audit()[before..]
        .iter()
        .filter(|entry| entry.method != "GET")
        .count();
    assert_eq!(writes, 0);
    assert!(world.operations().await.is_empty());
}

/// The stream is gone with the service; the bulk is not.
#[tokio::test]
async fn a_bulk_goes_on_after_a_kill_and_watching_it_tells_of_every_item() {
    let mut world = World::synced(Setup::new(80)).await;
    let people: Vec<_> = world.open_opportunities().into_iter().take(30).collect();
    let stall = Action::StallAfter(Duration::from_secs(600));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on("createOpportunityNote", stall).when(When::Nth(9))],
    });
    let request = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: people.iter().map(|one| note(one, "once")).collect(),
        ..Default::default()
    };
    let stream = world.api.candidates().bulk_write(request.clone()).await;
    let mut stream = stream.expect("accepted").into_inner();
    let bulk = stream.message().await.expect("told").expect("a message");
    let bulk = bulk.operation.expect("the bulk");
    until("some are written", async || {
        (world.effects("createOpportunityNote") >= 9).then_some(())
    })
    .await;
    world.kill().await;
    world.lever.set_faults(FaultPlan::default());
    world.start().await;
    let told = world.watched_to_its_end(&bulk.id).await;
    let last = told.last().expect("the bulk");
    assert_eq!((&last.id, last.state()), (&bulk.id, Succeeded), "{last:?}");
    let items: std::collections::BTreeSet<_> = told
        .iter()
        .filter(|one| one.parent_id == bulk.id && one.state() == Succeeded)
        .map(|one| one.id.clone())
        .collect();
    assert_eq!(items.len(), 30);
    for person in &people {
        assert_eq!(world.notes_saying(person, "once"), 1);
    }
    assert_eq!(
        world.bulk_write(request).await.last().expect("told").id,
        bulk.id
    );
}

/// What failed for a reason that has gone is tried again by hand.
#[tokio::test]
async fn what_failed_can_be_retried_and_a_bulk_retries_what_failed_in_it() {
    let world = World::synced(Setup::new(80)).await;
    let applicants = world.refs(3).await;
    let place = |stage: &str| {
        for applicant in &applicants {
            let moved = world.lever.move_stage(&applicant.opportunity_id, stage);
            moved.expect("known");
        }
    };
    place("lead-responded");
    let request = pb::AdvanceApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: applicants.clone(),
        stage_id: "offer".to_owned(),
        ..Default::default()
    };
    let bulk = world.advance(request).await.pop().expect("the bulk");
    assert_eq!(bulk.state(), Failed);
    assert_eq!(bulk.tally.expect("a tally").failed, 3);
    for applicant in &applicants {
        let (id, stage) = (&applicant.opportunity_id, &applicant.expected_stage_id);
        world.lever.move_stage(id, stage).expect("known");
    }
    let first = format!("{}/1", bulk.id);
    world.retry(&first).await.expect("in line");
    assert_eq!(world.settled(&first).await.state(), Succeeded);
    assert_eq!(
        world.settled(&bulk.id).await.state(),
        Failed,
        "two are left"
    );
    world.retry(&bulk.id).await.expect("in line");
    assert_eq!(world.settled(&bulk.id).await.state(), Succeeded);
    for applicant in &applicants {
        let person = world.lever.opportunity(&applicant.opportunity_id);
        assert_eq!(person.expect("there")["stage"], "offer");
    }
    assert_eq!(world.effects("updateOpportunityStage"), 3);
    let told = refused(world.retry(&bulk.id).await);
    assert_eq!(told.reason, "OPERATION_NOT_RETRYABLE");
}

/// What is no id is refused with its place, and never logged.
#[tokio::test]
async fn a_bulk_with_what_cannot_be_an_id_is_refused_by_its_items() {
    let mut world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    let long = "x".repeat(1025);
    let bad = ["\0", "..", "a\nb", &long];
    let all = [person.as_str()].into_iter().chain(bad);
    let request = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: all.map(|one| note(one, "hello")).collect(),
        ..Default::default()
    };
    for dry_run in [false, true] {
        let request = pb::BulkWriteRequest {
            dry_run,
            ..request.clone()
        };
        let told = refused(world.api.candidates().bulk_write(request).await);
        assert_eq!(told.code, Code::InvalidArgument);
        let places = (1..=bad.len()).map(|number| format!("items[{number}].opportunity_id"));
        assert_eq!(told.fields, Vec::from_iter(places));
    }
    let request = pb::BulkWriteRequest {
        items: vec![note("ada@example.com", "hello")],
        ..request
    };
    let told = world.bulk_write(request).await;
    assert_eq!(told[1].state(), Failed);
    world.stop().await;
    let log = world.home.log();
    assert!(log.contains("operation settled"));
    assert!(!log.contains("ada@example.com"));
}

/// Whom the mirror has not read Lever knows: it is asked when their turn comes, also for who may not see everybody.
#[tokio::test]
async fn a_bulk_writes_to_people_whom_the_mirror_does_not_have() {
    let mut world = World::new(Setup::new(400).asked_only()).await;
    world.connect().await;
    let everybody = world.lever.opportunities();
    let find = |confidential: bool| {
        let fits = move |one: &&serde_json::Value| {
            one["archived"].is_null() && (one["confidentiality"] == "confidential") == confidential
        };
        let id = |one: &serde_json::Value| one["id"].as_str().expect("an id").to_owned();
        everybody.iter().filter(fits).map(id)
    };
    let mut secrets = find(true);
    let [known, secret] = [(); 2].map(|()| secrets.next().expect("the population has two"));
    let (open, nobody) = (find(false).next().expect("and others"), fresh_id());
    let read = pb::StartSyncRequest {
        connection_id: world.connection.clone(),
        opportunity_id: known.clone(),
        ..Default::default()
    };
    world.api.sync().start_sync(read).await.expect("mirrored");
    assert!(world.stop().await.success());
    let product = world.home.token(&["--role", "product"]).await;
    let trusted = ["--role", "product", "--right", "confidential"];
    let trusted = world.home.token(&trusted).await;
    world.start().await;
    world.api = world.api.with_token(&product);
    let notes = |people: &[&String]| pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: people.iter().map(|one| note(one, "hello")).collect(),
        ..Default::default()
    };
    let request = notes(&[&open, &secret, &nobody]);
    let dry = pb::BulkWriteRequest {
        dry_run: true,
        ..request.clone()
    };
    let dry = world.bulk_write(dry).await;
    let called = dry[1].lever_calls.iter();
    let called: Vec<_> = called.map(|call| call.lever_operation.as_str()).collect();
    assert_eq!(called[..2], ["getOpportunity", "createOpportunityNote"]);
    for item in &dry[2..4] {
        assert_eq!(why(item).reason, "LEVER_NOT_FOUND");
        assert!(item.lever_calls.is_empty(), "{item:?}");
    }
    let told = world.bulk_write(request).await;
    let item = |person: &str| {
        let mut of = told.iter().filter(|one| one.opportunity_id == person);
        of.next_back().expect("an item")
    };
    assert_eq!(item(&open).state(), Succeeded, "{told:?}");
    assert_eq!(world.notes_saying(&open, "hello"), 1);
    for hidden in [&secret, &nobody] {
        let item = item(hidden);
        let why = why(item);
        assert_eq!(
            (item.state(), why.code, why.reason.as_str()),
            (Failed, Code::NotFound, "LEVER_NOT_FOUND")
        );
        assert!(item.lever_calls.is_empty(), "{item:?}");
        // In the dry run and before the write.
        assert_eq!(looks_at(&world, hidden), 2);
    }
    assert_eq!(world.effects("createOpportunityNote"), 1);

    // Each that failed can be asked for again, as the others can.
    world.retry(&item(&nobody).id).await.expect("in line again");
    let again = world.settled(&item(&nobody).id).await;
    assert_eq!(
        (again.state(), why(&again).reason.as_str()),
        (Failed, "LEVER_NOT_FOUND")
    );
    assert_eq!(looks_at(&world, &nobody), 3);

    // Whom the caller may not see, known to the mirror or not, and nobody: what tells them apart is told to nobody.
    let people = [&known, &secret, &nobody];
    let request = pb::BulkWriteRequest {
        // Whoever the person belongs to would stand in for this one.
        acting_user: "stranger@example.com".to_owned(),
        ..notes(&people)
    };
    let dry = pb::BulkWriteRequest {
        dry_run: true,
        ..request.clone()
    };
    let alike = |items: &[pb::Operation]| {
        let of = |person: &&String| {
            let mut items = items.iter().filter(|one| one.opportunity_id == **person);
            let item = items.next_back().expect("an item");
            // What goes with any item, and whom the caller named.
            let told = pb::Operation {
                id: String::new(),
                create_time: None,
                update_time: None,
                ..item.clone()
            };
            format!("{told:?}").replace(person.as_str(), "them")
        };
        let told: Vec<_> = people.iter().map(of).collect();
        assert_eq!(told[0], told[1]);
        assert_eq!(told[1], told[2]);
    };
    alike(&world.bulk_write(dry).await);
    let told = world.bulk_write(request).await;
    alike(&told);
    let mut again = Vec::new();
    for item in world.items(&told[0].id).await {
        world.retry(&item.id).await.expect("in line again");
        again.push(world.settled(&item.id).await);
    }
    alike(&again);
    let held = pb::BulkWriteRequest {
        hold: Some(pb::Hold {
            delay: Some(pb::hold::Delay::BusinessDays(2)),
        }),
        ..notes(&people)
    };
    let stream = world.api.candidates().bulk_write(held).await;
    let mut stream = stream.expect("accepted").into_inner();
    let bulk = stream.message().await.expect("told").expect("a message");
    let bulk = bulk.operation.expect("the bulk").id;
    let waiting = world.items(&bulk).await;
    let held = waiting.iter().all(|item| item.state() == Held);
    assert!(held, "{waiting:?}");
    alike(&waiting);
    world.release(&bulk).await.expect("in line");
    world.settled(&bulk).await;
    alike(&world.items(&bulk).await);

    // Given up, or not needed by what the mirror knows: it is told as of nobody.
    for item in world.items(&bulk).await {
        world.cancel(&item.id).await.expect("closed");
    }
    alike(&world.items(&bulk).await);
    let only_ours = pb::BulkWriteRequest {
        items: people.iter().map(|one| untagged(one)).collect(),
        only_ours: true,
        ..notes(&[])
    };
    alike(&world.bulk_write(only_ours).await);
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![FaultRule::on(
            "getOpportunity",
            Action::ServerErrorBefore(503),
        )],
    });
    for person in people {
        let dry = pb::BulkWriteRequest {
            dry_run: true,
            ..notes(&[person])
        };
        let told = refused(world.api.candidates().bulk_write(dry).await);
        assert_eq!(told.code, Code::Unavailable);
    }
    world.lever.set_faults(FaultPlan::default());

    // What others wrote to somebody who is hidden is told of no bulk either.
    let tagged = |person: &String, tag: &str| pb::BulkItem {
        opportunity_id: person.clone(),
        write: Some(pb::bulk_item::Write::AddTags(pb::BulkTexts {
            values: vec![tag.to_owned()],
        })),
    };
    let request = pb::BulkWriteRequest {
        items: vec![tagged(&known, "hidden"), tagged(&open, "shown")],
        ..notes(&[])
    };
    world.api = world.api.with_token(&trusted);
    let bulk = world.bulk_write(request).await.remove(0);
    let told = world.operation(&bulk.id).await.summary.expect("told");
    assert_eq!(told.tags, ["hidden"]);
    world.api = world.api.with_token(&product);
    let told = world.operation(&bulk.id).await.summary.expect("told");
    assert_eq!(told.tags, ["shown"]);
}

/// A tag that is to be taken from somebody.
fn untagged(person: &str) -> pb::BulkItem {
    pb::BulkItem {
        opportunity_id: person.to_owned(),
        write: Some(Item::RemoveTags(pb::BulkTexts {
            values: vec!["theirs".to_owned()],
        })),
    }
}

/// How often Lever was asked about somebody.
fn looks_at(world: &World, person: &str) -> usize {
    let looks = world.calls("getOpportunity").into_iter();
    looks.filter(|call| call.path.ends_with(person)).count()
}
