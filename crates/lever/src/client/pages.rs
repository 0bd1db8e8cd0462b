//! Walks a list page by page.

use futures::stream::{self, Stream};

use super::{Answer, Client};
use crate::decode::DecodeError;
use crate::endpoint::ListEndpoint;
use crate::error::{Error, ErrorKind};
use crate::page::{Offset, Page};

impl Client {
    /// Reads the pages of a list in order, from the offset `list` carries to the last page.
    ///
    /// Each page is asked for when the stream is polled for it. An error ends the stream.
    ///
    /// # Errors
    /// Those of [`Client::answer`]; and [`Malformed`](ErrorKind::Malformed) when a page names itself as the next one.
    pub fn pages<L: ListEndpoint>(
        &self,
        list: &L,
    ) -> impl Stream<Item = Result<Answer<Page<L::Item>>, Error>> + Send + use<L> {
        let client = self.clone();
        let first = Walk {
            list: list.clone(),
            at: None,
        };
        stream::try_unfold(Some(first), move |walk| {
            let client = client.clone();
            async move {
                let Some(walk) = walk else { return Ok(None) };
                let answer = client.answer(&walk.list).await?;
                let rest = walk.after(&answer.value)?;
                Ok(Some((answer, rest)))
            }
        })
    }
}

/// The list at one of its pages, and the token that led there.
struct Walk<L> {
    list: L,
    at: Option<Offset>,
}

impl<L: ListEndpoint> Walk<L> {
    fn after(self, page: &Page<L::Item>) -> Result<Option<Walk<L>>, Error> {
        let Some(next) = page.next.clone() else {
            return Ok(None);
        };
        if self.at.as_ref() == Some(&next) {
            let fault = DecodeError::new("the page names itself as the next one");
            return Err(Error::new(L::OPERATION, ErrorKind::Malformed).caused_by(fault));
        }
        Ok(Some(Walk {
            list: self.list.at(Some(next.clone())),
            at: Some(next),
        }))
    }
}
