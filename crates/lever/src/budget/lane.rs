//! The classes of calls that share a budget.

use std::fmt;
use std::ops::{Index, IndexMut};

/// What a call is for; the order is the priority, most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// A person is waiting: write-backs and live reads.
    Interactive,
    /// New and changed applicants in inbound stages.
    Inbound,
    /// Everything else that changed.
    Follow,
    /// Children of opportunities.
    Hydrate,
    /// History.
    Backfill,
    /// What no signal reveals.
    Sweep,
}

impl Lane {
    /// All lanes, most urgent first.
    pub const ALL: [Lane; 6] = [
        Lane::Interactive,
        Lane::Inbound,
        Lane::Follow,
        Lane::Hydrate,
        Lane::Backfill,
        Lane::Sweep,
    ];

    /// The name used in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Lane::Interactive => "interactive",
            Lane::Inbound => "inbound",
            Lane::Follow => "follow",
            Lane::Hydrate => "hydrate",
            Lane::Backfill => "backfill",
            Lane::Sweep => "sweep",
        }
    }

    /// Grants guaranteed to the lane out of every ten, while it has calls waiting.
    pub const fn share(self) -> u32 {
        match self {
            Lane::Interactive => 3,
            Lane::Inbound | Lane::Follow => 2,
            Lane::Hydrate | Lane::Backfill | Lane::Sweep => 1,
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One value for each lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PerLane<T>([T; Lane::ALL.len()]);

impl<T> PerLane<T> {
    /// The value `of` each lane.
    pub fn from_fn(of: impl FnMut(Lane) -> T) -> PerLane<T> {
        PerLane(Lane::ALL.map(of))
    }
}

impl<T> Index<Lane> for PerLane<T> {
    type Output = T;

    fn index(&self, lane: Lane) -> &T {
        &self.0[lane as usize]
    }
}

impl<T> IndexMut<Lane> for PerLane<T> {
    fn index_mut(&mut self, lane: Lane) -> &mut T {
        &mut self.0[lane as usize]
    }
}
