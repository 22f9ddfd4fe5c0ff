//! A client of a few lines that writes its octets by hand, so that it can also do what no daemon does.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// A TCP connection to the reflector with what came over it.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
    /// The IPv4 routes that are announced to us, with the attributes as octets.
    pub(crate) routes: BTreeMap<(Ipv4Addr, u8), Vec<u8>>,
    /// The NOTIFICATION that came, code and subcode.
    pub(crate) notification: Option<(u8, u8)>,
    pub(crate) established: bool,
    /// The other end has closed.
    pub(crate) closed: bool,
}

impl Client {
    /// A connection from `source`, on which nothing is said.
    pub(crate) fn connect(source: Ipv4Addr, to: SocketAddr) -> Client {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(IpAddr::V4(source), 0).into()).unwrap();
        socket.connect(&to.into()).unwrap();
        let stream: TcpStream = socket.into();
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        Client {
            stream,
            buffer: Vec::new(),
            routes: BTreeMap::new(),
            notification: None,
            established: false,
            closed: false,
        }
    }

    /// A connection with an OPEN and a KEEPALIVE on it: the session comes up by itself.
    pub(crate) fn open(source: Ipv4Addr, to: SocketAddr) -> Client {
        let mut client = Client::connect(source, to);
        client.send(&open(source));
        client.send(&message(4, &[]));
        client
    }

    /// An Established session.
    pub(crate) fn established(source: Ipv4Addr, to: SocketAddr) -> Client {
        let mut client = Client::open(source, to);
        crate::daemon::until("a session", || {
            client.read();
            client.established
        });
        client
    }

    /// Whoever has closed does not take it; that shows when reading.
    pub(crate) fn send(&mut self, octets: &[u8]) {
        let _ = self.stream.write_all(octets);
    }

    /// Reads what is there, after at most 20 ms.
    pub(crate) fn read(&mut self) {
        let mut octets = [0; 65536];
        match self.stream.read(&mut octets) {
            Ok(0) => self.closed = true,
            Ok(count) => self.buffer.extend_from_slice(&octets[..count]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(_) => self.closed = true,
        }
        let mut at = 0;
        while let Some(header) = self.buffer.get(at..at + 19) {
            let length = usize::from(u16::from_be_bytes([header[16], header[17]]));
            let Some(message) = self.buffer.get(at..at + length) else { break };
            let (ty, body) = (message[18], message[19..].to_vec());
            self.take(ty, &body);
            at += length;
        }
        self.buffer.drain(..at);
    }

    fn take(&mut self, ty: u8, body: &[u8]) {
        match ty {
            2 => {
                let withdrawn = usize::from(u16::from_be_bytes([body[0], body[1]]));
                for prefix in prefixes(&body[2..2 + withdrawn]) {
                    self.routes.remove(&prefix);
                }
                let rest = &body[2 + withdrawn..];
                let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
                for prefix in prefixes(&rest[2 + length..]) {
                    self.routes.insert(prefix, rest[2..2 + length].to_vec());
                }
            }
            3 => self.notification = Some((body[0], body[1])),
            4 => self.established = true,
            _ => {}
        }
    }
}

/// Type 213, optional and transitive, which no registry has: flags, type, length, value.
pub(crate) const UNKNOWN: [u8; 7] = [0xc0, 213, 4, 1, 2, 3, 4];
/// The same from a speaker that does not know it (RFC 4271 section 5): Partial.
pub(crate) const PASSED_ON: [u8; 7] = [0xe0, 213, 4, 1, 2, 3, 4];

/// A message of this type.
pub(crate) fn message(ty: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = vec![0xff; 16];
    octets.extend_from_slice(&u16::try_from(19 + body.len()).unwrap().to_be_bytes());
    octets.push(ty);
    octets.extend_from_slice(body);
    octets
}

/// An OPEN of AS 64512 with hold time 90 and the source's address as identifier.
pub(crate) fn open(source: Ipv4Addr) -> Vec<u8> {
    let capabilities = [1, 4, 0, 1, 0, 1, 2, 0, 65, 4, 0, 0, 0xfc, 0];
    let mut body = vec![4, 0xfc, 0, 0, 90];
    body.extend_from_slice(&source.octets());
    body.push(2 + u8::try_from(capabilities.len()).unwrap());
    body.extend_from_slice(&[2, u8::try_from(capabilities.len()).unwrap()]);
    body.extend_from_slice(&capabilities);
    message(1, &body)
}

/// An UPDATE that announces prefixes with the usual attributes and `more`.
pub(crate) fn announce(prefixes: &[(Ipv4Addr, u8)], next_hop: Ipv4Addr, more: &[u8]) -> Vec<u8> {
    let mut attributes = vec![0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4];
    attributes.extend_from_slice(&next_hop.octets());
    attributes.extend_from_slice(&[0x40, 5, 4, 0, 0, 0, 100]);
    attributes.extend_from_slice(more);
    let mut body = vec![0, 0];
    body.extend_from_slice(&u16::try_from(attributes.len()).unwrap().to_be_bytes());
    body.extend_from_slice(&attributes);
    for (address, length) in prefixes {
        body.push(*length);
        body.extend_from_slice(&address.octets()[..usize::from(length.div_ceil(8))]);
    }
    message(2, &body)
}

fn prefixes(mut octets: &[u8]) -> Vec<(Ipv4Addr, u8)> {
    let mut found = Vec::new();
    while let Some((length, rest)) = octets.split_first() {
        let (prefix, rest) = rest.split_at(usize::from(length.div_ceil(8)));
        let mut address = [0; 4];
        address[..prefix.len()].copy_from_slice(prefix);
        found.push((address.into(), *length));
        octets = rest;
    }
    found
}
