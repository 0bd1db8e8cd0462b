//! The list of Lever operations this crate knows, and what is needed to call each.
//!
//! One list drives the permission check, raw calls, the documentation and the tests.
//! It holds exactly the operations that have an endpoint value; a test compares it with the
//! description of the API.

use std::fmt;

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates or changes.
    Post,
    /// Replaces.
    Put,
    /// Deletes.
    Delete,
}

impl Method {
    /// The method as HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What sending a call twice does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Repeat {
    /// The same as sending it once.
    Harmless,
    /// A second thing; sent again only when Lever surely did not act.
    Creates,
}

/// Whether a call changes anything in Lever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// It only looks.
    Read,
    /// It changes something.
    Write,
}

/// Whether a call names the user it is made for (Lever: "perform_as").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PerformAs {
    /// It has no such parameter.
    No,
    /// It may; without one Lever attributes the change to nobody.
    Optional,
    /// It must.
    Required,
}

/// One operation of the Lever API.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// The name, as in the description of the API (`updateOpportunityStage`).
    pub id: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path with its parameters, such as `/opportunities/{opportunity}/stage`.
    pub path: &'static str,
    /// The name of the permission on Lever's API-key page.
    pub permission: &'static str,
    /// The OAuth scope.
    pub scope: &'static str,
    /// What sending it twice does.
    pub repeat: Repeat,
    /// Whether it changes anything.
    pub access: Access,
    /// Whether it names the user it is made for.
    pub perform_as: PerformAs,
}

/// Every operation, in the order of the documentation.
pub const OPERATIONS: &[Operation] = &[
    LIST_USERS,
    LIST_STAGES,
    LIST_ARCHIVE_REASONS,
    LIST_SOURCES,
    LIST_TAGS,
    LIST_POSTINGS,
    LIST_OPPORTUNITIES,
    GET_OPPORTUNITY,
    LIST_DELETED_OPPORTUNITIES,
    ADD_OPPORTUNITY_TAGS,
    REMOVE_OPPORTUNITY_TAGS,
    ADD_OPPORTUNITY_SOURCES,
    REMOVE_OPPORTUNITY_SOURCES,
    UPDATE_OPPORTUNITY_STAGE,
    UPDATE_OPPORTUNITY_ARCHIVED,
    LIST_OPPORTUNITY_NOTES,
    GET_OPPORTUNITY_NOTE,
    CREATE_OPPORTUNITY_NOTE,
];

/// The operation of that name.
pub fn find(id: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.id == id)
}

/// The operations a permission of the API-key page allows; most allow one.
pub fn by_permission(name: &str) -> impl Iterator<Item = &'static Operation> {
    OPERATIONS
        .iter()
        .filter(move |operation| operation.permission == name)
}

const fn read(
    id: &'static str,
    path: &'static str,
    permission: &'static str,
    scope: &'static str,
) -> Operation {
    Operation {
        id,
        method: Method::Get,
        path,
        permission,
        scope,
        repeat: Repeat::Harmless,
        access: Access::Read,
        perform_as: PerformAs::No,
    }
}

/// A change to an opportunity that ends in the same state however often it is sent.
const fn opportunity_change(
    method: Method,
    id: &'static str,
    path: &'static str,
    permission: &'static str,
) -> Operation {
    Operation {
        id,
        method,
        path,
        permission,
        scope: "opportunities:write:admin",
        repeat: Repeat::Harmless,
        access: Access::Write,
        perform_as: PerformAs::Optional,
    }
}

/// "List all users".
pub const LIST_USERS: Operation = read("listUsers", "/users", "find all users", "users:read:admin");
/// "List all stages".
pub const LIST_STAGES: Operation = read(
    "listStages",
    "/stages",
    "find all stages",
    "stages:read:admin",
);
/// "List all archive reasons".
pub const LIST_ARCHIVE_REASONS: Operation = read(
    "listArchiveReasons",
    "/archive_reasons",
    "find all archive reasons",
    "archive_reasons:read:admin",
);
/// "List all sources".
pub const LIST_SOURCES: Operation = read(
    "listSources",
    "/sources",
    "find all sources",
    "sources:read:admin",
);
/// "List all tags".
pub const LIST_TAGS: Operation = read("listTags", "/tags", "find all tags", "tags:read:admin");
/// "List all postings".
pub const LIST_POSTINGS: Operation = read(
    "listPostings",
    "/postings",
    "find all postings",
    "postings:read:admin",
);
/// "List all opportunities".
pub const LIST_OPPORTUNITIES: Operation = read(
    "listOpportunities",
    "/opportunities",
    "find all opportunities",
    "opportunities:read:admin",
);
/// "Retrieve a single opportunity".
pub const GET_OPPORTUNITY: Operation = read(
    "getOpportunity",
    "/opportunities/{opportunity}",
    "find an opportunity",
    "opportunities:read:admin",
);
/// "List deleted opportunities".
pub const LIST_DELETED_OPPORTUNITIES: Operation = read(
    "listDeletedOpportunities",
    "/opportunities/deleted",
    "find all deleted opportunities",
    "opportunities:read:admin",
);
/// "List all notes".
pub const LIST_OPPORTUNITY_NOTES: Operation = read(
    "listOpportunityNotes",
    "/opportunities/{opportunity}/notes",
    "find all opportunity notes",
    "notes:read:admin",
);
/// "Retrieve a single note".
pub const GET_OPPORTUNITY_NOTE: Operation = read(
    "getOpportunityNote",
    "/opportunities/{opportunity}/notes/{note}",
    "find an opportunity note",
    "notes:read:admin",
);
/// "Create a note".
pub const CREATE_OPPORTUNITY_NOTE: Operation = Operation {
    id: "createOpportunityNote",
    method: Method::Post,
    path: "/opportunities/{opportunity}/notes",
    permission: "create an opportunity note",
    scope: "notes:write:admin",
    repeat: Repeat::Creates,
    access: Access::Write,
    perform_as: PerformAs::Optional,
};
/// "Update opportunity tags", adding.
pub const ADD_OPPORTUNITY_TAGS: Operation = opportunity_change(
    Method::Post,
    "addOpportunityTags",
    "/opportunities/{opportunity}/addTags",
    "add opportunity tags",
);
/// "Update opportunity tags", removing.
pub const REMOVE_OPPORTUNITY_TAGS: Operation = opportunity_change(
    Method::Post,
    "removeOpportunityTags",
    "/opportunities/{opportunity}/removeTags",
    "remove opportunity tags",
);
/// "Update opportunity sources", adding.
pub const ADD_OPPORTUNITY_SOURCES: Operation = opportunity_change(
    Method::Post,
    "addOpportunitySources",
    "/opportunities/{opportunity}/addSources",
    "add opportunity sources",
);
/// "Update opportunity sources", removing.
pub const REMOVE_OPPORTUNITY_SOURCES: Operation = opportunity_change(
    Method::Post,
    "removeOpportunitySources",
    "/opportunities/{opportunity}/removeSources",
    "remove opportunity sources",
);
/// "Update opportunity stage".
pub const UPDATE_OPPORTUNITY_STAGE: Operation = opportunity_change(
    Method::Put,
    "updateOpportunityStage",
    "/opportunities/{opportunity}/stage",
    "update an opportunity's stage",
);
/// "Update opportunity archived state".
pub const UPDATE_OPPORTUNITY_ARCHIVED: Operation = opportunity_change(
    Method::Put,
    "updateOpportunityArchived",
    "/opportunities/{opportunity}/archived",
    "update opportunity archived state",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_found_by_name_and_by_permission() {
        assert_eq!(find("listUsers"), Some(&LIST_USERS));
        assert_eq!(find("nothing"), None);
        let allowed: Vec<_> = by_permission("create an opportunity note").collect();
        assert_eq!(allowed, [&CREATE_OPPORTUNITY_NOTE]);
    }

    #[test]
    fn names_are_unique() {
        for operation in OPERATIONS {
            let same = OPERATIONS
                .iter()
                .filter(|other| other.id == operation.id)
                .count();
            assert_eq!(same, 1, "{}", operation.id);
        }
    }

    #[test]
    fn every_get_reads_and_nothing_else_does() {
        for operation in OPERATIONS {
            assert_eq!(
                operation.method == Method::Get,
                operation.access == Access::Read,
                "{}",
                operation.id
            );
        }
    }
}
