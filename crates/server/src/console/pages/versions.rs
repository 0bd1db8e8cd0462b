//! The versions of a mapping, whichever: a list, one beside the present, and what to do when two people save.

use maud::{Markup, html};
use prost_types::Timestamp;
use tonic::Status;

use super::more;
use crate::console::assets::BOARD_STYLE;
use crate::console::compare::{Conflict, Setting, three, two};
use crate::console::form::{CSRF, Form};
use crate::console::frame::csrf;
use crate::console::refusal::Refused;
use crate::console::words::moment;

/// A version, and what it changed.
pub(super) struct Version<'a> {
    pub(super) version: u64,
    pub(super) author: &'a str,
    pub(super) time: Option<&'a Timestamp>,
    pub(super) differences: &'a [String],
}

/// The versions, the newest first; `path` is that of the mapping.
pub(super) fn list(what: &str, path: &str, rows: &[Version<'_>], next_page_token: &str) -> Markup {
    html! {
        link rel="stylesheet" href=(BOARD_STYLE.path());
        div.head { h1 { "Versions of the " (what) } p { a href=(path) { "Back" } } }
        div.scroll tabindex="0" role="region" aria-label="Versions" {
            table {
                thead { tr { th scope="col" { "Version" } th scope="col" { "Saved" } th scope="col" { "By" } th scope="col" { "What it changed" } th scope="col" { "Look" } } }
                tbody {
                    @for row in rows {
                        tr {
                            td { (row.version) }
                            td { (moment(row.time)) }
                            td { @if row.author.is_empty() { span.faint { "Fulcrum" } } @else { (row.author) } }
                            td { (changed(row)) }
                            td { a href={ (path) "/versions/" (row.version) } { "Compare" span.away { " version " (row.version) " with the present one" } } }
                        }
                    }
                }
            }
        }
        (more(&format!("{path}/versions"), next_page_token))
    }
}

fn changed(row: &Version<'_>) -> Markup {
    html! {
        @match row.differences {
            [] if row.version == 0 => "the shipped one",
            [] => "nothing",
            [one] => (one),
            several => details { summary { (several.len()) " settings" } ul { @for line in several { li { (line) } } } },
        }
    }
}

/// Which version a page is made from, with the way to the others.
pub(super) fn stamp(path: &str, version: u64, author: &str, time: Option<&Timestamp>) -> Markup {
    html! {
        p.faint {
            @if version == 0 { "Version 0, the shipped one" }
            @else { "Version " (version) ", saved by " (author) " " (moment(time)) }
            " · " a href={ (path) "/versions" } { "Versions" }
        }
    }
}

/// A version beside the present one.
pub(super) struct One<'a> {
    pub(super) what: &'a str,
    pub(super) path: &'a str,
    pub(super) version: Version<'a>,
    pub(super) present: u64,
    /// Of the present version.
    pub(super) etag: &'a str,
    /// What forms carry, where the reader may take it back.
    pub(super) csrf: Option<&'a str>,
    /// The present settings.
    pub(super) before: Vec<Setting>,
    pub(super) after: Vec<Setting>,
}

/// A version beside the present one, with the way back to it.
pub(super) fn one(view: &One<'_>) -> Markup {
    let number = view.version.version;
    html! {
        link rel="stylesheet" href=(BOARD_STYLE.path());
        div.head {
            h1 { "Version " (number) " of the " (view.what) }
            p { a href={ (view.path) "/versions" } { "All versions" } " · " a href=(view.path) { "Back to the mapping" } }
        }
        p.faint {
            "Saved " (moment(view.version.time))
            @if !view.version.author.is_empty() { " by " (view.version.author) }
        }
        section.panel {
            h2 { "Beside the present version " (view.present) }
            (two(&format!("Version {} (present)", view.present), &format!("Version {number}"), &view.before, &view.after))
        }
        @if let (Some(token), false) = (view.csrf, number == view.present) {
            form method="post" action={ (view.path) "/versions/" (number) } {
                (csrf(token))
                input type="hidden" name="etag" value=(view.etag);
                button.primary type="submit" { "Roll back to version " (number) }
                " " span.faint { "Its settings become version " (view.present + 1) "; no version is lost." }
            }
        }
    }
}

/// What is said after a version was taken back.
pub(super) fn taken_back(version: u64, now: u64) -> String {
    format!("Version {version} holds again, as version {now}.")
}

/// There is no such version.
pub(super) fn nowhere(version: u64) -> Refused {
    Status::not_found(format!("there is no version {version} of this mapping")).into()
}

/// Two people who saved.
pub(super) struct Clash<'a> {
    /// Of the mapping.
    pub(super) path: &'a str,
    pub(super) csrf: &'a str,
    /// Theirs.
    pub(super) version: u64,
    pub(super) author: &'a str,
    pub(super) time: Option<&'a Timestamp>,
    pub(super) etag: &'a str,
    /// What the button of the form is to do again.
    pub(super) save: &'a str,
    /// What was filled in.
    pub(super) form: &'a Form,
}

/// Theirs and mine, and the choice: nothing of what was filled in is lost until it is made.
pub(super) fn clash(view: &Clash<'_>, rows: &[Conflict<'_>]) -> Markup {
    html! {
        link rel="stylesheet" href=(BOARD_STYLE.path());
        h1 { "Somebody else saved first" }
        div.notice.warn role="alert" {
            p {
                (view.author) " saved version " (view.version) " " (moment(view.time))
                ", after you began. Nothing of yours is saved yet."
            }
        }
        @if rows.is_empty() { p { "Both of you want the same." } }
        @else { (three(&format!("Theirs, version {}", view.version), rows)) }
        div.savebar {
            a.button.primary href=(view.path) { "Reload theirs" }
            form.inline method="post" action=(view.path) {
                (csrf(view.csrf))
                (again(view.form, view.etag))
                button.danger type="submit" name="act" value=(view.save) { "Overwrite with mine" }
            }
        }
        p.faint { "Reloading drops what only you have changed; overwriting takes back what only they have changed. Every version can be rolled back to." }
    }
}

/// Everything that was filled in, once more, for the version with this etag.
pub(super) fn again(form: &Form, etag: &str) -> Markup {
    html! {
        input type="hidden" name="etag" value=(etag);
        @for (name, value) in form.fields().filter(|(name, _)| ![CSRF, "etag", "act"].contains(name)) {
            input type="hidden" name=(name) value=(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::compare::conflicts;

    #[test]
    fn a_clash_offers_theirs_or_mine_and_keeps_what_was_filled_in() {
        let form = Form::parse(b"csrf=old&etag=one&act=save&stage.a=OFFER&label.X=%3Cb%3E");
        let view = Clash {
            path: "/c/stages",
            csrf: "t",
            version: 2,
            author: "Ada <x>",
            time: None,
            etag: "two",
            save: "save",
            form: &form,
        };
        let base = [Setting::new("a", "Stage A", "LEAD")];
        let mine = [Setting::new("a", "Stage A", "OFFER")];
        let text = clash(&view, &conflicts(&base, &base, &mine)).into_string();
        assert!(text.contains("Ada &lt;x&gt; saved version 2"));
        assert!(text.contains("name=\"etag\" value=\"two\"") && !text.contains("value=\"one\""));
        assert!(text.contains("name=\"stage.a\" value=\"OFFER\""));
        assert!(text.contains("name=\"label.X\" value=\"&lt;b&gt;\""));
        assert!(text.contains("Reload theirs") && text.contains("Overwrite with mine"));
        assert!(!text.contains("value=\"old\""));
    }

    #[test]
    fn the_present_version_cannot_be_rolled_back_to_and_a_reader_is_not_offered_it() {
        let page = |number, csrf| {
            one(&One {
                what: "stage mapping",
                path: "/c/stages",
                version: Version {
                    version: number,
                    author: "",
                    time: None,
                    differences: &[],
                },
                present: 3,
                etag: "e",
                csrf,
                before: Vec::new(),
                after: vec![Setting::new("a", "A", "1")],
            })
            .into_string()
        };
        assert!(page(1, Some("t")).contains("Roll back to version 1"));
        assert!(!page(3, Some("t")).contains("<form"));
        assert!(!page(1, None).contains("<form"));
        assert!(
            page(1, None).contains("not there"),
            "the present has no such setting"
        );
    }
}
