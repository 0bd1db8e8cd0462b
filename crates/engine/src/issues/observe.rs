//! Which problems a connection has, as far as that can be read off what is stored and what the link knows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::field_mapping::catalog::{AccountField, is_gone};
use domain::field_mapping::{FieldMapping, SourcePath};
use domain::issue::{Affected, Finding, Look, MOST_AFFECTED, Problem};
use domain::operation::{FailureKind, State};
use domain::stage_mapping::KnownAccount;
use domain::{Connection, Issue, IssueKind, Listing, Operation, Stream};
use lever::User;
use store::Quarantined;

use crate::engine::Shared;
use crate::error::Result;
use crate::link::Link;
use crate::permissions::PermissionStatus;
use crate::pull::{Trouble, walks};
use crate::read::account_fields::requisition_fields;
use crate::webhook::WebhookState;
use crate::{mapping, permissions, status, versions};

/// A pause of the key that is longer is a problem.
const LONG_PAUSE: Duration = Duration::from_secs(300);

/// So many custom fields that are gone are told of, one issue each.
const MOST_GONE: usize = 20;

/// Records in quarantine are counted up to here.
const MOST_COUNTED: usize = 1000;

/// What is wrong with a connection.
///
/// # Errors
/// If the store cannot be read: then nothing is known to be gone either.
pub(super) async fn observe(shared: &Shared, link: &Link, known: &[Issue]) -> Result<Look> {
    let mut look = Look::default();
    let connection = link.connection();
    reading(shared, link, &connection, &mut look).await?;
    checked(shared, link, &connection, &mut look).await?;
    pause(shared, link, &mut look);
    stale(shared, link, &mut look).await?;
    webhooks(link, &connection, &mut look);
    quarantine(shared, link, known, &mut look).await?;
    drift(shared, link, &mut look).await?;
    default_user(shared, link, &connection, &mut look).await?;
    fields(shared, &connection, &mut look).await?;
    disk(shared, &mut look);
    Ok(look)
}

/// The problem behind the trouble with a list or a stream of that name; none where only an extra is left out.
fn problem_of(
    shared: &Shared,
    connection: &Connection,
    name: &str,
    trouble: &Trouble,
) -> Option<Problem> {
    Some(match trouble {
        Trouble::Forbidden(permission) if permissions::is_extra(permission) => return None,
        Trouble::Forbidden(permission) => Problem::PermissionMissing {
            permission: permission.clone(),
            loss: permissions::loss_of(permission, connection),
        },
        Trouble::KeyRejected(_) => key_rejected(shared, connection),
        Trouble::Unreachable(_) => Problem::LeverUnreachable {
            environment: environment(shared, connection),
        },
        Trouble::NoTurn(_) => Problem::NoTurn,
        Trouble::Failed(why) => Problem::StreamFailing {
            stream: name.to_owned(),
            why: why.clone(),
        },
    })
}

/// That Lever rejects the key of a connection.
pub(super) fn key_rejected(shared: &Shared, connection: &Connection) -> Problem {
    Problem::KeyRejected {
        environment: environment(shared, connection),
        last_four: connection.key_last_four.clone(),
    }
}

impl Link {
    /// Notes what became of an operation, as far as it tells of the key or ends an issue.
    pub(crate) fn saw_settled(&self, shared: &Shared, operation: &Operation) {
        match &operation.state {
            State::Succeeded => self.issues.key_works(),
            State::Failed(failure) if failure.kind == FailureKind::KeyRejected => {
                let problem = key_rejected(shared, &self.connection());
                self.issues.saw(problem, Vec::new(), shared.clock.now());
            }
            state if !state.settled() => return,
            _ => {}
        }
        self.issues.note_writes();
    }

    /// Notes that a check of permissions has found one missing that is used.
    pub(crate) fn saw_missing(&self, shared: &Shared, missing: PermissionStatus) {
        let (problem, affected) = lacking(missing);
        self.issues.saw(problem, affected, shared.clock.now());
    }

    /// Notes that a list or a stream of that name could not be read.
    pub(crate) fn saw(&self, shared: &Shared, name: &str, stream: Stream, trouble: &Trouble) {
        let Some(problem) = problem_of(shared, &self.connection(), name, trouble) else {
            return;
        };
        let now = shared.clock.now();
        self.issues.saw(problem, vec![affected(stream)], now);
    }
}

/// Where the account is, as people know it.
fn environment(shared: &Shared, connection: &Connection) -> String {
    let base_url = shared.clients.base_url(&connection.environment);
    let text = base_url.map(|url| url.as_str().to_owned());
    let text = text.unwrap_or_default();
    let host = text.split("://").last().unwrap_or_default();
    host.split('/').next().unwrap_or_default().to_owned()
}

/// What cannot be read: the last trouble of each list and stream that was not made up for.
async fn reading(
    shared: &Shared,
    link: &Link,
    connection: &Connection,
    look: &mut Look,
) -> Result<()> {
    if let Some(why) = link.refusal() {
        let why = why.to_owned();
        look.findings
            .push(Finding::lasting(Problem::GrantLost { why }, Vec::new()));
    }
    let refused = link.refusal().is_some();
    // A list that is seldom read goes on telling of a key that was replaced, and of a Lever that was away.
    let accepted = link.issues.key_accepted();
    let answers = link.issues.lever_answers();
    let mut found = |name: &str, text: &str, affected: Vec<Affected>| {
        let trouble = Trouble::from_text(text);
        if matches!(trouble, Trouble::KeyRejected(_)) && (accepted || refused) {
            return;
        }
        if matches!(trouble, Trouble::Unreachable(_)) && answers {
            return;
        }
        let problem = problem_of(shared, connection, name, &trouble);
        look.findings
            .extend(problem.map(|problem| Finding::lasting(problem, affected)));
    };
    let listings = shared.store.cursors(link.id()).await?;
    let kept = listings
        .iter()
        .filter(|(listing, _)| walks(connection, **listing) && !Listing::INBOUND.contains(listing));
    for (listing, state) in kept {
        if let Some(text) = &state.last_error {
            let streams = streams_of(connection, *listing);
            found(listing.name(), text, streams);
        }
    }
    for (stream, state) in shared.store.stream_states(link.id()).await? {
        if let Some(text) = state.last_error.filter(|_| connection.keeps(stream)) {
            found(stream.name(), &text, vec![affected(stream)]);
        }
    }
    Ok(())
}

fn affected(stream: Stream) -> Affected {
    Affected::new("stream", stream.name())
}

/// The streams that a list brings, of those that are kept.
fn streams_of(connection: &Connection, listing: Listing) -> Vec<Affected> {
    let mine = |stream: &&Stream| match crate::pull::listing_of(**stream) {
        Some(of) => of == listing,
        None => false,
    };
    let kept = Stream::ALL
        .iter()
        .filter(|stream| connection.keeps(**stream));
    let streams: Vec<Affected> = kept.filter(mine).map(|stream| affected(*stream)).collect();
    match streams.is_empty() {
        true => vec![affected(listing.stream())],
        false => streams,
    }
}

/// What the last check of permissions found missing, of what the connection reads or registers.
async fn checked(
    shared: &Shared,
    link: &Link,
    connection: &Connection,
    look: &mut Look,
) -> Result<()> {
    for missing in permissions::found_missing(shared, link, connection).await? {
        let (problem, affected) = lacking(missing);
        look.findings.push(Finding::lasting(problem, affected));
    }
    Ok(())
}

/// The problem of a permission that a check found missing.
fn lacking(missing: PermissionStatus) -> (Problem, Vec<Affected>) {
    let affected = missing.streams.iter().map(|stream| affected(*stream));
    let affected = affected.take(MOST_AFFECTED).collect();
    let problem = Problem::PermissionMissing {
        permission: missing.name.to_owned(),
        loss: missing.loss,
    };
    (problem, affected)
}

/// What is older than it should be, though nothing is known to be wrong with it; one problem for each list.
async fn stale(shared: &Shared, link: &Link, look: &mut Look) -> Result<()> {
    if is_explained(look) {
        return Ok(());
    }
    let excused = link.connection().paused
        || link.refusal().is_some()
        || link.pause().is_some()
        || !shared.settings.pull.enabled;
    if excused {
        look.unknown.insert(IssueKind::StreamStale);
        return Ok(());
    }
    let mut by_list: BTreeMap<&str, Vec<Affected>> = BTreeMap::new();
    for (listing, stream) in status::stale_streams(shared, link).await? {
        let streams = by_list.entry(listing.stream().name()).or_default();
        streams.push(affected(stream));
    }
    for (name, streams) in by_list {
        let stream = name.to_owned();
        look.findings
            .push(Finding::lasting(Problem::StreamStale { stream }, streams));
    }
    Ok(())
}

/// Whether what was found so far explains that nothing new is read, and that no request gets through.
fn is_explained(look: &Look) -> bool {
    let mut findings = look.findings.iter();
    findings.any(|finding| finding.problem.kind().stops_reading())
}

fn pause(shared: &Shared, link: &Link, look: &mut Look) {
    let Some(pause) = link.key_pause(&shared.clock) else {
        return;
    };
    if pause.until.since(pause.since) >= LONG_PAUSE {
        let why = pause.reason();
        look.findings
            .push(Finding::lasting(Problem::PausedByLever { why }, Vec::new()));
    }
}

fn webhooks(link: &Link, connection: &Connection, look: &mut Look) {
    let away = is_explained(look);
    match link.webhooks.state() {
        // It is no problem of theirs then, and tried again.
        WebhookState::Pending(Some(_)) if away => {
            look.unknown.insert(IssueKind::WebhooksNotRegistered);
        }
        WebhookState::Failed(why) | WebhookState::Pending(Some(why)) => {
            let problem = Problem::WebhooksNotRegistered { why };
            look.findings.push(Finding::lasting(problem, Vec::new()));
        }
        // Nobody has asked Lever yet.
        WebhookState::Off | WebhookState::Pending(None) if connection.webhooks => {
            look.unknown.insert(IssueKind::WebhooksNotRegistered);
        }
        WebhookState::Off | WebhookState::Pending(None) | WebhookState::Registered => {}
    }
}

async fn quarantine(shared: &Shared, link: &Link, known: &[Issue], look: &mut Look) -> Result<()> {
    let (store, id) = (&shared.store, link.id());
    if store.quarantine_count(id).await?.kept == 0 {
        return Ok(());
    }
    let mut by_stream: BTreeMap<Stream, Vec<Quarantined>> = BTreeMap::new();
    for record in store.quarantined(id, None, MOST_COUNTED).await? {
        by_stream.entry(record.stream).or_default().push(record);
    }
    let all = by_stream.into_iter();
    look.findings
        .extend(all.map(|(stream, records)| unreadable(stream, records, known)));
    Ok(())
}

/// Records of a stream that cannot be read; those that came since the issue was last seen count.
fn unreadable(stream: Stream, mut records: Vec<Quarantined>, known: &[Issue]) -> Finding {
    records.sort_by_key(|record| std::cmp::Reverse(record.at));
    let problem = Problem::Quarantined {
        stream: stream.name().to_owned(),
        records: records.len() as u64,
    };
    let seen = known
        .iter()
        .find(|issue| issue.kind == IssueKind::Quarantined && issue.subject == stream.name())
        .map(|issue| issue.last_seen);
    // What tags and sources are known by is text that people wrote.
    let by_id = !matches!(stream, Stream::Tags | Stream::Sources);
    let ids = records.iter().filter_map(|record| record.id.as_ref());
    let affected = ids
        .filter(|_| by_id)
        .take(MOST_AFFECTED)
        .map(|id| Affected::new(stream.name(), id.as_str()));
    let lasting = Finding::lasting(problem, affected.collect());
    let new = records
        .iter()
        .filter(|record| seen.is_none_or(|seen| record.at > seen));
    match (new.count() as u64, records.first()) {
        (times @ 1.., Some(newest)) => lasting.shown(times, newest.at),
        _ => lasting,
    }
}

async fn drift(shared: &Shared, link: &Link, look: &mut Look) -> Result<()> {
    let id = link.id();
    let mapping = mapping::present(shared, id).await?;
    if mapping.version == 0 {
        return Ok(());
    }
    let stages = mapping::stages(shared, id).await?;
    let reasons = mapping::archive_reasons(shared, id).await?;
    let counts = shared.store.count_by_stage(id).await?;
    let occupied: BTreeSet<_> = counts.into_keys().collect();
    let account = KnownAccount {
        stages: &stages,
        reasons: &reasons,
    };
    let drift = mapping.drift(&account, &occupied);
    look.findings.extend(Problem::of_drift(&drift));
    Ok(())
}

/// Whether the default acting user may act; nothing is said before Lever's users were read.
async fn default_user(
    shared: &Shared,
    link: &Link,
    connection: &Connection,
    look: &mut Look,
) -> Result<()> {
    let Some(user) = &connection.default_acting_user else {
        return Ok(());
    };
    let id = link.id();
    let listings = shared.store.cursors(id).await?;
    let users = listings.get(&Listing::Users);
    if users.is_none_or(|state| state.last_success_at.is_none()) {
        look.unknown.insert(IssueKind::DefaultActingUser);
        return Ok(());
    }
    let record = shared
        .store
        .record(id, Stream::Users, user.as_str())
        .await?;
    let record = record.filter(|record| record.deleted_at.is_none());
    let deactivated = |raw: &str| {
        let user = serde_json::from_str::<User>(raw);
        user.is_ok_and(|user| user.deactivated_at.is_some())
    };
    let deactivated = record.as_ref().map(|record| deactivated(&record.raw));
    if deactivated != Some(false) {
        let deactivated = deactivated.is_some();
        let problem = Problem::DefaultActingUser { deactivated };
        let affected = vec![Affected::new("user", user.as_str())];
        look.findings.push(Finding::lasting(problem, affected));
    }
    Ok(())
}

/// Custom fields of requisitions that the field mapping reads and Lever does not list; nothing is said where that list
/// is not kept whole, or was not read yet.
async fn fields(shared: &Shared, connection: &Connection, look: &mut Look) -> Result<()> {
    let mapping: FieldMapping = versions::present(shared, connection.id).await?;
    let mut read: BTreeMap<&SourcePath, Vec<String>> = BTreeMap::new();
    for rule in &mapping.rules {
        if let Some(path) = rule.path.as_ref().filter(|path| is_gone(path, &[])) {
            read.entry(path).or_default().push(rule.field.to_string());
        }
    }
    if read.is_empty() {
        return Ok(());
    }
    let Some(listed) = listed_fields(shared, connection).await? else {
        look.unknown.insert(IssueKind::FieldGone);
        return Ok(());
    };
    let gone = read.into_iter().filter(|(path, _)| is_gone(path, &listed));
    for (path, fields) in gone.take(MOST_GONE) {
        let affected = fields
            .iter()
            .map(|field| Affected::new("product_field", field));
        let affected = affected.collect();
        let problem = Problem::FieldGone {
            path: path.to_string(),
            fields,
        };
        look.findings.push(Finding::lasting(problem, affected));
    }
    Ok(())
}

/// The custom fields of requisitions as Lever lists them; none where that is not known.
async fn listed_fields(
    shared: &Shared,
    connection: &Connection,
) -> Result<Option<Vec<AccountField>>> {
    let stream = Stream::RequisitionFields;
    let mut excluded = connection.excluded_fields.iter();
    if !connection.keeps(stream) || excluded.any(|field| field.stream() == stream) {
        return Ok(None);
    }
    let listings = shared.store.cursors(connection.id).await?;
    let read = listings.get(&Listing::RequisitionFields);
    if read.is_none_or(|state| state.last_success_at.is_none()) {
        return Ok(None);
    }
    requisition_fields(&shared.store, connection.id).await
}

fn disk(shared: &Shared, look: &mut Look) {
    let writes_stopped = !shared.store.writes_allowed();
    if writes_stopped || !shared.store.backfill_allowed() {
        let problem = Problem::DiskLow { writes_stopped };
        look.findings.push(Finding::lasting(problem, Vec::new()));
    }
}

#[cfg(test)]
mod tests {
    use store::ListingOutcome;

    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_lever_that_refuses_answers_and_is_no_longer_told_as_out_of_reach() {
        let folder = tempfile::TempDir::new().unwrap();
        let (engine, id) = testing::engine(folder.path(), Vec::new()).await;
        let link = engine.link(id).unwrap();
        let fails = async |listing: Listing, trouble: Trouble| {
            let failed = ListingOutcome::Failed(trouble.to_text());
            let noted = engine.shared.store.note_listing(id, listing, failed).await;
            noted.unwrap();
            link.saw(&engine.shared, listing.name(), listing.stream(), &trouble);
            let look = observe(&engine.shared, &link, &[]).await.unwrap();
            let found = look.findings.iter().map(|one| one.problem.kind());
            found.collect::<Vec<IssueKind>>()
        };
        let (away, rejected) = (IssueKind::LeverUnreachable, IssueKind::KeyRejected);
        let silent = || Trouble::Unreachable("away".to_owned());
        assert_eq!(fails(Listing::Tags, silent()).await, [away]);
        // The list that nobody has answered is not read again before the key is replaced.
        let refused = Trouble::KeyRejected("no".to_owned());
        assert_eq!(fails(Listing::Users, refused).await, [rejected]);
        let both = fails(Listing::Tags, silent()).await;
        assert!(both.len() == 2 && both.contains(&away) && both.contains(&rejected));
        let lacking = Trouble::Forbidden("find all sources".to_owned());
        let after = fails(Listing::Sources, lacking).await;
        assert!(after.contains(&rejected) && after.contains(&IssueKind::PermissionMissing));
        assert!(!after.contains(&away), "{after:?}");
    }

    #[test]
    fn a_lever_that_lets_nothing_through_explains_what_is_old_and_one_list_alone_does_not() {
        let of = |problem| {
            is_explained(&Look {
                findings: vec![Finding::lasting(problem, Vec::new())],
                ..Look::default()
            })
        };
        let text = String::new;
        let rejected = Problem::KeyRejected {
            environment: text(),
            last_four: text(),
        };
        let away = Problem::LeverUnreachable {
            environment: text(),
        };
        for problem in [rejected, away, Problem::NoTurn] {
            assert!(of(problem.clone()), "{problem:?}");
        }
        let failing = Problem::StreamFailing {
            stream: text(),
            why: text(),
        };
        assert!(!of(failing) && !is_explained(&Look::default()));
    }
}
