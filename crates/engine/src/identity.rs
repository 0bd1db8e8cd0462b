//! Keeps the index of what people are recognized by: folds it while nobody waits, and makes it for an older store.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::identity::IdentityKey;
use domain::{Candidacy, ConnectionId, Stream};
use lever::OpportunityId;
use store::{Error as StoreError, ErrorKind as StoreErrorKind};

use crate::engine::{Engine, Shared};
use crate::pull::derived;

/// Between two looks at whether there is something to fold.
const PERIOD: Duration = Duration::from_secs(60);
/// How many candidacies are looked at, and changed in one commit, at a time.
const STEP: usize = 500;

/// Makes the index where an earlier version has not, then folds it once a minute until the engine stops.
pub(crate) async fn run(engine: Engine) {
    loop {
        if let Err(error) = round(&engine).await {
            log_failure!(
                &error,
                "the index of people could not be kept; it is tried again"
            );
        }
        tokio::select! {
            () = engine.stopped() => return,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

async fn round(engine: &Engine) -> Result<(), StoreError> {
    let store = &engine.shared.store;
    let connections = store.connections().await?;
    let complete = store.identities_complete().await?;
    for connection in connections {
        let outcome = async {
            if !complete {
                index(&engine.shared, connection.id).await?;
            }
            while store.fold_identities(connection.id).await? > 0 {}
            Ok::<(), StoreError>(())
        };
        match outcome.await {
            // Removed at this moment.
            Err(error) if matches!(error.kind(), StoreErrorKind::NotFound) => {}
            outcome => outcome?,
        }
    }
    if !complete {
        store.set_identities_complete().await?;
        tracing::info!(
            "what people are recognized by is indexed for the mirror of an earlier version"
        );
    }
    Ok(())
}

/// Gives every candidacy of a connection its identity keys.
async fn index(shared: &Shared, id: ConnectionId) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let (bare, last) = shared
            .store
            .without_identity(id, after.as_ref(), STEP)
            .await?;
        let mut people = Vec::with_capacity(bare.len());
        for opportunity in &bare {
            people.extend(from_documents(shared, id, opportunity).await?);
        }
        shared
            .store
            .set_identities(id, people, shared.clock.now())
            .await?;
        match last {
            None => return Ok(()),
            last => after = last,
        }
    }
}

/// What is derived from the documents of the mirror; none for an opportunity that is gone, or cannot be read any more.
pub(crate) async fn from_documents(
    shared: &Shared,
    id: ConnectionId,
    opportunity: &OpportunityId,
) -> Result<Option<(Candidacy, BTreeSet<IdentityKey>)>, StoreError> {
    let of = async |stream: Stream, record: &str| {
        let record = shared.store.record(id, stream, record).await?;
        Ok::<_, StoreError>(record.map(|record| record.raw))
    };
    let raw = of(Stream::Opportunities, opportunity.as_str()).await?;
    let Some(document) = raw.and_then(|raw| parsed::<lever::Opportunity>(&raw)) else {
        return Ok(None);
    };
    let contact = match &document.contact {
        Some(contact) => of(Stream::Contacts, contact.as_str()).await?,
        None => None,
    };
    let contact = contact.and_then(|raw| parsed::<lever::Contact>(&raw));
    let application = match document.applications.first() {
        Some(application) => of(Stream::Applications, application.as_str()).await?,
        None => None,
    };
    let application = application.and_then(|raw| parsed::<lever::Application>(&raw));
    Ok(Some(derived(
        &document,
        application.as_ref(),
        contact.as_ref(),
    )))
}

fn parsed<T: serde::de::DeserializeOwned>(raw: &str) -> Option<T> {
    serde_json::from_str(raw).ok()
}
