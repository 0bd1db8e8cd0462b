//! Whether the Lever account of a credential is connected already: two connections of one account would share its rate
//! limit, and both write to it.
//!
//! Lever names no account. A credential is of the account of a connection if it is the same key, or if its trial showed
//! a record that the connection has: ids of Lever's own making are unique everywhere. One that has
//! read nothing yet is asked for the same list, so that two that are set up side by side are told too. Nothing follows from
//! silence.

use std::collections::BTreeSet;

use domain::{ConnectionId, Environment, Stream};
use lever::{Credential, Lane};
use store::ConnectLink;

use crate::connect_links::ended;
use crate::credential::Obtained;
use crate::engine::Engine;
use crate::error::{ACCOUNT_CONNECTED, Error, Result};

/// How many records of a trial are compared.
const MOST: usize = 20;

/// What the trial of a credential showed: ids of Lever's own making, of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shown {
    stream: Option<Stream>,
    ids: Vec<String>,
}

impl Shown {
    /// Of what a list answered, what no other account can have: stages such as `lead-new` are in each.
    pub(crate) fn of<'a>(stream: Stream, documents: impl Iterator<Item = &'a str>) -> Shown {
        let ids = documents.filter_map(|document| stream.key_in(document));
        let unique = |id: &String| id.len() == 36 && uuid::Uuid::try_parse(id).is_ok();
        Shown {
            stream: Some(stream),
            ids: ids.filter(unique).take(MOST).collect(),
        }
    }
}

impl Engine {
    /// Refuses a credential of an account that another connection than `own` has. Whoever stores it holds
    /// `Shared::linking` from before this until then.
    ///
    /// # Errors
    /// Precondition with reason `ACCOUNT_CONNECTED`, which names the other connection.
    pub(crate) async fn refuse_twin(
        &self,
        own: Option<ConnectionId>,
        environment: &Environment,
        credential: &Obtained,
        shown: &Shown,
    ) -> Result<()> {
        let place = self.shared.clients.base_url(environment)?;
        let mut twin = None;
        for known in self.shared.store.connections().await? {
            // An address that is not allowed any more is no place that this one could be at.
            let there = self.shared.clients.base_url(&known.environment);
            let apart = there.is_ok_and(|there| there.as_str() != place.as_str());
            if known.disconnected.is_some() || apart {
                continue;
            }
            if !self.is_of(known.id, credential, shown).await? {
                continue;
            }
            if own == Some(known.id) {
                return Ok(());
            }
            twin.get_or_insert(known);
        }
        match twin {
            None => Ok(()),
            Some(twin) => Err(Error::precondition(
                ACCOUNT_CONNECTED,
                format!(
                    "this Lever account is connected already as \u{201c}{}\u{201d}: use that connection, or say with \
                     allow_connected_account that a second one is meant",
                    twin.display_name
                ),
                vec![("connection_id", twin.id.to_string())],
            )),
        }
    }

    /// Whether a credential is of the account of a connection, as far as can be known.
    async fn is_of(&self, id: ConnectionId, credential: &Obtained, shown: &Shown) -> Result<bool> {
        let store = &self.shared.store;
        // One that cannot be unsealed is known by its records.
        let kept = store.api_key(id).await.ok().flatten();
        if let (Some(kept), Some(given)) = (kept, credential.api_key())
            && Credential::api_key(kept).fingerprint()
                == Credential::api_key(given.clone()).fingerprint()
        {
            return Ok(true);
        }
        let Some(stream) = shown.stream else {
            return Ok(false);
        };
        for record in &shown.ids {
            if store.record(id, stream, record).await?.is_some() {
                return Ok(true);
            }
        }
        match store.count(id, stream).await? {
            0 => Ok(self.shows_the_same(id, stream, shown).await),
            _ => Ok(false),
        }
    }

    /// Whether a connection that has read nothing of a stream yet is shown a record that a trial was; not where Lever
    /// does not answer it.
    async fn shows_the_same(&self, id: ConnectionId, stream: Stream, shown: &Shown) -> bool {
        let Ok(link) = self.link(id) else {
            return false;
        };
        let client = link.client(Lane::Interactive);
        let client = client.with_limits(self.shared.clients.impatient());
        let theirs = crate::read::first_page(&client, &BTreeSet::from([stream])).await;
        theirs.is_ok_and(|theirs| theirs.ids.iter().any(|record| shown.ids.contains(record)))
    }

    /// Refuses a link that is not open any more.
    pub(crate) async fn still_open(&self, hash: &[u8; 32]) -> Result<()> {
        let link: Option<ConnectLink> = self.shared.store.connect_link(hash).await?;
        let open = link.is_some_and(|link| self.state_of(&link) == store::LinkState::Open);
        if open { Ok(()) } else { Err(ended()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_account_has_tells_no_two_apart() {
        let documents = [
            r#"{"id":"lead-new"}"#,
            r#"{"id":"51adab2b-5c0c-4f35-8f2e-0a8d1b5d7b52"}"#,
            r#"{"text":"no id"}"#,
        ];
        let shown = Shown::of(Stream::Stages, documents.into_iter());
        assert_eq!(shown.ids, ["51adab2b-5c0c-4f35-8f2e-0a8d1b5d7b52"]);
        assert_eq!(shown.stream, Some(Stream::Stages));
    }
}
