//! The custom fields of requisitions.

use serde_json::{Value, json};

use crate::support::{World, ids, text};

#[tokio::test]
async fn fields_are_listed_whole_and_written_within_bounds() {
    let world = World::of(0).await;
    let all = world.get("/requisition_fields", &[]).await.body;
    assert_eq!(
        all.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["data"]
    );
    let dates = world
        .get(
            "/requisition_fields",
            &[("type", "date"), ("isRequired", "false")],
        )
        .await;
    assert_eq!(
        ids(dates.body["data"].as_array().unwrap()),
        ["rec_start_date", "target_hire_date"]
    );
    let missing = world.get("/requisition_fields/nope", &[]).await;
    assert_eq!(
        (missing.status, &missing.body["code"]),
        (404, &json!("NotFoundError"))
    );
    let part = json!({ "id": "p", "text": "P", "type": "text" });
    for refused in [
        json!({ "id": "Grade", "text": "Grade", "type": "number" }),
        json!({ "id": "budget_number", "text": "Again", "type": "number" }),
        json!({ "id": "o", "text": "O", "type": "object", "subfields": [] }),
        json!({ "id": "o", "text": "O", "type": "object", "subfields": vec![part.clone(); 11] }),
        json!({ "id": "o", "text": "O", "type": "object", "subfields": [{ "id": "p", "text": "P", "type": "object" }] }),
        json!({ "id": "d", "text": "D", "type": "dropdown" }),
        json!({ "id": "n", "text": "N", "type": "number", "options": [{ "text": "x" }] }),
    ] {
        assert_eq!(
            world.post("/requisition_fields", &refused).await.status,
            400,
            "{refused}"
        );
    }
    let body = json!({ "id": "o", "text": "O", "type": "object", "subfields": [part] });
    assert_eq!(world.made("/requisition_fields", &body).await, {
        let mut made = body.clone();
        made["isRequired"] = json!(false);
        made
    });
    let renamed = json!({ "id": "o", "text": "Other", "type": "text" });
    assert_eq!(
        world.put("/requisition_fields/o", &renamed).await.body["data"]["text"],
        "Other"
    );
    assert_eq!(
        world
            .put("/requisition_fields/budget_number", &renamed)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn options_of_a_dropdown_are_added_changed_and_removed() {
    let world = World::of(0).await;
    let path = "/requisition_fields/work_type/options";
    let values = json!({ "values": [{ "text": "weekly" }, { "text": "seasonal" }] });
    let last = world.made(path, &values).await;
    assert_eq!(last["text"], "seasonal");
    let values = json!({ "values": [{ "id": last["id"], "text": "summer" }] });
    let field = world.put(path, &values).await.body["data"].clone();
    let texts = |field: &Value| {
        let options = field["options"].as_array().unwrap().iter();
        options.map(|it| text(&it["text"])).collect::<Vec<_>>()
    };
    assert_eq!(texts(&field), ["hourly", "salaried", "weekly", "summer"]);
    let gone = world
        .request(reqwest::Method::DELETE, path)
        .json(&json!({ "values": [last["id"]] }));
    assert_eq!(gone.send().await.unwrap().status().as_u16(), 204);
    let field = world.get("/requisition_fields/work_type", &[]).await.body["data"].clone();
    assert_eq!(texts(&field), ["hourly", "salaried", "weekly"]);
    let many = vec![json!({ "text": "x" }); 4001];
    for refused in [
        json!({ "values": [] }),
        json!({}),
        json!({ "values": many }),
    ] {
        assert_eq!(world.post(path, &refused).await.status, 400);
    }
    let other = "/requisition_fields/budget_number/options";
    assert_eq!(
        world
            .post(other, &json!({ "values": [{ "text": "x" }] }))
            .await
            .status,
        400
    );
}
