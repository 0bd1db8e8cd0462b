//! What the report of permissions says, and what is asked of Lever for it (F-03, F-04, X6, X23, X25).

use std::collections::BTreeSet;

use lever::registry;
use lever_sim::{Key, Permissions};
use prost::Message as _;
use proto::v1 as pb;
use tonic::Code;

use crate::support::{Setup, World, fresh_id, refused};

const EEO: &str = "find all eeo responses with their pii";

fn setup(permissions: Permissions, confidential: bool) -> Setup {
    let mut setup = quick(40);
    setup.lever.keys = vec![Key {
        secret: setup.key.clone(),
        permissions,
        confidential,
    }];
    setup
}

/// An account whose calls are not spread over time.
fn quick(opportunities: usize) -> Setup {
    Setup::new(opportunities)
        .with("FULCRUM__LEVER__REQUESTS_PER_SECOND", "1000")
        .with("FULCRUM__LEVER__BURST", "100")
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn check(world: &World, probe_all: bool) -> pb::CheckPermissionsResponse {
    let request = pb::CheckPermissionsRequest {
        connection_id: world.connection.clone(),
        probe_all,
        ..Default::default()
    };
    let answer = world.api.connections().check_permissions(request).await;
    answer.expect("a report").into_inner()
}

fn of_state(report: &pb::CheckPermissionsResponse, state: pb::PermissionState) -> BTreeSet<String> {
    report
        .permissions
        .iter()
        .filter(|permission| permission.state() == state)
        .map(|permission| permission.name.clone())
        .collect()
}

fn named<'a>(report: &'a pb::CheckPermissionsResponse, name: &str) -> &'a pb::Permission {
    let mut found = report.permissions.iter();
    found
        .find(|permission| permission.name == name)
        .expect("a permission of that name")
}

/// The names of the reads and of the writes that the guide asks for.
fn guide(report: &pb::CheckPermissionsResponse, kind: pb::PermissionKind) -> Vec<String> {
    report
        .permissions
        .iter()
        .filter(|permission| permission.in_guide && permission.kind() == kind)
        .map(|permission| permission.name.clone())
        .collect()
}

/// Fails if anything was written, or anything was asked of what people said about themselves.
fn assert_harmless(world: &World) {
    for entry in world.lever.audit() {
        assert_eq!(entry.method, "GET", "{}", entry.path);
        assert!(
            !entry.path.contains("/eeo/") && !entry.path.contains("/surveys/"),
            "{}",
            entry.path
        );
        assert!(!entry.effect);
    }
}

/// F-03: each read permission of the guide in turn; nothing is written to find out.
#[tokio::test]
async fn f03_each_missing_read_permission_is_reported_and_no_other() {
    let mut world = World::new(setup(Permissions::All, true)).await;
    world.connect().await;
    let report = check(&world, true).await;
    let reads = guide(&report, pb::PermissionKind::Read);
    let writes = guide(&report, pb::PermissionKind::Write);
    assert_eq!((reads.len(), writes.len()), (55, 24));
    assert_eq!(of_state(&report, pb::PermissionState::Missing), set(&[]));
    for name in &reads {
        let permission = named(&report, name);
        let state = if name == EEO {
            pb::PermissionState::NotTested
        } else {
            pb::PermissionState::Granted
        };
        assert_eq!(permission.state(), state, "{permission:?}");
    }
    for name in &writes {
        let permission = named(&report, name);
        assert_eq!(permission.state(), pb::PermissionState::NotTested, "{name}");
        assert!(permission.reason.contains("real use"), "{permission:?}");
    }
    let every: BTreeSet<&str> = registry::OPERATIONS
        .iter()
        .map(|operation| operation.permission)
        .collect();
    assert_eq!(report.permissions.len(), every.len());
    assert_eq!(report.key_state(), pb::KeyState::Accepted);
    assert_eq!(report.confidential_access(), pb::ConfidentialAccess::On);
    assert_harmless(&world);
    let rpcs = rpcs();
    for permission in &report.permissions {
        for feature in &permission.features {
            assert!(
                feature == "webhooks" || rpcs.contains(feature),
                "{permission:?}"
            );
        }
    }

    // One key for each permission that it lacks; EEO is on, so that it is tried as well.
    let mut setup = quick(10);
    let keys = reads.iter().enumerate().map(|(index, name)| Key {
        secret: secret(index),
        permissions: Permissions::AllBut([name.clone()].into()),
        confidential: true,
    });
    setup.lever.keys.extend(keys);
    setup.connection.streams = domain::Stream::ALL
        .iter()
        .map(|stream| stream.name().to_owned())
        .collect();
    let mut world = World::new(setup).await;
    world.connect().await;
    pause(&world).await;
    for (index, name) in reads.iter().enumerate() {
        let request = pb::RotateCredentialRequest {
            connection_id: world.connection.clone(),
            api_key: secret(index),
            ..Default::default()
        };
        let rotated = world.api.connections().rotate_credential(request).await;
        rotated.expect("a new key");
        let report = check(&world, true).await;
        assert_eq!(
            of_state(&report, pb::PermissionState::Missing),
            set(&[name])
        );
        let untested = of_state(&report, pb::PermissionState::NotTested);
        assert!(
            reads.iter().all(|read| !untested.contains(read)),
            "{untested:?}"
        );
    }
}

/// Every rpc there is, as `Service.Rpc`.
fn rpcs() -> BTreeSet<String> {
    let set = prost_types::FileDescriptorSet::decode(proto::DESCRIPTORS).expect("descriptors");
    let services = set.file.into_iter().flat_map(|file| file.service);
    services
        .flat_map(|service| {
            let name = service.name().to_owned();
            let method = move |method: prost_types::MethodDescriptorProto| {
                format!("{name}.{}", method.name())
            };
            service.method.into_iter().map(method)
        })
        .collect()
}

fn secret(index: usize) -> String {
    format!("fulcrum-simulator-key-lacking-{index:08}")
}

async fn pause(world: &World) {
    let request = pb::PauseSyncRequest {
        connection_id: world.connection.clone(),
    };
    world.api.sync().pause_sync(request).await.expect("paused");
}

/// F-03, T-01.
#[tokio::test]
async fn f03_only_streams_that_are_kept_are_tried_until_all_is_asked_for() {
    let mut setup = setup(Permissions::All, true);
    setup.connection.streams = vec!["postings".to_owned()];
    let world = World::synced(setup).await;
    let report = check(&world, false).await;
    let granted = of_state(&report, pb::PermissionState::Granted);
    let expected = [
        "find all postings",
        "find a posting",
        "find all deleted postings",
    ];
    assert_eq!(granted, set(&expected));
    let single = named(&report, "find a posting");
    assert_eq!(single.evidence(), pb::PermissionEvidence::Inferred);
    let users = named(&report, "find all users");
    assert!(
        users.reason.contains("probe_all") && !users.required,
        "{users:?}"
    );
    assert!(named(&report, "find all postings").required);
    for entry in world.lever.audit() {
        assert!(entry.path.starts_with("/v1/postings"), "{}", entry.path);
    }
    check(&world, true).await;
    assert_eq!(world.calls("listCandidates").len(), 1);
    assert_harmless(&world);
}

/// F-03, X6: real use shows what a write may do, and says since when.
#[tokio::test]
async fn f03_writes_are_known_once_they_were_used() {
    let missing = set(&["add opportunity tags"]);
    let world = World::synced(setup(Permissions::AllBut(missing), true)).await;
    let (note, tags) = ("create an opportunity note", "add opportunity tags");
    let before = check(&world, false).await;
    for name in [note, tags] {
        assert_eq!(
            named(&before, name).state(),
            pb::PermissionState::NotTested,
            "{name}"
        );
    }
    let opportunity = world.open_opportunities().remove(0);
    world
        .note(&opportunity, &fresh_id(), "hello")
        .await
        .expect("recorded");
    let request = pb::AddTagsRequest {
        opportunity_id: opportunity,
        request_id: fresh_id(),
        tags: vec!["seen".to_owned()],
        ..Default::default()
    };
    let refused = world.add_tags(request).await.expect("recorded");
    assert_eq!(refused.state(), pb::OperationState::Failed);

    let written = world.writes().len();
    let after = check(&world, false).await;
    let used = [
        (note, pb::PermissionState::Granted),
        (tags, pb::PermissionState::Missing),
    ];
    for (name, state) in used {
        let permission = named(&after, name);
        assert_eq!(permission.state(), state, "{permission:?}");
        assert_eq!(permission.evidence(), pb::PermissionEvidence::Used);
        assert!(permission.use_time.is_some() && !permission.loss.is_empty());
    }
    let others = guide(&after, pb::PermissionKind::Write)
        .into_iter()
        .filter(|name| ![note, tags].contains(&name.as_str()));
    for name in others {
        assert_eq!(
            named(&after, &name).state(),
            pb::PermissionState::NotTested,
            "{name}"
        );
    }
    assert_eq!(
        world.writes().len(),
        written,
        "finding out has written nothing"
    );
}

/// F-06: what another key was allowed says nothing of the new one, even after a restart.
#[tokio::test]
async fn f03_what_a_former_key_did_does_not_count() {
    let mut setup = setup(Permissions::All, true);
    setup.lever.keys.push(Key {
        secret: secret(0),
        permissions: Permissions::AllBut(set(&["create an opportunity note"])),
        confidential: true,
    });
    let mut world = World::synced(setup).await;
    let opportunity = world.open_opportunities().remove(0);
    world
        .note(&opportunity, &fresh_id(), "hello")
        .await
        .expect("recorded");
    let name = "create an opportunity note";
    let report = check(&world, false).await;
    assert_eq!(named(&report, name).state(), pb::PermissionState::Granted);
    let request = pb::RotateCredentialRequest {
        connection_id: world.connection.clone(),
        api_key: secret(0),
        ..Default::default()
    };
    world
        .api
        .connections()
        .rotate_credential(request)
        .await
        .expect("a new key");
    for _ in 0..2 {
        let report = check(&world, false).await;
        assert_eq!(named(&report, name).state(), pb::PermissionState::NotTested);
        world.stop().await;
        world.start().await;
    }
}

/// F-04.
#[tokio::test]
async fn f04_access_to_confidential_data_is_told() {
    for (confidential, access) in [
        (true, pb::ConfidentialAccess::On),
        (false, pb::ConfidentialAccess::Off),
    ] {
        let world = World::synced(setup(Permissions::All, confidential)).await;
        let report = check(&world, false).await;
        assert_eq!(report.confidential_access(), access);
        // That it is refused is no missing permission.
        let list = named(&report, "find all opportunities");
        assert_eq!(list.state(), pb::PermissionState::Granted);
    }
}

/// X25: a key that worked before is told from one that never did as far as Lever's answers allow.
#[tokio::test]
async fn x25_a_revoked_key_is_told_as_revoked_and_nothing_more_is_tried() {
    let setup = setup(Permissions::All, true);
    let other = || {
        let mut config = Setup::new(40).lever;
        config.keys = vec![Key::all("fulcrum-simulator-key-of-somebody-else")];
        config
    };
    let mut world = World::synced(setup).await;
    check(&world, false).await;
    pause(&world).await;
    world.replace_lever(other()).await;
    let report = check(&world, true).await;
    assert_eq!(report.key_state(), pb::KeyState::Revoked);
    assert!(
        report.key_message.contains("RotateCredential"),
        "{}",
        report.key_message
    );
    assert!(report.key_accept_time.is_some());
    assert_eq!(
        report.confidential_access(),
        pb::ConfidentialAccess::Unspecified
    );
    assert_eq!(of_state(&report, pb::PermissionState::Missing), set(&[]));
    let asked = world.lever.audit();
    let statuses: Vec<_> = asked.iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [Some(401)]);
}

#[tokio::test]
async fn f03_the_last_report_outlasts_a_restart_and_not_its_key() {
    let mut setup = setup(Permissions::All, true);
    setup
        .lever
        .keys
        .push(Key::all("another-key-of-the-same-account-0002"));
    let mut world = World::synced(setup).await;
    let last = async |world: &World| {
        let request = pb::CheckPermissionsRequest {
            connection_id: world.connection.clone(),
            last: true,
            ..Default::default()
        };
        let answer = world.api.connections().check_permissions(request).await;
        answer.expect("a report").into_inner()
    };
    assert_eq!(last(&world).await, pb::CheckPermissionsResponse::default());
    let told = check(&world, false).await;
    // Kept is the time to the millisecond.
    let whole = |mut report: pb::CheckPermissionsResponse| {
        if let Some(answer) = &mut report.answer_time {
            answer.nanos = answer.nanos / 1_000_000 * 1_000_000;
        }
        report
    };
    let told = whole(told);
    assert_eq!(whole(last(&world).await), told);
    world.stop().await;
    world.start().await;
    let calls = world.calls("listFeedbackTemplates").len();
    assert_eq!(last(&world).await, told);
    assert_eq!(world.calls("listFeedbackTemplates").len(), calls);

    let rotate = pb::RotateCredentialRequest {
        connection_id: world.connection.clone(),
        api_key: "another-key-of-the-same-account-0002".to_owned(),
        ..Default::default()
    };
    let rotated = world.api.connections().rotate_credential(rotate).await;
    rotated.expect("replaced");
    assert_eq!(last(&world).await, pb::CheckPermissionsResponse::default());
}

#[tokio::test]
async fn f03_a_disconnected_account_is_not_asked() {
    let world = World::synced(setup(Permissions::All, true)).await;
    let request = pb::DeleteConnectionRequest {
        connection_id: world.connection.clone(),
        purge_now: false,
    };
    world
        .api
        .connections()
        .delete_connection(request)
        .await
        .expect("disconnected");
    let calls = world.lever.audit().len();
    let request = pb::CheckPermissionsRequest {
        connection_id: world.connection.clone(),
        probe_all: true,
        ..Default::default()
    };
    let told = refused(world.api.connections().check_permissions(request).await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "DISCONNECTED")
    );
    assert_eq!(world.lever.audit().len(), calls);
}
