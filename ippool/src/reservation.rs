//! Reserved addresses: never given out by automatic assignment.

use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::IpNet;

use crate::key::IpVersion;
use crate::net;

/// A set of reserved addresses (the CIDRs of all IPReservation resources).
///
/// ```
/// use ippool::Reservations;
/// let reserved = Reservations::parse(["10.0.0.0/25", " 10.0.0.128/25", "nonsense"]);
/// assert_eq!(reserved.cidrs().len(), 2);
/// assert!(reserved.covers(&"10.0.0.0/24".parse()?));
/// # Ok::<(), ipnet::AddrParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reservations {
    cidrs: Vec<IpNet>,
    v4: Vec<(u128, u128)>,
    v6: Vec<(u128, u128)>,
}

impl Reservations {
    /// The addresses of `cidrs`, which may nest, overlap and have host bits set.
    ///
    /// ```
    /// let reserved = ippool::Reservations::new(["10.0.0.0/30".parse()?]);
    /// assert!(reserved.contains("10.0.0.3".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(cidrs: impl IntoIterator<Item = IpNet>) -> Reservations {
        let cidrs: Vec<IpNet> = cidrs.into_iter().map(|cidr| cidr.trunc()).collect();
        let v4 = merge(&cidrs, IpVersion::V4);
        let v6 = merge(&cidrs, IpVersion::V6);
        Reservations { cidrs, v4, v6 }
    }

    /// CIDRs and bare addresses as texts: blanks around them are cut, malformed ones are left out.
    pub fn parse<'t>(texts: impl IntoIterator<Item = &'t str>) -> Reservations {
        Reservations::new(texts.into_iter().filter_map(|text| {
            let text = text.trim();
            text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
        }))
    }

    /// The CIDRs in the order in which they were given, without host bits.
    #[must_use]
    pub fn cidrs(&self) -> &[IpNet] {
        &self.cidrs
    }

    /// Whether the address is reserved.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.covers(&IpNet::from(address))
    }

    /// Whether every address of `cidr` is reserved.
    #[must_use]
    pub fn covers(&self, cidr: &IpNet) -> bool {
        self.covered_to(cidr).is_some()
    }

    /// Whether some address of `cidr` is reserved.
    #[must_use]
    pub fn touches(&self, cidr: &IpNet) -> bool {
        let ranges = self.ranges(cidr);
        if ranges.is_empty() {
            return false;
        }
        let (first, last) = net::span(cidr);
        let after = ranges.partition_point(|(from, _)| *from <= last);
        after.checked_sub(1).and_then(|index| ranges.get(index)).is_some_and(|(_, to)| first <= *to)
    }

    /// How many addresses of `cidr` are reserved, saturating.
    #[must_use]
    pub fn count_in(&self, cidr: &IpNet) -> u128 {
        let (first, last) = net::span(cidr);
        count(self.ranges(cidr), first, last)
    }

    /// How many addresses `first..=last` of the version of `cidr` are reserved.
    pub(crate) fn count_between(&self, cidr: &IpNet, first: u128, last: u128) -> u128 {
        count(self.ranges(cidr), first, last)
    }

    /// How many blocks of 2^shift addresses between two block borders are wholly reserved.
    pub(crate) fn whole_blocks(&self, version: IpVersion, first: u128, last: u128, shift: u32) -> u128 {
        let ranges = if version == IpVersion::V4 { &self.v4 } else { &self.v6 };
        let mut sum = 0u128;
        for (from, to) in ranges {
            let (from, to) = ((*from).max(first), (*to).min(last));
            let low = (from >> shift).saturating_add(u128::from((from >> shift) << shift != from));
            let high = to.saturating_add(1) >> shift;
            if from <= to && low < high {
                sum = sum.saturating_add(high - low);
            }
        }
        sum
    }

    /// The last address of the range that reserves all of `cidr`, if one does.
    pub(crate) fn covered_to(&self, cidr: &IpNet) -> Option<u128> {
        let ranges = self.ranges(cidr);
        if ranges.is_empty() {
            return None;
        }
        let (first, last) = net::span(cidr);
        let after = ranges.partition_point(|(from, _)| *from <= first);
        after.checked_sub(1).and_then(|index| ranges.get(index)).map(|(_, to)| *to).filter(|to| last <= *to)
    }

    fn ranges(&self, cidr: &IpNet) -> &[(u128, u128)] {
        match IpVersion::of(cidr) {
            IpVersion::V4 => &self.v4,
            IpVersion::V6 => &self.v6,
        }
    }
}

/// How many numbers of `first..=last` the ranges hold, saturating.
pub(crate) fn count(ranges: &[(u128, u128)], first: u128, last: u128) -> u128 {
    let mut sum = 0u128;
    for (from, to) in ranges {
        let (from, to) = ((*from).max(first), (*to).min(last));
        if from <= to {
            sum = sum.saturating_add((to - from).saturating_add(1));
        }
    }
    sum
}

/// The addresses of the CIDRs of one version as disjoint ascending ranges, neighbours joined.
pub(crate) fn merge(cidrs: &[IpNet], version: IpVersion) -> Vec<(u128, u128)> {
    let mut spans: Vec<(u128, u128)> =
        cidrs.iter().filter(|cidr| IpVersion::of(cidr) == version).map(net::span).collect();
    spans.sort_unstable();
    let mut ranges: Vec<(u128, u128)> = Vec::with_capacity(spans.len());
    for (from, to) in spans {
        match ranges.last_mut() {
            Some(last) if from <= last.1.saturating_add(1) => last.1 = last.1.max(to),
            _ => ranges.push((from, to)),
        }
    }
    ranges
}
