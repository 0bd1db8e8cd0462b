//! The shapes of the children of an opportunity.

use lever_sim::{Act, Children, Config, FileActionKind};
use serde_json::{Value, json};

use crate::recorded::compare;
use crate::support::{World, config, text};

async fn full() -> World {
    World::with(Config {
        children: Children::Full,
        ..config(400)
    })
    .await
}

/// The first opportunity with a child of this kind for which `holds`.
fn with(world: &World, kind: &str, holds: impl Fn(&Value) -> bool) -> String {
    let id = |it: &Value| text(&it["id"]);
    let all = world.sim.opportunities();
    let open = all
        .iter()
        .filter(|it| it["confidentiality"] == "non-confidential");
    let mut ids = open.map(id);
    ids.find(|id| world.sim.children(id, kind).iter().any(&holds))
        .expect("the population has one")
}

#[tokio::test]
async fn children_of_the_population_have_the_recorded_shapes() {
    let world = full().await;
    let person = |it: &Value| it["signatures"]["candidate"]["email"].is_string();
    let draft = with(&world, "offers", |it| it["status"] == "draft");
    let signed = with(&world, "offers", |it| {
        it["status"] == "signed" && person(it)
    });
    let panel = with(&world, "panels", |_| true);
    let referral = with(&world, "referrals", |it| {
        it["fields"][2]["value"].is_string()
    });
    let form = with(&world, "forms", |it| it["text"] == "Offer information");
    for (name, id, kind) in [
        ("offers.list.draft.json", &draft, "offers"),
        ("offers.list.signed.json", &signed, "offers"),
        ("panels.list.json", &panel, "panels"),
        ("referrals.list.json", &referral, "referrals"),
        ("forms.list.json", &form, "forms"),
    ] {
        let answer = world.get(&format!("/opportunities/{id}/{kind}"), &[]).await;
        assert_eq!(answer.status, 200, "{kind}");
        let mut body = answer.body;
        if kind == "forms" {
            // Other forms of the same person have other fields.
            body["data"]
                .as_array_mut()
                .unwrap()
                .retain(|it| it["text"] == "Offer information");
        }
        compare(name, &body);
    }
    let id = text(&world.sim.children(&referral, "referrals")[0]["id"]);
    let one = world
        .get(&format!("/opportunities/{referral}/referrals/{id}"), &[])
        .await;
    compare("referral.get.json", &one.body);
    let offer = &world
        .get(&format!("/opportunities/{signed}/offers"), &[])
        .await
        .body["data"][0];
    assert_eq!(offer["sentDocument"]["fileName"], "offer.pdf");
}

#[tokio::test]
async fn panels_and_interviews_are_written_in_the_recorded_shapes() {
    let world = World::of(40).await;
    let user = world.user();
    let at =
        |id: &Value, rest: &str| format!("/opportunities/{}/{rest}?perform_as={user}", text(id));
    let lead = world.find(|it| it["applications"] == json!([]));
    let interview = json!({
        "subject": "Technical Interview", "note": "Panel created", "interviewers": [{ "id": user }],
        "date": 1783260000000_i64, "duration": 60,
    });
    let body = json!({ "timezone": "America/Los_Angeles", "interviews": [interview] });
    let made = world.post(&at(&lead["id"], "panels"), &body).await;
    assert_eq!(made.status, 201);
    compare("panel.create.response.json", &made.body);

    let interview = text(&made.body["data"]["interviews"][0]["id"]);
    let body = json!({
        "subject": "Updated Example Interview", "note": "Updated note", "interviewers": [{ "id": user }],
        "date": 1783496400000_i64, "duration": 45,
    });
    let changed = world
        .put(&at(&lead["id"], &format!("interviews/{interview}")), &body)
        .await;
    assert_eq!(changed.status, 200);
    compare("interview.update.response.json", &changed.body);
    assert_eq!(changed.body["data"]["feedbackTemplate"], Value::Null);
    let one = format!(
        "/opportunities/{}/interviews/{interview}",
        text(&lead["id"])
    );
    compare("interview.get.json", &world.get(&one, &[]).await.body);

    // The recorded list of 2021 has neither the opportunity nor a template for each interviewer.
    let mut list = world
        .get(
            &format!("/opportunities/{}/interviews", text(&lead["id"])),
            &[],
        )
        .await
        .body;
    let item = list["data"][0].as_object_mut().unwrap();
    item.shift_remove("opportunityId").unwrap();
    let interviewer = item["interviewers"][0].as_object_mut().unwrap();
    interviewer.shift_remove("feedbackTemplate").unwrap();
    compare("interviews.list.json", &list);
}

#[tokio::test]
async fn feedback_and_forms_are_written_in_the_recorded_shapes() {
    let world = World::of(40).await;
    let (user, id) = (world.user(), text(&world.applied()["id"]));
    let rating = json!({ "type": "score-system", "text": "Overall rating" });
    let thoughts = json!({ "type": "textarea", "text": "Comments", "description": " " });
    let body = json!({ "text": "Example Seed Feedback Template 1", "fields": [rating] });
    let one = world.made("/feedback_templates", &body).await;
    let body = json!({ "text": "Example Seed Feedback Template 2", "fields": [rating, thoughts] });
    let two = world.made("/feedback_templates", &body).await;
    let path = format!("/opportunities/{id}/feedback");
    let made = world
        .post(
            &format!("{path}?perform_as={user}"),
            &json!({ "baseTemplateId": one["id"] }),
        )
        .await;
    assert_eq!(made.status, 201);
    compare("feedback.create.response.json", &made.body);
    let read = format!("{path}/{}", text(&made.body["data"]["id"]));
    assert_eq!(
        world
            .delete(&format!("{read}?perform_as={user}"))
            .await
            .status,
        204
    );
    compare("feedback.get.json", &world.get(&read, &[]).await.body);

    let body = json!({ "baseTemplateId": two["id"] });
    let made = world
        .made(&format!("{path}?perform_as={user}"), &body)
        .await;
    let values = json!([
        { "id": two["fields"][0]["id"], "value": "3 - Hire" },
        { "id": two["fields"][1]["id"], "value": "Strong technical skills" },
    ]);
    let one = format!("{path}/{}?perform_as={user}", text(&made["id"]));
    let changed = world.put(&one, &json!({ "fieldValues": values })).await;
    compare("feedback.update.response.json", &changed.body);

    let template = &world.get("/form_templates", &[]).await.body["data"][0];
    let mut fields = template["fields"].clone();
    for (field, value) in fields.as_array_mut().unwrap().iter_mut().zip([
        json!(1785542400000_i64),
        json!(75000),
        json!("no"),
        Value::Null,
    ]) {
        field["value"] = value;
        for read_only in ["id", "currency"] {
            field.as_object_mut().unwrap().shift_remove(read_only);
        }
    }
    let body = json!({ "baseTemplateId": template["id"], "fields": fields, "secret": true });
    let made = world
        .post(
            &format!("/opportunities/{id}/forms?perform_as={user}"),
            &body,
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.body);
    compare("form.create.response.json", &made.body);
    let one = format!(
        "/opportunities/{id}/forms/{}",
        text(&made.body["data"]["id"])
    );
    compare("form.get.json", &world.get(&one, &[]).await.body);
}

#[tokio::test]
async fn file_actions_have_the_documented_shape() {
    let world = World::of(40).await;
    let id = text(&world.applied()["id"]);
    let path = format!("/opportunities/{id}/file_actions");
    compare(
        "opportunity.file-actions.empty.json",
        &world.get(&path, &[]).await.body,
    );
    for action in [FileActionKind::Added, FileActionKind::Imported] {
        let act = Act::LogFileAction {
            opportunity: id.clone(),
            action,
            user: Some(world.user()),
        };
        world.sim.act(act).unwrap();
    }
    compare(
        "opportunity.file-actions.json",
        &world.get(&path, &[]).await.body,
    );
    let none = world.find(|it| it["applications"] == json!([]));
    let referrals = format!("/opportunities/{}/referrals", text(&none["id"]));
    compare(
        "opportunity.referrals.empty.json",
        &world.get(&referrals, &[]).await.body,
    );
}

#[tokio::test]
async fn applications_have_the_recorded_shapes_of_their_kind() {
    let world = World::of(300).await;
    let of = |kind: &'static str| {
        let all = world.sim.opportunities();
        let found = all.into_iter().find(|it| {
            it["confidentiality"] == "non-confidential"
                && it["isAnonymized"] == false
                && it["emails"][0].is_string()
                && it["phones"][0].is_object()
                && world
                    .sim
                    .children(&text(&it["id"]), "applications")
                    .iter()
                    .any(|it| it["type"] == kind)
        });
        text(&found.unwrap()["id"])
    };
    for (name, kind) in [
        ("applications.list.user.json", "user"),
        ("applications.list.referral.json", "referral"),
    ] {
        let path = format!("/opportunities/{}/applications", of(kind));
        let mut answer = world.get(&path, &[]).await.body;
        // The recordings of 2021 do not have them yet.
        let application = answer["data"][0].as_object_mut().unwrap();
        for key in [
            "ipAddress",
            "referer",
            "userAgent",
            "acceptLanguage",
            "timezone",
        ] {
            assert_eq!(application.shift_remove(key), Some(Value::Null), "{key}");
        }
        compare(name, &answer);
    }
    let lead = world.find(|it| it["applications"] == json!([]) && it["isAnonymized"] == false);
    let posting = world.walk("/postings", &[]).await[0].clone();
    let act = Act::CreateApplication {
        opportunity: text(&lead["id"]),
        posting,
        user: None,
    };
    let id = world.sim.act(act).unwrap().unwrap();
    let path = format!("/opportunities/{}/applications/{id}", text(&lead["id"]));
    compare("application.get.json", &world.get(&path, &[]).await.body);
}
