//! The server: HTTP and WebSocket around the [room machine](crate::signalling::room), and the page.
//!
//! It carries no media. For now it listens on loopback alone. Loopback is no protection by itself:
//! a page of any origin can open a WebSocket to it, so every request's `Host` and `Origin` are
//! checked.

mod connection;
mod embedded;
mod guard;
mod hub;
mod listener;
mod page;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, State, WebSocketUpgrade};
use axum::middleware;
use axum::response::Response;
use axum::routing::{any, get};

pub use embedded::Embedded;

use crate::signalling::SUBPROTOCOL;
use crate::signalling::room::{Limits, Rooms, SystemRandom};
use hub::{Hub, HubHandle};

/// The time that connections have for a farewell when the server stops.
const FAREWELL: Duration = Duration::from_millis(200);

/// How a server behaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What its clients may use.
    pub limits: Limits,
    /// The names by which requests may call it (`Host`), without ports. The address it listens on
    /// is added.
    pub hosts: Vec<String>,
}

impl Default for Config {
    fn default() -> Config {
        let hosts = ["localhost", "127.0.0.1", "[::1]"]
            .map(str::to_owned)
            .to_vec();
        Config {
            limits: Limits::default(),
            hosts,
        }
    }
}

/// A server that is bound to its port and does not serve yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    config: Config,
}

impl Server {
    /// Listens on `address`; connections made from now on are answered once it serves.
    ///
    /// # Errors
    /// [`io::ErrorKind::AddrInUse`] where something listens there already,
    /// [`io::ErrorKind::PermissionDenied`] for an address that is not loopback.
    pub fn bind(address: SocketAddr, mut config: Config) -> io::Result<Server> {
        if !address.ip().is_loopback() {
            let text = format!(
                "{address} can be reached from other machines, for which this server has neither \
                 tokens nor TLS yet: listen on 127.0.0.1 or [::1]"
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        // The standard library sets SO_REUSEADDR, so that a server that ended a moment ago is no
        // obstacle, and never SO_REUSEPORT, so that of several processes one gets the port.
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        config.hosts.push(guard::host_name(address.ip()));
        Ok(Server {
            listener,
            address,
            config,
        })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is ready; then every connection is closed.
    ///
    /// Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// The listener cannot be used.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let Server {
            listener, config, ..
        } = self;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let listener = listener::Listener::new(listener, config.limits.connections_per_address);
        let rooms = Rooms::new(config.limits.clone(), Box::new(SystemRandom));
        let (hub, handle) = Hub::new(rooms, &config.limits);
        let hosts: Arc<[String]> = config.hosts.into();
        let router = Router::new()
            .route("/healthz", get(|| async { "ok" }))
            .route("/ws", any(websocket))
            .fallback(page::file)
            .layer(middleware::from_fn_with_state(hosts, guard::check))
            .with_state(handle)
            .into_make_service_with_connect_info::<listener::Peer>();
        let serving = async { axum::serve(listener, router).await };
        tokio::pin!(serving);
        let until = async {
            tokio::select! {
                result = &mut serving => result,
                () = shutdown => Ok(()),
            }
        };
        hub.run(until, FAREWELL).await
    }
}

async fn websocket(
    State(hub): State<HubHandle>,
    ConnectInfo(peer): ConnectInfo<listener::Peer>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let size = hub.message_size();
    upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(size)
        .max_frame_size(size)
        .on_upgrade(move |socket| {
            peer.upgraded();
            connection::run(socket, hub, peer.address.ip())
        })
}
