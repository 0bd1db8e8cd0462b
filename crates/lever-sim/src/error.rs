//! What can go wrong with the simulator itself; Lever's own refusals are HTTP answers, not errors.

/// A simulator that cannot start, or an act that does not fit its world.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
    source: Option<std::io::Error>,
}

/// Why a call to the simulator failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// The address is in use, not local, or not allowed.
    #[error("cannot listen on {0}")]
    Listen(std::net::SocketAddr),
    /// No record of this kind has this id.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// The kind of record, such as `opportunity`.
        what: &'static str,
        /// The id that was asked for.
        id: String,
    },
    /// The act does not fit the record.
    #[error("{0}")]
    Refused(&'static str),
}

impl Error {
    pub(crate) fn listen(address: std::net::SocketAddr, source: std::io::Error) -> Error {
        Error {
            kind: ErrorKind::Listen(address),
            source: Some(source),
        }
    }

    pub(crate) fn not_found(what: &'static str, id: &str) -> Error {
        Error {
            kind: ErrorKind::NotFound {
                what,
                id: id.to_owned(),
            },
            source: None,
        }
    }

    pub(crate) fn refused(why: &'static str) -> Error {
        Error {
            kind: ErrorKind::Refused(why),
            source: None,
        }
    }

    /// The reason, for callers that decide by it.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }
}
