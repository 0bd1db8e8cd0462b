//! Ids that name nothing, or could not name anything.

use proto::v1 as pb;
use tonic::Code;

use crate::support::{NOBODY, Setup, Table, World, fresh_id, refused};

#[tokio::test]
#[allow(
    clippy::needless_update,
    reason = "some of the requests have no other field"
)]
async fn ids_that_name_nothing_are_not_found_and_missing_ones_are_asked_for() {
    let world = World::synced(Setup::new(40)).await;
    let mut table = Table::default();
    let long = "x".repeat(100_000);
    let cases = [
        (NOBODY, Code::NotFound, ""),
        ("../../etc/passwd", Code::NotFound, ""),
        ("\u{0}", Code::NotFound, ""),
        (long.as_str(), Code::NotFound, ""),
        ("", Code::InvalidArgument, "connection_id"),
    ];
    for (id, code, field) in cases {
        let connection_id = id.to_owned();
        let shown: String = id.chars().take(20).collect();
        macro_rules! rpcs {
            ($($client:ident.$method:ident($request:ident $($field:ident: $value:expr)?);)*) => {
                $({
                    let request = pb::$request {
                        connection_id: connection_id.clone(),
                        $($field: $value,)?
                        ..Default::default()
                    };
                    let answer = world.api.$client().$method(request).await;
                    table.row(format!("{} of {shown:?}", stringify!($method)), answer, code, field);
                })*
            };
        }
        rpcs! {
            connections.get_connection(GetConnectionRequest);
            connections.delete_connection(DeleteConnectionRequest purge_now: true);
            connections.rotate_credential(RotateCredentialRequest api_key: "a-new-key-0003".to_owned());
            sync.start_sync(StartSyncRequest);
            sync.get_sync_status(GetSyncStatusRequest);
            sync.watch_sync(WatchSyncRequest);
            sync.pause_sync(PauseSyncRequest);
            sync.resume_sync(ResumeSyncRequest);
            inbound.list_applicants(ListApplicantsRequest);
            inbound.list_advance_targets(ListAdvanceTargetsRequest);
            inbound.list_reject_reasons(ListRejectReasonsRequest);
            inbound.get_sla_report(GetSlaReportRequest);
            mapping.get_stage_mapping(GetStageMappingRequest);
            mapping.suggest_stage_mapping(SuggestStageMappingRequest);
            mapping.list_stage_mapping_versions(ListStageMappingVersionsRequest);
            mapping.preview_stage_mapping(PreviewStageMappingRequest
                stage_mapping: Some(pb::StageMapping::default()));
            mapping.rollback_stage_mapping(RollbackStageMappingRequest etag: "v0".to_owned());
            fields.get_field_mapping(GetFieldMappingRequest);
            fields.list_field_mapping_versions(ListFieldMappingVersionsRequest);
            fields.list_source_fields(ListSourceFieldsRequest);
            fields.preview_field_mapping(PreviewFieldMappingRequest
                field_mapping: Some(pb::FieldMapping::default()));
            fields.rollback_field_mapping(RollbackFieldMappingRequest etag: "v0".to_owned());
            fields.update_field_mapping(UpdateFieldMappingRequest
                field_mapping: Some(pb::FieldMapping::default()));
            lever.list_opportunities(ListOpportunitiesRequest);
            lever.get_opportunity(GetOpportunityRequest);
            lever.list_stages(ListStagesRequest);
            operations.list_operations(ListOperationsRequest);
            operations.get_operation(GetOperationRequest operation_id: NOBODY.to_owned());
            operations.watch_operations(WatchOperationsRequest operation_id: NOBODY.to_owned());
            operations.cancel_operation(CancelOperationRequest operation_id: NOBODY.to_owned());
            candidates.create_note(CreateNoteRequest);
            candidates.unarchive(UnarchiveRequest);
        }
        let mapping = pb::UpdateStageMappingRequest {
            connection_id: connection_id.clone(),
            stage_mapping: Some(pb::StageMapping::default()),
        };
        table.row(
            "update_stage_mapping",
            world.api.mapping().update_stage_mapping(mapping).await,
            code,
            field,
        );
    }
    table.check();
}

#[tokio::test]
async fn opportunities_and_operations_that_do_not_exist_are_told_from_bad_ids() {
    let world = World::synced(Setup::new(40)).await;
    let long = "x".repeat(5_000);
    for id in [
        NOBODY,
        "../stages",
        "a/b?c=d#e",
        "\u{0}",
        "%2e%2e",
        "\u{202e}",
        long.as_str(),
    ] {
        for told in [
            refused(world.opportunity(id).await),
            refused(world.note(id, &fresh_id(), "hello").await),
        ] {
            assert!(
                matches!(told.code, Code::NotFound | Code::InvalidArgument),
                "{id:?}: {told:?}"
            );
        }
        let request = pb::GetOperationRequest {
            connection_id: world.connection.clone(),
            operation_id: id.to_owned(),
        };
        assert_eq!(
            refused(world.api.operations().get_operation(request).await).code,
            Code::NotFound
        );
    }
    for id in ["a\0b", "a\nb"] {
        let request = pb::StartSyncRequest {
            connection_id: world.connection.clone(),
            opportunity_id: id.to_owned(),
            ..Default::default()
        };
        let told = refused(world.api.sync().start_sync(request).await);
        assert_eq!(told.code, Code::InvalidArgument, "{id:?}: {told:?}");
        assert_eq!(told.fields, ["opportunity_id"], "{id:?}");
    }
    assert!(world.writes().is_empty());
    // Nothing but the path of one opportunity was asked for.
    let strange: Vec<_> = world
        .lever
        .audit()
        .into_iter()
        .filter(|entry| entry.operation.is_none())
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
}
