//! TLS to a server, and its trusted CAs.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{ConnectError, ServerUrl};

/// A connection to a server, with or without TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Stream for S {}

/// Returns the trusted CAs: the system's, or those of the environment's SSL_CERT_FILE and
/// SSL_CERT_DIR.
pub(super) fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Unreadable certificates are skipped; the handshake's error names the remedy.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// Does the TLS handshake on `tcp`.
pub(super) async fn secure(
    url: &ServerUrl,
    tcp: TcpStream,
    roots: RootCertStore,
) -> Result<Box<dyn Stream>, ConnectError> {
    let other = |text: String| ConnectError::Other(text);
    let name = ServerName::try_from(url.host())
        .map_err(|error| other(format!("{url} has no name for TLS: {error}")))?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| other(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connected = TlsConnector::from(Arc::new(config)).connect(name, tcp);
    match connected.await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(rejection(url, &error)),
    }
}

fn rejection(url: &ServerUrl, error: &io::Error) -> ConnectError {
    let authority = url.authority();
    let inner = error.get_ref();
    match inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(problem)) => ConnectError::Other(format!(
            "the certificate of {authority} cannot be trusted: {}",
            remedy(problem)
        )),
        Some(rustls::Error::InvalidMessage(_)) => ConnectError::NotOurs {
            authority,
            problem: "it does not speak TLS; perhaps the address is ws:// and not wss://"
                .to_owned(),
        },
        Some(error) => ConnectError::Other(format!("no TLS with {authority}: {error}")),
        // It went away: perhaps a server that is just ending, worth another try.
        None => ConnectError::Other(format!(
            "{authority} closed during the TLS handshake: {error}"
        )),
    }
}

/// Returns the problem with a certificate and its remedy.
fn remedy(problem: &CertificateError) -> String {
    use CertificateError as E;
    let text = match problem {
        E::UnknownIssuer => {
            "its CA is not known here; let this system trust the CA, or name a file with it in the \
             environment's SSL_CERT_FILE"
        }
        E::Expired | E::ExpiredContext { .. } => {
            "it has expired; renew it, or set this machine's clock right"
        }
        E::NotValidYet | E::NotValidYetContext { .. } => {
            "it is not valid yet; set this machine's clock right"
        }
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            "it is for another name; use that name in the address, or another certificate"
        }
        other => {
            return format!(
                "{other:?}; the server needs one that is not itself a CA, signed by a CA that \
                 this system or the environment's SSL_CERT_FILE names"
            );
        }
    };
    text.to_owned()
}
