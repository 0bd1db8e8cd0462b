//! How people are exported to Lever unless a request says otherwise (product.md, screen 7).

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::candidate_service_server::CandidateService as _;
use proto::v1::stage_mapping_service_server::StageMappingService as _;

use super::refused::{is_open, way_back};
use super::versions::UNCHANGED;
use crate::console::Console;
use crate::console::compare::{Setting, two};
use crate::console::desk::Desk;
use crate::console::field::Field;
use crate::console::form::{Form, Posted};
use crate::console::frame::{Tab, csrf};
use crate::console::models::without_people;
use crate::console::refusal::Refused;
use crate::grpc::Api;
use crate::wire::status::status;

pub(super) const UPDATE: &str = "/fulcrum.v1.CandidateService/UpdateExportSettings";

/// What can speak against an export: its field in the form, what it is, and the ground.
pub(super) const GROUNDS: [(&str, &str, pb::ExportGround); 7] = [
    (
        "do_not_contact",
        "wants no contact, or the consent has ended",
        pb::ExportGround::DoNotContact,
    ),
    (
        "anonymized",
        "was anonymized in Lever",
        pb::ExportGround::Anonymized,
    ),
    ("hired", "was hired here", pb::ExportGround::Hired),
    (
        "active_elsewhere",
        "is in process for another posting",
        pb::ExportGround::ActiveElsewhere,
    ),
    (
        "cool_off",
        "was rejected within the cool-off",
        pb::ExportGround::CoolOff,
    ),
    (
        "weak_match",
        "may be somebody of the same name and employer",
        pb::ExportGround::WeakMatch,
    ),
    (
        "not_judged",
        "has something in Lever that could not be read",
        pb::ExportGround::NotJudged,
    ),
];

/// The cool-off in the request.
const COOL_OFF: &str = "settings.cool_off_days";

/// What becomes of such an export.
pub(super) const RULES: [(&str, &str); 3] = [
    ("block", "Block: nobody is exported"),
    ("overridable", "Warn: only when the request says so"),
    ("allow", "Allow: it is told, and no more"),
];

/// Lever's origins ("Opportunities").
pub(super) const ORIGINS: [(&str, &str); 6] = [
    ("sourced", "sourced"),
    ("applied", "applied"),
    ("referred", "referred"),
    ("agency", "agency"),
    ("internal", "internal"),
    ("university", "university"),
];

pub(super) const KINDS: [(&str, &str); 2] = [
    ("prospect", "Prospect: somebody who was found"),
    ("applicant", "Applicant: somebody who applies to a posting"),
];

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/console/connections/{id}/export", get(show).post(save))
}

/// The settings as a form has them: what was typed stays what it is, also where it is no good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Typed {
    etag: String,
    /// In the order of [`GROUNDS`].
    rules: Vec<String>,
    cool_off: String,
    export_as: String,
    prospect: (String, String),
    applicant: (String, String),
    source: String,
    /// One in a line.
    tags: String,
}

impl Typed {
    fn of(settings: &pb::ExportSettings) -> Typed {
        let entry = |entry: &Option<pb::ExportEntry>| {
            let entry = entry.clone().unwrap_or_default();
            (entry.stage_id, entry.origin)
        };
        let kind = match settings.export_as() {
            pb::ExportAs::Applicant => "applicant",
            _ => "prospect",
        };
        Typed {
            etag: settings.etag.clone(),
            rules: GROUNDS
                .iter()
                .map(|(.., ground)| rule_word(settings, *ground).to_owned())
                .collect(),
            cool_off: settings.cool_off_days.to_string(),
            export_as: kind.to_owned(),
            prospect: entry(&settings.prospect),
            applicant: entry(&settings.applicant),
            source: settings.source.clone(),
            tags: settings.tags.join("\n"),
        }
    }

    fn from_form(form: &Form) -> Typed {
        let text = |field: &str| form.text(field).to_owned();
        let entry = |kind: &str| {
            (
                text(&format!("{kind}_stage")),
                text(&format!("{kind}_origin")),
            )
        };
        Typed {
            etag: text("etag"),
            rules: GROUNDS.iter().map(|(field, ..)| text(field)).collect(),
            cool_off: text("cool_off_days"),
            export_as: text("export_as"),
            prospect: entry("prospect"),
            applicant: entry("applicant"),
            source: text("source"),
            tags: text("tags"),
        }
    }

    /// The settings themselves.
    ///
    /// # Errors
    /// A cool-off that is no number of days, and what the form does not offer: all of it.
    fn settings(&self) -> Result<pb::ExportSettings, Refused> {
        match self.as_far_as_read() {
            (settings, wrong) if wrong.is_empty() => Ok(settings),
            (_, wrong) => Err(Refused::of_fields(wrong)),
        }
    }

    /// The settings without what cannot be read, and that: each field by its name in the request, with why.
    fn as_far_as_read(&self) -> (pb::ExportSettings, Vec<(String, String)>) {
        let mut wrong = Vec::new();
        let mut not_offered = |field: &str| {
            let message = "choose one of those that are offered";
            wrong.push((field.to_owned(), message.to_owned()));
        };
        let entry = |(stage_id, origin): &(String, String)| {
            Some(pb::ExportEntry {
                stage_id: stage_id.clone(),
                origin: origin.clone(),
            })
        };
        let guards = GROUNDS.iter().zip(&self.rules);
        let export_as = match self.export_as.as_str() {
            "applicant" => pb::ExportAs::Applicant,
            "prospect" => pb::ExportAs::Prospect,
            _ => {
                not_offered("settings.export_as");
                pb::ExportAs::Unspecified
            }
        };
        // Left out, a rule is as shipped.
        let known = |rule: &String| rule.is_empty() || RULES.iter().any(|(one, _)| one == rule);
        for ((field, ..), _) in guards.clone().filter(|(_, rule)| !known(rule)) {
            not_offered(field);
        }
        let cool_off_days = days(&self.cool_off).unwrap_or_else(|refused| {
            wrong.extend(refused.fields());
            0
        });
        let tags = self.tags.lines().map(str::trim);
        let settings = pb::ExportSettings {
            etag: self.etag.clone(),
            guards: guards
                .map(|((.., ground), rule)| guard(*ground, rule))
                .collect(),
            cool_off_days,
            export_as: export_as.into(),
            prospect: entry(&self.prospect),
            applicant: entry(&self.applicant),
            source: self.source.clone(),
            tags: tags
                .filter(|tag| !tag.is_empty())
                .map(str::to_owned)
                .collect(),
            author: String::new(),
        };
        (settings, wrong)
    }

    /// Each setting in words, in the order of the page.
    fn told(&self, stages: &[(String, String)]) -> Vec<Setting> {
        let words = |options: &[(&str, &str)], value: &str| {
            let found = options.iter().find(|(one, _)| *one == value);
            found.map_or(value, |(_, words)| words).to_owned()
        };
        let entry = |(stage, origin): &(String, String)| {
            let found = stages.iter().find(|(id, _)| id == stage);
            let text = found.map_or(stage, |(_, text)| text);
            format!("{text}, {origin}")
        };
        let grounds = GROUNDS.iter().zip(&self.rules);
        let mut told: Vec<_> = grounds
            .map(|((_, what, _), rule)| (format!("Who {what}"), words(&RULES, rule)))
            .collect();
        told.extend([
            ("Cool-off".to_owned(), format!("{} days", self.cool_off)),
            ("Exported as".to_owned(), words(&KINDS, &self.export_as)),
            ("Prospects begin in".to_owned(), entry(&self.prospect)),
            ("Applicants begin in".to_owned(), entry(&self.applicant)),
            ("Source".to_owned(), self.source.clone()),
            (
                "Tags".to_owned(),
                self.tags.lines().collect::<Vec<_>>().join(", "),
            ),
        ]);
        told.into_iter()
            .map(|(name, value)| Setting::new(name.clone(), name, value))
            .collect()
    }
}

/// A number of days as it was typed.
///
/// # Errors
/// Invalid, for the field of the cool-off.
pub(super) fn days(typed: &str) -> Result<u32, Refused> {
    let longest = u32::from(domain::export::LONGEST_COOL_OFF);
    let days = typed.parse().ok().filter(|days| *days <= longest);
    let bad = || engine::Error::invalid(COOL_OFF, "give 0 to 3650 days");
    days.ok_or_else(|| status(bad()).into())
}

fn guard(ground: pb::ExportGround, rule: &str) -> pb::ExportGuard {
    let rule = match rule {
        "block" => pb::GuardRule::Block,
        "overridable" => pb::GuardRule::Overridable,
        "allow" => pb::GuardRule::Allow,
        _ => pb::GuardRule::Unspecified,
    };
    pb::ExportGuard {
        ground: ground.into(),
        rule: rule.into(),
    }
}

/// The word of [`RULES`] for what becomes of a ground.
pub(super) fn rule_word(settings: &pb::ExportSettings, ground: pb::ExportGround) -> &'static str {
    let mut guards = settings.guards.iter();
    let found = guards.find(|guard| guard.ground() == ground);
    match found.map(pb::ExportGuard::rule) {
        Some(pb::GuardRule::Block) => "block",
        Some(pb::GuardRule::Allow) => "allow",
        _ => "overridable",
    }
}

/// Puts a rule in the place of the present one.
pub(super) fn set_rule(settings: &mut pb::ExportSettings, ground: pb::ExportGround, rule: &str) {
    settings.guards.retain(|guard| guard.ground() != ground);
    settings.guards.push(guard(ground, rule));
}

/// What the page shows.
struct View<'a> {
    path: &'a str,
    typed: &'a Typed,
    /// Lever's stages by id and text.
    stages: &'a [(String, String)],
    /// Who saved what is there; empty as shipped.
    author: &'a str,
    refused: Option<&'a Refused>,
    /// What somebody else has saved since the form was opened.
    theirs: Option<&'a Typed>,
    /// What forms carry, where the reader may change something.
    csrf: Option<&'a str>,
}

async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Refused> {
    let connection = desk.connection(&id).await?;
    let settings = present(&desk, &id).await?;
    let content = page(&View {
        path: &Tab::Export.path(&id),
        typed: &Typed::of(&settings),
        stages: &stages(&desk, &id).await,
        author: &settings.author,
        refused: None,
        theirs: None,
        csrf: (desk.may(UPDATE) && is_open(&connection)).then_some(desk.csrf()),
    });
    Ok(desk.at(
        &connection,
        Tab::Export,
        html! { (way_back(&connection)) (without_people(&connection, desk.way(Tab::Settings, &id).as_deref())) (content) },
    ))
}

async fn save(Path(id): Path<String>, Posted { desk, form }: Posted) -> Result<Response, Refused> {
    let mut typed = Typed::from_form(&form);
    let path = Tab::Export.path(&id);
    let refused = match put(&desk, &id, &typed).await {
        Ok(true) => return Ok(desk.done(&path, "The export settings are saved.")),
        Ok(false) => return Ok(desk.done(&path, UNCHANGED)),
        Err(refused) => refused,
    };
    let connection = desk.connection(&id).await?;
    let settings = present(&desk, &id).await?;
    let theirs = Typed::of(&settings);
    let overtaken = typed.etag != theirs.etag;
    // Saving once more is meant to go over what the page shows of theirs.
    typed.etag.clone_from(&theirs.etag);
    let content = page(&View {
        path: &path,
        typed: &typed,
        stages: &stages(&desk, &id).await,
        author: &settings.author,
        refused: Some(&refused),
        theirs: overtaken.then_some(&theirs),
        csrf: (desk.may(UPDATE) && is_open(&connection)).then_some(desk.csrf()),
    });
    let page = desk.at(
        &connection,
        Tab::Export,
        html! { (way_back(&connection)) (without_people(&connection, desk.way(Tab::Settings, &id).as_deref())) (content) },
    );
    Ok((refused.http(), page).into_response())
}

/// The settings as they are.
pub(super) async fn present(desk: &Desk, id: &str) -> Result<pb::ExportSettings, Refused> {
    let request = pb::GetExportSettingsRequest {
        connection_id: id.to_owned(),
    };
    let rpc = Tab::Export.rpc();
    let answer = desk.call(rpc, request, Api::get_export_settings).await?;
    Ok(answer.settings.unwrap_or_default())
}

/// Saves the settings; tells whether anything has changed.
async fn put(desk: &Desk, id: &str, typed: &Typed) -> Result<bool, Refused> {
    desk.check(UPDATE)?;
    let settings = match typed.settings() {
        Ok(settings) => settings,
        Err(_unread) => return Err(all_wrong(desk, id, typed).await),
    };
    let request = pb::UpdateExportSettingsRequest {
        connection_id: id.to_owned(),
        settings: Some(settings),
    };
    let answer = desk.call(UPDATE, request, Api::update_export_settings);
    let saved = answer.await?.settings.unwrap_or_default();
    Ok(saved.etag != typed.etag)
}

/// What cannot be read of a form, and what the service finds wrong with the rest, so that both are told at once.
async fn all_wrong(desk: &Desk, id: &str, typed: &Typed) -> Refused {
    let (settings, wrong) = typed.as_far_as_read();
    let request = pb::UpdateExportSettingsRequest {
        connection_id: id.to_owned(),
        settings: Some(pb::ExportSettings {
            // Refused whatever the rest is, so that nothing is saved.
            cool_off_days: u32::MAX,
            ..settings
        }),
    };
    let tried = desk.call(UPDATE, request, Api::update_export_settings);
    let besides = tried.await.err().map(|refused| refused.fields());
    let besides = besides.unwrap_or_default().into_iter();
    let besides = besides.filter(|(field, _)| field != COOL_OFF);
    Refused::of_fields(wrong.into_iter().chain(besides))
}

/// Lever's stages by id and text; none while they have not been read.
pub(super) async fn stages(desk: &Desk, id: &str) -> Vec<(String, String)> {
    let present = mapping_and_stages(desk, id).await;
    present.map(|(_, stages)| stages).unwrap_or_default()
}

/// The stage mapping, and Lever's stages by id and text in Lever's order.
///
/// # Errors
/// As the service.
pub(super) async fn mapping_and_stages(
    desk: &Desk,
    id: &str,
) -> Result<(pb::StageMapping, Vec<(String, String)>), Refused> {
    let request = pb::GetStageMappingRequest {
        connection_id: id.to_owned(),
    };
    let rpc = Tab::Stages.rpc();
    let present = desk.call(rpc, request, Api::get_stage_mapping).await?;
    let listed = present.stages.into_iter().filter(|stage| !stage.missing);
    let stages = listed.map(|stage| (stage.stage_id, stage.text)).collect();
    Ok((present.stage_mapping.unwrap_or_default(), stages))
}

fn page(view: &View<'_>) -> Markup {
    html! {
        h1 { "Export settings" }
        p { "How people of the product come to Lever, unless a request says otherwise. "
            @if view.author.is_empty() { "These are the settings as shipped." } @else { "Saved last by " (view.author) "." }
        }
        @if let Some(theirs) = view.theirs { (overtaken(view, theirs)) }
        @else if let Some(refused) = view.refused { (refused.notice()) }
        @if let Some(token) = view.csrf { (form(view, token)) }
        @else { section.panel { dl { @for setting in view.typed.told(view.stages) { dt { (setting.name) } dd { (setting.value) } } } } }
    }
}

/// Somebody else saved first: both sides where they differ, and the two ways on.
fn overtaken(view: &View<'_>, theirs: &Typed) -> Markup {
    let (theirs, mine) = (theirs.told(view.stages), view.typed.told(view.stages));
    html! {
        div.notice.warn role="alert" {
            p { "While this form was open, " @if view.author.is_empty() { "somebody" } @else { (view.author) } " saved other settings. Nothing of yours is saved yet." }
            (two("There now", "Yours", &theirs, &mine))
            p { "Save below to put yours in place of theirs, or " a href=(view.path) { "take theirs" } "." }
        }
    }
}

fn form(view: &View<'_>, token: &str) -> Markup {
    let typed = view.typed;
    let of = |name, label, help, field| Field {
        name,
        label,
        help,
        refused: view.refused.map(|refused| (refused, field)),
    };
    html! {
        form method="post" action=(view.path) {
            (csrf(token))
            input type="hidden" name="etag" value=(typed.etag);
            section.panel {
                h2 { "Who is not exported" }
                p.faint { "An open candidacy for the same posting is no new approach: it is updated, and only the first two and the last of these count." }
                @for ((name, what, _), rule) in GROUNDS.iter().zip(&typed.rules) {
                    @let label = format!("Who {what}");
                    (Field { name, label: &label, help: "", refused: view.refused.map(|refused| (refused, *name)) }.choice(rule, &RULES))
                }
                (of("cool_off_days", "Cool-off, in days", "How long after a rejection somebody counts as just rejected: 0 to 3,650, 0 for not at all.", "settings.cool_off_days").number(&typed.cool_off))
            }
            section.panel {
                h2 { "Where people begin" }
                (of("export_as", "People are exported as", "An applicant needs a posting.", "settings.export_as").choice(&typed.export_as, &KINDS))
                (entry(view, "prospect", "Prospects", &typed.prospect, ["prospect_stage", "prospect_origin"], ["settings.prospect.stage_id", "settings.prospect.origin"]))
                (entry(view, "applicant", "Applicants", &typed.applicant, ["applicant_stage", "applicant_origin"], ["settings.applicant.stage_id", "settings.applicant.origin"]))
            }
            section.panel {
                h2 { "What Lever says of them" }
                (of("source", "Source", "Where the request names none; empty for none. At most 255 characters.", "settings.source").line(&typed.source))
                (of("tags", "Tags, one in a line", "At most 50. {search}, {owner} and {shortlisted_by} stand for what the request says; a tag with a place for nothing is left out.", "settings.tags").lines(&typed.tags))
            }
            button.primary type="submit" { "Save" }
        }
    }
}

fn entry(
    view: &View<'_>,
    code: &str,
    who: &str,
    (stage, origin): &(String, String),
    [stage_name, origin_name]: [&str; 2],
    [stage_field, origin_field]: [&str; 2],
) -> Markup {
    let mut stages: Vec<(&str, &str)> = view
        .stages
        .iter()
        .map(|(id, text)| (id.as_str(), text.as_str()))
        .collect();
    // What is set stays shown, whether Lever has it or not.
    if !stages.iter().any(|(id, _)| id == stage) {
        stages.push((stage, stage));
    }
    let of = |name, label, field| Field {
        name,
        label,
        help: "",
        refused: view.refused.map(|refused| (refused, field)),
    };
    html! {
        fieldset id=(code) {
            legend { (who) }
            (of(stage_name, "begin in the stage", stage_field).choice(stage, &stages))
            (of(origin_name, "with the origin", origin_field).choice(origin, &ORIGINS))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> pb::ExportSettings {
        pb::ExportSettings {
            etag: "v3".to_owned(),
            guards: vec![guard(pb::ExportGround::Hired, "allow")],
            cool_off_days: 90,
            export_as: pb::ExportAs::Applicant.into(),
            prospect: Some(pb::ExportEntry {
                stage_id: "gone".to_owned(),
                origin: "sourced".to_owned(),
            }),
            applicant: Some(pb::ExportEntry {
                stage_id: "applicant-new".to_owned(),
                origin: "applied".to_owned(),
            }),
            source: "Fulcrum".to_owned(),
            tags: vec!["{search}".to_owned(), "Exported".to_owned()],
            author: "ada".to_owned(),
        }
    }

    fn view<'a>(typed: &'a Typed, stages: &'a [(String, String)]) -> View<'a> {
        View {
            path: "/e",
            typed,
            stages,
            author: "ada",
            refused: None,
            theirs: None,
            csrf: Some("t"),
        }
    }

    #[test]
    fn settings_go_through_the_form_unchanged() {
        let typed = Typed::of(&settings());
        let sent = typed.settings().unwrap();
        let back = Typed::of(&sent);
        assert_eq!(back, typed);
        assert_eq!(sent.guards.len(), GROUNDS.len(), "each is named");
        assert_eq!(rule_word(&sent, pb::ExportGround::Hired), "allow");
        assert_eq!(sent.tags, ["{search}", "Exported"]);
    }

    #[test]
    fn all_that_cannot_be_read_is_told_at_once() {
        let mut typed = Typed::of(&settings());
        typed.cool_off = "3651".to_owned();
        typed.export_as = "friend".to_owned();
        typed.rules[2] = "perhaps".to_owned();
        let refused = typed.settings().unwrap_err();
        for field in ["settings.export_as", GROUNDS[2].0, COOL_OFF] {
            assert!(refused.about(field).is_some(), "{field}");
        }
        let text = page(&View {
            refused: Some(&refused),
            ..view(&typed, &[])
        })
        .into_string();
        for field in ["export_as", "hired", "cool_off_days"] {
            let beside = format!("id=\"field-{field}-problem\"");
            assert!(text.contains(&beside), "{field}");
        }
    }

    #[test]
    fn what_is_refused_stays_as_it_was_typed() {
        let mut typed = Typed::of(&settings());
        typed.cool_off = "soon".to_owned();
        let refused = typed.settings().unwrap_err();
        let stages = [("applicant-new".to_owned(), "New applicant".to_owned())];
        let text = page(&View {
            refused: Some(&refused),
            ..view(&typed, &stages)
        })
        .into_string();
        assert!(text.contains("value=\"soon\"") && text.contains("Give 0 to 3650 days."));
        assert!(
            text.contains("value=\"gone\" selected"),
            "a stage that Lever has no more"
        );
        assert!(text.contains("{search}\nExported"));
    }

    #[test]
    fn who_was_overtaken_sees_both_sides() {
        let theirs = Typed::of(&settings());
        let mine = Typed {
            cool_off: "30".to_owned(),
            ..theirs.clone()
        };
        let text = page(&View {
            theirs: Some(&theirs),
            ..view(&mine, &[])
        })
        .into_string();
        assert!(text.contains("Cool-off</th><td>90 days</td><td><ins>30 days</ins></td>"));
        assert!(
            !text.contains("Source</th>"),
            "what is the same is not told"
        );
        assert!(text.contains("ada saved other settings"));
    }

    #[test]
    fn who_may_not_change_them_reads_them() {
        let typed = Typed::of(&settings());
        let text = page(&View {
            csrf: None,
            ..view(&typed, &[])
        })
        .into_string();
        assert!(!text.contains("<form") && !text.contains("<select"));
        assert!(text.contains("<dt>Cool-off</dt><dd>90 days</dd>"));
    }
}
