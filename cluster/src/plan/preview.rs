//! What a change of the resources will do to sessions, before it is made.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use super::warning::Warning;
use super::{Planner, SessionPlan};
use crate::cluster::Cluster;
use crate::name::Name;

/// The difference between two clusters. Display is a line for each session and each new warning.
///
/// ```
/// use bgp_cluster::{Cluster, plan::preview::Preview, resource::{BgpConfigurationSpec, NodeSpec, Object}};
///
/// let mut before = Cluster::new();
/// for text in [
///     r#"{"metadata":{"name":"a"},"spec":{"bgp":{"ipv4Address":"10.0.0.1/24"}}}"#,
///     r#"{"metadata":{"name":"b"},"spec":{"bgp":{"ipv4Address":"10.0.0.2/24"}}}"#,
/// ] {
///     before.apply(serde_json::from_str::<Object<NodeSpec>>(text)?.into())?;
/// }
/// let mut after = before.clone();
/// let off = r#"{"metadata":{"name":"default"},"spec":{"nodeToNodeMeshEnabled":false}}"#;
/// after.apply(serde_json::from_str::<Object<BgpConfigurationSpec>>(off)?.into())?;
/// assert_eq!(Preview::new(&before, &after).to_string(), "\
/// - a 10.0.0.2 node-to-node mesh
/// - b 10.0.0.1 node-to-node mesh
/// ! the mesh is off and no BGPPeer connects any nodes: all routes between nodes go away
/// ");
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preview {
    /// Ends of sessions that come, go, or are made anew, in the order of nodes and peers.
    pub sessions: Vec<SessionChange>,
    /// Warnings that are not there before the change.
    pub warnings: Vec<Warning>,
}

/// One end of a session that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionChange {
    /// The node.
    pub node: Name,
    /// What happens.
    pub kind: ChangeKind,
    /// The session as it will be; of one that goes, as it was.
    pub session: SessionPlan,
}

/// What happens to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// It goes.
    Removed,
    /// It comes.
    Added,
    /// It has other settings, for which it may have to be made anew.
    Altered,
}

impl Preview {
    /// Compares two clusters. Holds only what differs.
    #[must_use]
    pub fn new(before: &Cluster, after: &Cluster) -> Self {
        let (old, new) = (Planner::new(before), Planner::new(after));
        let mut names: Vec<_> = old.nodes().iter().chain(new.nodes()).map(|node| &node.name).collect();
        names.sort();
        names.dedup();
        let mut sessions = Vec::new();
        for name in names {
            compare(name, sessions_of(&old, name), sessions_of(&new, name), &mut sessions);
        }
        let known = old.warnings(before);
        let warnings = new.warnings(after).into_iter().filter(|warning| !known.contains(warning)).collect();
        Self { sessions, warnings }
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.warnings.is_empty()
    }
}

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for change in &self.sessions {
            let mark = match change.kind {
                ChangeKind::Removed => '-',
                ChangeKind::Added => '+',
                ChangeKind::Altered => '~',
            };
            writeln!(f, "{mark} {} {} {}", change.node, change.session.remote, change.session.peer_type)?;
        }
        for warning in &self.warnings {
            writeln!(f, "! {warning}")?;
        }
        Ok(())
    }
}

fn sessions_of(planner: &Planner, name: &Name) -> BTreeMap<(IpAddr, u16), SessionPlan> {
    let sessions = planner.node(name.as_str()).map(|plan| plan.sessions).unwrap_or_default();
    sessions.into_iter().map(|session| ((session.remote, session.remote_port), session)).collect()
}

fn compare(
    node: &Name,
    mut old: BTreeMap<(IpAddr, u16), SessionPlan>,
    new: BTreeMap<(IpAddr, u16), SessionPlan>,
    changes: &mut Vec<SessionChange>,
) {
    let first = changes.len();
    let mut push = |kind, session| changes.push(SessionChange { node: node.clone(), kind, session });
    for (key, session) in new {
        match old.remove(&key) {
            Some(was) if was == session => {}
            Some(_) => push(ChangeKind::Altered, session),
            None => push(ChangeKind::Added, session),
        }
    }
    for (_, session) in old {
        push(ChangeKind::Removed, session);
    }
    if let Some(changes) = changes.get_mut(first..) {
        changes.sort_by_key(|change| (change.session.remote, change.session.remote_port));
    }
}
