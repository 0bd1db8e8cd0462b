//! What the product calls its reasons to reject somebody, and where people of a posting are advanced to.
//!
//! Each entry is set and taken away by itself, over whatever the mapping says at that moment, so that nobody goes over
//! what somebody else has saved.

use axum::extract::Path;
use axum::response::Response;
use domain::Stream;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::lever_service_server::LeverService as _;
use tonic::Code;

use super::super::versions::UNCHANGED;
use super::{Present, entry_saved, field, present, save_mapping, shown_again};
use crate::console::desk::Desk;
use crate::console::form::{Form, Posted};
use crate::console::frame::Tab;
use crate::console::models::keeps;
use crate::console::refusal::Refused;
use crate::grpc::Api;
use crate::wire::status::status;

const POSTINGS: &str = "/fulcrum.v1.LeverService/ListPostings";
const POSTING: &str = "/fulcrum.v1.LeverService/GetPosting";

// What refusals call the fields of both forms.
const NAME: &str = "template.name";
const REASON: &str = "template.archive_reason_id";
const OF_POSTING: &str = "target.posting_id";
const STAGE: &str = "target.stage_id";

// What is said of those that are blank.
const GIVE_NAME: &str = "give a name";
const CHOOSE_REASON: &str = "choose a reason";
const CHOOSE_POSTING: &str = "choose a posting";
const CHOOSE_STAGE: &str = "choose a stage";

/// Postings that are offered at most: a page stays light.
const OFFERED: i32 = 300;

/// What was typed for an entry that could not be saved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entered {
    name: String,
    reason: String,
    posting: String,
    stage: String,
}

impl Entered {
    pub(super) fn of(form: &Form) -> Entered {
        let text = |field: &str| form.text(field).to_owned();
        Entered {
            name: text("name"),
            reason: text("archive_reason_id"),
            posting: text("posting_id"),
            stage: text("stage_id"),
        }
    }

    /// The name of a reason and the reason, which are saved.
    fn take_template(&mut self) -> (String, String) {
        (
            std::mem::take(&mut self.name),
            std::mem::take(&mut self.reason),
        )
    }

    /// What is wanting of an entry that was begun: each field by its name in the request, with why.
    pub(super) fn wanting(&self) -> impl Iterator<Item = (String, String)> {
        let template = match self.name.is_empty() && self.reason.is_empty() {
            true => Vec::new(),
            false => blank_of([
                (NAME, Some(self.name.as_str()), GIVE_NAME),
                (REASON, Some(self.reason.as_str()), CHOOSE_REASON),
            ]),
        };
        let target = match self.posting.is_empty() && self.stage.is_empty() {
            true => Vec::new(),
            false => blank_of([
                (OF_POSTING, Some(self.posting.as_str()), CHOOSE_POSTING),
                (STAGE, Some(self.stage.as_str()), CHOOSE_STAGE),
            ]),
        };
        let wanting = template.into_iter().chain(target);
        wanting.map(|one| (one.field, one.message))
    }

    fn take_target(&mut self) {
        self.posting.clear();
        self.stage.clear();
    }
}

pub(super) async fn template(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let mut entered = Entered::of(&form);
    let before = present(&desk, &id).await?;
    let done = match form.given("remove") {
        Some(name) => {
            let done = change_template(&desk, &before, name, None).await;
            done.map(|changed| told(changed, format!("“{name}” stands for no reason any more.")))
        }
        None => {
            let done = change_template(&desk, &before, &entered.name, Some(&entered.reason)).await;
            done.map(|changed| {
                told(
                    changed,
                    format!("“{}” is saved.", entered.take_template().0),
                )
            })
        }
    };
    match done {
        Ok(said) => entry_saved(&desk, &before, &form, entered, said).await,
        Err(refused) => shown_again(&desk, &id, &refused, &form).await,
    }
}

pub(super) async fn target(
    Path(id): Path<String>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let mut entered = Entered::of(&form);
    let before = present(&desk, &id).await?;
    let done = match form.given("remove") {
        Some(posting) => {
            let done = change_target(&desk, &before, posting, None).await;
            let said = "The next stage in Lever’s order is suggested again.";
            done.map(|changed| told(changed, said.to_owned()))
        }
        None => {
            let done = change_target(&desk, &before, &entered.posting, Some(&entered.stage)).await;
            done.map(|changed| {
                entered.take_target();
                told(changed, "The stage to advance to is saved.".to_owned())
            })
        }
    };
    match done {
        Ok(said) => entry_saved(&desk, &before, &form, entered, said).await,
        Err(refused) => shown_again(&desk, &id, &refused, &form).await,
    }
}

/// What is said of an entry: that it is saved, or that it was so already.
fn told(changed: bool, saved: String) -> String {
    match changed {
        true => saved,
        false => UNCHANGED.to_owned(),
    }
}

/// Saves what was typed for entries, and takes it out of what was typed.
///
/// # Errors
/// Why the first was not saved that was not.
pub(super) async fn add(
    desk: &Desk,
    id: &str,
    entered: &mut Entered,
    saved: &mut Vec<String>,
) -> Result<(), Refused> {
    if !(entered.name.is_empty() && entered.reason.is_empty()) {
        let before = present(desk, id).await?;
        change_template(desk, &before, &entered.name, Some(&entered.reason)).await?;
        saved.push(format!("what “{}” stands for", entered.take_template().0));
    }
    if !(entered.posting.is_empty() && entered.stage.is_empty()) {
        let before = present(desk, id).await?;
        change_target(desk, &before, &entered.posting, Some(&entered.stage)).await?;
        entered.take_target();
        saved.push("the stage to advance to".to_owned());
    }
    Ok(())
}

/// Has a name stand for a reason, or for none; tells whether that changed anything.
async fn change_template(
    desk: &Desk,
    before: &Present,
    name: &str,
    reason: Option<&str>,
) -> Result<bool, Refused> {
    let wanting = blank_of([
        (NAME, Some(name), GIVE_NAME),
        (REASON, reason, CHOOSE_REASON),
    ]);
    let change = |mapping: &mut pb::StageMapping| {
        let wanted = reason.map(|reason| pb::RejectTemplate {
            name: name.to_owned(),
            archive_reason_id: reason.to_owned(),
        });
        put(
            &mut mapping.reject_templates,
            |one| one.name == name,
            wanted,
        );
    };
    let entry = Entry {
        list: "stage_mapping.reject_templates",
        key: NAME,
        value: REASON,
        key_fits: domain::stage_mapping::may_be_a_template(name),
    };
    save(desk, before, change, wanting, &entry).await
}

/// Has people of a posting advanced to a stage, or to the next one; tells whether that changed anything.
async fn change_target(
    desk: &Desk,
    before: &Present,
    posting: &str,
    stage: Option<&str>,
) -> Result<bool, Refused> {
    let id = &before.connection.id;
    let mut wanting = blank_of([
        (OF_POSTING, Some(posting), CHOOSE_POSTING),
        (STAGE, stage, CHOOSE_STAGE),
    ]);
    if !posting.is_empty() && stage.is_some() && !is_there(desk, id, posting).await? {
        wanting.push(wrong(OF_POSTING, "choose one of those that are offered"));
    }
    let change = |mapping: &mut pb::StageMapping| {
        let wanted = stage.map(|stage| pb::AdvanceDefault {
            posting_id: posting.to_owned(),
            stage_id: stage.to_owned(),
        });
        let of_posting = |one: &pb::AdvanceDefault| one.posting_id == posting;
        put(&mut mapping.advance_defaults, of_posting, wanted);
    };
    let entry = Entry {
        list: "stage_mapping.advance_defaults",
        key: OF_POSTING,
        value: STAGE,
        key_fits: true,
    };
    save(desk, before, change, wanting, &entry).await
}

/// Puts an entry in the place of the one it is about, so that the same entry once more changes nothing; none takes that away.
fn put<T>(list: &mut Vec<T>, is_it: impl Fn(&T) -> bool, wanted: Option<T>) {
    match (list.iter().position(is_it), wanted) {
        (Some(at), Some(wanted)) => list[at] = wanted,
        (Some(at), None) => drop(list.remove(at)),
        (None, Some(wanted)) => list.push(wanted),
        (None, None) => {}
    }
}

/// What is blank of two fields that an entry needs, each with what is said then; a field that is none needs nothing.
fn blank_of(fields: [(&str, Option<&str>, &str); 2]) -> Vec<engine::Violation> {
    let blank = fields
        .into_iter()
        .filter(|(_, value, _)| *value == Some(""));
    blank
        .map(|(field, _, message)| wrong(field, message))
        .collect()
}

fn wrong(field: &str, message: &str) -> engine::Violation {
    engine::Violation {
        field: field.to_owned(),
        message: message.to_owned(),
    }
}

/// Whether the mirror has a posting; true for all where postings are not mirrored.
async fn is_there(desk: &Desk, id: &str, posting: &str) -> Result<bool, Refused> {
    if !keeps(&desk.connection(id).await?, Stream::Postings) {
        return Ok(true);
    }
    let request = pb::GetPostingRequest {
        connection_id: id.to_owned(),
        posting_id: posting.to_owned(),
        ..Default::default()
    };
    match desk.call(POSTING, request, Api::get_posting).await {
        Ok(_) => Ok(true),
        Err(refused) if matches!(refused.code(), Code::NotFound | Code::InvalidArgument) => {
            Ok(false)
        }
        Err(refused) => Err(refused),
    }
}

/// Where an entry is in the mapping, and in its form.
struct Entry {
    /// The field of the mapping that holds it.
    list: &'static str,
    /// The fields of its form: what it goes by, and what that stands for.
    key: &'static str,
    value: &'static str,
    /// Whether what it goes by is any good.
    key_fits: bool,
}

async fn save(
    desk: &Desk,
    before: &Present,
    change: impl FnOnce(&mut pb::StageMapping),
    wanting: Vec<engine::Violation>,
    entry: &Entry,
) -> Result<bool, Refused> {
    desk.check(Tab::Inbound.rpc())?;
    if !wanting.is_empty() {
        return Err(status(engine::Error::violations(wanting)).into());
    }
    let mut mapping = before.mapping.clone();
    change(&mut mapping);
    let saved = save_mapping(desk, &before.connection.id, mapping).await;
    saved.map_err(|refused| beside(refused, entry))
}

/// What the service found wrong with the mapping, as it is told beside the fields of the entry.
fn beside(refused: Refused, entry: &Entry) -> Refused {
    let found = refused.fields().into_iter();
    let of_list =
        found.filter_map(|(field, why)| Some((field.strip_prefix(entry.list)?.is_empty(), why)));
    let mut key_fits = entry.key_fits;
    let told: Vec<_> = of_list
        .map(|(of_all, why)| {
            // What is wrong with the key is found first; that there are too many is told there, too.
            let field = match of_all || !std::mem::replace(&mut key_fits, true) {
                true => entry.key,
                false => entry.value,
            };
            wrong(field, &why)
        })
        .collect();
    match told.is_empty() {
        true => refused,
        false => status(engine::Error::violations(told)).into(),
    }
}

/// The postings that people can be advanced from, by id and title; none while they have not been read.
pub(super) async fn postings(desk: &Desk, id: &str) -> Vec<(String, String)> {
    let request = pb::ListPostingsRequest {
        connection_id: id.to_owned(),
        page_size: OFFERED,
        states: vec!["published".to_owned(), "internal".to_owned()],
        ..Default::default()
    };
    let listed = desk.call(POSTINGS, request, Api::list_postings).await;
    let postings = listed.map(|answer| answer.postings).unwrap_or_default();
    by_name(postings)
}

/// Postings by id and title, by their titles.
fn by_name(postings: Vec<pb::Posting>) -> Vec<(String, String)> {
    let postings = postings.into_iter();
    let mut postings: Vec<_> = postings.map(|posting| (posting.id, posting.text)).collect();
    postings.sort_by_key(|(id, text)| (text.to_lowercase(), id.clone()));
    postings
}

/// What the panels rest on.
pub(super) struct View<'a> {
    pub(super) path: &'a str,
    pub(super) mapping: &'a pb::StageMapping,
    /// By id and text, in Lever's order.
    pub(super) stages: &'a [(String, String)],
    pub(super) reasons: &'a [pb::RejectReason],
    pub(super) postings: &'a [(String, String)],
    pub(super) entered: &'a Entered,
    pub(super) refused: Option<&'a Refused>,
    /// Whether something can be changed.
    pub(super) open: bool,
}

impl View<'_> {
    fn stage<'v>(&'v self, id: &'v str) -> &'v str {
        let found = self.stages.iter().find(|(one, _)| one == id);
        found.map_or(id, |(_, text)| text.as_str())
    }

    fn reason<'v>(&'v self, id: &'v str) -> &'v str {
        let mut reasons = self.reasons.iter();
        let found = reasons.find(|reason| reason.archive_reason_id == id);
        found.map_or(id, |reason| reason.text.as_str())
    }

    fn posting<'v>(&'v self, id: &'v str) -> &'v str {
        let found = self.postings.iter().find(|(one, _)| one == id);
        found.map_or(id, |(_, text)| text.as_str())
    }
}

/// Both lists of entries, each with fields for one more.
pub(super) fn panels(view: &View<'_>) -> Markup {
    html! {
        section.panel id="templates" {
            h2 { "Reasons in the words of the product" }
            p { "A rejection may name its reason as the product calls it; here is what that is in Lever." }
            (list(view, "template", &templates(view)))
            @if view.open { (add_template(view)) }
        }
        section.panel id="targets" {
            h2 { "Stage to advance to" }
            p { "For people of these postings this stage is suggested where it lies ahead; for all others, and behind it, the next one in Lever’s order." }
            (list(view, "target", &targets(view)))
            @if view.open { (add_target(view)) }
        }
    }
}

/// An entry in words, with what takes it away.
struct Told<'v> {
    what: &'v str,
    stands_for: &'v str,
    /// What it goes by.
    key: &'v str,
}

fn templates<'v>(view: &'v View<'_>) -> Vec<Told<'v>> {
    let templates = view.mapping.reject_templates.iter();
    let entry = |one: &'v pb::RejectTemplate| Told {
        what: &one.name,
        stands_for: view.reason(&one.archive_reason_id),
        key: &one.name,
    };
    templates.map(entry).collect()
}

fn targets<'v>(view: &'v View<'_>) -> Vec<Told<'v>> {
    let targets = view.mapping.advance_defaults.iter();
    let entry = |one: &'v pb::AdvanceDefault| Told {
        what: view.posting(&one.posting_id),
        stands_for: view.stage(&one.stage_id),
        key: &one.posting_id,
    };
    targets.map(entry).collect()
}

fn list(view: &View<'_>, end: &str, entries: &[Told<'_>]) -> Markup {
    html! {
        @if entries.is_empty() { p.faint { "None yet." } }
        @else {
            ul.scopes {
                @for entry in entries {
                    li {
                        (entry.what) ": " strong { (entry.stands_for) } " "
                        @if view.open {
                            button.quiet type="submit" formaction={ (view.path) "/" (end) } name="remove" value=(entry.key) { "Remove" span.unseen { " " (entry.what) } }
                        }
                    }
                }
            }
        }
    }
}

fn add_template(view: &View<'_>) -> Markup {
    let chosen = ("", "Choose a reason");
    let reasons = view.reasons.iter();
    let reasons = reasons.map(|one| (one.archive_reason_id.as_str(), one.text.as_str()));
    let reasons: Vec<_> = std::iter::once(chosen).chain(reasons).collect();
    html! {
        div.row {
                (field("name", "What the product calls it", "", NAME, view.refused).line(&view.entered.name))
                (field("archive_reason_id", "Reason in Lever", "", REASON, view.refused).choice(&view.entered.reason, &reasons))
        }
        button type="submit" formaction={ (view.path) "/template" } { "Save the reason" }
    }
}

fn add_target(view: &View<'_>) -> Markup {
    let all = view.postings.iter();
    let all = all.map(|(id, text)| (id.as_str(), text.as_str()));
    let postings: Vec<_> = std::iter::once(("", "Choose a posting"))
        .chain(all)
        .collect();
    let excluded = &view.mapping.advance_excluded_stage_ids;
    let allowed = view.stages.iter().filter(|(id, _)| !excluded.contains(id));
    let allowed = allowed.map(|(id, text)| (id.as_str(), text.as_str()));
    let stages: Vec<_> = std::iter::once(("", "Choose a stage"))
        .chain(allowed)
        .collect();
    let many = i32::try_from(view.postings.len()).is_ok_and(|many| many >= OFFERED);
    let help = match many {
        true => "The first 300 that are open; for others see `fulcrum mapping`.",
        false => "Those that are open.",
    };
    html! {
        div.row {
                (field("posting_id", "Posting", help, OF_POSTING, view.refused).choice(&view.entered.posting, &postings))
                (field("stage_id", "Stage to advance to", "", STAGE, view.refused).choice(&view.entered.stage, &stages))
        }
        button type="submit" formaction={ (view.path) "/target" } { "Save the stage" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(entered: &Entered, refused: Option<&Refused>, open: bool) -> String {
        let mapping = pb::StageMapping {
            advance_defaults: vec![pb::AdvanceDefault {
                posting_id: "p1".to_owned(),
                stage_id: "s1".to_owned(),
            }],
            reject_templates: vec![pb::RejectTemplate {
                name: "no <fit>".to_owned(),
                archive_reason_id: "r1".to_owned(),
            }],
            advance_excluded_stage_ids: vec!["s2".to_owned()],
            ..Default::default()
        };
        let stage = |id: &str, text: &str| (id.to_owned(), text.to_owned());
        panels(&View {
            path: "/c/inbound",
            mapping: &mapping,
            stages: &[stage("s1", "On-site"), stage("s2", "Offer")],
            reasons: &[pb::RejectReason {
                archive_reason_id: "r1".to_owned(),
                text: "Underqualified".to_owned(),
                templates: Vec::new(),
            }],
            postings: &[("p1".to_owned(), "Engineer".to_owned())],
            entered,
            refused,
            open,
        })
        .into_string()
    }

    #[test]
    fn postings_are_offered_by_name() {
        let posting = |id: &str, text: &str| pb::Posting {
            id: id.to_owned(),
            text: text.to_owned(),
            ..Default::default()
        };
        let of = by_name(vec![
            posting("1", "Writer"),
            posting("2", "analyst"),
            posting("3", "Engineer"),
        ]);
        let names: Vec<&str> = of.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(names, ["analyst", "Engineer", "Writer"]);
    }

    #[test]
    fn entries_are_told_in_words_and_each_can_be_taken_away() {
        let text = shown(&Entered::default(), None, true);
        assert!(text.contains("no &lt;fit&gt;: <strong>Underqualified</strong>"));
        assert!(text.contains("Engineer: <strong>On-site</strong>"));
        assert_eq!(text.matches("name=\"remove\"").count(), 2);
        assert!(!text.contains(">Offer<"), "nobody may be advanced there");
        let looked_at = shown(&Entered::default(), None, false);
        assert!(looked_at.contains("Engineer") && !looked_at.contains("<button"));
    }

    #[test]
    fn what_could_not_be_saved_stays_as_it_was_typed_with_the_reason_beside_it() {
        let entered = Entered {
            name: "<b>".to_owned(),
            reason: "r1".to_owned(),
            ..Entered::default()
        };
        let entry = |key_fits| Entry {
            list: "stage_mapping.reject_templates",
            key: NAME,
            value: REASON,
            key_fits,
        };
        let field = "stage_mapping.reject_templates[\"<b>\"]";
        let found = vec![wrong(field, "too long"), wrong(field, "a hire")];
        let found = Refused::from(status(engine::Error::violations(found)));
        let refused = beside(found.clone(), &entry(false));
        let text = shown(&entered, Some(&refused), true);
        assert!(text.contains("value=\"&lt;b&gt;\"") && text.contains("value=\"r1\" selected"));
        assert!(text.contains("id=\"field-name-problem\">Too long."));
        assert!(text.contains("id=\"field-archive_reason_id-problem\">A hire."));
        let refused = beside(found, &entry(true));
        assert_eq!(refused.about(NAME), None, "the name is not at fault");
        let other = engine::Error::invalid("stage_mapping.sla.at_risk_percent", "use 1 to 100");
        let other = beside(Refused::from(status(other)), &entry(true));
        assert_eq!((other.about(NAME), other.about(REASON)), (None, None));
        assert!(!text.contains("field-posting_id-problem"));
    }
}
