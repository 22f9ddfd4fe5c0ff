//! The reflector under test, as a process.

use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::daemon::{Net, Place, Process, until};

/// A running reflector.
#[derive(Debug)]
pub(crate) struct Reflector {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) out: BufReader<std::process::ChildStdout>,
    place: Place,
}

impl Reflector {
    /// One that takes all of `net` as clients, listening on host 1 of it.
    pub(crate) fn start(net: Net) -> Reflector {
        Reflector::with(net, &["--client-range", &net.range()])
    }

    /// One with further arguments.
    pub(crate) fn with(net: Net, arguments: &[&str]) -> Reflector {
        Reflector::on(net.host(1).into(), arguments)
    }

    pub(crate) fn on(address: IpAddr, arguments: &[&str]) -> Reflector {
        Reflector::again(SocketAddr::new(address, 0), arguments)
    }

    /// One that listens where another one did.
    pub(crate) fn again(listen: SocketAddr, arguments: &[&str]) -> Reflector {
        let place = Place::new("ours");
        let errors = std::fs::File::create(place.file("errors")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_reflector"));
        command.args(["--listen", &listen.to_string()]).arg("--status").arg(place.file("status"));
        for [name, value] in [["--local-as", "64512"], ["--router-id", "10.0.0.254"], ["--cluster-id", "244.0.0.1"]] {
            if !arguments.contains(&name) {
                command.args([name, value]);
            }
        }
        let mut process = Process::start(command.args(arguments).stdout(Stdio::piped()).stderr(errors));
        let mut out = BufReader::new(process.child().stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening ").map(str::parse);
        let Some(Ok(address)) = address else {
            panic!("first line {line:?}, errors {:?}", std::fs::read_to_string(place.file("errors")));
        };
        Reflector { process, address, out, place }
    }

    pub(crate) fn status(&self) -> Value {
        let mut text = String::new();
        UnixStream::connect(self.place.file("status")).unwrap().read_to_string(&mut text).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// What the status says of a peer; null where it knows none.
    pub(crate) fn peer(&self, address: impl Into<IpAddr>) -> Value {
        let address = address.into().to_string();
        let status = self.status();
        let peers = status["peers"].as_array().unwrap();
        peers.iter().find(|peer| peer["address"] == address.as_str()).cloned().unwrap_or(Value::Null)
    }

    pub(crate) fn is_up(&self, address: impl Into<IpAddr>) -> bool {
        self.peer(address)["state"] == "Established"
    }

    pub(crate) fn number(&self, pointer: &str) -> u64 {
        self.status().pointer(pointer).and_then(Value::as_u64).unwrap()
    }

    /// The reasons for which sessions with `address` ended.
    pub(crate) fn errors(&self, address: impl Into<IpAddr>) -> Vec<String> {
        let address = address.into().to_string();
        let status = self.status();
        let errors = status["last_errors"].as_array().unwrap();
        let of_peer = errors.iter().filter(|error| error["peer"] == address.as_str());
        of_peer.map(|error| error["error"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until it ends; its exit code.
    pub(crate) fn end_without_signal(&mut self) -> Option<i32> {
        let mut code = None;
        until("the reflector ends", || {
            code = self.process.child().try_wait().unwrap();
            code.is_some()
        });
        code.and_then(|code| code.code())
    }
}
