//! Clients that violate the protocol.

use super::*;

/// A WebSocket without a library, which can also send invalid frames.
pub(super) struct Raw(TcpStream);

impl Raw {
    pub(super) fn open(server: SocketAddr) -> Raw {
        Raw::open_with(server, "")
    }

    /// Opens it with additional headers.
    pub(super) fn open_with(server: SocketAddr, headers: &str) -> Raw {
        let mut socket = TcpStream::connect(server).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            socket,
            "GET /ws HTTP/1.1\r\nHost: {server}\r\n{headers}{UPGRADE}\r\n"
        )
        .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            socket.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(
            head.starts_with(b"HTTP/1.1 101"),
            "{}",
            String::from_utf8_lossy(&head)
        );
        Raw(socket)
    }

    /// Sends a frame, masked with zeros.
    pub(super) fn send(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        let mut frame = vec![0x80 | opcode, 0x80 | 127];
        frame.extend((payload.len() as u64).to_be_bytes());
        frame.extend([0; 4]);
        self.0.write_all(&frame)?;
        self.0.write_all(payload)
    }

    /// Reads until this text has arrived.
    pub(super) fn wait_for(&mut self, text: &str) {
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).contains(text) {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            read.push(byte[0]);
        }
    }

    /// Returns everything until the server closes, as text.
    pub(super) fn rest(mut self) -> String {
        let mut rest = String::new();
        let mut buffer = [0; 1024];
        while !rest.contains("the server closes") {
            match self.0.read(&mut buffer).unwrap() {
                0 => break,
                read => rest += &String::from_utf8_lossy(&buffer[..read]),
            }
        }
        rest
    }
}

#[tokio::test]
async fn a_10_mb_message_is_refused_and_the_call_continues() {
    let server = start();
    let mut anna = Client::join(server.local_addr(), "anna").await;
    let mut bert = Client::join(server.local_addr(), "bert").await;
    assert!(anna.participant().await.connected);

    let sdp = "x".repeat(10_000_000);
    // The server closes before it has received everything. Only its error matters here.
    let _ = bert.sender.send(&anna.offer(&sdp)).await;
    let said = bert.next().await;
    let ServerMessage::Error {
        code: ErrorCode::LimitExceeded,
        message,
    } = said
    else {
        panic!("{said:?}")
    };
    assert!(message.contains("262144"), "{message}");
    bert.closed().await;

    assert!(!anna.participant().await.connected);
    let carl = Client::join(server.local_addr(), "carl").await;
    assert_eq!(carl.roster.len(), 2);
    assert_eq!(anna.participant().await.user, "carl");
}

#[tokio::test]
async fn a_malformed_message_is_refused_and_the_call_continues() {
    let server = start();
    let at = server.local_addr();
    let mut anna = Client::join(at, "anna").await;
    let bad: [(u8, &[u8], &str); 5] = [
        (1, b"{\"type\":", "malformed"),
        (1, b"[[[", "malformed"),
        (1, b"{\"type\":\"hello\"}", "malformed"),
        (1, b"\xff\xfe", "malformed"),
        (2, b"{}", "malformed"),
    ];
    for (opcode, payload, code) in bad {
        let mut raw = Raw::open(at);
        raw.send(opcode, payload).unwrap();
        let rest = tokio::task::spawn_blocking(move || raw.rest())
            .await
            .unwrap();
        assert!(
            rest.contains(&format!("\"code\":\"{code}\"")),
            "{payload:?}: {rest}"
        );
    }
    let bert = Client::join(at, "bert").await;
    anna.send(&bert.offer("v=0")).await;
}

#[tokio::test]
async fn a_flood_is_ended_and_the_call_continues() {
    let server = start();
    let mut anna = Client::join(server.local_addr(), "anna").await;
    let mut bert = Client::join(server.local_addr(), "bert").await;
    assert!(anna.participant().await.connected);
    let flood = async {
        // This ends when the server closes the connection.
        while bert
            .sender
            .send(&ClientMessage::Media {
                kinds: Kinds::new(),
            })
            .await
            .is_ok()
        {}
    };
    let watch = async {
        loop {
            if let ServerMessage::Error { code, .. } = bert.receiver.next().await.unwrap() {
                return code;
            }
        }
    };
    let (code, ()) = timeout(PATIENCE, async { tokio::join!(watch, flood) })
        .await
        .unwrap();
    assert_eq!(code, ErrorCode::LimitExceeded);
    assert!(!anna.participant().await.connected);
    let back = Client::enter(server.local_addr(), "bert", Some(bert.resume)).await;
    assert_eq!(back.roster[0].user, "anna");
    assert!(anna.participant().await.connected);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_and_the_call_continues() {
    let server = start();
    let at = server.local_addr();
    let mut raw = Raw::open(at);
    raw.send(1, br#"{"type":"hello","versions":[1],"user":"sloth"}"#)
        .unwrap();
    raw.send(
        1,
        br#"{"type":"join","call":"tea & Kuchen/\u00fc","receives":true}"#,
    )
    .unwrap();
    raw.wait_for("\"joined\"");
    let mut anna = Client::join(at, "anna").await;
    let sloth = anna
        .roster
        .iter()
        .find(|p| p.user == "sloth")
        .unwrap()
        .id
        .clone();
    let step = LegStep::Offer("x".repeat(200_000));
    let signal = LegSignal {
        leg: 1,
        by: LegEnd::Sender,
        step,
    };
    let message = ClientMessage::Signal {
        to: sloth.clone(),
        signal,
    };
    // One client may send 2 MiB at once. The queue and the sockets' buffers hold more.
    let mut senders = Vec::new();
    for number in 0..12 {
        let mut sender = Client::join(at, &format!("sender {number}")).await;
        for _ in 0..10 {
            sender.send(&message).await;
        }
        senders.push(sender);
    }
    loop {
        if let ServerMessage::Participant { participant } = anna.next().await
            && participant.id == sloth
        {
            assert!(!participant.connected);
            break;
        }
    }
}
