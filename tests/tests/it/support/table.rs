//! A table of refusals.

use tonic::{Code, Status};

use super::status::{Told, refused};

/// An id that nothing has.
pub(crate) const NOBODY: &str = "01234567-89ab-7def-8123-456789abcdef";

/// What was refused, and the code and field (or reason) it should have been refused with.
struct Row {
    what: String,
    told: Told,
    code: Code,
    field: &'static str,
}

/// Collects refusals, so that all wrong ones are shown at once.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    /// Notes a refusal and how it should have been.
    ///
    /// # Panics
    /// When it was not refused.
    #[track_caller]
    pub(crate) fn row<T>(
        &mut self,
        what: impl Into<String>,
        answer: Result<T, Status>,
        code: Code,
        field: &'static str,
    ) {
        let what = what.into();
        let Err(status) = answer else {
            panic!("{what} was taken")
        };
        self.0.push(Row {
            what,
            told: refused::<()>(Err(status)),
            code,
            field,
        });
    }

    /// Shows every wrong row at once.
    pub(crate) fn check(self) {
        let wrong: Vec<_> = self
            .0
            .iter()
            .filter(|row| {
                let named = row.field.is_empty()
                    || row.told.reason == row.field
                    || row.told.fields.iter().any(|field| field == row.field);
                row.told.code != row.code || !named || row.told.message.is_empty()
            })
            .map(|row| {
                format!(
                    "{}: expected {:?} {:?}, got {:?}",
                    row.what, row.code, row.field, row.told
                )
            })
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
