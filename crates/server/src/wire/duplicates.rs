//! People who may be in Lever twice.

use engine::{Crowd, DuplicatePair, Duplicates};
use proto::v1 as pb;
use store::Dismissal;

use super::candidate::{to_match, to_strength};
use super::time::to_timestamp;

/// One page of the report, without the token of the next.
pub fn to_report(report: Duplicates) -> pb::ListDuplicatesResponse {
    pb::ListDuplicatesResponse {
        pairs: report.pairs.into_iter().map(to_pair).collect(),
        crowds: report.crowds.into_iter().map(to_crowd).collect(),
        next_page_token: String::new(),
        walked_percent: report.walked_percent,
        as_of: report.as_of.map(to_timestamp),
        history_start_time: report.history_start.map(to_timestamp),
    }
}

fn to_pair(pair: DuplicatePair) -> pb::DuplicatePair {
    pb::DuplicatePair {
        people: pair.people.map(to_match).into(),
        dismissal: pair.dismissal.map(to_dismissal),
    }
}

fn to_crowd(crowd: Crowd) -> pb::DuplicateCrowd {
    pb::DuplicateCrowd {
        kind: crowd.kind.to_owned(),
        strength: to_strength(crowd.strength).into(),
        people: u32::try_from(crowd.people).unwrap_or(u32::MAX),
        contact_ids: crowd.examples.iter().map(ToString::to_string).collect(),
    }
}

/// Who told two people apart.
pub fn to_dismissal(dismissal: Dismissal) -> pb::DuplicateDismissal {
    pb::DuplicateDismissal {
        dismissed_by: dismissal.by,
        dismissed_at: Some(to_timestamp(dismissal.at)),
    }
}
