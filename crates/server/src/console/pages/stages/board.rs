//! The board: a column for each group of the product, a card for each Lever stage.

use std::collections::BTreeMap;

use maud::{Markup, html};
use proto::v1 as pb;

use super::draft::{Draft, KINDS, Placed, UNMAPPED, kind_name};
use super::names::Names;
use super::{effect, rules};
use crate::console::assets::{BOARD_SCRIPT, BOARD_STYLE};
use crate::console::fault::{self, Fault};
use crate::console::frame::csrf;
use crate::console::pages::versions::stamp;
use crate::console::refusal::{Refused, sentence};
use crate::console::words::{count, number};

/// How sure a suggestion is that is accepted with the others.
pub(super) const SURE: f64 = 0.9;

/// What the page shows.
pub(super) struct View<'a> {
    pub(super) path: &'a str,
    /// What forms carry, where the reader may save.
    pub(super) csrf: Option<&'a str>,
    pub(super) saved: &'a pb::StageMapping,
    pub(super) stages: &'a [pb::MappedStage],
    pub(super) suggestions: &'a [pb::StageSuggestion],
    pub(super) reasons: &'a [pb::ArchiveReason],
    pub(super) notices: &'a [pb::MappingNotice],
    /// Whether the account keeps Lever's stages at all.
    pub(super) kept: bool,
    /// Why there are no stages to speak of, where the account may have some.
    pub(super) unread: Option<&'a Refused>,
    pub(super) names: &'a Names<'a>,
    pub(super) draft: &'a Draft,
    pub(super) faults: &'a [Fault],
    /// What was just done to the draft.
    pub(super) said: Option<String>,
    /// What saving would change, where that was asked for.
    pub(super) effect: Option<Markup>,
    /// Whether the draft may differ from what is saved.
    pub(super) changed: bool,
}

/// The page.
pub(super) fn page(view: &View<'_>) -> Markup {
    html! {
        link rel="stylesheet" href=(BOARD_STYLE.path());
        div.head {
            h1 { "Stages" }
            (stamp(view.path, view.saved.version, &view.saved.author, view.saved.update_time.as_ref()))
        }
        @if let Some(said) = &view.said { div.notice.good role="status" { p { (said) } } }
        (fault::notice(view.faults))
        // What is not read cannot have changed.
        @if view.kept { (drift(view.notices)) }
        @if !view.kept {
            section.empty { h2 { "Lever's stages are not mirrored" } p { "So there is nothing to be put into groups. What is mirrored is chosen in the settings." } }
        } @else if view.stages.is_empty() {
            (without_stages(view))
        }
        @if view.kept {
            @match view.csrf {
                Some(token) => (form(view, token)),
                None => { (board(view)) (rules::shown(view)) }
            }
        }
    }
}

/// Why there is nothing to be put into groups, and what helps.
fn without_stages(view: &View<'_>) -> Markup {
    let (title, about) = match view.unread {
        None => (
            "This Lever account has no stages",
            "A Lever admin makes them in Lever's settings; they are here soon after.".to_owned(),
        ),
        Some(why) if why.reason().as_deref() == Some("STAGES_NOT_READ") => {
            ("There are no stages to put into groups yet", why.message())
        }
        Some(why) => ("Lever's stages cannot be read", why.message()),
    };
    html! { section.empty { h2 { (title) } p { (about) } } }
}

fn form(view: &View<'_>, token: &str) -> Markup {
    let sure = sure(view);
    let unit = match view.draft.clock.unit {
        pb::DayUnit::Calendar => "calendar",
        _ => "business",
    };
    html! {
        form #mapping method="post" action=(view.path) novalidate data-preview={ (view.path) "/effect" }
            data-changed[view.changed] {
            (csrf(token))
            input type="hidden" name="etag" value=(view.draft.etag);
            input type="hidden" name="version" value=(view.draft.version);
            // Enter in a field presses the first button of a form: the harmless one.
            button.away type="submit" name="act" value="preview" tabindex="-1" aria-hidden="true" { "Preview" }
            p #board-help .faint {
                "Each Lever stage goes into one group of the product; in none it stays visible as unmapped. SLA days say how long somebody may stay in a stage before that counts as late, in " (unit) " days. "
                span.scripted { "Drag a card by its name" span.keys { ", or focus the name: Enter picks it up, arrows move it, Enter drops it, Escape cancels. Ctrl and Shift select several" } "." }
            }
            div.layout {
                (board(view))
                aside.panel #effect aria-live="polite" {
                    @match &view.effect { Some(effect) => (effect), None => (effect::unknown()) }
                }
            }
            (rules::form(view))
            div.savebar {
                div.now {
                    button.primary type="submit" name="act" value="save" { "Save" }
                    button type="submit" name="act" value="preview" { "Preview" }
                }
                div.more {
                    button #accept type="submit" name="act" value="accept" data-sure=(SURE) hidden[sure == 0] {
                        "Accept all suggestions of 90 % or more (" span { (sure) } ")"
                    }
                    button #undo type="button" hidden disabled { "Undo" }
                    a.button.quiet href=(view.path) { "Discard changes" }
                }
                span #spoken .away role="status" aria-live="assertive" {}
            }
        }
        script type="module" src=(BOARD_SCRIPT.path()) {}
    }
}

/// How many suggestions can be accepted at once.
fn sure(view: &View<'_>) -> usize {
    view.draft.clone().accept(view.suggestions, SURE)
}

fn drift(notices: &[pb::MappingNotice]) -> Markup {
    html! {
        @if !notices.is_empty() {
            div.notice.warn {
                p { strong { "Lever has changed since this version was saved" } }
                ul {
                    @for notice in notices {
                        li {
                            (sentence(&notice.message))
                            @if let Some(suggestion) = &notice.suggestion {
                                " Probably " (suggestion.product_stage) ", " (percent(suggestion.confidence)) ": " (suggestion.rule) "."
                            }
                        }
                    }
                }
            }
        }
    }
}

fn board(view: &View<'_>) -> Markup {
    html! {
        div.board {
            section.group.unmapped data-group=(UNMAPPED) aria-labelledby="head.UNMAPPED" {
                div.grouphead {
                    h2 id="head.UNMAPPED" { "Unmapped" }
                    span.count { (people(view, UNMAPPED)) }
                }
                (cards(view, UNMAPPED))
            }
            @for (place, group) in view.draft.groups.iter().enumerate() {
                @let head = format!("head.{}", group.code);
                section.group data-group=(group.code) aria-labelledby=(head) {
                    @if view.csrf.is_some() { input type="hidden" name="group" value=(group.code); }
                    div.grouphead {
                        h2 id=(head) { (group.label) }
                        span.count { (people(view, &group.code)) }
                    }
                    @if view.csrf.is_some() { (group_fields(view, place)) }
                    @else { p.faint { (kind_name(group.kind)) ", SLA " @if group.days.is_empty() { "none" } @else { (group.days) " d" } } }
                    (cards(view, &group.code))
                }
            }
        }
    }
}

fn group_fields(view: &View<'_>, place: usize) -> Markup {
    let (draft, faults) = (view.draft, view.faults);
    let group = &draft.groups[place];
    let days = format!("group_days.{}", group.code);
    let label = format!("label.{}", group.code);
    let kind = format!("kind.{}", group.code);
    html! {
        label.days { "SLA days"
            input id=(days) name=(days) value=(group.days) inputmode="numeric" size="4" placeholder="none" autocomplete="off"
                aria-label={ "SLA days of the group " (group.label) } aria-invalid=[fault::invalid(faults, &days)] aria-describedby=[fault::described(faults, &days)];
        }
        (fault::beside(faults, &days))
        details open[[&label, &kind].iter().any(|at| fault::is_wrong(faults, at))] {
            summary { "Edit group" span.away { " " (group.label) } }
            label { "Name"
                input id=(label) name=(label) value=(group.label) maxlength="100" autocomplete="off"
                    aria-invalid=[fault::invalid(faults, &label)] aria-describedby=[fault::described(faults, &label)];
            }
            (fault::beside(faults, &label))
            label { "Kind"
                select id=(kind) name=(kind) {
                    @for one in KINDS { @let word = kind_name(one); option value=(word) selected[one == group.kind] { (word) } }
                }
            }
            p.faint { "Code for programs: " code { (group.code) } }
            div.row {
                @if place > 0 { (act("earlier", &group.code, "Earlier", &group.label)) }
                @if place + 1 < draft.groups.len() { (act("later", &group.code, "Later", &group.label)) }
                (act("remove", &group.code, "Remove", &group.label))
            }
        }
    }
}

fn act(act: &str, code: &str, label: &str, whose: &str) -> Markup {
    html! { button type="submit" name="act" value={ (act) ":" (code) } { (label) span.away { " " (whose) } } }
}

fn cards(view: &View<'_>, code: &str) -> Markup {
    html! {
        ul.stages {
            @for placed in view.draft.within(code) { (card(view, placed)) }
        }
    }
}

/// Open candidacies in the stages of a group.
fn people(view: &View<'_>, code: &str) -> Markup {
    let of: BTreeMap<&str, u64> = view
        .stages
        .iter()
        .map(|stage| (stage.stage_id.as_str(), stage.active_opportunities))
        .collect();
    let open = view
        .draft
        .within(code)
        .filter_map(|stage| of.get(stage.id.as_str()));
    html! { b { (number(open.sum())) } " open" }
}

fn card(view: &View<'_>, placed: &Placed) -> Markup {
    let place = view
        .stages
        .iter()
        .position(|stage| stage.stage_id == placed.id);
    let stage = place.map(|place| &view.stages[place]);
    let text = view.names.stage(&placed.id);
    let open = stage.map_or(0, |stage| stage.active_opportunities);
    let listed = stage.is_some_and(|stage| !stage.missing);
    let suggestion = view
        .suggestions
        .iter()
        .find(|one| one.stage_id == placed.id);
    let group = |code: &str| view.draft.groups.iter().find(|group| group.code == code);
    let chip = suggestion.and_then(|one| Some((one, group(&one.product_stage)?)));
    html! {
        li.stage data-stage=(placed.id) data-open=(open) {
            div.line {
                span.text { (text) }
                span.count title="Open candidacies in this stage" { (number(open)) " open" }
            }
            p.faint {
                @if let (true, Some(place)) = (listed, place) { "No. " (place + 1) " in Lever · " }
                code title=(placed.id) { (short(&placed.id)) }
                @if !listed { " " span.badge.warn { "missing in Lever" } }
            }
            @if let Some((one, group)) = chip { (suggested(view, one, &group.label, group.code == placed.group)) }
            @if let Some(warning) = suggestion.map(|one| &one.warning).filter(|warning| !warning.is_empty()) {
                p.hint { (sentence(warning)) }
            }
            @if view.csrf.is_some() { (card_fields(view, placed, text)) }
            @else if !placed.days.is_empty() { p { "SLA " (placed.days) " d" } }
        }
    }
}

/// A card that is where it is suggested keeps the suggestion out of sight, for when it is dragged away.
fn suggested(
    view: &View<'_>,
    suggestion: &pb::StageSuggestion,
    label: &str,
    there: bool,
) -> Markup {
    html! {
        p.chip hidden[there] {
            @if view.csrf.is_some() {
                button type="submit" name="act" value={ "take:" (suggestion.stage_id) } data-suggested=(suggestion.product_stage) data-confidence=(suggestion.confidence) {
                    "→ " (label) " " (percent(suggestion.confidence)) span.away { " for " (view.names.stage(&suggestion.stage_id)) }
                }
            } @else { span.badge { "→ " (label) " " (percent(suggestion.confidence)) } }
            " " small { (suggestion.rule) }
        }
    }
}

fn card_fields(view: &View<'_>, placed: &Placed, text: &str) -> Markup {
    let place = format!("stage.{}", placed.id);
    let days = format!("stage_days.{}", placed.id);
    let of_group = view
        .draft
        .groups
        .iter()
        .find(|group| group.code == placed.group);
    let inherited = of_group.map_or("", |group| group.days.as_str());
    html! {
        div.row {
            select name=(place) aria-label={ "Group of " (text) } {
                option value=(UNMAPPED) selected[placed.group == UNMAPPED] { "Unmapped" }
                @for group in &view.draft.groups { option value=(group.code) selected[group.code == placed.group] { (group.label) } }
            }
            label.days { "SLA days"
                input id=(days) name=(days) value=(placed.days) inputmode="numeric" size="3" autocomplete="off"
                    placeholder=(if inherited.is_empty() { "–" } else { inherited }) aria-label={ "SLA days of the stage " (text) }
                    aria-invalid=[fault::invalid(view.faults, &days)] aria-describedby=[fault::described(view.faults, &days)];
            }
        }
        (fault::beside(view.faults, &days))
    }
}

/// The start of an id that is long.
fn short(id: &str) -> String {
    match id.char_indices().nth(16) {
        Some(_) => format!("{}…", id.chars().take(8).collect::<String>()),
        None => id.to_owned(),
    }
}

/// How sure something is, from 0 to 1.
fn percent(confidence: f64) -> String {
    format!("{:.0} %", confidence.clamp(0.0, 1.0) * 100.0)
}

/// How many stages there are of how many that a list names.
pub(super) fn of_all(chosen: usize, all: usize, what: (&str, &str)) -> String {
    match chosen {
        0 => "none".to_owned(),
        chosen => format!("{chosen} of {}", count(all as u64, what.0, what.1)),
    }
}

#[cfg(test)]
mod tests {
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::*;

    #[test]
    fn an_account_without_stages_is_told_from_one_that_is_still_to_be_read() {
        let draft = Draft::of(&pb::StageMapping::default(), &[]);
        let told = |reason: Option<&str>| {
            let unread = reason.map(|reason| {
                let details = ErrorDetails::with_error_info(reason, "fulcrum", []);
                let message = "Lever refuses: the key lacks it";
                Refused::from(Status::with_error_details(
                    Code::FailedPrecondition,
                    message,
                    details,
                ))
            });
            let view = View {
                path: "/c/stages",
                csrf: None,
                saved: &pb::StageMapping::default(),
                stages: &[],
                suggestions: &[],
                reasons: &[],
                notices: &[],
                kept: true,
                unread: unread.as_ref(),
                names: &Names::new(&[], &[]),
                draft: &draft,
                faults: &[],
                said: None,
                effect: None,
                changed: false,
            };
            page(&view).into_string()
        };
        assert!(told(None).contains("This Lever account has no stages"));
        assert!(told(Some("STAGES_NOT_READ")).contains("no stages to put into groups yet"));
        assert!(told(Some("LEVER_PERMISSION_MISSING")).contains("the key lacks it"));
    }

    fn shown(csrf: Option<&str>, faults: &[Fault]) -> String {
        let saved = pb::StageMapping {
            product_stages: vec![pb::ProductStage {
                code: "SCREEN".to_owned(),
                label: "Screen <b>".to_owned(),
                sla_days: Some(4),
                ..Default::default()
            }],
            ..Default::default()
        };
        let stages = [pb::MappedStage {
            stage_id: "0123456789abcdef-long".to_owned(),
            text: "Phone & more".to_owned(),
            product_stage: UNMAPPED.to_owned(),
            active_opportunities: 1200,
            ..Default::default()
        }];
        let suggestions = [pb::StageSuggestion {
            stage_id: stages[0].stage_id.clone(),
            product_stage: "SCREEN".to_owned(),
            rule: "the word phone".to_owned(),
            confidence: 0.9,
            ..Default::default()
        }];
        let draft = Draft::of(&saved, &stages);
        let view = View {
            path: "/c/stages",
            csrf,
            saved: &saved,
            stages: &stages,
            suggestions: &suggestions,
            reasons: &[],
            notices: &[],
            kept: true,
            unread: None,
            names: &Names::new(&stages, &[]),
            draft: &draft,
            faults,
            said: None,
            effect: None,
            changed: false,
        };
        page(&view).into_string()
    }

    #[test]
    fn a_card_shows_people_and_the_suggestion_with_its_rule() {
        let text = shown(Some("t"), &[]);
        assert!(text.contains("Phone &amp; more") && text.contains("1,200 open"));
        assert!(text.contains("→ Screen &lt;b&gt; 90 %") && text.contains("the word phone"));
        assert!(
            text.contains(">01234567…<")
                && text.contains("Accept all suggestions of 90 % or more (<span>1</span>)")
        );
        assert!(!text.contains("style="), "the policy forbids it");
    }

    #[test]
    fn whoever_may_not_save_is_offered_nothing_to_fill_in() {
        let text = shown(None, &[]);
        assert!(text.contains("Phone &amp; more"));
        for tag in ["<form", "<input", "<select", "<button"] {
            assert!(!text.contains(tag), "{tag}");
        }
    }

    #[test]
    fn what_is_wrong_stands_beside_its_field() {
        let at = "group_days.SCREEN";
        let text = shown(Some("t"), &[Fault::new(at, "SLA days", "give 0 to 365")]);
        assert!(text.contains("id=\"group_days.SCREEN.why\">Give 0 to 365."));
        assert!(text.contains("aria-describedby=\"group_days.SCREEN.why\""));
    }
}
