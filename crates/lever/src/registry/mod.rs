//! The list of Lever operations this crate knows, and what is needed to call each.
//!
//! One list drives the permission check, raw calls, the documentation and the tests. Each entry has an
//! endpoint value; a test compares the whole list with the description of the API.

mod account;
mod candidates;
mod feedback;
mod files;
mod forms;
mod interviews;
mod notes;
mod offers;
mod opportunities;
mod people;
mod postings;
mod requisitions;
mod surveys;
mod templates;
mod webhooks;

use std::fmt;

pub use account::*;
pub use candidates::*;
pub use feedback::*;
pub use files::*;
pub use forms::*;
pub use interviews::*;
pub use notes::*;
pub use offers::*;
pub use opportunities::*;
pub use people::*;
pub use postings::*;
pub use requisitions::*;
pub use surveys::*;
pub use templates::*;
pub use webhooks::*;

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

/// What a call carries besides its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BodyKind {
    /// Nothing.
    None,
    /// A JSON object.
    Json,
    /// Parts with a file among them.
    Multipart,
    /// A JSON object, or parts when files go with it.
    JsonOrMultipart,
}

/// What comes back from a call that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnswerKind {
    /// One object.
    Record,
    /// A list, or one page of it.
    List,
    /// The bytes of a file.
    Bytes,
    /// Nothing (204).
    Empty,
}

/// One operation of the Lever API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// The name, as in the description of the API (`updateOpportunityStage`).
    pub id: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path with its parameters, such as `/opportunities/{opportunity}/stage`.
    pub path: &'static str,
    /// The name of the permission on Lever's API-key page.
    pub permission: &'static str,
    /// The OAuth scopes; all of them are needed.
    pub scopes: &'static [&'static str],
    /// The names of the query parameters.
    pub query: &'static [&'static str],
    /// What it carries.
    pub body: BodyKind,
    /// What it answers.
    pub answer: AnswerKind,
    /// What sending it twice does.
    pub repeat: Repeat,
    /// Whether it changes anything.
    pub access: Access,
    /// Whether it names the user it is made for.
    pub perform_as: PerformAs,
    /// The name of the endpoint value, such as `CreateNote` or `Legacy<CreateNote>`.
    pub endpoint: &'static str,
    /// Whether Lever keeps it only for old callers.
    pub deprecated: bool,
}

/// Every operation of version 1, by resource; those of candidates last.
pub const OPERATIONS: &[Operation] = &ALL;

const BY_RESOURCE: [&[Operation]; 15] = [
    opportunities::ALL,
    notes::ALL,
    feedback::ALL,
    interviews::ALL,
    files::ALL,
    offers::ALL,
    forms::ALL,
    account::ALL,
    people::ALL,
    surveys::ALL,
    templates::ALL,
    postings::ALL,
    requisitions::ALL,
    webhooks::ALL,
    candidates::ALL,
];

const ALL: [Operation; counted()] = {
    let mut all = [LIST_OPPORTUNITIES; counted()];
    let mut filled = 0;
    let mut resource = 0;
    while resource < BY_RESOURCE.len() {
        let mut at = 0;
        while at < BY_RESOURCE[resource].len() {
            all[filled] = BY_RESOURCE[resource][at];
            filled += 1;
            at += 1;
        }
        resource += 1;
    }
    all
};

const fn counted() -> usize {
    let mut count = 0;
    let mut resource = 0;
    while resource < BY_RESOURCE.len() {
        count += BY_RESOURCE[resource].len();
        resource += 1;
    }
    count
}

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

/// Which of `segments`, the filled path of `operation`, makes it the path of another operation.
///
/// An opportunity with the id `deleted` would be read from where Lever lists those that were deleted.
#[cfg(any(feature = "client", test))]
pub(crate) fn astray(operation: &Operation, segments: &[String]) -> Option<usize> {
    OPERATIONS.iter().find_map(|other| {
        let mut places = other.segments().zip(segments);
        let leads_there = other.segments().count() == segments.len()
            && places.all(|(place, text)| is_parameter(place) || place == text);
        let mut places = operation.segments().zip(other.segments());
        let by = places.position(|(own, theirs)| is_parameter(own) && !is_parameter(theirs));
        by.filter(|_| leads_there)
    })
}

#[cfg(any(feature = "client", test))]
fn is_parameter(place: &str) -> bool {
    place.starts_with('{')
}

/// Defines the operations of one resource and their list.
macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $operation:expr;)+) => {
        $($(#[$doc])* pub const $name: Operation = $operation;)+

        pub(super) const ALL: &[Operation] = &[$($name),+];
    };
}
use operations;

/// Reads one object.
const fn get(id: &'static str, path: &'static str, endpoint: &'static str) -> Operation {
    Operation::new(Method::Get, id, path, endpoint)
}

/// Reads a list.
const fn list(id: &'static str, path: &'static str, endpoint: &'static str) -> Operation {
    get(id, path, endpoint).answers(AnswerKind::List)
}

/// Reads the bytes of a file.
const fn download(id: &'static str, path: &'static str, endpoint: &'static str) -> Operation {
    get(id, path, endpoint).answers(AnswerKind::Bytes)
}

/// Makes something from a JSON body, until the entry says otherwise.
const fn post(id: &'static str, path: &'static str, endpoint: &'static str) -> Operation {
    Operation::new(Method::Post, id, path, endpoint)
        .body(BodyKind::Json)
        .repeat(Repeat::Creates)
}

/// Replaces something by a JSON body.
const fn put(id: &'static str, path: &'static str, endpoint: &'static str) -> Operation {
    Operation::new(Method::Put, id, path, endpoint).body(BodyKind::Json)
}

/// Deletes something; a second time it is gone already.
const fn delete(id: &'static str, path: &'static str, endpoint: &'static str) -> Operation {
    Operation::new(Method::Delete, id, path, endpoint).answers(AnswerKind::Empty)
}

impl Operation {
    /// The path in parts, parameters in braces.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').skip(1)
    }

    const fn new(
        method: Method,
        id: &'static str,
        path: &'static str,
        endpoint: &'static str,
    ) -> Operation {
        Operation {
            id,
            method,
            path,
            permission: "",
            scopes: &[],
            query: &[],
            body: BodyKind::None,
            answer: AnswerKind::Record,
            repeat: Repeat::Harmless,
            access: match method {
                Method::Get => Access::Read,
                Method::Post | Method::Put | Method::Delete => Access::Write,
            },
            perform_as: PerformAs::No,
            endpoint,
            deprecated: false,
        }
    }

    const fn allowed_by(self, permission: &'static str, scopes: &'static [&'static str]) -> Self {
        Operation {
            permission,
            scopes,
            ..self
        }
    }

    const fn query(self, query: &'static [&'static str]) -> Self {
        Operation { query, ..self }
    }

    const fn acting(self, perform_as: PerformAs) -> Self {
        Operation { perform_as, ..self }
    }

    const fn body(self, body: BodyKind) -> Self {
        Operation { body, ..self }
    }

    const fn answers(self, answer: AnswerKind) -> Self {
        Operation { answer, ..self }
    }

    const fn repeat(self, repeat: Repeat) -> Self {
        Operation { repeat, ..self }
    }

    const fn deprecated(self) -> Self {
        Operation {
            deprecated: true,
            ..self
        }
    }

    /// The same operation as it was called when Lever spoke of candidates.
    const fn legacy(
        self,
        id: &'static str,
        path: &'static str,
        permission: &'static str,
        endpoint: &'static str,
    ) -> Operation {
        Operation {
            id,
            path,
            permission,
            endpoint,
            ..self
        }
        .deprecated()
    }

    /// The names of the parameters in the path, in order.
    pub fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        self.segments()
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
    }
}

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
    fn a_value_that_leads_to_another_operation_is_found() {
        let astray = |operation: &Operation, segments: &[&str]| {
            let owned: Vec<String> = segments.iter().map(|text| (*text).to_owned()).collect();
            super::astray(operation, &owned)
        };
        let deleted = ["opportunities", "deleted"];
        assert_eq!(astray(&GET_OPPORTUNITY, &deleted), Some(1));
        assert_eq!(astray(&LIST_DELETED_OPPORTUNITIES, &deleted), None);
        assert_eq!(astray(&GET_OPPORTUNITY, &["opportunities", "o1"]), None);
        assert_eq!(astray(&GET_POSTING, &["postings", "deleted"]), Some(1));
        assert_eq!(
            astray(
                &LIST_OPPORTUNITY_NOTES,
                &["opportunities", "deleted", "notes"]
            ),
            None
        );
    }

    #[test]
    fn an_operation_filled_with_ids_stays_itself() {
        for operation in OPERATIONS {
            let filled: Vec<String> = operation
                .segments()
                .map(|place| if is_parameter(place) { "x" } else { place }.to_owned())
                .collect();
            assert_eq!(astray(operation, &filled), None, "{}", operation.id);
        }
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
