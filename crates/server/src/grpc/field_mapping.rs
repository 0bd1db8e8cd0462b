//! `FieldMappingService`.

use ::lever::{ContactId, OpportunityId};
use domain::FieldMapping;
use engine::{Error, Violation, Whose};
use proto::v1 as pb;
use proto::v1::field_mapping_service_server::FieldMappingService;
use proto::v1::preview_field_mapping_request::Whose as Asked;
use tonic::{Request, Response, Status};

use super::versions::Asked as AskedVersions;
use super::{Api, caller, connection_of, viewer};
use crate::wire::field_mapping::{from_pb, to_pb, to_preview, to_source, to_version};
use crate::wire::page_size;
use crate::wire::page_token::Bound;
use crate::wire::status::status;

#[tonic::async_trait]
impl FieldMappingService for Api {
    async fn get_field_mapping(
        &self,
        request: Request<pb::GetFieldMappingRequest>,
    ) -> Result<Response<pb::GetFieldMappingResponse>, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        let mapping = self.engine.field_mapping(id).await.map_err(status)?;
        Ok(Response::new(pb::GetFieldMappingResponse {
            field_mapping: Some(to_pb(&mapping)),
        }))
    }

    async fn update_field_mapping(
        &self,
        request: Request<pb::UpdateFieldMappingRequest>,
    ) -> Result<Response<pb::UpdateFieldMappingResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let (etag, proposed) = given(request.field_mapping)?;
        let viewer = viewer(&caller);
        let saved = self
            .engine
            .update_field_mapping(id, &etag, proposed, &caller.name, viewer);
        let mapping = saved.await.map_err(status)?;
        Ok(Response::new(pb::UpdateFieldMappingResponse {
            field_mapping: Some(to_pb(&mapping)),
        }))
    }

    async fn list_field_mapping_versions(
        &self,
        request: Request<pb::ListFieldMappingVersionsRequest>,
    ) -> Result<Response<pb::ListFieldMappingVersionsResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let asked = AskedVersions {
            rpc: "ListFieldMappingVersions",
            connection: connection_of(&caller, &request.connection_id)?,
            page_size: request.page_size,
            page_token: &request.page_token,
        };
        let (versions, next_page_token) = self.versions::<FieldMapping>(&caller, asked).await?;
        Ok(Response::new(pb::ListFieldMappingVersionsResponse {
            versions: versions.iter().map(to_version).collect(),
            next_page_token,
        }))
    }

    async fn rollback_field_mapping(
        &self,
        request: Request<pb::RollbackFieldMappingRequest>,
    ) -> Result<Response<pb::RollbackFieldMappingResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let (etag, version) = (&request.etag, request.version);
        let saved = self
            .engine
            .rollback_field_mapping(id, etag, version, &caller.name);
        let mapping = saved.await.map_err(status)?;
        Ok(Response::new(pb::RollbackFieldMappingResponse {
            field_mapping: Some(to_pb(&mapping)),
        }))
    }

    async fn list_source_fields(
        &self,
        request: Request<pb::ListSourceFieldsRequest>,
    ) -> Result<Response<pb::ListSourceFieldsResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let size = page_size(request.page_size, 500, 1_000).map_err(status)?;
        let store = self.engine.store();
        let bound = Bound::new(&caller.id, "ListSourceFields", &[&request.connection_id]);
        let passed: Option<usize> = bound.open(store, &request.page_token).map_err(status)?;
        let passed = passed.unwrap_or(0);
        let fields = self
            .engine
            .source_fields(id, viewer(&caller))
            .await
            .map_err(status)?;
        let page: Vec<_> = fields
            .iter()
            .skip(passed)
            .take(size)
            .map(to_source)
            .collect();
        let end = passed.saturating_add(page.len());
        let next = Some(end).filter(|end| *end < fields.len());
        Ok(Response::new(pb::ListSourceFieldsResponse {
            fields: page,
            next_page_token: bound.seal(store, next.as_ref()).map_err(status)?,
        }))
    }

    async fn preview_field_mapping(
        &self,
        request: Request<pb::PreviewFieldMappingRequest>,
    ) -> Result<Response<pb::PreviewFieldMappingResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let (_etag, proposed) = given(request.field_mapping)?;
        let whose = request.whose.map(whose).transpose()?;
        let preview =
            self.engine
                .preview_field_mapping(id, proposed, whose.as_ref(), viewer(&caller));
        Ok(Response::new(to_preview(&preview.await.map_err(status)?)))
    }
}

fn given(mapping: Option<pb::FieldMapping>) -> Result<(String, FieldMapping), Status> {
    let mapping =
        mapping.ok_or_else(|| status(Error::invalid("field_mapping", "give the whole mapping")))?;
    let read = from_pb(&mapping)
        .map_err(|found| status(Error::violations(Violation::within("field_mapping", found))))?;
    Ok((mapping.etag, read))
}

fn whose(asked: Asked) -> Result<Whose, Status> {
    let (field, id) = match &asked {
        Asked::OpportunityId(id) => ("opportunity_id", id),
        Asked::ContactId(id) => ("contact_id", id),
    };
    if id.is_empty() {
        let message = "give the id of whom to try the mapping on, or leave it out";
        return Err(status(Error::invalid(field, message)));
    }
    Ok(match asked {
        Asked::OpportunityId(id) => Whose::Opportunity(OpportunityId::from(id.as_str())),
        Asked::ContactId(id) => Whose::Contact(ContactId::from(id.as_str())),
    })
}
