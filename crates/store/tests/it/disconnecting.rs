//! Credentials of both kinds, schedules, and connections that end for a while.

use std::time::Duration;

use domain::{Connection, Disconnected, Listing, MappingKind, Schedule, Stream};
use secrecy::{ExposeSecret, SecretString};
use store::{Credential, ErrorKind, Nudge, OAuthTokens, Store, StoredWebhook};

use crate::support::*;

fn tokens(access: &str) -> OAuthTokens {
    OAuthTokens {
        access_token: SecretString::from(access),
        expires_at: at(5),
        refresh_token: SecretString::from(format!("refresh-after-{access}")),
        client: "main".to_owned(),
    }
}

fn access_token(credential: &Credential) -> &str {
    match credential {
        Credential::OAuth(tokens) => tokens.access_token.expose_secret(),
        Credential::ApiKey(_) => panic!("an API key"),
    }
}

#[tokio::test]
async fn an_oauth_grant_takes_the_place_of_a_key_and_back() {
    let (folder, store, c) = connected().await;
    let replaced = store
        .replace_credential(c, tokens("access-1"), String::new(), at(9))
        .await
        .unwrap();
    assert_eq!(
        (replaced.key_last_four.as_str(), replaced.revision),
        ("", 2)
    );
    let stored = store.credential(c).await.unwrap().unwrap();
    assert_eq!(access_token(&stored.credential), "access-1");
    assert!(store.api_key(c).await.unwrap().is_none());
    assert!(!format!("{stored:?}").contains("access-1"));
    store.close().await.unwrap();
    assert!(!on_disk(folder.path(), b"access-1"));

    let store = open(folder.path());
    store
        .replace_api_key(c, SecretString::from(KEY), "1234".to_owned(), at(9))
        .await
        .unwrap();
    let key = store.api_key(c).await.unwrap().unwrap();
    assert_eq!(key.expose_secret(), KEY);
}

#[tokio::test]
async fn of_two_refreshes_of_the_same_tokens_one_is_stored() {
    let (_folder, store, c) = connected().await;
    store
        .replace_credential(c, tokens("access-1"), String::new(), at(9))
        .await
        .unwrap();
    let read = store.credential(c).await.unwrap().unwrap().generation;
    let (first, second) = tokio::join!(
        store.rotate_oauth(c, read, tokens("access-2")),
        store.rotate_oauth(c, read, tokens("access-3")),
    );
    assert_eq!(first.unwrap(), read + 1);
    assert_eq!(second.unwrap_err().kind(), &ErrorKind::Conflict);
    let stored = store.credential(c).await.unwrap().unwrap();
    assert_eq!(access_token(&stored.credential), "access-2");
    let error = store.rotate_oauth(id(9), 0, tokens("a")).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    // The settings were not touched: their etag still fits.
    assert_eq!(store.connection(c).await.unwrap().unwrap().revision, 2);
}

#[tokio::test]
async fn a_listing_has_the_schedule_that_was_set_last() {
    let (folder, store, c) = connected().await;
    let cron = Schedule::cron("0 6 * * MON-FRI", "Europe/Berlin").unwrap();
    let hour = Schedule::every(Duration::from_secs(3600)).unwrap();
    for schedule in [Some(hour.clone()), Some(cron.clone())] {
        store
            .set_schedule(c, Listing::InboundApplicants, schedule)
            .await
            .unwrap();
    }
    store
        .set_schedule(c, Listing::Tags, Some(hour.clone()))
        .await
        .unwrap();
    store.close().await.unwrap();
    let store = open(folder.path());
    let set = store.schedules(c).await.unwrap();
    assert!(set.into_iter().eq([
        (Listing::Tags, hour.clone()),
        (Listing::InboundApplicants, cron)
    ]));
    store
        .set_schedule(c, Listing::InboundApplicants, None)
        .await
        .unwrap();
    let set = store.schedules(c).await.unwrap();
    assert!(set.into_iter().eq([(Listing::Tags, hour)]));
    assert!(store.schedules(id(2)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_disconnected_account_keeps_its_mirror_and_no_secret() {
    let (_folder, store, c) = connected().await;
    store
        .apply(page(c, 10, vec![tag("a", "{}")]))
        .await
        .unwrap();
    let webhook = StoredWebhook {
        id: "w1".to_owned(),
        event: "candidateHired".to_owned(),
        signature_token: SecretString::from("t"),
    };
    store.set_webhook(c, webhook).await.unwrap();
    give_signature_tokens(&store, c, &["t"]).await;
    assert_eq!(store.count_webhooks(c).await.unwrap(), 1);
    let how = Disconnected {
        webhooks_left: Some(1),
        ..Disconnected::at(at(100))
    };
    let ended = store.disconnect(c, how).await.unwrap();
    assert_eq!(ended.disconnected, Some(how));
    assert_eq!(how.purge_at, at(100).plus(Disconnected::KEPT));

    assert!(store.credential(c).await.unwrap().is_none());
    assert_eq!(store.count_webhooks(c).await.unwrap(), 0);
    assert!(store.webhook_signature_tokens(c).await.unwrap().is_empty());
    assert_eq!(store.count(c, Stream::Tags).await.unwrap(), 1);
    // Asked again, nothing moves, not even the date.
    let again = store
        .disconnect(c, Disconnected::at(at(999)))
        .await
        .unwrap();
    assert_eq!(again, ended);
}

#[tokio::test]
async fn nothing_is_stored_for_a_disconnected_account() {
    let (_folder, store, c) = connected().await;
    store
        .disconnect(c, Disconnected::at(at(100)))
        .await
        .unwrap();
    let nudge = Nudge {
        event: "candidateHired".to_owned(),
        opportunity: None,
        contact: None,
        interview: None,
        at: at(101),
    };
    let refused = [
        store.apply(page(c, 101, vec![tag("a", "{}")])).await.err(),
        store.record_nudge(c, [1; 32], nudge).await.err(),
        store
            .record_operation(operation(c, 1, "r"), Duration::ZERO)
            .await
            .err(),
        store
            .replace_api_key(c, SecretString::from("k"), String::new(), at(9))
            .await
            .err(),
    ];
    for error in refused {
        assert_eq!(error.unwrap().kind(), &ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn a_renewal_that_began_is_remembered_until_other_tokens_are_stored() {
    let (folder, store, c) = connected().await;
    let begun = async |store: &Store| store.credential(c).await.unwrap().unwrap().renewal_begun;
    let replaced = store.replace_credential(c, tokens("a1"), String::new(), at(9));
    replaced.await.unwrap();
    let read = store.credential(c).await.unwrap().unwrap().generation;
    store.note_renewal(c, read, Some(at(7))).await.unwrap();
    store.close().await.unwrap();
    let store = open(folder.path());
    assert_eq!(begun(&store).await, Some(at(7)));
    store.note_renewal(c, read, None).await.unwrap();
    assert_eq!(begun(&store).await, None);

    store.note_renewal(c, read, Some(at(8))).await.unwrap();
    let next = store.rotate_oauth(c, read, tokens("a2")).await.unwrap();
    assert_eq!(begun(&store).await, None);
    let late = store.note_renewal(c, read, Some(at(9))).await;
    assert_eq!(late.unwrap_err().kind(), &ErrorKind::Conflict);
    store.note_renewal(c, next, Some(at(9))).await.unwrap();
    let replaced = store.replace_credential(c, tokens("a3"), String::new(), at(9));
    replaced.await.unwrap();
    assert_eq!(begun(&store).await, None);
}

/// New settings for the account of the customer 1.
fn settings() -> Connection {
    Connection {
        display_name: "Back".to_owned(),
        external_id: Some("customer-1".to_owned()),
        created_at: at(99),
        ..connection(7)
    }
}

#[tokio::test]
async fn an_account_connected_again_goes_on_where_it_stood() {
    let (_folder, store, c) = connected().await;
    let mut first = page(c, 10, vec![tag("a", "{}")]);
    first.next = idle(10);
    store.apply(first).await.unwrap();
    store
        .put_mapping(c, MappingKind::Stages, mapping(1), 0)
        .await
        .unwrap();
    store
        .disconnect(c, Disconnected::at(at(100)))
        .await
        .unwrap();

    let again = store
        .reconnect(c, settings(), tokens("access-1"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((again.id, again.disconnected), (c, None));
    assert_eq!(
        (again.display_name.as_str(), again.created_at),
        ("Back", at(1))
    );
    assert_eq!(store.connection(c).await.unwrap(), Some(again));
    let stored = store.credential(c).await.unwrap().unwrap();
    assert_eq!(access_token(&stored.credential), "access-1");
    assert_eq!(
        store.mapping(c, MappingKind::Stages).await.unwrap(),
        Some(mapping(1))
    );
    assert_eq!(store.count(c, Stream::Tags).await.unwrap(), 1);
    assert_eq!(store.cursors(c).await.unwrap().len(), 1);
    store
        .apply_refresh(refresh(c, 200, vec![tag("b", "{}")]))
        .await
        .unwrap();
}

#[tokio::test]
async fn only_a_disconnected_account_is_connected_again() {
    let (_folder, store, c) = connected().await;
    let reconnect = async |external_id: &str| {
        let settings = Connection {
            external_id: Some(external_id.to_owned()),
            ..settings()
        };
        let key = SecretString::from("k");
        store.reconnect(c, settings, key).await
    };
    assert_eq!(
        reconnect("customer-1").await.unwrap_err().kind(),
        &ErrorKind::AlreadyExists { id: c.to_string() }
    );
    assert_eq!(reconnect("customer-2").await.unwrap(), None);
    store.disconnect(c, Disconnected::at(at(1))).await.unwrap();
    store.delete_connection(c).await.unwrap();
    assert_eq!(reconnect("customer-1").await.unwrap(), None);
}

#[tokio::test]
async fn an_account_without_an_external_id_comes_back_and_may_get_its_first() {
    let (_folder, store, c) = connected().await;
    let nameless = Connection {
        external_id: None,
        ..store.connection(c).await.unwrap().unwrap()
    };
    let nameless = store.update_connection(nameless, None).await.unwrap();
    store.disconnect(c, Disconnected::at(at(1))).await.unwrap();
    let back = store.reconnect(c, nameless, tokens("a")).await.unwrap();
    assert_eq!(
        back.map(|back| (back.id, back.external_id)),
        Some((c, None))
    );
    store.disconnect(c, Disconnected::at(at(2))).await.unwrap();
    let named = store.reconnect(c, settings(), tokens("b")).await.unwrap();
    assert_eq!(named.unwrap().external_id, settings().external_id);
    let taken = Connection {
        id: id(9),
        ..settings()
    };
    let taken = store.create_connection(taken, tokens("c")).await;
    assert_eq!(
        taken.unwrap_err().kind(),
        &ErrorKind::AlreadyExists { id: c.to_string() }
    );
}

#[tokio::test]
async fn a_refresh_from_before_a_disconnection_does_not_come_back_after_it() {
    let (_folder, store, c) = connected().await;
    let read = store.credential(c).await.unwrap().unwrap().generation;
    store.disconnect(c, Disconnected::at(at(1))).await.unwrap();
    let late = store.rotate_oauth(c, read, tokens("late")).await;
    assert_eq!(late.unwrap_err().kind(), &ErrorKind::NotFound);
    store.reconnect(c, settings(), tokens("new")).await.unwrap();
    let late = store.rotate_oauth(c, read, tokens("late")).await;
    assert_eq!(late.unwrap_err().kind(), &ErrorKind::Conflict);
}
