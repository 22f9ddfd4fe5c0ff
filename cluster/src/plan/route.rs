//! The routes that a node's kernel gets, as `ip route` shows them.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use ipnet::IpNet;

use super::NodeFacts;
use crate::cluster::Cluster;
use crate::lab::Uplink;
use crate::resource::{Encap, ProgramClusterRoutes};

/// A route of the kernel's main table. Display is the line of `ip route`, with its trailing blank.
///
/// ```
/// use bgp_cluster::plan::route::KernelRoute;
///
/// let hole = KernelRoute::blackhole("10.244.235.192/26".parse()?);
/// assert_eq!(hole.to_string(), "blackhole 10.244.235.192/26 proto bird ");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct KernelRoute {
    /// Where to; a prefix of length 0 is the default route.
    pub destination: IpNet,
    /// What becomes of the packets.
    pub action: RouteAction,
    /// Who put the route there.
    pub protocol: RouteProtocol,
    /// The metric; none: 0.
    pub metric: Option<u32>,
}

/// What becomes of packets.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RouteAction {
    /// They are dropped.
    Blackhole,
    /// They go to a neighbour.
    Via {
        /// The neighbour.
        gateway: IpAddr,
        /// The device.
        device: String,
        /// The neighbour is reached though it is in no subnet of the device.
        onlink: bool,
    },
    /// They go to a neighbour that is the destination itself.
    Link {
        /// The device.
        device: String,
        /// The address they are sent from.
        source: Option<IpAddr>,
    },
}

/// Who put a route into the kernel (`/etc/iproute2/rt_protos`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RouteProtocol {
    /// 2: the kernel itself.
    Kernel,
    /// 3: a script at start, which `ip route` does not mention.
    Boot,
    /// 4: the administrator.
    Static,
    /// 12: the BGP daemon.
    Bird,
    /// 80: Felix.
    Felix,
}

impl KernelRoute {
    /// The default route.
    #[must_use]
    pub fn default_via(gateway: IpAddr, uplink: &Uplink) -> Self {
        let any = IpNet::new(gateway, 0).unwrap_or_else(|_| IpNet::from(gateway)).trunc();
        let action = RouteAction::Via { gateway, device: uplink.interface.clone(), onlink: false };
        Self { destination: any, action, protocol: RouteProtocol::Static, metric: uplink.metric }
    }

    /// The route of a subnet that the node is in; `host` has its host bits.
    #[must_use]
    pub fn connected(host: IpNet, uplink: &Uplink) -> Self {
        let action = RouteAction::Link { device: uplink.interface.clone(), source: Some(host.addr()) };
        Self { destination: host.trunc(), action, protocol: RouteProtocol::Kernel, metric: uplink.metric }
    }

    /// The route of a pod on the node.
    #[must_use]
    pub fn workload(addr: IpAddr, device: &str) -> Self {
        let action = RouteAction::Link { device: device.into(), source: None };
        Self { destination: addr.into(), action, protocol: RouteProtocol::Boot, metric: None }
    }

    /// The route of a block of the node, which holds back packets to addresses that no pod has.
    #[must_use]
    pub fn blackhole(block: IpNet) -> Self {
        Self { destination: block, action: RouteAction::Blackhole, protocol: RouteProtocol::Bird, metric: None }
    }

    /// The device that packets leave by; none: they are dropped.
    #[must_use]
    pub fn device(&self) -> Option<&str> {
        match &self.action {
            RouteAction::Blackhole => None,
            RouteAction::Via { device, .. } | RouteAction::Link { device, .. } => Some(device),
        }
    }

    /// The neighbour that packets go to; none: the destination itself, or nobody.
    #[must_use]
    pub fn gateway(&self) -> Option<IpAddr> {
        match &self.action {
            RouteAction::Via { gateway, .. } => Some(*gateway),
            RouteAction::Blackhole | RouteAction::Link { .. } => None,
        }
    }

    /// The order of `ip route`: by address, and of one address the longest prefix first, but the default route first.
    #[must_use]
    pub fn order(&self) -> impl Ord + use<> {
        let len = self.destination.prefix_len();
        (len != 0, self.destination.addr(), u8::MAX - len)
    }
}

impl fmt::Display for KernelRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.action, RouteAction::Blackhole) {
            f.write_str("blackhole ")?;
        }
        let destination = self.destination;
        match (destination.prefix_len(), destination.max_prefix_len()) {
            (0, _) => f.write_str("default ")?,
            (len, max) if len == max => write!(f, "{} ", destination.addr())?,
            _ => write!(f, "{destination} ")?,
        }
        if let Some(gateway) = self.gateway() {
            write!(f, "via {gateway} ")?;
        }
        if let Some(device) = self.device() {
            write!(f, "dev {device} ")?;
        }
        match self.protocol {
            RouteProtocol::Kernel => f.write_str("proto kernel ")?,
            RouteProtocol::Boot => {}
            RouteProtocol::Static => f.write_str("proto static ")?,
            RouteProtocol::Bird => f.write_str("proto bird ")?,
            RouteProtocol::Felix => f.write_str("proto 80 ")?,
        }
        if let RouteAction::Link { source, .. } = &self.action {
            f.write_str("scope link ")?;
            if let Some(source) = source {
                write!(f, "src {source} ")?;
            }
        }
        if let Some(metric) = self.metric {
            write!(f, "metric {metric} ")?;
        }
        if matches!(self.action, RouteAction::Via { onlink: true, .. }) {
            f.write_str("onlink ")?;
        }
        Ok(())
    }
}

/// What turns prefixes with a BGP next hop into kernel routes on one node.
#[derive(Debug, Clone, Copy)]
pub struct Routing<'a> {
    cluster: &'a Cluster,
    node: &'a NodeFacts,
    uplink: &'a Uplink,
}

impl<'a> Routing<'a> {
    /// The routing of a node.
    #[must_use]
    pub fn new(cluster: &'a Cluster, node: &'a NodeFacts, uplink: &'a Uplink) -> Self {
        Self { cluster, node, uplink }
    }

    /// The route for a prefix that BGP learned; none: another program makes it (VXLAN), or the next hop is out of reach.
    ///
    /// In an IPIP pool the packets go into tunl0 to the next hop, always or (CrossSubnet) when the next hop is not in
    /// the node's own subnet. Else they go to the next hop directly if it is in the subnet, or to the gateway, which
    /// has to know the way.
    #[must_use]
    pub fn learned(&self, prefix: IpNet, next_hop: IpAddr) -> Option<KernelRoute> {
        let pool = self.cluster.pool_of(&prefix);
        if pool.is_some_and(|pool| pool.spec.vxlan_mode != Encap::Never) {
            return None;
        }
        let neighbour = self.node.same_subnet(next_hop);
        let tunnel = match pool.map_or(Encap::Never, |pool| pool.spec.ipip_mode) {
            Encap::Always => true,
            Encap::CrossSubnet => !neighbour,
            Encap::Never => false,
        };
        let protocol = if pool.is_some() { self.protocol(tunnel) } else { RouteProtocol::Bird };
        let action = if tunnel {
            RouteAction::Via { gateway: next_hop, device: TUNNEL.to_string(), onlink: true }
        } else {
            let gateway = if neighbour { Some(next_hop) } else { self.uplink.gateway_like(next_hop) };
            RouteAction::Via { gateway: gateway?, device: self.uplink.interface.clone(), onlink: false }
        };
        Some(KernelRoute { destination: prefix, action, protocol, metric: None })
    }

    /// The route that holds back packets to free addresses of a block of the node; none: a block of one address.
    #[must_use]
    pub fn own_block(&self, block: IpNet) -> Option<KernelRoute> {
        (block.prefix_len() != block.max_prefix_len()).then(|| KernelRoute::blackhole(block))
    }

    /// The routes that are there without BGP: the default route and the node's own subnets.
    #[must_use]
    pub fn base(&self) -> Vec<KernelRoute> {
        let mut routes = Vec::new();
        if let Some(host) = self.node.ipv4 {
            routes.extend(self.uplink.gateway.map(|gateway| KernelRoute::default_via(gateway.into(), self.uplink)));
            routes.push(KernelRoute::connected(host.net(), self.uplink));
        }
        routes.extend(self.node.ipv6.map(|host| KernelRoute::connected(host.net(), self.uplink)));
        routes
    }

    /// The node's whole table in the order of `ip route`: base, own blocks, and (prefix, next hop) from BGP.
    #[must_use]
    pub fn table(&self, own: &[IpNet], learned: impl IntoIterator<Item = (IpNet, IpAddr)>) -> Vec<KernelRoute> {
        let mut routes = self.base();
        routes.extend(own.iter().filter_map(|block| self.own_block(*block)));
        routes.extend(learned.into_iter().filter_map(|(prefix, next_hop)| self.learned(prefix, next_hop)));
        routes.sort_by_key(KernelRoute::order);
        routes
    }

    /// Whose routes these are: where nothing is said, the BGP daemon's, as before Calico 3.33; what it leaves, Felix's.
    fn protocol(&self, tunnel: bool) -> RouteProtocol {
        let spec = self.cluster.default_spec();
        let bird = match spec.and_then(|spec| spec.program_cluster_routes) {
            None | Some(ProgramClusterRoutes::Enabled) => true,
            Some(ProgramClusterRoutes::Disabled) => false,
            Some(ProgramClusterRoutes::EnabledIpipOnly) => tunnel,
            Some(ProgramClusterRoutes::EnabledNoEncapOnly) => !tunnel,
        };
        if bird { RouteProtocol::Bird } else { RouteProtocol::Felix }
    }
}

/// The name of Linux's first IPIP device.
pub const TUNNEL: &str = "tunl0";

#[cfg(test)]
mod tests;
