//! Many connections in one process: all get ahead, whatever becomes of one of them.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use lever_sim::{Action, AuditEntry, Config, FaultPlan, FaultRule, Key, Sim};
use proto::v1 as pb;

use crate::support::{Setup, World, until_within};

const CONNECTIONS: usize = 200;

/// The key of each; its last characters tell them apart.
fn key(number: usize) -> String {
    format!("a-key-of-one-of-many-{number:04}")
}

impl World {
    async fn link(&self, base_url: String, api_key: String) {
        let request = pb::CreateConnectionRequest {
            connection: Some(pb::Connection {
                display_name: "One of many".to_owned(),
                base_url,
                streams: ["stages", "opportunities", "notes"]
                    .map(str::to_owned)
                    .into(),
                ..Default::default()
            }),
            api_key,
            allow_connected_account: true,
            ..Default::default()
        };
        let answer = self.api.connections().create_connection(request).await;
        answer.expect("connected");
    }

    async fn in_state(&self, state: pb::SyncState) -> usize {
        let request = pb::ListConnectionsRequest {
            page_size: 1000,
            ..Default::default()
        };
        let answer = self.api.connections().list_connections(request).await;
        let connections = answer.expect("listed").into_inner().connections;
        let such = connections.iter().filter(|one| one.state() == state);
        such.count()
    }
}

/// All begin at the same moment, with as much to do each; one more has a Lever that never answers.
#[tokio::test]
async fn two_hundred_busy_connections_all_get_ahead() {
    let mut setup = Setup::new(20).with("FULCRUM__PULL__ENABLED", "false");
    setup.lever.keys = (0..CONNECTIONS)
        .map(|number| Key::all(key(number)))
        .collect();
    let mut world = World::new(setup).await;
    let silent = Sim::start(Config::default())
        .await
        .expect("a loopback port");
    world
        .link(silent.base_url(), lever_sim::DEFAULT_KEY.to_owned())
        .await;
    let stall = FaultRule::always(Action::StallBefore(Duration::from_secs(600)));
    silent.set_faults(FaultPlan {
        seed: 0,
        rules: vec![stall],
    });
    futures::stream::iter(0..CONNECTIONS)
        .map(|number| world.link(world.lever.base_url(), key(number)))
        .buffer_unordered(16)
        .collect::<Vec<()>>()
        .await;
    assert!(world.stop().await.success());
    let asked = world.lever.audit().len();

    let mut world = world.configured_like(|_| vec![("FULCRUM__PULL__ENABLED", "true".to_owned())]);
    world.start().await;
    until_within(Duration::from_secs(120), "all are synced", async || {
        (world.in_state(pb::SyncState::Synced).await == CONNECTIONS).then_some(())
    })
    .await;
    let audit = world.lever.audit().split_off(asked);
    let served = |requests: &[AuditEntry]| {
        let keys = requests.iter().filter_map(|entry| entry.key_last4.clone());
        keys.collect::<BTreeSet<_>>().len()
    };
    assert!(audit.len() > 20 * CONNECTIONS, "{} requests", audit.len());
    // When half of the work is done, nobody is still waiting for a first answer.
    assert_eq!(served(&audit[..audit.len() / 2]), CONNECTIONS);
}
