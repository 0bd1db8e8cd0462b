//! How applicants stand against their SLA, counted, and who is late next (product.md 6.3).

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use prost_types::Timestamp;
use proto::v1 as pb;
use proto::v1::inbound_service_server::InboundService as _;
use serde::Deserialize;

use super::applicants::{NONE, at, sla, waited};
use super::href;
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::frame::Tab;
use crate::console::in_lever;
use crate::console::refusal::Refused;
use crate::console::words::{capital, count, moment, number};
use crate::grpc::Api;
use crate::wire::status::status;

const REPORT: &str = "/fulcrum.v1.InboundService/GetSlaReport";
const CANDIDATES: &str = "/fulcrum.v1.CandidateService/ListCandidates";
/// Rows of one table: with more the page would be too large to be read, and the worst come first.
const ROWS: usize = 30;
/// People who are late next.
const PEOPLE: i32 = 25;
const DAYS: u32 = 7;

const TITLE: &str = "SLA report";

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/connections/{id}/applicants/sla", get(show))
}

/// What the page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    days: String,
    all: String,
}

/// What the page shows.
struct View<'a> {
    path: &'a str,
    region: pb::Region,
    days: u32,
    all: bool,
    /// Whether its reader may ask about all stages, and narrow the list of applicants.
    may_all: bool,
    report: &'a pb::GetSlaReportResponse,
    now: Timestamp,
}

async fn show(
    desk: Desk,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let days = match asked.days.as_str() {
        "" => DAYS,
        days => days.parse().map_err(|_no_number| {
            let message = "give 0 to 365 days";
            Refused::from(status(engine::Error::invalid("within_days", message)))
        })?,
    };
    let request = pb::GetSlaReportRequest {
        connection_id: id.clone(),
        all_stages: !asked.all.is_empty(),
        within_days: Some(days),
        page_size: PEOPLE,
    };
    let report = desk.call(REPORT, request, Api::get_sla_report).await?;
    let content = page(&View {
        path: &Tab::Applicants.path(&id),
        region: connection.region(),
        days,
        all: !asked.all.is_empty(),
        may_all: desk.may(CANDIDATES),
        report: &report,
        now: at(desk.now().as_millis()),
    });
    Ok(desk.below(&connection, Tab::Applicants, TITLE, content))
}

fn page(view: &View<'_>) -> Markup {
    let report = view.report;
    html! {
        div.head { h1 { (TITLE) } a.button href=(view.path) { "All applicants" } }
        p.faint { "SLA: how many days somebody may stay in a stage before that counts as late, and whether they are business days, as the page Stages sets it; the time in the stage counts every day." }
        form.filters method="get" action={ (view.path) "/sla" } {
            label { "Late within" span.unit { input.short name="days" value=(view.days) inputmode="numeric"; " days" } }
            @if view.may_all {
                label.check { input type="checkbox" name="all" checked[view.all]; "All stages, not the inbound ones alone" }
            }
            button type="submit" { "Count" }
        }
        p.faint { "Counted now, from what was read up to " (moment(report.as_of.as_ref())) "." }
        section.panel { (totals(report.total.as_ref())) }
        section {
            h2 { (count(report.breaching_size, "person", "people")) " late within " (count(view.days.into(), "day", "days")) }
            (people(view))
        }
        (rows(view, "stage", "By stage", &report.stages))
        (rows(view, "posting", "By posting", &report.postings))
        (rows(view, "owner", "By owner", &report.owners))
    }
}

fn totals(counts: Option<&pb::SlaCounts>) -> Markup {
    let counts = counts.copied().unwrap_or_default();
    html! {
        dl.figures {
            @for (class, words, value) in cells(&counts) {
                div { dt { span class=(class) { (words) } } dd { (number(value)) } }
            }
        }
    }
}

/// The counts in the order of their urgency.
fn cells(counts: &pb::SlaCounts) -> [(&'static str, &'static str, u64); 5] {
    [
        ("badge bad", "breached", counts.breached),
        ("badge warn", "at risk", counts.at_risk),
        ("badge good", "on track", counts.on_track),
        ("badge", "paused", counts.paused),
        ("badge", "no SLA", counts.none),
    ]
}

fn people(view: &View<'_>) -> Markup {
    html! {
        @if view.report.breaching.is_empty() { p.faint { "Nobody." } }
        @else {
            @if view.report.breaching_size > view.report.breaching.len() as u64 {
                p.faint { "The first " (number(view.report.breaching.len() as u64)) ", the next to be late before the others." }
            }
            div.scroll tabindex="0" role="region" aria-label="Late next" {
                table.stacked {
                    thead { tr { th { "Person" } th { "SLA" } th { "In the stage" } th { "Stage" } th { "Posting" } } }
                    tbody {
                        @for one in &view.report.breaching {
                            tr {
                                td data-label="Person" { (in_lever::named(view.region, &one.opportunity_id, &one.name)) }
                                td data-label="SLA" { (sla(&one.sla.unwrap_or_default())) }
                                td data-label="In the stage" { (waited(one.entered_stage_at.as_ref(), &view.now)) }
                                td data-label="Stage" { (one.stage_text) }
                                td data-label="Posting" { (one.posting_text) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn rows(view: &View<'_>, name: &str, title: &str, rows: &[pb::SlaReportRow]) -> Markup {
    let more = rows.len().saturating_sub(ROWS) as u64;
    let first = capital(title.trim_start_matches("By "));
    html! {
        section {
            h2 { (title) }
            div.scroll tabindex="0" role="region" aria-label=(title) {
                table.stacked {
                    thead { tr { th { (first) } @for (_, words, _) in cells(&pb::SlaCounts::default()) { th.num { (capital(words)) } } } }
                    tbody {
                        @for row in rows.iter().take(ROWS) {
                            tr {
                                td data-label=(first) { (named(view, name, row)) }
                                @for (_, words, value) in cells(&row.counts.unwrap_or_default()) { td.num data-label=(capital(words)) { (number(value)) } }
                            }
                        }
                    }
                }
            }
            @if more > 0 { p.faint { (count(more, "row", "rows")) " with less that is late " @if more == 1 { "is" } @else { "are" } " not shown." } }
        }
    }
}

/// Leads to the applicants of the row; other stages have none.
fn named(view: &View<'_>, name: &str, row: &pb::SlaReportRow) -> Markup {
    let words = match (row.id.as_str(), row.text.as_str()) {
        ("", _) => "none",
        (id, "") => id,
        (_, text) => text,
    };
    let id = if row.id.is_empty() { NONE } else { &row.id };
    html! {
        @if view.all || !view.may_all { (words) }
        @else { a href=(href(view.path, &[(name, id)])) { (words) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lead_to_their_people_and_a_long_table_says_what_it_leaves_out() {
        let row = |at: usize| pb::SlaReportRow {
            id: if at == 0 {
                String::new()
            } else {
                format!("p-{at}")
            },
            counts: Some(pb::SlaCounts {
                breached: 1_234,
                ..Default::default()
            }),
            ..Default::default()
        };
        let report = pb::GetSlaReportResponse {
            postings: (0..ROWS + 2).map(row).collect(),
            breaching_size: 2,
            ..Default::default()
        };
        let text = |all| {
            page(&View {
                path: "/a",
                region: pb::Region::Global,
                days: 7,
                all,
                may_all: true,
                report: &report,
                now: at(0),
            })
            .into_string()
        };
        let inbound = text(false);
        assert!(inbound.contains("href=\"/a?posting=none\"") && inbound.contains("1,234"));
        assert!(inbound.contains("2 rows with less that is late are not shown"));
        assert!(inbound.contains("2 people late within 7 days"));
        assert!(
            !text(true).contains("/a?posting="),
            "who is no applicant is not in that list"
        );
    }
}
