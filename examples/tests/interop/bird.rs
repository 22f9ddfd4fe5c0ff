//! BIRD 2.

use std::net::{IpAddr, SocketAddr};
use std::process::{Command, Stdio};

use crate::daemon::{Daemon, Place, Process, Seen, Setup, installed, v4, v6};

/// A running BIRD with one BGP session.
#[derive(Debug)]
pub(crate) struct Bird {
    process: Process,
    place: Place,
    setup: Setup,
}

impl Bird {
    pub(crate) fn installed() -> bool {
        installed("/usr/sbin/bird", "bird2")
    }

    pub(crate) fn start(setup: &Setup) -> Bird {
        let place = Place::new("bird");
        place.write("conf", &configuration(setup));
        Bird { process: run(&place), place, setup: setup.clone() }
    }

    /// Starts it again, after it was killed.
    pub(crate) fn restart(&mut self) {
        let _ = std::fs::remove_file(self.place.file("socket"));
        self.process = run(&self.place);
    }

    /// What the command line answers; empty while the daemon is not there.
    pub(crate) fn ask(&self, command: &str) -> String {
        let output = Command::new("/usr/sbin/birdc")
            .arg("-s")
            .arg(self.place.file("socket"))
            .arg(command)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// How many routes of a table came over the session.
    pub(crate) fn count(&self, table: &str) -> u64 {
        let text = self.ask(&format!("show route table {table} protocol peer count"));
        let line = text.lines().find(|line| line.contains(" of ")).unwrap_or_default();
        line.split_whitespace().next().and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}

impl Daemon for Bird {
    fn route(&self, prefix: &str) -> Option<Seen> {
        let table = if prefix.contains(':') { "master6" } else { "master4" };
        let text = self.ask(&format!("show route {prefix} table {table} protocol peer all"));
        text.contains("BGP.origin").then(|| Seen {
            next_hop: field(&text, "next_hop").replace(" fe80", "fe80"),
            origin: field(&text, "origin"),
            as_path: field(&text, "as_path"),
            local_pref: field(&text, "local_pref"),
            med: field(&text, "med"),
            communities: values(&field(&text, "community")),
            ext_communities: values(&field(&text, "ext_community")).replace("rt:", "RT:"),
            large_communities: values(&field(&text, "large_community")),
            originator: field(&text, "originator_id"),
            cluster_list: field(&text, "cluster_list"),
        })
    }

    fn next_hops(&self, prefix: &str) -> Vec<String> {
        let text = self.ask(&format!("show route {prefix} table master4 protocol peer all"));
        let mut found: Vec<_> =
            text.lines().filter_map(|line| Some(line.trim().strip_prefix("BGP.next_hop: ")?.to_owned())).collect();
        found.sort_unstable();
        found
    }

    fn is_up(&self) -> bool {
        self.ask("show protocols peer").contains("Established")
    }

    fn sessions_up(&self) -> usize {
        self.ask("show protocols").matches("Established").count()
    }

    fn reset(&self) {
        self.ask("restart peer");
        self.ask("restart \"other*\"");
    }

    fn withdraw(&self) {
        self.ask("disable own4");
        self.ask("disable own6");
    }

    fn announce(&self) {
        self.ask("enable own4");
        self.ask("enable own6");
    }

    fn refresh(&self) -> bool {
        self.ask("reload in peer").contains("peer: reloading")
    }

    fn received(&self) -> u64 {
        let text = self.ask("show protocols all peer");
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("Import updates:"));
        lines.filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok()).sum()
    }

    fn number(&self) -> u8 {
        self.setup.number
    }

    fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

fn run(place: &Place) -> Process {
    Process::start(
        Command::new("/usr/sbin/bird")
            .arg("-f")
            .arg("-c")
            .arg(place.file("conf"))
            .arg("-s")
            .arg(place.file("socket"))
            .arg("-P")
            .arg(place.file("pid"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(place.file("errors")).unwrap()),
    )
}

fn configuration(setup: &Setup) -> String {
    let Setup { number, address, port, asn, peer, peer_as, hold_time, .. } = setup;
    let mut options = String::new();
    if let Some(password) = setup.password {
        options.push_str(&format!("password \"{password}\"; "));
    }
    if setup.ttl_security {
        options.push_str("multihop 1; ttl security on; ");
    }
    if setup.passive {
        options.push_str("passive; ");
    }
    if let Some(cluster) = setup.cluster {
        options.push_str(&format!("rr client; rr cluster id {cluster}; "));
    }
    if asn != peer_as && !setup.ttl_security {
        options.push_str("multihop; ");
    }
    let own = format!(
        "bgp_local_pref = 150; bgp_med = 7; bgp_community.add((64512,{number})); \
         bgp_ext_community.add((rt,64512,{number})); bgp_large_community.add((64512,1,{number}));"
    );
    let more = &setup.more;
    let (v4, v6) = (v4(*number), v6(*number));
    if let Some(seconds) = setup.restart_time {
        options.push_str(&format!("graceful restart on; graceful restart time {seconds}; "));
    }
    let add_path = if setup.add_path { "add paths on;" } else { "" };
    let session = |name: &str, from: IpAddr, peer: SocketAddr| {
        let channel = |family: &str, next_hop: &str| {
            format!(
                "  {family} {{ {add_path} import all; export filter {{
    if source = RTS_STATIC then {{ bgp_next_hop = {next_hop}{number}; {own} accept; }}
    if source = RTS_BGP then accept; reject; }}; }};
"
            )
        };
        format!(
            "protocol bgp {name} {{
  local {from} port {port} as {asn};
  neighbor {} port {} as {peer_as};
  strict bind yes;
  hold time {hold_time}; connect retry time 1; connect delay time 1; error wait time 1,2;
  {options}
{}{}}}
",
            peer.ip(),
            peer.port(),
            channel("ipv4", "192.0.2."),
            channel("ipv6", "2001:db8:ffff::"),
        )
    };
    let others: String = setup
        .others
        .iter()
        .enumerate()
        .map(|(number, (own, peer))| session(&format!("other{number}"), *own, *peer))
        .collect();
    format!(
        "router id 10.0.0.{number};
protocol device {{}}
protocol static own4 {{ ipv4; route {v4} blackhole; {more} }}
protocol static own6 {{ ipv6; route {v6} blackhole; }}
{}{others}",
        session("peer", *address, *peer),
    )
}

fn field(text: &str, name: &str) -> String {
    let label = format!("BGP.{name}:");
    let line = text.lines().find_map(|line| line.trim().strip_prefix(label.as_str()));
    line.unwrap_or_default().trim().to_owned()
}

/// `(64512,1) (rt, 64512, 2)` becomes `64512:1 rt:64512:2`.
fn values(text: &str) -> String {
    text.replace(", ", ":").replace(',', ":").replace(['(', ')'], "")
}
