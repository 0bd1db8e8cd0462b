//! The control surface under `/sim`, for tests in other languages; the crate's documentation lists the calls.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::act::Act;
use crate::config::{Key, Permissions};
use crate::error::{Error, ErrorKind};
use crate::faults::{FaultPlan, Faults};
use crate::garbled::Garbled;
use crate::gate::Desk;
use crate::oauth::Consent;
use crate::operations;
use crate::webhooks::{DeliveryFaults, DeliveryPlan};
use crate::world::Applicant;

pub(crate) fn routes() -> Router<Arc<Desk>> {
    Router::new()
        .route("/sim/key", get(key))
        .route("/sim/keys", post(make_key))
        .route("/sim/audit", get(audit))
        .route("/sim/faults", post(set_faults).delete(clear_faults))
        .route("/sim/garbled", post(garble))
        .route("/sim/act", post(act))
        .route("/sim/applicants", post(add_applicant))
        .route("/sim/oauth", post(oauth))
        .route("/sim/oauth/expire", post(expire_access))
        .route("/sim/oauth/revoke", post(revoke))
        .route("/sim/webhooks", get(deliveries))
        .route("/sim/webhooks/{id}/test", post(test_webhook))
        .route(
            "/sim/webhooks/faults",
            post(set_delivery_faults).delete(clear_delivery_faults),
        )
        .route("/sim/webhooks/retries", post(set_retries))
        .route("/sim/opportunities/{id}", get(opportunity))
        .route("/sim/opportunities/{id}/stage", post(stage))
        .route("/sim/opportunities/{id}/archive", post(archive))
        .route("/sim/opportunities/{id}/snooze", post(snooze))
        .route("/sim/opportunities/{id}/delete", post(delete))
}

type Desks = State<Arc<Desk>>;
type Given<T> = Result<Json<T>, JsonRejection>;

/// A control call that failed.
struct Failed(StatusCode, String);

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "message": self.1 }))).into_response()
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        let status = match error.kind() {
            ErrorKind::NotFound { .. } => StatusCode::NOT_FOUND,
            ErrorKind::Refused(_) | ErrorKind::Listen(_) => StatusCode::BAD_REQUEST,
        };
        Failed(status, error.to_string())
    }
}

impl From<JsonRejection> for Failed {
    fn from(rejection: JsonRejection) -> Failed {
        Failed(StatusCode::BAD_REQUEST, rejection.body_text())
    }
}

async fn key(State(desk): Desks) -> Result<Json<Value>, Failed> {
    let key = desk.keys().first().map(|key| key.secret.clone());
    let key = key.ok_or_else(|| Failed(StatusCode::NOT_FOUND, "there is no key".to_owned()))?;
    Ok(Json(json!({ "key": key })))
}

/// A key that may do only what it is made for, or everything but what it is made without, in Lever's words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    secret: String,
    #[serde(default)]
    only: Option<BTreeSet<String>>,
    #[serde(default)]
    without: BTreeSet<String>,
    #[serde(default)]
    confidential: bool,
}

/// Makes a key. One that is there already changes its permissions, as no key of Lever's does: a caller sees what it
/// would see of a key that somebody put in its place.
async fn make_key(State(desk): Desks, given: Given<NewKey>) -> Result<StatusCode, Failed> {
    let given = given?.0;
    let only = given.only.iter().flatten().map(|name| ("only", name));
    let without = given.without.iter().map(|name| ("without", name));
    let unknown = only
        .chain(without)
        .find(|(_, name)| !operations::all().any(|known| known.permission == name.as_str()));
    if let Some((field, name)) = unknown {
        let message = format!("{field}: Lever has no permission \"{name}\"");
        return Err(Failed(StatusCode::BAD_REQUEST, message));
    }
    if given.only.is_some() && !given.without.is_empty() {
        let message = "give either only or without".to_owned();
        return Err(Failed(StatusCode::BAD_REQUEST, message));
    }
    let key = Key {
        secret: given.secret,
        permissions: match given.only {
            Some(only) => Permissions::Only(only),
            None => Permissions::AllBut(given.without),
        },
        confidential: given.confidential,
    };
    let mut keys = desk.keys();
    match keys.iter_mut().find(|known| known.secret == key.secret) {
        Some(known) => *known = key,
        None => keys.push(key),
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn audit(State(desk): Desks, Query(from): Query<After>) -> Json<Value> {
    Json(json!({ "entries": desk.audit.after(from.after) }))
}

async fn set_faults(State(desk): Desks, plan: Given<FaultPlan>) -> Result<StatusCode, Failed> {
    desk.set_faults(Faults::new(plan?.0));
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_faults(State(desk): Desks) -> StatusCode {
    desk.set_faults(Faults::new(FaultPlan::default()));
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ids {
    ids: Vec<String>,
}

async fn garble(State(desk): Desks, given: Given<Ids>) -> Result<StatusCode, Failed> {
    desk.garble(Garbled::new(given?.0.ids));
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authorization {
    consent: Option<Consent>,
    access_seconds: Option<u64>,
}

async fn oauth(State(desk): Desks, given: Given<Authorization>) -> Result<StatusCode, Failed> {
    let given = given?.0;
    let mut oauth = desk.oauth();
    if let Some(consent) = given.consent {
        oauth.set_consent(consent);
    }
    if let Some(seconds) = given.access_seconds {
        oauth.set_access_ttl(Duration::from_secs(seconds));
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn expire_access(State(desk): Desks) -> StatusCode {
    desk.oauth().expire_access();
    StatusCode::NO_CONTENT
}

async fn revoke(State(desk): Desks) -> StatusCode {
    desk.oauth().revoke();
    StatusCode::NO_CONTENT
}

async fn deliveries(State(desk): Desks) -> Json<Value> {
    Json(json!({ "deliveries": desk.history.entries() }))
}

async fn test_webhook(State(desk): Desks, Path(id): Path<String>) -> Result<StatusCode, Failed> {
    let now = (desk.clock)();
    let sent = desk.world().test_webhook(&id, now);
    sent.ok_or_else(|| Error::not_found("webhook", &id))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set_delivery_faults(
    State(desk): Desks,
    plan: Given<DeliveryPlan>,
) -> Result<StatusCode, Failed> {
    desk.set_delivery_faults(DeliveryFaults::new(plan?.0));
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_delivery_faults(State(desk): Desks) -> StatusCode {
    desk.set_delivery_faults(DeliveryFaults::new(DeliveryPlan::default()));
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Waits {
    after_ms: Vec<u64>,
}

async fn set_retries(State(desk): Desks, given: Given<Waits>) -> Result<StatusCode, Failed> {
    let waits = given?.0.after_ms;
    desk.set_retries(waits.into_iter().map(Duration::from_millis).collect());
    Ok(StatusCode::NO_CONTENT)
}

async fn add_applicant(State(desk): Desks, given: Given<Applicant>) -> Result<Json<Value>, Failed> {
    Ok(Json(json!({ "id": desk.add_applicant(given?.0) })))
}

/// `id` is null when the act made nothing.
async fn act(State(desk): Desks, given: Given<Act>) -> Result<Json<Value>, Failed> {
    Ok(Json(json!({ "id": desk.act(given?.0)? })))
}

async fn opportunity(State(desk): Desks, Path(id): Path<String>) -> Result<Json<Value>, Failed> {
    let all = desk.all_of(&id);
    Ok(Json(
        all.ok_or_else(|| Error::not_found("opportunity", &id))?,
    ))
}

#[derive(Deserialize)]
struct Move {
    stage: String,
}

async fn stage(
    State(desk): Desks,
    Path(id): Path<String>,
    given: Given<Move>,
) -> Result<StatusCode, Failed> {
    desk.act(Act::MoveStage {
        opportunity: id,
        stage: given?.0.stage,
        user: None,
    })?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct End {
    reason: Option<String>,
}

async fn archive(
    State(desk): Desks,
    Path(id): Path<String>,
    given: Given<End>,
) -> Result<StatusCode, Failed> {
    desk.act(Act::Archive {
        opportunity: id,
        reason: given?.0.reason,
    })?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Snooze {
    until: Option<i64>,
}

async fn snooze(
    State(desk): Desks,
    Path(id): Path<String>,
    given: Given<Snooze>,
) -> Result<StatusCode, Failed> {
    desk.act(Act::Snooze {
        opportunity: id,
        until: given?.0.until,
    })?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete(State(desk): Desks, Path(id): Path<String>) -> Result<StatusCode, Failed> {
    desk.act(Act::DeleteOpportunity {
        opportunity: id,
        user: None,
    })?;
    Ok(StatusCode::NO_CONTENT)
}
