//! Why somebody is not where they are looked for: among the applicants, or in the mirror at all.

use std::collections::BTreeSet;
use std::time::Duration;

use lever_sim::{Action, FaultPlan, FaultRule, Key, Permissions, When};
use proto::v1 as pb;
use proto::v1::explain_candidate_request::Who;
use serde_json::Value;
use tonic::{Code, Status};

use crate::support::{Setup, World, fresh_id, refused, until};

impl World {
    async fn try_explain(
        &self,
        who: Who,
        ask_lever: bool,
    ) -> Result<pb::ExplainCandidateResponse, Status> {
        let request = pb::ExplainCandidateRequest {
            connection_id: self.connection.clone(),
            who: Some(who),
            ask_lever,
        };
        let answer = self.api.candidates().explain_candidate(request).await?;
        Ok(answer.into_inner())
    }

    async fn explain(&self, who: Who) -> pb::ExplainCandidateResponse {
        self.try_explain(who, false).await.expect("an answer")
    }

    /// The same with what Lever has at this moment.
    async fn explain_with_lever(&self, who: Who) -> (pb::ExplainCandidateResponse, pb::InLever) {
        let mut answer = self.try_explain(who, true).await.expect("an answer");
        let seen = answer.in_lever.take().expect("Lever was asked");
        (answer, seen)
    }

    async fn hold_still(&self) {
        let request = pb::PauseSyncRequest {
            connection_id: self.connection.clone(),
        };
        self.api.sync().pause_sync(request).await.expect("paused");
    }

    async fn go_on(&self) {
        let request = pb::ResumeSyncRequest {
            connection_id: self.connection.clone(),
        };
        self.api.sync().resume_sync(request).await.expect("resumed");
    }

    /// Gives why the settings leave it out.
    async fn read_now(&self, opportunity: &str) -> Vec<i32> {
        let request = pb::StartSyncRequest {
            connection_id: self.connection.clone(),
            opportunity_id: opportunity.to_owned(),
            ..Default::default()
        };
        let read = self.api.sync().start_sync(request).await;
        read.expect("read").into_inner().left_out
    }
}

fn by_email(email: &str) -> Who {
    Who::Identity(pb::Identity {
        emails: vec![email.to_owned()],
        ..Default::default()
    })
}

fn by_opportunity(id: &str) -> Who {
    Who::OpportunityId(id.to_owned())
}

fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value[path].as_str().unwrap_or_default()
}

fn email(person: &Value) -> &str {
    person["emails"][0].as_str().unwrap_or_default()
}

/// Somebody with an address, for whom `wanted` holds.
fn somebody(world: &World, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut people = world.lever.opportunities().into_iter();
    people
        .find(|person| !email(person).is_empty() && wanted(person))
        .expect("the population has some")
}

fn open(person: &Value) -> bool {
    person["archived"].is_null() && person["snoozedUntil"].is_null()
}

fn reasons(answer: &pb::ExplainCandidateResponse) -> Vec<pb::AbsenceReason> {
    answer.causes.iter().map(pb::AbsenceCause::reason).collect()
}

/// Everything that an answer tells of an opportunity.
fn about<'a>(
    answer: &'a pb::ExplainCandidateResponse,
    opportunity: &str,
) -> Option<&'a pb::ExplainedCandidacy> {
    let all = answer.people.iter().flat_map(|person| &person.candidacies);
    let mut all = all.filter(|one| {
        let row = one.candidacy.as_ref().expect("a candidacy");
        row.opportunity_id == opportunity
    });
    all.next()
}

#[tokio::test]
async fn whoever_is_mirrored_is_listed_or_told_why_not_as_the_list_itself_has_it() {
    let world = World::synced(Setup::new(150).keeping(&[])).await;
    let listed: BTreeSet<String> = world
        .applicants()
        .await
        .applicants
        .into_iter()
        .map(|applicant| applicant.opportunity_id)
        .collect();
    let mapping = world.mapping().await.stage_mapping.expect("a mapping");
    let mapped: BTreeSet<&String> = mapping
        .product_stages
        .iter()
        .flat_map(|group| &group.stage_ids)
        .collect();
    let mut seen = BTreeSet::new();
    for person in world.lever.opportunities() {
        let id = text(&person, "id");
        let answer = world.explain(by_opportunity(id)).await;
        assert!(answer.causes.is_empty());
        let first = &answer.people[0].candidacies[0];
        let row = first.candidacy.as_ref().expect("a candidacy");
        assert_eq!(row.opportunity_id, id, "the one asked for comes first");
        assert_eq!(first.listed, listed.contains(id));
        assert!(first.read_time.is_some());
        let told: Vec<_> = first.not_listed.iter().map(pb::NotListed::reason).collect();
        let stage = text(&person, "stage").to_owned();
        let inbound = mapping.inbound_stage_ids.contains(&stage);
        let mut expected = Vec::new();
        if !person["archived"].is_null() {
            expected.push(pb::NotListedReason::Archived);
        }
        if !inbound {
            expected.push(match mapped.contains(&stage) {
                true => pb::NotListedReason::StageNotInbound,
                false => pb::NotListedReason::StageNotMapped,
            });
        }
        assert_eq!(told, expected, "{id}");
        seen.extend(told);
        let words = first.not_listed.iter();
        assert!(
            words
                .into_iter()
                .all(|one| !one.message.is_empty() && !one.repair.is_empty())
        );
    }
    assert_eq!(seen.len(), 3, "{seen:?}");

    // Snoozed people are applicants all the same.
    let sleeper = listed.first().expect("an applicant");
    let until_when = 4_000_000_000_000;
    world
        .lever
        .snooze(sleeper, Some(until_when))
        .expect("known");
    world.read_now(sleeper).await;
    let answer = world.explain(by_opportunity(sleeper)).await;
    let first = &answer.people[0].candidacies[0];
    let row = first.candidacy.as_ref().expect("a candidacy");
    assert!(first.listed && row.snoozed_until.is_some());
}

#[tokio::test]
async fn who_is_left_out_by_the_settings_is_nobody_here_and_told_with_what_lever_has() {
    let mut setup = Setup::new(150).keeping(&[]);
    setup.connection.include_archived = Some(false);
    setup.connection.include_snoozed = Some(false);
    let world = World::synced(setup).await;
    let archived = somebody(&world, |person| {
        let contact = &person["contact"];
        let others = world.lever.opportunities();
        let mut same = others.iter().filter(|one| one["contact"] == *contact);
        !person["archived"].is_null() && same.all(|one| !one["archived"].is_null())
    });
    let id = text(&archived, "id");
    let (answer, seen) = world.explain_with_lever(by_opportunity(id)).await;
    assert!(answer.people.is_empty());
    let told = reasons(&answer);
    assert!(
        told.contains(&pb::AbsenceReason::ArchivedLeftOut),
        "{told:?}"
    );
    assert!(
        told.contains(&pb::AbsenceReason::SnoozedLeftOut),
        "{told:?}"
    );
    assert_eq!(seen.answer(), pb::LeverAnswer::Found);
    let one = &seen.opportunities[0];
    assert!(!one.mirrored);
    assert_eq!(one.left_out, [i32::from(pb::LeftOut::Archived)]);
    assert_eq!(one.candidacy.as_ref().expect("a row").opportunity_id, id);

    // Whoever asks for it has it read all the same.
    let left_out = world.read_now(id).await;
    assert_eq!(
        left_out,
        [i32::from(pb::LeftOut::Archived)],
        "it goes again"
    );
    let (answer, seen) = world.explain_with_lever(by_email(email(&archived))).await;
    let here = about(&answer, id).expect("it is here now");
    assert_eq!(here.not_listed[0].reason(), pb::NotListedReason::Archived);
    let one = seen.opportunities.iter().find(|one| {
        one.candidacy
            .as_ref()
            .is_some_and(|row| row.opportunity_id == id)
    });
    assert!(one.expect("in Lever").mirrored);

    let awake = somebody(&world, open);
    let sleeper = text(&awake, "id");
    world.hold_still().await;
    world
        .lever
        .snooze(sleeper, Some(4_000_000_000_000))
        .expect("known");
    let (answer, seen) = world.explain_with_lever(by_opportunity(sleeper)).await;
    assert!(about(&answer, sleeper).is_some());
    assert_eq!(
        seen.opportunities[0].left_out,
        [i32::from(pb::LeftOut::Snoozed)]
    );
    let differences = &seen.opportunities[0].differences;
    assert!(
        differences.contains(&"snoozedUntil".to_owned()),
        "{differences:?}"
    );
}

#[tokio::test]
async fn what_lever_has_and_the_mirror_has_not_yet_is_found_by_asking_and_read_when_asked_for() {
    let world = World::synced(Setup::new(40)).await;
    world.hold_still().await;
    let gone = somebody(&world, open);
    let new = world.apply("Newcomer Example");
    let (answer, seen) = world.explain_with_lever(by_opportunity(&new)).await;
    assert_eq!(reasons(&answer)[0], pb::AbsenceReason::Paused);
    assert!(reasons(&answer).contains(&pb::AbsenceReason::IdUnknown));
    assert!(!seen.opportunities[0].mirrored && seen.message.contains("StartSync"));
    // Nothing is asked of Lever unless that is wished.
    let calls = world.lever.audit().len();
    world.explain(by_opportunity(&new)).await;
    assert_eq!(world.lever.audit().len(), calls);

    world.lever.delete(text(&gone, "id")).expect("known");
    let (answer, seen) = world
        .explain_with_lever(by_opportunity(text(&gone, "id")))
        .await;
    assert!(
        about(&answer, text(&gone, "id")).is_some(),
        "it is here yet"
    );
    assert!(
        seen.gone_opportunity_ids
            .contains(&text(&gone, "id").to_owned())
    );

    world.go_on().await;
    assert!(world.read_now(&new).await.is_empty(), "it stays");
    let (answer, seen) = world.explain_with_lever(by_opportunity(&new)).await;
    assert!(about(&answer, &new).expect("it is here").listed);
    assert!(seen.opportunities[0].mirrored);
    // What Lever told to be deleted stays known by its id alone.
    until("the deletion is known", async || {
        world.pull().await;
        let answer = world.explain(by_opportunity(text(&gone, "id"))).await;
        (reasons(&answer) == [pb::AbsenceReason::Deleted]).then_some(())
    })
    .await;
    let by_address = world.explain(by_email(email(&gone))).await;
    assert!(about(&by_address, text(&gone, "id")).is_none());
}

#[tokio::test]
async fn lever_is_asked_a_few_times_at_most() {
    let world = World::synced(Setup::new(60)).await;
    world.hold_still().await;
    let people = world.lever.opportunities();
    let emails = people.iter().map(email).filter(|email| !email.is_empty());
    let identity = pb::Identity {
        emails: emails.take(20).map(str::to_owned).collect(),
        contact_id: text(&people[0], "contact").to_owned(),
        ..Default::default()
    };
    let calls = world.lever.audit().len();
    let (answer, seen) = world.explain_with_lever(Who::Identity(identity)).await;
    assert!(answer.people.len() > 10 && seen.answer() == pb::LeverAnswer::Found);
    let asked = world.lever.audit().len() - calls;
    assert!((2..=12).contains(&asked), "{asked} calls");

    let by_phone = Who::Identity(pb::Identity {
        phones: vec!["+44 20 7946 0000".to_owned()],
        ..Default::default()
    });
    let (answer, seen) = world.explain_with_lever(by_phone).await;
    assert_eq!(seen.answer(), pb::LeverAnswer::NotAskable);
    assert!(reasons(&answer).contains(&pb::AbsenceReason::IdentityWeak));
}

#[tokio::test]
async fn an_import_that_is_under_way_and_one_that_cannot_be_are_told_as_the_reason() {
    let mut world = World::new(Setup::new(600).keeping(&[])).await;
    let hold = Action::StallAfter(Duration::from_secs(600));
    let third_page = FaultRule::on("listOpportunities", hold).when(When::Nth(3));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![third_page],
    });
    world.connect().await;
    let cause = until("the import is under way", async || {
        let answer = world.explain(by_email("nobody@example.invalid")).await;
        let first = answer.causes.into_iter().next().expect("a cause");
        (first.reason() == pb::AbsenceReason::FirstImport && first.records > 0).then_some(first)
    })
    .await;
    assert!(cause.records < 600 && !cause.repair.is_empty());
    world.lever.set_faults(FaultPlan::default());
    world.until_synced().await;
    let answer = world.explain(by_email("nobody@example.invalid")).await;
    let told = reasons(&answer);
    assert_eq!(told[0], pb::AbsenceReason::KnownOtherwise, "{told:?}");

    let mut setup = Setup::new(40);
    setup.lever.keys = vec![Key {
        secret: setup.key.clone(),
        permissions: Permissions::AllBut(["find all opportunities".to_owned()].into()),
        confidential: true,
    }];
    let mut world = World::new(setup).await;
    world.connect().await;
    let answer = until("the refusal is known", async || {
        let answer = world.explain(by_email("nobody@example.invalid")).await;
        (reasons(&answer) == [pb::AbsenceReason::Forbidden]).then_some(answer)
    })
    .await;
    let cause = &answer.causes[0];
    assert_eq!(cause.permission, "find all opportunities");
    assert!(cause.certain && answer.as_of.is_none());
    let (_, seen) = world
        .explain_with_lever(by_email("nobody@example.invalid"))
        .await;
    assert_eq!(seen.answer(), pb::LeverAnswer::Refused);
}

#[tokio::test]
async fn a_record_that_could_not_be_read_is_told_of_with_its_person() {
    let mut world = World::new(Setup::full(40)).await;
    let mut people = world.lever.opportunities().into_iter().filter(|person| {
        open(person) && person["confidentiality"] == "non-confidential" && !email(person).is_empty()
    });
    let noted = people.next().expect("somebody");
    // Who has one opportunity alone, and shares the address with nobody.
    let unread = people.find(|person| {
        let everybody = world.lever.opportunities();
        let like =
            |one: &Value| one["contact"] == person["contact"] || one["emails"] == person["emails"];
        everybody.iter().filter(|one| like(one)).count() == 1
    });
    let unread = unread.expect("somebody");
    let note = world.lever.add_note(text(&noted, "id"), "a note");
    let note = note.expect("known");
    world.lever.garble([text(&unread, "id"), &note]);
    world.connect().await;
    world.until_synced().await;
    for who in [
        by_opportunity(text(&unread, "id")),
        Who::ContactId(text(&unread, "contact").to_owned()),
        by_email(&email(&unread).to_uppercase()),
    ] {
        let answer = world.explain(who).await;
        assert_eq!(reasons(&answer)[0], pb::AbsenceReason::RecordUnreadable);
        assert!(answer.causes[0].time.is_some() && answer.causes[0].certain);
    }
    let stranger = world.explain(by_email("nobody@example.invalid")).await;
    let some = stranger
        .causes
        .iter()
        .find(|cause| cause.reason() == pb::AbsenceReason::SomeUnreadable);
    assert_eq!(some.expect("told").records, 1);

    let answer = world.explain(by_opportunity(text(&noted, "id"))).await;
    let first = &answer.people[0].candidacies[0];
    assert_eq!(first.set_aside.len(), 1);
    assert_eq!(first.set_aside[0].stream, "notes");
    let files = first.lists.iter().find(|list| list.stream == "files");
    let files = files.expect("files are kept");
    assert!(files.reason.is_empty() && files.read_time.is_some());
}

#[tokio::test]
async fn lists_that_were_not_read_are_told_with_their_reason_and_what_is_stored_is_counted() {
    let mut setup = Setup::full(40).with("FULCRUM__PULL__CHILDREN_ARCHIVED_WITHIN", "1s");
    setup.lever.keys = vec![Key {
        secret: setup.key.clone(),
        permissions: Permissions::AllBut(["find all opportunity offers".to_owned()].into()),
        confidential: true,
    }];
    let world = World::synced(setup).await;
    let archived = somebody(&world, |person| !person["archived"].is_null());
    let answer = world.explain(by_opportunity(text(&archived, "id"))).await;
    let first = &answer.people[0].candidacies[0];
    let list = |name: &str| {
        let found = first.lists.iter().find(|list| list.stream == name);
        found.expect("told").clone()
    };
    assert_eq!(list("notes").reason, "NOT_HYDRATED");
    assert_eq!(list("offers").reason, "LEVER_PERMISSION_MISSING");
    assert_eq!(list("contacts").records, 1);

    let active = somebody(&world, open);
    let id = text(&active, "id");
    let written = world.note(id, &fresh_id(), "hello").await.expect("taken");
    assert_eq!(written.state(), pb::OperationState::Succeeded);
    let counted = until("the notes are counted", async || {
        let answer = world.explain(by_opportunity(id)).await;
        let first = answer.people[0].candidacies[0].clone();
        let notes = first.lists.iter().find(|list| list.stream == "notes");
        let all = world.lever.notes(id).len() as u64;
        (notes.is_some_and(|notes| notes.records == all)).then_some(first)
    })
    .await;
    assert_eq!((counted.operations, counted.open_operations), (1, 0));
}

#[tokio::test]
async fn somebody_confidential_is_a_stranger_without_the_right_whatever_is_asked() {
    // Of confidential people Lever lists no deletions: they are missing from the next walk over everybody.
    let setup = Setup::new(400).with("FULCRUM__PULL__SWEEP_INTERVAL", "300ms");
    let mut world = World::new(setup).await;
    let secret = |person: &Value| person["confidentiality"] == "confidential";
    let people = world.lever.opportunities();
    // Whose every opportunity is confidential.
    let hidden = somebody(&world, |person| {
        let mut same = people
            .iter()
            .filter(|one| one["contact"] == person["contact"]);
        let mut sharing = people
            .iter()
            .filter(|one| one["emails"] == person["emails"]);
        secret(person) && open(person) && same.all(secret) && sharing.all(secret)
    });
    let garbled = somebody(&world, |person| {
        secret(person) && person["contact"] != hidden["contact"]
    });
    world.lever.garble([text(&garbled, "id")]);
    world.connect().await;
    world.until_synced().await;
    assert!(world.stop().await.success());
    let trusted = world
        .home
        .token(&["--role", "reader", "--right", "confidential"])
        .await;
    let plain = world.home.token(&["--role", "reader"]).await;
    let inbound = world.home.token(&["--role", "inbound"]).await;
    let admin = world.home.token(&["--role", "admin"]).await;
    world.start().await;
    world.api = world.api.with_token(&admin);
    world.hold_still().await;

    let questions = |person: &Value| {
        [
            by_opportunity(text(person, "id")),
            Who::ContactId(text(person, "contact").to_owned()),
            by_opportunity(text(person, "contact")),
            Who::ContactId(text(person, "id").to_owned()),
            by_opportunity(person["applications"][0].as_str().unwrap_or("none")),
            by_email(email(person)),
        ]
    };
    let strangers = [
        by_opportunity("11111111-2222-4333-8444-555555555555"),
        Who::ContactId("11111111-2222-4333-8444-555555555555".to_owned()),
        by_opportunity("11111111-2222-4333-8444-555555555555"),
        Who::ContactId("11111111-2222-4333-8444-555555555555".to_owned()),
        by_opportunity("11111111-2222-4333-8444-555555555555"),
        by_email("nobody@example.invalid"),
    ];
    world.api = world.api.with_token(&trusted);
    let answer = world.explain(by_opportunity(text(&hidden, "id"))).await;
    assert!(about(&answer, text(&hidden, "id")).is_some());
    let answer = world.explain(by_opportunity(text(&garbled, "id"))).await;
    assert_eq!(reasons(&answer)[0], pb::AbsenceReason::RecordUnreadable);

    world.api = world.api.with_token(&plain);
    for (who, stranger) in questions(&hidden).into_iter().zip(strangers.clone()) {
        for ask_lever in [false, true] {
            let told = world.try_explain(who.clone(), ask_lever).await;
            let other = world.try_explain(stranger.clone(), ask_lever).await;
            assert_eq!(
                told.expect("an answer"),
                other.expect("an answer"),
                "{who:?}"
            );
        }
    }
    let told = world.explain(by_opportunity(text(&garbled, "id"))).await;
    assert_eq!(told, world.explain(strangers[0].clone()).await);
    assert!(reasons(&told).contains(&pb::AbsenceReason::CallerSeesNoConfidential));

    // Nor is it told that one was deleted. Nobody is missed from a walk that could not be read whole.
    world.lever.garble([]);
    world.api = world.api.with_token(&admin);
    world.go_on().await;
    world.lever.delete(text(&hidden, "id")).expect("known");
    let asked = world.api.with_token(&trusted);
    until("the deletion is known", async || {
        world.pull().await;
        let request = pb::ExplainCandidateRequest {
            connection_id: world.connection.clone(),
            who: Some(by_opportunity(text(&hidden, "id"))),
            ask_lever: false,
        };
        let answer = asked.candidates().explain_candidate(request).await;
        let answer = answer.expect("an answer").into_inner();
        (reasons(&answer) == [pb::AbsenceReason::NoLongerShown]).then_some(())
    })
    .await;
    world.hold_still().await;
    world.api = world.api.with_token(&plain);
    let told = world.explain(by_opportunity(text(&hidden, "id"))).await;
    assert_eq!(told, world.explain(strangers[0].clone()).await);

    world.api = world.api.with_token(&inbound);
    let told = refused(world.try_explain(strangers[0].clone(), false).await);
    assert_eq!(told.code, Code::PermissionDenied);
}

#[tokio::test]
async fn an_id_of_something_else_leads_to_whom_it_belongs_and_nonsense_is_refused_by_its_field() {
    let mut world = World::synced(Setup::new(60)).await;
    let person = somebody(&world, |person| {
        open(person) && person["applications"].get(0).is_some()
    });
    let id = text(&person, "id");
    for who in [
        by_opportunity(text(&person, "contact")),
        by_opportunity(person["applications"][0].as_str().expect("an id")),
        Who::ContactId(id.to_owned()),
    ] {
        let answer = world.explain(who).await;
        assert!(about(&answer, id).is_some());
        assert_eq!(reasons(&answer), [pb::AbsenceReason::IdOfAnotherKind]);
    }
    let (answer, seen) = world
        .explain_with_lever(by_opportunity("11111111-2222-4333-8444-555555555555"))
        .await;
    assert_eq!(reasons(&answer)[0], pb::AbsenceReason::IdUnknown);
    assert_eq!(seen.answer(), pb::LeverAnswer::Nobody);
    // What would be another path of Lever's is nobody's id.
    for odd in ["deleted", "..", "a/b", "?"] {
        let (_, seen) = world.explain_with_lever(by_opportunity(odd)).await;
        assert_eq!(seen.answer(), pb::LeverAnswer::Nobody, "{odd}");
    }

    let nameless = Who::Identity(pb::Identity {
        name: "Ada Example".to_owned(),
        ..Default::default()
    });
    let answer = world.explain(nameless).await;
    assert_eq!(reasons(&answer), [pb::AbsenceReason::IdentityTooWeak]);
    assert_eq!(answer.unused_fields, ["name"]);
    for (who, field) in [
        (Who::Identity(pb::Identity::default()), "identity"),
        (by_opportunity(""), "opportunity_id"),
        (Who::ContactId("x".repeat(300)), "contact_id"),
        (
            Who::Identity(pb::Identity {
                name: "x".repeat(3_000),
                ..Default::default()
            }),
            "identity.name",
        ),
    ] {
        let told = refused(world.try_explain(who, false).await);
        assert_eq!(told.code, Code::InvalidArgument);
        assert_eq!(told.fields, [field]);
    }
    let elsewhere = pb::ExplainCandidateRequest {
        connection_id: fresh_id(),
        who: Some(by_opportunity(id)),
        ask_lever: false,
    };
    let told = refused(world.api.candidates().explain_candidate(elsewhere).await);
    assert_eq!(told.code, Code::NotFound);

    let request = pb::DeleteConnectionRequest {
        connection_id: world.connection.clone(),
        purge_now: false,
    };
    let answer = world.api.connections().delete_connection(request).await;
    answer.expect("disconnected");
    for _ in 0..2 {
        let answer = world.try_explain(by_opportunity(id), true).await;
        let answer = answer.expect("an answer");
        assert!(answer.people.is_empty() && answer.in_lever.is_none());
        assert_eq!(reasons(&answer), [pb::AbsenceReason::Disconnected]);
        assert!(answer.causes[0].time.is_some());
        // The same after a start.
        world.stop().await;
        world.start().await;
    }
}

#[tokio::test]
async fn answers_for_equal_opportunity_are_told_of_to_those_who_may_know_of_them() {
    let mut setup = Setup::full(100);
    setup.connection.streams = ["stages", "opportunities", "applications", "eeo_responses"]
        .map(str::to_owned)
        .to_vec();
    let mut world = World::synced(setup).await;
    let answers = world.records("eeo_responses").await.expect("read");
    let answered = answers.values().find_map(|raw| {
        let answer: Value = serde_json::from_str(raw).expect("JSON");
        let id = text(&answer, "opportunityId").to_owned();
        let person = world.lever.opportunity(&id)?;
        (person["confidentiality"] == "non-confidential").then_some(id)
    });
    let id = answered.expect("somebody has answered");
    let told = |answer: &pb::ExplainCandidateResponse| {
        let explained = about(answer, &id).expect("it is here").clone();
        let mut lists = explained.lists.into_iter();
        lists.find(|list| list.stream == "eeo_responses")
    };
    let list = told(&world.explain(by_opportunity(&id)).await).expect("told");
    assert_eq!((list.records, list.reason.as_str()), (1, ""));

    assert!(world.stop().await.success());
    let plain = world.home.token(&["--role", "reader"]).await;
    world.start().await;
    world.api = world.api.with_token(&plain);
    assert_eq!(told(&world.explain(by_opportunity(&id)).await), None);
}
