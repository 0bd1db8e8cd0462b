//! Contacts and users.

use super::table::{bodies, calls};
use crate::page::Record;
use crate::{Contact, ContactId, Phone, User, UserId};

calls! {
    /// Reads one person.
    ///
    /// Lever: "Retrieve a contact", `GET /contacts/:contact`.
    GetContact(contact: ContactId) = GET_CONTACT => Record<Contact> {}

    /// Changes a person, and so all opportunities of the person; what is left out stays.
    ///
    /// Lever: "Update a contact", `PUT /contacts/:contact`; fixture `contact.update.response.json`.
    UpdateContact(contact: ContactId) = UPDATE_CONTACT => Record<Contact>, sends ContactWrite {}

    /// Reads one user.
    ///
    /// Lever: "Retrieve a single user", `GET /users/:user`.
    GetUser(user: UserId) = GET_USER => Record<User> {}

    /// Makes a user; nobody is invited by it.
    ///
    /// Lever: "Create a user", `POST /users`.
    CreateUser() = CREATE_USER => Record<User>, sends UserWrite {}

    /// Replaces a user; what is left out is reset. Who becomes an interviewer loses the profiles followed.
    ///
    /// Lever: "Update a user", `PUT /users/:user`.
    UpdateUser(user: UserId) = UPDATE_USER => Record<User>, sends UserWrite {}

    /// Deactivates a user; users are never deleted.
    ///
    /// Lever: "Deactivate a user", `POST /users/:user/deactivate`.
    DeactivateUser(user: UserId) = DEACTIVATE_USER => Record<User> {}

    /// Brings a deactivated user back.
    ///
    /// Lever: "Reactivate a user", `POST /users/:user/reactivate`.
    ReactivateUser(user: UserId) = REACTIVATE_USER => Record<User> {}
}

bodies! {
    /// What to change of a person. An empty list takes all away.
    #[derive(Default)]
    struct ContactWrite
    may {
        /// The full name.
        name: String,
        /// The headline.
        headline: String,
        /// Where the person lives; read back as an object.
        location: String,
        /// Addresses.
        emails: Vec<String>,
        /// Telephone numbers.
        phones: Vec<Phone>,
    }

    /// A user to make or to put in place of another.
    struct UserWrite
    must {
        /// The full name.
        name: String,
        /// The address used to sign in.
        email: String,
    }
    may {
        /// The role; a new user is an interviewer without it, and a replaced one must have it.
        access_role: String,
        /// The id in the customer's own directory.
        external_directory_id: String,
        /// The job title.
        job_title: String,
        /// The user this one reports to.
        manager_id: UserId,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::testing::sent;
    use serde_json::json;

    #[test]
    fn people_and_users_are_asked_for() {
        let contact = GetContact {
            contact: "c1".into(),
        };
        assert_eq!(sent(&contact), ("GET /contacts/c1".to_owned(), None));
        let user = GetUser { user: "u1".into() };
        assert_eq!(sent(&user), ("GET /users/u1".to_owned(), None));
    }

    #[test]
    fn a_person_is_changed_in_what_was_given() {
        let phone = Phone {
            kind: Some("mobile".to_owned()),
            value: "+1 555-0100".to_owned(),
        };
        let update = UpdateContact {
            contact: "c1".into(),
            body: ContactWrite {
                location: Some("Oslo".to_owned()),
                emails: Some(Vec::new()),
                phones: Some(vec![phone]),
                ..ContactWrite::default()
            },
        };
        let body = json!({"location": "Oslo", "emails": [],
            "phones": [{"type": "mobile", "value": "+1 555-0100"}]});
        assert_eq!(sent(&update), ("PUT /contacts/c1".to_owned(), Some(body)));
        assert!(!format!("{update:?}").contains("Oslo"));
    }

    #[test]
    fn a_user_is_made_replaced_deactivated_and_brought_back() {
        let user = UserWrite {
            name: "Ada".to_owned(),
            email: "ada@example.com".to_owned(),
            access_role: Some("interviewer".to_owned()),
            external_directory_id: None,
            job_title: None,
            manager_id: Some("u2".into()),
        };
        let body = json!({"name": "Ada", "email": "ada@example.com", "accessRole": "interviewer",
            "managerId": "u2"});
        let create = CreateUser { body: user.clone() };
        assert_eq!(
            sent(&create),
            ("POST /users".to_owned(), Some(body.clone()))
        );
        let update = UpdateUser {
            user: "u1".into(),
            body: user,
        };
        assert_eq!(sent(&update), ("PUT /users/u1".to_owned(), Some(body)));
        let deactivate = DeactivateUser { user: "u1".into() };
        assert_eq!(
            sent(&deactivate),
            ("POST /users/u1/deactivate".to_owned(), None)
        );
        let reactivate = ReactivateUser { user: "u1".into() };
        assert_eq!(
            sent(&reactivate),
            ("POST /users/u1/reactivate".to_owned(), None)
        );
    }
}
