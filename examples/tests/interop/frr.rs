//! FRR's bgpd, without zebra.

use std::net::{IpAddr, SocketAddr};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::daemon::{Daemon, Place, Process, Seen, Setup, installed, v4, v6};

/// A running bgpd with one session.
#[derive(Debug)]
pub(crate) struct Frr {
    process: Process,
    place: Place,
    setup: Setup,
}

impl Frr {
    pub(crate) fn installed() -> bool {
        installed("/usr/lib/frr/bgpd", "frr")
    }

    pub(crate) fn start(setup: &Setup) -> Frr {
        let place = Place::new("frr");
        place.write("conf", &configuration(setup));
        std::fs::create_dir(place.file("vty")).unwrap();
        Frr { process: run(&place, setup), place, setup: setup.clone() }
    }

    pub(crate) fn restart(&mut self) {
        self.process = run(&self.place, &self.setup);
    }

    pub(crate) fn ask(&self, commands: &[&str]) -> String {
        let mut vtysh = Command::new("/usr/bin/vtysh");
        vtysh.arg("--vty_socket").arg(self.place.file("vty")).stdin(Stdio::null());
        for command in commands {
            vtysh.args(["-c", command]);
        }
        String::from_utf8_lossy(&vtysh.output().unwrap().stdout).into_owned()
    }

    fn json(&self, command: &str) -> Value {
        serde_json::from_str(&self.ask(&[command])).unwrap_or(Value::Null)
    }

    fn neighbor(&self) -> Value {
        self.json("show bgp neighbors json")[self.setup.peer.ip().to_string()].clone()
    }

    fn networks(&self, no: &str) {
        let (v4, v6) = (v4(self.setup.number), v6(self.setup.number));
        self.ask(&[
            "configure terminal",
            &format!("router bgp {}", self.setup.asn),
            "address-family ipv4 unicast",
            &format!("{no}network {v4}"),
            "exit",
            "address-family ipv6 unicast",
            &format!("{no}network {v6}"),
        ]);
    }
}

impl Daemon for Frr {
    fn route(&self, prefix: &str) -> Option<Seen> {
        let family = if prefix.contains(':') { "ipv6" } else { "ipv4" };
        let table = self.json(&format!("show bgp {family} unicast {prefix} json"));
        let path = table["paths"]
            .as_array()?
            .iter()
            .find(|path| path["peer"]["peerId"] == self.setup.peer.ip().to_string().as_str())?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let number = |value: &Value| value.as_u64().map(|number| number.to_string()).unwrap_or_default();
        let list = path["clusterList"]["list"].as_array();
        let clusters = list.map(|list| list.iter().map(text).collect::<Vec<_>>().join(" "));
        Some(Seen {
            next_hop: text(&path["nexthops"][0]["ip"]),
            origin: text(&path["origin"]),
            as_path: text(&path["aspath"]["string"]).replace("Local", ""),
            local_pref: number(&path["locPrf"]),
            med: number(&path["metric"]),
            communities: text(&path["community"]["string"]),
            ext_communities: text(&path["extendedCommunity"]["string"]),
            large_communities: text(&path["largeCommunity"]["string"]),
            originator: text(&path["originatorId"]),
            cluster_list: clusters.unwrap_or_default(),
        })
    }

    fn next_hops(&self, prefix: &str) -> Vec<String> {
        let table = self.json(&format!("show bgp ipv4 unicast {prefix} json"));
        let paths = table["paths"].as_array().cloned().unwrap_or_default();
        let next_hop = |path: &Value| path["nexthops"][0]["ip"].as_str().unwrap_or_default().to_owned();
        let mut found: Vec<_> = paths.iter().map(next_hop).collect();
        found.sort_unstable();
        found
    }

    fn is_up(&self) -> bool {
        self.neighbor()["bgpState"] == "Established"
    }

    fn sessions_up(&self) -> usize {
        let neighbors = self.json("show bgp neighbors json");
        let all = neighbors.as_object().into_iter().flatten();
        all.filter(|(_, neighbor)| neighbor["bgpState"] == "Established").count()
    }

    fn reset(&self) {
        self.ask(&["clear bgp *"]);
    }

    fn withdraw(&self) {
        self.networks("no ");
    }

    fn announce(&self) {
        self.networks("");
    }

    fn refresh(&self) -> bool {
        self.ask(&["clear bgp ipv4 unicast * soft in", "clear bgp ipv6 unicast * soft in"]);
        true
    }

    fn received(&self) -> u64 {
        self.neighbor()["messageStats"]["updatesRecv"].as_u64().unwrap_or(0)
    }

    fn number(&self) -> u8 {
        self.setup.number
    }

    fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

fn run(place: &Place, setup: &Setup) -> Process {
    let log = format!("file:{}", place.file("log").display());
    let listen = setup.sessions().into_iter().flat_map(|(own, _)| ["-l".to_owned(), own.to_string()]);
    Process::start(
        Command::new("/usr/lib/frr/bgpd")
            .args(["-Z", "-n", "-S", "-P", "0", "-p", &setup.port.to_string()])
            .args(listen)
            .arg("-i")
            .arg(place.file("pid"))
            .arg("--vty_socket")
            .arg(place.file("vty"))
            .arg("-f")
            .arg(place.file("conf"))
            .args(["--log", &log])
            .current_dir(place.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )
}

fn configuration(setup: &Setup) -> String {
    let Setup { number, asn, .. } = setup;
    let peers: Vec<SocketAddr> = setup.sessions().iter().map(|(_, peer)| *peer).collect();
    let sessions: String = setup.sessions().iter().map(|(own, peer)| session(setup, *own, *peer)).collect();
    let family = |name: &str| -> String {
        let client = |peer| setup.cluster.map(|_| format!("  neighbor {peer} route-reflector-client\n"));
        let lines = peers.iter().map(SocketAddr::ip).map(|peer| {
            let mut client = client(peer).unwrap_or_default();
            if setup.add_path {
                client.push_str(&format!("  neighbor {peer} addpath-tx-all-paths\n"));
            }
            format!("  neighbor {peer} activate\n{client}  neighbor {peer} route-map {name} out\n")
        });
        lines.collect()
    };
    let cluster = setup.cluster.map(|cluster| format!(" bgp cluster-id {cluster}\n")).unwrap_or_default();
    let restart = setup.restart_time.map(|seconds| {
        format!(" bgp graceful-restart\n bgp graceful-restart restart-time {seconds}\n bgp graceful-restart preserve-fw-state\n")
    });
    let restart = restart.unwrap_or_default();
    let (v4, v6) = (v4(*number), v6(*number));
    let own = format!(
        " set local-preference 150\n set metric 7\n set community 64512:{number}\n \
         set extcommunity rt 64512:{number}\n set large-community 64512:1:{number}\n"
    );
    format!(
        "frr defaults traditional
router bgp {asn}
 bgp router-id 10.0.0.{number}
{cluster}{restart} no bgp default ipv4-unicast
 no bgp network import-check
 no bgp ebgp-requires-policy
{sessions} address-family ipv4 unicast
  network {v4}
{} exit-address-family
 address-family ipv6 unicast
  network {v6}
{} exit-address-family
!
ip prefix-list own4 permit {v4}
ipv6 prefix-list own6 permit {v6}
route-map out4 permit 10
 match ip address prefix-list own4
 set ip next-hop 192.0.2.{number}
{own}!
route-map out4 permit 20
!
route-map out6 permit 10
 match ipv6 address prefix-list own6
 set ipv6 next-hop global 2001:db8:ffff::{number}
{own}!
route-map out6 permit 20
!
",
        family("out4"),
        family("out6"),
    )
}

fn session(setup: &Setup, own: IpAddr, peer: SocketAddr) -> String {
    let Setup { asn, peer_as, hold_time, .. } = setup;
    let (peer, port) = (peer.ip(), peer.port());
    let keepalive = hold_time / 3;
    let mut lines = format!(
        " neighbor {peer} remote-as {peer_as}
 neighbor {peer} port {port}
 neighbor {peer} update-source {own}
 neighbor {peer} timers {keepalive} {hold_time}
 neighbor {peer} timers connect 1
 neighbor {peer} advertisement-interval 0
"
    );
    if let Some(password) = setup.password {
        lines.push_str(&format!(" neighbor {peer} password {password}\n"));
    }
    if setup.ttl_security {
        lines.push_str(&format!(" neighbor {peer} ttl-security hops 1\n"));
    } else if asn != peer_as {
        lines.push_str(&format!(" neighbor {peer} ebgp-multihop 64\n neighbor {peer} disable-connected-check\n"));
    }
    if setup.passive {
        lines.push_str(&format!(" neighbor {peer} passive\n"));
    }
    lines
}
