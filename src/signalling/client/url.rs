//! The address of a server.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The default port.
const DEFAULT_PORT: u16 = 7788;
/// The default port with TLS, which public servers and proxies use.
const DEFAULT_TLS_PORT: u16 = 443;
/// The default path.
const DEFAULT_PATH: &str = "/ws";

/// The address of a server: `ws://host[:port][/path]`, or `wss://` with TLS.
///
/// Its text form includes port and path: `ws://localhost` becomes `ws://localhost:7788/ws`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerUrl {
    is_tls: bool,
    host: Host,
    port: u16,
    path: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Host {
    Address(IpAddr),
    Name(String),
}

/// A text that is not a server's address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{url}` is not the address of a server: {problem}; use an address such as ws://127.0.0.1:7788 or wss://calls.example.org"
)]
pub struct BadUrl {
    url: String,
    problem: &'static str,
}

impl ServerUrl {
    /// Parses `ws://host[:port][/path]` or `wss://host[:port][/path]`. The default port is 7788,
    /// with TLS 443; the default path is `/ws`.
    ///
    /// # Errors
    /// [`BadUrl`] names the problem and gives an example.
    pub fn parse(url: &str) -> Result<ServerUrl, BadUrl> {
        let bad = |problem| BadUrl {
            url: url.chars().take(200).collect(),
            problem,
        };
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(bad("it has to begin with ws:// or wss://"));
        };
        let is_tls = scheme.eq_ignore_ascii_case("wss");
        if !is_tls && !scheme.eq_ignore_ascii_case("ws") {
            return Err(bad("it has to begin with ws:// or wss://"));
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (host, port) = split_port(authority).ok_or_else(|| bad("the port is no number"))?;
        let host = parse_host(host).ok_or_else(|| bad("the host is no name and no IP address"))?;
        let port = match port {
            None if is_tls => DEFAULT_TLS_PORT,
            None => DEFAULT_PORT,
            Some(port) => match port.parse() {
                Ok(0) | Err(_) => return Err(bad("the port has to be 1 to 65535")),
                Ok(port) => port,
            },
        };
        if path.starts_with(['?', '#']) || !path.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
        {
            return Err(bad("the path has characters that do not belong there"));
        }
        let path = if path.is_empty() || path == "/" {
            DEFAULT_PATH
        } else {
            path
        };
        Ok(ServerUrl {
            is_tls,
            host,
            port,
            path: path.to_owned(),
        })
    }

    /// Whether the connection uses TLS.
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Returns the address on which a server for this URL listens on this machine; `None` for the
    /// address of another machine, or one with TLS, for which a server needs a certificate.
    pub fn loopback_addr(&self) -> Option<SocketAddr> {
        if self.is_tls {
            return None;
        }
        let address = match &self.host {
            Host::Address(address) if address.is_loopback() => *address,
            Host::Name(name) if is_localhost(name) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Host::Address(_) | Host::Name(_) => return None,
        };
        Some(SocketAddr::new(address, self.port))
    }

    /// Returns `host:port`, as in the `Host` header.
    pub fn authority(&self) -> String {
        match &self.host {
            Host::Address(IpAddr::V6(address)) => format!("[{address}]:{}", self.port),
            Host::Address(IpAddr::V4(address)) => format!("{address}:{}", self.port),
            Host::Name(name) => format!("{name}:{}", self.port),
        }
    }

    /// Returns the host's name or address, without brackets.
    pub(super) fn host(&self) -> String {
        match &self.host {
            Host::Address(address) => address.to_string(),
            Host::Name(name) => name.clone(),
        }
    }

    /// Returns the addresses to try in turn, or the name to look up.
    pub(super) fn target(&self) -> Target<'_> {
        let at = |address: IpAddr| SocketAddr::new(address, self.port);
        match &self.host {
            Host::Address(address) => Target::Addresses(vec![at(*address)]),
            // An embedded server listens on this address first, whatever the resolver's order is.
            Host::Name(name) if is_localhost(name) => Target::Addresses(vec![
                at(Ipv4Addr::LOCALHOST.into()),
                at(Ipv6Addr::LOCALHOST.into()),
            ]),
            Host::Name(name) => Target::LookUp(name, self.port),
        }
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

/// How to reach a server.
pub(super) enum Target<'a> {
    /// Try these addresses in turn.
    Addresses(Vec<SocketAddr>),
    /// Look up this name, with this port.
    LookUp(&'a str, u16),
}

fn is_localhost(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
}

fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    let (host, rest) = if authority.starts_with('[') {
        authority.split_at(authority.find(']')? + 1)
    } else {
        authority.split_at(authority.find(':').unwrap_or(authority.len()))
    };
    match rest.strip_prefix(':') {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some((host, Some(port))),
        None if rest.is_empty() => Some((host, None)),
        Some(_) | None => None,
    }
}

fn parse_host(host: &str) -> Option<Host> {
    if let Some(address) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        return address
            .parse::<Ipv6Addr>()
            .ok()
            .map(|address| Host::Address(address.into()));
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Some(Host::Address(address.into()));
    }
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_name = (1..=253).contains(&host.len()) && host.bytes().all(good);
    is_name.then(|| Host::Name(host.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        ServerUrl::parse(url).unwrap().to_string()
    }

    #[test]
    fn port_and_path_have_defaults() {
        assert_eq!(shown("ws://127.0.0.1"), "ws://127.0.0.1:7788/ws");
        assert_eq!(shown("ws://localhost:80/"), "ws://localhost:80/ws");
        assert_eq!(shown("WS://[::1]"), "ws://[::1]:7788/ws");
        assert_eq!(shown("WSS://h.example"), "wss://h.example:443/ws");
        assert_eq!(shown("wss://h.example:7788/a"), "wss://h.example:7788/a");
        assert_eq!(
            shown("ws://calls.example:9/a/b?c=d"),
            "ws://calls.example:9/a/b?c=d"
        );
    }

    #[test]
    fn addresses_of_this_machine_are_recognised() {
        let address = |url| ServerUrl::parse(url).unwrap().loopback_addr();
        assert_eq!(
            address("ws://localhost"),
            Some("127.0.0.1:7788".parse().unwrap())
        );
        assert_eq!(
            address("ws://127.0.0.1:1"),
            Some("127.0.0.1:1".parse().unwrap())
        );
        assert_eq!(address("ws://[::1]:2/ws"), Some("[::1]:2".parse().unwrap()));
        assert_eq!(address("wss://localhost:7788"), None);
        assert_eq!(address("ws://192.0.2.1"), None);
        assert_eq!(address("ws://localhost.example"), None);
    }

    #[test]
    fn an_invalid_server_address_is_refused_with_a_valid_example() {
        for bad in [
            "",
            "127.0.0.1:7788",
            "http://127.0.0.1",
            "ws://",
            "ws://:7788",
            "ws://host:",
            "ws://host:0",
            "ws://host:65536",
            "ws://host:7788x",
            "ws://a@b",
            "ws://[::1",
            "ws://[fish]",
            "ws://::1",
            "ws://ho st",
            "ws://host/a b",
            "ws://host?x",
            "ws://hôst",
            "wß://x",
            "wss://",
            "ws:host",
        ] {
            let error = ServerUrl::parse(bad).expect_err(bad).to_string();
            assert!(error.contains("ws://127.0.0.1:7788"), "{error}");
        }
    }
}
