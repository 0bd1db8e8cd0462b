//! Many writes at once: one operation for all, one below it for each, told as they settle (F-41, F-42, F-55, X3).

use std::time::Duration;

use lever_sim::{Action, FaultPlan, FaultRule, When};
use proto::v1 as pb;
use proto::v1::OperationState::{Cancelled, Failed, Sending, Succeeded};
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

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn seconds(at: Option<prost_types::Timestamp>) -> (i64, i32) {
    let at = at.expect("a time");
    (at.seconds, at.nanos)
}

fn note(opportunity: &str, text: &str) -> pb::BulkItem {
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

/// F-25, F-41: who was moved by somebody else stays there, and the others are moved.
#[tokio::test]
async fn advancing_leaves_alone_whoever_is_elsewhere_by_now() {
    let world = World::synced(Setup::new(80)).await;
    let applicants = world.refs(4).await;
    let moved = applicants[1].opportunity_id.clone();
    world
        .lever
        .move_stage(&moved, "lead-responded")
        .expect("known");
    let request = pb::AdvanceApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: applicants.clone(),
        stage_id: "offer".to_owned(),
        ..Default::default()
    };
    let told = world.advance(request).await;
    for applicant in &applicants {
        let item = told
            .iter()
            .find(|one| one.opportunity_id == applicant.opportunity_id)
            .expect("told");
        let stage = &world
            .lever
            .opportunity(&applicant.opportunity_id)
            .expect("there")["stage"];
        if applicant.opportunity_id == moved {
            let why = why(item);
            assert_eq!((item.state(), why.reason.as_str()), (Failed, "STAGE_MOVED"));
            assert_eq!(why.details["present_stage_id"], "lead-responded");
            assert_eq!(stage, "lead-responded");
        } else {
            assert_eq!((item.state(), stage), (Succeeded, &"offer".into()));
        }
    }
    let left: Vec<_> = world.applicants().await.applicants;
    let among = |id: &str| left.iter().any(|one| one.opportunity_id == id);
    assert!(
        !among(&applicants[0].opportunity_id),
        "the mirror shows it at once"
    );
}

/// F-41, F-42.
#[tokio::test]
async fn what_the_mapping_excludes_is_refused_for_each_applicant() {
    let world = World::synced(Setup::new(60)).await;
    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    mapping.advance_excluded_stage_ids = vec!["offer".to_owned()];
    mapping.reject_excluded_reason_ids = vec![world.reject_reason()];
    world.save_mapping(mapping).await.expect("saved");
    let advance = pb::AdvanceApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: world.refs(2).await,
        stage_id: "offer".to_owned(),
        ..Default::default()
    };
    let reject = pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: world.refs(2).await,
        archive_reason_id: world.reject_reason(),
        ..Default::default()
    };
    let told = [
        refused(world.api.inbound().advance_applicants(advance).await),
        refused(world.api.inbound().reject_applicants(reject).await),
    ];
    for (told, reason) in told.into_iter().zip(["STAGE_EXCLUDED", "REASON_EXCLUDED"]) {
        assert_eq!(
            (told.code, told.reason.as_str()),
            (Code::FailedPrecondition, reason)
        );
    }
    assert!(world.operations().await.is_empty());
    assert_eq!(world.effects("updateOpportunityStage"), 0);
}

/// F-26, F-55: who was archived by somebody else meanwhile is left alone.
#[tokio::test]
async fn rejecting_skips_whoever_is_archived_already() {
    let world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(3).await;
    let reason = world.reject_reason();
    let other = world
        .lever
        .archive_reasons()
        .iter()
        .filter_map(|one| one["id"].as_str().map(str::to_owned))
        .find(|id| *id != reason)
        .expect("another reason");
    // For the same reason, too: that rejection was somebody else's, and so is the e-mail about it.
    let archived = [(1, &reason), (2, &other)];
    let archived = archived.map(|(at, reason)| (applicants[at].opportunity_id.clone(), reason));
    for (person, reason) in &archived {
        world.lever.archive(person, Some(reason)).expect("known");
    }
    let request = pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: applicants.clone(),
        archive_reason_id: reason.clone(),
        email_template_id: "kind-words".to_owned(),
        ..Default::default()
    };
    let told = world.reject(request).await;
    let item = |id: &str| {
        let of_them = |one: &&pb::Operation| one.opportunity_id == id;
        told.iter().find(of_them).expect("told")
    };
    for (person, reason) in &archived {
        let skipped = item(person);
        assert_eq!(skipped.state(), Cancelled, "{reason}");
        assert_eq!(skipped.email_intent, None, "{reason}");
        let why = why(skipped);
        assert_eq!(why.reason, "ALREADY_ARCHIVED");
        assert_eq!(why.details["present_archive_reason_id"], **reason);
    }
    let ours = item(&applicants[0].opportunity_id);
    assert!(ours.email_intent.is_some(), "{ours:?}");
    assert_eq!(world.effects("updateOpportunityArchived"), 1);
    let bulk = told.last().expect("the bulk");
    assert_eq!(bulk.state(), Succeeded, "nothing went wrong: {bulk:?}");
    let reason_of =
        |id: &str| world.lever.opportunity(id).expect("there")["archived"]["reason"].clone();
    assert_eq!(reason_of(&archived[1].0), other.as_str());
    assert_eq!(reason_of(&applicants[0].opportunity_id), reason.as_str());
}

/// An item has one id, wherever it is told; the form that calls told once still names it.
#[tokio::test]
async fn an_item_is_told_by_one_id_everywhere() {
    let world = World::synced(Setup::new(40)).await;
    let people = world.open_opportunities();
    let request = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: people[..2].iter().map(|one| note(one, "hello")).collect(),
        ..Default::default()
    };
    let bulk = world.bulk_write(request).await.remove(0).id;
    let calls = async |operation_id: &str| {
        let request = pb::ListApiCallsRequest {
            connection_id: world.connection.clone(),
            operation_id: operation_id.to_owned(),
            lever_operation: "createOpportunityNote".to_owned(),
            ..Default::default()
        };
        let answer = world.api.sync().list_api_calls(request).await;
        let calls = answer.expect("listed").into_inner().api_calls;
        let mut told: Vec<_> = calls.into_iter().map(|call| call.operation_id).collect();
        told.sort();
        told
    };
    let items = [1, 2].map(|number| format!("{bulk}/{number}"));
    // Calls are noted together, a little later.
    let told = until("the calls are noted", async || {
        let told = calls(&bulk).await;
        (told.len() == 2).then_some(told)
    })
    .await;
    assert_eq!(told, items);
    let former = format!("{}0002", &bulk[..bulk.len() - 4]);
    for named in [&items[1], &former] {
        assert_eq!(calls(named).await, items[1..]);
        assert_eq!(world.operation(named).await.id, items[1]);
    }
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

/// X4: until its time, nothing is written; what is cancelled never is, what is released is at once.
#[tokio::test]
async fn held_rejections_can_be_cancelled_released_and_survive_a_restart() {
    let mut world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(3).await;
    let request = pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: applicants.clone(),
        archive_reason_id: world.reject_reason(),
        hold: Some(pb::Hold {
            delay: Some(pb::hold::Delay::BusinessDays(2)),
        }),
        ..Default::default()
    };
    let stream = world.api.inbound().reject_applicants(request).await;
    let mut stream = stream.expect("accepted").into_inner();
    let bulk = stream.message().await.expect("told").expect("a message");
    let bulk = bulk.operation.expect("the bulk");
    assert_eq!(bulk.tally.expect("a tally").held, 3);
    let item = |number: usize| format!("{}/{number}", bulk.id);
    let held = world.operation(&item(1)).await;
    assert_eq!(held.state(), pb::OperationState::Held);
    assert!(seconds(held.release_time) > seconds(held.create_time));
    // Others may write meanwhile: what is held is in nobody's way.
    let note = world
        .note(&applicants[0].opportunity_id, &fresh_id(), "still here")
        .await;
    assert_eq!(note.expect("recorded").state(), Succeeded);
    drop(stream);
    world.kill().await;
    world.start().await;

    assert_eq!(
        world.cancel(&item(1)).await.expect("cancelled").state(),
        Cancelled
    );
    let released = world.release(&item(2)).await.expect("released");
    assert_ne!(released.state(), pb::OperationState::Held);
    assert_eq!(world.settled(&item(2)).await.state(), Succeeded);
    assert_eq!(world.effects("updateOpportunityArchived"), 1);
    let again = refused(world.release(&item(2)).await);
    assert_eq!(again.reason, "OPERATION_NOT_HELD");
    // All that is left, at once, and so is the bulk.
    let ended = world.cancel(&bulk.id).await.expect("cancelled");
    assert_eq!(ended.state(), Succeeded, "{ended:?}");
    let tally = ended.tally.expect("a tally");
    assert_eq!((tally.succeeded, tally.cancelled, tally.held), (1, 2, 0));
    assert_eq!(world.effects("updateOpportunityArchived"), 1);
}

#[tokio::test]
async fn a_held_write_is_made_when_its_time_has_come() {
    let world = World::synced(Setup::new(40)).await;
    let applicants = world.refs(1).await;
    let request = pb::ArchiveRequest {
        opportunity_id: applicants[0].opportunity_id.clone(),
        request_id: fresh_id(),
        archive_reason_id: world.reject_reason(),
        hold: Some(pb::Hold {
            delay: Some(pb::hold::Delay::Duration(prost_types::Duration {
                seconds: 1,
                nanos: 0,
            })),
        }),
        ..Default::default()
    };
    let asked = world.archive(request).await.expect("recorded");
    assert_eq!(asked.state(), pb::OperationState::Held);
    let settled = world.settled(&asked.id).await;
    assert_eq!(settled.state(), Succeeded);
    let sent = settled.lever_calls[0].call_time;
    assert!(seconds(sent) >= seconds(asked.release_time), "{settled:?}");
}

/// X4: whoever was archived by somebody else during the hold, for a hire above all, stays archived as they are.
#[tokio::test]
async fn a_held_archive_leaves_alone_whoever_was_hired_meanwhile() {
    let world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(3).await;
    let people: Vec<_> = applicants.iter().map(|one| &one.opportunity_id).collect();
    let hold = || {
        Some(pb::Hold {
            delay: Some(pb::hold::Delay::BusinessDays(2)),
        })
    };
    let request = pb::ArchiveRequest {
        opportunity_id: people[0].clone(),
        request_id: fresh_id(),
        archive_reason_id: world.reject_reason(),
        hold: hold(),
        ..Default::default()
    };
    let planned = world.archive(pb::ArchiveRequest {
        dry_run: true,
        ..request.clone()
    });
    let planned = planned.await.expect("planned").lever_calls;
    let methods: Vec<_> = planned.iter().map(|call| call.method.as_str()).collect();
    assert_eq!(methods, ["GET", "PUT", "GET"], "it looks first");
    let alone = world.archive(request).await.expect("recorded");
    let item = |id: &String| pb::BulkItem {
        opportunity_id: id.clone(),
        write: Some(Item::Archive(pb::BulkArchive {
            archive_reason_id: world.reject_reason(),
            ..Default::default()
        })),
    };
    let request = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: people[1..].iter().copied().map(item).collect(),
        hold: hold(),
        ..Default::default()
    };
    let stream = world.api.candidates().bulk_write(request).await;
    let mut stream = stream.expect("accepted").into_inner();
    let bulk = stream.message().await.expect("told").expect("a message");
    let bulk = bulk.operation.expect("the bulk").id;
    let reasons = world.lever.archive_reasons();
    let hired = reasons.iter().find(|reason| reason["type"] == "hired");
    let hired = hired.and_then(|reason| reason["id"].as_str());
    for person in &people[..2] {
        world.lever.archive(person, hired).expect("known");
    }
    world.release(&alone.id).await.expect("released");
    world.release(&bulk).await.expect("released");
    for id in [alone.id, format!("{bulk}/1")] {
        let skipped = world.settled(&id).await;
        assert_eq!(skipped.state(), Cancelled, "{skipped:?}");
        let why = why(&skipped);
        assert_eq!(why.reason, "ALREADY_ARCHIVED");
        assert_eq!(
            Some(why.details["present_archive_reason_id"].as_str()),
            hired
        );
    }
    assert_eq!(world.settled(&format!("{bulk}/2")).await.state(), Succeeded);
    assert_eq!(world.effects("updateOpportunityArchived"), 1);
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

#[tokio::test]
async fn operations_are_listed_by_what_they_are_and_whose() {
    let world = World::synced(Setup::new(60)).await;
    let people = world.open_opportunities();
    let request_id = fresh_id();
    let request = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: request_id.clone(),
        items: people[..3].iter().map(|one| note(one, "one")).collect(),
        ..Default::default()
    };
    let bulk = world.bulk_write(request).await.remove(0);
    let acting = world.lever.active_users().remove(0);
    let tags = pb::AddTagsRequest {
        opportunity_id: people[0].clone(),
        request_id: fresh_id(),
        tags: vec!["t".to_owned()],
        perform_as: acting.clone(),
        ..Default::default()
    };
    let tagged = world.add_tags(tags).await.expect("recorded");
    let all = || pb::ListOperationsRequest {
        connection_id: world.connection.clone(),
        ..Default::default()
    };
    let ids = async |request: pb::ListOperationsRequest| {
        let page = world.api.operations().list_operations(request).await;
        let operations = page.expect("listed").into_inner().operations;
        operations.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    let items: Vec<_> = [3, 2, 1].map(|n| format!("{}/{n}", bulk.id)).into();
    let with_bulk = [items.clone(), vec![bulk.id.clone()]].concat();
    let everything = [vec![tagged.id.clone()], with_bulk.clone()].concat();
    let cases = [
        (all(), everything.clone()),
        (
            pb::ListOperationsRequest {
                acting_user_id: acting,
                ..all()
            },
            vec![tagged.id.clone()],
        ),
        (
            pb::ListOperationsRequest {
                asked_by: tagged.asked_by.clone(),
                ..all()
            },
            everything,
        ),
        (
            pb::ListOperationsRequest {
                asked_by: "somebody else".to_owned(),
                ..all()
            },
            Vec::new(),
        ),
        (
            pb::ListOperationsRequest {
                created_before: tagged.create_time,
                ..all()
            },
            with_bulk.clone(),
        ),
        (
            pb::ListOperationsRequest {
                kinds: vec![pb::OperationKind::AddTags.into()],
                ..all()
            },
            vec![tagged.id.clone()],
        ),
        (
            pb::ListOperationsRequest {
                opportunity_id: people[0].clone(),
                ..all()
            },
            vec![tagged.id.clone(), items[2].clone()],
        ),
        (
            pb::ListOperationsRequest {
                parent_id: bulk.id.clone(),
                ..all()
            },
            items.clone(),
        ),
        (
            pb::ListOperationsRequest {
                request_id,
                ..all()
            },
            with_bulk,
        ),
        (
            pb::ListOperationsRequest {
                states: vec![Sending.into(), Failed.into()],
                ..all()
            },
            Vec::new(),
        ),
        (
            pb::ListOperationsRequest {
                created_since: tagged.create_time,
                ..all()
            },
            vec![tagged.id.clone()],
        ),
    ];
    for (request, expected) in cases {
        assert_eq!(ids(request.clone()).await, expected, "{request:?}");
    }
    let bad = pb::ListOperationsRequest {
        states: vec![99],
        ..all()
    };
    let told = refused(world.api.operations().list_operations(bad).await);
    assert_eq!(told.fields, ["states[0]"]);
}

/// In Lever's words, so that nobody has to look ids up; names of people are not for everybody.
#[tokio::test]
async fn operations_tell_whom_they_are_about_and_what_they_ask_by_name() {
    let mut world = World::synced(Setup::new(60)).await;
    let acting = world.lever.active_users().remove(0);
    let applicant = world.applicants().await.applicants.remove(0);
    let stages = world.lever.stages();
    let target = stages
        .iter()
        .find(|stage| stage["id"] != applicant.stage_id.as_str())
        .expect("another stage")
        .clone();
    let text = |value: &serde_json::Value, field: &str| {
        value[field].as_str().unwrap_or_default().to_owned()
    };
    let request = pb::ChangeStageRequest {
        opportunity_id: applicant.opportunity_id.clone(),
        request_id: fresh_id(),
        stage_id: text(&target, "id"),
        expected_stage_id: applicant.stage_id.clone(),
        perform_as: acting.clone(),
        ..Default::default()
    };
    let moved = world.change_stage(request).await.expect("moved");
    assert_eq!(moved.summary, None, "only where operations are looked at");
    let tags = pb::AddTagsRequest {
        opportunity_id: applicant.opportunity_id.clone(),
        request_id: fresh_id(),
        tags: vec!["one".to_owned(), "two".to_owned()],
        ..Default::default()
    };
    let tagged = world.add_tags(tags).await.expect("tagged");

    let told = world.operation(&moved.id).await.summary.expect("told");
    assert_eq!(told.person_name, applicant.name);
    assert_eq!(told.stage_text, text(&target, "text"));
    assert_eq!(told.present_stage_text, told.stage_text);
    assert_eq!(told.expected_stage_text, applicant.stage_text);
    assert!(!told.acting_user_name.is_empty() && told.acting_user_name != acting);
    let listed = world.operations().await;
    let of = |operations: &[pb::Operation], id: &str| {
        let found = operations.iter().find(|one| one.id == id);
        found.and_then(|one| one.summary.clone()).expect("told")
    };
    assert_eq!(of(&listed, &moved.id), told);
    let added = of(&listed, &tagged.id);
    assert_eq!((added.tag_count, added.tags.len()), (2, 2));

    assert!(world.stop().await.success());
    let reader = world.home.token(&["--role", "reader"]).await;
    let product = world.home.token(&["--role", "product"]).await;
    world.start().await;
    let seen = async |token: &str| {
        let request = pb::ListOperationsRequest {
            connection_id: world.connection.clone(),
            ..Default::default()
        };
        let api = world.api.with_token(token);
        let page = api.operations().list_operations(request).await;
        of(&page.expect("listed").into_inner().operations, &tagged.id)
    };
    let by_reader = seen(&reader).await;
    assert_eq!(by_reader.person_name, applicant.name);
    assert_eq!((by_reader.tag_count, by_reader.tags.len()), (2, 0));
    assert_eq!(seen(&product).await, added);
}

/// What was sent stays to be seen by those who write; a secret note's text is for admins.
#[tokio::test]
async fn an_operation_shows_what_was_sent_for_whom_and_who_asked() {
    let world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    let acting = world.lever.active_users().remove(0);
    let request = pb::CreateNoteRequest {
        opportunity_id: person,
        request_id: fresh_id(),
        value: "as it was sent".to_owned(),
        perform_as: acting.clone(),
        ..Default::default()
    };
    let asked = world.create_note(request).await.expect("recorded");
    let seen = world.operation(&asked.id).await;
    assert_eq!(seen.acting_because(), pb::ActingBecause::Named);
    assert!(!seen.asked_by.is_empty());
    let write = seen
        .lever_calls
        .iter()
        .find(|call| call.lever_operation == "createOpportunityNote")
        .expect("the call");
    let body: serde_json::Value = serde_json::from_str(&write.body_json).expect("JSON");
    assert_eq!(body["value"], "as it was sent");
    assert_eq!(write.status, 201);
    let named = |parameter: &&pb::QueryParameter| parameter.name == "perform_as";
    let query = write.query.iter().find(named).expect("for whom");
    assert_eq!(query.value, acting);
}

/// X20: nobody is written to from here; the product is told whom to write to, unless Lever does that.
#[tokio::test]
async fn x20_an_email_is_handed_back_with_the_rejection_unless_lever_writes_itself() {
    let world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(2).await;
    let reject = async |applicant: &pb::ApplicantRef| {
        let request = pb::RejectApplicantsRequest {
            connection_id: world.connection.clone(),
            request_id: fresh_id(),
            applicants: vec![applicant.clone()],
            archive_reason_id: world.reject_reason(),
            email_template_id: "kind-words".to_owned(),
            ..Default::default()
        };
        world.reject(request).await.remove(1)
    };
    let told = reject(&applicants[0]).await;
    let intent = told.email_intent.expect("an e-mail to send");
    assert_eq!(intent.email_template_id, "kind-words");
    assert_eq!(intent.archive_reason_id, world.reject_reason());

    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    mapping.lever_sends_email = true;
    world.save_mapping(mapping).await.expect("saved");
    let told = reject(&applicants[1]).await;
    assert_eq!((told.state(), told.email_intent), (Succeeded, None));
    assert_eq!(told.left_out, owned(&["email_template_id"]));
}

/// F-42: a rejection hires nobody, whatever the stage mapping says.
#[tokio::test]
async fn f42_nobody_is_rejected_with_the_reason_that_hires_or_an_inactive_one() {
    let world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(1).await;
    let reasons = world.lever.archive_reasons();
    let before = world.writes().len();
    for (field, value) in [("type", "hired"), ("status", "inactive")] {
        let reason = reasons.iter().find(|reason| reason[field] == value);
        let reason = reason.expect("in every account")["id"].as_str();
        let request = pb::RejectApplicantsRequest {
            connection_id: world.connection.clone(),
            request_id: fresh_id(),
            applicants: applicants.clone(),
            archive_reason_id: reason.expect("an id").to_owned(),
            ..Default::default()
        };
        let told = refused(world.api.inbound().reject_applicants(request).await);
        assert_eq!(told.reason, "REASON_EXCLUDED", "{value}: {told:?}");
    }
    assert_eq!(world.writes().len(), before);
}

/// A hire that falls between two tries of an archiving stays.
#[tokio::test]
async fn what_a_person_archived_between_two_tries_is_left_alone() {
    let world = World::synced(Setup::new(40)).await;
    let hired = world.lever.archive_reasons();
    let hired = hired.iter().find(|reason| reason["type"] == "hired");
    let hired = hired.expect("in every account")["id"].as_str();
    let hired = hired.expect("an id").to_owned();
    for (action, person) in [Action::ResetBefore, Action::RetryAfter(1)]
        .into_iter()
        .zip(world.open_opportunities())
    {
        let rule = FaultRule::on("updateOpportunityArchived", action).when(When::Nth(1));
        world.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![rule],
        });
        let request = pb::ArchiveRequest {
            opportunity_id: person.clone(),
            request_id: fresh_id(),
            archive_reason_id: world.reject_reason(),
            wait: Some(prost_types::Duration::default()),
            ..Default::default()
        };
        let tried = world.calls("updateOpportunityArchived").len();
        let asked = world.archive(request).await.expect("recorded");
        until("it was tried", async || {
            (world.calls("updateOpportunityArchived").len() > tried).then_some(())
        })
        .await;
        let hire = world.lever.archive(&person, Some(&hired));
        hire.expect("hired by a person");
        let told = world.settled(&asked.id).await;
        assert_eq!(told.state(), Cancelled, "{told:?}");
        let there = world.lever.opportunity(&person).expect("there");
        assert_eq!(there["archived"]["reason"], hired.as_str());
    }
}

/// X4: what an account says of rejections holds where a request says nothing, and another request says otherwise.
#[tokio::test]
async fn x4_rejections_are_held_as_long_as_the_account_says_unless_the_request_does() {
    let world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(2).await;
    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    mapping.reject_hold_business_days = 31;
    let told = refused(world.save_mapping(mapping.clone()).await);
    assert_eq!(told.fields, ["stage_mapping.reject_hold_business_days"]);
    mapping.reject_hold_business_days = 2;
    world.save_mapping(mapping).await.expect("saved");
    let request = |applicant: &pb::ApplicantRef| pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: vec![applicant.clone()],
        archive_reason_id: world.reject_reason(),
        ..Default::default()
    };
    let stream = world
        .api
        .inbound()
        .reject_applicants(request(&applicants[0]))
        .await;
    let mut stream = stream.expect("accepted").into_inner();
    let bulk = stream.message().await.expect("told").expect("a message");
    let bulk = bulk.operation.expect("the bulk").id;
    let item = world.operation(&format!("{bulk}/1")).await;
    assert_eq!(item.state(), pb::OperationState::Held);
    assert!(item.release_time.is_some());
    let at_once = pb::RejectApplicantsRequest {
        hold: Some(pb::Hold {
            delay: Some(pb::hold::Delay::Duration(prost_types::Duration::default())),
        }),
        ..request(&applicants[1])
    };
    let told = world.reject(at_once).await.remove(1);
    assert_eq!(told.state(), Succeeded);
    assert_eq!(world.effects("updateOpportunityArchived"), 1);
}

/// F-41: what the mapping excludes by now is not written by releasing or retrying what was asked for before.
#[tokio::test]
async fn what_is_excluded_meanwhile_is_not_released() {
    let world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(1).await;
    let request = pb::AdvanceApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants,
        stage_id: "offer".to_owned(),
        hold: Some(pb::Hold {
            delay: Some(pb::hold::Delay::BusinessDays(2)),
        }),
        ..Default::default()
    };
    let stream = world.api.inbound().advance_applicants(request).await;
    let mut stream = stream.expect("accepted").into_inner();
    let bulk = stream.message().await.expect("told").expect("a message");
    let bulk = bulk.operation.expect("the bulk").id;
    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    mapping.advance_excluded_stage_ids = vec!["offer".to_owned()];
    world.save_mapping(mapping).await.expect("saved");
    let told = refused(world.release(&bulk).await);
    assert_eq!(told.reason, "STAGE_EXCLUDED");
    assert_eq!(told.details["stage_id"], "offer");
    let item = world.operation(&format!("{bulk}/1")).await;
    assert_eq!(item.state(), pb::OperationState::Held);
    let cancelled = world.cancel(&bulk).await.expect("cancelled");
    assert_eq!(cancelled.state(), Cancelled, "{cancelled:?}");
}

/// F-41, X4: nor is it written when its time has come.
#[tokio::test]
async fn what_is_excluded_meanwhile_fails_when_its_hold_ends() {
    let world = World::synced(Setup::new(60)).await;
    let applicants = world.refs(2).await;
    // Long enough for the mapping to be saved before.
    let hold = Some(pb::Hold {
        delay: Some(pb::hold::Delay::Duration(prost_types::Duration {
            seconds: 6,
            nanos: 0,
        })),
    });
    let advance = pb::AdvanceApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: vec![applicants[0].clone()],
        stage_id: "offer".to_owned(),
        hold,
        ..Default::default()
    };
    let reject = pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: vec![applicants[1].clone()],
        archive_reason_id: world.reject_reason(),
        hold,
        ..Default::default()
    };
    let advanced = world.api.inbound().advance_applicants(advance).await;
    let mut advanced = advanced.expect("accepted").into_inner();
    let advanced = advanced.message().await.expect("told").expect("a message");
    let rejected = world.api.inbound().reject_applicants(reject).await;
    let mut rejected = rejected.expect("accepted").into_inner();
    let rejected = rejected.message().await.expect("told").expect("a message");
    let mut mapping = world.mapping().await.stage_mapping.expect("a mapping");
    mapping.advance_excluded_stage_ids = vec!["offer".to_owned()];
    mapping.reject_excluded_reason_ids = vec![world.reject_reason()];
    world.save_mapping(mapping).await.expect("saved");
    for (bulk, reason) in [
        (advanced.operation, "STAGE_EXCLUDED"),
        (rejected.operation, "REASON_EXCLUDED"),
    ] {
        let bulk = bulk.expect("the bulk").id;
        assert_eq!(world.settled(&bulk).await.state(), Failed);
        let item = world.operation(&format!("{bulk}/1")).await;
        assert_eq!((item.state(), why(&item).reason.as_str()), (Failed, reason));
        assert!(item.lever_calls.is_empty(), "{item:?}");
    }
    assert_eq!(world.effects("updateOpportunityStage"), 0);
    assert_eq!(world.effects("updateOpportunityArchived"), 0);
}

/// A dry run refuses what the write would refuse.
#[tokio::test]
async fn a_hold_that_is_too_long_is_refused_in_a_dry_run_too() {
    let world = World::synced(Setup::new(40)).await;
    for dry_run in [true, false] {
        let request = pb::RejectApplicantsRequest {
            connection_id: world.connection.clone(),
            request_id: fresh_id(),
            dry_run,
            applicants: world.refs(1).await,
            archive_reason_id: world.reject_reason(),
            hold: Some(pb::Hold {
                delay: Some(pb::hold::Delay::BusinessDays(31)),
            }),
            ..Default::default()
        };
        let told = refused(world.api.inbound().reject_applicants(request).await);
        assert_eq!(told.fields, ["hold.business_days"], "dry run: {dry_run}");
    }
}

/// Whom the mirror has not read Lever knows: it is asked when their turn comes, also for who may not see everybody.
#[tokio::test]
async fn a_bulk_writes_to_people_whom_the_mirror_does_not_have() {
    let mut world = World::new(Setup::new(400).asked_only()).await;
    world.connect().await;
    assert!(world.stop().await.success());
    let product = world.home.token(&["--role", "product"]).await;
    world.start().await;
    world.api = world.api.with_token(&product);
    let everybody = world.lever.opportunities();
    let find = |confidential: bool| {
        let fits = |one: &&serde_json::Value| {
            one["archived"].is_null() && (one["confidentiality"] == "confidential") == confidential
        };
        let one = everybody
            .iter()
            .find(fits)
            .expect("the population has some");
        one["id"].as_str().expect("an id").to_owned()
    };
    let (open, secret, nobody) = (find(false), find(true), fresh_id());
    let request = pb::BulkWriteRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        items: [&open, &secret, &nobody]
            .map(|one| note(one, "hello"))
            .into(),
        ..Default::default()
    };
    let dry = pb::BulkWriteRequest {
        dry_run: true,
        ..request.clone()
    };
    let dry = world.bulk_write(dry).await;
    for item in &dry[1..4] {
        let called = item
            .lever_calls
            .iter()
            .map(|call| call.lever_operation.as_str());
        let called: Vec<_> = called.take(2).collect();
        assert_eq!(
            called,
            ["getOpportunity", "createOpportunityNote"],
            "{item:?}"
        );
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
        let asked = |entry: &lever_sim::AuditEntry| entry.path.ends_with(hidden);
        assert_eq!(
            world
                .calls("getOpportunity")
                .iter()
                .filter(|one| asked(one))
                .count(),
            1
        );
    }
    // What they are told apart by is told to nobody.
    assert_eq!(why(item(&secret)).message, why(item(&nobody)).message);
    assert_eq!(world.effects("createOpportunityNote"), 1);

    // Each that failed can be asked for again, as the others can.
    world.retry(&item(&nobody).id).await.expect("in line again");
    let again = world.settled(&item(&nobody).id).await;
    assert_eq!(
        (again.state(), why(&again).reason.as_str()),
        (Failed, "LEVER_NOT_FOUND")
    );
    let asked = |entry: &lever_sim::AuditEntry| entry.path.ends_with(&nobody);
    assert_eq!(
        world
            .calls("getOpportunity")
            .iter()
            .filter(|one| asked(one))
            .count(),
        2
    );
}

/// A move needs to know where somebody is: that is read when their turn comes.
#[tokio::test]
async fn advancing_and_rejecting_judges_by_lever_whom_the_mirror_does_not_have() {
    let mut world = World::new(Setup::new(60).asked_only()).await;
    world.connect().await;
    let people = world.open_opportunities();
    let stage = |person: &str| {
        let document = world.lever.opportunity(person).expect("there");
        document["stage"].as_str().expect("a stage").to_owned()
    };
    let there = |person: &String| pb::ApplicantRef {
        opportunity_id: person.clone(),
        expected_stage_id: stage(person),
    };
    let elsewhere = pb::ApplicantRef {
        expected_stage_id: "not-where-they-are".to_owned(),
        ..there(&people[1])
    };
    let request = pb::AdvanceApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: vec![there(&people[0]), elsewhere],
        stage_id: "offer".to_owned(),
        ..Default::default()
    };
    let told = world.advance(request).await;
    let item = |person: &str| {
        let mut of = told.iter().filter(|one| one.opportunity_id == person);
        of.next_back().expect("an item")
    };
    assert_eq!(item(&people[0]).state(), Succeeded, "{told:?}");
    assert_eq!(stage(&people[0]), "offer");
    let moved = item(&people[1]);
    assert_eq!(
        (moved.state(), why(moved).reason.as_str()),
        (Failed, "STAGE_MOVED")
    );
    let request = pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: vec![there(&people[2])],
        archive_reason_id: world.reject_reason(),
        ..Default::default()
    };
    let told = world.reject(request).await;
    assert_eq!(told.last().expect("told").state(), Succeeded, "{told:?}");
}

/// An expected stage that Lever does not have is a slip of whoever asks, and nobody has moved.
#[tokio::test]
async fn an_expected_stage_that_does_not_exist_is_named() {
    let world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    let request = pb::ChangeStageRequest {
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        stage_id: "offer".to_owned(),
        expected_stage_id: "no-such-stage".to_owned(),
        ..Default::default()
    };
    let told = refused(world.change_stage(request).await);
    assert_eq!(
        (told.code, told.fields.as_slice()),
        (Code::InvalidArgument, &["expected_stage_id".to_owned()][..])
    );
    let request = pb::RejectApplicantsRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        applicants: vec![pb::ApplicantRef {
            opportunity_id: person,
            expected_stage_id: "no-such-stage".to_owned(),
        }],
        archive_reason_id: world.reject_reason(),
        ..Default::default()
    };
    let told = world.reject(request).await;
    let item = told
        .iter()
        .find(|one| !one.parent_id.is_empty())
        .expect("an item");
    let why = why(item);
    assert_eq!((item.state(), why.code), (Failed, Code::InvalidArgument));
    assert!(why.message.contains("no such stage"), "{why:?}");
    assert!(world.writes().is_empty());
}
