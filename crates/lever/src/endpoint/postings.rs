//! Lists of advertised jobs.

use std::fmt;

use super::{ConfidentialityFilter, Endpoint, Request, list_of};
use crate::page::{Offset, Page};
use crate::registry::{self, Operation};
use crate::{Posting, PostingState, Timestamp};

/// Lists postings, newest first.
///
/// Without `distribution_channel` published postings are only those on the public site.
/// Values of one filter are alternatives; text filters mind case. The parameter `group` is left out:
/// it changes the shape of the answer in a way nobody has described.
///
/// Lever: "List all postings", `GET /postings`.
#[derive(Debug, Clone, Default)]
pub struct ListPostings {
    /// Only postings in one of these states.
    pub state: Vec<PostingState>,
    /// Published postings shown there; both for all.
    pub distribution_channel: Vec<DistributionChannel>,
    /// Which kinds to show; without it only non-confidential ones.
    pub confidentiality: Option<ConfidentialityFilter>,
    /// Only of these teams.
    pub team: Vec<String>,
    /// Only of these departments.
    pub department: Vec<String>,
    /// Only at these places.
    pub location: Vec<String>,
    /// Only of these kinds of work.
    pub commitment: Vec<String>,
    /// Only of these levels; deprecated by Lever.
    pub level: Vec<String>,
    /// Only with one of these tags.
    pub tag: Vec<String>,
    /// Only changed then or later; Lever documents it together with `confidentiality` alone.
    pub updated_at_start: Option<Timestamp>,
    /// Only changed then or earlier.
    pub updated_at_end: Option<Timestamp>,
    /// Only these attributes of each posting.
    pub include: Vec<String>,
    /// Objects instead of ids for `user`, `owner`, `hiringManager`, `followers`.
    pub expand: Vec<String>,
    /// Records a page, 1 to 100; Lever's default is 100.
    pub limit: Option<u16>,
    /// Where the page begins.
    pub offset: Option<Offset>,
}

impl Endpoint for ListPostings {
    type Reply = Page<Posting>;
    const OPERATION: &'static Operation = &registry::LIST_POSTINGS;

    fn request(&self) -> Request {
        Request::get(["postings"])
            .query_all("state", &self.state)
            .query_all("distributionChannel", &self.distribution_channel)
            .query("confidentiality", self.confidentiality)
            .query_all("team", &self.team)
            .query_all("department", &self.department)
            .query_all("location", &self.location)
            .query_all("commitment", &self.commitment)
            .query_all("level", &self.level)
            .query_all("tag", &self.tag)
            .query("updated_at_start", self.updated_at_start)
            .query("updated_at_end", self.updated_at_end)
            .query_all("include", &self.include)
            .query_all("expand", &self.expand)
            .query("limit", self.limit)
            .query("offset", self.offset.as_ref())
    }
}

list_of! { ListPostings => Posting, }

/// Where a published posting is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DistributionChannel {
    /// On the public job site.
    Public,
    /// On the internal one.
    Internal,
}

impl fmt::Display for DistributionChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DistributionChannel::Public => "public",
            DistributionChannel::Internal => "internal",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::testing::sent;

    #[test]
    fn postings_are_asked_for_with_every_filter() {
        let list = ListPostings {
            state: vec![PostingState::Published, PostingState::Closed],
            distribution_channel: vec![DistributionChannel::Public, DistributionChannel::Internal],
            confidentiality: Some(ConfidentialityFilter::All),
            team: vec!["R & D".to_owned()],
            department: vec!["D".to_owned()],
            location: vec!["L".to_owned()],
            commitment: vec!["C".to_owned()],
            level: vec!["V".to_owned()],
            tag: vec!["t".to_owned()],
            updated_at_start: Some(Timestamp::from_millis(5)),
            updated_at_end: Some(Timestamp::from_millis(6)),
            include: vec!["content".to_owned()],
            expand: vec!["owner".to_owned()],
            limit: Some(10),
            offset: Some("o".into()),
        };
        let expected = "GET /postings?state=published&state=closed&distributionChannel=public\
            &distributionChannel=internal&confidentiality=all&team=R+%26+D&department=D&location=L&commitment=C\
            &level=V&tag=t&updated_at_start=5&updated_at_end=6&include=content&expand=owner&limit=10&offset=o";
        assert_eq!(sent(&list), (expected.to_owned(), None));
    }
}
