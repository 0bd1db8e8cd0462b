//! Which operations wait for one another.

use domain::operation::{Prepared, PreparedKind, RawWrite};
use domain::{Operation, Write};
use lever::OpportunityId;
use serde_json::Value;

/// What operations are settled one after the other.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Turn {
    /// Those on one opportunity; those on none wait for each other, too.
    Opportunity(OpportunityId),
    /// Changes of one person: each is merged into what the one before has left.
    Contact(String),
    /// Changes of one user.
    User(String),
    /// One person applying to one posting: which of two applications is ours could not be told.
    Applying {
        posting: String,
        /// In lower case.
        email: String,
    },
}

impl Turn {
    pub(super) fn of(operation: &Operation) -> Turn {
        let named = |call: &RawWrite, name: &str| call.path.get(name).cloned().unwrap_or_default();
        let write = match &operation.write {
            // A step of it may be a change of the person.
            Write::Export(_) => operation.present_write(),
            write => write,
        };
        match write {
            Write::Prepared(Prepared { kind, call }) => match kind {
                PreparedKind::UpdateContact => Turn::Contact(named(call, "contact")),
                PreparedKind::UpdateUser => Turn::User(named(call, "user")),
                PreparedKind::ApplyToPosting => Turn::Applying {
                    posting: named(call, "posting"),
                    email: applicant(call).unwrap_or_default().to_lowercase(),
                },
                _ => Turn::Opportunity(operation.opportunity.clone()),
            },
            _ => Turn::Opportunity(operation.opportunity.clone()),
        }
    }
}

/// The address that an application is made with.
pub(super) fn applicant(call: &RawWrite) -> Option<String> {
    let body: Value = serde_json::from_str(call.body.as_deref()?).ok()?;
    let personal = body.get("personalInformation")?.as_array()?;
    let email = personal.iter().find(|answer| answer["name"] == "email")?;
    Some(email["value"].as_str()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use domain::ConnectionId;
    use domain::operation::Step;
    use lever::{ContactId, Timestamp};

    use super::*;
    use crate::push::prepare::{ContactChange, contact_change};
    use crate::testing;

    #[test]
    fn an_export_that_changes_the_person_waits_for_other_changes_of_them() {
        let change = contact_change(Some(&ContactId::from("c")), &ContactChange::default());
        let steps = [Write::Unarchive, change.unwrap()];
        let step = |write| Step::new(write, Timestamp::default());
        let connection = ConnectionId::from_bytes([0; 16]);
        let mut export = Operation {
            steps: steps.map(step).into(),
            ..testing::operation(connection, "r", Write::Export(Box::default()))
        };
        assert!(Turn::of(&export) == Turn::Opportunity("o".into()));
        export.steps[0].done = true;
        assert!(Turn::of(&export) == Turn::Contact("c".to_owned()));
        export.steps[1].done = true;
        assert!(Turn::of(&export) == Turn::Opportunity("o".into()));
    }
}
