//! Applying through the API, and what is told beside it: surveys and audit events.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::support::{World, ids, read, text};

const DAY: i64 = 86_400_000;

/// The first posting in one of these states whose form fits, and the form.
async fn posting(world: &World, state: &str, fits: impl Fn(&Value) -> bool) -> (Value, Value) {
    let postings = world.get("/postings", &[("state", state)]).await.body;
    for posting in postings["data"].as_array().unwrap() {
        let path = format!("/postings/{}/apply", text(&posting["id"]));
        let form = world.get(&path, &[]).await.body["data"].clone();
        if fits(&form) {
            return (posting.clone(), form);
        }
    }
    panic!("the population has no such posting");
}

fn set<'a>(form: &'a Value, name: &str) -> Option<&'a Value> {
    let sets = form["customQuestions"].as_array().unwrap();
    sets.iter().find(|set| set["text"] == name)
}

fn plain(form: &Value) -> bool {
    set(form, "Experience").is_none()
}

fn person() -> Value {
    json!([
        { "name": "fullName", "value": "Robin Fernhollow" },
        { "name": "email", "value": "robin@example.com" },
    ])
}

async fn apply(world: &World, posting: &Value, body: &Value) -> (u16, Value) {
    let path = format!("/postings/{}/apply", text(&posting["id"]));
    let answer = world.post(&path, body).await;
    (answer.status, answer.body)
}

/// The opportunity an application was made on.
fn of_application(world: &World, answer: &Value) -> Value {
    let id = &answer["data"]["applicationId"];
    world.find(|it| it["applications"][0] == *id)
}

#[tokio::test]
async fn a_name_and_an_address_are_enough_to_apply() {
    let world = World::of(10).await;
    let (posting, _) = posting(&world, "published", plain).await;
    let now = world.pass(5);
    let body = json!({ "personalInformation": person() });
    let (status, answer) = apply(&world, &posting, &body).await;
    assert_eq!(status, 201, "{answer}");
    let it = of_application(&world, &answer);
    assert_eq!(
        [
            &it["stage"],
            &it["origin"],
            &it["sources"],
            &it["owner"],
            &it["followers"]
        ],
        [
            &json!("applicant-new"),
            &json!("applied"),
            &json!(["Job site"]),
            &posting["owner"],
            &posting["followers"]
        ]
    );
    assert_eq!(it["sourcedBy"], Value::Null);
    let entered = json!([{ "toStageId": "applicant-new", "toStageIndex": 3, "updatedAt": now }]);
    assert_eq!(it["stageChanges"], entered);
    assert_eq!(
        (&it["name"], &it["emails"]),
        (&json!("Robin Fernhollow"), &json!(["robin@example.com"]))
    );
}

#[tokio::test]
async fn origin_and_source_follow_the_request_and_the_posting() {
    let world = World::of(10).await;
    let (internal, _) = posting(&world, "internal", plain).await;
    let body = json!({ "personalInformation": person() });
    let (_, answer) = apply(&world, &internal, &body).await;
    assert_eq!(of_application(&world, &answer)["origin"], "internal");
    let body =
        json!({ "personalInformation": person(), "origin": "applied", "source": "Partner board" });
    let (_, answer) = apply(&world, &internal, &body).await;
    let it = of_application(&world, &answer);
    assert_eq!(
        (&it["origin"], &it["sources"]),
        (&json!("applied"), &json!(["Partner board"]))
    );
    let contacts = world.sim.opportunities();
    let contacts: Vec<&Value> = contacts
        .iter()
        .filter(|it| it["name"] == "Robin Fernhollow")
        .map(|it| &it["contact"])
        .collect();
    assert_eq!(
        (contacts.len(), contacts[0] == contacts[1]),
        (2, true),
        "one person, two candidacies"
    );
}

#[tokio::test]
async fn everything_submitted_is_on_the_application() {
    let world = World::of(10).await;
    let (posting, form) = posting(&world, "published", |form| {
        set(form, "Experience").is_some()
    })
    .await;
    let upload = Form::new().part(
        "file",
        Part::bytes(b"%PDF-1.4".to_vec()).file_name("cv.pdf"),
    );
    let upload = world.request(Method::POST, "/uploads").multipart(upload);
    let upload = read(upload.send().await.unwrap()).await.body["data"].clone();
    let mut personal = person();
    personal.as_array_mut().unwrap().extend([
        json!({ "name": "phone", "value": "+1 555-0100" }),
        json!({ "name": "currentCompany", "value": "Granite Works" }),
        json!({ "name": "additionalInformation", "value": "Hello" }),
        json!({ "name": "resume", "value": upload["uri"] }),
    ]);
    let experience = set(&form, "Experience").unwrap();
    let body = json!({
        "personalInformation": personal,
        "customQuestions": [{ "id": experience["id"], "fields": [{ "value": "Ten years" }, { "value": ["Ruby", "Rust"] }] }],
        "urls": [{ "name": "LinkedIn", "value": "https://www.example.com/in/robin" }],
        "ipAddress": "192.0.2.10", "timezone": "Europe/Berlin", "userAgent": "Test/1", "acceptLanguage": "de", "referer": "https://example.com/jobs",
    });
    let (status, answer) = apply(&world, &posting, &body).await;
    assert_eq!(status, 201, "{answer}");
    let it = of_application(&world, &answer);
    let id = text(&it["id"]);
    let path = format!(
        "/opportunities/{id}/applications/{}",
        text(&answer["data"]["applicationId"])
    );
    let application = world.get(&path, &[]).await.body["data"].clone();
    for (key, value) in [
        ("type", "posting"),
        ("name", "Robin Fernhollow"),
        ("company", "Granite Works"),
        ("comments", "Hello"),
        ("ipAddress", "192.0.2.10"),
        ("timezone", "Europe/Berlin"),
        ("userAgent", "Test/1"),
        ("acceptLanguage", "de"),
        ("referer", "https://example.com/jobs"),
    ] {
        assert_eq!(application[key], value, "{key}");
    }
    assert_eq!(
        application["links"],
        json!(["https://www.example.com/in/robin"])
    );
    let answered = &application["customQuestions"][0];
    assert_eq!(answered["fields"][0]["value"], "Ten years");
    assert_eq!(answered["fields"][1]["value"], json!(["Ruby", "Rust"]));
    assert_eq!(
        answered["fields"][1]["text"],
        experience["fields"][1]["text"]
    );
    let resumes = world
        .get(&format!("/opportunities/{id}/resumes"), &[])
        .await
        .body;
    assert_eq!(resumes["data"][0]["file"]["name"], "cv.pdf");

    world.pass(DAY);
    let (status, _) = apply(&world, &posting, &body).await;
    assert_eq!(status, 400, "the upload has expired");
}

#[tokio::test]
async fn a_form_must_be_answered_as_it_is_asked() {
    let world = World::of(1).await;
    let (posting, form) = posting(&world, "published", |form| {
        set(form, "Experience").is_some()
    })
    .await;
    let experience = set(&form, "Experience").unwrap()["id"].clone();
    let good =
        json!([{ "id": experience, "fields": [{ "value": "Ten years" }, { "value": null }] }]);
    let with = |key: &str, value: Value| {
        let mut body = json!({ "personalInformation": person(), "customQuestions": good });
        body[key] = value;
        body
    };
    let questions = |fields: Value| {
        with(
            "customQuestions",
            json!([{ "id": experience, "fields": fields }]),
        )
    };
    for (what, body) in [
        (
            "no name",
            with(
                "personalInformation",
                json!([{ "name": "email", "value": "a@example.com" }]),
            ),
        ),
        (
            "blank address",
            with(
                "personalInformation",
                json!([{ "name": "fullName", "value": "A" }, { "name": "email", "value": " " }]),
            ),
        ),
        (
            "unknown field",
            with(
                "personalInformation",
                json!([{ "name": "shoeSize", "value": "44" }]),
            ),
        ),
        (
            "unknown upload",
            with(
                "personalInformation",
                json!([
                    { "name": "fullName", "value": "A" }, { "name": "email", "value": "a@example.com" },
                    { "name": "resume", "value": "https://api.lever.co/v1/uploads/nothing.pdf" },
                ]),
            ),
        ),
        (
            "a required question left open",
            questions(json!([{ "value": null }, { "value": null }])),
        ),
        (
            "fewer values than questions",
            questions(json!([{ "value": "Ten years" }])),
        ),
        (
            "values in the wrong order",
            questions(json!([{ "value": ["Ruby"] }, { "value": "Ten years" }])),
        ),
        (
            "an unknown option",
            questions(json!([{ "value": "Ten years" }, { "value": ["Cobol"] }])),
        ),
        (
            "a required set left out",
            with("customQuestions", json!([])),
        ),
        (
            "an unknown set",
            with(
                "customQuestions",
                json!([{ "id": "nothing", "fields": [] }]),
            ),
        ),
        (
            "an unknown url",
            with("urls", json!([{ "name": "Fax", "value": "x" }])),
        ),
        (
            "an invalid time zone",
            with("timezone", json!("Mars/Olympus")),
        ),
        ("an impossible origin", with("origin", json!("sourced"))),
        (
            "an unknown policy",
            with(
                "consent",
                json!({ "store": { "provided": true, "compliancePolicyId": "x" } }),
            ),
        ),
        (
            "an unknown survey",
            with(
                "diversitySurvey",
                json!({ "surveyId": "x", "responses": [] }),
            ),
        ),
        ("an unknown key", with("silent", json!(true))),
    ] {
        assert_eq!(apply(&world, &posting, &body).await.0, 400, "{what}");
    }
    assert!(world.sim.audit().iter().all(|entry| !entry.effect));
    let body = json!({ "personalInformation": person(), "customQuestions": good });
    assert_eq!(apply(&world, &posting, &body).await.0, 201);
}

#[tokio::test]
async fn only_open_postings_take_applications() {
    let world = World::of(1).await;
    let body = json!({ "personalInformation": person() });
    for state in ["closed", "draft", "pending", "rejected"] {
        let (posting, _) = posting(&world, state, |_| true).await;
        assert_eq!(apply(&world, &posting, &body).await.0, 400, "{state}");
    }
    assert_eq!(
        apply(&world, &json!({ "id": "nothing" }), &body).await.0,
        404
    );
}

#[tokio::test]
async fn a_form_asks_what_fits_the_place_and_the_audience() {
    let world = World::of(1).await;
    let asks_eeo = |form: &Value| form.get("eeoQuestions").is_some();
    let (american, form) = posting(&world, "published", asks_eeo).await;
    assert_eq!(
        form["eeoQuestions"]["gender"]["options"][0]["optionId"],
        "Female"
    );
    let path = format!("/postings/{}/apply", text(&american["id"]));
    let elsewhere = world.get(&path, &[("location", "Berlin")]).await.body;
    assert!(!asks_eeo(&elsewhere["data"]));
    let body = json!({ "personalInformation": person(), "eeoResponses": { "gender": "Yes" } });
    assert_eq!(apply(&world, &american, &body).await.0, 400);
    let (other, _) = posting(&world, "published", |form| !asks_eeo(form) && plain(form)).await;
    let body = json!({ "personalInformation": person(), "eeoResponses": { "gender": "Female" } });
    assert_eq!(
        apply(&world, &other, &body).await.0,
        400,
        "what is not asked"
    );

    let (posting, _) = posting(&world, "published", |form| set(form, "Education").is_some()).await;
    let path = format!("/postings/{}/apply", text(&posting["id"]));
    let internal = world.get(&path, &[("distribution", "internal")]).await.body;
    assert!(set(&internal["data"], "Education").is_none());
    assert_eq!(
        world.get(&path, &[("distribution", "both")]).await.status,
        400
    );
}

#[tokio::test]
async fn eeo_answers_of_an_application_are_among_those_of_the_account() {
    let world = World::of(1).await;
    let asks = |form: &Value| form.get("eeoQuestions").is_some() && plain(form);
    let (posting, _) = posting(&world, "published", asks).await;
    let body =
        json!({ "personalInformation": person(), "eeoResponses": { "veteran": "I am a veteran" } });
    let (_, answer) = apply(&world, &posting, &body).await;
    let listed = world.get("/eeo/responses/pii", &[]).await.body;
    let given = &listed["data"][0];
    assert_eq!(given["applicationId"], answer["data"]["applicationId"]);
    assert_eq!(
        (&given["veteran"], given.get("gender")),
        (&json!("I am a veteran"), None)
    );
}

#[tokio::test]
async fn a_consent_names_the_policy_of_the_form() {
    let world = World::of(1).await;
    let asks = |form: &Value| form["consentDisclosures"].is_object() && plain(form);
    let (posting, form) = posting(&world, "published", asks).await;
    let policy = &form["consentDisclosures"]["store"]["compliancePolicyId"];
    let consent = json!({ "store": { "provided": true, "compliancePolicyId": policy } });
    let body = json!({ "personalInformation": person(), "consent": consent });
    assert_eq!(apply(&world, &posting, &body).await.0, 201);
}

#[tokio::test]
async fn the_survey_is_asked_where_it_applies() {
    let world = World::of(1).await;
    let postings = world.get("/postings", &[]).await.body["data"].clone();
    let of = |country: &str| {
        postings
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["country"] == country)
            .unwrap()
            .clone()
    };
    let surveys = async |posting: &Value, query: &[(&str, &str)]| {
        let path = format!("/surveys/diversity/{}", text(&posting["id"]));
        world.get(&path, query).await
    };
    let (here, there) = (of("US"), of("DE"));
    let survey = surveys(&here, &[]).await.body["data"][0].clone();
    assert_eq!(
        survey["candidateLocations"]["countryCodes"],
        json!(["US", "CA"])
    );
    assert_eq!(surveys(&there, &[]).await.body, json!({ "data": [] }));
    assert_eq!(
        surveys(&there, &[("country_code", "CA")]).await.body["data"][0],
        survey
    );
    assert_eq!(
        surveys(&here, &[("location", "Atlantis")]).await.status,
        400
    );
    assert_eq!(surveys(&json!({ "id": "nothing" }), &[]).await.status, 404);
}

#[tokio::test]
async fn audit_events_are_listed_newest_first_and_filtered() {
    let world = World::of(1).await;
    let all = world.get("/audit_events", &[]).await.body["data"].clone();
    let stamps: Vec<i64> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["createdAt"].as_i64().unwrap())
        .collect();
    assert!(stamps.len() > 25 && stamps.iter().rev().is_sorted());
    let paged = world.walk("/audit_events", &[("limit", "10")]).await;
    assert_eq!(paged, ids(all.as_array().unwrap()));
    let count = async |query: &[(&str, &str)]| {
        let found = world.get("/audit_events", query).await;
        found.body["data"].as_array().map(Vec::len)
    };
    assert_eq!(count(&[("type", "key:added")]).await, Some(1));
    let target = text(&all[0]["target"]["id"]);
    let about = [("target_type", "user"), ("target_id", target.as_str())];
    assert!(count(&about).await.unwrap() >= 1);
    assert_eq!(
        count(&about[1..]).await,
        None,
        "target_id needs target_type"
    );
    assert_eq!(count(&[("created_at_end", "5")]).await, Some(0));
}
