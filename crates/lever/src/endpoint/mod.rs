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
mod apply;
mod change;
mod create;
mod feedback;
mod files;
mod forms;
mod interviews;
mod legacy;
mod notes;
mod offers;
mod opportunities;
mod parts;
mod people;
mod postings;
mod raw;
mod request;
mod requisitions;
mod surveys;
mod table;
mod templates;
mod webhooks;

use serde::de::DeserializeOwned;

pub use account::*;
pub use apply::*;
pub use change::*;
pub use create::*;
pub use feedback::*;
pub use files::*;
pub use forms::*;
pub use interviews::*;
pub use legacy::*;
pub use notes::*;
pub use offers::*;
pub use opportunities::*;
pub use parts::*;
pub use people::*;
pub use postings::*;
pub use raw::*;
pub use request::*;
pub use requisitions::*;
pub use surveys::*;
pub use templates::*;
pub use webhooks::*;

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

/// One call that answers a file.
pub trait DownloadEndpoint: Send + Sync {
    /// The operation.
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

/// Nothing, for operations that answer 204; a body is not looked at.
impl Reply for () {
    fn from_json(_: &[u8]) -> Result<(), DecodeError> {
        Ok(())
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
    use crate::registry::BodyKind;
    use serde_json::Value;

    /// Method and address of a download.
    pub(crate) fn asked<E: DownloadEndpoint>(endpoint: &E) -> String {
        shown(&endpoint.request(), E::OPERATION)
    }

    /// Method, address and JSON body of the call, as they are sent.
    pub(crate) fn sent<E: Endpoint>(endpoint: &E) -> (String, Option<Value>) {
        let request = endpoint.request();
        let shown = shown(&request, E::OPERATION);
        (shown, request.body().cloned())
    }

    /// Also checks that the request fits the registry: method, path, names of the query, kind of body.
    fn shown(request: &Request, operation: &Operation) -> String {
        let url = request
            .url(&"https://lever.test/v1".parse().unwrap())
            .unwrap();
        let path = url.path().strip_prefix("/v1").unwrap();
        assert_eq!(request.method(), operation.method);
        assert!(
            fits(path, operation.path),
            "{path} is no {}",
            operation.path
        );
        for (name, _) in request.query_pairs() {
            let name = name.trim_end_matches("[]");
            assert!(operation.query.contains(&name), "{name} is no filter");
        }
        let takes = match (request.body(), request.parts()) {
            (None, []) => [BodyKind::None, BodyKind::None],
            (Some(_), _) => [BodyKind::Json, BodyKind::JsonOrMultipart],
            (None, _) => [BodyKind::Multipart, BodyKind::JsonOrMultipart],
        };
        assert!(takes.contains(&operation.body), "{:?}", operation.body);
        let query = url
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        format!("{} {path}{query}", request.method())
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
