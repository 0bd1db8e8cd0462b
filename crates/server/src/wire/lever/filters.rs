//! The filters of each list: Lever's own, with the way into a document where that decides as well.

use domain::Timestamp;
use engine::{Filter, Result};
use proto::v1 as pb;

use crate::wire::connection::non_empty;
use crate::wire::time::from_timestamp;

type Filters = Result<Vec<Filter>>;

/// Gathers the filters that are set.
macro_rules! set {
    ($($filter:expr),* $(,)?) => {
        Ok([$($filter),*].into_iter().flatten().collect())
    };
}

/// The two bounds of a time.
macro_rules! bounds {
    ($request:ident, $start:ident, $end:ident) => {
        [
            bound(stringify!($start), $request.$start.as_ref())?,
            bound(stringify!($end), $request.$end.as_ref())?,
        ]
    };
}

/// A filter on a time: the fields `x_start` and `x_end`, and Lever's parameters of the same names.
macro_rules! within {
    ($request:ident, $start:ident, $end:ident, $ways:expr) => {
        Filter::within(
            stringify!($start),
            [stringify!($start), stringify!($end)],
            $ways,
            bounds!($request, $start, $end),
        )
    };
}

fn bound(field: &str, at: Option<&prost_types::Timestamp>) -> Result<Option<Timestamp>> {
    at.map(|at| from_timestamp(field, at)).transpose()
}

fn one(text: &str) -> Vec<String> {
    Vec::from_iter(non_empty(text))
}

pub(super) fn opportunities(r: &pb::ListOpportunitiesRequest, now: Timestamp) -> Filters {
    set![
        Filter::any_of("tags", "tag", &["tags"], r.tags.clone()),
        Filter::live("emails", "email", r.emails.clone()),
        Filter::any_of("origins", "origin", &["origin"], r.origins.clone()),
        Filter::any_of("sources", "source", &["sources"], r.sources.clone()),
        Filter::confidentiality(r.confidentiality.clone())?,
        Filter::any_of("stage_ids", "stage_id", &["stage"], r.stage_ids.clone()),
        Filter::live("posting_ids", "posting_id", r.posting_ids.clone()),
        Filter::live(
            "archived_posting_ids",
            "archived_posting_id",
            r.archived_posting_ids.clone()
        ),
        within!(r, created_at_start, created_at_end, &[&["createdAt"]]),
        within!(r, updated_at_start, updated_at_end, &[&["updatedAt"]]),
        within!(
            r,
            advanced_at_start,
            advanced_at_end,
            &[&["lastAdvancedAt"]]
        ),
        within!(
            r,
            archived_at_start,
            archived_at_end,
            &[&["archived", "archivedAt"]]
        ),
        Filter::present("archived", "archived", &["archived"], r.archived),
        Filter::any_of(
            "archive_reason_ids",
            "archive_reason_id",
            &["archived", "reason"],
            r.archive_reason_ids.clone(),
        ),
        Filter::ahead("snoozed", "snoozed", &["snoozedUntil"], r.snoozed, now),
        Filter::any_of(
            "contact_ids",
            "contact_id",
            &["contact"],
            r.contact_ids.clone()
        ),
        Filter::any_of(
            "locations",
            "location",
            &["opportunityLocation"],
            r.locations.clone()
        ),
    ]
}

pub(super) fn resumes(r: &pb::ListResumesRequest, _now: Timestamp) -> Filters {
    // Lever takes the time of the resume where there is no file (behaviour: "Files, resumes, uploads").
    set![within!(
        r,
        uploaded_at_start,
        uploaded_at_end,
        &[&["file", "uploadedAt"], &["createdAt"]]
    )]
}

pub(super) fn files(r: &pb::ListFilesRequest, _now: Timestamp) -> Filters {
    set![within!(
        r,
        uploaded_at_start,
        uploaded_at_end,
        &[&["uploadedAt"]]
    )]
}

pub(super) fn postings(r: &pb::ListPostingsRequest, _now: Timestamp) -> Filters {
    set![
        Filter::any_of("states", "state", &["state"], r.states.clone()),
        Filter::live(
            "distribution_channels",
            "distributionChannel",
            r.distribution_channels.clone()
        ),
        Filter::confidentiality(r.confidentiality.clone())?,
        Filter::any_of("teams", "team", &["categories", "team"], r.teams.clone()),
        Filter::any_of(
            "departments",
            "department",
            &["categories", "department"],
            r.departments.clone()
        ),
        // Whether all locations of a posting count is Lever's to say.
        Filter::live("locations", "location", r.locations.clone()),
        Filter::any_of(
            "commitments",
            "commitment",
            &["categories", "commitment"],
            r.commitments.clone()
        ),
        Filter::any_of(
            "levels",
            "level",
            &["categories", "level"],
            r.levels.clone()
        ),
        Filter::any_of("tags", "tag", &["tags"], r.tags.clone()),
        within!(r, updated_at_start, updated_at_end, &[&["updatedAt"]]),
    ]
}

pub(super) fn requisitions(r: &pb::ListRequisitionsRequest, _now: Timestamp) -> Filters {
    set![
        within!(r, created_at_start, created_at_end, &[&["createdAt"]]),
        Filter::any_of(
            "requisition_code",
            "requisition_code",
            &["requisitionCode"],
            one(&r.requisition_code)
        ),
        Filter::any_of("status", "status", &["status"], one(&r.status)),
        Filter::confidentiality(r.confidentiality.clone())?,
    ]
}

pub(super) fn requisition_fields(r: &pb::ListRequisitionFieldsRequest, _now: Timestamp) -> Filters {
    set![
        Filter::flag("is_required", "isRequired", &["isRequired"], r.is_required),
        Filter::any_of("type", "type", &["type"], one(&r.r#type)),
    ]
}

pub(super) fn archive_reasons(r: &pb::ListArchiveReasonsRequest, _now: Timestamp) -> Filters {
    set![Filter::any_of("type", "type", &["type"], one(&r.r#type))]
}

pub(super) fn users(r: &pb::ListUsersRequest, _now: Timestamp) -> Filters {
    set![
        Filter::live("emails", "email", r.emails.clone()),
        Filter::any_of(
            "access_roles",
            "accessRole",
            &["accessRole"],
            r.access_roles.clone()
        ),
        // Lever leaves deactivated users out unless told otherwise; Fulcrum does not.
        Some(Filter::include_deactivated(
            r.include_deactivated.unwrap_or(true)
        )),
        Filter::any_of(
            "external_directory_id",
            "external_directory_id",
            &["externalDirectoryId"],
            one(&r.external_directory_id),
        ),
    ]
}

pub(super) fn eeo_responses(r: &pb::ListEeoResponsesRequest, _now: Timestamp) -> Filters {
    set![Filter::within_live(
        "created_at_start",
        ["created_at_start", "created_at_end"],
        bounds!(r, created_at_start, created_at_end),
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_no_filter() {
        let now = Timestamp::default();
        assert!(opportunities(&Default::default(), now).unwrap().is_empty());
        assert!(postings(&Default::default(), now).unwrap().is_empty());
        assert!(requisitions(&Default::default(), now).unwrap().is_empty());
        assert!(eeo_responses(&Default::default(), now).unwrap().is_empty());
        // Users: deactivated ones are asked for.
        assert_eq!(users(&Default::default(), now).unwrap().len(), 1);
    }

    #[test]
    fn a_bad_time_and_a_bad_word_name_their_field() {
        let request = pb::ListOpportunitiesRequest {
            updated_at_end: Some(prost_types::Timestamp {
                seconds: i64::MAX,
                nanos: 0,
            }),
            ..Default::default()
        };
        let error = opportunities(&request, Timestamp::default()).unwrap_err();
        assert!(error.to_string().starts_with("updated_at_end"), "{error}");
        let request = pb::ListPostingsRequest {
            confidentiality: "secret".to_owned(),
            ..Default::default()
        };
        let error = postings(&request, Timestamp::default()).unwrap_err();
        assert!(error.to_string().starts_with("confidentiality"), "{error}");
    }
}
