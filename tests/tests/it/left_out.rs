//! Fields that a connection leaves out, wherever an answer of Lever's would tell them (S-04).

use std::collections::{BTreeMap, BTreeSet};

use lever::registry::{self, Access, AnswerKind, Operation};
use proto::v1 as pb;
use proto::v1::call_request::Body;
use serde_json::{Value, json};
use tonic::Code;

use crate::support::{Setup, World, fresh_id, refused, until};

/// What is left out, each with keys under which records of its stream stand inside others.
const LEFT_OUT: [(&str, &str, &[&str]); 5] = [
    ("contacts.name", "name", &["contact"]),
    ("applications.email", "email", &["applications"]),
    ("stages.text", "text", &["stage"]),
    ("postings.text", "text", &["posting", "postings"]),
    (
        "users.email",
        "email",
        &[
            "owner",
            "user",
            "creator",
            "hiringManager",
            "postingOwner",
            "followers",
            "interviewers",
        ],
    ),
];

fn fields() -> Vec<String> {
    LEFT_OUT.map(|(field, _, _)| field.to_owned()).to_vec()
}

fn call(world: &World, operation: &str, path: BTreeMap<String, String>) -> pb::CallRequest {
    pb::CallRequest {
        connection_id: world.connection.clone(),
        operation_id: operation.to_owned(),
        path_parameters: path.into_iter().collect(),
        request_id: fresh_id(),
        ..Default::default()
    }
}

/// What `Call` answers, or none where the attribute cannot be expanded there.
async fn expanded(
    world: &World,
    operation: &Operation,
    path: &BTreeMap<String, String>,
    attribute: Option<&str>,
) -> Option<String> {
    let query = attribute.map(|attribute| pb::QueryParameter {
        name: "expand".to_owned(),
        value: attribute.to_owned(),
    });
    let request = pb::CallRequest {
        query: query.into_iter().collect(),
        ..call(world, operation.id, path.clone())
    };
    match world.api.lever().call(request).await {
        Ok(answer) => {
            let body = answer.into_inner().raw_json.to_vec();
            Some(String::from_utf8(body).expect("text"))
        }
        Err(refusal) => {
            assert_eq!(refusal.code(), Code::InvalidArgument, "{}", operation.id);
            assert!(attribute.is_some(), "{}: {refusal}", operation.id);
            None
        }
    }
}

/// Counts the records under keys that hold them, and fails for one that tells what is left out.
fn look_through(value: &Value, place: &str, found: &mut BTreeMap<&'static str, usize>) {
    match value {
        Value::Array(values) => values
            .iter()
            .for_each(|value| look_through(value, place, found)),
        Value::Object(parts) => {
            for (field, name, _) in LEFT_OUT.iter().filter(|(_, _, keys)| keys.contains(&place)) {
                assert!(!parts.contains_key(*name), "{field} under {place}");
                *found.entry(*field).or_default() += 1;
            }
            for (key, part) in parts {
                look_through(part, key, found);
            }
        }
        _ => {}
    }
}

/// What the path of a read needs: one person's records, of the kind it is about.
async fn places(world: &World, operation: &Operation) -> Vec<BTreeMap<String, String>> {
    let named: Vec<_> = operation.path_parameters().collect();
    let (person, record) = match named.as_slice() {
        [] => return vec![BTreeMap::new()],
        [person @ ("opportunity" | "candidate")] => (*person, None),
        [person @ ("opportunity" | "candidate"), record] => (*person, Some(*record)),
        [one] => return of_the_account(world, operation, one).await,
        more => panic!("{more:?}"),
    };
    let kind = operation.path.split('/').nth(3).unwrap_or_default();
    let mut found = Vec::new();
    for id in world.in_lever().into_keys() {
        let whose = (person.to_owned(), id.clone());
        let Some(record) = record else {
            found.push([whose].into());
            continue;
        };
        let list = format!("/opportunities/{id}/{kind}");
        for below in world.listed_in_lever(&list).await.into_keys().take(1) {
            found.push([whose.clone(), (record.to_owned(), below)].into());
        }
    }
    found
}

/// A few records of the account that a path can name.
async fn of_the_account(
    world: &World,
    operation: &Operation,
    parameter: &str,
) -> Vec<BTreeMap<String, String>> {
    let folder = operation.path.split('/').nth(1).expect("a folder");
    let ids: Vec<String> = match parameter {
        "contact" => {
            let people = world.lever.opportunities().into_iter();
            people
                .map(|person| person["contact"].as_str().expect("an id").to_owned())
                .collect()
        }
        "posting" => world
            .listed_in_lever("/postings")
            .await
            .into_keys()
            .collect(),
        _ => {
            let list = world.listed_in_lever(&format!("/{folder}")).await;
            list.into_keys().collect()
        }
    };
    let named = |id| [(parameter.to_owned(), id)].into();
    ids.into_iter().take(3).map(named).collect()
}

const ATTRIBUTES: [&str; 13] = [
    "contact",
    "applications",
    "stage",
    "owner",
    "followers",
    "posting",
    "postings",
    "user",
    "creator",
    "hiringManager",
    "postingOwner",
    "referrer",
    "feedbackForms",
];

/// Every read of the registry, today's and the legacy ones, with each attribute Lever expands there.
#[tokio::test]
async fn s04_no_read_shows_what_is_left_out_of_a_record_inside_another() {
    let mut setup = Setup::full(12)
        .with("FULCRUM__LEVER__REQUESTS_PER_SECOND", "1000")
        .with("FULCRUM__LEVER__BURST", "100");
    setup.connection.excluded_fields = fields();
    let world = World::synced(setup).await;
    let person = world.in_lever().into_keys().next().expect("somebody");
    let noted = world.note(&person, &fresh_id(), "seen").await;
    noted.expect("written");
    let users = world
        .listed_in_lever("/users?includeDeactivated=true")
        .await;
    let addresses: Vec<String> = users
        .values()
        .map(|text| serde_json::from_str::<Value>(text).expect("JSON")["email"].to_string())
        .collect();
    let mut found = BTreeMap::new();
    let mut asked = BTreeSet::new();
    let json = |operation: &&Operation| {
        operation.access == Access::Read && operation.answer != AnswerKind::Bytes
    };
    for operation in registry::OPERATIONS.iter().filter(json) {
        if is_left_aside(operation) {
            continue;
        }
        let attributes: &[&str] = match operation.query.contains(&"expand") {
            true => &ATTRIBUTES,
            false => &[],
        };
        for path in places(&world, operation).await {
            let every = std::iter::once(None).chain(attributes.iter().copied().map(Some));
            for attribute in every {
                let answer = expanded(&world, operation, &path, attribute).await;
                let Some(answer) = answer else { continue };
                let told = addresses.iter().find(|address| answer.contains(*address));
                assert_eq!(told, None, "{} expanding {attribute:?}", operation.id);
                let body: Value = serde_json::from_str(&answer).expect("JSON");
                look_through(&body, "", &mut found);
                asked.insert(operation.id);
            }
        }
    }
    assert!(asked.contains("listCandidates") && asked.contains("getCandidate"));
    assert!(asked.contains("listOpportunityInterviews") && asked.contains("listAuditEvents"));
    let skipped = registry::OPERATIONS
        .iter()
        .filter(json)
        .filter(|operation| !is_left_aside(operation) && !asked.contains(operation.id));
    assert_eq!(
        skipped.map(|operation| operation.id).collect::<Vec<_>>(),
        [""; 0]
    );
    for (field, _, _) in LEFT_OUT {
        assert!(
            found.get(field).is_some_and(|count| *count > 5),
            "{field}: {found:?}"
        );
    }
}

/// Answers about equal opportunity are not kept by this connection, and what is deleted is only its id.
fn is_left_aside(operation: &Operation) -> bool {
    operation.path.starts_with("/eeo/") || operation.path.ends_with("/deleted")
}

/// Mirrored, live and typed: Lever shows the interviewers of an interview unasked.
#[tokio::test]
async fn s04_what_lever_shows_unasked_is_left_out_of_the_mirror_and_of_live_reads() {
    let mut setup = Setup::full(12);
    setup.connection.excluded_fields = fields();
    let world = World::synced(setup).await;
    let mut interviewers = 0;
    for opportunity in world.in_lever().into_keys() {
        for from in [pb::ReadFrom::Mirror, pb::ReadFrom::Lever] {
            let request = pb::ListInterviewsRequest {
                connection_id: world.connection.clone(),
                opportunity_id: opportunity.clone(),
                read_from: from.into(),
                include_raw_json: true,
                ..Default::default()
            };
            let answer = world.api.lever().list_interviews(request).await;
            for interview in answer.expect("listed").into_inner().interviews {
                let mut found = BTreeMap::new();
                let raw: Value = serde_json::from_slice(&interview.raw_json).expect("JSON");
                look_through(&raw, "", &mut found);
                interviewers += found.get("users.email").copied().unwrap_or_default();
                assert!(
                    interview
                        .interviewers
                        .iter()
                        .all(|user| user.email.is_empty())
                );
            }
        }
    }
    assert!(interviewers > 1, "{interviewers}");
    // The title of a posting can be left out; a posting without one is still a posting.
    let request = pb::ListPostingsRequest {
        connection_id: world.connection.clone(),
        include_raw_json: true,
        ..Default::default()
    };
    let answer = world.api.lever().list_postings(request).await;
    let postings = answer.expect("listed").into_inner().postings;
    assert!(!postings.is_empty());
    for posting in postings {
        let raw: Value = serde_json::from_slice(&posting.raw_json).expect("JSON");
        assert_eq!((posting.text.as_str(), raw.get("text")), ("", None));
        assert!(raw.get("state").is_some());
    }
}

/// What a write answers is shown without what is left out when it was made, and without what is left out by now.
#[tokio::test]
async fn s04_the_answer_to_a_write_tells_nothing_that_is_left_out() {
    let mut setup = Setup::new(10);
    setup.connection.excluded_fields = vec!["contacts.emails".to_owned()];
    let world = World::synced(setup).await;
    let contact = world.lever.opportunities()[0]["contact"].clone();
    let contact = contact.as_str().expect("an id").to_owned();
    let request = pb::CallRequest {
        body: Some(Body::BodyJson(
            json!({"headline": "Moved on"}).to_string().into(),
        )),
        ..call(
            &world,
            "updateContact",
            [("contact".to_owned(), contact)].into(),
        )
    };
    let answer = world.api.lever().call(request).await.expect("taken");
    let operation = answer.into_inner().operation.expect("an operation");
    assert_eq!(operation.state(), pb::OperationState::Succeeded);
    let answered = |operation: &pb::Operation| {
        let body: Value = serde_json::from_slice(&operation.result_json).expect("JSON");
        body["data"].clone()
    };
    let written = answered(&operation);
    assert_eq!(written["headline"], "Moved on");
    assert_eq!(written.get("emails"), None);
    assert!(written.get("name").is_some());

    let wants = pb::Connection {
        excluded_fields: vec!["contacts.name".to_owned()],
        ..Default::default()
    };
    world
        .change(wants, &["excluded_fields"])
        .await
        .expect("changed");
    let request = pb::GetOperationRequest {
        connection_id: world.connection.clone(),
        operation_id: operation.id,
    };
    let later = world.api.operations().get_operation(request).await;
    let later = answered(&later.expect("known").into_inner().operation.expect("one"));
    assert_eq!((later.get("name"), later.get("emails")), (None, None));
    assert_eq!(later["headline"], "Moved on");
}

/// A field of users is in the stored interviews again once it is wanted, and out of sight once it is not.
#[tokio::test]
async fn s04_stored_records_that_show_it_are_read_again() {
    let mut setup = Setup::full(8);
    setup.connection.excluded_fields = vec!["users.email".to_owned()];
    let world = World::synced(setup).await;
    let mut in_lever = 0;
    for opportunity in world.in_lever().into_keys() {
        let list = format!("/opportunities/{opportunity}/interviews");
        let interviews = world.listed_in_lever(&list).await;
        in_lever += interviews.into_values().map(addresses_in).sum::<usize>();
    }
    assert!(in_lever > 0);
    let shown = async || {
        let interviews = world.records("interviews").await.expect("read");
        interviews.into_values().map(addresses_in).sum::<usize>()
    };
    assert_eq!(shown().await, 0);
    let with = |fields: &[&str]| pb::Connection {
        excluded_fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        ..Default::default()
    };
    let paths = ["excluded_fields"];
    let changed = world.change(with(&[]), &paths).await;
    changed.expect("changed");
    until("they are shown", async || {
        (shown().await == in_lever).then_some(())
    })
    .await;
    let changed = world.change(with(&["users.email"]), &paths).await;
    changed.expect("changed");
    assert_eq!(shown().await, 0, "what is stored is not shown either");
}

fn addresses_in(text: String) -> usize {
    text.matches("\"email\"").count()
}

/// A value of a path names one record or is refused; it never leads elsewhere.
#[tokio::test]
async fn a_path_value_that_leads_elsewhere_is_refused_and_nothing_is_sent() {
    let world = World::synced(Setup::new(5)).await;
    let before = world.writes().len();
    for bad in ["x\n", "\tx", ".\r.", "..", ".", "", "x\u{0}"] {
        let path = [("webhookId".to_owned(), bad.to_owned())].into();
        let request = call(&world, "deleteWebhook", path);
        let told = refused(world.api.lever().call(request).await);
        assert_eq!(told.code, Code::InvalidArgument, "{bad:?}");
        assert_eq!(told.fields, ["path_parameters.webhookId"], "{bad:?}");
        if bad.is_empty() {
            continue;
        }
        let live = pb::GetOpportunityRequest {
            connection_id: world.connection.clone(),
            opportunity_id: bad.to_owned(),
            read_from: pb::ReadFrom::Lever.into(),
            ..Default::default()
        };
        let told = refused(world.api.lever().get_opportunity(live).await);
        assert_eq!(told.code, Code::InvalidArgument, "{bad:?}");
        assert_eq!(told.fields, ["opportunity_id"], "{bad:?}");
        let told = refused(world.note(bad, &fresh_id(), "hello").await);
        assert_eq!(told.code, Code::InvalidArgument, "{bad:?}");
        assert_eq!(told.fields, ["opportunity_id"], "{bad:?}");
    }
    assert_eq!(world.writes().len(), before);
    // What can be written as one segment is asked for as it is.
    for odd in ["a/b?c=d#e", "%2e%2e", "../stages", "é \u{202e}", "a\\b"] {
        let path = [("opportunity".to_owned(), odd.to_owned())].into();
        let told = refused(
            world
                .api
                .lever()
                .call(call(&world, "getOpportunity", path))
                .await,
        );
        assert_eq!(told.code, Code::NotFound, "{odd:?}");
    }
    let elsewhere = world.lever.audit().into_iter();
    assert_eq!(
        elsewhere.filter(|entry| entry.operation.is_none()).count(),
        0
    );
}

/// What cannot be left out is named with the reason.
#[tokio::test]
async fn what_fulcrum_cannot_do_without_is_refused_by_name() {
    let world = World::synced(Setup::new(5)).await;
    for (field, why) in [
        ("contacts.id", "records are known by it"),
        ("notes.secret", "who may see"),
        ("archive_reasons.type", "a hire from a rejection"),
        ("opportunities.contact", "its person"),
        ("people.phones", "no such stream"),
    ] {
        let wants = pb::Connection {
            excluded_fields: vec!["notes.text".to_owned(), field.to_owned()],
            ..Default::default()
        };
        let told = refused(world.change(wants, &["excluded_fields"]).await);
        assert_eq!(told.code, Code::InvalidArgument, "{field}");
        assert_eq!(told.fields, ["connection.excluded_fields[1]"]);
        assert!(told.message.contains(why), "{field}: {}", told.message);
    }
}
