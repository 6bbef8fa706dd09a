//! A server inside another program.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Config, Server};

/// The timeout for the end of the thread. Closing connections takes at most 0.2 s.
const STOP: Duration = Duration::from_secs(2);

/// A server on its own thread. It runs until it is dropped.
#[derive(Debug)]
pub struct Embedded {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    ended: mpsc::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Listens on `address` and serves. Clients can connect when this returns. The server logs to
    /// the caller's `tracing` dispatcher.
    ///
    /// # Errors
    /// As [`Server::bind`], or the thread cannot be made.
    pub fn start(address: SocketAddr) -> io::Result<Embedded> {
        Embedded::start_with(address, Config::default())
    }

    /// Like [`Embedded::start`], with a configuration, for example for other machines or with other
    /// limits.
    ///
    /// # Errors
    /// As [`Server::bind`], or the thread cannot be made.
    pub fn start_with(address: SocketAddr, config: Config) -> io::Result<Embedded> {
        let server = Server::bind(address, config)?;
        let address = server.local_addr();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let (ended_in, ended) = mpsc::channel();
        let serve = move || {
            let shutdown = async {
                // Dropping the sender stops the server, too.
                let _ = stopped.await;
            };
            if let Err(error) = runtime.block_on(server.serve(shutdown)) {
                tracing::error!(%error, "the embedded server ended");
            }
            // Closes the remaining connections.
            runtime.shutdown_background();
            let _ = ended_in.send(());
        };
        let log = tracing::dispatcher::get_default(Clone::clone);
        let thread = thread::Builder::new()
            .name("acscall-server".to_owned())
            .spawn(move || tracing::dispatcher::with_default(&log, serve))?;
        Ok(Embedded {
            address,
            stop: Some(stop),
            ended,
            thread: Some(thread),
        })
    }

    /// Returns the address on which it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Ends the thread and waits for it. Returns false on a timeout, or if the thread panicked.
    fn stop(&mut self) -> bool {
        self.stop = None;
        // A disconnected channel means that the thread panicked, so joining it does not block
        // either.
        if self.ended.recv_timeout(STOP) == Err(mpsc::RecvTimeoutError::Timeout) {
            return false;
        }
        self.thread
            .take()
            .is_some_and(|thread| thread.join().is_ok())
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if self.thread.is_some() && !self.stop() {
            tracing::error!("the embedded server did not stop in time, or panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::TcpStream;

    use super::*;
    use crate::signalling::client::connect;

    #[tokio::test]
    async fn a_dropped_server_leaves_neither_thread_nor_socket() {
        let mut server = Embedded::start("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = server.local_addr();
        let (_sender, mut receiver) = connect(&format!("ws://{address}")).await.unwrap();
        let idle = TcpStream::connect(address).unwrap();
        assert!(server.stop());
        assert!(server.thread.is_none());
        let error = TcpStream::connect(address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        receiver.next().await.unwrap_err();
        drop(idle);
    }

    #[test]
    fn starting_and_stopping_is_quick_and_repeatable() {
        let mut address = "127.0.0.1:0".parse().unwrap();
        for _ in 0..20 {
            let mut server = Embedded::start(address).unwrap();
            address = server.local_addr();
            assert!(server.stop());
        }
    }
}
