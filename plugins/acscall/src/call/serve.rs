//! The server that this process runs where no other does.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use acscall::server::Embedded;
use parking_lot::Mutex;

use super::server_log;

/// A running server. It stops when the last call of this process that uses it is over.
pub(super) struct Server {
    addr: SocketAddr,
    running: Mutex<Option<Embedded>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let running = self.running.lock().take();
        server_log::with_server_log(|| drop(running));
    }
}

static SERVERS: Mutex<Vec<Weak<Server>>> = Mutex::new(Vec::new());

/// Serves at `addr`, or shares this process's server there. Returns `None` if another process
/// listens there by now.
pub(super) fn server(addr: SocketAddr) -> io::Result<Option<Arc<Server>>> {
    let mut servers = SERVERS.lock();
    servers.retain(|server| server.strong_count() > 0);
    if let Some(server) = find(&servers, addr) {
        return Ok(Some(server));
    }
    match server_log::with_server_log(|| Embedded::start(addr)) {
        Ok(running) => {
            let server = Arc::new(Server {
                addr,
                running: Mutex::new(Some(running)),
            });
            servers.push(Arc::downgrade(&server));
            Ok(Some(server))
        }
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns this process's server at `addr`. It runs on while the caller holds it, even after the
/// call that started it is over.
pub(super) fn running(addr: SocketAddr) -> Option<Arc<Server>> {
    find(&SERVERS.lock(), addr)
}

fn find(servers: &[Weak<Server>], addr: SocketAddr) -> Option<Arc<Server>> {
    let mut servers = servers.iter().filter_map(Weak::upgrade);
    servers.find(|server| server.addr == addr)
}

#[cfg(test)]
mod tests {
    use acscall::signalling::client::connect;

    use super::*;
    use crate::call::server_log::tests::Captured;

    #[test]
    fn the_embedded_servers_log_is_in_gstreamers() {
        let log = Captured::start();
        let server = server(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let server = server.expect("port 0 is free");
        let addr = server.running.lock().as_ref().unwrap().local_addr();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let connection = runtime.block_on(connect(&format!("ws://{addr}"))).unwrap();
        log.wait_for(gst::DebugLevel::Debug, "opened connection=");
        drop(connection);
        log.wait_for(gst::DebugLevel::Debug, "closed connection=");
    }
}
