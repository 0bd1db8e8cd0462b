//! Which lists below records a connection wants read.

use std::collections::{BTreeMap, BTreeSet};

use domain::hydration::Policy;
use domain::{Listing, Stream};

use crate::engine::Shared;
use crate::link::Link;

/// What to plan for records that are read now.
///
/// Streams that the key may not read are left out until it is worth trying again.
pub(crate) fn policy(shared: &Shared, link: &Link) -> Policy {
    let connection = link.connection();
    let now = link.lever_now(&shared.clock);
    let readable = |stream: &Stream| !link.refuses(*stream);
    let kept = connection.streams.iter().copied();
    Policy {
        kept: kept
            .filter(|stream| stream.hydrated())
            .filter(readable)
            .collect(),
        archived_since: now.minus(shared.settings.pull.children_archived_within),
        recheck_before: BTreeMap::new(),
        asked: false,
        told: BTreeSet::new(),
        shown_by: now,
    }
}

/// What to plan for a page of a listing: the sweep also looks for what no stamp reveals, up to its daily share.
pub(super) fn policy_of(shared: &Shared, link: &Link, listing: Listing) -> Policy {
    let policy = policy(shared, link);
    if listing != Listing::OpportunitySweep {
        return policy;
    }
    let now = link.lever_now(&shared.clock);
    if !link.rechecks_left(now, shared.settings.pull.children_recheck_per_day) {
        return policy;
    }
    let before = now.minus(shared.settings.pull.children_recheck);
    Policy {
        recheck_before: policy.kept.iter().map(|stream| (*stream, before)).collect(),
        ..policy
    }
}
