//! People who may be in Lever twice, for `CandidateService`.

use ::engine::{DuplicatePlace, DuplicatesQuery, Verdict};
use lever::ContactId;
use proto::v1 as pb;
use store::KeyMark;
use tonic::{Request, Response, Status};

use super::{Api, caller, connection_of};
use crate::auth::CONFIDENTIAL;
use crate::wire;
use crate::wire::duplicates::{to_dismissal, to_report};
use crate::wire::page_token::Bound;
use crate::wire::status::status;

/// A place in the report as a page token has it.
type Place = ([u8; 12], Option<(String, String)>);

impl Api {
    pub(super) async fn duplicates(
        &self,
        request: Request<pb::ListDuplicatesRequest>,
    ) -> Result<Response<pb::ListDuplicatesResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let flags = [request.include_weak, request.include_dismissed].map(|flag| flag.to_string());
        let question = [request.connection_id.as_str(), &flags[0], &flags[1]];
        let bound = Bound::new(&caller.id, "ListDuplicates", &question);
        let store = self.engine.store();
        let after: Option<Place> = bound.open(store, &request.page_token).map_err(status)?;
        let query = DuplicatesQuery {
            weak: request.include_weak,
            dismissed: request.include_dismissed,
            after: after.map(from_place),
            limit: wire::page_size(request.page_size, 50, 200).map_err(status)?,
            confidential: caller.has(CONFIDENTIAL),
        };
        let mut report = self.engine.duplicates(id, query).await.map_err(status)?;
        let next = report.next.take().map(to_place);
        let next_page_token = bound.seal(store, next.as_ref()).map_err(status)?;
        Ok(Response::new(pb::ListDuplicatesResponse {
            next_page_token,
            ..to_report(report)
        }))
    }

    pub(super) async fn tell_apart(
        &self,
        request: Request<pb::DismissDuplicateRequest>,
    ) -> Result<Response<pb::DismissDuplicateResponse>, Status> {
        let caller = caller(&request)?;
        let request = request.into_inner();
        let id = connection_of(&caller, &request.connection_id)?;
        let verdict = Verdict {
            contacts: [request.contact_id, request.other_contact_id].map(ContactId::from),
            undo: request.undo,
            confidential: caller.has(CONFIDENTIAL),
            by: caller.name,
        };
        let dismissal = self.engine.tell_apart(id, verdict).await.map_err(status)?;
        let dismissal = dismissal.map(to_dismissal);
        Ok(Response::new(pb::DismissDuplicateResponse { dismissal }))
    }
}

fn from_place((mark, told): Place) -> DuplicatePlace {
    let told = told.map(|(one, other)| (one.into(), other.into()));
    (KeyMark::from_bytes(mark), told)
}

fn to_place((mark, told): DuplicatePlace) -> Place {
    let told = told.map(|(one, other)| (one.to_string(), other.to_string()));
    (mark.to_bytes(), told)
}
