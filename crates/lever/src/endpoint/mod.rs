//! Lever's operations as values: each says what to send and what comes back, and does nothing itself.
//!
//! ```no_run
//! # use lever::{Client, Error, ListOpportunities, MoveToStage, OpportunityId, StageId};
//! # async fn example(client: Client, opportunity: OpportunityId, stage: StageId) -> Result<(), Error> {
//! client.send(&MoveToStage { opportunity, stage, perform_as: None }).await?;
//! let active = client.pages(&ListOpportunities { archived: Some(false), ..ListOpportunities::default() });
//! # Ok(())
//! # }
//! ```

mod account;
mod change;
mod notes;
mod opportunities;
mod postings;
mod raw;
mod request;

use serde::de::DeserializeOwned;

pub use account::{ListArchiveReasons, ListSources, ListStages, ListTags, ListUsers};
pub use change::{AddSources, AddTags, MoveToStage, RemoveSources, RemoveTags, SetArchived};
pub use notes::{CreateNote, CreatedNote, GetNote, ListNotes};
pub use opportunities::{
    ConfidentialityFilter, GetOpportunity, ListDeletedOpportunities, ListOpportunities,
    OpportunityExpand,
};
pub use postings::{DistributionChannel, ListPostings};
pub use raw::{Any, RawCall, RawCallError, RawReply};
pub use request::Request;

use crate::decode::DecodeError;
use crate::page::{Offset, Page, Record};
use crate::registry::Operation;

/// One call of one operation.
pub trait Endpoint: Send + Sync {
    /// What Lever answers.
    type Reply: Reply;
    /// The operation; it says what repeating the call does.
    const OPERATION: &'static Operation;

    /// The request to send. Does no IO.
    fn request(&self) -> Request;
}

/// A list that comes in pages.
pub trait ListEndpoint: Endpoint<Reply = Page<Self::Item>> + Clone + 'static {
    /// What the list is made of.
    type Item: DeserializeOwned + Send;

    /// The same list, beginning at `offset`.
    #[must_use]
    fn at(&self, offset: Option<Offset>) -> Self;
}

/// The body of an answer that was a success.
pub trait Reply: Sized + Send {
    /// Reads the body.
    ///
    /// # Errors
    /// When it is not what the operation answers.
    fn from_json(body: &[u8]) -> Result<Self, DecodeError>;
}

impl<T: DeserializeOwned + Send> Reply for Record<T> {
    fn from_json(body: &[u8]) -> Result<Record<T>, DecodeError> {
        Record::from_json(body)
    }
}

impl<T: DeserializeOwned + Send> Reply for Page<T> {
    fn from_json(body: &[u8]) -> Result<Page<T>, DecodeError> {
        Page::from_json(body)
    }
}

/// Implements [`ListEndpoint`] for values with a field `offset`.
macro_rules! list_of {
    ($($list:ident => $item:ty,)+) => {$(
        impl crate::endpoint::ListEndpoint for $list {
            type Item = $item;

            fn at(&self, offset: Option<crate::page::Offset>) -> $list {
                $list { offset, ..self.clone() }
            }
        }
    )+};
}
pub(crate) use list_of;

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use serde_json::Value;

    /// Method, address and body of the call, as they are sent.
    ///
    /// Also checks that the address fits the path of the registry.
    pub(crate) fn sent<E: Endpoint>(endpoint: &E) -> (String, Option<Value>) {
        let request = endpoint.request();
        let url = request
            .url(&"https://lever.test/v1".parse().unwrap())
            .unwrap();
        let path = url.path().strip_prefix("/v1").unwrap();
        assert_eq!(request.method(), E::OPERATION.method);
        assert!(
            fits(path, E::OPERATION.path),
            "{path} is no {}",
            E::OPERATION.path
        );
        let query = url
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        (
            format!("{} {path}{query}", request.method()),
            request.json_body().cloned(),
        )
    }

    fn fits(path: &str, template: &str) -> bool {
        let (path, template): (Vec<_>, Vec<_>) =
            (path.split('/').collect(), template.split('/').collect());
        path.len() == template.len()
            && path
                .iter()
                .zip(template)
                .all(|(is, shall)| *is == shall || shall.starts_with('{'))
    }
}
