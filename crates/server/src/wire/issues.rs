//! What somebody should look after.

use domain::issue::{Affected, Remark, Resolved};
use domain::{ConnectionId, Issue, IssueId, IssueKind, IssueState};
use engine::{Error, IssueAction, IssueFilter, Result};
use proto::v1 as pb;

use super::time::to_timestamp;

/// Reads an issue id; anything that is none is simply not found.
pub fn issue_id(text: &str) -> Result<IssueId> {
    if text.is_empty() {
        return Err(Error::invalid(
            "issue_id",
            "name the issue: ListIssues lists them",
        ));
    }
    text.parse().map_err(|_| Error::not_found("issue", text))
}

/// Reads what is to be done about an issue.
pub fn action(action: pb::IssueAction) -> Result<IssueAction> {
    match action {
        pb::IssueAction::Unspecified => {
            Err(Error::invalid("action", "give MUTE, UNMUTE or RESOLVE"))
        }
        pb::IssueAction::Mute => Ok(IssueAction::Mute),
        pb::IssueAction::Unmute => Ok(IssueAction::Unmute),
        pb::IssueAction::Resolve => Ok(IssueAction::Resolve),
    }
}

/// Reads which issues are asked for.
pub fn filter(request: &pb::ListIssuesRequest) -> Result<IssueFilter> {
    let unknown = |field: &str, at: usize| {
        Error::invalid(format!("{field}[{at}]"), "give one that this version knows")
    };
    let mut filter = IssueFilter::default();
    // As numbers: what this version does not know must be refused, not left out.
    for (at, state) in request.states.iter().enumerate() {
        let state = match pb::IssueState::try_from(*state) {
            Ok(pb::IssueState::Unspecified) | Err(_) => return Err(unknown("states", at)),
            Ok(pb::IssueState::Open) => IssueState::Open,
            Ok(pb::IssueState::Muted) => IssueState::Muted,
            Ok(pb::IssueState::Resolved) => IssueState::Resolved,
        };
        filter.states.insert(state);
    }
    for (at, kind) in request.kinds.iter().enumerate() {
        let kind = pb::IssueKind::try_from(*kind).ok().and_then(from_kind);
        filter
            .kinds
            .insert(kind.ok_or_else(|| unknown("kinds", at))?);
    }
    Ok(filter)
}

/// What the names of kinds begin with.
const KIND: &str = "ISSUE_KIND_";

fn from_kind(kind: pb::IssueKind) -> Option<IssueKind> {
    IssueKind::from_name(kind.as_str_name().strip_prefix(KIND)?)
}

fn to_kind(kind: IssueKind) -> pb::IssueKind {
    pb::IssueKind::from_str_name(&format!("{KIND}{}", kind.name())).unwrap_or_default()
}

fn to_state(state: IssueState) -> pb::IssueState {
    match state {
        IssueState::Open => pb::IssueState::Open,
        IssueState::Muted => pb::IssueState::Muted,
        IssueState::Resolved => pb::IssueState::Resolved,
    }
}

/// An issue as the wire has it, with the names of what it concerns.
pub fn to_pb(connection: ConnectionId, issue: Issue, names: Vec<String>) -> pb::Issue {
    let resolve_time = issue.resolved.as_ref().map(Resolved::at);
    let by_hand = match &issue.resolved {
        Some(Resolved::ByHand(remark)) => Some(remark),
        Some(Resolved::Gone { .. }) | None => None,
    };
    let (resolved_by, resolve_note) = said(by_hand);
    let (muted_by, mute_note) = said(issue.muted.as_ref());
    pb::Issue {
        id: issue.id.to_string(),
        connection_id: connection.to_string(),
        kind: to_kind(issue.kind).into(),
        state: to_state(issue.state()).into(),
        affected: issue
            .affected
            .into_iter()
            .zip(names)
            .map(to_affected)
            .collect(),
        subject: issue.subject,
        message: issue.message,
        repair: issue.repair,
        count: issue.count,
        reopened: issue.reopened,
        first_seen_time: Some(to_timestamp(issue.first_seen)),
        last_seen_time: Some(to_timestamp(issue.last_seen)),
        resolve_time: resolve_time.map(to_timestamp),
        resolved_by,
        resolve_note,
        mute_time: issue.muted.as_ref().map(|muted| to_timestamp(muted.at)),
        muted_by,
        mute_note,
    }
}

/// Who said something, and what.
fn said(remark: Option<&Remark>) -> (String, String) {
    remark
        .map(|remark| (remark.by.clone(), remark.note.clone()))
        .unwrap_or_default()
}

fn to_affected((affected, name): (Affected, String)) -> pb::AffectedObject {
    pb::AffectedObject {
        what: affected.what,
        id: affected.id,
        name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_name_on_the_wire_and_back() {
        for kind in IssueKind::ALL {
            assert_ne!(to_kind(*kind), pb::IssueKind::Unspecified, "{kind:?}");
            let request = pb::ListIssuesRequest {
                kinds: vec![to_kind(*kind).into()],
                ..Default::default()
            };
            assert_eq!(filter(&request).unwrap().kinds, [*kind].into());
        }
    }

    #[test]
    fn what_nobody_knows_is_refused_by_its_place() {
        let request = pb::ListIssuesRequest {
            states: vec![pb::IssueState::Open.into(), 99],
            ..Default::default()
        };
        let refused = filter(&request).unwrap_err();
        assert!(format!("{refused:?}").contains("states[1]"), "{refused:?}");
        for kind in [0, 99] {
            let request = pb::ListIssuesRequest {
                kinds: vec![kind],
                ..Default::default()
            };
            assert!(filter(&request).is_err(), "{kind}");
        }
        assert!(action(pb::IssueAction::Unspecified).is_err());
        assert!(issue_id("").is_err() && issue_id("x").unwrap_err().is_not_found());
    }
}
