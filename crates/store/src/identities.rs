//! Finding people by what they are recognized by.
//!
//! An opportunity's identity keys are stored as keyed digests beside its candidacy, which is the truth. The way from a
//! digest to the opportunities that have it is an index in two parts: each commit adds one run, a short sorted list of
//! what it changed, and now and then the runs are folded into leaves, which hold all entries of the connection in
//! order. A row for each key would double what a first import writes; a run for each page costs next to nothing.
//! What the index tells is checked against the candidacy, so that an entry too many does no harm.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use domain::identity::IdentityKey;
use domain::{Candidacy, ConnectionId};
use lever::{ContactId, OpportunityId, Timestamp};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::candidacies::of_contact;
use crate::draft::Draft;
use crate::error::Error;
use crate::format::{
    Counter, IdentityEntries, IdentityEntry, IdentityLeaf, IdentityRun, Indexed, KeyDigest, key,
    pack, unpack,
};
use crate::seal::Sealer;
use crate::store::Store;
use crate::table::{Table, Tables};
use crate::upsert::Upsert;

/// From how many runs on folding is worth its while.
const FOLD_FROM: usize = 16;
/// Runs that are folded together at most: some 130,000 entries of a first import, 10 MB in memory.
const MOST_FOLDED: usize = 256;
/// Entries of a leaf before it is split: about 8 KB.
const LARGEST_LEAF: usize = 256;
/// Leaves that one commit of a fold changes, some 250 KB, so that no other commit waits for long.
const LEAVES_AT_ONCE: usize = 32;
/// Opportunities that one key is followed to: an address that so many share tells nobody from another.
const MOST_OF_A_KEY: usize = 100;
/// Opportunities of one person that are told.
pub(crate) const MOST_OF_A_PERSON: usize = 1_000;

/// Turns identity keys into what is stored of them.
pub(crate) struct Digester(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Digester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Digester").finish_non_exhaustive()
    }
}

impl Digester {
    pub(crate) fn new(secret: Zeroizing<[u8; 32]>) -> Digester {
        Digester(secret)
    }

    /// The secret comes first and most of the hash is cut off, so that nobody can lengthen what was hashed.
    pub(crate) fn digest(&self, connection: ConnectionId, key: &IdentityKey) -> KeyDigest {
        self.hashed(connection, key.kind(), &key.parts())
    }

    /// What stands for the e-mail of a product user, folded.
    pub(crate) fn product_user(&self, connection: ConnectionId, email: &str) -> KeyDigest {
        self.hashed(connection, "product user", &[email])
    }

    /// Not one of the digests: those begin with a connection.
    pub(crate) fn lasting_secret(&self, purpose: &str) -> [u8; 24] {
        let hash = Sha256::new_with_prefix(*self.0)
            .chain_update("lasting secret\0")
            .chain_update(purpose)
            .finalize();
        let mut secret = [0; 24];
        secret.copy_from_slice(&hash[..24]);
        secret
    }

    /// What seals what is kept in this store for a purpose. It does not change with the master key.
    pub(crate) fn sealer(&self, purpose: &str) -> Sealer {
        let hash = Sha256::new_with_prefix(*self.0)
            .chain_update("sealer\0")
            .chain_update(purpose)
            .finalize();
        Sealer::new(Zeroizing::new(hash.into()))
    }

    fn hashed(&self, connection: ConnectionId, kind: &str, parts: &[&str]) -> KeyDigest {
        let mut hash = Sha256::new_with_prefix(*self.0);
        hash.update(connection.as_bytes());
        hash.update(kind);
        for part in parts {
            hash.update([0]);
            hash.update(part);
        }
        let mut digest = KeyDigest::default();
        let width = digest.len();
        digest.copy_from_slice(&hash.finalize()[..width]);
        digest
    }

    pub(crate) fn digests(
        &self,
        connection: ConnectionId,
        keys: &BTreeSet<IdentityKey>,
    ) -> BTreeSet<KeyDigest> {
        keys.iter()
            .map(|key| self.digest(connection, key))
            .collect()
    }
}

/// What a commit changes about who has which key, or several that become one run: the last word on each entry.
#[derive(Default)]
pub(crate) struct Noted {
    moves: Moves,
    /// Whether something came in since it was stored.
    is_behind: bool,
    /// The number of its run, once it is stored.
    number: Option<u64>,
}

impl Noted {
    /// Notes that an opportunity has other keys than before.
    pub(crate) fn moved(
        &mut self,
        opportunity: &OpportunityId,
        before: &BTreeSet<KeyDigest>,
        after: &BTreeSet<KeyDigest>,
    ) {
        let id = pack(opportunity.as_str());
        let added = after.difference(before).map(|digest| (digest, true));
        let removed = before.difference(after).map(|digest| (digest, false));
        for (digest, is_added) in added.chain(removed) {
            self.moves.insert((*digest, id.clone()), is_added);
            self.is_behind = true;
        }
    }

    /// Stores it as one run, in place of what was stored of it before.
    ///
    /// Nobody else may have written runs of the connection since, nor folded this one.
    pub(crate) fn put(
        &mut self,
        draft: &mut Draft<'_>,
        connection: ConnectionId,
    ) -> Result<(), Error> {
        if !std::mem::take(&mut self.is_behind) {
            return Ok(());
        }
        let of = |wanted: bool| {
            let entries = self
                .moves
                .iter()
                .filter(move |(_, added)| **added == wanted);
            IdentityEntries::from_sorted(entries.map(|(entry, _)| entry))
        };
        let run = IdentityRun {
            added: of(true),
            removed: of(false),
        };
        match self.number {
            Some(number) => {
                let key = key::identity_run(connection, number);
                draft.put(Table::IdentityRuns, key, &run);
            }
            None => {
                let number = next_run(draft, connection)?;
                let key = key::identity_run(connection, number);
                draft.put_new(Table::IdentityRuns, key, &run);
                self.number = Some(number);
            }
        }
        Ok(())
    }
}

/// The number after that of the last run.
fn next_run(draft: &Draft<'_>, connection: ConnectionId) -> Result<u64, Error> {
    let prefix = key::connection(connection);
    let last = draft
        .tables()
        .scan(Table::IdentityRuns, &prefix)
        .next_back();
    let mut number = match last.transpose()? {
        Some((last, _)) => number_of(&last)? + 1,
        None => 0,
    };
    while draft.contains(Table::IdentityRuns, &key::identity_run(connection, number))? {
        number += 1;
    }
    Ok(number)
}

fn number_of(key: &[u8]) -> Result<u64, Error> {
    let number = key.get(16..).and_then(|bytes| bytes.try_into().ok());
    let number = number.ok_or_else(|| Error::corrupt(Table::IdentityRuns))?;
    Ok(u64::from_be_bytes(number))
}

/// Whom a lookup is about.
#[derive(Clone, Default)]
pub struct Sought {
    /// By what they are recognized.
    pub keys: Vec<IdentityKey>,
    /// People whose ids are known.
    pub contacts: Vec<ContactId>,
}

impl std::fmt::Debug for Sought {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sought")
            .field("keys", &self.keys.len())
            .field("contacts", &self.contacts.len())
            .finish()
    }
}

/// Who was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// For each key in turn, the opportunities that have it, at most 100.
    pub by_key: Vec<Vec<OpportunityId>>,
    /// Those opportunities, and all others of the same people and of those asked for by id, archived ones too.
    pub candidacies: HashMap<OpportunityId, Candidacy>,
    /// The opportunities of each of these people, at most 1,000, in the order of their ids.
    pub by_contact: HashMap<ContactId, Vec<OpportunityId>>,
    /// Who among those asked for by id has become somebody else in Lever, and whom.
    pub merged: HashMap<ContactId, ContactId>,
}

impl Store {
    /// Finds opportunities by identity keys, and all that their people have.
    ///
    /// Reads a few rows for each key, however large the account is.
    ///
    /// # Errors
    /// As every read.
    pub async fn find_people(
        &self,
        connection: ConnectionId,
        sought: Sought,
    ) -> Result<Found, Error> {
        self.read(move |tables| Finding::new(tables, connection).find(&sought))
            .await
    }

    /// Whether every candidacy of the store has its identity keys: a store of an earlier version has not.
    ///
    /// # Errors
    /// As every read.
    pub async fn identities_complete(&self) -> Result<bool, Error> {
        let done: Option<Counter> = self.tables().get(Table::Meta, key::IDENTITIES)?;
        Ok(done.is_some())
    }

    /// Notes that every candidacy has its identity keys.
    ///
    /// # Errors
    /// As every write.
    pub async fn set_identities_complete(&self) -> Result<(), Error> {
        self.commit(|draft| {
            draft.put(Table::Meta, key::IDENTITIES.to_vec(), &Counter(1));
            Ok(())
        })
        .await
    }

    /// Lists the opportunities without identity keys among the `limit` candidacies after the one given, and the last of
    /// those that were looked at; none when there are no more.
    ///
    /// # Errors
    /// As every read.
    pub async fn without_identity(
        &self,
        connection: ConnectionId,
        after: Option<&OpportunityId>,
        limit: usize,
    ) -> Result<(Vec<OpportunityId>, Option<OpportunityId>), Error> {
        let prefix = key::connection(connection);
        let after = after.map(|id| key::candidacy(connection, id)).transpose()?;
        self.read(move |tables| {
            let from = after.as_ref().unwrap_or(&prefix);
            let (mut bare, mut last) = (Vec::new(), None);
            for entry in tables
                .scan_after(Table::Candidacies, &prefix, from)
                .take(limit)
            {
                let indexed: Option<Indexed> = tables.value(Table::Candidacies, entry)?;
                let Some(Indexed { candidacy, keys }) = indexed else {
                    continue;
                };
                if keys.is_none() {
                    bare.push(candidacy.opportunity.clone());
                }
                last = Some(candidacy.opportunity);
            }
            Ok((bare, last))
        })
        .await
    }

    /// Gives opportunities their identity keys, and derives their candidacies anew; one that has keys, or is gone, stays
    /// as it is.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) without such a connection.
    pub async fn set_identities(
        &self,
        connection: ConnectionId,
        people: Vec<(Candidacy, BTreeSet<IdentityKey>)>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.commit(move |draft| {
            draft.require_kept(connection)?;
            let mut upsert = Upsert::new(draft, connection, now, now)?;
            people
                .iter()
                .try_for_each(|(candidacy, identity)| upsert.rederived(candidacy, identity))?;
            upsert.finish().map(drop)
        })
        .await
    }

    /// Folds the oldest runs of a connection into its leaves once there are 16 of them, at most 256; gives how many were.
    ///
    /// Done in several commits, which others go before. Until the last of them every run is there: what is cut short
    /// shows nobody less, and is begun anew, since the same moves leave a leaf as it is.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when the connection is gone.
    pub async fn fold_identities(&self, connection: ConnectionId) -> Result<usize, Error> {
        let runs = self.read(move |tables| runs_of(tables, connection)).await?;
        self.fold_runs(connection, runs).await
    }

    async fn fold_runs(
        &self,
        connection: ConnectionId,
        runs: Option<Runs>,
    ) -> Result<usize, Error> {
        let Some(Runs {
            numbers,
            moves,
            last,
        }) = runs
        else {
            return Ok(0);
        };
        let moves: Arc<Vec<(IdentityEntry, bool)>> = Arc::new(moves.into_iter().collect());
        let mut at = 0;
        while at < moves.len() {
            let moves = moves.clone();
            let step = move |draft: &mut Draft<'_>| fold(draft, connection, &moves, at);
            at = self.commit_patiently(step).await?;
        }
        self.commit_patiently(move |draft| {
            let mut folded = numbers.len();
            if let Some(number) = numbers.last() {
                let key = key::identity_run(connection, *number);
                let present: Option<IdentityRun> = draft.get(Table::IdentityRuns, &key)?;
                folded -= usize::from(present.as_ref() != Some(&last));
            }
            for number in &numbers[..folded] {
                let key = key::identity_run(connection, *number);
                draft.remove(Table::IdentityRuns, key);
            }
            Ok(folded)
        })
        .await
    }
}

type Moves = BTreeMap<IdentityEntry, bool>;

/// Runs that are folded together.
struct Runs {
    numbers: Vec<u64>,
    /// What they come to.
    moves: Moves,
    /// The last of them as it was read. A page stores its run again with each of its slices: where it has, the run stays,
    /// or what came in since would be lost with it.
    last: IdentityRun,
}

/// The oldest runs; none, and unread, while folding is not worth its while.
///
/// Read after it is known which is the last: none of the others changes any more.
fn runs_of(tables: &Tables, connection: ConnectionId) -> Result<Option<Runs>, Error> {
    let runs = tables.scan(Table::IdentityRuns, &key::connection(connection));
    let keys = runs.take(MOST_FOLDED).map(|entry| Ok(entry?.0));
    let keys: Vec<_> = keys.collect::<Result<_, Error>>()?;
    if keys.len() < FOLD_FROM {
        return Ok(None);
    }
    let (mut numbers, mut moves) = (Vec::new(), Moves::new());
    let mut last = IdentityRun::default();
    for key in keys {
        let run: Option<IdentityRun> = tables.get(Table::IdentityRuns, &key)?;
        let Some(run) = run else { continue };
        numbers.push(number_of(&key)?);
        for (entries, added) in [(&run.removed, false), (&run.added, true)] {
            moves.extend(entries.iter().map(|entry| (owned(entry), added)));
        }
        last = run;
    }
    Ok(Some(Runs {
        numbers,
        moves,
        last,
    }))
}

fn owned((digest, id): (&[u8], &[u8])) -> IdentityEntry {
    let mut owned = KeyDigest::default();
    owned.copy_from_slice(digest);
    (owned, id.to_vec())
}

/// Brings the moves from `at` on into a number of leaves; gives how far it came.
fn fold(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    moves: &[(IdentityEntry, bool)],
    mut at: usize,
) -> Result<usize, Error> {
    draft.require_kept(connection)?;
    let prefix = key::connection(connection);
    for _ in 0..LEAVES_AT_ONCE {
        let Some(((digest, id), _)) = moves.get(at) else {
            break;
        };
        let target = key::identity_leaf(connection, digest, id);
        let (place, leaf) = match leaf_with(draft.tables(), connection, &target)? {
            Some((place, leaf)) => (place, leaf),
            // The first leaf has everything before the second.
            None => (prefix.clone(), IdentityLeaf::default()),
        };
        let mut rest = draft
            .tables()
            .scan_after(Table::IdentityLeaves, &prefix, &place);
        let end = rest.next().transpose()?.map(|(next, _)| next);
        let before_end = |((digest, id), _): &&(IdentityEntry, bool)| {
            let key = key::identity_leaf(connection, digest, id);
            end.as_ref().is_none_or(|end| key < *end)
        };
        let here = moves[at..].iter().take_while(before_end).count();
        let mut entries: BTreeSet<IdentityEntry> = leaf.0.iter().map(owned).collect();
        for (entry, added) in &moves[at..at + here] {
            match added {
                true => entries.insert(entry.clone()),
                false => entries.remove(entry),
            };
        }
        put_leaves(draft, connection, place, entries);
        at += here;
    }
    Ok(at)
}

/// Stores the entries of one leaf, as several when they are too many; the first keeps its place.
fn put_leaves(
    draft: &mut Draft<'_>,
    connection: ConnectionId,
    place: Vec<u8>,
    entries: BTreeSet<IdentityEntry>,
) {
    if entries.is_empty() {
        draft.remove(Table::IdentityLeaves, place);
        return;
    }
    let entries: Vec<IdentityEntry> = entries.into_iter().collect();
    let size = match entries.len() > LARGEST_LEAF {
        true => LARGEST_LEAF / 2,
        false => LARGEST_LEAF,
    };
    let mut place = Some(place);
    for part in entries.chunks(size) {
        let (digest, id) = &part[0];
        let key = place
            .take()
            .unwrap_or_else(|| key::identity_leaf(connection, digest, id));
        let leaf = IdentityLeaf(IdentityEntries::from_sorted(part));
        draft.put(Table::IdentityLeaves, key, &leaf);
    }
}

/// The last leaf that begins at `target` or before.
fn leaf_with(
    tables: &Tables,
    connection: ConnectionId,
    target: &[u8],
) -> Result<Option<(Vec<u8>, IdentityLeaf)>, Error> {
    let prefix = key::connection(connection);
    let mut leaves = tables.scan_to(Table::IdentityLeaves, &prefix, target);
    while let Some(entry) = leaves.next_back() {
        let (place, value) = entry?;
        let leaf = tables.value(Table::IdentityLeaves, Ok((place.clone(), value)))?;
        if let Some(leaf) = leaf {
            return Ok(Some((place, leaf)));
        }
    }
    Ok(None)
}

/// All entries from a digest on in their order, each once; what is in none of the runs left comes from the leaves, and
/// some may be of opportunities that no longer have the key.
pub(crate) fn entries_from(
    tables: &Tables,
    connection: ConnectionId,
    from: KeyDigest,
) -> Result<impl Iterator<Item = Result<IdentityEntry, Error>> + use<'_>, Error> {
    // Runs before leaves: what is folded in between is met twice rather than not at all.
    let mut noted = noted_from(tables, connection, &from)?
        .into_iter()
        .peekable();
    let mut folded = folded_from(tables, connection, from)?.peekable();
    let merged = std::iter::from_fn(move || match (noted.peek(), folded.peek()) {
        (Some(one), Some(Ok(other))) if one < other => noted.next().map(Ok),
        (Some(_), None) => noted.next().map(Ok),
        _ => folded.next(),
    });
    // A leaf that was split after it was read comes again with its second half.
    let mut last: Option<IdentityEntry> = None;
    Ok(merged.filter(move |entry| {
        let Ok(entry) = entry else { return true };
        let further = last.as_ref().is_none_or(|last| entry > last);
        if further {
            // Over the bytes of the one before, which takes no memory.
            let last = last.get_or_insert_default();
            last.0 = entry.0;
            last.1.clone_from(&entry.1);
        }
        further
    }))
}

/// What the runs added, in its order.
fn noted_from(
    tables: &Tables,
    connection: ConnectionId,
    from: &KeyDigest,
) -> Result<Vec<IdentityEntry>, Error> {
    let mut noted = Vec::new();
    for run in tables.values::<IdentityRun>(Table::IdentityRuns, &key::connection(connection)) {
        let run = run?;
        let added = run.added.iter().filter(|(digest, _)| *digest >= &from[..]);
        noted.extend(added.map(owned));
    }
    noted.sort_unstable();
    Ok(noted)
}

/// What the leaves have.
fn folded_from(
    tables: &Tables,
    connection: ConnectionId,
    from: KeyDigest,
) -> Result<impl Iterator<Item = Result<IdentityEntry, Error>> + use<'_>, Error> {
    let target = key::identity_leaf(connection, &from, &[]);
    let first = leaf_with(tables, connection, &target)?.map(|(_place, leaf)| Ok(leaf));
    let later = tables
        .scan_after(Table::IdentityLeaves, &key::connection(connection), &target)
        .filter_map(|entry| tables.value(Table::IdentityLeaves, entry).transpose());
    let entries = |leaf: Result<IdentityLeaf, Error>| match leaf {
        Ok(leaf) => leaf.0.iter().map(owned).map(Ok).collect(),
        Err(error) => vec![Err(error)],
    };
    let all = first.into_iter().chain(later).flat_map(entries);
    Ok(all.skip_while(move |entry| entry.as_ref().is_ok_and(|(digest, _)| *digest < from)))
}

/// One lookup at work.
struct Finding<'t> {
    tables: &'t Tables,
    connection: ConnectionId,
    found: Found,
    /// What was looked at and is not there.
    indexed: HashMap<OpportunityId, Option<BTreeSet<KeyDigest>>>,
}

impl<'t> Finding<'t> {
    fn new(tables: &'t Tables, connection: ConnectionId) -> Self {
        Self {
            tables,
            connection,
            found: Found::default(),
            indexed: HashMap::new(),
        }
    }

    fn find(mut self, sought: &Sought) -> Result<Found, Error> {
        let digester = self.tables.digester()?;
        let digests = sought
            .keys
            .iter()
            .map(|key| digester.digest(self.connection, key));
        let digests: Vec<KeyDigest> = digests.collect();
        let mut ids: Vec<BTreeSet<Vec<u8>>> = vec![BTreeSet::new(); digests.len()];
        // Runs before leaves: what is folded in between is met twice rather than not at all.
        self.search_runs(&digests, &mut ids)?;
        for (digest, ids) in digests.iter().zip(&mut ids) {
            self.search_leaves(digest, ids)?;
        }
        for (digest, ids) in digests.iter().zip(ids) {
            let mut having = Vec::new();
            for id in ids {
                let id = unpack(&id).ok_or_else(|| Error::corrupt(Table::IdentityLeaves))?;
                let id = OpportunityId::from(id);
                self.load(&id)?;
                let keys = self.indexed.get(&id).and_then(Option::as_ref);
                if keys.is_some_and(|keys| keys.contains(digest)) {
                    having.push(id);
                }
                if having.len() == MOST_OF_A_KEY {
                    break;
                }
            }
            self.found.by_key.push(having);
        }
        let of_those_found = self.found.candidacies.values();
        let mut people: BTreeSet<ContactId> = of_those_found
            .filter_map(|candidacy| candidacy.contact.clone())
            .collect();
        people.extend(sought.contacts.iter().cloned());
        people.iter().try_for_each(|contact| self.person(contact))?;
        Ok(self.found)
    }

    fn search_runs(
        &self,
        digests: &[KeyDigest],
        ids: &mut [BTreeSet<Vec<u8>>],
    ) -> Result<(), Error> {
        let runs = key::connection(self.connection);
        for run in self
            .tables
            .values::<IdentityRun>(Table::IdentityRuns, &runs)
        {
            let run = run?;
            for (digest, ids) in digests.iter().zip(&mut *ids) {
                ids.extend(run.added.find(digest).map(<[u8]>::to_vec));
            }
        }
        Ok(())
    }

    fn search_leaves(&self, digest: &KeyDigest, ids: &mut BTreeSet<Vec<u8>>) -> Result<(), Error> {
        let target = key::identity_leaf(self.connection, digest, &[]);
        if let Some((_, leaf)) = leaf_with(self.tables, self.connection, &target)? {
            ids.extend(leaf.0.find(digest).map(<[u8]>::to_vec));
            if leaf.0.go_beyond(digest) {
                return Ok(());
            }
        }
        // Leaves that begin in the midst of those who share the key.
        for leaf in self
            .tables
            .values::<IdentityLeaf>(Table::IdentityLeaves, &target)
        {
            ids.extend(leaf?.0.find(digest).map(<[u8]>::to_vec));
            if ids.len() > MOST_OF_A_KEY {
                break;
            }
        }
        Ok(())
    }

    /// Reads an opportunity, once.
    fn load(&mut self, id: &OpportunityId) -> Result<(), Error> {
        if self.indexed.contains_key(id) {
            return Ok(());
        }
        let key = key::candidacy(self.connection, id)?;
        let stored: Option<Indexed> = self.tables.get(Table::Candidacies, &key)?;
        let keys = stored.map(|Indexed { candidacy, keys }| {
            self.found.candidacies.insert(id.clone(), candidacy);
            keys.unwrap_or_default()
        });
        self.indexed.insert(id.clone(), keys);
        Ok(())
    }

    fn person(&mut self, contact: &ContactId) -> Result<(), Error> {
        let (present, ids) = of_contact(self.tables, self.connection, contact, MOST_OF_A_PERSON)?;
        let mut all = Vec::new();
        for id in ids {
            self.load(&id)?;
            if self.found.candidacies.contains_key(&id) {
                all.push(id);
            }
        }
        if present != *contact {
            self.found.merged.insert(contact.clone(), present.clone());
        }
        self.found.by_contact.insert(present, all);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opening::Options;

    /// A page commits its run again with each slice, and a fold may read the runs between two of them.
    ///
    /// Seen to fail without the second look at the last run: whoever came with the second slice is in no run and no leaf.
    #[tokio::test]
    async fn a_fold_that_begins_amid_a_page_loses_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            open_floor_bytes: 0,
            write_floor_bytes: 0,
            reserve_bytes: 0,
            ..Options::default()
        };
        let store = Store::open(folder.path(), options).unwrap();
        let c = ConnectionId::from_bytes([1; 16]);
        let there = move |draft: &mut Draft<'_>| {
            draft.put(Table::Connections, key::connection(c), &Counter(1));
            Ok(())
        };
        store.commit(there).await.unwrap();
        let slice = async |noted: Noted, number: u8| {
            let put = move |draft: &mut Draft<'_>| {
                let mut noted = noted;
                let id = OpportunityId::from(number.to_string());
                noted.moved(&id, &BTreeSet::new(), &[[number; 12]].into());
                noted.put(draft, c)?;
                Ok(noted)
            };
            store.commit(put).await.unwrap()
        };
        for number in 0..20 {
            slice(Noted::default(), number).await;
        }
        let begun = slice(Noted::default(), 20).await;
        let runs = runs_of(store.tables(), c).unwrap();
        slice(begun, 21).await;
        let folded = store.fold_runs(c, runs).await.unwrap();
        let entries = entries_from(store.tables(), c, KeyDigest::default()).unwrap();
        let digests: Vec<_> = entries.map(|entry| entry.unwrap().0[0]).collect();
        assert_eq!(digests, (0..22).collect::<Vec<u8>>());
        assert_eq!(folded, 20);
    }
}
