//! Who goes next among the lanes that wait: guaranteed shares first, then priority.

use super::lane::{Lane, PerLane};

/// The shares left in the current round of ten grants.
#[derive(Debug, Clone)]
pub(crate) struct Shares {
    left: PerLane<u32>,
    round: u32,
}

/// Grants in a round: the sum of all shares.
const ROUND: u32 = 10;

impl Shares {
    pub(crate) fn new() -> Shares {
        Shares {
            left: PerLane::from_fn(Lane::share),
            round: ROUND,
        }
    }

    /// The most urgent waiting lane with a share left, or else the most urgent one.
    pub(crate) fn choose(&self, waits: impl Fn(Lane) -> bool) -> Option<Lane> {
        let mut waiting = Lane::ALL.into_iter().filter(|lane| waits(*lane));
        let first = waiting.clone().next();
        waiting.find(|lane| self.has(*lane)).or(first)
    }

    /// Whether the lane has something left of its share.
    pub(crate) fn has(&self, lane: Lane) -> bool {
        self.left[lane] > 0
    }

    /// Counts a grant to the lane.
    pub(crate) fn spend(&mut self, lane: Lane) {
        self.left[lane] = self.left[lane].saturating_sub(1);
        self.round -= 1;
        if self.round == 0 {
            *self = Shares::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(count: usize, waits: impl Fn(Lane) -> bool) -> PerLane<u32> {
        let mut shares = Shares::new();
        let mut granted = PerLane::default();
        for _ in 0..count {
            let lane = shares.choose(&waits).unwrap();
            shares.spend(lane);
            granted[lane] += 1;
        }
        granted
    }

    #[test]
    fn with_every_lane_waiting_each_gets_its_share() {
        assert_eq!(
            grants(100, |_| true),
            PerLane::from_fn(|lane| lane.share() * 10)
        );
    }

    #[test]
    fn unused_shares_go_to_the_most_urgent_lane_waiting() {
        let granted = grants(100, |lane| matches!(lane, Lane::Follow | Lane::Sweep));
        assert_eq!((granted[Lane::Follow], granted[Lane::Sweep]), (90, 10));
    }

    #[test]
    fn a_lane_alone_gets_everything() {
        assert_eq!(grants(30, |lane| lane == Lane::Sweep)[Lane::Sweep], 30);
        assert_eq!(Shares::new().choose(|_| false), None);
    }
}
