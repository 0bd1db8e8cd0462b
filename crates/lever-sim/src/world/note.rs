//! Notes: threads of comments on an opportunity.

use serde_json::{Value, json};

/// A thread of comments. Fixture `note.get.json`.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) id: String,
    pub(crate) comments: Vec<Comment>,
    pub(crate) user: Option<String>,
    pub(crate) secret: bool,
    pub(crate) created_at: i64,
    pub(crate) completed_at: i64,
    pub(crate) deleted_at: Option<i64>,
    /// Only such notes can be changed and deleted through the API.
    pub(crate) made_by_api: bool,
}

/// One entry of a thread.
#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) created_at: i64,
    pub(crate) score: Option<i64>,
    pub(crate) stage: String,
    pub(crate) user: Option<String>,
    pub(crate) value: String,
}

impl Note {
    /// A note as the API makes it: one comment, its stamps and its user.
    pub(crate) fn made_by_api(id: String, comment: Comment, secret: bool) -> Note {
        Note {
            id,
            user: comment.user.clone(),
            secret,
            created_at: comment.created_at,
            completed_at: comment.created_at,
            deleted_at: None,
            made_by_api: true,
            comments: vec![comment],
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "text": "Note",
            "fields": self.comments.iter().map(Comment::json).collect::<Vec<_>>(),
            "user": self.user,
            "secret": self.secret,
            "completedAt": self.completed_at,
            "deletedAt": self.deleted_at,
            "createdAt": self.created_at,
        })
    }
}

impl Comment {
    fn json(&self) -> Value {
        json!({
            "createdAt": self.created_at,
            "score": self.score,
            "stage": self.stage,
            "text": "Comment",
            "type": "note",
            "user": self.user,
            "value": self.value,
        })
    }
}
