//! A server of etcd of a test's own, on free ports, that can be killed and comes back with its data.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) struct Server {
    data: PathBuf,
    ports: [u16; 2],
    child: Option<Child>,
}

impl Server {
    /// `None`, and a line that says why, where there is no etcd; a CI run does not accept that.
    pub(crate) fn start(data: &Path) -> Option<Server> {
        if Command::new("etcd").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "etcd is missing");
            println!("skipped: etcd is missing");
            return None;
        }
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let ports = [0, 1].map(|place: usize| listeners[place].local_addr().unwrap().port());
        drop(listeners);
        let mut server = Server { data: data.into(), ports, child: None };
        server.run();
        Some(server)
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    /// Starts it and waits until it answers.
    pub(crate) fn run(&mut self) {
        let peer = format!("http://127.0.0.1:{}", self.ports[1]);
        let mut command = Command::new("etcd");
        command.arg("--name").arg("test").arg("--data-dir").arg(&self.data);
        command.args(["--listen-client-urls", &self.endpoint(), "--advertise-client-urls", &self.endpoint()]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("test={peer}"), "--log-level", "error"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap());
        let late = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", self.ports[0])).is_err() {
            assert!(Instant::now() < late, "etcd does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it at once, or asks it to end.
    pub(crate) fn stop(&mut self, at_once: bool) {
        let Some(mut child) = self.child.take() else { return };
        if at_once {
            child.kill().unwrap();
        } else {
            let id = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        }
        child.wait().unwrap();
    }

    /// `etcdctl` on this server; what it prints.
    pub(crate) fn etcdctl(&self, arguments: &[&str]) -> Vec<u8> {
        let mut command = Command::new("etcdctl");
        command.env("ETCDCTL_API", "3").arg("--endpoints").arg(self.endpoint()).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
