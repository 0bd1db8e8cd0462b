//! Keys that several people have, and the memory of who was told apart.

use std::collections::{BTreeMap, BTreeSet};

use domain::ConnectionId;
use domain::identity::{ContactPair, IdentityKey};
use lever::ContactId;
use proptest::prelude::*;
use store::{Dismissal, ErrorKind, Incoming, KeyMark, Reach, SharedKey, Store, check};

use crate::identities::{Model, email, emails, person, step};
use crate::support::*;

/// The opportunity `o<number>` of the contact given, with these keys.
fn of_contact(number: usize, contact: &str, keys: BTreeSet<IdentityKey>) -> Incoming {
    let mut person = person(number, keys);
    if let Some(candidacy) = &mut person.candidacy {
        candidacy.contact = Some(contact.into());
    }
    person
}

/// A reach that nothing ends but the number of keys.
fn reach(keys: usize) -> Reach {
    Reach {
        confidential: false,
        keys,
        work: usize::MAX,
    }
}

/// All keys that several people have, in steps of this reach, with everybody who has them.
async fn shared(store: &Store, c: ConnectionId, reach: Reach) -> Vec<SharedKey> {
    let (mut all, mut from) = (Vec::new(), Some(KeyMark::default()));
    while let Some(mark) = from {
        let step = store.shared_keys(c, mark, reach, |_| true).await.unwrap();
        assert!(step.keys.len() <= reach.keys);
        from = step.next;
        for mut key in step.keys {
            let everybody = store.people_with(c, key.mark, false).await.unwrap();
            assert!((2..4).contains(&key.people.len()));
            assert!(key.people.iter().all(|one| everybody.contains_key(one.0)));
            key.people = everybody;
            all.push(key);
        }
    }
    all
}

fn people(shared: &SharedKey) -> Vec<&str> {
    shared.people.keys().map(ContactId::as_str).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Three opportunities to a person: `o0`, `o4` and `o8` are of the same.
    #[test]
    fn what_several_people_have_is_met_once_and_nothing_else(history in prop::collection::vec(step(), 20..60), limit in 1..4_usize, work in 1..60_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_folder, store, c) = connected().await;
            let mut model = Model::new();
            let person = |number: usize, keys| of_contact(number, &format!("c{}", number % 4), keys);
            for (time, step) in (1..).zip(&history) {
                step.happen(&store, c, time, &mut model, person).await;
            }
            let mut expected = BTreeMap::new();
            for key in 0..8 {
                let having = model.iter().filter(|(_, keys)| keys.as_ref().is_some_and(|keys| keys.contains(&key)));
                let people: BTreeSet<String> = having.map(|(number, _)| format!("c{}", number % 4)).collect();
                if people.len() > 1 {
                    expected.insert(store.mark(c, &email(key)).unwrap(), people);
                }
            }
            let told = shared(&store, c, Reach { work, ..reach(limit) }).await;
            let told: Vec<_> = told.iter().map(|key| (key.mark, people(key))).collect();
            let expected: Vec<_> = expected.iter().map(|(mark, people)| (*mark, people.iter().map(String::as_str).collect())).collect();
            prop_assert_eq!(told, expected);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_key_of_very_many_is_followed_to_a_thousand_and_the_others_are_met_all_the_same() {
    let (_folder, store, c) = connected().await;
    let agency = IdentityKey::email("agency@example.com").unwrap();
    for page in 0..20 {
        let people = (page * 60..page * 60 + 60).map(|number| {
            // Two by two they share an address besides.
            let mut keys = emails([number / 2]);
            keys.insert(agency.clone());
            person(number, keys)
        });
        let refresh = refresh(c, 1, people.collect());
        store.apply_refresh(refresh).await.unwrap();
    }
    let agency = store.mark(c, &agency).unwrap();
    for folded in [0, 20] {
        let told = shared(&store, c, reach(100)).await;
        assert_eq!(told.len(), 601, "{folded} runs folded");
        for key in &told {
            let expected = if key.mark == agency { 1_000 } else { 2 };
            assert_eq!(key.people.len(), expected, "{folded} runs folded");
        }
        store.fold_identities(c).await.unwrap();
    }
}

#[tokio::test]
async fn confidential_people_share_a_key_with_those_who_may_see_them_only() {
    let (_folder, store, c) = connected().await;
    let mut hidden = of_contact(1, "a", emails([7]));
    if let Some(candidacy) = &mut hidden.candidacy {
        candidacy.confidential = true;
    }
    let seen = of_contact(2, "b", emails([7]));
    let refresh = refresh(c, 1, vec![hidden, seen]);
    store.apply_refresh(refresh).await.unwrap();
    for (confidential, expected) in [(false, 0), (true, 1)] {
        let reach = Reach {
            confidential,
            ..reach(9)
        };
        let told = store.shared_keys(c, KeyMark::default(), reach, |_| true);
        assert_eq!(told.await.unwrap().keys.len(), expected);
        let mark = store.mark(c, &email(7)).unwrap();
        let everybody = store.people_with(c, mark, confidential).await.unwrap();
        assert_eq!(everybody.len(), expected + 1);
    }
}

#[tokio::test]
async fn a_step_ends_where_its_work_does_and_passes_over_what_is_not_wanted() {
    let (_folder, store, c) = connected().await;
    // Forty addresses, each of two people.
    let people = (0..80).map(|number| person(number, emails([number / 2])));
    let refresh = refresh(c, 1, people.collect());
    store.apply_refresh(refresh).await.unwrap();
    let step = async |work, wanted| {
        let reach = Reach {
            work,
            ..reach(1_000)
        };
        let step = store.shared_keys(c, KeyMark::default(), reach, move |_| wanted);
        let step = step.await.unwrap();
        (step.keys.len(), step.work, step.next.is_some())
    };
    // A key takes two entries and two candidacies.
    assert_eq!(step(0, true).await, (1, 32, true));
    assert_eq!(step(320, true).await, (10, 320, true));
    assert_eq!(step(321, true).await, (11, 352, true));
    assert_eq!(step(usize::MAX, true).await, (40, 40 * 32, false));
    assert_eq!(step(20, false).await, (0, 20, true));
    assert_eq!(step(usize::MAX, false).await, (0, 80, false));
}

#[tokio::test]
async fn what_a_person_is_recognized_by_is_told_of_each_opportunity() {
    let (_folder, store, c) = connected().await;
    let people = vec![
        of_contact(1, "a", emails([1, 2])),
        of_contact(2, "a", emails([3])),
    ];
    store.apply_refresh(refresh(c, 1, people)).await.unwrap();
    let told = store.recognized(c, ["a".into(), "z".into()].into()).await;
    let told = told.unwrap();
    let marks = |numbers: &[usize]| -> BTreeSet<KeyMark> {
        let keys = numbers.iter().map(|number| email(*number));
        keys.map(|key| store.mark(c, &key).unwrap()).collect()
    };
    let a: Vec<_> = told[&"a".into()]
        .iter()
        .map(|one| (one.candidacy.opportunity.as_str(), one.marks.clone()))
        .collect();
    assert_eq!(a, [("o1", marks(&[1, 2])), ("o2", marks(&[3]))]);
    assert!(told[&"z".into()].is_empty());
}

fn pair(one: &str, other: &str) -> ContactPair {
    ContactPair::new(one.into(), other.into()).unwrap()
}

fn said(by: &str, ms: i64) -> Dismissal {
    Dismissal {
        by: by.to_owned(),
        at: at(ms),
    }
}

#[tokio::test]
async fn who_was_told_apart_stays_so_until_it_is_taken_back() {
    let (folder, store, c) = connected().await;
    let first = said("ada", 5);
    let told = store.dismiss(c, pair("a", "b"), first.clone()).await;
    assert_eq!(told.unwrap(), first);
    let again = store.dismiss(c, pair("b", "a"), said("ben", 6)).await;
    assert_eq!(again.unwrap(), first);
    // One id begins the other.
    store
        .dismiss(c, pair("a", "bb"), said("ben", 7))
        .await
        .unwrap();
    store.close().await.unwrap();

    let store = open(folder.path());
    let expected = [(pair("a", "b"), first), (pair("a", "bb"), said("ben", 7))];
    assert_eq!(store.dismissals(c).await.unwrap(), expected.into());
    assert!(store.undismiss(c, pair("b", "a")).await.unwrap());
    assert!(!store.undismiss(c, pair("b", "a")).await.unwrap());
    let left: Vec<_> = store.dismissals(c).await.unwrap().into_keys().collect();
    assert_eq!(left, [pair("a", "bb")]);
}

#[tokio::test]
async fn who_was_told_apart_stays_so_as_whoever_lever_merged_them_into() {
    let (_folder, store, c) = connected().await;
    let lives = |time: i64, people: [(usize, &str); 3]| {
        let people = people.map(|(number, contact)| Incoming {
            raw: format!("{{\"contact\":\"{contact}\"}}"),
            ..of_contact(number, contact, emails([1]))
        });
        store.apply_refresh(refresh(c, time, people.into()))
    };
    lives(1, [(1, "a"), (2, "b"), (3, "c")]).await.unwrap();
    store
        .dismiss(c, pair("a", "b"), said("ada", 5))
        .await
        .unwrap();
    // a becomes c: c is not b either, and nobody else is meant.
    lives(2, [(1, "c"), (2, "b"), (3, "c")]).await.unwrap();
    let told: Vec<_> = store.dismissals(c).await.unwrap().into_iter().collect();
    assert_eq!(told, [(pair("b", "c"), said("ada", 5))]);
    let again = store.dismiss(c, pair("b", "c"), said("ben", 6)).await;
    assert_eq!(again.unwrap(), said("ada", 5));
    // b becomes c too: nobody is left to tell apart.
    lives(3, [(1, "c"), (2, "c"), (3, "c")]).await.unwrap();
    assert!(store.dismissals(c).await.unwrap().is_empty());
    // b is somebody again.
    lives(4, [(1, "c"), (2, "b"), (3, "c")]).await.unwrap();
    assert!(store.undismiss(c, pair("c", "b")).await.unwrap());
    assert!(store.dismissals(c).await.unwrap().is_empty());
}

#[tokio::test]
async fn who_was_told_apart_goes_with_the_connection() {
    let (folder, store, c) = connected().await;
    store
        .dismiss(c, pair("a", "b"), said("ada", 5))
        .await
        .unwrap();
    let odd = store.dismiss(c, pair("a", "b\0"), said("ada", 5)).await;
    assert_eq!(*odd.unwrap_err().kind(), ErrorKind::Invalid);
    let nobody = store.dismiss(id(2), pair("a", "b"), said("ada", 5)).await;
    assert_eq!(*nobody.unwrap_err().kind(), ErrorKind::NotFound);
    store.delete_connection(c).await.unwrap();
    assert!(store.dismissals(c).await.unwrap().is_empty());
    store.close().await.unwrap();
    let examined = check(folder.path(), &options(), &mut |_| {}).unwrap();
    assert_eq!(examined.findings, [""; 0]);
}
