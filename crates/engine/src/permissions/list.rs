//! Every permission there is, those that the set-up guide asks for first.

use std::collections::BTreeSet;

use lever::registry::OPERATIONS;
use lever::{Access, Operation, registry};

/// The names that the set-up guide has an admin tick on Lever's API-key page, in its order: 55 reads, then 24 writes.
#[rustfmt::skip] // A list reads better as prose.
pub(super) const GUIDE: [&str; 79] = [
    "find an opportunity resume",
    "find an opportunity referral",
    "find an opportunity note",
    "find an opportunity interview",
    "find an opportunity form",
    "find an opportunity file",
    "find an opportunity application",
    "find an opportunity",
    "find an archive reason",
    "find all users",
    "find all tags",
    "find all stages",
    "find all sources",
    "find all requisitions",
    "find all requisition fields",
    "find all postings",
    "find all opportunity resumes",
    "find all opportunity referrals",
    "find all opportunity offers",
    "find all opportunity notes",
    "find all opportunity interviews",
    "find all opportunity forms",
    "find all opportunity files",
    "find all opportunity applications",
    "find all opportunities",
    "find all feedback templates",
    "find all eeo responses with their pii",
    "find all candidates",
    "find all candidate resumes",
    "find all candidate referrals",
    "find all candidate offers",
    "find all candidate notes",
    "find all candidate interviews",
    "find all candidate forms",
    "find all candidate files",
    "find all candidate applications",
    "find all archive reasons",
    "find a user",
    "find a stage",
    "find a requisition field",
    "find a requisition",
    "find a posting application question form",
    "find a posting",
    "find a contact",
    "find a candidate resume",
    "find a candidate referral",
    "find a candidate note",
    "find a candidate interview",
    "find a candidate file",
    "find a candidate application",
    "find a candidate",
    "download an opportunity resume file",
    "download an opportunity file",
    "download a candidate resume",
    "download a candidate file",
    "upload an opportunity file",
    "upload a candidate file",
    "update opportunity archived state",
    "update an opportunity's stage",
    "update an opportunity note",
    "update a user",
    "update a contact",
    "update a candidate stage",
    "remove opportunity tags",
    "remove opportunity sources",
    "remove opportunity contact links",
    "remove candidate tags",
    "create an opportunity note",
    "create an opportunity",
    "create a candidate note",
    "create a candidate form",
    "create a candidate",
    "apply to a posting",
    "add opportunity tags",
    "add opportunity sources",
    "add opportunity links",
    "add candidate tags",
    "add candidate sources",
    "add candidate links",
];

/// One permission of Lever's API-key page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Permission {
    pub(super) name: &'static str,
    /// What it allows; at least one, and one only when it reads.
    pub(super) operations: Vec<&'static Operation>,
    /// Whether the guide asks for it.
    pub(super) guide: bool,
}

impl Permission {
    fn of(name: &'static str, guide: bool) -> Permission {
        Permission {
            name,
            operations: registry::by_permission(name).collect(),
            guide,
        }
    }

    /// The operation that can be tried without changing anything; none where all of them write.
    pub(super) fn read(&self) -> Option<&'static Operation> {
        let mut reads = self
            .operations
            .iter()
            .filter(|operation| operation.access == Access::Read);
        reads.next().copied()
    }

    /// The OAuth scopes that stand for it, each once.
    pub(super) fn scopes(&self) -> Vec<&'static str> {
        let scopes = self
            .operations
            .iter()
            .flat_map(|operation| operation.scopes);
        scopes
            .copied()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }
}

/// The permissions of the guide in its order, then all others in the order of the registry.
pub(super) fn permissions() -> Vec<Permission> {
    let mut known: BTreeSet<&str> = GUIDE.into();
    let others = OPERATIONS
        .iter()
        .map(|operation| operation.permission)
        .filter(|name| known.insert(name))
        .map(|name| Permission::of(name, false));
    let others: Vec<_> = others.collect();
    let guide = GUIDE.iter().map(|name| Permission::of(name, true));
    guide.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_asks_for_55_reads_and_24_writes_and_the_registry_knows_each() {
        let all = permissions();
        let (guide, others) = all.split_at(GUIDE.len());
        assert!(guide.iter().all(|permission| permission.guide));
        assert!(others.iter().all(|permission| !permission.guide));
        let reads = guide
            .iter()
            .filter(|permission| permission.read().is_some());
        assert_eq!(reads.count(), 55);
        let mut allowed: Vec<_> = all
            .iter()
            .flat_map(|permission| &permission.operations)
            .map(|operation| operation.id)
            .collect();
        allowed.sort_unstable();
        let mut known: Vec<_> = OPERATIONS.iter().map(|operation| operation.id).collect();
        known.sort_unstable();
        assert_eq!(
            allowed, known,
            "each operation is allowed by one permission"
        );
    }

    #[test]
    fn a_permission_reads_one_thing_or_writes() {
        for permission in permissions() {
            let reads = permission.read().is_some();
            assert!(
                !reads || permission.operations.len() == 1,
                "{}",
                permission.name
            );
        }
        let apply = Permission::of("apply to a posting", true);
        assert_eq!(apply.operations.len(), 2);
        assert_eq!(
            apply.scopes(),
            ["postings:write:admin", "uploads:write:admin"]
        );
    }
}
