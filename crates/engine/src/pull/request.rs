//! What to ask Lever for one page of a listing.

use domain::cursor::{OVERLAP, Pass};
use domain::{Connection, Listing, Part};
use lever::{
    Any, ConfidentialityFilter, Endpoint, Lane, ListArchiveReasons, ListOpportunities,
    ListPostings, ListSources, ListStages, ListTags, ListUsers, Offset, Operation,
    OpportunityExpand, Page, Request, StageId,
};

use crate::access::Confidential;

/// Lever's largest page.
const PAGE: u16 = 100;

/// A list whose records are not read yet: what is expanded in them is lifted out first.
pub(super) struct AsTheyCome<E>(pub(super) E);

impl<E: Endpoint> Endpoint for AsTheyCome<E> {
    type Reply = Page<Any>;
    const OPERATION: &'static Operation = E::OPERATION;

    fn request(&self) -> Request {
        self.0.request()
    }
}

/// The lane of a page of opportunities: what a person sees first comes first.
pub(super) fn opportunity_lane(listing: Listing, pass: &Pass) -> Lane {
    match (listing, pass) {
        (Listing::OpportunitySweep, _) => Lane::Sweep,
        (inbound, _) if Listing::INBOUND.contains(&inbound) => Lane::Inbound,
        (
            _,
            Pass::Backfill {
                part: Part::Inbound,
                ..
            },
        ) => Lane::Inbound,
        (_, Pass::Backfill { .. }) => Lane::Backfill,
        (_, Pass::Follow { .. }) => Lane::Follow,
    }
}

/// The stages of each part of the backfill.
#[derive(Debug, Clone, Default)]
pub(super) struct Parts {
    pub(super) inbound: Vec<StageId>,
    pub(super) rest: Vec<StageId>,
}

/// One page of opportunities.
///
/// A follow pass asks for everything that changed, archived and snoozed people included, whatever the settings:
/// a person who was archived since must be seen to be so.
pub(super) fn opportunities(
    connection: &Connection,
    pass: &Pass,
    parts: &Parts,
    confidential: Confidential,
) -> ListOpportunities {
    let base = ListOpportunities {
        limit: Some(PAGE),
        expand: vec![OpportunityExpand::Applications, OpportunityExpand::Contact],
        confidentiality: confidentiality(confidential),
        created_at_start: connection.sync_start,
        ..ListOpportunities::default()
    };
    match pass {
        Pass::Backfill { part, offset } => ListOpportunities {
            offset: offset.clone(),
            stage_id: match part {
                Part::All => Vec::new(),
                Part::Inbound => parts.inbound.clone(),
                Part::Rest => parts.rest.clone(),
            },
            archived: (!connection.include_archived).then_some(false),
            snoozed: (!connection.include_snoozed).then_some(false),
            ..base
        },
        Pass::Follow { since, offset } => ListOpportunities {
            offset: offset.clone(),
            updated_at_start: Some(since.minus(OVERLAP)),
            ..base
        },
    }
}

/// The same page without what the settings leave out, but for the start date.
///
/// Only a walk over everybody shows who is gone.
pub(super) fn whole(list: ListOpportunities) -> ListOpportunities {
    ListOpportunities {
        archived: None,
        snoozed: None,
        ..list
    }
}

/// The same page of those in these stages only.
pub(super) fn in_stages(list: ListOpportunities, stages: &[StageId]) -> ListOpportunities {
    ListOpportunities {
        stage_id: stages.to_vec(),
        ..list
    }
}

/// The page of those who entered their stage since, instead of those of whom anything changed.
///
/// Every way into a stage counts, backward ones too, and so does being archived (behaviour: "Opportunities").
pub(super) fn by_entry(list: ListOpportunities) -> ListOpportunities {
    ListOpportunities {
        advanced_at_start: list.updated_at_start,
        updated_at_start: None,
        ..list
    }
}

pub(super) fn users(offset: Option<Offset>) -> ListUsers {
    ListUsers {
        include_deactivated: true,
        limit: Some(PAGE),
        offset,
        ..ListUsers::default()
    }
}

pub(super) fn stages(offset: Option<Offset>) -> ListStages {
    ListStages {
        limit: Some(PAGE),
        offset,
    }
}

pub(super) fn archive_reasons(offset: Option<Offset>) -> ListArchiveReasons {
    ListArchiveReasons {
        limit: Some(PAGE),
        offset,
        ..ListArchiveReasons::default()
    }
}

pub(super) fn tags(offset: Option<Offset>) -> ListTags {
    ListTags {
        limit: Some(PAGE),
        offset,
    }
}

pub(super) fn sources(offset: Option<Offset>) -> ListSources {
    ListSources {
        limit: Some(PAGE),
        offset,
    }
}

pub(super) fn postings(confidential: Confidential, offset: Option<Offset>) -> ListPostings {
    ListPostings {
        confidentiality: confidentiality(confidential),
        limit: Some(PAGE),
        offset,
        ..ListPostings::default()
    }
}

/// Everything is asked for until Lever refuses.
pub(super) fn confidentiality(confidential: Confidential) -> Option<ConfidentialityFilter> {
    (confidential != Confidential::Denied).then_some(ConfidentialityFilter::All)
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;
    use crate::testing;

    fn connection() -> Connection {
        Connection {
            sync_start: Some(Timestamp::from_millis(77)),
            include_archived: false,
            include_snoozed: false,
            ..testing::connection(&[], Timestamp::default())
        }
    }

    fn parts() -> Parts {
        Parts {
            inbound: vec![StageId::from("in")],
            rest: vec![StageId::from("x"), StageId::from("y")],
        }
    }

    #[test]
    fn the_backfill_asks_for_its_part_and_leaves_out_what_the_settings_leave_out() {
        let pass = Pass::Backfill {
            part: Part::Inbound,
            offset: None,
        };
        let request = opportunities(&connection(), &pass, &parts(), Confidential::Unknown);
        assert_eq!(request.stage_id, [StageId::from("in")]);
        assert_eq!(
            (request.archived, request.snoozed),
            (Some(false), Some(false))
        );
        assert_eq!(request.created_at_start, Some(Timestamp::from_millis(77)));
        assert_eq!(request.confidentiality, Some(ConfidentialityFilter::All));
        let lane = |pass| opportunity_lane(Listing::Opportunities, pass);
        assert_eq!(lane(&pass), Lane::Inbound);
        let rest = Pass::Backfill {
            part: Part::Rest,
            offset: Some(Offset::from("o")),
        };
        let request = opportunities(&connection(), &rest, &parts(), Confidential::Denied);
        assert_eq!(request.stage_id.len(), 2);
        assert_eq!(request.offset, Some(Offset::from("o")));
        assert_eq!(request.confidentiality, None);
        assert_eq!(lane(&rest), Lane::Backfill);
    }

    #[test]
    fn a_follow_pass_asks_for_all_that_changed_since_a_little_before() {
        let since = Timestamp::from_millis(10_000_000);
        let pass = Pass::Follow {
            since,
            offset: None,
        };
        let request = opportunities(&connection(), &pass, &parts(), Confidential::Allowed);
        assert_eq!(request.updated_at_start, Some(since.minus(OVERLAP)));
        assert_eq!((request.archived, request.snoozed), (None, None));
        assert!(request.stage_id.is_empty());
    }

    #[test]
    fn the_inbound_stages_are_followed_in_a_lane_of_their_own_by_change_and_by_entry() {
        let since = Timestamp::from_millis(10_000_000);
        let pass = Pass::Follow {
            since,
            offset: Some(Offset::from("o")),
        };
        let list = opportunities(&connection(), &pass, &parts(), Confidential::Unknown);
        let applicants = in_stages(list.clone(), &parts().inbound);
        let moves = by_entry(list.clone());
        assert_eq!(
            applicants.request(),
            ListOpportunities {
                stage_id: vec![StageId::from("in")],
                ..list.clone()
            }
            .request()
        );
        assert_eq!(
            moves.request(),
            ListOpportunities {
                updated_at_start: None,
                advanced_at_start: Some(since.minus(OVERLAP)),
                ..list
            }
            .request()
        );
        for listing in Listing::INBOUND {
            assert_eq!(opportunity_lane(*listing, &pass), Lane::Inbound);
        }
        assert_eq!(
            opportunity_lane(Listing::Opportunities, &pass),
            Lane::Follow
        );
        let sweep = opportunity_lane(Listing::OpportunitySweep, &pass);
        assert_eq!(sweep, Lane::Sweep);
    }
}
