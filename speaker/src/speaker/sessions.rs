//! Inputs to sessions, and what the sessions then want: octets out, connections, routes.

use core::net::IpAddr;

use bgp_fsm::{Event as Input, Instant, Received, Session, SessionEvent, State, TcpAction};
use bgp_rib::{AttrStore, PeerId};
use bgp_wire::{MessageType, RefreshSubtype, message_type};

use super::{ABORT, Speaker, index, key, split};
use crate::connection::Next;
use crate::event::{ConnId, Event, Refused};
use crate::peer::Line;

impl Speaker {
    /// Starts a peer's session (RFC 4271 section 8.1.2, event 1): it dials, or waits when it is configured passive.
    pub fn start(&mut self, store: &mut AttrStore, now: Instant, peer: PeerId) {
        self.input(store, now, peer, 0, Input::ManualStart);
    }

    /// Stops a peer's sessions with a Cease, Administrative Shutdown (event 2); it stays in Idle until it is started.
    pub fn stop(&mut self, store: &mut AttrStore, now: Instant, peer: PeerId) {
        self.input(store, now, peer, 1, Input::ManualStop);
        self.input(store, now, peer, 0, Input::ManualStop);
    }

    /// A dialled connection is open.
    pub fn connected(&mut self, store: &mut AttrStore, now: Instant, conn: ConnId) {
        if let Some((peer, line)) = self.line_of(conn) {
            self.input(store, now, peer, line, Input::TcpCrAcked);
        }
    }

    /// A connection is gone: the dial failed, the peer closed it, or the driver did. Not needed after [`Event::Close`].
    pub fn disconnected(&mut self, store: &mut AttrStore, now: Instant, conn: ConnId) {
        let line = self.line_of(conn);
        self.connections.remove(conn);
        if let Some((peer, line)) = line {
            if let Some(line) = self.peer_mut(peer).and_then(|peer| peer.lines.get_mut(line)?.as_mut()) {
                line.conn = None;
            }
            self.input(store, now, peer, line, Input::TcpConnectionFails);
        }
    }

    /// Octets that a connection received: any piece of the stream.
    ///
    /// A message that is whole in `octets` is used where it lies; only one that is cut is kept until its rest comes.
    pub fn receive(&mut self, store: &mut AttrStore, now: Instant, conn: ConnId, octets: &[u8]) {
        self.counters.octets = self.counters.octets.saturating_add(u64::try_from(octets.len()).unwrap_or(u64::MAX));
        let mut incoming = self.connections.take_incoming(conn);
        let outcome = incoming.receive(octets, |message| {
            if !message.is_empty() {
                self.counters.messages = self.counters.messages.saturating_add(1);
                self.message(store, now, conn, message);
            }
            match self.line_of(conn).and_then(|(peer, line)| self.session_mut(peer, line)) {
                Some(session) => Next::Go(session.receive_limit()),
                None => Next::Stop,
            }
        });
        self.connections.put_incoming(conn, incoming);
        if let Err((error, header)) = outcome
            && let Some((peer, line)) = self.line_of(conn)
            && let Some(session) = self.session_mut(peer, line)
        {
            session.framing_error(now, error, &header);
            self.drain(store, now, peer, line);
        }
    }

    /// The socket took `count` of the octets that [`Speaker::poll_transmit`] lent.
    pub fn sent(&mut self, now: Instant, conn: ConnId, count: usize) {
        if self.connections.sent(conn, count) {
            self.close_now(conn, false);
        } else if let Some((peer, line)) = self.line_of(conn)
            && let Some(session) = self.session_mut(peer, line)
        {
            session.sent(now, count > 0);
            let deadline = session.poll_timeout();
            self.deadlines.set(key(peer, line), deadline);
        }
    }

    /// Serves the timers that are due at `now`; call it no earlier than [`Speaker::poll_timeout`] says.
    pub fn handle_timeout(&mut self, store: &mut AttrStore, now: Instant) {
        while let Some(conn) = self.connections.pop_abort(now) {
            self.close_now(conn, true);
        }
        while let Some((at, due)) = self.next_deadline()
            && at <= now
            && due != ABORT
        {
            self.deadlines.pop();
            let (place, line) = split(due);
            let Some(peer) = self.peers.get(place).and_then(Option::as_ref).map(|peer| peer.id) else { continue };
            if let Some(session) = self.session_mut(peer, line) {
                session.handle_timeout(now);
                self.drain(store, now, peer, line);
            }
        }
    }

    pub(super) fn accept(
        &mut self,
        store: &mut AttrStore,
        now: Instant,
        id: PeerId,
        address: IpAddr,
    ) -> Result<ConnId, Refused> {
        let unknown = Refused::UnknownPeer(address);
        let peer = self.peers.get_mut(index(id)).and_then(Option::as_mut).ok_or(unknown)?;
        let [Some(main), second] = &mut peer.lines else { return Err(unknown) };
        let line = match main.session.state() {
            State::Idle => return Err(Refused::Idle(address)),
            // RFC 4271 8.2.2, Active: the peer's connection is the one waited for.
            State::Active => 0,
            // A dial may be under way, or a connection is there: RFC 4271 6.8 decides when the OPENs are known.
            _ if second.is_none() => {
                let session = Session::new(peer.config.session.clone().with_passive(true), peer.seed.rotate_left(32));
                *second = Some(Line { session, conn: None, dialled: false });
                1
            }
            _ => return Err(Refused::TooManyConnections(address)),
        };
        let conn = self.connections.open(id);
        if let Some(accepted) = peer.lines.get_mut(line).and_then(Option::as_mut) {
            accepted.conn = Some(conn);
            accepted.dialled = false;
            if line == 1 {
                accepted.session.handle(now, Input::ManualStartPassive);
            }
        }
        self.input(store, now, id, line, Input::TcpConnectionConfirmed);
        Ok(conn)
    }

    pub(super) fn input(&mut self, store: &mut AttrStore, now: Instant, peer: PeerId, line: usize, event: Input) {
        if let Some(session) = self.session_mut(peer, line) {
            session.handle(now, event);
            self.drain(store, now, peer, line);
        }
    }

    pub(super) fn session_mut(&mut self, peer: PeerId, line: usize) -> Option<&mut Session> {
        Some(&mut self.peer_mut(peer)?.lines.get_mut(line)?.as_mut()?.session)
    }

    pub(super) fn line_of(&self, conn: ConnId) -> Option<(PeerId, usize)> {
        let connection = self.connections.of(conn).filter(|connection| !connection.closing)?;
        let lines = &self.peers.get(index(connection.peer))?.as_ref()?.lines;
        let line = lines.iter().position(|line| line.as_ref().is_some_and(|line| line.conn == Some(conn)))?;
        Some((connection.peer, line))
    }

    fn message(&mut self, store: &mut AttrStore, now: Instant, conn: ConnId, message: &[u8]) {
        if message_type(message) == Some(MessageType::OPEN) && !self.survives(store, now, conn, message) {
            return;
        }
        let Some((peer, line)) = self.line_of(conn) else { return };
        let Some(session) = self.session_mut(peer, line) else { return };
        match session.receive(now, message) {
            Received::Update(update) => {
                if let Some(family) = update.end_of_rib() {
                    self.events.push_back(Event::EndOfRib { peer, family });
                } else {
                    self.rib.update(store, peer, &update);
                    self.work = true;
                }
            }
            Received::RouteRefresh(refresh) if refresh.subtype == RefreshSubtype::REQUEST => {
                self.rib.refresh(store, peer, refresh.family);
                self.work = true;
            }
            _ => {}
        }
        self.drain(store, now, peer, line);
    }

    /// Carries out what a session wants, and sets its deadline.
    pub(super) fn drain(&mut self, store: &mut AttrStore, now: Instant, peer: PeerId, mut line: usize) {
        loop {
            let Some(current) = self.peers.get_mut(index(peer)).and_then(Option::as_mut) else { return };
            let Some(active) = current.lines.get_mut(line).and_then(Option::as_mut) else { return };
            if let Some(event) = active.session.poll_event() {
                if line == 1 && matches!(event, SessionEvent::Up(_)) {
                    // The session that is up is lines[0] from now on.
                    self.promote(store, now, peer);
                    line = 0;
                }
                self.session_event(store, now, peer, line, event);
                continue;
            }
            let conn = active.conn;
            let ending = active.session.state() == State::Idle;
            if active.session.poll_transmit(&mut self.scratch) {
                let octets = self.scratch.split().freeze();
                if let Some(conn) = conn {
                    if ending {
                        self.connections.drop_unsent(conn);
                    }
                    if self.connections.queue(conn, octets) {
                        self.events.push_back(Event::Transmit { conn });
                    }
                }
                continue;
            }
            match active.session.poll_action() {
                Some(TcpAction::Connect) => self.dial(peer, line),
                Some(TcpAction::Close { abort }) => self.close(now, peer, line, abort),
                Some(_) | None => break,
            }
        }
        self.settle(peer);
    }

    fn dial(&mut self, id: PeerId, line: usize) {
        let conn = self.connections.open(id);
        let Some(peer) = self.peer_mut(id) else { return };
        let remote = peer.config.remote();
        let previous = peer.lines.get_mut(line).and_then(Option::as_mut).and_then(|line| {
            line.dialled = true;
            line.conn.replace(conn)
        });
        if let Some(previous) = previous {
            self.close_now(previous, true);
        }
        self.events.push_back(Event::Dial { conn, peer: id, remote });
    }

    fn close(&mut self, now: Instant, peer: PeerId, line: usize, abort: bool) {
        let conn = self.peer_mut(peer).and_then(|peer| peer.lines.get_mut(line)?.as_mut()?.conn.take());
        if let Some(conn) = conn
            && (abort || self.connections.close(conn, now + self.config.linger))
        {
            self.close_now(conn, abort);
        }
    }

    pub(super) fn close_now(&mut self, conn: ConnId, abort: bool) {
        if self.connections.remove(conn).is_some() {
            self.events.push_back(Event::Close { conn, abort });
        }
    }

    fn session_event(&mut self, store: &mut AttrStore, now: Instant, id: PeerId, line: usize, event: SessionEvent) {
        match event {
            SessionEvent::Up(negotiated) => {
                if let Some(peer) = self.peer_mut(id) {
                    peer.up = true;
                    peer.since = now;
                    peer.established = peer.established.saturating_add(1);
                }
                self.rib.peer_up(store, id, &negotiated.context, negotiated.peer_id);
                self.work = true;
                self.events.push_back(Event::Up { peer: id, negotiated });
            }
            SessionEvent::Down(reason) => {
                let Some(peer) = self.peer_mut(id) else { return };
                let established = peer.up && line == 0;
                peer.last_down = Some(reason.clone());
                if established {
                    peer.up = false;
                    peer.since = now;
                    self.rib.peer_down(store, id);
                    self.work = true;
                }
                self.events.push_back(Event::Down { peer: id, established, reason });
            }
            _ => {}
        }
    }

    /// Sets the deadline of a line, and forgets a second session that has lost its connection or takes the first one's place.
    fn settle(&mut self, id: PeerId) {
        let Some(peer) = self.peer_mut(id) else { return };
        let over = |line: &Option<Line>| {
            line.as_ref().is_none_or(|line| line.conn.is_none() && line.session.state() != State::Connect)
        };
        let [main, second] = &mut peer.lines;
        if second.is_some() && over(second) {
            *second = None;
        } else if second.is_some() && over(main) {
            *main = second.take();
        }
        let deadlines =
            [0, 1].map(|line| (line, peer.lines.get(line).and_then(|l| l.as_ref()?.session.poll_timeout())));
        for (line, deadline) in deadlines {
            self.deadlines.set(key(id, line), deadline);
        }
    }
}
