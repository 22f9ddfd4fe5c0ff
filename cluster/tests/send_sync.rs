//! Public types cross threads.

use bgp_cluster::plan::preview::{Preview, SessionChange};
use bgp_cluster::plan::reach::{Reach, Spread, Topology};
use bgp_cluster::plan::route::{KernelRoute, RouteAction, RouteProtocol, Routing};
use bgp_cluster::plan::warning::Warning;
use bgp_cluster::plan::{NodeFacts, NodePlan, PeerType, Planner, SessionOptions, SessionPlan};
use bgp_cluster::resource::{
    BgpConfigurationSpec, BgpPeerSpec, GoDuration, Header, IpPoolSpec, LabelSelector, List, Metadata, NodeSpec, Object,
    Resource, Valid,
};
use bgp_cluster::status::{NodeStatus, Ping, SessionStatus, TcpSession, TunnelDevice};
use bgp_cluster::{Applied, Cluster, ClusterError, FieldError, Name, Problem, lab};

fn check<T: Send + Sync>() {}

#[test]
fn public_types_are_send_and_sync() {
    check::<(Applied, Cluster, ClusterError, FieldError, Name, Problem)>();
    check::<(Preview, SessionChange)>();
    check::<(lab::Lab, lab::LabNode, lab::Uplink)>();
    check::<(Reach, Spread<'_>, Topology<'_>, KernelRoute, RouteAction, RouteProtocol, Routing<'_>, Warning)>();
    check::<(NodeFacts, NodePlan, PeerType, Planner, SessionOptions, SessionPlan)>();
    check::<(Object<IpPoolSpec>, Object<NodeSpec>, Object<BgpConfigurationSpec>, Object<BgpPeerSpec>)>();
    check::<(List<IpPoolSpec>, Valid<NodeSpec>, Metadata, Resource, Header, LabelSelector, GoDuration)>();
    check::<(NodeStatus, SessionStatus, TcpSession, TunnelDevice, Ping)>();
}
