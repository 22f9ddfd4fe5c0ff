//! GoBGP.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::daemon::{Daemon, Place, Process, Seen, Setup, installed, until, v4, v6};

/// gobgp's number for this state.
const ESTABLISHED: u64 = 6;

/// A running gobgpd.
#[derive(Debug)]
pub(crate) struct GoBgp {
    process: Process,
    place: Place,
    setup: Setup,
}

impl GoBgp {
    pub(crate) fn installed() -> bool {
        installed("/usr/bin/gobgpd", "gobgpd")
    }

    pub(crate) fn start(setup: &Setup) -> GoBgp {
        let place = Place::new("gobgp");
        place.write("conf", &configuration(setup));
        let daemon = GoBgp { process: run(&place, setup), place, setup: setup.clone() };
        daemon.own_routes();
        daemon
    }

    pub(crate) fn restart(&mut self) {
        self.process = run(&self.place, &self.setup);
        self.own_routes();
    }

    /// The configuration file has no routes: they are added when the interface for commands is there.
    fn own_routes(&self) {
        until("gobgpd takes commands", || self.command(&["global"]).status.success());
        self.announce();
    }

    fn command(&self, arguments: &[&str]) -> std::process::Output {
        let address = self.setup.address.to_string();
        let mut command = Command::new("/usr/bin/gobgp");
        command.args(["-j", "-u", &address]).args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_slice(&self.command(arguments).stdout).unwrap_or(Value::Null)
    }

    fn neighbor(&self) -> Value {
        self.json(&["neighbor", &self.setup.peer.ip().to_string()])
    }

    /// The paths to a prefix that the peer announces.
    fn paths(&self, prefix: &str) -> Vec<Value> {
        let family = if prefix.contains(':') { "ipv6" } else { "ipv4" };
        let table = self.json(&["neighbor", &self.setup.peer.ip().to_string(), "adj-in", "-a", family]);
        // With path identifiers the keys of the table have more than the prefix.
        let destinations = table.as_object().into_iter().flatten();
        let paths = destinations.flat_map(|(_, paths)| paths.as_array().into_iter().flatten());
        paths.filter(|path| path["nlri"]["prefix"] == prefix).cloned().collect()
    }

    fn rib(&self, verb: &str) {
        let number = self.setup.number;
        let community = format!("64512:{number}");
        let large = format!("64512:1:{number}");
        let own = [
            "origin",
            "igp",
            "local-pref",
            "150",
            "med",
            "7",
            "community",
            &community,
            "rt",
            &community,
            "large-community",
            &large,
        ];
        for (family, prefix, next_hop) in [
            ("ipv4", v4(number), format!("192.0.2.{number}")),
            ("ipv6", v6(number), format!("2001:db8:ffff::{number}")),
        ] {
            let route = ["global", "rib", verb, "-a", family, &prefix, "nexthop", &next_hop];
            let route = [&route, own.as_slice()].concat();
            // Busy with many neighbours it lets a command time out.
            until("gobgpd takes a route", || self.command(&route).status.success());
        }
    }
}

impl Daemon for GoBgp {
    fn route(&self, prefix: &str) -> Option<Seen> {
        let paths = self.paths(prefix);
        let attributes = paths.first()?["attrs"].as_array()?.clone();
        let find = |ty: u64| attributes.iter().find(|attribute| attribute["type"] == ty);
        let value = |ty, key: &str| find(ty).map(|attribute| attribute[key].clone()).unwrap_or_default();
        let list = |value: &Value, one: fn(&Value) -> String| {
            value.as_array().into_iter().flatten().map(one).collect::<Vec<_>>().join(" ")
        };
        let next_hop = [3, 14].into_iter().find_map(|ty| Some(plain(&find(ty)?["nexthop"])));
        Some(Seen {
            next_hop: next_hop.unwrap_or_default(),
            origin: ["IGP", "EGP", "incomplete"][usize::try_from(value(1, "value").as_u64().unwrap()).unwrap()].into(),
            as_path: list(&value(2, "as_paths"), |segment| {
                segment["asns"].as_array().into_iter().flatten().map(plain).collect::<Vec<_>>().join(" ")
            }),
            local_pref: plain(&value(5, "value")),
            med: plain(&value(4, "metric")),
            communities: list(&value(8, "communities"), |community| {
                let number = community.as_u64().unwrap();
                format!("{}:{}", number >> 16, number & 0xffff)
            }),
            ext_communities: list(&value(16, "value"), |community| {
                // Type 0 or 2, subtype 2: a route target (RFC 4360 section 4).
                let target = community["subtype"] == 2;
                format!("{}{}", if target { "RT:" } else { "?" }, plain(&community["value"]))
            }),
            large_communities: list(&value(32, "value"), |community| {
                ["ASN", "LocalData1", "LocalData2"].map(|part| plain(&community[part])).join(":")
            }),
            originator: plain(&value(9, "value")),
            cluster_list: list(&value(10, "value"), plain),
        })
    }

    fn next_hops(&self, prefix: &str) -> Vec<String> {
        let next_hop = |path: &Value| {
            let attributes = path["attrs"].as_array()?.clone();
            Some(plain(&attributes.iter().find(|attribute| attribute["type"] == 3)?["nexthop"]))
        };
        let mut found: Vec<_> = self.paths(prefix).iter().filter_map(next_hop).collect();
        found.sort_unstable();
        found
    }

    fn is_up(&self) -> bool {
        self.neighbor()["state"]["session_state"] == ESTABLISHED
    }

    fn sessions_up(&self) -> usize {
        let neighbors = self.json(&["neighbor"]);
        let all = neighbors.as_array().into_iter().flatten();
        all.filter(|neighbor| neighbor["state"]["session_state"] == ESTABLISHED).count()
    }

    fn reset(&self) {
        for (_, peer) in self.setup.sessions() {
            assert!(self.command(&["neighbor", &peer.ip().to_string(), "reset"]).status.success());
        }
    }

    fn withdraw(&self) {
        self.rib("del");
    }

    fn announce(&self) {
        self.rib("add");
    }

    fn refresh(&self) -> bool {
        // `neighbor .. softresetin` runs over what has come before, and sends nothing.
        false
    }

    fn received(&self) -> u64 {
        self.neighbor()["state"]["messages"]["received"]["update"].as_u64().unwrap_or(0)
    }

    fn number(&self) -> u8 {
        self.setup.number
    }

    fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

/// A text or a number without quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn run(place: &Place, setup: &Setup) -> Process {
    Process::start(
        Command::new("/usr/bin/gobgpd")
            .args(["-t", "toml", "--pprof-disable", "--api-hosts", &format!("{}:50051", setup.address), "-f"])
            .arg(place.file("conf"))
            .stdout(std::fs::File::create(place.file("log")).unwrap())
            .stderr(Stdio::null()),
    )
}

fn configuration(setup: &Setup) -> String {
    let Setup { number, port, asn, peer_as, hold_time, .. } = setup;
    let listen: Vec<String> = setup.sessions().iter().map(|(own, _)| format!("\"{own}\"")).collect();
    let listen = listen.join(", ");
    let mut text = format!(
        "[global.config]
as = {asn}
router-id = \"10.0.0.{number}\"
port = {port}
local-address-list = [{listen}]
"
    );
    let password = setup.password.map(|password| format!("auth-password = \"{password}\"\n")).unwrap_or_default();
    let multihop =
        if asn == peer_as { "" } else { "[neighbors.ebgp-multihop.config]\nenabled = true\nmultihop-ttl = 64\n" };
    let cluster = setup.cluster.map(|cluster| {
        format!(
            "[neighbors.route-reflector.config]\nroute-reflector-client = true\n\
             route-reflector-cluster-id = \"{cluster}\"\n"
        )
    });
    let restart = setup.restart_time.map(|seconds| {
        format!("[neighbors.graceful-restart.config]\nenabled = true\nrestart-time = {seconds}\nnotification-enabled = true\n")
    });
    let add_path =
        if setup.add_path { "[neighbors.afi-safis.add-paths.config]\nreceive = true\nsend-max = 8\n" } else { "" };
    let restarting = match setup.restart_time {
        Some(_) => "[neighbors.afi-safis.mp-graceful-restart.config]\nenabled = true\n",
        None => "",
    };
    let (cluster, restart) = (cluster.unwrap_or_default(), restart.unwrap_or_default());
    for (own, peer) in setup.sessions() {
        text.push_str(&format!(
            "[[neighbors]]
[neighbors.config]
neighbor-address = \"{}\"
peer-as = {peer_as}
{password}[neighbors.timers.config]
hold-time = {hold_time}
connect-retry = 1
idle-hold-time-after-reset = 1
[neighbors.transport.config]
local-address = \"{own}\"
remote-port = {}
passive-mode = {}
{multihop}{cluster}{restart}",
            peer.ip(),
            peer.port(),
            setup.passive,
        ));
        for family in ["ipv4-unicast", "ipv6-unicast"] {
            text.push_str(&format!(
                "[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = \"{family}\"\n{restarting}{add_path}"
            ));
        }
    }
    text
}
