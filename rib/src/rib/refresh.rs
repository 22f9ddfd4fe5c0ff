//! Route refresh both ways (RFC 2918, RFC 7313).

use bgp_wire::Family;

use super::{Rib, group_at};
use crate::path::Path;
use crate::peer::PeerId;
use crate::store::AttrStore;

impl Rib {
    /// Sends the Adj-RIB-Out of `family` again (RFC 2918): it comes out of [`pull`](Rib::pull).
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::attr::{AttrBuilder, NextHop};
    /// # use bgp_wire::{Asn, BgpId, Context, Family, FamilySet, SessionKind};
    /// # let (mut store, local) = (AttrStore::new(1), "192.0.2.1".parse()?);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)).with_local_v4(local), 2);
    /// # let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// rib.peer_up(&mut store, peer, &Context::new(SessionKind::Ibgp), BgpId(2));
    /// let block = AttrBuilder::new().as_path(&[]).build()?;
    /// rib.originate(&mut store, "10.0.0.0/8".parse()?, &block, None)?;
    /// while rib.process(&mut store, 4096) {}
    /// while rib.pull(&mut store, peer).is_some() {}
    /// rib.refresh(&mut store, peer, Family::IPV4_UNICAST);
    /// assert!(rib.pull(&mut store, peer).is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn refresh(&mut self, store: &mut AttrStore, id: PeerId, family: Family) {
        self.send_again(store, id, family, false);
    }

    /// As [`refresh`](Rib::refresh), between the ROUTE-REFRESH messages that say where it begins and ends (RFC 7313
    /// section 4.1): for a peer with which enhanced route refresh was negotiated. They come out of
    /// [`pull`](Rib::pull) too. While the End-of-RIB of the family is still due, it begins behind that.
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::{Asn, BgpId, Context, Family, RefreshSubtype, RouteRefresh, SessionKind};
    /// # let mut store = AttrStore::new(1);
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)), 2);
    /// # let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// # rib.peer_up(&mut store, peer, &Context::new(SessionKind::Ibgp), BgpId(2));
    /// while rib.process(&mut store, 4096) {}
    /// while rib.pull(&mut store, peer).is_some() {}
    /// rib.refresh_enhanced(&mut store, peer, Family::IPV4_UNICAST);
    /// for subtype in [RefreshSubtype::BEGIN, RefreshSubtype::END] {
    ///     let octets = rib.pull(&mut store, peer).ok_or("nothing")?;
    ///     assert_eq!(RouteRefresh::decode(&octets)?, RouteRefresh::new(Family::IPV4_UNICAST, subtype));
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn refresh_enhanced(&mut self, store: &mut AttrStore, id: PeerId, family: Family) {
        self.send_again(store, id, family, true);
    }

    /// The peer begins to send all it has of `family` (RFC 7313 section 4.2: BoRR): its routes stay in use, and
    /// [`end_refresh`](Rib::end_refresh) removes those that it has not sent again until then. Beginning once more marks
    /// all of them anew. How long the end may take is the caller's to limit: it calls `end_refresh` then. Nothing
    /// happens while the peer is down.
    ///
    /// ```
    /// # use bgp_rib::{AttrStore, Config, PeerConfig, PeerKind, Rib};
    /// # use bgp_wire::attr::AttrBuilder;
    /// # use bgp_wire::{Asn, BgpId, Context, Family, Packer, SessionKind, UpdateView};
    /// # let (mut store, ctx) = (AttrStore::new(1), Context::new(SessionKind::Ibgp));
    /// # let mut rib = Rib::new(Config::new(Asn(64512), BgpId(1)), 2);
    /// # let peer = rib.add_peer(PeerConfig::new(PeerKind::Ibgp, Asn(64512), "192.0.2.2".parse()?))?;
    /// # rib.peer_up(&mut store, peer, &ctx, BgpId(2));
    /// # let block = AttrBuilder::new().local_pref(100).build()?;
    /// # let (mut update, routes) = (bytes::BytesMut::new(), ["10.0.0.0/8".parse::<ipnet::IpNet>()?.into()]);
    /// # Packer::new(&ctx).announce(&mut update, &block, "192.0.2.2".parse()?, Family::IPV4_UNICAST, routes)?;
    /// rib.update(&mut store, peer, &UpdateView::decode(&update, &ctx)?);
    /// rib.begin_refresh(peer, Family::IPV4_UNICAST);
    /// assert_eq!(rib.path_count(peer), 1);
    /// // The peer sends nothing before the end:
    /// rib.end_refresh(&mut store, peer, Family::IPV4_UNICAST);
    /// assert_eq!(rib.path_count(peer), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "BoRR")]
    pub fn begin_refresh(&mut self, id: PeerId, family: Family) {
        let Some(peer) = self.peer(id).filter(|peer| peer.group.is_some()) else { return };
        let routes = peer.kept();
        if let Some(kept) = self.peer_mut(id).and_then(|peer| peer.kept.as_deref_mut()) {
            kept.begin_refresh(family);
        }
        for route in routes.iter() {
            if self.tables.prefix(route).is_some_and(|prefix| prefix.family() == family) {
                self.routes.mark(route, |path| path.peer() == id.0, Path::set_refreshing);
            }
        }
    }

    /// The peer has sent all it has of `family` (RFC 7313 section 4.2: EoRR): what it has not sent since
    /// [`begin_refresh`](Rib::begin_refresh) goes. Without one nothing happens.
    #[doc(alias = "EoRR")]
    pub fn end_refresh(&mut self, store: &mut AttrStore, id: PeerId, family: Family) {
        self.retain_kept(store, id, |of, received| of != family || !received.refreshing);
        self.remove_where(store, id, |of, path| of == family && path.is_refreshing());
    }

    fn send_again(&mut self, store: &mut AttrStore, id: PeerId, family: Family, is_framed: bool) {
        let Some(number) = self.peer(id).and_then(|peer| peer.group) else { return };
        let (groups, mut shared) = self.split(store);
        if let Some(group) = group_at(groups, number) {
            group.refresh(id.0, &mut shared, family, is_framed);
        }
    }
}
