//! Opportunities and their applications.

use super::{BodyKind, Operation, PerformAs, Repeat, get, list, operations, post, put};

operations! {
    /// Lists opportunities.
    LIST_OPPORTUNITIES = list("listOpportunities", "/opportunities", "ListOpportunities")
        .allowed_by("find all opportunities", &["opportunities:read:admin"])
        .query(&[
            "limit", "offset", "include", "expand", "tag", "email", "origin", "source",
            "confidentiality", "stage_id", "posting_id", "archived_posting_id", "created_at_start",
            "created_at_end", "updated_at_start", "updated_at_end", "advanced_at_start",
            "advanced_at_end", "archived_at_start", "archived_at_end", "archived",
            "archive_reason_id", "snoozed", "contact_id", "location",
        ]);
    /// Creates opportunity.
    CREATE_OPPORTUNITY = post("createOpportunity", "/opportunities", "CreateOpportunity")
        .allowed_by("create an opportunity", &["opportunities:write:admin"])
        .query(&["perform_as", "parse", "perform_as_posting_owner"])
        .acting(PerformAs::Required)
        .body(BodyKind::JsonOrMultipart);
    /// Reads one opportunity.
    GET_OPPORTUNITY = get("getOpportunity", "/opportunities/{opportunity}", "GetOpportunity")
        .allowed_by("find an opportunity", &["opportunities:read:admin"])
        .query(&["include", "expand"]);
    /// Moves an opportunity to a stage.
    UPDATE_OPPORTUNITY_STAGE = put("updateOpportunityStage", "/opportunities/{opportunity}/stage", "MoveToStage")
        .allowed_by("update an opportunity's stage", &["opportunities:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Optional);
    /// Archives an opportunity, changes why, or brings it back.
    UPDATE_OPPORTUNITY_ARCHIVED = put("updateOpportunityArchived", "/opportunities/{opportunity}/archived", "SetArchived")
        .allowed_by("update opportunity archived state", &["opportunities:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Optional);
    /// Adds links.
    ADD_OPPORTUNITY_LINKS = post("addOpportunityLinks", "/opportunities/{opportunity}/addLinks", "AddLinks")
        .allowed_by("add opportunity links", &["opportunities:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Optional)
        .repeat(Repeat::Harmless);
    /// Removes links.
    REMOVE_OPPORTUNITY_LINKS = post("removeOpportunityLinks", "/opportunities/{opportunity}/removeLinks", "RemoveLinks")
        .allowed_by("remove opportunity contact links", &["opportunities:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Optional)
        .repeat(Repeat::Harmless);
    /// Adds tags.
    ADD_OPPORTUNITY_TAGS = post("addOpportunityTags", "/opportunities/{opportunity}/addTags", "AddTags")
        .allowed_by("add opportunity tags", &["opportunities:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Optional)
        .repeat(Repeat::Harmless);
    /// Removes tags.
    REMOVE_OPPORTUNITY_TAGS = post("removeOpportunityTags", "/opportunities/{opportunity}/removeTags", "RemoveTags")
        .allowed_by("remove opportunity tags", &["opportunities:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Optional)
        .repeat(Repeat::Harmless);
    /// Adds sources.
    ADD_OPPORTUNITY_SOURCES = post("addOpportunitySources", "/opportunities/{opportunity}/addSources", "AddSources")
        .allowed_by("add opportunity sources", &["opportunities:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Optional)
        .repeat(Repeat::Harmless);
    /// Removes sources.
    REMOVE_OPPORTUNITY_SOURCES = post("removeOpportunitySources", "/opportunities/{opportunity}/removeSources", "RemoveSources")
        .allowed_by("remove opportunity sources", &["opportunities:write:admin"])
        .query(&["perform_as"])
        .acting(PerformAs::Optional)
        .repeat(Repeat::Harmless);
    /// Lists applications.
    LIST_OPPORTUNITY_APPLICATIONS = list("listOpportunityApplications", "/opportunities/{opportunity}/applications", "ListApplications")
        .allowed_by("find all opportunity applications", &["applications:read:admin"])
        .query(&["limit", "offset", "expand"]);
    /// Reads one application.
    GET_OPPORTUNITY_APPLICATION = get("getOpportunityApplication", "/opportunities/{opportunity}/applications/{application}", "GetApplication")
        .allowed_by("find an opportunity application", &["applications:read:admin"]);
    /// Lists deleted opportunities.
    LIST_DELETED_OPPORTUNITIES = list("listDeletedOpportunities", "/opportunities/deleted", "ListDeletedOpportunities")
        .allowed_by("find all deleted opportunities", &["opportunities:read:admin"])
        .query(&["limit", "offset", "deleted_at_start", "deleted_at_end"]);
    /// Lists deleted applications.
    LIST_DELETED_APPLICATIONS = list("listDeletedApplications", "/applications/deleted", "ListDeletedApplications")
        .allowed_by("find all deleted applications", &["applications:read:admin"])
        .query(&["limit", "offset", "deleted_at_start", "deleted_at_end"]);
}
