//! A BGP session: octets, events and the clock in any order.

use std::time::Duration;

use bgp_fsm::{Cease, Config, Event, Instant, PeerAs, Session, SessionEvent, State};
use bgp_wire::capability::Capability;
use bgp_wire::{Asn, BgpId, Context, Family, MAX_LEN_EXTENDED, Message, SessionKind, frame};
use bytes::BytesMut;

use super::Input;

const EVENTS: [Event; 20] = [
    Event::ManualStart,
    Event::ManualStop,
    Event::AutomaticStart,
    Event::ManualStartPassive,
    Event::AutomaticStartPassive,
    Event::AutomaticStartDamped,
    Event::AutomaticStartDampedPassive,
    Event::AutomaticStop,
    Event::ConnectRetryTimerExpires,
    Event::HoldTimerExpires,
    Event::KeepaliveTimerExpires,
    Event::DelayOpenTimerExpires,
    Event::IdleHoldTimerExpires,
    Event::SendHoldTimerExpires,
    Event::TcpConnectionValid,
    Event::TcpCrInvalid,
    Event::TcpCrAcked,
    Event::TcpConnectionConfirmed,
    Event::TcpConnectionFails,
    Event::OpenCollisionDump,
];

/// The first octet chooses the configuration; then operations of an octet with their arguments behind it: 0 an event,
/// 1 octets from the peer (length in 2 octets), 2 an administrative end, 3 to the next deadline, 4 a timeout too early,
/// 5 seconds go by, 6 the socket took octets, 7 a route refresh.
///
/// # Panics
/// If a timeout at the deadline makes no progress or an early one has an effect, something is sent that is no whole
/// message, or state, negotiation and what the owner is told do not fit together.
pub fn session(data: &[u8]) {
    let mut input = Input(data);
    let mut drive = Drive::new(config(input.u8()));
    while !input.is_empty() {
        let before = drive.session.state();
        drive.step(&mut input);
        drive.drain(before);
    }
    let _ = format!("{:?}", drive.session);
}

struct Drive {
    session: Session,
    now: Instant,
}

impl Drive {
    fn new(config: Config) -> Self {
        Self { session: Session::new(config, 7), now: Instant::from_secs(1_000_000) }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.u8() % 8 {
            0 => {
                if let Some(event) = EVENTS.get(usize::from(input.u8()) % EVENTS.len()) {
                    self.session.handle(self.now, *event);
                }
            }
            1 => {
                let len = usize::from(input.u16());
                self.receive(input.take(len));
            }
            2 => self.session.cease(self.now, cease(input.u8())),
            3 => self.deadline(),
            4 => self.early(),
            5 => {
                self.now = self.now + Duration::from_millis(u64::from(input.u16()) * 10);
                self.session.handle_timeout(self.now);
            }
            6 => self.session.sent(self.now, input.u8() & 1 == 1),
            _ => {
                let asked = self.session.request_refresh(Family::IPV4_UNICAST);
                assert!(!asked || self.session.state() == State::Established);
            }
        }
    }

    fn receive(&mut self, mut octets: &[u8]) {
        loop {
            match frame(octets, self.session.receive_limit()) {
                Ok(Some((message, rest))) => {
                    let accepted = self.session.accepts(message);
                    let before = self.session.state();
                    let _ = self.session.receive(self.now, message);
                    if accepted.is_some() {
                        assert_eq!(self.session.state(), State::OpenConfirm, "from {before}");
                    }
                    octets = rest;
                }
                Ok(None) => return,
                Err(error) => return self.session.framing_error(self.now, error, octets),
            }
        }
    }

    /// The law of timeouts: at the deadline there is progress.
    fn deadline(&mut self) {
        let Some(deadline) = self.session.poll_timeout() else { return };
        self.now = self.now.max(deadline);
        self.session.handle_timeout(self.now);
        assert!(self.session.poll_timeout().is_none_or(|next| next > self.now), "no progress at {deadline}");
    }

    /// The law of timeouts: before the deadline nothing happens.
    fn early(&mut self) {
        let before = self.session.poll_timeout();
        if before.is_none_or(|deadline| deadline > self.now) {
            let (state, timers) = (self.session.state(), *self.session.timers());
            self.session.handle_timeout(self.now);
            assert_eq!(self.session.state(), state);
            assert_eq!(*self.session.timers(), timers);
            assert_eq!(self.session.poll_timeout(), before);
            assert!(!self.session.poll_transmit(&mut BytesMut::new()));
        }
    }

    /// Everything that comes out, and whether it fits the state.
    fn drain(&mut self, before: State) {
        let mut out = BytesMut::new();
        while self.session.poll_transmit(&mut out) {
            assert!(out.len() < 1 << 20, "output without end");
        }
        let mut rest = &out[..];
        while !rest.is_empty() {
            let Ok(Some((message, behind))) = frame(rest, MAX_LEN_EXTENDED) else {
                unreachable!("not framed: {rest:?}")
            };
            let context = Context::new(SessionKind::Ebgp);
            assert!(Message::decode(message, &context).is_ok(), "sent what cannot be read: {message:?}");
            rest = behind;
        }
        let mut actions = 0;
        while self.session.poll_action().is_some() {
            actions += 1;
        }
        assert!(actions <= 8, "{actions} TCP actions in one step");
        let (mut up, mut down) = (0, 0);
        while let Some(event) = self.session.poll_event() {
            match event {
                SessionEvent::Up(negotiated) => {
                    assert!(negotiated.hold_time == 0 || negotiated.hold_time >= 3);
                    up += 1;
                }
                SessionEvent::Down(_) => down += 1,
                _ => {}
            }
        }
        let state = self.session.state();
        assert!(state != State::Established || before == State::Established || up > 0);
        assert!(before != State::Established || state == State::Established || down > 0);
        assert_eq!(self.session.negotiated().is_some(), matches!(state, State::OpenConfirm | State::Established));
    }
}

fn config(bits: u8) -> Config {
    let peer = if bits & 1 == 0 { PeerAs::Exact(Asn(64513)) } else { PeerAs::Any };
    let mut config = Config::new(Asn(64512), BgpId(0x0a00_0001), peer)
        .with_damp_peer_oscillations(bits & 2 != 0)
        .with_delay_open_time(Duration::from_secs(if bits & 4 == 0 { 0 } else { 5 }))
        .with_send_notification_without_open(bits & 8 != 0)
        .with_passive(bits & 16 != 0)
        .with_hold_time(if bits & 32 == 0 { 90 } else { 0 })
        .with_jitter(bits & 64 != 0);
    if bits & 128 != 0 {
        config.capabilities.push(Capability::ExtendedMessage);
        config.capabilities.push(Capability::MultiProtocol(Family::IPV6_UNICAST));
        config.capabilities.push(Capability::EnhancedRouteRefresh);
    }
    config
}

fn cease(number: u8) -> Cease {
    match number % 6 {
        0 => Cease::shutdown().with_communication("planned work"),
        1 => Cease::shutdown().hard(),
        2 => Cease::reset(),
        3 => Cease::deconfigured(),
        4 => Cease::too_many_prefixes(Family::IPV4_UNICAST, 100),
        _ => Cease::out_of_resources(),
    }
}
