//! TLS: the files of the settings, and what is made of them anew whenever they change.
//!
//! A connection is greeted with what the files held last; connections that are open go on with what they had.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest as _, Sha256};

use crate::config::Server;

/// So often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// What is wrong with a file of the settings: one sentence that names the setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Fault(String);

/// How connections are greeted.
pub(crate) struct Tls {
    files: Files,
    present: RwLock<Greeting>,
}

/// How connections of each side are greeted.
#[derive(Clone)]
struct Greeting {
    grpc: Arc<ServerConfig>,
    http: Arc<ServerConfig>,
    digest: [u8; 32],
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

/// What the files hold.
struct Contents {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Tls {
    /// Reads the files of the settings; none where they name none.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub(crate) fn open(settings: &Server) -> Result<Option<Tls>, Fault> {
        let given = |path: &Path| (!path.as_os_str().is_empty()).then(|| path.to_owned());
        let (Some(cert), Some(key)) = (given(&settings.tls_cert), given(&settings.tls_key)) else {
            return Ok(None);
        };
        let files = Files {
            cert,
            key,
            client_ca: given(&settings.tls_client_ca),
        };
        let present = RwLock::new(files.read()?.greeting()?);
        Ok(Some(Tls { files, present }))
    }

    /// How a connection to the gRPC side is greeted now.
    pub(crate) fn grpc(&self) -> Arc<ServerConfig> {
        self.present().grpc
    }

    /// How a connection to the HTTP side is greeted now.
    pub(crate) fn http(&self) -> Arc<ServerConfig> {
        self.present().http
    }

    fn present(&self) -> Greeting {
        self.present
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes up what the files hold whenever that changes, and says so; what is broken is said once.
    pub(crate) async fn follow(self: Arc<Tls>) {
        let mut told = None;
        loop {
            tokio::time::sleep(LOOK).await;
            let tls = self.clone();
            let looked = tokio::task::spawn_blocking(move || tls.look()).await;
            let fault = match looked {
                Ok(Ok(true)) => {
                    tracing::info!("the TLS certificate was changed");
                    None
                }
                Ok(Ok(false)) => None,
                Ok(Err(fault)) => Some(fault),
                // The runtime is going away.
                Err(_) => return,
            };
            if let Some(fault) = fault.as_ref().filter(|fault| told.as_ref() != Some(*fault)) {
                tracing::error!(error = %fault, "the changed TLS files are of no use, the former stay in use");
            }
            told = fault;
        }
    }

    /// Takes up the files if they have changed, and tells whether.
    fn look(&self) -> Result<bool, Fault> {
        let contents = self.files.read()?;
        if contents.digest() == self.present().digest {
            return Ok(false);
        }
        let greeting = contents.greeting()?;
        *self.present.write().unwrap_or_else(PoisonError::into_inner) = greeting;
        Ok(true)
    }
}

impl Files {
    fn read(&self) -> Result<Contents, Fault> {
        let read = |setting, path: &Path| fs::read(path).map_err(unreadable(setting, path));
        Ok(Contents {
            cert: read("server.tls_cert", &self.cert)?,
            key: read_key(&self.key)?,
            client_ca: self
                .client_ca
                .as_deref()
                .map(|path| read("server.tls_client_ca", path))
                .transpose()?,
        })
    }
}

fn unreadable(setting: &str, path: &Path) -> impl FnOnce(io::Error) -> Fault {
    move |error| {
        Fault(format!(
            "{setting}: cannot read {}: {error}",
            path.display()
        ))
    }
}

/// Reads a private key, which nobody else may read.
fn read_key(path: &Path) -> Result<Vec<u8>, Fault> {
    let failed = |error| unreadable("server.tls_key", path)(error);
    let mut file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
        return Err(Fault(format!(
            "server.tls_key: {} can be read by others: run chmod 600 on it",
            path.display()
        )));
    }
    let mut key = Vec::new();
    file.read_to_end(&mut key).map_err(failed)?;
    Ok(key)
}

impl Contents {
    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let client_ca = self.client_ca.as_deref().unwrap_or_default();
        for part in [self.cert.as_slice(), self.key.as_slice(), client_ca] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    fn greeting(&self) -> Result<Greeting, Fault> {
        let mut grpc = self.config(self.client_ca.as_deref())?;
        grpc.alpn_protocols = vec![b"h2".to_vec()];
        let mut http = self.config(None)?;
        http.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Greeting {
            grpc: Arc::new(grpc),
            http: Arc::new(http),
            digest: self.digest(),
        })
    }

    fn config(&self, client_ca: Option<&[u8]>) -> Result<ServerConfig, Fault> {
        let chain = certificates("server.tls_cert", &self.cert)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| {
            Fault("server.tls_key: the file holds no private key in PEM".to_owned())
        })?;
        let builder = ServerConfig::builder();
        let builder = match client_ca {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let verifier = WebPkiClientVerifier::builder(Arc::new(authorities(pem)?)).build();
                builder.with_client_cert_verifier(
                    verifier.map_err(|error| Fault(format!("server.tls_client_ca: {error}")))?,
                )
            }
        };
        builder
            .with_single_cert(chain, key)
            .map_err(|error| unusable(&error))
    }
}

/// Why a certificate and a key are no pair to serve with.
fn unusable(error: &rustls::Error) -> Fault {
    let rustls::Error::InvalidCertificate(fault) = error else {
        return Fault(format!(
            "server.tls_cert and server.tls_key do not go together: {error}"
        ));
    };
    // There is no variant of its own for it.
    Fault(match format!("{fault:?}").contains("UnsupportedCertVersion") {
        true => "server.tls_cert: the first certificate in the file is of X.509 version 1, and TLS takes version 3 \
                 only: make one that names the host in subjectAltName"
            .to_owned(),
        false => format!("server.tls_cert: the first certificate in the file cannot be used: {fault}"),
    })
}

fn authorities(pem: &[u8]) -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::empty();
    for authority in certificates("server.tls_client_ca", pem)? {
        let added = roots.add(authority);
        added.map_err(|error| Fault(format!("server.tls_client_ca: {error}")))?;
    }
    Ok(roots)
}

fn certificates(setting: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Fault(format!(
            "{setting}: the file holds no certificate in PEM"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use tempfile::TempDir;

    use super::*;
    use crate::config::Settings;

    fn write(path: &Path, content: &str, mode: u32) {
        fs::write(path, content).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A folder with a certificate and its key, and the settings that name them.
    fn certified() -> (TempDir, Server) {
        crate::serve::install_crypto();
        let folder = TempDir::new().unwrap();
        let server = Server {
            tls_cert: folder.path().join("cert.pem"),
            tls_key: folder.path().join("key.pem"),
            ..Settings::default().server
        };
        renew(&server);
        (folder, server)
    }

    fn renew(server: &Server) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        write(&server.tls_cert, &cert.pem(), 0o644);
        write(&server.tls_key, &signing_key.serialize_pem(), 0o600);
    }

    fn fault(server: &Server) -> String {
        Tls::open(server).unwrap_err().to_string()
    }

    #[test]
    fn each_fault_of_a_file_names_its_setting() {
        let (_folder, server) = certified();
        assert!(Tls::open(&server).unwrap().is_some());
        write(&server.tls_key, "no key", 0o600);
        assert!(fault(&server).starts_with("server.tls_key"));
        renew(&server);
        write(
            &server.tls_key,
            &fs::read_to_string(&server.tls_key).unwrap(),
            0o640,
        );
        assert!(fault(&server).contains("chmod 600"));
        renew(&server);
        write(&server.tls_cert, "no certificate", 0o644);
        assert!(fault(&server).starts_with("server.tls_cert"));
        fs::remove_file(&server.tls_cert).unwrap();
        assert!(fault(&server).contains("cert.pem"));
        let (_other, other) = certified();
        renew(&server);
        fs::copy(&other.tls_cert, &server.tls_cert).unwrap();
        assert!(fault(&server).contains("do not go together"));
        renew(&server);
        let asking = Server {
            tls_client_ca: server.tls_key.clone(),
            ..server
        };
        assert!(fault(&asking).starts_with("server.tls_client_ca"));
    }

    #[test]
    fn changed_files_are_taken_up_once_and_broken_ones_change_nothing() {
        let (_folder, server) = certified();
        let tls = Tls::open(&server).unwrap().unwrap();
        let first = tls.grpc();
        assert_eq!(tls.look(), Ok(false));
        renew(&server);
        assert_eq!(tls.look(), Ok(true));
        assert_eq!(tls.look(), Ok(false));
        let second = tls.grpc();
        assert!(!Arc::ptr_eq(&first, &second));
        write(&server.tls_cert, "no certificate", 0o644);
        assert!(tls.look().is_err());
        assert!(Arc::ptr_eq(&second, &tls.grpc()));
    }

    #[test]
    fn without_files_there_is_no_tls() {
        assert!(Tls::open(&Settings::default().server).unwrap().is_none());
    }
}
