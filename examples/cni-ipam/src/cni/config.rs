//! The configuration of a network, as far as it is about addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use ippool::{IpVersion, Resources};
use serde::{Deserialize, Deserializer};
use serde_json::{Value as Json, json};

use super::error::{Code, Error};
use super::request::is_name;
use crate::driver::Driver;
use crate::resources::{Collected, ResourcesError};

/// What comes on standard input.
#[derive(Debug, Deserialize)]
pub(super) struct Network {
    #[serde(rename = "cniVersion", default)]
    pub(super) version: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) ipam: Ipam,
    #[serde(rename = "runtimeConfig", default)]
    runtime: Runtime,
    #[serde(rename = "prevResult")]
    pub(super) previous: Option<Previous>,
    #[serde(rename = "cni.dev/valid-attachments")]
    pub(super) valid: Option<Vec<Attachment>>,
}

/// What the runtime adds for one container.
#[derive(Debug, Default, Deserialize)]
struct Runtime {
    #[serde(default)]
    ips: Vec<String>,
}

/// The result of ADD, as CHECK gets it.
#[derive(Debug, Deserialize)]
pub(super) struct Previous {
    #[serde(default)]
    pub(super) ips: Vec<PreviousAddress>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PreviousAddress {
    pub(super) address: IpNet,
}

/// A container's interface that exists.
#[derive(Debug, Deserialize)]
pub(super) struct Attachment {
    #[serde(rename = "containerID")]
    pub(super) container: String,
    #[serde(rename = "ifname")]
    pub(super) interface: String,
}

/// The part of this plugin; `assign_ipv4`, `ipv4_pools` and `nodename` are called as in `calico-ipam`.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Ipam {
    /// Where the store is, without `endpoints`.
    pub(super) directory: PathBuf,
    /// The servers of etcd.
    pub(super) endpoints: Vec<String>,
    /// The lock of the host.
    lock: Option<PathBuf>,
    /// For how many seconds the store is tried, from when the lock is held.
    pub(super) timeout: u64,
    /// For how many seconds handles and claims must be out of order before GC believes it.
    #[serde(rename = "gcGrace")]
    pub(super) grace: u32,
    nodename: Option<String>,
    #[serde(rename = "nodeLabels")]
    labels: BTreeMap<String, String>,
    /// The `spec` of an IPPool each, with its `name`.
    pools: Vec<Json>,
    /// Files of resources.
    resources: Vec<PathBuf>,
    reservations: Vec<IpNet>,
    #[serde(deserialize_with = "flag")]
    assign_ipv4: bool,
    #[serde(deserialize_with = "flag")]
    assign_ipv6: bool,
    ipv4_pools: Vec<String>,
    ipv6_pools: Vec<String>,
    /// One for each version at most; never given out.
    gateways: Vec<IpAddr>,
    /// The prefix lengths of the results; without them those of the blocks.
    #[serde(rename = "prefixLengthV4")]
    prefix_v4: Option<u8>,
    #[serde(rename = "prefixLengthV6")]
    prefix_v6: Option<u8>,
    /// Go to the result as they are.
    pub(super) routes: Vec<Route>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Route {
    pub(super) dst: IpNet,
    pub(super) gw: Option<IpAddr>,
}

impl Default for Ipam {
    fn default() -> Ipam {
        Ipam {
            directory: "/var/lib/cni/cni-ipam".into(),
            endpoints: Vec::new(),
            lock: None,
            timeout: 90,
            grace: 1,
            nodename: None,
            labels: BTreeMap::new(),
            pools: Vec::new(),
            resources: Vec::new(),
            reservations: Vec::new(),
            assign_ipv4: true,
            assign_ipv6: false,
            ipv4_pools: Vec::new(),
            ipv6_pools: Vec::new(),
            gateways: Vec::new(),
            prefix_v4: None,
            prefix_v6: None,
            routes: Vec::new(),
        }
    }
}

impl Network {
    pub(super) fn parse(input: &[u8]) -> Result<Network, Error> {
        let network: Network = serde_json::from_slice(input)
            .map_err(|error| Error::new(Code::Decode, "the configuration is no JSON of a network", error))?;
        if !is_name(&network.name) {
            return Err(Error::new(Code::Config, "name: missing or malformed", &network.name));
        }
        network.ipam.validate()?;
        Ok(network)
    }

    /// What a container's interface is known by. The first interface has Calico's handle.
    pub(super) fn handle(&self, container: &str, interface: &str) -> String {
        match interface {
            "eth0" => format!("{}.{container}", self.name),
            _ => format!("{}.{container}.{interface}", self.name),
        }
    }

    /// The addresses that the runtime wants, in addition to the argument `IP`.
    pub(super) fn wanted(&self, argument: Option<&String>) -> Result<Vec<IpAddr>, Error> {
        let texts = self.runtime.ips.iter().chain(argument);
        let parse = |text: &String| {
            let host = text.split('/').next().unwrap_or_default();
            host.parse().map_err(|_| Error::new(Code::Config, format!("{text:?} is no address"), ""))
        };
        texts.map(parse).collect()
    }
}

impl Ipam {
    fn validate(&self) -> Result<(), Error> {
        let wrong = |text: &str| Err(Error::new(Code::Config, text, ""));
        let gateways = |version: fn(&IpAddr) -> bool| self.gateways.iter().filter(|gateway| version(gateway)).count();
        if gateways(IpAddr::is_ipv4) > 1 || gateways(IpAddr::is_ipv6) > 1 {
            return wrong("ipam.gateways: more than one of a version");
        }
        if self.prefix_v4.is_some_and(|length| length > 32) || self.prefix_v6.is_some_and(|length| length > 128) {
            return wrong("ipam.prefixLengthV4, ipam.prefixLengthV6: longer than an address");
        }
        if !self.assign_ipv4 && !self.assign_ipv6 {
            return wrong("ipam.assign_ipv4, ipam.assign_ipv6: neither");
        }
        Ok(())
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        let beside = || match self.endpoints.as_slice() {
            [] => self.directory.join("plugin.lock"),
            _ => "/run/cni-ipam.lock".into(),
        };
        self.lock.clone().unwrap_or_else(beside)
    }

    pub(super) fn node(&self) -> String {
        let host = || rustix::system::uname().nodename().to_string_lossy().into_owned();
        self.nodename.clone().unwrap_or_else(host)
    }

    /// How many addresses of each version a container gets.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.assign_ipv4.into(), self.assign_ipv6.into())
    }

    pub(super) fn gateway(&self, version: IpVersion) -> Option<IpAddr> {
        self.gateways.iter().copied().find(|gateway| IpVersion::of(&IpNet::from(*gateway)) == version)
    }

    /// An address with the prefix length that the container is to see.
    pub(super) fn shown(&self, address: IpNet) -> IpNet {
        let length = match address {
            IpNet::V4(_) => self.prefix_v4,
            IpNet::V6(_) => self.prefix_v6,
        };
        length.and_then(|length| IpNet::new(address.addr(), length).ok()).unwrap_or(address)
    }

    /// The pools that a container's addresses must come from: names or CIDRs.
    pub(super) fn pools_of(&self, version: IpVersion, resources: &Resources) -> Result<Vec<IpNet>, Error> {
        let wanted = match version {
            IpVersion::V4 => &self.ipv4_pools,
            IpVersion::V6 => &self.ipv6_pools,
        };
        let find = |text: &String| {
            let named = resources.pools().iter().find(|pool| pool.name() == text).map(ippool::Pool::cidr);
            let found = named.or_else(|| text.parse().ok());
            found.ok_or_else(|| Error::new(Code::Config, format!("pool {text:?} does not exist"), ""))
        };
        wanted.iter().map(find).collect()
    }

    /// Pools, reservations and the node itself: out of the configuration, or out of the datastore if it names no pools.
    pub(super) fn resources(&self, driver: &mut dyn Driver) -> Result<Resources, Error> {
        let wrong = |error: ResourcesError| Error::new(Code::Config, "ipam: unusable resource", error);
        let mut collected = Collected::default();
        for file in &self.resources {
            collected.add_file(file).map_err(wrong)?;
        }
        for (place, spec) in self.pools.iter().enumerate() {
            let cidr = || spec.get("cidr").and_then(Json::as_str).map(str::to_owned);
            let name = spec.get("name").and_then(Json::as_str).map(str::to_owned).or_else(cidr);
            let pool = json!({ "kind": "IPPool", "metadata": { "name": name }, "spec": spec });
            collected.add(&format!("ipam.pools[{place}]"), &pool, false).map_err(wrong)?;
        }
        if self.pools.is_empty() && self.resources.is_empty() {
            collected.add_stored(driver).map_err(|error| Error::new(Code::Later, "no pools", error))?;
        }
        collected.reserved.extend(&self.reservations);
        collected.reserved.extend(self.gateways.iter().map(|gateway| IpNet::from(*gateway)));
        let node = self.node();
        let labels = collected.nodes.remove(&node).unwrap_or_default().into_iter().chain(self.labels.clone());
        collected.nodes.insert(node, labels.collect());
        Ok(collected.finish().resources)
    }
}

/// `calico-ipam` has texts where one expects truth values.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flag {
        Truth(bool),
        Text(String),
    }
    match Flag::deserialize(deserializer)? {
        Flag::Truth(truth) => Ok(truth),
        Flag::Text(text) => text.parse().map_err(|_| serde::de::Error::custom("neither \"true\" nor \"false\"")),
    }
}
