//! The server: HTTP and WebSocket around the [room machine](crate::signalling::room), and the page.
//!
//! It carries no media. By default it serves only this machine. Loopback alone is no protection: a
//! page of any origin can open a WebSocket to it, so the server checks `Host` and `Origin` of every
//! request. A server that other machines can reach requires [tokens](token), and TLS of its own or
//! of a reverse proxy.

mod admission;
mod config;
mod connection;
mod connection_limiter;
mod embedded;
mod forwarded;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod guard;
mod hub;
mod ice;
mod listener;
mod metrics;
mod page;
mod secret;
mod socket;
#[cfg(test)]
mod tests;
mod tls;
pub mod token;

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, FromRef, State, WebSocketUpgrade};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};

pub use config::Config;
pub use embedded::Embedded;
pub use ice::{Ice, Turn};
pub use page::{WebFile, web_file};
pub use secret::{BadSecret, Secret, TOKEN_SECRET, TURN_SECRET};
pub use tls::{BadTls, Tls};

use crate::signalling::SUBPROTOCOL;
use crate::signalling::room::{Rooms, SystemRandom};
use admission::Admission;
use hub::{Hub, HubHandle};
use metrics::Metrics;

/// The time for closing connections when the server stops.
const CLOSE_TIME: Duration = Duration::from_millis(200);

/// A server that is bound to its port but does not serve yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    metrics: Option<TcpListener>,
    config: Config,
}

impl Server {
    /// Listens on `address`. Connections made from now on are answered once the server serves.
    ///
    /// # Errors
    /// [`io::ErrorKind::AddrInUse`] if the address is in use, [`io::ErrorKind::PermissionDenied`]
    /// if other machines could reach the server without tokens or TLS,
    /// [`io::ErrorKind::InvalidInput`] if `config` contains an invalid name or address.
    pub fn bind(address: SocketAddr, mut config: Config) -> io::Result<Server> {
        config.check()?;
        config.check_reach(address.ip())?;
        let listener = listen(address)?;
        let address = listener.local_addr()?;
        config.hosts.push(guard::host_name(address.ip()));
        let metrics = config.metrics.map(listen).transpose()?;
        Ok(Server {
            listener,
            address,
            metrics,
            config,
        })
    }

    /// Returns the address on which it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address on which it serves metrics, if [`Config::metrics`] is set.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics.as_ref()?.local_addr().ok()
    }

    /// Serves until `shutdown` is ready, then closes every connection.
    ///
    /// Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// The listener cannot be used.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let Server {
            listener, config, ..
        } = self;
        let counted = Arc::new(Metrics::default());
        let listener = tokio::net::TcpListener::from_std(listener)?;
        // All clients of a proxy have its address.
        let limits = (!config.behind_proxy).then_some(&config.limits);
        let listener =
            listener::Listener::new(listener, config.tls.clone(), limits, counted.clone());
        let rooms = Rooms::new(config.limits.clone(), Box::new(SystemRandom));
        let guard = guard::Guard::new(&config, counted.clone());
        let admission = Admission {
            secret: config.secret,
            ice: config.ice,
        };
        let (hub, handle) = Hub::new(rooms, &config.limits, admission, counted.clone());
        let state = Shared {
            hub: handle,
            metrics: counted,
            behind_proxy: config.behind_proxy,
        };
        let files = page::Files::of_this_build();
        let file = async move |method: Method, uri: Uri, headers: HeaderMap| {
            files.answer(&method, &uri, &headers)
        };
        let router = Router::new()
            .route("/healthz", get(healthz))
            .route("/ws", any(websocket))
            .fallback(file);
        #[cfg(feature = "metrics")]
        let router = router.route("/metrics", get(local_metrics));
        let router = router
            .layer(middleware::from_fn_with_state(
                Arc::new(guard),
                guard::check,
            ))
            .with_state(state.clone())
            .into_make_service_with_connect_info::<listener::Peer>();
        let serving = async { axum::serve(listener, router).await };
        tokio::pin!(serving);
        let serving_metrics = serve_metrics(self.metrics, state);
        tokio::pin!(serving_metrics);
        let until = async {
            tokio::select! {
                result = &mut serving => result,
                result = &mut serving_metrics => result,
                () = shutdown => Ok(()),
            }
        };
        hub.run(until, CLOSE_TIME).await
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    // The standard library sets SO_REUSEADDR, so that a server can restart at once, and never
    // SO_REUSEPORT, so that only one process gets the port.
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves metrics on a separate address. Never ends without one.
async fn serve_metrics(listener: Option<TcpListener>, state: Shared) -> io::Result<()> {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let router = Router::new().route("/healthz", get(healthz));
    #[cfg(feature = "metrics")]
    let router = router.route("/metrics", get(metrics_text));
    axum::serve(listener, router.with_state(state)).await
}

/// The state shared by all request handlers.
#[derive(Clone)]
struct Shared {
    hub: HubHandle,
    metrics: Arc<Metrics>,
    behind_proxy: bool,
}

impl FromRef<Shared> for HubHandle {
    fn from_ref(shared: &Shared) -> HubHandle {
        shared.hub.clone()
    }
}

/// Answers when the room machine has answered, or with 503 while the server stops.
async fn healthz(State(hub): State<HubHandle>) -> Response {
    match hub.stats().await {
        Some(_) => "ok".into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response(),
    }
}

#[cfg(feature = "metrics")]
async fn metrics_text(State(shared): State<Shared>) -> Response {
    match shared.hub.stats().await {
        Some(stats) => {
            let headers = [(axum::http::header::CONTENT_TYPE, metrics::CONTENT_TYPE)];
            (headers, shared.metrics.text(&stats)).into_response()
        }
        None => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response(),
    }
}

/// Serves metrics to clients on this machine. Behind a proxy it serves nobody, since all requests
/// come from the proxy's address.
#[cfg(feature = "metrics")]
async fn local_metrics(
    State(shared): State<Shared>,
    ConnectInfo(peer): ConnectInfo<listener::Peer>,
) -> Response {
    if shared.behind_proxy || !peer.address.ip().to_canonical().is_loopback() {
        let text = "metrics are for the server's own machine: start it with --metrics-listen to \
                    serve them to others\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    metrics_text(State(shared)).await
}

async fn websocket(
    State(shared): State<Shared>,
    ConnectInfo(peer): ConnectInfo<listener::Peer>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let client = match shared.behind_proxy {
        true => forwarded::client(&headers),
        false => Ok(peer.address.ip().to_canonical()),
    };
    let client = match client {
        Ok(client) => client,
        Err(reason) => {
            shared.metrics.requests_refused.inc();
            tracing::info!(reason = reason.trim_end(), "request refused");
            return (StatusCode::BAD_REQUEST, reason).into_response();
        }
    };
    let size = shared.hub.message_size();
    upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(size)
        .max_frame_size(size)
        .on_upgrade(move |socket| {
            peer.upgraded();
            connection::run(socket, shared.hub, client)
        })
}
