//! Why no connection to a server came about.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use rustls::CertificateError;
use url::Url;

/// No connection to a server came about, so nothing was sent.
///
/// Tells where to, without path, query and credential, and what stood in the way.
#[derive(Debug, thiserror::Error)]
#[error("no connection to {at}: {obstacle}")]
pub struct Unreached {
    at: String,
    obstacle: Obstacle,
    source: reqwest::Error,
}

impl Unreached {
    pub(crate) fn new(url: &Url, error: reqwest::Error) -> Unreached {
        Unreached {
            at: url.origin().ascii_serialization(),
            obstacle: Obstacle::behind(&error),
            source: error.without_url(),
        }
    }

    /// Scheme, host and port, such as `https://api.lever.co`.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// What stood in the way, to the server itself or to a proxy before it.
    pub fn obstacle(&self) -> Obstacle {
        self.obstacle
    }
}

/// What can stand in the way of a connection; `Display` says it in words that follow a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// The name of the server is in no DNS that answers.
    UnknownName,
    /// Nothing listens at the port.
    Refused,
    /// The network leads nowhere near it.
    NoRoute,
    /// Nothing came back in time.
    Silence,
    /// Its certificate comes from no authority that is trusted here.
    UnknownAuthority,
    /// Its certificate has expired, or is not valid yet.
    OutOfDate,
    /// Its certificate is made out to another name.
    AnotherName,
    /// Its certificate is not accepted for another reason.
    BadCertificate,
    /// What answers there does not speak TLS, or none that both sides know.
    NoTls,
    /// Anything else.
    Other,
}

impl Obstacle {
    /// The first cause of an error that can be put into words.
    pub(crate) fn behind(error: &reqwest::Error) -> Obstacle {
        let first: &(dyn StdError + 'static) = error;
        let mut causes = std::iter::successors(Some(first), |error| (*error).source());
        causes
            .find_map(Obstacle::of)
            .unwrap_or(match error.is_timeout() {
                true => Obstacle::Silence,
                false => Obstacle::Other,
            })
    }

    fn of(cause: &(dyn StdError + 'static)) -> Option<Obstacle> {
        // The connector of hyper-util keeps its errors to itself, but for their words.
        if cause.to_string() == "dns error" {
            return Some(Obstacle::UnknownName);
        }
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return Some(Obstacle::of_tls(error));
        }
        let error: &io::Error = cause.downcast_ref()?;
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Some(Obstacle::Refused),
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                Some(Obstacle::NoRoute)
            }
            io::ErrorKind::TimedOut => Some(Obstacle::Silence),
            // What it wraps is not among the causes: its source is that of what it wraps.
            _ => Obstacle::of(error.get_ref()?),
        }
    }

    fn of_tls(error: &rustls::Error) -> Obstacle {
        let rustls::Error::InvalidCertificate(fault) = error else {
            return Obstacle::NoTls;
        };
        match fault {
            CertificateError::UnknownIssuer => Obstacle::UnknownAuthority,
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Obstacle::OutOfDate,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Obstacle::AnotherName
            }
            _ => Obstacle::BadCertificate,
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Obstacle::UnknownName => "its name could not be looked up in DNS",
            Obstacle::Refused => "the connection was refused",
            Obstacle::NoRoute => "the network has no route to it",
            Obstacle::Silence => "nothing came back in time",
            Obstacle::UnknownAuthority => {
                "its TLS certificate comes from no authority that is trusted here"
            }
            Obstacle::OutOfDate => "its TLS certificate has expired or is not valid yet",
            Obstacle::AnotherName => "its TLS certificate is made out to another name",
            Obstacle::BadCertificate => "its TLS certificate is not accepted",
            Obstacle::NoTls => "what answers there speaks no TLS, or none that is spoken here",
            Obstacle::Other => "the connection failed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_is_not_accepted_says_why() {
        let tls = |fault| {
            let error = rustls::Error::InvalidCertificate(fault);
            // As the connector hands it on.
            let cause = io::Error::new(io::ErrorKind::InvalidData, error);
            Obstacle::of(&cause)
        };
        for (fault, obstacle) in [
            (CertificateError::UnknownIssuer, Obstacle::UnknownAuthority),
            (CertificateError::Expired, Obstacle::OutOfDate),
            (CertificateError::NotValidYet, Obstacle::OutOfDate),
            (CertificateError::NotValidForName, Obstacle::AnotherName),
            (CertificateError::BadSignature, Obstacle::BadCertificate),
        ] {
            assert_eq!(tls(fault), Some(obstacle));
        }
    }

    #[test]
    fn a_cause_says_why_by_itself_or_by_what_it_wraps() {
        let bare = io::Error::from(io::ErrorKind::HostUnreachable);
        assert_eq!(Obstacle::of(&bare), Some(Obstacle::NoRoute));
        let wrapped = io::Error::other(bare);
        assert_eq!(Obstacle::of(&wrapped), Some(Obstacle::NoRoute));
        assert_eq!(Obstacle::of(&io::Error::other("something")), None);
    }
}
