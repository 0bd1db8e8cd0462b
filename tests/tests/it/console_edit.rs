//! What failed is changed and sent anew, or given up, on the pages of the console and over gRPC (product.md, screen 12).

use proto::v1 as pb;
use reqwest::StatusCode;
use serde_json::json;
use tonic::Code;

use crate::console::{Browser, csrf};
use crate::support::{Setup, World, fresh_id, http, refused, until, why};

const NOTES: &str = "create an opportunity note";

impl World {
    /// What the key of the account may not do from now on.
    async fn deny(&self, permissions: &[&str]) {
        let url = format!("http://{}/sim/keys", self.lever.address());
        let key = json!({ "secret": self.key(), "without": permissions, "confidential": true });
        let answer = http().post(url).json(&key).send().await.expect("an answer");
        assert!(answer.status().is_success());
    }

    /// Rejections of the first applicants, as if they were still in a stage where they are not.
    async fn rejected_elsewhere(&self, number: usize) -> Vec<pb::Operation> {
        let stages = self.lever.stages();
        let elsewhere = |stage: &str| {
            let mut ids = stages.iter().filter_map(|one| one["id"].as_str());
            ids.find(|id| *id != stage).expect("another").to_owned()
        };
        let mut people = self.refs(number).await;
        for one in &mut people {
            one.expected_stage_id = elsewhere(&one.expected_stage_id);
        }
        let request = pb::RejectApplicantsRequest {
            connection_id: self.connection.clone(),
            request_id: fresh_id(),
            applicants: people,
            archive_reason_id: self.reject_reason(),
            email_template_id: "kind-words".to_owned(),
            ..Default::default()
        };
        let mut last = self.reject(request).await;
        last.retain(|one| one.state() == pb::OperationState::Failed);
        last
    }

    /// An operation as whoever has this token is told of it.
    async fn operation_for(&self, token: &str, id: &str) -> pb::Operation {
        let request = pb::GetOperationRequest {
            connection_id: self.connection.clone(),
            operation_id: id.to_owned(),
        };
        let api = self.api.with_token(token);
        let answer = api.operations().get_operation(request).await;
        answer.expect("told").into_inner().operation.expect("it")
    }
}

/// Screen 12: the new write is one write however often it is pressed, and the one before is never sent too.
#[tokio::test]
async fn a_note_that_failed_is_changed_and_sent_once_in_its_place() {
    let world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    world.deny(&[NOTES]).await;
    let before = world.note(&person, &fresh_id(), "Caled <her>").await;
    let before = before.expect("recorded");
    assert_eq!(why(&before).reason, "LEVER_PERMISSION_MISSING");
    world.deny(&[]).await;

    let mut browser = Browser::new(&world);
    let list = format!("/console/connections/{}/operations", world.connection);
    let at = format!("{list}/{}", before.id);
    let edit = format!("{at}/edit");
    let shown = browser.open(&at).await;
    assert!(shown.text.contains(&format!("href=\"{edit}\"")));
    assert!(!shown.text.contains("Caled"), "not on this page");
    assert!(browser.open(&list).await.text.contains(&edit));
    let form = browser.open(&edit).await;
    assert!(
        form.text.contains(">Caled &lt;her&gt;</textarea>"),
        "{}",
        form.text
    );
    let proof = csrf(&form);

    let empty = [("csrf", proof.as_str()), ("value", " ")];
    let refused_page = browser.post(&edit, &empty).await;
    assert_eq!(refused_page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused_page.text.contains("id=\"field-value-problem\""));
    let forged = [("csrf", "guessed"), ("value", "x")];
    assert_eq!(
        browser.post(&edit, &forged).await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        world.operation(&before.id).await.state(),
        pb::OperationState::Failed
    );

    let changed = [("csrf", proof.as_str()), ("value", "Called her\r\ntwice")];
    let first = browser.post(&edit, &changed).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.text);
    let second = browser.post(&edit, &changed).await;
    assert_eq!(first.to, second.to, "pressed twice: {}", second.text);
    let new = first.to.trim_start_matches(&format!("{list}/")).to_owned();
    assert_eq!(
        world.settled(&new).await.state(),
        pb::OperationState::Succeeded
    );
    assert_eq!(world.notes_saying(&person, "Called her\ntwice"), 1);
    assert_eq!(world.effects("createOpportunityNote"), 1);

    // The one before is over, and both lead to each other.
    let over = world.operation(&before.id).await;
    assert_eq!(over.state(), pb::OperationState::Cancelled);
    assert_eq!(why(&over).reason, "LEVER_PERMISSION_MISSING");
    let told = refused(world.retry(&before.id).await);
    assert_eq!(told.reason, "OPERATION_NOT_RETRYABLE");
    let shown = browser.open(&at).await;
    assert!(
        shown.text.contains(&format!("href=\"{}\"", first.to)),
        "{}",
        shown.text
    );
    assert!(!shown.text.contains(&edit) && !shown.text.contains("press Retry"));
    let shown = browser.open(&first.to).await;
    assert!(
        shown.text.contains(&format!("href=\"{at}\"")),
        "{}",
        shown.text
    );

    // Somebody who had the form open, too, is told what was sent, and keeps what they typed.
    for typed in ["Called <him>", ""] {
        let late = [("csrf", proof.as_str()), ("value", typed)];
        let late = browser.post(&edit, &late).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
        let typed = typed.replace('<', "&lt;").replace('>', "&gt;");
        for told in [
            "has already changed and sent this write",
            &format!("href=\"{}\"", first.to),
            "was sent in its place, and has succeeded.",
            &format!(">{typed}</textarea>"),
        ] {
            assert!(late.text.contains(told), "{told}: {}", late.text);
        }
        assert!(!late.text.contains("request_id"), "{}", late.text);
    }
    assert_eq!(world.effects("createOpportunityNote"), 1);
}

/// Screen 12, X19: what was kept to our own stays so when it is edited, unless a person unticks that.
#[tokio::test]
async fn a_removal_that_failed_minds_whose_tags_are_whose_when_it_is_edited() {
    let world = World::synced(Setup::new(40)).await;
    let mut browser = Browser::new(&world);
    let list = format!("/console/connections/{}/operations", world.connection);
    let people = world.open_opportunities();
    for (person, ticked, left) in [
        (&people[0], true, vec!["theirs"]),
        (&people[1], false, vec![]),
    ] {
        let ours = pb::AddTagsRequest {
            opportunity_id: person.clone(),
            request_id: fresh_id(),
            tags: vec!["ours".to_owned()],
            ..Default::default()
        };
        world.add_tags(ours).await.expect("recorded");
        let body = json!({ "tags": ["theirs"] });
        world.somebody_in_lever(person, "addTags", body).await;
        world.deny(&["remove opportunity tags"]).await;
        let request = pb::RemoveTagsRequest {
            opportunity_id: person.clone(),
            request_id: fresh_id(),
            tags: vec!["ours".to_owned()],
            only_ours: true,
            ..Default::default()
        };
        let before = world.remove_tags(request).await.expect("recorded");
        assert_eq!(why(&before).reason, "LEVER_PERMISSION_MISSING");
        world.deny(&[]).await;
        let told = world.operation(&before.id).await;
        let content = told.content.expect("for an admin");
        assert!(content.only_ours && !content.respect_removals);

        let edit = format!("{list}/{}/edit", before.id);
        let form = browser.open(&edit).await;
        let tick = "name=\"only_ours\" checked";
        assert!(form.text.contains(tick), "{}", form.text);
        let proof = csrf(&form);
        let mut filled = vec![("csrf", proof.as_str()), ("tags", "ours\r\ntheirs")];
        filled.extend(ticked.then_some(("only_ours", "on")));
        let sent = browser.post(&edit, &filled).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        let new = sent.to.trim_start_matches(&format!("{list}/")).to_owned();
        let ended = world.settled(&new).await;
        assert_eq!(ended.state(), pb::OperationState::Succeeded);
        assert_eq!(ended.left_out, left);
    }
}

/// Screen 12, X4, X13: the reason and the stage are changed, the acting user and the product's e-mail stay.
#[tokio::test]
async fn a_rejection_that_failed_is_edited_as_a_rejection_after_a_tick() {
    let world = World::synced(Setup::new(60)).await;
    let failed = world.rejected_elsewhere(2).await;
    let item = failed
        .iter()
        .find(|one| one.id.ends_with("/1"))
        .expect("an item");
    assert_eq!(why(item).reason, "STAGE_MOVED");
    let before = world.operation(&item.id).await;
    let content = before.content.clone().expect("kept");
    assert_eq!(content.email_template_id, "kind-words");
    let present = before.summary.clone().expect("told").present_stage_id;

    let mut browser = Browser::new(&world);
    let list = format!("/console/connections/{}/operations", world.connection);
    let edit = format!("{list}/{}/edit", item.id);
    let form = browser.open(&edit).await;
    assert!(form.text.contains("where they are now"), "{}", form.text);
    let proof = csrf(&form);
    let reason = world.reject_reason();
    let unsure = [
        ("csrf", proof.as_str()),
        ("archive_reason_id", reason.as_str()),
        ("expected_stage_id", present.as_str()),
    ];
    let refused_page = browser.post(&edit, &unsure).await;
    assert_eq!(refused_page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused_page.text.contains("id=\"sure-problem\""));
    assert_eq!(world.effects("updateOpportunityArchivedState"), 0);
    let sure = [unsure[0], unsure[1], unsure[2], ("sure", "on")];
    let sent = browser.post(&edit, &sure).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let new = sent.to.trim_start_matches(&format!("{list}/")).to_owned();
    let done = world.settled(&new).await;
    assert_eq!(done.state(), pb::OperationState::Succeeded, "{done:?}");
    assert_eq!(
        done.email_intent.expect("asked for").email_template_id,
        "kind-words"
    );
    assert_eq!(done.acting_user_id, before.acting_user_id);
    assert_eq!(
        browser.post(&edit, &sure).await.to,
        sent.to,
        "pressed twice"
    );
    let anywhere = [unsure[0], unsure[1], ("expected_stage_id", ""), sure[3]];
    let late = browser.post(&edit, &anywhere).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text);
    assert!(
        late.text
            .contains("has already changed and sent this write")
    );
    assert!(late.text.contains("value=\"\" selected>wherever that is"));

    // The bulk goes by its other item, and is over once that is given up.
    let (bulk, _) = item.id.split_once('/').expect("an item");
    let settled = |state: pb::OperationState| {
        let world = &world;
        async move {
            until("the bulk has settled", async || {
                let bulk = world.operation(bulk).await;
                (bulk.state() == state).then_some(bulk)
            })
            .await
        }
    };
    let mixed = settled(pb::OperationState::Failed).await;
    let tally = mixed.tally.expect("of a bulk");
    assert_eq!((tally.failed, tally.cancelled), (1, 1));
    let told = refused(world.cancel(bulk).await);
    assert_eq!(told.reason, "OPERATION_NOT_WAITING", "one by one");
    let other = format!("{bulk}/2");
    let page = format!("{list}/{other}?back=operation");
    let given_up = [("csrf", proof.as_str()), ("action", "cancel")];
    let answer = browser.post(&page, &given_up).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert_eq!(
        world.operation(&other).await.state(),
        pb::OperationState::Cancelled
    );
    settled(pb::OperationState::Cancelled).await;
}

/// X24: what was written is told to those who may write it, a secret note to admins alone.
#[tokio::test]
async fn what_was_asked_for_is_told_to_whoever_may_ask_for_it() {
    let mut world = World::synced(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    world.deny(&[NOTES, "add opportunity tags"]).await;
    let note = |secret| pb::CreateNoteRequest {
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        value: "between us".to_owned(),
        secret,
        ..Default::default()
    };
    let open = world.create_note(note(false)).await.expect("recorded");
    let secret = world.create_note(note(true)).await.expect("recorded");
    assert_eq!(open.content, None, "only where it is asked for");
    assert!(world.stop().await.success());
    let mut tokens = Vec::new();
    for role in ["admin", "product", "reader"] {
        tokens.push(world.home.token(&["--role", role]).await);
    }
    world.start().await;
    for (token, sees_open, sees_secret) in [
        (&tokens[0], true, true),
        (&tokens[1], true, false),
        (&tokens[2], false, false),
    ] {
        for (operation, sees) in [(&open, sees_open), (&secret, sees_secret)] {
            let told = world.operation_for(token, &operation.id).await;
            let text = told.content.map(|content| content.note);
            assert_eq!(text, sees.then(|| "between us".to_owned()));
        }
    }
    let edit = |operation: &pb::Operation| {
        let id = &operation.id;
        format!(
            "/console/connections/{}/operations/{id}/edit",
            world.connection
        )
    };
    let mut product = Browser::new(&world);
    product
        .post("/console/sign-in", &[("token", &tokens[1])])
        .await;
    let page = product.open(&edit(&open)).await;
    assert!(
        page.text.contains(">between us</textarea>"),
        "{}",
        page.text
    );
    let page = product.open(&edit(&secret)).await;
    assert!(
        page.text.contains("for admins alone to read"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("between us"));
    let mut reader = Browser::new(&world);
    reader
        .post("/console/sign-in", &[("token", &tokens[2])])
        .await;
    let page = reader.open(&edit(&open)).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.text);
    assert!(!page.text.contains("between us"));
    let list = format!("/console/connections/{}/operations", world.connection);
    let list = reader.open(&list).await;
    assert!(!list.text.contains("/edit\""));
}

#[tokio::test]
async fn what_failed_can_be_given_up_and_what_is_done_cannot() {
    let world = World::synced(Setup::new(20)).await;
    let person = world.open_opportunities().remove(0);
    world.deny(&[NOTES]).await;
    let failed = world
        .note(&person, &fresh_id(), "hello")
        .await
        .expect("recorded");
    let given_up = world.cancel(&failed.id).await.expect("given up");
    assert_eq!(given_up.state(), pb::OperationState::Cancelled);
    assert_eq!(why(&given_up).reason, "LEVER_PERMISSION_MISSING");
    let told = refused(world.cancel(&failed.id).await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "OPERATION_NOT_WAITING")
    );
}
