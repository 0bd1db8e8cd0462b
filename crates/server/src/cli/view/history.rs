//! What a pull did.

use anstyle::Style;
use proto::v1 as pb;

use super::super::output::WIDTH;
use super::table::{Align, Cell, Column, Table};
use super::{BAD, GOOD, PLAIN, WARN, grouped, time, word};

/// Passes as a table.
pub(crate) fn runs(runs: &[pb::SyncRun], now_ms: i64) -> String {
    let mut table = Table::new([
        Column::fixed("LIST", Align::Left),
        Column::fixed("STATE", Align::Left),
        Column::fixed("BEGAN", Align::Left),
        Column::fixed("PAGES", Align::Right),
        Column::fixed("RECORDS", Align::Right),
        Column::fixed("CHANGES", Align::Right),
        Column::flexible("ERROR"),
    ]);
    for run in runs {
        table.row([
            Cell::from(&run.listing),
            Cell::new(
                run_style(run.state()),
                word(run.state().as_str_name(), "RUN_STATE_"),
            ),
            Cell::from(time::ago(run.start_time.as_ref(), now_ms)),
            Cell::from(grouped(run.pages)),
            Cell::from(grouped(run.records)),
            Cell::from(grouped(run.changes)),
            Cell::from(&run.error),
        ]);
    }
    table.text(WIDTH)
}

fn run_style(state: pb::RunState) -> Style {
    match state {
        pb::RunState::Succeeded => GOOD,
        pb::RunState::Failed => BAD,
        pb::RunState::Interrupted => WARN,
        pb::RunState::Unspecified => PLAIN,
    }
}

/// Calls to Lever as a table.
pub(crate) fn calls(calls: &[pb::ApiCall], now_ms: i64) -> String {
    let mut table = Table::new([
        Column::fixed("SENT", Align::Left),
        Column::fixed("METHOD", Align::Left),
        Column::flexible("PATH"),
        Column::fixed("STATUS", Align::Right),
        Column::fixed("MS", Align::Right),
        Column::fixed("TRY", Align::Right),
        Column::fixed("LANE", Align::Left),
    ]);
    for call in calls {
        table.row([
            Cell::from(time::ago(call.call_time.as_ref(), now_ms)),
            Cell::from(&call.method),
            Cell::from(&call.path_template),
            Cell::new(status_style(call.status), status(call.status)),
            Cell::from(call.elapsed_ms.to_string()),
            Cell::from(call.attempt.to_string()),
            Cell::from(lane(call)),
        ]);
    }
    table.text(WIDTH)
}

/// The lane that a call went in; of a test of permissions, which is made for somebody who waits, that it is one.
fn lane(call: &pb::ApiCall) -> &str {
    match call.permission_test {
        true => "test",
        false => &call.lane,
    }
}

fn status(status: i32) -> String {
    if status == 0 {
        return "none".to_owned();
    }
    status.to_string()
}

fn status_style(status: i32) -> Style {
    match status {
        200..=299 => PLAIN,
        429 => WARN,
        _ => BAD,
    }
}

/// Records that could not be read as a table.
pub(crate) fn quarantine(records: &[pb::QuarantinedRecord], now_ms: i64) -> String {
    let mut table = Table::new([
        Column::fixed("STREAM", Align::Left),
        Column::fixed("SEEN", Align::Left),
        Column::flexible("REASON"),
    ]);
    for record in records {
        table.row([
            Cell::from(&record.stream),
            Cell::from(time::ago(record.quarantine_time.as_ref(), now_ms)),
            Cell::from(&record.reason),
        ]);
    }
    table.text(WIDTH)
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;

    fn at(seconds: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds, nanos: 0 })
    }

    #[test]
    fn a_pass_tells_what_it_read_and_why_it_failed() {
        let failed = pb::SyncRun {
            listing: "users".to_owned(),
            state: pb::RunState::Failed.into(),
            start_time: at(40),
            pages: 1,
            records: 1_200,
            error: "forbidden: find all users".to_owned(),
            ..Default::default()
        };
        insta::assert_snapshot!(plain(&runs(&[failed], 100_000)), @r"
        LIST   STATE   BEGAN      PAGES  RECORDS  CHANGES  ERROR
        users  failed  1 min ago      1    1,200        0  forbidden: find all users
        ");
    }

    #[test]
    fn a_call_without_an_answer_has_no_status() {
        let lost = pb::ApiCall {
            call_time: at(97),
            method: "GET".to_owned(),
            path_template: "/opportunities/{opportunity}/notes".to_owned(),
            elapsed_ms: 30_000,
            attempt: 2,
            lane: "hydrate".to_owned(),
            ..Default::default()
        };
        let test = pb::ApiCall {
            status: 404,
            lane: "interactive".to_owned(),
            permission_test: true,
            ..lost.clone()
        };
        insta::assert_snapshot!(plain(&calls(&[lost, test], 100_000)), @r"
        SENT     METHOD  PATH                                STATUS     MS  TRY  LANE
        3 s ago  GET     /opportunities/{opportunity}/notes    none  30000    2  hydrate
        3 s ago  GET     /opportunities/{opportunity}/notes     404  30000    2  test
        ");
    }

    #[test]
    fn a_record_that_could_not_be_read_tells_why() {
        let record = pb::QuarantinedRecord {
            stream: "users".to_owned(),
            reason: "missing field `id` at line 1".to_owned(),
            quarantine_time: at(40),
            ..Default::default()
        };
        insta::assert_snapshot!(plain(&quarantine(&[record], 100_000)), @r"
        STREAM  SEEN       REASON
        users   1 min ago  missing field `id` at line 1
        ");
    }
}
