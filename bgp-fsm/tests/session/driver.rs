//! A driver that checks everything a session does against the rules that hold in every state.

use bgp_fsm::{
    Cease, Change, Config, Event, Instant, PeerAs, Received, Session, SessionEvent, State, TcpAction, Timer,
};
use bgp_wire::{
    Asn, BgpId, MAX_LEN_EXTENDED, MessageType, Notification, NotificationCode, Open, capability::Capability, frame,
    message_type,
};
use bytes::BytesMut;

pub(crate) const LOCAL: u32 = 64512;
pub(crate) const PEER: u32 = 64513;

pub(crate) fn config() -> Config {
    Config::new(Asn(LOCAL), BgpId(0x0a00_0001), PeerAs::Exact(Asn(PEER))).with_jitter(false)
}

/// The peer's OPEN.
pub(crate) fn open(hold_time: u16) -> Vec<u8> {
    let open = Open::new(Asn(PEER), hold_time, BgpId(0x0a00_0002)).with_capability(Capability::FourOctetAs(Asn(PEER)));
    let open = open.with_capability(Capability::BfdStrict);
    let open = open.with_capability(Capability::RouteRefresh);
    let mut out = BytesMut::new();
    open.encode(&mut out).unwrap();
    out.to_vec()
}

pub(crate) fn notification(code: NotificationCode) -> Vec<u8> {
    let mut out = BytesMut::new();
    Notification::new(code, &[]).encode(&mut out);
    out.to_vec()
}

pub(crate) fn message(hex: &str) -> Vec<u8> {
    hex::decode(format!("{}{hex}", "ff".repeat(16))).unwrap()
}

#[derive(Clone, Debug)]
pub(crate) enum Input {
    Event(Event),
    Message(Vec<u8>),
    BadHeader,
    Cease(Cease),
    /// The first timer expires.
    Timeout,
    /// A new configuration, made of the one in force.
    Reconfigure(fn(Config) -> Config),
}

/// Everything that can happen to a session.
pub(crate) fn inputs() -> Vec<Input> {
    use Event as E;
    let events = [
        E::ManualStart,
        E::ManualStop,
        E::AutomaticStart,
        E::ManualStartPassive,
        E::AutomaticStartPassive,
        E::AutomaticStartDamped,
        E::AutomaticStartDampedPassive,
        E::AutomaticStop,
        E::ConnectRetryTimerExpires,
        E::HoldTimerExpires,
        E::KeepaliveTimerExpires,
        E::DelayOpenTimerExpires,
        E::IdleHoldTimerExpires,
        E::SendHoldTimerExpires,
        E::TcpConnectionValid,
        E::TcpCrInvalid,
        E::TcpCrAcked,
        E::TcpConnectionConfirmed,
        E::TcpConnectionFails,
        E::OpenCollisionDump,
        E::BfdUp,
        E::BfdDown,
        E::BfdHoldTimerExpires,
    ];
    let messages = [
        open(90),
        // AS 1, and version 3.
        message("001d0104 0001 005a 0a000002 00".replace(' ', "").as_str()),
        message("001d0103fc01005a0a00000200"),
        message("001304"),
        message("00170200000000"),
        // The withdrawn routes reach beyond the message.
        message("00170200ff0000"),
        message("00170500010001"),
        message("0018050001010100"),
        notification(NotificationCode::ADMIN_SHUTDOWN),
        notification(NotificationCode::UNSUPPORTED_VERSION),
        notification(NotificationCode::BAD_PEER_AS),
    ];
    let mut inputs: Vec<Input> = events.into_iter().map(Input::Event).collect();
    inputs.extend(messages.into_iter().map(Input::Message));
    inputs.extend([Input::BadHeader, Input::Cease(Cease::reset().hard()), Input::Timeout]);
    // One that asks for the routes again, one that waits for the next connection.
    inputs.extend([
        Input::Reconfigure(|config| {
            let reject = !config.reject_as_sets;
            config.with_reject_as_sets(reject)
        }),
        Input::Reconfigure(|config| config.with_hold_time(30)),
    ]);
    inputs
}

/// A session in each state, by way of the inputs that lead there.
pub(crate) fn states() -> Vec<Driver> {
    let mut drivers = vec![Driver::new(config())];
    drivers.extend([Event::ManualStart, Event::ManualStartPassive].map(|event| {
        let mut driver = Driver::new(config());
        driver.event(event);
        driver
    }));
    for messages in [&[][..], &[open(90)], &[open(90), message("001304")]] {
        let mut driver = Driver::new(config());
        driver.event(Event::ManualStart).event(Event::TcpCrAcked);
        for message in messages {
            driver.message(message);
        }
        drivers.push(driver);
    }
    let seen: Vec<State> = drivers.iter().map(|driver| driver.session.state()).collect();
    use State::{Active, Connect, Established, Idle, OpenConfirm, OpenSent};
    assert_eq!(seen, [Idle, Connect, Active, OpenSent, OpenConfirm, Established]);
    drivers
}

#[derive(Clone, Debug)]
pub(crate) struct Driver {
    pub(crate) session: Session,
    pub(crate) now: Instant,
    /// The connection is open.
    pub(crate) open: bool,
    /// It is being opened.
    pub(crate) dialing: bool,
    notified: bool,
    up: bool,
    /// The types of the messages that the last input brought out.
    pub(crate) sent: Vec<MessageType>,
    pub(crate) octets: Vec<u8>,
    pub(crate) actions: Vec<TcpAction>,
    pub(crate) events: Vec<SessionEvent>,
}

impl Driver {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            session: Session::new(config, 1),
            now: Instant::from_secs(1000),
            open: false,
            dialing: false,
            notified: false,
            up: false,
            sent: Vec::new(),
            octets: Vec::new(),
            actions: Vec::new(),
            events: Vec::new(),
        }
    }

    pub(crate) fn established(config: Config) -> Self {
        let mut driver = Self::new(config);
        driver.event(Event::ManualStart);
        driver.event(Event::TcpCrAcked);
        driver.message(&open(90));
        driver.message(&message("001304"));
        assert_eq!(driver.session.state(), State::Established);
        driver
    }

    pub(crate) fn event(&mut self, event: Event) -> &mut Self {
        let before = self.session.state();
        match event {
            Event::TcpCrAcked | Event::TcpConnectionConfirmed
                if matches!(before, State::Connect | State::Active) && !self.open =>
            {
                (self.open, self.dialing, self.notified) = (true, false, false);
            }
            Event::TcpConnectionFails => (self.open, self.dialing) = (false, false),
            _ => {}
        }
        self.session.handle(self.now, event);
        self.drain()
    }

    pub(crate) fn reconfigure(&mut self, config: Config) -> Change {
        let change = self.session.reconfigure(self.now, config);
        self.drain();
        change
    }

    pub(crate) fn message(&mut self, message: &[u8]) -> &mut Self {
        let state = self.session.state();
        let (ty, counters) = (message_type(message).unwrap(), *self.session.counters());
        let received = self.session.receive(self.now, message);
        let counted = self.session.counters().received(ty) - counters.received(ty);
        assert_eq!(counted, u64::from(state != State::Idle), "{ty}");
        if !matches!(received, Received::Nothing) {
            assert_eq!(state, State::Established, "routes outside Established");
        }
        self.drain()
    }

    pub(crate) fn input(&mut self, input: &Input) -> &mut Self {
        match input {
            Input::Event(event) => self.event(*event),
            Input::Message(octets) => self.message(octets),
            Input::BadHeader => {
                let octets = [0; 19];
                let error = frame(&octets, 4096).unwrap_err();
                self.session.framing_error(self.now, error, &octets);
                self.drain()
            }
            Input::Cease(cease) => {
                self.session.cease(self.now, cease.clone());
                self.drain()
            }
            Input::Timeout => match self.session.poll_timeout() {
                Some(at) => self.at(at),
                None => self,
            },
            Input::Reconfigure(change) => {
                self.reconfigure(change(self.session.config().clone()));
                self
            }
        }
    }

    /// The clock goes to `now`, in one step.
    pub(crate) fn at(&mut self, now: Instant) -> &mut Self {
        self.now = now;
        self.session.handle_timeout(now);
        assert!(self.session.poll_timeout().is_none_or(|at| at > now), "a timer that was due is still due");
        self.drain()
    }

    /// `seconds` later, in one step.
    pub(crate) fn after(&mut self, seconds: u64) -> &mut Self {
        self.at(self.now + core::time::Duration::from_secs(seconds))
    }

    pub(crate) fn notification(&self) -> Option<(u8, u8)> {
        let at = self.sent.iter().position(|ty| *ty == MessageType::NOTIFICATION)?;
        assert_eq!(at, self.sent.len() - 1, "something was sent after a NOTIFICATION");
        let mut rest = &self.octets[..];
        for _ in 0..at {
            rest = frame(rest, MAX_LEN_EXTENDED).unwrap().unwrap().1;
        }
        Some((rest[19], rest[20]))
    }

    /// What decides all that can happen from here on, whatever happened before and whenever: two sessions with the same
    /// text are in the same state. The clock is set back for that, which leaves to each timer what is left of it.
    pub(crate) fn rebase(&mut self) -> String {
        self.now = Instant::from_secs(1000);
        self.session.handle_timeout(self.now);
        let text = format!("{:?}", self.session);
        let (before, counters) = text.split_once("counters: Counters {").unwrap();
        let (_, after) = counters.split_once('}').unwrap();
        format!("{before}{after} {} {} {} {}", self.open, self.dialing, self.notified, self.up)
    }

    fn drain(&mut self) -> &mut Self {
        let mut out = BytesMut::new();
        self.sent.clear();
        let counters = *self.session.counters();
        if self.session.poll_transmit(&mut out) {
            assert!(self.open, "sent without a connection");
            assert!(!self.notified, "sent after a NOTIFICATION");
        }
        assert!(!self.session.poll_transmit(&mut out), "sent twice");
        self.octets = out.to_vec();
        let mut rest = &out[..];
        while let Some((message, more)) = frame(rest, MAX_LEN_EXTENDED).unwrap() {
            let ty = message_type(message).unwrap();
            self.sent.push(ty);
            rest = more;
        }
        for ty in (1..=5).map(MessageType) {
            let counted = self.session.counters().sent(ty) - counters.sent(ty);
            assert_eq!(u64::try_from(self.sent.iter().filter(|sent| **sent == ty).count()), Ok(counted), "{ty}");
        }
        self.notified |= self.notification().is_some();
        self.actions = std::iter::from_fn(|| self.session.poll_action()).collect();
        for action in &self.actions {
            match action {
                TcpAction::Connect => {
                    assert!(!self.open && !self.dialing, "dialled with a connection");
                    self.dialing = true;
                }
                TcpAction::Close { .. } => (self.open, self.dialing) = (false, false),
                _ => {}
            }
        }
        assert!(!(self.notified && self.open), "a NOTIFICATION without a close");
        self.events = std::iter::from_fn(|| self.session.poll_event()).collect();
        for event in &self.events {
            match event {
                SessionEvent::Up(_) => assert!(!std::mem::replace(&mut self.up, true), "up twice"),
                SessionEvent::Down(down) => {
                    assert_eq!(down.was_established(), std::mem::replace(&mut self.up, false));
                    assert!(!(down.is_local() && down.is_remote()));
                }
                _ => {}
            }
        }
        self.check();
        self
    }

    /// What is true of every session at every time.
    fn check(&self) {
        let state = self.session.state();
        assert_eq!(self.up, state == State::Established);
        assert_eq!(self.session.negotiated().is_some(), state >= State::OpenConfirm);
        let belongs: &[Timer] = match state {
            State::Idle => &[Timer::IdleHold],
            State::Connect | State::Active => &[Timer::ConnectRetry, Timer::DelayOpen],
            State::OpenSent => &[Timer::Hold],
            State::OpenConfirm => &[Timer::Hold, Timer::Keepalive, Timer::BfdHold],
            State::Established => &[Timer::Hold, Timer::Keepalive, Timer::SendHold],
        };
        for timer in Timer::ALL {
            let running = self.session.timers().is_running(*timer);
            assert!(!running || belongs.contains(timer), "{timer} runs in {state}");
        }
        match state {
            State::Idle => assert!(!self.open && !self.dialing, "a connection in Idle"),
            // One that never dials waits for its peer as long as it takes.
            State::Active if self.session.config().never_dial => {}
            // RFC 4271 4.2: with hold time 0 nothing runs.
            _ => assert!(
                self.session.poll_timeout().is_some() || self.session.negotiated().is_some_and(|n| n.hold_time == 0),
                "stuck in {state}"
            ),
        }
        if state >= State::OpenSent {
            assert!(self.open, "{state} without a connection");
        }
    }
}
