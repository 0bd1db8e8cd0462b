//! The Lever user a write is made for (X13).

use domain::{ConnectionId, Stream};
use lever::{OpportunityId, PerformAs, User, UserId, registry};

use crate::engine::Shared;
use crate::error::{Error, Result};
use crate::mapping;

use super::plan;
use super::submit::WriteRequest;

/// How the caller names the user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Acting {
    /// Not at all: the connection's default, if there is one.
    #[default]
    Default,
    /// The product user's e-mail, matched without regard to case.
    Email(String),
    /// A Lever user id.
    LeverUser(UserId),
}

/// Chooses the user, for a call that names one: the one named; else, for an unknown or deactivated e-mail, the owner of the opportunity,
/// the owner of its posting, the default of the connection, or nobody.
pub(super) async fn choose(shared: &Shared, request: &WriteRequest) -> Result<Option<UserId>> {
    let wanted = registry::find(plan::lever_operation(&request.write))
        .map_or(PerformAs::No, |operation| operation.perform_as);
    if wanted == PerformAs::No {
        return Ok(None);
    }
    let user = best(
        shared,
        request.connection,
        &request.opportunity,
        &request.acting,
    )
    .await?;
    if user.is_none() && wanted == PerformAs::Required {
        return Err(Error::precondition(
            "ACTING_USER_REQUIRED",
            "Lever wants to know for whom this write is made: give acting_user or perform_as, \
             or set default_acting_user_id on the connection",
            Vec::new(),
        ));
    }
    Ok(user)
}

async fn best(
    shared: &Shared,
    id: ConnectionId,
    opportunity: &OpportunityId,
    acting: &Acting,
) -> Result<Option<UserId>> {
    let default = shared
        .store
        .connection(id)
        .await?
        .and_then(|connection| connection.default_acting_user);
    let email = match acting {
        Acting::Default => return Ok(default),
        Acting::LeverUser(user) => return known_user(shared, id, user).await.map(Some),
        Acting::Email(email) => email,
    };
    let users: Vec<User> = mapping::typed(shared, id, Stream::Users).await?;
    let active = |user: &User| user.deactivated_at.is_none();
    let by_email = users
        .iter()
        .filter(|user| active(user))
        .find(|user| same_address(user.email.as_deref(), email));
    if let Some(user) = by_email {
        return Ok(Some(user.id.clone()));
    }
    let still_active = |user: &Option<UserId>| {
        user.clone()
            .filter(|id| users.iter().any(|user| user.id == *id && active(user)))
    };
    let candidacy = shared.store.candidacy(id, opportunity).await?;
    if let Some(owner) = candidacy
        .as_ref()
        .and_then(|candidacy| still_active(&candidacy.owner))
    {
        return Ok(Some(owner));
    }
    let posting = match candidacy.and_then(|candidacy| candidacy.posting) {
        Some(posting) => {
            shared
                .store
                .record(id, Stream::Postings, posting.as_str())
                .await?
        }
        None => None,
    };
    let posting_owner = posting
        .and_then(|record| serde_json::from_str::<lever::Posting>(&record.raw).ok())
        .and_then(|posting| still_active(&posting.owner));
    Ok(posting_owner.or(default))
}

async fn known_user(shared: &Shared, id: ConnectionId, user: &UserId) -> Result<UserId> {
    let record = shared
        .store
        .record(id, Stream::Users, user.as_str())
        .await?;
    let users_read = shared.store.count(id, Stream::Users).await? > 0;
    let known: Option<User> = record.and_then(|record| serde_json::from_str(&record.raw).ok());
    match known {
        None if users_read => Err(Error::invalid(
            "perform_as",
            "Lever has no such user: LeverService.ListUsers lists them",
        )),
        Some(known) if known.deactivated_at.is_some() => Err(Error::invalid(
            "perform_as",
            "this Lever user is deactivated: name an active one",
        )),
        _ => Ok(user.clone()),
    }
}

fn same_address(ours: Option<&str>, theirs: &str) -> bool {
    ours.is_some_and(|ours| ours.trim().to_lowercase() == theirs.trim().to_lowercase())
}
