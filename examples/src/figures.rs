//! What a step of the story cost, for people and for programs.

use std::fmt;
use std::time::Duration;

use bgp_cluster::sim::{Settled, Simulation, Traffic};
use serde::Serialize;

/// The figures of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Figures {
    /// The step: `a` to `e`.
    pub step: &'static str,
    /// Nodes that run.
    pub nodes: usize,
    /// Route reflectors among them.
    pub reflectors: usize,
    /// Sessions that are Established, each counted once.
    pub sessions: u64,
    /// BGP messages received during the step.
    pub messages: u64,
    /// Their octets.
    pub octets: u64,
    /// Virtual time until the last session or route changed; none: computed.
    pub converge_virtual_ms: Option<u64>,
    /// Time that the step took on this machine; none: computed.
    pub converge_real_ms: Option<u64>,
    /// The figures were computed from the plan, not played.
    pub computed: bool,
}

impl Figures {
    /// The figures of a step that was played; `before` is the traffic when it began.
    #[must_use]
    pub fn played(
        step: &'static str,
        simulation: &Simulation,
        before: Traffic,
        settled: Settled,
        real: Duration,
    ) -> Figures {
        let traffic = simulation.traffic();
        Figures {
            step,
            nodes: simulation.nodes().count(),
            reflectors: simulation.reflectors(),
            sessions: u64::try_from(simulation.connections()).unwrap_or(u64::MAX),
            messages: traffic.messages.saturating_sub(before.messages),
            octets: traffic.octets.saturating_sub(before.octets),
            converge_virtual_ms: Some(millis(settled.took)),
            converge_real_ms: Some(millis(real)),
            computed: false,
        }
    }

    /// The figures of a mesh of `nodes` nodes, out of those of a mesh of two: every pair exchanges the same messages.
    #[must_use]
    pub fn of_mesh(step: &'static str, nodes: usize, sessions: u64, pair: &Figures) -> Figures {
        Figures {
            step,
            nodes,
            reflectors: 0,
            sessions,
            messages: pair.messages.saturating_mul(sessions),
            octets: pair.octets.saturating_mul(sessions),
            converge_virtual_ms: None,
            converge_real_ms: None,
            computed: true,
        }
    }

    /// The same network in a step in which no BGP message is sent.
    #[must_use]
    pub fn unchanged(&self, step: &'static str) -> Figures {
        Figures { step, messages: 0, octets: 0, ..self.clone() }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { nodes, reflectors, sessions, messages, octets, .. } = self;
        let count = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        let nodes = count(*nodes, "node", "nodes");
        let reflectors = count(*reflectors, "reflector", "reflectors");
        write!(f, "{nodes}, {reflectors}, {sessions} sessions, {messages} messages, {octets} octets")?;
        match (self.converge_virtual_ms, self.converge_real_ms) {
            (Some(virtual_ms), Some(real_ms)) => write!(f, "; converged after {virtual_ms} ms, played in {real_ms} ms"),
            _ => f.write_str("; computed"),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
