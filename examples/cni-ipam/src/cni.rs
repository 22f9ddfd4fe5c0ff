//! An IPAM plugin by the CNI specification 1.1: a network's main plugin (`ptp`, `bridge`, ..) asks it for addresses.
//!
//! The command and the container come in the environment, the network's configuration on standard input; the result or
//! the error goes to standard output as JSON.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ippool::Resources;
use rustix::fs::{FlockOperation, flock};
use serde_json::{Value as Json, json};

use crate::directory::DirectoryStore;
use crate::driver::Driver;

mod add;
mod config;
mod error;
mod gc;
mod remove;
mod request;
mod status;
#[cfg(test)]
mod tests;

use config::Network;
use error::{Code, Error};
use request::{Command, Request};

/// Opens a store by the addresses of its servers.
pub type OpenServers = fn(&[String]) -> Result<Box<dyn Driver>, String>;

/// The stores that a plugin was built with: a directory always.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "what a program says of itself")]
pub struct Stores {
    /// For configurations with `endpoints`.
    pub etcd: Option<OpenServers>,
}

/// The versions of the specification whose results and configurations are known.
const VERSIONS: [&str; 5] = ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

/// The plugin: carries out the command of the environment.
#[must_use]
pub fn main(stores: &Stores) -> ExitCode {
    let mut input = Vec::new();
    let read = io::stdin().lock().take(MAX_INPUT).read_to_end(&mut input);
    let outcome = read
        .map_err(|error| Error::new(Code::Io, "cannot read the configuration", error))
        .and_then(|_| Request::read(|name| std::env::var(name).ok()))
        .and_then(|request| run(&request, &input, stores));
    let (result, code) = match outcome {
        Ok(result) => (result, ExitCode::SUCCESS),
        Err(error) => (Some(error.to_json(&version_of(&input))), ExitCode::FAILURE),
    };
    if let Some(result) = result {
        // Nothing is left to do when nobody listens.
        let _ = writeln!(io::stdout(), "{result}");
    }
    code
}

/// No configuration is longer, in octets.
const MAX_INPUT: u64 = 16 << 20;

/// Carries out one command; what it prints.
fn run(request: &Request, input: &[u8], stores: &Stores) -> Result<Option<Json>, Error> {
    if request.command == Command::Version {
        return Ok(Some(json!({ "cniVersion": version_of(input), "supportedVersions": VERSIONS })));
    }
    let network = Network::parse(input)?;
    if !VERSIONS.contains(&network.version.as_str()) {
        let details = format!("the plugin knows {}", VERSIONS.join(", "));
        return Err(Error::new(Code::Version, format!("cniVersion {:?} is not supported", network.version), details));
    }
    let since = request.command.since();
    if VERSIONS.iter().position(|version| *version == network.version)
        < VERSIONS.iter().position(|version| *version == since)
    {
        let text = format!("{:?} needs cniVersion {since}, not {}", request.command, network.version);
        return Err(Error::new(Code::Version, text, ""));
    }
    let mut session = Session::open(&network, stores)?;
    match request.command {
        Command::Add => add::add(request, &network, &mut session).map(Some),
        Command::Check => add::check(request, &network, &mut session).map(|()| None),
        Command::Del => remove::del(request, &network, &mut session).map(|()| None),
        Command::Gc => gc::gc(&network, &mut session).map(|()| None),
        Command::Status => status::status(&network, &mut session).map(|()| None),
        Command::Version => Ok(None),
    }
}

/// The version that a configuration says it has, for answers to one that is not understood otherwise.
fn version_of(input: &[u8]) -> String {
    let input: Json = serde_json::from_slice(input).unwrap_or_default();
    let version = input.get("cniVersion").and_then(Json::as_str).filter(|version| VERSIONS.contains(version));
    version.unwrap_or("1.1.0").to_owned()
}

/// The store, with the lock of the host held, and until when it is asked.
struct Session {
    driver: Box<dyn Driver>,
    resources: Arc<Resources>,
    deadline: Instant,
    _lock: std::fs::File,
}

impl Session {
    /// Waits for the lock, however long that takes; the time of the command begins after that.
    fn open(network: &Network, stores: &Stores) -> Result<Session, Error> {
        let ipam = &network.ipam;
        let lock = hold(ipam.lock_file().as_ref())?;
        let deadline = after(Duration::from_secs(ipam.timeout));
        let mut driver: Box<dyn Driver> = match (ipam.endpoints.as_slice(), stores.etcd) {
            ([], _) => match DirectoryStore::open(&ipam.directory) {
                Ok(store) => Box::new(store),
                Err(error) => return Err(Error::new(Code::Io, "cannot open the store", error)),
            },
            (endpoints, Some(open)) => {
                open(endpoints).map_err(|error| Error::new(Code::Later, "cannot open the store", error))?
            }
            (_, None) => return Err(Error::new(Code::Field, "ipam.endpoints: this plugin knows only directories", "")),
        };
        driver.set_deadline(Some(deadline));
        let resources = Arc::new(ipam.resources(driver.as_mut())?);
        Ok(Session { driver, resources, deadline, _lock: lock })
    }

    fn drive<O: ippool::op::Operation>(&mut self, operation: O) -> O::Output {
        ippool::drive(operation, &mut self.driver.as_mut())
    }

    /// Gives what undoes something at least so much time, whatever the command has used up.
    fn leave(&mut self, least: Duration) {
        self.deadline = self.deadline.max(after(least));
        self.driver.set_deadline(Some(self.deadline));
    }

    /// What a store's error means to the runtime.
    fn store(&self, error: &ippool::op::StoreError) -> Error {
        use ippool::op::StoreError;
        let late = Instant::now() >= self.deadline;
        let code = match error {
            StoreError::Failed if !late => Code::Io,
            StoreError::BadValue(_) => Code::Stored,
            _ => Code::Later,
        };
        let details = self.driver.failure().filter(|_| *error == StoreError::Failed).unwrap_or_default();
        Error::new(code, error.to_string(), details)
    }
}

fn after(duration: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(duration).unwrap_or(now)
}

/// The lock of the host: one command at a time. It ends with the process.
fn hold(path: &Path) -> Result<std::fs::File, Error> {
    let wrong = |error: io::Error| Error::new(Code::Io, format!("cannot lock {}", path.display()), error);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(wrong)?;
    }
    let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(wrong)?;
    loop {
        match flock(&file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(wrong(error.into())),
        }
    }
}
