//! The route table: every operation with its path, permission and handler.
//!
//! Two tables: [`account`] for what stands alone, [`candidacy`] for what belongs to one opportunity, with its legacy twin.

mod account;
mod candidacy;

use std::sync::LazyLock;

use crate::answer::Outcome;
use crate::call::Call;
use crate::world::World;

/// One call of Lever's API.
#[derive(Debug)]
pub(crate) struct Operation {
    /// As named in Lever's OpenAPI description.
    pub(crate) id: &'static str,
    pub(crate) method: &'static str,
    /// The template, without the version.
    pub(crate) path: &'static str,
    /// The name on Lever's API-key page.
    pub(crate) permission: &'static str,
    /// The query parameters it knows; any other is refused.
    pub(crate) query: &'static [&'static str],
    pub(crate) answer: fn(&mut World, &Call<'_>) -> Outcome,
}

/// Where a request leads.
#[derive(Debug)]
pub(crate) enum Route<'a> {
    /// To an operation, with the variable segments of the path.
    Found(&'static Operation, Vec<&'a str>),
    /// The path is known, the method is not.
    WrongMethod,
    Unknown,
}

/// Finds the operation for a method and a path that begins with `/v1`.
pub(crate) fn route<'a>(method: &str, path: &'a str) -> Route<'a> {
    let Some(path) = path.strip_prefix("/v1") else {
        return Route::Unknown;
    };
    let parts: Vec<&str> = path.split('/').collect();
    let mut known = false;
    for (template, operation) in TEMPLATES.iter() {
        let Some(ids) = segments(template, &parts) else {
            continue;
        };
        if operation.method == method {
            return Route::Found(operation, ids);
        }
        known = true;
    }
    if known {
        Route::WrongMethod
    } else {
        Route::Unknown
    }
}

/// Every operation with the segments of its template: they are looked through for each request.
static TEMPLATES: LazyLock<Vec<(Vec<&str>, &Operation)>> = LazyLock::new(|| {
    let split = |operation: &'static Operation| (operation.path.split('/').collect(), operation);
    all().map(split).collect()
});

/// The variable segments of a path, if it fits the template.
fn segments<'a>(template: &[&str], path: &[&'a str]) -> Option<Vec<&'a str>> {
    if template.len() != path.len() {
        return None;
    }
    let mut ids = Vec::new();
    for (wanted, part) in template.iter().zip(path) {
        if wanted.starts_with('{') && !part.is_empty() {
            ids.push(*part);
        } else if wanted != part {
            return None;
        }
    }
    Some(ids)
}

/// Every operation. Paths with fixed segments stand before those with variables in the same place.
pub(crate) fn all() -> impl Iterator<Item = &'static Operation> {
    account::OPERATIONS.iter().chain(candidacy::OPERATIONS)
}

const PAGE: &[&str] = &["limit", "offset"];
const PERFORM_AS: &[&str] = &["perform_as"];
const EXPAND: &[&str] = &["expand"];
const LIST: &[&str] = &["limit", "offset", "expand"];
const NONE: &[&str] = &[];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: &str, path: &str) -> Option<(&'static str, usize)> {
        match route(method, path) {
            Route::Found(operation, ids) => Some((operation.id, ids.len())),
            Route::WrongMethod | Route::Unknown => None,
        }
    }

    #[test]
    fn fixed_segments_win_over_variables() {
        assert_eq!(
            found("GET", "/v1/opportunities/deleted"),
            Some(("listDeletedOpportunities", 0))
        );
        assert_eq!(
            found("GET", "/v1/opportunities/x"),
            Some(("getOpportunity", 1))
        );
        assert_eq!(
            found("PUT", "/v1/opportunities/x/notes/y"),
            Some(("updateOpportunityNote", 2))
        );
    }

    #[test]
    fn unknown_paths_and_methods_are_told_apart() {
        assert!(matches!(route("GET", "/v1/openapi.json"), Route::Unknown));
        assert!(matches!(route("GET", "/v1/opportunities/"), Route::Unknown));
        assert!(matches!(route("GET", "/opportunities"), Route::Unknown));
        assert!(matches!(route("DELETE", "/v1/tags"), Route::WrongMethod));
    }

    #[test]
    fn every_operation_has_its_own_id_and_a_permission() {
        let ids: std::collections::BTreeSet<_> = all().map(|it| it.id).collect();
        assert_eq!(ids.len(), all().count());
        assert!(all().all(|operation| !operation.permission.is_empty()));
    }
}
