//! The way of a request through `/v1`: faults, route, key, rate limit, permission, handler, audit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::answer::{Answer, Refusal};
use crate::asked::{Asked, Credential};
use crate::audit::{Audit, AuditEntry};
use crate::call::{self, Call};
use crate::config::{Clock, Key, last4};
use crate::faults::{Action, Faults, Seen};
use crate::garbled::Garbled;
use crate::limit::Limiter;
use crate::oauth::OAuth;
use crate::offsets::Offsets;
use crate::operations::{Operation, Route};
use crate::respond::respond;
use crate::webhooks::{DeliveryAction, DeliveryConfig, DeliveryFaults, History};
use crate::wire::Line;
use crate::world::World;

/// Everything the requests share.
pub(crate) struct Desk {
    pub(crate) world: Mutex<World>,
    pub(crate) keys: Mutex<Vec<Key>>,
    pub(crate) limiter: Limiter,
    pub(crate) offsets: Offsets,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) garbled: Mutex<Garbled>,
    pub(crate) audit: Audit,
    pub(crate) oauth: Mutex<OAuth>,
    pub(crate) deliveries: DeliveryConfig,
    pub(crate) retries: Mutex<Vec<Duration>>,
    pub(crate) delivery_faults: Mutex<DeliveryFaults>,
    pub(crate) history: History,
    /// Told whenever the stalls under way end.
    pub(crate) release: watch::Sender<()>,
    pub(crate) clock: Clock,
}

impl Desk {
    /// The account. A panic elsewhere leaves it as it was, so a poisoned lock is still good.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys of the account, in the order they were made.
    pub(crate) fn keys(&self) -> MutexGuard<'_, Vec<Key>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// Ends the stalls under way.
    pub(crate) fn release_stalls(&self) {
        self.release.send_replace(());
    }

    pub(crate) fn garble(&self, garbled: Garbled) {
        *self.garbled.lock().unwrap_or_else(PoisonError::into_inner) = garbled;
    }

    /// What a caller is shown in place of an answer that reads records.
    fn shown(&self, asked: &Asked, mut answer: Answer) -> Answer {
        let garbled = self.garbled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(body) = answer.body.as_mut().filter(|_| asked.method == "GET") {
            garbled.spoil(body);
        }
        answer
    }

    /// The authorization server.
    pub(crate) fn oauth(&self) -> MutexGuard<'_, OAuth> {
        self.oauth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_delivery_faults(&self, faults: DeliveryFaults) {
        *self
            .delivery_faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// What happens to a delivery of this event.
    pub(crate) fn strike_delivery(&self, event: &str) -> Option<DeliveryAction> {
        self.delivery_faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .strike(event)
    }

    /// The waits before the tries after the first one.
    pub(crate) fn retries(&self) -> Vec<Duration> {
        self.retries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn set_retries(&self, retries: Vec<Duration>) {
        *self.retries.lock().unwrap_or_else(PoisonError::into_inner) = retries;
    }

    fn strike(&self, asked: &Asked) -> Option<Action> {
        let seen = Seen {
            method: &asked.method,
            operation: asked.named(),
            path: &asked.path,
        };
        self.faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .strike(seen)
    }

    /// Answers a request the way Lever would, faults apart, and tells whether it changed anything.
    fn decide(&self, asked: &Asked) -> Result<(Answer, bool), Refusal> {
        if asked.wants_tokens() {
            return Ok(self.oauth().token(&asked.form, (self.clock)()));
        }
        let (operation, ids) = match asked.route() {
            Route::Found(operation, ids) => (operation, ids),
            Route::WrongMethod => return Err(Refusal::wrong_method(&asked.method)),
            Route::Unknown => return Err(Refusal::no_route(&asked.path)),
        };
        let confidential = self.admit(asked, operation)?;
        asked.check(operation)?;
        let call = Call {
            operation: operation.id,
            ids,
            query: call::Query(&asked.query),
            body: asked.body.as_ref(),
            parts: &asked.parts,
            confidential,
            now: (self.clock)(),
            offsets: &self.offsets,
        };
        // One lock for both looks, so that the change seen is this request's own.
        let mut world = self.world();
        let before = world.revision();
        let answer = (operation.answer)(&mut world, &call)?;
        Ok((answer, world.revision() != before))
    }

    /// Checks who asks, their rate and their rights; tells whether they may see confidential records.
    fn admit(&self, asked: &Asked, operation: &Operation) -> Result<bool, Refusal> {
        match &asked.credential {
            Some(Credential::Key(secret)) => self.admit_key(secret, operation),
            Some(Credential::Token(token)) => self.admit_token(token, operation),
            None => Err(Refusal::unauthorized()),
        }
    }

    fn admit_key(&self, secret: &str, operation: &Operation) -> Result<bool, Refusal> {
        let key = self.keys().iter().find(|key| key.secret == secret).cloned();
        let key = key.ok_or_else(Refusal::unauthorized)?;
        self.spend(&key.secret)?;
        if !key.permissions.grants(operation.permission) {
            return Err(Refusal::forbidden(format!(
                "This API key lacks the permission: {}",
                operation.permission
            )));
        }
        Ok(key.confidential)
    }

    /// A new token spends from the same bucket as the one before it: the limit is the application's.
    fn admit_token(&self, token: &str, operation: &Operation) -> Result<bool, Refusal> {
        let bearer = self.oauth().bearer(token, operation.id, (self.clock)());
        let bearer = bearer.ok_or_else(Refusal::unauthorized)?;
        self.spend(&format!("oauth {}", bearer.client))?;
        if !bearer.may_call {
            return Err(Refusal::forbidden("This token lacks a scope for the call"));
        }
        Ok(bearer.confidential)
    }

    fn spend(&self, bucket: &str) -> Result<(), Refusal> {
        if self.limiter.admit(bucket, Instant::now()) {
            Ok(())
        } else {
            Err(Refusal::too_many_requests())
        }
    }

    fn record(&self, asked: &Asked, status: Option<u16>, effect: bool) {
        self.audit.record(AuditEntry {
            sequence: 0,
            at_ms: (self.clock)(),
            method: asked.method.clone(),
            path: asked.path.clone(),
            query: asked.query.clone(),
            key_last4: asked.credential.as_ref().map(|it| last4(it.secret())),
            operation: asked.named().map(|(_, id)| id.to_owned()),
            status,
            effect,
            body: asked.audited_body(),
        });
    }
}

/// Answers `GET /authorize`: the consent of a Super Admin, given or denied at once.
pub(crate) async fn authorize(
    State(desk): State<Arc<Desk>>,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    let now = (desk.clock)();
    let answer = desk.oauth().authorize(&query, now);
    match answer {
        Ok(url) => (StatusCode::FOUND, [(LOCATION, url.to_string())]).into_response(),
        Err(denied) => respond(&denied.into(), now, false),
    }
}

/// Answers one request to `/v1`.
///
/// Like Lever, it finishes what it began even when the caller hangs up: the work runs in a task of its own.
pub(crate) async fn answer(
    State(desk): State<Arc<Desk>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
) -> Response {
    let asked = Asked::read(request).await;
    let now = (desk.clock)();
    let work = tokio::spawn(exchange(desk, line, asked));
    work.await
        .unwrap_or_else(|_| respond(&Refusal::server_error(500).into(), now, false))
}

async fn exchange(desk: Arc<Desk>, line: Line, asked: Asked) -> Response {
    let mut release = desk.release.subscribe();
    let fault = desk.strike(&asked);
    if let Some(Action::StallBefore(wait)) = fault {
        stall(&line, wait, &mut release).await;
    }
    let (answer, effect) = match fault {
        Some(Action::TooManyRequests | Action::RetryAfter(_)) => {
            (Refusal::too_many_requests().into(), false)
        }
        Some(Action::ServerErrorBefore(status)) => (Refusal::server_error(status).into(), false),
        Some(Action::ResetBefore) => return reset(&desk, &line, &asked, false),
        _ => desk
            .decide(&asked)
            .unwrap_or_else(|refusal| (refusal.into(), false)),
    };
    let answer = match fault {
        Some(Action::ServerErrorAfter(status)) => Refusal::server_error(status).into(),
        Some(Action::ResetAfter) => return reset(&desk, &line, &asked, effect),
        _ => answer,
    };
    let answer = desk.shown(&asked, answer);
    desk.record(&asked, Some(answer.status), effect);
    if let Some(Action::StallAfter(wait)) = fault {
        stall(&line, wait, &mut release).await;
    }
    let mut response = respond(
        &answer,
        (desk.clock)(),
        fault == Some(Action::TruncatedBody),
    );
    if let Some(Action::RetryAfter(seconds)) = fault {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

async fn stall(line: &Line, wait: Duration, release: &mut watch::Receiver<()>) {
    tokio::select! {
        () = tokio::time::sleep(wait) => {}
        () = line.was_cut() => {}
        _ = release.changed() => {}
    }
}

/// Drops the connection; the response only stands in for the one that cannot be written any more.
fn reset(desk: &Desk, line: &Line, asked: &Asked, effect: bool) -> Response {
    desk.record(asked, None, effect);
    line.cut();
    Response::new(Body::empty())
}
