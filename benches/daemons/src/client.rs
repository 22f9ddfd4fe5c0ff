//! A client of the reflector: what it has sent, and exactly which routes it holds.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use mio::net::TcpStream;
use socket2::{Domain, Socket, Type};

use crate::stream::{self, Routes};

/// One session.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) established: bool,
    /// The version of each route of others that it holds; 0 is none.
    held: Vec<u8>,
    /// How many routes have each version.
    pub(crate) versions: [usize; 256],
    /// UPDATEs that have come.
    pub(crate) updates: u64,
    /// Routes of its own that came back.
    pub(crate) echoed: u64,
    own: std::ops::Range<usize>,
    /// The next hop of its own routes.
    next_hop: Ipv4Addr,
    out: Rc<[u8]>,
    sent: usize,
    rest: Vec<u8>,
}

impl Client {
    /// Dials from `source`; the OPEN goes out at once.
    pub(crate) fn dial(
        source: Ipv4Addr,
        to: SocketAddr,
        own: std::ops::Range<usize>,
        next_hop: Ipv4Addr,
        prefixes: usize,
    ) -> io::Result<Client> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::new(source.into(), 0).into())?;
        socket.connect(&to.into())?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        let mut out = stream::open(source);
        out.extend_from_slice(&stream::message(4, &[]));
        let mut versions = [0; 256];
        versions[0] = prefixes;
        let mut client = Client {
            stream: TcpStream::from_std(socket.into()),
            established: false,
            held: vec![0; prefixes],
            versions,
            updates: 0,
            echoed: 0,
            own,
            next_hop,
            out: out.into(),
            sent: 0,
            rest: Vec::new(),
        };
        client.write()?;
        Ok(client)
    }

    /// Puts octets up for sending; those before have gone.
    pub(crate) fn send(&mut self, octets: Rc<[u8]>) -> io::Result<()> {
        assert!(self.is_sent(), "the last phase is over before the next begins");
        self.out = octets;
        self.sent = 0;
        self.write()
    }

    pub(crate) fn is_sent(&self) -> bool {
        self.sent == self.out.len()
    }

    /// Writes what the socket takes.
    pub(crate) fn write(&mut self) -> io::Result<()> {
        while let Some(rest) = self.out.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(&rest[..rest.len().min(1 << 18)]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what there is, through a buffer that all clients share.
    pub(crate) fn read(&mut self, buffer: &mut [u8], routes: &Routes) -> io::Result<()> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.take(&buffer[..count], routes)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn take(&mut self, octets: &[u8], routes: &Routes) -> io::Result<()> {
        let mut joined = std::mem::take(&mut self.rest);
        let mut at = octets;
        if !joined.is_empty() {
            joined.extend_from_slice(octets);
            at = &joined;
        }
        while let Some(header) = at.get(..19) {
            let length = usize::from(u16::from_be_bytes([header[16], header[17]]));
            if at.len() < length {
                break;
            }
            let (message, rest) = at.split_at(length);
            self.message(message[18], &message[19..], routes)?;
            at = rest;
        }
        self.rest = at.to_vec();
        Ok(())
    }

    fn message(&mut self, ty: u8, body: &[u8], routes: &Routes) -> io::Result<()> {
        match ty {
            2 => self.update(body, routes),
            3 => Err(io::Error::other(format!("NOTIFICATION {body:?}"))),
            4 => {
                self.established = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn update(&mut self, body: &[u8], routes: &Routes) -> io::Result<()> {
        self.updates += 1;
        let short = || io::Error::other("a short UPDATE");
        let (withdrawn, body) = field(body).ok_or_else(short)?;
        let (attributes, nlri) = field(body).ok_or_else(short)?;
        self.set(withdrawn, 0, false, routes)?;
        if !nlri.is_empty() {
            let (version, next_hop) =
                marks(attributes).ok_or_else(|| io::Error::other("an UPDATE without its attributes"))?;
            self.set(nlri, version, next_hop == self.next_hop, routes)?;
        }
        Ok(())
    }

    fn set(&mut self, mut nlri: &[u8], version: u8, echo: bool, routes: &Routes) -> io::Result<()> {
        while let Some((length, rest)) = nlri.split_first() {
            let (octets, rest) = rest.split_at(usize::from(length.div_ceil(8)));
            let mut address = [0; 4];
            address[..octets.len()].copy_from_slice(octets);
            nlri = rest;
            let number = routes.number(u32::from_be_bytes(address), *length);
            let number = number.ok_or_else(|| io::Error::other("a route that nobody sent"))?;
            self.echoed += u64::from(echo);
            // What it sent itself it has anyway.
            if self.own.contains(&number) {
                continue;
            }
            let before = std::mem::replace(&mut self.held[number], version);
            self.versions[usize::from(before)] -= 1;
            self.versions[usize::from(version)] += 1;
        }
        Ok(())
    }
}

/// A field with two octets of length before it, and what follows.
fn field(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// The last octet of MULTI_EXIT_DISC, which is the version, and NEXT_HOP, which is the sender; the latter stands first.
fn marks(mut attributes: &[u8]) -> Option<(u8, Ipv4Addr)> {
    let mut next_hop = None;
    loop {
        let (flags, ty) = (*attributes.first()?, *attributes.get(1)?);
        let (length, rest) = if flags & 0x10 == 0 {
            (usize::from(*attributes.get(2)?), attributes.get(3..)?)
        } else {
            (usize::from(u16::from_be_bytes([*attributes.get(2)?, *attributes.get(3)?])), attributes.get(4..)?)
        };
        let (value, rest) = rest.split_at_checked(length)?;
        match ty {
            3 => next_hop = Some(Ipv4Addr::from(*value.first_chunk::<4>()?)),
            4 => return Some((*value.last()?, next_hop?)),
            _ => {}
        }
        attributes = rest;
    }
}
