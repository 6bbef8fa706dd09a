//! The configuration of a server, and the check that it is safe.

use std::io;
use std::net::{IpAddr, SocketAddr};

use super::guard::{is_host, is_origin};
use super::ice::is_ice_url;
use super::{Ice, Secret, Tls};
use crate::signalling::room::Limits;

/// The configuration of a server. The default serves this machine only.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The limits for its clients.
    pub limits: Limits,
    /// The server's names that requests may use (`Host`), without ports. The address that it
    /// listens on is added.
    pub hosts: Vec<String>,
    /// Other origins whose pages may use it: `https://host[:port]`.
    pub origins: Vec<String>,
    /// The secret of the tokens. Without it there are no tokens, and everybody may be any user.
    pub secret: Option<Secret>,
    /// The certificate. Without it there is no TLS.
    pub tls: Option<Tls>,
    /// Whether all requests come through a proxy that serves TLS and adds `X-Forwarded-For`.
    pub behind_proxy: bool,
    /// The STUN and TURN servers for clients.
    pub ice: Ice,
    /// A further address that serves `/metrics` and `/healthz` to everybody, without TLS.
    pub metrics: Option<SocketAddr>,
}

impl Default for Config {
    fn default() -> Config {
        let hosts = ["localhost", "127.0.0.1", "[::1]"]
            .map(str::to_owned)
            .to_vec();
        Config {
            limits: Limits::default(),
            hosts,
            origins: Vec::new(),
            secret: None,
            tls: None,
            behind_proxy: false,
            ice: Ice::default(),
            metrics: None,
        }
    }
}

impl Config {
    /// Checks the names and addresses.
    pub(super) fn check(&self) -> io::Result<()> {
        let none = |what: &str, text: &str, good: &str| {
            let text = format!("{text:?} is not {what}, such as {good}");
            Err(io::Error::new(io::ErrorKind::InvalidInput, text))
        };
        if let Some(bad) = self.hosts.iter().find(|host| !is_host(host)) {
            return none("a host's name without port", bad, "calls.example.org");
        }
        if let Some(bad) = self.origins.iter().find(|origin| !is_origin(origin)) {
            return none("an origin", bad, "https://www.example.org");
        }
        let is_stun = |url: &String| is_ice_url(url, &["stun:", "stuns:"]);
        if let Some(bad) = self.ice.stun.iter().find(|url| !is_stun(url)) {
            return none("a STUN server", bad, "stun:stun.example.org:3478");
        }
        let is_turn = |url: &String| is_ice_url(url, &["turn:", "turns:"]);
        let mut turn = self.ice.turn.iter().flat_map(|turn| &turn.urls);
        if let Some(bad) = turn.find(|url| !is_turn(url)) {
            return none("a TURN server", bad, "turn:turn.example.org:3478");
        }
        Ok(())
    }

    /// Checks that it may listen on `address`: a server that other machines can reach needs tokens,
    /// which authenticate users, and TLS, which protects the tokens.
    pub(super) fn check_reach(&self, address: IpAddr) -> io::Result<()> {
        let reached = if self.behind_proxy {
            "a server behind a proxy".to_owned()
        } else if !address.is_loopback() {
            format!("a server on {address}")
        } else {
            return Ok(());
        };
        let needs = match (&self.secret, self.tls.is_some() || self.behind_proxy) {
            (Some(_), true) => return Ok(()),
            (None, true) => "tokens: give it a secret with --secret-file",
            (Some(_), false) => {
                "TLS: give it --tls-cert and --tls-key, or --behind-proxy where a proxy serves TLS"
            }
            (None, false) => {
                "tokens and TLS: give it --secret-file, and --tls-cert and --tls-key or \
                 --behind-proxy"
            }
        };
        let or = match self.behind_proxy {
            true => "",
            false => "; or listen on 127.0.0.1 or [::1], for this machine alone",
        };
        let text = format!("{reached} can be reached from other machines and needs {needs}{or}");
        Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
    }
}
