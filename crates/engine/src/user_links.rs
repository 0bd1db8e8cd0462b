//! Who of the product is who in Lever: by e-mail, or as an admin has linked them (X13).

use std::collections::HashMap;

use domain::acting::{Chosen, Roster, UserStanding, folded};
use domain::{ActingBecause, ConnectionId, Stream, Timestamp};
use lever::{User, UserId};
use store::UserLink;

use crate::engine::Engine;
use crate::error::{Error, Result, can_be_id};

use crate::{mapping, status};

/// The longest e-mail of a product user, in bytes; RFC 5321 allows 64 before the `@` and 255 after it.
pub const LONGEST_EMAIL: usize = 320;

/// The most links of one connection.
const MOST_LINKS: usize = 10_000;

/// How a product user's e-mail and a Lever user belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserMatch {
    /// The Lever user has this e-mail, and acts for it.
    Email,
    /// An admin linked the two, and the Lever user acts for this e-mail.
    Linked,
    /// An admin linked the two, but the Lever user is deactivated: the link is passed over.
    LinkDeactivated,
    /// An admin linked the two, but Lever does not list the user: the link is passed over.
    LinkUnknown,
    /// The Lever user has this e-mail, but is deactivated.
    Deactivated,
    /// The Lever user has this e-mail, but another one acts for it: by a link, or since Lever lists that one first.
    Outranked,
    /// Lever tells no e-mail of the user: a link is the only way.
    NoEmail,
}

/// A product user's e-mail and a Lever user.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRow {
    /// The e-mail in lower case; empty where there is none.
    pub email: String,
    /// The Lever user.
    pub user: UserId,
    /// The name Lever has.
    pub name: String,
    /// The e-mail Lever has.
    pub lever_email: String,
    /// Lever's word for the role; empty for a user it does not list.
    pub role: String,
    /// Whether Lever lists the user as deactivated.
    pub deactivated: bool,
    /// How the two belong together.
    pub matched: UserMatch,
    /// Who linked them, and when.
    pub linked: Option<(String, Timestamp)>,
}

impl UserRow {
    /// Where the row stands among all.
    pub fn place(&self) -> (String, String) {
        (self.email.clone(), self.user.as_str().to_owned())
    }
}

/// Who is who.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRows {
    /// In the order of their places.
    pub rows: Vec<UserRow>,
    /// The start of the last complete pass over Lever's users.
    pub as_of: Option<Timestamp>,
}

impl Engine {
    /// Tells who of the product is who in Lever: every link, and every Lever user, active or not.
    ///
    /// # Errors
    /// Not found; precondition where the account is disconnected.
    pub async fn user_rows(&self, id: ConnectionId) -> Result<UserRows> {
        let connection = self.link(id)?.connection();
        let users: Vec<User> = mapping::typed(&self.shared, id, Stream::Users).await?;
        let links = self.shared.store.user_links(id).await?;
        let listings = self.shared.store.cursors(id).await?;
        Ok(UserRows {
            rows: rows(&users, links),
            as_of: status::as_of(&connection, &listings, &[Stream::Users]),
        })
    }

    /// Links a product user's e-mail to a Lever user, or without one takes the link back; gives the link there is then.
    ///
    /// # Errors
    /// Not found; invalid, naming the field, for what is no e-mail, for a Lever user who is unknown or deactivated, and
    /// for the 10,001st link; precondition while Lever's users have not been read, and where the key may not list them.
    pub async fn link_user(
        &self,
        id: ConnectionId,
        email: &str,
        user: Option<UserId>,
        by: &str,
    ) -> Result<Option<UserRow>> {
        let worked_on = self.link(id)?;
        let connection = worked_on.connection();
        check_email(email)?;
        let store = &self.shared.store;
        let Some(user) = user else {
            store.clear_user_link(id, email).await?;
            return Ok(None);
        };
        let users: Vec<User> = mapping::typed(&self.shared, id, Stream::Users).await?;
        if users.is_empty() && connection.keeps(Stream::Users) {
            let reason = "USERS_NOT_READ";
            mapping::none_is_an_answer(&self.shared, &worked_on, Stream::Users, reason).await?;
        }
        check_user(&user, &Roster::new(&users))?;
        let links = store.user_links(id).await?;
        let known = links
            .iter()
            .any(|link| folded(&link.email) == folded(email));
        if !known && links.len() >= MOST_LINKS {
            return Err(Error::invalid(
                "email",
                "there are 10,000 links already: take back those that nobody needs",
            ));
        }
        let link = UserLink {
            email: email.trim().to_owned(),
            user,
            by: by.to_owned(),
            at: self.shared.clock.now(),
        };
        store.set_user_link(id, link.clone()).await?;
        // What was told of this product user is over.
        worked_on.issues.note_writes();
        Ok(rows(&users, vec![link.clone()])
            .into_iter()
            .find(|row| row.linked.is_some()))
    }
}

pub(crate) fn check_email(email: &str) -> Result<()> {
    let email = email.trim();
    let whole = email.contains('@') && email.len() <= LONGEST_EMAIL;
    if whole && !email.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Ok(());
    }
    Err(Error::invalid(
        "email",
        "give the e-mail of a product user, as acting_user has it: at most 320 bytes with an @",
    ))
}

fn check_user(user: &UserId, roster: &Roster) -> Result<()> {
    let fits = can_be_id(user.as_str());
    let refused = |why: &str| Err(Error::invalid("lever_user_id", why));
    match roster.standing(user) {
        UserStanding::Active => Ok(()),
        // Nobody can tell where the connection keeps no users.
        UserStanding::Unknown if fits && roster.is_empty() => Ok(()),
        UserStanding::Unknown => {
            refused("Lever has no such user: LeverService.ListUsers lists them")
        }
        UserStanding::Deactivated => refused(
            "this Lever user is deactivated: name an active one, or activate this one in Lever",
        ),
    }
}

/// Every link, and every user whose own e-mail is not linked to that very user; sorted by place.
fn rows(users: &[User], links: Vec<UserLink>) -> Vec<UserRow> {
    let roster = Roster::new(users);
    let by_id: HashMap<&UserId, &User> = users.iter().map(|user| (&user.id, user)).collect();
    let by_email: HashMap<String, UserId> = links
        .iter()
        .map(|link| (folded(&link.email), link.user.clone()))
        .collect();
    let of_users = users.iter().filter_map(|user| {
        let email = user.email.as_deref().map(folded).unwrap_or_default();
        let link = by_email.get(&email);
        let told_by_link = link == Some(&user.id);
        (!told_by_link).then(|| UserRow {
            matched: match_of(user, &email, link, &roster),
            linked: None,
            ..row(email, user.id.clone(), Some(user))
        })
    });
    let of_links = links.iter().map(|link| UserRow {
        matched: match_of_link(&link.user, &roster),
        linked: Some((link.by.clone(), link.at)),
        ..row(
            folded(&link.email),
            link.user.clone(),
            by_id.get(&link.user).copied(),
        )
    });
    let mut rows: Vec<UserRow> = of_links.chain(of_users).collect();
    rows.sort_by_cached_key(UserRow::place);
    rows
}

fn row(email: String, id: UserId, user: Option<&User>) -> UserRow {
    let name = user.and_then(|user| user.name.clone());
    let lever_email = user.and_then(|user| user.email.clone());
    UserRow {
        email,
        user: id,
        name: name.unwrap_or_default(),
        lever_email: lever_email.unwrap_or_default(),
        role: user
            .and_then(|user| user.access_role.clone())
            .unwrap_or_default(),
        deactivated: user.is_some_and(|user| user.deactivated_at.is_some()),
        matched: UserMatch::Email,
        linked: None,
    }
}

fn match_of(user: &User, email: &str, link: Option<&UserId>, roster: &Roster) -> UserMatch {
    if user.deactivated_at.is_some() {
        return UserMatch::Deactivated;
    }
    if email.is_empty() {
        return UserMatch::NoEmail;
    }
    let Chosen {
        user: acts,
        because,
        ..
    } = roster.product_user(email, link);
    if because == ActingBecause::Email && acts.as_ref() == Some(&user.id) {
        UserMatch::Email
    } else {
        UserMatch::Outranked
    }
}

fn match_of_link(user: &UserId, roster: &Roster) -> UserMatch {
    match roster.standing(user) {
        UserStanding::Active => UserMatch::Linked,
        UserStanding::Deactivated => UserMatch::LinkDeactivated,
        UserStanding::Unknown if roster.is_empty() => UserMatch::Linked,
        UserStanding::Unknown => UserMatch::LinkUnknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str, email: Option<&str>, deactivated: bool) -> User {
        let stamp = deactivated.then_some(5);
        let user =
            serde_json::json!({ "id": id, "name": id, "email": email, "deactivatedAt": stamp });
        serde_json::from_value(user).unwrap()
    }

    fn link(email: &str, user: &str) -> UserLink {
        UserLink {
            email: email.to_owned(),
            user: user.into(),
            by: "t".to_owned(),
            at: Timestamp::from_millis(1),
        }
    }

    fn told(rows: &[UserRow]) -> Vec<(&str, &str, UserMatch, bool)> {
        let one = |row: &'_ UserRow| (row.matched, row.linked.is_some());
        rows.iter()
            .map(|row| {
                let (matched, linked) = one(row);
                (row.email.as_str(), row.user.as_str(), matched, linked)
            })
            .collect()
    }

    #[test]
    fn every_link_and_every_user_is_told_with_what_comes_of_it() {
        let users = [
            user("ada", Some("Ada@a.b"), false),
            user("ben", Some("ben@a.b"), false),
            user("ben2", Some("BEN@a.b"), false),
            user("cy", Some("cy@a.b"), false),
            user("dan", None, false),
            user("eve", Some("eve@a.b"), true),
            user("flo", Some("flo@a.b"), false),
        ];
        let links = vec![
            link("CY@a.b", "ada"),
            link("flo@a.b", "flo"),
            link("new@a.b", "eve"),
            link("old@a.b", "nobody"),
        ];
        use UserMatch::{
            Deactivated, Email, LinkDeactivated, LinkUnknown, Linked, NoEmail, Outranked,
        };
        assert_eq!(
            told(&rows(&users, links)),
            [
                ("", "dan", NoEmail, false),
                ("ada@a.b", "ada", Email, false),
                ("ben@a.b", "ben", Email, false),
                ("ben@a.b", "ben2", Outranked, false),
                ("cy@a.b", "ada", Linked, true),
                ("cy@a.b", "cy", Outranked, false),
                ("eve@a.b", "eve", Deactivated, false),
                ("flo@a.b", "flo", Linked, true),
                ("new@a.b", "eve", LinkDeactivated, true),
                ("old@a.b", "nobody", LinkUnknown, true),
            ]
        );
        let unread = rows(&[], vec![link("a@b.c", "ada")]);
        assert_eq!(told(&unread), [("a@b.c", "ada", Linked, true)]);
    }

    #[test]
    fn a_link_that_is_passed_over_leaves_its_e_mail_to_whoever_has_it() {
        let users = [user("ada", Some("ada@a.b"), false), user("eve", None, true)];
        let rows = rows(&users, vec![link("ada@a.b", "eve")]);
        assert_eq!(
            told(&rows),
            [
                ("", "eve", UserMatch::Deactivated, false),
                ("ada@a.b", "ada", UserMatch::Email, false),
                ("ada@a.b", "eve", UserMatch::LinkDeactivated, true),
            ]
        );
    }

    #[test]
    fn only_an_e_mail_and_an_active_user_can_be_linked() {
        for (email, good) in [
            (" Ada@Example.com ", true),
            ("ada", false),
            ("", false),
            ("a b@c.d", false),
            ("a\n@c.d", false),
            (&format!("{}@b", "a".repeat(LONGEST_EMAIL - 1)), false),
        ] {
            assert_eq!(check_email(email).is_ok(), good, "{email:?}");
        }
        let roster = Roster::new(&[user("ada", None, false), user("eve", None, true)]);
        for (id, roster, good) in [
            ("ada", &roster, true),
            ("eve", &roster, false),
            ("nobody", &roster, false),
            ("nobody", &Roster::default(), true),
            ("..", &Roster::default(), false),
        ] {
            let checked = check_user(&id.into(), roster);
            assert_eq!(checked.is_ok(), good, "{id}");
            let told = checked.err().map(|error| error.to_string());
            assert!(told.is_none_or(|told| told.starts_with("lever_user_id: ")));
        }
    }
}
