//! Linking accounts, and what is wrong with a key (F-01, F-05, F-06).

use std::collections::BTreeMap;
use std::net::TcpListener;

use lever_sim::{Config, Key};
use proto::v1 as pb;
use tonic::{Code, Status};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Setup, World, refused, until};

async fn connect(
    world: &World,
    connection: pb::Connection,
    key: &str,
) -> Result<pb::Connection, Status> {
    let request = pb::CreateConnectionRequest {
        connection: Some(connection),
        api_key: key.to_owned(),
        ..Default::default()
    };
    let answer = world.api.connections().create_connection(request).await?;
    Ok(answer.into_inner().connection.expect("a connection"))
}

fn named(world: &World) -> pb::Connection {
    pb::Connection {
        display_name: "Acme".to_owned(),
        base_url: world.lever.base_url(),
        ..Default::default()
    }
}

async fn listed(world: &World) -> Vec<pb::Connection> {
    let request = pb::ListConnectionsRequest::default();
    world
        .api
        .connections()
        .list_connections(request)
        .await
        .expect("connections")
        .into_inner()
        .connections
}

#[tokio::test]
async fn a_key_that_lever_rejects_links_nothing() {
    let world = World::with_opportunities(20).await;
    let told = refused(connect(&world, named(&world), "not-a-key-of-this-account").await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "LEVER_KEY_REJECTED")
    );
    assert!(!told.message.contains("not-a-key-of-this-account"));
    assert!(listed(&world).await.is_empty());
}

#[tokio::test]
async fn a_lever_that_does_not_answer_links_nothing_and_says_when_to_ask_again() {
    let world = World::new(Setup::new(20).with("FULCRUM__LEVER__MAX_ATTEMPTS", "2")).await;
    let closed = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("an address");
    let nobody = pb::Connection {
        base_url: format!("http://{closed}/v1"),
        ..named(&world)
    };
    let told = refused(connect(&world, nobody, lever_sim::DEFAULT_KEY).await);
    assert_eq!(told.code, Code::Unavailable);
    assert!(told.retry, "{told:?}");
    assert!(listed(&world).await.is_empty());
}

#[tokio::test]
async fn an_external_id_names_one_connection() {
    let world = World::with_opportunities(20).await;
    let customer = pb::Connection {
        external_id: "customer-1".to_owned(),
        ..named(&world)
    };
    let first = connect(&world, customer.clone(), lever_sim::DEFAULT_KEY)
        .await
        .expect("linked");
    assert_eq!(first.key_last_four, "0001");
    let told = refused(connect(&world, customer, lever_sim::DEFAULT_KEY).await);
    assert_eq!(told.code, Code::AlreadyExists);
    assert_eq!(told.details["connection_id"], first.id);
    assert_eq!(listed(&world).await.len(), 1);
}

#[tokio::test]
async fn what_cannot_be_a_server_of_levers_is_refused() {
    let world = World::with_opportunities(20).await;
    let urls = [
        "not a url",
        "ftp://127.0.0.1/v1",
        "http://",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//x/v1",
    ];
    for url in urls {
        let bad = pb::Connection {
            base_url: url.to_owned(),
            ..named(&world)
        };
        let told = refused(connect(&world, bad, lever_sim::DEFAULT_KEY).await);
        assert_eq!(
            (told.code, told.fields),
            (
                Code::InvalidArgument,
                vec!["connection.base_url".to_owned()]
            ),
            "{url}"
        );
    }
    let elsewhere = pb::Connection {
        base_url: format!("http://{}/v2", world.lever.address()),
        ..named(&world)
    };
    let told = refused(connect(&world, elsewhere, lever_sim::DEFAULT_KEY).await);
    assert_eq!(told.code, Code::InvalidArgument, "{told:?}");
    for status in [401, 403] {
        let stranger = MockServer::start().await;
        let refusal = ResponseTemplate::new(status).set_body_string("{\"message\":\"Forbidden\"}");
        Mock::given(any())
            .respond_with(refusal)
            .mount(&stranger)
            .await;
        let gateway = pb::Connection {
            base_url: stranger.uri(),
            ..named(&world)
        };
        let told = refused(connect(&world, gateway, lever_sim::DEFAULT_KEY).await);
        assert_eq!(told.code, Code::InvalidArgument, "{status}: {told:?}");
        assert!(told.message.contains("not as Lever does"), "{told:?}");
    }
    assert!(listed(&world).await.is_empty());
}

#[tokio::test]
async fn a_base_url_is_refused_where_the_operator_does_not_allow_it() {
    let world = World::new(Setup::new(20).with("FULCRUM__LEVER__ALLOW_BASE_URL", "false")).await;
    let told = refused(connect(&world, named(&world), lever_sim::DEFAULT_KEY).await);
    assert_eq!(
        (told.code, told.fields),
        (
            Code::InvalidArgument,
            vec!["connection.base_url".to_owned()]
        )
    );
    assert!(world.lever.audit().is_empty(), "nothing was sent there");
}

fn two_keys() -> Setup {
    let mut setup = Setup::new(120);
    setup
        .lever
        .keys
        .push(Key::all("another-key-of-the-same-account-0002"));
    setup
}

async fn rotate(world: &World, key: &str) -> Result<pb::Connection, Status> {
    let request = pb::RotateCredentialRequest {
        connection_id: world.connection.clone(),
        api_key: key.to_owned(),
        ..Default::default()
    };
    let answer = world.api.connections().rotate_credential(request).await?;
    Ok(answer.into_inner().connection.expect("a connection"))
}

/// F-06.
#[tokio::test]
async fn f06_a_new_key_keeps_mapping_and_mirror() {
    let world = World::synced(two_keys()).await;
    let mapping = world.suggested().await.suggested.expect("a mapping");
    let saved = world.save_mapping(mapping).await.expect("saved");
    let mirrored = world.mirrored().await;

    let told = refused(rotate(&world, "not-a-key-of-this-account").await);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "LEVER_KEY_REJECTED")
    );

    let changed = rotate(&world, "another-key-of-the-same-account-0002")
        .await
        .expect("rotated");
    assert_eq!(
        (changed.id.as_str(), changed.key_last_four.as_str()),
        (world.connection.as_str(), "0002")
    );
    assert_eq!(world.mapping().await.stage_mapping, Some(saved));
    assert_eq!(world.mirrored().await, mirrored);
    until("the new key is used", async || {
        let last = world.calls("listOpportunities").pop().expect("calls");
        (last.key_last4.as_deref() == Some("0002")).then_some(())
    })
    .await;
    world.until_synced().await;
}

/// F-04: what a new key may not see is hidden, and is not buried: a key that may brings it back at once.
#[tokio::test]
async fn f04_a_new_key_without_access_hides_confidential_records() {
    const NARROW: &str = "a-key-without-confidential-access-0003";
    let mut setup = Setup::new(400).keeping(&[]);
    setup.lever.keys = two_keys().lever.keys;
    setup.lever.keys.push(Key {
        confidential: false,
        ..Key::all(NARROW)
    });
    let mut world = World::synced(setup).await;
    let people = world.mirrored().await;
    let postings = world.records("postings").await.expect("read");
    let open = |records: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        let secret = "\"confidentiality\":\"confidential\"";
        let mut open = records.clone();
        open.retain(|_, raw| !raw.contains(secret));
        open
    };
    assert!(open(&people).len() < people.len() && open(&postings).len() < postings.len());

    rotate(&world, NARROW).await.expect("rotated");
    world.pull().await;
    until("confidential people are hidden", async || {
        (world.mirrored().await == open(&people)).then_some(())
    })
    .await;
    assert_eq!(
        world.records("postings").await.expect("read"),
        open(&postings)
    );
    // Also before anything has told again what the key may see.
    world.stop().await;
    let mut world = world.configured_like(|_| vec![("FULCRUM__PULL__ENABLED", "false".to_owned())]);
    world.start().await;
    assert_eq!(world.mirrored().await, open(&people));

    rotate(&world, "another-key-of-the-same-account-0002")
        .await
        .expect("rotated");
    world.pull().await;
    until("everybody is shown again", async || {
        (world.mirrored().await == people).then_some(())
    })
    .await;
}

/// S-06: no list is asked again and again, nothing is lost, and nobody is told that all went well.
#[tokio::test]
async fn s06_a_key_that_is_deleted_ends_the_pull_leaves_the_mirror_and_is_mended_by_another() {
    let mut world = World::synced(Setup::new(80)).await;
    let mirrored = world.mirrored().await;
    let opportunity = world.open_opportunities().remove(0);
    let other = Config {
        keys: vec![Key::all("the-key-made-after-that-one-0002")],
        ..Setup::new(80).lever
    };
    world.replace_lever(other).await;
    world.pull().await;
    // All but EEO responses, and what is read with other records.
    let lists = async || {
        let mut streams = world.status().await.streams;
        streams.retain(|stream| stream.next_run_at.is_some());
        streams
    };
    let streams = until("every list says why", async || {
        let streams = lists().await;
        let told = |stream: &pb::StreamStatus| stream.error.contains("API key");
        (streams.len() > 10 && streams.iter().all(told)).then_some(streams)
    })
    .await;
    assert_eq!(world.status().await.state(), pb::SyncState::Failed);
    for stream in &streams {
        assert_eq!(stream.state(), pb::StreamState::Failed, "{}", stream.name);
        let again = stream.next_run_at.expect("a time").seconds;
        let failed = stream.last_run.as_ref().and_then(|run| run.end_time);
        if let Some(failed) = failed {
            assert!(again - failed.seconds >= 14 * 60, "{}", stream.name);
        }
    }
    let mut asked: Vec<_> = world
        .lever
        .audit()
        .into_iter()
        .map(|entry| (entry.operation, entry.status))
        .collect();
    assert!(asked.iter().all(|(_, status)| *status == Some(401)));
    let requests = asked.len();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), requests, "each list was asked for once");
    let run = world.runs("opportunities").await.remove(0);
    assert_eq!(run.state(), pb::RunState::Failed);
    assert!(run.error.contains("API key"), "{}", run.error);
    assert_eq!(world.mirrored().await, mirrored);
    let operation = world
        .note(&opportunity, &crate::support::fresh_id(), "hello")
        .await
        .expect("recorded");
    let told = crate::support::why(&operation);
    assert_eq!(
        (told.code, told.reason.as_str()),
        (Code::FailedPrecondition, "LEVER_KEY_REJECTED")
    );

    rotate(&world, "the-key-made-after-that-one-0002")
        .await
        .expect("rotated");
    world.until_synced().await;
    world.pull_until_mirror_equals_lever().await;
}

#[tokio::test]
async fn an_unlinked_account_leaves_nothing_behind() {
    let world = World::synced(Setup::new(80)).await;
    let request = pb::DeleteConnectionRequest {
        connection_id: world.connection.clone(),
        purge_now: true,
    };
    world
        .api
        .connections()
        .delete_connection(request)
        .await
        .expect("unlinked");
    assert!(listed(&world).await.is_empty());
    let request = pb::GetSyncStatusRequest {
        connection_id: world.connection.clone(),
    };
    assert_eq!(
        refused(world.api.sync().get_sync_status(request).await).code,
        Code::NotFound
    );
    let asked = world.lever.audit().len();
    connect(&world, named(&world), lever_sim::DEFAULT_KEY)
        .await
        .expect("linked again");
    assert!(world.lever.audit().len() > asked);
}

/// A kill in the middle of an unlinking leaves the account linked and whole, or gone.
#[tokio::test]
async fn a_kill_while_an_account_is_unlinked_leaves_all_of_it_or_nothing() {
    let (mut whole, mut gone) = (0, 0);
    for moment in [0, 1, 3, 6, 12, 25, 400] {
        let mut world = World::synced(Setup::new(400).keeping(&[])).await;
        let before = world.mirrored().await;
        let request = pb::DeleteConnectionRequest {
            connection_id: world.connection.clone(),
            purge_now: true,
        };
        let mut client = world.api.connections();
        let unlinking = tokio::spawn(async move { client.delete_connection(request).await });
        // The moment of the kill is drawn, not waited for.
        tokio::time::sleep(std::time::Duration::from_millis(moment)).await;
        world.kill().await;
        let acknowledged = unlinking.await.expect("no panic").is_ok();
        world.start().await;
        if listed(&world).await.is_empty() {
            gone += 1;
        } else {
            whole += 1;
            assert!(!acknowledged, "an acknowledged unlinking was undone");
            assert!(
                world.mirrored().await == before,
                "{moment} ms: half of the mirror is gone"
            );
        }
    }
    assert_eq!(whole + gone, 7);
    assert!(gone > 0);
}

#[tokio::test]
async fn a_new_key_is_still_used_after_a_kill() {
    let mut world = World::synced(two_keys()).await;
    rotate(&world, "another-key-of-the-same-account-0002")
        .await
        .expect("rotated");
    world.kill().await;
    let asked = world.lever.audit().len();
    world.start().await;
    world.pull_until_mirror_equals_lever().await;
    until("Lever is asked again", async || {
        (world.lever.audit().len() > asked).then_some(())
    })
    .await;
    let keys: Vec<_> = world
        .lever
        .audit()
        .into_iter()
        .skip(asked)
        .filter_map(|entry| entry.key_last4)
        .collect();
    assert!(keys.iter().all(|key| key == "0002"), "{keys:?}");
}
