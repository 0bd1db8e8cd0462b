//! Answers to EEO questions, and diversity surveys.

use super::{Operation, list, operations};

operations! {
    /// Lists anonymous EEO responses.
    LIST_EEO_RESPONSES = list("listEeoResponses", "/eeo/responses", "ListAnonymousEeoResponses")
        .allowed_by("find all eeo responses", &["eeo_responses:read:admin"])
        .query(&["limit", "offset", "fromDate", "toDate"]);
    /// Lists EEO responses with personal data.
    LIST_EEO_RESPONSES_PII = list("listEeoResponsesPii", "/eeo/responses/pii", "ListEeoResponses")
        .allowed_by("find all eeo responses with their pii", &["eeo_responses_pii:read:admin"])
        .query(&["limit", "offset", "expand", "created_at_start", "created_at_end"]);
    /// Lists the diversity surveys of a posting.
    LIST_DIVERSITY_SURVEYS = list("listDiversitySurveys", "/surveys/diversity/{posting}", "ListDiversitySurveys")
        .allowed_by("find all diversity surveys", &["diversity_surveys:read:admin"])
        .query(&["country_code", "location"]);
}
