//! Interviews and the panels they stand in.

use super::{Operation, PerformAs, Repeat, delete, get, list, operations, post, put};

operations! {
    /// Lists interviews.
    LIST_OPPORTUNITY_INTERVIEWS = list("listOpportunityInterviews", "/opportunities/{opportunity}/interviews", "ListInterviews")
        .allowed_by("find all opportunity interviews", &["interviews:read:admin"])
        .query(&["limit", "offset", "expand"]);
    /// Adds an interview to a panel.
    CREATE_OPPORTUNITY_INTERVIEW = post("createOpportunityInterview", "/opportunities/{opportunity}/interviews", "CreateInterview")
        .allowed_by("create an opportunity interview", &["interviews:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Required);
    /// Reads one interview.
    GET_OPPORTUNITY_INTERVIEW = get("getOpportunityInterview", "/opportunities/{opportunity}/interviews/{interview}", "GetInterview")
        .allowed_by("find an opportunity interview", &["interviews:read:admin"]);
    /// Replaces an interview.
    UPDATE_OPPORTUNITY_INTERVIEW = put("updateOpportunityInterview", "/opportunities/{opportunity}/interviews/{interview}", "UpdateInterview")
        .allowed_by("update an opportunity interview", &["interviews:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Required);
    /// Deletes an interview.
    DELETE_OPPORTUNITY_INTERVIEW = delete("deleteOpportunityInterview", "/opportunities/{opportunity}/interviews/{interview}", "DeleteInterview")
        .allowed_by("delete an opportunity interview", &["interviews:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Required);
    /// Lists panels.
    LIST_OPPORTUNITY_PANELS = list("listOpportunityPanels", "/opportunities/{opportunity}/panels", "ListPanels")
        .allowed_by("find all opportunity panels", &["panels:read:admin"])
        .query(&["limit", "offset", "expand"]);
    /// Creates a panel.
    CREATE_OPPORTUNITY_PANEL = post("createOpportunityPanel", "/opportunities/{opportunity}/panels", "CreatePanel")
        .allowed_by("create an opportunity panel", &["panels:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Required);
    /// Reads one panel.
    GET_OPPORTUNITY_PANEL = get("getOpportunityPanel", "/opportunities/{opportunity}/panels/{panel}", "GetPanel")
        .allowed_by("find an opportunity panel", &["panels:read:admin"]);
    /// Replaces a panel. Interviews given without an id are new ones, so a repeat makes them again.
    UPDATE_OPPORTUNITY_PANEL = put("updateOpportunityPanel", "/opportunities/{opportunity}/panels/{panel}", "UpdatePanel")
        .allowed_by("update an opportunity panel", &["panels:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Required)
        .repeat(Repeat::Creates);
    /// Deletes a panel.
    DELETE_OPPORTUNITY_PANEL = delete("deleteOpportunityPanel", "/opportunities/{opportunity}/panels/{panel}", "DeletePanel")
        .allowed_by("delete an opportunity panel", &["panels:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Required);
}
