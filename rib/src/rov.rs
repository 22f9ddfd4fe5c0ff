//! Route origin validation (RFC 6811): a table of ROAs and the state of a prefix with its origin.

use alloc::vec::Vec;

use bgp_wire::Asn;
use bgp_wire::attr::AsPath;
use ipnet::IpNet;
use smallvec::SmallVec;

use crate::fib::Fib;

/// What an AS may originate: the prefix and longer ones in it, down to a length. A validated ROA payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(alias = "VRP")]
pub struct Roa {
    /// The prefix.
    pub prefix: IpNet,
    /// The greatest length of a prefix in it that the AS may originate; one below its own length counts as that.
    pub max_len: u8,
    /// The AS; AS 0 says that nobody may (RFC 6483 section 4).
    pub asn: Asn,
}

/// Whether the origin of a route is the right one (RFC 6811 section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "RFC 6811 section 2 has these three")]
pub enum RovState {
    /// A ROA that covers the prefix allows its length and origin.
    Valid,
    /// No ROA covers the prefix.
    NotFound,
    /// ROAs cover the prefix, and none allows it.
    Invalid,
}

/// ROAs, looked up by prefix.
///
/// ```
/// use bgp_rib::{Roa, RoaTable, RovState};
/// use bgp_wire::Asn;
///
/// let mut table = RoaTable::new();
/// table.insert(Roa { prefix: "203.0.112.0/22".parse()?, max_len: 23, asn: Asn(64496) });
/// assert_eq!(table.state("203.0.112.0/23".parse()?, Some(Asn(64496))), RovState::Valid);
/// assert_eq!(table.state("203.0.113.0/24".parse()?, Some(Asn(64496))), RovState::Invalid);
/// assert_eq!(table.state("198.51.100.0/24".parse()?, Some(Asn(64496))), RovState::NotFound);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct RoaTable {
    roas: Fib<SmallVec<[(u8, Asn); 1]>>,
    len: usize,
}

impl RoaTable {
    /// A table without ROAs: every route is [`RovState::NotFound`].
    #[must_use]
    pub fn new() -> RoaTable {
        RoaTable::default()
    }

    /// Number of ROAs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a ROA; false: it was there.
    pub fn insert(&mut self, roa: Roa) -> bool {
        let (prefix, row) = row(roa);
        let Some(mut rows) = self.roas.exact(prefix).cloned() else {
            self.roas.insert(prefix, SmallVec::from_iter([row]));
            self.len += 1;
            return true;
        };
        if rows.contains(&row) {
            return false;
        }
        rows.push(row);
        self.roas.insert(prefix, rows);
        self.len += 1;
        true
    }

    /// Takes a ROA out; false: it was not there.
    pub fn remove(&mut self, roa: Roa) -> bool {
        let (prefix, row) = row(roa);
        let Some(mut rows) = self.roas.exact(prefix).filter(|rows| rows.contains(&row)).cloned() else { return false };
        rows.retain(|one| *one != row);
        if rows.is_empty() {
            self.roas.remove(prefix);
        } else {
            self.roas.insert(prefix, rows);
        }
        self.len -= 1;
        true
    }

    /// The state of a prefix with its origin; `None`: it has no origin AS, and cannot be valid.
    #[must_use]
    pub fn state(&self, prefix: IpNet, origin: Option<Asn>) -> RovState {
        let mut state = RovState::NotFound;
        for (_, rows) in self.roas.covering(prefix) {
            let allows =
                |(max_len, asn): &(u8, Asn)| prefix.prefix_len() <= *max_len && Some(*asn) == origin && *asn != Asn(0);
            if rows.iter().any(allows) {
                return RovState::Valid;
            }
            state = RovState::Invalid;
        }
        state
    }

    /// The state of a route. Its origin is the last AS of the last AS_SEQUENCE; a path that is empty or ends with an AS_SET
    /// or confederation segment has none.
    ///
    /// RFC 6811 takes our own AS where the path is empty; routes that begin in our own AS are none that we validate.
    #[must_use]
    pub fn route_state(&self, prefix: IpNet, path: &AsPath<'_>) -> RovState {
        if self.is_empty() { RovState::NotFound } else { self.state(prefix, path.origin()) }
    }

    /// All ROAs, in the order of their prefixes.
    pub fn iter(&self) -> impl Iterator<Item = Roa> {
        let all: Vec<_> = self.roas.iter().collect();
        all.into_iter().flat_map(|(prefix, rows)| {
            rows.iter().map(move |(max_len, asn)| Roa { prefix, max_len: *max_len, asn: *asn })
        })
    }
}

impl FromIterator<Roa> for RoaTable {
    fn from_iter<I: IntoIterator<Item = Roa>>(roas: I) -> RoaTable {
        let mut table = RoaTable::new();
        for roa in roas {
            table.insert(roa);
        }
        table
    }
}

fn row(roa: Roa) -> (IpNet, (u8, Asn)) {
    (roa.prefix.trunc(), (roa.max_len.max(roa.prefix.prefix_len()), roa.asn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn roa(prefix: &str, max_len: u8, asn: u32) -> Roa {
        Roa { prefix: prefix.parse().unwrap(), max_len, asn: Asn(asn) }
    }

    fn state(table: &RoaTable, prefix: &str, origin: Option<u32>) -> RovState {
        table.state(prefix.parse().unwrap(), origin.map(Asn))
    }

    #[test]
    fn rfc6811_2_any_covering_roa_can_make_it_valid() {
        let table: RoaTable = [roa("10.0.0.0/8", 8, 1), roa("10.1.0.0/16", 24, 2)].into_iter().collect();
        assert_eq!(state(&table, "10.0.0.0/8", Some(1)), RovState::Valid);
        assert_eq!(state(&table, "10.1.0.0/16", Some(1)), RovState::Invalid, "longer than allowed");
        assert_eq!(state(&table, "10.1.2.0/24", Some(2)), RovState::Valid);
        assert_eq!(state(&table, "10.1.2.0/25", Some(2)), RovState::Invalid);
        assert_eq!(state(&table, "11.0.0.0/8", Some(1)), RovState::NotFound);
        assert_eq!(state(&table, "0.0.0.0/0", Some(1)), RovState::NotFound, "covered means inside");
    }

    #[test]
    fn rfc6811_2_without_an_origin_nothing_is_valid() {
        let table: RoaTable = [roa("10.0.0.0/8", 8, 1)].into_iter().collect();
        assert_eq!(state(&table, "10.0.0.0/8", None), RovState::Invalid);
        assert_eq!(state(&table, "11.0.0.0/8", None), RovState::NotFound);
    }

    #[test]
    fn rfc6483_4_as_0_is_never_the_right_origin() {
        let table: RoaTable = [roa("10.0.0.0/8", 8, 0)].into_iter().collect();
        assert_eq!(state(&table, "10.0.0.0/8", Some(0)), RovState::Invalid);
    }

    fn any_roa() -> impl Strategy<Value = Roa> {
        (0_u8..4, 6_u8..12, 0_u8..4, 1_u32..4).prop_map(|(first, len, more, asn)| Roa {
            prefix: IpNet::new([first << 6, first << 4, 0, 0].into(), len).unwrap().trunc(),
            max_len: len + more,
            asn: Asn(asn),
        })
    }

    proptest! {
        #[test]
        fn rfc6811_2_agrees_with_a_search_of_all_roas(
            ops in prop::collection::vec((any::<bool>(), any_roa()), 0..60),
            routes in prop::collection::vec(any_roa(), 20),
        ) {
            let (mut table, mut all) = (RoaTable::new(), Vec::new());
            for (add, roa) in ops {
                if add {
                    prop_assert_eq!(table.insert(roa), !all.contains(&roa));
                    if !all.contains(&roa) { all.push(roa); }
                } else {
                    prop_assert_eq!(table.remove(roa), all.contains(&roa));
                    all.retain(|one| *one != roa);
                }
            }
            prop_assert_eq!(table.len(), all.len());
            for Roa { prefix, asn, .. } in routes {
                let covering: Vec<_> = all.iter().filter(|roa| roa.prefix.contains(&prefix)).collect();
                let valid = covering.iter().any(|roa| roa.asn == asn && prefix.prefix_len() <= roa.max_len);
                let expected = match (covering.is_empty(), valid) {
                    (true, _) => RovState::NotFound,
                    (false, true) => RovState::Valid,
                    (false, false) => RovState::Invalid,
                };
                prop_assert_eq!(table.state(prefix, Some(asn)), expected);
            }
        }
    }
}
