//! The form that holds what a failed write asked for.

use maud::{Markup, html};
use proto::v1 as pb;
use proto::v1::{OperationKind as Kind, OperationState as State};

use super::super::operation::why_it_failed;
use super::super::operations::{Rows, person, state};
use super::{OVERTAKEN, is_rejection, why_not};
use crate::console::deed::{ends_a_candidacy, headline};
use crate::console::field::Field;
use crate::console::form::Form;
use crate::console::frame::csrf;
use crate::console::refusal::Refused;

/// What the page shows.
pub(super) struct View<'a> {
    pub(super) path: &'a str,
    pub(super) operation: &'a pb::Operation,
    pub(super) rows: Rows<'a>,
    pub(super) form: &'a Form,
    /// Lever's stages, or the archive reasons, by id and text.
    pub(super) offered: &'a [(String, String)],
    pub(super) refused: Option<&'a Refused>,
    /// What was sent in its place.
    pub(super) instead: Option<&'a pb::Operation>,
    /// What the form carries, where the write can be edited.
    pub(super) csrf: Option<&'a str>,
}

/// What the form holds at first: what was asked for.
pub(super) fn filled_in(operation: &pb::Operation) -> Form {
    let told = operation.summary.clone().unwrap_or_default();
    let asked = operation.content.clone().unwrap_or_default();
    let tick = |set: bool| if set { "on" } else { "" }.to_owned();
    match operation.kind() {
        Kind::CreateNote => Form::of([
            ("value", asked.note),
            ("secret", tick(asked.secret)),
            ("notify_followers", tick(asked.notify_followers)),
            ("score", asked.score.to_string()),
        ]),
        Kind::UpdateNote => Form::of(asked.values.into_iter().map(|text| ("values", text))),
        Kind::AddTags => Form::of([
            ("tags", told.tags.join("\n")),
            ("respect_removals", tick(asked.respect_removals)),
        ]),
        Kind::RemoveTags => Form::of([
            ("tags", told.tags.join("\n")),
            ("only_ours", tick(asked.only_ours)),
        ]),
        Kind::AddSources | Kind::RemoveSources => Form::of([("sources", told.sources.join("\n"))]),
        Kind::AddLinks => Form::of([("links", asked.links.join("\n"))]),
        Kind::RemoveLinks => Form::of([
            ("links", asked.links.join("\n")),
            ("only_ours", tick(asked.only_ours)),
        ]),
        Kind::ChangeStage => Form::of([
            ("stage_id", told.stage_id),
            ("expected_stage_id", told.expected_stage_id),
        ]),
        Kind::Archive => Form::of([
            ("archive_reason_id", told.archive_reason_id),
            ("expected_stage_id", told.expected_stage_id),
            ("clean_interviews", tick(asked.clean_interviews)),
        ]),
        _ => Form::default(),
    }
}

/// The page with its form, or with why there is none.
pub(super) fn page(view: &View<'_>) -> Markup {
    let operation = view.operation;
    let at = format!("{}/{}", view.path, operation.id);
    html! {
        div.head {
            h1 { "Edit: " (headline(operation)) }
            a.button href=(at) { "The write as it was" }
        }
        @match (overtaken_by(view), view.refused, view.instead) {
            (Some(instead), ..) => (overtaken(instead, view)),
            (None, refused, instead) => {
                @if let Some(refused) = refused { (refused.notice()) }
                @if let Some(instead) = instead { (replaced(instead, view.path)) }
            },
        }
        section.panel { dl {
            dt { "Whom" } dd { (person(operation, &view.rows)) }
            dt { "State" } dd { (state(operation)) }
            @if let Some(why) = why_it_failed(operation) { dt { "Because" } dd { (why) } }
            dt { "Acts in Lever" } dd { (acts(operation)) }
        } }
        @match (overtaken_by(view), view.csrf, why_not(operation)) {
            (Some(_), ..) => section.panel { h2 { "What you filled in" } (fields(view)) },
            (None, Some(token), _) => (form(view, &at, token)),
            (None, None, Some(why)) => p { (why) },
            (None, None, None) => p { "Only an operation that failed is edited: this one has moved meanwhile." },
        }
    }
}

/// Leads to what was sent in the place of an operation.
pub(in crate::console::pages) fn replaced(instead: &pb::Operation, path: &str) -> Markup {
    html! {
        div.notice.warn {
            p { "It was edited: " a href={ (path) "/" (instead.id) } { (headline(instead)) } " was sent in its place, and " (stands(instead)) "." }
        }
    }
}

/// What was sent in the place of the operation before the form came, where that asked for something else.
fn overtaken_by<'a>(view: &View<'a>) -> Option<&'a pb::Operation> {
    let reason = view.refused.and_then(Refused::reason);
    view.instead
        .filter(|_| reason.as_deref() == Some(OVERTAKEN))
}

/// Says what was sent by somebody else, and how to go on from there.
fn overtaken(instead: &pb::Operation, view: &View<'_>) -> Markup {
    let at = format!("{}/{}", view.path, instead.id);
    let edited_again = instead.state() == State::Failed && why_not(instead).is_none();
    html! {
        div.notice.warn role="alert" {
            p { "Somebody else, or you in another window, has already changed and sent this write: " a href=(at) { (headline(instead)) } " was sent in its place, and " (stands(instead)) "." }
            p { "What you filled in was not sent. It stands below to be copied, and is kept nowhere else." }
            @if edited_again { p { a.button href={ (at) "/edit" } { "Edit that one" } } }
        }
    }
}

/// How a write stands, after its name and “and”.
fn stands(operation: &pb::Operation) -> &'static str {
    match operation.state() {
        State::Succeeded => "has succeeded",
        State::Failed => "has failed",
        State::Cancelled => "was given up",
        State::Held => "is held",
        State::Uncertain => "nobody knows yet whether Lever has it",
        State::Sending => "is being sent",
        State::Unspecified | State::Recorded => "waits for its turn",
    }
}

fn acts(operation: &pb::Operation) -> Markup {
    let told = operation.summary.as_ref();
    let name = told.map_or("", |told| told.acting_user_name.as_str());
    let named = operation.acting_because() == pb::ActingBecause::Named;
    html! {
        @match (named, operation.acting_user.as_str(), name) {
            (true, _, "") => "the Lever user it was asked for",
            (true, _, name) => (name),
            (false, "", _) => "who is found now, as for every write that names nobody",
            (false, email, _) => { "who is found now for " (email) },
        }
    }
}

fn form(view: &View<'_>, at: &str, token: &str) -> Markup {
    let operation = view.operation;
    html! {
        section.panel {
            p { "It is sent as a new write. This one is given up then: it stays as it was, and is not tried again." }
            form method="post" action={ (at) "/edit" } {
                (csrf(token))
                (fields(view))
                @if ends_a_candidacy(operation) { (sure(view)) }
                div.actions {
                    button.primary.danger[ends_a_candidacy(operation)] type="submit" { "Send as a new write" }
                    a.button href=(at) { "Cancel" }
                }
            }
        }
    }
}

fn fields(view: &View<'_>) -> Markup {
    let field = |name, label, help, path| Field {
        name,
        label,
        help,
        refused: view.refused.map(|refused| (refused, path)),
    };
    let (form, typed) = (view.form, |name| view.form.text(name));
    let offered = choices(view.offered, &[]);
    match view.operation.kind() {
        Kind::CreateNote => html! {
            (field("value", "Text of the note", "", "value").lines(typed("value")))
            (field("score", "Score", "", "score").choice(typed("score"), &SCORES))
            (tick("secret", "Only people with access to secret notes see it", form))
            (tick("notify_followers", "Lever tells the followers", form))
        },
        Kind::UpdateNote => html! {
            @for (at, text) in form.all("values").enumerate() { (one_text(at, text)) }
            @if let Some(wrong) = view.refused.and_then(|refused| refused.about("values")) { p.problem { (wrong) } }
        },
        Kind::AddTags => html! {
            (field("tags", "Tags", "One in a line.", "tags").lines(typed("tags")))
            (tick("respect_removals", "What people have removed in Lever is not added again", form))
        },
        Kind::RemoveTags => html! {
            (field("tags", "Tags", "One in a line.", "tags").lines(typed("tags")))
            (tick("only_ours", ONLY_OURS, form))
        },
        Kind::AddSources | Kind::RemoveSources => {
            field("sources", "Sources", "One in a line.", "sources").lines(typed("sources"))
        }
        Kind::AddLinks => field("links", "Links", "One in a line.", "links").lines(typed("links")),
        Kind::RemoveLinks => html! {
            (field("links", "Links", "One in a line.", "links").lines(typed("links")))
            (tick("only_ours", ONLY_OURS, form))
        },
        Kind::ChangeStage => html! {
            (field("stage_id", "Stage", "", "stage_id").choice(typed("stage_id"), &offered))
            (expected(view))
        },
        Kind::Archive => html! {
            (field("archive_reason_id", "Archive reason", "", "archive_reason_id").choice(typed("archive_reason_id"), &offered))
            @if is_rejection(view.operation) { (expected(view)) }
            (tick("clean_interviews", "Pending interviews are cancelled", form))
        },
        _ => html! {},
    }
}

const ONLY_OURS: &str = "Only what came from us is removed";

const SCORES: [(&str, &str); 5] = [
    ("0", "none"),
    ("1", "1, strong no"),
    ("2", "2, no"),
    ("3", "3, yes"),
    ("4", "4, strong yes"),
];

fn choices<'a>(
    offered: &'a [(String, String)],
    first: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let offered = offered.iter();
    let offered = offered.map(|(id, text)| (id.as_str(), text.as_str()));
    first.iter().copied().chain(offered).collect()
}

/// One of the texts of a note.
fn one_text(at: usize, text: &str) -> Markup {
    let id = format!("field-values-{at}");
    html! {
        div.field {
            label for=(id) { "Text of the note" @if at > 0 { ", " (at + 1) } }
            textarea id=(id) name="values" rows="5" { (text) }
        }
    }
}

/// Where the person has to be: where the write that failed wanted it, where they are now, or anywhere.
fn expected(view: &View<'_>) -> Markup {
    let told = view.operation.summary.clone().unwrap_or_default();
    let only = |text: &str, id: &str| match text {
        "" => format!("in the stage {id}"),
        text => format!("in “{text}”"),
    };
    let mut options = vec![(String::new(), "wherever that is".to_owned())];
    let wanted = (told.expected_stage_id, told.expected_stage_text);
    let present = (told.present_stage_id, told.present_stage_text);
    if !wanted.0.is_empty() {
        options.push((wanted.0.clone(), only(&wanted.1, &wanted.0)));
    }
    if !present.0.is_empty() && present.0 != wanted.0 {
        let now = format!("{}, where they are now", only(&present.1, &present.0));
        options.push((present.0, now));
    }
    let field = Field {
        name: "expected_stage_id",
        label: "Only while the person is",
        help: "Whoever is elsewhere by then is left alone.",
        refused: view.refused.map(|refused| (refused, "expected_stage_id")),
    };
    field.choice(view.form.text("expected_stage_id"), &choices(&options, &[]))
}

fn tick(name: &str, label: &str, form: &Form) -> Markup {
    html! {
        p { label.check { input type="checkbox" name=(name) checked[form.ticked(name)]; (label) } }
    }
}

fn sure(view: &View<'_>) -> Markup {
    let problem = view.refused.and_then(|refused| refused.about("sure"));
    html! {
        p {
            label.check {
                input type="checkbox" name="sure" required aria-invalid=[problem.as_ref().map(|_| "true")] aria-describedby=[problem.as_ref().map(|_| "sure-problem")];
                "I want that to happen; what Lever was told cannot be called back"
            }
        }
        @if let Some(problem) = &problem { p.problem id="sure-problem" { (problem) } }
    }
}

#[cfg(test)]
mod tests {
    use super::super::has_form;
    use super::*;
    use crate::wire::status::status;

    fn failed(kind: Kind) -> pb::Operation {
        pb::Operation {
            id: "0a-1/2".to_owned(),
            kind: kind.into(),
            state: pb::OperationState::Failed.into(),
            opportunity_id: "p".to_owned(),
            content: Some(pb::OperationContent {
                note: "Called <her>".to_owned(),
                values: vec!["one".to_owned(), "two".to_owned()],
                links: vec!["https://a.example".to_owned()],
                secret: true,
                score: 3,
                ..Default::default()
            }),
            summary: Some(pb::OperationSummary {
                tags: vec!["a".to_owned(), "b".to_owned()],
                sources: vec!["s".to_owned()],
                stage_id: "s-1".to_owned(),
                expected_stage_id: "s-0".to_owned(),
                expected_stage_text: "Applied".to_owned(),
                present_stage_id: "s-2".to_owned(),
                present_stage_text: "On-site".to_owned(),
                archive_reason_id: "r-1".to_owned(),
                rejects: true,
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    fn view<'a>(
        operation: &'a pb::Operation,
        offered: &'a [(String, String)],
        refused: Option<&'a Refused>,
        form: &'a Form,
    ) -> View<'a> {
        View {
            path: "/c/operations",
            operation,
            rows: Rows {
                path: "/c/operations",
                region: pb::Region::Unspecified,
                people: true,
                csrf: Some("t"),
                back: String::new(),
                boxes: false,
            },
            form,
            offered,
            refused,
            instead: None,
            csrf: why_not(operation).is_none().then_some("t"),
        }
    }

    fn shown(operation: &pb::Operation, refused: Option<&Refused>) -> String {
        let offered = [
            ("s-0", "Applied"),
            ("s-1", "Screen"),
            ("r-1", "Underqualified"),
        ];
        let offered: Vec<_> = offered
            .map(|(id, text)| (id.to_owned(), text.to_owned()))
            .into();
        page(&view(operation, &offered, refused, &filled_in(operation))).into_string()
    }

    #[test]
    fn the_form_holds_what_was_asked_for() {
        let note = shown(&failed(Kind::CreateNote), None);
        assert!(note.contains("action=\"/c/operations/0a-1/2/edit\""));
        assert!(note.contains(">Called &lt;her&gt;</textarea>"));
        assert!(note.contains("name=\"secret\" checked") && note.contains("value=\"3\" selected"));
        assert!(!note.contains("name=\"notify_followers\" checked"));
        let texts = shown(&failed(Kind::UpdateNote), None);
        assert_eq!(texts.matches("name=\"values\"").count(), 2);
        for (kind, holds) in [
            (Kind::AddTags, ">a\nb</textarea>"),
            (Kind::RemoveSources, ">s</textarea>"),
            (Kind::RemoveLinks, ">https://a.example</textarea>"),
            (Kind::ChangeStage, "value=\"s-1\" selected"),
            (Kind::Archive, "value=\"r-1\" selected"),
        ] {
            let text = shown(&failed(kind), None);
            assert!(text.contains(holds), "{kind:?}: {text}");
        }
    }

    #[test]
    fn who_was_overtaken_keeps_the_text_and_is_led_to_what_was_sent() {
        let overtaken = engine::Error::precondition(OVERTAKEN, "too late", Vec::new());
        let overtaken = Refused::from(status(overtaken));
        let note = failed(Kind::CreateNote);
        let form = filled_in(&note);
        let text = |state: State| {
            let instead = pb::Operation {
                id: "0b-2".to_owned(),
                state: state.into(),
                ..note.clone()
            };
            let view = View {
                instead: Some(&instead),
                ..view(&note, &[], Some(&overtaken), &form)
            };
            page(&view).into_string()
        };
        let succeeded = text(State::Succeeded);
        assert!(succeeded.contains("href=\"/c/operations/0b-2\""));
        assert!(succeeded.contains("and has succeeded.") && !succeeded.contains("Too late"));
        assert!(succeeded.contains(">Called &lt;her&gt;</textarea>"));
        assert!(!succeeded.contains("<form"), "it can be sent no more");
        assert!(!succeeded.contains("/c/operations/0b-2/edit"));
        assert!(text(State::Failed).contains("href=\"/c/operations/0b-2/edit\""));
    }

    #[test]
    fn where_the_person_has_to_be_stays_and_can_be_where_they_are_now() {
        let text = shown(&failed(Kind::ChangeStage), None);
        assert!(text.contains("value=\"s-0\" selected>in “Applied”"));
        assert!(text.contains("value=\"s-2\">in “On-site”, where they are now"));
        assert!(!text.contains("name=\"sure\""));
    }

    #[test]
    fn what_ends_a_candidacy_is_sent_after_a_tick() {
        let unsure = Refused::from(status(engine::Error::invalid("sure", "tick the box")));
        let text = shown(&failed(Kind::Archive), Some(&unsure));
        assert!(text.contains("name=\"sure\" required") && text.contains("id=\"sure-problem\""));
    }

    #[test]
    fn what_no_form_changes_says_why() {
        for number in 1..=20 {
            let kind = Kind::try_from(number).unwrap();
            assert_eq!(
                why_not(&failed(kind)).is_some(),
                !has_form(kind),
                "{kind:?}"
            );
            let gone = pb::Operation {
                content: None,
                ..failed(kind)
            };
            let text = shown(&gone, None);
            assert!(!text.contains("<form") && text.contains(why_not(&gone).unwrap()));
        }
        let begun = pb::Operation {
            steps: vec![pb::OperationStep {
                state: pb::OperationState::Succeeded.into(),
                ..Default::default()
            }],
            ..failed(Kind::CreateNote)
        };
        assert!(why_not(&begun).unwrap().contains("Retry goes on"));
    }
}
