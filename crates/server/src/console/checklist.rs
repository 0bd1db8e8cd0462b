//! The permissions to tick on Lever's page of API keys, to be copied.

use maud::{Markup, html};

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

/// The permissions that the set-up guide has an admin tick, in Lever's order; those alone that the key needs.
pub(super) fn checklist(only: Only) -> Markup {
    let all = engine::guide_permissions();
    let of = |reads| -> Vec<&str> {
        let those = all
            .iter()
            .filter(|(name, is_read)| *is_read == reads && only.wants(name, reads));
        those.map(|(name, _)| *name).collect()
    };
    let writes = of(false);
    html! {
        (group("permissions-read", "To read", &of(true)))
        @if !writes.is_empty() { (group("permissions-write", "To write", &writes)) }
        p.faint { "And the switch “Allow access to confidential data”, if what is confidential is to be seen too. It cannot be changed later, and neither can the permissions." }
    }
}

fn group(id: &str, label: &str, names: &[&str]) -> Markup {
    html! {
        div.copied {
            label for=(id) { (label) ", " (names.len()) " permissions" }
            textarea id=(id) readonly rows=(names.len().clamp(2, 8)) cols="52" { @for name in names { (name) "\n" } }
            (copy(id))
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
    fn a_list_is_asked_for_by_its_word() {
        for (only, word, _) in Only::ALL {
            assert_eq!((Only::of(word), only.word()), (only, word));
        }
        assert_eq!(Only::of("nonsense"), Only::Everything);
    }
}
