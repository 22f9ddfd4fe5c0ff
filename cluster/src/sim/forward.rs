//! Packets hop by hop: look-up, TTL, tunnel, underlay; what `ping` sees of it.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

use bgp_fsm::Instant;
use ipip::{EcnMode, HEADROOM, Path, SortedPeers, Tunnel};
use serde::Serialize;

use super::host::{Host, HostId};
use super::packet::{self, Echo};
use super::{LATENCY, Simulation};
use crate::plan::route::{RouteAction, TUNNEL};
use crate::plan::tunnel::IPIP_OVERHEAD;
use crate::status::{Ping, Probe, Reply};

/// What became of echo requests and their replies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PingReport {
    /// What `ping` prints, and the way of the packets.
    pub ping: Ping,
    /// Where and why a packet ended, when a reply is missing.
    pub lost: Option<Lost>,
}

impl PingReport {
    /// Whether every request was answered.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.lost.is_none() && !self.ping.probes.is_empty()
    }

    /// Adds the probes of a later look at the same target, numbered from `sequence` on.
    pub fn append(&mut self, later: PingReport, sequence: u16) {
        let numbers = sequence..;
        let probes = later.ping.probes.into_iter().zip(numbers);
        self.ping.probes.extend(probes.map(|(probe, sequence)| Probe { sequence, ..probe }));
        self.ping.path = later.ping.path;
        self.ping.overhead = later.ping.overhead;
        self.lost = self.lost.take().or(later.lost);
    }
}

/// Where and why a datagram ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Lost {
    /// The host.
    pub at: String,
    /// Why.
    pub reason: LostReason,
}

/// Why a datagram went no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LostReason {
    /// No route of the host covers the destination but the default route, and its router knows nothing of pods.
    #[error("no route")]
    NoRoute,
    /// The block is the host's own and no pod has the address.
    #[error("blackhole")]
    Blackhole,
    /// The next hop is no live host.
    #[error("next hop does not answer")]
    Unreachable,
    /// The TTL ran out.
    #[error("TTL expired")]
    TtlExpired,
    /// The tunnel refused the datagram, going in or coming out.
    #[error("refused by the tunnel")]
    Tunnel,
}

/// A datagram that arrived.
struct Delivered {
    at: HostId,
    datagram: Vec<u8>,
}

/// A datagram on its way: the octets that a tunnel header takes stand free before it.
struct Journey {
    octets: Vec<u8>,
    path: Vec<String>,
    overhead: u16,
}

/// The way of one request.
struct Trip {
    path: Vec<String>,
    overhead: u16,
    micros: u32,
}

impl Simulation {
    /// Sends `count` ICMP echo requests from a node to an address and lets the replies come back, with the routes of
    /// this moment.
    ///
    /// The requests come from the address of the device they leave by. None: there is no such node.
    ///
    /// ```
    /// # use bgp_cluster::{Cluster, lab::Lab, resource::{IpPoolSpec, NodeSpec, Object}, sim::Simulation};
    /// # let mut cluster = Cluster::new();
    /// # cluster.apply(Object::new("pool".parse()?, IpPoolSpec::new("10.244.0.0/16".parse()?))?.into())?;
    /// # for (name, address) in [("a", "10.0.0.1/24"), ("b", "10.0.0.2/24")] {
    /// #     let json = format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{{"bgp":{{"ipv4Address":"{address}"}}}}}}"#);
    /// #     cluster.apply(serde_json::from_str::<Object<NodeSpec>>(&json)?.into())?;
    /// # }
    /// # let mut simulation = Simulation::new(cluster, Lab::new("eth0"), 1);
    /// let pod = simulation.start_pod("b", "web")?;
    /// simulation.settle(core::time::Duration::from_secs(60));
    /// let report = simulation.ping("a", pod, 3).ok_or("no such node")?;
    /// assert!(report.answered());
    /// assert_eq!(report.ping.path, ["a", "b"]);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn ping(&self, node: &str, target: Ipv4Addr, count: u16) -> Option<PingReport> {
        let from = self.host_id(node)?;
        let source = self.source_address(from, target)?;
        let payload = packet::PING_OCTETS;
        let mut ping = Ping { target: IpAddr::V4(target), payload, probes: Vec::new(), path: Vec::new(), overhead: 0 };
        let mut lost = None;
        for sequence in 1..=count {
            let (trip, outcome) = self.round_trip(from, source, target, sequence);
            ping.path = trip.path;
            ping.overhead = trip.overhead;
            let reply = match outcome {
                Ok(ttl) => Some(Reply { ttl, micros: trip.micros }),
                Err(end) => {
                    lost = Some(end);
                    None
                }
            };
            ping.probes.push(Probe { sequence, reply });
        }
        Some(PingReport { ping, lost })
    }

    /// One request and its reply; the way there, and the TTL with which the reply came back.
    fn round_trip(&self, from: HostId, source: Ipv4Addr, target: Ipv4Addr, sequence: u16) -> (Trip, Result<u8, Lost>) {
        let mut there = Journey::new(packet::echo(Echo::Request, source, target, sequence, HEADROOM));
        let arrived = self.travel(from, &mut there);
        let mut trip = Trip { path: there.path, overhead: there.overhead, micros: 0 };
        let outcome = arrived.and_then(|arrived| {
            if packet::echo_kind(&arrived.datagram) != Some(Echo::Request) {
                return Err(self.lost(arrived.at, LostReason::Tunnel));
            }
            let mut back = Journey::new(packet::echo(Echo::Reply, target, source, sequence, HEADROOM));
            let returned = self.travel(arrived.at, &mut back)?;
            let hops = trip.path.len().saturating_add(back.path.len()).saturating_sub(2);
            let micros = LATENCY.as_micros().saturating_mul(u128::try_from(hops).unwrap_or(u128::MAX));
            trip.micros = u32::try_from(micros).unwrap_or(u32::MAX);
            packet::header(&returned.datagram)
                .filter(|_| returned.at == from && packet::echo_kind(&returned.datagram) == Some(Echo::Reply))
                .map(|header| header.ttl)
                .ok_or_else(|| self.lost(returned.at, LostReason::Tunnel))
        });
        (trip, outcome)
    }

    /// The address a host's own datagrams to `destination` come from: that of the device they leave by.
    fn source_address(&self, from: HostId, destination: Ipv4Addr) -> Option<Ipv4Addr> {
        let host = self.network.host(from)?;
        let device = self.route(host, destination).and_then(|action| match action {
            RouteAction::Via { device, .. } | RouteAction::Link { device, .. } => Some(device),
            RouteAction::Blackhole => None,
        });
        Some(if device.as_deref() == Some(TUNNEL) { host.tunnel? } else { host.address.addr() })
    }

    /// The route that a host has for an address, beyond its own addresses and pods.
    fn route(&self, host: &Host, destination: Ipv4Addr) -> Option<RouteAction> {
        let address = IpAddr::V4(destination);
        let own = host.blocks.iter().find(|block| block.contains(&address));
        let learned = host.learned.lookup(address);
        match (learned, own) {
            // The longer prefix wins; one block has one owner, so they never tie.
            (Some((prefix, next_hop)), own) if own.is_none_or(|own| prefix.prefix_len() > own.prefix_len()) => {
                self.learned_route(host, prefix, *next_hop).map(|route| route.action)
            }
            (_, Some(_)) => Some(RouteAction::Blackhole),
            _ => None,
        }
    }

    /// Lets a datagram travel from a host that made it, or forwards it for a pod, until it arrives.
    fn travel(&self, from: HostId, journey: &mut Journey) -> Result<Delivered, Lost> {
        let mut at = from;
        let mut first = true;
        // The TTL ends every loop; an encapsulated datagram has one of its own, so the bound holds both.
        for _ in 0..2 * usize::from(packet::HOST_TTL) {
            let host = self
                .network
                .host(at)
                .filter(|host| host.alive)
                .ok_or_else(|| self.lost(at, LostReason::Unreachable))?;
            if journey.path.last() != Some(&host.name) {
                journey.path.push(host.name.clone());
            }
            let header = packet::header(journey.datagram()).ok_or_else(|| self.lost(at, LostReason::Tunnel))?;
            let local = host.address.addr() == header.destination || host.tunnel == Some(header.destination);
            if local && header.protocol == packet::IPIP {
                self.decapsulate(host, journey).map_err(|()| self.lost(at, LostReason::Tunnel))?;
                first = false;
                continue;
            }
            if local {
                return Ok(Delivered { at, datagram: journey.datagram().to_vec() });
            }
            // What the host itself made goes out as it is; what it passes on, from or to a pod too, loses one hop.
            let own = first && (header.source == host.address.addr() || host.tunnel == Some(header.source));
            first = false;
            if !own && !packet::forward_ttl(journey.datagram_mut()) {
                return Err(self.lost(at, LostReason::TtlExpired));
            }
            if host.pods.contains(&header.destination) {
                return Ok(Delivered { at, datagram: journey.datagram().to_vec() });
            }
            let next_hop = match self.route(host, header.destination) {
                Some(RouteAction::Blackhole) => return Err(self.lost(at, LostReason::Blackhole)),
                Some(RouteAction::Via { gateway: IpAddr::V4(gateway), device, .. }) if device == TUNNEL => {
                    self.encapsulate(host, gateway, journey).map_err(|()| self.lost(at, LostReason::Tunnel))?;
                    gateway
                }
                Some(RouteAction::Via { gateway: IpAddr::V4(gateway), .. }) => gateway,
                _ => header.destination,
            };
            at = self.underlay(host, next_hop, journey).map_err(|reason| self.lost(at, reason))?;
        }
        Err(self.lost(at, LostReason::TtlExpired))
    }

    /// The host that gets a datagram sent to `next_hop`: a neighbour by its address, or, through routers that know the
    /// hosts' subnets and nothing of pods, whoever has the datagram's destination.
    fn underlay(&self, host: &Host, next_hop: Ipv4Addr, journey: &Journey) -> Result<HostId, LostReason> {
        let neighbour = host.address.contains(&next_hop);
        let target = if neighbour && self.network.by_address.contains_key(&next_hop) {
            next_hop
        } else {
            packet::header(journey.datagram()).ok_or(LostReason::NoRoute)?.destination
        };
        let id = self.network.by_address.get(&target).copied().ok_or(LostReason::NoRoute)?;
        match self.network.host(id) {
            Some(host) if host.alive => Ok(id),
            _ => Err(LostReason::Unreachable),
        }
    }

    fn encapsulate(&self, host: &Host, gateway: Ipv4Addr, journey: &mut Journey) -> Result<(), ()> {
        let mut config = ipip::Config::new(host.address.addr(), EcnMode::Normal);
        // The host has taken the hop off already, where it passes on.
        config.forwarded = false;
        let mut tunnel = Tunnel::new(config, ipip::NoPeers::new());
        let now = self.network.now().saturating_duration_since(Instant::from_nanos(0));
        let outer = tunnel.encap(&Path::new(gateway), now, &mut journey.octets).map_err(|_| ())?;
        let octets = outer.octets().to_vec();
        journey.overhead = IPIP_OVERHEAD;
        journey.octets = [&[0; HEADROOM][..], &octets].concat();
        Ok(())
    }

    fn decapsulate(&self, host: &Host, journey: &mut Journey) -> Result<(), ()> {
        let peers = SortedPeers::new(&self.node_addresses).ok_or(())?;
        let mut tunnel = Tunnel::new(ipip::Config::new(host.address.addr(), EcnMode::Normal), peers);
        let inner = tunnel.decap(journey.datagram_mut()).map_err(|_| ())?.inner.to_vec();
        journey.octets = [&[0; HEADROOM][..], &inner].concat();
        Ok(())
    }

    fn lost(&self, at: HostId, reason: LostReason) -> Lost {
        Lost { at: self.network.host(at).map(|host| host.name.clone()).unwrap_or_default(), reason }
    }
}

impl Journey {
    fn new(octets: Vec<u8>) -> Journey {
        Journey { octets, path: Vec::new(), overhead: 0 }
    }

    fn datagram(&self) -> &[u8] {
        self.octets.get(HEADROOM..).unwrap_or_default()
    }

    fn datagram_mut(&mut self) -> &mut [u8] {
        self.octets.get_mut(HEADROOM..).unwrap_or_default()
    }
}
