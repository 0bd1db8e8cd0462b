//! Each of the 79 permissions of the set-up guide at work over gRPC (F-03, F-10, F-11, F-12, F-20 to F-29).

use std::collections::BTreeMap;

use lever::registry::{self, AnswerKind, BodyKind, Operation};
use lever_sim::Children;
use proto::v1 as pb;
use proto::v1::call_request::Body;
use proto::v1::download_file_request::Source;
use serde_json::{Value, json};

use crate::support::{Setup, World, fresh_id};

/// A large enough account that somebody has each kind of record.
const PEOPLE: usize = 60;

async fn world() -> World {
    let mut setup = Setup::new(PEOPLE)
        .with("FULCRUM__LEVER__REQUESTS_PER_SECOND", "1000")
        .with("FULCRUM__LEVER__BURST", "100");
    setup.lever.children = Children::Full;
    setup.connection.streams = domain::Stream::ALL
        .iter()
        .map(|stream| stream.name().to_owned())
        .collect();
    World::synced(setup).await
}

/// The permissions of the guide that only read, or that write.
async fn guide(world: &World, kind: pb::PermissionKind) -> Vec<String> {
    let request = pb::CheckPermissionsRequest {
        connection_id: world.connection.clone(),
        probe_all: false,
        ..Default::default()
    };
    let report = world.api.connections().check_permissions(request).await;
    let permissions = report.expect("a report").into_inner().permissions;
    permissions
        .into_iter()
        .filter(|permission| permission.in_guide && permission.kind() == kind)
        .map(|permission| permission.name)
        .collect()
}

/// What a path needs to name records that are there, those of one person where it is about one.
async fn places(world: &World, operation: &Operation, whose: &str) -> BTreeMap<String, String> {
    let named: Vec<_> = operation.path_parameters().collect();
    let folder = operation.path.split('/').nth(1).expect("a folder");
    match named.as_slice() {
        [] => BTreeMap::new(),
        ["contact"] => {
            let contact = &world.lever.opportunities()[0]["contact"];
            let id = contact.as_str().expect("a contact").to_owned();
            [("contact".to_owned(), id)].into()
        }
        [one] if ["opportunity", "candidate"].contains(one) => {
            [((*one).to_owned(), whose.to_owned())].into()
        }
        [one] => {
            let list = world.listed_in_lever(&format!("/{folder}")).await;
            let id = list.into_keys().next().expect("a record");
            [((*one).to_owned(), id)].into()
        }
        [person, record] => {
            let kind = operation.path.split('/').nth(3).expect("a kind");
            for opportunity in world.lever.opportunities() {
                let id = opportunity["id"].as_str().expect("an id").to_owned();
                let list = world
                    .listed_in_lever(&format!("/opportunities/{id}/{kind}"))
                    .await;
                let readable = |text: &String| {
                    let record: Value = serde_json::from_str(text).expect("JSON");
                    let file = record.get("file").unwrap_or(&record);
                    operation.answer != AnswerKind::Bytes || file["status"] == "processed"
                };
                if let Some((found, _)) = list.iter().find(|(_, text)| readable(text)) {
                    let places = [
                        ((*person).to_owned(), id),
                        ((*record).to_owned(), found.clone()),
                    ];
                    return places.into();
                }
            }
            panic!("nobody has any {kind}")
        }
        more => panic!("{more:?}"),
    }
}

async fn download(world: &World, operation: &Operation, places: BTreeMap<String, String>) -> i32 {
    let of = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| places.get(*name));
        found.cloned()
    };
    let resume = of(["resume", "resume"]).map(Source::ResumeId);
    let request = pb::DownloadFileRequest {
        connection_id: world.connection.clone(),
        opportunity_id: of(["opportunity", "candidate"]).expect("whose"),
        source: resume.or(of(["file", "file"]).map(Source::FileId)),
        ..Default::default()
    };
    let answer = world.api.candidates().download_file(request).await;
    let mut parts = answer.unwrap_or_else(|error| panic!("{}: {error}", operation.id));
    let mut messages = 0;
    while parts.get_mut().message().await.expect("a part").is_some() {
        messages += 1;
    }
    assert!(messages > 1, "{}: no bytes", operation.id);
    200
}

/// F-10, F-11, F-12: every read of the guide answers over gRPC.
#[tokio::test]
async fn f10_each_read_permission_of_the_guide_works() {
    let world = world().await;
    let whose = world.open_opportunities().remove(0);
    let names = guide(&world, pb::PermissionKind::Read).await;
    assert_eq!(names.len(), 55);
    for name in names {
        let operation = registry::by_permission(&name).next().expect("an operation");
        let places = places(&world, operation, &whose).await;
        let status = if operation.answer == AnswerKind::Bytes {
            download(&world, operation, places).await
        } else {
            let request = pb::CallRequest {
                connection_id: world.connection.clone(),
                permission: name.clone(),
                path_parameters: places.into_iter().collect(),
                ..Default::default()
            };
            let answer = world.api.lever().call(request).await;
            let answer = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
            let answer = answer.into_inner();
            let body: Value = serde_json::from_slice(&answer.raw_json).expect("JSON");
            assert!(!body["data"].is_null(), "{name}");
            answer.status
        };
        assert_eq!(status, 200, "{name}");
    }
}

/// The body with which a write of the guide does something that shows.
async fn body(
    world: &World,
    operation: &Operation,
    places: &BTreeMap<String, String>,
    whose: &str,
) -> Value {
    let person = world.lever.opportunity(whose).expect("somebody");
    match operation.id {
        "updateOpportunityArchived" => {
            let reasons = world.lever.archive_reasons();
            let reason = reasons
                .iter()
                .find(|reason| reason["type"] == "non-hired" && reason["status"] == "active");
            json!({"reason": reason.expect("a reason")["id"]})
        }
        "updateOpportunityStage" | "updateCandidateStage" => {
            let stages = world.lever.stages();
            let other = stages.iter().find(|stage| stage["id"] != person["stage"]);
            json!({"stage": other.expect("another stage")["id"]})
        }
        "updateOpportunityNote" => json!({"values": [{"value": "Edited."}]}),
        "createOpportunityNote" | "createCandidateNote" => json!({"value": "Seen."}),
        "updateUser" => {
            let users = world.listed_in_lever("/users").await;
            let user: Value = serde_json::from_str(&users[&places["user"]]).expect("JSON");
            json!({"name": "Renamed", "email": user["email"], "accessRole": user["accessRole"]})
        }
        "updateContact" => json!({"headline": "Moved on"}),
        "addOpportunityTags" | "removeOpportunityTags" => json!({"tags": ["seen over gRPC"]}),
        "addCandidateTags" | "removeCandidateTags" => json!({"tags": ["seen the old way"]}),
        "addOpportunitySources" | "removeOpportunitySources" => json!({"sources": ["gRPC"]}),
        "addCandidateSources" => json!({"sources": ["gRPC, the old way"]}),
        "addOpportunityLinks" | "removeOpportunityLinks" => {
            json!({"links": ["https://example.com/ada"]})
        }
        "addCandidateLinks" => json!({"links": ["https://example.com/ada-lovelace"]}),
        "createOpportunity" | "createCandidate" => {
            json!({"name": "Ada Example", "emails": [format!("{}@example.com", fresh_id())]})
        }
        "createCandidateForm" => {
            let templates = world.listed_in_lever("/form_templates").await;
            let (id, text) = templates.iter().next().expect("a template");
            let template: Value = serde_json::from_str(text).expect("JSON");
            json!({"baseTemplateId": id, "fields": filled(&template)})
        }
        "applyToPosting" => json!({"personalInformation": [
            {"name": "fullName", "value": "Ada Example"}, {"name": "email", "value": "ada@example.com"}
        ]}),
        other => panic!("no body for {other}"),
    }
}

/// The fields of a template in their order, each with an answer that its type allows.
fn filled(template: &Value) -> Value {
    let mut fields = template["fields"].clone();
    for field in fields.as_array_mut().expect("fields") {
        let answer = match field["type"].as_str().expect("a type") {
            "date" | "currency" => json!(1),
            "yes-no" => json!("no"),
            _ if field["required"] == false => Value::Null,
            _ => field["options"][0]["text"].clone(),
        };
        field["value"] = answer;
    }
    fields
}

/// A posting that can be applied to with a name and an address.
async fn open_posting(world: &World) -> String {
    for (id, text) in world.listed_in_lever("/postings").await {
        let posting: Value = serde_json::from_str(&text).expect("JSON");
        if posting["state"] != "published" {
            continue;
        }
        let request = pb::CallRequest {
            connection_id: world.connection.clone(),
            operation_id: "getPostingApplyForm".to_owned(),
            path_parameters: [("posting".to_owned(), id.clone())].into(),
            ..Default::default()
        };
        let answer = world.api.lever().call(request).await.expect("a form");
        let form: Value = serde_json::from_slice(&answer.into_inner().raw_json).expect("JSON");
        let asks = form["data"]["customQuestions"].to_string();
        if !asks.contains("\"required\":true") {
            return id;
        }
    }
    panic!("no posting is easily applied to")
}

async fn upload(world: &World, operation: &Operation, whose: &str, user: &str) -> pb::Operation {
    let (target, opportunity) = match operation.id {
        "uploadOpportunityFile" => (pb::UploadTarget::Opportunity, whose.to_owned()),
        "uploadCandidateFile" => (pb::UploadTarget::Candidate, whose.to_owned()),
        _ => (pb::UploadTarget::Application, String::new()),
    };
    let request = pb::UploadFileRequest {
        connection_id: world.connection.clone(),
        opportunity_id: opportunity,
        request_id: fresh_id(),
        perform_as: user.to_owned(),
        name: "letter.txt".to_owned(),
        target: target.into(),
        chunk: b"Dear all"[..].into(),
        ..Default::default()
    };
    let messages = futures::stream::iter([request]);
    let answer = world.api.candidates().upload_file(messages).await;
    let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", operation.id));
    answer.into_inner().operation.expect("an operation")
}

async fn write(world: &World, operation: &Operation, whose: &str, user: &str) -> pb::Operation {
    let mut places = places(world, operation, whose).await;
    if let Some(posting) = places.get_mut("posting") {
        *posting = open_posting(world).await;
    }
    if operation.id == "updateOpportunityNote" {
        places = own_note(world, whose, user).await;
    }
    let body = body(world, operation, &places, whose).await;
    let request = pb::CallRequest {
        connection_id: world.connection.clone(),
        operation_id: operation.id.to_owned(),
        path_parameters: places.into_iter().collect(),
        request_id: fresh_id(),
        perform_as: user.to_owned(),
        body: Some(Body::BodyJson(body.to_string().into())),
        ..Default::default()
    };
    let answer = world.api.lever().call(request).await;
    let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", operation.id));
    answer.into_inner().operation.expect("an operation")
}

/// Only notes that were written through the API can be edited (behaviour: "Notes").
async fn own_note(world: &World, whose: &str, user: &str) -> BTreeMap<String, String> {
    let opportunity = whose.to_owned();
    let request = pb::CreateNoteRequest {
        opportunity_id: opportunity.clone(),
        request_id: fresh_id(),
        perform_as: user.to_owned(),
        value: "First".to_owned(),
        ..Default::default()
    };
    let note = world.create_note(request).await.expect("written").result_id;
    [
        ("opportunity".to_owned(), opportunity),
        ("note".to_owned(), note),
    ]
    .into()
}

/// F-20 to F-29: every write of the guide is made over gRPC, once, and shows in Lever.
#[tokio::test]
async fn f20_each_write_permission_of_the_guide_works() {
    let world = world().await;
    let whose = world.open_opportunities().remove(0);
    let user = world.lever.active_users().remove(0);
    let names = guide(&world, pb::PermissionKind::Write).await;
    assert_eq!(names.len(), 24);
    // From the end: what is removed has been added by then.
    let writes = names
        .iter()
        .rev()
        .flat_map(|name| registry::by_permission(name));
    for operation in writes {
        let before = world.effects(operation.id);
        let written = if operation.body == BodyKind::Multipart {
            upload(&world, operation, &whose, &user).await
        } else {
            write(&world, operation, &whose, &user).await
        };
        assert_eq!(
            written.state(),
            pb::OperationState::Succeeded,
            "{}: {written:?}",
            operation.id
        );
        assert_eq!(world.effects(operation.id), before + 1, "{}", operation.id);
    }
    world.pull_until_mirror_equals_lever().await;
}
