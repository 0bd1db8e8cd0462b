//! The queue of webhooks, and what they are verified with.

use secrecy::{ExposeSecret, SecretString};
use store::{ErrorKind, Nudge, Recorded, StoredWebhook};

use crate::support::*;

const DAY: i64 = 24 * 3600 * 1000;

fn nudge(opportunity: &str, ms: i64) -> Nudge {
    Nudge {
        event: "candidateStageChange".to_owned(),
        opportunity: Some(opportunity.into()),
        contact: None,
        interview: None,
        at: at(ms),
    }
}

fn webhook(id: &str, token: &str) -> StoredWebhook {
    StoredWebhook {
        id: id.to_owned(),
        event: "candidateHired".to_owned(),
        signature_token: SecretString::from(token),
    }
}

#[tokio::test]
async fn nudges_wait_in_order_until_they_are_settled_and_survive_a_restart() {
    let (folder, store, c) = connected().await;
    for (digest, ms) in [(1, 30), (2, 10), (3, 20)] {
        let recorded = store
            .record_nudge(c, [digest; 32], nudge("o", ms))
            .await
            .unwrap();
        assert!(matches!(recorded, Recorded::New(_)));
    }
    store.close().await.unwrap();
    let store = open(folder.path());
    let waiting = store.nudges(c, 9).await.unwrap();
    let times: Vec<_> = waiting
        .iter()
        .map(|(_, nudge)| nudge.at.as_millis())
        .collect();
    assert_eq!(times, [10, 20, 30]);
    assert_eq!(store.nudges(c, 1).await.unwrap(), waiting[..1]);

    let settled = vec![waiting[0].0, waiting[2].0];
    store.settle_nudges(c, settled.clone()).await.unwrap();
    store.settle_nudges(c, settled).await.unwrap();
    assert_eq!(store.nudges(c, 9).await.unwrap(), waiting[1..2]);
}

#[tokio::test]
async fn a_delivery_that_comes_again_within_seven_days_is_no_second_nudge() {
    let (_folder, store, c) = connected().await;
    store.record_nudge(c, [1; 32], nudge("o", 0)).await.unwrap();
    let (first, _) = store.nudges(c, 9).await.unwrap().remove(0);
    store.settle_nudges(c, vec![first]).await.unwrap();
    let again = async |ms| {
        store
            .record_nudge(c, [1; 32], nudge("o", ms))
            .await
            .unwrap()
    };
    assert_eq!(again(5).await, Recorded::Replayed);
    assert_eq!(again(7 * DAY).await, Recorded::Replayed);
    assert_eq!(store.nudges(c, 9).await.unwrap(), []);
    assert!(matches!(again(7 * DAY + 1).await, Recorded::New(_)));
}

#[tokio::test]
async fn the_same_token_of_two_accounts_is_two_deliveries() {
    let (_folder, store, c) = connected().await;
    store
        .create_connection(connection(2), SecretString::from("k"))
        .await
        .unwrap();
    store.record_nudge(c, [1; 32], nudge("o", 0)).await.unwrap();
    let other = store.record_nudge(id(2), [1; 32], nudge("o", 0)).await;
    assert!(matches!(other.unwrap(), Recorded::New(_)));
    assert_eq!(store.nudges(c, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn webhooks_are_stored_sealed_and_forgotten_by_id() {
    let (folder, store, c) = connected().await;
    store
        .set_webhook(c, webhook("w1", "first-signature-token"))
        .await
        .unwrap();
    store
        .set_webhook(c, webhook("w1", "other-signature-token"))
        .await
        .unwrap();
    store.set_webhook(c, webhook("w2", "t2")).await.unwrap();
    let found = store.webhooks(c).await.unwrap();
    let shown = |webhook: &StoredWebhook| {
        let token = webhook.signature_token.expose_secret().to_owned();
        (webhook.id.clone(), webhook.event.clone(), token)
    };
    let expected = |id: &str, token: &str| shown(&webhook(id, token));
    assert!(found.iter().map(shown).eq([
        expected("w1", "other-signature-token"),
        expected("w2", "t2")
    ]));
    assert!(!format!("{found:?}").contains("signature-token"));
    store.remove_webhook(c, "w2").await.unwrap();
    store.remove_webhook(c, "w2").await.unwrap();
    assert_eq!(store.webhooks(c).await.unwrap().len(), 1);
    store.close().await.unwrap();
    assert!(!on_disk(folder.path(), b"signature-token"));
}

#[tokio::test]
async fn the_signature_tokens_of_an_admin_are_a_sealed_list() {
    let (folder, store, c) = connected().await;
    assert!(store.webhook_signature_tokens(c).await.unwrap().is_empty());
    let tokens = ["admin-token-1", "admin-token-2"];
    give_signature_tokens(&store, c, &tokens).await;
    assert_eq!(signature_tokens(&store, c).await, tokens);
    // Settings that say nothing of tokens leave them.
    let present = store.connection(c).await.unwrap().unwrap();
    store.update_connection(present, None).await.unwrap();
    assert_eq!(signature_tokens(&store, c).await, tokens);
    give_signature_tokens(&store, c, &[]).await;
    assert!(signature_tokens(&store, c).await.is_empty());
    store.close().await.unwrap();
    assert!(!on_disk(folder.path(), b"admin-token"));
}

#[tokio::test]
async fn nothing_is_queued_for_an_unknown_connection() {
    let (_folder, store) = fresh();
    let error = store
        .record_nudge(id(1), [1; 32], nudge("o", 0))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound);
    let error = store
        .set_webhook(id(1), webhook("w", "t"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound);
}
