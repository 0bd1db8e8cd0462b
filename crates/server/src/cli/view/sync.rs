//! How a mirror is doing.

use std::time::Duration;

use anstyle::Style;
use proto::v1 as pb;

use super::super::output::WIDTH;
use super::table::{Align, Cell, Column, Table};
use super::{BAD, DIM, GOOD, HEADING, PLAIN, WARN, counted, grouped, styled, time, word};

/// The state of a mirror in a word.
pub(crate) fn state(state: pb::SyncState) -> String {
    word(state.as_str_name(), "SYNC_STATE_")
}

/// The color of a state.
pub(crate) fn style(state: pb::SyncState) -> Style {
    match state {
        pb::SyncState::Synced => GOOD,
        pb::SyncState::Stale | pb::SyncState::Paused | pb::SyncState::Disconnected => WARN,
        pb::SyncState::Failed => BAD,
        pb::SyncState::Syncing | pb::SyncState::Pending | pb::SyncState::Unspecified => PLAIN,
    }
}

/// The status of a mirror as a page.
pub(crate) fn page(connection: &pb::Connection, status: &pb::SyncStatus, now_ms: i64) -> String {
    let name = styled(HEADING, &connection.display_name);
    let state = styled(style(status.state()), &state(status.state()));
    let as_of = match &status.as_of {
        Some(as_of) => format!(" · as of {}", time::ago(Some(as_of), now_ms)),
        None => String::new(),
    };
    let mut page = format!("{name} · {state}{as_of}\n\n{}", streams(status, now_ms));
    let told = errors(status);
    if let Some(inbound) = &status.inbound {
        page.push_str(&format!("\n{}", inbound_stages(inbound, now_ms)));
        if told.iter().all(|(error, _)| *error != inbound.error) && !inbound.error.is_empty() {
            page.push_str(&format!("\n{}", styled(BAD, &inbound.error)));
        }
    }
    for (error, streams) in told {
        page.push_str(&format!("\n{}: {}", named(&streams), styled(BAD, error)));
    }
    if let Some(pause) = &status.rate_limit_pause {
        let why = format!("{}: {}", in_pause(pause, now_ms), pause.reason);
        page.push_str(&format!("\n{}", styled(WARN, &why)));
    }
    if !status.writes_refused.is_empty() {
        let why = format!("writes are refused: {}", status.writes_refused);
        page.push_str(&format!("\n{}", styled(BAD, &why)));
    }
    page.push_str(&format!("\n{}\n", styled(DIM, &requests(status))));
    page
}

/// Each error of streams once, with those that have it.
fn errors(status: &pb::SyncStatus) -> Vec<(&str, Vec<&str>)> {
    let mut errors: Vec<(&str, Vec<&str>)> = Vec::new();
    let failing = |stream: &&pb::StreamStatus| !stream.error.is_empty();
    for stream in status.streams.iter().filter(failing) {
        match errors.iter_mut().find(|(error, _)| *error == stream.error) {
            Some((_, names)) => names.push(&stream.name),
            None => errors.push((stream.error.as_str(), vec![stream.name.as_str()])),
        }
    }
    errors
}

/// The names of streams, as long as they are few; the table above has all of them.
fn named(streams: &[&str]) -> String {
    match streams.len() {
        0..=3 => streams.join(", "),
        many => format!("{many} streams"),
    }
}

/// How many problems want looking after, in a sentence.
pub(crate) fn open_issues(open: u32) -> String {
    let issues = counted(u64::from(open), "open issue");
    styled(BAD, &format!("{issues}: see `fulcrum issues`"))
}

/// How fresh the inbound stages are, and when they are read on their own.
fn inbound_stages(inbound: &pb::InboundStatus, now_ms: i64) -> String {
    let state = word(inbound.state().as_str_name(), "STREAM_STATE_");
    let mut line = format!(
        "inbound stages: {}",
        styled(stream_style(inbound.state()), &state)
    );
    if let Some(as_of) = &inbound.as_of {
        line.push_str(&format!(" · as of {}", time::ago(Some(as_of), now_ms)));
    }
    if let Some(next) = &inbound.next_run_at {
        line.push_str(&format!(
            " · read on their own {} unless everybody is read before",
            time::until(next, now_ms)
        ));
    }
    line
}

/// Since when nothing is sent to Lever, and when it goes on.
fn in_pause(pause: &pb::RateLimitPause, now_ms: i64) -> String {
    let since = time::ago(pause.start_time.as_ref(), now_ms);
    let on = match &pause.end_time {
        Some(end) => format!(", goes on {}", time::until(end, now_ms)),
        None => String::new(),
    };
    format!("paused by Lever {since}{on}")
}

fn streams(status: &pb::SyncStatus, now_ms: i64) -> String {
    let mut table = Table::new([
        Column::fixed("STREAM", Align::Left),
        Column::fixed("STATE", Align::Left),
        Column::fixed("RECORDS", Align::Right),
        Column::fixed("LAST READ", Align::Left),
    ]);
    for stream in &status.streams {
        table.row([
            Cell::from(&stream.name),
            Cell::new(
                stream_style(stream.state()),
                word(stream.state().as_str_name(), "STREAM_STATE_"),
            ),
            Cell::from(stream.records.map_or("-".to_owned(), grouped)),
            Cell::from(time::ago(stream.last_success_at.as_ref(), now_ms)),
        ]);
    }
    table.text(WIDTH)
}

fn stream_style(state: pb::StreamState) -> Style {
    match state {
        pb::StreamState::Synced => GOOD,
        pb::StreamState::Failed | pb::StreamState::Forbidden | pb::StreamState::Stale => BAD,
        pb::StreamState::Off => DIM,
        pb::StreamState::Syncing | pb::StreamState::Pending | pb::StreamState::Unspecified => PLAIN,
    }
}

/// The requests made, and those still to be made, in a sentence.
pub(crate) fn requests(status: &pb::SyncStatus) -> String {
    let mut text = requests_made(status);
    if status.planned_requests > 0 {
        text.push_str(&format!(
            ", about {} for the first walk",
            grouped(status.planned_requests)
        ));
    }
    if let Some(eta) = &status.eta {
        let left = Duration::try_from(*eta).unwrap_or_default();
        text.push_str(&format!(", {} left", time::length(left)));
    }
    text
}

/// The requests made, such as `7 requests to Lever`.
pub(crate) fn requests_made(status: &pb::SyncStatus) -> String {
    format!("{} to Lever", counted(status.made_requests, "request"))
}

/// Records of all streams together.
pub(crate) fn records(status: &pb::SyncStatus) -> u64 {
    status
        .streams
        .iter()
        .filter_map(|stream| stream.records)
        .sum()
}

/// A status in one line, for progress where nothing may move.
pub(crate) fn line(status: &pb::SyncStatus) -> String {
    let paused = match &status.rate_limit_pause {
        Some(_) => " · paused by Lever",
        None => "",
    };
    let refused = match status.writes_refused.as_str() {
        "" => "",
        _ => " · writes are refused, the disk is nearly full",
    };
    format!(
        "{} · {} · {}{paused}{refused}",
        state(status.state()),
        counted(records(status), "record"),
        requests(status)
    )
}

/// The same fields under the name they have when watched.
pub(crate) fn status(response: pb::GetSyncStatusResponse) -> pb::SyncStatus {
    pb::SyncStatus {
        state: response.state,
        streams: response.streams,
        planned_requests: response.planned_requests,
        made_requests: response.made_requests,
        eta: response.eta,
        as_of: response.as_of,
        inbound_ready: response.inbound_ready,
        rate_limit_pause: response.rate_limit_pause,
        inbound: response.inbound,
        writes_refused: response.writes_refused,
    }
}

/// What a first import takes at most, in a sentence.
pub(crate) fn estimate(estimate: &pb::EstimateImportResponse) -> String {
    let lasts = |at: &Option<prost_types::Duration>| {
        let seconds = at.as_ref().map_or(0, |at| at.seconds);
        time::length(Duration::from_secs(seconds.max(0).unsigned_abs()))
    };
    format!(
        "up to {} for about {} opportunities: about {} at Lever's full rate, {} at half of it",
        counted(estimate.requests, "request"),
        grouped(estimate.opportunities),
        lasts(&estimate.at_full_rate),
        lasts(&estimate.at_half_rate)
    )
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    #[test]
    fn an_estimate_tells_requests_and_time() {
        let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
        let told = estimate(&pb::EstimateImportResponse {
            opportunities: 18_400,
            requests: 110_600,
            lists_per_opportunity: 6,
            at_full_rate: seconds(11_060),
            at_half_rate: seconds(22_120),
        });
        assert_eq!(
            told,
            "up to 110,600 requests for about 18,400 opportunities: about 3 h at Lever's full rate, 6 h at half of it"
        );
    }

    fn stream(
        name: &str,
        state: pb::StreamState,
        records: Option<u64>,
        error: &str,
    ) -> pb::StreamStatus {
        pb::StreamStatus {
            name: name.to_owned(),
            state: state.into(),
            records,
            last_success_at: records.map(|_| prost_types::Timestamp {
                seconds: 100,
                nanos: 0,
            }),
            error: error.to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn a_pause_of_the_key_is_told_with_its_end_and_why() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let mut status = pb::SyncStatus {
            state: pb::SyncState::Stale.into(),
            made_requests: 1,
            rate_limit_pause: Some(pb::RateLimitPause {
                start_time: at(100),
                end_time: at(3_700),
                reason: "Lever answered 429".to_owned(),
            }),
            ..Default::default()
        };
        let page =
            |status: &pb::SyncStatus| plain(&page(&pb::Connection::default(), status, 1_300_000));
        assert!(
            page(&status)
                .ends_with("\npaused by Lever 20 min ago, goes on in 40 min: Lever answered 429\n1 request to Lever\n"),
            "{}",
            page(&status)
        );
        assert!(line(&status).ends_with(" · paused by Lever"));
        status.rate_limit_pause = None;
        assert!(!page(&status).contains("paused by Lever"));
        assert!(!line(&status).contains("paused"));
    }

    #[test]
    fn writes_that_are_refused_are_told_with_why() {
        let status = pb::SyncStatus {
            writes_refused: "the disk is nearly full: free space".to_owned(),
            ..Default::default()
        };
        let page = plain(&page(&pb::Connection::default(), &status, 0));
        let told =
            "\nwrites are refused: the disk is nearly full: free space\n0 requests to Lever\n";
        assert!(page.ends_with(told), "{page}");
        assert!(line(&status).ends_with(" · writes are refused, the disk is nearly full"));
    }

    #[test]
    fn the_inbound_stages_are_told_with_their_age_and_their_next_turn() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let told = |inbound| plain(&inbound_stages(&inbound, 1_300_000));
        let fresh = pb::InboundStatus {
            state: pb::StreamState::Synced.into(),
            as_of: at(1_240),
            next_run_at: at(1_540),
            ..Default::default()
        };
        assert_eq!(
            told(fresh),
            "inbound stages: synced · as of 1 min ago · read on their own in 4 min unless everybody is read before"
        );
        let failed = pb::InboundStatus {
            state: pb::StreamState::Failed.into(),
            as_of: at(100),
            error: "Lever is failing".to_owned(),
            ..Default::default()
        };
        assert_eq!(
            told(failed.clone()),
            "inbound stages: failed · as of 20 min ago"
        );
        let status = pb::SyncStatus {
            inbound: Some(failed),
            ..Default::default()
        };
        let page = plain(&page(&pb::Connection::default(), &status, 1_300_000));
        assert!(page.contains("\ninbound stages: failed"), "{page}");
        assert!(page.contains("\nLever is failing\n"), "{page}");
    }

    #[test]
    fn an_error_of_many_streams_is_told_once() {
        let failing = |name| stream(name, pb::StreamState::Failed, None, "the key is rejected");
        let mut status = pb::SyncStatus {
            streams: ["users", "stages", "tags"].map(failing).into(),
            inbound: Some(pb::InboundStatus {
                error: "the key is rejected".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        let page = |status: &pb::SyncStatus| plain(&page(&pb::Connection::default(), status, 0));
        let few = page(&status);
        assert!(
            few.contains("\nusers, stages, tags: the key is rejected\n"),
            "{few}"
        );
        assert_eq!(few.matches("the key is rejected").count(), 1, "{few}");
        status.streams.push(failing("sources"));
        assert!(page(&status).contains("\n4 streams: the key is rejected\n"));
    }

    #[test]
    fn a_forbidden_stream_shows_no_count_and_why() {
        let connection = pb::Connection {
            display_name: "Acme".to_owned(),
            ..Default::default()
        };
        let status = pb::SyncStatus {
            state: pb::SyncState::Syncing.into(),
            streams: vec![
                stream("users", pb::StreamState::Synced, Some(1_025), ""),
                stream(
                    "notes",
                    pb::StreamState::Forbidden,
                    None,
                    "the key lacks find all opportunity notes",
                ),
            ],
            planned_requests: 25,
            made_requests: 7,
            eta: Some(prost_types::Duration {
                seconds: 120,
                nanos: 0,
            }),
            ..Default::default()
        };
        assert_eq!(
            plain(&page(&connection, &status, 160_000)),
            "Acme · syncing\n\n\
             STREAM  STATE      RECORDS  LAST READ\n\
             users   synced       1,025  1 min ago\n\
             notes   forbidden        -  never\n\n\
             notes: the key lacks find all opportunity notes\n\
             7 requests to Lever, about 25 for the first walk, 2 min left\n"
        );
    }
}
