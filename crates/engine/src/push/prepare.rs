//! Calls of the kinds that Fulcrum knows, made ready when they are asked for.

use domain::Write;
use domain::operation::{LONGEST_NOTE, Prepared, PreparedKind, RawWrite};
use lever::{
    AddLinks, CommentWrite, Endpoint, NoteId, NoteWrite, OpportunityId, RemoveLinks, UpdateNote,
};

use super::content::check_texts_of;
use crate::error::{Error, Result};

/// The most characters of a link.
const LONGEST_LINK: usize = 2000;

/// Adds links to the person behind an opportunity.
///
/// # Errors
/// Invalid, naming the link.
pub fn add_links(opportunity: &OpportunityId, links: Vec<String>) -> Result<Write> {
    check_texts_of("links", &links, LONGEST_LINK)?;
    let endpoint = AddLinks {
        opportunity: opportunity.clone(),
        links,
        perform_as: None,
    };
    Ok(prepared(
        PreparedKind::AddLinks,
        &endpoint,
        &[("opportunity", opportunity.as_str())],
    ))
}

/// Removes links from the person behind an opportunity, as Lever has them.
///
/// # Errors
/// Invalid, naming the link.
pub fn remove_links(opportunity: &OpportunityId, links: Vec<String>) -> Result<Write> {
    check_texts_of("links", &links, LONGEST_LINK)?;
    let endpoint = RemoveLinks {
        opportunity: opportunity.clone(),
        links,
        perform_as: None,
    };
    Ok(prepared(
        PreparedKind::RemoveLinks,
        &endpoint,
        &[("opportunity", opportunity.as_str())],
    ))
}

/// Replaces the texts of a note.
///
/// # Errors
/// Invalid, naming the field.
pub fn update_note(
    opportunity: &OpportunityId,
    note: &NoteId,
    values: Vec<String>,
) -> Result<Write> {
    if note.as_str().is_empty() {
        return Err(Error::invalid("note_id", "name the note by Lever's id"));
    }
    check_texts_of("values", &values, LONGEST_NOTE)?;
    if values.iter().map(String::len).sum::<usize>() > LONGEST_NOTE {
        return Err(Error::invalid("values", "give at most 60,000 bytes in all"));
    }
    let comment = |value| CommentWrite {
        value,
        created_at: None,
        user: None,
    };
    let endpoint = UpdateNote {
        opportunity: opportunity.clone(),
        note: note.clone(),
        body: NoteWrite {
            values: values.into_iter().map(comment).collect(),
            user: None,
            secret: None,
            score: None,
            created_at: None,
            completed_at: None,
        },
    };
    Ok(prepared(
        PreparedKind::UpdateNote,
        &endpoint,
        &[
            ("opportunity", opportunity.as_str()),
            ("note", note.as_str()),
        ],
    ))
}

/// The call of an endpoint; `path` names its parameters.
pub(super) fn prepared<E: Endpoint>(
    kind: PreparedKind,
    endpoint: &E,
    path: &[(&str, &str)],
) -> Write {
    let request = endpoint.request();
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Write::Prepared(Prepared {
        kind,
        call: RawWrite {
            operation: E::OPERATION.id.to_owned(),
            path: path.iter().copied().map(owned).collect(),
            query: request.query_pairs().map(owned).collect(),
            body: request.body().map(ToString::to_string),
            creates: kind.creates(),
        },
    })
}
