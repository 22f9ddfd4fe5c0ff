//! What the interior routing says about next hops (RFC 4271 section 9.1.2.1).

use core::net::IpAddr;

use super::Speaker;

impl Speaker {
    /// Says that a next hop cannot be reached, or can be again: routes with one that cannot are not used. All can be
    /// until this is called.
    ///
    /// ```
    /// # use bgp_speaker::{AttrStore, Config, Speaker};
    /// # use bgp_wire::{Asn, BgpId};
    /// # let mut store = AttrStore::new(1);
    /// # let mut speaker = Speaker::new(Config::new(bgp_rib::Config::new(Asn(64512), BgpId(1))), 2);
    /// speaker.set_unreachable("192.0.2.9".parse()?, true);
    /// while speaker.process(&mut store) {}
    /// # Ok::<(), core::net::AddrParseError>(())
    /// ```
    pub fn set_unreachable(&mut self, next_hop: IpAddr, unreachable: bool) {
        self.rib.set_unreachable(next_hop, unreachable);
        self.work = true;
    }

    /// Sets the interior cost of a next hop, 0 until this is called: of otherwise equal routes the one with the nearest
    /// next hop is used.
    ///
    /// ```
    /// # use bgp_speaker::{AttrStore, Config, Speaker};
    /// # use bgp_wire::{Asn, BgpId};
    /// # let mut store = AttrStore::new(1);
    /// # let mut speaker = Speaker::new(Config::new(bgp_rib::Config::new(Asn(64512), BgpId(1))), 2);
    /// speaker.set_igp_cost("192.0.2.9".parse()?, 20);
    /// while speaker.process(&mut store) {}
    /// # Ok::<(), core::net::AddrParseError>(())
    /// ```
    pub fn set_igp_cost(&mut self, next_hop: IpAddr, cost: u32) {
        self.rib.set_igp_cost(next_hop, cost);
        self.work = true;
    }
}
