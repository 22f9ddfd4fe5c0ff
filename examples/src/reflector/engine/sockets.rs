//! What is done with one socket: accept, dial, read, write, close.

use std::io::{self, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bgp_fsm::Instant;
use bgp_speaker::ConnId;

use super::Reflector;
use crate::reflector::line::Phase;
use crate::reflector::poller::{Interest, Key, Ready};
use crate::reflector::socket;

impl Reflector {
    pub(super) fn accept(&mut self, listener: u32) {
        for _ in 0..ACCEPTS {
            let place = usize::try_from(listener).unwrap_or(usize::MAX);
            let Some(Some((_, socket))) = self.listeners.get(place) else { return };
            match socket.accept() {
                Ok((stream, remote)) => self.accepted(stream, remote),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return,
                    // The connection was gone before we took it.
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => {}
                    // No descriptors or no memory: the listening sockets stay readable, so they are not waited for.
                    _ => {
                        self.refusals.no_resources = self.refusals.no_resources.saturating_add(1);
                        return self.pause_accepting();
                    }
                },
            }
        }
    }

    fn accepted(&mut self, stream: TcpStream, remote: SocketAddr) {
        if self.lines.len() >= self.settings.most_connections {
            self.refusals.too_many = self.refusals.too_many.saturating_add(1);
            return;
        }
        let peer = self.configured.get(&remote.ip());
        if socket::adopt(&stream, peer).is_err() {
            return;
        }
        let conn = match self.incoming(remote) {
            Ok(conn) => conn,
            Err(farewell) => return self.reject(stream, remote, farewell),
        };
        if self.lines.insert(&self.poller, stream, Phase::Open(conn), remote).is_err() {
            let now = self.now();
            self.speaker.disconnected(&mut self.store, now, conn);
        }
    }

    /// Closes a connection that nobody takes. What the other end sends meanwhile must not reset it before it has read why.
    fn reject(&mut self, mut stream: TcpStream, remote: SocketAddr, farewell: Option<[u8; 21]>) {
        let Some(octets) = farewell.filter(|_| self.draining.len() < MOST_DRAINING) else { return };
        let until = self.now() + DRAIN;
        let told = stream.write(&octets).is_ok() && stream.shutdown(std::net::Shutdown::Write).is_ok();
        if told && let Ok(place) = self.lines.insert(&self.poller, stream, Phase::Draining(until), remote) {
            self.draining.push_back((until, place));
        }
    }

    fn pause_accepting(&mut self) {
        let none = Interest { read: false, write: false };
        self.watch_listeners(none);
        self.accept_again = Some(self.now() + PAUSE);
    }

    pub(super) fn resume_accepting(&mut self, now: Instant) {
        if self.accept_again.is_some_and(|at| at <= now) {
            self.accept_again = None;
            self.watch_listeners(Interest::READ);
        }
    }

    fn watch_listeners(&self, interest: Interest) {
        for (place, slot) in (0..).zip(&self.listeners) {
            if let Some((_, listener)) = slot {
                // Fails only for a descriptor that is not there.
                let _ = self.poller.modify(listener, Key::Listener(place), interest);
            }
        }
    }

    pub(super) fn dial(&mut self, conn: ConnId, remote: SocketAddr) {
        let dialled = match self.configured.get(&remote.ip()) {
            Some(peer) => socket::dial(remote, peer),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        let outcome = dialled.and_then(|stream| self.lines.insert(&self.poller, stream, Phase::Dialing(conn), remote));
        if let Err(error) = outcome {
            self.last_errors.add(&self.started_at, self.now(), remote.ip(), format!("cannot be dialled: {error}"));
            let now = self.now();
            self.speaker.disconnected(&mut self.store, now, conn);
        }
    }

    pub(super) fn serve_line(&mut self, place: u32, ready: Ready) {
        if ready.write {
            match self.lines.get_mut(place).map(|line| line.phase) {
                Some(Phase::Dialing(conn)) => return self.dialled(place, conn),
                Some(Phase::Open(_)) => self.write(place),
                Some(Phase::Draining(_)) | None => {}
            }
        }
        if ready.read {
            self.read(place);
        }
    }

    fn dialled(&mut self, place: u32, conn: ConnId) {
        let Some(line) = self.lines.get_mut(place) else { return };
        let outcome = match line.stream.take_error() {
            Ok(None) => line.stream.peer_addr().map(drop),
            Ok(Some(error)) | Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => {
                line.phase = Phase::Open(conn);
                line.local = line.stream.local_addr().ok();
                let now = self.now();
                if self.lines.wait_for(&self.poller, place, Interest::READ).is_err() {
                    return self.lost(place);
                }
                self.speaker.connected(&mut self.store, now, conn);
            }
            Err(error) => {
                let address = line.remote.ip();
                self.last_errors.add(&self.started_at, self.now(), address, format!("cannot be dialled: {error}"));
                self.lost(place);
            }
        }
    }

    /// Reads once: what is left comes with the next wait, after the others had their turn.
    fn read(&mut self, place: u32) {
        let now = self.now();
        let Some(line) = self.lines.get_mut(place) else { return };
        match line.stream.read(&mut self.buffer) {
            Ok(0) => self.lost(place),
            Ok(count) => {
                line.received = line.received.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                if let (Phase::Open(conn), Some(octets)) = (line.phase, self.buffer.get(..count)) {
                    self.speaker.receive(&mut self.store, now, conn, octets);
                }
            }
            Err(error) if is_passing(&error) => {}
            Err(_) => self.lost(place),
        }
    }

    /// Writes until there is nothing more, the socket takes no more, or others should have their turn.
    pub(super) fn write(&mut self, place: u32) {
        let mut written = 0usize;
        let interest = loop {
            let now = self.now();
            let Some(line) = self.lines.get_mut(place) else { return };
            let Phase::Open(conn) = line.phase else { return };
            if written >= TURN {
                break Interest::BOTH;
            }
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut used = 0;
            for (slot, octets) in slices.iter_mut().zip(self.speaker.poll_transmit(&mut self.store, conn)) {
                *slot = IoSlice::new(octets);
                used += 1;
            }
            if used == 0 {
                break Interest::READ;
            }
            match line.stream.write_vectored(slices.get(..used).unwrap_or_default()) {
                Ok(count) => {
                    written = written.saturating_add(count);
                    line.sent = line.sent.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
                    self.speaker.sent(now, conn, count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Interest::BOTH,
                Err(_) => return self.lost(place),
            }
        };
        if self.lines.wait_for(&self.poller, place, interest).is_err() {
            self.lost(place);
        }
    }

    /// The socket has failed, or the peer has closed it.
    fn lost(&mut self, place: u32) {
        let now = self.now();
        let Some(line) = self.lines.remove(place) else { return };
        if let Phase::Dialing(conn) | Phase::Open(conn) = line.phase {
            self.speaker.disconnected(&mut self.store, now, conn);
        }
    }

    pub(super) fn close(&mut self, conn: ConnId, abort: bool) {
        let Some(place) = self.lines.place_of(conn) else { return };
        let now = self.now();
        let Some(line) = self.lines.get_mut(place) else { return };
        let drains = !abort
            && matches!(line.phase, Phase::Open(_))
            && self.draining.len() < MOST_DRAINING
            && line.stream.shutdown(std::net::Shutdown::Write).is_ok();
        if drains && self.lines.wait_for(&self.poller, place, Interest::READ).is_ok() {
            self.lines.drain(place, now + DRAIN);
            self.draining.push_back((now + DRAIN, place));
        } else if let Some(line) = self.lines.remove(place)
            && abort
        {
            socket::reset_on_close(&line.stream);
        }
    }

    pub(super) fn drop_drained(&mut self, now: Instant) {
        while let Some((at, place)) = self.draining.front().copied() {
            // The peer may have closed, and another connection may be at its place.
            let same = self.lines.get_mut(place).is_some_and(|line| line.phase == Phase::Draining(at));
            if same && at > now {
                return;
            }
            self.draining.pop_front();
            if same {
                self.lines.remove(place);
            }
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Connections accepted before others have their turn.
const ACCEPTS: usize = 64;
/// How long nothing is accepted when there are no descriptors.
const PAUSE: Duration = Duration::from_millis(200);
/// Pieces of one vectored write.
const SLICES: usize = 64;
/// Octets written before others have their turn.
const TURN: usize = 4 << 20;
/// How long a connection drains.
const DRAIN: Duration = Duration::from_secs(2);
/// Connections that drain at most; the others are just closed.
const MOST_DRAINING: usize = 1024;
