//! The controls of a form, each with its help and with what is wrong beside it.

use maud::{Markup, html};

use super::refusal::Refused;

/// One control.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    /// What the label does not say; empty for nothing.
    pub(super) help: &'a str,
    /// Why the form was refused, and the name the request has for the field.
    pub(super) refused: Option<(&'a Refused, &'a str)>,
}

impl Field<'_> {
    /// A line of text.
    pub(super) fn line(&self, value: &str) -> Markup {
        self.around(html! {
            input id=(self.id()) name=(self.name) value=(value) autocomplete="off"
                aria-describedby=[self.described()] aria-invalid=[self.invalid()] autofocus[self.invalid().is_some()];
        })
    }

    /// The name of something, or of something in another system.
    pub(super) fn name(&self, value: &str, required: bool) -> Markup {
        self.around(html! {
            input id=(self.id()) name=(self.name) value=(value) required[required] maxlength="200" autocomplete="off"
                aria-describedby=[self.described()] aria-invalid=[self.invalid()] autofocus[self.invalid().is_some()];
        })
    }

    /// A key: what is typed is not shown, and not filled in again.
    pub(super) fn secret(&self) -> Markup {
        self.around(html! {
            input type="password" id=(self.id()) name=(self.name) required autocomplete="off" spellcheck="false"
                aria-describedby=[self.described()] aria-invalid=[self.invalid()] autofocus[self.invalid().is_some()];
        })
    }

    /// A whole number. It is a line of text, so that what was typed can be shown again whatever it is.
    pub(super) fn number(&self, value: &str) -> Markup {
        self.around(html! {
            input.short id=(self.id()) name=(self.name) value=(value) inputmode="numeric" autocomplete="off"
                aria-describedby=[self.described()] aria-invalid=[self.invalid()] autofocus[self.invalid().is_some()];
        })
    }

    /// Several lines of text.
    pub(super) fn lines(&self, value: &str) -> Markup {
        self.around(html! {
            textarea id=(self.id()) name=(self.name) rows="5" aria-describedby=[self.described()]
                aria-invalid=[self.invalid()] autofocus[self.invalid().is_some()] { (value) }
        })
    }

    /// One of several values, each with the words for it.
    pub(super) fn choice(&self, value: &str, options: &[(&str, &str)]) -> Markup {
        self.around(html! {
            select id=(self.id()) name=(self.name) aria-describedby=[self.described()]
                aria-invalid=[self.invalid()] autofocus[self.invalid().is_some()] {
                @for (one, words) in options { option value=(one) selected[*one == value] { (words) } }
            }
        })
    }

    fn around(&self, control: Markup) -> Markup {
        html! {
            div.field {
                label for=(self.id()) { (self.label) }
                (control)
                @if !self.help.is_empty() { p.faint id=(self.help_id()) { (self.help) } }
                @if let Some(problem) = self.problem() { p.problem id=(self.problem_id()) { (problem) } }
            }
        }
    }

    fn problem(&self) -> Option<String> {
        let (refused, field) = self.refused?;
        refused.about(field)
    }

    fn invalid(&self) -> Option<&'static str> {
        self.problem().map(|_| "true")
    }

    fn described(&self) -> Option<String> {
        let problem = self.problem().map(|_| self.problem_id());
        let help = (!self.help.is_empty()).then(|| self.help_id());
        let ids: Vec<String> = [problem, help].into_iter().flatten().collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    fn id(&self) -> String {
        format!("field-{}", self.name)
    }

    fn help_id(&self) -> String {
        format!("{}-help", self.id())
    }

    fn problem_id(&self) -> String {
        format!("{}-problem", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::status::status;

    #[test]
    fn what_is_wrong_stands_beside_its_field_with_what_was_typed() {
        let refused = Refused::from(status(engine::Error::invalid(
            "settings.days",
            "give 0 to 9",
        )));
        let field = |name| Field {
            name: "days",
            label: "Days",
            help: "How long.",
            refused: Some((&refused, name)),
        };
        let bad = field("settings.days").number("<12>").into_string();
        assert!(bad.contains("value=\"&lt;12&gt;\"") && bad.contains("aria-invalid=\"true\""));
        assert!(bad.contains("aria-describedby=\"field-days-problem field-days-help\""));
        assert!(bad.contains("id=\"field-days-problem\">Give 0 to 9."));
        assert!(
            bad.contains("autofocus"),
            "the first that is wrong has the focus"
        );
        assert!(
            !field("settings.days")
                .secret()
                .into_string()
                .contains("value")
        );
        let good = field("settings.other").number("3").into_string();
        assert!(!good.contains("problem") && !good.contains("aria-invalid"));
        assert!(!good.contains("autofocus"));
    }
}
