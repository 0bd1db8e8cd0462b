//! People handed over to Lever (F-20, F-53, F-54): each once, and nobody whom something speaks against (X19).

use std::time::Duration;

use lever_sim::{Act, Action, FaultPlan, FaultRule, Key, Permissions, When};
use prost_types::Duration as WireDuration;
use proto::v1 as pb;
use proto::v1::OperationState::{Cancelled, Failed, Succeeded};
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::support::{Setup, World, fresh_id, http, now, refused, until, why};

const EMAIL: &str = "grace.hopper@example.com";
const DAY: i64 = 24 * 3600 * 1000;
const FOR_EVER: Duration = Duration::from_secs(600);

fn grace() -> pb::ExportProfile {
    let email = |address: &str, bounced| pb::ExportEmail {
        address: address.to_owned(),
        bounced,
        ..Default::default()
    };
    pb::ExportProfile {
        name: "Grace Hopper".to_owned(),
        title: "Rear admiral".to_owned(),
        location: "Arlington".to_owned(),
        companies: vec!["Eckert-Mauchly".to_owned()],
        emails: vec![email(EMAIL, false), email("old@example.com", true)],
        phones: vec!["+1 415 555 0100".to_owned()],
        linkedin_url: "https://www.linkedin.com/in/grace-hopper".to_owned(),
        links: vec!["https://grace.example.com".to_owned()],
        profile_url: "https://app.example.com/people/7".to_owned(),
        ..Default::default()
    }
}

fn export() -> pb::ExportCandidateRequest {
    pb::ExportCandidateRequest {
        profile: Some(grace()),
        request_id: fresh_id(),
        search_name: "Compilers".to_owned(),
        ..Default::default()
    }
}

impl World {
    /// Exports somebody to the linked account, and waits for the end unless the request says otherwise.
    async fn export(
        &self,
        mut request: pb::ExportCandidateRequest,
    ) -> Result<pb::ExportCandidateResponse, Status> {
        request.connection_id = self.connection.clone();
        request.wait.get_or_insert(WireDuration {
            seconds: 40,
            nanos: 0,
        });
        let answer = self.api.candidates().export_candidate(request).await?;
        Ok(answer.into_inner())
    }

    /// Exports somebody; the operation as it ended.
    async fn exported(&self, request: pb::ExportCandidateRequest) -> pb::ExportCandidateResponse {
        let answer = self.export(request).await.expect("recorded");
        let operation = answer.operation.as_ref().expect("an operation");
        assert_eq!(operation.state(), Succeeded, "{operation:?}");
        answer
    }

    async fn export_settings(&self) -> pb::ExportSettings {
        let request = pb::GetExportSettingsRequest {
            connection_id: self.connection.clone(),
        };
        let answer = self.api.candidates().get_export_settings(request).await;
        let read = answer.expect("settings").into_inner().settings;
        read.expect("settings")
    }

    async fn save_export_settings(
        &self,
        settings: pb::ExportSettings,
    ) -> Result<pb::UpdateExportSettingsResponse, Status> {
        let request = pb::UpdateExportSettingsRequest {
            connection_id: self.connection.clone(),
            settings: Some(settings),
        };
        let answer = self
            .api
            .candidates()
            .update_export_settings(request)
            .await?;
        Ok(answer.into_inner())
    }

    /// Makes an opportunity in Lever past the service; its id.
    async fn make_in_lever(&self, body: Value) -> String {
        let user = self.lever.active_users().remove(0);
        let request = http()
            .post(format!("{}/opportunities", self.lever.base_url()))
            .basic_auth(lever_sim::DEFAULT_KEY, Some(""))
            .query(&[("perform_as", &user)])
            .json(&body);
        let answer: Value = request
            .send()
            .await
            .expect("answered")
            .json()
            .await
            .expect("JSON");
        answer["data"]["id"].as_str().expect("an id").to_owned()
    }

    /// Lever's opportunities of people with an address.
    fn with_email(&self, email: &str) -> Vec<Value> {
        let all = self.lever.opportunities().into_iter();
        all.filter(|one| one["emails"].to_string().contains(email))
            .collect()
    }

    /// Changes a person in Lever past the service.
    pub(crate) async fn change_in_lever(&self, contact: &str, body: Value) {
        let request = http()
            .put(format!("{}/contacts/{contact}", self.lever.base_url()))
            .basic_auth(lever_sim::DEFAULT_KEY, Some(""))
            .json(&body);
        let answer = request.send().await.expect("answered");
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// Lever's id of an archive reason that stands for a hire, or of one that does not.
    fn archive_reason(&self, kind: &str) -> String {
        let reasons = self.lever.archive_reasons();
        let reason = reasons.iter().find(|one| one["type"] == kind);
        let id = &reason.expect("a reason")["id"];
        id.as_str().expect("an id").to_owned()
    }

    fn hold(&self, operation: &str, action: Action) {
        self.lever.set_faults(FaultPlan {
            seed: 0,
            rules: vec![FaultRule::on(operation, action).when(When::Nth(1))],
        });
    }
}

fn setup() -> Setup {
    Setup::new(40).with("FULCRUM__PUSH__SETTLE", "1s")
}

async fn world() -> World {
    world_of(setup()).await
}

/// A mirror that hears nothing more of what others do in Lever.
async fn deaf_world() -> World {
    let deaf = setup()
        .with("FULCRUM__PULL__OPPORTUNITIES_INTERVAL", "6h")
        .with("FULCRUM__PULL__INBOUND_INTERVAL", "6h");
    world_of(deaf).await
}

async fn world_of(setup: Setup) -> World {
    let world = World::synced(setup).await;
    default_user(&world).await;
    world
}

/// Somebody who is recognized by nothing but the page on LinkedIn.
fn by_link() -> pb::ExportCandidateRequest {
    let mut asked = export();
    let profile = asked.profile.as_mut().expect("a profile");
    profile.emails.clear();
    profile.companies.clear();
    asked
}

fn grounds(answer: &pb::ExportCandidateResponse) -> Vec<pb::ExportGround> {
    let findings = &answer.verdict.as_ref().expect("a verdict").findings;
    findings.iter().map(|finding| finding.ground()).collect()
}

/// Opportunities are made in somebody's name.
async fn default_user(world: &World) {
    let settings = pb::Connection {
        default_acting_user_id: world.lever.active_users().remove(0),
        ..Default::default()
    };
    let paths = ["default_acting_user_id"];
    world.change(settings, &paths).await.expect("changed");
}

fn operation(answer: &pb::ExportCandidateResponse) -> &pb::Operation {
    answer.operation.as_ref().expect("an operation")
}

/// A posting that everybody may see.
async fn posting(world: &World) -> String {
    let postings = world.records("postings").await.expect("postings");
    let open = postings
        .into_iter()
        .find(|(_, raw)| !raw.contains("\"confidentiality\":\"confidential\""));
    open.expect("a posting").0
}

/// F-20, F-53: everything arrives in one call, with the defaults of the settings, and the answer tells who it is.
#[tokio::test]
async fn f20_a_new_person_is_made_once_with_resume_files_and_note() {
    let world = world().await;
    let file = |name: &str, is_resume| pb::ExportFile {
        name: name.to_owned(),
        content_type: "text/plain".to_owned(),
        content: b"what she did".to_vec().into(),
        is_resume,
    };
    let asked = pb::ExportCandidateRequest {
        tags: vec!["Navy".to_owned()],
        note: "met at a conference".to_owned(),
        files: vec![file("letter.txt", false), file("cv.txt", true)],
        ..export()
    };
    let answer = world.exported(asked.clone()).await;
    let made = operation(&answer);
    let found = world.with_email(EMAIL);
    assert_eq!(found.len(), 1);
    let there = &found[0];
    assert_eq!(there["id"], made.opportunity_id.as_str());
    assert_eq!(made.result_id, made.opportunity_id);
    assert_eq!(there["contact"], answer.contact_id.as_str());
    assert_eq!(answer.deduped, Some(false));
    // Whoever acts owns the candidacy.
    let acting = made.acting_user_id.as_str();
    let sent = world.calls("createOpportunity").remove(0);
    let perform_as = ("perform_as".to_owned(), acting.to_owned());
    assert!(
        !acting.is_empty() && sent.query.contains(&perform_as),
        "{:?}",
        sent.query
    );
    assert_eq!(there["owner"], acting);
    assert_eq!(there["name"], "Grace Hopper");
    assert_eq!(there["headline"], "Rear admiral");
    assert_eq!(there["location"], "Arlington");
    assert_eq!(there["emails"], json!([EMAIL]));
    assert_eq!(there["phones"][0]["value"], "+1 415 555 0100");
    assert_eq!(there["links"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        there["tags"],
        json!(["Compilers", "Fulcrum Exported", "Navy"])
    );
    assert_eq!(there["sources"], json!(["Fulcrum"]));
    assert_eq!(
        (&there["origin"], &there["stage"]),
        (&json!("sourced"), &json!("lead-new"))
    );
    assert_eq!(
        world.notes_saying(&made.opportunity_id, "met at a conference"),
        1
    );
    assert_eq!(world.lever.children(&made.opportunity_id, "files").len(), 1);
    assert_eq!(
        world.lever.children(&made.opportunity_id, "resumes").len(),
        1
    );
    let steps: Vec<_> = made.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(steps, ["create opportunity", "upload file", "create note"]);
    let waiting = std::fs::read_dir(world.home.data().join("uploads"));
    assert_eq!(waiting.map_or(0, Iterator::count), 0);
    // X1: the same request again is the same operation.
    let writes = world.writes().len();
    let again = world.exported(asked).await;
    assert_eq!(operation(&again).id, made.id);
    assert_eq!(world.writes().len(), writes);
}

/// F-20, F-53: with a posting, as a prospect or as an applicant, as the request says.
#[tokio::test]
async fn f53_somebody_is_exported_to_a_posting_as_prospect_or_as_applicant() {
    for (kind, origin, stage) in [
        (pb::ExportAs::Prospect, "sourced", "lead-new"),
        (pb::ExportAs::Applicant, "applied", "applicant-new"),
    ] {
        let world = world().await;
        let posting = posting(&world).await;
        let asked = pb::ExportCandidateRequest {
            export_as: kind.into(),
            posting_id: posting.clone(),
            ..export()
        };
        let answer = world.exported(asked).await;
        let there = world.with_email(EMAIL).remove(0);
        assert_eq!(there["id"], operation(&answer).opportunity_id.as_str());
        assert_eq!(
            (&there["origin"], &there["stage"]),
            (&json!(origin), &json!(stage))
        );
        assert_eq!(there["applications"].as_array().map(Vec::len), Some(1));
        let sent = world.calls("createOpportunity").remove(0).body;
        assert_eq!(sent.expect("a body")["postings"], json!([posting]));
    }
}

/// F-54: whoever is worked on already is added to; what a person at Lever took back stays away.
#[tokio::test]
async fn f54_the_same_person_again_is_updated_and_not_made_anew() {
    let world = world().await;
    let first = world.exported(export()).await;
    let id = operation(&first).opportunity_id.clone();
    let taken = pb::RemoveTagsRequest {
        opportunity_id: id.clone(),
        request_id: fresh_id(),
        tags: vec!["Fulcrum Exported".to_owned()],
        ..Default::default()
    };
    world.remove_tags(taken).await.expect("removed");
    let mut asked = export();
    asked.sources = vec!["Reply".to_owned()];
    asked.search_name = "Cobol".to_owned();
    asked.note = "she replied".to_owned();
    let profile = asked.profile.as_mut().expect("a profile");
    profile.github_url = "github.com/grace".to_owned();
    profile.phones.push("+1 415 555 0199".to_owned());
    let dry = pb::ExportCandidateRequest {
        dry_run: true,
        request_id: String::new(),
        ..asked.clone()
    };
    let dry = world.export(dry).await.expect("planned");
    assert_eq!(operation(&dry).left_out, ["Fulcrum Exported"]);
    let second = world.exported(asked).await;
    let verdict = second.verdict.clone().expect("a verdict");
    assert_eq!(verdict.decision(), pb::ExportDecision::Update);
    assert_eq!(
        (verdict.matched_by.as_str(), &verdict.opportunity_id),
        ("email", &id)
    );
    assert_eq!(
        (&operation(&second).opportunity_id, &second.contact_id),
        (&id, &first.contact_id)
    );
    let found = world.with_email(EMAIL);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["tags"], json!(["Compilers", "Cobol"]));
    assert_eq!(operation(&second).left_out, ["Fulcrum Exported"]);
    assert_eq!(found[0]["sources"], json!(["Fulcrum", "Reply"]));
    assert_eq!(found[0]["phones"].as_array().map(Vec::len), Some(2));
    assert_eq!(found[0]["links"].as_array().map(Vec::len), Some(4));
    assert_eq!(world.notes_saying(&id, "she replied"), 1);
    assert_eq!(world.effects("createOpportunity"), 1);
}

/// F-54: what Lever has by now is not sent again, and the step says so; what has changed is sent.
#[tokio::test]
async fn f54_a_file_or_note_that_is_there_already_is_not_sent_again() {
    let world = world().await;
    let file = |name: &str, text: &str, is_resume| pb::ExportFile {
        name: name.to_owned(),
        content_type: "text/plain".to_owned(),
        content: text.as_bytes().to_vec().into(),
        is_resume,
    };
    let asked = |letter: &str, resume: &str, note: &str| pb::ExportCandidateRequest {
        note: note.to_owned(),
        files: vec![
            file("profile.txt", letter, false),
            file("cv.txt", resume, true),
        ],
        ..export()
    };
    let (letter, resume, note) = ("what she did", "where she was", "met at a conference");
    let first = world.exported(asked(letter, resume, note)).await;
    let id = operation(&first).opportunity_id.clone();
    let steps = |answer: &pb::ExportCandidateResponse| -> Vec<(String, bool)> {
        let steps = operation(answer).steps.iter();
        steps
            .map(|step| (step.name.clone(), step.there_already))
            .collect()
    };
    let held = |list: &str| world.lever.children(&id, list).len();
    let writes = world.writes().len();
    let dry = pb::ExportCandidateRequest {
        dry_run: true,
        ..asked(letter, resume, note)
    };
    let planned = world.export(dry).await.expect("planned");
    let planned = &operation(&planned).lever_calls;
    assert!(
        planned.iter().all(|call| call.method == "GET"),
        "{planned:?}"
    );
    let again = world.exported(asked(letter, resume, note)).await;
    assert_eq!(operation(&again).opportunity_id, id);
    let told = ["upload file", "upload file", "create note"];
    assert_eq!(steps(&again), told.map(|name| (name.to_owned(), true)));
    assert_eq!(world.writes().len(), writes, "nothing was sent");
    // Somebody else's words are theirs, and other bytes are another file, be they as many.
    let other = world
        .exported(asked("what HE did!", "where she IS!", "replied"))
        .await;
    assert_eq!(steps(&other), told.map(|name| (name.to_owned(), false)));
    assert_eq!((held("files"), held("resumes")), (3, 1));
    assert_eq!(world.notes_saying(&id, note), 1);
    assert_eq!(world.notes_saying(&id, "replied"), 1);
    assert_eq!(world.effects("createOpportunity"), 1);
}

/// X19, with the date on which the cool-off ends; whoever the mirror does not know yet is found in Lever.
#[tokio::test]
async fn x19_who_was_rejected_ten_days_ago_is_left_alone_unless_overruled() {
    let world = world().await;
    let rejected = world.archive_reason("non-hired");
    let ended = now() - 10 * DAY;
    let old = world
        .make_in_lever(json!({
            "name": "Grace Hopper", "emails": [EMAIL], "createdAt": now() - 20 * DAY,
            "archived": {"reason": rejected, "archivedAt": ended},
        }))
        .await;
    let writes = world.writes().len();
    let asked = pb::ExportCandidateRequest {
        posting_id: posting(&world).await,
        ..export()
    };
    let answer = world.export(asked).await.expect("recorded");
    let blocked = operation(&answer);
    assert_eq!(blocked.state(), Failed);
    let told = why(blocked);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "BLOCKED_COOL_OFF")
    );
    assert_eq!(told.details["opportunity_ids"], old);
    assert!(told.details.contains_key("ends_at"));
    let verdict = answer.verdict.expect("a verdict");
    let finding = &verdict.findings[0];
    assert_eq!(finding.ground(), pb::ExportGround::CoolOff);
    assert_eq!(finding.weight(), pb::ExportWeight::Overridable);
    let ends = finding.ends_at.expect("a date").seconds;
    assert_eq!(ends, (ended + 90 * DAY).div_euclid(1000));
    assert_eq!(world.writes().len(), writes);

    let overruled = pb::ExportCandidateRequest {
        overrides: vec![pb::ExportGround::CoolOff.into()],
        ..export()
    };
    let answer = world.exported(overruled).await;
    assert_eq!(answer.deduped, Some(true));
    let found = world.with_email(EMAIL);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["contact"], found[1]["contact"]);
}

#[tokio::test]
async fn x19_who_wants_no_contact_is_not_exported_whatever_the_request_says() {
    let world = world().await;
    world.exported(export()).await;
    let contact = world.with_email(EMAIL)[0]["contact"].clone();
    let contact = contact.as_str().expect("an id").to_owned();
    let refuses = Act::RefuseContact { contact };
    world.lever.act(refuses).expect("refused");
    let asked = pb::ExportCandidateRequest {
        overrides: vec![pb::ExportGround::DoNotContact.into()],
        ..export()
    };
    let answer = world.export(asked).await.expect("recorded");
    assert_eq!(why(operation(&answer)).reason, "BLOCKED_DO_NOT_CONTACT");
}

/// The rules are the customer's.
#[tokio::test]
async fn x19_the_settings_say_what_blocks_and_nobody_overwrites_somebody_else_s() {
    let world = world().await;
    let mut settings = world.export_settings().await;
    assert_eq!((settings.etag.as_str(), settings.cool_off_days), ("v0", 90));
    settings.tags = vec!["{owner}".to_owned()];
    settings.source = String::new();
    settings.guards[3].rule = pb::GuardRule::Block.into();
    let update = |settings: &pb::ExportSettings| world.save_export_settings(settings.clone());
    let saved = update(&settings).await.expect("saved").settings;
    assert_eq!(saved.expect("settings").etag, "v1");
    assert_eq!(refused(update(&settings).await).reason, "ETAG_MISMATCH");
    settings.etag = "v1".to_owned();
    settings.prospect.as_mut().expect("an entry").origin = "heaven".to_owned();
    assert_eq!(
        refused(update(&settings).await).fields,
        ["settings.prospect.origin"]
    );
    world.exported(export()).await;
    let made = world.with_email(EMAIL).remove(0);
    assert_eq!((&made["tags"], &made["sources"]), (&json!([]), &json!([])));
    let elsewhere = pb::ExportCandidateRequest {
        posting_id: posting(&world).await,
        overrides: vec![pb::ExportGround::ActiveElsewhere.into()],
        ..export()
    };
    let answer = world.export(elsewhere).await.expect("recorded");
    assert_eq!(why(operation(&answer)).reason, "BLOCKED_ACTIVE_ELSEWHERE");
}

#[tokio::test]
async fn two_exports_of_one_person_at_once_make_one_opportunity() {
    let world = world().await;
    let noting = |note: &str| pb::ExportCandidateRequest {
        note: note.to_owned(),
        ..by_link()
    };
    let both = futures::future::join(world.exported(noting("one")), world.exported(noting("two")));
    let (one, other) = both.await;
    let id = &operation(&one).opportunity_id;
    assert_eq!(id, &operation(&other).opportunity_id);
    assert_eq!(world.effects("createOpportunity"), 1);
    assert_eq!(
        (world.notes_saying(id, "one"), world.notes_saying(id, "two")),
        (1, 1)
    );
}

#[tokio::test]
async fn an_opportunity_whose_making_got_no_answer_is_found_and_made_once() {
    for (action, calls) in [
        (Action::ResetAfter, 1),
        (Action::ServerErrorAfter(500), 1),
        (Action::ResetBefore, 2),
    ] {
        let world = world().await;
        world.hold("createOpportunity", action);
        let asked = pb::ExportCandidateRequest {
            note: "once".to_owned(),
            posting_id: posting(&world).await,
            ..export()
        };
        let answer = world.exported(asked).await;
        let found = world.with_email(EMAIL);
        assert_eq!(found.len(), 1, "{action:?}");
        assert_eq!(found[0]["id"], operation(&answer).opportunity_id.as_str());
        assert_eq!(found[0]["contact"], answer.contact_id.as_str());
        assert_eq!(world.calls("createOpportunity").len(), calls, "{action:?}");
        assert_eq!(
            world.notes_saying(&operation(&answer).opportunity_id, "once"),
            1
        );
    }
}

#[tokio::test]
async fn a_kill_between_the_making_and_the_note_leaves_the_note_to_follow_once() {
    let mut world = world().await;
    world.hold("createOpportunityNote", Action::StallBefore(FOR_EVER));
    let asked = pb::ExportCandidateRequest {
        note: "follows".to_owned(),
        wait: Some(WireDuration::default()),
        ..export()
    };
    let asked = world.export(asked).await.expect("recorded");
    until("the note is on its way", async || {
        (world.calls("createOpportunityNote").len() == 1).then_some(())
    })
    .await;
    world.kill().await;
    world.lever.set_faults(FaultPlan::default());
    world.start().await;
    let done = world.settled(&operation(&asked).id).await;
    assert_eq!(done.state(), Succeeded, "{done:?}");
    assert_eq!(world.with_email(EMAIL).len(), 1);
    assert_eq!(world.notes_saying(&done.opportunity_id, "follows"), 1);
}

/// The steps that are done stay done, and the next try goes on with the one that failed, whose file is still there.
#[tokio::test]
async fn a_step_that_lever_refuses_is_tried_again_without_those_before_it() {
    let mut setup = Setup::new(40);
    let lacking = ["upload an opportunity file".to_owned()].into();
    setup.lever.keys = vec![Key {
        secret: setup.key.clone(),
        permissions: Permissions::AllBut(lacking),
        confidential: true,
    }];
    let world = World::synced(setup).await;
    default_user(&world).await;
    let file = pb::ExportFile {
        name: "letter.txt".to_owned(),
        content: b"dear all".to_vec().into(),
        ..Default::default()
    };
    let asked = pb::ExportCandidateRequest {
        files: vec![file],
        note: "last".to_owned(),
        ..export()
    };
    let answer = world.export(asked).await.expect("recorded");
    let id = operation(&answer).id.clone();
    let assert_stopped = |operation: &pb::Operation| {
        let states: Vec<_> = operation.steps.iter().map(|step| step.state()).collect();
        assert_eq!(states, [Succeeded, Failed, Cancelled], "{operation:?}");
    };
    assert_stopped(operation(&answer));
    let retry = pb::RetryOperationRequest {
        connection_id: world.connection.clone(),
        operation_id: id.clone(),
    };
    let retried = world.api.operations().retry_operation(retry).await;
    retried.expect("in line again");
    assert_stopped(&world.settled(&id).await);
    assert_eq!(world.calls("uploadOpportunityFile").len(), 2);
    assert_eq!(world.effects("createOpportunity"), 1);
}

/// X3: the verdict and the calls, and nothing is written.
#[tokio::test]
async fn x3_a_dry_run_of_an_export_reads_and_writes_nothing() {
    let world = world().await;
    let before = world.writes().len();
    let dry = pb::ExportCandidateRequest {
        dry_run: true,
        request_id: String::new(),
        note: "hello".to_owned(),
        ..export()
    };
    let answer = world.export(dry.clone()).await.expect("planned");
    let verdict = answer.verdict.clone().expect("a verdict");
    assert_eq!(verdict.decision(), pb::ExportDecision::Create);
    let calls: Vec<_> = operation(&answer)
        .lever_calls
        .iter()
        .map(|call| (call.method.as_str(), call.path.as_str()))
        .collect();
    let one = "/opportunities/new-opportunity";
    let expected = [
        ("GET", "/opportunities"),
        ("GET", "/opportunities"),
        ("POST", "/opportunities"),
        ("GET", one),
        ("POST", "/opportunities/new-opportunity/notes"),
        ("GET", one),
        ("GET", "/opportunities/new-opportunity/notes"),
    ];
    assert_eq!(calls, expected);
    let body = &operation(&answer).lever_calls[2].body_json;
    assert!(body.contains("Grace Hopper"), "{body}");
    assert_eq!(world.writes().len(), before);
    assert!(world.operations().await.is_empty());
    world.exported(export()).await;
    let answer = world.export(dry).await.expect("planned");
    let verdict = answer.verdict.expect("a verdict");
    assert_eq!(verdict.decision(), pb::ExportDecision::Update);
}

#[tokio::test]
async fn what_can_be_no_address_number_or_link_is_told_as_left_out() {
    let world = world().await;
    let mut asked = export();
    let profile = asked.profile.as_mut().expect("a profile");
    profile.emails = vec![pb::ExportEmail {
        address: "bad.mail".to_owned(),
        ..Default::default()
    }];
    profile.phones = vec!["+1 555 010 9999".to_owned(), "abc".to_owned()];
    profile.linkedin_url = "javascript:alert(1)".to_owned();
    profile.github_url = "https://github.com/grace".to_owned();
    // Longer than a tag of Lever's.
    asked.search_name = format!("{} in Oslo", "s".repeat(250));
    let left_out = [
        "profile.emails[0].address",
        "profile.phones[1]",
        "profile.linkedin_url",
        "search_name",
    ];
    let dry = pb::ExportCandidateRequest {
        dry_run: true,
        ..asked.clone()
    };
    let planned = world.export(dry).await.expect("planned");
    assert_eq!(operation(&planned).left_out, left_out);
    let answer = world.exported(asked).await;
    assert_eq!(operation(&answer).left_out, left_out);
    let there = world.lever.opportunity(&operation(&answer).opportunity_id);
    let there = there.expect("made").to_string();
    assert!(there.contains("555"), "{there}");
    assert!(!there.contains("alert") && !there.contains("bad.mail"));
    assert!(
        there.contains("ss in O\"") && !there.contains("Oslo"),
        "{there}"
    );

    let mut asked = export();
    let profile = asked.profile.as_mut().expect("a profile");
    profile.links = vec!["example.com/a".to_owned(), "javascript:alert(1)".to_owned()];
    assert_eq!(
        refused(world.export(asked).await).fields,
        ["profile.links[1]"]
    );
    let asked = pb::ExportCandidateRequest {
        acting_user: "grace".to_owned(),
        ..export()
    };
    assert_eq!(refused(world.export(asked).await).fields, ["acting_user"]);
}

#[tokio::test]
async fn a_bad_export_is_refused_with_the_names_of_its_fields() {
    let world = world().await;
    let nobody = pb::ExportCandidateRequest {
        profile: None,
        ..export()
    };
    assert_eq!(refused(world.export(nobody).await).fields, ["profile"]);
    let mut nameless = export();
    nameless.profile.as_mut().expect("a profile").name.clear();
    nameless.origin = "heaven".to_owned();
    let fields = refused(world.export(nameless).await).fields;
    assert_eq!(fields, ["profile.name", "origin"]);
    // As AddTags and AddSources have it.
    let long = pb::ExportCandidateRequest {
        tags: vec!["a".repeat(255), "a".repeat(256)],
        sources: vec![" ".to_owned()],
        ..export()
    };
    let fields = refused(world.export(long).await).fields;
    assert_eq!(fields, ["tags[1]", "sources[0]"]);
    for dry_run in [false, true] {
        let file = |name: &str, content: &[u8]| pb::ExportFile {
            name: name.to_owned(),
            content: content.to_vec().into(),
            ..Default::default()
        };
        let asked = pb::ExportCandidateRequest {
            files: vec![file("x.exe", b"MZ"), file("letter.txt", b"")],
            dry_run,
            ..export()
        };
        let told = refused(world.export(asked).await);
        assert_eq!(told.fields, ["files[0].name", "files[1].content"]);
    }
    let unknown = pb::ExportCandidateRequest {
        posting_id: "nowhere".to_owned(),
        ..export()
    };
    assert_eq!(refused(world.export(unknown).await).fields, ["posting_id"]);
    let applicant = pb::ExportCandidateRequest {
        export_as: pb::ExportAs::Applicant.into(),
        ..export()
    };
    assert_eq!(
        refused(world.export(applicant).await).fields,
        ["posting_id"]
    );
}

/// A person whom the mirror does not know yet is found by Lever's id, and an id of nobody is refused.
#[tokio::test]
async fn who_is_named_by_id_is_asked_of_lever_and_never_dropped() {
    let world = deaf_world().await;
    let there = world
        .make_in_lever(json!({"name": "G. Hopper", "emails": ["gh@navy.example.com"]}))
        .await;
    let found = world.with_email("gh@navy.example.com").remove(0);
    let contact = found["contact"].as_str().expect("an id").to_owned();
    let named = |contact: &str| {
        let mut asked = export();
        let profile = asked.profile.as_mut().expect("a profile");
        profile.contact_id = contact.to_owned();
        asked
    };
    let answer = world.exported(named(&contact)).await;
    let verdict = answer.verdict.clone().expect("a verdict");
    assert_eq!(verdict.matched_by, "contact_id");
    assert_eq!(operation(&answer).opportunity_id, there);
    assert_eq!(answer.contact_id, contact);
    // Nothing was made, and what was missing is there.
    assert_eq!(world.effects("createOpportunity"), 1);
    let emails = world.with_email(EMAIL).remove(0)["emails"].clone();
    assert_eq!(emails, json!(["gh@navy.example.com", EMAIL]));

    let refusal = refused(world.export(named("nobody-of-this-id")).await);
    assert_eq!(refusal.fields, ["profile.contact_id"]);
    let dry = pb::ExportCandidateRequest {
        dry_run: true,
        ..named("nobody-of-this-id")
    };
    let refusal = refused(world.export(dry).await);
    assert_eq!(refusal.fields, ["profile.contact_id"]);
}

/// With Lever away when it is asked for, an id of nobody fails the operation and makes nobody.
#[tokio::test]
async fn an_id_of_nobody_that_could_not_be_checked_fails_later() {
    let world = deaf_world().await;
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![
            FaultRule::on("listOpportunities", Action::ServerErrorBefore(503)).when(When::Nth(1)),
        ],
    });
    let mut asked = export();
    let profile = asked.profile.as_mut().expect("a profile");
    profile.contact_id = "nobody-of-this-id".to_owned();
    let answer = world.export(asked).await.expect("recorded");
    assert_eq!(operation(&answer).state(), Failed);
    let told = why(operation(&answer));
    assert_eq!(told.reason, "LEVER_NOT_FOUND");
    assert_eq!(told.details["field"], "profile.contact_id");
    assert_eq!(world.effects("createOpportunity"), 0);
}

/// While it waited, somebody else has made the person.
#[tokio::test]
async fn a_creation_that_lever_held_back_looks_again_before_it_is_sent() {
    let world = deaf_world().await;
    world.hold("createOpportunity", Action::RetryAfter(3));
    let asked = pb::ExportCandidateRequest {
        wait: Some(WireDuration::default()),
        ..export()
    };
    let asked = world.export(asked).await.expect("recorded");
    until("it is held back", async || {
        (world.calls("createOpportunity").len() == 1).then_some(())
    })
    .await;
    let others = json!({"name": "Grace Hopper", "emails": [EMAIL]});
    let there = world.make_in_lever(others).await;
    let done = world.settled(&operation(&asked).id).await;
    assert_eq!(done.state(), Succeeded, "{done:?}");
    assert_eq!(done.opportunity_id, there);
    assert_eq!(world.with_email(EMAIL).len(), 1);
}

/// What the mirror says of somebody known by a link is read again in Lever.
#[tokio::test]
async fn who_is_known_by_a_link_is_judged_by_what_lever_has_now() {
    let world = deaf_world().await;
    let first = world.exported(by_link()).await;
    let there = operation(&first).opportunity_id.clone();
    let rejects = Act::Archive {
        opportunity: there.clone(),
        reason: Some(world.archive_reason("non-hired")),
    };
    world.lever.act(rejects).expect("archived");
    let answer = world.export(by_link()).await.expect("recorded");
    assert_eq!(operation(&answer).state(), Failed);
    assert_eq!(grounds(&answer), [pb::ExportGround::CoolOff]);
    // Who is gone from Lever stands in nobody's way.
    let deletes = Act::DeleteOpportunity {
        opportunity: there,
        user: None,
    };
    world.lever.act(deletes).expect("deleted");
    let answer = world.exported(by_link()).await;
    let verdict = answer.verdict.expect("a verdict");
    assert_eq!(verdict.decision(), pb::ExportDecision::Create);
}

/// Lever takes whole lists: what somebody adds between the look and the write stays.
#[tokio::test]
async fn what_others_add_to_a_person_meanwhile_is_not_taken_back() {
    let world = deaf_world().await;
    let first = world.exported(export()).await;
    world.hold("addOpportunityTags", Action::RetryAfter(3));
    let mut asked = export();
    asked.search_name = "Cobol".to_owned();
    asked.wait = Some(WireDuration::default());
    let profile = asked.profile.as_mut().expect("a profile");
    profile.emails[1].bounced = false;
    let asked = world.export(asked).await.expect("recorded");
    until("the tags are held back", async || {
        (world.calls("addOpportunityTags").len() == 1).then_some(())
    })
    .await;
    let theirs = json!({"emails": [EMAIL, "theirs@example.com"]});
    world.change_in_lever(&first.contact_id, theirs).await;
    let done = world.settled(&operation(&asked).id).await;
    assert_eq!(done.state(), Succeeded, "{done:?}");
    let emails = world.with_email(EMAIL).remove(0)["emails"].clone();
    assert_eq!(
        emails,
        json!([EMAIL, "theirs@example.com", "old@example.com"])
    );
}

/// Where the key may not read archive reasons, nobody can tell a hire from a rejection, and it is said.
#[tokio::test]
async fn x19_a_reason_that_cannot_be_read_is_not_taken_for_a_rejection() {
    let lacking = |permissions| {
        let mut setup = setup();
        setup.lever.keys = vec![Key {
            secret: setup.key.clone(),
            permissions,
            confidential: true,
        }];
        setup
    };
    let hidden = ["find all archive reasons".to_owned()].into();
    for (permissions, ground, reason) in [
        (
            Permissions::AllBut(hidden),
            pb::ExportGround::NotJudged,
            "BLOCKED_NOT_JUDGED",
        ),
        (Permissions::All, pb::ExportGround::Hired, "BLOCKED_HIRED"),
    ] {
        let mut setup = lacking(permissions);
        // The reasons are not in the mirror.
        setup.connection.streams = ["users", "opportunities", "applications", "contacts"]
            .map(str::to_owned)
            .to_vec();
        let world = world_of(setup).await;
        let hired = world.archive_reason("hired");
        let old = world
            .make_in_lever(json!({
                "name": "Grace Hopper", "emails": [EMAIL], "createdAt": now() - 400 * DAY,
                "archived": {"reason": hired, "archivedAt": now() - 300 * DAY},
            }))
            .await;
        let answer = world.export(export()).await.expect("recorded");
        assert_eq!(operation(&answer).state(), Failed);
        assert_eq!(why(operation(&answer)).reason, reason);
        assert_eq!(grounds(&answer), [ground]);
        assert_eq!(why(operation(&answer)).details["opportunity_ids"], old);
    }
}

/// What a connection does not keep is still asked of Lever before somebody is written to.
#[tokio::test]
async fn x19_a_consent_that_is_not_kept_still_stands_in_the_way() {
    let mut setup = setup();
    setup.connection.excluded_fields = [
        "opportunities.dataProtection",
        "contacts.dataProtection",
        "opportunities.emails",
        "contacts.emails",
    ]
    .map(str::to_owned)
    .to_vec();
    let world = world_of(setup).await;
    let first = world.exported(export()).await;
    let refuses = Act::RefuseContact {
        contact: first.contact_id,
    };
    world.lever.act(refuses).expect("refused");
    for asked in [export(), by_link()] {
        let answer = world.export(asked).await.expect("recorded");
        assert_eq!(why(operation(&answer)).reason, "BLOCKED_DO_NOT_CONTACT");
    }
}

/// X1: the answer to a request that was answered before does not hang on what became of the account.
#[tokio::test]
async fn x1_an_export_that_is_repeated_after_the_account_was_unlinked_is_the_same_operation() {
    let world = world().await;
    let asked = pb::ExportCandidateRequest {
        files: vec![pb::ExportFile {
            name: "letter.txt".to_owned(),
            content: b"dear all".to_vec().into(),
            ..Default::default()
        }],
        ..export()
    };
    let first = world.exported(asked.clone()).await;
    let request = pb::DeleteConnectionRequest {
        connection_id: world.connection.clone(),
        ..Default::default()
    };
    let unlinked = world.api.connections().delete_connection(request).await;
    unlinked.expect("unlinked");
    let again = world.exported(asked.clone()).await;
    assert_eq!(operation(&again).id, operation(&first).id);
    let other = pb::ExportCandidateRequest {
        request_id: fresh_id(),
        ..asked
    };
    assert_eq!(refused(world.export(other).await).reason, "DISCONNECTED");
}

/// X1: what the settings make of a request is not what was asked.
#[tokio::test]
async fn x1_an_export_that_is_repeated_after_its_settings_have_changed_is_the_same_operation() {
    let world = world().await;
    let asked = export();
    let first = world.exported(asked.clone()).await;
    let settings = pb::ExportSettings {
        tags: vec!["Changed".to_owned()],
        source: "Elsewhere".to_owned(),
        cool_off_days: 7,
        ..world.export_settings().await
    };
    world.save_export_settings(settings).await.expect("saved");
    let writes = world.writes().len();
    let again = world.exported(asked.clone()).await;
    assert_eq!(operation(&again).id, operation(&first).id);
    assert_eq!(world.writes().len(), writes);
    let other = pb::ExportCandidateRequest {
        search_name: "Databases".to_owned(),
        ..asked
    };
    let told = refused(world.export(other).await);
    assert_eq!(told.code, Code::AlreadyExists);
    assert_ne!(told.details["digest"], told.details["asked_digest"]);
}

/// A key without access to confidential records exports before anything has told that it has none: what it may not list
/// it does not need, to judge whom it sees and to find again whom it has made.
#[tokio::test]
async fn a_key_whose_access_is_not_known_yet_exports_and_finds_what_it_made() {
    let mut setup = setup().with("FULCRUM__PULL__ENABLED", "false");
    setup.lever.keys = vec![Key {
        confidential: false,
        ..Key::all(&setup.key)
    }];
    let mut world = World::new(setup).await;
    world.connect().await;
    default_user(&world).await;
    let rule = FaultRule::on("createOpportunity", Action::ResetAfter).when(When::Nth(1));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![rule],
    });
    let made = world.exported(export()).await;
    assert_eq!(world.effects("createOpportunity"), 1);
    assert!(!made.contact_id.is_empty(), "{made:?}");
    let statuses = world.calls("listOpportunities").into_iter();
    let statuses: Vec<_> = statuses.filter_map(|call| call.status).collect();
    assert!(statuses.contains(&403), "{statuses:?}");
}
