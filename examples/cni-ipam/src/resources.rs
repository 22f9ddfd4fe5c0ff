//! Pools, nodes and reservations: out of files in Calico's form, out of arguments, or out of the datastore itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use ipnet::IpNet;
use ippool::codec::{decode_pool, decode_reservation};
use ippool::{DecodeError, Pool, Reservations, Resources};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::driver::Driver;

/// Where pools come from. Without any of these the datastore is asked for its own.
#[derive(Debug, Clone, Default, Args)]
#[expect(clippy::exhaustive_structs, reason = "arguments of a program")]
pub struct Sources {
    /// Files with IPPool, IPReservation and Node resources, YAML or JSON.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Vec<PathBuf>,
    /// A pool: `[NAME=]CIDR[,LENGTH]`, the length being that of its blocks.
    #[arg(long, value_name = "POOL", value_parser = parse_pool, global = true)]
    pub pool: Vec<Pool>,
    /// Addresses that are not given out.
    #[arg(long, value_name = "CIDR", global = true)]
    pub reserve: Vec<IpNet>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "what a program works with")]
pub struct Found {
    /// For the operations.
    pub resources: Resources,
    /// The names of the nodes among it.
    pub nodes: Vec<String>,
}

/// Why there are no resources.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResourcesError {
    /// A file cannot be read.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A text is no YAML.
    #[error("{place}: {error}")]
    Yaml {
        /// The file.
        place: String,
        /// What and where.
        error: serde_yaml_ng::Error,
    },
    /// A resource cannot be used.
    #[error("{place}: {kind} {name:?}: {error}")]
    Resource {
        /// The file, or the datastore.
        place: String,
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// What is wrong; it names the field.
        error: DecodeError,
    },
    /// A file holds a resource that has nothing to do with addresses.
    #[error("{place}: unknown kind {kind:?}")]
    Kind {
        /// The file.
        place: String,
        /// The kind.
        kind: String,
    },
    /// The datastore.
    #[error("{0}")]
    Store(String),
}

impl Sources {
    /// Reads them all.
    ///
    /// # Errors
    /// [`ResourcesError`].
    pub fn read(&self, driver: Option<&mut dyn Driver>) -> Result<Found, ResourcesError> {
        let mut collected = Collected::default();
        for file in &self.config {
            collected.add_file(file)?;
        }
        let here = !(self.config.is_empty() && self.pool.is_empty());
        if let Some(driver) = driver.filter(|_| !here) {
            collected.add_stored(driver)?;
        }
        collected.pools.extend(self.pool.iter().cloned());
        collected.reserved.extend(&self.reserve);
        Ok(collected.finish())
    }
}

/// The resources of texts.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) pools: Vec<Pool>,
    pub(crate) reserved: Vec<IpNet>,
    pub(crate) nodes: BTreeMap<String, BTreeMap<String, String>>,
}

impl Collected {
    /// The resources of a file.
    pub(crate) fn add_file(&mut self, file: &Path) -> Result<(), ResourcesError> {
        let text = std::fs::read_to_string(file).map_err(|error| ResourcesError::Io { path: file.into(), error })?;
        self.add_text(&file.display().to_string(), &text, false)
    }

    /// The resources that the datastore itself holds.
    pub(crate) fn add_stored(&mut self, driver: &mut dyn Driver) -> Result<(), ResourcesError> {
        let texts = driver.resources().map_err(ResourcesError::Store)?;
        texts.iter().try_for_each(|text| self.add_text("the datastore", &String::from_utf8_lossy(text), true))
    }

    fn add_text(&mut self, place: &str, text: &str, others: bool) -> Result<(), ResourcesError> {
        let yaml = |error| ResourcesError::Yaml { place: place.into(), error };
        for document in serde_yaml_ng::Deserializer::from_str(text) {
            let document = Json::deserialize(document).map_err(yaml)?;
            match document.get("items").and_then(Json::as_array) {
                Some(items) => items.iter().try_for_each(|item| self.add(place, item, others))?,
                None if document.is_null() => {}
                None => self.add(place, &document, others)?,
            }
        }
        Ok(())
    }

    /// One resource; `others`: those of other kinds are passed over.
    pub(crate) fn add(&mut self, place: &str, resource: &Json, others: bool) -> Result<(), ResourcesError> {
        let text = |path: &str| resource.pointer(path).and_then(Json::as_str).unwrap_or_default().to_owned();
        let (kind, name) = (text("/kind"), text("/metadata/name"));
        let wrong =
            |error| ResourcesError::Resource { place: place.into(), kind: kind.clone(), name: name.clone(), error };
        let octets = resource.to_string();
        match kind.as_str() {
            "IPPool" => self.pools.push(decode_pool(octets.as_bytes()).map_err(wrong)?),
            "IPReservation" => {
                let reserved = decode_reservation(octets.as_bytes()).map_err(wrong)?;
                self.reserved.extend(reserved.cidrs());
            }
            "Node" if name.is_empty() => return Err(wrong(DecodeError::Missing("name"))),
            "Node" => {
                let labels = resource.pointer("/metadata/labels").and_then(Json::as_object).into_iter().flatten();
                let labels = labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
                self.nodes.insert(name.clone(), labels.collect());
            }
            _ if others => {}
            _ => return Err(ResourcesError::Kind { place: place.into(), kind }),
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Found {
        let nodes = self.nodes.keys().cloned().collect();
        let resources = self.pools.into_iter().fold(Resources::default(), Resources::with_pool);
        let resources = self.nodes.into_iter().fold(resources, |all, (name, labels)| all.with_node(name, labels));
        Found { resources: resources.with_reservations(Reservations::new(self.reserved)), nodes }
    }
}

/// A pool as an argument: `[NAME=]CIDR[,LENGTH]`; without a name it is called by its CIDR.
fn parse_pool(text: &str) -> Result<Pool, String> {
    let (name, rest) = text.split_once('=').map_or((None, text), |(name, rest)| (Some(name), rest));
    let (cidr, length) = rest.split_once(',').map_or((rest, None), |(cidr, length)| (cidr, Some(length)));
    let network: IpNet = cidr.parse().map_err(|_| format!("{cidr:?} is no CIDR"))?;
    let pool = Pool::new(name.unwrap_or(cidr), network);
    match length {
        None => Ok(pool),
        Some(length) => {
            let length = length.parse().map_err(|_| format!("{length:?} is no block length"))?;
            pool.with_block_len(length).map_err(|error| error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Found, String> {
        let mut collected = Collected::default();
        collected.add_text("file", text, false).map_err(|error| error.to_string())?;
        Ok(collected.finish())
    }

    #[test]
    fn pools_nodes_and_reservations_come_in_documents_and_lists() {
        let text = "apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: p}\nspec:\n  cidr: 10.244.0.0/16\n  \
                    blockSize: 28\n  ipipMode: Always\n---\nkind: List\nitems:\n- kind: Node\n  metadata: {name: n1, \
                    labels: {zone: a}}\n- kind: IPReservation\n  metadata: {name: r}\n  spec: {reservedCIDRs: [10.244.0.0/30]}\n";
        let found = read(text).unwrap();
        assert_eq!(found.nodes, ["n1"]);
        assert_eq!(found.resources.pools()[0].block_len(), 28);
        assert_eq!(found.resources.node("n1").unwrap()["zone"], "a");
        assert!(found.resources.reservations().contains("10.244.0.3".parse().unwrap()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let pool = |spec: &str| read(&format!("kind: IPPool\nmetadata: {{name: p}}\nspec: {spec}\n")).unwrap_err();
        assert_eq!(pool("{cidr: 10.0.0.0/33}"), "file: IPPool \"p\": field \"cidr\": missing or malformed CIDR");
        assert!(read("kind: BGPPeer\n").unwrap_err().contains("unknown kind \"BGPPeer\""));
        assert!(read("kind: [\n").unwrap_err().starts_with("file: "));
    }

    #[test]
    fn pools_are_arguments_too() {
        assert_eq!(parse_pool("10.0.0.0/16").unwrap().name(), "10.0.0.0/16");
        let pool = parse_pool("p=fd00::/112,120").unwrap();
        assert_eq!((pool.name(), pool.block_len()), ("p", 120));
        for wrong in ["p", "p=10.0.0.0", "10.0.0.0/16,x", "10.0.0.0/16,8"] {
            assert!(parse_pool(wrong).is_err(), "{wrong}");
        }
    }
}
