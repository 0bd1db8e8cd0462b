//! Settings, mappings and pages that make no sense: each bad field is named, and nothing changes.

use proto::v1 as pb;
use tonic::Code;

use crate::support::{Setup, Table, World, now, refused};

#[tokio::test]
async fn a_bad_mapping_is_refused_with_all_of_its_faults() {
    let world = World::synced(Setup::new(40)).await;
    let present = world.mapping().await.stage_mapping.expect("a mapping");
    let kind = pb::ProductStageKind::Active.into();
    let stage = |code: &str, stage_ids: &[&str]| pb::ProductStage {
        code: code.to_owned(),
        label: "A label".to_owned(),
        kind,
        sla_days: None,
        stage_ids: stage_ids.iter().map(|id| (*id).to_owned()).collect(),
    };
    let bad = pb::StageMapping {
        product_stages: vec![
            stage("ONE", &["offer", "no-such-stage"]),
            stage("ONE", &["offer"]),
            pb::ProductStage {
                label: String::new(),
                sla_days: Some(366),
                ..stage("HIRED", &[])
            },
        ],
        inbound_stage_ids: vec!["nowhere".to_owned()],
        reject_excluded_reason_ids: vec!["no-reason".to_owned()],
        ..present.clone()
    };
    let told = refused(world.save_mapping(bad).await);
    assert_eq!(told.code, Code::InvalidArgument);
    assert!(told.fields.len() >= 8, "{told:?}");
    assert!(
        told.fields
            .iter()
            .all(|field| field.starts_with("stage_mapping.")),
        "{told:?}"
    );

    for etag in ["", "v99", "not an etag"] {
        let told = refused(
            world
                .save_mapping(pb::StageMapping {
                    etag: etag.to_owned(),
                    ..present.clone()
                })
                .await,
        );
        assert!(
            matches!(told.code, Code::Aborted | Code::InvalidArgument),
            "{etag:?}: {told:?}"
        );
    }
    let zone = pb::SlaSettings {
        time_zone: "Mars/Olympus".to_owned(),
        ..present.sla.clone().unwrap_or_default()
    };
    let told = refused(
        world
            .save_mapping(pb::StageMapping {
                sla: Some(zone),
                ..present.clone()
            })
            .await,
    );
    assert_eq!(told.code, Code::InvalidArgument);
    assert_eq!(world.mapping().await.stage_mapping, Some(present));
}

#[tokio::test]
async fn a_connection_with_absurd_settings_is_refused() {
    let world = World::synced(Setup::new(20)).await;
    let mut table = Table::default();
    // Nobody answers there: what is asked before all is looked at is told as a silence.
    let good = || pb::Connection {
        display_name: "Another".to_owned(),
        base_url: "http://127.0.0.1:1/v1".to_owned(),
        ..Default::default()
    };
    let at = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
    let cases = [
        (
            "connection.display_name",
            pb::Connection {
                display_name: String::new(),
                ..good()
            },
        ),
        (
            "connection.display_name",
            pb::Connection {
                display_name: "x".repeat(201),
                ..good()
            },
        ),
        (
            "connection.external_id",
            pb::Connection {
                external_id: "x".repeat(201),
                ..good()
            },
        ),
        (
            "connection.default_acting_user_id",
            pb::Connection {
                default_acting_user_id: "..".to_owned(),
                ..good()
            },
        ),
        (
            "connection.excluded_fields[0]",
            pb::Connection {
                excluded_fields: vec![format!("contacts.{}", "x".repeat(10_000))],
                ..good()
            },
        ),
        (
            "connection.sync_start_time",
            pb::Connection {
                sync_start_time: at(253_402_300_799, 0),
                ..good()
            },
        ),
        (
            "connection.region",
            pb::Connection {
                region: 99,
                base_url: String::new(),
                ..good()
            },
        ),
        (
            "connection.base_url",
            pb::Connection {
                region: pb::Region::Eu.into(),
                ..good()
            },
        ),
        (
            "connection.streams[1]",
            pb::Connection {
                streams: vec!["users".into(), "nonsense".into()],
                ..good()
            },
        ),
        (
            "connection.sync_start_time",
            pb::Connection {
                sync_start_time: at(i64::MAX, 0),
                ..good()
            },
        ),
        (
            // 0001-01-01.
            "connection.sync_start_time",
            pb::Connection {
                sync_start_time: at(-62_135_596_800, 0),
                ..good()
            },
        ),
        (
            "connection.sync_start_time",
            pb::Connection {
                sync_start_time: at(0, -1),
                ..good()
            },
        ),
        (
            "connection.sync_start_time",
            pb::Connection {
                sync_start_time: at(0, i32::MAX),
                ..good()
            },
        ),
    ];
    let addresses = [
        "ftp://127.0.0.1",
        "http://user:password@127.0.0.1:1",
        "http://127.0.0.1:1/?a=b",
        "http://127.0.0.1:1/#a",
        "nonsense",
    ]
    .map(|address| {
        let connection = pb::Connection {
            base_url: address.to_owned(),
            ..good()
        };
        ("connection.base_url", connection)
    });
    for (field, connection) in cases.into_iter().chain(addresses) {
        let request = pb::CreateConnectionRequest {
            connection: Some(connection),
            api_key: lever_sim::DEFAULT_KEY.to_owned(),
            ..Default::default()
        };
        let answer = world.api.connections().create_connection(request).await;
        table.row(format!("bad {field}"), answer, Code::InvalidArgument, field);
    }
    for api_key in [
        "",
        "with space",
        "user:password",
        "\u{e9}t\u{e9}",
        &"x".repeat(2_000),
    ] {
        let request = pb::CreateConnectionRequest {
            connection: Some(good()),
            api_key: api_key.to_owned(),
            ..Default::default()
        };
        let answer = world.api.connections().create_connection(request).await;
        table.row("bad key", answer, Code::InvalidArgument, "api_key");
    }
    let nothing = pb::CreateConnectionRequest {
        connection: None,
        api_key: "x".to_owned(),
        ..Default::default()
    };
    let answer = world.api.connections().create_connection(nothing).await;
    table.row("no settings", answer, Code::InvalidArgument, "connection");

    let update = |etag: &str, paths: &[&str]| pb::UpdateConnectionRequest {
        connection: Some(pb::Connection {
            id: world.connection.clone(),
            etag: etag.to_owned(),
            default_acting_user_id: "..".to_owned(),
            ..good()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
    };
    for (request, code, field) in [
        (update("", &[]), Code::InvalidArgument, "update_mask"),
        (
            update("", &["display_name", "base_url"]),
            Code::InvalidArgument,
            "update_mask.paths[1]",
        ),
        (
            update("", &["api_key"]),
            Code::InvalidArgument,
            "update_mask.paths[0]",
        ),
        (
            update("", &["display_name", "default_acting_user_id"]),
            Code::InvalidArgument,
            "connection.default_acting_user_id",
        ),
        (
            update("v77", &["display_name"]),
            Code::Aborted,
            "ETAG_MISMATCH",
        ),
        (
            update("nonsense", &["display_name"]),
            Code::InvalidArgument,
            "connection.etag",
        ),
    ] {
        let answer = world.api.connections().update_connection(request).await;
        table.row("update", answer, code, field);
    }
    let streams = pb::StartSyncRequest {
        connection_id: world.connection.clone(),
        streams: vec!["users".to_owned(), "nonsense".to_owned()],
        ..Default::default()
    };
    table.row(
        "stream",
        world.api.sync().start_sync(streams).await,
        Code::InvalidArgument,
        "streams[1]",
    );
    table.check();
    let request = pb::ListConnectionsRequest::default();
    let listed = world
        .api
        .connections()
        .list_connections(request)
        .await
        .expect("listed")
        .into_inner();
    assert_eq!(listed.connections.len(), 1, "nothing was stored");
}

/// A date after everybody was made is a setting like any other, as long as it comes within a day.
#[tokio::test]
async fn a_start_date_after_everybody_is_kept_and_told_as_given() {
    let mut setup = Setup::new(20);
    let start = prost_types::Timestamp {
        seconds: now() / 1000 + 3600,
        nanos: 0,
    };
    setup.connection.sync_start_time = Some(start);
    let world = World::synced(setup).await;
    let request = pb::GetConnectionRequest {
        connection_id: world.connection.clone(),
    };
    let told = world
        .api
        .connections()
        .get_connection(request)
        .await
        .expect("there")
        .into_inner();
    assert_eq!(
        told.connection.expect("a connection").sync_start_time,
        Some(start)
    );
    assert!(world.mirrored().await.is_empty());
}

#[tokio::test]
async fn pages_are_asked_for_in_sane_sizes_with_tokens_of_the_same_list() {
    let world = World::synced(Setup::new(150).keeping(&[])).await;
    let mut table = Table::default();
    let list = |page_size, page_token: &str| pb::ListOpportunitiesRequest {
        connection_id: world.connection.clone(),
        page_size,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    let first = world
        .api
        .lever()
        .list_opportunities(list(10, ""))
        .await
        .expect("a page")
        .into_inner();
    let token = first.next_page_token;
    let mut altered = token.clone().into_bytes();
    altered[5] = if altered[5] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).expect("still text");
    for bad in ["garbage", "\u{0}\u{1}", &"A".repeat(10_000), &altered] {
        let answer = world.api.lever().list_opportunities(list(10, bad)).await;
        table.row(
            "a token that was never given",
            answer,
            Code::InvalidArgument,
            "page_token",
        );
    }
    for size in [-1, i32::MIN] {
        let answer = world.api.lever().list_opportunities(list(size, "")).await;
        table.row(
            "a negative page",
            answer,
            Code::InvalidArgument,
            "page_size",
        );
    }
    let live = pb::ListOpportunitiesRequest {
        read_from: pb::ReadFrom::Lever.into(),
        ..list(10, &token)
    };
    let answer = world.api.lever().list_opportunities(live).await;
    table.row(
        "a token of the mirror used live",
        answer,
        Code::InvalidArgument,
        "page_token",
    );
    let stages = pb::ListStagesRequest {
        connection_id: world.connection.clone(),
        page_token: token.clone(),
        ..Default::default()
    };
    let answer = world.api.lever().list_stages(stages).await;
    table.row(
        "a token of another list",
        answer,
        Code::InvalidArgument,
        "page_token",
    );
    let from = pb::ListOpportunitiesRequest {
        read_from: 99,
        ..list(10, "")
    };
    let answer = world.api.lever().list_opportunities(from).await;
    table.row(
        "read from nowhere",
        answer,
        Code::InvalidArgument,
        "read_from",
    );
    let applicants = pb::ListApplicantsRequest {
        connection_id: world.connection.clone(),
        stage_ids: vec!["applicant-new".to_owned(), "offer".to_owned()],
        ..Default::default()
    };
    let answer = world.api.inbound().list_applicants(applicants).await;
    table.row(
        "applicants of a stage that is not inbound",
        answer,
        Code::InvalidArgument,
        "stage_ids[1]",
    );
    let order = pb::ListApplicantsRequest {
        connection_id: world.connection.clone(),
        order: 42,
        ..Default::default()
    };
    table.row(
        "order",
        world.api.inbound().list_applicants(order).await,
        Code::InvalidArgument,
        "order",
    );
    let connections = pb::ListConnectionsRequest {
        page_token: token,
        ..Default::default()
    };
    let answer = world.api.connections().list_connections(connections).await;
    table.row(
        "a token of another service",
        answer,
        Code::InvalidArgument,
        "page_token",
    );
    table.check();
    let whole = world
        .api
        .lever()
        .list_opportunities(list(i32::MAX, ""))
        .await
        .expect("bounded")
        .into_inner();
    assert_eq!(whole.opportunities.len(), 150);
}
