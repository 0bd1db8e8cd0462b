//! The way of a candidacy through the stages (product.md X8).
//!
//! Lever tells every move in `stageChanges`. Stages are told apart by id: the index a move carries counts in the
//! pipeline as it was then, and shifts when a stage is inserted. How far a stage is comes from the present order of
//! Lever's list of stages; one that Lever no longer lists is passed through, but is nobody's furthest.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use lever::{StageChange, StageId, Timestamp};

/// A stay in one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// The stage.
    pub stage: StageId,
    /// When it was entered.
    pub entered_at: Timestamp,
    /// When it was left; none for the present stay.
    pub left_at: Option<Timestamp>,
}

/// The way of a candidacy through the stages, oldest stay first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StageHistory {
    stays: Vec<Stay>,
}

impl StageHistory {
    /// Reads the history of an opportunity that is in `present` now.
    ///
    /// Moves without a time or a stage tell nothing and are left out; a move into the stage one is in already begins
    /// no new stay. If the moves do not end in the present stage, the last of them is unknown, and the present stay
    /// is taken to begin when the move before it was made, or at `created_at`.
    pub fn from_lever(
        changes: &[StageChange],
        present: Option<&StageId>,
        created_at: Timestamp,
    ) -> StageHistory {
        let mut moves: Vec<(Timestamp, &StageId)> = changes
            .iter()
            .filter_map(|change| Some((change.updated_at?, change.to_stage_id.as_ref()?)))
            .collect();
        moves.sort_by_key(|(at, _stage)| *at);
        if let Some(present) = present
            && moves.last().is_none_or(|(_at, stage)| *stage != present)
        {
            let at = moves.last().map_or(created_at, |(at, _stage)| *at);
            moves.push((at, present));
        }
        moves.dedup_by_key(|(_at, stage)| *stage);
        let ends = moves.iter().skip(1).map(|(at, _stage)| Some(*at));
        let ends: Vec<_> = ends.chain([None]).collect();
        let stays = moves.iter().zip(ends).map(|((at, stage), left_at)| Stay {
            stage: (*stage).clone(),
            entered_at: *at,
            left_at,
        });
        StageHistory {
            stays: stays.collect(),
        }
    }

    /// All stays, oldest first; the last one is the present.
    pub fn stays(&self) -> &[Stay] {
        &self.stays
    }

    /// The stage farthest down Lever's list that was ever entered.
    pub fn furthest<'a>(&'a self, stages: &[StageId]) -> Option<&'a StageId> {
        farthest(self.stays.iter(), &places(stages))
    }

    /// The farthest stage that no later move back has taken back: what lies after the stage moved back to does not
    /// count.
    pub fn effective_furthest<'a>(&'a self, stages: &[StageId]) -> Option<&'a StageId> {
        let places = places(stages);
        let mut effective: Vec<&Stay> = Vec::new();
        for stay in &self.stays {
            if let Some(place) = places.get(&stay.stage) {
                effective.retain(|kept| places.get(&kept.stage) < Some(place));
                effective.push(stay);
            }
        }
        farthest(effective.into_iter(), &places)
    }

    /// The time spent in each stage, all stays together; the present one lasts until `now`.
    ///
    /// An archived candidacy stays where it was: give the time it was archived instead of the present.
    pub fn time_in_stages(&self, now: Timestamp) -> BTreeMap<StageId, Duration> {
        let mut times = BTreeMap::new();
        for stay in &self.stays {
            let time = stay.left_at.unwrap_or(now).since(stay.entered_at);
            *times.entry(stay.stage.clone()).or_default() += time;
        }
        times
    }
}

fn places(stages: &[StageId]) -> HashMap<&StageId, usize> {
    let numbered = stages.iter().enumerate();
    numbered.map(|(place, stage)| (stage, place)).collect()
}

fn farthest<'a>(
    stays: impl Iterator<Item = &'a Stay>,
    places: &HashMap<&StageId, usize>,
) -> Option<&'a StageId> {
    let placed = stays.filter_map(|stay| Some((*places.get(&stay.stage)?, &stay.stage)));
    placed
        .max_by_key(|(place, _stage)| *place)
        .map(|(_place, stage)| stage)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    /// Moves as `a10 b20`: into stage `a` at 10, and so on.
    fn history(moves: &str, present: &str) -> StageHistory {
        let changes: Vec<_> = moves
            .split_whitespace()
            .map(|entry| StageChange {
                to_stage_id: Some(entry[..1].into()),
                to_stage_index: None,
                updated_at: Some(at(entry[1..].parse().unwrap())),
                user_id: None,
            })
            .collect();
        let present = (!present.is_empty()).then(|| StageId::from(present));
        StageHistory::from_lever(&changes, present.as_ref(), at(1))
    }

    fn order() -> Vec<StageId> {
        ["a", "b", "c", "d"].map(StageId::from).into()
    }

    fn stays(history: &StageHistory) -> Vec<(&str, i64)> {
        let stay = |stay: &'_ Stay| stay.entered_at.as_millis();
        let stays = history.stays().iter();
        stays.map(|one| (one.stage.as_str(), stay(one))).collect()
    }

    /// X8 as stated: A, B, A.
    #[test]
    fn x8_a_move_back_counts_for_furthest_and_not_for_effective_furthest() {
        let history = history("a10 b20 a30", "a");
        assert_eq!(stays(&history), [("a", 10), ("b", 20), ("a", 30)]);
        let b = StageId::from("b");
        let a = StageId::from("a");
        assert_eq!(history.furthest(&order()), Some(&b));
        assert_eq!(history.effective_furthest(&order()), Some(&a));
        let times = history.time_in_stages(at(100));
        assert_eq!(times[&a], Duration::from_millis(10 + 70));
        assert_eq!(times[&b], Duration::from_millis(10));
    }

    #[test]
    fn x8_a_move_back_takes_back_what_lies_after_it_only() {
        for (moves, furthest, effective) in [
            ("a1 c2 b3", "c", "b"),
            ("a1 b2 d3 b4 c5", "d", "c"),
            ("d1", "d", "d"),
            ("a1 d2 a3 d4", "d", "d"),
            // Stage x is no longer listed: it neither counts nor takes anything back.
            ("a1 c2 x3", "c", "c"),
        ] {
            let present = moves.split_whitespace().last().unwrap();
            let history = history(moves, &present[..1]);
            let name = |stage: Option<&StageId>| stage.map(|stage| stage.as_str().to_owned());
            assert_eq!(
                name(history.furthest(&order())).as_deref(),
                Some(furthest),
                "{moves}"
            );
            let found = name(history.effective_furthest(&order()));
            assert_eq!(found.as_deref(), Some(effective), "{moves}");
        }
    }

    #[test]
    fn what_lever_does_not_tell_is_bridged() {
        // Out of order, and twice into the same stage.
        assert_eq!(stays(&history("b20 a10 b25", "b")), [("a", 10), ("b", 20)]);
        // The last move is missing, and so are all.
        assert_eq!(stays(&history("a10", "c")), [("a", 10), ("c", 10)]);
        assert_eq!(stays(&history("", "c")), [("c", 1)]);
        assert_eq!(history("", "").furthest(&order()), None);
        let nothing = StageChange {
            to_stage_id: None,
            to_stage_index: Some(3),
            updated_at: Some(at(5)),
            user_id: None,
        };
        let history = StageHistory::from_lever(&[nothing], None, at(1));
        assert!(history.stays().is_empty());
    }

    proptest! {
        /// Every moment since the first move belongs to one stay, and the effective history never goes further.
        #[test]
        fn stays_follow_one_another(moves in prop::collection::vec((0_usize..5, 0_i64..50), 0..12)) {
            let names = ["a", "b", "c", "d", "x"];
            let written: Vec<_> = moves.iter().map(|(stage, at)| format!("{}{at}", names[*stage])).collect();
            let mut sorted = moves.clone();
            sorted.sort_by_key(|(_, at)| *at);
            let present = sorted.last().map_or("", |(stage, _)| names[*stage]);
            let history = history(&written.join(" "), present);
            for pair in history.stays().windows(2) {
                prop_assert_eq!(pair[0].left_at, Some(pair[1].entered_at));
                prop_assert!(pair[0].stage != pair[1].stage);
            }
            let stages = order();
            let place = |stage: Option<&StageId>| stage.and_then(|stage| stages.iter().position(|one| one == stage));
            prop_assert!(place(history.effective_furthest(&stages)) <= place(history.furthest(&stages)));
            let first = history.stays().first().map_or(at(50), |stay| stay.entered_at);
            let total: Duration = history.time_in_stages(at(50)).values().sum();
            prop_assert_eq!(total, at(50).since(first));
        }
    }
}
