//! What the simulated Lever answers: a record, a page, or a refusal in Lever's shape.
//!
//! Codes and messages: fixture `errors.json`; the inferred ones are choices, clients must branch on the status.

use serde_json::{Value, json};

/// A complete answer of the API.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Missing for 204.
    pub(crate) body: Option<Value>,
}

/// What a handler ends in.
pub(crate) type Outcome = Result<Answer, Refusal>;

impl Answer {
    /// One record, under `data`.
    pub(crate) fn record(data: Value) -> Answer {
        Answer {
            status: 200,
            body: Some(json!({ "data": data })),
        }
    }

    /// A record that was just made.
    pub(crate) fn created(data: Value) -> Answer {
        Answer {
            status: 201,
            body: Some(json!({ "data": data })),
        }
    }

    /// The answer of every DELETE.
    pub(crate) fn nothing() -> Answer {
        Answer {
            status: 204,
            body: None,
        }
    }
}

/// An answer of the 4xx and 5xx kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(crate) fn bad_request(message: impl Into<String>) -> Refusal {
        Refusal {
            status: 400,
            code: "BadRequestError",
            message: message.into(),
        }
    }

    pub(crate) fn unauthorized() -> Refusal {
        let message = "The request requires authentication.".to_owned();
        Refusal {
            status: 401,
            code: "UnauthorizedError",
            message,
        }
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Refusal {
        Refusal {
            status: 403,
            code: "ForbiddenError",
            message: message.into(),
        }
    }

    /// A confidential record asked for by a key without that access.
    pub(crate) fn confidential() -> Refusal {
        Refusal::forbidden("This API key has no access to confidential data")
    }

    pub(crate) fn not_found(collection: &str, id: &str) -> Refusal {
        let message = format!("{collection} {id} was not found");
        Refusal {
            status: 404,
            code: "ResourceNotFound",
            message,
        }
    }

    /// An unknown requisition field has a code of its own (seen by others).
    pub(crate) fn no_field(id: &str) -> Refusal {
        Refusal {
            status: 404,
            code: "NotFoundError",
            message: format!("requisition field {id} was not found"),
        }
    }

    pub(crate) fn no_route(path: &str) -> Refusal {
        Refusal {
            status: 404,
            code: "ResourceNotFound",
            message: format!("{path} does not exist"),
        }
    }

    pub(crate) fn wrong_method(method: &str) -> Refusal {
        Refusal {
            status: 405,
            code: "MethodNotAllowedError",
            message: format!("{method} is not allowed"),
        }
    }

    pub(crate) fn too_large() -> Refusal {
        let message = "Request body is too large".to_owned();
        Refusal {
            status: 413,
            code: "RequestEntityTooLargeError",
            message,
        }
    }

    pub(crate) fn too_many_requests() -> Refusal {
        let message = "Rate limit exceeded".to_owned();
        Refusal {
            status: 429,
            code: "TooManyRequestsError",
            message,
        }
    }

    /// A failure on Lever's side; a status outside 500 to 599 becomes 500.
    pub(crate) fn server_error(status: u16) -> Refusal {
        let status = if (500..600).contains(&status) {
            status
        } else {
            500
        };
        let (code, message) = match status {
            503 => ("ServiceUnavailableError", "Service is unavailable"),
            _ => ("InternalServerError", "Something went wrong"),
        };
        Refusal {
            status,
            code,
            message: message.to_owned(),
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Answer {
        let body = json!({ "code": refusal.code, "message": refusal.message });
        Answer {
            status: refusal.status,
            body: Some(body),
        }
    }
}
