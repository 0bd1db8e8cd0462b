//! The simulator's answers have the shape of recorded ones: the same keys with values of the same types.
//!
//! Reads the documents in the folder that `FULCRUM_LEVER_DOCS` names; skipped when it is unset.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{World, text};

/// What a document is made of: each path with the types seen there. Items of one list are one place.
type Shape = BTreeMap<String, Vec<&'static str>>;

fn shape(document: &Value) -> Shape {
    let mut shape = Shape::new();
    collect(document, String::new(), &mut shape);
    shape
}

fn collect(value: &Value, path: String, shape: &mut Shape) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let kinds = shape.entry(path.clone()).or_default();
    if !kinds.contains(&kind) {
        kinds.push(kind);
    }
    match value {
        Value::Array(items) => {
            items
                .iter()
                .for_each(|item| collect(item, format!("{path}[]"), shape));
        }
        Value::Object(fields) => {
            fields
                .iter()
                .for_each(|(key, value)| collect(value, format!("{path}.{key}"), shape));
        }
        _ => {}
    }
}

/// Differences in keys and types, as far as both documents can show them.
fn differences(recorded: &Shape, simulated: &Shape) -> Vec<String> {
    let mut found = Vec::new();
    for (one, other, what) in [
        (recorded, simulated, "missing"),
        (simulated, recorded, "invented"),
    ] {
        for path in one.keys().filter(|path| !other.contains_key(*path)) {
            if shows(other, path) {
                found.push(format!("{what}: {path}"));
            }
        }
    }
    for (path, kinds) in recorded {
        let known = |kind: &&str| kinds.contains(kind) || *kind == "null" || kinds == &["null"];
        if simulated
            .get(path)
            .is_some_and(|seen| !seen.iter().all(known))
        {
            found.push(format!("type: {path}: {kinds:?} {:?}", simulated[path]));
        }
    }
    found
}

/// Whether a document has the place a path is in: the object around a key, an item of a list.
fn shows(shape: &Shape, path: &str) -> bool {
    match path.strip_suffix("[]") {
        Some(_) => false,
        None => path.rsplit_once('.').is_some_and(|(parent, _)| {
            shape
                .get(parent)
                .is_some_and(|kinds| kinds.contains(&"object"))
        }),
    }
}

fn recorded(name: &str) -> Option<Value> {
    let folder = PathBuf::from(std::env::var_os("FULCRUM_LEVER_DOCS")?);
    let document = std::fs::read(folder.join("fixtures").join(name)).unwrap();
    Some(serde_json::from_slice(&document).unwrap())
}

/// Keys that only some records have, or that recordings of an older time lack.
fn optional(difference: &str) -> bool {
    [".salaryRange", ".opportunityLocation", ".userId", ".next"]
        .iter()
        .any(|key| difference.ends_with(key))
}

pub(crate) fn compare(name: &str, simulated: &Value) {
    let Some(recorded) = recorded(name) else {
        eprintln!("skipped {name}: FULCRUM_LEVER_DOCS is unset");
        return;
    };
    let mut differences = differences(&shape(&recorded), &shape(simulated));
    differences.retain(|difference| !optional(difference));
    assert_eq!(differences, Vec::<String>::new(), "{name}");
}

#[tokio::test]
async fn reads_have_the_recorded_shapes() {
    let world = World::of(200).await;
    let it = world.applied();
    let id = text(&it["id"]);
    let application = format!(
        "/opportunities/{id}/applications/{}",
        text(&it["applications"][0])
    );
    let user = format!("/users/{}", world.sim.active_users()[0]);
    let reason = format!(
        "/archive_reasons/{}",
        text(&world.sim.archive_reasons()[0]["id"])
    );
    let posting = format!(
        "/postings/{}",
        world.walk("/postings", &[("state", "internal")]).await[0]
    );
    let contact = format!("/contacts/{}", text(&it["contact"]));
    for (name, path) in [
        ("users.list.json", "/users"),
        ("user.get.json", &user),
        ("stages.list.json", "/stages"),
        ("disposition-stages.get.json", "/disposition_stages"),
        ("archive-reasons.list.json", "/archive_reasons"),
        ("archive-reason.get.json", &reason),
        ("tags.list.json", "/tags"),
        ("sources.list.json", "/sources"),
        ("postings.list.json", "/postings"),
        ("posting.get.json", &posting),
        ("contact.get.json", &contact),
        ("opportunities.list.json", "/opportunities"),
        ("opportunity.get.json", &format!("/opportunities/{id}")),
        (
            "opportunity.multi-stage.json",
            &format!("/opportunities/{id}"),
        ),
        ("application.get.json", &application),
        ("opportunities.deleted.empty.json", "/opportunities/deleted"),
    ] {
        let answer = world.get(path, &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        compare(name, &answer.body);
    }
}

#[tokio::test]
async fn writes_have_the_recorded_shapes_too() {
    let world = World::of(200).await;
    let id = text(&world.applied()["id"]);
    let user = world.sim.active_users()[0].clone();
    let at = |call: &str| format!("/opportunities/{id}/{call}?perform_as={user}");
    let stage = world
        .put(&at("stage"), &json!({ "stage": "lead-reached-out" }))
        .await;
    compare("opportunity.update-stage.response.json", &stage.body);
    let reason = &world.sim.archive_reasons()[0]["id"];
    let archived = world
        .put(
            &at("archived"),
            &json!({ "reason": reason, "cleanInterviews": false }),
        )
        .await;
    compare("opportunity.update-archived.response.json", &archived.body);
    let tags = world
        .post(&at("addTags"), &json!({ "tags": ["example-test-tag"] }))
        .await;
    compare("opportunity.add-tags.response.json", &tags.body);
    let sources = world
        .post(
            &at("addSources"),
            &json!({ "sources": ["Example Test Source"] }),
        )
        .await;
    compare("opportunity.add-sources.response.json", &sources.body);
    let links = world
        .post(
            &at("addLinks"),
            &json!({ "links": ["https://example.com/seed-link"] }),
        )
        .await;
    compare("opportunity.add-links.response.json", &links.body);
    for body in [&stage, &archived, &tags, &sources, &links] {
        assert!(body.body["data"].get("opportunityLocation").is_none());
    }

    let note = world
        .post(&at("notes"), &json!({ "value": "Test note" }))
        .await;
    compare("note.create.response.json", &note.body);
    let read = format!(
        "/opportunities/{id}/notes/{}",
        text(&note.body["data"]["noteId"])
    );
    compare("note.get.json", &world.get(&read, &[]).await.body);
    compare(
        "notes.list.secret.json",
        &world
            .get(&format!("/opportunities/{id}/notes"), &[])
            .await
            .body,
    );
    let posting = world.walk("/postings", &[]).await[0].clone();
    let body = json!({
        "name": "Example Test Candidate", "headline": "Test Headline", "origin": "sourced",
        "phones": [{ "value": "(555) 123-4567", "type": "mobile" }],
        "emails": ["person-5207@example.com"], "tags": ["Test"], "sources": ["LinkedIn"],
        "postings": [posting],
    });
    let made = world
        .post(&format!("/opportunities?perform_as={user}"), &body)
        .await;
    compare("opportunity.create.response.json", &made.body);
}

#[tokio::test]
async fn files_applications_and_webhooks_have_the_recorded_shapes() {
    let world = World::of(200).await;
    let of = |kind: &str| {
        let with = world.sim.opportunities().into_iter().find(|it| {
            let found = world.sim.children(&text(&it["id"]), kind);
            found
                .iter()
                .any(|it| it["file"].is_object() || it["ext"].is_string())
        });
        text(&with.unwrap()["id"])
    };
    for (kind, list, single) in [
        ("files", "files.list.json", "file.get.json"),
        ("resumes", "resumes.list.json", "resume.get.json"),
    ] {
        let path = format!("/opportunities/{}/{kind}", of(kind));
        let listed = world.get(&path, &[]).await.body;
        compare(list, &listed);
        let path = format!("{path}/{}", text(&listed["data"][0]["id"]));
        compare(single, &world.get(&path, &[]).await.body);
    }
    compare(
        "audit-events.list.json",
        &world.get("/audit_events", &[]).await.body,
    );
    let postings = world.get("/postings", &[]).await.body["data"].clone();
    for posting in postings.as_array().unwrap() {
        let form = format!("/postings/{}/apply", text(&posting["id"]));
        let form = world.get(&form, &[]).await.body;
        let consents = form["data"]["consentDisclosures"].is_object();
        match (
            posting["country"] == "US",
            form["data"]["customQuestions"][0]["text"] == "Education",
        ) {
            (true, false) => compare("posting-apply.eeo.json", &form),
            (false, true) if !consents => compare("posting-apply.custom-questions.json", &form),
            _ => {}
        }
        if posting["country"] == "US" {
            let survey = format!("/surveys/diversity/{}", text(&posting["id"]));
            compare(
                "diversity-survey.get.json",
                &world.get(&survey, &[]).await.body,
            );
        }
    }
    let hook = json!({ "url": "https://example.com/hook", "event": "candidateHired" });
    compare(
        "webhook.create.response.json",
        &world.post("/webhooks", &hook).await.body,
    );
    compare(
        "webhooks.list.json",
        &world.get("/webhooks", &[]).await.body,
    );
}

#[test]
fn a_shape_tells_missing_invented_and_changed_keys() {
    let shapes = |one: Value, other: Value| differences(&shape(&one), &shape(&other));
    assert!(
        shapes(
            json!({"a": [{"b": 1}]}),
            json!({"a": [{"b": 2}, {"b": null}]})
        )
        .is_empty()
    );
    assert!(shapes(json!({"a": [{"b": 1}]}), json!({"a": []})).is_empty());
    assert_eq!(
        shapes(json!({"a": 1, "b": 2}), json!({"a": 1})),
        ["missing: .b"]
    );
    assert_eq!(
        shapes(json!({"a": {"c": 1}}), json!({"a": {"c": 1, "d": 1}})),
        ["invented: .a.d"]
    );
    assert_eq!(shapes(json!({"a": 1}), json!({"a": "1"})).len(), 1);
}
