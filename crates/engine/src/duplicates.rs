//! Who in Lever may be one person twice, and who was told apart: answered from the mirror (X2).
//!
//! Two people are a pair where they have an identity key in common that few others have. A pair is told at the first
//! such key, in the order of the keys' marks, so that it comes once and a walk can go on after any pair. What the two
//! agree in is read from Lever's documents: a mark does not tell what kind of key it stands for.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::identity::{ContactPair, IdentityKey};
use domain::{Candidacy, ConnectionId, Stream, Timestamp};
use lever::{ContactId, OpportunityId};
use store::{Dismissal, KeyMark, Reach, Recognized, SharedKey, Sought};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::identity;
use crate::lookup::{Agreement, Match, MatchStrength};
use crate::standing::Standing;
use crate::status;

/// People who may share a key and be told two by two: with more, each pair says little, and they are too many.
const MOST_OF_A_KEY: usize = 10;
/// Bytes of an id.
const LONGEST_ID: usize = 1_000;
/// How many shared keys are looked at in one step.
const STEP: usize = 50;
/// Opportunities whose documents are asked what a key is.
const MOST_ASKED: usize = 3;
/// The work after which a page ends, full or not, counted as [`Reach::work`] is: some 7 ms, twice that on a busy
/// machine.
const WORK: usize = 40_000;
/// What reading the documents of an opportunity costs, in that measure.
const ASKING: usize = 400;
/// What reading one that has a key costs.
const READING: usize = 15;
/// What reading all about a person costs.
const PERSON: usize = 60;
/// Keys whose kind is remembered; with one more it begins anew.
const MOST_KINDS: usize = 50_000;

/// A place in the report: the key, then the pair; two empty ids where the key itself is told, and no ids before
/// anything is told of the key.
pub type DuplicatePlace = (KeyMark, Option<(ContactId, ContactId)>);

/// Which part of which report.
#[derive(Debug, Clone)]
pub struct DuplicatesQuery {
    /// Whether pairs count that agree in nothing but what others may share.
    pub weak: bool,
    /// Whether pairs that were told apart are shown too.
    pub dismissed: bool,
    /// The last place of the page before.
    pub after: Option<DuplicatePlace>,
    /// At most this many pairs and crowds.
    pub limit: usize,
    /// Whether confidential people are shown.
    pub confidential: bool,
}

/// Two people who may be one.
#[derive(Debug, Clone)]
pub struct DuplicatePair {
    /// The two, in the order of their ids; strength and evidence are the same in both.
    pub people: [Match; 2],
    /// Who told them apart.
    pub dismissal: Option<Dismissal>,
}

/// A key that too many people have to be told two by two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crowd {
    /// What kind of key.
    pub kind: &'static str,
    /// How much it would say of two people.
    pub strength: MatchStrength,
    /// How many have it, as far as the first 1,000 opportunities tell.
    pub people: usize,
    /// The first of them, at most 10.
    pub examples: Vec<ContactId>,
}

/// One page.
#[derive(Debug, Clone)]
pub struct Duplicates {
    /// The pairs; their order is nobody's, but stays.
    pub pairs: Vec<DuplicatePair>,
    /// The crowds that lie between them.
    pub crowds: Vec<Crowd>,
    /// Where the next page begins; none on the last.
    pub next: Option<DuplicatePlace>,
    /// How much of what people are recognized by has been gone through, pages before included, in percent.
    pub walked_percent: u32,
    /// The start of the oldest last-complete pass the report rests on.
    pub as_of: Option<Timestamp>,
    /// Who was created before this is not in the mirror.
    pub history_start: Option<Timestamp>,
}

/// What is said of two people.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The two, in any order.
    pub contacts: [ContactId; 2],
    /// That they may be one after all.
    pub undo: bool,
    /// Who says so.
    pub by: String,
    /// Whether confidential people are shown.
    pub confidential: bool,
}

impl Engine {
    /// Tells which people in Lever may be one, without those who were told apart.
    ///
    /// Confidential people are among them only for callers who may see them; anonymized ones never. A page ends when it
    /// is full, or when so much was looked at as takes 10 to 20 ms: it may be short, or empty, with more to come.
    ///
    /// # Errors
    /// As [`Engine::lookup`].
    pub async fn duplicates(&self, id: ConnectionId, query: DuplicatesQuery) -> Result<Duplicates> {
        let connection = self.link(id)?.connection();
        let listings = self.people_known(&connection).await?;
        let mut report = Report::new(self, id, &query).await?;
        report.walk().await?;
        let mut found = report.found;
        let more = found.len() > query.limit;
        found.truncate(query.limit);
        let next = match more {
            true => found.last().map(|(place, _)| place.clone()),
            false => report.stopped,
        };
        let (mut pairs, mut crowds) = (Vec::new(), Vec::new());
        for (_place, finding) in found {
            match finding {
                Finding::Pair(pair) => pairs.push(*pair),
                Finding::Crowd(crowd) => crowds.push(crowd),
            }
        }
        Ok(Duplicates {
            pairs: self.described_pairs(id, pairs).await?,
            crowds,
            walked_percent: walked_percent(next.as_ref()),
            next,
            as_of: status::as_of(&connection, &listings, &[Stream::Opportunities]),
            history_start: connection.sync_start,
        })
    }

    async fn described_pairs(
        &self,
        id: ConnectionId,
        pairs: Vec<FoundPair>,
    ) -> Result<Vec<DuplicatePair>> {
        let rows: BTreeMap<&OpportunityId, &Candidacy> = pairs
            .iter()
            .flat_map(|pair| pair.people.iter().flat_map(|(_, rows)| rows))
            .map(|row| (&row.opportunity, row))
            .collect();
        let rows = rows.into_values().cloned().collect();
        let standings = self.standings(id, rows).await?.into_iter();
        let standings: HashMap<OpportunityId, Standing> = standings
            .map(|standing| (standing.candidacy.opportunity.clone(), standing))
            .collect();
        let now = self.shared.clock.now();
        let described = |(contact, rows): (ContactId, Vec<Candidacy>), told: &Told| {
            let rows = rows
                .iter()
                .filter_map(|row| standings.get(&row.opportunity));
            let (strength, evidence) = (told.strength, told.evidence.clone());
            Match::new(
                Some(contact),
                strength,
                evidence,
                rows.cloned().collect(),
                now,
            )
        };
        let pairs = pairs.into_iter().map(|pair| DuplicatePair {
            people: pair.people.map(|person| described(person, &pair.told)),
            dismissal: pair.dismissal,
        });
        Ok(pairs.collect())
    }

    /// Remembers that two people are not one, or takes that back; gives what is remembered then.
    ///
    /// Repeating it is harmless: who said it first stays. It holds for whomever Lever merges one of the two into.
    ///
    /// # Errors
    /// Not found for a connection, and for people whom the mirror does not have or the caller may not see; invalid,
    /// naming the field, for an id that is none, and for one person twice; as [`Engine::lookup`].
    pub async fn tell_apart(
        &self,
        id: ConnectionId,
        verdict: Verdict,
    ) -> Result<Option<Dismissal>> {
        let connection = self.link(id)?.connection();
        for (field, contact) in ["contact_id", "other_contact_id"]
            .into_iter()
            .zip(&verdict.contacts)
        {
            check(field, contact.as_str())?;
        }
        self.people_known(&connection).await?;
        let sought = Sought {
            keys: Vec::new(),
            contacts: verdict.contacts.to_vec(),
        };
        let found = self.shared.store.find_people(id, sought).await?;
        let all = verdict.confidential && self.shows_confidential(id);
        for contact in &verdict.contacts {
            let present = found.merged.get(contact).unwrap_or(contact);
            let rows = found.by_contact.get(present).into_iter().flatten();
            let mut rows = rows.filter_map(|row| found.candidacies.get(row));
            if !rows.any(|row| all || !row.confidential) {
                return Err(Error::not_found("contact", contact.as_str()));
            }
        }
        let present = |contact: &ContactId| found.merged.get(contact).unwrap_or(contact).clone();
        let [one, other] = verdict.contacts.each_ref().map(present);
        let pair = ContactPair::new(one, other).ok_or_else(|| {
            Error::invalid(
                "other_contact_id",
                "the two are one person in Lever: give two people",
            )
        })?;
        if verdict.undo {
            self.shared.store.undismiss(id, pair).await?;
            return Ok(None);
        }
        let dismissal = Dismissal {
            by: verdict.by,
            at: self.shared.clock.now(),
        };
        Ok(Some(self.shared.store.dismiss(id, pair, dismissal).await?))
    }
}

/// Invalid for an id that Lever cannot have given.
fn check(field: &str, contact: &str) -> Result<()> {
    if contact.is_empty() {
        return Err(Error::invalid(field, "give Lever's id of the person"));
    }
    if contact.len() > LONGEST_ID {
        return Err(Error::invalid(
            field,
            format!("give at most {LONGEST_ID} bytes"),
        ));
    }
    Ok(())
}

/// What kind of key a mark stands for, and how much it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Telling {
    kind: &'static str,
    strength: MatchStrength,
}

/// What two people agree in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    strength: MatchStrength,
    /// Each kind once, the strongest first.
    evidence: Vec<Agreement>,
}

/// A pair as it was found, each of the two with the candidacies that the caller may see.
struct FoundPair {
    people: [(ContactId, Vec<Candidacy>); 2],
    told: Told,
    dismissal: Option<Dismissal>,
}

enum Finding {
    Pair(Box<FoundPair>),
    Crowd(Crowd),
}

/// One walk over the keys that several people have.
struct Report<'e> {
    engine: &'e Engine,
    id: ConnectionId,
    query: &'e DuplicatesQuery,
    /// Whether confidential people count.
    all: bool,
    dismissed: HashMap<ContactPair, Dismissal>,
    kinds: HashMap<KeyMark, Telling>,
    /// Whether more people have a key than are told two by two, as far as that was looked at.
    crowds: HashMap<KeyMark, bool>,
    /// One more than the page has, so that the caller knows whether more follow.
    found: Vec<(DuplicatePlace, Finding)>,
    /// The work that is left to this page.
    left: usize,
    /// Where to go on, when the work was done before the page was full.
    stopped: Option<DuplicatePlace>,
}

impl<'e> Report<'e> {
    async fn new(
        engine: &'e Engine,
        id: ConnectionId,
        query: &'e DuplicatesQuery,
    ) -> Result<Report<'e>> {
        Ok(Report {
            engine,
            id,
            query,
            all: query.confidential && engine.shows_confidential(id),
            dismissed: engine.shared.store.dismissals(id).await?,
            kinds: HashMap::new(),
            crowds: HashMap::new(),
            found: Vec::new(),
            left: WORK,
            stopped: None,
        })
    }

    async fn walk(&mut self) -> Result<()> {
        let after = self.query.after.as_ref();
        let mut from = Some(after.map_or(KeyMark::default(), |(mark, _)| *mark));
        let mut any = false;
        while let Some(mark) = from {
            let reach = Reach {
                confidential: self.all,
                keys: STEP,
                work: self.left,
            };
            let (kinds, weak) = (self.engine.shared.kinds.clone(), self.query.weak);
            let wanted = move |mark| weak || !kinds.is_weak(mark);
            let store = &self.engine.shared.store;
            let step = store.shared_keys(self.id, mark, reach, wanted).await?;
            self.spend(step.work);
            for key in &step.keys {
                // One is looked at in any case, so that the next page begins further on.
                if self.left == 0 && any {
                    self.stopped = Some((key.mark, None));
                    return Ok(());
                }
                any = true;
                self.take(key).await?;
                if self.found.len() > self.query.limit {
                    return Ok(());
                }
            }
            from = step.next;
            if self.left == 0 {
                self.stopped = from.map(|mark| (mark, None));
                return Ok(());
            }
        }
        Ok(())
    }

    fn spend(&mut self, work: usize) {
        self.left = self.left.saturating_sub(work);
    }

    /// Finds what a key tells that no earlier one did.
    async fn take(&mut self, key: &SharedKey) -> Result<()> {
        let telling = self.telling(key.mark, key.people.values()).await?;
        let Some(telling) = telling.filter(|telling| self.counts(*telling)) else {
            return Ok(());
        };
        let store = &self.engine.shared.store;
        let people = store.people_with(self.id, key.mark, self.all).await?;
        self.spend(READING * people.len());
        let crowd = people.len() > MOST_OF_A_KEY;
        self.crowds.insert(key.mark, crowd);
        if crowd {
            self.take_crowd(key.mark, &people, telling);
            return Ok(());
        }
        let mut pairs = pairs(&people);
        pairs.retain(|pair| self.wants(key.mark, pair));
        let contacts = pairs.iter().flat_map(|pair| [pair.first(), pair.second()]);
        let contacts: BTreeSet<ContactId> = contacts.cloned().collect();
        if contacts.is_empty() {
            return Ok(());
        }
        self.spend(PERSON * contacts.len());
        let people = self
            .engine
            .shared
            .store
            .recognized(self.id, contacts)
            .await?;
        for pair in pairs {
            if let Some(found) = self.pair(key.mark, &pair, &people).await? {
                let two = (pair.first().clone(), pair.second().clone());
                let place = (key.mark, Some(two));
                self.found.push((place, Finding::Pair(Box::new(found))));
            }
        }
        Ok(())
    }

    fn take_crowd(
        &mut self,
        mark: KeyMark,
        people: &BTreeMap<ContactId, OpportunityId>,
        telling: Telling,
    ) {
        let nobody = || ContactId::from("");
        let place = (mark, Some((nobody(), nobody())));
        if self
            .query
            .after
            .as_ref()
            .is_some_and(|after| place <= *after)
        {
            return;
        }
        let crowd = Crowd {
            kind: telling.kind,
            strength: telling.strength,
            people: people.len(),
            examples: people.keys().take(MOST_OF_A_KEY).cloned().collect(),
        };
        self.found.push((place, Finding::Crowd(crowd)));
    }

    /// Whether a pair has not been told yet, and may be.
    fn wants(&self, mark: KeyMark, pair: &ContactPair) -> bool {
        let before = self.query.after.as_ref().is_some_and(|(last, told)| {
            let told = told.as_ref().map(|(one, other)| (one, other));
            (mark, Some((pair.first(), pair.second()))) <= (*last, told)
        });
        !before && (self.query.dismissed || !self.dismissed.contains_key(pair))
    }

    /// The pair, if this is the first key that tells it.
    async fn pair(
        &mut self,
        mark: KeyMark,
        pair: &ContactPair,
        people: &HashMap<ContactId, Vec<Recognized>>,
    ) -> Result<Option<FoundPair>> {
        let (Some(first), Some(second)) = (people.get(pair.first()), people.get(pair.second()))
        else {
            return Ok(None);
        };
        if first
            .iter()
            .chain(second)
            .any(|one| one.candidacy.anonymized)
        {
            return Ok(None);
        }
        let [first, second] = [first, second].map(|all| self.visible(all));
        let (ours, theirs) = (marks(&first), marks(&second));
        let common: Vec<KeyMark> = ours.intersection(&theirs).copied().collect();
        if !common.contains(&mark) {
            return Ok(None);
        }
        let mut agreed = Vec::new();
        for one in common {
            let having = first.iter().filter(|row| row.marks.contains(&one));
            let having = having.map(|row| &row.candidacy.opportunity);
            let Some(telling) = self.telling(one, having).await? else {
                continue;
            };
            if self.is_crowd(one).await? {
                continue;
            }
            if one < mark && self.counts(telling) {
                return Ok(None);
            }
            agreed.push(telling);
        }
        let rows =
            |all: Vec<&Recognized>| all.into_iter().map(|one| one.candidacy.clone()).collect();
        Ok(Some(FoundPair {
            people: [
                (pair.first().clone(), rows(first)),
                (pair.second().clone(), rows(second)),
            ],
            told: told(&agreed),
            dismissal: self.dismissed.get(pair).cloned(),
        }))
    }

    fn counts(&self, telling: Telling) -> bool {
        self.query.weak || telling.strength > MatchStrength::Weak
    }

    fn visible<'p>(&self, all: &'p [Recognized]) -> Vec<&'p Recognized> {
        let seen = |one: &&Recognized| self.all || !one.candidacy.confidential;
        all.iter().filter(seen).collect()
    }

    /// What a key is, from the documents of those who have it; none when they no longer say.
    async fn telling(
        &mut self,
        mark: KeyMark,
        having: impl Iterator<Item = &OpportunityId>,
    ) -> Result<Option<Telling>> {
        let shared = &self.engine.shared;
        if let Some(known) = shared.kinds.get(mark) {
            return Ok(Some(known));
        }
        for opportunity in having.take(MOST_ASKED) {
            if self.kinds.contains_key(&mark) {
                break;
            }
            let derived = identity::from_documents(shared, self.id, opportunity).await?;
            for key in derived.iter().flat_map(|(_candidacy, keys)| keys) {
                self.kinds
                    .insert(shared.store.mark(self.id, key)?, Telling::of(key));
            }
            self.left = self.left.saturating_sub(ASKING);
        }
        let told = self.kinds.get(&mark).copied();
        if let Some(told) = told {
            shared.kinds.note(mark, told);
        }
        Ok(told)
    }

    /// Whether more people have a key than are told two by two.
    async fn is_crowd(&mut self, mark: KeyMark) -> Result<bool> {
        if let Some(known) = self.crowds.get(&mark) {
            return Ok(*known);
        }
        let store = &self.engine.shared.store;
        let people = store.people_with(self.id, mark, self.all).await?;
        self.spend(READING * people.len());
        let crowd = people.len() > MOST_OF_A_KEY;
        self.crowds.insert(mark, crowd);
        Ok(crowd)
    }
}

/// What kinds of key marks stand for: each was read from a document, and never changes.
#[derive(Debug, Default)]
pub(crate) struct Kinds(Mutex<HashMap<KeyMark, Telling>>);

impl Kinds {
    fn known(&self) -> MutexGuard<'_, HashMap<KeyMark, Telling>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, mark: KeyMark) -> Option<Telling> {
        self.known().get(&mark).copied()
    }

    fn is_weak(&self, mark: KeyMark) -> bool {
        let known = self.get(mark);
        known.is_some_and(|telling| telling.strength == MatchStrength::Weak)
    }

    fn note(&self, mark: KeyMark, telling: Telling) {
        let mut known = self.known();
        if known.len() >= MOST_KINDS {
            known.clear();
        }
        known.insert(mark, telling);
    }
}

/// How much of all keys lies before a place, rounded down; all of them where there is none. Marks are spread evenly.
fn walked_percent(next: Option<&DuplicatePlace>) -> u32 {
    let Some((mark, _)) = next else {
        return 100;
    };
    let [first, second, ..] = mark.to_bytes();
    (u32::from(u16::from_be_bytes([first, second])) * 100) >> 16
}

impl Telling {
    fn of(key: &IdentityKey) -> Telling {
        Telling {
            kind: key.kind(),
            strength: key.strength().into(),
        }
    }
}

/// All pairs of the few who share a key.
fn pairs(people: &BTreeMap<ContactId, OpportunityId>) -> Vec<ContactPair> {
    let people: Vec<&ContactId> = people.keys().collect();
    let mut pairs = Vec::new();
    for (at, one) in people.iter().enumerate() {
        for other in &people[at + 1..] {
            pairs.extend(ContactPair::new((*one).clone(), (*other).clone()));
        }
    }
    pairs
}

fn marks(people: &[&Recognized]) -> BTreeSet<KeyMark> {
    let marks = people.iter().flat_map(|one| &one.marks);
    marks.copied().collect()
}

/// What two people agree in, from the keys they have in common; nothing is weak.
fn told(agreed: &[Telling]) -> Told {
    let kinds: BTreeSet<(Reverse<MatchStrength>, &'static str)> = agreed
        .iter()
        .map(|telling| (Reverse(telling.strength), telling.kind))
        .collect();
    let strongest = kinds.first().map(|(Reverse(strength), _)| *strength);
    Told {
        strength: strongest.unwrap_or(MatchStrength::Weak),
        evidence: kinds
            .into_iter()
            .map(|(_, kind)| Agreement {
                kind,
                field: String::new(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use domain::identity::Identity;
    use serde_json::json;
    use store::Incoming;

    use super::*;
    use crate::testing;

    /// An opportunity as the model has it.
    struct Row {
        contact: usize,
        emails: BTreeSet<usize>,
        phones: BTreeSet<usize>,
        confidential: bool,
    }

    /// Sixty opportunities of thirty people, the same each time; the address 0 is one that many have.
    fn rows() -> Vec<Row> {
        let mut state = 7_u32;
        let mut below = move |limit: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) % limit) as usize
        };
        let mut some = |most: u32, of: u32| {
            let many = below(most);
            (0..many).map(|_| below(of)).collect::<BTreeSet<_>>()
        };
        let row = |number: usize| {
            let mut row = Row {
                contact: number % 30,
                emails: some(3, 30),
                phones: some(2, 20),
                // Some people are hidden wholly, some in part.
                confidential: number.is_multiple_of(5) || number.is_multiple_of(7),
            };
            row.emails.extend(some(2, 1));
            row
        };
        (0..60_usize).map(row).collect()
    }

    fn incoming(number: usize, row: &Row) -> Incoming {
        let id = format!("o{number:02}");
        let phones = row
            .phones
            .iter()
            .map(|phone| json!({"value": format!("555 01000{phone:02}")}));
        let document = json!({
            "id": id,
            "contact": format!("c{:02}", row.contact),
            "name": "Ada Example",
            "stage": "s",
            "emails": row.emails.iter().map(|email| format!("e{email}@example.com")).collect::<Vec<_>>(),
            "phones": phones.collect::<Vec<_>>(),
            "confidentiality": if row.confidential { "confidential" } else { "non-confidential" },
        });
        let read = serde_json::from_value(document.clone()).unwrap();
        Incoming {
            identity: Identity::of_opportunity(&read, None, None).keys(),
            ..testing::opportunity(&id, &document.to_string())
        }
    }

    /// Pairs with the kinds they agree in, found by comparing everybody with everybody.
    fn naive(rows: &[Row], weak: bool, all: bool) -> BTreeMap<(String, String), Vec<&'static str>> {
        let mut people: BTreeMap<usize, BTreeSet<(&'static str, usize)>> = BTreeMap::new();
        for row in rows.iter().filter(|row| all || !row.confidential) {
            let keys = people.entry(row.contact).or_default();
            keys.extend(row.emails.iter().map(|email| ("email", *email)));
            keys.extend(row.phones.iter().map(|phone| ("phone", *phone)));
        }
        let few =
            |key: &(&str, usize)| people.values().filter(|keys| keys.contains(key)).count() <= 10;
        let mut pairs = BTreeMap::new();
        for (one, ours) in &people {
            for (other, theirs) in people.range(one + 1..) {
                let common = ours.intersection(theirs).copied().filter(few);
                let kinds: BTreeSet<&'static str> = common.map(|(kind, _)| kind).collect();
                if kinds.contains("email") || (weak && kinds.contains("phone")) {
                    let pair = (format!("c{one:02}"), format!("c{other:02}"));
                    pairs.insert(pair, kinds.into_iter().collect());
                }
            }
        }
        pairs
    }

    /// All pages of a report, as many findings at a time as are said, each with so much work.
    async fn walked(
        engine: &Engine,
        id: ConnectionId,
        (weak, confidential): (bool, bool),
        (limit, work): (usize, usize),
    ) -> Vec<(DuplicatePlace, Finding)> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let query = DuplicatesQuery {
                weak,
                dismissed: false,
                after: after.take(),
                limit,
                confidential,
            };
            let mut report = Report::new(engine, id, &query).await.unwrap();
            report.left = work;
            report.walk().await.unwrap();
            let (mut found, stopped) = (report.found, report.stopped);
            let more = found.len() > limit;
            found.truncate(limit);
            let before = query.after.clone();
            after = match more {
                true => found.last().map(|(place, _)| place.clone()),
                false => stopped,
            };
            all.extend(found);
            if after.is_none() {
                return all;
            }
            assert!(after > before, "each page leads on");
        }
    }

    #[tokio::test]
    async fn x2_the_report_finds_what_comparing_everybody_finds_each_pair_once() {
        let folder = tempfile::tempdir().unwrap();
        let rows = rows();
        let records = rows
            .iter()
            .enumerate()
            .map(|(number, row)| incoming(number, row));
        let (engine, id) = testing::engine(folder.path(), records.collect()).await;
        for flags in [(false, false), (false, true), (true, false), (true, true)] {
            let expected = naive(&rows, flags.0, flags.1);
            assert!(expected.len() > 10, "{flags:?}");
            for limit in [
                (1, WORK),
                (3, WORK),
                (1_000, WORK),
                (1, 0),
                (2, 200),
                (1_000, 2_000),
            ] {
                let mut pairs = BTreeMap::new();
                let mut crowds = 0;
                for (_place, finding) in walked(&engine, id, flags, limit).await {
                    let Finding::Pair(pair) = finding else {
                        crowds += 1;
                        continue;
                    };
                    let kinds: Vec<_> = pair.told.evidence.iter().map(|one| one.kind).collect();
                    let [one, other] = pair.people.map(|(contact, _rows)| contact.to_string());
                    let again = pairs.insert((one, other), kinds);
                    assert_eq!(again, None, "{flags:?}");
                }
                assert_eq!(pairs, expected, "{flags:?} by {limit:?}");
                assert_eq!(crowds, 1, "{flags:?} by {limit:?}");
            }
        }
    }

    #[test]
    fn how_far_a_walk_has_come_is_told_by_the_mark() {
        let percent = |first: u8| {
            let mut mark = [0; 12];
            mark[0] = first;
            walked_percent(Some(&(KeyMark::from_bytes(mark), None)))
        };
        assert_eq!([0, 3, 64, 255].map(percent), [0, 1, 25, 99]);
        assert_eq!(walked_percent(None), 100);
    }

    #[test]
    fn no_more_kinds_are_remembered_than_is_said() {
        let kinds = Kinds::default();
        let telling = Telling {
            kind: "phone",
            strength: MatchStrength::Weak,
        };
        for number in 0..=MOST_KINDS as u128 {
            let mut bytes = [0; 12];
            bytes.copy_from_slice(&number.to_be_bytes()[4..]);
            kinds.note(KeyMark::from_bytes(bytes), telling);
            assert!(kinds.is_weak(KeyMark::from_bytes(bytes)));
            assert!(kinds.known().len() <= MOST_KINDS);
        }
        assert!(!kinds.is_weak(KeyMark::default()));
    }

    #[test]
    fn what_agrees_is_told_once_by_kind_and_the_strongest_says_how_sure() {
        let telling = |kind, strength| Telling { kind, strength };
        let (weak, strong) = (MatchStrength::Weak, MatchStrength::Strong);
        let agreed = [
            telling("phone", weak),
            telling("linkedin", strong),
            telling("email", strong),
            telling("email", strong),
        ];
        let told = told(&agreed);
        let kinds: Vec<_> = told.evidence.iter().map(|one| one.kind).collect();
        assert_eq!(
            (told.strength, kinds),
            (strong, vec!["email", "linkedin", "phone"])
        );
    }
}
