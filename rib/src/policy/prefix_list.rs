//! Prefix lists: prefixes with the lengths they stand for.

use alloc::collections::BTreeMap;
use core::ops::RangeInclusive;

use ipnet::IpNet;
use smallvec::SmallVec;

/// A set of prefixes; a look-up costs as many steps as the prefix has bits, however long the list is.
///
/// ```
/// use bgp_rib::policy::PrefixList;
///
/// let list = PrefixList::new()
///     .exact("0.0.0.0/0".parse()?)
///     .range("10.244.0.0/16".parse()?, 24..=26)
///     .or_longer("2001:db8::/32".parse()?);
/// assert!(list.contains("10.244.36.64/26".parse()?) && !list.contains("10.244.0.0/16".parse()?));
/// assert!(list.contains("0.0.0.0/0".parse()?) && !list.contains("192.0.2.0/24".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[doc(alias = "prefix set")]
pub struct PrefixList {
    entries: BTreeMap<IpNet, SmallVec<[(u8, u8); 2]>>,
}

impl PrefixList {
    /// Nothing is in it.
    #[must_use]
    pub fn new() -> PrefixList {
        PrefixList::default()
    }

    /// With `net` itself.
    #[must_use]
    pub fn exact(self, net: IpNet) -> PrefixList {
        self.range(net, net.prefix_len()..=net.prefix_len())
    }

    /// With `net` and all that is in it.
    #[must_use]
    #[doc(alias = "orlonger")]
    pub fn or_longer(self, net: IpNet) -> PrefixList {
        self.range(net, net.prefix_len()..=net.max_prefix_len())
    }

    /// With what is in `net` and has a length in `lengths` (elsewhere: `ge`, `le`).
    #[must_use]
    #[doc(alias = "ge")]
    #[doc(alias = "le")]
    pub fn range(mut self, net: IpNet, lengths: RangeInclusive<u8>) -> PrefixList {
        self.entries.entry(net.trunc()).or_default().push((*lengths.start(), *lengths.end()));
        self
    }

    /// Whether `prefix` is in the list.
    #[must_use]
    pub fn contains(&self, prefix: IpNet) -> bool {
        let len = prefix.prefix_len();
        let fits = |entry: &SmallVec<[(u8, u8); 2]>| entry.iter().any(|(from, to)| (*from..=*to).contains(&len));
        let covering = core::iter::successors(Some(prefix.trunc()), IpNet::supernet);
        !self.entries.is_empty() && covering.into_iter().any(|net| self.entries.get(&net).is_some_and(fits))
    }
}

impl FromIterator<IpNet> for PrefixList {
    /// Each prefix exactly.
    fn from_iter<I: IntoIterator<Item = IpNet>>(nets: I) -> PrefixList {
        nets.into_iter().fold(PrefixList::new(), PrefixList::exact)
    }
}
