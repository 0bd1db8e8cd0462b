//! Profile forms and form templates.

use serde_json::{Value, json};

use crate::support::{World, text};

fn filled(template: &Value, values: &[Value]) -> Value {
    let mut fields = template["fields"].clone();
    for (field, value) in fields.as_array_mut().unwrap().iter_mut().zip(values) {
        field["value"] = value.clone();
    }
    fields
}

#[tokio::test]
async fn a_form_has_every_field_of_its_template_in_order() {
    let world = World::of(40).await;
    let before = world.applied();
    let id = text(&before["id"]);
    let path = format!("/opportunities/{id}/forms");
    let template = world.get("/form_templates", &[]).await.body["data"][0].clone();
    let values = [json!(1), json!(75_000), json!("no"), Value::Null];
    let body = |fields: Value| json!({ "baseTemplateId": template["id"], "fields": fields });
    let good = filled(&template, &values);
    let mut reversed = good.clone();
    reversed.as_array_mut().unwrap().reverse();
    let short = json!([good[0]]);
    for refused in [
        body(reversed),
        body(short),
        body(filled(
            &template,
            &[Value::Null, json!(1), json!("no"), Value::Null],
        )),
        body(filled(
            &template,
            &[json!("soon"), json!(1), json!("no"), Value::Null],
        )),
        body(filled(
            &template,
            &[json!(1), json!(1), json!("perhaps"), Value::Null],
        )),
        json!({ "baseTemplateId": "nope", "fields": good }),
    ] {
        assert_eq!(world.post(&path, &refused).await.status, 400, "{refused}");
    }
    let now = world.pass(60_000);
    let made = world.made(&path, &body(good)).await;
    assert_eq!(
        (&made["user"], &made["stage"]),
        (&Value::Null, &before["stage"])
    );
    assert_eq!(made["group"], template["group"]);
    let read = world
        .get(&format!("{path}/{}", text(&made["id"])), &[])
        .await;
    assert_eq!(
        (
            read.body["data"].get("group"),
            &read.body["data"]["createdAt"]
        ),
        (None, &json!(now))
    );
    let after = world.sim.opportunity(&id).unwrap();
    assert_eq!(
        (&after["lastInteractionAt"], &after["updatedAt"]),
        (&json!(now), &before["updatedAt"])
    );
    let listed = world.get(&path, &[("expand", "stage")]).await;
    assert_eq!(listed.body["data"][0]["stage"]["id"], before["stage"]);
    assert_eq!(world.get(&format!("{path}/nope"), &[]).await.status, 404);
}

#[tokio::test]
async fn form_templates_need_a_field_and_only_our_own_can_be_deleted() {
    let world = World::of(0).await;
    let body = json!({ "text": "T", "fields": [] });
    assert_eq!(world.post("/form_templates", &body).await.status, 400);
    let stars = json!({ "text": "T", "fields": [{ "type": "score-system", "text": "Stars" }] });
    assert_eq!(
        world.post("/form_templates", &stars).await.status,
        400,
        "not a kind of profile forms"
    );
    let body = json!({ "text": "T", "secretByDefault": true, "fields": [{ "type": "text", "text": "Why?" }] });
    let made = world.made("/form_templates", &body).await;
    assert_eq!(
        (&made["secretByDefault"], &made["createdAt"]),
        (&json!(true), &made["updatedAt"])
    );
    let path = format!("/form_templates/{}", text(&made["id"]));
    let changed = world
        .put(&path, &json!({ "text": "U", "fields": made["fields"] }))
        .await;
    assert_eq!(changed.body["data"]["secretByDefault"], false);
    assert_eq!(world.delete(&path).await.status, 204);
    assert_eq!(world.put(&path, &body).await.status, 404);
    let theirs = world.walk("/form_templates", &[]).await[0].clone();
    assert_eq!(
        world
            .delete(&format!("/form_templates/{theirs}"))
            .await
            .status,
        400
    );
}
