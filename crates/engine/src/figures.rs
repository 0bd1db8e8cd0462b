//! Every metric there is: its name, what it counts, and what its labels are.
//!
//! What is counted as it happens is counted under these names; what stands how is reckoned when it is asked for
//! ([`Engine::gauges`](crate::Engine::gauges)), so that it grows while nothing happens, and goes with its connection.
//! `docs/metrics.md` lists the same, which a test compares. No label has personal data, or more values than there are
//! rpcs, operations of Lever's, kinds, streams and connections.

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Grows from the start of the process.
    Counter,
    /// Stands at something.
    Gauge,
    /// Quantiles, a sum and a count.
    Summary,
}

impl Kind {
    /// The name of the kind, as Prometheus has it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
        }
    }
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its name in Prometheus.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its labels, in their order.
    pub labels: &'static [&'static str],
    /// What it is counted in.
    pub unit: &'static str,
    /// What it means, in a few words.
    pub help: &'static str,
}

macro_rules! metrics_table {
    ($($(#[$doc:meta])* $constant:ident = $name:literal, $kind:ident, [$($label:literal),*], $unit:literal, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: Metric = Metric {
                name: $name,
                kind: Kind::$kind,
                labels: &[$($label),*],
                unit: $unit,
                help: $help,
            };
        )*

        /// Every metric, in the order of the page.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

metrics_table! {
    BUILD_INFO = "fulcrum_build_info", Gauge, ["version"], "1", "always 1; the version that runs";
    PROCESS_START = "process_start_time_seconds", Gauge, [], "seconds since 1970", "when the process started";
    RPCS = "fulcrum_rpcs_total", Counter, ["rpc", "code"], "rpcs", "rpcs that ended, streams included, by their gRPC code; CANCELLED where the caller went away; rpc is `other` for what does not exist";
    RPC_SECONDS = "fulcrum_rpc_seconds", Summary, ["rpc"], "seconds", "time to the answer; for streams, to their beginning";
    RPCS_IN_FLIGHT = "fulcrum_rpcs_in_flight", Gauge, ["rpc"], "rpcs", "rpcs that are being answered, streams included";
    CALLS_REFUSED = "fulcrum_calls_refused_total", Counter, ["limit"], "rpcs", "calls that have met a limit, by its setting";
    ANSWERS_UNREAD = "fulcrum_answers_unread_total", Counter, [], "answers", "answers that were given up since nobody read them";
    CONNECTIONS = "fulcrum_connections", Gauge, ["door"], "connections", "connections of callers that are open, to `grpc` and `http`";
    CONNECTIONS_ENDED = "fulcrum_connections_ended_total", Counter, ["door", "reason"], "connections", "connections of callers that ended: `done`, `error`, `full` (no room), `handshake` (no TLS, or not trusted), `slow` (never greeted, or sent no head), `unproven` (room was scarce, and it was of use to nobody), `cut` (old, or not read)";
    LEVER_REQUESTS = "fulcrum_lever_requests_total", Counter, ["operation", "status"], "tries", "tries of calls to Lever; status is `none` when no answer came";
    LEVER_REQUEST_SECONDS = "fulcrum_lever_request_seconds", Summary, ["operation"], "seconds", "time of one try";
    LEVER_BUDGET_WAIT = "fulcrum_lever_budget_wait_seconds", Summary, ["lane"], "seconds", "time a try waited for its turn in the rate budget";
    LEVER_NOT_LOGGED = "fulcrum_lever_calls_not_logged_total", Counter, [], "calls", "calls that came faster than they could be logged";
    LEVER_PAUSED = "fulcrum_lever_paused", Gauge, ["connection"], "0 or 1", "whether the key is in a pause after 429";
    PULL_RECORDS = "fulcrum_pull_records_total", Counter, ["listing", "result"], "records", "records a pull `created` or `updated` in the mirror";
    STREAM_AGE = "fulcrum_stream_age_seconds", Gauge, ["connection", "stream"], "seconds", "since the start of the last complete reading; not there before the first, and for streams that are off";
    STREAM_STALE = "fulcrum_stream_stale", Gauge, ["connection", "stream"], "0 or 1", "whether a stream that is kept is older than twice its period, fails, or is forbidden";
    INBOUND_AGE = "fulcrum_inbound_age_seconds", Gauge, ["connection"], "seconds", "how old what is shown of the inbound stages is; for connections that have read them";
    LISTS_WAITING = "fulcrum_lists_waiting", Gauge, ["connection"], "lists", "lists below people and postings that wait to be read";
    OPERATIONS = "fulcrum_operations_total", Counter, ["kind", "event"], "operations", "operations `recorded`, opened again by a person (`retried`), and settled as `SUCCEEDED`, `FAILED`, `UNCERTAIN` or `CANCELLED`; bulks and their items each for themselves";
    OPERATIONS_WAITING = "fulcrum_operations_waiting", Gauge, ["connection", "state"], "operations", "operations that are not settled, by their state: `HELD`, `RECORDED`, `SENDING`";
    DUPLICATES = "fulcrum_writeback_duplicates_total", Counter, [], "notes", "notes of ours that were found to be in Lever once too often, each counted once in a process";
    ISSUES = "fulcrum_issues", Gauge, ["connection", "kind", "state"], "issues", "issues that are `open` or `muted`, by their kind";
    WEBHOOKS = "fulcrum_webhooks_total", Counter, ["event", "result"], "deliveries", "deliveries `queued`, `replayed`, `refused`, `too_large`, `slow`, `busy`, `failed`";
    WEBHOOK_SECONDS = "fulcrum_webhook_seconds", Summary, [], "seconds", "time to the answer to a delivery";
    NUDGES = "fulcrum_nudges_total", Counter, ["result"], "nudges", "nudges that were followed, or wait to be";
    NUDGES_WAITING = "fulcrum_nudges_waiting", Gauge, ["connection"], "nudges", "nudges that wait to be followed, counted up to 1,000";
    SLA_EVENTS = "fulcrum_sla_events_total", Counter, [], "events", "SLAs that were told to be at risk or breached, once for each stay, and snoozes that were told to have ended";
    WORKER_PANICS = "fulcrum_worker_panics_total", Counter, ["worker"], "panics", "panics of a worker, which begins again by itself; each is a defect to report";
    DISK_FREE = "fulcrum_disk_free_bytes", Gauge, [], "bytes", "free space on the disk of the data directory";
    WRITES_ALLOWED = "fulcrum_store_writes_allowed", Gauge, [], "0 or 1", "whether the disk has room enough for writes";
    SNAPSHOTS = "fulcrum_snapshots_total", Counter, ["event"], "snapshots", "snapshots `taken`, and rounds that `failed` to take one";
    COMMITS = "fulcrum_store_commits_total", Counter, [], "commits", "commits that were made durable; several writers share one";
    COMMIT_SECONDS = "fulcrum_store_commit_seconds_total", Counter, [], "seconds", "time that commits took, with their flush";
    COMMITS_WAITING = "fulcrum_store_commits_waiting", Gauge, [], "requests", "requests that wait for their commit";
}

/// Gives each metric that is counted as it happens its description.
pub fn describe() {
    for metric in ALL {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Summary => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}
