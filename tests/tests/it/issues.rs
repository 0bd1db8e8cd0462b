//! What somebody should look after: one issue for each problem, that ends with it and comes back with it (F-52).

use std::time::Duration;

use lever_sim::{Act, Action, Config, DEFAULT_KEY, FaultPlan, FaultRule, Key, Permissions};
use proto::v1 as pb;
use tonic::Code;

use crate::support::{Door, Setup, World, fresh_id, http, refused, until};

const OTHER_KEY: &str = "another-key-of-the-same-account-0002";

impl World {
    async fn issues(&self, states: &[pb::IssueState]) -> Vec<pb::Issue> {
        let request = pb::ListIssuesRequest {
            connection_id: self.connection.clone(),
            states: states.iter().map(|state| (*state).into()).collect(),
            ..Default::default()
        };
        let answer = self.api.connections().list_issues(request).await;
        answer.expect("a list").into_inner().issues
    }

    async fn open_issues(&self) -> Vec<pb::Issue> {
        self.issues(&[pb::IssueState::Open]).await
    }

    /// Waits until the one issue of a kind stands so.
    async fn until_issue(&self, kind: pb::IssueKind, state: pb::IssueState) -> pb::Issue {
        until(&format!("{kind:?} is {state:?}"), async || {
            let mut issues = self.issues(&[]).await;
            issues.retain(|issue| issue.kind() == kind);
            assert!(issues.len() <= 1, "{issues:#?}");
            issues.pop().filter(|issue| issue.state() == state)
        })
        .await
    }

    async fn act(&self, issue: &pb::Issue, action: pb::IssueAction, note: &str) -> pb::Issue {
        let request = pb::UpdateIssueRequest {
            connection_id: self.connection.clone(),
            issue_id: issue.id.clone(),
            action: action.into(),
            note: note.to_owned(),
        };
        let answer = self.api.connections().update_issue(request).await;
        answer.expect("done").into_inner().issue.expect("an issue")
    }

    async fn check_permissions(&self) {
        let request = pb::CheckPermissionsRequest {
            connection_id: self.connection.clone(),
            ..Default::default()
        };
        let report = self.api.connections().check_permissions(request).await;
        report.expect("a report");
    }

    async fn rotate(&self, key: &str) {
        let request = pb::RotateCredentialRequest {
            connection_id: self.connection.clone(),
            api_key: key.to_owned(),
            ..Default::default()
        };
        let answer = self.api.connections().rotate_credential(request).await;
        answer.expect("rotated");
    }
}

/// A Lever with the same account that knows this key only.
fn knowing(key: Key) -> Config {
    Config {
        keys: vec![key],
        ..Setup::new(40).lever
    }
}

fn lacking(permission: &str) -> Key {
    Key {
        permissions: Permissions::AllBut([permission.to_owned()].into()),
        ..Key::all(DEFAULT_KEY)
    }
}

fn text(issue: &pb::Issue) -> String {
    format!("{} {}", issue.message, issue.repair)
}

/// F-52, X25: whatever fails for it, a revoked key is one issue; it counts on, ends with a new key, and comes back.
#[tokio::test]
async fn f52_a_revoked_key_is_one_issue_that_ends_with_a_new_one_and_comes_back_with_the_next() {
    let mut world = World::synced(Setup::new(40)).await;
    assert_eq!(world.open_issues().await, []);
    world.replace_lever(knowing(Key::all(OTHER_KEY))).await;
    world.pull().await;
    let kind = pb::IssueKind::KeyRejected;
    let opened = world.until_issue(kind, pb::IssueState::Open).await;
    let opportunity = world.open_opportunities().remove(0);
    let note = world.note(&opportunity, &fresh_id(), "hello").await;
    assert_eq!(note.expect("recorded").state(), pb::OperationState::Failed);
    assert!(
        text(&opened).contains("Ask a Lever Super Admin"),
        "{opened:?}"
    );
    assert!(!opened.affected.is_empty() && opened.affected.len() <= 20);

    // What was seen and not kept yet is kept by a stop.
    world.stop().await;
    world.start().await;
    let counted = world.until_issue(kind, pb::IssueState::Open).await;
    assert!(counted.count > opened.count, "{opened:?} {counted:?}");
    assert_eq!(counted.first_seen_time, opened.first_seen_time);
    let open = world.open_issues().await;
    assert_eq!(open.len(), 1, "{open:#?}");

    world.rotate(OTHER_KEY).await;
    let ended = world.until_issue(kind, pb::IssueState::Resolved).await;
    assert!(ended.resolve_time.is_some() && ended.resolved_by.is_empty());
    world.until_synced().await;
    until("nothing is open", async || {
        world.open_issues().await.is_empty().then_some(())
    })
    .await;

    world
        .replace_lever(knowing(Key::all("one-more-key-0003")))
        .await;
    world.pull().await;
    let back = world.until_issue(kind, pb::IssueState::Open).await;
    assert_eq!((back.id.as_str(), back.reopened), (opened.id.as_str(), 1));
    assert!(back.count > counted.count);
}

/// F-52: a permission that is taken away is told by its name, muted, unmuted, and ends with a key that has it.
#[tokio::test]
async fn f52_a_missing_permission_is_told_by_name_muted_unmuted_and_ends_when_it_is_given() {
    let mut world = World::synced(Setup::new(40)).await;
    world.replace_lever(knowing(lacking("find all tags"))).await;
    world.pull_only(&["tags"]).await;
    let kind = pb::IssueKind::PermissionMissing;
    let opened = world.until_issue(kind, pb::IssueState::Open).await;
    assert_eq!(opened.subject, "find all tags");
    assert!(
        opened
            .message
            .starts_with("Lever refused to list tags: the key lacks “find all tags”."),
        "{}",
        opened.message
    );
    assert_eq!(opened.affected.len(), 1, "{opened:?}");
    assert_eq!(opened.affected[0].id, "tags");

    let muted = world.act(&opened, pb::IssueAction::Mute, "we know").await;
    assert_eq!(
        (muted.state(), muted.mute_note.as_str()),
        (pb::IssueState::Muted, "we know")
    );
    assert_eq!(world.open_issues().await, []);
    let back = world.act(&opened, pb::IssueAction::Unmute, "").await;
    assert_eq!(
        (back.state(), back.muted_by.as_str()),
        (pb::IssueState::Open, "")
    );

    world.replace_lever(knowing(Key::all(DEFAULT_KEY))).await;
    world.pull_only(&["tags"]).await;
    world.until_issue(kind, pb::IssueState::Resolved).await;
}

/// F-52: a Lever that answers nothing is one issue, whatever could not be read for it, and ends when it answers again.
#[tokio::test]
async fn f52_a_lever_that_is_down_is_one_issue_until_it_answers_again() {
    let setup = Setup::new(40)
        .with("FULCRUM__LEVER__ATTEMPT_TIMEOUT", "1s")
        .with("FULCRUM__LEVER__DEADLINE", "2s");
    let world = World::synced(setup).await;
    world.lever.set_faults(FaultPlan {
        seed: 1,
        rules: vec![FaultRule::always(Action::ServerErrorBefore(503))],
    });
    let kind = pb::IssueKind::LeverUnreachable;
    let opened = until("several streams are named", async || {
        world.pull().await;
        let issue = world.until_issue(kind, pb::IssueState::Open).await;
        (issue.affected.len() >= 2).then_some(issue)
    })
    .await;
    assert!(
        opened.message.starts_with("Lever cannot be reached"),
        "{opened:?}"
    );
    let open = world.open_issues().await;
    assert_eq!(open.len(), 1, "{open:#?}");
    world.lever.set_faults(FaultPlan::default());
    world.pull().await;
    let ended = world.until_issue(kind, pb::IssueState::Resolved).await;
    assert!(ended.resolved_by.is_empty(), "{ended:?}");
    until("nothing is open", async || {
        world.open_issues().await.is_empty().then_some(())
    })
    .await;
}

/// F-52: a list that alone is not answered is a problem of that list, and none of Lever.
#[tokio::test]
async fn f52_a_list_that_alone_is_not_answered_is_an_issue_of_its_own() {
    let world = World::synced(Setup::new(40)).await;
    world.lever.set_faults(FaultPlan {
        seed: 1,
        rules: vec![FaultRule::on("listTags", Action::ServerErrorBefore(503))],
    });
    let kind = pb::IssueKind::StreamFailing;
    let opened = until("the list is told of", async || {
        world.pull().await;
        let open = world.open_issues().await;
        let only = open.iter().all(|issue| issue.kind() == kind);
        open.into_iter().next().filter(|_| only)
    })
    .await;
    assert_eq!(opened.subject, "tags");
}

/// F-52: what a check of permissions finds missing is told before a read is refused, once, until a check finds it
/// granted.
#[tokio::test]
async fn f52_a_permission_that_a_check_finds_missing_is_an_issue_until_one_finds_it_granted() {
    // The second is what shows people after a write or a webhook.
    for (permission, affected) in [
        ("find all sources", &["sources"][..]),
        ("find an opportunity", &[]),
    ] {
        let mut world = World::synced(Setup::new(40)).await;
        world.replace_lever(knowing(lacking(permission))).await;
        world.check_permissions().await;
        let kind = pb::IssueKind::PermissionMissing;
        let opened = world.until_issue(kind, pb::IssueState::Open).await;
        assert_eq!(opened.subject, permission);
        let ids = opened.affected.iter().map(|one| one.id.as_str());
        assert_eq!(Vec::from_iter(ids), affected);
        world.replace_lever(knowing(Key::all(DEFAULT_KEY))).await;
        world.check_permissions().await;
        world.until_issue(kind, pb::IssueState::Resolved).await;
    }
}

/// F-52: what a read was refused for ends with the check that finds it granted, and is read at once, though no pass is due.
#[tokio::test]
async fn f52_a_check_that_finds_granted_what_a_read_was_refused_for_ends_the_issue_and_has_it_read()
{
    let refused = ["find all tags", "find all opportunity notes"];
    let mut setup = Setup::new(40);
    setup.lever.keys = vec![Key {
        permissions: Permissions::AllBut(refused.map(str::to_owned).into()),
        ..Key::all(DEFAULT_KEY)
    }];
    let mut world = World::synced(setup).await;
    until("both are told", async || {
        (world.open_issues().await.len() == 2).then_some(())
    })
    .await;
    // A check that finds it missing still ends nothing.
    world.check_permissions().await;
    assert_eq!(world.open_issues().await.len(), 2);
    world.replace_lever(knowing(Key::all(DEFAULT_KEY))).await;
    world.check_permissions().await;
    until("nothing is open", async || {
        world.open_issues().await.is_empty().then_some(())
    })
    .await;
    for stream in ["tags", "notes"] {
        until(&format!("{stream} are read"), async || {
            let read = world.stream(stream).await;
            let there = read.state() == pb::StreamState::Synced && read.records > Some(0);
            there.then_some(())
        })
        .await;
    }
}

/// F-52: by hand it is done with until it shows anew, and not because it goes on.
#[tokio::test]
async fn f52_an_issue_resolved_by_hand_opens_when_its_problem_shows_anew() {
    let mut world = World::synced(Setup::new(40)).await;
    world.replace_lever(knowing(lacking("find all tags"))).await;
    world.pull_only(&["tags"]).await;
    let kind = pb::IssueKind::PermissionMissing;
    let opened = world.until_issue(kind, pb::IssueState::Open).await;
    let done = world
        .act(&opened, pb::IssueAction::Resolve, "asked for a key")
        .await;
    assert_eq!(done.state(), pb::IssueState::Resolved);
    assert_eq!(done.resolve_note, "asked for a key");
    assert!(!done.resolved_by.is_empty());
    world.pull_only(&["tags"]).await;
    let again = world.until_issue(kind, pb::IssueState::Open).await;
    assert_eq!((again.id, again.reopened), (opened.id.clone(), 1));

    let unknown = pb::UpdateIssueRequest {
        connection_id: world.connection.clone(),
        issue_id: fresh_id(),
        action: pb::IssueAction::Mute.into(),
        note: String::new(),
    };
    let told = refused(world.api.connections().update_issue(unknown.clone()).await);
    assert_eq!(told.code, Code::NotFound);
    let long = pb::UpdateIssueRequest {
        note: "x".repeat(1001),
        ..unknown
    };
    let told = refused(world.api.connections().update_issue(long).await);
    assert_eq!(
        (told.code, told.fields),
        (Code::InvalidArgument, vec!["note".to_owned()])
    );
}

/// F-52: a record that cannot be read is an issue of its stream with its id, and ends when it can be read.
#[tokio::test]
async fn f52_a_record_that_cannot_be_read_is_an_issue_until_it_can() {
    let mut world = World::new(Setup::new(40)).await;
    let person = world.open_opportunities().remove(0);
    world.lever.garble([person.as_str()]);
    world.connect().await;
    world.until_synced().await;
    let kind = pb::IssueKind::Quarantined;
    let opened = world.until_issue(kind, pb::IssueState::Open).await;
    let named = pb::AffectedObject {
        what: "opportunities".to_owned(),
        id: person.clone(),
        ..Default::default()
    };
    assert_eq!(
        (opened.subject.as_str(), &opened.affected),
        ("opportunities", &vec![named])
    );
    world.lever.garble([]);
    world.lever.touch(&person).expect("known");
    world.pull().await;
    world.until_issue(kind, pb::IssueState::Resolved).await;
}

/// F-52, X7: what Lever changes under a mapping is an issue until the mapping is saved again.
#[tokio::test]
async fn f52_a_stage_that_is_renamed_is_an_issue_until_the_mapping_is_saved() {
    let world = World::synced(Setup::new(40)).await;
    let mapping = world.suggested().await.suggested.expect("a mapping");
    let saved = world.save_mapping(mapping).await.expect("saved");
    let stages = world.lever.stages();
    let stage = stages[0]["id"].as_str().expect("an id").to_owned();
    let rename = Act::RenameStage {
        stage: stage.clone(),
        text: "Quite another name".to_owned(),
    };
    world.lever.act(rename).expect("known");
    world.pull_only(&["stages"]).await;
    let kind = pb::IssueKind::MappingDrift;
    let opened = world.until_issue(kind, pb::IssueState::Open).await;
    let affected = &opened.affected[0];
    assert_eq!(
        (opened.subject.as_str(), affected.id.as_str()),
        ("RENAMED_STAGE", stage.as_str())
    );
    assert_eq!(affected.name, "Quite another name");
    assert!(
        opened.message.contains("Quite another name"),
        "{}",
        opened.message
    );
    world.save_mapping(saved).await.expect("saved");
    world.until_issue(kind, pb::IssueState::Resolved).await;
}

/// F-52: a custom field that the field mapping reads and that is deleted in Lever is an issue, until the mapping reads
/// another one or Lever has the field again.
#[tokio::test]
async fn f52_a_custom_field_that_is_mapped_and_gone_is_an_issue_until_the_mapping_does_without() {
    let world = World::synced(Setup::new(40)).await;
    let mut mapping = world.field_mapping().await;
    let field = "budget_number";
    let path = format!("requisitions.customFields[\"{field}\"]");
    let rule = mapping.rules.iter_mut().find(|rule| rule.field == "NOTES");
    let rule = rule.expect("a rule of the shipped mapping");
    rule.direction = pb::FieldDirection::Import.into();
    rule.path.clone_from(&path);
    let saved = world.save_fields(mapping).await.expect("saved");
    let at = |more: &str| format!("{}/requisition_fields{more}", world.lever.base_url());
    let deleted = http()
        .delete(at(&format!("/{field}")))
        .basic_auth(DEFAULT_KEY, Some(""))
        .send()
        .await;
    assert!(deleted.expect("an answer").status().is_success());
    world.pull_only(&["requisition_fields"]).await;
    let kind = pb::IssueKind::FieldGone;
    let opened = world.until_issue(kind, pb::IssueState::Open).await;
    assert_eq!(opened.subject, path);
    assert!(
        opened.message.contains("NOTES") && opened.message.contains(field),
        "{}",
        opened.message
    );
    let affected = &opened.affected[0];
    assert_eq!(
        (affected.what.as_str(), affected.id.as_str()),
        ("product_field", "NOTES")
    );

    // Somebody makes it again.
    let made = http()
        .post(at(""))
        .basic_auth(DEFAULT_KEY, Some(""))
        .json(&serde_json::json!({"id": field, "text": "Budget", "type": "number"}))
        .send()
        .await;
    assert!(made.expect("an answer").status().is_success());
    world.pull_only(&["requisition_fields"]).await;
    world.until_issue(kind, pb::IssueState::Resolved).await;

    // Or the mapping reads something else.
    let deleted = http()
        .delete(at(&format!("/{field}")))
        .basic_auth(DEFAULT_KEY, Some(""))
        .send()
        .await;
    assert!(deleted.expect("an answer").status().is_success());
    world.pull_only(&["requisition_fields"]).await;
    let back = world.until_issue(kind, pb::IssueState::Open).await;
    assert_eq!((back.id, back.reopened), (opened.id, 1));
    let mut mapping = saved;
    let rule = mapping.rules.iter_mut().find(|rule| rule.field == "NOTES");
    rule.expect("a rule of the shipped mapping").path = "requisitions.name".to_owned();
    world.save_fields(mapping).await.expect("saved");
    world.until_issue(kind, pb::IssueState::Resolved).await;
}

/// F-52: webhooks that Lever does not register are an issue until it does, and so are deliveries of somebody else.
#[tokio::test]
async fn f52_webhooks_that_cannot_be_registered_and_forged_deliveries_are_issues() {
    let door = Door::open().await;
    let mut setup = Setup::new(20).with("FULCRUM__SERVER__PUBLIC_URL", &door.url());
    setup.connection.webhooks = true;
    let refuse = FaultRule::on("createWebhook", Action::ServerErrorBefore(503));
    setup.lever.faults = FaultPlan {
        seed: 1,
        rules: vec![refuse],
    };
    let mut world = World::new(setup).await;
    door.lead_to(world.service().http);
    world.connect().await;
    let kind = pb::IssueKind::WebhooksNotRegistered;
    world.until_issue(kind, pb::IssueState::Open).await;
    world.lever.set_faults(FaultPlan::default());
    world.until_issue(kind, pb::IssueState::Resolved).await;

    let url = format!("{}/webhooks/lever/{}", door.url(), world.connection);
    let forged =
        r#"{"event":"candidateHired","triggeredAt":1,"token":"t","signature":"00","data":{}}"#;
    let answer = http()
        .post(url)
        .header("content-type", "application/json")
        .body(forged)
        .timeout(Duration::from_secs(10))
        .send()
        .await
        .expect("an answer");
    assert!(answer.status().is_client_error(), "{}", answer.status());
    let refused = pb::IssueKind::WebhooksRefused;
    world.until_issue(refused, pb::IssueState::Open).await;
}

/// F-52: writes that Lever refuses are one issue for each kind and reason, with the operations, until one succeeds.
#[tokio::test]
async fn f52_writes_that_fail_are_one_issue_until_one_of_their_kind_succeeds() {
    let mut world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    world
        .replace_lever(knowing(lacking("create an opportunity note")))
        .await;
    let mut failed = Vec::new();
    for _ in 0..2 {
        let note = world
            .note(&opportunity, &fresh_id(), "hello")
            .await
            .expect("recorded");
        assert_eq!(note.state(), pb::OperationState::Failed);
        failed.push(note.id);
    }
    let kind = pb::IssueKind::PermissionMissing;
    let opened = world.until_issue(kind, pb::IssueState::Open).await;
    let affected: Vec<_> = opened.affected.iter().map(|one| one.id.clone()).collect();
    assert!(affected.iter().all(|id| failed.contains(id)) && !affected.is_empty());
    world.replace_lever(knowing(Key::all(DEFAULT_KEY))).await;
    let note = world
        .note(&opportunity, &fresh_id(), "hello")
        .await
        .expect("recorded");
    assert_eq!(note.state(), pb::OperationState::Succeeded);
    world.until_issue(kind, pb::IssueState::Resolved).await;
}

/// F-52: what a former key lacked is no issue of the present one, and whoever is linked is passed over no more.
///
/// Seen to fail while both were told for seven days, unless a later write went well.
#[tokio::test]
async fn f52_another_key_and_a_link_end_what_they_mend_without_another_write() {
    let mut world = World::synced(Setup::new(40)).await;
    let opportunity = world.open_opportunities().remove(0);
    let both = Config {
        keys: vec![lacking("create an opportunity note"), Key::all(OTHER_KEY)],
        ..Setup::new(40).lever
    };
    world.replace_lever(both).await;
    let note = world.note(&opportunity, &fresh_id(), "hello").await;
    let note = note.expect("recorded");
    assert_eq!(note.state(), pb::OperationState::Failed);
    let missing = pb::IssueKind::PermissionMissing;
    world.until_issue(missing, pb::IssueState::Open).await;
    world.rotate(OTHER_KEY).await;
    world.until_issue(missing, pb::IssueState::Resolved).await;
    let since = world.settings().await.credential_time;
    assert!(since.map(|at| at.seconds) >= note.update_time.map(|at| at.seconds));

    let stranger = "stranger@product.example";
    let request = pb::CreateNoteRequest {
        opportunity_id: opportunity,
        request_id: fresh_id(),
        value: "for a stranger".to_owned(),
        acting_user: stranger.to_owned(),
        ..Default::default()
    };
    world.create_note(request).await.expect("recorded");
    let passed_over = pb::IssueKind::ActingUser;
    let opened = world.until_issue(passed_over, pb::IssueState::Open).await;
    let names: Vec<_> = opened
        .affected
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, [stranger]);
    let link = pb::UpdateUserLinkRequest {
        connection_id: world.connection.clone(),
        email: stranger.to_owned(),
        lever_user_id: world.lever.active_users().remove(0),
    };
    let linked = world.api.connections().update_user_link(link).await;
    linked.expect("linked");
    world
        .until_issue(passed_over, pb::IssueState::Resolved)
        .await;
}

/// Issues are listed page by page, of all connections that the caller may see.
#[tokio::test]
async fn issues_of_all_connections_are_listed_page_by_page() {
    let mut setup = Setup::new(20);
    setup.lever.keys = vec![Key {
        permissions: Permissions::AllBut(
            ["find all tags", "find all sources"]
                .map(str::to_owned)
                .into(),
        ),
        ..Key::all(DEFAULT_KEY)
    }];
    let mut world = World::new(setup).await;
    world.connect().await;
    until("both are told", async || {
        (world.open_issues().await.len() == 2).then_some(())
    })
    .await;
    let mut subjects = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListIssuesRequest {
            page_size: 1,
            page_token,
            kinds: vec![pb::IssueKind::PermissionMissing.into()],
            ..Default::default()
        };
        let answer = world.api.connections().list_issues(request).await;
        let answer = answer.expect("a page").into_inner();
        assert_eq!((answer.issues.len(), answer.open), (1, 2));
        subjects.push(answer.issues[0].subject.clone());
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    subjects.sort();
    assert_eq!(subjects, ["find all sources", "find all tags"]);
}

/// A call that was given up for lost may have its effect after all: what is there twice then is told and counted once,
/// and nothing is deleted in Lever.
#[tokio::test]
async fn a_note_of_ours_that_is_in_lever_twice_is_told_and_left_there() {
    let world = World::synced(Setup::new(20)).await;
    let person = world.open_opportunities().remove(0);
    let ours = world.note(&person, &fresh_id(), "once").await;
    let ours = ours.expect("recorded").result_id;
    let notes = world.lever.notes(&person);
    let note = notes.iter().find(|note| note["id"] == ours.as_str());
    let note = note.expect("written");
    let url = format!("{}/opportunities/{person}/notes", world.lever.base_url());
    let late = http()
        .post(url)
        .basic_auth(DEFAULT_KEY, Some(""))
        .json(&serde_json::json!({ "value": "once", "createdAt": note["createdAt"] }));
    let late = late.send().await.expect("answered");
    assert!(late.status().is_success(), "{late:?}");
    let late: serde_json::Value = late.json().await.expect("JSON");
    let late = late["data"]["id"].as_str().expect("an id").to_owned();
    // Whatever has the notes read shows it.
    for text in ["another", "and another"] {
        let read = world.note(&person, &fresh_id(), text).await;
        read.expect("recorded");
    }
    let kind = pb::IssueKind::NoteTwice;
    let issue = world.until_issue(kind, pb::IssueState::Open).await;
    let named = |one: &pb::AffectedObject| (one.what.clone(), one.id.clone());
    let affected: Vec<_> = issue.affected.iter().map(named).collect();
    let expected = [
        ("notes", &ours),
        ("notes", &late),
        ("opportunities", &person),
    ];
    let expected = expected.map(|(what, id)| (what.to_owned(), id.clone()));
    assert_eq!(affected, expected);
    let metrics = http().get(format!("http://{}/metrics", world.service().http));
    let metrics = metrics.send().await.expect("an answer").text().await;
    let metrics = metrics.expect("text");
    let mut lines = metrics.lines();
    let counted = lines.find(|line| line.starts_with("fulcrum_writeback_duplicates_total"));
    assert_eq!(counted, Some("fulcrum_writeback_duplicates_total 1"));
    assert_eq!(world.notes_saying(&person, "once"), 2);
}
