//! TLS: who is let in by which certificate, and certificates that change while the service runs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use proto::v1 as pb;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tonic::Status;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use crate::support::{Api, Home, Service, http, program, until};

/// Who signs certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Authority {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate for `localhost` and its key.
    fn sign(&self) -> (String, String) {
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    /// Signs a certificate and its key into two files.
    fn certify(&self, cert: &Path, key: &Path) {
        let (cert_pem, key_pem) = self.sign();
        fs::write(key, "").expect("a file");
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).expect("a file of ours");
        fs::write(key, key_pem).expect("a file");
        fs::write(cert, cert_pem).expect("a file");
    }

    fn trust(&self) -> ClientTlsConfig {
        // An error only says that it was chosen before.
        let _ = http();
        ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&self.pem))
    }
}

/// A service with a certificate of an authority.
async fn certified(home: &Home, authority: &Authority, more: &[(&'static str, String)]) -> Service {
    let (cert, key) = (home.path("cert.pem"), home.path("key.pem"));
    authority.certify(&cert, &key);
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let mut settings = vec![
        ("FULCRUM__SERVER__TLS_CERT", text(&cert)),
        ("FULCRUM__SERVER__TLS_KEY", text(&key)),
    ];
    settings.extend_from_slice(more);
    Service::start(home, &settings).await
}

async fn asked(api: &Api) -> Result<(), Status> {
    let request = pb::ListConnectionsRequest::default();
    api.connections().list_connections(request).await.map(drop)
}

#[tokio::test]
async fn both_sides_are_served_to_those_who_trust_the_authority() {
    let (home, authority) = (Home::new(), Authority::new("ours"));
    let service = certified(&home, &authority, &[]).await;
    let api = Api::secure(service.grpc, authority.trust());
    asked(&api).await.expect("trusted");
    let stranger = Authority::new("strange");
    let deceived = Api::secure(service.grpc, stranger.trust());
    assert!(asked(&deceived).await.is_err());
    // Whoever speaks plainly gets nowhere, and the service goes on.
    assert!(asked(&Api::at(service.grpc)).await.is_err());
    asked(&api).await.expect("trusted");

    let root = reqwest::Certificate::from_pem(authority.pem.as_bytes()).expect("PEM");
    let client = reqwest::Client::builder().tls_certs_only([root]).build();
    let page = format!("https://localhost:{}/healthz", service.http.port());
    let answer = client.expect("a client").get(page).send().await;
    assert_eq!(answer.expect("trusted").status(), 200);
    let plain = format!("http://{}/healthz", service.http);
    assert!(http().get(plain).send().await.is_err());
    let all_there = program()
        .args(["connections", "--ca"])
        .arg(pem(&home, &authority))
        .env(
            "FULCRUM_SERVER",
            format!("https://localhost:{}", service.grpc.port()),
        )
        .output()
        .await
        .expect("it runs");
    assert!(all_there.status.success(), "{all_there:?}");
    let untrusted = program()
        .arg("connections")
        .env(
            "FULCRUM_SERVER",
            format!("https://localhost:{}", service.grpc.port()),
        )
        .output()
        .await
        .expect("it runs");
    let said = String::from_utf8_lossy(&untrusted.stderr).into_owned();
    assert!(
        !untrusted.status.success() && said.contains("--ca"),
        "{said}"
    );
}

fn pem(home: &Home, authority: &Authority) -> std::path::PathBuf {
    let path = home.path("ca.pem");
    fs::write(&path, &authority.pem).expect("a file");
    path
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_and_a_broken_one_is_not() {
    let (home, former) = (Home::new(), Authority::new("former"));
    let service = certified(&home, &former, &[]).await;
    let old = Api::secure(service.grpc, former.trust());
    asked(&old).await.expect("trusted");
    let (cert, key) = (home.path("cert.pem"), home.path("key.pem"));
    let latter = Authority::new("latter");
    latter.certify(&cert, &key);
    until("the new certificate is in use", async || {
        asked(&Api::secure(service.grpc, latter.trust())).await.ok()
    })
    .await;
    // Connections that are open go on; new ones find the new certificate.
    asked(&old).await.expect("still connected");
    assert!(
        asked(&Api::secure(service.grpc, former.trust()))
            .await
            .is_err()
    );

    fs::write(&cert, "no certificate").expect("a file");
    until("the broken file is told of", async || {
        let told = home.log().contains("server.tls_cert");
        told.then_some(())
    })
    .await;
    asked(&Api::secure(service.grpc, latter.trust()))
        .await
        .expect("the one before");
}

#[tokio::test]
async fn where_callers_must_have_certificates_nobody_else_is_let_in() {
    let (home, authority, callers) = (
        Home::new(),
        Authority::new("ours"),
        Authority::new("theirs"),
    );
    let ca = pem(&home, &callers).to_str().expect("UTF-8").to_owned();
    let more = [("FULCRUM__SERVER__TLS_CLIENT_CA", ca)];
    let service = certified(&home, &authority, &more).await;
    let with = |(cert, key): (String, String)| {
        let identity = Identity::from_pem(cert, key);
        Api::secure(service.grpc, authority.trust().identity(identity))
    };
    asked(&with(callers.sign())).await.expect("known");
    assert!(asked(&with(authority.sign())).await.is_err());
    assert!(
        asked(&Api::secure(service.grpc, authority.trust()))
            .await
            .is_err()
    );
    // Who is turned away is told by what it shows of TLS, and who runs the service by the log.
    let said = async |more: &[&Path]| {
        let mut command = program();
        let server = format!("https://localhost:{}", service.grpc.port());
        command
            .args(["connections", "--ca"])
            .arg(pem(&home, &authority));
        for (flag, file) in ["--cert", "--cert-key"].iter().zip(more) {
            command.arg(flag).arg(file);
        }
        let output = command.env("FULCRUM_SERVER", server).output().await;
        let output = output.expect("it runs");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    // Whether the program sees the alert or only that the connection has ended is a race within its HTTP client; either
    // way it names what to give.
    let without = said(&[]).await;
    assert!(
        without.contains("asks for a certificate of the caller's: give one with --cert")
            || without.contains("takes those of its authority only: --cert"),
        "{without}"
    );
    let (cert, key) = (home.path("strange.pem"), home.path("strange.key"));
    authority.certify(&cert, &key);
    let strange = said(&[&cert, &key]).await;
    assert!(
        strange.contains("does not accept our certificate") && strange.contains("tls_client_ca")
            || strange.contains("takes those of its authority only: --cert"),
        "{strange}"
    );
    until("the log tells why, once", async || {
        let log = home.log();
        let warnings = log.matches("a caller was turned away by TLS").count();
        assert!(warnings <= 1, "{log}");
        (warnings == 1 && log.contains("server.tls_client_ca")).then_some(())
    })
    .await;
    // The HTTP side asks for none: Lever has none, nor has who looks after health.
    let root = reqwest::Certificate::from_pem(authority.pem.as_bytes()).expect("PEM");
    let client = reqwest::Client::builder().tls_certs_only([root]).build();
    let page = format!("https://localhost:{}/readyz", service.http.port());
    let answer = client.expect("a client").get(page).send().await;
    assert_eq!(answer.expect("let in").status(), 200);
}
