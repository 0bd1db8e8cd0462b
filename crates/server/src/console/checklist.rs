//! The permissions to tick on Lever's page of API keys, to be copied.

use maud::{Markup, html};

/// The permissions that the set-up guide has an admin tick, in Lever's order; without those to write with where the
/// key is to read only.
pub(super) fn checklist(read_only: bool) -> Markup {
    let all = engine::guide_permissions();
    let of = |reads| -> Vec<&str> {
        let those = all.iter().filter(|(_, is_read)| *is_read == reads);
        those.map(|(name, _)| *name).collect()
    };
    html! {
        (group("permissions-read", "To read", &of(true)))
        @if !read_only { (group("permissions-write", "To write", &of(false))) }
        p.faint { "And the switch “Allow access to confidential data”, if what is confidential is to be seen too. It cannot be changed later, and neither can the permissions." }
    }
}

fn group(id: &str, label: &str, names: &[&str]) -> Markup {
    html! {
        div.copied {
            label for=(id) { (label) ", " (names.len()) " permissions" }
            textarea id=(id) readonly rows="8" cols="52" { @for name in names { (name) "\n" } }
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
    fn reading_only_shortens_the_list_to_what_reads() {
        let (all, reads) = (
            checklist(false).into_string(),
            checklist(true).into_string(),
        );
        assert!(
            all.contains("To read, 55 permissions") && all.contains("To write, 24 permissions")
        );
        assert!(all.contains("create an opportunity note\n"));
        assert!(reads.contains("find all opportunities\n"));
        assert!(!reads.contains("create an opportunity note"));
    }
}
