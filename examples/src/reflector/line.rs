//! The TCP connections: sockets by place, and the place of each of the speaker's connections.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpStream};

use bgp_fsm::Instant;
use bgp_speaker::ConnId;

use super::poller::{Interest, Key, Poller};

/// One TCP connection.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) stream: TcpStream,
    pub(super) phase: Phase,
    pub(super) remote: SocketAddr,
    pub(super) local: Option<SocketAddr>,
    pub(super) received: u64,
    pub(super) sent: u64,
    interest: Interest,
}

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Dialing(ConnId),
    Open(ConnId),
    /// We have said all; what the peer still says is read and dropped until it closes or this instant comes, because a
    /// socket that is closed with octets unread resets the connection, and the peer may lose our last word.
    Draining(Instant),
}

/// All connections.
#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: Vec<Option<Line>>,
    free: Vec<u32>,
    places: HashMap<ConnId, u32>,
}

impl Lines {
    pub(super) fn len(&self) -> usize {
        self.lines.len() - self.free.len()
    }

    /// Takes a connection on, and tells its place; what it is waited for follows from its phase.
    pub(super) fn insert(
        &mut self,
        poller: &Poller,
        stream: TcpStream,
        phase: Phase,
        remote: SocketAddr,
    ) -> io::Result<u32> {
        let place = match self.free.last() {
            Some(place) => *place,
            None => u32::try_from(self.lines.len()).map_err(io::Error::other)?,
        };
        let interest = if matches!(phase, Phase::Dialing(_)) { Interest::WRITE } else { Interest::READ };
        poller.add(&stream, Key::Line(place), interest)?;
        let local = stream.local_addr().ok();
        let line = Some(Line { stream, phase, remote, local, received: 0, sent: 0, interest });
        self.free.pop();
        match self.lines.get_mut(index(place)) {
            Some(slot) => *slot = line,
            None => self.lines.push(line),
        }
        if let Phase::Dialing(conn) | Phase::Open(conn) = phase {
            self.places.insert(conn, place);
        }
        Ok(place)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().flatten()
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut Line> {
        self.lines.get_mut(index(place))?.as_mut()
    }

    pub(super) fn place_of(&self, conn: ConnId) -> Option<u32> {
        self.places.get(&conn).copied()
    }

    pub(super) fn of(&self, conn: ConnId) -> Option<&Line> {
        self.lines.get(index(self.place_of(conn)?))?.as_ref()
    }

    /// Sets what a connection is waited for.
    pub(super) fn wait_for(&mut self, poller: &Poller, place: u32, interest: Interest) -> io::Result<()> {
        match self.get_mut(place) {
            Some(line) if line.interest != interest => {
                line.interest = interest;
                poller.modify(&line.stream, Key::Line(place), interest)
            }
            _ => Ok(()),
        }
    }

    /// The speaker does not know the connection any more; it only drains.
    pub(super) fn drain(&mut self, place: u32, until: Instant) {
        if let Some(line) = self.get_mut(place) {
            let before = std::mem::replace(&mut line.phase, Phase::Draining(until));
            line.local = line.stream.local_addr().ok();
            if let Phase::Dialing(conn) | Phase::Open(conn) = before {
                self.places.remove(&conn);
            }
        }
    }

    /// Takes a connection out; dropping it closes the socket, which ends the waiting for it, too.
    pub(super) fn remove(&mut self, place: u32) -> Option<Line> {
        let line = self.lines.get_mut(index(place))?.take()?;
        self.free.push(place);
        if let Phase::Dialing(conn) | Phase::Open(conn) = line.phase {
            self.places.remove(&conn);
        }
        Some(line)
    }
}

fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
