//! The data directory of an earlier version opens under the whole service, and its account is pulled on.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use proto::v1 as pb;

use crate::support::{Setup, World, until};

/// Its format is told in the README.md beside it.
const FIRST: &[u8] =
    include_bytes!("../../../crates/store/tests/fixtures/data-of-the-first-version.pack.zst");

/// Where the account of that directory is, by its base URL.
const LEVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 17470);

fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(length);
    *rest = left;
    taken
}

fn unpack(pack: &[u8], folder: &Path) {
    use std::os::unix::fs::OpenOptionsExt;
    let bytes = zstd::stream::decode_all(pack).expect("a zstd stream");
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let length = u16::from_be_bytes(take(&mut rest, 2).try_into().expect("2 bytes"));
        let path = std::str::from_utf8(take(&mut rest, length.into())).expect("UTF-8");
        let length = u64::from_be_bytes(take(&mut rest, 8).try_into().expect("8 bytes"));
        let content = take(&mut rest, length.try_into().expect("a length"));
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        std::io::Write::write_all(&mut file.expect("made"), content).expect("written");
    }
}

#[tokio::test]
async fn the_data_of_the_first_version_opens_and_its_account_is_pulled_on() {
    let mut setup = Setup::new(40);
    // The account that the directory mirrors.
    setup.lever.population.seed = 1;
    setup.lever.listen = LEVER;
    let mut world = World::new(setup).await;
    assert!(world.stop().await.success());
    std::fs::remove_dir_all(world.home.data()).expect("removed");
    unpack(FIRST, &world.home.data());
    // That directory has a token already, so callers need one.
    let admin = world
        .home
        .token(&["--role", "admin", "--right", "confidential"])
        .await;
    world.start().await;
    world.api = world.api.with_token(&admin);
    let request = pb::ListConnectionsRequest::default();
    let answer = world.api.connections().list_connections(request).await;
    let connections = answer.expect("listed").into_inner().connections;
    assert_eq!(connections.len(), 1);
    assert_eq!(connections[0].display_name, "Acme");
    world.connection.clone_from(&connections[0].id);
    assert!(world.mapping().await.stage_mapping.is_some());
    // A tag had been tried, without an answer. The people of this Lever have changed since, so nobody can tell whether it
    // was there in between: a person has to ask for it again.
    let request = pb::ListOperationsRequest {
        connection_id: world.connection.clone(),
        ..Default::default()
    };
    let doubted = until("what was recorded has been looked at", async || {
        let mut api = world.api.operations();
        let answer = api.list_operations(request.clone()).await.ok()?;
        let operations = answer.into_inner().operations;
        assert_eq!(operations.len(), 3);
        let doubted = operations
            .iter()
            .find(|one| one.state() == pb::OperationState::Uncertain);
        doubted.map(|one| one.id.clone())
    })
    .await;
    world.retry(&doubted).await.expect("in line");
    let sent = world.settled(&doubted).await;
    assert_eq!(sent.state(), pb::OperationState::Succeeded, "{sent:?}");
    // What people are recognized by was not kept then; it is derived from the documents that were.
    let mirrored = world.mirrored().await;
    let emails = mirrored.values().filter_map(|raw| {
        let person: serde_json::Value = serde_json::from_str(raw).expect("JSON");
        person["emails"][0].as_str().map(str::to_owned)
    });
    let identities: Vec<_> = emails
        .map(|email| pb::Identity {
            emails: vec![email],
            ..Default::default()
        })
        .collect();
    assert!(!identities.is_empty());
    let lookup = pb::LookupCandidatesRequest {
        connection_id: world.connection.clone(),
        identities,
    };
    until("everybody is found by their address", async || {
        let mut api = world.api.candidates();
        let answer = api.lookup_candidates(lookup.clone()).await.ok()?;
        let results = answer.into_inner().results;
        let found = |result: &pb::LookupResult| !result.matches.is_empty();
        results.iter().all(found).then_some(())
    })
    .await;
    // The simulator dates its account from its own start: the mirrored people are the same, their dates are not,
    // and no change stands behind the difference, so only a complete walk can see it.
    let request = pb::ResetStreamRequest {
        connection_id: world.connection.clone(),
        stream: "opportunities".to_owned(),
        since: None,
    };
    let reset = world.api.sync().reset_stream(request).await;
    reset.expect("reset");
    until("the mirror is that of Lever", async || {
        (world.try_mirrored().await.ok()? == world.in_lever()).then_some(())
    })
    .await;
    // The account goes on as it would have under the version before.
    let person = world.open_opportunities().remove(0);
    world.archive_in_lever(&person);
    world.pull_until_mirror_equals_lever().await;
}
