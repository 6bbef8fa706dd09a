//! The client against other programs.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response as Answer};

use super::*;

/// Listens, reads a request, sends `answer`, and closes.
async fn something(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = socket.read(&mut [0; 1024]).await;
        let _ = socket.write_all(answer).await;
    });
    format!("ws://{address}")
}

async fn error(url: &str) -> ConnectError {
    connect(url).await.expect_err(url)
}

#[tokio::test]
async fn a_port_without_a_listener_has_its_own_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let nobody = error(&format!("ws://{address}")).await;
    assert_eq!(nobody, ConnectError::NobodyListens(address.to_string()));
    assert!(nobody.to_string().contains("acscall serve"), "{nobody}");
}

#[tokio::test]
async fn another_program_on_the_port_is_an_error_with_the_remedy() {
    let answers: [&'static [u8]; 5] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 404 Not Found\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 400 Bad request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
    ];
    for answer in answers {
        let url = something(answer).await;
        let not_ours = error(&url).await;
        assert!(
            matches!(not_ours, ConnectError::NotOurs { .. }),
            "{not_ours:?}"
        );
        let text = not_ours.to_string();
        let port = url.rsplit(':').next().unwrap();
        assert!(
            text.contains(port) && text.contains("`server` property"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn another_websocket_server_on_the_port_is_not_ours() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        // An echo server that accepts any request and selects no subprotocol.
        let _ = tokio_tungstenite::accept_async(socket).await;
    });
    let not_ours = error(&url).await;
    assert!(
        matches!(not_ours, ConnectError::NotOurs { .. }),
        "{not_ours:?}"
    );
}

#[tokio::test]
async fn the_reason_of_a_refusal_by_our_server_is_passed_on() {
    let alone = b"HTTP/1.1 403 Forbidden\r\nServer: acscall\r\nContent-Length: 7\r\n\r\nbecause";
    let by_proxy = b"HTTP/1.1 403 Forbidden\r\nServer: Caddy\r\nServer: acscall\r\n\
                     Content-Length: 7\r\n\r\nbecause";
    for answer in [&alone[..], by_proxy] {
        let refused = error(&something(answer).await).await;
        assert!(
            matches!(&refused, ConnectError::Other(text) if text.contains("because")),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_may_be_a_server_that_stops() {
    let gone = error(&something(b"").await).await;
    assert!(matches!(gone, ConnectError::Other(_)), "{gone:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    let late = error(&format!("ws://{authority}")).await;
    assert_eq!(late, ConnectError::TimedOut { authority });
}

#[tokio::test]
async fn a_server_without_tls_is_an_error_that_says_so() {
    let url = something(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let error = error(&url.replace("ws://", "wss://")).await;
    assert!(
        matches!(&error, ConnectError::NotOurs { problem, .. } if problem.contains("TLS")),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_invalid_url_is_not_a_connection_error() {
    assert!(matches!(
        error("https://127.0.0.1").await,
        ConnectError::BadUrl(_)
    ));
}

/// A server for one client that sends these texts and stays open.
async fn saying(texts: &'static [&'static str]) -> (Sender, Receiver) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        #[expect(clippy::result_large_err, reason = "the library's type")]
        let select = |_: &Request, mut response: Answer| {
            let protocol = HeaderValue::from_static(SUBPROTOCOL);
            response
                .headers_mut()
                .insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
            Ok(response)
        };
        let mut socket = tokio_tungstenite::accept_hdr_async(socket, select)
            .await
            .unwrap();
        for text in texts {
            socket.send(Message::text(*text)).await.unwrap();
        }
        while let Some(Ok(_)) = socket.next().await {}
    });
    connect(&url).await.unwrap()
}

#[tokio::test]
async fn messages_of_a_later_version_are_skipped() {
    let (_sender, mut receiver) = saying(&[
        r#"{"type":"weather","sun":true}"#,
        r#"{"type":"welcome","version":1,"server":"s","motd":"hi"}"#,
    ])
    .await;
    let welcome = receiver.next().await.unwrap();
    assert_eq!(
        welcome,
        ServerMessage::Welcome {
            version: 1,
            server: "s".into()
        }
    );
}

#[tokio::test]
async fn a_malformed_message_closes_the_connection() {
    let (_sender, mut receiver) = saying(&[r#"{"type":"welcome"}"#]).await;
    let closed = receiver.next().await.unwrap_err();
    assert!(closed.reason.contains("cannot be read"), "{closed}");
}

#[tokio::test]
async fn closing_wakes_the_receiver() {
    let (sender, mut receiver) = saying(&[]).await;
    let (closed, ()) = tokio::join!(receiver.next(), sender.close());
    closed.unwrap_err();
}

#[tokio::test]
async fn closing_without_a_receiver_is_quick() {
    let (sender, receiver) = saying(&[]).await;
    drop(receiver);
    let start = Instant::now();
    sender.close().await;
    assert!(start.elapsed() < CLOSE_TIME);
}

#[tokio::test]
async fn silence_closes_the_connection() {
    let (_sender, mut receiver) = saying(&[]).await;
    tokio::time::pause();
    let closed = receiver.next().await.unwrap_err();
    assert!(closed.reason.contains("25 s"), "{closed}");
}
