//! What holds for inbound applicants, gathered from where it lives (product.md, screen 6).

mod entries;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures::future::join5;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::candidate_service_server::CandidateService as _;
use proto::v1::inbound_service_server::InboundService as _;
use proto::v1::stage_mapping_service_server::StageMappingService as _;

use self::entries::Entered;
use super::export::{self, RULES, days, mapping_and_stages, rule_word, set_rule};
use super::refused::{is_open, way_back};
use super::setup;
use crate::console::Console;
use crate::console::compare::{Setting, conflicts, three};
use crate::console::desk::Desk;
use crate::console::field::Field;
use crate::console::form::{Form, Posted};
use crate::console::frame::{Tab, csrf};
use crate::console::models::without_people;
use crate::console::refusal::Refused;
use crate::console::words::isolated;
use crate::grpc::Api;
use crate::wire::status::status;

const UPDATE_MAPPING: &str = "/fulcrum.v1.StageMappingService/UpdateStageMapping";
const REASONS: &str = "/fulcrum.v1.InboundService/ListRejectReasons";

// What the page calls its settings.
pub(super) const HOLD: &str = "Hold before a rejection is sent, in business days";
pub(super) const WRITER: &str = "The e-mail is sent by";
pub(super) const NO_CONTACT: &str = "Who wants no contact, or whose consent has ended";
pub(super) const COOL_OFF: &str = "Cool-off after a rejection, in days";
pub(super) const WHILE_SNOOZED: &str = "While somebody is snoozed in Lever";

/// Who writes to whoever is rejected.
pub(super) const WRITERS: [(&str, &str); 2] = [
    (
        "product",
        "The product, where its request names an e-mail; else nobody",
    ),
    ("lever", "Lever, by an automation of the account"),
];

/// Whether people who are snoozed are there.
pub(super) const SNOOZED: [(&str, &str); 2] = [
    ("shown", "Shown as paused"),
    ("left_out", "Left out of the mirror"),
];

pub(super) fn routes() -> Router<Console> {
    let at = "/console/connections/{id}/inbound";
    Router::new()
        .route(at, get(show).post(save))
        .route(&format!("{at}/template"), post(entries::template))
        .route(&format!("{at}/target"), post(entries::target))
}

/// Everything the page rests on, as it is now.
struct Present {
    connection: pb::Connection,
    mapping: pb::StageMapping,
    /// Lever's stages by id and text, in Lever's order.
    stages: Vec<(String, String)>,
    /// The reasons somebody may be rejected with, or why nobody knows.
    reasons: Result<Vec<pb::RejectReason>, Refused>,
    export: pb::ExportSettings,
    /// The postings that people can be advanced from, by id and title.
    postings: Vec<(String, String)>,
}

/// The values of the forms: what holds, or what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Typed {
    writer: String,
    hold: String,
    do_not_contact: String,
    cool_off: String,
    snoozed: String,
}

impl Typed {
    fn of(present: &Present) -> Typed {
        let by_lever = present.mapping.lever_sends_email;
        let shown = present.connection.include_snoozed.unwrap_or(true);
        let ground = pb::ExportGround::DoNotContact;
        Typed {
            writer: if by_lever { "lever" } else { "product" }.to_owned(),
            hold: present.mapping.reject_hold_business_days.to_string(),
            do_not_contact: rule_word(&present.export, ground).to_owned(),
            cool_off: present.export.cool_off_days.to_string(),
            snoozed: if shown { "shown" } else { "left_out" }.to_owned(),
        }
    }

    /// Each value by the name of its field.
    fn fields(&mut self) -> [(&'static str, &mut String); 5] {
        [
            ("reject_hold", &mut self.hold),
            ("writer", &mut self.writer),
            ("do_not_contact", &mut self.do_not_contact),
            ("cool_off_days", &mut self.cool_off),
            ("snoozed", &mut self.snoozed),
        ]
    }

    /// With what a form says was there when it was opened.
    fn when_opened(&self, form: &Form) -> Typed {
        let mut was = self.clone();
        for (name, value) in was.fields() {
            if let Some(given) = form.given(&format!("was.{name}")) {
                given.clone_into(value);
            }
        }
        was
    }

    /// Each setting in words, as the page calls it.
    fn told(&self) -> Vec<Setting> {
        let words = |options: &[(&str, &str)], value: &str| {
            let found = options.iter().find(|(one, _)| *one == value);
            found.map_or(value, |(_, words)| words).to_owned()
        };
        [
            (HOLD, self.hold.clone()),
            (WRITER, words(&WRITERS, &self.writer)),
            (NO_CONTACT, words(&RULES, &self.do_not_contact)),
            (COOL_OFF, self.cool_off.clone()),
            (WHILE_SNOOZED, words(&SNOOZED, &self.snoozed)),
        ]
        .map(|(name, value)| Setting::new(name, name, value))
        .into()
    }

    /// With what somebody has changed in a form: the others stay as they are.
    fn over(&self, form: &Form) -> Typed {
        let mut typed = self.clone();
        for (name, value) in typed.fields() {
            let was = form.given(&format!("was.{name}"));
            if let Some(given) = form.given(name)
                && was != Some(given)
            {
                given.clone_into(value);
            }
        }
        typed
    }

    /// What is wrong with it as far as the form alone tells: each field by its name in the request, with why.
    fn wrong(&self) -> Vec<(String, String)> {
        let choices = [
            ("writer", &self.writer, &WRITERS[..]),
            ("do_not_contact", &self.do_not_contact, &RULES[..]),
            ("snoozed", &self.snoozed, &SNOOZED[..]),
        ];
        let odd = choices
            .into_iter()
            .filter(|(_, value, offered)| !offered.iter().any(|(one, _)| one == value));
        let message = "choose one of those that are offered";
        let odd = odd.map(|(name, ..)| (name.to_owned(), message.to_owned()));
        let days = [self.hold_days().err(), days(&self.cool_off).err()];
        let days = days
            .into_iter()
            .flatten()
            .flat_map(|refused| refused.fields());
        odd.chain(days).collect()
    }

    /// # Errors
    /// Invalid for anything but 0 to 30.
    fn hold_days(&self) -> Result<u32, Refused> {
        let most = u32::from(domain::operation::Hold::MOST_BUSINESS_DAYS);
        let days = self.hold.trim().parse().ok().filter(|days| *days <= most);
        let message = "use 0 to 30 business days; 0 sends rejections at once";
        Ok(days
            .ok_or_else(|| status(engine::Error::invalid("reject_hold_business_days", message)))?)
    }
}

/// What the forms were opened with: only what differs from it is saved, and not over what somebody else has saved since.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Opened {
    was: Typed,
    /// Of the mapping, the export settings and the connection, as [`ETAGS`] calls them.
    etags: [String; 3],
}

const ETAGS: [&str; 3] = ["etag.mapping", "etag.export", "etag.connection"];

impl Opened {
    fn now(present: &Present) -> Opened {
        Opened {
            was: Typed::of(present),
            etags: [
                present.mapping.etag.clone(),
                present.export.etag.clone(),
                present.connection.etag.clone(),
            ],
        }
    }

    /// As a form says it was opened.
    fn of(form: &Form, present: &Present) -> Opened {
        let mut opened = Opened::now(present);
        opened.was = opened.was.when_opened(form);
        for (name, etag) in ETAGS.iter().zip(&mut opened.etags) {
            if let Some(given) = form.given(name) {
                given.clone_into(etag);
            }
        }
        opened
    }
}

async fn present(desk: &Desk, id: &str) -> Result<Present, Refused> {
    let reasons = pb::ListRejectReasonsRequest {
        connection_id: id.to_owned(),
    };
    let (connection, mapping, reasons, export, postings) = join5(
        desk.connection(id),
        mapping_and_stages(desk, id),
        desk.call(REASONS, reasons, Api::list_reject_reasons),
        export::present(desk, id),
        entries::postings(desk, id),
    )
    .await;
    let connection = connection?;
    let (mapping, stages) = mapping?;
    Ok(Present {
        connection,
        mapping,
        stages,
        reasons: reasons.map(|answer| answer.reasons),
        export: export?,
        postings,
    })
}

async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    desk.check(Tab::Inbound.rpc())?;
    let present = present(&desk, &id).await?;
    Ok(whole(&desk, &View::of(&present)))
}

/// What the page shows.
struct View<'a> {
    present: &'a Present,
    typed: Typed,
    opened: Opened,
    /// What was typed for an entry that is not saved.
    entered: Entered,
    refused: Option<&'a Refused>,
    /// What became of a form.
    told: Option<Markup>,
}

impl<'a> View<'a> {
    /// Everything as it is now.
    fn of(present: &'a Present) -> View<'a> {
        View {
            present,
            typed: Typed::of(present),
            opened: Opened::now(present),
            entered: Entered::default(),
            refused: None,
            told: None,
        }
    }

    /// With what stands in a form and is not saved, as it was opened.
    fn kept(present: &'a Present, form: &Form) -> View<'a> {
        View {
            typed: Typed::of(present).over(form),
            opened: Opened::of(form, present),
            entered: Entered::of(form),
            ..View::of(present)
        }
    }

    /// Whether anything in it is not saved yet.
    fn unsaved(&self) -> bool {
        self.typed != Typed::of(self.present) || self.entered != Entered::default()
    }
}

/// The page with an entry that could not be saved, and all else that stood in the form.
async fn shown_again(
    desk: &Desk,
    id: &str,
    refused: &Refused,
    form: &Form,
) -> Result<Response, Refused> {
    let present = present(desk, id).await?;
    let view = View {
        refused: Some(refused),
        told: Some(refused.notice()),
        ..View::kept(&present, form)
    };
    Ok((refused.http(), whole(desk, &view)).into_response())
}

/// The page after an entry was saved or taken away, with all that stood in the form and is not saved; `before` is what
/// was there then, and `entered` what was typed for the other entry.
async fn entry_saved(
    desk: &Desk,
    before: &Present,
    form: &Form,
    entered: Entered,
    said: String,
) -> Result<Response, Refused> {
    let id = &before.connection.id;
    let present = present(desk, id).await?;
    let mut view = View {
        entered,
        ..View::kept(&present, form)
    };
    if view.opened.etags[0] == before.mapping.etag {
        // What has changed in the mapping since is the entry.
        view.opened.etags[0].clone_from(&present.mapping.etag);
    }
    if !view.unsaved() {
        return Ok(desk.done(&Tab::Inbound.path(id), said));
    }
    view.told = Some(html! {
        div.notice.good role="status" { p { (said) " What else you changed here is not saved yet." } }
    });
    Ok(whole(desk, &view))
}

fn whole(desk: &Desk, view: &View<'_>) -> Response {
    let connection = &view.present.connection;
    let people = without_people(connection, Some(&Tab::Settings.path(&connection.id)));
    let content = html! { (people) (page(view, desk.csrf())) (said_with_each_request()) };
    desk.at(connection, Tab::Inbound, content)
}

/// Saves what was changed and what was typed for an entry, each where it lives; what is refused is shown as it was
/// typed, with what was saved before it.
async fn save(Path(id): Path<String>, Posted { desk, form }: Posted) -> Result<Response, Refused> {
    desk.check(Tab::Inbound.rpc())?;
    let before = present(&desk, &id).await?;
    let typed = Typed::of(&before).over(&form);
    let mut entered = Entered::of(&form);
    let mut saved = Vec::new();
    let wrong = typed.wrong();
    let mut done = match wrong.is_empty() {
        true => save_changes(&desk, &form, &before, &typed, &mut saved).await,
        // What is wanting of an entry is told with it: nothing is saved anyhow.
        false => Err(Refused::of_fields(
            wrong.into_iter().chain(entered.wanting()),
        )),
    };
    if done.is_ok() {
        done = entries::add(&desk, &id, &mut entered, &mut saved).await;
    }
    let Err(refused) = done else {
        let said = match saved.is_empty() {
            true => "Nothing was changed.".to_owned(),
            false => format!("It is saved: {}.", saved.join("; ")),
        };
        return Ok(desk.done(&Tab::Inbound.path(&id), said));
    };
    let present = present(&desk, &id).await?;
    let now = Typed::of(&present);
    let typed = now.over(&form);
    let was = now.when_opened(&form);
    let told = told(&refused, &present, [&was, &typed], &saved);
    let view = View {
        typed,
        entered,
        refused: Some(&refused),
        told: Some(told),
        ..View::of(&present)
    };
    Ok((refused.http(), whole(&desk, &view)).into_response())
}

async fn save_changes(
    desk: &Desk,
    form: &Form,
    before: &Present,
    typed: &Typed,
    saved: &mut Vec<String>,
) -> Result<(), Refused> {
    let (id, now) = (&before.connection.id, Typed::of(before));
    let rejected = (&typed.writer, &typed.hold) != (&now.writer, &now.hold);
    let asked_again =
        (&typed.do_not_contact, &typed.cool_off) != (&now.do_not_contact, &now.cool_off);
    let snoozed = typed.snoozed != now.snoozed;
    // Each is saved where it lives: whoever was overtaken in one saves nothing in the others either.
    let over = [
        (rejected, "etag.mapping", &before.mapping.etag),
        (asked_again, "etag.export", &before.export.etag),
        (snoozed, "etag.connection", &before.connection.etag),
    ];
    if over
        .iter()
        .any(|(changed, name, etag)| *changed && form.given(name).is_some_and(|was| was != *etag))
    {
        return Err(somebody_was_first());
    }
    if rejected {
        let mapping = pb::StageMapping {
            etag: form.text("etag.mapping").to_owned(),
            lever_sends_email: typed.writer == "lever",
            reject_hold_business_days: typed.hold_days()?,
            ..before.mapping.clone()
        };
        save_mapping(desk, id, mapping).await?;
        saved.push("how people are rejected".to_owned());
    }
    if asked_again {
        let mut settings = pb::ExportSettings {
            etag: form.text("etag.export").to_owned(),
            cool_off_days: days(&typed.cool_off)?,
            ..before.export.clone()
        };
        let ground = pb::ExportGround::DoNotContact;
        set_rule(&mut settings, ground, &typed.do_not_contact);
        save_again(desk, id, settings).await?;
        saved.push("who is asked again".to_owned());
    }
    if snoozed {
        let connection = pb::Connection {
            id: id.clone(),
            etag: form.text("etag.connection").to_owned(),
            include_snoozed: Some(typed.snoozed != "left_out"),
            ..Default::default()
        };
        setup::update(desk, connection, &["include_snoozed"]).await?;
        saved.push(
            "what becomes of snoozed people; who is not mirrored yet comes with the next walk"
                .to_owned(),
        );
    }
    Ok(())
}

fn somebody_was_first() -> Refused {
    let message = "somebody else saved other settings first";
    status(engine::Error::aborted("ETAG_MISMATCH", message, Vec::new())).into()
}

/// Saves a mapping; tells whether anything has changed.
async fn save_mapping(desk: &Desk, id: &str, mapping: pb::StageMapping) -> Result<bool, Refused> {
    let etag = mapping.etag.clone();
    let request = pb::UpdateStageMappingRequest {
        connection_id: id.to_owned(),
        stage_mapping: Some(mapping),
    };
    let answer = desk.call(UPDATE_MAPPING, request, Api::update_stage_mapping);
    let saved = answer.await?.stage_mapping.unwrap_or_default();
    Ok(saved.etag != etag)
}

async fn save_again(desk: &Desk, id: &str, settings: pb::ExportSettings) -> Result<(), Refused> {
    let request = pb::UpdateExportSettingsRequest {
        connection_id: id.to_owned(),
        settings: Some(settings),
    };
    desk.call(export::UPDATE, request, Api::update_export_settings)
        .await?;
    Ok(())
}

/// One form for all of it, so that no button loses what another one would save.
fn page(view: &View<'_>, token: &str) -> Markup {
    let (present, typed, refused) = (view.present, &view.typed, view.refused);
    let path = Tab::Inbound.path(&present.connection.id);
    let open = is_open(&present.connection);
    let mut was = view.opened.was.clone();
    html! {
        h1 { "Inbound settings" }
        (way_back(&present.connection))
        p { "What holds for " a href=(Tab::Applicants.path(&present.connection.id)) { "applicants" } " of this account." }
        @if let Some(told) = &view.told { (told) }
        section.panel {
            h2 { "Stages and reasons" }
            (from_mapping(present))
            p { a.button href=(format!("/console/connections/{}/stages", present.connection.id)) { "Change in the stage mapping" } }
        }
        form method="post" action=(path) data-unsaved data-changed[view.unsaved()] {
            (csrf(token))
            @for (name, etag) in ETAGS.iter().zip(&view.opened.etags) {
                input type="hidden" name=(name) value=(etag);
            }
            @for (name, value) in was.fields() {
                input type="hidden" name={ "was." (name) } value=(value);
            }
            section.panel {
                h2 { "How people are rejected" }
                (field("reject_hold", HOLD, "0 to 30; until then it can be cancelled under Operations. 0 sends it at once; a request may say otherwise.", "reject_hold_business_days", refused).number(&typed.hold))
                (field("writer", WRITER, "Both would write otherwise: where Lever does, no e-mail is handed to the product.", "writer", refused).choice(&typed.writer, &WRITERS))
            }
            section.panel {
                h2 { "Who is asked again" }
                (field("do_not_contact", NO_CONTACT, "", "do_not_contact", refused).choice(&typed.do_not_contact, &RULES))
                (field("cool_off_days", COOL_OFF, "0 to 3,650; what becomes of whoever is within it is said in the export settings.", "settings.cool_off_days", refused).number(&typed.cool_off))
                p { a href=(Tab::Export.path(&present.connection.id)) { "All export settings" } }
            }
            section.panel {
                h2 { "Snoozed people" }
                (field("snoozed", WHILE_SNOOZED, "Who is left out goes from the mirror. The clock of the SLA stands still meanwhile, unless the stage mapping says otherwise.", "snoozed", refused).choice(&typed.snoozed, &SNOOZED))
            }
            @if open { p { button.primary type="submit" { "Save" } } }
            (entries::panels(&entries::View {
                path: &path,
                mapping: &present.mapping,
                stages: &present.stages,
                reasons: present.reasons.as_deref().unwrap_or_default(),
                postings: &present.postings,
                entered: &view.entered,
                refused,
                open,
            }))
        }
    }
}

/// What is no setting.
fn said_with_each_request() -> Markup {
    html! {
        section.panel {
            h2 { "Said with each request" }
            p { "These are no settings: the product says them for each person, or for all of one call." }
            dl {
                dt { "Another hold" } dd { "none, minutes up to 30 days, or up to 30 business days" }
                dt { "Stage to advance to" } dd { "any that is not left out above" }
                dt { "Reason and e-mail of a rejection" } dd { "any reason that is not left out above, by its id or by what the product calls it; the e-mail by the product’s own id of it" }
                dt { "Origin" } dd { "whoever is in an inbound stage is listed, however they came in; the list tells the origin, and is narrowed to one there" }
            }
        }
    }
}

/// Why a form was refused, after what of it was saved; where somebody else was first, both sides where they differ, and
/// the two ways on.
fn told(
    refused: &Refused,
    present: &Present,
    [was, typed]: [&Typed; 2],
    saved: &[String],
) -> Markup {
    let (was, theirs, mine) = (was.told(), Typed::of(present).told(), typed.told());
    let rows = conflicts(&was, &theirs, &mine);
    let unsaved = match saved.is_empty() {
        true => "yours are",
        false => "the rest of yours is",
    };
    html! {
        @if !saved.is_empty() { div.notice.good role="status" { p { "It is saved: " (saved.join("; ")) "." } } }
        @if refused.is_conflict() {
            div.notice.warn role="alert" {
                p { "While this page was open, somebody else saved other settings, and " (unsaved) " not saved yet." }
                @if !rows.is_empty() { (three("There now", &rows)) }
                p { "Save below to put yours in place of theirs, or " a href=(Tab::Inbound.path(&present.connection.id)) { "take theirs" } "." }
            }
        } @else { (refused.notice()) }
    }
}

fn field<'a>(
    name: &'a str,
    label: &'a str,
    help: &'a str,
    field: &'a str,
    refused: Option<&'a Refused>,
) -> Field<'a> {
    Field {
        name,
        label,
        help,
        refused: refused.map(|refused| (refused, field)),
    }
}

/// What the stage mapping says of applicants.
fn from_mapping(present: &Present) -> Markup {
    let mapping = &present.mapping;
    let stages = |ids: &[String]| {
        let texts = ids.iter().map(|id| {
            let mut stages = present.stages.iter();
            let found = stages.find(|(one, _)| one == id);
            isolated(found.map_or(id.as_str(), |(_, text)| text.as_str()))
        });
        texts.collect::<Vec<_>>().join(", ")
    };
    let reasons = present.reasons.as_ref().map(|reasons| {
        let texts = reasons.iter().map(|reason| isolated(&reason.text));
        texts.collect::<Vec<_>>().join(", ")
    });
    let reason = present.reasons.as_ref().err().and_then(Refused::reason);
    let none = match (&present.reasons, reason.as_deref()) {
        (Ok(_), _) => "Lever has none",
        (_, Some("STREAM_NOT_KEPT")) => "not mirrored",
        (_, Some("LEVER_PERMISSION_MISSING")) => "the key may not list them",
        _ => "not read yet",
    };
    html! {
        dl {
            dt { "Inbound stages" } dd { (or(&stages(&mapping.inbound_stage_ids), "none: nobody is listed")) }
            dt { "Nobody is advanced to" } dd { (or(&stages(&mapping.advance_excluded_stage_ids), "no stage is left out")) }
            dt { "Reasons to reject with" } dd { (or(&reasons.unwrap_or_default(), none)) }
        }
    }
}

fn or<'a>(text: &'a str, empty: &'a str) -> &'a str {
    if text.is_empty() { empty } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present_now() -> Present {
        Present {
            connection: pb::Connection {
                id: "c1".to_owned(),
                include_snoozed: Some(false),
                etag: "e-connection".to_owned(),
                ..Default::default()
            },
            mapping: pb::StageMapping {
                etag: "e-mapping".to_owned(),
                inbound_stage_ids: vec!["applicant-new".to_owned(), "gone".to_owned()],
                lever_sends_email: true,
                ..Default::default()
            },
            stages: vec![("applicant-new".to_owned(), "New <applicant>".to_owned())],
            reasons: Ok(Vec::new()),
            export: pb::ExportSettings {
                etag: "e-export".to_owned(),
                cool_off_days: 90,
                ..Default::default()
            },
            postings: Vec::new(),
        }
    }

    #[test]
    fn each_setting_is_shown_with_the_version_it_is_saved_over() {
        let present = present_now();
        let text = page(&View::of(&present), "t").into_string();
        assert!(text.contains("New &lt;applicant&gt;, gone"));
        assert!(
            text.contains("value=\"lever\" selected")
                && text.contains("value=\"left_out\" selected")
        );
        for what in ["mapping", "export", "connection"] {
            let etag = format!("name=\"etag.{what}\" value=\"e-{what}\"");
            assert!(text.contains(&etag), "{what}");
        }
        assert_eq!(text.matches("<form").count(), 1, "saved as one");
        assert!(text.contains("/console/connections/c1/stages"));
    }

    #[test]
    fn who_was_overtaken_keeps_the_choice_and_saves_over_what_is_there_now() {
        let present = present_now();
        let form = Form::parse(
            b"etag.export=old&cool_off_days=30&was.cool_off_days=90&do_not_contact=allow&writer=product&was.writer=product",
        );
        let now = Typed::of(&present);
        let typed = now.over(&form);
        assert_eq!(
            (typed.cool_off.as_str(), typed.writer.as_str()),
            ("30", "lever"),
            "what nobody touched is as it is now"
        );
        let was = now.when_opened(&form);
        let refused = somebody_was_first();
        let told = told(&refused, &present, [&was, &typed], &[]);
        let view = View {
            typed,
            refused: Some(&refused),
            told: Some(told),
            ..View::of(&present)
        };
        let text = page(&view, "t").into_string();
        let cells = format!("{COOL_OFF}</th><td>90</td><td>90</td><td><ins>30</ins></td>");
        assert!(
            text.contains(&cells) && text.contains("value=\"30\""),
            "{text}"
        );
        assert!(text.contains("value=\"e-export\"") && !text.contains("value=\"old\""));
    }

    #[test]
    fn what_is_not_saved_stays_in_the_form_over_what_it_was_opened_with() {
        let present = present_now();
        let form = Form::parse(
            b"etag.export=old&cool_off_days=30&was.cool_off_days=60&name=No+fit&posting_id=p1",
        );
        let view = View::kept(&present, &form);
        assert!(view.unsaved());
        let text = page(&view, "t").into_string();
        for kept in [
            "name=\"cool_off_days\" value=\"30\"",
            "name=\"was.cool_off_days\" value=\"60\"",
            "name=\"etag.export\" value=\"old\"",
            "name=\"name\" value=\"No fit\"",
            "data-changed",
        ] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        assert!(
            !page(&View::of(&present), "t")
                .into_string()
                .contains("data-changed")
        );
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_with_what_an_entry_wants() {
        let present = present_now();
        let form = Form::parse(b"reject_hold=31&cool_off_days=soon&writer=nobody&name=No+fit");
        let typed = Typed::of(&present).over(&form);
        let entered = Entered::of(&form);
        let refused = Refused::of_fields(typed.wrong().into_iter().chain(entered.wanting()));
        let view = View {
            typed,
            entered,
            refused: Some(&refused),
            ..View::of(&present)
        };
        let text = page(&view, "t").into_string();
        for field in [
            "reject_hold",
            "cool_off_days",
            "writer",
            "archive_reason_id",
        ] {
            let beside = format!("id=\"field-{field}-problem\"");
            assert!(text.contains(&beside), "{field}");
        }
        assert!(!text.contains("id=\"field-snoozed-problem\""));
        assert_eq!(Entered::default().wanting().count(), 0, "nothing was begun");
    }

    #[test]
    fn what_no_form_offers_is_refused_beside_its_field() {
        let present = present_now();
        for field in ["writer", "reject_hold", "do_not_contact", "snoozed"] {
            let form = Form::parse(format!("{field}=").as_bytes());
            let typed = Typed::of(&present).over(&form);
            let refused = Refused::of_fields(typed.wrong());
            let view = View {
                typed,
                refused: Some(&refused),
                ..View::of(&present)
            };
            let text = page(&view, "t").into_string();
            assert!(
                text.contains(&format!("id=\"field-{field}-problem\"")),
                "{field}"
            );
        }
    }
}
