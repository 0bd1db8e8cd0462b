//! What an account is set up with: stages, archive reasons, tags, sources; and its audit events.

use super::{Operation, get, list, operations};

operations! {
    /// Lists archive reasons.
    LIST_ARCHIVE_REASONS = list("listArchiveReasons", "/archive_reasons", "ListArchiveReasons")
        .allowed_by("find all archive reasons", &["archive_reasons:read:admin"])
        .query(&["limit", "offset", "type"]);
    /// Reads one archive reason.
    GET_ARCHIVE_REASON = get("getArchiveReason", "/archive_reasons/{archive_reason}", "GetArchiveReason")
        .allowed_by("find an archive reason", &["archive_reasons:read:admin"]);
    /// Reads stages with pipeline and rank, and archive reasons.
    GET_DISPOSITION_STAGES = get("getDispositionStages", "/disposition_stages", "GetDispositionStages")
        .allowed_by("find all disposition stages", &["stages:read:admin", "archive_reasons:read:admin"]);
    /// Lists audit events.
    LIST_AUDIT_EVENTS = list("listAuditEvents", "/audit_events", "ListAuditEvents")
        .allowed_by("find all audit events", &["audit_events:read:admin"])
        .query(&[
            "limit", "offset", "type", "user_id", "target_type", "target_id", "created_at_start",
            "created_at_end",
        ]);
    /// Lists sources.
    LIST_SOURCES = list("listSources", "/sources", "ListSources")
        .allowed_by("find all sources", &["sources:read:admin"])
        .query(&["limit", "offset"]);
    /// Lists tags.
    LIST_TAGS = list("listTags", "/tags", "ListTags")
        .allowed_by("find all tags", &["tags:read:admin"])
        .query(&["limit", "offset"]);
    /// Lists stages.
    LIST_STAGES = list("listStages", "/stages", "ListStages")
        .allowed_by("find all stages", &["stages:read:admin"])
        .query(&["limit", "offset"]);
    /// Reads one stage.
    GET_STAGE = get("getStage", "/stages/{stage}", "GetStage")
        .allowed_by("find a stage", &["stages:read:admin"]);
}
