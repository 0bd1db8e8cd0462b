//! Contacts and users.

use super::{BodyKind, Operation, Repeat, get, list, operations, post, put};

operations! {
    /// Reads one contact.
    GET_CONTACT = get("getContact", "/contacts/{contact}", "GetContact")
        .allowed_by("find a contact", &["contact:read:admin"]);
    /// Updates a contact.
    UPDATE_CONTACT = put("updateContact", "/contacts/{contact}", "UpdateContact")
        .allowed_by("update a contact", &["contact:write:admin"]);
    /// Lists users.
    LIST_USERS = list("listUsers", "/users", "ListUsers")
        .allowed_by("find all users", &["users:read:admin"])
        .query(&[
            "limit", "offset", "email", "accessRole", "includeDeactivated", "external_directory_id",
        ]);
    /// Creates a user.
    CREATE_USER = post("createUser", "/users", "CreateUser")
        .allowed_by("create a user", &["users:write:admin"]);
    /// Reads one user.
    GET_USER = get("getUser", "/users/{user}", "GetUser")
        .allowed_by("find a user", &["users:read:admin"]);
    /// Replaces a user.
    UPDATE_USER = put("updateUser", "/users/{user}", "UpdateUser")
        .allowed_by("update a user", &["users:write:admin"]);
    /// Deactivates a user.
    DEACTIVATE_USER = post("deactivateUser", "/users/{user}/deactivate", "DeactivateUser")
        .allowed_by("deactivate a user", &["users:write:admin"])
        .body(BodyKind::None)
        .repeat(Repeat::Harmless);
    /// Reactivates a user.
    REACTIVATE_USER = post("reactivateUser", "/users/{user}/reactivate", "ReactivateUser")
        .allowed_by("reactivate a user", &["users:write:admin"])
        .body(BodyKind::None)
        .repeat(Repeat::Harmless);
}
