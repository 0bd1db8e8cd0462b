//! The kinds of Lever's records in plain words, for people who never saw our names of them.

use domain::Stream;
use maud::{Markup, html};
use proto::v1 as pb;

/// Whether an account keeps the records of a stream.
pub(super) fn keeps(connection: &pb::Connection, stream: Stream) -> bool {
    let mut kept = connection.streams.iter();
    kept.any(|name| name == stream.name())
}

/// Says on a page about people that none are mirrored, where that is so, with the way to the settings for whoever may go.
pub(super) fn without_people(connection: &pb::Connection, settings: Option<&str>) -> Markup {
    if keeps(connection, Stream::Opportunities) {
        return html! {};
    }
    html! {
        div.notice.warn {
            p {
                "People are not mirrored for this account, so nobody is found, listed or judged here. "
                @match settings {
                    Some(settings) => { "They can be added in the " a href=(settings) { "settings" } "." }
                    None => "An administrator can add them in the settings.",
                }
            }
        }
    }
}

/// A kind of record that can be mirrored.
#[derive(Debug)]
pub(super) struct Model {
    /// The name of the stream.
    pub(super) stream: &'static str,
    /// What people call it.
    pub(super) label: &'static str,
    /// What is in it, or what it is good for.
    pub(super) about: &'static str,
}

/// The kinds of record under their heading, in the order in which people think of them.
pub(super) const MODELS: &[(&str, &[Model])] = &[
    (
        "The account",
        &[
            model(
                "users",
                "Users",
                "names, e-mails and roles of your team in Lever",
            ),
            model("stages", "Stages", "the steps of your pipelines"),
            model(
                "archive_reasons",
                "Archive reasons",
                "why people are rejected or hired",
            ),
            model("tags", "Tags", "the tags there are"),
            model("sources", "Sources", "where people come from"),
            model(
                "feedback_templates",
                "Feedback templates",
                "the forms interviewers fill in",
            ),
            model(
                "form_templates",
                "Form templates",
                "the other forms there are",
            ),
        ],
    ),
    (
        "Jobs",
        &[
            model("postings", "Postings", "advertised jobs"),
            model(
                "posting_forms",
                "Application forms",
                "the questions of each posting",
            ),
            model(
                "requisitions",
                "Requisitions",
                "approved hires, with headcount and compensation band",
            ),
            model(
                "requisition_fields",
                "Requisition fields",
                "your own fields of requisitions",
            ),
        ],
    ),
    (
        "People",
        &[
            model(
                "opportunities",
                "Opportunities",
                "who is in which stage, since when, and how it ended",
            ),
            model(
                "contacts",
                "Contacts",
                "names, e-mails, phones and links of the people",
            ),
            model(
                "applications",
                "Applications",
                "what people applied to, with their answers",
            ),
            model(
                "resumes",
                "Resumes",
                "resumes as Lever has read them, and their files",
            ),
            model("notes", "Notes", "what your team wrote about people"),
            model(
                "interviews",
                "Interviews",
                "when, with whom, and about what",
            ),
            model("panels", "Panels", "interviews that belong together"),
            model("feedback", "Feedback", "what interviewers thought"),
            model("offers", "Offers", "offers made, with their terms"),
            model("files", "Files", "what else was attached to people"),
            model("forms", "Forms", "profile forms that were filled in"),
            model("referrals", "Referrals", "who recommended whom"),
            model(
                "eeo_responses",
                "EEO responses",
                "answers to equal-opportunity questions: gender, race, veteran and disability status",
            ),
        ],
    ),
];

/// What people call a stream; its own name in words where nobody calls it anything.
pub(super) fn called(stream: &str) -> &str {
    let models = MODELS.iter().flat_map(|(_, models)| *models);
    let known = models.into_iter().find(|model| model.stream == stream);
    known.map_or(stream, |model| model.label)
}

const fn model(stream: &'static str, label: &'static str, about: &'static str) -> Model {
    Model {
        stream,
        label,
        about,
    }
}

/// What Fulcrum writes to Lever, and only when somebody asks for it.
pub(super) const WRITES: &[&str] = &[
    "add people, with their resume, to a posting",
    "move people to another stage, archive them with a reason, and bring them back",
    "add notes, tags, sources and links, and take tags, sources and links away",
    "change e-mails, phones and other details of a contact",
    "attach files",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_stream_is_called_as_people_call_it() {
        assert_eq!(called("eeo_responses"), "EEO responses");
        assert_eq!(called("new"), "new");
    }

    #[test]
    fn every_stream_is_told_of_once() {
        let told: Vec<_> = MODELS
            .iter()
            .flat_map(|(_, models)| *models)
            .map(|model| model.stream)
            .collect();
        let known: BTreeSet<_> = domain::Stream::ALL
            .iter()
            .map(|stream| stream.name())
            .collect();
        assert_eq!(told.len(), known.len());
        assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), known);
    }
}
