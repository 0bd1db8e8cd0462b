//! Bounds in time whose end is exclusive, for the lists of deleted records and file actions.

use crate::answer::Refusal;
use crate::call::{Query, missing};

/// The widest window for deleted records. Lever: "Deleted applications", "Deleted postings".
const WIDEST: i64 = 30 * 86_400_000;

/// From a moment up to, not including, another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    start: i64,
    end: i64,
}

impl Window {
    /// Both bounds, at most 30 days apart; `None` when neither is given.
    pub(crate) fn deleted(query: Query<'_>) -> Result<Option<Window>, Refusal> {
        let range = query.range("deleted_at")?;
        match (range.start, range.end) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(missing("deleted_at_start")),
            (Some(_), None) => Err(missing("deleted_at_end")),
            (Some(start), Some(end)) if end.saturating_sub(start) > WIDEST => {
                Err(Refusal::bad_request(
                    "deleted_at_start and deleted_at_end are more than 30 days apart",
                ))
            }
            (Some(start), Some(end)) => Ok(Some(Window { start, end })),
        }
    }

    /// Optional bounds.
    pub(crate) fn open(query: Query<'_>, name: &str) -> Result<Window, Refusal> {
        let range = query.range(name)?;
        Ok(Window {
            start: range.start.unwrap_or(i64::MIN),
            end: range.end.unwrap_or(i64::MAX),
        })
    }

    pub(crate) fn holds(self, at: i64) -> bool {
        (self.start..self.end).contains(&at)
    }
}
