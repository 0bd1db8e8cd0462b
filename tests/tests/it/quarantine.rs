//! What is kept of records that could not be read goes when they can, and when the person goes (X11, X17).

use lever_sim::Act;
use proto::v1 as pb;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Setup, World, until};

/// The id of somebody with an application and an e-mail address, after the first `skip` of them.
fn somebody(world: &World, skip: usize) -> Value {
    let people = world.lever.opportunities().into_iter();
    let mut people = people.filter(|person| {
        person["applications"].get(0).is_some()
            && person["emails"].get(0).is_some()
            && person["archived"].is_null()
    });
    people.nth(skip).expect("enough people")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The texts in quarantine; each counts in the status.
async fn texts(world: &World) -> Vec<String> {
    let records = world.quarantine().await.into_iter();
    records
        .map(|record| String::from_utf8(record.raw_json.to_vec()).expect("UTF-8"))
        .collect()
}

/// Waits until so many records are in quarantine, by the list and by the status.
async fn until_aside(world: &World, records: usize) {
    until("quarantine holds what it should", async || {
        world.pull().await;
        let listed = world.quarantine().await.len();
        (listed == records && world.quarantined().await == records as u64).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_record_that_is_repaired_in_lever_leaves_quarantine_with_its_text() {
    let mut world = World::new(Setup::full(20)).await;
    let [unread, inside, noted] = [0, 1, 2].map(|skip| somebody(&world, skip));
    let note = world
        .lever
        .add_note(text(&noted["id"]), "a note")
        .expect("known");
    let application = text(&inside["applications"][0]);
    world
        .lever
        .garble([text(&unread["id"]), application, &note]);
    world.connect().await;
    world.until_synced().await;
    until_aside(&world, 3).await;
    for stream in ["opportunities", "applications", "notes"] {
        assert_eq!(world.stream(stream).await.quarantined, 1, "{stream}");
    }
    let email = text(&unread["emails"][0]);
    assert!(texts(&world).await.iter().any(|raw| raw.contains(email)));
    // The people are there whose application or note is not.
    for person in [&inside, &noted] {
        let id = text(&person["id"]);
        let mirrored = world.opportunity(id).await.expect("mirrored");
        assert_eq!(Some(mirrored), world.lever.opportunity(id));
    }
    assert!(world.opportunity(text(&unread["id"])).await.is_err());

    world.lever.garble([]);
    for person in [&unread, &inside, &noted] {
        world.lever.touch(text(&person["id"])).expect("known");
    }
    until_aside(&world, 0).await;
    world.pull_until_mirror_equals_lever().await;
    let notes = world.records("notes").await.expect("read");
    assert!(notes.contains_key(&note));
    let applications = world.records("applications").await.expect("read");
    assert!(applications.contains_key(application));
}

#[tokio::test]
async fn what_is_in_quarantine_about_people_who_are_deleted_or_anonymized_goes() {
    let mut world = World::new(Setup::full(20)).await;
    let [unread, deleted, anonymous] = [0, 1, 2].map(|skip| somebody(&world, skip));
    let noted = |person: &Value, said: &str| {
        let note = world.lever.add_note(text(&person["id"]), said);
        note.expect("known")
    };
    let note = noted(&deleted, "about the deleted");
    let other = noted(&anonymous, "about the anonymous");
    let application = text(&anonymous["applications"][0]);
    world
        .lever
        .garble([text(&unread["id"]), &note, &other, application]);
    world.connect().await;
    world.until_synced().await;
    until_aside(&world, 4).await;

    world.lever.delete(text(&unread["id"])).expect("known");
    world.lever.delete(text(&deleted["id"])).expect("known");
    let anonymize = Act::Anonymize {
        contact: text(&anonymous["contact"]).to_owned(),
    };
    world.lever.act(anonymize).expect("known");
    // What is still garbled of the anonymous person says nothing about them any more.
    let gone = [
        text(&unread["emails"][0]),
        "about the deleted",
        "about the anonymous",
        text(&anonymous["emails"][0]),
    ];
    until("nothing about them is in quarantine", async || {
        world.pull().await;
        let texts = texts(&world).await;
        let left = |trace: &&str| texts.iter().any(|raw| raw.contains(*trace));
        (!gone.iter().any(left)).then_some(())
    })
    .await;
    world.lever.garble([]);
    world.lever.touch(text(&anonymous["id"])).expect("known");
    until_aside(&world, 0).await;
}

/// A server with these users and opportunities, and nothing else.
async fn serve(lever: &MockServer, users: &[Value], opportunities: &[Value]) {
    lever.reset().await;
    for (list, records) in [
        ("users", users),
        ("opportunities", opportunities),
        ("stages", &[]),
        ("opportunities/deleted", &[]),
    ] {
        let body = json!({ "data": records, "hasNext": false });
        Mock::given(method("GET"))
            .and(path(format!("/v1/{list}")))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(lever)
            .await;
    }
}

/// Nothing else tells of a record without an id that it is gone.
#[tokio::test]
async fn a_record_without_an_id_leaves_quarantine_once_a_whole_walk_does_not_show_it() {
    let lever = MockServer::start().await;
    let (user, person) = (json!({"id": "u"}), json!({"id": "o"}));
    let odd = [
        json!({"name": "Ada", "id": null}),
        json!({"name": "Bob", "id": []}),
    ];
    serve(
        &lever,
        &[user.clone(), odd[0].clone()],
        &[person.clone(), odd[1].clone()],
    )
    .await;
    let mut setup = Setup::new(0).with("FULCRUM__PULL__SWEEP_INTERVAL", "300ms");
    setup.connection = pb::Connection {
        streams: ["users", "stages", "opportunities"]
            .map(str::to_owned)
            .into(),
        base_url: format!("{}/v1", lever.uri()),
        ..setup.connection
    };
    let world = World::synced(setup).await;
    let kept = [("users", &odd[0]), ("opportunities", &odd[1])];
    for (stream, raw) in kept {
        assert_eq!(world.stream(stream).await.quarantined, 1, "{stream}");
        assert!(texts(&world).await.contains(&raw.to_string()), "{stream}");
    }
    serve(&lever, &[user], &[person]).await;
    until_aside(&world, 0).await;
    assert_eq!(world.stream("users").await.records, Some(1));
    assert_eq!(world.stream("opportunities").await.records, Some(1));
}

/// The settings leave archived people out, and what stands in them too.
#[tokio::test]
async fn what_the_settings_leave_out_is_not_in_quarantine_either() {
    let mut setup = Setup::full(20);
    setup.connection.include_archived = Some(false);
    let mut world = World::new(setup).await;
    let person = somebody(&world, 0);
    world.archive_in_lever(text(&person["id"]));
    world.lever.garble([text(&person["applications"][0])]);
    world.connect().await;
    world.until_synced().await;
    assert!(world.opportunity(text(&person["id"])).await.is_err());
    assert_eq!(texts(&world).await, Vec::<String>::new());
}

/// X10, P8: Lever's list of deletions does not tell of confidential people, only the walk over everybody does.
#[tokio::test]
async fn x10_somebody_who_cannot_be_read_keeps_nobody_else_who_is_gone() {
    let setup = Setup::new(40).with("FULCRUM__PULL__SWEEP_INTERVAL", "1s");
    let world = World::synced(setup).await;
    let [unread, changed] = [0, 1].map(|skip| somebody(&world, skip));
    let people = world.lever.opportunities();
    let hidden = people
        .iter()
        .find(|person| person["confidentiality"] == "confidential" && person["id"] != unread["id"]);
    let hidden = text(&hidden.expect("somebody confidential")["id"]).to_owned();
    world
        .lever
        .garble([text(&unread["id"]), text(&changed["id"])]);
    for person in [&unread, &changed] {
        let opportunity = text(&person["id"]).to_owned();
        world.lever.act(Act::Touch { opportunity }).expect("known");
    }
    until_aside(&world, 2).await;
    world.opportunity(&hidden).await.expect("is there");
    world.lever.delete(&hidden).expect("known");
    until("who is gone is gone", async || {
        world.pull().await;
        world.opportunity(&hidden).await.err()
    })
    .await;
    // Who is in Lever, and cannot be read, stays as they were.
    for person in [&unread, &changed] {
        let id = text(&person["id"]);
        world.opportunity(id).await.expect("is there still");
    }
}
