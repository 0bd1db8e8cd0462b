//! Exports: the part of `CandidateService` that hands people over.

use proto::v1 as pb;
use tonic::{Request, Status};

use super::{Api, caller, connection_of};
use crate::wire::export::{from_settings, take_files, to_dry_run, to_response, to_settings};
use crate::wire::status::status;

impl Api {
    pub(super) async fn export(
        &self,
        request: Request<pb::ExportCandidateRequest>,
    ) -> Result<pb::ExportCandidateResponse, Status> {
        let caller = caller(&request)?;
        let mut message = request.into_inner();
        let asked = self.asked(&caller, message.clone())?;
        let files = take_files(&mut message);
        if asked.dry_run {
            let planned = self.engine.export_dry_run(&asked.request, &files).await;
            return Ok(to_dry_run(&asked.request, &planned.map_err(status)?));
        }
        let exported = self.engine.export(asked.request, files, asked.wait).await;
        Ok(to_response(&exported.map_err(status)?))
    }

    pub(super) async fn export_settings(
        &self,
        request: Request<pb::GetExportSettingsRequest>,
    ) -> Result<pb::ExportSettings, Status> {
        let id = connection_of(&caller(&request)?, &request.get_ref().connection_id)?;
        let settings = self.engine.export_settings(id).await;
        Ok(to_settings(&settings.map_err(status)?))
    }

    pub(super) async fn change_export_settings(
        &self,
        request: Request<pb::UpdateExportSettingsRequest>,
    ) -> Result<pb::ExportSettings, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let (etag, proposed) = from_settings(request.settings).map_err(status)?;
        let saved = self
            .engine
            .update_export_settings(id, &etag, proposed, &caller.name);
        Ok(to_settings(&saved.await.map_err(status)?))
    }
}
