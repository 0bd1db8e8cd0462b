//! Puts the credential into the request, and tells it when Lever refuses it.

use http::header::AUTHORIZATION;
use http::{Extensions, StatusCode};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

use super::{Context, stopped};
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
        let header = self.0.header().await.map_err(stopped)?;
        request.headers_mut().insert(AUTHORIZATION, header.clone());
        if let Some(context) = extensions.get_mut::<Context>() {
            context.sent = true;
        }
        let response = next.run(request, extensions).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            self.0.refused(&header).await;
        }
        Ok(response)
    }
}
