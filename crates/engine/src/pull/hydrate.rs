//! Reads the lists below records: notes of opportunities, forms of postings, whatever waits in the queue.
//!
//! One worker for each connection takes the most urgent parents first and reads several at once behind the rate
//! budget. All lists of one parent commit together; a crash before that reads them again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use domain::hydration::Urgency;
use domain::{Parent, Stream, Timestamp};
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt};
use lever::{Client, ErrorKind, Lane, Offset, RawCall};
use store::{ChildList, ChildRead, Quarantined, Run, RunCounts, RunOutcome};
use tokio::time::Instant;

use super::Trouble;
use super::kept::{Keeping, List, Unread};
use super::page::Content;
use super::schedule;
use crate::access::Confidential;
use crate::engine::Shared;
use crate::error::{Error, Result};
use crate::link::{Link, StreamTrouble};
use crate::push::doubled;
use crate::read::is_confidential;
use crate::skew::Moment;

/// A list of more pages than this is not below one record: Lever goes round in circles.
const MOST_PAGES: usize = 1000;

/// The wait after nothing but failures.
const PAUSE: Duration = Duration::from_secs(10);

/// A list that fails this often while others do not is set aside, so that nothing waits for it.
const MOST_TRIES: u32 = 3;

/// The wait before lists are tried again that were set aside.
const SET_ASIDE_FOR: Duration = Duration::from_secs(300);

/// How many that fail are tried before those behind them wait too.
const MOST_PROBES: usize = 10;

/// The wait before parents are tried again below which reading failed.
const RETRY: Duration = Duration::from_secs(5);

/// Reads what waits until the link is stopped.
pub(crate) async fn run(shared: Arc<Shared>, link: Arc<Link>) {
    remember_troubles(&shared, &link).await;
    let (mut failed, mut runs) = (Failed::default(), Runs::default());
    let mut set_aside = SetAside::default();
    loop {
        let round = round(&shared, &link, &mut failed, &mut set_aside, &mut runs);
        let worked = link.work(round.boxed()).await;
        // A round that was ended by a stop or a pause has left them.
        runs.end(&shared, &link, true).await;
        let Some(wait) = worked else { return };
        link.rest(&link.hydrate_now, wait).await;
    }
}

/// What was refused or failed before the start is tried again at once, and its first success is news.
async fn remember_troubles(shared: &Shared, link: &Link) {
    let Ok(states) = shared.store.stream_states(link.id()).await else {
        return;
    };
    for (stream, state) in states {
        if let Some(text) = state.last_error {
            let refused = matches!(Trouble::from_text(&text), Trouble::Forbidden(_));
            let retry_at = Instant::now();
            link.set_stream_trouble(stream, StreamTrouble { refused, retry_at });
        }
    }
}

/// Parents below which reading failed: how often, and when they are worth another try.
#[derive(Debug, Default)]
struct Failed(HashMap<Parent, (u32, Instant)>);

impl Failed {
    /// Those that are left alone for now.
    fn resting(&self) -> BTreeSet<Parent> {
        let now = Instant::now();
        let resting = self.0.iter().filter(|(_, (_, again))| *again > now);
        resting.map(|(parent, _)| parent.clone()).collect()
    }

    /// Whether the next try of a parent is its last.
    fn last_try(&self, parent: &Parent) -> bool {
        self.0
            .get(parent)
            .is_some_and(|(tries, _)| tries + 1 >= MOST_TRIES)
    }

    /// Leaves parents alone for a while; it counts as a try only where other lists could be read meanwhile.
    fn rest(&mut self, parents: Vec<Parent>, others_worked: bool) {
        for parent in parents {
            let (tries, again) = self.0.entry(parent).or_insert((0, Instant::now()));
            // Once it alone has failed, later tries count too: nothing else may be left to compare with.
            *tries += u32::from(others_worked || *tries > 0);
            *again = Instant::now() + RETRY;
        }
    }
}

/// Lists that were set aside: below whom they were tried in vain since all of them were, and when others are.
#[derive(Debug, Default)]
struct SetAside {
    tried: BTreeSet<Parent>,
    again: Option<Instant>,
}

impl SetAside {
    /// Tries them one after the other while they can be read; tells how long to wait before the next try.
    ///
    /// What is to be read meanwhile comes first.
    async fn try_again(
        &mut self,
        shared: &Shared,
        link: &Link,
        runs: &mut Runs,
    ) -> Result<Duration> {
        if link.takes_set_aside() {
            self.again = None;
        }
        let left = |again: Instant| again.saturating_duration_since(Instant::now());
        if let Some(left) = self.again.map(left).filter(|left| !left.is_zero()) {
            return Ok(left);
        }
        let mut failures = 0;
        while failures < MOST_PROBES && shared.settings.pull.enabled {
            let (store, id) = (&shared.store, link.id());
            let except = self.tried.clone();
            let Some(one) = store.set_aside_parents(id, 1, except).await?.pop() else {
                self.tried.clear();
                break;
            };
            let lists = one.hydration.set_aside.keys().copied();
            runs.begin(shared, link, one.hydration.set_aside.keys());
            let reading = Reading::again(shared, link, one.parent.clone());
            let done = tokio::select! {
                done = read(reading, lists) => done,
                () = link.hydrate_now.notified() => return Ok(Duration::ZERO),
            };
            runs.add(&done);
            if done
                .outcome
                .as_ref()
                .is_err_and(|error| error.pause().is_some())
            {
                return done.outcome.map(|()| Duration::ZERO);
            }
            if done.set_aside || done.outcome.is_err() {
                failures += 1;
                self.tried.insert(one.parent);
            } else {
                failures = 0;
            }
            link.moved();
        }
        self.again = Some(Instant::now() + SET_ASIDE_FOR);
        Ok(SET_ASIDE_FOR)
    }
}

/// Reads until nothing waits; tells how long to wait before the next round.
async fn round(
    shared: &Shared,
    link: &Link,
    failed: &mut Failed,
    set_aside: &mut SetAside,
    runs: &mut Runs,
) -> Duration {
    let drained = match drain(shared, link, failed, runs).await {
        Ok(()) => set_aside.try_again(shared, link, runs).await,
        Err(error) => Err(error),
    };
    let in_pause = drained.as_ref().is_err_and(|error| error.pause().is_some());
    runs.end(shared, link, in_pause).await;
    match drained {
        Ok(rest) if failed.0.is_empty() && link.written.resting().is_empty() => rest,
        Ok(rest) => RETRY.min(rest),
        // The next round begins after it.
        Err(_) if in_pause => Duration::ZERO,
        Err(error) => {
            tracing::warn!(connection = %link.id(), error = %crate::report(&error), "reading below records failed");
            match Trouble::of(&error) {
                trouble if trouble.passes() => PAUSE,
                refused => schedule::pause_after(&refused),
            }
        }
    }
}

/// One bad opportunity is passed over; when nothing but failures comes back, Lever is left alone for a while.
///
/// In a pause of the key no more is taken up; what was asked for before is kept.
async fn drain(shared: &Shared, link: &Link, failed: &mut Failed, runs: &mut Runs) -> Result<()> {
    let parallel = shared.settings.pull.children_parallel.max(1);
    let mut except = failed.resting();
    let mut bad = Vec::new();
    let (mut worked, mut failures) = (false, 0);
    let mut reads = FuturesUnordered::new();
    let mut in_pause = None;
    let ended = loop {
        if reads.len() < parallel && in_pause.is_none() && shared.settings.pull.enabled {
            let limit = parallel - reads.len();
            let store = &shared.store;
            let passed_over = &except | &link.written.resting();
            for waiting in store.waiting_parents(link.id(), limit, passed_over).await? {
                except.insert(waiting.parent.clone());
                runs.begin(shared, link, waiting.hydration.wanted.keys());
                let lane = lane(waiting.urgency);
                let mut reading = Reading::new(shared, link, lane, waiting.parent.clone());
                reading.last = failed.last_try(&waiting.parent);
                reads.push(read(reading, waiting.hydration.wanted.into_keys()));
            }
        }
        let Some(done) = reads.next().await else {
            break in_pause.map_or(Ok(()), Err);
        };
        worked |= done.worked;
        failures = if done.worked { 0 } else { failures + 1 };
        runs.add(&done);
        match done.outcome {
            Ok(()) => {
                except.remove(&done.parent);
                failed.0.remove(&done.parent);
            }
            Err(error) if error.pause().is_some() => in_pause = Some(error),
            // It stays among the exceptions of this round.
            Err(error) => {
                bad.push(done.parent);
                let passes = Trouble::of(&error).passes();
                if !passes || failures >= parallel {
                    break Err(error);
                }
            }
        }
        link.moved();
    };
    failed.rest(bad, worked);
    ended
}

/// The streams that a round reads, each as one run (`ListRuns`); pages and records are counted as they come.
#[derive(Debug, Default)]
struct Runs(BTreeMap<Stream, StreamRun>);

#[derive(Debug, Default)]
struct StreamRun {
    began: Timestamp,
    counts: RunCounts,
    trouble: Option<Trouble>,
}

impl Runs {
    fn begin<'s>(
        &mut self,
        shared: &Shared,
        link: &Link,
        streams: impl Iterator<Item = &'s Stream>,
    ) {
        for stream in streams {
            self.0.entry(*stream).or_insert_with(|| {
                link.below.began(*stream);
                StreamRun {
                    began: shared.clock.now(),
                    ..StreamRun::default()
                }
            });
        }
    }

    fn add(&mut self, done: &Done) {
        for (stream, run) in &mut self.0 {
            run.counts += done.counts.get(stream).copied().unwrap_or_default();
            if let Some(trouble) = done.troubles.get(stream) {
                run.trouble = Some(trouble.clone());
            }
        }
    }

    /// Keeps what was read; rounds that found nothing only once in a while, unless they were cut off before the end.
    async fn end(&mut self, shared: &Shared, link: &Link, cut_off: bool) {
        while let Some((stream, run)) = self.0.pop_first() {
            link.below.ended(stream);
            let Some(pass) = link.below.of(stream) else {
                continue;
            };
            let untouched = pass.pages == 0 && run.trouble.is_none();
            let nothing = run.counts.changes() == 0 && run.trouble.is_none() && !cut_off;
            if untouched || nothing && !link.below.worth_noting(stream) {
                continue;
            }
            let kept = Run {
                connection: link.id(),
                listing: stream.name().to_owned(),
                lane: None,
                began: run.began,
                ended: shared.clock.now(),
                pages: pass.pages,
                records: pass.records,
                changes: run.counts.changes(),
                requests: pass.pages,
                outcome: match &run.trouble {
                    Some(trouble) => super::came_to(trouble),
                    None if cut_off => RunOutcome::Interrupted,
                    None => RunOutcome::Succeeded,
                },
                cause: None,
                scope: None,
                counts: Some(run.counts),
                cursors: None,
            };
            if let Err(error) = shared.store.note_run(kept).await {
                tracing::debug!(connection = %link.id(), %stream, error = %crate::report(&error), "a run is not kept");
            }
        }
    }
}

/// What came of one parent.
struct Done {
    parent: Parent,
    /// Whether at least one of its lists was read, so that Lever answers.
    worked: bool,
    /// Whether one was set aside.
    set_aside: bool,
    /// What became of the records of each stream.
    counts: BTreeMap<Stream, RunCounts>,
    /// What stood in the way of a stream.
    troubles: BTreeMap<Stream, Trouble>,
    outcome: Result<()>,
}

/// Reads lists of one parent, and applies them together.
async fn read(mut reading: Reading<'_>, lists: impl Iterator<Item = Stream>) -> Done {
    let parent = reading.parent.clone();
    let outcome = reading.lists(lists).await;
    let worked = !reading.lists.is_empty();
    let set_aside = reading.lists.iter().any(|list| !list.whole);
    let troubles = std::mem::take(&mut reading.troubles);
    // What was read counts, whatever failed beside it.
    let (counts, applied) = match reading.apply().await {
        Ok(counts) => (counts, Ok(())),
        Err(error) => (BTreeMap::new(), Err(error)),
    };
    Done {
        parent,
        worked,
        set_aside,
        counts,
        troubles,
        outcome: outcome.and(applied),
    }
}

/// Whoever asked waits for an answer; what nobody looked at for long comes last of all.
fn lane(urgency: Urgency) -> Lane {
    match urgency {
        Urgency::Asked => Lane::Follow,
        Urgency::Changed | Urgency::Active | Urgency::Archived => Lane::Hydrate,
        Urgency::Recheck | Urgency::SetAside => Lane::Sweep,
    }
}

/// The call that the reading of a list below a parent begins with; none where there is no such list.
pub(crate) fn first_call(parent: &Parent, stream: Stream) -> Option<RawCall> {
    List::below(parent, stream)?.call(None).ok()
}

/// Reads one list below a parent now, and applies it.
///
/// # Errors
/// As every read of Lever, and of the store.
pub(crate) async fn read_now(
    shared: &Shared,
    link: &Link,
    parent: &Parent,
    stream: Stream,
) -> Result<()> {
    let mut reading = Reading::new(shared, link, Lane::Interactive, parent.clone());
    reading.lists([stream]).await?;
    reading.apply().await.map(drop)
}

/// The lists of one parent as they come in.
struct Reading<'a> {
    shared: &'a Shared,
    link: &'a Link,
    client: Client,
    parent: Parent,
    lists: Vec<ChildList>,
    refused: BTreeSet<Stream>,
    troubles: BTreeMap<Stream, Trouble>,
    /// Whether what fails now is set aside instead of being tried again.
    last: bool,
}

impl<'a> Reading<'a> {
    fn new(shared: &'a Shared, link: &'a Link, lane: Lane, parent: Parent) -> Self {
        Self {
            shared,
            link,
            client: link.client(lane),
            parent,
            lists: Vec::new(),
            refused: BTreeSet::new(),
            troubles: BTreeMap::new(),
            last: false,
        }
    }

    /// For lists that were set aside: each is tried once, and stays so where it fails.
    fn again(shared: &'a Shared, link: &'a Link, parent: Parent) -> Self {
        let reading = Self::new(shared, link, lane(Urgency::SetAside), parent);
        Self {
            client: reading.client.with_limits(shared.clients.single_try()),
            last: true,
            ..reading
        }
    }

    /// Reads lists; one that fails does not keep the others, but where several fail the rest is left for later.
    ///
    /// # Errors
    /// The first failure.
    async fn lists(&mut self, streams: impl IntoIterator<Item = Stream>) -> Result<()> {
        let mut first = Ok(());
        for stream in streams {
            if let Err(error) = self.list(stream).await {
                if first.is_err() {
                    break;
                }
                first = Err(error);
            }
        }
        first
    }

    /// Reads one list whole, or notes that the key may not.
    async fn list(&mut self, stream: Stream) -> Result<()> {
        let Some(list) =
            List::below(&self.parent, stream).filter(|_| self.link.connection().keeps(stream))
        else {
            self.refused.insert(stream);
            return Ok(());
        };
        if self.link.refuses(stream) {
            self.refused.insert(stream);
            return Ok(());
        }
        let sent = Moment::now(&self.shared.clock);
        match self.read(stream, &list).await {
            Ok(read) => {
                self.look_for_doubled(&read).await;
                self.take(read).await
            }
            Err(Unread::Lever(error)) => match error.kind() {
                // Refused to this key, whatever it may read of others: the list waits for another.
                ErrorKind::Forbidden { .. } | ErrorKind::NotFound if self.is_hidden().await? => {
                    self.refused.insert(stream);
                    Ok(())
                }
                ErrorKind::Forbidden { .. } => self.note_refused(stream, &list).await,
                // The parent is gone: the deleted list tells the mirror (S-10).
                ErrorKind::NotFound => {
                    let read = whole(stream, Content::default(), self.answered(None, sent));
                    self.take(read).await
                }
                _ => self.failed(stream, error.into()).await,
            },
            // Asked again it would be the same: the list does not wait any longer.
            Err(Unread::Unaskable(fault)) => {
                tracing::warn!(connection = %self.link.id(), %stream, error = %fault, "cannot be asked for");
                self.refused.insert(stream);
                Ok(())
            }
            // What Lever answers is no list, and will be none the next time.
            Err(unread @ Unread::Unreadable(_)) => {
                self.set_aside(stream, &unread.into());
                Ok(())
            }
        }
    }

    /// Tells of notes of ours that are there twice; what cannot be looked through now is the next time.
    async fn look_for_doubled(&self, read: &ChildList) {
        let (Parent::Opportunity(opportunity), Stream::Notes) = (&self.parent, read.stream) else {
            return;
        };
        let notes = read.records.iter().map(|record| record.raw.as_str());
        if let Err(error) = doubled::look(self.shared, self.link, opportunity, notes).await {
            tracing::debug!(
                connection = %self.link.id(), %opportunity, error = %crate::report(&error),
                "notes are not looked through for some that are there twice"
            );
        }
    }

    async fn take(&mut self, read: ChildList) -> Result<()> {
        let stream = read.stream;
        self.lists.push(read);
        self.note_readable(stream).await
    }

    /// Whether the parent is confidential, and the key is not known to see it: what Lever answers then is about that,
    /// and says nothing of the lists (behaviour: "Confidential data").
    async fn is_hidden(&self) -> Result<bool, store::Error> {
        if self.link.access.present().confidential == Confidential::Allowed {
            return Ok(false);
        }
        let (store, parent) = (&self.shared.store, &self.parent);
        let record = store.record(self.link.id(), parent.stream(), parent.id());
        Ok(record
            .await?
            .is_some_and(|record| is_confidential(&record.raw)))
    }

    async fn read(&self, stream: Stream, list: &List) -> Result<ChildList, Unread> {
        let connection = self.link.connection();
        let keeping = Keeping {
            connection: &connection,
            stream,
            parent: Some(&self.parent),
            now: self.shared.clock.now(),
        };
        let (content, requested_at) = if stream == Stream::PostingForms {
            self.form(list, &keeping).await?
        } else {
            self.pages(list, &keeping).await?
        };
        Ok(whole(stream, content, requested_at))
    }

    /// A form, and when it was asked for.
    async fn form(
        &self,
        list: &List,
        keeping: &Keeping<'_>,
    ) -> Result<(Content, Timestamp), Unread> {
        let sent = Moment::now(&self.shared.clock);
        let read = list.record(&self.client).await?;
        let requested_at = self.answered(read.date, sent);
        self.link.below.page(keeping.stream, 1, 1);
        Ok((keeping.record(&read.value), requested_at))
    }

    /// All pages of a list, and when the first was asked for; an offset that Lever no longer knows begins it again.
    async fn pages(
        &self,
        list: &List,
        keeping: &Keeping<'_>,
    ) -> Result<(Content, Timestamp), Unread> {
        let mut whole = Content::default();
        let mut requested_at = None;
        let mut offset: Option<Offset> = None;
        let mut begun_again = false;
        for _ in 0..MOST_PAGES {
            let sent = Moment::now(&self.shared.clock);
            let read = match list.page(&self.client, offset.as_ref()).await {
                Ok(read) => read,
                Err(unread) if unread.is_invalid_offset() && !begun_again => {
                    begun_again = true;
                    offset = None;
                    requested_at = None;
                    whole = Content::default();
                    continue;
                }
                Err(unread) => return Err(unread),
            };
            let asked_at = self.answered(read.date, sent);
            requested_at = Some(requested_at.unwrap_or(asked_at).min(asked_at));
            let next = read.value.next.clone();
            let page = keeping.page(read.value);
            let records = (page.records.len() + page.quarantined.len()) as u64;
            self.link.below.page(keeping.stream, records, records);
            whole.records.extend(page.records);
            whole.quarantined.extend(page.quarantined);
            if next.is_none() || next == offset {
                break;
            }
            offset = next;
        }
        Ok((whole, requested_at.unwrap_or_default()))
    }

    fn answered(&self, date: Option<Timestamp>, sent: Moment) -> Timestamp {
        let received = Moment::now(&self.shared.clock);
        self.link.answered(date, sent, received)
    }

    /// Gives what became of the records of each stream.
    async fn apply(self) -> Result<BTreeMap<Stream, RunCounts>> {
        let applied = self
            .shared
            .store
            .apply_children(ChildRead {
                connection: self.link.id(),
                parent: self.parent,
                now: self.shared.clock.now(),
                lists: self.lists,
                refused: self.refused,
            })
            .await?;
        if applied.total.quarantined > 0 {
            tracing::warn!(
                connection = %self.link.id(), records = applied.total.quarantined,
                "records could not be read and are in quarantine"
            );
        }
        let of_streams = applied.streams.into_iter();
        Ok(of_streams
            .map(|(stream, applied)| (stream, applied.into()))
            .collect())
    }

    /// A stream that was refused and can be read again is read below everybody of whom it never was.
    async fn note_readable(&self, stream: Stream) -> Result<()> {
        let Some(trouble) = self.link.clear_stream_trouble(stream) else {
            return Ok(());
        };
        let (store, id) = (&self.shared.store, self.link.id());
        store.note_stream(id, stream, None).await?;
        self.link.issues.look_soon();
        if trouble.refused {
            let policy = super::policy::policy(self.shared, self.link);
            store
                .plan_again(id, policy, self.link.lever_now(&self.shared.clock))
                .await?;
        }
        Ok(())
    }

    async fn note_refused(&mut self, stream: Stream, list: &List) -> Result<()> {
        tracing::info!(
            connection = %self.link.id(), %stream, permission = list.permission(),
            "the key may not read a list below records"
        );
        let trouble = Trouble::Forbidden(list.permission().to_owned());
        self.refused.insert(stream);
        self.note(stream, &trouble).await
    }

    /// Notes what went wrong with the stream, and gives the error on.
    ///
    /// One list of one record that always fails, where others do not, must not keep the mirror from being complete:
    /// it goes to quarantine, and is asked for again when the record changes, and now and then.
    async fn failed(&mut self, stream: Stream, error: Error) -> Result<()> {
        // Nothing is wrong with the list, or the stream.
        if error.pause().is_some() {
            return Err(error);
        }
        let trouble = self.link.trouble(&error);
        if !self.last || !trouble.passes() {
            self.note(stream, &trouble).await?;
            return Err(error);
        }
        self.set_aside(stream, &error);
        Ok(())
    }

    fn set_aside(&mut self, stream: Stream, error: &Error) {
        let now = self.shared.clock.now();
        let reason = format!(
            "the list of {stream} below {} cannot be read: {error}",
            self.parent
        );
        self.lists.push(ChildList {
            stream,
            requested_at: self.link.lever_now(&self.shared.clock),
            records: Vec::new(),
            quarantined: vec![Quarantined {
                stream,
                id: None,
                parent: Some(self.parent.clone()),
                raw: String::new(),
                reason,
                at: now,
            }],
            whole: false,
        });
    }

    async fn note(&mut self, stream: Stream, trouble: &Trouble) -> Result<()> {
        self.troubles.insert(stream, trouble.clone());
        let refused = matches!(trouble, Trouble::Forbidden(_));
        let retry_at = Instant::now() + schedule::pause_after(trouble);
        let trouble_now = StreamTrouble { refused, retry_at };
        self.link.set_stream_trouble(stream, trouble_now);
        let text = Some(trouble.to_text());
        let id = self.link.id();
        self.shared.store.note_stream(id, stream, text).await?;
        self.link.saw(self.shared, stream.name(), stream, trouble);
        Ok(())
    }
}

/// A list of which everything was read.
fn whole(stream: Stream, content: Content, requested_at: Timestamp) -> ChildList {
    ChildList {
        stream,
        requested_at,
        records: content.records,
        quarantined: content.quarantined,
        whole: true,
    }
}

#[cfg(test)]
mod tests {
    use store::RunFilter;

    use super::*;
    use crate::testing;

    fn updated(updated: u64) -> RunCounts {
        RunCounts {
            updated,
            ..RunCounts::default()
        }
    }

    fn done(counts: &[(Stream, RunCounts)], troubles: &[(Stream, Trouble)]) -> Done {
        Done {
            parent: Parent::Opportunity("o".into()),
            worked: true,
            set_aside: false,
            counts: counts.iter().copied().collect(),
            troubles: troubles.iter().cloned().collect(),
            outcome: Ok(()),
        }
    }

    /// S-11.
    #[tokio::test]
    async fn a_round_is_one_run_for_each_stream_that_it_touched() {
        let folder = tempfile::TempDir::new().unwrap();
        let (engine, id) = testing::engine(folder.path(), Vec::new()).await;
        let (shared, link) = (&engine.shared, engine.link(id).unwrap());
        let refused = Trouble::Forbidden("find all opportunity offers".to_owned());
        let mut runs = Runs::default();
        let streams = [Stream::Notes, Stream::Offers, Stream::Forms];
        for changes in [2, 3] {
            // Each parent begins its lists anew; the runs go on.
            runs.begin(shared, &link, streams.iter());
            link.below.page(Stream::Notes, 10, 10);
            runs.add(&done(&[(Stream::Notes, updated(changes))], &[]));
        }
        runs.add(&done(&[], &[(Stream::Offers, refused)]));
        runs.add(&done(&[], &[]));
        runs.end(shared, &link, false).await;

        let kept = shared.store.runs(id, RunFilter::default(), None, 10).await;
        let mut told: Vec<_> = kept
            .unwrap()
            .into_iter()
            .map(|run| {
                assert_eq!(run.requests, run.pages);
                let came_to = (run.pages, run.records, run.changes, run.outcome);
                (run.listing, came_to)
            })
            .collect();
        told.sort_by(|one, next| one.0.cmp(&next.0));
        let permission = "find all opportunity offers".to_owned();
        let expected = [
            ("notes".to_owned(), (2, 20, 5, RunOutcome::Succeeded)),
            (
                "offers".to_owned(),
                (0, 0, 0, RunOutcome::Forbidden(permission)),
            ),
        ];
        assert_eq!(told, expected);
        let running = |stream| link.below.of(stream).is_some_and(|pass| pass.running());
        assert!(!streams.into_iter().any(running));
    }

    #[tokio::test]
    async fn rounds_that_find_nothing_are_kept_once_in_a_while() {
        let folder = tempfile::TempDir::new().unwrap();
        let (engine, id) = testing::engine(folder.path(), Vec::new()).await;
        let (shared, link) = (&engine.shared, engine.link(id).unwrap());
        for records in [1, 2] {
            let mut runs = Runs::default();
            runs.begin(shared, &link, [Stream::Panels].iter());
            link.below.page(Stream::Panels, records, records);
            runs.end(shared, &link, false).await;
        }
        let kept = shared.store.runs(id, RunFilter::default(), None, 10).await;
        let records: Vec<_> = kept.unwrap().iter().map(|run| run.records).collect();
        assert_eq!(records, [1]);
    }
}
