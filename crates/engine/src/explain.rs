//! Why somebody is not where they are looked for: what the mirror has of them, or what can explain that it has nobody.
//!
//! Whom the caller may not see is nobody here, and every cause is told from the connection and the question alone; so
//! the answer about somebody hidden is the answer about a stranger.

mod live;

use std::collections::BTreeMap;

use domain::absence::{Absence, Circumstances, Clue, Gone, IdKind, NotListed};
use domain::identity::IdentityKey;
use domain::{Candidacy, ConnectionId, Listing, Parent, Stream, Timestamp, Write};
use lever::{ContactId, OpportunityId};
use store::{ListingState, Quarantined, StreamState};

use crate::candidate::{LISTS, UnreadList};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::legend::Legend;
use crate::lookup::{Agreement, Known, Match, MatchStrength, check_one};
use crate::read::{
    LONGEST_ID, Sight, Viewer, not_refused, opportunity_in, read_below, readable, surely_open,
};
use crate::standing::Standing;
use crate::status;

pub use live::{InLever, LeverAnswer, LeverSees};

/// Candidacies that are told of in full.
const MOST_TOLD: usize = 50;
/// Records about a candidacy that could not be read and are told of.
const MOST_SET_ASIDE: usize = 100;
/// Operations about a candidacy that are counted.
const MOST_OPERATIONS: usize = 1_000;
/// Records in quarantine that are searched for an address.
const MOST_SEARCHED: usize = 1_000;

/// Who is looked for.
#[derive(Debug, Clone)]
pub enum LookedFor {
    /// Somebody of whom something is known.
    Identity(Known),
    /// Whoever has a candidacy with this id.
    Opportunity(OpportunityId),
    /// Whoever has this id, or was merged into.
    Contact(ContactId),
}

/// What an answer may tell, and where it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExplainHow {
    /// Who asks.
    pub viewer: Viewer,
    /// Whether the asker may know of answers for equal opportunity.
    pub eeo: bool,
    /// Whether Lever is asked as well.
    pub ask_lever: bool,
}

/// Why somebody is not where they are looked for.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// Whom the mirror has, the surest first.
    pub people: Vec<ExplainedPerson>,
    /// What can explain that nobody is found, the most likely first.
    pub causes: Vec<Absence>,
    /// Fields by which nobody can be recognized.
    pub unused: Vec<String>,
    /// The start of the oldest last-complete pass it rests on.
    pub as_of: Option<Timestamp>,
    /// Who was created before this is not in the mirror.
    pub history_start: Option<Timestamp>,
    /// What Lever has, where it was to be asked.
    pub in_lever: Option<InLever>,
}

/// Somebody in the mirror.
#[derive(Debug, Clone)]
pub struct ExplainedPerson {
    /// Lever's id of the person.
    pub contact: Option<ContactId>,
    /// Another id that was asked for, merged into this one.
    pub merged: Option<ContactId>,
    /// The name; empty when anonymized.
    pub name: String,
    /// How sure.
    pub strength: MatchStrength,
    /// Why.
    pub evidence: Vec<Agreement>,
    /// Whether the person must not be contacted.
    pub do_not_contact: bool,
    /// Whether Lever has taken the personal data out.
    pub anonymized: bool,
    /// The candidacies that there is room for.
    pub candidacies: Vec<ExplainedCandidacy>,
    /// Further ones.
    pub more: usize,
}

/// A candidacy, and why it is or is not among the applicants.
#[derive(Debug, Clone)]
pub struct ExplainedCandidacy {
    /// How it stands.
    pub standing: Standing,
    /// Why it is not among the applicants; empty where it is.
    pub not_listed: Vec<NotListed>,
    /// When the request was sent that last brought it.
    pub read_at: Option<Timestamp>,
    /// What is stored of it.
    pub lists: Vec<StoredList>,
    /// What of it could not be read.
    pub set_aside: Vec<Quarantined>,
    /// Operations about it that are kept.
    pub operations: usize,
    /// Those of them that are not settled.
    pub open_operations: usize,
}

/// What the mirror has of one list of a candidacy.
#[derive(Debug, Clone)]
pub struct StoredList {
    /// Which.
    pub stream: Stream,
    /// Records that it has brought.
    pub records: u64,
    /// When it was last read whole.
    pub read_at: Option<Timestamp>,
    /// Whether it waits to be read.
    pub waiting: bool,
    /// Why it is not shown.
    pub unread: Option<UnreadList>,
}

/// What of the mirror an explanation rests on.
struct Grounds {
    listings: BTreeMap<Listing, ListingState>,
    states: BTreeMap<Stream, StreamState>,
}

/// Who was found, and what the question turned out to be.
#[derive(Default)]
struct FoundBy {
    matches: Vec<Match>,
    /// What an id was one of, if of something else.
    other_kind: Option<IdKind>,
}

impl Engine {
    /// Tells why somebody is not where they are looked for.
    ///
    /// # Errors
    /// Not found for an unknown connection; invalid for a bad field. What cannot be read is a cause, not an error.
    pub async fn explain(
        &self,
        id: ConnectionId,
        looked_for: LookedFor,
        how: ExplainHow,
    ) -> Result<Explanation> {
        let looked_for = looked_for.checked()?;
        let sight = match self.sight(id, how.viewer) {
            Ok(sight) => sight,
            Err(error) => return self.without_a_mirror(id, error).await,
        };
        let store = &self.shared.store;
        let grounds = Grounds {
            listings: store.cursors(id).await?,
            states: store.stream_states(id).await?,
        };
        let search = Search {
            engine: self,
            sight: &sight,
            grounds: &grounds,
            eeo: how.eeo,
        };
        let indexed = !looked_for.needs_the_index() || store.identities_complete().await?;
        let opportunities = Stream::Opportunities;
        let shown = readable(&sight.connection, &grounds.listings, opportunities).is_ok();
        let found = match shown && indexed {
            true => search.find(&looked_for).await?,
            false => FoundBy::default(),
        };
        let as_of = status::as_of(&sight.connection, &grounds.listings, &[opportunities]);
        let (clue, unused) = looked_for.clue();
        let nobody = found.matches.is_empty() || found.other_kind.is_some();
        let mut causes = match nobody {
            true => {
                let known = search.circumstances(&looked_for, clue, &found, indexed, as_of);
                Absence::causes(&known.await?)
            }
            false => Vec::new(),
        };
        let in_lever = match how.ask_lever {
            true => Some(live::ask(self, &sight, &looked_for, &found.matches).await?),
            false => None,
        };
        // Lever knows them by what was asked.
        if in_lever
            .as_ref()
            .is_some_and(|seen| seen.answer == LeverAnswer::Found)
        {
            causes.retain(|cause| *cause != Absence::KnownOtherwise);
        }
        Ok(Explanation {
            people: search.told(&looked_for, found.matches).await?,
            causes,
            unused,
            as_of,
            history_start: sight.connection.sync_start,
            in_lever,
        })
    }

    /// The explanation for an account that is disconnected; any other error stays one.
    async fn without_a_mirror(&self, id: ConnectionId, error: Error) -> Result<Explanation> {
        let disconnected = match error.kind() {
            ErrorKind::Precondition { .. } => self.connection(id).await?.disconnected,
            _ => None,
        };
        let purge_at = disconnected.ok_or(error)?.purge_at;
        Ok(Explanation {
            people: Vec::new(),
            causes: vec![Absence::Disconnected { purge_at }],
            unused: Vec::new(),
            as_of: None,
            history_start: None,
            in_lever: None,
        })
    }
}

/// One question to one mirror, for one caller.
struct Search<'s> {
    engine: &'s Engine,
    sight: &'s Sight<'s>,
    grounds: &'s Grounds,
    /// Whether answers for equal opportunity are told of.
    eeo: bool,
}

impl Search<'_> {
    /// Whom the mirror has that the caller may see.
    async fn find(&self, looked_for: &LookedFor) -> Result<FoundBy> {
        let matches = match looked_for {
            LookedFor::Identity(known) => self.matches(known.clone()).await?,
            LookedFor::Opportunity(opportunity) => self.with_opportunity(opportunity).await?,
            LookedFor::Contact(contact) => self.with_contact(contact).await?,
        };
        let id = match looked_for {
            LookedFor::Opportunity(opportunity) => opportunity.as_str(),
            LookedFor::Contact(contact) => contact.as_str(),
            LookedFor::Identity(_) => "",
        };
        if !matches.is_empty() || id.is_empty() {
            return Ok(FoundBy {
                matches,
                ..FoundBy::default()
            });
        }
        self.by_another_kind(id).await
    }

    /// Whoever has the id of something else than was said.
    async fn by_another_kind(&self, id: &str) -> Result<FoundBy> {
        let as_opportunity = self.with_opportunity(&id.into()).await?;
        let as_contact = self.with_contact(&id.into()).await?;
        let application = self
            .engine
            .shared
            .store
            .record(self.sight.connection.id, Stream::Applications, id)
            .await?;
        let owner = application.and_then(|record| opportunity_in(&record.raw));
        let of_application = match owner {
            Some(opportunity) => self.with_opportunity(&opportunity).await?,
            None => Vec::new(),
        };
        let kinds = [
            (IdKind::Opportunity, as_opportunity),
            (IdKind::Contact, as_contact),
            (IdKind::Application, of_application),
        ];
        let found = kinds.into_iter().find(|(_, matches)| !matches.is_empty());
        Ok(
            found.map_or_else(FoundBy::default, |(kind, matches)| FoundBy {
                matches,
                other_kind: Some(kind),
            }),
        )
    }

    async fn matches(&self, known: Known) -> Result<Vec<Match>> {
        let all = self.sight.sees_confidential();
        let answers = self
            .engine
            .answered(self.sight.connection.id, vec![known], all)
            .await?;
        Ok(answers
            .into_iter()
            .flat_map(|looked| looked.matches)
            .collect())
    }

    async fn with_contact(&self, contact: &ContactId) -> Result<Vec<Match>> {
        let known = Known {
            contact: Some(contact.clone()),
            ..Known::default()
        };
        self.matches(known).await
    }

    /// The person of an opportunity, with that one first; an old record that names nobody stays alone.
    async fn with_opportunity(&self, opportunity: &OpportunityId) -> Result<Vec<Match>> {
        let id = self.sight.connection.id;
        let candidacy = self.engine.shared.store.candidacy(id, opportunity).await?;
        let Some(candidacy) =
            candidacy.filter(|row| self.sight.sees_confidential() || !row.confidential)
        else {
            return Ok(Vec::new());
        };
        let mut people = match &candidacy.contact {
            Some(contact) => self.with_contact(contact).await?,
            None => {
                let standings = self.engine.standings(id, vec![candidacy]).await?;
                let now = self.engine.shared.clock.now();
                vec![Match::new(
                    None,
                    MatchStrength::Exact,
                    Vec::new(),
                    standings,
                    now,
                )]
            }
        };
        for person in &mut people {
            person.evidence = vec![Agreement {
                kind: "opportunity_id",
                field: "opportunity_id".to_owned(),
            }];
            person
                .candidacies
                .sort_by_key(|standing| standing.candidacy.opportunity != *opportunity);
        }
        Ok(people)
    }

    /// What is known that can explain that nobody is found.
    async fn circumstances(
        &self,
        looked_for: &LookedFor,
        clue: Clue,
        found: &FoundBy,
        indexed: bool,
        as_of: Option<Timestamp>,
    ) -> Result<Circumstances> {
        let people = status::people(&self.engine.shared, &self.sight.link).await?;
        let connection = &self.sight.connection;
        Ok(Circumstances {
            clue,
            other_kind: found.other_kind,
            gone: self.gone(looked_for).await?,
            unreadable: self.unreadable(looked_for).await?,
            kept: connection.keeps(Stream::Opportunities),
            reading: people.reading,
            read: people.records,
            expected: self.sight.link.people_estimate(),
            indexed,
            paused: connection.paused,
            as_of,
            history_start: connection.sync_start,
            archived_kept: connection.include_archived,
            snoozed_kept: connection.include_snoozed,
            key_hides: self.sight.link.access.hides(),
            asker_sees_confidential: self.sight.viewer.confidential,
            quarantined: people.quarantined,
            wrong: self.wrong().await?,
        })
    }

    /// Whether there are issues that can keep somebody from being here, muted ones too.
    async fn wrong(&self) -> Result<bool> {
        let issues = self
            .engine
            .shared
            .store
            .issues(self.sight.connection.id)
            .await?;
        let hides = |issue: &domain::Issue| issue.present && issue.kind.hides_people();
        Ok(issues.iter().any(hides))
    }

    /// What is left of an opportunity that is gone. Whether it was confidential is not kept, so that only those hear of
    /// it who may know of anybody.
    async fn gone(&self, looked_for: &LookedFor) -> Result<Option<Gone>> {
        let LookedFor::Opportunity(opportunity) = looked_for else {
            return Ok(None);
        };
        if !self.sight.sees_confidential() {
            return Ok(None);
        }
        let id = opportunity.as_str();
        let store = &self.engine.shared.store;
        let record = store.record(self.sight.connection.id, Stream::Opportunities, id);
        Ok(record.await?.and_then(|record| {
            Some(Gone {
                at: record.deleted_at?,
                absent: record.absent,
            })
        }))
    }

    /// Since when the very opportunity is set aside: by its id, or by an address in it.
    async fn unreadable(&self, looked_for: &LookedFor) -> Result<Option<Timestamp>> {
        let (store, id) = (&self.engine.shared.store, self.sight.connection.id);
        let all = self.sight.sees_confidential();
        let shown = move |record: &Quarantined| all || surely_open(&record.raw);
        let record = match looked_for {
            LookedFor::Opportunity(opportunity) => {
                let id_text = opportunity.as_str();
                let record = store.quarantined_record(id, Stream::Opportunities, id_text);
                record.await?.filter(shown)
            }
            LookedFor::Contact(contact) => {
                let quoted = format!("\"{}\"", contact.as_str());
                let wanted =
                    move |record: &Quarantined| record.raw.contains(&quoted) && shown(record);
                let of = Stream::Opportunities;
                store
                    .quarantined_where(id, of, MOST_SEARCHED, wanted)
                    .await?
            }
            LookedFor::Identity(known) => {
                let addresses = addresses(known);
                if addresses.is_empty() {
                    return Ok(None);
                }
                let wanted = move |record: &Quarantined| {
                    let raw = record.raw.to_lowercase();
                    let has = |address: &String| raw.contains(&format!("\"{address}\""));
                    addresses.iter().any(has) && shown(record)
                };
                let of = Stream::Opportunities;
                store
                    .quarantined_where(id, of, MOST_SEARCHED, wanted)
                    .await?
            }
        };
        Ok(record.map(|record| record.at))
    }

    /// What is told of those who were found, as far as there is room.
    async fn told(
        &self,
        looked_for: &LookedFor,
        matches: Vec<Match>,
    ) -> Result<Vec<ExplainedPerson>> {
        let legend = Legend::of(&self.engine.shared, self.sight.connection.id).await?;
        let asked = looked_for.contact();
        let mut room = MOST_TOLD;
        let mut people = Vec::with_capacity(matches.len());
        for person in matches {
            let merged = asked.filter(|asked| {
                let by_id = |one: &Agreement| one.kind == "contact_id";
                person.evidence.iter().any(by_id) && person.contact.as_ref() != Some(*asked)
            });
            let more = person.candidacies.len().saturating_sub(room);
            let mut candidacies = Vec::new();
            for standing in person.candidacies.into_iter().take(room) {
                let not_listed = NotListed::all(&standing.candidacy, &legend.mapping);
                let explained = self.detailed(standing, not_listed);
                candidacies.push(explained.await?);
            }
            room -= candidacies.len();
            people.push(ExplainedPerson {
                contact: person.contact,
                merged: merged.cloned(),
                name: person.name,
                strength: person.strength,
                evidence: person.evidence,
                do_not_contact: person.do_not_contact,
                anonymized: person.anonymized,
                candidacies,
                more,
            });
        }
        Ok(people)
    }

    async fn detailed(
        &self,
        standing: Standing,
        not_listed: Vec<NotListed>,
    ) -> Result<ExplainedCandidacy> {
        let (store, id) = (&self.engine.shared.store, self.sight.connection.id);
        let opportunity = standing.candidacy.opportunity.clone();
        let record = store.record(id, Stream::Opportunities, opportunity.as_str());
        let record = record.await?;
        let document = record
            .as_ref()
            .and_then(|record| serde_json::from_str::<lever::Opportunity>(&record.raw).ok());
        let applications: Vec<String> = document
            .into_iter()
            .flat_map(|document| document.applications)
            .map(|application| application.as_str().to_owned())
            .collect();
        let operations = store.operations(id, Some(&opportunity), None, MOST_OPERATIONS);
        let operations = operations.await?;
        let operations: Vec<_> = operations
            .into_iter()
            .filter(|one| self.sight.viewer.confidential || !judged_by_hidden(&one.write))
            .collect();
        Ok(ExplainedCandidacy {
            not_listed,
            read_at: record.map(|record| record.requested_at),
            lists: self
                .stored_lists(&standing.candidacy, &applications)
                .await?,
            set_aside: self.set_aside(&standing.candidacy, &applications).await?,
            open_operations: operations.iter().filter(|one| !one.state.settled()).count(),
            operations: operations.len(),
            standing,
        })
    }

    async fn set_aside(
        &self,
        candidacy: &Candidacy,
        applications: &[String],
    ) -> Result<Vec<Quarantined>> {
        let (store, id) = (&self.engine.shared.store, self.sight.connection.id);
        let opportunity = &candidacy.opportunity;
        let parent = Parent::Opportunity(opportunity.clone());
        let mut found = store.quarantined_about(id, &parent, MOST_SET_ASIDE).await?;
        // A newer state of it that could not be read, and what stood in it.
        let own = (Stream::Opportunities, opportunity.as_str());
        let contact = candidacy.contact.iter();
        let contact = contact.map(|contact| (Stream::Contacts, contact.as_str()));
        let inside = applications
            .iter()
            .map(|application| (Stream::Applications, application.as_str()));
        for (stream, record) in std::iter::once(own).chain(contact).chain(inside) {
            found.extend(store.quarantined_record(id, stream, record).await?);
        }
        found.truncate(MOST_SET_ASIDE);
        Ok(found)
    }

    async fn stored_lists(
        &self,
        candidacy: &Candidacy,
        applications: &[String],
    ) -> Result<Vec<StoredList>> {
        let (store, id) = (&self.engine.shared.store, self.sight.connection.id);
        let parent = Parent::Opportunity(candidacy.opportunity.clone());
        let counts = store.count_below(id, &parent).await?;
        let hydration = store.hydration(id, &parent).await?;
        let mut inside = Vec::new();
        let contacts = candidacy.contact.iter().map(|contact| contact.as_str());
        let applications: Vec<&str> = applications.iter().map(String::as_str).collect();
        let mut by_id = vec![
            (Stream::Contacts, contacts.collect()),
            (Stream::Applications, applications.clone()),
        ];
        if self.eeo {
            // A response has the id of its application.
            by_id.push((Stream::EeoResponses, applications));
        }
        for (stream, ids) in by_id {
            let mut records = 0;
            for record in ids {
                let record = store.record(id, stream, record).await?;
                let live = record.is_some_and(|record| record.deleted_at.is_none());
                records += u64::from(live);
            }
            inside.push(StoredList {
                stream,
                records,
                read_at: None,
                waiting: false,
                unread: self.grounds.unread(self.sight, stream, Ok(())),
            });
        }
        let below = LISTS.into_iter().map(|stream| {
            let read = read_below(hydration.as_ref(), stream, &candidacy.opportunity);
            let wanted = hydration.as_ref().map(|hydration| &hydration.wanted);
            StoredList {
                stream,
                records: counts.get(&stream).copied().unwrap_or_default(),
                read_at: read.as_ref().ok().copied(),
                waiting: wanted.is_some_and(|wanted| wanted.contains_key(&stream)),
                unread: self.grounds.unread(self.sight, stream, read.map(drop)),
            }
        });
        inside.extend(below);
        Ok(inside)
    }
}

impl Grounds {
    /// Why a list is not shown, `read` being what is known of that one.
    fn unread(&self, sight: &Sight<'_>, stream: Stream, read: Result<()>) -> Option<UnreadList> {
        let refused = || not_refused(self.states.get(&stream));
        let shown = readable(&sight.connection, &self.listings, stream)
            .and_then(|()| refused())
            .and(read);
        let error = shown.err()?;
        let ErrorKind::Precondition { reason, .. } = error.kind() else {
            return None;
        };
        Some(UnreadList {
            stream,
            reason,
            message: error.sentence().to_owned(),
        })
    }
}

impl LookedFor {
    /// The same, if it can be looked for.
    fn checked(self) -> Result<LookedFor> {
        let (field, id) = match &self {
            LookedFor::Identity(known) => {
                check_one(known, "identity")?;
                return Ok(self);
            }
            LookedFor::Opportunity(opportunity) => ("opportunity_id", opportunity.as_str()),
            LookedFor::Contact(contact) => ("contact_id", contact.as_str()),
        };
        if id.is_empty() || id.len() > LONGEST_ID {
            let message = format!("give an id of Lever's, of 1 to {LONGEST_ID} bytes");
            return Err(Error::invalid(field, message));
        }
        Ok(self)
    }

    /// What it tells somebody by, and the fields that tell nobody.
    fn clue(&self) -> (Clue, Vec<String>) {
        match self {
            LookedFor::Identity(known) => known.clue(),
            LookedFor::Opportunity(_) | LookedFor::Contact(_) => (Clue::Id, Vec::new()),
        }
    }

    fn needs_the_index(&self) -> bool {
        matches!(self, LookedFor::Identity(_))
    }

    /// Lever's id of a person, where that is what is known.
    fn contact(&self) -> Option<&ContactId> {
        match self {
            LookedFor::Identity(known) => known.contact.as_ref(),
            LookedFor::Contact(contact) => Some(contact),
            LookedFor::Opportunity(_) => None,
        }
    }
}

/// The e-mail addresses of an identity in the one spelling that is compared.
fn addresses(known: &Known) -> Vec<String> {
    let keys = known
        .emails
        .iter()
        .filter_map(|email| IdentityKey::email(email));
    keys.filter_map(|key| match key {
        IdentityKey::Email(address) => Some(address),
        _ => None,
    })
    .collect()
}

/// Whether an operation was judged by people whom only those may know of who may see confidential ones.
fn judged_by_hidden(write: &Write) -> bool {
    matches!(write, Write::Export(export) if export.asked.confidential)
}
