//! Processes with a directory and an address of their own, which end with the test, however it ends.

use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What each daemon can be asked and told.
pub(crate) trait Daemon {
    /// The route to `prefix` that came over BGP.
    fn route(&self, prefix: &str) -> Option<Seen>;
    /// The next hops of all routes to `prefix` that came over BGP, in order.
    fn next_hops(&self, prefix: &str) -> Vec<String>;
    /// The session with its first peer is up.
    fn is_up(&self) -> bool;
    /// How many of its sessions are up.
    fn sessions_up(&self) -> usize;
    /// Ends all sessions; they come up again by themselves.
    fn reset(&self);
    /// Stops announcing its two prefixes.
    fn withdraw(&self);
    /// Announces them again.
    fn announce(&self);
    /// Asks the peer for its routes again (RFC 2918); false when it has no way to.
    fn refresh(&self) -> bool;
    /// How many routes, or messages with routes, have come in.
    fn received(&self) -> u64;
    /// Its number: the last octet of its identifier, and part of its prefixes.
    fn number(&self) -> u8;
    /// The process.
    fn process(&mut self) -> &mut Process;
}

/// A route as a daemon shows it, in one spelling for all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Seen {
    pub(crate) next_hop: String,
    pub(crate) origin: String,
    pub(crate) as_path: String,
    pub(crate) local_pref: String,
    pub(crate) med: String,
    pub(crate) communities: String,
    pub(crate) ext_communities: String,
    pub(crate) large_communities: String,
    pub(crate) originator: String,
    pub(crate) cluster_list: String,
}

/// The IPv4 prefix that daemon `number` announces.
pub(crate) fn v4(number: u8) -> String {
    format!("10.{number}.0.0/24")
}

/// The IPv6 prefix that daemon `number` announces.
pub(crate) fn v6(number: u8) -> String {
    format!("2001:db8:{number}::/48")
}

/// What daemon `number` announces, as a client of the reflectors with `cluster_list` sees it.
pub(crate) fn reflected(number: u8, ipv6: bool, cluster_list: &str) -> Seen {
    Seen {
        next_hop: if ipv6 { format!("2001:db8:ffff::{number}") } else { format!("192.0.2.{number}") },
        origin: "IGP".into(),
        as_path: String::new(),
        local_pref: "150".into(),
        med: "7".into(),
        communities: format!("64512:{number}"),
        ext_communities: format!("RT:64512:{number}"),
        large_communities: format!("64512:1:{number}"),
        originator: format!("10.0.0.{number}"),
        cluster_list: cluster_list.into(),
    }
}

/// A configuration of one daemon with one BGP peer.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) number: u8,
    pub(crate) address: std::net::IpAddr,
    pub(crate) port: u16,
    pub(crate) asn: u32,
    pub(crate) peer: std::net::SocketAddr,
    pub(crate) peer_as: u32,
    pub(crate) hold_time: u16,
    pub(crate) password: Option<&'static str>,
    pub(crate) ttl_security: bool,
    pub(crate) passive: bool,
    /// The peer is its reflection client, in this cluster.
    pub(crate) cluster: Option<&'static str>,
    /// Several paths for a prefix, both ways (RFC 7911).
    pub(crate) add_path: bool,
    /// Further peers of the same kind, each with the own address that it is spoken to from.
    pub(crate) others: Vec<(std::net::IpAddr, std::net::SocketAddr)>,
    /// Graceful restart, with this time to come back in, in seconds (RFC 4724).
    pub(crate) restart_time: Option<u16>,
    /// Further routes, in the daemon's own language.
    pub(crate) more: String,
}

impl Setup {
    /// A client of the reflector at `peer`.
    pub(crate) fn client(number: u8, net: Net, peer: std::net::SocketAddr) -> Setup {
        Setup {
            number,
            address: net.host(number).into(),
            port: 1790,
            asn: 64512,
            peer,
            peer_as: 64512,
            hold_time: 30,
            password: None,
            ttl_security: false,
            passive: false,
            cluster: None,
            add_path: false,
            others: Vec::new(),
            restart_time: None,
            more: String::new(),
        }
    }

    /// The own address and the peer of each session.
    pub(crate) fn sessions(&self) -> Vec<(std::net::IpAddr, std::net::SocketAddr)> {
        [&[(self.address, self.peer)], self.others.as_slice()].concat()
    }
}

/// A /24 of loopback addresses that no other test uses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Net(u8, u8);

impl Net {
    pub(crate) fn new() -> Net {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Two runs at once, of two work trees for example, do not meet.
        let run = u8::try_from(std::process::id() % 200).unwrap();
        Net(run + 10, u8::try_from(number).unwrap())
    }

    pub(crate) fn host(self, number: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.0, self.1, number)
    }

    pub(crate) fn range(self) -> String {
        format!("{}/24", self.host(0))
    }
}

/// A directory that is removed at the end.
#[derive(Debug)]
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new(name: &str) -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("reflector-{}-{number}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Place(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process that is killed at the end.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// What `kill` is told: the process, or the group that it leads.
    target: String,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Process {
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let target = child.id().to_string();
        Process { child, target }
    }

    /// One that starts others, which get its signals too.
    pub(crate) fn start_group(command: &mut Command) -> Process {
        let mut process = Process::start(command.process_group(0));
        process.target.insert(0, '-');
        process
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Ends it as a power failure would.
    pub(crate) fn kill(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.tell("KILL");
        }
        let _ = self.child.wait();
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(self.tell(name));
    }

    fn tell(&self, signal: &str) -> bool {
        let signal = format!("-{signal}");
        let mut kill = Command::new("kill");
        kill.args([&signal, "--", &self.target]).stderr(Stdio::null()).status().unwrap().success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SIGKILL ends a stopped process, too.
        self.kill();
    }
}

/// Waits until `done` is, at most two minutes, which only a broken program needs.
#[track_caller]
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(120), "not within two minutes: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until `value` gives `expected`, and shows what it gave where it does not.
#[track_caller]
pub(crate) fn until_is<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, mut value: impl FnMut() -> T) {
    let start = Instant::now();
    loop {
        let found = value();
        if found == *expected {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(120), "{what}: expected {expected:?}, got {found:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Whether a program is there; says in one line when it is not, and fails in CI.
pub(crate) fn installed(program: &str, package: &str) -> bool {
    if Path::new(program).exists() {
        return true;
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{program} is missing: install {package}");
    static SAID: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
    let mut said = SAID.lock().unwrap();
    if !said.iter().any(|said| said == program) {
        said.push(program.to_owned());
        // Not by a macro: the harness would keep it to itself.
        let _ = writeln!(std::io::stderr(), "skipped: the tests with {program}, which is not installed ({package})");
    }
    false
}
