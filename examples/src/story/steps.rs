//! The steps, one function each.

use std::io::Write;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use bgp_cluster::plan::Planner;
use bgp_cluster::resource::{Kind, Resource};
use bgp_cluster::sim::{PingReport, Settled, Simulation, Traffic};
use bgp_cluster::{Cluster, table};

use super::{Change, Heading, Report, Script, StoryError};
use crate::figures::Figures;
use crate::progress;

/// Virtual time that a step may take to converge.
const PATIENCE: Duration = Duration::from_secs(600);
/// Virtual time that the operator watches after the reflector's death: longer than the hold time of 240 s.
const WATCH: u16 = 300;
/// Virtual time that the operator takes for a command.
const TYPING: Duration = Duration::from_secs(45);
/// Echo requests of one look.
const PROBES: u16 = 3;

/// A story on its way.
pub(super) struct Stage {
    script: Script,
    simulation: Simulation,
    seed: u64,
    there: Ipv4Addr,
    witness: Ipv4Addr,
    report: Report,
}

impl Stage {
    pub(super) fn new(script: Script, seed: u64) -> Result<Stage, StoryError> {
        let mut cluster = Cluster::new();
        for change in &script.start {
            apply(&mut cluster, change)?;
        }
        // Every file is tried before anything is played: what is wrong is said first.
        let mut trial = cluster.clone();
        let later =
            [&script.never, &script.mesh_off].into_iter().chain(&script.reflectors).chain(&script.last_reflector);
        for change in later {
            apply(&mut trial, change)?;
        }
        let nodes = cluster.nodes().len();
        let reflectors = trial.nodes().filter(|node| reflects(node)).count();
        if nodes > script.largest_mesh {
            // The mesh and IPIP are behind us when the play begins.
            apply(&mut cluster, &script.never)?;
            apply(&mut cluster, &script.mesh_off)?;
        }
        let mut simulation = Simulation::new(cluster, script.lab.clone(), seed);
        let mut pods = (Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED);
        let names: Vec<String> = simulation.nodes().map(str::to_owned).collect();
        for name in names {
            let address = simulation.start_pod(&name, "web")?;
            if name == script.there {
                pods.0 = address;
            }
            if name == script.witness {
                pods.1 = address;
            }
        }
        let report = Report { seed, nodes, reflectors, steps: Vec::new() };
        Ok(Stage { script, simulation, seed, there: pods.0, witness: pods.1, report })
    }

    pub(super) fn play(mut self, out: &mut dyn Write) -> Result<Report, StoryError> {
        if self.report.nodes > self.script.largest_mesh {
            self.computed(out)?;
        } else {
            self.tunnel_and_mesh(out)?;
            self.tunnel_off(out)?;
        }
        self.mesh_off(out)?;
        self.reflector(out)?;
        self.second_reflector(out)?;
        Ok(self.report)
    }

    /// a. Everything as it was found.
    fn tunnel_and_mesh(&mut self, out: &mut dyn Write) -> Result<(), StoryError> {
        write!(out, "{}", Heading("a", "IPIP on, node-to-node mesh"))?;
        self.settle("a", "node-to-node mesh")?;
        self.pools(out)?;
        self.nodes(out)?;
        self.status(out)?;
        self.sockets(out)?;
        self.tunnel(out)?;
        self.routes(out)?;
        let report = self.ping(out, self.there)?;
        self.expect("a", report.answered(), "the pod does not answer")?;
        self.expect("a", report.ping.overhead == 20, "the packets are not wrapped")?;
        self.figures(out)
    }

    /// b. The tunnel off.
    fn tunnel_off(&mut self, out: &mut dyn Write) -> Result<(), StoryError> {
        write!(out, "{}", Heading("b", "ipipMode: Never"))?;
        self.apply(out, &self.script.never.clone())?;
        self.settle("b", "ipipMode: Never")?;
        self.pools(out)?;
        self.tunnel(out)?;
        self.routes(out)?;
        let report = self.ping(out, self.there)?;
        self.expect("b", report.answered(), "the pod does not answer")?;
        self.expect("b", report.ping.overhead == 0, "the packets are wrapped")?;
        self.figures(out)
    }

    /// a and b of a mesh that is too large to play: two of its nodes are, and every pair does what they do.
    fn computed(&mut self, out: &mut dyn Write) -> Result<(), StoryError> {
        let (mut cluster, mut pair) = (Cluster::new(), Cluster::new());
        let mut nodes_left = 2usize;
        for change in &self.script.start {
            apply(&mut cluster, change)?;
            let mut few = change.clone();
            few.resources.retain(|resource| {
                let node = resource.kind() == Kind::Node;
                let keep = !node || nodes_left > 0;
                nodes_left = nodes_left.saturating_sub(usize::from(node));
                keep
            });
            apply(&mut pair, &few)?;
        }
        let mut two = Simulation::new(pair, self.script.lab.clone(), self.seed);
        let names: Vec<String> = two.nodes().map(str::to_owned).collect();
        for name in names {
            two.start_pod(&name, "web")?;
        }
        let started = Instant::now();
        let settled = two.settle(PATIENCE);
        let of_two = Figures::played("a", &two, Traffic::default(), settled, started.elapsed());
        let sessions = Planner::new(&cluster).mesh_sessions();
        write!(out, "{}", Heading("a", "IPIP on, node-to-node mesh"))?;
        let mesh = Figures::of_mesh("a", self.report.nodes, sessions, &of_two);
        let unchanged = mesh.unchanged("b");
        self.report.steps.push(mesh);
        self.figures(out)?;
        write!(out, "{}", Heading("b", "ipipMode: Never"))?;
        self.report.steps.push(unchanged);
        self.figures(out)
    }

    /// c. The mesh off, and nothing in its place.
    fn mesh_off(&mut self, out: &mut dyn Write) -> Result<(), StoryError> {
        write!(out, "{}", Heading("c", "nodeToNodeMeshEnabled: false"))?;
        self.apply(out, &self.script.mesh_off.clone())?;
        self.warnings(out)?;
        self.settle("c", "nodeToNodeMeshEnabled: false")?;
        self.print(out, "calicoctl get bgpconfig", &table::bgp_configurations(self.simulation.cluster()))?;
        self.nodes(out)?;
        self.status(out)?;
        self.routes(out)?;
        let report = self.ping(out, self.there)?;
        self.expect("c", !report.answered(), "the pod answers without a route")?;
        self.figures(out)
    }

    /// d. Reflectors, all but the last.
    fn reflector(&mut self, out: &mut dyn Write) -> Result<(), StoryError> {
        write!(out, "{}", Heading("d", "A route reflector"))?;
        for change in self.script.reflectors.clone() {
            self.apply(out, &change)?;
        }
        self.warnings(out)?;
        self.settle("d", "route reflectors")?;
        self.print(out, "calicoctl get bgppeer", &table::bgp_peers(self.simulation.cluster()))?;
        self.status(out)?;
        self.sockets(out)?;
        self.routes(out)?;
        self.reflected(out)?;
        let report = self.ping(out, self.there)?;
        self.expect("d", report.answered(), "the pod does not answer")?;
        let report = self.ping(out, self.witness)?;
        self.expect("d", report.answered(), "the pod behind the reflector's clients does not answer")?;
        self.figures(out)
    }

    /// e. The last reflector; then the first one dies.
    fn second_reflector(&mut self, out: &mut dyn Write) -> Result<(), StoryError> {
        let Some(last) = self.script.last_reflector.clone() else { return Ok(()) };
        write!(out, "{}", Heading("e", "A second reflector, and the death of the first"))?;
        self.apply(out, &last)?;
        self.warnings(out)?;
        self.settle("e", "second reflector")?;
        self.status(out)?;
        self.figures(out)?;
        let dies = self.script.dies.clone();
        write!(out, "\n# {:<40} (on {dies})\n\n", "poweroff")?;
        self.simulation.kill(&dies);
        let report = self.watch()?;
        self.print_at(out, &format!("ping -c {WATCH} {} | tail -5", self.witness), &summary(&report))?;
        self.expect("e", report.answered(), "a ping was lost")?;
        self.status(out)?;
        self.routes(out)
    }

    /// Pings once a second until long after the dead reflector's sessions have ended.
    fn watch(&mut self) -> Result<PingReport, StoryError> {
        let mut all = self.probe(self.witness, 1)?;
        for sequence in 2..=WATCH {
            self.simulation.run_for(Duration::from_secs(1));
            all.append(self.probe(self.witness, 1)?, sequence);
        }
        Ok(all)
    }

    fn settle(&mut self, step: &'static str, what: &'static str) -> Result<Settled, StoryError> {
        let (before, started) = (self.simulation.traffic(), Instant::now());
        let settled = progress::settle(&mut self.simulation, what, PATIENCE);
        self.report.steps.push(Figures::played(step, &self.simulation, before, settled, started.elapsed()));
        self.expect(step, settled.converged, "the sessions do not come up")?;
        Ok(settled)
    }

    fn apply(&mut self, out: &mut dyn Write, change: &Change) -> Result<(), StoryError> {
        let kind = change.resources.first().map_or(Kind::Node, Resource::kind);
        let said = table::applied(kind, change.resources.len());
        self.simulation.run_for(TYPING);
        self.simulation
            .apply(change.resources.iter().cloned())
            .map_err(|error| StoryError::Apply { file: change.file.clone(), error })?;
        self.print(out, &format!("calicoctl apply -f {}", change.file), &said)
    }

    fn warnings(&self, out: &mut dyn Write) -> Result<(), StoryError> {
        for warning in self.simulation.planner().warnings(self.simulation.cluster()) {
            writeln!(out, "warning: {warning}\n")?;
        }
        Ok(())
    }

    fn pools(&self, out: &mut dyn Write) -> Result<(), StoryError> {
        self.print(out, "calicoctl get ippool -o wide", &table::ip_pools(self.simulation.cluster()))
    }

    fn nodes(&self, out: &mut dyn Write) -> Result<(), StoryError> {
        if !self.script.whole {
            return Ok(());
        }
        self.print(out, "calicoctl get node -o wide", &table::nodes(self.simulation.cluster()))
    }

    fn status(&self, out: &mut dyn Write) -> Result<(), StoryError> {
        let status = self.simulation.node_status(&self.script.here);
        if !self.script.whole && status.sessions.len() > SHOWN {
            return Ok(());
        }
        self.print_at(out, "calicoctl node status", &table::node_status(&status))
    }

    fn sockets(&self, out: &mut dyn Write) -> Result<(), StoryError> {
        let sessions = self.simulation.tcp_sessions(&self.script.here);
        if !self.script.whole && sessions.len() > SHOWN {
            return Ok(());
        }
        let lines: String = sessions.iter().map(|session| format!("{}\n", table::tcp_session(session))).collect();
        self.print_at(out, "ss -antp | grep ESTAB | grep bird", &lines)
    }

    fn tunnel(&self, out: &mut dyn Write) -> Result<(), StoryError> {
        let device = self.simulation.tunnel_device(&self.script.here);
        self.print_at(out, "ip addr", &table::tunnel_device(&device))
    }

    fn routes(&self, out: &mut dyn Write) -> Result<(), StoryError> {
        let routes = self.simulation.routes(&self.script.here);
        if self.script.whole {
            return self.print_at(out, "ip route", &table::ip_route(&routes));
        }
        let count = format!("{} routes\n", routes.len());
        self.print_at(out, "ip route | wc -l", &count)
    }

    fn reflected(&self, out: &mut dyn Write) -> Result<(), StoryError> {
        let reflected = self.simulation.reflected(&self.script.here);
        let shown = if self.script.whole { reflected.len() } else { 1 };
        let lines: String = reflected.iter().take(shown).map(|route| format!("{route}\n")).collect();
        self.print_at(out, "birdcl show route all where defined(bgp_originator_id)", &lines)
    }

    fn ping(&self, out: &mut dyn Write, target: Ipv4Addr) -> Result<PingReport, StoryError> {
        let report = self.probe(target, PROBES)?;
        let mut text = table::ping(&report.ping);
        if let Some(lost) = &report.lost {
            text.push_str(&format!("lost at {}: {}\n", lost.at, lost.reason));
        }
        self.print_at(out, &format!("ping -c {PROBES} {target}"), &text)?;
        Ok(report)
    }

    fn probe(&self, target: Ipv4Addr, count: u16) -> Result<PingReport, StoryError> {
        let here = &self.script.here;
        let report = self.simulation.ping(here, target, count);
        report.ok_or_else(|| StoryError::Unsuitable(format!("node {here} has no address to ping from")))
    }

    fn figures(&self, out: &mut dyn Write) -> Result<(), StoryError> {
        if let Some(figures) = self.report.steps.last() {
            writeln!(out, "figures: {figures}")?;
        }
        Ok(())
    }

    fn print_at(&self, out: &mut dyn Write, command: &str, text: &str) -> Result<(), StoryError> {
        let place = format!("(on {})", self.script.here);
        write!(out, "# {command:<40} {place}\n{text}\n")?;
        Ok(())
    }

    fn print(&self, out: &mut dyn Write, command: &str, text: &str) -> Result<(), StoryError> {
        write!(out, "# {command}\n{text}\n")?;
        Ok(())
    }

    fn expect(&self, step: &'static str, holds: bool, problem: &str) -> Result<(), StoryError> {
        if holds {
            return Ok(());
        }
        Err(StoryError::Unexpected { step, problem: format!("{problem} (seed {})", self.seed) })
    }
}

/// Rows of a table that are shown of a large cluster.
const SHOWN: usize = 10;

fn apply(cluster: &mut Cluster, change: &Change) -> Result<(), StoryError> {
    cluster
        .apply_all(change.resources.iter().cloned())
        .map_err(|error| StoryError::Apply { file: change.file.clone(), error })
}

fn reflects(node: &bgp_cluster::resource::Object<bgp_cluster::resource::NodeSpec>) -> bool {
    node.spec.bgp.as_ref().is_some_and(|bgp| bgp.route_reflector_cluster_id.is_some())
}

/// The end of `ping`'s output: a line a second would be 300 lines.
fn summary(report: &PingReport) -> String {
    let text = table::ping(&report.ping);
    let from = text.find("---").unwrap_or_default();
    text.get(from..).unwrap_or_default().to_owned()
}
