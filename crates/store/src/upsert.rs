//! Brings what was read from Lever into the mirror: the one way in, whoever asked.

use std::collections::BTreeSet;

use domain::change::{Move, Place};
use domain::hydration::{Policy, Sighting, overtaken};
use domain::identity::IdentityKey;
use domain::provenance::Shown;
use domain::{Candidacy, ChangeKind, ConnectionId, Event, Parent, RecordChange, Stream};
use lever::Timestamp;

use crate::changes;
use crate::children;
use crate::draft::Draft;
use crate::error::{Error, ErrorKind};
use crate::forget::{self, Cause};
use crate::format::{Alias, Counter, Head, Indexed, digest, key};
use crate::hydrations;
use crate::identities::Noted;
use crate::ours;
use crate::pull::{Applied, Deleted, Incoming};
use crate::quarantine::{self, Quarantined, Subject};
use crate::records;
use crate::table::Table;
use crate::verdict::{Burial, Verdict, judge, judge_deletion};

const UNSTORABLE: &str = "an id is empty, too long, or has a NUL in it";

/// Collects the effects of records on the draft of one transaction.
pub(crate) struct Upsert<'d, 'a> {
    draft: &'d mut Draft<'a>,
    connection: ConnectionId,
    requested_at: Timestamp,
    now: Timestamp,
    applied: Applied,
    changes: Vec<Event>,
    policy: Option<&'d Policy>,
    /// Whether the connection has anything in quarantine; if not, nothing is looked for there.
    quarantine: bool,
    identities: Noted,
}

impl<'d, 'a> Upsert<'d, 'a> {
    /// `requested_at` is when the request was sent that brought the records; `now` stamps the changes.
    pub(crate) fn new(
        draft: &'d mut Draft<'a>,
        connection: ConnectionId,
        requested_at: Timestamp,
        now: Timestamp,
    ) -> Result<Self, Error> {
        Ok(Self {
            quarantine: quarantine::any(draft, connection)?,
            draft,
            connection,
            requested_at,
            now,
            applied: Applied::default(),
            changes: Vec::new(),
            policy: None,
            identities: Noted::default(),
        })
    }

    /// Notes who is recognized by what together with what was noted before: it becomes one run.
    pub(crate) fn noting_in(self, identities: Noted) -> Self {
        Self { identities, ..self }
    }

    /// Plans the reading of the lists below what is taken in.
    pub(crate) fn planning(self, policy: &'d Policy) -> Self {
        Self {
            policy: Some(policy),
            ..self
        }
    }

    /// Takes in one record; one that cannot be stored is quarantined.
    pub(crate) fn record(&mut self, incoming: &Incoming) -> Result<(), Error> {
        match self.check_ids(incoming) {
            Ok(key) => self.storable(key, incoming),
            Err(error) if *error.kind() == ErrorKind::Invalid => self.quarantine(&Quarantined {
                stream: incoming.stream,
                id: Some(incoming.id.clone()).filter(|id| !id.is_empty()),
                parent: incoming.parent.clone(),
                raw: incoming.raw.clone(),
                reason: UNSTORABLE.to_owned(),
                at: self.now,
            }),
            Err(error) => Err(error),
        }
    }

    fn check_ids(&self, incoming: &Incoming) -> Result<Vec<u8>, Error> {
        if let Some(candidacy) = &incoming.candidacy {
            index_keys(self.connection, candidacy)?;
        }
        key::record(self.connection, incoming.stream, &incoming.id)
    }

    fn storable(&mut self, key: Vec<u8>, incoming: &Incoming) -> Result<(), Error> {
        self.release(incoming)?;
        let known: Option<Head> = self.draft.get(Table::heads(incoming.stream), &key)?;
        let digest = digest(&incoming.raw);
        let verdict = match self.is_somebody_again(incoming, known.as_ref())? {
            true => Verdict::Created,
            false => judge(
                known.as_ref(),
                self.requested_at,
                incoming.updated_at,
                &digest,
            ),
        };
        let mut changed = None;
        let frame = match verdict {
            Verdict::Stale => {
                self.applied.stale += 1;
                // What it says is known better from another list; that it is in this one too still holds.
                return match known.is_some_and(|head| head.deleted_at.is_none()) {
                    true => self.put_below(incoming),
                    false => Ok(()),
                };
            }
            Verdict::Unchanged => {
                self.applied.unchanged += 1;
                known.as_ref().and_then(|head| head.frame.clone())
            }
            Verdict::Created => {
                self.applied.created += 1;
                self.count(incoming.stream, 1)?;
                changed = Some(self.change(incoming.stream, &incoming.id, ChangeKind::Created));
                self.document(&key, incoming, known.as_ref())
            }
            Verdict::Updated => {
                self.applied.updated += 1;
                changed = Some(self.change(incoming.stream, &incoming.id, ChangeKind::Updated));
                self.see_what_is_ours(&key, incoming, known.as_ref())?;
                self.document(&key, incoming, known.as_ref())
            }
        };
        let head = self.head(incoming, digest, frame);
        // Of what was never here nothing else is stored either: most of a first walk need not be looked for.
        let new = known.is_none();
        if known.as_ref() != Some(&head) {
            self.draft.put(Table::heads(incoming.stream), key, &head);
        }
        self.put_below(incoming)?;
        if let Some(candidacy) = &incoming.candidacy {
            let moved = Move {
                from: self.candidacy(candidacy, &incoming.identity, new)?,
                to: Place::of(candidacy),
            };
            // Nobody moves unnoticed, whatever the document says.
            if changed.is_none() && moved.from != moved.to {
                changed = Some(self.change(incoming.stream, &incoming.id, ChangeKind::Updated));
            }
            self.note_move(changed, moved);
        }
        self.plan(incoming, verdict != Verdict::Unchanged, new)
    }

    /// Whether a contact that went with its last opportunity has another now: that the former was deleted says nothing
    /// of the person, whom Lever gives the next one.
    fn is_somebody_again(&self, incoming: &Incoming, known: Option<&Head>) -> Result<bool, Error> {
        let gone = known.is_some_and(|head| head.deleted_at.is_some());
        if incoming.stream != Stream::Contacts || !gone {
            return Ok(false);
        }
        let contact = incoming.id.as_str().into();
        let prefix = key::contact(self.connection, &contact)?;
        self.draft.any_below(Table::ByContact, &prefix)
    }

    /// Takes note of what of ours an opportunity has lost.
    fn see_what_is_ours(
        &mut self,
        key: &[u8],
        incoming: &Incoming,
        known: Option<&Head>,
    ) -> Result<(), Error> {
        let Some(known) = known.filter(|_| incoming.stream == Stream::Opportunities) else {
            return Ok(());
        };
        let before = |draft: &Draft<'_>| {
            let document = records::document(draft.tables(), incoming.stream, key, known)?;
            Ok(document.and_then(|document| Shown::of_opportunity(&document.0)))
        };
        ours::see(
            self.draft,
            self.connection,
            &incoming.id,
            before,
            &incoming.raw,
        )
    }

    /// A record of a list below a parent is found there, whichever other lists it is in.
    fn put_below(&mut self, incoming: &Incoming) -> Result<(), Error> {
        if let Some(parent) = &incoming.parent {
            let entry = key::child(self.connection, parent, incoming.stream, &incoming.id)?;
            self.draft.mark(Table::Children, entry);
        }
        Ok(())
    }

    /// A record that can be read now is in quarantine no longer, nor is what stood in it earlier and has no id.
    fn release(&mut self, incoming: &Incoming) -> Result<(), Error> {
        if !self.quarantine {
            return Ok(());
        }
        let subject = Subject {
            stream: incoming.stream,
            id: &incoming.id,
            parent: incoming.parent.as_ref(),
        };
        quarantine::release(self.draft, self.connection, &subject, self.requested_at)?;
        if let Some(candidacy) = &incoming.candidacy {
            let parent = Parent::Opportunity(candidacy.opportunity.clone());
            for stream in [Stream::Applications, Stream::Contacts] {
                self.release_below(&parent, stream)?;
            }
        }
        Ok(())
    }

    /// What is in quarantine of a record that is gone goes, and so does what is there of the records below it.
    fn release_gone(
        &mut self,
        stream: Stream,
        id: &str,
        parent: Option<&str>,
    ) -> Result<(), Error> {
        if !self.quarantine {
            return Ok(());
        }
        let parent = parent_of(stream, parent);
        let parent = parent.as_ref();
        let always = Timestamp::from_millis(i64::MAX);
        let subject = Subject { stream, id, parent };
        quarantine::release(self.draft, self.connection, &subject, always)?;
        match Parent::new(stream, id) {
            Some(below) => quarantine::release_all_below(self.draft, self.connection, &below),
            None => Ok(()),
        }
    }

    /// Whether a record that was not seen was seen after all, though it could not be read.
    fn is_shown(&self, stream: Stream, id: &str, parent: Option<&Parent>) -> Result<bool, Error> {
        let subject = Subject { stream, id, parent };
        let since = self.requested_at;
        Ok(self.quarantine
            && quarantine::shown_since(self.draft, self.connection, &subject, since)?)
    }

    /// Plans the reading of the lists below a record that was taken in.
    fn plan(&mut self, incoming: &Incoming, changed: bool, new: bool) -> Result<(), Error> {
        let Some(policy) = self.policy else {
            return Ok(());
        };
        let Some(parent) = Parent::new(incoming.stream, &incoming.id) else {
            return Ok(());
        };
        if changed && takes_no_applications(incoming) && !policy.asked {
            self.forget_form(&parent)?;
        }
        let shown_at = self.requested_at.max(policy.shown_by);
        let sighting = match &incoming.candidacy {
            Some(candidacy) => Sighting::opportunity(candidacy, changed, shown_at, policy),
            None => Sighting::posting(incoming.posting_state.as_ref(), changed, shown_at, policy),
        };
        let known = match new {
            true => None,
            false => hydrations::stored(self.draft, self.connection, &parent)?,
        };
        self.applied.planned += hydrations::saw(
            self.draft,
            self.connection,
            &parent,
            known,
            &sighting,
            policy,
        )?;
        Ok(())
    }

    /// What was known below a person whom Lever has anonymized since goes at once, and the traces elsewhere are marked
    /// to be forgotten; what Lever still shows, it shows without the person, and is read again (X11).
    fn forget_anonymized(
        &mut self,
        known: Option<&Candidacy>,
        candidacy: &Candidacy,
    ) -> Result<(), Error> {
        if !candidacy.anonymized || known.is_some_and(|known| known.anonymized) {
            return Ok(());
        }
        let id = &candidacy.opportunity;
        if self.quarantine {
            let below = Parent::Opportunity(id.clone());
            quarantine::release_all_below(self.draft, self.connection, &below)?;
        }
        if known.is_none() {
            return Ok(());
        }
        forget::remember(self.draft, self.connection, id, Cause::Anonymized)?;
        self.absence_below(&Parent::Opportunity(id.clone()))
    }

    /// The application form of a posting that takes no applications any more is not kept: nobody would read it again.
    fn forget_form(&mut self, posting: &Parent) -> Result<(), Error> {
        hydrations::forget(self.draft, self.connection, posting)?;
        self.absence_below(posting)
    }

    fn absence_below(&mut self, parent: &Parent) -> Result<(), Error> {
        let prefix = key::below(self.connection, parent)?;
        for (stream, id) in children::of_prefix(self.draft.tables(), &prefix)? {
            self.absence(stream, &id)?;
        }
        Ok(())
    }

    fn head(&self, incoming: &Incoming, digest: [u8; 16], frame: Option<Vec<u8>>) -> Head {
        Head {
            requested_at: self.requested_at,
            updated_at: incoming.updated_at,
            deleted_at: None,
            absent: false,
            rank: incoming.rank,
            digest,
            parent: incoming
                .parent
                .as_ref()
                .map(|parent| parent.id().to_owned()),
            frame,
        }
    }

    /// Stores a new document in place of the known one; gives its frame when it belongs in the head.
    fn document(
        &mut self,
        key: &[u8],
        incoming: &Incoming,
        known: Option<&Head>,
    ) -> Option<Vec<u8>> {
        let packed = self.draft.pack(&incoming.raw);
        let (table, key) = (Table::documents(incoming.stream), key.to_vec());
        let has_entry = known.is_some_and(Head::has_entry);
        if packed.len() > Head::LONGEST_FRAME {
            self.draft.put_document(table, key, &packed, !has_entry);
            return None;
        }
        if has_entry {
            self.draft.remove(table, key);
        }
        Some(packed)
    }

    /// Takes in the news of a deletion. An id that cannot be stored never was.
    pub(crate) fn deletion(&mut self, deleted: &Deleted) -> Result<(), Error> {
        let Ok(key) = key::record(self.connection, deleted.stream, &deleted.id) else {
            return Ok(());
        };
        let known: Option<Head> = self.draft.get(Table::heads(deleted.stream), &key)?;
        let requested_at = known.as_ref().map_or(self.requested_at, |head| {
            head.requested_at.max(self.requested_at)
        });
        let tombstone = Head {
            requested_at,
            updated_at: None,
            deleted_at: Some(deleted.at),
            absent: false,
            rank: 0,
            digest: [0; 16],
            parent: known.as_ref().and_then(|head| head.parent.clone()),
            frame: None,
        };
        let burial = judge_deletion(known.as_ref(), deleted.at);
        match burial {
            Burial::Stale => self.applied.stale += 1,
            Burial::Known => {}
            Burial::Remembered => {
                self.draft
                    .put(Table::heads(deleted.stream), key, &tombstone);
                // Who was only missed until now, or never seen, may have been written about here.
                self.forget_opportunity(deleted.stream, &deleted.id, Cause::Deleted)?;
            }
            Burial::Buried => self.bury(key, deleted.stream, &deleted.id, &tombstone)?,
        }
        if burial != Burial::Stale {
            self.release_gone(deleted.stream, &deleted.id, tombstone.parent.as_deref())?;
        }
        Ok(())
    }

    /// Concludes that a live record is deleted from its absence in a list that was read whole, unless it was there
    /// and could not be read.
    pub(crate) fn missing(&mut self, stream: Stream, id: &str) -> Result<(), Error> {
        match self.is_shown(stream, id, None)? {
            true => Ok(()),
            false => self.absence(stream, id),
        }
    }

    fn absence(&mut self, stream: Stream, id: &str) -> Result<(), Error> {
        let key = key::record(self.connection, stream, id)?;
        let known: Option<Head> = self.draft.get(Table::heads(stream), &key)?;
        let tombstone = Head {
            requested_at: self.requested_at,
            updated_at: None,
            deleted_at: Some(self.now),
            absent: true,
            rank: 0,
            digest: [0; 16],
            parent: known.and_then(|head| head.parent),
            frame: None,
        };
        self.bury(key, stream, id, &tombstone)
    }

    /// Leaves only the tombstone of a live record: what Lever deleted is not kept.
    fn bury(
        &mut self,
        key: Vec<u8>,
        stream: Stream,
        id: &str,
        tombstone: &Head,
    ) -> Result<(), Error> {
        let cause = match tombstone.absent {
            true => Cause::Absent,
            false => Cause::Deleted,
        };
        self.forget_opportunity(stream, id, cause)?;
        self.release_gone(stream, id, tombstone.parent.as_deref())?;
        self.draft.remove(Table::documents(stream), key.clone());
        self.draft.put(Table::heads(stream), key, tombstone);
        self.applied.deleted += 1;
        self.count(stream, -1)?;
        let changed = self.change(stream, id, ChangeKind::Deleted);
        if stream == Stream::Opportunities {
            let key = key::candidacy(self.connection, &id.into())?;
            let former: Option<Indexed> = self.draft.get(Table::Candidacies, &key)?;
            let place = former
                .as_ref()
                .and_then(|former| Place::of(&former.candidacy));
            let gone = Move {
                from: place,
                to: None,
            };
            self.note_move(Some(changed), gone);
            self.draft.remove(Table::SlaMarks, key.clone());
            if let Some(Indexed { candidacy, keys }) = former {
                self.unindex(&candidacy)?;
                let (opportunity, keys) = (&candidacy.opportunity, keys.unwrap_or_default());
                self.identities.moved(opportunity, &keys, &BTreeSet::new());
            }
            self.draft.remove(Table::Candidacies, key);
        }
        if let Some(parent) = parent_of(stream, tombstone.parent.as_deref()) {
            let entry = key::child(self.connection, &parent, stream, id)?;
            self.draft.remove(Table::Children, entry);
        }
        match Parent::new(stream, id) {
            Some(parent) => self.bury_below(&parent, tombstone),
            None => Ok(()),
        }
    }

    /// Marks the traces of an opportunity to be forgotten; other records leave none elsewhere.
    fn forget_opportunity(&mut self, stream: Stream, id: &str, cause: Cause) -> Result<(), Error> {
        match stream {
            Stream::Opportunities => {
                forget::remember(self.draft, self.connection, &id.into(), cause)
            }
            _ => Ok(()),
        }
    }

    /// What hangs on a record goes with it.
    fn bury_below(&mut self, parent: &Parent, tombstone: &Head) -> Result<(), Error> {
        hydrations::forget(self.draft, self.connection, parent)?;
        let prefix = key::below(self.connection, parent)?;
        for (stream, id) in children::of_prefix(self.draft.tables(), &prefix)? {
            let key = key::record(self.connection, stream, &id)?;
            let tombstone = Head {
                parent: Some(parent.id().to_owned()),
                ..tombstone.clone()
            };
            self.bury(key, stream, &id, &tombstone)?;
        }
        Ok(())
    }

    /// Makes tombstones of the records below a parent that a whole read of their list did not bring.
    pub(crate) fn retire_below(
        &mut self,
        parent: &Parent,
        stream: Stream,
        seen: &BTreeSet<&str>,
    ) -> Result<(), Error> {
        let prefix = key::below(self.connection, parent)?;
        for (of, id) in children::of_prefix(self.draft.tables(), &prefix)? {
            if of != stream || seen.contains(id.as_str()) {
                continue;
            }
            let key = key::record(self.connection, stream, &id)?;
            let head: Option<Head> = self.draft.get(Table::heads(stream), &key)?;
            let older = |head: Head| {
                head.requested_at != self.requested_at
                    && !overtaken(head.requested_at, self.requested_at)
            };
            if head.is_some_and(older) && !self.is_shown(stream, &id, Some(parent))? {
                self.absence(stream, &id)?;
            }
        }
        Ok(())
    }

    /// Makes a tombstone of a live record, whatever was known about it; true when it was live.
    ///
    /// Unless it is only `absent`, no late answer undoes that.
    pub(crate) fn forget(&mut self, stream: Stream, id: &str, absent: bool) -> Result<bool, Error> {
        let key = key::record(self.connection, stream, id)?;
        let known: Option<Head> = self.draft.get(Table::heads(stream), &key)?;
        let Some(known) = known.filter(|known| known.deleted_at.is_none()) else {
            self.release_gone(stream, id, None)?;
            return Ok(false);
        };
        let tombstone = Head {
            requested_at: known.requested_at.max(self.requested_at),
            updated_at: None,
            deleted_at: Some(self.now),
            absent,
            rank: 0,
            digest: [0; 16],
            parent: known.parent,
            frame: None,
        };
        self.bury(key, stream, id, &tombstone)?;
        Ok(true)
    }

    /// Keeps a record that could not be read.
    pub(crate) fn quarantine(&mut self, record: &Quarantined) -> Result<(), Error> {
        self.quarantine = true;
        if quarantine::keep(self.draft, self.connection, record, self.requested_at)? {
            self.applied.quarantined += 1;
        }
        Ok(())
    }

    /// Removes from quarantine what a whole read of a list below a parent, or inside it, no longer brought.
    pub(crate) fn release_below(&mut self, parent: &Parent, stream: Stream) -> Result<(), Error> {
        if !self.quarantine {
            return Ok(());
        }
        let before = self.requested_at;
        quarantine::release_below(self.draft, self.connection, parent, stream, before)
    }

    /// Takes in a candidacy, and tells where it stood before.
    ///
    /// Also for an unchanged opportunity: its application, of which the candidacy tells too, may have changed.
    fn candidacy(
        &mut self,
        candidacy: &Candidacy,
        identity: &BTreeSet<IdentityKey>,
        new: bool,
    ) -> Result<Option<Place>, Error> {
        let key = key::candidacy(self.connection, &candidacy.opportunity)?;
        let former: Option<Indexed> = match new {
            true => None,
            false => self.draft.get(Table::Candidacies, &key)?,
        };
        let known = former.as_ref().map(|former| &former.candidacy);
        let place = known.and_then(Place::of);
        self.forget_anonymized(known, candidacy)?;
        let digester = self.draft.tables().digester()?;
        let keys = digester.digests(self.connection, identity);
        let known_keys = former.as_ref().and_then(|former| former.keys.as_ref());
        if known == Some(candidacy) && known_keys == Some(&keys) {
            return Ok(place);
        }
        let none = BTreeSet::new();
        let opportunity = &candidacy.opportunity;
        self.identities
            .moved(opportunity, known_keys.unwrap_or(&none), &keys);
        if let Some(known) = known {
            self.unindex(known)?;
        }
        for (table, entry) in index_keys(self.connection, candidacy)? {
            self.draft.mark(table, entry);
        }
        if let Some(known) = known {
            self.rehome(known, candidacy)?;
        }
        let indexed = Indexed {
            candidacy: candidacy.clone(),
            keys: Some(keys),
        };
        match former {
            None => self.draft.put_new(Table::Candidacies, key, &indexed),
            Some(_) => self.draft.put(Table::Candidacies, key, &indexed),
        }
        Ok(place)
    }

    /// Leaves an alias behind where a contact has given its last opportunity to another, as when Lever merges two; the
    /// contact itself goes, since nothing would tell that its person was deleted or anonymized.
    fn rehome(&mut self, known: &Candidacy, candidacy: &Candidacy) -> Result<(), Error> {
        let (Some(former), Some(present)) = (&known.contact, &candidacy.contact) else {
            return Ok(());
        };
        if former == present {
            return Ok(());
        }
        let prefix = key::contact(self.connection, former)?;
        if self.draft.any_below(Table::ByContact, &prefix)? {
            return Ok(());
        }
        let alias = Alias(present.clone());
        self.draft.put(Table::ContactAliases, prefix, &alias);
        let absent = true;
        self.forget(Stream::Contacts, former.as_str(), absent)
            .map(drop)
    }

    /// Takes in what was derived again from a stored document, for a candidacy without identity keys.
    pub(crate) fn rederived(
        &mut self,
        candidacy: &Candidacy,
        identity: &BTreeSet<IdentityKey>,
    ) -> Result<(), Error> {
        let key = key::candidacy(self.connection, &candidacy.opportunity)?;
        let known: Option<Indexed> = self.draft.get(Table::Candidacies, &key)?;
        match known.is_some_and(|known| known.keys.is_none()) {
            true => self.candidacy(candidacy, identity, false).map(drop),
            false => Ok(()),
        }
    }

    fn unindex(&mut self, former: &Candidacy) -> Result<(), Error> {
        for (table, entry) in index_keys(self.connection, former)? {
            self.draft.remove(table, entry);
        }
        Ok(())
    }

    fn count(&mut self, stream: Stream, difference: i64) -> Result<(), Error> {
        let key = key::stream(self.connection, stream);
        let count = self
            .draft
            .count(Table::counts(stream), &key)?
            .saturating_add_signed(difference);
        self.draft.put(Table::counts(stream), key, &Counter(count));
        Ok(())
    }

    /// Notes what happened to a record; gives its place among what this transaction has noted.
    fn change(&mut self, stream: Stream, id: &str, kind: ChangeKind) -> usize {
        self.changes.push(Event::Record(RecordChange {
            stream,
            id: id.to_owned(),
            kind,
            moved: None,
        }));
        self.changes.len() - 1
    }

    /// Completes what was noted of an opportunity.
    fn note_move(&mut self, changed: Option<usize>, moved: Move) {
        if let Some(Event::Record(change)) = changed.and_then(|at| self.changes.get_mut(at)) {
            change.moved = Some(moved);
        }
    }

    /// Stores the changes and the number of the last one, and gives the counts.
    pub(crate) fn finish(self) -> Result<Applied, Error> {
        self.finish_slice().map(|(applied, _)| applied)
    }

    /// The same, where more is to be noted in what is given back.
    pub(crate) fn finish_slice(mut self) -> Result<(Applied, Noted), Error> {
        self.identities.put(self.draft, self.connection)?;
        self.applied.last_sequence =
            changes::append(self.draft, self.connection, self.now, self.changes)?;
        Ok((self.applied, self.identities))
    }
}

fn takes_no_applications(incoming: &Incoming) -> bool {
    incoming.stream == Stream::Postings
        && !domain::hydration::takes_applications(incoming.posting_state.as_ref())
}

/// The record that one of a stream hangs on, by its id.
fn parent_of(stream: Stream, id: Option<&str>) -> Option<Parent> {
    Parent::new(stream.parent()?, id?)
}

/// The index entries of a candidacy; only active ones are found by stage.
fn index_keys(
    connection: ConnectionId,
    candidacy: &Candidacy,
) -> Result<Vec<(Table, Vec<u8>)>, Error> {
    let mut keys = Vec::with_capacity(2);
    let opportunity = &candidacy.opportunity;
    if let Some(stage) = candidacy.stage.as_ref().filter(|_| candidacy.active()) {
        let key = key::stage_entry(connection, stage, candidacy.entered_stage_at, opportunity)?;
        keys.push((Table::ByStage, key));
    }
    if let Some(contact) = &candidacy.contact {
        keys.push((
            Table::ByContact,
            key::contact_entry(connection, contact, opportunity)?,
        ));
    }
    Ok(keys)
}
