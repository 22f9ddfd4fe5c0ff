//! The keys of objects in etcd.

use alloc::string::{String, ToString};
use core::net::IpAddr;

use ipnet::IpNet;

use crate::key::ROOT;
use crate::{Key, Owner};

/// A key whose owner or handle has no name; there is no place for it in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key without a name")]
pub struct UnnamedKey;

/// The etcd key of an object; host bits of its CIDR are cleared.
///
/// # Errors
///
/// [`UnnamedKey`].
///
/// # Examples
///
/// ```
/// use ippool::{Key, codec};
///
/// let key = codec::encode_key(&Key::Block("fd00:0:0::41/122".parse()?))?;
/// assert_eq!(key, "/calico/ipam/v2/assignment/ipv6/block/fd00::40-122");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn encode_key(key: &Key) -> Result<String, UnnamedKey> {
    let named = match key {
        Key::Affinity(owner, _) => !owner.name().is_empty(),
        Key::Handle(name) | Key::Host(name) => !name.is_empty(),
        Key::Block(_) | Key::Config => true,
    };
    if !named {
        return Err(UnnamedKey);
    }
    Ok(match key {
        Key::Block(cidr) => Key::Block(cidr.trunc()).to_string(),
        Key::Affinity(owner, cidr) => Key::Affinity(owner.clone(), cidr.trunc()).to_string(),
        Key::Handle(_) | Key::Config | Key::Host(_) => key.to_string(),
    })
}

/// What [`decode_key`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodedKey<'p> {
    /// The key.
    pub key: Key,
    /// For an affinity the type of its owner as it is written: `host`, `virtual`, or the `@` of some old data, which
    /// the key takes for a host.
    pub owner_type: Option<&'p str>,
}

/// Reads the etcd key of an object that is found by listing: a block, an affinity or a handle.
///
/// `None` for everything else. That includes the configuration and the records of hosts, as in Calico: they have fixed
/// keys, and whoever watches a range skips them. The slash at the start may be missing, host bits of the CIDR are
/// cleared.
///
/// # Examples
///
/// ```
/// use ippool::{Key, Owner, codec};
///
/// let found = codec::decode_key("/calico/ipam/v2/host/n1/ipv4/block/10.0.0.0-26").map(|found| found.key);
/// assert_eq!(found, Some(Key::Affinity(Owner::host("n1"), "10.0.0.0/26".parse()?)));
/// assert_eq!(codec::decode_key("/calico/ipam/v2/host/n1"), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn decode_key(path: &str) -> Option<DecodedKey<'_>> {
    let root = ROOT.strip_prefix('/')?;
    let rest = path.strip_prefix('/').unwrap_or(path).strip_prefix(root)?.strip_prefix('/')?;
    let mut parts = rest.split('/');
    let parts = [(); 6].map(|()| parts.next());
    let (key, owner_type) = match parts {
        [Some("assignment"), Some(version), Some("block"), Some(cidr), None, _] if is_version(version) => {
            (Key::Block(cidr_of_key(cidr)?), None)
        }
        [Some(kind @ ("host" | "virtual" | "@")), Some(name), Some(version), Some("block"), Some(cidr), None]
            if is_version(version) && !name.is_empty() =>
        {
            let owner = if kind == "virtual" { Owner::Virtual(name.into()) } else { Owner::Host(name.into()) };
            (Key::Affinity(owner, cidr_of_key(cidr)?), Some(kind))
        }
        [Some("handle"), Some(id), None, ..] if !id.is_empty() => (Key::Handle(id.into()), None),
        _ => return None,
    };
    Some(DecodedKey { key, owner_type })
}

/// `ipv` and one more character; which one is of no concern, the CIDR tells the version.
fn is_version(part: &str) -> bool {
    part.strip_prefix("ipv").is_some_and(|version| version.chars().count() == 1)
}

fn cidr_of_key(text: &str) -> Option<IpNet> {
    let (address, len) = text.split_once('-')?;
    network(address, len)
}

/// Reads a CIDR and clears its host bits.
pub(super) fn cidr(text: &str) -> Option<IpNet> {
    let (address, len) = text.split_once('/')?;
    network(address, len)
}

fn network(address: &str, len: &str) -> Option<IpNet> {
    let address: IpAddr = address.parse().ok()?;
    let len = Some(len).filter(|len| len.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?;
    IpNet::new(address, len).ok().map(|net| net.trunc())
}
