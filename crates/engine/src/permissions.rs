//! What Lever lets the credential of a connection do, permission by permission (F-03, F-04, X6, X25).
//!
//! Reads are tried where that is harmless; writes are known from real use only. What to try and what follows from the
//! answers is decided by pure functions; here it is asked.

mod kept;
mod list;
mod need;
mod plan;
mod regained;
mod verdict;

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{Connection, ConnectionId, Stream, Timestamp};
use futures::StreamExt as _;
use lever::registry as r;
use lever::{
    Client, DownloadFile, DownloadOffer, DownloadResume, ErrorKind as LeverErrorKind, Lane, Legacy,
    Operation,
};
use store::Experience;
use tokio::time::Instant;
use uuid::Uuid;

use crate::cause::Cause;
use crate::engine::{Engine, Shared};
use crate::error::Result;
use crate::link::Link;
use crate::traffic;

use list::{Permission, permissions};
pub(crate) use need::home;
use need::need;
use plan::Plan;
pub use verdict::{Evidence, KeyState, PermissionState};
use verdict::{Tried, Verdict};

/// How far back real use is looked at: as long as calls are kept.
const MEMORY: Duration = Duration::from_secs(30 * 24 * 3600);
/// How many calls are under way at once, so that the interactive lane is left to others too.
const AT_ONCE: usize = 4;

/// What is known of one permission of Lever's API-key page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionStatus {
    /// Its name, to the letter.
    pub name: &'static str,
    /// Whether it only allows reading.
    pub reads: bool,
    /// Whether the set-up guide asks for it.
    pub guide: bool,
    /// Whether the credential has it.
    pub state: PermissionState,
    /// How that is known; none when it is not.
    pub evidence: Option<Evidence>,
    /// Why it is not known; empty when it is.
    pub reason: String,
    /// The streams that are read with it.
    pub streams: Vec<Stream>,
    /// The rpcs that need it, and `webhooks`.
    pub features: Vec<&'static str>,
    /// Whether a stream that the connection keeps cannot be read without it.
    pub required: bool,
    /// What is lost without it, in one sentence.
    pub loss: String,
    /// The OAuth scopes that stand for it.
    pub scopes: Vec<&'static str>,
}

/// Whether the credential sees confidential people, postings and requisitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfidentialAccess {
    /// It does.
    On,
    /// It does not; lists leave them out (F-04).
    Off,
    /// No list that would tell was answered.
    Unknown,
}

/// What Lever lets a credential do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionReport {
    /// The permissions of the guide in its order, then all others.
    pub permissions: Vec<PermissionStatus>,
    /// Whether it sees what is confidential.
    pub confidential: ConfidentialAccess,
    /// What Lever thinks of the credential.
    pub key: KeyState,
    /// When Lever last accepted the credential in real use; none when that was not seen.
    pub worked_at: Option<Timestamp>,
    /// When this was found out.
    pub checked_at: Timestamp,
    /// How long Lever took to answer the first call; none where it did not.
    pub answered_in: Option<Duration>,
}

/// The permissions that the set-up guide has an admin tick on Lever's API-key page, in its order, each with whether it
/// only allows reading.
pub fn guide_permissions() -> Vec<(&'static str, bool)> {
    let all = permissions().into_iter();
    all.filter(|permission| permission.guide)
        .map(|permission| (permission.name, permission.read().is_some()))
        .collect()
}

/// The permissions that no set-up guide names and that a pull reads with: what guides leave out, and what tells of
/// deletions. Those names are formed by analogy (permissions.tsv), so Lever's page may have others.
pub fn extra_permissions() -> Vec<&'static str> {
    let all = permissions();
    let extra = all.iter().filter(|permission| need::is_extra(permission));
    extra.map(|permission| permission.name).collect()
}

/// Whether a permission is one of [those](extra_permissions), by its name: what is read with it is left out without it, and
/// nothing is wrong.
pub(crate) fn is_extra(permission: &str) -> bool {
    extra_permissions().contains(&permission)
}

/// What the last check since the credential was given found missing of what a connection uses.
///
/// # Errors
/// If the store cannot be read.
pub(crate) async fn found_missing(
    shared: &Shared,
    link: &Link,
    connection: &Connection,
) -> Result<Vec<PermissionStatus>> {
    let kept = shared.store.permission_report(link.id()).await?;
    let present = kept.filter(|kept| kept.credential_since == connection.credential_since);
    let Some(kept) = present else {
        return Ok(Vec::new());
    };
    let report = kept::from_store(&kept, connection);
    Ok(missing_and_used(report.permissions, connection))
}

/// Those that are missing and that the connection needs: for a stream that it keeps, its webhooks, or the look at a person
/// after a write or a webhook.
fn missing_and_used(all: Vec<PermissionStatus>, connection: &Connection) -> Vec<PermissionStatus> {
    let of_webhooks =
        |one: &PermissionStatus| connection.webhooks && one.features.contains(&need::WEBHOOKS);
    let of_looks = |one: &PermissionStatus| {
        one.name == r::GET_OPPORTUNITY.permission && connection.keeps(Stream::Opportunities)
    };
    all.into_iter()
        .filter(|one| one.state == PermissionState::Missing)
        .filter_map(|mut one| {
            one.streams.retain(|stream| connection.keeps(*stream));
            let of_streams = one.required && !one.streams.is_empty();
            (of_streams || of_webhooks(&one) || of_looks(&one)).then_some(one)
        })
        .collect()
}

/// What is lost without a permission, in one sentence; empty for a name that nobody knows.
pub(crate) fn loss_of(permission: &str, connection: &Connection) -> String {
    let all = permissions();
    let named = all.iter().find(|known| known.name == permission);
    named
        .map(|known| need(known, connection).loss)
        .unwrap_or_default()
}

impl Engine {
    /// Finds out what Lever lets the credential do: for what is kept, or with `all` for every read there is.
    ///
    /// Makes up to a hundred calls, none of which writes, and none about EEO responses that are not kept.
    ///
    /// # Errors
    /// Not found; precondition while disconnected. That Lever rejects the credential or does not answer is no error:
    /// the report tells.
    pub async fn check_permissions(&self, id: ConnectionId, all: bool) -> Result<PermissionReport> {
        let link = self.link(id)?;
        let connection = link.connection();
        let checked_at = self.shared.clock.now();
        let used = self.used(&link, &connection, checked_at).await?;
        let access = link.access.present();
        let client = link
            .client(Lane::Interactive)
            .with_limits(self.shared.clients.impatient());
        let prober = Prober {
            client,
            nobody: Uuid::new_v4().to_string(),
            now: link.lever_now(&self.shared.clock),
        };
        let all_there_is = permissions();
        let plans: Vec<Plan> = all_there_is
            .iter()
            .map(|permission| plan::plan(permission, &connection, all))
            .collect();
        let test = prober.all(&plans);
        let (tried, answered_in) = Cause::permission_test().during(test).await;
        let worked_at = verdict::worked_at(&used);
        let granted = regained::shown(&all_there_is, &tried);
        let statuses: Vec<_> = all_there_is
            .iter()
            .zip(&tried)
            .map(|(permission, tried)| status(permission, &connection, *tried, &used))
            .collect();
        let test = prober.confidential(&plans, &tried);
        let confidential = Cause::permission_test().during(test).await;
        if confidential != ConfidentialAccess::Unknown {
            let sees = confidential == ConfidentialAccess::On;
            let store = &self.shared.store;
            let now = self.shared.clock.now();
            link.access.learn(store, id, access, sees, now).await;
        }
        let report = PermissionReport {
            permissions: statuses,
            confidential,
            key: verdict::key_state(tried, worked_at),
            worked_at,
            checked_at,
            answered_in,
        };
        let kept = kept::to_store(&report, connection.credential_since);
        if let Err(error) = self.shared.store.keep_permission_report(id, kept).await {
            // Whoever asked has the answer all the same.
            tracing::warn!(connection = %id, error = %crate::report(&error), "cannot keep what a check of permissions told");
        }
        if let Err(error) = self.read_regained(&link, &granted).await {
            tracing::warn!(connection = %id, error = %crate::report(&error), "what was refused is read when it is due");
        }
        for missing in missing_and_used(report.permissions.clone(), &connection) {
            link.saw_missing(&self.shared, missing);
        }
        link.issues.look_soon();
        Ok(report)
    }

    /// What the last check told since the credential was given; none before the first. What is said of streams and
    /// features is as of now.
    ///
    /// # Errors
    /// Not found; precondition while disconnected.
    pub async fn last_permissions(&self, id: ConnectionId) -> Result<Option<PermissionReport>> {
        let connection = self.link(id)?.connection();
        let kept = self.shared.store.permission_report(id).await?;
        let present = kept.filter(|kept| kept.credential_since == connection.credential_since);
        Ok(present.map(|kept| kept::from_store(&kept, &connection)))
    }

    /// What calls with the present credential came to; nothing when it is not known since when it is used.
    async fn used(
        &self,
        link: &Link,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<BTreeMap<String, Experience>> {
        let Some(since) = connection.credential_since else {
            return Ok(BTreeMap::new());
        };
        traffic::log(&self.shared, link).await;
        let since = since.max(now.minus(MEMORY));
        Ok(self.shared.store.experience(link.id(), since).await?)
    }
}

fn status(
    permission: &Permission,
    connection: &Connection,
    tried: Tried,
    used: &BTreeMap<String, Experience>,
) -> PermissionStatus {
    let used = permission
        .operations
        .iter()
        .filter_map(|operation| used.get(operation.id))
        .fold(Experience::default(), |all, one| Experience {
            succeeded_at: all.succeeded_at.max(one.succeeded_at),
            refused_at: all.refused_at.max(one.refused_at),
        });
    let verdict = verdict::verdict(permission.read(), tried, used);
    told(permission, connection, verdict)
}

/// What is known of a permission, with what it is needed for.
fn told(permission: &Permission, connection: &Connection, verdict: Verdict) -> PermissionStatus {
    let need = need(permission, connection);
    PermissionStatus {
        name: permission.name,
        reads: permission.read().is_some(),
        guide: permission.guide,
        state: verdict.state,
        evidence: verdict.evidence,
        reason: verdict.reason,
        streams: need.streams,
        features: need.features,
        required: need.required,
        loss: need.loss,
        scopes: permission.scopes(),
    }
}

/// Makes the calls that find out.
struct Prober {
    client: Client,
    /// An id that no record has.
    nobody: String,
    /// By Lever's clock.
    now: Timestamp,
}

impl Prober {
    /// What came of each plan, and how long the first answer took. The first call alone shows whether more are worth
    /// making.
    async fn all(&self, plans: &[Plan]) -> (Vec<Tried>, Option<Duration>) {
        let mut outcomes: Vec<Tried> = plans
            .iter()
            .map(|plan| match plan {
                Plan::Try(_) => Tried::Stopped,
                Plan::Leave(left) => Tried::Left(*left),
            })
            .collect();
        let planned: Vec<(usize, &'static Operation)> = plans
            .iter()
            .enumerate()
            .filter_map(|(index, plan)| match plan {
                Plan::Try(operation) => Some((index, *operation)),
                Plan::Leave(_) => None,
            })
            .collect();
        let Some(((index, first), rest)) = planned.split_first() else {
            return (outcomes, None);
        };
        let asked = Instant::now();
        outcomes[*index] = self.one(first).await;
        let answered = matches!(outcomes[*index], Tried::Answered(_));
        let answered_in = answered.then(|| asked.elapsed());
        if !verdict::goes_on(outcomes[*index]) {
            return (outcomes, answered_in);
        }
        let rest: Vec<_> = rest
            .iter()
            .map(|(index, operation)| self.numbered(*index, operation))
            .collect();
        let mut rest = futures::stream::iter(rest).buffer_unordered(AT_ONCE);
        while let Some((index, outcome)) = rest.next().await {
            outcomes[index] = outcome;
            if outcome == Tried::Answered(401) {
                break;
            }
        }
        drop(rest);
        (outcomes, answered_in)
    }

    async fn numbered(&self, index: usize, operation: &'static Operation) -> (usize, Tried) {
        (index, self.one(operation).await)
    }

    async fn one(&self, operation: &'static Operation) -> Tried {
        let query = plan::query(operation, self.now);
        match plan::call(operation, &self.nobody, query) {
            Some(call) => match self.client.call(&call).await {
                Ok(answer) => Tried::Answered(answer.status),
                Err(error) => tried(&error),
            },
            None => self.download(operation).await,
        }
    }

    async fn download(&self, operation: &'static Operation) -> Tried {
        let nobody = || self.nobody.as_str();
        let resume = || DownloadResume {
            opportunity: nobody().into(),
            resume: nobody().into(),
        };
        let file = || DownloadFile {
            opportunity: nobody().into(),
            file: nobody().into(),
        };
        let offer = || DownloadOffer {
            opportunity: nobody().into(),
            offer: nobody().into(),
            status: None,
        };
        let outcome = match operation.id {
            id if id == r::DOWNLOAD_OPPORTUNITY_RESUME.id => self.client.download(&resume()).await,
            id if id == r::DOWNLOAD_OPPORTUNITY_FILE.id => self.client.download(&file()).await,
            id if id == r::DOWNLOAD_OPPORTUNITY_OFFER.id => self.client.download(&offer()).await,
            id if id == r::DOWNLOAD_CANDIDATE_RESUME.id => {
                self.client.download(&Legacy(resume())).await
            }
            id if id == r::DOWNLOAD_CANDIDATE_FILE.id => {
                self.client.download(&Legacy(file())).await
            }
            id if id == r::DOWNLOAD_CANDIDATE_OFFER.id => {
                self.client.download(&Legacy(offer())).await
            }
            _ => return Tried::Nothing,
        };
        match outcome {
            Ok(_) => Tried::Answered(200),
            Err(error) => tried(&error),
        }
    }

    /// Asks a list that may be read for confidential records too: 403 then is about those.
    async fn confidential(&self, plans: &[Plan], tried: &[Tried]) -> ConfidentialAccess {
        let readable = |operation: &Operation| {
            plans.iter().zip(tried).any(|(plan, tried)| {
                matches!(plan, Plan::Try(planned) if planned.id == operation.id)
                    && matches!(tried, Tried::Answered(200..=299))
            })
        };
        let list = plan::CONFIDENTIAL.iter().find(|list| readable(list));
        let Some(operation) = list else {
            return ConfidentialAccess::Unknown;
        };
        let mut query = plan::query(operation, self.now);
        query.push(("confidentiality".to_owned(), "all".to_owned()));
        let Some(call) = plan::call(operation, &self.nobody, query) else {
            return ConfidentialAccess::Unknown;
        };
        match self.client.call(&call).await {
            Ok(_) => ConfidentialAccess::On,
            Err(error) if matches!(error.kind(), LeverErrorKind::Forbidden { .. }) => {
                ConfidentialAccess::Off
            }
            Err(_) => ConfidentialAccess::Unknown,
        }
    }
}

fn tried(error: &lever::Error) -> Tried {
    match error.kind() {
        LeverErrorKind::Unauthorized => Tried::Answered(401),
        LeverErrorKind::Forbidden { .. } => Tried::Answered(403),
        LeverErrorKind::NotFound => Tried::Answered(404),
        LeverErrorKind::RateLimited => Tried::Answered(429),
        // That answer holds until the pause after it is over.
        _ if error.was_held_back() => Tried::Answered(429),
        LeverErrorKind::Invalid { status, .. } | LeverErrorKind::Unavailable { status } => {
            Tried::Answered(*status)
        }
        _ => Tried::Nothing,
    }
}
