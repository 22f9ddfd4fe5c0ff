//! A peer gets another configuration while its session is up.

use alloc::vec::Vec;

use bgp_fsm::{Change, Instant, Negotiated};
use bgp_rib::{AttrStore, PeerId};
use bgp_wire::nlri::{NlriRef, PathNlri};
use bgp_wire::{Family, Packer, PathId};
use bytes::BytesMut;
use ipnet::IpNet;

use super::restart::suited;
use super::{Speaker, WORK_PER_CALL};
use crate::config::PeerConfig;
use crate::event::{ConnId, Direction, Event, UpdatePeerError};
use crate::peer::Which;

impl Speaker {
    /// Gives a peer another configuration. What can be applied without an end of the session is applied: timers, damping,
    /// keys of the socket ([`Event::Configure`]), limits on prefixes, policies and the other options of the tables. The
    /// answer is what is needed beyond that:
    ///
    /// - [`Change::Nothing`]: all of it is in force, or will be when what is on its way to the peer has been sent.
    /// - [`Change::Refresh`]: the peer is asked for its routes again (RFC 2918), because others of them may be taken now.
    ///   That happens by itself.
    /// - [`Change::Reset`]: the rest comes with the next session, because it stands in the OPEN or the peer cannot be asked
    ///   for its routes again. Whoever does not want to wait calls [`Speaker::cease`] with
    ///   [`Cease::configuration_change`](bgp_fsm::Cease::configuration_change).
    ///
    /// A peer whose tables' options differ is sent its whole table again, and withdrawals of what it is to have no more.
    ///
    /// # Errors
    /// There is no such peer, or the address is another one: that would be another peer.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// use bgp_fsm::Change;
    /// let Some(status) = speaker.peer(peer) else { return Err("no peer".into()) };
    /// let mut config = status.config.clone().with_port(1179);
    /// config.session = config.session.as_ref().clone().with_hold_time(30).into();
    /// assert_eq!(speaker.update_peer(&mut store, now, peer, config.clone())?, Change::Nothing); // no session is up
    /// config.address = "192.0.2.3".parse()?;
    /// assert!(speaker.update_peer(&mut store, now, peer, config).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "reconfigure")]
    pub fn update_peer(
        &mut self,
        store: &mut AttrStore,
        now: Instant,
        id: PeerId,
        config: PeerConfig,
    ) -> Result<Change, UpdatePeerError> {
        let peer = self.peer_mut(id).ok_or(UpdatePeerError::Unknown(id))?;
        if config.address.to_canonical() != peer.config.address.to_canonical() {
            return Err(UpdatePeerError::Address(peer.config.address));
        }
        let old = core::mem::replace(&mut peer.config, config);
        let new = peer.config.clone();
        let mut change = Change::Nothing;
        if old.session != new.session {
            for which in [Which::Second, Which::Main] {
                if let Some(line) = peer.line_mut(which) {
                    change = change.max(line.session.reconfigure(now, new.session.clone()));
                }
            }
        }
        if let Some(negotiated) = peer.main.session.negotiated().filter(|_| peer.up).copied() {
            change = change.max(self.plan_tables(id, &old, &new, &negotiated));
        }
        for which in [Which::Second, Which::Main] {
            self.drain(store, now, id, which);
        }
        if new.advertisement_interval().is_zero() {
            self.interval_timeout(id);
        }
        self.check_limits(store, now, id);
        Ok(change)
    }

    /// What the tables' options ask for on a session that is up.
    fn plan_tables(&mut self, id: PeerId, old: &PeerConfig, new: &PeerConfig, negotiated: &Negotiated) -> Change {
        let (old, new) = (suited(old.rib, negotiated), suited(new.rib, negotiated));
        if old == new {
            return Change::Nothing;
        }
        if old.kind() != new.kind() {
            // What others are sent of its routes depends on it, too.
            return Change::Reset;
        }
        let alike = old.imports_alike(&new);
        if !alike && !negotiated.route_refresh() {
            return Change::Reset;
        }
        let Some(peer) = self.peer_mut(id) else { return Change::Nothing };
        let conn = peer.main.conn;
        let asks = peer.past().and_then(|past| past.change).unwrap_or(false) || !alike;
        peer.past_mut().change = Some(asks);
        // Where something waits, the connection is polled anyway.
        if let Some(conn) = conn.filter(|conn| self.connections.waiting(*conn) == 0) {
            self.events.push_back(Event::Transmit { conn });
        }
        if alike { Change::Nothing } else { Change::Refresh }
    }

    /// Puts new options of the tables in force for a peer that has been given all that was due before; false: there are
    /// none.
    pub(super) fn change_tables(&mut self, store: &mut AttrStore, id: PeerId, conn: ConnId) -> bool {
        let Some(peer) = self.peer_mut(id) else { return false };
        let Some(asks) = peer.past().and_then(|past| past.change) else { return false };
        peer.past_mut().change = None;
        let rib = peer.config.rib;
        let Some(negotiated) = peer.main.session.negotiated().copied() else { return false };
        // All that is to be there is told again.
        self.tell_anew(id);
        let had = self.sent_paths(id);
        if self.rib.change_peer_config(store, id, suited(rib, &negotiated), &negotiated.context) {
            while self.rib.process(store, WORK_PER_CALL) {}
            let has = self.sent_paths(id);
            let mut gone = had;
            gone.retain(|path| has.binary_search(path).is_err());
            let mut out = BytesMut::new();
            let mut packer = Packer::new(&negotiated.context);
            for family in [Family::IPV4_UNICAST, Family::IPV6_UNICAST] {
                let of_family = gone.iter().filter(|(prefix, _)| is_of(*prefix, family));
                let nlri: Vec<_> = of_family.map(|(prefix, path_id)| nlri(*prefix, *path_id)).collect();
                // Every prefix fits into a message, and the session has the family: it was sent so.
                let _ = if nlri.is_empty() { Ok(0) } else { packer.withdraw(&mut out, family, nlri) };
            }
            let messages = out.freeze();
            self.tap(conn, id, Direction::Sent, || messages.clone());
            self.connections.queue(conn, messages);
            self.tell_ready();
        }
        if asks && let Some(session) = self.session_mut(id, Which::Main) {
            for family in negotiated.context.families().iter() {
                session.request_refresh(family);
            }
            let mut out = BytesMut::new();
            session.poll_transmit(&mut out);
            let messages = out.freeze();
            self.tap(conn, id, Direction::Sent, || messages.clone());
            self.connections.queue_urgent(conn, messages);
        }
        true
    }

    /// What a peer has been sent, in order.
    fn sent_paths(&self, id: PeerId) -> Vec<(IpNet, Option<PathId>)> {
        self.rib.adj_rib_out_paths(id).map(|(prefix, path_id, _)| (prefix, path_id)).collect()
    }
}

fn is_of(prefix: IpNet, family: Family) -> bool {
    matches!(prefix, IpNet::V4(_)) == (family == Family::IPV4_UNICAST)
}

fn nlri(prefix: IpNet, path_id: Option<PathId>) -> PathNlri<'static> {
    let nlri = match prefix {
        IpNet::V4(net) => NlriRef::Ipv4(net),
        IpNet::V6(net) => NlriRef::Ipv6(net),
    };
    PathNlri { path_id, nlri }
}
