//! Why somebody is not where they are looked for, for `CandidateService`.

use engine::ExplainHow;
use proto::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, caller, connection_of, viewer};
use crate::auth::EEO;
use crate::wire::explain::{from_who, to_explanation};
use crate::wire::status::status;

impl Api {
    pub(super) async fn explain(
        &self,
        request: Request<pb::ExplainCandidateRequest>,
    ) -> Result<Response<pb::ExplainCandidateResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let who = from_who(request.who).map_err(status)?;
        let how = ExplainHow {
            viewer: viewer(&caller),
            eeo: caller.has(EEO),
            ask_lever: request.ask_lever,
        };
        let explanation = self.engine.explain(id, who, how).await;
        explanation
            .map(to_explanation)
            .map(Response::new)
            .map_err(status)
    }
}
