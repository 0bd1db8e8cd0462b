//! Which operations wait for one another.

use domain::operation::{Prepared, PreparedKind, RawWrite};
use domain::{Operation, Write};
use lever::{OpportunityId, registry};
use serde_json::Value;

/// What operations are settled one after the other.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Turn {
    /// Those on one opportunity; those on nothing that is there yet wait for each other, too.
    Opportunity(OpportunityId),
    /// Changes of one person: each is merged into what the one before has left.
    Contact(String),
    /// Changes of one user.
    User(String),
    /// Raw writes to one other record of the account.
    Record {
        /// Where such records are in Lever's paths, such as `postings`.
        of: String,
        id: String,
    },
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
            Write::Raw(call) if operation.opportunity.as_str().is_empty() => {
                Turn::of_path(call).unwrap_or_else(|| Turn::Opportunity(OpportunityId::from("")))
            }
            _ => Turn::Opportunity(operation.opportunity.clone()),
        }
    }

    /// That of the first record in the path of a raw write; none where it names none, as where one is made.
    fn of_path(call: &RawWrite) -> Option<Turn> {
        let path = registry::find(&call.operation)?.path;
        let segments: Vec<&str> = path.split('/').collect();
        let record = segments.windows(2).find_map(|pair| {
            let parameter = pair[1].strip_prefix('{')?.strip_suffix('}')?;
            Some((pair[0], call.path.get(parameter)?.clone()))
        });
        record.map(|(of, id)| match of {
            "contacts" => Turn::Contact(id),
            "users" => Turn::User(id),
            of => Turn::Record {
                of: of.to_owned(),
                id,
            },
        })
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

    fn raw(operation: &str, path: &[(&str, &str)], opportunity: &str) -> Turn {
        let path = path.iter();
        let path = path.map(|(name, id)| ((*name).to_owned(), (*id).to_owned()));
        let write = Write::Raw(RawWrite {
            operation: operation.to_owned(),
            path: path.collect(),
            query: Vec::new(),
            body: None,
            creates: false,
            bare: false,
        });
        let connection = ConnectionId::from_bytes([0; 16]);
        Turn::of(&Operation {
            opportunity: opportunity.into(),
            ..testing::operation(connection, "r", write)
        })
    }

    #[test]
    fn a_raw_write_waits_for_others_on_what_its_path_names() {
        let contact = raw("updateContact", &[("contact", "c")], "");
        let change = contact_change(Some(&ContactId::from("c")), &ContactChange::default());
        let connection = ConnectionId::from_bytes([0; 16]);
        let typed = testing::operation(connection, "r", change.unwrap());
        assert!(contact == Turn::of(&typed));
        let user = Turn::User("u".to_owned());
        assert!(raw("updateUser", &[("user", "u")], "") == user);
        assert!(raw("deactivateUser", &[("user", "u")], "") == user);
        let posting = |operation, id| raw(operation, &[("posting", id)], "");
        assert!(posting("updatePosting", "p") == posting("updatePosting", "p"));
        assert!(posting("updatePosting", "p") != posting("updatePosting", "q"));
        assert!(posting("updatePosting", "c") != contact);
        // Beside those on an opportunity, and where nothing is there yet.
        let tags = raw("addOpportunityTags", &[("opportunity", "o")], "o");
        assert!(tags == Turn::Opportunity("o".into()));
        assert!(raw("createPosting", &[], "") == Turn::Opportunity("".into()));
    }

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
