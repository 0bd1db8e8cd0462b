use std::time::Duration;

use domain::{Connection, Environment, Region};
use secrecy::{ExposeSecret, SecretString};
use store::{ConnectLink, ErrorKind, LinkPurpose, LinkState, LinkUse, Store, TokenRecord};

use crate::support::*;

fn for_a_new_one(number: u8) -> ConnectLink {
    let purpose = LinkPurpose::New {
        display_name: "Acme".to_owned(),
        external_id: None,
        environment: Environment::Region(Region::Global),
    };
    connect_link(number, purpose)
}

fn follow(number: u8, when: i64) -> LinkUse {
    LinkUse {
        hash: [number; 32],
        at: at(when),
    }
}

fn stranger(number: u128) -> Connection {
    Connection {
        external_id: None,
        ..connection(number)
    }
}

async fn state(store: &Store, number: u8, when: i64) -> LinkState {
    let link = store.connect_link(&[number; 32]).await.unwrap();
    link.unwrap().state(at(when))
}

#[tokio::test]
async fn of_several_who_follow_a_link_at_once_one_connects() {
    let (_folder, store) = fresh();
    assert!(
        store
            .create_connect_link(for_a_new_one(1), 9)
            .await
            .unwrap()
    );
    let mut all = Vec::new();
    for number in 1..=8 {
        let (store, secret) = (store.clone(), SecretString::from(KEY));
        let connect = async move {
            let new = stranger(number);
            store
                .create_connection_by_link(follow(1, 5), None, new, secret)
                .await
        };
        all.push(tokio::spawn(connect));
    }
    let mut outcomes = Vec::new();
    for one in all {
        outcomes.push(one.await.unwrap());
    }
    let refused: Vec<_> = outcomes
        .iter()
        .filter_map(|one| one.as_ref().err())
        .collect();
    assert_eq!(refused.len(), 7);
    assert!(
        refused
            .iter()
            .all(|error| *error.kind() == ErrorKind::Conflict)
    );
    let made = store.connections().await.unwrap();
    let link = store.connect_link(&[1; 32]).await.unwrap().unwrap();
    assert_eq!(made.len(), 1);
    assert_eq!(link.used, Some((at(5), made[0].id)));
}

#[tokio::test]
async fn what_fails_uses_up_no_link_and_a_link_that_has_ended_connects_nobody() {
    let (_folder, store, c) = connected().await;
    for number in 1..=3 {
        let link = for_a_new_one(number);
        store.create_connect_link(link, 9).await.unwrap();
    }
    let connect = |link, id, token: Option<&str>| {
        let token = token.map(str::to_owned);
        store.create_connection_by_link(link, token, stranger(id), SecretString::from(KEY))
    };
    // The id is taken, or the token that it is to join is gone.
    assert!(connect(follow(1, 5), 1, None).await.is_err());
    assert!(connect(follow(1, 5), 7, Some("gone")).await.is_err());
    assert_eq!(state(&store, 1, 5).await, LinkState::Open);

    let revoked = store.revoke_connect_link([2; 32], at(6), "ben".to_owned());
    assert_eq!(revoked.await.unwrap().revoked, Some((at(6), "ben".into())));
    for (number, when) in [(2, 7), (3, 100), (9, 7)] {
        let refused = connect(follow(number, when), 8, None).await.unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::Conflict, "{number}");
    }
    assert_eq!(state(&store, 3, 100).await, LinkState::Expired);
    assert_eq!(store.connections().await.unwrap().len(), 1);

    // One that was used stays that.
    connect(follow(1, 8), 9, None).await.unwrap();
    let late = store.revoke_connect_link([1; 32], at(9), "ben".to_owned());
    assert_eq!(late.await.unwrap().revoked, None);
    assert_eq!(state(&store, 1, 200).await, LinkState::Used);
    let missing = store.revoke_connect_link([9; 32], at(9), "ben".to_owned());
    assert_eq!(*missing.await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(store.connection(c).await.unwrap().is_some());
}

#[tokio::test]
async fn a_link_for_another_credential_replaces_it_once() {
    let (_folder, store, c) = connected().await;
    let link = connect_link(1, LinkPurpose::Relink(c));
    store.create_connect_link(link, 9).await.unwrap();
    let replace = |key: &'static str, link| {
        let key = SecretString::from(key);
        store.replace_credential_by_link(link, c, key, "last".to_owned())
    };
    replace("first", follow(1, 5)).await.unwrap();
    let again = replace("second", follow(1, 6)).await.unwrap_err();
    assert_eq!(*again.kind(), ErrorKind::Conflict);
    let kept = store.credential(c).await.unwrap().unwrap().credential;
    let store::Credential::ApiKey(key) = kept else {
        panic!("a key was given");
    };
    assert_eq!(key.expose_secret(), "first");
}

#[tokio::test]
async fn a_connection_that_is_deleted_takes_its_links_with_it() {
    let (_folder, store, c) = connected().await;
    for link in [connect_link(1, LinkPurpose::Relink(c)), for_a_new_one(2)] {
        store.create_connect_link(link, 9).await.unwrap();
    }
    store.delete_connection(c).await.unwrap();
    let left = store.connect_links().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id, "link 2");
}

#[tokio::test]
async fn a_token_that_is_revoked_takes_its_open_links_with_it() {
    let (_folder, store) = fresh();
    let token = TokenRecord {
        id: "maker".to_owned(),
        name: "ada".to_owned(),
        role: "admin".to_owned(),
        connections: Vec::new(),
        rights: Vec::new(),
        hash: [7; 32],
        prefix: "flc_abcd".to_owned(),
        created_at: at(1),
        expires_at: None,
        revoked_at: None,
    };
    store.create_token(token).await.unwrap();
    let other = ConnectLink {
        made_by: "another".to_owned(),
        ..for_a_new_one(2)
    };
    for link in [for_a_new_one(1), other] {
        store.create_connect_link(link, 9).await.unwrap();
    }
    store.revoke_token("maker", at(5)).await.unwrap();
    assert_eq!(state(&store, 1, 6).await, LinkState::Revoked);
    assert_eq!(state(&store, 2, 6).await, LinkState::Open);
}

/// Whoever fills its own room leaves that of others alone, and does not fill the store by revoking what it makes.
#[tokio::test]
async fn links_are_counted_for_the_token_that_makes_them() {
    let (_folder, store) = fresh();
    let of = |maker: &str, number| ConnectLink {
        made_by: maker.to_owned(),
        ..for_a_new_one(number)
    };
    for number in 1..=5 {
        let made = store.create_connect_link(of("one", number), 2).await;
        assert!(made.unwrap());
        let hash = [number; 32];
        let revoked = store.revoke_connect_link(hash, at(number.into()), "one".to_owned());
        revoked.await.unwrap();
    }
    for (maker, number, room) in [
        ("one", 6, true),
        ("one", 7, true),
        ("one", 8, false),
        ("two", 9, true),
    ] {
        let made = store.create_connect_link(of(maker, number), 2).await;
        assert_eq!(made.unwrap(), room, "{number}");
    }
    let links = store.connect_links().await.unwrap();
    let mut ids: Vec<_> = links.iter().map(|link| link.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["link 4", "link 5", "link 6", "link 7", "link 9"]);
}

#[tokio::test]
async fn no_more_links_are_open_than_may_be_and_old_ones_are_forgotten() {
    let (_folder, store) = fresh();
    for number in 1..=2 {
        let made = store.create_connect_link(for_a_new_one(number), 2).await;
        assert!(made.unwrap());
    }
    assert!(
        !store
            .create_connect_link(for_a_new_one(3), 2)
            .await
            .unwrap()
    );
    let later = |number, when| ConnectLink {
        created_at: when,
        expires_at: when.plus(Duration::from_secs(1)),
        ..for_a_new_one(number)
    };
    // Those two have expired by now, and are still told of.
    assert!(
        store
            .create_connect_link(later(4, at(100)), 2)
            .await
            .unwrap()
    );
    assert_eq!(store.connect_links().await.unwrap().len(), 3);
    let long_after = at(100).plus(Duration::from_secs(90 * 24 * 3600));
    store
        .create_connect_link(later(5, long_after), 2)
        .await
        .unwrap();
    let ids: Vec<_> = store.connect_links().await.unwrap();
    let ids: Vec<_> = ids.iter().map(|link| link.id.as_str()).collect();
    assert_eq!(ids, ["link 5", "link 4"], "the newest first");
}
