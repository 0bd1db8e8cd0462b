//! Puts the credential into the request.

use http::Extensions;
use http::header::AUTHORIZATION;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

use super::{Stopped, stopped};
use crate::client::Credential;

pub(super) struct Auth(pub(super) Credential);

#[async_trait::async_trait]
impl Middleware for Auth {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let header = self
            .0
            .header()
            .ok_or_else(|| stopped(Stopped::Credential))?;
        request.headers_mut().insert(AUTHORIZATION, header);
        next.run(request, extensions).await
    }
}
