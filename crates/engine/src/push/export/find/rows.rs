//! What is known of the people an export may be about: first from the mirror, then as Lever has it. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use domain::Candidacy;
use domain::export::guard::{Known, Person, Seen};
use domain::identity::{IdentityKey, Strength};
use lever::{Application, ArchiveReasonId, Contact, ContactId, Opportunity, OpportunityId};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::pull::derived;

/// An opportunity as Lever has it now.
pub(super) struct Live {
    opportunity: OpportunityId,
    /// None for one that cannot be read.
    read: Option<(Candidacy, BTreeSet<IdentityKey>)>,
    /// Whether the parts that are judged could all be read.
    whole: bool,
}

impl Live {
    /// Reads all of it, also what the connection leaves out: nothing of it is kept, and without it nobody could tell
    /// who wants no contact.
    ///
    /// # Errors
    /// Internal for one without an id: it could not even be named.
    pub(super) fn read(raw: &RawValue) -> Result<Live, Error> {
        let Ok(lifted) = lever::expand::lift(raw) else {
            return Live::unread(raw.get());
        };
        let Ok(opportunity) = serde_json::from_str::<Opportunity>(lifted.opportunity.get()) else {
            return Live::unread(raw.get());
        };
        let mut parts = lifted.applications.iter().chain(&lifted.contact);
        let odd = parts.any(Result::is_err);
        let applications: Vec<Application> = readable(lifted.applications);
        let contacts: Vec<Contact> = readable(lifted.contact);
        // What is named and did not come along would tell of consent, or of the posting.
        let whole = !odd
            && applications.len() >= opportunity.applications.len()
            && contacts.len() >= usize::from(opportunity.contact.is_some());
        Ok(Live {
            opportunity: opportunity.id.clone(),
            read: Some(derived(
                &opportunity,
                applications.first(),
                contacts.first(),
            )),
            whole,
        })
    }

    /// One that cannot be read.
    ///
    /// # Errors
    /// As [`Live::read`].
    pub(super) fn unread(text: &str) -> Result<Live, Error> {
        #[derive(Deserialize)]
        struct Named {
            id: OpportunityId,
        }
        let named: Named = serde_json::from_str(text)
            .map_err(|_| Error::internal("Lever lists an opportunity without an id"))?;
        Ok(Live {
            opportunity: named.id,
            read: None,
            whole: false,
        })
    }

    /// The person behind it.
    pub(super) fn contact(&self) -> Option<&ContactId> {
        self.read.as_ref()?.0.contact.as_ref()
    }
}

/// Those of the expanded objects that can be read.
fn readable<T: for<'de> Deserialize<'de>>(
    lifted: impl IntoIterator<Item = Result<Box<RawValue>, lever::Malformed>>,
) -> Vec<T> {
    let texts = lifted.into_iter().flatten();
    texts
        .filter_map(|raw| serde_json::from_str(raw.get()).ok())
        .collect()
}

/// Candidacies, and who has which key.
pub(super) struct Rows {
    by_key: BTreeMap<IdentityKey, Vec<OpportunityId>>,
    candidacies: HashMap<OpportunityId, Candidacy>,
    /// Those that Lever has told of.
    live: HashSet<OpportunityId>,
    /// Those that could not be read as a whole.
    unread: BTreeSet<OpportunityId>,
    /// The people that Lever was asked for.
    asked_for: HashSet<ContactId>,
}

impl Rows {
    /// What the mirror has.
    pub(super) fn new(
        by_key: BTreeMap<IdentityKey, Vec<OpportunityId>>,
        candidacies: HashMap<OpportunityId, Candidacy>,
    ) -> Rows {
        Rows {
            by_key,
            candidacies,
            live: HashSet::new(),
            unread: BTreeSet::new(),
            asked_for: HashSet::new(),
        }
    }

    /// Takes out those that are confidential.
    pub(super) fn hide_confidential(&mut self) {
        self.candidacies.retain(|_, row| !row.confidential);
    }

    /// Why those here were archived.
    pub(super) fn reasons(&self) -> impl Iterator<Item = &ArchiveReasonId> {
        let rows = self.candidacies.values();
        rows.filter_map(|row| row.archived.as_ref()?.reason.as_ref())
    }

    /// Up to `most` people who are known for sure, and not all of whom Lever has told.
    pub(super) fn people_to_read(&self, most: usize) -> Vec<ContactId> {
        let theirs: BTreeSet<_> = self
            .sure()
            .filter_map(|row| row.contact.as_ref())
            .filter(|contact| !self.asked_for.contains(*contact))
            .collect();
        let told = |contact: &ContactId| {
            let mut rows = self.rows_of(contact);
            rows.all(|row| self.live.contains(&row.opportunity))
        };
        let untold = theirs.into_iter().filter(|contact| !told(contact));
        untold.take(most).cloned().collect()
    }

    /// One that has a sure key and that Lever has not told of: it may have become somebody else's.
    pub(super) fn opportunity_to_read(&self) -> Option<OpportunityId> {
        let mut untold = self
            .sure()
            .filter(|row| !self.live.contains(&row.opportunity));
        untold.next().map(|row| row.opportunity.clone())
    }

    /// Takes over what Lever has of these people: all of it.
    pub(super) fn has_read(
        &mut self,
        people: impl IntoIterator<Item = ContactId>,
        found: Vec<Live>,
    ) {
        self.asked_for.extend(people);
        for live in found {
            self.is_there(live);
        }
        let sure: HashSet<_> = self.sure().map(|row| row.opportunity.clone()).collect();
        let (asked_for, live) = (&self.asked_for, &self.live);
        // Those with a key of their own are read one by one.
        self.candidacies.retain(|id, row| {
            let theirs = row
                .contact
                .as_ref()
                .is_some_and(|one| asked_for.contains(one));
            !theirs || live.contains(id) || sure.contains(id)
        });
    }

    /// Takes over one that Lever has listed for an address.
    pub(super) fn has_address(&mut self, key: &IdentityKey, live: Live) {
        let id = live.opportunity.clone();
        self.is_there(live);
        let of_key = self.by_key.entry(key.clone()).or_default();
        if !of_key.contains(&id) {
            of_key.push(id);
        }
    }

    /// Takes over what Lever has of one, and which of the keys it has.
    pub(super) fn is_there(&mut self, live: Live) {
        let id = live.opportunity;
        if !live.whole {
            self.unread.insert(id.clone());
        }
        let Some((candidacy, keys)) = live.read else {
            self.live.insert(id.clone());
            self.candidacies.remove(&id);
            return;
        };
        // Of somebody anonymized the keys are gone, and it is the same person.
        if self.live.insert(id.clone()) && !candidacy.anonymized {
            for (key, of_key) in &mut self.by_key {
                of_key.retain(|one| *one != id);
                if keys.contains(key) {
                    of_key.push(id.clone());
                }
            }
        }
        self.candidacies.insert(id, candidacy);
    }

    /// Takes out one that Lever does not have any more.
    pub(super) fn is_gone(&mut self, opportunity: &OpportunityId) {
        self.candidacies.remove(opportunity);
    }

    /// Takes out one that cannot be read, and notes that there is something.
    pub(super) fn is_unread(&mut self, opportunity: &OpportunityId) {
        self.candidacies.remove(opportunity);
        self.unread.insert(opportunity.clone());
    }

    /// Those that have a key which belongs to one person.
    fn sure(&self) -> impl Iterator<Item = &Candidacy> {
        let keys = self.by_key.iter();
        let sure = keys.filter(|(key, _)| key.strength() == Strength::Strong);
        sure.flat_map(|(_, ids)| ids)
            .filter_map(|id| self.candidacies.get(id))
    }

    fn rows_of(&self, contact: &ContactId) -> impl Iterator<Item = &Candidacy> {
        let rows = self.candidacies.values();
        rows.filter(move |row| row.contact.as_ref() == Some(contact))
    }

    /// Who that is: the one asked for by id first, then by key. `hired` tells what archive reasons mean.
    pub(super) fn seen(
        self,
        asked: Option<ContactId>,
        hired: &HashMap<ArchiveReasonId, bool>,
    ) -> Seen {
        let mut people: Vec<Person> = Vec::new();
        if let Some(asked) = asked {
            let candidacies = self.known_of(&asked, hired);
            if !candidacies.is_empty() {
                people.push(Person {
                    contact: Some(asked),
                    by: "contact_id",
                    strength: Strength::Strong,
                    candidacies,
                });
            }
        }
        for (key, opportunities) in &self.by_key {
            let rows = opportunities
                .iter()
                .filter_map(|id| self.candidacies.get(id));
            for row in rows {
                if !people.iter().any(|person| is_of(row, person)) {
                    people.push(Person {
                        contact: row.contact.clone(),
                        by: key.kind(),
                        strength: key.strength(),
                        candidacies: match &row.contact {
                            Some(contact) => self.known_of(contact, hired),
                            None => vec![known(row, hired)],
                        },
                    });
                }
            }
        }
        Seen {
            people,
            unread: self.unread,
        }
    }

    fn known_of(&self, contact: &ContactId, hired: &HashMap<ArchiveReasonId, bool>) -> Vec<Known> {
        let mut rows: Vec<_> = self.rows_of(contact).collect();
        rows.sort_by(|a, b| a.opportunity.cmp(&b.opportunity));
        rows.into_iter().map(|row| known(row, hired)).collect()
    }
}

fn is_of(row: &Candidacy, person: &Person) -> bool {
    match &row.contact {
        Some(contact) => person.contact.as_ref() == Some(contact),
        None => {
            let mut theirs = person.candidacies.iter();
            theirs.any(|one| one.candidacy.opportunity == row.opportunity)
        }
    }
}

/// A candidacy, with whether it ended with a hire.
fn known(row: &Candidacy, hired: &HashMap<ArchiveReasonId, bool>) -> Known {
    let reason = row
        .archived
        .as_ref()
        .and_then(|ended| ended.reason.as_ref());
    Known {
        hired: match reason {
            Some(reason) => hired.get(reason).copied(),
            // A hire has a reason.
            None => Some(false),
        },
        candidacy: row.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const LINK: &str = "https://www.linkedin.com/in/ada";

    fn link() -> IdentityKey {
        IdentityKey::link(LINK).unwrap()
    }

    fn candidacy(value: Value) -> Candidacy {
        let opportunity = serde_json::from_value(value).unwrap();
        Candidacy::from_lever(&opportunity, None)
    }

    fn live(value: Value) -> Live {
        Live::read(&serde_json::value::to_raw_value(&value).unwrap()).unwrap()
    }

    /// The mirror says that `o` of contact `c` has the link.
    fn mirror() -> Rows {
        let rows = ["o", "other"].map(|id| candidacy(json!({"id": id, "contact": "c"})));
        let by_key = [(link(), vec!["o".into()])].into();
        let rows = rows.map(|row| (row.opportunity.clone(), row));
        Rows::new(by_key, rows.into())
    }

    fn people(rows: Rows) -> Vec<(String, Vec<String>)> {
        let seen = rows.seen(None, &HashMap::new());
        let of = |person: Person| {
            let ids = person.candidacies.into_iter();
            let ids = ids.map(|one| one.candidacy.opportunity.to_string());
            (person.by.to_owned(), ids.collect())
        };
        seen.people.into_iter().map(of).collect()
    }

    fn of(contact: &str, id: &str, links: &[&str]) -> Live {
        live(json!({"id": id, "contact": {"id": contact}, "links": links}))
    }

    #[test]
    fn whom_the_mirror_knows_by_a_link_is_read_in_lever_and_taken_as_they_are_there() {
        let mut rows = mirror();
        assert_eq!(rows.people_to_read(9), ["c".into()]);
        let found = vec![of("c", "o", &[LINK]), of("c", "new", &[LINK])];
        rows.has_read(["c".into()], found);
        assert_eq!(rows.people_to_read(9), []);
        assert_eq!(rows.opportunity_to_read(), None);
        let theirs = vec!["new".to_owned(), "o".to_owned()];
        assert_eq!(people(rows), [("linkedin".to_owned(), theirs)]);
    }

    #[test]
    fn who_has_lost_the_link_in_lever_is_nobody() {
        let mut rows = mirror();
        rows.has_read(["c".into()], vec![of("c", "o", &[])]);
        assert_eq!(rows.opportunity_to_read(), None);
        assert_eq!(people(rows), []);
    }

    #[test]
    fn who_was_merged_into_somebody_since_is_found_there() {
        let mut rows = mirror();
        rows.has_read(["c".into()], Vec::new());
        assert_eq!(rows.opportunity_to_read(), Some("o".into()));
        rows.is_there(of("d", "o", &[LINK]));
        assert_eq!(rows.people_to_read(9), []);
        assert_eq!(people(rows)[0].1, ["o"]);
        let mut rows = mirror();
        rows.has_read(["c".into()], Vec::new());
        rows.is_gone(&"o".into());
        assert_eq!(people(rows), []);
    }

    #[test]
    fn who_was_anonymized_since_stays_the_same_person() {
        let mut rows = mirror();
        let gone = live(json!({"id": "o", "contact": {"id": "c"}, "isAnonymized": true}));
        rows.has_read(["c".into()], vec![gone]);
        assert_eq!(people(rows)[0].1, ["o"]);
    }

    #[test]
    fn what_cannot_be_read_as_a_whole_is_noted() {
        let mut rows = mirror();
        let odd = [
            live(json!({"id": "no-consent", "contact": "c"})),
            live(json!({"id": "no-posting", "applications": ["a"]})),
            live(json!({"id": "bad-posting", "applications": [{"id": 7}]})),
            live(json!({"id": "whole", "contact": {"id": "c"}, "applications": [{"id": "a"}]})),
        ];
        rows.has_read(["c".into()], odd.into());
        let unread = Live::unread(r#"{"id": "unreadable", "contact": 7, "links": {}}"#).unwrap();
        rows.has_address(&IdentityKey::email("ada@example.com").unwrap(), unread);
        let seen = rows.seen(None, &HashMap::new());
        let unread: Vec<_> = seen.unread.iter().map(OpportunityId::as_str).collect();
        let expected = ["bad-posting", "no-consent", "no-posting", "unreadable"];
        assert_eq!(unread, expected);
        assert!(Live::unread("[]").is_err());
    }

    #[test]
    fn an_archive_reason_that_nobody_knows_leaves_open_whether_it_was_a_hire() {
        let ended = |reason: Value| {
            let archived = json!({"archivedAt": 1, "reason": reason});
            candidacy(json!({"id": "o", "archived": archived}))
        };
        let hired = [("h".into(), true), ("r".into(), false)].into();
        for (reason, expected) in [
            (json!("h"), Some(true)),
            (json!("r"), Some(false)),
            (json!("x"), None),
            (json!(null), Some(false)),
        ] {
            assert_eq!(known(&ended(reason), &hired).hired, expected);
        }
    }
}
