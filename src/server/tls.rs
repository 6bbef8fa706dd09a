//! The server's certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate and its key in files, and the TLS configuration made from them.
#[derive(Clone, Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: Arc<Mutex<Arc<ServerConfig>>>,
}

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum BadTls {
    /// A file cannot be read.
    #[error("{} cannot be read as {what} in PEM: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The expected content.
        what: &'static str,
        /// The error.
        error: pem::Error,
    },
    /// The two do not match, or their type is unsupported.
    #[error("certificate {} and key {} cannot be used: {error}", certificate.display(), key.display())]
    Unusable {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// The error.
        error: rustls::Error,
    },
}

impl Tls {
    /// Reads a certificate chain and its key, both in PEM.
    ///
    /// # Errors
    /// [`BadTls`] names the file and the problem.
    pub fn read(certificate: &Path, key: &Path) -> Result<Tls, BadTls> {
        let current = Arc::new(Mutex::new(read(certificate, key)?));
        Ok(Tls {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current,
        })
    }

    /// Reads the files again, for new connections: certificates are renewed during calls. All
    /// clones share the result.
    ///
    /// # Errors
    /// As for [`Tls::read`]. The previous certificate then stays in use.
    pub fn reload(&self) -> Result<(), BadTls> {
        let new = read(&self.certificate, &self.key)?;
        *self.current.lock() = new;
        Ok(())
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.current.lock().clone()
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, BadTls> {
    let unreadable = |path: &Path, what| {
        let path = path.to_owned();
        move |error| BadTls::Unreadable { path, what, error }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .and_then(|chain| match chain.is_empty() {
            true => Err(pem::Error::NoItemsFound),
            false => Ok(chain),
        })
        .map_err(unreadable(certificate, "a certificate"))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key, "a private key"))?;
    let unusable = |error| BadTls::Unusable {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        error,
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(chain, private)
        })
        .map_err(unusable)?;
    // WebSockets are opened with HTTP/1.1.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
