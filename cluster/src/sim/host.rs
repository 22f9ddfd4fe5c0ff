//! One simulated host: its speaker, what BGP taught it, its pods and its tunnel device.

use alloc::collections::BTreeSet;
use alloc::string::String;
use core::net::{IpAddr, Ipv4Addr};

use bgp_fsm::Instant;
use bgp_rib::{Fib, RibEvent};
use bgp_speaker::{ConnId, Speaker};
use hashbrown::HashMap;
use ipnet::{IpNet, Ipv4Net};

use super::pipe::PipeId;

/// A host of the network, by the order in which it was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct HostId(pub(crate) u32);

impl HostId {
    pub(crate) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// A host.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) name: String,
    /// Address and subnet of its network card.
    pub(crate) address: Ipv4Net,
    pub(crate) alive: bool,
    pub(crate) speaker: Speaker,
    /// Prefixes that BGP taught it, with their next hops.
    pub(crate) learned: Fib<IpAddr>,
    /// The address on tunl0.
    pub(crate) tunnel: Option<Ipv4Addr>,
    pub(crate) pods: BTreeSet<Ipv4Addr>,
    /// The blocks that are its own.
    pub(crate) blocks: BTreeSet<IpNet>,
    /// Those of them that it announces.
    pub(crate) announced: BTreeSet<IpNet>,
    /// Its ends of connections.
    pub(crate) pipes: HashMap<ConnId, (PipeId, usize), foldhash::fast::FixedState>,
    /// When its next timer stands in the clock.
    pub(crate) wake: Option<Instant>,
    pub(crate) touched: bool,
    ports: u32,
}

impl Host {
    pub(crate) fn new(name: String, address: Ipv4Net, speaker: Speaker, seed: u64) -> Host {
        Host {
            name,
            address,
            alive: true,
            speaker,
            learned: Fib::new(),
            tunnel: None,
            pods: BTreeSet::new(),
            blocks: BTreeSet::new(),
            announced: BTreeSet::new(),
            pipes: HashMap::with_hasher(foldhash::fast::FixedState::with_seed(seed)),
            wake: None,
            touched: false,
            ports: u32::try_from(seed & 0xffff_ffff).unwrap_or(0),
        }
    }

    /// An ephemeral port to dial from (32768 to 60999, Linux's range), no two the same for long.
    pub(crate) fn next_port(&mut self) -> u16 {
        // An odd step visits every port of the range before one comes again.
        self.ports = self.ports.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u16::try_from(32_768 + (self.ports >> 8) % 28_232).unwrap_or(32_768)
    }

    /// Takes a change of the tables over; own prefixes are no learned ones.
    pub(crate) fn route_changed(&mut self, change: &RibEvent) {
        let RibEvent::Fib { prefix, route, .. } = change else { return };
        let next_hop = route.filter(|route| route.peer.is_some()).and_then(|route| route.next_hop.addr());
        match next_hop {
            Some(next_hop) => self.learned.insert(*prefix, next_hop),
            None => self.learned.remove(*prefix),
        };
    }
}
