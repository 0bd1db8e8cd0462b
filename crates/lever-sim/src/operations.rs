//! The route table: every operation with its path, permission and handler.

use crate::answer::Outcome;
use crate::call::Call;
use crate::resources::{
    applications, apply, archive_reasons, audit_events, contacts, files, labels, notes,
    opportunities, opportunity_create, opportunity_writes, postings, resumes, stages, surveys,
    uploads, users, webhooks,
};
use crate::world::World;

/// One call of Lever's API.
#[derive(Debug)]
pub(crate) struct Operation {
    /// As named in Lever's OpenAPI description.
    pub(crate) id: &'static str,
    pub(crate) method: &'static str,
    /// The template, without the version.
    pub(crate) path: &'static str,
    /// The name on Lever's API-key page.
    pub(crate) permission: &'static str,
    /// The query parameters it knows; any other is refused.
    pub(crate) query: &'static [&'static str],
    pub(crate) answer: fn(&mut World, &Call<'_>) -> Outcome,
}

/// Where a request leads.
#[derive(Debug)]
pub(crate) enum Route<'a> {
    /// To an operation, with the variable segments of the path.
    Found(&'static Operation, Vec<&'a str>),
    /// The path is known, the method is not.
    WrongMethod,
    Unknown,
}

/// Finds the operation for a method and a path that begins with `/v1`.
pub(crate) fn route<'a>(method: &str, path: &'a str) -> Route<'a> {
    let Some(path) = path.strip_prefix("/v1") else {
        return Route::Unknown;
    };
    let mut known = false;
    for operation in OPERATIONS {
        let Some(ids) = segments(operation.path, path) else {
            continue;
        };
        if operation.method == method {
            return Route::Found(operation, ids);
        }
        known = true;
    }
    if known {
        Route::WrongMethod
    } else {
        Route::Unknown
    }
}

/// The variable segments of a path, if it fits the template.
fn segments<'a>(template: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let mut ids = Vec::new();
    let mut parts = path.split('/');
    for wanted in template.split('/') {
        let part = parts.next()?;
        if wanted.starts_with('{') && !part.is_empty() {
            ids.push(part);
        } else if wanted != part {
            return None;
        }
    }
    parts.next().is_none().then_some(ids)
}

const PAGE: &[&str] = &["limit", "offset"];
const PERFORM_AS: &[&str] = &["perform_as"];
const NONE: &[&str] = &[];
const UPLOADED: &[&str] = &["limit", "offset", "uploaded_at_start", "uploaded_at_end"];

macro_rules! operations {
    ($($method:ident $path:literal $id:ident $permission:literal $query:expr => $answer:expr;)*) => {
        /// Paths with fixed segments stand before those with variables in the same place.
        pub(crate) const OPERATIONS: &[Operation] = &[$(Operation {
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
    GET "/users/{user}" getUser "find a user" NONE => users::get;
    GET "/stages" listStages "find all stages" PAGE => stages::list;
    GET "/stages/{stage}" getStage "find a stage" NONE => stages::get;
    GET "/disposition_stages" getDispositionStages "find all disposition stages" NONE => stages::dispositions;
    GET "/archive_reasons" listArchiveReasons "find all archive reasons"
        &["limit", "offset", "type"] => archive_reasons::list;
    GET "/archive_reasons/{archive_reason}" getArchiveReason "find an archive reason" NONE => archive_reasons::get;
    GET "/tags" listTags "find all tags" PAGE => labels::tags;
    GET "/sources" listSources "find all sources" PAGE => labels::sources;
    GET "/postings" listPostings "find all postings"
        &["limit", "offset", "include", "expand", "state", "distributionChannel", "confidentiality", "team",
          "department", "location", "commitment", "level", "tag", "updated_at_start", "updated_at_end"]
        => postings::list;
    GET "/postings/{posting}" getPosting "find a posting" &["include", "expand", "distribution"] => postings::get;
    GET "/contacts/{contact}" getContact "find a contact" NONE => contacts::get;
    GET "/opportunities" listOpportunities "find all opportunities"
        &["limit", "offset", "include", "expand", "tag", "email", "origin", "source", "confidentiality",
          "stage_id", "posting_id", "archived_posting_id", "created_at_start", "created_at_end",
          "updated_at_start", "updated_at_end", "advanced_at_start", "advanced_at_end", "archived_at_start",
          "archived_at_end", "archived", "archive_reason_id", "snoozed", "contact_id", "location"]
        => opportunities::list;
    POST "/opportunities" createOpportunity "create an opportunity"
        &["perform_as", "parse", "perform_as_posting_owner"] => opportunity_create::create;
    GET "/opportunities/deleted" listDeletedOpportunities "find all deleted opportunities"
        &["limit", "offset", "confidentiality", "deleted_at_start", "deleted_at_end"] => opportunities::deleted;
    GET "/opportunities/{opportunity}" getOpportunity "find an opportunity"
        &["include", "expand"] => opportunities::get;
    PUT "/opportunities/{opportunity}/stage" updateOpportunityStage "update an opportunity's stage"
        PERFORM_AS => opportunity_writes::stage;
    PUT "/opportunities/{opportunity}/archived" updateOpportunityArchived "update opportunity archived state"
        PERFORM_AS => opportunity_writes::archived;
    POST "/opportunities/{opportunity}/addTags" addOpportunityTags "add opportunity tags"
        PERFORM_AS => opportunity_writes::add_tags;
    POST "/opportunities/{opportunity}/removeTags" removeOpportunityTags "remove opportunity tags"
        PERFORM_AS => opportunity_writes::remove_tags;
    POST "/opportunities/{opportunity}/addSources" addOpportunitySources "add opportunity sources"
        PERFORM_AS => opportunity_writes::add_sources;
    POST "/opportunities/{opportunity}/removeSources" removeOpportunitySources "remove opportunity sources"
        PERFORM_AS => opportunity_writes::remove_sources;
    POST "/opportunities/{opportunity}/addLinks" addOpportunityLinks "add opportunity links"
        PERFORM_AS => opportunity_writes::add_links;
    POST "/opportunities/{opportunity}/removeLinks" removeOpportunityLinks "remove opportunity contact links"
        PERFORM_AS => opportunity_writes::remove_links;
    GET "/opportunities/{opportunity}/applications" listOpportunityApplications "find all opportunity applications"
        &["limit", "offset", "expand"] => applications::list;
    GET "/opportunities/{opportunity}/applications/{application}" getOpportunityApplication
        "find an opportunity application" NONE => applications::get;
    GET "/opportunities/{opportunity}/notes" listOpportunityNotes "find all opportunity notes"
        &["limit", "offset", "expand"] => notes::list;
    POST "/opportunities/{opportunity}/notes" createOpportunityNote "create an opportunity note"
        &["perform_as", "note_id"] => notes::create;
    GET "/opportunities/{opportunity}/notes/{note}" getOpportunityNote "find an opportunity note"
        NONE => notes::get;
    PUT "/opportunities/{opportunity}/notes/{note}" updateOpportunityNote "update an opportunity note"
        PERFORM_AS => notes::update;
    DELETE "/opportunities/{opportunity}/notes/{note}" deleteOpportunityNote "delete an opportunity note"
        PERFORM_AS => notes::delete;
    GET "/opportunities/{opportunity}/files" listOpportunityFiles "find all opportunity files" UPLOADED => files::list;
    POST "/opportunities/{opportunity}/files" uploadOpportunityFile "upload an opportunity file" PERFORM_AS => files::upload;
    GET "/opportunities/{opportunity}/files/{file}" getOpportunityFile "find an opportunity file" NONE => files::get;
    DELETE "/opportunities/{opportunity}/files/{file}" deleteOpportunityFile "delete an opportunity file" PERFORM_AS => files::delete;
    GET "/opportunities/{opportunity}/files/{file}/download" downloadOpportunityFile "download an opportunity file" NONE => files::download;
    GET "/opportunities/{opportunity}/resumes" listOpportunityResumes "find all opportunity resumes" UPLOADED => resumes::list;
    GET "/opportunities/{opportunity}/resumes/{resume}" getOpportunityResume "find an opportunity resume" NONE => resumes::get;
    GET "/opportunities/{opportunity}/resumes/{resume}/download" downloadOpportunityResume "download an opportunity resume file"
        NONE => resumes::download;
    GET "/opportunities/{opportunity}/file_actions" listOpportunityFileActions "find all opportunity file actions"
        &["limit", "offset", "occurred_at_start", "occurred_at_end"] => files::actions;
    GET "/candidates/{candidate}/files" listCandidateFiles "find all candidate files" UPLOADED => files::list;
    POST "/candidates/{candidate}/files" uploadCandidateFile "upload a candidate file" PERFORM_AS => files::upload;
    GET "/candidates/{candidate}/files/{file}" getCandidateFile "find a candidate file" NONE => files::get;
    DELETE "/candidates/{candidate}/files/{file}" deleteCandidateFile "delete a candidate file" PERFORM_AS => files::delete;
    GET "/candidates/{candidate}/files/{file}/download" downloadCandidateFile "download a candidate file" NONE => files::download;
    GET "/candidates/{candidate}/resumes" listCandidateResumes "find all candidate resumes" UPLOADED => resumes::list;
    GET "/candidates/{candidate}/resumes/{resume}" getCandidateResume "find a candidate resume" NONE => resumes::get;
    GET "/candidates/{candidate}/resumes/{resume}/download" downloadCandidateResume "download a candidate resume"
        NONE => resumes::download;
    POST "/uploads" uploadFile "apply to a posting" NONE => uploads::create;
    GET "/postings/{posting}/apply" getPostingApplyForm "find a posting application question form"
        &["location", "distribution"] => apply::form;
    POST "/postings/{posting}/apply" applyToPosting "apply to a posting"
        &["send_confirmation_email"] => apply::submit;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: &str, path: &str) -> Option<(&'static str, usize)> {
        match route(method, path) {
            Route::Found(operation, ids) => Some((operation.id, ids.len())),
            Route::WrongMethod | Route::Unknown => None,
        }
    }

    #[test]
    fn fixed_segments_win_over_variables() {
        assert_eq!(
            found("GET", "/v1/opportunities/deleted"),
            Some(("listDeletedOpportunities", 0))
        );
        assert_eq!(
            found("GET", "/v1/opportunities/x"),
            Some(("getOpportunity", 1))
        );
        assert_eq!(
            found("PUT", "/v1/opportunities/x/notes/y"),
            Some(("updateOpportunityNote", 2))
        );
    }

    #[test]
    fn unknown_paths_and_methods_are_told_apart() {
        assert!(matches!(route("GET", "/v1/openapi.json"), Route::Unknown));
        assert!(matches!(route("GET", "/v1/opportunities/"), Route::Unknown));
        assert!(matches!(route("GET", "/opportunities"), Route::Unknown));
        assert!(matches!(route("DELETE", "/v1/tags"), Route::WrongMethod));
    }

    #[test]
    fn every_operation_has_its_own_id_and_a_permission() {
        let ids: std::collections::BTreeSet<_> = OPERATIONS.iter().map(|it| it.id).collect();
        assert_eq!(ids.len(), OPERATIONS.len());
        assert!(
            OPERATIONS
                .iter()
                .all(|operation| !operation.permission.is_empty())
        );
    }
}
