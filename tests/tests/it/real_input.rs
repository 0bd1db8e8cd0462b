//! Documents recorded from a real Lever come back byte for byte, unknown fields included.
//!
//! Reads the folder that `FULCRUM_LEVER_DOCS` names; skipped when it is unset.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use proto::v1 as pb;
use serde_json::value::RawValue;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Setup, World};

/// Path of a list, and the recorded documents that hold its records.
const LISTS: &[(&str, &[&str])] = &[
    ("/v1/users", &["users.list.json", "user.get.json"]),
    ("/v1/stages", &["stages.list.json"]),
    (
        "/v1/archive_reasons",
        &["archive-reasons.list.json", "archive-reason.get.json"],
    ),
    ("/v1/tags", &["tags.list.json"]),
    ("/v1/sources", &["sources.list.json"]),
    ("/v1/postings", &["postings.list.json", "posting.get.json"]),
    (
        "/v1/opportunities",
        &[
            "opportunities.list.json",
            "opportunity.get.json",
            "opportunity.multi-stage.json",
        ],
    ),
];

/// Records by id, as Lever wrote them.
type Records = BTreeMap<String, String>;

#[expect(
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a skipped test says so"
)]
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("FULCRUM_LEVER_DOCS");
    if folder.is_none() {
        eprintln!("skipped: FULCRUM_LEVER_DOCS names no folder with recorded documents");
    }
    folder.map(|folder| PathBuf::from(folder).join("fixtures"))
}

#[tokio::test]
async fn recorded_documents_are_mirrored_byte_for_byte() {
    let Some(folder) = folder() else { return };
    let lever = MockServer::start().await;
    let mut recorded = BTreeMap::new();
    for (list, files) in LISTS {
        let mut records = Records::new();
        for file in *files {
            let text = fs::read_to_string(folder.join(file)).expect("a recorded document");
            records.extend(records_of(&text));
        }
        serve(&lever, list, &records).await;
        recorded.insert(*list, records);
    }
    serve(&lever, "/v1/opportunities/deleted", &Records::new()).await;

    let mut setup = Setup::new(1);
    setup.connection.base_url = format!("{}/v1", lever.uri());
    let served = LISTS
        .iter()
        .map(|(list, _)| list.trim_start_matches("/v1/").to_owned());
    setup.connection.streams = served.chain(["contacts".to_owned()]).collect();
    let world = World::synced(setup).await;
    assert_eq!(world.mirrored().await, recorded["/v1/opportunities"]);
    macro_rules! same {
        ($($path:literal: $method:ident($request:ident).$items:ident;)*) => {
            $({
                let request = pb::$request {
                    connection_id: world.connection.clone(),
                    page_size: 1000,
                    include_raw_json: true,
                    ..Default::default()
                };
                let page = world.api.lever().$method(request).await.expect("a page").into_inner();
                let kept: Records = page
                    .$items
                    .into_iter()
                    .map(|item| (item.id, String::from_utf8(item.raw_json.to_vec()).expect("UTF-8")))
                    .collect();
                assert_eq!(kept, recorded[$path], $path);
            })*
        };
    }
    same! {
        "/v1/users": list_users(ListUsersRequest).users;
        "/v1/stages": list_stages(ListStagesRequest).stages;
        "/v1/archive_reasons": list_archive_reasons(ListArchiveReasonsRequest).archive_reasons;
        "/v1/tags": list_tags(ListTagsRequest).tags;
        "/v1/sources": list_sources(ListSourcesRequest).sources;
        "/v1/postings": list_postings(ListPostingsRequest).postings;
    }
}

/// The records of a recorded list, or the one of a recorded single answer.
fn records_of(text: &str) -> Records {
    let answer: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(text).expect("an answer of Lever's");
    let data = &answer["data"];
    let records: Vec<Box<RawValue>> = if data.get().starts_with('[') {
        serde_json::from_str(data.get()).expect("a list")
    } else {
        vec![data.clone()]
    };
    records
        .into_iter()
        .map(|record| (key_of(record.get()), record.get().to_owned()))
        .collect()
}

/// Its id, or for tags and sources the text itself.
fn key_of(record: &str) -> String {
    let record: serde_json::Value = serde_json::from_str(record).expect("an object");
    record
        .get("id")
        .or_else(|| record.get("text"))
        .and_then(|key| key.as_str())
        .expect("a key")
        .to_owned()
}

async fn serve(lever: &MockServer, list: &str, records: &Records) {
    let data: Vec<_> = records.values().map(String::as_str).collect();
    let body = format!("{{\"data\":[{}],\"hasNext\":false}}", data.join(","));
    let answer = ResponseTemplate::new(200).set_body_raw(body, "application/json; charset=utf-8");
    Mock::given(method("GET"))
        .and(path(list))
        .respond_with(answer)
        .mount(lever)
        .await;
}

/// Nothing in Lever says that a note is below one opportunity only: whoever asks names the opportunity.
#[tokio::test]
async fn a_note_that_is_listed_below_two_opportunities_is_found_below_both() {
    let lever = MockServer::start().await;
    let one = |id: &str, raw: &str| Records::from([(id.to_owned(), raw.to_owned())]);
    let people = [
        ("o1".to_owned(), r#"{"id":"o1"}"#.to_owned()),
        ("o2".to_owned(), r#"{"id":"o2"}"#.to_owned()),
        ("o3".to_owned(), r#"{"id":"o3"}"#.to_owned()),
    ];
    serve(&lever, "/v1/opportunities", &people.into()).await;
    for person in ["o1", "o2"] {
        let list = format!("/v1/opportunities/{person}/notes");
        serve(&lever, &list, &one("n", r#"{"id":"n","text":"hello"}"#)).await;
    }
    serve(&lever, "/v1/opportunities/o3/notes", &Records::new()).await;
    serve(&lever, "/v1/stages", &Records::new()).await;
    serve(&lever, "/v1/opportunities/deleted", &Records::new()).await;
    let mut setup = Setup::new(0);
    setup.connection.base_url = format!("{}/v1", lever.uri());
    setup.connection.streams = ["stages", "opportunities", "notes"]
        .map(str::to_owned)
        .into();
    let world = World::synced(setup).await;
    for (opportunity, note, found) in [
        ("o1", "n", true),
        ("o2", "n", true),
        ("o3", "n", false),
        ("o1", "m", false),
    ] {
        let request = pb::GetNoteRequest {
            connection_id: world.connection.clone(),
            note_id: note.to_owned(),
            opportunity_id: opportunity.to_owned(),
            ..Default::default()
        };
        let answer = world.api.lever().get_note(request).await;
        let below = answer.ok().and_then(|answer| answer.into_inner().note);
        let below = below.map(|note| note.opportunity_id);
        assert_eq!(below.as_deref(), found.then_some(opportunity));
    }
}
