//! Accepting connections, not too many of them.

use std::collections::BTreeMap;
use std::future::Future as _;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

/// Sockets per address beyond the WebSockets that it may have: page loads, and connections that
/// are one too many and are to be told so.
const SPARE: usize = 64;

/// The life of a socket that does not become a WebSocket. Loading the page takes a fraction of it;
/// a browser opens another connection when it needs one.
const HTTP_TIME: Duration = Duration::from_secs(10);

type Counts = Arc<Mutex<BTreeMap<IpAddr, usize>>>;

/// A listener that bounds the sockets of each address, so that one client cannot take all the
/// files that this process may open.
pub(super) struct Listener {
    listener: TcpListener,
    per_address: usize,
    counts: Counts,
}

impl Listener {
    pub(super) fn new(listener: TcpListener, websockets: usize) -> Listener {
        let per_address = websockets.saturating_add(SPARE);
        Listener {
            listener,
            per_address,
            counts: Counts::default(),
        }
    }
}

impl axum::serve::Listener for Listener {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Socket, SocketAddr) {
        loop {
            let (stream, peer) = axum::serve::Listener::accept(&mut self.listener).await;
            let Some(place) = Place::take(&self.counts, peer.ip(), self.per_address) else {
                tracing::info!(%peer, "too many sockets from this address: closed");
                continue;
            };
            // Messages are small and awaited; without it they are only a little later.
            let _ = stream.set_nodelay(true);
            let socket = Socket {
                stream,
                _place: place,
                upgraded: Arc::default(),
                deadline: Box::pin(sleep(HTTP_TIME)),
            };
            return (socket, peer);
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    upgraded: Arc<AtomicBool>,
}

impl Peer {
    /// Its socket is a WebSocket now, which has rules of its own.
    pub(super) fn upgraded(&self) {
        self.upgraded.store(true, Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, Listener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Peer {
        Peer {
            address: *stream.remote_addr(),
            upgraded: stream.io().upgraded.clone(),
        }
    }
}

/// One of the places an address has.
struct Place {
    counts: Counts,
    address: IpAddr,
}

impl Place {
    fn take(counts: &Counts, address: IpAddr, most: usize) -> Option<Place> {
        let mut map = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = map.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place {
            counts: counts.clone(),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut map = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = map.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                map.remove(&self.address);
            }
        }
    }
}

/// An accepted socket, with its place.
pub(super) struct Socket {
    stream: TcpStream,
    _place: Place,
    upgraded: Arc<AtomicBool>,
    deadline: Pin<Box<Sleep>>,
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.upgraded.load(Ordering::Relaxed) && self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
