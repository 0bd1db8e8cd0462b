//! The operations that stand alone: the account, and the lists of candidacies.

use super::{EXPAND, NONE, Operation, PAGE, PERFORM_AS};
use crate::resources::{
    apply, archive_reasons, audit_events, contacts, deleted, eeo, feedback_templates,
    form_templates, labels, opportunities, opportunity_create, posting_users, posting_writes,
    postings, requisition_fields, requisition_options, requisition_writes, requisitions, stages,
    surveys, uploads, user_writes, users, webhooks,
};

const OPPORTUNITIES: &[&str] = &[
    "limit",
    "offset",
    "include",
    "expand",
    "tag",
    "email",
    "origin",
    "source",
    "confidentiality",
    "stage_id",
    "posting_id",
    "archived_posting_id",
    "created_at_start",
    "created_at_end",
    "updated_at_start",
    "updated_at_end",
    "advanced_at_start",
    "advanced_at_end",
    "archived_at_start",
    "archived_at_end",
    "archived",
    "archive_reason_id",
    "snoozed",
    "contact_id",
    "location",
];
const CREATE_OPPORTUNITY: &[&str] = &["perform_as", "parse", "perform_as_posting_owner"];
const DELETED: &[&str] = &["limit", "offset", "deleted_at_start", "deleted_at_end"];
const TEMPLATES: &[&str] = &["limit", "offset", "include"];

macro_rules! operations {
    ($($method:ident $path:literal $id:ident $permission:literal $query:expr => $answer:expr;)*) => {
        pub(super) const OPERATIONS: &[Operation] = &[$(Operation {
            id: stringify!($id),
            method: stringify!($method),
            path: $path,
            permission: $permission,
            query: $query,
            answer: $answer,
        },)*];
    };
}

operations! {
    GET "/users" listUsers "find all users"
        &["limit", "offset", "email", "accessRole", "accessRole[]", "includeDeactivated", "external_directory_id"]
        => users::list;
    POST "/users" createUser "create a user" NONE => user_writes::create;
    GET "/users/{user}" getUser "find a user" NONE => users::get;
    PUT "/users/{user}" updateUser "update a user" NONE => user_writes::update;
    POST "/users/{user}/deactivate" deactivateUser "deactivate a user" NONE => user_writes::deactivate;
    POST "/users/{user}/reactivate" reactivateUser "reactivate a user" NONE => user_writes::reactivate;
    GET "/stages" listStages "find all stages" PAGE => stages::list;
    GET "/stages/{stage}" getStage "find a stage" NONE => stages::get;
    GET "/disposition_stages" getDispositionStages "find all disposition stages" NONE => stages::dispositions;
    GET "/archive_reasons" listArchiveReasons "find all archive reasons"
        &["limit", "offset", "type"] => archive_reasons::list;
    GET "/archive_reasons/{archive_reason}" getArchiveReason "find an archive reason" NONE => archive_reasons::get;
    GET "/tags" listTags "find all tags" PAGE => labels::tags;
    GET "/sources" listSources "find all sources" PAGE => labels::sources;
    GET "/postings" listPostings "find all postings"
        &["limit", "offset", "include", "expand", "state", "distributionChannel", "confidentiality", "group", "team",
          "department", "location", "commitment", "level", "tag", "updated_at_start", "updated_at_end"]
        => postings::list;
    POST "/postings" createPosting "create a posting" PERFORM_AS => posting_writes::create;
    GET "/postings/deleted" listDeletedPostings "find all deleted postings" DELETED => deleted::postings;
    GET "/postings/{posting}" getPosting "find a posting" &["include", "expand", "distribution"] => postings::get;
    POST "/postings/{posting}" updatePosting "update a posting" PERFORM_AS => posting_writes::update;
    GET "/postings/{posting}/users" listPostingUsers "find all posting users" NONE => posting_users::get;
    GET "/requisitions" listRequisitions "find all requisitions"
        &["limit", "offset", "expand", "created_at_start", "created_at_end", "requisition_code", "status", "confidentiality"]
        => requisitions::list;
    POST "/requisitions" createRequisition "create a requisition" PERFORM_AS => requisition_writes::create;
    GET "/requisitions/{requisition}" getRequisition "find a requisition" EXPAND => requisitions::get;
    PUT "/requisitions/{requisition}" updateRequisition "update a requisition" PERFORM_AS => requisition_writes::update;
    DELETE "/requisitions/{requisition}" deleteRequisition "delete a requisition" NONE => requisition_writes::delete;
    GET "/requisition_fields" listRequisitionFields "find all requisition fields"
        &["isRequired", "type"] => requisition_fields::list;
    POST "/requisition_fields" createRequisitionField "create a requisition field" NONE => requisition_fields::create;
    GET "/requisition_fields/{requisition_field}" getRequisitionField "find a requisition field"
        NONE => requisition_fields::get;
    PUT "/requisition_fields/{requisition_field}" updateRequisitionField "update a requisition field"
        NONE => requisition_fields::update;
    DELETE "/requisition_fields/{requisition_field}" deleteRequisitionField "delete a requisition field"
        NONE => requisition_fields::delete;
    POST "/requisition_fields/{requisition_field}/options" addRequisitionFieldOptions
        "create requisition field options" NONE => requisition_options::add;
    PUT "/requisition_fields/{requisition_field}/options" updateRequisitionFieldOptions
        "update requisition field options" NONE => requisition_options::update;
    DELETE "/requisition_fields/{requisition_field}/options" deleteRequisitionFieldOptions
        "delete requisition field options" NONE => requisition_options::delete;
    GET "/feedback_templates" listFeedbackTemplates "find all feedback templates" TEMPLATES => feedback_templates::list;
    POST "/feedback_templates" createFeedbackTemplate "create a feedback template" NONE => feedback_templates::create;
    GET "/feedback_templates/{feedback_template}" getFeedbackTemplate "find a feedback template"
        NONE => feedback_templates::get;
    PUT "/feedback_templates/{feedback_template}" updateFeedbackTemplate "update a feedback template"
        NONE => feedback_templates::update;
    DELETE "/feedback_templates/{feedback_template}" deleteFeedbackTemplate "delete a feedback template"
        NONE => feedback_templates::delete;
    GET "/form_templates" listFormTemplates "find all form templates" TEMPLATES => form_templates::list;
    POST "/form_templates" createFormTemplate "create a form template" NONE => form_templates::create;
    GET "/form_templates/{form_template}" getFormTemplate "find a form template" NONE => form_templates::get;
    PUT "/form_templates/{form_template}" updateFormTemplate "update a form template" NONE => form_templates::update;
    DELETE "/form_templates/{form_template}" deleteFormTemplate "delete a form template"
        NONE => form_templates::delete;
    GET "/eeo/responses" listEeoResponses "find all eeo responses"
        &["limit", "offset", "fromDate", "toDate"] => eeo::anonymous;
    GET "/eeo/responses/pii" listEeoResponsesPii "find all eeo responses with their pii"
        &["limit", "offset", "expand", "created_at_start", "created_at_end"] => eeo::personal;
    GET "/applications/deleted" listDeletedApplications "find all deleted applications" DELETED => deleted::applications;
    GET "/contacts/{contact}" getContact "find a contact" NONE => contacts::get;
    PUT "/contacts/{contact}" updateContact "update a contact" NONE => contacts::update;
    GET "/opportunities" listOpportunities "find all opportunities" OPPORTUNITIES => opportunities::list;
    POST "/opportunities" createOpportunity "create an opportunity" CREATE_OPPORTUNITY => opportunity_create::create;
    GET "/opportunities/deleted" listDeletedOpportunities "find all deleted opportunities"
        &["limit", "offset", "confidentiality", "deleted_at_start", "deleted_at_end"] => deleted::opportunities;
    GET "/candidates" listCandidates "find all candidates" OPPORTUNITIES => opportunities::list;
    POST "/candidates" createCandidate "create a candidate" CREATE_OPPORTUNITY => opportunity_create::create;
    GET "/postings/{posting}/apply" getPostingApplyForm "find a posting application question form"
        &["location", "distribution"] => apply::form;
    POST "/postings/{posting}/apply" applyToPosting "apply to a posting"
        &["send_confirmation_email"] => apply::submit;
    POST "/uploads" uploadFile "apply to a posting" NONE => uploads::create;
    GET "/audit_events" listAuditEvents "find all audit events"
        &["limit", "offset", "type", "user_id", "target_type", "target_id", "created_at_start", "created_at_end"]
        => audit_events::list;
    GET "/surveys/diversity/{posting}" listDiversitySurveys "find all diversity surveys"
        &["country_code", "location"] => surveys::list;
    GET "/webhooks" listWebhooks "find all webhooks" NONE => webhooks::list;
    POST "/webhooks" createWebhook "create a webhook" NONE => webhooks::create;
    PUT "/webhooks" updateWebhooks "update a webhook" NONE => webhooks::update;
    DELETE "/webhooks/{webhookId}" deleteWebhook "delete a webhook" NONE => webhooks::delete;
}
