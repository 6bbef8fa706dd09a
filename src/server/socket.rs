//! An accepted socket, with or without TLS, with a deadline for becoming a WebSocket.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

use super::connection_limiter::ConnectionPermit;
use super::metrics::{Metrics, SocketEnd};

/// The lifetime of a socket that does not become a WebSocket, including its TLS handshake. Loading
/// the page takes a fraction of it, and a browser can open another connection.
const HTTP_TIME: Duration = Duration::from_secs(10);

/// An accepted socket, with its permit.
pub(super) struct Socket {
    layer: Layer,
    metrics: Arc<Metrics>,
    _permit: Option<ConnectionPermit>,
    upgraded: Arc<AtomicBool>,
    deadline: Pin<Box<Sleep>>,
}

enum Layer {
    Plain(TcpStream),
    /// The first read or write drives the handshake, so that the listener does not wait for it.
    Handshake(Box<Accept<TcpStream>>),
    Tls(Box<TlsStream<TcpStream>>),
    Failed,
}

impl Socket {
    pub(super) fn new(
        stream: TcpStream,
        tls: Option<Arc<ServerConfig>>,
        permit: Option<ConnectionPermit>,
        metrics: Arc<Metrics>,
    ) -> Socket {
        let layer = match tls {
            Some(config) => Layer::Handshake(Box::new(TlsAcceptor::from(config).accept(stream))),
            None => Layer::Plain(stream),
        };
        Socket {
            layer,
            metrics,
            _permit: permit,
            upgraded: Arc::default(),
            deadline: Box::pin(sleep(HTTP_TIME)),
        }
    }

    /// Returns the flag that marks the socket as a WebSocket, which has its own timeouts.
    pub(super) fn upgraded(&self) -> Arc<AtomicBool> {
        self.upgraded.clone()
    }

    /// Returns the stream once the handshake is done, or an error after the deadline.
    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Pin<&mut dyn Stream>>> {
        if !self.upgraded.load(Ordering::Relaxed) && self.deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if let Layer::Handshake(accept) = &mut self.layer {
            match ready!(Pin::new(accept).poll(cx)) {
                Ok(stream) => self.layer = Layer::Tls(Box::new(stream)),
                Err(error) => {
                    self.layer = Layer::Failed;
                    self.metrics.socket_ended(SocketEnd::Tls);
                    tracing::debug!(%error, "no TLS");
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(match &mut self.layer {
            Layer::Plain(stream) => Ok(Pin::new(stream)),
            Layer::Tls(stream) => Ok(Pin::new(&mut **stream)),
            Layer::Handshake(_) | Layer::Failed => Err(io::ErrorKind::NotConnected.into()),
        })
    }
}

/// A plain or TLS stream.
trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_stream(cx))?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_stream(cx))?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_stream(cx))?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_stream(cx))?.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_stream(cx))?.poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.layer {
            Layer::Plain(stream) => stream.is_write_vectored(),
            Layer::Tls(stream) => stream.is_write_vectored(),
            Layer::Handshake(_) | Layer::Failed => false,
        }
    }
}
