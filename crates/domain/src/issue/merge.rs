//! What a look at a connection makes of its issues.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::problem::newest;
use super::{Affected, Finding, Issue, IssueId, IssueKind, IssueState, MOST_ISSUES, Resolved};
use crate::Timestamp;

/// A problem that is seen again is not kept anew within this: the count is, together with the next that is kept.
const COUNT_EVERY: Duration = Duration::from_secs(60);

/// One that just is there is kept again as seen after this.
const SEEN_EVERY: Duration = Duration::from_secs(3600);

/// How long a resolved issue is kept.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// What was found when a connection was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// The problems there are.
    pub findings: Vec<Finding>,
    /// Kinds that could not be looked for now: what is not among the findings may be there all the same.
    pub unknown: BTreeSet<IssueKind>,
}

/// What is to be kept after a look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lookup {
    /// New and changed issues.
    pub changed: Vec<Issue>,
    /// Issues that are no longer kept.
    pub removed: Vec<IssueId>,
    /// Whether any of it may wait for the next look: only counts and times have moved, not long ago, and nothing more is
    /// concerned.
    pub may_wait: bool,
}

/// Merges a look into the issues that are known; `new_id` names those that are new.
pub fn looked(
    known: &[Issue],
    look: &Look,
    now: Timestamp,
    mut new_id: impl FnMut() -> IssueId,
) -> Lookup {
    let found = by_problem(&look.findings);
    let mut after = Lookup {
        may_wait: true,
        ..Lookup::default()
    };
    let mut missing: BTreeSet<_> = found.keys().collect();
    for issue in known {
        let place = (issue.kind, issue.subject.clone());
        missing.remove(&place);
        let moved = match found.get(&place) {
            Some(finding) => seen(issue, finding, now),
            None if look.unknown.contains(&issue.kind) => None,
            None => gone(issue, now),
        };
        if let Some(moved) = moved {
            after.may_wait &= may_wait(issue, &moved, now);
            after.changed.push(moved);
        }
    }
    for place in missing {
        after.may_wait = false;
        after.changed.push(opened(&found[place], now, new_id()));
    }
    make_room(known, &mut after, now);
    after
}

/// The findings with those of the same problem put together.
fn by_problem(findings: &[Finding]) -> BTreeMap<(IssueKind, String), Finding> {
    let mut found: BTreeMap<_, Finding> = BTreeMap::new();
    for finding in findings {
        let place = (finding.problem.kind(), finding.problem.subject());
        let all = match found.remove(&place) {
            Some(before) => before.and(finding.clone()),
            None => finding.clone(),
        };
        found.insert(place, all);
    }
    found
}

fn opened(finding: &Finding, now: Timestamp, id: IssueId) -> Issue {
    let at = finding.last.unwrap_or(now);
    Issue {
        id,
        kind: finding.problem.kind(),
        subject: finding.problem.subject(),
        message: finding.problem.message(),
        repair: finding.problem.repair(),
        affected: newest(finding.affected.clone(), Vec::new()),
        count: finding.times.max(1),
        reopened: 0,
        first_seen: at,
        last_seen: at,
        present: true,
        muted: None,
        resolved: None,
    }
}

/// The issue after its problem was found; none where that changes nothing that is worth keeping.
fn seen(issue: &Issue, finding: &Finding, now: Timestamp) -> Option<Issue> {
    // Resolved by hand, it stays so until the problem shows anew.
    let back = issue.resolved.is_some() && (finding.times > 0 || !issue.present);
    let shows = finding.times > 0 || back;
    let again = SEEN_EVERY < now.since(issue.last_seen) && issue.resolved.is_none();
    let message = finding.problem.message();
    let affected = newest(finding.affected.clone(), issue.affected.clone());
    let news = message != issue.message || concerns_more(issue, &affected);
    let news = news && issue.resolved.is_none();
    if !shows && !again && !news && issue.present {
        return None;
    }
    let times = if shows { finding.times.max(1) } else { 0 };
    Some(Issue {
        message,
        repair: finding.problem.repair(),
        affected,
        count: issue.count.saturating_add(times),
        reopened: issue.reopened.saturating_add(u32::from(back)),
        last_seen: issue.last_seen.max(finding.last.unwrap_or(now)),
        present: true,
        resolved: issue.resolved.clone().filter(|_| !back),
        ..issue.clone()
    })
}

/// The issue after its problem was not found; none where it was gone before, or may be quiet only.
fn gone(issue: &Issue, now: Timestamp) -> Option<Issue> {
    let quiet = issue.kind.quiet_after();
    let early = quiet.is_some_and(|quiet| now.since(issue.last_seen) < quiet);
    if !issue.present || early {
        return None;
    }
    let resolved = issue.resolved.clone();
    Some(Issue {
        present: false,
        resolved: resolved.or(Some(Resolved::Gone { at: now })),
        ..issue.clone()
    })
}

fn concerns_more(issue: &Issue, affected: &[Affected]) -> bool {
    affected.iter().any(|one| !issue.affected.contains(one))
}

fn may_wait(before: &Issue, after: &Issue, now: Timestamp) -> bool {
    before.state() == after.state()
        && before.present == after.present
        && !concerns_more(before, &after.affected)
        && now.since(before.last_seen) < COUNT_EVERY
}

/// Removes what was resolved long ago, and the oldest of what is resolved where there are too many.
///
/// Where all are open, the newest are not kept: who looks after the others sees them at the next look.
fn make_room(known: &[Issue], after: &mut Lookup, now: Timestamp) {
    let mut all: BTreeMap<IssueId, &Issue> = known.iter().map(|issue| (issue.id, issue)).collect();
    all.extend(after.changed.iter().map(|issue| (issue.id, issue)));
    let resolved_at = |issue: &Issue| issue.resolved.as_ref().map(Resolved::at);
    let mut old: Vec<(Timestamp, IssueId)> = all
        .values()
        .filter_map(|issue| Some((resolved_at(issue)?, issue.id)))
        .collect();
    old.sort_unstable();
    let too_many = all.len().saturating_sub(MOST_ISSUES);
    let stale = old.iter().filter(|(at, _)| now.since(*at) >= KEPT).count();
    let going: BTreeSet<IssueId> = old
        .into_iter()
        .take(too_many.max(stale))
        .map(|(_, id)| id)
        .collect();
    let left = all.len() - going.len();
    after.changed.retain(|issue| !going.contains(&issue.id));
    let is_known = |id: &IssueId| known.iter().any(|issue| issue.id == *id);
    let mut excess = left.saturating_sub(MOST_ISSUES);
    while excess > 0 {
        let newest = after.changed.iter().rposition(|issue| !is_known(&issue.id));
        let Some(newest) = newest else { break };
        after.changed.remove(newest);
        excess -= 1;
    }
    after.removed = going.into_iter().filter(is_known).collect();
    after.may_wait &= after.removed.is_empty();
}

/// When the issue of a problem was last seen; none where it has none.
pub(super) fn last_seen(known: &[Issue], kind: IssueKind, subject: &str) -> Option<Timestamp> {
    let issue = known
        .iter()
        .find(|issue| issue.kind == kind && issue.subject == subject)?;
    Some(issue.last_seen)
}

/// How many issues stand how, by kind.
pub fn standing(issues: &[Issue]) -> BTreeMap<(IssueKind, IssueState), u64> {
    let mut standing = BTreeMap::new();
    for issue in issues {
        *standing.entry((issue.kind, issue.state())).or_default() += 1;
    }
    standing
}
