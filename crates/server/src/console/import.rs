//! How far an import has come, reckoned from what the service tells of its streams; nothing where nobody knows.
//!
//! Lever tells no totals. What is left comes from the service's estimate, what is done from the mirror itself, so that
//! a restart takes nothing back.

use domain::Stream;
use proto::v1 as pb;

/// So much of so much; in requests or in records, as the caller says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) done: u64,
    pub(super) total: u64,
}

impl Share {
    /// In percent, at most 99: only the end itself is a hundred.
    pub(super) fn percent(self) -> u64 {
        let Share { done, total } = self;
        let percent = u128::from(done) * 100 / u128::from(total.max(1));
        u64::try_from(percent).unwrap_or(99).min(99)
    }
}

/// How a stream stands in an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing was read yet.
    NotStarted,
    /// It is being read; how much of how many records, or of how many lists, where that is known.
    Running(Option<Share>),
    /// All of it was read.
    Success,
    /// The last pass failed; it is tried again.
    Failure,
    /// The key may not read it, so somebody has to do something.
    NeedsAttention,
}

/// Whether an import is under way, or still to be: something that is to be mirrored was never read to its end.
pub(super) fn is_under_way(status: &pb::GetSyncStatusResponse) -> bool {
    match status.state() {
        pb::SyncState::Pending | pb::SyncState::Syncing => true,
        pb::SyncState::Synced | pb::SyncState::Stale | pb::SyncState::Disconnected => false,
        _ => kept(status).any(|stream| {
            stream.state() != pb::StreamState::Forbidden && stream.last_success_at.is_none()
        }),
    }
}

/// The streams that are mirrored.
pub(super) fn kept(
    status: &pb::GetSyncStatusResponse,
) -> impl Iterator<Item = &pb::StreamStatus> + Clone {
    let all = status.streams.iter();
    all.filter(|stream| stream.state() != pb::StreamState::Off)
}

/// The requests of an import that were answered, of all that it takes by the present estimate; none while nobody knows
/// how many people there are, and when nothing is left.
pub(super) fn whole(status: &pb::GetSyncStatusResponse) -> Option<Share> {
    let people = kept(status).find(|stream| stream.name == Stream::Opportunities.name());
    let unknown = people
        .is_some_and(|people| people.last_success_at.is_none() && people.planned_requests == 0);
    if unknown || status.planned_requests == 0 || !is_under_way(status) {
        return None;
    }
    let done: u64 = kept(status).map(|stream| answered(status, stream)).sum();
    let total = done.checked_add(status.planned_requests)?;
    Some(Share { done, total })
}

/// How long the requests take that a stream has before it, at the rate that Lever allows, if they went alone.
pub(super) fn left(
    status: &pb::GetSyncStatusResponse,
    stream: &pb::StreamStatus,
) -> Option<prost_types::Duration> {
    let whole = u64::try_from(status.eta.as_ref()?.seconds).ok()?;
    let share = whole.checked_mul(stream.planned_requests)?;
    let seconds = share.checked_div(status.planned_requests)?;
    let seconds = i64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?;
    Some(prost_types::Duration { seconds, nanos: 0 })
}

/// The requests that a stream has behind it.
fn answered(status: &pb::GetSyncStatusResponse, stream: &pb::StreamStatus) -> u64 {
    match Stream::from_name(&stream.name) {
        Some(Stream::Opportunities) => stream.records().div_ceil(100),
        Some(one) if one.hydrated() => lists(status, one, stream).map_or(0, |lists| lists.done),
        _ => 0,
    }
}

/// The lists of a stream that is read record by record of another one: those that were read, of all.
fn lists(
    status: &pb::GetSyncStatusResponse,
    stream: Stream,
    told: &pb::StreamStatus,
) -> Option<Share> {
    let parent = stream.parent()?;
    let mut all = status.streams.iter();
    let parents = all.find(|other| other.name == parent.name())?.records();
    let unseen = told.planned_requests.saturating_sub(told.waiting);
    let total = parents.checked_add(unseen)?;
    let done = parents.saturating_sub(told.waiting);
    (total > 0).then_some(Share { done, total })
}

/// How a stream stands.
pub(super) fn standing(status: &pb::GetSyncStatusResponse, stream: &pb::StreamStatus) -> Standing {
    match stream.state() {
        pb::StreamState::Forbidden => Standing::NeedsAttention,
        pb::StreamState::Failed => Standing::Failure,
        pb::StreamState::Pending => Standing::NotStarted,
        _ if stream.last_success_at.is_some() => Standing::Success,
        _ => Standing::Running(share(status, stream)),
    }
}

fn share(status: &pb::GetSyncStatusResponse, told: &pb::StreamStatus) -> Option<Share> {
    let stream = Stream::from_name(&told.name)?;
    if stream.hydrated() {
        return lists(status, stream, told);
    }
    let of_people =
        stream == Stream::Opportunities || stream.parent() == Some(Stream::Opportunities);
    of_people.then(|| people(status)).flatten()
}

/// The people who were read, of those whom Lever's sources count; what comes along with them stands as they do.
fn people(status: &pb::GetSyncStatusResponse) -> Option<Share> {
    let own = kept(status).find(|stream| stream.name == Stream::Opportunities.name())?;
    let below = kept(status).filter(|other| {
        let stream = Stream::from_name(&other.name);
        stream.is_some_and(|stream| {
            stream.hydrated() && stream.parent() == Some(Stream::Opportunities)
        })
    });
    let exact = below
        .map(|other| other.planned_requests.saturating_sub(other.waiting))
        .max();
    // A request brings a hundred of them.
    let unseen = exact.unwrap_or(own.planned_requests.checked_mul(100)?);
    let total = own.records().checked_add(unseen)?;
    (unseen > 0).then_some(Share {
        done: own.records(),
        total,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(name: &str, state: pb::StreamState, records: u64) -> pb::StreamStatus {
        pb::StreamStatus {
            name: name.to_owned(),
            state: state.into(),
            records: Some(records),
            ..Default::default()
        }
    }

    /// 300 people were read of a thousand; the notes of 100 of them.
    fn midway() -> pb::GetSyncStatusResponse {
        let syncing = pb::StreamState::Syncing;
        pb::GetSyncStatusResponse {
            state: pb::SyncState::Syncing.into(),
            streams: vec![
                pb::StreamStatus {
                    last_success_at: Some(prost_types::Timestamp::default()),
                    ..stream("users", pb::StreamState::Synced, 12)
                },
                pb::StreamStatus {
                    planned_requests: 7,
                    ..stream("opportunities", syncing, 300)
                },
                stream("contacts", syncing, 280),
                pb::StreamStatus {
                    planned_requests: 900,
                    waiting: 200,
                    ..stream("notes", syncing, 450)
                },
                stream("offers", pb::StreamState::Off, 0),
                stream("stages", pb::StreamState::Forbidden, 0),
            ],
            planned_requests: 907,
            ..Default::default()
        }
    }

    #[test]
    fn an_import_is_told_by_the_requests_behind_it_and_before_it() {
        let status = midway();
        let share = whole(&status).unwrap();
        assert_eq!((share.done, share.total), (103, 1_010));
        assert_eq!(share.percent(), 10);
        let of = |index: usize| standing(&status, &status.streams[index]);
        assert_eq!(of(0), Standing::Success);
        let people = Standing::Running(Some(Share {
            done: 300,
            total: 1_000,
        }));
        assert_eq!((of(1), of(2)), (people, people));
        let notes = Share {
            done: 100,
            total: 1_000,
        };
        assert_eq!(of(3), Standing::Running(Some(notes)));
        assert_eq!(of(5), Standing::NeedsAttention);
    }

    #[test]
    fn no_number_is_told_that_would_be_wrong() {
        // Before Lever's sources have told how many people there are.
        let mut unknown = midway();
        unknown.streams[1].planned_requests = 0;
        unknown.streams[3].planned_requests = 200;
        unknown.planned_requests = 200;
        assert_eq!(whole(&unknown), None);
        let people = standing(&unknown, &unknown.streams[1]);
        assert_eq!(people, Standing::Running(None));
        // At the end, while a last look is under way.
        let mut last = midway();
        last.planned_requests = 0;
        assert_eq!(whole(&last), None);
        // Later, while changes are read.
        let mut synced = midway();
        synced.state = pb::SyncState::Synced.into();
        assert!(whole(&synced).is_none() && !is_under_way(&synced));
    }

    #[test]
    fn only_the_end_is_a_hundred() {
        let of = |done, total| Share { done, total }.percent();
        assert_eq!(
            [of(0, 10), of(999, 1_000), of(10, 10), of(0, 0)],
            [0, 99, 99, 0]
        );
        assert_eq!(of(u64::MAX, 1), 99);
    }

    #[test]
    fn an_import_that_was_paused_or_failed_is_still_under_way() {
        let mut status = midway();
        for state in [pb::SyncState::Paused, pb::SyncState::Failed] {
            status.state = state.into();
            assert!(is_under_way(&status));
        }
        for stream in &mut status.streams {
            stream.last_success_at = Some(prost_types::Timestamp::default());
        }
        assert!(!is_under_way(&status));
    }
}
