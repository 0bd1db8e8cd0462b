//! Settings side by side: what two or three versions of something say.
//!
//! What is compared is a list of settings, each with a key of its own, so that any document can be.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use crate::console::words::count;

/// One setting of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// The same in every version.
    pub(super) key: String,
    /// What people call it.
    pub(super) name: String,
    /// What it is set to, for people.
    pub(super) value: String,
}

impl Setting {
    pub(super) fn new(
        key: impl Into<String>,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Setting {
        Setting {
            key: key.into(),
            name: name.into(),
            value: value.into(),
        }
    }
}

/// Who has changed a setting since both began with the same version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    /// The other.
    Theirs,
    /// Whoever looks at it.
    Mine,
    /// Both, and not to the same.
    Both,
}

/// A setting that differs between two people.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Conflict<'s> {
    pub(super) name: &'s str,
    /// None where the version does not have it.
    pub(super) base: Option<&'s str>,
    pub(super) theirs: Option<&'s str>,
    pub(super) mine: Option<&'s str>,
    pub(super) changed: Changed,
}

/// The settings that differ between two people who began with `base`, in the order in which they are listed.
pub(super) fn conflicts<'s>(
    base: &'s [Setting],
    theirs: &'s [Setting],
    mine: &'s [Setting],
) -> Vec<Conflict<'s>> {
    let (of_base, of_theirs, of_mine) = (keyed(base), keyed(theirs), keyed(mine));
    let mut seen = BTreeSet::new();
    let rows = mine.iter().chain(theirs).chain(base);
    rows.filter(|setting| seen.insert(&setting.key))
        .filter_map(|setting| {
            let of = |values: &BTreeMap<&str, &'s str>| values.get(setting.key.as_str()).copied();
            let (base, theirs, mine) = (of(&of_base), of(&of_theirs), of(&of_mine));
            let changed = match (base == theirs, base == mine) {
                (true, true) => return None,
                (true, false) => Changed::Mine,
                (false, true) => Changed::Theirs,
                (false, false) if theirs == mine => return None,
                (false, false) => Changed::Both,
            };
            Some(Conflict {
                name: &setting.name,
                base,
                theirs,
                mine,
                changed,
            })
        })
        .collect()
}

fn keyed(settings: &[Setting]) -> BTreeMap<&str, &str> {
    let pairs = settings.iter();
    pairs
        .map(|setting| (setting.key.as_str(), setting.value.as_str()))
        .collect()
}

/// The settings that differ between two versions: name, before, after.
pub(super) fn differences<'s>(
    before: &'s [Setting],
    after: &'s [Setting],
) -> Vec<(&'s str, Option<&'s str>, Option<&'s str>)> {
    let rows = conflicts(before, before, after).into_iter();
    rows.map(|row| (row.name, row.base, row.mine)).collect()
}

/// The same as a list that can be opened, for an effect that is shown beside what is filled in.
pub(super) fn listed(before: &[Setting], after: &[Setting]) -> Markup {
    let rows = differences(before, after);
    html! {
        details open[rows.len() <= 3] {
            summary { (count(rows.len() as u64, "setting differs", "settings differ")) }
            ul {
                @for (name, before, after) in &rows {
                    li { (name) ": " (value(*before)) " → " (value(*after)) }
                }
            }
        }
    }
}

/// Two versions side by side.
pub(super) fn two(
    before_is: &str,
    after_is: &str,
    before: &[Setting],
    after: &[Setting],
) -> Markup {
    let rows = differences(before, after);
    html! {
        @if rows.is_empty() { p { "They say the same." } }
        @else {
            div.scroll tabindex="0" role="region" aria-label="What differs" {
                table.compare {
                    thead { tr { th scope="col" { "Setting" } th scope="col" { (before_is) } th scope="col" { (after_is) } } }
                    tbody {
                        @for (name, before, after) in &rows {
                            tr { th scope="row" { (name) } td { (value(*before)) } td { ins { (value(*after)) } } }
                        }
                    }
                }
            }
        }
    }
}

/// Theirs and mine side by side, with what both began with; what somebody has changed is marked.
pub(super) fn three(theirs_is: &str, rows: &[Conflict<'_>]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="What differs" {
            table.compare {
                thead {
                    tr {
                        th scope="col" { "Setting" } th scope="col" { "When you began" }
                        th scope="col" { (theirs_is) } th scope="col" { "Yours" } th scope="col" { "Changed by" }
                    }
                }
                tbody {
                    @for row in rows {
                        tr {
                            th scope="row" { (row.name) }
                            td { (value(row.base)) }
                            td { @if row.changed == Changed::Mine { (value(row.theirs)) } @else { ins { (value(row.theirs)) } } }
                            td { @if row.changed == Changed::Theirs { (value(row.mine)) } @else { ins { (value(row.mine)) } } }
                            td {
                                @match row.changed {
                                    Changed::Theirs => span.badge { "them" },
                                    Changed::Mine => span.badge { "you" },
                                    Changed::Both => span.badge.warn { "both" },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn value(value: Option<&str>) -> Markup {
    html! { @match value { Some(value) => (value), None => span.faint { "not there" } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Vec<Setting> {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| Setting::new(*key, key.to_uppercase(), *value))
            .collect()
    }

    #[test]
    fn what_two_people_changed_is_told_apart_and_what_they_agree_on_is_left_out() {
        let base = settings(&[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("e", "1")]);
        let theirs = settings(&[("a", "1"), ("b", "2"), ("c", "2"), ("d", "2"), ("f", "9")]);
        let mine = settings(&[("a", "1"), ("b", "1"), ("c", "3"), ("d", "2"), ("e", "1")]);
        let rows = conflicts(&base, &theirs, &mine);
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.name, row.theirs, row.mine, row.changed))
            .collect();
        assert_eq!(
            told,
            [
                ("B", Some("2"), Some("1"), Changed::Theirs),
                ("C", Some("2"), Some("3"), Changed::Both),
                ("E", None, Some("1"), Changed::Theirs),
                ("F", Some("9"), None, Changed::Theirs),
            ]
        );
    }

    #[test]
    fn two_versions_are_compared_by_key_whatever_their_order() {
        let before = settings(&[("a", "1"), ("b", "2")]);
        let after = settings(&[("b", "2"), ("a", "3")]);
        assert_eq!(differences(&before, &after), [("A", Some("1"), Some("3"))]);
        let same = two("x", "y", &before, &before).into_string();
        assert!(same.contains("They say the same."));
    }

    #[test]
    fn values_of_others_are_text() {
        let base = settings(&[("a", "1")]);
        let theirs = settings(&[("a", "<b>")]);
        let rows = conflicts(&base, &theirs, &base);
        let text = three("Theirs", &rows).into_string();
        assert!(text.contains("<ins>&lt;b&gt;</ins>"), "{text}");
    }
}
