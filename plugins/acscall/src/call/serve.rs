//! The server that this process runs where nobody else does.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use acscall::server::Embedded;

/// A running server, stopped when the last call of this process that uses it is over.
pub(super) struct Server {
    addr: SocketAddr,
    _running: Mutex<Embedded>,
}

static SERVERS: Mutex<Vec<Weak<Server>>> = Mutex::new(Vec::new());

/// Serves at `addr`: `Some(None)` if another process does by now, `None` if it cannot be.
pub(super) fn server(addr: SocketAddr) -> Option<Option<Arc<Server>>> {
    let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
    servers.retain(|server| server.strong_count() > 0);
    if let Some(server) = servers
        .iter()
        .filter_map(Weak::upgrade)
        .find(|s| s.addr == addr)
    {
        return Some(Some(server));
    }
    match Embedded::start(addr) {
        Ok(running) => {
            let server = Arc::new(Server {
                addr,
                _running: Mutex::new(running),
            });
            servers.push(Arc::downgrade(&server));
            Some(Some(server))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Some(None),
        Err(_) => None,
    }
}
