//! The versions of a mapping, whichever: a list, one beside the present, and what to do when two people save.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::{Markup, html};
use prost_types::Timestamp;
use proto::v1 as pb;
use tonic::Status;

use super::{After, more};
use crate::console::Console;
use crate::console::assets::BOARD_STYLE;
use crate::console::compare::{Conflict, Setting, conflicts, differences, three, two};
use crate::console::desk::Desk;
use crate::console::form::{CSRF, Form, Posted};
use crate::console::frame::{Tab, csrf};
use crate::console::refusal::Refused;
use crate::console::words::moment;

/// An account with a mapping that is kept in versions, as the services tell of it.
pub(super) trait Versioned: Sized + Send + Sync + 'static {
    /// What the mapping is called in a sentence.
    const WHAT: &'static str;
    /// Where it is.
    const TAB: Tab;
    /// The rpc that takes a version back.
    const ROLLBACK: &'static str;
    /// The mapping.
    type Mapping: Default + Send + Sync;

    /// The account, with the mapping that holds.
    fn of(desk: &Desk, id: &str) -> impl Future<Output = Result<Self, Refused>> + Send;

    fn connection(&self) -> &pb::Connection;

    /// The mapping that holds.
    fn mapping(&self) -> &Self::Mapping;

    /// What the postings are called of which versions speak.
    fn titles(
        desk: &Desk,
        id: &str,
        versions: &[&Self::Mapping],
    ) -> impl Future<Output = Result<Titles, Refused>> + Send;

    /// What a mapping says, one setting after the other.
    fn settings(&self, mapping: &Self::Mapping, titles: &Titles) -> Vec<Setting>;

    fn stamp(mapping: &Self::Mapping) -> Stamp<'_>;

    /// Some versions, the newest first.
    fn page(
        desk: &Desk,
        id: &str,
        page_size: i32,
        page_token: String,
    ) -> impl Future<Output = Result<Page<Self::Mapping>, Refused>> + Send;

    /// Has a version hold again; the mapping that holds now.
    fn roll_back(
        desk: &Desk,
        id: String,
        version: u64,
        etag: String,
    ) -> impl Future<Output = Result<Self::Mapping, Refused>> + Send;
}

/// What postings are called, by their ids.
pub(super) type Titles = BTreeMap<String, String>;

/// Which version a mapping is.
#[derive(Clone, Copy)]
pub(super) struct Stamp<'a> {
    pub(super) version: u64,
    pub(super) author: &'a str,
    pub(super) time: Option<&'a Timestamp>,
    pub(super) etag: &'a str,
}

/// Some versions of a mapping.
pub(super) struct Page<M> {
    pub(super) versions: Vec<M>,
    pub(super) next_page_token: String,
}

/// The pages of versions; `page` is the route of the mapping.
pub(super) fn routes<A: Versioned>(page: &str) -> Router<Console> {
    Router::new()
        .route(&format!("{page}/versions"), get(every::<A>))
        .route(
            &format!("{page}/versions/{{version}}"),
            get(single::<A>).post(take_back::<A>),
        )
}

async fn every<A: Versioned>(
    desk: Desk,
    Path(id): Path<String>,
    Query(After { after }): Query<After>,
) -> Result<Response, Refused> {
    let account = A::of(&desk, &id).await?;
    let mut page = A::page(&desk, &id, 50, after.clone()).await?;
    let shown = page.versions.len();
    if !page.next_page_token.is_empty() {
        // What the oldest of these changed is told by the one before it.
        let before = A::page(&desk, &id, 1, page.next_page_token.clone()).await?;
        page.versions.extend(before.versions);
    }
    let versions: Vec<_> = page.versions.iter().collect();
    let titles = A::titles(&desk, &id, &versions).await?;
    let settings: Vec<_> = versions
        .iter()
        .map(|mapping| account.settings(mapping, &titles))
        .collect();
    let rows = page.versions.iter().enumerate().take(shown);
    let rows: Vec<Row<'_>> = rows
        .map(|(place, mapping)| Row {
            version: A::stamp(mapping),
            changed: settings
                .get(place + 1)
                .map(|before| told(before, &settings[place])),
        })
        .collect();
    let path = A::TAB.path(&id);
    let content = list(A::WHAT, &path, &rows, [&after, &page.next_page_token]);
    let title = format!("Versions of the {}", A::WHAT);
    Ok(desk.below(account.connection(), A::TAB, &title, content))
}

/// What has changed between two versions, a setting a line, as the page of the mapping calls them.
fn told(before: &[Setting], after: &[Setting]) -> Vec<String> {
    let rows = differences(before, after).into_iter();
    rows.map(|(name, before, after)| match (before, after) {
        (None, Some(after)) => format!("{name}: {after}, not there before"),
        (Some(before), None) => format!("{name}: not there any more, before {before}"),
        (before, after) => {
            let [before, after] = [before, after].map(Option::unwrap_or_default);
            format!("{name}: {after}, before {before}")
        }
    })
    .collect()
}

/// One version, if there is that many.
pub(super) async fn version<A: Versioned>(
    desk: &Desk,
    id: &str,
    wanted: u64,
) -> Result<Option<A::Mapping>, Refused> {
    let mut token = String::new();
    loop {
        let page = A::page(desk, id, 500, token).await?;
        let mut versions = page.versions.into_iter();
        let found = versions.find(|mapping| A::stamp(mapping).version == wanted);
        if found.is_some() || page.next_page_token.is_empty() {
            return Ok(found);
        }
        token = page.next_page_token;
    }
}

async fn single<A: Versioned>(
    desk: Desk,
    Path((id, wanted)): Path<(String, u64)>,
) -> Result<Response, Refused> {
    let account = A::of(&desk, &id).await?;
    let Some(mapping) = version::<A>(&desk, &id, wanted).await? else {
        let message = format!("there is no version {wanted} of this mapping");
        return Err(Status::not_found(message).into());
    };
    let titles = A::titles(&desk, &id, &[account.mapping(), &mapping]).await?;
    let present = A::stamp(account.mapping());
    let path = A::TAB.path(&id);
    let view = One {
        what: A::WHAT,
        path: &path,
        version: A::stamp(&mapping),
        present: present.version,
        etag: present.etag,
        csrf: desk.may(A::ROLLBACK).then_some(desk.csrf()),
        before: account.settings(account.mapping(), &titles),
        after: account.settings(&mapping, &titles),
    };
    let title = format!("Version {wanted} of the {}", A::WHAT);
    Ok(desk.below(account.connection(), A::TAB, &title, one(&view)))
}

/// What is said where what was saved is what was there.
pub(super) const UNCHANGED: &str = "Nothing has changed, so no new version was made.";

const CLASH: &str = "Somebody else saved first";

async fn take_back<A: Versioned>(
    Path((id, version)): Path<(String, u64)>,
    Posted { desk, form }: Posted,
) -> Result<Response, Refused> {
    let path = A::TAB.path(&id);
    let given = form.text("etag");
    let saved = A::roll_back(&desk, id, version, given.to_owned()).await?;
    let now = A::stamp(&saved);
    let said = match now.etag == given {
        true => UNCHANGED.to_owned(),
        false => format!("Version {version} holds again, as version {}.", now.version),
    };
    Ok(desk.done(&path, said))
}

/// Somebody else saved first: theirs and mine, and a choice. `began` is the version that mine was made from.
pub(super) async fn conflict<A: Versioned>(
    desk: &Desk,
    account: &A,
    began: u64,
    mine: &A::Mapping,
    form: &Form,
) -> Result<Response, Refused> {
    let id = &account.connection().id;
    let base = version::<A>(desk, id, began).await?;
    let base = base.unwrap_or_default();
    let view = Clash {
        path: &A::TAB.path(id),
        csrf: desk.csrf(),
        theirs: A::stamp(account.mapping()),
        save: "save",
        form,
    };
    let sides = [&base, account.mapping(), mine];
    let titles = A::titles(desk, id, &sides).await?;
    let [base, theirs, mine] = sides.map(|mapping| account.settings(mapping, &titles));
    let rows = conflicts(&base, &theirs, &mine);
    let page = desk.below(account.connection(), A::TAB, CLASH, clash(&view, &rows));
    Ok((StatusCode::CONFLICT, page).into_response())
}

/// A version, and what it changed.
struct Row<'a> {
    version: Stamp<'a>,
    /// None for the first, which changed nothing.
    changed: Option<Vec<String>>,
}

/// The versions, the newest first; `path` is that of the mapping.
fn list(what: &str, path: &str, rows: &[Row<'_>], tokens: [&str; 2]) -> Markup {
    html! {
        link rel="stylesheet" href=(BOARD_STYLE.path());
        div.head { h1 { "Versions of the " (what) } p { a href=(path) { "Back" } } }
        div.scroll tabindex="0" role="region" aria-label="Versions" {
            table {
                thead { tr { th scope="col" { "Version" } th scope="col" { "Saved" } th scope="col" { "By" } th scope="col" { "What it changed" } th scope="col" { "Look" } } }
                tbody {
                    @for row in rows {
                        @let Stamp { version, author, time, .. } = row.version;
                        tr {
                            td { (version) }
                            td { (moment(time)) }
                            td { @if author.is_empty() { span.faint { "Fulcrum" } } @else { (author) } }
                            td { (changed(row)) }
                            td { a href={ (path) "/versions/" (version) } { "Compare" span.away { " version " (version) " with the present one" } } }
                        }
                    }
                }
            }
        }
        (more(&format!("{path}/versions"), tokens))
    }
}

fn changed(row: &Row<'_>) -> Markup {
    html! {
        @match row.changed.as_deref() {
            None if row.version.version == 0 => "the shipped one",
            None => "the first",
            Some([]) => "nothing",
            Some([one]) => (one),
            Some(several) => details { summary { (several.len()) " settings" } ul { @for line in several { li { (line) } } } },
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
struct One<'a> {
    what: &'a str,
    path: &'a str,
    version: Stamp<'a>,
    present: u64,
    /// Of the present version.
    etag: &'a str,
    /// What forms carry, where the reader may take it back.
    csrf: Option<&'a str>,
    /// The present settings.
    before: Vec<Setting>,
    after: Vec<Setting>,
}

/// A version beside the present one, with the way back to it.
fn one(view: &One<'_>) -> Markup {
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

/// Two people who saved.
struct Clash<'a> {
    /// Of the mapping.
    path: &'a str,
    csrf: &'a str,
    theirs: Stamp<'a>,
    /// What the button of the form is to do again.
    save: &'a str,
    /// What was filled in.
    form: &'a Form,
}

/// Theirs and mine, and the choice: nothing of what was filled in is lost until it is made.
fn clash(view: &Clash<'_>, rows: &[Conflict<'_>]) -> Markup {
    html! {
        link rel="stylesheet" href=(BOARD_STYLE.path());
        h1 { (CLASH) }
        div.notice.warn role="alert" {
            p {
                (view.theirs.author) " saved version " (view.theirs.version) " " (moment(view.theirs.time))
                ", after you began. Nothing of yours is saved yet."
            }
        }
        @if rows.is_empty() { p { "Both of you want the same." } }
        @else { (three(&format!("Theirs, version {}", view.theirs.version), rows)) }
        div.savebar {
            a.button.primary href=(view.path) { "Reload theirs" }
            form.inline method="post" action=(view.path) {
                (csrf(view.csrf))
                (again(view.form, view.theirs.etag))
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

    #[test]
    fn a_clash_offers_theirs_or_mine_and_keeps_what_was_filled_in() {
        let form = Form::parse(b"csrf=old&etag=one&act=save&stage.a=OFFER&label.X=%3Cb%3E");
        let view = Clash {
            path: "/c/stages",
            csrf: "t",
            theirs: Stamp {
                version: 2,
                author: "Ada <x>",
                time: None,
                etag: "two",
            },
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
    fn what_a_version_changed_is_told_in_the_words_of_the_page() {
        let of = |pairs: &[(&str, &str)]| -> Vec<Setting> {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| Setting::new(*name, format!("Stage {name}"), *value))
                .collect()
        };
        let before = of(&[("Phone", "Lead"), ("Gone", "Lead")]);
        let after = of(&[("Phone", "Offer"), ("New", "Lead")]);
        assert_eq!(
            told(&before, &after),
            [
                "Stage Phone: Offer, before Lead",
                "Stage New: Lead, not there before",
                "Stage Gone: not there any more, before Lead",
            ]
        );
        let row = |version, changed| {
            let version = Stamp {
                version,
                author: "",
                time: None,
                etag: "",
            };
            changed_of(version, changed)
        };
        assert!(row(0, None).contains("the shipped one"));
        assert!(row(2, Some(told(&before, &after))).contains("3 settings"));
    }

    fn changed_of(version: Stamp<'_>, changed_settings: Option<Vec<String>>) -> String {
        let row = Row {
            version,
            changed: changed_settings,
        };
        changed(&row).into_string()
    }

    #[test]
    fn the_present_version_cannot_be_rolled_back_to_and_a_reader_is_not_offered_it() {
        let page = |number, csrf| {
            one(&One {
                what: "stage mapping",
                path: "/c/stages",
                version: Stamp {
                    version: number,
                    author: "",
                    time: None,
                    etag: "",
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
