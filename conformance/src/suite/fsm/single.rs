//! A session on its own: cases with one connection.

use std::collections::BTreeSet;

use bgp_fsm::{Cause, Cease, Event, Instant, Received, Restart, Session, SessionEvent, State, TcpAction};
use bgp_wire::{Family, RefreshSubtype, frame};
use bytes::{Buf, BytesMut};

use super::cease;
use super::message::Sent;
use super::setup::Setup;
use super::subject::{MOST_DEADLINES, Outcome, Routes, START, Subject, moved};
use crate::{Fields, Mismatch};

/// A session and its driver.
#[derive(Debug)]
pub(super) struct Single {
    session: Session,
    now: Instant,
    /// The part of a message that came in.
    received: BytesMut,
    /// A connection is open or being opened.
    connected: bool,
    /// The socket takes nothing.
    stalled: bool,
    outcome: Outcome,
    restart: Restart,
    /// A session has ended that was Established.
    failed: bool,
}

impl Single {
    pub(super) fn new(setup: Setup) -> Single {
        Single {
            session: Session::new(setup.config, 1),
            now: START,
            received: BytesMut::new(),
            connected: false,
            stalled: false,
            outcome: Outcome::default(),
            restart: Restart::new(),
            failed: false,
        }
    }

    fn raise(&mut self, event: Event) {
        self.session.handle(self.now, event);
        self.drain();
    }

    fn cease(&mut self, cease: Cease) {
        self.session.cease(self.now, cease);
        self.drain();
    }

    /// Carries out what the session wants: a driver whose network does everything at once.
    fn drain(&mut self) {
        let mut out = BytesMut::new();
        while self.session.poll_transmit(&mut out) {
            if !self.stalled {
                self.session.sent(self.now, false);
            }
        }
        while let Ok(Some((message, rest))) = frame(&out, bgp_wire::MAX_LEN_EXTENDED) {
            self.outcome.tx.push(Sent { conn: "out".into(), octets: message.to_vec() });
            let rest = rest.len();
            out.advance(out.len() - rest);
        }
        while let Some(action) = self.session.poll_action() {
            let name = match action {
                TcpAction::Connect => "connect",
                TcpAction::Close { abort } => {
                    self.outcome.hard = abort;
                    "close"
                }
                TcpAction::Reject => "reject",
                _ => "unknown",
            };
            self.outcome.tcp.push(name);
            if name != "reject" {
                self.connected = name == "connect";
                self.received.clear();
            }
        }
        while let Some(event) = self.session.poll_event() {
            match event {
                SessionEvent::Down(down) => {
                    self.restart.down(self.now, &down);
                    // A restart time of 0 is over at once.
                    self.restart.handle_timeout(self.now);
                    self.failed |= down.was_established();
                    if let Cause::Received(notification) = down.cause {
                        self.outcome.peer_down = Some(notification);
                    }
                }
                SessionEvent::Up(negotiated) => {
                    self.restart.up(self.now, &negotiated);
                }
                _ => {}
            }
        }
    }

    fn timeout(&mut self, now: Instant) {
        self.now = now;
        self.restart.handle_timeout(now);
        self.session.handle_timeout(now);
        self.drain();
    }

    fn update(&mut self, octets: Vec<u8>) {
        if self.session.state() == State::Established {
            self.outcome.tx.push(Sent { conn: "out".into(), octets });
            if !self.stalled {
                self.session.sent(self.now, true);
                self.drain();
            }
        }
    }
}

impl Subject for Single {
    fn event(&mut self, name: &str, conn: Option<&str>, input: &Fields<'_>) -> Result<(), Mismatch> {
        if !matches!(conn, None | Some("out")) {
            return Err(Mismatch::unknown(input.path("conn")));
        }
        if let Some(cease) = cease::read(name, input)? {
            self.cease(cease);
            return Ok(());
        }
        if let Some(event) = raw_event(name) {
            if matches!(event, Event::TcpCrAcked | Event::TcpConnectionConfirmed) {
                self.connected = true;
            }
            self.raise(event);
            if event == Event::TcpConnectionFails {
                self.connected = false;
                self.received.clear();
            }
            return Ok(());
        }
        match name {
            "TcpUp" => return self.event("Tcp_CR_Acked", conn, input),
            "BfdUp" => self.raise(Event::BfdUp),
            "BfdDown" => self.raise(Event::BfdDown),
            "TxStalled" => self.stalled = true,
            "SendUpdate" => {
                let octets = input.text("hex")?.and_then(|hex| hex::decode(hex).ok());
                self.update(octets.ok_or_else(|| Mismatch::unknown(input.path("hex")))?);
            }
            _ => return Err(Mismatch::unknown(input.path("event"))),
        }
        Ok(())
    }

    fn receive(&mut self, conn: Option<&str>, octets: &[u8]) -> Result<(), Mismatch> {
        if !matches!(conn, None | Some("out")) {
            return Err(Mismatch::unknown("input.conn"));
        }
        if self.session.state() == State::Idle {
            return Ok(());
        }
        self.received.extend_from_slice(octets);
        while self.session.state() != State::Idle {
            let whole = match frame(&self.received, self.session.receive_limit()) {
                Ok(Some((message, _))) => message.len(),
                Ok(None) => break,
                Err(error) => {
                    let stream = self.received.split();
                    self.session.framing_error(self.now, error, &stream);
                    self.drain();
                    continue;
                }
            };
            let message = self.received.split_to(whole);
            match self.session.receive(self.now, &message) {
                Received::RouteRefresh(refresh) if refresh.subtype == RefreshSubtype::REQUEST => {
                    self.outcome.refresh = Some(refresh.family);
                }
                Received::Update(update) => {
                    for section in update.announced() {
                        self.restart.announced(section.family);
                    }
                    if let Some(family) = update.end_of_rib() {
                        self.restart.end_of_rib(family);
                    }
                }
                _ => {}
            }
            self.drain();
        }
        Ok(())
    }

    fn advance(&mut self, seconds: f64) {
        let target = moved(self.now, seconds);
        for _ in 0..MOST_DEADLINES {
            let due = [self.session.poll_timeout(), self.restart.poll_timeout()].into_iter().flatten().min();
            let Some(due) = due.filter(|due| *due <= target && self.now <= target) else { break };
            self.timeout(self.now.max(due));
        }
        self.timeout(target);
    }

    fn outcome(&mut self) -> Outcome {
        std::mem::take(&mut self.outcome)
    }

    fn state(&self) -> State {
        self.session.state()
    }

    fn session(&self) -> Option<&Session> {
        Some(&self.session)
    }

    fn conn_state(&self, conn: &str) -> Option<&'static str> {
        (conn == "out").then(|| if self.connected { self.session.state().name() } else { "closed" })
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn has_connection(&self) -> bool {
        self.connected
    }

    fn restart_deadline(&self) -> Option<Instant> {
        self.restart.restart_deadline()
    }

    fn long_lived_deadline(&self, family: Family) -> Option<Instant> {
        self.restart.long_lived_deadline(family)
    }

    fn routes(&self) -> Option<Routes> {
        let routes = match (self.restart.stale().is_empty(), self.restart.long_lived_stale().is_empty()) {
            (true, _) => Routes::Deleted,
            (false, true) => Routes::Stale,
            (false, false) => Routes::LongLivedStale,
        };
        self.failed.then_some(routes)
    }

    fn routes_in(&mut self) -> Option<BTreeSet<String>> {
        None
    }

    fn loc_rib(&mut self) -> Option<BTreeSet<String>> {
        None
    }

    fn peers_count(&self) -> Option<usize> {
        None
    }

    fn debug(&self) -> String {
        format!("{:?} {:#?}", self.session, self.session)
    }
}

/// The events of RFC 4271 section 8.1 by the vectors' names.
fn raw_event(name: &str) -> Option<Event> {
    Some(match name {
        "ManualStart" => Event::ManualStart,
        "AutomaticStart" => Event::AutomaticStart,
        "ManualStart_with_PassiveTcpEstablishment" => Event::ManualStartPassive,
        "AutomaticStart_with_PassiveTcpEstablishment" => Event::AutomaticStartPassive,
        "AutomaticStart_with_DampPeerOscillations" => Event::AutomaticStartDamped,
        "AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment" => Event::AutomaticStartDampedPassive,
        "AutomaticStop" => Event::AutomaticStop,
        "ConnectRetryTimer_Expires" => Event::ConnectRetryTimerExpires,
        "HoldTimer_Expires" => Event::HoldTimerExpires,
        "KeepaliveTimer_Expires" => Event::KeepaliveTimerExpires,
        "DelayOpenTimer_Expires" => Event::DelayOpenTimerExpires,
        "IdleHoldTimer_Expires" => Event::IdleHoldTimerExpires,
        "TcpConnection_Valid" => Event::TcpConnectionValid,
        "Tcp_CR_Invalid" => Event::TcpCrInvalid,
        "Tcp_CR_Acked" => Event::TcpCrAcked,
        "TcpConnectionConfirmed" => Event::TcpConnectionConfirmed,
        "TcpConnectionFails" => Event::TcpConnectionFails,
        "OpenCollisionDump" => Event::OpenCollisionDump,
        _ => return None,
    })
}
