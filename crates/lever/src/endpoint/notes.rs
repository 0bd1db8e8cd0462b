//! Reading and writing notes.

use serde::Deserialize;
use serde_json::json;

use super::table::{bodies, calls};
use super::{Endpoint, Reply, Request, list_of};
use crate::decode::{self, DecodeError};
use crate::page::{self, Offset, Page, Record};
use crate::registry::{self, Operation};
use crate::{Note, NoteId, OpportunityId, Timestamp, UserId};

/// Lists the notes of an opportunity, secret ones included.
///
/// Lever: "List all notes", `GET /opportunities/:opportunity/notes`; fixture `notes.list.secret.json`.
#[derive(Debug, Clone)]
pub struct ListNotes {
    /// Whose notes.
    pub opportunity: OpportunityId,
    /// Records a page, 1 to 100; Lever's default is 100.
    pub limit: Option<u16>,
    /// Where the page begins.
    pub offset: Option<Offset>,
}

impl Endpoint for ListNotes {
    type Reply = Page<Note>;
    const OPERATION: &'static Operation = &registry::LIST_OPPORTUNITY_NOTES;

    fn request(&self) -> Request {
        Request::get(["opportunities", self.opportunity.as_str(), "notes"])
            .query("limit", self.limit)
            .query("offset", self.offset.as_ref())
    }
}

list_of! { ListNotes => Note, }

/// Reads one note.
///
/// Lever: "Retrieve a single note", `GET /opportunities/:opportunity/notes/:note`.
#[derive(Debug, Clone)]
pub struct GetNote {
    /// Whose note.
    pub opportunity: OpportunityId,
    /// Which one.
    pub note: NoteId,
}

impl Endpoint for GetNote {
    type Reply = Record<Note>;
    const OPERATION: &'static Operation = &registry::GET_OPPORTUNITY_NOTE;

    fn request(&self) -> Request {
        Request::get([
            "opportunities",
            self.opportunity.as_str(),
            "notes",
            self.note.as_str(),
        ])
    }
}

/// Writes a note on an opportunity.
///
/// Sent twice it makes two notes.
///
/// Lever: "Create a note", `POST /opportunities/:opportunity/notes`; fixture `note.create.response.json`.
#[derive(Clone)]
pub struct CreateNote {
    /// On which opportunity.
    pub opportunity: OpportunityId,
    /// The text; `@username` notifies that user.
    pub value: String,
    /// Only for people with access to secret notes.
    pub secret: bool,
    /// From 1 (strong no) to 4 (strong yes).
    pub score: Option<u8>,
    /// Tell those who follow the opportunity.
    pub notify_followers: bool,
    /// When it was written; without it, now.
    pub created_at: Option<Timestamp>,
    /// The Lever user named as its author; without one it has none.
    pub perform_as: Option<UserId>,
}

impl Endpoint for CreateNote {
    type Reply = CreatedNote;
    const OPERATION: &'static Operation = &registry::CREATE_OPPORTUNITY_NOTE;

    fn request(&self) -> Request {
        let mut body = json!({
            "value": self.value,
            "secret": self.secret,
            "notifyFollowers": self.notify_followers,
        });
        if let Some(score) = self.score {
            body["score"] = json!(score);
        }
        if let Some(created_at) = self.created_at {
            body["createdAt"] = json!(created_at);
        }
        Request::post(["opportunities", self.opportunity.as_str(), "notes"])
            .query("perform_as", self.perform_as.as_ref())
            .json(body)
    }
}

/// Adds a comment to a note. Sent twice it adds two.
///
/// Lever: "Create a note", `POST /opportunities/:opportunity/notes?note_id=`.
#[derive(Clone)]
pub struct AddComment {
    /// To which note, and what: its opportunity, text, author and time.
    pub comment: CreateNote,
    /// The note.
    pub note: NoteId,
}

impl Endpoint for AddComment {
    type Reply = CreatedNote;
    const OPERATION: &'static Operation = &registry::CREATE_OPPORTUNITY_NOTE;

    fn request(&self) -> Request {
        self.comment.request().query("note_id", Some(&self.note))
    }
}

impl std::fmt::Debug for AddComment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddComment")
            .field("note", &self.note)
            .finish_non_exhaustive()
    }
}

calls! {
    /// Replaces the comments of a note; those left out go. Only for notes made through the API.
    ///
    /// Lever: "Update a note", `PUT /opportunities/:opportunity/notes/:note`.
    UpdateNote(opportunity: OpportunityId, note: NoteId) = UPDATE_OPPORTUNITY_NOTE => CreatedNote, sends NoteWrite {}

    /// Deletes a note. Only for notes made through the API.
    ///
    /// Lever: "Delete a note", `DELETE /opportunities/:opportunity/notes/:note`.
    DeleteNote(opportunity: OpportunityId, note: NoteId) = DELETE_OPPORTUNITY_NOTE => () {}
}

bodies! {
    /// A note to put in place of another.
    struct NoteWrite
    must {
        /// All its comments, at least one.
        values: Vec<CommentWrite>,
    }
    may {
        /// The author.
        user: UserId,
        /// Only for people with access to secret notes.
        secret: bool,
        /// From 1 (strong no) to 4 (strong yes).
        score: u8,
        /// When it was written.
        created_at: Timestamp,
        /// When it was finished.
        completed_at: Timestamp,
    }

    /// A comment of a note.
    struct CommentWrite
    must {
        /// What is written.
        value: String,
    }
    may {
        /// When it was written.
        created_at: Timestamp,
        /// The author.
        user: UserId,
    }
}

impl std::fmt::Debug for CreateNote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateNote")
            .field("opportunity", &self.opportunity)
            .finish_non_exhaustive()
    }
}

/// The note Lever made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedNote {
    /// Its id.
    pub id: NoteId,
}

impl Reply for CreatedNote {
    /// Lever documents `noteId` alone and was recorded to answer the whole note; both read.
    fn from_json(body: &[u8]) -> Result<CreatedNote, DecodeError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Either {
            id: Option<NoteId>,
            note_id: Option<NoteId>,
        }

        let Either { id, note_id } = decode::value(page::single(body)?.get())?;
        id.or(note_id)
            .map(|id| CreatedNote { id })
            .ok_or_else(|| DecodeError::new("no note id"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::testing::sent;

    fn note() -> CreateNote {
        CreateNote {
            opportunity: "o1".into(),
            value: "hello".to_owned(),
            secret: false,
            score: None,
            notify_followers: false,
            created_at: None,
            perform_as: None,
        }
    }

    #[test]
    fn notes_are_asked_for_page_by_page() {
        let list = ListNotes {
            opportunity: "o1".into(),
            limit: Some(5),
            offset: Some("t".into()),
        };
        assert_eq!(
            sent(&list),
            (
                "GET /opportunities/o1/notes?limit=5&offset=t".to_owned(),
                None
            )
        );
    }

    #[test]
    fn one_note_is_asked_for() {
        let get = GetNote {
            opportunity: "o1".into(),
            note: "n1".into(),
        };
        assert_eq!(
            sent(&get),
            ("GET /opportunities/o1/notes/n1".to_owned(), None)
        );
    }

    #[test]
    fn a_note_is_written_with_what_was_given() {
        let plain = json!({"value": "hello", "secret": false, "notifyFollowers": false});
        assert_eq!(
            sent(&note()),
            ("POST /opportunities/o1/notes".to_owned(), Some(plain))
        );
        let full = CreateNote {
            secret: true,
            score: Some(4),
            notify_followers: true,
            created_at: Some(Timestamp::from_millis(7)),
            perform_as: Some("u1".into()),
            ..note()
        };
        let body = json!({"value": "hello", "secret": true, "notifyFollowers": true, "score": 4, "createdAt": 7});
        assert_eq!(
            sent(&full),
            (
                "POST /opportunities/o1/notes?perform_as=u1".to_owned(),
                Some(body)
            )
        );
    }

    #[test]
    fn the_answer_reads_as_whole_note_and_as_id_alone() {
        let id = |body: &str| {
            CreatedNote::from_json(body.as_bytes())
                .ok()
                .map(|note| note.id)
        };
        assert_eq!(
            id(r#"{"data":{"id":"n1","text":"Note","noteId":"n1"}}"#),
            Some("n1".into())
        );
        assert_eq!(id(r#"{"data":{"noteId":"n1"}}"#), Some("n1".into()));
        assert_eq!(id(r#"{"noteId":"n1"}"#), Some("n1".into()));
        assert_eq!(id(r#"{"data":{}}"#), None);
    }

    #[test]
    fn a_comment_names_its_note() {
        let comment = AddComment {
            comment: note(),
            note: "n1".into(),
        };
        let body = json!({"value": "hello", "secret": false, "notifyFollowers": false});
        let expected = "POST /opportunities/o1/notes?note_id=n1".to_owned();
        assert_eq!(sent(&comment), (expected, Some(body)));
        assert!(!format!("{comment:?}").contains("hello"));
    }

    #[test]
    fn a_note_is_replaced_and_deleted() {
        let comment = CommentWrite {
            value: "hello".to_owned(),
            created_at: Some(Timestamp::from_millis(7)),
            user: Some("u1".into()),
        };
        let update = UpdateNote {
            opportunity: "o1".into(),
            note: "n1".into(),
            body: NoteWrite {
                values: vec![comment],
                user: None,
                secret: Some(true),
                score: Some(4),
                created_at: None,
                completed_at: None,
            },
        };
        let body = json!({"values": [{"value": "hello", "createdAt": 7, "user": "u1"}], "secret": true, "score": 4});
        let expected = "PUT /opportunities/o1/notes/n1".to_owned();
        assert_eq!(sent(&update), (expected, Some(body)));
        assert!(!format!("{update:?}").contains("hello"));
        let delete = DeleteNote {
            opportunity: "o1".into(),
            note: "n1".into(),
        };
        assert_eq!(
            sent(&delete),
            ("DELETE /opportunities/o1/notes/n1".to_owned(), None)
        );
    }
}
