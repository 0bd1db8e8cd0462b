//! Who applied, how long they wait, and how that stands against their SLA; to look at (product.md 6.3 and 7).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::get;
use futures::future::{join, join_all};
use maud::{Markup, html};
use prost_types::{Duration, Timestamp};
use proto::v1 as pb;
use proto::v1::candidate_service_server::CandidateService as _;
use proto::v1::inbound_service_server::InboundService as _;
use proto::v1::lever_service_server::LeverService as _;
use proto::v1::stage_mapping_service_server::StageMappingService as _;
use serde::Deserialize;

use super::{go_on, href, offered};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::frame::Tab;
use crate::console::in_lever;
use crate::console::refusal::Refused;
use crate::console::words::{count, isolated, moment, span};
use crate::grpc::Api;

const CANDIDATES: &str = "/fulcrum.v1.CandidateService/ListCandidates";
const USER: &str = "/fulcrum.v1.LeverService/GetUser";
const REPORT: &str = "/fulcrum.v1.InboundService/GetSlaReport";

/// Stands for no posting, or no owner, in a filter.
pub(super) const NONE: &str = "none";

/// The states of an SLA: how a page asks for one, and what people read.
const STATES: [(&str, &str, pb::SlaState); 5] = [
    ("breached", "breached", pb::SlaState::Breached),
    ("at-risk", "at risk", pb::SlaState::AtRisk),
    ("on-track", "on track", pb::SlaState::OnTrack),
    ("paused", "paused", pb::SlaState::Paused),
    ("no-sla", "no SLA", pb::SlaState::None),
];

const PAGE: i32 = 50;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/connections/{id}/applicants", get(show))
}

/// What the page is asked for: ids and words of ours, nothing of a person.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    after: String,
    stage: String,
    posting: String,
    owner: String,
    origin: String,
    sla: String,
    order: String,
}

impl Asked {
    /// All but the place in the list.
    fn narrowed(&self) -> [(&str, &str); 6] {
        [
            ("stage", &self.stage),
            ("posting", &self.posting),
            ("owner", &self.owner),
            ("origin", &self.origin),
            ("sla", &self.sla),
            ("order", &self.order),
        ]
    }

    /// The same with one of them different.
    fn with<'a>(&'a self, name: &str, value: &'a str) -> Vec<(&'a str, &'a str)> {
        let changed = |(one, old)| (one, if one == name { value } else { old });
        self.narrowed().into_iter().map(changed).collect()
    }

    /// # Errors
    /// Invalid for an order or an SLA state that is not offered.
    fn check(&self) -> Result<(), Refused> {
        offered("order", &self.order, &[("", ""), ("newest", "")])?;
        let states = STATES.map(|(value, words, _)| (value, words));
        offered("sla", &self.sla, &[&[("", "")], &states[..]].concat())
    }

    fn newest_first(&self) -> bool {
        self.order == "newest"
    }

    fn state(&self) -> Option<pb::SlaState> {
        let mut states = STATES.iter();
        let found = states.find(|(value, ..)| *value == self.sla);
        found.map(|(.., state)| *state)
    }

    /// Whether more than stage and order is asked for, which the list of applicants itself does not do.
    fn is_filtered(&self) -> bool {
        let chosen = [&self.posting, &self.owner, &self.origin];
        chosen.iter().any(|one| !one.is_empty()) || self.state().is_some()
    }
}

/// One candidacy on the page, from either list.
#[derive(Debug, Default)]
struct Row {
    opportunity: String,
    name: String,
    stage: String,
    posting: String,
    posting_text: String,
    owner: String,
    origin: String,
    applied: Option<Timestamp>,
    entered: Option<Timestamp>,
    sla: pb::Sla,
}

impl From<pb::Applicant> for Row {
    fn from(one: pb::Applicant) -> Row {
        Row {
            opportunity: one.opportunity_id,
            name: one.name,
            stage: one.stage_text,
            posting: one.posting_id,
            posting_text: one.posting_text,
            owner: one.owner_id,
            origin: one.origin,
            applied: one.applied_at,
            entered: one.entered_stage_at,
            sla: one.sla.unwrap_or_default(),
        }
    }
}

impl From<pb::Candidacy> for Row {
    fn from(one: pb::Candidacy) -> Row {
        Row {
            opportunity: one.opportunity_id,
            name: one.name,
            stage: one.stage_text,
            posting: one.posting_id,
            posting_text: one.posting_text,
            owner: one.owner_id,
            origin: one.origin,
            applied: one.applied_at,
            entered: one.entered_stage_at,
            sla: one.sla.unwrap_or_default(),
        }
    }
}

/// A page of the list.
#[derive(Debug, Default)]
struct Found {
    rows: Vec<Row>,
    next: String,
    total: u64,
    as_of: Option<Timestamp>,
}

/// What the page shows.
struct View<'a> {
    path: &'a str,
    connection: &'a pb::Connection,
    asked: &'a Asked,
    /// The inbound stages by id and Lever's text.
    stages: &'a [(String, String)],
    /// Names of those who own somebody on the page, by id.
    owners: &'a BTreeMap<String, String>,
    found: &'a Found,
    now: Timestamp,
    /// Whether its reader may narrow the list by more than the stage.
    may_filter: bool,
    /// Where the counts are.
    report: Option<String>,
    /// Where it is told why somebody is missing.
    find: Option<String>,
}

async fn show(
    desk: Desk,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    asked.check()?;
    let (stages, found) = asked_for(&desk, &id, &asked).await?;
    let path = Tab::Applicants.path(&id);
    let report = desk.may(REPORT).then(|| format!("{path}/sla"));
    let content = page(&View {
        path: &path,
        connection: &connection,
        asked: &asked,
        stages: &stages,
        owners: &names(&desk, &id, &found.rows).await,
        found: &found,
        now: at(desk.now().as_millis()),
        may_filter: desk.may(CANDIDATES),
        report,
        find: desk.way(Tab::Find, &id),
    });
    Ok(desk.at(&connection, Tab::Applicants, content))
}

/// The inbound stages, and the people. Who narrows the list asks about the stages first; else both are read at once.
async fn asked_for(
    desk: &Desk,
    id: &str,
    asked: &Asked,
) -> Result<(Vec<(String, String)>, Found), Refused> {
    if asked.is_filtered() {
        let stages = inbound_stages(desk, id).await?;
        let found = filtered_list(desk, id, asked, &stages).await?;
        return Ok((stages, found));
    }
    let (stages, found) = join(inbound_stages(desk, id), plain_list(desk, id, asked)).await;
    Ok((stages?, found?))
}

/// The stages whose people are applicants, by id and text.
async fn inbound_stages(desk: &Desk, id: &str) -> Result<Vec<(String, String)>, Refused> {
    let request = pb::GetStageMappingRequest {
        connection_id: id.to_owned(),
    };
    let rpc = Tab::Stages.rpc();
    let present = desk.call(rpc, request, Api::get_stage_mapping).await?;
    let mapping = present.stage_mapping.unwrap_or_default();
    Ok(in_order(mapping.inbound_stage_ids, present.stages))
}

/// These stages in the order of the pipeline, then those that Lever no longer lists; by their ids while it was not read.
fn in_order(inbound: Vec<String>, pipeline: Vec<pb::MappedStage>) -> Vec<(String, String)> {
    let (mut there, mut unknown): (Vec<_>, Vec<_>) = (Vec::new(), inbound);
    for stage in pipeline {
        if let Some(at) = unknown.iter().position(|id| *id == stage.stage_id) {
            there.push((unknown.remove(at), stage.text));
        }
    }
    there.extend(unknown.into_iter().map(|id| (id, String::new())));
    for (id, text) in &mut there {
        if text.is_empty() {
            text.clone_from(id);
        }
    }
    there
}

async fn filtered_list(
    desk: &Desk,
    id: &str,
    asked: &Asked,
    stages: &[(String, String)],
) -> Result<Found, Refused> {
    if stages.is_empty() {
        return Ok(Found::default());
    }
    let request = filtered(id, asked, stages);
    let answer = desk.call(CANDIDATES, request, Api::list_candidates).await?;
    Ok(Found {
        rows: answer.candidacies.into_iter().map(Row::from).collect(),
        next: answer.next_page_token,
        total: answer.total_size,
        as_of: answer.as_of,
    })
}

async fn plain_list(desk: &Desk, id: &str, asked: &Asked) -> Result<Found, Refused> {
    let order = match asked.newest_first() {
        true => pb::ApplicantOrder::NewestFirst,
        false => pb::ApplicantOrder::OldestFirst,
    };
    let request = pb::ListApplicantsRequest {
        connection_id: id.to_owned(),
        page_size: PAGE,
        page_token: asked.after.clone(),
        stage_ids: one(&asked.stage),
        order: order.into(),
    };
    let rpc = Tab::Applicants.rpc();
    let answer = desk.call(rpc, request, Api::list_applicants).await?;
    Ok(Found {
        rows: answer.applicants.into_iter().map(Row::from).collect(),
        next: answer.next_page_token,
        total: answer.total_size,
        as_of: answer.as_of,
    })
}

/// The same people as the list of applicants has, narrowed.
fn filtered(id: &str, asked: &Asked, stages: &[(String, String)]) -> pb::ListCandidatesRequest {
    let stage_ids = match asked.stage.as_str() {
        "" => stages.iter().map(|(id, _)| id.clone()).collect(),
        stage => vec![stage.to_owned()],
    };
    let named = |value: &str| match value {
        NONE => Vec::new(),
        value => one(value),
    };
    let order = match asked.newest_first() {
        true => pb::CandidateOrder::EnteredStage,
        false => pb::CandidateOrder::Waiting,
    };
    let filter = pb::CandidateFilter {
        stage_ids,
        posting_ids: named(&asked.posting),
        without_posting: asked.posting == NONE,
        owner_ids: named(&asked.owner),
        without_owner: asked.owner == NONE,
        origins: one(&asked.origin),
        archived: Some(false),
        sla_states: asked.state().into_iter().map(Into::into).collect(),
        ..Default::default()
    };
    pb::ListCandidatesRequest {
        connection_id: id.to_owned(),
        page_size: PAGE,
        page_token: asked.after.clone(),
        filter: Some(filter),
        order: order.into(),
    }
}

fn one(value: &str) -> Vec<String> {
    let value = (!value.is_empty()).then(|| value.to_owned());
    value.into_iter().collect()
}

/// The names of the owners on a page; a user whom the mirror does not have has none.
async fn names(desk: &Desk, id: &str, rows: &[Row]) -> BTreeMap<String, String> {
    let owners: BTreeSet<&str> = rows.iter().map(|row| row.owner.as_str()).collect();
    let owners = owners.into_iter().filter(|owner| !owner.is_empty());
    let named = owners.map(|owner| async move {
        let request = pb::GetUserRequest {
            connection_id: id.to_owned(),
            user_id: owner.to_owned(),
            ..Default::default()
        };
        let answer = desk.call(USER, request, Api::get_user).await.ok()?;
        Some((owner.to_owned(), answer.user?.name))
    });
    join_all(named).await.into_iter().flatten().collect()
}

/// What the settings of the connection leave out of its mirror, and so of the list; nothing where they do not.
fn left_out(connection: &pb::Connection) -> Markup {
    let snoozed = connection.include_snoozed == Some(false);
    let start = connection.sync_start_time.as_ref();
    html! {
        @if snoozed || start.is_some() {
            p.faint {
                "Left out here: "
                @if snoozed { "snoozed people" }
                @if snoozed && start.is_some() { "; " }
                @if start.is_some() { "people who came before " (moment(start)) }
                "."
            }
        }
    }
}

fn page(view: &View<'_>) -> Markup {
    html! {
        div.head {
            h1 { "Applicants" }
            @if let Some(report) = &view.report { a.button href=(report) { "SLA report" } }
        }
        p.faint { "SLA: how many days somebody may stay in a stage before that counts as late, and whether they are business days, as the page Stages sets it; the time in the stage counts every day." }
        (filters(view))
        p.faint role="status" {
            (count(view.found.total, "person", "people")) " "
            @if view.asked.newest_first() { "with the latest entry into the stage first" } @else { "with the longest wait first" }
            ", as of " (moment(view.found.as_of.as_ref())) "."
        }
        (left_out(view.connection))
        @if let Some(find) = &view.find { p { "Somebody missing? " a href=(find) { "Find out why" } "." } }
        @if view.stages.is_empty() {
            section.empty { h2 { "No stage is inbound" } p { "Which stages of Lever hold applicants is said in the stage mapping." } }
        } @else if view.found.rows.is_empty() {
            section.empty { h2 { "Nobody is here" } p { "Nobody open fits what is asked for; " a href=(view.path) { "show everybody" } "." } }
        } @else {
            (table(view))
            (go_on(view.path, &view.asked.narrowed(), [&view.asked.after, &view.found.next], "Next page"))
        }
    }
}

fn filters(view: &View<'_>) -> Markup {
    let asked = view.asked;
    html! {
        form.filters method="get" action=(view.path) {
            label { "Stage"
                select name="stage" {
                    option value="" { "All inbound stages" }
                    @for (id, text) in view.stages { option value=(id) selected[*id == asked.stage] { (text) } }
                }
            }
            @if view.may_filter {
                label { "SLA"
                    select name="sla" {
                        option value="" { "Any" }
                        @for (value, words, _) in STATES { option value=(value) selected[value == asked.sla] { (words) } }
                    }
                }
            }
            label { "Order"
                select name="order" {
                    option value="" { "Longest wait first" }
                    option value="newest" selected[asked.newest_first()] { "Newest first" }
                }
            }
            @if !asked.posting.is_empty() { input type="hidden" name="posting" value=(asked.posting); }
            @if !asked.owner.is_empty() { input type="hidden" name="owner" value=(asked.owner); }
            @if !asked.origin.is_empty() { input type="hidden" name="origin" value=(asked.origin); }
            button type="submit" { "Show" }
        }
        @if !asked.posting.is_empty() || !asked.owner.is_empty() || !asked.origin.is_empty() {
            p.chips {
                "Only "
                @if !asked.posting.is_empty() { (chip(view, "posting", posting_words(view))) }
                @if !asked.owner.is_empty() { (chip(view, "owner", owner_words(view))) }
                @if !asked.origin.is_empty() { (chip(view, "origin", &asked.origin)) }
            }
        }
    }
}

/// What the list is narrowed to, and the way to take that back.
fn chip(view: &View<'_>, name: &str, words: &str) -> Markup {
    let without = href(view.path, &view.asked.with(name, ""));
    html! { span.badge { (name) ": " (words) } " " a href=(without) { "all" span.unseen { " " (name) "s" } } " " }
}

fn posting_words<'a>(view: &'a View<'_>) -> &'a str {
    match view.asked.posting.as_str() {
        NONE => "none",
        _ => {
            let first = view.found.rows.first();
            first.map_or("chosen", |row| or_dash(&row.posting_text))
        }
    }
}

fn owner_words<'a>(view: &'a View<'_>) -> &'a str {
    match view.asked.owner.as_str() {
        NONE => "none",
        owner => view.owners.get(owner).map_or("chosen", String::as_str),
    }
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

fn table(view: &View<'_>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Applicants" {
            table.stacked {
                thead { tr { th { "Person" } th { "SLA" } th { "In the stage" } th { "Stage" } th { "Posting" } th { "Owner" } th { "Came in" } } }
                tbody { @for one in &view.found.rows { (row(one, view)) } }
            }
        }
    }
}

fn row(row: &Row, view: &View<'_>) -> Markup {
    let name = if row.name.is_empty() {
        Cow::Borrowed("(anonymized)")
    } else {
        isolated(&row.name)
    };
    html! {
        tr {
            td data-label="Person" { (in_lever::named(view.connection.region(), &row.opportunity, &name)) }
            td data-label="SLA" { (sla(&row.sla)) }
            td data-label="In the stage" { (waited(row.entered.as_ref(), &view.now)) }
            td data-label="Stage" { (row.stage) }
            td data-label="Posting" { (narrowing(view, "posting", &row.posting, or_dash(&row.posting_text))) }
            td data-label="Owner" { (narrowing(view, "owner", &row.owner, view.owners.get(&row.owner).map_or("–", |name| or_dash(name)))) }
            td data-label="Came in" { (narrowing(view, "origin", &row.origin, &row.origin)) @if row.applied.is_some() { br; span.faint { (moment(row.applied.as_ref())) } } }
        }
    }
}

/// A cell that narrows the list to its value.
fn narrowing(view: &View<'_>, name: &str, id: &str, words: &str) -> Markup {
    let already = view.asked.narrowed().contains(&(name, id));
    html! {
        @if id.is_empty() || already || !view.may_filter { (words) }
        @else { a href=(href(view.path, &view.asked.with(name, id))) { (words) } }
    }
}

/// How long somebody has been in a stage.
pub(super) fn waited(entered: Option<&Timestamp>, now: &Timestamp) -> Markup {
    html! {
        @if let Some(entered) = entered {
            (span(&Duration { seconds: now.seconds - entered.seconds, nanos: 0 }))
            br; span.faint { "since " (moment(Some(entered))) }
        } @else { "–" }
    }
}

/// How somebody stands, in a word and a color, and when it is due.
pub(super) fn sla(sla: &pb::Sla) -> Markup {
    let class = match sla.state() {
        pb::SlaState::OnTrack => "badge good",
        pb::SlaState::AtRisk => "badge warn",
        pb::SlaState::Breached => "badge bad",
        _ => "badge",
    };
    let mut states = STATES.iter();
    let found = states.find(|(.., state)| *state == sla.state());
    let words = found.map_or("not known", |(_, words, _)| words);
    html! {
        span.when { span class=(class) { (words) } @if let Some(over) = &sla.over_by { " " (span(over)) " over" } }
        @if let Some(due) = &sla.due_at { br; span.faint { "due " (moment(Some(due))) } }
    }
}

/// A time of the service's.
pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp {
        seconds: millis.div_euclid(1_000),
        nanos: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applicant(state: pb::SlaState) -> pb::Applicant {
        pb::Applicant {
            opportunity_id: "o-1".to_owned(),
            name: "Ada <Lovelace>".to_owned(),
            posting_id: "p-1".to_owned(),
            posting_text: "Engineer".to_owned(),
            owner_id: "u-1".to_owned(),
            origin: "referred".to_owned(),
            entered_stage_at: Some(at(0)),
            sla: Some(pb::Sla {
                state: state.into(),
                over_by: (state == pb::SlaState::Breached).then_some(Duration {
                    seconds: 172_800,
                    nanos: 0,
                }),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn shown(asked: &Asked, may_filter: bool) -> String {
        let found = Found {
            rows: vec![applicant(pb::SlaState::Breached).into()],
            total: 1,
            next: "t".to_owned(),
            as_of: None,
        };
        page(&View {
            path: "/a",
            connection: &pb::Connection {
                region: pb::Region::Sandbox.into(),
                include_snoozed: Some(false),
                sync_start_time: Some(at(0)),
                ..Default::default()
            },
            asked,
            stages: &[("s-1".to_owned(), "New applicant".to_owned())],
            owners: &BTreeMap::from([("u-1".to_owned(), "Grace".to_owned())]),
            found: &found,
            now: at(259_200_000),
            may_filter,
            report: Some("/a/sla".to_owned()),
            find: Some("/a/find".to_owned()),
        })
        .into_string()
    }

    #[test]
    fn an_applicant_is_shown_with_the_wait_and_the_sla_in_words() {
        let text = shown(&Asked::default(), true);
        assert!(text.contains("badge bad\">breached</span> 2 d over"));
        assert!(
            text.contains("data-label=\"In the stage\">3 d<br>"),
            "{text}"
        );
        assert!(text.contains("https://hire.sandbox.lever.co/candidates/o-1"));
        assert!(text.contains("Left out here: snoozed people; people who came before <time"));
        assert_eq!(left_out(&pb::Connection::default()).into_string(), "");
        assert!(text.contains("Ada &lt;Lovelace&gt;") && text.contains(">Grace</a>"));
        assert!(text.contains("href=\"/a?owner=u-1\"") && text.contains("href=\"/a?posting=p-1\""));
        assert!(text.contains("<a href=\"/a?origin=referred\">referred</a>"));
    }

    #[test]
    fn a_filter_stays_on_the_next_page_and_can_be_taken_back() {
        let asked = Asked {
            stage: "s-1".to_owned(),
            owner: "u-1".to_owned(),
            ..Default::default()
        };
        let text = shown(&asked, true);
        assert!(text.contains("href=\"/a?stage=s-1&amp;owner=u-1&amp;after=t\""));
        assert!(text.contains("owner: Grace") && text.contains("<a href=\"/a?stage=s-1\">all"));
        assert!(text.contains("value=\"s-1\" selected"));
        let referred = Asked {
            origin: "referred".to_owned(),
            ..Default::default()
        };
        let text = shown(&referred, true);
        assert!(text.contains("name=\"origin\" value=\"referred\""));
        assert!(text.contains("origin: referred") && text.contains("<a href=\"/a\">all"));
        let bound = shown(&Asked::default(), false);
        assert!(!bound.contains("posting=p-1") && !bound.contains("name=\"sla\""));
    }

    #[test]
    fn inbound_stages_are_in_the_order_of_the_pipeline_and_a_missing_one_stays() {
        let stage = |id: &str, text: &str| pb::MappedStage {
            stage_id: id.to_owned(),
            text: text.to_owned(),
            ..Default::default()
        };
        let inbound = ["a", "b", "gone", "never"].map(str::to_owned).to_vec();
        let pipeline = [stage("b", "B"), stage("other", "O"), stage("a", "A")];
        let missing = [stage("gone", "")];
        let ordered = in_order(inbound, [&pipeline[..], &missing].concat());
        let texts: Vec<_> = ordered.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["B", "A", "gone", "never"]);
    }

    #[test]
    fn what_is_asked_for_becomes_a_question_about_open_people_in_inbound_stages() {
        let stages = [
            ("a".to_owned(), String::new()),
            ("b".to_owned(), String::new()),
        ];
        let asked = Asked {
            posting: NONE.to_owned(),
            owner: "u".to_owned(),
            origin: "referred".to_owned(),
            sla: "at-risk".to_owned(),
            ..Default::default()
        };
        let filter = filtered("c", &asked, &stages).filter.unwrap();
        assert_eq!(filter.stage_ids, ["a", "b"]);
        assert!(filter.without_posting && filter.posting_ids.is_empty());
        assert!(!filter.without_owner && filter.owner_ids == ["u"]);
        assert_eq!(filter.sla_states, [i32::from(pb::SlaState::AtRisk)]);
        assert_eq!(filter.origins, ["referred"]);
        assert_eq!(filter.archived, Some(false));
    }
}
