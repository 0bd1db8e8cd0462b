//! Finding people by what they are recognized by, against a model that is too simple to be wrong.

use std::collections::{BTreeMap, BTreeSet};

use domain::identity::IdentityKey;
use domain::{ConnectionId, Stream};
use lever::OpportunityId;
use proptest::prelude::*;
use secrecy::SecretString;
use store::{Found, Incoming, Sought, Store, check};

use crate::earlier_versions::unpacked_first;
use crate::support::*;

pub(crate) fn email(number: usize) -> IdentityKey {
    IdentityKey::email(&format!("person{number}@example.com")).unwrap()
}

pub(crate) fn emails(numbers: impl IntoIterator<Item = usize>) -> BTreeSet<IdentityKey> {
    numbers.into_iter().map(email).collect()
}

/// The opportunity `o<number>` of a contact of its own, with these keys.
pub(crate) fn person(number: usize, keys: BTreeSet<IdentityKey>) -> Incoming {
    Incoming {
        // What is derived from other documents changes while its own stays.
        raw: "{}".to_owned(),
        identity: keys,
        ..opportunity(candidacy(&format!("o{number}"), "s", 1))
    }
}

pub(crate) async fn find(store: &Store, c: ConnectionId, keys: Vec<IdentityKey>) -> Found {
    let sought = Sought {
        keys,
        contacts: Vec::new(),
    };
    store.find_people(c, sought).await.unwrap()
}

fn names(found: &[OpportunityId]) -> Vec<&str> {
    found.iter().map(OpportunityId::as_str).collect()
}

/// One page of a history: who is seen with which keys, and who is deleted behind them; then perhaps a fold.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    seen: Vec<(usize, BTreeSet<usize>)>,
    deleted: Option<usize>,
    fold: bool,
}

/// The keys of each person by number; none marks those deleted, who do not come back.
pub(crate) type Model = BTreeMap<usize, Option<BTreeSet<usize>>>;

impl Step {
    /// Has it happen in a store and in the model; `person` makes the record of a number and its keys. Gives how many
    /// runs were folded.
    pub(crate) async fn happen(
        &self,
        store: &Store,
        c: ConnectionId,
        time: i64,
        model: &mut Model,
        person: impl Fn(usize, BTreeSet<IdentityKey>) -> Incoming,
    ) -> usize {
        let records = self.seen.iter();
        let records = records.map(|(number, keys)| person(*number, emails(keys.iter().copied())));
        let mut refresh = refresh(c, time, records.collect());
        for (number, keys) in &self.seen {
            let known = model
                .entry(*number)
                .or_insert_with(|| Some(BTreeSet::new()));
            *known = known.is_some().then(|| keys.clone());
        }
        if let Some(number) = self.deleted {
            let id = format!("o{number}");
            refresh
                .deleted
                .push(gone(Stream::Opportunities, &id, time + 1));
            model.insert(number, None);
        }
        store.apply_refresh(refresh).await.unwrap();
        match self.fold {
            true => store.fold_identities(c).await.unwrap(),
            false => 0,
        }
    }
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let keys = prop::collection::btree_set(0..8_usize, 0..4);
    (
        prop::collection::vec((0..10_usize, keys), 0..4),
        prop::option::weighted(0.15, 0..10_usize),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(seen, deleted, fold)| Step {
            seen,
            deleted,
            fold,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn every_key_finds_those_who_have_it_now_and_nobody_else(history in prop::collection::vec(step(), 20..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_folder, store, c) = connected().await;
            let mut model = Model::new();
            let mut folded = 0;
            for (time, step) in (1..).zip(&history) {
                folded += step.happen(&store, c, time, &mut model, person).await;
            }
            let found = find(&store, c, (0..8).map(email).collect()).await;
            for (key, having) in found.by_key.iter().enumerate() {
                let expected: Vec<String> = model
                    .iter()
                    .filter(|(_, keys)| keys.as_ref().is_some_and(|keys| keys.contains(&key)))
                    .map(|(number, _)| format!("o{number}"))
                    .collect();
                prop_assert_eq!(names(having), expected, "key {} after {} folded runs", key, folded);
            }
            Ok(())
        })?;
    }
}

/// 20 pages of 60 people each; everybody has an address alone, and every third shares one with 400 in all.
pub(crate) async fn many(store: &Store, c: ConnectionId) {
    for page in 0..20 {
        let people = (page * 60..page * 60 + 60).map(|number| {
            let mut keys = emails([number]);
            if number % 3 == 0 {
                keys.insert(IdentityKey::email("shared@example.com").unwrap());
            }
            person(number, keys)
        });
        let refresh = refresh(c, 1, people.collect());
        store.apply_refresh(refresh).await.unwrap();
    }
}

#[tokio::test]
async fn folding_loses_nobody_and_a_key_of_many_is_followed_to_a_hundred() {
    let (_folder, store, c) = connected().await;
    many(&store, c).await;
    assert_eq!(store.fold_identities(c).await.unwrap(), 20);
    assert_eq!(store.fold_identities(c).await.unwrap(), 0);
    let found = find(&store, c, (0..1200).map(email).collect()).await;
    for (number, having) in found.by_key.iter().enumerate() {
        assert_eq!(names(having), [format!("o{number}")]);
    }
    let shared = IdentityKey::email("shared@example.com").unwrap();
    let found = find(&store, c, vec![shared]).await;
    assert_eq!(found.by_key[0].len(), 100);
}

#[tokio::test]
async fn many_runs_are_folded_the_oldest_first() {
    let (_folder, store, c) = connected().await;
    // The last word on the address is in the last run.
    for number in 0..300 {
        let people = vec![person(number, emails([number]))];
        store.apply_refresh(refresh(c, 1, people)).await.unwrap();
    }
    let moved = vec![person(0, emails([900]))];
    store.apply_refresh(refresh(c, 2, moved)).await.unwrap();
    assert_eq!(store.fold_identities(c).await.unwrap(), 256);
    let found = find(&store, c, vec![email(0), email(299), email(900)]).await;
    let named: Vec<_> = found.by_key.iter().map(|having| names(having)).collect();
    assert_eq!(named, [vec![], vec!["o299"], vec!["o0"]]);
    assert_eq!(store.fold_identities(c).await.unwrap(), 45);
    let found = find(&store, c, vec![email(0), email(299), email(900)]).await;
    let named: Vec<_> = found.by_key.iter().map(|having| names(having)).collect();
    assert_eq!(named, [vec![], vec!["o299"], vec!["o0"]]);
}

#[tokio::test]
async fn what_a_person_has_else_comes_with_what_was_found() {
    let (_folder, store, c) = connected().await;
    let of_contact = |id: &str, contact: &str, keys| {
        let mut candidacy = candidacy(id, "s", 1);
        candidacy.contact = Some(contact.into());
        Incoming {
            identity: keys,
            ..opportunity(candidacy)
        }
    };
    let records = vec![
        of_contact("o1", "c1", emails([1])),
        of_contact("o2", "c1", BTreeSet::new()),
        of_contact("o3", "c2", emails([3])),
    ];
    store.apply_refresh(refresh(c, 1, records)).await.unwrap();
    let found = find(&store, c, vec![email(1), email(2)]).await;
    assert_eq!(names(&found.by_key[0]), ["o1"]);
    assert!(found.by_key[1].is_empty());
    assert_eq!(names(&found.by_contact[&"c1".into()]), ["o1", "o2"]);
    assert_eq!(found.candidacies.len(), 2);
    // By the id of the person alone.
    let sought = Sought {
        keys: Vec::new(),
        contacts: vec!["c2".into(), "c9".into()],
    };
    let found = store.find_people(c, sought).await.unwrap();
    assert_eq!(names(&found.by_contact[&"c2".into()]), ["o3"]);
    assert!(found.by_contact[&"c9".into()].is_empty());
    // Another account has nobody of them.
    let elsewhere = connection(2);
    let other = elsewhere.id;
    store
        .create_connection(elsewhere, SecretString::from(KEY))
        .await
        .unwrap();
    assert!(find(&store, other, vec![email(1)]).await.by_key[0].is_empty());
}

/// Deleted people leave no entry behind (X11): a store in which nobody ever had a key is as large.
#[tokio::test]
async fn of_those_deleted_the_index_keeps_nothing() {
    let mut entries = Vec::new();
    for keyless in [false, true] {
        let (folder, store, c) = connected().await;
        for number in 0..40 {
            let keys = match keyless {
                true => BTreeSet::new(),
                false => emails([number, number + 1]),
            };
            let refresh = refresh(c, 1, vec![person(number, keys)]);
            store.apply_refresh(refresh).await.unwrap();
        }
        store.fold_identities(c).await.unwrap();
        for number in 0..40 {
            let mut refresh = refresh(c, 2, Vec::new());
            let id = format!("o{number}");
            refresh.deleted.push(gone(Stream::Opportunities, &id, 3));
            store.apply_refresh(refresh).await.unwrap();
        }
        store.fold_identities(c).await.unwrap();
        store.close().await.unwrap();
        let examined = check(folder.path(), &options(), &mut |_| {}).unwrap();
        assert_eq!(examined.findings, [""; 0]);
        entries.push(examined.entries);
    }
    assert_eq!(entries[0], entries[1]);
}

#[tokio::test]
async fn what_people_are_recognized_by_is_on_the_disk_as_digests_only() {
    let (folder, store, c) = connected().await;
    many(&store, c).await;
    store.fold_identities(c).await.unwrap();
    store.close().await.unwrap();
    assert!(!on_disk(folder.path(), b"person7@example.com"));
    assert!(!on_disk(folder.path(), b"shared@example.com"));
}

#[tokio::test]
async fn people_of_an_earlier_version_are_found_once_they_were_given_their_keys() {
    let folder = unpacked_first();
    let store = open(folder.path());
    let c = store.connections().await.unwrap().remove(0).id;
    assert!(!store.identities_complete().await.unwrap());
    let (bare, last) = store.without_identity(c, None, 1000).await.unwrap();
    assert!(!bare.is_empty());
    let (_, end) = store
        .without_identity(c, last.as_ref(), 1000)
        .await
        .unwrap();
    assert_eq!(end, None);

    let first = &bare[..1];
    let candidacy = store.candidacy(c, &first[0]).await.unwrap().unwrap();
    let people = vec![(candidacy.clone(), emails([5]))];
    store.set_identities(c, people, at(9)).await.unwrap();
    assert_eq!(find(&store, c, vec![email(5)]).await.by_key[0], first);
    let (rest, _) = store.without_identity(c, None, 1000).await.unwrap();
    assert_eq!(rest, bare[1..]);
    // What came meanwhile is newer than what was derived from the old document.
    let people = vec![(candidacy, emails([6]))];
    store.set_identities(c, people, at(9)).await.unwrap();
    assert!(find(&store, c, vec![email(6)]).await.by_key[0].is_empty());

    store.set_identities_complete().await.unwrap();
    assert!(store.identities_complete().await.unwrap());
    let (_fresh, new) = fresh();
    assert!(new.identities_complete().await.unwrap());
}

/// An opportunity of a contact.
fn of(id: &str, contact: &str) -> Incoming {
    let mut candidacy = candidacy(id, "s", 1);
    candidacy.contact = Some(contact.into());
    Incoming {
        raw: format!("{{\"contact\":\"{contact}\"}}"),
        ..opportunity(candidacy)
    }
}

#[tokio::test]
async fn a_person_who_was_merged_into_another_is_found_under_both_ids() {
    let (_folder, store, c) = connected().await;
    let asked = |contact: &str| Sought {
        keys: Vec::new(),
        contacts: vec![contact.into()],
    };
    let both = vec![of("o1", "a"), of("o2", "a"), of("o3", "b")];
    store.apply_refresh(refresh(c, 1, both)).await.unwrap();
    // One of two is given away: who has the other stays who they are.
    store
        .apply_refresh(refresh(c, 2, vec![of("o1", "b")]))
        .await
        .unwrap();
    let told = store
        .opportunities_of_contact(c, &"a".into())
        .await
        .unwrap();
    assert_eq!(names(&told), ["o2"]);
    store
        .apply_refresh(refresh(c, 3, vec![of("o2", "b")]))
        .await
        .unwrap();
    let told = store
        .opportunities_of_contact(c, &"a".into())
        .await
        .unwrap();
    assert_eq!(names(&told), ["o1", "o2", "o3"]);
    // And on to a third, two in one page.
    let moved = vec![of("o1", "c"), of("o2", "c"), of("o3", "c")];
    store.apply_refresh(refresh(c, 4, moved)).await.unwrap();
    let found = store.find_people(c, asked("a")).await.unwrap();
    assert_eq!(found.merged[&"a".into()], "c".into());
    assert_eq!(names(&found.by_contact[&"c".into()]), ["o1", "o2", "o3"]);
    // Who comes back under the old id is that person again.
    store
        .apply_refresh(refresh(c, 5, vec![of("o4", "a")]))
        .await
        .unwrap();
    let found = store.find_people(c, asked("a")).await.unwrap();
    assert!(found.merged.is_empty());
    assert_eq!(names(&found.by_contact[&"a".into()]), ["o4"]);
}

#[tokio::test]
async fn who_was_merged_into_another_is_in_the_mirror_once() {
    let (_folder, store, c) = connected().await;
    let contact = |id: &str| Incoming {
        stream: Stream::Contacts,
        ..tag(id, &format!("{{\"id\":\"{id}\"}}"))
    };
    let live = async |id: &str| {
        let found = store.record(c, Stream::Contacts, id).await.unwrap();
        found.is_some_and(|record| record.deleted_at.is_none())
    };
    let before = vec![
        of("o1", "a"),
        of("o2", "a"),
        contact("a"),
        of("o3", "b"),
        contact("b"),
    ];
    store.apply_refresh(refresh(c, 1, before)).await.unwrap();
    // One of two is given away: who has the other is still somebody.
    let one = vec![of("o1", "b"), contact("b")];
    store.apply_refresh(refresh(c, 2, one)).await.unwrap();
    assert!(live("a").await && live("b").await);
    // The other too, but somebody else has come in the same page.
    let swapped = vec![of("o4", "a"), contact("a"), of("o2", "b"), contact("b")];
    store.apply_refresh(refresh(c, 3, swapped)).await.unwrap();
    assert!(live("a").await && live("b").await);
    let last = vec![of("o4", "b"), contact("b")];
    let applied = store.apply_refresh(refresh(c, 4, last)).await.unwrap();
    assert!(!live("a").await && live("b").await);
    assert_eq!(applied.deleted, 1);
    // What shows them again later brings them back.
    let again = vec![of("o5", "a"), contact("a")];
    store.apply_refresh(refresh(c, 5, again)).await.unwrap();
    assert!(live("a").await);
}
