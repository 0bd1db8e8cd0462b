//! The Lever user a write is made for (X13).

use domain::{ActingBecause, ConnectionId, Stream};
use lever::{OpportunityId, PerformAs, PostingId, User, UserId, registry};

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

/// Whom a write is made for, and how that user was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chosen {
    /// The Lever user; none where nobody acts.
    pub user: Option<UserId>,
    /// How the user was found.
    pub because: ActingBecause,
}

impl Chosen {
    fn new(user: UserId, because: ActingBecause) -> Chosen {
        Chosen {
            user: Some(user),
            because,
        }
    }
}

/// Chooses the user, for a call that names one: the one named; else the default of the connection, or nobody.
///
/// The owner of the opportunity, or else of its posting, stands in before that default for an e-mail that is unknown
/// or of a deactivated user, and after it where nobody was named and Lever insists on somebody.
pub(super) async fn choose(shared: &Shared, request: &WriteRequest) -> Result<Chosen> {
    let wanted = registry::find(plan::lever_operation(&request.write))
        .map_or(PerformAs::No, |operation| operation.perform_as);
    if wanted == PerformAs::No {
        return Ok(Chosen::default());
    }
    let chosen = best(shared, request, wanted == PerformAs::Required).await?;
    if chosen.user.is_none() && wanted == PerformAs::Required {
        return Err(Error::precondition(
            "ACTING_USER_REQUIRED",
            "Lever wants to know for whom this write is made: give acting_user or perform_as, \
             or set default_acting_user_id on the connection",
            Vec::new(),
        ));
    }
    Ok(chosen)
}

async fn best(shared: &Shared, request: &WriteRequest, required: bool) -> Result<Chosen> {
    let id = request.connection;
    let connection = shared.store.connection(id).await?;
    let default = connection
        .and_then(|connection| connection.default_acting_user)
        .map(|user| Chosen::new(user, ActingBecause::ConnectionDefault));
    let email = match &request.acting {
        Acting::LeverUser(user) => {
            let named = known_user(shared, id, user).await?;
            return Ok(Chosen::new(named, ActingBecause::Named));
        }
        Acting::Default if default.is_some() || !required => return Ok(default.unwrap_or_default()),
        Acting::Default => None,
        Acting::Email(email) => Some(email),
    };
    let mut users: Vec<User> = mapping::typed(shared, id, Stream::Users).await?;
    users.retain(|user| user.deactivated_at.is_none());
    let named = email.and_then(|email| {
        let of_email = |user: &&User| same_address(user.email.as_deref(), email);
        users.iter().find(of_email).map(|user| user.id.clone())
    });
    if let Some(named) = named {
        return Ok(Chosen::new(named, ActingBecause::Email));
    }
    let owner = match request.write.posting() {
        Some(posting) => posting_owner(shared, id, posting, &users).await?,
        None => owner(shared, id, &request.opportunity, &users).await?,
    };
    Ok(owner.or(default).unwrap_or_default())
}

/// The owner of an opportunity, or else of its posting, if that is one of these users.
async fn owner(
    shared: &Shared,
    id: ConnectionId,
    opportunity: &OpportunityId,
    users: &[User],
) -> Result<Option<Chosen>> {
    let one_of_them = |user: &UserId| users.iter().any(|known| known.id == *user);
    let Some(candidacy) = shared.store.candidacy(id, opportunity).await? else {
        return Ok(None);
    };
    let owner = candidacy.owner.filter(one_of_them);
    if let Some(owner) = owner {
        return Ok(Some(Chosen::new(owner, ActingBecause::OpportunityOwner)));
    }
    match candidacy.posting {
        Some(posting) => posting_owner(shared, id, &posting, users).await,
        None => Ok(None),
    }
}

/// The owner of a posting, if that is one of these users.
async fn posting_owner(
    shared: &Shared,
    id: ConnectionId,
    posting: &PostingId,
    users: &[User],
) -> Result<Option<Chosen>> {
    let one_of_them = |user: &UserId| users.iter().any(|known| known.id == *user);
    let record = shared
        .store
        .record(id, Stream::Postings, posting.as_str())
        .await?;
    let posting =
        record.and_then(|record| serde_json::from_str::<lever::Posting>(&record.raw).ok());
    Ok(posting
        .and_then(|posting| posting.owner)
        .filter(one_of_them)
        .map(|owner| Chosen::new(owner, ActingBecause::PostingOwner)))
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
