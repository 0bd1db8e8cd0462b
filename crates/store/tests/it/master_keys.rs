//! Exchanging the master key: nothing is lost, nothing stays behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use domain::ConnectionId;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use store::{
    Credential, ErrorKind, MasterKeyId, OAuthTokens, Options, Resealing, Secrets, Store,
    StoredWebhook, check,
};
use tempfile::TempDir;

use crate::identities;
use crate::support::*;

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
const WEBHOOKS: usize = 40;

fn tokens(number: usize) -> OAuthTokens {
    OAuthTokens {
        access_token: format!("access {number}").into(),
        expires_at: at(5),
        refresh_token: format!("refresh {number}").into(),
        client: "client".to_owned(),
    }
}

fn webhook(number: usize) -> StoredWebhook {
    StoredWebhook {
        id: format!("w{number:02}"),
        event: "candidateStageChange".to_owned(),
        signature_token: format!("signature {number}").into(),
    }
}

/// A store with something of all that is sealed: connection 1 has a key and webhooks, connection 2 an OAuth grant.
async fn filled(options: Options) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), options).unwrap();
    let secrets = Secrets {
        credential: Credential::ApiKey(SecretString::from(KEY)),
        signature_tokens: vec!["by hand".into()],
    };
    store
        .create_connection(connection(1), secrets)
        .await
        .unwrap();
    store
        .create_connection(connection(2), tokens(0))
        .await
        .unwrap();
    for number in 0..WEBHOOKS {
        store.set_webhook(id(1), webhook(number)).await.unwrap();
    }
    (folder, store)
}

/// What is sealed in such a store, besides the secret of identity digests.
async fn assert_all_open(store: &Store) {
    let key = store.api_key(id(1)).await.unwrap().unwrap();
    assert_eq!(key.expose_secret(), KEY);
    assert_eq!(refresh_token(store, id(2)).await, "refresh 0");
    assert_eq!(signature_tokens(store, id(1)).await, ["by hand"]);
    let webhooks = store.webhooks(id(1)).await.unwrap();
    let texts = webhooks
        .iter()
        .map(|webhook| webhook.signature_token.expose_secret().to_owned());
    let expected = (0..WEBHOOKS).map(|number| format!("signature {number}"));
    assert!(texts.eq(expected));
}

async fn refresh_token(store: &Store, id: ConnectionId) -> String {
    match store.credential(id).await.unwrap().unwrap().credential {
        Credential::OAuth(tokens) => tokens.refresh_token.expose_secret().to_owned(),
        Credential::ApiKey(_) => panic!("an API key"),
    }
}

/// Goes on until there is nothing to do; gives the number of steps.
async fn reseal_all(store: &Store) -> usize {
    for steps in 0..1_000 {
        match store.reseal(at(100)).await.unwrap() {
            Resealing::Idle => return steps,
            Resealing::Stuck { values } => panic!("{values} values do not open"),
            _ => {}
        }
    }
    panic!("re-sealing does not end");
}

/// The files of keys in a folder.
fn key_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "key"))
        .collect();
    files.sort();
    files
}

fn former_file(folder: &Path, id: MasterKeyId) -> PathBuf {
    folder.join(format!("master.{id}.key"))
}

fn given(keys: &[u8]) -> Options {
    let key = |byte: &u8| SecretBox::new(Box::new([*byte; 32]));
    Options {
        master_keys: keys.iter().map(key).collect(),
        ..options()
    }
}

fn refused(folder: &Path, options: Options) -> String {
    let error = Store::open(folder, options).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::MasterKey, "{error}");
    error.to_string()
}

#[tokio::test]
async fn everything_opens_at_every_moment_of_an_exchange_and_is_sealed_with_the_new_key_at_its_end()
{
    let (folder, store) = filled(options()).await;
    let first = store.master_keys().await.unwrap();
    assert_eq!(first.sealed, 2 + 1 + WEBHOOKS as u64 + 1);
    assert_eq!((first.remaining(), first.former.len()), (0, 0));
    let begun = store.rotate_master_key(at(7)).await.unwrap();
    assert_ne!(begun.present, first.present);
    assert_eq!(begun.remaining(), first.sealed);
    let mut steps = 0;
    loop {
        assert_all_open(&store).await;
        let before = store.master_keys().await.unwrap().remaining();
        match store.reseal(at(8)).await.unwrap() {
            Resealing::Idle => break,
            _ => steps += 1,
        }
        let after = store.master_keys().await.unwrap().remaining();
        assert!(before - after <= 16, "a commit is short");
    }
    assert!(steps >= 5, "{steps}");
    let ended = store.master_keys().await.unwrap();
    assert_eq!((ended.sealed, ended.remaining()), (first.sealed, 0));
    let former = &ended.former[0];
    assert_eq!((former.id, former.sealed), (first.present, 0));
    assert_eq!(
        (former.retired_at, former.removed_at),
        (at(7), Some(at(7).plus(WEEK)))
    );
    store.close().await.unwrap();

    // Without the former key everything kept still opens.
    fs::remove_file(former_file(folder.path(), first.present)).unwrap();
    let store = open(folder.path());
    assert_all_open(&store).await;
}

/// Seen to fail with a place that is not stored with each step: sealing anew never ends then.
#[tokio::test]
async fn an_exchange_goes_on_where_it_was_cut_off() {
    let (folder, store) = filled(options()).await;
    store.rotate_master_key(at(7)).await.unwrap();
    for _ in 0..3 {
        store.reseal(at(8)).await.unwrap();
    }
    let cut_off = store.master_keys().await.unwrap();
    assert!(
        (1..cut_off.sealed).contains(&cut_off.remaining()),
        "{cut_off:?}"
    );
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.master_keys().await.unwrap(), cut_off);
    assert_all_open(&store).await;
    reseal_all(&store).await;
    assert_eq!(store.master_keys().await.unwrap().remaining(), 0);
    assert_all_open(&store).await;
}

#[tokio::test]
async fn an_exchange_under_way_is_told_and_makes_no_second_key() {
    let (folder, store) = filled(options()).await;
    let begun = store.rotate_master_key(at(7)).await.unwrap();
    assert_eq!(store.rotate_master_key(at(8)).await.unwrap(), begun);
    assert_eq!(key_files(folder.path()).len(), 2);
    reseal_all(&store).await;
    let next = store.rotate_master_key(at(9)).await.unwrap();
    assert_ne!(next.present, begun.present);
    let former: Vec<_> = next.former.iter().map(|key| key.retired_at).collect();
    assert_eq!(former, [at(9), at(7)]);
}

#[tokio::test]
async fn a_crash_between_the_new_key_and_the_commit_that_names_it_leaves_a_store_that_goes_on() {
    let (folder, store) = filled(options()).await;
    let before = store.master_keys().await.unwrap().present;
    store.close().await.unwrap();
    let key = folder.path().join("master.key");
    let former = former_file(folder.path(), before);
    fs::copy(&key, &former).unwrap();
    let store = open(folder.path());
    assert_eq!(store.reseal(at(7)).await.unwrap(), Resealing::Idle);
    store.close().await.unwrap();

    fs::write(&key, [9; 32]).unwrap();
    let store = open(folder.path());
    assert_eq!(store.master_keys().await.unwrap().present, before);
    assert_all_open(&store).await;
    assert_eq!(store.reseal(at(7)).await.unwrap(), Resealing::Begun);
    reseal_all(&store).await;
    assert_eq!(store.master_keys().await.unwrap().remaining(), 0);
    assert_all_open(&store).await;
}

#[tokio::test]
async fn a_start_without_a_key_that_something_is_sealed_with_is_refused() {
    let (folder, store) = filled(options()).await;
    let before = store.master_keys().await.unwrap().present;
    store.rotate_master_key(at(7)).await.unwrap();
    store.reseal(at(8)).await.unwrap();
    store.close().await.unwrap();
    let former = former_file(folder.path(), before);
    let bytes = fs::read(&former).unwrap();
    fs::remove_file(&former).unwrap();
    let said = refused(folder.path(), options());
    assert!(
        said.contains(&before.to_string()) && said.contains("restore it"),
        "{said}"
    );
    write_private(&former, &bytes);
    assert_all_open(&open(folder.path())).await;
}

fn write_private(path: &Path, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn keys_that_are_given_leave_no_file_and_are_exchanged_by_giving_a_newer_one_first() {
    let (folder, store) = filled(given(&[1])).await;
    let first = store.master_keys().await.unwrap().present;
    let error = store.rotate_master_key(at(7)).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::KeysGiven);
    store.close().await.unwrap();
    assert!(key_files(folder.path()).is_empty());
    for others in [options(), given(&[2])] {
        refused(folder.path(), others);
    }
    let said = refused(folder.path(), given(&[2]));
    assert!(said.contains(&first.to_string()), "{said}");

    let store = Store::open(folder.path(), given(&[2, 1])).unwrap();
    assert_eq!(store.reseal(at(7)).await.unwrap(), Resealing::Begun);
    store.reseal(at(7)).await.unwrap();
    store.close().await.unwrap();
    let said = refused(folder.path(), given(&[2]));
    assert!(said.contains(&first.to_string()), "{said}");

    let store = Store::open(folder.path(), given(&[2, 1])).unwrap();
    reseal_all(&store).await;
    store.close().await.unwrap();
    let store = Store::open(folder.path(), given(&[2])).unwrap();
    assert_all_open(&store).await;
    assert!(key_files(folder.path()).is_empty());
    assert!(store.master_keys().await.unwrap().given);
}

#[tokio::test]
async fn a_key_of_the_folder_is_exchanged_for_a_given_one() {
    let (folder, store) = filled(options()).await;
    store.close().await.unwrap();
    let old = fs::read(folder.path().join("master.key")).unwrap();
    let with_old = || {
        let mut options = given(&[2]);
        let key: [u8; 32] = old.clone().try_into().unwrap();
        options.master_keys.push(SecretBox::new(Box::new(key)));
        options
    };
    let store = Store::open(folder.path(), with_old()).unwrap();
    reseal_all(&store).await;
    store.close().await.unwrap();
    fs::remove_file(folder.path().join("master.key")).unwrap();
    assert_all_open(&Store::open(folder.path(), given(&[2])).unwrap()).await;
}

#[tokio::test]
async fn a_former_key_opens_what_was_given_away_for_seven_days_and_is_then_removed() {
    let (folder, store) = filled(options()).await;
    let before = store.master_keys().await.unwrap().present;
    let token = store.seal("token", b"c", b"given away").unwrap();
    store.rotate_master_key(at(7)).await.unwrap();
    // As long as something may be sealed with it, it stays.
    let late = at(8).plus(WEEK);
    assert!(store.remove_former_keys(late).await.unwrap().is_empty());
    reseal_all(&store).await;
    let not_yet = at(6).plus(WEEK);
    assert!(store.remove_former_keys(not_yet).await.unwrap().is_empty());
    store.close().await.unwrap();
    let store = open(folder.path());
    assert_eq!(store.unseal("token", b"c", &token).unwrap(), b"given away");

    assert_eq!(store.remove_former_keys(late).await.unwrap(), [before]);
    let error = store.unseal("token", b"c", &token).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::KeyRemoved);
    assert_eq!(key_files(folder.path()), [folder.path().join("master.key")]);
    assert!(store.master_keys().await.unwrap().former.is_empty());
    store.close().await.unwrap();
    assert_all_open(&open(folder.path())).await;
}

/// A given key that was retired is not used again, though it is still given.
#[tokio::test]
async fn a_given_key_that_has_had_its_time_opens_nothing() {
    let (folder, store) = filled(given(&[1])).await;
    let token = store.seal("token", b"c", b"given away").unwrap();
    store.close().await.unwrap();
    let store = Store::open(folder.path(), given(&[2, 1])).unwrap();
    reseal_all(&store).await;
    assert!(store.unseal("token", b"c", &token).is_ok());
    let late = at(101).plus(WEEK);
    store.remove_former_keys(late).await.unwrap();
    store.close().await.unwrap();
    let store = Store::open(folder.path(), given(&[2, 1])).unwrap();
    assert!(store.unseal("token", b"c", &token).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_renewed_while_the_key_is_exchanged_are_neither_lost_nor_left_behind() {
    const RENEWALS: usize = 200;
    let (_folder, store) = filled(options()).await;
    let renewing = store.clone();
    let renewals = tokio::spawn(async move {
        let mut generation = 0;
        for number in 1..=RENEWALS {
            let renewed = renewing.rotate_oauth(id(2), generation, tokens(number));
            generation = renewed.await.unwrap();
        }
    });
    let mut exchanges = 0;
    while !renewals.is_finished() {
        store.rotate_master_key(at(7)).await.unwrap();
        reseal_all(&store).await;
        let keys = store.master_keys().await.unwrap();
        assert_eq!(keys.remaining(), 0, "{keys:?}");
        exchanges += 1;
    }
    renewals.await.unwrap();
    assert!(exchanges > 2, "{exchanges}");
    let last = format!("refresh {RENEWALS}");
    assert_eq!(refresh_token(&store, id(2)).await, last);
    assert_eq!(store.master_keys().await.unwrap().remaining(), 0);
}

fn is_pending<F: Future>(future: Pin<&mut F>) -> bool {
    future
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_pending()
}

/// New tokens are on their way into the store, behind as many other writes as may wait, when the key is exchanged.
///
/// Seen to fail with tokens that are sealed before the commit that stores them: these came in behind the pass, sealed
/// with the key of before.
#[tokio::test]
async fn tokens_on_their_way_while_the_key_is_exchanged_are_sealed_with_the_new_one() {
    const MOST_WAITING: usize = 256;
    let (_folder, store) = filled(options()).await;
    let mut crowd = Vec::new();
    while crowd.len() < MOST_WAITING {
        let mut write = Box::pin(store.set_webhook(id(1), webhook(0)));
        if is_pending(write.as_mut()) {
            crowd.push(write);
        }
    }
    let mut renewal = Box::pin(store.rotate_oauth(id(2), 0, tokens(1)));
    assert!(is_pending(renewal.as_mut()));
    drop(crowd);
    store.rotate_master_key(at(7)).await.unwrap();
    reseal_all(&store).await;
    assert_eq!(refresh_token(&store, id(2)).await, "refresh 0", "they wait");
    renewal.await.unwrap();
    assert_eq!(refresh_token(&store, id(2)).await, "refresh 1");
    assert_eq!(store.master_keys().await.unwrap().remaining(), 0);
}

fn webhook_row(number: usize) -> Vec<u8> {
    [id(1).as_bytes().as_slice(), webhook(number).id.as_bytes()].concat()
}

#[tokio::test]
async fn a_secret_moved_to_another_row_does_not_open() {
    let (folder, store) = filled(options()).await;
    store.close().await.unwrap();
    let (one, two) = (*id(1).as_bytes(), *id(2).as_bytes());
    move_value(folder.path(), "credentials", &one, &two);
    move_value(folder.path(), "webhooks", &webhook_row(1), &webhook_row(2));
    move_value(folder.path(), "webhook_tokens", &one, &two);
    let store = open(folder.path());
    let unsealed = |error: store::Error| assert_eq!(error.kind(), &ErrorKind::Unsealed);
    unsealed(store.credential(id(2)).await.unwrap_err());
    unsealed(store.webhooks(id(1)).await.unwrap_err());
    unsealed(store.webhook_signature_tokens(id(2)).await.unwrap_err());
    assert!(store.credential(id(1)).await.is_ok());
    store.close().await.unwrap();
    let examined = check(folder.path(), &options(), &mut |_| {}).unwrap();
    assert_eq!(
        examined.findings,
        ["credentials", "webhooks", "webhook_tokens"]
            .map(|table| format!("1 sealed values in the table {table} do not open"))
    );
}

#[tokio::test]
async fn a_secret_that_does_not_open_keeps_no_other_from_being_sealed_anew() {
    let (folder, store) = filled(options()).await;
    store.close().await.unwrap();
    move_value(folder.path(), "webhooks", &webhook_row(1), &webhook_row(2));
    let store = open(folder.path());
    let before = store.rotate_master_key(at(7)).await.unwrap().former[0].id;
    let ended = loop {
        match store.reseal(at(8)).await.unwrap() {
            Resealing::Underway => {}
            ended => break ended,
        }
    };
    assert_eq!(ended, Resealing::Stuck { values: 1 });
    let keys = store.master_keys().await.unwrap();
    assert_eq!((keys.remaining(), keys.former[0].removed_at), (1, None));
    // The key stays, and another exchange is possible, until somebody replaces the secret.
    store.remove_former_keys(at(9).plus(WEEK)).await.unwrap();
    assert!(former_file(folder.path(), before).exists());
    store.set_webhook(id(1), webhook(2)).await.unwrap();
    assert_eq!(store.reseal(at(9)).await.unwrap(), Resealing::Ended);
    assert_all_open(&store).await;
}

#[tokio::test]
async fn a_store_of_the_first_version_exchanges_its_key() {
    let folder = crate::earlier_versions::unpacked_first();
    let store = open(folder.path());
    let connection = store.connections().await.unwrap().remove(0).id;
    store.rotate_master_key(at(7)).await.unwrap();
    reseal_all(&store).await;
    store.remove_former_keys(at(8).plus(WEEK)).await.unwrap();
    store.close().await.unwrap();
    let store = open(folder.path());
    let key = store.api_key(connection).await.unwrap().unwrap();
    let expected = "fulcrum-simulator-key-0000000000000001";
    assert_eq!(key.expose_secret(), expected);
}

/// Identity keys are hashed with a secret of their own: were it the master key, nobody would be found after this.
#[tokio::test]
async fn people_are_found_after_the_key_was_exchanged() {
    let (folder, store) = filled(options()).await;
    identities::many(&store, id(1)).await;
    let asked = || (0..50).map(identities::email).collect();
    let before = identities::find(&store, id(1), asked()).await.by_key;
    assert!(before.iter().all(|found| !found.is_empty()));
    store.rotate_master_key(at(7)).await.unwrap();
    reseal_all(&store).await;
    store.remove_former_keys(at(8).plus(WEEK)).await.unwrap();
    let during = identities::find(&store, id(1), asked()).await.by_key;
    assert_eq!(during, before);
    store.close().await.unwrap();
    let store = open(folder.path());
    let after = identities::find(&store, id(1), asked()).await.by_key;
    assert_eq!(after, before);
}
