//! Namespaces of a process of their own: an end, a router and another end; removed whatever happens.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// Our end, the router on its side and on the other, and the other end.
pub(crate) const NEAR: &str = "192.0.2.1";
pub(crate) const ROUTER: &str = "198.51.100.254";
pub(crate) const FAR: &str = "198.51.100.2";
/// The addresses of the two devices.
pub(crate) const NEAR_INSIDE: &str = "10.9.0.1";
pub(crate) const FAR_INSIDE: &str = "10.9.0.2";

/// What the first test found missing, for all of them.
static MISSING: Mutex<Option<Option<String>>> = Mutex::new(None);

/// Two ends with a router between them; nothing of it touches another namespace.
pub(crate) struct Lab {
    pub(crate) near: String,
    pub(crate) router: String,
    pub(crate) far: String,
}

impl Lab {
    /// `None`, and a line that says why, where there can be no namespaces; a CI run does not accept that.
    pub(crate) fn new() -> Option<Lab> {
        let missing = {
            // One at a time: the first `ip netns add` on a machine also mounts the place of the names.
            let mut known = MISSING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            known.get_or_insert_with(missing).clone()
        };
        if let Some(missing) = missing {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{missing}");
            println!("skipped: {missing}");
            return None;
        }
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let stem = format!("ipip{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let lab = Lab { near: format!("{stem}a"), router: format!("{stem}r"), far: format!("{stem}b") };
        for name in [&lab.near, &lab.router, &lab.far] {
            ip(&["netns", "add", name]);
            lab.run(name, &["ip", "link", "set", "lo", "up"]);
        }
        // Both ends of each pair are made where they belong, so that no name is ever seen outside.
        lab.pair(&lab.near, "192.0.2.1/24", "wa", "192.0.2.254/24");
        lab.pair(&lab.far, "198.51.100.2/24", "wb", "198.51.100.254/24");
        lab.run(&lab.near, &["ip", "route", "add", "default", "via", "192.0.2.254"]);
        lab.run(&lab.far, &["ip", "route", "add", "default", "via", "198.51.100.254"]);
        lab.run(&lab.router, &["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
        Some(lab)
    }

    fn pair(&self, end: &str, address: &str, port: &str, router_address: &str) {
        let router = &self.router;
        self.run(end, &["ip", "link", "add", "wire", "type", "veth", "peer", "name", port, "netns", router]);
        self.run(end, &["ip", "addr", "add", address, "dev", "wire"]);
        self.run(end, &["ip", "link", "set", "wire", "up"]);
        self.run(router, &["ip", "addr", "add", router_address, "dev", port]);
        self.run(router, &["ip", "link", "set", port, "up"]);
    }

    /// A command inside a namespace.
    pub(crate) fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", name]).args(arguments).stdin(Stdio::null());
        command
    }

    pub(crate) fn output(&self, name: &str, arguments: &[&str]) -> (bool, String) {
        let Output { status, stdout, stderr } = self.command(name, arguments).output().unwrap();
        (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
    }

    /// A command that must succeed; what it printed.
    pub(crate) fn run(&self, name: &str, arguments: &[&str]) -> String {
        let (done, text) = self.output(name, arguments);
        assert!(done, "{arguments:?}: {text}");
        text
    }

    /// A python script that runs on; it must print a line when it is ready.
    pub(crate) fn python(&self, name: &str, script: &str) -> Running {
        Running::new(self.command(name, &["python3", "-c", script]), Stream::Out)
    }

    /// The endpoints of both sides.
    pub(crate) fn endpoints(&self, more: &[&str]) -> [Running; 2] {
        let one = self.endpoint(&self.near, NEAR, FAR, &format!("{NEAR_INSIDE}/24"), more);
        let other = self.endpoint(&self.far, FAR, NEAR, &format!("{FAR_INSIDE}/24"), more);
        [one, other]
    }

    fn endpoint(&self, name: &str, local: &str, remote: &str, address: &str, more: &[&str]) -> Running {
        // Options in another order than in the help.
        let program = env!("CARGO_BIN_EXE_ipip-endpoint");
        let arguments = [
            &[program, "--mtu", "1500", "--remote", remote, "--addr", address, "--tun", "tun0", "--local", local],
            more,
        ];
        let running = Running::new(self.command(name, &arguments.concat()), Stream::Out);
        assert_eq!(running.first, "ready tun0");
        running
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for name in [&self.near, &self.router, &self.far] {
            let _ = Command::new("ip").args(["netns", "del", name]).stderr(Stdio::null()).status();
        }
    }
}

/// Where a program says that it is ready.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// A program that runs beside the test, and ends with it.
pub(crate) struct Running {
    child: Child,
    /// The line by which it said that it is ready.
    pub(crate) first: String,
    rest: Box<dyn BufRead>,
}

impl Running {
    /// Starts it, and waits for its first line.
    pub(crate) fn new(mut command: Command, stream: Stream) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (mut said, rest): (Box<dyn BufRead>, Box<dyn BufRead>) = match stream {
            Stream::Out => (Box::new(BufReader::new(out)), Box::new(BufReader::new(err))),
            Stream::Err => (Box::new(BufReader::new(err)), Box::new(BufReader::new(out))),
        };
        let mut first = String::new();
        said.read_line(&mut first).unwrap();
        let rest = Box::new(said.chain(rest));
        Running { child, first: first.trim_end().to_owned(), rest }
    }

    /// Waits for another line of the same stream.
    pub(crate) fn next_line(&mut self) {
        self.first.clear();
        assert!(self.rest.read_line(&mut self.first).unwrap() > 0, "it ended before it was ready");
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Asks it to end; what it said since it was ready.
    pub(crate) fn end(mut self) -> String {
        self.signal("-TERM");
        self.wait()
    }

    /// Waits until it ends; what it said since it was ready.
    pub(crate) fn wait(&mut self) -> String {
        let mut text = String::new();
        self.rest.read_to_string(&mut text).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {text}");
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What there must be and is not.
fn missing() -> Option<String> {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if !root {
        return Some("network namespaces need root".to_owned());
    }
    if !std::path::Path::new("/dev/net/tun").exists() {
        return Some("there is no /dev/net/tun".to_owned());
    }
    let tools = [("ip", "-V"), ("ping", "-V"), ("python3", "-V"), ("tshark", "-v"), ("sysctl", "-V")];
    let tool = tools.iter().find(|(tool, version)| {
        let done = Command::new(tool).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status();
        !done.is_ok_and(|status| status.success())
    });
    if let Some((tool, _)) = tool {
        return Some(format!("there is no {tool}"));
    }
    // Containers may have all of it and allow none of it.
    let name = format!("ipip{}-try", std::process::id());
    let made = Command::new("ip").args(["netns", "add", &name]).output();
    let _ = Command::new("ip").args(["netns", "del", &name]).stderr(Stdio::null()).status();
    match made {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("no network namespaces here: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Some(format!("no network namespaces here: {error}")),
    }
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
