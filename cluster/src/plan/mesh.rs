//! The node-to-node mesh: every node without a cluster identifier with every other.

use super::session::{Intent, Remote};
use super::{NodeFacts, PeerType, Planner, SessionPlan, Sessions};
use crate::resource::NextHopMode;

impl Planner {
    /// The nodes of the mesh; none if it is off.
    pub(super) fn mesh_members(&self) -> impl Iterator<Item = &NodeFacts> {
        self.nodes.iter().filter(|node| self.mesh.is_some() && node.cluster_id.is_none())
    }

    /// Adds the mesh sessions of a node where no BGPPeer asked for one.
    pub(super) fn add_mesh(&self, local: &NodeFacts, sessions: &mut Sessions) {
        let Some(options) = &self.mesh else { return };
        if local.cluster_id.is_some() {
            return;
        }
        for node in self.mesh_members().filter(|node| node.name != local.name) {
            for addr in node.addrs().filter(|addr| local.addr_like(*addr).is_some()) {
                let remote = Remote { addr, port: node.port, asn: node.asn, node: Some(node) };
                let intent = Intent {
                    peer_type: PeerType::Mesh,
                    resource: None,
                    local_as: None,
                    use_node_ip: true,
                    next_hop: NextHopMode::Auto,
                    options: options.clone(),
                };
                sessions.entry((addr, node.port)).or_insert_with(|| SessionPlan::new(local, remote, intent));
            }
        }
    }
}
