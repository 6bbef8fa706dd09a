//! The TCP connection, on unreliable networks.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// The time after which a further attempt starts beside the running ones. A system repeats an
/// unanswered one after 1, 3 and 7 s, so it could take 4 s to notice that the network is up again.
const ONE_MORE: Duration = Duration::from_secs(1);
/// Simultaneous attempts: more than the time limit for a connection allows.
const ATTEMPTS: u32 = 5;

/// Connects to the address and fails only if that is refused. The caller limits the time.
pub(super) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let mut attempts: FuturesUnordered<_> = (0..ATTEMPTS)
        .map(|number| async move {
            sleep(ONE_MORE * number).await;
            TcpStream::connect(address).await
        })
        .collect();
    // The first attempt that ends has the newest answer.
    let first = attempts.next().await;
    first.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
}

/// Whether this machine no longer has the local address of a connection. Otherwise only a long
/// silence reveals it: data sent never leaves the machine.
///
/// Binding a socket shows it without a list of all interfaces.
pub fn is_gone(address: IpAddr) -> bool {
    let bound = UdpSocket::bind((address, 0));
    bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrNotAvailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_this_machine_does_not_have_is_gone() {
        assert!(!is_gone(IpAddr::from([127, 0, 0, 1])));
        // From TEST-NET-1, which no machine has.
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
