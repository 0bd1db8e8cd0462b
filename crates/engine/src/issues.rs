//! The list of what somebody should look after (F-52): looked for now and then, kept, and told.
//!
//! Most problems can be read off what is stored: [`observe`] does that, and [`domain::issue`] says what follows.
//! What only shows while it happens is noted in [`Sightings`], which also count how often the others show.

mod names;
mod observe;
mod sightings;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use domain::issue::{
    Finding, LONGEST_NOTE, Look, MOST_WRITES, Mended, Problem, Remark, looked, of_writes,
    reject_key,
};
use domain::{ConnectionId, Issue, IssueId, IssueKind, IssueState, Operation};
use store::IssueChanges;
use tokio::time::Instant;
use uuid::Uuid;

use crate::engine::{Engine, Shared};
use crate::error::{Error, Result};
use crate::link::Link;

pub(crate) use sightings::Sightings;

/// How often a connection is looked at where nothing says that it should be sooner.
const PERIOD: Duration = Duration::from_secs(60);

/// Between two looks: what shows meanwhile is seen by the next one.
const PAUSE: Duration = Duration::from_secs(1);

/// How long the operations that were read are good for where none has settled since.
const WRITES_KEPT: Duration = Duration::from_secs(600);

/// What is to be done about an issue by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueAction {
    /// Not to be told of any more, also when it comes back.
    Mute,
    /// To be told of again.
    Unmute,
    /// Done with, until it shows anew.
    Resolve,
}

/// Which issues are listed; nothing set lists all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssueFilter {
    /// Only those that stand so.
    pub states: BTreeSet<IssueState>,
    /// Only those of these kinds.
    pub kinds: BTreeSet<IssueKind>,
}

impl IssueFilter {
    fn takes(&self, issue: &Issue) -> bool {
        (self.states.is_empty() || self.states.contains(&issue.state()))
            && (self.kinds.is_empty() || self.kinds.contains(&issue.kind))
    }
}

impl Engine {
    /// The issues of some connections that a filter takes, those that showed first last.
    ///
    /// Their order stays while they are looked at page by page: when a problem showed first does not change.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn issues(
        &self,
        connections: &[ConnectionId],
        filter: &IssueFilter,
    ) -> Result<Vec<(ConnectionId, Issue)>> {
        let mut found = Vec::new();
        for id in connections {
            let issues = self.shared.store.issues(*id).await?.into_iter();
            let taken = issues.filter(|issue| filter.takes(issue));
            found.extend(taken.map(|issue| (*id, issue)));
        }
        found.sort_by_key(|(connection, issue)| {
            (std::cmp::Reverse(issue.first_seen), *connection, issue.id)
        });
        Ok(found)
    }

    /// Mutes, unmutes or resolves an issue; `by` and `note` are kept with it, but not for what ends a muting.
    ///
    /// # Errors
    /// Not found, also for an issue of another connection; invalid for a note that is too long.
    pub async fn update_issue(
        &self,
        connection: ConnectionId,
        issue: IssueId,
        action: IssueAction,
        by: &str,
        note: &str,
    ) -> Result<Issue> {
        self.connection(connection).await?;
        if note.len() > LONGEST_NOTE {
            return Err(Error::invalid(
                "note",
                format!("at most {LONGEST_NOTE} bytes"),
            ));
        }
        let remark = Remark {
            by: by.to_owned(),
            at: self.shared.clock.now(),
            note: note.to_owned(),
        };
        let change = move |known: Vec<Issue>| {
            let found = known.into_iter().find(|one| one.id == issue);
            let changed = found.map(|found| match action {
                IssueAction::Mute => found.mute(remark),
                IssueAction::Unmute => found.unmute(),
                IssueAction::Resolve => found.resolve(remark),
            });
            IssueChanges {
                changed: changed.into_iter().collect(),
                removed: Vec::new(),
            }
        };
        let changed = self.shared.store.change_issues(connection, change).await?;
        let mut changed = changed.changed.into_iter();
        changed
            .next()
            .ok_or_else(|| Error::not_found("issue", &issue.to_string()))
    }

    /// Keeps that a connection cannot be worked on; what else is wrong with it nobody can look for then.
    pub(crate) async fn note_unusable_issue(&self, id: ConnectionId, why: String) {
        let others = IssueKind::ALL.iter().copied();
        let look = Look {
            findings: vec![Finding::lasting(Problem::Unusable { why }, Vec::new())],
            unknown: others.collect(),
        };
        if let Err(error) = keep(&self.shared, id, look).await {
            tracing::warn!(connection = %id, error = %crate::report(&error), "an issue is not kept");
        }
    }
}

/// Looks after one connection now and then, until its link is stopped, and once more then.
pub(crate) async fn run(shared: Arc<Shared>, link: Arc<Link>) {
    let mut watcher = Watcher::default();
    loop {
        watcher.look(&shared, &link, false).await;
        tokio::select! {
            () = link.stop.cancelled() => break,
            () = link.issues.asked() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
        tokio::select! {
            () = link.stop.cancelled() => break,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    watcher.look(&shared, &link, true).await;
}

/// What was done about the problems that operations tell of.
async fn mended(shared: &Shared, link: &Link, writes: &[Operation]) -> Result<Mended> {
    let passed_over = writes.iter().filter(|write| write.passed_over.is_some());
    let asked_for: BTreeSet<&str> = passed_over
        .filter_map(|write| write.asked_for.as_deref())
        .collect();
    let mut linked = BTreeMap::new();
    for email in asked_for {
        if let Some(found) = shared.store.user_link(link.id(), email).await? {
            linked.insert(email.to_owned(), found.at);
        }
    }
    Ok(Mended {
        credential: link.connection().credential_since,
        linked,
    })
}

/// What is remembered between looks.
#[derive(Debug, Default)]
struct Watcher {
    writes: Option<(Instant, Vec<Operation>)>,
}

impl Watcher {
    /// Looks, and keeps what is new; with `all` also what may wait.
    async fn look(&mut self, shared: &Shared, link: &Link, all: bool) {
        if let Err(error) = self.try_look(shared, link, all).await
            && !error.is_not_found()
        {
            tracing::debug!(connection = %link.id(), error = %crate::report(&error), "issues are not looked for");
        }
    }

    async fn try_look(&mut self, shared: &Shared, link: &Link, all: bool) -> Result<()> {
        let id = link.id();
        let known = shared.store.issues(id).await?;
        let sightings = link.issues.peek();
        let mut look = observe::observe(shared, link, &known).await?;
        let now = shared.clock.now();
        let writes = self.writes(shared, link).await?;
        let mended = mended(shared, link, writes).await?;
        look.findings
            .extend(of_writes(writes, &known, &mended, now));
        if reject_key(writes) && !link.issues.key_accepted() {
            let problem = observe::key_rejected(shared, &link.connection());
            look.findings.push(Finding::lasting(problem, Vec::new()));
        }
        look.findings = sightings.counted(look.findings);
        let after = looked(&known, &look, now, new_id);
        let nothing = after.changed.is_empty() && after.removed.is_empty();
        if nothing || (after.may_wait && !all) {
            return Ok(());
        }
        keep(shared, id, look).await?;
        link.issues.forget(&sightings);
        Ok(())
    }

    /// The newest operations, read again only where one has settled or some time has passed.
    async fn writes(&mut self, shared: &Shared, link: &Link) -> Result<&[Operation]> {
        let moved = link.issues.writes_moved();
        let fresh = |(at, _): &(Instant, _)| at.elapsed() < WRITES_KEPT;
        if moved || !self.writes.as_ref().is_some_and(fresh) {
            let read = shared
                .store
                .operations(link.id(), None, None, MOST_WRITES)
                .await;
            let read = read.inspect_err(|_| link.issues.note_writes())?;
            self.writes = Some((Instant::now(), read));
        }
        Ok(self.writes.as_ref().map_or(&[], |(_, writes)| writes))
    }
}

fn new_id() -> IssueId {
    IssueId::new(Uuid::now_v7())
}

/// Keeps what a look makes of the issues as they are then, and tells what is new of them.
async fn keep(shared: &Shared, id: ConnectionId, look: Look) -> Result<()> {
    let now = shared.clock.now();
    let (told, news) = tokio::sync::oneshot::channel();
    let change = move |known: Vec<Issue>| {
        let after = looked(&known, &look, now, new_id);
        // The one who waits for it is this function, to its end.
        let _ = told.send(known);
        IssueChanges {
            changed: after.changed,
            removed: after.removed,
        }
    };
    let written = shared.store.change_issues(id, change).await?;
    let before = news.await.unwrap_or_default();
    for issue in &written.changed {
        tell(id, before.iter().find(|one| one.id == issue.id), issue);
    }
    Ok(())
}

/// Logs an issue that has opened, opened again, or resolved by itself.
fn tell(connection: ConnectionId, before: Option<&Issue>, issue: &Issue) {
    let was = before.map(Issue::state);
    let state = issue.state();
    if was == Some(state) || state == IssueState::Muted {
        return;
    }
    let (kind, subject) = (issue.kind.name(), issue.subject.as_str());
    match state {
        IssueState::Resolved => {
            tracing::info!(%connection, issue = %issue.id, kind, subject, "an issue is resolved");
        }
        _ => {
            // Not its message: that can have Lever's words in it, and those somebody's name.
            tracing::info!(%connection, issue = %issue.id, kind, subject, "an issue is open");
        }
    }
}
