//! Who somebody is in Lever: answered from the mirror, with what tells so (F-51, X2).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::absence::Clue;
use domain::identity::{IdentityKey, Strength};
use domain::{Candidacy, Connection, ConnectionId, Listing, Stream, Timestamp};
use lever::{ContactId, OpportunityId};
use store::{Found, ListingState, Sought};
use tokio_util::task::AbortOnDropHandle;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::standing::Standing;
use crate::status;

/// Identities of one lookup.
pub const MOST_IDENTITIES: usize = 1_000;
/// Identities from which on two tasks share the work of a lookup; for fewer, handing it over costs what it gains.
const SHARED_FROM: usize = 32;
/// Values of one kind in an identity.
const MOST_VALUES: usize = 50;
/// Bytes of one value.
const LONGEST_VALUE: usize = 2_000;
/// People told for one identity.
const MOST_MATCHES: usize = 20;

/// What the caller knows of somebody.
#[derive(Clone, Default)]
pub struct Known {
    /// The caller's own name for it.
    pub key: String,
    /// E-mail addresses.
    pub emails: Vec<String>,
    /// A LinkedIn profile.
    pub linkedin_url: String,
    /// A GitHub page.
    pub github_url: String,
    /// A page on X.
    pub twitter_url: String,
    /// Telephone numbers.
    pub phones: Vec<String>,
    /// The full name.
    pub name: String,
    /// An employer, present or past.
    pub company: String,
    /// Lever's id of the person.
    pub contact: Option<ContactId>,
}

impl Known {
    /// What somebody is looked for by, and the fields that tell nobody from others.
    pub(crate) fn clue(&self) -> (Clue, Vec<String>) {
        let question = Question::from(self.clone());
        let strongest = question.keys.keys().map(IdentityKey::strength).max();
        let clue = match (&question.contact, strongest) {
            (_, Some(Strength::Strong)) => Clue::Strong,
            (Some(_), _) => Clue::Id,
            (None, Some(Strength::Weak)) => Clue::Weak,
            (None, None) => Clue::Nothing,
        };
        (clue, question.unused)
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").finish_non_exhaustive()
    }
}

/// How sure it is that a match is the same person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchStrength {
    /// Others may share what agrees: ask a person.
    Weak,
    /// Something agrees that belongs to one person.
    Strong,
    /// Lever's own id.
    Exact,
}

impl From<Strength> for MatchStrength {
    fn from(strength: Strength) -> MatchStrength {
        match strength {
            Strength::Strong => MatchStrength::Strong,
            Strength::Weak => MatchStrength::Weak,
        }
    }
}

/// What agrees between an identity and somebody in Lever, or two people there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Agreement {
    /// The kind, such as `email` or `contact_id`.
    pub kind: &'static str,
    /// The field of the identity, such as `emails[0]`; empty between two people in Lever.
    pub field: String,
}

/// Somebody in Lever who may be the one.
#[derive(Debug, Clone)]
pub struct Match {
    /// Lever's id of the person; none for an old record without one.
    pub contact: Option<ContactId>,
    /// The person's name as the latest record has it; empty when anonymized.
    pub name: String,
    /// How sure.
    pub strength: MatchStrength,
    /// Why, the strongest first.
    pub evidence: Vec<Agreement>,
    /// All that the caller may see of the person's candidacies, the open ones first, each part by its last change.
    pub candidacies: Vec<Standing>,
    /// Whether consent to be contacted was refused or has ended (X19).
    pub do_not_contact: bool,
    /// Whether Lever has taken the personal data out of one of them (X11).
    pub anonymized: bool,
    /// When somebody last dealt with the person.
    pub last_interaction_at: Option<Timestamp>,
}

/// The answer for one identity.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The caller's own name for it.
    pub key: String,
    /// Who it may be, the surest first; at most 20.
    pub matches: Vec<Match>,
    /// Fields that nobody can be recognized by, such as `emails[1]`.
    pub unused: Vec<String>,
}

/// The answer to a lookup.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// One for each identity, in their order.
    pub results: Vec<Looked>,
    /// The start of the oldest last-complete pass it rests on; none until everybody has been read once.
    pub as_of: Option<Timestamp>,
    /// Who was created before this is not in the mirror.
    pub history_start: Option<Timestamp>,
}

impl Engine {
    /// Tells for each identity who in Lever that may be.
    ///
    /// Confidential people are among them only for callers who may see them.
    ///
    /// # Errors
    /// Not found; invalid, naming the field; precondition until opportunities have been read, or when the key may not
    /// read them; unavailable while the index of a store of an earlier version is being made.
    pub async fn lookup(
        &self,
        id: ConnectionId,
        identities: Vec<Known>,
        confidential: bool,
    ) -> Result<Lookup> {
        let connection = self.link(id)?.connection();
        check(&identities)?;
        let listings = self.people_known(&connection).await?;
        let all = confidential && self.shows_confidential(id);
        Ok(Lookup {
            results: self.looked_up(id, identities, all).await?,
            as_of: status::as_of(&connection, &listings, &[Stream::Opportunities]),
            history_start: connection.sync_start,
        })
    }

    /// The answers in the order of what was asked, many of them worked out in two halves at once.
    async fn looked_up(
        &self,
        id: ConnectionId,
        mut identities: Vec<Known>,
        all: bool,
    ) -> Result<Vec<Looked>> {
        if identities.len() < SHARED_FROM {
            return self.answered(id, identities, all).await;
        }
        let others = identities.split_off(identities.len() / 2);
        let engine = self.clone();
        let beside = tokio::spawn(async move { engine.answered(id, others, all).await });
        // A caller who goes away ends both halves.
        let beside = AbortOnDropHandle::new(beside);
        let mut results = self.answered(id, identities, all).await?;
        results.extend(beside.await.map_err(Error::internal)??);
        Ok(results)
    }

    /// Who each identity may be, in the order of what was asked; nothing is checked.
    pub(crate) async fn answered(
        &self,
        id: ConnectionId,
        identities: Vec<Known>,
        all: bool,
    ) -> Result<Vec<Looked>> {
        let asked: Vec<Question> = identities.into_iter().map(Question::from).collect();
        let found = self.found(id, &asked, all).await?;
        let told = asked
            .iter()
            .map(|question| question.matched(&found))
            .collect::<Vec<_>>();
        let standings = self.standings_of(id, &found, &told).await?;
        let now = self.shared.clock.now();
        let results = asked
            .into_iter()
            .zip(told)
            .map(|(question, people)| Looked {
                key: question.key,
                unused: question.unused,
                matches: people
                    .into_iter()
                    .map(|person| described(person, &found, &standings, now))
                    .collect(),
            });
        Ok(results.collect())
    }

    /// The listings of a connection, once its people can be told by what they are recognized by.
    ///
    /// # Errors
    /// Precondition until opportunities have been read, or when the key may not read them; unavailable while the index
    /// of a store of an earlier version is being made.
    pub(crate) async fn people_known(
        &self,
        connection: &Connection,
    ) -> Result<BTreeMap<Listing, ListingState>> {
        let listings = self.shared.store.cursors(connection.id).await?;
        crate::read::readable(connection, &listings, Stream::Opportunities)?;
        if !self.shared.store.identities_complete().await? {
            return Err(Error::unavailable(
                "the index of people is being made for a mirror of an earlier version: ask again in a minute",
            ));
        }
        Ok(listings)
    }

    async fn found(&self, id: ConnectionId, asked: &[Question], all: bool) -> Result<Visible> {
        let keys: BTreeSet<&IdentityKey> = asked.iter().flat_map(|one| one.keys.keys()).collect();
        let keys: Vec<IdentityKey> = keys.into_iter().cloned().collect();
        let contacts = asked.iter().filter_map(|one| one.contact.clone()).collect();
        let sought = Sought {
            keys: keys.clone(),
            contacts,
        };
        let found = self.shared.store.find_people(id, sought).await?;
        Ok(Visible::new(keys, found, all))
    }

    /// How every candidacy stands that is told of.
    async fn standings_of(
        &self,
        id: ConnectionId,
        found: &Visible,
        told: &[Vec<Person>],
    ) -> Result<HashMap<OpportunityId, Standing>> {
        let people = told.iter().flatten().map(|person| &person.who);
        let rows: BTreeMap<&OpportunityId, &Candidacy> = people
            .flat_map(|who| found.candidacies_of(who))
            .map(|candidacy| (&candidacy.opportunity, candidacy))
            .collect();
        let rows = rows.into_values().cloned().collect();
        let standings = self.standings(id, rows).await?.into_iter();
        Ok(standings
            .map(|standing| (standing.candidacy.opportunity.clone(), standing))
            .collect())
    }
}

/// Somebody in Lever.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Contact(ContactId),
    /// An old record that names no person.
    Alone(OpportunityId),
}

/// Somebody who may be the one.
struct Person {
    who: Who,
    strength: MatchStrength,
    evidence: Vec<Agreement>,
}

/// What was found, without what the caller may not see.
struct Visible {
    by_key: BTreeMap<IdentityKey, Vec<OpportunityId>>,
    candidacies: HashMap<OpportunityId, Candidacy>,
    by_contact: HashMap<ContactId, Vec<OpportunityId>>,
    merged: HashMap<ContactId, ContactId>,
}

impl Visible {
    fn new(keys: Vec<IdentityKey>, found: Found, all: bool) -> Visible {
        let mut candidacies = found.candidacies;
        candidacies.retain(|_, candidacy| all || !candidacy.confidential);
        Visible {
            by_key: keys.into_iter().zip(found.by_key).collect(),
            candidacies,
            by_contact: found.by_contact,
            merged: found.merged,
        }
    }

    fn candidacies_of<'v>(&'v self, who: &'v Who) -> impl Iterator<Item = &'v Candidacy> {
        let ids = match who {
            Who::Contact(contact) => self.by_contact.get(contact).map_or(&[][..], Vec::as_slice),
            Who::Alone(opportunity) => std::slice::from_ref(opportunity),
        };
        ids.iter().filter_map(|id| self.candidacies.get(id))
    }

    fn with_key(&self, key: &IdentityKey) -> impl Iterator<Item = Who> {
        let ids = self.by_key.get(key).map_or(&[][..], Vec::as_slice);
        let candidacies = ids.iter().filter_map(|id| self.candidacies.get(id));
        candidacies.map(|candidacy| match &candidacy.contact {
            Some(contact) => Who::Contact(contact.clone()),
            None => Who::Alone(candidacy.opportunity.clone()),
        })
    }
}

/// An identity as it is looked for.
struct Question {
    key: String,
    /// What somebody is recognized by, and the field that it came from.
    keys: BTreeMap<IdentityKey, String>,
    contact: Option<ContactId>,
    unused: Vec<String>,
}

impl From<Known> for Question {
    fn from(known: Known) -> Question {
        let mut question = Question {
            key: known.key,
            keys: BTreeMap::new(),
            contact: known.contact,
            unused: Vec::new(),
        };
        for (at, email) in known.emails.iter().enumerate() {
            question.take(format!("emails[{at}]"), IdentityKey::email(email));
        }
        let links = [
            ("linkedin_url", &known.linkedin_url, "linkedin"),
            ("github_url", &known.github_url, "github"),
            ("twitter_url", &known.twitter_url, "twitter"),
        ];
        for (field, link, kind) in links.into_iter().filter(|(_, link, _)| !link.is_empty()) {
            let key = IdentityKey::link(link).filter(|key| key.kind() == kind);
            question.take(field.to_owned(), key);
        }
        for (at, phone) in known.phones.iter().enumerate() {
            question.take(format!("phones[{at}]"), IdentityKey::phone(phone));
        }
        match (known.name.is_empty(), known.company.is_empty()) {
            (false, false) => {
                let key = IdentityKey::name_and_employer(&known.name, &known.company);
                question.take("company".to_owned(), key);
            }
            // One without the other tells nobody from others.
            (false, true) => question.unused.push("name".to_owned()),
            (true, false) => question.unused.push("company".to_owned()),
            (true, true) => {}
        }
        question
    }
}

impl Question {
    /// Looks for a key; of two fields with the same, the first is told.
    fn take(&mut self, field: String, key: Option<IdentityKey>) {
        match key {
            Some(key) => drop(self.keys.entry(key).or_insert(field)),
            None => self.unused.push(field),
        }
    }

    /// Who it may be, the surest first.
    fn matched(&self, found: &Visible) -> Vec<Person> {
        let mut people: BTreeMap<Who, (MatchStrength, Vec<Agreement>)> = BTreeMap::new();
        let mut meet = |who: Who, strength: MatchStrength, evidence: Agreement| {
            let known = people.entry(who).or_insert((strength, Vec::new()));
            known.0 = known.0.max(strength);
            if !known.1.contains(&evidence) {
                known.1.push(evidence);
            }
        };
        if let Some(contact) = &self.contact {
            let who = Who::Contact(found.merged.get(contact).unwrap_or(contact).clone());
            let evidence = Agreement {
                kind: "contact_id",
                field: "contact_id".to_owned(),
            };
            if found.candidacies_of(&who).next().is_some() {
                meet(who, MatchStrength::Exact, evidence);
            }
        }
        for (key, field) in &self.keys {
            let strength = key.strength().into();
            for who in found.with_key(key) {
                let evidence = Agreement {
                    kind: key.kind(),
                    field: field.clone(),
                };
                meet(who, strength, evidence);
            }
        }
        let mut people: Vec<Person> = people
            .into_iter()
            .map(|(who, (strength, evidence))| Person {
                who,
                strength,
                evidence,
            })
            .collect();
        people.sort_by_key(|person| Reverse((person.strength, person.evidence.len())));
        people.truncate(MOST_MATCHES);
        people
    }
}

fn described(
    person: Person,
    found: &Visible,
    standings: &HashMap<OpportunityId, Standing>,
    now: Timestamp,
) -> Match {
    let candidacies = found.candidacies_of(&person.who);
    let candidacies =
        candidacies.filter_map(|candidacy| standings.get(&candidacy.opportunity).cloned());
    let candidacies = candidacies.collect();
    let contact = match person.who {
        Who::Contact(contact) => Some(contact),
        Who::Alone(_) => None,
    };
    Match::new(contact, person.strength, person.evidence, candidacies, now)
}

impl Match {
    /// Tells of somebody what the candidacies tell, in whatever order they come.
    pub(crate) fn new(
        contact: Option<ContactId>,
        strength: MatchStrength,
        evidence: Vec<Agreement>,
        mut candidacies: Vec<Standing>,
        now: Timestamp,
    ) -> Match {
        candidacies.sort_by_key(Standing::order);
        let rows = || candidacies.iter().map(|standing| &standing.candidacy);
        Match {
            contact,
            name: rows()
                .map(|row| row.name.clone())
                .find(|name| !name.is_empty())
                .unwrap_or_default(),
            strength,
            evidence,
            do_not_contact: rows().any(|row| row.do_not_contact(now)),
            anonymized: rows().any(|row| row.anonymized),
            last_interaction_at: rows().filter_map(|row| row.last_interaction_at).max(),
            candidacies,
        }
    }
}

/// Invalid for more than can be meant, naming each field.
fn check(identities: &[Known]) -> Result<()> {
    if identities.is_empty() || identities.len() > MOST_IDENTITIES {
        return Err(Error::invalid(
            "identities",
            format!("give 1 to {MOST_IDENTITIES} of them"),
        ));
    }
    for (at, known) in identities.iter().enumerate() {
        check_one(known, &format!("identities[{at}]"))?;
    }
    Ok(())
}

/// Invalid for an identity of more than can be meant, by the name the request has for it.
pub(crate) fn check_one(known: &Known, identity: &str) -> Result<()> {
    let invalid =
        |field: &str, message: String| Err(Error::invalid(format!("{identity}.{field}"), message));
    for (field, values) in [("emails", &known.emails), ("phones", &known.phones)] {
        if values.len() > MOST_VALUES {
            return invalid(field, format!("give at most {MOST_VALUES} of them"));
        }
        if values.iter().any(|value| value.len() > LONGEST_VALUE) {
            return invalid(field, format!("give at most {LONGEST_VALUE} bytes in each"));
        }
    }
    let texts = [
        ("key", known.key.as_str()),
        ("linkedin_url", &known.linkedin_url),
        ("github_url", &known.github_url),
        ("twitter_url", &known.twitter_url),
        ("name", &known.name),
        ("company", &known.company),
        (
            "contact_id",
            known.contact.as_ref().map_or("", ContactId::as_str),
        ),
    ];
    for (field, text) in texts {
        if text.len() > LONGEST_VALUE {
            return invalid(field, format!("give at most {LONGEST_VALUE} bytes"));
        }
    }
    Ok(())
}
