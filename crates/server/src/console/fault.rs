//! What is wrong with a form that was filled in: told at its head and beside the field.

use maud::{Markup, html};

use super::refusal::sentence;

/// Something that is wrong in one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The name of the field in the form, which is its id as well; empty where it has none.
    pub(super) at: String,
    /// What people call the field.
    pub(super) name: String,
    /// What is wrong, and the way out.
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(
        at: impl Into<String>,
        name: impl Into<String>,
        message: impl Into<String>,
    ) -> Fault {
        Fault {
            at: at.into(),
            name: name.into(),
            message: message.into(),
        }
    }
}

/// All that is wrong, each with a way to its field; nothing where nothing is.
pub(super) fn notice(faults: &[Fault]) -> Markup {
    html! {
        @if !faults.is_empty() {
            // Where nothing scripted leads to the first field, the page begins here.
            div.notice.bad role="alert" tabindex="-1" autofocus {
                p { strong { "Nothing is saved yet: " } "what you filled in is still here." }
                ul {
                    @for fault in faults {
                        li {
                            @if fault.at.is_empty() { (fault.name) } @else { a href={ "#" (fault.at) } { (fault.name) } }
                            ": " (sentence(&fault.message))
                        }
                    }
                }
            }
        }
    }
}

/// What is wrong in a field.
pub(super) fn of<'f>(faults: &'f [Fault], at: &str) -> impl Iterator<Item = &'f Fault> {
    faults.iter().filter(move |fault| fault.at == at)
}

/// What is wrong in a field, to stand beside it; the field names `why(at)` as its description.
pub(super) fn beside(faults: &[Fault], at: &str) -> Markup {
    html! {
        @if is_wrong(faults, at) {
            span.wrong id=(why(at)) { @for fault in of(faults, at) { (sentence(&fault.message)) " " } }
        }
    }
}

/// `true` where something is wrong, for `aria-invalid`.
pub(super) fn invalid(faults: &[Fault], at: &str) -> Option<&'static str> {
    is_wrong(faults, at).then_some("true")
}

/// Whether anything is wrong in a field.
pub(super) fn is_wrong(faults: &[Fault], at: &str) -> bool {
    of(faults, at).next().is_some()
}

/// The id of what is wrong in a field.
pub(super) fn why(at: &str) -> String {
    format!("{at}.why")
}

/// `why(at)` where something is wrong, for `aria-describedby`.
pub(super) fn described(faults: &[Fault], at: &str) -> Option<String> {
    is_wrong(faults, at).then(|| why(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_leads_to_its_field_and_stands_beside_it() {
        let faults = ["give 0 to 365", "give no letters"];
        let faults = faults.map(|why| Fault::new("days.<x>", "SLA of \"<x>\"", why));
        let head = notice(&faults).into_string();
        assert!(head.contains("href=\"#days.&lt;x&gt;\"") && head.contains("Give 0 to 365."));
        let near = beside(&faults, "days.<x>").into_string();
        assert!(near.contains("id=\"days.&lt;x&gt;.why\">Give 0 to 365. Give no letters."));
        assert_eq!(beside(&faults, "other").into_string(), "");
        assert_eq!(notice(&[]).into_string(), "");
    }
}
