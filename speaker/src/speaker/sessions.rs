//! Inputs to sessions, and what the sessions then want: octets out, connections, routes.

use alloc::boxed::Box;
use core::net::IpAddr;

use bgp_fsm::{Cease, Event as Input, Instant, Negotiated, Received, Session, SessionEvent, State, TcpAction};
use bgp_rib::{AttrStore, PeerId};
use bgp_wire::{Family, MessageType, RefreshSubtype, message_type};
use bytes::Bytes;

use super::Speaker;
use crate::connection::{Cut, Stream};
use crate::event::{ConnId, Direction, Event, Refused};
use crate::limit::Held;
use crate::peer::{Due, Line, Peer, Which};

impl Speaker {
    /// Starts a peer's session (RFC 4271 section 8.1.2, event 1): it dials, or waits when it is configured passive.
    ///
    /// A session that is started already goes on. One that ends by an error starts again by itself only with
    /// `damp_peer_oscillations`.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// speaker.start(&mut store, now, peer);
    /// assert!(matches!(speaker.poll_event(), Some(Event::Dial { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn start(&mut self, store: &mut AttrStore, now: Instant, peer: PeerId) {
        self.input(store, now, peer, Which::Main, Input::ManualStart);
    }

    /// Stops a peer's sessions with a Cease, Administrative Shutdown (event 2); it stays in Idle until it is started.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// speaker.start(&mut store, now, peer);
    /// speaker.stop(&mut store, now, peer);
    /// assert!(speaker.peer(peer).is_some_and(|peer| peer.state == State::Idle));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stop(&mut self, store: &mut AttrStore, now: Instant, peer: PeerId) {
        self.cease(store, now, peer, &Cease::shutdown());
    }

    /// Ends a peer's sessions for an administrative reason, of which the peer is told. After
    /// [`Cease::shutdown`] it stays in Idle until it is started; after others it starts again by itself if it damps
    /// oscillations.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// speaker.start(&mut store, now, peer);
    /// speaker.cease(&mut store, now, peer, &Cease::shutdown().with_communication("maintenance until 06:00"));
    /// assert!(speaker.peer(peer).is_some_and(|peer| peer.state == State::Idle));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cease(&mut self, store: &mut AttrStore, now: Instant, peer: PeerId, cease: &Cease) {
        let was_up = self.peer_ref(peer).is_some_and(|peer| peer.up);
        // The second one first: it would take the place of the main one.
        for which in [Which::Second, Which::Main] {
            if let Some(session) = self.session_mut(peer, which) {
                session.cease(now, cease.clone());
                self.drain(store, now, peer, which);
            }
        }
        if !was_up {
            self.forget_stale(store, peer);
        }
    }

    /// Asks a peer for its routes of `family` again (RFC 2918). False, and nothing is sent, if it is not Established, or
    /// did not negotiate the family or the message.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// assert!(!speaker.refresh(&mut store, now, peer, Family::IPV4_UNICAST)); // not Established
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn refresh(&mut self, store: &mut AttrStore, now: Instant, peer: PeerId, family: Family) -> bool {
        let asked = self.session_mut(peer, Which::Main).is_some_and(|session| session.request_refresh(family));
        if asked {
            self.drain(store, now, peer, Which::Main);
        }
        asked
    }

    /// A dialled connection is open.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// speaker.start(&mut store, now, peer);
    /// let Some(Event::Dial { conn, .. }) = speaker.poll_event() else { return Err("no dial".into()) };
    /// speaker.connected(&mut store, now, conn);
    /// let state = speaker.session(conn).map(bgp_fsm::Session::state);
    /// assert_eq!(state, Some(State::OpenSent));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn connected(&mut self, store: &mut AttrStore, now: Instant, conn: ConnId) {
        if let Some((peer, which)) = self.line_of(conn) {
            self.input(store, now, peer, which, Input::TcpCrAcked);
        }
    }

    /// A connection is gone: the dial failed, the peer closed it, or the driver did. Its id is free: no [`Event::Close`]
    /// follows, and after an [`Event::Close`] this call does nothing.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// speaker.start(&mut store, now, peer);
    /// let Some(Event::Dial { conn, .. }) = speaker.poll_event() else { return Err("no dial".into()) };
    /// speaker.disconnected(&mut store, now, conn);
    /// assert!(matches!(speaker.poll_event(), Some(Event::Down { established: false, .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn disconnected(&mut self, store: &mut AttrStore, now: Instant, conn: ConnId) {
        let line = self.line_of(conn);
        self.connections.remove(conn);
        if let Some((peer, which)) = line {
            if let Some(line) = self.peer_mut(peer).and_then(|peer| peer.line_mut(which)) {
                line.conn = None;
            }
            self.input(store, now, peer, which, Input::TcpConnectionFails);
        }
    }

    /// Octets that a connection received: any piece of the stream.
    ///
    /// A message that is whole in `octets` is used where it lies; only one that is cut is kept until its rest comes. The
    /// octets of a connection that is closing or gone are ignored.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// speaker.start(&mut store, now, peer);
    /// let Some(Event::Dial { conn, .. }) = speaker.poll_event() else { return Err("no dial".into()) };
    /// speaker.connected(&mut store, now, conn);
    /// speaker.receive(&mut store, now, conn, &[0; 19]); // no BGP
    /// assert!(matches!(speaker.poll_event(), Some(Event::Transmit { .. }))); // our OPEN
    /// assert!(matches!(speaker.poll_event(), Some(Event::Down { .. }))); // a NOTIFICATION follows it
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn receive(&mut self, store: &mut AttrStore, now: Instant, conn: ConnId, octets: &[u8]) {
        if !self.is_open(conn) {
            return;
        }
        self.counters.octets = self.counters.octets.saturating_add(u64::try_from(octets.len()).unwrap_or(u64::MAX));
        let mut incoming = self.connections.take_incoming(conn);
        let outcome = incoming.receive(octets, &mut Reading { speaker: self, store, now, conn });
        self.connections.put_incoming(conn, incoming);
        if let Err((error, header)) = outcome
            && let Some((peer, which)) = self.line_of(conn)
            && let Some(session) = self.session_mut(peer, which)
        {
            session.framing_error(now, error, &header);
            self.drain(store, now, peer, which);
        }
    }

    /// The socket took `count` of the octets that [`Speaker::poll_transmit`] lent. Call it before anything else that
    /// concerns the connection.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// speaker.start(&mut store, now, peer);
    /// let Some(Event::Dial { conn, .. }) = speaker.poll_event() else { return Err("no dial".into()) };
    /// speaker.connected(&mut store, now, conn);
    /// let written = speaker.poll_transmit(&mut store, conn).map(<[u8]>::len).sum(); // the socket takes all
    /// speaker.sent(now, conn, written);
    /// assert_eq!(speaker.poll_transmit(&mut store, conn).count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sent(&mut self, now: Instant, conn: ConnId, count: usize) {
        self.clock = Some(now);
        let sent = self.connections.sent(conn, count);
        if sent.updates > 0
            && let Some(peer) = self.connections.owner(conn).and_then(|id| self.peer_mut(id))
            && peer.has(conn)
        {
            peer.past_mut().messages.add_sent_updates(sent.updates);
        }
        if sent.drained {
            self.close_now(conn, false);
        } else if count > 0
            && let Some((peer, which)) = self.line_of(conn)
            && let Some(session) = self.session_mut(peer, which)
        {
            session.sent(now, sent.updates > 0);
            let deadline = session.poll_timeout();
            self.deadlines.set(peer.0, deadline);
            self.begin_interval(now, peer);
        }
    }

    /// Serves the timers that are due at `now`; call it no earlier than [`Speaker::poll_timeout`] says.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// speaker.start(&mut store, now, peer);
    /// let Some(due) = speaker.poll_timeout() else { return Err("ConnectRetryTimer runs".into()) };
    /// speaker.handle_timeout(&mut store, due);
    /// assert!(speaker.poll_timeout() > Some(due));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn handle_timeout(&mut self, store: &mut AttrStore, now: Instant) {
        self.end_deferral(Some(now));
        while let Some(conn) = self.connections.pop_abort(now) {
            self.close_now(conn, true);
        }
        while let Some((at, peer)) = self.next_deadline()
            && at <= now
        {
            self.deadlines.pop();
            match self.peer_ref(peer).and_then(Peer::deadline) {
                Some((_, Due::Line(which))) => {
                    self.end_withheld(store, now, peer);
                    if let Some(session) = self.session_mut(peer, which) {
                        session.handle_timeout(now);
                        self.drain(store, now, peer, which);
                    }
                }
                Some((_, Due::Restart)) => self.restart_timeout(store, now, peer),
                Some((_, Due::Interval)) => self.interval_timeout(peer),
                None => {}
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
        let speaker_seed = self.seed;
        let peer = self.peer_mut(id).ok_or(Refused::UnknownPeer(address))?;
        if peer.waits_to_dial() {
            // It is the peer that gets through. RFC 4271 8.2.2 refuses connections in Idle; two speakers that dial each
            // other while the other one waits would never meet then. Damping stays: only the dial that failed is forgiven.
            peer.main.session.handle(now, Input::IdleHoldTimerExpires);
            while peer.main.session.poll_action().is_some() {}
        }
        let which = match peer.main.session.state() {
            State::Idle => return Err(Refused::Idle(address)),
            // RFC 4271 8.2.2, Active: the peer's connection is the one waited for.
            _ if peer.main.conn.is_none() => Which::Main,
            // A dial may be under way, or a connection is there: RFC 4271 6.8 decides when the OPENs are known.
            _ if peer.second.is_none() => {
                let past = peer.past_mut();
                past.seconds = past.seconds.wrapping_add(1);
                let seed = super::seed_of(speaker_seed, id, past.seconds);
                let mut session = Session::new(peer.second_config(), seed);
                // Started like the main one, whose place it may take; but it has what it would dial for.
                session.handle(now, Input::ManualStart);
                while session.poll_action().is_some() {}
                if peer.bfd_up {
                    session.handle(now, Input::BfdUp);
                }
                peer.second = Some(Box::new(Line { session, conn: None, dialled: false }));
                Which::Second
            }
            _ => return Err(Refused::TooManyConnections(address)),
        };
        let conn = self.connections.open(id);
        if let Some(line) = self.peer_mut(id).and_then(|peer| peer.line_mut(which)) {
            line.conn = Some(conn);
            line.dialled = false;
        }
        self.input(store, now, id, which, Input::TcpConnectionConfirmed);
        Ok(conn)
    }

    pub(super) fn input(&mut self, store: &mut AttrStore, now: Instant, peer: PeerId, which: Which, event: Input) {
        if let Some(session) = self.session_mut(peer, which) {
            session.handle(now, event);
            self.drain(store, now, peer, which);
        }
    }

    pub(super) fn session_mut(&mut self, peer: PeerId, which: Which) -> Option<&mut Session> {
        Some(&mut self.peer_mut(peer)?.line_mut(which)?.session)
    }

    pub(super) fn line_of(&self, conn: ConnId) -> Option<(PeerId, Which)> {
        let peer = self.connections.peer(conn)?;
        Some((peer, self.peer_ref(peer)?.which(conn)?))
    }

    fn message(&mut self, store: &mut AttrStore, now: Instant, conn: ConnId, message: &[u8]) {
        if let Some(peer) = self.connections.peer(conn) {
            self.tap(conn, peer, Direction::Received, || Bytes::copy_from_slice(message));
        }
        if message_type(message) == Some(MessageType::OPEN) && !self.survives(store, now, conn, message) {
            return;
        }
        let Some((peer, which)) = self.line_of(conn) else { return };
        let Some(session) = self.session_mut(peer, which) else { return };
        match session.receive(now, message) {
            Received::Update(update) => {
                if let Some(family) = update.end_of_rib() {
                    self.end_of_rib(store, peer, family);
                    self.check_limits(store, now, peer);
                    self.events.push_back(Event::EndOfRib { peer, family });
                } else {
                    self.note_announced(peer, &update);
                    self.rib.update(store, peer, &update);
                    self.work = true;
                    self.check_limits(store, now, peer);
                    self.check_attributes(store, now, peer, message.len());
                }
            }
            Received::RouteRefresh(refresh) => {
                let enhanced = session.negotiated().is_some_and(Negotiated::enhanced_route_refresh);
                match refresh.subtype {
                    RefreshSubtype::BEGIN => self.rib.begin_refresh(peer, refresh.family),
                    RefreshSubtype::END => self.rib.end_refresh(store, peer, refresh.family),
                    _ if enhanced => self.rib.refresh_enhanced(store, peer, refresh.family),
                    _ => self.rib.refresh(store, peer, refresh.family),
                }
                self.work = true;
            }
            _ => {}
        }
        self.drain(store, now, peer, which);
    }

    /// Carries out what a session wants, in this order: what it tells, what it says, what becomes of its connection. Then
    /// sets its deadline.
    pub(super) fn drain(&mut self, store: &mut AttrStore, now: Instant, peer: PeerId, mut which: Which) {
        while let Some(event) = self.session_mut(peer, which).and_then(Session::poll_event) {
            if which == Which::Second && matches!(event, SessionEvent::Up(_)) {
                self.promote(store, now, peer);
                which = Which::Main;
            }
            self.session_event(store, now, peer, which, event);
        }
        let Some(line) = self.peers.get_mut(super::index(peer)).and_then(|peer| peer.as_mut()?.line_mut(which)) else {
            return;
        };
        let (conn, ends) = (line.conn, line.session.state() == State::Idle);
        let speaks = line.session.poll_transmit(&mut self.scratch);
        if let Some(conn) = conn {
            match (ends, speaks) {
                (true, true) => self.connections.drop_tables(conn),
                // Nobody reads what a peer was sent that ended the session, or cannot be spoken to.
                (true, false) => self.connections.drop_all(conn),
                (false, _) => {}
            }
            if speaks {
                let messages = self.scratch.split().freeze();
                self.tap(conn, peer, Direction::Sent, || messages.clone());
                if self.connections.queue_urgent(conn, messages) {
                    self.events.push_back(Event::Transmit { conn });
                }
            }
        }
        self.scratch.clear();
        while let Some(action) = self.session_mut(peer, which).and_then(Session::poll_action) {
            match action {
                TcpAction::Connect => self.dial(peer, which),
                TcpAction::Close { abort } => self.close(now, peer, which, abort),
                TcpAction::Configure => {
                    if let Some(conn) = self.peer_ref(peer).and_then(|peer| peer.line(which)?.conn) {
                        self.events.push_back(Event::Configure { conn, peer });
                    }
                }
                _ => {}
            }
        }
        self.settle(now, peer);
    }

    fn dial(&mut self, id: PeerId, which: Which) {
        let conn = self.connections.open(id);
        let Some(peer) = self.peer_mut(id) else { return };
        let remote = peer.config.remote();
        let previous = peer.line_mut(which).and_then(|line| {
            line.dialled = true;
            line.conn.replace(conn)
        });
        if let Some(previous) = previous {
            self.close_now(previous, true);
        }
        self.events.push_back(Event::Dial { conn, peer: id, remote });
    }

    fn close(&mut self, now: Instant, id: PeerId, which: Which, abort: bool) {
        let linger = self.config.linger;
        let Some(peer) = self.peers.get_mut(super::index(id)).and_then(Option::as_mut) else { return };
        let Some(conn) = peer.line_mut(which).and_then(|line| line.conn.take()) else { return };
        if abort || self.connections.close(conn, now + linger) {
            self.close_now(conn, abort);
            return;
        }
        // A peer that opens and fails connections without end makes no more than two of them linger.
        let [oldest, newer] = &mut peer.past_mut().lingering;
        let oldest = core::mem::replace(oldest, newer.replace(conn));
        if let Some(oldest) = oldest {
            self.close_now(oldest, true);
        }
    }

    pub(super) fn close_now(&mut self, conn: ConnId, abort: bool) {
        if self.connections.remove(conn) {
            self.events.push_back(Event::Close { conn, abort });
        }
    }

    fn session_event(&mut self, store: &mut AttrStore, now: Instant, id: PeerId, which: Which, event: SessionEvent) {
        match event {
            SessionEvent::Up(negotiated) => {
                if let Some(peer) = self.peer_mut(id) {
                    let contested = peer.second.as_ref().and_then(|second| second.conn);
                    (peer.up, peer.since) = (true, now);
                    let past = peer.past_mut();
                    past.contested = contested;
                    past.change = None;
                    past.warned = bgp_wire::FamilySet::EMPTY;
                    past.held = Held::default();
                    past.ended = bgp_wire::FamilySet::EMPTY;
                    past.established = past.established.saturating_add(1);
                }
                self.routes_up(store, now, id, &negotiated);
                self.end_deferral(Some(now));
                self.events.push_back(Event::Up { peer: id, negotiated: Box::new(negotiated) });
            }
            SessionEvent::Down(reason) => {
                let Some(peer) = self.peer_mut(id) else { return };
                let established = peer.up && which == Which::Main;
                peer.note_down(now, &reason);
                if established {
                    (peer.up, peer.since) = (false, now);
                    let past = peer.past_mut();
                    past.flaps = past.flaps.saturating_add(1);
                    past.interval = None;
                    self.routes_down(store, now, id, &reason);
                }
                self.events.push_back(Event::Down { peer: id, established, reason });
            }
            _ => {}
        }
    }

    /// Forgets a second session that has lost its connection, or puts it in the place of a main one that has. Sets the
    /// peer's deadlines.
    pub(super) fn settle(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get_mut(super::index(id)).and_then(Option::as_mut) else { return };
        if let Some(mut second) = peer.second.take_if(|second| second.conn.is_none() || peer.main.conn.is_none()) {
            let takes_place = second.conn.is_some();
            if takes_place {
                core::mem::swap(&mut peer.main, &mut second);
            }
            peer.retire(&second);
            if takes_place {
                // An OPEN that was withheld goes out now.
                peer.main.session.reconfigure(now, peer.config.session.clone());
            }
        }
        let deadline = peer.deadline().map(|(at, _)| at);
        self.deadlines.set(id.0, deadline);
        self.count_unopened(id);
        self.leave_if_gone(id);
    }
}

/// A connection that is being read from.
struct Reading<'r> {
    speaker: &'r mut Speaker,
    store: &'r mut AttrStore,
    now: Instant,
    conn: ConnId,
}

impl Stream for Reading<'_> {
    fn cut<'m>(&self, octets: &'m [u8]) -> Cut<'m> {
        match self.speaker.session(self.conn).map(|session| session.frame(octets)) {
            Some(Ok(Some((message, rest)))) => Cut::Message(message, rest),
            Some(Ok(None)) => Cut::Incomplete,
            Some(Err(error)) => Cut::Wrong(error),
            None => Cut::Over,
        }
    }

    fn message(&mut self, message: &[u8]) {
        self.speaker.counters.messages = self.speaker.counters.messages.saturating_add(1);
        self.speaker.message(self.store, self.now, self.conn, message);
    }
}
