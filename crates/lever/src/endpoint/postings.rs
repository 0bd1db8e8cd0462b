//! Postings.

use std::fmt;

use super::table::{bodies, calls, lists};
use super::{ConfidentialityFilter, Endpoint, Request, list_of};
use crate::page::{Offset, Page, Record};
use crate::registry::{self, Operation};
use crate::{
    DeletedPosting, Posting, PostingId, PostingState, PostingUsers, SalaryRange, Timestamp, UserId,
};

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

lists! {
    /// Lists what is left of deleted postings.
    ///
    /// Lever: "List deleted postings", `GET /postings/deleted`.
    ListDeletedPostings() = LIST_DELETED_POSTINGS => DeletedPosting {
        must deleted_at_start: Timestamp, "Only deleted then or later.";
        must deleted_at_end: Timestamp, "Only deleted before then; at most 30 days after the start.";
    }
}

calls! {
    /// Reads one posting.
    ///
    /// Lever: "Retrieve a single posting", `GET /postings/:posting`.
    GetPosting(posting: PostingId) = GET_POSTING => Record<Posting> {
        any include: String, "Only these attributes.";
        any expand: String, "Objects instead of ids for `user`, `owner`, `hiringManager`, `followers`.";
        only distribution: String, "Which questions to consider: `internal` or `external`.";
    }

    /// Makes a posting; a draft, unless the state says otherwise. Sent twice it makes two.
    ///
    /// Lever: "Create a posting", `POST /postings`.
    CreatePosting() = CREATE_POSTING => Record<Posting>, sends PostingWrite {
        must perform_as: UserId, "The Lever user named as having made it.";
    }

    /// Changes a posting. Send the state along: without it a posting was seen to fall back to a draft.
    ///
    /// Lever: "Update a posting", `POST /postings/:posting`; fixture `posting.update.response.json`.
    UpdatePosting(posting: PostingId) = UPDATE_POSTING => Record<Posting>, sends PostingWrite {
        must perform_as: UserId, "The Lever user named in the history.";
    }

    /// Lists who may see a posting, and in which role.
    ///
    /// Lever: "List all posting users", `GET /postings/:posting/users`.
    ListPostingUsers(posting: PostingId) = LIST_POSTING_USERS => Record<PostingUsers> {}
}

bodies! {
    /// A posting to make, or what to change of one.
    #[derive(Default)]
    struct PostingWrite
    may {
        /// The title; a new posting must have one.
        text: String,
        /// Where it stands.
        state: PostingState,
        /// Where it is shown: `public`, `internal`.
        distribution_channels: Vec<String>,
        /// Who owns it.
        owner: UserId,
        /// Whom the hire will work for.
        hiring_manager: UserId,
        /// Team, department, place and kind of work.
        categories: CategoriesWrite,
        /// Tags.
        tags: Vec<String>,
        /// What it says.
        content: ContentWrite,
        /// `onsite`, `remote`, `hybrid` or `unspecified`, to which there is no way back.
        workplace_type: String,
        /// The requisitions, by the customer's own codes.
        requisition_codes: Vec<String>,
        /// What is said of the pay.
        salary_description_html: String,
        /// The pay: all four parts, or none.
        salary_range: SalaryRange,
    }

    /// Team, department, place and kind of work.
    #[derive(Default)]
    struct CategoriesWrite
    may {
        /// The team.
        team: String,
        /// The department.
        department: String,
        /// The main place.
        location: String,
        /// All places.
        all_locations: Vec<String>,
        /// The kind of work.
        commitment: String,
    }

    /// What a posting says, in the HTML Lever allows.
    #[derive(Default)]
    struct ContentWrite
    may {
        /// What stands first.
        description_html: String,
        /// What stands last; read back as `closingHtml`.
        closing_posting_html: String,
        /// Lists with titles.
        lists: Vec<ContentList>,
    }

    /// A list with a title.
    struct ContentList
    must {
        /// The title.
        text: String,
        /// Its entries, each in `<li>`.
        content: String,
    }
}

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
    use serde_json::json;

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

    #[test]
    fn deleted_postings_are_asked_for_by_time() {
        let list = ListDeletedPostings {
            deleted_at_start: Timestamp::from_millis(1),
            deleted_at_end: Timestamp::from_millis(2),
            limit: None,
            offset: None,
        };
        let expected = "GET /postings/deleted?deleted_at_start=1&deleted_at_end=2";
        assert_eq!(sent(&list), (expected.to_owned(), None));
    }

    #[test]
    fn one_posting_and_its_users_are_asked_for() {
        let get = GetPosting {
            posting: "p1".into(),
            include: vec!["content".to_owned()],
            expand: vec!["owner".to_owned()],
            distribution: Some("internal".to_owned()),
        };
        let expected = "GET /postings/p1?include=content&expand=owner&distribution=internal";
        assert_eq!(sent(&get), (expected.to_owned(), None));
        let users = ListPostingUsers {
            posting: "p1".into(),
        };
        assert_eq!(sent(&users), ("GET /postings/p1/users".to_owned(), None));
    }

    #[test]
    fn a_posting_is_made_and_changed_with_what_was_given() {
        let posting = PostingWrite {
            text: Some("Engineer".to_owned()),
            state: Some(PostingState::Draft),
            categories: Some(CategoriesWrite {
                all_locations: Some(vec!["Oslo".to_owned()]),
                ..CategoriesWrite::default()
            }),
            content: Some(ContentWrite {
                closing_posting_html: Some("<div>Bye</div>".to_owned()),
                lists: Some(vec![ContentList {
                    text: "Tasks".to_owned(),
                    content: "<li>a</li>".to_owned(),
                }]),
                ..ContentWrite::default()
            }),
            salary_range: Some(SalaryRange {
                min: Some(1.0),
                max: Some(2.5),
                currency: Some("USD".to_owned()),
                interval: Some("per-year-salary".to_owned()),
            }),
            ..PostingWrite::default()
        };
        let body = json!({"text": "Engineer", "state": "draft", "categories": {"allLocations": ["Oslo"]},
            "content": {"closingPostingHtml": "<div>Bye</div>",
                "lists": [{"text": "Tasks", "content": "<li>a</li>"}]},
            "salaryRange": {"min": 1.0, "max": 2.5, "currency": "USD", "interval": "per-year-salary"}});
        let create = CreatePosting {
            perform_as: "u1".into(),
            body: posting.clone(),
        };
        let expected = "POST /postings?perform_as=u1".to_owned();
        assert_eq!(sent(&create), (expected, Some(body.clone())));
        let update = UpdatePosting {
            posting: "p1".into(),
            perform_as: "u1".into(),
            body: posting,
        };
        let expected = "POST /postings/p1?perform_as=u1".to_owned();
        assert_eq!(sent(&update), (expected, Some(body)));
    }
}
