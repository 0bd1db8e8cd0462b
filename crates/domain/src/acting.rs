//! Whom in Lever a write is made for, and why (X13).

use std::collections::HashMap;

use lever::{Timestamp, User, UserId};

/// How the Lever user of a write was found. Kept with each operation, so that people can see why it acted for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ActingBecause {
    /// Nobody acts: Lever knows no user for this call, or none was found and Lever does not insist.
    #[default]
    Nobody,
    /// The caller named the Lever user.
    Named,
    /// The product user's e-mail is the user's.
    Email,
    /// An admin linked the product user's e-mail to the user.
    Linked,
    /// The user owns the opportunity; nobody better was found.
    OpportunityOwner,
    /// The user owns the posting of the opportunity; nobody better was found.
    PostingOwner,
    /// The user is the default of the connection.
    ConnectionDefault,
    /// Of a bulk: its items are made for different users, or these were not found in the same way.
    ItemsDiffer,
}

impl ActingBecause {
    /// Every reason.
    pub const ALL: &[ActingBecause] = &[
        ActingBecause::Nobody,
        ActingBecause::Named,
        ActingBecause::Email,
        ActingBecause::Linked,
        ActingBecause::OpportunityOwner,
        ActingBecause::PostingOwner,
        ActingBecause::ConnectionDefault,
        ActingBecause::ItemsDiffer,
    ];

    /// The name, as the gRPC enum has it without its prefix.
    pub fn name(self) -> &'static str {
        match self {
            ActingBecause::Nobody => "NOBODY",
            ActingBecause::Named => "NAMED",
            ActingBecause::Email => "EMAIL",
            ActingBecause::Linked => "LINKED",
            ActingBecause::OpportunityOwner => "OPPORTUNITY_OWNER",
            ActingBecause::PostingOwner => "POSTING_OWNER",
            ActingBecause::ConnectionDefault => "CONNECTION_DEFAULT",
            ActingBecause::ItemsDiffer => "ITEMS_DIFFER",
        }
    }

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<ActingBecause> {
        Self::ALL
            .iter()
            .copied()
            .find(|because| because.name() == name)
    }
}

/// Why the Lever user that a product user was expected to be does not act. Kept with each operation beside
/// [`ActingBecause`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PassedOver {
    /// No Lever user has the product user's e-mail.
    Unknown,
    /// The Lever user with the product user's e-mail is deactivated.
    Deactivated,
    /// An admin linked the e-mail to a Lever user that Lever does not list.
    LinkUnknown,
    /// An admin linked the e-mail to a Lever user who is deactivated.
    LinkDeactivated,
    /// The default of the connection is deactivated.
    DefaultDeactivated,
    /// The default of the connection is a user that Lever does not list.
    DefaultUnknown,
    /// Who has the product user's e-mail cannot be told: the key may not read the users, or they are not kept.
    UsersUnreadable,
}

impl PassedOver {
    /// Every reason.
    pub const ALL: &[PassedOver] = &[
        PassedOver::Unknown,
        PassedOver::Deactivated,
        PassedOver::LinkUnknown,
        PassedOver::LinkDeactivated,
        PassedOver::DefaultDeactivated,
        PassedOver::DefaultUnknown,
        PassedOver::UsersUnreadable,
    ];

    /// The name, as the gRPC enum has it without its prefix.
    pub fn name(self) -> &'static str {
        match self {
            PassedOver::Unknown => "UNKNOWN",
            PassedOver::Deactivated => "DEACTIVATED",
            PassedOver::LinkUnknown => "LINK_UNKNOWN",
            PassedOver::LinkDeactivated => "LINK_DEACTIVATED",
            PassedOver::DefaultDeactivated => "DEFAULT_DEACTIVATED",
            PassedOver::DefaultUnknown => "DEFAULT_UNKNOWN",
            PassedOver::UsersUnreadable => "USERS_UNREADABLE",
        }
    }

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<PassedOver> {
        Self::ALL
            .iter()
            .copied()
            .find(|passed_over| passed_over.name() == name)
    }

    /// Whether it is the default of the connection that does not act, whoever asked.
    pub fn is_of_default(self) -> bool {
        matches!(
            self,
            PassedOver::DefaultDeactivated | PassedOver::DefaultUnknown
        )
    }

    /// The reason for people, as half a sentence.
    pub fn told(self) -> &'static str {
        match self {
            PassedOver::Unknown => "no Lever user has this e-mail",
            PassedOver::Deactivated => "the Lever user with this e-mail is deactivated",
            PassedOver::LinkUnknown => "this e-mail is linked to a user whom Lever does not list",
            PassedOver::LinkDeactivated => {
                "this e-mail is linked to a Lever user who is deactivated"
            }
            PassedOver::DefaultDeactivated => "the connection's default user is deactivated",
            PassedOver::DefaultUnknown => {
                "the connection's default user is one whom Lever does not list"
            }
            PassedOver::UsersUnreadable => {
                "Lever's users cannot be read with this key, or are not kept"
            }
        }
    }
}

/// Whom a write is made for, and how that user was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chosen {
    /// The Lever user; none where nobody acts.
    pub user: Option<UserId>,
    /// How the user was found.
    pub because: ActingBecause,
    /// Why it is not the one expected first.
    pub passed_over: Option<PassedOver>,
}

impl Chosen {
    /// The user that was expected first.
    pub fn new(user: UserId, because: ActingBecause) -> Chosen {
        Chosen {
            user: Some(user),
            because,
            passed_over: None,
        }
    }

    /// The default of a connection, if that may act; `standing` is none while no user of the account is known.
    pub fn connection_default(user: UserId, standing: Option<UserStanding>) -> Chosen {
        let passed_over = match standing {
            None | Some(UserStanding::Active) => {
                return Chosen::new(user, ActingBecause::ConnectionDefault);
            }
            Some(UserStanding::Deactivated) => PassedOver::DefaultDeactivated,
            Some(UserStanding::Unknown) => PassedOver::DefaultUnknown,
        };
        Chosen::default().instead_of(Some(passed_over))
    }

    /// What many choices have in common; nobody, and that they differ, where they do.
    pub fn common<'a>(choices: impl IntoIterator<Item = &'a Chosen>) -> Chosen {
        let mut choices = choices.into_iter();
        let first = choices.next().cloned().unwrap_or_default();
        if choices.all(|choice| *choice == first) {
            return first;
        }
        Chosen {
            because: ActingBecause::ItemsDiffer,
            ..Chosen::default()
        }
    }

    /// This choice, made since somebody else was passed over.
    fn instead_of(self, passed_over: Option<PassedOver>) -> Chosen {
        Chosen {
            passed_over,
            ..self
        }
    }
}

/// Who acts in the place of a product user who is nobody in Lever, the best first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StandIns {
    /// The owner of the opportunity.
    pub opportunity_owner: Option<UserId>,
    /// The owner of its posting.
    pub posting_owner: Option<UserId>,
    /// The default of the connection.
    pub default: Option<UserId>,
}

/// The form of an e-mail that two are compared by: without spaces around it and without regard to case.
pub fn folded(email: &str) -> String {
    email.trim().to_lowercase()
}

/// What is known of a Lever user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserStanding {
    /// May act.
    Active,
    /// May not act any more.
    Deactivated,
    /// Lever does not list the user.
    Unknown,
}

/// Who acted for an operation before somebody else was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// The Lever user; none where nobody acted.
    pub user: Option<UserId>,
    /// Calls made before this were made for that user.
    pub until: Timestamp,
}

/// The users of a Lever account, for finding out many times who acts.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    /// Whether each user is active.
    active: HashMap<UserId, bool>,
    /// The first active user with an e-mail, or else the first one.
    by_email: HashMap<String, UserId>,
}

impl Roster {
    /// From all users in Lever's order; without any, nothing is known, and links are taken at their word.
    pub fn new(users: &[User]) -> Roster {
        let mut roster = Roster::default();
        let (active, gone): (Vec<_>, Vec<_>) =
            users.iter().partition(|user| user.deactivated_at.is_none());
        for user in active.into_iter().chain(gone) {
            let is_active = user.deactivated_at.is_none();
            roster.active.insert(user.id.clone(), is_active);
            let email = user.email.as_deref().map(folded);
            if let Some(email) = email.filter(|email| !email.is_empty()) {
                roster.by_email.entry(email).or_insert(user.id.clone());
            }
        }
        roster
    }

    /// Whether no user is known.
    pub fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// What is known of a user.
    pub fn standing(&self, user: &UserId) -> UserStanding {
        match self.active.get(user) {
            Some(true) => UserStanding::Active,
            Some(false) => UserStanding::Deactivated,
            None => UserStanding::Unknown,
        }
    }

    /// The Lever user that a product user is: the one an admin linked the e-mail to, else the one who has it.
    ///
    /// Only active users count; where there is none, the choice is nobody and tells why.
    pub fn product_user(&self, email: &str, link: Option<&UserId>) -> Chosen {
        let passed_over = match link.map(|user| (user, self.standing(user))) {
            Some((user, UserStanding::Active)) => {
                return Chosen::new(user.clone(), ActingBecause::Linked);
            }
            Some((user, UserStanding::Unknown)) if self.is_empty() => {
                return Chosen::new(user.clone(), ActingBecause::Linked);
            }
            Some((_, UserStanding::Deactivated)) => Some(PassedOver::LinkDeactivated),
            Some((_, UserStanding::Unknown)) => Some(PassedOver::LinkUnknown),
            None => None,
        };
        match self.by_email.get(&folded(email)) {
            Some(user) if self.may_act(user) => {
                Chosen::new(user.clone(), ActingBecause::Email).instead_of(passed_over)
            }
            Some(_) => Chosen::default().instead_of(passed_over.or(Some(PassedOver::Deactivated))),
            None if self.is_empty() => {
                Chosen::default().instead_of(Some(PassedOver::UsersUnreadable))
            }
            None => Chosen::default().instead_of(passed_over.or(Some(PassedOver::Unknown))),
        }
    }

    /// Who acts where the product user is nobody in Lever: the first stand-in who may. While no user is known, the
    /// default is taken as it is.
    pub fn stand_in(&self, stand_ins: StandIns, passed_over: Option<PassedOver>) -> Chosen {
        let owner = |owner: Option<UserId>, because| {
            owner
                .filter(|user| self.may_act(user))
                .map(|user| Chosen::new(user, because))
        };
        let StandIns {
            opportunity_owner,
            posting_owner,
            default,
        } = stand_ins;
        let by_default = || {
            let user = default?;
            let standing = (!self.is_empty()).then(|| self.standing(&user));
            Some(Chosen::connection_default(user, standing))
        };
        let chosen = owner(opportunity_owner, ActingBecause::OpportunityOwner)
            .or_else(|| owner(posting_owner, ActingBecause::PostingOwner))
            .or_else(by_default)
            .unwrap_or_default();
        let passed_over = passed_over.or(chosen.passed_over);
        chosen.instead_of(passed_over)
    }

    fn may_act(&self, user: &UserId) -> bool {
        self.standing(user) == UserStanding::Active
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str, email: Option<&str>, deactivated: bool) -> User {
        let stamp = deactivated.then_some(5);
        let user = serde_json::json!({ "id": id, "email": email, "deactivatedAt": stamp });
        serde_json::from_value(user).unwrap()
    }

    fn roster() -> Roster {
        Roster::new(&[
            user("gone", Some("Gone@example.com"), true),
            user("twin-gone", Some("twin@example.com"), true),
            user("ada", Some(" Ada@Example.com"), false),
            user("twin", Some("Twin@example.com"), false),
            user("late-twin", Some("twin@example.com"), false),
            user("mute", None, false),
            user("blank", Some(" "), false),
        ])
    }

    #[test]
    fn a_product_user_is_the_one_linked_else_the_one_with_the_e_mail() {
        use ActingBecause::{Email, Linked, Nobody};
        use PassedOver::{Deactivated, LinkDeactivated, LinkUnknown, Unknown};
        for (email, link, user, because, passed_over) in [
            ("ada@example.com", None, Some("ada"), Email, None),
            (" ADA@EXAMPLE.COM ", None, Some("ada"), Email, None),
            ("ada@example.com", Some("mute"), Some("mute"), Linked, None),
            ("new@example.com", Some("ada"), Some("ada"), Linked, None),
            ("twin@example.com", None, Some("twin"), Email, None),
            (
                "ada@example.com",
                Some("gone"),
                Some("ada"),
                Email,
                Some(LinkDeactivated),
            ),
            (
                "ada@example.com",
                Some("nobody"),
                Some("ada"),
                Email,
                Some(LinkUnknown),
            ),
            (
                "new@example.com",
                Some("gone"),
                None,
                Nobody,
                Some(LinkDeactivated),
            ),
            (
                "gone@example.com",
                Some("nobody"),
                None,
                Nobody,
                Some(LinkUnknown),
            ),
            ("gone@example.com", None, None, Nobody, Some(Deactivated)),
            ("new@example.com", None, None, Nobody, Some(Unknown)),
            ("", None, None, Nobody, Some(Unknown)),
        ] {
            let link = link.map(UserId::from);
            let chosen = roster().product_user(email, link.as_ref());
            let expected = Chosen {
                user: user.map(UserId::from),
                because,
                passed_over,
            };
            assert_eq!(chosen, expected, "{email:?} {link:?}");
        }
    }

    #[test]
    fn a_link_is_taken_at_its_word_while_no_user_is_known() {
        let link = UserId::from("ada");
        let chosen = Roster::default().product_user("a@b.c", Some(&link));
        assert_eq!(chosen, Chosen::new(link, ActingBecause::Linked));
        let unlinked = Roster::default().product_user("a@b.c", None);
        let unreadable = Some(PassedOver::UsersUnreadable);
        assert_eq!(unlinked, Chosen::default().instead_of(unreadable));
    }

    #[test]
    fn choices_that_are_the_same_are_told_as_one() {
        let ada = Chosen::new("ada".into(), ActingBecause::Email);
        let linked = Chosen::new("ada".into(), ActingBecause::Linked);
        assert_eq!(Chosen::common([&ada, &ada]), ada);
        assert_eq!(Chosen::common([]), Chosen::default());
        let differ = Chosen::common([&ada, &linked]);
        assert_eq!(
            (differ.user, differ.because),
            (None, ActingBecause::ItemsDiffer)
        );
    }

    #[test]
    fn the_first_owner_who_may_act_stands_in_else_the_default() {
        use ActingBecause::{ConnectionDefault, Nobody, OpportunityOwner, PostingOwner};
        for (opportunity, posting, default, user, because) in [
            (
                Some("ada"),
                Some("twin"),
                Some("mute"),
                Some("ada"),
                OpportunityOwner,
            ),
            (
                Some("gone"),
                Some("twin"),
                Some("mute"),
                Some("twin"),
                PostingOwner,
            ),
            (None, Some("twin"), Some("mute"), Some("twin"), PostingOwner),
            (
                Some("nobody"),
                Some("gone"),
                Some("mute"),
                Some("mute"),
                ConnectionDefault,
            ),
            (Some("gone"), None, None, None, Nobody),
        ] {
            let stand_ins = StandIns {
                opportunity_owner: opportunity.map(UserId::from),
                posting_owner: posting.map(UserId::from),
                default: default.map(UserId::from),
            };
            for passed_over in [None, Some(PassedOver::Deactivated)] {
                let chosen = roster().stand_in(stand_ins.clone(), passed_over);
                let expected = Chosen {
                    user: user.map(UserId::from),
                    because,
                    passed_over,
                };
                assert_eq!(chosen, expected);
            }
        }
    }

    #[test]
    fn a_default_who_may_not_act_is_passed_over_where_the_users_are_known() {
        use PassedOver::{DefaultDeactivated, DefaultUnknown, Unknown};
        let of = |default: &str| StandIns {
            default: Some(UserId::from(default)),
            ..StandIns::default()
        };
        for (default, passed_over) in [("gone", DefaultDeactivated), ("nobody", DefaultUnknown)] {
            let chosen = roster().stand_in(of(default), None);
            assert_eq!(chosen, Chosen::default().instead_of(Some(passed_over)));
            // What was expected first is what is told.
            let chosen = roster().stand_in(of(default), Some(Unknown));
            assert_eq!(chosen, Chosen::default().instead_of(Some(Unknown)));
            let unread = Roster::default().stand_in(of(default), None);
            let expected = Chosen::new(default.into(), ActingBecause::ConnectionDefault);
            assert_eq!(unread, expected);
        }
    }

    #[test]
    fn every_reason_has_a_name_of_its_own() {
        for passed_over in PassedOver::ALL {
            assert_eq!(
                PassedOver::from_name(passed_over.name()),
                Some(*passed_over)
            );
        }
        for because in ActingBecause::ALL {
            assert_eq!(ActingBecause::from_name(because.name()), Some(*because));
        }
    }
}
