//! Servers that other machines can reach: TLS, and the checks of the client.

use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;

use super::*;
use crate::signalling::client::{ConnectError, connect_trusting};

/// A CA, a certificate that it issued for this machine, and their paths.
struct Authority {
    ca: CertifiedIssuer<'static, KeyPair>,
    directory: PathBuf,
}

impl Authority {
    /// Creates it with its files in its own directory.
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let directory = std::env::temp_dir().join(format!("acscall-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let authority = Authority { ca, directory };
        std::fs::write(authority.path("ca.pem"), authority.ca.pem()).unwrap();
        authority.issue(&["localhost", "127.0.0.1"]);
        authority
    }

    /// Writes a certificate for `names` and its key.
    fn issue(&self, names: &[&str]) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        std::fs::write(self.path("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(self.path("key.pem"), key.serialize_pem()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn tls(&self) -> Tls {
        Tls::read(&self.path("cert.pem"), &self.path("key.pem")).unwrap()
    }

    fn config(&self) -> Config {
        Config {
            tls: Some(self.tls()),
            ..Config::default()
        }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.der().clone()).unwrap();
        roots
    }

    async fn join(&self, url: &str, token: Option<&str>) -> Client {
        let (sender, receiver) = connect_trusting(url, self.roots()).await.unwrap();
        Client::enter_on(sender, receiver, "anna", token, None).await
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        // Files that are left behind are small.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[tokio::test]
async fn a_call_works_over_tls() {
    let authority = Authority::new("call");
    let server = start_with(authority.config());
    let port = server.local_addr().port();
    let mut anna = authority
        .join(&format!("wss://127.0.0.1:{port}"), None)
        .await;
    let mut bert = authority
        .join(&format!("wss://localhost:{port}"), None)
        .await;
    assert_eq!(bert.roster[0].user, "anna");
    assert!(anna.participant().await.connected);
    bert.send(&anna.offer(&"x".repeat(200_000))).await;
    let ServerMessage::Signal { signal, .. } = anna.next().await else {
        panic!()
    };
    assert_eq!(signal.step, LegStep::Offer("x".repeat(200_000)));
    bert.leave().await;
    bert.sender.close().await;
    anna.participant_left().await;
}

#[tokio::test]
async fn an_untrusted_certificate_or_one_for_another_name_is_refused_with_the_remedy() {
    let authority = Authority::new("trust");
    let server = start_with(authority.config());
    let port = server.local_addr().port();
    let url = format!("wss://localhost:{port}");
    let stranger = connect(&url).await.unwrap_err();
    assert!(
        matches!(&stranger, ConnectError::Other(text) if text.contains("SSL_CERT_FILE")),
        "{stranger:?}"
    );
    authority.issue(&["calls.example"]);
    let server = start_with(authority.config());
    let url = format!("wss://localhost:{}", server.local_addr().port());
    let misnamed = connect_trusting(&url, authority.roots()).await.unwrap_err();
    assert!(
        matches!(&misnamed, ConnectError::Other(text) if text.contains("another name")),
        "{misnamed:?}"
    );
}

#[tokio::test]
async fn requests_without_tls_get_no_response() {
    let authority = Authority::new("plain");
    let server = start_with(authority.config());
    let at = server.local_addr();
    let plain = connect(&format!("ws://{at}")).await.unwrap_err();
    assert!(
        matches!(plain, ConnectError::NotOurs { .. } | ConnectError::Other(_)),
        "{plain:?}"
    );
}

#[tokio::test]
async fn a_stalled_handshake_is_closed_and_does_not_delay_others() {
    let authority = Authority::new("stall");
    let at = spawn_with(authority.config());
    let mut idle = tokio::net::TcpStream::connect(at).await.unwrap();
    authority
        .join(&format!("wss://localhost:{}", at.port()), None)
        .await;
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let read = tokio::io::AsyncReadExt::read(&mut idle, &mut [0; 8]).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert_eq!(seconds_since(start), 10);
}

#[tokio::test]
async fn a_reload_uses_a_renewed_certificate_and_ignores_an_invalid_one() {
    let authority = Authority::new("reload");
    authority.issue(&["old.example"]);
    let config = authority.config();
    let tls = config.tls.clone().unwrap();
    let server = start_with(config);
    let url = format!("wss://localhost:{}", server.local_addr().port());
    connect_trusting(&url, authority.roots()).await.unwrap_err();
    authority.issue(&["localhost"]);
    tls.reload().unwrap();
    authority.join(&url, None).await;
    std::fs::write(authority.path("key.pem"), "no key").unwrap();
    let error = tls.reload().unwrap_err();
    assert!(error.to_string().contains("key.pem"), "{error}");
    authority.join(&url, None).await;
}

#[test]
fn the_error_names_an_invalid_certificate_or_a_key_that_does_not_match() {
    let authority = Authority::new("files");
    let (certificate, key) = (authority.path("cert.pem"), authority.path("key.pem"));
    let missing = Tls::read(Path::new("/nowhere.pem"), &key).unwrap_err();
    assert!(missing.to_string().contains("/nowhere.pem"), "{missing}");
    let swapped = Tls::read(&key, &certificate).unwrap_err();
    assert!(swapped.to_string().contains("key.pem"), "{swapped}");
    let others = Authority::new("others");
    let mixed = Tls::read(&certificate, &others.path("key.pem")).unwrap_err();
    assert!(matches!(mixed, BadTls::Unusable { .. }), "{mixed:?}");
}

#[tokio::test]
async fn a_server_that_others_can_reach_needs_tokens_and_tls_or_a_proxy() {
    let authority = Authority::new("reach");
    let everywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let with = |tokens: bool, tls: bool, behind_proxy: bool| Config {
        secret: tokens.then(tokens::secret),
        tls: tls.then(|| authority.tls()),
        behind_proxy,
        ..Config::default()
    };
    for (config, remedies) in [
        (
            with(false, false, false),
            &["--secret-file", "--tls-cert"][..],
        ),
        (with(true, false, false), &["--tls-cert", "--behind-proxy"]),
        (with(false, true, false), &["--secret-file"]),
        (with(false, false, true), &["--secret-file"]),
    ] {
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
            let error = Server::bind(address.parse().unwrap(), config.clone()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            let text = error.to_string();
            assert!(
                remedies.iter().all(|remedy| text.contains(remedy)),
                "{text}"
            );
        }
    }
    // Through a proxy, other machines reach loopback, too.
    let loopback = "127.0.0.1:0".parse().unwrap();
    let error = Server::bind(loopback, with(false, false, true)).unwrap_err();
    assert!(error.to_string().contains("--secret-file"), "{error}");
    Server::bind(everywhere, with(true, false, true)).unwrap();

    let server = Embedded::start_with(everywhere, with(true, true, false)).unwrap();
    let url = format!("wss://localhost:{}", server.local_addr().port());
    let token = tokens::claims("anna").sign(&tokens::secret());
    authority.join(&url, Some(&token)).await;
}

#[test]
fn the_environment_names_a_ca_to_trust() {
    const URL: &str = "ACSCALL_TEST_URL";
    if let Ok(url) = std::env::var(URL) {
        // This is the process that is started below.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(connect(&url)).unwrap();
        return;
    }
    let authority = Authority::new("environment");
    let server = start_with(authority.config());
    let url = format!("wss://localhost:{}", server.local_addr().port());
    let name = "server::tests::tls::the_environment_names_a_ca_to_trust";
    let run = |file: &str| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(URL, &url)
            .env("SSL_CERT_FILE", authority.path(file))
            .output()
            .unwrap()
    };
    let trusted = run("ca.pem");
    assert!(trusted.status.success(), "{trusted:?}");
    assert!(String::from_utf8_lossy(&trusted.stdout).contains("1 passed"));
    assert!(!run("nothing.pem").status.success());
}
