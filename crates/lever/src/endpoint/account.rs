//! Lists of the account: users, stages, archive reasons, sources, tags, audit events.

use std::fmt;

use super::table::{calls, lists};
use super::{Endpoint, Request, list_of};
use crate::page::{Offset, Page, Record};
use crate::registry::{self, Operation};
use crate::{
    ArchiveReason, ArchiveReasonId, AuditEvent, CountedText, DispositionStages, ReasonKind, Stage,
    StageId, Timestamp, User,
};

/// Lists users, newest first; without filters only active ones.
///
/// Lever: "List all users", `GET /users`.
#[derive(Clone, Default)]
pub struct ListUsers {
    /// Deactivated users too.
    pub include_deactivated: bool,
    /// Only users with one of these addresses.
    pub email: Vec<String>,
    /// Only users with one of these roles; the one filter Lever shows with brackets.
    pub access_role: Vec<String>,
    /// Only the user with this id in the customer's directory.
    pub external_directory_id: Option<String>,
    /// Records a page, 1 to 100; Lever's default is 100.
    pub limit: Option<u16>,
    /// Where the page begins.
    pub offset: Option<Offset>,
}

impl Endpoint for ListUsers {
    type Reply = Page<User>;
    const OPERATION: &'static Operation = &registry::LIST_USERS;

    fn request(&self) -> Request {
        Request::get(["users"])
            .query(
                "includeDeactivated",
                self.include_deactivated.then_some(true),
            )
            .query_all("email", &self.email)
            .query_all("accessRole[]", &self.access_role)
            .query("external_directory_id", self.external_directory_id.as_ref())
            .query("limit", self.limit)
            .query("offset", self.offset.as_ref())
    }
}

impl fmt::Debug for ListUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListUsers")
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

/// Lists stages in pipeline order.
///
/// Lever: "List all stages", `GET /stages`.
#[derive(Debug, Clone, Default)]
pub struct ListStages {
    /// Records a page, 1 to 100; Lever's default is 100.
    pub limit: Option<u16>,
    /// Where the page begins.
    pub offset: Option<Offset>,
}

impl Endpoint for ListStages {
    type Reply = Page<Stage>;
    const OPERATION: &'static Operation = &registry::LIST_STAGES;

    fn request(&self) -> Request {
        Request::get(["stages"])
            .query("limit", self.limit)
            .query("offset", self.offset.as_ref())
    }
}

/// Lists archive reasons, hires included.
///
/// Lever: "List all archive reasons", `GET /archive_reasons`.
#[derive(Debug, Clone, Default)]
pub struct ListArchiveReasons {
    /// Only reasons of this kind.
    pub kind: Option<ReasonKind>,
    /// Records a page, 1 to 100; Lever's default is 100.
    pub limit: Option<u16>,
    /// Where the page begins.
    pub offset: Option<Offset>,
}

impl Endpoint for ListArchiveReasons {
    type Reply = Page<ArchiveReason>;
    const OPERATION: &'static Operation = &registry::LIST_ARCHIVE_REASONS;

    fn request(&self) -> Request {
        Request::get(["archive_reasons"])
            .query("type", self.kind.as_ref())
            .query("limit", self.limit)
            .query("offset", self.offset.as_ref())
    }
}

/// Lists sources, alphabetically.
///
/// Lever: "List all sources", `GET /sources`.
#[derive(Debug, Clone, Default)]
pub struct ListSources {
    /// Records a page, 1 to 100; Lever's default is 100.
    pub limit: Option<u16>,
    /// Where the page begins.
    pub offset: Option<Offset>,
}

impl Endpoint for ListSources {
    type Reply = Page<CountedText>;
    const OPERATION: &'static Operation = &registry::LIST_SOURCES;

    fn request(&self) -> Request {
        Request::get(["sources"])
            .query("limit", self.limit)
            .query("offset", self.offset.as_ref())
    }
}

/// Lists tags, alphabetically.
///
/// Lever: "List all tags", `GET /tags`.
#[derive(Debug, Clone, Default)]
pub struct ListTags {
    /// Records a page, 1 to 100; Lever's default is 100.
    pub limit: Option<u16>,
    /// Where the page begins.
    pub offset: Option<Offset>,
}

impl Endpoint for ListTags {
    type Reply = Page<CountedText>;
    const OPERATION: &'static Operation = &registry::LIST_TAGS;

    fn request(&self) -> Request {
        Request::get(["tags"])
            .query("limit", self.limit)
            .query("offset", self.offset.as_ref())
    }
}

list_of! {
    ListUsers => User,
    ListStages => Stage,
    ListArchiveReasons => ArchiveReason,
    ListSources => CountedText,
    ListTags => CountedText,
}

calls! {
    /// Reads one stage.
    ///
    /// Lever: "Retrieve a single stage", `GET /stages/:stage`.
    GetStage(stage: StageId) = GET_STAGE => Record<Stage> {}

    /// Reads one archive reason.
    ///
    /// Lever: "Retrieve a single archive reason", `GET /archive_reasons/:archive_reason`.
    GetArchiveReason(archive_reason: ArchiveReasonId) = GET_ARCHIVE_REASON => Record<ArchiveReason> {}

    /// Reads every stage with its place in the pipeline, and every archive reason.
    ///
    /// Lever: "Disposition stages", `GET /disposition_stages`; fixture `disposition-stages.get.json`.
    GetDispositionStages() = GET_DISPOSITION_STAGES => Record<DispositionStages> {}
}

lists! {
    /// Lists what was done to the account, newest first. A paid part of Lever.
    ///
    /// Lever: "List all audit events", `GET /audit_events`.
    #[derive(Default)]
    ListAuditEvents() = LIST_AUDIT_EVENTS => AuditEvent {
        only kind: String as "type", "Only what happened so, such as `user.role:changed`.";
        only user_id: String, "Only by this user; the text `null` for what no user did.";
        only target_type: String, "Only to things of this kind: the first part of what happened, such as `user`.";
        only target_id: String, "Only to this one; goes with `target_type`.";
        only created_at_start: Timestamp, "Only then or later.";
        only created_at_end: Timestamp, "Only then or earlier.";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::ListEndpoint;
    use crate::endpoint::testing::sent;

    #[test]
    fn users_are_asked_for_with_every_filter() {
        let list = ListUsers {
            include_deactivated: true,
            email: vec!["ada@example.com".to_owned()],
            access_role: vec!["admin".to_owned(), "interviewer".to_owned()],
            external_directory_id: Some("x1".to_owned()),
            limit: Some(2),
            offset: Some("%5B1%5D".into()),
        };
        let expected = "GET /users?includeDeactivated=true&email=ada%40example.com&accessRole%5B%5D=admin\
            &accessRole%5B%5D=interviewer&external_directory_id=x1&limit=2&offset=%255B1%255D";
        assert_eq!(sent(&list), (expected.to_owned(), None));
        assert_eq!(sent(&ListUsers::default()), ("GET /users".to_owned(), None));
    }

    #[test]
    fn stages_are_asked_for_page_by_page() {
        let list = ListStages {
            limit: Some(100),
            offset: None,
        };
        assert_eq!(
            sent(&list.at(Some("t".into()))),
            ("GET /stages?limit=100&offset=t".to_owned(), None)
        );
    }

    #[test]
    fn archive_reasons_are_asked_for_by_kind() {
        let list = ListArchiveReasons {
            kind: Some(ReasonKind::NonHired),
            limit: Some(9),
            offset: Some("t".into()),
        };
        assert_eq!(
            sent(&list),
            (
                "GET /archive_reasons?type=non-hired&limit=9&offset=t".to_owned(),
                None
            )
        );
    }

    #[test]
    fn sources_are_asked_for() {
        assert_eq!(
            sent(&ListSources {
                limit: Some(1),
                offset: None
            }),
            ("GET /sources?limit=1".to_owned(), None)
        );
    }

    #[test]
    fn tags_are_asked_for() {
        assert_eq!(
            sent(&ListTags {
                limit: None,
                offset: Some("t".into())
            }),
            ("GET /tags?offset=t".to_owned(), None)
        );
    }

    #[test]
    fn one_stage_one_reason_and_all_of_them_are_asked_for() {
        let stage = GetStage {
            stage: "lead-new".into(),
        };
        assert_eq!(sent(&stage), ("GET /stages/lead-new".to_owned(), None));
        let reason = GetArchiveReason {
            archive_reason: "r1".into(),
        };
        assert_eq!(sent(&reason), ("GET /archive_reasons/r1".to_owned(), None));
        let all = GetDispositionStages {};
        assert_eq!(sent(&all), ("GET /disposition_stages".to_owned(), None));
    }

    #[test]
    fn audit_events_are_asked_for_with_every_filter() {
        let some = |text: &str| Some(text.to_owned());
        let list = ListAuditEvents {
            kind: some("user.role:changed"),
            user_id: some("null"),
            target_type: some("user"),
            target_id: some("u1"),
            created_at_start: Some(Timestamp::from_millis(1)),
            created_at_end: Some(Timestamp::from_millis(2)),
            limit: Some(3),
            offset: Some("t".into()),
        };
        let expected = "GET /audit_events?type=user.role%3Achanged&user_id=null&target_type=user\
            &target_id=u1&created_at_start=1&created_at_end=2&limit=3&offset=t";
        assert_eq!(sent(&list), (expected.to_owned(), None));
    }
}
