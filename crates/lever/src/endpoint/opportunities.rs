//! Reading opportunities.

use std::fmt;

use super::table::{calls, lists};
use super::{Endpoint, Request, list_of};
use crate::page::{Offset, Page, Record};
use crate::registry::{self, Operation};
use crate::{
    Application, ApplicationId, ArchiveReasonId, ContactId, DeletedApplication, DeletedOpportunity,
    Opportunity, OpportunityId, Origin, PostingId, StageId, Timestamp,
};

/// Lists opportunities by stage and, within a stage, last advanced first.
///
/// Without filters: active and archived, snoozed or not, non-confidential only.
/// Values of one filter are alternatives; bounds of time are inclusive. Records that were not touched since Lever
/// stamps changes have no `updatedAt` and are never found by it.
///
/// Lever: "List all opportunities", `GET /opportunities`.
#[derive(Clone, Default)]
pub struct ListOpportunities {
    /// Only these attributes of each opportunity.
    pub include: Vec<String>,
    /// Objects instead of ids for these attributes.
    pub expand: Vec<OpportunityExpand>,
    /// Only with one of these tags; case matters.
    pub tag: Vec<String>,
    /// Only of people with this address.
    pub email: Option<String>,
    /// Only with one of these origins.
    pub origin: Vec<Origin>,
    /// Only with one of these sources.
    pub source: Vec<String>,
    /// Which kinds to show; without it only non-confidential ones.
    pub confidentiality: Option<ConfidentialityFilter>,
    /// Only in one of these stages.
    pub stage_id: Vec<StageId>,
    /// Only with an application to one of these postings.
    pub posting_id: Vec<PostingId>,
    /// Only with an archived application to one of these postings.
    pub archived_posting_id: Vec<PostingId>,
    /// Only made then or later.
    pub created_at_start: Option<Timestamp>,
    /// Only made then or earlier.
    pub created_at_end: Option<Timestamp>,
    /// Only changed then or later.
    pub updated_at_start: Option<Timestamp>,
    /// Only changed then or earlier.
    pub updated_at_end: Option<Timestamp>,
    /// Only in their stage since then or later.
    pub advanced_at_start: Option<Timestamp>,
    /// Only in their stage since then or earlier.
    pub advanced_at_end: Option<Timestamp>,
    /// Only archived then or later.
    pub archived_at_start: Option<Timestamp>,
    /// Only archived then or earlier.
    pub archived_at_end: Option<Timestamp>,
    /// Only archived ones, or only active ones.
    pub archived: Option<bool>,
    /// Only archived for one of these reasons.
    pub archive_reason_id: Vec<ArchiveReasonId>,
    /// Only snoozed ones, or only awake ones.
    pub snoozed: Option<bool>,
    /// Only of these people.
    pub contact_id: Vec<ContactId>,
    /// Only with one of these posting locations, or `unspecified`.
    pub location: Vec<String>,
    /// Records a page, 1 to 100; Lever's default is 100.
    pub limit: Option<u16>,
    /// Where the page begins.
    pub offset: Option<Offset>,
}

impl Endpoint for ListOpportunities {
    type Reply = Page<Opportunity>;
    const OPERATION: &'static Operation = &registry::LIST_OPPORTUNITIES;

    fn request(&self) -> Request {
        Request::get(["opportunities"])
            .query_all("include", &self.include)
            .query_all("expand", &self.expand)
            .query_all("tag", &self.tag)
            .query("email", self.email.as_ref())
            .query_all("origin", &self.origin)
            .query_all("source", &self.source)
            .query("confidentiality", self.confidentiality)
            .query_all("stage_id", &self.stage_id)
            .query_all("posting_id", &self.posting_id)
            .query_all("archived_posting_id", &self.archived_posting_id)
            .query("created_at_start", self.created_at_start)
            .query("created_at_end", self.created_at_end)
            .query("updated_at_start", self.updated_at_start)
            .query("updated_at_end", self.updated_at_end)
            .query("advanced_at_start", self.advanced_at_start)
            .query("advanced_at_end", self.advanced_at_end)
            .query("archived_at_start", self.archived_at_start)
            .query("archived_at_end", self.archived_at_end)
            .query("archived", self.archived)
            .query_all("archive_reason_id", &self.archive_reason_id)
            .query("snoozed", self.snoozed)
            .query_all("contact_id", &self.contact_id)
            .query_all("location", &self.location)
            .query("limit", self.limit)
            .query("offset", self.offset.as_ref())
    }
}

impl fmt::Debug for ListOpportunities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListOpportunities")
            .field("stage_id", &self.stage_id)
            .field("updated_at_start", &self.updated_at_start)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

/// Reads one opportunity.
///
/// Lever: "Retrieve a single opportunity", `GET /opportunities/:opportunity`.
#[derive(Debug, Clone)]
pub struct GetOpportunity {
    /// Which one.
    pub opportunity: OpportunityId,
    /// Objects instead of ids for these attributes.
    pub expand: Vec<OpportunityExpand>,
}

impl Endpoint for GetOpportunity {
    type Reply = Record<Opportunity>;
    const OPERATION: &'static Operation = &registry::GET_OPPORTUNITY;

    fn request(&self) -> Request {
        Request::get(["opportunities", self.opportunity.as_str()]).query_all("expand", &self.expand)
    }
}

/// Lists what is left of deleted opportunities; bounds are inclusive.
///
/// Lever: "List deleted opportunities", `GET /opportunities/deleted`.
#[derive(Debug, Clone, Default)]
pub struct ListDeletedOpportunities {
    /// Only deleted then or later.
    pub deleted_at_start: Option<Timestamp>,
    /// Only deleted then or earlier.
    pub deleted_at_end: Option<Timestamp>,
    /// Records a page, 1 to 100; Lever's default is 100.
    pub limit: Option<u16>,
    /// Where the page begins.
    pub offset: Option<Offset>,
}

impl Endpoint for ListDeletedOpportunities {
    type Reply = Page<DeletedOpportunity>;
    const OPERATION: &'static Operation = &registry::LIST_DELETED_OPPORTUNITIES;

    fn request(&self) -> Request {
        Request::get(["opportunities", "deleted"])
            .query("deleted_at_start", self.deleted_at_start)
            .query("deleted_at_end", self.deleted_at_end)
            .query("limit", self.limit)
            .query("offset", self.offset.as_ref())
    }
}

list_of! {
    ListOpportunities => Opportunity,
    ListDeletedOpportunities => DeletedOpportunity,
}

/// Attributes of an opportunity that can be read as objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpportunityExpand {
    /// The applications.
    Applications,
    /// The person.
    Contact,
    /// The present stage.
    Stage,
    /// The owner.
    Owner,
    /// The followers.
    Followers,
    /// Who sourced the person.
    SourcedBy,
}

impl fmt::Display for OpportunityExpand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OpportunityExpand::Applications => "applications",
            OpportunityExpand::Contact => "contact",
            OpportunityExpand::Stage => "stage",
            OpportunityExpand::Owner => "owner",
            OpportunityExpand::Followers => "followers",
            OpportunityExpand::SourcedBy => "sourcedBy",
        })
    }
}

/// Which kinds of records a list shows; all but the default need a credential with access to confidential data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfidentialityFilter {
    /// Only confidential ones.
    Confidential,
    /// Only the others, as without the filter.
    NonConfidential,
    /// Both.
    All,
}

impl fmt::Display for ConfidentialityFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConfidentialityFilter::Confidential => "confidential",
            ConfidentialityFilter::NonConfidential => "non-confidential",
            ConfidentialityFilter::All => "all",
        })
    }
}

lists! {
    /// Lists the application of an opportunity; there is one at most.
    ///
    /// Lever: "List all applications", `GET /opportunities/:opportunity/applications`; Lever advises to expand
    /// `applications` on the opportunity instead.
    ListApplications(opportunity: OpportunityId) = LIST_OPPORTUNITY_APPLICATIONS => Application {
        any expand: String, "Objects instead of ids for these attributes, such as `posting`.";
    }

    /// Lists what is left of deleted applications.
    ///
    /// Lever: "List deleted applications", `GET /applications/deleted`.
    ListDeletedApplications() = LIST_DELETED_APPLICATIONS => DeletedApplication {
        must deleted_at_start: Timestamp, "Only deleted then or later.";
        must deleted_at_end: Timestamp, "Only deleted before then; at most 30 days after the start.";
    }
}

calls! {
    /// Reads one application.
    ///
    /// Lever: "Retrieve a single application", `GET /opportunities/:opportunity/applications/:application`.
    GetApplication(opportunity: OpportunityId, application: ApplicationId) = GET_OPPORTUNITY_APPLICATION
        => Record<Application> {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::testing::sent;

    #[test]
    fn opportunities_are_asked_for_with_every_filter() {
        let at = |millis| Some(Timestamp::from_millis(millis));
        let list = ListOpportunities {
            include: vec!["followers".to_owned()],
            expand: vec![OpportunityExpand::Applications, OpportunityExpand::Contact],
            tag: vec!["a".to_owned(), "b c".to_owned()],
            email: Some("ada+x@example.com".to_owned()),
            origin: vec![Origin::Sourced, Origin::Other("new".to_owned())],
            source: vec!["s".to_owned()],
            confidentiality: Some(ConfidentialityFilter::All),
            stage_id: vec!["lead-new".into()],
            posting_id: vec!["p1".into()],
            archived_posting_id: vec!["p2".into()],
            created_at_start: at(1),
            created_at_end: at(2),
            updated_at_start: at(3),
            updated_at_end: at(4),
            advanced_at_start: at(5),
            advanced_at_end: at(6),
            archived_at_start: at(7),
            archived_at_end: at(8),
            archived: Some(false),
            archive_reason_id: vec!["r1".into()],
            snoozed: Some(true),
            contact_id: vec!["c1".into()],
            location: vec!["unspecified".to_owned()],
            limit: Some(100),
            offset: Some("%5B1%2C%22o1%22%5D".into()),
        };
        let expected = "GET /opportunities?include=followers&expand=applications&expand=contact&tag=a&tag=b+c\
            &email=ada%2Bx%40example.com&origin=sourced&origin=new&source=s&confidentiality=all&stage_id=lead-new\
            &posting_id=p1&archived_posting_id=p2&created_at_start=1&created_at_end=2&updated_at_start=3\
            &updated_at_end=4&advanced_at_start=5&advanced_at_end=6&archived_at_start=7&archived_at_end=8\
            &archived=false&archive_reason_id=r1&snoozed=true&contact_id=c1&location=unspecified&limit=100\
            &offset=%255B1%252C%2522o1%2522%255D";
        assert_eq!(sent(&list), (expected.to_owned(), None));
        assert_eq!(
            sent(&ListOpportunities::default()),
            ("GET /opportunities".to_owned(), None)
        );
    }

    #[test]
    fn one_opportunity_is_asked_for_with_its_objects() {
        let get = GetOpportunity {
            opportunity: "o1".into(),
            expand: vec![OpportunityExpand::SourcedBy],
        };
        assert_eq!(
            sent(&get),
            ("GET /opportunities/o1?expand=sourcedBy".to_owned(), None)
        );
    }

    #[test]
    fn deleted_opportunities_are_asked_for_by_time() {
        let list = ListDeletedOpportunities {
            deleted_at_start: Some(Timestamp::from_millis(1)),
            deleted_at_end: Some(Timestamp::from_millis(2)),
            limit: Some(3),
            offset: Some("t".into()),
        };
        let expected =
            "GET /opportunities/deleted?deleted_at_start=1&deleted_at_end=2&limit=3&offset=t";
        assert_eq!(sent(&list), (expected.to_owned(), None));
    }

    #[test]
    fn applications_are_asked_for() {
        let list = ListApplications {
            opportunity: "o1".into(),
            expand: vec!["posting".to_owned()],
            limit: None,
            offset: None,
        };
        let expected = "GET /opportunities/o1/applications?expand=posting";
        assert_eq!(sent(&list), (expected.to_owned(), None));
        let get = GetApplication {
            opportunity: "o1".into(),
            application: "a1".into(),
        };
        let expected = "GET /opportunities/o1/applications/a1";
        assert_eq!(sent(&get), (expected.to_owned(), None));
    }

    #[test]
    fn deleted_applications_are_asked_for_by_time() {
        let list = ListDeletedApplications {
            deleted_at_start: Timestamp::from_millis(1),
            deleted_at_end: Timestamp::from_millis(2),
            limit: Some(3),
            offset: Some("t".into()),
        };
        let expected =
            "GET /applications/deleted?deleted_at_start=1&deleted_at_end=2&limit=3&offset=t";
        assert_eq!(sent(&list), (expected.to_owned(), None));
    }
}
