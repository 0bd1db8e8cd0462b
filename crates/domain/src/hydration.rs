//! Which lists below a record have to be read: pure decisions.
//!
//! Notes, offers, interviews and the like have no list of the whole account: each opportunity is asked for each of
//! them, one request at least. So a read is planned only where something can have changed: when a parent is seen for
//! the first time, when one of its stamps has moved, when somebody asks, or when nothing was looked at for long.
//! Lever moves no stamp for some edits (an edited feedback form, perhaps): the recheck bounds how long those stay
//! unseen (behaviour: "Opportunities, contacts, candidates").

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use lever::{OpportunityId, PostingId, PostingState, Timestamp};

use crate::{Candidacy, Stream};

/// No request is under way for longer: a stamp that lies further ahead of a request was made by a wrong clock, and
/// nothing has overtaken the request.
pub const LONGEST_UNDER_WAY: Duration = Duration::from_secs(3600);

/// Whether what is known from a request sent `known` counts, and not what one sent `requested_at` has brought.
pub fn overtaken(known: Timestamp, requested_at: Timestamp) -> bool {
    requested_at < known && known.since(requested_at) <= LONGEST_UNDER_WAY
}

/// A record with lists below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parent {
    /// One candidacy: notes, offers, interviews, panels, feedback, resumes, files, forms, referrals.
    Opportunity(OpportunityId),
    /// One advertised job: its application form.
    Posting(PostingId),
}

impl Parent {
    /// The parent of that stream and id; none for streams that have nothing below them.
    pub fn new(stream: Stream, id: &str) -> Option<Parent> {
        match stream {
            Stream::Opportunities => Some(Parent::Opportunity(id.into())),
            Stream::Postings => Some(Parent::Posting(id.into())),
            _ => None,
        }
    }

    /// The stream it is a record of.
    pub fn stream(&self) -> Stream {
        match self {
            Parent::Opportunity(_) => Stream::Opportunities,
            Parent::Posting(_) => Stream::Postings,
        }
    }

    /// Lever's id.
    pub fn id(&self) -> &str {
        match self {
            Parent::Opportunity(id) => id.as_str(),
            Parent::Posting(id) => id.as_str(),
        }
    }
}

impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.stream(), self.id())
    }
}

/// Why lists wait to be read; what comes first is read first.
///
/// The number is part of stored keys: it is never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Urgency {
    /// Somebody asked, or Lever told of a change.
    Asked = 1,
    /// A stamp of the parent has moved.
    Changed = 2,
    /// Never read, and the parent is open.
    Active = 3,
    /// Never read, and the parent is archived.
    Archived = 4,
    /// Not looked at for long.
    Recheck = 5,
    /// Could not be read, while others could: tried again now and then.
    SetAside = 6,
}

impl Urgency {
    /// Every urgency, the most urgent first.
    pub const ALL: [Urgency; 6] = [
        Urgency::Asked,
        Urgency::Changed,
        Urgency::Active,
        Urgency::Archived,
        Urgency::Recheck,
        Urgency::SetAside,
    ];

    /// The stored number.
    pub fn tag(self) -> u8 {
        self as u8
    }

    /// The urgency of that number.
    pub fn from_tag(tag: u8) -> Option<Urgency> {
        Urgency::ALL
            .into_iter()
            .find(|urgency| urgency.tag() == tag)
    }
}

/// What a connection wants of the lists below its records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// The lists that are kept at all.
    pub kept: BTreeSet<Stream>,
    /// Lists of opportunities archived before this are read on demand only.
    pub archived_since: Timestamp,
    /// Lists last read before then are read again, whatever the stamps say.
    pub recheck_before: BTreeMap<Stream, Timestamp>,
    /// Read every list of what is seen now, however old it is.
    pub asked: bool,
    /// Lists that Lever told of a change in: they are read soon, though no stamp may have moved.
    pub told: BTreeSet<Stream>,
    /// When what is planned for had been shown, by Lever's clock.
    ///
    /// A list that was asked for before may have been written before that, even if it was asked for after the parent
    /// was: what it brings does not end the wait. Zero where nothing else was under way.
    pub shown_by: Timestamp,
}

impl Policy {
    /// Plans nothing.
    pub fn none() -> Policy {
        Policy::default()
    }

    fn lists_below(&self, parent: Stream) -> impl Iterator<Item = Stream> + '_ {
        self.kept
            .iter()
            .copied()
            .filter(move |stream| stream.parent() == Some(parent))
    }
}

/// A parent as it was just read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The lists below it that are worth keeping.
    pub lists: BTreeSet<Stream>,
    /// Its stamps.
    pub stamps: Stamps,
    /// Whether its document differs from the one before.
    pub changed: bool,
    /// Whether it is open.
    pub active: bool,
    /// When it had been shown: only a list asked for since then shows what goes with it.
    pub shown_at: Timestamp,
}

/// The stamps Lever moves when something happens to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamps {
    /// `updatedAt`.
    pub updated_at: Option<Timestamp>,
    /// `lastInteractionAt`; a note moves this one alone.
    pub last_interaction_at: Option<Timestamp>,
}

impl Sighting {
    /// An opportunity that was read.
    pub fn opportunity(
        candidacy: &Candidacy,
        changed: bool,
        shown_at: Timestamp,
        policy: &Policy,
    ) -> Sighting {
        let recent = match &candidacy.archived {
            None => true,
            Some(archived) => archived.at >= policy.archived_since,
        };
        let worth = recent || policy.asked;
        Sighting {
            lists: policy
                .lists_below(Stream::Opportunities)
                .filter(|_| worth)
                .collect(),
            stamps: Stamps {
                updated_at: candidacy.updated_at,
                last_interaction_at: candidacy.last_interaction_at,
            },
            changed,
            active: candidacy.active(),
            shown_at,
        }
    }

    /// A posting that was read; only those that take applications have a form worth keeping.
    pub fn posting(
        state: Option<&PostingState>,
        changed: bool,
        shown_at: Timestamp,
        policy: &Policy,
    ) -> Sighting {
        let open = takes_applications(state);
        Sighting {
            lists: policy
                .lists_below(Stream::Postings)
                .filter(|_| open || policy.asked)
                .collect(),
            stamps: Stamps::default(),
            changed,
            active: open,
            shown_at,
        }
    }
}

/// Whether people can apply to a posting in this state.
pub fn takes_applications(state: Option<&PostingState>) -> bool {
    matches!(
        state,
        Some(PostingState::Published | PostingState::Internal)
    )
}

/// The state a stored posting says it is in.
pub fn posting_state(document: &str) -> Option<PostingState> {
    let posting: lever::Posting = serde_json::from_str(document).ok()?;
    posting.state
}

/// What is known of the lists below one parent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hydration {
    /// The stamps of the parent when its lists were last planned.
    pub stamps: Stamps,
    /// When each list was last read whole.
    pub read: BTreeMap<Stream, Timestamp>,
    /// The lists to read, each since when: only a request sent then or later shows what is wanted.
    pub wanted: BTreeMap<Stream, Timestamp>,
    /// The lists that could not be read, each since when it is wanted: nobody waits for them, and they are tried again.
    ///
    /// They are as they were read before, or not read at all.
    pub set_aside: BTreeMap<Stream, Timestamp>,
    /// Why; counts only while lists are wanted or set aside.
    pub urgency: Option<Urgency>,
    /// Where it stands among equally urgent ones: the latest first.
    pub since: Timestamp,
}

impl Hydration {
    /// What to read, now that the parent was seen.
    #[must_use]
    pub fn seen(mut self, sighting: &Sighting, policy: &Policy) -> Hydration {
        let moved = self.moved(sighting);
        let all = || sighting.lists.iter().copied().collect();
        if policy.asked {
            self.want(all(), sighting.shown_at, Urgency::Asked);
        } else if moved {
            self.want(all(), sighting.shown_at, Urgency::Changed);
        }
        let told = sighting.lists.intersection(&policy.told).copied();
        self.want(told.collect(), sighting.shown_at, Urgency::Asked);
        let first = if sighting.active {
            Urgency::Active
        } else {
            Urgency::Archived
        };
        self.want(self.unread(sighting), sighting.shown_at, first);
        let old = self.read_before(&policy.recheck_before, sighting);
        self.want(old, sighting.shown_at, Urgency::Recheck);
        self.drop_unwanted(sighting, policy);
        self.stamps = sighting.stamps;
        self.since = newest(sighting);
        self
    }

    /// After these lists were read whole by requests sent then.
    #[must_use]
    pub fn after(mut self, lists: &BTreeMap<Stream, Timestamp>) -> Hydration {
        for (list, requested_at) in lists {
            let read = self.read.entry(*list).or_insert(*requested_at);
            if !overtaken(*read, *requested_at) {
                *read = *requested_at;
            }
            for planned in [&mut self.wanted, &mut self.set_aside] {
                if planned
                    .get(list)
                    .is_some_and(|since| !overtaken(*since, *requested_at))
                {
                    planned.remove(list);
                }
            }
        }
        self.settle();
        self
    }

    /// After these lists could not be read by requests sent then: whoever waits for the others waits no longer for them.
    #[must_use]
    pub fn unreadable(mut self, lists: &BTreeMap<Stream, Timestamp>) -> Hydration {
        for (list, requested_at) in lists {
            let wanted = self.wanted.get(list).copied();
            if let Some(since) = wanted.filter(|since| !overtaken(*since, *requested_at)) {
                self.wanted.remove(list);
                self.set_aside.insert(*list, since);
            }
        }
        self.settle();
        self
    }

    /// The lists that were never read and do not wait.
    fn unread(&self, sighting: &Sighting) -> Vec<Stream> {
        let waits = |list: &Stream| {
            let planned = self.wanted.contains_key(list) || self.set_aside.contains_key(list);
            planned || self.read.contains_key(list)
        };
        let lists = sighting.lists.iter().copied();
        lists.filter(|list| !waits(list)).collect()
    }

    /// The lists that were read before then, or are set aside since, and do not wait.
    fn read_before(
        &self,
        before: &BTreeMap<Stream, Timestamp>,
        sighting: &Sighting,
    ) -> Vec<Stream> {
        let lists = sighting.lists.iter().copied();
        let old = |list: &Stream| {
            let known = self.set_aside.get(list).or_else(|| self.read.get(list));
            known.is_some() && known < before.get(list)
        };
        lists
            .filter(|list| old(list) && !self.wanted.contains_key(list))
            .collect()
    }

    fn want(&mut self, lists: Vec<Stream>, since: Timestamp, urgency: Urgency) {
        for list in lists {
            self.set_aside.remove(&list);
            self.wanted.insert(list, since);
            self.urgency = Some(self.urgency.map_or(urgency, |known| known.min(urgency)));
        }
    }

    /// Whether something can have changed below the parent since it was last planned.
    ///
    /// Old records have no stamps that move; their document tells.
    fn moved(&self, sighting: &Sighting) -> bool {
        let planned_before =
            !(self.read.is_empty() && self.wanted.is_empty() && self.set_aside.is_empty());
        let stamped = sighting.stamps.updated_at.is_some();
        planned_before && (sighting.stamps != self.stamps || (!stamped && sighting.changed))
    }

    /// Forgets what is not kept any more: asked for by nobody, or of a parent that is too old.
    fn drop_unwanted(&mut self, sighting: &Sighting, policy: &Policy) {
        self.read.retain(|list, _| policy.kept.contains(list));
        self.wanted.retain(|list, _| sighting.lists.contains(list));
        self.set_aside
            .retain(|list, _| sighting.lists.contains(list));
        self.settle();
    }

    /// After Lever refused these lists: they wait no longer, and count as never read.
    #[must_use]
    pub fn without(mut self, refused: &BTreeSet<Stream>) -> Hydration {
        self.wanted.retain(|list, _| !refused.contains(list));
        self.set_aside.retain(|list, _| !refused.contains(list));
        self.settle();
        self
    }

    fn settle(&mut self) {
        if self.wanted.is_empty() {
            self.urgency = (!self.set_aside.is_empty()).then_some(Urgency::SetAside);
        }
    }
}

/// What orders equally urgent parents: when somebody last had to do with them.
fn newest(sighting: &Sighting) -> Timestamp {
    let Stamps {
        updated_at,
        last_interaction_at,
    } = sighting.stamps;
    updated_at.max(last_interaction_at).unwrap_or_default()
}

/// How many lists wait to be read, stream by stream: the requests that are planned at least.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Lists that wait; streams without any are left out.
    pub lists: BTreeMap<Stream, u64>,
}

impl Backlog {
    /// Lists that wait, all streams together: each costs one request at least.
    pub fn requests(&self) -> u64 {
        self.lists.values().sum()
    }

    /// Lists of one stream that wait.
    pub fn of(&self, stream: Stream) -> u64 {
        self.lists.get(&stream).copied().unwrap_or_default()
    }

    /// Counts one parent anew.
    pub fn replace(&mut self, before: &Hydration, after: &Hydration) {
        for list in after.wanted.keys() {
            *self.lists.entry(*list).or_default() += 1;
        }
        for list in before.wanted.keys() {
            let count = self.lists.entry(*list).or_default();
            *count = count.saturating_sub(1);
        }
        self.lists.retain(|_, count| *count > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    const LISTS: [Stream; 2] = [Stream::Notes, Stream::Offers];

    fn policy() -> Policy {
        Policy {
            kept: LISTS.into(),
            ..Policy::default()
        }
    }

    fn sighting(requested: i64, updated: i64, interaction: i64) -> Sighting {
        Sighting {
            lists: LISTS.into(),
            stamps: Stamps {
                updated_at: Some(at(updated)),
                last_interaction_at: Some(at(interaction)),
            },
            changed: false,
            active: true,
            shown_at: at(requested),
        }
    }

    fn read(requested: i64) -> BTreeMap<Stream, Timestamp> {
        LISTS.map(|list| (list, at(requested))).into()
    }

    /// Seen at 10 with both stamps 5, and read at 20.
    fn hydrated() -> Hydration {
        Hydration::default()
            .seen(&sighting(10, 5, 5), &policy())
            .after(&read(20))
    }

    #[test]
    fn p22_a_stamp_from_a_clock_that_was_far_ahead_does_not_make_a_list_wait() {
        let hour = 3_600_000;
        let wanted = |since| Hydration::default().seen(&sighting(since, 5, 5), &policy());
        assert!(!wanted(30 + hour).after(&read(30)).wanted.is_empty());
        assert!(wanted(31 + hour).after(&read(30)).wanted.is_empty());
    }

    #[test]
    fn a_parent_seen_for_the_first_time_has_all_its_lists_read_once() {
        let first = Hydration::default().seen(&sighting(10, 5, 5), &policy());
        assert_eq!(first.urgency, Some(Urgency::Active));
        assert_eq!(first.wanted, read(10));
        let done = first.after(&read(20));
        assert_eq!((done.urgency, done.wanted.len()), (None, 0));
        let again = done.seen(&sighting(30, 5, 5), &policy());
        assert!(again.wanted.is_empty());
    }

    #[test]
    fn either_stamp_that_moves_has_the_lists_read_again() {
        for (updated, interaction) in [(6, 5), (5, 6)] {
            let moved = hydrated().seen(&sighting(30, updated, interaction), &policy());
            assert_eq!(moved.urgency, Some(Urgency::Changed));
            assert_eq!(moved.wanted, read(30));
        }
    }

    #[test]
    fn a_list_that_cannot_be_read_is_not_read_and_waits_behind_all_others() {
        let notes = |requested| [(Stream::Notes, at(requested))].into();
        let first = Hydration::default().seen(&sighting(10, 5, 5), &policy());
        let aside = first.clone().unreadable(&notes(20));
        assert_eq!(aside.set_aside, notes(10));
        assert_eq!(aside.urgency, Some(Urgency::Active), "offers wait");
        let aside = aside.after(&[(Stream::Offers, at(20))].into());
        assert_eq!(aside.urgency, Some(Urgency::SetAside));
        assert!(aside.wanted.is_empty() && !aside.read.contains_key(&Stream::Notes));
        // Seen as it was it is left where it is; a change has it read like any other.
        let same = aside.clone().seen(&sighting(30, 5, 5), &policy());
        assert_eq!(
            (&same.wanted, &same.set_aside),
            (&BTreeMap::new(), &notes(10))
        );
        let moved = aside.clone().seen(&sighting(30, 6, 5), &policy());
        assert_eq!((moved.wanted, moved.set_aside.len()), (read(30), 0));
        let asked = Policy {
            recheck_before: notes(11),
            ..policy()
        };
        let again = aside.clone().seen(&sighting(30, 5, 5), &asked);
        assert_eq!((again.wanted, again.set_aside.len()), (notes(30), 0));
        let done = aside.after(&notes(40));
        assert_eq!((done.urgency, done.read.len()), (None, 2));
        assert!(done.set_aside.is_empty());
        // What was shown after it was asked for goes on waiting.
        assert_eq!(first.unreadable(&notes(9)).wanted, read(10));
    }

    #[test]
    fn a_list_that_cannot_be_read_again_is_as_it_was_before() {
        let moved = hydrated().seen(&sighting(30, 6, 5), &policy());
        let aside = moved.unreadable(&read(31));
        assert_eq!((aside.read, aside.set_aside), (read(20), read(30)));
        assert_eq!(aside.urgency, Some(Urgency::SetAside));
    }

    #[test]
    fn a_read_that_was_sent_before_the_change_was_seen_does_not_count() {
        let moved = hydrated().seen(&sighting(30, 6, 5), &policy());
        let overtaken = moved.clone().after(&read(29));
        assert_eq!(overtaken.wanted, read(30));
        assert!(moved.after(&read(30)).wanted.is_empty());
    }

    #[test]
    fn a_record_without_stamps_is_read_again_when_its_document_differs() {
        let bare = |changed| Sighting {
            stamps: Stamps::default(),
            changed,
            ..sighting(30, 0, 0)
        };
        let known = Hydration::default()
            .seen(&bare(true), &policy())
            .after(&read(31));
        assert!(
            known
                .clone()
                .seen(&bare(false), &policy())
                .wanted
                .is_empty()
        );
        assert_eq!(known.seen(&bare(true), &policy()).wanted.len(), 2);
    }

    #[test]
    fn a_list_that_is_kept_from_now_on_is_read_and_one_that_is_not_is_forgotten() {
        let only_notes = Policy {
            kept: [Stream::Notes].into(),
            ..policy()
        };
        let less = Sighting {
            lists: [Stream::Notes].into(),
            ..sighting(30, 5, 5)
        };
        let less = hydrated().seen(&less, &only_notes);
        assert_eq!(
            less.read.keys().copied().collect::<Vec<_>>(),
            [Stream::Notes]
        );
        let more = less.seen(&sighting(40, 5, 5), &policy());
        assert_eq!(
            more.wanted.keys().copied().collect::<Vec<_>>(),
            [Stream::Offers]
        );
    }

    #[test]
    fn what_is_too_old_waits_for_nothing() {
        let gone = Sighting {
            lists: BTreeSet::new(),
            ..sighting(30, 6, 6)
        };
        let waiting = Hydration::default().seen(&sighting(10, 5, 5), &policy());
        let dropped = waiting.seen(&gone, &policy());
        assert_eq!((dropped.urgency, dropped.wanted.len()), (None, 0));
    }

    #[test]
    fn what_was_not_looked_at_for_long_is_read_again_last_of_all() {
        let recheck = Policy {
            recheck_before: LISTS.map(|list| (list, at(21))).into(),
            ..policy()
        };
        let old = hydrated().seen(&sighting(100, 5, 5), &recheck);
        assert_eq!(old.urgency, Some(Urgency::Recheck));
        assert_eq!(old.wanted, read(100));
        let young = Policy {
            recheck_before: LISTS.map(|list| (list, at(20))).into(),
            ..policy()
        };
        assert!(
            hydrated()
                .seen(&sighting(100, 5, 5), &young)
                .wanted
                .is_empty()
        );
    }

    #[test]
    fn who_asks_comes_before_everybody_else() {
        let asked = Policy {
            asked: true,
            ..policy()
        };
        let waiting = Hydration::default().seen(&sighting(10, 5, 5), &policy());
        let first = waiting.seen(&sighting(30, 5, 5), &asked);
        assert_eq!(first.urgency, Some(Urgency::Asked));
        assert_eq!(first.wanted, read(30));
        assert!(Urgency::ALL.is_sorted());
    }

    #[test]
    fn what_lever_told_of_is_read_soon_though_no_stamp_moved() {
        let told = Policy {
            told: [Stream::Notes, Stream::Referrals].into(),
            ..policy()
        };
        let after = hydrated().seen(&sighting(100, 5, 5), &told);
        assert_eq!(after.wanted, [(Stream::Notes, at(100))].into());
        assert_eq!(after.urgency, Some(Urgency::Asked));
    }

    fn candidacy(archived: Option<i64>) -> Candidacy {
        let mut candidacy = Candidacy::from_lever(
            &serde_json::from_str(r#"{"id":"o","updatedAt":7,"lastInteractionAt":9}"#).unwrap(),
            None,
        );
        candidacy.archived = archived.map(|ms| crate::candidacy::Archived {
            at: at(ms),
            reason: None,
        });
        candidacy
    }

    #[test]
    fn lists_of_people_archived_long_ago_are_read_on_demand_only() {
        let policy = Policy {
            archived_since: at(100),
            kept: [Stream::Notes, Stream::PostingForms].into(),
            ..Policy::default()
        };
        let lists = |archived, policy: &Policy| {
            Sighting::opportunity(&candidacy(archived), true, at(1), policy)
                .lists
                .len()
        };
        assert_eq!(lists(None, &policy), 1);
        assert_eq!(lists(Some(100), &policy), 1);
        assert_eq!(lists(Some(99), &policy), 0);
        let asked = Policy {
            asked: true,
            ..policy.clone()
        };
        assert_eq!(lists(Some(99), &asked), 1);
    }

    #[test]
    fn only_postings_that_take_applications_have_their_form_read() {
        let policy = Policy {
            kept: [Stream::Notes, Stream::PostingForms].into(),
            ..Policy::default()
        };
        for (state, lists) in [
            (PostingState::Published, 1),
            (PostingState::Internal, 1),
            (PostingState::Closed, 0),
            (PostingState::Draft, 0),
        ] {
            let seen = Sighting::posting(Some(&state), true, at(1), &policy);
            assert_eq!(seen.lists.len(), lists, "{state}");
        }
    }

    #[test]
    fn the_backlog_counts_what_waits() {
        let mut backlog = Backlog::default();
        let none = Hydration::default();
        let waiting = Hydration::default().seen(&sighting(10, 5, 5), &policy());
        backlog.replace(&none, &waiting);
        assert_eq!((backlog.requests(), backlog.of(Stream::Notes)), (2, 1));
        backlog.replace(&waiting, &waiting);
        assert_eq!(backlog.requests(), 2);
        backlog.replace(&waiting, &none);
        assert_eq!(backlog, Backlog::default());
    }
}
