//! Changing opportunities. Every change here is harmless to repeat: the second one finds it done.
//!
//! The answer is no record to keep: Lever blanks the person's attributes in it
//! (fixture `opportunity.update-stage.response.json`).

use serde_json::json;

use super::{Endpoint, Request};
use crate::page::Record;
use crate::registry::{self, Operation};
use crate::{ArchiveReasonId, Opportunity, OpportunityId, RequisitionId, StageId, UserId};

/// Moves an opportunity to another stage. An archived one stays archived.
///
/// Lever: "Update opportunity stage", `PUT /opportunities/:opportunity/stage`.
#[derive(Debug, Clone)]
pub struct MoveToStage {
    /// Which opportunity.
    pub opportunity: OpportunityId,
    /// Where to.
    pub stage: StageId,
    /// The Lever user named in the history as having made the move.
    pub perform_as: Option<UserId>,
}

impl Endpoint for MoveToStage {
    type Reply = Record<Opportunity>;
    const OPERATION: &'static Operation = &registry::UPDATE_OPPORTUNITY_STAGE;

    fn request(&self) -> Request {
        Request::put(["opportunities", self.opportunity.as_str(), "stage"])
            .query("perform_as", self.perform_as.as_ref())
            .json(json!({ "stage": self.stage }))
    }
}

/// Archives an opportunity, changes why it is archived, or brings it back.
///
/// Lever: "Update opportunity archived state", `PUT /opportunities/:opportunity/archived`.
#[derive(Debug, Clone)]
pub struct SetArchived {
    /// Which opportunity.
    pub opportunity: OpportunityId,
    /// Why it ended, a hire included; none brings it back.
    pub reason: Option<ArchiveReasonId>,
    /// Cancel interviews still to come.
    pub clean_interviews: bool,
    /// With a reason that stands for a hire: the requisition hired against.
    pub requisition: Option<RequisitionId>,
    /// The Lever user named in the history.
    pub perform_as: Option<UserId>,
}

impl Endpoint for SetArchived {
    type Reply = Record<Opportunity>;
    const OPERATION: &'static Operation = &registry::UPDATE_OPPORTUNITY_ARCHIVED;

    fn request(&self) -> Request {
        let mut body = json!({ "reason": self.reason });
        if self.clean_interviews {
            body["cleanInterviews"] = json!(true);
        }
        if let Some(requisition) = &self.requisition {
            body["requisitionId"] = json!(requisition);
        }
        Request::put(["opportunities", self.opportunity.as_str(), "archived"])
            .query("perform_as", self.perform_as.as_ref())
            .json(body)
    }
}

/// Adds tags to an opportunity. A tag Lever does not know is made.
///
/// Lever: "Update opportunity tags", `POST /opportunities/:opportunity/addTags`.
#[derive(Debug, Clone)]
pub struct AddTags {
    /// Which opportunity.
    pub opportunity: OpportunityId,
    /// The tags; case matters.
    pub tags: Vec<String>,
    /// The Lever user named in the history.
    pub perform_as: Option<UserId>,
}

impl Endpoint for AddTags {
    type Reply = Record<Opportunity>;
    const OPERATION: &'static Operation = &registry::ADD_OPPORTUNITY_TAGS;

    fn request(&self) -> Request {
        Request::post(["opportunities", self.opportunity.as_str(), "addTags"])
            .query("perform_as", self.perform_as.as_ref())
            .json(json!({ "tags": self.tags }))
    }
}

/// Removes tags from an opportunity.
///
/// Lever: "Update opportunity tags", `POST /opportunities/:opportunity/removeTags`.
#[derive(Debug, Clone)]
pub struct RemoveTags {
    /// Which opportunity.
    pub opportunity: OpportunityId,
    /// The tags; case matters.
    pub tags: Vec<String>,
    /// The Lever user named in the history.
    pub perform_as: Option<UserId>,
}

impl Endpoint for RemoveTags {
    type Reply = Record<Opportunity>;
    const OPERATION: &'static Operation = &registry::REMOVE_OPPORTUNITY_TAGS;

    fn request(&self) -> Request {
        Request::post(["opportunities", self.opportunity.as_str(), "removeTags"])
            .query("perform_as", self.perform_as.as_ref())
            .json(json!({ "tags": self.tags }))
    }
}

/// Adds sources to an opportunity. A source Lever does not know is made.
///
/// Lever: "Update opportunity sources", `POST /opportunities/:opportunity/addSources`.
#[derive(Debug, Clone)]
pub struct AddSources {
    /// Which opportunity.
    pub opportunity: OpportunityId,
    /// The sources.
    pub sources: Vec<String>,
    /// The Lever user named in the history.
    pub perform_as: Option<UserId>,
}

impl Endpoint for AddSources {
    type Reply = Record<Opportunity>;
    const OPERATION: &'static Operation = &registry::ADD_OPPORTUNITY_SOURCES;

    fn request(&self) -> Request {
        Request::post(["opportunities", self.opportunity.as_str(), "addSources"])
            .query("perform_as", self.perform_as.as_ref())
            .json(json!({ "sources": self.sources }))
    }
}

/// Removes sources from an opportunity.
///
/// Lever: "Update opportunity sources", `POST /opportunities/:opportunity/removeSources`.
#[derive(Debug, Clone)]
pub struct RemoveSources {
    /// Which opportunity.
    pub opportunity: OpportunityId,
    /// The sources.
    pub sources: Vec<String>,
    /// The Lever user named in the history.
    pub perform_as: Option<UserId>,
}

impl Endpoint for RemoveSources {
    type Reply = Record<Opportunity>;
    const OPERATION: &'static Operation = &registry::REMOVE_OPPORTUNITY_SOURCES;

    fn request(&self) -> Request {
        Request::post(["opportunities", self.opportunity.as_str(), "removeSources"])
            .query("perform_as", self.perform_as.as_ref())
            .json(json!({ "sources": self.sources }))
    }
}

/// Adds links to the person behind an opportunity, and so to all opportunities of the person.
///
/// Lever: "Update contact links by opportunity", `POST /opportunities/:opportunity/addLinks`; unlike the others it
/// answers the person's attributes (fixture `opportunity.add-links.response.json`).
#[derive(Clone)]
pub struct AddLinks {
    /// Which opportunity.
    pub opportunity: OpportunityId,
    /// The links.
    pub links: Vec<String>,
    /// The Lever user named in the history.
    pub perform_as: Option<UserId>,
}

impl Endpoint for AddLinks {
    type Reply = Record<Opportunity>;
    const OPERATION: &'static Operation = &registry::ADD_OPPORTUNITY_LINKS;

    fn request(&self) -> Request {
        Request::post(["opportunities", self.opportunity.as_str(), "addLinks"])
            .query("perform_as", self.perform_as.as_ref())
            .json(json!({ "links": self.links }))
    }
}

/// Removes links from the person behind an opportunity, and so from all opportunities of the person.
///
/// Lever: "Update contact links by opportunity", `POST /opportunities/:opportunity/removeLinks`.
#[derive(Clone)]
pub struct RemoveLinks {
    /// Which opportunity.
    pub opportunity: OpportunityId,
    /// The links.
    pub links: Vec<String>,
    /// The Lever user named in the history.
    pub perform_as: Option<UserId>,
}

impl Endpoint for RemoveLinks {
    type Reply = Record<Opportunity>;
    const OPERATION: &'static Operation = &registry::REMOVE_OPPORTUNITY_LINKS;

    fn request(&self) -> Request {
        Request::post(["opportunities", self.opportunity.as_str(), "removeLinks"])
            .query("perform_as", self.perform_as.as_ref())
            .json(json!({ "links": self.links }))
    }
}

/// Links tell a person, so they are not shown.
macro_rules! debug_without_links {
    ($($name:ident)+) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("opportunity", &self.opportunity)
                    .finish_non_exhaustive()
            }
        }
    )+};
}

debug_without_links! { AddLinks RemoveLinks }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::testing::sent;

    fn texts() -> Vec<String> {
        vec!["a".to_owned(), "b".to_owned()]
    }

    #[test]
    fn a_move_names_the_stage_and_who_made_it() {
        let call = MoveToStage {
            opportunity: "o1".into(),
            stage: "lead-new".into(),
            perform_as: Some("u1".into()),
        };
        let body = json!({"stage": "lead-new"});
        assert_eq!(
            sent(&call),
            (
                "PUT /opportunities/o1/stage?perform_as=u1".to_owned(),
                Some(body)
            )
        );
    }

    #[test]
    fn archiving_names_the_reason_and_what_goes_with_it() {
        let archive = SetArchived {
            opportunity: "o1".into(),
            reason: Some("r1".into()),
            clean_interviews: true,
            requisition: Some("q1".into()),
            perform_as: Some("u1".into()),
        };
        let body = json!({"reason": "r1", "cleanInterviews": true, "requisitionId": "q1"});
        assert_eq!(
            sent(&archive),
            (
                "PUT /opportunities/o1/archived?perform_as=u1".to_owned(),
                Some(body)
            )
        );
    }

    #[test]
    fn bringing_back_sends_a_null_reason() {
        let unarchive = SetArchived {
            opportunity: "o1".into(),
            reason: None,
            clean_interviews: false,
            requisition: None,
            perform_as: None,
        };
        assert_eq!(
            sent(&unarchive),
            (
                "PUT /opportunities/o1/archived".to_owned(),
                Some(json!({"reason": null}))
            )
        );
    }

    #[test]
    fn tags_are_added() {
        let call = AddTags {
            opportunity: "o1".into(),
            tags: texts(),
            perform_as: Some("u1".into()),
        };
        let body = json!({"tags": ["a", "b"]});
        assert_eq!(
            sent(&call),
            (
                "POST /opportunities/o1/addTags?perform_as=u1".to_owned(),
                Some(body)
            )
        );
    }

    #[test]
    fn tags_are_removed() {
        let call = RemoveTags {
            opportunity: "o1".into(),
            tags: texts(),
            perform_as: None,
        };
        let body = json!({"tags": ["a", "b"]});
        assert_eq!(
            sent(&call),
            ("POST /opportunities/o1/removeTags".to_owned(), Some(body))
        );
    }

    #[test]
    fn sources_are_added() {
        let call = AddSources {
            opportunity: "o1".into(),
            sources: texts(),
            perform_as: None,
        };
        let body = json!({"sources": ["a", "b"]});
        assert_eq!(
            sent(&call),
            ("POST /opportunities/o1/addSources".to_owned(), Some(body))
        );
    }

    #[test]
    fn sources_are_removed() {
        let call = RemoveSources {
            opportunity: "o1".into(),
            sources: texts(),
            perform_as: Some("u1".into()),
        };
        let body = json!({"sources": ["a", "b"]});
        assert_eq!(
            sent(&call),
            (
                "POST /opportunities/o1/removeSources?perform_as=u1".to_owned(),
                Some(body)
            )
        );
    }

    #[test]
    fn links_are_added_and_removed_by_text() {
        let body = json!({"links": ["a", "b"]});
        let add = AddLinks {
            opportunity: "o1".into(),
            links: texts(),
            perform_as: Some("u1".into()),
        };
        let expected = "POST /opportunities/o1/addLinks?perform_as=u1".to_owned();
        assert_eq!(sent(&add), (expected, Some(body.clone())));
        let remove = RemoveLinks {
            opportunity: "o1".into(),
            links: texts(),
            perform_as: None,
        };
        let expected = "POST /opportunities/o1/removeLinks".to_owned();
        assert_eq!(sent(&remove), (expected, Some(body)));
    }
}
