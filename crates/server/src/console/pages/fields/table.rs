//! The table of the product's fields: where Lever has each, which way it goes, and what happens to values.

use maud::{Markup, html};
use proto::v1 as pb;

use super::draft::{
    Draft, Row, all, derivation_name, direction_name, link_name, nearest, policy_name,
};
use crate::console::assets::{BOARD_SCRIPT, BOARD_STYLE};
use crate::console::fault::{self, Fault};
use crate::console::frame::csrf;
use crate::console::pages::versions::stamp;
use crate::console::refusal::sentence;

/// What the page shows.
pub(super) struct View<'a> {
    pub(super) path: &'a str,
    /// What forms carry, where the reader may save.
    pub(super) csrf: Option<&'a str>,
    pub(super) saved: &'a pb::FieldMapping,
    pub(super) draft: &'a Draft,
    pub(super) sources: &'a [pb::SourceField],
    pub(super) faults: &'a [Fault],
    /// What was just done to the draft.
    pub(super) said: Option<String>,
    /// What the mapping makes of somebody.
    pub(super) effect: Markup,
    /// Whether the draft may differ from what is saved.
    pub(super) changed: bool,
}

/// The page.
pub(super) fn page(view: &View<'_>) -> Markup {
    html! {
        link rel="stylesheet" href=(BOARD_STYLE.path());
        div.head {
            h1 { "Fields" }
            (stamp(view.path, view.saved.version, &view.saved.author, view.saved.update_time.as_ref()))
        }
        @if let Some(said) = &view.said { div.notice.good role="status" { p { (said) } } }
        (fault::notice(view.faults))
        @match view.csrf {
            Some(token) => { (form(view, token)) }
            None => { (shown(view)) section.panel { (view.effect) } }
        }
    }
}

fn form(view: &View<'_>, token: &str) -> Markup {
    let draft = view.draft;
    html! {
        form #mapping method="post" action=(view.path) novalidate data-preview={ (view.path) "/effect" }
            data-changed[view.changed] {
            (csrf(token))
            input type="hidden" name="etag" value=(draft.etag);
            input type="hidden" name="version" value=(draft.version);
            // Enter in a field presses the first button of a form: the harmless one.
            button.away type="submit" name="act" value="preview" tabindex="-1" aria-hidden="true" { "Preview" }
            p.faint {
                "A field without a path is NA: Lever has no place for it. Where it can be worked out, a switch turns that on. "
                "A blank value never takes the place of another."
            }
            div.scroll {
                table.rules {
                    thead { tr { th scope="col" { "Field" } th scope="col" { "Source in Lever" } th scope="col" { "Worked out" } th scope="col" { "Direction" } th scope="col" { "Policy" } th scope="col" { "Order" } } }
                    tbody { @for place in 0..draft.rows.len() { (row(view, place)) } }
                }
            }
            datalist #paths {
                @for source in view.sources { option value=(source.path) label=[told(source)] {} }
            }
            section.panel {
                h2 { "New field" }
                div.row {
                    label { "Name" input id="new_label" name="new_label" maxlength="100" autocomplete="off" aria-invalid=[fault::invalid(view.faults, "new_label")] aria-describedby=[fault::described(view.faults, "new_label")]; }
                    label { "Source path" input name="new_path" value=(draft.nameless.path) list="paths" maxlength="400" size="36" autocomplete="off" spellcheck="false"; }
                    label { "Or worked out as"
                        select name="new_derivation" {
                            option value="unspecified" selected[draft.nameless.derivation == pb::FieldDerivation::Unspecified] { "not" }
                            @for one in all::<pb::FieldDerivation>() { @let word = derivation_name(one); option value=(word) selected[draft.nameless.derivation == one] { (word) } }
                        }
                    }
                    button type="submit" name="act" value="add" { "Add" }
                }
                (fault::beside(view.faults, "new_label"))
            }
            section.panel {
                h2 { "Links of the product" }
                p.faint { "Links to these hosts are profiles of the product's own. One a line, present and former, such as app.example.com." }
                label { "Hosts" br;
                    textarea id="hosts" name="hosts" rows="2" spellcheck="false"
                        aria-invalid=[fault::invalid(view.faults, "hosts")] aria-describedby=[fault::described(view.faults, "hosts")] { (draft.hosts) }
                }
                (fault::beside(view.faults, "hosts"))
            }
            section.panel {
                h2 { "On a real candidate" }
                p.faint #who-hint { "An e-mail address, a profile on LinkedIn or GitHub, a telephone number, \"name, employer\", or an id of Lever." }
                div.row {
                    label { "Candidate"
                        input id="who" name="who" value=(draft.who) size="36" placeholder="the first mirrored" autocomplete="off" spellcheck="false"
                            aria-invalid=[fault::invalid(view.faults, "who")]
                            aria-describedby=(fault::described(view.faults, "who").as_deref().unwrap_or("who-hint"));
                    }
                    button type="submit" name="act" value="preview" { "Try" }
                }
                (fault::beside(view.faults, "who"))
                div #effect aria-live="polite" { (view.effect) }
            }
            div.savebar {
                div.now {
                    button.primary type="submit" name="act" value="review" { "Save" }
                    button type="submit" name="act" value="preview" { "Preview" }
                }
                div.more {
                    button type="submit" name="act" value="reset" { "Reset to default" }
                    button #undo type="button" hidden disabled { "Undo" }
                    a.button.quiet href=(view.path) { "Discard changes" }
                }
            }
        }
        script type="module" src=(BOARD_SCRIPT.path()) {}
    }
}

/// What an account calls a path of its own.
fn told(source: &pb::SourceField) -> Option<String> {
    (!source.title.is_empty()).then(|| format!("{} · {}", source.title, source.group))
}

fn row(view: &View<'_>, place: usize) -> Markup {
    let row = &view.draft.rows[place];
    let name = |what: &str| format!("{what}.{place}");
    let derives = row.derivation != pb::FieldDerivation::Unspecified;
    html! {
        tr.na[row.not_available()] {
            th scope="row" {
                input type="hidden" name=(name("field")) value=(row.field);
                (text(view, &name("label"), &row.label, &format!("Name of {}", row.field), None))
                code.faint { (row.field) }
                @if row.not_available() { " " span.badge { "NA" } }
            }
            td.path {
                (text(view, &name("path"), &row.path, &format!("Source path of {}", row.name()), Some("paths")))
                (near(view, place))
                @if row.picks_links() {
                    (choice(view, &name("link"), &format!("Which link of {}", row.name()), all::<pb::FieldLink>().map(|one| (link_name(one), one == row.link)), Some("all links")))
                }
            }
            td.how {
                input type="hidden" name=(name("derivation")) value=(derivation_name(row.derivation));
                @if derives {
                    label.check { input type="checkbox" id=(name("derived")) name=(name("derived")) checked[row.derived] aria-label={ "Work out " (row.name()) ": " (worked_out(row.derivation)) }; (worked_out(row.derivation)) }
                    (fault::beside(view.faults, &name("derived")))
                } @else { span.faint { "as Lever has it" } }
            }
            td.way { (choice(view, &name("direction"), &format!("Direction of {}", row.name()), all::<pb::FieldDirection>().map(|one| (direction_name(one), one == row.direction)), None)) }
            td.what { (choice(view, &name("policy"), &format!("Policy of {}", row.name()), all::<pb::FieldPolicy>().map(|one| (policy_name(one), one == row.policy)), None)) }
            td.tools {
                @if place > 0 { (act("up", place, "↑", "Earlier", row)) " " }
                @if place + 1 < view.draft.rows.len() { (act("down", place, "↓", "Later", row)) " " }
                (act("remove", place, "✕", "Remove", row))
            }
        }
    }
}

fn act(act: &str, place: usize, label: &str, spoken: &str, row: &Row) -> Markup {
    html! { button type="submit" name="act" value={ (act) ":" (place) } aria-label={ (spoken) " " (row.name()) } title=(spoken) { (label) } }
}

fn text(view: &View<'_>, at: &str, value: &str, label: &str, list: Option<&str>) -> Markup {
    html! {
        input id=(at) name=(at) value=(value) aria-label=(label) list=[list] autocomplete="off" spellcheck="false"
            placeholder=[list.map(|_| "NA")] aria-invalid=[fault::invalid(view.faults, at)] aria-describedby=[fault::described(view.faults, at)];
        @if let Some(fault) = fault::of(view.faults, at).next() {
            span.wrong id=(fault::why(at)) { (sentence(nearest(&fault.message).0)) }
        }
    }
}

/// The paths nearest to one that was refused, each a button that takes it.
fn near(view: &View<'_>, place: usize) -> Markup {
    let at = format!("path.{place}");
    let fault = fault::of(view.faults, &at).next();
    let paths = fault
        .map(|fault| nearest(&fault.message).1)
        .unwrap_or_default();
    html! {
        @if !paths.is_empty() {
            div.near {
                span.faint { "Nearest:" }
                @for path in paths { button type="submit" name="act" value={ "path:" (place) ":" (path) } { code { (path) } } }
            }
        }
    }
}

fn choice(
    view: &View<'_>,
    at: &str,
    label: &str,
    choices: impl Iterator<Item = (String, bool)>,
    none: Option<&str>,
) -> Markup {
    let choices: Vec<_> = choices.collect();
    let chosen = choices.iter().any(|(_, on)| *on);
    html! {
        select id=(at) name=(at) aria-label=(label) aria-invalid=[fault::invalid(view.faults, at)] aria-describedby=[fault::described(view.faults, at)] {
            @if let Some(none) = none { option value="unspecified" selected[!chosen] { (none) } }
            @for (word, on) in &choices { option value=(word) selected[*on] { (shown_as(word)) } }
        }
        (fault::beside(view.faults, at))
    }
}

/// A word of a choice, for people.
fn shown_as(word: &str) -> &str {
    match word {
        "import" => "← import",
        "export" => "→ export",
        "both" => "↔ both",
        "never" => "never (protected)",
        word => word,
    }
}

pub(super) fn worked_out(derivation: pb::FieldDerivation) -> &'static str {
    match derivation {
        pb::FieldDerivation::Unspecified => "as Lever has it",
        pb::FieldDerivation::WorkExperience => "derive from the newest résumé",
        pb::FieldDerivation::Company => "derive from résumé, applications, headline",
        pb::FieldDerivation::Location => "derive: where the person lives, else the job",
        pb::FieldDerivation::Title => "derive from résumé, else headline",
        pb::FieldDerivation::Education => "derive from the newest résumé",
        pb::FieldDerivation::Attachments => "derive: résumés, files, files of answers",
        pb::FieldDerivation::ActivityFeed => "derive: what happened, in order",
    }
}

/// The same for whoever may not change it.
fn shown(view: &View<'_>) -> Markup {
    let draft = view.draft;
    html! {
        div.scroll tabindex="0" role="region" aria-label="Fields" {
            table.rules {
                thead { tr { th scope="col" { "Field" } th scope="col" { "Source in Lever" } th scope="col" { "Direction" } th scope="col" { "Policy" } } }
                tbody {
                    @for row in &draft.rows {
                        tr.na[row.not_available()] {
                            th scope="row" { (row.name()) }
                            td.path {
                                @if row.not_available() { "NA" }
                                @else if row.derived { (worked_out(row.derivation)) }
                                @else { code { (row.path) } @if row.link != pb::FieldLink::Unspecified { " (" (link_name(row.link)) ")" } }
                            }
                            td { (shown_as(&direction_name(row.direction))) }
                            td { (shown_as(&policy_name(row.policy))) }
                        }
                    }
                }
            }
        }
        @if !draft.hosts.is_empty() { p { "Hosts of the product: " (draft.hosts.replace('\n', ", ")) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(csrf: Option<&str>, faults: &[Fault]) -> String {
        let rule = |field: &str, path: &str| pb::FieldRule {
            field: field.to_owned(),
            label: format!("{field} <i>"),
            path: path.to_owned(),
            direction: pb::FieldDirection::Both.into(),
            policy: pb::FieldPolicy::Overwrite.into(),
            ..Default::default()
        };
        let saved = pb::FieldMapping {
            rules: vec![
                rule("NAME", "opportunities.nmae"),
                pb::FieldRule {
                    derivation: pb::FieldDerivation::Education.into(),
                    ..rule("EDUCATION", "")
                },
            ],
            ..Default::default()
        };
        let view = View {
            path: "/c/fields",
            csrf,
            saved: &saved,
            draft: &Draft::of(&saved),
            sources: &[],
            faults,
            said: None,
            effect: html! {},
            changed: false,
        };
        page(&view).into_string()
    }

    #[test]
    fn a_field_lever_has_no_place_for_is_na_with_a_switch() {
        let text = drawn(Some("t"), &[]);
        assert!(
            text.contains("<tr class=\"na\">") && text.contains("derive from the newest résumé")
        );
        assert!(text.contains("NAME &lt;i&gt;") && !text.contains("style="));
    }

    #[test]
    fn a_refused_path_stays_with_the_nearest_ones_to_take() {
        let message = "Lever's records have no opportunities.nmae; nearest: opportunities.name, contacts.name";
        let text = drawn(
            Some("t"),
            &[Fault::new("path.0", "NAME, source path", message)],
        );
        assert!(text.contains("value=\"opportunities.nmae\""));
        assert!(text.contains("value=\"path:0:opportunities.name\""));
        assert!(text.contains("id=\"path.0.why\">Lever's records have no opportunities.nmae.<"));
    }

    #[test]
    fn whoever_may_not_save_is_offered_nothing_to_fill_in() {
        let text = drawn(None, &[]);
        assert!(text.contains("NAME &lt;i&gt;"));
        for tag in ["<form", "<input", "<select", "<button"] {
            assert!(!text.contains(tag), "{tag}");
        }
    }
}
