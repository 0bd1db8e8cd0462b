//! Why somebody is not there: among the applicants, or in the mirror at all; and what is stored of them (product.md,
//! screen 14).
//!
//! Who is looked for is sent in the body of a request, so that nothing about a person is in an address or a log.

use std::borrow::Cow;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::candidate_service_server::CandidateService as _;
use proto::v1::explain_candidate_request::Who as Asked;
use proto::v1::sync_service_server::SyncService as _;

use super::duplicates::{kind, standing};
use super::fields::person::{Who, who};
use super::person::{goes_again, why_left_out};
use crate::console::Console;
use crate::console::desk::Desk;
use crate::console::field::Field;
use crate::console::form::Posted;
use crate::console::frame::{Tab, csrf};
use crate::console::in_lever;
use crate::console::models::without_people;
use crate::console::refusal::{Refused, sentence};
use crate::console::words::{count, isolated, moment, number, plain};
use crate::grpc::Api;
use crate::wire::status::status;

const READ: &str = "/fulcrum.v1.SyncService/StartSync";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/connections/{id}/find", get(show).post(find))
        .route("/console/connections/{id}/find/read", post(read))
}

/// What the page shows.
struct View<'a> {
    connection: &'a pb::Connection,
    csrf: &'a str,
    /// What was typed.
    typed: &'a str,
    /// Why it could not be looked for, or read.
    refused: Option<&'a Refused>,
    /// What was done before.
    said: Option<&'a str>,
    answer: Option<&'a pb::ExplainCandidateResponse>,
    /// Whether the reader may have people read now.
    may_read: bool,
    /// The tabs that the reader may open.
    tabs: &'a [Tab],
}

async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    desk.check(Tab::Find.rpc())?;
    let connection = desk.connection(&id).await?;
    Ok(shown(&desk, &connection, "", None, None, None))
}

async fn find(Path(id): Path<String>, Posted { desk, form }: Posted) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let typed = form.text("who");
    let ask_lever = form.text("where") == "lever";
    match explained(&desk, &id, typed, ask_lever).await {
        Ok(answer) => Ok(shown(&desk, &connection, typed, None, None, Some(&answer))),
        Err(refused) => Ok(again(&desk, &connection, typed, refused)),
    }
}

/// Has an opportunity read that Lever has, and tells how things stand then.
async fn read(Path(id): Path<String>, Posted { desk, form }: Posted) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let typed = form.text("who");
    let request = pb::StartSyncRequest {
        connection_id: id.clone(),
        opportunity_id: form.text("opportunity").to_owned(),
        ..Default::default()
    };
    if request.opportunity_id.is_empty() {
        let message = "say which opportunity is to be read";
        return Err(Refused::from(status(engine::Error::invalid(
            "opportunity_id",
            message,
        ))));
    }
    let read = desk.call(READ, request, Api::start_sync).await;
    let read = match read {
        Ok(read) => read,
        Err(refused) => return Ok(again(&desk, &connection, typed, refused)),
    };
    let again_gone = goes_again(read.left_out());
    let said = format!("It was read from Lever; what is below it is read next.{again_gone}");
    match explained(&desk, &id, typed, false).await {
        Ok(answer) => Ok(shown(
            &desk,
            &connection,
            typed,
            None,
            Some(&said),
            Some(&answer),
        )),
        Err(refused) => Ok(again(&desk, &connection, typed, refused)),
    }
}

async fn explained(
    desk: &Desk,
    id: &str,
    typed: &str,
    ask_lever: bool,
) -> Result<pb::ExplainCandidateResponse, Refused> {
    let nobody = |message: &str| {
        let error = engine::Error::invalid("who", message);
        Err(Refused::from(status(error)))
    };
    let who = match who(typed) {
        Who::Anybody => return nobody("say who is missing"),
        Who::Nobody => {
            return nobody(
                "a name alone fits too many people: add the employer behind a comma, as in Ada Lovelace, Acme, or give \
                 an e-mail address, a profile, a telephone number or an id of Lever's",
            );
        }
        Who::Identity(identity) => Asked::Identity(*identity),
        Who::Id(id) => Asked::OpportunityId(id),
    };
    let request = pb::ExplainCandidateRequest {
        connection_id: id.to_owned(),
        who: Some(who),
        ask_lever,
    };
    let rpc = Tab::Find.rpc();
    desk.call(rpc, request, Api::explain_candidate).await
}

/// The form as it was filled in, with what is wrong.
fn again(desk: &Desk, connection: &pb::Connection, typed: &str, refused: Refused) -> Response {
    let page = shown(desk, connection, typed, Some(&refused), None, None);
    (refused.http(), page).into_response()
}

fn shown(
    desk: &Desk,
    connection: &pb::Connection,
    typed: &str,
    refused: Option<&Refused>,
    said: Option<&str>,
    answer: Option<&pb::ExplainCandidateResponse>,
) -> Response {
    let tabs = desk.tabs();
    let view = View {
        connection,
        csrf: desk.csrf(),
        typed,
        refused,
        said,
        answer,
        may_read: desk.may(READ),
        tabs: &tabs,
    };
    desk.at(connection, Tab::Find, page(&view))
}

fn page(view: &View<'_>) -> Markup {
    let settings = view.tabs.contains(&Tab::Settings);
    let settings = settings.then(|| Tab::Settings.path(&view.connection.id));
    html! {
        h1 { "Find a person" }
        (without_people(view.connection, settings.as_deref()))
        @if let Some(said) = view.said { div.notice.good role="status" { p { (said) } } }
        @if let Some(refused) = view.refused.filter(|refused| refused.about("who").is_none()) { (refused.notice()) }
        p { "Why somebody is not there: among the applicants, or here at all; and what is stored of them." }
        (form(view))
        @if let Some(answer) = view.answer { (answered(view, answer)) }
    }
}

fn form(view: &View<'_>) -> Markup {
    let field = Field {
        name: "who",
        label: "Who is missing",
        help: "An e-mail address, a page of LinkedIn, GitHub or X, a telephone number, a name with an employer behind a comma, the address of the person's page in Lever, or an id of Lever's.",
        refused: view.refused.map(|refused| (refused, "who")),
    };
    let connected = view.connection.disconnect_time.is_none();
    html! {
        form method="post" action=(Tab::Find.path(&view.connection.id)) {
            (csrf(view.csrf))
            (field.line(view.typed))
            @if field.refused.is_some() && view.tabs.contains(&Tab::Applicants) {
                p { "Only the name is known? Look through the " a href=(Tab::Applicants.path(&view.connection.id)) { "applicants" } "." }
            }
            p {
                button.primary type="submit" { "Find" } " "
                @if connected { button type="submit" name="where" value="lever" { "Look in Lever" } }
            }
            p.faint {
                @if connected { "Looking in Lever takes a few calls to its API and tells what is there at this moment." }
                @else { "The account is disconnected: only what is stored is looked at, and nothing in Lever." }
            }
        }
    }
}

fn answered(view: &View<'_>, answer: &pb::ExplainCandidateResponse) -> Markup {
    html! {
        div role="status" {
            h2 {
                @if answer.people.is_empty() { "Nobody is found" }
                @else { (count(answer.people.len() as u64, "person", "people")) " found" }
            }
            p.faint {
                @if answer.as_of.is_some() { "As of " (moment(answer.as_of.as_ref())) "." }
                @if !answer.unused_fields.is_empty() { " What was typed is nothing that somebody can be recognized by." }
            }
        }
        @for person in &answer.people { (one_person(view, person)) }
        @if answer.people.is_empty() { (causes(view, &answer.causes)) }
        @if let Some(seen) = &answer.in_lever { (in_lever_now(view, seen)) }
        @else if answer.people.is_empty() && view.connection.disconnect_time.is_none() { p { "“Look in Lever” tells whether Lever has them." } }
        @if !answer.people.is_empty() { (forgetting(view)) }
    }
}

/// What can explain that nobody is found, the most likely first.
fn causes(view: &View<'_>, causes: &[pb::AbsenceCause]) -> Markup {
    let certain = causes.iter().any(|cause| cause.certain);
    html! {
        section.panel {
            h3 { @if certain { "Why" } @else { "What can be the reason, the most likely first" } }
            ol.causes {
                @for cause in causes {
                    li {
                        p { (sentence(&cause.message)) (more(cause)) }
                        @if !cause.detail.is_empty() { p.faint { (sentence(&cause.detail)) } }
                        p { strong { "What to do: " } (sentence(&cause.repair)) (way(view, place_of(cause.reason()))) }
                    }
                }
            }
        }
    }
}

/// What the words of a cause leave out.
fn more(cause: &pb::AbsenceCause) -> Markup {
    use pb::AbsenceReason as Reason;
    let at = cause.time.as_ref();
    html! {
        @match cause.reason() {
            Reason::FirstImport => {
                " " (count(cause.records, "person was", "people were")) " read so far"
                @if cause.expected_records > 0 { ", of about " (number(cause.expected_records)) }
                "."
            }
            Reason::Disconnected => { " It goes " (moment(at)) "." }
            Reason::HistoryStart => { " It begins " (moment(at)) "." }
            Reason::Deleted | Reason::NoLongerShown | Reason::RecordUnreadable => { " Since " (moment(at)) "." }
            Reason::Failed | Reason::Paused | Reason::Stale | Reason::NewerThanMirror => {
                " The last complete pass began " (moment(at)) "."
            }
            _ => {}
        }
    }
}

/// The page that repairs a cause; none where no page does.
fn place_of(reason: pb::AbsenceReason) -> Option<Tab> {
    use pb::AbsenceReason as Reason;
    match reason {
        Reason::NotKept | Reason::HistoryStart | Reason::ArchivedLeftOut | Reason::KeyRejected => {
            Some(Tab::Settings)
        }
        Reason::Forbidden | Reason::KeySeesNoConfidential => Some(Tab::Permissions),
        Reason::NotRead | Reason::FirstImport => Some(Tab::Overview),
        Reason::Failed | Reason::Stale => Some(Tab::Issues),
        Reason::Paused
        | Reason::NewerThanMirror
        | Reason::SomeUnreadable
        | Reason::RecordUnreadable => Some(Tab::Sync),
        Reason::SnoozedLeftOut => Some(Tab::Inbound),
        Reason::CallerSeesNoConfidential => Some(Tab::Privacy),
        Reason::Unspecified
        | Reason::Disconnected
        | Reason::IdentityTooWeak
        | Reason::IdOfAnotherKind
        | Reason::Deleted
        | Reason::NoLongerShown
        | Reason::IndexBeingMade
        | Reason::IdentityWeak
        | Reason::Forgotten
        | Reason::IdUnknown
        | Reason::KnownOtherwise => None,
    }
}

/// The way to a page, where there is one that the reader may open.
fn way(view: &View<'_>, tab: Option<Tab>) -> Markup {
    let tab = tab.filter(|tab| view.tabs.contains(tab));
    html! {
        @if let Some(tab) = tab { " " a href=(tab.path(&view.connection.id)) { "Go to " (tab.label()) } "." }
    }
}

fn one_person(view: &View<'_>, person: &pb::ExplainedPerson) -> Markup {
    let name = match person.name.as_str() {
        "" => Cow::Borrowed("(no name)"),
        name => isolated(name),
    };
    let kinds = person.evidence.iter().map(|one| told_by(&one.kind));
    let kinds: Vec<String> = kinds.collect();
    html! {
        article.panel {
            h3 {
                (name)
                @if person.anonymized { " " span.badge { "anonymized in Lever" } }
                @if person.do_not_contact { " " span.badge.warn { "do not contact" } }
            }
            p.faint {
                "Found by " (kinds.join(", "))
                @if person.strength() == pb::MatchStrength::Weak { ": others may share that" }
                "."
            }
            @if !person.merged_contact_id.is_empty() { p { "Who was looked for was merged into this person in Lever." } }
            @for explained in &person.candidacies { (one_candidacy(view, explained)) }
            @if person.more_candidacies > 0 {
                p { "And " (count(person.more_candidacies.into(), "more opportunity", "more opportunities")) "." }
            }
        }
    }
}

/// What somebody was found by, in words.
fn told_by(code: &str) -> String {
    match code {
        "contact_id" => "the id of the person".to_owned(),
        "opportunity_id" => "the id of an opportunity".to_owned(),
        other => kind(other),
    }
}

fn one_candidacy(view: &View<'_>, explained: &pb::ExplainedCandidacy) -> Markup {
    let default = pb::Candidacy::default();
    let row = explained.candidacy.as_ref().unwrap_or(&default);
    html! {
        section {
            h4 { (standing(row)) }
            p {
                @if explained.listed { span.badge.good { "among the applicants" } }
                @else { span.badge.warn { "not among the applicants" } }
                @if row.snoozed_until.is_some() { " " span.badge { "snoozed" } }
                @if row.confidential { " " span.badge { "confidential" } }
                @if let Some(page) = in_lever::person(view.connection.region(), &row.opportunity_id) {
                    " " a href=(page) rel="noreferrer" { "Open in Lever" span.unseen { ": " (standing(row)) } }
                }
            }
            @for reason in &explained.not_listed {
                p { (sentence(&reason.message)) " " strong { "What to do: " } (sentence(&reason.repair)) (way(view, repaired_at(reason.reason()))) }
            }
            @if row.snoozed_until.is_some() { p { "It is snoozed until " (moment(row.snoozed_until.as_ref())) ": its SLA is paused until then." } }
            @if row.confidential { p { "It is confidential: only tokens with the right to it see it, here and among the applicants." } }
            @for record in &explained.set_aside {
                p { "One of its " (plain(&record.stream, "")) " could not be read, since " (moment(record.time.as_ref())) ": " (sentence(&record.reason)) (way(view, Some(Tab::Sync))) }
            }
            (stored(view, explained, &row.opportunity_id))
        }
    }
}

/// The page where a reason why somebody is no applicant is repaired; none where that is in Lever.
fn repaired_at(reason: pb::NotListedReason) -> Option<Tab> {
    use pb::NotListedReason as Reason;
    match reason {
        Reason::StageNotInbound | Reason::StageNotMapped => Some(Tab::Stages),
        Reason::Unspecified | Reason::Archived | Reason::NoStage => None,
    }
}

/// What is stored of a candidacy, list by list.
fn stored(view: &View<'_>, explained: &pb::ExplainedCandidacy, opportunity: &str) -> Markup {
    let unread = explained
        .lists
        .iter()
        .any(|list| list.reason == "NOT_HYDRATED");
    html! {
        details {
            summary { "What is stored" }
            p { "The opportunity itself, as Lever sent it " (moment(explained.read_time.as_ref())) "." }
            div.scroll tabindex="0" role="region" aria-label="What is stored" {
                table {
                    thead { tr { th scope="col" { "List" } th.num scope="col" { "Records" } th scope="col" { "Read" } } }
                    tbody {
                        @for list in &explained.lists {
                            tr {
                                td { (plain(&list.stream, "")) }
                                td.num { (number(list.records)) }
                                td {
                                    @match list.reason.as_str() {
                                        "" if list.read_time.is_none() && list.stream == "eeo_responses" => "with the list of all",
                                        "" if list.read_time.is_none() => "with the opportunity",
                                        "" => (moment(list.read_time.as_ref())),
                                        "NOT_HYDRATED" => "not read yet",
                                        "STREAM_NOT_KEPT" => { "not kept" (way(view, Some(Tab::Settings))) }
                                        "LEVER_PERMISSION_MISSING" => { "the key may not read it" (way(view, Some(Tab::Permissions))) }
                                        _ => (sentence(&list.message)),
                                    }
                                    @if list.waiting { ", waits to be read" }
                                }
                            }
                        }
                    }
                }
            }
            p { "Files themselves are not kept: what is stored of files and resumes says where Lever has them." }
            p {
                (count(explained.operations.into(), "write", "writes")) " about it " @if explained.operations == 1 { "is" } @else { "are" } " kept here"
                @if explained.open_operations > 0 { ", " (number(explained.open_operations.into())) " of them not settled" }
                "." (way(view, Some(Tab::Operations)))
            }
            @if unread && view.may_read { (read_now(view, opportunity, "Read them now")) }
        }
    }
}

/// A button that has an opportunity read.
fn read_now(view: &View<'_>, opportunity: &str, label: &str) -> Markup {
    html! {
        form.inline method="post" action={ (Tab::Find.path(&view.connection.id)) "/read" } {
            (csrf(view.csrf))
            input type="hidden" name="who" value=(view.typed);
            input type="hidden" name="opportunity" value=(opportunity);
            button type="submit" { (label) }
        }
    }
}

fn in_lever_now(view: &View<'_>, seen: &pb::InLever) -> Markup {
    let told = match seen.answer() {
        pb::LeverAnswer::Found => match seen.opportunities.iter().any(|one| !one.mirrored) {
            true => "Lever has what is not here yet.".to_owned(),
            false => "Whatever Lever shows of them is here.".to_owned(),
        },
        _ => sentence(&seen.message),
    };
    html! {
        section.panel {
            h3 { "In Lever" }
            p role="status" { (told) }
            @for one in &seen.opportunities { (one_in_lever(view, one)) }
            @if !seen.gone_opportunity_ids.is_empty() {
                p {
                    (count(seen.gone_opportunity_ids.len() as u64, "opportunity", "opportunities"))
                    " that are here are no longer shown by Lever; the next passes take them out."
                }
            }
        }
    }
}

fn one_in_lever(view: &View<'_>, one: &pb::LeverOpportunity) -> Markup {
    let default = pb::Candidacy::default();
    let row = one.candidacy.as_ref().unwrap_or(&default);
    html! {
        section {
            h4 {
                @if row.name.is_empty() { "(no name)" } @else { (isolated(&row.name)) }
                ", " @if row.archived_at.is_some() { "archived" } @else { (row.stage_text) }
            }
            p {
                @match (one.mirrored, one.differences.is_empty()) {
                    (false, _) => span.badge.warn { "not here" },
                    (true, true) => span.badge.good { "here, and the same" },
                    (true, false) => span.badge { "here, and different" },
                }
                @if let Some(page) = in_lever::person(view.connection.region(), &row.opportunity_id) {
                    " " a href=(page) rel="noreferrer" { "Open in Lever" span.unseen { ": " (row.name) } }
                }
            }
            @if !one.differences.is_empty() {
                @let names: Vec<&str> = one.differences.iter().map(|name| attribute(name)).collect();
                p { "Different: " (names.join(", ")) "." }
            }
            @if !one.mirrored {
                @for left_out in one.left_out() { p { (why_left_out(left_out)) (way(view, settings_of(left_out))) } }
                @if view.may_read && !one.left_out.is_empty() { p { "Read now, it is here until the next walk over everybody, which takes it out again unless the settings are changed." } }
            }
            @if view.may_read && (!one.mirrored || !one.differences.is_empty()) {
                (read_now(view, &row.opportunity_id, "Read it now"))
            }
        }
    }
}

/// An attribute of Lever's, in words.
fn attribute(name: &str) -> &str {
    match name {
        "contact" => "the person it belongs to",
        "snoozedUntil" => "until when it is snoozed",
        "confidentiality" => "whether it is confidential",
        "isAnonymized" => "whether it is anonymized",
        "archived" => "whether and why it is archived",
        "updatedAt" => "the time of the last change",
        other => other,
    }
}

fn settings_of(left_out: pb::LeftOut) -> Option<Tab> {
    Some(match left_out {
        pb::LeftOut::Snoozed => Tab::Inbound,
        _ => Tab::Settings,
    })
}

fn forgetting(view: &View<'_>) -> Markup {
    html! {
        section.panel {
            h3 { "How they are forgotten" }
            p {
                "Delete or anonymize the person in Lever: the next pass that finds it removes what is stored here, what was written about them included, and remembers no more than the id."
                (way(view, Some(Tab::Privacy)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(answer: &pb::ExplainCandidateResponse, may_read: bool, tabs: &[Tab]) -> String {
        let connection = pb::Connection {
            id: "c1".to_owned(),
            region: pb::Region::Eu.into(),
            ..Default::default()
        };
        page(&View {
            connection: &connection,
            csrf: "proof",
            typed: "<ada>@example.com",
            refused: None,
            said: None,
            answer: Some(answer),
            may_read,
            tabs,
        })
        .into_string()
    }

    fn candidacy() -> pb::Candidacy {
        pb::Candidacy {
            opportunity_id: "o1".to_owned(),
            name: "<Ada>".to_owned(),
            posting_text: "Designer".to_owned(),
            stage_text: "Offer".to_owned(),
            outcome: pb::CandidacyOutcome::Pending.into(),
            ..Default::default()
        }
    }

    #[test]
    fn a_cause_leads_to_the_page_that_repairs_it_where_the_reader_may_open_it() {
        let answer = pb::ExplainCandidateResponse {
            causes: vec![pb::AbsenceCause {
                reason: pb::AbsenceReason::Forbidden.into(),
                message: "the key may not read opportunities: it lacks x".to_owned(),
                repair: "tick it".to_owned(),
                certain: true,
                ..Default::default()
            }],
            ..Default::default()
        };
        let text = shown(&answer, true, &Tab::ALL);
        assert!(text.contains("Nobody is found") && text.contains("it lacks x."));
        assert!(text.contains("href=\"/console/connections/c1/permissions\">Go to Permissions<"));
        assert!(text.contains("value=\"&lt;ada&gt;@example.com\""));
        let reader = shown(&answer, true, &[Tab::Find]);
        assert!(!reader.contains("Go to Permissions") && reader.contains("Tick it."));
    }

    #[test]
    fn whoever_is_here_comes_with_why_they_are_not_listed_and_what_is_stored() {
        let answer = pb::ExplainCandidateResponse {
            people: vec![pb::ExplainedPerson {
                name: "<Ada>".to_owned(),
                evidence: vec![pb::MatchEvidence {
                    kind: "email".to_owned(),
                    field: "emails[0]".to_owned(),
                }],
                candidacies: vec![pb::ExplainedCandidacy {
                    candidacy: Some(candidacy()),
                    not_listed: vec![pb::NotListed {
                        reason: pb::NotListedReason::StageNotInbound.into(),
                        message: "its stage is not inbound".to_owned(),
                        repair: "make it one".to_owned(),
                    }],
                    lists: vec![pb::StoredList {
                        stream: "notes".to_owned(),
                        reason: "NOT_HYDRATED".to_owned(),
                        ..Default::default()
                    }],
                    operations: 1,
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        let text = shown(&answer, true, &Tab::ALL);
        assert!(text.contains("&lt;Ada&gt;") && !text.contains("<Ada>"));
        assert!(text.contains("not among the applicants") && text.contains("Go to Stages"));
        assert!(text.contains("1 write about it is kept here"));
        assert!(text.contains("not read yet") && text.contains("Read them now"));
        assert!(text.contains("Found by e-mail address."));
        assert!(!shown(&answer, false, &Tab::ALL).contains("Read them now"));
    }

    #[test]
    fn what_lever_has_and_the_mirror_has_not_can_be_read_by_those_who_may() {
        let answer = pb::ExplainCandidateResponse {
            in_lever: Some(pb::InLever {
                answer: pb::LeverAnswer::Found.into(),
                opportunities: vec![pb::LeverOpportunity {
                    candidacy: Some(candidacy()),
                    left_out: vec![pb::LeftOut::BeforeHistory.into()],
                    ..Default::default()
                }],
                ..Default::default()
            }),
            ..Default::default()
        };
        let text = shown(&answer, true, &Tab::ALL);
        assert!(text.contains("Lever has what is not here yet.") && text.contains("Read it now"));
        assert!(text.contains("name=\"opportunity\" value=\"o1\""));
        assert!(text.contains("before the history") && text.contains("Go to Settings"));
        assert!(text.contains("until the next walk over everybody, which takes it out again"));
        assert!(!shown(&answer, false, &Tab::ALL).contains("Read it now"));
    }
}
