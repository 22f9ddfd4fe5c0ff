//! Peers that come from ranges of addresses, and go with their connections.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use bgp_fsm::{Event as Input, Instant};
use bgp_rib::{AttrStore, PeerId};
use ipnet::IpNet;

use super::Speaker;
use crate::event::{ConnId, Event, Refused};
use crate::peer::{Member, Which};
use crate::range::{Admission, Range, Ranges};

/// The ranges, and which members are on their way out.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) ranges: Ranges,
    /// Members whose leaving has not been told yet, in the order of those events, each with the number of its joining.
    leaving: VecDeque<(PeerId, u32)>,
    /// Members whose leaving has been told.
    left: Vec<(PeerId, u32)>,
    /// How often one has joined.
    joined: u32,
    /// Connections of members on which no OPEN has come.
    pub(super) unopened: u32,
}

impl Speaker {
    /// Lets peers connect from a range of addresses (none unless set). The most specific range that an address is in
    /// counts; a configured peer's address is in none. Another range of the same prefix is replaced: its members stay,
    /// with what they were made of.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// use bgp_speaker::{Range, Refused};
    /// let prefix: ipnet::IpNet = "198.51.100.0/24".parse()?;
    /// let session = Config::new(Asn(64512), BgpId(1), PeerAs::Internal);
    /// let routes = bgp_rib::PeerConfig::new(bgp_rib::PeerKind::RrClient, Asn(64512), prefix.addr());
    /// speaker.add_range(Range::new(prefix, 1, PeerConfig::new(prefix.addr(), session, routes)));
    ///
    /// let conn = speaker.incoming(&mut store, now, "198.51.100.7:50000".parse()?)?;
    /// assert!(speaker.peer_at("198.51.100.7".parse()?).is_some());
    /// let refused = speaker.incoming(&mut store, now, "198.51.100.8:50000".parse()?);
    /// assert_eq!(refused, Err(Refused::RangeFull("198.51.100.8".parse()?)));
    ///
    /// speaker.disconnected(&mut store, now, conn);
    /// while speaker.poll_event().is_some() {}
    /// speaker.process(&mut store);
    /// assert!(speaker.peer_at("198.51.100.7".parse()?).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "listen range")]
    #[doc(alias = "neighbor range")]
    pub fn add_range(&mut self, range: Range) {
        self.members.ranges.add(range);
    }

    /// Takes no new peers from a range; its members stay as long as their connections. False: there is no such range.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// assert!(!speaker.remove_range("198.51.100.0/24".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove_range(&mut self, prefix: IpNet) -> bool {
        self.members.ranges.remove(prefix)
    }

    /// The ranges, the most specific first, each with the number of its members.
    pub fn ranges(&self) -> impl Iterator<Item = (&Range, u32)> {
        self.members.ranges.iter()
    }

    /// Takes an accepted TCP connection from `remote`; the address says whose it is. From a [range](Speaker::add_range), a
    /// peer is made for it. An IPv4 address that an IPv6 socket
    /// shows as `::ffff:a.b.c.d` is the IPv4 address.
    ///
    /// # Errors
    /// Close the connection: nobody has the address, and no range with room for one more; or its session is in Idle; or it
    /// has two connections already.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// use bgp_speaker::Refused;
    /// let remote = std::net::SocketAddr::new(address, 50_000);
    /// assert_eq!(speaker.incoming(&mut store, now, remote), Err(Refused::Idle(address)));
    /// speaker.start(&mut store, now, peer);
    /// let conn = speaker.incoming(&mut store, now, remote)?;
    /// assert!(speaker.is_open(conn));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn incoming(&mut self, store: &mut AttrStore, now: Instant, remote: SocketAddr) -> Result<ConnId, Refused> {
        let address = remote.ip().to_canonical();
        self.vacate(store);
        let full = self.members.unopened >= self.config.most_unopened;
        match self.peer_at(address) {
            Some(id) if full && self.peer_ref(id).is_some_and(|peer| peer.member.is_some()) => {
                Err(Refused::TooManyUnopened(address))
            }
            Some(id) => {
                self.rejoin(store, now, id);
                self.accept(store, now, id, address)
            }
            None => self.join(store, now, address),
        }
    }

    fn join(&mut self, store: &mut AttrStore, now: Instant, address: IpAddr) -> Result<ConnId, Refused> {
        let (range, config) = match self.members.ranges.admits(address) {
            Admission::Welcome(..) if self.members.unopened >= self.config.most_unopened => {
                return Err(Refused::TooManyUnopened(address));
            }
            Admission::Welcome(range, config) => (range, config),
            Admission::Full => return Err(Refused::RangeFull(address)),
            Admission::Unknown => return Err(Refused::UnknownPeer(address)),
        };
        let id = self.add_peer(now, config).map_err(|_| Refused::RangeFull(address))?;
        self.input(store, now, id, Which::Main, Input::ManualStartPassive);
        self.members.joined = self.members.joined.wrapping_add(1);
        let member = Member { range, joined: self.members.joined, leaving: false, unopened: 0 };
        self.members.ranges.joined(range);
        self.events.push_back(Event::Joined { peer: id });
        let conn = self.accept(store, now, id, address);
        if let Some(peer) = self.peer_mut(id) {
            // Not before: as long as it had no connection, it would have been gone.
            peer.member = Some(Box::new(member));
        }
        self.settle(now, id);
        conn
    }

    /// A member comes back: one that was on its way out stays, one of which only the routes were left starts again.
    fn rejoin(&mut self, store: &mut AttrStore, now: Instant, id: PeerId) {
        let Some(peer) = self.peer_ref(id) else { return };
        let Some(member) = peer.member.as_deref().copied().filter(|_| peer.main.conn.is_none() && !peer.has_to_wait())
        else {
            return;
        };
        // Nothing where it has been started already. It has no connection yet, and leaves only once.
        self.input(store, now, id, Which::Main, Input::ManualStartPassive);
        if member.leaving {
            self.members.joined = self.members.joined.wrapping_add(1);
            let member = Member { joined: self.members.joined, leaving: false, ..member };
            if let Some(peer) = self.peer_mut(id) {
                peer.member = Some(Box::new(member));
            }
            self.events.push_back(Event::Joined { peer: id });
        }
    }

    /// Counts the connections of a member on which no OPEN has come.
    pub(super) fn count_unopened(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(super::index(id)).and_then(Option::as_mut) else { return };
        let unopened = peer.unopened();
        if let Some(member) = &mut peer.member {
            let before = core::mem::replace(&mut member.unopened, unopened);
            self.members.unopened = self.members.unopened.saturating_sub(before).saturating_add(unopened);
        }
    }

    /// A member that nothing keeps any more is on its way out.
    pub(super) fn leave_if_gone(&mut self, id: PeerId) {
        let Some(peer) = self.peer_mut(id).filter(|peer| peer.is_gone()) else { return };
        if let Some(member) = peer.member.as_mut().filter(|member| !member.leaving) {
            member.leaving = true;
            let joined = member.joined;
            self.members.leaving.push_back((id, joined));
            self.events.push_back(Event::Left { peer: id });
        }
    }

    /// The owner has been told of the next member that leaves.
    pub(super) fn left(&mut self) {
        self.members.left.extend(self.members.leaving.pop_front());
    }

    /// Forgets the members of which the owner knows that they have left, unless they are back.
    pub(super) fn vacate(&mut self, store: &mut AttrStore) {
        while let Some((id, joined)) = self.members.left.pop() {
            let member = self.peer_ref(id).and_then(|peer| peer.member.as_deref());
            if member.is_some_and(|member| member.leaving && member.joined == joined) {
                self.forget(store, id);
            }
        }
    }
}
