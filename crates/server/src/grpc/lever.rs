//! `LeverService`.

use ::lever::{Access, OpportunityId};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use domain::{Stream, Write};
use engine::{Error, ReadFrom, ReadOne, ReadQuery, WriteRequest};
use proto::v1 as pb;
use proto::v1::lever_service_server::LeverService;
use tonic::{Request, Response, Status};

use super::candidate::check_access_role;
use super::{Api, caller, connection_of, viewer};
use crate::auth::{ACT_AS_ANY, CONFIDENTIAL, Caller, EEO, Role};
use crate::wire;
use crate::wire::connection::non_empty;
use crate::wire::lever::{ListRequest, Shown, from_call, from_read_from, to_called};
use crate::wire::operation::{Envelope, to_dry_run};
use crate::wire::page_token::Bound;
use crate::wire::status::{permission_denied, status};
use crate::wire::time::to_timestamp;

/// One page, whatever it holds.
struct Answer<T> {
    items: Vec<T>,
    next_page_token: String,
    as_of: Option<prost_types::Timestamp>,
}

/// The fields that every request about one record has.
struct Wanted {
    connection_id: String,
    /// The field that names the record, for errors.
    field: &'static str,
    id: String,
    opportunity_id: String,
    read_from: i32,
    include_raw_json: bool,
}

/// Answers to the questions for equal opportunity need a right of their own.
fn check_eeo(caller: &Caller, wanted: bool) -> Result<(), Status> {
    if wanted && !caller.has(EEO) {
        return Err(permission_denied(
            "answers about equal opportunity need a token with the right eeo",
        ));
    }
    Ok(())
}

impl Api {
    async fn list<R: ListRequest, T: Shown>(
        &self,
        caller: &Caller,
        stream: Stream,
        request: R,
    ) -> Result<Answer<T>, Status> {
        let question = request.question();
        let id = connection_of(caller, question.connection_id)?;
        check_eeo(caller, stream == Stream::EeoResponses)?;
        let from = from_read_from(question.read_from).map_err(status)?;
        let largest = if from == ReadFrom::Lever { 100 } else { 1000 };
        let limit = wire::page_size(question.page_size, 100, largest).map_err(status)?;
        let store = self.engine.store();
        let asked = STANDARD_NO_PAD.encode(request.without_page().encode_to_vec());
        let bound = Bound::new(&caller.id, stream.name(), &[&asked]);
        let after: Option<String> = bound.open(store, question.page_token).map_err(status)?;
        let query = ReadQuery {
            opportunity: non_empty(question.opportunity_id).map(OpportunityId::from),
            filters: request.filters(self.engine.now()).map_err(status)?,
            ..ReadQuery::new(stream, from, limit, viewer(caller))
        };
        let page = self
            .engine
            .read_page(id, &query, after)
            .await
            .map_err(status)?;
        Ok(Answer {
            items: page
                .records
                .iter()
                .map(|record| T::shown(record, question.include_raw_json))
                .collect(),
            next_page_token: bound.seal(store, page.next.as_ref()).map_err(status)?,
            as_of: page.as_of.map(to_timestamp),
        })
    }

    async fn get<T: Shown>(
        &self,
        caller: &Caller,
        stream: Stream,
        wanted: Wanted,
    ) -> Result<(T, Option<prost_types::Timestamp>), Status> {
        let id = connection_of(caller, &wanted.connection_id)?;
        check_eeo(caller, stream == Stream::EeoResponses)?;
        let from = from_read_from(wanted.read_from).map_err(status)?;
        if wanted.id.is_empty() {
            self.engine.connection(id).await.map_err(status)?;
            let error = Error::invalid(wanted.field, "name the record by Lever's id");
            return Err(status(error));
        }
        let one = ReadOne {
            stream,
            id: wanted.id,
            opportunity: non_empty(&wanted.opportunity_id).map(OpportunityId::from),
            from,
            viewer: viewer(caller),
        };
        let (record, as_of) = self.engine.read_one(id, &one).await.map_err(status)?;
        let shown = T::shown(&record, wanted.include_raw_json);
        Ok((shown, as_of.map(to_timestamp)))
    }

    /// A write of any kind, as an operation.
    async fn raw_write(
        &self,
        caller: &Caller,
        request: &pb::CallRequest,
        asked: engine::Asked,
    ) -> Result<pb::Operation, Status> {
        if !matches!(caller.role, Role::Admin | Role::Product) {
            let message = format!(
                "the role {} of this token may not call {}: it writes",
                caller.role.name(),
                asked.operation.id
            );
            return Err(permission_denied(&message));
        }
        let id = connection_of(caller, &request.connection_id)?;
        let raw = self
            .engine
            .raw_write(id, asked, viewer(caller))
            .await
            .map_err(status)?;
        let envelope = Envelope {
            connection_id: &request.connection_id,
            opportunity_id: "",
            request_id: &request.request_id,
            dry_run: request.dry_run,
            wait: request.wait.as_ref(),
            acting_user: &request.acting_user,
            perform_as: &request.perform_as,
            hold: None,
            minds_provenance: false,
        };
        let asked = envelope
            .asks(Write::Raw(raw), &caller.name, self.default_wait)
            .map_err(status)?;
        if asked.names_lever_user && !caller.has(ACT_AS_ANY) {
            return Err(permission_denied(
                "perform_as needs a token with the right act_as_any; give acting_user",
            ));
        }
        check_access_role(caller, &asked.request.write)?;
        let request = WriteRequest {
            confidential: caller.has(CONFIDENTIAL),
            ..asked.request
        };
        if asked.dry_run {
            let planned = self.engine.dry_run(&request).await.map_err(status)?;
            return Ok(to_dry_run(&request, &planned));
        }
        let operation = self
            .engine
            .write(request, asked.wait)
            .await
            .map_err(status)?;
        self.shown_operation(caller, &operation).await
    }
}

/// The opportunity a request names, where its rpc has one.
macro_rules! opportunity {
    ($request:ident) => {
        String::new()
    };
    ($request:ident, $field:ident) => {
        $request.$field
    };
}

macro_rules! resources {
    (
        lists { $($list:ident: $stream:ident, $list_request:ident -> $list_response:ident { $items:ident };)* }
        gets { $($get:ident: $one:ident, $get_request:ident { $id:ident $(, $opportunity:ident)? } -> $get_response:ident { $item:ident };)* }
    ) => {
        #[tonic::async_trait]
        impl LeverService for Api {
            $(async fn $list(
                &self,
                request: Request<pb::$list_request>,
            ) -> Result<Response<pb::$list_response>, Status> {
                let caller = caller(&request)?;
                let answer = self.list(&caller, Stream::$stream, request.into_inner()).await?;
                Ok(Response::new(pb::$list_response {
                    $items: answer.items,
                    next_page_token: answer.next_page_token,
                    as_of: answer.as_of,
                }))
            })*

            $(async fn $get(
                &self,
                request: Request<pb::$get_request>,
            ) -> Result<Response<pb::$get_response>, Status> {
                let caller = caller(&request)?;
                let request = request.into_inner();
                let wanted = Wanted {
                    connection_id: request.connection_id,
                    field: stringify!($id),
                    id: request.$id,
                    opportunity_id: opportunity!(request $(, $opportunity)?),
                    read_from: request.read_from,
                    include_raw_json: request.include_raw_json,
                };
                let (record, as_of) = self.get(&caller, Stream::$one, wanted).await?;
                Ok(Response::new(pb::$get_response { $item: Some(record), as_of }))
            })*

            async fn call(
                &self,
                request: Request<pb::CallRequest>,
            ) -> Result<Response<pb::CallResponse>, Status> {
                let caller = caller(&request)?;
                let request = request.into_inner();
                let id = connection_of(&caller, &request.connection_id)?;
                let asked = from_call(&request).map_err(status)?;
                if asked.operation.access == Access::Write {
                    let operation = self.raw_write(&caller, &request, asked).await?;
                    return Ok(Response::new(pb::CallResponse {
                        operation: Some(operation),
                        ..Default::default()
                    }));
                }
                check_eeo(&caller, engine::tells_eeo(asked.operation))?;
                if engine::tells_of_everybody(asked.operation) && !caller.has(CONFIDENTIAL) {
                    return Err(permission_denied(
                        "audit events tell of confidential people too: they need a token with the right confidential",
                    ));
                }
                let called = self.engine.call_read(id, asked, viewer(&caller)).await.map_err(status)?;
                Ok(Response::new(to_called(called)))
            }
        }
    };
}

resources! {
    lists {
        list_opportunities: Opportunities, ListOpportunitiesRequest -> ListOpportunitiesResponse { opportunities };
        list_applications: Applications, ListApplicationsRequest -> ListApplicationsResponse { applications };
        list_contacts: Contacts, ListContactsRequest -> ListContactsResponse { contacts };
        list_notes: Notes, ListNotesRequest -> ListNotesResponse { notes };
        list_offers: Offers, ListOffersRequest -> ListOffersResponse { offers };
        list_interviews: Interviews, ListInterviewsRequest -> ListInterviewsResponse { interviews };
        list_panels: Panels, ListPanelsRequest -> ListPanelsResponse { panels };
        list_feedback: Feedback, ListFeedbackRequest -> ListFeedbackResponse { feedback };
        list_resumes: Resumes, ListResumesRequest -> ListResumesResponse { resumes };
        list_files: Files, ListFilesRequest -> ListFilesResponse { files };
        list_forms: Forms, ListFormsRequest -> ListFormsResponse { forms };
        list_referrals: Referrals, ListReferralsRequest -> ListReferralsResponse { referrals };
        list_postings: Postings, ListPostingsRequest -> ListPostingsResponse { postings };
        list_posting_forms: PostingForms, ListPostingFormsRequest -> ListPostingFormsResponse { posting_forms };
        list_requisitions: Requisitions, ListRequisitionsRequest -> ListRequisitionsResponse { requisitions };
        list_requisition_fields: RequisitionFields, ListRequisitionFieldsRequest -> ListRequisitionFieldsResponse { requisition_fields };
        list_stages: Stages, ListStagesRequest -> ListStagesResponse { stages };
        list_archive_reasons: ArchiveReasons, ListArchiveReasonsRequest -> ListArchiveReasonsResponse { archive_reasons };
        list_users: Users, ListUsersRequest -> ListUsersResponse { users };
        list_tags: Tags, ListTagsRequest -> ListTagsResponse { tags };
        list_sources: Sources, ListSourcesRequest -> ListSourcesResponse { sources };
        list_feedback_templates: FeedbackTemplates, ListFeedbackTemplatesRequest -> ListFeedbackTemplatesResponse { feedback_templates };
        list_form_templates: FormTemplates, ListFormTemplatesRequest -> ListFormTemplatesResponse { form_templates };
        list_eeo_responses: EeoResponses, ListEeoResponsesRequest -> ListEeoResponsesResponse { eeo_responses };
    }
    gets {
        get_opportunity: Opportunities, GetOpportunityRequest { opportunity_id } -> GetOpportunityResponse { opportunity };
        get_application: Applications, GetApplicationRequest { application_id, opportunity_id } -> GetApplicationResponse { application };
        get_contact: Contacts, GetContactRequest { contact_id } -> GetContactResponse { contact };
        get_note: Notes, GetNoteRequest { note_id, opportunity_id } -> GetNoteResponse { note };
        get_offer: Offers, GetOfferRequest { offer_id, opportunity_id } -> GetOfferResponse { offer };
        get_interview: Interviews, GetInterviewRequest { interview_id, opportunity_id } -> GetInterviewResponse { interview };
        get_panel: Panels, GetPanelRequest { panel_id, opportunity_id } -> GetPanelResponse { panel };
        get_feedback: Feedback, GetFeedbackRequest { feedback_id, opportunity_id } -> GetFeedbackResponse { feedback };
        get_resume: Resumes, GetResumeRequest { resume_id, opportunity_id } -> GetResumeResponse { resume };
        get_file: Files, GetFileRequest { file_id, opportunity_id } -> GetFileResponse { file };
        get_form: Forms, GetFormRequest { form_id, opportunity_id } -> GetFormResponse { form };
        get_referral: Referrals, GetReferralRequest { referral_id, opportunity_id } -> GetReferralResponse { referral };
        get_posting: Postings, GetPostingRequest { posting_id } -> GetPostingResponse { posting };
        get_posting_form: PostingForms, GetPostingFormRequest { posting_id } -> GetPostingFormResponse { posting_form };
        get_requisition: Requisitions, GetRequisitionRequest { requisition_id } -> GetRequisitionResponse { requisition };
        get_requisition_field: RequisitionFields, GetRequisitionFieldRequest { requisition_field_id } -> GetRequisitionFieldResponse { requisition_field };
        get_stage: Stages, GetStageRequest { stage_id } -> GetStageResponse { stage };
        get_archive_reason: ArchiveReasons, GetArchiveReasonRequest { archive_reason_id } -> GetArchiveReasonResponse { archive_reason };
        get_user: Users, GetUserRequest { user_id } -> GetUserResponse { user };
        get_feedback_template: FeedbackTemplates, GetFeedbackTemplateRequest { feedback_template_id } -> GetFeedbackTemplateResponse { feedback_template };
        get_form_template: FormTemplates, GetFormTemplateRequest { form_template_id } -> GetFormTemplateResponse { form_template };
        get_eeo_response: EeoResponses, GetEeoResponseRequest { eeo_response_id } -> GetEeoResponseResponse { eeo_response };
    }
}
