//! The shapes of the account's side: settings, postings, requisitions, users, EEO.

use lever_sim::{Children, Config};
use serde_json::{Value, json};

use crate::recorded::compare;
use crate::support::{NOW, World, config, text};

/// An account with everything in it.
async fn full() -> World {
    World::with(Config {
        children: Children::Full,
        ..config(400)
    })
    .await
}

#[tokio::test]
async fn lists_of_the_account_have_the_recorded_shapes() {
    let world = full().await;
    let bounds = format!(
        "deleted_at_start={}&deleted_at_end={NOW}",
        NOW - 29 * 86_400_000
    );
    for (name, path) in [
        ("requisitions.list.json", "/requisitions".to_owned()),
        (
            "requisition-fields.list.json",
            "/requisition_fields?type=date".to_owned(),
        ),
        (
            "requisition-field.dropdown.json",
            "/requisition_fields/work_type".to_owned(),
        ),
        (
            "requisition-field.object.json",
            "/requisition_fields/cost_center".to_owned(),
        ),
        ("form-templates.list.json", "/form_templates".to_owned()),
        ("eeo-responses.list.json", "/eeo/responses".to_owned()),
        (
            "eeo-responses-pii.list.json",
            "/eeo/responses/pii".to_owned(),
        ),
        (
            "applications.deleted.json",
            format!("/applications/deleted?{bounds}"),
        ),
        (
            "postings.deleted.json",
            format!("/postings/deleted?{bounds}"),
        ),
        (
            "postings.deleted.empty.json",
            "/postings/deleted".to_owned(),
        ),
        (
            "opportunities.deleted.json",
            "/opportunities/deleted".to_owned(),
        ),
    ] {
        let answer = world.get(&path, &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        let mut body = answer.body;
        if name.starts_with("eeo") {
            assert!(!body["data"].as_array().unwrap().is_empty());
            forget_answers(&mut body);
        }
        if name == "requisitions.list.json" {
            // Each account has custom fields of its own.
            for requisition in body["data"].as_array_mut().unwrap() {
                requisition["customFields"] = json!({});
            }
        }
        compare(name, &body);
    }
}

/// Nobody answered any question in the recordings, so the keys of answers are absent there.
fn forget_answers(body: &mut Value) {
    for row in body["data"].as_array_mut().unwrap() {
        let row = row.as_object_mut().unwrap();
        row.retain(|key, _| !["gender", "race", "veteran", "disability"].contains(&key.as_str()));
    }
}

#[tokio::test]
async fn postings_and_their_users_have_the_recorded_shapes() {
    let world = World::of(20).await;
    let user = world.user();
    let posting = world.walk("/postings", &[("state", "internal")]).await[0].clone();
    let path = format!("/postings/{posting}?perform_as={user}");
    let changed = world
        .post(
            &path,
            &json!({ "text": "Example Seed Posting 1 - Updated" }),
        )
        .await;
    assert_eq!(changed.status, 200);
    compare("posting.update.response.json", &changed.body);
    let users = world.get(&format!("/postings/{posting}/users"), &[]).await;
    compare("posting-users.get.json", &users.body);
}

#[tokio::test]
async fn users_and_contacts_are_written_in_the_recorded_shapes() {
    let world = World::of(20).await;
    let body = json!({ "name": "Example Test User", "email": "person-4202@example.com" });
    let made = world.post("/users", &body).await;
    assert_eq!(made.status, 201);
    compare("user.create.response.json", &made.body);
    let path = format!("/users/{}", text(&made.body["data"]["id"]));
    let body = json!({
        "name": "Example Seed User 1", "email": "person-9532@example.com", "accessRole": "interviewer",
        "jobTitle": "Updated Example Job Title",
    });
    compare(
        "user.update.response.json",
        &world.put(&path, &body).await.body,
    );
    for (name, call) in [
        ("user.deactivate.response.json", "deactivate"),
        ("user.reactivate.response.json", "reactivate"),
    ] {
        let answer = world.post(&format!("{path}/{call}"), &json!(null)).await;
        assert_eq!(answer.status, 200);
        compare(name, &answer.body);
    }
    let contact = text(&world.applied()["contact"]);
    let body = json!({
        "name": "Example Seed Candidate 1", "emails": ["person-7500@example.com"],
        "phones": [{ "value": "5555550100", "type": "mobile" }],
    });
    let changed = world.put(&format!("/contacts/{contact}"), &body).await;
    compare("contact.update.response.json", &changed.body);
}

#[tokio::test]
async fn templates_are_written_in_the_recorded_shapes() {
    let world = World::of(1).await;
    let options = json!([{ "text": "javascript" }, { "text": "node" }]);
    let fields = json!([
        {
            "type": "multiple-select", "text": "Which languages are you comfortable with?",
            "description": "Select one or more.", "required": false, "options": options,
        },
        { "type": "score-system", "text": "Rating", "required": true },
    ]);
    let body = json!({ "text": "Example Dryrun Feedback Template 3", "fields": fields });
    let made = world.post("/feedback_templates", &body).await;
    compare("feedback-template.create.response.json", &made.body);
    let path = format!("/feedback_templates/{}", text(&made.body["data"]["id"]));
    let body = json!({ "text": "Updated", "instructions": "Please fill out", "fields": fields });
    compare(
        "feedback-template.update.response.json",
        &world.put(&path, &body).await.body,
    );
    let body = json!({ "text": "One field", "fields": [fields[1]] });
    world.put(&path, &body).await;
    compare(
        "feedback-template.get.json",
        &world.get(&path, &[]).await.body,
    );
    let form = world.walk("/form_templates", &[]).await[0].clone();
    compare(
        "form-template.get.json",
        &world
            .get(&format!("/form_templates/{form}"), &[])
            .await
            .body,
    );
}

#[tokio::test]
async fn the_list_of_feedback_templates_has_the_recorded_shape() {
    let world = World::of(1).await;
    compare(
        "feedback-templates.list.json",
        &world.get("/feedback_templates", &[]).await.body,
    );
}

#[tokio::test]
async fn requisitions_are_written_in_the_recorded_shapes() {
    let world = World::of(1).await;
    let body = json!({
        "name": "Example Final Requisition Save", "requisitionCode": "EXAMPLE-FINAL-SAVE-20260702-001",
        "headcountTotal": 1, "employmentStatus": "full-time", "location": "Remote", "team": "Engineering",
    });
    let made = world.post("/requisitions", &body).await;
    assert_eq!(made.status, 201);
    compare("requisition.create.response.json", &made.body);
    let path = format!("/requisitions/{}", text(&made.body["data"]["id"]));
    let body = json!({
        "requisitionCode": "EXAMPLE-DRYRUN-TEST", "name": "Test Requisition for Dryrun - Updated Again",
        "backfill": false, "customFields": {}, "internalNotes": " ", "status": "open", "headcountTotal": 1,
        "postingIds": [],
    });
    let changed = world.put(&path, &body).await;
    assert_eq!(changed.status, 200);
    compare("requisition.update.response.json", &changed.body);
    compare("requisition.get.json", &world.get(&path, &[]).await.body);
}
