//! One session over one connection: what its owner gives it.

mod act;
mod output;
mod reconfigure;
mod states;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::time::Duration;

use bgp_wire::{
    Asn, BgpId, Context, Error, KEEPALIVE, MAX_LEN, MAX_LEN_EXTENDED, MessageType, Notification, OpenView, Params,
    RefreshSubtype, RouteRefresh, UpdateView, frame, message_type,
};

use act::{Conn, Counter, End};
use output::{Actions, Events, Pending};
use states::{Input, run};

use crate::negotiated::{judge, open};
use crate::timer::Jitter;
use crate::{Cease, Config, Counters, Event, Instant, Negotiated, Received, State, Timer, Timers};

/// One BGP session over one connection: the state machine of RFC 4271 section 8.
///
/// A peer with two connections has two of them; [`resolve`](crate::resolve) says which one stays. The contract of the
/// calls stands at the top of the [crate](crate). No call fails: whatever is wrong ends the session, and
/// [`SessionEvent::Down`](crate::SessionEvent::Down) says why.
///
/// ```
/// use bgp_fsm::{Config, Event, Instant, PeerAs, Session, State, TcpAction};
/// use bgp_wire::{Asn, BgpId};
/// let mut session = Session::new(Config::new(Asn(64512), BgpId(1), PeerAs::Exact(Asn(64513))), 7);
/// session.handle(Instant::from_secs(1), Event::ManualStart);
/// assert_eq!(session.poll_action(), Some(TcpAction::Connect));
/// assert_eq!(session.state(), State::Connect);
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) config: Arc<Config>,
    /// What the next connection is configured with, if the present one cannot be.
    next_config: Option<Arc<Config>>,
    pub(crate) timers: Timers,
    /// The time of the last input.
    last: Instant,
    established_at: Instant,
    jitter: Jitter,
    negotiated: Option<Box<Negotiated>>,
    pending: Pending,
    events: Events,
    counters: Counters,
    connect_retry_counter: u32,
    /// Failures in a row, which lengthen `IdleHoldTime`.
    flaps: u32,
    /// The negotiated hold time in seconds, at hand for each message; 0 = none.
    hold_time: u16,
    pub(crate) state: State,
    pub(crate) conn: Conn,
    pub(crate) actions: Actions,
    /// How it was started last, for a start after IdleHoldTimer.
    pub(crate) started_passive: bool,
    open_sent: bool,
    /// The OPEN of this connection, or of the next one, takes extended messages.
    extended: bool,
    /// BFD is up.
    bfd_up: bool,
    /// The peer's KEEPALIVE came while ours waits for BFD.
    pub(crate) confirmed: bool,
    /// RFC 7705: the next OPEN has the second AS number.
    second_as: bool,
}

// A process holds many that wait for their peer.
const _: () = assert!(size_of::<Session>() <= 512);

impl Session {
    /// A session in Idle. `seed` gives the jitter of its timers: different sessions should have different ones, and the
    /// same one repeats a run. Sessions can share one `Arc<Config>`.
    #[must_use]
    pub fn new(config: impl Into<Arc<Config>>, seed: u64) -> Self {
        let config = config.into();
        Self {
            extended: takes_extended(&config),
            config,
            next_config: None,
            timers: Timers::default(),
            last: Instant::EPOCH,
            established_at: Instant::EPOCH,
            jitter: Jitter::new(seed),
            negotiated: None,
            pending: Pending::default(),
            events: Events::default(),
            counters: Counters::default(),
            connect_retry_counter: 0,
            flaps: 0,
            hold_time: 0,
            state: State::Idle,
            conn: Conn::None,
            actions: Actions::default(),
            started_passive: false,
            open_sent: false,
            bfd_up: false,
            confirmed: false,
            second_as: false,
        }
    }

    /// Something happened.
    ///
    /// ```
    /// # use bgp_fsm::{Config, Event, Instant, PeerAs, Session, State};
    /// # use bgp_wire::{Asn, BgpId};
    /// # let config = Config::new(Asn(64512), BgpId(1), PeerAs::Any);
    /// let mut session = Session::new(config, 7);
    /// session.handle(Instant::from_secs(1), Event::ManualStartPassive);
    /// assert_eq!(session.state(), State::Active);
    /// ```
    pub fn handle(&mut self, now: Instant, event: Event) {
        self.observe(now);
        match event {
            Event::BfdUp => self.bfd_up = true,
            Event::BfdDown => self.bfd_up = false,
            _ => {}
        }
        run(self, now, Input::Event(event));
    }

    /// Ends the session for an administrative reason; in Idle, a shutdown also cancels IdleHoldTimer.
    ///
    /// A shutdown counts as event 2, `ManualStop`, all others as event 8, `AutomaticStop`, whether that is allowed or not.
    ///
    /// ```
    /// # use bgp_fsm::Cease;
    /// # use bgp_fsm::{Config, Event, Instant, PeerAs, Session, State};
    /// # use bgp_wire::{Asn, BgpId};
    /// # let config = Config::new(Asn(64512), BgpId(1), PeerAs::Any);
    /// # let (mut session, now) = (Session::new(config, 7), Instant::from_secs(1));
    /// # session.handle(now, Event::ManualStart);
    /// session.cease(now, Cease::shutdown().with_communication("maintenance until 06:00"));
    /// assert_eq!(session.state(), State::Idle);
    /// ```
    pub fn cease(&mut self, now: Instant, cease: Cease) {
        self.observe(now);
        run(self, now, Input::Cease(cease));
    }

    /// Cuts the first message off `octets`, as [`bgp_wire::frame`] does with [`receive_limit`](Self::receive_limit): the
    /// message and what follows it, or `None` if more octets are needed.
    ///
    /// # Errors
    /// Those of [`bgp_wire::frame`]; give them to [`framing_error`](Self::framing_error).
    ///
    /// ```
    /// # use bgp_fsm::{Config, PeerAs, Session};
    /// # use bgp_wire::{Asn, BgpId, KEEPALIVE};
    /// # let session = Session::new(Config::new(Asn(64512), BgpId(1), PeerAs::Any), 7);
    /// assert_eq!(session.frame(&KEEPALIVE)?, Some((&KEEPALIVE[..], &[][..])));
    /// # Ok::<(), bgp_wire::Error>(())
    /// ```
    #[inline]
    #[expect(clippy::type_complexity, reason = "a name for two slices would hide them")]
    pub fn frame<'m>(&self, octets: &'m [u8]) -> Result<Option<(&'m [u8], &'m [u8])>, Error> {
        // Most of what a peer sends: one comparison in place of a look at each field.
        match octets.split_at_checked(KEEPALIVE.len()) {
            Some((message, rest)) if message == KEEPALIVE => Ok(Some((message, rest))),
            _ => frame(octets, self.receive_limit()),
        }
    }

    /// One whole message came in, as [`frame`](Self::frame) cuts it.
    ///
    /// What it brings is given back and borrows from the message only. Messages of a session in Idle are nobody's.
    ///
    /// ```
    /// # use bgp_fsm::Received;
    /// # use bgp_fsm::{Config, Event, Instant, PeerAs, Session, State};
    /// # use bgp_wire::{Asn, BgpId};
    /// # let config = Config::new(Asn(64512), BgpId(1), PeerAs::Any);
    /// # let (mut session, now) = (Session::new(config, 7), Instant::from_secs(1));
    /// session.handle(now, Event::ManualStart);
    /// session.handle(now, Event::TcpCrAcked);
    /// let received = session.receive(now, &bgp_wire::KEEPALIVE); // before the peer's OPEN
    /// assert!(matches!(received, Received::Nothing));
    /// assert_eq!(session.state(), State::Idle);
    /// ```
    #[inline]
    pub fn receive<'m>(&mut self, now: Instant, message: &'m [u8]) -> Received<'m> {
        // Most of what a session sees in its life; all that `run` would do with it stands here.
        let keepalive =
            matches!(message, [.., ty] if message.len() == KEEPALIVE.len() && *ty == MessageType::KEEPALIVE.0);
        if keepalive && self.state == State::Established && now >= self.last {
            self.last = now;
            self.counters.count_keepalive();
            if self.hold_time != 0 {
                self.timers.set_hold(now.after_secs(self.hold_time));
            }
            return Received::Nothing;
        }
        self.receive_any(now, message)
    }

    /// The stream of the peer cannot be cut into messages any more (event 21). `octets` begin with the header that
    /// [`bgp_wire::frame`] refused; more than it is not needed.
    ///
    /// ```
    /// # use bgp_fsm::{Config, Event, Instant, PeerAs, Session, State};
    /// # use bgp_wire::{Asn, BgpId};
    /// # let config = Config::new(Asn(64512), BgpId(1), PeerAs::Any);
    /// # let (mut session, now) = (Session::new(config, 7), Instant::from_secs(1));
    /// # session.handle(now, Event::ManualStart);
    /// # session.handle(now, Event::TcpCrAcked);
    /// let octets = [0; 19];
    /// if let Err(error) = bgp_wire::frame(&octets, session.receive_limit()) {
    ///     session.framing_error(now, error, &octets); // sends 1/1, connection not synchronized
    /// }
    /// assert_eq!(session.state(), State::Idle);
    /// ```
    pub fn framing_error(&mut self, now: Instant, error: Error, octets: &[u8]) {
        self.observe(now);
        run(self, now, Input::Refused(error.notification(octets).into()));
    }

    /// The largest message that the peer may send, for [`bgp_wire::frame`]: 65535 octets if our OPEN says that we take
    /// extended messages (RFC 8654 section 4), else 4096.
    #[must_use]
    pub fn receive_limit(&self) -> usize {
        if self.extended { MAX_LEN_EXTENDED } else { MAX_LEN }
    }

    /// Whether this whole OPEN message would be taken now: the identifier and AS number of the peer, for
    /// [`resolve`](crate::resolve). Nothing changes.
    ///
    /// With two connections, the one whose OPEN comes second is judged before its session sees the OPEN: then the loser
    /// gets [`Event::OpenCollisionDump`] and sends nothing but its Cease.
    ///
    /// ```
    /// # use bgp_fsm::{Survivor, resolve};
    /// # use bgp_wire::Open;
    /// # use bgp_fsm::{Config, Event, Instant, PeerAs, Session, State};
    /// # use bgp_wire::{Asn, BgpId};
    /// # let config = Config::new(Asn(64512), BgpId(1), PeerAs::Any);
    /// # let (mut session, now) = (Session::new(config, 7), Instant::from_secs(1));
    /// # session.handle(now, Event::ManualStart);
    /// # session.handle(now, Event::TcpCrAcked);
    /// let mut open = bytes::BytesMut::new();
    /// Open::new(Asn(64513), 90, BgpId(2)).encode(&mut open)?;
    /// let peer = session.accepts(&open).ok_or("not acceptable")?;
    /// assert_eq!(resolve((BgpId(1), Asn(64512)), peer), Survivor::Remote);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn accepts(&self, message: &[u8]) -> Option<(BgpId, Asn)> {
        let waiting = self.state == State::OpenSent || self.timers.is_running(Timer::DelayOpen);
        let open = OpenView::decode(message).ok().filter(|_| waiting)?;
        let negotiated = judge(&self.config, &self.own_params(), &open).ok()?;
        Some((negotiated.peer_id, negotiated.peer_as))
    }

    /// Serves the timers that are due. Call it when the time of [`poll_timeout`](Self::poll_timeout) has come; earlier it
    /// does nothing, and later nothing is made up for: each timer fires once.
    ///
    /// ```
    /// # use bgp_fsm::TcpAction;
    /// # use bgp_fsm::{Config, Event, Instant, PeerAs, Session, State};
    /// # use bgp_wire::{Asn, BgpId};
    /// # let config = Config::new(Asn(64512), BgpId(1), PeerAs::Any);
    /// # let (mut session, now) = (Session::new(config, 7), Instant::from_secs(1));
    /// session.handle(now, Event::ManualStartPassive);
    /// while let Some(due) = session.poll_timeout() { // ConnectRetryTimer
    ///     session.handle_timeout(due);
    ///     if session.poll_action() == Some(TcpAction::Connect) { break }
    /// }
    /// assert_eq!(session.state(), State::Connect);
    /// ```
    pub fn handle_timeout(&mut self, now: Instant) {
        self.observe(now);
        while let Some((timer, deadline)) = self.timers.first()
            && deadline <= now
        {
            run(self, now, Input::Event(expiry(timer)));
            if self.timers.deadline(timer) == Some(deadline) {
                self.timers.stop(timer);
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next; `None` if no timer runs.
    #[must_use]
    #[inline]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// The socket took octets: SendHoldTimer starts anew (RFC 9687), and KeepaliveTimer too if the end of an `update` was
    /// among them (RFC 4271 section 8.2.2, Established).
    pub fn sent(&mut self, now: Instant, update: bool) {
        self.observe(now);
        if self.timers.is_running(Timer::SendHold) {
            self.start_send_hold(now);
        }
        if update && self.timers.is_running(Timer::Keepalive) {
            self.start_keepalive(now);
        }
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The timers that run.
    #[must_use]
    pub const fn timers(&self) -> &Timers {
        &self.timers
    }

    /// ConnectRetryCounter (RFC 4271 section 8): failures since the session was started.
    #[must_use]
    pub const fn connect_retry_counter(&self) -> u32 {
        self.connect_retry_counter
    }

    /// What the OPENs agree on, in OpenConfirm and Established.
    #[must_use]
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.negotiated.as_deref().filter(|_| self.state >= State::OpenConfirm)
    }

    /// How many messages went through.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The configuration that is in force. What [`reconfigure`](Self::reconfigure) keeps for the next connection is not in it.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn receive_any<'m>(&mut self, now: Instant, message: &'m [u8]) -> Received<'m> {
        self.observe(now);
        let Some(ty) = message_type(message).filter(|_| self.state != State::Idle) else { return Received::Nothing };
        self.counters.count_received(ty);
        let established = self.context().filter(|_| self.state == State::Established);
        let input = match (ty, established) {
            (MessageType::UPDATE, Some(context)) => match UpdateView::decode(message, context) {
                Ok(update) => {
                    run(self, now, Input::Update(ty));
                    return Received::Update(update);
                }
                Err(error) => Input::UpdateError(error.notification(message).into()),
            },
            (MessageType::ROUTE_REFRESH, Some(context)) => match RouteRefresh::decode(message) {
                Ok(refresh) => return self.refreshed(context, refresh),
                Err(error) => Input::UpdateError(error.notification(message).into()),
            },
            (MessageType::UPDATE | MessageType::ROUTE_REFRESH, None) => Input::Update(ty),
            (MessageType::KEEPALIVE, _) => Input::Keepalive,
            (MessageType::NOTIFICATION, _) => match Notification::decode(message) {
                Ok(notification) => Input::Notification(notification),
                Err(error) => Input::Refused(error.notification(message).into()),
            },
            _ => match OpenView::decode(message) {
                Err(error) => Input::Refused(error.notification(message).into()),
                Ok(open) => match judge(&self.config, &self.own_params(), &open) {
                    Err(notification) => Input::Refused(notification),
                    Ok(negotiated) => Input::Open(negotiated.into()),
                },
            },
        };
        run(self, now, input);
        Received::Nothing
    }

    fn context(&self) -> Option<&Context> {
        self.negotiated().map(|negotiated| &negotiated.context)
    }

    /// A ROUTE-REFRESH in Established. RFC 2918 section 4 and RFC 7313 section 5: what was not negotiated is ignored.
    fn refreshed<'m>(&self, context: &Context, mut refresh: RouteRefresh) -> Received<'m> {
        let Some(negotiated) = self.negotiated() else { return Received::Nothing };
        if !negotiated.local.route_refresh() || !context.families().contains(refresh.family) {
            return Received::Nothing;
        }
        if !negotiated.enhanced_route_refresh() {
            // RFC 2918 section 3: the octet is reserved, and receivers do not look at it.
            refresh.subtype = RefreshSubtype::REQUEST;
        }
        match refresh.subtype {
            RefreshSubtype::REQUEST | RefreshSubtype::BEGIN | RefreshSubtype::END => Received::RouteRefresh(refresh),
            _ => Received::Nothing,
        }
    }

    /// Our OPEN of this connection.
    fn own_open(&self) -> bgp_wire::Open {
        open(&self.config, self.config.shown_as(self.second_as))
    }

    fn own_params(&self) -> Params {
        self.own_open().params()
    }

    /// Notes the time. RFC 4271 knows no clock that goes back: what is left of each timer then stays the same.
    ///
    /// An owner that was away (suspended, or its clock jumped ahead) gave nothing to the socket meanwhile: that it took
    /// nothing says nothing about the peer, so SendHoldTimer starts anew.
    fn observe(&mut self, now: Instant) {
        let keepalive = Duration::from_secs((self.hold_time / 3).max(1).into());
        let away = self.timers.next().is_some_and(|due| now.max(self.last) - due > keepalive);
        if now < self.last {
            self.timers.rewind(self.last, now);
            self.established_at = self.established_at.saturating_sub(self.last - now);
        }
        self.last = now;
        if away && self.timers.is_running(Timer::SendHold) {
            self.start_send_hold(now);
        }
    }
}

fn takes_extended(config: &Config) -> bool {
    config.capabilities.iter().any(|capability| matches!(capability, bgp_wire::capability::Capability::ExtendedMessage))
}

const fn expiry(timer: Timer) -> Event {
    match timer {
        Timer::Hold => Event::HoldTimerExpires,
        Timer::SendHold => Event::SendHoldTimerExpires,
        Timer::Keepalive => Event::KeepaliveTimerExpires,
        Timer::ConnectRetry => Event::ConnectRetryTimerExpires,
        Timer::DelayOpen => Event::DelayOpenTimerExpires,
        Timer::IdleHold => Event::IdleHoldTimerExpires,
        Timer::BfdHold => Event::BfdHoldTimerExpires,
    }
}
