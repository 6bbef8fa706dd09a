//! The TCP connection, on networks that come and go.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// The time after which one more attempt at the same connection begins beside those that run: a
/// system repeats an unanswered one after 1, 3 and 7 s, so on a network that is up again at the
/// wrong moment it would take 4 s to notice.
const ONE_MORE: Duration = Duration::from_secs(1);
/// Attempts at once: more than the time for a connection allows.
const ATTEMPTS: u32 = 5;

/// Connects to the address; gives up only where that is refused. Who calls limits the time.
pub(super) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let mut attempts: FuturesUnordered<_> = (0..ATTEMPTS)
        .map(|number| async move {
            sleep(ONE_MORE * number).await;
            TcpStream::connect(address).await
        })
        .collect();
    // The first to end has an answer; what the others would get is the same or older.
    let first = attempts.next().await;
    first.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
}

/// Whether this machine has lost the address that a connection goes out from. Nothing else tells
/// it before the connection has been silent for long: what is sent just never leaves.
///
/// Whether a socket can have the address says so without a list of all interfaces.
pub fn is_gone(address: IpAddr) -> bool {
    let bound = UdpSocket::bind((address, 0));
    bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrNotAvailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_another_machine_is_gone() {
        assert!(!is_gone(IpAddr::from([127, 0, 0, 1])));
        // Of TEST-NET-1, which nobody has.
        assert!(is_gone(IpAddr::from([192, 0, 2, 1])));
    }

    #[tokio::test]
    async fn the_first_answer_counts() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        connect(address).await.unwrap();
        drop(listener);
        let refused = connect(address).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }
}
