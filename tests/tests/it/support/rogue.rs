//! A client of HTTP/2 that keeps to no rules: it writes frames by hand, and reads only when it is told to.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What every connection of HTTP/2 begins with.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const INITIAL_WINDOW: u16 = 4;

/// How long the other side may take to take something, or to hang up.
const LONGEST: Duration = Duration::from_secs(60);

/// A connection that does what it wants.
pub(crate) struct Rogue(TcpStream);

impl Rogue {
    pub(crate) async fn connect(address: SocketAddr) -> Rogue {
        Rogue(TcpStream::connect(address).await.expect("somebody listens"))
    }

    /// Greets as one should; each answer may be so many bytes ahead of its reader, who never comes.
    pub(crate) async fn greeted(address: SocketAddr, window: u32) -> Rogue {
        let mut rogue = Rogue::connect(address).await;
        let setting = [&INITIAL_WINDOW.to_be_bytes()[..], &window.to_be_bytes()].concat();
        let greeting = [PREFACE, &frame(SETTINGS, 0, 0, &setting)].concat();
        assert!(rogue.send(&greeting).await);
        rogue
    }

    /// Whether the other side still takes it.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        let sent = tokio::time::timeout(LONGEST, self.0.write_all(bytes)).await;
        sent.is_ok_and(|sent| sent.is_ok())
    }

    /// Reads until the head of the answer to a stream is there, which waits for no window.
    pub(crate) async fn answered(&mut self, stream: u32) {
        let answered = tokio::time::timeout(LONGEST, async {
            loop {
                let mut head = [0; 9];
                self.0.read_exact(&mut head).await.expect("a frame");
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
                let mut payload = vec![0; length as usize];
                self.0.read_exact(&mut payload).await.expect("its payload");
                if head[3] == HEADERS && head[5..] == stream.to_be_bytes() {
                    return;
                }
            }
        });
        answered.await.expect("it is answered");
    }

    /// Reads what comes next.
    pub(crate) async fn read(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 64 << 10];
        let read = tokio::time::timeout(LONGEST, self.0.read(&mut buffer)).await;
        buffer.truncate(read.expect("it answers").unwrap_or_default());
        buffer
    }

    /// Reads until the other side hangs up, which it must; how much it had to say.
    pub(crate) async fn hung_up_on(&mut self) -> usize {
        let said = tokio::time::timeout(LONGEST, self.heard()).await;
        said.expect("it is hung up on")
    }

    async fn heard(&mut self) -> usize {
        let mut said = 0;
        let mut buffer = vec![0; 64 << 10];
        loop {
            match self.0.read(&mut buffer).await {
                Ok(0) | Err(_) => return said,
                Ok(read) => said += read,
            }
        }
    }
}

/// The head of a call.
pub(crate) fn head(stream: u32, path: &str, token: &str, ends: bool) -> Vec<u8> {
    let authorization = format!("Bearer {token}");
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("authorization", authorization.as_str()),
    ];
    let block: Vec<u8> = fields
        .iter()
        .flat_map(|(name, value)| field(name, value))
        .collect();
    let flags = END_HEADERS | if ends { END_STREAM } else { 0 };
    frame(HEADERS, flags, stream, &block)
}

/// The one message of a call.
pub(crate) fn message(stream: u32, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a small message");
    let framed = [&[0][..], &length.to_be_bytes(), message].concat();
    frame(DATA, END_STREAM, stream, &framed)
}

/// Takes a call back.
pub(crate) fn reset(stream: u32) -> Vec<u8> {
    const CANCEL: u32 = 8;
    frame(RESET, 0, stream, &CANCEL.to_be_bytes())
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a small frame");
    [
        &length.to_be_bytes()[1..],
        &[kind, flags],
        &stream.to_be_bytes(),
        payload,
    ]
    .concat()
}

/// A header field, written out and not to be remembered.
fn field(name: &str, value: &str) -> Vec<u8> {
    [&[0][..], &text(name), &text(value)].concat()
}

fn text(text: &str) -> Vec<u8> {
    const MOST_IN_ONE: usize = 127;
    let mut out = Vec::new();
    let length = text.len();
    if length < MOST_IN_ONE {
        out.push(u8::try_from(length).expect("below 127"));
    } else {
        out.push(127);
        let mut rest = length - MOST_IN_ONE;
        while rest >= 128 {
            out.push(u8::try_from(rest % 128 + 128).expect("below 256"));
            rest /= 128;
        }
        out.push(u8::try_from(rest).expect("below 128"));
    }
    out.extend_from_slice(text.as_bytes());
    out
}
