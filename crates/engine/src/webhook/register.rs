//! Brings the webhooks in Lever to what the settings of a connection wish, and keeps them there.

use std::sync::Arc;
use std::time::Duration;

use domain::issue::Problem;
use futures::FutureExt as _;
use lever::{
    CreateWebhook, DeleteWebhook, ErrorKind, Lane, ListWebhooks, WebhookEvent, WebhookId,
    WebhookWrite,
};
use secrecy::SecretString;
use store::StoredWebhook;

use super::WebhookState;
use super::plan::{EVENTS, plan};
use crate::engine::Shared;
use crate::error::{Error, Result};
use crate::link::Link;
use crate::pull::Trouble;

const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// Somebody may remove a webhook in Lever: looked at this often.
const CHECK: Duration = Duration::from_secs(24 * 3600);

/// Keeps the webhooks of one connection as wished, until its link is stopped.
pub(crate) async fn run(shared: Arc<Shared>, link: Arc<Link>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let outcome = tokio::select! {
            biased;
            () = link.stop.cancelled() => return,
            // Boxed: a worker at rest needs no room for it.
            outcome = bring_after_pause(&shared, &link).boxed() => outcome,
        };
        let wait = match outcome {
            Ok(state) => {
                link.webhooks.set_state(state);
                link.issues.look_soon();
                pause = FIRST_PAUSE;
                CHECK
            }
            // How they stand is not known any worse; it goes on after the pause.
            Err(error) if error.pause().is_some() => continue,
            Err(error) => {
                tracing::warn!(connection = %link.id(), error = %crate::report(&error), "webhooks are not as wished");
                let (state, wait) = match Trouble::of(&error) {
                    trouble if trouble.passes() && is_passing(&error) => {
                        (WebhookState::Pending(Some(error.to_string())), pause)
                    }
                    _ => (WebhookState::Failed(error.to_string()), LONGEST_PAUSE),
                };
                link.webhooks.set_state(state);
                let why = error.to_string();
                let problem = Problem::WebhooksNotRegistered { why };
                link.issues.saw(problem, Vec::new(), shared.clock.now());
                pause = (pause * 2).min(LONGEST_PAUSE);
                wait
            }
        };
        link.moved();
        tokio::select! {
            () = link.stop.cancelled() => return,
            () = link.webhooks.now.notified() => pause = FIRST_PAUSE,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

fn is_passing(error: &Error) -> bool {
    matches!(
        error.kind(),
        crate::error::ErrorKind::Unavailable { .. } | crate::error::ErrorKind::Exhausted
    )
}

async fn bring_after_pause(shared: &Shared, link: &Link) -> Result<WebhookState> {
    link.outlast_pause().await;
    bring(shared, link).await
}

/// Does what is missing; tells how things stand then.
async fn bring(shared: &Shared, link: &Link) -> Result<WebhookState> {
    let _turn = link.webhooks.turn.lock().await;
    if link.connection().webhooks {
        let url = url(shared, link).ok_or_else(not_configured)?;
        settle(shared, link, &url, &EVENTS).await?;
        return Ok(WebhookState::Registered);
    }
    // Who never wished webhooks is not asked for them either.
    if !shared.store.webhooks(link.id()).await?.is_empty() {
        remove(shared, link).await?;
    }
    Ok(WebhookState::Off)
}

/// Removes every webhook of ours from Lever.
///
/// # Errors
/// As every call of Lever; what could be removed is.
pub(crate) async fn remove_all(shared: &Shared, link: &Link) -> Result<()> {
    let _turn = link.webhooks.turn.lock().await;
    remove(shared, link).await
}

async fn remove(shared: &Shared, link: &Link) -> Result<()> {
    // Without an address of ours those go that we know by their ids.
    let url = url(shared, link).unwrap_or_default();
    settle(shared, link, &url, &[]).await
}

/// Where Lever reaches us for this connection; none when the operator has not said where we are.
fn url(shared: &Shared, link: &Link) -> Option<String> {
    let public = shared.settings.public_url.as_ref()?;
    Some(format!(
        "{}/webhooks/lever/{}",
        public.trim_end_matches('/'),
        link.id()
    ))
}

/// What to say where webhooks are wished, but Lever could not reach us.
pub(crate) fn not_configured() -> Error {
    Error::precondition(
        "WEBHOOKS_NOT_CONFIGURED",
        "Lever must know where to send webhooks: have the operator set server.public_url to the https address \
         under which this service's HTTP side is reached from outside",
        Vec::new(),
    )
}

async fn settle(shared: &Shared, link: &Link, url: &str, events: &[&str]) -> Result<()> {
    let (store, id) = (&shared.store, link.id());
    let client = link.client(Lane::Follow);
    let page = client.send(&ListWebhooks::default()).await?;
    // One that cannot be read cannot be told to be ours.
    let listed: Vec<_> = page
        .records
        .into_iter()
        .flatten()
        .map(|record| record.value)
        .collect();
    let plan = plan(&listed, &store.webhooks(id).await?, url, events);
    // One that Lever does not remove keeps none of the others.
    let removals = plan.remove.iter().map(async |webhook| {
        delete(link, webhook).await?;
        store.remove_webhook(id, webhook.as_str()).await?;
        Ok::<(), Error>(())
    });
    let removed = futures::future::join_all(removals).await;
    for webhook in &plan.forget {
        store.remove_webhook(id, webhook).await?;
    }
    removed.into_iter().collect::<Result<()>>()?;
    for event in &plan.create {
        create(shared, link, url, event).await?;
    }
    link.webhooks.load_tokens(store, id).await
}

async fn delete(link: &Link, webhook: &WebhookId) -> Result<()> {
    let request = DeleteWebhook {
        webhook: webhook.clone(),
    };
    match link.client(Lane::Follow).send(&request).await {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound) => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Registers a webhook, and stores what it signs with before anything relies on it.
///
/// One whose answer is lost stays in Lever without a stored token, and is replaced by the next round.
async fn create(shared: &Shared, link: &Link, url: &str, event: &WebhookEvent) -> Result<()> {
    let request = CreateWebhook {
        body: WebhookWrite {
            url: url.to_owned(),
            event: event.clone(),
            configuration: None,
        },
    };
    let created = link.client(Lane::Follow).send(&request).await?.value;
    let signature_token = created.configuration.signature_token.ok_or_else(|| {
        Error::unavailable(
            "Lever made a webhook without telling what it signs with; it is replaced",
        )
    })?;
    let webhook = StoredWebhook {
        id: created.id.as_str().to_owned(),
        event: event.as_str().to_owned(),
        signature_token: SecretString::from(signature_token),
    };
    shared.store.set_webhook(link.id(), webhook).await?;
    link.webhooks.load_tokens(&shared.store, link.id()).await
}
