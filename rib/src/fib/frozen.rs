//! A forwarding table that no longer changes: the nodes of a [`Fib`] in one array.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::IpAddr;

use ipnet::IpNet;

use super::{ANCESTORS, Fib, Node, STRIDE, chunk, net, rank};
use crate::num::{count, index};

/// A forwarding table for looking up alone: half the memory of a [`Fib`], no pointers between its nodes, and any number of
/// threads may read it.
///
/// ```
/// use bgp_rib::Fib;
///
/// let mut fib = Fib::new();
/// fib.insert("10.244.0.0/16".parse()?, "blackhole");
/// fib.insert("10.244.36.64/26".parse()?, "via 192.168.179.103");
/// let frozen = fib.freeze();
/// let (prefix, route) = frozen.lookup("10.244.36.70".parse()?).ok_or("no route")?;
/// assert_eq!((prefix.to_string().as_str(), *route), ("10.244.36.64/26", "via 192.168.179.103"));
/// assert_eq!(frozen.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrozenFib<T> {
    /// The roots of IPv4 and IPv6 first; the children of a node stand in a row.
    nodes: Box<[Frozen]>,
    values: Box<[T]>,
}

/// As [`Node`], with places in the arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frozen {
    internal: u64,
    external: u64,
    values: u32,
    children: u32,
}

const _: () = assert!(size_of::<Frozen>() == 24);

impl<T: Clone> Fib<T> {
    /// The table as it is now, for looking up alone. Beyond 2^32 - 1 prefixes it would lack some.
    #[must_use]
    pub fn freeze(&self) -> FrozenFib<T> {
        let (mut nodes, mut values) = (Vec::new(), Vec::with_capacity(self.len()));
        let mut queue: VecDeque<&Node<T>> = [&self.v4, &self.v6].into();
        let mut next = 2;
        while let Some(node) = queue.pop_front() {
            let Node { internal, external, .. } = *node;
            nodes.push(Frozen { internal, external, values: count(values.len()), children: next });
            next = next.saturating_add(count(node.children.len()));
            values.extend(node.values.iter().cloned());
            queue.extend(&node.children);
        }
        FrozenFib { nodes: nodes.into(), values: values.into() }
    }
}

impl<T> FrozenFib<T> {
    /// Number of prefixes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no prefix.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The longest prefix that covers `addr`, with its value.
    #[must_use]
    pub fn lookup(&self, addr: IpAddr) -> Option<(IpNet, &T)> {
        let (mut key, root) = match addr {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, 0),
            IpAddr::V6(v6) => (u128::from(v6), 1),
        };
        let (mut node, mut depth, mut best) = (self.nodes.get(root)?, 0, None);
        loop {
            let bits = chunk(key);
            let found = node.internal & ANCESTORS.get(index(bits)).copied().unwrap_or(0);
            if found != 0 {
                let at = 63 - found.leading_zeros();
                best = Some((depth + (at + 1).ilog2(), index(node.values) + rank(node.internal, 1 << at)));
            }
            let bit = 1_u64 << bits;
            if node.external & bit == 0 {
                break;
            }
            node = self.nodes.get(index(node.children) + rank(node.external, bit))?;
            key <<= STRIDE;
            depth += STRIDE;
        }
        let (len, at) = best?;
        Some((net(addr, u8::try_from(len).ok()?)?, self.values.get(at)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fib::tests::prefix;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_the_table_it_was(
            all in prop::collection::vec((prefix(), any::<u16>()), 0..200),
            probes in prop::collection::vec(prefix(), 20),
        ) {
            let mut fib = Fib::new();
            for (prefix, value) in &all {
                fib.insert(*prefix, *value);
            }
            let frozen = fib.freeze();
            prop_assert_eq!((frozen.len(), frozen.is_empty()), (fib.len(), fib.is_empty()));
            for probe in probes.iter().chain(all.iter().map(|(prefix, _)| prefix)) {
                prop_assert_eq!(frozen.lookup(probe.addr()), fib.lookup(probe.addr()));
                let covering: Vec<_> = fib.iter().filter(|(one, _)| one.contains(probe)).collect();
                let mut walked: Vec<_> = fib.covering(*probe).collect();
                prop_assert!(walked.is_sorted_by_key(|(one, _)| one.prefix_len()));
                walked.sort();
                prop_assert_eq!(walked, covering);
            }
        }
    }

    #[test]
    fn an_empty_table_has_nothing() {
        assert_eq!(Fib::<u8>::new().freeze().lookup("10.0.0.1".parse().unwrap()), None);
    }
}
