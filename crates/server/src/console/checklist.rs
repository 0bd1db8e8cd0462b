//! The permissions to tick on Lever's page of API keys, to be copied.

use domain::Stream;
use maud::{Markup, html};

use super::words::count;

/// What a key is to be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Only {
    /// Everything that the set-up guide asks for.
    #[default]
    Everything,
    /// Nothing is written to Lever with it.
    Reading,
    /// Only jobs are mirrored, and no people.
    Jobs,
}

impl Only {
    /// Every one, as pages name them in their address, with what people call them.
    pub(super) const ALL: [(Only, &'static str, &'static str); 3] = [
        (Only::Everything, "", "Read and write"),
        (Only::Reading, "reading", "Read only"),
        (Only::Jobs, "jobs", "Jobs only"),
    ];

    /// What a page or a form asks for; everything for what none of them has.
    pub(super) fn of(word: &str) -> Only {
        let found = Only::ALL.iter().find(|(_, own, _)| *own == word);
        found.map(|(only, ..)| *only).unwrap_or_default()
    }

    /// What a key is good for whose account keeps these streams; what it writes, nobody can tell from them.
    pub(super) fn for_streams(streams: &[String]) -> Only {
        let jobs = [Stream::Postings, Stream::PostingForms].map(Stream::name);
        let jobs_alone = streams.iter().all(|name| jobs.contains(&name.as_str()));
        match jobs_alone && !streams.is_empty() {
            true => Only::Jobs,
            false => Only::Everything,
        }
    }

    /// Its word in addresses and forms.
    pub(super) fn word(self) -> &'static str {
        let found = Only::ALL.iter().find(|(only, ..)| *only == self);
        found.map_or("", |(_, word, _)| word)
    }

    fn wants(self, name: &str, reads: bool) -> bool {
        match self {
            Only::Everything => true,
            Only::Reading => reads,
            Only::Jobs => reads && name.contains("posting"),
        }
    }
}

/// The groups of the list: what each is called, and what the names in it speak of. A name is in the first that fits, so
/// that the narrower ones come first.
const GROUPS: [(&str, &[&str]); 19] = [
    (
        "Candidates, Lever’s former name of opportunities",
        &["candidate"],
    ),
    ("Notes", &["opportunity note"]),
    ("Resumes", &["opportunity resume"]),
    ("Files", &["opportunity file"]),
    ("Applications", &["opportunity application"]),
    ("Referrals", &["opportunity referral"]),
    ("Interviews", &["opportunity interview"]),
    ("Forms", &["opportunity form"]),
    ("Offers", &["opportunity offer"]),
    ("Tags, sources and links", &["tags", "sources", "links"]),
    ("Postings", &["posting"]),
    ("Opportunities", &["opportunit"]),
    ("Contacts", &["contact"]),
    ("Users", &["user"]),
    ("Requisitions", &["requisition"]),
    ("Archive reasons", &["archive reason"]),
    ("Feedback templates", &["feedback"]),
    ("EEO", &["eeo"]),
    ("Stages", &["stage"]),
];

/// Those groups as pages show them: what an opportunity is and has first, what the account has after.
const ORDER: [&str; 19] = [
    "Opportunities",
    "Tags, sources and links",
    "Notes",
    "Resumes",
    "Files",
    "Applications",
    "Referrals",
    "Interviews",
    "Forms",
    "Offers",
    "Contacts",
    "Users",
    "Postings",
    "Requisitions",
    "Stages",
    "Archive reasons",
    "Feedback templates",
    "EEO",
    "Candidates, Lever’s former name of opportunities",
];

/// The group that a permission is in.
fn group_of(name: &str) -> &'static str {
    let speaks = |(_, words): &&(&str, &[&str])| words.iter().any(|word| name.contains(word));
    let found = GROUPS.iter().find(speaks).map(|(label, _)| *label);
    found.unwrap_or("Opportunities")
}

/// The permissions that the set-up guide has an admin tick; those alone that the key needs. By what they are about, and
/// all of them once more in Lever's order.
pub(super) fn checklist(only: Only) -> Markup {
    let all = engine::guide_permissions();
    let of = |reads, label: Option<&str>| -> Vec<&str> {
        let those = all.iter().filter(|(name, is_read)| {
            let fits = label.is_none_or(|label| group_of(name) == label);
            *is_read == reads && only.wants(name, reads) && fits
        });
        those.map(|(name, _)| *name).collect()
    };
    html! {
        div.groups {
            @for (at, label) in ORDER.into_iter().enumerate() {
                @let (reads, writes) = (of(true, Some(label)), of(false, Some(label)));
                @if !reads.is_empty() || !writes.is_empty() {
                    fieldset {
                        legend { (label) }
                        (listed(&format!("group-{at}-read"), label, "To read", &reads))
                        (listed(&format!("group-{at}-write"), label, "To write", &writes))
                    }
                }
            }
        }
        @let extra = engine::extra_permissions();
        @let extra: Vec<&str> = extra.into_iter().filter(|name| only.wants(name, true)).collect();
        @if !extra.is_empty() {
            fieldset {
                legend { "Beyond the usual list" }
                p.faint { "Feedback, panels, form templates and what was deleted are read with these. They stand in no published list, so Lever may call them a little differently; without one of them what is read with it is left out, and the rest goes on." }
                (listed("permissions-extra", "Beyond the usual list", "To read", &extra))
            }
        }
        details {
            summary { "All of the usual list in one, in Lever’s order" }
            (listed("permissions-read", "", "To read", &of(true, None)))
            (listed("permissions-write", "", "To write", &of(false, None)))
        }
        p.faint { "And the switch “Allow access to confidential data”, if what is confidential is to be seen too. It cannot be changed later, and neither can the permissions." }
    }
}

/// Names to be copied, of one group or of all; nothing where there are none.
fn listed(id: &str, of: &str, label: &str, names: &[&str]) -> Markup {
    html! {
        @if !names.is_empty() {
            div.copied {
                label for=(id) { @if !of.is_empty() { span.unseen { (of) ": " } } (label) ", " (count(names.len() as u64, "permission", "permissions")) }
                textarea id=(id) readonly rows=(names.len().clamp(2, 8)) cols="52" { @for name in names { (name) "\n" } }
                (copy(id))
            }
        }
    }
}

/// A button that copies a field; it shows where scripts run.
pub(super) fn copy(id: &str) -> Markup {
    html! { button type="button" data-copy=(id) hidden { "Copy" } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_of_jobs_alone_needs_the_list_for_jobs() {
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            Only::for_streams(&names)
        };
        assert_eq!(of(&["postings"]), Only::Jobs);
        assert_eq!(of(&["postings", "posting_forms"]), Only::Jobs);
        assert_eq!(of(&["postings", "requisitions"]), Only::Everything);
        assert_eq!(of(&[]), Only::Everything);
    }

    #[test]
    fn a_key_for_less_has_a_shorter_list_in_the_same_order() {
        let of = |only| checklist(only).into_string();
        let (all, reads, jobs) = (of(Only::Everything), of(Only::Reading), of(Only::Jobs));
        assert!(
            all.contains("To read, 55 permissions") && all.contains("To write, 24 permissions")
        );
        assert!(all.contains("create an opportunity note\n"));
        assert!(reads.contains("find all opportunities\n"));
        assert!(!reads.contains("create an opportunity note"));
        assert!(jobs.contains("To read, 3 permissions") && jobs.contains("find all postings\n"));
        assert!(!jobs.contains("opportunit") && !jobs.contains("apply to a posting"));
    }

    #[test]
    fn every_permission_is_in_the_group_of_what_it_is_about() {
        for (name, group) in [
            ("update an opportunity's stage", "Opportunities"),
            ("update opportunity archived state", "Opportunities"),
            ("download an opportunity resume file", "Resumes"),
            (
                "remove opportunity contact links",
                "Tags, sources and links",
            ),
            ("find all sources", "Tags, sources and links"),
            ("find a posting application question form", "Postings"),
            ("apply to a posting", "Postings"),
            ("find all stages", "Stages"),
            ("find an archive reason", "Archive reasons"),
            ("update a contact", "Contacts"),
            ("add candidate tags", ORDER[18]),
            ("update a candidate stage", ORDER[18]),
        ] {
            assert_eq!(group_of(name), group, "{name}");
        }
        for (label, _) in GROUPS {
            assert!(ORDER.contains(&label), "{label}");
            let used = engine::guide_permissions();
            assert!(
                used.iter().any(|(name, _)| group_of(name) == label),
                "{label}"
            );
        }
        let text = checklist(Only::Everything).into_string();
        assert_eq!(
            text.matches("create an opportunity note\n").count(),
            2,
            "in its group and in all"
        );
    }

    #[test]
    fn a_list_is_asked_for_by_its_word() {
        for (only, word, _) in Only::ALL {
            assert_eq!((Only::of(word), only.word()), (only, word));
        }
        assert_eq!(Only::of("nonsense"), Only::Everything);
    }
}
