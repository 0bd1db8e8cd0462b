//! X13: whom in Lever a write is made for, and what an operation tells of it.

use futures::StreamExt as _;
use lever_sim::{Action, FaultPlan, FaultRule};
use proto::v1 as pb;
use proto::v1::OperationState::{Failed, Succeeded};
use proto::v1::{ActingBecause, PassedOver, UserMatch};
use tonic::{Code, Status};

use crate::support::{Setup, World, fresh_id, http, refused, until, why};

const PRODUCT_USER: &str = "Grace.Elsewhere@product.example";

impl World {
    async fn link_user(&self, email: &str, user: &str) -> Result<Option<pb::UserLink>, Status> {
        let request = pb::UpdateUserLinkRequest {
            connection_id: self.connection.clone(),
            email: email.to_owned(),
            lever_user_id: user.to_owned(),
        };
        let answer = self.api.connections().update_user_link(request).await?;
        Ok(answer.into_inner().link)
    }

    /// All rows, a few at a time.
    async fn user_links(&self) -> Vec<pb::UserLink> {
        let mut rows = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListUserLinksRequest {
                connection_id: self.connection.clone(),
                page_size: 7,
                page_token,
            };
            let answer = self.api.connections().list_user_links(request).await;
            let page = answer.expect("rows").into_inner();
            rows.extend(page.links);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return rows;
            }
        }
    }

    async fn link_of(&self, email: &str) -> pb::UserLink {
        let rows = self.user_links().await.into_iter();
        let mut of_email = rows.filter(|row| row.email == email.to_lowercase());
        of_email.next().expect("a row of this e-mail")
    }

    async fn note_for(&self, opportunity: &str, user: &str) -> Result<pb::Operation, Status> {
        self.create_note(pb::CreateNoteRequest {
            opportunity_id: opportunity.to_owned(),
            request_id: fresh_id(),
            value: "hello".to_owned(),
            acting_user: user.to_owned(),
            ..Default::default()
        })
        .await
    }

    async fn bulk_for(&self, people: &[String], user: &str) -> Vec<pb::Operation> {
        let item = |opportunity: &String| pb::BulkItem {
            opportunity_id: opportunity.clone(),
            write: Some(pb::bulk_item::Write::AddTags(pb::BulkTexts {
                values: vec!["Shortlisted".to_owned()],
            })),
        };
        let request = pb::BulkWriteRequest {
            connection_id: self.connection.clone(),
            items: people.iter().map(item).collect(),
            request_id: fresh_id(),
            acting_user: user.to_owned(),
            ..Default::default()
        };
        let told = self.api.candidates().bulk_write(request).await;
        let told = told.expect("recorded").into_inner();
        told.map(|one| one.expect("told").operation.expect("an operation"))
            .collect()
            .await
    }

    async fn be_strict(&self) {
        let strict = pb::Connection {
            strict_acting_user: true,
            ..Default::default()
        };
        let changed = self.change(strict, &["strict_acting_user"]).await;
        assert!(changed.expect("changed").strict_acting_user);
    }

    /// An admin of the customer deactivates somebody in Lever, and the mirror knows of it.
    async fn deactivate(&self, user: &str) {
        let request = pb::CallRequest {
            connection_id: self.connection.clone(),
            operation_id: "deactivateUser".to_owned(),
            path_parameters: [("user".to_owned(), user.to_owned())].into(),
            request_id: fresh_id(),
            ..Default::default()
        };
        let answer = self.api.lever().call(request).await.expect("recorded");
        let operation = answer.into_inner().operation.expect("an operation");
        assert_eq!(operation.state(), Succeeded, "{operation:?}");
        until("the mirror knows of it", async || {
            let rows = self.user_links().await;
            let gone = rows
                .iter()
                .any(|row| row.lever_user_id == user && row.r#match() == UserMatch::Deactivated);
            gone.then_some(())
        })
        .await;
    }

    /// Whom Lever names as the author of a note.
    fn author(&self, operation: &pb::Operation) -> String {
        let notes = self.lever.notes(&operation.opportunity_id);
        let note = notes
            .iter()
            .find(|note| note["id"] == operation.result_id.as_str());
        note.expect("written")["user"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    async fn postings(&self) -> Vec<pb::Posting> {
        let request = pb::ListPostingsRequest {
            connection_id: self.connection.clone(),
            ..Default::default()
        };
        let answer = self.api.lever().list_postings(request).await;
        answer.expect("postings").into_inner().postings
    }

    /// An open candidacy with an active owner, for a posting with another active owner: the three of them.
    async fn owned_twice(&self) -> (String, String, String) {
        let postings = self.postings().await;
        let active = self.lever.active_users();
        let request = pb::ListCandidatesRequest {
            connection_id: self.connection.clone(),
            ..Default::default()
        };
        let answer = self.api.candidates().list_candidates(request).await;
        let candidacies = answer.expect("candidacies").into_inner().candidacies;
        let twice = candidacies.into_iter().find_map(|one| {
            let posting = postings.iter().find(|it| it.id == one.posting_id)?;
            let fits = one.archived_at.is_none()
                && one.owner_id != posting.owner_id
                && active.contains(&one.owner_id)
                && active.contains(&posting.owner_id);
            fits.then(|| (one.opportunity_id, one.owner_id, posting.owner_id.clone()))
        });
        twice.expect("such a candidacy")
    }
}

async fn world() -> World {
    World::synced(Setup::new(60)).await
}

/// For whom an operation was made, why, and why not for another.
fn acted(operation: &pb::Operation) -> (&str, ActingBecause, PassedOver) {
    let user = operation.acting_user_id.as_str();
    (user, operation.acting_because(), operation.passed_over())
}

#[tokio::test]
async fn x13_a_link_goes_before_the_e_mail_in_any_case_and_outlives_a_restart() {
    let mut world = world().await;
    let person = world.open_opportunities().remove(0);
    let rows = world.user_links().await;
    let mut matched = rows.iter().filter(|row| row.r#match() == UserMatch::Email);
    let (ada, ben) = (
        matched.next().expect("one").clone(),
        matched.next().expect("another").clone(),
    );
    let by_email = world.note_for(&person, &ada.email.to_uppercase()).await;
    let by_email = by_email.expect("recorded");
    assert_eq!(by_email.acting_user_id, ada.lever_user_id);
    assert_eq!(by_email.acting_because(), ActingBecause::Email);

    let link = world
        .link_user(&ada.email.to_uppercase(), &ben.lever_user_id)
        .await;
    let link = link.expect("linked").expect("a link");
    assert_eq!(
        (
            link.r#match(),
            link.lever_user_name.as_str(),
            link.linked_by.as_str()
        ),
        (UserMatch::Linked, ben.lever_user_name.as_str(), "local")
    );
    world
        .link_user(PRODUCT_USER, &ada.lever_user_id)
        .await
        .expect("linked");
    let before = world.user_links().await;
    assert!(world.stop().await.success());
    world.start().await;
    assert_eq!(world.user_links().await, before);
    let outranked = before
        .iter()
        .find(|row| row.lever_user_id == ada.lever_user_id && row.email == ada.email);
    assert_eq!(outranked.expect("a row").r#match(), UserMatch::Outranked);

    for (email, expected) in [
        (ada.email.to_uppercase(), &ben.lever_user_id),
        (PRODUCT_USER.to_lowercase(), &ada.lever_user_id),
    ] {
        let operation = world.note_for(&person, &email).await.expect("recorded");
        assert_eq!(operation.state(), Succeeded, "{operation:?}");
        assert_eq!(operation.acting_because(), ActingBecause::Linked);
        assert_eq!(operation.passed_over(), PassedOver::Unspecified);
        assert_eq!(&operation.acting_user_id, expected);
        assert_eq!(&world.author(&operation), expected);
    }
    assert_eq!(
        world.link_user(&ada.email, "").await.expect("taken back"),
        None
    );
    assert_eq!(
        world
            .link_user(&ada.email, "")
            .await
            .expect("nothing to do"),
        None
    );
    let again = world.note_for(&person, &ada.email).await.expect("recorded");
    assert_eq!(again.acting_user_id, ada.lever_user_id);
}

#[tokio::test]
async fn x13_for_a_deactivated_user_the_owner_of_the_posting_acts_and_the_operation_says_why() {
    let world = world().await;
    let (person, owner, posting_owner) = world.owned_twice().await;
    world.link_user(PRODUCT_USER, &owner).await.expect("linked");
    let own_email = world.link_of(PRODUCT_USER).await.lever_user_email;
    world.deactivate(&owner).await;
    let row = world.link_of(PRODUCT_USER).await;
    assert_eq!(row.r#match(), UserMatch::LinkDeactivated);
    assert!(row.reason.contains("deactivated"), "{row:?}");

    for (email, passed_over) in [
        (PRODUCT_USER, PassedOver::LinkDeactivated),
        (own_email.as_str(), PassedOver::Deactivated),
        ("nobody@product.example", PassedOver::Unknown),
    ] {
        let operation = world.note_for(&person, email).await.expect("recorded");
        assert_eq!(operation.state(), Succeeded, "{operation:?}");
        let kept = world.operation(&operation.id).await;
        assert_eq!(
            (
                kept.acting_because(),
                kept.passed_over(),
                kept.acting_user.as_str()
            ),
            (ActingBecause::PostingOwner, passed_over, email)
        );
        assert_eq!(kept.acting_user_id, posting_owner);
        assert_eq!(world.author(&operation), posting_owner);
    }
}

#[tokio::test]
async fn x13_a_preview_tells_what_a_write_then_does_and_writes_nothing() {
    let world = world().await;
    let (person, owner, _) = world.owned_twice().await;
    let preview = async |email: &str, about: &str| {
        let request = pb::PreviewActingUserRequest {
            connection_id: world.connection.clone(),
            email: email.to_owned(),
            opportunity_id: about.to_owned(),
        };
        let answer = world.api.connections().preview_acting_user(request).await;
        answer.map(|answer| answer.into_inner())
    };
    let written = world.writes().len();
    let stranger = preview(PRODUCT_USER, &person).await.expect("a preview");
    assert_eq!(
        (stranger.because(), stranger.passed_over()),
        (ActingBecause::OpportunityOwner, PassedOver::Unknown)
    );
    assert_eq!(stranger.lever_user_id, owner);
    let anybody = preview(PRODUCT_USER, "").await.expect("a preview");
    assert_eq!(
        anybody.because(),
        ActingBecause::Nobody,
        "no owner is known"
    );
    assert_eq!(
        (world.writes().len(), world.operations().await.len()),
        (written, 0)
    );

    let note = world
        .note_for(&person, PRODUCT_USER)
        .await
        .expect("recorded");
    assert_eq!(note.acting_user_id, stranger.lever_user_id);
    assert_eq!(note.acting_because(), stranger.because());

    world.link_user(PRODUCT_USER, &owner).await.expect("linked");
    let linked = preview(&PRODUCT_USER.to_uppercase(), "")
        .await
        .expect("a preview");
    assert_eq!(linked.because(), ActingBecause::Linked);
    assert!(!linked.lever_user_name.is_empty() && !linked.refused);
    let row = world.link_of(PRODUCT_USER).await;
    assert!(
        !row.lever_user_role.is_empty() && !row.lever_user_deactivated,
        "{row:?}"
    );

    world.deactivate(&owner).await;
    world.be_strict().await;
    let refused_now = preview(PRODUCT_USER, &person).await.expect("a preview");
    assert!(refused_now.refused && refused_now.lever_user_id.is_empty());
    assert_eq!(refused_now.passed_over(), PassedOver::LinkDeactivated);
    assert!(world.link_of(PRODUCT_USER).await.lever_user_deactivated);

    let told = refused(preview("nobody", "").await);
    assert_eq!(
        (told.code, told.fields[0].as_str()),
        (Code::InvalidArgument, "email")
    );
    let told = refused(preview(PRODUCT_USER, "no-such-opportunity").await);
    assert_eq!(told.code, Code::NotFound);
}

#[tokio::test]
async fn x13_a_strict_connection_refuses_instead_and_sends_nothing() {
    let world = world().await;
    let (person, owner, _) = world.owned_twice().await;
    world.link_user(PRODUCT_USER, &owner).await.expect("linked");
    world.deactivate(&owner).await;
    world.be_strict().await;
    let written = world.writes().len();
    let asked = world.operations().await.len();
    for (email, reason, said) in [
        (PRODUCT_USER, "LINK_DEACTIVATED", "deactivated"),
        ("nobody@product.example", "UNKNOWN", "no Lever user"),
    ] {
        let told = refused(world.note_for(&person, email).await);
        assert_eq!(
            (
                told.code,
                told.reason.as_str(),
                told.details["why"].as_str()
            ),
            (Code::FailedPrecondition, "ACTING_USER_UNKNOWN", reason)
        );
        assert!(told.message.contains(said), "{told:?}");
        assert!(told.message.contains("UpdateUserLink"), "{told:?}");
    }
    assert_eq!(world.operations().await.len(), asked);
    assert_eq!(world.writes().len(), written);

    let unnamed = world.note(&person, &fresh_id(), "hello").await;
    let unnamed = unnamed.expect("recorded");
    assert_eq!(unnamed.state(), Succeeded, "{unnamed:?}");
    assert_eq!(unnamed.acting_because(), ActingBecause::Nobody);
}

#[tokio::test]
async fn x13_items_of_a_strict_bulk_fail_and_go_out_once_the_user_is_linked() {
    let world = world().await;
    world.be_strict().await;
    let people: Vec<String> = world.open_opportunities().into_iter().take(3).collect();
    let told = world.bulk_for(&people, PRODUCT_USER).await;
    let (items, bulks): (Vec<_>, Vec<_>) = told.iter().partition(|one| !one.parent_id.is_empty());
    assert_eq!(items.len(), people.len());
    for item in &items {
        assert_eq!(item.state(), Failed, "{item:?}");
        assert_eq!(why(item).reason, "ACTING_USER_UNKNOWN");
    }
    let bulk = bulks.last().expect("the bulk at the end");
    assert_eq!(
        (bulk.state(), why(bulk).reason.as_str()),
        (Failed, "ITEMS_FAILED")
    );
    assert!(world.writes().is_empty());

    let retry = || async {
        let request = pb::RetryOperationRequest {
            connection_id: world.connection.clone(),
            operation_id: bulk.id.clone(),
        };
        world.api.operations().retry_operation(request).await
    };
    let told = refused(retry().await);
    assert_eq!(told.reason, "ACTING_USER_UNKNOWN", "{told:?}");
    assert!(world.writes().is_empty());

    let user = world.lever.active_users().remove(0);
    world.link_user(PRODUCT_USER, &user).await.expect("linked");
    retry().await.expect("in line again");
    assert_eq!(world.settled(&bulk.id).await.state(), Succeeded);
    for item in items {
        let item = world.operation(&item.id).await;
        assert_eq!(item.state(), Succeeded, "{item:?}");
        assert_eq!(
            (item.acting_user_id.as_str(), item.acting_because()),
            (user.as_str(), ActingBecause::Linked)
        );
    }
    assert_eq!(world.effects("addOpportunityTags"), people.len());
}

#[tokio::test]
async fn x13_only_what_can_be_right_is_linked_and_only_by_an_admin() {
    let mut world = world().await;
    let rows = world.user_links().await;
    let gone = rows
        .iter()
        .find(|row| row.r#match() == UserMatch::Deactivated)
        .expect("somebody who has left");
    let active = world.lever.active_users().remove(0);
    for (email, user, field) in [
        (PRODUCT_USER, "nobody", "lever_user_id"),
        (PRODUCT_USER, gone.lever_user_id.as_str(), "lever_user_id"),
        ("grace", active.as_str(), "email"),
        ("", "", "email"),
    ] {
        let told = refused(world.link_user(email, user).await);
        assert_eq!(told.code, Code::InvalidArgument, "{email} {user}");
        assert_eq!(told.fields, [field], "{email} {user}");
    }
    assert_eq!(world.user_links().await, rows);

    assert!(world.stop().await.success());
    let admin = world.home.token(&["--role", "admin"]).await;
    let product = world.home.token(&["--role", "product"]).await;
    world.start().await;
    world.api = world.api.with_token(&product);
    let told = refused(world.link_user(PRODUCT_USER, &active).await);
    assert_eq!(told.code, Code::PermissionDenied);
    world.api = world.api.with_token(&admin);
    let linked = world.link_user(PRODUCT_USER, &active).await;
    assert!(linked.expect("linked").is_some());
}

/// A default who has left the company since keeps no write from being made.
#[tokio::test]
async fn x13_a_default_who_was_deactivated_is_passed_over() {
    let world = world().await;
    let (person, owner, _) = world.owned_twice().await;
    let mut others = world.lever.active_users().into_iter();
    let default = others.rfind(|user| *user != owner);
    let default = default.expect("somebody else");
    let settings = pb::Connection {
        default_acting_user_id: default.clone(),
        ..Default::default()
    };
    let changed = world.change(settings, &["default_acting_user_id"]).await;
    changed.expect("an active user");
    world.deactivate(&default).await;

    let note = world.note(&person, &fresh_id(), "in nobody's name").await;
    let note = note.expect("recorded");
    assert_eq!(note.state(), Succeeded, "{note:?}");
    assert_eq!(
        (note.acting_because(), note.passed_over()),
        (ActingBecause::Nobody, PassedOver::DefaultDeactivated)
    );
    // Lever insists on a name here.
    let file = pb::UploadFileRequest {
        connection_id: world.connection.clone(),
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        name: "letter.txt".to_owned(),
        wait: Some(prost_types::Duration {
            seconds: 40,
            nanos: 0,
        }),
        ..Default::default()
    };
    let piece = pb::UploadFileRequest {
        chunk: b"dear all".to_vec().into(),
        ..Default::default()
    };
    let messages = futures::stream::iter([file, piece]);
    let uploaded = world.api.candidates().upload_file(messages).await;
    let uploaded = uploaded.expect("recorded").into_inner().operation;
    let uploaded = uploaded.expect("an operation");
    assert_eq!(uploaded.state(), Succeeded, "{uploaded:?}");
    assert_eq!(
        (uploaded.acting_because(), uploaded.passed_over()),
        (
            ActingBecause::OpportunityOwner,
            PassedOver::DefaultDeactivated
        )
    );
    assert_eq!(uploaded.acting_user_id, owner);
}

/// Whom a write is made for is chosen again when it is released or retried, where that user has left since.
#[tokio::test]
async fn x13_a_write_whose_user_was_deactivated_meanwhile_goes_to_the_next() {
    let world = world().await;
    let (person, owner, posting_owner) = world.owned_twice().await;
    world.link_user(PRODUCT_USER, &owner).await.expect("linked");
    let held = pb::ArchiveRequest {
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        archive_reason_id: world.reject_reason(),
        acting_user: PRODUCT_USER.to_owned(),
        hold: Some(pb::Hold {
            delay: Some(pb::hold::Delay::BusinessDays(2)),
        }),
        ..Default::default()
    };
    let held = world.archive(held).await.expect("recorded");
    let stage = world.lever.opportunity(&person).expect("there")["stage"].clone();
    let stage = stage.as_str().expect("a stage").to_owned();
    let elsewhere = ["lead-responded", "lead-reached-out"];
    let elsewhere = elsewhere.into_iter().find(|other| *other != stage);
    let elsewhere = elsewhere.expect("one of them");
    let moved = pb::ChangeStageRequest {
        opportunity_id: person.clone(),
        request_id: fresh_id(),
        stage_id: "offer".to_owned(),
        expected_stage_id: elsewhere.to_owned(),
        acting_user: PRODUCT_USER.to_owned(),
        ..Default::default()
    };
    let moved = world.change_stage(moved).await.expect("recorded");
    for operation in [&held, &moved] {
        assert_eq!(operation.acting_user_id, owner);
    }
    assert_eq!(moved.state(), pb::OperationState::Failed, "{moved:?}");
    world.deactivate(&owner).await;
    world.lever.move_stage(&person, elsewhere).expect("known");
    for (id, by_hand) in [(moved.id, "retry"), (held.id, "release")] {
        match by_hand {
            "retry" => world.retry(&id).await.expect("in line"),
            _ => world.release(&id).await.expect("released"),
        };
        let written = world.settled(&id).await;
        assert_eq!(written.state(), Succeeded, "{written:?}");
        assert_eq!(written.acting_user_id, posting_owner);
        assert_eq!(
            (written.acting_because(), written.passed_over()),
            (ActingBecause::PostingOwner, PassedOver::LinkDeactivated)
        );
    }
}

impl World {
    /// Somebody works in Lever itself and deactivates a user; the mirror does not know of it.
    async fn leaves_in_lever(&self, user: &str) {
        let url = format!("{}/users/{user}/deactivate", self.lever.base_url());
        let request = http()
            .post(url)
            .basic_auth(lever_sim::DEFAULT_KEY, Some(""));
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
    }

    async fn email_in_lever(&self, user: &str) -> String {
        let users = self.listed_in_lever("/users").await;
        let user: serde_json::Value = serde_json::from_str(&users[user]).expect("a document");
        user["email"].as_str().expect("an e-mail").to_owned()
    }

    /// For whom each write of an operation was sent, with the status that came back.
    async fn sent_for(&self, operation: &str) -> Vec<(String, i32)> {
        let calls = self.operation(operation).await.lever_calls.into_iter();
        let writes = calls.filter(|call| call.method != "GET" && !call.method.is_empty());
        let user = |call: &pb::LeverCall| {
            let named = call.query.iter().find(|one| one.name == "perform_as");
            named.map(|one| one.value.clone()).unwrap_or_default()
        };
        writes.map(|call| (user(&call), call.status)).collect()
    }
}

/// Nobody acts silently because the users were not read yet: Lever is asked for them.
#[tokio::test]
async fn x13_lever_is_asked_for_whom_a_write_is_made_while_its_users_were_never_read() {
    let mut world = World::new(Setup::new(60).asked_only()).await;
    world.connect().await;
    let people = world.open_opportunities();
    let user = world.lever.active_users().remove(0);
    let email = world.email_in_lever(&user).await.to_uppercase();
    let away = FaultRule::on("listUsers", Action::ServerErrorBefore(503));
    world.lever.set_faults(FaultPlan {
        seed: 0,
        rules: vec![away],
    });
    let told = refused(world.note_for(&people[0], &email).await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "USERS_NOT_READ")
    );
    assert!(world.operations().await.is_empty() && world.writes().is_empty());
    world.lever.set_faults(FaultPlan::default());

    let asked = world.calls("listUsers").len();
    let preview = pb::PreviewActingUserRequest {
        connection_id: world.connection.clone(),
        email: email.clone(),
        ..Default::default()
    };
    let preview = world.api.connections().preview_acting_user(preview).await;
    let preview = preview.expect("a preview").into_inner();
    assert_eq!(preview.lever_user_id, user);
    world.be_strict().await;
    let note = world.note_for(&people[0], &email).await.expect("recorded");
    assert_eq!(note.state(), Succeeded, "{note:?}");
    assert_eq!(
        (note.acting_user_id.as_str(), note.acting_because()),
        (user.as_str(), ActingBecause::Email)
    );
    assert_eq!(world.author(&note), user);
    for item in world.bulk_for(&people[1..3], &email).await {
        assert_eq!(item.acting_user_id, user, "{item:?}");
    }
    assert_eq!(
        world.calls("listUsers").len(),
        asked + 1,
        "they are read once"
    );
}

/// Whoever was deactivated since the users were read last is passed over, as if that had been known.
#[tokio::test]
async fn x13_a_user_deactivated_since_the_last_reading_is_passed_over_when_lever_says_so() {
    let world = world().await;
    let (person, owner, posting_owner) = world.owned_twice().await;
    world.link_user(PRODUCT_USER, &owner).await.expect("linked");
    world.leaves_in_lever(&owner).await;
    let note = world
        .note_for(&person, PRODUCT_USER)
        .await
        .expect("recorded");
    assert_eq!(note.state(), Succeeded, "{note:?}");
    assert_eq!(
        acted(&note),
        (
            posting_owner.as_str(),
            ActingBecause::PostingOwner,
            PassedOver::LinkDeactivated
        )
    );
    assert_eq!(world.author(&note), posting_owner);
    let sent = world.sent_for(&note.id).await;
    assert_eq!(sent, [(owner.clone(), 400), (posting_owner.clone(), 201)]);

    // Of a bulk each item, and the bulk tells that they differ, or whom they have in common.
    let mut others = world.lever.active_users().into_iter();
    let mut other = || {
        others
            .rfind(|user| *user != posting_owner)
            .expect("one more")
    };
    let leaves = other();
    world
        .link_user(PRODUCT_USER, &leaves)
        .await
        .expect("linked");
    world.leaves_in_lever(&leaves).await;
    let people: Vec<String> = world.open_opportunities().into_iter().take(3).collect();
    let told = world.bulk_for(&people, PRODUCT_USER).await;
    let (items, bulks): (Vec<_>, Vec<_>) = told.iter().partition(|one| !one.parent_id.is_empty());
    assert_eq!(items.len(), people.len());
    for item in &items {
        assert_eq!(item.state(), Succeeded, "{item:?}");
        assert_ne!(item.acting_user_id, leaves);
        assert_eq!(item.passed_over(), PassedOver::LinkDeactivated);
    }
    let (first, last) = (bulks[0], bulks[bulks.len() - 1]);
    assert_eq!(
        (first.acting_user_id.as_str(), first.acting_because()),
        (leaves.as_str(), ActingBecause::Linked)
    );
    let alike = |item: &&pb::Operation| {
        let of = |one: &pb::Operation| (one.acting_user_id.clone(), one.acting_because());
        of(item) == of(items[0])
    };
    let expected = match items.iter().all(alike) {
        true => items[0].acting_because(),
        false => ActingBecause::ItemsDiffer,
    };
    assert_eq!(last.acting_because(), expected, "{last:?}");

    // A strict connection refuses instead, and says what helps.
    world.be_strict().await;
    let leaves = other();
    world
        .link_user(PRODUCT_USER, &leaves)
        .await
        .expect("linked");
    world.leaves_in_lever(&leaves).await;
    let effects = world.effects("createOpportunityNote");
    let note = world
        .note_for(&person, PRODUCT_USER)
        .await
        .expect("recorded");
    assert_eq!(note.state(), Failed, "{note:?}");
    let told = why(&note);
    assert_eq!(told.reason, "ACTING_USER_UNKNOWN", "{told:?}");
    assert!(told.message.contains("deactivated"), "{told:?}");
    assert!(told.message.contains("UpdateUserLink"), "{told:?}");
    assert_eq!(world.effects("createOpportunityNote"), effects);
    world
        .link_user(PRODUCT_USER, &posting_owner)
        .await
        .expect("linked");
    world.retry(&note.id).await.expect("in line again");
    let note = world.settled(&note.id).await;
    assert_eq!(note.state(), Succeeded, "{note:?}");
    assert_eq!(world.author(&note), posting_owner);
}

/// Who makes a person in Lever is chosen anew as well, and whoever was named by Lever's id is not replaced.
#[tokio::test]
async fn x13_an_export_goes_on_for_the_next_user_and_a_named_one_is_never_replaced() {
    let world = world().await;
    let mut users = world.lever.active_users();
    let (leaves, default) = (users.remove(0), users.remove(0));
    let settings = pb::Connection {
        default_acting_user_id: default.clone(),
        ..Default::default()
    };
    let changed = world.change(settings, &["default_acting_user_id"]).await;
    changed.expect("an active user");
    world
        .link_user(PRODUCT_USER, &leaves)
        .await
        .expect("linked");
    world.leaves_in_lever(&leaves).await;
    let request = pb::ExportCandidateRequest {
        connection_id: world.connection.clone(),
        request_id: fresh_id(),
        profile: Some(pb::ExportProfile {
            name: "Grace Hopper".to_owned(),
            linkedin_url: "https://www.linkedin.com/in/grace-hopper".to_owned(),
            ..Default::default()
        }),
        acting_user: PRODUCT_USER.to_owned(),
        wait: Some(prost_types::Duration {
            seconds: 40,
            nanos: 0,
        }),
        ..Default::default()
    };
    let exported = world.api.candidates().export_candidate(request).await;
    let exported = exported.expect("recorded").into_inner().operation;
    let exported = exported.expect("an operation");
    assert_eq!(exported.state(), Succeeded, "{exported:?}");
    assert_eq!(
        acted(&exported),
        (
            default.as_str(),
            ActingBecause::ConnectionDefault,
            PassedOver::LinkDeactivated
        )
    );
    assert_eq!(world.effects("createOpportunity"), 1);

    let named = users.remove(0);
    world.leaves_in_lever(&named).await;
    let person = world.open_opportunities().remove(0);
    let note = pb::CreateNoteRequest {
        opportunity_id: person,
        request_id: fresh_id(),
        value: "hello".to_owned(),
        perform_as: named.clone(),
        ..Default::default()
    };
    let note = world.create_note(note).await.expect("recorded");
    assert_eq!((note.state(), &note.acting_user_id), (Failed, &named));
    assert!(
        why(&note).message.contains("perform_as is deactivated"),
        "{note:?}"
    );
    // What Lever refuses for another reason stays refused, whoever acts.
    assert_eq!(world.effects("createOpportunityNote"), 0);
}
