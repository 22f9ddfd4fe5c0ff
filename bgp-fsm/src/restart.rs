//! The receiving side of graceful restart: which routes of a peer are stale, and until when (RFC 4724 section 4.2, RFC
//! 9494 section 4.2).

use core::time::Duration;

use bgp_wire::capability::LongLivedParams;
use bgp_wire::{Family, FamilySet};

use crate::{Down, Instant, Negotiated};

/// What becomes of the routes of one peer whose session ends and comes back.
///
/// It holds no routes: it tells the owner of the tables which families to mark stale and which to sweep, and when. Tell it
/// of every session of the peer that goes up or down.
///
/// ```
/// use bgp_fsm::{Config, Event, Instant, PeerAs, Restart, Session, SessionEvent};
/// use bgp_wire::{Asn, BgpId};
/// # let mut session = Session::new(Config::new(Asn(64512), BgpId(1), PeerAs::Any), 7);
/// # let now = Instant::from_secs(1);
/// # session.handle(now, Event::ManualStart);
/// # session.handle(now, Event::TcpConnectionFails);
/// let mut restart = Restart::new();
/// while let Some(event) = session.poll_event() {
///     match event {
///         SessionEvent::Down(down) => {
///             let kept = restart.down(now, &down); // mark these stale, delete the routes of all other families
///             assert!(kept.is_empty());
///         }
///         SessionEvent::Up(negotiated) => {
///             let gone = restart.up(now, &negotiated); // delete the stale routes of these
///         }
///         _ => {}
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restart {
    stale: FamilySet,
    /// Families in which routes came since the session is up again.
    fresh: FamilySet,
    /// The peer is away: the deadline is that of its restart time.
    away: bool,
    deadline: Option<Instant>,
    stale_time: Duration,
    /// What the peer said about long-lived stale routes, if we did too.
    long_lived: Option<LongLivedParams>,
    /// The families in the long-lived phase, each with its own end.
    long: [Option<(Family, Instant)>; LongLivedParams::CAPACITY],
}

/// What [`Restart::handle_timeout`] asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expired {
    /// The stale routes of these families are to be deleted.
    pub gone: FamilySet,
    /// The stale routes of these families begin their long-lived phase: they get the community LLGR_STALE, are preferred
    /// least, and those with NO_LLGR go (RFC 9494 section 4.2).
    pub long_lived: FamilySet,
}

impl Default for Restart {
    fn default() -> Self {
        Self::new()
    }
}

impl Restart {
    /// No routes are stale. Once the peer is back, its stale routes are kept for 360 s at most.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            stale: FamilySet::EMPTY,
            fresh: FamilySet::EMPTY,
            away: false,
            deadline: None,
            stale_time: Duration::from_secs(360),
            long_lived: None,
            long: [None; LongLivedParams::CAPACITY],
        }
    }

    /// With this bound on the time from the peer's return to its End-of-RIB (RFC 4724 section 4.2, last paragraph).
    #[must_use]
    pub const fn with_stale_time(mut self, time: Duration) -> Self {
        self.stale_time = time;
        self
    }

    /// A session of the peer ended. Gives the families whose routes are to be kept and marked stale; the peer's routes of all
    /// other families are to be deleted, and so are those that were stale before: "consecutive restarts".
    pub fn down(&mut self, now: Instant, down: &Down) -> FamilySet {
        if !down.was_established() {
            // An attempt that failed while the peer is away: nothing changes, the time runs on.
            return self.stale;
        }
        // Where nothing came since the last failure, all that there is was stale already.
        let spent = self.stale.difference(self.fresh);
        self.stale = down.retained.difference(spent);
        self.fresh = FamilySet::EMPTY;
        self.away = !self.stale.is_empty();
        self.deadline = self.away.then(|| now + Duration::from_secs(down.restart_time.into()));
        self.long = [None; LongLivedParams::CAPACITY];
        self.stale
    }

    /// The session is Established again. Gives the families whose stale routes are to be deleted at once: those that the
    /// peer's capability does not name with the F bit, and all if it has no such capability.
    pub fn up(&mut self, now: Instant, negotiated: &Negotiated) -> FamilySet {
        let long_lived = negotiated.peer.long_lived_graceful_restart();
        self.long_lived = long_lived.filter(|_| negotiated.local.long_lived_graceful_restart().is_some());
        let mut kept = negotiated.peer.graceful_restart().map_or(FamilySet::EMPTY, |gr| gr.forwarding);
        for (family, _) in self.long.iter().flatten() {
            // RFC 9494 section 4.2: in this phase the F bit of the long-lived capability counts, too.
            if self.long_lived.and_then(|said| said.family(*family)).is_some_and(|entry| entry.forwarding) {
                kept.insert(*family);
            }
        }
        let kept = self.stale.intersection(kept).intersection(negotiated.context.families());
        let gone = self.stale.difference(kept);
        self.stale = kept;
        self.fresh = FamilySet::EMPTY;
        self.away = false;
        self.forget_long(|family| !kept.contains(family));
        let short = kept.difference(self.long_lived_stale());
        self.deadline = (!short.is_empty()).then(|| now + self.stale_time);
        gone
    }

    /// The peer announced a route of `family`.
    pub fn announced(&mut self, family: Family) {
        if !self.away && self.stale.contains(family) {
            self.fresh.insert(family);
        }
    }

    /// End-of-RIB came: whether the stale routes of `family` are to be deleted.
    pub fn end_of_rib(&mut self, family: Family) -> bool {
        let was = self.stale.remove(family);
        self.forget_long(|other| other == family);
        if self.stale.difference(self.long_lived_stale()).is_empty() {
            self.deadline = None;
        }
        was
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadline.into_iter().chain(self.long.iter().flatten().map(|(_, end)| *end)).min()
    }

    /// The peer took too long to come back, or to send its table. Before the time, nothing is asked for.
    pub fn handle_timeout(&mut self, now: Instant) -> Expired {
        let mut expired = Expired::default();
        for slot in &mut self.long {
            if let Some((family, _)) = slot.take_if(|(_, end)| *end <= now) {
                expired.gone.insert(family);
            }
        }
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            let waited = core::mem::take(&mut self.away);
            for family in self.stale.difference(self.long_lived_stale()).difference(expired.gone).iter() {
                // RFC 9494 section 4.2: what the restart time does not bring back may wait longer.
                if waited && self.begin_long(now, family) {
                    expired.long_lived.insert(family);
                } else {
                    expired.gone.insert(family);
                }
            }
        }
        self.stale = self.stale.difference(expired.gone);
        expired
    }

    /// The families that have stale routes.
    #[must_use]
    pub const fn stale(&self) -> FamilySet {
        self.stale
    }

    /// Until when the peer may be away; `None` while it is there, or nothing of it is kept, or only in the long-lived phase.
    #[must_use]
    pub const fn restart_deadline(&self) -> Option<Instant> {
        if self.away { self.deadline } else { None }
    }

    /// Until when the routes of `family` stay in the long-lived phase, if they are in it.
    #[must_use]
    pub fn long_lived_deadline(&self, family: Family) -> Option<Instant> {
        self.long.iter().flatten().find(|(other, _)| *other == family).map(|(_, end)| *end)
    }

    /// The families in the long-lived phase.
    #[must_use]
    pub fn long_lived_stale(&self) -> FamilySet {
        self.long.iter().flatten().map(|(family, _)| *family).collect()
    }

    fn begin_long(&mut self, now: Instant, family: Family) -> bool {
        let time = self.long_lived.and_then(|said| said.family(family)).map_or(0, |entry| entry.stale_time);
        match self.long.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) if time != 0 => {
                *slot = Some((family, now + Duration::from_secs(time.into())));
                true
            }
            _ => false,
        }
    }

    fn forget_long(&mut self, which: impl Fn(Family) -> bool) {
        for slot in &mut self.long {
            slot.take_if(|(family, _)| which(*family));
        }
    }
}
