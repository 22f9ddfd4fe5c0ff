//! The keys of stored objects, ordered like their etcd key texts.

use alloc::string::String;
use core::cmp::Ordering;
use core::fmt;
use core::fmt::Write as _;

use ipnet::IpNet;

/// The version of the Internet Protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there is no third version in use")]
pub enum IpVersion {
    /// IPv4, 32-bit addresses.
    V4,
    /// IPv6, 128-bit addresses.
    V6,
}

impl IpVersion {
    /// The version of the addresses in `net`.
    #[must_use]
    pub fn of(net: &IpNet) -> IpVersion {
        match net {
            IpNet::V4(_) => IpVersion::V4,
            IpNet::V6(_) => IpVersion::V6,
        }
    }

    /// The length of an address in bits: 32 or 128.
    #[must_use]
    pub fn width(self) -> u8 {
        match self {
            IpVersion::V4 => 32,
            IpVersion::V6 => 128,
        }
    }
}

/// `IPv4` or `IPv6`.
impl fmt::Display for IpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IpVersion::V4 => "IPv4",
            IpVersion::V6 => "IPv6",
        })
    }
}

/// Who claims a block.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Owner {
    /// A node of the cluster.
    Host(String),
    /// An owner that is no node; Calico uses only `load-balancer`.
    Virtual(String),
}

impl Owner {
    /// The node `name`.
    ///
    /// ```
    /// assert_eq!(ippool::Owner::host("n1").to_string(), "host:n1");
    /// ```
    pub fn host(name: impl Into<String>) -> Owner {
        Owner::Host(name.into())
    }

    /// The name without the type.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Owner::Host(name) | Owner::Virtual(name) => name,
        }
    }

    /// The type as it stands in keys and blocks: `host` or `virtual`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Owner::Host(_) => "host",
            Owner::Virtual(_) => "virtual",
        }
    }

    /// Reads `host:NAME` or `virtual:NAME`, the text that a block holds.
    ///
    /// ```
    /// use ippool::Owner;
    /// assert_eq!(Owner::parse("host:n1"), Some(Owner::host("n1")));
    /// assert_eq!(Owner::parse("n1"), None);
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Owner> {
        match text.split_once(':')? {
            ("host", name) => Some(Owner::Host(name.into())),
            ("virtual", name) => Some(Owner::Virtual(name.into())),
            _ => None,
        }
    }
}

/// `host:NAME` or `virtual:NAME`.
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.name())
    }
}

/// The key of a stored object.
///
/// Keys are ordered like their texts, which [`Display`](fmt::Display) writes: the order in which etcd lists them.
/// CIDRs must have no host bits set ([`IpNet::trunc`]).
///
/// ```
/// use ippool::{Key, Owner};
/// let key = Key::Affinity(Owner::host("n1"), "10.244.36.64/26".parse()?);
/// assert_eq!(key.to_string(), "/calico/ipam/v2/host/n1/ipv4/block/10.244.36.64-26");
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Key {
    /// A block, by its CIDR.
    Block(IpNet),
    /// An owner's claim on a block.
    Affinity(Owner, IpNet),
    /// A handle, by its id.
    Handle(String),
    /// The configuration of the allocator.
    Config,
    /// The record of a node, which `remove_host` deletes.
    Host(String),
}

/// The etcd key.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Block(cidr) => {
                write!(f, "{ROOT}/assignment/{}/block/{}-{}", family(cidr), cidr.network(), cidr.prefix_len())
            }
            Key::Affinity(owner, cidr) => write!(
                f,
                "{ROOT}/{}/{}/{}/block/{}-{}",
                owner.kind(),
                owner.name(),
                family(cidr),
                cidr.network(),
                cidr.prefix_len()
            ),
            Key::Handle(id) => write!(f, "{ROOT}/handle/{id}"),
            Key::Config => write!(f, "{ROOT}/config"),
            Key::Host(name) => write!(f, "{ROOT}/host/{name}"),
        }
    }
}

/// The order of the texts, without writing them: the first parts differ by kind, the rest is compared as it would stand.
impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        let (kind, name, cidr) = self.order();
        let (other_kind, other_name, other_cidr) = other.order();
        kind.cmp(&other_kind).then_with(|| {
            let (ours, theirs) = (cidr.map(CidrText::of), other_cidr.map(CidrText::of));
            let ours = name.bytes().chain(ours.iter().flat_map(CidrText::octets));
            ours.cmp(other_name.bytes().chain(theirs.iter().flat_map(CidrText::octets)))
        })
    }
}

impl Key {
    /// The rank of the kind in text order, the name, and the CIDR.
    fn order(&self) -> (u8, &str, Option<IpNet>) {
        match self {
            Key::Block(cidr) => (0, "", Some(*cidr)),
            Key::Config => (1, "", None),
            Key::Handle(id) => (2, id, None),
            Key::Host(name) => (3, name, None),
            Key::Affinity(Owner::Host(name), cidr) => (3, name, Some(*cidr)),
            Key::Affinity(Owner::Virtual(name), cidr) => (4, name, Some(*cidr)),
        }
    }
}

/// How a CIDR ends a key, `/ipv4/block/10.0.0.0-26`, without allocation.
#[derive(Clone, Copy)]
pub(crate) struct CidrText {
    octets: [u8; CidrText::MAX],
    len: usize,
}

impl CidrText {
    /// `/ipv6/block/`, eight groups of four digits with seven colons, a dash and three digits.
    const MAX: usize = 12 + 39 + 4;

    pub(crate) fn of(cidr: IpNet) -> CidrText {
        let mut text = CidrText { octets: [0; CidrText::MAX], len: 0 };
        // It has room for the longest.
        let _ = write!(text, "/{}/block/{}-{}", family(&cidr), cidr.addr(), cidr.prefix_len());
        text
    }

    fn octets(&self) -> impl Iterator<Item = u8> + '_ {
        self.octets.iter().copied().take(self.len)
    }
}

impl fmt::Write for CidrText {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let end = self.len.saturating_add(part.len());
        self.octets.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(part.as_bytes());
        self.len = end;
        Ok(())
    }
}

impl PartialEq for CidrText {
    fn eq(&self, other: &CidrText) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for CidrText {}

impl Ord for CidrText {
    fn cmp(&self, other: &CidrText) -> Ordering {
        self.octets().cmp(other.octets())
    }
}

impl PartialOrd for CidrText {
    fn partial_cmp(&self, other: &CidrText) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A set of keys that an operation lists.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Prefix {
    /// All blocks of one IP version.
    Blocks(IpVersion),
    /// The affinities of one owner and IP version.
    Affinities(Owner, IpVersion),
    /// The affinities of all hosts, and the host records between them.
    Hosts,
    /// The affinities of all virtual owners.
    Virtuals,
    /// All handles.
    Handles,
}

/// The text that all keys of the set begin with.
impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |version: &IpVersion| match version {
            IpVersion::V4 => "ipv4",
            IpVersion::V6 => "ipv6",
        };
        match self {
            Prefix::Blocks(version) => write!(f, "{ROOT}/assignment/{}/block/", name(version)),
            Prefix::Affinities(owner, version) => {
                write!(f, "{ROOT}/{}/{}/{}/block/", owner.kind(), owner.name(), name(version))
            }
            Prefix::Hosts => write!(f, "{ROOT}/host/"),
            Prefix::Virtuals => write!(f, "{ROOT}/virtual/"),
            Prefix::Handles => write!(f, "{ROOT}/handle/"),
        }
    }
}

fn family(cidr: &IpNet) -> &'static str {
    match cidr {
        IpNet::V4(_) => "ipv4",
        IpNet::V6(_) => "ipv6",
    }
}

/// What every key begins with.
pub(crate) const ROOT: &str = "/calico/ipam/v2";

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn calico_1_2_keys_are_ordered_by_their_text() {
        let block = |text: &str| Key::Block(text.parse().unwrap());
        assert!(block("10.0.0.12/30") < block("10.0.0.4/30"), "by text, not by number");
        assert!(block("fd00::40/122") > block("9.0.0.0/26"));
        assert!(Key::Config < Key::Handle("a".into()));
        assert!(Key::Host("a".into()) < Key::Affinity(Owner::host("a"), "10.0.0.0/26".parse().unwrap()));
    }

    #[test]
    fn calico_1_2_the_order_is_that_of_the_written_keys() {
        let cidrs =
            ["10.0.0.4/30", "10.0.0.12/30", "10.0.0.0/26", "9.0.0.0/26", "fd00::40/122", "fd00::/122", "::/116"];
        let mut keys = alloc::vec![Key::Config];
        for name in ["a", "a-b", "a.b", "b", "ipv4", "z"] {
            keys.extend([Key::Handle(name.into()), Key::Host(name.into())]);
            for cidr in cidrs {
                let cidr = cidr.parse().unwrap();
                keys.extend([Owner::host(name), Owner::Virtual(name.into())].map(|owner| Key::Affinity(owner, cidr)));
            }
        }
        keys.extend(cidrs.map(|cidr| Key::Block(cidr.parse().unwrap())));
        for one in &keys {
            for other in &keys {
                assert_eq!(one.cmp(other), one.to_string().cmp(&other.to_string()), "{one} {other}");
            }
        }
    }
}
