//! TLS as a client sees it: whom it trusts, and what is wrong in words.

use std::error::Error;
use std::io;
use std::path::Path;

use rustls::CertificateError;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use super::{Failure, Global};

/// Whom a client trusts, and how it proves itself.
///
/// # Errors
/// A file that cannot be read or holds something else, and an authority for an address without TLS.
pub(super) fn trust(global: &Global) -> Result<ClientTlsConfig, Failure> {
    let mut trust = ClientTlsConfig::new();
    trust = match &global.ca {
        Some(_) if global.server.starts_with("http://") => return Err(plain(&global.server)),
        Some(path) => trust.ca_certificate(Certificate::from_pem(pem(path, "--ca", CERTIFICATE)?)),
        None => trust.with_native_roots(),
    };
    if let (Some(cert), Some(key)) = (&global.cert, &global.cert_key) {
        let cert = pem(cert, "--cert", CERTIFICATE)?;
        trust = trust.identity(Identity::from_pem(cert, pem(key, "--cert-key", KEY)?));
    }
    Ok(trust)
}

/// How a PEM file names what it holds, and how people do.
type Content = (&'static str, &'static str);

const CERTIFICATE: Content = ("BEGIN CERTIFICATE-----", "certificate");
const KEY: Content = ("PRIVATE KEY-----", "private key");

fn pem(path: &Path, flag: &str, (mark, what): Content) -> Result<Vec<u8>, Failure> {
    let place = path.display();
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::new(format!("cannot read {place} ({flag}): {error}")))?;
    let has = bytes
        .windows(mark.len())
        .any(|part| part == mark.as_bytes());
    match has {
        true => Ok(bytes),
        false => Err(Failure::new(format!(
            "there is no {what} in {place} ({flag}): it takes PEM"
        ))),
    }
}

fn plain(server: &str) -> Failure {
    Failure::new(format!(
        "--ca is for addresses that begin with https://, and {server} is without TLS"
    ))
    .with("name the service with https://, or leave --ca and FULCRUM_CA out")
}

/// What TLS has against the service, or the service against us; none where TLS is not what failed.
pub(super) fn fault(error: &(dyn Error + 'static)) -> Option<String> {
    let chain = || std::iter::successors(Some(error), |error| (*error).source());
    match chain().find_map(of_tls) {
        Some(found) => Some(told(found)),
        // HTTP/2 hands on no causes, only what they say.
        None => chain().find_map(|error| of_alert(&error.to_string())),
    }
}

fn of_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inner = |error: &'a io::Error| error.get_ref()?.downcast_ref();
    error
        .downcast_ref()
        .or_else(|| error.downcast_ref::<io::Error>().and_then(inner))
}

fn told(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "nobody whom this machine trusts has signed the certificate of the service: name its authority with --ca"
                .to_owned()
        }
        // There is no variant of its own for it.
        rustls::Error::InvalidCertificate(CertificateError::Other(fault))
            if format!("{fault:?}").contains("CaUsedAsEndEntity") =>
        {
            "the certificate of the service is that of an authority (CA:TRUE): it needs one of its own, which that \
             authority has signed, or one made with basicConstraints=CA:FALSE"
                .to_owned()
        }
        rustls::Error::InvalidMessage(_) => {
            "it answers without TLS: if it is the service, its address begins with http://".to_owned()
        }
        other => {
            let text = other.to_string();
            of_alert(&text).unwrap_or(text)
        }
    }
}

/// What a server means by the alert that a text is about; none where it is about none, or another one.
fn of_alert(text: &str) -> Option<String> {
    let (_, alert) = text.split_once("received fatal alert: ")?;
    let name: String = alert
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    match name.as_str() {
        "CertificateRequired" => Some(
            "the service asks for a certificate of the caller's: give one with --cert and --cert-key".to_owned(),
        ),
        "BadCertificate" | "UnsupportedCertificate" | "CertificateRevoked" | "CertificateExpired"
        | "CertificateUnknown" | "UnknownCA" | "AccessDenied" | "DecryptError" => Some(format!(
            "the service does not accept our certificate ({name}): --cert takes one that the authority of its \
             server.tls_client_ca has signed and that has not expired"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::AlertDescription;

    #[test]
    fn what_tls_found_is_told_with_the_way_out() {
        let told = |error| fault(&io::Error::other(error)).unwrap_or_default();
        for (error, way_out) in [
            (
                rustls::Error::AlertReceived(AlertDescription::CertificateRequired),
                "give one with --cert",
            ),
            (
                rustls::Error::AlertReceived(AlertDescription::UnknownCA),
                "server.tls_client_ca",
            ),
            (
                rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer),
                "--ca",
            ),
            (
                rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
                "http://",
            ),
        ] {
            let sentence = told(error);
            assert!(sentence.contains(way_out), "{sentence}");
        }
        let retold =
            io::Error::other("connection error: received fatal alert: CertificateRequired");
        assert!(fault(&retold).is_some_and(|told| told.contains("--cert")));
        assert_eq!(fault(&io::Error::other("broken")), None);
    }

    #[test]
    fn a_file_without_what_it_is_given_for_is_named_with_its_flag() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(
            file.path(),
            "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        )
        .expect("a file");
        assert!(pem(file.path(), "--cert-key", KEY).is_ok());
        let text = pem(file.path(), "--ca", CERTIFICATE)
            .expect_err("a key")
            .text();
        let place = file.path().display().to_string();
        assert!(
            text.contains("no certificate") && text.contains("--ca") && text.contains(&place),
            "{text}"
        );
    }
}
