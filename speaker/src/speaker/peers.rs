//! Which peers there are.

use core::hash::BuildHasher;
use core::net::IpAddr;

use bgp_fsm::{Cease, Instant};
use bgp_rib::{AttrStore, PeerId};

use super::{Speaker, index, seed_of};
use crate::config::PeerConfig;
use crate::event::AddPeerError;
use crate::peer::Peer;
use crate::status::PeerStatus;

impl Speaker {
    /// Adds a peer; its session stays in Idle until [`Speaker::start`].
    ///
    /// # Errors
    /// Another peer has the address, or the tables refuse the configuration.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// assert_eq!(speaker.peer_at(address), Some(peer));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_peer(&mut self, now: Instant, config: PeerConfig) -> Result<PeerId, AddPeerError> {
        let address = config.address.to_canonical();
        if self.peer_at(address).is_some() {
            return Err(AddPeerError::Exists(address));
        }
        let id = self.rib.add_peer(config.rib)?;
        let seed = seed_of(self.seed, id, 0);
        let place = index(id);
        if place >= self.peers.len() {
            self.peers.resize_with(place.saturating_add(1), || None);
        }
        if let Some(slot) = self.peers.get_mut(place) {
            *slot = Some(Peer::new(id, config, now, seed));
        }
        let (peers, hasher) = (&self.peers, &self.hasher);
        self.by_address.insert_unique(hasher.hash_one(address), id, |id| {
            let peer = peers.get(index(*id)).and_then(Option::as_ref);
            peer.map_or(0, |peer| hasher.hash_one(peer.config.address.to_canonical()))
        });
        Ok(id)
    }

    /// Stops a peer and forgets it and its routes. An unknown peer is ignored. Its last NOTIFICATION still goes out.
    ///
    /// ```
    #[doc = include_str!("../../docs/one_peer.doctest")]
    /// speaker.remove_peer(&mut store, now, peer);
    /// assert!(speaker.peer(peer).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn remove_peer(&mut self, store: &mut AttrStore, now: Instant, peer: PeerId) {
        self.cease(store, now, peer, &Cease::deconfigured());
        self.forget(store, peer);
    }

    /// A peer without connections is no more.
    pub(super) fn forget(&mut self, store: &mut AttrStore, id: PeerId) {
        if let Some(gone) = self.peers.get_mut(index(id)).and_then(Option::take) {
            if let Some(member) = gone.member {
                self.members.ranges.left(member.range);
                self.members.unopened = self.members.unopened.saturating_sub(member.unopened);
            }
            let hash = self.hasher.hash_one(gone.config.address.to_canonical());
            if let Ok(entry) = self.by_address.find_entry(hash, |other| *other == id) {
                entry.remove();
            }
            self.rib.remove_peer(store, id);
            self.work = true;
        }
    }

    /// The peers, by id.
    pub fn peers(&self) -> impl Iterator<Item = PeerStatus<'_>> {
        self.peers.iter().flatten().map(|peer| peer.status())
    }

    /// One peer.
    #[must_use]
    pub fn peer(&self, id: PeerId) -> Option<PeerStatus<'_>> {
        self.peer_ref(id).map(Peer::status)
    }

    /// The peer at an address.
    #[must_use]
    pub fn peer_at(&self, address: IpAddr) -> Option<PeerId> {
        let address = address.to_canonical();
        let is = |id: &PeerId| self.peer_ref(*id).is_some_and(|peer| peer.config.address.to_canonical() == address);
        self.by_address.find(self.hasher.hash_one(address), is).copied()
    }
}
