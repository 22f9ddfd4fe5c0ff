//! Our own restart (RFC 4724 section 4.1): nothing is decided or told until the peers have sent their tables.

use alloc::sync::Arc;
use core::time::Duration;

use bgp_fsm::Instant;
use bgp_wire::capability::Capability;

use super::Speaker;
use crate::peer::Peer;

impl Speaker {
    /// Says that this speaker is back after a restart, to be called before its peers are started: their sessions have the
    /// graceful restart capability with the Restart State bit, and routes are neither chosen nor sent until every
    /// configured peer has sent End-of-RIB for all its families, or `time` is over (Selection Deferral Timer). Peers
    /// without the capability, and those that restart themselves, are not waited for once they are up. Who may come from a
    /// [range](Speaker::add_range) is not known: where there is one, all of `time` is waited.
    ///
    /// Afterwards the bit is taken from the configuration of all sessions, for the next time that they come up.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// speaker.restarted(now, std::time::Duration::from_secs(120));
    /// assert!(speaker.is_restarting());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "graceful restart")]
    #[doc(alias = "Selection_Deferral_Timer")]
    pub fn restarted(&mut self, now: Instant, time: Duration) {
        self.deferral = now.checked_add(time);
    }

    /// Whether routes are not chosen yet because of a [restart](Speaker::restarted).
    #[must_use]
    pub fn is_restarting(&self) -> bool {
        self.deferral.is_some()
    }

    /// Ends the waiting when its time is over, or nobody is waited for any more.
    pub(super) fn end_deferral(&mut self, now: Option<Instant>) {
        let Some(until) = self.deferral else { return };
        let over = now.is_some_and(|now| until <= now);
        let unknown = self.ranges().next().is_some();
        if !over && (unknown || self.peers.iter().flatten().any(Peer::is_waited_for)) {
            return;
        }
        self.deferral = None;
        self.work = true;
        // Many peers share a configuration, and go on doing so.
        let mut last: Option<(Arc<bgp_fsm::Config>, Arc<bgp_fsm::Config>)> = None;
        for peer in self.peers.iter_mut().flatten() {
            let old = &peer.config.session;
            let new = match &last {
                Some((from, to)) if Arc::ptr_eq(from, old) => to.clone(),
                _ => settled(old),
            };
            last = Some((old.clone(), new.clone()));
            if !Arc::ptr_eq(old, &new) {
                peer.config.session = new.clone();
                // What stands in the OPEN is kept for the next one: the session goes on.
                if let Some(at) = now.or(self.clock) {
                    peer.main.session.reconfigure(at, new);
                }
            }
        }
        self.members.ranges.for_each_template(|template| template.session = settled(&template.session));
    }
}

/// The same without the Restart State bit.
fn settled(config: &Arc<bgp_fsm::Config>) -> Arc<bgp_fsm::Config> {
    let has = |capability: &Capability| matches!(capability, Capability::GracefulRestart(gr) if gr.restarting);
    if !config.capabilities.iter().any(has) {
        return config.clone();
    }
    let mut config = bgp_fsm::Config::clone(config);
    for capability in &mut config.capabilities {
        if let Capability::GracefulRestart(gr) = capability {
            gr.restarting = false;
        }
    }
    Arc::new(config)
}

impl Peer {
    /// Whether a speaker that has restarted has to have its table first.
    fn is_waited_for(&self) -> bool {
        let Some(negotiated) = self.main.session.negotiated().filter(|_| self.up) else { return self.member.is_none() };
        let restart = negotiated.peer.graceful_restart();
        let ended = self.past().map_or(bgp_wire::FamilySet::EMPTY, |past| past.ended);
        restart.is_some_and(|restart| !restart.restarting)
            && !negotiated.context.families().difference(ended).is_empty()
    }
}
