//! Both mappings of one connection, at the service.

use domain::mapping_document::MappingDocument;
use domain::{FieldMapping, StageMapping, Violation};
use proto::v1 as pb;
use tonic::Status;

use super::super::view::mapping::{Saved, Wanted};
use super::super::{Client, Failure, Global};
use crate::wire::{field_mapping, stage_mapping};

/// Both mappings of one connection.
pub(super) struct Subject {
    client: Client,
    connection_id: String,
}

/// Both mappings as they are; a present one is needed to save over it.
pub(super) struct Present {
    pub(super) stages: pb::StageMapping,
    pub(super) fields: pb::FieldMapping,
}

/// Lists page after page of versions.
macro_rules! every_page {
    ($self:ident, $client:ident, $method:ident, $request:ident) => {{
        let mut request = pb::$request {
            connection_id: $self.connection_id.clone(),
            ..Default::default()
        };
        let mut versions = Vec::new();
        loop {
            let page = $self.client.$client().$method(request.clone()).await?;
            let page = page.into_inner();
            versions.extend(page.versions);
            if page.next_page_token.is_empty() {
                break versions;
            }
            request.page_token = page.next_page_token;
        }
    }};
}

impl Subject {
    pub(super) async fn open(global: &Global, named: Option<String>) -> Result<Subject, Failure> {
        let client = Client::open(global).await?;
        let connection_id = client.connection(named.as_deref()).await?.id;
        Ok(Subject {
            client,
            connection_id,
        })
    }

    pub(super) async fn stages(&self) -> Result<pb::GetStageMappingResponse, Failure> {
        let request = pb::GetStageMappingRequest {
            connection_id: self.connection_id.clone(),
        };
        let answer = self.client.stage_mapping().get_stage_mapping(request).await;
        Ok(answer?.into_inner())
    }

    pub(super) async fn fields(&self) -> Result<pb::FieldMapping, Failure> {
        let request = pb::GetFieldMappingRequest {
            connection_id: self.connection_id.clone(),
        };
        let answer = self.client.field_mapping().get_field_mapping(request).await;
        Ok(answer?.into_inner().field_mapping.unwrap_or_default())
    }

    pub(super) async fn present(&self) -> Result<Present, Failure> {
        Ok(Present {
            stages: self.stages().await?.stage_mapping.unwrap_or_default(),
            fields: self.fields().await?,
        })
    }

    pub(super) async fn suggestions(&self) -> Result<pb::SuggestStageMappingResponse, Failure> {
        let request = pb::SuggestStageMappingRequest {
            connection_id: self.connection_id.clone(),
        };
        let mut client = self.client.stage_mapping();
        Ok(client.suggest_stage_mapping(request).await?.into_inner())
    }

    /// All paths that can feed a product field.
    pub(super) async fn source_fields(&self) -> Result<pb::ListSourceFieldsResponse, Failure> {
        let mut request = pb::ListSourceFieldsRequest {
            connection_id: self.connection_id.clone(),
            page_size: 1_000,
            ..Default::default()
        };
        let mut fields = Vec::new();
        loop {
            let mut client = self.client.field_mapping();
            let page = client.list_source_fields(request.clone()).await?;
            let page = page.into_inner();
            fields.extend(page.fields);
            if page.next_page_token.is_empty() {
                return Ok(pb::ListSourceFieldsResponse {
                    fields,
                    ..Default::default()
                });
            }
            request.page_token = page.next_page_token;
        }
    }

    /// What saving these would change; both are checked, and nothing is saved.
    pub(super) async fn preview(&self, wanted: &MappingDocument) -> Result<Wanted, Failure> {
        let stages = match &wanted.stages {
            Some(stages) => {
                let request = pb::PreviewStageMappingRequest {
                    connection_id: self.connection_id.clone(),
                    stage_mapping: Some(stage_mapping::to_pb(stages)),
                };
                let mut client = self.client.stage_mapping();
                let answer = client.preview_stage_mapping(request).await;
                Some(answer.map_err(in_document)?.into_inner())
            }
            None => None,
        };
        let fields = match &wanted.fields {
            Some(fields) => {
                let request = pb::PreviewFieldMappingRequest {
                    connection_id: self.connection_id.clone(),
                    field_mapping: Some(field_mapping::to_pb(fields)),
                    whose: None,
                };
                let mut client = self.client.field_mapping();
                let answer = client.preview_field_mapping(request).await;
                Some(answer.map_err(in_document)?.into_inner())
            }
            None => None,
        };
        Ok(Wanted { stages, fields })
    }

    /// All versions of the stage mapping, the newest first.
    pub(super) async fn stage_versions(&self) -> Result<Vec<pb::StageMappingVersion>, Failure> {
        Ok(every_page!(
            self,
            stage_mapping,
            list_stage_mapping_versions,
            ListStageMappingVersionsRequest
        ))
    }

    /// All versions of the field mapping, the newest first.
    pub(super) async fn field_versions(&self) -> Result<Vec<pb::FieldMappingVersion>, Failure> {
        Ok(every_page!(
            self,
            field_mapping,
            list_field_mapping_versions,
            ListFieldMappingVersionsRequest
        ))
    }

    /// Saves over the version whose difference was shown.
    pub(super) async fn save_stages(
        &self,
        stages: &StageMapping,
        etag: &str,
    ) -> Result<pb::StageMapping, Failure> {
        let request = pb::UpdateStageMappingRequest {
            connection_id: self.connection_id.clone(),
            stage_mapping: Some(pb::StageMapping {
                etag: etag.to_owned(),
                ..stage_mapping::to_pb(stages)
            }),
        };
        let mut client = self.client.stage_mapping();
        let saved = client.update_stage_mapping(request).await?.into_inner();
        Ok(saved.stage_mapping.unwrap_or_default())
    }

    /// Saves over the version whose difference was shown.
    pub(super) async fn save_fields(
        &self,
        fields: &FieldMapping,
        etag: &str,
    ) -> Result<pb::FieldMapping, Failure> {
        let request = pb::UpdateFieldMappingRequest {
            connection_id: self.connection_id.clone(),
            field_mapping: Some(pb::FieldMapping {
                etag: etag.to_owned(),
                ..field_mapping::to_pb(fields)
            }),
        };
        let mut client = self.client.field_mapping();
        let saved = client.update_field_mapping(request).await?.into_inner();
        Ok(saved.field_mapping.unwrap_or_default())
    }

    /// Takes an earlier version of the stage mapping back.
    pub(super) async fn roll_stages_back(
        &self,
        version: u64,
        etag: &str,
    ) -> Result<Saved, Failure> {
        let request = pb::RollbackStageMappingRequest {
            connection_id: self.connection_id.clone(),
            version,
            etag: etag.to_owned(),
        };
        let mut client = self.client.stage_mapping();
        let saved = client.rollback_stage_mapping(request).await?.into_inner();
        Ok(Saved {
            stages: saved.stage_mapping,
            fields: None,
        })
    }

    /// Takes an earlier version of the field mapping back.
    pub(super) async fn roll_fields_back(
        &self,
        version: u64,
        etag: &str,
    ) -> Result<Saved, Failure> {
        let request = pb::RollbackFieldMappingRequest {
            connection_id: self.connection_id.clone(),
            version,
            etag: etag.to_owned(),
        };
        let mut client = self.client.field_mapping();
        let saved = client.rollback_field_mapping(request).await?.into_inner();
        Ok(Saved {
            stages: None,
            fields: saved.field_mapping,
        })
    }
}

/// A stage mapping as the service told it.
pub(super) fn stages_of(answer: &pb::StageMapping) -> Result<StageMapping, Failure> {
    stage_mapping::from_pb(answer).map_err(not_understood)
}

/// A field mapping as the service told it.
pub(super) fn fields_of(answer: &pb::FieldMapping) -> Result<FieldMapping, Failure> {
    field_mapping::from_pb(answer).map_err(not_understood)
}

fn not_understood(found: Vec<Violation>) -> Failure {
    let failure = Failure::new(
        "the service answered with a mapping that this program does not understand; are both of one version?",
    );
    failure.with_all(found.into_iter().map(|one| one.to_string()))
}

/// What the service says of a mapping, with the fields named as they are in the document.
fn in_document(status: Status) -> Failure {
    Failure::from(status).in_words(|word| {
        let bare = ["field_mapping.", "stage_mapping."]
            .iter()
            .find_map(|mapping| word.strip_prefix(mapping))
            .unwrap_or(word);
        match bare.strip_prefix("rules[") {
            Some(rest) => format!("fields[{rest}"),
            None => bare.to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::*;

    #[test]
    fn faults_are_named_as_the_document_names_them() {
        let mut details = ErrorDetails::new();
        for (field, message) in [
            (
                "field_mapping.rules[14].field",
                "rules[0] maps NAME already",
            ),
            ("field_mapping.platform_hosts[0]", "give a host"),
            ("stage_mapping.product_stages[2]", "the rules[0] of it"),
        ] {
            details.add_bad_request_violation(field, message);
        }
        let message = "field_mapping.rules[3].path: give a path";
        let status = Status::with_error_details(Code::InvalidArgument, message, details);
        assert_eq!(
            in_document(status).text(),
            "error: fields[3].path: give a path\n  \
             fields[14].field: fields[0] maps NAME already\n  \
             platform_hosts[0]: give a host\n  \
             product_stages[2]: the fields[0] of it\n"
        );
    }
}
