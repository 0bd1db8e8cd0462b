//! Profile forms and referrals.

use super::{Operation, PerformAs, get, list, operations, post};

operations! {
    /// Lists forms.
    LIST_OPPORTUNITY_FORMS = list("listOpportunityForms", "/opportunities/{opportunity}/forms", "ListForms")
        .allowed_by("find all opportunity forms", &["forms:read:admin"])
        .query(&["limit", "offset", "expand"]);
    /// Creates a profile form.
    CREATE_OPPORTUNITY_FORM = post("createOpportunityForm", "/opportunities/{opportunity}/forms", "CreateForm")
        .allowed_by("create an opportunity form", &["forms:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Optional);
    /// Reads one form.
    GET_OPPORTUNITY_FORM = get("getOpportunityForm", "/opportunities/{opportunity}/forms/{form}", "GetForm")
        .allowed_by("find an opportunity form", &["forms:read:admin"]);
    /// Lists referrals.
    LIST_OPPORTUNITY_REFERRALS = list("listOpportunityReferrals", "/opportunities/{opportunity}/referrals", "ListReferrals")
        .allowed_by("find all opportunity referrals", &["referrals:read:admin"])
        .query(&["limit", "offset", "expand"]);
    /// Reads one referral.
    GET_OPPORTUNITY_REFERRAL = get("getOpportunityReferral", "/opportunities/{opportunity}/referrals/{referral}", "GetReferral")
        .allowed_by("find an opportunity referral", &["referrals:read:admin"]);
}
