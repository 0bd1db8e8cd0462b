//! The OAuth scopes: what each lets a token do.
//!
//! Lever's documentation names the scopes of every call; where a call is listed under several, any one is enough.

/// Each scope with the operations it is good for.
#[rustfmt::skip] // A table reads better in rows.
const OPERATIONS_OF: &[(&str, &[&str])] = &[
    ("applications:read:admin", &["listOpportunityApplications", "getOpportunityApplication",
        "listDeletedApplications", "listCandidateApplications", "getCandidateApplication"]),
    ("archive_reasons:read:admin", &["listArchiveReasons", "getArchiveReason", "getDispositionStages"]),
    ("audit_events:read:admin", &["listAuditEvents"]),
    ("contact:read:admin", &["getContact"]),
    ("contact:write:admin", &["updateContact"]),
    ("diversity_surveys:read:admin", &["listDiversitySurveys"]),
    ("eeo_responses:read:admin", &["listEeoResponses"]),
    ("eeo_responses_pii:read:admin", &["listEeoResponsesPii"]),
    ("feedback:read:admin", &["listOpportunityFeedback", "getOpportunityFeedbackForm", "listCandidateFeedback",
        "getCandidateFeedbackForm"]),
    ("feedback:write:admin", &["createOpportunityFeedback", "updateOpportunityFeedback",
        "deleteOpportunityFeedback", "createCandidateFeedback", "updateCandidateFeedback",
        "deleteCandidateFeedback"]),
    ("feedback_templates:read:admin", &["listFeedbackTemplates", "getFeedbackTemplate"]),
    ("feedback_templates:write:admin", &["createFeedbackTemplate", "updateFeedbackTemplate",
        "deleteFeedbackTemplate"]),
    ("files:read:admin", &["listOpportunityFiles", "getOpportunityFile", "downloadOpportunityFile",
        "listCandidateFiles", "getCandidateFile", "downloadCandidateFile", "listOpportunityFileActions"]),
    ("files:write:admin", &["uploadOpportunityFile", "deleteOpportunityFile", "uploadCandidateFile",
        "deleteCandidateFile"]),
    ("form_templates:read:admin", &["listFormTemplates", "getFormTemplate"]),
    ("form_templates:write:admin", &["createFormTemplate", "updateFormTemplate", "deleteFormTemplate"]),
    ("forms:read:admin", &["listOpportunityForms", "getOpportunityForm", "listCandidateForms",
        "getCandidateForm"]),
    ("forms:write:admin", &["createOpportunityForm", "createCandidateForm"]),
    ("interviews:read:admin", &["listOpportunityInterviews", "getOpportunityInterview",
        "listCandidateInterviews", "getCandidateInterview"]),
    ("interviews:write:admin", &["createOpportunityInterview", "updateOpportunityInterview",
        "deleteOpportunityInterview", "createCandidateInterview", "updateCandidateInterview",
        "deleteCandidateInterview"]),
    ("notes:read:admin", &["listOpportunityNotes", "getOpportunityNote", "listCandidateNotes",
        "getCandidateNote"]),
    ("notes:write:admin", &["createOpportunityNote", "updateOpportunityNote", "deleteOpportunityNote",
        "createCandidateNote", "updateCandidateNote", "deleteCandidateNote"]),
    ("offers:read:admin", &["listOpportunityOffers", "downloadOpportunityOffer", "listCandidateOffers",
        "downloadCandidateOffer"]),
    ("opportunities:read:admin", &["listOpportunities", "getOpportunity", "listDeletedOpportunities",
        "listCandidates", "getCandidate", "listOpportunityFileActions"]),
    ("opportunities:write:admin", &["createOpportunity", "updateOpportunityStage", "updateOpportunityArchived",
        "addOpportunityLinks", "removeOpportunityLinks", "addOpportunityTags", "removeOpportunityTags",
        "addOpportunitySources", "removeOpportunitySources", "createCandidate", "updateCandidateStage",
        "updateCandidateArchived", "addCandidateLinks", "removeCandidateLinks", "addCandidateTags",
        "removeCandidateTags", "addCandidateSources", "removeCandidateSources", "addCandidatePostings"]),
    ("panels:read:admin", &["listOpportunityPanels", "getOpportunityPanel", "listCandidatePanels",
        "getCandidatePanel"]),
    ("panels:write:admin", &["createOpportunityPanel", "updateOpportunityPanel", "deleteOpportunityPanel",
        "createCandidatePanel", "updateCandidatePanel", "deleteCandidatePanel"]),
    ("postings:read:admin", &["listPostings", "listDeletedPostings", "getPosting", "getPostingApplyForm",
        "listPostingUsers"]),
    ("postings:write:admin", &["createPosting", "updatePosting", "applyToPosting"]),
    ("referrals:read:admin", &["listOpportunityReferrals", "getOpportunityReferral", "listCandidateReferrals",
        "getCandidateReferral"]),
    ("requisition_fields:read:admin", &["listRequisitionFields", "getRequisitionField"]),
    ("requisition_fields:write:admin", &["createRequisitionField", "updateRequisitionField",
        "deleteRequisitionField", "addRequisitionFieldOptions", "updateRequisitionFieldOptions",
        "deleteRequisitionFieldOptions"]),
    ("requisitions:read:admin", &["listRequisitions", "getRequisition"]),
    ("requisitions:write:admin", &["createRequisition", "updateRequisition", "deleteRequisition"]),
    ("resumes:read:admin", &["listOpportunityResumes", "getOpportunityResume", "downloadOpportunityResume",
        "listCandidateResumes", "getCandidateResume", "downloadCandidateResume"]),
    ("sources:read:admin", &["listSources"]),
    ("stages:read:admin", &["getDispositionStages", "listStages", "getStage"]),
    ("tags:read:admin", &["listTags"]),
    ("uploads:write:admin", &["uploadFile"]),
    ("users:read:admin", &["listPostingUsers", "listUsers", "getUser"]),
    ("users:write:admin", &["createUser", "updateUser", "deactivateUser", "reactivateUser"]),
    ("webhooks:read:admin", &["listWebhooks"]),
    ("webhooks:write:admin", &["createWebhook", "updateWebhooks", "deleteWebhook"]),
];

/// Scopes that open no call of their own, or calls that are not documented.
const OTHERS: &[&str] = &[
    "confidential:access:admin",
    "groups:read:admin",
    "groups:write:admin",
    "offline_access",
    "permissions:read:admin",
    "permissions:write:admin",
    "roles:read:admin",
    "roles:write:admin",
    "tasks:read:admin",
];

/// Whether Lever knows a scope.
pub(crate) fn known(scope: &str) -> bool {
    all().any(|known| known == scope)
}

/// Every scope.
pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    let with_calls = OPERATIONS_OF.iter().map(|(scope, _)| *scope);
    with_calls.chain(OTHERS.iter().copied())
}

/// Whether a scope is good for an operation. A scope to write includes reading.
pub(crate) fn opens(scope: &str, operation: &str) -> bool {
    let reads = scope.replace(":write:", ":read:");
    OPERATIONS_OF
        .iter()
        .filter(|(known, _)| *known == scope || *known == reads)
        .any(|(_, operations)| operations.contains(&operation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations;

    #[test]
    fn every_operation_is_behind_a_scope() {
        let closed =
            operations::all().filter(|operation| !all().any(|scope| opens(scope, operation.id)));
        assert_eq!(
            closed.map(|it| it.id).collect::<Vec<_>>(),
            Vec::<&str>::new()
        );
    }

    #[test]
    fn a_write_scope_includes_reading_and_nothing_else() {
        assert!(opens("files:write:admin", "listOpportunityFiles"));
        assert!(opens("files:write:admin", "uploadOpportunityFile"));
        assert!(!opens("files:read:admin", "uploadOpportunityFile"));
        assert!(!opens("notes:write:admin", "listOpportunityFiles"));
    }

    #[test]
    fn any_one_of_several_scopes_is_enough() {
        for scope in ["stages:read:admin", "archive_reasons:read:admin"] {
            assert!(opens(scope, "getDispositionStages"), "{scope}");
        }
    }

    #[test]
    fn there_are_as_many_scopes_as_documented() {
        assert_eq!(all().count(), 52);
    }
}
