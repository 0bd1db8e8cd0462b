//! What the simulated Lever answers: a record, a page, or a refusal in Lever's shape.
//!
//! Codes and messages: fixture `errors.json`; the inferred ones are choices, clients must branch on the status.

use bytes::Bytes;
use serde_json::{Value, json};

/// A complete answer of the API.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Missing for 204 and for files.
    pub(crate) body: Option<Value>,
    /// What a download answers instead of a body.
    pub(crate) file: Option<Attachment>,
}

/// The bytes of a file, and what the headers say of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attachment {
    pub(crate) name: String,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Bytes,
}

impl Attachment {
    /// The `content-disposition` header; a name beyond ASCII is given in both forms of RFC 6266.
    pub(crate) fn disposition(&self) -> String {
        let plain: String = self.name.chars().map(header_safe).collect();
        if plain == self.name {
            return format!("attachment; filename=\"{plain}\"");
        }
        let encoded = percent_encoded(&self.name);
        format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
    }
}

fn header_safe(c: char) -> char {
    match c {
        '"' | '\\' => '_',
        ' '..='~' => c,
        _ => '_',
    }
}

fn percent_encoded(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}

/// What a handler ends in.
pub(crate) type Outcome = Result<Answer, Refusal>;

impl Answer {
    /// A document that is not simply a record under `data`.
    pub(crate) fn json(status: u16, body: Value) -> Answer {
        Answer {
            status,
            body: Some(body),
            file: None,
        }
    }

    /// One record, under `data`.
    pub(crate) fn record(data: Value) -> Answer {
        Answer::json(200, json!({ "data": data }))
    }

    /// A record that was just made.
    pub(crate) fn created(data: Value) -> Answer {
        Answer::json(201, json!({ "data": data }))
    }

    /// The answer of every DELETE.
    pub(crate) fn nothing() -> Answer {
        Answer {
            status: 204,
            body: None,
            file: None,
        }
    }

    /// A download.
    pub(crate) fn file(file: Attachment) -> Answer {
        Answer {
            status: 200,
            body: None,
            file: Some(file),
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

    /// A file that Lever could not process.
    pub(crate) fn unprocessable(message: impl Into<String>) -> Refusal {
        Refusal {
            status: 422,
            code: "UnprocessableEntityError",
            message: message.into(),
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
        Answer::json(refusal.status, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_safe_in_a_header() {
        let disposition = |name: &str| {
            let file = Attachment {
                name: name.to_owned(),
                content_type: "text/plain",
                bytes: Bytes::new(),
            };
            file.disposition()
        };
        assert_eq!(disposition("cv.pdf"), "attachment; filename=\"cv.pdf\"");
        assert_eq!(
            disposition("é \"1\".pdf"),
            "attachment; filename=\"_ _1_.pdf\"; filename*=UTF-8''%C3%A9%20%221%22.pdf"
        );
    }
}
