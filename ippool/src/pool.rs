//! Pools, nodes and reservations: the resources that the allocator works from, and the choice of pools.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use ipnet::IpNet;

use crate::key::IpVersion;
use crate::net;
use crate::reservation::Reservations;
use crate::selector::{self, Selector};

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Use {
    /// A pod or virtual machine.
    Workload,
    /// The node's end of a tunnel.
    Tunnel,
    /// A service of type `LoadBalancer`; its blocks belong to a virtual owner.
    LoadBalancer,
}

/// A prefix from which blocks are cut (IPPool).
///
/// ```
/// use ippool::Pool;
/// let pool = Pool::new("default-ipv4-ippool", "10.244.0.0/16".parse()?).with_node_selector("zone == 'a'");
/// assert_eq!(pool.block_len(), 26);
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
#[doc(alias = "IPPool")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    pub(crate) name: String,
    pub(crate) cidr: IpNet,
    /// The CIDR as it was given: messages show it so.
    pub(crate) written: IpNet,
    pub(crate) block_len: u8,
    pub(crate) node_selector: Rule,
    pub(crate) namespace_selector: Option<Rule>,
    pub(crate) disabled: bool,
    pub(crate) automatic: bool,
    pub(crate) uses: Vec<Use>,
}

/// A selector as it was given, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    text: String,
    parsed: Result<Selector, selector::Error>,
}

impl Rule {
    fn new(text: &str) -> Rule {
        Rule { text: text.into(), parsed: Selector::parse(text) }
    }

    fn matches(&self, labels: &BTreeMap<String, String>) -> Result<bool, selector::Error> {
        self.parsed.as_ref().map(|selector| selector.matches(labels)).map_err(Clone::clone)
    }
}

/// A block length outside 20..=32 (IPv4) or 116..=128 (IPv6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("block length {0} is not allowed")]
pub struct BlockLengthError(pub u8);

impl Pool {
    /// An enabled pool for every node, for workloads and tunnels, with blocks of 64 addresses. Host bits of the CIDR
    /// have no meaning; they are shown in messages.
    pub fn new(name: impl Into<String>, cidr: IpNet) -> Pool {
        let (cidr, written) = (cidr.trunc(), cidr);
        Pool {
            name: name.into(),
            cidr,
            written,
            block_len: IpVersion::of(&cidr).width() - 6,
            node_selector: Rule::new("all()"),
            namespace_selector: None,
            disabled: false,
            automatic: true,
            uses: vec![Use::Workload, Use::Tunnel],
        }
    }

    /// With blocks of this prefix length (`blockSize`). A pool shorter than one block has none.
    ///
    /// ```
    /// let pool = ippool::Pool::new("p", "10.0.0.0/24".parse()?).with_block_len(30)?;
    /// assert_eq!(pool.block_len(), 30);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BlockLengthError`] when it is not 20..=32 or 116..=128.
    pub fn with_block_len(self, block_len: u8) -> Result<Pool, BlockLengthError> {
        let width = IpVersion::of(&self.cidr).width();
        if block_len > width || block_len < width - 12 {
            return Err(BlockLengthError(block_len));
        }
        Ok(Pool { block_len, ..self })
    }

    /// Only for nodes that the selector matches. An operation that has to evaluate a wrong one fails.
    #[must_use]
    pub fn with_node_selector(self, text: &str) -> Pool {
        Pool { node_selector: Rule::new(text), ..self }
    }

    /// Only for workloads in namespaces that the selector matches.
    #[must_use]
    pub fn with_namespace_selector(self, text: &str) -> Pool {
        Pool { namespace_selector: Some(Rule::new(text)), ..self }
    }

    /// Switched off: nothing new is given out (also for a pool that is being deleted).
    #[must_use]
    pub fn with_disabled(self, disabled: bool) -> Pool {
        Pool { disabled, ..self }
    }

    /// Chosen by itself (`assignmentMode: Automatic`), or only when named (`Manual`).
    #[must_use]
    pub fn with_automatic(self, automatic: bool) -> Pool {
        Pool { automatic, ..self }
    }

    /// Only for these uses (`allowedUses`).
    #[must_use]
    pub fn with_uses(self, uses: impl IntoIterator<Item = Use>) -> Pool {
        Pool { uses: uses.into_iter().collect(), ..self }
    }

    /// The name of the resource.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The addresses of the pool; host bits are zero.
    #[must_use]
    pub fn cidr(&self) -> IpNet {
        self.cidr
    }

    /// The CIDR as it was given, host bits and all.
    #[must_use]
    pub fn written_cidr(&self) -> IpNet {
        self.written
    }

    /// The prefix length of its blocks.
    #[must_use]
    pub fn block_len(&self) -> u8 {
        self.block_len
    }

    /// The node selector as it was given.
    #[must_use]
    pub fn node_selector(&self) -> &str {
        &self.node_selector.text
    }

    /// The namespace selector as it was given, if there is one.
    #[must_use]
    pub fn namespace_selector(&self) -> Option<&str> {
        self.namespace_selector.as_ref().map(|rule| rule.text.as_str())
    }

    /// Whether it is chosen by itself, and not only when named.
    #[must_use]
    pub fn is_automatic(&self) -> bool {
        self.automatic
    }

    /// Whether nothing new is given out.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.disabled
    }

    /// Whether the pool may be used for this.
    #[must_use]
    pub fn allows(&self, used_for: Use) -> bool {
        self.uses.contains(&used_for)
    }

    /// Whether its node selector matches these labels.
    pub(crate) fn selects(&self, labels: &BTreeMap<String, String>) -> Result<bool, selector::Error> {
        self.node_selector.matches(labels)
    }

    fn selects_namespace(&self, labels: &BTreeMap<String, String>) -> Result<bool, selector::Error> {
        match &self.namespace_selector {
            None => Ok(true),
            Some(rule) => rule.matches(labels),
        }
    }
}

/// The resources of a cluster that the allocator reads: pools in name order, reservations, nodes with their labels.
///
/// ```
/// use ippool::{Pool, Resources};
/// let resources = Resources::default()
///     .with_pool(Pool::new("p", "10.244.0.0/16".parse()?))
///     .with_node("k8s-master", [("zone", "a")]);
/// assert_eq!(resources.pools().len(), 1);
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resources {
    pub(crate) pools: Vec<Pool>,
    nodes: BTreeMap<String, BTreeMap<String, String>>,
    reservations: Reservations,
}

impl Resources {
    /// With this pool, which replaces one of the same name.
    #[must_use]
    pub fn with_pool(mut self, pool: Pool) -> Resources {
        self.remove_pool(&pool.name);
        let place = self.pools.partition_point(|other| other.name < pool.name);
        self.pools.insert(place, pool);
        self
    }

    /// With this node, which replaces one of the same name.
    #[must_use]
    pub fn with_node<K: Into<String>, V: Into<String>>(
        mut self,
        name: impl Into<String>,
        labels: impl IntoIterator<Item = (K, V)>,
    ) -> Resources {
        let labels = labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        self.nodes.insert(name.into(), labels);
        self
    }

    /// With these reservations instead of those before.
    #[must_use]
    pub fn with_reservations(self, reservations: Reservations) -> Resources {
        Resources { reservations, ..self }
    }

    /// Forgets a pool; its blocks and affinities stay.
    pub fn remove_pool(&mut self, name: &str) {
        self.pools.retain(|pool| pool.name != name);
    }

    /// Forgets a node.
    pub fn remove_node(&mut self, name: &str) {
        self.nodes.remove(name);
    }

    /// The pools in name order.
    #[must_use]
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// The labels of a node, or none if there is no such node.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        self.nodes.get(name)
    }

    /// The reserved addresses.
    #[must_use]
    pub fn reservations(&self) -> &Reservations {
        &self.reservations
    }

    /// The pool, enabled or not, that holds all of `cidr`; enabled ones first.
    pub(crate) fn pool_of(&self, cidr: &IpNet) -> Option<&Pool> {
        self.enabled_pool_of(cidr).or_else(|| self.pools.iter().find(|pool| pool.cidr.contains(cidr)))
    }

    /// The enabled pool that holds all of `cidr`.
    pub(crate) fn enabled_pool_of(&self, cidr: &IpNet) -> Option<&Pool> {
        self.pools.iter().find(|pool| !pool.disabled && pool.cidr.contains(cidr))
    }

    /// Whether `cidr` lies in a known, enabled pool whose selector no longer matches the node.
    pub(crate) fn deselected(&self, node: &str, cidr: &IpNet) -> bool {
        let (Some(pool), Some(labels)) = (self.enabled_pool_of(cidr), self.node(node)) else { return false };
        pool.selects(labels) == Ok(false)
    }
}

/// Why there is no pool to take addresses from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChoiceError {
    /// No enabled pool of the version has large enough blocks or allows the use.
    #[error("no qualified pool")]
    NoQualifiedPool,
    /// No pool selects the node and the namespace.
    #[error("no configured Calico pools for node {0}")]
    NoPoolsForNode(String),
    /// A pool that the caller named.
    #[error("the given pool ({0}) does not exist, or is not enabled")]
    PoolNotAvailable(IpNet),
    /// A selector of a pool has a syntax error.
    #[error("selector of pool {0} is wrong")]
    BadSelector(String),
    /// A reservation of no address, or of as many as the family has.
    #[error("host reservation of {0} addresses is not possible")]
    BadReservation(u32),
}

/// What pools are chosen by.
#[derive(Debug, Clone)]
pub(crate) struct Wanted<'a> {
    pub(crate) version: IpVersion,
    pub(crate) used_for: Use,
    pub(crate) explicit: &'a [IpNet],
    /// The name of the host, and its labels, unless the owner is no node.
    pub(crate) host: &'a str,
    pub(crate) node: Option<&'a BTreeMap<String, String>>,
    pub(crate) namespace: Option<&'a BTreeMap<String, String>>,
    /// Addresses that each block keeps back, or none without a host reservation.
    pub(crate) kept_back: Option<u32>,
}

/// The pools for a request: those that select the owner, and which of them allow the use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) selected: Vec<usize>,
    pub(crate) usable: Vec<usize>,
}

impl Resources {
    /// The pools of a request, as indexes, in the order in which they are to be used.
    pub(crate) fn choose(&self, wanted: &Wanted<'_>) -> Result<Chosen, ChoiceError> {
        let longest = longest_block(wanted.version, wanted.kept_back)?;
        let candidates: Vec<(usize, &Pool)> = self
            .pools
            .iter()
            .enumerate()
            .filter(|(_, pool)| {
                !pool.disabled && IpVersion::of(&pool.cidr) == wanted.version && pool.block_len <= longest
            })
            .collect();
        if candidates.is_empty() {
            return Err(ChoiceError::NoQualifiedPool);
        }
        let mut selected = Vec::new();
        for cidr in wanted.explicit {
            let cidr = cidr.trunc();
            let found = candidates.iter().find(|(_, pool)| pool.cidr == cidr);
            selected.push(found.ok_or(ChoiceError::PoolNotAvailable(cidr))?.0);
        }
        if wanted.explicit.is_empty() {
            let unknown = BTreeMap::new();
            for (index, pool) in &candidates {
                let bad = |_| ChoiceError::BadSelector(pool.name.clone());
                if pool.automatic
                    && wanted.node.map_or(Ok(true), |labels| pool.selects(labels)).map_err(bad)?
                    && pool.selects_namespace(wanted.namespace.unwrap_or(&unknown)).map_err(bad)?
                {
                    selected.push(*index);
                }
            }
        }
        if selected.is_empty() {
            return Err(ChoiceError::NoPoolsForNode(wanted.host.into()));
        }
        let usable: Vec<usize> = selected
            .iter()
            .copied()
            .filter(|index| self.pools.get(*index).is_some_and(|pool| pool.allows(wanted.used_for)))
            .collect();
        if usable.is_empty() {
            return Err(ChoiceError::NoQualifiedPool);
        }
        Ok(Chosen { selected, usable })
    }

    /// The first of the pools at `indexes` that holds all of `cidr`.
    pub(crate) fn holds(&self, indexes: &[usize], cidr: &IpNet) -> bool {
        indexes.iter().any(|index| self.pools.get(*index).is_some_and(|pool| pool.cidr.contains(cidr)))
    }
}

/// The longest block prefix that still has room beside the addresses it keeps back.
fn longest_block(version: IpVersion, kept_back: Option<u32>) -> Result<u8, ChoiceError> {
    let Some(kept_back) = kept_back else { return Ok(version.width()) };
    let bits = u32::BITS - kept_back.leading_zeros();
    match u8::try_from(bits).ok().and_then(|bits| version.width().checked_sub(bits)) {
        Some(longest) if longest > 0 && kept_back > 0 => Ok(longest),
        _ => Err(ChoiceError::BadReservation(kept_back)),
    }
}

/// Block number `index` of `len` bits in `cidr`.
pub(crate) fn nth_block(cidr: &IpNet, len: u8, index: u128) -> Option<IpNet> {
    let version = IpVersion::of(cidr);
    let size = 1u128.checked_shl(u32::from(version.width().checked_sub(len)?))?;
    net::prefix(version, net::bits(cidr.network()).checked_add(index.checked_mul(size)?)?, len)
}

/// The number of the block of `len` bits in `cidr` that begins at `block`.
pub(crate) fn block_index(cidr: &IpNet, len: u8, block: &IpNet) -> Option<u128> {
    let shift = u32::from(IpVersion::of(cidr).width().checked_sub(len)?);
    let offset = net::bits(block.network()).checked_sub(net::bits(cidr.network()))?;
    offset.checked_shr(shift)
}
