//! What people do in Lever, as values in process and as JSON over HTTP.

use lever_sim::{Act, ErrorKind};
use serde_json::{Value, json};

use crate::support::{NOW, Reply, World, read, text};

async fn act(world: &World, body: &Value) -> Reply {
    let url = format!("http://{}/sim/act", world.sim.address());
    read(world.http.post(url).json(body).send().await.unwrap()).await
}

#[tokio::test]
async fn acts_over_http_are_objects_with_a_name() {
    let world = World::of(40).await;
    let (id, user) = (text(&world.applied()["id"]), world.user());
    let note = act(
        &world,
        &json!({ "do": "add_note", "opportunity": id, "text": "hello", "user": user }),
    )
    .await;
    let written = world.sim.children(&id, "notes").pop().unwrap();
    assert_eq!(
        (&written["id"], &written["user"]),
        (&note.body["id"], &json!(user))
    );
    let moved = act(
        &world,
        &json!({ "do": "move_stage", "opportunity": id, "stage": "offer" }),
    )
    .await;
    assert_eq!((moved.status, moved.body), (200, json!({ "id": null })));
    assert_eq!(world.sim.opportunity(&id).unwrap()["stage"], "offer");
    let applied = act(
        &world,
        &json!({ "do": "apply", "applicant": { "name": "Ada Blackwater" } }),
    )
    .await;
    assert_eq!(
        world.sim.opportunity(&text(&applied.body["id"])).unwrap()["name"],
        "Ada Blackwater"
    );
    for (body, status) in [
        (json!({ "do": "dance" }), 400),
        (json!({ "do": "touch", "opportunity": id, "why": 1 }), 400),
        (json!({ "do": "touch", "opportunity": "nope" }), 404),
        (json!({ "do": "touch", "opportunity": id }), 200),
        (
            json!({ "do": "add_note", "opportunity": id, "text": "x", "user": "nope" }),
            404,
        ),
        (
            json!({ "do": "rename_stage", "stage": "nope", "text": "x" }),
            404,
        ),
        (json!({ "do": "delete_posting", "posting": "nope" }), 404),
        (json!({ "do": "anonymize", "contact": "nope" }), 404),
    ] {
        assert_eq!(act(&world, &body).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn a_deleted_opportunity_takes_its_application_along() {
    let world = World::of(40).await;
    let before = world.applied();
    let id = text(&before["id"]);
    let now = world.pass(5);
    let delete = Act::DeleteOpportunity {
        opportunity: id.clone(),
        user: Some(world.user()),
    };
    world.sim.act(delete).unwrap();
    let (start, end) = (now.to_string(), (now + 1).to_string());
    let bounds = [
        ("deleted_at_start", start.as_str()),
        ("deleted_at_end", end.as_str()),
    ];
    let opportunity = world.get("/opportunities/deleted", &bounds).await.body["data"][0].clone();
    assert_eq!(
        (&opportunity["id"], &opportunity["deletedBy"]),
        (&json!(id), &json!(world.user()))
    );
    let application = world.get("/applications/deleted", &bounds).await.body["data"][0].clone();
    assert_eq!(
        (
            &application["id"],
            &application["opportunityId"],
            application["postingId"].is_string()
        ),
        (&before["applications"][0], &json!(id), true)
    );
    assert_eq!(
        world
            .get(&format!("/opportunities/{id}/feedback"), &[])
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn silently_edited_feedback_moves_no_stamp_of_the_opportunity() {
    let world = World::of(40).await;
    let id = text(&world.applied()["id"]);
    let given = Act::AddFeedback {
        opportunity: id.clone(),
        text: "good".into(),
        user: None,
    };
    let feedback = world.sim.act(given).unwrap().unwrap();
    let before = world.sim.opportunity(&id).unwrap();
    assert_eq!(before["updatedAt"], NOW + 1);
    let now = world.pass(60_000);
    let edit = Act::EditFeedback {
        opportunity: id.clone(),
        feedback: feedback.clone(),
        text: "better".into(),
    };
    world.sim.act(edit).unwrap();
    assert_eq!(world.sim.opportunity(&id).unwrap(), before);
    let read = world
        .get(&format!("/opportunities/{id}/feedback/{feedback}"), &[])
        .await
        .body["data"]
        .clone();
    assert!(read["fields"].to_string().contains("better") && read["updatedAt"] == now);
}

#[tokio::test]
async fn a_deactivated_stage_is_in_no_list_and_keeps_its_opportunities() {
    let world = World::of(200).await;
    let stage = text(&world.sim.stages()[4]["id"]);
    world
        .sim
        .act(Act::RenameStage {
            stage: stage.clone(),
            text: "Second look".into(),
        })
        .unwrap();
    let shown = world.get(&format!("/stages/{stage}"), &[]).await;
    assert_eq!(shown.body["data"]["text"], "Second look");
    let staying = world.walk("/opportunities", &[("stage_id", &stage)]).await;
    world
        .sim
        .act(Act::DeactivateStage {
            stage: stage.clone(),
        })
        .unwrap();
    assert!(!world.walk("/stages", &[]).await.contains(&stage));
    let ranked = world.get("/disposition_stages", &[]).await.body["data"]["stages"].clone();
    assert!(
        ranked
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["id"] != *stage)
    );
    assert_eq!(
        world.get(&format!("/stages/{stage}"), &[]).await.status,
        404
    );
    assert!(!staying.is_empty());
    assert_eq!(
        world.walk("/opportunities", &[("stage_id", &stage)]).await,
        staying
    );
    let id = text(&world.find(|it| it["stage"] == "lead-new")["id"]);
    let path = format!("/opportunities/{id}/stage");
    assert_eq!(
        world.put(&path, &json!({ "stage": stage })).await.status,
        400
    );
    let error = world.sim.move_stage(&id, &stage).unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::NotFound {
            what: "stage",
            id: stage
        }
    );
}

#[tokio::test]
async fn offers_are_drafted_sent_and_signed() {
    let world = World::of(40).await;
    let id = text(&world.applied()["id"]);
    let offer = Act::AddOffer {
        opportunity: id.clone(),
        salary: 50_000,
    };
    let offer = world.sim.act(offer).unwrap().unwrap();
    let path = format!("/opportunities/{id}/offers");
    let shown = async || world.get(&path, &[]).await.body["data"][0].clone();
    assert_eq!(
        (&shown().await["status"], &shown().await["sentAt"]),
        (&json!("draft"), &Value::Null)
    );
    for (status, key) in [("sent", "sentDocument"), ("signed", "signedDocument")] {
        let act = Act::AdvanceOffer {
            opportunity: id.clone(),
            offer: offer.clone(),
        };
        world.sim.act(act).unwrap();
        let shown = shown().await;
        assert!(shown["status"] == status && shown[key]["downloadUrl"].is_string());
    }
    let lead = text(&world.find(|it| it["applications"] == json!([]))["id"]);
    let error = world
        .sim
        .act(Act::AddOffer {
            opportunity: lead,
            salary: 1,
        })
        .unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::Refused("there is nothing to offer")
    );
    let posting = world.walk("/postings", &[]).await[0].clone();
    let second = Act::CreateApplication {
        opportunity: id,
        posting,
        user: None,
    };
    assert!(
        world.sim.act(second).is_err(),
        "an opportunity has at most one application"
    );
}
