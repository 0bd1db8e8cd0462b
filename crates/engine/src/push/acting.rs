//! The Lever user a write is made for (X13).

use domain::acting::{Chosen, PassedOver, Roster, StandIns, UserStanding};
use domain::{ActingBecause, ConnectionId, Stream, Write};
use lever::{OpportunityId, PerformAs, PostingId, User, UserId, registry};
use tokio::sync::OnceCell;

use super::plan;
use super::submit::WriteRequest;
use crate::engine::{Engine, Shared};
use crate::error::{Error, Result, not_read_yet};
use crate::{mapping, user_links};

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
pub(super) async fn choose(shared: &Shared, request: &WriteRequest) -> Result<Chosen> {
    let chooser = Chooser::new(shared, request.connection).await?;
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
    pub(super) async fn new(shared: &'a Shared, connection: ConnectionId) -> Result<Chooser<'a>> {
        let settings = shared.store.connection(connection).await?;
        Ok(Chooser {
            shared,
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
    /// there is nobody.
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

    async fn roster(&self) -> Result<&Roster> {
        let read = || async {
            let users: Vec<User> =
                mapping::typed(self.shared, self.connection, Stream::Users).await?;
            Ok(Roster::new(&users))
        };
        self.roster.get_or_try_init(read).await
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
    /// Not found, also for an opportunity that is not mirrored; invalid for what is no e-mail; precondition while
    /// Lever's users have not been read.
    pub async fn preview_acting(
        &self,
        id: ConnectionId,
        email: &str,
        opportunity: Option<&OpportunityId>,
    ) -> Result<ActingPreview> {
        let connection = self.link(id)?.connection();
        user_links::check_email(email)?;
        let store = &self.shared.store;
        let users: Vec<User> = mapping::typed(&self.shared, id, Stream::Users).await?;
        if users.is_empty() && connection.keeps(Stream::Users) {
            return Err(not_read_yet("USERS_NOT_READ", "the users", None));
        }
        if let Some(opportunity) = opportunity
            && store.candidacy(id, opportunity).await?.is_none()
        {
            return Err(Error::not_found("opportunity", opportunity.as_str()));
        }
        let chooser = Chooser::new(&self.shared, id).await?;
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
