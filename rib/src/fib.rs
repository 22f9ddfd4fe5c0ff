//! Longest prefix match: a tree bitmap of stride 6 for both address families.

mod frozen;

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

pub use self::frozen::FrozenFib;
use crate::num::index;

/// A forwarding table: a value per prefix, looked up by address; usable without a [`Rib`](crate::Rib).
///
/// IPv4 and IPv6 prefixes live side by side and never match each other. A look-up visits at most 6 nodes for IPv4 and
/// 22 for IPv6; each node is 64 octets and covers 6 bits of the address.
///
/// ```
/// use bgp_rib::Fib;
///
/// let mut fib = Fib::new();
/// fib.insert("10.244.0.0/16".parse()?, "blackhole");
/// fib.insert("10.244.36.64/26".parse()?, "via 192.168.179.103");
/// let (prefix, route) = fib.lookup("10.244.36.70".parse()?).ok_or("no route")?;
/// assert_eq!((prefix.to_string().as_str(), *route), ("10.244.36.64/26", "via 192.168.179.103"));
/// assert_eq!(fib.remove("10.244.36.64/26".parse()?), Some("via 192.168.179.103"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Fib<T> {
    v4: Node<T>,
    v6: Node<T>,
    len: usize,
}

impl<T> Default for Fib<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Fib<T> {
    /// An empty table; allocates nothing.
    #[must_use]
    pub fn new() -> Fib<T> {
        Fib { v4: Node::new(), v6: Node::new(), len: 0 }
    }

    /// Number of prefixes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no prefix.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sets the value of `prefix` (its host bits do not matter) and gives back the one it had.
    pub fn insert(&mut self, prefix: IpNet, value: T) -> Option<T> {
        let (key, len) = key_of(prefix);
        let old = self.root_mut(prefix).insert(key, len, value);
        self.len += usize::from(old.is_none());
        old
    }

    /// Removes exactly `prefix` and gives back its value.
    pub fn remove(&mut self, prefix: IpNet) -> Option<T> {
        let (key, len) = key_of(prefix);
        let old = self.root_mut(prefix).remove(key, len);
        self.len -= usize::from(old.is_some());
        old
    }

    /// The value of exactly `prefix`.
    #[must_use]
    pub fn exact(&self, prefix: IpNet) -> Option<&T> {
        let (mut key, mut len) = key_of(prefix);
        let mut node = if matches!(prefix, IpNet::V4(_)) { &self.v4 } else { &self.v6 };
        while len >= STRIDE {
            node = node.child(chunk(key))?;
            key <<= STRIDE;
            len -= STRIDE;
        }
        node.value(1 << position(key, len))
    }

    /// The longest prefix that covers `addr`, with its value.
    #[must_use]
    pub fn lookup(&self, addr: IpAddr) -> Option<(IpNet, &T)> {
        let (mut key, mut node) = match addr {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, &self.v4),
            IpAddr::V6(v6) => (u128::from(v6), &self.v6),
        };
        let (mut depth, mut best) = (0, None);
        loop {
            let bits = chunk(key);
            let found = node.internal & ANCESTORS.get(index(bits)).copied().unwrap_or(0);
            if found != 0 {
                let at = 63 - found.leading_zeros();
                best = node.value(1 << at).map(|value| (depth + (at + 1).ilog2(), value)).or(best);
            }
            let Some(child) = node.child(bits) else { break };
            node = child;
            key <<= STRIDE;
            depth += STRIDE;
        }
        best.and_then(|(len, value)| Some((net(addr, u8::try_from(len).ok()?)?, value)))
    }

    /// Every prefix that covers `prefix`, itself included, the shortest first.
    ///
    /// ```
    /// let mut fib = bgp_rib::Fib::new();
    /// fib.insert("10.0.0.0/8".parse()?, 1);
    /// fib.insert("10.244.0.0/16".parse()?, 2);
    /// fib.insert("10.244.36.64/26".parse()?, 3);
    /// assert!(fib.covering("10.244.36.0/24".parse()?).map(|(_, value)| *value).eq([1, 2]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn covering(&self, prefix: IpNet) -> impl Iterator<Item = (IpNet, &T)> {
        let (key, len) = key_of(prefix);
        let root = if matches!(prefix, IpNet::V4(_)) { &self.v4 } else { &self.v6 };
        let (mut at, mut own) = (Some((root, key, 0)), 0);
        core::iter::from_fn(move || {
            loop {
                let (node, key, depth) = at?;
                if own == STRIDE {
                    at = node.child(chunk(key)).map(|child| (child, key << STRIDE, depth + STRIDE));
                    own = 0;
                    continue;
                }
                if depth + own > len {
                    return None;
                }
                let found = node.value(1 << position(key, own));
                own += 1;
                if let Some(value) = found {
                    return Some((net(prefix.addr(), u8::try_from(depth + own - 1).ok()?)?, value));
                }
            }
        })
    }

    /// Every prefix with its value: IPv4 first, then by address and length.
    pub fn iter(&self) -> impl Iterator<Item = (IpNet, &T)> {
        let mut all = Vec::with_capacity(self.len);
        self.v4.collect(0, 0, &mut |key, len, value| {
            all.extend(net(v4_addr(key), len).map(|prefix| (prefix, value)));
        });
        self.v6.collect(0, 0, &mut |key, len, value| {
            all.extend(net(IpAddr::V6(Ipv6Addr::from(key)), len).map(|prefix| (prefix, value)));
        });
        all.sort_by_key(|(prefix, _)| *prefix);
        all.into_iter()
    }

    fn root_mut(&mut self, prefix: IpNet) -> &mut Node<T> {
        match prefix {
            IpNet::V4(_) => &mut self.v4,
            IpNet::V6(_) => &mut self.v6,
        }
    }
}

/// Prefixes of relative length 0 to 5 are bits of `internal` (bit 2^len - 1 + value, heap order), subtrees are bits of
/// `external`; both arrays are dense, in bit order.
#[derive(Debug, Clone)]
struct Node<T> {
    internal: u64,
    external: u64,
    values: Vec<T>,
    children: Vec<Node<T>>,
}

impl<T> Node<T> {
    const fn new() -> Self {
        Node { internal: 0, external: 0, values: Vec::new(), children: Vec::new() }
    }

    fn value(&self, bit: u64) -> Option<&T> {
        if self.internal & bit == 0 { None } else { self.values.get(rank(self.internal, bit)) }
    }

    fn child(&self, bits: u32) -> Option<&Node<T>> {
        let bit = 1_u64 << bits;
        if self.external & bit == 0 { None } else { self.children.get(rank(self.external, bit)) }
    }

    fn insert(&mut self, key: u128, len: u32, value: T) -> Option<T> {
        if len >= STRIDE {
            let bit = 1_u64 << chunk(key);
            let at = rank(self.external, bit);
            if self.external & bit == 0 {
                self.external |= bit;
                self.children.insert(at, Node::new());
            }
            return self.children.get_mut(at)?.insert(key << STRIDE, len - STRIDE, value);
        }
        let bit = 1_u64 << position(key, len);
        let at = rank(self.internal, bit);
        if self.internal & bit != 0 {
            return self.values.get_mut(at).map(|old| core::mem::replace(old, value));
        }
        self.internal |= bit;
        self.values.insert(at, value);
        None
    }

    fn remove(&mut self, key: u128, len: u32) -> Option<T> {
        if len >= STRIDE {
            let bit = 1_u64 << chunk(key);
            if self.external & bit == 0 {
                return None;
            }
            let at = rank(self.external, bit);
            let child = self.children.get_mut(at)?;
            let old = child.remove(key << STRIDE, len - STRIDE);
            if child.internal == 0 && child.external == 0 {
                self.children.remove(at);
                self.external &= !bit;
                give_back(&mut self.children);
            }
            return old;
        }
        let bit = 1_u64 << position(key, len);
        if self.internal & bit == 0 {
            return None;
        }
        let at = rank(self.internal, bit);
        self.internal &= !bit;
        let old = self.values.remove(at);
        give_back(&mut self.values);
        Some(old)
    }

    fn collect<'a>(&'a self, key: u128, depth: u32, visit: &mut impl FnMut(u128, u8, &'a T)) {
        let mut bits = self.internal;
        for value in &self.values {
            let at = bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
            let len = (at + 1).ilog2();
            let own = u128::from(at + 1 - (1 << len));
            let total = depth + len;
            let own = if total == 0 { 0 } else { own << (128 - total) };
            visit(key | own, u8::try_from(total).unwrap_or(u8::MAX), value);
        }
        let mut bits = self.external;
        for child in &self.children {
            let own = u128::from(bits.trailing_zeros());
            bits &= bits.wrapping_sub(1);
            let depth = depth + STRIDE;
            // A last node below /126 covers bits that do not exist; they are zero.
            let own = if depth <= 128 { own << (128 - depth) } else { own >> (depth - 128) };
            child.collect(key | own, depth, visit);
        }
    }
}

fn give_back<T>(items: &mut Vec<T>) {
    if items.capacity() > 4 && items.len() * 4 <= items.capacity() {
        items.shrink_to_fit();
    }
}

/// How many members of `set` stand before `bit`.
fn rank(set: u64, bit: u64) -> usize {
    index((set & (bit - 1)).count_ones())
}

/// The next six bits of a key that is aligned to the top.
fn chunk(key: u128) -> u32 {
    u32::try_from(key >> (128 - STRIDE)).unwrap_or(0)
}

/// Where a prefix of relative length `len` (0 to 5) stands in a node.
fn position(key: u128, len: u32) -> u32 {
    (1 << len) - 1 + (chunk(key) >> (STRIDE - len))
}

fn key_of(prefix: IpNet) -> (u128, u32) {
    match prefix.trunc() {
        IpNet::V4(net) => (u128::from(u32::from(net.addr())) << 96, u32::from(net.prefix_len())),
        IpNet::V6(net) => (u128::from(net.addr()), u32::from(net.prefix_len())),
    }
}

fn net(addr: IpAddr, len: u8) -> Option<IpNet> {
    Some(match addr {
        IpAddr::V4(v4) => IpNet::V4(Ipv4Net::new(v4, len).ok()?.trunc()),
        IpAddr::V6(v6) => IpNet::V6(Ipv6Net::new(v6, len).ok()?.trunc()),
    })
}

fn v4_addr(key: u128) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(u32::try_from(key >> 96).unwrap_or(0)))
}

const STRIDE: u32 = 6;

/// For six address bits: the positions of all prefixes of length 0 to 5 that cover them.
const ANCESTORS: [u64; 64] = ancestors();

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const fn ancestors() -> [u64; 64] {
    let mut table = [0; 64];
    let mut bits = 0;
    while bits < 64 {
        let mut len = 0;
        while len < STRIDE {
            table[bits] |= 1 << ((1 << len) - 1 + (bits >> (STRIDE - len)));
            len += 1;
        }
        bits += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    pub(super) fn prefix() -> impl Strategy<Value = IpNet> {
        prop_oneof![
            (any::<u32>(), 0_u8..=32, 0_u32..3).prop_map(|(addr, len, dense)| {
                let addr = if dense == 0 { addr } else { addr & 0x0300_1f03 };
                IpNet::V4(Ipv4Net::new(addr.into(), len).unwrap().trunc())
            }),
            (any::<u128>(), 0_u8..=128, 0_u32..3).prop_map(|(addr, len, dense)| {
                let addr = if dense == 0 { addr } else { addr & 0x0300_0000_0000_0000_0000_0000_0000_0f07 };
                IpNet::V6(Ipv6Net::new(addr.into(), len).unwrap().trunc())
            }),
        ]
    }

    proptest! {
        #[test]
        fn agrees_with_a_linear_search(
            ops in prop::collection::vec((0_u8..4, prefix(), any::<u16>()), 0..200),
            probes in prop::collection::vec(prefix(), 20),
        ) {
            let (mut fib, mut model) = (Fib::new(), BTreeMap::new());
            for (op, prefix, value) in ops {
                if op == 0 {
                    let known = model.keys().next().copied().unwrap_or(prefix);
                    prop_assert_eq!(fib.remove(known), model.remove(&known));
                } else {
                    prop_assert_eq!(fib.insert(prefix, value), model.insert(prefix, value));
                }
            }
            prop_assert_eq!(fib.len(), model.len());
            prop_assert!(fib.iter().map(|(p, v)| (p, *v)).eq(model.iter().map(|(p, v)| (*p, *v))));
            let known: Vec<_> = model.keys().copied().collect();
            for probe in probes.iter().chain(&known) {
                prop_assert_eq!(fib.exact(*probe), model.get(probe));
                let addr = probe.addr();
                let best = model.iter().filter(|(p, _)| p.contains(&addr)).max_by_key(|(p, _)| p.prefix_len());
                prop_assert_eq!(fib.lookup(addr), best.map(|(p, v)| (*p, v)));
            }
            for p in known {
                fib.remove(p);
            }
            prop_assert!(fib.v4.children.is_empty() && fib.v6.children.is_empty() && fib.is_empty());
        }
    }

    #[test]
    fn the_default_route_and_host_routes_match() {
        let mut fib = Fib::new();
        fib.insert("0.0.0.0/0".parse().unwrap(), 0);
        fib.insert("255.255.255.255/32".parse().unwrap(), 32);
        fib.insert("::/0".parse().unwrap(), 6);
        fib.insert("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128".parse().unwrap(), 128);
        assert_eq!(fib.lookup("255.255.255.255".parse().unwrap()).map(|f| *f.1), Some(32));
        assert_eq!(fib.lookup("255.255.255.254".parse().unwrap()).map(|f| *f.1), Some(0));
        assert_eq!(fib.lookup("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap()).map(|f| *f.1), Some(128));
        assert_eq!(fib.lookup("fffe::".parse().unwrap()).map(|f| *f.1), Some(6));
    }
}
