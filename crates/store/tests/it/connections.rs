use domain::{Connection, Cursor, Disconnected, Event, Listing, MappingKind, Stream};
use secrecy::{ExposeSecret, SecretString};
use store::{ErrorKind, ListingOutcome, Secrets, Store, TokenRecord, Tombstones};

use crate::support::*;

#[tokio::test]
async fn an_external_id_belongs_to_one_connection() {
    let (_folder, store, first) = connected().await;
    let mut second = connection(2);
    second.external_id = Some("customer-1".to_owned());
    let error = store
        .create_connection(second.clone(), SecretString::from("k"))
        .await
        .unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::AlreadyExists {
            id: first.to_string()
        }
    );
    assert_eq!(store.connection(second.id).await.unwrap(), None);

    let mut renamed = store.connection(first).await.unwrap().unwrap();
    renamed.external_id = Some("customer-9".to_owned());
    store.update_connection(renamed, None).await.unwrap();
    store
        .create_connection(second, SecretString::from("k"))
        .await
        .unwrap();
}

/// P-02: what a token links it sees, and no crash can come between.
#[tokio::test]
async fn a_connection_joins_those_of_the_token_it_is_made_for_in_one_commit() {
    let (folder, store, first) = connected().await;
    let token = |id: &str, connections: Vec<domain::ConnectionId>| TokenRecord {
        id: id.to_owned(),
        name: id.to_owned(),
        role: "admin".to_owned(),
        connections,
        rights: Vec::new(),
        hash: [id.len().try_into().unwrap(); 32],
        prefix: "flc_abcd".to_owned(),
        created_at: at(1),
        expires_at: None,
        revoked_at: None,
    };
    store
        .create_token(token("some", vec![first]))
        .await
        .unwrap();
    store.create_token(token("all", Vec::new())).await.unwrap();
    let seen = async || -> Vec<_> {
        let tokens = store.tokens().await.unwrap().into_iter();
        tokens.map(|token| (token.id, token.connections)).collect()
    };
    let make = |number: u128, token: &'static str| {
        let new = Connection {
            external_id: None,
            ..connection(number)
        };
        store.create_connection_for(token, new, SecretString::from(KEY))
    };
    let before = commits(folder.path());
    make(2, "some").await.unwrap();
    assert_eq!(commits(folder.path()), before + 1);
    make(3, "all").await.unwrap();
    let expected = [("all", vec![]), ("some", vec![first, id(2)])];
    assert_eq!(
        seen().await,
        expected.map(|(id, seen)| (id.to_owned(), seen))
    );

    store.revoke_token("some", at(2)).await.unwrap();
    for gone in ["some", "nobody"] {
        let error = make(4, gone).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::NotFound);
    }
    assert_eq!(store.connection(id(4)).await.unwrap(), None);
}

/// No crash can come between the parts of one commit.
#[tokio::test]
async fn a_connection_its_credential_and_its_signature_tokens_are_one_commit() {
    let (folder, store) = fresh();
    let secrets = |credential: &str, token: &str| Secrets {
        credential: SecretString::from(credential).into(),
        signature_tokens: vec![SecretString::from(token)],
    };
    let (new, c) = (connection(1), id(1));
    let before = commits(folder.path());
    store
        .create_connection(new.clone(), secrets(KEY, "t1"))
        .await
        .unwrap();
    assert_eq!(commits(folder.path()), before + 1);
    assert!(store.credential(c).await.unwrap().is_some());
    assert_eq!(signature_tokens(&store, c).await, ["t1"]);

    // What is refused leaves nothing behind.
    let same = Connection {
        external_id: new.external_id.clone(),
        ..connection(2)
    };
    let refused = store.create_connection(same, secrets("k", "t2")).await;
    assert!(refused.is_err());
    assert!(signature_tokens(&store, id(2)).await.is_empty());

    store.disconnect(c, Disconnected::at(at(9))).await.unwrap();
    let before = commits(folder.path());
    let back = store.reconnect(c, new.clone(), secrets("k", "t3")).await;
    assert_eq!(commits(folder.path()), before + 1);
    assert_eq!(signature_tokens(&store, c).await, ["t3"]);

    // The revision that a change of settings names guards the tokens too.
    let tokens = || Some(vec![SecretString::from("t4")]);
    assert!(store.update_connection(new, tokens()).await.is_err());
    assert_eq!(signature_tokens(&store, c).await, ["t3"]);
    let back = back.unwrap().unwrap();
    let before = commits(folder.path());
    store.update_connection(back, tokens()).await.unwrap();
    assert_eq!(commits(folder.path()), before + 1);
    assert_eq!(signature_tokens(&store, c).await, ["t4"]);
}

#[tokio::test]
async fn the_settings_before_a_change_of_what_is_kept_are_remembered_until_they_are_followed() {
    let (_folder, store, id) = connected().await;
    let first = store.connection(id).await.unwrap().unwrap();
    let renamed = Connection {
        display_name: "Another".to_owned(),
        ..first
    };
    let named = store.update_connection(renamed, None).await.unwrap();
    assert_eq!(store.former_settings(id).await.unwrap(), None);
    let narrower = Connection {
        include_archived: !named.include_archived,
        ..named.clone()
    };
    let narrower = store.update_connection(narrower, None).await.unwrap();
    let secret = Connection {
        include_secret_notes: !named.include_secret_notes,
        ..narrower.clone()
    };
    let secret = store.update_connection(secret, None).await.unwrap();
    // Planned for settings that changed meanwhile: not all is followed yet.
    let followed = store.settings_followed(id, narrower.revision);
    followed.await.unwrap();
    assert_eq!(store.former_settings(id).await.unwrap(), Some(named));
    store.settings_followed(id, secret.revision).await.unwrap();
    assert_eq!(store.former_settings(id).await.unwrap(), None);
}

#[tokio::test]
async fn settings_are_replaced_only_by_who_has_read_the_present_ones() {
    let (_folder, store, id) = connected().await;
    let read = store.connection(id).await.unwrap().unwrap();
    let saved = store.update_connection(read.clone(), None).await.unwrap();
    assert_eq!(saved.revision, read.revision + 1);
    assert_eq!(
        store
            .update_connection(read, None)
            .await
            .unwrap_err()
            .kind(),
        &ErrorKind::Conflict
    );
    assert_eq!(
        store
            .update_connection(connection(7), None)
            .await
            .unwrap_err()
            .kind(),
        &ErrorKind::NotFound
    );
}

#[tokio::test]
async fn a_replaced_key_leaves_everything_else() {
    let (_folder, store, id) = connected().await;
    let replaced = store
        .replace_api_key(id, SecretString::from("other"), "ther".to_owned(), at(9))
        .await
        .unwrap();
    assert_eq!(replaced.key_last_four, "ther");
    assert_eq!(replaced.credential_since, Some(at(9)));
    assert_eq!(store.connections().await.unwrap(), [replaced]);
    assert_eq!(
        store.api_key(id).await.unwrap().unwrap().expose_secret(),
        "other"
    );
}

/// F-04.
#[tokio::test]
async fn f04_whether_confidential_records_are_hidden_outlives_a_restart_and_is_written_once() {
    let (folder, store, id) = connected().await;
    let other = connection(2);
    let key = SecretString::from("other");
    store.create_connection(other.clone(), key).await.unwrap();
    let hidden = async |store: &Store| {
        let ours = store.hides_confidential(id).await.unwrap();
        (ours, store.hides_confidential(other.id).await.unwrap())
    };
    assert_eq!(hidden(&store).await, (false, false));
    store.note_hiding(id, true, at(1)).await.unwrap();
    assert_eq!(hidden(&store).await, (true, false));
    let written = commits(folder.path());
    store.note_hiding(id, true, at(1)).await.unwrap();
    store.note_hiding(other.id, false, at(1)).await.unwrap();
    assert_eq!(commits(folder.path()), written);
    store.close().await.unwrap();

    let store = open(folder.path());
    assert_eq!(hidden(&store).await, (true, false));
    store.note_hiding(id, false, at(1)).await.unwrap();
    assert_eq!(hidden(&store).await, (false, false));
    store.note_hiding(id, true, at(1)).await.unwrap();
    let told = store.changes(id, 0, 9).await.unwrap();
    let told: Vec<_> = told.into_iter().map(|change| change.event).collect();
    let expected = [true, false, true].map(|hidden| Event::Confidential { hidden });
    assert_eq!(told, expected);
    store.delete_connection(id).await.unwrap();
    assert_eq!(hidden(&store).await, (false, false));
    let gone = store.note_hiding(id, true, at(1)).await.unwrap_err();
    assert_eq!(gone.kind(), &ErrorKind::NotFound);
}

#[tokio::test]
async fn the_api_key_is_in_no_file() {
    let (folder, store, _id) = connected().await;
    store.close().await.unwrap();
    assert!(!on_disk(folder.path(), KEY.as_bytes()));
}

#[tokio::test]
async fn a_deleted_connection_leaves_nothing_and_its_neighbors_everything() {
    let (folder, store, id) = connected().await;
    store
        .create_connection(connection(2), SecretString::from("k2"))
        .await
        .unwrap();
    for of in [id, connection(2).id] {
        let tags = (0..1500).map(|n| tag(&format!("tag {n}"), "{}")).collect();
        store.apply(page(of, 10, tags)).await.unwrap();
        store
            .apply_refresh(refresh(of, 10, vec![opportunity(candidacy("o", "s", 5))]))
            .await
            .unwrap();
        store
            .record_operation(operation(of, 1, "r"), std::time::Duration::ZERO)
            .await
            .unwrap();
        for kind in MappingKind::ALL {
            store.put_mapping(of, *kind, mapping(1), 0).await.unwrap();
        }
        store
            .note_listing(of, Listing::Tags, ListingOutcome::Succeeded(at(1)))
            .await
            .unwrap();
    }
    store.delete_connection(id).await.unwrap();
    store.close().await.unwrap();

    let store = open(folder.path());
    assert_eq!(store.connection(id).await.unwrap(), None);
    assert!(store.api_key(id).await.unwrap().is_none());
    assert_eq!(store.count(id, Stream::Tags).await.unwrap(), 0);
    assert_eq!(
        store
            .records(id, Stream::Tags, None, 9, Tombstones::With)
            .await
            .unwrap(),
        []
    );
    assert_eq!(store.changes(id, 0, 9).await.unwrap(), []);
    assert!(store.count_by_stage(id).await.unwrap().is_empty());
    assert!(store.cursors(id).await.unwrap().is_empty());
    assert_eq!(store.operations(id, None, None, 9).await.unwrap(), []);
    for kind in MappingKind::ALL {
        assert_eq!(store.mapping(id, *kind).await.unwrap(), None);
    }
    assert_eq!(
        store.count(connection(2).id, Stream::Tags).await.unwrap(),
        1500
    );
    assert_eq!(
        store.count_by_stage(connection(2).id).await.unwrap().len(),
        1
    );
    store
        .create_connection(connection(1), SecretString::from(KEY))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_interrupted_deletion_goes_on_at_the_next_start() {
    let (folder, store, id) = connected().await;
    let tags = (0..2500).map(|n| tag(&format!("tag {n}"), "{}")).collect();
    store.apply(page(id, 10, tags)).await.unwrap();
    let deletion = tokio::time::timeout(std::time::Duration::ZERO, store.delete_connection(id));
    assert!(deletion.await.is_err(), "it was not interrupted");
    store.close().await.unwrap();

    let store = open(folder.path());
    assert_eq!(store.connection(id).await.unwrap(), None);
    assert_eq!(store.changes(id, 0, 9).await.unwrap(), []);
    assert_eq!(
        store.delete_connection(id).await.unwrap_err().kind(),
        &ErrorKind::NotFound
    );
}

#[tokio::test]
async fn nothing_is_stored_for_a_connection_that_is_gone() {
    let (_folder, store, id) = connected().await;
    store.delete_connection(id).await.unwrap();
    let page = page(id, 10, vec![tag("a", "{}")]);
    assert_eq!(
        store.apply(page).await.unwrap_err().kind(),
        &ErrorKind::NotFound
    );
    assert_eq!(
        store
            .put_mapping(id, MappingKind::Stages, mapping(1), 0)
            .await
            .unwrap_err()
            .kind(),
        &ErrorKind::NotFound
    );
    assert_eq!(
        store.delete_connection(id).await.unwrap_err().kind(),
        &ErrorKind::NotFound
    );
}

#[tokio::test]
async fn a_mapping_is_replaced_only_by_who_has_read_the_present_one() {
    let (_folder, store, id) = connected().await;
    // What is saved of the other kind does not count.
    for kind in MappingKind::ALL {
        replaced_in_order(&store, id, *kind).await;
    }
}

async fn replaced_in_order(store: &store::Store, id: domain::ConnectionId, kind: MappingKind) {
    assert_eq!(store.mapping(id, kind).await.unwrap(), None);
    store.put_mapping(id, kind, mapping(1), 0).await.unwrap();
    let error = store
        .put_mapping(id, kind, mapping(1), 0)
        .await
        .unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::MappingMoved {
            present: Some(Box::new(mapping(1)))
        }
    );
    assert_eq!(
        store
            .put_mapping(id, kind, mapping(3), 1)
            .await
            .unwrap_err()
            .kind(),
        &ErrorKind::Invalid
    );
    let mut long = mapping(2);
    long.document = noise(300_000);
    store.put_mapping(id, kind, long.clone(), 1).await.unwrap();
    assert_eq!(store.mapping(id, kind).await.unwrap(), Some(long.clone()));
    assert_eq!(
        store.mapping_versions(id, kind).await.unwrap(),
        [mapping(1), long]
    );
}

#[tokio::test]
async fn listings_say_how_their_last_pass_ended() {
    let (_folder, store, id) = connected().await;
    store
        .note_listing(
            id,
            Listing::Users,
            ListingOutcome::Failed("forbidden".to_owned()),
        )
        .await
        .unwrap();
    let state = &store.cursors(id).await.unwrap()[&Listing::Users];
    assert_eq!(
        (state.last_error.as_deref(), state.last_success_at),
        (Some("forbidden"), None)
    );
    store
        .note_listing(id, Listing::Users, ListingOutcome::Succeeded(at(9)))
        .await
        .unwrap();
    let state = &store.cursors(id).await.unwrap()[&Listing::Users];
    assert_eq!(
        (state.last_error.as_deref(), state.last_success_at),
        (None, Some(at(9)))
    );
    assert_eq!(state.cursor, Cursor::New);
}

#[tokio::test]
async fn a_token_is_found_by_its_hash_and_revoked_by_its_id() {
    let (_folder, store) = fresh();
    assert!(!store.any_tokens().await.unwrap());
    let token = TokenRecord {
        id: "t1".to_owned(),
        name: "product".to_owned(),
        role: "product".to_owned(),
        connections: vec![id(1)],
        rights: Vec::new(),
        hash: [7; 32],
        prefix: "ful_".to_owned(),
        created_at: at(1),
        expires_at: None,
        revoked_at: None,
    };
    store.create_token(token.clone()).await.unwrap();
    let twin = TokenRecord {
        hash: [8; 32],
        ..token.clone()
    };
    let error = store.create_token(twin).await.unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::AlreadyExists {
            id: "t1".to_owned()
        }
    );
    assert_eq!(store.token_by_hash(&[7; 32]).await.unwrap(), Some(token));
    assert_eq!(store.token_by_hash(&[9; 32]).await.unwrap(), None);
    assert_eq!(
        store.revoke_token("t1", at(5)).await.unwrap().revoked_at,
        Some(at(5))
    );
    assert_eq!(store.tokens().await.unwrap()[0].revoked_at, Some(at(5)));
    assert!(store.any_tokens().await.unwrap());
}

#[tokio::test]
async fn tokens_go_when_they_have_ended_for_long_but_never_the_last_one_made() {
    const DAY: i64 = 24 * 3600 * 1000;
    let (folder, store) = fresh();
    let token = |n: u8, expires_at: Option<i64>, revoked_at: Option<i64>| TokenRecord {
        id: format!("t{n}"),
        name: String::new(),
        role: "reader".to_owned(),
        connections: Vec::new(),
        rights: Vec::new(),
        hash: [n; 32],
        prefix: "flc_".to_owned(),
        created_at: at(i64::from(n)),
        expires_at: expires_at.map(at),
        revoked_at: revoked_at.map(at),
    };
    for token in [
        token(1, None, None),
        token(2, Some(DAY), None),
        token(3, None, Some(DAY)),
        // Whichever comes first ends it.
        token(4, Some(400 * DAY), Some(DAY)),
        token(5, Some(DAY), Some(5 * DAY)),
        token(6, Some(2 * DAY), None),
        token(7, Some(400 * DAY), None),
        token(8, None, Some(DAY)),
    ] {
        store.create_token(token).await.unwrap();
    }
    let kept = async |store: &Store| -> Vec<String> {
        let tokens = store.tokens().await.unwrap();
        tokens.into_iter().map(|token| token.id).collect()
    };
    assert_eq!(store.prune(at(91 * DAY)).await.unwrap().tokens, 0);
    assert_eq!(kept(&store).await.len(), 8);
    assert_eq!(store.prune(at(91 * DAY + 1)).await.unwrap().tokens, 4);
    assert_eq!(kept(&store).await, ["t1", "t6", "t7", "t8"]);
    assert_eq!(store.token_by_hash(&[2; 32]).await.unwrap(), None);
    // The last one made stays, however long ago it has ended and whatever else goes.
    store.revoke_token("t1", at(DAY)).await.unwrap();
    assert_eq!(store.prune(at(900 * DAY)).await.unwrap().tokens, 3);
    store.close().await.unwrap();
    let store = open(folder.path());
    assert_eq!(kept(&store).await, ["t8"]);
    assert!(store.any_tokens().await.unwrap());
}
