//! What a story is played with: the resources of each step, and where to look.

use bgp_cluster::lab::Lab;
use bgp_cluster::resource::Resource;

/// Resources that a step applies, and the name they have in what is printed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Change {
    /// The file, as on the command line of `calicoctl apply -f`.
    pub file: String,
    /// What it holds.
    pub resources: Vec<Resource>,
}

impl Change {
    /// The resources of a file.
    pub fn new(file: impl Into<String>, resources: Vec<Resource>) -> Change {
        Change { file: file.into(), resources }
    }
}

/// A cluster and what happens to it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Script {
    /// Facts of the machines.
    pub lab: Lab,
    /// The cluster as it is found: pools with IPIP, nodes, mesh.
    pub start: Vec<Change>,
    /// Step b: IPIP off.
    pub never: Change,
    /// Step c: the mesh off.
    pub mesh_off: Change,
    /// Step d: all reflectors but the last, and the peering with them.
    pub reflectors: Vec<Change>,
    /// Step e: the last reflector; none: one reflector is all there is, and none dies.
    pub last_reflector: Option<Change>,
    /// The node where the operator sits.
    pub here: String,
    /// The node whose pod is asked in steps a to d; the reflector of the seed.
    pub there: String,
    /// The reflector that dies in step e.
    pub dies: String,
    /// A node that is neither `here` nor the one that dies: its pod is asked while that happens.
    pub witness: String,
    /// Everything is printed; else only what does not grow with the cluster.
    pub whole: bool,
    /// The largest mesh that is played; above that it is computed.
    pub largest_mesh: usize,
}
