//! The names and labels of Kubernetes objects.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};

use ipnet::IpNet;
use sha2::{Digest as _, Sha256};
use sha3::Sha3_256;

use crate::Owner;
use crate::key::IpVersion;

use crate::base::base32;

/// Names must stay shorter than this.
const MAX_NAME: usize = 253;

/// Hexadecimal digits of the hash that tells shortened names apart.
const HASH_DIGITS: usize = 11;

/// The name of a block: its CIDR, with a dash for each dot, colon and slash.
///
/// # Examples
///
/// ```
/// assert_eq!(ippool::codec::cidr_name(&"10.244.36.64/26".parse()?), "10-244-36-64-26");
/// assert_eq!(ippool::codec::cidr_name(&"fd00::40/122".parse()?), "fd00--40-122");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn cidr_name(cidr: &IpNet) -> String {
    cidr.trunc().to_string().replace(['.', ':', '/'], "-")
}

/// The name of an affinity: the owner's and the block's ([`cidr_name`]), with the owner's cut and a hash added where
/// that would take 253 octets or more.
///
/// # Examples
///
/// ```
/// assert_eq!(ippool::codec::affinity_name("n1", "10-0-0-0-26"), "n1-10-0-0-0-26");
/// assert_eq!(ippool::codec::affinity_name(&"n".repeat(250), "10-0-0-0-26").len(), 252);
/// ```
#[must_use]
pub fn affinity_name(owner: &str, cidr_name: &str) -> String {
    let name = format!("{owner}-{cidr_name}");
    if name.len() < MAX_NAME {
        return name;
    }
    let digest = Sha256::new().chain_update(owner).chain_update("+").chain_update(cidr_name).finalize();
    let hash: String = digest
        .iter()
        .flat_map(|octet| [octet >> 4, octet & 0xf])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .take(HASH_DIGITS)
        .collect();
    let room = (MAX_NAME - 1).saturating_sub(cidr_name.len()).saturating_sub(HASH_DIGITS + 2);
    let owner = owner.get(..owner.floor_char_boundary(room)).unwrap_or_default();
    format!("{owner}-{cidr_name}-{hash}")
}

/// The name of a handle: its id in lower case.
///
/// # Examples
///
/// ```
/// assert_eq!(ippool::codec::handle_name("k8s-pod-network.3A"), "k8s-pod-network.3a");
/// ```
#[must_use]
pub fn handle_name(id: &str) -> String {
    id.to_lowercase()
}

/// The labels of an affinity, by which it is listed: the hash of the owner's name, the owner's type, the IP version.
///
/// # Examples
///
/// ```
/// use ippool::{Owner, codec};
///
/// let labels = codec::affinity_labels(&Owner::host("n1"), &"10.0.0.0/26".parse()?);
/// assert_eq!(labels["projectcalico.org/affinity-type"], "host");
/// assert_eq!(labels["projectcalico.org/ip-version"], "4");
/// assert_eq!(labels["projectcalico.org/hostname-hash"].len(), 52);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn affinity_labels(owner: &Owner, cidr: &IpNet) -> BTreeMap<&'static str, String> {
    let mut hash = String::new();
    base32(&Sha3_256::digest(owner.name()), &mut hash);
    let version = match IpVersion::of(cidr) {
        IpVersion::V4 => "4",
        IpVersion::V6 => "6",
    };
    BTreeMap::from([
        ("projectcalico.org/affinity-type", owner.kind().into()),
        ("projectcalico.org/hostname-hash", hash),
        ("projectcalico.org/ip-version", version.into()),
    ])
}
