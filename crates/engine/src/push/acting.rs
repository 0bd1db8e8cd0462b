//! The Lever user a write is made for (X13).

use domain::acting::{Chosen, PassedOver, Roster, StandIns, UserStanding};
use domain::operation::{Event, Failure, FailureKind};
use domain::{ActingBecause, ConnectionId, Operation, Stream, Timestamp, Write};
use lever::{
    ErrorKind as LeverErrorKind, GetUser, Lane, OpportunityId, PerformAs, PostingId, User, UserId,
    registry,
};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::control::with_user;
use super::judge::failure_of;
use super::submit::WriteRequest;
use super::{plan, reconcile, send};
use crate::engine::{Engine, Shared};
use crate::error::{Error, Result, not_read_yet};
use crate::link::Link;
use crate::pull::read_users;
use crate::read::Viewer;
use crate::{mapping, status, user_links};

/// Why a write is refused whose user cannot be found.
const USERS_NOT_READ: &str = "USERS_NOT_READ";

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

impl Acting {
    /// What is known of a choice that was not come to.
    pub(super) fn unchosen(&self) -> Chosen {
        match self {
            Acting::LeverUser(user) => Chosen::new(user.clone(), ActingBecause::Named),
            Acting::Default | Acting::Email(_) => Chosen::default(),
        }
    }
}

/// Chooses the user of one write.
///
/// # Errors
/// As [`Chooser::choose`].
pub(super) async fn choose(engine: &Engine, request: &WriteRequest) -> Result<Chosen> {
    let link = engine.link(request.connection).ok();
    let chooser = Chooser::new(&engine.shared, link.as_deref(), request.connection).await?;
    chooser.of(request).await
}

/// What a write is about, as far as it tells who may stand in.
struct About<'a> {
    opportunity: &'a OpportunityId,
    /// The posting that somebody is exported to.
    posting: Option<&'a PostingId>,
}

/// Chooses the users of many writes; the users of the account are read once, where they are needed at all.
pub(super) struct Chooser<'a> {
    shared: &'a Shared,
    /// None while the connection is not worked on: then Lever is not asked.
    link: Option<&'a Link>,
    connection: ConnectionId,
    default: Option<UserId>,
    strict: bool,
    roster: OnceCell<Roster>,
    by_default: OnceCell<Chosen>,
}

impl<'a> Chooser<'a> {
    /// With the present settings of a connection.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(super) async fn new(
        shared: &'a Shared,
        link: Option<&'a Link>,
        connection: ConnectionId,
    ) -> Result<Chooser<'a>> {
        let settings = shared.store.connection(connection).await?;
        Ok(Chooser {
            shared,
            link,
            connection,
            strict: settings
                .as_ref()
                .is_some_and(|settings| settings.strict_acting_user),
            default: settings.and_then(|settings| settings.default_acting_user),
            roster: OnceCell::new(),
            by_default: OnceCell::new(),
        })
    }

    /// [`Chooser::choose`] for a request to the connection.
    pub(super) async fn of(&self, request: &WriteRequest) -> Result<Chosen> {
        self.choose(&request.write, &request.opportunity, &request.acting)
            .await
    }

    /// The Lever user who is named; else the one whom the product user's e-mail is linked to; else the one who has it.
    ///
    /// Where that user is none who may act, the owner of the opportunity stands in, else that of its posting, else the
    /// default of the connection, else nobody. Without any name it is the default or nobody, but the owners where
    /// Lever insists on somebody and there is no default who may act.
    ///
    /// # Errors
    /// Invalid for a named Lever user who cannot act; precondition `ACTING_USER_UNKNOWN` for a product user who is no
    /// active Lever user, where the connection is strict; precondition `ACTING_USER_REQUIRED` where Lever insists and
    /// there is nobody; precondition `USERS_NOT_READ` where the users were never read and Lever does not tell them now.
    pub(super) async fn choose(
        &self,
        write: &Write,
        opportunity: &OpportunityId,
        acting: &Acting,
    ) -> Result<Chosen> {
        let wanted = registry::find(plan::lever_operation(write))
            .map_or(PerformAs::No, |operation| operation.perform_as);
        let required = wanted == PerformAs::Required;
        let about = About {
            opportunity,
            posting: write.posting(),
        };
        let chosen = match acting {
            _ if wanted == PerformAs::No => return Ok(Chosen::default()),
            Acting::LeverUser(user) => self.named(user).await?,
            Acting::Email(email) => self.product_user(email, &about).await?,
            Acting::Default => self.unnamed(required, &about).await?,
        };
        if chosen.user.is_none() && required {
            return Err(Error::precondition(
                "ACTING_USER_REQUIRED",
                "Lever wants to know for whom this write is made: give acting_user or perform_as, \
                 or set default_acting_user_id on the connection",
                Vec::new(),
            ));
        }
        Ok(chosen)
    }

    async fn named(&self, user: &UserId) -> Result<Chosen> {
        match self.standing(user).await? {
            Some(UserStanding::Unknown) => Err(Error::invalid(
                "perform_as",
                "Lever has no such user: LeverService.ListUsers lists them",
            )),
            Some(UserStanding::Deactivated) => Err(Error::invalid(
                "perform_as",
                "this Lever user is deactivated: name an active one",
            )),
            None | Some(UserStanding::Active) => {
                Ok(Chosen::new(user.clone(), ActingBecause::Named))
            }
        }
    }

    /// The time of whoever is chosen now.
    pub(super) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Whether a user may act, as far as the users of the account are known.
    pub(super) async fn may_act(&self, user: &UserId) -> Result<bool> {
        let standing = self.standing(user).await?;
        Ok(matches!(standing, None | Some(UserStanding::Active)))
    }

    /// What is known of a user; none while no user of the account is known.
    async fn standing(&self, user: &UserId) -> Result<Option<UserStanding>> {
        let (store, id) = (&self.shared.store, self.connection);
        let record = store.record(id, Stream::Users, user.as_str()).await?;
        let known: Option<User> = record.and_then(|record| serde_json::from_str(&record.raw).ok());
        Ok(match known {
            Some(known) if known.deactivated_at.is_some() => Some(UserStanding::Deactivated),
            Some(_) => Some(UserStanding::Active),
            None if store.count(id, Stream::Users).await? > 0 => Some(UserStanding::Unknown),
            None => None,
        })
    }

    async fn product_user(&self, email: &str, about: &About<'_>) -> Result<Chosen> {
        let decided = self.decided(email, Some(about)).await?;
        decided.map_err(refused)
    }

    /// Whom a product user's e-mail leads to, or why a strict connection refuses it; without anything to be about,
    /// owners are left out.
    async fn decided(
        &self,
        email: &str,
        about: Option<&About<'_>>,
    ) -> Result<std::result::Result<Chosen, PassedOver>> {
        let link = self.shared.store.user_link(self.connection, email).await?;
        let link = link.map(|link| link.user);
        let roster = self.roster().await?;
        let chosen = roster.product_user(email, link.as_ref());
        match chosen.passed_over {
            _ if chosen.user.is_some() => Ok(Ok(chosen)),
            Some(why) if self.strict => Ok(Err(why)),
            why => {
                let stand_ins = match about {
                    Some(about) => self.stand_ins(about).await?,
                    None => StandIns {
                        default: self.default.clone(),
                        ..StandIns::default()
                    },
                };
                Ok(Ok(roster.stand_in(stand_ins, why)))
            }
        }
    }

    async fn unnamed(&self, required: bool, about: &About<'_>) -> Result<Chosen> {
        let by_default = self.by_default().await?;
        if by_default.user.is_some() || !required {
            return Ok(by_default.clone());
        }
        let stand_ins = self.stand_ins(about).await?;
        Ok(self
            .roster()
            .await?
            .stand_in(stand_ins, by_default.passed_over))
    }

    /// The default of the connection if that may act, else nobody.
    async fn by_default(&self) -> Result<&Chosen> {
        let look = || async {
            let Some(user) = &self.default else {
                return Ok(Chosen::default());
            };
            let standing = self.standing(user).await?;
            Ok(Chosen::connection_default(user.clone(), standing))
        };
        self.by_default.get_or_try_init(look).await
    }

    /// The users of the account; Lever is asked for them where the mirror has never had them all.
    async fn roster(&self) -> Result<&Roster> {
        let read = || async {
            self.read_users().await?;
            let users: Vec<User> =
                mapping::typed(self.shared, self.connection, Stream::Users).await?;
            Ok(Roster::new(&users))
        };
        self.roster.get_or_try_init(read).await
    }

    /// Has the users read if they were never read to the end, and can be.
    async fn read_users(&self) -> Result<()> {
        let readable =
            |link: &&Link| link.connection().keeps(Stream::Users) && !link.refuses(Stream::Users);
        let Some(link) = self.link.filter(readable) else {
            return Ok(());
        };
        let listings = self.shared.store.cursors(self.connection).await?;
        if status::as_of(&link.connection(), &listings, &[Stream::Users]).is_some() {
            return Ok(());
        }
        match read_users(self.shared, link, Lane::Interactive, None).await {
            Err(error) if reconcile::missing_permission(&error).is_some() => Ok(()),
            Err(error) => {
                tracing::warn!(
                    connection = %self.connection, error = %crate::report(&error),
                    "cannot read the users for a write"
                );
                Err(not_read_yet(
                    USERS_NOT_READ,
                    "the users",
                    &link.connection(),
                ))
            }
            Ok(()) => Ok(()),
        }
    }

    async fn stand_ins(&self, about: &About<'_>) -> Result<StandIns> {
        let store = &self.shared.store;
        let candidacy = store.candidacy(self.connection, about.opportunity).await?;
        let (opportunity_owner, posting) = candidacy
            .map(|candidacy| (candidacy.owner, candidacy.posting))
            .unwrap_or_default();
        let posting = about.posting.cloned().or(posting);
        Ok(StandIns {
            opportunity_owner,
            posting_owner: match posting {
                Some(posting) => self.owner_of(&posting).await?,
                None => None,
            },
            default: self.default.clone(),
        })
    }

    async fn owner_of(&self, posting: &PostingId) -> Result<Option<UserId>> {
        let (store, id) = (&self.shared.store, self.connection);
        let record = store.record(id, Stream::Postings, posting.as_str()).await?;
        let posting =
            record.and_then(|record| serde_json::from_str::<lever::Posting>(&record.raw).ok());
        Ok(posting.and_then(|posting| posting.owner))
    }
}

/// What follows from a refusal by Lever.
///
/// A write that Lever refuses for its content may have been made for a user who has been deactivated since the users
/// were read last. Then they are read again, and the write is made for whom the same choice leads to now: once, since
/// whoever is chosen is active by that reading.
///
/// # Errors
/// If the store cannot be read.
pub(super) async fn after_refusal(
    shared: &Shared,
    link: &Link,
    operation: Operation,
    failure: Failure,
    began: Instant,
) -> Result<(Operation, Event)> {
    let Some(user) = turned_down(&operation, &failure) else {
        return Ok((operation, Event::Refused(failure)));
    };
    let lane = send::lane(&operation);
    if !may_be_gone(shared, link, &user, lane).await {
        return Ok((operation, Event::Refused(failure)));
    }
    if let Err(error) = read_users(shared, link, lane, Some(began)).await {
        tracing::warn!(
            connection = %link.id(), operation = operation.told_id(), error = %crate::report(&error),
            "cannot read the users again after a refusal"
        );
        return Ok((operation, Event::Refused(failure)));
    }
    let chooser = Chooser::new(shared, Some(link), operation.connection).await?;
    if chooser.may_act(&user).await? {
        return Ok((operation, Event::Refused(failure)));
    }
    if operation.acting_because == ActingBecause::Named {
        let named = Failure {
            message:
                "the Lever user named by perform_as is deactivated: ask anew and name an active one"
                    .to_owned(),
            ..failure
        };
        return Ok((operation, Event::Refused(named)));
    }
    match with_user(operation.clone(), &chooser).await {
        Ok(anew) => Ok((anew, Event::ChosenAnew)),
        Err(error) => Ok((operation, Event::Refused(failure_of(error)?))),
    }
}

/// The user for whom Lever may have refused a write, as it does for one who is not active: with status 400, and for the
/// first time since it got in line.
fn turned_down(operation: &Operation, failure: &Failure) -> Option<UserId> {
    let write = operation.present_write();
    let operation_id = plan::lever_operation(write);
    let names_user =
        registry::find(operation_id).is_some_and(|called| called.perform_as != PerformAs::No);
    let step = plan::step_number(operation);
    let since = operation.queued_at;
    let mut refused = operation.attempts.iter().filter(|attempt| {
        attempt.step == step
            && attempt.lever_operation == operation_id
            && attempt.at >= since
            && attempt.status == Some(400)
    });
    let once = refused.next().is_some() && refused.next().is_none();
    let asked = failure.kind == FailureKind::Invalid && names_user && once;
    operation.acting_user.clone().filter(|_| asked)
}

/// Whether Lever, asked about one user, does not say that they may act.
async fn may_be_gone(shared: &Shared, link: &Link, user: &UserId, lane: Lane) -> bool {
    let client = link.client(lane).with_limits(shared.clients.single_try());
    let read = GetUser { user: user.clone() };
    match client.send(&read).await {
        Ok(record) => record.value.deactivated_at.is_some(),
        Err(error) => matches!(
            error.kind(),
            LeverErrorKind::NotFound | LeverErrorKind::Forbidden { .. }
        ),
    }
}

/// For whom a write would be made.
#[derive(Clone, PartialEq)]
pub struct ActingPreview {
    /// The choice; nobody where the write would be refused, with why.
    pub chosen: Chosen,
    /// What Lever tells of that user; none for one it does not list.
    pub user: Option<User>,
    /// Whether the write would be refused, since the connection is strict.
    pub refused: bool,
}

impl Engine {
    /// Tells for whom a write would be made that a product user asks for, by the decision that writes go through: about
    /// an opportunity, or without one as far as no owner stands in. Nothing is written.
    ///
    /// # Errors
    /// Not found, also for an opportunity that is not mirrored, or that `viewer` may not see; invalid for what is no e-mail; precondition where
    /// Lever's users were never read and Lever does not tell them now.
    pub async fn preview_acting(
        &self,
        id: ConnectionId,
        email: &str,
        opportunity: Option<&OpportunityId>,
        viewer: Viewer,
    ) -> Result<ActingPreview> {
        let link = self.link(id)?;
        user_links::check_email(email)?;
        let store = &self.shared.store;
        if let Some(opportunity) = opportunity {
            let sight = self.sight(id, viewer)?;
            sight
                .check_path("opportunity", opportunity.as_str())
                .await?;
            if store.candidacy(id, opportunity).await?.is_none() {
                return Err(Error::not_found("opportunity", opportunity.as_str()));
            }
        }
        let chooser = Chooser::new(&self.shared, Some(link.as_ref()), id).await?;
        let about = opportunity.map(|opportunity| About {
            opportunity,
            posting: None,
        });
        let decided = chooser.decided(email, about.as_ref()).await?;
        let refused = decided.is_err();
        let chosen = decided.unwrap_or_else(|why| Chosen {
            passed_over: Some(why),
            ..Chosen::default()
        });
        let users: Vec<User> = mapping::typed(&self.shared, id, Stream::Users).await?;
        let user = users
            .into_iter()
            .find(|user| Some(&user.id) == chosen.user.as_ref());
        Ok(ActingPreview {
            chosen,
            user,
            refused,
        })
    }
}

/// What is said where the connection is strict.
fn refused(why: PassedOver) -> Error {
    Error::precondition(
        "ACTING_USER_UNKNOWN",
        format!(
            "{}, and the connection has strict_acting_user: link the e-mail to an active Lever user with \
             ConnectionService.UpdateUserLink, or give another acting_user",
            why.told()
        ),
        vec![("why", why.name().to_owned())],
    )
}
