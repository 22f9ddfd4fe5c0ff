//! A small HTTP port for metrics and questions: one request per connection, bounded in every way.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use bgp_fsm::Instant;

use super::poller::{Interest, Key, Poller};

/// The port, and those who are being served.
#[derive(Debug)]
pub(super) struct Http {
    listener: TcpListener,
    /// The oldest first: one too many takes the place of the oldest.
    clients: VecDeque<Client>,
    next: u32,
}

#[derive(Debug)]
struct Client {
    key: u32,
    stream: TcpStream,
    /// What has come of the request.
    request: Vec<u8>,
    answer: Vec<u8>,
    sent: usize,
    until: Instant,
}

/// An answer without its head.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: &'static str,
    pub(super) kind: &'static str,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(body: String) -> Answer {
        Answer { status: "200 OK", kind: "application/json", body }
    }

    /// The text format of Prometheus, version 0.0.4.
    pub(super) fn metrics(body: String) -> Answer {
        Answer { status: "200 OK", kind: "text/plain; version=0.0.4; charset=utf-8", body }
    }

    pub(super) fn wrong(status: &'static str, problem: impl std::fmt::Display) -> Answer {
        Answer { status, kind: "text/plain; charset=utf-8", body: format!("{problem}\n") }
    }

    fn octets(&self) -> Vec<u8> {
        let Answer { status, kind, body } = self;
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

impl Http {
    pub(super) fn open(address: SocketAddr, poller: &Poller) -> io::Result<Http> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        poller.add(&listener, Key::HttpListener, Interest::READ)?;
        Ok(Http { listener, clients: VecDeque::new(), next: 0 })
    }

    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    pub(super) fn accept(&mut self, poller: &Poller, now: Instant) {
        for _ in 0..CLIENTS {
            let Ok((stream, _)) = self.listener.accept() else { return };
            let key = self.next;
            self.next = self.next.wrapping_add(1);
            let ready = stream.set_nonblocking(true);
            if ready.and_then(|()| poller.add(&stream, Key::HttpClient(key), Interest::READ)).is_ok() {
                if self.clients.len() >= CLIENTS {
                    self.clients.pop_front();
                }
                let (request, answer) = (Vec::new(), Vec::new());
                self.clients.push_back(Client { key, stream, request, answer, sent: 0, until: now + PATIENCE });
            }
        }
    }

    /// Goes on with one of them: the target of its request, when that is whole; then [`Http::answer`] is to be called.
    pub(super) fn serve(&mut self, poller: &Poller, key: u32) -> Option<String> {
        let place = self.place_of(key)?;
        let client = self.clients.get_mut(place)?;
        let step = if client.answer.is_empty() { client.read() } else { client.write() };
        match step {
            Step::Waits => {}
            Step::Asks(target) => return Some(target),
            Step::Wrong(answer) => self.answer(poller, key, &answer),
            Step::Over => {
                self.clients.remove(place);
            }
        }
        None
    }

    pub(super) fn answer(&mut self, poller: &Poller, key: u32, answer: &Answer) {
        let Some(place) = self.place_of(key) else { return };
        let Some(client) = self.clients.get_mut(place) else { return };
        client.answer = answer.octets();
        let waits = poller.modify(&client.stream, Key::HttpClient(key), Interest::WRITE).is_ok();
        if !waits || matches!(client.write(), Step::Over) {
            self.clients.remove(place);
        }
    }

    fn place_of(&self, key: u32) -> Option<usize> {
        self.clients.iter().position(|client| client.key == key)
    }

    /// When the next of them has had its time.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.clients.front().map(|client| client.until)
    }

    pub(super) fn drop_slow(&mut self, now: Instant) {
        while self.clients.pop_front_if(|client| client.until <= now).is_some() {}
    }
}

/// What has become of a client.
enum Step {
    /// The socket has to be waited for.
    Waits,
    /// It asks for this.
    Asks(String),
    /// It does not know how to ask.
    Wrong(Answer),
    /// It is served, or gone.
    Over,
}

impl Client {
    fn read(&mut self) -> Step {
        let mut octets = [0; REQUEST];
        match self.stream.read(&mut octets) {
            Ok(0) => return Step::Over,
            Ok(count) => self.request.extend_from_slice(octets.get(..count).unwrap_or_default()),
            Err(error) if is_passing(&error) => return Step::Waits,
            Err(_) => return Step::Over,
        }
        match target(&self.request) {
            Ok(None) => Step::Waits,
            Ok(Some(target)) => Step::Asks(target.to_owned()),
            Err(answer) => Step::Wrong(answer),
        }
    }

    fn write(&mut self) -> Step {
        let rest = self.answer.get(self.sent..).unwrap_or_default();
        match self.stream.write(rest) {
            Ok(count) if count < rest.len() => {
                self.sent = self.sent.saturating_add(count);
                Step::Waits
            }
            Err(error) if is_passing(&error) => Step::Waits,
            _ => Step::Over,
        }
    }
}

/// What a request asks for, when all of its head is there.
fn target(request: &[u8]) -> Result<Option<&str>, Answer> {
    let bad = || Answer::wrong("400 Bad Request", "this is no HTTP request");
    let end = request.windows(4).position(|octets| octets == b"\r\n\r\n");
    if end.is_none() {
        // What has come so far may be half of it.
        return if request.len() < REQUEST {
            Ok(None)
        } else {
            Err(Answer::wrong("431 Request Header Fields Too Large", "the request is too long"))
        };
    }
    let line = request
        .split(|octet| *octet == b'\r')
        .next()
        .and_then(|line| std::str::from_utf8(line).ok())
        .ok_or_else(bad)?;
    let mut words = line.split(' ');
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some("GET"), Some(target), Some(version), None) if version.starts_with("HTTP/1.") => Ok(Some(target)),
        (Some(_), Some(_), Some(version), None) if version.starts_with("HTTP/1.") => {
            Err(Answer::wrong("405 Method Not Allowed", "only GET is answered"))
        }
        _ => Err(bad()),
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Clients that are served at a time.
const CLIENTS: usize = 16;
/// Octets of the longest request.
const REQUEST: usize = 4096;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_or_wrong() {
        fn status(request: &[u8]) -> Result<Option<&str>, &'static str> {
            target(request).map_err(|answer| answer.status)
        }
        assert_eq!(status(b"GET /metrics HTTP/1.1\r\nHost: x\r\n"), Ok(None));
        assert_eq!(status(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), Ok(Some("/metrics")));
        assert_eq!(status(b"POST /metrics HTTP/1.1\r\n\r\n"), Err("405 Method Not Allowed"));
        assert_eq!(status(b"hello\r\n\r\n"), Err("400 Bad Request"));
        assert_eq!(status(b"\xff\xfe\r\n\r\n"), Err("400 Bad Request"));
        assert_eq!(status(&[b'a'; REQUEST]), Err("431 Request Header Fields Too Large"));
    }
}
