//! OpenBGPD, in its portable form.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::daemon::{Daemon, Place, Process, Seen, Setup, installed, v4, v6};

/// A running OpenBGPD.
#[derive(Debug)]
pub(crate) struct OpenBgpd {
    process: Process,
    place: Place,
    setup: Setup,
}

impl OpenBgpd {
    pub(crate) fn installed() -> bool {
        installed("/usr/sbin/bgpctl", "openbgpd")
    }

    pub(crate) fn start(setup: &Setup) -> OpenBgpd {
        let place = Place::new("openbgpd");
        let file = place.write("conf", &configuration(setup, &place));
        // It refuses a configuration that others can read.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(file, mode).unwrap();
        // Its parts lock themselves into this folder, which the package leaves to the service manager to make.
        std::fs::create_dir_all("/run/openbgpd").unwrap();
        OpenBgpd { process: run(&place), place, setup: setup.clone() }
    }

    pub(crate) fn restart(&mut self) {
        let _ = std::fs::remove_file(self.place.file("socket"));
        self.process = run(&self.place);
    }

    fn ask(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new("/usr/sbin/bgpctl");
        command
            .arg("-s")
            .arg(self.place.file("socket"))
            .arg("-j")
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.ask(arguments).stdout).unwrap_or(Value::Null)
    }

    fn neighbor(&self) -> Value {
        self.json(&["show", "neighbor", &self.setup.peer.ip().to_string()])["neighbors"][0].clone()
    }

    fn paths(&self, prefix: &str) -> Vec<Value> {
        let peer = self.setup.peer.ip().to_string();
        let table = self.json(&["show", "rib", "detail", "neighbor", &peer, prefix]);
        table["rib"].as_array().cloned().unwrap_or_default()
    }

    fn networks(&self, verb: &str) {
        for prefix in [v4(self.setup.number), v6(self.setup.number)] {
            assert!(self.ask(&["network", verb, &prefix]).status.success());
        }
    }
}

impl Daemon for OpenBgpd {
    fn route(&self, prefix: &str) -> Option<Seen> {
        let paths = self.paths(prefix);
        let path = paths.first()?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let number = |value: &Value| value.as_u64().map(|number| number.to_string()).unwrap_or_default();
        let list = |value: &Value| value.as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(" ");
        let others = path["attributes"].as_array().cloned().unwrap_or_default();
        let other = |key: &str| others.iter().find_map(|other| other.get(key)).cloned().unwrap_or_default();
        Some(Seen {
            next_hop: text(&path["exit_nexthop"]),
            origin: text(&path["origin"]),
            as_path: text(&path["aspath"]),
            local_pref: number(&path["localpref"]),
            med: number(&path["metric"]),
            communities: list(&path["communities"]),
            ext_communities: list(&path["extended_communities"]).replace("rt ", "RT:"),
            large_communities: list(&path["large_communities"]),
            originator: text(&other("originator")),
            cluster_list: list(&other("cluster_list")),
        })
    }

    fn next_hops(&self, prefix: &str) -> Vec<String> {
        let next_hop = |path: &Value| path["exit_nexthop"].as_str().unwrap_or_default().to_owned();
        let mut found: Vec<_> = self.paths(prefix).iter().map(next_hop).collect();
        found.sort_unstable();
        found
    }

    fn is_up(&self) -> bool {
        self.neighbor()["state"] == "Established"
    }

    fn sessions_up(&self) -> usize {
        let neighbors = self.json(&["show", "neighbor"])["neighbors"].clone();
        let all = neighbors.as_array().into_iter().flatten();
        all.filter(|neighbor| neighbor["state"] == "Established").count()
    }

    fn reset(&self) {
        for (_, peer) in self.setup.sessions() {
            assert!(self.ask(&["neighbor", &peer.ip().to_string(), "clear"]).status.success());
        }
    }

    fn withdraw(&self) {
        self.networks("delete");
    }

    fn announce(&self) {
        self.networks("add");
    }

    fn refresh(&self) -> bool {
        self.ask(&["neighbor", &self.setup.peer.ip().to_string(), "refresh"]).status.success()
    }

    fn received(&self) -> u64 {
        self.neighbor()["stats"]["update"]["received"]["updates"].as_u64().unwrap_or(0)
    }

    fn number(&self) -> u8 {
        self.setup.number
    }

    fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

fn run(place: &Place) -> Process {
    let log = std::fs::File::create(place.file("log")).unwrap();
    Process::start_group(
        Command::new("/usr/sbin/bgpd").arg("-d").arg("-f").arg(place.file("conf")).stdout(Stdio::null()).stderr(log),
    )
}

fn configuration(setup: &Setup, place: &Place) -> String {
    let Setup { number, port, asn, peer_as, hold_time, .. } = setup;
    let listen: String = setup.sessions().iter().map(|(own, _)| format!("listen on {own} port {port}\n")).collect();
    let add_path = if setup.add_path { " announce add-path recv yes\n announce add-path send all\n" } else { "" };
    let passive = if setup.passive { " passive\n" } else { "" };
    let multihop = if asn == peer_as { "" } else { " multihop 64\n" };
    let cluster = setup.cluster.map(|cluster| format!(" route-reflector {cluster}\n")).unwrap_or_default();
    let sessions: String = setup
        .sessions()
        .iter()
        .map(|(own, peer)| {
            format!(
                "neighbor {} {{
 remote-as {peer_as}
 port {}
 local-address {own}
 holdtime {hold_time}
 announce IPv4 unicast
 announce IPv6 unicast
{add_path}{passive}{multihop}{cluster}}}
",
                peer.ip(),
                peer.port(),
            )
        })
        .collect();
    let (v4, v6) = (v4(*number), v6(*number));
    let own = format!(
        "localpref 150 metric 7 community 64512:{number} large-community 64512:1:{number} ext-community rt 64512:{number}"
    );
    format!(
        "AS {asn}
router-id 10.0.0.{number}
fib-update no
nexthop qualify via default
socket \"{}\"
{listen}network {v4}
network {v6}
{sessions}allow from any
allow to any
match to any prefix {v4} set {{ nexthop 192.0.2.{number} {own} }}
match to any prefix {v6} set {{ nexthop 2001:db8:ffff::{number} {own} }}
",
        place.file("socket").display(),
    )
}
