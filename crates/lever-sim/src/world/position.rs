//! The order of the opportunity list.

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::account::rank;

/// Where a record stands in Lever's list: stage rank ascending, last advance descending, id ascending (recorded).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) half_ranks: i64,
    pub(crate) advanced: Reverse<i64>,
    pub(crate) id: String,
}

impl Position {
    /// `[rank, lastAdvancedAt, id]`. Fixture `opportunities.pagination-trace.json`.
    pub(crate) fn names(&self) -> Value {
        json!([rank(self.half_ranks), self.advanced.0, self.id])
    }

    pub(crate) fn from_names(names: &Value) -> Option<Position> {
        Some(Position {
            half_ranks: (names.get(0)?.as_f64()? * 2.0) as i64,
            advanced: Reverse(names.get(1)?.as_i64()?),
            id: names.get(2)?.as_str()?.to_owned(),
        })
    }
}
