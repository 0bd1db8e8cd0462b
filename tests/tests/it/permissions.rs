//! Keys that may not do everything: what is missing is named in Lever's words, the rest works (F-04, F-05, X6).

use std::collections::BTreeSet;

use lever_sim::{Key, Permissions};
use proto::v1 as pb;
use tonic::Code;

use crate::support::{Setup, World, fresh_id, refused, until, why};

const READS: &[&str] = &[
    "find all users",
    "find all stages",
    "find all archive reasons",
    "find all tags",
    "find all sources",
    "find all postings",
    "find all opportunities",
    "find an opportunity",
    "find all deleted opportunities",
    "find all opportunity notes",
];

/// An account whose only key has these permissions.
fn setup(permissions: &[&str], confidential: bool) -> Setup {
    let mut setup = Setup::new(150);
    let granted: BTreeSet<_> = permissions
        .iter()
        .map(|permission| (*permission).to_owned())
        .collect();
    setup.lever.keys = vec![Key {
        secret: setup.key.clone(),
        permissions: Permissions::Only(granted),
        confidential,
    }];
    setup
}

fn all_but(missing: &str) -> Vec<&'static str> {
    READS
        .iter()
        .copied()
        .filter(|permission| *permission != missing)
        .collect()
}

#[tokio::test]
async fn a_stream_the_key_may_not_read_is_forbidden_and_not_empty() {
    let cases = [
        ("find all users", "users"),
        ("find all postings", "postings"),
        ("find all tags", "tags"),
        ("find all archive reasons", "archive_reasons"),
    ];
    for (permission, forbidden) in cases {
        let mut setup = Setup::new(60);
        setup.lever.keys = vec![Key {
            secret: setup.key.clone(),
            permissions: Permissions::AllBut([permission.to_owned()].into()),
            confidential: true,
        }];
        let world = World::synced(setup).await;
        for stream in world.status().await.streams {
            // The forms of postings cannot be told without the postings.
            let hangs_on_it = stream.name == "posting_forms" && forbidden == "postings";
            if stream.name == forbidden || hangs_on_it {
                assert_eq!(stream.state(), pb::StreamState::Forbidden);
                assert_eq!(stream.records, None);
                assert!(stream.error.contains(permission), "{}", stream.error);
            } else if stream.name != "eeo_responses" {
                assert_eq!(stream.state(), pb::StreamState::Synced, "{stream:?}");
            }
        }
        world.assert_mirror_equals_lever().await;
    }
}

#[tokio::test]
async fn reading_a_forbidden_stream_is_refused_with_the_permission_in_levers_words() {
    let world = World::synced(setup(&all_but("find all users"), true)).await;
    for read_from in [pb::ReadFrom::Mirror, pb::ReadFrom::Lever] {
        let request = pb::ListUsersRequest {
            connection_id: world.connection.clone(),
            read_from: read_from.into(),
            ..Default::default()
        };
        let told = refused(world.api.lever().list_users(request).await);
        assert_eq!(
            (told.code, told.reason.as_str()),
            (Code::FailedPrecondition, "LEVER_PERMISSION_MISSING")
        );
        assert_eq!(told.details["permission"], "find all users");
    }
}

/// The opportunities themselves are what a mirror is for.
#[tokio::test]
async fn without_the_opportunities_applicants_are_refused_and_other_streams_are_kept() {
    let mut world = World::new(setup(&all_but("find all opportunities"), true)).await;
    world.connect().await;
    until("the opportunities are known to be forbidden", async || {
        let stream = world.stream("opportunities").await;
        (stream.state() == pb::StreamState::Forbidden).then_some(())
    })
    .await;
    until("the stages are read", async || {
        (world.stream("stages").await.state() == pb::StreamState::Synced).then_some(())
    })
    .await;
    let request = pb::ListApplicantsRequest {
        connection_id: world.connection.clone(),
        ..Default::default()
    };
    let told = refused(world.api.inbound().list_applicants(request).await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "LEVER_PERMISSION_MISSING")
    );
    assert_eq!(told.details["permission"], "find all opportunities");
}

/// The guide's list of permissions has no listing of deleted opportunities.
#[tokio::test]
async fn a_key_made_after_the_guide_syncs_without_the_list_of_deleted_people() {
    let world = World::synced(setup(&all_but("find all deleted opportunities"), true)).await;
    world.assert_mirror_equals_lever().await;
}

/// T-01.
#[tokio::test]
async fn t01_a_connection_that_keeps_postings_only_asks_for_nothing_else() {
    let mut setup = setup(&["find all postings"], false);
    setup.connection.streams = vec!["postings".to_owned()];
    let world = World::synced(setup).await;
    world.pull().await;
    until("it was read twice", async || {
        (world.calls("listPostings").len() >= 3).then_some(())
    })
    .await;
    let asked: BTreeSet<_> = world
        .lever
        .audit()
        .into_iter()
        .map(|entry| entry.path)
        .collect();
    assert_eq!(asked, BTreeSet::from(["/v1/postings".to_owned()]));
    assert!(
        world
            .stream("postings")
            .await
            .records
            .is_some_and(|records| records > 0)
    );
    assert_eq!(
        world.stream("opportunities").await.state(),
        pb::StreamState::Off
    );
}

/// F-04.
#[tokio::test]
async fn f04_a_key_without_confidential_access_mirrors_all_the_rest() {
    let world = World::synced(setup(READS, false)).await;
    let documents = world.lever.opportunities();
    let open: BTreeSet<_> = documents
        .iter()
        .filter(|document| document["confidentiality"] != "confidential")
        .map(|document| document["id"].as_str().expect("an id").to_owned())
        .collect();
    assert!(
        open.len() < documents.len(),
        "the account has confidential people"
    );
    assert_eq!(
        world.mirrored().await.into_keys().collect::<BTreeSet<_>>(),
        open
    );
}

#[tokio::test]
async fn a_write_the_key_may_not_make_fails_with_the_permission_in_levers_words() {
    let world = World::synced(setup(READS, true)).await;
    let opportunity = world.open_opportunities().remove(0);
    let operation = world
        .note(&opportunity, &fresh_id(), "hello")
        .await
        .expect("recorded");
    assert_eq!(operation.state(), pb::OperationState::Failed);
    let told = why(&operation);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "LEVER_PERMISSION_MISSING")
    );
    assert_eq!(told.details["permission"], "create an opportunity note");

    let request = pb::ChangeStageRequest {
        opportunity_id: opportunity,
        request_id: fresh_id(),
        stage_id: "offer".to_owned(),
        ..Default::default()
    };
    let operation = world.change_stage(request).await.expect("recorded");
    assert_eq!(operation.state(), pb::OperationState::Failed);
    assert_eq!(
        why(&operation).details["permission"],
        "update an opportunity's stage"
    );
    assert_eq!(
        world.writes().iter().filter(|entry| entry.effect).count(),
        0
    );
}

/// Writing needs no permission to read: the mirror is refreshed by the next pull that may.
#[tokio::test]
async fn a_write_succeeds_although_the_key_may_not_read_the_person_back() {
    let mut permissions = all_but("find an opportunity");
    permissions.push("create an opportunity note");
    let world = World::synced(setup(&permissions, true)).await;
    let opportunity = world.open_opportunities().remove(0);
    let operation = world
        .note(&opportunity, &fresh_id(), "hello")
        .await
        .expect("recorded");
    assert_eq!(
        operation.state(),
        pb::OperationState::Succeeded,
        "{operation:?}"
    );
    assert_eq!(world.notes_saying(&opportunity, "hello"), 1);
}
