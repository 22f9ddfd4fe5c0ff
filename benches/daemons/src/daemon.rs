//! The reflectors under test: how each is configured and started, and what it costs.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How one of them is run; the table below has all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    program: &'static str,
    /// The argument with which it tells its version.
    version: &'static str,
    configuration: fn(&Net) -> String,
    command: fn(&mut Command, &Net),
}

/// In the order of the table that is printed.
pub(crate) const KINDS: [Kind; 5] = [
    Kind {
        name: "ours",
        program: "target/release/reflector",
        version: "--version",
        configuration: |_| String::new(),
        command: |command, net| {
            let listen = format!("{}:{PORT}", net.reflector());
            command.args(["--listen", &listen, "--local-as", "64512", "--router-id", "10.0.0.254"]);
            command.args(["--cluster-id", "244.0.0.1", "--hold-time", "240", "--client-range", &net.range()]);
        },
    },
    Kind {
        name: "BIRD",
        program: "/usr/sbin/bird",
        version: "--version",
        configuration: bird,
        command: |command, net| {
            command.arg("-f").arg("-c").arg(net.file("conf")).arg("-s").arg(net.file("socket"));
            command.arg("-P").arg(net.file("pid"));
        },
    },
    Kind {
        name: "FRR",
        program: "/usr/lib/frr/bgpd",
        version: "--version",
        configuration: frr,
        command: |command, net| {
            command.args(["-Z", "-n", "-S", "-P", "0", "-p", "1790", "-l", &net.reflector().to_string()]);
            command.arg("-i").arg(net.file("pid")).arg("--vty_socket").arg(&net.place);
            command.arg("-f").arg(net.file("conf"));
        },
    },
    Kind {
        name: "GoBGP",
        program: "/usr/bin/gobgpd",
        version: "--version",
        configuration: gobgp,
        command: |command, net| {
            command.args(["-t", "toml", "--pprof-disable", "-l", "warn", "--api-hosts"]);
            command.arg(format!("{}:50051", net.reflector())).arg("-f").arg(net.file("conf"));
        },
    },
    Kind {
        name: "OpenBGPD",
        program: "/usr/sbin/bgpd",
        version: "-V",
        configuration: openbgpd,
        command: |command, net| {
            command.arg("-d").arg("-f").arg(net.file("conf"));
        },
    },
];

/// Where it listens.
pub(crate) const PORT: u16 = 1790;

/// The loopback addresses and the folder of a run.
#[derive(Debug)]
pub(crate) struct Net {
    octet: u8,
    place: PathBuf,
    clients: usize,
}

impl Net {
    pub(crate) fn new(clients: usize) -> io::Result<Net> {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let place = std::env::temp_dir().join(format!("daemons-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&place)?;
        // Each run has addresses of its own: no connection of the one before is in its way.
        let octet = 10 + u8::try_from((std::process::id() + number) % 200).unwrap_or(0);
        Ok(Net { octet, place, clients })
    }

    pub(crate) fn reflector(&self) -> Ipv4Addr {
        Ipv4Addr::new(127, self.octet, 255, 1)
    }

    pub(crate) fn client(&self, number: usize) -> Ipv4Addr {
        let part = |value: usize| u8::try_from(value).unwrap_or(u8::MAX);
        Ipv4Addr::new(127, self.octet, 1 + part(number / 250), 1 + part(number % 250))
    }

    fn range(&self) -> String {
        format!("127.{}.0.0/16", self.octet)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.place);
    }
}

/// A running one, with what it started.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
}

impl Kind {
    pub(crate) fn is_there(&self) -> bool {
        Path::new(self.program).exists()
    }

    /// What it says its version is, in one line.
    pub(crate) fn version(&self) -> String {
        if self.name == "ours" {
            return env!("CARGO_PKG_VERSION").to_owned();
        }
        let Ok(output) = Command::new(self.program).arg(self.version).output() else { return String::new() };
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().next().unwrap_or_default();
        let version = line.split(' ').find(|word| word.chars().next().is_some_and(|first| first.is_ascii_digit()));
        version.unwrap_or(line).to_owned()
    }

    /// Starts it on the first processor.
    pub(crate) fn start(&self, net: &Net) -> io::Result<Daemon> {
        let file = net.file("conf");
        std::fs::write(&file, (self.configuration)(net))?;
        // OpenBGPD refuses what others can read, and locks itself into a folder that its package leaves to the service
        // manager to make.
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        if self.name == "OpenBGPD" {
            std::fs::create_dir_all("/run/openbgpd")?;
        }
        let mut command = Command::new("taskset");
        command.args(["-c", "0", self.program]);
        (self.command)(&mut command, net);
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Daemon { child: quiet.spawn()? })
    }
}

impl Daemon {
    /// Nanoseconds of processor time, by the scheduler's own count, of all its threads and processes.
    pub(crate) fn cpu(&self) -> u64 {
        let mut sum = 0;
        for process in self.processes() {
            for thread in entries(&format!("/proc/{process}/task")) {
                let text = std::fs::read_to_string(format!("/proc/{process}/task/{thread}/schedstat"));
                let first = text.ok().and_then(|text| text.split(' ').next().and_then(|first| first.parse().ok()));
                sum += first.unwrap_or(0);
            }
        }
        sum
    }

    /// The most memory it ever had, in KiB of resident set.
    pub(crate) fn peak(&self) -> u64 {
        let peak = |process: u32| {
            let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            line.trim().split(' ').next()?.parse::<u64>().ok()
        };
        self.processes().into_iter().filter_map(peak).sum()
    }

    /// Waits until it uses next to nothing for a while.
    pub(crate) fn settle(&self) {
        let mut before = self.cpu();
        let mut quiet = 0;
        for _ in 0..600 {
            std::thread::sleep(Duration::from_millis(50));
            let now = self.cpu();
            quiet = if now - before < 500_000 { quiet + 1 } else { 0 };
            before = now;
            if quiet == 4 {
                break;
            }
        }
    }

    fn processes(&self) -> Vec<u32> {
        let mut found = vec![self.child.id()];
        let mut at = 0;
        while let Some(process) = found.get(at) {
            let file = format!("/proc/{process}/task/{process}/children");
            let children = std::fs::read_to_string(file).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
            at += 1;
        }
        found
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        for process in self.processes() {
            let _ = Command::new("kill").args(["-9", &process.to_string()]).stderr(Stdio::null()).status();
        }
        let _ = self.child.wait();
    }
}

fn entries(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn bird(net: &Net) -> String {
    let mut text = String::from("router id 10.0.0.254;\nprotocol device {}\n");
    for number in 0..net.clients {
        text.push_str(&format!(
            "protocol bgp c{number} {{ local {} port {PORT} as 64512; neighbor {} as 64512; passive; strict bind yes; \
             hold time 240; rr client; rr cluster id 244.0.0.1; ipv4 {{ import all; export all; }}; }}\n",
            net.reflector(),
            net.client(number),
        ));
    }
    text
}

fn frr(net: &Net) -> String {
    format!(
        "frr defaults traditional
router bgp 64512
 bgp router-id 10.0.0.254
 bgp cluster-id 244.0.0.1
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor c peer-group
 neighbor c remote-as 64512
 neighbor c passive
 neighbor c timers 80 240
 neighbor c advertisement-interval 0
 bgp listen limit 1000
 bgp listen range {} peer-group c
 address-family ipv4 unicast
  neighbor c activate
  neighbor c route-reflector-client
 exit-address-family
",
        net.range()
    )
}

fn gobgp(net: &Net) -> String {
    format!(
        "[global.config]
as = 64512
router-id = \"10.0.0.254\"
port = {PORT}
local-address-list = [\"{}\"]
[[peer-groups]]
[peer-groups.config]
peer-group-name = \"c\"
peer-as = 64512
[peer-groups.timers.config]
hold-time = 240
[peer-groups.route-reflector.config]
route-reflector-client = true
route-reflector-cluster-id = \"244.0.0.1\"
[[peer-groups.afi-safis]]
[peer-groups.afi-safis.config]
afi-safi-name = \"ipv4-unicast\"
[[dynamic-neighbors]]
[dynamic-neighbors.config]
prefix = \"{}\"
peer-group = \"c\"
",
        net.reflector(),
        net.range()
    )
}

fn openbgpd(net: &Net) -> String {
    format!(
        "AS 64512
router-id 10.0.0.254
fib-update no
nexthop qualify via default
socket \"{}\"
listen on {} port {PORT}
neighbor {} {{
 remote-as 64512
 passive
 holdtime 240
 route-reflector 244.0.0.1
 announce IPv4 unicast
}}
allow from any
allow to any
",
        net.file("control").display(),
        net.reflector(),
        net.range()
    )
}
