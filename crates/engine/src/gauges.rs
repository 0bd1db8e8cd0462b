//! How things stand, as metrics: reckoned when it is asked for, so that nobody has to remember to set anything.

use std::collections::BTreeMap;

use domain::issue::standing;
use domain::{ConnectionId, IssueState};

use crate::engine::Engine;
use crate::error::Result;
use crate::figures::{self, Metric};
use crate::status::{StreamState, StreamStatus};

/// Nudges are counted up to here.
const MOST_NUDGES: usize = 1_000;

/// One figure of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Which metric.
    pub metric: Metric,
    /// The values of its labels, in the order of the metric's.
    pub labels: Vec<String>,
    /// The figure.
    pub value: f64,
}

impl Figure {
    /// A figure with the values of the metric's labels.
    pub fn new<const N: usize>(metric: Metric, labels: [String; N], value: f64) -> Figure {
        debug_assert_eq!(metric.labels.len(), N, "{}", metric.name);
        Figure {
            metric,
            labels: labels.into(),
            value,
        }
    }
}

impl Engine {
    /// How everything stands now, metric by metric.
    ///
    /// What cannot be read is left out and logged: the rest is worth more than none.
    pub async fn gauges(&self) -> Vec<Figure> {
        let mut figures = self.of_the_service();
        let mut ids: Vec<ConnectionId> = self.links().iter().map(|link| link.id()).collect();
        ids.sort_unstable();
        for id in ids {
            match self.of_connection(id).await {
                Ok(found) => figures.extend(found),
                // It was disconnected in this moment.
                Err(error) if error.is_not_found() => {}
                Err(error) => {
                    tracing::warn!(connection = %id, error = %crate::report(&error), "cannot tell how a connection stands");
                }
            }
        }
        let ages = self.inbound_ages().await.into_iter();
        figures.extend(ages.map(|(id, age)| {
            Figure::new(figures::INBOUND_AGE, [id.to_string()], age.as_secs_f64())
        }));
        // Together with others of its metric, as the text form wants it.
        figures.sort_by_key(|figure| figures::ALL.iter().position(|one| *one == figure.metric));
        figures
    }

    fn of_the_service(&self) -> Vec<Figure> {
        let store = &self.shared.store;
        let commits = store.commits();
        let allowed = f64::from(u8::from(store.writes_allowed()));
        let mut figures = vec![
            Figure::new(figures::WRITES_ALLOWED, [], allowed),
            Figure::new(figures::COMMITS, [], commits.count as f64),
            Figure::new(figures::COMMIT_SECONDS, [], commits.time.as_secs_f64()),
            Figure::new(figures::COMMITS_WAITING, [], commits.waiting as f64),
        ];
        if let Ok(free) = store.free_bytes() {
            figures.push(Figure::new(figures::DISK_FREE, [], free as f64));
        }
        figures
    }

    async fn of_connection(&self, id: ConnectionId) -> Result<Vec<Figure>> {
        let (store, link) = (&self.shared.store, self.link(id)?);
        let connection = id.to_string();
        let status = self.sync_status(id).await?;
        let now = link.lever_now(&self.shared.clock);
        let mut figures = Vec::new();
        for stream in &status.streams {
            figures.extend(of_stream(&connection, stream, now));
        }
        let waiting: u64 = status.streams.iter().map(|stream| stream.waiting).sum();
        let paused = f64::from(u8::from(status.pause.is_some()));
        let nudges = store.nudges(id, MOST_NUDGES).await?.len();
        let one = |metric, value| Figure::new(metric, [connection.clone()], value);
        figures.push(one(figures::LISTS_WAITING, waiting as f64));
        figures.push(one(figures::LEVER_PAUSED, paused));
        figures.push(one(figures::NUDGES_WAITING, nudges as f64));
        let mut states: BTreeMap<&str, u64> = ["HELD", "RECORDED", "SENDING"]
            .map(|state| (state, 0))
            .into();
        for operation in store.open_operations(id).await? {
            *states.entry(operation.state.name()).or_default() += 1;
        }
        for (state, count) in states {
            let labels = [connection.clone(), state.to_owned()];
            let metric = figures::OPERATIONS_WAITING;
            figures.push(Figure::new(metric, labels, count as f64));
        }
        for ((kind, state), count) in standing(&store.issues(id).await?) {
            let state = match state {
                IssueState::Open => "open",
                IssueState::Muted => "muted",
                IssueState::Resolved => continue,
            };
            let labels = [connection.clone(), kind.name().to_owned(), state.to_owned()];
            figures.push(Figure::new(figures::ISSUES, labels, count as f64));
        }
        Ok(figures)
    }
}

/// How old a stream is, and whether that is too old.
fn of_stream(connection: &str, stream: &StreamStatus, now: domain::Timestamp) -> Vec<Figure> {
    if stream.state == StreamState::Off {
        return Vec::new();
    }
    let labels = || [connection.to_owned(), stream.stream.name().to_owned()];
    let stale = matches!(
        stream.state,
        StreamState::Stale | StreamState::Failed | StreamState::Forbidden
    );
    let stale = f64::from(u8::from(stale));
    let mut figures = vec![Figure::new(figures::STREAM_STALE, labels(), stale)];
    figures.extend(stream.last_success_at.map(|at| {
        let age = now.since(at).as_secs_f64();
        Figure::new(figures::STREAM_AGE, labels(), age)
    }));
    figures
}
