//! ExaBGP, which has no table: what it heard is in the JSON lines that it gives to a program.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::daemon::{Daemon, Place, Process, Seen, Setup, installed, v4, v6};

/// A running ExaBGP.
#[derive(Debug)]
pub(crate) struct ExaBgp {
    process: Process,
    place: Place,
    setup: Setup,
}

impl ExaBgp {
    pub(crate) fn installed() -> bool {
        installed("/usr/sbin/exabgp", "exabgp")
    }

    pub(crate) fn start(setup: &Setup) -> ExaBgp {
        let place = Place::new("exabgp");
        // What it says goes into one file, what it is told comes out of another, a line at a time.
        place.write("told", "");
        let script = format!(
            "#!/bin/sh\ntail -n 0 --pid=$$ -F {} 2>/dev/null &\nexec cat >> {}\n",
            place.file("told").display(),
            place.file("heard").display()
        );
        let script = place.write("between", &script);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&script, mode).unwrap();
        place.write("conf", &configuration(setup, &place));
        ExaBgp { process: run(&place, setup), place, setup: setup.clone() }
    }

    pub(crate) fn restart(&mut self) {
        let _ = std::fs::remove_file(self.place.file("heard"));
        self.process = run(&self.place, &self.setup);
    }

    fn tell(&self, command: &str) {
        let mut file = OpenOptions::new().append(true).open(self.place.file("told")).unwrap();
        writeln!(file, "{command}").unwrap();
    }

    fn heard(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.place.file("heard")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The last word about each next hop of a prefix, since the session came up.
    fn paths(&self, prefix: &str) -> BTreeMap<String, Value> {
        let family = if prefix.contains(':') { "ipv6 unicast" } else { "ipv4 unicast" };
        let mut paths = BTreeMap::new();
        for line in self.heard() {
            if line["type"] == "state" {
                paths.clear();
            }
            let update = &line["neighbor"]["message"]["update"];
            let is = |nlri: &Value| nlri["nlri"] == prefix;
            if update["withdraw"][family].as_array().is_some_and(|withdrawn| withdrawn.iter().any(is)) {
                paths.clear();
            }
            for (next_hop, announced) in update["announce"][family].as_object().into_iter().flatten() {
                if announced.as_array().is_some_and(|announced| announced.iter().any(is)) {
                    paths.clear();
                    paths.insert(next_hop.clone(), update["attribute"].clone());
                }
            }
        }
        paths
    }

    fn routes(&self) -> [String; 2] {
        let number = self.setup.number;
        [(v4(number), format!("192.0.2.{number}")), (v6(number), format!("2001:db8:ffff::{number}"))].map(
            |(prefix, next_hop)| {
                format!(
                    "route {prefix} next-hop {next_hop} local-preference 150 med 7 community [64512:{number}] \
                     extended-community [target:64512:{number}] large-community [64512:1:{number}]"
                )
            },
        )
    }
}

impl Daemon for ExaBgp {
    fn route(&self, prefix: &str) -> Option<Seen> {
        let (next_hop, attributes) = self.paths(prefix).pop_first()?;
        let plain = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let list = |value: &Value, one: &dyn Fn(&Value) -> String| {
            value.as_array().into_iter().flatten().map(one).collect::<Vec<_>>().join(" ")
        };
        let parts = |value: &Value| value.as_array().into_iter().flatten().map(plain).collect::<Vec<_>>().join(":");
        Some(Seen {
            next_hop,
            origin: plain(&attributes["origin"]).to_uppercase(),
            as_path: list(&attributes["as-path"], &plain),
            local_pref: plain(&attributes["local-preference"]),
            med: plain(&attributes["med"]),
            communities: list(&attributes["community"], &parts),
            ext_communities: list(&attributes["extended-community"], &|community| {
                plain(&community["string"]).replace("target:", "RT:")
            }),
            large_communities: list(&attributes["large-community"], &parts),
            originator: plain(&attributes["originator-id"]),
            cluster_list: list(&attributes["cluster-list"], &plain),
        })
    }

    fn next_hops(&self, prefix: &str) -> Vec<String> {
        self.paths(prefix).into_keys().collect()
    }

    fn is_up(&self) -> bool {
        self.sessions_up() == 1
    }

    fn sessions_up(&self) -> usize {
        let mut last = BTreeMap::new();
        for line in self.heard().into_iter().filter(|line| line["type"] == "state") {
            last.insert(line["neighbor"]["address"]["peer"].to_string(), line["neighbor"]["state"] == "up");
        }
        last.values().filter(|up| **up).count()
    }

    fn reset(&self) {
        self.tell("teardown 4");
    }

    fn withdraw(&self) {
        for route in self.routes() {
            self.tell(&format!("withdraw {route}"));
        }
    }

    fn announce(&self) {
        for route in self.routes() {
            self.tell(&format!("announce {route}"));
        }
    }

    fn refresh(&self) -> bool {
        for family in ["ipv4 unicast", "ipv6 unicast"] {
            self.tell(&format!("announce route-refresh {family}"));
        }
        true
    }

    fn received(&self) -> u64 {
        u64::try_from(self.heard().iter().filter(|line| line["type"] == "update").count()).unwrap()
    }

    fn number(&self) -> u8 {
        self.setup.number
    }

    fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

fn run(place: &Place, setup: &Setup) -> Process {
    let log = std::fs::File::create(place.file("log")).unwrap();
    let user = Command::new("id").arg("-un").output().unwrap().stdout;
    Process::start(
        Command::new("/usr/sbin/exabgp")
            .arg(place.file("conf"))
            .env("exabgp.daemon.user", String::from_utf8(user).unwrap().trim())
            .env("exabgp.daemon.daemonize", "false")
            .env("exabgp.api.cli", "false")
            .env("exabgp.api.ack", "false")
            .env("exabgp.log.destination", "stdout")
            .env("exabgp.tcp.bind", setup.address.to_string())
            .env("exabgp.tcp.port", setup.port.to_string())
            .current_dir(place.path())
            .stdout(log)
            .stderr(Stdio::null()),
    )
}

fn configuration(setup: &Setup, place: &Place) -> String {
    let Setup { number, asn, peer_as, hold_time, .. } = setup;
    let routes: String = {
        let number = *number;
        [(v4(number), format!("192.0.2.{number}")), (v6(number), format!("2001:db8:ffff::{number}"))]
            .map(|(prefix, next_hop)| {
                format!(
                    "  route {prefix} next-hop {next_hop} local-preference 150 med 7 community [64512:{number}] \
                     extended-community [target:64512:{number}] large-community [64512:1:{number}];\n"
                )
            })
            .concat()
    };
    let passive = if setup.passive { " passive;\n" } else { "" };
    let sessions: String = setup
        .sessions()
        .iter()
        .map(|(own, peer)| {
            format!(
                "neighbor {} {{
 router-id 10.0.0.{number};
 local-address {own};
 local-as {asn};
 peer-as {peer_as};
 hold-time {hold_time};
 connect {};
{passive} family {{ ipv4 unicast; ipv6 unicast; }}
 capability {{ route-refresh enable; }}
 api {{ processes [ between ]; neighbor-changes; receive {{ parsed; update; }} }}
 static {{
{routes} }}
}}
",
                peer.ip(),
                peer.port(),
            )
        })
        .collect();
    format!("process between {{\n run {};\n encoder json;\n}}\n{sessions}", place.file("between").display())
}
