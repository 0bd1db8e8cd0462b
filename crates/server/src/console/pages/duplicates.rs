//! People who may be in Lever twice, with what says so (product.md, screen 13). They are merged in Lever, not here.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::get;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::candidate_service_server::CandidateService as _;
use serde::Deserialize;

use super::{go_on, href};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::form::Posted;
use crate::console::frame::{Tab, action_on};
use crate::console::in_lever;
use crate::console::refusal::Refused;
use crate::console::words::{count, isolated, moment};
use crate::grpc::Api;

/// How long a page looks for somebody before it says that nobody was found yet: what a page may take.
const LOOKS_FOR: Duration = Duration::from_millis(12);
const DISMISS: &str = "/fulcrum.v1.CandidateService/DismissDuplicate";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(
        "/console/connections/{id}/duplicates",
        get(list).post(dismiss),
    )
}

/// What the page is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    after: String,
    weak: String,
    dismissed: String,
}

impl Asked {
    /// The address of the same view.
    fn at(&self, path: &str) -> String {
        let asked = [
            ("weak", self.weak.as_str()),
            ("dismissed", &self.dismissed),
            ("after", &self.after),
        ];
        href(path, &asked)
    }
}

/// What the page shows.
struct View<'a> {
    path: &'a str,
    region: pb::Region,
    asked: &'a Asked,
    answer: &'a pb::ListDuplicatesResponse,
    /// What forms carry, where the reader may tell people apart.
    csrf: Option<&'a str>,
    /// Where somebody is looked for.
    find: Option<String>,
}

async fn list(
    desk: Desk,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let answer = looked_for(&desk, &id, &asked).await?;
    let content = page(&View {
        path: &Tab::Duplicates.path(&id),
        region: connection.region(),
        asked: &asked,
        answer: &answer,
        csrf: desk.may(DISMISS).then_some(desk.csrf()),
        find: desk.way(Tab::Find, &id),
    });
    Ok(desk.at(&connection, Tab::Duplicates, content))
}

/// Goes on for a moment where a page of the rpc has nobody, so that a person need not.
async fn looked_for(
    desk: &Desk,
    id: &str,
    asked: &Asked,
) -> Result<pb::ListDuplicatesResponse, Refused> {
    let began = Instant::now();
    let mut page_token = asked.after.clone();
    loop {
        let request = pb::ListDuplicatesRequest {
            connection_id: id.to_owned(),
            page_size: 25,
            page_token,
            include_weak: !asked.weak.is_empty(),
            include_dismissed: !asked.dismissed.is_empty(),
        };
        let rpc = Tab::Duplicates.rpc();
        let answer = desk.call(rpc, request, Api::list_duplicates).await?;
        let found = !answer.pairs.is_empty() || !answer.crowds.is_empty();
        if found || answer.next_page_token.is_empty() || began.elapsed() > LOOKS_FOR {
            return Ok(answer);
        }
        page_token = answer.next_page_token;
    }
}

async fn dismiss(
    Path(connection_id): Path<String>,
    Query(asked): Query<Asked>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let path = Tab::Duplicates.path(&connection_id);
    let undo = form.ticked("undo");
    let request = pb::DismissDuplicateRequest {
        connection_id,
        contact_id: form.text("one").to_owned(),
        other_contact_id: form.text("other").to_owned(),
        undo,
    };
    desk.call(DISMISS, request, Api::dismiss_duplicate).await?;
    let said = match undo {
        true => "They may be one person after all: the pair is listed again.",
        false if asked.dismissed.is_empty() => {
            "They are told apart: the pair is listed only with “Also who was told apart”, where that can be taken back."
        }
        false => "They are told apart.",
    };
    Ok(desk.done(&asked.at(&path), said))
}

fn page(view: &View<'_>) -> Markup {
    let answer = view.answer;
    let none = answer.pairs.is_empty() && answer.crowds.is_empty();
    html! {
        h1 { "Duplicates" }
        p { "People who are in Lever under two contacts. Open both there and merge them in Lever, where that cannot be undone; or say that they are two people." }
        @if let Some(find) = &view.find { p { "Looking for one person? " a href=(find) { "Find a person" } "." } }
        form.filters method="get" action=(view.path) {
            label.check { input type="checkbox" name="weak" checked[!view.asked.weak.is_empty()]; "Also who shares no more than a telephone number, or a name with an employer" }
            label.check { input type="checkbox" name="dismissed" checked[!view.asked.dismissed.is_empty()]; "Also who was told apart" }
            button type="submit" { "Show" }
        }
        p.faint {
            @if answer.as_of.is_some() { "As of " (moment(answer.as_of.as_ref())) "." }
            @else { "The first import has not ended: whoever it has not read yet is not among them." }
            @if answer.history_start_time.is_some() { " Who was created before " (moment(answer.history_start_time.as_ref())) " is not mirrored." }
        }
        (how_many(view))
        @if none {
            @match (view.asked.after.is_empty(), answer.next_page_token.is_empty()) {
                (true, true) => section.empty { h2 { "Nobody is here twice" } p { "Pairs show up when two people share an e-mail address or a page of LinkedIn, GitHub or X." } },
                (false, true) => section.empty { h2 { "Nobody else is here twice" } p { "Everybody was looked at." } },
                (_, false) => section.empty { h2 { "Nobody on this page" } p { "A page looks at so many people that it comes at once; go on to look at the next." } },
            }
        }
        @for pair in &answer.pairs { (two(pair, view)) }
        @for crowd in &answer.crowds { (one_crowd(crowd)) }
        // Where scripts run, an empty page goes on by itself.
        div data-go-on[none] {
            (go_on(view.path, &[("weak", &view.asked.weak), ("dismissed", &view.asked.dismissed)], [&view.asked.after, &answer.next_page_token], if none { "Go on" } else { "Next page" }))
        }
    }
}

/// How many there are, as far as that is known: nobody counts them before everybody was gone through.
fn how_many(view: &View<'_>) -> Markup {
    let answer = view.answer;
    let pairs = count(answer.pairs.len() as u64, "pair", "pairs");
    let (first, last) = (
        view.asked.after.is_empty(),
        answer.next_page_token.is_empty(),
    );
    html! {
        @if !last {
            p.faint role="status" {
                @if !answer.pairs.is_empty() { (pairs) " on this page, and more may follow. How many there are in all is not known before everybody was gone through. " }
                "Everybody is gone through page by page: " (answer.walked_percent) " % so far."
            }
        } @else if !answer.pairs.is_empty() {
            p.faint role="status" { (pairs) @if first { " in all." } @else { " on this page, which is the last." } }
        }
    }
}

fn two(pair: &pb::DuplicatePair, view: &View<'_>) -> Markup {
    let evidence = pair.people.first().map_or(&[][..], |one| &one.evidence);
    let kinds: Vec<String> = evidence.iter().map(|one| kind(&one.kind)).collect();
    let names: Vec<_> = pair.people.iter().map(name).collect();
    let whose = format!(": {}", names.join(" and "));
    html! {
        article.panel {
            h2 { "Same " (kinds.join(" and ")) span.unseen { (whose) } }
            div.pair { @for person in &pair.people { (one_person(person, view.region)) } }
            @if let Some(dismissal) = &pair.dismissal {
                p.faint { "Told apart by " (dismissal.dismissed_by) ", " (moment(dismissal.dismissed_at.as_ref())) }
            }
            @if let (Some(csrf), [one, other]) = (view.csrf, pair.people.as_slice()) {
                @let (one, other) = (one.contact_id.as_str(), other.contact_id.as_str());
                @let path = view.asked.at(view.path);
                @if pair.dismissal.is_none() { (action_on(csrf, &path, ("Not a duplicate", &whose), &[("one", one), ("other", other)])) }
                @else { (action_on(csrf, &path, ("Take that back", &whose), &[("one", one), ("other", other), ("undo", "on")])) }
            }
        }
    }
}

fn name(person: &pb::CandidateMatch) -> Cow<'_, str> {
    match person.name.as_str() {
        "" => Cow::Borrowed("(no name)"),
        name => isolated(name),
    }
}

fn one_person(person: &pb::CandidateMatch, region: pb::Region) -> Markup {
    let name = name(person);
    let newest = person.candidacies.first();
    html! {
        div {
            p {
                strong { (name) }
                @if person.do_not_contact { " " span.badge.warn { "do not contact" } }
            }
            @if let Some(page) = newest.and_then(|newest| in_lever::person(region, &newest.opportunity_id)) {
                p { a href=(page) rel="noreferrer" { "Open in Lever" span.unseen { ": " (name) } } }
            }
            p.faint { (count(person.candidacies.len() as u64, "opportunity", "opportunities")) ", last dealt with " (moment(person.last_interaction_at.as_ref())) }
            ul {
                @for one in person.candidacies.iter().take(3) {
                    li { (standing(one)) }
                }
            }
        }
    }
}

/// How a candidacy stands, in a line.
pub(super) fn standing(one: &pb::Candidacy) -> Markup {
    html! {
        @if one.posting_text.is_empty() { "no posting" } @else { (one.posting_text) }
        ": "
        @match one.outcome() {
            pb::CandidacyOutcome::Pending => (one.stage_text),
            pb::CandidacyOutcome::Hired => "hired",
            _ => {
                "archived"
                @if !one.archive_reason_text.is_empty() { " (" (one.archive_reason_text) ")" }
            }
        }
    }
}

fn one_crowd(crowd: &pb::DuplicateCrowd) -> Markup {
    html! {
        article.panel {
            h2 { (count(crowd.people.into(), "person", "people")) " with the same " (kind(&crowd.kind)) }
            p { "More than ten share it, as with the address of an agency: that pairs nobody, and there is nothing to do here." }
        }
    }
}

/// What two people agree in, in words.
pub(super) fn kind(code: &str) -> String {
    match code {
        "email" => "e-mail address".to_owned(),
        "linkedin" => "LinkedIn page".to_owned(),
        "github" => "GitHub page".to_owned(),
        "twitter" => "X page".to_owned(),
        "phone" => "telephone number".to_owned(),
        "name_and_employer" => "name and employer".to_owned(),
        other => other.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str) -> pb::CandidateMatch {
        pb::CandidateMatch {
            contact_id: id.to_owned(),
            name: "<Ada>".to_owned(),
            evidence: vec![pb::MatchEvidence {
                kind: "email".to_owned(),
                field: String::new(),
            }],
            candidacies: vec![pb::Candidacy {
                opportunity_id: format!("o-{id}"),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    #[test]
    fn a_page_without_anybody_says_whether_that_was_all() {
        let shown = |after: &str, answer: &pb::ListDuplicatesResponse| {
            page(&View {
                path: "/d",
                region: pb::Region::Eu,
                asked: &Asked {
                    after: after.to_owned(),
                    weak: "on".to_owned(),
                    ..Default::default()
                },
                answer,
                csrf: None,
                find: None,
            })
            .into_string()
        };
        let last = pb::ListDuplicatesResponse {
            walked_percent: 100,
            ..Default::default()
        };
        assert!(shown("", &last).contains("Nobody is here twice"));
        assert!(shown("t", &last).contains("Nobody else is here twice"));
        assert!(!shown("t", &last).contains("so far"));
        let more = pb::ListDuplicatesResponse {
            walked_percent: 42,
            next_page_token: "u".to_owned(),
            ..Default::default()
        };
        let text = shown("", &more);
        assert!(text.contains("42 % so far") && text.contains("Nobody on this page"));
        assert!(text.contains("data-go-on") && !text.contains("As of"));
        assert!(text.contains("href=\"/d?weak=on&amp;after=u\">Go on<"));
        assert!(shown("t", &last).contains("href=\"/d?weak=on\">First page<"));
    }

    #[test]
    fn a_pair_shows_its_evidence_both_ways_to_lever_and_what_the_reader_may_say() {
        let mut answer = pb::ListDuplicatesResponse {
            pairs: vec![pb::DuplicatePair {
                people: vec![person("c1"), person("c2")],
                dismissal: None,
            }],
            ..Default::default()
        };
        let shown = |answer: &pb::ListDuplicatesResponse, csrf| {
            page(&View {
                path: "/d",
                region: pb::Region::Eu,
                asked: &Asked {
                    weak: "on".to_owned(),
                    ..Default::default()
                },
                answer,
                csrf,
                find: None,
            })
            .into_string()
        };
        let text = shown(&answer, Some("t"));
        assert!(text.contains(">1 pair in all.<"));
        assert!(
            text.contains("action=\"/d?weak=on\""),
            "what is done returns to the view"
        );
        assert!(text.contains("Same e-mail address") && text.contains("&lt;Ada&gt;"));
        assert!(text.contains(
            "Not a duplicate<span class=\"unseen\">: &lt;Ada&gt; and &lt;Ada&gt;</span>"
        ));
        assert!(!text.contains("data-go-on"));
        assert!(
            text.contains("lever.co/candidates/o-c1") && text.contains("lever.co/candidates/o-c2")
        );
        assert!(text.contains("name=\"one\" value=\"c1\"") && text.contains("Not a duplicate"));
        assert!(!shown(&answer, None).contains("method=\"post\""));
        let more = pb::ListDuplicatesResponse {
            next_page_token: "u".to_owned(),
            ..answer.clone()
        };
        let more = shown(&more, None);
        assert!(
            more.contains(">1 pair on this page, and more may follow.")
                && !more.contains("in all.")
        );
        answer.pairs[0].dismissal = Some(pb::DuplicateDismissal {
            dismissed_by: "me".to_owned(),
            dismissed_at: None,
        });
        let text = shown(&answer, Some("t"));
        assert!(text.contains("Take that back") && !text.contains("Not a duplicate"));
    }
}
