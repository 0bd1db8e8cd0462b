//! The passes over the inbound stages alone, for when the pass over all opportunities takes long or comes seldom.
//!
//! One list shows what changed of those who are in an inbound stage, another who moved to whatever stage: somebody who
//! has left is on no list of the inbound stages. Both only follow, from where the main listing has read everybody, in a
//! lane and a worker of their own. A main pass that has ended covers them too, so that they cost nothing while it is
//! fresh. A main pass under way needs no lock against them: each listing has its own cursor, and of one record the
//! answer to the later request counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::stage_mapping::StageMapping;
use domain::{Connection, Listing, Timestamp};
use futures::FutureExt as _;
use lever::StageId;
use store::ListingState;

use super::schedule::{self, Worker};
use super::{forget_deleted, walk_listing};
use crate::engine::Shared;
use crate::error::Result;
use crate::link::Link;
use crate::mapping;

/// The wait after the plan could not be read.
const PAUSE: Duration = Duration::from_secs(30);

/// Follows the inbound stages of one connection until its link is stopped.
pub(crate) async fn run(shared: Arc<Shared>, link: Arc<Link>) {
    while let Some(wait) = link.work(round(&shared, &link).boxed()).await {
        link.rest(&link.inbound_now, wait).await;
    }
}

/// Follows what is due; tells how long to wait for the next time.
async fn round(shared: &Shared, link: &Link) -> Duration {
    match schedule::due(shared, link, Worker::Inbound).await {
        Ok(due) if due.is_empty() => {}
        Ok(due) => {
            for (listing, why) in due {
                walk_listing(shared, link, listing, why).await;
            }
            forget_deleted(shared, link).await;
            link.moved();
        }
        Err(error) => {
            log_failure!(&error, connection = %link.id(), "cannot plan the inbound stages");
            return PAUSE;
        }
    }
    schedule::until_next(shared, link, Worker::Inbound)
        .await
        .unwrap_or(PAUSE)
}

/// The inbound stages as a pass asks for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InboundStages {
    /// Those of the mapping.
    chosen: BTreeSet<StageId>,
    /// Those of them that Lever lists, which alone it can be asked for; all of them until its list was read.
    pub(super) asked: Vec<StageId>,
}

impl InboundStages {
    /// Those of now.
    pub(super) async fn present(shared: &Shared, link: &Link) -> Result<InboundStages> {
        let chosen = mapping::present(shared, link.id()).await?.inbound_stages;
        let listed = mapping::stages(shared, link.id()).await?.into_iter();
        Ok(InboundStages::of(
            chosen,
            &listed.map(|stage| stage.id).collect(),
        ))
    }

    fn of(chosen: BTreeSet<StageId>, listed: &BTreeSet<StageId>) -> InboundStages {
        let known = |stage: &&StageId| listed.is_empty() || listed.contains(*stage);
        InboundStages {
            asked: chosen.iter().filter(known).cloned().collect(),
            chosen,
        }
    }
}

/// The stages of the last pass over them that this process began; nobody knows with which an earlier one did.
#[derive(Debug, Default)]
pub(crate) struct Followed(Mutex<Option<Begun>>);

#[derive(Debug)]
struct Begun {
    stages: InboundStages,
    /// Whether a pass over these has ended well.
    ended: bool,
}

impl Followed {
    /// Whether the stored cursor is one of passes over these stages.
    pub(super) fn are(&self, stages: &InboundStages) -> bool {
        self.begun()
            .as_ref()
            .is_some_and(|begun| begun.stages == *stages)
    }

    /// From now on the cursor is one of passes over these stages.
    pub(super) fn begin(&self, stages: InboundStages) {
        *self.begun() = Some(Begun {
            stages,
            ended: false,
        });
    }

    /// A pass over them has ended well, and is noted.
    pub(super) fn ended(&self) {
        if let Some(begun) = self.begun().as_mut() {
            begun.ended = true;
        }
    }

    /// Whether the last pass that ended has read the stages that a mapping has chosen.
    fn have_read(&self, chosen: &BTreeSet<StageId>) -> bool {
        self.begun()
            .as_ref()
            .is_some_and(|begun| begun.ended && begun.stages.chosen == *chosen)
    }

    fn begun(&self) -> MutexGuard<'_, Option<Begun>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of the inbound stages beside where the listings stand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Inbound {
    /// Whether there is a stage to ask for, and anybody of it is kept.
    any: bool,
    /// Whether the passes over them have read the present ones.
    have_read: bool,
    /// Whether the present ones are all in the first part of the first walk.
    first: bool,
}

impl Inbound {
    /// There are stages, and no passes over them have ended.
    #[cfg(test)]
    pub(crate) fn with_stages() -> Inbound {
        Inbound {
            any: true,
            ..Inbound::default()
        }
    }

    /// What is known now.
    pub(crate) async fn of(shared: &Shared, link: &Link) -> Result<Inbound> {
        let stages = InboundStages::present(shared, link).await?;
        Ok(Inbound {
            any: !stages.asked.is_empty()
                && super::walks(&link.connection(), Listing::InboundApplicants),
            ..Inbound::chosen(link, &stages.chosen)
        })
    }

    /// The same for somebody who only wishes to know how fresh they are.
    pub(crate) fn chosen(link: &Link, chosen: &BTreeSet<StageId>) -> Inbound {
        Inbound {
            any: false,
            have_read: link.followed.have_read(chosen),
            first: chosen.is_subset(&first_stages(&link.connection())),
        }
    }

    /// Whether there is a stage to ask for, and anybody of it is kept.
    pub(crate) fn any(self) -> bool {
        self.any
    }

    /// From when on the stages are followed; none without any, and until they have been read once.
    pub(crate) fn begins(self, states: &BTreeMap<Listing, ListingState>) -> Option<Timestamp> {
        let main = states.get(&Listing::Opportunities)?;
        main.cursor.inbound_since().filter(|_| self.any)
    }

    /// The start of the last pass that has read what one of these listings would bring: of its own, or over everybody.
    ///
    /// A pass over other stages does not count, nor one of before the first walk has read the present ones.
    pub(crate) fn read_at(
        self,
        listing: Listing,
        states: &BTreeMap<Listing, ListingState>,
    ) -> Option<Timestamp> {
        let at = |listing| states.get(&listing).and_then(|state| state.last_success_at);
        let main = at(Listing::Opportunities);
        let counts = match listing {
            Listing::InboundApplicants => self.have_read && (self.first || main.is_some()),
            _ => true,
        };
        at(listing).filter(|_| counts).max(main)
    }

    /// As of when the inbound stages are shown: who is in them, and who has left them.
    pub(crate) fn as_of(self, states: &BTreeMap<Listing, ListingState>) -> Option<Timestamp> {
        let read = Listing::INBOUND
            .iter()
            .map(|listing| self.read_at(*listing, states));
        read.min().flatten()
    }
}

/// The stages that the first walk begins with: those of mapping version 0, whatever was saved since.
///
/// A walk that goes on after a restart must be split as it was when it began, or people would fall between its parts.
pub(super) fn first_stages(connection: &Connection) -> BTreeSet<StageId> {
    StageMapping::initial(connection.created_at).inbound_stages
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Cursor;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn ids(ids: &[&str]) -> BTreeSet<StageId> {
        ids.iter().map(|id| StageId::from(*id)).collect()
    }

    fn read(last_success_at: Option<i64>) -> ListingState {
        ListingState {
            cursor: Cursor::following(at(1)),
            last_success_at: last_success_at.map(at),
            last_error: None,
        }
    }

    /// When the main listing, the inbound stages and the moves were last read.
    fn states(
        main: Option<i64>,
        applicants: Option<i64>,
        moves: Option<i64>,
    ) -> BTreeMap<Listing, ListingState> {
        BTreeMap::from([
            (Listing::Opportunities, read(main)),
            (Listing::InboundApplicants, read(applicants)),
            (Listing::StageMoves, read(moves)),
        ])
    }

    const READ: Inbound = Inbound {
        any: true,
        have_read: true,
        first: true,
    };

    #[test]
    fn lever_is_asked_only_for_stages_that_it_lists() {
        let stages = InboundStages::of(ids(&["a", "gone"]), &ids(&["a", "b"]));
        assert_eq!(stages.asked, [StageId::from("a")]);
        let unread = InboundStages::of(ids(&["a", "gone"]), &ids(&[]));
        assert_eq!(unread.asked.len(), 2);
        assert!(
            InboundStages::of(ids(&["gone"]), &ids(&["a"]))
                .asked
                .is_empty()
        );
    }

    #[test]
    fn stages_count_as_read_once_a_pass_over_just_these_has_ended() {
        let followed = Followed::default();
        let one = InboundStages::of(ids(&["a"]), &ids(&["a", "b"]));
        let two = InboundStages::of(ids(&["a", "b"]), &ids(&["a", "b"]));
        assert!(!followed.are(&one) && !followed.have_read(&one.chosen));
        followed.begin(one.clone());
        assert!(followed.are(&one) && !followed.have_read(&one.chosen));
        followed.ended();
        assert!(followed.have_read(&one.chosen));
        assert!(!followed.are(&two) && !followed.have_read(&two.chosen));
        followed.begin(two.clone());
        assert!(!followed.have_read(&one.chosen) && !followed.have_read(&two.chosen));
        // What Lever lists counts for what is asked, too.
        let fewer = InboundStages::of(ids(&["a", "b"]), &ids(&["a"]));
        assert!(!followed.are(&fewer));
    }

    #[test]
    fn the_inbound_stages_are_as_fresh_as_the_newer_of_both_ways_to_read_them() {
        let as_of = |inbound: Inbound, states| inbound.as_of(&states);
        assert_eq!(as_of(READ, states(Some(50), None, None)), Some(at(50)));
        assert_eq!(
            as_of(READ, states(Some(50), Some(90), Some(80))),
            Some(at(80))
        );
        // Who has left is not known from the applicants alone.
        assert_eq!(as_of(READ, states(Some(50), Some(90), None)), Some(at(50)));
        assert_eq!(
            as_of(READ, states(Some(95), Some(90), Some(80))),
            Some(at(95))
        );
        assert_eq!(as_of(READ, states(None, None, None)), None);
    }

    #[test]
    fn a_pass_over_other_stages_does_not_count() {
        let other = Inbound {
            have_read: false,
            ..READ
        };
        let states = states(Some(50), Some(90), Some(90));
        assert_eq!(other.as_of(&states), Some(at(50)));
        assert_eq!(
            other.read_at(Listing::StageMoves, &states),
            Some(at(90)),
            "moves are read of all stages"
        );
    }

    #[test]
    fn during_the_first_walk_only_the_stages_it_began_with_count() {
        let walking = states(None, Some(90), Some(90));
        assert_eq!(READ.as_of(&walking), Some(at(90)));
        let more = Inbound {
            first: false,
            ..READ
        };
        assert_eq!(more.as_of(&walking), None);
        assert_eq!(
            more.as_of(&states(Some(50), Some(90), Some(90))),
            Some(at(90))
        );
    }

    #[test]
    fn they_are_followed_once_they_have_been_read_and_if_there_are_any() {
        assert_eq!(READ.begins(&states(None, None, None)), Some(at(1)));
        let none = Inbound { any: false, ..READ };
        assert_eq!(none.begins(&states(None, None, None)), None);
        let unread = BTreeMap::from([(Listing::Opportunities, ListingState::default())]);
        assert_eq!(READ.begins(&unread), None);
        assert_eq!(READ.begins(&BTreeMap::new()), None);
    }
}
