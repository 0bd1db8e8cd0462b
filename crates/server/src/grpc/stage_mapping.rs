//! `StageMappingService`.

use domain::StageMapping;
use engine::{Error, ErrorKind, Violation};
use proto::v1 as pb;
use proto::v1::stage_mapping_service_server::StageMappingService;
use tonic::{Request, Response, Status};

use super::versions::Asked as AskedVersions;
use super::{Api, caller, connection_of};
use crate::wire::stage_mapping::{
    from_pb, to_mapped, to_notice, to_pb, to_preview, to_suggestion, to_version,
};
use crate::wire::status::status;

#[tonic::async_trait]
impl StageMappingService for Api {
    async fn get_stage_mapping(
        &self,
        request: Request<pb::GetStageMappingRequest>,
    ) -> Result<Response<pb::GetStageMappingResponse>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        let view = self.engine.stage_mapping(id).await.map_err(status)?;
        Ok(Response::new(pb::GetStageMappingResponse {
            stage_mapping: Some(to_pb(&view.mapping)),
            stages: view.stages.iter().map(to_mapped).collect(),
            notices: view.notices.iter().map(to_notice).collect(),
        }))
    }

    async fn update_stage_mapping(
        &self,
        request: Request<pb::UpdateStageMappingRequest>,
    ) -> Result<Response<pb::UpdateStageMappingResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let proposed = given(request.stage_mapping)?;
        let mapping = from_pb(&proposed).map_err(violations)?;
        let view = self
            .engine
            .update_stage_mapping(id, &proposed.etag, mapping, &caller.name)
            .await
            .map_err(|error| status(in_words_of_the_wire(error)))?;
        Ok(Response::new(pb::UpdateStageMappingResponse {
            stage_mapping: Some(to_pb(&view.mapping)),
            stages: view.stages.iter().map(to_mapped).collect(),
        }))
    }

    async fn preview_stage_mapping(
        &self,
        request: Request<pb::PreviewStageMappingRequest>,
    ) -> Result<Response<pb::PreviewStageMappingResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let proposed = from_pb(&given(request.stage_mapping)?).map_err(violations)?;
        let preview = self.engine.preview_stage_mapping(id, proposed).await;
        let preview = preview.map_err(|error| status(in_words_of_the_wire(error)))?;
        Ok(Response::new(to_preview(&preview)))
    }

    async fn list_stage_mapping_versions(
        &self,
        request: Request<pb::ListStageMappingVersionsRequest>,
    ) -> Result<Response<pb::ListStageMappingVersionsResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let asked = AskedVersions {
            rpc: "ListStageMappingVersions",
            connection: connection_of(&caller, &request.connection_id)?,
            page_size: request.page_size,
            page_token: &request.page_token,
        };
        let (versions, next_page_token) = self.versions::<StageMapping>(&caller, asked).await?;
        Ok(Response::new(pb::ListStageMappingVersionsResponse {
            versions: versions.iter().map(to_version).collect(),
            next_page_token,
        }))
    }

    async fn rollback_stage_mapping(
        &self,
        request: Request<pb::RollbackStageMappingRequest>,
    ) -> Result<Response<pb::RollbackStageMappingResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let (etag, version) = (&request.etag, request.version);
        let saved = self
            .engine
            .rollback_stage_mapping(id, etag, version, &caller.name);
        let view = saved.await.map_err(status)?;
        Ok(Response::new(pb::RollbackStageMappingResponse {
            stage_mapping: Some(to_pb(&view.mapping)),
            stages: view.stages.iter().map(to_mapped).collect(),
        }))
    }

    async fn suggest_stage_mapping(
        &self,
        request: Request<pb::SuggestStageMappingRequest>,
    ) -> Result<Response<pb::SuggestStageMappingResponse>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        let suggestions = self
            .engine
            .suggest_stage_mapping(id)
            .await
            .map_err(status)?;
        Ok(Response::new(pb::SuggestStageMappingResponse {
            suggestions: suggestions.suggestions.iter().map(to_suggestion).collect(),
            suggested: Some(to_pb(&suggestions.suggested)),
        }))
    }
}

fn given(mapping: Option<pb::StageMapping>) -> Result<pb::StageMapping, Status> {
    mapping.ok_or_else(|| status(Error::invalid("stage_mapping", "give the whole mapping")))
}

fn violations(found: Vec<domain::Violation>) -> Status {
    status(Error::violations(Violation::within("stage_mapping", found)))
}

/// Names of fields as the domain has them, and as the message has them.
const FIELDS: [(&str, &str); 5] = [
    ("].stages[", "].stage_ids["),
    ("stage_mapping.stage_sla_days", "stage_mapping.stage_slas"),
    (
        "stage_mapping.inbound_stages",
        "stage_mapping.inbound_stage_ids",
    ),
    (
        "stage_mapping.advance_excluded_stages",
        "stage_mapping.advance_excluded_stage_ids",
    ),
    (
        "stage_mapping.reject_excluded_reasons",
        "stage_mapping.reject_excluded_reason_ids",
    ),
];

/// Names bad fields as the message has them.
fn in_words_of_the_wire(error: Error) -> Error {
    let ErrorKind::Invalid { violations } = error.kind() else {
        return error;
    };
    let renamed = violations.iter().map(|bad| {
        let field = FIELDS
            .iter()
            .fold(bad.field.clone(), |field, (domain, wire)| {
                field.replacen(domain, wire, 1)
            });
        Violation {
            field,
            message: bad.message.clone(),
        }
    });
    Error::violations(renamed.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_fields_are_named_as_the_message_has_them() {
        let named = |field: &str| {
            let renamed =
                in_words_of_the_wire(Error::invalid(format!("stage_mapping.{field}"), "bad"));
            let ErrorKind::Invalid { violations } = renamed.kind() else {
                panic!("{renamed}")
            };
            violations[0].field.clone()
        };
        assert_eq!(
            named("product_stages[2].stages[0]"),
            "stage_mapping.product_stages[2].stage_ids[0]"
        );
        assert_eq!(
            named("inbound_stages[\"x\"]"),
            "stage_mapping.inbound_stage_ids[\"x\"]"
        );
        assert_eq!(named("sla.unit"), "stage_mapping.sla.unit");
    }
}
