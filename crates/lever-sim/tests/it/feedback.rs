//! Feedback forms and feedback templates.

use serde_json::{Value, json};

use crate::support::{NOW, World, text};

async fn scene() -> (World, String, String) {
    let world = World::of(40).await;
    let id = text(&world.applied()["id"]);
    let path = format!("/opportunities/{id}/feedback");
    (world, id, path)
}

#[tokio::test]
async fn new_feedback_moves_both_stamps_edited_feedback_none() {
    let (world, id, path) = scene().await;
    let user = world.user();
    let template = world.get("/feedback_templates", &[]).await.body["data"][0].clone();
    let now = world.pass(60_000);
    let body = json!({ "baseTemplateId": template["id"] });
    let made = world
        .made(&format!("{path}?perform_as={user}"), &body)
        .await;
    assert_eq!(
        (&made["user"], &made["completedAt"], &made["updatedAt"]),
        (&json!(user), &json!(now), &Value::Null)
    );
    let after = world.sim.opportunity(&id).unwrap();
    assert_eq!(
        (&after["lastInteractionAt"], &after["updatedAt"]),
        (&json!(now), &json!(now + 1))
    );

    let later = world.pass(60_000);
    let one = format!("{path}/{}", text(&made["id"]));
    let values =
        json!({ "fieldValues": [{ "id": template["fields"][0]["id"], "value": "3 - Hire" }] });
    let changed = world
        .put(&format!("{one}?perform_as={user}"), &values)
        .await
        .body["data"]
        .clone();
    assert_eq!(
        (&changed["profileId"], &changed["updatedAt"]),
        (&json!(id), &json!(later))
    );
    assert_eq!(
        (
            &changed["fields"][0]["type"],
            &changed["fields"][0]["overall"]
        ),
        (&json!("score"), &json!(true))
    );
    assert_eq!(world.sim.opportunity(&id).unwrap(), after);
    let read = world.get(&one, &[]).await.body["data"].clone();
    assert_eq!(
        (&read["fields"][0]["type"], &read["fields"][0]["value"]),
        (&json!("score-system"), &json!("3 - Hire"))
    );
}

#[tokio::test]
async fn deleted_feedback_is_in_no_list_but_can_be_read() {
    let (world, _, path) = scene().await;
    let user = world.user();
    let body = json!({ "baseTemplateId": "no-feedback" });
    let made = world
        .made(&format!("{path}?perform_as={user}"), &body)
        .await;
    let one = format!("{path}/{}", text(&made["id"]));
    assert_eq!(world.delete(&one).await.status, 400, "perform_as is needed");
    assert_eq!(
        world
            .delete(&format!("{one}?perform_as={user}"))
            .await
            .status,
        204
    );
    assert!(!world.walk(&path, &[]).await.contains(&text(&made["id"])));
    assert_eq!(world.get(&one, &[]).await.body["data"]["deletedAt"], NOW);
    assert_eq!(
        world
            .delete(&format!("{one}?perform_as={user}"))
            .await
            .status,
        404
    );
    let values = json!({ "fieldValues": [] });
    assert_eq!(
        world
            .put(&format!("{one}?perform_as={user}"), &values)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn feedback_must_fit_its_template_and_its_interview() {
    let (world, id, path) = scene().await;
    let user = world.user();
    let rating = json!({ "type": "score-system", "text": "Rating", "required": true });
    let body =
        json!({ "text": "Strict", "fields": [rating, { "type": "yes-no", "text": "Again?" }] });
    let template = world.made("/feedback_templates", &body).await;
    let field = |nth: usize| template["fields"][nth]["id"].clone();
    let values = |values: Value| json!({ "baseTemplateId": template["id"], "fieldValues": values });
    let good = json!([{ "id": field(0), "value": "3 - Hire" }, { "id": field(1), "value": "yes" }]);
    let meeting = json!({ "interviewers": [{ "id": user }], "date": NOW, "duration": 30 });
    let body = json!({ "timezone": "UTC", "interviews": [meeting] });
    let panel = world
        .made(
            &format!("/opportunities/{id}/panels?perform_as={user}"),
            &body,
        )
        .await;
    let interview = &panel["interviews"][0]["id"];
    let about = |panel: Value, interview: Value| {
        let mut body = values(good.clone());
        body["panel"] = panel;
        body["interview"] = interview;
        body
    };
    let here = format!("{path}?perform_as={user}");
    for refused in [
        json!({}),
        json!({ "baseTemplateId": "nope" }),
        json!({ "baseTemplateId": template["id"] }),
        values(json!([{ "id": field(0), "value": "5 - Best" }])),
        values(json!([{ "id": "nope", "value": "x" }])),
        values(json!([{ "id": field(0), "value": "3 - Hire" }, { "id": field(1), "value": true }])),
        about(panel["id"].clone(), Value::Null),
        about(Value::Null, interview.clone()),
        about(json!("nope"), interview.clone()),
    ] {
        assert_eq!(world.post(&here, &refused).await.status, 400, "{refused}");
    }
    let made = world
        .made(&here, &about(panel["id"].clone(), interview.clone()))
        .await;
    let shown = world
        .get(
            &format!("/opportunities/{id}/interviews/{}", text(interview)),
            &[],
        )
        .await;
    assert_eq!(shown.body["data"]["feedbackForms"], json!([made["id"]]));
    let list = format!("/opportunities/{id}/interviews?expand=feedbackForms&expand=postings");
    let listed = world.get(&list, &[]).await.body["data"].clone();
    let listed = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["id"] == *interview)
        .unwrap();
    assert_eq!(listed["feedbackForms"][0]["fields"][0]["value"], "3 - Hire");
    assert!(listed["postings"][0]["text"].is_string());
}

#[tokio::test]
async fn a_feedback_template_has_one_rating_and_new_field_ids_each_time() {
    let world = World::of(0).await;
    let rating = json!({ "type": "score-system", "text": "Rating" });
    let text_field = json!({ "type": "text", "text": "Why?" });
    for fields in [json!([]), json!([text_field]), json!([rating, rating])] {
        let body = json!({ "text": "T", "fields": fields });
        assert_eq!(
            world.post("/feedback_templates", &body).await.status,
            400,
            "{body}"
        );
    }
    let group = world.get("/feedback_templates", &[]).await.body["data"][0]["group"].clone();
    let body = json!({ "text": "T", "group": group["id"], "fields": [rating, text_field] });
    let made = world.made("/feedback_templates", &body).await;
    assert_eq!(made["group"], group);
    let path = format!("/feedback_templates/{}", text(&made["id"]));
    let changed = world
        .put(&path, &json!({ "text": "U", "fields": made["fields"] }))
        .await;
    let changed = &changed.body["data"];
    assert_eq!(
        (&changed["text"], &changed["group"]),
        (&json!("U"), &Value::Null)
    );
    assert_ne!(changed["fields"][0]["id"], made["fields"][0]["id"]);
    assert_eq!(world.delete(&path).await.status, 204);
    assert_eq!(world.get(&path, &[]).await.status, 404);
    assert_eq!(
        world.delete("/feedback_templates/no-feedback").await.status,
        400
    );
    let short = world
        .get("/feedback_templates", &[("include", "text")])
        .await
        .body["data"]
        .clone();
    let short = short.as_array().unwrap();
    assert!(short.iter().any(|it| it["id"] == "no-feedback"));
    assert!(short.iter().all(|it| it.as_object().unwrap().len() == 2));
}
