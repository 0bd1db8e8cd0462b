//! Lists of candidacies by what the compact records tell: answered from the mirror.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use domain::sla::{self, SlaState};
use domain::stage_mapping::{StageCode, StageMapping};
use domain::{Candidacy, ConnectionId, Stream, Timestamp};
use lever::{OpportunityId, PostingId, StageId, UserId};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::legend::Legend;
use crate::roll::{Entry, Roll};
use crate::standing::Standing;
use crate::{mapping, status};

/// How many candidacies are read at a time.
const STEP: usize = 1_000;

/// Which candidacies; of a list any one value, of several lists one of each. What is empty asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CandidateFilter {
    /// Product stages, HIRED, REJECTED and UNMAPPED among them.
    pub product_stages: BTreeSet<String>,
    /// Lever stages; an archived candidacy keeps its last.
    pub stages: BTreeSet<StageId>,
    /// Postings.
    pub postings: BTreeSet<PostingId>,
    /// Owners.
    pub owners: BTreeSet<UserId>,
    /// Those without a posting, too.
    pub without_posting: bool,
    /// Those without an owner, too.
    pub without_owner: bool,
    /// Sources, in lower case.
    pub sources: BTreeSet<String>,
    /// Tags, in lower case.
    pub tags: BTreeSet<String>,
    /// Lever's words for how somebody came in, in lower case.
    pub origins: BTreeSet<String>,
    /// Only archived ones, or only open ones.
    pub archived: Option<bool>,
    /// Only those asleep now, or only those awake.
    pub snoozed: Option<bool>,
    /// States of the SLA.
    pub sla_states: Vec<SlaState>,
    /// Only those whose last change is no older.
    pub updated_since: Option<Timestamp>,
}

/// Which candidacies come first; those that are equal come in the order of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CandidateOrder {
    /// The latest change first; old records without a stamp last.
    Updated,
    /// The latest application first.
    Applied,
    /// The latest entry into the stage first.
    Entered,
    /// Those that have been longest in their stage first.
    Waiting,
}

/// A row's place in an order.
pub type CandidatePlace = (i64, OpportunityId);

/// Which part of which list.
#[derive(Debug, Clone)]
pub struct CandidatesQuery {
    /// Which candidacies.
    pub filter: CandidateFilter,
    /// Which come first.
    pub order: CandidateOrder,
    /// The last row of the page before.
    pub after: Option<CandidatePlace>,
    /// At most this many.
    pub limit: usize,
    /// Whether confidential people are shown.
    pub confidential: bool,
}

/// One page.
#[derive(Debug, Clone)]
pub struct Candidates {
    /// In the order asked for.
    pub candidacies: Vec<Standing>,
    /// Where the next page begins; none on the last.
    pub next: Option<CandidatePlace>,
    /// How many there are, all pages together.
    pub total: u64,
    /// The start of the oldest last-complete pass the list rests on.
    pub as_of: Option<Timestamp>,
}

impl Engine {
    /// Lists candidacies that fit a filter.
    ///
    /// Open ones of named stages are found by the index; anything else reads every compact record of the account.
    ///
    /// # Errors
    /// Not found; invalid for a product stage the mapping does not have; precondition until opportunities have been
    /// read, or when the key may not read them.
    pub async fn candidates(&self, id: ConnectionId, query: CandidatesQuery) -> Result<Candidates> {
        let connection = self.link(id)?.connection();
        let listings = self.shared.store.cursors(id).await?;
        crate::read::readable(&connection, &listings, Stream::Opportunities)?;
        let legend = Legend::of(&self.shared, id).await?;
        check(&legend.mapping, &query.filter)?;
        let sieve = Sieve {
            legend: &legend,
            now: self.shared.clock.now(),
            all: query.confidential && self.shows_confidential(id),
            query: &query,
        };
        let mut rows = Rows::default();
        match sieve.stages() {
            Some(stages) => self.sift_stages(id, &sieve, &stages, &mut rows).await?,
            None => self.sift_all(id, &sieve, &mut rows).await?,
        }
        let more = rows.first.len() > query.limit;
        let shown: Vec<_> = rows.first.into_iter().take(query.limit).collect();
        let next = shown.last().filter(|_| more);
        let next = next.map(|((place, opportunity), _)| (*place, opportunity.clone()));
        let shown = shown.into_iter().map(|(_, candidacy)| candidacy).collect();
        Ok(Candidates {
            candidacies: self.standings(id, shown).await?,
            next,
            total: rows.total,
            as_of: status::as_of(&connection, &listings, &[Stream::Opportunities]),
        })
    }

    async fn sift_stages(
        &self,
        id: ConnectionId,
        sieve: &Sieve<'_>,
        stages: &[StageId],
        rows: &mut Rows,
    ) -> Result<()> {
        let roll = Roll::of(&self.shared, id, sieve.legend).await?;
        if let Some(roll) = roll.filter(|roll| roll.covers(stages)) {
            roll.people().for_each(|entry| sieve.sift(entry, rows));
            return Ok(());
        }
        let mut after = None;
        loop {
            let store = &self.shared.store;
            let order = store::Order::OldestFirst;
            let found = store.walk_stages(id, stages, order, after, STEP).await?;
            let last = found.last().filter(|_| found.len() == STEP);
            after = last.map(|last| (last.entered_stage_at, last.opportunity.clone()));
            self.sift(id, sieve, &found, rows).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn sift_all(&self, id: ConnectionId, sieve: &Sieve<'_>, rows: &mut Rows) -> Result<()> {
        let mut after = None;
        loop {
            let found = self
                .shared
                .store
                .candidacies(id, after.as_ref(), STEP)
                .await?;
            let last = found.last().filter(|_| found.len() == STEP);
            after = last.map(|last| last.opportunity.clone());
            self.sift(id, sieve, &found, rows).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn sift<C: Borrow<Candidacy>>(
        &self,
        id: ConnectionId,
        sieve: &Sieve<'_>,
        found: &[C],
        rows: &mut Rows,
    ) -> Result<()> {
        let found = found.iter().map(Borrow::borrow);
        for candidacy in found.filter(|candidacy| sieve.lets_through(candidacy)) {
            let states = &sieve.query.filter.sla_states;
            if !states.is_empty() {
                let entered =
                    mapping::group_entered_at(&self.shared, id, &sieve.legend.mapping, candidacy)
                        .await?;
                let (mapping, calendar) = (&sieve.legend.mapping, &sieve.legend.calendar);
                let sla = sla::assess(candidacy, mapping, calendar, sieve.now, entered);
                if !states.contains(&sla.state) {
                    continue;
                }
            }
            rows.take(candidacy, sieve.query);
        }
        Ok(())
    }
}

/// The rows of one page, and how many there are in all.
#[derive(Default)]
struct Rows {
    /// One more than the page has, so that the caller knows whether more follow.
    first: BTreeMap<CandidatePlace, Candidacy>,
    total: u64,
}

impl Rows {
    fn take(&mut self, candidacy: &Candidacy, query: &CandidatesQuery) {
        self.total += 1;
        let (at, id) = (query.order.place(candidacy), &candidacy.opportunity);
        let comes_after = |place: &CandidatePlace| (at, id) > (place.0, &place.1);
        if query
            .after
            .as_ref()
            .is_some_and(|after| !comes_after(after))
        {
            return;
        }
        let full = self.first.len() > query.limit;
        let last = self.first.last_key_value().map(|(last, _)| last);
        if full && last.is_some_and(comes_after) {
            return;
        }
        self.first.insert((at, id.clone()), candidacy.clone());
        if full {
            self.first.pop_last();
        }
    }
}

impl CandidateOrder {
    /// Smaller ones come first.
    fn place(self, candidacy: &Candidacy) -> i64 {
        let newest_first = |at: Timestamp| at.as_millis().saturating_neg();
        match self {
            CandidateOrder::Updated => candidacy.updated_at.map_or(i64::MAX, newest_first),
            CandidateOrder::Applied => newest_first(candidacy.applied_at),
            CandidateOrder::Entered => newest_first(candidacy.entered_stage_at),
            CandidateOrder::Waiting => candidacy.entered_stage_at.as_millis(),
        }
    }
}

/// What lets the wanted candidacies through.
struct Sieve<'q> {
    query: &'q CandidatesQuery,
    legend: &'q Legend,
    now: Timestamp,
    all: bool,
}

impl Sieve<'_> {
    /// The stages that only open candidacies of are wanted; none where others are too.
    fn stages(&self) -> Option<Vec<StageId>> {
        let filter = &self.query.filter;
        (filter.archived == Some(false) && !filter.stages.is_empty())
            .then(|| filter.stages.iter().cloned().collect())
    }

    /// Takes an entry of a roll that fits.
    fn sift(&self, entry: &Entry, rows: &mut Rows) {
        let states = &self.query.filter.sla_states;
        let stands = states.is_empty() || states.contains(&entry.state(self.now));
        if stands && self.lets_through(&entry.candidacy) {
            rows.take(&entry.candidacy, self.query);
        }
    }

    /// Everything but the state of the SLA, which costs more to tell.
    fn lets_through(&self, candidacy: &Candidacy) -> bool {
        let filter = &self.query.filter;
        let named = |wanted: &BTreeSet<String>, has: &[String]| {
            wanted.is_empty() || has.iter().any(|one| wanted.contains(&one.to_lowercase()))
        };
        (self.all || !candidacy.confidential)
            && wants(&filter.stages, candidacy.stage.as_ref())
            && wants_or_none(
                &filter.postings,
                candidacy.posting.as_ref(),
                filter.without_posting,
            )
            && wants_or_none(
                &filter.owners,
                candidacy.owner.as_ref(),
                filter.without_owner,
            )
            && named(&filter.origins, std::slice::from_ref(&candidacy.origin))
            && named(&filter.tags, &candidacy.tags)
            && named(&filter.sources, &candidacy.sources)
            && filter
                .archived
                .is_none_or(|wanted| wanted != candidacy.active())
            && filter
                .snoozed
                .is_none_or(|wanted| wanted == candidacy.snoozed(self.now))
            && filter
                .updated_since
                .is_none_or(|since| candidacy.updated_at.is_some_and(|at| at >= since))
            && (filter.product_stages.is_empty()
                || filter
                    .product_stages
                    .contains(self.code(candidacy).as_str()))
    }

    fn code(&self, candidacy: &Candidacy) -> StageCode {
        let of_stage = || match &candidacy.stage {
            Some(stage) => self.legend.mapping.code_of(stage).clone(),
            None => StageCode::UNMAPPED,
        };
        self.legend
            .reasons
            .outcome(candidacy)
            .code()
            .unwrap_or_else(of_stage)
    }
}

fn wants<T: Ord>(wanted: &BTreeSet<T>, has: Option<&T>) -> bool {
    wanted.is_empty() || has.is_some_and(|has| wanted.contains(has))
}

/// The same where those that have none can be wanted, alone or beside others.
fn wants_or_none<T: Ord>(wanted: &BTreeSet<T>, has: Option<&T>, none: bool) -> bool {
    match has {
        None => none || wanted.is_empty(),
        Some(has) => wanted.contains(has) || wanted.is_empty() && !none,
    }
}

/// Invalid for a product stage that nothing can be in.
fn check(mapping: &StageMapping, filter: &CandidateFilter) -> Result<()> {
    let reserved = [StageCode::UNMAPPED, StageCode::HIRED, StageCode::REJECTED];
    let known = |code: &String| {
        let mut stages = mapping.product_stages.iter().map(|stage| &stage.code);
        reserved.iter().any(|one| one.as_str() == code) || stages.any(|one| one.as_str() == code)
    };
    match filter.product_stages.iter().find(|code| !known(code)) {
        None => Ok(()),
        Some(_) => Err(Error::invalid(
            "filter.product_stages",
            "one of them is no product stage of the connection's mapping; GetStageMapping lists those, \
             and HIRED, REJECTED and UNMAPPED are always there",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidacy(id: &str, updated: Option<i64>, applied: i64, entered: i64) -> Candidacy {
        let opportunity = serde_json::json!({"id": id, "stage": "s", "createdAt": applied});
        Candidacy {
            updated_at: updated.map(Timestamp::from_millis),
            entered_stage_at: Timestamp::from_millis(entered),
            ..Candidacy::from_lever(&serde_json::from_value(opportunity).unwrap(), None)
        }
    }

    #[test]
    fn pages_of_any_size_bring_everybody_once_and_in_order() {
        let all = [
            candidacy("a", Some(5), 1, 9),
            candidacy("b", None, 2, 8),
            candidacy("c", Some(7), 3, 7),
            candidacy("d", Some(5), 4, 6),
        ];
        for (order, expected) in [
            (CandidateOrder::Updated, ["c", "a", "d", "b"]),
            (CandidateOrder::Applied, ["d", "c", "b", "a"]),
            (CandidateOrder::Entered, ["a", "b", "c", "d"]),
            (CandidateOrder::Waiting, ["d", "c", "b", "a"]),
        ] {
            for limit in 1..6 {
                let (mut told, mut after) = (Vec::new(), None);
                loop {
                    let query = CandidatesQuery {
                        filter: CandidateFilter::default(),
                        order,
                        after: after.clone(),
                        limit,
                        confidential: true,
                    };
                    let mut rows = Rows::default();
                    all.iter().for_each(|row| rows.take(row, &query));
                    assert_eq!(rows.total, 4);
                    let more = rows.first.len() > limit;
                    let page: Vec<_> = rows.first.into_keys().take(limit).collect();
                    told.extend(page.iter().map(|(_, id)| id.to_string()));
                    after = page.last().cloned();
                    if !more {
                        break;
                    }
                }
                assert_eq!(told, expected, "{order:?} by {limit}");
            }
        }
    }

    #[test]
    fn those_who_have_none_are_wanted_alone_or_beside_others() {
        let some =
            |ids: &[&str]| -> BTreeSet<String> { ids.iter().map(|id| (*id).to_owned()).collect() };
        let (a, b) = ("a".to_owned(), "b".to_owned());
        let wanted = |ids: &[&str], none| {
            [Some(&a), Some(&b), None].map(|has| wants_or_none(&some(ids), has, none))
        };
        assert_eq!(wanted(&[], false), [true, true, true]);
        assert_eq!(wanted(&["a"], false), [true, false, false]);
        assert_eq!(wanted(&[], true), [false, false, true]);
        assert_eq!(wanted(&["a"], true), [true, false, true]);
    }
}
